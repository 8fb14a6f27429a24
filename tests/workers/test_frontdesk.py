"""The front desk: a purchase is one durable row before the client reads a word of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from cassou.embedded import EmbeddedRedis
from ledger.model import Purchase, Resolution, State, Step, StepState
from ledger.store import Ledger, open_engine
from tests.workers.saga_world import MENUS
from ussd_app.effects import Call, CallResult, NoAnswer, Value
from ussd_app.flow.catalogue import parse_catalogue
from ussd_app.sealing import Sealer
from workers import settings as settings_module
from workers.frontdesk import FrontDesk, receipt_of
from workers.purchases import outcome_of
from workers.queue import CALLS, PURCHASES, Doorbell, queue

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
MSISDN = "+22670123456"
OUTCOMES = (
    parse_catalogue((MENUS / "catalogue.yaml").read_text("utf-8"), "catalogue.yaml")
    .backends["purchase.start"]
    .outcomes
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    ledger = Ledger(engine, Sealer(bytes(32)))
    ledger.create()
    yield ledger
    engine.dispose()


def _desk(ledger: Ledger, doorbell: Doorbell, wallet: str = "direct") -> FrontDesk:
    settings = settings_module.load(wallet=wallet, prompt_delay_seconds=2.0)
    return FrontDesk(ledger, doorbell, settings, lambda: NOW)


def _call(call_id: str = "p-1", valid_until: str = "2027-01-15T08:05:00+00:00") -> Call:
    arguments: dict[str, Value] = {
        "serial": "04246801379",
        "kwh": "10.5",
        "quote": "q-1",
        "total": 1135,
        "valid_until": valid_until,
    }
    return Call(call_id, "purchase.start", arguments, 4.0, once=True, msisdn=MSISDN, language="en")


def _row(ledger: Ledger) -> Purchase:
    row = ledger.get("p-1")
    assert row is not None
    return row


def test_a_purchase_is_committed_then_rung_for(
    ledger: Ledger, doorbell: Doorbell, redis: Redis, sealer: Sealer
) -> None:
    assert _desk(ledger, doorbell).start(_call()) is None

    row = _row(ledger)
    assert (row.state, row.due_at, row.msisdn) == (State.CONFIRMED, NOW, MSISDN)
    assert (row.kwh_tenths, row.amount_minor, row.currency) == (105, 1135, "XOF")
    assert (row.serial, row.quote_id, row.language) == ("04246801379", "q-1", "en")
    assert row.receipt == receipt_of("p-1")
    assert queue(PURCHASES, redis, sealer).count == 1


def test_the_same_call_twice_is_one_row(ledger: Ledger, doorbell: Doorbell) -> None:
    desk = _desk(ledger, doorbell)
    desk.start(_call())
    first = _row(ledger)

    assert desk.start(_call()) is None
    assert _row(ledger) == first
    assert len(ledger.story("p-1")) == 1


def test_the_same_call_from_many_threads_is_one_row(ledger: Ledger, doorbell: Doorbell) -> None:
    desk = _desk(ledger, doorbell)
    found: list[CallResult | None] = []
    threads = [threading.Thread(target=lambda: found.append(desk.start(_call()))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [None] * 6
    assert len(ledger.story("p-1")) == 1


@pytest.mark.parametrize(
    "valid_until",
    ["2027-01-15T08:00:00+00:00", "2027-01-15T08:59:59+01:00", "2020-01-01T00:00:00Z"],
)
def test_an_expired_quote_starts_nothing(
    ledger: Ledger, doorbell: Doorbell, valid_until: str
) -> None:
    found = _desk(ledger, doorbell).start(_call(valid_until=valid_until))

    assert found == CallResult("p-1", "quote_expired")
    assert ledger.get("p-1") is None


def test_a_quote_that_expires_after_the_first_press_changes_nothing(
    ledger: Ledger, doorbell: Doorbell
) -> None:
    desk = _desk(ledger, doorbell)
    desk.start(_call())

    assert desk.start(_call(valid_until="2020-01-01T00:00:00Z")) is None
    assert _row(ledger).state is State.CONFIRMED


def test_a_prompt_waits_until_the_session_has_left_the_phone(
    ledger: Ledger, doorbell: Doorbell, redis: Redis, sealer: Sealer
) -> None:
    desk = _desk(ledger, doorbell, "prompt")
    prompted = CallResult("p-1", "prompted", {"receipt": receipt_of("p-1")})

    assert desk.start(_call()) == prompted
    assert queue(PURCHASES, redis, sealer).count == 0
    assert ledger.due(NOW + 1.999) == []
    assert ledger.due(NOW + 2.0) == ["p-1"]
    assert desk.start(_call()) == prompted


def test_without_redis_a_purchase_is_committed_all_the_same(
    ledger: Ledger, tmp_path: Path, sealer: Sealer
) -> None:
    with EmbeddedRedis.start(tmp_path / "redis") as gone:
        doorbell = Doorbell(gone.url, sealer)
    desk = _desk(ledger, doorbell)

    assert desk.start(_call()) is None
    assert desk.wait(_call(), 0.01) is None
    assert ledger.due(NOW) == ["p-1"]


def test_a_look_up_is_rung_for(
    ledger: Ledger, doorbell: Doorbell, redis: Redis, sealer: Sealer
) -> None:
    call = _call("c-1")._replace(backend="meters.find")

    assert _desk(ledger, doorbell).start(call) is None
    assert queue(CALLS, redis, sealer).count == 1
    assert ledger.get("c-1") is None


@pytest.mark.parametrize("outcome", ["pending", "declined"])
def test_what_a_screen_tells_is_noted(ledger: Ledger, doorbell: Doorbell, outcome: str) -> None:
    """A screen that promised an SMS is no reason not to send it."""
    result = CallResult("p-1", outcome)
    doorbell.tell(result)
    desk = _desk(ledger, doorbell)

    assert desk.wait(_call(), 1.0) == result
    assert doorbell.shown("p-1") == "", "the screen is not stored yet"
    desk.shown(_call(), result)
    assert doorbell.shown("p-1") == outcome


_DEBIT_DONE = {"debit": Step("debit", StepState.DONE)}
_FIELDS = {"receipt": receipt_of("p-1")}


@pytest.mark.parametrize(
    ("state", "more", "outcome", "fields"),
    [
        (State.CONFIRMED, {}, None, {}),
        (State.DEBITING, {}, None, {}),
        (
            State.DEBITING,
            {"steps": {"debit": Step("debit", StepState.PENDING)}},
            "pending",
            _FIELDS,
        ),
        (
            State.DEBITING,
            {"steps": {"debit": Step("debit", StepState.DOUBT, doubted=True)}},
            "pending",
            _FIELDS,
        ),
        (State.RECORDING, {"steps": _DEBIT_DONE}, "paid", _FIELDS),
        (
            State.VENDED,
            {"resolution": Resolution.VEND, "token": "01234567890123456789"},
            "vended",
            {"token": "01234567890123456789", **_FIELDS},
        ),
        (State.DECLINED, {"reason": "insufficient_funds"}, "insufficient_funds", {}),
        (State.DECLINED, {"reason": "barred"}, "declined", {}),
        (State.EXPIRED, {}, "declined", {}),
        (State.REFUNDING, {"resolution": Resolution.REFUND}, "pending", _FIELDS),
        (State.REFUNDED, {"resolution": Resolution.REFUND}, "refunded", _FIELDS),
        (State.SUSPENSE, {"resolution": Resolution.REFUND}, "pending", _FIELDS),
    ],
)
def test_a_purchase_is_told_as_the_catalogue_declares(
    ledger: Ledger,
    doorbell: Doorbell,
    state: State,
    more: dict[str, object],
    outcome: str | None,
    fields: dict[str, str],
) -> None:
    _desk(ledger, doorbell).start(_call())
    row = replace(_row(ledger), state=state, **more)  # type: ignore[arg-type]  # each of its type

    told = outcome_of(row)

    if outcome is None:
        assert told is None
        return
    assert told == CallResult("p-1", outcome, fields)
    assert set(OUTCOMES[outcome].fields) == set(fields)
    assert all(len(fields[name]) <= len(OUTCOMES[outcome].fields[name].longest) for name in fields)


@given(st.text(min_size=1))
def test_a_receipt_is_stable_and_easy_to_read_out(purchase_id: str) -> None:
    receipt = receipt_of(purchase_id)

    assert receipt == receipt_of(purchase_id)
    assert len(receipt) == len("C-7K2M9QXA")
    assert receipt.startswith("C-")
    assert not set(receipt[2:]) - set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_receipts_of_ten_thousand_purchases_differ() -> None:
    assert len({receipt_of(f"p-{number}") for number in range(10_000)}) == 10_000


def test_a_second_purchase_for_the_same_meter_waits_for_the_first(
    ledger: Ledger, doorbell: Doorbell
) -> None:
    desk = _desk(ledger, doorbell)
    assert desk.start(_call("p-1")) is None

    second = desk.start(_call("p-2"))

    assert second == CallResult("p-2", "pending", {"receipt": receipt_of("p-1")})
    assert ledger.get("p-2") is None


def test_a_ledger_that_is_locked_is_no_answer_and_a_repeat_commits(
    tmp_path: Path, doorbell: Doorbell, sealer: Sealer
) -> None:
    url = f"sqlite:///{tmp_path / 'busy.sqlite3'}"
    engine, other = open_engine(url, 0.05), open_engine(url)
    ledger = Ledger(engine, sealer)
    ledger.create()
    desk = _desk(ledger, doorbell)

    with other.begin(), pytest.raises(NoAnswer):
        desk.start(_call())
    assert desk.start(_call()) is None

    assert ledger.get("p-1") is not None
    engine.dispose()
    other.dispose()
