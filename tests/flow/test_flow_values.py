"""What a client types, as a value of a variable's type, or refused with the text that says why."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ussd_app.flow.catalogue import SYSTEM_TEXTS
from ussd_app.flow.diagnostics import Position
from ussd_app.flow.model import Shape, Text, Type
from ussd_app.flow.rules import luhn
from ussd_app.flow.values import (
    INPUT_MAX,
    Refused,
    accepts,
    cut,
    day,
    fits,
    longest,
    normalise,
    room,
    stored,
    value_of,
    width,
)
from ussd_app.render.texts import parse

TODAY = date(2026, 2, 28)
AT = Position("f", 1, 1, 1, 2)
SERIAL = Shape(Type.DIGITS, (11, 13))
KWH = Shape(Type.DECIMAL, low="1", high="500", places=1)
COUNT = Shape(Type.INTEGER, low="1", high="9")
COLD = Shape(Type.DECIMAL, low="-10", high="5", places=2)
NAME = Shape(Type.TEXT, (2, 5))
PIN = Shape(Type.PIN, (4,))
PHONE = Shape(Type.MSISDN, country="BF")
DAY = Shape(Type.DATE)
SOON = Shape(Type.DATE, low="today", high="today+30d")
BORN = Shape(Type.DATE, low="1900-01-01", high="today-18y")
FIRST = Text({"fr": parse("Première"), "en": parse("First")}, AT)
KIND = Shape(Type.CHOICE, choices={"a": FIRST, "b": None})
TRUE = Shape(Type.BOOLEAN)
ROW = Shape(Type.ROW, fields={"label": NAME, "price": COUNT})
ROWS = Shape(Type.ROWS, fields={"label": NAME, "price": COUNT}, rows_max=2)


def typed_value(shape: Shape, typed: str) -> object:
    return value_of(shape, normalise(typed), TODAY, "fr")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" 12 ", "12"),
        ("١٢٣", "123"),
        ("१२", "12"),
        ("１２", "12"),
        ("1\x00\x1b2\n", "12"),
        ("\u200b5", "5"),
        ("\ud800a", "a"),
        ("", ""),
        ("²", "²"),
    ],
)
def test_input_is_normalised(typed: str, kept: str) -> None:
    assert normalise(typed) == kept


@given(st.text(st.characters()))
def test_normalised_input_is_short_clean_and_stays_so(typed: str) -> None:
    kept = normalise(typed)

    assert len(kept) <= INPUT_MAX + 1
    assert kept.isprintable() or any(character.isspace() for character in kept)
    assert normalise(kept) == kept


@pytest.mark.parametrize(
    ("shape", "typed", "value"),
    [
        (SERIAL, "0424-6801 379", "04246801379"),
        (SERIAL, "0424680137901", "0424680137901"),
        (KWH, "10", "10"),
        (KWH, "10,50", "10.5"),
        (KWH, "1.0", "1"),
        (KWH, "500", "500"),
        (KWH, "007", "7"),
        (COUNT, "3", 3),
        (COUNT, "03", 3),
        (COUNT, "3.0", 3),
        (COLD, "-9,5", "-9.5"),
        (NAME, "Awa", "Awa"),
        (PIN, "0000", "0000"),
        (PHONE, "70 12 34 56", "+22670123456"),
        (PHONE, "0022670123456", "+22670123456"),
        (PHONE, "+4915112345678", "+4915112345678"),
        (DAY, "31122026", "2026-12-31"),
        (DAY, "1/2/2026", "2026-02-01"),
        (DAY, "01-02-2026", "2026-02-01"),
        (SOON, "28022026", "2026-02-28"),
        (SOON, "30/03/2026", "2026-03-30"),
        (BORN, "28/02/2008", "2008-02-28"),
        (KIND, "1", "a"),
        (KIND, "a", "a"),
        (KIND, "B", "b"),
        (KIND, "premiere", "a"),
        (KIND, "PREMIÈRE", "a"),
    ],
)
def test_a_value_has_one_written_form(shape: Shape, typed: str, value: object) -> None:
    assert typed_value(shape, typed) == value
    assert fits(shape, value, TODAY)
    assert stored(shape, value) == value


@pytest.mark.parametrize(
    ("shape", "typed", "text"),
    [
        (SERIAL, "123", "invalid_digits"),
        (SERIAL, "0424680137a", "invalid_digits"),
        (SERIAL, "²²²²²²²²²²²", "invalid_digits"),
        (KWH, "0.9", "invalid_number"),
        (KWH, "500.1", "invalid_number"),
        (KWH, "1.25", "invalid_places"),
        (KWH, "-5", "invalid_number"),
        (KWH, "1e2", "invalid_number"),
        (KWH, "nan", "invalid_number"),
        (KWH, "1.2.3", "invalid_number"),
        (KWH, "1_0", "invalid_number"),
        (KWH, "", "invalid_number"),
        (KWH, ".", "invalid_number"),
        (COUNT, "1.5", "invalid_whole"),
        (COUNT, "12", "invalid_number"),
        (COLD, "-10.5", "invalid_number"),
        (PIN, "123", "invalid_digits"),
        (PHONE, "12", "invalid_msisdn"),
        (PHONE, "moi", "invalid_msisdn"),
        (DAY, "31022026", "invalid_date"),
        (DAY, "2026-12-31", "invalid_date"),
        (DAY, "3112026", "invalid_date"),
        (DAY, "", "invalid_date"),
        (SOON, "27022026", "invalid_date_range"),
        (SOON, "31032026", "invalid_date_range"),
        (BORN, "01032008", "invalid_date_range"),
        (KIND, "3", "invalid_option"),
        (KIND, "First", "invalid_option"),
        (KIND, "", "invalid_option"),
        (NAME, "A", "invalid_text"),
        (NAME, "Aïcha B", "invalid_text"),
    ],
)
def test_what_is_no_value_is_refused(shape: Shape, typed: str, text: str) -> None:
    with pytest.raises(Refused) as caught:
        typed_value(shape, typed)
    assert caught.value.text == text
    assert set(caught.value.values) == SYSTEM_TEXTS[text]
    assert not accepts(shape, typed, TODAY)


def test_one_length_of_a_text_is_its_only_length() -> None:
    exact = Shape(Type.TEXT, (4, 4))

    assert typed_value(exact, "abcd") == "abcd"
    with pytest.raises(Refused) as caught:
        typed_value(exact, "abc")
    assert caught.value.values == {"low": "4", "high": "4"}


def test_a_text_is_measured_as_it_is_sent() -> None:
    assert typed_value(NAME, "l’âne") == "l’âne"
    assert typed_value(NAME, "œufs") == "œufs"
    with pytest.raises(Refused):
        typed_value(NAME, "€€€")
    with pytest.raises(Refused):
        typed_value(NAME, "😀😀😀")


@given(st.text(max_size=30))
def test_any_input_is_a_value_within_its_bounds_or_refused(typed: str) -> None:
    try:
        value = Decimal(str(typed_value(KWH, typed)))
    except Refused:
        value = Decimal(1)
    assert 1 <= value <= 500
    assert value == value.quantize(Decimal("0.1"))


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(
    st.sampled_from([SERIAL, KWH, COUNT, COLD, NAME, PIN, PHONE, DAY, SOON, BORN, KIND]),
    st.text(max_size=INPUT_MAX + 5) | st.text("0123456789-+/., ab", max_size=16),
)
def test_whatever_is_accepted_fits_and_is_no_wider_than_the_longest(
    shape: Shape, typed: str
) -> None:
    assume(accepts(shape, typed, TODAY))
    value = typed_value(shape, typed)

    assert fits(shape, value, TODAY)
    assert width(str(value)) <= width(longest(shape))


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (COUNT, 0),
        (COUNT, "1.5"),
        (COUNT, True),
        (COUNT, "nan"),
        (COUNT, None),
        (KWH, "1.25"),
        (KWH, "1e9"),
        (NAME, "trop long"),
        (NAME, 10**9),
        (SERIAL, "1"),
        (SERIAL, "x" * 11),
        (PHONE, "70123456"),
        (DAY, "31/12/2026"),
        (SOON, "2026-02-27"),
        (KIND, "Première"),
        (TRUE, "yes"),
        (ROW, {"label": "Awa"}),
        (ROW, "Awa"),
        (ROWS, [{"label": "Awa", "price": 1}] * 3),
        (ROWS, [{"label": "Awa", "price": 10}]),
        (ROWS, "Awa"),
    ],
)
def test_what_is_not_of_a_shape_does_not_fit(shape: Shape, value: object) -> None:
    assert not fits(shape, value, TODAY)


@pytest.mark.parametrize(
    ("shape", "value", "kept"),
    [
        (COUNT, "3.0", 3),
        (KWH, "10.50", "10.5"),
        (KWH, Decimal("5E+1"), "50"),
        (TRUE, "true", True),
        (TRUE, False, False),
        (ROW, {"label": "Awa", "price": "3", "secret": 1}, {"label": "Awa", "price": 3}),
        (ROWS, [{"label": "Awa", "price": 1}], ({"label": "Awa", "price": 1},)),
        (NAME, 12, "12"),
    ],
)
def test_what_fits_is_stored_in_one_form(shape: Shape, value: object, kept: object) -> None:
    assert fits(shape, value, TODAY)
    assert stored(shape, value) == kept


def test_a_number_of_a_back_end_is_bounded_by_the_digits_of_its_longest() -> None:
    shape = Shape(Type.INTEGER, longest="2000")

    assert fits(shape, 9999)
    assert fits(shape, "-999")
    assert not fits(shape, 10000)
    assert not fits(shape, "1.5")


@given(st.text(max_size=300))
def test_a_text_of_a_back_end_is_cut_to_the_room_of_its_longest(text: str) -> None:
    shape = Shape(Type.TEXT, longest="Awa Ouedraogo")
    kept = cut(text, shape)

    assert text.startswith(kept)
    assert room(kept) <= len("Awa Ouedraogo")
    assert fits(shape, kept)
    assert cut(kept, shape) == kept


def test_marks_that_are_not_sent_take_room_all_the_same() -> None:
    assert (width("a\u0301\u0301"), room("a\u0301\u0301")) == (1, 3)
    assert (width("œ"), room("œ")) == (2, 2)
    assert (width("😀"), room("😀")) == (1, 2)


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ("2026-01-31", date(2026, 1, 31)),
        ("today", date(2026, 2, 28)),
        ("today+1d", date(2026, 3, 1)),
        ("today-28d", date(2026, 1, 31)),
        ("today+12m", date(2027, 2, 28)),
        ("today-18y", date(2008, 2, 28)),
        ("today+9999y", date.max),
        ("today-9999y", date.min),
    ],
)
def test_a_bound_of_a_date_is_a_day(bound: str, expected: date) -> None:
    assert day(bound, TODAY) == expected


def test_a_month_has_its_own_last_day() -> None:
    assert day("today+1m", date(2026, 1, 31)) == date(2026, 2, 28)
    assert day("today-1y", date(2024, 2, 29)) == date(2023, 2, 28)


@pytest.mark.parametrize("digits", ["04246801379", "79927398713", "0"])
def test_a_number_with_its_check_digit_passes(digits: str) -> None:
    assert luhn(digits)


@pytest.mark.parametrize("digits", ["04246801378", "79927398710", "", "4a", "²"])
def test_a_number_without_its_check_digit_does_not(digits: str) -> None:
    assert not luhn(digits)


@given(st.text("0123456789", min_size=1, max_size=20), st.integers(0, 19), st.integers(1, 9))
def test_luhn_finds_every_single_wrong_digit(digits: str, place: int, change: int) -> None:
    good = next(digits + check for check in "0123456789" if luhn(digits + check))
    place %= len(good)
    wrong = good[:place] + str((int(good[place]) + change) % 10) + good[place + 1 :]

    assert not luhn(wrong)
