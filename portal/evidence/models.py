"""The tables of evidence: records and the tree over them, added to and never changed; only the head moves."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import LenderOwned, Model, Sealed


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


class LogHead(LenderOwned, Model):
    """How far a lender's tree has grown, and what signs it; its id is the lender's. Whoever lets it grow holds it.

    `reached` is the newest record that is in it, `origin` the name under which checkpoints are signed.
    """

    __tablename__ = "log_head"
    origin: Mapped[str]
    size: Mapped[int]
    reached: Mapped[uuid.UUID | None]
    signing_key: Mapped[str | None] = mapped_column(Sealed("log_head.signing_key"))
    public_key: Mapped[str]
    __table_args__ = (CheckConstraint("size >= 0", name="size"), CheckConstraint("id = lender_id", name="one"))


class LogLeaf(LenderOwned, Model):
    """At which place of the tree a record is; it has the record's own id."""

    __tablename__ = "log_leaf"
    seq: Mapped[int]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "id"], ["evidence_record.lender_id", "evidence_record.id"]),
        UniqueConstraint("lender_id", "seq"),
    )


class LogTile(LenderOwned, Model):
    """Up to 256 hashes of the tree that lie side by side: see `merkle`. The last of a level is added to."""

    __tablename__ = "log_tile"
    level: Mapped[int]
    number: Mapped[int]
    hashes: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (UniqueConstraint("lender_id", "level", "number"),)


class LogCheckpoint(LenderOwned, Model):
    """What was signed of the tree at some size; `note` is the signed text, as anybody may keep it."""

    __tablename__ = "log_checkpoint"
    size: Mapped[int]
    root: Mapped[str]
    signed_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text)
    __table_args__ = (UniqueConstraint("lender_id", "size"),)


class LogStamp(LenderOwned, Model):
    """What somebody outside signed of a checkpoint: that its text was there at a time (RFC 3161).

    `response` is the authority's answer as it is given on, `stamped_at` its time, `kept_at` ours.
    """

    __tablename__ = "log_stamp"
    size: Mapped[int]
    response: Mapped[bytes] = mapped_column(LargeBinary)
    authority: Mapped[str]
    stamped_at: Mapped[datetime]
    kept_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "size"], ["log_checkpoint.lender_id", "log_checkpoint.size"]),
        UniqueConstraint("lender_id", "size"),
    )
