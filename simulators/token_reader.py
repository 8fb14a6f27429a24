"""How a meter reads a token: 20 digits to 66 bits to a block, and what the block asks for.

The meter's own reading of IEC 62055-41 (6.4 the transfer of a token, 6.3.5 the amount, 6.3.7 the
CRC), written apart from the code that makes tokens, so that one mistake cannot hide in both. Only
the cipher is shared.
"""

import re
from dataclasses import dataclass
from typing import Literal

from hes_adapter.sts.misty1 import Misty1

Kind = Literal["credit", "key_change", "other"]

TOKEN_BITS = 66
_POWERS = (1, 10, 100, 1000)
_OFFSETS = (0, 16384, 180224, 1818624)
_DIGITS = re.compile(r"[0-9]{20}")


class FormatError(ValueError):
    """Not a token: not 20 digits, or a number beyond 66 bits."""


class CrcError(ValueError):
    """The check sum is wrong: another meter's token, or a wrong digit."""


@dataclass(frozen=True, slots=True)
class ReadToken:
    """What a token says.

    `token_class` is 0 credit, 1 test and display, 2 management, 3 reserved. `tid` and
    `kwh_tenths` are set for an electricity credit only. `key_type` is the one a first section of
    a key change leads to. `manufacturer` is that of a class 1 token, 0 for any.
    """

    token_class: int
    subclass: int
    tid: int | None = None
    kwh_tenths: int | None = None
    key_type: int | None = None
    manufacturer: int | None = None

    @property
    def is_electricity_credit(self) -> bool:
        """Class 0, subclass 0: the only tokens these meters obey."""
        return self.token_class == 0 and self.subclass == 0


def read(token: str, decoder_key: bytes) -> ReadToken:
    """Read a token under a meter's decoder key (16 bytes, EA11).

    Raises FormatError or CrcError.
    """
    token_class, block = _split(token)
    if token_class in {0, 2}:
        block = Misty1(decoder_key).decrypt(block)
    subclass = block >> 60
    currency = token_class == 0 and 4 <= subclass <= 7
    if token_class != 3 and _crc(token_class, block >> 16, currency=currency) != block & 0xFFFF:
        raise CrcError("the check sum of the token is wrong for this meter")
    match token_class, subclass:
        case 0, 0:
            tid = block >> 32 & 0xFFFFFF
            return ReadToken(0, 0, tid=tid, kwh_tenths=_amount(block >> 16 & 0xFFFF))
        case 1, 0:
            return ReadToken(1, 0, manufacturer=block >> 16 & 0xFF)
        case 1, 1:
            return ReadToken(1, 1, manufacturer=block >> 16 & 0xFFFF)
        case 2, 3:
            # First section of a key change: KENHO(4) KRN(4) RO(1) 3KCT(1) KT(2) key(32).
            return ReadToken(2, 3, key_type=block >> 48 & 0b11)
        case _:
            return ReadToken(token_class, subclass)


def _split(token: str) -> tuple[int, int]:
    """The class and the 64-bit block: the class bits sit in 28 and 27, what was there on top."""
    if not _DIGITS.fullmatch(token) or int(token) >> TOKEN_BITS:
        raise FormatError("a token is 20 digits, at most 73786976294838206463")
    bits = int(token)
    displaced = bits >> 64
    block = bits & 0xFFFF_FFFF_FFFF_FFFF
    token_class = block >> 27 & 0b11
    return token_class, block & ~(0b11 << 27) | displaced << 27


def _crc(token_class: int, data: int, *, currency: bool) -> int:
    """CRC-16 (polynomial 0x8005 reflected, start 0xFFFF) over class and data, bytes swapped.

    A currency credit has one more byte, 0x01.
    """
    covered = (token_class << 48 | data).to_bytes(7, "big") + (b"\x01" if currency else b"")
    register = 0xFFFF
    for octet in covered:
        register ^= octet
        for _ in range(8):
            register = register >> 1 ^ (0xA001 if register & 1 else 0)
    return int.from_bytes(register.to_bytes(2, "little"), "big")


def _amount(field: int) -> int:
    """Tenths of a kWh from 2 bits of exponent and 14 of mantissa.

    Each exponent goes on where the one below it ends.
    """
    exponent, mantissa = field >> 14, field & 0x3FFF
    return _POWERS[exponent] * mantissa + _OFFSETS[exponent]
