"""Work that is put off ends: done, or dead after as many tries as are stated, also when it ends its workers.

What goes wrong is logged, and the log holds nothing that opens a door.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from portal import queue
from portal.db import session, transaction
from portal.lenders.models import Lender
from portal.queue import MOST_ATTEMPTS, Job, QueuedJob
from tests.conftest import Clock
from tests.journeys.acts import LONG_AGO, the_lease_ends
from tests.pages import CheckingClient, page_of


class Killed(BaseException):
    """The worker's process is gone in the middle of a job: nothing of the queue runs any more."""


def kill(_job: Job) -> None:
    raise Killed


def put_off(name: str) -> None:
    with transaction():
        queue.later(name, lender_id=None, payload={})


def job() -> QueuedJob:
    session.rollback()
    return session.scalars(select(QueuedJob).execution_options(populate_existing=True)).one()


def test_the_log_of_what_goes_wrong_names_no_token_and_nothing_that_was_typed(
    client: CheckingClient,
    app: Flask,
    lender: Lender,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(token: str, **_more: object) -> None:
        session.execute(text("select :what from nowhere"), {"what": token})

    monkeypatch.setattr(app, "testing", False)
    monkeypatch.setattr("portal.people.sign_in.look_at_link", fail)
    token = "a-token-of-" + "somebody"
    answer = client.get(f"/i/{token}")
    assert answer.status_code == 500
    # The page is ours, although the database takes nothing more in this transaction.
    assert page_of(answer).says(lender.name)
    assert "on /i/<token> [GET]" in caplog.text and "from nowhere" in caplog.text
    assert token not in caplog.text


def test_a_job_that_kills_its_worker_is_dead_after_the_stated_number_of_times(app: Flask) -> None:
    put_off("poison")
    killed = 0
    for _turn in range(MOST_ATTEMPTS + 5):
        try:
            queue.run_one({"poison": kill})
        except Killed:
            killed += 1
        the_lease_ends()
    assert killed == MOST_ATTEMPTS
    assert (job().state, job().attempts, job().last_error) == ("dead", MOST_ATTEMPTS, "no worker came back from it")
    # It stands in nobody's way.
    done: list[Job] = []
    put_off("next")
    assert queue.run_one({"poison": kill, "next": done.append})
    assert len(done) == 1


def test_a_dead_job_lets_the_one_behind_it_run_in_the_same_look(app: Flask) -> None:
    put_off("poison")
    with transaction() as s:
        one = s.scalars(select(QueuedJob)).one()
        one.state, one.attempts, one.lease_until = "running", MOST_ATTEMPTS, LONG_AGO
    put_off("next")
    done: list[Job] = []
    assert queue.run_one({"poison": done.append, "next": done.append})
    assert [(one.attempts, one.payload) for one in done] == [(1, {})]
    states = dict(session.execute(select(QueuedJob.name, QueuedJob.state)).all())
    assert states == {"poison": "dead", "next": "done"}


@pytest.mark.parametrize("deaths", [1, MOST_ATTEMPTS - 1])
def test_a_job_whose_worker_died_is_done_by_the_next_one(app: Flask, deaths: int) -> None:
    put_off("unlucky")
    for _turn in range(deaths):
        with pytest.raises(Killed):
            queue.run_one({"unlucky": kill})
        assert not queue.run_one({"unlucky": kill}), "its lease still runs"
        the_lease_ends()
    assert queue.run_one({"unlucky": lambda _job: None})
    assert (job().state, job().attempts) == ("done", deaths + 1)


def test_a_machine_whose_clock_is_wrong_takes_no_work_from_one_that_is_at_it(app: Flask, clock: Clock) -> None:
    put_off("long")
    with pytest.raises(Killed):
        queue.run_one({"long": kill})
    taken = job()
    for days in (-400, 800):
        clock.forward(days=days)
        assert not queue.run_one({"long": kill}), "the database's clock says that the lease runs"
        assert not queue.run_one({"long": kill}, by_portals_clock=False)
    assert (job().attempts, job().lease_token) == (1, taken.lease_token)
    the_lease_ends()
    # A machine far behind does its share too: what is due is told by the clock that all share.
    clock.set("2020-01-01T00:00+00:00")
    assert queue.run_one({"long": lambda _job: None}, by_portals_clock=False)


def test_work_is_due_for_all_machines_by_the_databases_clock(app: Flask, clock: Clock) -> None:
    now = datetime.now(UTC)
    with transaction():
        for name, at in (("due", now - timedelta(seconds=1)), ("later", now + timedelta(hours=1))):
            queue.later(name, lender_id=None, payload={}, at=at)
    done: list[str] = []
    todo = {name: lambda _job, name=name: done.append(name) for name in ("due", "later")}
    for shown in ("2020-01-01T00:00+00:00", "2040-01-01T00:00+00:00"):
        clock.set(shown)
        while queue.run_one(todo, by_portals_clock=False):
            pass
    assert done == ["due"]


def test_the_lease_of_a_worker_that_is_at_work_runs_on_and_that_of_one_that_lost_it_does_not(app: Flask) -> None:
    put_off("long")
    keeper, kept = queue.Keeper(), []

    def long(_job: Job) -> None:
        for until in (LONG_AGO, LONG_AGO):
            with transaction() as s:
                s.execute(update(QueuedJob).values(lease_until=until))
            kept.append(keeper.keep())
            assert abs(job().lease_until - datetime.now(UTC) - queue.LEASE) < timedelta(seconds=10)
        # It stood still for too long, and another worker has it now.
        the_lease_ends()
        assert queue.run_one({"long": lambda _again: None})
        kept.append(keeper.keep())

    assert queue.run_one({"long": long}, keeper=keeper)
    assert kept == [True, True, False]
    assert not keeper.keep(), "nothing is at work"
    assert (job().state, job().attempts) == ("done", 2)


def test_what_hangs_keeps_its_lease_no_longer_than_is_stated(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    put_off("hangs")
    keeper = queue.Keeper()

    def hang(_job: Job) -> None:
        monkeypatch.setattr(queue, "LONGEST_LEASE", timedelta(0))
        assert not keeper.keep()

    assert queue.run_one({"hangs": hang}, keeper=keeper)
