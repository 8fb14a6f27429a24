"""A world for the purchase saga: its parties, a ledger in memory, a virtual clock, faults to order.

What arrives late, gets lost or kills the worker is ordered by the number of the outward call it
happens at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from ledger.model import Purchase, Resolution
from ledger.store import Moved
from outward.results import (
    Declined,
    Misconfigured,
    NotSent,
    Reason,
    Result,
    Unknown,
)
from tests.workers.saga_parties import AMOUNT, FINAL, Broken, Hes, Platform, Sms, Wallet
from ussd_app import menus
from ussd_app.effects import CallResult
from ussd_app.render.texts import Messages
from workers import purchases, saga
from workers import settings as settings_module
from workers.office import Office, windows

SETTINGS = settings_module.load(
    money_deadline_seconds=6.0,
    lease_seconds=15.0,
    settle_seconds=30.0,
    ask_seconds=2.0,
    ask_seconds_max=300.0,
    not_found_seconds=600.0,
    retry_seconds_max=60.0,
    notice_seconds=120.0,
    screen_seconds=8.0,
)
WINDOWS = windows(SETTINGS, vend_again=True)
MENUS = Path(menus.__file__).parent
#: When the first purchase is made, in seconds since the epoch.
DAWN = 1_800_000_000.0
#: A delayed request lands this long after it was sent: within the settle window, past the lease.
DELAY = 20.0
#: Every purchase must rest by then, in seconds of virtual time.
REST_MAX = 3 * 3600.0


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


class Shelf:
    """`ledger.store.Ledger` as far as `advance` needs it, with the same guard; checks each save."""

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
        if row.version != before.version and self._world.guarded:
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

    def shown(self, purchase_id: str) -> str:
        return ""


@dataclass
class World:
    """One purchase among its parties, driven until it rests."""

    profile: Profile
    plan: Mapping[int, Fault]
    messages: Messages
    windows: saga.Windows = WINDOWS
    #: Whether the ledger refuses to write over what another has written.
    guarded: bool = True
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
            cast("Any", Wallet(self)),
            cast("Any", Sms(self)),
            cast("Any", Platform(self)),
            cast("Any", Hes(self)),
            self.messages,
            self.windows,
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

    def call(self, step: str, do: Callable[[], Result[Any]], *, ask: bool = False) -> Result[Any]:
        """One outward call with what the plan has in store for it."""
        fault = self.plan.get(self.calls)
        self.made.append((step, ask))
        self.calls += 1
        if step in self.profile.refusing and not ask:
            honest = do

            def do() -> Result[Any]:
                # What is refused had better not be there already.
                return (
                    honest() if self._done(step) else Declined(_REASONS.get(step, Reason.REFUSED))
                )

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
        return {
            "debit": bool(self.debits),
            "sale": bool(self.sales),
            "vend": bool(self.tokens),
        }.get(step, False)

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
