"""What the helpdesk writes down about a person: notes, calls, and why an offer was granted beyond the usual."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
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


class OfferDecision(LenderOwned, Model):
    """Why a plan beyond what is usual was granted, or whether it is: asked of a colleague, who says yes or no.

    `plan` is the name of what may be granted, `words` are for the debtor, and `reason` is never shown to the debtor.
    Without a colleague whoever asked decided alone. One is open for a request at a time.
    """

    __tablename__ = "offer_decision"
    request_id: Mapped[uuid.UUID]
    debtor_id: Mapped[uuid.UUID]
    plan: Mapped[str]
    reason: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    state: Mapped[str]
    asked_by: Mapped[uuid.UUID]
    asked_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    decided_words: Mapped[str | None] = mapped_column(Text)
    quote: Mapped[str | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "request_id"], ["care_request.lender_id", "care_request.id"]),
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "asked_by"], ["staff_member.lender_id", "staff_member.id"]),
        ForeignKeyConstraint(["lender_id", "decided_by"], ["staff_member.lender_id", "staff_member.id"]),
        CheckConstraint("state in ('open', 'granted', 'refused', 'taken_back')", name="state"),
        CheckConstraint("(state = 'open') = (decided_by is null)", name="decided_by"),
        CheckConstraint("(state = 'open') = (decided_at is null)", name="decided_at"),
        CheckConstraint("(state = 'granted') = (quote is not null)", name="quote"),
        CheckConstraint("state <> 'refused' or decided_by <> asked_by", name="not_oneself"),
        Index("ix_offer_decision_lender_id_request_id", "lender_id", "request_id"),
        Index("ix_offer_decision_lender_id_debtor_id", "lender_id", "debtor_id"),
        Index("ix_offer_decision_lender_id_asked_by", "lender_id", "asked_by", "state"),
        Index(
            "uq_offer_decision_open",
            "lender_id",
            "request_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
            sqlite_where=text("state = 'open'"),
        ),
    )


class Consent(LenderOwned, Model):
    """Somebody let a colleague act for them: how it was said and for what, for a short while, by whom.

    `ended_at` is when the colleague ended it before its time.
    """

    __tablename__ = "consent"
    debtor_id: Mapped[uuid.UUID]
    member_id: Mapped[uuid.UUID]
    how: Mapped[str]
    about: Mapped[str] = mapped_column(Text)
    form_key: Mapped[str]
    given_at: Mapped[datetime]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "member_id"], ["staff_member.lender_id", "staff_member.id"]),
        UniqueConstraint("lender_id", "debtor_id", "form_key"),
        CheckConstraint("how in ('phone', 'writing')", name="how"),
        CheckConstraint("until > given_at", name="until"),
        CheckConstraint("ended_at is null or ended_at >= given_at", name="ended_at"),
        Index("ix_consent_lender_id_member_id_debtor_id", "lender_id", "member_id", "debtor_id"),
    )
