"""The lenders of the platform, for whoever runs it: which there are, and a new one by one form."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.db import seeing, transaction
from portal.lenders.brand import Weak
from portal.lenders.settings import all_lenders
from portal.people.views import key
from portal.staff import opening
from portal.staff.gates import me, needs
from portal.staff.lender_forms import LenderForm
from portal.staff.opening import Look, Opened, Taken
from portal.staff.roles import Permission
from portal.web.languages import DEFAULT, LANGUAGES, best, tag
from portal.web.languages import gettext as _
from portal.web.spreadsheet import csv_answer

staff_lenders = Blueprint("staff_lenders", __name__, url_prefix="/staff/lenders")


def over_all_lenders(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Let a view, behind its gate, see the rows of every lender, as few do."""

    @wraps(view)
    def shown(**values: Any) -> ResponseReturnValue:
        with seeing(None):
            return view(**values)

    return shown


@staff_lenders.get("", endpoint="lenders")
@needs(Permission.ADD_LENDERS)
@over_all_lenders
def lenders_page() -> ResponseReturnValue:
    """List the lenders; of their people nothing."""
    return render_template("staff/lenders.html", lenders=all_lenders())


@staff_lenders.get("/lenders.csv")
@needs(Permission.ADD_LENDERS)
@over_all_lenders
def lenders_csv() -> ResponseReturnValue:
    """Give the same as a file."""
    return csv_answer(
        "lenders",
        ("short name", "name", "country", "currency", "zone", "languages", "host", "stripe", "since"),
        (
            (
                lender.slug,
                lender.name,
                lender.jurisdiction,
                lender.currency,
                lender.zone,
                " ".join(lender.languages),
                lender.host,
                "yes" if lender.stripe_secret_key else "no",
                lender.created_at.isoformat(),
            )
            for lender in all_lenders()
        ),
    )


@staff_lenders.route("/new", methods=["GET", "POST"])
@needs(Permission.ADD_LENDERS)
@over_all_lenders
def new_lender() -> ResponseReturnValue:
    """Add a lender, and invite its first administrator; keys are sealed, and never shown again."""
    who, form = me(), LenderForm()
    form.offer()
    if request.method == "GET":
        form.begin(languages=[tag(code) for code in LANGUAGES], corners="round")
    elif form.validate():
        try:
            with transaction():
                done = opening.open_lender(
                    values=form.values(),
                    look=Look(form.accent.data, str(form.corners.data)) if form.accent.data else None,
                    administrator=(form.admin_name.data or "", form.admin_email.data or ""),
                    language=best(form.languages.data or ()) or DEFAULT,
                    key=key(),
                    operator=(who.lender_id, who.member_id),
                )
        except opening.MayNot:
            abort(403)
        match done:
            case Opened():
                flash(
                    _(
                        "%(name)s is here. The invitation is on its way to %(email)s.",
                        name=form.name.data,
                        email=form.admin_email.data,
                    ),
                    "success",
                )
                return redirect(url_for("staff_lenders.lenders"), 303)
            case Taken(what="slug"):
                form.slug.errors = [_("There is a lender with this short name already.")]
            case Taken():
                form.host.errors = [_("Another lender has this host.")]
            case Weak(instead=instead):
                form.accent.errors = [
                    _(
                        "Words in this colour can’t be read by everybody. The nearest that can is %(colour)s.",
                        colour=instead,
                    )
                    if instead
                    else _("Words in this colour can’t be read by everybody. Please take another one.")
                ]
    wrong = any(field.errors for field in form)
    return render_template("staff/new_lender.html", form=form), 422 if wrong else 200
