"""Whoever of the staff sees people leaves a record: lists and files with their counts, one person with a reason."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.care.models import CareRequest
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.evidence.models import EvidenceRecord
from portal.lenders.models import Lender
from portal.payments.models import Payment, Refund, SetAside
from portal.plans.models import Plan
from portal.staff.roles import Role
from tests.conftest import Clock
from tests.journeys.acts import agree, come_in, rows
from tests.journeys.staff import a_client, a_worker, cheap, come_to_work
from tests.pages import CheckingClient, page_of

DEBTOR = "Robin Example (made up)"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


@pytest.fixture
def worker(app: Flask, lender: Lender) -> CheckingClient:
    """The browser of somebody who helps people and sees money."""
    client = a_client(app)
    come_to_work(client, a_worker(app, lender, Role.HELPDESK, Role.FINANCE, name="Hel Desk"))
    return client


@pytest.fixture
def cared_for(client: CheckingClient, debt: Standing) -> str:
    """A request of somebody who told us that large text helps; gives its number."""
    come_in(client, debt)
    asked = {"words": "I lost my job and am ill.", "need_large_text": "y"}
    client.fill(client.get(f"/help/cant-pay?debt={debt.reference}"), asked)
    session.rollback()
    return session.scalars(select(CareRequest.number)).one()


def looks() -> list[dict[str, Any]]:
    session.rollback()
    query = select(EvidenceRecord.entry).where(EvidenceRecord.act == "staff_looked").order_by(EvidenceRecord.id)
    return [json.loads(entry) for entry in session.scalars(query)]


def test_a_list_and_a_file_of_people_are_on_record_with_how_many_they_show(
    client: CheckingClient, worker: CheckingClient, debt: Standing, cared_for: str, clock: Clock
) -> None:
    agree(client, debt)
    session.rollback()
    plan = session.scalars(select(Plan.reference)).one()
    worker.head("/staff/plans?show=every")
    # A list in which nobody stands shows nobody.
    worker.get("/staff/plans?show=paused")
    worker.get("/staff/refunds")
    assert looks() == []
    for _again in range(2):
        worker.get("/staff/plans?show=every")
        worker.get(f"/staff/plans?find={plan}")
        worker.get("/staff/requests")
    hel = {"name": "Hel Desk"}
    seen = [each["facts"] for each in looks()]
    assert seen == [
        hel | {"list": "plans", "shown": 1, "show": "every"},
        hel | {"list": "plans", "shown": 1, "show": "every", "by": "number"},
        hel | {"list": "requests", "shown": 1},
    ]
    assert all(each["debtor"] is None and each["by"]["kind"] == "staff" for each in looks())
    # A file is taken along, each time.
    for _again in range(2):
        got = worker.get("/staff/plans/plans.csv?show=every")
        assert len(list(csv.reader(io.StringIO(got.get_data(as_text=True))))) == 2
    worker.get("/staff/requests.csv")
    assert [each["facts"] for each in looks()][3:] == [
        *[hel | {"file": "plans", "rows": 1, "show": "every"}] * 2,
        hel | {"file": "requests", "rows": 1},
    ]
    clock.forward(minutes=16)
    worker.get("/staff/plans?show=every")
    assert len(looks()) == 7


def test_what_somebody_who_needs_care_wrote_is_read_with_a_reason(
    client: CheckingClient, worker: CheckingClient, debt: Standing, cared_for: str
) -> None:
    here = f"/staff/requests/{cared_for}"
    asks = worker.get(here)
    assert page_of(asks).says("So whoever opens the page says why.") and not page_of(asks).says("I lost my job")
    assert looks() == []
    assert worker.fill(asks, {"reason": " "}).status_code == 422
    # What was typed elsewhere waits for the reason, and shows nothing before it.
    token = dict(page_of(asks).forms[0].fields)["csrf_token"]
    assert not page_of(worker.post(here, data={"csrf_token": token, "words": ""})).says("I lost my job")
    shown = worker.fill(asks, {"reason": "To answer it"})
    assert page_of(shown).says("I lost my job and am ill.")
    [look] = looks()
    assert look["debtor"] == str(debt.debtor_id)
    assert look["facts"] == {"name": "Hel Desk", "request": cared_for, "reason": "To answer it"}
    timeline = page_of(client.get("/timeline"))
    assert timeline.says(f"Hel Desk looked at what you wrote in request {cared_for}. The reason given: To answer it")
    # Whoever said why is not asked again while helping, and the person's page has the same reason.
    assert page_of(worker.get(here)).says("I lost my job")
    assert worker.get(f"/staff/people/{debt.debtor_id}").status_code == 200
    assert looks()[-1]["facts"] == {"name": "Hel Desk", "page": "person", "reason": "To answer it"}


def test_an_auditor_says_why_and_reads_and_a_plan_is_asked_for_as_well(
    app: Flask, client: CheckingClient, lender: Lender, debt: Standing, cared_for: str
) -> None:
    agree(client, debt)
    session.rollback()
    plan = session.scalars(select(Plan.reference)).one()
    auditor = a_client(app)
    come_to_work(auditor, a_worker(app, lender, Role.AUDITOR, name="Aud", email="aud@linden.example"))
    asks = auditor.get(f"/staff/plans/{plan}")
    assert not page_of(asks).says(debt.reference)
    assert page_of(auditor.fill(asks, {"reason": "Yearly check"})).says(plan)
    assert page_of(auditor.get(f"/staff/requests/{cared_for}")).says("I lost my job")
    timeline = page_of(client.get("/timeline"))
    assert timeline.says(f"Aud looked at your plan {plan}. The reason given: Yearly check")


def test_whoever_tries_limits_on_the_debt_of_somebody_who_needs_care_says_why(
    app: Flask, client: CheckingClient, lender: Lender, debt: Standing, cared_for: str
) -> None:
    author = a_client(app)
    come_to_work(author, a_worker(app, lender, Role.RULE_AUTHOR, name="Rue", email="rue@linden.example"))
    before = rows()
    asks = author.fill(author.get("/staff/limits/try"), {"reference": debt.reference, "payment": "50"})
    assert asks.status_code == 422 and page_of(asks).says("Say in a few words why you look at this debt.")
    assert not page_of(asks).says("What is offered") and rows() == before
    shown = author.fill(asks, {"reason": "A new card"})
    assert page_of(shown).says("What is offered"), page_of(shown).words
    assert looks()[-1]["facts"] == {"name": "Rue", "tried": debt.reference, "reason": "A new card"}
    assert page_of(client.get("/timeline")).says("The reason given: A new card")


def test_money_of_somebody_who_needs_care_is_opened_with_a_reason(
    app: Flask, lender: Lender, debt: Standing, cared_for: str, clock: Clock
) -> None:
    with transaction() as s:
        key = {"lender_id": debt.lender_id, "amount_minor": 1_000, "currency": "USD"}
        payment = Payment(
            **key, reference="P-1", form_key="f", debtor_id=debt.debtor_id, debt_id=debt.id, state="succeeded",
            session_expires_at=clock.at, payment_intent_id="pi_x", started_at=clock.at,
        )  # fmt: skip
        s.add(payment)
        s.flush()
        waits = SetAside(**key, why="amount", payment_id=payment.id, received={}, received_at=clock.at)
        back = Refund(
            **key, number="R-1", form_key="g", payment_id=payment.id, debtor_id=debt.debtor_id, state="done",
            payment_intent_id="pi_x", reason="Twice.", asked_at=clock.at, moved_at=clock.at,
        )  # fmt: skip
        s.add_all((waits, back))
        # Nobody knows whose this one is.
        stray = SetAside(**key, why="unknown", received={}, received_at=clock.at)
        s.add(stray)
        s.flush()
        aside, strays = waits.id, stray.id
    ways: list[tuple[str, str, dict[str, str] | None, dict[str, str]]] = [
        ("Fay", f"/staff/suspense/{aside}", None, {"aside": aside.hex}),
        ("Fox", "/staff/refunds/R-1", None, {"refund": "R-1"}),
        # Nor does a form that names a debt say whose it is.
        ("Flo", f"/staff/suspense/{strays}", {"debt": debt.reference, "why": "Theirs."}, {"aside": strays.hex}),
    ]
    for name, path, typed, what in ways:
        browser = a_client(app)
        come_to_work(browser, a_worker(app, lender, Role.FINANCE, name=name, email=f"{name}@linden.example"))
        before = [each for each in looks() if each["debtor"]]
        asks = browser.fill(browser.get(path), typed) if typed else browser.get(path)
        assert page_of(asks).says("So whoever opens the page says why.") and not page_of(asks).says(DEBTOR)
        assert [each for each in looks() if each["debtor"]] == before
        assert page_of(browser.fill(asks, {"reason": "To settle it"})).says(DEBTOR)
        assert looks()[-1]["facts"] == {"name": name, **what, "reason": "To settle it"}
