"""Give and take back points; the books keep every entry."""

from __future__ import annotations

import uuid

from sqlalchemy import func, select

from portal import clock
from portal.db import new_id, session
from portal.evidence.record import PORTAL, Act, record
from portal.money import Money
from portal.points.earning import (
    POINTS,
    Earned,
    Reason,
    Returned,
    after_money_went_back,
    cause_of,
    for_instalment,
)
from portal.points.models import PointsEntry


def kept(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, plan: str, seq: int, due: Money, cleared: Money) -> None:
    """Give the points for a kept instalment, once for each time that it was paid and not given back."""
    turn, given, back = _newest_turn(lender_id, plan=plan, seq=seq)
    if given is not None and back is None:
        return
    turn = turn + 1 if given is not None else turn
    earned = for_instalment(plan=plan, seq=seq, due=due, cleared=cleared, kept=True, turn=turn)
    if isinstance(earned, Earned):
        session.add(
            PointsEntry(
                lender_id=lender_id,
                id=new_id(),
                debtor_id=debtor_id,
                cause=earned.cause,
                reason=earned.reason.value,
                points=earned.points,
                at=clock.now(),
            )
        )
        session.flush()
        record(
            Act.POINTS_AWARDED,
            by=PORTAL,
            lender_id=lender_id,
            debtor_id=debtor_id,
            facts={"cause": earned.cause, "points": earned.points},
        )


def no_longer_kept(*, lender_id: uuid.UUID, plan: str, seq: int) -> None:
    """Take the points of an instalment back whose money went back, once."""
    _turn, given, back = _newest_turn(lender_id, plan=plan, seq=seq)
    if given is None or back is not None:
        return
    earned = Earned(cause=given.cause, reason=Reason(given.reason), points=given.points)
    returned = after_money_went_back(earned=earned, still_kept=False)
    if isinstance(returned, Returned):
        session.add(
            PointsEntry(
                lender_id=lender_id,
                id=new_id(),
                debtor_id=given.debtor_id,
                cause=returned.cause,
                reason=returned.reason.value,
                points=returned.points,
                takes_back_id=given.id,
                at=clock.now(),
            )
        )
        session.flush()
        record(
            Act.POINTS_TAKEN_BACK,
            by=PORTAL,
            lender_id=lender_id,
            debtor_id=given.debtor_id,
            facts={"cause": returned.cause, "points": returned.points},
        )


def _newest_turn(lender_id: uuid.UUID, *, plan: str, seq: int) -> tuple[int, PointsEntry | None, PointsEntry | None]:
    """Give the newest turn of an instalment, what it was given, and what took that back; the debt's book is locked."""
    turn, given, back = 1, _entry(lender_id, cause_of(plan=plan, seq=seq)), None
    while given is not None:
        back = session.scalars(
            select(PointsEntry).where(PointsEntry.lender_id == lender_id, PointsEntry.takes_back_id == given.id)
        ).one_or_none()
        following = _entry(lender_id, cause_of(plan=plan, seq=seq, turn=turn + 1))
        if following is None:
            break
        turn, given = turn + 1, following
    return turn, given, back


def _entry(lender_id: uuid.UUID, cause: str) -> PointsEntry | None:
    return session.scalars(
        select(PointsEntry).where(PointsEntry.lender_id == lender_id, PointsEntry.cause == cause)
    ).one_or_none()


def entries_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> list[PointsEntry]:
    """Give a person's entries, newest first."""
    return list(
        session.scalars(
            select(PointsEntry)
            .where(PointsEntry.lender_id == lender_id, PointsEntry.debtor_id == debtor_id)
            .order_by(PointsEntry.at.desc(), PointsEntry.id.desc())
        )
    )


def balance_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> int:
    """Give how many points a person has."""
    return int(
        session.scalar(
            select(func.coalesce(func.sum(PointsEntry.points), 0)).where(
                PointsEntry.lender_id == lender_id, PointsEntry.debtor_id == debtor_id
            )
        )
        or 0
    )


PER_INSTALMENT = POINTS[Reason.KEPT_INSTALMENT]
