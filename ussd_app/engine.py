"""One turn of a dialog, pure: program + session + event → new session + screen + effects.

A turn ends at a screen or at a call. At a call there is no screen yet: the host carries the effect
out and comes back with a `Result`, or with `Hold` when the client must not be kept waiting longer.
The clock and the session's instance id are arguments; nothing here reads the world.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import NamedTuple, cast

from ussd_app.effects import (
    LATE,
    Call,
    CallResult,
    Dropped,
    Effect,
    Message,
    Remember,
    Value,
)
from ussd_app.flow.graph import INVISIBLE_MAX, written_edges
from ussd_app.flow.model import (
    VISIBLE,
    Branch,
    CallState,
    End,
    Flow,
    How,
    Input,
    Listing,
    Menu,
    SetState,
    Show,
    State,
    Text,
    Wait,
)
from ussd_app.flow.values import fits, folded, normalise, stored
from ussd_app.messages import Action, Budget, Screen
from ussd_app.screens import (
    FlowStuck,
    Program,
    Shown,
    can_resume,
    has_more,
    holding_screen,
    named_values,
    options_of,
    resume_screen,
    rows_of,
    screen_before,
    screen_of,
    stands_alone,
    system_text,
)
from ussd_app.session import TRAIL_MAX, Held, Session, Status
from ussd_app.taking import as_declared, typed_value
from ussd_app.working import mixed, worked_out

#: Parts of a dial string that may answer screens; what is dialled beyond them is dropped.
SHORTCUT_MAX = 20
#: The fact under which the client's language is remembered, whichever flow it was chosen in.
LANGUAGE_FACT = "language"


@dataclass(frozen=True, slots=True)
class Begin:
    """A client dialled; `dialled` is what stood after the service code, parts joined by `*`.

    `facts` are what is remembered of the subscriber, by fact; `before` is the client's last session
    on this flow, if there was one lately.
    """

    instance: str
    msisdn: str
    service_code: str
    dialled: str = ""
    language: str | None = None
    facts: Mapping[str, Value] = field(default_factory=dict)
    before: Session | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A client answered the screen."""

    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """A back-end answered the pending call."""

    result: CallResult


@dataclass(frozen=True, slots=True)
class Hold:
    """The pending call has not answered in the time this hop has."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The session ended without its end screen."""

    reason: str


Event = Answer | Result | Hold | Drop


class Turn(NamedTuple):
    """What one turn came to: a screen, or effects to carry out first."""

    session: Session
    screen: Screen | None = None
    effects: tuple[Effect, ...] = ()

    @property
    def call(self) -> Call | None:
        """The call that this turn came to, if it did."""
        for effect in self.effects:
            if isinstance(effect, Call):
                return effect
        return None


def begin(program: Program, event: Begin, now: float, budget: Budget) -> Turn:
    """The first turn of a session."""
    flow = program.flow
    dial = flow.dials.get(event.service_code)
    wished = (event.facts.get(LANGUAGE_FACT), dial.language if dial else "", event.language)
    language = next((str(each) for each in wished if each in flow.languages), flow.languages[0])
    session = Session(
        event.instance,
        flow.hash,
        event.msisdn,
        event.service_code,
        language,
        dial.start if dial is not None and dial.start else flow.start,
        now,
        now,
        _remembered(program, event.facts, _day(now)),
        visit=1,
        hops=1,
        queue=_parts(event.dialled),
    )
    held = _held(program, event.before, now) if not session.queue else None
    if held is None or flow.resume is None:
        return _noting(program, session, _settle(program, session, budget))
    if flow.resume.how is How.AT_ONCE:
        return _noting(program, session, _resumed(program, session, held, budget))
    session = session._replace(held=held, asking=flow.resume.how is How.ASK)
    if session.asking:
        return Turn(session, resume_screen(program, language, budget))
    return _noting(program, session, _settle(program, session, budget))


def step(program: Program, session: Session, event: Event, now: float, budget: Budget) -> Turn:
    """One turn. A session that ended is not stepped: the host answers it from its stored reply."""
    if isinstance(event, Answer):
        before = session._replace(touched_at=now, hops=session.hops + 1)
        typed = normalise(event.text)
        return _noting(program, before, _answer(program, before, typed, budget))
    session = session._replace(touched_at=now)
    match event:
        case Result(result):
            return _noting(program, session, _result(program, session, result, budget))
        case Hold():
            return _noting(program, session, _hold(program, session, budget))
        case Drop(reason):
            seconds = max(int(now - session.begun_at), 0)
            effect = Dropped(session.instance, session.state, reason, session.hops, seconds)
            ended = session._replace(status=Status.DROPPED, pending="")
            return Turn(ended, None, (effect, *_farewell(program, session)))


def _parts(dialled: str) -> tuple[str, ...]:
    """What was dialled after the service code, part by part."""
    parts = dialled.split("*")[:SHORTCUT_MAX] if dialled else []
    return tuple(normalise(part) for part in parts)


def _day(now: float) -> date:
    """The day of an instant, UTC: bounds of dates are counted from it."""
    return datetime.fromtimestamp(now, UTC).date()


# What outlives a session.


def _remembered(program: Program, facts: Mapping[str, Value], today: date) -> dict[str, Value]:
    """Variables with the values that are remembered, where these still fit."""
    found: dict[str, Value] = {}
    for name, fact, _ in program.facts:
        value = facts.get(fact)
        shape = program.flow.variables[name].shape
        if value is not None and fits(shape, value, today):
            found[name] = cast("Value", stored(shape, value))
    return found


def _noting(program: Program, before: Session, turn: Turn) -> Turn:
    """A turn, with orders to remember what it has changed of the remembered."""
    flow = program.flow
    if not program.facts and not flow.language_seconds:
        return turn
    after = turn.session
    noted: list[Effect] = []
    if flow.language_seconds and after.language != before.language:
        noted.append(Remember(LANGUAGE_FACT, after.language, flow.language_seconds))
    for name, fact, seconds in program.facts:
        value = after.variables.get(name)
        if value != before.variables.get(name):
            noted.append(Remember(fact, value, seconds))
    return turn._replace(effects=(*turn.effects, *noted)) if noted else turn


def _farewell(program: Program, session: Session) -> tuple[Effect, ...]:
    """The SMS to a client whose session was dropped at this screen."""
    if session.pending or session.asking:
        return ()
    for entry in program.flow.on_drop:
        if session.state in entry.states:
            text = Shown(program.flow, session).text(entry.text)
            wish = f"{session.instance}\x1fdrop"
            name = hashlib.blake2b(wish.encode(), digest_size=16).hexdigest()
            return (Message(name, session.msisdn, text),)
    return ()


def _held(program: Program, before: Session | None, now: float) -> Held | None:
    """Where a client who dials again may go on, None if nowhere."""
    resume = program.flow.resume
    if resume is None or before is None or before.flow != program.flow.hash:
        return None
    if before.status is Status.ENDED or now - before.touched_at > resume.within_seconds:
        return None
    if before.asking:
        return before.held
    if before.state in resume.never_into:
        return None
    state, page, trail = before.state, before.page, before.trail
    if before.pending:
        awaited = program.flow.states.get(before.state)
        if not trail or not isinstance(awaited, CallState) or awaited.once:
            return None
        # Nobody waits for that look-up any more: the screen before it orders it anew.
        state, page, trail = trail[-1], 0, trail[:-1]
    sensitive = {name for name, each in program.flow.variables.items() if each.sensitive}
    variables = {n: value for n, value in before.variables.items() if n not in sensitive}
    # What is sensitive is typed anew: back to the nearest screen that does without.
    for number, name in reversed(list(enumerate((*trail, state)))):
        if number == 0 and name in {program.flow.start, program.flow.home}:
            return None
        here = max(page, 0) if number == len(trail) else 0
        held = Held(name, here, before.language, trail[:number], variables)
        if name not in resume.never_into and can_resume(program, held):
            return held
    return None


def _resumed(program: Program, session: Session, held: Held, budget: Budget) -> Turn:
    """Go on where the client was. What is remembered now counts, not what was then."""
    facts = {name for name, _, _ in program.facts}
    variables = {name: value for name, value in held.variables.items() if name not in facts}
    variables |= {name: value for name, value in session.variables.items() if name in facts}
    session = session._replace(
        state=held.state,
        page=held.page,
        language=held.language,
        trail=held.trail,
        variables=variables,
        visit=session.visit + 1,
        held=None,
        asking=False,
    )
    if not can_resume(program, held._replace(variables=session.variables)):
        return _anew(program, session, budget)
    return _settle(program, session, budget, direct=True)


def _anew(program: Program, session: Session, budget: Budget) -> Turn:
    """From the start, with nothing but what is remembered."""
    flow = program.flow
    dial = flow.dials.get(session.service_code)
    facts = {name for name, _, _ in program.facts}
    fresh = session._replace(
        state=dial.start if dial is not None and dial.start else flow.start,
        page=0,
        trail=(),
        variables={n: value for n, value in session.variables.items() if n in facts},
        held=None,
        asking=False,
    )
    return _settle(program, fresh, budget)


def _asked(program: Program, session: Session, typed: str, budget: Budget) -> Turn:
    """The answer to the question whether to go on."""
    flow, language = program.flow, session.language
    labels = {folded(system_text(flow, name, language)): name for name in _RESUME}
    name = {"1": "resume_yes", "2": "resume_no"}.get(typed) or labels.get(folded(typed))
    if name == "resume_yes" and session.held is not None:
        return _resumed(program, session, session.held, budget)
    if name is None:
        notice = system_text(flow, "invalid_option", language)
        return Turn(session, resume_screen(program, language, budget, notice))
    return _anew(program, session, budget)


_RESUME = ("resume_yes", "resume_no")


# Calls.


def call_of(program: Program, session: Session) -> Call:
    """The call a session is waiting for, made anew from the session: same wish, same id."""
    state = program.flow.states[session.state]
    if not isinstance(state, CallState):
        raise TypeError(f'state "{session.state}" is no call')
    backend = program.flow.backends[state.backend]
    language = state.language or session.language
    written = session if language == session.language else session._replace(language=language)
    shown = Shown(program.flow, written)
    arguments = {
        name: _argument(text, shown, written.language) for name, text in state.arguments.items()
    }
    return Call(
        _call_id(session, state),
        state.backend,
        arguments,
        state.deadline_seconds or backend.deadline_seconds,
        bool(state.once),
        session.msisdn,
        written.language,
    )


def _argument(text: Text, shown: Shown, language: str) -> Value:
    """An argument as text; rows as they are."""
    value = worked_out(text, shown, language, {}, 0)
    if isinstance(value, str | tuple | list | Mapping):
        return cast("Value", value)
    return shown.text(text)


def _call_id(session: Session, state: CallState) -> str:
    """Derived, so a repeated wish is the same call: per session, or per visit of the state."""
    visit = "" if state.once == "session" else str(session.visit)
    wish = f"{session.instance}\x1f{state.name}\x1f{visit}"
    return hashlib.blake2b(wish.encode(), digest_size=16).hexdigest()


def _enter(session: Session, state: str, *, trail: tuple[str, ...] | None = None) -> Session:
    return session._replace(
        state=state,
        page=0,
        visit=session.visit + 1,
        trail=session.trail if trail is None else trail,
    )


def _settle(
    program: Program, session: Session, budget: Budget, notice: str = "", *, direct: bool = False
) -> Turn:
    """Go on through invisible states to the next screen or call.

    `direct`: to this screen by the back or home key, so it is shown though its answer is known.
    """
    flow, moves = program.flow, program.moves
    for _ in range(INVISIBLE_MAX + 2):
        state = flow.states[session.state]
        if isinstance(state, CallState):
            call = call_of(program, session)
            return Turn(session._replace(pending=call.id, waits=0), None, (call,))
        if isinstance(state, SetState):
            session, trigger = _set(program, session, state)
        elif isinstance(state, Branch):
            trigger = _branch(program, state, session)
        elif not notice and not direct and _passed(program, state, session):
            trigger = "kept"
        elif isinstance(state, Listing) and state.empty and not _rows(session, state):
            trigger = "empty"
        else:
            trail = _trail_before(flow, state.name, session.trail)
            if trail != session.trail:
                session = session._replace(trail=trail)
            if session.queue and not notice and _feeds(program, state, session):
                first, rest = session.queue[0], session.queue[1:]
                return _answer(program, session._replace(queue=rest), first, budget)
            if session.queue:
                session = session._replace(queue=())
            return _show(program, session, budget, notice)
        session = _enter(session, moves.move(state.name, trigger))
        direct = False
    raise FlowStuck(f'flow "{flow.name}" shows nothing after state "{session.state}"')


def _passed(program: Program, state: State, session: Session) -> bool:
    """Whether an input's answer is known already, and still of its type."""
    if not isinstance(state, Input) or not state.keep:
        return False
    value = session.variables.get(state.save)
    shape = program.flow.variables[state.save].shape
    return value is not None and fits(shape, value, _day(session.touched_at))


def _rows(session: Session, state: Listing) -> tuple[Mapping[str, object], ...]:
    return rows_of(named_values(session), state.rows)


def _trail_before(flow: Flow, name: str, trail: tuple[str, ...]) -> tuple[str, ...]:
    """The screens to go back over from `name`: who comes by again has gone back already."""
    if name == flow.home:
        return ()
    return trail[: trail.index(name)] if name in trail else trail


def _feeds(program: Program, state: State, session: Session) -> bool:
    """Whether what was dialled may answer this screen: never one that leads to an effect."""
    flow = program.flow
    if isinstance(state, Input):
        variable = flow.variables[state.save]
        # A part that is refused may be the last wrong try.
        ways = [state.next, state.attempts_next] if state.attempts_max == 1 else [state.next]
        spending = any(spends(flow, way) for way in ways)
        return state.shortcut and not variable.sensitive and not spending
    if not isinstance(state, Menu) or not state.shortcut:
        return False
    place = _chosen(options_of(flow, session, state.options), session.queue[0])
    if place is None:
        other = state.otherwise
        sensitive = other is not None and flow.variables[other.save].sensitive
        return other is None or not (sensitive or spends(flow, other.next))
    option = state.options[place - 1]
    return option.resume or not spends(flow, option.next)


def spends(flow: Flow, name: str) -> bool:
    """Whether an effect may follow before any other screen: behind a look-up or a branch, too."""
    ahead, seen = [name], set()
    while ahead:
        state = flow.states[ahead.pop()]
        if state.name in seen:
            continue
        seen.add(state.name)
        if isinstance(state, VISIBLE):
            # One that is passed over does not hold a dial string up.
            passed = [state.next] if isinstance(state, Input) and state.keep else []
            empty = [state.empty] if isinstance(state, Listing) and state.empty else []
            ahead += passed + empty
            continue
        if isinstance(state, CallState) and state.once:
            return True
        ahead += [edge.dest for edge in written_edges(state)]
    return False


def _storing(
    program: Program, session: Session, new: Mapping[str, Value], forget: tuple[str, ...] = ()
) -> Session:
    """The session with new values: one fact is the same wherever it has a name."""
    gone = {twin for name in forget for twin in program.twins.get(name, (name,))}
    kept = {name: value for name, value in session.variables.items() if name not in gone}
    for name, value in new.items():
        kept.update(dict.fromkeys(program.twins.get(name, (name,)), value))
    return session._replace(variables=kept)


def _branch(program: Program, state: Branch, session: Session) -> str:
    shown = Shown(program.flow, session)
    for number, case in enumerate(state.cases):
        if shown.holds(case.when):
            return f"case:{number}"
    return "else"


def _set(program: Program, session: Session, state: SetState) -> tuple[Session, str]:
    """Work all values out from the variables as they were; store them all, or none."""
    flow = program.flow
    shown = Shown(flow, session)
    today = _day(session.touched_at)
    seed = int.from_bytes(
        hashlib.blake2b(f"{session.instance}\x1f{session.visit}".encode(), digest_size=8).digest()
    )
    new: dict[str, Value] = {}
    for assignment in state.assignments:
        if assignment.record is not None:
            new[assignment.name] = cast(
                "Value",
                {
                    name: worked_out(value, shown, session.language, flow.functions, seed)
                    for name, value in assignment.record.items()
                },
            )
        elif assignment.value is not None:
            mine = mixed(seed, assignment.name)
            value = worked_out(assignment.value, shown, session.language, flow.functions, mine)
            shape = flow.variables[assignment.name].shape
            if value is None or not fits(shape, value, today):
                return session, "else"
            new[assignment.name] = cast("Value", stored(shape, value))
    return _storing(program, session, new, state.forget), "set"


# Answers.


def _answer(program: Program, session: Session, typed: str, budget: Budget) -> Turn:
    """A client's input at a screen, or at a holding screen."""
    if session.pending:
        return Turn(session, None, (call_of(program, session),))
    if session.asking:
        return _asked(program, session, typed, budget)
    moved = _free_key(program, session, typed, budget)
    if moved is not None:
        return moved
    state = program.flow.states[session.state]
    match state:
        case Menu():
            return _menu(program, session, state, typed, budget)
        case Input():
            return _input(program, session, state, typed, budget)
        case Listing():
            return _listing(program, session, state, typed, budget)
        case Show() | Wait():
            return _onward(program, session, "next", budget)
        case End():
            return _settle(program, session._replace(page=session.page + 1), budget)
        case _:
            raise FlowStuck(f'state "{session.state}" takes no answer')


def _free_key(program: Program, session: Session, typed: str, budget: Budget) -> Turn | None:
    """What the keys that work everywhere lead to; None where `typed` is none of them here."""
    keys, moves = program.flow.keys, program.moves
    if typed == keys.more and has_more(program, session, budget):
        return _settle(program, session._replace(page=session.page + 1, queue=()), budget)
    if typed == keys.back and session.page > 0:
        return _settle(program, session._replace(page=session.page - 1), budget, direct=True)
    before = screen_before(program, session) if typed == keys.back else None
    if before is not None:
        target = moves.back(session.state, before)
        return _settle(program, _enter(session, target), budget, direct=True)
    if typed != keys.home:
        return None
    if session.state == program.flow.home:
        return _settle(program, session._replace(page=0), budget, direct=True)
    if moves.can(session.state, "home"):
        target = moves.move(session.state, "home")
        return _settle(program, _enter(session, target, trail=()), budget, direct=True)
    return None


def _onward(program: Program, session: Session, trigger: str, budget: Budget) -> Turn:
    """Leave a screen by one of its edges, remembering it for the back key."""
    target = program.moves.move(session.state, trigger)
    trail = (*session.trail, session.state)[-TRAIL_MAX:]
    return _settle(program, _enter(session, target, trail=trail), budget)


def _again(program: Program, session: Session, notice: str, budget: Budget) -> Turn:
    """The same screen, with what was wrong above it, or before it where it does not fit."""
    page = -1 if stands_alone(program, session, budget, notice) else 0
    return _settle(program, session._replace(page=page, queue=()), budget, notice)


def _chosen(options: list[tuple[str, str, int]], typed: str) -> int | None:
    """The place of the option whose key, or else whose label, was typed."""
    for key, _, place in options:
        if typed == key:
            return place
    wanted = folded(typed)
    for _, label, place in options:
        if wanted and folded(label) == wanted:
            return place
    return None


def _unknown_option(program: Program, session: Session, budget: Budget) -> Turn:
    notice = system_text(program.flow, "invalid_option", session.language)
    return _again(program, session, notice, budget)


def _menu(program: Program, session: Session, state: Menu, typed: str, budget: Budget) -> Turn:
    place = _chosen(options_of(program.flow, session, state.options), typed)
    if place is not None:
        return _option(program, session, state, place, budget)
    other = state.otherwise
    if other is None:
        return _unknown_option(program, session, budget)
    value, notice = typed_value(
        program.flow, session, other.save, other.checks, typed, _day(session.touched_at)
    )
    if notice:
        return _again(program, session, notice, budget)
    return _onward(program, _storing(program, session, {other.save: value}), "otherwise", budget)


def _option(
    program: Program, session: Session, state: Menu | Listing, place: int, budget: Budget
) -> Turn:
    option = state.options[place - 1]
    if option.language is not None:
        session = session._replace(
            language=_switched(program.flow, session.language, option.language)
        )
    if option.resume and session.held is not None:
        return _resumed(program, session, session.held, budget)
    if option.language is not None and option.next == state.name:
        return _settle(program, _enter(session, state.name), budget)
    return _onward(program, session, f"option:{place}", budget)


def _switched(flow: Flow, now: str, wish: str) -> str:
    if wish != "toggle":
        return wish
    place = flow.languages.index(now) + 1
    return flow.languages[place % len(flow.languages)]


def _input(program: Program, session: Session, state: Input, typed: str, budget: Budget) -> Turn:
    value, notice = typed_value(
        program.flow, session, state.save, state.checks, typed, _day(session.touched_at)
    )
    if not notice:
        session = _tried(_storing(program, session, {state.save: value}), state.name, 0)
        return _onward(program, session, "typed", budget)
    # Counted per input, over the back key and other ways round, until it is answered or given up.
    attempts = session.attempts.get(state.name, 0) + 1
    if state.attempts_max and attempts >= state.attempts_max:
        target = program.moves.move(session.state, "attempts")
        session = _tried(session, state.name, 0)._replace(queue=())
        return _settle(program, _enter(session, target), budget)
    return _again(program, _tried(session, state.name, attempts), notice, budget)


def _tried(session: Session, state: str, attempts: int) -> Session:
    """The session with so many wrong tries at an input."""
    others = {name: count for name, count in session.attempts.items() if name != state}
    return session._replace(attempts={**others, state: attempts} if attempts else others)


def _listing(
    program: Program, session: Session, state: Listing, typed: str, budget: Budget
) -> Turn:
    flow = program.flow
    rows = _rows(session, state)
    shown = Shown(flow, session)
    labelled = [
        (str(number), shown.text(state.row, row), number)
        for number, row in enumerate(shown.rows(state.rows), 1)
    ]
    place = _chosen(labelled, typed)
    if place is not None:
        row = cast("Value", dict(rows[place - 1]))
        declared = flow.variables.get(state.save)
        if declared is not None:
            row = cast("Value", stored(declared.shape, row))
        return _onward(program, _storing(program, session, {state.save: row}), "row", budget)
    fixed = _chosen(options_of(flow, session, state.options, len(rows)), typed)
    if fixed is not None:
        return _option(program, session, state, fixed, budget)
    return _unknown_option(program, session, budget)


# Results.


def _result(program: Program, session: Session, result: CallResult, budget: Budget) -> Turn:
    state = program.flow.states[session.state]
    if not isinstance(state, CallState) or result.call_id != session.pending:
        raise FlowStuck(f'state "{session.state}" awaits no call "{result.call_id}"')
    outcome, fields = as_declared(program.flow, state, result)
    variables = session.variables
    if state.save:
        variables = {**variables, state.save: cast("Value", fields)}
    target = program.moves.move(state.name, f"outcome:{outcome}")
    trail = () if state.once else session.trail
    session = session._replace(variables=variables, pending="", waits=0)
    return _settle(program, _enter(session, target, trail=trail), budget)


def _hold(program: Program, session: Session, budget: Budget) -> Turn:
    """A holding screen, or, when they ran out, the outcome `late`."""
    state = program.flow.states[session.state]
    if not isinstance(state, CallState):
        raise FlowStuck(f'state "{session.state}" waits for nothing')
    if session.waits >= state.waits_max:
        return _result(program, session, CallResult(session.pending, LATE), budget)
    session = session._replace(waits=session.waits + 1)
    return Turn(session, holding_screen(program, session.language, budget))


def _show(program: Program, session: Session, budget: Budget, notice: str) -> Turn:
    screen = screen_of(program, session, budget, notice)
    if screen.action is Action.END:
        session = session._replace(status=Status.ENDED)
    return Turn(session, screen)
