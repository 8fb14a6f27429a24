"""Electricity credit: class 0, subclass 0.

Source: IEC 62055-41, clause 6.2 (Class 0: TransferCredit). The 48 bits of content are, from the
left: subclass (4), RND (4), TID (24), amount (16). The RND nibble only
makes the digits look unlike those of the minute before; a meter does not check it, and it does
not make two tokens different for a meter.

Water, gas and time credit have the same layout under another subclass, currency credit another
CRC and a sign; each is a module of its own beside this one.
"""

from dataclasses import dataclass
from typing import Final

from hes_adapter.sts.amount import TENTHS_MAX, decode_amount, encode_amount
from hes_adapter.sts.block import BlockCipher, with_crc, without_crc
from hes_adapter.sts.tid import TID_MAX
from hes_adapter.sts.token import StsError, Token, UnsupportedTokenError

_CLASS: Final = 0
_SUBCLASS: Final = 0


@dataclass(frozen=True, slots=True)
class ElectricityCredit:
    """What an electricity credit token says.

    `tid`: minutes since the base date of the key, 24 bits. `kwh_tenths`: 0 to 18 201 624.
    `rnd`: 0 to 15. Raises StsError when a field is out of range.
    """

    tid: int
    kwh_tenths: int
    rnd: int

    def __post_init__(self) -> None:
        if not 0 <= self.tid <= TID_MAX:
            raise StsError(f"A TID has 24 bits; {self.tid} does not fit.")
        if not 0 <= self.kwh_tenths <= TENTHS_MAX:
            raise StsError(f"A token carries 0 to {TENTHS_MAX} tenths, not {self.kwh_tenths}.")
        if not 0 <= self.rnd <= 15:
            raise StsError(f"RND is 0 to 15, not {self.rnd}.")


def encode_electricity_credit(credit: ElectricityCredit, cipher: BlockCipher) -> Token:
    """Make the token. Above 16 383 tenths the amount is rounded up to what a token can carry."""
    content = (
        _SUBCLASS << 44 | credit.rnd << 40 | credit.tid << 16 | encode_amount(credit.kwh_tenths)
    )
    return Token.join(_CLASS, cipher.encrypt(with_crc(_CLASS, content)))


def decode_electricity_credit(token: Token, cipher: BlockCipher) -> ElectricityCredit:
    """Read the token as its meter would; `kwh_tenths` is what the meter credits.

    Raises CrcError for a wrong digit or another meter's token, UnsupportedTokenError for another
    class or subclass.
    """
    token_class, block = token.split()
    if token_class != _CLASS:
        raise UnsupportedTokenError(f"This is a token of class {token_class}, not a credit token.")
    content = without_crc(_CLASS, cipher.decrypt(block))
    subclass = content >> 44
    if subclass != _SUBCLASS:
        raise UnsupportedTokenError(f"This credit is of subclass {subclass}, not electricity (0).")
    return ElectricityCredit(
        tid=content >> 16 & TID_MAX,
        kwh_tenths=decode_amount(content & 0xFFFF),
        rnd=content >> 40 & 0xF,
    )
