"""Arkesel (Ghana). Confidence: several independent client codes.

A POST of JSON `{sessionID, userID, newSession, msisdn, userData, network}`; `userData` is the
dialled string when `newSession` is true, then the newest input. The service code comes in that
string alone, so what was dialled after it is told from it by the endpoint's own codes, and later
callbacks are taken for its first one. The reply is JSON `{sessionID, userID, msisdn, message,
continueSession}`, the ids as they came. No notice of cancel or timeout was ever seen.
Source: public client libraries; the vendor's own pages were not read.
"""

from __future__ import annotations

from ussd_app.gateways import base, dialling, json_body
from ussd_app.messages import Action, HttpRequest, Kind, Screen, UssdReply, UssdRequest

_GOES_ON = {Action.CONTINUE: True, Action.END: False}


class Arkesel(base.Adapter):
    """The adapter."""

    name = "arkesel"
    methods = frozenset({"POST"})
    confidence = "several independent client codes"

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        found = base.json_object(request.body)
        first = json_body.truth(found, "newSession")
        typed = base.text_of(found, "userData", "")
        msisdn = json_body.need(found, "msisdn")
        kind = Kind.BEGIN if first else Kind.CONTINUE
        code, text = dialling.heard(kind, typed, endpoint.service_codes)
        return UssdRequest(
            kind,
            json_body.need(found, "sessionID"),
            base.msisdn(msisdn, endpoint.country),
            code,
            text,
            base.fingerprint(str(first), typed),
            network=base.text_of(found, "network", "") or None,
            echo={"userID": base.text_of(found, "userID", ""), "msisdn": msisdn},
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """`message` and `continueSession`, with the callback's ids."""
        return json_body.reply(
            {
                "sessionID": request.session,
                "userID": request.echo.get("userID", ""),
                "msisdn": request.echo.get("msisdn", request.msisdn.removeprefix("+")),
                "message": screen.text,
                "continueSession": _GOES_ON[screen.action],
            }
        )

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`."""
        return json_body.post(
            {
                "sessionID": request.session,
                "userID": request.echo.get("userID", "USER"),
                "newSession": len(history) <= 1,
                "msisdn": request.msisdn.removeprefix("+"),
                "userData": json_body.typed_of(request.service_code, history),
                "network": request.network or "MTN",
            }
        )

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        found = json_body.members_of(reply)
        action = json_body.action_of(found, "continueSession", _GOES_ON)
        return Screen(json_body.shown(found, "message"), action)
