"""Any client against any back-ends: whatever happens, there is a screen the phone can show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ussd_app import engine
from ussd_app import session as sessions
from ussd_app.effects import FAILED, LATE, Call, CallResult, Dropped, Value
from ussd_app.engine import Answer, Begin, Drop, Event, Hold, Result, Turn
from ussd_app.flow.model import CallState, Shape, Type
from ussd_app.messages import Action, Budget
from ussd_app.render import gsm7
from ussd_app.session import Session, Status

if TYPE_CHECKING:
    from ussd_app.screens import Program

#: What clients really type, and what nobody should.
TYPED = st.one_of(
    st.sampled_from(
        ["1", "2", "3", "4", "0", "00", "98", "04246801379", "0424680137901", "10", "500,0", ""]
    ),
    st.sampled_from(["Acheter", "payer", "1*2", "٣", "9" * 182, "*", "#", "\x00", "{serial}"]),
    st.text(max_size=20),
)
DIALLED = st.one_of(
    st.sampled_from(["", "1", "1*04246801379", "1*04246801379*10*1", "2*1*1", "4*4*1", "**"]),
    st.text("0123456789*", max_size=60),
)
TEXT = st.text(max_size=60)


def _values(fields: Mapping[str, Shape]) -> st.SearchStrategy[dict[str, Value]]:
    """Any values of these fields' types, texts of any length and script."""
    return st.fixed_dictionaries({name: _value(field) for name, field in fields.items()})


def _value(shape: Shape) -> st.SearchStrategy[Value]:
    """Mostly what the catalogue declares, now and then anything else."""
    match shape.type:
        case Type.INTEGER:
            good: st.SearchStrategy[object] = st.integers(0, int(shape.longest))
        case Type.ROWS:
            rows = st.lists(_values(shape.fields), max_size=shape.rows_max + 2)
            good = rows.map(tuple)
        case Type.TEXT:
            good = TEXT
        case _:
            good = st.just(shape.longest)
    return cast("st.SearchStrategy[Value]", st.one_of(good, good, good, TEXT))


def _event(draw: st.DrawFn, program: Program, call: Call) -> Event:
    """What becomes of a call."""
    outcomes = program.flow.backends[call.backend].outcomes
    name = draw(st.sampled_from([*outcomes, LATE, FAILED, "unheard_of", "held"]))
    if name == "held":
        return Hold()
    fields = draw(_values(outcomes[name].fields)) if name in outcomes else {}
    return Result(CallResult(call.id, name, fields))


def _step(program: Program, session: Session, event: Event, budget: Budget) -> Turn:
    """One step, as two processes take it: from memory, and from what was stored."""
    stored = sessions.load(sessions.unpack(sessions.pack(sessions.dump(session))))
    assert stored == session
    turn = engine.step(program, session, event, 2.0, budget)
    assert turn == engine.step(program, stored, event, 2.0, budget)
    return turn


def _holds(program: Program, turn: Turn, budget: Budget) -> None:
    """What is true after every step: a screen that can be sent, or one call to carry out."""
    state = program.flow.states[turn.session.state]
    if turn.screen is None:
        (call,) = turn.effects
        assert isinstance(call, Call)
        assert isinstance(state, CallState)
        assert turn.session.pending == call.id
        return
    septets = gsm7.septets(turn.screen.text)
    assert septets is not None
    assert 0 < septets <= budget.septets_max
    assert (turn.screen.action is Action.END) == (turn.session.status is Status.ENDED)
    assert turn.effects == ()


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.sampled_from([80, 100, 160, 182]))
def test_any_walk_always_has_a_next_screen(
    program: Program, data: st.DataObject, septets_max: int
) -> None:
    budget = Budget(septets_max)
    event = Begin("walk", "+22670123456", "*789#", data.draw(DIALLED))
    turn = engine.begin(program, event, 1.0, budget)
    _holds(program, turn, budget)
    paid: set[str] = set()
    for _ in range(data.draw(st.integers(1, 15))):
        if turn.session.status is not Status.LIVE:
            break
        if turn.screen is None:
            (call,) = turn.effects
            assert isinstance(call, Call)
            if call.once:
                paid.add(call.id)
            made = data.draw(st.composite(_event)(program, call))
        else:
            made = Answer(data.draw(TYPED))
        turn = _step(program, turn.session, made, budget)
        _holds(program, turn, budget)
    assert len(paid) <= 1


@settings(max_examples=50, deadline=None)
@given(st.lists(TYPED, max_size=6), TEXT)
def test_a_drop_is_possible_anywhere(program: Program, inputs: list[str], reason: str) -> None:
    budget = Budget()
    turn = engine.begin(program, Begin("walk", "+22670123456", "*789#"), 1.0, budget)
    for typed in inputs:
        while turn.screen is None:
            turn = _step(program, turn.session, Hold(), budget)
        if turn.session.status is Status.LIVE:
            turn = _step(program, turn.session, Answer(typed), budget)
    dropped = _step(program, turn.session, Drop(reason), budget)

    assert dropped.session.status is Status.DROPPED
    (note,) = dropped.effects
    assert isinstance(note, Dropped)
    assert (note.state, note.reason) == (turn.session.state, reason)


@pytest.mark.parametrize("dialled", ["1*04246801379*10*1", "1*04246801379*10*1*1*1*1"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_dial_string_pays(program: Program, dialled: str, data: st.DataObject) -> None:
    budget = Budget()
    turn = engine.begin(program, Begin("walk", "+22670123456", "*789#", dialled), 1.0, budget)
    while turn.screen is None:
        (call,) = turn.effects
        assert isinstance(call, Call)
        assert not call.once
        made = data.draw(st.composite(_event)(program, call))
        turn = _step(program, turn.session, made, budget)
    assert turn.session.state != "paying"
