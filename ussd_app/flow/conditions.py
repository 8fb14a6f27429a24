"""Whether conditions hold for the values there are. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from ussd_app.flow.model import Condition, Operator, When
from ussd_app.render import texts
from ussd_app.render.texts import Filter, Place


def holds(
    when: When, named: Mapping[str, object], language: str, filters: Mapping[str, Filter]
) -> bool:
    """Whether all of `when` holds; raises KeyError for a value that is compared and not there."""
    return all(_holds(condition, named, language, filters) for condition in when)


def is_set(place: Place, named: Mapping[str, object]) -> bool:
    """Whether what a place names has a value; a record has one once it was saved."""
    value = named.get(place.name)
    if place.field is not None:
        value = value.get(place.field) if isinstance(value, Mapping) else None
    return value is not None


def _holds(
    condition: Condition,
    named: Mapping[str, object],
    language: str,
    filters: Mapping[str, Filter],
) -> bool:
    match condition.operator:
        case Operator.SET:
            return is_set(condition.left, named)
        case Operator.UNSET:
            return not is_set(condition.left, named)
    left = _side(condition.left, named, language, filters)
    right = condition.right
    other = _side(right, named, language, filters) if isinstance(right, Place) else str(right)
    order = _order(left, other, numeric=condition.numeric)
    match condition.operator:
        case Operator.EQUAL:
            return order == 0
        case Operator.UNEQUAL:
            return order != 0
        case Operator.LESS:
            return order < 0
        case Operator.AT_MOST:
            return order <= 0
        case Operator.MORE:
            return order > 0
        case _:
            return order >= 0


def _side(
    place: Place, named: Mapping[str, object], language: str, filters: Mapping[str, Filter]
) -> str:
    value = texts.look_up(place, named)
    for name in place.filters:
        value = filters[name](value, language)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _order(left: str, right: str, *, numeric: bool) -> int:
    """Below, at or above 0. Dates and all else compare as text."""
    if numeric:
        return int(Decimal(left).compare(Decimal(right)))
    return (left > right) - (left < right)
