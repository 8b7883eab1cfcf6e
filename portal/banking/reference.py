"""RULES  References of creditors (ISO 11649): made, checked, written in groups of four, and found in any text.

Invariant: a reference counts where its check digits fit and where it is known; nothing near it is ever taken for it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

# "RF", two check digits, and up to 21 letters and digits of the creditor's own.
SHORTEST: Final = 5
LONGEST: Final = 25
_SHAPE: Final = re.compile(r"RF[0-9]{2}[0-9A-Z]{1,21}")
_NOT_OF_A_REFERENCE: Final = re.compile(r"[^0-9A-Z]+")
# What people put around a reference in a text, and not into it.
_AROUND: Final = " \t\r\n,;:()[]{}<>\"'“”‘’。，；：（）"
_CUT: Final = re.compile(rf"[{re.escape(_AROUND)}]+")


def _remainder(text: str) -> int:
    """Give the remainder by 97, with letters as the numbers from 10 on.

    >>> _remainder("539007547034RF18")
    1
    """
    return int("".join(str(int(sign, 36)) for sign in text)) % 97


def made(own: str) -> str:
    """Give the reference for a creditor's own part, of up to 21 letters and digits.

    >>> made("539007547034"), made("abc 123")
    ('RF18539007547034', 'RF47ABC123')

    :raises ValueError: if it can't be one.
    """
    part = _NOT_OF_A_REFERENCE.sub("", own.upper())
    if not 0 < len(part) <= LONGEST - 4 or not part.isascii():
        raise ValueError("a reference has 1 to 21 letters and digits of its own")
    return f"RF{98 - _remainder(part + 'RF00'):02d}{part}"


def is_valid(text: str) -> bool:
    """Say whether a text without spaces is a reference whose check digits fit.

    >>> is_valid("RF18539007547034"), is_valid("RF18539007547043"), is_valid("RF00539007547034")
    (True, False, False)
    """
    if not _SHAPE.fullmatch(text):
        return False
    # 00, 01 and 99 leave the same remainders as 97, 98 and 02, and are never made.
    return 2 <= int(text[2:4]) <= 98 and _remainder(text[4:] + text[:4]) == 1


def grouped(text: str) -> str:
    """Write a reference as people read it: in groups of four.

    >>> grouped("RF18539007547034")
    'RF18 5390 0754 7034'
    """
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def found_in(texts: Iterable[str]) -> frozenset[str]:
    """Give everything in some texts that may be a reference with fitting check digits, however it is written there.

    What follows a reference may look like a part of it, so of one place there may be several; who asks knows which one
    there is. Banks cut long texts into lines, also in the middle of a reference.

    >>> "RF18539007547034" in found_in(["Rate Mai rf18 5390-0754", "7034 danke"])
    True
    >>> found_in(["RF18 5390 0754 7O34"])
    frozenset()
    """
    found = set()
    for run in _runs(texts):
        start = run.find("RF")
        while start >= 0:
            for end in range(start + SHORTEST, min(start + LONGEST, len(run)) + 1):
                if is_valid(run[start:end]):
                    found.add(run[start:end])
            start = run.find("RF", start + 1)
    return frozenset(found)


def looks_damaged(texts: Iterable[str], *, like: int) -> bool:
    """Say whether a text has something that was meant as a reference of so many signs, and is none.

    >>> looks_damaged(["RF18 5390 0754 7O34"], like=16), looks_damaged(["surf 12"], like=16)
    (True, False)
    """
    return any(
        re.search(rf"(?<![0-9A-Z])RF[0-9OILSZB]{{2}}[0-9A-Z]{{{like - 7},}}", run, re.ASCII)
        for text in texts
        for run in [re.sub(r"(?<=[0-9A-Z])[ .\-/](?=[0-9A-Z])", "", _plain(text))]
    )


def _runs(texts: Iterable[str]) -> list[str]:
    """Give texts as the letters and digits in them: each by itself, and all of them as if a bank had cut one."""
    runs = [_NOT_OF_A_REFERENCE.sub("", _plain(text)) for text in texts]
    return [*runs, "".join(runs)] if len(runs) > 1 else runs


def _plain(text: str) -> str:
    """Give a text in capitals, with letters of any width as the usual ones."""
    return unicodedata.normalize("NFKC", text).upper()


def words_in(texts: Iterable[str]) -> frozenset[str]:
    """Give what in some texts may be a lender's own reference of a debt: a whole text, or a word that stands out in it.

    A word of a longer text is only one where it has a digit and is long enough not to be a year or a number of a house.

    >>> sorted(words_in(["LN-100037", "rent 2026, LN-100038."]))
    ['LN-100037', 'LN-100038', 'rent 2026, LN-100038.']
    """
    found = set()
    for text in texts:
        whole = " ".join(text.split())
        if whole:
            found.add(whole)
        for word in _CUT.split(text):
            plain = word.strip(".!?/")
            if len(plain) >= (8 if plain.isdigit() else 5) and any(sign.isdigit() for sign in plain):
                found.add(plain)
    return frozenset(found)
