"""What may follow what: a flow's edges as data, read by the checks, the map and `states.py`.

Every edge has a trigger that is unique at its source:

===================  ============================================================
`option:N`           the Nth option of a menu or list, as written
`row`, `empty`       a row of a list; a list without rows
`typed`, `kept`      a value that an input accepts, or that was there already
`otherwise`          a value that a menu accepts beside its options
`attempts`           the last wrong try of an input
`next`               on from a show or a wait
`outcome:NAME`       what a call came to, `outcome:late` and `outcome:failed` included
`case:N`, `else`     a branch; `else` also of a set whose value does not fit
`set`                on from a set
`home`               the home key
===================  ============================================================
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ussd_app.flow.diagnostics import Position
from ussd_app.flow.model import (
    VISIBLE,
    Branch,
    CallState,
    End,
    Flow,
    FlowState,
    Input,
    Listing,
    Menu,
    Option,
    SetState,
    Show,
    State,
    Visible,
    Wait,
)

#: Invisible states one turn may pass, and calls among them; the checker proves both.
INVISIBLE_MAX = 50
CALLS_IN_A_ROW_MAX = 10


@dataclass(frozen=True, slots=True)
class Edge:
    """From `source`, `trigger` leads to `dest`; `at` is where the flow says so."""

    trigger: str
    source: str
    dest: str
    at: Position


def written_edges(state: State) -> Iterator[Edge]:
    """The edges that the author wrote into one state."""
    for trigger, dest, at in _targets(state):
        yield Edge(trigger, state.name, dest, at)


def _targets(state: State) -> Iterator[tuple[str, str, Position]]:
    match state:
        case Menu() | Listing() | Input() | Show() | Wait() | End():
            yield from _screen_targets(state)
        case CallState() | FlowState():
            for name, dest in state.outcomes.items():
                yield f"outcome:{name}", dest, state.places[name]
            if isinstance(state, FlowState) and state.too_deep:
                yield "too_deep", state.too_deep, state.too_deep_at or state.at
        case Branch():
            for number, case in enumerate(state.cases):
                yield f"case:{number}", case.next, case.next_at
            yield "else", state.otherwise, state.otherwise_at
        case SetState():
            yield "set", state.next, state.next_at
            if state.otherwise:
                yield "else", state.otherwise, state.otherwise_at or state.at


def _screen_targets(state: Visible) -> Iterator[tuple[str, str, Position]]:
    match state:
        case Menu():
            yield from _option_targets(state.options)
            if state.otherwise is not None:
                yield "otherwise", state.otherwise.next, state.otherwise.next_at
        case Listing():
            yield "row", state.next, state.next_at
            yield from _option_targets(state.options)
            if state.empty:
                yield "empty", state.empty, state.empty_at or state.at
        case Input():
            yield "typed", state.next, state.next_at
            if state.keep:
                yield "kept", state.next, state.next_at
            if state.attempts_max:
                yield "attempts", state.attempts_next, state.attempts_at or state.at
        case Show() | Wait():
            yield "next", state.next, state.next_at
        case End():
            return


def _option_targets(options: tuple[Option, ...]) -> Iterator[tuple[str, str, Position]]:
    for number, option in enumerate(options, 1):
        if not option.resume:
            yield f"option:{number}", option.next, option.next_at


def edges(states: Mapping[str, State], home: str) -> list[Edge]:
    """Every edge of a flow whose targets all exist: the written ones, and home."""
    found = [edge for state in states.values() for edge in written_edges(state)]
    for state in states.values():
        if not isinstance(state, VISIBLE) or isinstance(state, End):
            continue
        if state.name != home:
            found.append(Edge("home", state.name, home, state.at))
    return found


def next_screens(
    states: Mapping[str, State], following: Mapping[str, list[str]], first: Iterable[str]
) -> set[str]:
    """The screens that come next from any of `first`, with no effect before them.

    An input that keeps its value may be passed over: what follows it counts as well.
    """
    found: set[str] = set()
    queue = deque(first)
    seen: set[str] = set()
    while queue:
        name = queue.popleft()
        if name in seen or name not in states:
            continue
        seen.add(name)
        reached = states[name]
        if isinstance(reached, VISIBLE):
            found.add(name)
            if isinstance(reached, Input) and reached.keep:
                queue.append(reached.next)
            if isinstance(reached, Listing) and reached.empty:
                queue.append(reached.empty)
        elif not (isinstance(reached, CallState) and reached.once):
            queue.extend(following.get(name, ()))
    return found


def starts(flow: Flow) -> tuple[str, ...]:
    """The states that a session may begin at."""
    return tuple(dict.fromkeys((flow.start, *(d.start for d in flow.dials.values() if d.start))))


def reachable(states: Mapping[str, State], first: Iterable[str]) -> set[str]:
    """The states that some written path from one of `first` reaches."""
    seen: set[str] = set()
    queue = deque(first)
    while queue:
        name = queue.popleft()
        if name in seen or name not in states:
            continue
        seen.add(name)
        queue.extend(edge.dest for edge in written_edges(states[name]))
    return seen
