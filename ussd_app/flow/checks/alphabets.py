"""Characters that the network does not carry: what a flow's `alphabet:` makes of them."""

from __future__ import annotations

from collections.abc import Iterator

from ussd_app.flow.checks.subject import Subject
from ussd_app.flow.diagnostics import Diagnostic
from ussd_app.flow.model import (
    VISIBLE,
    Apply,
    Flow,
    Input,
    Listing,
    Menu,
    SetState,
    State,
    Text,
    Value,
)
from ussd_app.flow.reader import place_at
from ussd_app.render import gsm7
from ussd_app.render.texts import Template

_LOST = "?"


def outside(subject: Subject) -> Iterator[Diagnostic]:
    """A literal character outside GSM-7 that is refused, or has no near neighbour (not-gsm7)."""
    alphabet = subject.flow.alphabet
    if alphabet == "ucs2" and all(budget.ucs2_max for budget in subject.budgets):
        return
    for text in _texts(subject.flow):
        done = set()
        for language, template in text.by_language.items():
            at = text.places.get(language, text.at)
            if at in done or gsm7.septets(template.source) is not None:
                continue
            done.add(at)
            for offset, character in _literal(template):
                sent = gsm7.transliterate(character)
                if sent == character or (alphabet != "error" and sent != _LOST):
                    continue
                where = place_at(subject.lines(at.file), at, template.source, offset, 1)
                yield Diagnostic(where, "not-gsm7", _sentence(character, sent, alphabet))


def _sentence(character: str, sent: str, alphabet: str) -> str:
    shown = f'"{character}" ' if character.isprintable() else ""
    code = f"U+{ord(character):04X}"
    what = f"{shown}({code})" if shown else code
    if sent == _LOST and alphabet == "ucs2":
        return f"{what} would be sent as ?: a gateway here carries GSM-7 alone (its ucs2_max is 0)"
    if sent == _LOST:
        return f"{what} is outside GSM-7, and nothing in it is near: it would be sent as ?"
    if not sent:
        return f"{what} is outside GSM-7: leave it out"
    return f'{what} is outside GSM-7: write "{sent}"'


def _literal(template: Template) -> Iterator[tuple[int, str]]:
    """The characters of a text outside its places, each once, with where it first stands."""
    inside = {
        offset
        for place in template.places
        for offset in range(place.offset, place.offset + place.length)
    }
    seen = set()
    for offset, character in enumerate(template.source):
        if offset not in inside and character not in seen:
            seen.add(character)
            yield offset, character


def _texts(flow: Flow) -> Iterator[Text]:
    """Every text that a client may read, or that becomes part of one."""
    for variable in flow.variables.values():
        yield from (label for label in variable.shape.choices.values() if label is not None)
        if variable.label is not None:
            yield variable.label
    for state in flow.states.values():
        yield from _texts_of(state)
    for entry in flow.on_drop:
        yield entry.text


def _texts_of(state: State) -> Iterator[Text]:
    if isinstance(state, VISIBLE):
        yield from (part.text for part in state.body.parts)
    match state:
        case Menu():
            yield from (option.label for option in state.options)
            if state.otherwise is not None:
                yield from (check.error for check in state.otherwise.checks)
        case Listing():
            yield state.row
            yield from (option.label for option in state.options)
        case Input():
            yield from (check.error for check in state.checks)
        case SetState():
            for assignment in state.assignments:
                for value in (assignment.value, *(assignment.record or {}).values()):
                    yield from _texts_in(value)


def _texts_in(value: Value | None) -> Iterator[Text]:
    if isinstance(value, Text):
        yield value
    elif isinstance(value, Apply):
        for inner in value.arguments.values():
            yield from _texts_in(inner)
