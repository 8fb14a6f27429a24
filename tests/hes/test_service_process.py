"""The command as it is run: started, killed, started again."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from .helpers import API_KEY, DEMO, MASTER_KEY, OTHER_SERIAL, SERIAL, Client

ENVIRONMENT = os.environ | {
    "CASSOU_HES_MASTER_KEY": MASTER_KEY.hex(),
    "CASSOU_HES_API_KEY": API_KEY,
}


def command(store: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "hes_adapter.embedded"),
        *("--store", f"sqlite:///{store}", "--seed", str(DEMO), *more),
    ]


@contextmanager
def started(store: Path) -> Iterator[tuple[subprocess.Popen[str], Client]]:
    """Start the service in a process group of its own, and kill that whole group at the end."""
    process = subprocess.Popen(
        command(store),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("hes listening on http://127.0.0.1:")
        yield process, Client(line.split()[-1])
    finally:
        with suppress(ProcessLookupError):  # it may have ended, as some tests want it to
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    store = tmp_path / "hes.db"
    acknowledged: dict[str, Any] = {}
    enough = threading.Event()

    with started(store) as (process, client):

        def sell(caller: int, serial: str) -> None:
            for number in range(15):
                vend_id = f"{caller}-{number}"
                try:
                    answer = client.vend(vend_id, serial)
                except requests.RequestException:
                    return
                assert answer.status_code == 201
                acknowledged[vend_id] = answer.json()
                if len(acknowledged) >= 8:
                    enough.set()

        callers = [
            threading.Thread(target=sell, args=(caller, serial))
            for caller, serial in enumerate((SERIAL, SERIAL, OTHER_SERIAL))
        ]
        for caller in callers:
            caller.start()
        assert enough.wait(30)
        os.killpg(process.pid, signal.SIGKILL)
        for caller in callers:
            caller.join()

    kept = dict(acknowledged)
    with started(store) as (_, client):
        for vend_id, sold in kept.items():
            assert client.call("GET", f"/vends/{vend_id}").json() == sold
            assert client.vend(vend_id, sold["serial"]).json() == sold
        day = next(iter(kept.values()))["issued_at"][:10]
        listed = client.call("GET", f"/vends?day={day}").json()["vends"]

    assert len(kept) >= 8
    assert {(v["serial"], v["tid"]) for v in kept.values()} <= {
        (v["serial"], v["tid"]) for v in listed
    }
    assert len({(v["serial"], v["tid"]) for v in listed}) == len(listed)


def test_the_server_ends_when_the_process_watching_over_it_is_killed(tmp_path: Path) -> None:
    with started(tmp_path / "hes.db") as (process, client):
        assert process.stdout is not None
        os.kill(process.pid, signal.SIGKILL)
        # End of file: nobody is left who holds the other end of the pipe.
        assert process.stdout.read() == ""
        with pytest.raises(requests.ConnectionError):
            client.call("GET", "/health")


def test_a_polite_stop_ends_with_status_zero(tmp_path: Path) -> None:
    with started(tmp_path / "hes.db") as (process, client):
        assert client.vend("v").status_code == 201
        process.terminate()

        assert process.wait(30) == 0


def refused(*more: str, store: Path, **environment: str) -> tuple[int, str]:
    process = subprocess.run(
        command(store, *more),
        env=ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.stdout == ""
    return process.returncode, process.stderr


def test_a_service_that_cannot_start_says_why_in_one_line(tmp_path: Path) -> None:
    store = tmp_path / "hes.db"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answers = [
            refused("--port", port, store=store),
            refused(store=store, CASSOU_HES_MASTER_KEY="ff" * 32),
            refused(store=store, CASSOU_HES_API_KEY=""),
            refused(store=tmp_path / "nowhere" / "hes.db"),
            refused("--seed", str(tmp_path / "none.yaml"), store=store),
        ]

    assert [status for status, _ in answers] == [2] * 5
    assert [text.count("\n") for _, text in answers] == [1] * 5
    expected = [port, "CASSOU_HES_MASTER_KEY", "CASSOU_HES_API_KEY", "--store", "none.yaml"]
    for (_, said), name in zip(answers, expected, strict=True):
        assert name in said
