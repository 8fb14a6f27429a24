"""Why the service says no: one class for each code on the wire.

Each message is one sentence saying what happened and what to do next; none holds a token or key.
"""

from typing import ClassVar


class Refusal(Exception):  # noqa: N818 - it is an answer, not a failure
    """A request that was understood and refused, with nothing changed.

    `code` goes to the caller as it is, `status` is the HTTP status. Only subclasses are raised.
    """

    code: ClassVar[str]
    status: ClassVar[int]


class BadRequestError(Refusal):
    """The request does not follow openapi.yaml. Correct it; a repeat is refused again."""

    code, status = "bad_request", 422


class UnknownMeterError(Refusal):
    """The meter is not registered here."""

    code, status = "unknown_meter", 404


class UnknownVendError(Refusal):
    """No vend has this id: nothing was ever issued under it, and it may still be used."""

    code, status = "unknown_vend", 404


class ConflictError(Refusal):
    """The id or serial is taken by something else. A new purchase takes a new vend id."""

    code, status = "conflict", 409


class MeterBlockedError(Refusal):
    """The meter is registered but may not be sold to."""

    code, status = "meter_blocked", 409


class KeyExpiredError(Refusal):
    """The vending key may issue no more tokens. The meter needs a key change."""

    code, status = "key_expired", 409


class ClockError(Refusal):
    """The clock is not to be trusted. Correct it; the same request may then be repeated."""

    code, status = "clock", 503
