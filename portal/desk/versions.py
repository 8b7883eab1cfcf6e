"""The versions of a lender's limits: which count now, which come, which counted before, and which were called off."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import unified_diff

from sqlalchemy import select

from portal.db import session
from portal.desk import drafts
from portal.lenders.models import Lender
from portal.plans.models import LimitsVersion

A_PAGE = 20
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version as a list shows it, without its text; `state` is in_force, to_come, before or called_off."""

    id: uuid.UUID
    number: int
    effective_from: date
    loaded_at: datetime
    called_off_by: uuid.UUID | None
    called_off_why: str | None
    state: str


def page(*, lender_id: uuid.UUID, today: date, before: int | None = None, size: int = A_PAGE) -> Sequence[VersionRow]:
    """Give some versions, the newest first, from below a number on."""
    now = drafts.in_force(lender_id=lender_id, today=today)
    asked = select(
        LimitsVersion.id,
        LimitsVersion.number,
        LimitsVersion.effective_from,
        LimitsVersion.loaded_at,
        LimitsVersion.called_off_by,
        LimitsVersion.called_off_why,
    ).where(LimitsVersion.lender_id == lender_id)
    if before is not None:
        asked = asked.where(LimitsVersion.number < before)
    return [
        VersionRow(*row, state=_state(row.id, row.effective_from, row.called_off_by, now, today))
        for row in session.execute(asked.order_by(LimitsVersion.number.desc()).limit(size))
    ]


def all_of(*, lender_id: uuid.UUID, today: date) -> Iterator[VersionRow]:
    """Give all versions, the newest first, some at a time."""
    rows = page(lender_id=lender_id, today=today, size=_AT_ONCE)
    while rows:
        yield from rows
        rows = page(lender_id=lender_id, today=today, before=rows[-1].number, size=_AT_ONCE)


def find(*, lender_id: uuid.UUID, number: int) -> LimitsVersion | None:
    """Give a version by its number."""
    return session.scalars(
        select(LimitsVersion).where(LimitsVersion.lender_id == lender_id, LimitsVersion.number == number)
    ).one_or_none()


def to_come(*, lender_id: uuid.UUID, today: date) -> Sequence[tuple[int, date]]:
    """Give the number and first day of those that begin after a day, the next first."""
    rows = session.execute(
        select(LimitsVersion.number, LimitsVersion.effective_from)
        .where(
            LimitsVersion.lender_id == lender_id,
            LimitsVersion.effective_from > today,
            LimitsVersion.called_off_at.is_(None),
        )
        .order_by(LimitsVersion.effective_from, LimitsVersion.number)
        .limit(A_PAGE)
    )
    return [(row.number, row.effective_from) for row in rows]


def state_of(version: LimitsVersion, *, today: date) -> str:
    """Say where a version stands on a day."""
    now = drafts.in_force(lender_id=version.lender_id, today=today)
    return _state(version.id, version.effective_from, version.called_off_by, now, today)


def _state(
    version_id: uuid.UUID, first_day: date, called_off_by: uuid.UUID | None, now: LimitsVersion | None, today: date
) -> str:
    if called_off_by is not None:
        return "called_off"
    if now is not None and version_id == now.id:
        return "in_force"
    return "to_come" if first_day > today else "before"


def currency_of(lender_id: uuid.UUID) -> str:
    """Give the currency in which a lender's limits are written."""
    return session.get_one(Lender, lender_id).currency


def changed_lines(before: str, after: str) -> Sequence[str]:
    """Give the lines of a file that differ from another's, with `+` and `-` before them and two lines around each."""
    return [
        line
        for line in unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
        if not line.startswith(("---", "+++"))
    ]
