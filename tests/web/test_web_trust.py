"""Whom an endpoint believes, through the application's own door: every kind, right and wrong."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from werkzeug.test import Client, TestResponse

from ussd_app.endpoints import ConfiguredEndpoint, load
from ussd_app.flow.diagnostics import FlowError
from ussd_app.messages import HttpRequest
from ussd_app.store import StoreDown
from ussd_app.trust import NONCE, SIGNATURE, TIMESTAMP
from ussd_app.web import create_app

if TYPE_CHECKING:
    from tests.web.conftest import Rig

SECRET, NEXT = "one-secret-of-many-letters", "the-next-secret-of-a-gateway"
FORM = {"content-type": "application/x-www-form-urlencoded"}
BODY = b"sessionId=s-1&phoneNumber=%2B22670123456&serviceCode=*789%23&text="


@dataclass
class Door:
    """One endpoint of an application, and what it is told."""

    client: Client
    endpoint: ConfiguredEndpoint
    rig: Rig

    def callback(self, body: bytes = BODY, nonce: str = "n-1", late: float = 0.0) -> HttpRequest:
        """A callback as whom the endpoint believes sends it."""
        request = HttpRequest("POST", headers=FORM, body=body)
        return self.endpoint.trust.presented(request, self.rig.clock[0] - late, nonce)

    def send(self, request: HttpRequest, peer: str = "127.0.0.1") -> TestResponse:
        return self.client.open(
            f"/ussd/door{request.path}",
            method=request.method,
            headers=dict(request.headers),
            data=request.body,
            environ_base={"REMOTE_ADDR": peer},
        )


def door(
    rig: Rig,
    tmp_path: Path,
    trust: str,
    variables: Mapping[str, str] | None = None,
    gateway: str = "africastalking",
) -> Door:
    path = tmp_path / "endpoints.yaml"
    path.write_text(f"cassou: 1\nendpoints:\n  door:\n    gateway: {gateway}\n    trust: {trust}\n")
    endpoints = load(path, {"KEY": SECRET, **(variables or {})})
    return Door(Client(create_app(rig.host, endpoints, 4096)), endpoints["door"], rig)


WITH_SECRET = {
    "header": "header: X-Key",
    "path": "path: true",
    "basic": "basic: moov",
    "bearer": "bearer: true",
    "hmac": "hmac: true",
}


def with_secret(kind: str) -> str:
    return f"{{{WITH_SECRET[kind]}, secret_variable: KEY}}"


@pytest.mark.parametrize("kind", WITH_SECRET)
def test_who_shows_the_secret_is_believed(rig: Rig, tmp_path: Path, kind: str) -> None:
    here = door(rig, tmp_path, with_secret(kind))

    answer = here.send(here.callback())

    assert answer.data.startswith(b"CON ")


@pytest.mark.parametrize("kind", WITH_SECRET)
def test_who_shows_another_or_none_is_told_nothing(rig: Rig, tmp_path: Path, kind: str) -> None:
    here = door(rig, tmp_path, with_secret(kind))
    stranger = door(rig, tmp_path, with_secret(kind), {"KEY": NEXT})

    for request in (stranger.callback(), HttpRequest("POST", headers=FORM, body=BODY)):
        answer = here.send(request)
        assert answer.status_code == 403
        assert answer.text == "this endpoint does not trust the caller\n"


def test_basic_is_a_user_and_a_password(rig: Rig, tmp_path: Path) -> None:
    here = door(rig, tmp_path, with_secret("basic"))
    words = base64.b64encode(f"moov:{SECRET}".encode()).decode()

    assert here.callback().headers["authorization"] == f"Basic {words}"
    lower = here.callback()._replace(headers={**FORM, "authorization": f"basic {words}"})
    assert here.send(lower).status_code == 200


@pytest.mark.parametrize("kind", WITH_SECRET)
def test_two_secrets_are_valid_while_one_replaces_the_other(
    rig: Rig, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "secret"
    rotating = f"{{{WITH_SECRET[kind]}, secret_file: {file}}}"
    before = door(rig, tmp_path, with_secret(kind))
    after = door(rig, tmp_path, with_secret(kind), {"KEY": NEXT})
    file.write_text(f"{SECRET}\n")
    here = door(rig, tmp_path, rotating)
    believed = []

    for content in (SECRET, f"{NEXT}\n{SECRET}", NEXT):
        file.write_text(f"{content}\n")
        nonce = str(len(content))
        answers = [
            here.send(each.callback(nonce=f"{nonce}-{n}")) for n, each in enumerate((before, after))
        ]
        believed.append([answer.status_code == 200 for answer in answers])

    assert believed == [[True, False], [True, True], [False, True]]


def test_a_secret_file_that_is_spoilt_leaves_the_secrets_before(rig: Rig, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    here = door(rig, tmp_path, f"{{header: X-Key, secret_file: {file}}}")
    for content in ("", "short", "\n".join([SECRET, NEXT, SECRET + "3"])):
        file.write_text(content)
        assert here.send(here.callback()).status_code == 200
    file.unlink()
    assert here.send(here.callback()).status_code == 200


@pytest.mark.parametrize("late", [0, 299, -299])
def test_a_signature_holds_for_five_minutes(rig: Rig, tmp_path: Path, late: int) -> None:
    here = door(rig, tmp_path, with_secret("hmac"))

    assert here.send(here.callback(late=late)).status_code == 200


@pytest.mark.parametrize("late", [301, -301, 86_400])
def test_an_old_signature_is_refused(rig: Rig, tmp_path: Path, late: int) -> None:
    here = door(rig, tmp_path, with_secret("hmac"))

    assert here.send(here.callback(late=late)).status_code == 403


def test_a_copied_callback_is_refused(rig: Rig, tmp_path: Path) -> None:
    here = door(rig, tmp_path, with_secret("hmac"))
    first = here.callback()
    shown = here.send(first)
    at_once = here.send(first)
    rig.clock[0] += 1.0

    assert at_once.data == shown.data
    assert here.send(first).status_code == 403
    assert here.send(here.callback(nonce="n-2")).data == shown.data


@pytest.mark.parametrize("header", [TIMESTAMP, NONCE, SIGNATURE])
@pytest.mark.parametrize("value", ["", "1", "x" * 65, "é"])
def test_what_is_signed_cannot_be_changed(
    rig: Rig, tmp_path: Path, header: str, value: str
) -> None:
    here = door(rig, tmp_path, with_secret("hmac"))
    good = here.callback()

    changed = good._replace(headers={**good.headers, header: value.encode().decode("latin-1")})
    assert here.send(changed).status_code == 403
    assert here.send(good._replace(body=BODY + b"1")).status_code == 403
    assert here.send(good._replace(path="/events")).status_code == 403


def test_a_nonce_that_cannot_be_looked_up_is_not_believed(rig: Rig, tmp_path: Path) -> None:
    here = door(rig, tmp_path, with_secret("hmac"))

    def down(key: bytes, value: object, seconds: float) -> object:
        raise StoreDown("gone")

    rig.store.first = down  # type: ignore[method-assign]  # Redis gone for a moment
    assert here.send(here.callback()).status_code == 503


PULL = (
    b'<request type="pull"><sessionId>s-1</sessionId><msisdn>22670123456</msisdn>'
    b"<subscriberInput>789</subscriberInput><newRequest>1</newRequest></request>"
)


def test_a_body_signed_with_rsa(rig: Rig, tmp_path: Path) -> None:
    private, other = (generate_private_key(65537, 2048) for _ in range(2))
    keys = [
        each.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        for each in (private, other)
    ]
    trust = "{rsa: Signature, secret_variable: PEM}\n    service_codes: ['*789#']"

    def signed(body: bytes) -> HttpRequest:
        signature = private.sign(PULL, PKCS1v15(), SHA256())
        encoded = base64.b64encode(signature).decode()
        return HttpRequest(
            "POST", headers={"content-type": "text/xml", "signature": encoded}, body=body
        )

    def believing(pem: str) -> Door:
        return door(rig, tmp_path, trust, {"PEM": pem}, "comviva_xml")

    here = believing(keys[0])
    assert here.send(signed(PULL)).status_code == 200
    assert here.send(signed(PULL.replace(b"789", b"788"))).status_code == 403
    assert here.send(HttpRequest("POST", headers=FORM, body=PULL)).status_code == 403
    assert believing(keys[1] + keys[0]).send(signed(PULL)).status_code == 200
    assert believing(keys[1]).send(signed(PULL)).status_code == 403


@pytest.mark.parametrize(
    ("gateway", "trust", "sentence"),
    [
        ("moov_xml", "{rsa: Signature, secret_variable: KEY}", '"rsa:" signs a body alone'),
        ("infobip", "{rsa: Signature, secret_variable: KEY}", '"rsa:" signs a body alone'),
        ("orange_xhtml", "{hmac: true, secret_variable: KEY}", '"hmac:" signs no headers'),
        ("myriad", "{hmac: true, secret_variable: KEY}", '"hmac:" signs no headers'),
        (
            "orange_xhtml",
            "{path: true, secret_variable: KEY}",
            "lead on to URLs without the secret",
        ),
    ],
)
def test_a_trust_that_would_not_hold_for_a_gateway_is_refused(
    rig: Rig, tmp_path: Path, gateway: str, trust: str, sentence: str
) -> None:
    with pytest.raises(FlowError) as caught:
        door(rig, tmp_path, trust, gateway=gateway)

    assert sentence in str(caught.value)


def test_a_certificates_subject_is_believed_of_a_named_proxy_alone(
    rig: Rig, tmp_path: Path
) -> None:
    here = door(
        rig,
        tmp_path,
        '{mtls: {header: X-Client-Subject, subjects: ["CN=gw.moov.bf"]}, proxies: [10.0.0.1/32]}',
    )
    good = here.callback()

    assert good.headers["x-client-subject"] == "CN=gw.moov.bf"
    assert here.send(good, "10.0.0.1").status_code == 200
    assert here.send(good, "10.0.0.2").status_code == 403
    other = good._replace(headers={**FORM, "x-client-subject": "CN=gw.other.bf"})
    assert here.send(other, "10.0.0.1").status_code == 403


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("41.1.1.1", "", 200),
        ("41.1.1.1", "9.9.9.9", 200),
        ("10.0.0.1", "41.1.1.1", 200),
        ("10.0.0.1", "9.9.9.9, 41.1.1.1, 10.0.0.2", 200),
        ("10.0.0.1", "41.1.1.1, 9.9.9.9", 403),
        ("10.0.0.1", "", 403),
        ("10.0.0.1", "41.1.1.1, nonsense", 403),
        ("9.9.9.9", "41.1.1.1", 403),
    ],
)
def test_a_forwarded_address_counts_where_a_named_proxy_tells_it(
    rig: Rig, tmp_path: Path, peer: str, forwarded: str, status: int
) -> None:
    here = door(rig, tmp_path, "{peers: [41.1.0.0/16], proxies: [10.0.0.0/24]}")
    request = HttpRequest("POST", headers={**FORM, "x-forwarded-for": forwarded}, body=BODY)

    assert here.send(request, peer).status_code == status


def test_all_that_is_asked_for_must_hold(rig: Rig, tmp_path: Path) -> None:
    here = door(rig, tmp_path, "{peers: [41.1.0.0/16], bearer: true, secret_variable: KEY}")

    assert here.send(here.callback(), "41.1.1.1").status_code == 200
    assert here.send(here.callback(), "9.9.9.9").status_code == 403
    assert here.send(HttpRequest("POST", headers=FORM, body=BODY), "41.1.1.1").status_code == 403


def test_a_log_tells_why_and_no_secret(
    rig: Rig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here = door(rig, tmp_path, with_secret("header"))
    wrong = here.callback()._replace(headers={**FORM, "x-key": NEXT})

    with caplog.at_level("INFO"):
        here.send(wrong, "9.9.9.9")

    assert "9.9.9.9 is not trusted: the header x-key holds another secret" in caplog.text
    assert NEXT not in caplog.text


@pytest.mark.parametrize(
    ("trust", "sentence"),
    [
        ("{proxies: [10.0.0.0/8]}", '5:12: error: "trust:" must say one of peers, header'),
        ("{header: X-Key}", '"trust:" needs "secret_variable:" or "secret_file:" [missing-key]'),
        (
            "{header: X-Key, secret_variable: KEY, secret_file: k}",
            '"trust:" needs "secret_variable:" or "secret_file:", not both [missing-key]',
        ),
        (
            "{header: X-Key, secret_file: nowhere}",
            "5:41: error: the file nowhere cannot be read: No such file or directory",
        ),
        ("{path: false, secret_variable: KEY}", '5:19: error: "path:" can only be true'),
        (
            "{peers: [10.0.0.0/8], secret_variable: KEY}",
            "say what the secret is for: one of header, path, basic, bearer, hmac, rsa",
        ),
        ("{peers: []}", '"peers:" names nobody [wrong-shape]'),
        (
            "{peers: [10.1.0.5/16]}",
            "10.1.0.0/16 is the one it is in",
        ),
        ("{header: X_Key, secret_variable: KEY}", '"X_Key" is no name of a header'),
        ("{path: true, secret_variable: SLASHED}", "- . _ ~ alone: it is a part of a URL"),
        ("{header: X-Key, secret_variable: ACCENTED}", "printable ASCII alone"),
        ("opne", 'did you mean "open"?'),
        (
            "{mtls: {header: X-S, subjects: [a]}}",
            '"mtls:" needs "proxies:": only a proxy of ours sees the certificate [missing-key]',
        ),
    ],
)
def test_a_trust_that_cannot_be_is_told(
    rig: Rig, tmp_path: Path, trust: str, sentence: str
) -> None:
    variables = {"SLASHED": "a/secret/with/slashes", "ACCENTED": "un secret très long"}
    with pytest.raises(FlowError) as caught:
        door(rig, tmp_path, trust, variables)

    assert sentence in str(caught.value)


def test_a_secret_in_the_file_is_refused_and_not_shown(rig: Rig, tmp_path: Path) -> None:
    with pytest.raises(FlowError) as caught:
        door(rig, tmp_path, f"{{header: X-Key, secret: {SECRET}}}")

    assert "no secret stands in this file: name its secret_variable" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_every_answer_carries_the_security_headers(rig: Rig, tmp_path: Path) -> None:
    here = door(rig, tmp_path, "open")
    wanted = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }

    for answer in (here.send(here.callback()), here.client.get("/health"), here.client.get("/x")):
        assert {name: answer.headers.get(name) for name in wanted} == wanted
    assert here.client.get("/x").text == "no such page\n"


def test_exchanges_are_written_down_where_somebody_wants_them(rig: Rig, tmp_path: Path) -> None:
    here = door(rig, tmp_path, f"open\n    capture: {tmp_path / 'seen.jsonl'}")
    here.send(here.callback())
    here.send(here.callback()._replace(body=b"\xff=1"))

    first, second = map(json.loads, (tmp_path / "seen.jsonl").read_text().splitlines())
    assert first["request"]["body"] == BODY.decode()
    assert first["request"]["path_query"] == "/ussd/door"
    assert first["reply"]["body"].startswith("CON ")
    assert (tmp_path / "seen.jsonl").stat().st_mode & 0o077 == 0
    assert base64.b64decode(second["request"]["body_base64"]) == b"\xff=1"
    assert second["reply"]["status"] == 400


def test_what_a_caller_is_trusted_by_is_not_written_down(rig: Rig, tmp_path: Path) -> None:
    capture = f"capture: {tmp_path / 'seen.jsonl'}"
    here = door(rig, tmp_path, f"{with_secret('header')}\n    {capture}")
    here.send(here.callback())

    assert SECRET not in (tmp_path / "seen.jsonl").read_text()
    assert '"x-key": "x"' in (tmp_path / "seen.jsonl").read_text()
