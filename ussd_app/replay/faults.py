"""Every single fault at every hop of a transcript, on the real code of a hop and a model of Redis.

A fault is planted at one hop; what must hold whatever happens is looked at, and the rest of the
dialog goes on. Redis, the clock and the back-ends are models in this process, so a run takes
milliseconds and is the same every time. What real processes do when they are killed, the tests of
`tests/world` show.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ussd_app.effects import Call, CallResult, Message
from ussd_app.endpoints import ConfiguredEndpoint
from ussd_app.gateways import GATEWAYS
from ussd_app.gateways.base import Endpoint
from ussd_app.handset import split_dial_string
from ussd_app.hop import FixedPrograms, Host, Limits
from ussd_app.messages import NOTICES, Action, Budget, Kind, Screen, UssdReply, UssdRequest
from ussd_app.replay.player import EPOCH, ScriptedBackends
from ussd_app.replay.transcript import NOWHERE, How, Step, Transcript, Verb
from ussd_app.screens import Program, system_text
from ussd_app.sealing import Sealer
from ussd_app.store import MemoryStore, Record, StoreDown
from ussd_app.trust import Trust

_GATEWAY = GATEWAYS["africastalking"]
_IDLE_SECONDS = 180.0
#: When a gateway that got no answer tries again: whoever claimed the hop has given it up by then.
_RETRY_SECONDS = 31.0
_HOLDS_MAX = 3


class Fault(StrEnum):
    """What goes wrong at one hop."""

    REPEATED = "the callback comes again"
    DOUBLED = "the callback comes twice at once"
    DROPPED = "the client leaves"
    EXPIRED = "the client answers after the session has expired"
    LATE = "a back-end is late"
    FAILED = "a back-end fails"
    REDIS_BEFORE = "Redis is gone for a moment"
    REDIS_AFTER = "Redis has written, and its answer is lost"
    KILLED = "the process dies with the hop claimed"


@dataclass(frozen=True, slots=True)
class Broken:
    """A fault after which something did not hold: where, what, and a transcript that shows it."""

    transcript: Transcript
    hop: int
    fault: Fault
    sentence: str


class _Dies(BaseException):
    """The process dies here."""


@dataclass
class _Store(MemoryStore):
    """A store that can be gone for one operation."""

    fault: Fault | None = None
    between: Callable[[], object] | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def load(self, key: bytes) -> Record | None:
        """See `Store.load`."""
        if self.fault is Fault.REDIS_BEFORE:
            self.fault = None
            raise StoreDown("gone for a moment")
        found = super().load(key)
        twin, self.between = self.between, None
        if twin is not None:
            # The twin does all of its hop between this one's look and its claim.
            twin()
        return found

    def swap(
        self, key: bytes, seen: bytes, record: Record, seconds: float = 0.0
    ) -> tuple[bool, Record | None]:
        """See `Store.swap`."""
        swapped = super().swap(key, seen, record, seconds)
        if self.fault is Fault.REDIS_AFTER:
            self.fault = None
            raise StoreDown("its answer is lost")
        return swapped


@dataclass
class _Desk:
    """Back-ends of a transcript, as a hop asks them; what spends is counted by id."""

    scripted: ScriptedBackends
    fault: Fault | None = None
    asked: list[str] = field(default_factory=list)
    spent: set[str] = field(default_factory=set)

    def known(self, call: Call) -> CallResult | None:
        """Nothing is."""
        return None

    def start(self, call: Call) -> CallResult | None:
        """See `Backends.start`."""
        self.asked.append(call.backend)
        if call.once:
            self.spent.add(call.id)
        fault, self.fault = self.fault, None
        if fault is Fault.KILLED:
            raise _Dies
        if fault is Fault.LATE:
            self.scripted.delay(call.backend)
        if fault is Fault.FAILED:
            self.scripted.fail(call.backend)
        return self.scripted.answer(call)

    def wait(self, call: Call, seconds: float) -> CallResult | None:
        """What is late stays late for this hop."""
        return None

    def shown(self, call: Call, result: CallResult) -> None:
        """Nobody counts them."""

    def send(self, message: Message) -> None:
        """Nobody reads them."""


class _Dialog:
    """One dialog behind a gateway, hop by hop, on a model of its surroundings."""

    def __init__(self, transcript: Transcript, program: Program, budget: Budget) -> None:
        code, extra = split_dial_string(transcript.dial, program.flow.service_codes)
        self._clock = EPOCH
        self.store = _Store()
        self.desk = _Desk(ScriptedBackends(program.flow.backends, transcript.backends))
        numbers = itertools.count()
        self._host = Host(
            FixedPrograms((program,)),
            self.store,
            self.desk,
            Sealer(bytes(32)),
            Limits(_IDLE_SECONDS, 1.0),
            lambda: self._clock,
            lambda: f"instance-{next(numbers)}",
            threading.Semaphore(4),
        )
        self._facts = Endpoint("faults", "BF", program.flow.service_codes)
        self._endpoint = ConfiguredEndpoint(self._facts, _GATEWAY, Trust(open=True), budget)
        self._request = UssdRequest(Kind.BEGIN, "s-1", transcript.msisdn, code, extra, "")
        self._history: tuple[str, ...] = (extra,)

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self._clock += seconds

    def say(self, typed: str) -> None:
        """Have another input to send."""
        self._history = (*self._history, typed)

    def send(self) -> UssdReply:
        """Send the newest callback, once more perhaps."""
        sent = _GATEWAY.example(self._request, self._history)
        return self._host.answer(self._endpoint, _GATEWAY.decode(sent, self._facts))

    def screen(self) -> Screen:
        """What the newest callback shows."""
        return _GATEWAY.read(self.send())

    def leave(self) -> None:
        """Tell that the client is gone."""
        notice = _GATEWAY.notice(self._request, self._history, Kind.CANCEL)
        if notice is not None:
            decoded = _GATEWAY.decode(notice, self._facts)
            if decoded.kind in NOTICES:
                self._host.answer(self._endpoint, decoded)


def inputs_of(transcript: Transcript) -> tuple[str, ...]:
    """What is typed in a transcript's first session."""
    typed = []
    for step in transcript.steps:
        if step.verb in {Verb.DIAL, Verb.DROP, Verb.WAIT}:
            break
        if step.verb is Verb.SEND:
            typed.append(step.text)
    return tuple(typed)


def break_all(
    transcript: Transcript, program: Program, budget: Budget
) -> Iterator[tuple[int, Fault, Broken | None]]:
    """Each fault at each hop of a transcript's first session, and what did not hold after it."""
    plain = _Plain.of(transcript, program, budget)
    for hop in range(len(plain.screens)):
        for fault in Fault:
            if fault in _OF_CALLS and not plain.calls[hop]:
                continue
            if fault is Fault.EXPIRED and hop == 0:
                continue
            sentence = _broken(transcript, program, budget, plain, hop, fault)
            told = _told(transcript, plain, hop, fault, sentence) if sentence else None
            yield hop, fault, told


_OF_CALLS = frozenset({Fault.LATE, Fault.FAILED, Fault.KILLED})


@dataclass(frozen=True, slots=True)
class _Plain:
    """The dialog without a fault: its inputs, screens, calls a hop, and what it spent."""

    inputs: tuple[str, ...]
    screens: tuple[Screen, ...]
    calls: tuple[int, ...]
    spent: int

    @classmethod
    def of(cls, transcript: Transcript, program: Program, budget: Budget) -> _Plain:
        dialog = _Dialog(transcript, program, budget)
        inputs: list[str] = []
        screens, calls = [dialog.screen()], [len(dialog.desk.asked)]
        for typed in inputs_of(transcript):
            if screens[-1].action is Action.END:
                break
            dialog.say(typed)
            before = len(dialog.desk.asked)
            screens.append(dialog.screen())
            calls.append(len(dialog.desk.asked) - before)
            inputs.append(typed)
        return cls(tuple(inputs), tuple(screens), tuple(calls), len(dialog.desk.spent))


def _broken(
    transcript: Transcript,
    program: Program,
    budget: Budget,
    plain: _Plain,
    hop: int,
    fault: Fault,
) -> str:
    """What does not hold with one fault at one hop, "" if all does."""
    dialog = _Dialog(transcript, program, budget)
    for number, typed in enumerate(("", *plain.inputs)):
        if number:
            dialog.say(typed)
        try:
            if number == hop:
                wrong, goes_on = _under(dialog, program, plain.screens[hop], fault)
            else:
                wrong, goes_on = _unlike(dialog.screen(), plain.screens[number]), True
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what was looked for
            return f"{type(error).__name__}: {error}"
        if wrong:
            return f"hop {number + 1}: {wrong}"
        if not goes_on:
            break
    if len(dialog.desk.spent) > plain.spent:
        return f"{len(dialog.desk.spent)} purchases instead of {plain.spent}"
    return ""


def _under(dialog: _Dialog, program: Program, plain: Screen, fault: Fault) -> tuple[str, bool]:
    """What is wrong with a hop under a fault, and whether the dialog goes on as it would."""
    match fault:
        case Fault.REPEATED:
            first = dialog.send()
            return _other(first, dialog.send()) or _unlike(_GATEWAY.read(first), plain), True
        case Fault.DOUBLED:
            twins: list[UssdReply] = []
            dialog.store.between = lambda: twins.append(dialog.send())
            mine = dialog.send()
            return _other(mine, *twins) or _unlike(_GATEWAY.read(mine), plain), True
        case Fault.DROPPED:
            dialog.screen()
            if plain.action is Action.END:
                return "", False
            dialog.leave()
            dialog.say("1")
            return _is_over(dialog.screen(), program), False
        case Fault.EXPIRED:
            dialog.wait(_IDLE_SECONDS + 1)
            return _is_over(dialog.screen(), program), False
        case Fault.FAILED:
            dialog.desk.fault = fault
            return "" if dialog.screen().text else "an empty screen", False
        case Fault.LATE:
            return _held(dialog, plain), True
        case Fault.REDIS_BEFORE | Fault.REDIS_AFTER:
            dialog.store.fault = fault
            try:
                dialog.send()
            except StoreDown:
                # The web says sorry; the gateway sends it again, when it has waited long enough.
                dialog.wait(_RETRY_SECONDS)
                return _unlike(dialog.screen(), plain), True
            return "Redis was gone, and nobody noticed", False
        case Fault.KILLED:
            dialog.desk.fault = fault
            try:
                dialog.send()
            except _Dies:
                dialog.wait(_RETRY_SECONDS)
                return _unlike(dialog.screen(), plain), True
            return "the process was to die, and did not", False


def _held(dialog: _Dialog, plain: Screen) -> str:
    """A back-end that is late once: a holding screen, and after it what should be there."""
    dialog.desk.fault = Fault.LATE
    shown = dialog.screen()
    for _ in range(_HOLDS_MAX):
        if shown == plain:
            return ""
        if shown.action is Action.END:
            return f"it ended with:\n{shown.text}"
        dialog.say("1")
        shown = dialog.screen()
    return _unlike(shown, plain)


def _other(mine: UssdReply, *twins: UssdReply) -> str:
    return "" if all(each.body == mine.body for each in twins) else "two replies to one callback"


def _unlike(shown: Screen, plain: Screen) -> str:
    same = (shown.text, shown.action) == (plain.text, plain.action)
    return "" if same else f"without the fault it shows\n{plain.text}\nbut now\n{shown.text}"


def _is_over(shown: Screen, program: Program) -> str:
    texts = {system_text(program.flow, "expired", each) for each in program.flow.languages}
    over = shown.action is Action.END and shown.text in texts
    return "" if over else f"the session is over, and it shows\n{shown.text}"


def _told(transcript: Transcript, plain: _Plain, hop: int, fault: Fault, sentence: str) -> Broken:
    """The dialog as it should be up to the fault, and the fault, where the language has it."""
    steps = list(_steps(plain, hop, fault))
    name = f"{transcript.name}: {fault} at hop {hop + 1}"
    backends = transcript.backends
    shown = Transcript(name, "", transcript.msisdn, transcript.dial, backends, tuple(steps))
    return Broken(shown, hop, fault, sentence)


def _steps(plain: _Plain, hop: int, fault: Fault) -> Iterator[Step]:
    verbs: dict[Fault, Sequence[tuple[Verb, str]]] = {
        Fault.REPEATED: [(Verb.REPEAT, "same")],
        Fault.DOUBLED: [(Verb.REPEAT, "same")],
        Fault.DROPPED: [(Verb.DROP, "cancel")],
    }
    for number, screen in enumerate(plain.screens[: hop + 1]):
        if number:
            yield Step(Verb.SEND, plain.inputs[number - 1], NOWHERE)
        verb = Verb.END if screen.action is Action.END else Verb.SEE
        yield Step(verb, screen.text, NOWHERE, How.EXACT)
    for verb, text in verbs.get(fault, ()):
        yield Step(verb, text, NOWHERE)
