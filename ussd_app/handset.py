"""A phone in this process: a dialog without HTTP, Redis or workers. The clock stands still."""

from __future__ import annotations

from collections.abc import Callable

from ussd_app import engine
from ussd_app.effects import Call, CallResult
from ussd_app.engine import Answer, Begin, Event, Hold, Result, Turn
from ussd_app.messages import Budget, Screen
from ussd_app.screens import Program
from ussd_app.session import Session

#: The result of a call, or None if it does not come in the time this hop has.
Answers = Callable[[Call], CallResult | None]

_NOW = 1_700_000_000.0


class NoSession(Exception):  # noqa: N818  # what is so
    """There is no session to answer: dial first."""


class Handset:
    """Dials one program. `answers` plays the back-ends."""

    def __init__(
        self, program: Program, answers: Answers, msisdn: str, budget: Budget | None = None
    ) -> None:
        self._program = program
        self._answers = answers
        self._msisdn = msisdn
        self._budget = budget or Budget()
        self._session: Session | None = None
        self._shown: Screen | None = None
        self._dialled = 0

    def dial(self, dial_string: str) -> Screen:
        """The first screen; raises ValueError for a code that is not the program's."""
        code, extra = split_dial_string(dial_string, self._program.flow.service_codes)
        self._dialled += 1
        event = Begin(f"handset-{self._dialled}", self._msisdn, code, extra)
        return self._screen(engine.begin(self._program, event, _NOW, self._budget))

    def send(self, typed: str) -> Screen:
        """The next screen; raises `NoSession`."""
        if self._session is None:
            raise NoSession("dial first")
        event = Answer(typed)
        return self._screen(engine.step(self._program, self._session, event, _NOW, self._budget))

    def repeat(self) -> Screen:
        """The last screen once more: in this process nothing can be sent twice."""
        if self._shown is None:
            raise NoSession("dial first")
        return self._shown

    def _screen(self, turn: Turn) -> Screen:
        while turn.screen is None:
            (call,) = (each for each in turn.effects if isinstance(each, Call))
            result = self._answers(call)
            event: Event = Hold() if result is None else Result(result)
            turn = engine.step(self._program, turn.session, event, _NOW, self._budget)
        self._session, self._shown = turn.session, turn.screen
        return turn.screen


def split_dial_string(dial_string: str, service_codes: tuple[str, ...]) -> tuple[str, str]:
    """(service code, what was dialled after it) of `*789*1*2#`; raises ValueError."""
    bare = dial_string.strip().strip("*#")
    for code in sorted(service_codes, key=len, reverse=True):
        known = code.strip("*#")
        if bare == known or bare.startswith(f"{known}*"):
            return code, bare[len(known) + 1 :]
    raise ValueError(f'nothing answers "{dial_string}" here; dial {" or ".join(service_codes)}')
