"""Who of the staff looked at what of a person: on record, and on that person's own timeline."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import select

from portal import clock
from portal.db import session
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Act, record
from portal.staff.gates import Colleague

# Whoever turns the pages of one thing has looked once.
_SAME_LOOK = timedelta(minutes=15)


def looked_at_request(who: Colleague, *, debtor_id: uuid.UUID | None, number: str) -> None:
    """Write down that a member of the staff read a request; twice within a quarter of an hour is once."""
    facts = {"name": who.name, "request": number}
    before = session.scalars(
        select(EvidenceRecord.entry).where(
            EvidenceRecord.lender_id == who.lender_id,
            EvidenceRecord.debtor_id == debtor_id if debtor_id else EvidenceRecord.debtor_id.is_(None),
            EvidenceRecord.at > clock.now() - _SAME_LOOK,
            EvidenceRecord.act == Act.STAFF_LOOKED.value,
            EvidenceRecord.actor_id == str(who.member_id),
        )
    )
    if not any(f'"request":"{number}"' in entry for entry in before):
        record(Act.STAFF_LOOKED, by=who.actor, lender_id=who.lender_id, debtor_id=debtor_id, facts=facts)
