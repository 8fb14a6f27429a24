"""Parts of a flow in plain words: conditions, what a value may be, what a `set` stores."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ussd_app.designer.draw import Kind
from ussd_app.flow.diagnostics import Position
from ussd_app.flow.model import (
    Apply,
    Branch,
    CallState,
    Condition,
    End,
    FlowState,
    Input,
    Listing,
    Menu,
    SetState,
    Shape,
    Show,
    State,
    Type,
    Value,
    When,
)
from ussd_app.flow.names import LABEL
from ussd_app.render.texts import Place

#: What `INPUT_MAX` allows where digits have no lengths of their own.
_DIGITS = "1 to 20 digits"


def kind_of(state: State) -> Kind:
    """The leading key of a state; an end without a text is the exit of a sub-flow."""
    match state:
        case Menu():
            return Kind.MENU
        case Listing():
            return Kind.LIST
        case Input():
            return Kind.INPUT
        case Show():
            return Kind.SHOW
        case End():
            return Kind.END if state.body.parts else Kind.EXIT
        case CallState():
            return Kind.CALL
        case Branch():
            return Kind.BRANCH
        case SetState():
            return Kind.SET
        case FlowState():
            return Kind.FLOW
    return Kind.WAIT


def where(at: Position) -> str:
    """A line of a file, without the directories before it."""
    return f"{Path(at.file).name}:{at.line}"


def place(found: Place) -> str:
    """A place as it is written."""
    filters = [name for name in found.filters if not name.startswith(LABEL)]
    return "{" + "|".join((found.path, *filters)) + "}"


def conditions(when: When) -> str:
    """Conditions as they are written; "always" where there are none."""
    return " and ".join(map(_condition, when)) or "always"


def _condition(condition: Condition) -> str:
    right = condition.right
    sides = [place(condition.left), condition.operator.value]
    if right is not None:
        sides.append(place(right) if isinstance(right, Place) else right)
    return " ".join(sides)


def value(stored: Value, language: str) -> str:
    """What a `set` stores, as it is written; texts in one language."""
    if isinstance(stored, Apply):
        given = (f"{name}: {value(each, language)}" for name, each in stored.arguments.items())
        return f"{stored.function}({', '.join(given)})"
    return stored.by_language[language].source


def seconds(count: float) -> str:
    """A time in the largest unit that makes it whole: "90 days", "10 minutes"."""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if count >= size and count % size == 0:
            return _some(int(count // size), unit)
    return _some(count, "second")


def _some(count: float, unit: str) -> str:
    return f"{count:g} {unit}" if count == 1 else f"{count:g} {unit}s"


def listed(words: Iterable[str], joiner: str = "and") -> str:
    """Words as a sentence lists them: "a, b and c"."""
    found = list(words)
    if len(found) < 2:
        return "".join(found)
    return f"{', '.join(found[:-1])} {joiner} {found[-1]}"


def bounds(shape: Shape) -> str:
    """What a value of this shape may be: "a whole number from 1 to 50"."""
    match shape.type:
        case Type.INTEGER | Type.DECIMAL:
            return _number(shape)
        case Type.DIGITS:
            return _digits(shape)
        case Type.PIN:
            return f"a PIN of {_digits(shape)}"
        case Type.TEXT:
            return _characters(shape)
        case Type.CHOICE:
            return f"one of {listed(shape.choices, 'or')}"
        case Type.MSISDN:
            return f"a phone number ({shape.country})"
        case Type.DATE:
            return f"a date{_range(shape)}"
        case Type.BOOLEAN:
            return "true or false"
        case Type.ROW:
            return f"a row of {listed(shape.fields)}"
    return f"up to {shape.rows_max} rows of {listed(shape.fields)}"


def _range(shape: Shape) -> str:
    low = f" from {shape.low}" if shape.low is not None else ""
    return low + (f" to {shape.high}" if shape.high is not None else "")


def _number(shape: Shape) -> str:
    whole = "a whole number" if shape.type is Type.INTEGER else "a number"
    if shape.longest:
        return f"{whole} of at most {len(shape.longest)} characters"
    low = shape.low if shape.low is not None else "0"
    found = f"{whole} from {low}" + (f" to {shape.high}" if shape.high is not None else "")
    if shape.type is Type.DECIMAL:
        found += f" with at most {_some(shape.places, 'decimal')}"
    return found


def _digits(shape: Shape) -> str:
    if shape.longest:
        return f"at most {len(shape.longest)} digits"
    return f"{listed(map(str, shape.lengths), 'or')} digits" if shape.lengths else _DIGITS


def _characters(shape: Shape) -> str:
    if shape.longest:
        return f"a text no longer than {len(shape.longest)} characters"
    least, most = shape.lengths
    return f"a text of {least} to {most} characters"
