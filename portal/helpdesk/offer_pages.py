"""Pages on which a colleague says yes to an offer: one plan with every payment, words for the debtor, one act."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.db import transaction
from portal.helpdesk.forms import YesForm
from portal.helpdesk.looking import looked_at_request
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


@helpdesk_offers.route("/<reference:number>/yes", methods=["GET", "POST"])
@needs(Permission.ANSWER_REQUESTS)
def yes(number: str) -> ResponseReturnValue:
    """Show one plan that may be granted with every payment, and say yes to it: it becomes a quote for the debtor."""
    who, found, form = me(), one_or_404(number), YesForm()
    name, changed = request.args.get("plan", ""), False
    if form.validate_on_submit():
        try:
            with transaction():
                granting.grant(
                    lender_id=who.lender_id,
                    number=number,
                    name=name,
                    words=form.words.data or "",
                    by=who.actor,
                    seen=form.seen.data or "",
                )
        except granting.NoSuchOffer:
            flash(_("That was done already, perhaps by a colleague. Nothing has changed."))
            return _to_request(number)
        except (granting.NotGranted, NoLimits):
            flash(_("The limits don’t allow that plan any more. Here is what may be granted now."), "problem")
            return _to_request(number)
        except granting.NotAsSeen:
            flash(_("The figures have changed since you opened this page. Please read them again."), "problem")
            changed = True
        else:
            flash(
                _("You said yes. The person is told, reads every date and amount, and agrees with a code."), "success"
            )
            return _to_request(number)
    offer = on_the_table(lender_id=who.lender_id, number=number)
    plan = None if offer is None else offer.cards.get(name)
    if offer is None or plan is None:
        flash(_("That plan can’t be granted now. Here is how it stands."))
        return _to_request(number)
    if request.environ["REQUEST_METHOD"] != "HEAD":
        with transaction():
            looked_at_request(who, debtor_id=found.debtor_id, number=number)
    form.seen.data = plan["mark"]
    return (
        render_template("helpdesk/yes.html", form=form, one=found, offer=offer, plan=plan),
        422 if form.errors or changed else 200,
    )
