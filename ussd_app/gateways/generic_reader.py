"""Reads gateway profiles: YAML to a `Profile`, every problem with its place, all at once.

A profile describes a gateway's format so that no code is needed; docs/gateways.md tells every key.
What cannot be true of any gateway is refused here: a place that names no field, two bodies that no
phone could tell apart.
"""

from __future__ import annotations

import re

from ussd_app.flow.diagnostics import FlowError, did_you_mean
from ussd_app.flow.syntax import Mapping, Node, Scalar, read
from ussd_app.gateways.base import Capabilities, InputStyle
from ussd_app.gateways.generic_profile import Profile, Request
from ussd_app.gateways.generic_replies import REPLY_KEYS, read_reply
from ussd_app.gateways.generic_requests import REQUEST_KEYS, read_request
from ussd_app.gateways.generic_words import Words
from ussd_app.messages import Kind

_TOP = ("cassou", "gateway", "source", "confidence", "auth", "request", "reply", "limits")
_LIMITS = ("septets_max", "ucs2_max", "reply_seconds")
_PLACE_NAME = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def parse_profile(source: str, file: str) -> Profile:
    """The profile in `source`; raises `FlowError` with every problem in it."""
    node, problems = read(source, file)
    words = Words(file, source)
    words.problems += problems
    profile = _profile(words, node) if node is not None else None
    if words.problems or profile is None:
        raise FlowError(words.problems, {file: source})
    return profile


def _profile(words: Words, node: Node) -> Profile | None:
    top = words.mapping(node, "the profile", _TOP)
    words.version(top, "the profile")
    name = words.word(top, "gateway", "the profile")
    if name and (at := top.get("gateway")) is not None:
        words.name(Scalar(name, at.at), "gateway")
    source = words.word(top, "source", "the profile")
    confidence = words.word(top, "confidence", "the profile")
    asked = words.section(top, "request", REQUEST_KEYS)
    answered = words.section(top, "reply", REPLY_KEYS)
    request = read_request(words, asked) if asked is not None else None
    reply = read_reply(words, answered) if answered is not None else None
    if request is None or reply is None:
        return None
    _check_places(words, request)
    options = {
        place.name.removeprefix("option.")
        for place, _ in words.used
        if place.name.startswith("option.") and not place.default
    }
    return Profile(
        name,
        source,
        confidence,
        _capabilities(words, top, request),
        request,
        reply,
        tuple(sorted(options)),
    )


def _capabilities(words: Words, top: Mapping, request: Request) -> Capabilities:
    kinds = {each.kind for each in request.ends}
    node = top.get("limits")
    limits = Mapping((), top.at) if node is None else words.mapping(node, '"limits:"', _LIMITS)
    return Capabilities(
        words.integer(limits, "septets_max", 160, 40, 182),
        words.integer(limits, "ucs2_max", 0, 0, 91),
        float(words.integer(limits, "reply_seconds", 5, 1, 120)),
        request.style,
        reports_cancel=Kind.CANCEL in kinds,
        reports_timeout=Kind.TIMEOUT in kinds,
        numbers_hops=request.position is not None or request.style is InputStyle.ACCUMULATED,
        auth=words.word(top, "auth", "the profile", "none"),
    )


def _check_places(words: Words, request: Request) -> None:
    """Every place names a field that the profile declares, every part of a path is there."""
    parts = {name for path in request.paths for name in _PLACE_NAME.findall(path)}
    for each, at in words.parts:
        if each not in parts:
            hint = did_you_mean(each, parts)
            words.problem(at, "unknown-field", f'"paths:" have no part "{each}"{hint}')
    known = {str(each) for each in request.fields()}
    for place, at in words.used:
        name = place.name.removeprefix("request.")
        if name != place.name and name not in known:
            hint = did_you_mean(name, known) or '; name it under "also:"'
            words.problem(at, "unknown-field", f'"request:" names no field "{name}"{hint}')
