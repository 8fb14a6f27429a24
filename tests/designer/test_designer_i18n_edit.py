"""Texts put into a YAML source: they read back exactly, and every other octet stays."""

from __future__ import annotations

import re

import polib  # ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.designer.i18n_sources import TEXTS, flow, values, written
from ussd_app.designer.i18n import export, merge


def translated(source: str, language: str, text: str) -> str:
    """The source with its only text translated."""
    po = polib.pofile(export(source, "f.yaml", language))
    assert len(po) == 1
    po[0].msgstr = text
    merged, not_taken = merge(source, "f.yaml", str(po), language)
    assert not not_taken
    return merged


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        (" {fr: Oui, en: Yes}", "Yeah", " {fr: Oui, en: Yeah}"),
        (" {fr: Oui, en: Yes}", "no", ' {fr: Oui, en: "no"}'),
        (" {fr: Oui, en: Yes}", "7 kWh", ' {fr: Oui, en: "7 kWh"}'),
        (" {fr: Oui, en: Yes}", "a, b", ' {fr: Oui, en: "a, b"}'),
        (" {fr: Oui, en: Yes}", "a: b", ' {fr: Oui, en: "a: b"}'),
        (" {fr: Oui, en: Yes}", "a #b", ' {fr: Oui, en: "a #b"}'),
        (" {fr: Oui, en: Yes}", " a", ' {fr: Oui, en: " a"}'),
        (" {fr: Oui, en: Yes}", 'a\n"\\', ' {fr: Oui, en: "a\\n\\"\\\\"}'),
        (' {fr: Oui, en: "Aye"}', "Yeah", ' {fr: Oui, en: "Yeah"}'),
        (" {fr: Oui, en: 'Yes'}", "It's", " {fr: Oui, en: 'It''s'}"),
        (" {fr: Oui, en: 'Yes'}", "a\nb", ' {fr: Oui, en: "a\\nb"}'),
        (" {fr: Oui, en: \n}", "Aye", ' {fr: Oui, en: "Aye" \n}'),
        (" {fr: Oui, en}", "Aye", ' {fr: Oui, en: "Aye"}'),
        ("\n      fr: Oui\n      en: # c\n", "Aye", '\n      fr: Oui\n      en: "Aye" # c\n'),
        (
            "\n      ? fr\n      : Oui\n      ? en",
            "Y",
            '\n      ? fr\n      : Oui\n      ? en\n      : "Y"',
        ),
        (" {'fr':'Oui','en':'Yes'}", "a", " {'fr':'Oui','en':'a'}"),
        (
            "\n      fr: Oui\n      en: >- # c\n        a\n        b\n\n",
            "x\ny",
            "\n      fr: Oui\n      en: >- # c\n        x\n\n        y\n\n",
        ),
        (
            "\n      fr: Oui\n      en: | # c\n        a\n  # d\n",
            "x\n\ny\n",
            "\n      fr: Oui\n      en: | # c\n        x\n\n        y\n  # d\n",
        ),
        (
            "\n      fr: Oui\n      en: | # c\n        a\n  # d\n",
            " x",
            '\n      fr: Oui\n      en: " x" # c\n  # d\n',
        ),
        ("\n      fr: Oui\n      en: |2\n        a\n", "x", '\n      fr: Oui\n      en: "x"\n'),
        (
            "\n      fr: Oui\n      en: |+\n        a\n\n\n  # c\n",
            "x",
            "\n      fr: Oui\n      en: |-\n        x\n  # c\n",
        ),
        (
            "\n      fr: Oui\n      en: |\n        a",
            "x\n",
            "\n      fr: Oui\n      en: |\n        x\n",
        ),
        (" [fr: Oui]", "Aye", " [{fr: Oui, en: Aye}]"),
        (" {fr: Oui}", "Aye", " {fr: Oui, en: Aye}"),
        (" {fr: Oui,}", "Aye", " {fr: Oui, en: Aye,}"),
        (' {\n  fr: "Oui", # c\n}', "Aye", ' {\n  fr: "Oui", en: "Aye", # c\n}'),
        (" [{fr: Oui, when: x}]", "Aye", " [{fr: Oui, en: Aye, when: x}]"),
        (
            "\n      fr: 'Oui'  # c\n      # d\n",
            "Aye",
            "\n      fr: 'Oui'  # c\n      en: 'Aye'\n      # d\n",
        ),
        (
            "\n      - fr: Oui\n        when: x\n",
            "Aye",
            "\n      - fr: Oui\n        en: Aye\n        when: x\n",
        ),
        (
            "\n      fr: |-\n        a\n\n",
            "Aye",
            "\n      fr: |-\n        a\n      en: |-\n        Aye\n\n",
        ),
        ("\n      fr: |\n        a", "Aye", "\n      en: |-\n        Aye\n      fr: |\n        a"),
        (
            "\n      fr: |+\n        a\n\n\n",
            "b",
            "\n      fr: |+\n        a\n\n\n      en: |-\n        b\n",
        ),
        ("\n      fr: |-\n        a", "b\n", "\n      fr: |-\n        a\n      en: |\n        b\n"),
        ("\n      fr: Oui", "Aye", "\n      fr: Oui\n      en: Aye"),
    ],
)
def test_a_text_is_put_in_as_its_neighbours_are_written(before: str, text: str, after: str) -> None:
    merged = translated(flow(before), "en", text)

    assert merged == flow(after)
    found = values(merged)
    assert text in found.values()
    assert {key: found[key] for key, value in values(flow(before)).items() if "en" not in str(key)}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{default: fr}", "{default: fr, also: [en]}"),
        ("{default: fr, also: []}", "{default: fr, also: [en]}"),
        ("{default: fr, also: [ha]}", "{default: fr, also: [ha, en]}"),
        ("\n  default: fr  # c", "\n  default: fr  # c\n  also: [en]"),
        (
            "\n  default: fr\n  also:\n  - ha  # c\n  remember: 1d",
            "\n  default: fr\n  also:\n  - ha  # c\n  - en\n  remember: 1d",
        ),
    ],
)
def test_a_language_that_is_new_is_declared(before: str, after: str) -> None:
    assert translated(flow(" {fr: Oui}", before), "en", "Aye") == flow(" {fr: Oui, en: Aye}", after)


def test_the_default_texts_can_be_corrected_too() -> None:
    assert translated(flow(" {fr: Oui, en: Yes}"), "fr", "Si") == flow(" {fr: Si, en: Yes}")


@st.composite
def sources(draw: st.DrawFn) -> str:
    """A flow of some texts in all styles, with comments, in any line ends."""
    lines = ["# ç 😀", "cassou: 1  # c1", "languages: {default: fr, also: [en]}  # c2", "states:"]
    for number in range(draw(st.integers(1, 4))):
        lines.append(f"  s{number}:  # state {number}")
        if draw(st.booleans()):
            lines.append("    end:  # a block")
            for language in draw(st.sampled_from([("fr",), ("fr", "en"), ("en", "fr")])):
                lines.append(f"      {language}: {draw(written(block=True))}")
                lines += draw(st.sampled_from([[], ["      # between", ""]]))
        else:
            pairs = [
                f"{language}: {draw(written(block=False))}"
                for language in draw(st.sampled_from([("fr",), ("fr", "en"), ("en", "fr")]))
            ]
            gap = draw(st.sampled_from([", ", ",   # in braces\n      "]))
            lines.append(f"    end: {{{gap.join(pairs)}}}  # flow style")
    text = "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n# the end\n"]))
    mark = draw(st.sampled_from(["", "\ufeff"]))
    return mark + text.replace("\n", draw(st.sampled_from(["\n", "\r\n", "\r"])))


@settings(deadline=None)
@given(sources(), st.sampled_from(["fr", "en", "mos"]))
def test_out_and_back_in_is_the_same_octet_for_octet(source: str, language: str) -> None:
    assert merge(source, "f.yaml", export(source, "f.yaml", language), language) == (source, [])


@settings(deadline=None)
@given(sources(), st.sampled_from(["fr", "en", "mos"]), st.data())
def test_what_is_translated_reads_back_exactly_and_the_rest_stays(
    source: str, language: str, data: st.DataObject
) -> None:
    po = polib.pofile(export(source, "f.yaml", language))
    wanted: dict[object, str] = {}
    for entry in po:
        drawn = data.draw(TEXTS).replace("{x}", "") + "{x}" * ("{x}" in entry.msgid)
        entry.msgstr = drawn
        if drawn:
            wanted["states", entry.msgctxt.split(".")[1], "end", language] = drawn

    merged, not_taken = merge(source, "f.yaml", str(po), language)

    assert not_taken == []
    after = values(merged)
    expected = {**values(source), **wanted}
    if language == "mos" and wanted:
        expected["languages", "also", 1] = "mos"
    assert after == expected
    comments = [line.split("# ")[-1] for line in source.splitlines() if "# s" in line]
    assert [each for each in comments if f"# {each}" not in merged] == []
    ends = set(re.findall("\r\n|[\n\r]", merged))
    assert len(ends) <= 1
