"""Letters as they were issued: the bytes, and the facts that they were made from."""

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
        Index("ix_letter_lender_id_debtor_id", "lender_id", "debtor_id"),
    )
