"""What every gateway adapter is, and the parts they share."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Protocol
from urllib.parse import unquote_plus
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

import phonenumbers
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from ussd_app.gateways import dialling
from ussd_app.messages import (
    BadCallback,
    HttpCall,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)

#: What XML 1.0 cannot carry, not even escaped (2.2 Char); GSM-7's form feed is among it.
_ILLEGAL_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: A parameter longer than this is no USSD text, id or number.
PARAMETER_MAX = 1000
PARAMETERS_MAX = 40


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What an adapter may know of the endpoint it serves.

    `country` (ISO 3166) completes national numbers; `structured` asks for options as elements
    where the gateway draws them itself. `options` are the adapter's own settings (where its screens
    are to be sent, accounts), secrets already read from where the file names them.
    """

    name: str
    country: str = "BF"
    service_codes: tuple[str, ...] = ()
    structured: bool = False
    options: Mapping[str, str] = field(default_factory=dict, repr=False)


class InputStyle(StrEnum):
    """How a gateway tells what a client typed."""

    LAST = "last"
    ACCUMULATED = "accumulated"
    URL = "url"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a gateway can carry and tell: a row of the table in docs/gateways.md.

    `septets_max` and `ucs2_max` are what one screen holds; `reply_seconds` how long it waits, where
    that is known, else our own default; `auth` what its callbacks bring along.
    """

    septets_max: int = 160
    ucs2_max: int = 0
    reply_seconds: float = 5.0
    input_style: InputStyle = InputStyle.LAST
    reports_cancel: bool = False
    reports_timeout: bool = False
    numbers_hops: bool = False
    structured: bool = False
    asynchronous: bool = False
    auth: str = "none"


class Gateway(Protocol):
    """A gateway's format. Pure: bytes in, nouns out, and back."""

    #: The name under which endpoints ask for it.
    name: str
    #: How sure we are of the format: official docs, several independent client codes, …
    confidence: str
    #: The HTTP methods it calls back by.
    methods: frozenset[str]
    capabilities: Capabilities
    #: What of a request is read besides its body: `query`, `path`, `headers`.
    reads_besides: frozenset[str]
    #: The options that an endpoint must give it, and those that it may.
    options: frozenset[str]
    more_options: frozenset[str]

    def serves(self, path: str) -> bool:
        """Whether `path` may follow the endpoint's URL: nothing, or where notices come."""
        ...

    def decode(self, request: HttpRequest, endpoint: Endpoint) -> UssdRequest:
        """The callback in neutral words; raises `BadCallback` and nothing else."""
        ...

    def encode(self, screen: Screen, request: UssdRequest, endpoint: Endpoint) -> UssdReply:
        """The reply that shows `screen`."""
        ...

    def acknowledge(self, request: UssdRequest, *, live: bool = False) -> UssdReply:
        """The answer to a notice, and to the callback of an asynchronous gateway.

        `live` is whether the session goes on, for gateways that ask.
        """
        ...

    def outbound(
        self, reply: UssdReply, request: UssdRequest, endpoint: Endpoint, now: float
    ) -> HttpCall:
        """The call by which an asynchronous gateway gets a screen that `encode` made a reply of.

        `now` is in seconds since the epoch. Raises `BadEndpoint` where its options do not say how.
        """
        ...

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """A callback as this gateway sends it: for phones and tests that play its part.

        `history` is what was dialled after the service code ("" for nothing), then every input.
        """
        ...

    def notice(
        self, request: UssdRequest, history: tuple[str, ...], kind: Kind
    ) -> HttpRequest | None:
        """The callback by which this gateway tells that a session has ended.

        `kind` is one of `NOTICES`; None where the gateway tells none of this kind. `request` and
        `history` are as for `example`: the dialog so far. Where one notice stands for several
        kinds, each that the gateway reports gets it, and `decode` may give another of them.
        """
        ...

    def read(self, reply: UssdReply) -> Screen:
        """What a phone behind this gateway shows for `reply`; raises ValueError."""
        ...


class BadEndpoint(Exception):  # noqa: N818  # what is bad
    """An endpoint lacks an option that its adapter needs: the sentence names it."""


class Adapter:
    """What most gateways have in common; each adapter changes what is its own."""

    paths = frozenset({""})
    capabilities = Capabilities()
    reads_besides: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()
    more_options: frozenset[str] = frozenset()

    def serves(self, path: str) -> bool:
        """See `Gateway.serves`."""
        return path in self.paths

    def acknowledge(self, request: UssdRequest, *, live: bool = False) -> UssdReply:
        """An empty 200: nobody reads it."""
        return text_reply("", "text/plain")

    def outbound(
        self, reply: UssdReply, request: UssdRequest, endpoint: Endpoint, now: float
    ) -> HttpCall:
        """A gateway that is answered in its own callback is never called."""
        raise BadEndpoint("this gateway gets its screens in the replies to its callbacks")

    def notice(
        self, request: UssdRequest, history: tuple[str, ...], kind: Kind
    ) -> HttpRequest | None:
        """Most gateways tell of no end."""
        return None


def option(endpoint: Endpoint, name: str) -> str:
    """An option that an adapter needs; raises `BadEndpoint`."""
    value = endpoint.options.get(name, "")
    if not value:
        raise BadEndpoint(f'endpoint "{endpoint.name}" needs the option "{name}"')
    return value


@dataclass(frozen=True, slots=True)
class Seen:
    """What the store knows of a session when a callback of it comes."""

    live: bool
    accumulated: str = ""


def resolve(request: UssdRequest, seen: Seen | None) -> UssdRequest:
    """The request with what only the store can tell: whether it begins, and its newest input.

    A text that goes on from an ended session's text belongs to that session, not to a new one.
    Accumulated text is cut by the length of what came before, never split: an input may contain
    the joining `*`. A text that does not go on from the stored one is left whole; the hop's
    position then tells that it is not the next one.
    """
    before = seen.accumulated if seen is not None else ""
    prefix = f"{before}*" if before else ""
    goes_on = len(request.input) > len(before) and request.input.startswith(prefix)
    kind, typed = request.kind, request.input
    if kind is Kind.OPEN:
        known = seen is not None and (seen.live or (request.accumulated and goes_on))
        kind = Kind.CONTINUE if known else Kind.BEGIN
        if not known and not request.accumulated:
            # Only now is it known that the code was dialled, and not an answer that looks like it.
            typed = dialling.after(typed, request.service_code)
    if request.accumulated and kind is Kind.CONTINUE and goes_on:
        typed = typed[len(prefix) :]
    if kind is request.kind and typed == request.input:
        return request
    return request._replace(kind=kind, input=typed)


def form(text: str, what: str) -> dict[str, str]:
    """Parameters of a form or query, the first of each name; raises `BadCallback`."""
    # The library's own parser does this in five times the time, and it is done on every callback.
    pairs = text.split("&")
    if len(pairs) > PARAMETERS_MAX:
        raise BadCallback(f"the {what} has over {PARAMETERS_MAX} parameters")
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name or equals):
            continue
        try:
            name, value = _unquoted(name), _unquoted(value)
        except UnicodeDecodeError:
            raise BadCallback(f"the {what} is not UTF-8") from None
        if len(value) > PARAMETER_MAX:
            raise BadCallback(
                f'parameter "{ascii(name[:40])[1:-1]}" is over {PARAMETER_MAX} characters long'
            )
        found.setdefault(name, value)
    return found


def _unquoted(text: str) -> str:
    return unquote_plus(text, errors="strict") if "%" in text or "+" in text else text


def utf8(body: bytes) -> str:
    """`body` as text; raises `BadCallback`."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadCallback("the body is not UTF-8") from None


def need(parameters: Mapping[str, str], name: str) -> str:
    """A parameter that must be there and not empty; raises `BadCallback`."""
    value = parameters.get(name, "").strip()
    if not value:
        raise BadCallback(f'parameter "{name}" is missing')
    return value


@lru_cache(maxsize=4096)
def msisdn(typed: str, country: str) -> str:
    """E.164 with its plus, from any way gateways write a number; raises `BadCallback`.

    A number with its country code but without plus is how most gateways write it, so that is
    tried before the national reading; but a number that exists goes before one that only has a
    possible length (Burkina's 70123456 is no +7 0123456).
    """
    bare = typed.strip().removeprefix("tel:").replace(" ", "")
    if bare.startswith("00"):
        bare = "+" + bare[2:]
    tries = [bare] if bare.startswith("+") else [f"+{bare}", bare]
    numbers = []
    for attempt in tries:
        with suppress(phonenumbers.NumberParseException):
            numbers.append(phonenumbers.parse(attempt, country))
    # Which of two readings it is, the number's existence tells; of one, it would tell nothing.
    tests = [phonenumbers.is_valid_number] if len(numbers) > 1 else []
    for agrees in (*tests, phonenumbers.is_possible_number):
        for number in filter(agrees, numbers):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    raise BadCallback("the MSISDN is not a telephone number")


def service_code(typed: str) -> str:
    """A service code with its star and hash, however the gateway writes it."""
    return f"*{typed.strip().strip('*#')}#"


def json_object(body: bytes) -> dict[str, object]:
    """A JSON object; raises `BadCallback`."""
    text = utf8(body).removeprefix("\ufeff")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise BadCallback("the body is not JSON") from None
    if not isinstance(found, dict):
        raise BadCallback("the body is not a JSON object")
    return found


def text_of(found: Mapping[str, object], name: str, default: str | None = None) -> str:
    """A JSON member as text: a text, a number or a truth; raises `BadCallback`."""
    value = found.get(name)
    if value is None:
        if default is None:
            raise BadCallback(f'member "{name}" is missing')
        return default
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        text = str(value)
        if len(text) <= PARAMETER_MAX:
            # JSON may hold half of a surrogate pair, which no reply could carry back.
            return text.encode("utf-8", "replace").decode()
    raise BadCallback(f'member "{name}" must be a text of at most {PARAMETER_MAX} characters')


def xml_root(body: bytes) -> Element:
    """A document's root, its entities and DTDs refused; raises `BadCallback`."""
    try:
        root: Element = ElementTree.fromstring(body.lstrip(b"\xef\xbb\xbf \t\r\n"), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError):
        raise BadCallback("the body is not XML that can be read") from None
    return root


def xml_text(text: str) -> str:
    """A text for an XML element: an illegal character is a blank, a return survives parsing."""
    return escape(_ILLEGAL_XML.sub(" ", text), {"\r": "&#13;"})


def fingerprint(*parts: str) -> str:
    """What one hop is recognised by, short and telling nothing of the parts' lengths."""
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=9).hexdigest()


def text_reply(body: str, content_type: str, status: int = 200) -> UssdReply:
    """A reply of UTF-8 text."""
    return UssdReply(status, f"{content_type}; charset=utf-8", body.encode())
