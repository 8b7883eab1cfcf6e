"""What confirms a dispute, a pause and new dates comes by itself; what is on record comes when somebody asks for it."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from portal import clock as portal_clock
from portal.care import requests
from portal.care.models import CareRequest
from portal.care.states import Kind as Door
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.evidence.record import PORTAL
from portal.lenders.models import Lender
from portal.letters import pdf
from portal.letters.caring_contents import (
    CreditCorrection,
    CreditStatus,
    Deferral,
    Deferred,
    DisputeAcknowledgement,
    Disputed,
    DuringPause,
    GoodwillStatement,
    GrantedPause,
    PlanOutcome,
    Stop,
)
from portal.letters.contents import Letter
from portal.letters.models import IssuedLetter
from portal.letters.sheet import Rendered
from portal.queue import QueuedJob
from portal.staff.roles import Role
from tests.conftest import Clock
from tests.factories import LIMITS_WITH_CHANGES, a_debt, a_debtor, a_lender
from tests.journeys.acts import (
    Stripe,
    acts_of,
    agree,
    change_plan,
    come_in,
    command,
    give_code,
    go_pay,
    plan_items,
    plan_on,
    work,
)
from tests.journeys.staff import a_client, a_worker, come_to_work
from tests.pages import CheckingClient, page_of


@pytest.fixture
def lender(app: Flask) -> Lender:
    """A lender whose plans may be changed."""
    return a_lender(limits=LIMITS_WITH_CHANGES)


@pytest.fixture(autouse=True)
def not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing is tried elsewhere and takes a second; whether a letter is true is asked before it."""

    def render(*, letter: Letter, **_options: object) -> Rendered:
        return Rendered(pdf=b"%PDF-1.7 " + letter.number.encode(), pages=1)

    monkeypatch.setattr(pdf, "render", render)


def letters(app: Flask, kind: str) -> list[Letter]:
    """Let the worker draw, and give the letters of a kind, oldest first, as their data says them."""
    work(app, letters=True)
    session.rollback()
    assert not session.scalars(select(QueuedJob.last_error).where(QueuedJob.last_error.is_not(None))).all()
    found = session.scalars(select(IssuedLetter).where(IssuedLetter.kind == kind).order_by(IssuedLetter.id))
    return [Letter.from_json(json.dumps(one.facts)) for one in found]


def ask(client: CheckingClient, debt: Standing, door: Door) -> CareRequest:
    """Go through a door; gives the request."""
    shown = client.get(f"/help/{door.slug}?debt={debt.reference}")
    page = client.fill(shown, {}, to=f"/help/{door.slug}")
    number = page.request.path.rpartition("/")[2]
    session.rollback()
    request = session.scalars(select(CareRequest).where(CareRequest.number == number)).one()
    session.expunge(request)
    return request


def letters_open(client: CheckingClient) -> None:
    """See the letters, with a code if one is wanted."""
    if client.get("/letters").status_code != 200:
        give_code(client)


def listed(client: CheckingClient) -> list[list[str]]:
    """Give the list of letters as a file has it, newest first."""
    letters_open(client)
    text = client.get("/letters.csv").text
    return list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))[1:]


def states(client: CheckingClient) -> dict[str, str]:
    """Give the state of each letter that the page lists, by its name."""
    return {row[1]: row[4] for row in listed(client)}


def test_a_dispute_is_acknowledged_by_itself_with_its_number_and_the_day_of_the_clock(
    client: CheckingClient, debt: Standing, lender: Lender, app: Flask
) -> None:
    come_in(client, debt)
    request = ask(client, debt, Door.WRONG_AMOUNT)
    (letter,) = letters(app, "dispute-acknowledgement")
    said = letter.details
    assert isinstance(said, DisputeAcknowledgement)
    assert (said.request_number, said.look_by, said.answer_by) == (request.number, request.look_by, request.answer_by)
    assert said.answer_by == request.opened_at.astimezone(portal_clock.zone(request.zone)).date() + timedelta(days=15)
    assert said.disputed is Disputed.AMOUNT and not said.of_all_debts and said.owed == debt.owed
    assert said.stops == (Stop.REMINDERS, Stop.COLLECTION, Stop.AUTOPAY)
    # Whoever drew it gave free advice along.
    assert letter.help.advice and letter.debt_reference == debt.reference
    # Its job run again, as after a crash, makes no second one.
    jobs_again(lender)
    assert len(letters(app, "dispute-acknowledgement")) == 1
    assert states(client)["Dispute acknowledgement"] == "Valid"

    client.fill(client.get(f"/requests/{request.number}"), to=f"/requests/{request.number}/withdraw")
    assert states(client)["Dispute acknowledgement"] == "Taken back"
    assert page_of(client.get("/letters")).says("You took the dispute back, so this letter no longer holds.")


def jobs_again(lender: Lender) -> None:
    with transaction() as s:
        s.execute(
            update(QueuedJob)
            .where(QueuedJob.lender_id == lender.id, QueuedJob.name == "letters.issue")
            .values(state="ready", run_at=portal_clock.now())
        )


def test_a_dispute_of_all_debts_is_acknowledged_for_each(lender: Lender, app: Flask) -> None:
    person = a_debtor(lender=lender)
    debts = [a_debt(owed, lender=lender, debtor=person) for owed in ("900.00", "50.00")]
    with app.app_context(), transaction():
        requests.open_request(
            lender_id=lender.id, debtor_id=person.id, kind=Door.NOT_MINE, debt_id=None, words="", by=PORTAL, key="1"
        )
    found = letters(app, "dispute-acknowledgement")
    assert {letter.debt_reference for letter in found} == {debt.reference for debt in debts}
    for letter in found:
        assert isinstance(letter.details, DisputeAcknowledgement)
        assert letter.details.of_all_debts and letter.details.disputed is Disputed.WHOLE


def test_a_dispute_that_was_taken_back_before_it_was_drawn_has_no_letter(
    client: CheckingClient, debt: Standing, app: Flask
) -> None:
    come_in(client, debt)
    request = ask(client, debt, Door.NOT_MINE)
    client.fill(client.get(f"/requests/{request.number}"), to=f"/requests/{request.number}/withdraw")
    assert letters(app, "dispute-acknowledgement") == []


def test_a_pause_is_confirmed_with_what_it_costs_and_until_when(
    client: CheckingClient, debt: Standing, app: Flask
) -> None:
    come_in(client, debt)
    request = ask(client, debt, Door.CANT_PAY)
    (letter,) = letters(app, "granted-pause")
    said = letter.details
    assert isinstance(said, GrantedPause)
    first = request.opened_at.astimezone(portal_clock.zone(request.zone)).date()
    assert (said.since, said.until, said.days) == (first, first + timedelta(days=30), 31)
    assert said.interest is DuringPause.CONTINUES and said.stops == (Stop.REMINDERS,)
    # 18 % a year on the principal, for the days that it touches.
    assert said.rate == debt.annual_rate and said.cost.minor == round(said.principal.minor * 18 * 31 / 36_500)
    assert states(client)["Confirmation of a pause"] == "Valid"
    command(app, "requests", "answer", request.number, "--words", "Take your time.")
    assert states(client)["Confirmation of a pause"] == "Valid"
    command(app, "requests", "close", request.number)
    assert states(client)["Confirmation of a pause"] == "Taken back"


def test_new_dates_are_confirmed_at_once_and_taken_back_with_the_change(
    client: CheckingClient, debt: Standing, app: Flask
) -> None:
    come_in(client, debt)
    plan = agree(client, debt)
    change_plan(client, plan, "one-date", seq="1", to="2026-05-18")
    page = change_plan(client, plan, "leave-one-out")
    moved, skipped = letters(app, "deferral-confirmation")
    said = moved.details
    assert isinstance(said, Deferral) and isinstance(skipped.details, Deferral)
    assert (said.plan_reference, said.what) == (plan.reference, Deferred.MOVE)
    assert said.instead[0].due == date(2026, 5, 18) and said.take_back_until is not None
    assert skipped.details.what is Deferred.SKIP and skipped.details.before == said.after
    assert skipped.details.total.minor == sum(item.amount_minor for item in plan_items(debt))
    assert acts_of(debt.lender_id)["letter_issued"] == 3

    client.fill(page, to=f"/plans/{plan.reference}/changes/{plan_on(debt).changes}/take-back")
    assert [row[4] for row in listed(client) if row[1] == "Deferral confirmation"] == ["Taken back", "Valid"]


def test_what_is_paid_is_stated_once_a_day_and_only_when_it_can_be(
    client: CheckingClient, debt: Standing, lender: Lender, app: Flask, clock: Clock, stripe: Stripe
) -> None:
    come_in(client, debt)
    plan = agree(client, debt)
    letters_open(client)

    def wanted(kind: str) -> str:
        form = {"debt": debt.reference, "kind": kind}
        return " ".join(page_of(client.fill(client.get("/letters"), form, to="/letters/ask")).words.split())

    assert "No payment has arrived yet: it can be made when one has." in wanted("goodwill-statement")
    assert acts_of(lender.id)["letter_asked"] == 0
    stripe.pay(go_pay(client, debt, choice="next"))
    stripe.settle()
    assert "We are making it." in wanted("goodwill-statement")
    assert "You have asked for this one today already." in wanted("goodwill-statement")
    assert "We are making it." in wanted("credit-status")
    assert acts_of(lender.id)["letter_asked"] == 2
    (letter,) = letters(app, "goodwill-statement")
    said = letter.details
    assert isinstance(said, GoodwillStatement) and said.record is not None and said.record.years == 7
    assert said.paid == said.payments[0].amount and said.owed_at_first == debt.owed
    (kept,) = said.plans
    assert (kept.reference, kept.outcome, kept.due) == (plan.reference, PlanOutcome.RUNNING, 0)
    (sheet,) = letters(app, "credit-status")
    assert isinstance(sheet.details, CreditStatus) and sheet.details.objection_days == 30

    request = ask(client, debt, Door.WRONG_AMOUNT)
    clock.forward(days=1)
    come_in(client, debt)
    letters_open(client)
    refused = wanted("goodwill-statement")
    assert "you told us that they are wrong. It can be made when you have our answer, by" in refused
    assert f"{request.answer_by.day} {request.answer_by:%B %Y}" in refused
    assert "We are making it." in wanted("credit-status")
    assert len(letters(app, "goodwill-statement")) == 1
    # Whatever else somebody sends is the statement of account; another's debt is nobody's.
    assert client.post("/letters/ask", data={"debt": "NOPE", "kind": "goodwill-statement"}).status_code in (400, 404)


def test_a_colleague_has_a_credit_record_corrected_once_and_nothing_true_taken_out(
    client: CheckingClient, debt: Standing, lender: Lender, app: Flask
) -> None:
    worker = a_client(app)
    come_to_work(worker, a_worker(app, lender, Role.HELPDESK))
    address = f"/staff/people/{debt.debtor_id}/correct"
    form = worker.get(address)
    typed = {
        "bureau": "Example Bureau",
        "reported": "owed",
        "fault": "inaccurate",
        "current": "1,900.00",
        "correct": "1,900.00",
        "discovered_on": "2026-05-01",
        "reason": "The file of April had one figure too many.",
    }
    for wrong in ("1,900.00", "Delete it"):
        refused = worker.fill(form, typed | {"correct": wrong}, to="/correct")
        assert refused.status_code == 422 and page_of(refused).says("What is true stays in the record.")
    assert acts_of(lender.id)["letter_asked"] == 0
    for _click in range(2):
        done = worker.fill(form, typed | {"correct": "900.00"}, to="/correct")
        assert page_of(done).says("The notice is being made.")
    assert acts_of(lender.id)["letter_asked"] == 1
    (letter,) = letters(app, "credit-correction")
    said = letter.details
    assert isinstance(said, CreditCorrection)
    assert (said.bureau, said.current, said.correct) == ("Example Bureau", "1,900.00", "900.00")
    assert said.answer_by is not None and said.answer_by - letter.issued_at.date() == timedelta(days=30)
    come_in(client, debt)
    assert states(client) == {"Notice to correct a credit record": "Valid"}
    assert page_of(client.get("/timeline")).says("found that something reported of your debt is wrong")

    auditor = a_client(app)
    come_to_work(auditor, a_worker(app, lender, Role.AUDITOR, email="a@linden.example", name="Aud"))
    assert auditor.get(address).status_code == 403
