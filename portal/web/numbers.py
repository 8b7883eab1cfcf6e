"""Numbers that people read out on the phone: no letter that looks or sounds like another."""

from __future__ import annotations

import re
import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRTUVWXYZ"
_MARKS = re.compile(r"[\W_]+")
_NUMBER = re.compile(f"([A-Z]{{1,2}})([{ALPHABET}]{{4}})([{ALPHABET}]{{4}})([{ALPHABET}]{{2}})")


def public_number(prefix: str) -> str:
    """Make a number such as `Q-7K3M-2QXP-9T`: 49 random bits, so nobody guesses one and no two are alike."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(10))
    return f"{prefix}-{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def number_in(typed: str) -> str:
    """Give a number as it was made, whatever capitals and marks it is typed with; anything else as it stands.

    >>> number_in("plkg6yyceg qw"), number_in("PL KG6Y-YCEG-QW"), number_in("LN-100037")
    ('PL-KG6Y-YCEG-QW', 'PL-KG6Y-YCEG-QW', 'LN-100037')
    """
    found = _NUMBER.fullmatch(_MARKS.sub("", typed.upper()))
    return f"{found[1]}-{found[2]}-{found[3]}-{found[4]}" if found else typed.replace(" ", "").upper()
