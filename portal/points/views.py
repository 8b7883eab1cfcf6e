"""The page of points."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock
from portal.people.permissions import me, needs_debtor
from portal.points.award import balance_of, entries_of

points = Blueprint("points", __name__)


@points.get("/points", endpoint="points")
@needs_debtor
def points_page() -> ResponseReturnValue:
    """Show what earned what, and what was taken back."""
    person = me()
    words = {
        "kept_instalment": _("A payment of your plan was kept"),
        "payment_went_back": _("The payment was given back"),
    }
    place = clock.zone(person.zone)
    return render_template(
        "points/points.html",
        points=balance_of(lender_id=person.lender_id, debtor_id=person.debtor_id),
        entries=[
            {"on": entry.at.astimezone(place).date(), "words": words[entry.reason], "points": entry.points}
            for entry in entries_of(lender_id=person.lender_id, debtor_id=person.debtor_id)
        ],
    )
