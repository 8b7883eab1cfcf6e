"""The table of evidence records: added to, never changed."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import LenderOwned, Model


class EvidenceRecord(LenderOwned, Model):
    """One act; `entry` is the canonical text whose salted hash will be this record's leaf in the lender's tree."""

    __tablename__ = "evidence_record"
    at: Mapped[datetime]
    act: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[str]
    debtor_id: Mapped[uuid.UUID | None]
    debt_id: Mapped[uuid.UUID | None]
    entry: Mapped[str] = mapped_column(Text)
    salt: Mapped[str]
    hash: Mapped[str]
    __table_args__ = (Index("ix_evidence_record_lender_id_debtor_id_at", "lender_id", "debtor_id", "at"),)
