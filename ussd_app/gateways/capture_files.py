"""Captures as files have them: HAR 1.2, or JSON Lines. Text in, exchanges out; pure.

HAR is what intercepting proxies and browsers export: `log.entries`, each with a request and a
response. A line of JSON Lines is

    {"request": {method, path_query, headers, body}, "reply": {status, headers, body}}

which is a step of a fixture without what it means. A body that is not UTF-8 stands in
`body_base64` instead of `body`.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

_NOT_TEXT = "a body is not UTF-8, and a fixture is text"


class BadCapture(ValueError):  # noqa: N818  # names the thing
    """A file that is no capture: the sentence says in which entry or line, and what is missing."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One callback and its reply, as recorded.

    `where` is its place in the capture. `flaw` says why no step can be made of it, "" if one can.
    """

    where: str
    method: str
    path_query: str
    headers: Mapping[str, str]
    body: str
    status: int
    reply_headers: Mapping[str, str]
    reply_body: str
    flaw: str = ""


def read(text: str, file: str) -> list[Exchange]:
    """The exchanges of the capture `text`, which `file` names; raises `BadCapture`."""
    try:
        whole = json.loads(text)
    except RecursionError:
        raise BadCapture(f"{file}: nested too deeply") from None
    except ValueError:
        whole = None
    har = isinstance(whole, dict) and "log" in whole
    found = list(_entries(whole, file) if har else _lines(text, file))
    if not found:
        raise BadCapture(f"{file}: there is no callback in it")
    return found


# JSON Lines.


def _lines(text: str, file: str) -> Iterator[Exchange]:
    # Not splitlines: a text in JSON may hold U+2028, which ends no line here.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _line(line, f"{file} line {number}")


def _line(line: str, where: str) -> Exchange:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadCapture(f"{where}: not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadCapture(f'{where}: not an object with "request" and "reply"')
    request, reply = _need(found, "request", dict, where), _need(found, "reply", dict, where)
    asked, told = f"{where}: the request", f"{where}: the reply"
    return _exchange(
        where,
        (_need(request, "method", str, asked), _need(request, "path_query", str, asked)),
        _headers(_need(request, "headers", dict, asked), asked),
        _octets(request, asked),
        _need(reply, "status", int, told),
        _headers(_need(reply, "headers", dict, told), told),
        _octets(reply, told),
    )


def _octets(found: Mapping[str, Any], where: str) -> bytes:
    if "body_base64" in found:
        return _decoded(_need(found, "body_base64", str, where), "base64", where)
    body: str = _need(found, "body", str, where)
    return body.encode()


def _headers(found: Mapping[str, Any], where: str) -> dict[str, str]:
    return {name: _need(found, name, str, f"{where}'s headers") for name in found}


# HAR.


def _entries(whole: Mapping[str, Any], file: str) -> Iterator[Exchange]:
    log = _need(whole, "log", dict, file)
    for number, entry in enumerate(_need(log, "entries", list, f"{file}: the log"), 1):
        where = f"{file} entry {number}"
        if not isinstance(entry, dict):
            raise BadCapture(f"{where}: not an object")
        yield _entry(entry, where)


def _entry(entry: Mapping[str, Any], where: str) -> Exchange:
    request = _need(entry, "request", dict, where)
    response = _need(entry, "response", dict, where)
    asked, told = f"{where}: the request", f"{where}: the response"
    headers = _named(response, "headers", told)
    content = response.get("content")
    content = content if isinstance(content, dict) else {}
    if isinstance(content.get("mimeType"), str) and content["mimeType"]:
        headers = {"Content-Type": content["mimeType"], **headers}
    return _exchange(
        where,
        (_need(request, "method", str, asked), _path_query(request, asked)),
        _named(request, "headers", asked),
        _posted(request, asked),
        _need(response, "status", int, told),
        headers,
        _content(content, f"{told}'s content"),
    )


def _path_query(request: Mapping[str, Any], where: str) -> str:
    url = _need(request, "url", str, where)
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadCapture(f'{where} needs a "url" that can be read: {error}') from None
    # An exporter may give the query as a list alone.
    asked = "queryString" in request and not parts.query
    query = urlencode(_pairs(request, "queryString", where)) if asked else parts.query
    return f"{parts.path or '/'}{f'?{query}' if query else ''}"


def _posted(request: Mapping[str, Any], where: str) -> bytes:
    data = request.get("postData")
    if not isinstance(data, dict):
        return b""
    where = f"{where}'s postData"
    if "text" not in data and "params" in data:
        return urlencode(_pairs(data, "params", where)).encode()
    return _content(data, where)


def _content(found: Mapping[str, Any], where: str) -> bytes:
    # Without a body, `text` may be left out.
    if found.get("text") is None:
        return b""
    return _decoded(_need(found, "text", str, where), found.get("encoding") or "", where)


def _named(found: Mapping[str, Any], name: str, where: str) -> dict[str, str]:
    """Headers; those of one name are joined (RFC 9110, 5.3), HTTP/2's own left out."""
    joined: dict[str, str] = {}
    spelt: dict[str, str] = {}
    for key, value in _pairs(found, name, where):
        if not key.startswith(":"):
            first = spelt.setdefault(key.lower(), key)
            joined[first] = f"{joined[first]}, {value}" if first in joined else value
    return joined


def _pairs(found: Mapping[str, Any], name: str, where: str) -> list[tuple[str, str]]:
    pairs = []
    for number, each in enumerate(_need(found, name, list, where), 1):
        one = f"{where}'s {name} {number}"
        if not isinstance(each, dict):
            raise BadCapture(f"{one} is no object")
        value = "" if each.get("value") is None else _need(each, "value", str, one)
        pairs.append((_need(each, "name", str, one), value))
    return pairs


# What both are made of.


def _exchange(
    where: str,
    line: tuple[str, str],
    headers: Mapping[str, str],
    body: bytes,
    status: int,
    reply_headers: Mapping[str, str],
    reply_body: bytes,
) -> Exchange:
    # Browsers and proxies write 0 where the answer never came.
    flaw = "" if status > 0 else "no reply was recorded"
    texts = ["", ""]
    try:
        texts = [body.decode("utf-8"), reply_body.decode("utf-8")]
    except UnicodeDecodeError:
        flaw = flaw or _NOT_TEXT
    return Exchange(where, *line, headers, texts[0], status, reply_headers, texts[1], flaw)


def _decoded(text: str, encoding: object, where: str) -> bytes:
    if encoding == "":
        return text.encode()
    if encoding != "base64":
        raise BadCapture(f'{where} has the "encoding" {encoding!r}; known is base64')
    try:
        return b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise BadCapture(f"{where} is not base64") from None


def _need(found: Mapping[str, Any], name: str, kind: type, where: str) -> Any:
    value = found.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadCapture(f'{where} needs "{name}", {_KINDS[kind]}')
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadCapture(f'{where} has half a surrogate pair in "{name}"') from None
    return value


_KINDS = {str: "a text", list: "a list", dict: "an object", int: "a whole number"}
