"""One text for all languages becomes one for each: a flow in one language is translated too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import polib  # ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.designer.i18n_sources import TEXTS, flow, values, written
from ussd_app import menus
from ussd_app.application import Application
from ussd_app.designer.i18n import Status, export, merge, pseudo, status
from ussd_app.flow.compiler import Library, examine

MENUS = Path(str(menus.__file__)).parent
ONE = "{default: fr}"


def translated(source: str, language: str, text: str) -> str:
    """The source with its only text translated."""
    po = polib.pofile(export(source, "f.yaml", language))
    assert len(po) == 1
    po[0].msgstr = text
    merged, not_taken = merge(source, "f.yaml", str(po), language)
    assert not not_taken
    return merged


def test_one_text_for_all_languages_is_exported_without_a_translation() -> None:
    po = polib.pofile(export(flow(' "Payé {x|money}"'), "f.yaml", "en"))

    assert [(each.msgctxt, each.msgid, each.msgstr) for each in po] == [
        ("states.a.end", "Payé {x|money}", "")
    ]
    assert po[0].comment == (
        'end "a": the text of the screen\none text for all languages so far\nmust stay: {x|money}'
    )


@pytest.mark.parametrize("text", ["{row.date|date} {row.kwh}", "{{7}} {x}", "*789#", "100%", ""])
def test_a_text_without_a_letter_outside_its_places_is_not_exported(text: str) -> None:
    assert len(polib.pofile(export(flow(f' "{text}"'), "f.yaml", "en"))) == 0


def test_the_places_of_a_row_in_a_shipped_flow_are_not_exported() -> None:
    name = "buy-electricity.yaml"
    source = (MENUS / name).read_text("utf-8")

    po = polib.pofile(export(source, name, "mos"))

    assert 'row: "{row.' in source
    assert [each.msgctxt for each in po if each.msgctxt.endswith(".row")] == []
    assert [each.msgid for each in po if not re.search("[^\\W\\d_]", each.msgid)] == []


WHERE = """\
languages: {default: fr}
on_drop: [{states: [a], text: Revenez}]
args: {given: {type: text, label: donné}}
vars:
  size: {type: choice, values: {s: Petit}, label: taille}
  other: {type: choice, values: [petit]}
  name: {type: text}
returns: {ok: {said: Oui, id: "{name}"}}
states:
  a:
    menu: [Bonjour, {text: Encore, when: "{name} is set"}, "{name}"]
    options: [{label: Choisir, key: "*", next: b}, {label: "2", next: b}]
    otherwise: {save: name, check: [{rule: luhn, error: Faux}], next: b}
  b: {list: Codes, rows: "{codes}", row: "le {row.day}", save: code, next: c}
  c:
    call: sms.send
    in: fr
    with: {text: Merci, to: "{name}"}
    outcomes: {no: d}
  d:
    set:
      name: Moi
      size: s
      count: {function: rows.sum, with: {rows: "{codes}", field: price}}
      priced: {function: market.price, with: {code: abc}}
  e: {flow: f, with: {what: du riz}}
"""


def test_a_text_is_exported_only_where_it_may_be_told_by_language_and_is_no_known_code() -> None:
    po = polib.pofile(export(WHERE, "f.yaml", "en"))

    assert [(each.msgctxt, each.msgid) for each in po] == [
        ("on_drop[1].text", "Revenez"),
        ("args.given.label", "donné"),
        ("vars.size.values.s", "Petit"),
        ("vars.size.label", "taille"),
        ("returns.ok.said", "Oui"),
        ("states.a.menu[1]", "Bonjour"),
        ("states.a.menu[2]", "Encore"),
        ("states.a.options[1].label", "Choisir"),
        ("states.a.otherwise.check[1].error", "Faux"),
        ("states.b.list", "Codes"),
        ("states.b.row", "le {row.day}"),
        ("states.c.with.text", "Merci"),
        ("states.d.set.name", "Moi"),
        ("states.d.set.priced.with.code", "abc"),
        ("states.e.with.what", "du riz"),
    ]
    values_said = [each.msgctxt for each in po if "perhaps a code" in each.comment]
    assert [each.split(".")[1] for each in values_said] == ["ok", "c", "d", "d", "e"]


DEEP = "\n      "
LONG = "Une phrase assez longue pour ne pas tenir deux fois"


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        (" Oui", "Aye", " {fr: Oui, en: Aye}"),
        (' "Oui, toi"', "Aye", ' {fr: "Oui, toi", en: "Aye"}'),
        (" 'l''un'  # c", "it's", " {fr: 'l''un', en: 'it''s'}  # c"),
        (" Oui", "Oui", " {fr: Oui, en: Oui}"),
        ("\n      Oui\n", "Aye", "\n      {fr: Oui, en: Aye}\n"),
        ("\n      - Oui\n", "Aye", "\n      - {fr: Oui, en: Aye}\n"),
        (" [Oui]", "Aye", " [{fr: Oui, en: Aye}]"),
        (" [text: Oui]", "Aye", " [text: {fr: Oui, en: Aye}]"),
        (
            '\n      - text: Oui\n        when: "{x} is set"\n',
            "Aye",
            '\n      - text: {fr: Oui, en: Aye}\n        when: "{x} is set"\n',
        ),
        (" Oui, toi  # c\n", "Aye", "\n      fr: Oui, toi  # c\n      en: Aye\n"),
        (" Nom?", "Name?", '\n      fr: Nom?\n      en: "Name?"'),
        ("\n      - Oui, toi\n", "Aye", "\n      - fr: Oui, toi\n        en: Aye\n"),
        ("\n        Oui, toi\n", "Aye", "\n        fr: Oui, toi\n        en: Aye\n"),
        (" :-) Oui", "Aye", "\n      fr: :-) Oui\n      en: Aye"),
        ("\t Oui, toi", "Aye", '\t {fr: "Oui, toi", en: Aye}'),
        (f' "{LONG}"', LONG, f'\n      fr: "{LONG}"\n      en: "{LONG}"'),
        (f' ["{LONG}"]', LONG, f' [{{fr: "{LONG}", en: "{LONG}"}}]'),
        (' "un\n      deux"\n', "a\nb", '\n      fr: "un\n        deux"\n      en: "a\\nb"\n'),
        (
            " |-  # c\n      un\n\n        deux\n\n",
            "a",
            "\n      fr: |-  # c\n        un\n\n          deux\n      en: |-\n        a\n\n",
        ),
        (
            "\n      - |\n        un\n      # c\n",
            "a\n",
            "\n      - fr: |\n          un\n        en: |\n          a\n      # c\n",
        ),
        (" |\n      un", "a", "\n      en: |-\n        a\n      fr: |\n        un"),
        (
            " |-\n      un\n        \n",
            "a",
            "\n      fr: |-\n        un\n          \n      en: |-\n        a\n",
        ),
        (" |2-\n      un\n", "a", '\n      fr: |2-\n        un\n      en: "a"\n'),
    ],
)
def test_one_text_becomes_one_for_each_language(before: str, text: str, after: str) -> None:
    merged = translated(flow(before, ONE), "en", text)

    assert merged == flow(after, "{default: fr, also: [en]}")
    was = next(value for path, value in values(flow(before, ONE)).items() if "states" in str(path))
    assert {was, text} <= set(values(merged).values())


@pytest.mark.parametrize(
    ("language", "before", "after"),
    [
        ("en", " Oui", " {fr: Oui, sw: Oui, en: A}"),
        ("sw", " Oui", " {fr: Oui, sw: A}"),
        ("fr", " Oui", " {fr: A, sw: Oui}"),
        ("en", " A, b", "\n      fr: A, b\n      sw: A, b\n      en: A"),
        ("fr", " A, b", "\n      fr: A\n      sw: A, b"),
        ("en", " |\n      a", f"{DEEP}sw: |-{DEEP}  a{DEEP}en: |-{DEEP}  A{DEEP}fr: |{DEEP}  a"),
        ("en", " >\n      a\n", f"{DEEP}fr: >{DEEP}  a{DEEP}sw: >{DEEP}  a{DEEP}en: >-{DEEP}  A\n"),
    ],
)
def test_the_other_languages_keep_the_text(language: str, before: str, after: str) -> None:
    merged = translated(flow(before, "{default: fr, also: [sw]}"), language, "A")

    also = "[sw, en]" if language == "en" else "[sw]"
    assert merged == flow(after, f"{{default: fr, also: {also}}}")


def test_the_only_language_is_corrected_in_place() -> None:
    source = flow(' "Oui"', ONE)
    po = polib.pofile(export(source, "f.yaml", "fr"))

    assert (po[0].msgstr, "so far" in po[0].comment) == ("Oui", False)
    assert merge(source, "f.yaml", str(po), "fr") == (source, [])
    assert translated(source, "fr", "Si") == flow(' "Si"', ONE)


def test_what_is_not_translated_stays_one_text_for_all() -> None:
    source = flow("\n      - Oui\n      - kWh\n", ONE)
    po = polib.pofile(export(source, "f.yaml", "en"))
    po[0].msgstr = "Aye"

    merged, not_taken = merge(source, "f.yaml", str(po), "en")

    assert merged == flow("\n      - {fr: Oui, en: Aye}\n      - kWh\n")
    assert not_taken == []


def test_a_translation_is_taken_once_and_only_with_its_places() -> None:
    source = flow(' "Payé {x}"', ONE)
    po = polib.pofile(export(source, "f.yaml", "en"))
    po[0].msgstr = "Paid"

    lacks = ["states.a.end: the translation lacks {x}"]
    assert merge(source, "f.yaml", str(po), "en") == (source, lacks)
    po[0].msgstr = "Paid {x}"
    twice = f'{po}\nmsgctxt "states.a.end"\nmsgid "Payé {{x}}"\nmsgstr "{{x}} paid"\n'
    merged, not_taken = merge(source, "f.yaml", twice, "en")
    assert merged == flow(' {fr: "Payé {x}", en: "Paid {x}"}')
    assert not_taken == ["states.a.end: it stands twice in the PO; the first one counts"]


def test_the_frameworks_own_texts_may_be_in_one_language_and_messages_may_not() -> None:
    system = "languages: [fr]\ntexts:\n  back: Retour\n"
    messages = "default_language: fr\nmessages:\n  paid: Payé\n"

    assert translated(system, "en", "Back") == (
        "languages: [fr, en]\ntexts:\n  back: {fr: Retour, en: Back}\n"
    )
    assert len(polib.pofile(export(messages, "sms.yaml", "en"))) == 0


def test_status_counts_one_text_for_all_as_translated_into_each_and_the_same() -> None:
    body = '\n      - Oui\n      - {fr: Non, en: "No"}\n      - "{x} {y}"\n'

    assert status(flow(body), "f.yaml") == [
        Status("fr", total=2, translated=2, missing=0, same=0),
        Status("en", total=2, translated=2, missing=0, same=1),
    ]
    assert status(flow(" Oui", ONE), "f.yaml") == [Status("fr", 1, 1, 0, 0)]


def test_a_pseudo_language_is_made_up_for_one_text_for_all_and_never_for_codes() -> None:
    found = values(pseudo(WHERE, "f.yaml"))

    assert found["states", "b", "list", "qps"] == "<Çòdés>"
    assert found["states", "c", "with", "text"] == "Merci"
    assert found["languages", "also", 0] == "qps"


@dataclass(frozen=True)
class Shared:
    """A source, and where its texts for all languages stand by their context."""

    source: str
    languages: tuple[str, ...]
    paths: dict[str, tuple[object, ...]]


_PLAIN = ["Oui, toi", "Nom?", ":-) oui", "a:b, c", "Oui,\n          et plus"]
_BLANKS = "|-\n          a\n            "


@st.composite
def shared(draw: st.DrawFn) -> Shared:
    """A flow of texts for all languages, in all styles, wherever they may stand."""
    also = draw(st.sampled_from([(), ("sw",), ("sw", "en")]))
    lines = ["# ç 😀", "cassou: 1", f"languages: {{default: fr, also: [{', '.join(also)}]}}  # c2"]
    lines.append("states:")
    paths: dict[str, tuple[object, ...]] = {}
    anything = st.one_of(written(block=True), st.sampled_from([*_PLAIN, _BLANKS]))
    for number in range(draw(st.integers(1, 4))):
        lines.append(f"  s{number}:  # state {number}")
        at, inner = f"states.s{number}.end", ("states", f"s{number}", "end")
        outside, inside = draw(anything), draw(written(block=False))
        comment = draw(st.sampled_from(["", "  # behind"])) * (outside[0] not in "|>")
        match draw(st.sampled_from(["map", "line", "key", "items", "part", "braces", "pair"])):
            case "map":
                lines.append(f"    end: {outside}{comment}")
                paths[at] = inner
            case "line":
                lines += ["    end:  # c", f"          {outside}{comment}"]
                paths[at] = inner
            case "key":
                lines += ["    ? end", f"    : {outside}{comment}"]
                paths[at] = inner
            case "items":
                lines += ["    end:", f"      - {outside}{comment}", f"      - {inside}"]
                paths[f"{at}[1]"], paths[f"{at}[2]"] = (*inner, 0), (*inner, 1)
            case "part":
                lines += ["    end:", f"    - text: {outside}{comment}", '      when: "{x} is set"']
                paths[f"{at}[1]"] = (*inner, 0, "text")
            case "braces":
                lines.append(f"    end: [{inside}, {{text: {inside}, rows: '{{x}}'}}]  # c")
                paths[f"{at}[1]"], paths[f"{at}[2]"] = (*inner, 0), (*inner, 1, "text")
            case "pair":
                lines.append(f"    end: [text: {inside}]")
                paths[f"{at}[1]"] = (*inner, 0, "text")
    text = "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n# the end\n"]))
    mark = draw(st.sampled_from(["", "\ufeff"]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    return Shared(mark + text.replace("\n", end), ("fr", *also), paths)


@settings(deadline=None)
@given(shared(), st.sampled_from(["fr", "sw", "mos"]))
def test_nothing_translated_changes_nothing(given_: Shared, language: str) -> None:
    source = given_.source

    assert merge(source, "f.yaml", export(source, "f.yaml", language), language) == (source, [])


@settings(deadline=None)
@given(shared(), st.sampled_from(["fr", "sw", "mos"]), st.data())
def test_every_language_has_its_text_and_the_rest_stays(
    given_: Shared, language: str, data: st.DataObject
) -> None:
    source, languages = given_.source, given_.languages
    po = polib.pofile(export(source, "f.yaml", language))
    expected = values(source)
    assert [entry.msgctxt for entry in po] == list(given_.paths)
    for entry in po:
        drawn = data.draw(st.one_of(st.just(""), TEXTS)).replace("{x}", "")
        entry.msgstr = drawn and drawn + "{x}" * ("{x}" in entry.msgid)
        path = given_.paths[entry.msgctxt]
        if entry.msgstr and languages == (language,):
            expected[path] = entry.msgstr
        elif entry.msgstr:
            old = expected.pop(path)
            expected |= {(*path, each): old for each in languages}
            expected[*path, language] = entry.msgstr
            if language not in languages:
                expected["languages", "also", len(languages) - 1] = language

    merged, not_taken = merge(source, "f.yaml", str(po), language)

    assert not_taken == []
    assert values(merged) == expected
    comments = ["# ç", "# c2", "# state", "# behind", "# k", "# the end"]
    assert [each for each in comments if source.count(each) != merged.count(each)] == []
    assert len(set(re.findall("\r\n|[\n\r]", merged))) <= 1
    assert merge(merged, "f.yaml", str(po), language)[0] == merged


WHOLE = """\
cassou: 1
flow: whole
service_codes: ["*300#"]
languages: {{default: {default}}}
start: home
on_drop: [{{states: [home], text: {0}}}]
vars:
  size: {{type: choice, values: {{s: {1}, l: "L"}}, label: {2}}}
  name: {{type: text, lengths: [2, 9]}}
states:
  home:
    menu:
      - {3}
      - text: {4}
        when: "{{name}} is set"
      - {{text: {5}, when: "{{size}} is set"}}
      - "{{msisdn}} 1"
    options:
      - {{label: {6}, next: size}}
      - label: {7}
        next: name
  size: {{input: {8}, save: size, attempts: {{next: bye}}, next: put}}
  name:
    input: {9}
    save: name
    check: [{{when: "{{name}} != x", error: {10}}}]
    attempts: {{next: bye}}
    next: told
  put:
    set: {{name: {11}}}
    next: told
  told: {{show: {12}, next: home}}
  bye:
    end: {13}
"""
_WORDS = st.sampled_from(["Oui", "Énergie", '"Un, deux"', "'n° 1'"])
_SCALARS = st.one_of(
    _WORDS, st.sampled_from(["Oui, toi", "Nom?", "|-\n            un\n            m"])
)
#: Those of the texts above that stand in no braces.
_FREE = {3, 4, 7, 9, 13}


@settings(deadline=None, max_examples=50)
@given(st.data(), st.sampled_from([("fr", "en"), ("en", "fr")]))
def test_a_flow_in_one_language_is_right_in_another_once_it_is_translated(
    data: st.DataObject, languages: tuple[str, str]
) -> None:
    default, other = languages
    texts = [data.draw(_SCALARS if number in _FREE else _WORDS) for number in range(14)]
    texts[6], texts[7] = "A", "B"
    source = WHOLE.format(*texts, default=default)
    library = Library.of({}, Application())
    assert examine(source, "f.yaml", library).diagnostics == ()
    po = polib.pofile(export(source, "f.yaml", other))
    assert len(po) == len(texts) + 1
    for entry in po:
        entry.msgstr = f"x{entry.msgid[1:]}{'7' * ('label' in entry.msgctxt)}"

    merged, not_taken = merge(source, "f.yaml", str(po), other)

    assert not_taken == []
    compiled = examine(merged, "f.yaml", library)
    assert compiled.diagnostics == ()
    assert compiled.flow is not None
    assert compiled.flow.languages == languages
    assert [row.missing for row in status(merged, "f.yaml")] == [0, 0]
    assert all(entry.msgstr for entry in polib.pofile(export(merged, "f.yaml", other)))
