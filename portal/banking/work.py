"""What a worker does with a file of the bank: sees what it would do, brings it in entry by entry, takes it back.

A worker that dies leaves whole entries behind, each with all that it did; the next one goes on with those that lack.
"""

from __future__ import annotations

import json
import tempfile
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select

from portal import clock
from portal.banking import acts, posting, reading
from portal.banking.camt import Closed
from portal.banking.entries import Entry, Good, Refused, judged, key_of
from portal.banking.matching import BATCH, Match, Waits, match
from portal.banking.models import BankEntry
from portal.banking.posting import KNOWN, POSTED, REFUSED, SUSPENSE, Into
from portal.banking.problems import BankFileRefused
from portal.banking.reading import Account, How
from portal.db import session, transaction
from portal.debts.tables import FileRefused
from portal.evidence.record import Act, Actor, record
from portal.files import acts as files
from portal.files import kept
from portal.files.models import Upload
from portal.files.states import Event, Moved, State
from portal.lenders.models import Lender
from portal.queue import Job, TryLater
from portal.staff.roles import Permission

_TELL_EVERY_SECONDS = 1.0
# Less than a lease of a job lasts, with room for one entry.
_A_TURN_SECONDS: Final = 20.0
_EXAMPLES: Final = 10
_OUTCOMES: Final = (POSTED, SUSPENSE, REFUSED, KNOWN)


@dataclass(frozen=True, slots=True)
class _InHand:
    """A file as a worker has it in hand."""

    lender_id: uuid.UUID
    id: uuid.UUID
    name: str
    size: int
    mapping: str
    account_id: uuid.UUID | None
    total: int
    confirmed_by: uuid.UUID | None
    undone_by: uuid.UUID | None
    undone_before: int


def _take(job: Job, state: State) -> _InHand | None:
    """Give the file of a job as it is now, or None if there is nothing to do any more."""
    if job.lender_id is None:
        raise ValueError("a file belongs to a lender")
    session.rollback()
    upload = session.get(Upload, (job.lender_id, uuid.UUID(job.payload["upload_id"])), populate_existing=True)
    if upload is None or upload.state != state:
        return None
    return _InHand(
        lender_id=job.lender_id,
        id=upload.id,
        name=upload.name,
        size=upload.size,
        mapping=upload.mapping,
        account_id=upload.account_id,
        total=int((upload.preview or {}).get("read", 0)),
        confirmed_by=upload.confirmed_by,
        undone_by=upload.undone_by,
        undone_before=int((upload.result or {}).get("undone_before", 0)),
    )


@contextmanager
def _read(file: _InHand) -> Iterator[Iterator[tuple[Account, Entry] | Closed]]:
    """Give what is in a file, for as long as it is read."""
    told: How = reading.how(mapping=file.mapping, known=reading.accounts_of(file.lender_id), chosen=file.account_id)
    with tempfile.TemporaryDirectory(prefix="portal-bank-") as folder:
        path = Path(folder) / file.name
        kept.write_out(path, lender_id=file.lender_id, upload_id=file.id)
        session.rollback()
        yield reading.read(path, told)


class _Progress:
    """Tells a page now and then how far a file is."""

    def __init__(self, file: _InHand) -> None:
        self.file, self.last = file, time.monotonic()

    def at(self, done: int, of: int) -> None:
        """Tell it, if the last time is a second ago."""
        if time.monotonic() - self.last < _TELL_EVERY_SECONDS or not of:
            return
        self.last = time.monotonic()
        with transaction():
            upload = files.locked_by_id(self.file.lender_id, self.file.id)
            upload.done_bytes = min(self.file.size * done // of, self.file.size)


def _refused(file: _InHand, problem: BankFileRefused | FileRefused) -> None:
    """Note in a file's own transaction that it can't be read, and why."""
    said = (
        json.dumps([problem.problem.value, *problem.said], ensure_ascii=False)
        if isinstance(problem, BankFileRefused)
        else problem.sentence
    )
    with transaction():
        upload = files.locked_by_id(file.lender_id, file.id)
        if isinstance(files.move(upload, Event.REFUSED), Moved):
            upload.problem, upload.looked_at = said, clock.now()


# ---------------------------------------------------------------------------------------------------------------------
# Seen before it counts


class _Seen:
    """Counts what a file would do, some entries at a time."""

    def __init__(self, lender_id: uuid.UUID, *, today: date) -> None:
        self.lender_id, self.today = lender_id, today
        self.counts: Counter[str] = Counter()
        self.sums: dict[str, Counter[str]] = defaultdict(Counter)
        self.reasons: Counter[str] = Counter()
        self.statements: list[dict[str, str]] = []
        self.examples: dict[str, list[dict[str, Any]]] = {outcome: [] for outcome in _OUTCOMES}
        self.keys: dict[tuple[uuid.UUID, str], tuple[int, str]] = {}

    def add(self, some: list[tuple[Account, Entry]]) -> None:
        """Count what some entries would do."""
        good = [judged(entry, currency=account.currency, today=self.today) for account, entry in some]
        found = match([entry for _account, entry in some], lender_id=self.lender_id)
        before = self._counted(some)
        for (account, entry), right, named in zip(some, good, found, strict=True):
            if isinstance(right, Refused):
                self._one(entry, REFUSED, right.value, None, None)
                continue
            key, said = (account.id, key_of(entry)), (right.amount.minor, str(entry.booked))
            known = before.get(key) or self.keys.get(key)
            self.keys.setdefault(key, said)
            if known is not None:
                same = known == said
                self._one(entry, KNOWN if same else REFUSED, None if same else Refused.OTHER_ENTRY.value, right, None)
            elif isinstance(named, Waits):
                self._one(entry, SUSPENSE, named.why.value, right, None)
            else:
                self._one(entry, POSTED, None, right, named)

    def _counted(self, some: list[tuple[Account, Entry]]) -> dict[tuple[uuid.UUID, str], tuple[int, str]]:
        """Give those keys of some entries that count already, with how much came and when it was booked."""
        rows = session.execute(
            select(BankEntry.account_id, BankEntry.key, BankEntry.amount_minor, BankEntry.booked_on).where(
                BankEntry.lender_id == self.lender_id,
                BankEntry.account_id.in_({account.id for account, _entry in some}),
                BankEntry.key.in_([key_of(entry) for _account, entry in some]),
                BankEntry.outcome.in_((POSTED, SUSPENSE)),
                BankEntry.undone_at.is_(None),
            )
        )
        return {(row.account_id, row.key): (int(row.amount_minor), str(row.booked_on)) for row in rows}

    def _one(self, entry: Entry, outcome: str, why: str | None, good: Good | None, named: Match | None) -> None:
        self.counts[outcome] += 1
        if good is not None:
            self.sums[outcome][good.amount.currency] += good.amount.minor
        if why is not None:
            self.reasons[f"{outcome}:{why}"] += 1
        if len(self.examples[outcome]) < _EXAMPLES:
            self.examples[outcome].append(
                {
                    "place": entry.place,
                    "minor": None if good is None else good.amount.minor,
                    "amount": "" if entry.amount is None else f"{entry.amount:f}",
                    "currency": entry.currency,
                    "credit": entry.credit,
                    "on": None if good is None else good.counts_on.isoformat(),
                    "payer": entry.payer,
                    "text": entry.text[:140],
                    "debt": None if named is None else named.reference,
                    "by": None if named is None else named.by,
                    "why": why,
                }
            )

    def told(self) -> dict[str, Any]:
        """Give it as it is kept with the file."""
        return {
            "read": sum(self.counts.values()),
            "counts": dict(self.counts),
            "sums": {outcome: dict(sums) for outcome, sums in self.sums.items()},
            "reasons": dict(self.reasons.most_common()),
            "statements": self.statements[:50],
            "examples": self.examples,
        }


def see(job: Job) -> None:
    """See what a file would do, without writing anything of it."""
    file = _take(job, State.LOOKING)
    if file is None:
        return
    began = clock.now()
    seen = _Seen(file.lender_id, today=clock.today(session.get_one(Lender, file.lender_id).zone))
    try:
        with _read(file) as found:
            while some := list(islice(found, BATCH)):
                for one in some:
                    if isinstance(one, Closed):
                        seen.statements.append(
                            {
                                "account": one.account,
                                "currency": one.currency,
                                "opening": f"{one.opening:f}",
                                "closing": f"{one.closing:f}",
                            }
                        )
                seen.add([one for one in some if not isinstance(one, Closed)])
                session.rollback()
    except (BankFileRefused, FileRefused) as problem:
        _refused(file, problem)
        return
    with transaction():
        upload = files.locked_by_id(file.lender_id, file.id)
        # Another worker may have seen it too, where this one took longer than its lease.
        if isinstance(files.move(upload, Event.SEEN), Moved):
            upload.preview, upload.looked_at = seen.told(), began


# ---------------------------------------------------------------------------------------------------------------------
# Brought in


def bring(job: Job) -> None:
    """Bring a confirmed file in: each entry by itself, once.

    :raises TryLater: if its turn is over, so that a lease never ends under it and other work has its turn too.
    """
    file = _take(job, State.BRINGING)
    if file is None or file.confirmed_by is None:
        return
    if not acts.may(file.lender_id, file.confirmed_by, Permission.BRING_BANK_FILE):
        with transaction():
            upload = files.locked_by_id(file.lender_id, file.id)
            upload.problem = "may_not"
            files.move(upload, Event.LOOK_AGAIN)
        return
    by, progress, began = Actor("staff", str(file.confirmed_by)), _Progress(file), time.monotonic()
    today = clock.today(session.get_one(Lender, file.lender_id).zone)
    try:
        with _read(file) as found:
            while some := list(islice(found, BATCH)):
                entries = [one for one in some if not isinstance(one, Closed)]
                done = _done(file, [entry.place for _account, entry in entries])
                for account, entry in entries:
                    if entry.place in done:
                        continue
                    if time.monotonic() - began > _A_TURN_SECONDS:
                        raise TryLater(timedelta(0))
                    into = Into(file.lender_id, file.id, account.id, account.currency, account.kind, today, by)
                    with transaction():
                        posting.bring(entry, into)
                    session.expunge_all()
                    progress.at(entry.place, file.total)
    except (BankFileRefused, FileRefused) as problem:
        # Of the very bytes that were read to their end before; an account may have been taken away meanwhile.
        _refused(file, problem)
        return
    with transaction():
        upload = files.locked_by_id(file.lender_id, file.id)
        if not isinstance(files.move(upload, Event.WENT_LIVE), Moved):
            return
        upload.done_bytes = file.size
        upload.result = _result(file) | {"live_at": clock.now().isoformat()}
        counts = upload.result["counts"]
        record(
            Act.BANK_FILE_CAME_IN,
            by=by,
            lender_id=file.lender_id,
            facts={"upload": file.id, "number": upload.number, **counts},
        )


def _done(file: _InHand, places: list[int]) -> set[int]:
    """Give which of some entries an earlier turn, or another worker, has done."""
    if not places:
        return set()
    found = session.scalars(
        select(BankEntry.place).where(
            BankEntry.lender_id == file.lender_id,
            BankEntry.upload_id == file.id,
            BankEntry.place.between(places[0], places[-1]),
        )
    )
    return set(found)


def _result(file: _InHand) -> dict[str, Any]:
    """Count what became of the entries of a file, as they stand in the books."""
    counts: Counter[str] = Counter()
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: Counter[str] = Counter()
    for outcome, why, currency, number, minor in session.execute(
        select(
            BankEntry.outcome,
            BankEntry.why,
            BankEntry.currency,
            func.count(BankEntry.id),
            func.sum(BankEntry.amount_minor),
        )
        .where(BankEntry.lender_id == file.lender_id, BankEntry.upload_id == file.id)
        .group_by(BankEntry.outcome, BankEntry.why, BankEntry.currency)
    ):
        counts[outcome] += number
        if minor is not None:
            sums[outcome][currency] += int(minor)
        if why is not None:
            reasons[f"{outcome}:{why}"] += number
    return {
        "read": sum(counts.values()),
        "counts": dict(counts),
        "sums": {outcome: dict(of) for outcome, of in sums.items()},
        "reasons": dict(reasons.most_common()),
    }


# ---------------------------------------------------------------------------------------------------------------------
# Taken back


def undo(job: Job) -> None:
    """Take back what a file did, debt by debt, where nothing has happened since.

    :raises TryLater: if its turn is over.
    """
    file = _take(job, State.UNDOING)
    if file is None or file.undone_by is None:
        return
    if not acts.may(file.lender_id, file.undone_by, Permission.BRING_BANK_FILE):
        _could_not(file, "may_not")
        return
    by = Actor("staff", str(file.undone_by))
    today = clock.today(session.get_one(Lender, file.lender_id).zone)
    progress, units, began = _Progress(file), _units(file), time.monotonic()
    for number, (place, ids) in enumerate(units, 1):
        if time.monotonic() - began > _A_TURN_SECONDS:
            with transaction():
                upload = files.locked_by_id(file.lender_id, file.id)
                upload.result = (upload.result or {}) | {"undone_before": place}
            raise TryLater(timedelta(0))
        with transaction():
            entries = _locked(file, ids)
            if entries and entries[0].outcome == POSTED:
                posting.undo_posted(entries, by=by)
            elif entries:
                posting.undo_suspense(entries[0], today=today, by=by)
        session.expunge_all()
        progress.at(number, len(units))
    with transaction():
        upload = files.locked_by_id(file.lender_id, file.id)
        undone = (
            session.scalar(
                select(func.count(BankEntry.id)).where(
                    BankEntry.lender_id == file.lender_id,
                    BankEntry.upload_id == file.id,
                    BankEntry.undone_at.is_not(None),
                )
            )
            or 0
        )
        stays = acts.counting(upload)
        if not undone:
            upload.problem = "cannot_undo"
            files.move(upload, Event.COULD_NOT)
            return
        if not isinstance(files.move(upload, Event.WENT_BACK), Moved):
            return
        upload.undone_at = clock.now()
        upload.result = (upload.result or {}) | {"undone": undone, "stays": stays}
        record(
            Act.BANK_FILE_UNDONE,
            by=by,
            lender_id=file.lender_id,
            facts={"upload": file.id, "number": upload.number, "undone": undone, "stays": stays},
        )


def _could_not(file: _InHand, why: str) -> None:
    with transaction():
        upload = files.locked_by_id(file.lender_id, file.id)
        upload.problem = why
        files.move(upload, Event.COULD_NOT)


def _units(file: _InHand) -> list[tuple[int, list[uuid.UUID]]]:
    """Give what is taken back at once, by the first place of each: all entries of one debt, or one that waits.

    What an earlier turn has looked at is left out.
    """
    rows = session.execute(
        select(BankEntry.id, BankEntry.debt_id, BankEntry.place)
        .where(
            BankEntry.lender_id == file.lender_id,
            BankEntry.upload_id == file.id,
            BankEntry.outcome.in_((POSTED, SUSPENSE)),
            BankEntry.undone_at.is_(None),
        )
        .order_by(BankEntry.place)
    ).all()
    session.rollback()
    of: dict[uuid.UUID, tuple[int, list[uuid.UUID]]] = {}
    for row in rows:
        of.setdefault(row.debt_id or row.id, (row.place, []))[1].append(row.id)
    return [each for each in of.values() if each[0] >= file.undone_before]


def _locked(file: _InHand, ids: list[uuid.UUID]) -> list[BankEntry]:
    return list(
        session.scalars(
            select(BankEntry)
            .where(BankEntry.lender_id == file.lender_id, BankEntry.id.in_(ids), BankEntry.undone_at.is_(None))
            .order_by(BankEntry.place)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )
