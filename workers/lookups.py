"""The look-ups of the catalogue: each a question to the platform or ledger, and its outcome."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from ledger.store import Ledger
from outward.results import Declined, Reason, Success
from platform_client.client import Tranche
from ussd_app.effects import FAILED, Call, CallResult, Row, Value
from workers.office import Office

log = logging.getLogger("cassou.lookups")

#: The currency of every screen and debit; a price in another is none.
CURRENCY = "XOF"
#: Rows of "my last codes".
CODES_MAX = 5


def run(office: Office, call: Call) -> CallResult:
    """The result of one look-up; `failed` for whatever is no outcome of it."""
    return BACKENDS[call.backend](office, call)


def kwh_text(tenths: int) -> str:
    """Tenths of a kWh as a plain decimal: 105 is 10.5, 100 is 10."""
    whole, part = divmod(tenths, 10)
    return f"{whole}.{part}" if part else str(whole)


def kwh_tenths(text: str) -> int:
    """Tenths of a kWh from a decimal of at most one place; raises ValueError, ArithmeticError."""
    scaled = Decimal(text) * 10
    if scaled != scaled.to_integral_value():
        raise ValueError(f'"{text}" has more than one decimal')
    return int(scaled)


def _text(call: Call, name: str) -> str:
    return str(call.arguments[name])


def _find_meter(office: Office, call: Call) -> CallResult:
    if office.guesses is not None and office.guesses.used_up(call.msisdn):
        log.warning("a number has named too many unknown meters, and waits")
        return CallResult(call.id, FAILED)
    result = office.platform.meter(_text(call, "serial"), office.settings.call_deadline_seconds)
    match result:
        case Success(value=meter):
            return CallResult(call.id, "found", {"customer": meter.customer})
        case Declined(reason=Reason.UNKNOWN_METER):
            if office.guesses is not None:
                office.guesses.missed(call.msisdn)
            return CallResult(call.id, "unknown")
        case Declined(reason=Reason.METER_BLOCKED):
            return CallResult(call.id, "blocked")
    return CallResult(call.id, FAILED)


def _quote(office: Office, call: Call) -> CallResult:
    result = office.platform.quote(
        _text(call, "serial"),
        kwh_tenths(_text(call, "kwh")),
        office.settings.call_deadline_seconds,
    )
    match result:
        case Success(value=quote) if quote.currency == CURRENCY:
            fields: dict[str, Value] = {
                "id": quote.id,
                "total": quote.total_minor,
                "valid_until": quote.valid_until,
            }
            return CallResult(call.id, "ok", fields)
        case Declined(reason=Reason.BELOW_MINIMUM, limit=int(limit)):
            return CallResult(call.id, "below_minimum", {"limit": kwh_text(limit)})
        case Declined(reason=Reason.ABOVE_MAXIMUM, limit=int(limit)):
            return CallResult(call.id, "above_maximum", {"limit": kwh_text(limit)})
        case Declined():
            return CallResult(call.id, "refused")
    return CallResult(call.id, FAILED)


def _tariff(office: Office, call: Call) -> CallResult:
    result = office.platform.tariff("default", office.settings.call_deadline_seconds)
    if not isinstance(result, Success):
        return CallResult(call.id, FAILED)
    tariff = result.value
    rows: tuple[Row, ...] = tuple(
        {"range": _range(tranche), "price": tranche.price_minor_per_kwh}
        for tranche in tariff.tranches
    )
    return CallResult(call.id, "ok", {"name": tariff.name, "tranches": rows})


def _range(tranche: Tranche) -> str:
    low = kwh_text(tranche.from_kwh_tenths)
    if tranche.to_kwh_tenths is None:
        return f"> {low} kWh"
    return f"{low}-{kwh_text(tranche.to_kwh_tenths)} kWh"


def _open(ledger: Ledger, call: Call) -> CallResult:
    purchase = ledger.unresolved(call.msisdn)
    if purchase is None:
        return CallResult(call.id, "none")
    fields = {
        "receipt": purchase.receipt,
        "kwh": kwh_text(purchase.kwh_tenths),
        "serial": purchase.serial,
    }
    return CallResult(call.id, "open", fields)


def _recent(ledger: Ledger, call: Call) -> CallResult:
    found = ledger.with_token(call.msisdn, CODES_MAX)
    if not found:
        return CallResult(call.id, "none")
    rows: tuple[Row, ...] = tuple(
        {
            "date": datetime.fromtimestamp(purchase.created_at, UTC).date().isoformat(),
            "kwh": kwh_text(purchase.kwh_tenths),
            "serial": purchase.serial,
            "token": purchase.token,
        }
        for purchase in found
    )
    return CallResult(call.id, "found", {"codes": rows})


#: Back-end of the catalogue → its implementation, run by a worker: questions to the platform.
BACKENDS: Mapping[str, Callable[[Office, Call], CallResult]] = {
    "meters.find": _find_meter,
    "tariffs.quote": _quote,
    "tariffs.show": _tariff,
}

#: Questions to the ledger: the front desk answers them at once, whoever else is slow.
LEDGER_BACKENDS: Mapping[str, Callable[[Ledger, Call], CallResult]] = {
    "purchases.open": _open,
    "purchases.recent": _recent,
}
