"""Functions that a `set` may use: pure, typed in and out, with no I/O and no clock.

Each says what kinds of values it takes, what shape its result has for the shapes of its arguments
(so that the checker can prove that it fits its variable), and how the value comes about. A value
that does not exist (a row of an empty list, 31 February) is None: the `set` goes to its `else:`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from ussd_app.effects import Row
from ussd_app.flow.model import NUMBERS, Function, Shape, Type
from ussd_app.flow.values import fits, longest, room, stored

log = logging.getLogger("cassou.functions")

Shapes = Mapping[str, Shape]
_WHOLE = frozenset({Type.ROWS, Type.ROW})
_ROWS = frozenset({Type.ROWS})
_ROW = frozenset({Type.ROW})
_NUMBER = NUMBERS
_INTEGER = frozenset({Type.INTEGER})
_TEXT = frozenset({Type.TEXT})
_SCALAR = frozenset(set(Type) - {Type.ROWS, Type.ROW})


class NoFit(Exception):  # noqa: N818  # the arguments do not go together
    """Arguments that a function cannot take together: a sentence for the designer."""


def number_of(value: object) -> Decimal:
    """A stored number: an int, or a decimal as text."""
    return Decimal(str(value))


def number_text(number: Decimal) -> str | int:
    """A number as it is stored: an int, or a plain decimal as text."""
    if number == number.to_integral_value():
        return int(number)
    return f"{number.normalize():f}"


def bounds(shape: Shape) -> tuple[Decimal, Decimal]:
    """The least and greatest value of a number's shape."""
    if shape.longest:
        most = abs(Decimal(shape.longest))
        # A back-end's number is cut to as many digits as its longest has.
        limit = Decimal(10) ** len(shape.longest) - 1
        return -limit, max(most, limit)
    far = Decimal(10) ** 15 - 1
    low = Decimal(shape.low) if shape.low is not None else Decimal(0)
    return low, Decimal(shape.high) if shape.high is not None else far


def places(shape: Shape) -> int:
    """The most decimals of a number's shape."""
    if shape.type is Type.INTEGER:
        return 0
    # Of a back-end's decimal only the characters are bounded: 0.001 is as long as 999.9.
    return max(len(shape.longest) - 2, 0) if shape.longest else shape.places


def _number(low: Decimal, high: Decimal, decimals: int) -> Shape:
    kind = Type.DECIMAL if decimals else Type.INTEGER
    return Shape(kind, low=f"{low:f}", high=f"{high:f}", places=decimals)


def _rows(shape: Shape, most: int) -> Shape:
    return Shape(Type.ROWS, fields=shape.fields, rows_max=most)


def _same(shapes: Shapes) -> Shape:
    return shapes["rows"]


def _added(shapes: Shapes) -> Shape:
    rows, row = shapes["rows"], shapes["row"]
    fields = rows.fields or row.fields
    if set(fields) - set(row.fields):
        missing = ", ".join(sorted(set(fields) - set(row.fields)))
        raise NoFit(f"the row has no {missing}")
    joined = {
        name: _joined(name, shape, row.fields[name]) if rows.fields else shape
        for name, shape in fields.items()
    }
    return Shape(Type.ROWS, fields=joined, rows_max=rows.rows_max + 1)


def _joined(name: str, one: Shape, other: Shape) -> Shape:
    """The shape of a field that may come from either."""
    if one == other:
        return one
    if one.type is not other.type:
        raise NoFit(f'"{name}" of the row is {other.type}, of the rows {one.type}')
    match one.type:
        case Type.INTEGER | Type.DECIMAL:
            (a, b), (c, d) = bounds(one), bounds(other)
            most = max(places(one), places(other))
            return Shape(one.type, low=f"{min(a, c):f}", high=f"{max(b, d):f}", places=most)
        case Type.CHOICE:
            return replace(one, choices={**one.choices, **other.choices})
        case Type.DATE | Type.BOOLEAN:
            return Shape(one.type)
        case Type.DIGITS if one.lengths and other.lengths:
            return Shape(one.type, tuple(sorted({*one.lengths, *other.lengths})))
    return Shape(one.type, longest=max(longest(one), longest(other), key=room))


def _row_of(shapes: Shapes) -> Shape:
    return Shape(Type.ROW, fields=shapes["rows"].fields)


def _count(shapes: Shapes) -> Shape:
    return _number(Decimal(0), Decimal(shapes["rows"].rows_max), 0)


def _column(shapes: Shapes) -> Shape:
    """The shape of the field that `field` names: a literal, so its shape carries it."""
    fields, name = shapes["rows"].fields, shapes["field"].longest
    if name not in fields:
        known = ", ".join(sorted(fields))
        raise NoFit(f'the rows have no field "{name}"; they have {known}')
    return fields[name]


def _sum_shape(shapes: Shapes) -> Shape:
    column = _column(shapes)
    if column.type not in NUMBERS:
        raise NoFit(f'"{shapes["field"].longest}" is no number')
    low, high = bounds(column)
    most = shapes["rows"].rows_max
    return _number(min(low * most, Decimal(0)), max(high * most, Decimal(0)), places(column))


def _sum_shapes(shapes: Shapes) -> Shape:
    (a, b), (c, d) = bounds(shapes["a"]), bounds(shapes["b"])
    return _number(a + c, b + d, max(places(shapes["a"]), places(shapes["b"])))


def _difference(shapes: Shapes) -> Shape:
    (a, b), (c, d) = bounds(shapes["a"]), bounds(shapes["b"])
    return _number(a - d, b - c, max(places(shapes["a"]), places(shapes["b"])))


def _product(shapes: Shapes) -> Shape:
    ends = [x * y for x in bounds(shapes["a"]) for y in bounds(shapes["b"])]
    return _number(min(ends), max(ends), places(shapes["a"]) + places(shapes["b"]))


def _span(shapes: Shapes) -> Shape:
    low, _ = bounds(shapes["low"])
    _, high = bounds(shapes["high"])
    return _number(low, high, 0)


def _list(value: object) -> tuple[Row, ...]:
    return tuple(value) if isinstance(value, tuple | list) else ()


def _without(rows: tuple[Row, ...], gone: Row) -> tuple[Row, ...]:
    """`rows` less the first one equal to `gone` in the fields both have."""
    for number, row in enumerate(rows):
        if _alike(row, gone):
            return rows[:number] + rows[number + 1 :]
    return rows


def _alike(row: Row, other: Row) -> bool:
    shared = [name for name in row if name in other]
    return bool(shared) and all(row[name] == other[name] for name in shared)


def _add(given: Mapping[str, object], _seed: int) -> object:
    row = given["row"]
    return (*_list(given["rows"]), row)


def _remove(given: Mapping[str, object], _seed: int) -> object:
    row = given["row"]
    return _without(_list(given["rows"]), row) if isinstance(row, Mapping) else None


def _minus(given: Mapping[str, object], _seed: int) -> object:
    rows = _list(given["rows"])
    for row in _list(given["less"]):
        rows = _without(rows, row)
    return rows


def _at(given: Mapping[str, object], _seed: int) -> object:
    rows, number = _list(given["rows"]), int(number_of(given["number"]))
    return rows[number - 1] if 0 < number <= len(rows) else None


def _first(given: Mapping[str, object], _seed: int) -> object:
    return _list(given["rows"])[: max(int(number_of(given["most"])), 0)]


def _total(given: Mapping[str, object], _seed: int) -> object:
    name = str(given["field"])
    return number_text(sum((number_of(row[name]) for row in _list(given["rows"])), Decimal(0)))


def _pick(given: Mapping[str, object], seed: int) -> object:
    low, high = int(number_of(given["low"])), int(number_of(given["high"]))
    return low + seed % (high - low + 1) if low <= high else None


def _date_of(given: Mapping[str, object], _seed: int) -> object:
    try:
        found = date(*(int(number_of(given[name])) for name in ("year", "month", "day")))
    except (ValueError, OverflowError):
        return None
    return found.isoformat()


def _arithmetic(
    count: Callable[[Decimal, Decimal], Decimal],
) -> Callable[[Mapping[str, object], int], object]:
    def apply(given: Mapping[str, object], _seed: int) -> object:
        return number_text(count(number_of(given["a"]), number_of(given["b"])))

    return apply


_TWO_NUMBERS: Mapping[str, frozenset[Type]] = {"a": _NUMBER, "b": _NUMBER}
_BUILT_IN = (
    Function("rows.none", {}, lambda _s: Shape(Type.ROWS), lambda _g, _s: ()),
    Function("rows.add", {"rows": _ROWS, "row": _ROW}, _added, _add),
    Function("rows.drop_last", {"rows": _ROWS}, _same, lambda g, _s: _list(g["rows"])[:-1]),
    Function("rows.remove", {"rows": _ROWS, "row": _ROW}, _same, _remove),
    Function("rows.minus", {"rows": _ROWS, "less": _ROWS}, _same, _minus),
    Function(
        "rows.first",
        {"rows": _ROWS, "most": _INTEGER},
        lambda s: _rows(s["rows"], max(min(s["rows"].rows_max, int(bounds(s["most"])[1])), 0)),
        _first,
    ),
    Function("rows.at", {"rows": _ROWS, "number": _INTEGER}, _row_of, _at),
    Function("rows.count", {"rows": _ROWS}, _count, lambda g, _s: len(_list(g["rows"]))),
    Function("rows.sum", {"rows": _ROWS, "field": _TEXT}, _sum_shape, _total),
    Function("number.add", _TWO_NUMBERS, _sum_shapes, _arithmetic(lambda a, b: a + b)),
    Function("number.subtract", _TWO_NUMBERS, _difference, _arithmetic(lambda a, b: a - b)),
    Function("number.multiply", _TWO_NUMBERS, _product, _arithmetic(lambda a, b: a * b)),
    Function("number.pick", {"low": _INTEGER, "high": _INTEGER}, _span, _pick),
    Function(
        "date.of",
        {"day": _INTEGER, "month": _INTEGER, "year": _INTEGER},
        lambda _s: Shape(Type.DATE),
        _date_of,
    ),
)
#: Functions every flow has.
FUNCTIONS: Mapping[str, Function] = {each.name: each for each in _BUILT_IN}
#: Functions that may have no value, whatever their arguments: their `set` needs `else:`.
PARTIAL = frozenset({"rows.at", "number.pick", "date.of"})


def declared(
    name: str,
    inputs: Mapping[str, Shape],
    result: Shape,
    implementation: Callable[..., object],
) -> Function:
    """An application's function: a value that is not of its declared shape is no value."""

    def apply(given: Mapping[str, object], _seed: int) -> object:
        # What stands as a literal in a flow is text until here; rows come as they are.
        typed = {
            each: value if inputs[each].type in _WHOLE else stored(inputs[each], value)
            for each, value in given.items()
        }
        try:
            value = implementation(**typed)
        except Exception as error:  # noqa: BLE001  # whatever it is, it must not end a dialog
            log.warning("function %s: %s", name, type(error).__name__)
            return None
        return value if value is not None and fits(result, value) else None

    return Function(
        name,
        {each: takes(shape.type) for each, shape in inputs.items()},
        lambda _shapes: result,
        apply,
    )


def takes(kind: Type) -> frozenset[Type]:
    """The types of values that an input of type `kind` takes, a back-end's as a function's."""
    if kind is Type.TEXT:
        return _SCALAR
    if kind is Type.DECIMAL:
        return NUMBERS
    if kind is Type.DIGITS:
        return frozenset({Type.DIGITS, Type.INTEGER})
    return frozenset({kind})
