"""Transcripts as load: dialogs begun at a steady rate, whether or not those before have ended.

A reply's time is counted from when its callback was due, so that a server that falls behind cannot
make its own figures better. Each dialog has a number of its own.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import requests

from ussd_app.gateways import Gateway
from ussd_app.messages import HttpRequest, Screen
from ussd_app.replay.over_http import BadReply, HttpPhone
from ussd_app.replay.player import Around, play
from ussd_app.replay.transcript import Transcript

#: Dialogs that are under way at once at most; more are told as not begun.
DIALOGS_MAX = 256
_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Hop:
    """One callback and its reply: when it was due, since the beginning, and how long it took."""

    due: float
    seconds: float


@dataclass
class Load:
    """What came of it. `late_seconds` is how far this machine fell behind in beginning dialogs."""

    rate: float
    seconds: float
    hops: list[Hop] = field(default_factory=list)
    dialogs: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    not_begun: int = 0
    late_seconds: float = 0.0

    def quantile(self, part: float) -> float:
        """Seconds within which so many of the replies came; 0 where there were none."""
        taken = sorted(hop.seconds for hop in self.hops)
        return taken[min(int(len(taken) * part), len(taken) - 1)] if taken else 0.0


class _TimedPhone(HttpPhone):
    """A phone that notes how long its replies take."""

    def __init__(
        self, url: str, gateway: Gateway, msisdn: str, codes: tuple[str, ...], load: _Running
    ) -> None:
        super().__init__(url, gateway, msisdn, codes, _TIMEOUT_SECONDS, load.prepare)
        self._load = load
        self.due = 0.0

    def _send(self) -> Screen:
        try:
            return super()._send()
        finally:
            now = time.monotonic()
            self._load.took(self.due, now)
            # Nobody thinks here: the next one is due when this one has come.
            self.due = now


class _Running:
    """A load under way."""

    def __init__(self, load: Load, prepare: Callable[[HttpRequest], HttpRequest]) -> None:
        self.load = load
        self.prepare = prepare
        self.began = time.monotonic()
        self._guard = threading.Lock()

    def took(self, due: float, now: float) -> None:
        with self._guard:
            self.load.hops.append(Hop(due - self.began, now - due))

    def ended(self, wrong: str, error: str) -> None:
        with self._guard:
            self.load.dialogs += 1
            if wrong:
                self.load.wrong.append(wrong)
            if error:
                self.load.errors[error] = self.load.errors.get(error, 0) + 1


def drive(
    transcripts: Sequence[Transcript],
    url: str,
    gateway: Gateway,
    rate: float,
    seconds: float,
    prepare: Callable[[HttpRequest], HttpRequest] = lambda callback: callback,
    on_begun: Callable[[int], None] = lambda _dialogs: None,
) -> Load:
    """Begin `rate` dialogs a second for so long, the transcripts in turn; wait for all to end."""
    running = _Running(Load(rate, seconds), prepare)
    load = running.load
    free = threading.Semaphore(DIALOGS_MAX)
    numbers = itertools.count(time.time_ns() // 1_000_000)
    with ThreadPoolExecutor(DIALOGS_MAX) as pool:
        for number in range(int(rate * seconds)):
            due = running.began + number / rate
            delay = due - time.monotonic()
            if delay > 0:
                time.sleep(delay)
            load.late_seconds = max(load.late_seconds, -delay)
            on_begun(number + 1)
            if not free.acquire(blocking=False):
                load.not_begun += 1
                continue
            msisdn = f"+22670{next(numbers) % 10**6:06d}"
            transcript = replace(transcripts[number % len(transcripts)], msisdn=msisdn)
            pool.submit(_dialog, running, url, gateway, transcript, due, free)
    return load


def _dialog(
    running: _Running,
    url: str,
    gateway: Gateway,
    transcript: Transcript,
    due: float,
    free: threading.Semaphore,
) -> None:
    code = f"*{transcript.dial.strip('*#').split('*')[0]}#"
    phone = _TimedPhone(url, gateway, transcript.msisdn, (code,), running)
    phone.due = due
    wrong = error = ""
    try:
        wrong = play(transcript, phone, Around()).failure
    except BadReply as refused:
        error = str(refused).split("\n")[0]
    except requests.RequestException as failed:
        error = type(failed).__name__
    finally:
        free.release()
        running.ended(wrong, error)
