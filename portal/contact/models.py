"""What people chose: which messages by which channel, at which address, at which times not."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from portal.db import LenderOwned, Model


class ContactChoice(LenderOwned, Model):
    """One group of messages by one channel, on or off; without a row it is on."""

    __tablename__ = "contact_choice"
    debtor_id: Mapped[uuid.UUID]
    channel: Mapped[str]
    # Not `group`, which is a word of SQL.
    kinds: Mapped[str]
    allowed: Mapped[bool]
    # On a page, by a link, by one click of a mail program, or by an SMS.
    how: Mapped[str]
    changed_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("lender_id", "debtor_id", "channel", "kinds"),
        CheckConstraint("channel in ('email', 'sms')", name="channel"),
        CheckConstraint("kinds in ('security', 'news', 'reminders')", name="kinds"),
    )


class ContactWish(LenderOwned, Model):
    """Where a person would rather be written to, and a time of day in which not, in minutes after midnight."""

    __tablename__ = "contact_wish"
    debtor_id: Mapped[uuid.UUID]
    channel: Mapped[str | None]
    address: Mapped[str | None]
    quiet_from_minute: Mapped[int | None]
    quiet_to_minute: Mapped[int | None]
    changed_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("lender_id", "debtor_id"),
        CheckConstraint("(quiet_from_minute is null) = (quiet_to_minute is null)", name="quiet"),
    )
