"""One module per gateway format: decode a callback, encode a screen. Pure; no Flask, no Redis."""

from __future__ import annotations

from collections.abc import Mapping

from ussd_app.gateways.africastalking import AfricasTalking
from ussd_app.gateways.base import Endpoint, Gateway, Seen, resolve
from ussd_app.gateways.moov_xml import MoovXml

GATEWAYS: Mapping[str, Gateway] = {each.name: each for each in (AfricasTalking(), MoovXml())}

__all__ = ["GATEWAYS", "Endpoint", "Gateway", "Seen", "resolve"]
