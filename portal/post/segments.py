"""RULES  How many segments an SMS takes, by GSM 03.38 and UCS-2, as phones and providers count.

One segment alone holds 160 septets or 70 UTF-16 units; in a longer message each holds 153 or 67. A sign that takes two
places is never cut in half. Source: 3GPP TS 23.038 (alphabet) and TS 23.040 (concatenation header of six octets).
"""

from __future__ import annotations

from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
_PLAINER: Final = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " "})


def plainer(text: str) -> str:
    """Give a text with typographic signs made plain: one of them would make the whole message twice as long."""
    return text.translate(_PLAINER)


def is_gsm(text: str) -> bool:
    """Say whether a text is written in the alphabet that takes seven bits a sign."""
    return all(sign in _BASIC or sign in _EXTENDED for sign in text)


def segments(text: str) -> int:
    """Give how many segments a text takes; an empty one takes one.

    >>> segments("a" * 160), segments("a" * 161), segments("好" * 70), segments("好" * 71)
    (1, 2, 1, 2)
    """
    if is_gsm(text):
        sizes, alone, each = [2 if sign in _EXTENDED else 1 for sign in text], 160, 153
    else:
        sizes, alone, each = [2 if ord(sign) > 0xFFFF else 1 for sign in text], 70, 67
    if sum(sizes) <= alone:
        return 1
    count, used = 1, 0
    for size in sizes:
        if used + size > each:
            count, used = count + 1, 0
        used += size
    return count
