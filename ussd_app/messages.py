"""The nouns of one hop: what a gateway asked, what a phone is to show, what is answered.

Adapters turn an `HttpRequest` into a `UssdRequest`, and a `Screen` into a `UssdReply`. Everything
between those two knows nothing of any gateway. What comes with every callback is a tuple, because
it is made anew several times on the way (`_replace`), and that is cheapest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class BadCallback(Exception):  # noqa: N818  # the field's word; it names what came, not our fault
    """A callback that cannot be understood: the sentence says what is missing or malformed."""


class HttpRequest(NamedTuple):
    """One HTTP request, read whole.

    `path` is what follows the endpoint's URL ("" or "/events"); `headers` have lower-case names;
    `peer` is the address of the real TCP peer.
    """

    method: str
    path: str = ""
    query: str = ""
    headers: Mapping[str, str] = {}
    body: bytes = b""
    peer: str = ""


class Kind(StrEnum):
    """What a callback means."""

    BEGIN = "begin"
    CONTINUE = "continue"
    CANCEL = "cancel"
    TIMEOUT = "timeout"
    ENDED = "ended"
    #: What the client was to be charged could not be.
    CHARGE_FAILED = "charge_failed"
    #: A question whether the session still goes on.
    STATUS = "status"
    #: The gateway does not say whether the session is new: the store decides.
    OPEN = "open"


#: Kinds that tell of a session's end; nobody reads the answer.
NOTICES = frozenset({Kind.CANCEL, Kind.TIMEOUT, Kind.ENDED, Kind.CHARGE_FAILED})


class UssdRequest(NamedTuple):
    """One callback in neutral words.

    `msisdn` is E.164 with its plus, "" where the gateway gives none. `input` is the newest input,
    or the whole history where `accumulated` is true (`resolve` cuts it). On begin, `input` is what
    was dialled after the service code, parts joined with `*`. `hop` is the fingerprint by which a
    repeat of this callback is known; `position` orders hops of one session where the gateway
    numbers them (a counter) or lets its text grow (the text's length), and is None where it does
    neither. `unique` says that `hop` names this very callback, so that the same again is a repeat
    however late. `echo` holds the gateway's own values that its reply must give back.
    """

    kind: Kind
    session: str
    msisdn: str
    service_code: str
    input: str
    hop: str
    accumulated: bool = False
    position: int | None = None
    language: str | None = None
    network: str | None = None
    reason: str | None = None
    unique: bool = False
    echo: Mapping[str, str] = {}


class Action(StrEnum):
    """Whether the phone may answer a screen."""

    CONTINUE = "continue"
    END = "end"


class Screen(NamedTuple):
    """What the phone shows: the whole `text` as plain characters, within the gateway's budget.

    `title` and `options` are the same screen in parts, for gateways that draw options themselves:
    they are given only where nothing else stands on the screen. `masked` asks a gateway that can
    to hide what is typed next.
    """

    text: str
    action: Action
    title: str = ""
    options: tuple[tuple[str, str], ...] = ()
    masked: bool = False


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A call that we make: how an asynchronous gateway gets its screen."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class UssdReply(NamedTuple):
    """One HTTP reply, ready to be sent, and to be sent again byte for byte."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Budget:
    """What a gateway lets one screen hold, and how long it waits for a reply.

    `septets_max` counts GSM-7 septets (3GPP TS 23.038; 182 fit in 160 octets). `ucs2_max` counts
    characters where one of them is outside GSM-7 (80 fit in 160 octets); 0 where the gateway
    carries none such.
    `reply_seconds` is from the callback's arrival to the last byte of the reply.
    """

    septets_max: int = 160
    reply_seconds: float = 5.0
    ucs2_max: int = 0
