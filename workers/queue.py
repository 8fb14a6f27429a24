"""Bells and answers over Redis: allow-listed jobs with sealed JSON, and results by derived name.

RQ is a doorbell: a job says which row or look-up to attend to, and may be lost, late or doubled.
Whoever can write to Redis must not be able to run code: a job's content opens only under our
secret, names one of `ALLOWED`, and every other field of the job hash that RQ would act on
(callbacks, webhooks, pickled meta, dependencies, repeats) is dropped before it is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib import import_module
from time import monotonic
from typing import Any, cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.job import Job

from ussd_app.effects import Call, CallResult, Message, NotStarted
from ussd_app.sealing import SealBroken, Sealer

CALLS = "calls"
PURCHASES = "purchases"

#: Job name → the function, as `module:function`. Nothing else ever runs.
ALLOWED: Mapping[str, str] = {
    "look_up": "workers.tasks:look_up",
    "advance": "workers.tasks:advance",
    "tell": "workers.tasks:tell",
}

#: Fields of RQ's job hash that are read back; the rest could make a worker act.
_KEPT = frozenset(
    {
        "data",
        "created_at",
        "enqueued_at",
        "started_at",
        "ended_at",
        "last_heartbeat",
        "origin",
        "status",
        "timeout",
        "result_ttl",
        "failure_ttl",
        "ttl",
        "worker_name",
    }
)
_PLACE = b"job"
_RESULT_SECONDS = 300
#: A healthy Redis answers in a fraction of a millisecond; a blocking read is cut into slices.
_ANSWER_SECONDS = 0.8
_SLICE_SECONDS = 0.5
#: A look-up is rung for once per so many milliseconds, however often the client asks again.
_RUNG_MS = 10_000
#: A purchase's bell that is lost is rung again by the sweeper after this.
_BELL_MS = 1_000


class SealedJson:
    """RQ's serializer: JSON, sealed. An opened value is one we wrote."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        # RQ takes a serializer for a class and asks for its name.
        self.__qualname__ = type(self).__qualname__

    def dumps(self, value: Any, /) -> bytes:  # RQ's interface
        """Sealed JSON."""
        return self._sealer.seal(json.dumps(value).encode(), _PLACE)

    def loads(self, data: bytes, /) -> Any:  # RQ's interface
        """What was sealed; raises `SealBroken`."""
        return json.loads(self._sealer.open(data, _PLACE))


class SealedJob(Job):
    """A job that can only be what `ALLOWED` names."""

    @property
    def func(self) -> Callable[..., Any]:
        """The allow-listed function; raises ValueError for any other name."""
        target = ALLOWED.get(self.func_name or "")
        if target is None or self.instance is not None:
            raise ValueError("a job that is not on the list of allowed jobs")
        module, _, name = target.partition(":")
        return cast("Callable[..., Any]", getattr(import_module(module), name))

    def restore(self, raw_data: Mapping[bytes, bytes]) -> Any:  # RQ's interface
        """The job from its hash, less every field that could make a worker act."""
        kept = {
            field: value
            for field, value in raw_data.items()
            if (field.decode() if isinstance(field, bytes) else field) in _KEPT
        }
        return super().restore(kept)

    def get_call_string(self) -> str:
        """What RQ would log: never the arguments."""
        return "job"


def connect(url: str, timeout_seconds: float | None = 10.0) -> Redis:
    """A client that never repeats a command by itself: a repeated push is a second job."""
    return Redis.from_url(
        url,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=2.0,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
    )


def queue(name: str, redis: Redis, sealer: Sealer) -> Queue:
    """One of our queues."""
    return Queue(
        name, connection=redis, serializer=cast("Any", SealedJson(sealer)), job_class=SealedJob
    )


class Doorbell:
    """Rings for look-ups and purchases; carries results back to whoever waits."""

    def __init__(self, url: str, sealer: Sealer) -> None:
        self._redis = connect(url, timeout_seconds=_ANSWER_SECONDS)
        self._sealer = sealer
        self._calls = queue(CALLS, self._redis, sealer)
        self._purchases = queue(PURCHASES, self._redis, sealer)

    def ring_call(self, call: Call) -> None:
        """Order a look-up, once per while; raises `NotStarted` if Redis could not be told."""
        mark = self._key(b"c:", call.id)
        order = [call.id, call.backend, dict(call.arguments), call.msisdn, call.language]
        try:
            if not self._redis.set(mark, b"1", nx=True, px=_RUNG_MS):
                return
            self._enqueue(self._calls, "look_up", order, 30)
        except RedisError as error:
            raise NotStarted(f"Redis: {type(error).__name__}") from None

    def ring_message(self, message: Message) -> None:
        """Order an SMS, once; raises `NotStarted` if Redis could not be told."""
        mark = self._key(b"m:", message.id)
        try:
            if self._redis.set(mark, b"1", nx=True, ex=_RESULT_SECONDS):
                order = [message.id, message.msisdn, message.text]
                self._enqueue(self._calls, "tell", order, 30)
        except RedisError as error:
            raise NotStarted(f"Redis: {type(error).__name__}") from None

    def ring_purchase(self, purchase_id: str) -> bool:
        """Tell a worker that a purchase is due; False if it could not be told, or just was.

        Nothing depends on it: the sweeper rings for every row that stays due.
        """
        try:
            if not self._redis.set(self._key(b"b:", purchase_id), b"1", nx=True, px=_BELL_MS):
                return False
            self._enqueue(self._purchases, "advance", [purchase_id], 180)
        except RedisError:
            return False
        return True

    def answered(self, purchase_id: str) -> None:
        """The bell was heard: the next one may ring at once."""
        self._redis.delete(self._key(b"b:", purchase_id))

    def tell(self, result: CallResult) -> None:
        """Put a result where its caller waits; the newest stands for a while."""
        key = self._key(b"r:", result.call_id)
        plain = json.dumps([result.outcome, _jsonable(result.fields)]).encode()
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(key)
            pipe.rpush(key, self._sealer.seal(plain, key))
            pipe.expire(key, _RESULT_SECONDS)
            pipe.execute()

    def wait(self, call_id: str, seconds: float) -> CallResult | None:
        """A call's result, waited for; it stays for whoever asks again. Raises RedisError.

        Waits in slices that a healthy Redis ends before the socket's own time is out, so that a
        hung one is noticed in less than a second.
        """
        key = self._key(b"r:", call_id)
        # redis-py's types know neither keys of octets nor parts of a second; Redis knows both.
        command = cast("Callable[..., bytes | None]", self._redis.execute_command)
        until = monotonic() + seconds
        sealed = None
        while sealed is None and (left := until - monotonic()) > 0:
            slice_seconds = max(min(left, _SLICE_SECONDS), 0.01)
            sealed = command("BLMOVE", key, key, "LEFT", "LEFT", f"{slice_seconds:.3f}")
        if sealed is None:
            return None
        try:
            outcome, fields = json.loads(self._sealer.open(sealed, key))
        except SealBroken:
            return None
        return CallResult(call_id, outcome, _values(fields))

    def show(self, result: CallResult) -> None:
        """Note what a screen has told the client of a purchase. Raises RedisError."""
        key = self._key(b"t:", result.call_id)
        self._redis.set(key, self._sealer.seal(result.outcome.encode(), key), ex=_RESULT_SECONDS)

    def shown(self, purchase_id: str) -> str:
        """The outcome that a screen has told; "" if none has, or Redis has forgotten."""
        key = self._key(b"t:", purchase_id)
        found = cast("bytes | None", self._redis.get(key))
        try:
            return self._sealer.open(found, key).decode() if found else ""
        except SealBroken:
            return ""

    def _enqueue(self, queue: Queue, name: str, arguments: list[Any], timeout_seconds: int) -> None:
        queue.enqueue_call(
            func=name,
            args=arguments,
            timeout=timeout_seconds,
            result_ttl=0,
            failure_ttl=3600,
            ttl=600,
            description=name,
        )

    def _key(self, kind: bytes, name: str) -> bytes:
        return kind + self._sealer.name(kind.decode(), name)


def _jsonable(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: [dict(row) for row in value] if isinstance(value, tuple) else value
        for name, value in fields.items()
    }


def _values(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
