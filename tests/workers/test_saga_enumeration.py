"""Every schedule of at most two faults, over the real kernel and the real loop; no sampling."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest
from ledger.model import State
from saga_world import Broken, Fault, Profile, World, at_rest
from ussd_app.render.texts import Messages
from workers.filters import FILTERS

from conftest import MENUS

PROFILES = [
    Profile("look-up only"),
    Profile("keyed", keyed=True),
    Profile("debit refused", frozenset({"debit"})),
    Profile("sale refused", frozenset({"sale"})),
    Profile("vend refused", frozenset({"vend"})),
    Profile("vend and refund refused", frozenset({"vend", "refund"})),
    Profile("prompt", prompt=True),
    Profile("prompt, cancelled", prompt=True, agrees=False),
]

FAULTS_MAX = 2
#: What cannot happen to a question: no party answers that it refused what it did not.
_OF_A_SEND = frozenset({Fault.REFUSED})


@pytest.fixture(scope="module")
def messages() -> Messages:
    return Messages.load(MENUS / "sms.yaml", FILTERS)


def _run(profile: Profile, plan: Mapping[int, Fault], messages: Messages) -> World:
    world = World(profile, plan, messages)
    try:
        at_rest(world, world.buy())
    except Broken as broken:
        faults = ", ".join(f"{fault} at call {number}" for number, fault in plan.items())
        story = "\n  ".join(world.story)
        pytest.fail(f"{profile.name}: {broken} with {faults or 'no fault'}\n  {story}")
    return world


def _schedules(
    profile: Profile, messages: Messages, plan: Mapping[int, Fault], faults_max: int
) -> Iterator[World]:
    """The plan, then every plan with more faults at later calls of what it led to."""
    world = _run(profile, plan, messages)
    yield world
    if faults_max == 0:
        return
    first = max(plan, default=-1) + 1
    for number, fault in itertools.product(range(first, world.calls), Fault):
        _step, ask = world.made[number]
        if not (ask and fault in _OF_A_SEND):
            yield from _schedules(profile, messages, {**plan, number: fault}, faults_max - 1)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_no_schedule_of_two_faults_breaks_the_books(profile: Profile, messages: Messages) -> None:
    ends = Counter(
        world.shelf.row.state
        for world in _schedules(profile, messages, {}, FAULTS_MAX)
        if world.shelf.row is not None
    )

    print(profile.name, sum(ends.values()), dict(ends))
    assert sum(ends.values()) > 0
