"""The token: 20 decimal digits that stand for 66 bits, a 2-bit class and a 64-bit block.

Source: IEC 62055-41, clause 6.4 (transposition of the class bits, decimal digits). The
digits are a string, never a number: one token in ten begins with a zero, and a zero lost on the
way is a token the meter refuses.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

_TWENTY_DIGITS: Final = re.compile(r"[0-9]{20}")
_CLASS_SHIFT: Final = 27
_CLASS_BITS: Final = 0b11 << _CLASS_SHIFT


class StsError(ValueError):
    """An input the standard does not allow. The message never holds a token or a key."""


class MalformedTokenError(StsError):
    """Not 20 decimal digits, or more than 66 bits. Check the digits and enter them again."""


class UnsupportedTokenError(StsError):
    """A well-formed token of a class or subclass that this reader does not handle."""


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """Twenty digits, checked.

    `digits` is the whole token; `repr` and `str` show its last four digits only, so that a token
    that slips into a log or a traceback cannot be entered into a meter.

    Raises MalformedTokenError.
    """

    digits: str

    def __post_init__(self) -> None:
        if not _TWENTY_DIGITS.fullmatch(self.digits):
            raise MalformedTokenError(
                f"A token is 20 digits from 0 to 9, this text of {len(self.digits)} characters"
                " is not."
            )
        if int(self.digits) >> 66:
            raise MalformedTokenError("These 20 digits are above the largest token (2^66 - 1).")

    def __repr__(self) -> str:
        return f"Token(…{self.last4})"

    __str__ = __repr__

    @property
    def last4(self) -> str:
        """The four digits a log or a list may show."""
        return self.digits[-4:]

    def grouped(self) -> str:
        """Give the digits as they are printed for a client: five groups of four."""
        return " ".join(self.digits[at : at + 4] for at in range(0, 20, 4))

    @classmethod
    def join(cls, token_class: int, block: int) -> Self:
        """Make the token of a class (0-3) and a 64-bit block, encrypted where the class asks it.

        The class takes the place of bits 28 and 27 of the block; the two bits that stood there
        move to the top. Raises StsError for a class or block out of range.
        """
        if not 0 <= token_class <= 3:
            raise StsError(f"A token class is 0 to 3, not {token_class}.")
        if block < 0 or block >> 64:
            raise StsError("A data block is an integer of 64 bits; this one does not fit.")
        displaced = (block & _CLASS_BITS) >> _CLASS_SHIFT
        bits = (block & ~_CLASS_BITS) | (token_class << _CLASS_SHIFT) | (displaced << 64)
        return cls(f"{bits:020d}")

    def split(self) -> tuple[int, int]:
        """Give the class and the 64-bit block of the token: `join` undone."""
        bits = int(self.digits)
        token_class = (bits & _CLASS_BITS) >> _CLASS_SHIFT
        displaced = bits >> 64
        low = bits & 0xFFFFFFFFFFFFFFFF & ~_CLASS_BITS
        return token_class, low | (displaced << _CLASS_SHIFT)
