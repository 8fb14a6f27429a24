"""What happens to a client who was away: states that `resume:` and `on_drop:` name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ussd_app.flow.checks.subject import Subject
from ussd_app.flow.diagnostics import Diagnostic, Position
from ussd_app.flow.model import VISIBLE, CallState, End, Flow, How, Listing, Menu, Option


def named(subject: Subject) -> Iterator[Diagnostic]:
    """A state named by `resume:` or `on_drop:` at which no client can be (wrong-type)."""
    flow = subject.flow
    if flow.resume is not None:
        # Who was waiting for a call is led back to the screen before it, unless it is named.
        shown = {
            name: at
            for name, at in flow.resume.never_into.items()
            if not isinstance(flow.states.get(name), CallState)
        }
        yield from _shown(flow, shown, "nobody is led back there")
    for entry in flow.on_drop:
        yield from _shown(flow, entry.states, "no session is dropped there")


def _shown(flow: Flow, names: Mapping[str, Position], why: str) -> Iterator[Diagnostic]:
    for name, at in names.items():
        state = flow.states.get(name)
        if isinstance(state, End):
            yield Diagnostic(at, "wrong-type", f'"{name}" is an end: {why}')
        elif state is not None and not isinstance(state, VISIBLE):
            sentence = f'"{name}" shows nothing: {why}; name the screens after it'
            yield Diagnostic(at, "wrong-type", sentence)


def entries(subject: Subject) -> Iterator[Diagnostic]:
    """Options that lead back, and `how: entry`: one without the other (wrong-type)."""
    flow = subject.flow
    options = [option for option in _options(flow) if option.resume]
    entry = flow.resume is not None and flow.resume.how is How.ENTRY
    if not entry:
        for option in options:
            sentence = '"resume: true" needs "resume: {within: 10m, how: entry}" of the flow'
            yield Diagnostic(subject.words("resume: true", option.at), "wrong-type", sentence)
    elif not options and flow.resume is not None:
        sentence = '"how: entry" needs an option with "resume: true" in some menu'
        yield Diagnostic(flow.resume.at, "wrong-type", sentence)


def _options(flow: Flow) -> Iterator[Option]:
    for state in flow.states.values():
        if isinstance(state, Menu | Listing):
            yield from state.options
