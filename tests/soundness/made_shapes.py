"""Shapes as the compiler reads them, and values that come into variables and fields of them."""

from __future__ import annotations

from datetime import date
from random import Random

from tests.soundness.made_files import Data, Menus, Table
from tests.soundness.made_kinds import FIELDS, made_kind
from tests.soundness.samples import field_value, typed
from ussd_app.flow.model import Shape, Type
from ussd_app.flow.values import Refused, cut, fits, normalise, stored, value_of
from ussd_app.messages import Budget

TODAY = date(2026, 11, 23)
#: Longest values of back-ends' fields, by type.
LONGEST = {
    Type.TEXT: ("€", "ab", "a b", "Awa", "m" * 7, "Awa Ouedraogo", "é" * 30),
    Type.DIGITS: ("1", "88888888"),
    Type.INTEGER: ("-999", "-9", "7", "2000000", "-1000000", "9" * 15),
    Type.DECIMAL: ("1638.3", "-0.25", "7", "-10.5", "99999999.999999"),
    Type.DATE: ("2026-11-22",),
    Type.MSISDN: ("+22670123456",),
}


def made_shapes(random: Random, each: int) -> dict[Type, list[Shape]]:
    """So many shapes of every type of variable, and those of back-ends' fields, compiled."""
    kinds = [made_kind(random, kind, ("fr", "en")) for kind in Type for _ in range(each)]
    declared: Table = {f"v{number}": kind.declared for number, kind in enumerate(kinds)}
    parts: list[Data] = [{"when": "{" + name + "} is set", "text": "."} for name in declared]
    menus = Menus(
        {
            "cassou": "1",
            "flow": "main",
            "service_codes": ["*789#"],
            "languages": {"default": "fr", "also": ["en"]},
            "start": "home",
            "vars": declared,
            "states": {
                "home": {"menu": parts, "options": [{"label": "Fin", "next": "bye"}]},
                "bye": {"end": "Fin"},
            },
        }
    )
    flow = menus.examined((Budget(),)).flow
    assert flow is not None
    found: dict[Type, list[Shape]] = {kind: [] for kind in Type}
    for variable in flow.variables.values():
        found[variable.shape.type].append(variable.shape)
    for kind, longest in LONGEST.items():
        found[kind] += [Shape(kind, longest=each) for each in longest]
    for _ in range(each):
        fields = {f"a_{kind}": random.choice(found[Type(kind)]) for kind in FIELDS[:4]}
        chosen = dict(random.sample(list(fields.items()), 2))
        found[Type.ROWS].append(Shape(Type.ROWS, fields=chosen, rows_max=random.choice([1, 9])))
        found[Type.ROW].append(Shape(Type.ROW, fields=chosen))
    return found


def made_value(random: Random, shape: Shape, alphabet: str = "transliterate") -> object:
    """A value that comes in, in its stored form; None where none was found at once."""
    nobody_types = shape.longest or shape.type in {Type.ROW, Type.ROWS, Type.BOOLEAN}
    if not nobody_types:
        try:
            answer = normalise(typed(random, shape, TODAY))
            return value_of(shape, answer, TODAY, "fr")
        except Refused:
            return None
    made: object = field_value(random, shape)
    if shape.type is Type.TEXT:
        return cut(str(made), shape)
    return stored(shape, made) if fits(shape, made, TODAY) else None
