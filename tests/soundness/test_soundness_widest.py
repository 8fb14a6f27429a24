"""What is proven of values in places: none is wider than counted, none makes a filter raise."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import date
from random import Random

import pytest

from tests.soundness.made_files import APPLICATION
from tests.soundness.made_kinds import FIELDS, SCALARS, made_kind
from tests.soundness.made_shapes import shape_of_kind
from tests.soundness.samples import field_value, typed
from tests.soundness.tally import FILTERS
from ussd_app.flow.compiler import Library, compile_source
from ussd_app.flow.diagnostics import Position
from ussd_app.flow.model import Flow, Shape, Type, Variable
from ussd_app.flow.names import Names, filtered, witnesses
from ussd_app.flow.values import Refused, cut, fits, normalise, stored, value_of, width
from ussd_app.render import gsm7
from ussd_app.render.texts import Place

TODAY = date(2026, 11, 23)
LONGEST = {
    Type.TEXT: ("€", "ab", "a b", "Awa", "m" * 7, "Awa Ouedraogo", "é" * 30),
    Type.DIGITS: ("1", "88888888"),
    Type.INTEGER: ("-999", "-9", "7", "2000000", "-1000000", "99"),
    Type.DECIMAL: ("1638.3", "-0.25", "7", "-10.5", "99999999.999999"),
    Type.DATE: ("2026-11-22",),
    Type.MSISDN: ("+22670123456",),
    Type.BOOLEAN: ("",),
}
MAIN = """\
cassou: 1
flow: main
service_codes: ["*789#"]
languages: {default: fr, also: [en]}
start: home
states:
  home: {menu: Bonjour, options: [{label: Fin, next: bye}]}
  bye: {end: Fin}
"""
CHAINS = [
    chain for count in range(3) for chain in itertools.product(FILTERS, repeat=count)
]


@pytest.fixture(scope="module")
def flow() -> Flow:
    return compile_source(MAIN, "main.yaml", Library.of({}, APPLICATION))


def shapes(random: Random) -> list[Shape]:
    """Shapes of variables and of back-ends' fields."""

    found = [shape_of_kind(made_kind(random, kind, ("fr", "en"))) for kind in SCALARS]
    for kind in FIELDS:
        found += [Shape(Type(kind), longest=each) for each in LONGEST[Type(kind)]]
    return found


def value(random: Random, shape: Shape, alphabet: str) -> object:
    """A value that comes into a variable or field of this shape, in its stored form, or None."""
    if shape.longest or shape.type is Type.BOOLEAN:
        made: object = field_value(random, shape)
        if shape.type is Type.TEXT:
            return cut(str(made), shape)
        return stored(shape, made) if fits(shape, made) else None
    try:
        answer = normalise(typed(random, shape, TODAY))
        return value_of(shape, answer, TODAY, "fr", alphabet)
    except Refused:
        return None


def wider(flow: Flow, shape: Shape, random: Random, count: int) -> list[str]:
    """Values that a place of this shape shows wider than is counted, or cannot show."""
    variable = Variable("v", shape, Position("main.yaml", 1, 1, 1, 1))
    flow = dataclasses.replace(flow, variables={"v": variable})
    names = Names(flow)
    values = [value(random, shape, flow.alphabet) for _ in range(count)]
    known = {str(each): each for each in values if each is not None}
    found = []
    for chain in CHAINS:
        if any(filtered(each, chain, "fr", flow.filters) is None for each in witnesses(shape)):
            continue
        for language in ("fr", "en"):
            widest = names.widest_place(Place("v", None, chain, 0), language)
            for each in known.values():
                shown = filtered(each, chain, language, flow.filters)
                if shown is None or not _within(shown, widest, flow.alphabet):
                    found.append(f"{shape.type} {shape.lengths} {shape.longest} {chain} {each!r}")
    return found


def _within(shown: str, widest: str, alphabet: str) -> bool:
    if alphabet == "ucs2":
        return max(gsm7.units(shown), 0) <= gsm7.units(widest)
    return width(shown) <= width(widest)


@pytest.mark.parametrize("alphabet", ["transliterate", "ucs2"])
def test_no_value_is_shown_wider_than_is_counted(flow: Flow, alphabet: str) -> None:
    random = Random(7)
    flow = dataclasses.replace(flow, alphabet=alphabet)
    found = [each for shape in shapes(random) for each in wider(flow, shape, random, 25)]

    assert found == []
