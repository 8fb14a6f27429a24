"""What the platform says (`openapi.yaml`), as nouns, and the pure reading of its answers.

Money is in integers of minor units beside its currency, energy in integers of tenths of a kWh.
A reply with a wrong type, or about something else than was asked, is Unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints

from outward.results import Declined, Failure, NotFound, Reason, Result, Success, Unknown
from outward.transport import Reference, Reply, Told, doubt, read_as

DEFAULT_TARIFF: Final = "default"
"""The alias of the tariff that meters have by default; its reply bears the tariff's own id."""

_INTEGER_MAX: Final = 2**53  # what JSON carries exactly everywhere (RFC 8259, clause 6)


def _moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a moment has an offset")
    return text


Amount = Annotated[int, Field(ge=0, le=_INTEGER_MAX)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Moment = Annotated[str, StringConstraints(max_length=35), AfterValidator(_moment)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Meter(Reply):
    """A meter and whose it is. A name shown to a caller is masked: anyone can type a serial."""

    serial: str
    customer: Name
    status: Literal["active", "blocked"]
    tariff_id: Reference


class Tranche(Reply):
    """Energy above `from_kwh_tenths`, up to and with `to_kwh_tenths` (None: without end).

    The price is minor units a kWh, before tax.
    """

    from_kwh_tenths: Amount
    to_kwh_tenths: Amount | None
    price_minor_per_kwh: Amount


class Tariff(Reply):
    """Prices and limits. `label_example`: an example, which nobody is charged."""

    id: Reference
    name: Name
    label_example: bool
    currency: Currency
    tranches: list[Tranche] = Field(min_length=1, max_length=100)
    fixed_charge_minor: Amount
    vat_percent_hundredths: Amount
    minimum_kwh_tenths: Amount
    maximum_kwh_tenths: Amount
    rounding_step_minor: Amount


class Quote(Reply):
    """A price for some energy on a meter, all included, until `valid_until` (RFC 3339)."""

    id: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,64}$")]
    serial: str
    kwh_tenths: int
    # A price of nothing could not be debited: it is a tariff gone wrong.
    total_minor: Annotated[int, Field(ge=1, le=_INTEGER_MAX)]
    currency: Currency
    valid_until: Moment


class SaleRecord(Reply):
    """A sale as the platform has it. `token_last4` is None until it has its token."""

    purchase_id: str
    quote_id: str
    serial: str
    kwh_tenths: int
    amount_minor: int
    currency: str
    debit_ref: str
    status: Literal["recorded", "voided"]
    token_last4: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")] | None
    delivered: bool


class _Error(Reply):
    code: str
    message: Told = ""
    limit_kwh_tenths: Amount | None = None


_Body = Mapping[str, object] | None
_Refusals = Mapping[tuple[int, str], Reason]

_METER: Final[_Refusals] = {(404, "unknown_meter"): Reason.UNKNOWN_METER}
_TARIFF: Final[_Refusals] = {(404, "unknown_tariff"): Reason.REFUSED}
_QUOTE: Final[_Refusals] = {
    (404, "unknown_meter"): Reason.UNKNOWN_METER,
    (409, "meter_blocked"): Reason.METER_BLOCKED,
    (422, "below_minimum"): Reason.BELOW_MINIMUM,
    (422, "above_maximum"): Reason.ABOVE_MAXIMUM,
    (422, "bad_request"): Reason.REFUSED,
}
_SALE: Final[_Refusals] = {
    (409, "conflict"): Reason.CONFLICT,
    (409, "meter_blocked"): Reason.METER_BLOCKED,
    (422, "quote_unknown"): Reason.REFUSED,
    (422, "amount_mismatch"): Reason.REFUSED,
    (422, "bad_request"): Reason.REFUSED,
}
_TOKEN: Final[_Refusals] = {
    (404, "unknown_sale"): Reason.REFUSED,
    (409, "other_token"): Reason.CONFLICT,
    (409, "voided"): Reason.CONFLICT,
    (422, "bad_request"): Reason.REFUSED,
}
_VOID: Final[_Refusals] = {(409, "has_token"): Reason.CONFLICT}

_ANOTHER: Final = Unknown("the answer is about something else")


def read_meter(status: int, body: _Body, serial: str) -> Result[Meter]:
    """Read the answer to whose meter it is. A blocked meter is Declined, so none is sold to."""
    if status == 200 and (meter := read_as(Meter, body)):
        if meter.serial != serial:
            return _ANOTHER
        if meter.status == "blocked":
            return Declined(Reason.METER_BLOCKED)
        return Success(meter)
    return _refused(status, body, _METER)


def read_tariff(status: int, body: _Body, tariff_id: str) -> Result[Tariff]:
    """Read a tariff; only the alias `default` may be answered under another id."""
    if status == 200 and (tariff := read_as(Tariff, body)):
        return Success(tariff) if tariff_id in {DEFAULT_TARIFF, tariff.id} else _ANOTHER
    return _refused(status, body, _TARIFF)


def read_quote(status: int, body: _Body, serial: str, kwh_tenths: int) -> Result[Quote]:
    """Read a quote; a limit that was passed is told in tenths of a kWh."""
    if status == 201 and (quote := read_as(Quote, body)):
        same = (quote.serial, quote.kwh_tenths) == (serial, kwh_tenths)
        return Success(quote) if same else _ANOTHER
    return _refused(status, body, _QUOTE)


def read_sale_recorded(
    status: int, body: _Body, ordered: Mapping[str, object]
) -> Result[SaleRecord]:
    """Read the answer to recording a sale, whose `ordered` fields must come back as they went.

    A sale that was recorded and voided since is Declined(CONFLICT): it does not stand.
    """
    if status in {200, 201} and (sale := read_as(SaleRecord, body)):
        if any(getattr(sale, name) != value for name, value in ordered.items()):
            return _ANOTHER
        if sale.status == "voided":
            return Declined(Reason.CONFLICT, "this sale was voided")
        return Success(sale)
    return _refused(status, body, _SALE)


def read_sale(status: int, body: _Body, purchase_id: str) -> Result[SaleRecord]:
    """Read a sale that was asked about."""
    if status == 200 and (sale := read_as(SaleRecord, body)):
        return Success(sale) if sale.purchase_id == purchase_id else _ANOTHER
    return NotFound() if _unknown_sale(status, body) else doubt(status)


def read_token_noted(status: int, body: _Body, purchase_id: str, token: str) -> Result[None]:
    """Read the answer to noting a token: the platform answers its last four digits."""
    if status == 200 and (sale := read_as(SaleRecord, body)):
        noted = (sale.purchase_id, sale.status, sale.token_last4)
        return Success(None) if noted == (purchase_id, "recorded", token[-4:]) else _ANOTHER
    return _refused(status, body, _TOKEN)


def read_voided(status: int, body: _Body, purchase_id: str) -> Result[None]:
    """Read the answer to voiding a sale. One the platform never had is as good as void."""
    if status == 200 and (sale := read_as(SaleRecord, body)):
        voided = (sale.purchase_id, sale.status) == (purchase_id, "voided")
        return Success(None) if voided else _ANOTHER
    return Success(None) if _unknown_sale(status, body) else _refused(status, body, _VOID)


def _unknown_sale(status: int, body: _Body) -> bool:
    error = read_as(_Error, body)
    return status == 404 and error is not None and error.code == "unknown_sale"


def _refused(status: int, body: _Body, refusals: _Refusals) -> Failure:
    error = read_as(_Error, body)
    reason = refusals.get((status, error.code)) if error else None
    if error is None or reason is None:
        return doubt(status)
    return Declined(reason, error.message, error.limit_kwh_tenths)
