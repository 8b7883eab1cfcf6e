"""Plans on the pages of the staff: by state, what needs a person, and what a colleague decides, once and on record."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal import sweep
from portal.db import session, transaction
from portal.debts.statement import Standing, by_id
from portal.evidence.models import EvidenceRecord
from portal.lenders.models import Lender
from portal.plans.models import Plan, PlanCheck
from portal.post.models import Message
from portal.staff.models import StaffMember
from portal.staff.roles import Role
from tests.conftest import Clock
from tests.factories import a_debt, a_debtor, a_lender
from tests.journeys.acts import acts_of, books_agree, come_in, plan_items, plan_on
from tests.journeys.staff import Worker, a_client, a_worker, cheap, come_to_work
from tests.pages import CheckingClient, page_of
from tests.settling import a_plan


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


@pytest.fixture
def hel(app: Flask, lender: Lender) -> Worker:
    return a_worker(app, lender, Role.HELPDESK, email="hel@linden.example", name="Hel Desk")


@pytest.fixture
def broken(app: Flask, debt: Standing, clock: Clock) -> Plan:
    """A plan of which the days to make up for it were over yesterday; a person is asked."""
    with app.app_context():
        plan = a_plan(debt)
        clock.set(f"{plan_items(debt)[1].due_on + timedelta(days=plan.grace_days + plan.cure_days + 1)}T10:00-04:00")
        sweep.look_at(lender_id=plan.lender_id, plan_id=plan.id)
    return plan


@pytest.fixture
def worker(app: Flask, hel: Worker, broken: Plan) -> CheckingClient:
    """The browser of somebody of the helpdesk, on the day on which the plan waits."""
    client = a_client(app)
    come_to_work(client, hel)
    return client


def tells(page: TestResponse, *words: str) -> bool:
    """Say whether a page says all of it."""
    shown = page_of(page)
    missing = [each for each in words if not shown.says(each)]
    assert not missing, (missing, shown.words)
    return True


def sent_words(debt: Standing, kind: str) -> int:
    return len(session.scalars(select(Message.id).where(Message.debt_id == debt.id, Message.kind == kind)).all())


def test_what_needs_a_person_comes_first_and_plans_are_found_by_state_and_number(
    app: Flask, lender: Lender, debt: Standing, broken: Plan, worker: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = a_debt("400.00", lender=lender, debtor=a_debtor(lender=lender, name="Ämilia Öst (made up)"))
    with app.app_context():
        second = a_plan(other)
    elsewhere = a_lender(slug="elsewhere")
    theirs = a_debt("500.00", lender=elsewhere)
    with app.app_context():
        foreign = a_plan(theirs).reference

    def listed(**args: str) -> list[str]:
        shown = page_of(worker.get("/staff/plans", query_string=args)).words
        assert foreign not in shown
        return [one for one in (broken.reference, second.reference) if one in shown]

    assert listed() == [broken.reference]
    assert tells(worker.get("/staff/plans"), "1 plan needs a person.", "The days to make up for it are over")
    assert listed(show="every") == [broken.reference, second.reference]
    assert listed(show="agreed") == [second.reference] == listed(find=other.reference.lower())
    assert listed(find=other.reference.replace("-", " ")) == [second.reference]
    assert listed(find=broken.reference.replace("-", "")) == [broken.reference]
    assert listed(find=broken.reference) == [broken.reference] and listed(find="Ämilia") == []
    assert tells(worker.get("/staff/plans?show=paused"), "No plan stands like this")
    assert listed(show="no such state", after="no id") == [broken.reference]
    monkeypatch.setattr("portal.helpdesk.plan_pages.A_PAGE", 1)
    first = page_of(worker.get("/staff/plans?show=every"))
    assert broken.reference in first.words and second.reference not in first.words
    [onward] = [url for url, _words in first.links if "after=" in url]
    assert second.reference in page_of(worker.get(onward)).words
    file = csv.DictReader(io.StringIO(worker.get("/staff/plans/plans.csv?show=every").get_data(as_text=True)[1:]))
    assert [(row["plan"], row["state"], row["waits for"]) for row in file] == [
        (broken.reference, "broken", "cure_over"),
        (second.reference, "agreed", ""),
    ]
    assert worker.get(f"/staff/plans/{foreign}").status_code == 404


def test_more_time_is_given_once_and_the_person_is_told_and_sees_who_looked(
    client: CheckingClient, debt: Standing, broken: Plan, worker: CheckingClient
) -> None:
    here = f"/staff/plans/{broken.reference}"
    shown = worker.get(here)
    assert tells(shown, "Broken", "The days to make up for it are over", "Nothing ends by itself.", "Missing now")
    form = worker.get(f"{here}/more-time")
    bad = worker.fill(form, {"days": "0", "found": "In hospital."})
    assert bad.status_code == 422 and tells(bad, "Enter a number of days, 1 to 366.")
    assert "In hospital." in bad.get_data(as_text=True) and acts_of(debt.lender_id)["plan_more_time"] == 0
    done = worker.fill(form, {"days": "10", "found": "In hospital."})
    assert tells(done, "There is time until", "and the person is told.", "In hospital.", "Hel Desk")
    again = worker.fill(form, {"days": "10", "found": "In hospital."})
    assert tells(again, "That was done already, perhaps by a colleague, or money came.")
    late = worker.get(f"{here}/end", follow_redirects=True)
    assert tells(late, "That was done already")
    assert acts_of(debt.lender_id)["plan_more_time"] == 1 and sent_words(debt, "plan_more_time") == 1
    assert plan_on(debt).state == "broken"
    assert tells(worker.get("/staff/plans"), "No plan needs a person")
    come_in(client, debt)
    assert tells(client.get("/timeline"), f"Hel Desk looked at your plan {broken.reference}")
    # Turning the same page again and again is one look.
    assert acts_of(debt.lender_id)["staff_looked"] == 1
    books_agree()


def test_a_colleague_ends_a_broken_plan_and_what_was_found_stays_with_it(
    debt: Standing, broken: Plan, worker: CheckingClient, hel: Worker
) -> None:
    owed = by_id(lender_id=debt.lender_id, debt_id=debt.id).owed
    form = worker.get(f"/staff/plans/{broken.reference}/end")
    assert tells(form, "What was paid stays paid", "This can’t be taken back.")
    assert worker.fill(form, {"found": " "}).status_code == 422
    done = worker.fill(form, {"found": "Called twice.\nNo sign of trouble."})
    assert tells(done, "The plan has ended, and the person is told.", "Ended as broken", "Called twice.")
    again = worker.fill(form, {"found": "Once more."})
    assert tells(again, "That was done already")
    session.rollback()
    check = session.scalars(select(PlanCheck)).one()
    assert (check.closed_by, check.words) == (f"staff:{hel.id}", "Called twice.\nNo sign of trouble.")
    moved = session.scalars(
        select(EvidenceRecord.entry).where(EvidenceRecord.act == "plan_moved", EvidenceRecord.actor_kind == "staff")
    )
    assert [json.loads(entry)["facts"]["after"] for entry in moved] == ["ended_broken"]
    assert by_id(lender_id=debt.lender_id, debt_id=debt.id).owed == owed and sent_words(debt, "plan_ended") == 1
    books_agree()


def test_whoever_may_only_read_decides_nothing_and_whose_role_is_gone_under_the_lock_neither(
    app: Flask, lender: Lender, debt: Standing, broken: Plan, worker: CheckingClient, hel: Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    reader, stranger = a_client(app), a_client(app)
    come_to_work(reader, a_worker(app, lender, Role.AUDITOR, email="aud@linden.example"))
    come_to_work(stranger, a_worker(app, lender, Role.RULE_AUTHOR, email="author@linden.example"))
    here = f"/staff/plans/{broken.reference}"
    shown = page_of(reader.get(here))
    assert shown.says("The days to make up for it are over") and not shown.says("Give more time")
    assert stranger.get("/staff/plans").status_code == 403 == stranger.get(here).status_code
    form = worker.get(f"{here}/end")
    for client in (reader, stranger):
        assert client.get(f"{here}/end").status_code == 403
        token = dict(page_of(client.get("/staff")).forms[0].fields)["csrf_token"]
        assert client.post(f"{here}/end", data={"found": "x", "csrf_token": token}).status_code == 403

    def taken_away(**_who: object) -> StaffMember:
        return StaffMember(lender_id=lender.id, id=hel.id, state="active", roles=[Role.AUDITOR.value])

    monkeypatch.setattr("portal.helpdesk.keeping.members.locked", taken_away)
    assert worker.fill(form, {"found": "x"}).status_code == 403
    assert plan_on(debt).state == "broken" and acts_of(lender.id)["plan_check_closed"] == 0


def test_a_review_is_noted_and_nothing_of_the_plan_changes(
    app: Flask, debt: Standing, worker: CheckingClient, broken: Plan
) -> None:
    with app.app_context(), transaction() as s:
        plan = s.get_one(Plan, (broken.lender_id, broken.id))
        s.add(PlanCheck(lender_id=plan.lender_id, id=plan.id, plan_id=plan.id, kind="review", day=plan.look_on,
                        opened_at=plan.agreed_at))  # fmt: skip
    here = f"/staff/plans/{broken.reference}"
    assert tells(worker.get(here), "The day of its review has come")
    done = worker.fill(worker.get(f"{here}/looked-at"), {"found": "Goes on."})
    assert tells(done, "It is noted", "Goes on.")
    assert not page_of(worker.get(here)).says("I looked at it") and plan_on(debt).state == "broken"
    assert tells(worker.get(here), "Give more time")
