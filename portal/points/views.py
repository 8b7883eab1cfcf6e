"""The page of points, and the same as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from portal import clock
from portal.people.permissions import me, needs_debtor
from portal.points.award import PER_INSTALMENT, balance_of, entries_of
from portal.points.earning import instalment_in
from portal.points.models import PointsEntry
from portal.web.languages import gettext as _
from portal.web.paging import page_of
from portal.web.spreadsheet import csv_answer

points = Blueprint("points", __name__)

ENTRIES_ON_A_PAGE = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as the page shows it: what it was for, and the plan that it leads to, if any."""

    on: date
    words: str
    points: int
    plan: str | None


def _lines(entries: Sequence[PointsEntry]) -> list[Line]:
    place = clock.zone(me().zone)
    return [_line(entry, entry.at.astimezone(place).date()) for entry in entries]


def _line(entry: PointsEntry, on: date) -> Line:
    found = instalment_in(entry.cause)
    if entry.reason == "payment_went_back":
        words = _("The payment was given back")
    elif found is not None:
        words = _("Payment %(number)s of your plan was kept", number=found[1])
    else:
        words = _("A payment of your plan was kept")
    return Line(on=on, words=words, points=entry.points, plan=found[0] if found else None)


@points.get("/points", endpoint="points")
@needs_debtor
def points_page() -> ResponseReturnValue:
    """Show what earned what, and what was taken back."""
    person = me()
    entries = entries_of(lender_id=person.lender_id, debtor_id=person.debtor_id)
    shown, pages = page_of(entries, request.args.get("page"), size=ENTRIES_ON_A_PAGE)
    return render_template(
        "points/points.html",
        points=balance_of(lender_id=person.lender_id, debtor_id=person.debtor_id),
        each=PER_INSTALMENT,
        entries=_lines(shown),
        pages=pages,
    )


@points.get("/points.csv")
@needs_debtor
def points_csv() -> ResponseReturnValue:
    """Give every entry as a file."""
    person = me()
    return csv_answer(
        "points",
        (_("Date"), _("What happened"), _("Plan"), _("Points")),
        (
            (line.on, line.words, line.plan, line.points)
            for line in _lines(entries_of(lender_id=person.lender_id, debtor_id=person.debtor_id))
        ),
    )
