"""`make bench`: the five-hop dialog against a hand-written reference, and the whole path.

`python -m benchmarks PART…` runs some parts: check, replay, compare, dialog, callers, gateways,
waiting, hung, lookups, memory, whole.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import requests

from benchmarks import checking, comparing, gateways, hung, load, lookups, measure, replaying
from cassou.embedded import EmbeddedRedis
from cassou.inbox import Sandbox
from cassou.stack import Stack, free_port
from ussd_app.gateways import GATEWAYS
from ussd_app.replay.over_http import HttpPhone

_ROOT = Path(__file__).parent.parent
_ROUNDS = 3
_SECONDS = 4.0
_PROCESSES, _THREADS = 2, 16
_PURCHASES = 40
#: A head end system refuses a meter more than half an hour's tokens at once (one a minute).
_METERS = ("04246801379", "04246802740", "04246805487", "04246808226", "04246809596")


def main(parts: list[str]) -> int:
    """Run the parts asked for, or all; 1 if anything showed a wrong screen."""
    known: dict[str, Callable[[], int]] = {
        "check": checking.run,
        "replay": replaying.run,
        "compare": comparing.run,
        "dialog": dialog,
        "callers": callers,
        "gateways": gateways.run,
        "waiting": waiting,
        "hung": hung.main,
        "lookups": lookups.run,
        "memory": gateways.memory,
        "whole": whole,
    }
    unknown = sorted(set(parts) - set(known))
    if unknown:
        print(f"no part {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    print(f"machine: {measure.machine()}")
    return 1 if sum(known[part]() for part in parts or list(known)) else 0


def dialog() -> int:
    """CPU and speed of the dialog, back-ends stubbed, both apps on the same server, in turn.

    `open` is ours without trust checks and rate limits, `ours` with both.
    """
    print("\nfive-hop dialog, back-ends stubbed in process, 16 callers; interleaved rounds")
    columns = ("dialogs/s", "p50 ms", "p99 ms", "MiB")
    print(f"{'':10}{'CPU s/1000':>12}{'Redis':>8}" + "".join(f"{each:>11}" for each in columns))
    wrong = 0
    ratios: dict[str, list[float]] = {"open": [], "ours": []}
    with (
        tempfile.TemporaryDirectory(prefix="cassou-bench-") as name,
        EmbeddedRedis.start(Path(name) / "redis") as redis,
    ):
        for _ in range(_ROUNDS):
            cost = {}
            for app in ("bare", "open", "ours"):
                cost[app], amiss = _driven(app, redis, Path(name))
                wrong += amiss
            for app, found in ratios.items():
                found.append(cost[app] / cost["bare"])
    for app, found in ratios.items():
        each = ", ".join(f"{ratio:.2f}" for ratio in found)
        print(f"CPU {app}/bare: {each}; median {statistics.median(found):.2f}")
    print(f"wrong screens {wrong}")
    return wrong


def _driven(app: str, redis: EmbeddedRedis, directory: Path) -> tuple[float, int]:
    """CPU seconds of a server for 1,000 dialogs, and how many screens were wrong."""
    port = free_port()
    target = f"benchmarks.{'bare' if app == 'bare' else 'stubbed'}:application"
    command = measure.granian(target, port, _PROCESSES, _THREADS)
    env = hung.environment(redis.url, directory, guarded=app != "open")
    with measure.serving(command, port, env) as server:
        load.drive(port, 0.5, 1, 8)
        before = measure.cpu_seconds(server.pid)
        redis_before = measure.cpu_seconds(redis.pid)
        seen = load.drive(port, _SECONDS, 1, 16)
        used = measure.cpu_seconds(server.pid) - before
        redis_used = measure.cpu_seconds(redis.pid) - redis_before
        memory = measure.pss_mib(server.pid)
    cost = used * 1000 / seen.dialogs
    print(
        f"{app:10}{cost:12.2f}"
        f"{redis_used * 1000 / seen.dialogs:8.2f}"
        f"{seen.dialogs / _SECONDS:11.0f}"
        f"{_at(seen.hop_seconds, 0.5):11.1f}{_at(seen.hop_seconds, 0.99):11.1f}"
        f"{memory:11.0f}"
    )
    return cost, seen.wrong


def callers() -> int:
    """How long a hop takes for one caller, and for each of many at once."""
    print("\nhops of the same dialog, everything on")
    print(f"{'callers':10}{'dialogs/s':>11}{'p50 ms':>8}{'p99 ms':>8}")
    wrong = 0
    with (
        tempfile.TemporaryDirectory(prefix="cassou-bench-") as name,
        EmbeddedRedis.start(Path(name) / "redis") as redis,
    ):
        port = free_port()
        command = measure.granian("benchmarks.stubbed:application", port, _PROCESSES, _THREADS)
        with measure.serving(command, port, hung.environment(redis.url, Path(name))):
            load.drive(port, 0.5, 1, 8)
            for many in (1, 64):
                seen = load.drive(port, _SECONDS, 1, many)
                wrong += seen.wrong
                print(
                    f"{many:<10}{seen.dialogs / _SECONDS:11.0f}"
                    f"{_at(seen.hop_seconds, 0.5):8.1f}{_at(seen.hop_seconds, 0.99):8.1f}"
                )
    return wrong


def waiting() -> int:
    """How the other callers fare while one call in twenty waits 300 ms for a back-end."""
    print("\none call in 20 waits 300 ms; 32 callers: hops of all callers")
    print(f"{'threads':10}{'dialogs/s':>11}{'p50 ms':>8}{'p95 ms':>8}")
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="cassou-bench-") as name:
        directory = Path(name)
        with EmbeddedRedis.start(directory / "redis") as redis:
            for threads in (1, 4, 8, 16):
                env = {
                    **hung.environment(redis.url, directory),
                    "BENCH_WAIT_EVERY": "20",
                    "CASSOU_WEB_THREADS": str(max(threads, 2)),
                    "CASSOU_WAITING_CALLERS_MAX": str(max(threads, 2) - 1),
                }
                port = free_port()
                command = measure.granian(
                    "benchmarks.stubbed:application", port, _PROCESSES, threads
                )
                with measure.serving(command, port, env):
                    load.drive(port, 0.5, 1, 8)
                    seen = load.drive(port, _SECONDS, 1, 32)
                print(
                    f"{f'2 x {threads}':10}{seen.dialogs / _SECONDS:11.0f}"
                    f"{_at(seen.hop_seconds, 0.5):8.1f}{_at(seen.hop_seconds, 0.95):8.1f}"
                )
    # A caller that finds no free slot reads a holding screen, which this load counts as wrong.
    return wrong


def whole() -> int:
    """Purchases through everything: RQ, workers, ledger, simulators, head end system."""
    print("\nwhole purchases: dial to SMS, 4 callers, RQ, ledger, simulators, real tokens")
    with tempfile.TemporaryDirectory(prefix="cassou-bench-") as name:
        stack = Stack(Path(name), lambda _name, _line: None)
        addresses = stack.start()
        try:
            sandbox = Sandbox(addresses.operator)
            began = time.perf_counter()
            with ThreadPoolExecutor(4) as pool:
                buy = partial(_buy, addresses.web, addresses.operator)
                hops = list(pool.map(buy, range(_PURCHASES)))
            took = time.perf_counter() - began
            missing = sum(
                sandbox.wait_sms(_number(n), lambda text: "Code" in text, 20) is None
                for n in range(_PURCHASES)
            )
        finally:
            stack.stop()
    seconds = sorted(each for each, _ in hops)
    shown = sum(token for _, token in hops)
    p50, p95 = _at(seconds, 0.5), _at(seconds, 0.95)
    print(f"{_PURCHASES} purchases in {took:.1f} s; dialog p50 {p50:.0f} ms, p95 {p95:.0f} ms")
    print(f"token on the screen {shown}/{_PURCHASES}; SMS missing {missing}")
    return missing


def _number(number: int) -> str:
    return f"+22670130{number:03d}"


def _buy(web: str, operator: str, number: int) -> tuple[float, bool]:
    msisdn = _number(number)
    url = f"{operator}/_sandbox/wallets/{msisdn}"
    requests.put(url, json={"balance_minor": 100_000}, timeout=10).raise_for_status()
    phone = HttpPhone(f"{web}/ussd/demo", GATEWAYS["africastalking"], msisdn, ("*789#",))
    began = time.perf_counter()
    phone.dial("*789#")
    for typed in ("1", _METERS[number % len(_METERS)], "10"):
        phone.send(typed)
    last = phone.send("1")
    return time.perf_counter() - began, "Code" in last.text


def _at(ordered: tuple[float, ...] | list[float], part: float) -> float:
    """A quantile in milliseconds."""
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] * 1000 if ordered else 0.0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
