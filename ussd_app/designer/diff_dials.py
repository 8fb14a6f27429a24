"""Dial strings that mean something else: each is dialled on both versions, in this process.

What is dialled is what clients of the old flow may have learnt: its menu keys, and plausible
answers to its inputs. Back-ends answer with the catalogue's samples.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import cast

from ussd_app import engine
from ussd_app.designer.diff_match import Match
from ussd_app.designer.diff_words import Difference, Kind, quoted
from ussd_app.designer.samples import DAY, MSISDN, Samples, accepted, typed
from ussd_app.effects import FAILED, Call, CallResult, Value
from ussd_app.flow import layouts
from ussd_app.flow.model import VISIBLE, Flow, Input, Menu, Type
from ussd_app.flow.names import Names
from ussd_app.messages import Budget
from ussd_app.screens import Program
from ussd_app.session import Session

#: Answers dialled after the service code, at most.
DEPTH_MAX = 4
#: Dial strings tried per service code: the shorter ones first.
TRIED_MAX = 500
_NOW = datetime.combine(DAY, datetime.min.time(), UTC).timestamp()


def dialling(old: Flow, new: Flow, match: Match, budget: Budget) -> Iterator[Difference]:
    """Service codes that come, go or begin elsewhere; dial strings that end at another screen."""
    for code, dial in old.dials.items():
        if code not in new.dials:
            sentence = f"{code} is in service no more"
            yield Difference(Kind.DIALLING, "", sentence, dial.at)
    for code, dial in new.dials.items():
        was = old.dials.get(code)
        if was is None:
            yield Difference(Kind.DIALLING, "", f"{code} is in service now", dial.at)
            continue
        begins = was.start or old.start, dial.start or new.start
        if match.state(begins[0]) != begins[1]:
            sentence = f"{code} began at `{begins[0]}`, begins at `{begins[1]}`"
            yield Difference(Kind.DIALLING, begins[1], sentence, dial.at)
        speaks = was.language or old.languages[0], dial.language or new.languages[0]
        if speaks[0] != speaks[1]:
            sentence = f"{code} spoke {speaks[0]} at first, speaks {speaks[1]}"
            yield Difference(Kind.DIALLING, "", sentence, dial.at)
    codes = [code for code in old.dials if code in new.dials]
    if codes:
        yield from _Dialler(old, new, match, budget).differences(codes)


class _Dialler:
    def __init__(self, old: Flow, new: Flow, match: Match, budget: Budget) -> None:
        self._match = match
        self._old = Phone(old, budget)
        self._new = Phone(new, budget)

    def differences(self, codes: list[str]) -> Iterator[Difference]:
        for code in codes:
            yield from self._code(code)

    def _code(self, code: str) -> Iterator[Difference]:
        """By growing length; what begins like a string that differs already is not tried."""
        before, after = self._old.dial(code, ()), self._new.dial(code, ())
        if not self._alike(before, after):
            # The bare code leads elsewhere: that is told as such, and all behind it with it.
            yield self._difference(f"{code}", before, after)
            return
        queue: deque[tuple[tuple[str, ...], Session, Session]] = deque([((), before, after)])
        seen = {_place(before)}
        tried = 0
        while queue:
            parts, before, after = queue.popleft()
            for answer in self._old.answers(before) if len(parts) < DEPTH_MAX else ():
                tried += 1
                if tried > TRIED_MAX:
                    return
                longer = (*parts, answer)
                was, is_now = self._old.dial(code, longer), self._new.dial(code, longer)
                if was.visit == before.visit:
                    continue  # nobody dials what is not heard
                heard = is_now.visit != after.visit
                if heard and self._alike(was, is_now):
                    # What was dialled in a circle has been tried on from there already.
                    if _place(was) not in seen:
                        queue.append((longer, was, is_now))
                    seen.add(_place(was))
                else:
                    whole = f"{code[:-1]}*{'*'.join(longer)}#"
                    yield self._difference(whole, was, is_now, heard=heard)

    def _alike(self, was: Session, is_now: Session) -> bool:
        same_screen = self._match.state(was.state) == is_now.state
        return same_screen and was.language == is_now.language

    def _difference(
        self, dialled: str, was: Session, is_now: Session, *, heard: bool = True
    ) -> Difference:
        before, after = self._old.title(was), self._new.title(is_now)
        sentence = f"{dialled} ended at `{was.state}` ({quoted(before)})"
        if heard:
            sentence += f", ends at `{is_now.state}` ({quoted(after)})"
        else:
            sentence += f", is not understood beyond `{is_now.state}` ({quoted(after)})"
        state = self._new.flow.states[is_now.state]
        return Difference(Kind.DIALLING, is_now.state, sentence, state.at)


def _place(session: Session) -> tuple[str, ...]:
    variables = sorted(session.variables.items())
    return session.state, session.language, repr(variables)


class Phone:
    """Dials one flow; every dialling is a session of its own."""

    def __init__(self, flow: Flow, budget: Budget) -> None:
        self.flow = flow
        self._budget = budget
        self._program = Program.of(flow)
        self._names = Names(flow)

    def dial(self, code: str, parts: tuple[str, ...]) -> Session:
        """The session after a dial string was heard, at the screen that it shows."""
        event = engine.Begin("dialled", MSISDN, code, "*".join(parts))
        turn = engine.begin(self._program, event, _NOW, self._budget)
        while turn.screen is None:
            (call,) = (each for each in turn.effects if isinstance(each, Call))
            result = engine.Result(self._sample(call))
            turn = engine.step(self._program, turn.session, result, _NOW, self._budget)
        return turn.session

    def _sample(self, call: Call) -> CallResult:
        """The first outcome that the catalogue declares, with its sample."""
        outcomes = self.flow.backends[call.backend].outcomes.values()
        first = next(iter(outcomes), None)
        if first is None:
            return CallResult(call.id, FAILED)
        return CallResult(call.id, first.name, cast("Mapping[str, Value]", first.sample))

    def answers(self, session: Session) -> list[str]:
        """What a client may dial on at a screen: its keys, or a plausible value."""
        state = self.flow.states[session.state]
        values = Samples(self.flow, self._names, session.language, session.variables)
        found: list[str] = []
        if isinstance(state, Menu):
            found += [key for key, _ in layouts.offered(state.options, values)]
            if state.otherwise is not None:
                other = state.otherwise
                value = accepted(self.flow, other.save, other.checks, values.shown.named)
                found.append(typed(self.flow.variables[other.save].shape, value))
        elif isinstance(state, Input):
            shape = self.flow.variables[state.save].shape
            if shape.type is Type.CHOICE:
                found += [str(number) for number, _ in enumerate(shape.choices, 1)]
            else:
                value = accepted(self.flow, state.save, state.checks, values.shown.named)
                found.append(typed(shape, value))
        # A star or a hash within an answer would end it.
        return [each for each in dict.fromkeys(found) if not set(each) & {"*", "#"}]

    def title(self, session: Session) -> str:
        """The first line of the screen that a session is at."""
        state = self.flow.states[session.state]
        if not isinstance(state, VISIBLE):
            return ""
        values = Samples(self.flow, self._names, session.language, session.variables)
        screen = layouts.layout(self.flow, state, values, (), "")
        return screen.body.partition("\n")[0]
