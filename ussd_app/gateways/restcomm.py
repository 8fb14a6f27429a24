"""RestComm (TelScale, Mobicents) ussdgateway. Confidence: official docs.

A POST of `<dialog type="Begin|Continue|…" localId="…">`, MAP put into XML: Begin holds
`processUnstructuredSSRequest_Request` with the whole dialled `string`, an `invokeId` and the
`msisdn`; Continue holds `unstructuredSSRequest_Response` with the newest input, and no number. The
reply is a `<dialog>` with `unstructuredSSRequest_Request`, which goes on, or with
`processUnstructuredSSRequest_Response`, which ends and must give back the `invokeId` of Begin.
`userObject` is ours: the gateway gives the last one back, so it carries that invokeId and the
number of the hop, `0:2`. The service code is not told apart from what is dialled after it: the
endpoint names its codes. What leaves GSM 7-bit goes as UCS-2 (scheme 72), 80 characters at most.
Aborts and timeouts of the dialog come as attributes of `<dialog>`; nobody reads their answer. The
gateway waits 25 s by default, and shows its own text for any status but 200.
Source: the gateway's admin guide (HTTP architecture) and its source.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element

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
from ussd_app.render import gsm7

_INVOKE = re.compile("-?[0-9]{1,3}")
_OURS = re.compile("(-?[0-9]{1,3}):([0-9]{1,6})")
#: Attributes that tell of a dialog's end, in the order in which they are believed.
_ENDS = (
    ("dialogtimedout", Kind.TIMEOUT, "application or network dialog timeout"),
    ("invoketimedout", Kind.TIMEOUT, "subscriber too slow"),
    ("mapabortproviderreason", Kind.CANCEL, "network abort"),
    ("maprefusereason", Kind.CANCEL, "network refusal"),
    ("mapuserabortchoice", Kind.CANCEL, "user abort"),
)
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_ASK, _FINISH = "unstructuredSSRequest_Request", "processUnstructuredSSRequest_Response"


class RestComm(base.Adapter):
    """The adapter."""

    name = "restcomm"
    methods = frozenset({"POST"})
    confidence = "official docs"
    capabilities = base.Capabilities(
        septets_max=182,
        ucs2_max=80,
        reply_seconds=25.0,
        reports_cancel=True,
        reports_timeout=True,
        numbers_hops=True,
    )

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        root = base.xml_root(request.body)
        dialog = xml_reading.attributes(root)
        session = xml_reading.need(dialog, "localId")
        code = dialling.first(endpoint.service_codes)
        end = _end(dialog, root)
        if end is not None:
            kind, reason = end
            return UssdRequest(
                kind, session, "", code, "", base.fingerprint(kind, reason), reason=reason
            )
        asked = xml_reading.child(root, "processunstructuredssrequest_request")
        if asked is not None:
            return _begin(session, root, asked, endpoint)
        answered = xml_reading.child(root, "unstructuredssrequest_response")
        if answered is None:
            raise BadCallback("the dialog holds neither a dial nor an answer, and does not end")
        message = xml_reading.attributes(answered)
        typed = message.get("string", "")
        ours = _OURS.fullmatch(dialog.get("userobject", ""))
        return UssdRequest(
            Kind.CONTINUE,
            session,
            "",
            code,
            typed,
            base.fingerprint(ours[2] if ours else message.get("invokeid", ""), typed),
            position=int(ours[2]) if ours else None,
            echo={"invokeId": ours[1] if ours else "0"},
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """The screen as one attribute."""
        invoke = request.echo.get("invokeId", "0")
        scheme = 15 if gsm7.septets(screen.text) is not None else 72
        said = f'dataCodingScheme="{scheme}" string={xml_reading.attribute(screen.text)}'
        if screen.action is Action.CONTINUE:
            dialog = f'userObject="{invoke}:{(request.position or 0) + 1}"'
            message = f"<{_ASK} {said}/>"
        else:
            dialog = 'prearrangedEnd="false"'
            message = f'<{_FINISH} invokeId="{invoke}" {said}/>'
        return base.text_reply(
            f'{_HEAD}<dialog mapMessagesSize="1" {dialog}>{message}</dialog>', "text/xml"
        )

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`."""
        extra, *inputs = history or ("",)
        if inputs:
            string = xml_reading.attribute(inputs[-1])
            message = (
                f'<unstructuredSSRequest_Response invokeId="{len(inputs)}"'
                f' dataCodingScheme="15" string={string}/>'
            )
            told = f'mapMessagesSize="1" userObject="0:{len(inputs)}"'
            return _callback(request, "Continue", told, message)
        string = xml_reading.attribute(f"*{dialling.whole(request.service_code, extra)}#")
        number = xml_reading.attribute(request.msisdn.removeprefix("+"))
        message = (
            f'<processUnstructuredSSRequest_Request invokeId="0" dataCodingScheme="15"'
            f' string={string}><msisdn nai="international_number" npi="ISDN"'
            f" number={number}/></processUnstructuredSSRequest_Request>"
        )
        return _callback(request, "Begin", 'mapMessagesSize="1"', message)

    def notice(
        self, request: UssdRequest, history: tuple[str, ...], kind: Kind
    ) -> HttpRequest | None:
        """See `Gateway.notice`."""
        hops = max(1, len(history))
        how = {
            Kind.CANCEL: 'mapUserAbortChoice="isUserSpecificReason"',
            Kind.TIMEOUT: f'invokeTimedOut="{hops}"',
        }.get(kind)
        if how is None:
            return None
        return _callback(request, "Abort", f'mapMessagesSize="0" {how} userObject="0:{hops}"', "")

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        root = xml_reading.shown(reply.body)
        for name, action in ((_ASK, Action.CONTINUE), (_FINISH, Action.END)):
            message = root.find(name)
            if message is not None:
                return Screen(message.get("string") or "", action)
        raise ValueError("the dialog holds no screen")


def _callback(request: UssdRequest, kind: str, told: str, message: str) -> HttpRequest:
    body = (
        f'{_HEAD}<dialog type="{kind}" localId={xml_reading.attribute(request.session)}'
        f" {told}><errComponents/>{message}</dialog>"
    )
    headers = {"content-type": "text/xml", "content-encoding": "utf-8"}
    return HttpRequest("POST", "", "", headers, body.encode())


def _end(dialog: Mapping[str, str], root: Element) -> tuple[Kind, str] | None:
    """How a dialog ended, where this callback tells that it has."""
    for name, kind, reason in _ENDS:
        if dialog.get(name, "").strip().lower() not in {"", "false"}:
            return kind, reason
    errors = xml_reading.child(root, "errcomponents")
    if errors is not None and len(errors):
        return Kind.CANCEL, "network error"
    if dialog.get("type", "").strip().lower() in {"abort", "end"}:
        return Kind.CANCEL, "dialog ended"
    return None


def _begin(session: str, root: Element, asked: Element, endpoint: base.Endpoint) -> UssdRequest:
    message = xml_reading.attributes(asked)
    invoke = xml_reading.need(message, "invokeId")
    if not _INVOKE.fullmatch(invoke):
        raise BadCallback('"invokeId" must be a small number')
    dialled = xml_reading.need(message, "string")
    caller = xml_reading.child(asked, "msisdn")
    if caller is None:
        caller = xml_reading.child(root, "originationreference")
    if caller is None:
        raise BadCallback('"msisdn" and "originationReference" are missing')
    number = xml_reading.need(xml_reading.attributes(caller), "number")
    service_code, extra = dialling.split(dialled, endpoint.service_codes)
    return UssdRequest(
        Kind.BEGIN,
        session,
        base.msisdn(number, endpoint.country),
        service_code,
        extra,
        base.fingerprint("0", dialled),
        position=0,
        echo={"invokeId": invoke},
    )
