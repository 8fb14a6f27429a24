"""Nalo Solutions (Ghana). Confidence: official docs, of which only the beginning was read.

A POST of JSON `{USERID, MSISDN, USERDATA, MSGTYPE, NETWORK, SESSIONID}`; `MSGTYPE` is true on the
first callback, whose `USERDATA` is the dialled string, then false with the newest input. Older
installations send no `SESSIONID`: the number then is the session. The service code comes in the
dialled string alone, so what was dialled after it is told from it by the endpoint's own codes, and
later callbacks are taken for its first one. The reply is JSON `{USERID, MSISDN, USERDATA, MSG,
MSGTYPE}`; in it `MSGTYPE` true goes on and false ends. No notice of cancel or timeout was seen.
Source: Nalo's Postman page; client libraries agree.
"""

from __future__ import annotations

from ussd_app.gateways import base, dialling, json_body
from ussd_app.messages import Action, HttpRequest, Kind, Screen, UssdReply, UssdRequest

_GOES_ON = {Action.CONTINUE: True, Action.END: False}


class Nalo(base.Adapter):
    """The adapter."""

    name = "nalo"
    methods = frozenset({"POST"})
    confidence = "official docs, of which only the beginning was read"

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        found = base.json_object(request.body)
        first = json_body.truth(found, "MSGTYPE")
        typed = base.text_of(found, "USERDATA", "")
        msisdn = json_body.need(found, "MSISDN")
        kind = Kind.BEGIN if first else Kind.CONTINUE
        code, text = dialling.heard(kind, typed, endpoint.service_codes)
        return UssdRequest(
            kind,
            base.text_of(found, "SESSIONID", "").strip() or msisdn,
            base.msisdn(msisdn, endpoint.country),
            code,
            text,
            base.fingerprint(str(first), typed),
            network=base.text_of(found, "NETWORK", "") or None,
            echo={
                "USERID": base.text_of(found, "USERID", ""),
                "MSISDN": msisdn,
                "USERDATA": typed,
            },
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """`MSG` and `MSGTYPE`, with what the callback brought."""
        return json_body.reply(
            {
                "USERID": request.echo.get("USERID", ""),
                "MSISDN": request.echo.get("MSISDN", request.msisdn.removeprefix("+")),
                "USERDATA": request.echo.get("USERDATA", ""),
                "MSG": screen.text,
                "MSGTYPE": _GOES_ON[screen.action],
            }
        )

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`."""
        return json_body.post(
            {
                "USERID": request.echo.get("USERID", "USER"),
                "MSISDN": request.msisdn.removeprefix("+"),
                "USERDATA": json_body.typed_of(request.service_code, history),
                "MSGTYPE": len(history) <= 1,
                "NETWORK": request.network or "MTN",
                "SESSIONID": request.session,
            }
        )

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        found = json_body.members_of(reply)
        action = json_body.action_of(found, "MSGTYPE", _GOES_ON)
        return Screen(json_body.shown(found, "MSG"), action)
