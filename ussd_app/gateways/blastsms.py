"""BlastSMS USSD. Confidence: one client code.

A POST of XML (the root's name is not known, and not looked at) with `msisdn, shortcode, sessionid,
type` and maybe `msg, appid`. Types: 1 the client dialled, 2 `msg` is the newest input, 3 the client
left, 4 the client was too slow. `shortcode` is the service code. The reply is `<ussdresp>` with
`msisdn, sessionid, appid` given back, `type` (2 goes on, 3 ends) and `msg`. What a notice is to be
answered with is not known: an empty release.
Source: a public client for South Africa; the vendor's document was not seen.
"""

from __future__ import annotations

from ussd_app.gateways import base, dialling, xml_reading
from ussd_app.messages import (
    Action,
    BadCallback,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)

_KINDS = {"1": Kind.BEGIN, "2": Kind.CONTINUE, "3": Kind.CANCEL, "4": Kind.TIMEOUT}
_NUMBERS = {kind: number for number, kind in _KINDS.items()}
_TYPES = {Action.CONTINUE: "2", Action.END: "3"}
_HEAD = '<?xml version="1.0" encoding="utf-8"?>'


class BlastSms(base.Adapter):
    """The adapter."""

    name = "blastsms"
    methods = frozenset({"POST"})
    confidence = "one client code"
    capabilities = base.Capabilities(reports_cancel=True, reports_timeout=True)

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        fields = xml_reading.texts(base.xml_root(request.body))
        kind = _KINDS.get(xml_reading.need(fields, "type"))
        if kind is None:
            raise BadCallback('"type" must be 1, 2, 3 or 4')
        number = xml_reading.need(fields, "msisdn")
        session = xml_reading.need(fields, "sessionid")
        service_code = base.service_code(xml_reading.need(fields, "shortcode"))
        typed = fields.get("msg", "")
        return UssdRequest(
            kind,
            session,
            base.msisdn(number, endpoint.country),
            service_code,
            dialling.after(typed, service_code) if kind is Kind.BEGIN else typed,
            base.fingerprint(kind, typed),
            echo={"msisdn": number, "appid": fields.get("appid", "").strip()},
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """The screen whole in `msg`."""
        return _reply(screen.text, screen.action, request)

    def acknowledge(self, request: UssdRequest, *, live: bool = False) -> UssdReply:
        """An empty release."""
        return _reply("", Action.END, request)

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`."""
        extra, *inputs = history or ("",)
        dialled = f"*{dialling.whole(request.service_code, extra)}#"
        if inputs:
            return _callback(request, Kind.CONTINUE, inputs[-1])
        return _callback(request, Kind.BEGIN, dialled)

    def notice(
        self, request: UssdRequest, history: tuple[str, ...], kind: Kind
    ) -> HttpRequest | None:
        """See `Gateway.notice`."""
        return _callback(request, kind, "") if kind in _NUMBERS else None

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        root = xml_reading.shown(reply.body)
        action = xml_reading.action_of(root, "type", _TYPES)
        return Screen(root.findtext("msg") or "", action)


def _callback(request: UssdRequest, kind: Kind, message: str) -> HttpRequest:
    body = (
        f"<ussdreq><msisdn>{base.xml_text(request.msisdn.removeprefix('+'))}</msisdn>"
        f"<sessionid>{base.xml_text(request.session)}</sessionid><appid>1</appid>"
        f"<shortcode>{base.xml_text(request.service_code)}</shortcode>"
        f"<type>{_NUMBERS[kind]}</type><msg>{base.xml_text(message)}</msg></ussdreq>"
    )
    return HttpRequest("POST", "", "", {"content-type": "text/xml"}, body.encode())


def _reply(text: str, action: Action, request: UssdRequest) -> UssdReply:
    number = request.echo.get("msisdn", request.msisdn.removeprefix("+"))
    return base.text_reply(
        f"{_HEAD}<ussdresp><msisdn>{base.xml_text(number)}</msisdn>"
        f"<sessionid>{base.xml_text(request.session)}</sessionid>"
        f"<appid>{base.xml_text(request.echo.get('appid', ''))}</appid>"
        f"<type>{_TYPES[action]}</type><msg>{base.xml_text(text)}</msg></ussdresp>",
        "text/xml",
    )
