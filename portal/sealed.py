"""Secrets that the portal itself must read again, kept so that the database alone tells nobody what they are.

AES-256-GCM (NIST SP 800-38D) with a key derived from the installation's own by HKDF (RFC 5869). What a secret belongs
to is sealed with it, so that one row's can't be put into another's.
"""

from __future__ import annotations

import base64
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = "1."
_NONCE = 12


class CannotOpen(Exception):
    """The text is no secret of this installation, or not of the thing that it is said to belong to."""


def seal(secret: str, *, of: str, key: str) -> str:
    """Give a secret as text for a column; `of` names whose it is and what for, `key` is the installation's."""
    nonce = secrets.token_bytes(_NONCE)
    closed = nonce + _cipher(key).encrypt(nonce, secret.encode(), of.encode())
    return _VERSION + base64.urlsafe_b64encode(closed).decode()


def is_sealed(text: str) -> bool:
    """Say whether a text is a sealed secret, and not one from before secrets were sealed."""
    return text.startswith(_VERSION)


def unseal(text: str, *, of: str, key: str) -> str:
    """Give the secret back.

    :raises CannotOpen: if it is another thing's, another installation's, or damaged.
    """
    try:
        closed = base64.urlsafe_b64decode(text.removeprefix(_VERSION).encode())
        return _cipher(key).decrypt(closed[:_NONCE], closed[_NONCE:], of.encode()).decode()
    except (ValueError, InvalidTag) as problem:
        raise CannotOpen(of) from problem


@lru_cache(maxsize=4)
def _cipher(key: str) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=b"portal: sealed").derive(key.encode()))
