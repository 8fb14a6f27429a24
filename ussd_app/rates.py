"""How many dials of a number and callbacks of an endpoint are let in, counted in Redis.

A number's dials are counted one by one, over a sliding minute. An endpoint's callbacks are many
and alike: each process takes them from Redis in lots of a fiftieth of what a second lets in, so
that counting costs next to nothing, and the limit holds to within a lot for each process.

Where Redis does not answer, nobody is refused: the hop itself will find out.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

#: Lots that a second's callbacks are taken in.
_LOTS = 50
#: How long a full endpoint is not asked for again.
_FULL_SECONDS = 0.1


#: Sends one command and gives its answer: `store.Wire.command`.
Command = Callable[..., Any]


class Limiter(Protocol):
    """What counts: one of the library's limiters."""

    def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        """Whether `cost` more are let in, which are then counted."""
        ...


class _Scripts:
    """As much of a Redis client as the library's scripts need, over a connection that is there."""

    def __init__(self, command: Command) -> None:
        self._command = command

    def register_script(self, script: str | bytes) -> Callable[..., Any]:
        """What runs a script, as the client's own would."""
        text = script.encode() if isinstance(script, str) else script
        digest = hashlib.sha1(text, usedforsecurity=False).hexdigest()

        def run(keys: Sequence[str], arguments: Sequence[object]) -> Any:  # whatever it answers
            words = (str(len(keys)), *keys, *map(str, arguments))
            try:
                return self._command("EVALSHA", digest, *words)
            except NoScriptError:
                return self._command("EVAL", text, *words)

        return run


class _OverCommand(RedisStorage):
    """The library's storage over a connection of ours, at a third of its cost."""

    #: No URL leads here.
    STORAGE_SCHEME = []  # noqa: RUF012  # declared so by the library

    def __init__(self, command: Command) -> None:
        self._scripts = _Scripts(command)
        super().__init__("redis://", key_prefix="l")

    def get_connection(self, readonly: bool = False) -> Any:  # noqa: FBT001, FBT002  # its way
        """See `RedisStorage.get_connection`."""
        return self._scripts


def limiter_over(command: Command) -> Limiter:
    """A limiter that counts by the commands it is given."""
    return SlidingWindowCounterRateLimiter(_OverCommand(command))


def limiter(url: str, timeout_seconds: float = 1.0) -> SlidingWindowCounterRateLimiter:
    """A limiter that counts in the Redis at `url`."""
    storage = RedisStorage(
        f"redis+{url}" if url.startswith("unix:") else url,
        key_prefix="l",
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]  # handed on to redis as it is
    )
    return SlidingWindowCounterRateLimiter(storage)


@dataclass(slots=True)
class _Lot:
    """Callbacks of one endpoint that may still be let in without asking."""

    left: int = 0
    until: float = 0.0
    full_until: float = 0.0
    is_asked: bool = False
    guard: threading.Lock = field(default_factory=threading.Lock)


class Rates:
    """What is let in. `dials_per_minute` is one number's; 0 of anything is no limit.

    `gone` is what `counted` raises where Redis does not answer.
    """

    def __init__(
        self, counted: Limiter, dials_per_minute: int, gone: type[Exception] = RedisError
    ) -> None:
        self._limiter = counted
        self._gone = gone
        self._dials = RateLimitItemPerMinute(dials_per_minute) if dials_per_minute else None
        self._lots: dict[str, _Lot] = {}
        self._guard = threading.Lock()

    def lets_dial(self, number: bytes) -> bool:
        """Whether a number, given as its keyed hash, may begin another session."""
        if self._dials is None:
            return True
        try:
            return self._limiter.hit(self._dials, "dial", number.hex())
        except self._gone:
            return True

    def lets_in(self, endpoint: str, per_second: int) -> bool:
        """Whether one more callback of an endpoint is let in."""
        if not per_second:
            return True
        lot = self._lots.get(endpoint)
        if lot is None:
            with self._guard:
                lot = self._lots.setdefault(endpoint, _Lot())
        with lot.guard:
            if lot.left > 0 and time.monotonic() < lot.until:
                lot.left -= 1
                return True
            if lot.is_asked or time.monotonic() < lot.full_until:
                # While one asks, the others are let in: nobody waits for Redis but who must.
                return lot.is_asked
            lot.is_asked = True
        given = self._given(endpoint, per_second)
        with lot.guard:
            lot.is_asked = False
            now = time.monotonic()
            lot.left, lot.until = given - 1, now + 1.0
            lot.full_until = 0.0 if given else now + _FULL_SECONDS
        return given > 0

    def _given(self, endpoint: str, per_second: int) -> int:
        """Another lot: none where the endpoint is full, a second's worth where nobody counts."""
        size = max(per_second // _LOTS, 1)
        item = RateLimitItemPerSecond(per_second)
        try:
            return size if self._limiter.hit(item, "callback", endpoint, cost=size) else 0
        except self._gone:
            return per_second
