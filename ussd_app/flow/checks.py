"""What cannot be told from one state alone: targets, back-ends, names. Each check is a function.

A check reads the flow and yields diagnostics; it never changes anything and never stops the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ussd_app.effects import FAILED, LATE
from ussd_app.flow import graph
from ussd_app.flow.diagnostics import Diagnostic, Position, did_you_mean
from ussd_app.flow.model import (
    Branch,
    CallState,
    Field,
    Flow,
    Input,
    Listing,
    Menu,
    Show,
    State,
    Text,
)
from ussd_app.flow.rules import RULES
from ussd_app.render.texts import Place

#: Names that every session has without declaring them.
BUILT_IN = frozenset({"msisdn", "service_code"})


def run(flow: Flow) -> list[Diagnostic]:
    """All problems of a parsed flow."""
    return [problem for check in CHECKS for problem in check(flow)]


def unknown_state(flow: Flow) -> Iterator[Diagnostic]:
    """A target that does not exist."""
    for state in flow.states.values():
        for edge in graph.written_edges(state):
            if edge.dest and edge.dest not in flow.states:
                hint = did_you_mean(edge.dest, flow.states)
                sentence = f'state "{state.name}" goes to "{edge.dest}", which does not exist{hint}'
                yield Diagnostic(edge.at, "unknown-state", sentence)


def unreachable_state(flow: Flow) -> Iterator[Diagnostic]:
    """A state no path leads to; not asked while a path leads nowhere."""
    if any(True for _ in unknown_state(flow)):
        return
    reached = graph.reachable(flow.states, flow.start) | graph.reachable(flow.states, flow.home)
    for state in flow.states.values():
        if state.name not in reached:
            sentence = f'no path leads to state "{state.name}"'
            yield Diagnostic(state.at, "unreachable-state", sentence)


def backends(flow: Flow) -> Iterator[Diagnostic]:
    """A call against the catalogue: its name, inputs and outcomes."""
    for state in flow.states.values():
        if not isinstance(state, CallState) or not state.backend:
            continue
        backend = flow.backends.get(state.backend)
        if backend is None:
            hint = did_you_mean(state.backend, flow.backends)
            sentence = f'the catalogue has no back-end "{state.backend}"{hint}'
            yield Diagnostic(state.places[""], "unknown-backend", sentence)
            continue
        known = {*backend.outcomes, LATE, FAILED}
        for name in state.outcomes:
            if name not in known:
                hint = did_you_mean(name, known)
                sentence = f'"{state.backend}" has no outcome "{name}"{hint}'
                yield Diagnostic(state.places[name], "unknown-outcome", sentence)
        for name in sorted(known - set(state.outcomes)):
            sentence = f'call "{state.name}" says nothing of outcome "{name}"'
            yield Diagnostic(state.at, "missing-outcome", sentence)
        for name in sorted(set(backend.inputs) - set(state.arguments)):
            sentence = f'"{state.backend}" needs "{name}" in "with:"'
            yield Diagnostic(state.at, "missing-input", sentence)
        for name in sorted(set(state.arguments) - set(backend.inputs)):
            hint = did_you_mean(name, backend.inputs)
            sentence = f'"{state.backend}" takes no "{name}"{hint}'
            yield Diagnostic(state.at, "unknown-input", sentence)
        if backend.once and not state.once:
            sentence = f'"{state.backend}" moves money or tells someone: say "once_per: session"'
            yield Diagnostic(state.at, "effect-without-once", sentence)


def rules(flow: Flow) -> Iterator[Diagnostic]:
    """A rule that is not registered, or an input into an undeclared variable."""
    for state in flow.states.values():
        if not isinstance(state, Input):
            continue
        if state.save and state.save not in flow.variables:
            hint = did_you_mean(state.save, flow.variables)
            sentence = f'variable "{state.save}" is not declared in "vars:"{hint}'
            yield Diagnostic(state.at, "unknown-variable", sentence)
        for check in state.checks:
            if check.rule not in RULES:
                hint = did_you_mean(check.rule, RULES)
                yield Diagnostic(check.at, "unknown-rule", f'no rule "{check.rule}"{hint}')


def names(flow: Flow) -> Iterator[Diagnostic]:
    """A text that names what no state saves, or a filter nobody registered."""
    saved = _saved(flow)
    for place, at, row in _places(flow):
        fields = {**saved, **({"row": row} if row is not None else {})}
        if place.name not in fields:
            hint = did_you_mean(place.name, fields)
            yield Diagnostic(at, "unset-variable", f'nothing sets "{place.name}"{hint}')
        elif place.field is None and fields[place.name] is not None:
            sentence = f'"{place.name}" is a whole result: name one of its fields'
            yield Diagnostic(at, "unset-variable", sentence)
        elif place.field is not None:
            inner = fields[place.name]
            if inner is None or place.field not in inner:
                hint = did_you_mean(place.field, inner or ())
                sentence = f'"{place.name}" has no field "{place.field}"{hint}'
                yield Diagnostic(at, "unset-variable", sentence)
        for name in place.filters:
            if name not in flow.filters:
                hint = did_you_mean(name, flow.filters)
                yield Diagnostic(at, "unknown-filter", f'no filter "{name}"{hint}')


_Fields = Mapping[str, Field] | None


def _saved(flow: Flow) -> dict[str, _Fields]:
    """Every name some state saves, with the fields it has (None: it is one value)."""
    found: dict[str, _Fields] = dict.fromkeys((*BUILT_IN, *flow.variables))
    for state in flow.states.values():
        if isinstance(state, CallState) and state.save:
            backend = flow.backends.get(state.backend)
            fields = dict(found.get(state.save) or {})
            for outcome in backend.outcomes.values() if backend else ():
                fields.update(outcome.fields)
            found[state.save] = fields
    for state in flow.states.values():
        if isinstance(state, Listing) and state.save:
            found[state.save] = _row_fields(state.rows, found)
    return found


def _row_fields(place: Place, saved: Mapping[str, _Fields]) -> _Fields:
    fields = saved.get(place.name)
    if fields is None or place.field is None or place.field not in fields:
        return {}
    return fields[place.field].fields


def _places(flow: Flow) -> Iterator[tuple[Place, Position, _Fields]]:
    """Every place of every text, where it stands, and the row it may name."""
    saved = _saved(flow)
    for state in flow.states.values():
        for text, row in _texts(state, saved):
            for template in {id(each): each for each in text.by_language.values()}.values():
                for place in template.places:
                    yield place, text.at, row
        match state:
            case CallState():
                for template in state.arguments.values():
                    for place in template.places:
                        yield place, state.at, None
            case Branch():
                for condition, _ in state.cases:
                    yield condition.left, state.at, None
            case Listing(rows=place) | Show(rows=Place() as place):
                yield place, state.at, None


def _texts(state: State, saved: Mapping[str, _Fields]) -> Iterator[tuple[Text, _Fields]]:
    if not isinstance(state, (CallState, Branch)):
        yield state.text, None
    match state:
        case Menu():
            for option in state.options:
                yield option.label, None
        case Input():
            for check in state.checks:
                yield check.error, None
        case Listing():
            yield state.row, _row_fields(state.rows, saved)
        case Show(rows=Place() as rows, row=Text() as row):
            yield row, _row_fields(rows, saved)


CHECKS: tuple[Callable[[Flow], Iterator[Diagnostic]], ...] = (
    unknown_state,
    unreachable_state,
    backends,
    rules,
    names,
)
