"""The wallet of the sandbox operator (`simulators/operator.yaml`).

The codec is pure: `debit_body`, `refund_body`, `read_payment`, `read_status`. On this wire a
`declined` proves that nothing was taken and nothing else does: not a 409, not a 422.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field

from operator_client.wallet.base import DebitRequest, Payment, RefundRequest
from outward.results import Declined, NotFound, Pending, Reason, Result, Success, Unknown
from outward.transport import Answer, Reference, Reply, Told, Transport, doubt, read_as, segment

CURRENCY: Final = "XOF"
"""The only currency of this wire."""

DEBIT_REFUSALS: Final[Mapping[str, Reason]] = {
    "insufficient_funds": Reason.INSUFFICIENT_FUNDS,
    "amount_too_low": Reason.AMOUNT_TOO_LOW,
    "amount_too_high": Reason.AMOUNT_TOO_HIGH,
    "daily_limit": Reason.DAILY_LIMIT,
    "count_limit": Reason.COUNT_LIMIT,
    "wrong_pin": Reason.WRONG_PIN,
    "pin_locked": Reason.PIN_LOCKED,
    "cancelled": Reason.CANCELLED,
    "prompt_expired": Reason.PROMPT_EXPIRED,
    "not_registered": Reason.NOT_REGISTERED,
    "barred": Reason.BARRED,
    "session_busy": Reason.SESSION_BUSY,
    "other": Reason.REFUSED,
}
"""The reasons of this wire for a debit; a word that is not here proves nothing."""

REFUND_REFUSALS: Final[Mapping[str, Reason]] = {
    "payee_limit": Reason.PAYEE_LIMIT,
    "payee_float_empty": Reason.PAYEE_FLOAT_EMPTY,
}
"""The same for a refund."""

_STATUSES: Final[Mapping[object, int]] = {"success": 200, "pending": 202, "declined": 402}
_POLL_SECONDS_MAX: Final = 3600.0  # a longer advice is a mistake: no prompt lives that long


class _Success(Reply):
    status: Literal["success"]
    operator_ref: Reference
    amount_minor: int
    currency: str


class _Pending(Reply):
    status: Literal["pending"]
    operator_ref: Reference
    next_poll_seconds: float = Field(gt=0, le=_POLL_SECONDS_MAX, allow_inf_nan=False)


class _Declined(Reply):
    status: Literal["declined"]
    reason: str
    message: Told = ""


def debit_body(request: DebitRequest) -> dict[str, object]:
    """The body of POST /wallet/debits; the key goes into a header."""
    return {
        "msisdn": request.msisdn,
        "amount_minor": request.amount_minor,
        "currency": request.currency,
        "reference": request.reference,
        "text": request.text,
    }


def refund_body(request: RefundRequest) -> dict[str, object]:
    """The body of POST /wallet/refunds; the key goes into a header."""
    return {
        "debit_key": request.debit_key,
        "amount_minor": request.amount_minor,
        "currency": request.currency,
    }


def read_payment(
    status: int,
    body: Mapping[str, object] | None,
    asked_amount_minor: int,
    currency: str = CURRENCY,
    refusals: Mapping[str, Reason] = DEBIT_REFUSALS,
) -> Result[Payment]:
    """Read the answer to a debit or refund of exactly `asked_amount_minor`."""
    if status == 200 and (done := read_as(_Success, body)):
        if done.amount_minor != asked_amount_minor or done.currency != currency:
            return Unknown("amount differs")
        return Success(Payment(done.operator_ref, done.amount_minor))
    if status == 202 and (pending := read_as(_Pending, body)):
        return Pending(pending.operator_ref, pending.next_poll_seconds)
    if status == 402 and (declined := read_as(_Declined, body)):
        reason = refusals.get(declined.reason)
        return Declined(reason, declined.message) if reason else Unknown("unknown reason")
    return doubt(status)


def read_status(
    status: int,
    body: Mapping[str, object] | None,
    asked_amount_minor: int,
    refusals: Mapping[str, Reason] = DEBIT_REFUSALS,
) -> Result[Payment]:
    """Read the answer to what became of a key: what the order itself was answered, but with 200."""
    word = body.get("status") if body is not None else None
    if not isinstance(word, str):
        return doubt(status)
    if status == 404 and word == "not_found":
        return NotFound()
    if status == 200:
        answered = _STATUSES.get(word, status)
        return read_payment(answered, body, asked_amount_minor, refusals=refusals)
    return doubt(status)


class SandboxWallet:
    """The sandbox operator's wallet over `transport`: safe to replay, queried by our key."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def debit(self, request: DebitRequest, deadline_seconds: float) -> Result[Payment]:
        """Debit once for `request.key`."""
        answer = self._transport.send(
            "POST",
            "/wallet/debits",
            json=debit_body(request),
            headers={"Idempotency-Key": request.key},
            deadline_seconds=deadline_seconds,
        )
        if not isinstance(answer, Answer):
            return answer
        return read_payment(answer.status, answer.object(), request.amount_minor, request.currency)

    def debit_status(self, key: str, amount_minor: int, deadline_seconds: float) -> Result[Payment]:
        """Ask what became of the debit of `amount_minor` under `key`."""
        answer = self._ask("debits", key, deadline_seconds)
        if not isinstance(answer, Answer):
            return answer
        return read_status(answer.status, answer.object(), amount_minor)

    def refund(self, request: RefundRequest, deadline_seconds: float) -> Result[Payment]:
        """Refund once for `request.key`; a debit they do not know is Unknown, for a person."""
        answer = self._transport.send(
            "POST",
            "/wallet/refunds",
            json=refund_body(request),
            headers={"Idempotency-Key": request.key},
            deadline_seconds=deadline_seconds,
        )
        if not isinstance(answer, Answer):
            return answer
        return read_payment(
            answer.status,
            answer.object(),
            request.amount_minor,
            request.currency,
            REFUND_REFUSALS,
        )

    def refund_status(
        self, key: str, amount_minor: int, deadline_seconds: float
    ) -> Result[Payment]:
        """Ask what became of the refund of `amount_minor` under `key`."""
        answer = self._ask("refunds", key, deadline_seconds)
        if not isinstance(answer, Answer):
            return answer
        return read_status(answer.status, answer.object(), amount_minor, REFUND_REFUSALS)

    def _ask(self, what: str, key: str, deadline_seconds: float) -> Answer | Result[Payment]:
        return self._transport.send(
            "GET", f"/wallet/{what}/{segment(key)}", deadline_seconds=deadline_seconds
        )
