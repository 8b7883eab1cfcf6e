"""The lender's row: everything that a lender decides about itself."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import LenderOwned, Model, Sealed, new_id


class Lender(Model):
    """A lender whose debtors use the portal; Stripe keys are its own."""

    __tablename__ = "lender"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    legal_name: Mapped[str]
    address: Mapped[list[str]]
    licence: Mapped[str]
    phone: Mapped[str]
    email: Mapped[str]
    # Who is told at once when a request can't wait; `email` if nobody is named.
    urgent_email: Mapped[str | None]
    website: Mapped[str]
    # Under this name of a host there is nobody but this lender; none for a lender that is found by its path.
    host: Mapped[str | None]
    jurisdiction: Mapped[str]
    currency: Mapped[str]
    zone: Mapped[str]
    languages: Mapped[list[str]]
    # So many days before a payment of a plan a reminder goes out.
    remind_days_before: Mapped[int] = mapped_column(default=3, server_default="3")
    stripe_secret_key: Mapped[str | None] = mapped_column(Sealed("lender.stripe_secret_key"))
    stripe_webhook_secret: Mapped[str | None] = mapped_column(Sealed("lender.stripe_webhook_secret"))
    stripe_webhook_url: Mapped[str | None]
    # What debts may be paid with beside money that is there, and which ways are not offered (`payments.rails.Choice`).
    takes_credit_cards: Mapped[bool] = mapped_column(default=False, server_default=false())
    takes_pay_later: Mapped[bool] = mapped_column(default=False, server_default=false())
    ways_left_out: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    made_up: Mapped[bool] = mapped_column(default=False)
    # Colours, corners, name and logo of its pages, as `brand.py` checked them; none for the portal's own look.
    brand: Mapped[dict[str, Any] | None]
    # Letters have this language too, behind the person's own; none for one language a letter.
    letters_beside: Mapped[str | None]
    # Who of the lender answers for its letters, printed at their end; none for no name.
    signatory_name: Mapped[str | None]
    signatory_role: Mapped[str | None]
    # The SHA-256 of the logo that its letters have, a row of `letter_logo`; none for letters without.
    letters_logo: Mapped[str | None]
    created_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("length(currency) = 3", name="currency"),
        Index("uq_lender_host", "host", unique=True),
    )


@dataclass(frozen=True, slots=True)
class LenderCard:
    """What pages show of a lender, and where its people are; the names are columns of its row."""

    id: uuid.UUID
    name: str
    legal_name: str
    phone: str
    email: str
    zone: str
    jurisdiction: str
    languages: list[str]
    slug: str
    brand: dict[str, Any] | None


class BankAccount(LenderOwned, Model):
    """An account of a lender to which people pay by themselves, or its desk for cash; `shown` to whoever owes.

    `number` is an IBAN, or what the bank calls it, in capitals without spaces.
    """

    __tablename__ = "bank_account"
    number: Mapped[str]
    holder: Mapped[str]
    bank: Mapped[str]
    bic: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3))
    kind: Mapped[str]
    shown: Mapped[bool]
    set_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("lender_id", "number"),
        CheckConstraint("length(currency) = 3", name="currency"),
        CheckConstraint("kind in ('bank', 'cash')", name="kind"),
        CheckConstraint("kind = 'bank' or not shown", name="cash_is_not_shown"),
        # Two would leave it open to which one a debtor pays.
        Index(
            "uq_bank_account_shown",
            "lender_id",
            "currency",
            unique=True,
            postgresql_where=text("shown"),
            sqlite_where=text("shown"),
        ),
    )


class LenderLogo(LenderOwned, Model):
    """The mark of a lender with a brand of its own, with nothing in it but shapes or pixels."""

    __tablename__ = "lender_logo"
    kind: Mapped[str]
    hash: Mapped[str]
    content: Mapped[bytes]
    __table_args__ = (
        UniqueConstraint("lender_id"),
        CheckConstraint("kind in ('svg', 'png')", name="kind"),
    )
