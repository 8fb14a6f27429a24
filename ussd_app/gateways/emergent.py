"""Emergent (InterPay Africa, Ghana; also "cross-switch"). Confidence: one client code.

The callback is that of Hubtel's older interface, JSON `{Mobile, SessionId, ServiceCode, Type,
Message, Operator, Sequence, ClientState}`; the client that shows it reads the service code from
`USERID`, though its own tests send `ServiceCode`: both are read. The reply is JSON `{Message,
Type}` with `Type` Response or Release; `MaskNextRoute` keeps the next input out of the gateway's
logs, and is always sent with a Response, as that client does.
Source: a public client library; no document of the vendor's was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ussd_app.gateways import base, json_body
from ussd_app.gateways.hubtel import Hubtel
from ussd_app.messages import Action, Screen, UssdReply, UssdRequest


class Emergent(Hubtel):
    """The adapter: Hubtel's callback, a smaller reply."""

    name = "emergent"
    confidence = "one client code"
    capabilities = base.Capabilities(reports_cancel=True, reports_timeout=True, numbers_hops=True)
    code_members = ("ServiceCode", "USERID")
    types: ClassVar[Mapping[Action, str]] = {Action.CONTINUE: "Response", Action.END: "Release"}

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """`Message` and `Type`."""
        members: dict[str, object] = {"Message": screen.text, "Type": self.types[screen.action]}
        if screen.action is Action.CONTINUE:
            members["MaskNextRoute"] = True
        return json_body.reply(members)
