"""Batches of letters, and what became of each letter of one."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.batches.states import Item, State
from portal.db import Json, LenderOwned, Model

_STATES = ", ".join(f"'{state.value}'" for state in State)
_ITEMS = ", ".join(f"'{state.value}'" for state in Item)


class LetterBatch(LenderOwned, Model):
    """Letters of one kind for many debts: all open ones, those with a plan, or those whose references were listed.

    `unknown` are listed references that no open debt has, `counted` is for how many debts it was when it was asked for.
    `round` counts how often work on it was begun: what was put
    off in an earlier round is not done any more. `moved_at` is when its state last changed.
    """

    __tablename__ = "letter_batch"
    number: Mapped[int]
    kind: Mapped[str]
    chosen: Mapped[str]
    listed: Mapped[list[str]] = mapped_column(Json)
    unknown: Mapped[list[str]] = mapped_column(Json)
    counted: Mapped[int]
    state: Mapped[str]
    round: Mapped[int] = mapped_column(default=0)
    form_key: Mapped[str]
    why: Mapped[str | None] = mapped_column(Text)
    asked_by: Mapped[uuid.UUID]
    asked_at: Mapped[datetime]
    begun_by: Mapped[uuid.UUID | None]
    begun_at: Mapped[datetime | None]
    moved_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "asked_by"], ["staff_member.lender_id", "staff_member.id"]),
        ForeignKeyConstraint(["lender_id", "begun_by"], ["staff_member.lender_id", "staff_member.id"]),
        UniqueConstraint("lender_id", "number"),
        UniqueConstraint("lender_id", "form_key"),
        CheckConstraint(f"state in ({_STATES})", name="state"),
        CheckConstraint("chosen in ('open', 'plan', 'listed')", name="chosen"),
        CheckConstraint("begun_at is not null or state in ('asked', 'called_off')", name="begun"),
    )


class LetterBatchItem(LenderOwned, Model):
    """One letter of a batch. It points at no debt, which may be taken back before its turn has come.

    `letter` is the number of the letter, `why` a `WhyNot`; `place` says in which lane it is made.
    """

    __tablename__ = "letter_batch_item"
    batch_id: Mapped[uuid.UUID]
    debt_id: Mapped[uuid.UUID]
    reference: Mapped[str]
    place: Mapped[int]
    state: Mapped[str]
    letter: Mapped[str | None]
    why: Mapped[str | None]
    tries: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "batch_id"], ["letter_batch.lender_id", "letter_batch.id"]),
        UniqueConstraint("lender_id", "debt_id", "batch_id"),
        UniqueConstraint("lender_id", "batch_id", "place"),
        Index("ix_letter_batch_item_turn", "lender_id", "batch_id", "state", "tries", "place"),
        CheckConstraint(f"state in ({_ITEMS})", name="state"),
    )
