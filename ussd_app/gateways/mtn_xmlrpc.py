"""MTN's XML-RPC `handleUSSDRequest`. Confidence: several independent client codes.

A POST of an XML-RPC call (its method is also named `handleUSSD`; it is not looked at) with one
struct: `TransactionId, TransactionTime, MSISDN, USSDServiceCode, USSDRequestString, response`.
`response` is "false" when a client dials and "true" for an answer; where it is missing, a session
is new when it is unknown. The first `USSDRequestString` is empty or holds what was dialled after
the service code, `14321*1000#`; later ones are the newest input. The reply's struct gives back
`TransactionId` and `TransactionTime` (the call's own: an adapter has no clock), and holds
`USSDResponseString` and `action`: request goes on, end ends. The client waits 30 s. No notice of
cancel or timeout was ever seen. Met at MTN Rwanda and in Ethiopia.
Source: independent clients and simulators; the vendor's document was not seen.
"""

from __future__ import annotations

import re

from ussd_app.gateways import base, dialling, xml_reading, xml_rpc
from ussd_app.messages import Action, HttpRequest, Kind, Screen, UssdReply, UssdRequest

_KINDS = {"false": Kind.BEGIN, "true": Kind.CONTINUE}
_ACTIONS = {Action.CONTINUE: "request", Action.END: "end"}
#: What XML-RPC calls a dateTime.iso8601; clients that send another form sent a string.
_MOMENT = re.compile(r"\d{8}T\d\d:\d\d:\d\d", re.ASCII)


class MtnXmlRpc(base.Adapter):
    """The adapter."""

    name = "mtn_xmlrpc"
    methods = frozenset({"POST"})
    confidence = "several independent client codes"
    capabilities = base.Capabilities(reply_seconds=30.0)

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        fields = xml_rpc.members(request.body)
        session = xml_reading.need(fields, "TransactionId")
        msisdn = base.msisdn(xml_reading.need(fields, "MSISDN"), endpoint.country)
        service_code = base.service_code(xml_reading.need(fields, "USSDServiceCode"))
        typed = xml_reading.have(fields, "USSDRequestString")
        kind = _KINDS.get(fields.get("response", "").strip().lower(), Kind.OPEN)
        return UssdRequest(
            kind,
            session,
            msisdn,
            service_code,
            dialling.after(typed, service_code) if kind is Kind.BEGIN else typed,
            base.fingerprint(kind, typed),
            echo={"time": fields.get("transactiontime", "").strip()},
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """The screen whole in `USSDResponseString`."""
        time = request.echo.get("time", "")
        moment = xml_rpc.moment if _MOMENT.fullmatch(time) else xml_rpc.string
        return xml_rpc.response(
            ("TransactionId", xml_rpc.string(request.session)),
            ("TransactionTime", moment(time)),
            ("USSDResponseString", xml_rpc.string(screen.text)),
            ("action", xml_rpc.string(_ACTIONS[screen.action])),
        )

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`."""
        extra, *inputs = history or ("",)
        dialled = f"{extra}#" if extra else ""
        body = xml_rpc.call(
            "handleUSSDRequest",
            ("TransactionId", xml_rpc.string(request.session)),
            ("TransactionTime", xml_rpc.moment("20260110T09:00:00")),
            ("MSISDN", xml_rpc.string(request.msisdn.removeprefix("+"))),
            ("USSDServiceCode", xml_rpc.string(request.service_code.strip("*#"))),
            ("USSDRequestString", xml_rpc.string(inputs[-1] if inputs else dialled)),
            ("response", xml_rpc.string("true" if inputs else "false")),
        )
        return HttpRequest("POST", "", "", {"content-type": "text/xml"}, body)

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`; a screen to be notified of wants no answer either."""
        fields = xml_rpc.shown(reply.body)
        told = fields.get("action", "")
        action = Action.CONTINUE if told == "request" else Action.END
        if told not in {"request", "end", "notify"}:
            raise ValueError('the reply has no "action" of request, end or notify')
        return Screen(fields.get("ussdresponsestring", ""), action)
