"""What a payment is for, debt by debt: its parts as plain values, and what came for a plan by way of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, case, func, select

from portal.db import session, table_of
from portal.ledger import CASH, Transfer
from portal.money import Money
from portal.payments.models import CreditUse, MoneyEffect, Payment, PaymentPart
from portal.plans.models import Plan


@dataclass(frozen=True, slots=True)
class Part:
    """How much of a payment is for one debt, and towards which plan it counts, if any."""

    debt_id: uuid.UUID
    plan_id: uuid.UUID | None
    amount: Money


@dataclass(frozen=True, slots=True)
class Came:
    """What one effect, or one use of credit, brought for a plan, in minor units; minus for what went back.

    `paid_at` is when the payment counts, as `rails.paid_at` says: what is sent from a bank on the last day and takes a
    week has been paid on that day. `returns_end_on` is the last day on which its bank can take it back by itself.
    """

    effect_id: uuid.UUID
    at: datetime
    paid_at: datetime | None
    minor: int
    returns_end_on: date | None = None


def parts_of(*, lender_id: uuid.UUID, payment_id: uuid.UUID) -> tuple[Part, ...]:
    """Give the parts of a payment, in the order in which the payer saw them."""
    return tuple(
        Part(debt_id=row.debt_id, plan_id=row.plan_id, amount=Money(row.amount_minor, row.currency))
        for row in session.execute(
            select(PaymentPart.debt_id, PaymentPart.plan_id, PaymentPart.amount_minor, PaymentPart.currency)
            .where(PaymentPart.lender_id == lender_id, PaymentPart.payment_id == payment_id)
            .order_by(PaymentPart.place)
        )
    )


def only_debt(parts: Sequence[Part]) -> uuid.UUID | None:
    """Give the debt of a payment for one debt; None where it is for several, so that none is named for all."""
    return parts[0].debt_id if len(parts) == 1 else None


def receipt_cause(payment_id: uuid.UUID, debt_id: uuid.UUID, *, alone: bool) -> str:
    """Give the cause of a receipt: one a debt, and of a payment for one debt as it always was."""
    return f"payment-receipt:{payment_id}" if alone else f"payment-receipt:{payment_id}:{debt_id}"


# What came on a debt, less what went back.
_CASH = func.sum(
    case(
        (Transfer.to_account.in_(CASH), Transfer.amount_minor),
        (Transfer.from_account.in_(CASH), -Transfer.amount_minor),
        else_=0,
    )
)


def given_back_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> tuple[tuple[uuid.UUID, uuid.UUID], ...]:
    """Give payment and debt of each part of a person's payments of which something was given back."""
    rows = session.execute(
        select(PaymentPart.payment_id, PaymentPart.debt_id)
        .join(Payment, (Payment.lender_id == PaymentPart.lender_id) & (Payment.id == PaymentPart.payment_id))
        .join(
            MoneyEffect,
            (MoneyEffect.lender_id == PaymentPart.lender_id) & (MoneyEffect.payment_id == PaymentPart.payment_id),
        )
        .join(
            Transfer,
            (Transfer.lender_id == MoneyEffect.lender_id)
            & (Transfer.posting_id == MoneyEffect.posting_id)
            & (Transfer.book_id == PaymentPart.debt_id),
        )
        .where(
            Payment.lender_id == lender_id,
            Payment.debtor_id == debtor_id,
            Payment.refunded_minor > 0,
            MoneyEffect.outcome == "posted",
        )
        .group_by(PaymentPart.payment_id, PaymentPart.debt_id, PaymentPart.amount_minor)
        .having(PaymentPart.amount_minor > _CASH)
    )
    return tuple((row.payment_id, row.debt_id) for row in rows)


_EFFECT, _PAYMENT, _PART, _TRANSFER = (table_of(each).c for each in (MoneyEffect, Payment, PaymentPart, Transfer))
_CAME = (
    select(
        _PART.plan_id,
        _EFFECT.id,
        _EFFECT.at,
        _PAYMENT.settled_at,
        _PAYMENT.session_expires_at,
        _PAYMENT.paid_at,
        _PAYMENT.returns_end_on,
        _CASH.label("minor"),
    )
    .join_from(
        table_of(MoneyEffect),
        table_of(Payment),
        (_PAYMENT.lender_id == _EFFECT.lender_id) & (_PAYMENT.id == _EFFECT.payment_id),
    )
    .join(table_of(PaymentPart), (_PART.lender_id == _EFFECT.lender_id) & (_PART.payment_id == _EFFECT.payment_id))
    .join(
        table_of(Transfer),
        (_TRANSFER.lender_id == _EFFECT.lender_id)
        & (_TRANSFER.posting_id == _EFFECT.posting_id)
        & (_TRANSFER.book_id == _PART.debt_id),
    )
    .where(
        _PART.lender_id == bindparam("lender_id"),
        _PART.plan_id.in_(bindparam("plan_ids", expanding=True)),
        _EFFECT.outcome == "posted",
    )
    .group_by(
        _PART.plan_id,
        _EFFECT.id,
        _EFFECT.at,
        _PAYMENT.settled_at,
        _PAYMENT.session_expires_at,
        _PAYMENT.paid_at,
        _PAYMENT.returns_end_on,
    )
)
_USE = table_of(CreditUse).c
_USED = select(_USE.plan_id, _USE.id, _USE.used_at, _USE.paid_at, _USE.amount_minor, _USE.undone_at).where(
    _USE.lender_id == bindparam("lender_id"), _USE.plan_id.in_(bindparam("plan_ids", expanding=True))
)


def came_for(plan: Plan) -> tuple[Came, ...]:
    """Give what came for a plan, payments and credit that was used, as it stands in the books of the plan's debt."""
    return came_for_all(lender_id=plan.lender_id, plan_ids=[plan.id])[plan.id]


def came_for_all(*, lender_id: uuid.UUID, plan_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[Came, ...]]:
    """Give the same for many plans of a lender at once."""
    values = {"lender_id": lender_id, "plan_ids": plan_ids}
    found: dict[uuid.UUID, list[Came]] = {plan_id: [] for plan_id in plan_ids}
    for row in session.execute(_CAME, values):
        # Of payments from before there were ways that take days.
        paid_at = None if row.settled_at is None else min(row.settled_at, row.session_expires_at)
        found[row.plan_id].append(
            Came(
                effect_id=row.id,
                at=row.at,
                paid_at=row.paid_at or paid_at,
                minor=int(row.minor),
                returns_end_on=row.returns_end_on,
            )
        )
    for use in session.execute(_USED, values):
        came = found[use.plan_id]
        came.append(Came(effect_id=use.id, at=use.used_at, paid_at=use.paid_at, minor=use.amount_minor))
        if use.undone_at is not None:
            came.append(Came(effect_id=use.id, at=use.undone_at, paid_at=None, minor=-use.amount_minor))
    return {plan_id: tuple(sorted(came, key=lambda each: (each.at, each.effect_id))) for plan_id, came in found.items()}
