"""What a person owes and why, fetched through its owner: somebody else's reference finds nothing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache, partial
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import bindparam, func, select

from portal.db import read, session, table_of
from portal.debts.models import Debt, key_of
from portal.ledger import OF_A_DEBT, OWED, Account, Book, Posting, Transfer
from portal.money import Money


@dataclass(frozen=True, slots=True)
class Standing:
    """One debt as it stands: its row and its book, as plain values."""

    id: uuid.UUID
    lender_id: uuid.UUID
    debtor_id: uuid.UUID
    reference: str
    product: str
    creditor: str | None
    original: Money | None
    annual_rate: Decimal
    opened_on: date | None
    late_since: date | None
    as_of: date
    parts: dict[Account, Money]
    credit: Money
    # One that its lender took back has no page any more, but its plans and payments have theirs.
    open: bool = True
    # All parts together; a page asks for it ten times.
    owed: Money = field(init=False)

    def __post_init__(self) -> None:
        owed = sum([part.minor for part in self.parts.values()])
        object.__setattr__(self, "owed", Money(owed, self.credit.currency))

    def days_late(self, today: date) -> int:
        """Give for how many days the debt has been late; 0 if it isn't."""
        return max((today - self.late_since).days, 0) if self.late_since else 0


# Postings by which a person's money came to a debt, or went from it.
MONEY_CAME = (
    "payment",
    "refund",
    "refund_failed",
    "dispute",
    "dispute_won",
    "transfer_undone",
    "placed",
    "set_off",
    "set_off_undone",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One posting on a debt: what it changed in all, what was owed afterwards, and what was paid too much by then.

    Credit that was used for its own debt changes nothing in all; `owed_change` is then what it took off.
    `waived` is what the lender no longer asked for by it: part of the change, and minus where that was taken back.
    """

    on: date
    kind: str
    cause: str
    change: Money
    owed_change: Money
    after: Money
    credit_after: Money
    waived: Money


# Plain columns, and statements that are built once: a page needs no objects that could be changed.
_DEBT, _BOOK = table_of(Debt).c, table_of(Book).c
_ALL = (
    select(
        _DEBT.id,
        _DEBT.lender_id,
        _DEBT.debtor_id,
        _DEBT.reference,
        _DEBT.state,
        _DEBT.product,
        _DEBT.creditor,
        _DEBT.original_minor,
        _DEBT.annual_rate_ppm,
        _DEBT.opened_on,
        _DEBT.late_since,
        _DEBT.as_of,
        _BOOK.currency,
        _BOOK.principal_minor,
        _BOOK.interest_minor,
        _BOOK.penalty_minor,
        _BOOK.fees_minor,
        _BOOK.costs_minor,
        _BOOK.credit_minor,
    )
    .join(table_of(Book), (_BOOK.lender_id == _DEBT.lender_id) & (_BOOK.id == _DEBT.id))
    .where(_DEBT.state != "staged")
)
_OPEN = _ALL.where(_DEBT.state == "open")
_OF_PERSON = _OPEN.where(_DEBT.lender_id == bindparam("lender_id"), _DEBT.debtor_id == bindparam("debtor_id")).order_by(
    _DEBT.reference
)
BY_REFERENCE = _OF_PERSON.where(_DEBT.reference == bindparam("reference"))
_BY_ID = _ALL.where(_DEBT.lender_id == bindparam("lender_id"), _DEBT.id == bindparam("debt_id"))
_PARTS = tuple((account, f"{account.value}_minor") for account in OWED)
_POSTING, _TRANSFER = table_of(Posting).c, table_of(Transfer).c
_CHANGES = (
    select(
        _POSTING.on,
        _POSTING.kind,
        _POSTING.cause,
        _TRANSFER.from_account,
        _TRANSFER.to_account,
        _TRANSFER.amount_minor,
    )
    .join_from(
        table_of(Transfer),
        table_of(Posting),
        (_POSTING.lender_id == _TRANSFER.lender_id) & (_POSTING.id == _TRANSFER.posting_id),
    )
    .where(_TRANSFER.lender_id == bindparam("lender_id"), _TRANSFER.book_id == bindparam("debt_id"))
    .order_by(_POSTING.on, _POSTING.at, _POSTING.id)
)
_OWED = frozenset(account.value for account in OWED)
_CREDIT = Account.CREDIT.value
_GIVEN_UP = frozenset({Account.WAIVER.value, Account.WRITE_OFF.value})


def standing_of(row: Any) -> Standing:
    """Give a debt as a row of `BY_REFERENCE` has it."""
    currency = row.currency
    return Standing(
        id=row.id,
        lender_id=row.lender_id,
        debtor_id=row.debtor_id,
        reference=row.reference,
        product=row.product,
        creditor=row.creditor,
        original=None if row.original_minor is None else Money(row.original_minor, currency),
        annual_rate=Decimal(row.annual_rate_ppm) / 10_000,
        opened_on=row.opened_on,
        late_since=row.late_since,
        as_of=row.as_of,
        parts={account: Money(getattr(row, column), currency) for account, column in _PARTS},
        credit=Money(row.credit_minor, currency),
        open=row.state == "open",
    )


def debts_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> tuple[Standing, ...]:
    """Give every open debt of a person, oldest reference first."""
    return tuple(standing_of(row) for row in read(_OF_PERSON, {"lender_id": lender_id, "debtor_id": debtor_id}))


def debt_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, reference: str) -> Standing | None:
    """Give one debt of a person, or None if it is not his, not open, or not there: these look the same."""
    rows = read(BY_REFERENCE, {"lender_id": lender_id, "debtor_id": debtor_id, "reference": reference})
    return standing_of(rows[0]) if rows else None


def by_id(*, lender_id: uuid.UUID, debt_id: uuid.UUID) -> Standing:
    """Give a debt by its id, for acts that already know that they may; one that was recalled is found as well."""
    [row] = read(_BY_ID, {"lender_id": lender_id, "debt_id": debt_id})
    return standing_of(row)


def owner_of_reference(lender_id: uuid.UUID, reference: str) -> uuid.UUID | None:
    """Give the id of the person whose open debt has a reference, whatever the case and width of its letters."""
    return session.scalars(
        select(Debt.debtor_id)
        .where(
            Debt.lender_id == lender_id,
            Debt.reference_key == key_of(reference),
            Debt.state == "open",
        )
        # Two may differ by capitals where a file came in before that was refused: what is typed just so comes first.
        .order_by(Debt.reference != reference, Debt.id)
        .limit(1)
    ).one_or_none()


def history(*, lender_id: uuid.UUID, debt_id: uuid.UUID, currency: str) -> tuple[Line, ...]:
    """Give every posting on a debt in the order of its days, with what was owed after it."""
    # Most of what a line says of a change is the same amount, or nothing.
    money = cache(partial(Money, currency=currency))
    lines, after, credit_after = [], 0, 0
    rows = read(_CHANGES, {"lender_id": lender_id, "debt_id": debt_id})
    for (on, kind, cause), moves in groupby(rows, key=attrgetter("on", "kind", "cause")):
        owed = credit = waived = 0
        for move in moves:
            minor, source, target = move.amount_minor, move.from_account, move.to_account
            owed += minor * ((target in _OWED) - (source in _OWED))
            credit += minor * ((source == _CREDIT) - (target == _CREDIT))
            waived += minor * ((target in _GIVEN_UP) - (source in _GIVEN_UP))
        after += owed
        credit_after += credit
        lines.append(
            Line(
                on=on,
                kind=kind,
                cause=cause,
                change=money(owed - credit),
                owed_change=money(owed),
                after=money(after),
                credit_after=money(credit_after),
                waived=money(waived),
            )
        )
    return tuple(lines)


def references_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> dict[uuid.UUID, str]:
    """Give the reference of every debt that a person has or had here, recalled ones too."""
    rows = session.execute(
        select(Debt.id, Debt.reference).where(
            Debt.lender_id == lender_id, Debt.debtor_id == debtor_id, Debt.state != "staged"
        )
    )
    return {row.id: row.reference for row in rows}


def all_open(*, lender_id: uuid.UUID, after: uuid.UUID | None = None, limit: int = 500) -> Sequence[Standing]:
    """Give the next open debts of a lender after a key, for work over a whole portfolio."""
    query = _OPEN.where(Debt.lender_id == lender_id).order_by(Debt.id).limit(limit)
    if after is not None:
        query = query.where(Debt.id > after)
    return [standing_of(row) for row in session.execute(query)]


def count_open(*, lender_id: uuid.UUID) -> int:
    """Give how many open debts a lender has."""
    return (
        session.scalar(select(func.count()).select_from(Debt).where(Debt.lender_id == lender_id, Debt.state == "open"))
        or 0
    )


__all__ = [
    "BY_REFERENCE",
    "MONEY_CAME",
    "OF_A_DEBT",
    "Line",
    "Standing",
    "all_open",
    "by_id",
    "count_open",
    "debt_of",
    "debts_of",
    "history",
    "owner_of_reference",
    "references_of",
    "standing_of",
]
