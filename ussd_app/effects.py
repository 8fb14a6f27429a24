"""What a turn asks of the world, and what the world answers. Nouns only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

#: A value of a dialog's variables: text, integer, truth, or a row, or rows of them.
Scalar = str | int | bool
Row = Mapping[str, Scalar]
Value = Scalar | tuple[Row, ...] | Mapping[str, Scalar | tuple[Row, ...]]


class Call(NamedTuple):
    """An order to call a back-end of the catalogue.

    `id` is derived from session instance, state and visit, so the same wish is the same call, and
    for a call that spends, the same purchase. `deadline_seconds` is how long the client is kept
    waiting per hop at most. `once` marks a call that moves money or tells someone something.
    """

    id: str
    backend: str
    arguments: Mapping[str, Value]
    deadline_seconds: float
    once: bool = False
    msisdn: str = ""
    language: str = ""


class CallResult(NamedTuple):
    """What a back-end answered: an outcome of the catalogue, with that outcome's fields."""

    call_id: str
    outcome: str
    fields: Mapping[str, Value] = {}


@dataclass(frozen=True, slots=True)
class Dropped:
    """A note that a session ended without its end screen: at which state, why, after how much."""

    instance: str
    state: str
    reason: str
    hops: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Message:
    """An order to send an SMS, once: `id` is derived, so ordering it again is the same message."""

    id: str
    msisdn: str
    text: str


@dataclass(frozen=True, slots=True)
class Remember:
    """An order to keep a value for a subscriber beyond the session; None: to forget it."""

    fact: str
    value: Value | None
    seconds: float


Effect = Call | Dropped | Message | Remember

#: Outcomes that every call has beside those of the catalogue.
LATE = "late"
FAILED = "failed"


class NotStarted(Exception):  # noqa: N818  # what is so
    """A back-end proven not to have been asked: nothing was done."""


class NoAnswer(Exception):  # noqa: N818  # what is so
    """The way to the back-ends is down: whether anything was ordered or answered is not known."""
