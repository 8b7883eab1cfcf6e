"""Pages that ask: what can you afford, and which day suits you."""

from __future__ import annotations

from babel.numbers import get_currency_symbol
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from portal.db import transaction
from portal.money import Money
from portal.people.permissions import me, needs_debtor
from portal.plans import negotiate
from portal.plans.forms import AffordForm, DayOfMonthForm, DayOfWeekForm, every, how_often, weekday
from portal.plans.negotiate import NoLimits
from portal.plans.pages import asked_words, debt_to_plan, elsewhere, no_limits, plans
from portal.schedules.dates import Frequency
from portal.web.formats import money as money_words


@plans.route("/debts/<reference:reference>/what-can-you-afford", methods=["GET", "POST"])
@needs_debtor
def what_can_you_afford(reference: str) -> ResponseReturnValue:
    """Ask how much, and how often."""
    debt, today = debt_to_plan(reference)
    if (away := elsewhere(debt)) is not None:
        return away
    try:
        limits = negotiate.limits_in_force(debt, today=today).limits
    except NoLimits:
        return no_limits(debt)
    before = negotiate.newest_proposal(debt)
    form = AffordForm()
    form.amount.currency = debt.owed.currency
    form.frequency.choices = [(frequency.value, how_often(frequency)) for frequency in limits.frequencies]
    if request.method == "GET":
        usual = Frequency.MONTHLY if Frequency.MONTHLY in limits.frequencies else limits.frequencies[0]
        form.frequency.data = before.frequency if before else usual.value
        if before is not None:
            form.amount.data = str(Money(before.amount_minor, before.currency).amount)
    elif form.validate() and form.amount.money is not None:
        with transaction():
            negotiate.propose(
                debt,
                payment=form.amount.money,
                frequency=Frequency(form.frequency.data),
                by=me().actor,
                today=today,
            )
        return redirect(url_for("plans.which_day", reference=reference), 303)
    least = negotiate.least_payment(debt, limits=limits, today=today)
    return (
        render_template(
            "plans/what_can_you_afford.html",
            debt=debt,
            form=form,
            prefix=get_currency_symbol(debt.owed.currency, locale=str(get_locale())),
            least=_("%(amount)s %(every)s", amount=money_words(least), every=every(Frequency.MONTHLY))
            if least
            else None,
        ),
        422 if form.errors else 200,
    )


@plans.route("/debts/<reference:reference>/which-day-suits-you", methods=["GET", "POST"])
@needs_debtor
def which_day(reference: str) -> ResponseReturnValue:
    """Ask for the pay day."""
    debt, today = debt_to_plan(reference)
    if (away := elsewhere(debt)) is not None:
        return away
    proposal = negotiate.newest_proposal(debt)
    if proposal is None:
        return redirect(url_for("plans.what_can_you_afford", reference=reference), 303)
    form: DayOfMonthForm | DayOfWeekForm
    if Frequency(proposal.frequency).by_weekday:
        form = DayOfWeekForm()
        form.pay_day.choices = [(number, weekday(number)) for number in range(1, 8)]
    else:
        form = DayOfMonthForm()
    if request.method == "GET" and proposal.pay_day:
        form.pay_day.data = proposal.pay_day
    if form.validate_on_submit():
        try:
            with transaction():
                again = negotiate.newest_proposal(debt)
                if again is not None:
                    negotiate.choose_pay_day(debt, proposal=again, pay_day=int(form.pay_day.data), today=today)
        except NoLimits:
            return no_limits(debt)
        return redirect(url_for("plans.choose", reference=reference), 303)
    return (
        render_template("plans/which_day.html", debt=debt, form=form, asked=asked_words(proposal)),
        422 if form.errors else 200,
    )
