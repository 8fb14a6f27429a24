"""Keys that mean two things: an option, a value, or the way back, home and on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from ussd_app.flow.checks.lengths import may_page
from ussd_app.flow.checks.subject import Subject, word
from ussd_app.flow.diagnostics import Diagnostic, Position
from ussd_app.flow.model import Flow, Input, Listing, Menu, Option, State, Type
from ussd_app.flow.values import accepts

#: The key that goes on from a show, a wait and a holding screen.
ON = "1"
#: Types of which a key could be a value. What is typed as free text is never as short as a key.
_TYPED = frozenset({Type.DIGITS, Type.PIN, Type.INTEGER, Type.DECIMAL, Type.CHOICE})
#: Any day: no date is as short as a key.
_DAY = date(2026, 12, 28)


def _reserved(flow: Flow) -> Mapping[str, str]:
    """The keys that work everywhere, by what they do; one that is used up already left out."""
    keys = {flow.keys.back: "back", flow.keys.home: "home", flow.keys.more: "more"}
    return {key: name for key, name in keys.items() if key != ON}


def everywhere(subject: Subject) -> Iterator[Diagnostic]:
    """A key for every screen that some screens need themselves (reserved-key)."""
    keys = subject.flow.keys
    for name, key in (("back", keys.back), ("home", keys.home), ("more", keys.more)):
        if key == ON:
            sentence = f'"{name}:" cannot be "{ON}", which goes on from what is read'
            yield Diagnostic(keys.at, "reserved-key", sentence)


def options(subject: Subject) -> Iterator[Diagnostic]:
    """Options and rows with the same key, or with one that works everywhere (reserved-key)."""
    for state in subject.flow.states.values():
        if isinstance(state, Menu | Listing):
            rows = _rows_max(subject, state)
            yield from _numbered(subject.flow, state, rows)
            yield from _written(subject.flow, state, rows)


def _rows_max(subject: Subject, state: Menu | Listing) -> int:
    """The numbers that rows may take before any option."""
    shape = subject.names.of_place(state.rows) if isinstance(state, Listing) else None
    return shape.rows_max if shape is not None else 0


def _numbers(state: Menu | Listing, rows: int) -> dict[str, Option]:
    """The numbers that options get when all rows and options are there."""
    unkeyed = (option for option in state.options if not option.key)
    return {str(number): option for number, option in enumerate(unkeyed, rows + 1)}


def _numbered(flow: Flow, state: Menu | Listing, rows: int) -> Iterator[Diagnostic]:
    """Numbers that are given to rows and options, against the keys that work everywhere."""
    numbers = _numbers(state, rows)
    for key, name in _reserved(flow).items():
        if key in numbers:
            sentence = f'this option may be number {key}, which is the "{name}:" key'
            yield Diagnostic(numbers[key].label.at, "reserved-key", sentence)
        elif isinstance(state, Listing) and _is_row(key, rows):
            sentence = f'rows are numbered up to {rows}, and "{key}" is the "{name}:" key'
            yield Diagnostic(state.rows_at or state.at, "reserved-key", sentence)


def _is_row(key: str, rows: int) -> bool:
    return key.isdigit() and not key.startswith("0") and int(key) <= rows


def _written(flow: Flow, state: Menu | Listing, rows: int) -> Iterator[Diagnostic]:
    """Keys that an author gave to options, against all others."""
    taken = _numbers(state, rows)
    for option in state.options:
        if not option.key:
            continue
        why = ""
        if option.key in _reserved(flow):
            why = f'works on every screen ("{_reserved(flow)[option.key]}:")'
        elif option.key in taken:
            why = f"is taken by the option at line {taken[option.key].at.line}"
        elif _is_row(option.key, rows):
            why = f"is taken by a row: rows are numbered up to {rows}"
        if why:
            at = option.key_at or option.at
            yield Diagnostic(at, "reserved-key", f'key "{option.key}" {why}')
        taken.setdefault(option.key, option)


def values(subject: Subject) -> Iterator[Diagnostic]:
    """A value that could not be told from a key of its screen (reserved-key)."""
    for state in subject.flow.states.values():
        if isinstance(state, Input):
            yield from _ambiguous(subject, state, state.save, state.save_at)
        elif isinstance(state, Menu) and state.otherwise is not None:
            yield from _ambiguous(subject, state, state.otherwise.save, state.otherwise.at)


def _ambiguous(subject: Subject, state: State, save: str, at: Position) -> Iterator[Diagnostic]:
    flow = subject.flow
    variable = flow.variables.get(save)
    if variable is None or variable.shape.type not in _TYPED:
        return
    meanings = {key: f'the "{name}:" key' for key, name in _reserved(flow).items()}
    if isinstance(state, Menu):
        keys = [option.key for option in state.options if option.key]
        meanings |= dict.fromkeys((*_numbers(state, 0), *keys), "an option")
    for key, meaning in meanings.items():
        if not accepts(variable.shape, key, _DAY):
            continue
        # Only a screen of several pages listens to the key for more.
        if key == flow.keys.more and meaning != "an option" and not may_page(subject, state):
            continue
        sentence = f'"{key}" is {meaning}, and a value of "{word(save)}" as well'
        hint = "bound the variable, or take another key"
        yield Diagnostic(at, "reserved-key", f"{sentence}: {hint}")
        return
