"""Texts with places for values: what is read, what is refused and where, what filters give."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ussd_app.render.texts import FILTERS, BadText, Messages, Place, look_up, parse


def shown(source: str, values: dict[str, object] | None = None, language: str = "fr") -> str:
    return parse(source).render(values or {}, language, FILTERS)


def test_a_text_is_cut_into_literals_and_places() -> None:
    template = parse("A {b} c {d.e|money|upper}")

    assert template.parts == ("A ", Place("b", None, (), 2, 3), " c ", template.places[1])
    assert template.places[1] == Place("d", "e", ("money", "upper"), 8, 17)


def test_values_stand_in_their_places() -> None:
    assert shown("{a}-{b.c}{a}", {"a": 5, "b": {"c": "x"}}) == "5-x5"


@pytest.mark.parametrize(
    ("source", "text"),
    [("{{a}}", "{a}"), ("{{{a}}}", "{v}"), ("}}{{", "}{"), ("", ""), ("{{}}", "{}")],
)
def test_a_doubled_brace_stands_for_itself(source: str, text: str) -> None:
    assert shown(source, {"a": "v"}) == text


@given(st.text())
def test_any_text_with_its_braces_doubled_is_shown_as_it_was(text: str) -> None:
    assert shown(text.replace("{", "{{").replace("}", "}}")) == text


@given(st.text("{}ab.|!0 _"))
def test_a_text_parses_or_is_refused_at_an_offset_within_it(text: str) -> None:
    offset = text.find("{")
    try:
        offset = next((place.offset for place in parse(text).places), offset)
    except BadText as error:
        offset = error.offset
    assert offset == -1 or text[offset] in "{}"


@pytest.mark.parametrize(
    ("source", "offset", "sentence"),
    [
        ("ab {", 3, 'a lone "{"; write it twice if it is meant'),
        ("a } b", 2, 'a lone "}"; write it twice if it is meant'),
        ("x{}", 1, '"{}" is not a name, a field and filters: {name.field|filter}'),
        ("{a b}", 0, '"{a b}" is not a name, a field and filters: {name.field|filter}'),
    ],
)
def test_a_bad_text_is_refused_with_its_place(source: str, offset: int, sentence: str) -> None:
    with pytest.raises(BadText) as caught:
        parse(source)
    assert (str(caught.value), caught.value.offset) == (sentence, offset)


@pytest.mark.parametrize(
    "source",
    [
        "{a.__class__}",
        "{a.b.c}",
        "{a[0]}",
        "{a!r}",
        "{a:>9}",
        "{0}",
        "{A}",
        "{a.}",
        "{a|}",
        "{.a}",
        "{a\n}",
        "{a()}",
        "{ a }",
        "{_a}",
    ],
)
def test_nothing_but_names_fields_and_filters_is_read(source: str) -> None:
    with pytest.raises(BadText):
        parse(source)


def test_a_field_is_never_an_attribute() -> None:
    assert shown("{a.upper}", {"a": "text"}) == "text"
    with pytest.raises(KeyError, match=r"b\.keys"):
        shown("{b.keys}", {"b": {"x": 1}})


@pytest.mark.parametrize("values", [{}, {"a": None}, {"a": {"b": None}}, {"a": {}}])
def test_a_value_that_is_not_there_is_named(values: dict[str, object]) -> None:
    with pytest.raises(KeyError, match=r"a\.b"):
        look_up(Place("a", "b", (), 0), values)


def test_a_whole_result_is_no_value() -> None:
    with pytest.raises(KeyError, match="a"):
        shown("{a}", {"a": {"b": 1}})


@pytest.mark.parametrize(
    ("source", "value", "french", "english"),
    [
        ("{v|money}", 1234567, "1 234 567 F", "1,234,567 F"),
        ("{v|money}", "0", "0 F", "0 F"),
        ("{v|masked}", "Awa Ouedraogo", "A** O********", "A** O********"),
        ("{v|masked}", "Li", "L**", "L**"),
        ("{v|masked}", "", "", ""),
        ("{v|groups4}", "01234567890123456789", "0123 4567 8901 2345 6789", None),
        ("{v|groups4}", "12345", "1234 5", None),
        ("{v|last4}", "04246801379", "1379", "1379"),
        ("{v|upper}", "été", "ÉTÉ", "ÉTÉ"),
        ("{v|date}", "2026-11-22T12:00:00+00:00", "22/11/2026", "2026-11-22"),
        ("{v|last4|groups4}", "98765", "8765", "8765"),
    ],
)
def test_filters_write_values_as_the_client_reads_them(
    source: str, value: object, french: str, english: str | None
) -> None:
    assert shown(source, {"v": value}) == french
    assert shown(source, {"v": value}, "en") == (french if english is None else english)


def test_messages_fall_back_on_the_default_language(tmp_path: Path) -> None:
    path = tmp_path / "sms.yaml"
    path.write_text("default_language: fr\nmessages:\n  paid: {fr: 'Reçu {n}', en: 'Got {n}'}\n")
    messages = Messages.load(path)

    assert messages.names() == {"paid"}
    assert messages.text("paid", "en", {"n": "0123"}) == "Got 0123"
    assert messages.text("paid", "mos", {"n": "no"}) == "Reçu no"
    with pytest.raises(KeyError):
        messages.text("lost", "fr")


@pytest.mark.parametrize(
    "source",
    [
        "",
        "messages: 5",
        "default_language: fr",
        "a: [",
        "default_language: fr\nmessages: {a: {fr: '{b c}'}}",
    ],
)
def test_a_file_that_holds_no_messages_is_refused(tmp_path: Path, source: str) -> None:
    path = tmp_path / "sms.yaml"
    path.write_text(source)

    with pytest.raises(ValueError, match=r"not a file of messages|is not a name"):
        Messages.load(path)
