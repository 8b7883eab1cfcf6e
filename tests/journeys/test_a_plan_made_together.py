"""A colleague makes a plan with somebody on the phone: the same pages and acts, and the person alone says yes."""

from __future__ import annotations

import hashlib
import re

import pytest
from flask import Flask
from sqlalchemy import select

from portal.care.models import CareRequest
from portal.db import session
from portal.debts.statement import Standing
from portal.evidence.models import EvidenceRecord
from portal.lenders.models import Lender
from portal.plans.models import Plan, Proposal, Quote
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


def to_choose(worker: CheckingClient, debt: Standing, *, amount: str = "100") -> object:
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
    made = session.scalars(select(Quote)).one()
    read = page_of(check)
    assert read.says("Read this out, word for word") and read.says("10 May 2026")
    # What is read out is in the language of the person.
    assert ("我同意支付" in check.text) == (language == "zh_Hans")
    unread = worker.fill(check)
    assert unread.status_code == 422 and page_of(unread).says("Read it out first")
    for _press in range(2):
        sent = worker.fill(check, {"heard": "y"})
        assert page_of(sent).says("The link to the plan is on its way."), page_of(sent).words
    assert len(session.scalars(select(Message.id).where(Message.kind == "link_asked_for")).all()) == 1
    assert rows()["plan"] == 0

    own = client.fill(client.get(link_in_message()), birthday())
    assert own.request.path == f"/debts/{debt.reference}/check-your-plan/{made.number}"
    assert "Hel Desk" in own.text
    page = sign(client, client.fill(own, {"again": "1"}))
    plan = plan_on(debt)
    assert page.request.path == f"/plans/{plan.reference}"

    # The mark, with whose consent; and what was agreed to is what was read out.
    made = session.get_one(Quote, (lender.id, made.id), populate_existing=True)
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
    work(app, letters=True)
    kinds = set(session.scalars(select(Message.kind)))
    assert "plan_agreed" in kinds or "agreement" in kinds, kinds
    letters = page_of(client.get("/letters"))
    pdf = next(href for href, _words in letters.links if href.endswith(".pdf"))
    assert "Hel Desk" in read_pdf(client.get(pdf).data)
    timeline = page_of(client.get("/timeline"))
    if language == "en":
        for words in (
            "Hel Desk wrote down for you what you can pay: $100.00",
            "Hel Desk wrote down for you a day for paying",
            f"Hel Desk put a plan together with you, number {made.number}",
            f"Hel Desk read a plan out to you, number {made.number}, and sent you a link to agree to it",
            f"You agreed to a plan, number {plan.reference}, that Hel Desk put together with you",
        ):
            assert timeline.says(words), (words, timeline.words)
    # Nothing is left to make together, and the link leads on.
    assert page_of(worker.get(where(debt), follow_redirects=True)).says("There is a plan for this debt")
    assert page_of(client.get("/plan-that-waits", follow_redirects=True)).says("") and rows()["plan"] == 1
