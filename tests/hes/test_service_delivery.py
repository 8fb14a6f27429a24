"""Delivery through an AMI that says yes, says no, says nonsense, or says nothing."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import update

from hes_adapter.embedded.delivery import Courier
from hes_adapter.embedded.service import Service
from hes_adapter.embedded.tables import vends

from .helpers import (
    DEMO,
    OTHER_SERIAL,
    SERIAL,
    Ami,
    Clock,
    RealClock,
    answer,
    running,
    settings_for,
)


@dataclass
class ByHand:
    """A service whose courier the test drives, on a clock of its own."""

    service: Service
    courier: Courier
    clock: Clock

    def sell(self, vend_id: str, serial: str = SERIAL) -> str:
        return self.service.vending.vend(vend_id, serial, 98)[0].token.digits

    def state(self, vend_id: str) -> tuple[str, str | None]:
        vend = self.service.vending.find(vend_id)
        return vend.delivery, vend.delivery_result


@contextmanager
def by_hand(store_url: str, meters_url: str) -> Iterator[ByHand]:
    clock = Clock()
    service = Service.open(settings_for(store_url, meters_url), clock=clock, rnd=lambda: 5)
    try:
        service.seed(DEMO)
        assert service.courier is not None
        yield ByHand(service, service.courier, clock)
    finally:
        service.close()


@pytest.mark.parametrize(
    ("order", "delivery", "result"),
    [
        (answer("Accept"), "delivered", "Accept"),
        (answer("Used"), "delivered", "Used"),
        (answer("Old"), "refused", "Old"),
        (answer("CRC"), "refused", "CRC"),
        ((404, "{}"), "none", "meter not connected"),
    ],
)
def test_the_word_of_the_meter_is_final(
    store_url: str, order: tuple[int, str], delivery: str, result: str
) -> None:
    with Ami([order]).serving() as ami, by_hand(store_url, ami.address) as hes:
        token = hes.sell("v")
        assert hes.state("v") == ("pending", None)

        assert hes.courier.run_once() == 1
        hes.clock.move(days=2)
        assert hes.courier.run_once() == 0

        assert hes.state("v") == (delivery, result)
        assert ami.taken == [
            {
                "token": token,
                "via": "ami",
                "path": f"/meters/{SERIAL}/tokens",
                "key": "Bearer key-at-the-ami",
            }
        ]


@pytest.mark.parametrize(
    "order",
    [
        (500, "{}"),
        (503, "{}"),
        (401, "{}"),
        (201, '{"result": "Accept"}'),
        (307, ""),
        (200, ""),
        (200, "Accept"),
        (200, "[]"),
        (200, '{"result": ""}'),
        (200, '{"result": 1}'),
        (200, '{"result": "' + "A" * 9000 + '"}'),
    ],
)
def test_whatever_else_it_says_is_tried_again(store_url: str, order: tuple[int, str]) -> None:
    with Ami([order, answer("Used")]).serving() as ami, by_hand(store_url, ami.address) as hes:
        token = hes.sell("v")
        hes.courier.run_once()
        assert hes.state("v")[0] == "pending"

        assert hes.courier.run_once() == 0, "not before its time"
        hes.clock.move(seconds=1)
        assert hes.courier.run_once() == 1

        assert hes.state("v") == ("delivered", "Used")
        assert [taken["token"] for taken in ami.taken] == [token, token]


def test_an_ami_that_keeps_silent_is_left_after_the_deadline(store_url: str) -> None:
    released = threading.Event()
    ami = Ami([answer("Accept")], hold=lambda: released.wait(30))
    with ami.serving(), by_hand(store_url, ami.address) as hes:
        hes.sell("v")
        hes.courier.run_once()
        held = hes.state("v")
        released.set()
        hes.clock.move(seconds=1)
        hes.courier.run_once()

        assert held == ("pending", "ReadTimeout")
        assert hes.state("v") == ("delivered", "Accept")


def test_an_ami_that_is_down_is_tried_less_and_less_often_for_a_day(store_url: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with by_hand(store_url, address) as hes:
            hes.sell("v")
            start, tried_at = hes.clock.now, []
            # Only moments at which a row can be due are worth a look.
            for second in (0, 1, 3, 7, 15, 31, 63, 127, 255, *range(511, 87_000, 300)):
                hes.clock.now = start + timedelta(seconds=second)
                if hes.courier.run_once():
                    tried_at.append(second)

            assert tried_at[:11] == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811]
            assert hes.state("v") == ("refused", "given up: ConnectionError")
            assert tried_at[-1] >= 24 * 3600
            assert hes.courier.run_once() == 0


def test_a_new_vend_does_not_wait_behind_an_old_one(store_url: str) -> None:
    orders = [(503, ""), answer("Accept")]
    with Ami(orders).serving() as ami, by_hand(store_url, ami.address) as hes:
        hes.sell("old")
        hes.courier.run_once()
        hes.clock.move(minutes=5)
        new = hes.sell("new", OTHER_SERIAL)
        hes.courier.run_once()

        assert ami.taken[1]["token"] == new
        assert hes.state("old") == hes.state("new") == ("delivered", "Accept")


def test_a_meter_that_is_down_then_up_gets_its_token_by_itself(store_url: str) -> None:
    ami = Ami([(503, ""), answer("Accept")])
    with ami.serving():
        with running(store_url, clock=RealClock(), meters_url=ami.address) as hes:
            first = hes.vend("v")
            assert ami.accepted.wait(30)
        with running(store_url) as hes:
            later = hes.call("GET", "/vends/v").json()

    assert first.json()["delivery"] == "pending"
    assert (later["delivery"], later["delivery_result"]) == ("delivered", "Accept")
    assert later["token"] == first.json()["token"]


def test_what_waited_through_a_restart_is_delivered_after_it(store_url: str) -> None:
    with Ami([answer("Accept")]).serving() as ami:
        with by_hand(store_url, ami.address) as hes:
            hes.sell("v")
        assert ami.taken == []
        with running(store_url, meters_url=ami.address):
            assert ami.accepted.wait(30)
        with by_hand(store_url, ami.address) as hes:
            assert hes.state("v") == ("delivered", "Accept")


def test_a_vend_whose_stored_token_was_altered_does_not_hold_up_the_others(store_url: str) -> None:
    with Ami([answer("Accept")]).serving() as ami, by_hand(store_url, ami.address) as hes:
        hes.sell("altered")
        with hes.service.engine.begin() as connection:
            connection.execute(update(vends).values(sealed_token=bytes(48)))
        hes.sell("good")
        assert hes.courier.run_once() == 2

        assert len(ami.taken) == 1
        assert hes.state("good") == ("delivered", "Accept")
