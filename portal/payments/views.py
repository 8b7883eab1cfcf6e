"""Paying: how much and on which debts, a page to check it, off to the hosted page, and what became of it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from babel.numbers import get_currency_symbol
from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy import select

from portal import amounts, clock
from portal.care.holds import holding
from portal.care.pages import paying_all_the_same
from portal.db import session, transaction
from portal.debts.pages import mine_or_404
from portal.debts.statement import Standing, by_id, debts_of
from portal.lenders.models import Lender
from portal.money import Money, total
from portal.payments import checkout, settle, sharing, stripe_gateway
from portal.payments import credit as credits
from portal.payments.forms import PayForm, SharesForm
from portal.payments.models import Payment, PaymentPart
from portal.payments.parts import parts_of
from portal.people.permissions import Person, me, needs_debtor
from portal.plans.models import Plan
from portal.plans.progress import View, alive_plan, interest_due, still_to_waive, view_of
from portal.plans.reach import Open, reach
from portal.plans.redrawing import Use
from portal.web.formats import day as day_words
from portal.web.formats import money as money_words
from portal.web.languages import chosen

payments = Blueprint("payments", __name__)

# Nobody is asked to pay less than this; a smaller debt is paid as a whole by other means.
LEAST_MINOR = 100
_FORM_KEY = re.compile(r"[0-9a-f]{32}")
_MINOR = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Payable:
    """A debt that something can be paid on: with its living plan, and with interest that is due and not yet posted."""

    debt: Standing
    view: View | None
    owed: Money

    @property
    def next(self) -> Money:
        """Give the next payment of its plan; nothing without one."""
        # Interest is charged on its due date: whoever pays the last payment before it owes that much less.
        return min(self.view.next_amount, self.owed) if self.view else Money.zero(self.owed.currency)

    @property
    def late(self) -> Money:
        """Give what is missing of all payments whose day has passed."""
        return min(self.view.late_amount, self.owed) if self.view else Money.zero(self.owed.currency)


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


def _payable(person: Person, debt: Standing) -> Payable:
    today = clock.today(person.zone)
    plan = alive_plan(lender_id=debt.lender_id, debt_id=debt.id)
    return Payable(
        debt=debt,
        view=view_of(plan, today=today) if plan else None,
        owed=debt.owed - still_to_waive(plan) + interest_due(plan, today=today) if plan else debt.owed,
    )


def _mine(person: Person) -> list[Standing]:
    return [debt for debt in debts_of(lender_id=person.lender_id, debtor_id=person.debtor_id) if debt.owed]


def _disputed(person: Person, mine: Iterable[Standing]) -> frozenset[uuid.UUID]:
    """Give the debts of which the person says that they are wrong; without a debt, all of them are meant."""
    found = holding(lender_id=person.lender_id, debtor_id=person.debtor_id, at=clock.now())
    said = {hold.debt_id for hold in found if hold.disputed}
    return frozenset(debt.id for debt in mine if None in said or debt.id in said)


@payments.route("/pay", methods=["GET", "POST"])
@needs_debtor
def pay() -> ResponseReturnValue:
    """Ask how much to pay and on which debt, show it to be checked, and lead to the hosted page."""
    person = me()
    reference = request.args.get("debt")
    mine = _mine(person)
    if reference is None and len(mine) == 1:
        return redirect(url_for("payments.pay", debt=mine[0].reference), 303)
    if reference is None:
        return render_template(
            "payments/pay.html",
            debts=_debt_choices(person, mine),
            together=_together(mine),
            debt=None,
            form=PayForm(),
        )
    debt = mine_or_404(reference)
    if not debt.owed:
        return redirect(url_for("home.debt", reference=reference), 303)
    found = _payable(person, debt)
    choices = _choices(found)
    form = PayForm()
    form.amount.currency = debt.owed.currency
    form.choice.choices = [(key, _choice_words(key)) for key in choices]
    exact = _exact(request.form.get("exact", ""), debt.owed.currency)
    if request.method == "GET":
        asked = request.args.get("amount")
        form.choice.data = asked if asked in choices else ("next" if "next" in choices else None)
    elif exact is not None or form.validate():
        amount = exact or (form.amount.money if form.choice.data == "other" else choices[form.choice.data])
        problem = _problem(amount, found.owed)
        if amount is not None and problem is None:
            return _on(person, [(found, amount)], change=url_for("payments.pay", debt=reference))
        if exact is not None:
            # What was shown to be checked is no longer right: it is shown again as somebody's own amount.
            form.choice.data, form.amount.data = "other", amounts.written(exact)
        form.amount.errors = [problem or ""]  # type: ignore[assignment]
    form.form_key.data = _form_key() or uuid.uuid4().hex
    return (
        render_template(
            "payments/pay.html",
            debts=_debt_choices(person, mine),
            together=_together(mine),
            debt=debt,
            form=form,
            choices=choices,
            notes={
                "next": _("Keeps to your plan."),
                "late": _("Everything whose day has passed."),
            },
            least=least_of(found.owed),
            prefix=get_currency_symbol(debt.owed.currency, locale=str(get_locale())),
            effect=_on_its_way(debt),
            disputed=debt.id in _disputed(person, [debt]),
            all_the_same=paying_all_the_same(),
        ),
        422 if form.errors or form.amount.errors else 200,
    )


def _form_key() -> str | None:
    given = request.form.get("form_key", "")
    return given if _FORM_KEY.fullmatch(given) else None


def _exact(given: str, currency: str) -> Money | None:
    """Read an amount that a page of ours wrote in whole minor units."""
    return Money(int(given), currency) if _MINOR.fullmatch(given) and int(given) else None


def _on(person: Person, chosen_shares: Sequence[tuple[Payable, Money]], *, change: str) -> ResponseReturnValue:
    """Show what was chosen to be checked; once it was, lead to the hosted page."""
    form_key = _form_key()
    if form_key and request.form.get("checked") == "1":
        return _go(person, chosen_shares, form_key, again=change)
    return render_template(
        "payments/check.html",
        rows=[
            {
                "product": found.debt.product,
                "creditor": found.debt.creditor or person.lender.name,
                "reference": found.debt.reference,
                "amount": amount,
                "left": found.owed - amount,
                "effects": _effects(found, amount),
            }
            for found, amount in chosen_shares
        ],
        in_all=_sum(chosen_shares),
        kept=_kept(chosen_shares),
        form_key=form_key or uuid.uuid4().hex,
        underway=[words for found, _amount in chosen_shares if (words := _on_its_way(found.debt))],
        change=change,
    )


def _sum(shares: Iterable[tuple[Payable, Money]]) -> Money:
    parts = [amount for _found, amount in shares]
    return total(parts, currency=parts[0].currency)


def _use() -> str | None:
    """Give what an extra payment is for, if it was chosen on the page of changing a plan."""
    given = request.form.get("use")
    return given if given in (Use.SOONER.value, Use.SMALLER.value) else None


def _kept(shares: Sequence[tuple[Payable, Money]]) -> list[tuple[str, str]]:
    """Give the hidden fields that say the same again."""
    if "debt" in request.args:
        use = _use()
        return [("exact", str(shares[0][1].minor)), *([("use", use)] if use else [])]
    return [
        ("amount", amounts.written(_sum(shares))),
        *((_field_of(found.debt), amounts.written(amount)) for found, amount in shares),
    ]


def _effects(found: Payable, amount: Money) -> list[str]:
    """Say what an amount does, before it is paid."""
    lines = []
    view = found.view
    if view is not None and _use():
        lines.append(_("It is extra: your plan is drawn again around it, as you saw on the page before."))
    elif view is not None:
        steps = [Open(step.seq, step.due_on, step.amount - step.paid) for step in view.steps if step.mark != "done"]
        does = reach(amount=amount, open_items=steps)
        if amount == found.owed or does.next is None:
            lines.append(_("Then your plan is done."))
            left = total((step.missing for step in steps), currency=amount.currency)
            if amount == found.owed < left:
                lines.append(
                    _("You save %(amount)s of interest that has not come due.", amount=money_words(left - amount))
                )
        else:
            if does.made:
                lines.append(
                    ngettext(
                        "It covers %(num)s payment of your plan.",
                        "It covers %(num)s payments of your plan.",
                        len(does.made),
                    )
                )
            if does.began:
                lines.append(
                    _(
                        "Of the payment on %(day)s, %(amount)s is then left.",
                        day=day_words(does.next.due_on),
                        amount=money_words(does.next.missing),
                    )
                )
            else:
                lines.append(
                    _(
                        "Your next payment is then %(amount)s on %(day)s.",
                        day=day_words(does.next.due_on),
                        amount=money_words(does.next.missing),
                    )
                )
            if amount > found.next:
                lines.append(
                    _("What is more than the next payment counts towards those after it. Their amounts stay the same.")
                )
    return lines


def _together(mine: Sequence[Standing]) -> list[tuple[str, int]]:
    """Give the currencies in which several debts can be paid at once, with how many there are."""
    counted: dict[str, int] = {}
    for debt in mine:
        counted[debt.owed.currency] = counted.get(debt.owed.currency, 0) + 1
    return [(currency, count) for currency, count in counted.items() if count > 1]


def _on_its_way(debt: Standing) -> str | None:
    """Say that money for this debt is on its way already, so that nobody pays the same thing twice."""
    underway = session.execute(
        select(PaymentPart.amount_minor, PaymentPart.currency)
        .join(Payment, (Payment.lender_id == PaymentPart.lender_id) & (Payment.id == PaymentPart.payment_id))
        .where(PaymentPart.lender_id == debt.lender_id, PaymentPart.debt_id == debt.id, Payment.state == "processing")
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
    return _not_chargeable(amount)


def _not_chargeable(amount: Money) -> str | None:
    try:
        stripe_gateway.charged(amount)
    except stripe_gateway.NotChargeable:
        return _("This amount can’t be paid online. Please choose another one, or talk to us.")
    return None


def _choices(found: Payable) -> dict[str, Money | None]:
    choices: dict[str, Money | None] = {}
    if found.view is not None and found.view.next is not None:
        if found.late > found.next:
            choices["late"] = found.late
        choices["next"] = found.next
        if found.owed not in choices.values():
            choices["all"] = found.owed
    else:
        choices["all"] = found.owed
    choices["other"] = None
    return choices


def _choice_words(key: str) -> str:
    return {
        "next": _("Your next payment"),
        "late": _("All that is late"),
        "all": _("All that is left"),
        "other": _("Another amount"),
    }[key]


def _debt_choices(person: Person, mine: Iterable[Standing]) -> list[dict[str, object]]:
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
    disputed = _disputed(person, [each.debt for each in found])
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
    form.choice.choices = [(key, words.get(key) or _choice_words(key)) for key in choices]
    everything = total((each.owed for each in found), currency=currency)
    if form.validate_on_submit():
        amount = form.amount.money if form.choice.data == "other" else choices[form.choice.data]
        problem = _problem(amount, everything)
        if amount is not None and problem is None:
            return redirect(url_for("payments.shares", currency=currency, amount=amount.minor), 303)
        form.amount.errors = [problem or ""]  # type: ignore[assignment]
    return (
        render_template(
            "payments/several.html",
            debts=_debt_choices(person, (each.debt for each in found)),
            form=form,
            choices=choices,
            least=least_of(everything),
            prefix=get_currency_symbol(currency, locale=str(get_locale())),
        ),
        422 if form.errors or form.amount.errors else 200,
    )


def _several(person: Person) -> list[Payable]:
    """Give the person's debts of one currency: the one that was asked for, else the first that has several."""
    mine = _mine(person)
    possible = [currency for currency, _count in _together(mine)]
    wanted = request.args.get("currency", possible[0] if possible else "")
    return [_payable(person, debt) for debt in mine if debt.owed.currency == wanted] if wanted in possible else []


def _field_of(debt: Standing) -> str:
    return f"share_{debt.id.hex}"


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
    form = SharesForm.of([(_field_of(each.debt), each.debt.product) for each in found], currency=currency)
    disputed = _disputed(person, [each.debt for each in found])
    here = url_for("payments.shares", currency=currency, amount=request.args.get("amount", ""))
    if request.method == "GET":
        amount = _exact(request.args.get("amount", ""), currency)
        if amount is None or _problem(amount, everything):
            return redirect(url_for("payments.several", currency=currency), 303)
        form.amount.data = amounts.written(amount)
        suggested = dict(
            sharing.suggest(
                amount=amount,
                debts=[_owing(each, disputed) for each in found],
                today=clock.today(person.zone),
                least=least,
            )
        )
        for each in found:
            form[_field_of(each.debt)].data = amounts.written(suggested[_field_of(each.debt)])
    elif "again" in request.form:
        form.amount.validate(form)
        problem = form.amount.errors[0] if form.amount.errors else _problem(form.amount.money, everything)
        if problem is None and form.amount.money is not None:
            return redirect(url_for("payments.shares", currency=currency, amount=form.amount.money.minor), 303)
        form.amount.errors = [problem or ""]
    elif form.validate():
        answer = _chosen_shares(form, found, everything=everything, least=least)
        if isinstance(answer, list):
            return _on(person, answer, change=here)
    form.form_key.data = _form_key() or uuid.uuid4().hex
    wrong = any(field.errors for field in form)
    return (
        render_template(
            "payments/shares.html",
            form=form,
            rows=[
                {
                    "field": form[_field_of(each.debt)],
                    "reference": each.debt.reference,
                    "creditor": each.debt.creditor or person.lender.name,
                    "owed": each.owed,
                    "late": each.late,
                    "next": each.next,
                    "disputed": each.debt.id in disputed,
                }
                for each in found
            ],
            prefix=get_currency_symbol(currency, locale=str(get_locale())),
            change=url_for("payments.several", currency=currency),
        ),
        422 if wrong else 200,
    )


def _owing(found: Payable, disputed: frozenset[uuid.UUID]) -> sharing.Owing:
    view = found.view
    late = next((step for step in view.steps if step.mark == "late"), None) if view else None
    return sharing.Owing(
        key=_field_of(found.debt),
        owed=found.owed,
        late=found.late,
        # What is late has its own turn; what comes next is what isn't late yet.
        next=found.next if not late else Money.zero(found.owed.currency),
        due_on=view.next.due_on if view and view.next else None,
        late_since=late.due_on if late else None,
        annual_rate=found.debt.annual_rate,
        disputed=found.debt.id in disputed,
    )


def _chosen_shares(
    form: SharesForm, found: Sequence[Payable], *, everything: Money, least: Money
) -> list[tuple[Payable, Money]] | None:
    """Give the shares that were chosen, or put what is wrong with them beside the fields."""
    meant = form.amount.money
    if meant is None or (problem := _problem(meant, everything)):
        form.amount.errors = [problem if meant else _("Enter an amount.")]
        return None
    given = [(_field_of(each.debt), form[_field_of(each.debt)].money) for each in found]
    owed = {_field_of(each.debt): each.owed for each in found}
    match sharing.check(meant=meant, shares=given, owed=owed, least=least):
        case sharing.Fits(shares=fits):
            by_field = {_field_of(each.debt): each for each in found}
            wrong = [(key, problem) for key, share in fits if (problem := _not_chargeable(share))]
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


def _go(
    person: Person, chosen_shares: Sequence[tuple[Payable, Money]], form_key: str, *, again: str
) -> ResponseReturnValue:
    base = current_app.config["BASE_URL"]
    try:
        lender = session.get_one(Lender, person.lender_id)
        account = checkout.account_of(lender, api_base=current_app.config["STRIPE_API_BASE"])
        going = checkout.start(
            [
                checkout.Share(
                    debt=found.debt,
                    plan_id=found.view.id if found.view else None,
                    amount=amount,
                    words=f"{found.debt.product} {found.debt.reference}",
                )
                for found, amount in chosen_shares
            ],
            lender=lender,
            account=account,
            form_key=form_key,
            result_url=base + url_for("payments.result", reference="REFERENCE"),
            back_url=base + url_for("payments.result", reference="REFERENCE", left=1),
            language=chosen(),
            by=person.actor,
            use=_use() if len(chosen_shares) == 1 else None,
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


@payments.get("/credit")
@needs_debtor
def credit() -> ResponseReturnValue:
    """Show the money that a person has with us, debt by debt, and what it can be used for."""
    person = me()
    mine = debts_of(lender_id=person.lender_id, debtor_id=person.debtor_id)
    disputed = _disputed(person, mine)
    return render_template(
        "payments/credit.html",
        credits=[
            {
                "product": one.product,
                "creditor": one.creditor or person.lender.name,
                "reference": one.reference,
                "amount": one.credit,
                # Whoever says that a debt is wrong is not asked to pay it.
                "for": [
                    {
                        "product": other.product,
                        "reference": other.reference,
                        "owed": other.owed,
                        "url": url_for("payments.use_credit", reference=one.reference, other=other.reference),
                    }
                    for other in mine
                    if credits.possible(credit=one.credit, owed=other.owed) and other.id not in disputed
                ],
            }
            for one in mine
            if one.credit
        ],
    )


@payments.route("/debts/<reference:reference>/use-credit-for/<reference:other>", methods=["GET", "POST"])
@needs_debtor
def use_credit(reference: str, other: str) -> ResponseReturnValue:
    """Show what using the money of one debt for another does; once that was checked, use it."""
    person = me()
    source, target = mine_or_404(reference), mine_or_404(other)
    found = _payable(person, target)
    amount = credits.possible(credit=source.credit, owed=found.owed)
    form_key, exact = _form_key(), _exact(request.form.get("exact", ""), source.credit.currency)
    changed = False
    if request.method == "POST" and form_key is not None and exact is not None:
        with transaction():
            done = credits.use(
                source=source,
                target=target,
                amount=exact,
                form_key=form_key,
                today=clock.today(person.zone),
                by=person.actor,
            )
        if not isinstance(done, credits.Changed):
            flash(
                _("%(amount)s is used for %(debt)s.", amount=money_words(done.amount), debt=target.product), "success"
            )
            return redirect(url_for("home.debt", reference=other), 303)
        changed, amount = True, done.possible
    if not amount:
        flash(_("There is nothing left to use for this debt. Here is how things stand."))
        return redirect(url_for("payments.credit"), 303)
    return (
        render_template(
            "payments/use_credit.html",
            source=source,
            target=target,
            used=amount,
            left=found.owed - amount,
            still=source.credit - amount,
            effects=_effects(found, amount),
            underway=_on_its_way(target),
            disputed=target.id in _disputed(person, [target]),
            all_the_same=paying_all_the_same(),
            changed=changed,
            form_key=uuid.uuid4().hex,
        ),
        422 if request.method == "POST" else 200,
    )


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
    if shown == "done" and payment.refunded_minor == payment.amount_minor:
        shown = "given_back"
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
