"""Huawei SDP (USSDC), ParlayX SOAP. Confidence: several independent client codes.

Asynchronous. A POST of SOAP 1.1 with `notifyUssdReception`: `msgType` 0 begins, 1 goes on, 2 ends;
`ussdOpType` 4 releases; `senderCB` names the dialog; `serviceCode` has no star or hash;
`ussdString` is what was dialled, then the newest input. It is answered at once with `result` 0;
the screen goes by a call of ours, `sendUssd`: `msgType` 1 and `ussdOpType` 1 ask for an answer, 2
and 3 end. `notifyUssdAbort` tells in a sentence why a dialog was broken off, and holds no number.
Options: `url` (of SendUssd), `sp_id` and `sp_password` (our account; the password goes as the MD5
of id, password and time, in UTC), `service_id` where the callbacks bring none, and `code_scheme`
(68 unless the operator wants another, such as 15).
Source: six independent clients that quote the vendor's table of values. Met at MTN (Nigeria, Côte
d'Ivoire, Congo, Benin); the values that end a dialog differ between clients: ask the operator.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from ussd_app.gateways import base, dialling, xml_reading
from ussd_app.messages import (
    Action,
    BadCallback,
    HttpCall,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)

_KINDS = {"0": Kind.BEGIN, "1": Kind.CONTINUE, "2": Kind.CANCEL}
_RELEASE = "4"
#: Why a dialog was broken off. The words for a timeout were seen nowhere: these are ours.
_REASONS = {
    Kind.CANCEL: "The end user cancels.",
    Kind.TIMEOUT: "The end user did not answer in time.",
}
#: msgType and ussdOpType of a screen.
_TYPES = {Action.CONTINUE: ("1", "1"), Action.END: ("2", "3")}
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_COMMON = "http://www.huawei.com.cn/schema/common/v2_1"
_NOTIFICATION = "http://www.csapi.org/schema/parlayx/ussd/notification/v1_0/local"
_SEND = "http://www.csapi.org/schema/parlayx/ussd/send/v1_0/local"


class HuaweiSdp(base.Adapter):
    """The adapter."""

    name = "huawei_sdp"
    methods = frozenset({"POST"})
    options = frozenset({"url", "sp_id", "sp_password"})
    more_options = frozenset({"service_id", "code_scheme"})
    confidence = "several independent client codes"
    capabilities = base.Capabilities(reports_cancel=True, reports_timeout=True, asynchronous=True)

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        envelope = base.xml_root(request.body)
        body = xml_reading.child(envelope, "body")
        if body is None or not len(body):
            raise BadCallback("the SOAP body is missing")
        operation = xml_reading.local(body[0].tag)
        fields = xml_reading.texts(body[0])
        session = xml_reading.need(fields, "senderCB")
        if operation == "notifyussdabort":
            reason = fields.get("abortreason", "").strip()
            return UssdRequest(
                Kind.CANCEL,
                session,
                "",
                dialling.first(endpoint.service_codes),
                "",
                base.fingerprint(operation, reason),
                reason=reason or None,
                echo={"abort": "true"},
            )
        if operation != "notifyussdreception":
            raise BadCallback("the SOAP body is neither notifyUssdReception nor notifyUssdAbort")
        kind = _KINDS.get(xml_reading.need(fields, "msgType"))
        if kind is None:
            raise BadCallback('"msgType" must be 0, 1 or 2')
        if fields.get("ussdoptype", "").strip() == _RELEASE:
            kind = Kind.CANCEL
        number = xml_reading.need(fields, "msIsdn")
        code = xml_reading.need(fields, "serviceCode")
        service_code = base.service_code(code)
        typed = fields.get("ussdstring", "")
        echo = {"msIsdn": number, "serviceCode": code, "serviceId": _service_id(envelope)}
        return UssdRequest(
            kind,
            session,
            base.msisdn(number, endpoint.country),
            service_code,
            dialling.after(typed, service_code) if kind is Kind.BEGIN else typed,
            base.fingerprint(kind, typed),
            reason="released" if kind is Kind.CANCEL else None,
            echo=echo,
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """JSON of the screen, and of what `outbound` sends it with."""
        told = {
            "text": screen.text,
            "action": screen.action,
            "senderCB": request.session,
            "msIsdn": request.echo.get("msIsdn", request.msisdn.removeprefix("+")),
            "serviceCode": request.echo.get("serviceCode", request.service_code.strip("*#")),
            "serviceId": request.echo.get("serviceId", ""),
        }
        return base.text_reply(json.dumps(told), "application/json")

    def acknowledge(self, request: UssdRequest, *, live: bool = False) -> UssdReply:
        """The SOAP response to the callback itself."""
        if "abort" in request.echo:
            answer = "<loc:notifyUssdAbortResponse/>"
        else:
            answer = (
                "<loc:notifyUssdReceptionResponse><loc:result>0</loc:result>"
                "</loc:notifyUssdReceptionResponse>"
            )
        return base.text_reply(_envelope(_NOTIFICATION, "", answer), "text/xml")

    def outbound(
        self, reply: UssdReply, request: UssdRequest, endpoint: base.Endpoint, now: float
    ) -> HttpCall:
        """The `sendUssd` that shows a screen; raises `BadEndpoint`."""
        told = {name: str(value) for name, value in json.loads(reply.body).items()}
        account = base.option(endpoint, "sp_id")
        moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d%H%M%S")
        secret = f"{account}{base.option(endpoint, 'sp_password')}{moment}"
        header = _elements(
            "tns",
            spId=account,
            # The protocol's own digest; what keeps the password is the transport.
            spPassword=hashlib.md5(secret.encode(), usedforsecurity=False).hexdigest(),
            serviceId=told["serviceId"] or base.option(endpoint, "service_id"),
            timeStamp=moment,
            OA=told["msIsdn"],
            FA=told["msIsdn"],
        )
        message_type, operation = _TYPES[Action(told["action"])]
        body = _elements(
            "loc",
            msgType=message_type,
            senderCB=told["senderCB"],
            receiveCB=told["senderCB"],
            ussdOpType=operation,
            msIsdn=told["msIsdn"],
            serviceCode=told["serviceCode"],
            codeScheme=endpoint.options.get("code_scheme", "68"),
            ussdString=told["text"],
        )
        envelope = _envelope(
            _SEND,
            f'<tns:RequestSOAPHeader xmlns:tns="{_COMMON}">{header}</tns:RequestSOAPHeader>',
            f"<loc:sendUssd>{body}</loc:sendUssd>",
        )
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        return HttpCall("POST", base.option(endpoint, "url"), headers, envelope.encode())

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`."""
        extra, *inputs = history or ("",)
        dialled = f"*{dialling.whole(request.service_code, extra)}#"
        body = _elements(
            "loc",
            msgType="1" if inputs else "0",
            senderCB=request.session,
            receiveCB="FFFFFFFF",
            ussdOpType="3" if inputs else "1",
            msIsdn=request.msisdn.removeprefix("+"),
            serviceCode=request.service_code.strip("*#"),
            codeScheme="15",
            ussdString=inputs[-1] if inputs else dialled,
        )
        return _callback(f"<loc:notifyUssdReception>{body}</loc:notifyUssdReception>")

    def notice(
        self, request: UssdRequest, history: tuple[str, ...], kind: Kind
    ) -> HttpRequest | None:
        """See `Gateway.notice`."""
        if kind not in _REASONS:
            return None
        body = _elements(
            "loc",
            abortReason=_REASONS[kind],
            senderCB=request.session,
            receiveCB="FFFFFFFF",
        )
        return _callback(f"<loc:notifyUssdAbort>{body}</loc:notifyUssdAbort>")

    def read(self, reply: UssdReply) -> Screen:
        """The screen that `outbound` will send, or has sent; raises ValueError."""
        if reply.body.lstrip().startswith(b"<"):
            return _sent(reply.body)
        try:
            told = base.json_object(reply.body)
            text = base.text_of({"text": told.get("text")}, "text")
        except BadCallback as error:
            raise ValueError(f"the reply: {error}") from None
        return Screen(text, Action(str(told.get("action"))))


def _callback(body: str) -> HttpRequest:
    envelope = _envelope(
        _NOTIFICATION,
        f'<tns:NotifySOAPHeader xmlns:tns="{_COMMON}">'
        "<tns:serviceId>1</tns:serviceId></tns:NotifySOAPHeader>",
        body,
    )
    return HttpRequest("POST", "", "", {"content-type": "text/xml"}, envelope.encode())


def _sent(body: bytes) -> Screen:
    """The screen of a `sendUssd`; raises ValueError."""
    try:
        soap = xml_reading.child(base.xml_root(body), "body")
        call = xml_reading.child(soap, "sendussd") if soap is not None else None
        told = xml_reading.texts(call) if call is not None else None
    except BadCallback as error:
        raise ValueError(f"the call: {error}") from None
    if told is None:
        raise ValueError("the call holds no sendUssd")
    for action, (kind, _) in _TYPES.items():
        if told.get("msgtype") == kind:
            return Screen(told.get("ussdstring", ""), action)
    raise ValueError('the call\'s "msgType" is neither 1 nor 2')


def _service_id(envelope: Element) -> str:
    """The service that the callback is for, from its SOAP header, or ""."""
    header = xml_reading.child(envelope, "header")
    about = xml_reading.child(header, "notifysoapheader") if header is not None else None
    return xml_reading.texts(about).get("serviceid", "").strip() if about is not None else ""


def _elements(prefix: str, **values: str) -> str:
    """Elements of one namespace, in this order."""
    return "".join(
        f"<{prefix}:{name}>{base.xml_text(value)}</{prefix}:{name}>"
        for name, value in values.items()
    )


def _envelope(namespace: str, header: str, body: str) -> str:
    return (
        f'<soapenv:Envelope xmlns:soapenv="{_SOAP}" xmlns:loc="{namespace}">'
        f"<soapenv:Header>{header}</soapenv:Header>"
        f"<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    )
