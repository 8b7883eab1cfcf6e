"""A batch of letters whose workers are killed at any point, or are several at once: each letter is there once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from flask import Flask
from sqlalchemy import select, update

from portal import jobs, queue
from portal.batches import acts
from portal.batches.models import LetterBatch, LetterBatchItem
from portal.batches.states import Event
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.letters import issue
from portal.letters.contents import Letter
from portal.letters.models import IssuedLetter
from portal.letters.sheet import Rendered
from portal.queue import QueuedJob
from portal.staff.gates import Colleague
from portal.staff.roles import Role
from tests.conftest import RealDatabase
from tests.factories import a_debt
from tests.faults.dying import Dying, Told
from tests.faults.test_helpdesk_at_once import at_work
from tests.faults.test_killed_at_every_point import at_each_point
from tests.faults.test_kills_and_races import at_once
from tests.faults.test_kills_and_races import lender as lender
from tests.faults.test_kills_and_races import stand_in as stand_in
from tests.journeys.staff import cheap
from tests.turns import ALL


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


def asked(app: Flask, who: Colleague, debts: Sequence[Standing]) -> LetterBatch:
    with app.test_request_context(), transaction():
        key = f"{debts[0].id.hex}"
        listed = [debt.reference for debt in debts]
        number = acts.ask(who, kind="statement-of-account", chosen="listed", listed=listed, form_key=key)
    found = acts.find(lender_id=who.lender_id, number=number)
    assert found is not None
    return found


def begun(app: Flask, who: Colleague, batch: LetterBatch) -> bool | None:
    with app.test_request_context(), transaction():
        return acts.begin(who, batch_id=batch.id, why="Twice.")


def work(app: Flask) -> None:
    todo = {name: run for name, run in jobs.table(app).items() if name in (acts.PREPARE, acts.MAKE)}
    while queue.run_one(todo):
        pass


def each_once(batch: LetterBatch, debts: Sequence[Standing]) -> None:
    session.rollback()
    assert session.get_one(LetterBatch, (batch.lender_id, batch.id), populate_existing=True).state == "done"
    letters = session.scalars(select(IssuedLetter.debt_id).where(IssuedLetter.debt_id.in_([d.id for d in debts]))).all()
    assert Counter(letters) == {debt.id: 1 for debt in debts}
    items = session.scalars(select(LetterBatchItem.state).where(LetterBatchItem.batch_id == batch.id)).all()
    assert items == ["made"] * len(debts)


def test_a_worker_killed_at_any_point_leaves_each_letter_once(
    real_database: RealDatabase, real_app: Flask, lender: Lender, stand_in: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    del stand_in
    who = at_work(real_app, lender, Role.FINANCE, "Fin")
    with Dying(real_database, real_app) as dying:

        def at(point: int) -> Told:
            debts = [a_debt(lender=lender) for _ in range(2)]
            batch = asked(real_app, who, debts)
            begun(real_app, who, batch)
            session.remove()
            told = dying.work(kill_at=point, blank_letters=True)
            # A minute passes, so the lease of whoever was killed ends.
            with transaction() as s:
                over = datetime.now(UTC) - timedelta(seconds=1)
                s.execute(update(QueuedJob).where(QueuedJob.state == "running").values(lease_until=over))
            with mock.patch.object(issue, "drawn", lambda _letter, **_more: Rendered(b"%PDF", 1)):
                work(real_app)
            each_once(batch, debts)
            return told

        assert len(at_each_point(at, every=1 if ALL else 13)) > 20


def test_two_workers_two_clicks_and_a_new_round_at_once_draw_each_letter_once(
    real_app: Flask, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    who, drawn = at_work(real_app, lender, Role.FINANCE, "Fin"), []

    def blank(letter: Letter, **_more: object) -> Rendered:
        drawn.append(letter.debt_reference)
        return Rendered(b"%PDF", 1)

    monkeypatch.setattr(issue, "drawn", blank)
    debts = [a_debt(lender=lender) for _ in range(9)]
    batch = asked(real_app, who, debts)
    session.remove()
    assert sorted(at_once(*[lambda: begun(real_app, who, batch)] * 2), key=bool) == [False, True]
    queue.run_one({acts.PREPARE: jobs.table(real_app)[acts.PREPARE]})
    at_once(*[lambda: work(real_app)] * 2)
    each_once(batch, debts)
    assert len(drawn) == len(set(drawn)) == len(debts)
    # Of an earlier round nobody makes anything more.
    more = [a_debt(lender=lender) for _ in range(3)]
    second = asked(real_app, who, more)
    begun(real_app, who, second)
    queue.run_one({acts.PREPARE: jobs.table(real_app)[acts.PREPARE]})
    for event in (Event.PAUSE, Event.GO_ON):
        with real_app.test_request_context(), transaction():
            assert acts.word(who, batch_id=second.id, event=event)
    session.remove()
    at_once(*[lambda: work(real_app)] * 2)
    each_once(second, more)
    assert len(drawn) == len(set(drawn)) == len(debts) + len(more)
