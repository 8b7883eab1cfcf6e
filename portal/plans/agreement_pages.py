"""The page where everything of a plan is checked and agreed to with a code."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.db import transaction
from portal.debts.statement import Standing
from portal.lenders.models import LenderCard
from portal.people import sign_in
from portal.people.forms import CodeForm
from portal.people.permissions import me, needs_debtor, renew
from portal.people.views import code_problem, send_code, wait_words
from portal.plans import negotiate
from portal.plans.key_facts import Said, said_of
from portal.plans.models import Quote
from portal.plans.negotiate import Agreed, AgreedBefore, PlanAlive, QuoteGone
from portal.plans.offer_cards import falling
from portal.plans.pages import debt_to_plan, elsewhere, plans
from portal.plans.sides import Side, own_side
from portal.plans.situation import background_of
from portal.plans.words import pays_words
from portal.schedules.schedule import Schedule
from portal.web.formats import day as day_words
from portal.web.formats import money as money_words
from portal.web.languages import gettext as _


def _my_quote(reference: str, number: str) -> tuple[Standing, Quote] | ResponseReturnValue:
    debt, _today = debt_to_plan(reference)
    made = negotiate.quote_of(debt, number=number)
    if made is None:
        abort(404)
    return (debt, made) if (away := gone(own_side(), debt, made)) is None else away


def gone(side: Side, debt: Standing, made: Quote) -> ResponseReturnValue | None:
    """Lead on from a quote that was agreed to, or can't be agreed to any more."""
    if made.state == "accepted":
        return side.nothing_to_plan(debt, plan=negotiate.reference_of_quote(made))
    background = background_of(debt)
    in_its_place = background.alive is not None and made.terms.get("replaces") == background.alive
    if (away := elsewhere(side, debt, background)) is not None and not (debt.owed and in_its_place):
        return away
    if not negotiate.holds(made, parts=debt.parts):
        flash(_gone_words())
        return redirect(side.at("choose", reference=debt.reference), 303)
    return None


@plans.route("/debts/<reference:reference>/check-your-plan/<number>", methods=["GET", "POST"])
@needs_debtor
def check(reference: str, number: str) -> ResponseReturnValue:
    """Show everything of a quote, and take the one-time code, which is the signature under the plan."""
    found = _my_quote(reference, number)
    if not isinstance(found, tuple) or not isinstance(found[0], Standing):
        return found
    debt, made = found
    person = me()
    form = CodeForm()
    good_for = sign_in.For(person.lender_id, person.debtor_id, person.session_id, made.id)
    if request.method == "POST" and "again" in request.form:
        send_code(about=made.id, offer=made.number)
        return redirect(url_for("plans.check", reference=reference, number=number, _anchor="agree"), 303)
    if request.method == "POST" and (person.strength == 2 or form.validate()):
        text, quote_number = agreement_text(debt, made, lender=person.lender), made.number
        # The code and what it signs are one act: neither is there without the other.
        with transaction():
            given = (
                sign_in.CodeGood()
                if person.strength == 2
                else sign_in.give_code(good_for, code=form.code.data or "", key=str(current_app.config["SECRET_KEY"]))
            )
            done = (
                negotiate.agree(debt, number=quote_number, agreed_text=text, by=person.actor)
                if isinstance(given, sign_in.CodeGood)
                else None
            )
        if done is not None:
            renew(good_for, code=form.code.data or "", key=str(current_app.config["SECRET_KEY"]))
            return _agreed(debt, done)
        # A second click finds its code used, and the plan agreed to.
        found = _my_quote(reference, number)
        if not isinstance(found, tuple) or not isinstance(found[0], Standing):
            return found
        debt, made = found
        if not isinstance(given, sign_in.CodeGood):
            form.code.errors = [code_problem(given)]
    return own_side().page(
        "plans/check.html",
        **check_context(own_side(), debt, made),
        form=form,
        code={
            "needed": person.strength < 2,
            "sent_to": sign_in.code_waiting(good_for),
            "possible": sign_in.can_get_codes(lender_id=person.lender_id, debtor_id=person.debtor_id),
            "wait": wait_words(),
        },
    ), 422 if form.errors else 200


def _agreed(debt: Standing, done: Agreed | AgreedBefore | QuoteGone | PlanAlive) -> ResponseReturnValue:
    match done:
        case Agreed(reference=plan) | AgreedBefore(reference=plan):
            return redirect(url_for("plans.plan", reference=plan, new=1), 303)
        case PlanAlive(reference=plan):
            flash(_("This debt has a plan already. Here it is."))
            return redirect(url_for("plans.plan", reference=plan), 303)
        case QuoteGone():
            flash(_gone_words())
            return redirect(url_for("plans.choose", reference=debt.reference), 303)


def _gone_words() -> str:
    return _("This offer no longer holds: its time is over, or this debt has changed. Here is what works today.")


def _said(made: Quote) -> Said:
    return said_of(
        negotiate.facts_in(made),
        negotiate.arrangement_in(made),
        grace_days=int(made.terms["grace_days"]),
        contract_rate=Decimal(made.terms["contract_rate"]),
        orders=negotiate.orders_in(made),
    )


def check_context(side: Side, debt: Standing, made: Quote) -> dict[str, Any]:
    """Give what the page of a quote says of it."""
    facts = negotiate.facts_in(made)
    arrangement = negotiate.arrangement_in(made)
    schedule = negotiate.schedule_in(made)
    today = min(clock.today(side.zone), schedule.starts_on)
    points = falling(arrangement, owed=facts.balance, today=today)
    return {
        "debt": debt,
        "quote": {
            "number": made.number,
            "expires_on": made.expires_at.astimezone(clock.zone(side.zone)).date(),
            "pays": pays_words(schedule),
            "ends_on": schedule.ends_on,
            "total": schedule.total,
            "items": [
                {
                    "due_on": payment.due_on,
                    "amount": payment.amount,
                    "waived": payment.waived if payment.waived else None,
                    "left": left,
                    "kept_until": payment.kept_until,
                }
                for payment, (_on, left) in zip(facts.payments, points[1:], strict=True)
            ],
            "falling": points,
        },
        "said": _said(made),
        "consent": consent_words(schedule, debt),
        "replaces": _replaces(made),
        "prepared": _prepared(made, side.lender),
    }


def _replaces(made: Quote) -> str | None:
    """Say which plan ends when a quote is agreed to, if one does."""
    replaced = made.terms.get("replaces")
    if replaced is None:
        return None
    return _(
        "When you agree to this plan, your plan %(number)s ends, and this one begins in its place.", number=replaced
    )


def _prepared(made: Quote, lender: LenderCard) -> str | None:
    """Say who chose a quote together with the person, if somebody did."""
    helper = negotiate.prepared_by(made)
    if helper is None:
        return None
    return _(
        "%(name)s of %(lender)s went through this plan with you, as you had allowed, and put it together for you. "
        "It counts only if you agree to it yourself.",
        name=helper,
        lender=lender.name,
    )


def consent_words(schedule: Schedule, debt: Standing) -> str:
    """Give the exact sentence that is agreed to."""
    return _(
        "I agree to pay %(total)s in %(count)d payments from %(first)s to %(last)s for the debt %(reference)s.",
        total=money_words(schedule.total),
        count=schedule.count,
        first=day_words(schedule.starts_on),
        last=day_words(schedule.ends_on),
        reference=debt.reference,
    )


def agreement_text(debt: Standing, made: Quote, *, lender: LenderCard) -> str:
    """Give, word for word, what the page of a quote says and is agreed to; it is kept with the plan."""
    schedule = negotiate.schedule_in(made)
    lines = [consent_words(schedule, debt)]
    lines += [f"{item.seq}. {day_words(item.due_on)}: {money_words(item.amount)}" for item in schedule.items]
    # Each a section of its own, as the letter shows it.
    sections = (
        (_("In place of another plan"), _replaces(made)),
        (_("Who put this plan together"), _prepared(made, lender)),
    )
    more = "".join(f"\n\n{title}\n{words}" for title, words in sections if words is not None)
    return "\n".join(lines) + "\n\n" + _said(made).text() + more
