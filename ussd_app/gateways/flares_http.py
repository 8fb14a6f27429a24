"""Comviva (Mahindra) Flares HTTP pull. Confidence: several independent client codes.

A GET (some deployments POST a form) with `MSISDN, input, SessionID, MSC`, under names whose case
and spelling differ: `session`, `SESSION_ID`, `SERVICE_CODE`, `USSD_STRING`; one sends no session
id, and its sessions are told by the number. The first input is what was dialled without star and
hash, `121*2*500`; a session is new when it is unknown, unless `newrequest` says so. `userid` and
`password` name the gateway: they are checked where the endpoint has the options `userid` and
`password`. The reply is the bare screen, without blanks before it, and the headers `Freeflow` (FC
goes on, FB ends), `charge` and `amount`: nothing is charged. `clean=clean-session` with an `error`
or `status` tells that a session has ended; cancel and timeout are not told apart.
Source: clients that name Comviva's Flares 1.5.0, HTTP pull document 1.2.0. Met at Airtel and MTN.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import urlencode

from ussd_app.gateways import base, dialling
from ussd_app.messages import (
    Action,
    BadCallback,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)

_KINDS = {"1": Kind.BEGIN, "true": Kind.BEGIN, "0": Kind.CONTINUE, "false": Kind.CONTINUE}
_FLOWS = {Action.CONTINUE: "FC", Action.END: "FB"}


class FlaresHttp(base.Adapter):
    """The adapter."""

    name = "flares_http"
    methods = frozenset({"GET", "POST"})
    reads_besides = frozenset({"query"})
    more_options = frozenset({"userid", "password"})
    confidence = "several independent client codes"
    capabilities = base.Capabilities(
        reports_cancel=True,
        reports_timeout=True,
        auth="userid and password among the parameters",
    )

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        parameters = _parameters(request)
        _check(parameters, endpoint)
        msisdn = base.msisdn(base.need(parameters, "msisdn"), endpoint.country)
        session = _one(parameters, "sessionid", "session").strip() or msisdn
        codes = endpoint.service_codes
        if "clean" in parameters:
            reason = _one(parameters, "error", "status").strip()
            code, typed = dialling.first(codes), ""
            hop = base.fingerprint(Kind.CANCEL, reason)
            return UssdRequest(
                Kind.CANCEL, session, msisdn, code, typed, hop, reason=reason or None
            )
        if not {"input", "ussdstring"} & parameters.keys():
            raise BadCallback('parameter "input" is missing')
        typed = _one(parameters, "input", "ussdstring")
        kind = _KINDS.get(parameters.get("newrequest", "").strip().lower(), Kind.OPEN)
        code, heard = dialling.heard(kind, typed, codes)
        told = parameters.get("servicecode", "").strip()
        if told:
            code = base.service_code(told)
            heard = dialling.after(typed, code) if kind is Kind.BEGIN else typed
        return UssdRequest(kind, session, msisdn, code, heard, base.fingerprint(kind, typed))

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """The bare screen; the flag is a header."""
        headers = (("Freeflow", _FLOWS[screen.action]), ("charge", "N"), ("amount", "0"))
        body = screen.text.lstrip().encode()
        return UssdReply(200, "text/plain; charset=utf-8", body, headers)

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`."""
        extra, *inputs = history or ("",)
        query = {
            "MSISDN": request.msisdn.removeprefix("+"),
            "MSC": "22670000001",
            "SessionID": request.session,
            "input": inputs[-1] if inputs else dialling.whole(request.service_code, extra),
        }
        return HttpRequest("GET", "", urlencode(query))

    def notice(
        self, request: UssdRequest, history: tuple[str, ...], kind: Kind
    ) -> HttpRequest | None:
        """See `Gateway.notice`."""
        if kind not in {Kind.CANCEL, Kind.TIMEOUT}:
            return None
        query = {
            "msisdn": request.msisdn.removeprefix("+"),
            "clean": "clean-session",
            "error": "522",
            "SessionID": request.session,
        }
        return HttpRequest("GET", "", urlencode(query))

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        headers = {name.lower(): value for name, value in reply.headers}
        for action, word in _FLOWS.items():
            if headers.get("freeflow", "").upper() == word:
                return Screen(reply.body.decode(), action)
        raise ValueError("the reply has no Freeflow header of FC or FB")


def _parameters(request: HttpRequest) -> dict[str, str]:
    """The parameters under their names in lower case without underscores."""
    if request.method == "POST":
        found = base.form(base.utf8(request.body), "body")
    else:
        found = base.form(request.query, "query")
    spelt: dict[str, str] = {}
    for name, value in found.items():
        spelt.setdefault(name.lower().replace("_", ""), value)
    return spelt


def _one(parameters: Mapping[str, str], *names: str) -> str:
    """The first of `names` that is there, or ""."""
    return next((parameters[name] for name in names if name in parameters), "")


def _check(parameters: Mapping[str, str], endpoint: base.Endpoint) -> None:
    """Believe only a gateway that gives the endpoint's password, where it has one."""
    password = endpoint.options.get("password", "")
    if not password:
        return
    pairs = (
        (parameters.get("userid", ""), endpoint.options.get("userid", "")),
        (parameters.get("password", ""), password),
    )
    # Both are compared, always: the time taken must not tell which of them is wrong.
    agree = [hmac.compare_digest(given.encode(), wanted.encode()) for given, wanted in pairs]
    if not all(agree):
        raise BadCallback('"userid" and "password" are not those of this endpoint')
