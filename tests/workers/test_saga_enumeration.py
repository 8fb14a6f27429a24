"""Every schedule of at most two faults, over the real kernel and the real loop; no sampling.

The schedules of a profile: the faultless run, then for each of its calls and each fault the run
with it, then for each later call of that run and each fault the run with both.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from ledger.model import Purchase, State, Step, StepState
from outward.results import Declined, Reason, Result, Unknown
from tests.workers.saga_audit import at_rest
from tests.workers.saga_parties import Broken
from tests.workers.saga_world import MENUS, WINDOWS, Fault, Profile, World, new_purchase
from ussd_app.render.texts import Messages
from workers import purchases, saga
from workers.application import FILTERS
from workers.saga import Act, Policy, Windows

LOOK_UP_ONLY = Profile("look-up only")
VEND_REFUSED = Profile("vend refused", frozenset({"vend"}))
#: Profile → where its faultless purchase ends.
PROFILES = {
    LOOK_UP_ONLY: State.COMPLETED,
    Profile("keyed", keyed=True): State.COMPLETED,
    Profile("debit refused", frozenset({"debit"})): State.DECLINED,
    Profile("sale refused", frozenset({"sale"})): State.REFUNDED,
    VEND_REFUSED: State.REFUNDED,
    Profile("vend and refund refused", frozenset({"vend", "refund"})): State.SUSPENSE,
    Profile("prompt", prompt=True): State.COMPLETED,
    Profile("prompt, cancelled", prompt=True, agrees=False): State.DECLINED,
}
FAULTS_MAX = 2

MESSAGES = Messages.load(MENUS / "sms.yaml", FILTERS)

MakeWorld = Callable[[Profile, Mapping[int, Fault]], World]


def _world(profile: Profile, plan: Mapping[int, Fault]) -> World:
    return World(profile, plan, MESSAGES)


def _run(make: MakeWorld, profile: Profile, plan: Mapping[int, Fault]) -> World:
    """The world after one schedule; raises `Broken` with the schedule and its story."""
    world = make(profile, plan)
    try:
        at_rest(world, world.buy())
    except Broken as broken:
        faults = ", ".join(f"{fault} at call {number}" for number, fault in plan.items())
        story = "\n  ".join(world.story)
        raise Broken(f"{profile.name}: {broken} with {faults or 'no fault'}\n  {story}") from None
    return world


def _schedules(
    make: MakeWorld, profile: Profile, plan: Mapping[int, Fault], faults_max: int
) -> Iterator[World]:
    """The plan, then every plan with more faults at later calls of what it led to."""
    world = _run(make, profile, plan)
    yield world
    if faults_max == 0:
        return
    first = max(plan, default=-1) + 1
    for number, fault in itertools.product(range(first, world.calls), Fault):
        _step, ask = world.made[number]
        # Nobody answers a question by refusing what was never asked of them.
        if not (ask and fault is Fault.REFUSED):
            yield from _schedules(make, profile, {**plan, number: fault}, faults_max - 1)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_no_schedule_of_two_faults_breaks_the_books(profile: Profile) -> None:
    ends: Counter[State] = Counter()
    faultless = None

    for world in _schedules(_world, profile, {}, FAULTS_MAX):
        assert world.shelf.row is not None
        faultless = faultless or world.shelf.row.state
        ends[world.shelf.row.state] += 1

    assert faultless is PROFILES[profile]
    assert ends.total() > 900
    assert ends[State.EXPIRED] > 0


def test_a_fault_at_no_call_is_no_fault() -> None:
    world = _run(_world, LOOK_UP_ONLY, {99: Fault.CRASH_AFTER})

    assert [step for step, _ask in world.made] == ["debit", "sale", "vend", "token", "sms:token"]
    assert [name for name, _text in world.texts] == ["sms:token"]


def test_whoever_is_delayed_for_two_minutes_is_told_so_once() -> None:
    """Asked in vain for long, the client hears once that a payment is being verified."""
    plan = dict.fromkeys(range(1, 12), Fault.NOT_SENT) | {0: Fault.CRASH_AFTER}
    world = _run(_world, LOOK_UP_ONLY, plan)

    assert [name for name, _text in world.texts] == ["sms:verifying", "sms:token"]


def test_a_commit_that_took_half_the_lease_is_followed_by_no_call() -> None:
    """Another worker may hold the purchase by the time the call would leave."""
    lease = 0.02
    world = World(LOOK_UP_ONLY, {}, MESSAGES, replace(WINDOWS, lease=lease))
    world.shelf.row = saga.start(new_purchase(), world.now)
    commit: Callable[..., Purchase] = world.shelf.save

    def slow(*row: Any, **detail: str | int) -> Purchase:
        threading.Event().wait(lease)  # the disk, or another writer
        return commit(*row, **detail)

    vars(world.shelf)["save"] = slow
    purchases.advance(world.office, new_purchase().id)

    assert world.calls == 0
    assert world.shelf.row.steps["debit"].state is StepState.DOUBT


# Planted bugs: the enumeration must see each of them, or it proves nothing.


def _resent(monkeypatch: pytest.MonkeyPatch, *steps: str) -> None:
    monkeypatch.setattr(saga, "_POLICIES", saga._POLICIES | dict.fromkeys(steps, Policy.RESEND))


def _debit_is_resent(monkeypatch: pytest.MonkeyPatch) -> None:
    _resent(monkeypatch, "debit")


def _refund_is_resent(monkeypatch: pytest.MonkeyPatch) -> None:
    _resent(monkeypatch, "refund")


def _vend_is_resent(monkeypatch: pytest.MonkeyPatch) -> None:
    _resent(monkeypatch, "vend")


def _patch_settle(
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Step, Result[object]], tuple[Step, Result[object]]],
) -> None:
    honest = saga.settle

    def settle(
        purchase: Purchase, act: Act, result: Result[object], now: float, windows: Windows
    ) -> Purchase:
        step, result = change(purchase.steps[act.step], result)
        changed = replace(purchase, steps={**purchase.steps, step.name: step})
        return honest(changed, act, result, now, windows)

    monkeypatch.setattr(saga, "settle", settle)


def _refusal_of_a_retry_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(step: Step, result: Result[object]) -> tuple[Step, Result[object]]:
        return (replace(step, doubted=False) if isinstance(result, Declined) else step), result

    _patch_settle(monkeypatch, change)


def _unknown_is_taken_for_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(step: Step, result: Result[object]) -> tuple[Step, Result[object]]:
        return step, Declined(Reason.REFUSED) if isinstance(result, Unknown) else result

    _patch_settle(monkeypatch, change)


def _intent_is_not_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    def intend(purchase: Purchase, _act: Act, _now: float, _windows: Windows) -> Purchase:
        return purchase

    monkeypatch.setattr(saga, "intend", intend)


def _refund_leaves_the_sale(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = saga._refund

    def refund(purchase: Purchase, reason: str, now: float) -> Purchase:
        after = honest(purchase, reason, now)
        return replace(
            after, steps={name: step for name, step in after.steps.items() if name != "void"}
        )

    monkeypatch.setattr(saga, "_refund", refund)


def _expiry_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def expired(
        purchase: Purchase, step: Step, reason: str, _now: float, _windows: Windows
    ) -> Purchase:
        closed = {name: replace(each, due_at=None) for name, each in purchase.steps.items()}
        return replace(purchase, state=State.EXPIRED, reason=reason, steps=closed)

    monkeypatch.setattr(saga, "_expired", expired)


BUGS = [
    (_debit_is_resent, LOOK_UP_ONLY),
    (_refund_is_resent, VEND_REFUSED),
    (_vend_is_resent, LOOK_UP_ONLY),
    (_refusal_of_a_retry_is_believed, LOOK_UP_ONLY),
    (_unknown_is_taken_for_refused, LOOK_UP_ONLY),
    (_intent_is_not_committed, LOOK_UP_ONLY),
    (_refund_leaves_the_sale, VEND_REFUSED),
    (_expiry_is_not_told, LOOK_UP_ONLY),
]


@pytest.mark.parametrize(("plant", "profile"), BUGS, ids=lambda each: getattr(each, "__name__", ""))
def test_a_planted_bug_is_seen(
    plant: Callable[[pytest.MonkeyPatch], None],
    profile: Profile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant(monkeypatch)

    with pytest.raises(Broken):
        list(_schedules(_world, profile, {}, FAULTS_MAX))


@pytest.mark.parametrize(
    "windows",
    [replace(WINDOWS, settle=0.0), replace(WINDOWS, settle=0.0, not_found=0.0)],
    ids=["settle", "not found"],
)
def test_a_window_that_is_missing_is_seen(windows: Windows) -> None:
    with pytest.raises(Broken):
        list(
            _schedules(
                lambda profile, plan: World(profile, plan, MESSAGES, windows),
                LOOK_UP_ONLY,
                {},
                FAULTS_MAX,
            )
        )


def test_a_ledger_that_writes_over_another_worker_is_seen() -> None:
    with pytest.raises(Broken):
        list(
            _schedules(
                lambda profile, plan: World(profile, plan, MESSAGES, guarded=False),
                LOOK_UP_ONLY,
                {},
                FAULTS_MAX,
            )
        )
