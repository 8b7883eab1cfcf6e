"""A file of the bank, whatever its kind, as a stream of entries of accounts that are the lender's.

Invariant: a file that is not read to its end, with every statement in it adding up, is used for nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from portal.banking import camt, tables
from portal.banking.camt import Closed
from portal.banking.entries import Entry
from portal.banking.problems import BankFileRefused, Problem
from portal.banking.tables import TableMapping, parse_mapping
from portal.debts.tables import FileLimits
from portal.lenders import accounts
from portal.lenders.models import BankAccount

LARGEST: Final = 32 * 1024 * 1024
MOST_ENTRIES: Final = 100_000
_PIECE: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the lender, as plain values that outlive a transaction."""

    id: uuid.UUID
    number: str
    currency: str
    kind: str


def accounts_of(lender_id: uuid.UUID) -> dict[str, Account]:
    """Give the accounts of a lender by their numbers."""
    return {one.number: plain(one) for one in accounts.of(lender_id=lender_id)}


def plain(account: BankAccount) -> Account:
    """Give an account as plain values."""
    return Account(account.id, account.number, account.currency, account.kind)


@dataclass(frozen=True, slots=True)
class How:
    """How a file is read: the accounts that it may be of, the one it is of where it names none, and its mapping."""

    accounts: dict[str, Account]
    chosen: Account | None
    mapping: TableMapping | None


def how(*, mapping: str, known: dict[str, Account], chosen: uuid.UUID | None) -> How:
    """Give how a file is read.

    :raises BankFileRefused: if the mapping says something that is not understood.
    """
    account = next((one for one in known.values() if one.id == chosen), None)
    return How(known, account, parse_mapping(mapping) if mapping else None)


def is_xml(path: Path) -> bool:
    """Say whether a file is XML, by how it begins: with a tag, whatever letters it is written in."""
    with path.open("rb") as stream:
        head = stream.read(200)
    plain_head = head.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe").lstrip()
    return plain_head.startswith(b"<")


def read(path: Path, told: How) -> Iterator[tuple[Account, Entry] | Closed]:
    """Give each entry with its account, and what the statements in the file open and close with.

    :raises BankFileRefused: if it can't be read, or is of an account that isn't the lender's.
    :raises portal.debts.tables.FileRefused: if it is a table that can't be opened.
    """
    count = 0
    for one in _camt(path) if is_xml(path) else _table(path, told):
        account = told.accounts.get(one.account)
        if account is None:
            raise BankFileRefused(Problem.OTHER_ACCOUNT, one.account)
        if isinstance(one, Closed):
            if one.currency not in ("", account.currency):
                raise BankFileRefused(Problem.OTHER_CURRENCY, one.currency, account.currency)
            yield one
            continue
        count += 1
        if count > MOST_ENTRIES:
            raise BankFileRefused(Problem.TOO_MANY, f"{MOST_ENTRIES:,}")
        yield account, one


def _camt(path: Path) -> Iterator[Entry | Closed]:
    with path.open("rb") as stream:
        yield from camt.read(iter(lambda: stream.read(_PIECE), b""))


def _table(path: Path, told: How) -> Iterator[Entry]:
    if told.chosen is None:
        raise BankFileRefused(Problem.WHICH_ACCOUNT)
    limits = FileLimits(
        bytes=LARGEST,
        rows=MOST_ENTRIES,
        cell=10_000,
        unpacked_bytes=8 * LARGEST,
        shared_strings_bytes=2 * LARGEST,
    )
    yield from tables.read(path, told.mapping, account=told.chosen.number, currency=told.chosen.currency, limits=limits)
