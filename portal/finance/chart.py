"""RULES  What the accounts of the books are called in a lender's accounting, and a journal's text in two languages.

Invariant: a transaction's legs sum to nothing in each currency, and no text can end the line that it is in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final, Protocol

from portal.money import Money

# Ours, where a lender has named none: the account of the books, and a name that both programs accept.
NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "principal": "Assets:Receivable:Principal",
        "interest": "Assets:Receivable:Interest",
        "penalty": "Assets:Receivable:Penalty",
        "fees": "Assets:Receivable:Fees",
        "costs": "Assets:Receivable:Costs",
        "credit": "Liabilities:Debtors:Credit",
        "opening": "Equity:Opening",
        "adjustment": "Equity:Adjustments",
        "accrual": "Income:Interest",
        "cash:stripe": "Assets:Stripe",
        "cash:lender": "Assets:Bank:Transfers",
        "waiver": "Expenses:Waivers",
        "write_off": "Expenses:Write-Offs",
        "suspense": "Liabilities:Suspense",
        "set_off": "Equity:Set-Off",
        "processing_fees": "Expenses:Processing-Fees",
        "dispute_fees": "Expenses:Dispute-Fees",
        "exchange": "Equity:Exchange",
        "paid_out": "Assets:Bank:Stripe-Payouts",
    }
)
_NAME: Final = re.compile(r"(Assets|Liabilities|Equity|Income|Expenses)(:[A-Z0-9][A-Za-z0-9-]*){1,8}", re.ASCII)
LONGEST_NAME: Final = 120
# What of a cause is an id of ours or Stripe's; anything else stays out, because it may be the name of a file.
_IDS: Final = re.compile(r"[a-z-]{1,40}(:[A-Za-z0-9_-]{1,80}){1,3}", re.ASCII)


def is_name(name: str) -> bool:
    """Say whether both programs take a name for an account.

    >>> is_name("Assets:Bank:4711"), is_name("Assets"), is_name("assets:bank")
    (True, False, False)
    """
    return len(name) <= LONGEST_NAME and _NAME.fullmatch(name) is not None


def name_of(account: str, names: Mapping[str, str]) -> str:
    """Give the name of an account: the lender's, else ours, else one made of its own."""
    made = "-".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", account) if part)
    return names.get(account) or NAMES.get(account) or f"Equity:{made}"


@dataclass(frozen=True, slots=True)
class Leg:
    """One account's part of a transaction, above zero for a debit; `debt` is the reference of whose it is."""

    account: str
    amount: Money
    debt: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One posting: the day of booking, the day on which it counts, what it is, its id, and that of one it corrects."""

    booked_on: date
    counts_on: date
    kind: str
    cause: str
    posting: str
    corrects: str | None
    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """What stands in an account."""

    account: str
    amount: Money


def legs_of(moves: Iterable[tuple[str, str, Money, str | None]], names: Mapping[str, str]) -> tuple[Leg, ...]:
    """Give the legs of a posting, one an account, currency and debt: whence is a credit, whereto a debit.

    >>> [leg.amount.minor for leg in legs_of([("principal", "cash:stripe", Money(50, "USD"), "PL-1")], {})]
    [-50, 50]
    """
    sums: dict[tuple[str, str, str | None], int] = {}
    for source, target, amount, debt in moves:
        for account, sign in ((source, -1), (target, 1)):
            key = name_of(account, names), amount.currency, debt
            sums[key] = sums.get(key, 0) + sign * amount.minor
    return tuple(Leg(name, Money(minor, code), debt) for (name, code, debt), minor in sums.items())


def shown_cause(cause: str) -> str | None:
    """Give a cause where it is made of ids alone."""
    return cause if _IDS.fullmatch(cause) else None


def plain(text: str) -> str:
    """Give a text as one line: what controls or breaks lines is a space."""
    kept = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text)
    return " ".join(kept.split())


class Language(Protocol):
    """How a program wants its journal."""

    suffix: str

    def head(self, title: str, accounts: Sequence[str], currencies: Sequence[str], on: date) -> Iterator[str]:
        """Give what a journal begins with."""

    def entry(self, entry: Entry) -> str:
        """Give one transaction."""

    def foot(self, balances: Sequence[Balance], on: date) -> Iterator[str]:
        """Give the assertions: what stands in each account when a day begins."""


class Beancount:
    """https://beancount.github.io/docs/beancount_language_syntax.html."""

    suffix = "beancount"

    def head(self, title: str, accounts: Sequence[str], currencies: Sequence[str], on: date) -> Iterator[str]:
        """Give what a journal begins with."""
        yield f'option "title" {self._text(title)}\n'
        for code in currencies:
            yield f'option "operating_currency" "{code}"\n'
        for account in accounts:
            yield f"{on} open {account}\n"
        yield "\n"

    def entry(self, entry: Entry) -> str:
        """Give one transaction."""
        lines = [f"{entry.booked_on} * {self._text(entry.kind)}"]
        told = {"posting": entry.posting, "cause": shown_cause(entry.cause), "corrects": entry.corrects}
        lines += [f"  {name}: {self._text(value)}" for name, value in told.items() if value]
        lines.append(f"  counts-on: {entry.counts_on}")
        for leg in entry.legs:
            lines.append(f"  {leg.account}  {leg.amount.amount} {leg.amount.currency}")
            if leg.debt is not None:
                lines.append(f"    debt: {self._text(leg.debt)}")
        return "\n".join(lines) + "\n\n"

    def foot(self, balances: Sequence[Balance], on: date) -> Iterator[str]:
        """Give the assertions; without the tolerance of none it would let a cent pass."""
        for each in balances:
            yield f"{on} balance {each.account}  {each.amount.amount} ~ 0 {each.amount.currency}\n"

    def _text(self, text: str) -> str:
        return '"' + plain(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


class Hledger:
    """https://hledger.org/hledger.html#journal."""

    suffix = "journal"

    def head(self, title: str, accounts: Sequence[str], currencies: Sequence[str], on: date) -> Iterator[str]:
        """Give what a journal begins with."""
        yield f"; {plain(title)}, from {on}\n"
        for code in currencies:
            yield f"commodity {Money(100_000, code).amount} {code}\n"
        for account in accounts:
            yield f"account {account}\n"
        yield "\n"

    def entry(self, entry: Entry) -> str:
        """Give one transaction."""
        told = {"posting": entry.posting, "cause": shown_cause(entry.cause), "corrects": entry.corrects}
        tags = [f"{name}:{self._text(value)}" for name, value in told.items() if value]
        lines = [
            f"{entry.booked_on} * {self._text(entry.kind)}  ; {', '.join([*tags, f'counts-on:{entry.counts_on}'])}"
        ]
        for leg in entry.legs:
            debt = f"  ; debt:{self._text(leg.debt)}" if leg.debt is not None else ""
            lines.append(f"    {leg.account}  {leg.amount.amount} {leg.amount.currency}{debt}")
        return "\n".join(lines) + "\n\n"

    def foot(self, balances: Sequence[Balance], on: date) -> Iterator[str]:
        """Give the assertions."""
        if balances:
            yield f"{on} * what stands in the books\n"
        for each in balances:
            code = each.amount.currency
            yield f"    {each.account}  {Money.zero(code).amount} {code} = {each.amount.amount} {code}\n"

    def _text(self, text: str) -> str:
        # A comma ends a tag, and a semicolon begins a comment.
        return plain(text).replace(",", " ").replace(";", " ").replace("|", " ")


LANGUAGES: Final[Mapping[str, Language]] = MappingProxyType({"beancount": Beancount(), "hledger": Hledger()})
