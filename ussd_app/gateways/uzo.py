"""Uzo by Mobiverse (Ghana and others). Confidence: official docs.

A POST of JSON `{ussdString, msisdn, ussdServiceOp, sessionID, network, code, country}`;
`ussdServiceOp` is SMPP's number as a text: 1 begin, 18 continue, 29 and above: the session was
terminated, by whom is not told. `ussdString` is the dialled string on begin, then the newest
input; `code` comes each time. The reply is JSON `{message, ussdServiceOp}` with 2 to go on and 17
to end (a sample of the vendor's replies with 1, outside its own table).
Source: Mobiverse's Uzo documentation.
"""

from __future__ import annotations

from ussd_app.gateways import base, dialling, json_body
from ussd_app.messages import (
    Action,
    BadCallback,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)

_BEGIN = 1
_CONTINUE = 18
_TERMINATED = 29
_OPS = {Action.CONTINUE: 2, Action.END: 17}


class Uzo(base.Adapter):
    """The adapter."""

    name = "uzo"
    methods = frozenset({"POST"})
    confidence = "official docs"
    capabilities = base.Capabilities(reports_cancel=True)

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        found = base.json_object(request.body)
        op = json_body.number(found, "ussdServiceOp")
        if op == _BEGIN:
            kind = Kind.BEGIN
        elif op == _CONTINUE:
            kind = Kind.CONTINUE
        elif op is not None and op >= _TERMINATED:
            kind = Kind.CANCEL
        else:
            raise BadCallback('"ussdServiceOp" must be 1, 18, or 29 and above')
        typed = base.text_of(found, "ussdString", "")
        code = json_body.need(found, "code")
        return UssdRequest(
            kind,
            json_body.need(found, "sessionID"),
            base.msisdn(json_body.need(found, "msisdn"), endpoint.country),
            base.service_code(code),
            dialling.after(typed, code) if kind is Kind.BEGIN else typed,
            base.fingerprint(str(op), typed),
            network=base.text_of(found, "network", "") or None,
            reason=f"terminated: ussdServiceOp {op}" if kind is Kind.CANCEL else None,
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """`message` and `ussdServiceOp`."""
        return json_body.reply({"message": screen.text, "ussdServiceOp": _OPS[screen.action]})

    def acknowledge(self, request: UssdRequest, *, live: bool = False) -> UssdReply:
        """An end without words."""
        return json_body.reply({"message": "", "ussdServiceOp": _OPS[Action.END]})

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`."""
        typed = json_body.typed_of(request.service_code, history)
        return _callback(request, _CONTINUE if len(history) > 1 else _BEGIN, typed)

    def notice(
        self, request: UssdRequest, history: tuple[str, ...], kind: Kind
    ) -> HttpRequest | None:
        """See `Gateway.notice`."""
        return _callback(request, _TERMINATED, "") if kind is Kind.CANCEL else None

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        found = json_body.members_of(reply)
        action = json_body.action_of(found, "ussdServiceOp", _OPS)
        return Screen(json_body.shown(found, "message"), action)


def _callback(request: UssdRequest, op: int, typed: str) -> HttpRequest:
    return json_body.post(
        {
            "ussdString": typed,
            "msisdn": request.msisdn,
            "ussdServiceOp": str(op),
            "sessionID": request.session,
            "network": request.network or "01",
            "code": request.service_code,
            "country": "BF",
        }
    )
