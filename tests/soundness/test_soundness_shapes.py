"""What is said of the shape of a value is true of every value: functions' results, and `fits`."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest

from tests.soundness.made_kinds import FIELDS, SCALARS, made_kind
from tests.soundness.made_shapes import shape_of_kind
from tests.soundness.samples import field_value, typed
from tests.soundness.test_soundness_widest import LONGEST
from ussd_app.flow.checks.shapes import Fit, fits_shape
from ussd_app.flow.functions import FUNCTIONS, NoFit
from ussd_app.flow.model import Shape, Type
from ussd_app.flow.values import Refused, cut, fits, longest, normalise, stored, value_of

TODAY = date(2026, 11, 23)


def made_shape(random: Random, kind: Type) -> Shape:
    """A shape of a type, a variable's or a back-end's field's."""
    if kind in LONGEST and random.random() < 0.4:
        return Shape(kind, longest=random.choice(LONGEST[kind]))
    if kind is Type.ROWS and random.random() < 0.5:
        names = random.sample(FIELDS, 2)
        fields = {f"a_{each}": made_shape(random, Type(each)) for each in names}
        return Shape(kind, fields=fields, rows_max=random.choice([1, 4, 9]))
    return shape_of_kind(made_kind(random, kind, ("fr", "en")))


def made_value(random: Random, shape: Shape) -> object:
    """A value of a shape, as it is stored; None where none was found at once."""
    typable = shape.type not in {Type.ROW, Type.ROWS, Type.BOOLEAN}
    if not shape.longest and typable:
        try:
            answer = normalise(typed(random, shape, TODAY))
            return value_of(shape, answer, TODAY, "fr", "transliterate")
        except Refused:
            return None
    made: object = field_value(random, shape)
    if shape.type is Type.TEXT and shape.longest:
        return cut(str(made), shape)
    return stored(shape, made) if fits(shape, made, TODAY) else None


def literal(name: str, random: Random, shapes: dict[str, Shape]) -> Shape | None:
    """The shape of a literal argument: the name of a field."""
    fields = shapes["rows"].fields if "rows" in shapes else {}
    if name != "field" or not fields:
        return None
    return Shape(Type.TEXT, longest=random.choice(list(fields)))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_functions_value_is_of_the_shape_it_has(name: str) -> None:
    random, function = Random(name), FUNCTIONS[name]
    found = []
    tried = 0
    for _ in range(150):
        shapes: dict[str, Shape] = {}
        for each, types in function.inputs.items():
            kinds = sorted(types)
            shapes[each] = literal(each, random, shapes) or made_shape(random, random.choice(kinds))
        if {"rows", "row"} <= set(shapes):
            row = Shape(Type.ROW, fields=shapes["rows"].fields)
            shapes["row"] = row if random.random() < 0.9 else shapes["row"]
        try:
            shape = function.shape(shapes)
        except NoFit:
            continue
        for _ in range(6):
            given = {
                each: inner.longest if each == "field" else made_value(random, inner)
                for each, inner in shapes.items()
            }
            if None in given.values():
                continue
            made = function.apply(given, random.getrandbits(64))
            tried += 1
            if made is not None and not fits(shape, made):
                found.append((given, made, shape))

    assert tried > 20
    assert found == []


def test_what_surely_fits_fits() -> None:
    random = Random(3)
    found = []
    sure = 0
    for _ in range(3000):
        wanted = made_shape(random, random.choice(list(Type)))
        given = made_shape(random, random.choice(list(Type)))
        if random.random() < 0.5:
            given = made_shape(random, wanted.type)
        if fits_shape(wanted, given) is not Fit.YES:
            continue
        sure += 1
        for _ in range(8):
            value = made_value(random, given)
            later = TODAY + timedelta(days=random.choice([0, 1, 400]))
            if value is not None and not fits(wanted, value, later):
                found.append((wanted, given, value))

    assert sure > 100
    assert found == []


@pytest.mark.parametrize("kind", [*SCALARS, "boolean"])
def test_the_longest_value_is_as_long_as_any(kind: str) -> None:
    from ussd_app.flow.values import width

    random = Random(kind)
    for _ in range(200):
        shape = made_shape(random, Type(kind))
        value = made_value(random, shape)
        if value is not None and kind != "choice":
            assert width(str(value)) <= max(width(longest(shape)), 5 * (kind == "boolean")), shape
