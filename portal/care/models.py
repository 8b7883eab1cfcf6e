"""Requests of people who need something else than paying, what stops meanwhile, and what helps them to deal with us."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.care.states import Cause, Kind, State
from portal.db import LenderOwned, Model

_KINDS = ", ".join(f"'{kind.value}'" for kind in Kind)
_CAUSES = ", ".join(f"'{cause.value}'" for cause in Cause)
_STATES = ", ".join(f"'{state.value}'" for state in State)


class CareRequest(LenderOwned, Model):
    """What somebody asked for; without a debtor it is a visitor's, who typed how to be reached.

    `clock` names the row of the table of clocks under which it was opened; `look_by` and `answer_by` are days of the
    person's own calendar. `form_key` makes a second click on the same form the same request. `visitor` is a keyed hash
    of a network address, for the limit on strangers.
    """

    __tablename__ = "care_request"
    number: Mapped[str]
    kind: Mapped[str]
    debtor_id: Mapped[uuid.UUID | None]
    debt_id: Mapped[uuid.UUID | None]
    words: Mapped[str] = mapped_column(Text)
    wish: Mapped[str | None]
    reply_by: Mapped[str]
    contact: Mapped[str]
    claimed_reference: Mapped[str]
    visitor: Mapped[str | None]
    urgent: Mapped[bool]
    state: Mapped[str]
    clock: Mapped[str]
    zone: Mapped[str]
    opened_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    look_by: Mapped[date]
    answer_by: Mapped[date]
    taken_at: Mapped[datetime | None]
    taken_by: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None]
    answer: Mapped[str | None] = mapped_column(Text)
    closed_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    form_key: Mapped[str]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "debt_id"], ["debt.lender_id", "debt.id"]),
        UniqueConstraint("lender_id", "number"),
        UniqueConstraint("lender_id", "form_key"),
        CheckConstraint(f"kind in ({_KINDS})", name="kind"),
        CheckConstraint(f"state in ({_STATES})", name="state"),
        CheckConstraint("reply_by in ('here', 'email', 'sms', 'call')", name="reply_by"),
        CheckConstraint("debtor_id is not null or debt_id is null", name="debt_of_somebody"),
        CheckConstraint("(answer is null) = (answered_at is null)", name="answer"),
        Index("ix_care_request_lender_id_state_answer_by", "lender_id", "state", "answer_by"),
        Index("ix_care_request_lender_id_debtor_id", "lender_id", "debtor_id"),
        Index("ix_care_request_lender_id_debt_id", "lender_id", "debt_id"),
        Index("ix_care_request_lender_id_visitor", "lender_id", "visitor"),
    )


class CareHold(LenderOwned, Model):
    """Something that stops because of a request: for one debt, or without a debt for all of a person.

    Without `until` it lasts until the request is answered. `stops` holds of: reminders, autopay, collection.
    """

    __tablename__ = "care_hold"
    request_id: Mapped[uuid.UUID]
    debtor_id: Mapped[uuid.UUID]
    debt_id: Mapped[uuid.UUID | None]
    kind: Mapped[str]
    stops: Mapped[list[str]]
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "request_id"], ["care_request.lender_id", "care_request.id"]),
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "debt_id"], ["debt.lender_id", "debt.id"]),
        UniqueConstraint("lender_id", "request_id", "kind"),
        CheckConstraint("(ended_at is null) = (ended_by is null)", name="ended"),
        Index("ix_care_hold_lender_id_debtor_id", "lender_id", "debtor_id"),
    )


class Outage(LenderOwned, Model):
    """A time in which people could not pay, because a payment service or this portal was out of order.

    `since` and `until` are the first and the last instant that is known; `day` is the day of `since` in UTC, so that
    one is noted once a day.
    """

    __tablename__ = "outage"
    cause: Mapped[str]
    day: Mapped[date]
    since: Mapped[datetime]
    until: Mapped[datetime]
    words: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        UniqueConstraint("lender_id", "cause", "day"),
        CheckConstraint(f"cause in ({_CAUSES})", name="cause"),
        CheckConstraint("until >= since", name="until"),
    )


class Need(LenderOwned, Model):
    """What helps a person to deal with us, as he or she ticked it: a need, never a diagnosis.

    `agreed_text` is what the page said about keeping it, word for word. It is looked at again on `review_on`.
    """

    __tablename__ = "need"
    request_id: Mapped[uuid.UUID]
    debtor_id: Mapped[uuid.UUID]
    need: Mapped[str]
    agreed_text: Mapped[str] = mapped_column(Text)
    told_at: Mapped[datetime]
    review_on: Mapped[date]
    taken_back_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "request_id"], ["care_request.lender_id", "care_request.id"]),
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        UniqueConstraint("lender_id", "request_id", "need"),
        Index("ix_need_lender_id_debtor_id", "lender_id", "debtor_id"),
    )
