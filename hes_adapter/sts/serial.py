"""Meter numbers: the decoder reference number on the label, and the PAN made of it.

Source: IEC 62055-41, clause 6.1 (MeterPAN). A DRN has 11 digits (2 of the manufacturer, 8 of the
serial number) or 13 (4 and 8); the last digit is a Luhn check digit. Checking it before taking
money catches every single mistyped digit and nearly every swap of neighbours.
"""

import re
from typing import Final

from hes_adapter.sts.token import StsError

_DRN: Final = re.compile(r"[0-9]{11}|[0-9]{13}")
_PAN: Final = re.compile(r"[0-9]{18}")
# The issuer numbers that make both lengths of DRN 17 digits long, before the PAN's check digit.
_ISSUER_BY_DRN_LENGTH: Final = {11: "600727", 13: "0000"}


class SerialError(StsError):
    """Not a meter number. Compare it with the label on the meter and enter it again."""


def luhn_digit(digits: str) -> str:
    """Give the Luhn check digit to append to `digits` (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        # Doubling starts with the digit that will stand next to the check digit.
        value = int(digit) * (1 if place % 2 else 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def check_serial(drn: str) -> None:
    """Raise SerialError unless `drn` is 11 or 13 digits with a matching check digit."""
    if not _DRN.fullmatch(drn):
        raise SerialError("A meter number has 11 or 13 digits. Check the label on the meter.")
    if luhn_digit(drn[:-1]) != drn[-1]:
        raise SerialError(
            "The check digit of this meter number does not match. Check the label on the meter."
        )


def pan_of(drn: str) -> str:
    """Give the 18-digit primary account number of a meter number. Raises SerialError."""
    check_serial(drn)
    account = _ISSUER_BY_DRN_LENGTH[len(drn)] + drn
    return account + luhn_digit(account)


def check_pan(pan: str) -> None:
    """Raise SerialError unless `pan` is 18 digits with a matching check digit."""
    if not _PAN.fullmatch(pan) or luhn_digit(pan[:-1]) != pan[-1]:
        raise SerialError("A PAN has 18 digits, the last a check digit; this one has not.")
