"""RULES  What a household is thought to need in a month, by country and day, from a table with sources.

Invariant: no such figure stands in code; a table that was made for another purpose says so and decides nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from portal.affordability.budget import FLEXIBLE, Group, Household
from portal.money import CurrencyMismatch, Money

TABLE: Final = Path(__file__).with_name("standards.toml")
_KNOWN: Final = {
    "name",
    "jurisdiction",
    "currency",
    "effective_from",
    "use",
    "tag",
    "source",
    "savings_percent",
    "savings_most",
    "national",
    "floor",
    "guideline",
    "local",
}


class BadStandards(Exception):
    """The table says something that can't be."""


@dataclass(frozen=True, slots=True)
class ByHousehold:
    """A monthly amount by how many live together: the first of `by_persons` is for one, and so on.

    Where `each_child` is given, children count apart; else each is one person more.
    """

    by_persons: tuple[Money, ...]
    each_more: Money
    each_child: Money | None = None

    def of(self, household: Household) -> Money:
        """Return the amount for a household: 839, 1,481, 1,753, 2,129 and 394 for each more is 2,523 for five."""
        persons = household.adults + (household.children if self.each_child is None else 0)
        listed = min(persons, len(self.by_persons))
        amount = self.by_persons[listed - 1] + self.each_more * (persons - listed)
        return amount if self.each_child is None else amount + self.each_child * household.children


@dataclass(frozen=True, slots=True)
class Standards:
    """One table: whose, from when, for what, and its amounts.

    `guidelines` are what the flexible groups usually cost, `national` what is allowed for all of them unasked, `local`
    the most that is allowed of other groups, `floor` what a household needs to live. `benchmark_only` is a table that
    was made for something else, with which a result may be compared and nothing decided.
    """

    name: str
    jurisdiction: str
    currency: str
    effective_from: date
    benchmark_only: bool
    tag: str
    source: str
    guidelines: Mapping[Group, ByHousehold] = field(default_factory=dict)
    national: ByHousehold | None = None
    local: Mapping[Group, ByHousehold] = field(default_factory=dict)
    floor: ByHousehold | None = None
    savings_bps: int = 0
    savings_most: Money | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.savings_bps <= 10_000:
            raise BadStandards(f"{self.name}: savings are from 0 to 100 percent")

    def checked(self, currency: str) -> Standards:
        """Return the table itself, if it is in this currency.

        :raises CurrencyMismatch: if it isn't.
        """
        if currency != self.currency:
            raise CurrencyMismatch(self.currency, currency)
        return self


def parse(text: str) -> tuple[Standards, ...]:
    """Read tables of standards, such as a lender's own under licence.

    :raises BadStandards: if unknown words stand in one, its source is missing, or two are for the same place and day.
    """
    made = tuple(_standards(row) for row in tomllib.loads(text, parse_float=Decimal).get("standards", []))
    if len({(each.jurisdiction, each.effective_from) for each in made}) != len(made):
        raise BadStandards("two tables for the same jurisdiction and day")
    return made


def _standards(row: dict[str, Any]) -> Standards:
    name = str(row.get("name", "without a name"))
    if unknown := set(row) - _KNOWN:
        raise BadStandards(f"{name}: unknown words {sorted(unknown)}")
    if row.get("use") not in ("decide", "benchmark") or row.get("tag") not in ("P", "S", "R") or not row.get("source"):
        raise BadStandards(f"{name}: a table says what it may be used for, where it comes from and how that was seen")
    currency = row["currency"]
    savings = row.get("savings_most")
    return Standards(
        name=name,
        jurisdiction=row["jurisdiction"],
        currency=currency,
        effective_from=row["effective_from"],
        benchmark_only=row["use"] == "benchmark",
        tag=row["tag"],
        source=row["source"],
        guidelines=_groups(row.get("guideline", {}), currency, name, only=FLEXIBLE),
        national=_by_household(row["national"], currency, name) if "national" in row else None,
        local=_groups(row.get("local", {}), currency, name, only=frozenset(Group) - FLEXIBLE),
        floor=_by_household(row["floor"], currency, name) if "floor" in row else None,
        savings_bps=int(Decimal(row.get("savings_percent", 0)) * 100),
        savings_most=None if savings is None else Money.of(savings, currency),
    )


def _groups(rows: dict[str, Any], currency: str, name: str, *, only: frozenset[Group]) -> Mapping[Group, ByHousehold]:
    known = {group.value: group for group in only}
    if unknown := set(rows) - set(known):
        raise BadStandards(f"{name}: there is no such figure for {sorted(unknown)}")
    return MappingProxyType({known[key]: _by_household(row, currency, name) for key, row in rows.items()})


def _by_household(row: dict[str, Any], currency: str, name: str) -> ByHousehold:
    amounts = row.get("by_persons", [])
    others = [row[key] for key in ("each_more", "each_child") if key in row]
    if not amounts or set(row) - {"by_persons", "each_more", "each_child"} or min([*amounts, *others]) < 0:
        raise BadStandards(f"{name}: an amount has by_persons (at least one), each_more and each_child, none negative")
    return ByHousehold(
        by_persons=tuple(Money.of(amount, currency) for amount in amounts),
        each_more=Money.of(row.get("each_more", 0), currency),
        each_child=Money.of(row["each_child"], currency) if "each_child" in row else None,
    )


@lru_cache(maxsize=1)
def table() -> tuple[Standards, ...]:
    """Give the tables that come with the portal, with their past and their future."""
    return parse(TABLE.read_text("utf-8"))


def standards_for(*, jurisdiction: str, on: date, rows: tuple[Standards, ...] | None = None) -> Standards | None:
    """Return the table that holds on a day, the newest that has started; None where there is none.

    `US-CA` is read as `US`.
    """
    started = [
        each
        for each in (table() if rows is None else rows)
        if each.jurisdiction == jurisdiction[:2].upper() and each.effective_from <= on
    ]
    return max(started, key=lambda each: each.effective_from, default=None)
