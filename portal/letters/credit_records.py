"""RULES  How long credit records are kept and how they are questioned, by country, from a table with days and sources.

Invariant: no legal number stands in code, and a rule that is over is never said to apply.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from portal.letters.caring_contents import KeptSince, OneOffRule, RecordKept
from portal.money import Money

TABLE: Final = Path(__file__).with_name("credit_records.toml")
_RECORD: Final = {
    "jurisdiction",
    "effective_from",
    "keeps_years",
    "keeps_since",
    "objection_days",
    "complaint_days",
    "free_reports_a_year",
    "report_at",
    "source",
    "checked",
    "seen_at",
}
_ONE_OFF: Final = {
    "jurisdiction",
    "effective_from",
    "late_from",
    "late_until",
    "most",
    "currency",
    "repaid_by",
    "source",
    "checked",
    "seen_at",
}


class BadRecords(Exception):
    """The table says something that can't be, or not where it comes from."""


@dataclass(frozen=True, slots=True)
class Rules:
    """One row: for how long records are kept in a country, and its days; None where nobody has checked a number."""

    effective_from: date
    record: RecordKept
    objection_days: int | None
    complaint_days: int | None
    free_reports_a_year: int | None
    report_at: str | None


@dataclass(frozen=True, slots=True)
class OneOff:
    """A rule that ran once; it was made on `effective_from`."""

    jurisdiction: str
    effective_from: date
    late_from: date
    late_until: date
    most: Money
    repaid_by: date

    def on(self, day: date) -> OneOffRule:
        """Give what a letter of a day says of it: over as soon as nothing that is repaid can count any more."""
        return OneOffRule(
            late_from=self.late_from,
            late_until=self.late_until,
            most=self.most,
            repaid_by=self.repaid_by,
            over=day > self.repaid_by,
        )


@dataclass(frozen=True, slots=True)
class Records:
    """The whole table."""

    rules: tuple[Rules, ...]
    one_offs: tuple[OneOff, ...]

    def rules_for(self, jurisdiction: str, *, on: date) -> Rules | None:
        """Give the newest row of a country that holds on a day; None where there is none. `US-CA` is read as `US`."""
        found = [
            row for row in self.rules if row.record.jurisdiction == _country(jurisdiction) and row.effective_from <= on
        ]
        return max(found, key=lambda row: row.effective_from, default=None)

    def one_off_for(self, jurisdiction: str, *, on: date) -> OneOffRule | None:
        """Give the newest rule of a country that ran once, as it stands on a day; None before it was made."""
        found = [
            row for row in self.one_offs if row.jurisdiction == _country(jurisdiction) and row.effective_from <= on
        ]
        newest = max(found, key=lambda row: row.effective_from, default=None)
        return newest.on(on) if newest else None


def _country(jurisdiction: str) -> str:
    return jurisdiction[:2].upper()


def parse(text: str) -> Records:
    """Read a table of credit records.

    :raises BadRecords: if a row is incomplete, has unknown words, or does not say how it was checked.
    """
    found = tomllib.loads(text)
    try:
        rules = tuple(_rules(row) for row in found.get("record", ()))
        one_offs = tuple(_one_off(row) for row in found.get("one_off", ()))
    except (ArithmeticError, KeyError, TypeError, ValueError) as problem:
        raise BadRecords(str(problem)) from problem
    names = [(row.record.jurisdiction, row.effective_from) for row in rules]
    if len(set(names)) != len(names):
        raise BadRecords("two rows for the same jurisdiction and day")
    return Records(rules, one_offs)


def _rules(row: dict[str, Any]) -> Rules:
    _says_how(row, _RECORD)
    if row["keeps_years"] <= 0:
        raise BadRecords("records are kept for a number of years")
    return Rules(
        effective_from=row["effective_from"],
        record=RecordKept(
            jurisdiction=row["jurisdiction"], years=row["keeps_years"], since=KeptSince(row["keeps_since"])
        ),
        objection_days=row.get("objection_days"),
        complaint_days=row.get("complaint_days"),
        free_reports_a_year=row.get("free_reports_a_year"),
        report_at=row.get("report_at"),
    )


def _one_off(row: dict[str, Any]) -> OneOff:
    _says_how(row, _ONE_OFF)
    if not row["late_from"] <= row["late_until"] <= row["repaid_by"]:
        raise BadRecords("the days of a rule that runs once are out of order")
    return OneOff(
        jurisdiction=row["jurisdiction"],
        effective_from=row["effective_from"],
        late_from=row["late_from"],
        late_until=row["late_until"],
        most=Money.of(row["most"], row["currency"]),
        repaid_by=row["repaid_by"],
    )


def _says_how(row: dict[str, Any], known: set[str]) -> None:
    if unknown := set(row) - known:
        raise BadRecords(f"unknown words {sorted(unknown)}")
    if not row["source"] or row["checked"] not in ("primary", "page"):
        raise BadRecords("a row says where it comes from, and that somebody has looked")
    if row["checked"] == "page" and not row.get("seen_at"):
        raise BadRecords("what was seen on a page says where")


@lru_cache(maxsize=1)
def table() -> Records:
    """Give the table in force, with its past and its future."""
    return parse(TABLE.read_text("utf-8"))
