"""Whoever can write to Redis cannot make a worker act: forged jobs against the real workers."""

from __future__ import annotations

import json
import os
import pickle
import secrets
import select
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue, SimpleWorker, Worker
from rq.serializers import JSONSerializer

from ussd_app.effects import FAILED, Call, CallResult
from ussd_app.sealing import Sealer
from workers.__main__ import LookUpWorker, PurchaseWorker
from workers.queue import CALLS, Doorbell, SealedJob, SealedJson, queue

pytestmark = pytest.mark.usefixtures("here")

QUEUED = {"status": "queued", "created_at": "2026-11-22T12:00:00.000000Z", "timeout": "30"}


class Touch:
    """A pickle of this makes a file when it is opened."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self._path}",)


@dataclass
class Trap:
    """A file that appears and a socket that is called if forged content makes somebody act."""

    canary: Path
    socket: socket.socket

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}/"

    @property
    def sprung(self) -> bool:
        called, _, _ = select.select([self.socket], [], [], 0)
        return self.canary.exists() or bool(called)


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Trap]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield Trap(tmp_path / "canary", listening)


@pytest.fixture(params=[LookUpWorker, PurchaseWorker], ids=["thread", "fork"])
def worker(request: pytest.FixtureRequest, redis: Redis, sealer: Sealer) -> Iterator[Worker]:
    """Each kind of worker as `python -m workers` makes it, at the queue of look-ups."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield request.param(
        [queue(CALLS, redis, sealer)],
        connection=redis,
        serializer=SealedJson(sealer),
        job_class=SealedJob,
        worker_ttl=60,
    )
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _forge(redis: Redis, data: bytes, **fields: str | bytes) -> str:
    """A job as an intruder writes it, and its place in the queue."""
    job_id = secrets.token_hex(8)
    job = {**QUEUED, "origin": CALLS, "data": data, **fields}
    redis.hset(f"rq:job:{job_id}", mapping=job)  # type: ignore[arg-type]  # texts and octets
    redis.sadd("rq:queues", f"rq:queue:{CALLS}")
    redis.rpush(f"rq:queue:{CALLS}", job_id)
    return job_id


def _work(worker: Worker, redis: Redis) -> None:
    """Work until the queue is empty, again after whatever ended the worker, as `__main__` does."""
    for _ in range(10):
        worker.work(burst=True, logging_level="CRITICAL")
        if not redis.llen(f"rq:queue:{CALLS}"):
            return
    pytest.fail("the worker does not come to the end of the queue")


def _still_serves(worker: Worker, redis: Redis, doorbell: Doorbell) -> bool:
    call = Call("c-9", "tariffs.show", {}, 1.0, msisdn="+22670123456", language="fr")
    doorbell.ring_call(call)
    _work(worker, redis)
    return doorbell.wait("c-9", 1.0) == CallResult("c-9", FAILED)


def _look_up(sealer: Sealer, call_id: str = "c-1") -> bytes:
    """The sealed content of a look-up, as an intruder may have copied it from another job."""
    order = [call_id, "tariffs.show", {}, "+22670123456", "fr"]
    return SealedJson(sealer).dumps(["look_up", None, order, {}])


def _system(trap: Trap) -> list[Any]:
    return ["os.system", None, [f"touch {trap.canary}"], {}]


CONTENTS: dict[str, Callable[[Trap, Sealer], bytes]] = {
    "a pickle": lambda trap, _sealer: pickle.dumps(Touch(trap.canary)),
    "a pickled call": lambda trap, _sealer: pickle.dumps(tuple(_system(trap))),
    "JSON in clear": lambda trap, _sealer: json.dumps(_system(trap)).encode(),
    "sealed under another secret": lambda trap, _sealer: SealedJson(Sealer(bytes(32))).dumps(
        _system(trap)
    ),
    "sealed, and not allowed": lambda trap, sealer: SealedJson(sealer).dumps(_system(trap)),
    "sealed, a dotted name of ours": lambda _trap, sealer: SealedJson(sealer).dumps(
        ["workers.tasks.look_up", None, ["c-1", "tariffs.show", {}, "", ""], {}]
    ),
    "sealed, with an instance": lambda trap, sealer: SealedJson(sealer).dumps(
        ["look_up", "os", [f"touch {trap.canary}"], {}]
    ),
    "sealed for another place": lambda trap, sealer: sealer.seal(
        json.dumps(_system(trap)).encode(), b"session"
    ),
    "nothing": lambda _trap, _sealer: b"",
    "noise": lambda _trap, _sealer: bytes(range(256)),
}


@pytest.mark.parametrize("content", CONTENTS)
def test_forged_content_does_not_run_and_the_worker_goes_on(
    content: str,
    worker: Worker,
    redis: Redis,
    sealer: Sealer,
    doorbell: Doorbell,
    trap: Trap,
) -> None:
    _forge(redis, CONTENTS[content](trap, sealer))

    _work(worker, redis)

    assert doorbell.wait("c-1", 0.01) is None
    assert _still_serves(worker, redis, doorbell)
    assert not trap.sprung


def _fields(trap: Trap) -> dict[str, str | bytes]:
    """Every field of RQ's job hash that could make a worker act."""
    pickled = pickle.dumps(Touch(trap.canary))
    hooks = [
        {"url": trap.url, "job_status": status, "timeout": 1} for status in ("finished", "failed")
    ]
    return {
        "webhooks": json.dumps(hooks),
        "success_callback_name": "os.system",
        "failure_callback_name": "os.system",
        "stopped_callback_name": "os.system",
        "dependency_ids": json.dumps(["another"]),
        "dependency_id": "another",
        "meta": pickled,
        "result": pickled,
        "exc_info": pickled,
        "repeats_left": "3",
        "repeat_intervals": "[0, 0, 0]",
        "retries_left": "3",
        "number_of_retries": "0",
        "retry_intervals": "[0]",
        "group_id": "another",
        "rate_limit_key": "another",
        "rate_limit_concurrency": "0",
    }


def test_fields_of_a_copied_job_make_nobody_act(
    worker: Worker, redis: Redis, sealer: Sealer, doorbell: Doorbell, trap: Trap
) -> None:
    """A job of ours with every such field: it runs once, and nothing else does."""
    job_id = _forge(redis, _look_up(sealer), **_fields(trap))

    _work(worker, redis)

    assert doorbell.wait("c-1", 1.0) == CallResult("c-1", FAILED)
    assert redis.llen(f"rq:queue:{CALLS}") == 0
    assert not redis.zscore(f"rq:scheduled:{CALLS}", job_id)
    assert not trap.sprung


def test_fields_of_a_job_that_fails_make_nobody_act(
    worker: Worker, redis: Redis, sealer: Sealer, doorbell: Doorbell, trap: Trap
) -> None:
    _forge(redis, SealedJson(sealer).dumps(_system(trap)), **_fields(trap))

    _work(worker, redis)

    assert redis.llen(f"rq:queue:{CALLS}") == 0
    assert _still_serves(worker, redis, doorbell)
    assert not trap.sprung


@pytest.mark.parametrize("registry", ["wip", "ready", "deferred", "scheduled", "failed"])
def test_a_forged_registry_makes_nobody_act(
    registry: str, worker: Worker, redis: Redis, sealer: Sealer, doorbell: Doorbell, trap: Trap
) -> None:
    """Maintenance reads the registries; what it finds there is no more believed than a job."""
    for number, data in enumerate((pickle.dumps(Touch(trap.canary)), _look_up(sealer, "c-2"))):
        job_id = _forge(redis, data, **{**_fields(trap), "status": "started"})
        redis.lrem(f"rq:queue:{CALLS}", 0, job_id)
        redis.zadd(f"rq:{registry}:{CALLS}", {job_id: 1, f"{job_id}:e{number}": 1})

    _work(worker, redis)

    assert _still_serves(worker, redis, doorbell)
    assert not trap.sprung


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "no such status"},
        {"created_at": "yesterday"},
        {"timeout": "for ever"},
        {"result_ttl": "x", "ttl": "y"},
        {"origin": "elsewhere"},
        {"worker_name": b"\xff\xfe"},
        {"\udcff": "a field that is no text"},
    ],
    ids=str,
)
def test_a_job_that_cannot_be_read_does_not_end_the_worker_for_good(
    fields: dict[str, str | bytes],
    worker: Worker,
    redis: Redis,
    sealer: Sealer,
    doorbell: Doorbell,
) -> None:
    job_id = _forge(redis, _look_up(sealer))
    for name, value in fields.items():
        redis.hset(f"rq:job:{job_id}", name.encode(errors="surrogateescape"), value)

    _work(worker, redis)

    assert _still_serves(worker, redis, doorbell)


def test_a_bell_for_a_purchase_that_is_not_there_is_harmless(
    redis: Redis, worker: Worker, sealer: Sealer, doorbell: Doorbell
) -> None:
    _forge(redis, SealedJson(sealer).dumps(["advance", None, ["no-such"], {}]))

    _work(worker, redis)

    assert redis.zcard(f"rq:failed:{CALLS}") == 0
    assert doorbell.wait("no-such", 0.01) is None


@pytest.mark.parametrize("kind", ["pickle", "json", "webhook"])
def test_the_same_forgeries_work_on_rq_as_it_comes(kind: str, redis: Redis, trap: Trap) -> None:
    """The control: these traps are real ones."""
    plain = json.dumps(["os.getpid", None, [], {}]).encode()
    if kind == "pickle":
        _forge(redis, pickle.dumps(Touch(trap.canary)))
        serializer: Any = None
    else:
        hook = {"webhooks": _fields(trap)["webhooks"]} if kind == "webhook" else {}
        _forge(redis, plain if hook else json.dumps(_system(trap)).encode(), **hook)
        serializer = JSONSerializer
    worker = SimpleWorker(
        [Queue(CALLS, connection=redis, serializer=serializer)],
        connection=redis,
        serializer=serializer,
    )
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    worker.work(burst=True, logging_level="CRITICAL")
    for number, handler in handlers.items():
        signal.signal(number, handler)

    assert trap.sprung
