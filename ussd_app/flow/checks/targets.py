"""Where a flow goes: targets that exist, states that something leads to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from ussd_app.flow import graph
from ussd_app.flow.checks.subject import Missing, Subject
from ussd_app.flow.diagnostics import Diagnostic, Position, did_you_mean
from ussd_app.flow.model import FlowState, State


def unknown_state(subject: Subject) -> Iterator[Diagnostic]:
    """A target that does not exist (unknown-state)."""
    states = subject.flow.states
    missing = Missing()
    for state in states.values():
        for edge in graph.written_edges(state):
            if edge.dest and edge.dest not in states:
                # Inside a sub-flow, its own states are meant, by the names its author gave them.
                prefix, _, wanted = edge.dest.rpartition("/")
                source = state.name.rpartition("/")[2]
                sentence = f'state "{source}" goes to "{wanted}", which does not exist'
                hint = partial(_hint, states, prefix, wanted)
                missing.problem(edge.at, "unknown-state", sentence, wanted, hint)
    for name, places in _listed(subject).items():
        for at in places if name not in states else ():
            sentence = f'this names state "{name}", which does not exist'
            missing.problem(at, "unknown-state", sentence, name, partial(_hint, states, "", name))
    yield from missing.told()


def _hint(states: Mapping[str, State], prefix: str, wanted: str) -> str:
    return did_you_mean(wanted, _beside(states, prefix))


def _beside(states: Mapping[str, State], prefix: str) -> list[str]:
    """The states of one flow, under the names its author gave them."""
    inside = f"{prefix}/" if prefix else ""
    return [
        name.removeprefix(inside)
        for name in states
        if name.startswith(inside) and "/" not in name[len(inside) :]
    ]


def _listed(subject: Subject) -> Mapping[str, list[Position]]:
    """States that are named beside the edges: where never to resume, where a drop is answered."""
    found: dict[str, list[Position]] = {}
    flow = subject.flow
    for name, at in (flow.resume.never_into if flow.resume else {}).items():
        found.setdefault(name, []).append(at)
    for entry in flow.on_drop:
        for name, at in entry.states.items():
            found.setdefault(name, []).append(at)
    return found


def unreachable_state(subject: Subject) -> Iterator[Diagnostic]:
    """A state that no path leads to (unreachable-state)."""
    flow = subject.flow
    if any(isinstance(state, FlowState) for state in flow.states.values()):
        return
    reached = graph.reachable(flow.states, (*graph.starts(flow), flow.home))
    for state in flow.states.values():
        # What stands in a sub-flow that nothing enters is no mistake of its own.
        caller = state.name.partition("/")[0]
        if state.name not in reached and (caller == state.name or caller in reached):
            name = state.name.rpartition("/")[2]
            yield Diagnostic(state.at, "unreachable-state", f'no path leads to state "{name}"')
