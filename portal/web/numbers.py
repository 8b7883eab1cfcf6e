"""Numbers that people read out on the phone: no letter that looks or sounds like another."""

from __future__ import annotations

import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRTUVWXYZ"


def public_number(prefix: str) -> str:
    """Make a number such as `Q-7K3M-2QXP-9T`: 49 random bits, so nobody guesses one and no two are alike."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(10))
    return f"{prefix}-{letters[:4]}-{letters[4:8]}-{letters[8:]}"
