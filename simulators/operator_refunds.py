"""Refunds of the operator: money back to the payer of one debit, at most what was taken."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from simulators.clock import Clock, rfc3339
from simulators.faults import Answer
from simulators.operator_debits import fingerprint
from simulators.operator_wallets import MESSAGES, enter, plan_of
from simulators.seed import Plan
from simulators.store import Store

SCHEMA = """
CREATE TABLE refunds (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, operator_ref TEXT NOT NULL,
    debit_key TEXT NOT NULL, msisdn TEXT NOT NULL, amount_minor INTEGER NOT NULL,
    reason TEXT, at TEXT NOT NULL
);
"""


class RefundOrder(BaseModel):
    """The body of POST /wallet/refunds."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    debit_key: str = Field(min_length=1, max_length=128)
    amount_minor: int = Field(ge=1)
    currency: Literal["XOF"]


class Refunds:
    """The refunds of one store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def make(self, key: str, order: RefundOrder, surplus_minor: int = 0) -> Answer:
        """Refund once for `key`; the same key and body answers the same.

        A debit can be refunded in parts, together never more than it took. `surplus_minor` is
        paid on top of the order (a fault).
        """
        now = self._clock()
        with self._store.transaction() as db:
            known = db.execute("SELECT * FROM refunds WHERE key = ?", (key,)).fetchone()
            if known is not None:
                if known["fingerprint"] == fingerprint(order):
                    return _answer(dict(known))
                return _error("key_reused", "This key was used with another body; use a new key.")
            debit = db.execute("SELECT * FROM debits WHERE key = ?", (order.debit_key,)).fetchone()
            if debit is None:
                return Answer(404, {"status": "not_found"})
            if debit["status"] != "success":
                return _error("not_debited", "That debit took nothing; there is nothing to refund.")
            refunded = db.execute(
                "SELECT COALESCE(SUM(amount_minor), 0) FROM refunds "
                "WHERE debit_key = ? AND reason IS NULL",
                (order.debit_key,),
            ).fetchone()[0]
            if refunded + order.amount_minor > debit["amount_minor"]:
                left = debit["amount_minor"] - refunded
                return _error("exceeds_debit", f"Only {left} F of that debit are left to refund.")
            refund = {
                "key": key,
                "fingerprint": fingerprint(order),
                "operator_ref": f"RF{fingerprint(order)[:12].upper()}",
                "debit_key": order.debit_key,
                "msisdn": debit["msisdn"],
                "amount_minor": order.amount_minor + surplus_minor,
                "reason": (plan_of(db, debit["msisdn"]) or Plan()).refund,
                "at": rfc3339(now),
            }
            db.execute(
                "INSERT INTO refunds VALUES (:key, :fingerprint, :operator_ref, :debit_key, "
                ":msisdn, :amount_minor, :reason, :at)",
                refund,
            )
            if refund["reason"] is None:
                paid = order.amount_minor + surplus_minor
                enter(db, debit["msisdn"], "refund", paid, now, key=key)
            return _answer(refund)

    def status(self, key: str, surplus_minor: int = 0) -> Answer:
        """What became of `key`: always 200 when it is known, 404 when it never arrived."""
        found = self._store.row("SELECT * FROM refunds WHERE key = ?", key)
        if found is None:
            return Answer(404, {"status": "not_found"})
        found["amount_minor"] += surplus_minor
        return Answer(200, _answer(found).body)

    def owner(self, key: str) -> str | None:
        """The number that `key` refunds; None when the key is unknown."""
        found = self._store.row("SELECT msisdn FROM refunds WHERE key = ?", key)
        return found["msisdn"] if found else None


def _answer(refund: dict[str, object]) -> Answer:
    reason = refund["reason"]
    if reason is not None:
        message = MESSAGES[str(reason)]
        return Answer(402, {"status": "declined", "reason": reason, "message": message})
    return Answer(
        200,
        {
            "status": "success",
            "operator_ref": refund["operator_ref"],
            "amount_minor": refund["amount_minor"],
            "currency": "XOF",
            "at": refund["at"],
        },
    )


def _error(code: str, message: str) -> Answer:
    return Answer(409, {"status": "error", "code": code, "message": message})
