"""TruTeq's TruRoute XML. Confidence: official docs.

A POST of `<ussd>` with `msisdn, sessionid, type, msg`. Types: 1 the client dialled `msg`, 2 `msg`
is the newest input, 3 the client left, 4 the client was too slow, 10 a charge failed (`msg` says
why). The service code comes in type 1 alone, so an endpoint names its codes. The reply is `<ussd>`
with `type` (2 goes on, 3 ends) and `msg`, where a line break is `&#10;`, another control character
a blank, and what is not ASCII a reference. No `premium` is sent, so nothing is charged; type 5,
which hands the client to another service, is not used.
Source: the API specification of SMS.COM.NA and TruTeq. Met in South Africa, Namibia, Malawi (TNM),
Ethiopia (Safaricom) and Mozambique.
"""

from __future__ import annotations

import re

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

_KINDS = {
    "1": Kind.BEGIN,
    "2": Kind.CONTINUE,
    "3": Kind.CANCEL,
    "4": Kind.TIMEOUT,
    "10": Kind.CHARGE_FAILED,
}
_NUMBERS = {kind: number for number, kind in _KINDS.items()}
_TYPES = {Action.CONTINUE: "2", Action.END: "3"}
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")


class TruRoute(base.Adapter):
    """The adapter."""

    name = "truroute"
    methods = frozenset({"POST"})
    confidence = "official docs"
    capabilities = base.Capabilities(reports_cancel=True, reports_timeout=True)

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        fields = xml_reading.texts(base.xml_root(request.body))
        kind = _KINDS.get(xml_reading.need(fields, "type"))
        if kind is None:
            raise BadCallback('"type" must be 1, 2, 3, 4 or 10')
        message = fields.get("msg", "")
        if kind is Kind.BEGIN and not message.strip():
            raise BadCallback('"msg" must say what was dialled')
        service_code, heard = dialling.heard(kind, message, endpoint.service_codes)
        return UssdRequest(
            kind,
            xml_reading.need(fields, "sessionid"),
            base.msisdn(xml_reading.need(fields, "msisdn"), endpoint.country),
            service_code,
            heard,
            base.fingerprint(kind, message),
            reason=message.strip() or None if kind is Kind.CHARGE_FAILED else None,
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """The screen whole in `msg`."""
        return _reply(screen.text, screen.action)

    def acknowledge(self, request: UssdRequest, *, live: bool = False) -> UssdReply:
        """A release: the specification asks for no answer, and this one is harmless."""
        return _reply("", Action.END)

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
        if kind not in _NUMBERS:
            return None
        message = "Insufficient funds" if kind is Kind.CHARGE_FAILED else ""
        return _callback(request, kind, message)

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        root = xml_reading.shown(reply.body)
        action = xml_reading.action_of(root, "type", _TYPES)
        return Screen(root.findtext("msg") or "", action)


def _callback(request: UssdRequest, kind: Kind, message: str) -> HttpRequest:
    body = (
        f"<ussd><msisdn>{base.xml_text(request.msisdn.removeprefix('+'))}</msisdn>"
        f"<sessionid>{base.xml_text(request.session)}</sessionid>"
        f"<type>{_NUMBERS[kind]}</type><msg>{base.xml_text(message)}</msg></ussd>"
    )
    return HttpRequest("POST", "", "", {"content-type": "text/xml"}, body.encode())


def _reply(text: str, action: Action) -> UssdReply:
    body = f"<ussd><type>{_TYPES[action]}</type><msg>{_escaped(text)}</msg></ussd>"
    return base.text_reply(body, "text/xml")


def _escaped(text: str) -> str:
    """The specification's escapes, each once."""
    escaped = base.xml_text(_CONTROL.sub(" ", text))
    escaped = escaped.replace('"', "&quot;").replace("'", "&apos;").replace("\n", "&#10;")
    return _NOT_ASCII.sub(lambda found: f"&#x{ord(found[0]):X};", escaped)
