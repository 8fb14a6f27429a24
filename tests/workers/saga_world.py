"""A world of small books for the purchase saga: four parties, a ledger in memory, a virtual clock.

Each party keeps its own book and checks what it is asked to write there; what arrives late, gets
lost or kills the worker is ordered by the number of the outward call it happens at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, cast

from ledger.model import Purchase, Resolution, State, StepState
from ledger.store import Moved
from operator_client.wallet.base import DebitRequest, Payment, RefundRequest
from outward.results import (
    Declined,
    Misconfigured,
    NotFound,
    NotSent,
    Pending,
    Reason,
    Result,
    Success,
    Unknown,
)
from platform_client.client import Sale
from ussd_app.effects import CallResult
from ussd_app.render.texts import Messages
from ussd_app.settings import Settings
from workers import purchases, saga
from workers.office import Office, windows

from hes_adapter.drivers.base import Vend

AMOUNT = 1135
TOKEN = "01234567890123456789"
SETTINGS = Settings(secret_key="00" * 32)  # type: ignore[arg-type]  # pydantic makes a secret of it
WINDOWS = windows(SETTINGS)
#: When the first purchase is made, in seconds since the epoch.
DAWN = 1_800_000_000.0
#: A delayed request lands this long after it was sent: within the settle window, past the lease.
DELAY = 20.0
#: Every purchase must rest by then, in seconds of virtual time.
REST_MAX = 3 * 3600.0

#: States that never change again.
FINAL = frozenset(
    {State.COMPLETED, State.DECLINED, State.EXPIRED, State.REFUNDED, State.SUSPENSE}
)


class Crash(BaseException):
    """The worker's process ends here."""


class Fault(StrEnum):
    """What happens at one outward call."""

    REQUEST_LOST = "request lost"
    REPLY_LOST = "reply lost"
    DELAYED = "delayed"
    REFUSED = "refused"
    NOT_SENT = "not sent"
    MISCONFIGURED = "misconfigured"
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    #: Frozen between intent and call for longer than its lease, while another worker acts.
    FROZEN_BEFORE = "frozen before"
    #: Likewise between call and commit.
    FROZEN_AFTER = "frozen after"


@dataclass(frozen=True)
class Profile:
    """What the parties are like.

    `refusing` are steps refused whenever they are sent; `keyed`: a repeat under the same key is
    one act at the wallet and the head end system, else it is done again; `prompt`: the wallet
    asks the client, who answers after some seconds, and agrees or not.
    """

    name: str
    refusing: frozenset[str] = frozenset()
    keyed: bool = False
    prompt: bool = False
    agrees: bool = True


class Broken(BaseException):
    """An invariant of the money does not hold; nothing between here and the test may catch it."""


class Shelf:
    """`ledger.store.Ledger` as far as `advance` needs it, with the same guard; checks every save.

    A fault may also strike right after a result's commit, by the number of that commit.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.row: Purchase | None = None

    def get(self, purchase_id: str) -> Purchase | None:
        return self.row

    def save(
        self, before: Purchase, after: Purchase, what: str, now: float, **detail: str | int
    ) -> Purchase:
        row = self.row
        assert row is not None
        if row.version != before.version:
            raise Moved(before.id)
        if row.state in FINAL and after.state is not row.state:
            raise Broken(f"{row.state} became {after.state}")
        if row.resolution is not Resolution.NONE and after.resolution is not row.resolution:
            raise Broken(f"resolution {row.resolution} became {after.resolution}")
        self.row = replace(after, version=before.version + 1, updated_at=now)
        self._world.story.append(f"{now - DAWN:g} {what} -> {after.state}")
        return self.row

    def due(self, now: float) -> bool:
        row = self.row
        assert row is not None
        return row.due_at is not None and row.due_at <= now and row.lease_until <= now

    def next_due(self) -> float | None:
        row = self.row
        assert row is not None
        return None if row.due_at is None else max(row.due_at, row.lease_until)


class Bell:
    """`workers.queue.Doorbell` as far as `advance` needs it; no screen has told anything."""

    def __init__(self) -> None:
        self.told: list[CallResult] = []

    def tell(self, result: CallResult) -> None:
        self.told.append(result)

    def shown(self, purchase_id: str) -> bool:
        return False


@dataclass
class World:
    """One purchase among its parties, driven until it rests."""

    profile: Profile
    plan: Mapping[int, Fault]
    messages: Messages
    now: float = DAWN
    calls: int = 0
    #: The name of each call, in order, and whether it was a question.
    made: list[tuple[str, bool]] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    under_way: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    debits: list[str] = field(default_factory=list)
    refunds: list[str] = field(default_factory=list)
    prompts: dict[str, float] = field(default_factory=dict)
    sales: dict[str, str] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self)
        self.bell = Bell()
        self.office = Office(
            SETTINGS,
            cast("Any", self.shelf),
            cast("Any", self.bell),
            cast("Any", _Wallet(self)),
            cast("Any", _Sms(self)),
            cast("Any", _Platform(self)),
            cast("Any", _Hes(self)),
            self.messages,
            WINDOWS,
            lambda: self.now,
        )

    def buy(self) -> Purchase:
        """Confirm a purchase and sweep until it rests; the row in the end."""
        self.shelf.row = saga.start(new_purchase(), DAWN)
        while (due_at := self.shelf.next_due()) is not None:
            if self.now > DAWN + REST_MAX:
                raise Broken("no rest")
            self.pass_until(max(due_at, self.now))
            self._sweep()
        self.pass_until(self.now + 2 * DELAY)
        row = self.shelf.row
        assert row is not None
        return row

    def _sweep(self) -> None:
        try:
            purchases.advance(self.office, new_purchase().id)
        except Crash:
            self.story.append(f"{self.now - DAWN:g} crash")

    def pass_until(self, instant: float) -> None:
        """Let time pass; what was under way lands."""
        while self.under_way and min(self.under_way, key=lambda each: each[0])[0] <= instant:
            landing = min(self.under_way, key=lambda each: each[0])
            self.under_way.remove(landing)
            self.now = max(self.now, landing[0])
            landing[1]()
        self.now = max(self.now, instant)

    def call(
        self, step: str, do: Callable[[], Result[Any]], *, ask: bool = False
    ) -> Result[Any]:
        """One outward call with what the plan has in store for it."""
        fault = self.plan.get(self.calls)
        self.made.append((step, ask))
        self.calls += 1
        if step in self.profile.refusing and not ask:
            honest = do

            def do() -> Result[Any]:
                # What is refused had better not be there already.
                return honest() if self._done(step) else Declined(_REASONS.get(step, Reason.REFUSED))

        return self._suffer(fault, do)

    def _suffer(self, fault: Fault | None, do: Callable[[], Result[Any]]) -> Result[Any]:
        seconds = SETTINGS.money_deadline_seconds
        match fault:
            case None:
                self.pass_until(self.now + 0.1)
                return do()
            case Fault.REQUEST_LOST:
                self.pass_until(self.now + seconds)
                return Unknown("no answer")
            case Fault.REPLY_LOST:
                do()
                self.pass_until(self.now + seconds)
                return Unknown("no answer")
            case Fault.DELAYED:
                self.under_way.append((self.now + DELAY, do))
                self.pass_until(self.now + seconds)
                return Unknown("no answer")
            case Fault.REFUSED:
                return Declined(Reason.REFUSED)
            case Fault.NOT_SENT:
                return NotSent("connection refused")
            case Fault.MISCONFIGURED:
                return Misconfigured("401")
            case Fault.CRASH_BEFORE:
                raise Crash
            case Fault.CRASH_AFTER:
                do()
                raise Crash
            case Fault.FROZEN_BEFORE:
                return self._thawed(do)
            case Fault.FROZEN_AFTER:
                result = do()
                self._another_worker()
                return result

    def _thawed(self, do: Callable[[], Result[Any]]) -> Result[Any]:
        """What a frozen worker's call comes to when it leaves at last."""
        results: list[Result[Any]] = []
        self.under_way.append((self.now + WINDOWS.lease + 1, lambda: results.append(do())))
        self._another_worker()
        return results[0]

    def _another_worker(self) -> None:
        self.pass_until(self.now + WINDOWS.lease + 1)
        if self.shelf.due(self.now):
            self._sweep()

    def _done(self, step: str) -> bool:
        return {"debit": bool(self.debits), "sale": bool(self.sales), "vend": bool(self.tokens)}.get(
            step, False
        )

    def check(self) -> None:
        """What must hold at every instant; raises `Broken`."""
        if len(self.debits) - len(self.refunds) not in {0, 1} or len(self.debits) > 1:
            raise Broken(f"{len(self.debits)} debits, {len(self.refunds)} refunds")
        if len(set(self.tokens)) > 1:
            raise Broken("two tokens")
        if self.tokens and not self.debits:
            raise Broken("a token without a debit")
        if self.tokens and self.refunds:
            raise Broken("token and refund")


_REASONS = {"debit": Reason.INSUFFICIENT_FUNDS, "sale": Reason.METER_BLOCKED}


def new_purchase() -> Purchase:
    """The one wish of this world."""
    return Purchase(
        id="p-1",
        receipt="C-7K2M9QXA",
        msisdn="+22670000000",
        serial="04246801379",
        kwh_tenths=100,
        amount_minor=AMOUNT,
        currency="XOF",
        quote_id="q-1",
        language="fr",
        created_at=DAWN,
    )


class _Wallet:
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


class _Platform:
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


class _Hes:
    """Tokens; one that is not keyed makes another token for a repeat."""

    def __init__(self, world: World) -> None:
        self._world = world

    def vend(
        self, vend_id: str, serial: str, kwh_tenths: int, _deadline: float
    ) -> Result[Vend]:
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


class _Sms:
    """Takes every SMS, repeats included."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self, sms_id: str, to: str, text: str, _deadline: float) -> Result[str]:
        name = sms_id.removeprefix("p-1:")
        return self._world.call(name, lambda: self._take(name, text))

    def _take(self, name: str, text: str) -> Result[str]:
        self._world.texts.append((name, text))
        return Success("c-1")


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
    if vended and bool(world.noted) is not (steps["token"].state is StepState.DONE):
        raise Broken("the platform and the ledger disagree about the token")


_TELLS = {
    State.COMPLETED: {"sms:token"},
    State.VENDED: {"sms:token"},
    State.DECLINED: {"sms:insufficient_funds", "sms:declined"},
    State.EXPIRED: {"sms:expired"},
    State.REFUNDED: {"sms:refunded"},
    State.SUSPENSE: set(),
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
