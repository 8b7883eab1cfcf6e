"""Pages on which a colleague makes a plan together with somebody who allowed it: those of the person, and one more.

The person alone agrees, on a page of their own, by a link that goes to a contact on file.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Final

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal.care.requests import Opened, TooMany
from portal.care.states import Kind
from portal.db import transaction
from portal.debts.statement import Standing, debt_of
from portal.helpdesk import acting
from portal.helpdesk.acting_pages import nothing_agreed, said_of_asking
from portal.helpdesk.forms import SendPlanForm
from portal.helpdesk.models import Consent
from portal.helpdesk.people_pages import of_person
from portal.helpdesk.person import Subject
from portal.people.views import key
from portal.plans import negotiate
from portal.plans.agreement_pages import agreement_text, check_context, gone
from portal.plans.pages import AT_THE_TABLE, seen_from
from portal.plans.sides import Side
from portal.staff.gates import Colleague, needs
from portal.staff.roles import Permission
from portal.web.languages import force_locale
from portal.web.languages import gettext as _

helpdesk_plans = Blueprint(
    "helpdesk_plans", __name__, url_prefix="/staff/people/<uuid:debtor_id>/act/plan/<reference:reference>"
)

# The same ends of addresses as on the person's own side, each with the name of its view.
STEPS: Final = (
    ("what-can-you-afford", "what_can_you_afford"),
    ("which-day-suits-you", "which_day"),
    ("ways-to-pay", "ways_to_pay"),
    ("ways-to-pay/<way>", "way_to_pay"),
    ("your-budget", "your_budget"),
    ("what-is-left", "what_is_left"),
    ("choose-a-plan", "choose"),
)
_ONLY_READ: Final = ("ways_to_pay", "what_is_left")


@dataclass(frozen=True, kw_only=True)
class ForThem(Side):
    """The side of a colleague who acts for a person, with what the person agreed to."""

    who: Colleague
    person: Subject
    consent: Consent

    def at(self, page: str, **values: object) -> str:
        """Give the address of a page of making a plan for the person."""
        return url_for(f"helpdesk_plans.{page}", debtor_id=self.debtor_id, **values)  # type: ignore[arg-type]

    def page(self, template: str, **values: object) -> str:
        """Give a page of making a plan, with whom it is for on top."""
        return super().page(template, person=self.person, until=self.consent.until, **values)

    @contextmanager
    def act(self) -> Iterator[Mapping[str, object]]:
        """Begin one act, as long as the person's consent stands.

        :raises portal.helpdesk.acting.NoConsent: if nothing is agreed any more.
        :raises portal.staff.gates.NotAllowed: if the colleague may not help people any more.
        """
        with transaction():
            consent = acting.allowed(self.who, debtor_id=self.debtor_id)
            yield {"helper": self.who.name, "consent": consent.id}

    def told(self, opened: Opened | TooMany | None) -> None:
        """Tell the person what was asked for them."""
        acting.tell(self.who, debtor_id=self.debtor_id, done=opened)

    def nothing_to_plan(self, debt: Standing, *, plan: str | None) -> ResponseReturnValue:
        """Lead back to the person, and say why."""
        if plan is not None:
            flash(_("There is a plan for this debt: %(plan)s. The person changes it on their own pages.", plan=plan))
        elif not debt.owed:
            flash(_("Nothing is left to pay on this debt."))
        return redirect(url_for("helpdesk_people.person", debtor_id=self.debtor_id), 303)

    def asked(self, debt: Standing, opened: Opened | TooMany | None, *, kind: Kind) -> ResponseReturnValue:
        """Say that it is asked, and lead back to what else the person wants."""
        return said_of_asking(self.person, opened)


def for_them(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Give a view the side of a colleague who may act for the person now; without consent it asks for that first."""

    @needs(Permission.HELP_PEOPLE)
    @of_person
    @wraps(view)
    def opened(who: Colleague, subject: Subject, reference: str, **values: str) -> ResponseReturnValue:
        consent = acting.standing(who, debtor_id=subject.debtor_id)
        if consent is None:
            return nothing_agreed(subject)
        side = ForThem(
            who.lender, subject.debtor_id, subject.zone, who.actor, who.name, who=who, person=subject, consent=consent
        )
        try:
            return view(side, reference, **values)
        except acting.NoConsent:
            return nothing_agreed(subject)

    return opened


def _step(name: str) -> Callable[..., ResponseReturnValue]:
    def step(side: ForThem, reference: str, **values: str) -> ResponseReturnValue:
        return seen_from(side, AT_THE_TABLE[name], reference, **values)

    return for_them(step)


for _rule, _name in STEPS:
    helpdesk_plans.add_url_rule(
        f"/{_rule}", _name, _step(_name), methods=["GET"] if _name in _ONLY_READ else ["GET", "POST"]
    )


@helpdesk_plans.route("/check-your-plan/<number>", methods=["GET", "POST"])
@for_them
def check(side: ForThem, reference: str, number: str) -> ResponseReturnValue:
    """Show everything of a quote, with what is read out in the person's language; then send the person the link."""
    debt = debt_of(lender_id=side.lender.id, debtor_id=side.debtor_id, reference=reference)
    made = None if debt is None else negotiate.quote_of(debt, number=number)
    if debt is None or made is None or negotiate.prepared_by(made) is None:
        abort(404)
    if (away := gone(side, debt, made)) is not None:
        return away
    with force_locale(side.person.language):
        text = agreement_text(debt, made, lender=side.lender)
    form = SendPlanForm()
    if form.validate_on_submit():
        with transaction():
            sent = acting.send_plan(
                side.who, debt, number=number, text=text, form_key=form.form_key.data or "", key=key()
            )
        match sent:
            case None:
                return gone(side, debt, made) or redirect(side.at("choose", reference=reference), 303)
            case False:
                flash(
                    _("No link was sent: nothing on file may be written to, or no date of birth is on file."), "problem"
                )
            case True:
                flash(
                    _("The link to the plan is on its way. Nothing is agreed until the person agrees with a code."),
                    "success",
                )
        return redirect(url_for("helpdesk_people.act", debtor_id=side.debtor_id), 303)
    if request.method == "GET":
        form.begin(form_key=uuid.uuid4().hex)
    return side.page(
        "helpdesk/check_plan.html",
        **check_context(side, debt, made),
        form=form,
        text=[part.replace("\t", ": ").splitlines() for part in text.split("\n\n")],
        text_language=side.person.language.replace("_", "-"),
    ), 422 if form.errors else 200
