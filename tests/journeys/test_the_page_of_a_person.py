"""The helpdesk opens a person's page: what is on it, that the person sees it, and that the screen is the person's."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.care.models import CareRequest
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.evidence.models import EvidenceRecord
from portal.lenders.models import Lender
from portal.plans.models import Plan
from portal.staff.models import StaffMember
from portal.staff.roles import Role
from tests.conftest import Clock
from tests.factories import a_debt, a_debtor
from tests.journeys.acts import agree, come_in, rows
from tests.journeys.staff import a_client, a_worker, cheap, come_to_work
from tests.pages import CheckingClient, page_of

TABS = ("", "/screen", "/screen/frame", "/payments", "/letters", "/requests", "/timeline")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


@pytest.fixture
def worker(app: Flask, lender: Lender) -> CheckingClient:
    """The browser of somebody of the helpdesk."""
    client = a_client(app)
    come_to_work(client, a_worker(app, lender, Role.HELPDESK, name="Hel Desk"))
    return client


def looks() -> list[dict[str, Any]]:
    session.rollback()
    entries = session.scalars(
        select(EvidenceRecord.entry).where(EvidenceRecord.act == "staff_looked").order_by(EvidenceRecord.id)
    )
    return [json.loads(entry) for entry in entries]


def main_of(html: str) -> str:
    found = re.search(r"<main\b.*</main>", html, re.DOTALL)
    assert found is not None
    return found[0]


def words_of(html: str) -> list[str]:
    return re.sub(r"<[^>]*>", "\n", html).split()


def test_everything_of_a_person_stands_on_the_pages(
    client: CheckingClient, worker: CheckingClient, debt: Standing
) -> None:
    come_in(client, debt)
    agree(client, debt)
    client.fill(client.get(f"/help/talk-to-a-person?debt={debt.reference}"), {"words": "Please call me."})
    session.rollback()
    plan = session.scalars(select(Plan.reference)).one()
    path = f"/staff/people/{debt.debtor_id}"
    first = page_of(worker.get(path))
    for text in (debt.reference, plan, "Borrowed money", "payments done", "May I contact them now?"):
        assert first.says(text), text
    assert page_of(worker.get(f"{path}/payments")).says("Nothing was paid yet")
    assert page_of(worker.get(f"{path}/letters")).says("Newest messages")
    assert page_of(worker.get(f"{path}/requests")).says("Talk to a person")
    assert page_of(worker.get(f"{path}/timeline")).says("Hel Desk opened your page")


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_their_screens_are_what_they_see_and_nothing_can_be_done_on_them(
    client: CheckingClient, worker: CheckingClient, lender: Lender, language: str
) -> None:
    debtor = a_debtor(lender=lender, language=language, zone="Asia/Shanghai")
    debt = a_debt(lender=lender, debtor=debtor)
    a_debt("120.00", lender=lender, debtor=debtor)
    come_in(client, debt)
    agree(client, debt)
    worker.get(f"/staff/people/{debtor.id}")
    client.fill(client.get(f"/help/talk-to-a-person?debt={debt.reference}"), {"words": "Please call me."})
    session.rollback()
    plan, number = session.scalars(select(Plan.reference)).one(), session.scalars(select(CareRequest.number)).one()
    frame, before = f"/staff/people/{debtor.id}/screen/frame", rows()
    paths = ("/home", f"/debts/{debt.reference}", f"/debts/{debt.reference}/pay-off", f"/plans/{plan}", "/letters")
    for path in (*paths, "/points", "/requests", f"/requests/{number}"):
        answer = worker.get(frame + path)
        html = answer.get_data(as_text=True)
        theirs = main_of(client.get(path).get_data(as_text=True))
        assert words_of(main_of(html)) == words_of(theirs), path
        # Every link stays here or leads nowhere, and nothing can be filled in or sent.
        assert all(link.startswith((frame, "#")) for link in re.findall(r'<a\b[^>]*\shref="([^"]*)"', html)), path
        assert theirs.count("<form") == html.count("<form inert") and not re.search(
            r"<(button|input)\b(?! disabled)", html
        )
        policy = answer.headers["Content-Security-Policy"]
        assert "form-action 'none'" in policy and policy.endswith("sandbox allow-same-origin")
        assert "default-src 'none'" in policy and "frame-ancestors 'self'" in policy and "script-src" not in policy
    assert worker.get(frame).data == worker.get(f"{frame}/home").data
    assert rows() == before
    assert f'href="{frame}/plans/{plan}"' in worker.get(frame).get_data(as_text=True)
    # What does something, what is a file, what is the colleague's own, and what is somebody else's is not there.
    other = a_debt(lender=lender, debtor=a_debtor(lender=lender))
    for path in ("/pay", "/you", "/debts.csv", "/staff", "/sign-in", f"/debts/{other.reference}", "/nowhere"):
        assert worker.get(frame + path).status_code == 404, path
    assert worker.post(f"{frame}/home").status_code in (400, 405)
    # Whoever looks stays who he or she is.
    assert page_of(worker.get("/staff")).says("Hel Desk")
    around = worker.get(f"/staff/people/{debtor.id}/screen")
    assert 'sandbox="allow-same-origin"' in around.get_data(as_text=True)
    assert page_of(around).says("only to look at")


def test_who_opened_the_page_stands_on_the_persons_timeline_once(
    client: CheckingClient, worker: CheckingClient, debt: Standing, clock: Clock
) -> None:
    path = f"/staff/people/{debt.debtor_id}"
    worker.head(path)
    assert looks() == []
    for tab in TABS * 2:
        worker.get(path + tab)
    [look] = looks()
    assert look["debtor"] == str(debt.debtor_id)
    assert look["facts"] == {"name": "Hel Desk", "page": "person"}
    come_in(client, debt)
    assert page_of(client.get("/timeline")).says("Hel Desk opened your page")


def test_whoever_comes_back_on_another_half_day_has_looked_again(
    app: Flask, lender: Lender, debt: Standing, clock: Clock
) -> None:
    member, client = a_worker(app, lender, Role.HELPDESK), a_client(app)
    path = f"/staff/people/{debt.debtor_id}"
    come_to_work(client, member)
    client.get(path)
    clock.forward(hours=4, minutes=1)
    come_to_work(client, member)
    assert client.get(path).status_code == 200
    assert len(looks()) == 2


def test_who_needs_care_is_opened_with_a_reason_that_the_person_reads(
    client: CheckingClient, worker: CheckingClient, debt: Standing
) -> None:
    come_in(client, debt)
    client.fill(client.get(f"/help/not-mine?debt={debt.reference}"), {"words": "I never borrowed that."})
    path = f"/staff/people/{debt.debtor_id}"
    for tab in TABS:
        answer = worker.get(path + tab)
        assert answer.location.endswith("/reason"), tab
        assert debt.reference not in answer.get_data(as_text=True)
    assert looks() == []
    refused = worker.fill(worker.get(f"{path}/reason"), {"reason": "  "})
    assert refused.status_code == 422
    opened = worker.fill(worker.get(f"{path}/reason"), {"reason": "They called about the letter"})
    assert page_of(opened).says("Something is disputed")
    assert looks()[0]["facts"]["reason"] == "They called about the letter"
    assert page_of(client.get("/timeline")).says("The reason given: They called about the letter")


def test_a_role_taken_away_in_mid_session_closes_the_page_with_the_next_click(
    app: Flask, lender: Lender, debt: Standing
) -> None:
    member, client = a_worker(app, lender, Role.HELPDESK, email="gone@linden.example"), a_client(app)
    come_to_work(client, member)
    path = f"/staff/people/{debt.debtor_id}"
    assert client.get(path).status_code == 200
    with transaction() as s:
        s.get_one(StaffMember, (lender.id, member.id)).roles = []
    for tab in TABS:
        assert client.get(path + tab).status_code == 403
    assert client.get("/staff/people").status_code == 403


def test_whether_one_may_call_follows_the_hours_and_what_they_asked_for(
    app: Flask, client: CheckingClient, lender: Lender, clock: Clock
) -> None:
    debtor = a_debtor(lender=lender, phone="+12125550123")
    debt = a_debt(lender=lender, debtor=debtor)
    member, worker = a_worker(app, lender, Role.HELPDESK), a_client(app)
    come_to_work(worker, member)
    path = f"/staff/people/{debtor.id}"
    # Nine in the morning in London is five in New York.
    night = page_of(worker.get(path))
    assert night.says("It is night, or a day of rest, where they may be.")
    assert night.says("From")
    clock.forward(hours=8)
    come_to_work(worker, member)
    day = page_of(worker.get(path))
    assert day.says("Call +1 212-555-0123 Yes")
    come_in(client, debt)
    client.fill(client.get(f"/help/cant-pay?debt={debt.reference}"), {"words": "Please write.", "need_no_calls": "y"})
    worker.fill(worker.get(f"{path}/reason"), {"reason": "To see how to reach them"})
    assert page_of(worker.get(path)).says("No Call +1 212-555-0123 They asked not to be called.")
