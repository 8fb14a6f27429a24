"""A whole purchase behind every gateway: over HTTP, from the dial to the SMS and the meter.

Asynchronous gateways are called with their screens, over a socket too.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from ledger.model import Purchase, State
from tests.whole_system import World
from ussd_app.gateways import GATEWAYS
from ussd_app.messages import Action

pytestmark = pytest.mark.world

PRICE = 1135


@pytest.mark.parametrize("name", sorted(GATEWAYS))
def test_ten_kwh_are_bought_behind_every_gateway(name: str, world: World) -> None:
    msisdn, serial = world.number(), next(world.meters)
    phone = world.phone(name, msisdn)

    # No input is the one before it: some gateways number nothing, and it would be a repeat.
    asked = [phone.dial("*789#"), *map(phone.send, ("1", serial, "10"))]
    shown = phone.send("1")
    sms = world.sms(msisdn, "Code")

    assert [screen.action for screen in asked] == [Action.CONTINUE] * 4
    menu, number, kwh, preview = (screen.text for screen in asked)
    assert "\n1. Acheter\n" in menu
    assert number.startswith("Numéro de série")
    assert kwh.endswith("\nCombien de kWh?\n0.Retour 00.Accueil")
    assert preview.startswith(f"10 kWh\nCompteur {serial}\n")
    assert "\nTotal 1 135 F TTC\n1. Payer\n" in preview
    world.until(lambda: world.purchase(msisdn).state is State.COMPLETED, "completed")
    purchase = world.purchase(msisdn)
    token = sms.splitlines()[0].removeprefix("Code ")
    assert re.fullmatch("([0-9]{4} ){4}[0-9]{4}", token)
    assert shown.action is Action.END
    assert shown.text in {
        f"Payé. Code: {token}. 10 kWh, réf {purchase.receipt}. Aussi par SMS.",
        # On a machine so busy that the token comes later than the screen must.
        f"Payé, réf {purchase.receipt}. Vous recevrez le code, ou le remboursement, par SMS.",
    }
    assert world.texts(msisdn) == [sms]
    assert world.debits(msisdn) == [PRICE]
    (sale,) = _sales(world, purchase)
    assert (sale["amount_minor"], sale["kwh_tenths"], sale["serial"]) == (PRICE, 100, serial)
    assert sale["token_last4"] == token[-4:]
    world.until(lambda: _accepted(world, serial, token[-4:]), "the meter accepts the token")
    if GATEWAYS[name].capabilities.asynchronous:
        assert world.called.bodies[name].empty(), "one call a callback"


def _sales(world: World, purchase: Purchase) -> list[Any]:
    """The platform's sales that the purchase's debit paid for."""
    day = world.sandbox.sale(purchase.id)["sold_at"][:10]
    listed = world.sandbox._get(f"{world.addresses.platform}/sales", {"day": day})
    return [sale for sale in listed["sales"] if sale["debit_ref"] == purchase.debit_ref]


def _accepted(world: World, serial: str, last4: str) -> bool:
    log = world.sandbox.meter_log(serial)
    return any(each["token_last4"] == last4 and each["result"] == "Accept" for each in log)
