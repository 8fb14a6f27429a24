"""One session: where a client is in a flow, and what was entered. Stepping makes a new value.

Stored as a msgpack list in field order: flat, a few hundred octets, and versioned by its first
item, so that a session written by an older release is told apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import msgpack

from ussd_app.effects import Value

FORMAT = 2
#: Screens the back key can return over.
TRAIL_MAX = 12


class Status(StrEnum):
    """Whether a session goes on."""

    LIVE = "live"
    ENDED = "ended"
    DROPPED = "dropped"


class Held(NamedTuple):
    """Where a client was in an earlier session, and with which values."""

    state: str
    page: int
    language: str
    trail: tuple[str, ...]
    variables: Mapping[str, Value]


class Session(NamedTuple):
    """A dialog's whole memory: a tuple, because a turn changes it many times (`_replace`).

    `instance` is our own id (gateways reuse theirs); `flow` the hash of the flow it began on;
    `page` the page of a long screen, from 0, or -1 for a notice before it; `trail` the screens the
    back key returns over; `visit` counts states entered; `attempts` the wrong tries by input;
    `pending` is the id of the call that is awaited, "" if none; `waits` the holding screens shown
    for it; `queue` what was dialled after the service code and is not used yet; `held` is where the
    client was in an earlier session, `asking` whether it is being asked about going on there; times
    are seconds since the epoch.
    """

    instance: str
    flow: str
    msisdn: str
    service_code: str
    language: str
    state: str
    begun_at: float
    touched_at: float
    variables: Mapping[str, Value]
    page: int = 0
    trail: tuple[str, ...] = ()
    visit: int = 0
    attempts: Mapping[str, int] = {}
    pending: str = ""
    waits: int = 0
    queue: tuple[str, ...] = ()
    hops: int = 0
    status: Status = Status.LIVE
    held: Held | None = None
    asking: bool = False


class UnknownFormat(Exception):  # noqa: N818  # says what was found
    """A stored session of a format this release does not read."""


def dump(session: Session) -> list[Any]:
    """The session as a list of plain values, its format first."""
    return [FORMAT, *session]


#: Where the fields stand that msgpack does not give back as they were.
_TRAIL, _QUEUE, _STATUS, _VARIABLES, _HELD = (
    Session._fields.index(name) for name in ("trail", "queue", "status", "variables", "held")
)


def load(values: list[Any]) -> Session:
    """The session that `dump` gave; raises `UnknownFormat`."""
    if not values or values[0] != FORMAT or len(values) != len(Session._fields) + 1:
        raise UnknownFormat(f"a stored session is not of format {FORMAT}")
    found = values[1:]
    found[_TRAIL], found[_QUEUE] = tuple(found[_TRAIL]), tuple(found[_QUEUE])
    found[_STATUS] = Status(found[_STATUS])
    found[_VARIABLES] = _all_thawed(found[_VARIABLES])
    held = found[_HELD]
    if held is not None:
        found[_HELD] = Held(held[0], held[1], held[2], tuple(held[3]), _all_thawed(held[4]))
    return Session._make(found)


def _all_thawed(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _thawed(value) for name, value in variables.items()}


def _thawed(value: Any) -> Any:  # whatever msgpack holds
    """A stored value with its rows as tuples again: msgpack knows only lists."""
    if isinstance(value, dict):
        return {name: _thawed(inner) for name, inner in value.items()}
    return tuple(value) if isinstance(value, list) else value


def pack(values: list[Any]) -> bytes:
    """Plain values as msgpack."""
    packed: bytes = msgpack.packb(values)
    return packed


def unpack(packed: bytes) -> list[Any]:
    """What `pack` packed; raises ValueError."""
    values: list[Any] = msgpack.unpackb(packed)
    return values
