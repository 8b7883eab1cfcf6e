"""What would this debtor be offered, and why? A real or a made-up debt, under the version that counts and a draft."""

from __future__ import annotations

from decimal import Decimal

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from portal import clock
from portal.affordability.budget import Evidence
from portal.care.requests import asks_for_care
from portal.db import transaction
from portal.debts.statement import debt_of, owner_of_reference
from portal.desk import drafts, trying, versions
from portal.desk.flaw_words import flaw_words
from portal.desk.forms import TryForm
from portal.desk.states import ALIVE
from portal.desk.trying import MadeUp, Real, Wanted
from portal.limits.cards import LimitsSet
from portal.limits.reading import LimitsError, parse
from portal.money import Money
from portal.offers.asked import Way
from portal.offers.owed import Means, Owed
from portal.plans.allowed import version_of
from portal.plans.situation import background_of
from portal.schedules.dates import Frequency
from portal.staff.gates import me, needs
from portal.staff.roles import Permission
from portal.web.languages import gettext as _

desk_try = Blueprint("desk_try", __name__, url_prefix="/staff/limits")


@desk_try.route("/try", methods=["GET", "POST"], endpoint="trying")
@needs(Permission.TRY_LIMITS)
def try_page() -> ResponseReturnValue:
    """Ask for a debt and for what is offered for it, and show what the limits say to that; nothing is kept."""
    who, form = me(), TryForm()
    currency, today = versions.currency_of(who.lender_id), clock.today(who.zone)
    alive = [each for each in drafts.page(lender_id=who.lender_id, size=50) if each.state in ALIVE]
    form.offer(currency, [each.number for each in alive])
    answers = []
    if form.validate_on_submit() and _is_whole(form) and (subject := _subject(form, currency)) is not None:
        payment = form.payment.money
        if payment is None:
            abort(400)
        wanted = _wanted(form, payment)
        if isinstance(subject, Real):
            with transaction():
                trying.looked_at(who, subject.debt, reason=form.reason.data or None)
        now = drafts.in_force(lender_id=who.lender_id, today=today)
        sets = []
        if now is not None:
            read = version_of(now.id, lender_id=who.lender_id, currency=currency)
            sets.append((_("Version %(number)s, which counts now", number=now.number), read.limits))
        chosen = next((each for each in alive if str(each.number) == form.draft.data), None)
        if chosen is not None and (drafted := _read(form, chosen.number, currency)) is not None:
            sets.append((_("Draft %(number)s", number=chosen.number), drafted))
        if not sets:
            abort(404)
        answers = [(name, trying.try_out(limits, subject, wanted, today=today)) for name, limits in sets]
    return render_template(
        "desk/try.html",
        form=form,
        answers=answers,
        same=frozenset.intersection(*(tried.lines for _name, tried in answers)) if len(answers) > 1 else None,
    ), 422 if form.errors or any(field.errors for field in form) else 200


def _is_whole(form: TryForm) -> bool:
    """Tell whether all is there that the kind of arrangement needs; what is missing is said at its field."""
    way = form.way.data
    if way in (Way.STEPS.value, Way.DOWN_PAYMENT.value) and form.first.kept is None:
        form.first.errors = [_("Enter the payment that comes first.")]
    if way not in ("", None, Way.DOWN_PAYMENT.value) and form.count.kept is None:
        form.count.errors = [_("Enter for how many months, payments or parts.")]
    if way and form.often.data == "once":
        form.often.errors = [_("Choose how often, for this.")]
    return not (form.first.errors or form.count.errors or form.often.errors)


def _wanted(form: TryForm, payment: Money) -> Wanted:
    return Wanted(
        payment,
        Frequency(form.often.data) if form.often.data != "once" else None,
        Way(form.way.data) if form.way.data else Way.REGULAR,
        form.count.kept or 1,
        form.amount_of(form.first, payment.currency),
    )


def _read(form: TryForm, number: int, currency: str) -> LimitsSet | None:
    """Give what a draft says; None, with that said at its field, if it can't be read."""
    found = drafts.find(lender_id=me().lender_id, number=number)
    try:
        return None if found is None else parse(found.source, currency=currency)
    except LimitsError as error:
        form.draft.errors = [flaw_words(each) for each in error.flaws]
        return None


def _subject(form: TryForm, currency: str) -> MadeUp | Real | None:
    """Give the debt that is meant; None, with what is wrong said at its field, if there is none."""
    who = me()
    reference = form.reference.data or ""
    if reference:
        owner = owner_of_reference(who.lender_id, reference)
        debt = debt_of(lender_id=who.lender_id, debtor_id=owner, reference=reference) if owner else None
        if debt is None or debt.owed.minor <= 0:
            form.reference.errors = [_("No open debt has this reference.")]
            return None
        if not form.reason.data and asks_for_care(lender_id=who.lender_id, debtor_id=debt.debtor_id):
            form.reason.errors = [_("Say in a few words why you look at this debt. Its owner reads it.")]
            return None
        return Real(debt, background_of(debt))
    if form.balance.kept is None:
        form.balance.errors = [_("Enter the reference of a debt, or what a made-up one comes to.")]
        return None
    attributes = {}
    for line in form.attributes.kept or ():
        name, mark, value = line.replace("：", ":").partition(":")
        if not mark or not name.strip():
            form.attributes.errors = [_("Write each on a line of its own, such as region: north.")]
            return None
        attributes[name.strip()] = value.strip()
    amount, can = form.amount_of(form.balance, currency), form.amount_of(form.affordable, currency)
    if amount is None:
        return None
    return MadeUp(
        owed=Owed(balance=amount, annual_rate=form.rate.kept or Decimal(0), days_late=form.days_late.kept or 0),
        product=form.product.data or "",
        attributes=attributes,
        means=None if can is None else Means(can, Evidence.DECLARED),
    )
