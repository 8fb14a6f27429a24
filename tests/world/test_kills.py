"""Whatever is killed -9, a dialog goes on and a purchase comes to its one end."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from redis import Redis
from redis.exceptions import RedisError

from ledger.model import State
from tests.whole_system import World

pytestmark = pytest.mark.world

SERIAL = "04246801379"
PRICE = 1135


def _children(pid: int) -> list[int]:
    """Direct and further children of a process, from /proc (proc(5))."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += [int(child), *_children(int(child))]
    return found


def _kill_tree(pid: int) -> None:
    """Kill -9 a process and everything under it, all at once."""
    for each in [pid, *_children(pid)]:
        os.kill(each, signal.SIGKILL)


def _until_back(world: World, name: str, old: int) -> None:
    def back() -> bool:
        try:
            return world.stack.pid(name) != old
        except KeyError:
            return False

    world.until(back, f"{name} is back")


def test_a_worker_killed_during_the_debit_makes_one_debit_and_the_token_arrives(
    world: World,
) -> None:
    msisdn = world.number()
    phone = world.at_confirm(msisdn, "hasty")
    world.operator_fault(msisdn, "debit", "slow", seconds=1.4)
    workers = {name: world.stack.pid(name) for name in ("purchases-0", "purchases-1")}

    with ThreadPoolExecutor(1) as pool:
        pool.submit(phone.send, "1")
        world.until(lambda: world.debits(msisdn) == [PRICE], "the operator has debited")
        purchase = world.purchase(msisdn)
        for pid in workers.values():
            _kill_tree(pid)

    assert purchase.state is State.DEBITING, "the answer had not been committed"
    world.sms(msisdn, "Code")
    assert world.debits(msisdn) == [PRICE]
    story = [what for _, what, _, _ in world.ledger.story(purchase.id)]
    assert story.count("send debit") == 1
    for name, pid in workers.items():
        _until_back(world, name, pid)


@pytest.mark.parametrize("endpoint", ["demo", "moov"])
def test_the_web_side_killed_between_hops_does_not_end_the_dialog(
    endpoint: str, world: World
) -> None:
    msisdn = world.number()
    phone = world.phone(endpoint, msisdn)
    phone.dial("*789#")

    for typed, seen in (
        ("1", "Numéro de série"),
        (SERIAL, "Combien de kWh?"),
        ("10", "1. Payer"),
        ("1", "Payé"),
    ):
        web = world.stack.pid("web")
        _kill_tree(web)
        _until_back(world, "web", web)
        world.until(lambda: _answers(world), "the web side answers")
        assert seen in phone.send(typed).text

    world.sms(msisdn, "Code")
    assert world.debits(msisdn) == [PRICE]


def _answers(world: World) -> bool:
    try:
        return requests.get(f"{world.addresses.web}/health", timeout=1).ok
    except requests.RequestException:
        return False


def test_redis_killed_between_hops_does_not_end_the_dialog(world: World) -> None:
    msisdn = world.number()
    phone = world.at_confirm(msisdn)
    redis = world.stack.pid("redis")

    os.kill(redis, signal.SIGKILL)
    _until_back(world, "redis", redis)
    world.until(lambda: _pings(world), "Redis answers")

    assert "Payé" in phone.send("1").text
    world.sms(msisdn, "Code")
    assert world.debits(msisdn) == [PRICE]


def _pings(world: World) -> bool:
    try:
        with Redis.from_url(world.addresses.redis) as client:
            return bool(client.ping())
    except RedisError:
        return False


def test_everything_but_the_ledger_killed_after_the_confirmation_loses_nothing(
    world: World,
) -> None:
    msisdn = world.number()
    phone = world.at_confirm(msisdn, "hasty")
    world.operator_fault(msisdn, "debit", "slow", seconds=1.4)
    phone.send("1")
    names = ("purchases-0", "purchases-1", "calls-0", "sweep-0", "web", "redis")
    pids = {name: world.stack.pid(name) for name in names}

    for pid in pids.values():
        _kill_tree(pid)
    for name, pid in pids.items():
        _until_back(world, name, pid)

    world.until(lambda: _answers(world), "the web side answers")

    world.sms(msisdn, "Code")
    assert world.debits(msisdn) == [PRICE]


def test_redis_wiped_while_a_purchase_is_under_way_loses_nothing(world: World) -> None:
    msisdn = world.number()
    phone = world.at_confirm(msisdn, "hasty")
    world.operator_fault(msisdn, "debit", "hang_after")
    phone.send("1")

    with Redis.from_url(world.addresses.redis) as client:
        client.flushall()

    world.sms(msisdn, "Code")
    assert world.debits(msisdn) == [PRICE]
