"""The link reached somebody else: one button stops it, names nobody, and can be taken back in the same browser."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from portal import clock
from portal.care import requests
from portal.care.holds import holding
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.evidence.record import OPERATOR
from portal.lenders.models import Lender
from portal.people import contacts, sign_in
from portal.people.models import WrongPerson
from portal.people.staff_requests import OPENER
from tests.conftest import SECRET_KEY, Clock
from tests.factories import a_debt, a_debtor, an_invitation
from tests.journeys.acts import acts_of, birthday, come_in, command, rows
from tests.pages import CheckingClient, page_of


@pytest.fixture
def link(debt: Standing) -> str:
    return f"/i/{an_invitation(lender_id=debt.lender_id, debtor_id=debt.debtor_id, key=SECRET_KEY)}"


def good(debt: Standing) -> int:
    session.rollback()
    return contacts.how_many(lender_id=debt.lender_id, debtor_id=debt.debtor_id)


def test_one_button_stops_the_link_and_the_messages(client: CheckingClient, debt: Standing, link: str) -> None:
    shown = client.get(link)
    assert (f"{link}/not-me", "I’m not this person") in page_of(shown).links
    thanks = client.fill(client.get(f"{link}/not-me"))
    assert page_of(thanks).says("Thank you for telling us")
    assert client.get(link).status_code == 404
    assert good(debt) == 0
    assert acts_of(debt.lender_id)["contact_said_wrong"] == 1


def test_no_page_names_anybody(client: CheckingClient, debt: Standing, link: str) -> None:
    for page in (client.get(f"{link}/not-me"), client.fill(client.get(f"{link}/not-me"))):
        for word in ("Robin", "robin@", "example.com", debt.reference, "900"):
            assert word not in page_of(page).words, word


def test_a_mail_scanner_changes_nothing(client: CheckingClient, debt: Standing, link: str) -> None:
    before = rows()
    for _turn in range(3):
        for address in (link, f"{link}/not-me"):
            client.head(address)
            client.get(address, headers={"User-Agent": "SafeLinks scanner"})
    assert rows() == before
    assert good(debt) == 1
    assert client.fill(client.get(link), birthday()).request.path == "/home"


def test_a_double_click_is_one_report(client: CheckingClient, debt: Standing, link: str) -> None:
    page = client.get(f"{link}/not-me")
    for _turn in range(2):
        assert page_of(client.fill(page)).says("Thank you for telling us")
    assert len(session.scalars(select(WrongPerson)).all()) == 1


def test_it_is_taken_back_in_the_same_browser_and_in_no_other(
    client: CheckingClient, app: Flask, debt: Standing, link: str
) -> None:
    thanks = client.fill(client.get(f"{link}/not-me"))
    other = app.test_client()
    assert isinstance(other, CheckingClient)
    other_thanks = other.get("/not-me/thanks")
    assert not page_of(other_thanks).says("Undo it")
    token = next(v for form in page_of(other_thanks).forms for n, v in form.fields if n == "csrf_token")
    other.post("/not-me/undo", data={"csrf_token": token})
    assert good(debt) == 0
    for _turn in range(2):
        client.fill(thanks, to="/not-me/undo")
    assert good(debt) == 1
    assert client.get(link).status_code == 200
    assert acts_of(debt.lender_id)["contact_said_wrong_undone"] == 1


def test_what_is_taken_back_holds_nothing_and_waits_for_nobody_but_only_once(
    client: CheckingClient, debt: Standing, link: str
) -> None:
    def stands() -> tuple[int, int, int]:
        holds = holding(lender_id=debt.lender_id, debtor_id=debt.debtor_id, at=clock.now())
        return good(debt), len(holds), len(requests.queue())

    thanks = client.fill(client.get(f"{link}/not-me"))
    assert stands() == (0, 1, 1)
    client.fill(thanks, to="/not-me/undo")
    assert stands() == (1, 0, 0)
    # Whoever says the one and the other in turn has to talk to a person.
    thanks = client.fill(client.get(f"{link}/not-me"))
    assert page_of(client.fill(thanks, to="/not-me/undo")).says("A person is looking at it already.")
    assert stands() == (0, 1, 1)


def test_nothing_is_taken_back_while_a_person_looks_at_it(client: CheckingClient, debt: Standing, link: str) -> None:
    thanks = client.fill(client.get(f"{link}/not-me"))
    with transaction():
        requests.take(lender_id=debt.lender_id, number=requests.queue()[0].number, by=OPERATOR)
    assert page_of(client.fill(thanks, to="/not-me/undo")).says("A person is looking at it already.")
    assert good(debt) == 0


def test_whoever_is_signed_in_cannot_keep_a_person_from_looking(
    client: CheckingClient, debt: Standing, link: str
) -> None:
    client.fill(client.get(f"{link}/not-me"))
    number = requests.queue()[0].number
    come_in(client, debt)
    page = client.get(f"/requests/{number}")
    assert not page_of(page).says("Take it back")
    token = next(v for form in page_of(page).forms for n, v in form.fields if n == "csrf_token")
    client.post(f"/requests/{number}/withdraw", data={"csrf_token": token})
    assert [each.number for each in requests.queue()] == [number]


@pytest.mark.parametrize(("answer", "left"), [("approve", 0), ("refuse", 1)])
def test_a_person_decides_and_then_nothing_is_taken_back(
    client: CheckingClient, app: Flask, debt: Standing, link: str, answer: str, left: int
) -> None:
    thanks = client.fill(client.get(f"{link}/not-me"))
    number = session.scalars(select(WrongPerson.number)).one()
    assert number in command(app, "contact", "list").output
    assert command(app, "contact", answer, number).exit_code == 0
    assert good(debt) == left
    assert page_of(client.fill(thanks, to="/not-me/undo")).says("A person is looking at it already.")
    assert good(debt) == left
    assert command(app, "contact", answer, number).exit_code == 1


def test_only_the_contact_that_the_link_went_to_is_stopped(client: CheckingClient, lender: Lender) -> None:
    debt = a_debt(lender=lender, debtor=a_debtor(lender=lender, phone="+12125550123"))
    mine = contacts.live(lender_id=debt.lender_id, debtor_id=debt.debtor_id)
    phone = next(contact.id for contact in mine if contact.channel == "sms")
    with transaction():
        token = sign_in.invite(lender_id=debt.lender_id, debtor_id=debt.debtor_id, key=SECRET_KEY, contact_id=phone)
    client.fill(client.get(f"/i/{token}/not-me"))
    left = contacts.live(lender_id=debt.lender_id, debtor_id=debt.debtor_id)
    assert [contact.channel for contact in left] == ["email"]


def test_no_code_goes_to_a_contact_that_was_called_wrong(client: CheckingClient, debt: Standing, link: str) -> None:
    client.fill(client.get(f"{link}/not-me"))
    come_in(client, debt)
    assert page_of(client.get("/code")).says("We can’t send you a code yet")
    assert page_of(client.get("/you/contacts")).says("On hold")


@pytest.mark.parametrize("token", ["made-up", "A" * 32, "👻"])
def test_unknown_and_expired_links_look_the_same(
    client: CheckingClient, debt: Standing, link: str, clock: Clock, token: str
) -> None:
    page = client.get(f"{link}/not-me")
    csrf = next(v for form in page_of(page).forms for n, v in form.fields if n == "csrf_token")
    clock.forward(hours=73)
    before = rows()
    for method in ("get", "post"):
        data = {"csrf_token": csrf} if method == "post" else None
        late = getattr(client, method)(f"{link}/not-me", data=data)
        unknown = getattr(client, method)(f"/i/{token}/not-me", data=data)
        assert (late.status_code, unknown.status_code) == (404, 404)
        assert page_of(late).words == page_of(unknown).words
    assert rows() == before


def test_staff_get_a_request_without_a_name_in_it(
    client: CheckingClient, app: Flask, debt: Standing, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, object]] = []

    class Opened:
        number = "R-7"

    def open_request(**values: object) -> Opened:
        asked.append(values)
        return Opened()

    monkeypatch.setitem(app.extensions, OPENER, open_request)
    client.fill(client.get(f"{link}/not-me"))
    assert [one["kind"] for one in asked] == ["wrong_person"]
    assert session.scalars(select(WrongPerson.request_number)).one() == "R-7"
