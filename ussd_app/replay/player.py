"""Plays a transcript on any phone and says where the two part."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

from ussd_app.effects import FAILED, Call, CallResult, Value
from ussd_app.flow.model import Backend
from ussd_app.handset import Handset
from ussd_app.messages import Action, Budget, Screen
from ussd_app.replay.fitting import unfit
from ussd_app.replay.transcript import EXPECTING, After, Field, Scripted, Step, Transcript, Verb
from ussd_app.screens import Program

#: Whether a text is the one expected.
Matches = Callable[[str], bool]
#: When a dialog in this process begins: 2023-11-14 22:13:20 UTC, whoever plays it.
EPOCH = 1_700_000_000.0


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

    def drop(self, reason: str) -> None:
        """Leave in the middle: `cancel` or `timeout`."""
        ...


class NotHere(Exception):  # noqa: N818  # says what is so
    """A step that cannot be played where this transcript is played: it is passed over."""


class World(Protocol):
    """What lies around a phone that a transcript may touch or ask. Any may raise `NotHere`."""

    def delay(self, backend: str) -> None:
        """Let a back-end's next answer not come in the time of its hop."""
        ...

    def fail(self, backend: str) -> None:
        """Let a back-end's next answer be `failed`."""
        ...

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        ...

    def sms(self, matches: Matches) -> str | None:
        """The next SMS that passes a test, or None."""
        ...

    def calls(self) -> Mapping[str, int]:
        """How often each back-end was called."""
        ...

    def messages(self) -> tuple[str, ...]:
        """The SMS that the flow itself has sent."""
        ...

    def value(self, path: str) -> str | None:
        """What a variable, or a field of one, holds; None if nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """A screen, and the step it answers: None for the first dial."""

    step: Step | None
    screen: Screen


@dataclass(frozen=True, slots=True)
class Failure:
    """Where a transcript and what is played part: the step, and in a sentence what is wrong."""

    step: Step | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Played:
    """How a transcript went. `passed_over` are the steps that cannot be played here."""

    transcript: Transcript
    shown: tuple[Shown, ...]
    problem: Failure | None = None
    passed_over: tuple[Step, ...] = ()

    @property
    def screens(self) -> tuple[Screen, ...]:
        """The screens, in order."""
        return tuple(each.screen for each in self.shown)

    @property
    def failure(self) -> str:
        """What went wrong, with its place and the screen it was seen on; "" if nothing."""
        if self.problem is None:
            return ""
        step = self.problem.step
        at = step.at if step is not None else self.transcript.at
        place = f"{at.file}:{at.line}:{at.column}: " if at is not None else ""
        screen = self.shown[-1].screen.text.replace("\n", "\n  | ") if self.shown else ""
        seen = f"\nscreen {len(self.shown)} is:\n  | {screen}" if self.shown else ""
        return f"{place}{self.problem.sentence}{seen}"


def play(transcript: Transcript, phone: Phone, world: World) -> Played:
    """Play to the end, or to the first step that does not hold; raises what the phone raises."""
    playing = Playing(phone, world)
    steps = list(transcript.steps)
    # What goes wrong before anything is done goes wrong with the dial itself.
    while steps and steps[0].verb in {Verb.LATE, Verb.FAILED}:
        playing.take(steps.pop(0))
    playing.dial(transcript.dial)
    for step in steps:
        problem = playing.take(step)
        if problem is not None:
            return playing.played(transcript, problem)
    return playing.played(transcript, playing.check(transcript.after))


class Playing:
    """A dialog being played, a step at a time."""

    def __init__(self, phone: Phone, world: World) -> None:
        self._phone = phone
        self._world = world
        self._shown: list[Shown] = []
        self._passed_over: list[Step] = []

    def dial(self, dial_string: str) -> None:
        """Begin; raises ValueError for a code that the phone does not serve."""
        self._shown.append(Shown(None, self._phone.dial(dial_string)))

    def take(self, step: Step) -> Failure | None:
        """Take one step of a dialog that has begun; what is wrong with it, if anything."""
        try:
            problem = self._step(step)
        except NotHere:
            self._passed_over.append(step)
            return None
        return Failure(step, problem) if problem else None

    def check(self, after: After) -> Failure | None:
        """The first thing that should hold now and does not."""
        try:
            for key, problem in self._unmet(after):
                at = after.at.get(key)
                step = Step(Verb.SEE, "", at) if at is not None else None
                return Failure(step, problem)
        except NotHere:
            return None
        return None

    def played(self, transcript: Transcript, problem: Failure | None = None) -> Played:
        """How it went until now."""
        return Played(transcript, tuple(self._shown), problem, tuple(self._passed_over))

    def _step(self, step: Step) -> str:
        """What is wrong with a step, "" if nothing."""
        if step.verb in EXPECTING:
            return self._expect(step)
        match step.verb:
            case Verb.SEND:
                if self._shown[-1].screen.action is Action.END:
                    return "the session has ended"
                self._shown.append(Shown(step, self._phone.send(step.text)))
            case Verb.DIAL:
                try:
                    self._shown.append(Shown(step, self._phone.dial(step.text)))
                except ValueError as error:
                    return str(error)
            case Verb.REPEAT:
                again = self._phone.repeat()
                if again != self._shown[-1].screen:
                    return f"the repeat shows otherwise:\n{again.text}"
            case Verb.DROP:
                self._phone.drop(step.text)
            case Verb.LATE:
                self._world.delay(step.text)
            case Verb.FAILED:
                self._world.fail(step.text)
            case Verb.WAIT:
                self._world.wait(step.seconds)
        return ""

    def _expect(self, step: Step) -> str:
        if step.verb is Verb.SMS:
            came = self._world.sms(step.matches)
            return "" if came is not None else f"no SMS came, expected ({step.how}): {step.text!r}"
        screen = self._shown[-1].screen
        if not step.matches(screen.text):
            return f"expected ({step.how}): {step.text!r}"
        ends = screen.action is Action.END
        if step.verb is Verb.END and not ends:
            return "the session goes on, but should have ended"
        if step.verb is Verb.SEE and ends:
            return "the session has ended, but should go on"
        return ""

    def _unmet(self, after: After) -> list[tuple[str, str]]:
        world = self._world
        found = []
        if after.calls:
            made = world.calls()
            for backend, wanted in after.calls.items():
                times = made.get(backend, 0)
                if times != wanted:
                    found.append((backend, f"{backend} was called {times} times, not {wanted}"))
        if after.messages is not None:
            sent = len(world.messages())
            if sent != after.messages:
                found.append(("messages", f"{sent} SMS were sent, not {after.messages}"))
        told = [each.screen.text for each in self._shown]
        for path in after.masked:
            value = world.value(path)
            if value and any(value in text for text in (*told, *world.messages())):
                found.append(("masked", f'"{path}" stood on a screen or in an SMS, unmasked'))
        return found


class ScriptedBackends:
    """The back-ends of a transcript in process: scripted answers, else the catalogue's sample."""

    def __init__(
        self, backends: Mapping[str, Backend], scripted: Mapping[str, tuple[Scripted, ...]]
    ) -> None:
        self._backends = backends
        self._scripted = {name: list(answers) for name, answers in scripted.items()}
        self._late: dict[str, int] = defaultdict(int)
        self._failed: dict[str, int] = defaultdict(int)
        self._made: dict[str, str] = {}
        self._known: dict[str, CallResult] = {}

    def delay(self, backend: str) -> None:
        """Let the next answer of a back-end be late."""
        self._late[backend] += 1

    def fail(self, backend: str) -> None:
        """Let the next answer of a back-end be `failed`."""
        self._failed[backend] += 1

    def made(self) -> Mapping[str, int]:
        """How often each back-end was called; the same call again counts once."""
        return Counter(self._made.values())

    def answer(self, call: Call) -> CallResult | None:
        """The result of a call, or None if it is late."""
        self._made[call.id] = call.backend
        if self._late[call.backend]:
            self._late[call.backend] -= 1
            return None
        known = self._known.get(call.id)
        if known is None:
            known = self._known[call.id] = self._answer(call)
        return known

    def _answer(self, call: Call) -> CallResult:
        if self._failed[call.backend]:
            self._failed[call.backend] -= 1
            return CallResult(call.id, FAILED)
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
        self, call: Call, outcome: str, fields: Mapping[str, Field] | None = None
    ) -> CallResult:
        """An outcome with the catalogue's sample, `fields` in place of its own."""
        declared = self._backends[call.backend].outcomes.get(outcome)
        given = {**(declared.sample if declared else {}), **(fields or {})}
        return CallResult(call.id, outcome, cast("Mapping[str, Value]", given))


@dataclass(frozen=True, slots=True)
class Around:
    """A world that can do what it is given; the rest is not here."""

    on_delay: Callable[[str], None] | None = None
    on_sms: Callable[[Matches], str | None] | None = None
    on_wait: Callable[[float], None] | None = None

    def delay(self, backend: str) -> None:
        """See `World.delay`."""
        if self.on_delay is None:
            raise NotHere
        self.on_delay(backend)

    def fail(self, backend: str) -> None:
        """Nobody here can order a failure."""
        raise NotHere

    def wait(self, seconds: float) -> None:
        """See `World.wait`."""
        if self.on_wait is None:
            raise NotHere
        self.on_wait(seconds)

    def sms(self, matches: Matches) -> str | None:
        """See `World.sms`."""
        if self.on_sms is None:
            raise NotHere
        return self.on_sms(matches)

    def calls(self) -> Mapping[str, int]:
        """Nobody here counts them."""
        raise NotHere

    def messages(self) -> tuple[str, ...]:
        """Nobody here keeps them."""
        raise NotHere

    def value(self, path: str) -> str | None:
        """Nobody here can look into a session."""
        raise NotHere


@dataclass
class Process:
    """A world in this process: back-ends scripted, a clock that only `wait` moves."""

    backends: ScriptedBackends
    handset: Handset
    clock: list[float]
    _read: int = field(default=0)

    def delay(self, backend: str) -> None:
        """See `World.delay`."""
        self.backends.delay(backend)

    def fail(self, backend: str) -> None:
        """See `World.fail`."""
        self.backends.fail(backend)

    def wait(self, seconds: float) -> None:
        """See `World.wait`."""
        self.clock[0] += seconds

    def sms(self, matches: Matches) -> str | None:
        """See `World.sms`: of the flow's own; what back-ends send is not played here."""
        unread = self.messages()[self._read :]
        if not unread:
            raise NotHere
        self._read += len(unread)
        return next(filter(matches, unread), None)

    def calls(self) -> Mapping[str, int]:
        """See `World.calls`."""
        return self.backends.made()

    def messages(self) -> tuple[str, ...]:
        """See `World.messages`."""
        return tuple(message.text for message in self.handset.messages)

    def value(self, path: str) -> str | None:
        """See `World.value`."""
        return self.handset.value(path)


def stage(transcript: Transcript, program: Program, budget: Budget) -> tuple[Handset, Process]:
    """A phone in this process for a transcript, and the world around it."""
    backends = ScriptedBackends(program.flow.backends, transcript.backends)
    clock = [EPOCH]
    handset = Handset(program, backends.answer, transcript.msisdn, budget, lambda: clock[0])
    return handset, Process(backends, handset, clock)


def play_in_process(transcript: Transcript, program: Program, budget: Budget) -> Played:
    """Play on a phone in this process, back-ends scripted; not at all where it does not fit."""
    for step, sentence in unfit(transcript, program.flow):
        return Played(transcript, (), Failure(step, sentence))
    handset, world = stage(transcript, program, budget)
    return play(transcript, handset, world)
