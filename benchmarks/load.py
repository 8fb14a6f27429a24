"""Dialogs as fast as a server answers them, from processes of their own."""

from __future__ import annotations

import http.client
import itertools
import multiprocessing
import secrets
import threading
import time
from dataclasses import dataclass
from urllib.parse import quote

_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}
_NUMBERS = itertools.count(secrets.randbelow(10**6))
_SERIAL = "04246801379"
#: `text` of the five hops, and what each must show.
HOPS = (
    ("", b"1. Acheter"),
    ("1", b"rie"),
    (f"1*{_SERIAL}", b"kWh"),
    (f"1*{_SERIAL}*10", b"1. Payer"),
    (f"1*{_SERIAL}*10*1", b"END Pay"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the callers saw: dialogs done, hops that showed something else, seconds of each hop."""

    dialogs: int
    wrong: int
    seconds: float
    hop_seconds: tuple[float, ...]


def drive(port: int, seconds: float, processes: int, callers: int) -> Outcome:
    """`callers` dial again and again for so long, spread over `processes`."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        share = callers // processes
        began = time.perf_counter()
        results = pool.starmap(_many, [(port, seconds, share)] * processes)
        took = time.perf_counter() - began
    return Outcome(
        sum(dialogs for dialogs, _, _ in results),
        sum(wrong for _, wrong, _ in results),
        min(took, max(seconds, 0.001) * 1.5),
        tuple(sorted(each for _, _, hops in results for each in hops)),
    )


def _many(port: int, seconds: float, callers: int) -> tuple[int, int, list[float]]:
    found: list[tuple[int, int, list[float]]] = []
    guard = threading.Lock()
    until = time.perf_counter() + seconds

    def caller() -> None:
        mine = _dial(port, until)
        with guard:
            found.append(mine)

    threads = [threading.Thread(target=caller) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (
        sum(dialogs for dialogs, _, _ in found),
        sum(wrong for _, wrong, _ in found),
        [each for _, _, hops in found for each in hops],
    )


def _dial(port: int, until: float) -> tuple[int, int, list[float]]:
    dialogs = wrong = 0
    hops: list[float] = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    while time.perf_counter() < until:
        session = secrets.token_hex(8)
        # No two callers have one number: whoever dials again leaves the session before.
        number = quote(f"+22670{next(_NUMBERS) % 10**6:06d}")
        head = f"sessionId={session}&phoneNumber={number}&networkCode=99999&serviceCode=%2A789%23"
        for text, expected in HOPS:
            began = time.perf_counter()
            connection.request("POST", "/ussd/demo", f"{head}&text={quote(text)}", _HEADERS)
            body = connection.getresponse().read()
            hops.append(time.perf_counter() - began)
            wrong += expected not in body
        dialogs += 1
    connection.close()
    return dialogs, wrong, hops
