"""What somebody does with a file: bring it, say that it is right, withdraw it, take it back.

Invariant: who may is looked at under the lender's lock, a click that comes twice does nothing twice, and what takes
long is done by a worker; it ends in one transaction with the state of the file.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import BinaryIO, Final

from sqlalchemy import func, select
from sqlalchemy.orm import defer

from portal import clock, queue
from portal.db import new_id, session
from portal.debts import undoing
from portal.debts.models import ImportRun
from portal.debts.undoing import Outlook
from portal.evidence.record import PORTAL, Act, Actor, record
from portal.files import kept
from portal.files.models import Upload
from portal.files.states import WORKING, Event, Forbidden, Moved, Repeated, State, after
from portal.lenders.models import Lender
from portal.staff.models import StaffMember
from portal.staff.roles import Permission, permissions_of

SEE, BRING, UNDO, FORGET = "files.see", "files.bring", "files.undo", "files.forget"
BANK_SEE, BANK_BRING, BANK_UNDO = "banking.see", "banking.bring", "banking.undo"
_JOBS: Final = {
    ("debts", State.LOOKING): SEE,
    ("debts", State.BRINGING): BRING,
    ("debts", State.UNDOING): UNDO,
    ("bank", State.LOOKING): BANK_SEE,
    ("bank", State.BRINGING): BANK_BRING,
    ("bank", State.UNDOING): BANK_UNDO,
}
# So long the bytes are kept, and what the preview said of people.
KEPT_FOR: Final = timedelta(days=7)


class MayNot(Exception):
    """Whoever acts may not do that any more; nothing has changed."""


@dataclass(frozen=True, slots=True)
class Brought:
    """The file is kept, and a worker looks at it."""

    number: int


@dataclass(frozen=True, slots=True)
class TheSame:
    """This very file was brought before, waits or counts, and no other has come since; nothing was done again."""

    number: int


@dataclass(frozen=True, slots=True)
class NotTicked:
    """It changes so much that it is asked for by itself, and nobody said that it is meant."""


@dataclass(frozen=True, slots=True)
class Anew:
    """Another file came in since this one was looked at, so it is looked at again."""


@dataclass(frozen=True, slots=True)
class TooLate:
    """A day has passed, or it is taken back already."""


def lock(lender_id: uuid.UUID) -> None:
    """Let one act at a time decide on a lender's files, and none while somebody's roles are changed."""
    session.execute(select(Lender.id).where(Lender.id == lender_id).with_for_update(key_share=True)).scalar_one()


def may_bring(lender_id: uuid.UUID, member_id: uuid.UUID) -> bool:
    """Say whether a member may bring files now, whatever a page took it for."""
    who = session.get(StaffMember, (lender_id, member_id), populate_existing=True)
    return who is not None and who.state == "active" and Permission.BRING_PORTFOLIO in permissions_of(who.roles)


def _allowed(lender_id: uuid.UUID, by: uuid.UUID) -> Actor:
    """Give somebody as who acts, as long as they may.

    :raises MayNot: if not.
    """
    if not may_bring(lender_id, by):
        raise MayNot
    return Actor("staff", str(by))


def find(*, lender_id: uuid.UUID, number: int, kind: str = "debts") -> Upload | None:
    """Give a file of a kind by its number."""
    return session.scalars(
        select(Upload).where(Upload.lender_id == lender_id, Upload.number == number, Upload.kind == kind)
    ).one_or_none()


def of(*, lender_id: uuid.UUID) -> Sequence[Upload]:
    """Give all files of debts of a lender, newest first, without what was seen in them."""
    return session.scalars(
        select(Upload)
        .where(Upload.lender_id == lender_id, Upload.kind == "debts")
        .options(defer(Upload.preview), defer(Upload.mapping))
        .order_by(Upload.number.desc())
    ).all()


def runs_of(*, lender_id: uuid.UUID) -> Sequence[ImportRun]:
    """Give all imports of a lender that have ended, newest first."""
    return session.scalars(
        select(ImportRun)
        .where(ImportRun.lender_id == lender_id, ImportRun.state != "staging")
        .order_by(ImportRun.started_at.desc(), ImportRun.id.desc())
    ).all()


def run_of(upload: Upload) -> ImportRun | None:
    """Give the import that a file became."""
    return session.scalars(
        select(ImportRun)
        .where(
            ImportRun.lender_id == upload.lender_id,
            ImportRun.upload_id == upload.id,
            ImportRun.state.in_(("live", "undone")),
        )
        .limit(1)
    ).one_or_none()


def mappings_of(*, lender_id: uuid.UUID, kind: str = "debts") -> list[tuple[int, str, str]]:
    """Give the mappings of earlier files, each once, newest first: the file's number, name and text."""
    found: dict[str, tuple[int, str, str]] = {}
    for number, name, text in session.execute(
        select(Upload.number, Upload.mapping_name, Upload.mapping)
        .where(Upload.lender_id == lender_id, Upload.kind == kind, Upload.mapping != "")
        .order_by(Upload.number.desc())
        .limit(60)
    ):
        found.setdefault(text, (number, name, text))
    return list(found.values())[:12]


def locked(lender_id: uuid.UUID, number: int) -> Upload:
    """Give a file by its number, which nobody else changes before this act is done."""
    return session.execute(
        select(Upload)
        .where(Upload.lender_id == lender_id, Upload.number == number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()


def locked_by_id(lender_id: uuid.UUID, upload_id: uuid.UUID) -> Upload:
    """Give a file as it is now, which nobody else changes before this act is done."""
    return session.execute(
        select(Upload)
        .where(Upload.lender_id == lender_id, Upload.id == upload_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()


def bring(
    stream: BinaryIO,
    *,
    lender_id: uuid.UUID,
    name: str,
    size: int,
    mapping: str,
    mapping_name: str,
    as_of: date | None,
    whole: bool,
    form_key: str,
    by: uuid.UUID,
) -> Brought | TheSame:
    """Keep a file, and let a worker look at it; nothing of it counts. The same form again is the same file.

    :raises MayNot: if whoever brings it may not any more.
    """
    digest = sha256(stream)
    lock(lender_id)
    who = _allowed(lender_id, by)
    earlier = session.scalars(
        select(Upload).where(Upload.lender_id == lender_id, Upload.form_key == form_key)
    ).one_or_none()
    if earlier is not None:
        return Brought(earlier.number)
    same = _the_same(lender_id, digest, mapping=mapping, as_of=as_of, whole=whole)
    if same is not None:
        return TheSame(same)
    newest = session.scalar(select(func.max(Upload.number)).where(Upload.lender_id == lender_id))
    upload = Upload(
        lender_id=lender_id,
        id=new_id(),
        number=(newest or 0) + 1,
        name=name,
        sha256=digest,
        size=size,
        mapping=mapping,
        mapping_name=mapping_name,
        as_of=as_of,
        whole=whole,
        state=State.LOOKING.value,
        form_key=form_key,
        brought_by=by,
        brought_at=clock.now(),
    )
    session.add(upload)
    session.flush()
    kept.keep(stream, lender_id=lender_id, upload_id=upload.id, kind="file")
    record(
        Act.PORTFOLIO_BROUGHT,
        by=who,
        lender_id=lender_id,
        facts={"upload": upload.id, "number": upload.number, "file": name, "bytes": size, "sha256": digest},
    )
    later(SEE, upload)
    queue.later(
        FORGET, lender_id=lender_id, payload={"upload_id": str(upload.id)}, at=clock.now() + KEPT_FOR, once=None
    )
    return Brought(upload.number)


def sha256(stream: BinaryIO) -> str:
    """Give the hash of a stream, which is at its beginning afterwards."""
    digest = hashlib.sha256()
    while piece := stream.read(kept.PIECE):
        digest.update(piece)
    stream.seek(0)
    return digest.hexdigest()


def _the_same(lender_id: uuid.UUID, digest: str, *, mapping: str, as_of: date | None, whole: bool) -> int | None:
    """Give the number of the same file read the same way, if it waits, or counts and no other came since."""
    twin = session.scalars(
        select(Upload)
        .where(
            Upload.lender_id == lender_id,
            Upload.kind == "debts",
            Upload.sha256 == digest,
            Upload.mapping == mapping,
            Upload.whole == whole,
            Upload.state.in_([State.LOOKING, State.READY, State.BRINGING, State.LIVE, State.UNDOING]),
        )
        .order_by(Upload.number.desc())
        .limit(1)
    ).one_or_none()
    if twin is None or twin.as_of != as_of:
        return None
    if twin.state == State.LIVE:
        run, last = run_of(twin), undoing.last_run(lender_id)
        if run is None or last is None or last.id != run.id:
            return None
    return twin.number


def later(name: str, upload: Upload) -> None:
    """Let a worker do something with a file."""
    queue.later(
        name,
        lender_id=upload.lender_id,
        payload={"upload_id": str(upload.id)},
        while_waiting=f"{name}:{upload.id}",
    )


def move(upload: Upload, event: Event) -> Moved | Repeated | Forbidden:
    """Let something happen to a file that is locked."""
    moved = after(State(upload.state), event)
    if isinstance(moved, Moved):
        upload.state = moved.to.value
        if moved.to in WORKING:
            upload.done_bytes = 0
            later(_JOBS[upload.kind, moved.to], upload)
    return moved


def another_came(upload: Upload) -> bool:
    """Say whether another file went live or was taken back since this one was looked at."""
    changed = select(ImportRun.id).where(
        ImportRun.lender_id == upload.lender_id,
        ImportRun.state.in_(("live", "undone")),
        ImportRun.finished_at > upload.looked_at,
    )
    taken_back = select(Upload.id).where(
        Upload.lender_id == upload.lender_id, Upload.kind == "debts", Upload.undone_at > upload.looked_at
    )
    return session.scalar(changed.limit(1)) is not None or session.scalar(taken_back.limit(1)) is not None


def confirm(
    *, lender_id: uuid.UUID, number: int, keep_good: bool, meant: bool, by: uuid.UUID
) -> Moved | Repeated | Forbidden | NotTicked | Anew:
    """Say that a file is right as it was seen; a worker brings it in. `meant`: so is the much that it changes.

    :raises MayNot: if whoever says so may not any more.
    """
    lock(lender_id)
    who, upload = _allowed(lender_id, by), locked(lender_id, number)
    if upload.state == State.READY and another_came(upload):
        move(upload, Event.LOOK_AGAIN)
        return Anew()
    if upload.state == State.READY and (upload.preview or {}).get("alarms") and not meant:
        return NotTicked()
    moved = after(State(upload.state), Event.CONFIRM)
    if isinstance(moved, Moved):
        upload.keep_good, upload.confirmed_by, upload.confirmed_at = keep_good, by, clock.now()
        upload.problem = None
        move(upload, Event.CONFIRM)
        record(
            Act.PORTFOLIO_CONFIRMED,
            by=who,
            lender_id=lender_id,
            facts={
                "upload": upload.id,
                "number": number,
                "keep_good": keep_good,
                "alarms": (upload.preview or {}).get("alarms", []),
            },
        )
    return moved


def withdraw(*, lender_id: uuid.UUID, number: int, by: uuid.UUID) -> Moved | Repeated | Forbidden:
    """Let a file that does not count never count; its bytes go at once.

    :raises MayNot: if whoever acts may not any more.
    """
    lock(lender_id)
    who, upload = _allowed(lender_id, by), locked(lender_id, number)
    moved = move(upload, Event.WITHDRAW)
    if isinstance(moved, Moved):
        forget_bytes(upload)
        record(Act.PORTFOLIO_WITHDRAWN, by=who, lender_id=lender_id, facts={"upload": upload.id, "number": number})
    return moved


def ask_to_undo(*, lender_id: uuid.UUID, number: int, by: uuid.UUID) -> Moved | Repeated | Forbidden | TooLate:
    """Let a worker take back what a file did, debt by debt, where nothing has happened since.

    :raises MayNot: if whoever acts may not any more.
    """
    lock(lender_id)
    who, upload = _allowed(lender_id, by), locked(lender_id, number)
    run = run_of(upload)
    if upload.state == State.LIVE and (run is None or clock.now() > undoing.until(run)):
        return TooLate()
    moved = after(State(upload.state), Event.UNDO)
    if isinstance(moved, Moved):
        upload.undone_by, upload.problem = by, None
        move(upload, Event.UNDO)
        record(Act.PORTFOLIO_UNDOING, by=who, lender_id=lender_id, facts={"upload": upload.id, "number": number})
    return moved


def outlook_of(upload: Upload) -> Outlook | None:
    """Say what taking a file back would do now; None if it is too late."""
    run = run_of(upload)
    if run is None or run.state != "live" or clock.now() > undoing.until(run):
        return None
    return undoing.look(run)


def forget(*, lender_id: uuid.UUID, upload_id: uuid.UUID) -> bool:
    """Delete the bytes of a file, and what its preview said of people; gives whether there was anything to delete.

    One that a worker has in hand is left for a later day.
    """
    upload = locked_by_id(lender_id, upload_id)
    if upload.forgotten_at is not None:
        return True
    if State(upload.state) in WORKING:
        return False
    if upload.state in (State.READY, State.UNREADABLE, State.NOTHING):
        move(upload, Event.WITHDRAW)
    forget_bytes(upload)
    record(
        Act.PORTFOLIO_FORGOTTEN if upload.kind == "debts" else Act.BANK_FILE_FORGOTTEN,
        by=PORTAL,
        lender_id=lender_id,
        facts={"upload": upload.id, "number": upload.number},
    )
    return True


def forget_bytes(upload: Upload) -> None:
    """Delete the bytes of a file that is locked, and what its preview said of people."""
    for kind in ("file", "report", "stays"):
        kept.forget(lender_id=upload.lender_id, upload_id=upload.id, kind=kind)
    if upload.preview is not None:
        upload.preview = {**upload.preview, "rows": [], "examples": []}
    upload.forgotten_at = clock.now()
