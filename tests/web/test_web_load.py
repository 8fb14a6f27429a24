"""`cassou load` and `cassou replay --against`, on the application behind a real socket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from cassou.cli import main
from tests.web.conftest import endpoint
from tests.web.test_web_endpoint_check import serving
from ussd_app.replay import load_report
from ussd_app.replay.loading import Hop, Load
from ussd_app.trust import Trust
from ussd_app.web import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.web.conftest import Rig

LOOK = """\
cassou: 1
transcript: looks at the menu
dial: "*789#"
steps:
  - see: Acheter
  - send: "1"
  - repeat: same
  - see: Numéro de série
"""


@pytest.fixture(params=["africastalking", "moov_xml"])
def gateway(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(rig: Rig, gateway: str) -> Iterator[str]:
    app = create_app(rig.host, {"here": endpoint("here", gateway, Trust(open=True))}, 4096)
    with serving(app) as found:
        yield found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "look.dial.yaml"
    path.write_text(LOOK)
    return path


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_dialogs_are_begun_at_their_rate_and_counted(url: str, gateway: str, file: Path) -> None:
    page = file.parent / "load.html"
    result = run(
        *("load", file, "--against", url, "--gateway", gateway),
        *("--rate", "40", "--seconds", "1", "--html", page),
    )

    assert "40 dialogs, 120 hops" in result.output
    assert "errors 0, wrong screens 0" in result.output
    assert result.exit_code == 0
    assert "<polyline" in page.read_text()


def test_wrong_screens_and_errors_are_told(url: str, gateway: str, file: Path) -> None:
    file.write_text(LOOK.replace("Acheter", "Vendre"))
    words = ("load", file, "--gateway", gateway, "--rate", "5", "--seconds", "1", "--against")
    wrong, nowhere = run(*words, url), run(*words, f"{url}/nowhere")

    assert "wrong screens 5" in wrong.output
    assert "expected (contains): 'Vendre'" in wrong.output
    assert "5 x HTTP 404" in nowhere.output
    assert (wrong.exit_code, nowhere.exit_code) == (1, 1)


def test_another_machine_is_driven_only_where_it_is_meant(file: Path) -> None:
    words = ("load", file, "--gateway", "arkesel", "--rate", "1")
    result = run(*words, "--against", "http://ussd.invalid/ussd/x")

    assert "is another machine: say --elsewhere if it is meant" in result.output
    assert result.exit_code == 2


def test_a_transcript_is_replayed_over_http(url: str, gateway: str, file: Path) -> None:
    result = run("replay", file, "--against", url, "--gateway", gateway)
    assert result.output == ".\n1 of 1 as written; 2 hops\n"

    file.write_text(f"{LOOK}  - late: meters.find\n  - wait: 5m\n")
    over = run("replay", file, "--against", url, "--gateway", gateway)
    assert "2 steps passed over: they cannot be played here" in over.output


def test_a_server_that_falls_behind_cannot_better_its_figures() -> None:
    hops = [Hop(float(number), 0.01) for number in range(98)] + [Hop(98.0, 5.0), Hop(99.0, 4.0)]
    load = Load(1.0, 100.0, hops, 100)

    assert [load.quantile(part) for part in (0.5, 0.98, 0.99, 1.0)] == [0.01, 4.0, 5.0, 5.0]
    assert "p99 5000.0 ms" in "\n".join(load_report.lines(load))
    assert load_report.page(Load(1.0, 1.0), "nothing").count("<polyline") == 3
