"""Declarations of values: a variable's, a field's, an input's type and its bounds."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import phonenumbers

from ussd_app.flow.model import Shape, Text, Type
from ussd_app.flow.reader import Reader
from ussd_app.flow.syntax import Mapping, Node, Scalar, Sequence
from ussd_app.flow.values import day
from ussd_app.render.texts import NUMBER

#: Digits of the largest number: beyond it no phone shows one.
_NUMBER_DIGITS_MAX = 15
#: Septets one USSD string holds; a client cannot type more.
INPUT_MAX = 182
_DIGITS_MAX = 40
ROWS_MAX = 50
_ANY_DAY = date(2026, 6, 15)
CHOICES_MAX = 50
#: Seconds a back-end's answer may be waited for: a day.
DEADLINE_MAX = 86_400.0
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z|today([+-]\d{1,4}[dmy])?\Z")
_KEYS = {
    Type.DIGITS: ("lengths",),
    Type.PIN: ("lengths",),
    Type.TEXT: ("lengths",),
    Type.INTEGER: ("min", "max"),
    Type.DECIMAL: ("min", "max", "places"),
    Type.CHOICE: ("values",),
    Type.MSISDN: ("country",),
    Type.DATE: ("min", "max"),
    Type.BOOLEAN: (),
    Type.ROWS: ("rows_max", "fields"),
    Type.ROW: ("fields",),
}
_BOUNDS = frozenset(key for keys in _KEYS.values() for key in keys)
#: The keys of a declaration, whatever its type.
KEYS = ("type", *sorted(_BOUNDS))
#: Types of a back-end's fields, and of its inputs.
FIELD_TYPES = tuple(each for each in Type if each not in {Type.PIN, Type.CHOICE, Type.ROW})


def shape_of(
    reader: Reader,
    key: Scalar,
    body: Mapping,
    what: str,
    types: tuple[Type, ...] = tuple(Type),
) -> Shape:
    """The shape one declaration gives; that all its keys are known is seen to already."""
    if "type" not in body.by_name:
        reader.problem(key.at, "missing-key", f'{what} needs "type:"')
    kind = Type(reader.one_of(body, "type", types, Type.TEXT))
    known = _KEYS[kind]
    for name, node in body.entries:
        if name.value in _BOUNDS and name.value not in known:
            allowed = " and ".join(f'"{each}:"' for each in _KEYS[kind])
            hint = f"; bound it with {allowed}" if allowed else ""
            sentence = f'"{name.value}:" is not for {kind}{hint}'
            reader.problem(node.at, "unknown-key", sentence)
    shape = Shape(
        kind,
        _lengths(reader, kind, body) if "lengths" in known else (),
        _bound(reader, kind, body, "min") if "min" in known else None,
        _bound(reader, kind, body, "max") if "max" in known else None,
        reader.integer(body, "places", 0, 0, 6) if "places" in known else 0,
        _choices(reader, key, body) if kind is Type.CHOICE else {},
        _country(reader, body) if kind is Type.MSISDN else "",
        fields=_fields(reader, key, body, what) if kind in {Type.ROWS, Type.ROW} else {},
        rows_max=reader.integer(body, "rows_max", 10, 1, ROWS_MAX) if kind is Type.ROWS else 0,
    )
    _ordered(reader, shape, body)
    return shape


def _ordered(reader: Reader, shape: Shape, body: Mapping) -> None:
    if shape.low is None or shape.high is None or shape.low == shape.high:
        return
    if shape.type is Type.DATE:
        # Two that count from today can be told apart on any day; one that does not moves past it.
        alike = ("today" in shape.low) is ("today" in shape.high)
        wrong = alike and day(shape.low, _ANY_DAY) > day(shape.high, _ANY_DAY)
    else:
        wrong = Decimal(shape.low) > Decimal(shape.high)
    if wrong:
        sentence = f'"min: {shape.low}" is above "max: {shape.high}": nothing fits between'
        reader.problem(body.by_name["min"].at, "wrong-type", sentence)


def _lengths(reader: Reader, kind: Type, body: Mapping) -> tuple[int, ...]:
    node = body.get("lengths")
    if node is None:
        return {Type.DIGITS: (), Type.PIN: (4,), Type.TEXT: (1, INPUT_MAX - 22)}[kind]
    items = reader.sequence(node, '"lengths:"', node.at)
    most = INPUT_MAX if kind is Type.TEXT else _DIGITS_MAX
    lengths = tuple(sorted({_length(reader, item, most) for item in items}))
    if kind is Type.TEXT and len(items) not in {1, 2}:
        sentence = '"lengths:" of a text are two: least and most characters'
        reader.problem(node.at, "wrong-type", sentence)
    elif not items and isinstance(node, Sequence):
        reader.problem(node.at, "wrong-type", '"lengths:" is empty: nothing could be typed')
    if kind is Type.TEXT:
        return (lengths[0], lengths[-1]) if len(items) > 1 else (1, *lengths[:1])
    return lengths


def _length(reader: Reader, item: Node, most: int) -> int:
    typed = reader.scalar(item, "a length").value
    if typed.isascii() and typed.isdigit() and len(typed) < 4 and 0 < int(typed) <= most:
        return int(typed)
    reader.problem(item.at, "wrong-type", f"a length is a whole number, 1 to {most}")
    return 1


def _bound(reader: Reader, kind: Type, body: Mapping, key: str) -> str | None:
    node = body.get(key)
    if node is None:
        return None
    typed = reader.scalar(node, f'"{key}:"').value
    if kind is Type.DATE:
        if not _DATE.match(typed) or not _real(typed):
            sentence = f'"{key}:" must be a date such as 2026-01-31, today, today+30d or today-18y'
            reader.problem(node.at, "wrong-type", sentence)
            return None
        return typed
    if NUMBER.match(typed) is None or len(typed) > _NUMBER_DIGITS_MAX:
        sentence = f'"{key}:" must be a number of at most {_NUMBER_DIGITS_MAX} characters'
        reader.problem(node.at, "wrong-type", sentence)
        return None
    number = Decimal(typed)
    if kind is Type.INTEGER and number != number.to_integral_value():
        reader.problem(node.at, "wrong-type", f'"{key}:" of an integer must be a whole number')
        return None
    return typed


def _real(typed: str) -> bool:
    if typed.startswith("today"):
        return True
    try:
        date.fromisoformat(typed)
    except ValueError:
        return False
    return True


def _choices(reader: Reader, key: Scalar, body: Mapping) -> dict[str, Text | None]:
    node = body.get("values")
    if node is None:
        reader.problem(key.at, "missing-key", 'a choice needs "values:"')
        return {}
    if isinstance(node, Sequence):
        found: dict[str, Text | None] = {
            reader.scalar(item, "a value").value: None for item in node.items
        }
    else:
        entries = reader.mapping(node, '"values:"', None).entries
        found = {name.value: reader.text(value, "a value", name.at) for name, value in entries}
        for text in found.values():
            if text is not None and any(each.places for each in text.by_language.values()):
                reader.problem(text.at, "bad-text", "the label of a value has no places in it")
    if not 0 < len(found) <= CHOICES_MAX:
        reader.problem(node.at, "too-large", f"a choice has 1 to {CHOICES_MAX} values")
    return found


def _country(reader: Reader, body: Mapping) -> str:
    node = body.get("country")
    if node is None:
        return "BF"
    typed = reader.scalar(node, '"country:"').value
    if typed not in phonenumbers.SUPPORTED_REGIONS:
        sentence = f'"{typed}" is no country: two capital letters (ISO 3166-1), such as BF'
        reader.problem(node.at, "wrong-type", sentence)
        return "BF"
    return typed


def _fields(reader: Reader, key: Scalar, body: Mapping, what: str) -> dict[str, Shape]:
    node = body.get("fields")
    if node is None:
        reader.problem(key.at, "missing-key", f'{what} needs "fields:"')
        return {}
    scalar_types = tuple(each for each in FIELD_TYPES if each is not Type.ROWS)
    found = {}
    for name, value in reader.mapping(node, '"fields:"', None).entries:
        inner = f'field "{name.value}"'
        declared = reader.mapping(value, inner, KEYS)
        reader.name(name, "field")
        if name.value == "number":
            reader.problem(name.at, "bad-name", '"number" is the running number of every row')
        found[name.value] = shape_of(reader, name, declared, inner, scalar_types)
    return found
