"""What must hold of every step that any client takes in a passed flow, whatever comes back."""

from __future__ import annotations

import copy
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import TypeVar

from tests.soundness.tally import NotingMoves, Tally
from ussd_app import engine
from ussd_app import session as sessions
from ussd_app.effects import Call, Dropped, Message, Remember, Value
from ussd_app.engine import Answer, Drop, Event, Turn
from ussd_app.flow.graph import CALLS_IN_A_ROW_MAX, INVISIBLE_MAX
from ussd_app.flow.model import VISIBLE, CallState, Flow, Shape
from ussd_app.messages import Action, Budget, Screen
from ussd_app.render import gsm7
from ussd_app.screens import Program
from ussd_app.session import Session, Status

MSISDN = "+22670123456"
NOW = 1_790_000_000.0
Given = TypeVar("Given")


class Broken(AssertionError):  # noqa: N818  # what became of the claim
    """The claim does not hold: what was found, and every event that led to it."""

    def __init__(self, what: str, trail: Iterable[str], cause: str = "") -> None:
        super().__init__(what, cause)
        self.what = what
        self.trail = list(trail)

    def __str__(self) -> str:
        return "\n".join((self.what, *self.trail))


class _Complains(logging.Handler):
    """Raises what the engine only warns of, since it serves the client all the same."""

    def emit(self, record: logging.LogRecord) -> None:
        raise Warning(record.getMessage())


@contextmanager
def _without_a_warning() -> Iterator[None]:
    log, complains = logging.getLogger("cassou"), _Complains(logging.WARNING)
    log.addHandler(complains)
    try:
        yield
    finally:
        log.removeHandler(complains)


@dataclass
class Claims:
    """A dialog of one subscriber, every step held to what was claimed."""

    flow: Flow
    budget: Budget
    random: Random
    tally: Tally
    now: float = NOW
    facts: dict[str, Value] = field(default_factory=dict)
    before: Session | None = None
    trail: list[str] = field(default_factory=list)
    _dialled: int = 0

    def __post_init__(self) -> None:
        self._visits: Counter[str] = Counter()
        self.moves = NotingMoves(self.flow, self.tally)
        built = Program.of(self.flow)
        self.program = replace(built, moves=self.moves)
        #: For taking a step once more, uncounted.
        self.plain = built
        self.places = {
            source
            for source in re.findall(r"\{[^{}\s]+\}", str(_sources(self.flow)))
            if "|" in source or "." in source or source[1:-1] in self.flow.variables
        }
        self.literals = "\n".join(_sources(self.flow))
        self._forget()

    def _forget(self) -> None:
        """What is known of one session only."""
        #: Ids of calls that are for once a session, by state.
        self._spent: dict[str, set[str]] = {}
        self._calls_in_a_row: set[str] = set()
        self._farewells = 0
        self._secrets: set[str] = set()
        #: Everything that was typed or dialled.
        self._said: list[str] = []
        #: Whether the client has answered a screen, and whether what was dialled has.
        self._answered = self._fed = False

    def _guarded(self, take: Callable[[], Given]) -> Given:
        try:
            with _without_a_warning():
                return take()
        except Broken:
            raise
        except Exception as error:  # the claim is that nothing is ever raised
            raise Broken(f"raised {error!r}", self.trail, repr(error)) from error

    def _that(self, holds: bool, what: str) -> None:  # noqa: FBT001  # an assertion's argument
        if not holds:
            raise Broken(what, self.trail)

    def _step(self, session: Session, event: Event) -> Turn:
        self.trail.append(f"at {session.state} p{session.page} {session.language}: {event!r}")
        kept = copy.deepcopy(session)
        packed = self._guarded(lambda: sessions.pack(sessions.dump(session)))
        stored = sessions.load(sessions.unpack(packed))
        self._that(stored == session, "a stored session differs from the one that was stored")
        self.moves.taken.clear()
        turn = self._guarded(
            lambda: engine.step(self.program, session, event, self.now, self.budget)
        )
        taken = list(self.moves.taken)
        self._that(session == kept, "a step has changed the session it was given")
        again = engine.step(self.plain, stored, event, self.now, self.budget)
        self._that(again == turn, "the stored session's next turn differs")
        self.tally.steps += 1
        if isinstance(event, Drop):
            self._dropped(turn)
            return turn
        if isinstance(event, Answer):
            self._calls_in_a_row = set()
            self._answered, self._fed = True, False
            self._said.append(event.text)
        self._holds(turn, taken)
        return turn

    def _holds(self, turn: Turn, taken: list[tuple[str, str]]) -> None:
        session, flow = turn.session, self.flow
        packed = self._guarded(lambda: sessions.pack(sessions.dump(session)))
        self._that(bool(packed), "a session is not stored")
        state = flow.states[session.state]
        self._visits.update(name for name, _ in taken)
        if not self._answered:
            self._fed |= any(
                isinstance(flow.states[name], VISIBLE) and how not in {"kept", "empty"}
                for name, how in taken
            )
        passed = [name for name, _ in taken if not isinstance(flow.states[name], VISIBLE)]
        self._that(len(passed) <= INVISIBLE_MAX, f"a turn passed {len(passed)} invisible states")
        calls = [each for each in turn.effects if isinstance(each, Call)]
        self._remembers(turn)
        for name, variable in flow.variables.items():
            if variable.sensitive and isinstance(session.variables.get(name), str):
                self._secrets.add(str(session.variables[name]))
        if turn.screen is None:
            self._that(len(calls) == 1 and isinstance(state, CallState), "neither screen nor call")
            self._ordered(session, calls[0])
            return
        self._that(not calls, "a call beside a screen")
        self._visits[session.state] += 1
        self.trail.append(f"  -> {session.state} p{session.page}: {turn.screen.text!r}")
        self._shown(session, turn.screen)
        ended = turn.screen.action is Action.END
        self._that(ended == (session.status is Status.ENDED), "a screen ends, its session does not")
        self._noted(turn)

    def _noted(self, turn: Turn) -> None:
        session = turn.session
        names = []
        if session.status is Status.ENDED:
            names.append("ended")
        if session.page > 0:
            names.append("paged")
        if session.page < 0:
            names.append("alone")
        if session.attempts:
            names.append("notice")
        if self._secrets:
            names.append("sensitive")
        self.tally.note("event", *names)

    def _ordered(self, session: Session, call: Call) -> None:
        state = self.flow.states[session.state]
        self._that(session.pending == call.id, "another call is awaited than ordered")
        self._that(call == engine.call_of(self.program, session), "a call is not made anew alike")
        self._calls_in_a_row.add(call.id)
        count = len(self._calls_in_a_row)
        self._that(count <= CALLS_IN_A_ROW_MAX, f"{count} calls in a row")
        backend = self.flow.backends[call.backend]
        self._that(set(call.arguments) == set(backend.inputs), "other arguments than declared")
        if isinstance(state, CallState) and state.once:
            self.tally.note("event", "once")
            self._that(call.once, "a call that spends does not say so")
            self._that(not self._fed, "a dial string has ordered a call that spends")
            if state.once == "session":
                ids = self._spent.setdefault(state.name, set())
                ids.add(call.id)
                self._that(len(ids) == 1, "two orders of one call that is for once a session")

    def _shown(self, session: Session, screen: Screen) -> None:
        text, budget, flow = screen.text, self.budget, self.flow
        self._sendable(text)
        septets = gsm7.septets(text)
        if flow.alphabet == "ucs2" and budget.ucs2_max and septets is None:
            within = gsm7.units(text) <= budget.ucs2_max
        else:
            within = septets is not None and septets <= budget.septets_max
        self._that(within, f"a screen is over its budget of {budget}")
        self._clean(session, text)
        state = flow.states[session.state]
        pages = any(key == flow.keys.more for key, _ in screen.options)
        if isinstance(state, VISIBLE) and not state.paged and session.page >= 0:
            alone = bool(session.pending) or session.asking
            self._that(alone or not pages, "a screen that is never paged has a second page")

    def _sendable(self, text: str) -> None:
        try:
            text.encode("utf-16-be")
        except UnicodeEncodeError:
            raise Broken("a lone surrogate is shown", self.trail) from None
        if self.flow.alphabet != "ucs2" or not self.budget.ucs2_max:
            self._that(gsm7.septets(text) is not None, "a character outside GSM-7 is shown")

    def _clean(self, session: Session, text: str) -> None:
        """No place left as it is written, no value that is none, nothing secret."""
        said = [*_texts(session.variables), *self._said]
        # What is left out on the way may bring braces together.
        said += [gsm7.transliterate(each) for each in said]
        values = [*said, self.literals]
        for source in self.places:
            if source in text:
                self._that(any(source in each for each in values), f"{source} stands in a text")
        if "{{" in text or "}}" in text:
            doubled = ("{{", "}}") if "{{" in text else ("}}",)
            self._that(any(b in each for each in said for b in doubled), "doubled braces are shown")
        if "None" in text:
            self._that(any("None" in each for each in values), "None stands in a text")
        known = [
            value
            for name, each in session.variables.items()
            if name not in self.flow.variables or not self.flow.variables[name].sensitive
            for value in _texts(each)
        ]
        for secret in self._secrets:
            if len(secret) >= 4 and secret in text:
                public = (*known, MSISDN, self.literals)
                self._that(any(secret in each for each in public), "a sensitive value is shown")

    def _remembers(self, turn: Turn) -> None:
        for effect in turn.effects:
            if not isinstance(effect, Remember):
                continue
            self.tally.note("event", "remembered")
            secret = [
                name
                for name, each in self.flow.variables.items()
                if each.fact == effect.fact and each.sensitive
            ]
            self._that(not secret, "a sensitive value is remembered")
            if effect.value is None:
                self.facts.pop(effect.fact, None)
            else:
                packed = self._guarded(lambda: sessions.pack([effect.value]))  # noqa: B023  # at once
                self.facts[effect.fact] = sessions.unpack(packed)[0]

    def _dropped(self, turn: Turn) -> None:
        self._that(turn.screen is None, "a dropped session shows a screen")
        self._that(turn.session.status is Status.DROPPED, "a dropped session goes on")
        notes = [each for each in turn.effects if isinstance(each, Dropped)]
        self._that(len(notes) == 1, "a drop is not noted once")
        messages = [each for each in turn.effects if isinstance(each, Message)]
        self._farewells += len(messages)
        self._that(self._farewells <= 1, "two messages for one drop")
        for message in messages:
            self.tally.note("event", "message")
            self._clean(turn.session, message.text)


def _texts(value: object) -> list[str]:
    """Every text in a value."""
    if isinstance(value, Mapping):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, tuple | list):
        return [text for each in value for text in _texts(each)]
    return [str(value)]


def _sources(flow: Flow) -> list[str]:
    """The words of all screens, messages and labels, as written."""
    found: list[str] = []
    seen: set[int] = set()

    def gather(value: object) -> None:
        if id(value) in seen or isinstance(value, Shape):
            return
        seen.add(id(value))
        if hasattr(value, "by_language"):
            found.extend(each.source for each in value.by_language.values())
        elif isinstance(value, Mapping):
            for each in value.values():
                gather(each)
        elif isinstance(value, tuple | list):
            for each in value:
                gather(each)
        elif hasattr(value, "__dataclass_fields__"):
            for name in value.__dataclass_fields__:
                gather(getattr(value, name))

    gather(flow.states)
    gather(flow.on_drop)
    return found
