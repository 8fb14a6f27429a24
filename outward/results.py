"""What an outward call came to: a closed set, to be matched exhaustively.

No exception crosses a driver's boundary but programming errors. Whatever is not recognised is
`Unknown`, never `Declined`: only proof ends a purchase.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Reason(StrEnum):
    """Why the other side refused, in words common to all of them."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    AMOUNT_TOO_LOW = "amount_too_low"
    AMOUNT_TOO_HIGH = "amount_too_high"
    DAILY_LIMIT = "daily_limit"
    COUNT_LIMIT = "count_limit"
    WRONG_PIN = "wrong_pin"
    PIN_LOCKED = "pin_locked"
    CANCELLED = "cancelled"
    PROMPT_EXPIRED = "prompt_expired"
    NOT_REGISTERED = "not_registered"
    BARRED = "barred"
    SESSION_BUSY = "session_busy"
    PAYEE_LIMIT = "payee_limit"
    PAYEE_FLOAT_EMPTY = "payee_float_empty"
    UNKNOWN_METER = "unknown_meter"
    METER_BLOCKED = "meter_blocked"
    BELOW_MINIMUM = "below_minimum"
    ABOVE_MAXIMUM = "above_maximum"
    CONFLICT = "conflict"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Success(Generic[T_co]):
    """It is done, and this is what came of it."""

    value: T_co


@dataclass(frozen=True, slots=True)
class Pending:
    """It is under way at the other side: ask again after so many seconds."""

    provider_ref: str
    next_poll_seconds: float


@dataclass(frozen=True, slots=True)
class Declined:
    """Proven: nothing was done. `limit` is the bound that was passed, where one was told."""

    reason: Reason
    message: str = ""
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """Proven: no byte of the request left this machine."""

    cause: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything else: it may have been done."""

    cause: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """The answer of a question about an earlier request: the other side does not know it."""


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """Our credentials or address are refused: somebody must look. The outcome is unknown."""

    cause: str


Failure = Declined | NotSent | Unknown | NotFound | Misconfigured
Result = Success[T_co] | Pending | Failure
