"""Drives one purchase as far as it goes now: commit the intent, make the call, commit the result.

Safe to run at any time, any number of times, by any number of workers: who may act is decided by
the row's version and lease, never by the bell that rang.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from hes_adapter.drivers.base import Vend
from ledger.model import Purchase, Resolution, State, StepState
from ledger.store import Moved
from operator_client.wallet.base import DebitRequest, Payment, RefundRequest
from outward.results import Misconfigured, Reason, Result, Success, Unknown
from platform_client.client import Sale
from ussd_app.effects import CallResult
from ussd_app.render import gsm7
from workers import saga
from workers.lookups import kwh_text
from workers.office import Office
from workers.saga import Act, Verb

log = logging.getLogger("cassou.purchases")

#: Acts one bell may lead to; the longest purchase needs eight.
_ACTS_MAX = 30
#: Notices that are not sent once a screen has told this outcome.
_SCREEN_TELLS = {
    "sms:insufficient_funds": "insufficient_funds",
    "sms:declined": "declined",
    "sms:expired": "declined",
}


def advance(office: Office, purchase_id: str) -> Purchase | None:
    """Do all that is due of one purchase; None if there is no such row."""
    purchase = office.ledger.get(purchase_id)
    if purchase is None:
        return None
    told: CallResult | None = None
    try:
        for _ in range(_ACTS_MAX):
            now = office.clock()
            act = saga.next_act(purchase, now)
            if act is None or purchase.lease_until > now:
                break
            purchase = _take(office, purchase, act, now)
            if purchase.resolution is Resolution.VEND:
                # The client waits for the token, not for the platform and the SMS to have it.
                told = _tell(office, purchase, told)
    except Moved:
        # Another worker acts on it: it does what is left.
        return office.ledger.get(purchase_id)
    _tell(office, purchase, told)
    return purchase


def _tell(office: Office, purchase: Purchase, told: CallResult | None) -> CallResult | None:
    """Put what the client can be told where the callback waits, once; what has been told now."""
    outcome = outcome_of(purchase)
    if outcome is not None and outcome != told:
        office.doorbell.tell(outcome)
    return outcome


def _take(office: Office, purchase: Purchase, act: Act, now: float) -> Purchase:
    """One act, between two commits. Raises `Moved`."""
    # The lease runs from `now`: the commit of the intent may itself have to wait.
    began = time.monotonic()
    intended = saga.intend(purchase, act, now, office.windows)
    leased = replace(intended, lease_until=now + office.windows.lease)
    held = office.ledger.save(purchase, leased, f"{act.verb} {act.step}", now)
    result = _perform(office, held, act, began)
    settled = saga.settle(
        _with_proofs(held, act, result), act, result, office.clock(), office.windows
    )
    after = office.ledger.save(
        held,
        replace(settled, lease_until=0.0),
        f"{act.step} {type(result).__name__.lower()}",
        office.clock(),
        **_told(result),
    )
    # Somebody must look at what neither we nor the other side can settle.
    stuck = isinstance(result, Misconfigured) or after.state is State.SUSPENSE
    refused = after.steps[act.step].state is StepState.REFUSED and act.step != "debit"
    log.log(
        logging.WARNING if stuck or refused else logging.INFO,
        "purchase %s %s %s: %s, %s",
        after.receipt,
        act.verb,
        act.step,
        type(result).__name__,
        after.state,
    )
    return after


def _told(result: Result[object]) -> dict[str, str]:
    """What of a result may stand in the event: never a token or a number."""
    reason = getattr(result, "reason", None) or getattr(result, "cause", None)
    return {"reason": str(reason)} if reason else {}


def _with_proofs(purchase: Purchase, act: Act, result: Result[object]) -> Purchase:
    """The purchase with what a success brought: the debit's reference, or the token."""
    if not isinstance(result, Success):
        return purchase
    if act.step == "debit":
        return replace(purchase, debit_ref=cast("Payment", result.value).provider_ref)
    if act.step == "vend":
        vend = cast("Vend", result.value)
        return replace(purchase, token=vend.token, delivered=vend.delivered)
    return purchase


def _perform(office: Office, purchase: Purchase, act: Act, began: float) -> Result[object]:
    """The one outward call of an act. A driver's surprise is an unknown outcome."""
    if time.monotonic() - began > office.windows.lease / 2:
        return Unknown("the lease ran out before the call")
    try:
        return _call(office, purchase, act)
    except Exception as error:
        log.exception("purchase %s: %s %s failed", purchase.receipt, act.verb, act.step)
        return Unknown(f"our own error: {type(error).__name__}")


def _call(office: Office, purchase: Purchase, act: Act) -> Result[object]:
    seconds = office.settings.money_deadline_seconds
    key = purchase.key(act.step)
    match act.step, act.verb:
        case "debit", Verb.SEND:
            debit = DebitRequest(
                key,
                purchase.msisdn,
                purchase.amount_minor,
                purchase.currency,
                purchase.receipt,
                f"{kwh_text(purchase.kwh_tenths)} kWh {purchase.serial[-4:]}",
            )
            return office.wallet.debit(debit, seconds)
        case "debit", Verb.ASK:
            return office.wallet.debit_status(key, purchase.amount_minor, seconds)
        case "refund", Verb.SEND:
            refund = RefundRequest(
                key, purchase.key("debit"), purchase.amount_minor, purchase.currency
            )
            return office.wallet.refund(refund, seconds)
        case "refund", Verb.ASK:
            return office.wallet.refund_status(key, purchase.amount_minor, seconds)
        case "vend", Verb.SEND:
            vend = office.hes.vend(purchase.id, purchase.serial, purchase.kwh_tenths, seconds)
            return _checked(purchase, vend)
        case "vend", Verb.ASK:
            return _checked(purchase, office.hes.last_vend(purchase.id, seconds))
        case "sale", _:
            return office.platform.record_sale(_sale(purchase), seconds)
        case "token", _:
            return office.platform.put_token(
                purchase.id, purchase.token, seconds, delivered=purchase.delivered
            )
        case "void", _:
            return office.platform.void_sale(purchase.id, seconds)
    return _sms(office, purchase, act.step, seconds)


def _checked(purchase: Purchase, result: Result[Vend]) -> Result[object]:
    """A vend counts only if it is for this meter and this much energy."""
    if isinstance(result, Success):
        vend = result.value
        if (vend.serial, vend.kwh_tenths) != (purchase.serial, purchase.kwh_tenths):
            return Unknown("the head end system vended something else")
    return result


def _sale(purchase: Purchase) -> Sale:
    return Sale(
        purchase.id,
        purchase.quote_id,
        purchase.serial,
        purchase.kwh_tenths,
        purchase.amount_minor,
        purchase.currency,
        purchase.debit_ref,
        datetime.fromtimestamp(purchase.created_at, UTC).isoformat(),
    )


def _sms(office: Office, purchase: Purchase, step: str, seconds: float) -> Result[object]:
    """The SMS of a notice, the same text whenever it is sent again."""
    told = _SCREEN_TELLS.get(step)
    if told is not None and office.doorbell.shown(purchase.id) == told:
        return Success("told on the screen")
    values = {
        "token": purchase.token,
        "serial": purchase.serial,
        "kwh": kwh_text(purchase.kwh_tenths),
        "amount": purchase.amount_minor,
        "receipt": purchase.receipt,
    }
    text = office.messages.text(step.removeprefix("sms:"), purchase.language, values)
    sms_id = purchase.key(step)
    return office.sms.send(sms_id, purchase.msisdn, gsm7.transliterate(text), seconds)


def outcome_of(purchase: Purchase) -> CallResult | None:
    """What the client can be told now, as an outcome of `purchase.start`; None while it moves on.

    Every text it leads to stays true whatever happens next.
    """
    receipt = {"receipt": purchase.receipt}
    if purchase.resolution is Resolution.VEND:
        return CallResult(purchase.id, "vended", {"token": purchase.token, **receipt})
    if purchase.state is State.DECLINED:
        known = purchase.reason == Reason.INSUFFICIENT_FUNDS
        return CallResult(purchase.id, "insufficient_funds" if known else "declined")
    if purchase.state is State.REFUNDED:
        return CallResult(purchase.id, "refunded", receipt)
    if purchase.state is State.EXPIRED:
        return CallResult(purchase.id, "declined")
    if purchase.resolution is Resolution.REFUND or purchase.state is State.SUSPENSE:
        return CallResult(purchase.id, "pending", receipt)
    debit = purchase.steps["debit"]
    if debit.state is StepState.DONE:
        return CallResult(purchase.id, "paid", receipt)
    if debit.doubted or debit.state is StepState.PENDING:
        return CallResult(purchase.id, "pending", receipt)
    return None
