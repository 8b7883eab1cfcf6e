"""Payments as we started them, their effects on money, and what Stripe told us."""

from __future__ import annotations

import uuid
from datetime import date, datetime
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
    # Of money that takes days: when it was sent or its voucher made, where that is and until when it can be paid.
    sent_at: Mapped[datetime | None]
    voucher_url: Mapped[str | None]
    voucher_until: Mapped[datetime | None]
    # When it counts as paid, and the last day on which the payer's bank can take it back by itself (`rails`).
    paid_at: Mapped[datetime | None]
    returns_end_on: Mapped[date | None]
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


# Of money that was set aside, what a person has to look at.
ASIDE_WAITS = "placed_debt_id is null and gone_minor <> amount_minor"


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
        Index("ix_set_aside_lender_id_about_payment_id", "lender_id", "about_payment_id"),
        Index("ix_set_aside_lender_id_received_at_id", "lender_id", "received_at", "id"),
        Index("ix_set_aside_lender_id_amount_minor", "lender_id", "amount_minor"),
        # Those that a person has to look at.
        Index(
            "ix_set_aside_waiting",
            "lender_id",
            "received_at",
            "id",
            postgresql_where=text(ASIDE_WAITS),
            sqlite_where=text(ASIDE_WAITS),
        ),
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
    # What it would do, as it stood at an instant: for whoever decides, who looks at it without doing it.
    foreseen: Mapped[dict[str, Any] | None]
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
        Index("ix_refund_lender_id_asked_at_id", "lender_id", "asked_at", "id"),
        Index(
            "ix_refund_asked",
            "lender_id",
            "asked_at",
            "id",
            postgresql_where=text("state = 'asked'"),
            sqlite_where=text("state = 'asked'"),
        ),
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
        Index("ix_dispute_lender_id_opened_at_id", "lender_id", "opened_at", "id"),
        Index(
            "ix_dispute_not_closed",
            "lender_id",
            "evidence_by",
            "id",
            postgresql_where=text("closed_at is null"),
            sqlite_where=text("closed_at is null"),
        ),
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


class Reconciliation(LenderOwned, Model):
    """One night in which the books are held against Stripe, and how far it has come: the step, and its mark.

    `turn` counts the pages that were done, so that two workers with one page do it once.
    """

    __tablename__ = "reconciliation"
    night: Mapped[date]
    step: Mapped[str]
    turn: Mapped[int] = mapped_column(default=0)
    mark: Mapped[str | None]
    events_from_at: Mapped[datetime]
    movements_from_at: Mapped[datetime]
    payouts_from_at: Mapped[datetime]
    until_at: Mapped[datetime]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    found: Mapped[dict[str, Any]]
    __table_args__ = (
        UniqueConstraint("lender_id", "night"),
        CheckConstraint(
            "step in ('events', 'movements', 'again', 'payouts', 'tying', 'books', 'done')",
            name="step",
        ),
        CheckConstraint("(step = 'done') = (finished_at is not null)", name="finished"),
    )


# Lines that may still say something else in the next night.
LINE_IS_OPEN = "state in ('waiting', 'suspense', 'differs', 'missing', 'extra')"


class ReconciliationLine(LenderOwned, Model):
    """What the books and Stripe say of one movement of money; `key` is that of the effect, known on either side first.

    `books_minor` and `stripe_minor` are in `currency`, which is that of what was paid; as Stripe booked it, the amount
    and its fee are in `settled_currency`. `state` is a word of `payments.matching`.
    """

    __tablename__ = "reconciliation_line"
    key: Mapped[str]
    kind: Mapped[str]
    on: Mapped[date]
    state: Mapped[str]
    effect_id: Mapped[uuid.UUID | None]
    payment_id: Mapped[uuid.UUID | None]
    books_minor: Mapped[int | None]
    stripe_minor: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3))
    transaction_id: Mapped[str | None]
    settled_minor: Mapped[int | None]
    fee_minor: Mapped[int] = mapped_column(default=0)
    settled_currency: Mapped[str | None] = mapped_column(String(3))
    on_its_way: Mapped[bool] = mapped_column(default=False)
    came_to_nothing: Mapped[bool] = mapped_column(default=False)
    payout_id: Mapped[str | None]
    fee_posting_id: Mapped[uuid.UUID | None]
    exchange_posting_id: Mapped[uuid.UUID | None]
    began_at: Mapped[datetime]
    looked_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "effect_id"], ["money_effect.lender_id", "money_effect.id"]),
        ForeignKeyConstraint(["lender_id", "payment_id"], ["payment.lender_id", "payment.id"]),
        ForeignKeyConstraint(["lender_id", "fee_posting_id"], ["posting.lender_id", "posting.id"]),
        ForeignKeyConstraint(["lender_id", "exchange_posting_id"], ["posting.lender_id", "posting.id"]),
        UniqueConstraint("lender_id", "key"),
        UniqueConstraint("lender_id", "transaction_id"),
        CheckConstraint(
            "state in ('matched', 'suspense', 'differs', 'missing', 'extra', 'undone', 'fee', 'waiting')", name="state"
        ),
        CheckConstraint("effect_id is not null or transaction_id is not null", name="of_somebody"),
        CheckConstraint("(effect_id is null) = (books_minor is null)", name="books"),
        CheckConstraint(
            "(transaction_id is null) = (settled_minor is null) and "
            "(transaction_id is null) = (settled_currency is null)",
            name="stripe",
        ),
        Index("ix_reconciliation_line_lender_id_on_id", "lender_id", "on", "id"),
        Index("ix_reconciliation_line_lender_id_state_on_id", "lender_id", "state", "on", "id"),
        # How many there are of a day is counted from this alone.
        Index("ix_reconciliation_line_counts", "lender_id", "on", "state", "currency"),
        Index("ix_reconciliation_line_lender_id_payout_id", "lender_id", "payout_id"),
        Index(
            "ix_reconciliation_line_open",
            "lender_id",
            "id",
            postgresql_where=text(LINE_IS_OPEN),
            sqlite_where=text(LINE_IS_OPEN),
        ),
    )


# Payouts of which something may still be learned.
PAYOUT_IS_OPEN = "state in ('waiting', 'counting')"


class Payout(LenderOwned, Model):
    """What Stripe paid out to the lender's bank; `status` is its word, `ours_minor` what of it these books brought.

    `counted_minor` is what its movements add up to, ours and all else that the lender sells by the account.
    """

    __tablename__ = "payout"
    payout_id: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[str]
    state: Mapped[str]
    by_hand: Mapped[bool]
    listed: Mapped[bool]
    arrives_on: Mapped[date]
    made_at: Mapped[datetime]
    counted_minor: Mapped[int] = mapped_column(default=0)
    ours_minor: Mapped[int] = mapped_column(default=0)
    movements: Mapped[int] = mapped_column(default=0)
    mark: Mapped[str | None]
    failure: Mapped[str | None]
    posting_id: Mapped[uuid.UUID | None]
    back_posting_id: Mapped[uuid.UUID | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "posting_id"], ["posting.lender_id", "posting.id"]),
        ForeignKeyConstraint(["lender_id", "back_posting_id"], ["posting.lender_id", "posting.id"]),
        UniqueConstraint("lender_id", "payout_id"),
        CheckConstraint("state in ('waiting', 'counting', 'tied', 'differs', 'by_hand')", name="state"),
        Index("ix_payout_lender_id_arrives_on_id", "lender_id", "arrives_on", "id"),
        Index(
            "ix_payout_open",
            "lender_id",
            "id",
            postgresql_where=text(PAYOUT_IS_OPEN),
            sqlite_where=text(PAYOUT_IS_OPEN),
        ),
    )


class AccountName(LenderOwned, Model):
    """What a lender calls an account of the books in its own accounting; without a row it has our name."""

    __tablename__ = "account_name"
    account: Mapped[str]
    name: Mapped[str]
    __table_args__ = (UniqueConstraint("lender_id", "account"),)
