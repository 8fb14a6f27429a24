"""The command as its users have it: real processes, real terminals' input and output."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = str(Path(sys.executable).with_name("cassou"))


def _environment(var: Path) -> dict[str, str]:
    return {**os.environ, "CASSOU_VAR_DIR": str(var), "COLUMNS": "100"}


@contextlib.contextmanager
def _running(var: Path) -> Iterator[subprocess.Popen[str]]:
    """`cassou run`, ready; whatever is left of it is killed."""
    process = subprocess.Popen(
        [COMMAND, "run"],
        cwd=ROOT,
        env=_environment(var),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        _until_line(process, "Ctrl-C stops all")
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


def _until_line(process: subprocess.Popen[str], part: str) -> None:
    """Wait for a line; a thread goes on reading, so that a full pipe never stops the process."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        with contextlib.suppress(ValueError):  # closed at the end of the test
            for line in process.stdout:
                lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    said = []
    while True:
        line = lines.get(timeout=60)
        if part in line:
            return
        said.append(line)
        assert line, f"it never said {part!r}: {''.join(said)}"


def _cassou(var: Path, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *words],
        cwd=ROOT,
        env=_environment(var),
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _using(var: Path) -> list[int]:
    """Processes whose command or environment names a directory (proc(5)), this one left out."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            if os.fsencode(var) in told:
                found.append(int(entry.name))
    return found


def _until_none(var: Path) -> None:
    pause = threading.Event()
    for _ in range(300):
        if not _using(var):
            return
        pause.wait(0.1)
    raise AssertionError(f"left behind: {_using(var)}")


@pytest.mark.world
def test_demo_prints_one_object_that_says_all_of_it_happened(tmp_path: Path) -> None:
    done = _cassou(tmp_path, "demo", "--json")

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert len(report["screens"]) == 5
    assert report["meter"] == {"result": "Accept", "kwh_tenths": 100}
    assert report["wallet"] == {"debits": 1, "amount_minor": 1135}
    assert report["sale"]["amount_minor"] == 1135
    assert len(report["token"]) == 20
    assert report["token"] in report["sms"][0].replace(" ", "")


@pytest.mark.world
def test_run_then_dial_buys_and_the_sms_arrives_on_the_phone(tmp_path: Path) -> None:
    with _running(tmp_path):
        dialled = _cassou(tmp_path, "dial", "*789#", typed="1\n04246801379\n10\n1\nq\n")

    assert dialled.returncode == 0, dialled.stderr
    for part in ("69/160", "Combien de kWh?", "Total 1 135 F TTC", "Payé. Code:", "SMS to"):
        assert part in dialled.stdout


@pytest.mark.world
def test_a_second_run_beside_the_first_has_ports_and_data_of_its_own(tmp_path: Path) -> None:
    with _running(tmp_path), _running(tmp_path):
        first = json.loads((tmp_path / "run.json").read_text())
        second = json.loads((tmp_path / "run-2" / "run.json").read_text())

        assert all(first[name] != second[name] for name in first)
        assert "Payé" in _cassou(tmp_path, "dial", typed="1\n04246801379\n10\n1\nq\n").stdout


@pytest.mark.world
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_it_is_stopped_or_killed(
    number: signal.Signals, tmp_path: Path
) -> None:
    with _running(tmp_path) as process:
        assert len(_using(tmp_path)) > 8

        process.send_signal(number)
        process.wait(30)

        _until_none(tmp_path)
        assert process.returncode == (-9 if number == signal.SIGKILL else 0)


def test_dial_without_a_run_says_what_to_do(tmp_path: Path) -> None:
    done = _cassou(tmp_path, "dial")

    assert done.returncode == 1
    assert done.stderr.strip() == (
        "nothing runs here; start `cassou run` in another terminal, or give --url or --flow"
    )


def test_an_endpoint_that_does_not_exist_is_told_with_what_is_near(tmp_path: Path) -> None:
    done = _cassou(tmp_path, "dial", "--endpoint", "mov")

    assert done.returncode == 2
    assert done.stderr.strip().startswith('no endpoint "mov" in ')
    assert done.stderr.strip().endswith('endpoints.yaml; did you mean "moov"?')


def test_settings_are_listed_with_secrets_masked(tmp_path: Path) -> None:
    done = subprocess.run(
        [COMMAND, "settings"],
        cwd=ROOT,
        env={
            **_environment(tmp_path),
            "CASSOU_SECRET_KEY": "ab" * 32,
            "CASSOU_LEDGER_URL": "postgresql+psycopg://me:hidden@db/x",
        },
        capture_output=True,
        text=True,
        check=True,
    )

    assert "abab" not in done.stdout
    assert "hidden" not in done.stdout
    assert "CASSOU_WEB_PORT" in done.stdout


def test_every_bad_setting_is_reported_at_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [COMMAND, "settings"],
        cwd=ROOT,
        env={**_environment(tmp_path), "CASSOU_WEB_PORT": "http", "CASSOU_WALLET": "purse"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "CASSOU_WEB_PORT:" in done.stderr
    assert "CASSOU_WALLET:" in done.stderr


def test_a_broken_flow_is_told_with_its_place_before_anything_is_started(tmp_path: Path) -> None:
    menus = tmp_path / "menus"
    shutil.copytree(ROOT / "ussd_app" / "menus", menus)
    flow = menus / "buy-electricity.yaml"
    flow.write_text(flow.read_text().replace("found: kwh\n", "found: kwhh\n"))

    done = subprocess.run(
        [COMMAND, "run"],
        cwd=ROOT,
        env={**_environment(tmp_path), "CASSOU_MENUS_DIR": str(menus)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout == ""
    first, *_, carets = done.stderr.rstrip().splitlines()
    assert first.startswith(f'{flow}:53:14: error: state "find_meter" goes to "kwhh", which does')
    assert first.endswith('did you mean "kwh"? [unknown-state]')
    assert carets.split() == ["|", "^^^^"]


def test_run_refuses_to_play_with_simulated_money_in_production(tmp_path: Path) -> None:
    done = subprocess.run(
        [COMMAND, "run"],
        cwd=ROOT,
        env={
            **_environment(tmp_path),
            "CASSOU_ENVIRONMENT": "production",
            "CASSOU_SECRET_KEY": "ab" * 32,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "in production use the Procfile" in done.stderr
