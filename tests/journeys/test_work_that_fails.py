"""Work that is put off ends: done, or dead after as many tries as are stated, also when it ends its workers.

What goes wrong is logged, and the log holds nothing that opens a door.
"""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal import queue
from portal.db import session, transaction
from portal.lenders.models import Lender
from portal.queue import MOST_ATTEMPTS, Job, QueuedJob
from tests.conftest import Clock
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
    assert "Exception on /i/<token> [GET]" in caplog.text and "from nowhere" in caplog.text
    assert token not in caplog.text


def test_a_job_that_kills_its_worker_is_dead_after_the_stated_number_of_times(app: Flask, clock: Clock) -> None:
    put_off("poison")
    killed = 0
    for _turn in range(MOST_ATTEMPTS + 5):
        try:
            queue.run_one({"poison": kill})
        except Killed:
            killed += 1
        clock.forward(seconds=queue.LEASE.total_seconds() + 1)
    assert killed == MOST_ATTEMPTS
    assert (job().state, job().attempts, job().last_error) == ("dead", MOST_ATTEMPTS, "no worker came back from it")
    # It stands in nobody's way.
    done: list[Job] = []
    put_off("next")
    assert queue.run_one({"poison": kill, "next": done.append})
    assert len(done) == 1


def test_a_dead_job_lets_the_one_behind_it_run_in_the_same_look(app: Flask, clock: Clock) -> None:
    put_off("poison")
    with transaction() as s:
        one = s.scalars(select(QueuedJob)).one()
        one.state, one.attempts, one.lease_until = "running", MOST_ATTEMPTS, clock.at
    clock.forward(seconds=1)
    put_off("next")
    done: list[Job] = []
    assert queue.run_one({"poison": done.append, "next": done.append})
    assert [(one.attempts, one.payload) for one in done] == [(1, {})]
    states = dict(session.execute(select(QueuedJob.name, QueuedJob.state)).all())
    assert states == {"poison": "dead", "next": "done"}


@pytest.mark.parametrize("deaths", [1, MOST_ATTEMPTS - 1])
def test_a_job_whose_worker_died_is_done_by_the_next_one(app: Flask, clock: Clock, deaths: int) -> None:
    put_off("unlucky")
    for _turn in range(deaths):
        with pytest.raises(Killed):
            queue.run_one({"unlucky": kill})
        assert not queue.run_one({"unlucky": kill}), "its lease still runs"
        clock.forward(seconds=queue.LEASE.total_seconds() + 1)
    assert queue.run_one({"unlucky": lambda _job: None})
    assert (job().state, job().attempts) == ("done", deaths + 1)
