"""Letters that were issued: a person's list, and one of them with its bytes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select

from portal import clock
from portal.db import session
from portal.letters.models import IssuedLetter, LetterByHand
from portal.payments.models import Payment


def letters_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> Sequence[IssuedLetter]:
    """Give a person's letters, newest first, without reading their bytes."""
    return list(
        session.execute(
            select(IssuedLetter.number, IssuedLetter.kind, IssuedLetter.issued_at, IssuedLetter.cause)
            .where(IssuedLetter.lender_id == lender_id, IssuedLetter.debtor_id == debtor_id)
            .order_by(IssuedLetter.issued_at.desc())
        )  # type: ignore[arg-type]
    )


def by_hand_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> Sequence[LetterByHand]:
    """Give a person's letters that a person of the lender prepares or has sent, newest first."""
    drawn = select(IssuedLetter.cause).where(IssuedLetter.lender_id == lender_id, IssuedLetter.debtor_id == debtor_id)
    return session.scalars(
        select(LetterByHand)
        .where(
            LetterByHand.lender_id == lender_id,
            LetterByHand.debtor_id == debtor_id,
            LetterByHand.cause.not_in(drawn),
        )
        .order_by(LetterByHand.asked_at.desc())
    ).all()


def waiting_for_person(*, lender_id: uuid.UUID | None = None) -> Sequence[LetterByHand]:
    """Give the letters that wait for a person of one lender or of all, oldest first."""
    return session.scalars(
        select(LetterByHand)
        .where(LetterByHand.done_at.is_(None), *([LetterByHand.lender_id == lender_id] if lender_id else []))
        .order_by(LetterByHand.asked_at, LetterByHand.id)
    ).all()


def no_longer_true(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> frozenset[str]:
    """Give the causes of a person's letters that are no longer true: receipts of payments that were given back."""
    paid_back = session.scalars(
        select(Payment.id).where(
            Payment.lender_id == lender_id, Payment.debtor_id == debtor_id, Payment.refunded_minor > 0
        )
    )
    return frozenset(f"payment-receipt:{payment_id}" for payment_id in paid_back)


def letter_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, number: str) -> IssuedLetter | None:
    """Give a person's letter, or None if it isn't his or isn't there."""
    return session.scalars(
        select(IssuedLetter).where(
            IssuedLetter.lender_id == lender_id, IssuedLetter.debtor_id == debtor_id, IssuedLetter.number == number
        )
    ).one_or_none()


def day_in(zone: str, instant: datetime) -> date:
    """Give the day of an instant in a zone."""
    return instant.astimezone(clock.zone(zone)).date()
