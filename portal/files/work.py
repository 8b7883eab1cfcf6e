"""What a worker does with a file: sees what it would do, brings it in, takes it back, and deletes it in the end.

A worker that dies leaves nothing half done: what was staged is taken out by the next try, and what ends a piece of
work stands in one transaction with the file's new state, so that a second try finds it done.
"""

from __future__ import annotations

import csv
import io
import logging
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy.exc import SQLAlchemyError

from portal import clock
from portal.db import session, transaction
from portal.debts import intake, undoing
from portal.debts.mapping import MappingRefused
from portal.debts.runs import AnotherImportRuns, RunWasEnded, Summary
from portal.debts.tables import FileRefused
from portal.debts.undoing import CannotUndo, Outlook
from portal.evidence.record import Actor
from portal.files import acts, kept, seeing
from portal.files.models import Upload
from portal.files.states import Event, Moved, State
from portal.lenders.models import Lender, LenderCard
from portal.plans import from_file
from portal.queue import Job, TryLater
from portal.web.spreadsheet import safe_cell

log = logging.getLogger(__name__)
_WAIT = timedelta(seconds=20)
# What may be otherwise in a minute: a database, a disk, another import. Anything else is a mistake of ours, with which
# nobody should wait for hours.
_PASSES = (SQLAlchemyError, OSError, RunWasEnded)
_OURS = (
    "Something is wrong with the portal itself, and nothing of the file was brought in. Whoever runs the portal finds "
    "it in the log. Try again later, or save the file as CSV."
)
# How often a page can see that reading goes on.
_TELL_EVERY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _InHand:
    """A file as a worker has it in hand."""

    lender_id: uuid.UUID
    id: uuid.UUID
    number: int
    name: str
    size: int
    asked: seeing.Asked
    keep_good: bool
    confirmed_by: uuid.UUID | None
    undone_by: uuid.UUID | None


def _of_job(job: Job) -> tuple[uuid.UUID, uuid.UUID]:
    if job.lender_id is None:
        raise ValueError("a file belongs to a lender")
    return job.lender_id, uuid.UUID(job.payload["upload_id"])


def _take(job: Job, state: State) -> _InHand | None:
    """Give the file of a job as it is now, or None if there is nothing to do any more."""
    lender_id, upload_id = _of_job(job)
    session.rollback()
    upload = session.get(Upload, (lender_id, upload_id), populate_existing=True)
    if upload is None or upload.state != state:
        return None
    return _InHand(
        lender_id=lender_id,
        id=upload_id,
        number=upload.number,
        name=upload.name,
        size=upload.size,
        asked=seeing.Asked(upload.mapping, upload.mapping_name, upload.as_of, upload.whole),
        keep_good=upload.keep_good,
        confirmed_by=upload.confirmed_by,
        undone_by=upload.undone_by,
    )


@contextmanager
def _on_disk(file: _InHand) -> Iterator[Path]:
    """Give a file where it can be read, under its own name, for as long as it is read."""
    with tempfile.TemporaryDirectory(prefix="portal-file-") as folder:
        path = Path(folder) / file.name
        kept.write_out(path, lender_id=file.lender_id, upload_id=file.id)
        session.rollback()
        yield path


def _progress(file: _InHand) -> Callable[[int], None]:
    last = time.monotonic()

    def tell(done: int) -> None:
        nonlocal last
        if time.monotonic() - last < _TELL_EVERY_SECONDS:
            return
        last = time.monotonic()
        with transaction():
            acts.locked_by_id(file.lender_id, file.id).done_bytes = min(done, file.size)

    return tell


def _refused(file: _InHand, sentence: str) -> None:
    """Note in a file's own transaction that it can't be read, and why."""
    with transaction():
        upload = acts.locked_by_id(file.lender_id, file.id)
        if isinstance(acts.move(upload, Event.REFUSED), Moved):
            upload.problem, upload.looked_at = sentence, clock.now()


def see(job: Job) -> None:
    """See what a file would do, without writing anything of it."""
    file = _take(job, State.LOOKING)
    if file is None:
        return
    lender = session.get_one(Lender, file.lender_id)
    card = LenderCard(**{field.name: getattr(lender, field.name) for field in fields(LenderCard)})
    currency, began = lender.currency, clock.now()
    try:
        with _on_disk(file) as path:
            preview = seeing.see(path, file.asked, lender=card, currency=currency, progress=_progress(file))
    except (FileRefused, MappingRefused) as problem:
        _refused(file, problem.sentence)
        return
    except _PASSES:
        raise
    except Exception:
        log.exception("file %d could not be looked at", file.number)
        _refused(file, _OURS)
        return
    with transaction():
        upload = acts.locked_by_id(file.lender_id, file.id)
        # Another worker may have seen it too, where this one took longer than its lease.
        if isinstance(acts.move(upload, Event.SEEN), Moved):
            upload.preview, upload.looked_at = preview, began


def bring(job: Job) -> None:
    """Bring a confirmed file in, whole or as its good rows.

    :raises TryLater: while another file of the lender is read.
    """
    file = _take(job, State.BRINGING)
    if file is None or file.confirmed_by is None:
        return
    with transaction():
        acts.lock(file.lender_id)
        upload = acts.locked_by_id(file.lender_id, file.id)
        may = acts.may_bring(file.lender_id, file.confirmed_by)
        if not may or acts.another_came(upload):
            upload.problem = "may_not" if not may else "another_came"
            acts.move(upload, Event.LOOK_AGAIN)
            return
    lender = session.get_one(Lender, file.lender_id)
    currency, tell = lender.currency, _progress(file)
    try:
        with _on_disk(file) as path:
            report = path.parent / "report of its rows"
            mapping = seeing.mapping_for(path, file.asked, currency=currency)
            intake.bring_in(
                path,
                lender=session.get_one(Lender, file.lender_id),
                mapping=mapping,
                as_of=file.asked.as_of,
                keep_good=file.keep_good,
                full=file.asked.whole,
                report=report,
                plans=from_file.FOLLOW,
                by=Actor("staff", str(file.confirmed_by)),
                upload_id=file.id,
                ending=lambda summary: _ended(file, summary, report),
                progress=lambda done, _all: tell(done),
            )
    except AnotherImportRuns as problem:
        raise TryLater(_WAIT) from problem
    except _DoneByAnother:
        return
    except (FileRefused, MappingRefused) as problem:
        _refused(file, problem.sentence)
    except _PASSES:
        raise
    except Exception:
        log.exception("file %d could not be brought in", file.number)
        _refused(file, _OURS)


class _DoneByAnother(Exception):
    """Another worker has brought the file in meanwhile; what this one staged is taken out again."""


def _ended(file: _InHand, summary: Summary, report: Path) -> None:
    """Write down what became of a file, in the transaction in which it did.

    :raises _DoneByAnother: if it is done; then nothing of that transaction stands.
    """
    upload = acts.locked_by_id(file.lender_id, file.id)
    if not isinstance(acts.move(upload, Event.WENT_LIVE if summary.live else Event.CAME_TO_NOTHING), Moved):
        raise _DoneByAnother
    upload.done_bytes = file.size
    upload.result = {
        name: getattr(summary, name)
        for name in (
            "read",
            "accepted",
            "nothing_owed",
            "refused",
            "added",
            "changed",
            "unchanged",
            "recalled",
            "plans_ended",
            "under_plans",
        )
    } | {"reasons": {reason.value: count for reason, count in summary.reasons.most_common()}}
    if summary.refused or summary.under_plans:
        with report.open("rb") as stream:
            kept.keep(stream, lender_id=file.lender_id, upload_id=file.id, kind="report")


def undo(job: Job) -> None:
    """Take back what a file did, where nothing has happened since.

    :raises TryLater: while another file of the lender is read.
    """
    file = _take(job, State.UNDOING)
    if file is None or file.undone_by is None:
        _clear(*_of_job(job))
        return
    with transaction():
        upload = acts.locked_by_id(file.lender_id, file.id)
        run = acts.run_of(upload)
        if run is None or not acts.may_bring(file.lender_id, file.undone_by):
            upload.problem = "may_not"
            acts.move(upload, Event.COULD_NOT)
            return
        run_id = run.id
    try:
        undoing.undo(
            lender_id=file.lender_id,
            run_id=run_id,
            by=Actor("staff", str(file.undone_by)),
            partly=True,
            plans=from_file.FOLLOW,
            ending=lambda outlook: _went_back(file, outlook),
        )
    except AnotherImportRuns as problem:
        raise TryLater(_WAIT) from problem
    except CannotUndo:
        with transaction():
            upload = acts.locked_by_id(file.lender_id, file.id)
            upload.problem = "cannot_undo"
            acts.move(upload, Event.COULD_NOT)


def _clear(lender_id: uuid.UUID, upload_id: uuid.UUID) -> None:
    """Go on deleting what an earlier try has taken back and had not deleted yet."""
    upload = session.get(Upload, (lender_id, upload_id))
    run = acts.run_of(upload) if upload is not None and upload.state == State.UNDONE else None
    if run is not None:
        undoing.clear(lender_id=lender_id, run_id=run.id)


def _went_back(file: _InHand, outlook: Outlook) -> None:
    upload = acts.locked_by_id(file.lender_id, file.id)
    acts.move(upload, Event.WENT_BACK)
    upload.undone_at = clock.now()
    upload.result = (upload.result or {}) | {"undone": counts_of(outlook)}
    if outlook.stays or outlook.without_plan:
        with tempfile.TemporaryFile() as raw:
            text = io.TextIOWrapper(raw, newline="", encoding="utf-8-sig", write_through=True)
            stays_as_csv(text, outlook)
            text.detach()
            raw.seek(0)
            kept.keep(raw, lender_id=file.lender_id, upload_id=file.id, kind="stays")


def counts_of(outlook: Outlook) -> dict[str, Any]:
    """Give what became of a file's debts, as counts."""
    return {
        "gone": outlook.gone,
        "recalled": outlook.recalled,
        "back": outlook.back,
        "returned": outlook.returned,
        "without_plan": len(outlook.without_plan),
        "stays": len(outlook.stays),
    }


def stays_as_csv(out: TextIO, outlook: Outlook) -> None:
    """Write the debts that stay as the file made them, and those that are back without their plan."""
    lines = csv.writer(out)
    lines.writerow(("reference", "what", "why"))
    lines.writerows((safe_cell(one.reference), "stays", one.why.value) for one in outlook.stays)
    lines.writerows((safe_cell(one.reference), "back", "its plan has ended") for one in outlook.without_plan)


def forget(job: Job) -> None:
    """Delete a file that has been kept long enough.

    :raises TryLater: while a worker has it in hand.
    """
    lender_id, upload_id = _of_job(job)
    with transaction():
        done = acts.forget(lender_id=lender_id, upload_id=upload_id)
    if not done:
        raise TryLater(timedelta(hours=1))
