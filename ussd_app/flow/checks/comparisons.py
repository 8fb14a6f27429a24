"""Conditions: that both sides are of types that can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ussd_app.flow.assigned import Use
from ussd_app.flow.checks.subject import Subject, word
from ussd_app.flow.checks.variables import conditions
from ussd_app.flow.diagnostics import Diagnostic, Position, did_you_mean
from ussd_app.flow.model import NUMBERS, Condition, Operator, Shape, Type
from ussd_app.flow.names import literal_type
from ussd_app.render.texts import Place

_PRESENCE = frozenset({Operator.SET, Operator.UNSET})
_EQUALITY = frozenset({Operator.EQUAL, Operator.UNEQUAL})
_WHOLE = frozenset({Type.ROW, Type.ROWS})
_TEXT = Shape(Type.TEXT)
#: What a literal that is compared with one of these must be, for people.
_LITERALS = {
    Type.INTEGER: "no number",
    Type.DECIMAL: "no number",
    Type.DATE: "no date such as 2026-01-31",
    Type.BOOLEAN: "neither true nor false",
}


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of a condition: its shape, where it stands, and its name for people."""

    shape: Shape
    at: Position
    name: str
    literal: str | None = None


def compared(subject: Subject) -> Iterator[Diagnostic]:
    """A comparison that cannot be made, or never holds (wrong-type)."""
    for state in subject.flow.states.values():
        for condition in conditions(state):
            if condition.operator not in _PRESENCE:
                left, right = _left(subject, condition), _right(subject, condition)
                if left is not None and right is not None:
                    yield from _problem(condition.operator, left, right)


def _left(subject: Subject, condition: Condition) -> _Side | None:
    return _placed(subject, condition.left, condition.at)


def _placed(subject: Subject, place: Place, at: Position) -> _Side | None:
    """A side that is a place; None where its name is not known."""
    shape = subject.names.of_place(place)
    if shape is None:
        return None
    if place.filters and shape.type not in _WHOLE:
        shape = _TEXT
    return _Side(shape, subject.at(Use(place, at)), f'"{word(place.path)}"')


def _right(subject: Subject, condition: Condition) -> _Side | None:
    right = condition.right
    if isinstance(right, Place):
        return _placed(subject, right, condition.at)
    literal = right or ""
    shape = Shape(literal_type(literal) or Type.TEXT)
    return _Side(shape, _last(subject, literal, condition.at), f'"{literal}"', literal)


def _last(subject: Subject, literal: str, at: Position) -> Position:
    """Where a condition's right side stands: the last such word in it."""
    lines = subject.lines(at.file)
    if at.line != at.end_line or not 0 < at.line <= len(lines):
        return at
    start = lines[at.line - 1].rfind(literal, at.column - 1, at.end_column - 1)
    if start < 0 or not literal:
        return at
    return Position(at.file, at.line, start + 1, at.line, start + 1 + len(literal))


def _problem(operator: Operator, left: _Side, right: _Side) -> Iterator[Diagnostic]:
    for side in (left, right):
        if side.shape.type in _WHOLE:
            hint = "name one of its fields"
            if side.shape.type is Type.ROWS:
                hint = 'count it with "rows.count", or ask whether it "is set"'
            sentence = f"{side.name} is {side.shape.type} and cannot be compared: {hint}"
            yield Diagnostic(side.at, "wrong-type", sentence)
            return
    if operator in _EQUALITY:
        yield from _equality(left, right)
    else:
        yield from _order(operator, left, right)


def _order(operator: Operator, left: _Side, right: _Side) -> Iterator[Diagnostic]:
    """`<` and the like: two numbers, or two dates."""
    for side, other in ((left, right), (right, left)):
        if side.shape.type not in NUMBERS | {Type.DATE}:
            sentence = f'"{operator}" compares numbers or dates; {side.name} is {_kind(side)}'
            yield Diagnostic(side.at, "wrong-type", sentence)
            return
        if (side.shape.type is Type.DATE) and other.shape.type in NUMBERS:
            sentence = f'"{operator}" compares two numbers or two dates; {side.name} is a date'
            yield Diagnostic(side.at, "wrong-type", f"{sentence} and {other.name} a number")
            return


def _kind(side: _Side) -> str:
    return "neither" if side.literal is not None else str(side.shape.type)


def _equality(left: _Side, right: _Side) -> Iterator[Diagnostic]:
    """`==` and `!=`: anything with anything, but not what could never be equal."""
    kind, literal = left.shape.type, right.literal
    if literal is None:
        if (Type.BOOLEAN in {kind, right.shape.type}) and kind is not right.shape.type:
            sentence = f"{left.name} is {kind} and {right.name} is {right.shape.type}"
            yield Diagnostic(right.at, "wrong-type", f"{sentence}: they are never equal")
        return
    if kind is Type.CHOICE:
        if literal not in left.shape.choices:
            hint = did_you_mean(literal, left.shape.choices)
            sentence = f'{left.name} has no value "{literal}"{hint}'
            yield Diagnostic(right.at, "wrong-type", sentence)
    elif kind in _LITERALS:
        wanted = NUMBERS if kind in NUMBERS else {kind}
        if right.shape.type not in wanted:
            sentence = f"{left.name} is {kind}; {right.name} is {_LITERALS[kind]}"
            yield Diagnostic(right.at, "wrong-type", sentence)
