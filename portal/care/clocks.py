"""RULES  By when a request is answered and what stops until then, by jurisdiction, from a table with days and sources.

Invariant: no legal number stands in code. A number that nobody has checked is never enforced and never shown.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from portal.care.states import Kind

TABLE: Final = Path(__file__).with_name("clocks.toml")
EVERYWHERE: Final = "*"
CAN_STOP: Final = frozenset({"reminders", "autopay", "collection"})
_KNOWN: Final = {
    "jurisdiction",
    "kinds",
    "effective_from",
    "look_working_days",
    "answer_days",
    "answer_working_days",
    "stops",
    "hold_days",
    "only_with_debt",
    "basis",
    "source",
    "law_days",
    "law_source",
    "law_checked",
    "law_seen_at",
}
_LAW_CHECKED: Final = ("primary", "page", "from memory")


class BadClocks(Exception):
    """The table says something that can't be."""


@dataclass(frozen=True, slots=True)
class Clock:
    """One row: how long a kind of request may take, and what it stops. `name` is kept with the request."""

    jurisdiction: str
    kind: Kind
    effective_from: date
    look_working_days: int
    answer_days: int | None
    answer_working_days: int | None
    stops: frozenset[str]
    hold_days: int | None
    only_with_debt: bool
    basis: str
    source: str
    law_days: int | None

    @property
    def name(self) -> str:
        """Give the row's name: `CN/not_mine/2026-01-01`."""
        return f"{self.jurisdiction}/{self.kind.value}/{self.effective_from.isoformat()}"

    def look_by(self, opened_on: date) -> date:
        """Give the day by which a person has looked."""
        return working_day(opened_on, after=self.look_working_days)

    def answer_by(self, opened_on: date) -> date:
        """Give the day by which the answer is there, never later than a law that was checked allows.

        Opened on Friday 8 May 2026 with two working days: Tuesday 12 May; with 15 days: Saturday 23 May.
        """
        if self.answer_working_days is not None:
            day = working_day(opened_on, after=self.answer_working_days)
        else:
            day = opened_on + timedelta(days=self.answer_days or 0)
        return day if self.law_days is None else min(day, opened_on + timedelta(days=self.law_days))


def working_day(day: date, *, after: int) -> date:
    """Give the day that is so many working days later, Monday to Friday."""
    while after:
        day += timedelta(days=1)
        after -= day.isoweekday() < 6
    return day


def parse(text: str) -> tuple[Clock, ...]:
    """Read a table of clocks.

    :raises BadClocks: if a row is incomplete, unknown words stand in it, or it names neither law nor promise.
    """
    made: list[Clock] = []
    for row in tomllib.loads(text).get("rule", []):
        made += _rows(row)
    names = [clock.name for clock in made]
    if len(set(names)) != len(names):
        raise BadClocks("two rows for the same jurisdiction, kind and day")
    return tuple(made)


def _rows(row: dict[str, Any]) -> Iterable[Clock]:
    if unknown := set(row) - _KNOWN:
        raise BadClocks(f"unknown words {sorted(unknown)}")
    if not set(row["stops"]) <= CAN_STOP:
        raise BadClocks(f"unknown stops {row['stops']}")
    if ("answer_days" in row) == ("answer_working_days" in row):
        raise BadClocks("a row needs answer_days or answer_working_days")
    if row["basis"] not in ("ours", "law") or not row["source"]:
        raise BadClocks("a row says whether its number is ours or the law's, and where it comes from")
    checked = row.get("law_checked")
    if ("law_days" in row) != (checked in _LAW_CHECKED) or ("law_days" in row) != ("law_source" in row):
        raise BadClocks("a number of a law has its source, and says whether it was checked")
    if checked == "page" and not row.get("law_seen_at"):
        raise BadClocks("a number that was seen on a page says where")
    for kind in row["kinds"]:
        yield Clock(
            jurisdiction=row["jurisdiction"],
            kind=Kind(kind),
            effective_from=row["effective_from"],
            look_working_days=row["look_working_days"],
            answer_days=row.get("answer_days"),
            answer_working_days=row.get("answer_working_days"),
            stops=frozenset(row["stops"]),
            hold_days=row.get("hold_days"),
            only_with_debt=row.get("only_with_debt", False),
            basis=row["basis"],
            source=row["source"],
            law_days=row["law_days"] if checked == "primary" else None,
        )


@lru_cache(maxsize=1)
def table() -> tuple[Clock, ...]:
    """Give the table in force, with its past and its future."""
    return parse(TABLE.read_text("utf-8"))


def clock_for(kind: Kind, *, jurisdiction: str, on: date, rows: tuple[Clock, ...] | None = None) -> Clock:
    """Give the row that holds on a day: the jurisdiction's own, else the one for everywhere; the newest of them.

    A day before the first row gets the first. `US-CA` is read as `US`.

    :raises BadClocks: if there is no row for this kind.
    """
    country = jurisdiction[:2].upper()
    for place in (country, EVERYWHERE):
        ours = sorted(
            (row for row in (table() if rows is None else rows) if row.kind is kind and row.jurisdiction == place),
            key=lambda row: row.effective_from,
        )
        started = [row for row in ours if row.effective_from <= on]
        if started:
            return started[-1]
        if ours and place == EVERYWHERE:
            return ours[0]
    raise BadClocks(f"no clock for {kind.value}")
