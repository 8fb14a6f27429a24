"""Junebug, an HTTP API over Vumi's transports, asynchronous. Confidence: official docs.

A POST of JSON `{message_id, channel_id, timestamp, to, from, content, reply_to, channel_data:
{session_event}}`, events and content as Vumi's (see `vumi_go`). There is no session id: from and to
together are the session. The HTTP reply only says that the callback came. The screen goes out by a
call of ours, POST `URL/channels/CHANNEL/messages/` with `{reply_to, content, channel_data:
{session_event}}`; a message can be replied to for ten minutes, unless Junebug is configured
otherwise. The endpoint's option: `url`, Junebug's own. A channel with `mo_url_auth_token` sends
`Authorization: Token …` with its callbacks: trust the endpoint's callers by that header.
Source: Junebug's HTTP API documentation.
"""

from __future__ import annotations

import re

from ussd_app.gateways import base, json_body, vumi_go
from ussd_app.messages import (
    BadCallback,
    HttpCall,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)

#: It becomes a part of our URL, so it may hold nothing that leads elsewhere.
_CHANNEL = re.compile(r"[A-Za-z0-9_-]{1,100}")


class Junebug(base.Adapter):
    """The adapter."""

    name = "junebug"
    methods = frozenset({"POST"})
    options = frozenset({"url"})
    confidence = "official docs"
    capabilities = base.Capabilities(
        reports_cancel=True, asynchronous=True, auth="a token in a header, where configured"
    )

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        found = base.json_object(request.body)
        message = json_body.need(found, "message_id")
        channel = json_body.need(found, "channel_id")
        if not _CHANNEL.fullmatch(channel):
            raise BadCallback('"channel_id" must be letters, digits, - and _')
        sender, code = json_body.need(found, "from"), json_body.need(found, "to")
        data = json_body.inner(found, "channel_data")
        event = base.text_of(data, "session_event", "")
        kind, text = vumi_go.said(event, found, code)
        return UssdRequest(
            kind,
            f"{sender} {code}",
            base.msisdn(sender, endpoint.country),
            base.service_code(code),
            text,
            base.fingerprint(message),
            reason=event if kind is Kind.CANCEL else None,
            unique=True,
            echo={"message_id": message, "channel_id": channel},
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """The message that `outbound` sends, and the channel it goes to."""
        return json_body.reply(
            {
                "reply_to": request.echo.get("message_id", ""),
                "content": screen.text,
                "channel_data": {"session_event": vumi_go.EVENTS[screen.action]},
                "channel_id": request.echo.get("channel_id", ""),
            }
        )

    def outbound(
        self, reply: UssdReply, request: UssdRequest, endpoint: base.Endpoint, now: float
    ) -> HttpCall:
        """The POST of one message; raises `BadEndpoint`."""
        message = json_body.members_of(reply)
        url = base.option(endpoint, "url").rstrip("/")
        return HttpCall(
            "POST",
            f"{url}/channels/{message.pop('channel_id')}/messages/",
            {"Content-Type": json_body.CONTENT_TYPE},
            json_body.octets(message),
        )

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`; the session is told by the two addresses alone."""
        event, content = vumi_go.example_of(request, history)
        return _callback(request, str(max(1, len(history))), event, content)

    def notice(
        self, request: UssdRequest, history: tuple[str, ...], kind: Kind
    ) -> HttpRequest | None:
        """See `Gateway.notice`."""
        if kind is not Kind.CANCEL:
            return None
        return _callback(request, vumi_go.CLOSE, vumi_go.CLOSE, None)

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        found = json_body.members_of(reply)
        data = json_body.part(found, "channel_data")
        action = json_body.action_of(data, "session_event", vumi_go.EVENTS)
        return Screen(json_body.shown(found, "content"), action)


def _callback(request: UssdRequest, message: str, event: str, content: str | None) -> HttpRequest:
    return json_body.post(
        {
            "to": request.service_code,
            "from": request.msisdn,
            "group": None,
            "message_id": f"{request.session}-{message}",
            "channel_id": request.echo.get("channel_id", "channel"),
            "timestamp": "2026-01-10 09:00:00.000000",
            "reply_to": None,
            "content": content,
            "channel_data": {"session_event": event},
        }
    )
