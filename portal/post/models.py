"""Messages as they were written and what became of them; what their codes and stop links lead back to."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import LenderOwned, Model
from portal.post.states import State

_STATES = ", ".join(f"'{state.value}'" for state in State)


class Message(LenderOwned, Model):
    """One message to one address; written in the transaction of the act that causes it, whole, as it will leave.

    Without a debtor it is to a person of the lender.
    """

    __tablename__ = "message"
    debtor_id: Mapped[uuid.UUID | None]
    debt_id: Mapped[uuid.UUID | None]
    channel: Mapped[str]
    address: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str] = mapped_column(Text)
    html: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str] = mapped_column(server_default="en")
    # Printed in the message, for whoever wants to check that it is ours.
    check_code: Mapped[str | None]
    # Where one click stops messages like this; in the header of an e-mail.
    stop_url: Mapped[str | None]
    # With this a second message for the same cause is none.
    once_key: Mapped[str | None]
    # What it is about, for the question whether that still holds when it leaves.
    about: Mapped[str | None]
    asked_at: Mapped[datetime | None]
    state: Mapped[str]
    reason: Mapped[str | None]
    # The words of a provider that refused it.
    detail: Mapped[str | None] = mapped_column(Text)
    held_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default="0")
    began_at: Mapped[datetime | None]
    provider: Mapped[str | None]
    provider_id: Mapped[str | None]
    written_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("channel in ('email', 'sms')", name="channel"),
        CheckConstraint(f"state in ({_STATES})", name="state"),
        CheckConstraint("state <> 'held' or held_until is not null", name="held"),
        Index("ix_message_lender_id_written_at", "lender_id", "written_at"),
        Index("ix_message_lender_id_debtor_id", "lender_id", "debtor_id"),
        Index(
            "uq_message_once",
            "lender_id",
            "once_key",
            unique=True,
            postgresql_where=text("once_key is not null"),
            sqlite_where=text("once_key is not null"),
        ),
    )


class MessageCheck(Model):
    """Look-up from the hash of a message's check code; whoever asks learns only whether there is one."""

    __tablename__ = "message_check"
    code_hash: Mapped[str] = mapped_column(primary_key=True)
    lender_id: Mapped[uuid.UUID]
    message_id: Mapped[uuid.UUID]
    __table_args__ = (ForeignKeyConstraint(["lender_id", "message_id"], ["message.lender_id", "message.id"]),)


class StopLink(Model):
    """Look-up from the hash of a stop link to whom it stops messages for, and from an address to the same."""

    __tablename__ = "stop_link"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    lender_id: Mapped[uuid.UUID]
    debtor_id: Mapped[uuid.UUID]
    channel: Mapped[str]
    # As providers write it, so that an answer by SMS is found.
    address: Mapped[str]
    __table_args__ = (
        Index("ix_stop_link_channel_address", "channel", "address"),
        Index("ix_stop_link_lender_id_debtor_id", "lender_id", "debtor_id"),
    )


class DeliveryWord(LenderOwned, Model):
    """What a provider said of a message, once each; in whatever order it came."""

    __tablename__ = "delivery_word"
    message_id: Mapped[uuid.UUID]
    provider_id: Mapped[str]
    word: Mapped[str]
    code: Mapped[str | None]
    received_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "message_id"], ["message.lender_id", "message.id"]),
        UniqueConstraint("lender_id", "provider_id", "word"),
    )


class BouncedAddress(LenderOwned, Model):
    """An address at which nobody is reached, as a provider said; `mended_at` when it was confirmed anew."""

    __tablename__ = "bounced_address"
    channel: Mapped[str]
    address: Mapped[str]
    detail: Mapped[str | None] = mapped_column(Text)
    bounced_at: Mapped[datetime]
    mended_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("lender_id", "channel", "address"),)
