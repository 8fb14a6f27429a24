"""One shape for what two paths save under one name: it holds every value of either."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from ussd_app.flow.model import Shape, Type
from ussd_app.flow.values import longest, plain, room


def joined(one: Shape, other: Shape) -> Shape:
    """A shape of their common type that whatever fits either of them fits as well.

    Of rows, the fields that both have with one type; no rows at all add nothing to others.
    """
    match one.type:
        case Type.ROWS | Type.ROW:
            return _rows(one, other)
        case Type.INTEGER | Type.DECIMAL:
            return _numbers(one, other)
        case Type.DIGITS | Type.PIN if one.lengths and other.lengths:
            return replace(one, lengths=tuple(sorted({*one.lengths, *other.lengths})))
        case Type.DIGITS | Type.PIN:
            return Shape(one.type, longest=max(longest(one), longest(other), key=len))
        case Type.TEXT:
            return max(one, other, key=lambda each: room(longest(each)))
        case Type.CHOICE:
            return replace(one, choices={**one.choices, **other.choices})
        case Type.DATE:
            low = one.low if one.low == other.low else None
            return replace(one, low=low, high=one.high if one.high == other.high else None)
    return one


def _rows(one: Shape, other: Shape) -> Shape:
    if one.type is Type.ROWS and not (one.rows_max and other.rows_max):
        return one if one.rows_max else other
    fields = {
        name: joined(shape, other.fields[name])
        for name, shape in one.fields.items()
        if name in other.fields and other.fields[name].type is shape.type
    }
    return replace(one, fields=fields, rows_max=max(one.rows_max, other.rows_max))


def _numbers(one: Shape, other: Shape) -> Shape:
    if one.longest or other.longest:
        return Shape(one.type, longest=max(longest(one), longest(other), key=len))
    highs = [Decimal(each.high) for each in (one, other) if each.high is not None]
    return Shape(
        one.type,
        # Without a bound nobody types less than zero.
        low=plain(min(Decimal(one.low or 0), Decimal(other.low or 0))),
        high=plain(max(highs)) if len(highs) > 1 else None,
        places=max(one.places, other.places),
    )
