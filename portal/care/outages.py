"""Times in which people could not pay, because a payment service or this portal was out of order.

Invariant: the days of one, by each person's own calendar, count for no plan: neither as a due date nor as days of grace
or cure (`care.holds.days_held`).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime

from sqlalchemy import func, select

from portal import clock
from portal.care.models import Outage
from portal.care.states import Cause
from portal.db import new_id, put_unless_there, session, transaction
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import PORTAL, Act, Actor, record


def noticed(*, lender_id: uuid.UUID) -> None:
    """Note that the payment service does not answer now, in a transaction of its own; on one day that is one outage."""
    now = clock.now()
    with transaction():
        note(lender_id=lender_id, cause=Cause.PAYMENT_SERVICE, since=now, until=now, words="", by=PORTAL)


def note(*, lender_id: uuid.UUID, cause: Cause, since: datetime, until: datetime, words: str, by: Actor) -> None:
    """Note a time in which people could not pay; one that began on the same day gets the wider of both times.

    Part of an act. Whoever notes one afterwards lets every plan of the lender be looked at again.
    """
    day = since.astimezone(UTC).date()
    new = put_unless_there(
        Outage,
        {
            "lender_id": lender_id,
            "id": new_id(),
            "cause": cause.value,
            "day": day,
            "since": since,
            "until": until,
            "words": words,
        },
    )
    if not new:
        there = session.execute(
            select(Outage)
            .where(Outage.lender_id == lender_id, Outage.cause == cause.value, Outage.day == day)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).scalar_one()
        before = there.since, there.until
        there.since, there.until = min(there.since, since), max(there.until, until)
        there.words = words or there.words
        if by == PORTAL:
            if _covers_as_much((there.since, there.until), before):
                # Noted already, by whoever met it first that day.
                return
            since, until = there.since, there.until
    record(
        Act.OUTAGE_NOTED,
        by=by,
        lender_id=lender_id,
        facts={"cause": cause.value, "since": since, "until": until, "words": words},
    )


def _covers_as_much(now: tuple[datetime, datetime], before: tuple[datetime, datetime]) -> bool:
    """Say whether a longer outage covers no day of anybody's calendar that the shorter one didn't.

    Wherever a day begins, it does at a quarter of an hour of UTC; so a long one is on record a few times and not at
    each try to pay.
    """
    quarters = [
        [at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0) for at in ends] for ends in (now, before)
    ]
    return quarters[0] == quarters[1]


def of_lender(lender_id: uuid.UUID) -> Sequence[Outage]:
    """Give all that are known of a lender, newest first."""
    wanted = select(Outage).where(Outage.lender_id == lender_id).order_by(Outage.since.desc(), Outage.id)
    return session.scalars(wanted).all()


def newest(lender_id: uuid.UUID) -> tuple[datetime, datetime] | None:
    """Give until when the last one of a lender was, and when one was last noted; None if there never was one."""
    [until] = session.execute(select(func.max(Outage.until)).where(Outage.lender_id == lender_id)).scalars()
    if until is None:
        return None
    of_lender_itself = (EvidenceRecord.lender_id == lender_id, EvidenceRecord.debtor_id.is_(None))
    noted = select(func.max(EvidenceRecord.at)).where(*of_lender_itself, EvidenceRecord.act == Act.OUTAGE_NOTED.value)
    return until, session.execute(noted).scalar_one() or until


def covers(*, lender_id: uuid.UUID, day: date, zone: str) -> bool:
    """Say whether one was on a day of somebody's calendar."""
    place = clock.zone(zone)
    return any(
        each.since.astimezone(place).date() <= day <= each.until.astimezone(place).date()
        for each in of_lender(lender_id)
    )
