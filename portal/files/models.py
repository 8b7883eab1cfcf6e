"""Files that the lender's people brought, what was seen in them, and their bytes for as long as they are kept."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import LenderOwned, Model
from portal.files.states import State

_STATES = ", ".join(f"'{state.value}'" for state in State)


class Upload(LenderOwned, Model):
    """One file that somebody brought, with the mapping that it is read by; empty if its titles are those of the fields.

    `preview` is what was seen before anything was written, `result` what became of it. `done_bytes` is how far reading
    has come. `problem` says why it is not as far as somebody wished.
    """

    __tablename__ = "upload"
    number: Mapped[int]
    # Whether it has debts, or what came to an account (`banking`).
    kind: Mapped[str] = mapped_column(default="debts", server_default="debts")
    # The account of a file that does not name its own.
    account_id: Mapped[uuid.UUID | None]
    name: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int]
    mapping_name: Mapped[str]
    mapping: Mapped[str] = mapped_column(Text)
    # The day of the figures, if somebody said one.
    as_of: Mapped[date | None]
    # Whether the file has all debts, so that those that it lacks are recalled.
    whole: Mapped[bool]
    state: Mapped[str]
    done_bytes: Mapped[int] = mapped_column(default=0)
    preview: Mapped[dict[str, Any] | None]
    result: Mapped[dict[str, Any] | None]
    problem: Mapped[str | None] = mapped_column(Text)
    keep_good: Mapped[bool] = mapped_column(default=False)
    form_key: Mapped[str]
    brought_by: Mapped[uuid.UUID]
    brought_at: Mapped[datetime]
    looked_at: Mapped[datetime | None]
    confirmed_by: Mapped[uuid.UUID | None]
    confirmed_at: Mapped[datetime | None]
    undone_by: Mapped[uuid.UUID | None]
    undone_at: Mapped[datetime | None]
    # From when on the bytes are gone, and what the preview said of people.
    forgotten_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "brought_by"], ["staff_member.lender_id", "staff_member.id"]),
        ForeignKeyConstraint(["lender_id", "confirmed_by"], ["staff_member.lender_id", "staff_member.id"]),
        ForeignKeyConstraint(["lender_id", "undone_by"], ["staff_member.lender_id", "staff_member.id"]),
        UniqueConstraint("lender_id", "number"),
        UniqueConstraint("lender_id", "form_key"),
        CheckConstraint(f"state in ({_STATES})", name="state"),
        CheckConstraint("state not in ('bringing', 'live') or confirmed_by is not null", name="confirmed"),
    )


class UploadPart(LenderOwned, Model):
    """A piece of what is kept of a file: of the file itself, of the report of its rows, or of what could not be undone.

    A file in the database is there after a restart, and for a worker on another machine.
    """

    __tablename__ = "upload_part"
    upload_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    place: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "upload_id"], ["upload.lender_id", "upload.id"]),
        UniqueConstraint("lender_id", "upload_id", "kind", "place"),
        CheckConstraint("kind in ('file', 'report', 'stays')", name="kind"),
    )
