"""The night of autopay: what has to be looked at is put off as jobs, by the page. The night itself charges nothing.

Invariant: twice is once, and a night that is late puts off what is due once; what is charged is decided by the job.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import bindparam, select, tuple_

from portal import clock, queue
from portal.autopay.agreeing import LOOK
from portal.autopay.models import Autopay
from portal.bulk import dashed, hexed, raw
from portal.db import read, session, table_of, transaction
from portal.lenders.models import Lender

AT_ONCE = 1_000
# Somewhere it is tomorrow already.
_FARTHEST_EAST = timedelta(hours=14)
_AUTO = table_of(Autopay).c
_DUE = (
    select(raw(_AUTO.id), _AUTO.act_on)
    .where(_AUTO.lender_id == bindparam("lender_id"), _AUTO.act_on <= bindparam("until"))
    .order_by(_AUTO.act_on, _AUTO.id)
    .limit(bindparam("at_once"))
    .with_for_update(skip_locked=True)
)
_DUE_AFTER = _DUE.where(
    tuple_(_AUTO.act_on, _AUTO.id)
    > tuple_(bindparam("day", type_=_AUTO.act_on.type), bindparam("last", type_=_AUTO.id.type))
)


def run() -> int:
    """Put off a look at every autopay whose day has come; gives how many were new. Only a page is held in memory."""
    now = clock.now()
    until, new = (now + _FARTHEST_EAST).date(), 0
    for lender_id in session.scalars(select(Lender.id).order_by(Lender.slug)).all():
        values = {"lender_id": lender_id, "until": until, "at_once": AT_ONCE}
        statement, more = _DUE, True
        while more:
            with transaction():
                page = read(statement, values)
                work = {}
                for row in page:
                    autopay_id = dashed(hexed(row.id))
                    work[f"autopay-look:{autopay_id}:{now.date()}"] = {"autopay_id": autopay_id}
                new += len(queue.many_later(LOOK, lender_id=lender_id, work=work)) if work else 0
            session.remove()
            more = len(page) == AT_ONCE
            if more:
                last = uuid.UUID(hexed(page[-1].id))
                statement, values = _DUE_AFTER, values | {"day": page[-1].act_on, "last": last}
    return new
