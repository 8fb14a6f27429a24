"""The 64-bit data block: 48 bits of content and a CRC-16, under a cipher.

Source: IEC 62055-41, clauses 6.2 (Tokens) and 6.3 (data elements: CRC). What the 48 bits mean is
the business of the module of each kind of token; every kind begins with a 4-bit subclass.
"""

from typing import Final, Protocol

from hes_adapter.sts.token import StsError

_POLYNOMIAL_REFLECTED: Final = 0xA001  # x^16 + x^15 + x^2 + 1, least significant bit first


class CrcError(StsError):
    """The CRC does not match: a wrong digit, another meter's token, or another key's.

    A random block passes once in 65 536, so a match is a strong hint and not a proof.
    """


class BlockCipher(Protocol):
    """A 64-bit block cipher under one decoder key."""

    def encrypt(self, block: int) -> int:
        """Encrypt a 64-bit block."""
        ...

    def decrypt(self, block: int) -> int:
        """Decrypt a 64-bit block."""
        ...


def crc16(octets: bytes) -> int:
    """Give the CRC of `octets`, its two bytes in the order in which a token carries them.

    The register starts at 0xFFFF and is not inverted at the end. The low byte goes first, which
    is the reverse of how the number would normally be written.
    """
    register = 0xFFFF
    for octet in octets:
        register ^= octet
        for _ in range(8):
            carry = register & 1
            register >>= 1
            if carry:
                register ^= _POLYNOMIAL_REFLECTED
    return (register & 0xFF) << 8 | register >> 8


def with_crc(token_class: int, content: int) -> int:
    """Give the 64-bit block of 48 bits of content: the content, then the CRC.

    Raises StsError when the content does not fit 48 bits.
    """
    if content < 0 or content >> 48:
        raise StsError("The content of a data block has 48 bits; this one does not fit.")
    return content << 16 | crc16(_covered(token_class, content))


def without_crc(token_class: int, block: int) -> int:
    """Give the 48 bits of content of a block in clear. Raises CrcError."""
    content, crc = block >> 16, block & 0xFFFF
    if crc != crc16(_covered(token_class, content)):
        raise CrcError("The token's CRC does not match: a wrong digit, or another meter's token.")
    return content


def _covered(token_class: int, content: int) -> bytes:
    # The CRC covers 50 bits, filled up with six zero bits on the left to whole octets.
    return bytes((token_class,)) + content.to_bytes(6, "big")
