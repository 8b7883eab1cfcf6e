"""RULES: what of a name is looked for, whatever its script, order, accents and capitals; and how far two words differ.

A name is a set of terms: words of scripts that have words, single signs of those that write names without spaces.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations

from opencc import OpenCC
from rapidfuzz.distance import OSA

# Of a name with more than these, the rest is not looked for.
MOST_TERMS = 6
# Letters that no rule of Unicode takes apart, as people write them on keyboards without them.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})
# O'Brien, O’Brien and OBrien are one.
_INSIDE_A_WORD = frozenset("'’ʼ`´")
# A letter's accents; signs of Indian scripts that are letters of their own stand below or between these classes.
_ACCENTS = (*range(10, 36), *range(200, 241))
# Of longer words only the beginning is spelled in other ways: so many letters tell words apart.
SPELLED = 7
_LONG = 7
_SHORTEST_WITH_SLIPS = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody types to find a name: whole terms, and first letters as in “J. Smith”."""

    terms: tuple[str, ...]
    initials: tuple[str, ...]


def _is_sign(letter: str) -> bool:
    """Say whether names in this letter's script are written without spaces: Chinese characters, Korean syllables."""
    return "\u3400" <= letter <= "\u9fff" or "\uac00" <= letter <= "\ud7a3" or "\U00020000" <= letter <= "\U0003ffff"


@cache
def _converter() -> OpenCC:
    return OpenCC("t2s")


@lru_cache(maxsize=16_384)
def _simplified(sign: str) -> str:
    """Give a Chinese sign as it is written in Simplified Chinese; sign by sign, so one is the same in every name."""
    written: str = _converter().convert(sign)
    return written


def fold(text: str) -> str:
    """Give a text without capitals, accents and widths.

    >>> fold("Ｍüller ŁUKASZ O’Brien")
    'muller lukasz obrien'
    """
    if text.isascii():
        plain = text.lower()
    else:
        apart = unicodedata.normalize("NFKD", text)
        bare = "".join(sign for sign in apart if unicodedata.combining(sign) not in _ACCENTS)
        plain = unicodedata.normalize("NFC", bare.casefold()).translate(_PLAIN)
    return "".join(sign for sign in plain if sign not in _INSIDE_A_WORD)


def _words(text: str, *, as_written: bool) -> Iterator[str]:
    word = ""
    for sign in fold(text):
        if _is_sign(sign):
            if word:
                yield word
            word = ""
            yield sign if as_written else _simplified(sign)
        elif sign.isalnum() or (word and unicodedata.category(sign).startswith("M")):
            word += sign
        elif word:
            yield word
            word = ""
    if word:
        yield word


def terms(name: str, *, as_written: bool = False) -> tuple[str, ...]:
    """Give the terms of a name, each once, in the order of the name; numbers are none.

    Traditional Chinese signs are given as simplified ones, except `as_written`, as they were kept before.

    >>> terms("GARCÍA-López, María"), terms("陳小龍")
    (('garcia', 'lopez', 'maria'), ('陈', '小', '龙'))
    """
    plain = name.isascii() and name.replace(" ", "").isalpha()
    words = (
        name.lower().split() if plain else (word for word in _words(name, as_written=as_written) if not word.isdigit())
    )
    return tuple(dict.fromkeys(words))[:MOST_TERMS]


def asked(typed: str) -> Asked:
    """Read what somebody types to find a name; a single letter of an alphabet is a first letter.

    >>> asked("J. Smith")
    Asked(terms=('smith',), initials=('j',))
    """
    found = terms(typed)
    whole = tuple(term for term in found if len(term) > 1 or _is_sign(term))
    return Asked(whole, tuple(term for term in found if term not in whole))


def slips(term: str) -> int:
    """Give how many letters of a term may be wrong, missing, too many or swapped: none in short words.

    >>> slips("li"), slips("maria"), slips("kowalski")
    (0, 1, 2)
    """
    if len(term) < _SHORTEST_WITH_SLIPS:
        return 0
    return 1 if len(term) < _LONG else 2


def spellings(term: str, *, most: int = 2) -> frozenset[str]:
    """Give a term's beginning with up to as many letters left out as may be wrong, and no more than `most`.

    Two terms that differ by so many slips have a spelling in common, so one is found from the other by looking up a few
    dozen keys (W. Garbe, symmetric delete spelling correction).

    >>> sorted(spellings("ana"))
    ['aa', 'an', 'ana', 'na']
    """
    start = term[:SPELLED]
    return frozenset(
        "".join(letter for place, letter in enumerate(start) if place not in left_out)
        for count in range(min(slips(term), most) + 1)
        for left_out in combinations(range(len(start)), count)
    )


def distance(one: str, other: str, *, most: int) -> int:
    """Give how many slips lie between two words: a wrong, missing or extra letter, or two swapped; `most` + 1 if more.

    >>> distance("maria", "mraia", most=2), distance("anna", "otto", most=2)
    (1, 3)
    """
    return OSA.distance(one, other, score_cutoff=most)


def fits(wanted: Asked, name: str) -> int | None:
    """Give by how many slips a name differs from what was asked for, or None if it is another name.

    Of three terms or more one may be another: a middle name, or one of a Chinese name's characters. It counts as three
    slips.
    """
    left = list(terms(name))
    total = 0
    unfound = 0
    for term in wanted.terms:
        if term in left:
            left.remove(term)
            continue
        best = min(((_between(term, other), other) for other in left), default=None)
        if best is None or best[0] > slips(term):
            unfound += 1
            total += 3
            continue
        total += best[0]
        left.remove(best[1])
    if unfound > (1 if len(wanted.terms) > 2 else 0):  # noqa: PLR2004 - as said above
        return None
    for letter in wanted.initials:
        started = next((other for other in left if other.startswith(letter)), None)
        # O Brien is also written as one word.
        if started is None and not any(other.startswith(letter) for other in terms(name)):
            return None
        if started is not None:
            left.remove(started)
    return total


def _between(term: str, other: str) -> int:
    return distance(term, other, most=min(slips(term), slips(other)))


def pairs(of: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give every term with every other one, both ways; a name of one term gives it with nothing."""
    if len(of) == 1:
        yield of[0], ""
    for one in of:
        for other in of:
            if one != other:
                yield one, other
