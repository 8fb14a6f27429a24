"""A wallet that asks for the PIN on the phone: our session ends first, the debit follows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger.model import State
from tests.whole_system import World, running
from ussd_app.messages import Action

pytestmark = pytest.mark.world

PRICE = 1135


@pytest.fixture(scope="module")
def prompting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The whole system with an operator that prompts."""
    yield from running(
        tmp_path_factory.mktemp("prompting"),
        {"CASSOU_WALLET": "prompt", "CASSOU_PURCHASES_WORKERS": "1"},
        ("--wallet=prompt", "--prompt-seconds=1"),
    )


def test_the_session_ends_before_the_prompt_and_the_token_follows(prompting: World) -> None:
    msisdn = prompting.number()

    shown = prompting.at_confirm(msisdn).send("1")

    assert shown.action is Action.END
    assert shown.text.startswith("Vous allez recevoir une demande de code secret.")
    assert prompting.debits(msisdn) == []
    prompting.sms(msisdn, "Code")
    assert prompting.debits(msisdn) == [PRICE]


def test_a_prompt_that_is_cancelled_is_told_by_sms_and_charges_nothing(prompting: World) -> None:
    msisdn = "+22670999004"  # cancels every prompt, in the simulator's list of numbers

    prompting.at_confirm(msisdn).send("1")

    prompting.sms(msisdn, "Paiement refus")
    assert prompting.debits(msisdn) == []
    purchase = prompting.ledger.newest(msisdn)
    assert purchase is not None
    assert (purchase.state, purchase.reason) == (State.DECLINED, "cancelled")
