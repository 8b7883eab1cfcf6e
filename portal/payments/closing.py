"""After a payment came, the other pages on which the same debts could be paid are closed: a tab left open pays nothing
twice by mistake. Whoever wants to pay more begins anew, and sees what is left first.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from flask import current_app
from sqlalchemy import select

from portal import clock, queue
from portal.db import session
from portal.lenders.models import Lender
from portal.payments import settle, stripe_gateway
from portal.payments.checkout import account_of
from portal.payments.models import Payment, PaymentPart

CLOSE = "payments.close_pages"


def run(job: queue.Job) -> None:
    """Close the other open pages of a payment's debts at Stripe, and note what they say then.

    A page that was paid a moment before says so, and that money counts.

    :raises portal.queue.TryLater: if Stripe can't be reached now.
    """
    if job.lender_id is None:
        raise ValueError("a payment belongs to a lender")
    lender_id, payment_id = job.lender_id, uuid.UUID(job.payload["payment_id"])
    account = account_of(session.get_one(Lender, lender_id), api_base=current_app.config["STRIPE_API_BASE"])
    debts = select(PaymentPart.debt_id).where(PaymentPart.lender_id == lender_id, PaymentPart.payment_id == payment_id)
    others = session.execute(
        select(Payment.id, Payment.session_id)
        .join(PaymentPart, (PaymentPart.lender_id == Payment.lender_id) & (PaymentPart.payment_id == Payment.id))
        .where(
            PaymentPart.lender_id == lender_id,
            PaymentPart.debt_id.in_(debts),
            Payment.id != payment_id,
            Payment.state == "sent",
            Payment.session_id.is_not(None),
            Payment.session_expires_at > clock.now(),
        )
        .distinct()
    ).all()
    session.rollback()
    for other, session_id in others:
        try:
            stripe_gateway.close_checkout(account, session_id=str(session_id))
        except stripe_gateway.PaymentServiceDown as down:
            raise queue.TryLater(timedelta(seconds=15)) from down
        settle.settle(lender_id=lender_id, payment_id=other)
