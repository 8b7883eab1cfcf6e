"""RULES  What a jurisdiction wants said before somebody agrees, and its method for the annual rate, from a table.

Invariant: no legal number stands in code; what is only known from memory is not said; no law is made up.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from portal.interest import months_later

TABLE: Final = Path(__file__).with_name("notices.toml")
_OF_A_LAW: Final = {
    "jurisdictions",
    "effective_from",
    "rates",
    "rates_tag",
    "rates_source",
    "signed_off",
    "notice",
}
_OF_A_NOTICE: Final = {"code", "when", "years", "from_last_payment", "tag", "source", "seen_at"}


class BadNotices(Exception):
    """The table says something that can't be."""


class Method(Enum):
    """How an annual rate is worked out."""

    REG_Z = "regz"
    EU = "eu"
    IRR_NOMINAL = "irr_nominal"
    IRR_EFFECTIVE = "irr_effective"


class Code(Enum):
    """What is said; pages have the words. First how credit is reported, then tax, then what a limitation comes to."""

    FIRST_DELINQUENCY_STAYS = "first_delinquency_stays"
    REPORTED_PAID_FOR_LESS = "reported_paid_for_less"
    ARRANGEMENT_MARKER = "arrangement_marker"
    DEFAULT_DATE_STAYS = "default_date_stays"
    REPORTED_PARTIALLY_SATISFIED = "reported_partially_satisfied"
    NEGATIVE_RECORD_YEARS = "negative_record_years"

    LET_OFF_MAY_BE_INCOME = "let_off_may_be_income"

    LIMITATION_RESTARTS = "limitation_restarts"
    TIME_BARRED_NO_SUIT = "time_barred_no_suit"
    TIME_BARRED_REVIVED = "time_barred_revived"
    MAY_RESTART_LIMITATION = "may_restart_limitation"


class When(Enum):
    """Of which plans something is said."""

    ALWAYS = "always"
    WAIVED = "waived"
    TIME_BARRED = "time_barred"


class Tag(Enum):
    """How the source was seen: its own wording, somebody else's account of it, or from memory."""

    PRIMARY = "P"
    SECONDARY = "S"
    RECALL = "R"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: what is said when, with the law's number of years, and where it comes from."""

    code: Code
    when: When
    years: int | None
    from_last_payment: bool
    tag: Tag
    source: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What is said of one plan; `until` is the day that the years lead to, where they count from the last payment."""

    code: Code
    years: int | None
    until: date | None
    tag: Tag
    source: str


@dataclass(frozen=True, slots=True)
class Law:
    """What holds in some countries from a day on; `signed_off` is the day on which a lawyer did so."""

    jurisdictions: tuple[str, ...]
    effective_from: date
    rates: tuple[Method, ...]
    rates_tag: Tag
    rates_source: str
    rules: tuple[Rule, ...]
    signed_off: date | None

    def notices(self, *, waived: bool, time_barred: bool, last_payment: date) -> tuple[Notice, ...]:
        """Return what is said of a plan, without what is only known from memory.

        Three years from a last payment on 30 June 2027 is 30 June 2030.
        """
        return tuple(
            Notice(
                code=rule.code,
                years=rule.years,
                until=months_later(last_payment, 12 * rule.years) if rule.years and rule.from_last_payment else None,
                tag=rule.tag,
                source=rule.source,
            )
            for rule in self._that_fit(waived, time_barred)
            if rule.tag is not Tag.RECALL
        )

    def held_back(self, *, waived: bool, time_barred: bool) -> tuple[Code, ...]:
        """Return what would be said of a plan if somebody had confirmed it."""
        return tuple(rule.code for rule in self._that_fit(waived, time_barred) if rule.tag is Tag.RECALL)

    def _that_fit(self, waived: bool, time_barred: bool) -> tuple[Rule, ...]:
        fits = {When.ALWAYS: True, When.WAIVED: waived, When.TIME_BARRED: time_barred}
        return tuple(rule for rule in self.rules if fits[rule.when])


def parse(text: str) -> tuple[Law, ...]:
    """Read a table.

    :raises BadNotices: if unknown words stand in it, a source is missing, or two laws are for the same place and day.
    """
    made = tuple(_law(row) for row in tomllib.loads(text).get("law", []))
    held = [(place, law.effective_from) for law in made for place in law.jurisdictions]
    if len(set(held)) != len(held):
        raise BadNotices("two laws for the same jurisdiction and day")
    return made


def _law(row: dict[str, Any]) -> Law:
    if unknown := set(row) - _OF_A_LAW:
        raise BadNotices(f"unknown words {sorted(unknown)}")
    try:
        if not row["jurisdictions"] or not row["rates_source"]:
            raise BadNotices("a law names its countries and where its method for the annual rate comes from")
        return Law(
            jurisdictions=tuple(row["jurisdictions"]),
            effective_from=row["effective_from"],
            rates=tuple(Method(each) for each in row["rates"]),
            rates_tag=Tag(row["rates_tag"]),
            rates_source=row["rates_source"],
            rules=tuple(_rule(each) for each in row.get("notice", [])),
            signed_off=row.get("signed_off"),
        )
    except (KeyError, ValueError) as wrong:
        raise BadNotices(f"{row.get('jurisdictions')}: {wrong}") from wrong


def _rule(row: dict[str, Any]) -> Rule:
    if unknown := set(row) - _OF_A_NOTICE:
        raise BadNotices(f"unknown words {sorted(unknown)}")
    if not row["source"] or ("from_last_payment" in row and "years" not in row):
        raise BadNotices(f"{row['code']}: a notice has a source, and counts years from a day only where it has years")
    return Rule(
        code=Code(row["code"]),
        when=When(row["when"]),
        years=row.get("years"),
        from_last_payment=row.get("from_last_payment", False),
        tag=Tag(row["tag"]),
        source=row["source"],
    )


@lru_cache(maxsize=1)
def table() -> tuple[Law, ...]:
    """Give the table in force, with its past and its future."""
    return parse(TABLE.read_text("utf-8"))


def law_of(jurisdiction: str, *, on: date, laws: tuple[Law, ...] | None = None) -> Law | None:
    """Return the law that holds in a jurisdiction on a day, the newest that has started; None where none is known.

    `US-CA` is read as `US`.
    """
    country = jurisdiction[:2].upper()
    started = [
        law for law in (table() if laws is None else laws) if country in law.jurisdictions and law.effective_from <= on
    ]
    return max(started, key=lambda law: law.effective_from, default=None)
