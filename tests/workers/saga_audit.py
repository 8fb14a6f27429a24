"""The audit of the saga's test world at rest: the parties' books, the ledger and the client."""

from __future__ import annotations

from ledger.model import Purchase, Resolution, State, StepState
from tests.workers.saga_parties import FINAL, Broken
from tests.workers.saga_world import World


def at_rest(world: World, purchase: Purchase) -> None:
    """What must hold once nothing is due any more; raises `Broken`."""
    world.check()
    _books_agree(world, purchase)
    _client_knows(world, purchase)


def _books_agree(world: World, purchase: Purchase) -> None:
    vended = purchase.resolution is Resolution.VEND
    steps = purchase.steps
    if purchase.state not in FINAL and not (
        purchase.state is State.VENDED
        and StepState.REFUSED in {steps["token"].state, steps["sms:token"].state}
    ):
        raise Broken(f"rests at {purchase.state}")
    if bool(world.tokens) is not vended or (vended and purchase.token != world.tokens[0]):
        raise Broken("the ledger and the head end system disagree")
    if (purchase.state is State.REFUNDED) is not bool(world.refunds):
        raise Broken("the ledger and the operator disagree about the refund")
    paid = bool(world.debits)
    if paid is not (steps["debit"].state is StepState.DONE):
        raise Broken("the ledger and the operator disagree about the debit")
    if paid and not (vended or world.refunds or purchase.state is State.SUSPENSE):
        raise Broken("paid, and nothing came of it")
    stands = world.sales.get(purchase.id) == "stands"
    void = steps.get("void")
    voidable = void is None or void.state is not StepState.REFUSED
    if stands is not vended and voidable:
        raise Broken(f"the sale {'stands' if stands else 'is missing'}")
    if vended and steps["token"].state is StepState.DONE and not world.noted:
        raise Broken("the platform and the ledger disagree about the token")


_TELLS = {
    State.COMPLETED: {"sms:token"},
    State.VENDED: {"sms:token"},
    State.DECLINED: {"sms:insufficient_funds", "sms:declined"},
    State.EXPIRED: {"sms:expired"},
    State.REFUNDED: {"sms:refunded"},
    State.SUSPENSE: {"sms:suspense"},
}


def _client_knows(world: World, purchase: Purchase) -> None:
    sent = {name for name, _text in world.texts}
    wanted = _TELLS[purchase.state]
    refused = any(
        step.state is StepState.REFUSED for name, step in purchase.steps.items() if name in wanted
    )
    if wanted and not wanted & sent and not refused:
        raise Broken(f"the client was not told of {purchase.state}")
    if sent - {"sms:verifying", "sms:delayed"} - wanted:
        raise Broken(f"{purchase.state}, but told {sorted(sent)}")
    if len(set(world.texts)) != len(sent):
        raise Broken("an SMS was repeated with another text")
    for told in world.bell.told:
        if told.outcome in {"declined", "insufficient_funds"} and world.debits:
            raise Broken(f"{told.outcome} on the screen of a client who paid")
        if told.outcome in {"paid", "vended"} and not world.debits:
            raise Broken(f"{told.outcome} on the screen of a client who did not pay")
        if told.outcome == "vended" and told.fields["token"] != world.tokens[0]:
            raise Broken("another token on the screen")
