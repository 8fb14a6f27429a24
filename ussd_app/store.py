"""Sessions in Redis: one key a session, loaded by GET, replaced by one compare-and-set script.

A value is a random 12-octet tag, then the sealed record. Whoever replaces a record names the tag it
has seen; if another was quicker, it gets the winner's record instead and has changed nothing. A
script that is sent again after a lost reply finds its own tag and succeeds again. There is no lock,
so none can go stale. Keys are keyed hashes; nothing stands in clear.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from hiredis import pack_command
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from ussd_app import session as sessions
from ussd_app.messages import UssdReply
from ussd_app.sealing import SealBroken, Sealer
from ussd_app.session import Session

_TAG_OCTETS = 12

_SWAP = b"""
local found = redis.call('GET', KEYS[1])
local tag = found and string.sub(found, 1, 12) or ''
if tag == ARGV[1] or tag == ARGV[2] then
  redis.call('SET', KEYS[1], ARGV[2] .. ARGV[3], 'PX', ARGV[4])
  return nil
end
return found or ''
"""
_SWAP_SHA = hashlib.sha1(_SWAP, usedforsecurity=False).hexdigest()


class StoreDown(Exception):  # noqa: N818  # what is so
    """The session store cannot be reached, or what it holds cannot be read."""


class Record(NamedTuple):
    """A session as stored, and its newest hop.

    `hop` and `position` are those of the newest callback; `accumulated` its whole text, where the
    gateway sends all of it; `reply` is None from the claim until the hop is answered; `claimed_at`
    and `answered_at` are in seconds since the epoch. `tag` is the store's.
    """

    session: Session
    hop: str
    position: int | None
    accumulated: str
    reply: UssdReply | None
    claimed_at: float
    answered_at: float = 0.0
    tag: bytes = b""


class Store(Protocol):
    """Where sessions are kept between hops."""

    def load(self, key: bytes) -> Record | None:
        """The record under `key`, or None; raises `StoreDown`."""
        ...

    def swap(
        self, key: bytes, seen: bytes, record: Record, seconds: float = 0.0
    ) -> tuple[bool, Record | None]:
        """Replace what had the tag `seen` (empty: nothing) by `record`; raises `StoreDown`.

        It is remembered for `seconds` at least.

        (True, the record with its new tag), or (False, what another put there: None if nothing).
        """
        ...

    def recall(self, keys: Sequence[bytes]) -> list[Any]:
        """What is kept beside the sessions under each of `keys`, or None; raises `StoreDown`."""
        ...

    def keep(self, key: bytes, value: object, seconds: float) -> None:
        """Keep a plain value beside the sessions for so long, or forget it; raises `StoreDown`."""
        ...

    def exchange(self, key: bytes, value: object, seconds: float) -> Any:
        """Keep a plain value as `keep` does; what was there before. Raises `StoreDown`."""
        ...

    def first(self, key: bytes, value: object, seconds: float) -> Any:
        """Keep a plain value unless there is one: None, or what is there. Raises `StoreDown`."""
        ...


class MemoryStore:
    """A store within one process, for phones without Redis. It round-trips every record."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._kept: dict[bytes, tuple[float, bytes]] = {}
        self._guard = threading.Lock()

    def load(self, key: bytes) -> Record | None:
        """See `Store.load`."""
        value = self._values.get(key)
        return None if value is None else _unpack(value)

    def swap(
        self, key: bytes, seen: bytes, record: Record, seconds: float = 0.0
    ) -> tuple[bool, Record | None]:
        """See `Store.swap`."""
        tag = os.urandom(_TAG_OCTETS)
        with self._guard:
            found = self._values.get(key)
            if (found[:_TAG_OCTETS] if found else b"") != seen:
                return False, None if found is None else _unpack(found)
            self._values[key] = tag + _pack(record)
        return True, record._replace(tag=tag)

    def recall(self, keys: Sequence[bytes]) -> list[Any]:
        """See `Store.recall`."""
        found = (self._kept.get(key, (0.0, b"")) for key in keys)
        return [
            sessions.unpack(value)[0] if value and until > time.monotonic() else None
            for until, value in found
        ]

    def keep(self, key: bytes, value: object, seconds: float) -> None:
        """See `Store.keep`."""
        packed = b"" if value is None else sessions.pack([value])
        self._kept[key] = (time.monotonic() + seconds, packed)

    def exchange(self, key: bytes, value: object, seconds: float) -> Any:
        """See `Store.exchange`."""
        with self._guard:
            (before,) = self.recall([key])
            self.keep(key, value, seconds)
        return before

    def first(self, key: bytes, value: object, seconds: float) -> Any:
        """See `Store.first`."""
        with self._guard:
            (before,) = self.recall([key])
            if before is None:
                self.keep(key, value, seconds)
        return before


class Wire:
    """One Redis connection per thread, used directly: half the cost of the client on top of it.

    A command is sent again once, on a new connection, when the old one broke: every command sent
    here is harmless when done twice. One that is not answered in time is not sent again: a gateway
    waits for us.
    """

    def __init__(self, url: str, timeout_seconds: float = 1.0) -> None:
        self._pool = ConnectionPool.from_url(
            url,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
            retry_on_error=[],
        )
        self._threads = threading.local()

    def command(self, *words: bytes | str) -> Any:  # Redis answers anything
        """One command's answer; raises `StoreDown`, or redis's NoScriptError."""
        for attempt in (1, 2):
            connection = self._connection()
            try:
                packed = pack_command(words)  # type: ignore[arg-type]  # its stub knows one word
                connection.send_packed_command([packed], check_health=False)
                return connection.read_response()
            except NoScriptError:
                raise
            except ResponseError as error:
                # Full, loading, or a replica since a moment ago: it answers, and cannot be used.
                raise StoreDown(f"Redis: {error}") from None
            except RedisTimeoutError:
                connection.disconnect()
                raise StoreDown("Redis does not answer") from None
            except (RedisConnectionError, OSError) as error:
                connection.disconnect()
                if attempt == 2:
                    raise StoreDown(f"Redis: {error}") from None
        raise AssertionError("the loop returns or raises")

    def _connection(self) -> Any:  # redis leaves its connections untyped
        held = getattr(self._threads, "connection", None)
        if held is None:
            try:
                held = self._pool.make_connection()
            except (RedisConnectionError, OSError) as error:
                raise StoreDown(f"Redis: {error}") from None
            self._threads.connection = held
        return held


class RedisStore:
    """Sessions in Redis. `ttl_seconds` is how long an untouched record is remembered."""

    def __init__(self, wire: Wire, sealer: Sealer, ttl_seconds: int) -> None:
        self._wire = wire
        self._sealer = sealer
        self._ttl_ms = ttl_seconds * 1000

    def load(self, key: bytes) -> Record | None:
        """See `Store.load`."""
        value = self._wire.command("GET", _place(key))
        return None if value is None else self._open(key, value)

    def swap(
        self, key: bytes, seen: bytes, record: Record, seconds: float = 0.0
    ) -> tuple[bool, Record | None]:
        """See `Store.swap`."""
        tag = os.urandom(_TAG_OCTETS)
        sealed = self._sealer.seal(_pack(record), _place(key))
        lives_ms = max(self._ttl_ms, int(seconds * 1000))
        words = ("1", _place(key), seen, tag, sealed, str(lives_ms))
        try:
            found = self._wire.command("EVALSHA", _SWAP_SHA, *words)
        except NoScriptError:
            found = self._wire.command("EVAL", _SWAP, *words)
        if found is None:
            return True, record._replace(tag=tag)
        return False, self._open(key, found) if found else None

    def recall(self, keys: Sequence[bytes]) -> list[Any]:
        """See `Store.recall`."""
        sealed = self._wire.command("MGET", *(_kept(key) for key in keys))
        return [
            None if value is None else self._kept(key, value)
            for key, value in zip(keys, sealed, strict=True)
        ]

    def keep(self, key: bytes, value: object, seconds: float) -> None:
        """See `Store.keep`."""
        place = _kept(key)
        if value is None:
            self._wire.command("DEL", place)
            return
        self._wire.command("SET", place, self._sealed(place, value), "PX", _ms(seconds))

    def exchange(self, key: bytes, value: object, seconds: float) -> Any:
        """See `Store.exchange`: sent again after a lost reply, it finds its own value."""
        place = _kept(key)
        words = (place, self._sealed(place, value), "PX", _ms(seconds), "GET")
        before = self._wire.command("SET", *words)
        return None if before is None else self._kept(key, before)

    def first(self, key: bytes, value: object, seconds: float) -> Any:
        """See `Store.first`: sent again after a lost reply, it finds its own value."""
        place = _kept(key)
        words = (place, self._sealed(place, value), "NX", "PX", _ms(seconds))
        if self._wire.command("SET", *words) is not None:
            return None
        before = self._wire.command("GET", place)
        return None if before is None else self._kept(key, before)

    def _sealed(self, place: bytes, value: object) -> bytes:
        return self._sealer.seal(sessions.pack([value]), place)

    def _kept(self, key: bytes, value: bytes) -> Any:  # whatever was kept
        try:
            return sessions.unpack(self._sealer.open(value, _kept(key)))[0]
        except (SealBroken, ValueError):
            # A fact that cannot be read is as good as forgotten.
            return None

    def _open(self, key: bytes, value: bytes) -> Record:
        try:
            plain = self._sealer.open(value[_TAG_OCTETS:], _place(key))
        except SealBroken as error:
            raise StoreDown(str(error)) from None
        return _unpack(value[:_TAG_OCTETS] + plain)


def _ms(seconds: float) -> str:
    return str(max(int(seconds * 1000), 1))


def _place(key: bytes) -> bytes:
    return b"s:" + key


def _kept(key: bytes) -> bytes:
    return b"k:" + key


def _pack(record: Record) -> bytes:
    reply = record.reply
    return sessions.pack(
        [
            sessions.dump(record.session),
            record.hop,
            record.position,
            record.accumulated,
            None
            if reply is None
            else [reply.status, reply.content_type, reply.body, list(reply.headers)],
            record.claimed_at,
            record.answered_at,
        ]
    )


def _unpack(value: bytes) -> Record:
    try:
        dumped, *rest = sessions.unpack(value[_TAG_OCTETS:])
        hop, position, accumulated, reply, claimed_at, answered_at = rest
        session = sessions.load(dumped)
    except (ValueError, sessions.UnknownFormat) as error:
        raise StoreDown(f"a stored session cannot be read: {error}") from None
    if reply is not None:
        status, content_type, body, headers = reply
        reply = UssdReply(status, content_type, body, tuple((a, b) for a, b in headers))
    tag = value[:_TAG_OCTETS]
    return Record(session, hop, position, accumulated, reply, claimed_at, answered_at, tag)
