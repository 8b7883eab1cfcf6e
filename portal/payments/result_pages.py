"""What became of a payment."""

from __future__ import annotations

import uuid

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from portal import clock
from portal.db import session, transaction
from portal.debts.statement import by_id
from portal.money import Money
from portal.payments import on_the_way, settle
from portal.payments.models import Payment
from portal.payments.pages import payments
from portal.payments.parts import parts_of
from portal.payments.rails import VOUCHER_RAN_OUT
from portal.people.permissions import Person, me, needs_debtor
from portal.plans.models import Plan
from portal.web.formats import money as money_words
from portal.web.languages import gettext as _


@payments.get("/pay/result/<reference>")
@needs_debtor
def result(reference: str) -> ResponseReturnValue:
    """Ask for the payment to be settled, and show how it stands; nothing here trusts the address."""
    person = me()
    payment = session.scalars(
        select(Payment).where(
            Payment.lender_id == person.lender_id,
            Payment.debtor_id == person.debtor_id,
            Payment.reference == reference,
        )
    ).one_or_none()
    if payment is None:
        abort(404)
    if payment.state in ("created", "sent", "processing") and payment.session_id:
        payment_id, lender_id = payment.id, payment.lender_id
        with transaction():
            settle.ask(lender_id=lender_id, payment_id=payment_id)
        payment = _wait_for(lender_id, payment_id)
    left = request.args.get("left") == "1"
    shown = {
        "created": "cancelled" if left else "waiting",
        "sent": "cancelled" if left else "waiting",
        "processing": "processing",
        "failed": "failed",
        "cancelled": "cancelled",
        "expired": "cancelled",
    }.get(payment.state, "done")
    words = None
    voucher = on_the_way.voucher_of(payment, zone=person.zone)
    if voucher is not None:
        shown = "voucher"
    if shown == "failed" and payment.failure == VOUCHER_RAN_OUT:
        words = _("The voucher was not paid in time, so it has ended. You can make a new one, or pay another way.")
    if payment.state == "disputed":
        shown = "disputed"
    elif shown == "done" and payment.refunded_minor == payment.amount_minor:
        shown = "given_back" if payment.payment_intent_id else "undone"
    elif shown == "done" and settle.was_set_aside(payment):
        shown = "set_aside"
    if shown == "done" and payment.refunded_minor:
        words = _(
            "%(amount)s of it was given back to you.",
            amount=money_words(Money(payment.refunded_minor, payment.currency)),
        )
    rows = [
        _paid_on(person, part.debt_id, part.plan_id, part.amount)
        for part in parts_of(lender_id=payment.lender_id, payment_id=payment.id)
    ]
    first = rows[0]
    alone = len(rows) == 1
    return render_template(
        "payments/result.html",
        state=shown,
        payment={
            "reference": payment.reference,
            "amount": Money(payment.amount_minor, payment.currency),
            "plan_reference": first["plan_reference"] if alone else None,
        },
        rows=[] if alone else rows,
        left=first["left"] if shown == "done" and alone else None,
        receipt_url=url_for("letters.letters") if shown == "done" else None,
        again_url=url_for("payments.pay", debt=first["reference"])
        if alone
        else url_for("payments.several", currency=payment.currency),
        words=words,
        voucher=voucher,
        way=on_the_way.steps(payment, zone=person.zone) if shown in ("voucher", "processing", "done") else [],
    )


def _paid_on(person: Person, debt_id: uuid.UUID, plan_id: uuid.UUID | None, amount: Money) -> dict[str, object]:
    debt = by_id(lender_id=person.lender_id, debt_id=debt_id)
    plan = session.get(Plan, (person.lender_id, plan_id)) if plan_id else None
    return {
        "reference": debt.reference,
        "product": debt.product,
        "amount": amount,
        "left": debt.owed,
        "plan_reference": plan.reference if plan else None,
    }


def _wait_for(lender_id: uuid.UUID, payment_id: uuid.UUID) -> Payment:
    """Look, for a second and a half at most, whether the worker has settled a payment: few need a second look."""
    for _turn in range(6):
        session.rollback()
        payment = session.get_one(Payment, (lender_id, payment_id), populate_existing=True)
        if payment.state not in ("created", "sent"):
            break
        clock.pause(0.25)
    return payment
