"""`cassou gateway-fixtures`: recorded callbacks in, fixtures out, what it says and exits with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cassou.cli import main
from ussd_app.gateways import GATEWAYS, Endpoint, resolve
from ussd_app.messages import Action, Kind, Screen, UssdRequest

ENDPOINT = Endpoint("bf", service_codes=("*789#",))


@pytest.fixture(autouse=True)
def own_var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the checkout's own data is touched."""
    monkeypatch.setenv("CASSOU_VAR_DIR", str(tmp_path / "var"))


def cassou(*arguments: object) -> Result:
    """One command; whatever escapes it fails the test."""
    return CliRunner().invoke(main, [str(each) for each in arguments], catch_exceptions=False)


def callbacks(
    name: str, session: str = "s-1", endpoint: Endpoint = ENDPOINT
) -> list[dict[str, Any]]:
    """Two callbacks of one dialog and their replies."""
    gateway = GATEWAYS[name]
    asked = UssdRequest(Kind.BEGIN, session, "+22670123456", "*789#", "", "")
    found = []
    for history, action in (("",), Action.CONTINUE), (("", "1"), Action.END):
        http = gateway.example(asked, history)
        request = resolve(gateway.decode(http, endpoint), None)
        reply = gateway.encode(Screen("Bonjour 70123456", action), request, endpoint)
        sent = {
            "method": http.method,
            "path_query": f"/ussd/bf{http.path}?{http.query}",
            "headers": dict(http.headers),
            "body": http.body.decode(),
        }
        headers = {"Content-Type": reply.content_type, **dict(reply.headers)}
        told = {"status": reply.status, "headers": headers, "body": reply.body.decode()}
        found.append({"request": sent, "reply": told})
    return found


def capture(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(each)}\n" for each in lines), "utf-8")
    return path


def test_a_capture_becomes_fixtures_that_gateway_check_runs(tmp_path: Path) -> None:
    one = capture(tmp_path / "one.jsonl", callbacks("moov_xml"))
    two = capture(tmp_path / "two.jsonl", callbacks("moov_xml", "s-2"))
    out = tmp_path / "new" / "moov_xml"
    found = cassou("gateway-fixtures", "moov_xml", one, two, "--out", out)
    written = sorted(out.iterdir())

    assert found.exit_code == 0
    assert found.output.splitlines() == [
        f"{out}/capture-01.json: 2 steps agree",
        f"{out}/capture-02.json: 2 steps agree",
        "dialogs: 2, steps: 4, callbacks left out: 0",
    ]
    assert [each.name for each in written] == ["capture-01.json", "capture-02.json"]
    assert cassou("gateway-check", "moov_xml", *written).exit_code == 0
    assert not any("70123456" in each.read_text("utf-8") for each in written)


def test_what_was_left_out_is_told_with_its_reason(tmp_path: Path) -> None:
    lines = callbacks("moov_xml")
    lines[1]["request"]["path_query"] = "/ussd/bf?req_no=2"
    path = capture(tmp_path / "c.jsonl", lines)
    found = cassou("gateway-fixtures", "moov_xml", path, "--out", tmp_path)

    assert found.exit_code == 1
    assert found.output.splitlines() == [
        f"{tmp_path}/capture-01.json: 1 steps agree",
        f'left out: {path} line 2: parameter "user_input" is missing',
        "dialogs: 1, steps: 1, callbacks left out: 1",
    ]


def test_what_our_adapter_would_answer_otherwise_is_told(tmp_path: Path) -> None:
    lines = callbacks("moov_xml")
    lines[0]["reply"]["body"] = lines[0]["reply"]["body"].replace("form<", "menu<")
    path = capture(tmp_path / "c.jsonl", lines)
    found = cassou("gateway-fixtures", "moov_xml", path, "--out", tmp_path)

    assert found.exit_code == 1
    assert "capture-01.json: differs\n  step 1: body differs (- expected, + got)" in found.output
    assert "callbacks left out: 0" in found.output


def test_nothing_is_written_over_unless_it_is_asked_for(tmp_path: Path) -> None:
    path = capture(tmp_path / "c.jsonl", callbacks("moov_xml"))
    there = tmp_path / "capture-01.json"
    there.write_text("mine", "utf-8")
    command = ("gateway-fixtures", "moov_xml", path, "--out", tmp_path)
    refused = cassou(*command)

    assert (refused.exit_code, there.read_text("utf-8")) == (2, "mine")
    assert refused.output == f"{there} is there already; --force writes over it\n"
    assert cassou(*command, "--force").exit_code == 0
    assert json.loads(there.read_text("utf-8"))["gateway"] == "moov_xml"


def test_the_endpoint_that_was_recorded_is_told_by_options(tmp_path: Path) -> None:
    endpoint = Endpoint("bf", service_codes=("*789#",), options={"url": "/ussd/bf"})
    path = capture(tmp_path / "c.jsonl", callbacks("orange_xhtml", endpoint=endpoint))
    command = ("gateway-fixtures", "orange_xhtml", path, "--out", tmp_path, "--force")
    told = cassou(*command, "--service-code", "789", "--option", "url=/ussd/bf")
    fixture = json.loads((tmp_path / "capture-01.json").read_text("utf-8"))

    assert told.exit_code == 0
    assert fixture["endpoint"] == {
        "country": "BF",
        "service_codes": ["*789#"],
        "options": {"url": "/ussd/bf"},
    }
    assert cassou(*command).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("moov_xlm",), 'no gateway "moov_xlm"; did you mean "moov_xml"?'),
        (("moov_xml", "--country", "bf"), 'no country "bf"; two capital letters, as BF'),
        (("moov_xml", "--option", "url"), '"url" is no option of an endpoint; NAME=VALUE'),
    ],
)
def test_a_wrong_word_is_told_and_nothing_is_written(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    path = capture(tmp_path / "c.jsonl", callbacks("moov_xml"))
    found = cassou("gateway-fixtures", *arguments, path, "--out", tmp_path / "out")

    assert (found.exit_code, found.output) == (2, f"{sentence}\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("octets", "sentence"),
    [
        (b"\xff", "not UTF-8"),
        (b"", "there is no callback in it"),
        (b"{}", 'line 1 needs "request", an object'),
    ],
)
def test_a_file_that_is_no_capture_is_refused(tmp_path: Path, octets: bytes, sentence: str) -> None:
    path = tmp_path / "c.har"
    path.write_bytes(octets)
    found = cassou("gateway-fixtures", "moov_xml", path, "--out", tmp_path)

    assert found.exit_code == 2
    assert found.output.endswith(f"{sentence}\n")
