"""MTN's Messaging USSD API on MADAPI. Confidence: official docs; no client code was found.

A POST of JSON `{sessionId, messageType, msisdn, serviceCode, ussdString, cellId, language, imsi}`;
`messageType` is a text: 0 begin, 1 continue, 2 end, 3 notification, 4 cancel (`ussdString` then
says why), 5 timeout. The reply is JSON `{statusCode, statusMessage, transactionId, data, _link}`;
`data` holds the screen, `userInputRequired`, and `messageType` as a number: 1 goes on, 2 ends.
The document gives the body by which MTN's own gateway calls MADAPI; that MADAPI calls back with
the same one is implied. What `ussdString` holds on begin is not said: the dial string is understood
with and without the service code. The schema requires `outboundResponse` but describes
`inboundResponse`: both are sent.
Source: MTN's swagger document of the USSD API 1.0.0.
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

_KINDS = {
    "0": Kind.BEGIN,
    "1": Kind.CONTINUE,
    "2": Kind.ENDED,
    "4": Kind.CANCEL,
    "5": Kind.TIMEOUT,
}
_NUMBERS = {kind: number for number, kind in _KINDS.items()}
_TYPES = {Action.CONTINUE: 1, Action.END: 2}
#: The document's own example; it says of it only that it must be there.
_SELF = "https://api.mtn.com/v1/messages/ussd/send"


class MtnMadapi(base.Adapter):
    """The adapter."""

    name = "mtn_madapi"
    methods = frozenset({"POST"})
    confidence = "official docs"
    capabilities = base.Capabilities(reports_cancel=True, reports_timeout=True)

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        found = base.json_object(request.body)
        number = base.text_of(found, "messageType").strip()
        kind = _KINDS.get(number)
        if kind is None:
            raise BadCallback('"messageType" must be 0, 1, 2, 4 or 5')
        typed = base.text_of(found, "ussdString", "")
        code, msisdn = json_body.need(found, "serviceCode"), json_body.need(found, "msisdn")
        return UssdRequest(
            kind,
            json_body.need(found, "sessionId"),
            base.msisdn(msisdn, endpoint.country),
            base.service_code(code),
            dialling.after(typed, code) if kind is Kind.BEGIN else typed,
            base.fingerprint(number, typed),
            language=base.text_of(found, "language", "").strip().lower()[:2] or None,
            reason=typed or None if kind is Kind.CANCEL else None,
            echo={"serviceCode": code, "msisdn": msisdn},
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """The screen within `data`."""
        return _reply(screen, request)

    def acknowledge(self, request: UssdRequest, *, live: bool = False) -> UssdReply:
        """An end without words."""
        return _reply(Screen("", Action.END), request)

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`."""
        typed = json_body.typed_of(request.service_code, history)
        return _callback(request, Kind.CONTINUE if len(history) > 1 else Kind.BEGIN, typed)

    def notice(
        self, request: UssdRequest, history: tuple[str, ...], kind: Kind
    ) -> HttpRequest | None:
        """See `Gateway.notice`."""
        if kind not in _NUMBERS:
            return None
        return _callback(request, kind, "User cancelled" if kind is Kind.CANCEL else "")

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        data = json_body.part(json_body.members_of(reply), "data")
        action = json_body.action_of(data, "messageType", _TYPES)
        return Screen(json_body.shown(data, "inboundResponse"), action)


def _callback(request: UssdRequest, kind: Kind, typed: str) -> HttpRequest:
    return json_body.post(
        {
            "sessionId": request.session,
            "messageType": _NUMBERS[kind],
            "msisdn": request.msisdn.removeprefix("+"),
            "serviceCode": request.service_code.strip("*#"),
            "ussdString": typed,
            "language": request.language or "fr",
        }
    )


def _reply(screen: Screen, request: UssdRequest) -> UssdReply:
    code = request.echo.get("serviceCode", request.service_code)
    msisdn = request.echo.get("msisdn", request.msisdn.removeprefix("+"))
    return json_body.reply(
        {
            "statusCode": "0000",
            "statusMessage": "",
            "transactionId": request.session,
            "data": {
                "inboundResponse": screen.text,
                "outboundResponse": screen.text,
                "userInputRequired": screen.action is Action.CONTINUE,
                "messageType": _TYPES[screen.action],
                "serviceCode": code,
                "msisdn": msisdn,
            },
            "_link": {"self": {"href": _SELF}},
        }
    )
