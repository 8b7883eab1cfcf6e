"""What the night puts off is written by a worker, as things are at that moment, once, or not at all and on record."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from portal import clock as portal_clock
from portal import sweep
from portal.care import requests
from portal.care.states import Kind
from portal.contact import choices
from portal.contact.write import to as write_to
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import OPERATOR, Actor
from portal.people.models import Debtor
from portal.plans import progress, remind
from portal.plans.models import Plan
from portal.post.kinds import Group
from portal.post.models import Message
from portal.queue import QueuedJob
from tests.conftest import Clock
from tests.journeys.acts import books_agree, come_in, plan_items, plan_on, the_lease_ends, work
from tests.pages import CheckingClient, page_of
from tests.settling import a_payment, a_plan, stripe_says


@pytest.fixture(autouse=True)
def in_context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.fixture
def due_on(debt: Standing, clock: Clock) -> date:
    """The day of a payment of which the night has just seen that it is to be reminded of; nothing is written yet."""
    a_plan(debt)
    day = plan_items(debt)[0].due_on
    clock.set(f"{day - timedelta(days=3)}T01:00-04:00")
    assert night().reminders == 1
    return day


def night() -> sweep.Night:
    return sweep.run(stuck=lambda one: pytest.fail(str(one)))


def written(debt: Standing) -> list[Message]:
    session.rollback()
    return list(
        session.scalars(select(Message).where(Message.debt_id == debt.id, Message.kind.in_(["reminder", "missed"])))
    )


def not_written(debt: Standing) -> list[dict[str, Any]]:
    """The facts of each record of a message that was not written."""
    session.rollback()
    entries = session.scalars(
        select(EvidenceRecord.entry)
        .where(EvidenceRecord.debt_id == debt.id, EvidenceRecord.act == "message_not_written")
        .order_by(EvidenceRecord.id)
    )
    return [json.loads(entry)["facts"] for entry in entries]


def work_waits() -> int:
    session.rollback()
    waiting = select(func.count()).select_from(QueuedJob).where(QueuedJob.name == remind.WRITE)
    return session.scalars(waiting.where(QueuedJob.state != "done")).one()


def test_the_night_puts_a_reminder_off_and_a_worker_writes_it_once(app: Flask, debt: Standing, due_on: date) -> None:
    assert written(debt) == [] and work_waits() == 1
    # Another night, a look at the plan, or the same work twice write no second one.
    night()
    plan = plan_on(debt)
    assert sweep.look_at(lender_id=plan.lender_id, plan_id=plan.id).reminders == 0
    assert work_waits() == 1
    assert work(app, only=remind.WRITE) == 1
    with transaction() as s:
        s.execute(update(QueuedJob).where(QueuedJob.name == remind.WRITE).values(state="ready"))
    assert work(app, only=remind.WRITE) == 1
    [message] = written(debt)
    assert (message.kind, message.state) == ("reminder", "waiting")
    assert not_written(debt) == []
    night()
    assert work_waits() == 0


def test_what_is_paid_meanwhile_is_not_asked_for_and_the_timeline_says_so(
    app: Flask, client: CheckingClient, debt: Standing, due_on: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe_says(a_payment(debt, amount="100.00", plan=plan_on(debt).reference), monkeypatch)
    work(app, only=remind.WRITE)
    assert written(debt) == []
    assert [facts["why"] for facts in not_written(debt)] == ["no_longer_true"]
    # It is nothing that is tried again.
    night()
    assert work_waits() == 0
    come_in(client, debt)
    assert page_of(client.get("/timeline")).says("A message to you was not written, because it was not needed any more")
    books_agree()


def test_it_names_what_is_missing_when_it_is_written(
    app: Flask, debt: Standing, due_on: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe_says(a_payment(debt, amount="40.00", plan=plan_on(debt).reference), monkeypatch)
    work(app, only=remind.WRITE)
    [message] = written(debt)
    assert "$60.00" in message.body and "$100.00" not in message.body
    assert message.about is not None and remind.still_true(debt.lender_id, message.about)


def test_it_is_written_in_the_language_that_is_chosen_by_then(app: Flask, debt: Standing, due_on: date) -> None:
    with transaction() as s:
        s.execute(update(Debtor).where(Debtor.id == debt.debtor_id).values(language="zh_Hans"))
    work(app, only=remind.WRITE)
    [message] = written(debt)
    assert message.language == "zh_Hans" and "您" in message.body


@pytest.mark.parametrize("what", ["the plan has ended", "its day has come", "another is due first"])
def test_what_makes_no_sense_any_more_is_not_written(
    app: Flask, debt: Standing, due_on: date, clock: Clock, what: str
) -> None:
    plan = plan_on(debt)
    if what == "the plan has ended":
        with transaction():
            progress.end(lender_id=debt.lender_id, reference=plan.reference, by=OPERATOR)
    elif what == "its day has come":
        clock.set(f"{due_on}T09:00-04:00")
    else:
        with transaction() as s:
            job = s.scalars(select(QueuedJob).where(QueuedJob.name == remind.WRITE)).one()
            job.payload = job.payload | {"seq": "2"}
    work(app, only=remind.WRITE)
    assert written(debt) == []
    [facts] = not_written(debt)
    assert facts["why"] == "no_longer_true" and facts["about"].startswith(f"reminder:{plan_on(debt).id}:")
    assert work_waits() == 0


def test_who_switched_reminders_off_meanwhile_gets_none_and_who_switches_them_on_gets_it_after_the_next_night(
    app: Flask, debt: Standing, due_on: date, clock: Clock
) -> None:
    def reminders(on: bool) -> None:
        with transaction():
            choices.choose(
                lender_id=debt.lender_id, debtor_id=debt.debtor_id, how="page",
                wanted={(channel, Group.REMINDERS): on for channel in ("email", "sms")},
                by=Actor("debtor", str(debt.debtor_id)),
            )  # fmt: skip

    reminders(False)
    work(app, only=remind.WRITE)
    assert written(debt) == []
    assert [facts["gate"]["reasons"] for facts in not_written(debt)] == [["opted_out"]]
    assert plan_on(debt).look_on == due_on - timedelta(days=2)
    # On the same day nobody tries again, and on the next the night does.
    night()
    assert work_waits() == 0
    reminders(True)
    clock.forward(days=1)
    night()
    work(app, only=remind.WRITE)
    assert [message.kind for message in written(debt)] == ["reminder"]


def test_what_may_not_be_written_is_on_record_once_for_each_reason_however_long_it_lasts(
    app: Flask, debt: Standing, due_on: date, clock: Clock
) -> None:
    by = Actor("debtor", str(debt.debtor_id))
    off = {(channel, Group.REMINDERS): False for channel in ("email", "sms")}
    with transaction():
        choices.choose(lender_id=debt.lender_id, debtor_id=debt.debtor_id, how="page", wanted=off, by=by)
    for _day in range(2):
        work(app, only=remind.WRITE)
        clock.forward(days=1)
        assert night().reminders == 1
    assert [facts["gate"]["reasons"] for facts in not_written(debt)] == [["opted_out"]]
    # Another reason is another record.
    with transaction():
        requests.open_request(
            lender_id=debt.lender_id, debtor_id=debt.debtor_id, kind=Kind.NOT_MINE, debt_id=debt.id,
            words="Not mine.", by=by, key="one",
        )  # fmt: skip
    work(app, only=remind.WRITE)
    reasons = [facts["gate"]["reasons"] for facts in not_written(debt)]
    assert len(reasons) == 2 and reasons[0] != reasons[1], reasons
    assert written(debt) == []


def test_a_worker_that_dies_while_it_writes_leaves_nothing_and_another_one_writes_it(
    app: Flask, debt: Standing, due_on: date, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(**named: Any) -> uuid.UUID | None:
        write_to(**named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("portal.contact.write.to", killed)
        with pytest.raises(KeyboardInterrupt):
            work(app, only=remind.WRITE)
    session.remove()
    assert written(debt) == [] and work_waits() == 1
    # Its lease ends after a minute.
    assert work(app, only=remind.WRITE) == 0
    the_lease_ends()
    assert work(app, only=remind.WRITE) == 1
    assert len(written(debt)) == 1 and work_waits() == 0


def test_without_a_contact_it_is_tried_again_every_night_until_the_day(
    app: Flask, debt: Standing, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.contact.write.contact_for", lambda **_asked: None)
    a_plan(debt)
    day = plan_items(debt)[0].due_on
    tried = []
    for before in (4, 3, 2, 1, 0):
        clock.set(f"{day - timedelta(days=before)}T01:00-04:00")
        tried.append(night().reminders)
        work(app, only=remind.WRITE)
    assert tried == [0, 1, 1, 1, 0]
    assert written(debt) == []
    assert portal_clock.today("America/New_York") == day
    assert session.scalars(select(Plan.state).where(Plan.debt_id == debt.id)).one() == "active"
