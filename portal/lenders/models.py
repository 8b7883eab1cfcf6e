"""The lender's row: everything that a lender decides about itself."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Model, new_id


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
    website: Mapped[str]
    jurisdiction: Mapped[str]
    currency: Mapped[str]
    zone: Mapped[str]
    languages: Mapped[list[str]]
    stripe_secret_key: Mapped[str | None]
    stripe_webhook_secret: Mapped[str | None]
    stripe_webhook_url: Mapped[str | None]
    made_up: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    __table_args__ = (CheckConstraint("length(currency) = 3", name="currency"),)


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
