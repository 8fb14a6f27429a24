"""Vumi Go's HTTP API, asynchronous. Confidence: official docs.

A POST of JSON `{message_id, in_reply_to, session_event, to_addr, from_addr, content, …}`;
`session_event` is new, resume, close, or null on networks that do not tell; `content` is null on
new, else the newest input. There is no session id: from_addr and to_addr together are the session.
The HTTP reply only says that the callback came. The screen goes out by a call of ours, PUT
`URL/messages.json` with `{in_reply_to, to_addr, content, session_event}`, resume or close.
The endpoint's options: `url` (the conversation's, up to its key), `account_key` and `access_token`
(HTTP Basic).
Source: Vumi Go's HTTP API documentation.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

from ussd_app.gateways import base, dialling, json_body
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

CLOSE = "close"
#: What a screen's `session_event` says.
EVENTS = {Action.CONTINUE: "resume", Action.END: CLOSE}
_KINDS = {"new": Kind.BEGIN, "resume": Kind.CONTINUE, CLOSE: Kind.CANCEL}


class VumiGo(base.Adapter):
    """The adapter."""

    name = "vumi_go"
    methods = frozenset({"POST"})
    options = frozenset({"url", "account_key", "access_token"})
    confidence = "official docs"
    capabilities = base.Capabilities(reports_cancel=True, asynchronous=True)

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        found = base.json_object(request.body)
        message = json_body.need(found, "message_id")
        sender = json_body.need(found, "from_addr")
        code = json_body.need(found, "to_addr")
        event = base.text_of(found, "session_event", "")
        kind, text = said(event, found, code)
        return UssdRequest(
            kind,
            f"{sender} {code}",
            base.msisdn(sender, endpoint.country),
            base.service_code(code),
            text,
            base.fingerprint(message),
            reason=event if kind is Kind.CANCEL else None,
            unique=True,
            echo={"message_id": message, "from_addr": sender},
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """The message that `outbound` sends."""
        return json_body.reply(
            {
                "in_reply_to": request.echo.get("message_id", ""),
                "to_addr": request.echo.get("from_addr", request.msisdn),
                "content": screen.text,
                "session_event": EVENTS[screen.action],
            }
        )

    def outbound(
        self, reply: UssdReply, request: UssdRequest, endpoint: base.Endpoint, now: float
    ) -> HttpCall:
        """The PUT of one message; raises `BadEndpoint`."""
        account = base.option(endpoint, "account_key")
        token = base.option(endpoint, "access_token")
        credentials = b64encode(f"{account}:{token}".encode()).decode()
        headers = {"Content-Type": json_body.CONTENT_TYPE, "Authorization": f"Basic {credentials}"}
        url = f"{base.option(endpoint, 'url').rstrip('/')}/messages.json"
        return HttpCall("PUT", url, headers, reply.body)

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`; the session is told by the two addresses alone."""
        event, content = example_of(request, history)
        return _callback(request, str(max(1, len(history))), event, content)

    def notice(
        self, request: UssdRequest, history: tuple[str, ...], kind: Kind
    ) -> HttpRequest | None:
        """See `Gateway.notice`."""
        return _callback(request, CLOSE, CLOSE, None) if kind is Kind.CANCEL else None

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        found = json_body.members_of(reply)
        action = json_body.action_of(found, "session_event", EVENTS)
        return Screen(json_body.shown(found, "content"), action)


def _callback(request: UssdRequest, message: str, event: str, content: str | None) -> HttpRequest:
    return json_body.post(
        {
            "message_id": f"{request.session}-{message}",
            "in_reply_to": None,
            "session_event": event,
            "to_addr": request.service_code,
            "to_addr_type": "msisdn",
            "from_addr": request.msisdn,
            "from_addr_type": "msisdn",
            "content": content,
            "transport_name": "ussd_transport",
            "transport_type": "ussd",
            "transport_metadata": {},
            "helper_metadata": {},
        }
    )


def said(event: str, found: Mapping[str, object], code: str) -> tuple[Kind, str]:
    """(kind, input) of Vumi's session event and content; raises `BadCallback`.

    Where no event is told, a content that is null or the dialled string can only be a dial.
    """
    typed = base.text_of(found, "content", "")
    extra = dialling.after(typed, code)
    kind = _KINDS.get(event)
    if not event:
        repeats_code = extra != typed.strip().strip("*#")
        kind = Kind.BEGIN if found.get("content") is None or repeats_code else Kind.OPEN
    if kind is None:
        raise BadCallback('"session_event" must be new, resume, close or null')
    return kind, extra if kind is Kind.BEGIN else typed


def example_of(request: UssdRequest, history: tuple[str, ...]) -> tuple[str, str | None]:
    """(session event, content) at the end of `history`: null where nothing more was dialled."""
    if len(history) > 1:
        return "resume", history[-1]
    extra = history[0] if history else ""
    return "new", json_body.typed_of(request.service_code, history) if extra else None
