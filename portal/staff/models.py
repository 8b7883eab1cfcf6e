"""Staff of a lender: accounts, sessions, passkeys, links to join, and ways back in that two colleagues opened."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, synonym

from portal.db import LenderOwned, Model
from portal.people.models import Kept


class StaffMember(LenderOwned, Model):
    """Somebody who works for this lender. Whoever has left stays as a row: records name them."""

    __tablename__ = "staff_member"
    email: Mapped[str]
    name: Mapped[str]
    language: Mapped[str]
    roles: Mapped[list[str]]
    state: Mapped[str]
    password_hash: Mapped[str | None]
    # Sealed; the new one waits until a code of it was given.
    totp_secret: Mapped[str | None]
    totp_new: Mapped[str | None]
    # The half minute of the last code that was used: none before it is good any more.
    totp_step: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("lender_id", "email"),
        CheckConstraint("state in ('invited', 'active', 'ended')", name="state"),
        CheckConstraint(
            "state <> 'active' or (password_hash is not null and totp_secret is not null)", name="two_factors"
        ),
    )


class StaffLink(LenderOwned, Model):
    """A link by which somebody sets a password and a second factor; only the hash of its token is kept."""

    __tablename__ = "staff_link"
    member_id: Mapped[uuid.UUID]
    purpose: Mapped[str]
    token_hash: Mapped[str]
    # The hash of the password that was chosen; it counts once a code of the app was given.
    new_password: Mapped[str | None]
    wrong_codes: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "member_id"], ["staff_member.lender_id", "staff_member.id"]),
        UniqueConstraint("lender_id", "token_hash"),
        CheckConstraint("purpose in ('join', 'recover')", name="purpose"),
        Index("ix_staff_link_lender_id_member_id", "lender_id", "member_id"),
    )


class StaffSession(LenderOwned, Model):
    """A browser in which somebody of the staff signed in, with both factors."""

    __tablename__ = "staff_session"
    member_id: Mapped[uuid.UUID]
    came_by: Mapped[str]
    browser: Mapped[str]
    network: Mapped[str]
    device: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "member_id"], ["staff_member.lender_id", "staff_member.id"]),
        CheckConstraint("came_by in ('code', 'passkey', 'link')", name="came_by"),
        Index("ix_staff_session_lender_id_member_id", "lender_id", "member_id"),
        Index("ix_staff_session_lender_id_network", "lender_id", "network"),
    )


class StaffPasskey(LenderOwned, Model):
    """A key on a device of somebody of the staff; only its public half is here."""

    __tablename__ = "staff_passkey"
    member_id: Mapped[uuid.UUID]
    credential_id: Mapped[str]
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int]
    name: Mapped[str]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "member_id"], ["staff_member.lender_id", "staff_member.id"]),
        UniqueConstraint("lender_id", "credential_id"),
        Index("ix_staff_passkey_lender_id_member_id", "lender_id", "member_id"),
    )


class StaffKeptForm(Kept, Model):
    """What somebody of the staff typed when the time was up: as a debtor's is kept."""

    __tablename__ = "staff_kept_form"
    member_id: Mapped[uuid.UUID]
    owner_id = synonym("member_id")
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "member_id"], ["staff_member.lender_id", "staff_member.id"]),
        Index("ix_staff_kept_form_lender_id_member_id", "lender_id", "member_id"),
    )


class StaffRecovery(LenderOwned, Model):
    """Somebody lost the password or the second factor: two colleagues say that it is really them, and only then a link
    goes out. One is open at a time.
    """

    __tablename__ = "staff_recovery"
    member_id: Mapped[uuid.UUID]
    state: Mapped[str]
    first_id: Mapped[uuid.UUID | None]
    first_words: Mapped[str | None] = mapped_column(Text)
    first_at: Mapped[datetime | None]
    second_id: Mapped[uuid.UUID | None]
    second_words: Mapped[str | None] = mapped_column(Text)
    second_at: Mapped[datetime | None]
    refused_id: Mapped[uuid.UUID | None]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "member_id"], ["staff_member.lender_id", "staff_member.id"]),
        CheckConstraint("state in ('open', 'vouched', 'refused', 'expired')", name="state"),
        CheckConstraint("second_id is null or (second_id <> first_id and second_id <> member_id)", name="two_people"),
        CheckConstraint("first_id is null or first_id <> member_id", name="not_oneself"),
        Index(
            "uq_staff_recovery_open",
            "lender_id",
            "member_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
            sqlite_where=text("state = 'open'"),
        ),
    )
