"""What every gateway adapter is, and the parts they share."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol
from urllib.parse import parse_qsl

import phonenumbers

from ussd_app.messages import BadCallback, HttpRequest, Kind, Screen, UssdReply, UssdRequest

#: A parameter longer than this is no USSD text, id or number.
PARAMETER_MAX = 1000
PARAMETERS_MAX = 40


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What an adapter may know of the endpoint it serves.

    `country` (ISO 3166) completes national numbers; `structured` asks for options as elements
    where the gateway draws them itself.
    """

    name: str
    country: str = "BF"
    service_codes: tuple[str, ...] = ()
    structured: bool = False


class Gateway(Protocol):
    """A gateway's format. Pure: bytes in, nouns out, and back."""

    #: The name under which endpoints ask for it.
    name: str
    #: How sure we are of the format: official docs, several independent client codes, …
    confidence: str
    #: The HTTP methods it calls back by.
    methods: frozenset[str]
    #: What may follow the endpoint's URL: nothing, or where notices come.
    paths: frozenset[str]

    def decode(self, request: HttpRequest, endpoint: Endpoint) -> UssdRequest:
        """The callback in neutral words; raises `BadCallback` and nothing else."""
        ...

    def encode(self, screen: Screen, request: UssdRequest, endpoint: Endpoint) -> UssdReply:
        """The reply that shows `screen`."""
        ...

    def acknowledge(self, request: UssdRequest) -> UssdReply:
        """The answer to a notice of a session's end; nobody reads it."""
        ...

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """A callback as this gateway sends it: for phones and tests that play its part.

        `history` is what was dialled after the service code ("" for nothing), then every input.
        """
        ...

    def read(self, reply: UssdReply) -> Screen:
        """What a phone behind this gateway shows for `reply`; raises ValueError."""
        ...


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
    if request.kind is Kind.OPEN:
        known = seen is not None and (seen.live or goes_on)
        request = replace(request, kind=Kind.CONTINUE if known else Kind.BEGIN)
    if request.accumulated and request.kind is Kind.CONTINUE and goes_on:
        return replace(request, input=request.input[len(prefix) :])
    return request


def form(text: str, what: str) -> dict[str, str]:
    """Parameters of a form or query, the first of each name; raises `BadCallback`."""
    try:
        pairs = parse_qsl(
            text,
            keep_blank_values=True,
            strict_parsing=False,
            errors="strict",
            max_num_fields=PARAMETERS_MAX,
        )
    except UnicodeDecodeError:
        raise BadCallback(f"the {what} is not UTF-8") from None
    except ValueError:
        raise BadCallback(f"the {what} has over {PARAMETERS_MAX} parameters") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if len(value) > PARAMETER_MAX:
            raise BadCallback(
                f'parameter "{ascii(name[:40])[1:-1]}" is over {PARAMETER_MAX} characters long'
            )
        found.setdefault(name, value)
    return found


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
    for agrees in (phonenumbers.is_valid_number, phonenumbers.is_possible_number):
        for number in filter(agrees, numbers):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    raise BadCallback("the MSISDN is not a telephone number")


def service_code(typed: str) -> str:
    """A service code with its star and hash, however the gateway writes it."""
    return f"*{typed.strip().strip('*#')}#"


def fingerprint(*parts: str) -> str:
    """What one hop is recognised by, short and telling nothing of the parts' lengths."""
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=9).hexdigest()


def text_reply(body: str, content_type: str, status: int = 200) -> UssdReply:
    """A reply of UTF-8 text."""
    return UssdReply(status, f"{content_type}; charset=utf-8", body.encode())
