"""Hubtel programmable services (Ghana). Confidence: official docs.

A POST of JSON `{Mobile, SessionId, ServiceCode, Type, Message, Operator, Sequence, ClientState,
Platform}`. `Type` is initiation, favorite (an initiation whose steps are already chosen), response,
release (the client left) or timeout (our answer came too late; what we answer to it is ignored),
in any case. `Message` is the dialled string on initiation, then the newest input; `ServiceCode`
is dialled (`713*4`) or the service's id of 32 hex digits. `Sequence` counts the hops, where it is
sent. The reply is JSON with `Type` response or release and `Message`; `Label`, `DataType` and
`Data` draw the same screen on Hubtel's app and web channels.
Hubtel waits five seconds, and calls from a fixed list of addresses.
Source: Hubtel's Programmable Services SDK and its API reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from ussd_app.gateways import base, dialling, json_body
from ussd_app.messages import (
    NOTICES,
    Action,
    BadCallback,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)

_KINDS = {
    "initiation": Kind.BEGIN,
    "favorite": Kind.BEGIN,
    "response": Kind.CONTINUE,
    "release": Kind.CANCEL,
    "timeout": Kind.TIMEOUT,
}
_ENDS = {Kind.CANCEL: "release", Kind.TIMEOUT: "timeout"}
_REASONS = {Kind.CANCEL: "release", Kind.TIMEOUT: "timeout: the answer came too late"}
#: A code that can be dialled; anything else in its place is the service's id.
_DIALLABLE = re.compile(r"[*#0-9]{1,30}")


class Hubtel(base.Adapter):
    """The adapter."""

    name = "hubtel"
    methods = frozenset({"POST"})
    confidence = "official docs"
    capabilities = base.Capabilities(
        reports_cancel=True,
        reports_timeout=True,
        numbers_hops=True,
        structured=True,
        auth="none; calls come from Hubtel's list of addresses",
    )
    #: The members that may hold the service code, the first that is filled.
    code_members: tuple[str, ...] = ("ServiceCode",)
    #: What a reply's `Type` says.
    types: ClassVar[Mapping[Action, str]] = {Action.CONTINUE: "response", Action.END: "release"}

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        found = base.json_object(request.body)
        kind = _KINDS.get(base.text_of(found, "Type").strip().lower())
        if kind is None:
            raise BadCallback('"Type" must be initiation, favorite, response, release or timeout')
        typed = base.text_of(found, "Message", "")
        code, extra = self._dialled(found, typed, endpoint)
        position = json_body.number(found, "Sequence")
        return UssdRequest(
            kind,
            json_body.need(found, "SessionId"),
            base.msisdn(json_body.need(found, "Mobile"), endpoint.country),
            code,
            extra if kind is Kind.BEGIN else typed,
            base.fingerprint(kind, str(position), typed),
            position=None if kind in NOTICES else position,
            network=base.text_of(found, "Operator", "") or None,
            reason=_REASONS.get(kind),
        )

    def _dialled(
        self, found: dict[str, object], typed: str, endpoint: base.Endpoint
    ) -> tuple[str, str]:
        """(service code, what was dialled after it); the latter is of use on begin alone."""
        told = (base.text_of(found, name, "").strip() for name in self.code_members)
        code = next(filter(None, told), "")
        if _DIALLABLE.fullmatch(code) and code.strip("*#"):
            return base.service_code(code), dialling.after(typed, code)
        if typed.strip().startswith("*"):
            return dialling.split(typed, endpoint.service_codes)
        return dialling.first(endpoint.service_codes), ""

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """`Type` and `Message`; options as `Data` where the endpoint is `structured`."""
        goes_on = screen.action is Action.CONTINUE
        members: dict[str, object] = {
            "SessionId": request.session,
            "Type": self.types[screen.action],
            "Message": screen.text,
            "Label": screen.title or screen.text.partition("\n")[0],
            "DataType": "input" if goes_on else "display",
            "FieldType": "text",
            "ClientState": "",
        }
        if endpoint.structured and screen.options and goes_on:
            members["DataType"] = "menu"
            members["Data"] = [
                {"Display": label, "Value": key, "Amount": 0} for key, label in screen.options
            ]
        if screen.masked:
            # What is typed next stays out of Hubtel's logs.
            members["MaskNextRoute"] = True
        return json_body.reply(members)

    def acknowledge(self, request: UssdRequest, *, live: bool = False) -> UssdReply:
        """A release without words."""
        return self.encode(Screen("", Action.END), request, base.Endpoint(""))

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`."""
        hops = max(1, len(history))
        typed = json_body.typed_of(request.service_code, history)
        return _callback(request, "response" if hops > 1 else "initiation", typed, hops)

    def notice(
        self, request: UssdRequest, history: tuple[str, ...], kind: Kind
    ) -> HttpRequest | None:
        """See `Gateway.notice`."""
        if kind not in _ENDS:
            return None
        return _callback(request, _ENDS[kind], "", max(1, len(history)) + 1)

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        found = json_body.members_of(reply)
        action = json_body.action_of(found, "Type", self.types)
        text, masked = json_body.shown(found, "Message"), found.get("MaskNextRoute") is True
        data = found.get("Data")
        if not isinstance(data, list):
            return Screen(text, action, masked=masked)
        drawn = [json_body.part({"Data": each}, "Data") for each in data]
        options = tuple(
            (json_body.shown(each, "Value"), json_body.shown(each, "Display")) for each in drawn
        )
        return Screen(text, action, json_body.shown(found, "Label"), options, masked)


def _callback(request: UssdRequest, told: str, typed: str, number: int) -> HttpRequest:
    return json_body.post(
        {
            "Mobile": request.msisdn.removeprefix("+"),
            "SessionId": request.session,
            "ServiceCode": request.service_code.strip("*#"),
            "Type": told,
            "Message": typed,
            "Operator": request.network or "mtn",
            "Sequence": number,
            "ClientState": "",
            "Platform": "USSD",
        }
    )
