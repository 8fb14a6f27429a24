"""The proxy forwards as it is, and breaks as it is told: what a raw client sees of it."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from simulators.fault_proxy import Proxy, create_admin
from simulators.serving import NotLoopbackError, RunningServer

GOOD = "+22670999000"
TAKEN = 998_820
UNTOUCHED = 1_000_000


@pytest.fixture
def proxy(operator: str) -> Iterator[Proxy]:
    started = Proxy(operator)
    yield started
    started.close()


@pytest.fixture
def admin(proxy: Proxy) -> Iterator[str]:
    server = RunningServer(create_admin(proxy), threading.Event())
    yield f"{server.url}/_faults"
    server.close()


@pytest.fixture
def balance(operator: str) -> Callable[[], Any]:
    """The balance as the operator itself tells it, past the proxy."""
    url = f"{operator}/_sandbox/wallets/{GOOD}"
    return lambda: requests.get(url, timeout=5).json()["balance_minor"]


def pay(proxy: Proxy, timeout: float = 5) -> tuple[int, int, bytes]:
    """Status, promised length and body that came. Raises what the socket raises."""
    payload = json.dumps(
        {
            "msisdn": GOOD,
            "amount_minor": 1180,
            "currency": "XOF",
            "reference": "P7K2M9",
            "text": "Compteur 1379",
        }
    ).encode()
    head = (
        f"POST /wallet/debits HTTP/1.1\r\nHost: proxy\r\nIdempotency-Key: p1:debit\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    target = urlsplit(proxy.url)
    said = b""
    with socket.create_connection((target.hostname, target.port or 0), timeout=timeout) as wire:
        wire.sendall(head.encode() + payload)
        while chunk := wire.recv(4096):
            said += chunk
    front, _, body = said.partition(b"\r\n\r\n")
    lines = front.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), int(headers["content-length"]), body


def test_it_forwards_bodies_headers_and_statuses(proxy: Proxy, operator: str) -> None:
    status, promised, body = pay(proxy)
    missing = requests.get(f"{proxy.url}/wallet/debits/nothing", timeout=5)
    known = f"{proxy.url}/_sandbox/wallets/+22671000000"
    put = requests.put(known, json={"balance_minor": 5}, timeout=5)

    assert (status, promised) == (200, len(body))
    assert requests.get(f"{operator}/wallet/debits/p1:debit", timeout=5).content == body
    assert (missing.status_code, missing.json()) == (404, {"status": "not_found"})
    assert missing.headers["Content-Type"] == "application/json"
    assert put.json()["balance_minor"] == 5
    assert requests.head(f"{proxy.url}/openapi.json", timeout=5).status_code == 200
    assert requests.delete(f"{proxy.url}/_sandbox/faults", timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("fault", "left"),
    [("refuse", UNTOUCHED), ("reset_before", UNTOUCHED), ("reset_after", TAKEN)],
)
def test_resets(
    proxy: Proxy, admin: str, balance: Callable[[], Any], fault: str, left: int
) -> None:
    requests.post(admin, json={"fault": fault}, timeout=5)

    # Refused before a byte is read, a client may learn it while it is still sending.
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        pay(proxy)

    assert balance() == left
    assert pay(proxy)[0] == 200


@pytest.mark.parametrize(("fault", "left"), [("hang", UNTOUCHED), ("hang_after", TAKEN)])
def test_silence(
    proxy: Proxy, admin: str, balance: Callable[[], Any], fault: str, left: int
) -> None:
    requests.post(admin, json={"fault": fault}, timeout=5)

    with pytest.raises(TimeoutError):
        pay(proxy, timeout=0.4)

    assert balance() == left


@pytest.mark.parametrize(("fault", "left"), [("error_before", UNTOUCHED), ("error_after", TAKEN)])
def test_errors(
    proxy: Proxy, admin: str, balance: Callable[[], Any], fault: str, left: int
) -> None:
    requests.post(admin, json={"fault": fault}, timeout=5)

    assert pay(proxy)[0] == 500
    assert balance() == left


def test_html_is_no_json(proxy: Proxy, admin: str, balance: Callable[[], Any]) -> None:
    requests.post(admin, json={"fault": "html"}, timeout=5)

    status, _, body = pay(proxy)

    assert (status, body[:6]) == (200, b"<html>")
    assert balance() == TAKEN


def test_a_truncated_body_is_half_of_what_was_promised(proxy: Proxy, admin: str) -> None:
    requests.post(admin, json={"fault": "truncate"}, timeout=5)

    status, promised, body = pay(proxy)

    assert status == 200
    assert len(body) == promised // 2


def test_slow_is_done_at_once_and_answered_late(
    proxy: Proxy, admin: str, balance: Callable[[], Any]
) -> None:
    requests.post(admin, json={"fault": "slow", "seconds": 30}, timeout=5)

    with pytest.raises(TimeoutError):
        pay(proxy, timeout=0.4)

    assert balance() == TAKEN
    requests.post(admin, json={"fault": "slow", "seconds": 0.01}, timeout=5)
    assert pay(proxy)[0] == 200


def test_a_fault_strikes_the_method_and_path_that_are_meant(proxy: Proxy, admin: str) -> None:
    order = {"fault": "refuse", "method": "GET", "path_prefix": "/wallet", "times": None}
    requests.post(admin, json=order, timeout=5)
    status = f"{proxy.url}/wallet/debits/p1:debit"

    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            requests.get(status, timeout=5)

    assert pay(proxy)[0] == 200
    assert requests.get(f"{proxy.url}/openapi.json", timeout=5).status_code == 200
    listed = requests.get(admin, timeout=5).json()
    assert [(fault["left"], fault["hits"]) for fault in listed["faults"]] == [(None, 2)]
    requests.delete(admin, timeout=5)
    assert requests.get(status, timeout=5).status_code == 200


def test_down_refuses_connections_until_it_is_up_on_the_same_port(proxy: Proxy, admin: str) -> None:
    down = requests.post(admin, json={"down": True}, timeout=5)

    with pytest.raises(ConnectionRefusedError):
        pay(proxy)

    assert down.json() == {"down": True}
    assert requests.get(admin, timeout=5).json()["down"] is True
    requests.post(admin, json={"down": False}, timeout=5)
    assert pay(proxy)[0] == 200
    requests.post(admin, json={"down": True}, timeout=5)
    requests.delete(admin, timeout=5)
    assert pay(proxy)[0] == 200


def test_a_server_that_is_away_is_a_reset() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        proxy = Proxy(f"http://127.0.0.1:{reserved.getsockname()[1]}")
        try:
            with pytest.raises(ConnectionResetError):
                pay(proxy)
        finally:
            proxy.close()


@pytest.mark.parametrize("body", [{"fault": "nothing"}, {"fault": "slow", "seconds": -1}, {}])
def test_a_fault_that_makes_no_sense_is_refused(admin: str, body: dict[str, object]) -> None:
    assert requests.post(admin, json=body, timeout=5).status_code == 422


def test_it_forwards_on_this_machine_only() -> None:
    with pytest.raises(NotLoopbackError):
        Proxy("http://192.0.2.1:80")
