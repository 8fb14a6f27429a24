"""Names in texts and conditions: that they are declared, set on every path, and used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ussd_app.flow.assigned import Use, atom, uses, value_uses
from ussd_app.flow.checks.subject import Subject, word
from ussd_app.flow.diagnostics import Diagnostic, Position, did_you_mean
from ussd_app.flow.model import (
    Apply,
    Check,
    Input,
    Menu,
    Operator,
    SetState,
    Shape,
    State,
    Value,
    When,
)
from ussd_app.flow.names import LABEL
from ussd_app.render.texts import Place


def declared(subject: Subject) -> Iterator[Diagnostic]:
    """An answer or a value for a variable that is not declared (unknown-variable)."""
    for name, at in _stored(subject):
        if name and name not in subject.flow.variables:
            known = (word(each) for each in subject.flow.variables)
            hint = did_you_mean(word(name), known)
            sentence = f'variable "{word(name)}" is not declared in "vars:"{hint}'
            yield Diagnostic(at, "unknown-variable", sentence)


def _stored(subject: Subject) -> Iterator[tuple[str, Position]]:
    for state in subject.flow.states.values():
        match state:
            case Input():
                yield state.save, state.save_at
            case Menu() if state.otherwise is not None:
                yield state.otherwise.save, state.otherwise.at
            case SetState() if not state.linked:
                for assignment in state.assignments:
                    yield assignment.name, assignment.at
                for name in state.forget:
                    yield name, state.at


def rules(subject: Subject) -> Iterator[Diagnostic]:
    """A rule that nobody registered (unknown-rule)."""
    for state in subject.flow.states.values():
        for check in _checks(state):
            if check.rule and check.rule not in subject.rules:
                hint = did_you_mean(check.rule, subject.rules)
                yield Diagnostic(check.at, "unknown-rule", f'no rule "{check.rule}"{hint}')


def _checks(state: State) -> tuple[Check, ...]:
    if isinstance(state, Input):
        return state.checks
    if isinstance(state, Menu) and state.otherwise is not None:
        return state.otherwise.checks
    return ()


def all_uses(subject: Subject) -> Iterator[tuple[State | None, Use]]:
    """Every place of the flow with the state that reads it, None for what no state reads."""
    for state in subject.flow.states.values():
        for use in uses(state):
            yield state, use
        for condition in conditions(state):
            if condition.operator in {Operator.SET, Operator.UNSET}:
                yield None, Use(condition.left, condition.at)


def conditions(state: State) -> When:
    """Every condition of a state."""
    body = getattr(state, "body", None)
    holders = (
        *(body.parts if body is not None else ()),
        *getattr(state, "options", ()),
        *getattr(state, "cases", ()),
        *_checks(state),
    )
    found: list[When] = [holder.when for holder in holders]
    return tuple(condition for when in found for condition in when)


def names(subject: Subject) -> Iterator[Diagnostic]:
    """A place that names what nothing in the flow ever sets (unset-variable)."""
    for _, use in all_uses(subject):
        sentence = _unknown(subject, use)
        if sentence:
            yield Diagnostic(subject.at(use), "unset-variable", sentence)


def _unknown(subject: Subject, use: Use) -> str:
    place, known = use.place, subject.names
    if not place.name or known.of_place(place, _row(subject, use)) is not None:
        return ""
    if place.name in known.unsure:
        return ""
    if place.name == "row":
        if use.row is None:
            return '"row" exists only in the line of a row'
        if known.of_place(use.row) is None:
            return ""  # what the rows are is told where they are named
        fields = {"number", *(_row(subject, use) or ())}
        return f'the rows have no field "{place.field}"{did_you_mean(place.field or "", fields)}'
    prefix = place.name.removesuffix(word(place.name))
    everything = {*known.scalars, *known.records}
    near = {word(name) for name in everything if name.removesuffix(word(name)) in {prefix, ""}}
    if place.name not in everything:
        return f'nothing sets "{word(place.name)}"{did_you_mean(word(place.name), near)}'
    if place.name in known.scalars:
        return f'"{word(place.name)}" is one value and has no fields'
    fields = set(known.records[place.name])
    hint = did_you_mean(place.field or "", fields)
    return f'"{word(place.name)}" has no field "{place.field}"{hint}'


def _row(subject: Subject, use: Use) -> Mapping[str, Shape] | None:
    return subject.names.row_fields(use.row) if use.row is not None else None


def filters(subject: Subject) -> Iterator[Diagnostic]:
    """A filter that nobody registered (unknown-filter)."""
    known = [name for name in subject.flow.filters if not name.startswith(LABEL)]
    for _, use in all_uses(subject):
        for name in use.place.filters:
            if name not in subject.flow.filters:
                hint = did_you_mean(name, known)
                sentence = f'no filter "{name}"{hint}'
                yield Diagnostic(subject.at(use), "unknown-filter", sentence)


def functions(subject: Subject) -> Iterator[Diagnostic]:
    """A function that does not exist, or is called otherwise than it takes (unknown-function)."""
    for state in subject.flow.states.values():
        if isinstance(state, SetState):
            for assignment in state.assignments:
                values = [assignment.value, *(assignment.record or {}).values()]
                for value in values:
                    yield from _applied(subject, value)


def _applied(subject: Subject, value: Value | None) -> Iterator[Diagnostic]:
    if not isinstance(value, Apply):
        return
    for inner in value.arguments.values():
        yield from _applied(subject, inner)
    function = subject.flow.functions.get(value.function)
    if function is None:
        hint = did_you_mean(value.function, subject.flow.functions)
        sentence = f'there is no function "{value.function}"{hint}'
        yield Diagnostic(value.at, "unknown-function", sentence)
        return
    given, wanted = set(value.arguments), set(function.inputs)
    if given != wanted:
        takes = ", ".join(function.inputs) or "nothing"
        sentence = f'function "{value.function}" takes {takes}'
        yield Diagnostic(value.at, "unknown-function", sentence)


def unset(subject: Subject) -> Iterator[Diagnostic]:
    """A place that has no value on some path (unset-variable)."""
    for state in subject.flow.states.values():
        for use in uses(state):
            name = atom(use.place)
            if use.place.name in {"row", ""} or subject.names.given(use.place, use.given):
                continue
            if not subject.assigned.has(state.name, name):
                yield Diagnostic(subject.at(use), "unset-variable", _on_some_path(use.place))
    for entry in subject.flow.on_drop:
        for use in value_uses(entry.text):
            for name in entry.states:
                if name in subject.flow.states and not subject.assigned.has(name, atom(use.place)):
                    sentence = f"{_on_some_path(use.place)} (at state {name!r})".replace("'", '"')
                    yield Diagnostic(subject.at(use), "unset-variable", sentence)


def _on_some_path(place: Place) -> str:
    written = word(place.path)
    return f'"{written}" has no value on some path that leads here'


def unused(subject: Subject) -> Iterator[Diagnostic]:
    """A variable that nothing ever reads (unused-variable)."""
    read = {use.place.name for _, use in all_uses(subject)}
    for entry in subject.flow.on_drop:
        read |= {use.place.name for use in value_uses(entry.text)}
    read |= _kept(subject.flow.states.values())
    for name, variable in subject.flow.variables.items():
        # Whether a sub-flow uses its own variables is told of the sub-flow, not of its callers.
        if name not in read and "/" not in name:
            sentence = f'variable "{word(name)}" is never used'
            yield Diagnostic(variable.at, "unused-variable", sentence)


def _kept(states: Iterable[State]) -> set[str]:
    """Variables whose mere presence decides something."""
    return {state.save for state in states if isinstance(state, Input) and state.keep}
