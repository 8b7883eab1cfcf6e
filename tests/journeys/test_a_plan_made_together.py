"""A colleague makes a plan with somebody on the phone: the same pages and acts, and the person alone says yes."""

from __future__ import annotations

import hashlib
import re

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.care.models import CareRequest
from portal.db import session
from portal.debts.statement import Standing
from portal.evidence.models import EvidenceRecord
from portal.lenders.models import Lender
from portal.plans.models import Proposal, Quote
from portal.post.models import Message
from portal.staff.roles import Role
from tests.conftest import Clock
from tests.factories import a_debt, a_debtor
from tests.journeys.acts import birthday, come_in, plan_on, read_pdf, rows, sign, to_choices, work
from tests.journeys.staff import a_client, a_worker, cheap, come_to_work
from tests.journeys.test_acting_for_somebody import agreed
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


def where(debt: Standing, page: str = "what-can-you-afford") -> str:
    return f"/staff/people/{debt.debtor_id}/act/plan/{debt.reference}/{page}"


def to_choose(worker: CheckingClient, debt: Standing, *, amount: str = "100") -> TestResponse:
    """Say for somebody how much and which day; gives the page of plans to choose from."""
    day = worker.fill(worker.get(where(debt)), {"amount": amount, "frequency": "monthly"})
    return worker.fill(day, {"pay_day": "10"})


def link_in_message() -> str:
    """Give the link of the newest message that leads to a plan."""
    body = session.scalars(
        select(Message.body).where(Message.kind == "link_asked_for").order_by(Message.id.desc()).limit(1)
    ).one()
    found = re.search(r"http://localhost(/i/\S+\?to=plan)", body)
    assert found is not None, body
    return found[1]


def entries(act: str) -> list[str]:
    session.rollback()
    return list(session.scalars(select(EvidenceRecord.entry).where(EvidenceRecord.act == act)))


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_from_the_first_question_to_the_persons_own_yes(
    app: Flask, client: CheckingClient, worker: CheckingClient, lender: Lender, language: str
) -> None:
    debt = a_debt("900.00", lender=lender, debtor=a_debtor(lender=lender, language=language))
    address = agreed(worker, debt)
    start = next(href for href, _words in page_of(worker.get(address)).links if "/act/plan/" in href)
    assert start == where(debt)
    choices = to_choose(worker, debt)
    shown = page_of(choices)
    assert shown.says("You act for ") and shown.says("Which plan do you want to look at?"), shown.words
    check = worker.fill(choices, {"choose": "own"})
    assert check.request.path.startswith(where(debt, "check-your-plan/")), check.request.path
    number = session.scalars(select(Quote.number)).one()
    read = page_of(check)
    assert read.says("Read this out, word for word") and read.says("10 May 2026")
    # What is read out is in the language of the person.
    assert ("本人同意就欠款" in check.text) == (language == "zh_Hans")
    unread = worker.fill(check, to=number)
    assert unread.status_code == 422 and page_of(unread).says("Read it out first")
    for _press in range(2):
        sent = worker.fill(check, {"heard": "y"}, to=number)
        assert page_of(sent).says("The link to the plan is on its way."), page_of(sent).words
    assert len(session.scalars(select(Message.id).where(Message.kind == "link_asked_for")).all()) == 1
    assert rows()["plan"] == 0

    own = client.fill(client.get(link_in_message()), birthday())
    assert own.request.path == f"/debts/{debt.reference}/check-your-plan/{number}"
    assert "Hel Desk" in own.text
    page = sign(client, client.fill(own, {"again": "1"}))
    plan = plan_on(debt)
    assert page.request.path == f"/plans/{plan.reference}"

    session.rollback()
    # The mark, with whose consent; and what was agreed to is what was read out.
    made = session.scalars(select(Quote)).one()
    assert made.terms["read_out"] == plan.agreed_text and "Hel Desk" in plan.agreed_text
    [consent] = session.scalars(select(EvidenceRecord.entry).where(EvidenceRecord.act == "consent_given"))
    consent_id = re.findall(r'"consent":"([\w-]+)"', consent)[0]
    assert made.terms["prepared"] == {"helper": "Hel Desk", "consent": consent_id}
    digest = hashlib.sha256(plan.agreed_text.encode()).hexdigest()
    [agreed_to] = entries("plan_agreed")
    assert digest in agreed_to and consent_id in agreed_to and '"kind":"debtor"' in agreed_to
    [read_out] = entries("link_sent")
    assert digest in read_out and consent_id in read_out and '"kind":"staff"' in read_out
    assert all('"kind":"staff"' in each and consent_id in each for each in entries("plan_proposed"))
    reference = plan.reference
    work(app, letters=True)
    letters = page_of(client.get("/letters"))
    pdf = next(href for href, _words in letters.links if href.endswith(".pdf"))
    assert "Hel Desk" in read_pdf(client.get(pdf).data)
    timeline = page_of(client.get("/timeline"))
    if language == "en":
        for words in (
            "Hel Desk wrote down for you what you can pay: $100.00",
            "Hel Desk wrote down for you a day for paying",
            f"Hel Desk put a plan together with you, number {number}",
            f"Hel Desk read a plan out to you, number {number}, and sent you a link to agree to it",
            f"You agreed to a plan, number {reference}, that Hel Desk put together with you",
        ):
            assert timeline.says(words), (words, timeline.words)
    # Nothing is left to make together.
    assert page_of(worker.get(where(debt), follow_redirects=True)).says("There is a plan for this debt")


def test_without_consent_no_step_is_done_and_what_waits_is_the_persons_own(
    client: CheckingClient, worker: CheckingClient, debt: Standing, clock: Clock
) -> None:
    for page in ("what-can-you-afford", "which-day-suits-you", "choose-a-plan", "your-budget", "check-your-plan/Q-1"):
        assert page_of(worker.get(where(debt, page), follow_redirects=True)).says("Nothing is agreed any more"), page
    agreed(worker, debt)
    asked, choices = worker.get(where(debt)), to_choose(worker, debt)
    check = worker.fill(choices, {"choose": "own"})
    number = check.request.path.rpartition("/")[2]
    clock.forward(minutes=29)
    worker.get(where(debt))
    clock.forward(minutes=1)
    before = rows()
    for page, typed in (
        (asked, {"amount": "90", "frequency": "monthly"}),
        (choices, {"choose": "own"}),
        (check, {"heard": "y"}),
    ):
        late = worker.fill(page, typed, to=page.request.path)
        assert page_of(late).says("Nothing is agreed any more"), page_of(late).words
    assert rows() == before
    # A plan that was not read out is not shown to the person as one that waits, and the link's page says so.
    come_in(client, debt)
    assert page_of(client.get("/plan-that-waits", follow_redirects=True)).says("No plan waits for you any more")
    own = client.get(f"/debts/{debt.reference}/choose-a-plan")
    assert not page_of(own).says("What you went through with")
    # Who chooses the same oneself has a quote of one's own, without the mark.
    agreed(worker, debt)
    sent = worker.fill(worker.get(check.request.path), {"heard": "y"}, to=number)
    assert page_of(sent).says("The link to the plan is on its way.")
    for page in ("what-can-you-afford", "choose-a-plan"):
        own = client.get(f"/debts/{debt.reference}/{page}")
        assert page_of(own).says("What you went through with Hel Desk"), page_of(own).words
    assert f"/debts/{debt.reference}/check-your-plan/{number}" in {href for href, _words in page_of(own).links}
    chosen = client.fill(own, {"choose": "own"})
    assert number not in chosen.request.path and not page_of(chosen).says("Hel Desk")
    sign(client, chosen)
    assert "Hel Desk" not in plan_on(debt).agreed_text
    [agreed_to] = entries("plan_agreed")
    assert "prepared" not in agreed_to


def test_an_offer_and_a_budget_are_the_persons_own_and_marked(
    client: CheckingClient, worker: CheckingClient, debt: Standing
) -> None:
    agreed(worker, debt)
    choices = to_choose(worker, debt, amount="2")
    # The same pages say the same.
    come_in(client, debt)
    for words in ("Is all of this too much?", "None of these?"):
        own = page_of(client.get(f"/debts/{debt.reference}/choose-a-plan"))
        assert page_of(choices).says(words) and own.says(words)
    left = worker.fill(worker.get(where(debt, "your-budget")), {"earnings": "1000", "home": "900"}, to="/your-budget")
    assert page_of(left).says("What you have left in a month"), page_of(left).words
    for _press in range(2):
        sent = worker.fill(choices, {"send": ""}, to="/choose-a-plan")
        assert page_of(sent).says("asked"), page_of(sent).words
    [request] = session.scalars(select(CareRequest)).all()
    assert (request.kind, request.debt_id) == ("offer", debt.id)
    told = session.scalars(select(Message.body).where(Message.kind.in_(("done_for_you", "request_received")))).all()
    assert len(told) == 1 and "Hel Desk" in str(told[0]) and request.number in str(told[0])
    timeline = page_of(client.get("/timeline"))
    assert timeline.says("Hel Desk wrote down for you what you live on")
    assert timeline.says("Hel Desk sent us an offer of $2.00 for you"), timeline.words


def test_a_plan_is_made_for_whom_it_was_agreed_alone(
    app: Flask, client: CheckingClient, worker: CheckingClient, lender: Lender, debt: Standing
) -> None:
    other = a_debt("500.00", lender=lender, debtor=a_debtor(lender=lender, name="Other Example (made up)"))
    agreed(worker, debt)
    # Another person's debt under the address of the one who agreed, and a quote that the person chose alone.
    mixed = where(debt).replace(debt.reference, other.reference)
    assert worker.get(mixed).status_code == 404
    assert page_of(worker.get(where(other), follow_redirects=True)).says("Nothing is agreed any more")
    come_in(client, debt)
    client.fill(to_choices(client, debt), {"choose": "own"})
    number = session.scalars(select(Quote.number)).one()
    assert worker.get(where(debt, f"check-your-plan/{number}")).status_code == 404
    auditor = a_client(app)
    come_to_work(auditor, a_worker(app, lender, Role.AUDITOR, name="Aud", email="aud@linden.example"))
    assert auditor.get(where(debt)).status_code == 403
    assert session.scalars(select(Proposal.debtor_id)).all() == [debt.debtor_id] and rows()["plan"] == 0
