"""Whether a transcript speaks of what its flow has: back-ends, outcomes, variables. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ussd_app.effects import FAILED, LATE
from ussd_app.flow.diagnostics import did_you_mean
from ussd_app.flow.model import CallState, Flow
from ussd_app.replay.transcript import Scripted, Step, Transcript, Verb


def unfit(transcript: Transcript, flow: Flow) -> Iterator[tuple[Step | None, str]]:
    """What a transcript names and the flow has not: the step it stands in, and a sentence."""
    for name, answers in transcript.backends.items():
        for answer in answers:
            yield from ((None, each) for each in _answers(flow, name, answer))
    for step in transcript.steps:
        if step.verb in {Verb.LATE, Verb.FAILED} and step.text not in flow.backends:
            yield step, _unknown(flow, step.text)
    after = transcript.after
    for name in after.calls:
        if name not in flow.backends:
            yield _at(transcript, name), _unknown(flow, name)
    known = {
        *flow.variables,
        *(each.save for each in flow.states.values() if isinstance(each, CallState) and each.save),
    }
    for path in after.masked:
        name, _, _ = path.partition(".")
        if name not in known:
            hint = did_you_mean(name, known)
            yield _at(transcript, "masked"), f'{flow.name} has no variable "{name}"{hint}'


def _answers(flow: Flow, name: str, answer: Scripted) -> Iterator[str]:
    backend = flow.backends.get(name)
    if backend is None:
        yield _unknown(flow, name)
        return
    declared = backend.outcomes.get(answer.outcome)
    if declared is None:
        if answer.outcome not in {LATE, FAILED}:
            hint = did_you_mean(answer.outcome, backend.outcomes)
            yield f'{name} comes to no "{answer.outcome}"{hint}'
        return
    for field in answer.fields:
        if field not in declared.fields:
            hint = did_you_mean(field, declared.fields)
            yield f'"{answer.outcome}" of {name} has no field "{field}"{hint}'


def _unknown(flow: Flow, name: str) -> str:
    return f'no back-end "{name}"{did_you_mean(name, flow.backends)}'


def _at(transcript: Transcript, key: str) -> Step | None:
    at = transcript.after.at.get(key)
    return Step(Verb.SEE, "", at) if at is not None else None
