"""Infobip's USSD interface to third-party applications. Confidence: official docs, old edition.

The path carries session and event, after the endpoint's URL: POST `/session/ID/start`, POST
`/session/ID/response`, PUT `/session/ID/end`, GET `/session/ID/status`, also without `/session`
where that is part of the URL that Infobip was given. Start and response have JSON `{msisdn, imsi,
text, shortCode, optional, language, ussdGwId}` (`shortCode` may be missing, whatever the document
says; what `text` holds on a plain dial is not told), end has `{reason, exitCode}` and comes at
every end, ours too. The reply is JSON `{ussdMenu, shouldClose, responseExitCode, responseMessage}`;
the first screen of a session is shown as a menu even if it is to close. Status asks whether the
session goes on and is answered with `sessionActive`.
Source: Infobip's "USSD Gateway to Third-party Application HTTP/REST/JSON Web Service API", as
quoted by an open-source messaging platform. Infobip's present public API was not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ussd_app.gateways import base, dialling, json_body
from ussd_app.messages import (
    Action,
    BadCallback,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)

_PATH = re.compile(r"(?:/session)?/([^/\x00-\x1f\ud800-\udfff]{1,200})/(start|response|end|status)")
_EVENTS = {
    "start": ("POST", Kind.BEGIN),
    "response": ("POST", Kind.CONTINUE),
    "end": ("PUT", Kind.CANCEL),
    "status": ("GET", Kind.STATUS),
}
_CLOSES = {Action.CONTINUE: False, Action.END: True}
_OK = {"responseExitCode": 200, "responseMessage": ""}


class Infobip(base.Adapter):
    """The adapter."""

    name = "infobip"
    methods = frozenset({"POST", "PUT", "GET"})
    reads_besides = frozenset({"path"})
    confidence = "official docs, old edition"
    capabilities = base.Capabilities(reports_cancel=True, reports_timeout=True)

    def serves(self, path: str) -> bool:
        """Any session's four events."""
        return _PATH.fullmatch(path) is not None

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        match = _PATH.fullmatch(request.path)
        if match is None:
            raise BadCallback("the path must end in /ID/start, /response, /end or /status")
        session, event = match.groups()
        method, kind = _EVENTS[event]
        if request.method != method:
            raise BadCallback(f"/{event} is called by {method}")
        if not session.strip():
            raise BadCallback("the path holds no session id")
        code = dialling.first(endpoint.service_codes)
        if kind is Kind.STATUS:
            return UssdRequest(kind, session, "", code, "", base.fingerprint(event))
        found = base.json_object(request.body)
        if kind is Kind.CANCEL:
            number, words = base.text_of(found, "exitCode", "?"), base.text_of(found, "reason", "")
            hop, reason = base.fingerprint(event, number), f"exitCode {number}: {words}"
            return UssdRequest(kind, session, "", code, "", hop, reason=reason)
        typed = base.text_of(found, "text", "")
        code = base.text_of(found, "shortCode", "").strip() or code
        # The session knows its number: only the dial must tell it.
        first = kind is Kind.BEGIN
        msisdn = json_body.need(found, "msisdn") if first else base.text_of(found, "msisdn", "")
        return UssdRequest(
            kind,
            session,
            base.msisdn(msisdn, endpoint.country) if msisdn else "",
            base.service_code(code) if code else "",
            dialling.after(typed, code) if first else typed,
            base.fingerprint(event, typed),
            language=base.text_of(found, "language", "").strip().lower()[:2] or None,
            network=base.text_of(found, "ussdGwId", "") or None,
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """`ussdMenu` and `shouldClose`."""
        close = _CLOSES[screen.action]
        return json_body.reply({"shouldClose": close, "ussdMenu": screen.text, **_OK})

    def acknowledge(self, request: UssdRequest, *, live: bool = False) -> UssdReply:
        """Exit code 200, and to a question of status whether the session is `live`."""
        if request.kind is Kind.STATUS:
            return json_body.reply({"sessionActive": live, **_OK})
        return json_body.reply(_OK)

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`."""
        first = len(history) <= 1
        members = {
            "msisdn": request.msisdn.removeprefix("+"),
            "text": json_body.typed_of(request.service_code, history),
            "shortCode": request.service_code,
            "language": request.language,
            "ussdGwId": request.network or "11",
        }
        return _callback(request, "start" if first else "response", members)

    def notice(
        self, request: UssdRequest, history: tuple[str, ...], kind: Kind
    ) -> HttpRequest | None:
        """See `Gateway.notice`; it comes at every end, and which codes mean what is not known."""
        if kind is Kind.CHARGE_FAILED:
            return None
        return _callback(request, "end", {"reason": "ok", "exitCode": 0})

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        found = json_body.members_of(reply)
        if found.get("responseExitCode") != _OK["responseExitCode"]:
            raise ValueError('the reply\'s "responseExitCode" is not 200')
        action = json_body.action_of(found, "shouldClose", _CLOSES)
        return Screen(json_body.shown(found, "ussdMenu"), action)


def _callback(request: UssdRequest, event: str, members: Mapping[str, object]) -> HttpRequest:
    path = f"/session/{request.session}/{event}"
    return json_body.post(members)._replace(method=_EVENTS[event][0], path=path)
