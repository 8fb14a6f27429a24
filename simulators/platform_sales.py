"""The platform's sales: one per purchase id, then a token or a voiding, never both."""

import hashlib
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from simulators.clock import Clock, rfc3339
from simulators.faults import Answer
from simulators.platform_quotes import Quotes, blocked_meter, error
from simulators.seed import Serial
from simulators.store import Store

SCHEMA = """
CREATE TABLE sales (
    purchase_id TEXT PRIMARY KEY, quote_id TEXT NOT NULL, serial TEXT NOT NULL,
    kwh_tenths INTEGER NOT NULL, amount_minor INTEGER NOT NULL, currency TEXT NOT NULL,
    debit_ref TEXT NOT NULL, sold_at TEXT NOT NULL, recorded_at TEXT NOT NULL,
    status TEXT NOT NULL, token_hash TEXT, token_last4 TEXT, delivered INTEGER NOT NULL
);
"""

_ORDERED = ("quote_id", "serial", "kwh_tenths", "amount_minor", "currency", "debit_ref", "sold_at")


class SaleOrder(BaseModel):
    """The body of PUT /sales/{purchase_id}."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    quote_id: str = Field(min_length=1, max_length=64)
    serial: Serial
    kwh_tenths: int = Field(ge=1)
    amount_minor: int = Field(ge=1)
    currency: Literal["XOF"]
    debit_ref: str = Field(min_length=1, max_length=128)
    sold_at: AwareDatetime

    def values(self) -> dict[str, Any]:
        """The fields as they are stored, the time in UTC."""
        return {**self.model_dump(exclude={"sold_at"}), "sold_at": rfc3339(self.sold_at)}


class TokenOrder(BaseModel):
    """The body of PUT /sales/{purchase_id}/token. `delivered`: the meter already has it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    token: Annotated[str, Field(pattern=r"^[0-9]{20}$")]
    delivered: bool


class Sales:
    """The sales of one store, against the quotes of the same platform."""

    def __init__(self, store: Store, quotes: Quotes, clock: Clock) -> None:
        self._store = store
        self._quotes = quotes
        self._clock = clock

    def put(self, purchase_id: str, order: SaleOrder, surplus_minor: int = 0) -> Answer:
        """Record a sale once; the same content again answers the same, other content 409.

        The quote may have expired: its price was promised when the client paid. `surplus_minor`
        is put on the amount of the answer alone (a fault).
        """
        known = self._find(purchase_id)
        values = order.values()
        if known is not None:
            if all(known[name] == values[name] for name in _ORDERED):
                return Answer(200, _sale(known, surplus_minor))
            message = "This purchase was recorded with other content; look it up."
            return error(409, "conflict", message)
        if (refused := self._refusal(order)) is not None:
            return refused
        with self._store.transaction() as db:
            # Two equal requests at once: the second insert is ignored, both answer the same sale.
            added = db.execute(
                "INSERT OR IGNORE INTO sales VALUES (:purchase_id, :quote_id, :serial, "
                ":kwh_tenths, :amount_minor, :currency, :debit_ref, :sold_at, :recorded_at, "
                "'recorded', NULL, NULL, 0)",
                {**values, "purchase_id": purchase_id, "recorded_at": rfc3339(self._clock())},
            ).rowcount
        if not added:
            return self.put(purchase_id, order, surplus_minor)
        return Answer(201, _sale(self._must_find(purchase_id), surplus_minor))

    def get(self, purchase_id: str, surplus_minor: int = 0) -> Answer:
        """A sale; 404 when it was never recorded."""
        found = self._find(purchase_id)
        return _unknown_sale() if found is None else Answer(200, _sale(found, surplus_minor))

    def of_day(self, day: date) -> Answer:
        """The sales of a UTC day by `sold_at`, for reconciliation."""
        found = self._store.rows(
            "SELECT * FROM sales WHERE substr(sold_at, 1, 10) = ? ORDER BY sold_at, purchase_id",
            day.isoformat(),
        )
        return Answer(200, {"day": day.isoformat(), "sales": [_sale(sale) for sale in found]})

    def put_token(self, purchase_id: str, order: TokenOrder) -> Answer:
        """Note the token of a sale once; `delivered` may still turn true, never false again."""
        digest = hashlib.sha256(order.token.encode()).hexdigest()
        with self._store.transaction() as db:
            row = db.execute("SELECT * FROM sales WHERE purchase_id = ?", (purchase_id,)).fetchone()
            if row is None:
                return _unknown_sale()
            if row["status"] == "voided":
                return error(409, "voided", "This sale is void; it can have no token.")
            if row["token_hash"] not in {None, digest}:
                return error(409, "other_token", "This sale has another token; a person must look.")
            db.execute(
                "UPDATE sales SET token_hash = ?, token_last4 = ?, delivered = ? "
                "WHERE purchase_id = ?",
                (digest, order.token[-4:], row["delivered"] or order.delivered, purchase_id),
            )
        return self.get(purchase_id)

    def void(self, purchase_id: str) -> Answer:
        """Void a sale that has no token; again is the same."""
        with self._store.transaction() as db:
            row = db.execute("SELECT * FROM sales WHERE purchase_id = ?", (purchase_id,)).fetchone()
            if row is None:
                return _unknown_sale()
            if row["token_hash"] is not None:
                return error(409, "has_token", "This sale has a token; it cannot be voided.")
            db.execute("UPDATE sales SET status = 'voided' WHERE purchase_id = ?", (purchase_id,))
        return self.get(purchase_id)

    def serial(self, purchase_id: str) -> str | None:
        """The meter of a sale; None when the sale is unknown."""
        found = self._find(purchase_id)
        return found["serial"] if found else None

    def _refusal(self, order: SaleOrder) -> Answer | None:
        quote = self._quotes.find(order.quote_id)
        if quote is None:
            return error(422, "quote_unknown", "No quote has this id; make a new one.")
        agreed = (quote["serial"], quote["kwh_tenths"], quote["total_minor"], quote["currency"])
        if (order.serial, order.kwh_tenths, order.amount_minor, order.currency) != agreed:
            message = "Serial, kWh, amount and currency must be the quote's; send those."
            return error(422, "amount_mismatch", message)
        if self._quotes.meter_is_blocked(order.serial):
            return blocked_meter()
        return None

    def _find(self, purchase_id: str) -> dict[str, Any] | None:
        return self._store.row("SELECT * FROM sales WHERE purchase_id = ?", purchase_id)

    def _must_find(self, purchase_id: str) -> dict[str, Any]:
        return self._store.rows("SELECT * FROM sales WHERE purchase_id = ?", purchase_id)[0]


def _sale(row: dict[str, Any], surplus_minor: int = 0) -> dict[str, object]:
    """A sale as the contract shows it: of the token the last four digits only."""
    shown = {name: value for name, value in row.items() if name != "token_hash"}
    shown["amount_minor"] += surplus_minor
    shown["delivered"] = bool(row["delivered"])
    return shown


def _unknown_sale() -> Answer:
    return error(404, "unknown_sale", "No sale has this purchase id; record it first.")
