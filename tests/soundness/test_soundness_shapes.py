"""What is said of the shape of a value is true of every value: functions' results, and `fits`."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from tests.soundness.made_shapes import TODAY, made_shapes, made_value
from ussd_app.flow.checks.shapes import Fit, fits_shape
from ussd_app.flow.functions import FUNCTIONS, NoFit, bounds
from ussd_app.flow.model import NUMBERS, Shape, Type
from ussd_app.flow.values import fits, longest, width

#: No variable holds a number of more digits, so none this large is ever stored.
STORED_MOST = 10**15


@pytest.fixture(scope="module")
def shapes() -> dict[Type, list[Shape]]:
    return made_shapes(Random(1), 12)


def given_shapes(random: Random, name: str, shapes: dict[Type, list[Shape]]) -> dict[str, Shape]:
    """Shapes of a function's arguments; a row is mostly one of those it goes with."""
    found = {
        each: random.choice(shapes[random.choice(sorted(types))])
        for each, types in FUNCTIONS[name].inputs.items()
    }
    if "field" in found:
        fields = found["rows"].fields
        found["field"] = Shape(Type.TEXT, longest=random.choice(list(fields)))
    if "row" in found and random.random() < 0.7:
        found["row"] = Shape(Type.ROW, fields=found["rows"].fields)
    return found


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_functions_value_is_of_the_shape_it_has(
    name: str, shapes: dict[Type, list[Shape]]
) -> None:
    random, function = Random(name), FUNCTIONS[name]
    found = []
    tried = 0
    for _ in range(300):
        taken = given_shapes(random, name, shapes)
        try:
            shape = function.shape(taken)
        except NoFit:
            continue
        if shape.type in NUMBERS and max(map(abs, bounds(shape))) >= STORED_MOST:
            continue
        for _ in range(4):
            given = {
                each: inner.longest if each == "field" else made_value(random, inner)
                for each, inner in taken.items()
            }
            if None in given.values():
                continue
            made = function.apply(given, random.getrandbits(64))
            tried += 1
            if made is not None and not fits(shape, made):
                found.append((given, made, shape))

    assert tried > 20
    assert found == []


def test_what_surely_fits_fits(shapes: dict[Type, list[Shape]]) -> None:
    random = Random(3)
    found = []
    sure = 0
    everything = [shape for each in shapes.values() for shape in each]
    for _ in range(6000):
        wanted = random.choice(everything)
        given = random.choice(shapes[wanted.type] if random.random() < 0.6 else everything)
        if fits_shape(wanted, given) is not Fit.YES:
            continue
        sure += 1
        for _ in range(4):
            value = made_value(random, given)
            later = TODAY + timedelta(days=random.choice([0, 1, 400]))
            if value is not None and not fits(wanted, value, later):
                found.append((wanted, given, value))

    assert sure > 300
    assert found == []


def test_the_longest_value_is_as_long_as_any(shapes: dict[Type, list[Shape]]) -> None:
    random = Random(5)
    wider = []
    for kind, each in shapes.items():
        for shape in each if kind not in {Type.ROW, Type.ROWS, Type.CHOICE} else ():
            values = [made_value(random, shape) for _ in range(12)]
            shown = [str(value) for value in values if value is not None]
            wider += [(shape, text) for text in shown if width(text) > width(longest(shape))]

    assert wider == []
