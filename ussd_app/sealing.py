"""Nothing stands in clear in Redis: values are sealed (AEAD), keys are keyed hashes.

Sealing is ChaCha20-Poly1305 (RFC 8439) with a random 96-bit nonce before the ciphertext; the place
a value stands in is bound to it as associated data, so that a value moved elsewhere is refused.
Keys of the two uses are derived from one secret by HKDF-SHA-256 (RFC 5869). The same secret must be
given to every web and worker process.
"""

from __future__ import annotations

import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_OCTETS = 12


class SealBroken(Exception):  # noqa: N818  # says what happened, as the seal on a letter
    """A sealed value was changed, moved, or sealed under another secret."""


def _derive(secret: bytes, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=b"cassou", info=use).derive(secret)


class Sealer:
    """Seals values and hashes names under one secret of at least 32 octets."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 32:
            raise ValueError("the sealing secret needs at least 32 octets")
        self._aead = ChaCha20Poly1305(_derive(secret, b"seal"))
        self._name_key = _derive(secret, b"name")

    def __repr__(self) -> str:
        return "Sealer(…)"

    def seal(self, plain: bytes, place: bytes) -> bytes:
        """`plain`, readable only by `open` with the same secret and the same `place`."""
        nonce = os.urandom(_NONCE_OCTETS)
        return nonce + self._aead.encrypt(nonce, plain, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """What was sealed for `place`; raises `SealBroken`."""
        try:
            return self._aead.decrypt(sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:], place)
        except (InvalidTag, ValueError):
            raise SealBroken(f"a value at {place[:12]!r} does not open with this secret") from None

    def name(self, *parts: str) -> bytes:
        """A 16-octet keyed hash (BLAKE2b, RFC 7693): the same for the same parts, no more."""
        message = b"\x1f".join(part.encode() for part in parts)
        return hashlib.blake2b(message, key=self._name_key, digest_size=16).digest()
