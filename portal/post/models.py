"""The outbox: each message as it was written, and what became of it."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import LenderOwned, Model


class Message(LenderOwned, Model):
    """One message to one address; written in the transaction of the act that causes it."""

    __tablename__ = "message"
    debtor_id: Mapped[uuid.UUID]
    channel: Mapped[str]
    address: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str]
    written_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("channel in ('email', 'sms')", name="channel"),
        CheckConstraint("state in ('waiting', 'in_demo_outbox', 'no_channel')", name="state"),
        Index("ix_message_lender_id_written_at", "lender_id", "written_at"),
    )
