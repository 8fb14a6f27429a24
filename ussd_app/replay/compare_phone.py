"""A recording as hops, and the phone on the new version that plays them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ussd_app.designer.samples import accepted, typed
from ussd_app.effects import FAILED, LATE, Call, CallResult
from ussd_app.engine import Turn
from ussd_app.flow.diagnostics import Position
from ussd_app.flow.model import Input
from ussd_app.flow.values import normalise
from ussd_app.handset import Handset
from ussd_app.messages import Budget, Screen
from ussd_app.replay.compare_kinds import Kind
from ussd_app.replay.player import EPOCH, ScriptedBackends
from ussd_app.replay.transcript import Step, Transcript, Verb
from ussd_app.screens import Program, named_values, screen_of
from ussd_app.session import Session
from ussd_app.taking import typed_value

_NOWHERE = Position("", 0, 0, 0, 0)
#: Characters of a page that holds any screen.
_ANY = 100_000
_FAULTS = frozenset({Verb.LATE, Verb.FAILED})


@dataclass(slots=True)
class Hop:
    """One input, what was done before it, and the screen it led to."""

    step: Step
    before: list[Step] = field(default_factory=list)
    seen: Step | None = None


def hops(transcript: Transcript) -> list[Hop]:
    """The hops of a recording, the first dial first."""
    hop = Hop(Step(Verb.DIAL, transcript.dial, transcript.at or _NOWHERE))
    found = [hop]
    waiting: list[Step] = []
    for step in transcript.steps:
        verb = step.verb
        if verb is Verb.SEE or verb is Verb.END:
            hop.seen = step
            # A fault of the first hop can stand nowhere else.
            hop.before += waiting
            waiting = []
        elif verb is Verb.SEND or verb is Verb.DIAL:
            hop = Hop(step, waiting)
            found.append(hop)
            waiting = []
        elif verb is not Verb.REPEAT and verb is not Verb.SMS:
            waiting.append(step)
    return found


class Beside(Handset):
    """A handset that tells where it is, and what is odd about the calls that were made.

    `odd` holds (kind, back-end, state) of each call that the recording, or the new version, has no
    answer of. What the recorded client did, and what was tried instead, is in `done`.
    """

    def __init__(self, transcript: Transcript, program: Program, budget: Budget) -> None:
        self.place: Session | None = None
        self.odd: list[tuple[Kind, str, str]] = []
        self.done: list[Step] = []
        self._transcript = transcript
        self._backends = ScriptedBackends(program.flow.backends, transcript.backends)
        self._now = EPOCH
        super().__init__(program, self._called, transcript.msisdn, budget, lambda: self._now)

    @property
    def state(self) -> str:
        """Where it is, "" before the first state."""
        return self.place.state if self.place is not None else ""

    def play(self, step: Step) -> Screen | None:
        """Do what a step says; the screen, if it leads to one."""
        self.done.append(step)
        match step.verb:
            case Verb.SEND:
                return self.send(step.text)
            case Verb.DIAL:
                return self.dial(step.text)
            case Verb.DROP:
                self.drop(step.text)
            case Verb.WAIT:
                self._now += step.seconds
            case Verb.LATE:
                self._backends.delay(step.text)
            case Verb.FAILED:
                self._backends.fail(step.text)
        return None

    def without_last(self) -> Beside:
        """Another one, brought to where this one was before the last step."""
        found = Beside(self._transcript, self._program, self._budget)
        for step in self.done[:-1]:
            found.play(step)
        found.odd = []
        return found

    def uncalled(self) -> list[str]:
        """The back-ends whose answers were recorded and that were not called."""
        made = self._backends.made()
        return [name for name in self._transcript.backends if name not in made]

    def refuses(self, before: Session | None, screen: Screen) -> bool:
        """Whether the last input was refused: a notice says so, or it was the last try."""
        session = self.place
        if session is None or session.pending or session.asking:
            return False
        if session.page < 0 or screen != screen_of(self._program, session, self._budget):
            return True
        flow, step = self._program.flow, self.done[-1]
        state = flow.states[before.state] if before is not None else None
        if before is None or before.pending or before.asking or step.verb is not Verb.SEND:
            return False
        if not isinstance(state, Input) or not state.attempts_max:
            return False
        text = normalise(step.text)
        tries = before.attempts.get(state.name, 0) + 1
        if tries < state.attempts_max or text in {flow.keys.back, flow.keys.home}:
            return False
        today = datetime.fromtimestamp(session.touched_at, UTC).date()
        _, notice = typed_value(flow, before, state.save, state.checks, text, today)
        return bool(notice)

    def whole(self) -> Screen | None:
        """All pages of a state's screen as one; None for another screen."""
        session = self.place
        if session is None or session.pending or session.asking:
            return None
        ucs2_max = _ANY if self._budget.ucs2_max else 0
        budget = replace(self._budget, septets_max=_ANY, ucs2_max=ucs2_max)
        return screen_of(self._program, session._replace(page=0), budget)

    def ways_on(self) -> list[str]:
        """Inputs that the screen takes, and that lead neither back nor home."""
        flow, found = self._program.flow, []
        state = flow.states.get(self.state)
        if isinstance(state, Input) and self.place is not None:
            value = accepted(flow, state.save, state.checks, named_values(self.place))
            found.append(typed(flow.variables[state.save].shape, value))
        elsewhere = {flow.keys.back, flow.keys.home, flow.keys.more}
        return found + [key for key, _ in self.repeat().options if key not in elsewhere]

    def _note(self, turn: Turn) -> None:
        self.place = turn.session
        super()._note(turn)

    def _called(self, call: Call) -> CallResult | None:
        result = self._backends.answer(call)
        name = call.backend
        if name not in self._transcript.backends and not any(
            step.verb in _FAULTS and step.text == name for step in self._transcript.steps
        ):
            self.odd.append((Kind.CALLED, name, self.state))
        elif (
            result is not None
            and result.outcome not in self._backends.outcomes(name)
            and result.outcome not in {LATE, FAILED}
        ):
            self.odd.append((Kind.UNDECLARED, name, self.state))
        return result
