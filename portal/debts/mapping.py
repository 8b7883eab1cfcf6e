"""RULES  What a mapping says: where each field of a debt comes from, and how the file's cells are written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from portal.debts.expressions import Expression, Kind


class MappingRefused(Exception):
    """Say in one sentence what is wrong with a mapping file."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Rounding(StrEnum):
    """What happens to more decimals than the currency has."""

    EXACT = "exact"
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field comes from: exactly one of a column, a constant or an expression."""

    column: str | None = None
    value: str | None = None
    expression: Expression | None = None
    date_formats: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that are read for this field."""
        if self.column is not None:
            return (self.column,)
        return self.expression.columns if self.expression is not None else ()

    @property
    def place(self) -> str:
        """Return what a report names as the column."""
        return ", ".join(self.columns)


@dataclass(frozen=True, slots=True)
class Skip:
    """Rows that are no debts."""

    when: Expression
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioMapping:
    """How one lender's file is to be read; made by `load_mapping` and checked there."""

    name: str
    currency: Source
    fields: Mapping[str, Source]
    attributes: Mapping[str, Source]
    person: tuple[str, ...]
    skips: tuple[Skip, ...]
    tables: Mapping[str, Mapping[str, str]]
    date_formats: tuple[str, ...]
    decimal_mark: str
    thousands_mark: str
    rounding: Rounding
    as_of: date | None
    empty: frozenset[str]
    largest_amount: Decimal
    encoding: str | None
    separator: str | None
    sheet: str | None

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column that the file must have."""
        sources = [self.currency, *self.fields.values(), *self.attributes.values()]
        named = [title for source in sources for title in source.columns]
        named += [title for skip in self.skips for title in skip.when.columns]
        return tuple(dict.fromkeys((*named, *self.person)))


MONEY = ("original", "principal", "interest", "penalty", "fees", "costs")
FIELDS: Mapping[str, Kind] = {
    "reference": Kind.TEXT,
    "name": Kind.TEXT,
    "born_on": Kind.DATE,
    "email": Kind.TEXT,
    "phone": Kind.TEXT,
    "language": Kind.TEXT,
    "zone": Kind.TEXT,
    "product": Kind.TEXT,
    **dict.fromkeys(MONEY, Kind.NUMBER),
    "opened_on": Kind.DATE,
    "late_since": Kind.DATE,
    "days_late": Kind.NUMBER,
    "annual_rate": Kind.NUMBER,
    "original_creditor": Kind.TEXT,
}
REQUIRED = ("reference", "name", "product", "principal")
