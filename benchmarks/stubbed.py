"""Ours: the production application from `wsgi.py`, all protections on; stubs for back-ends only."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from flask import Flask

import wsgi
from ussd_app.effects import Call, CallResult, Message, Value
from workers import settings as settings_module

_FIELDS: Mapping[str, tuple[str, Mapping[str, Value]]] = {
    "purchases.open": ("none", {}),
    "meters.find": ("found", {"customer": "Awa Ouedraogo"}),
    "tariffs.quote": (
        "ok",
        {"id": "q-1", "total": 1135, "valid_until": "2099-01-01T00:00:00+00:00"},
    ),
    "purchase.start": ("vended", {"token": "01234567890123456789", "receipt": "C-7K2M9QXA"}),
}


class Stubs:
    """Answers every call at once, or every so-many-th after a while on the waiting path."""

    def __init__(self, wait_every: int, wait_seconds: float) -> None:
        self._every = wait_every
        self._seconds = wait_seconds
        self._calls = 0

    def known(self, call: Call) -> CallResult | None:
        """See `Backends.known`: every look-up, but for those that are to wait."""
        return None if self._waits() else _result(call)

    def start(self, call: Call) -> CallResult | None:
        """See `Backends.start`."""
        return None if not call.once or self._waits() else _result(call)

    def _waits(self) -> bool:
        self._calls += 1
        return bool(self._every) and self._calls % self._every == 0

    def wait(self, call: Call, seconds: float) -> CallResult | None:
        """See `Backends.wait`."""
        time.sleep(min(self._seconds, seconds))
        return _result(call)

    def shown(self, call: Call, result: CallResult) -> None:
        """See `Backends.shown`."""

    def send(self, message: Message) -> None:
        """See `Backends.send`."""


def _result(call: Call) -> CallResult:
    outcome, fields = _FIELDS[call.backend]
    return CallResult(call.id, outcome, fields)


def application() -> Flask:
    """The WSGI application."""
    stubs = Stubs(
        int(os.environ.get("BENCH_WAIT_EVERY", "0")),
        float(os.environ.get("BENCH_WAIT_SECONDS", "0.3")),
    )
    return wsgi.build(settings_module.load(), stubs)
