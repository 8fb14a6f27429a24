"""The embedded head end system over its wire (`hes_adapter/embedded/openapi.yaml`).

What comes back is held against what was ordered: a token for another meter or another amount is
no success, and no refusal either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from hes_adapter.drivers.base import Vend
from hes_adapter.sts.token import MalformedTokenError, Token
from outward.results import Declined, NotFound, Reason, Result, Success, Unknown
from outward.transport import Answer, Reply, Told, Transport, doubt, read_as, segment

_REFUSALS: Mapping[tuple[int, str], Reason] = {
    (404, "unknown_meter"): Reason.UNKNOWN_METER,
    (409, "meter_blocked"): Reason.METER_BLOCKED,
    (409, "key_expired"): Reason.REFUSED,
    (409, "conflict"): Reason.CONFLICT,
    (422, "bad_request"): Reason.REFUSED,
}


class _Vend(Reply):
    vend_id: str
    serial: str
    kwh_tenths: int
    token: str
    delivery: Literal["pending", "delivered", "refused", "none"]


class _Error(Reply):
    code: str
    message: Told = ""


def vend_body(serial: str, kwh_tenths: int) -> dict[str, object]:
    """The body of PUT /vends/{vend_id}."""
    return {"serial": serial, "kwh_tenths": kwh_tenths}


def read_vend(
    status: int,
    body: Mapping[str, object] | None,
    vend_id: str,
    serial: str,
    kwh_tenths: int,
) -> Result[Vend]:
    """Read the answer to an order."""
    if status in {200, 201}:
        found = _read(status, body, vend_id)
        if isinstance(found, Success) and (
            (found.value.serial, found.value.kwh_tenths) != (serial, kwh_tenths)
        ):
            return Unknown("the vend is of another order")
        return found
    if error := read_as(_Error, body):
        reason = _REFUSALS.get((status, error.code))
        if reason is not None:
            return Declined(reason, error.message)
    return doubt(status)


def read_last_vend(status: int, body: Mapping[str, object] | None, vend_id: str) -> Result[Vend]:
    """Read the answer to what was made under `vend_id`."""
    if status == 200:
        return _read(status, body, vend_id)
    error = read_as(_Error, body)
    if status == 404 and error is not None and error.code == "unknown_vend":
        return NotFound()
    return doubt(status)


def _read(status: int, body: Mapping[str, object] | None, vend_id: str) -> Success[Vend] | Unknown:
    reply = read_as(_Vend, body)
    if reply is None:
        return Unknown(f"unrecognised answer, status {status}")
    if reply.vend_id != vend_id:
        return Unknown("the vend is of another order")
    try:
        token = Token(reply.token)
    except MalformedTokenError:
        return Unknown("no token in the vend")
    delivered = reply.delivery == "delivered"
    return Success(Vend(vend_id, token.digits, reply.kwh_tenths, delivered, reply.serial))


class EmbeddedHes:
    """The embedded head end system over `transport`."""

    idempotent = True

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def vend(
        self, vend_id: str, serial: str, kwh_tenths: int, deadline_seconds: float
    ) -> Result[Vend]:
        """Have a token made once for `vend_id`."""
        answer = self._transport.send(
            "PUT",
            f"/vends/{segment(vend_id)}",
            json=vend_body(serial, kwh_tenths),
            deadline_seconds=deadline_seconds,
        )
        if not isinstance(answer, Answer):
            return answer
        return read_vend(answer.status, answer.object(), vend_id, serial, kwh_tenths)

    def last_vend(self, vend_id: str, deadline_seconds: float) -> Result[Vend]:
        """Ask what was made under `vend_id`."""
        answer = self._transport.send(
            "GET", f"/vends/{segment(vend_id)}", deadline_seconds=deadline_seconds
        )
        if not isinstance(answer, Answer):
            return answer
        return read_last_vend(answer.status, answer.object(), vend_id)
