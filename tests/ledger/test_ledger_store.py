"""The ledger on a real SQLite file, and on PostgreSQL where a database is given."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from ledger.model import UNRESOLVED, Purchase, Resolution, State, Step, StepState
from ledger.store import Ledger, Moved, ReceiptTaken, metadata, open_engine
from ussd_app.sealing import SealBroken, Sealer

POSTGRES = os.environ.get("CASSOU_TEST_POSTGRES_URL")
"""An empty PostgreSQL database."""

SECRET = bytes(range(32))
MSISDN = "+22670123456"
TOKEN = "01234567890123456789"
NOW = 1_800_000_000.0
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param(
            "postgresql",
            marks=pytest.mark.skipif(
                POSTGRES is None, reason="CASSOU_TEST_POSTGRES_URL names no database"
            ),
        ),
    ]
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql" and POSTGRES is not None:
        return POSTGRES
    return f"sqlite:///{tmp_path / 'ledger.sqlite3'}"


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    yield engine
    if url == POSTGRES:
        metadata.drop_all(engine)
    engine.dispose()


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    ledger = Ledger(engine, Sealer(SECRET))
    ledger.create()
    return ledger


def _purchase(number: int = 1, *, msisdn: str = MSISDN, due_at: float = NOW) -> Purchase:
    return Purchase(
        id=f"p-{number}",
        receipt=f"C-{number:08d}",
        msisdn=msisdn,
        serial="04246801379",
        kwh_tenths=105,
        amount_minor=1135,
        currency="XOF",
        quote_id="q-1",
        language="fr",
        created_at=NOW + number,
        updated_at=NOW + number,
        steps={"debit": Step("debit", due_at=due_at)},
    )


def _kept(ledger: Ledger, purchase: Purchase) -> Purchase:
    assert ledger.insert(purchase)
    return purchase


def _together(each: Callable[[int], object], times: int) -> list[object]:
    """What `each` came to in so many threads that start together; an exception as itself."""
    found: list[object] = []
    start = threading.Barrier(times)

    def run(number: int) -> None:
        start.wait()
        try:
            found.append(each(number))
        except Exception as error:  # noqa: BLE001  # it is what the test looks at
            found.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_what_is_kept_is_read_back_whole(ledger: Ledger) -> None:
    step = Step(
        "debit",
        StepState.DOUBT,
        sends=2,
        doubted=True,
        first_sent_at=NOW,
        sent_at=NOW + 1.25,
        asks=3,
        not_found=1,
        due_at=NOW + 2.5,
    )
    full = replace(
        _purchase(),
        state=State.VENDED,
        resolution=Resolution.VEND,
        reason="why",
        debit_ref="op-1",
        token=TOKEN,
        delivered=True,
        lease_until=NOW + 15.125,
        amount_minor=2**40,
        steps={"debit": step, "sms:token": Step("sms:token")},
    )

    assert ledger.insert(full)
    assert ledger.get("p-1") == full
    assert ledger.get("p-2") is None


def test_the_same_id_twice_is_one_row_and_the_first(ledger: Ledger) -> None:
    first = _kept(ledger, _purchase())

    assert not ledger.insert(replace(first, amount_minor=9_999_999))
    assert ledger.get("p-1") == first
    assert len(ledger.story("p-1")) == 1


def test_the_same_id_from_many_threads_is_one_row(ledger: Ledger) -> None:
    kept = _together(lambda _number: ledger.insert(_purchase()), 8)

    assert sorted(map(str, kept)) == ["False"] * 7 + ["True"]


def test_a_receipt_of_another_purchase_is_refused_aloud(ledger: Ledger) -> None:
    first = _kept(ledger, _purchase())

    with pytest.raises(ReceiptTaken):
        ledger.insert(replace(_purchase(2), receipt=first.receipt))
    assert ledger.get("p-2") is None


@pytest.mark.parametrize("change", [{"amount_minor": 0}, {"kwh_tenths": -5}])
def test_money_and_energy_are_positive(ledger: Ledger, change: dict[str, int]) -> None:
    with pytest.raises(IntegrityError) as caught:
        ledger.insert(replace(_purchase(), **change))  # type: ignore[arg-type]  # ints both

    assert MSISDN not in str(caught.value)
    assert ledger.get("p-1") is None


def test_a_save_on_an_old_version_raises_moved_and_writes_nothing(ledger: Ledger) -> None:
    first = _kept(ledger, _purchase())
    second = ledger.save(first, replace(first, state=State.DEBITING), "send debit", NOW)

    with pytest.raises(Moved):
        ledger.save(first, replace(first, state=State.EXPIRED), "late", NOW)
    assert ledger.get("p-1") == second
    assert second.version == first.version + 1
    assert [what for _at, what, _state, _detail in ledger.story("p-1")] == [
        "confirmed",
        "send debit",
    ]


def test_a_save_of_what_is_not_there_raises_moved(ledger: Ledger) -> None:
    with pytest.raises(Moved):
        ledger.save(_purchase(), _purchase(), "nothing", NOW)


def test_of_many_saves_at_once_one_wins(ledger: Ledger) -> None:
    before = _kept(ledger, _purchase())

    found = _together(
        lambda number: ledger.save(before, replace(before, reason=str(number)), "race", NOW), 8
    )

    won = [each for each in found if isinstance(each, Purchase)]
    assert len(won) == 1
    assert all(isinstance(each, Purchase | Moved) for each in found)
    assert ledger.get("p-1") == won[0]


def test_steps_are_added_and_changed_but_never_lost(ledger: Ledger) -> None:
    first = _kept(ledger, _purchase())
    debit = replace(first.steps["debit"], state=StepState.DONE, due_at=None)
    sale = Step("sale", due_at=NOW)
    second = ledger.save(first, replace(first, steps={"debit": debit, "sale": sale}), "x", NOW)

    assert second.steps == {"debit": debit, "sale": sale}
    assert ledger.get("p-1") == second


def test_the_story_is_in_order_with_its_details(ledger: Ledger) -> None:
    row = _kept(ledger, _purchase())
    for number in range(12):
        row = ledger.save(row, row, f"step {number}", NOW + number, reason=f"why {number}")

    story = ledger.story("p-1")

    assert story[0] == (NOW + 1, "confirmed", State.CONFIRMED, {})
    assert [what for _at, what, _state, _detail in story[1:]] == [f"step {n}" for n in range(12)]
    assert story[-1] == (NOW + 11, "step 11", State.CONFIRMED, {"reason": "why 11"})


def test_due_are_the_longest_due_first_and_never_leased_or_later_or_done(ledger: Ledger) -> None:
    _kept(ledger, _purchase(1, due_at=NOW - 1))
    _kept(ledger, _purchase(2, due_at=NOW - 3))
    _kept(ledger, _purchase(3, due_at=NOW))
    _kept(ledger, _purchase(4, due_at=NOW + 0.001))
    _kept(ledger, replace(_purchase(5, due_at=NOW - 9), lease_until=NOW + 0.001))
    _kept(ledger, replace(_purchase(6, due_at=NOW - 2), lease_until=NOW))
    _kept(ledger, replace(_purchase(7), steps={"debit": Step("debit", StepState.DONE)}))

    assert ledger.due(NOW) == ["p-2", "p-6", "p-1", "p-3"]
    assert ledger.due(NOW, most=2) == ["p-2", "p-6"]


def test_a_purchase_is_due_when_the_first_of_its_steps_is(ledger: Ledger) -> None:
    steps = {
        "debit": Step("debit", StepState.DONE),
        "sale": Step("sale", due_at=NOW + 60),
        "sms:delayed": Step("sms:delayed", due_at=NOW - 60),
    }
    _kept(ledger, replace(_purchase(), steps=steps))

    assert ledger.due(NOW) == ["p-1"]
    assert ledger.due(NOW - 61) == []


def test_unresolved_is_the_newest_of_that_number_only(ledger: Ledger) -> None:
    _kept(ledger, replace(_purchase(1), state=State.DEBITING))
    _kept(ledger, replace(_purchase(2), state=State.VENDING))
    _kept(ledger, replace(_purchase(3), state=State.COMPLETED))
    _kept(ledger, _purchase(4, msisdn="+22670123457"))

    found = ledger.unresolved(MSISDN)

    assert found is not None
    assert found.id == "p-2"
    assert ledger.unresolved("+22670000000") is None


@pytest.mark.parametrize("state", State)
def test_unresolved_holds_every_state_in_which_nobody_should_pay_again(
    ledger: Ledger, state: State
) -> None:
    _kept(ledger, replace(_purchase(), state=state))

    assert (ledger.unresolved(MSISDN) is not None) is (state in UNRESOLVED)


def test_with_token_are_the_newest_first_and_no_more_than_asked_for(ledger: Ledger) -> None:
    for number in range(1, 8):
        vended = replace(_purchase(number), resolution=Resolution.VEND, token=TOKEN)
        _kept(ledger, vended)
    _kept(ledger, replace(_purchase(8), resolution=Resolution.REFUND))
    _kept(ledger, replace(_purchase(9, msisdn="+22670123457"), resolution=Resolution.VEND))

    found = ledger.with_token(MSISDN, 5)

    assert [each.id for each in found] == ["p-7", "p-6", "p-5", "p-4", "p-3"]
    assert {each.token for each in found} == {TOKEN}
    assert all(each.steps for each in found)


def test_another_secret_opens_nothing(engine: Engine, ledger: Ledger) -> None:
    _kept(ledger, _purchase())
    stranger = Ledger(engine, Sealer(bytes(32)))

    assert stranger.unresolved(MSISDN) is None
    with pytest.raises(SealBroken):
        stranger.get("p-1")


def test_neither_number_nor_token_stands_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    engine = open_engine(f"sqlite:///{path}")
    ledger = Ledger(engine, Sealer(SECRET))
    ledger.create()
    row = _kept(ledger, _purchase())
    ledger.save(row, replace(row, token=TOKEN, resolution=Resolution.VEND), "vend", NOW)

    octets = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    engine.dispose()

    assert b"04246801379" in octets  # the serial does: the files that were read are the right ones
    for secret in (MSISDN, MSISDN[1:], MSISDN[4:], TOKEN, TOKEN[:12]):
        assert secret.encode() not in octets


def test_sqlite_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    full = 2

    with engine.connect() as connection:
        read = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()

    assert read == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
    }


def test_sqlite_takes_the_write_lock_when_a_transaction_begins(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    engine = open_engine(f"sqlite:///{path}")
    other = sqlite3.connect(path, timeout=0, isolation_level=None)

    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT 1")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")  # and lets go of it
    other.execute("ROLLBACK")

    other.close()
    engine.dispose()


_WRITER = """
import sys
sys.path[:0] = [{root!r}, {here!r}]
from test_ledger_store import write_many
write_many({url!r}, {process})
"""
_PROCESSES = 3
_THREADS = 4
_ROWS = 12


def write_many(url: str, process: int) -> None:
    """Insert and advance rows from several threads; the first error, if any, ends the process."""
    engine = open_engine(url)
    ledger = Ledger(engine, Sealer(SECRET))

    def write(thread: int) -> None:
        for number in range(_ROWS):
            row = _purchase(1 + number + _ROWS * (thread + _THREADS * process))
            assert ledger.insert(row)
            ledger.save(row, replace(row, state=State.DEBITING), "send debit", NOW)

    errors = [each for each in _together(write, _THREADS) if each is not None]
    engine.dispose()
    if errors:
        sys.exit(repr(errors[0]))


def test_many_processes_of_many_threads_write_at_once(url: str, ledger: Ledger) -> None:
    writers = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                _WRITER.format(
                    root=str(ROOT), here=str(Path(__file__).parent), url=url, process=number
                ),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(_PROCESSES)
    ]

    complaints = [writer.communicate()[1] for writer in writers]

    assert complaints == [""] * _PROCESSES
    assert len(ledger.due(NOW, most=1000)) == _PROCESSES * _THREADS * _ROWS
