"""SouthPawsl (Ghana). Confidence: one client code.

A POST of JSON `{sessionId, menuId, ussdState, ussdString, ussdParameters, possibleAnswers, msisdn,
inputOption, network}`. `ussdString` is the dialled string in every callback, `inputOption` the
newest input; a session begins when the two are equal. Which part of the dialled string is the
service code is told by the endpoint's own codes. The reply is JSON `{message, state, menuId,
ussdString, option, ussdParameter}`: `state` CONTINUE or END (typings of the same client call it a
boolean), `option` the input again, `ussdParameter` (without its s) the parameters as they came.
No notice of cancel or timeout was ever seen.
Source: a public client library; no document of the vendor's was found.
"""

from __future__ import annotations

import json

from ussd_app.gateways import base, dialling, json_body
from ussd_app.messages import Action, HttpRequest, Kind, Screen, UssdReply, UssdRequest

_STATES = {Action.CONTINUE: "CONTINUE", Action.END: "END"}


class SouthPawsl(base.Adapter):
    """The adapter."""

    name = "southpawsl"
    methods = frozenset({"POST"})
    confidence = "one client code"

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        found = base.json_object(request.body)
        dialled = json_body.need(found, "ussdString")
        typed = base.text_of(found, "inputOption", "")
        first = typed.strip() == dialled
        code, extra = dialling.split(dialled, endpoint.service_codes)
        return UssdRequest(
            Kind.BEGIN if first else Kind.CONTINUE,
            json_body.need(found, "sessionId"),
            base.msisdn(json_body.need(found, "msisdn"), endpoint.country),
            code,
            extra if first else typed,
            base.fingerprint(str(first), typed),
            network=base.text_of(found, "network", "") or None,
            echo={
                "menuId": base.text_of(found, "menuId", ""),
                "ussdString": dialled,
                "option": "" if first else typed,
                "ussdParameters": _parameters(found),
            },
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """`message` and `state`, with what the callback brought."""
        return json_body.reply(
            {
                "message": screen.text,
                "state": _STATES[screen.action],
                "menuId": request.echo.get("menuId", ""),
                "ussdString": request.echo.get("ussdString", request.service_code),
                "option": request.echo.get("option", ""),
                "ussdParameter": json.loads(request.echo.get("ussdParameters", "[]")),
            }
        )

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`."""
        return json_body.post(
            {
                "sessionId": request.session,
                "menuId": request.echo.get("menuId", "1"),
                "ussdState": "",
                "ussdString": json_body.typed_of(request.service_code, history[:1]),
                "ussdParameters": [],
                "possibleAnswers": "",
                "msisdn": request.msisdn.removeprefix("+"),
                "inputOption": json_body.typed_of(request.service_code, history),
                "network": request.network or "MTN",
            }
        )

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        found = json_body.members_of(reply)
        action = json_body.action_of(found, "state", _STATES)
        return Screen(json_body.shown(found, "message"), action)


def _parameters(found: dict[str, object]) -> str:
    """The parameters as JSON, to be given back; none where they are no short list of texts."""
    value = found.get("ussdParameters")
    if not (isinstance(value, list) and all(isinstance(each, str | int) for each in value)):
        return "[]"
    text = json.dumps(value, separators=(",", ":"))
    return text if len(text) <= base.PARAMETER_MAX else "[]"
