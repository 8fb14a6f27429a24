"""Africa's Talking USSD. Confidence: official docs.

A form POST of `sessionId, phoneNumber, networkCode, serviceCode, text`; `text` is every input so
far joined with `*`, and what was dialled after the service code comes in the first one. The reply
is text that starts with `CON ` (go on) or `END `. There is no begin flag: a session is new when it
is unknown. A second URL (`…/events`) gets a form POST when the session has ended, with `status`
Success, Incomplete (the client left or did not answer; which, is not told) or Failed.
Source: Africa's Talking's USSD guide.
"""

from __future__ import annotations

from urllib.parse import urlencode

from ussd_app.gateways import base
from ussd_app.messages import (
    Action,
    BadCallback,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)

_PREFIX = {Action.CONTINUE: "CON ", Action.END: "END "}
_NOTICES = {
    "Success": (Kind.ENDED, "success"),
    "Incomplete": (
        Kind.TIMEOUT,
        "incomplete: user left or did not answer; the two are not told apart",
    ),
    "Failed": (Kind.TIMEOUT, "failed: application error or timeout"),
}
_STATUSES = {
    Kind.ENDED: "Success",
    Kind.CANCEL: "Incomplete",
    Kind.TIMEOUT: "Incomplete",
}
_FORM = {"content-type": "application/x-www-form-urlencoded"}


class AfricasTalking(base.Adapter):
    """The adapter."""

    name = "africastalking"
    methods = frozenset({"POST"})
    reads_besides = frozenset({"path"})
    paths = frozenset({"", "/events"})
    confidence = "official docs"
    capabilities = base.Capabilities(
        input_style=base.InputStyle.ACCUMULATED,
        reports_cancel=True,
        reports_timeout=True,
        numbers_hops=True,
    )

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if content_type != "application/x-www-form-urlencoded":
            raise BadCallback("the body must be application/x-www-form-urlencoded")
        parameters = base.form(base.utf8(request.body), "body")
        session = base.need(parameters, "sessionId")
        msisdn = base.msisdn(base.need(parameters, "phoneNumber"), endpoint.country)
        service_code = base.service_code(base.need(parameters, "serviceCode"))
        network = parameters.get("networkCode")
        if request.path == "/events":
            status = base.need(parameters, "status")
            if status not in _NOTICES:
                raise BadCallback('"status" must be Success, Incomplete or Failed')
            kind, reason = _NOTICES[status]
            return UssdRequest(
                kind,
                session,
                msisdn,
                service_code,
                parameters.get("input", ""),
                base.fingerprint("event", status),
                network=network,
                reason=reason,
            )
        if "text" not in parameters:
            raise BadCallback('parameter "text" is missing')
        text = parameters["text"]
        return UssdRequest(
            Kind.OPEN,
            session,
            msisdn,
            service_code,
            text,
            base.fingerprint(text),
            accumulated=True,
            position=len(text),
            network=network,
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """`CON ` or `END ` and the screen."""
        return base.text_reply(_PREFIX[screen.action] + screen.text, "text/plain")

    def acknowledge(self, request: UssdRequest, *, live: bool = False) -> UssdReply:
        """Any 200 will do."""
        return base.text_reply("OK", "text/plain")

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`."""
        fields = {**_told(request), "text": _text(history)}
        return HttpRequest("POST", "", "", _FORM, urlencode(fields).encode())

    def notice(
        self, request: UssdRequest, history: tuple[str, ...], kind: Kind
    ) -> HttpRequest | None:
        """See `Gateway.notice`."""
        if kind not in _STATUSES:
            return None
        fields = {
            "date": "2026-01-10 09:00:00",
            **_told(request),
            "status": _STATUSES[kind],
            "cost": "XOF 10.0000",
            "durationInMillis": "21000",
            "hopsCount": str(max(1, len(history))),
            "input": _text(history),
            "lastAppResponse": "",
        }
        return HttpRequest("POST", "/events", "", _FORM, urlencode(fields).encode())

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        text = reply.body.decode()
        for action, prefix in _PREFIX.items():
            if text.startswith(prefix):
                return Screen(text.removeprefix(prefix), action)
        raise ValueError("the reply starts with neither CON nor END")


def _told(request: UssdRequest) -> dict[str, str]:
    """What every callback of a dialog tells."""
    return {
        "sessionId": request.session,
        "phoneNumber": request.msisdn,
        "networkCode": request.network or "99999",
        "serviceCode": request.service_code,
    }


def _text(history: tuple[str, ...]) -> str:
    """Every input so far, and before them what was dialled after the code."""
    extra, *inputs = history or ("",)
    return "*".join([extra, *inputs] if extra else inputs)
