"""Paying several debts of one currency at once: how much in all, and how it is shared."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from babel.numbers import get_currency_symbol
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import amounts, clock
from portal.money import Money, total
from portal.payments import sharing
from portal.payments.check_page import checked_and_paid, exact_amount, field_of, form_key_given
from portal.payments.forms import PayForm, SharesForm
from portal.payments.pages import payments
from portal.payments.payable import (
    Payable,
    choice_words,
    debt_choices,
    disputed_of,
    least_of,
    least_payment,
    not_chargeable,
    owing_of,
    payable_of,
    problem_of,
    together,
)
from portal.people.permissions import Person, me, needs_debtor
from portal.web.formats import money as money_words
from portal.web.languages import get_locale
from portal.web.languages import gettext as _


@payments.route("/pay/several", methods=["GET", "POST"])
@needs_debtor
def several() -> ResponseReturnValue:
    """Ask how much to pay in all, on several debts of one currency at once."""
    person = me()
    found = _several(person)
    if not found:
        return redirect(url_for("payments.pay"), 303)
    currency = found[0].owed.currency
    # Whoever says that a debt is wrong is not asked to pay it: it can be chosen by hand on the next page.
    disputed = disputed_of(person, [each.debt for each in found])
    counted = [each for each in found if each.debt.id not in disputed] or found
    sums = {
        "late": total((each.late for each in counted), currency=currency),
        "next": total((each.next for each in counted), currency=currency),
        "all": total((each.owed for each in counted), currency=currency),
    }
    choices: dict[str, Money | None] = {}
    if sums["late"] > sums["next"]:
        choices["late"] = sums["late"]
    if sums["next"]:
        choices["next"] = sums["next"]
    if sums["all"] not in choices.values():
        choices["all"] = sums["all"]
    choices["other"] = None
    form = PayForm()
    form.amount.currency = currency
    words = {"next": _("The next payment of each plan"), "all": _("All that is left")}
    form.choice.choices = [(key, words.get(key) or choice_words(key)) for key in choices]
    everything = total((each.owed for each in found), currency=currency)
    if form.validate_on_submit():
        amount = form.amount.money if form.choice.data == "other" else choices[form.choice.data]
        problem = problem_of(amount, everything)
        if amount is not None and problem is None:
            return redirect(url_for("payments.shares", currency=currency, amount=amount.minor), 303)
        form.amount.errors = [problem or ""]  # type: ignore[assignment]
    return (
        render_template(
            "payments/several.html",
            debts=debt_choices(person, (each.debt for each in found)),
            form=form,
            choices=choices,
            least=least_of(everything),
            prefix=get_currency_symbol(currency, locale=get_locale()),
        ),
        422 if form.errors or form.amount.errors else 200,
    )


def _several(person: Person) -> list[Payable]:
    """Give the person's debts of one currency: the one that was asked for, else the first that has several."""
    mine = owing_of(person)
    possible = [currency for currency, _count in together(mine)]
    wanted = request.args.get("currency", possible[0] if possible else "")
    return [payable_of(person, debt) for debt in mine if debt.owed.currency == wanted] if wanted in possible else []


@payments.route("/pay/several/shares", methods=["GET", "POST"])
@needs_debtor
def shares() -> ResponseReturnValue:
    """Show how an amount is shared over debts, to be changed by hand; then show it to be checked."""
    person = me()
    found = _several(person)
    if not found:
        return redirect(url_for("payments.pay"), 303)
    currency = found[0].owed.currency
    everything = total((each.owed for each in found), currency=currency)
    least = least_payment(currency)
    form = SharesForm.of([(field_of(each.debt), each.debt.product) for each in found], currency=currency)
    disputed = disputed_of(person, [each.debt for each in found])
    here = url_for("payments.shares", currency=currency, amount=request.args.get("amount", ""))
    if request.method == "GET":
        amount = exact_amount(request.args.get("amount", ""), currency)
        if amount is None or problem_of(amount, everything):
            return redirect(url_for("payments.several", currency=currency), 303)
        form.begin(amount=amounts.written(amount))
        suggested = dict(
            sharing.suggest(
                amount=amount,
                debts=[_owing(each, disputed) for each in found],
                today=clock.today(person.zone),
                least=least,
            )
        )
        form.begin(**{field_of(each.debt): amounts.written(suggested[field_of(each.debt)]) for each in found})
    elif "again" in request.form:
        form.amount.validate(form)
        problem = form.amount.errors[0] if form.amount.errors else problem_of(form.amount.money, everything)
        if problem is None and form.amount.money is not None:
            return redirect(url_for("payments.shares", currency=currency, amount=form.amount.money.minor), 303)
        form.amount.errors = [problem or ""]
    elif form.validate():
        answer = _chosen_shares(form, found, everything=everything, least=least)
        if isinstance(answer, list):
            return checked_and_paid(person, answer, change=here)
    form.form_key.data = form_key_given() or uuid.uuid4().hex
    wrong = any(field.errors for field in form)
    return (
        render_template(
            "payments/shares.html",
            form=form,
            rows=[
                {
                    "field": form[field_of(each.debt)],
                    "reference": each.debt.reference,
                    "creditor": each.debt.creditor or person.lender.name,
                    "owed": each.owed,
                    "late": each.late,
                    "next": each.next,
                    "disputed": each.debt.id in disputed,
                }
                for each in found
            ],
            prefix=get_currency_symbol(currency, locale=get_locale()),
            change=url_for("payments.several", currency=currency),
        ),
        422 if wrong else 200,
    )


def _owing(found: Payable, disputed: frozenset[uuid.UUID]) -> sharing.Owing:
    view = found.view
    late = next((step for step in view.steps if step.mark == "late"), None) if view else None
    return sharing.Owing(
        key=field_of(found.debt),
        owed=found.owed,
        late=found.late,
        # What is late has its own turn; what comes next is what isn't late yet.
        next=found.next if not late else Money.zero(found.owed.currency),
        due_on=view.next.due_on if view and view.next else None,
        late_since=late.due_on if late else None,
        due_since=None if view else found.debt.late_since,
        annual_rate=found.debt.annual_rate,
        disputed=found.debt.id in disputed,
    )


def _chosen_shares(
    form: SharesForm, found: Sequence[Payable], *, everything: Money, least: Money
) -> list[tuple[Payable, Money]] | None:
    """Give the shares that were chosen, or put what is wrong with them beside the fields."""
    meant = form.amount.money
    if meant is None or (problem := problem_of(meant, everything)):
        form.amount.errors = [problem if meant else _("Enter an amount.")]
        return None
    given = [(field_of(each.debt), form[field_of(each.debt)].money) for each in found]
    owed = {field_of(each.debt): each.owed for each in found}
    match sharing.check(meant=meant, shares=given, owed=owed, least=least):
        case sharing.Fits(shares=fits):
            by_field = {field_of(each.debt): each for each in found}
            wrong = [(key, problem) for key, share in fits if (problem := not_chargeable(share))]
            if not wrong:
                return [(by_field[key], share) for key, share in fits]
            form[wrong[0][0]].errors = [wrong[0][1]]
        case sharing.DoesNotAddUp(meant=meant, shared=shared):
            form.amount.errors = [
                _(
                    "The parts add up to %(shared)s, not to %(meant)s. Change a part or the amount.",
                    shared=money_words(shared),
                    meant=money_words(meant),
                )
            ]
        case sharing.TooMuch(key=key, owed=most):
            form[key].errors = [
                _(
                    "%(debt)s: that is more than you owe. All that is left is %(amount)s.",
                    debt=form[key].label.text,
                    amount=money_words(most),
                )
            ]
        case sharing.TooLittleLeft(key=key, left=rest):
            form[key].errors = [
                _(
                    "%(debt)s: that would leave only %(rest)s, which is too little to be paid online later. "
                    "Pay all of it, or a little less.",
                    debt=form[key].label.text,
                    rest=money_words(rest),
                )
            ]
        case sharing.TooMany(most=most_debts):
            form.amount.errors = [
                _("One payment can be for %(num)s debts at most. Give the others nothing now.", num=most_debts)
            ]
    return None
