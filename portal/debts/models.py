"""Debts and the files that they came in."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Iterator
from datetime import date, datetime
from string import digits
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import LenderOwned, Model


class ImportRun(LenderOwned, Model):
    """One file of a lender: what was read, what became of it, and whether it can still be undone."""

    __tablename__ = "import_run"
    file_name: Mapped[str]
    # By which upload it came; none if by command.
    upload_id: Mapped[uuid.UUID | None]
    file_sha256: Mapped[str]
    as_of: Mapped[date]
    state: Mapped[str]
    rows_read: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=0)
    nothing_owed: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    recalled: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime]
    touched_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    __table_args__ = (CheckConstraint("state in ('staging', 'live', 'abandoned', 'undone')", name="state"),)


# What stands between the groups of a reference; what of one is parted by marks, and where letters become digits.
_MARKS = ("-", "", " ", "/", ".", "_")
_FEWEST_DIGITS, _MOST_DIGITS = 4, 14
_PARTED = re.compile(r"[^\W_]+")
_CHANGING = re.compile(r"\d+|[^\W\d_]+")


def key_of(reference: str) -> str:
    """Give what a reference is looked for by: people type it in any capitals, and in letters of any width.

    Worked out here and kept, because each database folds letters in a way of its own.

    >>> key_of("LN-100037"), key_of("ｌｎ-100037"), key_of("Straße 1") == key_of("STRASSE 1")
    ('ln-100037', 'ln-100037', True)
    """
    if reference.isascii():
        return reference.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", reference).casefold())


def keys_of(reference: str) -> tuple[str, ...]:
    """Give what a reference is looked for by that somebody reads out: as it stands, and with other marks or none.

    Letters and digits are taken as groups, and so is what marks part; marks between groups are the same throughout.

    >>> [key for key in keys_of("LN 100037") if " " not in key]
    ['ln-100037', 'ln100037', 'ln/100037', 'ln.100037', 'ln_100037']
    """
    as_it_stands = key_of(reference)
    if not any(sign.isdigit() for sign in as_it_stands):
        return (as_it_stands,)
    parted, changing = _PARTED.findall(as_it_stands), _CHANGING.findall(as_it_stands)
    spelled = (mark.join(groups) for groups in (parted, changing) for mark in _MARKS)
    return tuple(dict.fromkeys((as_it_stands, *spelled)))


def keys_near(reference: str) -> tuple[str, ...]:
    """Give what a reference is looked for by that somebody reads out with one slip in its digits.

    First two digits that stand side by side swapped, then one too few or too many, then a wrong one. Nothing for one
    with so few digits that any other is like it, or with too many.

    >>> near = keys_near("1234")
    >>> near[:3], "12345" in near, "123" in near, "1934" in near, "1234" in near, len(near)
    (('2134', '1324', '1243'), True, True, True, False, 89)
    """
    typed = key_of(reference)
    if not _FEWEST_DIGITS <= sum(map(str.isdigit, typed)) <= _MOST_DIGITS:
        return ()
    forms = keys_of(reference)
    slips = (slip for kind in (_swapped, _one_more_or_less, _one_wrong) for form in forms for slip in kind(form))
    return tuple(slip for slip in dict.fromkeys(slips) if slip not in forms)


def _swapped(form: str) -> Iterator[str]:
    for at in range(len(form) - 1):
        if form[at].isdigit() and form[at + 1].isdigit():
            yield form[:at] + form[at + 1] + form[at] + form[at + 2 :]


def _one_more_or_less(form: str) -> Iterator[str]:
    for at, sign in enumerate(form):
        if sign.isdigit():
            yield form[:at] + form[at + 1 :]
            yield from (form[:at] + digit + form[at:] for digit in digits)
            if not form[at + 1 : at + 2].isdigit():
                yield from (form[: at + 1] + digit + form[at + 1 :] for digit in digits)


def _one_wrong(form: str) -> Iterator[str]:
    for at, sign in enumerate(form):
        if sign.isdigit():
            yield from (form[:at] + digit + form[at + 1 :] for digit in digits)


class Debt(LenderOwned, Model):
    """One debt of one person; what stands on it is in its book (`ledger.Book`, same id).

    `reference` is as the lender writes it, and `reference_key` is what `key_of` gives for it.
    `annual_rate_ppm` is the contract rate in millionths (18.25 % = 182,500). A debt is `staged` while its file is read.
    """

    __tablename__ = "debt"
    debtor_id: Mapped[uuid.UUID]
    reference: Mapped[str]
    reference_key: Mapped[str]
    state: Mapped[str]
    product: Mapped[str]
    creditor: Mapped[str | None]
    currency: Mapped[str] = mapped_column(String(3))
    original_minor: Mapped[int | None]
    annual_rate_ppm: Mapped[int]
    opened_on: Mapped[date | None]
    late_since: Mapped[date | None]
    as_of: Mapped[date]
    attributes: Mapped[dict[str, Any]]
    import_run_id: Mapped[uuid.UUID]
    line: Mapped[int]
    created_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "import_run_id"], ["import_run.lender_id", "import_run.id"]),
        ForeignKeyConstraint(["lender_id", "id"], ["book.lender_id", "book.id"]),
        UniqueConstraint("lender_id", "reference"),
        Index("ix_debt_lender_id_reference_key", "lender_id", "reference_key"),
        Index("ix_debt_lender_id_debtor_id", "lender_id", "debtor_id"),
        Index("ix_debt_lender_id_import_run_id", "lender_id", "import_run_id"),
        CheckConstraint("state in ('staged', 'open', 'recalled')", name="state"),
        CheckConstraint("annual_rate_ppm >= 0", name="rate"),
    )


class StagedChange(LenderOwned, Model):
    """New figures of a debt that is already in the books, kept until the file is switched live."""

    __tablename__ = "staged_change"
    import_run_id: Mapped[uuid.UUID]
    debt_id: Mapped[uuid.UUID]
    line: Mapped[int]
    figures: Mapped[dict[str, Any]]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "import_run_id"], ["import_run.lender_id", "import_run.id"]),
        ForeignKeyConstraint(["lender_id", "debt_id"], ["debt.lender_id", "debt.id"]),
        UniqueConstraint("lender_id", "import_run_id", "debt_id"),
    )


class ImportBefore(LenderOwned, Model):
    """What stood on a debt's row before a file changed it, and what the file added to its person; kept for a day.

    It is what an import is taken back by. It points at no debt by a key: a new debt that goes is not held by it.
    """

    __tablename__ = "import_before"
    import_run_id: Mapped[uuid.UUID]
    debt_id: Mapped[uuid.UUID]
    before: Mapped[dict[str, Any]]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "import_run_id"], ["import_run.lender_id", "import_run.id"]),
        UniqueConstraint("lender_id", "import_run_id", "debt_id"),
        Index("ix_import_before_lender_id_debt_id", "lender_id", "debt_id"),
    )
