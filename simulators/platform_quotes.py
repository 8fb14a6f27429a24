"""The platform's meters, tariffs and quotes."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from simulators.clock import Clock, rfc3339
from simulators.faults import Answer
from simulators.seed import CustomerMeter, PlatformSeed, Serial, Tariff
from simulators.store import Store
from simulators.tariff import price

SCHEMA = """
CREATE TABLE meters (
    serial TEXT PRIMARY KEY, customer TEXT NOT NULL, status TEXT NOT NULL, tariff_id TEXT NOT NULL
);
CREATE TABLE quotes (
    id TEXT PRIMARY KEY, serial TEXT NOT NULL, kwh_tenths INTEGER NOT NULL,
    tariff_id TEXT NOT NULL, energy_minor INTEGER NOT NULL, fixed_minor INTEGER NOT NULL,
    tax_minor INTEGER NOT NULL, rounding_minor INTEGER NOT NULL, total_minor INTEGER NOT NULL,
    currency TEXT NOT NULL, created_at TEXT NOT NULL, valid_until TEXT NOT NULL
);
"""

DEFAULT_TARIFF = "default"
"""The id that stands for the seed's default tariff."""


class QuoteOrder(BaseModel):
    """The body of POST /quotes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    serial: Serial
    kwh_tenths: int = Field(ge=1)


def error(status: int, code: str, message: str, **more: object) -> Answer:
    """An error as platform_client/openapi.yaml shapes it."""
    return Answer(status, {"code": code, "message": message, **more})


class Quotes:
    """Meters and quotes of one store, tariffs of the seed.

    A quote holds for `valid_seconds`. `new_id` makes the ids of quotes.
    """

    def __init__(
        self,
        store: Store,
        seed: PlatformSeed,
        clock: Clock,
        valid_seconds: float,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._seed = seed
        self._clock = clock
        self._valid = timedelta(seconds=valid_seconds)
        self._new_id = new_id
        self._tariffs = {tariff.id: tariff for tariff in seed.tariffs}
        self.plant()

    def hold_for(self, seconds: float) -> None:
        """Let quotes made from now on hold for so long; 0 makes them expire at once."""
        self._valid = timedelta(seconds=seconds)

    def plant(self) -> None:
        """Add the meters of the seed that the store does not have."""
        with self._store.transaction() as db:
            for meter in self._seed.meters:
                db.execute("INSERT OR IGNORE INTO meters VALUES (?, ?, ?, ?)", _meter_values(meter))

    def put_meter(self, meter: CustomerMeter) -> Answer:
        """Add a meter or change it."""
        if self._tariff(meter.tariff_id) is None:
            return error(422, "bad_request", "No such tariff; use one of /tariffs or default.")
        with self._store.transaction() as db:
            db.execute("INSERT OR REPLACE INTO meters VALUES (?, ?, ?, ?)", _meter_values(meter))
        return self.meter(meter.serial)

    def meter(self, serial: str) -> Answer:
        """Whose meter it is, and whether energy may be sold to it."""
        found = self._find_meter(serial)
        return _unknown_meter() if found is None else Answer(200, found)

    def meter_is_blocked(self, serial: str) -> bool:
        """Whether sales to a known meter are forbidden."""
        found = self._find_meter(serial)
        return found is not None and found["status"] == "blocked"

    def tariff(self, tariff_id: str) -> Answer:
        """A tariff with its own id, also when asked for as `default`."""
        found = self._tariff(tariff_id)
        if found is None:
            return error(404, "unknown_tariff", "No tariff has this id; ask for default.")
        return Answer(200, found.model_dump(mode="json"))

    def make(self, order: QuoteOrder, surplus_minor: int = 0) -> Answer:
        """Price an order. `surplus_minor` is put on the total alone (a fault)."""
        meter = self._find_meter(order.serial)
        if meter is None:
            return _unknown_meter()
        if meter["status"] == "blocked":
            return blocked_meter()
        tariff = self._tariff(meter["tariff_id"])
        if tariff is None:
            return error(404, "unknown_tariff", "The tariff of this meter is gone; set another.")
        if (refused := _outside(tariff, order.kwh_tenths)) is not None:
            return refused
        now = self._clock()
        quote: dict[str, Any] = {
            "id": self._new_id(),
            "serial": order.serial,
            "kwh_tenths": order.kwh_tenths,
            "tariff_id": tariff.id,
            **asdict(price(tariff, order.kwh_tenths)),
            "currency": tariff.currency,
            "created_at": rfc3339(now),
            "valid_until": rfc3339(now + self._valid),
        }
        quote["total_minor"] += surplus_minor
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO quotes VALUES (:id, :serial, :kwh_tenths, :tariff_id, :energy_minor, "
                ":fixed_minor, :tax_minor, :rounding_minor, :total_minor, :currency, "
                ":created_at, :valid_until)",
                quote,
            )
        return Answer(201, quote)

    def quote(self, quote_id: str) -> Answer:
        """A quote as it was made, expired or not."""
        found = self.find(quote_id)
        if found is None:
            return error(404, "unknown_quote", "No quote has this id; make a new one.")
        return Answer(200, found)

    def find(self, quote_id: str) -> dict[str, Any] | None:
        """The quote, or None."""
        return self._store.row("SELECT * FROM quotes WHERE id = ?", quote_id)

    def _find_meter(self, serial: str) -> dict[str, Any] | None:
        return self._store.row("SELECT * FROM meters WHERE serial = ?", serial)

    def _tariff(self, tariff_id: str) -> Tariff | None:
        named = self._seed.default_tariff if tariff_id == DEFAULT_TARIFF else tariff_id
        return self._tariffs.get(named)


def blocked_meter() -> Answer:
    """The refusal to sell to a blocked meter."""
    return error(409, "meter_blocked", "Sales to this meter are blocked; call the supplier.")


def _unknown_meter() -> Answer:
    return error(404, "unknown_meter", "No meter has this serial; check its digits.")


def _outside(tariff: Tariff, kwh_tenths: int) -> Answer | None:
    if kwh_tenths < tariff.minimum_kwh_tenths:
        return error(
            422,
            "below_minimum",
            "That is less than one purchase of this tariff; ask for more.",
            limit_kwh_tenths=tariff.minimum_kwh_tenths,
        )
    if kwh_tenths > tariff.maximum_kwh_tenths:
        return error(
            422,
            "above_maximum",
            "That is more than one purchase of this tariff; ask for less.",
            limit_kwh_tenths=tariff.maximum_kwh_tenths,
        )
    return None


def _meter_values(meter: CustomerMeter) -> tuple[str, str, str, str]:
    return meter.serial, meter.customer, meter.status, meter.tariff_id
