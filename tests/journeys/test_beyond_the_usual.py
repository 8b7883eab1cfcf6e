"""Yes beyond what is usual: up to one's own cap with a reason, above it with a colleague, never one person alone."""

from __future__ import annotations

import csv
import io

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import OPERATOR
from portal.helpdesk import deciding
from portal.helpdesk.models import OfferDecision
from portal.lenders.models import Lender
from portal.plans import granting
from portal.plans.models import Quote
from portal.staff import gates, members
from portal.staff.roles import Role
from tests.factories import a_debt, a_debtor, a_lender
from tests.journeys.acts import books_agree, come_in, command, rows, sign
from tests.journeys.staff import a_client, a_worker, cheap, come_to_work
from tests.journeys.test_a_plan_that_a_person_grants import LIMITS, looked_at, send, sent, steps
from tests.pages import CheckingClient, page_of

# Of 36 months in the card, agents grant 30 alone. Beyond it they go to 48 and whoever is above them to 60, or let off
# a fifth and two fifths where the card has 30%.
CAPS = """
[card.agents]
most_discount_percent = {percent}
longest_months = {months}
"""


def limits_with(*, months: int, percent: int = 20) -> str:
    """Give limits with caps for agents, and a person's own of 60 months and 40%."""
    more = "person_up_to_discount_percent = 40\nperson_up_to_months = 60"
    return LIMITS.replace("person_up_to_discount_percent = 30", more) + CAPS.format(months=months, percent=percent)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


@pytest.fixture
def lender() -> Lender:
    """One whose agents grant up to 30 months alone."""
    return a_lender(limits=limits_with(months=30))


@pytest.fixture
def debt(lender: Lender) -> Standing:
    """What somebody owes who asks for 35.00 a month, which takes 33 months."""
    return a_debt("900.00", lender=lender, debtor=a_debtor(lender=lender))


def at_work(app: Flask, lender: Lender, role: Role, name: str) -> CheckingClient:
    """Give the browser of a colleague."""
    client = a_client(app)
    come_to_work(client, a_worker(app, lender, role, name=name, email=f"{name.lower()}@linden.example"))
    return client


def asked_for(client: CheckingClient, debt: Standing, *, amount: str = "35") -> str:
    """Come in and send an offer; gives the number of its request."""
    come_in(client, debt)
    return sent(client, debt, amount=amount)


WORDS = {"words": "Yes. Take your time.", "reason": "Two children, and the job starts in May."}


def ask(worker: CheckingClient, number: str, plan: str) -> None:
    """Ask a colleague to say yes to a plan."""
    page = worker.get(f"/staff/requests/{number}/yes?plan={plan}")
    assert page_of(page).says("This is more than you may grant alone."), page_of(page).words
    done = worker.fill(page, WORDS | {"ask": ""}, to="/yes")
    assert page_of(done).says("A colleague is asked."), page_of(done).words


def test_above_the_own_cap_a_colleague_says_yes_and_both_are_named(
    app: Flask, client: CheckingClient, lender: Lender, debt: Standing
) -> None:
    number = asked_for(client, debt)
    helper, senior = at_work(app, lender, Role.HELPDESK, "Hel"), at_work(app, lender, Role.SENIOR, "Sen")
    shown = page_of(helper.get(f"/staff/requests/{number}"))
    assert shown.says("A colleague must say yes")
    quotes = rows()["quote"]
    page = helper.get(f"/staff/requests/{number}/yes?plan=nearest")
    # The button for a yes is not there, and pressing it all the same grants nothing.
    alone = helper.post(f"/staff/requests/{number}/yes?plan=nearest", data=yes_data(page), follow_redirects=True)
    assert page_of(alone).says("That is more than you may grant alone.")
    assert rows()["quote"] == quotes
    ask(helper, number, "nearest")
    assert page_of(helper.get("/staff/requests")).says("You asked a colleague")
    queue = page_of(senior.get("/staff/requests"))
    assert queue.says("Hel asks you") and queue.says(WORDS["reason"])
    page = senior.get(f"/staff/requests/{number}/yes?plan=nearest")
    assert page_of(page).says("Hel asks you")
    done = senior.fill(page, to="/yes")
    assert page_of(done).says("You said yes.") and page_of(done).says("Sen and Hel said yes"), page_of(done).words
    # Whoever asked is told, on the first page and in the queue; whoever decided knows.
    told = f"Sen said yes to what you asked about {number}"
    assert page_of(helper.get("/staff")).says(told) and page_of(helper.get("/staff/requests")).says(told)
    assert not page_of(senior.get("/staff")).says(told)
    assert "Yes. Take your time." in client.get(f"/requests/{number}").text
    [kept] = session.scalars(select(OfferDecision)).all()
    assert (kept.state, kept.reason) == ("granted", WORDS["reason"]) and kept.asked_by != kept.decided_by
    # The debtor reads who, and never why.
    told = client.get("/timeline")
    assert page_of(told).says(f"Sen and Hel said yes to your offer {number}")
    assert page_of(told).says(f"Hel asked a colleague about your offer {number}")
    for text in (told.text, client.get(f"/requests/{number}").text):
        assert "Two children" not in text
    assert not any("Two children" in entry for entry in session.scalars(select(EvidenceRecord.entry)))
    sign(client, client.fill(looked_at(client, number), {"again": "1"}))
    assert steps(debt)[0] == (32, 3_500)
    books_agree()


def yes_data(page: TestResponse) -> dict[str, str]:
    """Give the fields of the form of a yes, filled."""
    form = next(form for form in page_of(page).forms if "seen" in form.names)
    return dict(form.fields) | WORDS


def test_no_has_words_for_the_colleague_and_the_offer_still_waits(
    app: Flask, client: CheckingClient, lender: Lender, debt: Standing
) -> None:
    number = asked_for(client, debt)
    helper, senior = at_work(app, lender, Role.HELPDESK, "Hel"), at_work(app, lender, Role.SENIOR, "Sen")
    ask(helper, number, "nearest")
    page = senior.get(f"/staff/requests/{number}/yes?plan=nearest")
    empty = senior.fill(page, {"why_not": " "}, to="/no")
    assert empty.status_code == 422 and page_of(empty).says("Say why not, for the colleague.")
    senior.fill(empty, {"why_not": "Look at the budget again."}, to="/no")
    # A second press finds it answered.
    assert page_of(senior.fill(empty, {"why_not": "No."}, to="/no")).says("That was done already")
    shown = page_of(helper.get(f"/staff/requests/{number}"))
    assert shown.says("Sen said no to what Hel asked") and shown.says("Look at the budget again.")
    queue, start = page_of(helper.get("/staff/requests")), page_of(helper.get("/staff"))
    assert queue.says(f"Sen said no to what you asked about {number}") and queue.says("Look at the budget again.")
    assert start.says("Sen said no to what you asked about")
    assert shown.says("An offer for a plan") and not shown.says("Your offer for a plan")
    assert "Look at the budget" not in client.get(f"/requests/{number}").text
    assert session.scalars(select(Quote)).all() == []
    # It may be asked again, and taken back.
    ask(helper, number, "nearest")
    shown_again = helper.get(f"/staff/requests/{number}")
    assert page_of(helper.fill(shown_again, to="/take-back-question")).says("You took it back.")
    assert not page_of(senior.get("/staff/requests")).says("Hel asks you")


def test_nobody_decides_what_oneself_asked_and_roles_count_as_they_are_now(
    app: Flask, client: CheckingClient, lender: Lender, debt: Standing
) -> None:
    number = asked_for(client, debt)
    helper, other = at_work(app, lender, Role.HELPDESK, "Hel"), at_work(app, lender, Role.HELPDESK, "Two")
    senior = a_client(app)
    chief = a_worker(app, lender, Role.SENIOR, name="Sen", email="sen@linden.example")
    come_to_work(senior, chief)
    ask(helper, number, "nearest")
    page = senior.get(f"/staff/requests/{number}/yes?plan=nearest")
    data = yes_data(page)
    quotes = rows()["quote"]
    # Another of the helpdesk has no larger cap, and neither has whoever asked.
    for browser in (helper, other):
        assert page_of(browser.get(f"/staff/requests/{number}/yes?plan=nearest")).says("is asked about this offer")
        token = {"csrf_token": csrf_of(browser)}
        said = browser.post(f"/staff/requests/{number}/yes?plan=nearest", data=data | token, follow_redirects=True)
        assert page_of(said).says("more than you may grant alone")
        assert browser.post(f"/staff/requests/{number}/no", data=token | {"why_not": "No."}).status_code == 403
    # A senior who is one no more when the yes arrives.
    with app.app_context(), transaction():
        members.set_roles(lender_id=lender.id, member_id=chief.id, roles=(Role.HELPDESK,), by=OPERATOR)
    late = senior.post(f"/staff/requests/{number}/yes?plan=nearest", data=data, follow_redirects=True)
    assert page_of(late).says("more than you may grant alone")
    assert rows()["quote"] == quotes


def csrf_of(browser: CheckingClient) -> str:
    """Give the token of a browser against forgery."""
    forms = page_of(browser.get("/staff/you")).forms
    return next(value for form in forms for name, value in form.fields if name == "csrf_token")


def test_beyond_the_terms_up_to_the_own_cap_with_a_reason_that_is_kept(app: Flask, client: CheckingClient) -> None:
    lender = a_lender(limits=limits_with(months=48))
    debt = a_debt("900.00", lender=lender, debtor=a_debtor(lender=lender))
    number = asked_for(client, debt, amount="25")
    helper = at_work(app, lender, Role.HELPDESK, "Hel")
    shown = page_of(helper.get(f"/staff/requests/{number}"))
    # In the card 36 months, beyond it 48 alone, and what was asked with somebody else.
    for words in ("Number of payments 36", "Number of payments 48", "Largest payment $25.00 a month"):
        assert shown.says(words), shown.words
    page = helper.get(f"/staff/requests/{number}/yes?plan=beyond")
    refused = helper.fill(page, WORDS | {"reason": " "}, to="/yes")
    assert refused.status_code == 422 and page_of(refused).says("Say why, for colleagues")
    done = helper.fill(refused, WORDS, to="/yes")
    assert page_of(done).says("You said yes.") and page_of(done).says("Hel said yes beyond the usual")
    sign(client, client.fill(looked_at(client, number), {"again": "1"}))
    assert sum(count for count, _amount in steps(debt)) == 48
    assert page_of(client.get("/timeline")).says(f"Hel said yes to your offer {number}")
    found = list(csv.reader(io.StringIO(helper.get("/staff/requests/decisions.csv").text.lstrip("\ufeff"))))
    assert found[1][:4] == [number, "beyond", "granted", "Hel"] and WORDS["reason"] in found[1]
    books_agree()


def test_the_command_and_a_card_without_caps_grant_nothing_beyond_the_card(app: Flask, client: CheckingClient) -> None:
    lender = a_lender(limits=limits_with(months=48))
    debt = a_debt("900.00", lender=lender, debtor=a_debtor(lender=lender))
    number = asked_for(client, debt, amount="25")
    listed = command(app, "offer-grant", number, "--lender", lender.slug).output
    assert "beyond" not in listed and listed.startswith("nearest: 3")
    granted = command(app, "offer-grant", number, "--lender", lender.slug, "--plan", "beyond", "--words", "Yes.")
    assert "doesn't allow 'beyond'" in granted.output
    bare = a_lender(slug="bare", limits=LIMITS)
    theirs = a_debt("900.00", lender=bare, debtor=a_debtor(lender=bare))
    come_in(client, theirs)
    number = sent(client, theirs, amount="25")
    helper = a_client(app)
    worker = a_worker(app, bare, Role.HELPDESK, name="Bare", email="b@bare.example")
    step = helper.fill(
        helper.get("/staff/sign-in?lender=bare"),
        {"lender": "bare", "email": worker.email, "password": "seven quiet lamps under water"},
    )
    helper.fill(step, {"code": worker.code()})
    shown = page_of(helper.get(f"/staff/requests/{number}"))
    assert shown.says("Number of payments 36") and not shown.says("Beyond the usual terms")


@pytest.mark.parametrize(("amount", "above"), [("800", False), ("700", True), ("600", True)])
def test_what_is_let_off_is_capped_too(
    app: Flask, client: CheckingClient, lender: Lender, amount: str, above: bool
) -> None:
    debt = a_debt("900.00", penalty="100.00", lender=lender)
    come_in(client, debt)
    asked = client.get(f"/debts/{debt.reference}/ways-to-pay/pay-less-and-be-done")
    number = send(client, client.fill(asked, {"amount": amount, "pay_by": "2026-05-06"}))
    helper = at_work(app, lender, Role.HELPDESK, "Hel")
    page = helper.get(f"/staff/requests/{number}/yes?plan=nearest")
    assert page_of(page).says("more than you may grant alone") == above, page_of(page).words
    assert page_of(page).says("Let off in this plan")


def test_who_was_a_senior_when_the_page_was_asked_for_is_looked_at_again_in_the_act(
    app: Flask, client: CheckingClient, lender: Lender, debt: Standing
) -> None:
    number = asked_for(client, debt)
    browser, chief = a_client(app), a_worker(app, lender, Role.SENIOR, name="Sen", email="sen@linden.example")
    come_to_work(browser, chief)
    data = yes_data(browser.get(f"/staff/requests/{number}/yes?plan=nearest"))
    with browser.session_transaction() as cookie:
        user_id = cookie["_user_id"]
    with app.test_request_context():
        who = gates.load(user_id)
        assert who is not None
        given = {"number": number, "name": "nearest", "words": "Yes.", "seen": data["seen"], "reason": ""}
        for roles, refused in (((Role.HELPDESK,), granting.AboveCap), ((Role.AUDITOR,), gates.NotAllowed)):
            with transaction():
                members.set_roles(lender_id=lender.id, member_id=chief.id, roles=roles, by=OPERATOR)
            with pytest.raises(refused), transaction():
                deciding.say_yes(who, **given)
        assert session.scalars(select(Quote)).all() == []
