"""The kernel as a table: step, how far it is, what the call came to → what comes next.

Times are seconds from NOW. Windows: settle 30, ask 2 to 300, not found 600, retry to 60, screen 8.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.model import SETTLED, Purchase, Resolution, State, Step, StepState
from outward.results import (
    Declined,
    Misconfigured,
    NotFound,
    NotSent,
    Pending,
    Reason,
    Result,
    Success,
    Unknown,
)
from tests.workers.saga_world import WINDOWS, new_purchase
from workers import saga
from workers.saga import Act, Verb

NOW = new_purchase().created_at + 10_000.0
DONE, DOUBT, READY = StepState.DONE, StepState.DOUBT, StepState.READY
REFUSED, PENDING, CLOSED = StepState.REFUSED, StepState.PENDING, StepState.CLOSED
NOTICES = {"sms:verifying", "sms:delayed"}

RESULTS: dict[str, Result[object]] = {
    "success": Success("done"),
    "pending": Pending("ref", 5.0),
    "declined": Declined(Reason.CANCELLED),
    "poor": Declined(Reason.INSUFFICIENT_FUNDS),
    "not sent": NotSent("refused"),
    "not found": NotFound(),
    "unknown": Unknown("no answer"),
    "misconfigured": Misconfigured("401"),
}


def _sent(state: StepState, ago: float, **more: int) -> Step:
    """A step sent once so long ago; `more` as in `Step`."""
    at = NOW - ago
    step = Step("", state, sends=1, doubted=state is DOUBT, first_sent_at=at, sent_at=at)
    return replace(step, due_at=NOW, **more)  # type: ignore[arg-type]  # counts


#: How far a step is when its next act is taken.
PRIORS = {
    "first": Step("", due_at=NOW),
    "unsent twice": replace(_sent(READY, 6), sends=2),
    "crashed": _sent(StepState.SENT, 15),
    "early doubt": _sent(DOUBT, 10),
    "settled doubt": _sent(DOUBT, 40, asks=1),
    "old doubt": _sent(DOUBT, 700, asks=5, not_found=1),
    "pending": _sent(PENDING, 5),
}


class Next(NamedTuple):
    """The step's state and due time, the purchase's state, and what else became due when."""

    step: StepState
    due: float | None
    state: State
    others: dict[str, float]


def _next(
    step: StepState, due: float | None, state: State, others: dict[str, float] | None = None
) -> Next:
    return Next(step, due, state, others or {})


_PAID = _next(DONE, None, State.PAID, {"sale": 0})
_DECLINED = _next(REFUSED, None, State.DECLINED, {"sms:declined": 8})
_POOR = _next(REFUSED, None, State.DECLINED, {"sms:insufficient_funds": 8})
_EXPIRED = _next(CLOSED, None, State.EXPIRED, {"sms:expired": 8})
_RECORDED = _next(DONE, None, State.RECORDED, {"vend": 0})
_VENDED = _next(DONE, None, State.VENDED, {"token": 0, "sms:token": 0})
_REFUNDED = _next(DONE, None, State.REFUNDED, {"sms:refunded": 0})
_GIVE_BACK = _next(REFUSED, None, State.REFUND_DUE, {"refund": 0})
_VOID_AND_GIVE_BACK = _next(REFUSED, None, State.REFUND_DUE, {"void": 0, "refund": 0})
_SUSPENSE = _next(REFUSED, None, State.SUSPENSE, {"sms:suspense": 0})


def _asked(state: State, success: Next, declined: Next, not_found: Next) -> dict[str, Next]:
    """The answers of a question, after one that came 10 s after sending."""
    return {
        "success": success,
        "pending": _next(PENDING, 5, state),
        "declined": declined,
        "not sent": _next(DOUBT, 2, state),
        "not found": not_found,
        "unknown": _next(DOUBT, 4, state),
        "misconfigured": _next(DOUBT, 4, state),
    }


def _first(state: State, success: Next, declined: Next) -> dict[str, Next]:
    """What a first attempt comes to."""
    return {
        "success": success,
        "pending": _next(PENDING, 5, state),
        "declined": declined,
        "not sent": _next(READY, 2, state),
        "not found": _next(DOUBT, 2, state),
        "unknown": _next(DOUBT, 2, state),
        "misconfigured": _next(DOUBT, 2, state),
    }


def _again(state: State, success: Next) -> dict[str, Next]:
    """What a repeat comes to, 10 s after the first attempt: no refusal is believed yet."""
    return {
        "success": success,
        "pending": _next(PENDING, 5, state),
        "declined": _next(DOUBT, 20, state),
        "not sent": _next(DOUBT, 4, state),
        "not found": _next(DOUBT, 4, state),
        "unknown": _next(DOUBT, 4, state),
        "misconfigured": _next(DOUBT, 4, state),
    }


_DEBITING, _RECORDING, _VENDING = State.DEBITING, State.RECORDING, State.VENDING
_REFUNDING, _REFUND_DUE = State.REFUNDING, State.REFUND_DUE
_NOTED = _next(DONE, None, State.VENDED)
_LEFT = _next(REFUSED, None, State.VENDED)
_VOID = _next(DONE, None, _REFUND_DUE)

TABLE: dict[tuple[str, str], dict[str, Next]] = {
    ("debit", "first"): {**_first(_DEBITING, _PAID, _DECLINED), "poor": _POOR},
    ("debit", "unsent twice"): {
        "success": _PAID,
        "declined": _DECLINED,
        "not sent": _EXPIRED,
        "unknown": _next(DOUBT, 8, _DEBITING),
    },
    ("debit", "crashed"): _asked(_DEBITING, _PAID, _DECLINED, _next(DOUBT, 15, _DEBITING)),
    ("debit", "early doubt"): {
        **_asked(_DEBITING, _PAID, _DECLINED, _next(DOUBT, 20, _DEBITING)),
        "poor": _POOR,
    },
    ("debit", "settled doubt"): {
        "success": _PAID,
        "declined": _DECLINED,
        "not sent": _next(DOUBT, 4, _DEBITING),
        "not found": _next(DOUBT, 8, _DEBITING),
        "unknown": _next(DOUBT, 8, _DEBITING),
    },
    ("debit", "old doubt"): {
        "success": _PAID,
        "declined": _DECLINED,
        "not sent": _next(DOUBT, 60, _DEBITING),
        "not found": _EXPIRED,
        "unknown": _next(DOUBT, 128, _DEBITING),
    },
    ("debit", "pending"): _asked(_DEBITING, _PAID, _DECLINED, _next(DOUBT, 25, _DEBITING)),
    ("sale", "first"): _first(_RECORDING, _RECORDED, _GIVE_BACK),
    ("sale", "crashed"): {
        **_again(_RECORDING, _RECORDED),
        "declined": _next(DOUBT, 15, _RECORDING),
    },
    ("sale", "early doubt"): _again(_RECORDING, _RECORDED),
    ("sale", "settled doubt"): {"success": _RECORDED, "declined": _VOID_AND_GIVE_BACK},
    ("sale", "old doubt"): {"success": _RECORDED, "declined": _VOID_AND_GIVE_BACK},
    ("vend", "first"): _first(_VENDING, _VENDED, _VOID_AND_GIVE_BACK),
    ("vend", "crashed"): _asked(_VENDING, _VENDED, _VOID_AND_GIVE_BACK, _next(DOUBT, 15, _VENDING)),
    ("vend", "early doubt"): _asked(
        _VENDING, _VENDED, _VOID_AND_GIVE_BACK, _next(DOUBT, 20, _VENDING)
    ),
    ("vend", "settled doubt"): {
        "success": _VENDED,
        "not found": _next(READY, 0, _VENDING),
        "unknown": _next(DOUBT, 8, _VENDING),
    },
    ("refund", "first"): _first(_REFUNDING, _REFUNDED, _SUSPENSE),
    ("refund", "crashed"): _asked(_REFUNDING, _REFUNDED, _SUSPENSE, _next(DOUBT, 15, _REFUNDING)),
    ("refund", "early doubt"): _asked(
        _REFUNDING, _REFUNDED, _SUSPENSE, _next(DOUBT, 20, _REFUNDING)
    ),
    ("refund", "settled doubt"): {"not found": _next(DOUBT, 8, _REFUNDING)},
    ("refund", "old doubt"): {"not found": _next(READY, 0, _REFUNDING)},
    ("token", "first"): _first(State.VENDED, _NOTED, _LEFT),
    ("token", "early doubt"): _again(State.VENDED, _NOTED),
    ("token", "old doubt"): {"success": _NOTED, "declined": _LEFT},
    ("sms:token", "first"): _first(State.VENDED, _NOTED, _LEFT),
    ("sms:token", "early doubt"): _again(State.VENDED, _NOTED),
    ("sms:token", "old doubt"): {"success": _NOTED, "declined": _LEFT},
    ("void", "first"): _first(_REFUND_DUE, _VOID, _next(REFUSED, None, _REFUND_DUE)),
    ("void", "early doubt"): _again(_REFUND_DUE, _VOID),
}

_BEFORE = {
    "debit": (State.CONFIRMED, ()),
    "sale": (State.PAID, ("debit",)),
    "vend": (State.RECORDED, ("debit", "sale")),
    "refund": (State.REFUND_DUE, ("debit",)),
    "void": (State.REFUND_DUE, ("debit", "sale")),
    "token": (State.VENDED, ("debit", "sale", "vend")),
    "sms:token": (State.VENDED, ("debit", "sale", "vend")),
}
_OUT = {"debit": _DEBITING, "sale": _RECORDING, "vend": _VENDING, "refund": _REFUNDING}
_RESOLVED = {
    State.VENDED: Resolution.VEND,
    State.REFUND_DUE: Resolution.REFUND,
}


def _at(name: str, prior: str) -> Purchase:
    """A purchase of long ago whose step `name` is due and as far as `prior` says."""
    state, done = _BEFORE[name]
    steps = {each: Step(each, DONE, sends=1) for each in done}
    return replace(
        new_purchase(),
        state=state if prior == "first" else _OUT.get(name, state),
        resolution=_RESOLVED.get(state, Resolution.NONE),
        steps={**steps, name: replace(PRIORS[prior], name=name)},
    )


def _rows() -> list[tuple[str, str, str, Next]]:
    return [
        (step, prior, result, expected)
        for (step, prior), answers in TABLE.items()
        for result, expected in answers.items()
    ]


@pytest.mark.parametrize(("name", "prior", "result", "expected"), _rows())
def test_what_comes_next(name: str, prior: str, result: str, expected: Next) -> None:
    before = _at(name, prior)
    act = saga.next_act(before, NOW)
    assert act is not None
    after = saga.settle(saga.intend(before, act, NOW, WINDOWS), act, RESULTS[result], NOW, WINDOWS)

    step = after.steps[name]
    others = {
        each: new.due_at - NOW
        for each, new in after.steps.items()
        if each not in before.steps and each not in NOTICES and new.due_at is not None
    }
    due = None if step.due_at is None else step.due_at - NOW
    assert Next(step.state, due, after.state, others) == expected


@pytest.mark.parametrize(
    ("name", "prior", "verb"),
    [
        (name, prior, Verb.ASK)
        for name in ("debit", "vend", "refund")
        for prior in ("crashed", "early doubt", "settled doubt", "old doubt", "pending")
    ]
    + [
        (name, prior, Verb.SEND)
        for name in ("sale", "token", "void", "sms:token")
        for prior in ("crashed", "early doubt", "settled doubt", "old doubt", "pending")
    ]
    + [(name, "first", Verb.SEND) for name in _BEFORE],
)
def test_a_doubt_about_money_or_a_token_is_asked_about_and_the_rest_repeated(
    name: str, prior: str, verb: Verb
) -> None:
    assert saga.next_act(_at(name, prior), NOW) == Act(verb, name)


@pytest.mark.parametrize("name", _BEFORE)
def test_an_intent_alone_is_a_doubt_when_the_lease_has_lapsed(name: str) -> None:
    before = _at(name, "first")
    act = Act(Verb.SEND, name)

    intended = saga.intend(before, act, NOW, WINDOWS)

    step = intended.steps[name]
    assert (step.state, step.sends, step.sent_at) == (StepState.SENT, 1, NOW)
    assert saga.next_act(intended, NOW) is None
    assert saga.next_act(intended, NOW + WINDOWS.lease) is not None
    again = saga.intend(intended, Act(Verb.SEND, name), NOW + WINDOWS.lease, WINDOWS)
    assert again.steps[name].doubted
    assert again.steps[name].first_sent_at == NOW


def test_the_oldest_act_is_first_and_an_sms_after_its_equals() -> None:
    steps = {
        "sms:token": Step("sms:token", due_at=NOW),
        "token": Step("token", due_at=NOW),
        "vend": Step("vend", DONE),
        "debit": Step("debit", DONE),
    }
    purchase = replace(new_purchase(), steps=steps)

    assert saga.next_act(purchase, NOW) == Act(Verb.SEND, "token")
    assert saga.next_act(purchase, NOW - 1) is None


def test_vended_is_completed_once_the_platform_and_the_client_have_the_token() -> None:
    before = _at("token", "first")
    before = replace(before, steps={**before.steps, "sms:token": Step("sms:token", DONE)})

    after = saga.settle(before, Act(Verb.SEND, "token"), Success(None), NOW, WINDOWS)

    assert after.state is State.COMPLETED


def test_nothing_is_refunded_once_there_is_a_token() -> None:
    before = replace(_at("vend", "first"), resolution=Resolution.VEND)

    with pytest.raises(ValueError, match="nothing to refund"):
        saga.settle(before, Act(Verb.SEND, "vend"), Declined(Reason.REFUSED), NOW, WINDOWS)


@pytest.mark.parametrize(("name", "notice"), [("debit", "sms:verifying"), ("vend", "sms:delayed")])
@pytest.mark.parametrize("result", ["unknown", "not sent", "pending", "misconfigured"])
@pytest.mark.parametrize("prior", ["first", "crashed", "early doubt"])
def test_a_wait_is_told_once_and_not_before_its_time(
    name: str, notice: str, result: str, prior: str
) -> None:
    created_at = NOW - 10
    before = replace(_at(name, prior), created_at=created_at)
    act = saga.next_act(before, NOW)
    assert act is not None

    after = saga.settle(before, act, RESULTS[result], NOW, WINDOWS)
    again = saga.settle(after, act, RESULTS[result], NOW + 1, WINDOWS)

    assert after.steps[notice].due_at == created_at + WINDOWS.notice
    assert again.steps[notice] == after.steps[notice]


@pytest.mark.parametrize(
    ("name", "notice", "result"),
    [
        ("debit", "sms:verifying", "success"),
        ("debit", "sms:verifying", "declined"),
        ("vend", "sms:delayed", "success"),
        ("vend", "sms:delayed", "declined"),
        ("refund", "sms:delayed", "declined"),
    ],
)
def test_a_notice_of_a_wait_that_is_over_is_not_sent(name: str, notice: str, result: str) -> None:
    before = _at(name, "early doubt")
    before = replace(before, steps={**before.steps, notice: Step(notice, due_at=NOW + 60)})

    after = saga.settle(before, Act(Verb.ASK, name), RESULTS[result], NOW, WINDOWS)

    assert (after.steps[notice].state, after.steps[notice].due_at) == (CLOSED, None)


@given(
    st.lists(st.sampled_from(["not found", "unknown", "not sent", "misconfigured"]), max_size=40)
)
def test_questions_in_vain_are_asked_again_within_the_longest_wait(answers: list[str]) -> None:
    purchase, now = _at("vend", "early doubt"), NOW
    for answer in answers:
        act = saga.next_act(purchase, now)
        assert act is not None
        purchase = saga.settle(
            saga.intend(purchase, act, now, WINDOWS), act, RESULTS[answer], now, WINDOWS
        )
        step = purchase.steps["vend"]
        assert step.state not in SETTLED
        assert step.due_at is not None
        assert now <= step.due_at <= now + WINDOWS.ask_max
        now = step.due_at


def test_a_head_end_system_that_may_vend_twice_is_never_sent_a_lost_vend_again() -> None:
    windows = replace(WINDOWS, vend_again=False)
    vend = replace(_sent(DOUBT, WINDOWS.not_found + 1, not_found=1), name="vend")
    paid = {"debit": Step("debit", DONE), "sale": Step("sale", DONE), "vend": vend}
    purchase = replace(new_purchase(), state=State.VENDING, steps=paid)

    after = saga.settle(purchase, Act(Verb.ASK, "vend"), NotFound(), NOW, windows)

    assert (after.state, after.resolution) == (State.SUSPENSE, Resolution.NONE)
    assert after.steps["vend"].state is CLOSED
    assert saga.next_act(after, NOW + 1e6) == Act(Verb.SEND, "sms:suspense")
