"""Debtors, how they can be reached, and the traces of their signing in."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import LenderOwned, Model


class Debtor(LenderOwned, Model):
    """A person who owes this lender money; `person_key` is what the lender's file says makes two rows one person."""

    __tablename__ = "debtor"
    person_key: Mapped[str]
    name: Mapped[str]
    born_on: Mapped[date | None]
    language: Mapped[str]
    zone: Mapped[str]
    created_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("lender_id", "person_key"),)


class ContactPoint(LenderOwned, Model):
    """An e-mail address or a phone number on file."""

    __tablename__ = "contact_point"
    debtor_id: Mapped[uuid.UUID]
    channel: Mapped[str]
    address: Mapped[str]
    created_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        UniqueConstraint("lender_id", "debtor_id", "channel", "address"),
        CheckConstraint("channel in ('email', 'sms')", name="channel"),
    )


class Invitation(LenderOwned, Model):
    """A link that was sent to a debtor: lives 72 hours, works more than once, asks for the date of birth each time."""

    __tablename__ = "invitation"
    debtor_id: Mapped[uuid.UUID]
    expires_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    wrong_answers: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    __table_args__ = (ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),)


class LinkToken(Model):
    """Look-up from the hash of a link's token to the lender and invitation; the token itself is nowhere kept."""

    __tablename__ = "link_token"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    lender_id: Mapped[uuid.UUID]
    invitation_id: Mapped[uuid.UUID]
    __table_args__ = (ForeignKeyConstraint(["lender_id", "invitation_id"], ["invitation.lender_id", "invitation.id"]),)


class SignInAttempt(LenderOwned, Model):
    """A wrong reference or birth date: `subject` is a salted hash of what was tried, or of the network address."""

    __tablename__ = "sign_in_attempt"
    subject: Mapped[str]
    at: Mapped[datetime]
    __table_args__ = (Index("ix_sign_in_attempt_lender_id_subject_at", "lender_id", "subject", "at"),)


class OneTimeCode(LenderOwned, Model):
    """A code that was sent to a contact on file; only its hash is kept.

    It is good in the session that asked for it, for the one thing that it was sent for: `about` is the quote that it
    signs, or None where it only shows who it is. Codes from before they were bound have no session, and fit nothing.
    """

    __tablename__ = "one_time_code"
    debtor_id: Mapped[uuid.UUID]
    contact_point_id: Mapped[uuid.UUID]
    session_id: Mapped[uuid.UUID | None]
    purpose: Mapped[str]
    about: Mapped[uuid.UUID | None]
    code_hash: Mapped[str]
    expires_at: Mapped[datetime]
    wrong_answers: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "session_id"], ["user_session.lender_id", "user_session.id"]),
        CheckConstraint("purpose in ('identity', 'agreement')", name="purpose"),
        CheckConstraint("(purpose = 'agreement') = (about is not null)", name="about"),
        Index("ix_one_time_code_lender_id_debtor_id", "lender_id", "debtor_id"),
    )


class UserSession(LenderOwned, Model):
    """A signed-in device. `strength` 1: link or reference with date of birth; 2: a one-time code as well."""

    __tablename__ = "user_session"
    debtor_id: Mapped[uuid.UUID]
    strength: Mapped[int]
    came_by: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        CheckConstraint("strength in (1, 2)", name="strength"),
        CheckConstraint("came_by in ('link', 'reference')", name="came_by"),
    )
