"""Pages of autopay: what would be agreed to, the card, what comes next, and stopping it in two taps."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.autopay import agreeing, reading, saving
from portal.autopay.agreeing import AlreadyOn, Asked, NotNow, Offer, Otherwise
from portal.autopay.models import Autopay
from portal.autopay.reading import Shown
from portal.autopay.rules import Why
from portal.autopay.states import Auto
from portal.db import session, transaction
from portal.debts.statement import by_id
from portal.lenders.models import Lender
from portal.payments import checkout
from portal.payments.check_page import form_key_given
from portal.payments.payable import payable_of, problem_of
from portal.payments.stripe_gateway import PaymentRefused, PaymentServiceDown
from portal.people.permissions import is_debtor, me, needs_code, needs_debtor
from portal.plans import progress
from portal.plans.models import LIVE_STATES, PlanCard
from portal.plans.progress import plan_of
from portal.web.languages import chosen
from portal.web.languages import gettext as _

autopay = Blueprint("autopay", __name__)


def _plan(reference: str) -> PlanCard:
    person = me()
    found = plan_of(lender_id=person.lender_id, debtor_id=person.debtor_id, reference=reference)
    if found is None:
        abort(404)
    return found


def _shown(reference: str) -> Shown | None:
    person = me()
    return reading.of_plan(lender_id=person.lender_id, debtor_id=person.debtor_id, reference=reference)


def of_plan_for_pages(reference: str) -> Shown | None:
    """Give autopay of the signed-in person's plan, for pages of features below this one."""
    found = _shown(reference) if is_debtor() else None
    return None if found is None or found.state is Auto.ASKED else found


@autopay.get("/autopay", endpoint="all")
@needs_debtor
def all_page() -> ResponseReturnValue:
    """Show every plan whose payments are taken from a card."""
    person = me()
    found = reading.of_person(lender_id=person.lender_id, debtor_id=person.debtor_id)
    return render_template("autopay/all.html", rows=[one for one in found if one.state is not Auto.ASKED])


@autopay.get("/plans/<reference>/autopay", endpoint="autopay")
@needs_debtor
def autopay_page(reference: str) -> ResponseReturnValue:
    """Show the card and what comes next, or what autopay is; back from the hosted page, see what came of it."""
    plan = _plan(reference)
    shown = _shown(reference)
    if request.args.get("back") == "1":
        shown = None if shown is None else _wait_for(shown, reference)
        if shown is None:
            flash(_("This card can’t be used here: debts can’t be paid with a credit card. Use a debit card."), "wait")
    on = shown is not None and shown.state is not Auto.ASKED
    return render_template(
        "autopay/autopay.html",
        plan=plan,
        auto=shown if on else None,
        form_key=uuid.uuid4().hex,
        debt_reference=plan.debt_reference,
        waiting=request.args.get("back") == "1" and shown is not None and not on,
        alive=plan.state in LIVE_STATES and plan.debt_open,
    )


def _wait_for(shown: Shown, reference: str) -> Shown | None:
    """Ask what became of the page that saves a card, and look for a second and a half whether that is known."""
    lender_id = me().lender_id
    with transaction():
        saving.ask(lender_id=lender_id, autopay_id=shown.id)
    found: Shown | None = shown
    for _turn in range(6):
        session.rollback()
        found = _shown(reference)
        if found is None or session.get_one(Autopay, (lender_id, shown.id), populate_existing=True).session_id is None:
            break
        clock.pause(0.25)
    return found


@autopay.route("/plans/<reference>/autopay/turn-on", methods=["GET", "POST"])
@needs_code
def turn_on(reference: str) -> ResponseReturnValue:
    """Show every day and amount, and the text; once it was agreed to, lead to the page that saves a card."""
    plan = _plan(reference)
    shown = _shown(reference)
    if shown is not None and shown.state is not Auto.ASKED:
        return redirect(url_for("autopay.autopay", reference=reference), 303)
    person = me()
    form_key = form_key_given()
    if request.method == "POST" and form_key and request.form.get("shown"):
        with transaction():
            done = agreeing.agree(
                lender_id=person.lender_id,
                debtor_id=person.debtor_id,
                reference=reference,
                shown=request.form["shown"],
                form_key=form_key,
                language=chosen(),
                strength=person.strength,
                by=person.actor,
            )
        match done:
            case Asked(autopay_id=autopay_id):
                return _to_a_card(plan, autopay_id, request.form.get("how", ""), form_key)
            case AlreadyOn():
                return redirect(url_for("autopay.autopay", reference=reference), 303)
            case Otherwise():
                flash(_("Something has changed since you looked. Here is what it would be now."), "wait")
    with transaction():
        locked = progress.locked(lender_id=person.lender_id, plan_id=plan.id)
        offered = agreeing.offer(locked)
    first = payable_of(person, by_id(lender_id=plan.lender_id, debt_id=plan.debt_id)) if plan.debt_open else None
    can_pay = first is not None and bool(first.next) and problem_of(first.next, first.owed) is None
    return render_template(
        "autopay/turn_on.html",
        plan=plan,
        offer=offered if isinstance(offered, Offer) else None,
        why=why_words(offered.why) if isinstance(offered, NotNow) else None,
        form_key=form_key or uuid.uuid4().hex,
        cards=[
            (card.id.hex, reading.card_words(card.brand, card.last4))
            for card in reading.usable_cards(lender_id=person.lender_id, debtor_id=person.debtor_id)
        ],
        credit_cards=_takes_credit_cards(),
        pay_now=first.next if first is not None and can_pay else None,
    )


def _takes_credit_cards() -> bool:
    return session.get_one(Lender, me().lender_id).takes_credit_cards


def _to_a_card(plan: PlanCard, autopay_id: uuid.UUID, how: str, form_key: str) -> ResponseReturnValue:
    """Lead to the card that is taken from: one that is saved, one that is paid with now, or a new one."""
    person = me()
    if how.startswith("card:"):
        try:
            card_id = uuid.UUID(how.removeprefix("card:"))
        except ValueError:
            abort(404)
        with transaction():
            used = agreeing.use_card(
                lender_id=person.lender_id, autopay_id=autopay_id, card_id=card_id, by=person.actor
            )
        if used:
            flash(_("Automatic payments are on."), "success")
            return redirect(url_for("autopay.autopay", reference=plan.reference), 303)
        flash(_("This card is not saved any more. Please choose another one."), "wait")
        return redirect(url_for("autopay.turn_on", reference=plan.reference), 303)
    if how == "pay":
        return _pay_and_keep(plan, autopay_id, form_key)
    return _to_hosted_page(plan.reference, autopay_id)


def _to_hosted_page(reference: str, autopay_id: uuid.UUID) -> ResponseReturnValue:
    base = current_app.config["BASE_URL"]
    again = url_for("autopay.autopay", reference=reference)
    try:
        url = saving.open_page(
            lender_id=me().lender_id,
            autopay_id=autopay_id,
            back_url=base + url_for("autopay.autopay", reference=reference, back=1),
            language=chosen(),
        )
    except checkout.NoPaymentsYet:
        return _not_online(again)
    except PaymentRefused:
        current_app.logger.exception("Stripe refused to open a page that saves a card")
        return _not_online(again)
    except PaymentServiceDown as down:
        return render_template("payments/service_down.html", again_url=again, noted=down.out_of_order), 503
    return redirect(url or again, 303)


def _not_online(again: str) -> ResponseReturnValue:
    flash(_("Paying online isn’t possible yet. Please call us, and we tell you how to pay."), "wait")
    return redirect(again, 303)


def _pay_and_keep(plan: PlanCard, autopay_id: uuid.UUID, form_key: str) -> ResponseReturnValue:
    """Pay the next payment on the hosted page, which keeps the card for those after it."""
    person = me()
    base, again = current_app.config["BASE_URL"], url_for("autopay.autopay", reference=plan.reference)
    debt = by_id(lender_id=plan.lender_id, debt_id=plan.debt_id)
    found = payable_of(person, debt)
    if not found.next or problem_of(found.next, found.owed) is not None:
        return _to_hosted_page(plan.reference, autopay_id)
    try:
        lender = session.get_one(Lender, person.lender_id)
        account = checkout.account_of(lender, api_base=current_app.config["STRIPE_API_BASE"])
        customer_id = saving.customer_of(account, lender_id=person.lender_id, debtor_id=person.debtor_id)
        going = checkout.start(
            [checkout.Share(debt, plan.id, found.next, f"{debt.product} {debt.reference}")],
            lender=session.get_one(Lender, person.lender_id),
            account=account,
            form_key=form_key,
            result_url=base + url_for("payments.result", reference="REFERENCE"),
            back_url=base + url_for("payments.result", reference="REFERENCE", left=1),
            language=chosen(),
            by=person.actor,
            keep=checkout.Keep(customer_id, autopay_id),
        )
    except checkout.NoPaymentsYet:
        return _not_online(again)
    except PaymentRefused:
        current_app.logger.exception("Stripe refused to open a payment page")
        return _not_online(again)
    except PaymentServiceDown as down:
        return render_template("payments/service_down.html", again_url=again, noted=down.out_of_order), 503
    match going:
        case checkout.GoPay(url=url):
            return redirect(url, 303)
        case checkout.Underway(reference=reference):
            return redirect(url_for("payments.result", reference=reference), 303)


@autopay.post("/plans/<reference>/autopay/confirm")
@needs_debtor
def confirm(reference: str) -> ResponseReturnValue:
    """Pay what the bank wants to hear of on the hosted page, which asks the bank and keeps the card for what comes."""
    plan, shown, form_key = _plan(reference), _shown(reference), form_key_given()
    if shown is None or shown.state is Auto.ASKED or not shown.second_step or form_key is None:
        return redirect(url_for("autopay.autopay", reference=reference), 303)
    return _pay_and_keep(plan, shown.id, form_key)


@autopay.route("/plans/<reference>/autopay/card", methods=["GET", "POST"])
@needs_code
def card(reference: str) -> ResponseReturnValue:
    """Choose another card: the payments go on as agreed."""
    plan, shown = _plan(reference), _shown(reference)
    if shown is None or shown.state is Auto.ASKED:
        return redirect(url_for("autopay.autopay", reference=reference), 303)
    if request.method == "POST":
        how = request.form.get("how", "")
        return _to_a_card(plan, shown.id, how if how.startswith("card:") else "", "")
    person = me()
    return render_template(
        "autopay/card.html",
        plan=plan,
        credit_cards=_takes_credit_cards(),
        auto=shown,
        cards=[
            (one.id.hex, reading.card_words(one.brand, one.last4))
            for one in reading.usable_cards(lender_id=person.lender_id, debtor_id=person.debtor_id)
            if one.last4 != shown.last4
        ],
    )


@autopay.route("/plans/<reference>/autopay/stop", methods=["GET", "POST"])
@needs_debtor
def stop(reference: str) -> ResponseReturnValue:
    """Say what stopping does, and stop: the second of two taps."""
    plan, shown, person = _plan(reference), _shown(reference), me()
    if shown is None:
        return redirect(url_for("autopay.autopay", reference=reference), 303)
    if request.method == "POST":
        with transaction():
            done = agreeing.stop(
                lender_id=person.lender_id,
                autopay_id=shown.id,
                debtor_id=person.debtor_id,
                by=person.actor,
                why="asked",
            )
        if done is not None and done.on_its_way is not None:
            flash(_("It is stopped. What is on its way already can’t be called back; it counts as paid."), "success")
        else:
            flash(_("It is stopped. Nothing more is taken by itself."), "success")
        return redirect(url_for("plans.plan", reference=reference), 303)
    return render_template("autopay/stop.html", plan=plan, auto=shown)


def why_words(why: Why | None) -> str:
    """Say why autopay is not possible for a plan now."""
    return {
        Why.PLAN_WAITS: _("Your plan is paused, or payments are missing. When it goes on, you can turn this on."),
        Why.HELD: _("Something about this debt is being looked into. Until there is an answer, nothing is taken."),
    }.get(
        why or Why.PAID,
        _("There is no payment to come that could be taken: the next ones are too near, or all are made."),
    )


def template_words() -> dict[str, Any]:
    """Give what templates of other features use of this one."""
    return {"autopay_of": of_plan_for_pages}
