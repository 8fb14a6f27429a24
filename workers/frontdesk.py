"""The web side's way to the back-ends: look-ups are rung for, a purchase is committed first."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from sqlalchemy.exc import SQLAlchemyError

from ledger.model import Purchase, State
from ledger.store import Ledger, ReceiptTaken
from ussd_app.effects import Call, CallResult, Message, NoAnswer, NotStarted
from workers import saga
from workers.lookups import BACKENDS, CURRENCY, LEDGER_BACKENDS, kwh_tenths
from workers.purchases import outcome_of
from workers.queue import Doorbell
from workers.settings import Settings, Wallet

log = logging.getLogger("cassou.frontdesk")

PURCHASE = "purchase.start"
#: What the front desk can start: the catalogue may declare no other back-end.
SERVED = frozenset({*BACKENDS, *LEDGER_BACKENDS, PURCHASE})

_RECEIPT_ATTEMPTS = 5
#: Crockford's base 32: no letter that is taken for a digit or for another.
_RECEIPT_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def receipt_of(purchase_id: str, attempt: int = 0) -> str:
    """A receipt number: `C-` and eight characters, derived from the purchase's id.

    Forty bits clash now and then among a million; the next `attempt` is another number.
    """
    seed = f"{purchase_id}:{attempt}" if attempt else purchase_id
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:5])
    digits = [_RECEIPT_DIGITS[(number >> shift) & 31] for shift in range(35, -5, -5)]
    return "C-" + "".join(digits)


class FrontDesk:
    """`ussd_app.hop.Backends`, over the ledger and the bell."""

    def __init__(
        self,
        ledger: Ledger,
        doorbell: Doorbell,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._doorbell = doorbell
        self._settings = settings
        self._clock = clock

    def known(self, call: Call) -> CallResult | None:
        """See `Backends.known`: what the ledger says."""
        answer = LEDGER_BACKENDS.get(call.backend)
        try:
            return answer(self._ledger, call) if answer is not None else None
        except SQLAlchemyError as error:
            raise NoAnswer(f"the ledger: {type(error).__name__}") from None

    def start(self, call: Call) -> CallResult | None:
        """See `Backends.start`."""
        answer = LEDGER_BACKENDS.get(call.backend)
        try:
            if call.backend == PURCHASE:
                return self._purchase(call)
            if answer is not None:
                return answer(self._ledger, call)
        except SQLAlchemyError as error:
            # Whether a commit took is not known; a repeat of the hop finds out.
            raise NoAnswer(f"the ledger: {type(error).__name__}") from None
        self._doorbell.ring_call(call)
        return None

    def wait(self, call: Call, seconds: float) -> CallResult | None:
        """See `Backends.wait`."""
        try:
            return self._doorbell.wait(call.id, seconds)
        except RedisTimeoutError:
            # Storing a holding screen would hang as well: no time is left for that.
            raise NoAnswer("Redis does not answer") from None
        except RedisError as error:
            log.warning("no result for %s: Redis: %s", call.backend, type(error).__name__)
            return None

    def shown(self, call: Call, result: CallResult) -> None:
        """See `Backends.shown`."""
        if call.backend != PURCHASE:
            return
        try:
            self._doorbell.show(result)
        except RedisError as error:
            # At worst the client is told a second time, by SMS.
            log.warning("a screen not noted: Redis: %s", type(error).__name__)

    def send(self, message: Message) -> None:
        """See `Backends.send`."""
        try:
            self._doorbell.ring_message(message)
        except NotStarted as error:
            log.warning("an SMS not ordered: %s", error)

    def _purchase(self, call: Call) -> CallResult | None:
        """Commit the purchase before the client reads a word of it, then ring."""
        now = self._clock()
        known = self._ledger.get(call.id)
        if known is not None:
            self._doorbell.ring_purchase(call.id)
            return self._outcome(known)
        arguments = {name: str(value) for name, value in call.arguments.items()}
        if datetime.fromisoformat(arguments["valid_until"]).timestamp() <= now:
            return CallResult(call.id, "quote_expired")
        other = self._ledger.unresolved(call.msisdn)
        if other is not None and _same_wish(other, call.id, arguments["serial"]):
            # Nobody pays twice for one meter because a screen was late.
            return CallResult(call.id, "pending", {"receipt": other.receipt})
        prompted = self._settings.wallet is Wallet.PROMPT
        purchase = Purchase(
            id=call.id,
            receipt=receipt_of(call.id),
            msisdn=call.msisdn,
            serial=arguments["serial"],
            kwh_tenths=kwh_tenths(arguments["kwh"]),
            amount_minor=int(arguments["total"]),
            currency=CURRENCY,
            quote_id=arguments["quote"],
            language=call.language,
            created_at=now,
            updated_at=now,
        )
        # The operator can prompt for the PIN only once our session has left the phone.
        delay = self._settings.prompt_delay_seconds if prompted else 0.0
        purchase = self._inserted(saga.start(purchase, now + delay))
        log.info("purchase %s confirmed", purchase.receipt)
        if prompted:
            return CallResult(call.id, "prompted", {"receipt": purchase.receipt})
        self._doorbell.ring_purchase(call.id)
        return None

    def _inserted(self, purchase: Purchase) -> Purchase:
        """The purchase as committed, with a receipt number nobody else has."""
        for attempt in range(_RECEIPT_ATTEMPTS):
            named = replace(purchase, receipt=receipt_of(purchase.id, attempt))
            try:
                self._ledger.insert(named)
            except ReceiptTaken:
                continue
            return named
        raise ReceiptTaken(purchase.receipt)

    def _outcome(self, purchase: Purchase) -> CallResult | None:
        if self._settings.wallet is Wallet.PROMPT and outcome_of(purchase) is None:
            return CallResult(purchase.id, "prompted", {"receipt": purchase.receipt})
        return outcome_of(purchase)


def _same_wish(other: Purchase, call_id: str, serial: str) -> bool:
    """Whether another purchase under way is for this meter; one in suspense is a person's."""
    return other.id != call_id and other.serial == serial and other.state is not State.SUSPENSE
