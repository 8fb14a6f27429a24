"""Recordings: dialogs played on a program and written down, every screen exactly as it was."""

from __future__ import annotations

from ussd_app.effects import Call, CallResult
from ussd_app.flow.diagnostics import Position
from ussd_app.handset import Handset
from ussd_app.messages import Action, Budget, Screen
from ussd_app.replay import reading, writing
from ussd_app.replay.player import EPOCH, ScriptedBackends
from ussd_app.replay.recorder import Recorder
from ussd_app.replay.transcript import MSISDN, Scripted, Step, Transcript, Verb
from ussd_app.screens import Program

_NOWHERE = Position("", 0, 0, 0, 0)


def dialog(dial: str, *inputs: str, name: str = "a dialog", **outcomes: str) -> Transcript:
    """What is to be recorded: inputs, or steps such as `late: meters.find`.

    Outcomes are by back-end, an underscore for its dot, several with a blank between.
    """
    backends = {
        backend.replace("_", "."): tuple(Scripted(each, {}) for each in told.split())
        for backend, told in outcomes.items()
    }
    return Transcript(name, "", MSISDN, dial, backends, tuple(map(_step, inputs)))


def _step(text: str) -> Step:
    verb, _, rest = text.partition(": ")
    if verb not in set(Verb):
        return Step(Verb.SEND, text, _NOWHERE)
    seconds = float(rest.removesuffix("s")) if verb == Verb.WAIT else 0.0
    return Step(Verb(verb), rest, _NOWHERE, seconds=seconds)


class _Unmasked(Handset):
    """A handset that hides nothing that is typed: a recorder writes it down as it was."""

    def dial(self, dial_string: str) -> Screen:
        return super().dial(dial_string)._replace(masked=False)

    def send(self, typed: str) -> Screen:
        return super().send(typed)._replace(masked=False)


def recorded(transcript: Transcript, program: Program, budget: Budget | None = None) -> Transcript:
    """A dialog as it went on a program, to its end at most, written as a line and read again."""
    backends = ScriptedBackends(program.flow.backends, transcript.backends)
    clock = [EPOCH]

    def answer(call: Call) -> CallResult | None:
        result = backends.answer(call)
        recorder.heard(call, result)
        return result

    phone = _Unmasked(program, answer, transcript.msisdn, budget, lambda: clock[0])
    recorder = Recorder(phone)
    screen: Screen | None = recorder.dial(transcript.dial)
    for step in transcript.steps:
        match step.verb:
            case Verb.SEND if screen is not None and screen.action is Action.CONTINUE:
                screen = recorder.send(step.text)
            case Verb.DIAL:
                screen = recorder.dial(step.text)
            case Verb.DROP:
                recorder.drop(step.text)
                screen = None
            case Verb.LATE:
                backends.delay(step.text)
            case Verb.FAILED:
                backends.fail(step.text)
            case Verb.WAIT:
                clock[0] += step.seconds
                recorder._steps.append(step)
    line = writing.as_json(recorder.transcript(transcript.name, transcript.msisdn))
    (found,) = reading.recorded(line, "recordings.dial.jsonl", 1)
    return found
