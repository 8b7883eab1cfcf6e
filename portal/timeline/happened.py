"""What happened to a person, newest first, a page at a time by key: from the records, which nobody edits."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select

from portal.db import session
from portal.debts.models import Debt
from portal.evidence.models import EvidenceRecord

ON_A_PAGE = 40


@dataclass(frozen=True, slots=True)
class Happened:
    """One record: what was done, by what kind of actor, when, on which debt, and its fingerprint."""

    id: uuid.UUID
    at: datetime
    act: str
    by: str
    facts: dict[str, Any]
    debt: DebtName | None
    hash: str
    entry: str
    salt: str


@dataclass(frozen=True, slots=True)
class DebtName:
    """How a debt is called, and whether it still has a page."""

    reference: str
    product: str
    open: bool


def page(
    *, lender_id: uuid.UUID, debtor_id: uuid.UUID, debt_id: uuid.UUID | None = None, before: uuid.UUID | None = None
) -> tuple[list[Happened], uuid.UUID | None]:
    """Give a page of what happened, and the key of the page after it, or None on the last."""
    query = _query(lender_id, debtor_id, debt_id)
    if before is not None:
        at = session.scalar(
            select(EvidenceRecord.at).where(
                EvidenceRecord.lender_id == lender_id,
                EvidenceRecord.debtor_id == debtor_id,
                EvidenceRecord.id == before,
            )
        )
        if at is not None:
            query = query.where(or_(EvidenceRecord.at < at, and_(EvidenceRecord.at == at, EvidenceRecord.id < before)))
    rows = session.execute(query.limit(ON_A_PAGE + 1)).all()
    names = _names(lender_id, debtor_id)
    found = [_happened(row, names) for row in rows[:ON_A_PAGE]]
    return found, found[-1].id if len(rows) > ON_A_PAGE else None


def one(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, record_id: uuid.UUID) -> Happened | None:
    """Give one record about a person, or None if it is not about that person."""
    row = session.execute(_query(lender_id, debtor_id, None).where(EvidenceRecord.id == record_id)).one_or_none()
    return None if row is None else _happened(row, _names(lender_id, debtor_id))


def all_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, debt_id: uuid.UUID | None = None) -> Iterator[Happened]:
    """Give all that happened, newest first."""
    names = _names(lender_id, debtor_id)
    for row in session.execute(_query(lender_id, debtor_id, debt_id)):
        yield _happened(row, names)


def _query(lender_id: uuid.UUID, debtor_id: uuid.UUID, debt_id: uuid.UUID | None) -> Any:
    query: Any = (
        select(
            EvidenceRecord.id,
            EvidenceRecord.at,
            EvidenceRecord.act,
            EvidenceRecord.actor_kind,
            EvidenceRecord.debt_id,
            EvidenceRecord.entry,
            EvidenceRecord.hash,
            EvidenceRecord.salt,
        )
        .where(EvidenceRecord.lender_id == lender_id, EvidenceRecord.debtor_id == debtor_id)
        .order_by(EvidenceRecord.at.desc(), EvidenceRecord.id.desc())
    )
    if debt_id is not None:
        # What was about several debts names each of them in its facts.
        named = and_(EvidenceRecord.debt_id.is_(None), EvidenceRecord.entry.contains(str(debt_id)))
        query = query.where(or_(EvidenceRecord.debt_id == debt_id, named))
    return query


def _names(lender_id: uuid.UUID, debtor_id: uuid.UUID) -> dict[uuid.UUID, DebtName]:
    rows = session.execute(
        select(Debt.id, Debt.reference, Debt.product, Debt.state).where(
            Debt.lender_id == lender_id, Debt.debtor_id == debtor_id
        )
    )
    return {row.id: DebtName(reference=row.reference, product=row.product, open=row.state == "open") for row in rows}


def _happened(row: Any, names: dict[uuid.UUID, DebtName]) -> Happened:
    return Happened(
        id=row.id,
        at=row.at,
        act=row.act,
        by=row.actor_kind,
        facts=json.loads(row.entry).get("facts") or {},
        debt=names.get(row.debt_id) if row.debt_id else None,
        hash=row.hash,
        entry=row.entry,
        salt=row.salt,
    )
