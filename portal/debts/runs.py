"""The runs of a lender's files: beginning one, keeping its state, and taking out what it has staged."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import delete, exists, select, update

from portal import clock
from portal.db import new_id, session, transaction
from portal.debts.cells import Reason
from portal.debts.models import Debt, ImportBefore, ImportRun, StagedChange
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Actor
from portal.ledger import Book, Posting, Transfer
from portal.lenders.models import Lender
from portal.people import found_by
from portal.people.models import ContactPoint, Debtor

BATCH = 2_000
_ANOTHER_RUNS = timedelta(minutes=2)
# So long an import can be taken back, and so long is kept what stood before it.
UNDO_LIFE = timedelta(hours=24)


class AnotherImportRuns(Exception):
    """A file of this lender is being read right now."""


class RunWasEnded(Exception):
    """Another import took this one for dead, because it had not moved for two minutes, and ended it."""


@dataclass(slots=True)
class Summary:
    """What became of a file: read = accepted + nothing owed + refused rows."""

    run_id: uuid.UUID
    read: int = 0
    accepted: int = 0
    nothing_owed: int = 0
    refused: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    recalled: int = 0
    plans_ended: int = 0
    under_plans: int = 0
    live: bool = False


@dataclass(frozen=True, slots=True)
class Plans:
    """What becomes of plans when a file goes live, told by the feature that has them, which stands above this one.

    `changed` is given a lender, debts whose amount has changed, the day of the figures, and the run if it is taken
    back; it gives the references of the plans that are alive by debt. `recalled` is given debts that are gone, the run
    and who acts, and gives how many plans that ended.
    """

    changed: Callable[[uuid.UUID, Sequence[uuid.UUID], date, uuid.UUID | None], Mapping[uuid.UUID, str]]
    recalled: Callable[[uuid.UUID, Sequence[uuid.UUID], uuid.UUID, Actor], int]


NO_PLANS = Plans(changed=lambda _lender, _debts, _day, _undone: {}, recalled=lambda _lender, _debts, _run, _by: 0)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refuse_if_another_runs(lender_id: uuid.UUID) -> list[uuid.UUID]:
    """Let one file of a lender be read or taken back at a time; gives the runs that died, and locks the lender.

    :raises AnotherImportRuns: if a file of this lender is being read now.
    """
    session.execute(select(Lender.id).where(Lender.id == lender_id).with_for_update())
    dead = []
    for earlier in session.scalars(
        select(ImportRun).where(ImportRun.lender_id == lender_id, ImportRun.state == "staging")
    ):
        if earlier.touched_at > clock.now() - _ANOTHER_RUNS:
            raise AnotherImportRuns
        dead.append(earlier.id)
    return dead


def begin(lender_id: uuid.UUID, *, path: Path, as_of: date, upload_id: uuid.UUID | None = None) -> uuid.UUID:
    """Begin a run, and take out what dead ones have left, and what nothing can be taken back by any more.

    :raises AnotherImportRuns: if a file of this lender is being read now.
    """
    digest = _sha256(path)
    with transaction() as s:
        left_over = refuse_if_another_runs(lender_id)
        now = clock.now()
        too_old = select(ImportRun.id).where(
            ImportRun.lender_id == lender_id, ImportRun.finished_at < now - UNDO_LIFE, ImportRun.state != "staging"
        )
        s.execute(
            delete(ImportBefore).where(ImportBefore.lender_id == lender_id, ImportBefore.import_run_id.in_(too_old)),
            execution_options={"synchronize_session": False},
        )
        run = ImportRun(
            lender_id=lender_id,
            id=new_id(),
            file_name=path.name,
            upload_id=upload_id,
            file_sha256=digest,
            as_of=as_of,
            state="staging",
            started_at=now,
            touched_at=now,
        )
        s.add(run)
        run_id = run.id
    for earlier_id in left_over:
        discard(lender_id, earlier_id)
    return run_id


def close_run(lender_id: uuid.UUID, summary: Summary, *, state: str) -> None:
    """Write down how a run has ended, in the running transaction."""
    session.execute(
        update(ImportRun)
        .where(ImportRun.lender_id == lender_id, ImportRun.id == summary.run_id)
        .values(
            state=state,
            rows_read=summary.read,
            accepted=summary.accepted,
            nothing_owed=summary.nothing_owed,
            refused=summary.refused,
            added=summary.added,
            changed=summary.changed,
            unchanged=summary.unchanged,
            recalled=summary.recalled,
            finished_at=clock.now(),
        ),
        execution_options={"synchronize_session": False},
    )


def note(lender_id: uuid.UUID, summary: Summary, *, state: str, ending: Callable[[], None] = lambda: None) -> None:
    """Write down how a run has ended, and what its ending writes with it."""
    with transaction():
        close_run(lender_id, summary, state=state)
        ending()


def still_staging(lender_id: uuid.UUID, run_id: uuid.UUID) -> bool:
    """Lock a run until the transaction ends, and say whether it is still being staged: one that is live stays live."""
    state = session.scalars(
        select(ImportRun.state).where(ImportRun.lender_id == lender_id, ImportRun.id == run_id).with_for_update()
    ).one()
    return state == "staging"


def discard(lender_id: uuid.UUID, run_id: uuid.UUID) -> None:
    """Take everything out again that a run has staged, batch by batch."""
    while True:
        with transaction() as s:
            if not still_staging(lender_id, run_id):
                return
            ids = list(
                s.scalars(
                    select(Debt.id)
                    .where(Debt.lender_id == lender_id, Debt.import_run_id == run_id, Debt.state == "staged")
                    .limit(BATCH)
                )
            )
            s.execute(
                delete(StagedChange).where(StagedChange.lender_id == lender_id, StagedChange.import_run_id == run_id)
            )
            delete_debts(lender_id, ids)
            if not ids:
                s.execute(
                    update(ImportRun)
                    .where(ImportRun.lender_id == lender_id, ImportRun.id == run_id, ImportRun.state == "staging")
                    .values(state="abandoned", finished_at=clock.now())
                )
                return


def delete_debts(lender_id: uuid.UUID, ids: Sequence[uuid.UUID]) -> None:
    """Delete debts on which nothing ever happened, their books, and people who have no other debt."""
    if not ids:
        return
    no_sync = {"synchronize_session": False}
    people = set(session.scalars(select(Debt.debtor_id).where(Debt.lender_id == lender_id, Debt.id.in_(ids))))
    postings = list(
        session.scalars(select(Transfer.posting_id).where(Transfer.lender_id == lender_id, Transfer.book_id.in_(ids)))
    )
    session.execute(
        delete(Transfer).where(Transfer.lender_id == lender_id, Transfer.book_id.in_(ids)), execution_options=no_sync
    )
    session.execute(
        delete(Posting).where(Posting.lender_id == lender_id, Posting.id.in_(postings)), execution_options=no_sync
    )
    session.execute(delete(Debt).where(Debt.lender_id == lender_id, Debt.id.in_(ids)), execution_options=no_sync)
    session.execute(delete(Book).where(Book.lender_id == lender_id, Book.id.in_(ids)), execution_options=no_sync)
    has_debt = exists().where(Debt.lender_id == Debtor.lender_id, Debt.debtor_id == Debtor.id)
    has_record = exists().where(EvidenceRecord.lender_id == Debtor.lender_id, EvidenceRecord.debtor_id == Debtor.id)
    named = session.execute(
        select(Debtor.id, Debtor.name).where(
            Debtor.lender_id == lender_id, Debtor.id.in_(people), ~has_debt, ~has_record
        )
    ).all()
    lonely = [row.id for row in named]
    reached = session.execute(
        select(ContactPoint.debtor_id, ContactPoint.channel, ContactPoint.address).where(
            ContactPoint.lender_id == lender_id, ContactPoint.debtor_id.in_(lonely)
        )
    )
    found_by.forget(
        [(row.id, row.name) for row in named],
        [(row.debtor_id, row.channel, row.address) for row in reached],
        lender_id=lender_id,
    )
    session.execute(
        delete(ContactPoint).where(ContactPoint.lender_id == lender_id, ContactPoint.debtor_id.in_(lonely)),
        execution_options=no_sync,
    )
    session.execute(
        delete(Debtor).where(Debtor.lender_id == lender_id, Debtor.id.in_(lonely)), execution_options=no_sync
    )
