"""Rules a typed value can be checked by (`check: [{rule: luhn, …}]`). Pure: text in, truth out."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    if not (digits.isascii() and digits.isdigit()):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


RULES: Mapping[str, Callable[[str], bool]] = {"luhn": luhn}
