"""Vending over the wire: one id is one token, one token is one TID."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from .helpers import (
    DEMO,
    LONG_SERIAL,
    NOON,
    OTHER_SERIAL,
    SERIAL,
    UNKNOWN_SERIAL,
    Clock,
    Running,
    read_as_meter,
    running,
)


def test_a_token_reads_as_what_was_sold(hes: Running) -> None:
    answer = hes.vend("first", tenths=125)

    assert answer.status_code == 201
    sold = answer.json()
    read = read_as_meter(sold["token"])
    assert (read.kwh_tenths, read.tid, read.rnd) == (125, sold["tid"], 5)
    assert sold["issued_at"] == "2026-11-22T12:00:30Z"
    assert (sold["delivery"], sold["delivery_result"]) == ("none", None)


def test_a_meter_with_13_digits_gets_a_token_of_its_own(hes: Running) -> None:
    sold = hes.vend("long", LONG_SERIAL, 16_383).json()

    assert read_as_meter(sold["token"], LONG_SERIAL).kwh_tenths == 16_383


def test_the_same_id_gives_the_same_token_for_ever(hes: Running) -> None:
    first = hes.vend("again")
    hes.clock.move(days=400)
    second = hes.vend("again")
    asked = hes.call("GET", "/vends/again")

    assert (first.status_code, second.status_code, asked.status_code) == (201, 200, 200)
    assert first.json() == second.json() == asked.json()


def test_twenty_callers_at_once_with_one_id_get_one_token(hes: Running) -> None:
    with ThreadPoolExecutor(20) as callers:
        answers = list(callers.map(lambda _: hes.vend("race"), range(20)))

    assert sorted(a.status_code for a in answers) == [200] * 19 + [201]
    assert len({a.json()["token"] for a in answers}) == 1


def test_twenty_callers_at_once_for_one_meter_get_twenty_tids(hes: Running) -> None:
    with ThreadPoolExecutor(20) as callers:
        answers = list(callers.map(lambda i: hes.vend(f"many-{i}"), range(20)))

    assert {a.status_code for a in answers} == {201}
    tids = sorted(a.json()["tid"] for a in answers)
    assert tids == list(range(tids[0], tids[0] + 20))
    assert len({a.json()["token"] for a in answers}) == 20
    assert {read_as_meter(a.json()["token"]).tid for a in answers} == set(tids)


def test_meters_do_not_share_their_tids(hes: Running) -> None:
    assert hes.vend("a").json()["tid"] == hes.vend("b", OTHER_SERIAL).json()["tid"]


def test_the_clock_is_taken_up_again_once_it_has_overtaken(hes: Running) -> None:
    first = hes.vend("one").json()["tid"]
    assert hes.vend("two").json()["tid"] == first + 1
    hes.clock.move(minutes=10)

    assert hes.vend("three").json()["tid"] == first + 10


def test_one_minute_past_midnight_is_never_used(store_url: str) -> None:
    clock = Clock(NOON.replace(hour=0, minute=0))
    with running(store_url, clock=clock) as hes:
        at_midnight = hes.vend("midnight").json()["tid"]
        after = hes.vend("after").json()["tid"]
        clock.move(days=1, minutes=1)
        reserved = hes.vend("reserved").json()["tid"]

    assert at_midnight % 1440 == 0
    assert after == at_midnight + 2
    assert reserved == at_midnight + 1440 + 2


def test_another_order_under_a_used_id_is_a_conflict(hes: Running) -> None:
    sold = hes.vend("taken").json()

    for changed in (hes.vend("taken", OTHER_SERIAL), hes.vend("taken", tenths=99)):
        assert (changed.status_code, changed.json()["code"]) == (409, "conflict")
    assert hes.call("GET", "/vends/taken").json() == sold


def test_an_unknown_meter_is_refused_and_the_id_stays_unused(hes: Running) -> None:
    refused = hes.vend("free", UNKNOWN_SERIAL)
    asked = hes.call("GET", "/vends/free")

    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_meter")
    assert (asked.status_code, asked.json()["code"]) == (404, "unknown_vend")
    assert hes.vend("free").status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"serial": SERIAL},
        {"kwh_tenths": 10},
        {"serial": SERIAL, "kwh_tenths": 0},
        {"serial": SERIAL, "kwh_tenths": -5},
        {"serial": SERIAL, "kwh_tenths": 16_384},
        {"serial": SERIAL, "kwh_tenths": 9.8},
        {"serial": SERIAL, "kwh_tenths": True},
        {"serial": SERIAL, "kwh_tenths": "98"},
        {"serial": int(SERIAL), "kwh_tenths": 98},
        {"serial": "04246801378", "kwh_tenths": 98},
        {"serial": "4246801379", "kwh_tenths": 98},
        {"serial": SERIAL, "kwh_tenths": 98, "amount": 5},
    ],
)
def test_an_order_off_the_contract_is_refused(store_url: str, body: Any) -> None:
    with running(store_url) as hes:
        refused = hes.call("PUT", "/vends/bad", json=body)

        assert (refused.status_code, refused.json()["code"]) == (422, "bad_request")
        assert hes.call("GET", "/vends/bad").status_code == 404


def test_what_is_not_json_or_too_long_is_refused(hes: Running) -> None:
    text = hes.call("PUT", "/vends/bad", data="serial=04246801379")
    long = hes.call("PUT", "/vends/bad", json={"serial": "0" * 5000, "kwh_tenths": 1})

    assert (text.status_code, text.json()["code"]) == (422, "bad_request")
    assert (long.status_code, long.json()["code"]) == (413, "request_entity_too_large")


@pytest.mark.parametrize("vend_id", ["-begins-wrong", "with%20space", "é", "x" * 65])
def test_a_bad_vend_id_is_refused(hes: Running, vend_id: str) -> None:
    refused = hes.vend(vend_id)

    assert (refused.status_code, refused.json()["code"]) == (422, "bad_request")


def test_a_blocked_meter_is_sold_nothing_new_but_keeps_what_it_has(hes: Running) -> None:
    sold = hes.vend("before").json()
    config = {"sgc": "999901", "krn": 1, "ti": "01", "blocked": True}
    assert hes.call("PUT", f"/meters/{SERIAL}", json=config).json()["blocked"] is True

    refused = hes.vend("after")

    assert (refused.status_code, refused.json()["code"]) == (409, "meter_blocked")
    assert hes.vend("before").json() == sold


def test_a_clock_that_went_back_a_little_still_gives_later_tids(hes: Running) -> None:
    first = hes.vend("one").json()["tid"]
    hes.clock.move(minutes=-20)

    assert hes.vend("two").json()["tid"] == first + 1


def test_a_clock_that_went_back_far_stops_the_sale(hes: Running) -> None:
    hes.vend("one")
    hes.clock.move(hours=-1)
    refused = hes.vend("two")
    hes.clock.move(hours=1)

    assert (refused.status_code, refused.json()["code"]) == (503, "clock")
    assert hes.vend("two").status_code == 201


def test_a_burst_beyond_half_an_hour_of_minutes_is_stopped(hes: Running) -> None:
    answers = [hes.vend(f"burst-{i}") for i in range(32)]

    assert [a.status_code for a in answers] == [201] * 31 + [503]
    assert answers[-1].json()["code"] == "clock"


@pytest.mark.parametrize(
    ("year", "status", "code"), [(2013, 503, "clock"), (2046, 409, "key_expired")]
)
def test_outside_the_years_of_its_base_date_a_key_sells_nothing(
    store_url: str, year: int, status: int, code: str
) -> None:
    with running(store_url, clock=Clock(NOON.replace(year=year))) as hes:
        refused = hes.vend("x")

    assert (refused.status_code, refused.json()["code"]) == (status, code)


def test_a_key_past_its_expiry_number_sells_nothing(store_url: str, tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text(DEMO.read_text().replace("ken: 255", "ken: 102"))
    # 2026-11-22 is TID 6 780 240, and 6 780 240 >> 16 is 103.
    with running(store_url, seed=seed) as hes:
        refused = hes.vend("x")

    assert (refused.status_code, refused.json()["code"]) == (409, "key_expired")


def test_a_day_is_listed_in_order_without_tokens(hes: Running) -> None:
    sold = []
    for name in ("c", "a", "b"):
        sold.append(hes.vend(name).json())
        hes.clock.move(minutes=5)
    hes.clock.move(days=1)
    hes.vend("tomorrow")

    listed = hes.call("GET", "/vends?day=2026-11-22").json()
    rest = hes.call("GET", "/vends?day=2026-11-22&after=c").json()

    assert [v["vend_id"] for v in listed["vends"]] == ["c", "a", "b"]
    assert [v["vend_id"] for v in rest["vends"]] == ["a", "b"]
    assert listed["next"] is None
    assert [v["token_last4"] for v in listed["vends"]] == [v["token"][-4:] for v in sold]
    assert all("token" not in v for v in listed["vends"])


@pytest.mark.parametrize("query", ["", "?day=22/11/2026", "?day=2026-02-30", "?day=20261122"])
def test_a_list_without_a_proper_day_is_refused(hes: Running, query: str) -> None:
    assert hes.call("GET", f"/vends{query}").status_code == 422


def test_a_page_after_an_unknown_vend_is_refused(hes: Running) -> None:
    assert hes.call("GET", "/vends?day=2026-11-22&after=nobody").status_code == 404
