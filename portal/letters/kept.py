"""Letters that were issued: a person's list, and one of them with its bytes."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import String, bindparam, case, func, literal_column, null, or_, select, union_all

from portal import clock
from portal.care.models import CareHold, CareRequest
from portal.db import read, session, table_of
from portal.debts.models import Debt
from portal.debts.statement import by_id
from portal.ledger import OWED, Posting, Transfer
from portal.letters.kinds import Kind
from portal.letters.models import IssuedLetter, LetterByHand
from portal.payments.models import MoneyEffect, Payment, PaymentPart
from portal.payments.parts import given_back_of, receipt_cause
from portal.plans.models import Plan, PlanChange, Quote
from portal.plans.negotiate import holds


def letters_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> Sequence[IssuedLetter]:
    """Give a person's letters, newest first, without reading their bytes."""
    return list(
        session.execute(
            select(
                IssuedLetter.number,
                IssuedLetter.kind,
                IssuedLetter.issued_at,
                IssuedLetter.cause,
                IssuedLetter.debt_id,
            )
            .where(IssuedLetter.lender_id == lender_id, IssuedLetter.debtor_id == debtor_id)
            .order_by(IssuedLetter.issued_at.desc(), IssuedLetter.id.desc())
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
    """Give the causes of a person's letters that are no longer true.

    They are receipts of what was given back, debt by debt; what said of a request or a change that was taken back, or
    of a pause that ended early, that it stands; that a debt is over, of which something was given back since; and
    offers that can't be agreed to any more.
    """
    mine = {"lender_id": lender_id, "debtor_id": debtor_id}
    receipts = (
        receipt_cause(payment_id, debt_id, alone=alone)
        for payment_id, debt_id in given_back_of(**mine)
        for alone in (True, False)
    )
    undone = (f"{row.kind}:{row.about}" + (f":{row.debt_id}" if row.debt_id else "") for row in read(_UNDONE, mine))
    return frozenset((*receipts, *undone, *_endings_no_longer_true(**mine)))


_REQUEST, _HOLD, _DEBT = table_of(CareRequest).c, table_of(CareHold).c, table_of(Debt).c
_CHANGE, _PLAN = table_of(PlanChange).c, table_of(Plan).c
# By the cause of a letter: its kind, what it is about, and the debt where there is one for each of them.
_UNDONE_OF_ALL = union_all(
    select(
        case((_REQUEST.kind == "cant_pay", "granted-pause"), else_="dispute-acknowledgement").label("kind"),
        _REQUEST.id.label("about"),
        _DEBT.id.label("debt_id"),
    )
    .join_from(
        table_of(CareRequest),
        table_of(CareHold),
        (_HOLD.lender_id == _REQUEST.lender_id) & (_HOLD.request_id == _REQUEST.id) & (_HOLD.kind == _REQUEST.kind),
    )
    .join(table_of(Debt), (_DEBT.lender_id == _REQUEST.lender_id) & (_DEBT.debtor_id == _REQUEST.debtor_id))
    .where(
        _REQUEST.lender_id == bindparam("lender_id"),
        _REQUEST.debtor_id == bindparam("debtor_id"),
        or_(_REQUEST.withdrawn_at.is_not(None), _HOLD.ended_at < _HOLD.until),
    ),
    select(literal_column("'deferral-confirmation'", String), _CHANGE.id, null())
    .join_from(
        table_of(PlanChange),
        table_of(Plan),
        (_PLAN.lender_id == _CHANGE.lender_id) & (_PLAN.id == _CHANGE.plan_id),
    )
    .where(
        _PLAN.lender_id == bindparam("lender_id"),
        _PLAN.debtor_id == bindparam("debtor_id"),
        _CHANGE.undone_at.is_not(None),
    ),
).subquery("undone")
_UNDONE = select(_UNDONE_OF_ALL.c.kind, _UNDONE_OF_ALL.c.about, _UNDONE_OF_ALL.c.debt_id)
# By these postings a debt that was over is owed again. A lender's file is none of them: its word was given.
_BACK = ("refund", "dispute", "transfer_undone", "set_off_undone", "waiver_undone")
_OF_A_DEBT_THAT_IS_OVER = frozenset({Kind.SETTLEMENT_SATISFIED.value, Kind.PAID_IN_FULL.value})


def _endings_no_longer_true(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> frozenset[str]:
    letters = session.execute(
        select(IssuedLetter.cause, IssuedLetter.kind, IssuedLetter.debt_id, IssuedLetter.issued_at).where(
            IssuedLetter.lender_id == lender_id,
            IssuedLetter.debtor_id == debtor_id,
            IssuedLetter.kind.in_((*_OF_A_DEBT_THAT_IS_OVER, Kind.SETTLEMENT_OFFER.value)),
        )
    ).all()
    over = [letter for letter in letters if letter.kind in _OF_A_DEBT_THAT_IS_OVER]
    back = _back_since(lender_id, {letter.debt_id for letter in over})
    found = {letter.cause for letter in over if letter.debt_id in back and back[letter.debt_id] >= letter.issued_at}
    for letter in letters:
        if letter.kind == Kind.SETTLEMENT_OFFER.value:
            made = session.get_one(Quote, (lender_id, uuid.UUID(letter.cause.partition(":")[2])))
            debt = by_id(lender_id=lender_id, debt_id=letter.debt_id)
            if made.state != "accepted" and not holds(made, parts=debt.parts):
                found.add(letter.cause)
    return frozenset(found)


def _back_since(lender_id: uuid.UUID, debt_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    """Give of some debts when something that was paid off, or let off, was owed again, for the last time."""
    if not debt_ids:
        return {}
    rows = session.execute(
        select(Transfer.book_id, func.max(Posting.at))
        .join(Posting, (Posting.lender_id == Transfer.lender_id) & (Posting.id == Transfer.posting_id))
        .where(
            Transfer.lender_id == lender_id,
            Transfer.book_id.in_(debt_ids),
            Transfer.to_account.in_([account.value for account in OWED]),
            Posting.kind.in_(_BACK),
        )
        .group_by(Transfer.book_id)
    )
    return {book_id: at for book_id, at in rows if book_id is not None}


# A newer one of the same debt says what an older one said.
_REPLACED = frozenset(
    {"plan-agreement", "statement-of-account", "deferral-confirmation", "goodwill-statement", "credit-status"}
)


def replaced(letters: Sequence[IssuedLetter], gone: Collection[str] = ()) -> frozenset[str]:
    """Give the numbers of those letters of a person, given newest first, in whose place there is a newer one.

    One of the causes `gone` is no longer true and takes nobody's place.
    """
    newest: set[tuple[str, uuid.UUID]] = set()
    found = set()
    for letter in letters:
        if letter.cause in gone:
            continue
        about = (letter.kind, letter.debt_id)
        if letter.kind in _REPLACED and about in newest:
            found.add(letter.number)
        newest.add(about)
    return frozenset(found)


def statement_cause(debt_id: uuid.UUID, day: date) -> str:
    """Give the cause of a statement of account: one a debt and day."""
    return f"statement:{debt_id}:{day.isoformat()}"


@dataclass(frozen=True, slots=True)
class Awaited:
    """A letter that isn't there yet: its kind, its debt, and whether what it is about has happened.

    `happened` is False for the receipt of a payment that has not arrived.
    """

    kind: str
    debt_id: uuid.UUID
    number: str
    happened: bool
    since: datetime


def awaited_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> tuple[Awaited, ...]:
    """Give the letters that a person can wait for: of plans and payments that have none yet, newest first."""
    there = {
        cause
        for model in (IssuedLetter, LetterByHand)
        for cause in session.scalars(
            select(model.cause).where(model.lender_id == lender_id, model.debtor_id == debtor_id)
        )
    }
    plans = session.execute(
        select(Plan.id, Plan.reference, Plan.debt_id, Plan.agreed_at).where(
            Plan.lender_id == lender_id, Plan.debtor_id == debtor_id
        )
    )
    found = [
        Awaited("plan-agreement", plan.debt_id, plan.reference, happened=True, since=plan.agreed_at)
        for plan in plans
        if f"plan-agreement:{plan.id}" not in there
    ]
    payments = session.execute(
        select(Payment.id, Payment.reference, Payment.started_at, PaymentPart.debt_id, MoneyEffect.id.label("posted"))
        .join(PaymentPart, (PaymentPart.lender_id == Payment.lender_id) & (PaymentPart.payment_id == Payment.id))
        .join(
            MoneyEffect,
            (MoneyEffect.lender_id == Payment.lender_id)
            & (MoneyEffect.payment_id == Payment.id)
            & (MoneyEffect.outcome == "posted")
            & MoneyEffect.key.endswith(":payment"),
            isouter=True,
        )
        .where(
            Payment.lender_id == lender_id,
            Payment.debtor_id == debtor_id,
            or_(MoneyEffect.id.is_not(None), Payment.state == "processing"),
        )
    )
    found += [
        Awaited("payment-receipt", row.debt_id, row.reference, happened=row.posted is not None, since=row.started_at)
        for row in payments
        if not there & {receipt_cause(row.id, row.debt_id, alone=alone) for alone in (True, False)}
    ]
    return tuple(sorted(found, key=lambda one: one.since, reverse=True))


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
