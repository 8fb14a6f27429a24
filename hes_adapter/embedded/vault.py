"""Secrets at rest: vending keys and tokens under AES-256-GCM.

Two keys are derived from the master key by HKDF-SHA-256 (RFC 5869), one for each kind of secret,
so that neither can be swapped for the other. What a secret belongs to is its associated data: a
sealed token moved to another vend, or a sealed key given another base date, does not open.
"""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_OCTETS: Final = 12


class SealBrokenError(Exception):
    """A stored secret does not open.

    Either CASSOU_HES_MASTER_KEY is not the one the store was written with, or the row was altered.
    """


class Vault:
    """Seals and opens secrets. `master_key` is 32 bytes; the object shows none of it."""

    __slots__ = ("_keys", "_tokens")

    def __init__(self, master_key: bytes) -> None:
        self._keys = AESGCM(_derive(master_key, b"cassou hes: vending keys"))
        self._tokens = AESGCM(_derive(master_key, b"cassou hes: tokens"))

    def seal_key(self, secret: bytes, record: str) -> bytes:
        """Wrap a vending key; `record` is the canonical text of its properties."""
        return _seal(self._keys, secret, record)

    def open_key(self, sealed: bytes, record: str) -> bytes:
        """Unwrap a vending key. Raises SealBrokenError."""
        return _open(self._keys, sealed, record)

    def seal_token(self, digits: str, vend_id: str) -> bytes:
        """Encrypt the 20 digits of the token of a vend."""
        return _seal(self._tokens, digits.encode("ascii"), vend_id)

    def open_token(self, sealed: bytes, vend_id: str) -> str:
        """Decrypt the 20 digits of the token of a vend. Raises SealBrokenError."""
        return _open(self._tokens, sealed, vend_id).decode("ascii")


def _derive(master_key: bytes, label: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=label).derive(master_key)


def _seal(cipher: AESGCM, secret: bytes, belongs_to: str) -> bytes:
    nonce = os.urandom(_NONCE_OCTETS)
    return nonce + cipher.encrypt(nonce, secret, belongs_to.encode())


def _open(cipher: AESGCM, sealed: bytes, belongs_to: str) -> bytes:
    nonce, body = sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:]
    try:
        return cipher.decrypt(nonce, body, belongs_to.encode())
    except InvalidTag:
        raise SealBrokenError(
            "A stored secret does not open: CASSOU_HES_MASTER_KEY is not the one this store was"
            " written with, or the row was altered. Restore the right key or the backup."
        ) from None
