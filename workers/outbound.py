"""Screens on their way to asynchronous gateways: one call each, never repeated by us."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from urllib.parse import urlsplit

from outward.results import NotSent, Unknown
from outward.transport import Transport

log = logging.getLogger("cassou.outbound")


class Outbound:
    """`ussd_app.delivery.Send` over the one transport. Deadlines in seconds."""

    def __init__(self, ca_file: str, deadline_seconds: float) -> None:
        self._ca_file = ca_file
        self._deadline_seconds = deadline_seconds

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the gateway has taken it; what went wrong is logged, without the screen."""
        parts = urlsplit(url)
        path = parts.path or "/"
        path += f"?{parts.query}" if parts.query else ""
        try:
            transport = Transport(f"{parts.scheme}://{parts.netloc}", ca_file=self._ca_file)
        except ValueError as error:
            log.error("an endpoint's url: %s", error)  # noqa: TRY400  # its text says all
            return False
        answer = transport.send(
            method, path, body=body, headers=headers, deadline_seconds=self._deadline_seconds
        )
        match answer:
            case NotSent(cause=cause) | Unknown(cause=cause):
                log.warning("a screen to %s: %s", parts.hostname, cause)
                return False
        if not 200 <= answer.status < 300:
            log.warning("a screen to %s: status %d", parts.hostname, answer.status)
            return False
        return True
