"""Every change of a balance, as transfers from one account to another; nothing here is ever edited or deleted.

Invariant: a book's kept balances equal the sum of its transfers, because both change in one transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint, bindparam, select, text
from sqlalchemy.orm import Mapped, mapped_column

from portal import clock
from portal.bulk import Same, dashed, insert_columns, new_ids, update_columns
from portal.db import LenderOwned, Model, new_id, put_unless_there, session, table_of
from portal.money import Money


class Account(StrEnum):
    """Where money can stand. The first six belong to a debt, the others to the lender."""

    # An enum's own hash is a call in Python, and is not that of the text that it is equal to.
    __hash__ = str.__hash__

    PRINCIPAL = "principal"
    INTEREST = "interest"
    PENALTY = "penalty"
    FEES = "fees"
    COSTS = "costs"
    CREDIT = "credit"
    OPENING = "opening"
    ADJUSTMENT = "adjustment"
    ACCRUAL = "accrual"
    CASH_STRIPE = "cash:stripe"
    # What came to the lender's own account or desk, as its bank or its people say.
    CASH_LENDER = "cash:lender"
    WAIVER = "waiver"
    WRITE_OFF = "write_off"
    SUSPENSE = "suspense"
    # Where credit of one debt meets what is owed on another; nothing ever stays here.
    SET_OFF = "set_off"
    # What Stripe keeps for itself, where two currencies meet at it, and what it has paid out to the lender's bank.
    PROCESSING_FEES = "processing_fees"
    DISPUTE_FEES = "dispute_fees"
    EXCHANGE = "exchange"
    PAID_OUT = "paid_out"


OWED = (Account.PRINCIPAL, Account.INTEREST, Account.PENALTY, Account.FEES, Account.COSTS)
OF_A_DEBT = (*OWED, Account.CREDIT)
CASH = (Account.CASH_STRIPE.value, Account.CASH_LENDER.value)
_KEPT = {account: f"{account.value}_minor" for account in OF_A_DEBT}


class WouldGoNegative(Exception):
    """A posting would leave less than nothing in an account of a debt."""

    def __init__(self, *, book_id: uuid.UUID, account: Account) -> None:
        super().__init__(book_id, account)
        self.book_id = book_id
        self.account = account


class Book(LenderOwned, Model):
    """What stands in the accounts of one debt, kept for speed; its id is the debt's id.

    Units: whole minor units of `currency`. `credit_minor` is what the debtor has paid too much.
    """

    __tablename__ = "book"
    currency: Mapped[str] = mapped_column(String(3))
    principal_minor: Mapped[int] = mapped_column(default=0)
    interest_minor: Mapped[int] = mapped_column(default=0)
    penalty_minor: Mapped[int] = mapped_column(default=0)
    fees_minor: Mapped[int] = mapped_column(default=0)
    costs_minor: Mapped[int] = mapped_column(default=0)
    credit_minor: Mapped[int] = mapped_column(default=0)
    __table_args__ = (
        CheckConstraint(
            "principal_minor >= 0 and interest_minor >= 0 and penalty_minor >= 0 "
            "and fees_minor >= 0 and costs_minor >= 0 and credit_minor >= 0",
            name="not_negative",
        ),
        CheckConstraint("length(currency) = 3", name="currency"),
    )

    def standing(self, account: Account) -> Money:
        """Give what stands in one account of this debt."""
        return Money(getattr(self, f"{account.value}_minor"), self.currency)

    @property
    def owed(self) -> Money:
        """Give what is owed in all: principal, interest, penalty, fees and costs."""
        return Money(
            self.principal_minor + self.interest_minor + self.penalty_minor + self.fees_minor + self.costs_minor,
            self.currency,
        )

    @property
    def credit(self) -> Money:
        """Give what was paid beyond what was owed."""
        return Money(self.credit_minor, self.currency)


class Posting(LenderOwned, Model):
    """One change of the books, with its cause; the cause is unique, so the same thing is never posted twice."""

    __tablename__ = "posting"
    kind: Mapped[str]
    cause: Mapped[str]
    corrects_id: Mapped[uuid.UUID | None]
    at: Mapped[datetime]
    on: Mapped[date]
    __table_args__ = (
        UniqueConstraint("lender_id", "cause"),
        ForeignKeyConstraint(["lender_id", "corrects_id"], ["posting.lender_id", "posting.id"]),
        # Or each posting of a file that is taken out would be looked for among all postings.
        Index(
            "ix_posting_lender_id_corrects_id",
            "lender_id",
            "corrects_id",
            postgresql_where=text("corrects_id is not null"),
            sqlite_where=text("corrects_id is not null"),
        ),
    )


class Transfer(LenderOwned, Model):
    """A positive amount that moved from one account to another, in whole minor units."""

    __tablename__ = "transfer"
    posting_id: Mapped[uuid.UUID]
    book_id: Mapped[uuid.UUID | None]
    from_account: Mapped[str]
    to_account: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "posting_id"], ["posting.lender_id", "posting.id"]),
        ForeignKeyConstraint(["lender_id", "book_id"], ["book.lender_id", "book.id"]),
        CheckConstraint("amount_minor > 0", name="positive"),
        CheckConstraint("from_account <> to_account", name="moves"),
        Index("ix_transfer_lender_id_book_id", "lender_id", "book_id"),
        Index("ix_transfer_lender_id_posting_id", "lender_id", "posting_id"),
    )


# A statement that is built once: the night locks a book for each plan.
_LOCKED = (
    select(Book)
    .where(Book.lender_id == bindparam("lender_id"), Book.id == bindparam("debt_id"))
    .with_for_update()
    .execution_options(populate_existing=True)
)

_LOCKED_MANY = (
    select(Book)
    .where(Book.lender_id == bindparam("lender_id"), Book.id.in_(bindparam("debt_ids", expanding=True)))
    .order_by(Book.id)
    .with_for_update()
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True, slots=True)
class Move:
    """One transfer to be posted; `book_id` is the debt, or None between accounts of the lender."""

    book_id: uuid.UUID | None
    source: Account
    target: Account
    amount: Money


@dataclass(frozen=True, slots=True)
class Posted:
    """The posting stands in the books now."""

    posting_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class AlreadyPosted:
    """The same cause was posted before; nothing changed."""


def open_book(*, lender_id: uuid.UUID, debt_id: uuid.UUID, currency: str) -> Book:
    """Open the empty book of a new debt."""
    book = Book(lender_id=lender_id, id=debt_id, currency=currency)
    session.add(book)
    session.flush()
    return book


def locked(*, lender_id: uuid.UUID, debt_id: uuid.UUID) -> Book:
    """Lock a debt's book until the transaction ends, and read it."""
    return session.execute(_LOCKED, {"lender_id": lender_id, "debt_id": debt_id}).scalar_one()


def all_locked(*, lender_id: uuid.UUID, debt_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Book]:
    """Lock the books of many debts, in the order of their ids, and read them."""
    found = session.execute(_LOCKED_MANY, {"lender_id": lender_id, "debt_ids": sorted(debt_ids)}).scalars()
    return {book.id: book for book in found}


def post(
    *,
    lender_id: uuid.UUID,
    kind: str,
    cause: str,
    moves: Iterable[Move],
    on: date,
    corrects: uuid.UUID | None = None,
) -> Posted | AlreadyPosted:
    """Post one change: claim its cause, lock the books in a fixed order, write transfers and kept balances.

    Example: a payment of 50.00 moves 50.00 from `principal` to `cash:stripe`, and 50.00 less is owed.

    :raises WouldGoNegative: if an account of a debt would hold less than nothing.
    :raises ValueError: if a move is negative, or none moves anything.
    """
    wanted = tuple(move for move in moves if move.amount.minor)
    if not wanted or any(move.amount.minor < 0 for move in wanted):
        raise ValueError("a posting moves positive amounts, and at least one")
    posting_id = new_id()
    claim = {
        "lender_id": lender_id,
        "id": posting_id,
        "kind": kind,
        "cause": cause,
        "corrects_id": corrects,
        "at": clock.now(),
        "on": on,
    }
    if not put_unless_there(Posting, claim):
        return AlreadyPosted()
    books = {
        book_id: locked(lender_id=lender_id, debt_id=book_id)
        for book_id in sorted({move.book_id for move in wanted if move.book_id})
    }
    for move in wanted:
        session.add(
            Transfer(
                lender_id=lender_id,
                posting_id=posting_id,
                book_id=move.book_id,
                from_account=move.source.value,
                to_account=move.target.value,
                amount_minor=move.amount.minor,
                currency=move.amount.currency,
            )
        )
        if move.book_id:
            _keep(books[move.book_id], move)
    for book in books.values():
        for account in OF_A_DEBT:
            if getattr(book, f"{account.value}_minor") < 0:
                raise WouldGoNegative(book_id=book.id, account=account)
    session.flush()
    return Posted(posting_id=posting_id)


def open_books(
    *,
    lender_id: uuid.UUID,
    debts: Sequence[str],
    currencies: Sequence[str],
    parts: Mapping[Account, Sequence[int]],
    on: date,
) -> None:
    """Open the books of many new debts at once, each with its opening posting.

    Debts are named by their ids as hexadecimal text; `parts` has for each account what stands in it, debt by debt.
    """
    lender, count = Same(lender_id.hex), len(debts)
    kept = {account: parts.get(account) or [0] * count for account in OWED}
    insert_columns(
        table_of(Book),
        {
            "lender_id": lender,
            "id": debts,
            "currency": currencies,
            **{_KEPT[account]: minors for account, minors in kept.items()},
            _KEPT[Account.CREDIT]: Same(0),
        },
    )
    postings = new_ids(count)
    insert_columns(
        table_of(Posting),
        {
            "lender_id": lender,
            "id": postings,
            "kind": Same("opening"),
            "cause": [f"opening:{dashed(debt)}" for debt in debts],
            "corrects_id": Same(None),
            "at": Same(clock.now()),
            "on": Same(on),
        },
    )
    targets = [account.value for account in OWED]
    transfers = [
        (posting, debt, target, minor, currency)
        for posting, debt, currency, minors in zip(
            postings, debts, currencies, zip(*kept.values(), strict=True), strict=True
        )
        for target, minor in zip(targets, minors)  # noqa: B905 - five of both, a million times
        if minor > 0
    ]
    if transfers:
        posting_ids, book_ids, to_accounts, amounts, of_currencies = zip(*transfers, strict=True)
        insert_columns(
            table_of(Transfer),
            {
                "lender_id": lender,
                "id": new_ids(len(transfers)),
                "posting_id": posting_ids,
                "book_id": book_ids,
                "from_account": Same(Account.OPENING.value),
                "to_account": to_accounts,
                "amount_minor": amounts,
                "currency": of_currencies,
            },
        )


@dataclass(frozen=True, slots=True)
class Accrued:
    """Interest that comes due on a debt, in whole minor units: its book by its hexadecimal id, its cause, its day."""

    book: str
    cause: str
    minor: int
    currency: str
    on: date


def accrue(*, lender_id: uuid.UUID, kind: str, accrued: Sequence[Accrued]) -> None:
    """Post interest on many debts at once, each as `post` would from `accrual` to `interest`. Their books are locked.

    :raises sqlalchemy.exc.IntegrityError: if one of the causes was posted before; then nothing of the act stands.
    """
    lender, count = Same(lender_id.hex), len(accrued)
    postings = new_ids(count)
    insert_columns(
        table_of(Posting),
        {
            "lender_id": lender,
            "id": postings,
            "kind": Same(kind),
            "cause": [each.cause for each in accrued],
            "corrects_id": Same(None),
            "at": Same(clock.now()),
            "on": [each.on for each in accrued],
        },
    )
    insert_columns(
        table_of(Transfer),
        {
            "lender_id": lender,
            "id": new_ids(count),
            "posting_id": postings,
            "book_id": [each.book for each in accrued],
            "from_account": Same(Account.ACCRUAL.value),
            "to_account": Same(Account.INTEREST.value),
            "amount_minor": [each.minor for each in accrued],
            "currency": [each.currency for each in accrued],
        },
    )
    sums: dict[str, int] = {}
    for each in accrued:
        sums[each.book] = sums.get(each.book, 0) + each.minor
    columns = {_KEPT[Account.INTEREST]: list(sums.values())}
    update_columns(table_of(Book), lender_id=lender_id, ids=list(sums), columns=columns, adding=True)


@dataclass(frozen=True, slots=True)
class Figures:
    """What stands on a debt by the lender's newest word, in whole minor units."""

    debt_id: uuid.UUID
    currency: str
    parts: Mapping[Account, int]


@dataclass(frozen=True, slots=True)
class Restated:
    """A debt whose figures were brought to new ones; what was owed before and after, in minor units."""

    debt_id: uuid.UUID
    before: int
    after: int


def restate(*, lender_id: uuid.UUID, figures: Sequence[Figures], cause: str, on: date) -> tuple[Restated, ...]:
    """Post, for each debt, the difference between what stands in its book and new figures, as a named adjustment.

    Gives the debts that changed. Example: the book says interest 10.00 and the file 12.50: 2.50 moves from
    `adjustment` to `interest`. `credit` among the figures is what is added to the debtor's credit.
    """
    at = clock.now()
    ids = sorted(figure.debt_id for figure in figures)
    books = {
        book.id: book
        for book in session.scalars(
            select(Book)
            .where(Book.lender_id == lender_id, Book.id.in_(ids))
            .order_by(Book.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    postings: list[tuple[str, str]] = []
    transfers: list[tuple[str, str, str, str, int, str]] = []
    changed: list[Restated] = []
    ids_of_postings = iter(new_ids(len(figures)))
    for figure in figures:
        book = books[figure.debt_id]
        before = book.owed.minor
        posting, book_id = next(ids_of_postings), book.id.hex
        differs = False
        for account in OWED:
            difference = figure.parts.get(account, 0) - getattr(book, _KEPT[account])
            if difference == 0:
                continue
            differs = True
            ends = (Account.ADJUSTMENT, account) if difference > 0 else (account, Account.ADJUSTMENT)
            transfers.append((posting, book_id, ends[0].value, ends[1].value, abs(difference), book.currency))
            setattr(book, _KEPT[account], figure.parts.get(account, 0))
        if (more := figure.parts.get(Account.CREDIT, 0)) > 0:
            differs = True
            ends = (Account.CREDIT, Account.ADJUSTMENT)
            transfers.append((posting, book_id, ends[0].value, ends[1].value, more, book.currency))
            book.credit_minor += more
        if differs:
            postings.append((posting, f"{cause}:{book.id}"))
            changed.append(Restated(debt_id=book.id, before=before, after=book.owed.minor))
    if postings:
        posting_ids, causes = zip(*postings, strict=True)
        insert_columns(
            table_of(Posting),
            {
                "lender_id": Same(lender_id.hex),
                "id": posting_ids,
                "kind": Same("adjustment"),
                "cause": causes,
                "corrects_id": Same(None),
                "at": Same(at),
                "on": Same(on),
            },
        )
        of_postings, book_ids, sources, targets, amounts, currencies = zip(*transfers, strict=True)
        insert_columns(
            table_of(Transfer),
            {
                "lender_id": Same(lender_id.hex),
                "id": new_ids(len(transfers)),
                "posting_id": of_postings,
                "book_id": book_ids,
                "from_account": sources,
                "to_account": targets,
                "amount_minor": amounts,
                "currency": currencies,
            },
        )
        session.flush()
    return tuple(changed)


def _keep(book: Book, move: Move) -> None:
    """Change the kept balances by one transfer."""
    if move.amount.currency != book.currency:
        raise ValueError(f"a book in {book.currency} can't hold {move.amount.currency}")
    for account, sign in ((move.source, -1), (move.target, +1)):
        if account in OWED:
            name = f"{account.value}_minor"
            setattr(book, name, getattr(book, name) + sign * move.amount.minor)
        elif account is Account.CREDIT:
            # Credit is the debtor's money: it grows when money moves out of this account to where cash stands.
            book.credit_minor -= sign * move.amount.minor


def reversed_moves(*, lender_id: uuid.UUID, posting_id: uuid.UUID) -> tuple[Move, ...]:
    """Give the moves that undo a posting, for a correction that names it."""
    rows: Sequence[Transfer] = session.scalars(
        select(Transfer).where(Transfer.lender_id == lender_id, Transfer.posting_id == posting_id)
    ).all()
    return tuple(
        Move(
            book_id=row.book_id,
            source=Account(row.to_account),
            target=Account(row.from_account),
            amount=Money(row.amount_minor, row.currency),
        )
        for row in rows
    )


def reverse_many(*, lender_id: uuid.UUID, postings: Mapping[uuid.UUID, str], on: date) -> None:
    """Post corrections of many postings at once, each under the cause given for it. Their books are locked.

    :raises sqlalchemy.exc.IntegrityError: if a cause was posted before, or a book would hold less than nothing; then
        nothing of the act stands.
    """
    ids = dict(zip(postings, new_ids(len(postings)), strict=True))
    insert_columns(
        table_of(Posting),
        {
            "lender_id": Same(lender_id.hex),
            "id": list(ids.values()),
            "kind": Same("correction"),
            "cause": list(postings.values()),
            "corrects_id": [posting_id.hex for posting_id in postings],
            "at": Same(clock.now()),
            "on": Same(on),
        },
    )
    of = table_of(Transfer).c
    moved = session.execute(
        select(of.posting_id, of.book_id, of.from_account, of.to_account, of.amount_minor, of.currency).where(
            of.lender_id == lender_id, of.posting_id.in_(list(postings))
        )
    ).all()
    insert_columns(
        table_of(Transfer),
        {
            "lender_id": Same(lender_id.hex),
            "id": new_ids(len(moved)),
            "posting_id": [ids[row.posting_id] for row in moved],
            "book_id": [row.book_id.hex for row in moved],
            "from_account": [row.to_account for row in moved],
            "to_account": [row.from_account for row in moved],
            "amount_minor": [row.amount_minor for row in moved],
            "currency": [row.currency for row in moved],
        },
    )
    kept: dict[str, dict[str, int]] = {row.book_id.hex: dict.fromkeys(_KEPT.values(), 0) for row in moved}
    for row in moved:
        for account, sign in ((row.to_account, -1), (row.from_account, +1)):
            if account in _KEPT:
                # As in `_keep`: credit is the debtor's.
                signed = -sign if account == Account.CREDIT else sign
                kept[row.book_id.hex][_KEPT[Account(account)]] += signed * row.amount_minor
    columns = {name: [sums[name] for sums in kept.values()] for name in _KEPT.values()}
    update_columns(table_of(Book), lender_id=lender_id, ids=list(kept), columns=columns, adding=True)
