"""Letters as they were issued: the bytes, and the facts that they were made from; and those that wait for a person."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from portal.db import LenderOwned, Model


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
    issued_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "debt_id"], ["debt.lender_id", "debt.id"]),
        UniqueConstraint("lender_id", "number"),
        UniqueConstraint("lender_id", "cause"),
        Index("ix_letter_lender_id_debt_id", "lender_id", "debt_id"),
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
