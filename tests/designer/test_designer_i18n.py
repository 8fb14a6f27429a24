"""Texts out to PO files and back: nothing but the texts that were translated may change."""

from __future__ import annotations

from pathlib import Path

import polib  # ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.designer.i18n_sources import flow, values
from ussd_app import menus
from ussd_app.application import Application
from ussd_app.designer.i18n import BadPo, Status, export, merge, pseudo, pseudo_system, status
from ussd_app.flow.compiler import Library, compile_source
from ussd_app.flow.diagnostics import FlowError
from ussd_app.render import gsm7, texts
from workers.application import FILTERS

MENUS = Path(str(menus.__file__)).parent
FILES = sorted(path for path in MENUS.glob("*.yaml") if path.stem != "catalogue")

EVERYWHERE = """\
# A flow with a text wherever one may stand.
cassou: 1
flow: everywhere
service_codes: ["*1#"]
languages: {default: fr, also: [en]}
start: home
on_drop:
  - {states: [home], text: {fr: Revenez, en: Come back}}
vars:
  size: {type: choice, values: {s: {fr: Petit, en: Small}, l: {fr: Grand, en: Large}}}
  name: {type: text, label: {fr: nom, en: name}}
returns:
  ok: {said: {fr: Oui, en: "Yes"}, id: "{name}"}
states:
  home:
    menu:
      - {fr: Bonjour, en: Hello, when: "{name} is set"}
      - text: {fr: "{name}", en: "{name}"}
        when: "{name} is set"
      - "{row.number}"
    options:
      - {label: {fr: Choisir, en: Choose}, next: pick}
      - {label: OK, next: ask}
    otherwise:
      save: name
      check: [{rule: luhn, error: {fr: Faux, en: Wrong}}]
      next: ask
  pick:
    list: {fr: Codes, en: Tokens}
    rows: "{codes}"
    row: {fr: "le {row.day}", en: "on {row.day}"}
    save: code
    next: ask
    options: [{label: {fr: Autre, en: Other}, next: ask}]
  ask:
    input: {fr: "Nom?", en: "Name?"}
    save: name
    check: [{when: "{name} != x", error: {fr: Pas x, en: Not x}}]
    next: tell
  tell:
    call: sms.send
    with: {text: {fr: Merci, en: Thanks}, to: "{name}"}
    outcomes: {no: bye, fr: bye}
  put:
    set:
      name: {fr: Moi, en: Me}
      size: {function: text.of, with: {value: {fr: s, en: l}}}
    next: below
  below:
    flow: below
    with: {name: {fr: a, en: b}}
    outcomes: {ok: bye}
  seen: {show: {fr: Vu, en: Seen}, next: bye}
  late: {wait: {fr: Attendez, en: Wait}, next: bye}
  bye: {end: {fr: Adieu, en: Bye}}
"""

CONTEXTS = """\
on_drop[1].text
vars.size.values.s
vars.size.values.l
vars.name.label
returns.ok.said
states.home.menu[1]
states.home.menu[2]
states.home.options[1].label
states.home.options[2].label
states.home.otherwise.check[1].error
states.pick.list
states.pick.row
states.pick.options[1].label
states.ask.input
states.ask.check[1].error
states.tell.with.text
states.put.set.name
states.put.set.size.with.value
states.below.with.name
states.seen.show
states.late.wait
states.bye.end
""".splitlines()


@pytest.mark.parametrize("language", ["fr", "en", "mos"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_file_out_and_back_in_is_the_same_file(path: Path, language: str) -> None:
    for source in (path.read_text("utf-8"), path.read_text("utf-8").replace("\n", "\r\n")):
        po = export(source, path.name, language)

        assert merge(source, path.name, po, language) == (source, [])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_file_takes_a_new_language_and_nothing_else_changes(path: Path) -> None:
    source = path.read_text("utf-8")
    po = polib.pofile(export(source, path.name, "mos"))
    for entry in po:
        entry.msgstr = f"«{entry.msgid}»"

    merged, not_taken = merge(source, path.name, str(po), "mos")

    assert not_taken == []
    assert [entry.msgstr for entry in polib.pofile(export(merged, path.name, "mos"))] == [
        entry.msgstr for entry in po
    ]
    before, after = values(source), values(merged)
    assert {key: value for key, value in after.items() if key in before} == before
    added = [value for key, value in after.items() if key not in before]
    assert sorted(added) == sorted([entry.msgstr for entry in po] + ["mos"] * (path.stem != "sms"))
    assert [row.missing for row in status(merged, path.name)] == [0, 0, 0]


def test_every_place_where_a_text_may_stand_is_exported_once_in_order() -> None:
    po = polib.pofile(export(EVERYWHERE, "f.yaml", "en"))

    assert [entry.msgctxt for entry in po] == CONTEXTS
    assert [entry.msgid for entry in po if not entry.msgstr] == ["OK"]


def test_an_entry_says_what_a_translator_must_know() -> None:
    po = polib.pofile(export(EVERYWHERE, "menus/f.yaml", "en"))
    row = next(entry for entry in po if entry.msgctxt == "states.pick.row")
    given_to = next(entry for entry in po if entry.msgctxt == "states.tell.with.text")

    assert (row.msgid, row.msgstr) == ("le {row.day}", "on {row.day}")
    assert row.occurrences == [("menus/f.yaml", "31")]
    assert row.comment == 'list "pick": one row of the list\nmust stay: {row.day}'
    assert "perhaps a code" in given_to.comment


def test_the_header_names_language_charset_project_and_flow() -> None:
    po = polib.pofile(export(EVERYWHERE, "f.yaml", "mos"))

    assert po.metadata["Language"] == "mos"
    assert po.metadata["Content-Type"] == "text/plain; charset=UTF-8"
    assert po.metadata["Project-Id-Version"] == "Cassou everywhere"
    assert po.metadata["X-Flow"] == "everywhere"
    assert "count from 1" in po.header


def test_the_same_words_at_two_places_are_two_entries() -> None:
    source = flow("\n      - {fr: Oui, en: Yes}\n      - {fr: Oui, en: Yeah}\n")
    po = polib.pofile(export(source, "f.yaml", "en"))

    assert [(entry.msgid, entry.msgstr) for entry in po] == [("Oui", "Yes"), ("Oui", "Yeah")]


def test_a_translation_of_nothing_declares_nothing() -> None:
    source = flow(" {fr: Oui}", "{default: fr}")

    assert merge(source, "f.yaml", export(source, "f.yaml", "en"), "en") == (source, [])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"msgctxt": "states.b.end"}, "states.b.end: the file has no such text any more"),
        ({"msgctxt": None}, "an entry without msgctxt: the file has no such text any more"),
        (
            {"msgid": "Payé"},
            'states.a.end: the text has changed since the export; it is now "Payé {x|money} {{!}}"',
        ),
        ({"msgstr": "Paid"}, "states.a.end: the translation lacks {x|money}"),
        (
            {"msgstr": "Paid {x} {y.z}"},
            "states.a.end: the translation lacks {x|money}; the source text has no {x} {y.z}",
        ),
        (
            {"msgstr": "Paid {x|money} {Y}"},
            """states.a.end: the translation cannot be read: "{Y}" is not a name, a field \
and filters: {name.field|filter}""",
        ),
        ({"flags": ["fuzzy"]}, "states.a.end: it is marked fuzzy; confirm it in the PO"),
        (
            {"msgstr": "", "msgid_plural": "s", "msgstr_plural": {0: "a"}},
            "states.a.end: it has plural forms, which a text has not",
        ),
    ],
)
def test_what_is_not_taken_is_said_and_changes_nothing(
    change: dict[str, object], sentence: str
) -> None:
    source = flow(' {fr: "Payé {x|money} {{!}}"}')
    po = polib.pofile(export(source, "f.yaml", "en"))
    po[0].msgstr = "Paid {x|money}"
    for name, value in change.items():
        setattr(po[0], name, value)

    assert merge(source, "f.yaml", str(po), "en") == (source, [sentence])


def test_an_entry_that_stands_twice_counts_once() -> None:
    source = flow(" {fr: Oui}")
    po = polib.pofile(export(source, "f.yaml", "en"))
    po[0].msgstr = "Aye"
    twice = f'{po}\nmsgctxt "states.a.end"\nmsgid "Oui"\nmsgstr "Yeah"\n'

    merged, not_taken = merge(source, "f.yaml", twice, "en")

    assert merged == flow(" {fr: Oui, en: Aye}")
    assert not_taken == ["states.a.end: it stands twice in the PO; the first one counts"]


@pytest.mark.parametrize(
    ("po", "sentence"),
    [
        ('msgid "a"\nmsgstr "b""\n', "line 2: unescaped double quote found"),
        ('msgid "a"\n\nhello\n', "line 3: this is not a line of a PO file"),
        ('msgstr "b"\n', "line 1: this is not a line of a PO file"),
        (str(FILES[0]), "line 1: this is not a line of a PO file"),
    ],
)
def test_a_po_that_cannot_be_read_is_refused_with_its_line(po: str, sentence: str) -> None:
    with pytest.raises(BadPo) as caught:
        merge(EVERYWHERE, "f.yaml", po, "en")

    assert str(caught.value) == sentence


@settings(deadline=None)
@given(st.lists(st.sampled_from([*'"#~|:.,\\n[0]\n 1a', "msgid", "msgstr", "msgctxt"])))
def test_any_po_is_read_or_refused(pieces: list[str]) -> None:
    try:
        merged, _ = merge(EVERYWHERE, "f.yaml", "".join(pieces), "en")
    except BadPo:
        return

    assert merged == EVERYWHERE


def test_a_po_for_another_language_is_refused() -> None:
    po = export(EVERYWHERE, "f.yaml", "mos")

    with pytest.raises(BadPo, match='for "mos"'):
        merge(EVERYWHERE, "f.yaml", po, "en")
    assert merge(EVERYWHERE, "f.yaml", po.replace("mos", "en_GB"), "en")[1] == []


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("a: [", "not YAML"),
        ("", "empty"),
        ("- a", "keys with values"),
        ("a: b", "no texts to translate"),
        ("states: {}", '"default:"'),
        ("languages: {default: fr, also: en}\nstates: {}", "must be a list"),
        ("languages: {default: fr, also: [[en]]}\nstates: {}", "one word"),
        ("texts: {}", "at least one language"),
        ("messages: {}", '"default_language:"'),
        ("states: &a {}", "anchor"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_flow_error(source: str, sentence: str) -> None:
    with pytest.raises(FlowError, match=sentence) as caught:
        status(source, "f.yaml")

    assert caught.value.sources == {"f.yaml": source}


def test_a_language_is_two_or_three_letters() -> None:
    for language in ("", "EN", "en GB", "english"):
        with pytest.raises(ValueError, match="two or three letters"):
            export(EVERYWHERE, "f.yaml", language)
        with pytest.raises(ValueError, match="two or three letters"):
            merge(EVERYWHERE, "f.yaml", "", language)
        with pytest.raises(ValueError, match="two or three letters"):
            pseudo(EVERYWHERE, "f.yaml", language)


def test_status_counts_texts_by_language() -> None:
    source = flow(
        "\n      - {fr: Oui, en: Oui}\n      - {fr: Non}\n      - {fr: Si, en: ''}\n"
        '      - {fr: "{a}: 1", en: "{a}: 1"}\n      - {fr: Ici, en: Here}\n      - Code\n'
    )

    assert status(source, "f.yaml") == [
        Status("fr", total=6, translated=6, missing=0, same=0),
        Status("en", total=6, translated=4, missing=2, same=2),
    ]


def test_a_pseudo_language_stretches_words_and_leaves_places() -> None:
    source = flow(' {fr: "Bonjour {nom|upper},\\nvoici {{1}} code.\\n", en: x}')

    assert values(pseudo(source, "f.yaml"))["states", "a", "end", "qps"] == (
        "<Bòñjòùr {nom|upper},\nvòìcì {{1}} còdé. lòré>\n"
    )


def test_a_pseudo_language_copies_values_that_may_be_codes() -> None:
    found = values(pseudo(EVERYWHERE, "f.yaml"))

    assert found["states", "tell", "with", "text", "qps"] == "Merci"
    assert found["states", "ask", "input", "qps"] == "<Ñòm?>"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_pseudo_texts_cost_a_third_more_and_stay_in_the_alphabet(path: Path) -> None:
    source = path.read_text("utf-8")
    before = polib.pofile(export(source, path.name, "fr"))
    after = polib.pofile(export(pseudo(source, path.name), path.name, "qps"))

    assert len(after) == len(before) > 0
    for old, new in zip(before, after, strict=True):
        was, becomes = (len(gsm7.transliterate(each.msgstr)) for each in (old, new))
        assert was + 2 <= becomes <= was * 1.3 + 3
        assert set(gsm7.outside(new.msgstr)) <= set(gsm7.outside(old.msgstr))
        places = [place.path for place in texts.parse(old.msgstr).places]
        assert [place.path for place in texts.parse(new.msgstr).places] == places


def test_a_flow_with_its_pseudo_language_compiles() -> None:
    sources = {str(path): path.read_text("utf-8") for path in MENUS.glob("*.yaml")}
    system, bought = str(MENUS / "system.yaml"), str(MENUS / "buy-electricity.yaml")
    sources[system] = pseudo_system(sources[system], system)
    sources = {file: source for file, source in sources.items() if "sms" not in file}
    library = Library.of(sources, Application(filters=FILTERS))

    flow = compile_source(pseudo(sources[bought], bought), bought, library)

    assert flow.languages == ("fr", "en", "qps")


def test_a_pseudo_language_must_be_new_and_its_system_texts_system_texts() -> None:
    with pytest.raises(ValueError, match="choose another name"):
        pseudo(EVERYWHERE, "f.yaml", "en")
    with pytest.raises(FlowError, match="own texts"):
        pseudo_system(EVERYWHERE, "f.yaml")
