"""The transport: what it proves, what it sends, and whose connections it uses."""

import os
import socket
import ssl
import threading

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from urllib3.exceptions import MaxRetryError, SSLError

from outward import transport as module
from outward.results import NotSent, Unknown
from outward.transport import Answer, Transport, harmless, segment

from . import server as scripted
from .server import http, http_json, replying, serving

SECONDS = 5.0


@pytest.mark.parametrize(
    "url",
    [
        "",
        "operator:8001",
        "ftp://operator",
        "http://",
        "http://user:secret@operator",
        "http://operator/?key=1",
    ],
)
def test_an_address_that_cannot_work_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        Transport(url)


def test_a_key_that_cannot_stand_in_a_header_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="key") as caught:
        Transport("http://operator", "secret\r\nX-Evil: 1")

    assert "secret" not in str(caught.value)


def test_a_missing_ca_file_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="CA file"):
        Transport("https://operator", ca_file="/nowhere/ca.pem")


def test_a_name_that_does_not_exist_proves_that_nothing_was_sent() -> None:
    # RFC 6761, 6.4: no name ends in "invalid".
    assert isinstance(
        Transport("http://nobody.invalid").send("GET", "/", deadline_seconds=SECONDS), NotSent
    )


def test_a_host_that_is_no_name_proves_that_nothing_was_sent() -> None:
    answer = Transport(f"http://{'x' * 70}.example").send("GET", "/", deadline_seconds=SECONDS)

    assert isinstance(answer, NotSent)


def test_a_failed_tls_handshake_proves_that_nothing_was_sent() -> None:
    def plainly(_: scripted.Server, connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 This is no TLS\r\n\r\n")

    with serving(plainly) as server:
        url = server.url.replace("http:", "https:")
        answer = Transport(url).send("POST", "/", json={}, deadline_seconds=SECONDS)

    assert isinstance(answer, NotSent)


def test_a_tls_handshake_that_never_ends_proves_that_nothing_was_sent() -> None:
    with serving(scripted.ignore) as server:
        url = server.url.replace("http:", "https:")
        answer = Transport(url).send("POST", "/", json={}, deadline_seconds=0.3)

    assert isinstance(answer, NotSent)


def test_a_broken_tls_record_after_the_handshake_proves_nothing() -> None:
    error = requests.exceptions.SSLError(
        MaxRetryError(None, "/secret-path", SSLError(ssl.SSLError("bad record mac")))  # type: ignore[arg-type]  # no pool is asked for
    )

    result = module._classify(error)

    assert isinstance(result, Unknown)
    assert "secret" not in result.cause


def test_the_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with serving(replying(200, {"a": 1})) as server:
        answer = Transport(server.url).send("GET", "/", deadline_seconds=SECONDS)

    assert answer == Answer(200, b'{"a": 1}')


def test_a_cookie_is_not_sent_back() -> None:
    with serving(scripted.answering(http(200, b"{}", "Set-Cookie: a=b"))) as server:
        client = Transport(server.url)
        for _ in range(2):
            client.send("GET", "/", deadline_seconds=SECONDS)

    assert len(server.requests) == 2
    assert b"ookie" not in b"".join(server.requests)


def test_a_body_in_chunks_is_read_whole() -> None:
    chunks = (
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n'
    )
    with serving(scripted.answering(chunks)) as server:
        answer = Transport(server.url).send("GET", "/", deadline_seconds=SECONDS)

    assert isinstance(answer, Answer)
    assert answer.object() == {"a": 1}


def test_the_repr_of_an_answer_shows_no_body() -> None:
    assert "0123" not in repr(Answer(200, b"01234567890123456789"))


def keeping(server: scripted.Server, connection: socket.socket) -> None:
    """Answer every request on the connection with its number."""
    number = server.connections
    while server.read(connection):
        connection.sendall(http_json(200, {"connection": number}))


def asked(client: Transport) -> int:
    answer = client.send("GET", "/", deadline_seconds=SECONDS)
    assert isinstance(answer, Answer)
    body = answer.object()
    assert body is not None
    number = body["connection"]
    assert isinstance(number, int)
    return number


def test_a_connection_serves_one_request_unless_it_is_kept() -> None:
    with serving(keeping) as server:
        once = Transport(server.url)
        assert [asked(once), asked(once)] == [1, 2]

        kept = Transport(server.url, keep_alive=True)
        assert [asked(kept), asked(kept)] == [3, 3]
        kept._adapter().close()


def test_each_thread_has_its_own_connection() -> None:
    seen: list[int] = []
    with serving(keeping) as server:
        client = Transport(server.url, keep_alive=True)
        seen.append(asked(client))

        def ask() -> None:
            seen.append(asked(client))
            client._adapter().close()

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        seen.append(asked(client))
        client._adapter().close()

    assert seen == [1, 2, 1]


def test_a_forked_process_does_not_use_its_parents_connection() -> None:
    client = Transport("http://127.0.0.1:1")
    before = client._adapter()
    assert client._adapter() is before

    child = os.fork()
    if child == 0:
        os._exit(0 if client._adapter() is not before else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.parametrize("text", ["", ".", ".."])
def test_a_segment_that_names_another_resource_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="segment"):
        segment(text)


@given(st.text(min_size=1).filter(lambda text: text not in {".", ".."}))
def test_a_segment_has_nothing_that_ends_it(text: str) -> None:
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        return
    quoted = segment(text)

    assert not set(quoted) & set("/?#\\ ")
    assert quoted.isascii()


@given(st.binary())
def test_any_octets_are_an_object_or_none(octets: bytes) -> None:
    read = Answer(200, octets).object()

    assert read is None or isinstance(read, dict)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"b": {"a": 1, "a": 2}}',
        b'{"a": ' + b"1" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        '{"a": 1}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b"{} {}",
    ],
    ids=lambda octets: repr(octets[:20]),
)
def test_what_is_not_one_json_object_is_none(octets: bytes) -> None:
    assert Answer(200, octets).object() is None


def test_the_other_sides_words_are_short_and_hold_no_long_number() -> None:
    said = harmless("Wallet +22670123456\nhas no token 01234567890123456789 " + "x" * 500)

    assert said.startswith("Wallet +*********** has no token ********************")
    assert len(said) == 160
