"""One live session a number and code; bounds on dials, on callbacks, on the hops of a session."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redis import Redis
from redis.exceptions import RedisError
from werkzeug.test import Client

from cassou.embedded import EmbeddedRedis
from tests.web.conftest import endpoint
from ussd_app.endpoints import load
from ussd_app.hop import Limits
from ussd_app.rates import Limiter, Rates, limiter_over
from ussd_app.sealing import Sealer
from ussd_app.session import Status
from ussd_app.store import StoreDown, Wire
from ussd_app.trust import Trust
from ussd_app.web import create_app

if TYPE_CHECKING:
    from limits import RateLimitItem

    from tests.web.conftest import Rig

OTHER = "+22670000001"


def status(rig: Rig, session: str) -> Status:
    record = rig.store.load(rig.host.sealer.name("session", "demo", session))
    assert record is not None
    return record.session.status


def test_a_number_that_dials_again_has_left_its_session(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.post("", "s-1")
    rig.post("1", "s-1")
    with caplog.at_level("INFO"):
        rig.post("", "s-2")

    assert (status(rig, "s-1"), status(rig, "s-2")) == (Status.DROPPED, Status.LIVE)
    assert "dropped at serial after 2 hops, 0 s: dialled again" in caplog.text
    assert rig.post("1*1", "s-1").data.startswith("END Cette session est terminée.".encode())


def test_other_numbers_sessions_live_on(rig: Rig) -> None:
    rig.post("", "s-1")
    rig.post("", "s-2", OTHER)

    assert (status(rig, "s-1"), status(rig, "s-2")) == (Status.LIVE, Status.LIVE)


def test_a_late_copy_of_the_first_dial_takes_nothing_back(rig: Rig) -> None:
    first = rig.post("", "s-1").data
    rig.post("", "s-2")

    assert rig.post("", "s-1").data == first
    assert status(rig, "s-2") is Status.LIVE


def test_of_many_dials_at_once_one_session_lives(rig: Rig) -> None:
    dials = [rig.pool.submit(rig.post, "", f"s-{number}") for number in range(6)]
    for each in dials:
        assert each.result(20).status_code == 200

    live = [n for n in range(6) if status(rig, f"s-{n}") is Status.LIVE]
    assert len(live) == 1


def test_a_session_that_goes_on_and_on_is_ended(rig: Rig) -> None:
    rig = rig.with_host(limits=Limits(180, 0.5, hops_max=3))
    for text in ("", "1", "1*x"):
        assert rig.post(text).data.startswith(b"CON ")

    assert rig.post("1*x*x").data.startswith(b"END Trop de demandes.")
    assert status(rig, "s-1") is Status.DROPPED


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with EmbeddedRedis.start(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture
def counted(redis_url: str) -> Limiter:
    with Redis.from_url(redis_url) as client:
        client.flushall()
    return limiter_over(Wire(redis_url).command)


def test_a_number_that_dials_too_often_waits(rig: Rig, counted: Limiter, redis_url: str) -> None:
    rig = rig.with_host(rates=Rates(counted, 3))
    shown = [rig.post("", f"s-{n}").data for n in range(5)]

    assert [each[:3] for each in shown] == [b"CON"] * 3 + [b"END"] * 2
    assert shown[4].startswith(b"END Trop de demandes.")
    assert rig.post("1", "s-2").data.startswith(b"CON "), "its session goes on"
    assert rig.post("", "s-9", OTHER).data.startswith(b"CON "), "others dial on"
    with Redis.from_url(redis_url) as client:
        assert not [key for key in client.scan_iter() if b"70123456" in key]


def test_repeats_of_a_dial_are_no_dials(rig: Rig, counted: Limiter) -> None:
    rig = rig.with_host(rates=Rates(counted, 1))
    first = rig.post("", "s-1").data

    assert [rig.post("", "s-1").data for _ in range(3)] == [first] * 3


@pytest.mark.parametrize("name", ["africastalking", "moov_xml"])
def test_callbacks_over_an_endpoints_rate_get_a_screen_of_their_gateway(
    rig: Rig, counted: Limiter, name: str
) -> None:
    host = replace(rig.host, rates=Rates(counted, 0))
    full = replace(endpoint("full", name, Trust(open=True)), callbacks_per_second=50)
    other = endpoint("other", name, Trust(open=True))
    client = Client(create_app(host, {"full": full, "other": other}, 4096))

    def dial(where: str, number: int) -> bytes:
        if name == "moov_xml":
            query = f"msisdn=2267{number:07d}&sc=789&session_id=s{number}&req_no=1&lang=fra"
            return client.get(f"/ussd/{where}?{query}&user_input=").get_data()
        form = {"sessionId": f"s{number}", "serviceCode": "*789#", "text": ""}
        form["phoneNumber"] = f"+2267{number:07d}"
        return client.post(f"/ussd/{where}", data=form).get_data()

    shown = [dial("full", number) for number in range(200)]

    refused = [each for each in shown if b"Trop de demandes" in each]
    assert len(shown) - len(refused) >= 50
    assert refused
    assert b"Acheter" in dial("other", 999)


class Broken:
    """A limiter whose Redis is gone."""

    def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        raise RedisError


def test_nobody_is_refused_because_redis_does_not_count() -> None:
    rates = Rates(Broken(), 1)

    assert rates.lets_dial(Sealer(b"k" * 32).name("dial", OTHER))
    assert all(rates.lets_in("demo", 1) for _ in range(5))


def test_a_redis_that_is_full_or_a_replica_is_one_that_is_down(redis_url: str) -> None:
    wire = Wire(redis_url)
    with Redis.from_url(redis_url) as client:
        client.config_set("maxmemory", "1000")
        try:
            with pytest.raises(StoreDown, match="maxmemory"):
                wire.command("SET", b"x", b"y")
            assert Rates(limiter_over(wire.command), 1, StoreDown).lets_in("demo", 50)
        finally:
            client.config_set("maxmemory", "0")


class Hanging:
    """A limiter whose Redis hangs until it is let go, and then is gone."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.gone = threading.Event()

    def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        self.asked.release()
        assert self.gone.wait(20)
        raise RedisError


def test_a_redis_that_hangs_is_waited_for_by_one_caller_alone(rig: Rig) -> None:
    hanging = Hanging()
    rates = Rates(hanging, 0)
    first = rig.pool.submit(rates.lets_in, "demo", 50)
    assert hanging.asked.acquire(timeout=20)

    assert all(rates.lets_in("demo", 50) for _ in range(100)), "nobody else waits"
    hanging.gone.set()
    assert first.result(20)
    assert all(rates.lets_in("demo", 50) for _ in range(40)), "nor asks again at once"


def test_a_dial_that_waits_for_a_back_end_does_not_drop_a_newer_one(rig: Rig) -> None:
    rig.desk.gated = {"meters.find"}
    slow = rig.pool.submit(rig.post, "1*04246801379", "s-1")
    assert rig.desk.entered.wait(20)
    rig.post("", "s-2")
    rig.desk.gate.set()
    slow.result(20)

    assert (status(rig, "s-1"), status(rig, "s-2")) == (Status.DROPPED, Status.LIVE)
    assert rig.post("1", "s-2").data.startswith(b"CON ")


def test_a_pointer_that_cannot_be_written_spoils_no_reply(rig: Rig) -> None:
    def gone(key: bytes, value: object, seconds: float) -> object:
        raise StoreDown("gone for a moment")

    rig.store.exchange = gone  # type: ignore[method-assign]  # Redis gone for a moment
    shown = rig.post("", "s-1").data

    assert shown.startswith(b"CON ")
    assert rig.post("", "s-1").data == shown


def test_no_limit_is_no_limit() -> None:
    rates = Rates(Broken(), 0)

    assert rates.lets_dial(b"")
    assert rates.lets_in("demo", 0)


def test_two_processes_share_an_endpoints_rate(counted: Limiter) -> None:
    one, two = Rates(counted, 0), Rates(counted, 0)

    let_in = sum(each.lets_in("demo", 100) for _ in range(300) for each in (one, two))

    # A second's worth for both together, and what a second that passes meanwhile lets in again.
    assert 100 <= let_in < 400


def test_the_shipped_endpoints_have_a_rate() -> None:
    found = load(Path(__file__).parents[2] / "endpoints.yaml", {})
    assert {each.callbacks_per_second for each in found.values()} == {500}
