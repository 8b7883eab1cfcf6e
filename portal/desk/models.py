"""Drafts of limits with every text that they had, and how a version came to count where two people or one decided."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import LenderOwned, Model
from portal.desk.states import State

_STATES = ", ".join(f"'{state.value}'" for state in State)


class LimitsDraft(LenderOwned, Model):
    """Limits that somebody writes; `source` is the file as it stands now, and `revision` counts how often it changed.

    `base_id` is the version on which it was begun. `acknowledged` holds the warnings that were looked at when it was
    sent, `words` what the second person wrote when sending it back.
    """

    __tablename__ = "limits_draft"
    number: Mapped[int]
    base_id: Mapped[uuid.UUID | None]
    author_id: Mapped[uuid.UUID]
    state: Mapped[str]
    revision: Mapped[int]
    source: Mapped[str] = mapped_column(Text)
    acknowledged: Mapped[list[str]]
    sent_by: Mapped[uuid.UUID | None]
    sent_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    words: Mapped[str | None] = mapped_column(Text)
    form_key: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "base_id"], ["limits_version.lender_id", "limits_version.id"]),
        ForeignKeyConstraint(["lender_id", "author_id"], ["staff_member.lender_id", "staff_member.id"]),
        UniqueConstraint("lender_id", "number"),
        UniqueConstraint("lender_id", "form_key"),
        CheckConstraint(f"state in ({_STATES})", name="state"),
        CheckConstraint(
            "state <> 'approved' or (decided_by <> author_id and decided_by <> sent_by)", name="two_people"
        ),
        CheckConstraint("state not in ('sent', 'approved') or sent_by is not null", name="sent"),
    )


class LimitsDraftRevision(LenderOwned, Model):
    """One text that a draft had, and who wrote it; never changed."""

    __tablename__ = "limits_draft_revision"
    draft_id: Mapped[uuid.UUID]
    number: Mapped[int]
    source: Mapped[str] = mapped_column(Text)
    by_id: Mapped[uuid.UUID]
    saved_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "draft_id"], ["limits_draft.lender_id", "limits_draft.id"]),
        ForeignKeyConstraint(["lender_id", "by_id"], ["staff_member.lender_id", "staff_member.id"]),
        UniqueConstraint("lender_id", "draft_id", "number"),
    )


class LimitsRelease(LenderOwned, Model):
    """How a version came to count: a draft that a second person approved, or one person's return to an earlier one."""

    __tablename__ = "limits_release"
    version_id: Mapped[uuid.UUID]
    draft_id: Mapped[uuid.UUID | None]
    written_by: Mapped[uuid.UUID | None]
    # Who approved a draft, or who went back.
    decided_by: Mapped[uuid.UUID]
    from_id: Mapped[uuid.UUID | None]
    back_to_id: Mapped[uuid.UUID | None]
    reason: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "version_id"], ["limits_version.lender_id", "limits_version.id"]),
        ForeignKeyConstraint(["lender_id", "draft_id"], ["limits_draft.lender_id", "limits_draft.id"]),
        ForeignKeyConstraint(["lender_id", "from_id"], ["limits_version.lender_id", "limits_version.id"]),
        ForeignKeyConstraint(["lender_id", "back_to_id"], ["limits_version.lender_id", "limits_version.id"]),
        ForeignKeyConstraint(["lender_id", "decided_by"], ["staff_member.lender_id", "staff_member.id"]),
        UniqueConstraint("lender_id", "version_id"),
        UniqueConstraint("lender_id", "draft_id"),
        UniqueConstraint("lender_id", "from_id"),
        CheckConstraint("(draft_id is null) = (back_to_id is not null)", name="one_way"),
        CheckConstraint("written_by is null or written_by <> decided_by", name="two_people"),
        CheckConstraint("back_to_id is null or (reason is not null and from_id is not null)", name="reason"),
    )
