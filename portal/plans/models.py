"""The lender's limits by version, what debtors proposed, what they were quoted, and the plans that they agreed to."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import LenderOwned, Model

LIVE_STATES = ("agreed", "active", "grace", "at_risk", "broken", "paused")
_LIVE = ", ".join(f"'{state}'" for state in LIVE_STATES)
# The states as they stand in the index below: written out, a statement needs no new text each time.
ALIVE = tuple(literal_column(f"'{state}'", String) for state in LIVE_STATES)


class LimitsVersion(LenderOwned, Model):
    """One version of a lender's limits, as the text that was loaded; that is never changed, only followed by another.

    One that has not begun can be called off: it never counts then.
    """

    __tablename__ = "limits_version"
    number: Mapped[int]
    effective_from: Mapped[date]
    source: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str]
    loaded_at: Mapped[datetime]
    called_off_at: Mapped[datetime | None]
    called_off_by: Mapped[uuid.UUID | None]
    called_off_why: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (UniqueConstraint("lender_id", "number"),)


class Proposal(LenderOwned, Model):
    """What a debtor asks for, and what the limits answered.

    `kind` is a way (`offers.asked.Way`) and `asked` the request itself, whose first date is that of the day on which
    it was made. `budget` is what the household was said to live on, with how surely, and `budget_minor` what of it is
    left over for this debt in a month. `trace` holds every rule behind the answer; `round` counts the answers so far.
    """

    __tablename__ = "proposal"
    debt_id: Mapped[uuid.UUID]
    debtor_id: Mapped[uuid.UUID]
    limits_version_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    asked: Mapped[dict[str, Any]]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    frequency: Mapped[str]
    pay_day: Mapped[int | None]
    budget: Mapped[dict[str, Any] | None]
    budget_minor: Mapped[int | None]
    outcome: Mapped[str | None]
    reasons: Mapped[list[str]]
    trace: Mapped[list[dict[str, Any]] | None]
    round: Mapped[int | None]
    state: Mapped[str]
    made_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debt_id"], ["debt.lender_id", "debt.id"]),
        ForeignKeyConstraint(["lender_id", "limits_version_id"], ["limits_version.lender_id", "limits_version.id"]),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("state in ('open', 'with_a_person')", name="state"),
        Index("ix_proposal_lender_id_debt_id_made_at", "lender_id", "debt_id", "made_at"),
        Index("ix_proposal_lender_id_debtor_id", "lender_id", "debtor_id"),
    )


class Quote(LenderOwned, Model):
    """A plan that the lender stands by until it expires: number, balance, every payment, version of the limits.

    Of what is owed, `waive_minor` is let off and `left_minor` is still there at a review; payments repay the rest.

    `kind` is what was picked on the page, and `arrangement` what is arranged (`schedules.arrangements.Kind`). `terms`
    hold all that is agreed beside the payments: what is let off of which part and with which payment, the day on which
    somebody looks again, the day without whose payment all is void, and the key facts as they were shown. `prepared`
    among them names a colleague who chose it together with the debtor, and `read_out` is what was read out of it.
    """

    __tablename__ = "quote"
    number: Mapped[str]
    debt_id: Mapped[uuid.UUID]
    debtor_id: Mapped[uuid.UUID]
    proposal_id: Mapped[uuid.UUID]
    limits_version_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    arrangement: Mapped[str]
    as_of: Mapped[date]
    owed_minor: Mapped[int]
    total_minor: Mapped[int]
    interest_minor: Mapped[int]
    waive_minor: Mapped[int] = mapped_column(default=0)
    left_minor: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(String(3))
    frequency: Mapped[str]
    terms: Mapped[dict[str, Any]]
    state: Mapped[str]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debt_id"], ["debt.lender_id", "debt.id"]),
        ForeignKeyConstraint(["lender_id", "proposal_id"], ["proposal.lender_id", "proposal.id"]),
        ForeignKeyConstraint(["lender_id", "limits_version_id"], ["limits_version.lender_id", "limits_version.id"]),
        UniqueConstraint("lender_id", "number"),
        CheckConstraint("state in ('open', 'accepted', 'void')", name="state"),
        Index("ix_quote_lender_id_debt_id", "lender_id", "debt_id"),
        Index("ix_quote_lender_id_debtor_id", "lender_id", "debtor_id"),
        Index(
            "ix_quote_open",
            "lender_id",
            "expires_at",
            postgresql_where=text("state = 'open'"),
            sqlite_where=text("state = 'open'"),
        ),
    )


class Plan(LenderOwned, Model):
    """An agreed plan for one debt; at most one of a debt is alive at a time.

    `waive_minor` is all that is let off when it is kept. With `review_on` its end settles nothing: somebody looks again
    on that day. With `void_on` it never started unless its first payment came by that day. `changes` counts how often
    its payments were changed, also by taking a change back. Until `replacing_until` another plan may be put together in
    its place; it goes on until that is agreed to. `look_on` is the first day on which time alone can change something;
    None: never.
    """

    __tablename__ = "plan"
    reference: Mapped[str]
    debt_id: Mapped[uuid.UUID]
    debtor_id: Mapped[uuid.UUID]
    quote_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    state: Mapped[str]
    total_minor: Mapped[int]
    waive_minor: Mapped[int] = mapped_column(default=0)
    review_on: Mapped[date | None]
    void_on: Mapped[date | None]
    currency: Mapped[str] = mapped_column(String(3))
    frequency: Mapped[str]
    grace_days: Mapped[int]
    tolerance_minor: Mapped[int]
    cure_days: Mapped[int]
    look_on: Mapped[date | None]
    agreed_at: Mapped[datetime]
    agreed_text: Mapped[str] = mapped_column(Text)
    changes: Mapped[int] = mapped_column(default=0)
    replacing_until: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debt_id"], ["debt.lender_id", "debt.id"]),
        ForeignKeyConstraint(["lender_id", "quote_id"], ["quote.lender_id", "quote.id"]),
        UniqueConstraint("lender_id", "reference"),
        UniqueConstraint("lender_id", "quote_id"),
        Index(
            "uq_plan_one_alive",
            "lender_id",
            "debt_id",
            unique=True,
            postgresql_where=text(f"state in ({_LIVE})"),
            sqlite_where=text(f"state in ({_LIVE})"),
        ),
        Index("ix_plan_lender_id_debtor_id", "lender_id", "debtor_id"),
        Index("ix_plan_lender_id_debt_id", "lender_id", "debt_id"),
        Index("ix_plan_lender_id_look_on", "lender_id", "look_on", "id"),
        Index("ix_plan_lender_id_state", "lender_id", "state", "id"),
    )


@dataclass(frozen=True, slots=True)
class PlanCard:
    """What pages read of a plan, as plain values: of its row, of the quote that it was, and of its debt."""

    lender_id: uuid.UUID
    id: uuid.UUID
    debt_id: uuid.UUID
    debtor_id: uuid.UUID
    reference: str
    state: str
    total_minor: int
    currency: str
    frequency: str
    agreed_at: datetime
    interest_minor: int
    kind: str
    waive_minor: int
    review_on: date | None
    void_on: date | None
    changes: int
    debt_reference: str
    product: str
    debt_state: str

    @property
    def debt_open(self) -> bool:
        """Say whether the debt has a page; one that the lender took back has none, and nothing is paid on it."""
        return self.debt_state == "open"


class PlanItem(LenderOwned, Model):
    """One payment of a plan; `paid_minor` is kept, and follows from the plan's cleared money in order of due dates.

    An `extra` one was paid beside the plan, and what came after it was drawn again. `waive_minor` is let off for good
    once it is paid; `waiver_posting_id` is the posting that did so, while it stands.
    """

    __tablename__ = "plan_item"
    plan_id: Mapped[uuid.UUID]
    seq: Mapped[int]
    kind: Mapped[str] = mapped_column(default="payment")
    due_on: Mapped[date]
    amount_minor: Mapped[int]
    principal_minor: Mapped[int]
    interest_minor: Mapped[int]
    paid_minor: Mapped[int] = mapped_column(default=0)
    kept_at: Mapped[datetime | None]
    waive_minor: Mapped[int] = mapped_column(default=0)
    waiver_posting_id: Mapped[uuid.UUID | None]
    currency: Mapped[str] = mapped_column(String(3))
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "plan_id"], ["plan.lender_id", "plan.id"]),
        ForeignKeyConstraint(["lender_id", "waiver_posting_id"], ["posting.lender_id", "posting.id"]),
        UniqueConstraint("lender_id", "plan_id", "seq"),
        CheckConstraint(
            "(amount_minor > 0 or kind = 'extra') and paid_minor >= 0 and paid_minor <= amount_minor", name="amounts"
        ),
        CheckConstraint("waive_minor >= 0", name="waive"),
        CheckConstraint("kind in ('payment', 'extra')", name="kind"),
        Index("ix_plan_item_lender_id_due_on", "lender_id", "due_on"),
        # As posting.corrects_id.
        Index(
            "ix_plan_item_lender_id_waiver_posting_id",
            "lender_id",
            "waiver_posting_id",
            postgresql_where=text("waiver_posting_id is not null"),
            sqlite_where=text("waiver_posting_id is not null"),
        ),
    )


class PlanChange(LenderOwned, Model):
    """One change of a plan's payments: what was asked, every payment before and after, and what that did, as shown.

    `kind` is a `portal.plans.rewriting.Kind`. The total after is `cost_minor` more than before, all of it interest;
    below zero it is less. It can be taken back until `undo_until`; None: not at all. `form_key` makes a second click
    the same change. `payment_id` is the extra payment that it was made by, or that went back.
    """

    __tablename__ = "plan_change"
    plan_id: Mapped[uuid.UUID]
    number: Mapped[int]
    kind: Mapped[str]
    asked: Mapped[dict[str, Any]]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    facts: Mapped[dict[str, Any]]
    cost_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    undo_until: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
    form_key: Mapped[str]
    payment_id: Mapped[uuid.UUID | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "plan_id"], ["plan.lender_id", "plan.id"]),
        UniqueConstraint("lender_id", "plan_id", "number"),
        UniqueConstraint("lender_id", "plan_id", "form_key"),
        CheckConstraint("number > 0", name="number"),
    )


class PlanCheck(LenderOwned, Model):
    """Something about a plan that a person of the lender is to look at, and what came of it; once for each day of it.

    `kind` is a `portal.plans.for_a_person.Why`; `day` is that on which it came up, by the debtor's own calendar.
    """

    __tablename__ = "plan_check"
    plan_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    day: Mapped[date]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    words: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "plan_id"], ["plan.lender_id", "plan.id"]),
        UniqueConstraint("lender_id", "plan_id", "kind", "day"),
        CheckConstraint("kind in ('cure_over', 'review')", name="kind"),
        Index(
            "ix_plan_check_open",
            "lender_id",
            "opened_at",
            postgresql_where=text("closed_at is null"),
            sqlite_where=text("closed_at is null"),
        ),
    )
