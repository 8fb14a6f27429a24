"""Plays a transcript on any phone and says where the two part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from ussd_app.effects import Call, CallResult, Value
from ussd_app.flow.model import Backend
from ussd_app.handset import Answers, Handset
from ussd_app.messages import Action, Budget, Screen
from ussd_app.replay.transcript import Scripted, Step, Transcript, Verb
from ussd_app.screens import Program

#: Whether a text is the one expected.
Matches = Callable[[str], bool]


class Phone(Protocol):
    """What a transcript is played on."""

    def dial(self, dial_string: str) -> Screen:
        """The first screen."""
        ...

    def send(self, typed: str) -> Screen:
        """The next screen."""
        ...

    def repeat(self) -> Screen:
        """What the same callback shows when it is sent once more."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """What lies around a phone that a transcript may touch.

    `delay` makes a back-end late for the next hop; `sms` waits for the next SMS that passes a
    test, and gives None if none comes. Without `sms`, steps that expect one are passed over.
    """

    delay: Callable[[str], None]
    sms: Callable[[Matches], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """How a transcript went: every screen shown, and what went wrong, "" if nothing."""

    screens: tuple[Screen, ...]
    failure: str = ""


def play(transcript: Transcript, phone: Phone, world: World) -> Played:
    """Play to the end, or to the first step that does not hold."""
    screens = [phone.dial(transcript.dial)]
    for step in transcript.steps:
        match step.verb:
            case Verb.SEND:
                if screens[-1].action is Action.END:
                    return Played(tuple(screens), _failed(step, "the session has ended", screens))
                screens.append(phone.send(step.text))
            case Verb.LATE:
                world.delay(step.text)
            case Verb.REPEAT:
                again = phone.repeat()
                if again != screens[-1]:
                    failure = _failed(step, f"the repeat shows otherwise:\n{again.text}", screens)
                    return Played(tuple(screens), failure)
            case Verb.SMS:
                if world.sms is not None and world.sms(step.matches) is None:
                    failure = _failed(step, f"no SMS with {step.text!r} came", screens)
                    return Played(tuple(screens), failure)
            case Verb.SEE | Verb.END:
                problem = _differs(step, screens[-1])
                if problem:
                    return Played(tuple(screens), _failed(step, problem, screens))
    return Played(tuple(screens))


def _differs(step: Step, shown: Screen) -> str:
    if not step.matches(shown.text):
        return f"expected ({step.how}): {step.text!r}"
    ends = shown.action is Action.END
    if step.verb is Verb.END and not ends:
        return "the session goes on, but should have ended"
    if step.verb is Verb.SEE and ends:
        return "the session has ended, but should go on"
    return ""


def _failed(step: Step, problem: str, screens: list[Screen]) -> str:
    at = step.at
    shown = screens[-1].text.replace("\n", "\n  | ")
    return f"{at.file}:{at.line}:{at.column}: {problem}\nscreen {len(screens)} is:\n  | {shown}"


class ScriptedBackends:
    """The back-ends of a transcript in process: scripted answers, else the catalogue's sample."""

    def __init__(
        self, backends: Mapping[str, Backend], scripted: Mapping[str, tuple[Scripted, ...]]
    ) -> None:
        self._backends = backends
        self._scripted = {name: list(answers) for name, answers in scripted.items()}
        self._late: dict[str, int] = defaultdict(int)

    def delay(self, backend: str) -> None:
        """Let the next answer of a back-end be late."""
        self._late[backend] += 1

    def answer(self, call: Call) -> CallResult | None:
        """The result of a call, or None if it is late."""
        if self._late[call.backend]:
            self._late[call.backend] -= 1
            return None
        answers = self._scripted.get(call.backend)
        # The last scripted answer stands for all that follow.
        chosen = (answers.pop(0) if len(answers) > 1 else answers[0]) if answers else None
        if chosen is None:
            return self.sampled(call, self.outcomes(call.backend)[0])
        return self.sampled(call, chosen.outcome, chosen.fields)

    def outcomes(self, backend: str) -> tuple[str, ...]:
        """The outcomes that the catalogue declares."""
        return tuple(self._backends[backend].outcomes)

    def sampled(
        self, call: Call, outcome: str, fields: Mapping[str, str] | None = None
    ) -> CallResult:
        """An outcome with the catalogue's sample, `fields` in place of its own."""
        declared = self._backends[call.backend].outcomes.get(outcome)
        given = {**(declared.sample if declared else {}), **(fields or {})}
        return CallResult(call.id, outcome, cast("Mapping[str, Value]", given))


def play_in_process(transcript: Transcript, program: Program, budget: Budget) -> Played:
    """Play on a phone in this process, back-ends scripted."""
    backends = ScriptedBackends(program.flow.backends, transcript.backends)
    answers: Answers = backends.answer
    phone = Handset(program, answers, transcript.msisdn, budget)
    return play(transcript, phone, World(backends.delay))
