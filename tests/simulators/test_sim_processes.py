"""The command: one ready line, a clean end, what survives, and whom it refuses."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from simulators.seed import SeedError, load
from simulators.store import Store, append_only

GOOD = "+22670999000"
DEBIT = {
    "msisdn": GOOD,
    "amount_minor": 1180,
    "currency": "XOF",
    "reference": "P7K2M9",
    "text": "Compteur 1379",
}
Start = Callable[..., tuple["subprocess.Popen[str]", str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a simulator; the process and its ready line."""
    processes: list[subprocess.Popen[str]] = []

    def run(*arguments: str, api_key: str = "") -> tuple["subprocess.Popen[str]", str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "simulators", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "CASSOU_SIM_API_KEY": api_key},
        )
        processes.append(process)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def url_of(ready: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:[0-9]+", ready)
    assert found is not None
    return found.group()


def pay(url: str, **headers: str) -> requests.Response:
    named = {"Idempotency-Key": "p1:debit", **headers}
    return requests.post(f"{url}/wallet/debits", json=DEBIT, headers=named, timeout=5)


@pytest.mark.parametrize("party", ["operator", "platform", "meters"])
def test_a_party_says_when_it_is_ready_and_ends_cleanly(start: Start, party: str) -> None:
    process, ready = start(party)

    assert re.fullmatch(rf"simulators\.{party} ready http://127\.0\.0\.1:[0-9]+", ready)
    assert requests.get(f"{url_of(ready)}/openapi.json", timeout=5).json()["openapi"] == "3.1.0"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_the_proxy_says_both_its_ports(start: Start) -> None:
    _, ready = start("operator")
    process, proxy_ready = start("fault-proxy", "--to", url_of(ready))

    found = re.fullmatch(
        r"simulators\.fault-proxy ready (http://127\.0\.0\.1:[0-9]+) "
        r"admin (http://127\.0\.0\.1:[0-9]+)",
        proxy_ready,
    )
    assert found is not None
    assert pay(found[1]).status_code == 200
    assert requests.get(f"{found[2]}/_faults", timeout=5).json() == {"down": False, "faults": []}
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_money_survives_a_kill(start: Start, tmp_path: Path) -> None:
    store = str(tmp_path / "operator.sqlite3")
    process, ready = start("operator", "--store", store)
    before = pay(url_of(ready)).json()
    process.kill()
    process.wait()

    _, ready = start("operator", "--store", store)
    after = pay(url_of(ready)).json()

    assert after == before
    wallet = requests.get(f"{url_of(ready)}/_sandbox/wallets/{GOOD}", timeout=5).json()
    assert wallet["balance_minor"] == 998_820


def test_business_needs_the_key_and_the_sandbox_does_not(start: Start) -> None:
    _, ready = start("operator", api_key="demo-key")
    url = url_of(ready)

    assert pay(url).status_code == 401
    assert pay(url, Authorization="Bearer other").status_code == 401
    assert pay(url, Authorization="Bearer demo-key").status_code == 200
    assert requests.get(f"{url}/_sandbox/ledger", timeout=5).status_code == 200
    assert requests.get(f"{url}/openapi.json", timeout=5).status_code == 200


def test_the_log_names_no_number(start: Start) -> None:
    process, ready = start("operator")
    pay(url_of(ready))
    sms = {"sms_id": "p1:sms", "to": GOOD, "text": "Votre code 1234 5678 9012 3456 7890"}
    requests.post(f"{url_of(ready)}/sms", json=sms, timeout=5)
    process.send_signal(signal.SIGTERM)
    said, complained = process.communicate(timeout=10)

    assert said.splitlines() == [
        "operator: debit +226*****000 1180 F success",
        "operator: sms +226*****000 202",
    ]
    assert complained == ""


def test_a_prompt_can_be_left_unanswered_to_its_end(start: Start) -> None:
    _, ready = start(
        "operator", "--wallet", "prompt", "--prompt-seconds", "9", "--prompt-lifetime-seconds", "0"
    )

    pay(url_of(ready))
    status = requests.get(f"{url_of(ready)}/wallet/debits/p1:debit", timeout=5).json()

    assert status["reason"] == "prompt_expired"


@pytest.mark.parametrize(
    "arguments",
    [
        ("operator", "--host", "0.0.0.0"),  # noqa: S104 - refused, which is the point
        ("meters", "--seed", "nothing.yaml"),
        ("fault-proxy", "--to", "http://192.0.2.1:80"),
    ],
)
def test_what_cannot_start_says_why_in_one_line(arguments: tuple[str, ...]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "simulators", *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert re.fullmatch(r"simulators\.[a-z-]+ cannot start: .+\n", ended.stderr)


def test_a_seed_that_is_wrong_is_refused_with_its_place(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("operator: {wallets: [{msisdn: '70999000', balance_minor: 5}]}\n", "utf-8")

    with pytest.raises(SeedError, match=r"operator\.wallets\.0\.msisdn"):
        load(seed)


def test_a_ledger_only_grows(tmp_path: Path) -> None:
    schema = "CREATE TABLE entries (n INTEGER);" + append_only("entries")
    store = Store(str(tmp_path / "s.sqlite3"), schema)
    with store.transaction() as db:
        db.execute("INSERT INTO entries VALUES (1)")

    for change in ("UPDATE entries SET n = 2", "DELETE FROM entries"):
        with pytest.raises(sqlite3.IntegrityError), store.transaction() as db:
            db.execute(change)

    assert store.rows("SELECT n FROM entries") == [{"n": 1}]
    store.close()
