"""A dialog of the shipped flow, stepped by hand; every step is held to what must always hold."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

import pytest

from ussd_app import engine
from ussd_app import session as sessions
from ussd_app.effects import Call, CallResult, Value
from ussd_app.engine import Answer, Begin, Event, Hold, Result, Turn
from ussd_app.messages import Action, Budget, Screen
from ussd_app.render import gsm7
from ussd_app.screens import Program
from ussd_app.session import Session

MSISDN = "+22670123456"
NOW = 1_700_000_000.0
#: An outcome of a back-end, with its fields where they are not the catalogue's sample; None: late.
Answered = str | tuple[str, Mapping[str, Value]] | None


def restored(session: Session) -> Session:
    """The session as the next process finds it."""
    return sessions.load(sessions.unpack(sessions.pack(sessions.dump(session))))


@dataclass
class Dialog:
    """One session. `answers` says what back-ends answer, by name; the rest give a good sample."""

    program: Program
    answers: dict[str, Answered] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    instance: str = "instance-1"
    session: Session | None = None
    screen: Screen | None = None
    calls: list[Call] = field(default_factory=list)

    def dial(self, dialled: str = "", language: str | None = None) -> str:
        """The first screen's text."""
        event = Begin(self.instance, MSISDN, "*789#", dialled, language)
        return self._until_shown(engine.begin(self.program, event, NOW, self.budget))

    def send(self, *inputs: str) -> str:
        """The text of the screen after the last of these inputs."""
        for typed in inputs:
            self._until_shown(self.step(Answer(typed)))
        assert self.screen is not None
        return self.screen.text

    def step(self, event: Event) -> Turn:
        """One step of the stored session, held to purity."""
        assert self.session is not None
        before = copy.deepcopy(self.session)
        turn = engine.step(self.program, self.session, event, NOW + 1, self.budget)
        again = engine.step(self.program, restored(self.session), event, NOW + 1, self.budget)
        assert self.session == before
        assert again == turn
        self._keep(turn)
        return turn

    def result_of(self, call: Call) -> CallResult | None:
        """What the back-end answers."""
        outcomes = self.program.flow.backends[call.backend].outcomes
        default = "none" if call.backend == "purchases.open" else next(iter(outcomes))
        answered = self.answers.get(call.backend, default)
        if answered is None:
            return None
        if isinstance(answered, tuple):
            return CallResult(call.id, *answered)
        declared = outcomes.get(answered)
        sample = cast("Mapping[str, Value]", declared.sample if declared else {})
        return CallResult(call.id, answered, sample)

    def at(self) -> str:
        """The state the client is at."""
        assert self.session is not None
        return self.session.state

    def ended(self) -> bool:
        """Whether the phone may not answer any more."""
        assert self.screen is not None
        return self.screen.action is Action.END

    def _until_shown(self, turn: Turn) -> str:
        self._keep(turn)
        while turn.screen is None:
            (call,) = (effect for effect in turn.effects if isinstance(effect, Call))
            assert engine.call_of(self.program, turn.session) == call
            self.calls.append(call)
            result = self.result_of(call)
            turn = self.step(Hold() if result is None else Result(result))
        return turn.screen.text

    def _keep(self, turn: Turn) -> None:
        assert restored(turn.session) == turn.session
        self.session = turn.session
        if turn.screen is not None:
            septets = gsm7.septets(turn.screen.text)
            assert septets is not None
            assert septets <= self.budget.septets_max
            self.screen = turn.screen


@pytest.fixture
def dialog(program: Program) -> Dialog:
    """A session of the shipped flow, before it is dialled."""
    return Dialog(program)


@pytest.fixture
def new_dialog(program: Program) -> Callable[..., Dialog]:
    """Makes dialogs of the shipped flow, or of another program."""

    def make(given: Program = program, **fields: object) -> Dialog:
        return Dialog(given, **fields)  # type: ignore[arg-type]  # a test names real fields

    return make
