"""What the market registers for its flows: a filter, a rule, three functions. Pure.

Prices are whole francs. A value of a flow is an int, a text, or a truth; a decimal is a text.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from ussd_app.application import Application

#: Amounts are paid in coins: the smallest is five francs.
_COIN = 5
#: Percent off, by the letter a coupon begins with.
_PERCENT = {"A": 5, "B": 10, "C": 20}
_FRIDAY = 4


def kg(value: object, _language: str) -> str:
    """A weight as the client reads it; both languages of the market write a decimal comma."""
    return f"{str(value).replace('.', ',')} kg"


def coupon(typed: str) -> bool:
    """Whether a typed code may be a coupon: A, B or C, then five digits that sum to a ten."""
    letter, digits = typed[:1].upper(), typed[1:]
    if letter not in _PERCENT or len(digits) != 5 or not (digits.isascii() and digits.isdigit()):
        return False
    return sum(int(digit) for digit in digits) % 10 == 0


def price(price: object, kg: object) -> int:
    """What so many kilograms cost, in francs, to the nearest coin."""
    exact = Decimal(str(price)) * Decimal(str(kg)) / _COIN
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP)) * _COIN


def discount(total: object, coupon: object) -> int | None:
    """The francs a coupon takes off a total, whole coins; None where it is no coupon."""
    percent = _PERCENT.get(str(coupon)[:1].upper())
    if percent is None:
        return None
    return int(str(total)) * percent // 100 // _COIN * _COIN


def open_on(day: object) -> bool:
    """Whether the market is open on a day, YYYY-MM-DD: on every day but Friday."""
    return date.fromisoformat(str(day)).weekday() != _FRIDAY


#: Named by `CASSOU_APPLICATION=examples.market.application:APPLICATION`.
APPLICATION = Application(
    filters={"kg": kg},
    rules={"coupon": coupon},
    functions={
        "market.price": price,
        "market.discount": discount,
        "market.open_on": open_on,
    },
)
