"""What is proven of values in places: none is wider than counted, none makes a filter raise."""

from __future__ import annotations

import dataclasses
import itertools
from random import Random

import pytest

from tests.soundness.made_files import APPLICATION
from tests.soundness.made_shapes import made_shapes, made_value
from tests.soundness.tally import FILTERS
from ussd_app.flow.compiler import Library, compile_source
from ussd_app.flow.diagnostics import Position
from ussd_app.flow.model import Flow, Shape, Type, Variable
from ussd_app.flow.names import Names, filtered, through
from ussd_app.flow.values import width
from ussd_app.render import gsm7
from ussd_app.render.texts import Place

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
CHAINS = [chain for count in range(3) for chain in itertools.product(FILTERS, repeat=count)]


@pytest.fixture(scope="module")
def flow() -> Flow:
    return compile_source(MAIN, "main.yaml", Library.of({}, APPLICATION))


def wider(flow: Flow, shape: Shape, random: Random, count: int) -> list[str]:
    """Values that a place of this shape shows wider than is counted, or cannot show."""
    variable = Variable("v", shape, Position("main.yaml", 1, 1, 1, 1))
    flow = dataclasses.replace(flow, variables={"v": variable})
    names = Names(flow)
    values = [made_value(random, shape, flow.alphabet) for _ in range(count)]
    known = {str(each): each for each in values if each is not None}
    found = []
    for chain in CHAINS:
        if through(shape, chain, "fr", flow.filters)[1]:
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
    shapes = [
        shape
        for kind, each in made_shapes(random, 3).items()
        for shape in each
        if kind not in {Type.ROW, Type.ROWS}
    ]
    found = [each for shape in shapes for each in wider(flow, shape, random, 25)]

    assert found == []
