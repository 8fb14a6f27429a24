"""Whole flows: what compiles, what a compiled flow holds, and what is too large."""

from __future__ import annotations

from pathlib import Path

import pytest

from ussd_app import engine
from ussd_app.flow import graph, syntax
from ussd_app.flow.compiler import Library, all_edges, compile_file, compile_source
from ussd_app.flow.diagnostics import FlowError
from ussd_app.flow.model import VISIBLE, CallState, End, Input, Listing, Menu, Show
from workers.application import FILTERS

MENUS = Path(engine.__file__).parent / "menus"
SMALL = Path(__file__).parent / "ok" / "small.yaml"
SHIPPED = sorted(
    path for path in MENUS.glob("*.yaml") if path.stem not in {"catalogue", "system", "sms"}
)


@pytest.fixture(scope="module")
def library() -> Library:
    return Library.load(MENUS, FILTERS)


def chain(length: int) -> str:
    states = "".join(
        f"  s{n}:\n    menu: Question {n}\n    options:\n"
        f"      - {{label: Oui, next: s{n + 1}}}\n      - {{label: Fin, next: bye}}\n"
        for n in range(length - 2)
    )
    return (
        'cassou: 1\nflow: chain\nservice_codes: ["*1#"]\nlanguages: {default: fr}\nstart: s0\n'
        f"states:\n{states}  s{length - 2}:\n    show: Voilà\n    next: bye\n  bye: {{end: Fin}}\n"
    )


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_menu_compiles_without_problems(path: Path, library: Library) -> None:
    flow = compile_file(path, library)

    assert flow.states
    assert flow.start in flow.states
    assert flow.service_codes


def test_a_flow_holds_what_its_author_wrote(library: Library) -> None:
    flow = compile_file(MENUS / "buy-electricity.yaml", library)

    assert (flow.name, flow.service_codes, flow.languages) == (
        "buy-electricity",
        ("*789#",),
        ("fr", "en"),
    )
    assert (flow.start, flow.home) == ("welcome", "home")
    assert (flow.keys.back, flow.keys.home, flow.keys.more) == ("0", "00", "98")
    kinds = {name: type(flow.states[name]) for name in ("home", "serial", "paying", "codes")}
    assert kinds == {"home": Menu, "serial": Input, "paying": CallState, "codes": Listing}
    paying = flow.states["paying"]
    assert isinstance(paying, CallState)
    assert (paying.once, paying.waits_max) == ("session", 3)


def test_scalars_stay_what_was_typed(library: Library) -> None:
    path = Path(__file__).parent / "ok" / "scalars-stay-text.yaml"
    flow = compile_file(path, library)
    home = flow.states["home"]

    assert isinstance(home, Menu)
    assert home.text.by_language["fr"].source == "12:30"
    assert [(option.key, option.label.by_language["fr"].source) for option in home.options] == [
        ("010", "no"),
        ("7", "on"),
    ]
    assert (flow.service_codes, flow.keys.home) == (("*007#",), "00")


def test_the_hash_is_that_of_the_sources(library: Library) -> None:
    source = SMALL.read_text()
    flow = compile_source(source, "a", library)
    other = Library(library.backends, library.system, library.filters, b"another digest")

    assert flow.hash == compile_source(source, "b", library).hash
    assert flow.hash != compile_source(source + "#\n", "a", library).hash
    assert flow.hash != compile_source(source, "a", other).hash


def test_a_byte_order_mark_is_no_part_of_a_flow(library: Library) -> None:
    assert compile_source("\ufeff" + SMALL.read_text(), "bom", library).name == "small"


def test_a_flow_of_a_thousand_states_compiles(library: Library) -> None:
    flow = compile_source(chain(1000), "chain", library)

    assert len(flow.states) == 1000
    assert isinstance(flow.states["s998"], Show)


def test_over_two_thousand_states_are_too_many(library: Library) -> None:
    with pytest.raises(FlowError, match=r"a flow has at most 2000 states \[too-large\]"):
        compile_source(chain(2001), "chain", library)


def test_a_file_of_over_two_megaoctets_is_not_read(library: Library) -> None:
    source = "# é\n" * (syntax.OCTETS_MAX // 5 + 1)
    with pytest.raises(FlowError, match=r"over 2000000 octets \[too-large\]"):
        compile_source(source, "large", library)


def test_a_deeply_nested_file_is_refused_and_harms_nothing(library: Library) -> None:
    with pytest.raises(FlowError, match="nested deeper"):
        compile_source("a: " + "[" * 100_000, "deep", library)


@pytest.mark.parametrize("cut", range(0, 900, 37))
def test_a_shipped_menu_cut_anywhere_is_refused_with_a_place(cut: int, library: Library) -> None:
    source = (MENUS / "buy-electricity.yaml").read_text()
    lines = source.splitlines(keepends=True)
    broken = "".join(lines)[: len(source) - 40 - cut]
    with pytest.raises(FlowError) as caught:
        compile_source(broken, "cut.yaml", library)
    assert all(each.at.line >= 1 for each in caught.value.diagnostics)
    assert str(caught.value).startswith("cut.yaml:")


def test_every_edge_ends_at_a_state_and_no_back_edge_crosses_an_effect(library: Library) -> None:
    flow = compile_file(MENUS / "buy-electricity.yaml", library)
    edges = all_edges(flow)

    assert [edge for edge in edges if edge.dest not in flow.states] == []
    assert len({(edge.source, edge.trigger) for edge in edges}) == len(edges)
    after_payment = graph.reachable(flow.states, "paying") - graph.reachable(flow.states, "quote")
    back = [edge for edge in edges if edge.trigger.startswith("back:")]
    assert [edge for edge in back if edge.source in after_payment] == []
    assert [edge for edge in back if edge.source == "requote"] == []
    assert [edge for edge in back if not isinstance(flow.states[edge.dest], VISIBLE)] == []
    assert [edge for edge in back if isinstance(flow.states[edge.source], End)] == []
    assert ("confirm", "kwh") in {(edge.source, edge.dest) for edge in back}
