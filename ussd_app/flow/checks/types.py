"""Values that are passed on or kept: that they are of the type that is wanted there, and fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ussd_app.flow.assigned import value_uses
from ussd_app.flow.checks.shapes import Fit, fits_shape, literal_fits, why_not
from ussd_app.flow.checks.subject import Subject, word
from ussd_app.flow.diagnostics import Diagnostic, Position, did_you_mean
from ussd_app.flow.functions import FUNCTIONS, PARTIAL, bounds, takes
from ussd_app.flow.linker import GLOBAL
from ussd_app.flow.model import (
    NUMBERS,
    Apply,
    Assignment,
    CallState,
    Input,
    Listing,
    Menu,
    SetState,
    Shape,
    State,
    Text,
    Type,
    Value,
    Variable,
)
from ussd_app.flow.names import Misfit, literal_type, single
from ussd_app.flow.values import fits
from ussd_app.render.texts import Template

#: Types that only a `set`, a list or a back-end can give.
_UNTYPED = frozenset({Type.ROW, Type.ROWS, Type.BOOLEAN})
_WHOLE = frozenset({Type.ROW, Type.ROWS})
_SHOWN_MAX = 24
#: The largest number that a variable holds, and a stored session with it: 15 digits.
_STORED_MAX = 10**15 - 1


def typed(subject: Subject) -> Iterator[Diagnostic]:
    """An answer for a variable of which nobody can type a value (wrong-type)."""
    for state in subject.flow.states.values():
        if isinstance(state, Input):
            save, at = state.save, state.save_at
        elif isinstance(state, Menu) and state.otherwise is not None:
            save, at = state.otherwise.save, state.otherwise.at
        else:
            continue
        variable = subject.flow.variables.get(save)
        if variable is not None and variable.shape.type in _UNTYPED:
            sentence = f'nobody can type a value of "{word(save)}", which is {variable.shape.type}'
            yield Diagnostic(at, "wrong-type", f'{sentence}: fill it with "set:"')


def arguments(subject: Subject) -> Iterator[Diagnostic]:
    """An argument of a call that is not what the back-end takes (wrong-type)."""
    for state in subject.flow.states.values():
        backend = subject.flow.backends.get(state.backend) if isinstance(state, CallState) else None
        if not isinstance(state, CallState) or backend is None:
            continue
        for name, text in state.arguments.items():
            if name in backend.inputs:
                kind = backend.inputs[name].type
                yield from _argument(subject, f'"{name}" of "{state.backend}"', kind, text)


def _argument(subject: Subject, what: str, kind: Type, text: Text) -> Iterator[Diagnostic]:
    for language, template in _templates(text):
        given = _given(subject, template, language)
        at = text.places.get(language, text.at)
        if given is None or (given.literal is not None and _readable(kind, given.literal)):
            continue
        if given.literal is not None:
            sentence = f'{what} takes {kind}; "{_short(given.literal)}" is none'
            yield Diagnostic(at, "wrong-type", sentence)
        elif given.shape.type not in takes(kind):
            yield Diagnostic(at, "wrong-type", f"{what} takes {kind}; {given.what} is {given.kind}")


def _templates(text: Text) -> Iterator[tuple[str, Template]]:
    """The texts of the languages; one for all languages once."""
    done = set()
    for language, template in text.by_language.items():
        at = text.places.get(language, text.at)
        if at not in done:
            done.add(at)
            yield language, template


@dataclass(frozen=True, slots=True)
class _Given:
    """What a value is: its shape, itself where it is a literal, and its names for people."""

    shape: Shape
    what: str
    kind: str
    literal: str | None = None


def _given(subject: Subject, template: Template, language: str) -> _Given | None:
    """What a text of a `with:` or `set:` gives; None where that is told elsewhere."""
    if not template.places:
        literal = "".join(str(part) for part in template.parts)
        return _Given(Shape(Type.TEXT, longest=literal), f'"{_short(literal)}"', "text", literal)
    place = single(template)
    if place is not None and not place.filters:
        shape = subject.names.of_place(place)
        if shape is None:
            return None
        return _Given(shape, f'"{word(place.path)}"', str(shape.type))
    widest = subject.names.widest_text(template, language)
    return _Given(Shape(Type.TEXT, longest=widest), "what stands here", "text")


def _readable(kind: Type, literal: str) -> bool:
    """Whether a literal is a value of an input's type."""
    match kind:
        case Type.TEXT:
            return True
        case Type.INTEGER:
            return literal_type(literal) is Type.INTEGER
        case Type.DECIMAL:
            return literal_type(literal) in NUMBERS
        case Type.DIGITS | Type.PIN:
            return literal.isascii() and literal.isdigit()
        case Type.ROW | Type.ROWS:
            return False
    return fits(Shape(kind), literal, date.min)


def stored(subject: Subject) -> Iterator[Diagnostic]:
    """A value that is not, or may not be, one of its variable (wrong-type, missing-else)."""
    unbounded: set[str] = set()
    for state in subject.flow.states.values():
        if not isinstance(state, SetState):
            continue
        for assignment in state.assignments:
            variable = subject.flow.variables.get(assignment.name)
            if assignment.record is not None:
                for value in assignment.record.values():
                    yield from _returned(subject, value)
            elif assignment.value is None or variable is None:
                continue
            elif _unbounded(variable) and not state.linked:
                if assignment.name not in unbounded:
                    unbounded.add(assignment.name)
                    name = word(assignment.name)
                    sentence = f'"{name}" needs "min:" and "max:", because a "set" fills it'
                    yield Diagnostic(variable.at, "wrong-type", sentence)
            else:
                yield from _assigned(subject, state, assignment, variable, assignment.value)


def _unbounded(variable: Variable) -> bool:
    shape = variable.shape
    return shape.type in NUMBERS and (shape.low is None or shape.high is None)


def _returned(subject: Subject, value: Value) -> Iterator[Diagnostic]:
    """A field of a sub-flow's result: any type, but always there."""
    misfits = list(_misfits(subject, value))
    if misfits:
        yield from misfits
        return
    shape = _shape(subject, value) if isinstance(value, Apply) else None
    if shape is not None and shape.type in NUMBERS and max(map(abs, bounds(shape))) > _STORED_MAX:
        sentence = 'this number may have more digits than are kept: "set" a variable with it first'
        yield Diagnostic(value.at, "wrong-type", sentence)
        return
    for apply in _partial(subject, value):
        sentence = f'function "{apply.function}" may have no value: "set" a variable with it first'
        yield Diagnostic(apply.at, "wrong-type", sentence)


def _assigned(
    subject: Subject, state: SetState, assignment: Assignment, variable: Variable, value: Value
) -> Iterator[Diagnostic]:
    misfits = list(_misfits(subject, value))
    if misfits:
        yield from misfits
        return
    name = word(assignment.name)
    fit, at, why = _fit(subject, state, name, variable.shape, value)
    if fit is Fit.NO:
        yield Diagnostic(at, "wrong-type", why)
        return
    partial = next(_partial(subject, value), None)
    if partial is not None:
        at, why = partial.at, f'function "{partial.function}" may have no value'
    elif fit is Fit.MAYBE:
        why = f'value of "{name}" may not fit ({why})'
    else:
        return
    if state.linked:
        remedy = '"set" a variable with it first' if partial else f'declare "{name}" wide enough'
        yield Diagnostic(at, "wrong-type", f"{why}: {remedy}")
    elif not state.otherwise:
        sentence = f'{why}: say where to go then, with "else:"'
        yield Diagnostic(at, "missing-else", sentence)


def _misfits(subject: Subject, value: Value) -> Iterator[Diagnostic]:
    """Functions whose arguments are not what they take, the innermost first."""
    if not isinstance(value, Apply):
        return
    inner = [each for part in value.arguments.values() for each in _misfits(subject, part)]
    function = subject.flow.functions.get(value.function)
    if inner or function is None or set(value.arguments) != set(function.inputs):
        yield from inner
        return
    for name, part in value.arguments.items():
        shape = _shape(subject, part)
        if shape is not None and shape.type not in function.inputs[name]:
            wanted = " or ".join(sorted(function.inputs[name]))
            sentence = f'"{name}" of "{value.function}" takes {wanted}, not {shape.type}'
            yield Diagnostic(part.at, "wrong-type", sentence)
            return
    try:
        subject.names.of_value(value)
    except Misfit as misfit:
        if misfit.check:
            yield Diagnostic(value.at, misfit.check, str(misfit))


def _shape(subject: Subject, value: Value) -> Shape | None:
    try:
        return subject.names.of_value(value)
    except Misfit:
        return None


def _partial(subject: Subject, value: Value) -> Iterator[Apply]:
    """The functions in a value that may have none: some built-in ones, all of an application."""
    if isinstance(value, Apply):
        declared = value.function in subject.flow.functions and value.function not in FUNCTIONS
        if value.function in PARTIAL or declared:
            yield value
        for inner in value.arguments.values():
            yield from _partial(subject, inner)


def _fit(
    subject: Subject, state: State, name: str, wanted: Shape, value: Value
) -> tuple[Fit, Position, str]:
    """How a value fits a variable, where that is decided, and why it does not."""
    found = [(Fit.YES, value.at, "")]
    if isinstance(value, Apply):
        shape = _shape(subject, value)
        if shape is not None:
            what = _Given(shape, f'what "{value.function}" gives', str(shape.type))
            found.append(_given_fit(name, wanted, what, value.at))
    else:
        for language, template in _templates(value):
            given = _given(subject, template, language)
            if given is not None:
                at = value.places.get(language, value.at)
                found.append(_given_fit(name, wanted, given, at))
    found.append(_fields_fit(subject, state, wanted, value))
    return min(found, key=lambda each: each[0])


def _given_fit(name: str, wanted: Shape, given: _Given, at: Position) -> tuple[Fit, Position, str]:
    if given.literal is not None:
        fit = literal_fits(wanted, given.literal)
        if fit is Fit.NO:
            hint = did_you_mean(given.literal, wanted.choices)
            return fit, at, f'{given.what} is no value of "{name}", which is {_kind(wanted)}{hint}'
        return fit, at, "its bounds move on with the days" if fit is Fit.MAYBE else ""
    fit = fits_shape(wanted, given.shape)
    if fit is Fit.YES:
        return fit, at, ""
    if fit is Fit.MAYBE:
        return fit, at, why_not(wanted, given.shape)
    alike = {wanted.type, given.shape.type} <= NUMBERS or wanted.type is given.shape.type
    if alike:
        return fit, at, f'{given.what} never fits "{name}": {why_not(wanted, given.shape)}'
    return fit, at, f'"{name}" is {wanted.type}; {given.what} is {given.kind}'


def _kind(shape: Shape) -> str:
    """A type with its bounds, for people."""
    if shape.type in NUMBERS and shape.low is not None and shape.high is not None:
        return f"{shape.type} from {shape.low} to {shape.high}"
    if shape.lengths and shape.type is not Type.TEXT:
        return f"{shape.type} of length {' or '.join(str(each) for each in shape.lengths)}"
    if shape.lengths:
        return f"text of {shape.lengths[-1]} septets at most"
    return str(shape.type)


def _fields_fit(
    subject: Subject, state: State, wanted: Shape, value: Value
) -> tuple[Fit, Position, str]:
    """Whole results have the fields of what they came from: all that are wanted must be there."""
    for use in value_uses(value):
        shape = subject.names.of_place(use.place)
        if shape is None or shape.type is not Type.ROW:
            continue
        fields = wanted.fields if wanted.type in _WHOLE else shape.fields
        for field in fields:
            name = f"{use.place.name}.{field}"
            if field in shape.fields and not subject.assigned.has(state.name, name):
                why = f'"{word(name)}" has no value on some path that leads here'
                return Fit.MAYBE, subject.at(use), why
    return Fit.YES, value.at, ""


def saves(subject: Subject) -> Iterator[Diagnostic]:
    """A result whose name is taken, or whose fields are of other types elsewhere (wrong-type)."""
    known: dict[tuple[str, str], Type] = {}
    for state in subject.flow.states.values():
        for name, at, fields in _saved(subject, state):
            if word(name) in GLOBAL:
                sentence = f'"{word(name)}" has a meaning of its own; a result needs another name'
                yield Diagnostic(at, "bad-name", sentence)
                continue
            variable = subject.flow.variables.get(name)
            if variable is not None:
                yield from _into_variable(subject, variable, state, at, fields)
                continue
            for field, shape in fields:
                first = known.setdefault((name, field), shape.type)
                if first is not shape.type:
                    sentence = f'field "{field}" of "{word(name)}" is {shape.type} here'
                    yield Diagnostic(at, "wrong-type", f"{sentence} and {first} elsewhere")


Fields = tuple[tuple[str, Shape], ...]


def _saved(subject: Subject, state: State) -> Iterator[tuple[str, Position, Fields]]:
    """The name of a result, where it is given, and its fields, as often as given."""
    match state:
        case CallState() if state.save:
            backend = subject.flow.backends.get(state.backend)
            outcomes = backend.outcomes.values() if backend is not None else ()
            fields = tuple(item for outcome in outcomes for item in outcome.fields.items())
            yield state.save, state.save_at or state.backend_at, fields
        case Listing() if state.save:
            rows = subject.names.row_fields(state.rows)
            yield state.save, state.save_at or state.at, tuple(rows.items())
        case SetState():
            for assignment in state.assignments:
                if assignment.record is not None:
                    found = {
                        field: _shape(subject, value) for field, value in assignment.record.items()
                    }
                    fields = tuple((name, each) for name, each in found.items() if each)
                    yield assignment.name, assignment.at, fields


def _into_variable(
    subject: Subject, variable: Variable, state: State, at: Position, fields: Fields
) -> Iterator[Diagnostic]:
    name = word(variable.name)
    if not isinstance(state, Listing) or variable.shape.type is not Type.ROW:
        sentence = f'"{name}" is a variable: a result needs a name of its own'
        yield Diagnostic(at, "wrong-type", sentence)
        return
    row = Shape(Type.ROW, fields=dict(fields))
    rows = subject.names.of_place(state.rows)
    known = rows is not None and rows.type is Type.ROWS
    if known and fits_shape(variable.shape, row) is not Fit.YES:
        sentence = f'the row may not fit "{name}" ({why_not(variable.shape, row)})'
        yield Diagnostic(at, "wrong-type", sentence)


def _short(text: str) -> str:
    """A literal as a sentence shows it."""
    line = text.replace("\n", " ")
    return line if len(line) <= _SHOWN_MAX else f"{line[:_SHOWN_MAX]}..."
