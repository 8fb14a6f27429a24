"""What a client types, as a value of a variable's type, or refused with the text that says why."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ussd_app.flow.diagnostics import Position
from ussd_app.flow.model import Type, Variable
from ussd_app.flow.rules import luhn
from ussd_app.flow.values import Refused, normalise, value_of

AT = Position("f", 1, 1, 1, 2)
SERIAL = Variable("serial", Type.DIGITS, AT, (11, 13))
KWH = Variable("kwh", Type.DECIMAL, AT, low="1", high="500", places=1)
COUNT = Variable("count", Type.INTEGER, AT, low="1", high="9")
NAME = Variable("name", Type.TEXT, AT, (2, 5))


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

    assert len(kept) <= 183
    assert kept.isprintable() or any(character.isspace() for character in kept)
    assert normalise(kept) == kept


@pytest.mark.parametrize(
    ("variable", "typed", "value"),
    [
        (SERIAL, "0424-6801 379", "04246801379"),
        (SERIAL, "0424680137901", "0424680137901"),
        (KWH, "10", "10"),
        (KWH, "10,50", "10.5"),
        (KWH, "1.0", "1"),
        (KWH, "500", "500"),
        (KWH, "007", "7"),
        (COUNT, "3", "3"),
        (NAME, "Awa", "Awa"),
    ],
)
def test_a_value_has_one_written_form(variable: Variable, typed: str, value: str) -> None:
    assert value_of(variable, typed) == value


@pytest.mark.parametrize(
    ("variable", "typed", "text"),
    [
        (SERIAL, "123", "invalid_digits"),
        (SERIAL, "0424680137a", "invalid_digits"),
        (SERIAL, "²²²²²²²²²²²", "invalid_digits"),
        (KWH, "0.9", "invalid_number"),
        (KWH, "500.1", "invalid_number"),
        (KWH, "1.25", "invalid_number"),
        (KWH, "-5", "invalid_number"),
        (KWH, "1e2", "invalid_number"),
        (KWH, "nan", "invalid_number"),
        (KWH, "1.2.3", "invalid_number"),
        (KWH, "1_0", "invalid_number"),
        (KWH, "", "invalid_number"),
        (KWH, ".", "invalid_number"),
        (COUNT, "1.5", "invalid_number"),
        (NAME, "A", "invalid_text"),
        (NAME, "Aïcha B", "invalid_text"),
    ],
)
def test_what_is_no_value_is_refused(variable: Variable, typed: str, text: str) -> None:
    with pytest.raises(Refused) as caught:
        value_of(variable, typed)
    assert caught.value.text == text


def test_one_length_of_a_text_is_its_only_length() -> None:
    exact = Variable("code", Type.TEXT, AT, (4,))

    assert value_of(exact, "abcd") == "abcd"
    with pytest.raises(Refused) as caught:
        value_of(exact, "abc")
    assert caught.value.values == {"low": "4", "high": "4"}


@given(st.text(max_size=30))
def test_any_input_is_a_value_within_its_bounds_or_refused(typed: str) -> None:
    try:
        value = Decimal(value_of(KWH, normalise(typed)))
    except Refused:
        value = Decimal(1)
    assert 1 <= value <= 500
    assert value == value.quantize(Decimal("0.1"))


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
