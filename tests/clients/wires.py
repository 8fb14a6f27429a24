"""Every operation of every driver, with an answer that is good and answers that nearly are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from hes_adapter.drivers.base import HeadEndSystem
from hes_adapter.drivers.embedded import EmbeddedHes
from operator_client.sms.base import SmsCentre
from operator_client.sms.sandbox import SandboxSms
from operator_client.wallet.base import DebitRequest, RefundRequest, Wallet
from operator_client.wallet.sandbox import SandboxWallet
from outward.results import Result
from outward.transport import Transport
from platform_client.client import Platform, Sale

SERIAL: Final = "04246801379"
TOKEN: Final = "01234567890123456789"
DEBIT: Final = DebitRequest("P7K2M9:debit", "+22670999000", 1135, "XOF", "P7K2M9", "10 kWh 1379")
REFUND: Final = RefundRequest("P7K2M9:refund", "P7K2M9:debit", 1135, "XOF")
SALE: Final = Sale("P7K2M9", "q-1", SERIAL, 100, 1135, "XOF", "OP9F2C", "2026-11-23T08:00:05+00:00")

PAID: Final = {
    "status": "success",
    "operator_ref": "OP9F2C",
    "amount_minor": 1135,
    "currency": "XOF",
    "at": "2026-11-23T08:00:05Z",
}
VEND: Final = {
    "vend_id": "P7K2M9",
    "serial": SERIAL,
    "kwh_tenths": 100,
    "token": TOKEN,
    "tid": 6780000,
    "issued_at": "2026-11-23T08:00:07Z",
    "delivery": "pending",
    "delivery_result": None,
}
METER: Final = {
    "serial": SERIAL,
    "customer": "Awa Ouedraogo",
    "status": "active",
    "tariff_id": "default",
}
TARIFF: Final = {
    "id": "menage-exemple",
    "name": "Menage (exemple)",
    "label_example": True,
    "currency": "XOF",
    "valid_from": "2006-09-01",
    "tranches": [
        {"from_kwh_tenths": 0, "to_kwh_tenths": 500, "price_minor_per_kwh": 96},
        {"from_kwh_tenths": 500, "to_kwh_tenths": None, "price_minor_per_kwh": 102},
    ],
    "fixed_charge_minor": 0,
    "vat_percent_hundredths": 1800,
    "minimum_kwh_tenths": 5,
    "maximum_kwh_tenths": 5000,
    "rounding_step_minor": 5,
}
QUOTE: Final = {
    "id": "q-1",
    "serial": SERIAL,
    "kwh_tenths": 100,
    "tariff_id": "menage-exemple",
    "total_minor": 1135,
    "currency": "XOF",
    "valid_until": "2026-11-23T08:10:00Z",
}
RECORDED: Final = {
    "purchase_id": "P7K2M9",
    "quote_id": "q-1",
    "serial": SERIAL,
    "kwh_tenths": 100,
    "amount_minor": 1135,
    "currency": "XOF",
    "debit_ref": "OP9F2C",
    "sold_at": "2026-11-23T08:00:05Z",
    "recorded_at": "2026-11-23T08:00:06Z",
    "status": "recorded",
    "token_last4": None,
    "delivered": False,
}
NOTED: Final = RECORDED | {"token_last4": TOKEN[-4:]}
VOIDED: Final = RECORDED | {"status": "voided"}


@dataclass(frozen=True)
class Operation:
    """One operation: how it is called, what it sends, its good answer and what almost is one.

    `near` are changes to the good answer that must each make it Unknown.
    """

    name: str
    call: Callable[[Transport, float], Result[Any]]
    line: str
    status: int
    good: dict[str, Any]
    near: list[dict[str, Any]] = field(default_factory=list)

    def __str__(self) -> str:
        return self.name


def wallet(transport: Transport) -> Wallet:
    return SandboxWallet(transport)


def centre(transport: Transport) -> SmsCentre:
    return SandboxSms(transport)


def hes(transport: Transport) -> HeadEndSystem:
    return EmbeddedHes(transport)


def platform(transport: Transport) -> Platform:
    return Platform(transport, transport)


_PAID_NEARLY: Final[list[dict[str, Any]]] = [
    {"status": "succes"},
    {"status": "CREATED"},
    {"status": "pending"},
    {"status": ["success"]},
    {"status": None},
    {"amount_minor": 1136},
    {"amount_minor": 1135.0},
    {"amount_minor": "1135"},
    {"amount_minor": True},
    {"amount_minor": -1135},
    {"currency": "USD"},
    {"currency": None},
    {"operator_ref": ""},
    {"operator_ref": None},
    {"operator_ref": "two\nlines"},
    {"operator_ref": "x" * 129},
]
_VEND_NEARLY: Final[list[dict[str, Any]]] = [
    {"vend_id": "P7K2M8"},
    {"token": TOKEN[1:]},
    {"token": "99999999999999999999"},
    {"token": "0123456789012345678x"},
    {"token": int(TOKEN)},
    {"token": None},
    {"kwh_tenths": "100"},
    {"delivery": "lost"},
]
_RECORDED_NEARLY: Final[list[dict[str, Any]]] = [
    {"purchase_id": "P7K2M8"},
    {"status": "done"},
    {"delivered": "no"},
    {"token_last4": "12345"},
    {"amount_minor": "1135"},
]

OPERATIONS: Final = [
    Operation(
        "debit",
        lambda transport, seconds: wallet(transport).debit(DEBIT, seconds),
        "POST /wallet/debits ",
        200,
        PAID,
        _PAID_NEARLY,
    ),
    Operation(
        "debit_status",
        lambda transport, seconds: wallet(transport).debit_status(DEBIT.key, 1135, seconds),
        "GET /wallet/debits/P7K2M9%3Adebit ",
        200,
        PAID,
        _PAID_NEARLY,
    ),
    Operation(
        "refund",
        lambda transport, seconds: wallet(transport).refund(REFUND, seconds),
        "POST /wallet/refunds ",
        200,
        PAID,
        _PAID_NEARLY,
    ),
    Operation(
        "refund_status",
        lambda transport, seconds: wallet(transport).refund_status(REFUND.key, 1135, seconds),
        "GET /wallet/refunds/P7K2M9%3Arefund ",
        200,
        PAID,
        _PAID_NEARLY,
    ),
    Operation(
        "sms",
        lambda transport, seconds: centre(transport).send("s-1", "+22670999000", "Bo", seconds),
        "POST /sms ",
        202,
        {"provider_id": "SM0A", "parts": 1},
        [{"provider_id": ""}, {"provider_id": 7}, {"provider_id": None}],
    ),
    Operation(
        "vend",
        lambda transport, seconds: hes(transport).vend("P7K2M9", SERIAL, 100, seconds),
        "PUT /vends/P7K2M9 ",
        201,
        VEND,
        [*_VEND_NEARLY, {"serial": "04246802740"}, {"kwh_tenths": 101}],
    ),
    Operation(
        "last_vend",
        lambda transport, seconds: hes(transport).last_vend("P7K2M9", seconds),
        "GET /vends/P7K2M9 ",
        200,
        VEND,
        _VEND_NEARLY,
    ),
    Operation(
        "meter",
        lambda transport, seconds: platform(transport).meter(SERIAL, seconds),
        f"GET /meters/{SERIAL} ",
        200,
        METER,
        [{"serial": "04246802740"}, {"status": "asleep"}, {"customer": ""}, {"customer": 1}],
    ),
    Operation(
        "tariff",
        lambda transport, seconds: platform(transport).tariff("default", seconds),
        "GET /tariffs/default ",
        200,
        TARIFF,
        [{"tranches": []}, {"tranches": [{}]}, {"currency": "F"}, {"fixed_charge_minor": 1.5}],
    ),
    Operation(
        "quote",
        lambda transport, seconds: platform(transport).quote(SERIAL, 100, seconds),
        "POST /quotes ",
        201,
        QUOTE,
        [
            {"serial": "04246802740"},
            {"kwh_tenths": 101},
            {"total_minor": "1135"},
            {"total_minor": 0},
            {"total_minor": -5},
            {"total_minor": True},
            {"valid_until": "soon"},
            {"valid_until": "2026-11-23T08:10:00"},
            {"currency": None},
        ],
    ),
    Operation(
        "record_sale",
        lambda transport, seconds: platform(transport).record_sale(SALE, seconds),
        "PUT /sales/P7K2M9 ",
        201,
        RECORDED,
        [*_RECORDED_NEARLY, {"amount_minor": 1136}, {"quote_id": "q-2"}, {"debit_ref": "OP1"}],
    ),
    Operation(
        "sale",
        lambda transport, seconds: platform(transport).sale("P7K2M9", seconds),
        "GET /sales/P7K2M9 ",
        200,
        RECORDED,
        _RECORDED_NEARLY,
    ),
    Operation(
        "put_token",
        lambda transport, seconds: platform(transport).put_token(
            "P7K2M9", TOKEN, delivered=False, deadline_seconds=seconds
        ),
        "PUT /sales/P7K2M9/token ",
        200,
        NOTED,
        [*_RECORDED_NEARLY, {"token_last4": "0000"}, {"token_last4": None}, {"status": "voided"}],
    ),
    Operation(
        "void_sale",
        lambda transport, seconds: platform(transport).void_sale("P7K2M9", seconds),
        "POST /sales/P7K2M9/void ",
        200,
        VOIDED,
        [*_RECORDED_NEARLY, {"status": "recorded"}],
    ),
]
