"""Payments as we started them, their effects on money, and what Stripe told us."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import LenderOwned, Model


class Payment(LenderOwned, Model):
    """One attempt to pay, written before Stripe is called; `form_key` makes a double click the same attempt.

    What it pays stands in its parts, one a debt. `debt_id` and `plan_id` are the first part's, for old readers.
    `use` is what an extra payment does to its plan (`plans.redrawing.Use`); without one it pays what comes next.
    """

    __tablename__ = "payment"
    reference: Mapped[str]
    form_key: Mapped[str]
    debtor_id: Mapped[uuid.UUID]
    debt_id: Mapped[uuid.UUID]
    plan_id: Mapped[uuid.UUID | None]
    amount_minor: Mapped[int]
    refunded_minor: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str]
    session_id: Mapped[str | None]
    session_url: Mapped[str | None]
    session_expires_at: Mapped[datetime]
    payment_intent_id: Mapped[str | None]
    method: Mapped[str | None]
    last4: Mapped[str | None]
    failure: Mapped[str | None]
    use: Mapped[str | None]
    # What autopay has to do with it: "taken" by itself, or "keeps" its card for later; none for most.
    autopay: Mapped[str | None]
    started_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debt_id"], ["debt.lender_id", "debt.id"]),
        ForeignKeyConstraint(["lender_id", "plan_id"], ["plan.lender_id", "plan.id"]),
        UniqueConstraint("lender_id", "reference"),
        UniqueConstraint("lender_id", "debtor_id", "form_key"),
        UniqueConstraint("lender_id", "session_id"),
        UniqueConstraint("lender_id", "payment_intent_id"),
        CheckConstraint("amount_minor > 0 and refunded_minor >= 0 and refunded_minor <= amount_minor", name="amounts"),
        Index("ix_payment_lender_id_debtor_id", "lender_id", "debtor_id"),
        Index("ix_payment_lender_id_debt_id", "lender_id", "debt_id"),
    )


class PaymentPart(LenderOwned, Model):
    """How much of a payment is for one debt, by the payer's own choice; the parts sum to the payment's amount.

    `place` is the order in which the payer saw them, from 1; what goes back comes from the last one first.
    """

    __tablename__ = "payment_part"
    payment_id: Mapped[uuid.UUID]
    place: Mapped[int]
    debt_id: Mapped[uuid.UUID]
    plan_id: Mapped[uuid.UUID | None]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "payment_id"], ["payment.lender_id", "payment.id"]),
        ForeignKeyConstraint(["lender_id", "debt_id"], ["debt.lender_id", "debt.id"]),
        ForeignKeyConstraint(["lender_id", "plan_id"], ["plan.lender_id", "plan.id"]),
        UniqueConstraint("lender_id", "payment_id", "debt_id"),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_payment_part_lender_id_debt_id", "lender_id", "debt_id"),
        Index("ix_payment_part_lender_id_plan_id", "lender_id", "plan_id"),
    )


class MoneyEffect(LenderOwned, Model):
    """One effect on money at Stripe, once: `key` names the object and what it did, not the event that told us."""

    __tablename__ = "money_effect"
    key: Mapped[str]
    payment_id: Mapped[uuid.UUID | None]
    posting_id: Mapped[uuid.UUID | None]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    outcome: Mapped[str]
    at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "payment_id"], ["payment.lender_id", "payment.id"]),
        UniqueConstraint("lender_id", "key"),
        Index("ix_money_effect_lender_id_payment_id", "lender_id", "payment_id"),
    )


class CreditUse(LenderOwned, Model):
    """Credit of one debt that its owner used for another, or for the same one; `form_key` makes a double click one use.

    `plan_id` is the plan that it counts towards. It is undone where the payment that brought the credit went back.
    """

    __tablename__ = "credit_use"
    form_key: Mapped[str]
    debtor_id: Mapped[uuid.UUID]
    from_debt_id: Mapped[uuid.UUID]
    to_debt_id: Mapped[uuid.UUID]
    plan_id: Mapped[uuid.UUID | None]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    posting_id: Mapped[uuid.UUID | None]
    used_at: Mapped[datetime]
    # When it was paid, where it is money that waited to be placed and that counts from the day on which it was sent.
    paid_at: Mapped[datetime | None]
    undone_posting_id: Mapped[uuid.UUID | None]
    undone_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "from_debt_id"], ["debt.lender_id", "debt.id"]),
        ForeignKeyConstraint(["lender_id", "to_debt_id"], ["debt.lender_id", "debt.id"]),
        ForeignKeyConstraint(["lender_id", "plan_id"], ["plan.lender_id", "plan.id"]),
        ForeignKeyConstraint(["lender_id", "posting_id"], ["posting.lender_id", "posting.id"]),
        ForeignKeyConstraint(["lender_id", "undone_posting_id"], ["posting.lender_id", "posting.id"]),
        UniqueConstraint("lender_id", "debtor_id", "form_key"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(undone_at is null) = (undone_posting_id is null)", name="undone"),
        Index("ix_credit_use_lender_id_from_debt_id", "lender_id", "from_debt_id"),
        Index("ix_credit_use_lender_id_plan_id", "lender_id", "plan_id"),
    )


class SetAside(LenderOwned, Model):
    """Money that came and that nobody could place by itself: what was received, why it waits, and what became of it.

    Its id is that of the effect that brought it. `payment_id` is the payment that it came for, `about_payment_id` one
    that it only has to do with, such as the one that it pays a second time. `gone_minor` is what went back of it; more
    than came, where a bank takes what was given back already.
    """

    __tablename__ = "set_aside"
    why: Mapped[str]
    payment_id: Mapped[uuid.UUID | None]
    about_payment_id: Mapped[uuid.UUID | None]
    payment_intent_id: Mapped[str | None]
    amount_minor: Mapped[int]
    gone_minor: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(String(3))
    received: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]
    note: Mapped[str | None] = mapped_column(Text)
    placed_debt_id: Mapped[uuid.UUID | None]
    placed_posting_id: Mapped[uuid.UUID | None]
    placed_why: Mapped[str | None] = mapped_column(Text)
    placed_by: Mapped[uuid.UUID | None]
    placed_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "payment_id"], ["payment.lender_id", "payment.id"]),
        ForeignKeyConstraint(["lender_id", "about_payment_id"], ["payment.lender_id", "payment.id"]),
        ForeignKeyConstraint(["lender_id", "placed_debt_id"], ["debt.lender_id", "debt.id"]),
        ForeignKeyConstraint(["lender_id", "placed_posting_id"], ["posting.lender_id", "posting.id"]),
        ForeignKeyConstraint(["lender_id", "placed_by"], ["staff_member.lender_id", "staff_member.id"]),
        UniqueConstraint("lender_id", "payment_intent_id"),
        CheckConstraint("amount_minor > 0 and gone_minor >= 0", name="amounts"),
        CheckConstraint("(placed_debt_id is null) = (placed_posting_id is null)", name="placed"),
        Index("ix_set_aside_lender_id_payment_id", "lender_id", "payment_id"),
    )


class Refund(LenderOwned, Model):
    """Money that is to go back, written before Stripe is asked; its id is the key with which Stripe is asked.

    It is of a payment, or of money that was set aside without one. One at a time is open for what came in one piece, so
    what was paid can't be given back twice. Without `asked_by` it was asked for by command.
    """

    __tablename__ = "refund"
    number: Mapped[str]
    form_key: Mapped[str]
    payment_id: Mapped[uuid.UUID | None]
    set_aside_id: Mapped[uuid.UUID | None]
    debtor_id: Mapped[uuid.UUID | None]
    payment_intent_id: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str]
    asked_by: Mapped[uuid.UUID | None]
    asked_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    decided_words: Mapped[str | None] = mapped_column(Text)
    refund_id: Mapped[str | None]
    failure: Mapped[str | None]
    moved_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "payment_id"], ["payment.lender_id", "payment.id"]),
        ForeignKeyConstraint(["lender_id", "set_aside_id"], ["set_aside.lender_id", "set_aside.id"]),
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "asked_by"], ["staff_member.lender_id", "staff_member.id"]),
        ForeignKeyConstraint(["lender_id", "decided_by"], ["staff_member.lender_id", "staff_member.id"]),
        UniqueConstraint("lender_id", "number"),
        UniqueConstraint("lender_id", "form_key"),
        UniqueConstraint("lender_id", "refund_id"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(payment_id is null) <> (set_aside_id is null)", name="of_one"),
        CheckConstraint("state = 'taken_back' or decided_by is null or decided_by <> asked_by", name="not_oneself"),
        CheckConstraint(
            "state in ('asked', 'approved', 'sent', 'done', 'refused', 'failed', 'declined', 'taken_back')",
            name="state",
        ),
        Index("ix_refund_lender_id_payment_id", "lender_id", "payment_id"),
        Index("ix_refund_lender_id_debtor_id", "lender_id", "debtor_id"),
        Index("ix_refund_lender_id_payment_intent_id", "lender_id", "payment_intent_id"),
        Index(
            "uq_refund_open",
            "lender_id",
            "payment_intent_id",
            unique=True,
            postgresql_where=text("state in ('asked', 'approved', 'sent')"),
            sqlite_where=text("state in ('asked', 'approved', 'sent')"),
        ),
    )


class SendingBack(LenderOwned, Model):
    """That money which nobody could place goes back from the lender's own bank: who asked, who agreed, once each."""

    __tablename__ = "sending_back"
    set_aside_id: Mapped[uuid.UUID]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[uuid.UUID]
    asked_at: Mapped[datetime]
    done_by: Mapped[uuid.UUID | None]
    done_at: Mapped[datetime | None]
    called_off_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "set_aside_id"], ["set_aside.lender_id", "set_aside.id"]),
        ForeignKeyConstraint(["lender_id", "asked_by"], ["staff_member.lender_id", "staff_member.id"]),
        ForeignKeyConstraint(["lender_id", "done_by"], ["staff_member.lender_id", "staff_member.id"]),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(done_by is null) = (done_at is null)", name="done"),
        CheckConstraint("done_at is null or called_off_at is null", name="one_end"),
        Index(
            "uq_sending_back_set_aside",
            "lender_id",
            "set_aside_id",
            unique=True,
            postgresql_where=text("called_off_at is null"),
            sqlite_where=text("called_off_at is null"),
        ),
    )


class RefundLimit(LenderOwned, Model):
    """Up to how much one person gives back alone in a currency; above it, and without a limit, there are two."""

    __tablename__ = "refund_limit"
    currency: Mapped[str] = mapped_column(String(3))
    alone_minor: Mapped[int]
    __table_args__ = (
        UniqueConstraint("lender_id", "currency"),
        CheckConstraint("alone_minor >= 0", name="alone"),
    )


class Dispute(LenderOwned, Model):
    """A payment that the payer's bank asks about, or takes back; `status` and `reason` are Stripe's words.

    `gone_minor` is what the bank has of it now. It is of a payment, or of money that was set aside without one.
    """

    __tablename__ = "dispute"
    dispute_id: Mapped[str]
    payment_id: Mapped[uuid.UUID | None]
    set_aside_id: Mapped[uuid.UUID | None]
    debtor_id: Mapped[uuid.UUID | None]
    amount_minor: Mapped[int]
    gone_minor: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str]
    status: Mapped[str]
    state: Mapped[str]
    evidence_by: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "payment_id"], ["payment.lender_id", "payment.id"]),
        ForeignKeyConstraint(["lender_id", "set_aside_id"], ["set_aside.lender_id", "set_aside.id"]),
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        UniqueConstraint("lender_id", "dispute_id"),
        CheckConstraint("amount_minor > 0 and gone_minor >= 0", name="amounts"),
        CheckConstraint("(payment_id is null) <> (set_aside_id is null)", name="of_one"),
        CheckConstraint("state in ('asked', 'open', 'won', 'lost', 'over')", name="state"),
        Index("ix_dispute_lender_id_payment_id", "lender_id", "payment_id"),
        Index("ix_dispute_lender_id_debtor_id", "lender_id", "debtor_id"),
    )


class WebhookEvent(LenderOwned, Model):
    """What Stripe sent, stored once; `outcome` names what became of it."""

    __tablename__ = "webhook_event"
    event_id: Mapped[str]
    kind: Mapped[str]
    facts: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]
    outcome: Mapped[str]
    __table_args__ = (UniqueConstraint("lender_id", "event_id"),)
