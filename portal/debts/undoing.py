"""A live import is taken back, as long as nothing has happened on its debts."""

from __future__ import annotations

import uuid

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from portal import ledger
from portal.db import session, transaction
from portal.debts.models import Debt, ImportRun
from portal.debts.runs import BATCH, delete_debts
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import OPERATOR, Act, record
from portal.ledger import Account, Posting, Transfer


class CannotUndo(Exception):
    """An import can't be taken back, because something has happened on its debts."""


def undo(*, lender_id: uuid.UUID, run_id: uuid.UUID | None = None) -> ImportRun:
    """Take a live import back (the lender's last, unless one is named): new debts go, adjustments are corrected.

    :raises CannotUndo: if there is no such import, or something has happened on one of its debts since.
    """
    try:
        with transaction() as s:
            query = select(ImportRun).where(ImportRun.lender_id == lender_id, ImportRun.state == "live")
            if run_id is not None:
                query = query.where(ImportRun.id == run_id)
            run = s.scalars(query.order_by(ImportRun.started_at.desc(), ImportRun.id.desc()).limit(1)).one_or_none()
            if run is None or run.recalled:
                raise CannotUndo
            ids = list(s.scalars(select(Debt.id).where(Debt.lender_id == lender_id, Debt.import_run_id == run.id)))
            for start in range(0, len(ids), BATCH):
                some = ids[start : start + BATCH]
                later = s.scalar(
                    select(func.count())
                    .select_from(Transfer)
                    .where(
                        Transfer.lender_id == lender_id,
                        Transfer.book_id.in_(some),
                        Transfer.from_account != Account.OPENING.value,
                    )
                )
                acts = s.scalar(
                    select(func.count())
                    .select_from(EvidenceRecord)
                    .where(EvidenceRecord.lender_id == lender_id, EvidenceRecord.debt_id.in_(some))
                )
                if later or acts:
                    raise CannotUndo
                delete_debts(lender_id, some)
            _correct_adjustments(lender_id, run)
            run.state = "undone"
            record(Act.PORTFOLIO_UNDONE, by=OPERATOR, lender_id=lender_id, facts={"import": run.id})
    except IntegrityError as problem:
        # A plan, a payment or a letter still points to one of the debts.
        raise CannotUndo from problem
    return run


def _correct_adjustments(lender_id: uuid.UUID, run: ImportRun) -> None:
    postings = session.scalars(
        select(Posting).where(
            Posting.lender_id == lender_id, Posting.kind == "adjustment", Posting.cause.startswith(f"import:{run.id}:")
        )
    ).all()
    for posting in postings:
        moves = ledger.reversed_moves(lender_id=lender_id, posting_id=posting.id)
        newer = session.scalar(
            select(func.count())
            .select_from(Transfer)
            .join(Posting, (Posting.lender_id == Transfer.lender_id) & (Posting.id == Transfer.posting_id))
            .where(Transfer.lender_id == lender_id, Transfer.book_id == moves[0].book_id, Posting.at > posting.at)
        )
        if newer:
            raise CannotUndo
        ledger.post(
            lender_id=lender_id,
            kind="correction",
            cause=f"undo:{posting.cause}",
            moves=moves,
            on=run.as_of,
            corrects=posting.id,
        )
