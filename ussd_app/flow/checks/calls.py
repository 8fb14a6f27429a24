"""Calls against the catalogue: names, inputs, outcomes, and what spends."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ussd_app.effects import FAILED, LATE
from ussd_app.flow.checks.subject import Missing, Subject
from ussd_app.flow.diagnostics import Diagnostic, did_you_mean, meant
from ussd_app.flow.model import Backend, CallState


def backends(subject: Subject) -> Iterator[Diagnostic]:
    """A call that the catalogue does not know so (unknown-backend, …-outcome, …-input)."""
    missing = Missing()
    for state in subject.flow.states.values():
        if not isinstance(state, CallState) or not state.backend:
            continue
        backend = subject.flow.backends.get(state.backend)
        if backend is None:
            hint = partial(_near, subject, state.backend)
            sentence = f'the catalogue has no back-end "{state.backend}"'
            missing.problem(state.backend_at, "unknown-backend", sentence, state.backend, hint)
            continue
        yield from _outcomes(state, backend)
        yield from _inputs(state, backend)
        if backend.once and not state.once:
            sentence = f'"{state.backend}" moves money or tells someone: say "once_per: session"'
            yield Diagnostic(state.backend_at, "effect-without-once", sentence)
    yield from missing.told()


def _near(subject: Subject, name: str) -> str:
    if not subject.flow.backends:
        return "; there is no catalogue.yaml beside the flow"
    return did_you_mean(name, subject.flow.backends)


def _outcomes(state: CallState, backend: Backend) -> Iterator[Diagnostic]:
    known = {*backend.outcomes, LATE, FAILED}
    for name in state.outcomes:
        if name not in known:
            hint = did_you_mean(name, known)
            sentence = f'"{state.backend}" has no outcome "{name}"{hint}'
            yield Diagnostic(state.places[f"name:{name}"], "unknown-outcome", sentence)
    # A name that is nearly right is one mistake, not two.
    typos = {meant(name, known) for name in state.outcomes if name not in known}
    missing = sorted(known - set(state.outcomes) - typos)
    if missing:
        names = ", ".join(f'"{name}"' for name in missing)
        word = "outcome" if len(missing) == 1 else "outcomes"
        sentence = f'call "{state.name.rpartition("/")[2]}" says nothing of {word} {names}'
        yield Diagnostic(state.outcomes_at, "missing-outcome", sentence)


def _inputs(state: CallState, backend: Backend) -> Iterator[Diagnostic]:
    typos = {meant(name, backend.inputs) for name in state.arguments if name not in backend.inputs}
    missing = sorted(set(backend.inputs) - set(state.arguments) - typos)
    if missing:
        names = ", ".join(f'"{name}"' for name in missing)
        sentence = f'"{state.backend}" needs {names} in "with:"'
        at = state.arguments_at if state.arguments else state.backend_at
        yield Diagnostic(at, "missing-input", sentence)
    for name in state.arguments:
        if name not in backend.inputs:
            hint = did_you_mean(name, backend.inputs) or "; it takes nothing"
            sentence = f'"{state.backend}" takes no "{name}"{hint}'
            yield Diagnostic(state.places[f"with:{name}"], "unknown-input", sentence)
