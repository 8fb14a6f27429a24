"""Tries a configured endpoint from outside, as its gateway would: trust, clock, notices, a dialog.

Every finding says what was tried, whether it went well, and what to do where it did not. Nothing is
bought: the dialog goes no further than the first screens, and is then left as a client leaves it.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from enum import StrEnum
from urllib.parse import urlsplit

import requests

from ussd_app.endpoints import ConfiguredEndpoint
from ussd_app.messages import (
    NOTICES,
    Action,
    BadCallback,
    HttpRequest,
    Kind,
    UssdReply,
    UssdRequest,
)
from ussd_app.replay.over_http import BadReply, HttpPhone
from ussd_app.trust import SKEW_SECONDS, Check, Header, Path, RsaSigned, Signed, Subject, Trust

#: A clock this far off is worth a word, whoever asks for signatures or not.
_SKEW_TOLD_SECONDS = 60.0
_TIMEOUT_SECONDS = 20.0


class Mark(StrEnum):
    """How a trial went; `note` is for a person to judge."""

    GOOD = "ok"
    NOTE = "note"
    BAD = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was tried and what came of it."""

    mark: Mark
    tried: str
    sentence: str


class _Enough(Exception):  # noqa: N818  # leaves a trial, never this module
    """Nothing more can be tried."""


def findings(url: str, endpoint: ConfiguredEndpoint, msisdn: str) -> Iterator[Finding]:
    """All that can be found out about an endpoint at `url`, as it is found."""
    trial = _Trial(url.rstrip("/"), endpoint, msisdn)
    try:
        yield from trial.reached()
        yield from trial.stranger()
        yield from trial.dialog()
        yield from trial.notices()
    except _Enough:
        return


class _Trial:
    """One endpoint under trial."""

    def __init__(self, url: str, endpoint: ConfiguredEndpoint, msisdn: str) -> None:
        self._url = url
        self._endpoint = endpoint
        self._msisdn = msisdn
        self._budget_seconds = endpoint.budget.reply_seconds
        self._took: list[float] = []
        self._phone = self._new_phone(endpoint.trust)

    def _new_phone(self, trust: Trust) -> HttpPhone:
        def prepare(callback: HttpRequest) -> HttpRequest:
            return trust.presented(callback, time.time(), secrets.token_hex(8))

        codes = self._endpoint.facts.service_codes
        gateway = self._endpoint.gateway
        return HttpPhone(self._url, gateway, self._msisdn, codes, _TIMEOUT_SECONDS, prepare)

    def reached(self) -> Iterator[Finding]:
        """Whether anything answers, over which protocol, and what time it is there."""
        parts = urlsplit(self._url)
        try:
            began = time.time()
            answer = requests.options(self._url, timeout=_TIMEOUT_SECONDS, allow_redirects=False)
            ended = time.time()
        except requests.exceptions.SSLError as error:
            yield _bad("reach", f"its certificate is not believed: {_reason(error)}")
            raise _Enough from None
        except requests.RequestException as error:
            yield _bad("reach", f"nothing answers: {_reason(error)}; is the address right, and up?")
            raise _Enough from None
        if answer.is_redirect:
            where = answer.headers.get("Location", "")
            yield _bad("reach", f"it redirects to {where}; gateways do not follow: give that URL")
            raise _Enough
        yield _good("reach", f"{parts.netloc} answers")
        local = parts.hostname in {"127.0.0.1", "localhost", "::1"}
        if parts.scheme != "https" and not local:
            yield _bad("reach", "plain HTTP: numbers and PINs can be read on the way; use https")
        yield from self._clock(answer.headers.get("Date", ""), began, ended)

    def _clock(self, told: str, began: float, ended: float) -> Iterator[Finding]:
        try:
            there = parsedate_to_datetime(told).timestamp()
        except (TypeError, ValueError):
            yield Finding(Mark.NOTE, "clock", "no Date header: its clock cannot be compared")
            return
        # The header counts whole seconds.
        skew = max(there - ended, began - (there + 1.0), 0.0)
        if skew > SKEW_SECONDS and self._endpoint.trust.is_signed:
            sentence = f"{skew:.0f} s off ours: signatures will be refused; set both clocks by NTP"
            yield _bad("clock", sentence)
        elif skew > _SKEW_TOLD_SECONDS:
            yield Finding(Mark.NOTE, "clock", f"{skew:.0f} s off ours; set both by NTP")
        else:
            yield _good("clock", f"within {skew + 1:.0f} s of ours")

    def stranger(self) -> Iterator[Finding]:
        """Whether a caller without the secret, and one with a wrong secret, are refused."""
        trust = self._endpoint.trust
        if trust.open:
            yield Finding(Mark.NOTE, "stranger", "it trusts anybody; production refuses that")
            return
        if not trust.checks:
            yield Finding(
                Mark.NOTE,
                "stranger",
                "it trusts by address alone: try this from an address that is no peer, too",
            )
            return
        wrong = tuple(_spoilt(check) for check in trust.checks)
        callers = [("without a secret", Trust(open=True))]
        if wrong != trust.checks:
            callers.append(("with a wrong secret", replace(trust, checks=wrong)))
        for name, shown in callers:
            try:
                reply = self._new_phone(shown).post(self._first())
            except requests.RequestException:
                yield _good("stranger", f"{name} refused: the connection was closed")
                continue
            if reply.status in {401, 403, 404}:
                yield _good("stranger", f"{name} refused: HTTP {reply.status}")
            else:
                sentence = f"{name} answered with HTTP {reply.status}: is this the right endpoint?"
                yield _bad("stranger", f"{sentence} Does a proxy add the secret for anybody?")

    def _first(self) -> HttpRequest:
        facts = self._endpoint.facts
        code = facts.service_codes[0] if facts.service_codes else "*0#"
        session = f"check-{secrets.token_hex(8)}"
        request = UssdRequest(Kind.BEGIN, session, self._msisdn, code, "", "")
        return self._endpoint.gateway.example(request, ("",))

    def dialog(self) -> Iterator[Finding]:
        """A dial, its repeat, an answer."""
        codes = self._endpoint.facts.service_codes
        if not codes:
            yield Finding(Mark.NOTE, "dialog", "no service_codes: give it one to dial")
            raise _Enough
        if self._endpoint.gateway.capabilities.asynchronous:
            yield from self._acknowledged()
            return
        yield from self._step("dial", lambda: self._phone.dial(codes[0]).action)
        yield from self._step("repeat", lambda: self._phone.repeat().action)
        yield from self._step("answer", lambda: self._phone.send("1").action)
        with contextlib.suppress(BadReply, requests.RequestException):
            self._phone.hang_up()

    def _acknowledged(self) -> Iterator[Finding]:
        try:
            reply = self._phone.post(self._first())
        except requests.RequestException as error:
            yield _bad("dial", f"no reply: {_reason(error)}")
            raise _Enough from None
        if 200 <= reply.status < 300:
            yield _good("dial", f"acknowledged with HTTP {reply.status}")
            sentence = "its screens come in calls of ours, which cannot be seen from here"
            yield Finding(Mark.NOTE, "dial", sentence)
        else:
            yield self._refused("dial", reply)

    def _step(self, tried: str, act: Callable[[], Action]) -> Iterator[Finding]:
        began = time.monotonic()
        try:
            action = act()
        except BadReply as error:
            yield _bad(tried, self._advice(str(error).strip()))
            raise _Enough from None
        except requests.RequestException as error:
            yield _bad(tried, f"no reply: {_reason(error)}")
            raise _Enough from None
        took = time.monotonic() - began
        if took > self._budget_seconds:
            sentence = f"{took:.1f} s, and the gateway waits {self._budget_seconds:g} s"
            yield _bad(tried, f"{sentence}: look at what the back-ends take")
        else:
            what = "goes on" if action is Action.CONTINUE else "ends"
            yield _good(tried, f"a screen that {what}, in {took * 1000:.0f} ms")

    def notices(self) -> Iterator[Finding]:
        """Every kind of notice that the gateway sends, to the URL it sends it to."""
        gateway = self._endpoint.gateway
        facts = self._endpoint.facts
        code = facts.service_codes[0]
        for kind in sorted(NOTICES):
            session = f"check-{secrets.token_hex(8)}"
            request = UssdRequest(Kind.BEGIN, session, self._msisdn, code, "", "")
            notice = gateway.notice(request, ("",), kind)
            if notice is None:
                continue
            path = notice.path or "the endpoint's own URL"
            try:
                gateway.decode(notice, facts)
                reply = self._phone.post(notice)
            except (BadCallback, requests.RequestException) as error:
                yield _bad(kind, f"at {path}: {_reason(error)}")
                continue
            if 200 <= reply.status < 300:
                yield _good(kind, f"consumed at {path}")
            else:
                yield self._refused(kind, reply)

    def _refused(self, tried: str, reply: UssdReply) -> Finding:
        text = reply.body[:200].decode(errors="replace").strip()
        return _bad(tried, self._advice(f"HTTP {reply.status}: {text}"))

    def _advice(self, sentence: str) -> str:
        if "HTTP 403" not in sentence:
            return sentence
        trust = self._endpoint.trust
        if any(isinstance(check, RsaSigned | Subject) for check in trust.checks):
            return f"{sentence}; only the gateway or its proxy can be believed here"
        if trust.peers:
            return f"{sentence}; try from one of its peers, or read the server's log for why"
        return f"{sentence}; does the server hold the same secret? Its log says why it refused"


def _spoilt(check: Check) -> Check:
    """The same check with a secret that is nobody's."""
    if isinstance(check, Header | Path | Signed):
        other = secrets.token_hex(16)
        return replace(check, secrets=lambda: (other,))
    return check


def _good(tried: str, sentence: str) -> Finding:
    return Finding(Mark.GOOD, tried, sentence)


def _bad(tried: str, sentence: str) -> Finding:
    return Finding(Mark.BAD, tried, sentence)


def _reason(error: Exception) -> str:
    """The innermost cause, without the library's wrapping."""
    seen: BaseException = error
    while seen.__cause__ is not None or seen.__context__ is not None:
        seen = seen.__cause__ or seen.__context__ or seen
    return str(seen) or type(seen).__name__
