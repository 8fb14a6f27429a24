"""The HTTP edge on the real server: bad input gets a clear answer; nothing stands in clear."""

from __future__ import annotations

import contextlib
import re
import socket
from urllib.parse import urlsplit

import pytest
import requests
from redis import Redis

from tests.whole_system import World

pytestmark = pytest.mark.world

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
GOOD = "sessionId=edge-1&phoneNumber=%2B22670120099&serviceCode=%2A789%23&text="


@pytest.mark.parametrize(
    ("method", "headers", "body", "status", "said"),
    [
        ("POST", FORM, b"sessionId=x", 400, 'parameter "phoneNumber" is missing'),
        ("POST", FORM, b"", 400, 'parameter "sessionId" is missing'),
        ("POST", {"Content-Type": "application/json"}, b"{}", 400, "urlencoded"),
        ("POST", FORM, b"\xff\xfe=1", 400, "not UTF-8"),
        ("POST", FORM, GOOD.encode() + b"%ff%fe", 400, "not UTF-8"),
        ("POST", FORM, b"a=" + b"x" * 1_000_000, 413, "octets"),
        ("POST", FORM, GOOD.encode() + b"x" * 5000, 400, "characters long"),
        ("PUT", FORM, GOOD.encode(), 405, "calls back by POST"),
        ("GET", {}, b"", 405, "calls back by POST"),
        (
            "POST",
            FORM,
            GOOD.replace("%2B22670120099", "nobody").encode(),
            400,
            "not a telephone number",
        ),
    ],
)
def test_what_is_no_callback_is_refused_with_a_sentence(
    method: str, headers: dict[str, str], body: bytes, status: int, said: str, world: World
) -> None:
    answer = requests.request(
        method, f"{world.addresses.web}/ussd/demo", headers=headers, data=body, timeout=10
    )

    assert answer.status_code == status
    assert said in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", ["/ussd/nobody", "/ussd/demo/elsewhere", "/"])
def test_an_unknown_address_says_where_callbacks_go(path: str, world: World) -> None:
    answer = requests.post(f"{world.addresses.web}{path}", timeout=10)

    assert answer.status_code == 404
    assert "Traceback" not in answer.text


def test_bodies_that_never_come_hang_nobody_else(world: World) -> None:
    parts = urlsplit(world.addresses.web)
    lines = ["POST /ussd/demo HTTP/1.1", "Host: x", "Content-Length: 500"]
    lines += [f"{name}: {value}" for name, value in FORM.items()]
    head = "\r\n".join([*lines, "", "sessionId="]).encode()
    more_than_threads = world.settings.web_processes * world.settings.web_threads + 8

    with contextlib.ExitStack() as silent:
        for _ in range(more_than_threads):
            connection = socket.create_connection((parts.hostname or "", parts.port or 0))
            silent.enter_context(connection).sendall(head)

        assert "Acheter" in world.phone("moov", world.number()).dial("*789#").text
        answer = requests.post(
            f"{world.addresses.web}/ussd/demo", headers=FORM, data=GOOD, timeout=10
        )
        assert answer.status_code in {200, 503}

    world.until(
        lambda: "Acheter" in world.phone("demo", world.number()).dial("*789#").text,
        "their slots are given back",
    )


def test_connections_that_gateways_keep_open_shut_nobody_out(world: World) -> None:
    with contextlib.ExitStack() as kept:
        for _ in range(200):
            session = kept.enter_context(requests.Session())
            assert session.get(f"{world.addresses.web}/health", timeout=10).ok

        assert "Acheter" in world.phone("demo", world.number()).dial("*789#").text


def test_a_body_in_chunks_is_read_whole(world: World) -> None:
    number = world.number().replace("+", "%2B")
    body = f"sessionId=chunks&phoneNumber={number}&serviceCode=%2A789%23&text="
    parts = (body[place : place + 9].encode() for place in range(0, len(body), 9))
    answer = requests.post(f"{world.addresses.web}/ussd/demo", headers=FORM, data=parts, timeout=10)

    assert answer.text.startswith("CON ")


def test_a_stranger_is_refused_before_his_body_is_read(world: World) -> None:
    parts = urlsplit(world.addresses.web)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as silent:
        silent.sendall(b"POST /ussd/guarded HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n")

        assert silent.recv(12) == b"HTTP/1.1 403"


@pytest.mark.parametrize("endpoint", ["demo", "moov"])
def test_what_a_client_may_type_gets_a_valid_screen(endpoint: str, world: World) -> None:
    phone = world.phone(endpoint, world.number())
    phone.dial("*789#")
    phone.send("1")

    for typed in ("", "\x00\x07", "٠٤٢٤٦٨٠١٣٧٩"):
        shown = phone.send(typed)

    assert "Combien de kWh?" in shown.text


@pytest.mark.parametrize("endpoint", ["demo", "moov"])
def test_an_unknown_service_code_gets_an_end_screen(endpoint: str, world: World) -> None:
    phone = world.phone(endpoint, world.number())
    phone._codes = ("*999#",)

    assert phone.dial("*999#").text == "Ce code n'est pas en service."


def test_a_session_nobody_knows_gets_an_end_screen(world: World) -> None:
    query = "lang=fra&msisdn=22670120098&req_no=4&sc=789&screen_id=3&session_id=gone&user_input=1"

    answer = requests.get(f"{world.addresses.web}/ussd/moov?{query}", timeout=10)

    assert answer.status_code == 200
    assert "<session_op>end</session_op>" in answer.text
    assert "Cette session est terminée" in answer.text


def test_another_number_cannot_take_over_a_session(world: World) -> None:
    def hop(number: str, text: str) -> str:
        body = f"sessionId=shared&phoneNumber={number}&serviceCode=%2A789%23&text={text}"
        url = f"{world.addresses.web}/ussd/demo"
        return requests.post(url, headers=FORM, data=body, timeout=10).text

    hop("%2B22670120097", "")

    assert hop("%2B22670120096", "1") == "END Demande refusée."
    assert "Numéro de série" in hop("%2B22670120097", "1")


def test_nothing_stands_in_clear_in_redis_the_ledger_or_a_log(world: World) -> None:
    msisdn = world.number()
    world.at_confirm(msisdn, serial="0417135790000").send("1")
    token = world.sms(msisdn, "Code")[5:29].replace(" ", "")
    secrets = [msisdn[4:].encode(), token.encode(), b"Issa", b"buy-electricity"]

    with Redis.from_url(world.addresses.redis) as client:
        dump = b"".join(_everything(client))
    files = b"".join(
        path.read_bytes()
        for path in world.stack.var.iterdir()
        if path.is_file() and path.name.startswith("ledger.sqlite3")
    )
    log = "\n".join(world.log).encode()

    assert len(dump) > 1000
    for secret in secrets[:2]:
        assert secret not in dump
        assert secret not in files
        assert secret not in log
    assert b"0417135790000" not in dump
    assert not re.search(rb"\+226\d{8}", log)


def _everything(client: Redis) -> list[bytes]:
    """Every key and value, as Redis itself dumps it (uncompressed: values here are short)."""
    client.config_set("rdbcompression", "no")
    found: list[bytes] = []
    for key in client.scan_iter("*"):
        dumped = client.dump(key)
        found += [key, dumped if isinstance(dumped, bytes) else b""]
    return found


@pytest.mark.parametrize("path", ["/health", "/nowhere", "/ussd/demo"])
def test_no_answer_names_a_version(path: str, world: World) -> None:
    for method in ("GET", "POST", "TRACE"):
        answer = requests.request(method, f"{world.addresses.web}{path}", timeout=10)
        told = {name.lower(): value for name, value in answer.headers.items()}

        assert told["x-content-type-options"] == "nosniff"
        assert told["cache-control"] == "no-store"
        assert "x-powered-by" not in told
        assert not re.search(r"\d", told.get("server", ""))
        assert not re.search(r"(?i)flask|werkzeug|python|granian/", answer.text)
