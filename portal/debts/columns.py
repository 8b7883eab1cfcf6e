"""RULES  Read a whole column of plain cells at once, which takes a fraction of reading them one by one.

Each of these looks at all cells together and only asks whether they are all plain; where they are not, or may not be,
the reader of one cell does the work. So a column gives what its cells give one by one, or refuses as the first would.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from portal.debts.cells import SUSPICIOUS, plain_email

ReadCell = Callable[[str], Any]
ReadColumn = Callable[[Sequence[str]], Sequence[Any]]

# No cell may have it, so that two cells can't become three.
_JOINT = "|"
_UNTIDY = (
    "  ",
    f" {_JOINT}",
    f"{_JOINT} ",
    _JOINT * 2,
    *(f"{_JOINT}{sign}" for sign in sorted(SUSPICIOUS)),
)
_EDGES = frozenset(f" {_JOINT}") | SUSPICIOUS
_PHONES = re.compile(r"\+?[0-9]{5,15}(?:\|\+?[0-9]{5,15})*")


def one_by_one(read: ReadCell) -> ReadColumn:
    """Return the reader of a column that reads each cell."""
    return lambda cells: list(map(read, cells))


def _tidy(cells: Sequence[str]) -> str | None:
    """Return the cells in one text if each is printable, filled, trimmed and begins like text, with single spaces."""
    joined = _JOINT.join(cells)
    if (
        joined.isprintable()
        and joined
        and joined[0] not in _EDGES
        and joined[-1] not in _EDGES
        and joined.count(_JOINT) == len(cells) - 1
        and not any(untidy in joined for untidy in _UNTIDY)
    ):
        return joined
    return None


def texts(read: ReadCell, *, most: int, empty: frozenset[str]) -> ReadColumn:
    """Return a reader of names or references that passes plain text of at most `most` characters as it stands."""

    def column(cells: Sequence[str]) -> Sequence[str]:
        joined = _tidy(cells)
        if (
            joined is not None
            and "E+" not in joined
            and max(map(len, cells)) <= most
            and empty.isdisjoint(cells)
            and (joined.isascii() or (unicodedata.is_normalized("NFC", joined) and "\ufffd" not in joined))
        ):
            return cells
        return list(map(read, cells))

    return column


def emails(read: ReadCell) -> ReadColumn:
    """Return a reader of e-mail addresses that passes plain ones as they stand."""

    def column(cells: Sequence[str]) -> Sequence[Any]:
        joined = _tidy(cells)
        if joined is not None and ".." not in joined and all(map(plain_email, cells)) and max(map(len, cells)) <= 254:
            return cells
        return list(map(read, cells))

    return column


def phones(read: ReadCell) -> ReadColumn:
    """Return a reader of phone numbers that takes spaces and hyphens out of plain ones."""

    def column(cells: Sequence[str]) -> Sequence[Any]:
        joined = _JOINT.join(cells).replace(" ", "").replace("-", "")
        if _PHONES.fullmatch(joined) and joined.count(_JOINT) == len(cells) - 1:
            return joined.split(_JOINT)
        return list(map(read, cells))

    return column


def amounts(read: ReadCell, *, mark: str, exponent: int, largest: int) -> ReadColumn:
    """Return a reader of amounts in minor units, at once where each is written with all its decimals (120.50)."""
    amount = rf"[0-9]{{1,15}}{re.escape(mark)}[0-9]{{{exponent}}}"
    plain = re.compile(rf"{amount}(?:\|{amount})*")

    def column(cells: Sequence[str]) -> Sequence[Any]:
        joined = _JOINT.join(cells)
        if exponent and plain.fullmatch(joined) and joined.count(_JOINT) == len(cells) - 1:
            found = list(map(int, joined.replace(mark, "").split(_JOINT)))
            if max(found) <= largest:
                return found
        return list(map(read, cells))

    return column


def lowered(cells: Sequence[str], empty: frozenset[str]) -> list[str] | None:
    """Return plain ASCII cells with small letters, or None where one is not plain."""
    joined = _tidy(cells)
    if joined is None or not joined.isascii() or not empty.isdisjoint(cells):
        return None
    return joined.lower().split(_JOINT)
