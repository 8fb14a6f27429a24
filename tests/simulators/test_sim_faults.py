"""Each fault once, as a raw client sees it on its socket, and what was done behind it."""

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

GOOD = "+22670999000"
AWA = "04246801379"
TAKEN = 998_820
UNTOUCHED = 1_000_000


def talk(url: str, method: str, path: str, body: object, *, timeout: float) -> bytes:
    """Everything the server says until it closes. Raises TimeoutError, ConnectionResetError."""
    target = urlsplit(url)
    payload = json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {target.netloc}\r\nIdempotency-Key: p1:debit\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    said = b""
    with socket.create_connection((target.hostname, target.port or 0), timeout=timeout) as wire:
        wire.sendall(head.encode() + payload)
        while chunk := wire.recv(4096):
            said += chunk
    return said


def pay(url: str, timeout: float = 5) -> bytes:
    body = {
        "msisdn": GOOD,
        "amount_minor": 1180,
        "currency": "XOF",
        "reference": "P7K2M9",
        "text": "Compteur 1379",
    }
    return talk(url, "POST", "/wallet/debits", body, timeout=timeout)


def arm(url: str, fault: str, **more: object) -> requests.Response:
    body = {"msisdn": GOOD, "operation": "debit", "fault": fault, **more}
    return requests.post(f"{url}/_sandbox/faults", json=body, timeout=5)


def balance(url: str) -> Any:
    return requests.get(f"{url}/_sandbox/wallets/{GOOD}", timeout=5).json()["balance_minor"]


def parse(said: bytes) -> tuple[int, int, bytes]:
    """Status, the length the head promised, and the body that came."""
    head, _, body = said.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), int(headers["content-length"]), body


@pytest.mark.parametrize(("fault", "left"), [("hang", UNTOUCHED), ("hang_after", TAKEN)])
def test_silence(operator: str, fault: str, left: int) -> None:
    arm(operator, fault)

    with pytest.raises(TimeoutError):
        pay(operator, timeout=0.3)

    assert balance(operator) == left


@pytest.mark.parametrize(("fault", "left"), [("reset_before", UNTOUCHED), ("reset_after", TAKEN)])
def test_resets(operator: str, fault: str, left: int) -> None:
    arm(operator, fault)

    with pytest.raises(ConnectionResetError):
        pay(operator)

    assert balance(operator) == left


@pytest.mark.parametrize(
    ("fault", "status", "code", "left"),
    [
        ("refuse", 503, "unavailable", UNTOUCHED),
        ("unauthorised", 401, "unauthorised", UNTOUCHED),
        ("error_before", 500, "internal", UNTOUCHED),
        ("error_after", 500, "internal", TAKEN),
    ],
)
def test_errors(operator: str, fault: str, status: int, code: str, left: int) -> None:
    arm(operator, fault)

    answered, promised, body = parse(pay(operator))

    assert (answered, promised) == (status, len(body))
    assert json.loads(body)["code"] == code
    assert balance(operator) == left


def test_an_error_before_and_one_after_read_alike(operator: str) -> None:
    bodies = []
    for fault in ("error_before", "error_after"):
        arm(operator, fault)
        bodies.append(parse(pay(operator))[2])

    assert bodies[0] == bodies[1]


def test_html_is_no_json(operator: str) -> None:
    arm(operator, "html")

    status, promised, body = parse(pay(operator))

    assert (status, promised) == (200, len(body))
    assert body.startswith(b"<html>")
    assert balance(operator) == TAKEN


def test_a_truncated_body_is_half_of_what_was_promised(operator: str) -> None:
    arm(operator, "truncate")

    status, promised, body = parse(pay(operator))

    assert status == 200
    assert len(body) == promised // 2
    assert balance(operator) == TAKEN


def test_a_trickled_body_is_whole_in_the_end(operator: str) -> None:
    arm(operator, "trickle", seconds=0.001)

    status, promised, body = parse(pay(operator))

    assert (status, promised) == (200, len(body))
    assert json.loads(body)["status"] == "success"


def test_a_trickle_comes_byte_by_byte(operator: str) -> None:
    arm(operator, "trickle", seconds=30)

    with pytest.raises(TimeoutError):
        pay(operator, timeout=0.3)

    assert balance(operator) == TAKEN


def test_slow_is_done_at_once_and_answered_late(operator: str) -> None:
    arm(operator, "slow", seconds=30)

    with pytest.raises(TimeoutError):
        pay(operator, timeout=0.3)
    assert balance(operator) == TAKEN

    arm(operator, "slow", seconds=0.01)
    assert parse(pay(operator))[0] == 200


def test_an_unknown_status_does_nothing(operator: str) -> None:
    arm(operator, "unknown_status")

    status, _, body = parse(pay(operator))

    assert (status, json.loads(body)) == (200, {"status": "escrowed"})
    assert balance(operator) == UNTOUCHED


def test_a_wrong_amount_is_really_taken(operator: str) -> None:
    arm(operator, "wrong_amount")

    body = json.loads(parse(pay(operator))[2])

    assert body["amount_minor"] == 1230
    assert balance(operator) == TAKEN - 50


def test_faults_strike_as_often_as_ordered_and_who_is_meant(operator: str) -> None:
    arm(operator, "refuse", times=2)
    arm(operator, "refuse", msisdn="+22670123456", times=None)

    statuses = [parse(pay(operator))[0] for _ in range(3)]
    listed = requests.get(f"{operator}/_sandbox/faults", timeout=5).json()["faults"]

    assert statuses == [503, 503, 200]
    assert [(fault["left"], fault["hits"]) for fault in listed[:2]] == [(0, 2), (None, 0)]
    assert all(fault["seeded"] for fault in listed[2:])


def test_clearing_leaves_the_magic_numbers_their_ways(operator: str) -> None:
    arm(operator, "refuse", msisdn="*", times=None)
    requests.delete(f"{operator}/_sandbox/faults", timeout=5)

    listed = requests.get(f"{operator}/_sandbox/faults", timeout=5).json()["faults"]

    assert parse(pay(operator))[0] == 200
    assert {fault["msisdn"] for fault in listed} >= {"+22670999016", "+22670999052"}


@pytest.mark.parametrize(
    ("order", "word"),
    [
        ({"operation": "nothing", "fault": "hang"}, "nothing"),
        ({"operation": "sms", "fault": "wrong_amount"}, "wrong_amount"),
        ({"operation": "debit", "fault": "nothing"}, "fault"),
        ({"operation": "debit", "fault": "hang", "times": 0}, "times"),
        ({"operation": "debit", "fault": "hang", "serial": "1"}, "serial"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    operator: str, order: dict[str, object], word: str
) -> None:
    answer = requests.post(f"{operator}/_sandbox/faults", json=order, timeout=5)

    assert answer.status_code == 422
    assert word in answer.json()["message"]


@pytest.mark.parametrize("operation", ["debit_status", "refund", "refund_status", "sms"])
def test_every_operation_of_the_operator_can_fail(operator: str, operation: str) -> None:
    parse(pay(operator))
    arm(operator, "refuse", msisdn="*", operation=operation)
    refund = {"debit_key": "p1:debit", "amount_minor": 5, "currency": "XOF"}
    sms = {"sms_id": "p1:sms", "to": GOOD, "text": "Bonjour"}
    requested = {
        "debit_status": ("GET", "/wallet/debits/p1:debit", {}),
        "refund": ("POST", "/wallet/refunds", refund),
        "refund_status": ("GET", "/wallet/refunds/p1:debit", {}),
        "sms": ("POST", "/sms", sms),
    }
    method, path, body = requested[operation]

    assert parse(talk(operator, method, path, body, timeout=5))[0] == 503


@pytest.mark.parametrize("last_two", ["16", "17"])
def test_silent_magic_numbers_are_silent_always(operator: str, last_two: str) -> None:
    msisdn = f"+226709990{last_two}"
    body = {
        "msisdn": msisdn,
        "amount_minor": 1180,
        "currency": "XOF",
        "reference": "P7K2M9",
        "text": "Compteur 1379",
    }
    for _ in range(2):
        with pytest.raises(TimeoutError):
            talk(operator, "POST", "/wallet/debits", body, timeout=0.2)

    status = requests.get(f"{operator}/wallet/debits/p1:debit", timeout=5)
    assert status.status_code == (200 if last_two == "16" else 404)


@pytest.mark.parametrize(
    ("operation", "method", "path", "body"),
    [
        ("meter", "GET", f"/meters/{AWA}", {}),
        ("tariff", "GET", "/tariffs/default", {}),
        ("quote", "POST", "/quotes", {"serial": AWA, "kwh_tenths": 100}),
        ("quote_status", "GET", "/quotes/q1", {}),
        ("sale_status", "GET", "/sales/p1", {}),
        ("sale_status", "GET", "/sales?day=2026-11-23", {}),
        ("token", "PUT", "/sales/p1/token", {"token": "1" * 20, "delivered": False}),
        ("void", "POST", "/sales/p1/void", {}),
    ],
)
def test_every_operation_of_the_platform_can_fail(
    platform: str, operation: str, method: str, path: str, body: object
) -> None:
    order = {"operation": operation, "fault": "reset_after"}
    requests.post(f"{platform}/_sandbox/faults", json=order, timeout=5)

    with pytest.raises(ConnectionResetError):
        talk(platform, method, path, body, timeout=5)


def test_a_sale_can_be_recorded_and_its_answer_lost(platform: str) -> None:
    order = {"serial": AWA, "operation": "sale", "fault": "hang_after"}
    requests.post(f"{platform}/_sandbox/faults", json=order, timeout=5)
    quoted = requests.post(
        f"{platform}/quotes", json={"serial": AWA, "kwh_tenths": 100}, timeout=5
    ).json()
    sale = {
        "quote_id": quoted["id"],
        "serial": AWA,
        "kwh_tenths": 100,
        "amount_minor": 1135,
        "currency": "XOF",
        "debit_ref": "OP1",
        "sold_at": "2026-11-23T08:00:05Z",
    }

    with pytest.raises(TimeoutError):
        talk(platform, "PUT", "/sales/p1", sale, timeout=0.3)

    assert requests.get(f"{platform}/sales/p1", timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("operation", "method", "path", "body"),
    [
        ("meter", "GET", f"/meters/{AWA}", {}),
        ("log", "GET", f"/meters/{AWA}/log", {}),
        ("token", "POST", f"/meters/{AWA}/tokens", {"token": "1" * 20, "via": "ami"}),
    ],
)
def test_every_operation_of_the_meters_can_fail(
    meters: str, operation: str, method: str, path: str, body: object
) -> None:
    order = {"serial": AWA, "operation": operation, "fault": "reset_before"}
    requests.post(f"{meters}/_sandbox/faults", json=order, timeout=5)

    with pytest.raises(ConnectionResetError):
        talk(meters, method, path, body, timeout=5)

    assert requests.get(f"{meters}/meters/{AWA}", timeout=5).json()["last_result"] is None
