"""The pages from which a package is taken: somebody's own, and the lender's with a reason."""

from __future__ import annotations

from flask import Blueprint, Response, abort, flash, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from portal.db import session
from portal.debts.models import Debt
from portal.helpdesk.people_pages import of_person
from portal.helpdesk.person import Subject
from portal.package import taking, words
from portal.package.building import Made
from portal.package.forms import PackageForm
from portal.package.taking import NotSignedYet
from portal.people.permissions import me, needs_code, needs_debtor
from portal.staff.gates import Colleague, needs
from portal.staff.roles import Permission
from portal.web.languages import gettext as _

package = Blueprint("package", __name__)
package_desk = Blueprint("package_desk", __name__, url_prefix="/staff/people")


def _mine(reference: str) -> Debt:
    """Give the signed-in person's debt, also one that the lender took back; anybody else's is not there."""
    person = me()
    debt = taking.debt_of(lender_id=person.lender_id, debtor_id=person.debtor_id, reference=reference)
    if debt is None:
        abort(404)
    return debt


def _not_yet(back: str) -> ResponseReturnValue:
    flash(_("The log has not been signed yet. That takes some seconds. Please try again in a minute."), "problem")
    return redirect(back, 303)


def _sent(made: Made, reference: str) -> Response:
    name = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in reference)
    return send_file(
        made.file,
        mimetype="application/zip",
        as_attachment=True,
        download_name=f"evidence-{name}.zip",
        conditional=False,
        etag=False,
    )


@package.get("/debts/<reference>/evidence", endpoint="evidence")
@needs_debtor
def own_page(reference: str) -> ResponseReturnValue:
    """Say what is in the file, and offer it."""
    return render_template("package/own.html", debt=_mine(reference), parts=words.parts())


@package.get("/debts/<reference>/evidence.zip")
@needs_code
def own_file(reference: str) -> ResponseReturnValue:
    """Give everything about a debt as one file, without names of the lender's people; that is on record."""
    person, debt = me(), _mine(reference)
    try:
        made = taking.take(
            debt,
            lender=person.lender,
            log_address=url_for("log.log", slug=person.lender.slug, _external=True),
            by=person.actor,
            own=True,
        )
    except NotSignedYet:
        return _not_yet(url_for("package.evidence", reference=reference))
    return _sent(made, reference)


@package_desk.route("/<uuid:debtor_id>/evidence", methods=["GET", "POST"])
@needs(Permission.TAKE_EVIDENCE)
@of_person
def evidence(who: Colleague, subject: Subject) -> ResponseReturnValue:
    """Ask of which debt and why, and give the file; the person reads who took it and why."""
    debts = session.scalars(
        select(Debt)
        .where(Debt.lender_id == who.lender_id, Debt.debtor_id == subject.debtor_id, Debt.state != "staged")
        .order_by(Debt.reference)
    ).all()
    form = PackageForm()
    form.debt.choices = [(debt.reference, f"{debt.product} · {debt.reference}") for debt in debts]
    if form.validate_on_submit():
        chosen = next(debt for debt in debts if debt.reference == form.debt.data)
        try:
            made = taking.take(
                chosen,
                lender=who.lender,
                log_address=url_for("log.log", slug=who.lender.slug, _external=True),
                by=who.actor,
                own=False,
                name=who.name,
                reason=form.reason.data,
            )
        except NotSignedYet:
            return _not_yet(url_for("package_desk.evidence", debtor_id=subject.debtor_id))
        return _sent(made, form.debt.data)
    if len(debts) == 1 and not form.debt.data:
        form.debt.data = debts[0].reference
    shown = render_template("package/desk.html", form=form, person=subject, parts=words.parts())
    return shown, 422 if form.errors else 200
