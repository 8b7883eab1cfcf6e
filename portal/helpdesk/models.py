"""What the helpdesk writes down about a person: notes, and calls."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import LenderOwned, Model


class PersonNote(LenderOwned, Model):
    """A note, never edited: `strikes` is the one that it corrects. Its writer may take it back for a few minutes."""

    __tablename__ = "person_note"
    debtor_id: Mapped[uuid.UUID]
    member_id: Mapped[uuid.UUID]
    text: Mapped[str] = mapped_column(Text)
    strikes: Mapped[uuid.UUID | None]
    form_key: Mapped[str]
    written_at: Mapped[datetime]
    taken_back_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "member_id"], ["staff_member.lender_id", "staff_member.id"]),
        ForeignKeyConstraint(["lender_id", "strikes"], ["person_note.lender_id", "person_note.id"]),
        UniqueConstraint("lender_id", "debtor_id", "form_key"),
        Index("ix_person_note_lender_id_strikes", "lender_id", "strikes"),
    )


class PersonCall(LenderOwned, Model):
    """A call: who called whom, whether somebody was reached, what about, and whether the person agreed to speak."""

    __tablename__ = "person_call"
    debtor_id: Mapped[uuid.UUID]
    member_id: Mapped[uuid.UUID]
    direction: Mapped[str]
    reached: Mapped[bool]
    agreed: Mapped[str]
    about: Mapped[str] = mapped_column(Text)
    form_key: Mapped[str]
    noted_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "member_id"], ["staff_member.lender_id", "staff_member.id"]),
        UniqueConstraint("lender_id", "debtor_id", "form_key"),
        CheckConstraint("direction in ('in', 'out')", name="direction"),
        CheckConstraint("agreed in ('yes', 'no', 'not_asked')", name="agreed"),
    )
