"""Autopay as it was agreed to, the cards that were saved for it, and one charge for each payment of a plan."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.autopay.states import Auto, Charge
from portal.db import LenderOwned, Model

ALIVE = (Auto.ASKED.value, Auto.ON.value, Auto.NEEDS_CARD.value)
_ALIVE = ", ".join(f"'{state}'" for state in ALIVE)


def _among(states: type[Auto] | type[Charge]) -> str:
    return ", ".join(f"'{state.value}'" for state in states)


class Payer(LenderOwned, Model):
    """A person as Stripe knows one: an id of theirs, for which cards are saved."""

    __tablename__ = "payer"
    debtor_id: Mapped[uuid.UUID]
    customer_id: Mapped[str]
    made_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        UniqueConstraint("lender_id", "debtor_id"),
    )


class SavedCard(LenderOwned, Model):
    """A card or an account that Stripe keeps for a person; its number is never here. `gone_at`: not charged any more.

    `kind` is the way by Stripe's name (`payments.rails`); of an account, `brand` is its bank. What its owner agreed to
    at the bank is the mandate: its id, and the reference and address of its text, as the network has them.
    """

    __tablename__ = "saved_card"
    debtor_id: Mapped[uuid.UUID]
    method_id: Mapped[str]
    kind: Mapped[str] = mapped_column(default="card", server_default="card")
    mandate_id: Mapped[str | None]
    mandate_reference: Mapped[str | None]
    mandate_url: Mapped[str | None] = mapped_column(Text)
    mandate_at: Mapped[datetime | None]
    brand: Mapped[str | None]
    last4: Mapped[str | None]
    exp_month: Mapped[int | None]
    exp_year: Mapped[int | None]
    funding: Mapped[str | None]
    saved_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]
    why_gone: Mapped[str | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        UniqueConstraint("lender_id", "method_id"),
        CheckConstraint("(gone_at is null) = (why_gone is null)", name="gone"),
        Index("ix_saved_card_lender_id_debtor_id", "lender_id", "debtor_id"),
    )


class Autopay(LenderOwned, Model):
    """That the payments of one plan are taken from a card on their days; at most one of a plan lives at a time.

    `agreed_text` is what was agreed to, word for word, in `language` and as of `version`; `most_minor` is the most that
    it lets be taken at once. `form_key` makes a second click the same one. `session_id` is the page that saves a card
    now, the `saves`-th. `act_on` is the first day on which time brings something; None: never.
    """

    __tablename__ = "autopay"
    plan_id: Mapped[uuid.UUID]
    debt_id: Mapped[uuid.UUID]
    debtor_id: Mapped[uuid.UUID]
    state: Mapped[str]
    card_id: Mapped[uuid.UUID | None]
    agreed_text: Mapped[str] = mapped_column(Text)
    version: Mapped[str]
    language: Mapped[str]
    most_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    form_key: Mapped[str]
    agreed_at: Mapped[datetime]
    session_id: Mapped[str | None]
    session_url: Mapped[str | None]
    session_expires_at: Mapped[datetime | None]
    saves: Mapped[int] = mapped_column(default=0)
    act_on: Mapped[date | None]
    stopped_at: Mapped[datetime | None]
    stopped_by: Mapped[str | None]
    why_stopped: Mapped[str | None]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "debt_id"], ["debt.lender_id", "debt.id"]),
        ForeignKeyConstraint(["lender_id", "plan_id"], ["plan.lender_id", "plan.id"]),
        ForeignKeyConstraint(["lender_id", "card_id"], ["saved_card.lender_id", "saved_card.id"]),
        UniqueConstraint("lender_id", "plan_id", "form_key"),
        CheckConstraint(f"state in ({_among(Auto)})", name="state"),
        CheckConstraint("(state = 'stopped') = (stopped_at is not null)", name="stopped"),
        CheckConstraint("state <> 'on' or card_id is not null", name="card"),
        CheckConstraint("most_minor > 0", name="most"),
        Index(
            "uq_autopay_one_alive",
            "lender_id",
            "plan_id",
            unique=True,
            postgresql_where=text(f"state in ({_ALIVE})"),
            sqlite_where=text(f"state in ({_ALIVE})"),
        ),
        Index("ix_autopay_lender_id_debtor_id", "lender_id", "debtor_id"),
        Index("ix_autopay_lender_id_act_on", "lender_id", "act_on", "id"),
        Index("ix_autopay_lender_id_card_id", "lender_id", "card_id"),
    )


class AutopayCharge(LenderOwned, Model):
    """The charge for one payment of a plan, of which there is one for ever: `lender_id, plan_id, seq` is its key.

    `most_minor` is what its notice said, in `message_id`, which must have left `days` before `charge_on`. All tries go
    to the one payment `payment_id`, which Stripe lets succeed once.
    """

    __tablename__ = "autopay_charge"
    autopay_id: Mapped[uuid.UUID]
    plan_id: Mapped[uuid.UUID]
    debtor_id: Mapped[uuid.UUID]
    seq: Mapped[int]
    state: Mapped[str]
    due_on: Mapped[date]
    charge_on: Mapped[date]
    days: Mapped[int]
    most_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    notices: Mapped[int] = mapped_column(default=0)
    message_id: Mapped[uuid.UUID | None]
    tries: Mapped[int] = mapped_column(default=0)
    tried_on: Mapped[date | None]
    payment_id: Mapped[uuid.UUID | None]
    why: Mapped[str | None]
    made_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["lender_id", "autopay_id"], ["autopay.lender_id", "autopay.id"]),
        ForeignKeyConstraint(["lender_id", "plan_id"], ["plan.lender_id", "plan.id"]),
        ForeignKeyConstraint(["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"]),
        ForeignKeyConstraint(["lender_id", "message_id"], ["message.lender_id", "message.id"]),
        ForeignKeyConstraint(["lender_id", "payment_id"], ["payment.lender_id", "payment.id"]),
        UniqueConstraint("lender_id", "plan_id", "seq"),
        UniqueConstraint("lender_id", "payment_id"),
        CheckConstraint(f"state in ({_among(Charge)})", name="state"),
        CheckConstraint("most_minor > 0 and tries >= 0", name="amounts"),
        CheckConstraint("state not in ('charging', 'charged') or payment_id is not null", name="payment"),
        Index("ix_autopay_charge_lender_id_debtor_id", "lender_id", "debtor_id"),
    )
