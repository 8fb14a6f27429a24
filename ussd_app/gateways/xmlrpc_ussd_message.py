"""XML-RPC `USSD_MESSAGE`. Confidence: several independent client codes.

A POST of an XML-RPC call with one struct of strings: `SEQUENCE, END_OF_SESSION, LANGUAGE,
SESSION_ID, SERVICE_KEY, MOBILE_NUMBER, USSD_BODY`. `SEQUENCE` counts the hops from 0 or 1: 0
begins a session, 1 begins one that is unknown. The first `USSD_BODY` is empty or holds what was
dialled; later ones are the newest input. `SERVICE_KEY` is the service code. The reply's struct is
`RESPONSE_CODE, REQUEST_TYPE, SESSION_ID, SEQUENCE, USSD_BODY, END_OF_SESSION`, always in this
order: one emulator reads it by position. `END_OF_SESSION` TRUE ends; in a call it is taken for the
client having left, which no client was seen to send. One emulator warns above 160 characters.
Some send HTTP Basic credentials. Met at Airtel (DR Congo, Zambia).
Source: independent clients and an emulator; the vendor's document was not seen.
"""

from __future__ import annotations

from ussd_app.gateways import base, dialling, xml_reading, xml_rpc
from ussd_app.messages import (
    Action,
    BadCallback,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)

_NUMBERS_MAX = 9


class XmlRpcUssdMessage(base.Adapter):
    """The adapter."""

    name = "xmlrpc_ussd_message"
    methods = frozenset({"POST"})
    confidence = "several independent client codes"
    capabilities = base.Capabilities(
        reports_cancel=True, numbers_hops=True, auth="HTTP Basic in some"
    )

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        fields = xml_rpc.members(request.body)
        number = xml_reading.need(fields, "SEQUENCE")
        if not (number.isascii() and number.isdigit() and len(number) <= _NUMBERS_MAX):
            raise BadCallback('"SEQUENCE" must be a number')
        position = int(number)
        typed = xml_reading.have(fields, "USSD_BODY")
        kind = {0: Kind.BEGIN, 1: Kind.OPEN}.get(position, Kind.CONTINUE)
        if fields.get("end_of_session", "").strip().upper() == "TRUE":
            kind = Kind.CANCEL
        service_code = base.service_code(xml_reading.need(fields, "SERVICE_KEY"))
        return UssdRequest(
            kind,
            xml_reading.need(fields, "SESSION_ID"),
            base.msisdn(xml_reading.need(fields, "MOBILE_NUMBER"), endpoint.country),
            service_code,
            dialling.after(typed, service_code) if kind is Kind.BEGIN else typed,
            base.fingerprint(number, typed),
            position=position,
            language=fields.get("language", "").strip()[:2].lower() or None,
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """The screen whole in `USSD_BODY`."""
        return _reply(screen.text, screen.action, request)

    def acknowledge(self, request: UssdRequest, *, live: bool = False) -> UssdReply:
        """An empty screen that ends."""
        return _reply("", Action.END, request)

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`."""
        extra, *inputs = history or ("",)
        return _callback(request, len(inputs), "FALSE", inputs[-1] if inputs else extra)

    def notice(
        self, request: UssdRequest, history: tuple[str, ...], kind: Kind
    ) -> HttpRequest | None:
        """See `Gateway.notice`."""
        if kind is not Kind.CANCEL:
            return None
        return _callback(request, max(1, len(history)), "TRUE", "")

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        fields = xml_rpc.shown(reply.body)
        ends = {"FALSE": Action.CONTINUE, "TRUE": Action.END}.get(fields.get("end_of_session", ""))
        if ends is None:
            raise ValueError('the reply has no "END_OF_SESSION" of TRUE or FALSE')
        return Screen(fields.get("ussd_body", ""), ends)


def _callback(request: UssdRequest, number: int, over: str, typed: str) -> HttpRequest:
    body = xml_rpc.call(
        "USSD_MESSAGE",
        ("SEQUENCE", xml_rpc.string(str(number))),
        ("END_OF_SESSION", xml_rpc.string(over)),
        ("LANGUAGE", xml_rpc.string("ENU" if request.language == "en" else "FRA")),
        ("SESSION_ID", xml_rpc.string(request.session)),
        ("SERVICE_KEY", xml_rpc.string(request.service_code.strip("*#"))),
        ("MOBILE_NUMBER", xml_rpc.string(request.msisdn.removeprefix("+"))),
        ("USSD_BODY", xml_rpc.string(typed)),
    )
    return HttpRequest("POST", "", "", {"content-type": "text/xml"}, body)


def _reply(text: str, action: Action, request: UssdRequest) -> UssdReply:
    goes_on = action is Action.CONTINUE
    return xml_rpc.response(
        ("RESPONSE_CODE", xml_rpc.string("0")),
        ("REQUEST_TYPE", xml_rpc.string("REQUEST" if goes_on else "RESPONSE")),
        ("SESSION_ID", xml_rpc.string(request.session)),
        ("SEQUENCE", xml_rpc.string(str(request.position or 0))),
        ("USSD_BODY", xml_rpc.string(text)),
        ("END_OF_SESSION", xml_rpc.string("FALSE" if goes_on else "TRUE")),
    )
