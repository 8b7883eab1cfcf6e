"""A phone number or e-mail is changed by two codes or by a person, told to the old one, and undone from there."""

from __future__ import annotations

import re
import threading
import uuid
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal import clock as portal_clock
from portal.care import requests
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.evidence.record import Actor
from portal.lenders.models import Lender
from portal.people import contacts
from portal.people.models import ContactChange, ContactPoint, Passkey, UserSession
from portal.people.reach import Address
from portal.people.staff_requests import OPENER
from portal.post.models import Message
from tests.conftest import SECRET_KEY, Clock
from tests.factories import a_debt, a_debtor
from tests.journeys.acts import acts_of, come_in, command, give_code, rows
from tests.pages import CheckingClient, page_of

NEW = "robin.new@example.com"


def code_to(address: str) -> str:
    """Read the newest code that went to an address."""
    session.rollback()
    body = session.scalars(
        select(Message.body)
        .where(Message.kind == "contact_code", Message.address == address)
        .order_by(Message.id.desc())
        .limit(1)
    ).one()
    return re.findall(r"\d{6}", body)[0]


def on_file(debt: Standing) -> list[str]:
    session.rollback()
    return sorted(c.address for c in contacts.live(lender_id=debt.lender_id, debtor_id=debt.debtor_id))


def contact_id(debt: Standing, address: str) -> uuid.UUID:
    session.rollback()
    mine = contacts.live(lender_id=debt.lender_id, debtor_id=debt.debtor_id)
    return next(contact.id for contact in mine if contact.address == address)


def ask(client: CheckingClient, debt: Standing, typed: str = NEW, *, old: str = "robin@example.com") -> TestResponse:
    page = client.get(f"/you/contacts/{contact_id(debt, old)}/change")
    return client.fill(page, {"address": typed})


def send(client: CheckingClient, debt: Standing, page: TestResponse, *, step: str) -> TestResponse:
    value = "1" if step == "new" else str(contact_id(debt, "robin@example.com"))
    return client.fill(page, {f"send_{step}": value})


def give(client: CheckingClient, debt: Standing, page: TestResponse, *, step: str, new: str = NEW) -> TestResponse:
    """Ask for the code of one side, and give it."""
    page = send(client, debt, page, step=step)
    return client.fill(page, {f"{step}_code": code_to(new if step == "new" else "robin@example.com")})


def changed(client: CheckingClient, debt: Standing) -> TestResponse:
    page = give(client, debt, ask(client, debt), step="new")
    return give(client, debt, page, step="old")


def undo_link() -> str:
    session.rollback()
    newest = select(Message.body).where(Message.kind == "contact_changed").order_by(Message.id.desc()).limit(1)
    return re.findall(r"http://localhost(/undo/\S+)", session.scalars(newest).one())[0]


@pytest.mark.parametrize("order", [("old", "new"), ("new", "old")])
def test_two_codes_in_either_order_change_a_contact(
    client: CheckingClient, debt: Standing, order: tuple[str, str]
) -> None:
    come_in(client, debt)
    page = ask(client, debt)
    for step in order:
        assert on_file(debt) == ["robin@example.com"]
        page = give(client, debt, page, step=step)
    assert page_of(page).says("Your change is done")
    assert on_file(debt) == [NEW]
    told = session.scalars(select(Message).where(Message.kind == "contact_changed")).one()
    assert told.address == "robin@example.com" and NEW not in told.body
    assert acts_of(debt.lender_id)["contact_changed"] == 1


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_the_outbox_of_the_demo_shows_each_code_large(client: CheckingClient, debt: Standing, language: str) -> None:
    client.fill(client.get("/"), {"language": language}, to="/language")
    come_in(client, debt)
    page = send(client, debt, ask(client, debt), step="new")
    send(client, debt, page, step="old")
    shown = client.get("/outbox").get_data(as_text=True)
    codes = [code_to("robin@example.com"), code_to(NEW)]
    assert re.findall(r'<strong class="amount-figure">(.*?)</strong>', shown) == codes


def test_codes_to_the_new_one_alone_show_nothing_about_who_it_is(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    give(client, debt, ask(client, debt), step="new")
    assert client.get("/letters").location == "/code"
    assert session.scalars(select(UserSession.strength)).one() == 1
    assert on_file(debt) == ["robin@example.com"]


def test_one_code_never_does_for_both_sides(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    page = send(client, debt, ask(client, debt), step="new")
    page = send(client, debt, page, step="old")
    new, old = code_to(NEW), code_to("robin@example.com")
    assert client.fill(page, {"old_code": new}).status_code == 422 or new == old
    assert client.fill(page, {"new_code": old}).status_code == 422 or new == old
    assert on_file(debt) == ["robin@example.com"]


def test_a_code_of_one_request_does_nothing_for_another(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    first = send(client, debt, ask(client, debt), step="new")
    second = send(client, debt, ask(client, debt, "other@example.com"), step="new")
    assert client.fill(second, {"new_code": code_to(NEW)}).status_code == 422
    assert page_of(client.fill(first, {"new_code": code_to(NEW)})).says("Confirmed.")


def test_two_tabs_and_double_clicks_are_one_request(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    page = client.get(f"/you/contacts/{contact_id(debt, 'robin@example.com')}/change")
    first, second = (client.fill(page, {"address": NEW}) for _turn in range(2))
    assert first.request.path == second.request.path
    give(client, debt, first, step="old")
    done = give(client, debt, second, step="new")
    assert page_of(done).says("Your change is done")
    assert (acts_of(debt.lender_id)["contact_changed"], on_file(debt)) == (1, [NEW])


def test_a_code_given_twice_is_given_once(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    page = give(client, debt, ask(client, debt), step="new")
    page = send(client, debt, page, step="old")
    code = code_to("robin@example.com")
    for _turn in range(2):
        done = client.fill(page, {"old_code": code})
        assert page_of(done).says("Your change is done")
    assert acts_of(debt.lender_id)["contact_changed"] == 1


def test_a_change_is_open_for_a_day_and_says_so(client: CheckingClient, debt: Standing, clock: Clock) -> None:
    come_in(client, debt)
    page = ask(client, debt)
    assert page_of(page).says("Open until 5 May 2026, 05:00")
    clock.forward(hours=23, minutes=59)
    come_in(client, debt)
    page = give(client, debt, client.get(page.request.path), step="new")
    clock.forward(minutes=2)
    late = client.get(page.request.path)
    assert page_of(late).says("The time for the two codes is over.")
    assert on_file(debt) == ["robin@example.com"]


def test_changing_a_contact_signs_other_devices_out_and_this_one_stays(
    client: CheckingClient, app: Flask, debt: Standing
) -> None:
    other = app.test_client()
    assert isinstance(other, CheckingClient)
    come_in(other, debt)
    come_in(client, debt)
    changed(client, debt)
    assert client.get("/home").status_code == 200
    assert other.get("/home").status_code == 303


def test_the_old_contact_undoes_it_and_looking_changes_nothing(
    client: CheckingClient, app: Flask, debt: Standing
) -> None:
    come_in(client, debt)
    changed(client, debt)
    link = undo_link()
    stranger = app.test_client()
    assert isinstance(stranger, CheckingClient)
    before = rows()
    stranger.head(link)
    page = stranger.get(link)
    assert rows() == before and on_file(debt) == [NEW]
    for word in ("Robin", "example.com", debt.reference):
        assert word not in page_of(page).words
    for _turn in range(2):
        done = stranger.fill(page)
        assert page_of(done).says("It is undone")
    assert on_file(debt) == ["robin@example.com"]
    assert client.get("/home").status_code == 303
    assert acts_of(debt.lender_id)["contact_change_undone"] == 1


def test_undoing_puts_back_what_came_before_every_later_change_and_removes_new_passkeys(
    client: CheckingClient, app: Flask, debt: Standing, clock: Clock
) -> None:
    come_in(client, debt)
    changed(client, debt)
    first = undo_link()
    for name, made in (("thief", 0), ("thief before", 60), ("owner", 60 * 24 * 7)):
        with transaction() as s:
            s.add(
                Passkey(
                    lender_id=debt.lender_id,
                    debtor_id=debt.debtor_id,
                    credential_id=name,
                    public_key=b"",
                    sign_count=0,
                    name=name,
                    created_at=portal_clock.now() - timedelta(minutes=made),
                )
            )
    clock.forward(minutes=5)
    page = client.fill(client.get(f"/you/contacts/{contact_id(debt, NEW)}/change"), {"address": "third@example.com"})
    page = client.fill(page, {"send_new": "1"})
    page = client.fill(page, {"new_code": code_to("third@example.com")})
    page = client.fill(page, {"send_old": str(contact_id(debt, NEW))})
    client.fill(page, {"old_code": code_to(NEW)})
    assert on_file(debt) == ["third@example.com"]
    stranger = app.test_client()
    assert isinstance(stranger, CheckingClient)
    stranger.fill(stranger.get(first))
    assert on_file(debt) == ["robin@example.com"]
    assert session.scalars(select(Passkey.name).where(Passkey.removed_at.is_(None))).all() == ["owner"]


def test_undoing_ends_every_change_that_waits(client: CheckingClient, app: Flask, debt: Standing) -> None:
    come_in(client, debt)
    in_store = ask(client, debt, "thief@example.com")
    in_store = give(client, debt, in_store, step="old")
    second = ask(client, debt, "thief2@example.com")
    client.fill(second, {"staff": "1"})
    changed(client, debt)
    stranger = app.test_client()
    assert isinstance(stranger, CheckingClient)
    stranger.fill(stranger.get(undo_link()))
    # Whoever did it knows the date of birth, and comes back.
    come_in(client, debt)
    for page in (in_store, second):
        assert page_of(client.get(page.request.path)).says("It was undone from the old contact.")
    assert on_file(debt) == ["robin@example.com"]
    assert contacts.waiting_for_staff() == []


@pytest.mark.parametrize("how", ["contact", "/end-all", "/end-others", "/end"])
def test_a_code_from_an_old_contact_counts_no_more_for_whoever_was_signed_out(
    client: CheckingClient, app: Flask, debt: Standing, how: str
) -> None:
    come_in(client, debt)
    in_store = give(client, debt, ask(client, debt, "thief@example.com"), step="old")
    owner = app.test_client()
    assert isinstance(owner, CheckingClient)
    come_in(owner, debt)
    if how == "contact":
        changed(owner, debt)
    else:
        owner.fill(owner.get("/you/devices"), to=how)
    before = on_file(debt)
    # Whoever did it knows the date of birth, and comes back.
    come_in(client, debt)
    page = give(client, debt, client.get(in_store.request.path), step="new", new="thief@example.com")
    assert page_of(page).says("Confirmed.")
    assert on_file(debt) == before


def test_after_72_hours_and_for_made_up_links_nothing_is_undone(
    client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    come_in(client, debt)
    changed(client, debt)
    link = undo_link()
    clock.forward(hours=72, minutes=1)
    for address in (link, "/undo/made-up", "/undo/" + "A" * 44, "/undo/👻"):
        assert client.get(address).status_code == 404
        page = client.get("/")
        token = next(v for form in page_of(page).forms for n, v in form.fields if n == "csrf_token")
        assert client.post(address, data={"csrf_token": token}).status_code == 404
    assert on_file(debt) == [NEW]


def test_if_the_old_one_is_gone_nothing_changes_until_a_person_decided(
    client: CheckingClient, app: Flask, debt: Standing
) -> None:
    come_in(client, debt)
    page = client.fill(ask(client, debt), {"staff": "1"})
    assert page_of(page).says("Nothing changes until a person has decided.")
    number = page.request.path.rpartition("/")[2]
    assert number in command(app, "contact", "list").output
    refused = command(app, "contact", "approve", number)
    assert refused.exit_code == 1 and "--unconfirmed" in refused.output
    page = give(client, debt, page, step="new")
    assert on_file(debt) == ["robin@example.com"]
    assert command(app, "contact", "approve", number).exit_code == 0
    assert on_file(debt) == [NEW]
    assert command(app, "contact", "approve", number).exit_code == 1
    assert (
        session.scalars(select(Message).where(Message.kind == "contact_changed")).one().address == "robin@example.com"
    )


def test_a_person_may_refuse_and_then_nothing_has_changed(client: CheckingClient, app: Flask, debt: Standing) -> None:
    come_in(client, debt)
    page = client.fill(ask(client, debt), {"staff": "1"})
    number = page.request.path.rpartition("/")[2]
    assert command(app, "contact", "refuse", number).exit_code == 0
    assert on_file(debt) == ["robin@example.com"]
    assert page_of(client.get(page.request.path)).says("We could not approve it.")
    assert "There is no request" in command(app, "contact", "refuse", "C-NONE").output


def test_staff_get_a_request_of_theirs_where_requests_are_kept(
    client: CheckingClient, app: Flask, debt: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, object]] = []

    class Opened:
        number = "R-1234"

    def open_request(**values: object) -> Opened:
        asked.append(values)
        return Opened()

    monkeypatch.setitem(app.extensions, OPENER, open_request)
    come_in(client, debt)
    page = client.fill(ask(client, debt), {"staff": "1"})
    assert page_of(page).says("R-1234")
    assert [one["kind"] for one in asked] == ["contact_change"]
    assert NEW not in str(asked)


def test_a_change_can_be_taken_back(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    page = send(client, debt, ask(client, debt), step="new")
    client.fill(page, {"cancel": "1"})
    again = client.fill(page, {"new_code": code_to(NEW)})
    assert page_of(again).says("You took it back.")
    assert on_file(debt) == ["robin@example.com"]


def test_what_a_person_was_asked_about_a_change_is_taken_back_with_it(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    page = client.fill(ask(client, debt), {"staff": "1"})
    assert len(requests.queue()) == 1
    client.fill(page, {"cancel": "1"})
    session.rollback()
    assert requests.queue() == ()


def test_a_contact_is_added_and_another_removed_but_never_the_last(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    page = client.fill(client.get("/you/contacts/add"), {"address": "(212) 555-0123"})
    page = give(client, debt, page, step="new", new="+12125550123")
    give(client, debt, page, step="old")
    assert on_file(debt) == ["+12125550123", "robin@example.com"]
    sure = client.get(f"/you/contacts/{contact_id(debt, 'robin@example.com')}/remove")
    for _turn in range(2):
        page = client.fill(sure, to="/remove")
        assert page.request.path == "/you/contacts"
    assert on_file(debt) == ["+12125550123"]
    assert acts_of(debt.lender_id)["contact_changed"] == 2
    last = client.get(f"/you/contacts/{contact_id(debt, '+12125550123')}/remove")
    assert page_of(last).says("This is the only contact that we have of yours")
    token = next(v for form in page_of(last).forms for n, v in form.fields if n == "csrf_token")
    client.post(last.request.path, data={"csrf_token": token, "form_key": "0" * 32})
    assert on_file(debt) == ["+12125550123"]


def test_what_was_removed_does_not_come_back_by_a_code(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    changed(client, debt)
    kept = session.scalars(select(ContactPoint).where(ContactPoint.address == "robin@example.com")).one()
    assert kept.removed_at is not None
    back = client.fill(client.get("/you/contacts/add"), {"address": "Robin@Example.com"})
    assert back.request.path.startswith("/you/contacts/requests/")


def test_without_any_contact_a_person_decides(client: CheckingClient, app: Flask, lender: Lender) -> None:
    debt = a_debt(lender=lender, debtor=a_debtor(lender=lender, email=None))
    come_in(client, debt)
    assert page_of(client.get("/you/contacts")).says("Nothing on file yet")
    page = client.fill(client.get("/you/contacts/add"), {"address": NEW})
    assert page_of(page).says("We have none that works.")
    page = give(client, debt, page, step="new")
    page = client.fill(page, {"staff": "1"})
    assert command(app, "contact", "approve", page.request.path.rpartition("/")[2]).exit_code == 0
    assert on_file(debt) == [NEW]


def test_codes_go_to_what_the_person_confirmed_and_not_to_what_a_file_says_later(
    client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    come_in(client, debt)
    changed(client, debt)
    with transaction() as s:
        s.add(
            ContactPoint(
                lender_id=debt.lender_id,
                debtor_id=debt.debtor_id,
                channel="sms",
                address="+1 212 555 0199",
                created_at=portal_clock.now(),
            )
        )
    clock.forward(hours=1)
    come_in(client, debt)
    give_code(client)
    newest = select(Message.address).where(Message.kind == "one_time_code").order_by(Message.id.desc()).limit(1)
    assert session.scalars(newest).one() == NEW


def test_two_who_decide_at_once_decide_once(real_app: Flask) -> None:
    debt = a_debt()
    mine = {"lender_id": debt.lender_id, "debtor_id": debt.debtor_id}
    by = Actor("debtor", str(debt.debtor_id))
    with real_app.test_request_context():
        with transaction():
            begun = contacts.begin(**mine, address=Address("email", NEW), form_key="0" * 32, by=by)
        assert isinstance(begun, contacts.Begun)
        with transaction():
            contacts.to_staff(**mine, number=begun.number, by=by)
    together = threading.Barrier(4)
    answers: list[object] = []

    def decide() -> None:
        with real_app.test_request_context():
            together.wait()
            with transaction():
                answers.append(contacts.decide(number=begun.number, approve=True, key=SECRET_KEY, unconfirmed=True))
            session.remove()

    threads = [threading.Thread(target=decide) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(one).__name__ for one in answers) == ["ChangeOver"] * 3 + ["Changed"]
    assert acts_of(debt.lender_id)["contact_changed"] == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter a phone number or an e-mail address."),
        ("   ", "Enter a phone number or an e-mail address."),
        ("robin@", "This e-mail address is not complete."),
        ("<script>alert(1)</script>@x", "This e-mail address is not complete."),
        ("call me", "Enter a phone number in digits, or an e-mail address with an @ in it."),
        ("📱📱📱", "We don’t know such a number."),
        ("مرحبا", "Enter a phone number in digits"),
        ("‮1234", "This number is too short."),
        ("12", "This number is too short."),
        ("1" * 40, "This number is too long."),
        ("x" * 60_000, "This is too long for a phone number or an e-mail address."),
        ("+44 20 7946 0958", "This is a landline number."),
        ("+1 900 555 0123", "We can’t send to this kind of number."),
        ("+1 212 555 0123 ext. 7", "We can’t send to a number with an extension."),
        ("robin@example.com", "This is on file already"),
    ],
)
def test_what_is_no_address_is_said_in_a_sentence_and_nothing_changes(
    client: CheckingClient, debt: Standing, typed: str, said: str
) -> None:
    come_in(client, debt)
    page = client.get("/you/contacts/add")
    before = rows()
    answer = client.fill(page, {"address": typed})
    assert answer.status_code == 422
    assert page_of(answer).says(said), page_of(answer).words
    assert rows() == before


def test_a_hundred_thousand_characters_are_too_much(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    page = client.get("/you/contacts/add")
    before = rows()
    answer = client.fill(page, {"address": "1" * 100_000})
    assert answer.status_code == 422 and "1" * 320 in answer.get_data(as_text=True)
    assert rows() == before


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "👻", "<b>", "1" * 60_000])
def test_what_is_no_code_is_said_and_counts_for_nothing(client: CheckingClient, debt: Standing, code: str) -> None:
    come_in(client, debt)
    page = send(client, debt, ask(client, debt), step="new")
    before = rows()
    assert client.fill(page, {"new_code": code}).status_code == 422
    assert rows() == before


def test_five_changes_a_day_are_enough(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    for number in range(contacts.MOST_A_DAY):
        assert "/requests/" in ask(client, debt, f"r{number}@example.com").request.path
    answer = ask(client, debt, "r9@example.com")
    assert page_of(answer).says("You asked for several changes today.")


def test_no_more_than_ten_codes_a_day_go_to_addresses_that_may_be_a_strangers(
    client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    come_in(client, debt)
    pages = [ask(client, debt, f"stranger{number}@example.com") for number in range(3)]
    for turn in range(15):
        last = send(client, debt, pages[turn % 3], step="new")
        clock.forward(minutes=11)
        client.get("/home")
    session.rollback()
    sent = session.scalars(select(Message.address).where(Message.kind == "contact_code")).all()
    assert len(sent) == 10
    assert page_of(last).says("You can ask for the next one from 5 May 2026, 05:00")


def test_somebody_elses_contact_and_request_do_not_exist(
    client: CheckingClient, app: Flask, debt: Standing, lender: Lender
) -> None:
    other = app.test_client()
    assert isinstance(other, CheckingClient)
    theirs = a_debt(lender=lender)
    come_in(other, theirs)
    request = ask(other, theirs).request.path
    contact = contact_id(theirs, "robin@example.com")
    come_in(client, debt)
    give_code(client)
    token = next(v for form in page_of(client.get("/home")).forms for n, v in form.fields if n == "csrf_token")
    mine = ask(client, debt).request.path
    before = rows()
    for page in (request, f"/you/contacts/{contact}/change", f"/you/contacts/{contact}/remove"):
        assert client.get(page).status_code == 404, page
        data = {"csrf_token": token, "address": NEW, "form_key": "0" * 32, "staff": "1"}
        assert client.post(page, data=data).status_code == 404, page
    assert client.post(mine, data={"csrf_token": token, "send_old": str(contact)}).status_code == 404
    assert rows() == before
    session.rollback()
    states = session.scalars(select(ContactChange.state)).all()
    assert states == ["open", "open"]


def test_whoever_gave_no_code_sees_addresses_masked(client: CheckingClient, app: Flask, debt: Standing) -> None:
    come_in(client, debt)
    page = ask(client, debt)
    assert page_of(page).says(NEW)
    other = app.test_client()
    assert isinstance(other, CheckingClient)
    come_in(other, debt)
    assert not page_of(other.get(page.request.path)).says(NEW)
    assert not page_of(other.get("/you/contacts")).says("robin@example.com")
    give_code(other)
    assert page_of(other.get("/you/contacts")).says("robin@example.com")


def test_the_times_that_are_stated_are_those_that_hold() -> None:
    assert timedelta(hours=72) == contacts.UNDO_LIFE
    assert timedelta(hours=24) == contacts.LIFE
