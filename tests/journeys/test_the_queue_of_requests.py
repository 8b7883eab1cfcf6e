"""The helpdesk's queue: what people asked for, read on record, taken, answered and closed on the pages of the staff."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from portal.care.models import CareRequest
from portal.db import session
from portal.debts.statement import Standing
from portal.evidence.models import EvidenceRecord
from portal.lenders.models import Lender
from portal.post.models import Message
from portal.staff.roles import Role
from tests.conftest import Clock
from tests.journeys.acts import come_in
from tests.journeys.staff import a_client, a_worker, cheap, come_to_work
from tests.pages import CheckingClient, page_of


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


@pytest.fixture
def worker(app: Flask, lender: Lender) -> CheckingClient:
    """The browser of somebody of the helpdesk."""
    client = a_client(app)
    come_to_work(client, a_worker(app, lender, Role.HELPDESK, name="Hel Desk"))
    return client


def ask(client: CheckingClient, debt: Standing, *, words: str = "I lost my job.") -> str:
    """Ask as a person does; gives the number."""
    come_in(client, debt)
    client.fill(client.get(f"/help/cant-pay?debt={debt.reference}"), {"words": words})
    session.rollback()
    return session.scalars(select(CareRequest.number).order_by(CareRequest.id.desc()).limit(1)).one()


def test_a_request_is_read_taken_answered_and_closed(
    client: CheckingClient, worker: CheckingClient, debt: Standing
) -> None:
    number = ask(client, debt)
    page = worker.get("/staff/requests")
    assert page_of(page).says(number)
    assert "I lost my job." not in page.get_data(as_text=True)
    shown = worker.get(f"/staff/requests/{number}")
    assert page_of(shown).says("I lost my job.")
    taken = worker.fill(shown, to="/take")
    assert page_of(taken).says("It is with you now.")
    assert page_of(worker.get("/staff/requests")).says("Hel Desk")
    answered = worker.fill(taken, {"words": "We pause your plan for two months."})
    assert page_of(answered).says("The answer is sent.")
    assert page_of(client.get(f"/requests/{number}")).says("We pause your plan for two months.")
    assert session.scalars(select(Message).where(Message.kind == "request_answered")).one().debtor_id == debt.debtor_id
    closed = worker.fill(answered, to="/close")
    assert page_of(closed).says("It is closed")
    assert page_of(worker.get("/staff/requests")).says("Nothing waits")


def test_whoever_looks_is_on_record_and_on_the_persons_timeline(
    client: CheckingClient, worker: CheckingClient, debt: Standing, clock: Clock
) -> None:
    number = ask(client, debt)
    for _look in range(3):
        worker.get(f"/staff/requests/{number}")
    looks = select(EvidenceRecord).where(EvidenceRecord.act == "staff_looked")
    [seen] = session.scalars(looks).all()
    assert (seen.actor_kind, seen.debtor_id) == ("staff", debt.debtor_id)
    assert page_of(client.get("/timeline")).says(f"Hel Desk looked at what you wrote in request {number}")
    clock.forward(minutes=16)
    worker.get(f"/staff/requests/{number}")
    assert len(session.scalars(looks).all()) == 2


def test_a_second_answer_of_a_colleague_changes_nothing(
    app: Flask, client: CheckingClient, worker: CheckingClient, lender: Lender, debt: Standing
) -> None:
    number = ask(client, debt)
    other = a_client(app)
    come_to_work(other, a_worker(app, lender, Role.HELPDESK, email="two@linden.example", name="Two"))
    both = [browser.get(f"/staff/requests/{number}") for browser in (worker, other)]
    assert page_of(worker.fill(both[0], {"words": "First."})).says("The answer is sent.")
    assert page_of(other.fill(both[1], {"words": "Second."})).says("That was done already, perhaps by a colleague.")
    assert session.scalars(select(CareRequest.answer)).one() == "First."


def test_what_can_not_wait_comes_first_and_an_answer_has_words(
    client: CheckingClient, worker: CheckingClient, debt: Standing
) -> None:
    calm = ask(client, debt)
    urgent = ask(client, debt, words="I want to die.")
    page = page_of(worker.get("/staff/requests"))
    assert page.says("1 can’t wait")
    assert page.words.index(urgent) < page.words.index(calm)
    refused = worker.fill(worker.get(f"/staff/requests/{calm}"), {"words": "   "})
    assert refused.status_code == 422
    assert page_of(refused).says("Write the answer, as the person reads it.")


def test_an_auditor_reads_and_answers_nothing(
    app: Flask, client: CheckingClient, lender: Lender, debt: Standing
) -> None:
    number = ask(client, debt)
    auditor = a_client(app)
    come_to_work(auditor, a_worker(app, lender, Role.AUDITOR))
    page = auditor.get(f"/staff/requests/{number}")
    assert page_of(page).says("I lost my job.")
    assert not any("words" in form.names for form in page_of(page).forms)
    token = next(v for form in page_of(page).forms for n, v in form.fields if n == "csrf_token")
    for path in ("", "/take", "/close"):
        answer = auditor.post(f"/staff/requests/{number}{path}", data={"csrf_token": token, "words": "No."})
        assert answer.status_code == 403
    assert session.scalars(select(CareRequest.state)).one() == "open"


def test_the_queue_is_a_file_too(client: CheckingClient, worker: CheckingClient, debt: Standing) -> None:
    number = ask(client, debt)
    text = worker.get("/staff/requests.csv").get_data().decode("utf-8-sig")
    assert number in text
    assert "I lost my job." not in text
