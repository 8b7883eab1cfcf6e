"""Staff's time is up while something is typed: it is there again after signing in, for that colleague alone."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select
from wtforms import PasswordField

from portal.db import session
from portal.debts.statement import Standing
from portal.helpdesk.models import PersonNote
from portal.lenders.models import Lender
from portal.people.kept_forms import NEVER
from portal.staff.forms import Digits, Password
from portal.staff.models import StaffKeptForm, StaffMember
from portal.staff.roles import Role
from portal.web.fields import Form
from tests.conftest import Clock
from tests.journeys.staff import PASSWORD, a_worker, cheap, come_to_work
from tests.pages import CheckingClient, page_of

WORDS = "Works nights; call before noon."


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


def kept() -> int:
    session.rollback()
    return session.scalars(select(func.count()).select_from(StaffKeptForm)).one()


def test_a_note_that_came_too_late_is_there_again_and_sent_once(
    app: Flask, client: CheckingClient, lender: Lender, debt: Standing, clock: Clock
) -> None:
    worker = a_worker(app, lender, Role.HELPDESK)
    come_to_work(client, worker)
    form = client.get(f"/staff/people/{debt.debtor_id}/notes/new")
    clock.forward(minutes=31)
    asked = client.fill(form, {"text": WORDS})
    assert asked.request.path == "/staff/sign-in" and page_of(asked).says("What you typed is kept.")
    again = come_to_work(client, worker)
    assert again.request.path == form.request.path and page_of(again).says("Here is what you typed before.")
    assert WORDS in again.get_data(as_text=True)
    done = client.fill(again, to="/notes/new")
    assert page_of(done).says(WORDS) and kept() == 0
    client.fill(again, to="/notes/new")
    assert session.scalars(select(PersonNote.text)).all() == [WORDS]
    assert WORDS not in client.get(form.request.path).get_data(as_text=True)


def test_somebody_else_in_the_same_browser_gets_nothing_of_it(
    app: Flask, client: CheckingClient, lender: Lender, debt: Standing, clock: Clock
) -> None:
    come_to_work(client, a_worker(app, lender, Role.HELPDESK))
    other = a_worker(app, lender, Role.HELPDESK, email="bo@linden.example", name="Bo")
    form = client.get(f"/staff/people/{debt.debtor_id}/notes/new")
    clock.forward(minutes=31)
    client.fill(form, {"text": WORDS})
    assert come_to_work(client, other).request.path == "/staff"
    assert WORDS not in client.get(form.request.path).get_data(as_text=True)


def test_what_stands_on_another_page_than_it_is_sent_to_comes_back_on_its_own(
    app: Flask, client: CheckingClient, lender: Lender, debt: Standing, clock: Clock
) -> None:
    worker = a_worker(app, lender, Role.HELPDESK)
    come_to_work(client, worker)
    on = f"/staff/people/{debt.debtor_id}/notes/new"
    token = dict(page_of(client.get(on)).forms[0].fields)["csrf_token"]
    clock.forward(minutes=31)
    sent = {"csrf_token": token, "text": WORDS}
    elsewhere = f"/staff/people/{debt.debtor_id}/act/end"
    for bad in ("", "http://evil.example/staff", "http://localhost/nowhere"):
        client.post(elsewhere, data=sent, headers={"Referer": bad})
        assert kept() == 0
    client.post(elsewhere, data=sent, headers={"Referer": f"http://localhost{on}"})
    again = come_to_work(client, worker)
    assert again.request.path == on and WORDS in again.get_data(as_text=True)


def test_a_file_of_limits_comes_back_whole_and_on_the_text_that_it_was_typed_on(
    app: Flask, client: CheckingClient, lender: Lender, debt: Standing, clock: Clock
) -> None:
    worker = a_worker(app, lender, Role.RULE_AUTHOR)
    come_to_work(client, worker)
    client.fill(client.get("/staff/limits/1"), to="/from-version/1")
    form = client.get("/staff/limits/drafts/1/file")
    text = "# " + "我" * 80_000
    meanwhile = client.get("/staff/limits/drafts/1/file")
    fields = dict(next(each for each in page_of(meanwhile).forms if "text" in each.names).fields)
    client.fill(meanwhile, {"text": "# Somebody was quicker.\n" + fields["text"]})
    clock.forward(minutes=31)
    client.fill(form, {"text": text})
    again = come_to_work(client, worker)
    back = dict(next(each for each in page_of(again).forms if "text" in each.names).fields)
    assert back["text"].strip() == text and back["revision"] == fields["revision"]


def test_passwords_and_codes_are_never_kept(app: Flask, client: CheckingClient, lender: Lender, clock: Clock) -> None:
    def every(of: type[Form]) -> set[type[Form]]:
        return {of, *(each for below in of.__subclasses__() for each in every(below))}

    secret = {
        name
        for form in every(Form)
        for name in dir(form)
        if (made := getattr(form, name, None)) is not None
        and isinstance(kind := getattr(made, "field_class", None), type)
        and issubclass(kind, PasswordField | Password | Digits)
    }
    assert {"password", "old", "again", "code", "stripe_key"} <= secret <= NEVER
    worker = a_worker(app, lender, Role.HELPDESK)
    come_to_work(client, worker)
    form = client.get("/staff/you/password")
    clock.forward(minutes=31)
    asked = client.fill(form, {"old": PASSWORD, "password": "another of many words", "again": "another of many words"})
    assert asked.request.path == "/staff/sign-in" and kept() == 0
    assert session.scalars(select(StaffMember.state)).one() == "active"
