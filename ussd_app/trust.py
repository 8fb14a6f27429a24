"""Whose callbacks an endpoint believes: networks, secrets, signatures, certificates of clients.

All the checks an endpoint names must hold. Those that need only a request's head come first, so
that a stranger's body is never read for them. A secret is compared in constant time, and two may be
valid at once, so that the gateway can go from one to the next while calls come in.

The signature of `hmac` is our own: three headers, X-Cassou-Timestamp (seconds since the epoch),
X-Cassou-Nonce (used once) and X-Cassou-Signature, the hexadecimal HMAC-SHA-256 (RFC 2104) of the
timestamp, the nonce, the method, what follows the endpoint's URL, the query (each and a line feed)
and the raw body. The signature of `rsa` is PKCS #1 v1.5 over SHA-256 of the raw body (RFC 8017,
8.2), in base64, as Paytota sends it; it tells nothing of when it was made.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from ussd_app.messages import HttpRequest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
#: The secrets that are valid now: one, or two while the gateway changes over.
Secrets = Callable[[], tuple[str, ...]]

#: How far a signature's timestamp may be from our clock, in seconds.
SKEW_SECONDS = 300.0
SECRET_LENGTH_MIN = 16
TIMESTAMP, NONCE, SIGNATURE = "x-cassou-timestamp", "x-cassou-nonce", "x-cassou-signature"
_NONCE_MAX = 64
_PEM_END = "-----END PUBLIC KEY-----"


class Check(Protocol):
    """One thing that must hold of a request."""

    #: Whether the body is looked at too.
    needs_body: bool

    def why_not(self, request: HttpRequest, now: float) -> str:
        """What is wrong with the request, in words that hold no secret; "" if nothing is."""
        ...

    def presented(self, request: HttpRequest, now: float, nonce: str) -> HttpRequest:
        """The request with what this check asks for: for phones that play a gateway's part."""
        ...


@dataclass(frozen=True, slots=True)
class Header:
    """A secret in a header; `scheme` stands before it ("Bearer "), `user` too where it is Basic."""

    name: str
    secrets: Secrets = field(repr=False)
    scheme: str = ""
    user: str | None = None
    needs_body = False

    def why_not(self, request: HttpRequest, now: float) -> str:
        """See `Check.why_not`."""
        given = request.headers.get(self.name)
        if given is None:
            return f"it has no header {self.name}"
        scheme = given[: len(self.scheme)]
        if scheme.lower() != self.scheme.lower():
            return f"the header {self.name} does not begin with {self.scheme.strip()}"
        if _any_equal(given[len(self.scheme) :], map(self._written, self.secrets())):
            return ""
        return f"the header {self.name} holds another secret"

    def presented(self, request: HttpRequest, now: float, nonce: str) -> HttpRequest:
        """See `Check.presented`."""
        value = self.scheme + self._written(self.secrets()[0])
        return request._replace(headers={**request.headers, self.name: value})

    def _written(self, secret: str) -> str:
        if self.user is None:
            return secret
        return base64.b64encode(f"{self.user}:{secret}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Path:
    """A secret as the first part of what follows the endpoint's URL."""

    secrets: Secrets = field(repr=False)
    needs_body = False

    def why_not(self, request: HttpRequest, now: float) -> str:
        """See `Check.why_not`."""
        given, _, _ = request.path.removeprefix("/").partition("/")
        if _any_equal(given, self.secrets()):
            return ""
        return "its URL holds another secret, or none"

    def presented(self, request: HttpRequest, now: float, nonce: str) -> HttpRequest:
        """See `Check.presented`."""
        return request._replace(path=f"/{self.secrets()[0]}{request.path}")


@dataclass(frozen=True, slots=True)
class Signed:
    """An HMAC over timestamp, nonce and request; that the nonce is new, the caller finds out."""

    secrets: Secrets = field(repr=False)
    needs_body = True

    def why_not(self, request: HttpRequest, now: float) -> str:
        """See `Check.why_not`."""
        timestamp, nonce = request.headers.get(TIMESTAMP, ""), request.headers.get(NONCE, "")
        given = request.headers.get(SIGNATURE, "")
        if not (timestamp and nonce and given):
            return f"it needs the headers {TIMESTAMP}, {NONCE} and {SIGNATURE}"
        if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12:
            return f"{TIMESTAMP} is not a number of seconds since the epoch"
        if len(nonce) > _NONCE_MAX:
            return f"{NONCE} is over {_NONCE_MAX} characters long"
        if abs(int(timestamp) - now) > SKEW_SECONDS:
            return f"{TIMESTAMP} is {abs(int(timestamp) - now):.0f} s off our clock"
        if _any_equal(given, (_hmac(each, request) for each in self.secrets())):
            return ""
        return "its signature is another"

    def presented(self, request: HttpRequest, now: float, nonce: str) -> HttpRequest:
        """See `Check.presented`."""
        stamped = {**request.headers, TIMESTAMP: str(int(now)), NONCE: nonce}
        request = request._replace(headers=stamped)
        return request._replace(headers={**stamped, SIGNATURE: _hmac(self.secrets()[0], request)})


@dataclass(frozen=True, slots=True)
class RsaSigned:
    """The body's RSA signature in a header; `secrets` holds the public keys as PEM."""

    name: str
    secrets: Secrets = field(repr=False)
    needs_body = True

    def why_not(self, request: HttpRequest, now: float) -> str:
        """See `Check.why_not`."""
        try:
            signature = base64.b64decode(request.headers.get(self.name, ""), validate=True)
        except (binascii.Error, ValueError):
            signature = b""
        if not signature:
            return f"the header {self.name} holds no base64"
        for pem in self.secrets():
            try:
                public_key(pem).verify(signature, request.body, PKCS1v15(), SHA256())
            except InvalidSignature:
                continue
            return ""
        return f"the signature in {self.name} was not made by the key over this body"

    def presented(self, request: HttpRequest, now: float, nonce: str) -> HttpRequest:
        """Nothing: the private key is the gateway's."""
        return request


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of the client's certificate, told by a proxy of ours that has checked it."""

    name: str
    subjects: tuple[str, ...]
    proxies: tuple[Network, ...]
    needs_body = False

    def why_not(self, request: HttpRequest, now: float) -> str:
        """See `Check.why_not`."""
        if not _within(request.peer, self.proxies):
            return "it comes from no proxy of ours, and only a proxy has seen a certificate"
        given = request.headers.get(self.name, "")
        return "" if given in self.subjects else "its certificate names another subject"

    def presented(self, request: HttpRequest, now: float, nonce: str) -> HttpRequest:
        """See `Check.presented`; of use only where this machine is the proxy."""
        return request._replace(headers={**request.headers, self.name: self.subjects[0]})


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom an endpoint believes: peers by network, and whoever passes all checks; or anybody.

    Behind `proxies` the peer is whom they name last in X-Forwarded-For, themselves left out.
    """

    peers: tuple[Network, ...] = ()
    checks: tuple[Check, ...] = ()
    proxies: tuple[Network, ...] = ()
    open: bool = False

    @property
    def needs_body(self) -> bool:
        """Whether a check looks at the body."""
        return any(check.needs_body for check in self.checks)

    @property
    def headers(self) -> frozenset[str]:
        """The headers that a caller is believed by, which nobody else should read."""
        names = {check.name for check in self.checks if isinstance(check, Header | RsaSigned)}
        return frozenset(names | {SIGNATURE})

    @property
    def is_signed(self) -> bool:
        """Whether a request has a nonce that must be new."""
        return any(isinstance(check, Signed) for check in self.checks)

    def path_of(self, path: str) -> str:
        """What follows the endpoint's URL, less the secret in it."""
        if not any(isinstance(check, Path) for check in self.checks):
            return path
        _, slash, rest = path.removeprefix("/").partition("/")
        return slash + rest

    def why_not_head(self, request: HttpRequest, now: float) -> str:
        """Why a request is not believed, as far as its head tells; "" if it is."""
        if self.open:
            return ""
        if self.peers and not _within(self.peer_of(request), self.peers):
            return "its address is not among the peers"
        if not self.peers and not self.checks:
            return "this endpoint believes nobody"
        return self._why_not(request, now, needs_body=False)

    def why_not_body(self, request: HttpRequest, now: float) -> str:
        """The same of the checks that look at the body too."""
        return self._why_not(request, now, needs_body=True)

    def _why_not(self, request: HttpRequest, now: float, *, needs_body: bool) -> str:
        for check in self.checks:
            if check.needs_body is needs_body:
                reason = check.why_not(request, now)
                if reason:
                    return reason
        return ""

    def peer_of(self, request: HttpRequest) -> str:
        """The address of whoever calls, behind our own proxies."""
        peer = request.peer
        if not self.proxies or not _within(peer, self.proxies):
            return peer
        for named in reversed(request.headers.get("x-forwarded-for", "").split(",")):
            peer = named.strip()
            if not _within(peer, self.proxies):
                break
        return peer

    def presented(self, request: HttpRequest, now: float, nonce: str) -> HttpRequest:
        """The request as whom this endpoint believes would send it."""
        for check in self.checks:
            request = check.presented(request, now, nonce)
        return request


def public_key(pem: str) -> RSAPublicKey:
    """An RSA public key of PEM text; raises ValueError."""
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise ValueError("the key is not an RSA key")  # noqa: TRY004  # of the text, as all are
    return key


def split_secrets(text: str) -> tuple[str, ...]:
    """The secrets of a variable or a file: one a line, or PEM blocks."""
    if _PEM_END in text:
        blocks = text.split(_PEM_END)[:-1]
        return tuple(f"{block.strip()}\n{_PEM_END}\n" for block in blocks)
    return tuple(line for line in map(str.strip, text.splitlines()) if line)


def _any_equal(given: str, expected: Iterable[str]) -> bool:
    """Whether one of them is equal, in a time that tells nothing of them."""
    same = [hmac.compare_digest(given.encode(), each.encode()) for each in expected]
    return any(same)


def _hmac(secret: str, request: HttpRequest) -> str:
    headers = request.headers
    head = (headers[TIMESTAMP], headers[NONCE], request.method, request.path, request.query)
    message = "".join(f"{each}\n" for each in head).encode() + request.body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


@lru_cache(maxsize=1024)
def _within(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        peer = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(peer, "ipv4_mapped", None)
    return any((mapped or peer) in network for network in networks)
