"""Passwords of staff: kept as argon2id hashes, refused where they are easily guessed, and no rules beyond that.

NIST SP 800-63B-4, 3.1.1.2: eight characters at least where there is a second factor, at least 64 allowed, no rules of
composition, no change without a reason, and none that is commonly used, expected or compromised. The list of those, and
the estimate of how many guesses one takes, are zxcvbn's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from enum import Enum
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

LEAST, MOST = 8, 200
# So many signs as typed become at least MOST when they are composed; to compose takes time by their number.
MOST_TYPED = 5 * MOST
# What the estimate reads: it takes longer with each character, and a password as long as this is good by then.
_ESTIMATED = 60
# So many guesses at the least; below it a patient person with the hash has it within hours.
_LEAST_GUESSES = 10**8
_hasher = PasswordHasher()


class Weak(Enum):
    """Why a password is refused."""

    SHORT = "short"
    LONG = "long"
    KNOWN = "known"


def plain(password: str) -> str:
    """Give a password in the one form that is hashed, however a keyboard composed its signs (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def weakness(password: str, *, about: Sequence[str]) -> Weak | None:
    """Say why a password is refused, or None; `about` is what anybody knows of its owner: name, e-mail, lender."""
    said = plain(password)
    if len(said) < LEAST:
        return Weak.SHORT
    if len(said) > MOST:
        return Weak.LONG
    parts = [part for word in about for part in (word, *word.replace("@", " ").replace(".", " ").split())]
    return Weak.KNOWN if zxcvbn(said[:_ESTIMATED], user_inputs=parts)["guesses"] < _LEAST_GUESSES else None


def hashed(password: str) -> str:
    """Give the argon2id hash to keep, with its own salt and cost."""
    return _hasher.hash(plain(password))


@cache
def _nobodys() -> str:
    """Give what is checked where nobody has the address, so that it takes as long; no command needs to wait for it."""
    return _hasher.hash("nobody's")


def fits(kept: str | None, password: str) -> bool:
    """Say whether a password is the one behind a hash; without a hash it takes as long and never fits."""
    try:
        return _hasher.verify(kept or _nobodys(), plain(password)[:MOST]) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_old(kept: str) -> bool:
    """Say whether a hash was made at a lower cost than today's, and should be made anew."""
    return _hasher.check_needs_rehash(kept)
