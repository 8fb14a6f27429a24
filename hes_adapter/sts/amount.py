"""Tenths of a unit in 16 bits: a 2-bit exponent and a 14-bit mantissa.

Source: IEC 62055-41, clause 6.3 (data elements: Amount). The form serves class 0 subclasses 0 to 3,
and the watts of class 2 subclasses 0 and 6. Up to 16 383 tenths (1638.3 kWh) every amount is
exact; above, the steps are 10, 100 and 1000 tenths and the standard rounds up, in the client's
favour.
"""

from typing import Final

from hes_adapter.sts.token import StsError

EXACT_TENTHS_MAX: Final = 16_383
"""The largest amount below which nothing is rounded, in tenths."""

TENTHS_MAX: Final = 18_201_624
"""The largest amount a token can carry, in tenths."""

_MANTISSA_MAX: Final = 0x3FFF
_STEPS: Final = (1, 10, 100, 1000)
# What all smaller exponents together can express: each range begins where the last one ends.
_OFFSETS: Final = (0, 16_384, 180_224, 1_818_624)


def encode_amount(tenths: int) -> int:
    """Give the 16 bits for an amount in tenths, 0 to TENTHS_MAX, rounded up where steps are coarse.

    Raises StsError outside that range.
    """
    if not 0 <= tenths <= TENTHS_MAX:
        raise StsError(f"A token carries 0 to {TENTHS_MAX} tenths, not {tenths}.")
    for exponent, offset in enumerate(_OFFSETS):
        mantissa = max(0, -(-(tenths - offset) // _STEPS[exponent]))
        if mantissa <= _MANTISSA_MAX:
            return exponent << 14 | mantissa
    raise AssertionError("The last range ends at TENTHS_MAX, checked above.")


def decode_amount(value: int) -> int:
    """Give the tenths a meter credits for 16 bits. Raises StsError when `value` has more bits."""
    if value < 0 or value >> 16:
        raise StsError("An amount field has 16 bits; this value does not fit.")
    exponent, mantissa = value >> 14, value & _MANTISSA_MAX
    return _STEPS[exponent] * mantissa + _OFFSETS[exponent]
