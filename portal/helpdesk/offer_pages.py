"""Pages on which a colleague says yes to an offer, or asks another one: a plan with every payment, and one act."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.care.requests import plain_words
from portal.db import transaction
from portal.helpdesk import deciding, opening
from portal.helpdesk.forms import NoForm, YesForm
from portal.helpdesk.offers import on_the_table
from portal.helpdesk.views import one_or_404
from portal.plans import granting
from portal.plans.allowed import NoLimits
from portal.staff.gates import me, needs
from portal.staff.roles import Permission
from portal.web.languages import gettext as _

helpdesk_offers = Blueprint("helpdesk_offers", __name__, url_prefix="/staff/requests")


def _to_request(number: str) -> ResponseReturnValue:
    return redirect(url_for("helpdesk.request", number=number), 303)


def _said(act: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Say calmly what stood in the way of an act, and show how things stand now."""

    @wraps(act)
    def done(number: str) -> ResponseReturnValue:
        one_or_404(number)
        try:
            return act(number)
        except granting.NoSuchOffer:
            flash(_("That was done already, perhaps by a colleague. Nothing has changed."))
        except (granting.NotGranted, NoLimits):
            flash(_("The limits don’t allow that plan any more. Here is what may be granted now."), "problem")
        except granting.AboveCap:
            flash(_("That is more than you may grant alone. Ask a colleague."), "problem")
        return _to_request(number)

    return done


@helpdesk_offers.route("/<reference:number>/yes", methods=["GET", "POST"])
@needs(Permission.ANSWER_REQUESTS)
@_said
def yes(number: str) -> ResponseReturnValue:
    """Show one plan that may be granted with every payment, and say yes to it: it becomes a quote for the debtor."""
    form, name, changed = YesForm(), request.args.get("plan", ""), False
    if form.validate_on_submit():
        try:
            return _decided(form, number=number, name=name)
        except granting.NotAsSeen:
            flash(_("The figures have changed since you opened this page. Please read them again."), "problem")
            changed = True
        except granting.NoReason:
            form.reason.errors = [_("Say why, for colleagues and for whoever checks later.")]
    return _shown(form, NoForm(formdata=None), number=number, name=name, changed=changed)


def _decided(form: YesForm, *, number: str, name: str) -> ResponseReturnValue:
    """Grant a plan, or ask a colleague to.

    :raises granting.NoReason: if the plan needs one and there is none; and as granting does.
    """
    who, words, reason = me(), form.words.data or "", plain_words(form.reason.data)
    if "ask" in request.form:
        if not reason:
            raise granting.NoReason(name)
        with transaction():
            asked = deciding.ask_colleague(who, number=number, name=name, words=words, reason=reason)
        if asked:
            flash(_("A colleague is asked. You read the answer here."), "success")
        else:
            flash(_("Something is asked about this offer already. Nothing has changed."))
        return _to_request(number)
    with transaction():
        deciding.say_yes(who, number=number, name=name, words=words, seen=form.seen.data or "", reason=reason)
    flash(_("You said yes. The person is told, reads every date and amount, and agrees with a code."), "success")
    return _to_request(number)


def _shown(form: YesForm, no_form: NoForm, *, number: str, name: str, changed: bool = False) -> ResponseReturnValue:
    who, found = me(), one_or_404(number)
    offer = on_the_table(lender_id=who.lender_id, number=number, reach=deciding.reach_of(who.may))
    plan = None if offer is None else offer.cards.get(name)
    if offer is None or plan is None:
        flash(_("That plan can’t be granted now. Here is how it stands."))
        return _to_request(number)
    if opening.must_say_why(who, found.debtor_id):
        # The page of the request asks for it.
        return _to_request(number)
    opening.seen(who, debtor_id=found.debtor_id, request=number)
    open_ = [each for each in deciding.decisions(lender_id=who.lender_id, number=number) if each.state == "open"]
    asked = next((each for each in open_ if each.plan == name), None)
    if asked is not None and request.method == "GET":
        form.begin(words=asked.words, reason=asked.reason)
    form.seen.data = plan["mark"]
    return (
        render_template(
            "helpdesk/yes.html",
            form=form if form.errors or not no_form.errors else no_form,
            yes_form=form,
            no_form=no_form,
            one=found,
            offer=offer,
            plan=plan,
            asked=asked if asked is not None and asked.asked_by != who.member_id else None,
            is_asked=bool(open_),
            colleagues=deciding.who_may_go_further(who) if plan["above"] else [],
        ),
        422 if form.errors or no_form.errors or changed else 200,
    )


@helpdesk_offers.post("/<reference:number>/no")
@needs(Permission.GRANT_FURTHER)
@_said
def no(number: str) -> ResponseReturnValue:
    """Say no to what a colleague asked; the colleague reads why, and answers the person."""
    form = NoForm()
    if not form.validate():
        return _shown(YesForm(formdata=None), form, number=number, name=request.args.get("plan", ""))
    with transaction():
        done = deciding.decline(me(), number=number, words=plain_words(form.why_not.data))
    if done:
        flash(_("You said no. Your colleague reads why, and answers the person."), "success")
    else:
        flash(_("That was done already, perhaps by a colleague. Nothing has changed."))
    return _to_request(number)


@helpdesk_offers.post("/<reference:number>/take-back-question")
@needs(Permission.ANSWER_REQUESTS)
@_said
def take_back_question(number: str) -> ResponseReturnValue:
    """Take back what one asked a colleague."""
    with transaction():
        done = deciding.take_back(me(), number=number)
    if done:
        flash(_("You took it back. Nobody is asked any more."), "success")
    else:
        flash(_("That was done already, perhaps by a colleague. Nothing has changed."))
    return _to_request(number)
