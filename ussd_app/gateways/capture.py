"""Recorded callbacks made into fixtures, a dialog each, with nothing personal in them. Pure.

Callbacks belong to one dialog by the adapter's session key; one that begins, under a key that has
ended or not, starts another dialog. What a step means is what the adapter makes of the masked
callback, once the store has told what it knows (see `conformance`). Steps therefore say what is,
not what ought to be: people read them before they are believed.

What cannot become a step is left out and told with its reason: what the adapter does not decode or
read, and what would mean something else once it is masked. What follows in the same session is left
out with it, as a fixture with a hole tells of no dialog that ever was.

An asynchronous gateway's replies only acknowledge, so its steps have no screens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from ussd_app.gateways.base import Endpoint, Gateway, Seen, resolve
from ussd_app.gateways.capture_files import Exchange
from ussd_app.gateways.capture_masks import Masks, is_secret, masks_of, typed_numbers
from ussd_app.gateways.conformance import Fixture, Known, after, request_of, told
from ussd_app.gateways.conformance_bodies import changed_lines
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

_NOTES = "made of a capture: numbers are invented, tokens are zeros, credentials are x"
#: Headers that say how a callback travelled; masked, its length is another.
_TRAVEL = frozenset({"host", "connection", "content-length", "transfer-encoding", "via"})
_TRAVEL_PREFIXES = ("forwarded", "x-forwarded", "x-real-ip")
#: What of a request is told where the adapter read it.
_MAY_MEAN = ("position", "language", "network", "reason")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A callback that became no step: its place in the capture, and why."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a capture: fixtures in the order in which their dialogs begin."""

    fixtures: tuple[Fixture, ...]
    skipped: tuple[Skipped, ...]


@dataclass(slots=True)
class _Dialog:
    known: Known = field(default_factory=Known)
    steps: list[dict[str, Any]] = field(default_factory=list)
    #: Whether one of its callbacks was left out, and with it all that follow.
    ended: bool = False


class _Unfit(Exception):  # noqa: N818  # the sentence says why
    """A callback of which no step can be made."""


def fixtures_of(gateway: Gateway, exchanges: Iterable[Exchange], endpoint: Endpoint) -> Made:
    """A fixture for each dialog among `exchanges`, masked alike.

    `endpoint` gives country, service codes and options. Without codes, those that the callbacks
    tell are taken.
    """
    recorded = list(exchanges)
    if not endpoint.service_codes:
        endpoint = replace(endpoint, service_codes=_codes(gateway, recorded, endpoint))
    heard = [_heard(gateway, each, endpoint) for each in recorded]
    masks = _masks(heard, endpoint)
    options = {
        name: "x" if is_secret(name) else masks.text(value)
        for name, value in endpoint.options.items()
    }
    dialogs = _Dialogs(gateway, replace(endpoint, options=options), masks)
    for exchange, request in zip(recorded, heard, strict=True):
        dialogs.add(exchange, request)
    return Made(dialogs.fixtures(), tuple(dialogs.skipped))


def _masks(heard: Iterable[UssdRequest | str], endpoint: Endpoint) -> Masks:
    requests = [each for each in heard if isinstance(each, UssdRequest)]
    numbers = [
        number
        for each in requests
        for number in (each.msisdn, *typed_numbers(each.input, endpoint.country))
        if number
    ]
    return masks_of(numbers, (each.session for each in requests), endpoint.country)


def _codes(gateway: Gateway, recorded: list[Exchange], endpoint: Endpoint) -> tuple[str, ...]:
    """The service codes by which sessions begin, as far as callbacks alone tell them."""
    found: dict[str, None] = {}
    sessions: set[str] = set()
    for each in recorded:
        request = _heard(gateway, each, endpoint)
        if isinstance(request, str):
            continue
        opens = request.kind is Kind.OPEN and request.session not in sessions
        if (request.kind is Kind.BEGIN or opens) and request.service_code:
            found[request.service_code] = None
        sessions.add(request.session)
    return tuple(found)


def _heard(gateway: Gateway, exchange: Exchange, endpoint: Endpoint) -> UssdRequest | str:
    """What the adapter makes of a callback alone, or why it makes nothing of it."""
    if exchange.flaw:
        return exchange.flaw
    http = _http(gateway, exchange)
    if not gateway.serves(http.path):
        return "this gateway does not call back under that path"
    if http.method not in gateway.methods:
        return f"this gateway calls back by {', '.join(sorted(gateway.methods))}"
    try:
        return gateway.decode(http, endpoint)
    except BadCallback as error:
        return str(error)


def _http(gateway: Gateway, exchange: Exchange) -> HttpRequest:
    return request_of(_sent(exchange, exchange.path_query), gateway)


def _sent(exchange: Exchange, path_query: str) -> dict[str, Any]:
    headers = {
        name: value
        for name, value in exchange.headers.items()
        if name.lower() not in _TRAVEL and not name.lower().startswith(_TRAVEL_PREFIXES)
    }
    return {
        "method": exchange.method,
        "path_query": path_query,
        "headers": headers,
        "body": exchange.body,
    }


class _Dialogs:
    """The dialogs of one gateway, callback by callback."""

    def __init__(self, gateway: Gateway, endpoint: Endpoint, masks: Masks) -> None:
        self._gateway = gateway
        self._endpoint = endpoint
        self._masks = masks
        self._all: list[_Dialog] = []
        #: The newest dialog of each session.
        self._of: dict[str, _Dialog] = {}
        self.skipped: list[Skipped] = []

    def add(self, exchange: Exchange, heard: UssdRequest | str) -> None:
        """One more callback, of which the adapter made `heard` before it was masked."""
        if isinstance(heard, str):
            self.skipped.append(Skipped(exchange.where, heard))
            return
        key = self._masks.text(heard.session)
        try:
            self._step(key, *self._masked(exchange, heard))
        except _Unfit as error:
            # Whatever it was answered, the session is taken to go on: to where it begins anew.
            seen = Seen(live=True, accumulated=self._masks.text(heard.input))
            self._of[key] = _Dialog(
                Known(seen if heard.accumulated else Seen(live=True)), ended=True
            )
            self.skipped.append(Skipped(exchange.where, str(error)))

    def fixtures(self) -> tuple[Fixture, ...]:
        """What they came to."""
        return tuple(self._fixture(each.steps) for each in self._all)

    def _masked(self, exchange: Exchange, heard: UssdRequest) -> tuple[Exchange, UssdRequest]:
        masked = self._masks.exchange(exchange)
        if not self._masks.hold(masked):
            raise _Unfit("a number or token stands in it in a form that cannot be masked")
        again = _heard(self._gateway, masked, self._endpoint)
        if isinstance(again, str):
            raise _Unfit(f"masked, it is refused: {again}")
        for name in ("kind", "session", "msisdn", "service_code", "input"):
            if self._masks.text(getattr(heard, name)) != getattr(again, name):
                raise _Unfit(f"masked, it would mean another {name.replace('_', ' ')}")
        return masked, again

    def _step(self, key: str, masked: Exchange, raw: UssdRequest) -> None:
        dialog = self._of.get(key, _Dialog())
        request = told(resolve(raw, dialog.known.seen), dialog.known)
        if request.kind is Kind.BEGIN:
            dialog = _Dialog()
        if dialog.ended:
            raise _Unfit("an earlier callback of its session was left out")
        step = {
            "request": _sent(masked, self._path_query(masked)),
            "means": _means(request),
            "reply": self._reply(masked, request),
        }
        if not dialog.steps:
            self._all.append(dialog)
        dialog.steps.append(step)
        dialog.known = after(step, raw, request, dialog.known)
        self._of[key] = dialog

    def _path_query(self, masked: Exchange) -> str:
        """Its path and query, with /ussd for the endpoint's own part, which may be a secret."""
        http = _http(self._gateway, masked)
        # The path has been decoded as WSGI does it (PEP 3333).
        path = quote(http.path, encoding="latin-1")
        return f"/ussd{path}{f'?{http.query}' if http.query else ''}"

    def _reply(self, masked: Exchange, request: UssdRequest) -> dict[str, Any]:
        given = {name.lower(): value for name, value in masked.reply_headers.items()}
        names = ["Content-Type", *self._flow_headers(request)]
        headers = {name: given[name.lower()] for name in names if name.lower() in given}
        sent = UssdReply(
            masked.status,
            headers.get("Content-Type", ""),
            masked.reply_body.encode(),
            tuple(headers.items()),
        )
        try:
            screen = self._shown(request, sent)
        except ValueError as error:
            raise _Unfit(f"its reply cannot be read: {error}") from None
        return {
            "screen": screen.text,
            "action": screen.action.value,
            **({"masked": True} if screen.masked else {}),
            "status": masked.status,
            "headers": headers,
            "body": masked.reply_body,
        }

    def _flow_headers(self, request: UssdRequest) -> list[str]:
        """The headers by which this gateway is told whether the phone may answer."""
        asks, ends = (
            dict(self._gateway.encode(Screen("", action), request, self._endpoint).headers)
            for action in (Action.CONTINUE, Action.END)
        )
        return [name for name in {**asks, **ends} if asks.get(name) != ends.get(name)]

    def _shown(self, request: UssdRequest, sent: UssdReply) -> Screen:
        """The screen of a reply, without words where it only acknowledges; raises ValueError."""
        if request.kind in NOTICES:
            return Screen("", Action.END)
        if request.kind is Kind.STATUS:
            over = self._gateway.acknowledge(request, live=False).body.decode()
            same = not changed_lines(_compare(sent.content_type, over), over, sent.body.decode())
            return Screen("", Action.END if same else Action.CONTINUE)
        if self._gateway.capabilities.asynchronous:
            return Screen("", Action.CONTINUE)
        return self._gateway.read(sent)

    def _fixture(self, steps: list[dict[str, Any]]) -> Fixture:
        replies = [step["reply"] for step in steps if step["reply"]["body"]]
        ways = {_compare(each["headers"].get("Content-Type", ""), each["body"]) for each in replies}
        endpoint: dict[str, Any] = {
            "country": self._endpoint.country,
            "service_codes": list(self._endpoint.service_codes),
        }
        if self._endpoint.options:
            endpoint["options"] = dict(self._endpoint.options)
        return {
            "gateway": self._gateway.name,
            "source": "capture",
            "confidence": "capture",
            "body_compare": ways.pop() if len(ways) == 1 else "exact",
            "notes": _NOTES,
            "endpoint": endpoint,
            "steps": steps,
        }


def _means(request: UssdRequest) -> dict[str, Any]:
    also: Mapping[str, Any] = {name: getattr(request, name) for name in _MAY_MEAN}
    return {
        "kind": request.kind.value,
        "msisdn": request.msisdn,
        "service_code": request.service_code,
        "input": request.input,
        "session": request.session,
        **{name: value for name, value in also.items() if value is not None},
    }


def _compare(content_type: str, body: str) -> str:
    """How such a body is compared. A page is XML only if it begins like it."""
    kind = content_type.lower()
    if "json" in kind:
        return "json"
    return "xml" if ("xml" in kind or "html" in kind) and body.lstrip()[:1] == "<" else "exact"
