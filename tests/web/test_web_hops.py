"""One hop, once: repeats, late and older hops, strangers, holding screens, ends."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ussd_app.hop import FixedPrograms
from ussd_app.session import Status
from ussd_app.store import StoreDown

if TYPE_CHECKING:
    from tests.web.conftest import Rig
    from ussd_app.screens import Program

SERIAL = "04246801379"
HOLDING = b"CON Un instant, votre demande est en cours.\n1. Continuer"
EXPIRED = "END Cette session est terminée. Veuillez recomposer le code.".encode()
ERROR = "END Service momentanément indisponible. Si vous avez confirmé un achat, attendez le SMS."


def test_a_dialog_is_answered_in_the_gateways_format(rig: Rig) -> None:
    first = rig.post("")

    assert (first.status_code, first.content_type) == (200, "text/plain; charset=utf-8")
    assert first.data.startswith("CON Énergie prépayée\n1. Acheter".encode())
    assert rig.walk("1", SERIAL, "10").data.startswith(b"CON 10 kWh\n")
    assert rig.post(f"1*{SERIAL}*10*1").data.startswith("END Payé. Code: 0123".encode())


def test_a_dialog_on_moovs_endpoint_is_the_same_in_xml(rig: Rig) -> None:
    shown = [rig.get(1, ""), rig.get(2, "1"), rig.get(3, SERIAL), rig.get(4, "10"), rig.get(5, "1")]

    assert {reply.content_type for reply in shown} == {"text/xml; charset=utf-8"}
    assert b"<session_op>continue</session_op><screen_id>4</screen_id>" in shown[3].data
    assert b"<session_op>end</session_op><screen_id>5</screen_id>" in shown[4].data


@pytest.mark.parametrize("count", range(5))
def test_a_repeated_hop_gets_the_same_bytes_and_does_nothing(rig: Rig, count: int) -> None:
    inputs = ("1", SERIAL, "10", "1")[:count]
    first = rig.walk(*inputs)
    started = list(rig.desk.started)
    again = [rig.post("*".join(inputs)).data for _ in range(3)]

    assert again == [first.data] * 3
    assert rig.desk.started == started


def test_a_late_older_hop_gets_the_current_screen(rig: Rig) -> None:
    current = rig.walk("1", SERIAL, "10").data

    assert rig.post("1").data == current
    assert rig.post(f"1*{SERIAL}").data == current
    assert rig.post(f"1*{SERIAL}*20").data == current
    assert rig.record().session.state == "confirm"


def test_a_late_older_hop_of_a_numbered_gateway_gets_the_current_screen(rig: Rig) -> None:
    rig.get(1, "")
    rig.get(2, "1")
    current = rig.get(3, SERIAL).data

    assert rig.get(2, "1").data == current
    assert rig.get(2, "3").data == current
    assert rig.get(1, "").data == current


def test_two_sessions_are_two(rig: Rig) -> None:
    rig.walk("1", session="a")
    rig.walk("3", session="b")

    assert rig.record("a").session.state == "serial"
    assert rig.record("b").session.state == "tariff_rows"
    assert rig.record("a").session.instance != rig.record("b").session.instance


def test_another_number_with_a_living_sessions_id_is_refused(rig: Rig) -> None:
    rig.walk("1")
    before = rig.record()

    for text in ("1", f"1*{SERIAL}", ""):
        assert rig.post(text, msisdn="+22676000000").data == "END Demande refusée.".encode()
    assert rig.notice("Incomplete", msisdn="+22676000000").status_code == 200
    assert rig.record() == before


def test_another_number_never_reads_an_ended_sessions_last_screen(rig: Rig) -> None:
    rig.walk("1", SERIAL, "10", "1")
    stranger = rig.post(f"1*{SERIAL}*10*1", msisdn="+22676000000")

    assert b"0123 4567" not in stranger.data


def test_an_idle_session_expires(rig: Rig) -> None:
    rig.walk("1")
    rig.clock[0] += 181

    assert rig.post(f"1*{SERIAL}").data == EXPIRED


def test_a_session_just_within_its_time_goes_on(rig: Rig) -> None:
    rig.walk("1")
    rig.clock[0] += 180

    assert b"Combien de kWh?" in rig.post(f"1*{SERIAL}").data


def test_a_hop_of_a_session_nobody_knows_is_told_so(rig: Rig) -> None:
    assert "<text>Cette session est terminée.".encode() in rig.get(4, "1").data


def test_the_same_id_later_is_a_new_session(rig: Rig) -> None:
    rig.post("")
    first = rig.record().session.instance
    rig.clock[0] += 181
    rig.post("")

    assert rig.record().session.instance != first


def test_a_session_of_a_flow_not_loaded_here_is_told_to_dial_again(
    rig: Rig, program: Program
) -> None:
    rig.walk("1")
    newer = replace(program, flow=replace(program.flow, hash="newer"))
    after_deploy = rig.with_host(programs=FixedPrograms((newer,)))

    assert after_deploy.post(f"1*{SERIAL}").data == EXPIRED


def test_a_silent_back_end_is_held_thrice_and_then_late(rig: Rig) -> None:
    rig.desk.silent = {"meters.find"}
    texts = ["*".join(["1", SERIAL, *["1"] * count]) for count in range(1, 4)]
    shown = [rig.walk("1", SERIAL).data, *(rig.post(text).data for text in texts)]

    assert shown[:3] == [HOLDING] * 3
    assert shown[3].startswith("END Service momentanément indisponible.".encode())
    assert len(set(rig.desk.started_ids("meters.find"))) == 1


def test_a_wait_never_outlasts_the_gateways_budget(rig: Rig) -> None:
    rig.desk.silent = {"meters.find", "purchases.open"}
    rig.walk("1", SERIAL)

    assert rig.desk.waited
    assert max(rig.desk.waited) <= 3.0


def test_a_caller_beyond_the_slots_gets_the_holding_screen_at_once(rig: Rig) -> None:
    full = rig.with_host(slots=threading.Semaphore(0))
    full.desk.silent = {"meters.find"}

    assert full.walk("1", SERIAL).data == HOLDING
    assert full.desk.waited == []


def test_slots_are_given_back(rig: Rig) -> None:
    rig.desk.silent = {"meters.find"}
    for number in range(10):
        rig.walk("1", SERIAL, session=f"s-{number}")
    assert len(rig.desk.waited) == 10


def test_a_call_that_was_not_started_has_failed(rig: Rig) -> None:
    rig.desk.refused = {"purchase.start"}
    shown = rig.walk("1", SERIAL, "10", "1").data

    assert shown.startswith("END Achat non effectué. Rien n'a été débité.".encode())


def test_a_bug_is_an_apology_and_is_logged(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.desk.broken = {"meters.find"}

    assert rig.walk("1", SERIAL).data == ERROR.encode()
    assert "demo: a hop failed" in caplog.text


def test_a_store_that_is_down_is_an_apology_without_a_traceback(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise StoreDown("Redis: connection refused")

    rig.store.after_load = fail

    assert rig.post("").data == ERROR.encode()
    assert rig.notice("Incomplete").data == b"OK"
    assert "Redis: connection refused" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("status", ["Incomplete", "Failed"])
def test_a_notice_drops_a_living_session(rig: Rig, status: str) -> None:
    rig.walk("1")
    notice = rig.notice(status)

    assert (notice.status_code, notice.data) == (200, b"OK")
    assert rig.record().session.status is Status.DROPPED
    assert rig.post(f"1*{SERIAL}").data == EXPIRED


def test_a_notice_of_success_changes_nothing(rig: Rig) -> None:
    rig.walk("1", SERIAL, "10", "1")
    before = rig.record()

    assert rig.notice("Success").data == b"OK"
    assert rig.record() == before
    assert before.session.status is Status.ENDED


def test_a_notice_of_a_session_nobody_knows_is_acknowledged(rig: Rig) -> None:
    assert rig.notice("Incomplete", session="never").data == b"OK"


def test_no_log_line_holds_a_number_a_serial_or_a_token(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="cassou")
    rig.walk("1", SERIAL, "10", "1")
    rig.walk("1", session="s-2")
    rig.notice("Incomplete", session="s-2")

    assert caplog.records
    for secret in ("70123456", SERIAL, "0123456789", "0123 4567"):
        assert secret not in caplog.text


@pytest.mark.parametrize("later_seconds", [0, 29, 31, 500])
def test_a_repeat_of_a_last_hop_however_late_begins_nothing(rig: Rig, later_seconds: int) -> None:
    last = rig.walk("1", SERIAL, "10", "1").data
    rig.clock[0] += later_seconds

    assert rig.post(f"1*{SERIAL}*10*1").data == last
    assert len(rig.desk.started_ids("purchase.start")) == 1


def test_an_ended_sessions_first_hop_is_a_repeat_soon_and_a_new_dial_later(rig: Rig) -> None:
    rig.desk.outcomes["meters.find"] = "blocked"
    first = rig.post(f"1*{SERIAL}")
    instance = rig.record().session.instance
    rig.clock[0] += 119
    assert rig.post(f"1*{SERIAL}").data == first.data
    assert rig.record().session.instance == instance
    rig.clock[0] += 2
    rig.post(f"1*{SERIAL}")

    assert rig.record().session.instance != instance


@pytest.mark.parametrize("later_seconds", [0, 31, 100, 500])
def test_late_repeats_after_the_end_begin_nothing_and_pay_nothing(
    rig: Rig, later_seconds: int
) -> None:
    last = rig.walk("1", SERIAL, "10", "1").data
    rig.clock[0] += later_seconds

    for text in ("1", f"1*{SERIAL}", f"1*{SERIAL}*10", f"1*{SERIAL}*10*1"):
        assert rig.post(text).data == last
    assert len(rig.desk.started_ids("purchase.start")) == 1


def test_late_repeats_after_a_drop_begin_nothing_and_pay_nothing(rig: Rig) -> None:
    rig.walk("1", SERIAL, "10", "1")
    rig.notice("Incomplete")

    for text in ("1", f"1*{SERIAL}", f"1*{SERIAL}*10", f"1*{SERIAL}*10*1"):
        rig.post(text)
    assert len(rig.desk.started_ids("purchase.start")) == 1


def test_a_numbered_dialog_played_again_soon_after_its_end_pays_nothing(rig: Rig) -> None:
    hops = list(enumerate(("", "1", SERIAL, "10", "1"), start=1))
    last = [rig.get(number, typed).data for number, typed in hops][-1]
    rig.clock[0] += 100

    assert {rig.get(number, typed).data for number, typed in hops} == {last}
    assert len(rig.desk.started_ids("purchase.start")) == 1


def test_an_english_session_is_told_of_its_end_in_english(rig: Rig) -> None:
    rig.walk("4")
    rig.clock[0] += 10_000

    assert rig.post("4*1").data == b"END This session has ended. Please dial the code again."


def test_what_is_known_without_ordering_is_claimed_in_one_step(rig: Rig) -> None:
    swaps: list[bool] = []
    rig.desk.at_once = {"purchases.open", "meters.find", "tariffs.quote", "purchase.start"}
    rig.store.before_swap = lambda record: swaps.append(record.reply is not None)
    shown = rig.walk("1", SERIAL, "10", "1").data

    # Four hops are written once, with their reply; paying is claimed first, then answered.
    assert swaps == [True, True, True, True, False, True]
    assert shown.startswith("END Payé.".encode())
    assert {call.backend for call in rig.desk.started} == {"purchase.start"}
