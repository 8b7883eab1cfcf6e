"""The one place where records lose something: what they say of somebody goes, their hashes stay.

Invariant: the tree and every proof of another record stay as they were signed, and one record names those that went.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import update

from portal.db import session
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Act, Actor, record


def erase(records: Sequence[uuid.UUID], *, why: str, by: Actor, lender_id: uuid.UUID) -> int:
    """Take out of records what they say, of whom and by whom, in the running transaction; gives of how many.

    Without text and salt a hash says nothing of anybody. Whether the law lets a record go is for the caller to know.
    """
    gone = session.scalars(
        update(EvidenceRecord)
        .where(EvidenceRecord.lender_id == lender_id, EvidenceRecord.id.in_(records), EvidenceRecord.entry != "")
        .values(entry="", salt="", actor_id="", debtor_id=None, debt_id=None)
        .returning(EvidenceRecord.id),
        execution_options={"synchronize_session": False},
    ).all()
    if gone:
        facts = {"records": sorted(map(str, gone)), "why": why}
        record(Act.RECORDS_ERASED, by=by, lender_id=lender_id, facts=facts)
    return len(gone)
