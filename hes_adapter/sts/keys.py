"""Vending keys, and the decoder keys derived from them for each meter.

Source: IEC 62055-41 edition 3, clause 6.5 (DecoderKey generation, algorithm 04: HMAC-SHA-256).
A vending key belongs to a supply group; a decoder key belongs to one meter. Neither is ever shown:
what may be shown is the key check value.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Final

from hes_adapter.sts.misty1 import Misty1
from hes_adapter.sts.serial import check_pan
from hes_adapter.sts.tid import BaseDate
from hes_adapter.sts.token import StsError

VENDING_KEY_OCTETS: Final = 20
"""DKGA04 takes a vending key of 160 bits."""

_DECODER_KEY_BITS: Final = {"07": 64, "11": 128}
_SGC: Final = re.compile(r"[0-9]{6}")
_TI: Final = re.compile(r"[0-9]{2}")
_CHECK_VALUE_LABEL: Final = b"cassou key check value"


class KeyRecordError(StsError):
    """A vending key with a property the standard, or this code, does not allow."""


@dataclass(frozen=True, slots=True)
class VendingKey:
    """A vending key with everything that decides how tokens are made under it.

    `sgc`: supply group code, 6 digits. `krn`: key revision number, 1 to 9. `kt`: key type, 0
    initialisation, 1 default, 2 unique; only 2 sells credit (the derivation for 3, common, differs
    and is not offered). `ea`: encryption algorithm, "07" or "11". `dkga`: decoder key generation
    algorithm, "04". `base_date`: where TIDs start; it belongs to the key, there is no default.
    `ken`: key expiry number, 0 to 255 (255: never). `test`: true for a key that must not sell for
    money. `secret`: the 20 bytes, in no repr.

    Raises KeyRecordError.
    """

    sgc: str
    krn: int
    kt: int
    ea: str
    dkga: str
    base_date: BaseDate
    ken: int
    test: bool
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not _SGC.fullmatch(self.sgc):
            raise KeyRecordError("A supply group code has 6 digits.")
        if not 1 <= self.krn <= 9:
            raise KeyRecordError(f"A key revision number is 1 to 9, not {self.krn}.")
        if self.kt not in (0, 1, 2):
            raise KeyRecordError(f"Key type {self.kt} is not offered, only 0, 1 and 2.")
        if self.ea not in _DECODER_KEY_BITS:
            raise KeyRecordError(f"Encryption algorithm {self.ea!r} is neither 07 nor 11.")
        if self.dkga != "04":
            raise KeyRecordError(f"Decoder key generation {self.dkga!r} is not offered, only 04.")
        if not 0 <= self.ken <= 255:
            raise KeyRecordError(f"A key expiry number is 0 to 255, not {self.ken}.")
        if len(self.secret) != VENDING_KEY_OCTETS:
            raise KeyRecordError(
                f"A vending key for DKGA04 has {VENDING_KEY_OCTETS} bytes, not {len(self.secret)}."
            )

    @property
    def check_value(self) -> str:
        """Six hex digits by which two people can tell that they hold the same key.

        Our own rule, for the standard names none for 160-bit keys: the first three bytes of
        HMAC-SHA-256 under the key over the ASCII text "cassou key check value".
        """
        return hmac.new(self.secret, _CHECK_VALUE_LABEL, hashlib.sha256).hexdigest()[:6]


def derivation_message(key: VendingKey, pan: str, ti: str) -> bytes:
    """Give the octets DKGA04 authenticates for the meter with this PAN and tariff index.

    Each field is one length octet and ASCII text, except the two separators and the key length in
    bits at the end. Raises SerialError for a bad PAN, KeyRecordError for a tariff index that is
    not two digits.
    """
    check_pan(pan)
    if not _TI.fullmatch(ti):
        raise KeyRecordError("A tariff index has 2 digits.")
    algorithm = b"".join(map(_field, (key.dkga, key.base_date.code, key.ea, ti)))
    account = b"".join(map(_field, (key.sgc, str(key.kt), str(key.krn), pan)))
    bits = _DECODER_KEY_BITS[key.ea]
    return b"\x04" + algorithm + b"\x00\x04" + account + bits.to_bytes(4, "big")


def decoder_key(key: VendingKey, pan: str, ti: str) -> bytes:
    """Derive the decoder key of one meter: 16 bytes for EA11, 8 for EA07. Raises as above."""
    message = derivation_message(key, pan, ti)
    digest = hmac.new(key.secret, message, hashlib.sha256).digest()
    return digest[: _DECODER_KEY_BITS[key.ea] // 8]


def cipher_for(key: VendingKey, pan: str, ti: str) -> Misty1:
    """Give the cipher of one meter under its decoder key.

    Raises KeyRecordError when the key is for EA07, whose tables are licensed and not part of this
    project.
    """
    if key.ea != "11":
        raise KeyRecordError("Tokens are made with EA11; EA07 needs licensed tables.")
    return Misty1(decoder_key(key, pan, ti))


def _field(text: str) -> bytes:
    return bytes((len(text),)) + text.encode("ascii")
