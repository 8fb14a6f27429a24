"""Sensitive values stay in: they go to back-ends and into comparisons, never before eyes."""

from __future__ import annotations

from collections.abc import Iterator

from ussd_app.flow.assigned import Use, uses, value_uses
from ussd_app.flow.checks.placed import row_places
from ussd_app.flow.checks.subject import Subject, word
from ussd_app.flow.diagnostics import Diagnostic
from ussd_app.flow.model import VISIBLE, CallState, SetState, Visible
from ussd_app.flow.names import single


def shown(subject: Subject) -> Iterator[Diagnostic]:
    """A sensitive variable in a text, or copied to where it is no longer one (sensitive-shown)."""
    secret = {name for name, each in subject.flow.variables.items() if each.sensitive}
    if not secret:
        return
    for state in subject.flow.states.values():
        if isinstance(state, VISIBLE):
            yield from _seen(subject, state, secret)
        elif isinstance(state, SetState):
            yield from _copied(subject, state, secret)
        elif isinstance(state, CallState):
            yield from _told(subject, state, secret)
    for entry in subject.flow.on_drop:
        for use in value_uses(entry.text):
            if use.place.name in secret:
                sentence = f'"{word(use.place.name)}" is sensitive: no SMS may show it'
                yield Diagnostic(subject.at(use), "sensitive-shown", sentence)


def _seen(subject: Subject, state: Visible, secret: set[str]) -> Iterator[Diagnostic]:
    for use in uses(state):
        # A condition may look at it; it has no text.
        if use.text is not None and use.place.name in secret:
            sentence = f'"{word(use.place.name)}" is sensitive: no screen may show it'
            yield Diagnostic(subject.at(use), "sensitive-shown", sentence)
    for place, at in row_places(state):
        if place.name in secret:
            sentence = f'"{word(place.name)}" is sensitive: no screen may show its rows'
            yield Diagnostic(subject.at(Use(place, at)), "sensitive-shown", sentence)


def _told(subject: Subject, state: CallState, secret: set[str]) -> Iterator[Diagnostic]:
    """A back-end gets a secret as it is; among words it is a text that somebody will read."""
    for text in state.arguments.values():
        for use in value_uses(text):
            alone = single(text.by_language[use.language]) is not None
            if use.place.name in secret and not alone:
                name = word(use.place.name)
                sentence = f'"{name}" is sensitive: give it to a back-end alone, not among words'
                yield Diagnostic(subject.at(use), "sensitive-shown", sentence)


def _copied(subject: Subject, state: SetState, secret: set[str]) -> Iterator[Diagnostic]:
    for assignment in state.assignments:
        if assignment.record is not None:
            values = list(assignment.record.values())
            why = "and what a sub-flow returns is not: leave it out"
        else:
            values = [assignment.value] if assignment.value is not None else []
            name = word(assignment.name)
            why = f'and "{name}" is not: declare "{name}" with "sensitive: true"'
        if assignment.record is None and assignment.name in secret:
            continue
        for value in values:
            for use in value_uses(value):
                if use.place.name in secret:
                    sentence = f'"{word(use.place.name)}" is sensitive, {why}'
                    yield Diagnostic(subject.at(use), "sensitive-shown", sentence)
