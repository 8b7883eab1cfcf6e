"""Letters as they were issued: the bytes, and the facts that they were made from; and those that wait for a person."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import LenderOwned, Model, Sealed


class LenderSeal(LenderOwned, Model):
    """A key that a lender seals letters with, and its certificates, own first and root last; never deleted.

    `silent_since`: the time stamp authority has given no time since then.
    """

    __tablename__ = "seal"
    key: Mapped[str | None] = mapped_column(Sealed("seal.key"))
    chain: Mapped[str] = mapped_column(Text)
    owner: Mapped[str]
    good_until: Mapped[datetime]
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    silent_since: Mapped[datetime | None]
    __table_args__ = (
        Index(
            "uq_seal_lender_id_now",
            "lender_id",
            unique=True,
            sqlite_where=text("ended_at is null"),
            postgresql_where=text("ended_at is null"),
        ),
    )


class LetterLogo(LenderOwned, Model):
    """A logo that letters of a lender have or had; never changed or deleted, so that each can be drawn again."""

    __tablename__ = "letter_logo"
    sha256: Mapped[str]
    content: Mapped[bytes]
    set_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("lender_id", "sha256"),)


class IssuedLetter(LenderOwned, Model):
    """One PDF, kept as it was made; the same cause never makes a second letter."""

    __tablename__ = "letter"
    number: Mapped[str]
    kind: Mapped[str]
    cause: Mapped[str]
    debtor_id: Mapped[uuid.UUID]
    debt_id: Mapped[uuid.UUID]
    language: Mapped[str]
    facts: Mapped[dict[str, Any]]
    pdf: Mapped[bytes]
    sha256: Mapped[str]
    # Of the sealed file, so many bytes are what was drawn; none for a letter that left unsealed.
    drawn_size: Mapped[int | None]
    seal_id: Mapped[uuid.UUID | None]
    stamped_at: Mapped[datetime | None]
    issued_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "debt_id"], ["debt.lender_id", "debt.id"]),
        ForeignKeyConstraint(["lender_id", "seal_id"], ["seal.lender_id", "seal.id"]),
        UniqueConstraint("lender_id", "number"),
        UniqueConstraint("lender_id", "cause"),
        Index("ix_letter_lender_id_debt_id", "lender_id", "debt_id"),
        Index("ix_letter_lender_id_sha256", "lender_id", "sha256"),
        Index("ix_letter_lender_id_debtor_id", "lender_id", "debtor_id"),
    )


class LetterByHand(LenderOwned, Model):
    """A letter that can't be drawn, because no font has a character of it: a person of the lender prepares it.

    `number` is the one that it has if it is drawn after all. `done_at`: it was sent by hand, or drawn since.
    """

    __tablename__ = "letter_by_hand"
    number: Mapped[str]
    kind: Mapped[str]
    cause: Mapped[str]
    debtor_id: Mapped[uuid.UUID]
    debt_id: Mapped[uuid.UUID]
    language: Mapped[str]
    characters: Mapped[str]
    asked_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "debt_id"], ["debt.lender_id", "debt.id"]),
        UniqueConstraint("lender_id", "number"),
        UniqueConstraint("lender_id", "cause"),
        Index("ix_letter_by_hand_lender_id_debtor_id", "lender_id", "debtor_id"),
    )
