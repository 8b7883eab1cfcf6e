"""Long lists, a page at a time: newer and older, by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Pages:
    """Which page is shown, of how many; a page that isn't there is the nearest one."""

    number: int
    count: int
    total: int

    @property
    def newer(self) -> int | None:
        """Give the page before this one, or None on the first."""
        return self.number - 1 if self.number > 1 else None

    @property
    def older(self) -> int | None:
        """Give the page after this one, or None on the last."""
        return self.number + 1 if self.number < self.count else None


def pages_of(total: int, asked: str | None, *, size: int) -> Pages:
    """Give the page that was asked for in an address, whatever stands there."""
    count = max(-(-total // size), 1)
    number = int(asked) if asked and asked.isascii() and asked.isdigit() and len(asked) < 9 else 1
    return Pages(number=min(max(number, 1), count), count=count, total=total)


def page_of(items: Sequence[Item], asked: str | None, *, size: int) -> tuple[Sequence[Item], Pages]:
    """Give the items of the page that was asked for."""
    pages = pages_of(len(items), asked, size=size)
    return items[(pages.number - 1) * size : pages.number * size], pages
