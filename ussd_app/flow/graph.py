"""What may follow what: a flow's edges as data, read by the checks, the map and `states.py`.

Every edge has a trigger that is unique at its source:

=================  ==============================================================
`option:KEY`       a menu's option
`row`              a row of a list
`typed`            a value that an input accepts
`attempts`         the last wrong try of an input
`next`             on from a show or a wait
`outcome:NAME`     what a call came to, `outcome:late` and `outcome:failed` included
`case:N`, `else`   a branch
`home`             the home key
`back:STATE`       the back key, to a screen that may stand before; never over an effect
=================  ==============================================================
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ussd_app.flow.diagnostics import Position
from ussd_app.flow.model import (
    VISIBLE,
    Branch,
    CallState,
    End,
    Input,
    Listing,
    Menu,
    Show,
    State,
    Wait,
)


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
        case Menu(options=options):
            for option in options:
                yield f"option:{option.key}", option.next, option.at
        case Listing():
            yield "row", state.next, state.at
        case Input():
            yield "typed", state.next, state.at
            if state.attempts_max:
                yield "attempts", state.attempts_next, state.at
        case Show() | Wait():
            yield "next", state.next, state.at
        case CallState():
            for name, dest in state.outcomes.items():
                yield f"outcome:{name}", dest, state.places[name]
        case Branch():
            for number, (_, dest) in enumerate(state.cases):
                yield f"case:{number}", dest, state.at
            yield "else", state.otherwise, state.at
        case End():
            return


def edges(states: Mapping[str, State], home: str) -> list[Edge]:
    """Every edge of a flow whose targets all exist: the written ones, home and back."""
    found = [edge for state in states.values() for edge in written_edges(state)]
    following: dict[str, list[str]] = {}
    for edge in found:
        following.setdefault(edge.source, []).append(edge.dest)
    for state in states.values():
        if not isinstance(state, VISIBLE) or isinstance(state, End):
            continue
        if state.name != home:
            found.append(Edge("home", state.name, home, state.at))
    for before, after in sorted(_screen_pairs(states, following)):
        found.append(Edge(f"back:{before}", after, before, states[after].at))
    return found


def _screen_pairs(
    states: Mapping[str, State], following: Mapping[str, list[str]]
) -> set[tuple[str, str]]:
    """(before, after) of screens with nothing but invisible states, and no effect, between."""
    pairs = set()
    for state in states.values():
        if not isinstance(state, VISIBLE):
            continue
        queue = deque(following.get(state.name, ()))
        seen: set[str] = set()
        while queue:
            name = queue.popleft()
            if name in seen:
                continue
            seen.add(name)
            reached = states[name]
            if isinstance(reached, VISIBLE):
                if name != state.name and not isinstance(reached, End):
                    pairs.add((state.name, name))
            elif not (isinstance(reached, CallState) and reached.once):
                queue.extend(following.get(name, ()))
    return pairs


def reachable(states: Mapping[str, State], start: str) -> set[str]:
    """The states that some path from `start` reaches."""
    seen: set[str] = set()
    queue = deque([start])
    while queue:
        name = queue.popleft()
        if name in seen or name not in states:
            continue
        seen.add(name)
        queue.extend(edge.dest for edge in written_edges(states[name]))
    return seen
