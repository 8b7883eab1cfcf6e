"""References by which people pay their debts, and each entry of a bank's file with what became of it."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import LenderOwned, Model

_COUNTS = "outcome in ('posted', 'suspense') and undone_at is null"


class TransferReference(LenderOwned, Model):
    """The reference (ISO 11649) with which one debt is paid by bank transfer; made when somebody first asks for it."""

    __tablename__ = "transfer_reference"
    debt_id: Mapped[uuid.UUID]
    reference: Mapped[str]
    made_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debt_id"], ["debt.lender_id", "debt.id"]),
        UniqueConstraint("lender_id", "debt_id"),
        UniqueConstraint("lender_id", "reference"),
    )


class BankEntry(LenderOwned, Model):
    """One entry of a file, at its `place` there, and what became of it; never edited, except that it is undone.

    `key` tells it from all others of its account: of one key one entry counts. The payment of one that was posted has
    its id. `why` is the reason of what is in suspense or refused. Amounts are in whole minor units of `currency`; one
    that could not be read is none, as is a day.
    """

    __tablename__ = "bank_entry"
    account_id: Mapped[uuid.UUID]
    upload_id: Mapped[uuid.UUID]
    place: Mapped[int]
    key: Mapped[str]
    booked_on: Mapped[date | None]
    value_on: Mapped[date | None]
    counts_on: Mapped[date | None]
    # As the file has it, for those that are refused: without a sign, in the file's own currency.
    amount_text: Mapped[str]
    amount_minor: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3))
    credit: Mapped[bool]
    # What the payer wrote.
    said: Mapped[str] = mapped_column(Text)
    payer: Mapped[str | None]
    payer_account: Mapped[str | None]
    # The reference by which it was matched.
    matched_by: Mapped[str | None]
    outcome: Mapped[str]
    why: Mapped[str | None]
    debtor_id: Mapped[uuid.UUID | None]
    debt_id: Mapped[uuid.UUID | None]
    set_aside_id: Mapped[uuid.UUID | None]
    at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "account_id"], ["bank_account.lender_id", "bank_account.id"]),
        ForeignKeyConstraint(["lender_id", "upload_id"], ["upload.lender_id", "upload.id"]),
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "debt_id"], ["debt.lender_id", "debt.id"]),
        ForeignKeyConstraint(["lender_id", "set_aside_id"], ["set_aside.lender_id", "set_aside.id"]),
        UniqueConstraint("lender_id", "upload_id", "place"),
        CheckConstraint("outcome in ('posted', 'suspense', 'refused', 'known')", name="outcome"),
        CheckConstraint(
            "outcome not in ('posted', 'suspense') or (amount_minor > 0 and counts_on is not null)", name="counts"
        ),
        CheckConstraint("(outcome = 'posted') = (debt_id is not null)", name="posted"),
        CheckConstraint("set_aside_id is null or outcome = 'suspense'", name="suspense"),
        Index(
            "uq_bank_entry_key",
            "lender_id",
            "account_id",
            "key",
            unique=True,
            postgresql_where=text(_COUNTS),
            sqlite_where=text(_COUNTS),
        ),
        Index("ix_bank_entry_lender_id_debtor_id", "lender_id", "debtor_id"),
        Index("ix_bank_entry_lender_id_debt_id", "lender_id", "debt_id"),
        Index("ix_bank_entry_lender_id_set_aside_id", "lender_id", "set_aside_id"),
    )
