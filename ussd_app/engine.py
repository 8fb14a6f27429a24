"""One turn of a dialog, pure: program + session + event → new session + screen + effects.

A turn ends at a screen or at a call. At a call there is no screen yet: the host carries the effect
out and comes back with a `Result`, or with `Hold` when the client must not be kept waiting longer.
The clock and the session's instance id are arguments; nothing here reads the world.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from ussd_app.effects import FAILED, LATE, Call, CallResult, Dropped, Effect, Scalar, Value
from ussd_app.flow.graph import written_edges
from ussd_app.flow.model import (
    VISIBLE,
    Branch,
    CallState,
    Condition,
    End,
    Field,
    Flow,
    Input,
    Listing,
    Menu,
    Option,
    Show,
    State,
    Wait,
)
from ussd_app.flow.rules import RULES
from ussd_app.flow.values import Refused, normalise, value_of
from ussd_app.messages import Action, Budget, Screen
from ussd_app.render import gsm7, texts
from ussd_app.screens import (
    FlowStuck,
    Program,
    has_more,
    holding_screen,
    named_values,
    rows_of,
    screen_before,
    screen_of,
    stands_alone,
    system_text,
)
from ussd_app.session import TRAIL_MAX, Session, Status

#: Parts of a dial string that may answer screens; what is dialled beyond them is dropped.
SHORTCUT_MAX = 20
#: Invisible states one turn may pass; a flow that needs more goes in a circle.
INVISIBLE_MAX = 50


@dataclass(frozen=True, slots=True)
class Begin:
    """A client dialled; `dialled` is what stood after the service code, parts joined by `*`."""

    instance: str
    msisdn: str
    service_code: str
    dialled: str = ""
    language: str | None = None


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


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn came to: a screen, or effects to carry out first."""

    session: Session
    screen: Screen | None = None
    effects: tuple[Effect, ...] = ()


def begin(program: Program, event: Begin, now: float, budget: Budget) -> Turn:
    """The first turn of a session."""
    flow = program.flow
    language = event.language if event.language in flow.languages else flow.languages[0]
    session = Session(
        event.instance,
        flow.hash,
        event.msisdn,
        event.service_code,
        language,
        flow.start,
        now,
        now,
        {},
        visit=1,
        hops=1,
        queue=tuple(event.dialled.split("*")[:SHORTCUT_MAX]) if event.dialled else (),
    )
    return _settle(program, session, budget)


def step(program: Program, session: Session, event: Event, now: float, budget: Budget) -> Turn:
    """One turn. A session that ended is not stepped: the host answers it from its stored reply."""
    session = session._replace(touched_at=now)
    match event:
        case Answer(text):
            session = session._replace(hops=session.hops + 1)
            return _answer(program, session, normalise(text), budget)
        case Result(result):
            return _result(program, session, result, budget)
        case Hold():
            return _hold(program, session, budget)
        case Drop(reason):
            seconds = max(int(now - session.begun_at), 0)
            effect = Dropped(session.instance, session.state, reason, session.hops, seconds)
            return Turn(session._replace(status=Status.DROPPED, pending=""), None, (effect,))


def call_of(program: Program, session: Session) -> Call:
    """The call a session is waiting for, made anew from the session: same wish, same id."""
    state = program.flow.states[session.state]
    if not isinstance(state, CallState):
        raise TypeError(f'state "{session.state}" is no call')
    backend = program.flow.backends[state.backend]
    filters = program.flow.filters
    named = named_values(session)
    arguments: dict[str, Value] = {
        name: template.render(named, session.language, filters)
        for name, template in state.arguments.items()
    }
    return Call(
        _call_id(session, state),
        state.backend,
        arguments,
        state.deadline_seconds or backend.deadline_seconds,
        bool(state.once),
        session.msisdn,
        session.language,
    )


def _call_id(session: Session, state: CallState) -> str:
    """Derived, so a repeated wish is the same call: per session, or per visit of the state."""
    visit = "" if state.once == "session" else str(session.visit)
    wish = f"{session.instance}\x1f{state.name}\x1f{visit}"
    return hashlib.blake2b(wish.encode(), digest_size=16).hexdigest()


def _enter(session: Session, state: str, *, trail: tuple[str, ...] | None = None) -> Session:
    return session._replace(
        state=state,
        page=0,
        attempts=0,
        visit=session.visit + 1,
        trail=session.trail if trail is None else trail,
    )


def _settle(program: Program, session: Session, budget: Budget, notice: str = "") -> Turn:
    """Go on through invisible states to the next screen or call."""
    flow, moves = program.flow, program.moves
    for _ in range(INVISIBLE_MAX):
        state = flow.states[session.state]
        if isinstance(state, CallState):
            call = call_of(program, session)
            return Turn(session._replace(pending=call.id, waits=0), None, (call,))
        if isinstance(state, Branch):
            trigger = _branch(state, named_values(session))
            session = _enter(session, moves.move(state.name, trigger))
            continue
        session = session._replace(trail=_trail_before(flow, state.name, session.trail))
        if session.queue and not notice and _feeds(program, state, session):
            first, rest = session.queue[0], session.queue[1:]
            return _answer(program, session._replace(queue=rest), normalise(first), budget)
        return _show(program, session._replace(queue=()), budget, notice)
    raise FlowStuck(f'flow "{flow.name}" shows nothing after state "{session.state}"')


def _trail_before(flow: Flow, name: str, trail: tuple[str, ...]) -> tuple[str, ...]:
    """The screens to go back over from `name`: who comes by again has gone back already."""
    if name == flow.home:
        return ()
    return trail[: trail.index(name)] if name in trail else trail


def _feeds(program: Program, state: State, session: Session) -> bool:
    """Whether what was dialled may answer this screen: never one that leads to an effect."""
    if isinstance(state, Input):
        variable = program.flow.variables[state.save]
        return state.shortcut and not variable.sensitive and not _spends(program.flow, state.next)
    if not isinstance(state, Menu) or not state.shortcut:
        return False
    option = _chosen(state, normalise(session.queue[0]), session.language)
    return option is None or not _spends(program.flow, option.next)


def _spends(flow: Flow, name: str) -> bool:
    """Whether an effect may follow before any other screen: behind a look-up or a branch, too."""
    ahead, seen = [name], set()
    while ahead:
        state = flow.states[ahead.pop()]
        if state.name in seen or isinstance(state, VISIBLE):
            continue
        if isinstance(state, CallState) and state.once:
            return True
        seen.add(state.name)
        ahead += [edge.dest for edge in written_edges(state)]
    return False


def _branch(state: Branch, named: Mapping[str, object]) -> str:
    for number, (condition, _) in enumerate(state.cases):
        if _holds(condition, named):
            return f"case:{number}"
    return "else"


def _holds(condition: Condition, named: Mapping[str, object]) -> bool:
    left = str(texts.look_up(condition.left, named))
    right = condition.right
    order = Decimal((left > right) - (left < right))
    with suppress(InvalidOperation):
        a, b = Decimal(left), Decimal(right)
        # A client may type "nan": that is text.
        if a.is_finite() and b.is_finite():
            order = a.compare(b)
    match condition.operator:
        case "==":
            return order == 0
        case "!=":
            return order != 0
        case "<":
            return order < 0
        case "<=":
            return order <= 0
        case ">":
            return order > 0
        case _:
            return order >= 0


def _answer(program: Program, session: Session, typed: str, budget: Budget) -> Turn:
    """A client's input at a screen, or at a holding screen."""
    flow, moves = program.flow, program.moves
    if session.pending:
        return Turn(session, None, (call_of(program, session),))
    state = flow.states[session.state]
    keys = flow.keys
    if typed == keys.more and has_more(program, session, budget):
        return _settle(program, session._replace(page=session.page + 1, queue=()), budget)
    if typed == keys.back and session.page > 0:
        return _settle(program, session._replace(page=session.page - 1), budget)
    before = screen_before(program, session) if typed == keys.back else None
    if before is not None:
        target = moves.move(session.state, f"back:{before}")
        return _settle(program, _enter(session, target), budget)
    if typed == keys.home and session.state == flow.home:
        return _settle(program, session._replace(page=0), budget)
    if typed == keys.home and moves.can(session.state, "home"):
        target = moves.move(session.state, "home")
        return _settle(program, _enter(session, target, trail=()), budget)
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


def _onward(program: Program, session: Session, trigger: str, budget: Budget) -> Turn:
    """Leave a screen by one of its edges, remembering it for the back key."""
    target = program.moves.move(session.state, trigger)
    trail = (*session.trail, session.state)[-TRAIL_MAX:]
    return _settle(program, _enter(session, target, trail=trail), budget)


def _again(program: Program, session: Session, notice: str, budget: Budget) -> Turn:
    """The same screen, with what was wrong above it, or before it where it does not fit."""
    page = -1 if stands_alone(program, session, budget, notice) else 0
    return _settle(program, session._replace(page=page, queue=()), budget, notice)


def _chosen(state: Menu, typed: str, language: str) -> Option | None:
    for option in state.options:
        if typed == option.key:
            return option
    folded = gsm7.transliterate(typed).casefold()
    for option in state.options:
        label = option.label.by_language[language].source
        if folded and gsm7.transliterate(label).casefold() == folded:
            return option
    return None


def _menu(program: Program, session: Session, state: Menu, typed: str, budget: Budget) -> Turn:
    flow = program.flow
    option = _chosen(state, typed, session.language)
    if option is None:
        return _again(
            program, session, system_text(flow, "invalid_option", session.language), budget
        )
    if option.language is not None:
        session = session._replace(language=_switched(flow, session.language, option.language))
    if option.language is not None and option.next == state.name:
        return _settle(program, _enter(session, state.name), budget)
    return _onward(program, session, f"option:{option.key}", budget)


def _switched(flow: Flow, now: str, wish: str) -> str:
    if wish != "toggle":
        return wish
    place = flow.languages.index(now) + 1
    return flow.languages[place % len(flow.languages)]


def _input(program: Program, session: Session, state: Input, typed: str, budget: Budget) -> Turn:
    flow = program.flow
    try:
        value = value_of(flow.variables[state.save], typed)
        notice = ""
    except Refused as refused:
        value = ""
        notice = system_text(flow, refused.text, session.language, refused.values)
    for check in state.checks if not notice else ():
        if not RULES[check.rule](value):
            error = check.error.by_language[session.language]
            notice = error.render(named_values(session), session.language, flow.filters)
            break
    if not notice:
        variables = {**session.variables, state.save: value}
        return _onward(program, session._replace(variables=variables), "typed", budget)
    attempts = session.attempts + 1
    if state.attempts_max and attempts >= state.attempts_max:
        target = program.moves.move(session.state, "attempts")
        return _settle(program, _enter(session._replace(queue=()), target), budget)
    return _again(program, session._replace(attempts=attempts), notice, budget)


def _listing(
    program: Program, session: Session, state: Listing, typed: str, budget: Budget
) -> Turn:
    rows = rows_of(session, state.rows)
    if typed.isascii() and typed.isdigit() and 0 < int(typed) <= len(rows):
        chosen = rows[int(typed) - 1]
        variables = {**session.variables, state.save: chosen}
        return _onward(program, session._replace(variables=variables), "row", budget)
    notice = system_text(program.flow, "invalid_option", session.language)
    return _again(program, session, notice, budget)


def _result(program: Program, session: Session, result: CallResult, budget: Budget) -> Turn:
    state = program.flow.states[session.state]
    if not isinstance(state, CallState) or result.call_id != session.pending:
        raise FlowStuck(f'state "{session.state}" awaits no call "{result.call_id}"')
    outcome = result.outcome if result.outcome in state.outcomes else FAILED
    declared = program.flow.backends[state.backend].outcomes.get(outcome)
    variables = dict(session.variables)
    if state.save:
        known = declared.fields if declared is not None else {}
        variables[state.save] = {
            **_cut(known, result.fields),
            **_rows_cut(known, result.fields),
        }
    target = program.moves.move(state.name, f"outcome:{outcome}")
    trail = () if state.once else session.trail
    session = session._replace(variables=variables, pending="", waits=0)
    return _settle(program, _enter(session, target, trail=trail), budget)


def _cut(fields: Mapping[str, Field], values: Mapping[str, Value]) -> dict[str, Scalar]:
    """The declared scalar fields only, no longer than declared: what was checked stays true."""
    kept: dict[str, Scalar] = {}
    for name, field in fields.items():
        value = values.get(name, "")
        if field.type == "rows":
            continue
        if field.type == "text":
            kept[name] = str(value)[: len(field.longest)]
        elif isinstance(value, str | int):
            kept[name] = value
    return kept


def _rows_cut(
    fields: Mapping[str, Field], values: Mapping[str, Value]
) -> dict[str, tuple[Mapping[str, Scalar], ...]]:
    """The declared rows, each cut likewise."""
    found: dict[str, tuple[Mapping[str, Scalar], ...]] = {}
    for name, field in fields.items():
        value = values.get(name)
        if field.type == "rows":
            rows = value if isinstance(value, tuple | list) else ()
            found[name] = tuple(_cut(field.fields, row) for row in rows[: field.rows_max or None])
    return found


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
