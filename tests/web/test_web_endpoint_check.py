"""`cassou endpoint-check` against the application behind a real socket: what it finds wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from click.testing import CliRunner, Result
from werkzeug.serving import WSGIRequestHandler, make_server

from cassou.cli import main
from ussd_app.endpoints import load
from ussd_app.web import create_app

if TYPE_CHECKING:
    from tests.web.conftest import Rig

SECRET = "one-secret.of_many~letters"
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Quiet(WSGIRequestHandler):
    """A server that tells nobody of its requests."""

    skew_seconds = 0.0

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string((timestamp or time.time()) + self.skew_seconds)


class Fast(Quiet):
    """Its clock is ten minutes fast."""

    skew_seconds = 600.0


@contextmanager
def serving(app: Wsgi, handler: type[Quiet] = Quiet) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ussd/here"
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture
def checked(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Checks an endpoint of some trust, served with the same or another secret."""

    def check(
        trust: str,
        gateway: str = "africastalking",
        secret: str = SECRET,
        handler: type[Quiet] = Quiet,
        wrap: Callable[[Wsgi], Wsgi] = lambda app: app,
        rig: Rig = rig,
    ) -> Result:
        file = tmp_path / "endpoints.yaml"
        file.write_text(
            f"cassou: 1\nendpoints:\n  here:\n    gateway: {gateway}\n    trust: {trust}\n"
            '    service_codes: ["*789#"]\n'
        )
        monkeypatch.setenv("CASSOU_ENDPOINTS_FILE", str(file))
        monkeypatch.setenv("KEY", SECRET)
        app = create_app(rig.host, load(file, {"KEY": secret}), 4096)
        with serving(wrap(app), handler) as url:
            return CliRunner().invoke(main, ["endpoint-check", "here", "--url", url])

    return check


TRUSTS = {
    "header": "{header: X-Key, secret_variable: KEY}",
    "path": "{path: true, secret_variable: KEY}",
    "hmac": "{hmac: true, secret_variable: KEY}",
    "peers and bearer": "{peers: [127.0.0.0/8], bearer: true, secret_variable: KEY}",
}


@pytest.fixture
def now(rig: Rig) -> Rig:
    """The rig by the real clock, which a signature is made by."""
    return rig.with_host(clock=time.time)


@pytest.mark.parametrize("trust", TRUSTS.values(), ids=TRUSTS)
def test_a_good_endpoint_is_found_good(
    checked: Callable[..., Result], trust: str, now: Rig
) -> None:
    result = checked(trust, rig=now)

    lines = [line.split() for line in result.output.splitlines()[1:]]
    assert {mark for mark, *_ in lines} == {"ok"}
    assert [tried for _, tried, *_ in lines] == [
        *("reach", "clock", "stranger", "stranger", "dial", "repeat", "answer"),
        *("cancel", "ended", "timeout"),
    ]
    assert result.exit_code == 0


def test_another_secret_is_found(checked: Callable[..., Result]) -> None:
    result = checked(TRUSTS["header"], secret="another secret of the server")

    assert "wrong  dial      HTTP 403: this endpoint does not trust the caller" in result.output
    assert "does the server hold the same secret?" in result.output
    assert result.exit_code == 1


def test_a_proxy_that_lets_anybody_in_is_found(checked: Callable[..., Result]) -> None:
    def adding(app: Wsgi) -> Wsgi:
        def proxy(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            return app({**environ, "HTTP_X_KEY": SECRET}, start_response)

        return proxy

    result = checked(TRUSTS["header"], wrap=adding)

    assert "without a secret answered with HTTP 200" in result.output
    assert result.exit_code == 1


@pytest.mark.parametrize(("trust", "mark"), [(TRUSTS["hmac"], "wrong"), (TRUSTS["header"], "note")])
def test_a_clock_that_is_off_is_found(
    checked: Callable[..., Result], trust: str, mark: str, now: Rig
) -> None:
    result = checked(trust, handler=Fast, rig=now)

    (line,) = (line for line in result.output.splitlines() if " clock " in line)
    assert line.startswith(mark)
    assert " s off ours" in line


def test_who_trusts_anybody_is_told_so(checked: Callable[..., Result]) -> None:
    result = checked("open", gateway="moov_xml")

    assert "note   stranger  it trusts anybody; production refuses that" in result.output
    assert result.exit_code == 0


def test_a_peer_list_without_this_machine_is_found(checked: Callable[..., Result]) -> None:
    result = checked("{peers: [10.0.0.0/8]}")

    assert "try from one of its peers" in result.output
    assert result.exit_code == 1


def test_a_redirect_is_found(checked: Callable[..., Result]) -> None:
    def moved(_app: Wsgi) -> Wsgi:
        def answer(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            start_response("301 Moved", [("Location", "https://elsewhere/")])
            return [b""]

        return answer

    result = checked("open", wrap=moved)

    assert "it redirects to https://elsewhere/; gateways do not follow" in result.output
    assert result.exit_code == 1


def test_nothing_that_answers_is_found(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["endpoint-check", "demo", "--url", "http://127.0.0.1:9/ussd/demo"]
    )

    assert "wrong  reach     nothing answers:" in result.output
    assert result.exit_code == 1


def test_an_endpoint_that_is_not_configured_is_a_question_of_usage() -> None:
    result = CliRunner().invoke(main, ["endpoint-check", "demp", "--url", "http://127.0.0.1:9/"])

    assert 'no endpoint "demp"' in result.output
    assert 'did you mean "demo"?' in result.output
    assert result.exit_code == 2


def test_plain_http_over_a_network_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(url: str, **_: object) -> requests.Response:
        response = requests.Response()
        response.status_code, response.url = 403, url
        return response

    # No network is at hand that is not this machine: the first answer alone is made up.
    monkeypatch.setattr("cassou.endpoint_check.requests.options", answer)
    result = CliRunner().invoke(
        main, ["endpoint-check", "demo", "--url", "http://ussd.invalid/ussd/demo"]
    )

    assert "plain HTTP: numbers and PINs can be read on the way; use https" in result.output
    assert result.exit_code == 1


def test_an_answer_that_breaks_off_is_told_without_the_secret(
    checked: Callable[..., Result], now: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server leaves such a connection open; nobody needs to wait long for it here.
    monkeypatch.setattr("cassou.endpoint_check._TIMEOUT_SECONDS", 0.3)

    def breaking(app: Wsgi) -> Wsgi:
        def proxy(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            if environ["PATH_INFO"].endswith("/events"):
                raise ConnectionAbortedError
            return app(environ, start_response)

        return proxy

    result = checked(TRUSTS["path"], wrap=breaking, rig=now)

    assert SECRET not in result.output
    assert result.exit_code == 1
