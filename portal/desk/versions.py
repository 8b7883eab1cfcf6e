"""The versions of a lender's limits: which count now, which come, which counted before."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import unified_diff

from sqlalchemy import select

from portal.db import session
from portal.lenders.models import Lender
from portal.plans.models import LimitsVersion


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version as a list shows it; `state` is in_force, to_come or before."""

    id: uuid.UUID
    number: int
    effective_from: date
    loaded_at: datetime
    source: str
    state: str


def of(*, lender_id: uuid.UUID, today: date) -> Sequence[VersionRow]:
    """Give all versions, the newest first."""
    rows = session.scalars(
        select(LimitsVersion).where(LimitsVersion.lender_id == lender_id).order_by(LimitsVersion.number.desc())
    ).all()
    started = [row for row in rows if row.effective_from <= today]
    now = max(started, key=lambda row: (row.effective_from, row.number), default=None)
    return [
        VersionRow(
            id=row.id,
            number=row.number,
            effective_from=row.effective_from,
            loaded_at=row.loaded_at,
            source=row.source,
            state="in_force" if row is now else "to_come" if row.effective_from > today else "before",
        )
        for row in rows
    ]


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
