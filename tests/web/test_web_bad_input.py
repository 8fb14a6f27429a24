"""Whatever is sent: an end screen in the gateway's format, or a clear 4xx; never a traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

if TYPE_CHECKING:
    from tests.web.conftest import Rig

FORM = "application/x-www-form-urlencoded"
GOOD = {
    "sessionId": "s-1",
    "phoneNumber": "+22670123456",
    "networkCode": "99999",
    "serviceCode": "*789#",
    "text": "",
}
MOOV = {
    "lang": "fra",
    "msisdn": "22670123456",
    "req_no": "1",
    "sc": "789",
    "screen_id": "",
    "session_id": "m-1",
    "user_input": "",
}


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in GOOD.items() if key != name}


@pytest.mark.parametrize(
    ("path", "sent", "status", "sentence"),
    [
        ("/ussd/demo", {"data": without("sessionId")}, 400, 'parameter "sessionId" is missing'),
        ("/ussd/demo", {"data": without("phoneNumber")}, 400, 'parameter "phoneNumber" is missing'),
        ("/ussd/demo", {"data": without("serviceCode")}, 400, 'parameter "serviceCode" is missing'),
        ("/ussd/demo", {"data": without("text")}, 400, 'parameter "text" is missing'),
        (
            "/ussd/demo",
            {"data": b"", "content_type": FORM},
            400,
            'parameter "sessionId" is missing',
        ),
        (
            "/ussd/demo",
            {"json": GOOD},
            400,
            "the body must be application/x-www-form-urlencoded",
        ),
        ("/ussd/demo", {}, 400, "the body must be application/x-www-form-urlencoded"),
        (
            "/ussd/demo",
            {"data": b"text=\xff\xfe", "content_type": FORM},
            400,
            "the body is not UTF-8",
        ),
        (
            "/ussd/demo",
            {"data": b"text=%FF", "content_type": FORM},
            400,
            "the body is not UTF-8",
        ),
        (
            "/ussd/demo",
            {"data": b"x" * 1_000_000, "content_type": FORM},
            413,
            "the body is over 4096 octets",
        ),
        (
            "/ussd/demo",
            {"data": GOOD, "environ_overrides": {"CONTENT_LENGTH": "9" * 5000}},
            413,
            "the body is over 4096 octets",
        ),
        (
            "/ussd/demo",
            {"data": GOOD, "environ_overrides": {"CONTENT_LENGTH": "²"}},
            400,
            "Content-Length is not a number",
        ),
        (
            "/ussd/demo",
            {"data": GOOD, "environ_overrides": {"CONTENT_LENGTH": "-1"}},
            400,
            "Content-Length is not a number",
        ),
        (
            "/ussd/demo",
            {"data": {**GOOD, "phoneNumber": "' OR 1=1"}},
            400,
            "the MSISDN is not a telephone number",
        ),
        ("/ussd/demo/other", {"data": GOOD}, 404, "no such page under this endpoint"),
        (
            "/ussd/demo/events",
            {"data": {**GOOD, "status": "?"}},
            400,
            '"status" must be Success, Incomplete or Failed',
        ),
        ("/ussd/closed", {"data": GOOD}, 403, "this endpoint does not trust the caller"),
    ],
)
def test_what_is_no_callback_is_refused_with_a_sentence(
    rig: Rig, path: str, sent: dict[str, Any], status: int, sentence: str
) -> None:
    reply = rig.client.post(path, **sent)

    assert (reply.status_code, reply.text) == (status, f"{sentence}\n")
    assert reply.content_type == "text/plain; charset=utf-8"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
def test_another_method_is_refused(rig: Rig, method: str) -> None:
    reply = rig.client.open("/ussd/demo", method=method)

    assert reply.status_code == 405
    assert method == "HEAD" or reply.text == "this gateway calls back by POST\n"


def test_moov_calls_back_by_get_only(rig: Rig) -> None:
    reply = rig.client.post("/ussd/moov", query_string=MOOV)

    assert (reply.status_code, reply.text) == (405, "this gateway calls back by GET\n")


@pytest.mark.parametrize(
    "path", ["/ussd/nobody", "/ussd/", "/ussd", "/", "/ussd/../etc", "/x\x00y"]
)
def test_an_unknown_page_is_told_where_callbacks_go(rig: Rig, path: str) -> None:
    reply = rig.client.post(path, data=GOOD)

    assert reply.status_code == 404
    assert reply.text == ("no such page; callbacks go to /ussd/demo, /ussd/moov, /ussd/closed\n")


def test_health_is_told(rig: Rig) -> None:
    reply = rig.client.get("/health")

    assert (reply.status_code, reply.text) == (200, "ok\n")


@pytest.mark.parametrize("code", ["*788#", "*789*1#", "789x", "***", "🙂"])
def test_an_unknown_service_code_is_an_end_screen(rig: Rig, code: str) -> None:
    reply = rig.post("", code=code)

    assert (reply.status_code, reply.text) == (200, "END Ce code n'est pas en service.")


def test_an_unknown_service_code_is_an_end_screen_in_xml(rig: Rig) -> None:
    reply = rig.client.get("/ussd/moov", query_string={**MOOV, "sc": "1"})

    assert reply.status_code == 200
    assert "<text>Ce code n'est pas en service.</text><session_op>end</session_op>" in reply.text


@pytest.mark.parametrize(
    ("typed", "begins"),
    [
        ("", "CON Choix inconnu."),
        ("   ", "CON Choix inconnu."),
        ("\x00\x01\x1b\x7f", "CON Choix inconnu."),
        ("\u202e1", "CON Numéro de série"),
        ("١", "CON Numéro de série"),
        ("1\n", "CON Numéro de série"),
        ("🙂", "CON Choix inconnu."),
        ("9" * 900, "CON Choix inconnu."),
        ("<b>1</b>", "CON Choix inconnu."),
        ("{serial}", "CON Choix inconnu."),
        ("*", "CON Choix inconnu."),
    ],
)
def test_whatever_is_typed_there_is_a_screen(rig: Rig, typed: str, begins: str) -> None:
    rig.post("1")
    rig.post("1*00")
    reply = rig.post(f"1*00*{typed}")

    assert reply.status_code == 200
    assert reply.text.startswith(begins)


@pytest.mark.parametrize("typed", ["\x00", "\x1b", "<&>", "]]>", "\ufffe", "é", "١"])
def test_whatever_is_typed_moovs_answer_is_xml(rig: Rig, typed: str) -> None:
    rig.get(1, "")
    reply = rig.get(2, typed)

    assert reply.status_code == 200
    assert reply.text.startswith('<?xml version="1.0" encoding="UTF-8"?><response>')


def test_a_doubled_parameter_counts_once_the_first(rig: Rig) -> None:
    body = urlencode([*GOOD.items(), ("text", "9")]).encode()
    reply = rig.client.post("/ussd/demo", data=body, content_type=FORM)

    assert reply.text.startswith("CON Énergie prépayée")


def test_a_body_without_a_length_is_read_no_further_than_allowed(rig: Rig) -> None:
    reply = rig.client.post(
        "/ussd/demo",
        data=b"x" * 100_000,
        content_type=FORM,
        environ_overrides={"CONTENT_LENGTH": "", "wsgi.input_terminated": True},
    )

    assert reply.status_code == 413


def test_a_refusal_is_logged_on_one_line(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="cassou")
    rig.client.post("/ussd/demo", data={**GOOD, "a\nINFO forged: line": "x" * 2000})

    assert [record.getMessage().count("\n") for record in caplog.records] == [0]


def test_the_secret_header_opens_a_closed_endpoint(rig: Rig) -> None:
    reply = rig.client.post("/ussd/closed", data=GOOD, headers={"X-Key": "k" * 16})

    assert reply.text.startswith("CON Énergie prépayée")
