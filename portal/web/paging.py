"""Long lists, a page at a time: newer and older, by number, or after a key where a list grows without end."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from sqlalchemy import Date, Row, Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from portal.db import session

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


# Lists that grow: a page is what comes after a key, so that no page costs more than the first.


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of a list in one order, by a column and the row's id; a list is one stretch after the other.

    An index has the lender, the column and the id, in this order. The column is never null in the stretch.
    """

    query: Select[*tuple[Any, ...]]
    by: InstrumentedAttribute[Any]
    id: InstrumentedAttribute[uuid.UUID]
    newest_first: bool = True

    @property
    def _edge(self) -> tuple[Any, uuid.UUID]:
        """Give what all rows come after. Without it a database would not know where in the index to begin."""
        earliest, latest = (date.min, date.max) if isinstance(self.by.type, Date) else (_EARLIEST, _LATEST)
        return (latest, uuid.UUID(int=2**128 - 1)) if self.newest_first else (earliest, uuid.UUID(int=0))

    def read(self, after: tuple[Any, uuid.UUID] | None, limit: int) -> Sequence[Row[Any]]:
        """Give so many rows after a key, or from the beginning."""
        value, last = after or self._edge
        key = tuple_(self.by, self.id)
        edge = tuple_(literal(value, self.by.type), literal(last, self.id.type))
        order = (self.by.desc(), self.id.desc()) if self.newest_first else (self.by, self.id)
        where = key < edge if self.newest_first else key > edge
        return session.execute(
            self.query.add_columns(self.by.label("key_by"), self.id.label("key_id"))
            .where(where)
            .order_by(*order)
            .limit(limit)
        ).all()


_EARLIEST, _LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Seen:
    """A page of a list: its rows, and the keys of the next page and of none where this is the last, or the first."""

    rows: Sequence[Any]
    next: str | None
    is_first: bool


def page_after(stretches: Sequence[Stretch], asked: str | None, *, size: int) -> Seen:
    """Give the page after a key that stands in an address; what is no key is the beginning."""
    start = _key_of(stretches, asked)
    number, after = start or (0, None)
    rows: list[Any] = []
    places: list[int] = []
    while number < len(stretches) and len(rows) <= size:
        found = stretches[number].read(after, size + 1 - len(rows))
        rows += found
        places += [number] * len(found)
        number, after = number + 1, None
    more = len(rows) > size
    last = rows[size - 1] if more else None
    key = None if last is None else f"{places[size - 1]}_{last.key_by.isoformat()}_{last.key_id.hex}"
    return Seen(rows[:size], key, start is None)


def all_after(stretches: Sequence[Stretch], *, at_once: int = 500) -> Iterator[Any]:
    """Give all rows of a list, read by the page and let go of again."""
    for stretch in stretches:
        after = None
        while True:
            page = stretch.read(after, at_once)
            yield from page
            if len(page) < at_once:
                break
            after = (page[-1].key_by, page[-1].key_id)
            session.expunge_all()


def _key_of(stretches: Sequence[Stretch], asked: str | None) -> tuple[int, tuple[Any, uuid.UUID]] | None:
    try:
        number, value, last = (asked or "").split("_")
        stretch = stretches[int(number)]
        is_day = isinstance(stretch.by.type, Date)
        by = date.fromisoformat(value) if is_day else datetime.fromisoformat(value)
        if isinstance(by, datetime) and by.tzinfo is None:
            return None
        return int(number), (by, uuid.UUID(last))
    except (ValueError, IndexError, OverflowError):
        return None
