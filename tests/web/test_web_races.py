"""Callbacks at once, claimers that die, notices in between: one winner, no trace of the others."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from ussd_app.gateways.base import fingerprint
from ussd_app.session import Status

if TYPE_CHECKING:
    from tests.web.conftest import Rig
    from ussd_app.store import Record

SERIAL = "04246801379"
PATIENCE = 20.0
CONFIRM = f"1*{SERIAL}*10"
PAY, CHANGE = f"{CONFIRM}*1", f"{CONFIRM}*2"


class Killed(BaseException):
    """The claimer dies here."""


def test_the_same_hop_twice_at_once_is_one_call_and_the_same_bytes(rig: Rig) -> None:
    rig.walk("1", SERIAL, "10")
    rig.desk.gated = {"purchase.start"}
    first = rig.soon(PAY)
    assert rig.desk.entered.wait(PATIENCE)
    # The twin sees the claim, unanswered, and only then may the back-end answer.
    rig.store.after_load = rig.desk.gate.set
    second = rig.soon(PAY)

    assert first.result(PATIENCE) == second.result(PATIENCE)
    assert first.result().startswith("END Payé. Code: 0123".encode())
    assert len(rig.desk.started_ids("purchase.start")) == 1


def test_many_twins_that_load_at_once_are_one_purchase(rig: Rig) -> None:
    rig.walk("1", SERIAL, "10")
    meet_once(rig, 6)
    twins = [rig.soon(PAY) for _ in range(6)]
    shown = {twin.result(PATIENCE) for twin in twins}

    assert len(shown) == 1
    # A twin that finds no slot to wait in may order it again: under the same id.
    assert len(set(rig.desk.started_ids("purchase.start"))) == 1
    assert rig.record().session.hops == 5


def test_six_first_dials_at_once_are_one_session(rig: Rig) -> None:
    meet_once(rig, 6)
    twins = [rig.soon("") for _ in range(6)]
    shown = {twin.result(PATIENCE) for twin in twins}

    assert len(shown) == 1
    assert len(set(rig.desk.started_ids("purchases.open"))) == 1


def meet_once(rig: Rig, parties: int) -> None:
    """Let the next `parties` loads all see the same record before any of them goes on."""
    barrier = threading.Barrier(parties)
    first = threading.Semaphore(parties)

    def meet() -> None:
        if first.acquire(blocking=False):
            barrier.wait(PATIENCE)

    rig.store.after_load = meet


def let_win(rig: Rig, winner: str) -> None:
    """Two hops have seen the same record; the one with the text `winner` swaps first."""
    meet_once(rig, 2)
    hop, done = fingerprint(winner), threading.Event()

    def before(record: Record) -> None:
        assert record.hop == hop or done.wait(PATIENCE)

    rig.store.before_swap = before
    rig.store.after_swap = lambda _record: done.set()


def test_pay_before_change_pays_once_and_the_loser_reads_it(rig: Rig) -> None:
    rig.walk("1", SERIAL, "10")
    let_win(rig, PAY)
    pay, change = rig.soon(PAY), rig.soon(CHANGE)

    assert pay.result(PATIENCE) == change.result(PATIENCE)
    assert pay.result().startswith("END Payé.".encode())
    assert len(rig.desk.started_ids("purchase.start")) == 1
    assert rig.record().session.state == "done_token"


def test_change_before_pay_pays_nothing(rig: Rig) -> None:
    rig.walk("1", SERIAL, "10")
    let_win(rig, CHANGE)
    pay, change = rig.soon(PAY), rig.soon(CHANGE)

    assert pay.result(PATIENCE) == change.result(PATIENCE)
    assert b"Combien de kWh?" in pay.result()
    assert rig.desk.started_ids("purchase.start") == []
    record = rig.record()
    assert (record.session.state, record.session.hops) == ("kwh", 5)
    assert record.accumulated == CHANGE


def kill_at_second_swap(rig: Rig) -> None:
    """The claim is written; the process dies before the answered session is."""
    swaps: list[Record] = []

    def before(record: Record) -> None:
        swaps.append(record)
        if len(swaps) == 2:
            raise Killed

    rig.store.before_swap = before


@pytest.mark.parametrize("kill", ["start", "second swap"])
def test_a_claim_whose_claimer_died_is_finished_by_the_repeat(rig: Rig, kill: str) -> None:
    rig.walk("1", SERIAL, "10")
    if kill == "start":
        rig.desk.deadly = {"purchase.start"}
    else:
        kill_at_second_swap(rig)
    with pytest.raises(BaseException, match=r"^$"):
        rig.post(PAY)
    assert rig.record().reply is None
    rig.desk.deadly.clear()
    rig.store.before_swap = lambda _record: None
    rig.clock[0] += 31

    shown = rig.post(PAY).data
    assert shown.startswith("END Payé.".encode())
    assert rig.post(PAY).data == shown
    assert len(set(rig.desk.started_ids("purchase.start"))) == 1


def test_a_newer_hop_finishes_a_dead_claim_before_its_own(rig: Rig) -> None:
    rig.walk("1")
    rig.desk.deadly = {"meters.find"}
    with pytest.raises(BaseException, match=r"^$"):
        rig.post(f"1*{SERIAL}")
    rig.desk.deadly.clear()
    rig.clock[0] += 31

    assert rig.post(CONFIRM).data.startswith(b"CON 10 kWh")
    assert len(set(rig.desk.started_ids("meters.find"))) == 1


def test_a_back_end_that_breaks_is_asked_again_by_the_repeat(rig: Rig) -> None:
    rig.walk("1", SERIAL, "10")
    rig.desk.broken = {"purchase.start"}
    assert rig.post(PAY).data.startswith(b"END Service")
    rig.desk.broken.clear()
    rig.clock[0] += 31

    assert rig.post(PAY).data.startswith("END Payé.".encode())
    assert len(set(rig.desk.started_ids("purchase.start"))) == 1


def test_a_session_dropped_while_its_call_is_out_shows_nothing_more(rig: Rig) -> None:
    rig.walk("1", SERIAL, "10")
    rig.desk.gated = {"purchase.start"}
    pay = rig.soon(PAY)
    assert rig.desk.entered.wait(PATIENCE)
    assert rig.notice("Incomplete").data == b"OK"
    rig.desk.gate.set()

    assert pay.result(PATIENCE).startswith("END Cette session est terminée.".encode())
    assert rig.record().session.status is Status.DROPPED


@pytest.mark.parametrize("later_seconds", [0, 31, 200])
def test_a_repeat_after_such_a_drop_is_answered(rig: Rig, later_seconds: int) -> None:
    rig.walk("1", SERIAL, "10")
    rig.desk.gated = {"purchase.start"}
    pay = rig.soon(PAY)
    assert rig.desk.entered.wait(PATIENCE)
    rig.notice("Incomplete")
    rig.desk.gate.set()
    pay.result(PATIENCE)
    rig.clock[0] += later_seconds

    assert rig.soon(PAY).result(PATIENCE).startswith("END Cette session est terminée.".encode())
    assert (
        rig.soon(f"{PAY}*1").result(PATIENCE).startswith("END Cette session est terminée.".encode())
    )
    assert len(rig.desk.started_ids("purchase.start")) == 1


def test_twins_of_a_hop_that_holds_read_the_same_holding_screen(rig: Rig) -> None:
    """The back-end never answers: whoever's time is out first, one screen is stored."""
    rig.walk("1")
    rig.desk.silent = {"meters.find"}
    meet_once(rig, 6)
    twins = [rig.soon(f"1*{SERIAL}") for _ in range(6)]
    shown = {twin.result(PATIENCE) for twin in twins}

    assert len(shown) == 1
    assert shown.pop().startswith(b"CON Un instant")


def test_twins_that_find_no_slot_to_wait_in_are_answered_at_once_and_alike(rig: Rig) -> None:
    rig.walk("1", SERIAL, "10")
    rig.desk.gated = {"purchase.start"}
    first = rig.soon(PAY)
    assert rig.desk.entered.wait(PATIENCE)
    while rig.host.slots.acquire(blocking=False):
        pass

    second = rig.soon(PAY).result(PATIENCE)
    rig.desk.gate.set()

    assert second.startswith(b"CON Un instant")
    assert first.result(PATIENCE) == second
    assert rig.soon(PAY).result(PATIENCE) == second
    assert len(set(rig.desk.started_ids("purchase.start"))) == 1


def test_two_numbers_that_begin_one_session_at_once_do_not_see_each_others_screen(
    rig: Rig,
) -> None:
    meet_once(rig, 2)
    mine = rig.pool.submit(rig.post, f"1*{SERIAL}*10")
    theirs = rig.pool.submit(rig.post, "", msisdn="+22670000001")
    shown = sorted([mine.result(PATIENCE).data, theirs.result(PATIENCE).data])

    assert shown[1] == "END Demande refusée.".encode()


def test_another_answer_to_the_last_screen_is_a_losers_even_after_the_end(rig: Rig) -> None:
    last = rig.walk("1", SERIAL, "10", "1").data

    assert rig.post(CHANGE).data == last
    assert rig.record().accumulated == PAY
