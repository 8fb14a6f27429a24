"""A phone in this process: a dialog without HTTP, Redis or workers. The clock is handed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ussd_app import engine
from ussd_app.effects import Call, CallResult, Message, Remember, Value
from ussd_app.engine import Answer, Begin, Drop, Event, Hold, Result, Turn
from ussd_app.messages import Budget, Screen
from ussd_app.screens import Program
from ussd_app.session import Session, Status

#: The result of a call, or None if it does not come in the time this hop has.
Answers = Callable[[Call], CallResult | None]

_NOW = 1_700_000_000.0


class NoSession(Exception):  # noqa: N818  # what is so
    """There is no session to answer: dial first."""


class Handset:
    """Dials one program. `answers` plays the back-ends, `clock` gives seconds since the epoch.

    What flows remember of the subscriber lasts as long as the handset; `messages` are the SMS it
    got from them.
    """

    def __init__(
        self,
        program: Program,
        answers: Answers,
        msisdn: str,
        budget: Budget | None = None,
        clock: Callable[[], float] = lambda: _NOW,
    ) -> None:
        self._program = program
        self._answers = answers
        self._msisdn = msisdn
        self._budget = budget or Budget()
        self._clock = clock
        self._session: Session | None = None
        self._shown: Screen | None = None
        self._dialled = 0
        self._facts: dict[str, Value] = {}
        self.messages: list[Message] = []

    def dial(self, dial_string: str) -> Screen:
        """The first screen; raises ValueError for a code that is not the program's."""
        code, extra = split_dial_string(dial_string, self._program.flow.service_codes)
        if self._session is not None:
            # Whoever dials again has left the session before, when it was last touched.
            self._leave("dialled again", self._session.touched_at)
        self._dialled += 1
        event = Begin(
            f"handset-{self._dialled}",
            self._msisdn,
            code,
            extra,
            facts=dict(self._facts),
            before=self._session,
        )
        return self._screen(engine.begin(self._program, event, self._clock(), self._budget))

    def send(self, typed: str) -> Screen:
        """The next screen; raises `NoSession`."""
        if self._session is None:
            raise NoSession("dial first")
        return self._screen(self._step(self._session, Answer(typed)))

    def drop(self, reason: str) -> None:
        """Leave in the middle, as a client who hangs up; an ended session stays as it is."""
        self._leave(reason, self._clock())

    def _leave(self, reason: str, now: float) -> None:
        if self._session is not None and self._session.status is Status.LIVE:
            turn = engine.step(self._program, self._session, Drop(reason), now, self._budget)
            self._session = turn.session
            self._note(turn)

    @property
    def lives(self) -> bool:
        """Whether a session goes on."""
        return self._session is not None and self._session.status is Status.LIVE

    def value(self, path: str) -> str | None:
        """What a variable, or a field of one (`meter.customer`), holds; None if nothing."""
        name, _, field = path.partition(".")
        found = self._session.variables.get(name) if self._session is not None else None
        if field:
            found = found.get(field) if isinstance(found, Mapping) else None
        return None if found is None else str(found)

    def repeat(self) -> Screen:
        """The last screen once more: in this process nothing can be sent twice."""
        if self._shown is None:
            raise NoSession("dial first")
        return self._shown

    def _step(self, session: Session, event: Event) -> Turn:
        return engine.step(self._program, session, event, self._clock(), self._budget)

    def _screen(self, turn: Turn) -> Screen:
        self._note(turn)
        while turn.screen is None:
            (call,) = (each for each in turn.effects if isinstance(each, Call))
            result = self._answers(call)
            event: Event = Hold() if result is None else Result(result)
            turn = self._step(turn.session, event)
            self._note(turn)
        self._session, self._shown = turn.session, turn.screen
        return turn.screen

    def _note(self, turn: Turn) -> None:
        for effect in turn.effects:
            match effect:
                case Remember(fact, None, _):
                    self._facts.pop(fact, None)
                case Remember(fact, value, _) if value is not None:
                    self._facts[fact] = value
                case Message():
                    self.messages.append(effect)


def split_dial_string(dial_string: str, service_codes: tuple[str, ...]) -> tuple[str, str]:
    """(service code, what was dialled after it) of `*789*1*2#`; raises ValueError."""
    bare = dial_string.strip().strip("*#")
    for code in sorted(service_codes, key=len, reverse=True):
        known = code.strip("*#")
        if bare == known or bare.startswith(f"{known}*"):
            return code, bare[len(known) + 1 :]
    raise ValueError(f'nothing answers "{dial_string}" here; dial {" or ".join(service_codes)}')
