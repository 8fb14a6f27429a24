"""The bell and the answers, over a real server."""

from __future__ import annotations

import contextlib
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from redis import Redis
from redis.exceptions import RedisError

from cassou.embedded import EmbeddedRedis
from ussd_app.effects import Call, CallResult, NotStarted
from ussd_app.sealing import Sealer
from workers.queue import CALLS, PURCHASES, Doorbell, queue

MSISDN = "+22670123456"
SERIAL = "04246801379"
TOKEN = "01234567890123456789"


def _call(number: int = 1) -> Call:
    return Call(f"c-{number}", "meters.find", {"serial": SERIAL}, 3.0, False, MSISDN, "fr")  # noqa: FBT003  # a noun's fields, in order


def _vended() -> CallResult:
    rows = ({"date": "2026-11-22", "kwh": "10", "serial": SERIAL, "token": TOKEN},)
    return CallResult("c-1", "vended", {"token": TOKEN, "receipt": "C-7K2M9QXA", "codes": rows})


def _flat(value: object) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
        with contextlib.suppress(zlib.error):
            yield zlib.decompress(value)
    elif isinstance(value, dict):
        yield from _flat(list(value.items()))
    elif isinstance(value, list | tuple | set):
        for part in value:
            yield from _flat(part)


def _octets(redis: Redis) -> list[bytes]:
    """Every key, and every value in whatever form, as it stands and unpacked."""
    read: dict[bytes, Callable[[bytes], object]] = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1),
        b"stream": redis.xrange,
    }
    return [
        part
        for key in redis.scan_iter()
        for part in _flat((key, read[cast("bytes", redis.type(key))](key)))
    ]


def test_nothing_stands_in_clear(redis: Redis, doorbell: Doorbell) -> None:
    doorbell.ring_call(_call())
    doorbell.ring_purchase("p-1")
    doorbell.tell(_vended())
    assert doorbell.wait("c-1", 1.0) == _vended()
    doorbell.show(CallResult("c-1", "declined"))

    octets = _octets(redis)

    assert b"rq:queue:calls" in octets  # what was looked through is the right place
    for secret in (MSISDN, MSISDN[4:], SERIAL, TOKEN, "C-7K2M9QXA", "c-1"):
        assert not [found for found in octets if secret.encode() in found]


def test_a_call_is_rung_for_once(redis: Redis, sealer: Sealer, doorbell: Doorbell) -> None:
    doorbell.ring_call(_call())
    doorbell.ring_call(_call())
    doorbell.ring_call(_call(2))

    assert queue(CALLS, redis, sealer).count == 2


def test_a_purchase_is_rung_for_again_once_the_bell_was_heard(
    redis: Redis, sealer: Sealer, doorbell: Doorbell
) -> None:
    assert doorbell.ring_purchase("p-1")
    assert not doorbell.ring_purchase("p-1")
    assert queue(PURCHASES, redis, sealer).count == 1

    doorbell.answered("p-1")

    assert doorbell.ring_purchase("p-1")
    assert queue(PURCHASES, redis, sealer).count == 2


def test_a_result_stays_for_whoever_asks_again(doorbell: Doorbell) -> None:
    doorbell.tell(_vended())

    assert [doorbell.wait("c-1", 1.0) for _ in range(3)] == [_vended()] * 3


def test_the_newest_result_stands(doorbell: Doorbell) -> None:
    doorbell.tell(CallResult("c-1", "pending", {"receipt": "C-7K2M9QXA"}))
    doorbell.tell(_vended())

    assert doorbell.wait("c-1", 1.0) == _vended()


def test_two_who_wait_already_both_get_it(
    redis: Redis, server: EmbeddedRedis, doorbell: Doorbell
) -> None:
    found: list[CallResult | None] = []
    waiting = [
        threading.Thread(target=lambda: found.append(doorbell.wait("c-1", 10.0))) for _ in range(2)
    ]
    for thread in waiting:
        thread.start()
    while cast("dict[str, int]", redis.info("clients"))["blocked_clients"] < 2:
        pass  # both are at the door

    doorbell.tell(_vended())

    for thread in waiting:
        thread.join()
    assert found == [_vended()] * 2


def test_who_waits_in_vain_gets_nothing(doorbell: Doorbell) -> None:
    doorbell.tell(_vended())

    assert doorbell.wait("c-2", 0.01) is None
    assert doorbell.wait("c-2", -1.0) is None


def test_a_forged_or_moved_result_is_no_result(
    redis: Redis, sealer: Sealer, doorbell: Doorbell
) -> None:
    doorbell.tell(_vended())
    kept = cast("list[bytes]", redis.lrange(doorbell._key(b"r:", "c-1"), 0, -1))
    redis.rpush(doorbell._key(b"r:", "c-2"), kept[0])
    redis.rpush(doorbell._key(b"r:", "c-3"), b'["vended", {"token": "1"}]')

    assert doorbell.wait("c-2", 1.0) is None
    assert doorbell.wait("c-3", 1.0) is None


def test_what_a_screen_told_is_remembered_by_its_outcome(doorbell: Doorbell) -> None:
    assert doorbell.shown("c-1") == ""

    doorbell.show(CallResult("c-1", "pending"))
    doorbell.show(CallResult("c-1", "declined"))

    assert doorbell.shown("c-1") == "declined"


def test_without_redis_a_look_up_is_not_started_and_no_bell_rings(
    tmp_path: Path, sealer: Sealer
) -> None:
    with EmbeddedRedis.start(tmp_path / "redis") as gone:
        doorbell = Doorbell(gone.url, sealer)
        assert doorbell.ring_purchase("p-1")

    with pytest.raises(NotStarted) as caught:
        doorbell.ring_call(_call())
    assert SERIAL not in str(caught.value)
    assert not doorbell.ring_purchase("p-2")
    with pytest.raises(RedisError):
        doorbell.wait("c-1", 0.01)
    doorbell._redis.close()
