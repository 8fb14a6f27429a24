"""The `trust:` of an endpoint, read from its file; secrets come from where the file names them.

A secret in a file is read again when the file has changed, so that a second one can be added, and
the first taken away later, while callbacks come in.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Mapping
from pathlib import Path as FilePath

from ussd_app import trust
from ussd_app.flow.reader import Reader
from ussd_app.flow.syntax import Mapping as MappingNode
from ussd_app.flow.syntax import Node, Scalar
from ussd_app.trust import Check, Network, Secrets, Trust

log = logging.getLogger("cassou.trust")

#: Each of these needs a secret, and only one of them may stand in a `trust:`.
_WITH_SECRET = ("header", "path", "basic", "bearer", "hmac", "rsa")
_KEYS = ("peers", "proxies", *_WITH_SECRET, "mtls", "secret_variable", "secret_file")
_WHOM = "peers, header, path, basic, bearer, hmac, rsa, mtls or open"
#: A secret, and one to come: more would be old ones that somebody forgot to take away.
_SECRETS_MAX = 2


class _SecretFile:
    """The secrets in a file, read again when it has changed."""

    def __init__(self, path: FilePath, *, are_keys: bool) -> None:
        self._path = path
        self._are_keys = are_keys
        self._stamp = self._changed()
        self._found = self._read()

    def __call__(self) -> tuple[str, ...]:
        """The secrets; the last good ones where the file cannot be used any more."""
        try:
            stamp = self._changed()
            if stamp != self._stamp:
                self._stamp = stamp
                self._found = self._read()
                log.info("%s: %d secrets are valid now", self._path, len(self._found))
        except (OSError, ValueError) as error:
            log.error("%s: the secrets before stay valid: %s", self._path, error)  # noqa: TRY400
        return self._found

    def _changed(self) -> tuple[int, int, int]:
        status = self._path.stat()
        return status.st_mtime_ns, status.st_ino, status.st_size

    def _read(self) -> tuple[str, ...]:
        return _good(self._path.read_text("utf-8"), are_keys=self._are_keys)


def _good(text: str, *, are_keys: bool) -> tuple[str, ...]:
    """One or two secrets of a text; raises ValueError."""
    found = trust.split_secrets(text)
    if not 1 <= len(found) <= _SECRETS_MAX:
        raise ValueError("must hold a secret, or two, a line each, while one replaces the other")
    if are_keys:
        for pem in found:
            trust.public_key(pem)
    elif min(map(len, found)) < trust.SECRET_LENGTH_MIN:
        raise ValueError(f"must hold a secret of {trust.SECRET_LENGTH_MIN} characters or more")
    return found


def read_trust(
    reader: Reader, node: Node | None, key: Scalar, environment: Mapping[str, str]
) -> Trust:
    """The trust of the endpoint `key`; what is wrong with it is told to `reader`."""
    if node is None:
        sentence = f'endpoint "{key.value}" must say whom it trusts: {_WHOM}'
        reader.problem(key.at, "missing-key", sentence)
        return Trust()
    if isinstance(node, Scalar):
        if node.value != "open":
            reader.problem(node.at, "wrong-type", f'"trust:" is open, or a map of {_WHOM}')
        return Trust(open=True)
    inner = reader.mapping(node, '"trust:"', _KEYS)
    proxies = _networks(reader, inner, "proxies")
    named = [name for name in _WITH_SECRET if name in inner.by_name]
    if len(named) > 1:
        sentence = f"say one of {' and '.join(named)}: there is one secret"
        reader.problem(inner.at, "wrong-shape", sentence)
    if not {"peers", "mtls", *named} & set(inner.by_name):
        reader.problem(inner.at, "missing-key", f'"trust:" must say one of {_WHOM}')
    checks = [_secret_check(reader, inner, name, environment) for name in named[:1]]
    if "mtls" in inner.by_name:
        checks.append(_subject(reader, inner, proxies))
    return Trust(_networks(reader, inner, "peers"), tuple(checks), proxies)


def _secret_check(
    reader: Reader, inner: MappingNode, name: str, environment: Mapping[str, str]
) -> Check:
    secrets = _secrets(reader, inner, environment, are_keys=name == "rsa")
    if name in {"path", "bearer", "hmac"}:
        if not reader.boolean(inner, name, default=True):
            reader.problem(inner.by_name[name].at, "wrong-type", f'"{name}:" can only be true')
        if name == "path":
            return trust.Path(secrets)
        if name == "hmac":
            return trust.Signed(secrets)
        return trust.Header("authorization", secrets, "Bearer ")
    word = reader.word(inner, name, '"trust:"')
    if name == "basic":
        return trust.Header("authorization", secrets, "Basic ", user=word)
    if name == "rsa":
        return trust.RsaSigned(word.lower(), secrets)
    return trust.Header(word.lower(), secrets)


def _secrets(
    reader: Reader, inner: MappingNode, environment: Mapping[str, str], *, are_keys: bool
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
            return _SecretFile(FilePath(word), are_keys=are_keys)
        found = _good(environment.get(word, ""), are_keys=are_keys)
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
    if not proxies:
        sentence = '"mtls:" needs "proxies:": only a proxy of ours sees the certificate'
        reader.problem(told.at, "missing-key", sentence)
    return trust.Subject(reader.word(told, "header", '"mtls:"').lower(), subjects, proxies)


def _networks(reader: Reader, inner: MappingNode, name: str) -> tuple[Network, ...]:
    if name not in inner.by_name:
        return ()
    networks = []
    for item in reader.sequence(inner.get(name), f'"{name}:"', inner.at):
        typed = reader.scalar(item, "a network").value
        try:
            networks.append(ipaddress.ip_network(typed))
        except ValueError:
            reader.problem(item.at, "wrong-type", f'"{typed}" is not a network such as 10.0.0.0/8')
    return tuple(networks)
