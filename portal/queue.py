"""Work that is put off in the caller's own transaction and done later, at least once, by any worker.

Invariant: a job is committed together with what caused it, and a worker that dies gives it back when its lease ends.
A lease that ended counts as an attempt: a job that kills its workers is dead after as many as one that fails.
Effects carry their own unique keys, so a job that runs twice does its work once. Leases are told by the database's
clock, so that a machine whose own is wrong takes no work from another one that is still at it.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, ScalarSelect, Text, func, select, true, update
from sqlalchemy.orm import Mapped, mapped_column

from portal import clock
from portal.bulk import Same, insert_columns, new_ids, rows_by_text
from portal.db import Model, new_id, put_unless_there, seeing, session, table_of, transaction

LEASE = timedelta(seconds=60)
# A worker that is at work lets its lease run on, but not for ever: what hangs is another one's after so long.
LONGEST_LEASE = timedelta(hours=2)
MOST_ATTEMPTS = 12
log = logging.getLogger(__name__)


class QueuedJob(Model):
    """One piece of work; it belongs to no lender's rows because workers serve all lenders."""

    __tablename__ = "job"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    lender_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("lender.id"))
    name: Mapped[str]
    payload: Mapped[dict[str, Any]]
    once_key: Mapped[str | None] = mapped_column(unique=True)
    waiting_key: Mapped[str | None] = mapped_column(unique=True)
    run_at: Mapped[datetime]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[uuid.UUID | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        CheckConstraint("state in ('ready', 'running', 'done', 'dead')", name="state"),
        Index("ix_job_state_run_at", "state", "run_at"),
    )


@dataclass(frozen=True, slots=True)
class Job:
    """What a job's function is given."""

    id: uuid.UUID
    lender_id: uuid.UUID | None
    payload: dict[str, Any]
    attempts: int


class TryLater(Exception):
    """Raised by a job that can't be done now, for a reason outside it; it is put off and is no failure."""

    def __init__(self, after: timedelta = timedelta(seconds=30)) -> None:
        super().__init__(after)
        self.after = after


def later(
    name: str,
    *,
    lender_id: uuid.UUID | None,
    payload: Mapping[str, str],
    once: str | None = None,
    while_waiting: str | None = None,
    at: datetime | None = None,
) -> bool:
    """Put work off until this transaction is committed; returns False if it is there already.

    `once` keeps a second job with this key away for ever; `while_waiting` only until a worker has taken the first.
    """
    row = {
        "id": new_id(),
        "lender_id": lender_id,
        "name": name,
        "payload": dict(payload),
        "once_key": once,
        "waiting_key": while_waiting,
        "run_at": at or clock.now(),
        "state": "ready",
        "attempts": 0,
    }
    return put_unless_there(QueuedJob, row)


def many_later(name: str, *, lender_id: uuid.UUID, work: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Put much work of one name off, each piece with its payload under its `once` key; gives the keys that are new.

    The caller holds locks that keep others from putting off the same.
    """
    asked = rows_by_text(QueuedJob.once_key, key=QueuedJob.once_key, texts=list(work), where=true())
    there = {row.once_key for row in asked}
    new = [key for key in work if key not in there]
    if new:
        nothing = Same(None)
        insert_columns(
            table_of(QueuedJob),
            {
                "id": new_ids(len(new)),
                "lender_id": Same(lender_id.hex),
                "name": Same(name),
                "payload": [dict(work[key]) for key in new],
                "once_key": new,
                "waiting_key": nothing,
                "run_at": Same(clock.now()),
                "state": Same("ready"),
                "attempts": Same(0),
                "lease_until": nothing,
                "lease_token": nothing,
                "last_error": nothing,
            },
        )
    return new


def _first(names: tuple[str, ...], *where: ColumnElement[bool]) -> ScalarSelect[uuid.UUID]:
    return (
        select(QueuedJob.id)
        .where(QueuedJob.name.in_(names), *where)
        .order_by(QueuedJob.run_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )


def others_wait(name: str) -> bool:
    """Say whether work that isn't called so is due and waits for a worker."""
    waits = select(QueuedJob.id).where(
        QueuedJob.state == "ready", QueuedJob.run_at <= clock.now(), QueuedJob.name != name
    )
    return session.scalar(waits.limit(1)) is not None


def by_its_clock(more: timedelta = timedelta(0)) -> ColumnElement[datetime]:
    """Give what the database's clock shows, or will show then."""
    if session.get_bind().dialect.name == "postgresql":
        return func.clock_timestamp() + more
    # As SQLite's driver keeps an instant: with six places of a second.
    return func.strftime("%Y-%m-%d %H:%M:%f000", "now", f"{more.total_seconds():+} seconds", type_=Text())


def _claim(names: tuple[str, ...], *, due: ColumnElement[datetime] | datetime) -> tuple[Job, str, uuid.UUID] | None:
    token = new_id()
    # What a worker left behind first: there is little of it. Both in the order of their index, however much waits.
    left = _first(names, QueuedJob.state == "running", QueuedJob.lease_until < by_its_clock())
    ready = _first(names, QueuedJob.state == "ready", QueuedJob.run_at <= due)
    take = (
        update(QueuedJob)
        .where(QueuedJob.id == func.coalesce(left, ready))
        .values(
            state="running",
            waiting_key=None,
            lease_until=by_its_clock(LEASE),
            lease_token=token,
            attempts=QueuedJob.attempts + 1,
        )
        .returning(QueuedJob.id, QueuedJob.lender_id, QueuedJob.payload, QueuedJob.attempts, QueuedJob.name)
    )
    no_sync = {"synchronize_session": False}
    with transaction() as s:
        while (row := s.execute(take, execution_options=no_sync).one_or_none()) is not None:
            if row.attempts <= MOST_ATTEMPTS:
                break
            # What fails is dead by its last failure; from this one no worker came back to say so.
            log.error("job %s ended its workers %d times and is dead", row.name, MOST_ATTEMPTS)
            dead = {"state": "dead", "attempts": MOST_ATTEMPTS, "last_error": "no worker came back from it"}
            s.execute(update(QueuedJob).where(QueuedJob.id == row.id).values(**dead), execution_options=no_sync)
    if row is None:
        return None
    return Job(id=row.id, lender_id=row.lender_id, payload=row.payload, attempts=row.attempts), row.name, token


def _finish(job: Job, *, token: uuid.UUID, **values: object) -> None:
    with transaction() as s:
        s.execute(
            update(QueuedJob).where(QueuedJob.id == job.id, QueuedJob.lease_token == token).values(**values),
            execution_options={"synchronize_session": False},
        )


class Keeper:
    """Lets the lease of what one worker is at run on, in a thread of its own."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._at_work: tuple[uuid.UUID, uuid.UUID, float] | None = None

    def begin(self, job_id: uuid.UUID, token: uuid.UUID) -> None:
        """Keep the lease of a job from now on."""
        self._at_work = job_id, token, time.monotonic()

    def end(self) -> None:
        """Keep none."""
        self._at_work = None

    def keep(self) -> bool:
        """Let the lease run on, if it is still this worker's; gives whether it does."""
        at_work = self._at_work
        if at_work is None or time.monotonic() - at_work[2] > LONGEST_LEASE.total_seconds():
            return False
        mine = (QueuedJob.id == at_work[0]) & (QueuedJob.lease_token == at_work[1]) & (QueuedJob.state == "running")
        longer = update(QueuedJob).where(mine).values(lease_until=by_its_clock(LEASE)).returning(QueuedJob.id)
        with transaction() as s:
            return s.execute(longer, execution_options={"synchronize_session": False}).first() is not None

    def work(self) -> None:
        """Do so until it is over; what fails is tried again before the lease ends."""
        while not self._over.wait(LEASE.total_seconds() / 4):
            try:
                self.keep()
            except Exception:
                log.exception("a lease could not be kept")
            finally:
                session.remove()

    def stop(self) -> None:
        """End the thread."""
        self._over.set()


def run_one(
    jobs: Mapping[str, Callable[[Job], None]], *, keeper: Keeper | None = None, by_portals_clock: bool = True
) -> bool:
    """Do the next piece of work that is due; returns False if there is none.

    Work is due by the portal's own clock, which tests move, or by the database's, which all machines share.
    """
    claimed = _claim(tuple(jobs), due=clock.now() if by_portals_clock else by_its_clock())
    if claimed is None:
        return False
    job, name, token = claimed
    if keeper is not None:
        keeper.begin(job.id, token)
    try:
        with seeing(job.lender_id):
            jobs[name](job)
    except TryLater as put_off:
        _finish(job, token=token, state="ready", run_at=clock.now() + put_off.after, attempts=max(job.attempts - 1, 0))
    except Exception as problem:
        log.exception("job %s failed at attempt %d", name, job.attempts)
        session.rollback()
        dead = job.attempts >= MOST_ATTEMPTS
        # Jitter keeps a thousand jobs that failed together from coming back together.
        wait = min(2**job.attempts, 3600) * random.uniform(0.5, 1.5)  # noqa: S311
        _finish(
            job,
            token=token,
            state="dead" if dead else "ready",
            run_at=clock.now() + timedelta(seconds=wait),
            last_error=f"{type(problem).__name__}: {problem}"[:2000],
        )
    else:
        _finish(job, token=token, state="done", last_error=None)
    finally:
        if keeper is not None:
            keeper.end()
        session.remove()
    return True


def work(jobs: Mapping[str, Callable[[Job], None]], *, stop: threading.Event, pause: float = 0.3) -> None:
    """Do what is due until told to stop; what is begun is finished first."""
    keeper = Keeper()
    keeping = threading.Thread(target=keeper.work, name="keeper", daemon=True)
    keeping.start()
    while not stop.is_set():
        try:
            busy = run_one(jobs, keeper=keeper, by_portals_clock=False)
        except Exception:
            log.exception("the queue could not be read")
            busy = False
            session.remove()
        if not busy:
            stop.wait(pause)
    keeper.stop()
    keeping.join()
