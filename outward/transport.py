"""One HTTP call outward, and the proof of whether it left: `Answer`, `NotSent` or `Unknown`.

A client library's "connection error" is raised both for a refused connection and for a server that
read the request and then died. Only what happened while the connection was being set up (name,
TCP, TLS) proves that no byte of the request left; all else is doubt. So:

- nothing is retried, no redirect is followed, no proxy of the environment is used, and no cookie is
  kept: `requests`' adapter is used without its session, which keeps cookies and reads the body of
  every redirect it does not follow;
- a connection serves one request unless `keep_alive` is asked for: a pooled connection that the
  other side has closed meanwhile makes a doubt where there was none;
- the deadline bounds the call as a whole. A read timeout bounds each read, so a server that sends
  a byte now and then would hold the caller for hours.
"""

from __future__ import annotations

import http.client
import io
import json as json_codec
import os
import re
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import quote, urlsplit

import requests
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NewConnectionError,
)

from outward.results import Misconfigured, NotSent, Unknown

ANSWER_OCTETS_MAX: Final = 256 * 1024
"""A longer answer is none: the longest of our wires, a tariff, is some hundreds of octets."""

_KEY: Final = re.compile(r"[\x21-\x7e]*")
_DIGITS: Final = re.compile(r"[0-9]{6,}")
_TOLD_MAX: Final = 160

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: the HTTP status and the body's octets, which may hold a token: no repr."""

    status: int
    body: bytes = field(repr=False)

    def object(self) -> dict[str, object] | None:
        """Give the body as a JSON object (RFC 8259, UTF-8), None if it is not one.

        None too for an object that names a member twice, for it says two things, and for NaN and
        Infinity, which JSON does not have.
        """
        try:
            read = json_codec.loads(
                self.body.decode(), object_pairs_hook=_once_each, parse_constant=_no_constant
            )
        except (ValueError, RecursionError):
            return None
        return read if isinstance(read, dict) else None


class Transport:
    """Calls of one server. Safe from many threads and across a fork: each has its own connections.

    `base_url`: http or https with a host, perhaps a path; never a key or a query. `key`: our bearer
    token there, none if empty. `ca_file`: PEM file of the only authorities to trust, the public
    ones if empty. `keep_alive`: reuse connections, for look-ups only.

    Raises ValueError for an address, key or file that cannot work.
    """

    def __init__(
        self,
        base_url: str,
        key: str = "",
        ca_file: str = "",
        *,
        keep_alive: bool = False,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("A base URL is http:// or https:// and a host; correct the setting.")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("A base URL has no user, query or fragment; set the key apart.")
        if not _KEY.fullmatch(key):
            raise ValueError("A key is printable ASCII without spaces; correct the setting.")
        if ca_file and not Path(ca_file).is_file():
            raise ValueError(f"There is no CA file {ca_file}; correct the setting.")
        self._base_url = base_url.rstrip("/")
        self._verify: bool | str = ca_file or True
        self._headers = {
            # Some gateways refuse the libraries' own names with a page of HTML.
            "User-Agent": "cassou",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        if not keep_alive:
            self._headers["Connection"] = "close"
        self._keep_alive = keep_alive
        self._local = threading.local()

    def send(
        self,
        method: str,
        path: str,
        *,
        json: object | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        deadline_seconds: float,
    ) -> Answer | NotSent | Unknown:
        """Send one request and read its whole answer within `deadline_seconds` from now.

        `path` begins with "/" and is already quoted, see `segment`. `body` is sent as it is.
        Resolving the name is left to the system, which has a timeout of its own; and a name with
        several addresses is given the deadline for each, before anything is sent.
        """
        if deadline_seconds <= 0:
            return NotSent("no time left")
        request = requests.Request(
            method,
            self._base_url + path,
            headers={**self._headers, **(headers or {})},
            json=json,
            data=body,
        ).prepare()
        adapter = self._adapter()
        try:
            response = adapter.send(
                request,
                stream=True,
                timeout=Timeout(total=deadline_seconds),  # type: ignore[arg-type]  # it takes both
                verify=self._verify,
            )
            try:
                read = _read(response)
            finally:
                response.close()
        except (OSError, HTTPError, http.client.HTTPException) as error:
            return _classify(error)
        finally:
            if not self._keep_alive:
                # We asked the other side to close; one that does not say so would leave its
                # connection in the pool, to be found dead by the next call.
                adapter.close()
        if len(read) > ANSWER_OCTETS_MAX:
            return Unknown("the answer is too long")
        if 300 <= response.status_code < 400:
            return Unknown(f"redirected, status {response.status_code}")
        return Answer(response.status_code, read)

    def _adapter(self) -> _Adapter:
        # A connection shared by two processes after a fork would mix their answers.
        if getattr(self._local, "pid", None) != os.getpid():
            self._local.pid = os.getpid()
            self._local.adapter = _Adapter()
        adapter: _Adapter = self._local.adapter
        return adapter


def segment(text: str) -> str:
    """Quote `text` as one segment of a path. Raises ValueError for "", "." and "..".

    Those three would name another resource (RFC 3986, 5.2.4).
    """
    if text in {"", ".", ".."}:
        raise ValueError(f"{text!r} cannot be a segment of a path; check the id before asking.")
    return quote(text, safe="")


def doubt(status: int) -> Misconfigured | Unknown:
    """What an answer that says nothing recognised comes to."""
    if status in {401, 403}:
        return Misconfigured(f"refused our credentials, status {status}")
    return Unknown(f"unrecognised answer, status {status}")


def harmless(text: str) -> str:
    """Shorten the other side's words and mask long numbers: they may be an MSISDN or a token."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return _DIGITS.sub(lambda run: "*" * len(run[0]), printable)[:_TOLD_MAX]


Reference = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]
"""An id of the other side, as it may be stored and logged: printable ASCII."""

Told = Annotated[str, AfterValidator(harmless)]
"""What the other side says to people; for logs, never for clients."""


class Reply(BaseModel):
    """An object of the other side: exact types, no coercion; members nobody reads are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, hide_input_in_errors=True)


def read_as(model: type[M], body: Mapping[str, object] | None) -> M | None:
    """Give `body` as a `model`, None when it is not one."""
    try:
        return model.model_validate(body)
    except ValidationError:
        return None


def _read(response: requests.Response) -> bytes:
    body = bytearray()
    # To the empty read: only there a body shorter than its Content-Length is found out.
    while len(body) <= ANSWER_OCTETS_MAX:
        octets = response.raw.read(ANSWER_OCTETS_MAX + 1 - len(body), decode_content=False)
        if not octets:
            break
        body += octets
    return bytes(body)


def _classify(error: Exception) -> NotSent | Unknown:
    inner = error.args[0] if error.args else None
    # `_SetUp` makes everything that goes wrong before the first byte one of these two, and nothing
    # else is: an SSLError here, say, comes from a record of the answer.
    if isinstance(inner, MaxRetryError) and isinstance(
        inner.reason, ConnectTimeoutError | NewConnectionError
    ):
        return NotSent(f"no connection: {type(inner.reason).__name__}")
    return Unknown(f"no whole answer: {_innermost(error)}")


def _innermost(error: BaseException) -> str:
    """The class of the first cause: a class names neither address nor content."""
    inner = getattr(error, "reason", None) or next(
        (part for part in error.args if isinstance(part, BaseException)), None
    )
    return _innermost(inner) if isinstance(inner, BaseException) else type(error).__name__


def _once_each(members: list[tuple[str, object]]) -> dict[str, object]:
    read = dict(members)
    if len(read) != len(members):
        raise ValueError("a member stands twice")
    return read


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


class _DeadlineReader(io.RawIOBase):
    """A socket, read until a moment that no read puts off."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        super().__init__()
        self._socket = connection
        self._octets = connection.makefile("rb", buffering=0)
        self._ends = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        return self._octets.readinto(buffer)

    def close(self) -> None:
        self._octets.close()
        super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    """A response whose status line, headers and body together end at the deadline.

    urllib3 has just set the socket's timeout to what is left of the call's total.
    """

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_DeadlineReader(sock, sock.gettimeout() or 0.0))


class _SetUp(HTTPConnection):
    """A connection that says of everything before its first byte that there is no connection."""

    response_class = _DeadlineResponse

    def connect(self) -> None:
        try:
            super().connect()
        except ConnectTimeoutError:
            raise
        except (OSError, HTTPError) as error:
            raise NewConnectionError(self, type(error).__name__) from error


class _SecureSetUp(_SetUp, HTTPSConnection):
    """The same with TLS: a failed handshake, too, comes before the request's first byte."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _SetUp


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureSetUp


class _Adapter(HTTPAdapter):
    """`requests`' own way to send once, over our connections, without retries."""

    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
