"""The page of everything that happened, and the same as a file."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from portal import clock
from portal.debts.pages import mine_or_404
from portal.debts.statement import Standing
from portal.people.permissions import me, needs_debtor
from portal.timeline import happened, words
from portal.web.languages import gettext as _
from portal.web.spreadsheet import csv_answer

timeline = Blueprint("timeline", __name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the page; `at` is in the person's own zone."""

    at: datetime
    what: str
    who: str
    debt: happened.DebtName | None


def _only() -> Standing | None:
    """Give the debt that the list is about, if it is about one."""
    reference = request.args.get("debt")
    return mine_or_404(reference) if reference is not None else None


@timeline.get("/timeline", endpoint="timeline")
@needs_debtor
def timeline_page() -> ResponseReturnValue:
    """Show what happened, day by day, newest first, with who did it."""
    person, only = me(), _only()
    found, older = happened.page(
        lender_id=person.lender_id,
        debtor_id=person.debtor_id,
        debt_id=only.id if only else None,
        before=_key(request.args.get("before", "")),
    )
    place = clock.zone(person.zone)
    lines = [
        Line(
            at=each.at.astimezone(place),
            what=words.what(each.act, each.facts),
            who=words.who(each.by),
            debt=each.debt if only is None else None,
        )
        for each in found
    ]
    return render_template(
        "timeline/timeline.html",
        days=[(day, list(of_day)) for day, of_day in groupby(lines, key=lambda line: line.at.date())],
        debt=only,
        older=older.hex if older else None,
        first="before" not in request.args,
        zone=person.zone,
    )


def _key(given: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(given)
    except ValueError:
        return None


@timeline.get("/timeline.csv")
@needs_debtor
def timeline_csv() -> ResponseReturnValue:
    """Give everything that happened as a file, with the fingerprint of each record."""
    person, only = me(), _only()
    place = clock.zone(person.zone)
    return csv_answer(
        "timeline",
        (_("When"), _("What happened"), _("Who did it"), _("Debt"), _("Record"), _("Fingerprint (SHA-256)")),
        (
            (
                each.at.astimezone(place).isoformat(timespec="seconds"),
                words.what(each.act, each.facts),
                words.who(each.by),
                each.debt.reference if each.debt else None,
                str(each.id),
                each.hash,
            )
            for each in happened.all_of(
                lender_id=person.lender_id, debtor_id=person.debtor_id, debt_id=only.id if only else None
            )
        ),
    )
