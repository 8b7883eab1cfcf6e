"""Who of the staff looked at what of a person: on record, and on that person's own timeline."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, select

from portal import clock
from portal.db import read, table_of
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Act, record
from portal.helpdesk.finding import Answer
from portal.staff.gates import Colleague

# Whoever turns the pages of one thing has looked once.
_SAME_LOOK = timedelta(minutes=15)
# With somebody on the line, one comes back to a page again and again.
SAME_VISIT = timedelta(hours=4)


_RECORD = table_of(EvidenceRecord).c
_LOOKS = select(_RECORD.entry).where(
    _RECORD.lender_id == bindparam("lender_id"),
    _RECORD.at > bindparam("since", type_=_RECORD.at.type),
    _RECORD.act == Act.STAFF_LOOKED.value,
    _RECORD.actor_id == bindparam("member"),
)
_LOOKS_AT = _LOOKS.where(_RECORD.debtor_id == bindparam("debtor_id"))
_LOOKS_AT_NOBODY = _LOOKS.where(_RECORD.debtor_id.is_(None))


def looked_at(who: Colleague, *, debtor_id: uuid.UUID | None, reason: str | None = None, **what: str) -> None:
    """Write down that a member of the staff looked at one thing of a person, a request, a plan or what goes back.

    Twice within a quarter of an hour is once, but a reason that was asked for is always written down.
    """
    if reason is not None:
        _look(who, debtor_id=debtor_id, facts={**what, "reason": reason})
    elif not any(what.items() <= facts.items() for facts in _looks(who, debtor_id=debtor_id, within=_SAME_LOOK)):
        _look(who, debtor_id=debtor_id, facts=what)


def listed(who: Colleague, what: str, *, shown: int, **asked: str | None) -> None:
    """Write down that a list showed people: which, what of it was asked for, how many of them; not what was typed.

    The same again within a quarter of an hour is once.
    """
    facts: dict[str, object] = {"list": what, "shown": shown, **{name: said for name, said in asked.items() if said}}
    before = _looks(who, debtor_id=None, within=_SAME_LOOK)
    if shown and {"name": who.name, **facts} not in before:
        _look(who, debtor_id=None, facts=facts)


def taken_along(who: Colleague, what: str, *, rows: int | None, **asked: str | None) -> None:
    """Write down that a file with people in it was given out, with how many rows if that is known; each time."""
    said = {"rows": rows, **asked}
    facts = {"file": what, **{name: value for name, value in said.items() if value is not None}}
    _look(who, debtor_id=None, facts=facts)


def reason_given(who: Colleague, *, debtor_id: uuid.UUID) -> str | None:
    """Give why this member of the staff looked at something of a person in the last hours, if that was said."""
    reasons = [facts["reason"] for facts in _looks(who, debtor_id=debtor_id, within=SAME_VISIT) if "reason" in facts]
    return reasons[-1] if reasons else None


def has_opened(who: Colleague, *, debtor_id: uuid.UUID) -> bool:
    """Say whether this member of the staff opened a person's page in the last hours."""
    return any("page" in facts for facts in _looks(who, debtor_id=debtor_id, within=SAME_VISIT))


def opened_page(who: Colleague, *, debtor_id: uuid.UUID, reason: str | None) -> None:
    """Write down that a member of the staff opened a person's page, with the reason where one was asked for."""
    _look(who, debtor_id=debtor_id, facts={"page": "person"} | ({"reason": reason} if reason else {}))


def searched(who: Colleague, answer: Answer) -> None:
    """Write down that a search showed people: who searched, by what, and how many were shown; not what was typed."""
    facts = {"name": who.name, "by": answer.by.value, "shown": len(answer.people), "more": answer.more}
    record(Act.STAFF_SEARCHED, by=who.actor, lender_id=who.lender_id, facts=facts)


def _look(who: Colleague, *, debtor_id: uuid.UUID | None, facts: Mapping[str, object]) -> None:
    said = {"name": who.name, **facts}
    record(Act.STAFF_LOOKED, by=who.actor, lender_id=who.lender_id, debtor_id=debtor_id, facts=said)


def _looks(who: Colleague, *, debtor_id: uuid.UUID | None, within: timedelta) -> list[dict[str, Any]]:
    """Give the facts of what this member of the staff looked at of a person lately."""
    values = {"lender_id": who.lender_id, "member": str(who.member_id), "since": clock.now() - within}
    rows = read(_LOOKS_AT, values | {"debtor_id": debtor_id}) if debtor_id else read(_LOOKS_AT_NOBODY, values)
    return [json.loads(row.entry)["facts"] for row in rows]
