"""What the application needs of a wallet, whoever the operator is.

Amounts are integers of minor units (XOF has exponent 0: one is one franc), never zero or less.
Keys are ours, one per debit or refund for ever. Deadlines are seconds from now for a call as a
whole. No method raises for anything the operator does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from outward.results import Result


@dataclass(frozen=True, slots=True)
class DebitRequest:
    """Money to take: from `msisdn` (+226…), under `key`; `text` is what a PIN prompt shows."""

    key: str
    msisdn: str = field(repr=False)
    amount_minor: int
    currency: str
    reference: str
    text: str


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Money to give back, under a `key` of its own, of the debit made under `debit_key`."""

    key: str
    debit_key: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that has moved: the operator's reference, and exactly how much."""

    provider_ref: str
    amount_minor: int


class Wallet(Protocol):
    """A driver. Success is proof that exactly the amount asked for has moved, once.

    Declined is proof that nothing moved, NotSent that nothing left. A status is asked by the same
    key and for the same amount; NotFound is an answer of a status only.
    """

    def debit(self, request: DebitRequest, deadline_seconds: float) -> Result[Payment]:
        """Take money once, or ask the client to let it be taken (Pending)."""
        ...

    def debit_status(self, key: str, amount_minor: int, deadline_seconds: float) -> Result[Payment]:
        """Ask what became of a debit."""
        ...

    def refund(self, request: RefundRequest, deadline_seconds: float) -> Result[Payment]:
        """Give money back once."""
        ...

    def refund_status(
        self, key: str, amount_minor: int, deadline_seconds: float
    ) -> Result[Payment]:
        """Ask what became of a refund."""
        ...
