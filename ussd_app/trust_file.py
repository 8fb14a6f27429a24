"""The `trust:` of an endpoint, read from its file; secrets come from where the file names them.

A secret in a file is read again when the file has changed, so that a second one can be added, and
the first taken away later, while callbacks come in.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Mapping
from pathlib import Path as FilePath

from cryptography.exceptions import UnsupportedAlgorithm

from ussd_app import trust
from ussd_app.flow.diagnostics import did_you_mean
from ussd_app.flow.reader import Reader
from ussd_app.flow.syntax import Mapping as MappingNode
from ussd_app.flow.syntax import Node, Scalar
from ussd_app.gateways.base import Gateway, InputStyle
from ussd_app.trust import Check, Network, Secrets, Trust

log = logging.getLogger("cassou.trust")

#: Each of these needs a secret, and only one of them may stand in a `trust:`.
_WITH_SECRET = ("header", "path", "basic", "bearer", "hmac", "rsa")
_KEYS = ("peers", "proxies", *_WITH_SECRET, "mtls", "secret_variable", "secret_file")
_WHOM = "peers, header, path, basic, bearer, hmac, rsa, mtls or open"
#: What a secret may be made of, so that a caller can show it at all.
_IN_PATH = re.compile(r"[A-Za-z0-9._~-]+")
_IN_HEADER = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
#: A header's name (RFC 9110, 5.1), less the underscore, which WSGI takes for a dash.
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^`|~-]+")
#: A secret, and one to come: more would be old ones that somebody forgot to take away.
_SECRETS_MAX = 2


class _SecretFile:
    """The secrets in a file, read again when it has changed."""

    def __init__(self, path: FilePath, kind: str) -> None:
        self._path = path
        self._kind = kind
        self._told = ""
        self._stamp = self._changed()
        self._found = self._read()

    def __call__(self) -> tuple[str, ...]:
        """The secrets; the last good ones where the file cannot be used any more."""
        try:
            stamp = self._changed()
            if stamp != self._stamp:
                self._stamp = stamp
                self._found = self._read()
                self._told = ""
                log.info("%s: %d secrets are valid now", self._path, len(self._found))
        except (OSError, ValueError) as error:
            if str(error) != self._told:
                # Once for each mistake: callbacks come by the second.
                self._told = str(error)
                log.error("%s: the secrets before stay valid: %s", self._path, error)  # noqa: TRY400
        return self._found

    def _changed(self) -> tuple[int, int, int]:
        status = self._path.stat()
        return status.st_mtime_ns, status.st_ino, status.st_size

    def _read(self) -> tuple[str, ...]:
        return _good(self._path.read_text("utf-8-sig"), self._kind)


def _good(text: str, kind: str) -> tuple[str, ...]:
    """One or two secrets of a text, for a kind of trust; raises ValueError."""
    found = trust.split_secrets(text)
    if not 1 <= len(found) <= _SECRETS_MAX:
        what = "a public key as PEM" if kind == "rsa" else "a secret"
        raise ValueError(f"must hold {what}, or two, one after the other, while one replaces one")
    if kind == "rsa":
        for pem in found:
            try:
                trust.public_key(pem)
            except (ValueError, UnsupportedAlgorithm):
                raise ValueError("must hold RSA public keys as PEM (BEGIN PUBLIC KEY)") from None
        return found
    if min(map(len, found)) < trust.SECRET_LENGTH_MIN:
        raise ValueError(f"must hold a secret of {trust.SECRET_LENGTH_MIN} characters or more")
    allowed, told = (
        (_IN_PATH, "letters, digits, - . _ ~ alone: it is a part of a URL")
        if kind == "path"
        else (_IN_HEADER, "printable ASCII alone: it stands in a header")
    )
    if not all(allowed.fullmatch(each) for each in found):
        raise ValueError(f"must hold a secret of {told}")
    return found


def read_trust(
    reader: Reader,
    node: Node | None,
    key: Scalar,
    environment: Mapping[str, str],
    gateway: Gateway,
) -> Trust:
    """The trust of the endpoint `key`; what is wrong with it is told to `reader`."""
    if node is None:
        sentence = f'endpoint "{key.value}" must say whom it trusts: {_WHOM}'
        reader.problem(key.at, "missing-key", sentence)
        return Trust()
    if isinstance(node, Scalar):
        if node.value != "open":
            hint = did_you_mean(node.value, ("open",))
            sentence = f'"trust:" is open, or a map such as {{peers: [10.1.0.0/16]}}{hint}'
            reader.problem(node.at, "wrong-type", sentence)
        return Trust(open=True)
    if isinstance(node, MappingNode) and "secret" in node.by_name:
        sentence = "no secret stands in this file: name its secret_variable or secret_file"
        reader.problem(node.at, "unknown-key", sentence)
        return Trust()
    inner = reader.mapping(node, '"trust:"', _KEYS)
    proxies = _networks(reader, inner, "proxies")
    named = [name for name in _WITH_SECRET if name in inner.by_name]
    if len(named) > 1:
        sentence = f"say one of {' and '.join(named)}: there is one secret"
        reader.problem(inner.at, "wrong-shape", sentence)
    if not named and {"secret_variable", "secret_file"} & set(inner.by_name):
        sentence = f"say what the secret is for: one of {', '.join(_WITH_SECRET)}"
        reader.problem(inner.at, "missing-key", sentence)
    for name in named[:1]:
        unfit = _unfit(name, gateway)
        if unfit:
            reader.problem(inner.by_name[name].at, "wrong-shape", unfit)
    if not {"peers", "mtls", *named} & set(inner.by_name):
        reader.problem(inner.at, "missing-key", f'"trust:" must say one of {_WHOM}')
    checks = [_secret_check(reader, inner, name, environment) for name in named[:1]]
    if "mtls" in inner.by_name:
        checks.append(_subject(reader, inner, proxies))
    return Trust(_networks(reader, inner, "peers"), tuple(checks), proxies)


def _unfit(kind: str, gateway: Gateway) -> str:
    """Why a kind of trust cannot hold for a gateway, "" if it can."""
    besides = gateway.reads_besides
    if kind == "rsa" and (besides or "GET" in gateway.methods):
        return f'"rsa:" signs a body alone, and {gateway.name} says more than its body does'
    if kind == "hmac" and "headers" in besides:
        return f'"hmac:" signs no headers, and {gateway.name} carries the number in one'
    if kind == "path" and gateway.capabilities.input_style is InputStyle.URL:
        return f'"path:" cannot be: the pages of {gateway.name} lead on to URLs without the secret'
    return ""


def _header(reader: Reader, parent: MappingNode, name: str, what: str) -> str:
    """A header's name in lower case."""
    word = reader.word(parent, name, what)
    if word and not _HEADER_NAME.fullmatch(word):
        sentence = (
            f'"{word}" is no name of a header that can be told apart: letters, digits, dashes'
        )
        reader.problem(parent.by_name[name].at, "bad-name", sentence)
    return word.lower()


def _secret_check(
    reader: Reader, inner: MappingNode, name: str, environment: Mapping[str, str]
) -> Check:
    secrets = _secrets(reader, inner, environment, name)
    if name in {"path", "bearer", "hmac"}:
        if not reader.boolean(inner, name, default=True):
            reader.problem(inner.by_name[name].at, "wrong-type", f'"{name}:" can only be true')
        if name == "path":
            return trust.Path(secrets)
        if name == "hmac":
            return trust.Signed(secrets)
        return trust.Header("authorization", secrets, "Bearer ")
    if name == "basic":
        user = reader.word(inner, name, '"trust:"')
        return trust.Header("authorization", secrets, "Basic ", user=user)
    header = _header(reader, inner, name, '"trust:"')
    return trust.RsaSigned(header, secrets) if name == "rsa" else trust.Header(header, secrets)


def _secrets(
    reader: Reader, inner: MappingNode, environment: Mapping[str, str], kind: str
) -> Secrets:
    """Where the secrets are, and that they are good."""
    given = [name for name in ("secret_variable", "secret_file") if name in inner.by_name]
    if len(given) != 1:
        sentence = '"trust:" needs "secret_variable:" or "secret_file:"'
        reader.problem(inner.at, "missing-key", sentence if not given else f"{sentence}, not both")
        return tuple
    word = reader.word(inner, given[0], '"trust:"')
    try:
        if given[0] == "secret_file":
            return _SecretFile(FilePath(word), kind)
        found = _good(environment.get(word, ""), kind)
    except (OSError, ValueError) as error:
        what = f"the {given[0].removeprefix('secret_')} {word}"
        reason = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else error
        reader.problem(inner.by_name[given[0]].at, "missing-secret", f"{what} {reason}")
        return tuple
    return lambda: found


def _subject(reader: Reader, inner: MappingNode, proxies: tuple[Network, ...]) -> Check:
    node = inner.by_name["mtls"]
    told = reader.mapping(node, '"mtls:"', ("header", "subjects"))
    subjects = tuple(
        reader.scalar(item, "a subject").value
        for item in reader.sequence(told.get("subjects"), '"subjects:"', told.at)
    )
    if not subjects:
        reader.problem(told.at, "wrong-shape", '"subjects:" names nobody')
    if not proxies:
        sentence = '"mtls:" needs "proxies:": only a proxy of ours sees the certificate'
        reader.problem(told.at, "missing-key", sentence)
    return trust.Subject(_header(reader, told, "header", '"mtls:"'), subjects, proxies)


def _networks(reader: Reader, inner: MappingNode, name: str) -> tuple[Network, ...]:
    if name not in inner.by_name:
        return ()
    networks = []
    for item in reader.sequence(inner.get(name), f'"{name}:"', inner.at):
        typed = reader.scalar(item, "a network").value
        try:
            networks.append(ipaddress.ip_network(typed))
        except ValueError:
            reader.problem(item.at, "wrong-type", f'"{typed}" is not a network{_meant(typed)}')
    if not networks and not reader.problems:
        reader.problem(inner.by_name[name].at, "wrong-shape", f'"{name}:" names nobody')
    return tuple(networks)


def _meant(typed: str) -> str:
    """What a network was meant to be, in words."""
    try:
        return f"; {ipaddress.ip_network(typed, strict=False)} is the one it is in"
    except ValueError:
        return " such as 10.0.0.0/8"
