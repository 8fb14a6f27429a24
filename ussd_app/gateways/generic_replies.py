"""How screens are answered: the `reply:` of a gateway profile, read and tried."""

from __future__ import annotations

import re
from collections.abc import Mapping as Named

from ussd_app.flow.syntax import Mapping, Node, Scalar, Sequence
from ussd_app.gateways.generic_bodies import Body, Format, Json, Template, line_tag
from ussd_app.gateways.generic_profile import Reply
from ussd_app.gateways.generic_words import LITERAL, Words
from ussd_app.messages import Action

REPLY_KEYS = (
    "format",
    "status",
    "content_type",
    "continue",
    "end",
    "notice",
    "headers",
    "newline",
    "replace",
)
_CONTENT_TYPES = {
    Format.TEXT: "text/plain; charset=utf-8",
    Format.JSON: "application/json",
    Format.XML: "text/xml; charset=utf-8",
}
_HEADER = re.compile(r"[A-Za-z0-9-]+\Z")
#: What a body is tried with: nothing that a format escapes, and nothing that stands in a profile.
_PROBE = "Probe 7 of the text"


def read_reply(words: Words, node: Mapping) -> Reply:
    """The profile's `reply:`; what is wrong in it goes to `words`."""
    formats = tuple(each.value for each in Format)
    kind = Format(words.one_of(node, "format", formats, "text"))
    if "format" not in node.by_name:
        words.problem(node.at, "missing-key", '"reply:" needs "format:"')
    newline = _newline(words, node, kind)
    bodies = {action: _body(words, node, action.value, kind) for action in Action}
    reply = Reply(
        words.integer(node, "status", 200, 200, 299),
        words.word(node, "content_type", '"reply:"', _CONTENT_TYPES[kind]),
        bodies,
        _body(words, node, "notice", kind) if "notice" in node.by_name else None,
        _headers(words, node),
        newline,
        _replace(words, node),
    )
    if not words.problems:
        _check_read(words, node, reply)
    return reply


def _newline(words: Words, node: Mapping, kind: Format) -> str:
    inner = node.get("newline")
    if inner is None:
        return "\n"
    typed = words.scalar(inner, '"newline:"').value
    readable = line_tag(typed) or typed in {"&#10;", "&#xA;", "&#xa;"} or "<" not in typed
    if "\n" in typed or (kind is Format.XML and not readable):
        sentence = '"newline:" is a text of one line; in xml an empty element as "<br/>"'
        words.problem(inner.at, "wrong-type", sentence)
    return typed


def _replace(words: Words, node: Mapping) -> tuple[tuple[str, str], ...]:
    inner = node.get("replace")
    if inner is None:
        return ()
    return tuple(
        (name.value, words.scalar(value, f'"{name.value}:"').value)
        for name, value in words.mapping(inner, '"replace:"', None).entries
    )


def _headers(words: Words, node: Mapping) -> tuple[tuple[str, Named[Action, Template]], ...]:
    inner = node.get("headers")
    if inner is None:
        return ()
    found = []
    for name, value in words.mapping(inner, '"headers:"', None).entries:
        if not _HEADER.match(name.value):
            words.problem(name.at, "bad-name", f'"{name.value}" is not the name of a header')
        if isinstance(value, Mapping):
            body = words.mapping(value, f'header "{name.value}"', tuple(Action))
            each = {action: _header(words, body, action, name) for action in Action}
        else:
            each = dict.fromkeys(Action, words.with_places(value))
        found.append((name.value, each))
    return tuple(found)


def _header(words: Words, body: Mapping, action: Action, name: Scalar) -> Template:
    inner = body.get(action.value)
    if inner is None:
        sentence = f'header "{name.value}" needs "{action.value}:"'
        words.problem(body.at, "missing-key", sentence)
        return Template(())
    return words.with_places(inner)


def _body(words: Words, node: Mapping, key: str, kind: Format) -> Body:
    inner = node.get(key)
    if inner is None:
        words.problem(node.at, "missing-key", f'"reply:" needs "{key}:"')
        return Body(kind, Template(()))
    if kind is Format.JSON:
        return Body(kind, _json(words, words.mapping(inner, f'"{key}:"', None)))
    body = Body(kind, words.with_places(inner))
    if kind is Format.XML:
        try:
            body.leaves()
        except ValueError as error:
            words.problem(inner.at, "wrong-type", f'"{key}:" is not XML: {error}')
    return body


def _json(words: Words, node: Node) -> Json:
    if isinstance(node, Sequence):
        return [_json(words, item) for item in node.items]
    if isinstance(node, Mapping):
        if any(
            isinstance(each, Scalar) and each.value == "" and each.plain for _, each in node.entries
        ):
            sentence = "a member without a value; put quotes around a text with braces"
            words.problem(node.at, "yaml-trap", sentence)
        return {name.value: _json(words, value) for name, value in node.entries}
    if not node.plain or not LITERAL.match(node.value):
        return words.with_places(node)
    if node.value in {"true", "false", "null"}:
        return {"true": True, "false": False, "null": None}[node.value]
    return float(node.value) if "." in node.value else int(node.value)


def _check_read(words: Words, node: Mapping, reply: Reply) -> None:
    """A phone must find the screen in each body, and know whether it may answer."""
    values = {place.name: place.default or "7" for place, _ in words.used}
    values |= {"screen": _PROBE, "masked": "false"}
    for action, body in reply.bodies.items():
        at = node.by_name[action.value].at
        sent = body.render(values, reply.newline)
        if body.read(sent, reply.newline) != _PROBE:
            sentence = f'"{action.value}:" does not say where the screen stands: "{{screen}}"'
            words.problem(at, "unreadable-reply", sentence)
    told = any(each[Action.CONTINUE] != each[Action.END] for _, each in reply.headers)
    later = reply.bodies[Action.CONTINUE]
    ended = reply.bodies[Action.END].render(values, reply.newline)
    if not told and not words.problems and later.read(ended, reply.newline) is not None:
        sentence = 'an "end:" that reads as a "continue:": no phone could tell them apart'
        words.problem(node.by_name["end"].at, "unreadable-reply", sentence)
