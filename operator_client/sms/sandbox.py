"""The SMS centre of the sandbox operator (`simulators/operator.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from outward.results import Declined, Reason, Result, Success
from outward.transport import Answer, Reference, Reply, Told, Transport, doubt, read_as

_REFUSALS: Mapping[tuple[int, str], Reason] = {
    (422, "bad_request"): Reason.REFUSED,
    (409, "sms_id_reused"): Reason.CONFLICT,
}


class _Accepted(Reply):
    provider_id: Reference


class _Error(Reply):
    status: Literal["error"]
    code: str
    message: Told = ""


def sms_body(sms_id: str, to: str, text: str) -> dict[str, object]:
    """The body of POST /sms."""
    return {"sms_id": sms_id, "to": to, "text": text}


def read_sms(status: int, body: Mapping[str, object] | None) -> Result[str]:
    """Read the answer to an SMS."""
    if status == 202 and (accepted := read_as(_Accepted, body)):
        return Success(accepted.provider_id)
    if error := read_as(_Error, body):
        reason = _REFUSALS.get((status, error.code))
        if reason is not None:
            return Declined(reason, error.message)
    return doubt(status)


class SandboxSms:
    """The sandbox operator's SMS centre over `transport`; the same id and text is sent once."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def send(self, sms_id: str, to: str, text: str, deadline_seconds: float) -> Result[str]:
        """Hand over an SMS; the centre's id of it."""
        answer = self._transport.send(
            "POST", "/sms", json=sms_body(sms_id, to, text), deadline_seconds=deadline_seconds
        )
        return read_sms(answer.status, answer.object()) if isinstance(answer, Answer) else answer
