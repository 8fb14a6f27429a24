"""What fits what: whatever is said to fit always does, for any shape and any value."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ussd_app.flow.checks.shapes import Fit, fits_shape, literal_fits, why_not
from ussd_app.flow.functions import takes
from ussd_app.flow.joins import joined
from ussd_app.flow.model import NUMBERS, Shape, Type
from ussd_app.flow.values import day, fits, longest, plain, room, stored

TODAY = date(2026, 11, 22)
NAMES = ("a", "b", "c")
ROWS = (Type.ROW, Type.ROWS)
SCALARS = tuple(kind for kind in Type if kind not in ROWS)
DIGITS = st.text("0123456789", max_size=22)
_COUNT = Shape(Type.INTEGER, low="0", high="9")
#: Few bounds, so that shapes often hold one another.
BOUNDS = st.none() | st.sampled_from(["-1000", "-9.5", "-1", "0", "1", "9.95", "10", "100", "1000"])
DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
DATES = st.none() | st.sampled_from(
    ["2026-01-31", "2026-11-22", "2027-02-28", "today", "today-18y", "today-1d", "today+3m"]
)
LENGTHS = st.sets(st.sampled_from([1, 2, 3, 4, 11, 20, 21]), max_size=4).map(
    lambda found: tuple(sorted(found))
)


def _ordered(shape: Shape) -> bool:
    return shape.high is None or Decimal(shape.low or 0) <= Decimal(shape.high)


def _number(kind: Type) -> st.SearchStrategy[Shape]:
    whole = kind is Type.INTEGER
    places = st.just(0) if whole else st.integers(0, 3)
    bounded = st.builds(Shape, st.just(kind), low=BOUNDS, high=BOUNDS, places=places)
    typed = ["9", "-9", "99", "2000000"] if whole else ["9", "0.1", "99.9", "1638.3"]
    return bounded.filter(_ordered) | st.builds(
        Shape, st.just(kind), longest=st.sampled_from(typed)
    )


@cache
def of(kind: Type) -> st.SearchStrategy[Shape]:
    """Shapes of one type."""
    one = st.just(kind)
    match kind:
        case Type.INTEGER | Type.DECIMAL:
            return _number(kind)
        case Type.DATE:
            return st.builds(Shape, one, low=DATES, high=DATES)
        case Type.DIGITS:
            longest_one = st.sampled_from(["0", "0000", "0" * 21])
            return st.builds(Shape, one, LENGTHS) | st.builds(Shape, one, longest=longest_one)
        case Type.PIN:
            return st.builds(Shape, one, LENGTHS)
        case Type.TEXT:
            declared = st.builds(Shape, one, st.integers(1, 30).map(lambda most: (1, most)))
            return declared | st.builds(Shape, one, longest=st.text("aé€m ", min_size=1))
        case Type.CHOICE:
            names = st.sets(st.sampled_from(NAMES), min_size=1)
            return st.builds(Shape, one, choices=names.map(dict.fromkeys))
        case Type.ROW:
            return st.builds(Shape, one, fields=FIELDS)
        case Type.ROWS:
            return st.builds(Shape, one, fields=FIELDS, rows_max=st.integers(0, 3))
    return st.just(Shape(kind, country="BF"))


FIELDS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(SCALARS).flatmap(of), max_size=2)
SHAPES = st.sampled_from(list(Type)).flatmap(of)
#: What may be made of what: the type that is wanted, the type that is given.
CONVERTIBLE = [
    (wanted, kind)
    for wanted, kind in product(Type, Type)
    if kind is wanted or kind in takes(wanted) or {wanted, kind} <= NUMBERS
]


def values(shape: Shape) -> st.SearchStrategy[object]:
    """Values that mostly are of a shape, those at its edges first."""
    match shape.type:
        case Type.INTEGER | Type.DECIMAL:
            ends = [plain(Decimal(end)) for end in (shape.low, shape.high) if end is not None]
            step = Decimal(1).scaleb(-shape.places)
            near = [plain(Decimal(end) + move) for end in ends for move in (-step, step)]
            count = len(shape.longest)
            wide = ["9" * count, "-" + "9" * (count - 1), "0." + "0" * (count - 3) + "1"]
            edges = [*ends, *near, longest(shape), "0", *(wide if count > 2 else ())]
            return st.sampled_from(edges) | st.decimals(-3000, 3000, places=shape.places).map(str)
        case Type.DATE:
            ends = [day(end, TODAY).isoformat() for end in (shape.low, shape.high) if end]
            return st.sampled_from([*ends, "2026-11-22"]) | DAYS.map(str) | st.just("20261122")
        case Type.DIGITS | Type.PIN:
            return st.just(longest(shape)) | DIGITS
        case Type.CHOICE:
            return st.sampled_from(NAMES)
        case Type.MSISDN:
            return st.just("+22670123456") | st.just(longest(shape)) | DIGITS
        case Type.BOOLEAN:
            return st.sampled_from([True, False, "true", "false", "yes"])
        case Type.TEXT:
            return st.just(longest(shape)) | st.text("aé€m [", max_size=30)
        case Type.ROW:
            return _row(shape)
        case Type.ROWS:
            return st.lists(_row(shape), max_size=max(shape.rows_max, 0))


def _row(shape: Shape) -> st.SearchStrategy[object]:
    return st.fixed_dictionaries({name: values(inner) for name, inner in shape.fields.items()})


@pytest.mark.parametrize(("kind", "other"), CONVERTIBLE)
@settings(max_examples=80)
@given(data=st.data(), later=st.integers(0, 4000))
def test_what_fits_by_its_shape_fits_whatever_it_is(
    kind: Type, other: Type, data: st.DataObject, later: int
) -> None:
    wanted, shape = data.draw(of(kind)), data.draw(of(other))
    if fits_shape(wanted, shape) is Fit.YES:
        value = data.draw(values(shape))
        if fits(shape, value, TODAY):
            assert fits(wanted, stored(shape, value), TODAY + timedelta(days=later))


def _scalar_pair(kind: Type) -> st.SearchStrategy[tuple[Shape, Shape]]:
    return st.tuples(of(kind), of(kind))


@settings(max_examples=400)
@given(st.data(), st.sampled_from(SCALARS).flatmap(_scalar_pair))
def test_a_shape_for_two_holds_the_values_of_both(
    data: st.DataObject, pair: tuple[Shape, Shape]
) -> None:
    one, other = pair
    both = joined(one, other)
    value = data.draw(values(one) | values(other))

    # Without a bound nobody types less than zero.
    typed = one.type not in NUMBERS or not str(value).startswith("-") or bool(one.low and other.low)
    if typed and (fits(one, value, TODAY) or fits(other, value, TODAY)):
        assert fits(both, value, TODAY)
        assert room(str(value)) <= max(room(longest(both)), room("false"))


def test_a_shape_for_two_lists_has_the_fields_of_both() -> None:
    few = Shape(Type.ROWS, fields={"a": _COUNT, "b": _COUNT}, rows_max=2)
    more = Shape(Type.ROWS, fields={"a": Shape(Type.INTEGER, longest="99999")}, rows_max=5)
    none = Shape(Type.ROWS)

    assert joined(few, more).rows_max == 5
    assert set(joined(few, more).fields) == {"a"}
    assert len(longest(joined(few, more).fields["a"])) == 5
    assert joined(few, none) == joined(none, few) == few


@given(st.data(), SHAPES)
def test_a_stored_value_is_still_of_its_shape(data: st.DataObject, shape: Shape) -> None:
    value = data.draw(values(shape))
    if fits(shape, value, TODAY):
        kept = stored(shape, value)
        assert fits(shape, kept, TODAY)
        assert stored(shape, kept) == kept


@given(st.data(), st.sampled_from(SCALARS).flatmap(of))
def test_no_value_is_wider_than_the_longest(data: st.DataObject, shape: Shape) -> None:
    value = data.draw(values(shape))
    if fits(shape, value, TODAY):
        assert room(str(stored(shape, value))) <= room(longest(shape))


@pytest.mark.parametrize(("kind", "other"), CONVERTIBLE)
@settings(max_examples=25)
@given(data=st.data())
def test_what_may_not_fit_has_a_reason(kind: Type, other: Type, data: st.DataObject) -> None:
    wanted, shape = data.draw(of(kind)), data.draw(of(other))

    assert fits_shape(wanted, shape) is not Fit.MAYBE or why_not(wanted, shape)


@given(SHAPES)
def test_a_shape_fits_itself_unless_the_days_move_on(shape: Shape) -> None:
    inner = [shape, *shape.fields.values()]
    moving = any("today" in (each.low or "") for each in inner)

    assert moving or fits_shape(shape, shape) is Fit.YES


WHOLE = Shape(Type.INTEGER, low="0", high="100")
ROW = Shape(Type.ROW, fields={"name": Shape(Type.TEXT, (1, 20)), "count": WHOLE})


@pytest.mark.parametrize(
    ("wanted", "shape", "fit"),
    [
        (WHOLE, Shape(Type.INTEGER, low="5", high="100"), Fit.YES),
        (WHOLE, Shape(Type.INTEGER, low="0", high="101"), Fit.MAYBE),
        (WHOLE, Shape(Type.INTEGER, low="101", high="200"), Fit.NO),
        (WHOLE, Shape(Type.DECIMAL, low="1", high="9", places=1), Fit.MAYBE),
        (WHOLE, Shape(Type.INTEGER, longest="99"), Fit.MAYBE),
        (Shape(Type.INTEGER, longest="99"), Shape(Type.INTEGER, high="100"), Fit.MAYBE),
        (Shape(Type.DECIMAL, high="9" * 15, places=1), Shape(Type.DECIMAL, places=1), Fit.MAYBE),
        (WHOLE, Shape(Type.TEXT, (1, 3)), Fit.NO),
        (WHOLE, Shape(Type.DIGITS, (2,)), Fit.NO),
        (Shape(Type.DIGITS, (1, 2, 3)), WHOLE, Fit.YES),
        (Shape(Type.DIGITS, (1, 2)), WHOLE, Fit.MAYBE),
        (Shape(Type.DIGITS, (11,)), Shape(Type.DIGITS, (4,)), Fit.NO),
        (Shape(Type.TEXT, (1, 10)), Shape(Type.DATE), Fit.YES),
        (Shape(Type.TEXT, (1, 9)), Shape(Type.DATE), Fit.MAYBE),
        (Shape(Type.TEXT, (1, 160)), ROW, Fit.NO),
        (Shape(Type.PIN, (4,)), Shape(Type.DIGITS, (4,)), Fit.NO),
        (Shape(Type.DATE, high="today"), Shape(Type.DATE, high="today"), Fit.YES),
        (Shape(Type.DATE, low="today"), Shape(Type.DATE, low="today"), Fit.MAYBE),
        (Shape(Type.DATE, low="2026-01-01"), Shape(Type.DATE, high="2025-01-01"), Fit.NO),
        (ROW, Shape(Type.ROW, fields={"name": ROW.fields["name"]}), Fit.NO),
        (Shape(Type.ROWS, fields=ROW.fields, rows_max=2), Shape(Type.ROWS), Fit.YES),
        (
            Shape(Type.ROWS, fields=ROW.fields, rows_max=2),
            Shape(Type.ROWS, fields=ROW.fields, rows_max=3),
            Fit.MAYBE,
        ),
    ],
)
def test_how_one_shape_fits_another(wanted: Shape, shape: Shape, fit: Fit) -> None:
    assert fits_shape(wanted, shape) is fit


@pytest.mark.parametrize(
    ("wanted", "typed", "fit"),
    [
        (WHOLE, "100", Fit.YES),
        (WHOLE, "101", Fit.NO),
        (WHOLE, "many", Fit.NO),
        (Shape(Type.DIGITS, (3,)), "007", Fit.YES),
        (Shape(Type.CHOICE, choices={"a": None}), "b", Fit.NO),
        (Shape(Type.BOOLEAN), "true", Fit.YES),
        (Shape(Type.DATE, low="today"), "2026-11-22", Fit.MAYBE),
        (Shape(Type.DATE), "20261122", Fit.NO),
        (ROW, "1", Fit.NO),
    ],
)
def test_how_a_literal_fits(wanted: Shape, typed: str, fit: Fit) -> None:
    assert literal_fits(wanted, typed) is fit
