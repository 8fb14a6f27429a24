"""Names in texts and conditions: that they are declared, set on every path, and used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from ussd_app.flow.assigned import Use, atom, uses, value_uses
from ussd_app.flow.checks.subject import Missing, Subject, word
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
    missing = Missing()
    known = {word(each) for each in subject.flow.variables}
    for name, at in _undeclared(subject):
        if not subject.may_be_set(name, at):
            sentence = f'variable "{word(name)}" is not declared in "vars:"'
            hint = partial(did_you_mean, word(name), known)
            missing.problem(at, "unknown-variable", sentence, word(name), hint)
    yield from missing.told()


def _undeclared(subject: Subject) -> Iterator[tuple[str, Position]]:
    for name, at in _stored(subject):
        if name and name not in subject.flow.variables:
            yield name, at


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
    missing = Missing()
    for state in subject.flow.states.values():
        for check in _checks(state):
            if check.rule and check.rule not in subject.rules:
                hint = partial(did_you_mean, check.rule, subject.rules)
                sentence = f'no rule "{check.rule}"'
                missing.problem(check.at, "unknown-rule", sentence, check.rule, hint)
    yield from missing.told()


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
    missing = Missing()
    everything = {*subject.names.scalars, *subject.names.records}
    # A variable that is not declared is told where it is set.
    told = {name for name, _ in _undeclared(subject)}
    for _, use in all_uses(subject):
        place = use.place
        if place.name in {*told, *subject.names.unsure} or subject.may_be_set(place.name, use.at):
            continue
        if place.name and place.name != "row" and place.name not in everything:
            hint = partial(_near, place.name, everything)
            sentence = f'nothing sets "{word(place.name)}"'
            at = subject.at(use)
            missing.problem(at, "unset-variable", sentence, word(place.name), hint)
            continue
        sentence = _unknown(subject, use)
        if sentence:
            yield Diagnostic(subject.at(use), "unset-variable", sentence)
    yield from missing.told()


def _near(name: str, everything: set[str]) -> str:
    prefix = name.removesuffix(word(name))
    near = {word(each) for each in everything if each.removesuffix(word(each)) in {prefix, ""}}
    return did_you_mean(word(name), near)


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
    if place.name in known.scalars:
        return f'"{word(place.name)}" is one value and has no fields'
    fields = set(known.records[place.name])
    hint = did_you_mean(place.field or "", fields)
    return f'"{word(place.name)}" has no field "{place.field}"{hint}'


def _row(subject: Subject, use: Use) -> Mapping[str, Shape] | None:
    return subject.names.row_fields(use.row) if use.row is not None else None


def filters(subject: Subject) -> Iterator[Diagnostic]:
    """A filter that nobody registered (unknown-filter)."""
    missing = Missing()
    known = [name for name in subject.flow.filters if not name.startswith(LABEL)]
    for _, use in all_uses(subject):
        for name in use.place.filters:
            if name not in subject.flow.filters:
                hint = partial(did_you_mean, name, known)
                missing.problem(
                    subject.at(use), "unknown-filter", f'no filter "{name}"', name, hint
                )
    yield from missing.told()


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
