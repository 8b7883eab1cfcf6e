"""The night of autopay over many payments that are due, against the bare query and the bare inserts of its jobs."""

from __future__ import annotations

import json
import sys
import time
import uuid
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import func, select, update

from benchmarks import portfolio
from benchmarks.databases import Databases
from benchmarks.importing import bare_driver
from benchmarks.machine import environment, measured
from benchmarks.sweeping import _Many, _peak, _steps
from portal import clock, db, jobs, queue
from portal.app import create_app
from portal.autopay import agreeing, night
from portal.autopay.models import Autopay, SavedCard
from portal.db import new_id, session, transaction
from portal.debts.models import ImportRun
from portal.lenders import settings as lenders
from portal.payments.models import Payment
from portal.plans.models import LimitsVersion, PlanItem, Proposal
from portal.queue import QueuedJob

# So many of the looks that the night put off are done, each of which writes a notice.
_LOOKS = 300
_SELECT = "select id, act_on from autopay where lender_id = {place} and act_on <= {place} order by act_on, id"


@dataclass(frozen=True, slots=True)
class Found:
    """What a night took for so many payments that are due, its floor, and then each look of a worker, in seconds."""

    due: int
    seconds: float
    idle: float
    start: int
    peak: int
    floor: float
    look: float

    @property
    def ratio(self) -> float:
        """Give how many times as long as the floor the night takes."""
        return self.seconds / self.floor


def compare(databases: Databases, *, kind: str, folder: Path, due: int) -> Found:
    """Measure a night over so many payments that are due, and its floor on a copy."""
    full = databases.empty(kind)
    portfolio.add_lender(full)
    program = (sys.executable, "-m", "benchmarks.autopaying")
    measured(*program, "fill", full, str(due), env=environment(url=full, folder=folder))
    databases.settle(full)
    bare = databases.copy(full)
    databases.settle(bare)
    told: dict[str, Any] = {}
    for words in (("night",), ("floor", bare), ("worker",)):
        said = measured(*program, *words, env=environment(url=full, folder=folder)).said
        told |= json.loads(said.splitlines()[-1])
    for url in (full, bare):
        databases.drop(url)
    return Found(**told)


def fill(url: str, due: int) -> None:
    """Write so many running plans whose next payment is due in some days, each with autopay to be looked at today."""
    db.connect(url)
    lender = lenders.by_slug(portfolio.SLUG)
    today, now = clock.today(lender.zone), clock.now()
    run_id, proposal_id = new_id(), new_id()
    with transaction() as s:
        version_id = s.scalars(select(LimitsVersion.id)).one()
        s.add(
            ImportRun(
                lender_id=lender.id, id=run_id, file_name="plans.csv", file_sha256="", as_of=today, state="live",
                started_at=now, touched_at=now,
            )
        )  # fmt: skip
    same = {"lender_id": lender.id.hex, "currency": "USD"}
    for first, end in _steps(0, due):
        with transaction() as s:
            many = _Many(range(first, end), due=False, today=today, now=now, same=same)
            many.people(zone=lender.zone)
            many.debts(run_id=run_id.hex)
            if first == 0:
                s.add(
                    Proposal(
                        lender_id=lender.id, id=proposal_id, debt_id=uuid.UUID(many.debt_ids[0]),
                        debtor_id=uuid.UUID(many.debtor_ids[0]), limits_version_id=version_id, kind="instalments",
                        asked={}, amount_minor=100_00, currency="USD", frequency="monthly", reasons=[], state="open",
                        made_at=now,
                    )
                )  # fmt: skip
                s.flush()
            many.plans(proposal_id=proposal_id.hex, version_id=version_id.hex)
            many.payments()
            ids = many._plan_ids
            many._insert(
                SavedCard, id=ids, debtor_id=many.debtor_ids, method_id=many._names, brand="visa", last4="5556",
                saved_at=now,
            )  # fmt: skip
            many._insert(
                Autopay, id=ids, plan_id=ids, debt_id=many.debt_ids, debtor_id=many.debtor_ids,
                state="on", card_id=ids, agreed_text="I allow it.", version="2026-11-30", language="en",
                most_minor=100_00, form_key="bench", agreed_at=now, saves=1, act_on=today,
            )  # fmt: skip
            # The first payment of each is due in five days, so that its notice is written.
            s.execute(
                update(PlanItem).where(PlanItem.seq == 1).values(due_on=today + timedelta(days=5)),
                execution_options={"synchronize_session": False},
            )
    portfolio.let_go()


def run_night() -> dict[str, Any]:
    """Run the night in this process, and a second one, which finds nothing new."""
    app = create_app()
    with app.app_context():
        session.remove()
        start = psutil.Process().memory_info().rss
        began = time.perf_counter()
        due = night.run()
        seconds, peak = time.perf_counter() - began, _peak()
        began = time.perf_counter()
        again = night.run()
        idle = time.perf_counter() - began
        waiting = session.scalar(select(func.count()).select_from(QueuedJob).where(QueuedJob.name == agreeing.LOOK))
        taken = session.scalar(select(func.count()).select_from(Payment))
    if again or waiting != due or taken:
        raise AssertionError(f"a second night put off {again} more, {waiting} of {due} wait, {taken} were charged")
    return {"due": due, "seconds": seconds, "idle": idle, "start": start, "peak": peak}


def floor(bare: str) -> dict[str, Any]:
    """Ask for what is due in one database, and insert as many jobs by executemany; gives what that took."""
    db.connect(bare)
    lender = lenders.by_slug(portfolio.SLUG)
    until = clock.today(lender.zone) + timedelta(days=1)
    session.remove()
    driver = bare_driver(bare)
    with closing(driver.connection) as connection:
        place = "?" if bare.startswith("sqlite") else "%s"
        lender_id: Any = lender.id.hex if place == "?" else lender.id
        day: Any = until.isoformat() if place == "?" else until
        insert = (
            "insert into job (id, lender_id, name, payload, once_key, run_at, state, attempts) values "
            f"({', '.join([place] * 8)})"
        )
        at = clock.now().replace(tzinfo=None).isoformat(" ") if place == "?" else clock.now()
        began = time.perf_counter()
        cursor = connection.cursor()
        cursor.execute(_SELECT.format(place=place), (lender_id, day))
        rows = cursor.fetchall()
        for first in range(0, len(rows), night.AT_ONCE):
            cursor.execute(driver.begin)
            cursor.executemany(
                insert,
                [
                    (
                        new_id().hex, lender_id, agreeing.LOOK, json.dumps({"autopay_id": str(row[0])}),
                        f"look:{row[0]}", at, "ready", 0,
                    )
                    for row in rows[first : first + night.AT_ONCE]
                ],
            )  # fmt: skip
            cursor.execute("COMMIT")
        connection.commit()
        return {"floor": time.perf_counter() - began}


def worker() -> dict[str, Any]:
    """Do some of the looks that the night put off; gives what each took, its notice with it."""
    app = create_app()
    todo = jobs.table(app)[agreeing.LOOK]
    with app.app_context(), transaction() as s:
        # What the queue takes to find the next of a hundred thousand is not what a look takes.
        some = select(QueuedJob.id).where(QueuedJob.name == agreeing.LOOK).limit(_LOOKS)
        s.execute(
            update(QueuedJob).where(QueuedJob.id.not_in(some)).values(state="done"),
            execution_options={"synchronize_session": False},
        )
    with app.app_context():
        began = time.perf_counter()
        for _number in range(_LOOKS):
            queue.run_one({agreeing.LOOK: todo})
        return {"look": (time.perf_counter() - began) / _LOOKS}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["fill", url, due]:
            fill(url, int(due))
        case ["night"]:
            print(json.dumps(run_night()))
        case ["floor", bare]:
            print(json.dumps(floor(bare)))
        case ["worker"]:
            print(json.dumps(worker()))
