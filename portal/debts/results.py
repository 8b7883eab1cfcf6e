"""RULES  What a row of a lender's file becomes: a debt, nothing owed, or refusals; and the report of the refusals."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from portal.debts.cells import Reason

LONGEST_VALUE_SHOWN = 80


class DebtRow(NamedTuple):
    """One debt as the lender's file has it; amounts are minor units of `currency`, and their sum is above zero.

    It is a named tuple because a frozen dataclass of its size takes five times as long to make: a fifth of the time
    that a row takes. Refusals come as a plain tuple, so ask `isinstance(result, DebtRow)` first.
    """

    line: int
    reference: str
    person_key: str
    name: str
    born_on: date | None
    email: str | None
    phone: str | None
    language: str | None
    zone: str | None
    product: str
    currency: str
    original_minor: int | None
    principal_minor: int
    interest_minor: int
    penalty_minor: int
    fees_minor: int
    costs_minor: int
    opened_on: date | None
    late_since: date | None
    annual_rate: Decimal | None
    original_creditor: str | None
    attributes: dict[str, str]

    @property
    def total_minor(self) -> int:
        """Return all that is owed, in minor units."""
        return self.principal_minor + self.interest_minor + self.penalty_minor + self.fees_minor + self.costs_minor


@dataclass(slots=True, frozen=True)
class NothingOwed:
    """A row that is no debt: its amounts are zero, or a [[skip]] rule of the mapping says so."""

    line: int
    reference: str
    why: str


@dataclass(slots=True, frozen=True)
class Refusal:
    """One thing that is wrong with one row; `value` is clipped to `LONGEST_VALUE_SHOWN` characters."""

    line: int
    column: str
    value: str
    reason: Reason
    sentence: str


RowResult = DebtRow | NothingOwed | tuple[Refusal, ...]
ADDS_UP_TO_ZERO = "The amounts add up to zero."
REPORT_HEADER = ("row", "column", "value", "reason", "what is wrong")


def report_line(refusal: Refusal) -> tuple[str, str, str, str, str]:
    """Return a refusal as a line of the report, safe to open in a spreadsheet."""
    return (
        str(refusal.line),
        _harmless(refusal.column),
        _harmless(refusal.value),
        refusal.reason.value,
        _harmless(refusal.sentence),
    )


def _harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: the value in a report is the lender's own and may be one."""
    text = "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
    return "'" + text if text[:1] in ("=", "+", "-", "@") else text


def under_a_plan(*, line: int, reference: str, plan: str, before: str, after: str) -> tuple[str, str, str, str, str]:
    """Return a line of the report that refuses nothing: the amount of a debt has changed, and its plan has not."""
    return (
        str(line),
        "",
        _harmless(clipped(reference)),
        "under_a_plan",
        f"Taken in. {before} was owed and {after} is; plan {plan} stays as it was agreed, and the debtor is told so.",
    )


def duplicate_refusal(*, line: int, other_line: int, reference: str, column: str) -> Refusal:
    """Return the refusal of a row whose reference another row of the same file has.

    Finding them is left to the unique key of the staging table: a set of a million references would not be flat memory.
    Both rows are to be refused, because nobody can tell which of the two is right.
    """
    return Refusal(
        line,
        column,
        clipped(reference),
        Reason.DUPLICATE_REFERENCE,
        f"Row {other_line} has the same reference; nobody can tell which is right.",
    )


def twin_refusal(*, line: int, other_line: int | None, reference: str, other_reference: str, column: str) -> Refusal:
    """Return the refusal of a row whose reference differs from another only by capitals or the width of letters.

    `other_line` is the line of the other in the same file, or None where it is a debt that is held already.
    """
    where = "A debt that is held already" if other_line is None else f"Row {other_line}"
    return Refusal(
        line,
        column,
        clipped(reference),
        Reason.DUPLICATE_REFERENCE,
        f"{where} has the reference {clipped(other_reference)}, which differs only by capitals or width of letters; "
        "for somebody who signs in with it they are one.",
    )


@dataclass(slots=True)
class Tally:
    """Count what became of the rows, so that read = accepted + nothing owed + refused."""

    read: int = 0
    accepted: int = 0
    nothing_owed: Counter[str] = field(default_factory=Counter)
    refused: Counter[Reason] = field(default_factory=Counter)  # By the first reason of each row, so that it adds up.

    def add(self, result: RowResult) -> None:
        """Count one row."""
        self.read += 1
        if isinstance(result, DebtRow):
            self.accepted += 1
        elif isinstance(result, NothingOwed):
            self.nothing_owed[result.why] += 1
        else:
            self.refused[result[0].reason] += 1

    @property
    def agrees(self) -> bool:
        """Say whether the parts add up to what was read."""
        return self.read == self.accepted + self.nothing_owed.total() + self.refused.total()


def clipped(text: str) -> str:
    """Return text as long as a report shows it."""
    return text if len(text) <= LONGEST_VALUE_SHOWN else text[: LONGEST_VALUE_SHOWN - 1] + "…"
