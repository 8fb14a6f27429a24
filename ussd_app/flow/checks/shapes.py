"""Whether every value of one shape is one of another: what a `set` may store without `else:`."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from enum import IntEnum

from ussd_app.flow.functions import bounds, places, takes
from ussd_app.flow.model import NUMBERS, Shape, Type
from ussd_app.flow.values import fits, longest, room

_DIGITS_MAX = 20


class Fit(IntEnum):
    """How values of one shape fit another; the least of several is that of all together."""

    NO = 0
    MAYBE = 1
    YES = 2


def fits_shape(wanted: Shape, given: Shape) -> Fit:
    """How values of shape `given` fit `wanted`.

    YES only if whatever passes `values.fits(given, …)` passes `values.fits(wanted, …)` once stored,
    on any later day; NO where no value should ever be tried.
    """
    match wanted.type:
        case Type.ROWS:
            return _rows(wanted, given)
        case Type.ROW:
            return _fields(wanted, given) if given.type is Type.ROW else Fit.NO
        case Type.INTEGER | Type.DECIMAL:
            return _number(wanted, given) if given.type in NUMBERS else Fit.NO
    if given.type not in takes(wanted.type):
        return Fit.NO
    match wanted.type:
        case Type.TEXT:
            return Fit.YES if room(longest(given)) <= widest(wanted) else Fit.MAYBE
        case Type.DIGITS | Type.PIN:
            return _digits(wanted, given)
        case Type.CHOICE:
            return _among(set(given.choices), set(wanted.choices))
        case Type.DATE:
            return _date(wanted, given)
    return Fit.YES


def literal_fits(wanted: Shape, typed: str) -> Fit:
    """How a literal value fits; one date may be right today and wrong tomorrow."""
    if wanted.type in {Type.ROW, Type.ROWS} or not fits(wanted, typed):
        return Fit.NO
    if wanted.type is Type.DATE:
        return _date(wanted, Shape(Type.DATE, low=typed, high=typed))
    return Fit.YES


def widest(shape: Shape) -> int:
    """The most septets of a text's shape."""
    return room(shape.longest) if shape.longest else max(shape.lengths, default=0)


def _rows(wanted: Shape, given: Shape) -> Fit:
    if given.type is not Type.ROWS:
        return Fit.NO
    if given.rows_max <= 0:
        return Fit.YES
    number = Fit.YES if given.rows_max <= wanted.rows_max else Fit.MAYBE
    return min(number, _fields(wanted, given))


def _fields(wanted: Shape, given: Shape) -> Fit:
    found = [
        fits_shape(inner, given.fields[name]) if name in given.fields else Fit.NO
        for name, inner in wanted.fields.items()
    ]
    return min(found, default=Fit.YES)


def _number(wanted: Shape, given: Shape) -> Fit:
    if wanted.longest:
        whole = wanted.type is Type.DECIMAL or places(given) == 0
        return Fit.YES if whole and len(longest(given)) <= len(wanted.longest) else Fit.MAYBE
    low, high = _ends(given)
    least, most = _ends(wanted)
    if low > most or high < least:
        return Fit.NO
    exact = places(given) <= places(wanted)
    return Fit.YES if exact and least <= low and high <= most else Fit.MAYBE


def _ends(shape: Shape) -> tuple[Decimal, Decimal]:
    """The bounds of a number's shape; without `max:` up to the last decimal below 10^15."""
    low, high = bounds(shape)
    if shape.high is None and not shape.longest and shape.places:
        high += 1 - Decimal(1).scaleb(-shape.places)
    return low, high


def digits_lengths(shape: Shape) -> frozenset[int]:
    """How many digits values of this shape may have; of a whole number that is not negative."""
    if shape.type is Type.INTEGER:
        low, high = (abs(int(end)) for end in bounds(shape))
        return frozenset(range(len(str(low)), len(str(high)) + 1))
    if shape.longest:
        return frozenset(range(1, len(shape.longest) + 1))
    return frozenset(shape.lengths or range(1, _DIGITS_MAX + 1))


def _digits(wanted: Shape, given: Shape) -> Fit:
    if given.type is Type.INTEGER and bounds(given)[0] < 0:
        return Fit.MAYBE if bounds(given)[1] >= 0 else Fit.NO
    return _among(digits_lengths(given), digits_lengths(wanted))


def _among(given: AbstractSet[object], wanted: AbstractSet[object]) -> Fit:
    if given <= wanted:
        return Fit.YES
    return Fit.MAYBE if given & wanted else Fit.NO


def _date(wanted: Shape, given: Shape) -> Fit:
    """Bounds that count from today move on: what was below one stays so, what was above may not."""
    late = wanted.high is None or (given.high is not None and _at_most(given.high, wanted.high))
    early = wanted.low is None or (
        given.low is not None and "today" not in given.low + wanted.low and wanted.low <= given.low
    )
    if late and early:
        return Fit.YES
    ends = (given.low, given.high, wanted.low, wanted.high)
    if not any(end is not None and "today" in end for end in ends) and _apart(wanted, given):
        return Fit.NO
    return Fit.MAYBE


def _at_most(high: str, most: str) -> bool:
    if "today" not in high + most:
        return high <= most
    return high == most


def _apart(wanted: Shape, given: Shape) -> bool:
    below = given.high is not None and wanted.low is not None and given.high < wanted.low
    above = given.low is not None and wanted.high is not None and given.low > wanted.high
    return below or above


def why_not(wanted: Shape, given: Shape) -> str:
    """What about `given` does not fit `wanted`, for people: "up to 5000, its max is 100"."""
    match wanted.type:
        case Type.INTEGER | Type.DECIMAL:
            return _why_number(wanted, given)
        case Type.TEXT:
            return f"up to {room(longest(given))} septets, it holds {widest(wanted)}"
        case Type.DIGITS | Type.PIN:
            if given.type is Type.INTEGER and bounds(given)[0] < 0:
                return "it may be negative"
            return f"{_span(given)} digits, it takes {_span(wanted)}"
        case Type.CHOICE:
            return f"{_listed(set(given.choices) - set(wanted.choices))} is none of its values"
        case Type.ROWS if given.rows_max > wanted.rows_max:
            return f"up to {given.rows_max} rows, its rows_max is {wanted.rows_max}"
        case Type.ROWS | Type.ROW:
            return _why_field(wanted, given.fields)
        case _:
            ends = f"{wanted.low or 'any day'} to {wanted.high or 'any day'}"
            return f"its dates are {ends}"


def _why_field(wanted: Shape, fields: Mapping[str, Shape]) -> str:
    for name, inner in wanted.fields.items():
        if name not in fields:
            return f'field "{name}" is missing'
        if fits_shape(inner, fields[name]) is not Fit.YES:
            if fits_shape(inner, fields[name]) is Fit.NO and fields[name].type is not inner.type:
                return f'field "{name}" is {fields[name].type}, not {inner.type}'
            return f'field "{name}": {why_not(inner, fields[name])}'
    return "a field may be missing"


def _why_number(wanted: Shape, given: Shape) -> str:
    if wanted.longest:
        return f"{len(longest(given))} characters, it holds {len(wanted.longest)}"
    low, high = _ends(given)
    least, most = _ends(wanted)
    if high > most:
        return f"up to {high:f}, its max is {most:f}"
    if low < least:
        return f"from {low:f}, its min is {least:f}"
    return f"decimals: up to {places(given)}, its places are {places(wanted)}"


def _span(shape: Shape) -> str:
    lengths = sorted(digits_lengths(shape))
    if lengths == list(range(lengths[0], lengths[-1] + 1)) and len(lengths) > 2:
        return f"{lengths[0]} to {lengths[-1]}"
    return " or ".join(str(length) for length in lengths)


def _listed(names: set[str]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(names))
