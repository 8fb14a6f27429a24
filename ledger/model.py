"""The nouns of the ledger: a purchase, and the steps it takes in the outside world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """Where a purchase is. From COMPLETED on, nothing changes it but, in SUSPENSE, a person."""

    CONFIRMED = "confirmed"
    DEBITING = "debiting"
    PAID = "paid"
    RECORDING = "recording"
    RECORDED = "recorded"
    VENDING = "vending"
    VENDED = "vended"
    REFUND_DUE = "refund_due"
    REFUNDING = "refunding"
    COMPLETED = "completed"
    DECLINED = "declined"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    #: A person decides.
    SUSPENSE = "suspense"


#: States in which the client must not pay again for the same wish: money may be on its way.
UNRESOLVED = frozenset(
    {
        State.CONFIRMED,
        State.DEBITING,
        State.PAID,
        State.RECORDING,
        State.RECORDED,
        State.VENDING,
        State.REFUND_DUE,
        State.REFUNDING,
        State.SUSPENSE,
    }
)


class Resolution(StrEnum):
    """What the client gets for the money: set once, never changed. Token xor refund."""

    NONE = "none"
    VEND = "vend"
    REFUND = "refund"


class StepState(StrEnum):
    """How far one outward step is."""

    #: Not sent, or proven unsent.
    READY = "ready"
    #: The intent is committed; whether it was sent, and what came of it, is not.
    SENT = "sent"
    #: It may have been done: it is being asked about.
    DOUBT = "doubt"
    #: The other side says it is under way.
    PENDING = "pending"
    DONE = "done"
    #: Proven: not done, and refused.
    REFUSED = "refused"
    #: Proven: never happened, and will not be tried again; or no longer wanted.
    CLOSED = "closed"


#: States of a step that nothing more is done about.
SETTLED = frozenset({StepState.DONE, StepState.REFUSED, StepState.CLOSED})


@dataclass(frozen=True, slots=True)
class Step:
    """One step: debit, sale, vend, token, void, refund, or `sms:NAME`.

    `sends` counts attempts, `doubted` tells whether any attempt's outcome was not proven,
    `first_sent_at` and `sent_at` are in seconds since the epoch, `asks` and `not_found` count
    questions and their "never heard of it" answers; `due_at` is None when nothing is to be done.
    """

    name: str
    state: StepState = StepState.READY
    sends: int = 0
    doubted: bool = False
    first_sent_at: float | None = None
    sent_at: float | None = None
    asks: int = 0
    not_found: int = 0
    due_at: float | None = None


@dataclass(frozen=True, slots=True)
class Purchase:
    """One purchase. `kwh_tenths` in tenths of a kWh, `amount_minor` in minor units.

    `id` is derived from the wish, so the same wish is the same purchase. `version` guards every
    write; `lease_until` is the instant up to which one worker alone may act.
    """

    id: str
    receipt: str
    msisdn: str
    serial: str
    kwh_tenths: int
    amount_minor: int
    currency: str
    quote_id: str
    language: str
    created_at: float
    state: State = State.CONFIRMED
    resolution: Resolution = Resolution.NONE
    reason: str = ""
    debit_ref: str = ""
    token: str = ""
    delivered: bool = False
    version: int = 1
    lease_until: float = 0.0
    updated_at: float = 0.0
    steps: Mapping[str, Step] = field(default_factory=dict)

    @property
    def due_at(self) -> float | None:
        """When something is next to be done, None if never."""
        dues = [step.due_at for step in self.steps.values() if step.due_at is not None]
        return min(dues, default=None)

    def key(self, step: str) -> str:
        """The idempotency key of a step, for ever."""
        return f"{self.id}:{step}"
