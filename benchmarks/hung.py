"""Every back-end hung: whether a reply is late, how many callers wait, how the others fare."""

from __future__ import annotations

import http.client
import itertools
import secrets
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from benchmarks import measure
from cassou.embedded import EmbeddedRedis
from cassou.stack import free_port

_NUMBERS = itertools.count()
_SERIAL = "04246801379"
_CALLERS = 96
_SECONDS = 20.0
_BUDGET_SECONDS = 5.0
#: Callers think between hops: what is measured is waiting, not how fast a machine is.
_THINKS_SECONDS = 0.4
#: A hop that took longer than this has waited for a back-end.
_WAITED_SECONDS = 0.9
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


def run(environment: Mapping[str, str], processes: int, threads: int) -> int:
    """Print the figures; how many replies were late or no screen."""
    print(f"\nevery back-end hung; {_CALLERS} callers for {_SECONDS:.0f} s, budget 5 s")
    port = free_port()
    env = {**environment, "BENCH_WAIT_EVERY": "1", "BENCH_WAIT_SECONDS": "600"}
    command = measure.granian("benchmarks.stubbed:application", port, processes, threads)
    waited: list[tuple[float, float]] = []
    others: list[float] = []
    wrong = [0]
    until = time.monotonic() + _SECONDS
    with measure.serving(command, port, env):
        callers = [
            threading.Thread(target=_call, args=(port, until, waited, others, wrong))
            for _ in range(_CALLERS)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    everybody = sorted(end - began for began, end in waited) + sorted(others)
    late = sum(took > _BUDGET_SECONDS for took in everybody)
    others.sort()
    print(f"{len(everybody)} replies, late {late}, the longest {max(everybody):.2f} s")
    print(f"waited {len(waited)}, at most {_most_at_once(waited)} at once: {processes} x 12 may")
    p50, p99 = (others[int(len(others) * part)] * 1000 for part in (0.5, 0.99))
    print(f"the others: p50 {p50:.1f} ms, p99 {p99:.1f} ms; no screen {wrong[0]}")
    return late + wrong[0]


def _call(
    port: int,
    until: float,
    waited: list[tuple[float, float]],
    others: list[float],
    wrong: list[int],
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    while time.monotonic() < until:
        number = quote(f"+22670{next(_NUMBERS) % 10**6:06d}")
        head = f"sessionId={secrets.token_hex(8)}&phoneNumber={number}&serviceCode=%2A789%23"
        # Each dial waits for what the ledger would say, and then goes on waiting.
        for text in ("", "1", "1*1", "1*1*1", "1*1*1*1", f"1*1*1*1*{_SERIAL}"):
            time.sleep(_THINKS_SECONDS)
            began = time.monotonic()
            connection.request("POST", "/ussd/demo", f"{head}&text={quote(text)}", _HEADERS)
            body = connection.getresponse().read()
            ended = time.monotonic()
            if not body.startswith((b"CON ", b"END ")):
                wrong[0] += 1
            if ended - began > _WAITED_SECONDS:
                waited.append((began, ended))
            else:
                others.append(ended - began)
    connection.close()


def _most_at_once(spans: list[tuple[float, float]]) -> int:
    """The most spans that overlap."""
    steps = sorted([(began, 1) for began, _ in spans] + [(ended, -1) for _, ended in spans])
    most = now = 0
    for _, step in steps:
        now += step
        most = max(most, now)
    return most


def main() -> int:
    """The figures, on a server of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="cassou-bench-") as name,
        EmbeddedRedis.start(Path(name) / "redis") as redis,
    ):
        return run(environment(redis.url, Path(name)), 2, 16)


def environment(redis_url: str, directory: Path, *, guarded: bool = True) -> dict[str, str]:
    """Production's settings; where not `guarded`, nobody is counted and anybody trusted."""
    trust = '{peers: [127.0.0.0/8, "::1/128"]}' if guarded else "open"
    file = directory / f"endpoints-{'guarded' if guarded else 'open'}.yaml"
    file.write_text(
        "cassou: 1\nendpoints:\n  demo:\n    gateway: africastalking\n"
        f'    trust: {trust}\n    service_codes: ["*789#"]\n'
        f"    callbacks_per_second: {1_000_000 if guarded else 0}\n"
    )
    return {
        "CASSOU_REDIS_URL": redis_url,
        "CASSOU_VAR_DIR": str(directory),
        "CASSOU_ENDPOINTS_FILE": str(file),
        "CASSOU_ENVIRONMENT": "production" if guarded else "development",
        "CASSOU_DIALS_PER_MINUTE": "20" if guarded else "0",
        "CASSOU_SECRET_KEY": "ab" * 32,
    }
