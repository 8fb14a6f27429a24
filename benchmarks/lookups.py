"""What a look-up costs a worker: ours, and RQ's default worker doing the same answer by hand.

`python -m benchmarks.lookups ours|default REDIS_URL` is the worker under measure: it works until
the queue is empty and prints the CPU seconds of itself and of its children.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

from redis import Redis
from rq import Queue, Worker

from benchmarks import measure
from cassou.embedded import EmbeddedRedis
from outward.results import Success
from platform_client.client import Meter
from ussd_app.effects import Call
from ussd_app.rates import limiter
from ussd_app.sealing import Sealer
from workers import __main__ as workers
from workers import office as offices
from workers import settings as settings_module
from workers import tasks
from workers.guesses import Guesses
from workers.queue import Doorbell

_JOBS = 400
_SECRET = bytes(range(32))
_METER = Meter(
    serial="04246801379", customer="Awa Ouedraogo", status="active", tariff_id="domestic"
)


class _Platform:
    """A platform that answers at once."""

    def meter(self, _serial: str, _deadline: float) -> Success[Meter]:
        return Success(_METER)


def by_hand(call_id: str) -> None:
    """The same look-up as RQ's own worker would do it: a result pushed where it is waited for."""
    with Redis.from_url(os.environ["CASSOU_REDIS_URL"]) as redis:
        redis.rpush(f"r:{call_id}", json.dumps(["found", {"customer": _METER.customer}]))


def run() -> int:
    """Print the figures."""
    print(f"\n{_JOBS} look-ups: CPU of the worker, ms each; interleaved rounds")
    ratios = []
    with (
        tempfile.TemporaryDirectory(prefix="cassou-bench-") as name,
        EmbeddedRedis.start(Path(name)) as redis,
    ):
        for _ in range(3):
            default, ours = (_cost(kind, redis.url) for kind in ("default", "ours"))
            ratios.append(default / ours)
            print(f"RQ's default worker {default:6.2f}   ours {ours:6.2f}")
    print(f"ours costs {measure.median(ratios):.1f} times less")
    return 0


def _cost(kind: str, url: str) -> float:
    """CPU milliseconds of a worker per look-up."""
    env = {
        **os.environ,
        "CASSOU_REDIS_URL": url,
        "CASSOU_SECRET_KEY": _SECRET.hex(),
        "PYTHONPATH": str(Path(__file__).parent.parent),
    }
    with Redis.from_url(url) as redis:
        redis.flushall()
        if kind == "ours":
            doorbell = Doorbell(url, Sealer(_SECRET))
            for number in range(_JOBS):
                doorbell.ring_call(
                    Call(f"c-{number}", "meters.find", {"serial": _METER.serial}, 3.0)
                )
        else:
            queue = Queue("bench", connection=redis)
            for number in range(_JOBS):
                queue.enqueue(by_hand, f"c-{number}", result_ttl=0)
        command = [sys.executable, "-m", "benchmarks.lookups", kind, url]
        done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
        answers = sum(1 for _ in redis.scan_iter("r:*", count=1000))
    if answers != _JOBS:
        raise RuntimeError(f"{kind}: {answers} answers to {_JOBS} look-ups\n{done.stderr}")
    return float(done.stdout) * 1000 / _JOBS


def _work(kind: str, url: str) -> None:
    if kind == "ours":
        settings = settings_module.load()
        sealer = Sealer(_SECRET)
        nothing = cast("Any", None)
        here = offices.Office(
            settings,
            nothing,
            Doorbell(url, sealer),
            nothing,
            nothing,
            cast("Any", _Platform()),
            nothing,
            nothing,
            nothing,
            nothing,
            Guesses(limiter(url), sealer, settings.unknown_meters_per_hour),
        )
        # The one seam: what the job takes for its process's office.
        tasks.__dict__["office"] = lambda: here
        worker = workers.look_up_worker(settings, sealer)
    else:
        worker = cast("Any", Worker(["bench"], connection=Redis.from_url(url)))
    before = _cpu_seconds()
    worker.work(burst=True, logging_level="ERROR")
    print(_cpu_seconds() - before)


def _cpu_seconds() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in both)


if __name__ == "__main__":
    _work(*sys.argv[1:3])
