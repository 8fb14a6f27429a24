"""One subscriber against one passed flow: everything that may happen."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime
from typing import cast

from tests.soundness.claims import MSISDN, Broken, Claims
from tests.soundness.samples import ANYTHING, JUNK, answered, field_value, typed
from ussd_app import engine
from ussd_app.effects import FAILED, LATE, CallResult, Value
from ussd_app.engine import Answer, Begin, Drop, Event, Hold, Result, Turn
from ussd_app.flow.model import CallState, End, Input, Listing, Menu
from ussd_app.screens import named_values, options_of, rows_of
from ussd_app.session import Session, Status

#: Steps after which somebody who only presses home must be home, or at an end.
LEFT_AFTER = 60


class Walk(Claims):
    """A client who dials, answers, hangs up and dials again, over several sessions."""

    def run(self, sessions_max: int, hops_max: int) -> None:
        """Dial so many times, each time with so many answers; raises `Broken`."""
        for _ in range(sessions_max):
            self._session(hops_max)

    # One session.

    def _session(self, hops_max: int) -> None:
        self._forget()
        turn = self._begin()
        hops = 0
        while turn.session.status is Status.LIVE and hops < hops_max:
            hops += 1
            self.now += self.random.choice([0, 1, 30, 30, 400, 86_400 * 40])
            if self.random.random() < 0.08:
                self.tally.note("event", "drop")
                turn = self._step(turn.session, Drop("left"))
            elif turn.session.pending:
                turn = self._answer_call(turn)
            else:
                turn = self._type(turn)
        if turn.session.status is Status.LIVE:
            self._leaves(turn)
        self.before = turn.session
        if self.random.random() < 0.2:
            self.facts = self._strange_facts()

    def _begin(self) -> Turn:
        random, flow = self.random, self.flow
        self._dialled += 1
        dialled = ""
        if random.random() < 0.3:
            self.tally.note("event", "shortcut")
            parts = [self._any_typed() for _ in range(random.randint(1, 8))]
            dialled = "*".join(parts)
        event = Begin(
            f"instance-{self._dialled}",
            MSISDN,
            random.choice([*flow.dials, *flow.dials, "*1#"]),
            dialled,
            random.choice([None, *flow.languages, "de"]),
            dict(self.facts),
            self.before if random.random() < 0.8 else None,
        )
        self._said += [dialled]
        self.now += random.choice([1, 3, 200, 86_400])
        self.tally.note("event", "dial", *(["fact"] if self.facts else []))
        self.trail.append(f"dial {event.service_code} {dialled!r} facts {event.facts!r}")
        self.moves.taken.clear()
        before = copy.deepcopy(event)
        turn = self._guarded(lambda: engine.begin(self.program, event, self.now, self.budget))
        taken = list(self.moves.taken)
        again = engine.begin(self.plain, before, self.now, self.budget)
        self._that(turn == again, "beginning twice gives two different turns")
        if turn.session.asking or (turn.session.visit > 1 and not taken):
            self.tally.note("event", "resumed")
        self._holds(turn, taken)
        return turn

    def _answer_call(self, turn: Turn) -> Turn:
        random = self.random
        call = engine.call_of(self.program, turn.session)
        outcomes = self.flow.backends[call.backend].outcomes
        name = random.choice([*outcomes, *outcomes, *outcomes, LATE, FAILED, "unheard", "held"])
        state = self.flow.states[turn.session.state]
        if isinstance(state, CallState) and random.random() < 0.5:
            name = min(state.outcomes, key=lambda each: self._new(state.outcomes[each]))
        if random.random() < 0.05:
            return self._step(turn.session, Answer(random.choice(JUNK)))
        if name == "held":
            self.tally.note("event", "hold")
            return self._step(turn.session, Hold())
        self.tally.note("event", "result", *([name] if name in {LATE, FAILED} else []))
        fields = answered(random, outcomes[name].fields) if name in outcomes else {}
        return self._step(turn.session, Result(CallResult(call.id, name, fields)))

    def _type(self, turn: Turn) -> Turn:
        self.tally.note("event", "answer")
        return self._step(turn.session, Answer(self._typed(turn)))

    def _typed(self, turn: Turn) -> str:
        """What this client types at this screen."""
        random, keys = self.random, self.flow.keys
        mood = random.random()
        if mood < 0.08:
            self.tally.note("event", "junk")
            return random.choice(JUNK)
        if mood < 0.2:
            return random.choice([keys.back, keys.back, keys.home, keys.more])
        state = self.flow.states[turn.session.state]
        if mood < 0.75 and isinstance(state, Input | Menu) and not turn.session.asking:
            save = (
                state.save if isinstance(state, Input) else state.otherwise and state.otherwise.save
            )
            if save and (isinstance(state, Input) or random.random() < 0.3):
                return typed(random, self.flow.variables[save].shape, self._today())
        if mood < 0.6 and isinstance(state, Menu | Listing) and not turn.session.asking:
            return self._chosen(turn.session, state)
        offered = turn.screen.options if turn.screen is not None else ()
        wanted = [each for each in offered if each[0] not in {keys.back, keys.home}]
        if wanted:
            return random.choice(random.choice(wanted))
        return self._any_typed()

    def _chosen(self, session: Session, state: Menu | Listing) -> str:
        """What leads where this walk has been least."""
        rows = rows_of(named_values(session), state.rows) if isinstance(state, Listing) else ()
        ways = [
            (self._new(state.options[place - 1].next), self.random.choice((key, label)))
            for key, label, place in options_of(self.flow, session, state.options, len(rows))
        ]
        if isinstance(state, Listing) and rows:
            ways.append((self._new(state.next), str(self.random.randint(1, len(rows)))))
        return min(ways, default=(0.0, "1"))[1]

    def _new(self, name: str) -> float:
        """Less for a state that was entered less; an end only now and then."""
        ends = 2 if isinstance(self.flow.states.get(name), End) else 0
        return self._visits[name] + ends + self.random.random()

    def _any_typed(self) -> str:
        shapes = [
            each.shape
            for name in self.flow.variables
            if (each := self.flow.variables[name]).shape.lengths or each.shape.high
        ]
        if shapes and self.random.random() < 0.5:
            return typed(self.random, self.random.choice(shapes), self._today())
        return self.random.choice(["1", "2", "3", *JUNK])

    def _today(self) -> date:
        return datetime.fromtimestamp(self.now, UTC).date()

    def _strange_facts(self) -> dict[str, Value]:
        """What may be remembered of a subscriber: of another release, of another flow."""
        random = self.random
        found: dict[str, Value] = {}
        names = {fact: self.flow.variables[name].shape for name, fact, _ in self.program.facts}
        for fact, shape in names.items():
            found[fact] = (
                cast("Value", random.choice(ANYTHING))
                if random.random() < 0.5
                else field_value(random, shape)
            )
        if random.random() < 0.3:
            found[engine.LANGUAGE_FACT] = cast("Value", random.choice([*ANYTHING, "en", "fr"]))
        return found

    def _leaves(self, turn: Turn) -> None:
        """Whoever only presses home gets home, or to an end."""
        for _ in range(LEFT_AFTER):
            session = turn.session
            if session.status is Status.ENDED:
                return
            state = self.flow.states[session.state]
            if session.pending:
                call = engine.call_of(self.program, session)
                outcomes = self.flow.backends[call.backend].outcomes
                name = self.random.choice([*outcomes, LATE, FAILED, "held"])
                event: Event = Hold()
                if name != "held":
                    fields = (
                        answered(self.random, outcomes[name].fields) if name in outcomes else {}
                    )
                    event = Result(CallResult(call.id, name, fields))
                turn = self._step(session, event)
                continue
            if session.asking:
                turn = self._step(session, Answer(self.random.choice(["1", "2"])))
                continue
            if session.state == self.flow.home:
                return
            turn = self._step(session, Answer(self.flow.keys.home))
            if not isinstance(state, End) and ("home" in {each for _, each in self.moves.taken}):
                self._that(not turn.session.trail, "home keeps a way back")
                if not turn.session.pending:
                    return
        raise Broken("nobody gets home or to an end from here", self.trail)
