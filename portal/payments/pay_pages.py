"""Paying one debt: how much."""

from __future__ import annotations

import uuid

from babel.numbers import get_currency_symbol
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import amounts
from portal.care.pages import paying_all_the_same
from portal.debts.pages import mine_or_404
from portal.lenders.accounts import shown as shown_account
from portal.payments.check_page import checked_and_paid, exact_amount, form_key_given
from portal.payments.forms import PayForm
from portal.payments.pages import payments
from portal.payments.payable import (
    choice_words,
    choices_of,
    debt_choices,
    disputed_of,
    least_of,
    on_its_way,
    owing_of,
    payable_of,
    problem_of,
    together,
)
from portal.people.permissions import me, needs_debtor
from portal.web.languages import get_locale
from portal.web.languages import gettext as _


@payments.route("/pay", methods=["GET", "POST"])
@needs_debtor
def pay() -> ResponseReturnValue:
    """Ask how much to pay and on which debt, show it to be checked, and lead to the hosted page."""
    person = me()
    reference = request.args.get("debt")
    mine = owing_of(person)
    if reference is None and len(mine) == 1:
        return redirect(url_for("payments.pay", debt=mine[0].reference), 303)
    if reference is None:
        return render_template(
            "payments/pay.html",
            debts=debt_choices(person, mine),
            together=together(mine),
            debt=None,
            form=PayForm(),
        )
    debt = mine_or_404(reference)
    if not debt.owed:
        return redirect(url_for("home.debt", reference=reference), 303)
    found = payable_of(person, debt)
    if not found.owed:
        # All that is left is let off once a bank can't take the payment back any more.
        return redirect(url_for("home.debt", reference=reference), 303)
    choices = choices_of(found)
    form = PayForm()
    form.amount.currency = debt.owed.currency
    form.choice.choices = [(key, choice_words(key)) for key in choices]
    exact = exact_amount(request.form.get("exact", ""), debt.owed.currency)
    if request.method == "GET":
        asked = request.args.get("amount")
        form.begin(choice=asked if asked in choices else ("next" if "next" in choices else None))
    elif exact is not None or form.validate():
        amount = exact or (form.amount.money if form.choice.data == "other" else choices[form.choice.data])
        problem = problem_of(amount, found.owed)
        if amount is not None and problem is None:
            return checked_and_paid(person, [(found, amount)], change=url_for("payments.pay", debt=reference))
        if exact is not None:
            # What was shown to be checked is no longer right: it is shown again as somebody's own amount.
            form.choice.data, form.amount.data = "other", amounts.written(exact)
        form.amount.errors = [problem or ""]  # type: ignore[assignment]
    form.form_key.data = form_key_given() or uuid.uuid4().hex
    return (
        render_template(
            "payments/pay.html",
            debts=debt_choices(person, mine),
            together=together(mine),
            debt=debt,
            form=form,
            choices=choices,
            notes={
                "next": _("Keeps to your plan."),
                "late": _("Everything whose day has passed."),
            },
            least=least_of(found.owed),
            prefix=get_currency_symbol(debt.owed.currency, locale=get_locale()),
            effect=on_its_way(debt),
            plan_reference=found.view.reference if found.view else None,
            disputed=debt.id in disputed_of(person, [debt]),
            by_transfer=shown_account(lender_id=person.lender_id, currency=debt.owed.currency) is not None,
            all_the_same=paying_all_the_same(),
        ),
        422 if form.errors or form.amount.errors else 200,
    )
