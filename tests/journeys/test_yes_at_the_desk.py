"""Yes to an offer on the pages of the staff: what may be granted, with its figures, and one act per offer."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from portal.db import session
from portal.debts.statement import Standing
from portal.evidence.models import EvidenceRecord
from portal.lenders.models import Lender
from portal.plans.models import Quote
from portal.staff.roles import Role
from tests.factories import a_debt, a_debtor, a_lender
from tests.journeys.acts import books_agree, come_in, command, plan_on, rows, sign
from tests.journeys.staff import a_client, a_worker, cheap, come_to_work
from tests.journeys.test_a_plan_that_a_person_grants import LIMITS, looked_at, sent, steps
from tests.pages import CheckingClient, page_of


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


@pytest.fixture
def lender() -> Lender:
    """One whose cards leave something to a person."""
    return a_lender(limits=LIMITS)


@pytest.fixture
def worker(app: Flask, lender: Lender) -> CheckingClient:
    """The browser of somebody of the helpdesk."""
    client = a_client(app)
    come_to_work(client, a_worker(app, lender, Role.HELPDESK, name="Hel Desk"))
    return client


@pytest.fixture
def debt(lender: Lender) -> Standing:
    """What somebody owes who asks for 35.00 a month: 33 months, of which 24 need nobody."""
    return a_debt("900.00", lender=lender, debtor=a_debtor(lender=lender))


def asked_for(client: CheckingClient, debt: Standing, *, amount: str = "35") -> str:
    """Come in and send an offer; gives the number of its request."""
    come_in(client, debt)
    return sent(client, debt, amount=amount)


def test_yes_to_what_the_card_allows_with_every_figure_and_the_debtor_agrees_with_a_code(
    client: CheckingClient, worker: CheckingClient, debt: Standing
) -> None:
    number = asked_for(client, debt)
    shown = page_of(worker.get(f"/staff/requests/{number}"))
    for words in ("Asked $35.00 a month", "Largest payment $35.00 a month", "Number of payments 33", "You pay in all"):
        assert shown.says(words), shown.words
    page = worker.get(f"/staff/requests/{number}/yes?plan=nearest")
    assert page_of(page).says("Every payment")
    done = worker.fill(page, {"words": "Yes. Take your time."}, to="/yes")
    assert page_of(done).says("You said yes."), page_of(done).words
    assert "Yes. Take your time." in client.get(f"/requests/{number}").text
    check = looked_at(client, number)
    assert "/check-your-plan/" in check.request.path and page_of(check).says("$35.00")
    sign(client, client.fill(check, {"again": "1"}))
    assert plan_on(debt) is not None and steps(debt)[0] == (32, 3_500)
    made = session.scalars(select(EvidenceRecord).where(EvidenceRecord.act == "quote_made")).one()
    assert made.actor_kind == "staff"
    books_agree()


def test_a_second_tab_a_retry_and_the_command_grant_nothing_twice(
    app: Flask, client: CheckingClient, worker: CheckingClient, lender: Lender, debt: Standing
) -> None:
    number = asked_for(client, debt)
    other = a_client(app)
    come_to_work(other, a_worker(app, lender, Role.SENIOR, email="two@linden.example", name="Two"))
    pages = [browser.get(f"/staff/requests/{number}/yes?plan=nearest") for browser in (worker, worker, other)]
    worker.fill(pages[0], {"words": "First."}, to="/yes")
    before = rows()
    for browser, page in ((worker, pages[1]), (other, pages[2])):
        again = browser.fill(page, {"words": "Second."}, to="/yes")
        assert page_of(again).says("That was done already, perhaps by a colleague. Nothing has changed.")
        assert page_of(again).says("First.") and not page_of(again).says("Second.")
    assert (
        "waits for a person"
        in command(app, "offer-grant", number, "--lender", lender.slug, "--plan", "nearest", "--words", "Third.").output
    )
    assert rows() == before
    assert len(session.scalars(select(Quote)).all()) == 1


def test_another_plan_than_the_one_that_was_read_is_not_granted(
    client: CheckingClient, worker: CheckingClient, debt: Standing
) -> None:
    number = asked_for(client, debt)
    page = worker.get(f"/staff/requests/{number}/yes?plan=nearest")
    quotes = rows()["quote"]
    # As after a payment or a day: the same name stands for another plan than the page had.
    form = next(form for form in page_of(page).forms if "seen" in form.names)
    data = dict(form.fields) | {"words": "Yes.", "seen": "of yesterday"}
    shown = worker.post(f"/staff/requests/{number}/yes?plan=nearest", data=data)
    assert shown.status_code == 422 and page_of(shown).says("The figures have changed"), page_of(shown).words
    assert rows()["quote"] == quotes
    assert page_of(worker.fill(shown, {"words": "Yes."}, to="/yes")).says("You said yes.")


def test_what_is_not_on_the_list_or_has_no_words_is_not_granted(
    client: CheckingClient, worker: CheckingClient, debt: Standing
) -> None:
    number = asked_for(client, debt)
    quotes = rows()["quote"]
    assert page_of(worker.get(f"/staff/requests/{number}/yes?plan=token", follow_redirects=True)).says(
        "can’t be granted"
    )
    page = worker.get(f"/staff/requests/{number}/yes?plan=nearest")
    refused = worker.fill(page, {"words": "  "}, to="/yes")
    assert refused.status_code == 422 and page_of(refused).says("Write the answer, as the person reads it.")
    form = next(form for form in page_of(page).forms if "seen" in form.names)
    data = dict(form.fields) | {"words": "Yes."}
    wrong = worker.post(f"/staff/requests/{number}/yes?plan=token", data=data, follow_redirects=True)
    assert page_of(wrong).says("The limits don’t allow that plan any more.")
    # A disputed debt has nothing to say yes to.
    client.fill(client.get(f"/help/not-mine?debt={debt.reference}"), {"words": "It is not mine."})
    gone = worker.fill(page, {"words": "Yes."}, to="/yes")
    assert page_of(gone).says("The limits don’t allow that plan any more.")
    # Whoever comes back to somebody who disputes something says why.
    assert page_of(worker.fill(gone, {"reason": "To answer"})).says("let nobody say yes")
    assert rows()["quote"] == quotes


def test_an_auditor_sees_the_plans_and_has_no_button(
    app: Flask, client: CheckingClient, lender: Lender, debt: Standing
) -> None:
    number = asked_for(client, debt)
    auditor = a_client(app)
    come_to_work(auditor, a_worker(app, lender, Role.AUDITOR))
    page = page_of(auditor.get(f"/staff/requests/{number}"))
    assert page.says("Number of payments 33") and not any("/yes" in href for href, _words in page.links)
    assert auditor.get(f"/staff/requests/{number}/yes?plan=nearest").status_code == 403
