"""Calls that spend: nobody is led back over one, and no dial string reaches one.

Also inputs that may refuse for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ussd_app.effects import FAILED
from ussd_app.flow import graph
from ussd_app.flow.checks.subject import Subject, word
from ussd_app.flow.diagnostics import Diagnostic
from ussd_app.flow.model import (
    VISIBLE,
    CallState,
    Flow,
    FlowState,
    Input,
    Listing,
    Menu,
    State,
    Type,
)


def attempts(subject: Subject) -> Iterator[Diagnostic]:
    """An input that may refuse what is typed, and never gives up (attempts-missing)."""
    for state in subject.flow.states.values():
        if not isinstance(state, Input) or state.attempts_max:
            continue
        variable = subject.flow.variables.get(state.save)
        if state.checks or (variable is not None and variable.shape.type is not Type.TEXT):
            sentence = f'input "{word(state.name)}" may refuse for ever'
            hint = 'say when to stop, with "attempts: {max: 3, next: …}"'
            yield Diagnostic(state.at, "attempts-missing", f"{sentence}: {hint}")


def shortcuts(subject: Subject) -> Iterator[Diagnostic]:
    """A shortcut allowed where none is taken (shortcut-into-effect)."""
    flow = subject.flow
    spending = _spending(flow)
    for state in flow.states.values():
        if not isinstance(state, Menu | Input) or state.shortcut_at is None:
            continue
        save = state.save if isinstance(state, Input) else None
        if isinstance(state, Menu) and state.otherwise is not None:
            save = state.otherwise.save
        variable = flow.variables.get(save) if save is not None else None
        if variable is not None and variable.sensitive:
            name = word(variable.name)
            sentence = f'a dial string never answers for "{name}", which is sensitive'
            yield Diagnostic(state.shortcut_at, "shortcut-into-effect", sentence)
            continue
        ordered = next((spending[each] for each in _answers(state) if each in spending), None)
        if ordered is not None:
            sentence = f'a dial string never answers before "{word(ordered)}", which spends'
            yield Diagnostic(state.shortcut_at, "shortcut-into-effect", sentence)


def starts(subject: Subject) -> Iterator[Diagnostic]:
    """A session, or the home key, that leads straight to an effect (shortcut-into-effect)."""
    flow = subject.flow
    spending = _spending(flow)
    for name in dict.fromkeys((*graph.starts(flow), flow.home)):
        if name in spending and name in flow.states:
            sentence = f'"{word(spending[name])}" spends before the client has seen a screen'
            yield Diagnostic(flow.states[name].at, "shortcut-into-effect", f"{sentence}: show one")


def _answers(state: Menu | Input) -> Iterator[str]:
    """Where the answers to a screen lead."""
    if isinstance(state, Input):
        yield state.next
        if state.attempts_max == 1:
            yield state.attempts_next
        return
    for option in state.options:
        if not option.resume:
            yield option.next
    if state.otherwise is not None:
        yield state.otherwise.next


def _spending(flow: Flow) -> dict[str, str]:
    """The states from which an effect may follow before another screen, and which it is."""
    before = _before(flow.states)
    found: dict[str, str] = {}
    for call in flow.states.values():
        if isinstance(call, CallState) and call.once:
            ahead = [call.name]
            while ahead:
                name = ahead.pop()
                if name not in found:
                    found[name] = call.name
                    ahead += before.get(name, ())
    return found


def _before(states: Mapping[str, State]) -> dict[str, list[str]]:
    """The states that lead to each without stopping."""
    found: dict[str, list[str]] = {}
    for state in states.values():
        for dest in _passed(state):
            found.setdefault(dest, []).append(state.name)
    return found


def _passed(state: State) -> Iterable[str]:
    """Where a turn goes on from a state that it does not stop at."""
    if not isinstance(state, VISIBLE):
        return [edge.dest for edge in graph.written_edges(state)]
    if isinstance(state, Input) and state.keep:
        return (state.next,)
    if isinstance(state, Listing) and state.empty:
        return (state.empty,)
    return ()


def back_over(subject: Subject) -> Iterator[Diagnostic]:
    """An edge that leads a client back to where what is done was ordered (back-over-effect)."""
    flow = subject.flow
    calls = [each for each in flow.states.values() if isinstance(each, CallState) and each.once]
    if not calls:
        return
    into: dict[str, list[str]] = {}
    for state in flow.states.values():
        for edge in graph.written_edges(state):
            into.setdefault(edge.dest, []).append(state.name)
    for call in calls:
        ordering = _ordering(flow, call.name, into)
        sentence = f'this leads back over "{word(call.name)}", which has been done'
        for edge in _after(flow, call):
            if ordering & _screens(flow, (edge.dest,)):
                hint = "lead to an end or home"
                yield Diagnostic(edge.at, "back-over-effect", f"{sentence}: {hint}")


def _ordering(flow: Flow, call: str, into: Mapping[str, list[str]]) -> set[str]:
    """The screens whose answer may order a call with nothing else done in between."""
    found: set[str] = set()
    seen = {call}
    ahead = [call]
    while ahead:
        dest = ahead.pop()
        for name in into.get(dest, ()):
            state = flow.states[name]
            if isinstance(state, VISIBLE):
                found.add(name)
            if name not in seen and not _spends(state) and dest in _passed(state):
                seen.add(name)
                ahead.append(name)
    return found


def _after(flow: Flow, call: CallState) -> Iterator[graph.Edge]:
    """The edges of a call that has been done, and of the screens that come next."""
    backend = flow.backends.get(call.backend)
    done = []
    for edge in graph.written_edges(call):
        name = edge.trigger.partition(":")[2]
        outcome = backend.outcomes.get(name) if backend is not None else None
        if name != FAILED and not (outcome is not None and outcome.nothing_done):
            done.append(edge)
    yield from done
    for name in sorted(_screens(flow, (edge.dest for edge in done))):
        yield from graph.written_edges(flow.states[name])


def _screens(flow: Flow, first: Iterable[str]) -> set[str]:
    """The screens that come next, with neither an effect nor home before them."""
    found: set[str] = set()
    seen = {flow.home}
    ahead = list(first)
    while ahead:
        name = ahead.pop()
        if name in seen or name not in flow.states:
            continue
        seen.add(name)
        state = flow.states[name]
        if isinstance(state, VISIBLE):
            found.add(name)
        if not _spends(state):
            ahead += _passed(state)
    return found


def _spends(state: State) -> bool:
    return isinstance(state, FlowState) or (isinstance(state, CallState) and bool(state.once))
