"""The page of everything that happened, and the same as a file."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue

from portal import clock
from portal.debts.pages import mine_or_404
from portal.debts.statement import Standing
from portal.evidence import log
from portal.evidence.record import Act
from portal.people.permissions import me, needs_debtor
from portal.timeline import happened, words
from portal.web.languages import gettext as _
from portal.web.spreadsheet import csv_answer

timeline = Blueprint("timeline", __name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the page; `at` is in the person's own zone. A `check` only let something through."""

    id: uuid.UUID
    at: datetime
    what: str
    check: bool
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
            id=each.id,
            at=each.at.astimezone(place),
            what=words.what(each.act, each.facts),
            check=each.act == Act.MESSAGE_LET_THROUGH,
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


def _mine(record_id: uuid.UUID) -> happened.Happened:
    """Give a record about the signed-in person; anybody else's is not there."""
    person = me()
    found = happened.one(lender_id=person.lender_id, debtor_id=person.debtor_id, record_id=record_id)
    if found is None:
        abort(404)
    return found


@timeline.get("/timeline/<uuid:record_id>")
@needs_debtor
def prove(record_id: uuid.UUID) -> ResponseReturnValue:
    """Show one record with its place in the lender's log, and how anybody can check it."""
    person, record = me(), _mine(record_id)
    return render_template(
        "timeline/prove.html",
        record=record,
        at=record.at.astimezone(clock.zone(person.zone)),
        what=words.what(record.act, record.facts),
        who=words.who(record.by),
        proven=log.prove(person.lender_id, record_id),
        slug=person.lender.slug,
        zone=person.zone,
    )


@timeline.get("/timeline/<uuid:record_id>/proof.json")
@needs_debtor
def proof(record_id: uuid.UUID) -> ResponseReturnValue:
    """Give a record, its salt and its proof as a file that anybody can check without us."""
    person, record = me(), _mine(record_id)
    proven = log.prove(person.lender_id, record_id)
    if proven is None:
        abort(404)
    said = {"entry": record.entry, "salt": record.salt, "proof": proven.text, "key": log.key_of(person.lender_id)}
    return Response(
        json.dumps(said, ensure_ascii=False, indent=1),
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="proof-{record_id}.json"'},
    )


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
