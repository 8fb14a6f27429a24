"""Whether an adapter reads and answers as recorded: fixtures run, differences told. Pure.

A fixture is a JSON object, one dialog in one gateway's format:

    gateway       the adapter's name
    source        whose words or recordings it is made of
    confidence    how sure that is
    body_compare  how reply bodies are compared: exact, json (by value) or xml (by structure)
    notes         for people
    endpoint      may be left out: {country, service_codes, options: {NAME: VALUE}, structured}
    steps         the callbacks, in order, each with

      request     {method, path_query, headers, body} as the gateway sends it; a path begins with
                  the endpoint's own part, /ussd or another that the adapter does not serve
      means       {kind, msisdn, service_code, input, session, …}: members of `UssdRequest` as they
                  are to be once the store has told what it knows; null is not compared. `session`
                  may be a part of the adapter's key; what a callback does not repeat (the number,
                  the service code) is what earlier ones told, also where the fixture has none
      reply       {screen, action, status, headers, body}: the screen to be shown, and the reply
                  that shows it; for a notice, its answer. A header that is not named is not
                  compared. `masked` may be true: what is typed next is to be hidden
      outbound    of asynchronous gateways: {method, url, headers, body} of the call that carries
                  the screen. What stands in it between < and > depends on the account, and
                  matches anything. It may be left out: then only the callback is looked at, and
                  how it is acknowledged

Without `endpoint`, the codes are those that the dialog's steps mean. A screen that a gateway draws
from its parts is tried both ways, and told the one that comes nearer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote_to_bytes

from ussd_app.flow.diagnostics import did_you_mean
from ussd_app.gateways.base import BadEndpoint, Endpoint, Gateway, Seen, resolve
from ussd_app.gateways.conformance_bodies import UnreadableBody, changed_lines
from ussd_app.messages import (
    NOTICES,
    Action,
    BadCallback,
    HttpCall,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)

#: A fixture as JSON has it.
Fixture = Mapping[str, Any]

_OPTION = re.compile(r"(\w+)(?:\. | : |\) |-|:)(.*)\Z")
_HOLE = re.compile(r"<[^<>]*>")
#: When the outbound calls of fixtures are made: 2026-01-10 09:00:00 UTC.
NOW = 1_768_035_600.0


class BadFixture(ValueError):  # noqa: N818  # names the thing
    """A file that is no fixture: the sentence says what is missing, and in which step."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as recorded. `step` counts from 1; `field` is what differs.

    `expected` and `got` are texts to read; for bodies `lines` says what to take away and to add.
    """

    step: int
    field: str
    expected: str
    got: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.lines:
            shown = "\n".join(f"    {line}" for line in self.lines)
            return f"step {self.step}: {self.field} differs (- expected, + got)\n{shown}"
        return f"step {self.step}: {self.field}: expected {self.expected}, got {self.got}"


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of a dialog before a step."""

    seen: Seen | None = None
    msisdn: str = ""
    service_code: str = ""
    #: The adapter's key of each session the fixture names.
    keys: Mapping[str, str] = field(default_factory=dict)


def load(text: str) -> Fixture:
    """The fixture in `text`; raises `BadFixture`."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFixture(f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadFixture("a fixture is a JSON object")
    _members(found, "the fixture", {"gateway": str, "body_compare": str, "steps": list})
    if found["body_compare"] not in {"exact", "json", "xml"}:
        raise BadFixture('"body_compare" is exact, json or xml')
    if "endpoint" in found:
        _endpoint(found)
    for number, step in enumerate(found["steps"], 1):
        where = f"step {number}"
        if not isinstance(step, dict):
            raise BadFixture(f"{where} is no object")
        _members(step, where, {"request": dict, "means": dict, "reply": dict})
        strings = {"method": str, "path_query": str, "headers": dict, "body": str}
        _members(step["request"], f"the request of {where}", strings)
        _members(step["means"], f"what {where} means", {"kind": str})
        wanted = {"screen": str, "action": str, "status": int, "headers": dict, "body": str}
        _members(step["reply"], f"the reply of {where}", wanted)
        if step["reply"]["action"] not in set(Action):
            raise BadFixture(f'the "action" of {where} is continue or end')
        if "outbound" in step:
            outbound = {"method": str, "url": str, "headers": dict, "body": str}
            _members(step["outbound"], f"the outbound call of {where}", outbound)
    return found


def _endpoint(found: Fixture) -> None:
    _members(found, "the fixture", {"endpoint": dict})
    kinds = {"country": str, "service_codes": list, "options": dict, "structured": bool}
    for name in found["endpoint"]:
        if name not in kinds:
            raise BadFixture(f'the "endpoint" has no member "{name}"{did_you_mean(name, kinds)}')
        _members(found["endpoint"], 'the "endpoint"', {name: kinds[name]})


def endpoint_of(fixture: Fixture) -> Endpoint:
    """The endpoint that a fixture's callbacks come to."""
    said = fixture.get("endpoint", {})
    meant = [step["means"].get("service_code") or "" for step in fixture["steps"]]
    codes = said.get("service_codes", [code for code in dict.fromkeys(meant) if code])
    return Endpoint(
        "check",
        said.get("country", "BF"),
        tuple(codes),
        bool(said.get("structured", False)),
        dict(said.get("options", {})),
    )


def check(gateway: Gateway, fixture: Fixture, endpoint: Endpoint | None = None) -> list[Difference]:
    """Every difference between a fixture and what `gateway` makes of it, step by step.

    `endpoint` stands in for the fixture's own.
    """
    endpoint = endpoint or endpoint_of(fixture)
    known = _before(fixture)
    found: list[Difference] = []
    for number, step in enumerate(fixture["steps"], 1):
        http = request_of(step["request"], gateway)
        served = gateway.serves(http.path)
        if not served or http.method not in gateway.methods:
            shown = f"{http.method} {step['request']['path_query'].partition('?')[0]}"
            ours = ", ".join(sorted(gateway.methods))
            got = "another path" if not served else f"only {ours}"
            found.append(Difference(number, "request", shown, got))
        try:
            raw = gateway.decode(http, endpoint)
        except BadCallback as error:
            found.append(Difference(number, "request", "a callback", f"BadCallback: {error}"))
            continue
        request = told(resolve(raw, known.seen), known)
        found += _decoded(number, step["means"], request, known)
        found += _answered(number, fixture, gateway, request, endpoint)
        known = after(step, raw, request, known)
    return found


def _members(found: Mapping[str, Any], where: str, wanted: Mapping[str, type]) -> None:
    for name, kind in wanted.items():
        if not isinstance(found.get(name), kind):
            raise BadFixture(f'{where} needs "{name}", {_KINDS[kind]}')


_KINDS = {
    str: "a text",
    list: "a list",
    dict: "an object",
    int: "a number",
    bool: "true or false",
}


def request_of(sent: Fixture, gateway: Gateway) -> HttpRequest:
    """A step's `request` as the web side reads it from its endpoint's URL."""
    path, _, query = sent["path_query"].partition("?")
    # As PEP 3333 has PATH_INFO: escapes undone, an octet a character.
    path = unquote_to_bytes(path).decode("latin-1").rstrip("/")
    rest = path.removeprefix("/ussd") if re.match("/ussd(/|$)", path) else path
    # Whatever a recording's own URL began with: the longest rest that the adapter serves.
    tail = rest
    while tail and not gateway.serves(tail):
        tail = tail[tail.find("/", 1) :] if "/" in tail[1:] else ""
    if gateway.serves(tail):
        rest = tail
    headers = {name.lower(): value for name, value in sent["headers"].items()}
    return HttpRequest(sent["method"], rest, query, headers, sent["body"].encode())


def told(request: UssdRequest, known: Known) -> UssdRequest:
    """The request with what this gateway tells only once in a dialog."""
    if request.kind is Kind.BEGIN:
        return request
    return request._replace(
        msisdn=request.msisdn or known.msisdn,
        service_code=request.service_code or known.service_code,
    )


def _before(fixture: Fixture) -> Known:
    """What earlier callbacks told, where a fixture begins in the middle of a dialog."""
    means = fixture["steps"][0]["means"] if fixture["steps"] else {"kind": Kind.BEGIN}
    if means["kind"] == Kind.BEGIN:
        return Known()
    return Known(Seen(live=True), means.get("msisdn") or "", means.get("service_code") or "")


def after(step: Fixture, raw: UssdRequest, request: UssdRequest, known: Known) -> Known:
    """What the store knows after a step: `raw` is its callback alone, `request` with `known`."""
    live = step["reply"]["action"] == Action.CONTINUE
    meant = step["means"].get("session")
    return Known(
        Seen(live, raw.input if raw.accumulated else ""),
        request.msisdn or known.msisdn,
        request.service_code or known.service_code,
        {**known.keys, **({meant: request.session} if meant else {})},
    )


# What was decoded.


def _decoded(
    number: int, means: Fixture, request: UssdRequest, known: Known
) -> Iterator[Difference]:
    for name, wanted in means.items():
        if wanted is None:
            continue
        if name == "session":
            yield from _session(number, str(wanted), request.session, known)
        elif not hasattr(request, name):
            yield Difference(number, name, repr(wanted), "no such member of a request")
        elif getattr(request, name) != wanted:
            got = getattr(request, name)
            yield Difference(number, name, repr(wanted), repr(str(got) if name == "kind" else got))


def _session(number: int, meant: str, key: str, known: Known) -> Iterator[Difference]:
    """A key must hold what the fixture names, be the same where that is, and differ otherwise."""
    before = known.keys.get(meant)
    if meant not in key:
        yield Difference(number, "session", repr(meant), repr(key))
    elif before is not None and before != key:
        yield Difference(number, "session", f"{before!r} as before", repr(key))
    elif before is None and key in known.keys.values():
        yield Difference(number, "session", f"a key of its own for {meant!r}", repr(key))


# What was answered.


def _answered(
    number: int, fixture: Fixture, gateway: Gateway, request: UssdRequest, endpoint: Endpoint
) -> list[Difference]:
    """The differences of the reply, of the nearer of the two ways to draw a screen."""
    step, compare = fixture["steps"][number - 1], fixture["body_compare"]
    tries = []
    for structured in dict.fromkeys([endpoint.structured, gateway.capabilities.structured]):
        facts = replace(endpoint, structured=structured)
        screen = _screen(step["reply"], structured=structured)
        tries.append(list(_reply(number, step, compare, gateway, request, facts, screen)))
    return min(tries, key=lambda each: sum(1 + len(one.lines) for one in each))


def _screen(reply: Fixture, *, structured: bool) -> Screen:
    text, action = reply["screen"], Action(reply["action"])
    masked = bool(reply.get("masked", False))
    title, *lines = text.split("\n")
    options = [_OPTION.match(line) for line in lines]
    parts = tuple((each[1], each[2]) for each in options if each is not None)
    if not structured or not parts or len(parts) != len(lines):
        return Screen(text, action, masked=masked)
    return Screen(text, action, title, parts, masked)


def _reply(
    number: int,
    step: Fixture,
    compare: str,
    gateway: Gateway,
    request: UssdRequest,
    endpoint: Endpoint,
    screen: Screen,
) -> Iterator[Difference]:
    wanted = step["reply"]
    if request.kind in NOTICES or request.kind is Kind.STATUS:
        live = screen.action is Action.CONTINUE
        yield from _compared(number, wanted, compare, gateway.acknowledge(request, live=live))
        return
    reply = gateway.encode(screen, request, endpoint)
    if gateway.capabilities.asynchronous:
        yield from _compared(number, wanted, compare, gateway.acknowledge(request, live=True))
        if "outbound" not in step:
            return
        try:
            call = gateway.outbound(reply, request, endpoint, NOW)
        except BadEndpoint as error:
            yield Difference(number, "outbound", "a call", f"BadEndpoint: {error}")
            return
        yield from _called(number, step["outbound"], compare, call)
        return
    yield from _compared(number, wanted, compare, reply)
    if wanted["screen"]:
        yield from _read(number, gateway, reply, screen)


def _read(number: int, gateway: Gateway, reply: UssdReply, screen: Screen) -> Iterator[Difference]:
    """A phone must show what the fixture's screen says."""
    try:
        shown = gateway.read(reply)
    except ValueError as error:
        yield Difference(number, "shown", repr(screen.text), f"ValueError: {error}")
        return
    for name in ("text", "action"):
        wanted, got = str(getattr(screen, name)), str(getattr(shown, name))
        if wanted != got:
            yield Difference(number, f"shown {name}", repr(wanted), repr(got))


def _compared(number: int, wanted: Fixture, compare: str, reply: UssdReply) -> Iterator[Difference]:
    if reply.status != wanted["status"]:
        yield Difference(number, "status", str(wanted["status"]), str(reply.status))
    headers = {**dict(reply.headers), "Content-Type": reply.content_type}
    yield from _headers(number, "header", wanted["headers"], headers)
    yield from _body(number, "body", compare, wanted["body"], reply.body.decode("utf-8", "replace"))


def _called(number: int, wanted: Fixture, compare: str, call: HttpCall) -> Iterator[Difference]:
    for name in ("method", "url"):
        if not _fits(wanted[name], getattr(call, name)):
            yield Difference(number, f"outbound {name}", wanted[name], getattr(call, name))
    yield from _headers(number, "outbound header", wanted["headers"], call.headers)
    got = call.body.decode("utf-8", "replace")
    yield from _body(number, "outbound body", compare, wanted["body"], got)


def _fits(wanted: str, got: str) -> bool:
    """Whether `got` is `wanted`, what stands between < and > left open."""
    pattern = ".*".join(re.escape(part) for part in _HOLE.split(wanted))
    return re.fullmatch(pattern, got, re.DOTALL) is not None


def _headers(
    number: int, what: str, wanted: Mapping[str, str], found: Mapping[str, str]
) -> Iterator[Difference]:
    lower = {name.lower(): value for name, value in found.items()}
    for name, value in wanted.items():
        got = lower.get(name.lower())
        if got is None:
            yield Difference(number, f"{what} {name}", repr(value), "none")
        elif not _fits(_loose(name, value), _loose(name, got)):
            yield Difference(number, f"{what} {name}", repr(value), repr(got))


def _loose(name: str, value: str) -> str:
    """A media type without what does not count: case and blanks (RFC 9110, 8.3.1)."""
    return re.sub(r"\s*;\s*", ";", value).lower() if name.lower() == "content-type" else value


def _body(number: int, what: str, compare: str, wanted: str, got: str) -> Iterator[Difference]:
    try:
        shown = changed_lines(compare, wanted, got)
    except UnreadableBody as error:
        yield Difference(number, what, compare, str(error))
        return
    if shown:
        yield Difference(number, what, wanted, got, shown)
