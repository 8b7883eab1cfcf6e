"""Paying: how much, off to the hosted page, and what became of it."""

from __future__ import annotations

import re
import uuid

from babel.numbers import get_currency_symbol
from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import select

from portal import clock
from portal.db import session, transaction
from portal.debts.pages import mine_or_404
from portal.debts.statement import Standing, by_id, debts_of
from portal.lenders.models import Lender
from portal.money import Money
from portal.payments import checkout, settle, stripe_gateway
from portal.payments.forms import PayForm
from portal.payments.models import Payment
from portal.people.permissions import Person, me, needs_debtor
from portal.plans.models import Plan
from portal.plans.negotiate import alive_plan
from portal.plans.progress import View, interest_due, view_of
from portal.web.formats import money as money_words
from portal.web.languages import chosen

payments = Blueprint("payments", __name__)

# Nobody is asked to pay less than this; a smaller debt is paid as a whole by other means.
LEAST_MINOR = 100
_FORM_KEY = re.compile(r"[0-9a-f]{32}")


def least_payment(currency: str) -> Money:
    """Give the smallest payment in a currency: 1.00 in most, and more where Stripe takes no less, as 175.00 in HUF."""
    usual = Money(LEAST_MINOR, currency)
    try:
        return max(usual, stripe_gateway.least(currency))
    except stripe_gateway.NotChargeable:
        return usual


def least_of(owed: Money) -> Money:
    """Give the smallest payment for a debt, or all that is owed if that is less."""
    return min(least_payment(owed.currency), owed)


@payments.route("/pay", methods=["GET", "POST"])
@needs_debtor
def pay() -> ResponseReturnValue:
    """Ask how much to pay and on which debt, and lead to the hosted page."""
    person = me()
    reference = request.args.get("debt")
    mine = [debt for debt in debts_of(lender_id=person.lender_id, debtor_id=person.debtor_id) if debt.owed]
    if reference is None and len(mine) == 1:
        return redirect(url_for("payments.pay", debt=mine[0].reference), 303)
    if reference is None:
        return render_template("payments/pay.html", debts=_debt_choices(person, mine), debt=None, form=PayForm())
    debt = mine_or_404(reference)
    if not debt.owed:
        return redirect(url_for("home.debt", reference=reference), 303)
    plan = alive_plan(lender_id=debt.lender_id, debt_id=debt.id)
    view = view_of(plan, today=clock.today(person.zone)) if plan else None
    owed = debt.owed + interest_due(plan, today=clock.today(person.zone)) if plan else debt.owed
    choices = _choices(owed, view)
    form = PayForm()
    form.amount.currency = debt.owed.currency
    form.choice.choices = [(key, _choice_words(key)) for key in choices]
    if request.method == "GET":
        form.form_key.data = uuid.uuid4().hex
        asked = request.args.get("amount")
        form.choice.data = asked if asked in choices else ("next" if "next" in choices else None)
    elif form.validate() and _FORM_KEY.fullmatch(form.form_key.data or ""):
        amount = form.amount.money if form.choice.data == "other" else choices[form.choice.data]
        problem = _problem(amount, owed)
        if amount is not None and problem is None:
            return _go(person, debt, plan, amount, form.form_key.data or "")
        form.amount.errors = [problem or ""]  # type: ignore[assignment]
    if not _FORM_KEY.fullmatch(form.form_key.data or ""):
        form.form_key.data = uuid.uuid4().hex
    return (
        render_template(
            "payments/pay.html",
            debts=_debt_choices(person, mine),
            debt=debt,
            form=form,
            choices=choices,
            notes={"next": _("Keeps your plan.") if plan else "", "all": "", "other": ""},
            least=least_of(owed),
            prefix=get_currency_symbol(debt.owed.currency, locale=str(get_locale())),
            effect=_on_its_way(debt),
        ),
        422 if form.errors or form.amount.errors else 200,
    )


def _on_its_way(debt: Standing) -> str | None:
    """Say that money for this debt is on its way already, so that nobody pays the same thing twice."""
    underway = session.scalars(
        select(Payment)
        .where(Payment.lender_id == debt.lender_id, Payment.debt_id == debt.id, Payment.state == "processing")
        .order_by(Payment.started_at.desc())
        .limit(1)
    ).first()
    if underway is None:
        return None
    return _(
        "A payment of %(amount)s is on its way already. It can take a few days. Please don’t pay the same again.",
        amount=money_words(Money(underway.amount_minor, underway.currency)),
    )


def _problem(amount: Money | None, owed: Money) -> str | None:
    if amount is None:
        return _("Enter an amount.")
    if amount < least_of(owed):
        return _("The smallest payment is %(amount)s.", amount=money_words(least_of(owed)))
    if amount > owed:
        return _("That is more than you owe. All that is left is %(amount)s.", amount=money_words(owed))
    if Money.zero(owed.currency) < owed - amount < least_payment(owed.currency):
        return _(
            "That would leave only %(rest)s, which is too little to be paid online later. "
            "Pay all of it, or a little less.",
            rest=money_words(owed - amount),
        )
    try:
        stripe_gateway.charged(amount)
    except stripe_gateway.NotChargeable:
        return _("This amount can’t be paid online. Please choose another one, or talk to us.")
    return None


def _choices(owed: Money, view: View | None) -> dict[str, Money | None]:
    choices: dict[str, Money | None] = {}
    if view is not None and view.next is not None:
        # Interest is charged on its due date: whoever pays the last payment before it owes that much less.
        choices["next"] = min(view.next_amount, owed)
        if choices["next"] != owed:
            choices["all"] = owed
    else:
        choices["all"] = owed
    choices["other"] = None
    return choices


def _choice_words(key: str) -> str:
    return {"next": _("Your next payment"), "all": _("All that is left"), "other": _("Another amount")}[key]


def _debt_choices(person: Person, mine: list[Standing]) -> list[dict[str, object]]:
    return [
        {
            "reference": debt.reference,
            "product": debt.product,
            "creditor": debt.creditor or person.lender.name,
            "owed": debt.owed,
            "url": url_for("payments.pay", debt=debt.reference),
        }
        for debt in mine
    ]


def _go(person: Person, debt: Standing, plan: Plan | None, amount: Money, form_key: str) -> ResponseReturnValue:
    base = current_app.config["BASE_URL"]
    again = url_for("payments.pay", debt=debt.reference)
    try:
        lender = session.get_one(Lender, person.lender_id)
        account = checkout.account_of(lender, api_base=current_app.config["STRIPE_API_BASE"])
        going = checkout.start(
            debt,
            lender=lender,
            account=account,
            amount=amount,
            plan_id=plan.id if plan else None,
            form_key=form_key,
            result_url=base + url_for("payments.result", reference="REFERENCE"),
            back_url=base + url_for("payments.result", reference="REFERENCE", left=1),
            description=f"{debt.product} {debt.reference}",
            language=chosen(),
            by=person.actor,
        )
    except checkout.NoPaymentsYet:
        flash(_("Paying online isn’t possible yet. Please call us, and we tell you how to pay."), "wait")
        return redirect(again, 303)
    except stripe_gateway.PaymentRefused:
        current_app.logger.exception("Stripe refused to open a payment page")
        flash(_("This amount can’t be paid online. Please choose another one, or talk to us."), "problem")
        return redirect(again, 303)
    except stripe_gateway.PaymentServiceDown:
        return render_template("payments/service_down.html", again_url=again), 503
    match going:
        case checkout.GoPay(url=url):
            return redirect(url, 303)
        case checkout.Underway(reference=reference):
            return redirect(url_for("payments.result", reference=reference), 303)


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
    debt = by_id(lender_id=person.lender_id, debt_id=payment.debt_id)
    plan = session.get(Plan, (payment.lender_id, payment.plan_id)) if payment.plan_id else None
    words = None
    if shown == "done" and payment.refunded_minor == payment.amount_minor:
        shown = "given_back"
    elif shown == "done" and settle.was_set_aside(payment):
        shown = "set_aside"
    if shown == "done" and payment.refunded_minor:
        words = _(
            "%(amount)s of it was given back to you.",
            amount=money_words(Money(payment.refunded_minor, payment.currency)),
        )
    return render_template(
        "payments/result.html",
        state=shown,
        payment={
            "reference": payment.reference,
            "amount": Money(payment.amount_minor, payment.currency),
            "debt_reference": debt.reference,
            "plan_reference": plan.reference if plan else None,
        },
        left=debt.owed if shown == "done" else None,
        receipt_url=url_for("letters.letters") if shown == "done" else None,
        words=words,
    )


def _wait_for(lender_id: uuid.UUID, payment_id: uuid.UUID) -> Payment:
    """Look, for a second and a half at most, whether the worker has settled a payment: few need a second look."""
    for _turn in range(6):
        session.rollback()
        payment = session.get_one(Payment, (lender_id, payment_id), populate_existing=True)
        if payment.state not in ("created", "sent"):
            break
        clock.pause(0.25)
    return payment
