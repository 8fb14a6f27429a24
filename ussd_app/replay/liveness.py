"""Which variables still decide something from a state on, before they are set anew. Pure.

The usual analysis of compilers, over the edges of the flow; the back key is left out, so it may
forget too much, never too little.
"""

from __future__ import annotations

from collections.abc import Iterator

from ussd_app.flow.compiler import all_edges
from ussd_app.flow.model import (
    Apply,
    Branch,
    CallState,
    Check,
    Flow,
    Input,
    Listing,
    Menu,
    SetState,
    State,
    Value,
    When,
)
from ussd_app.flow.names import single
from ussd_app.render.texts import Place


def live(flow: Flow) -> dict[str, frozenset[str]]:
    """The variables that matter at each state."""
    found = {name: frozenset(_used(state)) for name, state in flow.states.items()}
    edges = [
        (edge.source, edge.dest, frozenset(_defined(flow.states[edge.source], edge.trigger)))
        for edge in all_edges(flow)
    ]
    changed = True
    while changed:
        changed = False
        for source, dest, defined in reversed(edges):
            wanted = found[dest] - defined
            if not wanted <= found[source]:
                found[source] |= wanted
                changed = True
    return found


def names_in(when: When) -> Iterator[str]:
    """The variables that conditions ask about."""
    for condition in when:
        yield condition.left.name
        if isinstance(condition.right, Place):
            yield condition.right.name


def places(value: Value | None) -> Iterator[Place]:
    """The places that a value is worked out from."""
    if isinstance(value, Apply):
        for inner in value.arguments.values():
            yield from places(inner)
    elif value is not None:
        for template in value.by_language.values():
            yield from (part for part in template.parts if isinstance(part, Place))


def place_of(value: Value) -> Place | None:
    """The one place that a value is, if it is one."""
    return None if isinstance(value, Apply) else single(next(iter(value.by_language.values())))


def _used(state: State) -> Iterator[str]:
    """What decides where a state leads, or what it works out."""
    for when in (*whens(state), *(check.when for check in _checks(state))):
        yield from names_in(when)
    match state:
        case Listing():
            yield state.rows.name
        case Input() if state.keep:
            yield state.save
        case SetState():
            for each in state.assignments:
                for value in (each.value, *(each.record or {}).values()):
                    yield from (place.name for place in places(value))


def whens(state: State) -> Iterator[When]:
    """The conditions that decide where a state leads."""
    match state:
        case Branch():
            yield from (case.when for case in state.cases)
        case Menu() | Listing():
            yield from (option.when for option in state.options if option.when)


def _checks(state: State) -> tuple[Check, ...]:
    """What a value typed at a state must pass."""
    if isinstance(state, Input):
        return state.checks
    return state.otherwise.checks if isinstance(state, Menu) and state.otherwise else ()


def _defined(state: State, trigger: str) -> Iterator[str]:
    """What has another value after a state was left by this edge."""
    match state, trigger:
        case CallState(), _:
            yield state.save
        case Input(), "typed":
            yield state.save
        case Menu(), "otherwise" if state.otherwise is not None:
            yield state.otherwise.save
        case Listing(), "row":
            yield state.save
        case SetState(), "set":
            yield from (each.name for each in state.assignments)
            yield from state.forget
