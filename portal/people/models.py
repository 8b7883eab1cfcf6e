"""Debtors, how they can be reached, and the traces of their signing in."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, synonym

from portal.db import Json, LenderOwned, Model


class Debtor(LenderOwned, Model):
    """A person who owes this lender money; `person_key` is what the lender's file says makes two rows one person."""

    __tablename__ = "debtor"
    person_key: Mapped[str]
    name: Mapped[str]
    born_on: Mapped[date | None]
    language: Mapped[str]
    # Of letters, where they are to be in another language than pages and messages.
    letter_language: Mapped[str | None]
    zone: Mapped[str]
    created_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("lender_id", "person_key"),)


class ContactPoint(LenderOwned, Model):
    """An e-mail address or a phone number on file.

    Nothing goes to one that was removed, or that somebody called wrong until a person has looked: see `LIVE`. A removed
    one stays, so that a lender's next file does not bring it back.
    """

    __tablename__ = "contact_point"
    debtor_id: Mapped[uuid.UUID]
    channel: Mapped[str]
    address: Mapped[str]
    confirmed_at: Mapped[datetime | None]
    wrong_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        UniqueConstraint("lender_id", "debtor_id", "channel", "address"),
        CheckConstraint("channel in ('email', 'sms')", name="channel"),
    )


# What a contact must fulfil before anything is sent there.
LIVE = (ContactPoint.removed_at.is_(None), ContactPoint.wrong_at.is_(None))


class FoundBy(LenderOwned, Model):
    """Something that a person is found by; `id` says what, and orders by when the person came: see `found_by`.

    It points at nobody by a key of the database, which would cost an import more than the row itself.
    """

    __tablename__ = "found_by"
    debtor_id: Mapped[uuid.UUID]
    __table_args__ = ({"sqlite_with_rowid": False},)


class NameSpelling(LenderOwned, Model):
    """A term of some name of this lender's people under one of its spellings; `id` says which: see `found_by`."""

    __tablename__ = "name_spelling"
    term: Mapped[str]
    __table_args__ = ({"sqlite_with_rowid": False},)


class ContactChange(LenderOwned, Model):
    """A request to add, replace or remove a contact; nothing changes before both codes were given, or staff decided."""

    __tablename__ = "contact_change"
    debtor_id: Mapped[uuid.UUID]
    number: Mapped[str]
    form_key: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]
    old_contact_id: Mapped[uuid.UUID | None]
    channel: Mapped[str | None]
    address: Mapped[str | None]
    new_contact_id: Mapped[uuid.UUID | None]
    old_given_at: Mapped[datetime | None]
    new_given_at: Mapped[datetime | None]
    request_number: Mapped[str | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    undo_hash: Mapped[str | None]
    undo_until: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "old_contact_id"], ["contact_point.lender_id", "contact_point.id"]),
        ForeignKeyConstraint(["lender_id", "new_contact_id"], ["contact_point.lender_id", "contact_point.id"]),
        UniqueConstraint("lender_id", "number"),
        UniqueConstraint("lender_id", "debtor_id", "form_key"),
        CheckConstraint("kind in ('add', 'replace', 'remove')", name="kind"),
        CheckConstraint("state in ('open', 'with_staff', 'done', 'refused', 'cancelled', 'undone')", name="state"),
        CheckConstraint("channel in ('email', 'sms')", name="channel"),
        CheckConstraint("(kind = 'remove') = (address is null)", name="address"),
        Index("ix_contact_change_lender_id_undo_hash", "lender_id", "undo_hash"),
    )


class WrongPerson(LenderOwned, Model):
    """Somebody opened a link and said that it is not for them; the contacts it may have gone to wait for a person."""

    __tablename__ = "wrong_person"
    debtor_id: Mapped[uuid.UUID]
    number: Mapped[str]
    invitation_id: Mapped[uuid.UUID]
    contact_ids: Mapped[list[str]]
    request_number: Mapped[str | None]
    said_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "invitation_id"], ["invitation.lender_id", "invitation.id"]),
        UniqueConstraint("lender_id", "number"),
        Index("ix_wrong_person_lender_id_invitation_id", "lender_id", "invitation_id"),
        Index("ix_wrong_person_lender_id_debtor_id", "lender_id", "debtor_id"),
    )


class Invitation(LenderOwned, Model):
    """A link that was sent to a debtor: lives 72 hours, works more than once, asks for the date of birth each time.

    `contact_point_id` is where it was sent, if that is known.
    """

    __tablename__ = "invitation"
    debtor_id: Mapped[uuid.UUID]
    contact_point_id: Mapped[uuid.UUID | None]
    expires_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    wrong_answers: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        Index("ix_invitation_lender_id_debtor_id", "lender_id", "debtor_id"),
    )


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
    signs or the change of a contact that it confirms, or None where it only shows who it is. Codes from before they
    were bound have no session, and fit nothing. One sent to an address that is not on file yet has no contact.
    """

    __tablename__ = "one_time_code"
    debtor_id: Mapped[uuid.UUID]
    contact_point_id: Mapped[uuid.UUID | None]
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
        CheckConstraint("purpose in ('identity', 'agreement', 'contact_old', 'contact_new')", name="purpose"),
        CheckConstraint("(purpose = 'identity') = (about is null)", name="about"),
        Index("ix_one_time_code_lender_id_debtor_id", "lender_id", "debtor_id"),
    )


class UserSession(LenderOwned, Model):
    """A signed-in device. `strength` 1: link or reference with date of birth; 2: a one-time code or a passkey.

    `turn` counts how often its cookie was made anew: a cookie of an earlier turn is worth nothing. `device` and
    `network` are keyed hashes; `browser` is a word of `people/browsers.py` and never the whole text that browsers send.
    """

    __tablename__ = "user_session"
    debtor_id: Mapped[uuid.UUID]
    strength: Mapped[int]
    came_by: Mapped[str]
    turn: Mapped[int] = mapped_column(default=0)
    turned_at: Mapped[datetime | None]
    browser: Mapped[str] = mapped_column(default="")
    network: Mapped[str] = mapped_column(default="")
    device: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        CheckConstraint("strength in (1, 2)", name="strength"),
        CheckConstraint("came_by in ('link', 'reference', 'passkey')", name="came_by"),
        Index("ix_user_session_lender_id_debtor_id", "lender_id", "debtor_id"),
        Index("ix_user_session_lender_id_network", "lender_id", "network"),
    )


class Passkey(LenderOwned, Model):
    """A key that a person's device keeps, to sign in without reference, date or code; only its public half is here."""

    __tablename__ = "passkey"
    debtor_id: Mapped[uuid.UUID]
    credential_id: Mapped[str]
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int]
    name: Mapped[str]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        UniqueConstraint("lender_id", "credential_id"),
        Index("ix_passkey_lender_id_debtor_id", "lender_id", "debtor_id"),
    )


class UsedChallenge(LenderOwned, Model):
    """A passkey's challenge that was answered well: it is never taken twice."""

    __tablename__ = "used_challenge"
    challenge_hash: Mapped[str]
    used_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("lender_id", "challenge_hash"),)


class Kept(LenderOwned):
    """What somebody typed on a page when the time was up; `owner_id` is the column that says whose it is."""

    owner_id: Any
    path: Mapped[str]
    fields: Mapped[list[list[str]]] = mapped_column(Json)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class KeptForm(Kept, Model):
    """What somebody typed when the time was up: kept for a day, for that person and that page alone."""

    __tablename__ = "kept_form"
    debtor_id: Mapped[uuid.UUID]
    owner_id = synonym("debtor_id")
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        Index("ix_kept_form_lender_id_debtor_id", "lender_id", "debtor_id"),
    )
