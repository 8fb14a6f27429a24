"""The platform over HTTP (`openapi.yaml`): meters, tariffs, quotes and sales.

Every method takes its deadline in seconds from now and raises for nothing the platform does.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

from outward.results import Declined, Reason, Result, Success
from outward.transport import Answer, Transport, segment
from platform_client import replies
from platform_client.cache import FreshCache
from platform_client.replies import (
    DEFAULT_TARIFF,
    Meter,
    Quote,
    SaleRecord,
    Tariff,
    Tranche,
)

__all__ = [
    "DEFAULT_TARIFF",
    "Meter",
    "Platform",
    "Quote",
    "Sale",
    "SaleRecord",
    "Tariff",
    "Tranche",
]

METERS_MAX: Final = 10_000
"""Meters kept at once, of some 300 octets each."""

TARIFFS_MAX: Final = 100
"""Tariffs kept at once."""

_SERIAL: Final = re.compile(r"[0-9]{5,20}")


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale to record: what was paid, for which quote, and the operator's proof of it.

    `sold_at` is RFC 3339 with an offset, and the same whenever the sale is sent again: the
    platform refuses a repeat that differs.
    """

    purchase_id: str
    quote_id: str
    serial: str
    kwh_tenths: int
    amount_minor: int
    currency: str
    debit_ref: str
    sold_at: str


class Platform:
    """The platform, asked over `lookups` and told of sales over `sales`.

    A meter or tariff that was found may be `fresh_seconds` old by `clock` (seconds that never go
    back); a sale is checked by the platform again anyway. Nothing else is kept, so a meter that is
    registered or unblocked is seen at once. Safe from many threads.
    """

    def __init__(
        self,
        lookups: Transport,
        sales: Transport,
        *,
        fresh_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lookups = lookups
        self._sales = sales
        self._meters = FreshCache[Meter](fresh_seconds, clock, METERS_MAX)
        self._tariffs = FreshCache[Tariff](fresh_seconds, clock, TARIFFS_MAX)

    def meter(self, serial: str, deadline_seconds: float) -> Result[Meter]:
        """Find a meter that may be sold to.

        Declined(UNKNOWN_METER) if there is none, without asking if `serial` cannot be one;
        Declined(METER_BLOCKED) if sales to it are blocked. So a Success is always active.
        """
        if not _SERIAL.fullmatch(serial):
            return Declined(Reason.UNKNOWN_METER, "a serial is 5 to 20 digits")
        kept = self._meters.get(serial)
        if kept is not None:
            return Success(kept)
        answer = self._lookups.send("GET", f"/meters/{serial}", deadline_seconds=deadline_seconds)
        if not isinstance(answer, Answer):
            return answer
        result = replies.read_meter(answer.status, answer.object(), serial)
        if isinstance(result, Success):
            self._meters.put(serial, result.value)
        return result

    def tariff(self, tariff_id: str, deadline_seconds: float) -> Result[Tariff]:
        """Give a tariff, or with DEFAULT_TARIFF the one that meters have by default.

        Declined(REFUSED) if there is none of this id.
        """
        kept = self._tariffs.get(tariff_id)
        if kept is not None:
            return Success(kept)
        answer = self._lookups.send(
            "GET", f"/tariffs/{segment(tariff_id)}", deadline_seconds=deadline_seconds
        )
        if not isinstance(answer, Answer):
            return answer
        result = replies.read_tariff(answer.status, answer.object(), tariff_id)
        if isinstance(result, Success):
            self._tariffs.put(tariff_id, result.value)
        return result

    def quote(self, serial: str, kwh_tenths: int, deadline_seconds: float) -> Result[Quote]:
        """Have some energy priced. Each call makes a quote of its own, which binds nobody.

        Declined: UNKNOWN_METER, METER_BLOCKED, BELOW_MINIMUM or ABOVE_MAXIMUM with the limit in
        tenths of a kWh, REFUSED.
        """
        answer = self._lookups.send(
            "POST",
            "/quotes",
            json={"serial": serial, "kwh_tenths": kwh_tenths},
            deadline_seconds=deadline_seconds,
        )
        if not isinstance(answer, Answer):
            return answer
        return replies.read_quote(answer.status, answer.object(), serial, kwh_tenths)

    def record_sale(self, sale: Sale, deadline_seconds: float) -> Result[SaleRecord]:
        """Record a sale once for its purchase id; safe to send again as it was.

        Declined: METER_BLOCKED; CONFLICT if the id has other content or was voided; REFUSED if the
        quote is unknown or its figures differ.
        """
        ordered = asdict(sale)
        body = {name: value for name, value in ordered.items() if name != "purchase_id"}
        answer = self._sales.send(
            "PUT", _sale_path(sale.purchase_id), json=body, deadline_seconds=deadline_seconds
        )
        if not isinstance(answer, Answer):
            return answer
        del ordered["sold_at"]  # answered in UTC, whatever the offset it was sent with
        return replies.read_sale_recorded(answer.status, answer.object(), ordered)

    def sale(self, purchase_id: str, deadline_seconds: float) -> Result[SaleRecord]:
        """Ask about a sale; NotFound if the platform never heard of it."""
        answer = self._sales.send("GET", _sale_path(purchase_id), deadline_seconds=deadline_seconds)
        if not isinstance(answer, Answer):
            return answer
        return replies.read_sale(answer.status, answer.object(), purchase_id)

    def put_token(
        self,
        purchase_id: str,
        token: str,
        deadline_seconds: float,
        *,
        delivered: bool,
    ) -> Result[None]:
        """Note the token of a sale; safe to send again, and to say `delivered` later.

        Declined: CONFLICT if the sale has another token or was voided, REFUSED if there is no such
        sale.
        """
        answer = self._sales.send(
            "PUT",
            f"{_sale_path(purchase_id)}/token",
            json={"token": token, "delivered": delivered},
            deadline_seconds=deadline_seconds,
        )
        if not isinstance(answer, Answer):
            return answer
        return replies.read_token_noted(answer.status, answer.object(), purchase_id, token)

    def void_sale(self, purchase_id: str, deadline_seconds: float) -> Result[None]:
        """Void a sale that has no token; safe to send again.

        Success if it is void, or if the platform never had it: then nothing stands. Declined:
        CONFLICT if it has a token.
        """
        answer = self._sales.send(
            "POST", f"{_sale_path(purchase_id)}/void", deadline_seconds=deadline_seconds
        )
        if not isinstance(answer, Answer):
            return answer
        return replies.read_voided(answer.status, answer.object(), purchase_id)


def _sale_path(purchase_id: str) -> str:
    return f"/sales/{segment(purchase_id)}"
