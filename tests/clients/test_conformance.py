"""One suite for every operation of every driver: what each fault of the other side comes to."""

import json
from typing import Any

import pytest

from outward.results import Misconfigured, NotSent, Success, Unknown
from outward.transport import ANSWER_OCTETS_MAX, Transport

from . import server as scripted
from .server import Script, closed_port, http, http_json, replying, serving
from .wires import OPERATIONS, Operation

KEY = "key-of-the-tests"
SECONDS = 5.0
"""For what ends by itself."""
SHORT_SECONDS = 0.1
"""For what ends at the deadline only."""


def good(operation: Operation) -> bytes:
    return http_json(operation.status, operation.good)


def truncated(operation: Operation) -> bytes:
    body = json.dumps(operation.good).encode()
    return http(operation.status, body[:-10], length=len(body))


def faults(operation: Operation) -> dict[str, tuple[Script, float, type]]:
    """Each fault by name: the script, the deadline in seconds, the class of the result."""
    whole = good(operation)
    body = json.dumps(operation.good).encode()
    at_body = len(whole) - len(body)
    answers = {
        "html": http(operation.status, b"<html>Sorry</html>", "Content-Type: text/html"),
        "nothing": http(operation.status, b""),
        "truncated": truncated(operation),
        "length too short": http(operation.status, body, length=len(body) - 10),
        "length too long": http(operation.status, body, length=len(body) + 10),
        "chunks cut": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n" + body[:10],
        "a member twice": http(operation.status, body[:-1] + b"," + body[1:]),
        "a list": http_json(operation.status, [operation.good]),
        "not UTF-8": http(operation.status, b'\xff\xfe{"a": 1}'),
        "too long": http(operation.status, body + b" " * ANSWER_OCTETS_MAX),
        "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
        "redirect": http(307, body, "Location: /elsewhere"),
        "redirect to itself": http(302, body, f"Location: {operation.line.split()[1]}"),
        "500": http_json(500, operation.good),
        "502 html": http(502, b"<html>Bad gateway</html>"),
        "503": http_json(503, {"status": "error", "code": "unavailable", "message": "Later."}),
        "204": b"HTTP/1.1 204 No Content\r\n\r\n",
        "another 2xx": http_json(203, operation.good),
        "404 html": http(404, b"<html>Not found</html>"),
        "404 of another kind": http_json(404, {"code": "no_such_route", "message": "?"}),
        "409 of another kind": http_json(409, {"status": "error", "code": "key_reused"}),
        "422 of another kind": http_json(422, {"detail": [{"msg": "?"}]}),
        "402 of another kind": http_json(402, {"status": "declined", "reason": "moon"}),
    }
    refusals = {"401": http_json(401, operation.good), "403 html": http(403, b"<html></html>")}
    return {
        **{
            name: (scripted.answering(octets), SECONDS, Unknown) for name, octets in answers.items()
        },
        **{
            name: (scripted.answering(octets), SECONDS, Misconfigured)
            for name, octets in refusals.items()
        },
        "reset before reading": (scripted.reset_unread, SECONDS, Unknown),
        "reset after reading": (scripted.reset_read, SECONDS, Unknown),
        "closed after reading": (scripted.close_read, SECONDS, Unknown),
        "hang": (scripted.hang, SHORT_SECONDS, Unknown),
        "trickled headers": (scripted.trickling(whole), SHORT_SECONDS, Unknown),
        "trickled body": (scripted.trickling(whole, at_once=at_body), SHORT_SECONDS, Unknown),
        "well": (scripted.answering(whole), SECONDS, Success),
    }


@pytest.mark.parametrize("name", faults(OPERATIONS[0]))
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_each_fault_comes_to_its_class_and_is_sent_once(operation: Operation, name: str) -> None:
    script, seconds, expected = faults(operation)[name]
    with serving(script) as server:
        result = operation.call(Transport(server.url, KEY), seconds)
        connections = server.connections

    assert isinstance(result, expected), result
    assert connections == 1
    if not isinstance(result, Success):
        told = repr(result)
        assert KEY not in told
        assert "+226" not in told
        assert "127.0.0.1" not in told


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_a_reset_at_once_is_a_doubt_unless_it_came_before_the_connection_stood(
    operation: Operation,
) -> None:
    with serving(scripted.reset_at_once) as server:
        assert isinstance(operation.call(Transport(server.url), SECONDS), Unknown | NotSent)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_a_closed_port_proves_that_nothing_was_sent(operation: Operation) -> None:
    with closed_port() as url:
        assert isinstance(operation.call(Transport(url), SECONDS), NotSent)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_without_time_left_nothing_is_sent(operation: Operation) -> None:
    with serving(scripted.hang) as server:
        assert isinstance(operation.call(Transport(server.url), 0.0), NotSent)
        assert server.connections == 0


@pytest.mark.parametrize(
    ("operation", "change"),
    [(operation, change) for operation in OPERATIONS for change in operation.near],
    ids=str,
)
def test_an_answer_that_is_nearly_good_is_unknown(
    operation: Operation, change: dict[str, Any]
) -> None:
    with serving(replying(operation.status, operation.good | change)) as server:
        assert isinstance(operation.call(Transport(server.url), SECONDS), Unknown)


@pytest.mark.parametrize(
    ("operation", "missing"),
    [
        (operation, missing)
        for operation in OPERATIONS
        for missing in operation.good
        if missing
        not in {
            *("at", "parts", "tid", "issued_at", "delivery_result", "valid_from"),
            *("sold_at", "recorded_at"),
        }
        and (operation.name, missing) != ("quote", "tariff_id")
    ],
    ids=str,
)
def test_an_answer_without_a_member_we_read_is_unknown(operation: Operation, missing: str) -> None:
    body = {name: value for name, value in operation.good.items() if name != missing}
    with serving(replying(operation.status, body)) as server:
        assert isinstance(operation.call(Transport(server.url), SECONDS), Unknown)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_members_we_do_not_know_are_ignored(operation: Operation) -> None:
    with serving(replying(operation.status, operation.good | {"new": [1]})) as server:
        assert isinstance(operation.call(Transport(server.url), SECONDS), Success)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_the_request_is_the_one_of_the_contract(operation: Operation) -> None:
    with serving(replying(operation.status, operation.good)) as server:
        operation.call(Transport(server.url, KEY), SECONDS)

    head = server.requests[0].split(b"\r\n\r\n")[0].decode()
    assert head.startswith(f"{operation.line}HTTP/1.1\r\n")
    assert f"Authorization: Bearer {KEY}" in head
    assert "User-Agent: cassou" in head
    assert "Connection: close" in head
