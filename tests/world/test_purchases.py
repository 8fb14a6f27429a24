"""Purchases end to end on real parts; the parties' own books are the judge."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from ledger.model import Purchase, Resolution, State
from tests.whole_system import World
from ussd_app.messages import Action, HttpRequest

pytestmark = pytest.mark.world

SERIAL = "04246801379"
PRICE = 1135


def test_the_meter_accepts_the_token_once(world: World) -> None:
    msisdn = world.number()
    serial = "04246806857"  # a meter with a keypad only: nobody but the client enters the token

    shown = world.at_confirm(msisdn, serial=serial).send("1")
    token = world.sms(msisdn, "Code")[5:29].replace(" ", "")

    assert token in shown.text.replace(" ", "")
    first = world.sandbox.type_token(serial, token)
    assert (first["result"], first["kwh_tenths"]) == ("Accept", 100)
    assert world.sandbox.type_token(serial, token)["result"] == "Used"


def test_every_party_tells_the_same_story(world: World) -> None:
    msisdn = world.number()
    world.at_confirm(msisdn, serial=SERIAL).send("1")
    token = world.sms(msisdn, "Code")[5:29].replace(" ", "")

    purchase = world.purchase(msisdn)
    world.until(lambda: world.purchase(msisdn).state is State.COMPLETED, "completed")
    sale = world.sandbox.sale(purchase.id)
    log = world.sandbox.meter_log(SERIAL, wait_seconds=10)

    assert world.debits(msisdn) == [PRICE]
    assert (sale["amount_minor"], sale["kwh_tenths"], sale["serial"]) == (PRICE, 100, SERIAL)
    assert sale["token_last4"] == token[-4:]
    assert any(e["token_last4"] == token[-4:] and e["result"] == "Accept" for e in log)


def test_insufficient_funds_are_told_once_on_the_screen_and_not_again_by_sms(world: World) -> None:
    msisdn = world.number(balance_minor=50)

    shown = world.at_confirm(msisdn).send("1")

    assert (shown.action, shown.text) == (
        Action.END,
        "Solde insuffisant. Rien n'a été débité.",
    )
    # The notice comes due, finds that a screen has told it, and is done without a message.
    world.until(
        lambda: _only(world, msisdn).steps["sms:insufficient_funds"].due_at is None, "notice due"
    )
    assert world.texts(msisdn) == []
    assert world.debits(msisdn) == []


def test_insufficient_funds_known_too_late_for_the_screen_are_told_by_sms(world: World) -> None:
    msisdn = world.number(balance_minor=50)
    phone = world.at_confirm(msisdn, "hasty")
    # Longer than all holding screens of a dialog that nobody answers, shorter than the deadline.
    world.operator_fault(msisdn, "debit", "slow", seconds=1.4)

    shown = phone.send("1")

    if "Un instant" in shown.text:  # the client hangs up at the holding screen
        assert "Solde insuffisant" in world.sms(msisdn, "insuffisant")
    else:
        assert "Solde insuffisant" in shown.text
    assert world.debits(msisdn) == []


def _only(world: World, msisdn: str) -> Purchase:
    found = world.ledger.newest(msisdn)
    assert found is not None
    return found


def test_a_debit_that_the_operator_declines_ends_the_purchase(world: World) -> None:
    msisdn = "+22670999007"  # barred, in the simulator's list of numbers

    shown = world.at_confirm(msisdn).send("1")

    assert shown.text == "Paiement refusé par l'opérateur. Rien n'a été débité."
    assert world.debits(msisdn) == []


@pytest.mark.parametrize("fault", ["hang_after", "reset_after", "error_after", "html", "truncate"])
def test_a_debit_whose_answer_is_lost_is_asked_about_and_never_sent_again(
    fault: str, world: World
) -> None:
    msisdn = world.number()
    phone = world.at_confirm(msisdn)
    world.operator_fault(msisdn, "debit", fault)

    shown = phone.send("1")

    assert shown.action is Action.END
    world.sms(msisdn, "Code")
    assert world.debits(msisdn) == [PRICE]
    story = [what for _, what, _, _ in world.ledger.story(world.purchase(msisdn).id)]
    assert story.count("send debit") == 1
    assert "ask debit" in story


def test_a_debit_that_never_arrived_is_proven_so_and_the_client_is_told(world: World) -> None:
    msisdn = world.number()
    phone = world.at_confirm(msisdn)
    world.operator_fault(msisdn, "debit", "reset_before")

    shown = phone.send("1")

    assert "Paiement en cours de vérification" in shown.text
    assert "Paiement non recu" in world.sms(msisdn, "non recu")
    assert world.debits(msisdn) == []
    assert _only(world, msisdn).state is State.EXPIRED


def test_a_purchase_under_way_is_told_on_redial_and_cannot_be_paid_twice(world: World) -> None:
    msisdn = world.number()
    phone = world.at_confirm(msisdn, serial=SERIAL)
    world.operator_fault(msisdn, "debit", "hang_after")
    world.operator_fault(msisdn, "debit_status", "refuse", times=3)
    phone.send("1")

    shown = world.phone("demo", msisdn).dial("*789#")

    assert shown.text.startswith("Achat de 10 kWh en cours (compteur 04246801379, réf C-")
    assert "Ne payez pas une 2e fois" in shown.text
    world.sms(msisdn, "Code")
    assert "1. Acheter" in world.phone("demo", msisdn).dial("*789#").text


def test_my_last_codes_shows_the_tokens_this_number_paid_for(world: World) -> None:
    msisdn = world.number()
    world.at_confirm(msisdn, serial=SERIAL).send("1")
    token = world.sms(msisdn, "Code")[5:29]
    phone = world.phone("demo", msisdn)
    phone.dial("*789#")

    rows = phone.send("2")
    code = phone.send("1")

    assert "10 kWh ..1379" in rows.text
    assert token in code.text
    assert "Aucun code" not in rows.text


def test_a_head_end_system_that_is_down_delays_the_token_and_loses_nothing(world: World) -> None:
    msisdn = world.number()
    phone = world.at_confirm(msisdn)
    world.hes_fault("refuse", times=None)
    try:
        shown = phone.send("1")
        delayed = world.sms(msisdn, "retardé")
    finally:
        world.hes_well()

    assert shown.text.startswith("Payé, réf C-")
    assert "1 135 F recu" in delayed
    world.sms(msisdn, "Code")
    assert world.debits(msisdn) == [PRICE]


@pytest.mark.parametrize("fault", ["hang_after", "reset_after", "error_after", "html", "truncate"])
def test_a_vend_whose_answer_is_lost_comes_to_one_token(fault: str, world: World) -> None:
    msisdn = world.number()
    phone = world.at_confirm(msisdn)
    world.hes_fault(fault)

    phone.send("1")
    world.sms(msisdn, "Code")

    story = [what for _, what, _, _ in world.ledger.story(world.purchase(msisdn).id)]
    assert "ask vend" in story
    assert story.count("send vend") == 1
    tokens = [text for text in world.texts(msisdn) if text.startswith("Code")]
    assert len(set(tokens)) == 1


def test_a_meter_the_head_end_system_refuses_is_refunded(world: World) -> None:
    msisdn = world.number()
    serial = "04246810966"  # known to the platform, not to the head end system

    shown = world.at_confirm(msisdn, serial=serial).send("1")
    text = world.sms(msisdn, "remboursés")

    assert shown.action is Action.END
    assert "1 135 F" in text
    assert world.debits(msisdn) == [PRICE, -PRICE]
    world.until(lambda: world.purchase(msisdn).due_at is None, "all steps settled")
    purchase = world.purchase(msisdn)
    assert (purchase.state, purchase.resolution) == (State.REFUNDED, Resolution.REFUND)
    assert purchase.token == ""
    assert world.sandbox.sale(purchase.id)["status"] == "voided"


def test_every_hop_may_be_repeated_and_one_purchase_is_made(world: World) -> None:
    msisdn = world.number()
    phone = world.phone("moov", msisdn)
    phone.dial("*789#")
    phone.repeat()
    for typed in ("1", SERIAL, "10", "1"):
        phone.send(typed)
        phone.repeat()

    world.sms(msisdn, "Code")

    assert world.debits(msisdn) == [PRICE]


def _at_once(world: World, endpoint: str, callbacks: list[HttpRequest]) -> list[bytes]:
    """Send callbacks from as many connections at the same moment; the raw bodies."""
    gate = threading.Barrier(len(callbacks))

    def send(callback: HttpRequest) -> bytes:
        phone = world.phone(endpoint, "")
        gate.wait()
        return phone.post(callback).body

    with ThreadPoolExecutor(len(callbacks)) as pool:
        return list(pool.map(send, callbacks))


@pytest.mark.parametrize("endpoint", ["demo", "moov"])
def test_pay_pressed_twice_at_once_is_one_purchase_and_one_screen(
    endpoint: str, world: World
) -> None:
    msisdn = world.number()
    pay = world.at_confirm(msisdn, endpoint).callback("1")

    bodies = _at_once(world, endpoint, [pay] * 6)

    assert len(set(bodies)) == 1
    world.sms(msisdn, "Code")
    assert world.debits(msisdn) == [PRICE]


@pytest.mark.parametrize("endpoint", ["demo", "moov"])
def test_pay_and_change_at_once_the_losers_wish_leaves_no_trace(
    endpoint: str, world: World
) -> None:
    for _ in range(5):
        msisdn = world.number()
        phone = world.at_confirm(msisdn, endpoint)
        pay, change = phone.callback("1"), phone.callback("2")

        bodies = _at_once(world, endpoint, [pay, change])

        assert len(set(bodies)) == 1, "the loser reads what the winner shows"
        if b"Combien de kWh" in bodies[0]:
            assert world.ledger.newest(msisdn) is None
            assert world.debits(msisdn) == []
        else:
            world.sms(msisdn, "Code")
            assert world.debits(msisdn) == [PRICE]


def _quotes_hold(world: World, seconds: int) -> None:
    url = f"{world.addresses.platform}/_sandbox/quotes"
    requests.put(url, json={"seconds": seconds}, timeout=10).raise_for_status()


def test_an_expired_quote_is_priced_and_confirmed_again(world: World) -> None:
    msisdn = world.number()
    _quotes_hold(world, seconds=0)
    try:
        phone = world.at_confirm(msisdn)
        shown = phone.send("1")
    finally:
        _quotes_hold(world, seconds=600)

    assert shown.text.startswith("Le prix a expiré. Rien n'a été débité.")
    assert "1. Payer" in phone.send("1").text
    phone.send("1")
    world.sms(msisdn, "Code")
    assert world.debits(msisdn) == [PRICE]
