"""Beem (Tanzania). Confidence: one client code.

A POST of JSON `{command, msisdn, session_id, operator, payload: {request_id, response}}`; `command`
is initiate, continue or terminate, `payload.response` the newest input. The service code is not
told, nor what was dialled after it: each endpoint has one code, its first. What `payload` holds on
initiate is not known and not read as an input. The reply is JSON `{msisdn, operator, session_id,
command, payload: {request_id, request}}`: `command` continue or terminate, `request` the screen,
the rest as it came.
Source: a public client library; the vendor's own pages were not read.
"""

from __future__ import annotations

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

_KINDS = {"initiate": Kind.BEGIN, "continue": Kind.CONTINUE, "terminate": Kind.CANCEL}
_COMMANDS = {Action.CONTINUE: "continue", Action.END: "terminate"}


class Beem(base.Adapter):
    """The adapter."""

    name = "beem"
    methods = frozenset({"POST"})
    confidence = "one client code"
    capabilities = base.Capabilities(reports_cancel=True)

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        found = base.json_object(request.body)
        kind = _KINDS.get(base.text_of(found, "command").strip().lower())
        if kind is None:
            raise BadCallback('"command" must be initiate, continue or terminate')
        payload = json_body.inner(found, "payload")
        number = base.text_of(payload, "request_id", "")
        typed = base.text_of(payload, "response", "") if kind is Kind.CONTINUE else ""
        msisdn = json_body.need(found, "msisdn")
        operator = base.text_of(found, "operator", "")
        return UssdRequest(
            kind,
            json_body.need(found, "session_id"),
            base.msisdn(msisdn, endpoint.country),
            dialling.first(endpoint.service_codes),
            typed,
            base.fingerprint(kind, number, typed),
            network=operator or None,
            reason="terminate" if kind is Kind.CANCEL else None,
            echo={"msisdn": msisdn, "operator": operator, "request_id": number},
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """`command` and `payload.request`, with the callback's ids."""
        return _reply(screen, request)

    def acknowledge(self, request: UssdRequest, *, live: bool = False) -> UssdReply:
        """An end without words."""
        return _reply(Screen("", Action.END), request)

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`; what was dialled after the service code gets lost."""
        hops = max(1, len(history))
        typed = history[-1] if hops > 1 else "0"
        return _callback(request, "continue" if hops > 1 else "initiate", hops - 1, typed)

    def notice(
        self, request: UssdRequest, history: tuple[str, ...], kind: Kind
    ) -> HttpRequest | None:
        """See `Gateway.notice`."""
        if kind is not Kind.CANCEL:
            return None
        return _callback(request, "terminate", max(1, len(history)), "")

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        found = json_body.members_of(reply)
        action = json_body.action_of(found, "command", _COMMANDS)
        return Screen(json_body.shown(json_body.part(found, "payload"), "request"), action)


def _callback(request: UssdRequest, command: str, number: int, typed: str) -> HttpRequest:
    return json_body.post(
        {
            "command": command,
            "msisdn": request.msisdn.removeprefix("+"),
            "session_id": request.session,
            "operator": request.network or "vodacom",
            "payload": {"request_id": str(number), "response": typed},
        }
    )


def _reply(screen: Screen, request: UssdRequest) -> UssdReply:
    return json_body.reply(
        {
            "msisdn": request.echo.get("msisdn", request.msisdn.removeprefix("+")),
            "operator": request.echo.get("operator", request.network or ""),
            "session_id": request.session,
            "command": _COMMANDS[screen.action],
            "payload": {
                "request_id": request.echo.get("request_id", ""),
                "request": screen.text,
            },
        }
    )
