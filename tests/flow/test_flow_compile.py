"""Whole flows: what compiles, what a compiled flow holds, and what is too large."""

from __future__ import annotations

from pathlib import Path

import pytest

from ussd_app import engine
from ussd_app.flow import syntax
from ussd_app.flow.compiler import (
    Library,
    all_edges,
    compile_file,
    compile_source,
    examine,
    flow_files,
)
from ussd_app.flow.diagnostics import FlowError
from ussd_app.flow.model import (
    VISIBLE,
    CallState,
    End,
    Input,
    Listing,
    Menu,
    SetState,
    Show,
    Text,
    Visible,
)
from workers.application import APPLICATION

MENUS = Path(engine.__file__).parent / "menus"
OK = Path(__file__).parent / "ok"
SMALL = OK / "small.yaml"
SHIPPED = flow_files(MENUS)


@pytest.fixture(scope="module")
def library() -> Library:
    return Library.load(MENUS, APPLICATION)


def words(state: Visible) -> str:
    """The one text of a screen, in French."""
    (part,) = state.body.parts
    return part.text.by_language["fr"].source


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
    assert words(home) == "12:30"
    assert [(option.key, option.label.by_language["fr"].source) for option in home.options] == [
        ("010", "no"),
        ("7", "on"),
    ]
    assert (flow.service_codes, flow.keys.home) == (("*007#",), "00")


def test_the_hash_is_that_of_all_that_decides_what_a_client_sees(library: Library) -> None:
    source = SMALL.read_text()
    flow = compile_source(source, "a.yaml", library)
    texts = {MENUS / "system.yaml": (MENUS / "system.yaml").read_text() + "#\n"}
    other = Library.of({str(path): text for path, text in texts.items()})

    assert flow.hash == compile_source(source, "somewhere/a.yaml", library).hash
    assert flow.hash != compile_source(source + "#\n", "a.yaml", library).hash
    assert flow.hash != compile_source(source, "a.yaml", other).hash


def test_a_change_of_a_sub_flow_changes_the_flows_that_enter_it() -> None:
    files = {path.name: path.read_text() for path in (OK / "unknown-flow").glob("*.yaml")}
    changed = {**files, "ask.yaml": files["ask.yaml"].replace("Code?", "Secret?")}

    def hash_of(sources: dict[str, str]) -> str:
        return compile_source(sources["flow.yaml"], "flow.yaml", Library.of(sources)).hash

    assert hash_of(files) == hash_of(dict(reversed(files.items())))
    assert hash_of(files) != hash_of(changed)


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


def test_every_edge_ends_at_a_state_and_has_a_trigger_of_its_own(library: Library) -> None:
    flow = compile_file(MENUS / "buy-electricity.yaml", library)
    edges = all_edges(flow)

    assert [edge for edge in edges if edge.dest not in flow.states] == []
    assert len({(edge.source, edge.trigger) for edge in edges}) == len(edges)
    home = {edge.source for edge in edges if edge.trigger == "home"}
    assert [name for name in home if not isinstance(flow.states[name], VISIBLE)] == []
    assert [name for name in home if isinstance(flow.states[name], End)] == []


def test_a_sub_flow_is_linked_into_one_table(library: Library) -> None:
    files = {path.name: path.read_text() for path in (OK / "unknown-flow").glob("*.yaml")}
    flow = compile_source(files["flow.yaml"], "flow.yaml", Library.of(files))

    assert {"login", "login/code", "login/hello", "login/ok", "login/cancelled"} < set(flow.states)
    assert {"login/code", "login/name"} <= set(flow.variables)
    enter, leave = flow.states["login"], flow.states["login/ok"]
    assert isinstance(enter, SetState)
    assert isinstance(leave, SetState)
    assert (enter.next, leave.next) == ("login/code", "said")
    assert [each.name for each in enter.assignments] == ["login/name"]
    (assignment,) = leave.assignments
    assert assignment.record is not None
    value = assignment.record["code"]
    assert isinstance(value, Text)
    assert [place.name for place in value.by_language["fr"].places] == ["login/code"]


def test_a_flow_may_enter_itself_to_a_stated_depth() -> None:
    files = {path.name: path.read_text() for path in (OK / "endless-flow").glob("*.yaml")}
    flow = compile_source(files["flow.yaml"], "flow.yaml", Library.of(files))
    deepest = max(flow.states, key=lambda name: name.count("/"))

    assert deepest.startswith("login/again/")
    assert "login/again/again/code" not in flow.states
    last = flow.states["login/again/again"]
    assert isinstance(last, SetState)
    assert last.next == "login/again/ok"


def test_a_choice_is_shown_by_its_label_and_compared_by_its_value(library: Library) -> None:
    source = SMALL.read_text().replace("start: home\n", "start: ask\nhome: home\n")
    source = source.replace(
        "states:\n",
        "vars:\n  kind: {type: choice, values: {a: Simple, b: Double}}\nstates:\n"
        "  ask: {input: Genre?, save: kind, attempts: {max: 3, next: bye}, next: said}\n"
        '  said:\n    menu: "{kind}"\n    options:\n'
        '      - {label: Plus, when: "{kind} == a", next: home}\n'
        "      - {label: Fin, next: bye}\n",
    )
    flow = compile_source(source, "choice", library)
    said = flow.states["said"]

    assert isinstance(said, Menu)
    (place,) = said.body.parts[0].text.by_language["fr"].places
    assert [flow.filters[name]("b", "fr") for name in place.filters] == ["Double"]
    assert said.options[0].when[0].left.filters == ()


def test_what_a_screen_needs_is_what_it_or_a_later_one_uses(library: Library) -> None:
    flow = compile_file(MENUS / "buy-electricity.yaml", library)

    assert ("serial", "") in flow.needs["unknown_meter"]
    assert ("quote", "id") in flow.needs["confirm"]
    assert "home" not in flow.needs


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_change_no_position(end: str, library: Library) -> None:
    source = (Path(__file__).parent / "err" / "several-in-order.yaml").read_text()
    plain = examine(source, "f", library).diagnostics

    assert examine(source.replace("\n", end), "f", library).diagnostics == plain


def test_problems_come_in_the_order_of_the_file_each_once(library: Library) -> None:
    source = (MENUS / "buy-electricity.yaml").read_text().replace("save: ", "safe: x\n    save: ")
    found = examine(source, "f", library).diagnostics

    assert len(found) > 2
    assert list(found) == sorted(found)
    assert len({(each.at, each.id) for each in found}) == len(found)


def test_problems_are_the_same_in_every_run(library: Library) -> None:
    source = (Path(__file__).parent / "err" / "several-in-order.yaml").read_text()

    assert len({examine(source, "f", library).diagnostics for _ in range(3)}) == 1
