"""A phone behind a gateway: sends callbacks as that gateway does, and reads the replies."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import requests

from ussd_app.gateways import Gateway
from ussd_app.handset import NoSession, split_dial_string
from ussd_app.messages import HttpRequest, Kind, Screen, UssdReply, UssdRequest
from ussd_app.replay.player import NotHere


class BadReply(Exception):  # noqa: N818  # what came
    """A reply that this gateway would not show: the sentence says what came instead."""


class HttpPhone:
    """Dials an endpoint over HTTP. `url` is the endpoint's, `service_codes` what it serves.

    `prepare` adds to each callback what the endpoint asks of whom it trusts.
    """

    def __init__(
        self,
        url: str,
        gateway: Gateway,
        msisdn: str,
        service_codes: tuple[str, ...],
        timeout_seconds: float = 15.0,
        prepare: Callable[[HttpRequest], HttpRequest] = lambda callback: callback,
    ) -> None:
        self._url = url
        self._gateway = gateway
        self._msisdn = msisdn
        self._codes = service_codes
        self._timeout_seconds = timeout_seconds
        self._prepare = prepare
        self._http = requests.Session()
        self._http.trust_env = False
        self._request: UssdRequest | None = None
        self._history: tuple[str, ...] = ()
        self._last: HttpRequest | None = None
        self.bytes = b""

    def dial(self, dial_string: str) -> Screen:
        """The first screen; raises ValueError, `BadReply`, requests' errors."""
        code, extra = split_dial_string(dial_string, self._codes)
        session = f"phone-{secrets.token_hex(8)}"
        self._request = UssdRequest(Kind.BEGIN, session, self._msisdn, code, extra, "")
        self._history = (extra,)
        return self._hop()

    def send(self, typed: str) -> Screen:
        """The next screen; raises `NoSession`, `BadReply`, requests' errors."""
        self._history = (*self._history, typed)
        return self._hop()

    def callback(self, typed: str) -> HttpRequest:
        """The callback that would send `typed`, not sent: for tests that send it their own way."""
        if self._request is None:
            raise NoSession("dial first")
        return self._gateway.example(self._request, (*self._history, typed))

    def repeat(self) -> Screen:
        """What the last callback shows when sent once more; other octets raise `BadReply`."""
        before = self.bytes
        screen = self._send()
        if self.bytes != before:
            raise BadReply("the same callback was answered with other octets")
        return screen

    def hang_up(self, kind: Kind = Kind.CANCEL) -> bool:
        """Tell that the dialog is over; False where the gateway tells nothing of this `kind`.

        Raises `NoSession`, `BadReply` unless it is acknowledged with a 2xx, requests' errors.
        """
        if self._request is None:
            raise NoSession("dial first")
        notice = self._gateway.notice(self._request, self._history, kind)
        if notice is None:
            return False
        reply = self._raw(notice)
        if not 200 <= reply.status < 300:
            raise _refused(reply)
        return True

    def drop(self, reason: str) -> None:
        """Leave as `hang_up` does; raises `NotHere` where the gateway tells nothing of it."""
        if not self.hang_up(Kind(reason)):
            raise NotHere

    def _hop(self) -> Screen:
        if self._request is None:
            raise NoSession("dial first")
        self._last = self._gateway.example(self._request, self._history)
        return self._send()

    def _send(self) -> Screen:
        if self._last is None:
            raise NoSession("dial first")
        reply = self.post(self._last)
        if reply.status != 200:
            raise _refused(reply)
        self.bytes = reply.body
        try:
            return self._gateway.read(reply)
        except ValueError as error:
            raise BadReply(str(error)) from None

    def post(self, callback: HttpRequest) -> UssdReply:
        """Send one callback as it is; the raw reply."""
        return self._raw(callback)

    def _raw(self, callback: HttpRequest) -> UssdReply:
        """What the callback itself is answered with, also where its screen comes by a call."""
        callback = self._prepare(callback)
        query = f"?{callback.query}" if callback.query else ""
        answer = self._http.request(
            callback.method,
            f"{self._url}{callback.path}{query}",
            headers=dict(callback.headers),
            data=callback.body,
            timeout=self._timeout_seconds,
        )
        return UssdReply(
            answer.status_code,
            answer.headers.get("Content-Type", ""),
            answer.content,
            tuple(answer.headers.items()),
        )


def _refused(reply: UssdReply) -> BadReply:
    return BadReply(f"HTTP {reply.status}: {reply.body[:200].decode(errors='replace')}")
