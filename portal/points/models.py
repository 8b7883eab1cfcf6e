"""Points, as entries that are added and taken back, never edited."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from portal.db import LenderOwned, Model


class PointsEntry(LenderOwned, Model):
    """Points given (positive) or taken back (negative) for one cause; a cause counts once."""

    __tablename__ = "points_entry"
    debtor_id: Mapped[uuid.UUID]
    cause: Mapped[str]
    reason: Mapped[str]
    points: Mapped[int]
    takes_back_id: Mapped[uuid.UUID | None]
    at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "takes_back_id"], ["points_entry.lender_id", "points_entry.id"]),
        UniqueConstraint("lender_id", "cause"),
        CheckConstraint("points <> 0", name="points"),
        Index("ix_points_entry_lender_id_debtor_id", "lender_id", "debtor_id"),
    )
