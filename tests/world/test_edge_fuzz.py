"""Whatever comes in over HTTP: an answer below 500, or a closed connection; no hang, no traceback.

Callbacks of every gateway, as it would send them and as they were recorded, are damaged in the ways
that networks, proxies and strangers damage them, and whole requests are made up. They go over raw
sockets to the real server, and, made by the same hand, into the application of every gateway in
this process. A case is known by its number alone.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import random
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes, urlsplit

import pytest
import requests

from tests.web.storm import called
from tests.web.test_web_every_gateway import Answering, dialling
from tests.whole_system import World
from ussd_app.endpoints import load as load_endpoints
from ussd_app.gateways import GATEWAYS
from ussd_app.gateways.conformance import load as load_fixture
from ussd_app.messages import HttpRequest, Kind, UssdRequest
from ussd_app.replay.player import ScriptedBackends
from ussd_app.screens import Program

FIXTURES = Path(__file__).parents[1] / "gateways" / "fixtures"
#: Real seconds no answer should take.
PATIENCE = 10.0
CONNECTIONS = 4
#: A phone in this process has names for so many sessions.
SESSIONS_MAX = 900
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it goes over the wire, however malformed.

    `starved`: it may be shorter than it says, so that the server waits for more; whoever sends it
    then closes their side, and an answer cannot be asked for.
    """

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    version: bytes = b"HTTP/1.1"
    starved: bool = False

    @property
    def wire(self) -> bytes:
        """All of its octets."""
        lines = [b"%s %s %s" % (self.method, self.target, self.version)]
        lines += [b"%s: %s" % header for header in self.headers]
        return b"\r\n".join([*lines, b"", self.body])


# Callbacks.

_TYPED = ("1", "2", "0", "00", "98", "10", "04246801379", "0.5", "*", "#", "1*2", "é", "٠٤", "🙂")
_ODD = (
    "\x00", "\x1b", "\r\n", "\ufeff", "\u202e", "\u0000\u0001", "'", '"', "<", "&", "&amp;", "%",
    "%00", "%ff", "%zz", "{}", "[]", "null", "-1", "1e999", "NaN", "9" * 400, "a" * 1200, "../",
    "${x}", "{{7*7}}", "' OR 1=1 --", "\ud800", "<!DOCTYPE x [<!ENTITY a 'b'>]>", "<![CDATA[",
    "\\ud800", "\\u0000", "true", " ", "+", ";", "=", "🙂" * 50,
)  # fmt: skip


def callback(chances: random.Random, name: str) -> HttpRequest:
    """A callback as this gateway sends it, or sent it once."""
    if chances.random() < 0.4:
        return chances.choice(recorded(name))
    session = f"fuzz-{chances.randrange(50)}"
    msisdn = f"+22675{chances.randrange(10**6):06d}"
    code = chances.choice(("*789#", "*789#", "*789#", "*1#"))
    request = UssdRequest(Kind.BEGIN, session, msisdn, code, "", "", language="fr")
    history = ("", *(chances.choice(_TYPED) for _ in range(chances.randrange(5))))
    return GATEWAYS[name].example(request, history)


@cache
def recorded(name: str) -> tuple[HttpRequest, ...]:
    """The callbacks of a gateway's fixtures, under the longest path that it serves."""
    found = []
    for path in sorted((FIXTURES / name).glob("*.json")):
        for step in load_fixture(path.read_text("utf-8"))["steps"]:
            sent = step["request"]
            rest, _, query = sent["path_query"].partition("?")
            while rest and not GATEWAYS[name].serves(rest):
                rest = rest[rest.find("/", 1) :] if "/" in rest[1:] else ""
            headers = {key.lower(): value for key, value in sent["headers"].items()}
            found.append(HttpRequest(sent["method"], rest, query, headers, sent["body"].encode()))
    return tuple(found)


def as_sent(mount: str, callback: HttpRequest) -> Request:
    """A callback on the wire, as it should be."""
    target = quote(mount + callback.path) + (f"?{callback.query}" if callback.query else "")
    headers = [("Host", "x"), *callback.headers.items()]
    headers = [each for each in headers if each[0].lower() != "content-length"]
    if callback.body:
        headers.append(("Content-Length", str(len(callback.body))))
    octets = tuple((key.encode(), value.encode()) for key, value in headers)
    return Request(callback.method.encode(), target.encode(), octets, callback.body)


# Damage.

Damage = Callable[[random.Random, Request], Request]


def changed(
    request: Request,
    *,
    method: bytes | None = None,
    target: bytes | None = None,
    headers: Sequence[tuple[bytes, bytes]] | None = None,
    body: bytes | None = None,
    version: bytes | None = None,
    starved: bool = False,
) -> Request:
    """The request with other parts; its length is told anew where only the body is another."""
    if body is not None and headers is None:
        headers = [each for each in request.headers if each[0].lower() != b"content-length"]
        headers.append((b"Content-Length", b"%d" % len(body)))
    return Request(
        request.method if method is None else method,
        request.target if target is None else target,
        request.headers if headers is None else tuple(headers),
        request.body if body is None else body,
        request.version if version is None else version,
        request.starved or starved,
    )


def scrambled(chances: random.Random, octets: bytes) -> bytes:
    """Some octets changed, lost, doubled or put in."""
    found = bytearray(octets)
    for _ in range(chances.choice((1, 1, 2, 5, 20))):
        place = chances.randrange(len(found) + 1)
        until = min(place + chances.choice((0, 1, 1, 4, 40)), len(found))
        match chances.randrange(5):
            case 0:
                found[place:until] = chances.randbytes(until - place)
            case 1:
                del found[place:until]
            case 2:
                found[place:place] = found[place:until]
            case 3:
                found[place:place] = chances.choice(_ODD).encode("utf-8", "surrogatepass")
            case _:
                del found[place:]
    return bytes(found)


def bad_body(chances: random.Random, request: Request) -> Request:
    """The body scrambled, foreign, random, long or empty."""
    kind = chances.randrange(6)
    if kind == 0:
        return changed(request, body=chances.randbytes(chances.choice((1, 30, 400, 5000))))
    if kind == 1:
        other = callback(chances, chances.choice(sorted(GATEWAYS)))
        return changed(request, body=other.body)
    if kind == 2:
        deep = chances.choice((b"[", b'{"a":', b"<a>", b"a=1&", b"%", b"\x00")) * 5000
        return changed(request, body=deep)
    if kind == 3:
        return changed(request, body=chances.choice((b"", b"x" * 100_000, request.body * 3)))
    return changed(request, body=scrambled(chances, request.body))


def odd_values(chances: random.Random, request: Request) -> Request:
    """One value, of the body or the query, another."""
    odd = chances.choice(_ODD).encode("utf-8", "surrogatepass")
    if chances.random() < 0.5:
        odd = quote(odd).encode()
    values = re.compile(rb"(?<=[=>\":])[^=<>&\"{}]+")

    def other(octets: bytes) -> bytes:
        places = list(values.finditer(octets))
        if not places:
            return octets + odd
        place = chances.choice(places)
        return octets[: place.start()] + odd + octets[place.end() :]

    if request.body:
        return changed(request, body=other(request.body))
    return changed(request, target=safe_target(other(request.target)))


def safe_target(target: bytes) -> bytes:
    """A target without what would end it: anything else may stand in it."""
    return re.sub(rb"[\r\n ]", b"%20", target)


def bad_target(chances: random.Random, request: Request) -> Request:
    """Another path or query, or the same in odd ways."""
    path, _, query = request.target.partition(b"?")
    made: tuple[bytes, ...] = (
        safe_target(scrambled(chances, request.target)) or b"/",
        path + b"/" + chances.randbytes(6).hex().encode() + b"?" + query,
        path + b"%00?" + query,
        path + b"%ff%fe/%2e%2e/?" + query,
        path.replace(b"/ussd/", b"//ussd//"),
        path + b"/../../health",
        b"http://x" + request.target,
        path + b"?" + b"a=1&" * 60,
        path + b"?a=" + b"1" * chances.choice((2000, 70_000, 300_000)),
        b"/ussd/" + b"a" * chances.choice((300, 70_000)),
        b"*",
        b"/",
        b"/health",
        b"/ussd/",
        b"ussd/demo",
        request.target + b"#" + query,
        request.target + b"\x00",
        request.target + bytes(chances.randrange(128, 256) for _ in range(3)),
    )
    return changed(request, target=chances.choice(made))


def bad_method(chances: random.Random, request: Request) -> Request:
    """Another method, or none there is."""
    known = (b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"CONNECT")
    odd = (b"get", b"G\x00T", b"", b"\xff", b"A" * 5000, b"GET POST", b"(", b"PRI")
    return changed(request, method=chances.choice(known + odd))


def bad_headers(chances: random.Random, request: Request) -> Request:
    """More headers than anybody sends, or odd ones."""
    kept = list(request.headers)
    match chances.randrange(8):
        case 0:
            count = chances.choice((20, 99, 150, 3000))
            kept += [(b"X-%d" % number, b"v") for number in range(count)]
        case 1:
            kept.append((b"X-Long", b"v" * chances.choice((5000, 60_000, 900_000))))
        case 2:
            kept.append((chances.choice((b"X\x00", b"", b"X Y", b"\xff", b"X:")), b"v"))
        case 3:
            value = re.sub(rb"[\r\n]", b"", chances.randbytes(20))
            kept.append((chances.choice((b"X-Odd", b"X_Cassou", b"Cookie")), value))
        case 4:
            kinds = (b"", b"text/xml", b"a/b; charset=nowhere", b"multipart/form-data", b"\xff\xfe")
            kept = [each for each in kept if each[0].lower() != b"content-type"]
            kept.append((b"Content-Type", chances.choice(kinds)))
        case 5:
            kept.append((b"Host", b"y"))
        case 6:
            kept = [each for each in kept if each[0] != b"Host"]
        case _:
            names = (b"X-Forwarded-For", b"Authorization", b"X-Key", b"X-Cassou-Timestamp")
            odd = (b"", b",,,", b"Basic \xff", b"1.2.3.4, ::1", b"\xc3\xa9", b"9" * 400)
            kept.append((chances.choice(names), chances.choice(odd)))
            kept += [(b"Expect", b"100-continue")] * chances.randrange(2)
    return changed(request, headers=kept)


def bad_length(chances: random.Random, request: Request) -> Request:
    """A Content-Length that is none, or not the body's."""
    length = len(request.body)
    told = (
        b"", b"-1", b"+5", b" 5 ", b"0x10", b"1e3", b"5, 5", b"5, 6", b"\xc2\xb2", b"9" * 5000,
        b"18446744073709551616", b"%d" % (length + 1), b"%d" % (length + 400), b"999999999",
        b"%d" % max(length - 1, 0), b"%d" % (length // 2), b"00000%d" % length,
    )  # fmt: skip
    kept = [each for each in request.headers if each[0].lower() != b"content-length"]
    kept += [(b"Content-Length", chances.choice(told)) for _ in range(chances.choice((1, 1, 2)))]
    return changed(request, headers=kept, starved=True)


def chunked(chances: random.Random, request: Request) -> Request:
    """The body in chunks, whole or broken."""
    kept = [each for each in request.headers if each[0].lower() != b"content-length"]
    kept.append((b"Transfer-Encoding", b"chunked"))
    body = b""
    octets = request.body
    while octets:
        size = chances.choice((1, 7, 100, 5000))
        part, octets = octets[:size], octets[size:]
        extension = chances.choice((b"", b"", b";a=b", b";" + b"x" * 300))
        body += b"%x%s\r\n%s\r\n" % (len(part), extension, part)
    body += b"0\r\n\r\n"
    if chances.random() < 0.4:
        return changed(request, headers=kept, body=body)
    match chances.randrange(5):
        case 0:
            kept.append((b"Content-Length", b"%d" % len(request.body)))
        case 1:
            kept[-1] = (b"Transfer-Encoding", chances.choice((b"gzip", b"identity", b"chunked, x")))
        case 2:
            body = chances.choice((b"zz\r\n", b"-1\r\n", b"f" * 40 + b"\r\n", b"5\r\nab")) + body
        case 3:
            body = body[:-5]
        case _:
            body = scrambled(chances, body)
    return changed(request, headers=kept, body=body, starved=True)


def bad_version(chances: random.Random, request: Request) -> Request:
    """Another HTTP, or nothing of the kind."""
    versions = (b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/9.9", b"", b"HTTP", b"http/1.1")
    return changed(request, version=chances.choice(versions), starved=True)


def untouched(chances: random.Random, request: Request) -> Request:
    """As it should be."""
    return request


#: What an application gets to see too, and what only a server can be sent.
INSIDE: tuple[Damage, ...] = (
    bad_body, bad_body, bad_body, odd_values, odd_values, odd_values, bad_target, bad_headers,
    bad_method, bad_length, untouched,
)  # fmt: skip
ON_THE_WIRE: tuple[Damage, ...] = (bad_length, chunked, chunked, bad_version)


def damaged(chances: random.Random, request: Request, damages: Sequence[Damage]) -> Request:
    """The request with one or two things wrong."""
    chosen = [chances.choice(damages) for _ in range(chances.choice((1, 1, 2)))]
    for damage in chosen:
        request = damage(chances, request)
    # What frames a body may fit it no longer.
    is_loose = len(chosen) > 1 and bool(set(chosen) & set(ON_THE_WIRE))
    return changed(request, starved=is_loose)


# Over the wire.


def fuzz_server(world: World, cases: int) -> Counter[str]:
    """Send so many cases to the real server, a few at a time; how often each status came."""
    # The screens that asynchronous gateways are sent would come to whoever dials there next: those
    # are fuzzed in this process alone.
    mounts = [
        (f"/ussd/{name}", each.gateway.name)
        for name, each in sorted(load_endpoints(world.settings.endpoints_file, os.environ).items())
        if not each.gateway.capabilities.asynchronous
    ]
    parts = urlsplit(world.addresses.web)
    address = (parts.hostname or "", parts.port or 0)

    def one(number: int) -> str:
        chances = random.Random(f"server/{number}")
        wire, starved = on_the_wire(chances, mounts)
        return judged(f"case {number}: {wire[:2000]!r}", sent(address, wire, starved), starved)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return Counter(pool.map(one, range(cases), chunksize=1))


def on_the_wire(chances: random.Random, mounts: Sequence[tuple[str, str]]) -> tuple[bytes, bool]:
    """A case's octets, and whether they may be too few."""
    mount, name = chances.choice(mounts)
    if chances.random() < 0.03:
        return chances.randbytes(chances.choice((1, 16, 300, 20_000))), True
    request = damaged(chances, as_sent(mount, callback(chances, name)), (*INSIDE, *ON_THE_WIRE))
    # The answer is all that comes until the server closes.
    closing = (*request.headers, (b"Connection", b"close"))
    request = changed(request, headers=closing)
    if chances.random() < 0.05:
        return scrambled(chances, request.wire), True
    return request.wire, request.starved


def sent(address: tuple[str, int], wire: bytes, starved: bool) -> bytes:  # noqa: FBT001
    """All that a server answers to these octets; raises TimeoutError where it hangs."""
    answer = b""
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        with left_early():
            connection.sendall(wire)
            if starved:
                connection.shutdown(socket.SHUT_WR)
        with left_early():
            while part := connection.recv(65_536):
                answer += part
    return answer


@contextlib.contextmanager
def left_early() -> Iterator[None]:
    """A server that has refused a request may close before all of it was sent."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN}:
            raise


def judged(case: str, answer: bytes, starved: bool) -> str:  # noqa: FBT001
    """How a case was answered, in a word; raises AssertionError where that is not right."""
    statuses = [int(status) for status in STATUS.findall(answer)]
    assert all(status < 500 for status in statuses), f"{case}\n{answer!r}"
    assert b"Traceback" not in answer, f"{case}\n{answer!r}"
    assert statuses or starved, f"no answer to {case}\n{answer!r}"
    return str(statuses[0]) if statuses else "closed"


def dials(world: World) -> None:
    """A phone is answered, behind any gateway that the storm came over."""
    for endpoint in ("demo", "moov"):
        assert "Acheter" in world.phone(endpoint, world.number()).dial("*789#").text


def bugs(lines: Sequence[str]) -> list[str]:
    """Lines of a log that tell of an error nobody foresaw."""
    return [line for line in lines if "Traceback" in line or "a hop failed" in line]


@pytest.mark.world
def test_the_server_answers_whatever_comes(world: World) -> None:
    assert server(world, 1_000) == 1_000


@pytest.mark.prove
def test_the_server_answers_whatever_comes_thirty_thousand_times(world: World) -> None:
    assert server(world, 30_000) == 30_000


def server(world: World, cases: int) -> int:
    """Fuzz, and look whether it did harm; how many cases were answered as they should be."""
    before = len(world.log)
    counts = fuzz_server(world, cases)

    print(f"\n{sum(counts.values()):,} cases over sockets: {told(counts)}")  # noqa: T201  # -s
    dials(world)
    assert bugs(world.log[before:]) == []
    assert requests.get(f"{world.addresses.web}/health", timeout=PATIENCE).ok
    return sum(counts.values())


def told(counts: Mapping[str, int]) -> str:
    """Counts, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda each: -each[1])
    return ", ".join(f"{status} {count:,}" for status, count in ordered)


# In this process.


def fuzz_application(program: Program, cases: int) -> Counter[str]:
    """As many cases for the applications of all gateways together; how often each status came."""
    counts: Counter[str] = Counter()
    for place, name in enumerate(sorted(GATEWAYS)):
        mine = range(place, cases, len(GATEWAYS))
        for start in range(0, len(mine), SESSIONS_MAX):
            scripted = ScriptedBackends(program.flow.backends, {})
            with dialling(name, program, "+22670123456", Answering(scripted)) as phone:
                for number in mine[start : start + SESSIONS_MAX]:
                    counts[case_inside(phone._client.application, name, number)] += 1
    return counts


def case_inside(app: Callable[..., object], name: str, number: int) -> str:
    """The status one case is answered with; raises AssertionError where that is not right."""
    chances = random.Random(f"application/{number}")
    request = damaged(chances, as_sent("/ussd/phone", callback(chances, name)), INSIDE)
    status, body = answered(app, request)
    case = f"case {number} ({name}): {request!r}"
    assert 200 <= status < 500, f"{status} for {case}\n{body!r}"
    assert b"Traceback" not in body, case
    return str(status)


def answered(app: Callable[..., object], request: Request) -> tuple[int, bytes]:
    """What an application answers, told of the request as a WSGI server would tell it."""
    path, _, query = request.target.partition(b"?")
    headers: dict[str, str] = {}
    for key, value in request.headers:
        headers.setdefault(key.decode("latin-1").lower(), value.decode("latin-1"))
    asked = HttpRequest(
        request.method.decode("latin-1"),
        unquote_to_bytes(path).decode("latin-1"),
        query.decode("latin-1"),
        headers,
        request.body,
    )
    return called(app, "", asked, headers.get("content-length"))


def test_every_application_answers_whatever_comes(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    assert application(program, caplog, 1_000) == 1_000


@pytest.mark.prove
def test_every_application_answers_whatever_comes_thirty_thousand_times(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    assert application(program, caplog, 30_000) == 30_000


def application(program: Program, caplog: pytest.LogCaptureFixture, cases: int) -> int:
    """Fuzz, and look for errors that nobody foresaw; how many were answered as they should be."""
    caplog.set_level(logging.ERROR)
    counts = fuzz_application(program, cases)

    print(f"\n{sum(counts.values()):,} cases in process: {told(counts)}")  # noqa: T201  # -s
    assert [each.getMessage() for each in caplog.records if each.exc_info] == []
    return sum(counts.values())
