"""The four parties of the saga's test world: each keeps a book of its own and checks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hes_adapter.drivers.base import Vend
from ledger.model import State
from operator_client.wallet.base import DebitRequest, Payment, RefundRequest
from outward.results import Declined, NotFound, Pending, Reason, Result, Success
from platform_client.client import Sale

if TYPE_CHECKING:
    from tests.workers.saga_world import World

AMOUNT = 1135
TOKEN = "01234567890123456789"

#: States that never change again.
FINAL = frozenset({State.COMPLETED, State.DECLINED, State.EXPIRED, State.REFUNDED, State.SUSPENSE})


class Broken(BaseException):
    """An invariant of the money does not hold; nothing between here and the test may catch it."""


class Wallet:
    """Debits and refunds; asked by key. The client of a prompt takes his time."""

    ANSWER_SECONDS = 12.0

    def __init__(self, world: World) -> None:
        self._world = world

    def debit(self, request: DebitRequest, _deadline: float) -> Result[Payment]:
        assert request.amount_minor == AMOUNT
        return self._world.call("debit", lambda: self._debit(request.key))

    def debit_status(self, key: str, amount_minor: int, _deadline: float) -> Result[Payment]:
        assert amount_minor == AMOUNT
        return self._world.call("debit", lambda: self._status(key), ask=True)

    def refund(self, request: RefundRequest, _deadline: float) -> Result[Payment]:
        assert (request.amount_minor, request.debit_key) == (AMOUNT, "p-1:debit")
        return self._world.call("refund", lambda: self._refund(request.key))

    def refund_status(self, key: str, amount_minor: int, _deadline: float) -> Result[Payment]:
        return self._world.call("refund", lambda: self._refunded(key), ask=True)

    def _debit(self, key: str) -> Result[Payment]:
        world = self._world
        if world.profile.prompt:
            world.prompts.setdefault(key, world.now + self.ANSWER_SECONDS)
            return self._status(key)
        if not (world.profile.keyed and key in world.debits):
            world.debits.append(key)
            world.check()
        return Success(Payment("op-1", AMOUNT))

    def _status(self, key: str) -> Result[Payment]:
        world = self._world
        answer_at = world.prompts.get(key)
        if answer_at is not None and world.now < answer_at:
            return Pending("op-1", 5.0)
        if answer_at is not None and key not in world.debits:
            if not world.profile.agrees:
                return Declined(Reason.CANCELLED)
            world.debits.append(key)
            world.check()
        return Success(Payment("op-1", AMOUNT)) if key in world.debits else NotFound()

    def _refund(self, key: str) -> Result[Payment]:
        world = self._world
        if not (world.profile.keyed and key in world.refunds):
            world.refunds.append(key)
            world.check()
        return Success(Payment("op-2", AMOUNT))

    def _refunded(self, key: str) -> Result[Payment]:
        return Success(Payment("op-2", AMOUNT)) if key in self._world.refunds else NotFound()


class Platform:
    """Sales: a repeat is answered with what was first done, a void of nothing leaves nothing."""

    def __init__(self, world: World) -> None:
        self._world = world

    def record_sale(self, sale: Sale, _deadline: float) -> Result[Any]:
        assert sale.debit_ref == "op-1"
        return self._world.call("sale", lambda: self._record(sale.purchase_id))

    def put_token(
        self, purchase_id: str, token: str, _deadline: float, *, delivered: bool
    ) -> Result[None]:
        return self._world.call("token", lambda: self._note(purchase_id, token))

    def void_sale(self, purchase_id: str, _deadline: float) -> Result[None]:
        return self._world.call("void", lambda: self._void(purchase_id))

    def _record(self, purchase_id: str) -> Result[Any]:
        if not self._world.debits:
            raise Broken("a sale without a debit")
        if self._world.sales.setdefault(purchase_id, "stands") == "void":
            return Declined(Reason.CONFLICT)
        return Success("recorded")

    def _note(self, purchase_id: str, token: str) -> Result[None]:
        if self._world.sales.get(purchase_id) != "stands" or token not in self._world.tokens:
            raise Broken("a token noted of no sale")
        self._world.noted.append(token)
        return Success(None)

    def _void(self, purchase_id: str) -> Result[None]:
        if self._world.tokens:
            raise Broken("a sale with a token voided")
        if purchase_id in self._world.sales:
            self._world.sales[purchase_id] = "void"
        return Success(None)


class Hes:
    """Tokens; one that is not keyed makes another token for a repeat."""

    def __init__(self, world: World) -> None:
        self._world = world

    def vend(self, vend_id: str, serial: str, kwh_tenths: int, _deadline: float) -> Result[Vend]:
        return self._world.call("vend", self._vend)

    def last_vend(self, vend_id: str, _deadline: float) -> Result[Vend]:
        return self._world.call("vend", self._last, ask=True)

    def _vend(self) -> Result[Vend]:
        world = self._world
        if not world.tokens or not world.profile.keyed:
            world.tokens.append(str(int(TOKEN) + len(world.tokens)).zfill(20))
            world.check()
        return self._last()

    def _last(self) -> Result[Vend]:
        tokens = self._world.tokens
        if not tokens:
            return NotFound()
        return Success(Vend("p-1", tokens[-1], 100, delivered=False, serial="04246801379"))


class Sms:
    """Takes every SMS, repeats included."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self, sms_id: str, to: str, text: str, _deadline: float) -> Result[str]:
        name = sms_id.removeprefix("p-1:")
        return self._world.call(name, lambda: self._take(name, text))

    def _take(self, name: str, text: str) -> Result[str]:
        self._world.texts.append((name, text))
        return Success("c-1")
