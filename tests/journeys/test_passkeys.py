"""Passkeys: added after a code, used to sign in with strength 2, named, removed; everything forged is refused."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.db import session
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.people.models import Passkey, UserSession
from portal.post.models import Message
from tests.authenticator import Authenticator
from tests.conftest import Clock
from tests.factories import a_debt
from tests.journeys.acts import acts_of, come_in, give_code, rows
from tests.pages import CheckingClient, page_of


def token_of(page: TestResponse) -> str:
    return next(v for form in page_of(page).forms for n, v in form.fields if n == "csrf_token")


def add(client: CheckingClient, phone: Authenticator, *, name: str = "My phone", **how: bool) -> TestResponse:
    """Add a passkey as the script does: ask for options, let the phone answer, send the form."""
    page = client.get("/you/passkeys/add")
    options = client.post("/you/passkeys/options", data={"csrf_token": token_of(page)}).get_json()
    return client.fill(page, {"name": name, "credential": phone.make(options, **how)})


def options_to_enter(client: CheckingClient) -> tuple[str, dict[str, object]]:
    token = token_of(client.get("/sign-in"))
    return token, client.post("/sign-in/passkey/options", data={"csrf_token": token}).get_json()


def enter(client: CheckingClient, phone: Authenticator, **how: bool) -> TestResponse:
    token, options = options_to_enter(client)
    data = {"csrf_token": token, "credential": phone.use(options, **how)}
    return client.post("/sign-in/passkey", data=data, follow_redirects=True)


@pytest.fixture
def phone(client: CheckingClient, debt: Standing) -> Authenticator:
    """A phone with a passkey of the person of `debt`, who is signed out again."""
    come_in(client, debt)
    give_code(client)
    phone = Authenticator()
    assert page_of(add(client, phone)).says("The passkey is added.")
    client.fill(client.get("/home"), to="/sign-out")
    return phone


def test_a_passkey_signs_in_and_is_as_good_as_a_code(
    client: CheckingClient, debt: Standing, phone: Authenticator
) -> None:
    assert enter(client, phone).request.path == "/home"
    assert client.get("/letters").status_code == 200
    newest = session.scalars(select(UserSession).order_by(UserSession.id.desc()).limit(1)).one()
    assert (newest.came_by, newest.strength) == ("passkey", 2)
    assert acts_of(debt.lender_id)["passkey_added"] == 1


def test_whoever_wanted_a_page_is_led_there_after_a_passkey(client: CheckingClient, phone: Authenticator) -> None:
    client.get("/letters")
    assert enter(client, phone).request.path == "/letters"


def test_adding_needs_a_code_and_is_told_to_the_person(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    assert client.get("/you/passkeys").location == "/code"
    give_code(client)
    assert page_of(client.get("/you/passkeys")).says("No passkeys yet")
    add(client, Authenticator())
    told = session.scalars(select(Message).where(Message.kind == "passkey_added")).one()
    assert "My phone" in told.body


@pytest.mark.parametrize(
    "how", [{"verified": False}, {"spoil": True}], ids=["nobody-verified", "signature-of-something-else"]
)
def test_what_is_forged_lets_nobody_in(client: CheckingClient, phone: Authenticator, how: dict[str, bool]) -> None:
    answer = enter(client, phone, **how)
    assert answer.request.path == "/sign-in"
    assert page_of(answer).says("That passkey did not work.")
    assert client.get("/home").status_code == 303


@pytest.mark.parametrize("wrong", [{"origin": "https://evil.example"}, {"site": "evil.example"}])
def test_an_answer_for_another_site_lets_nobody_in(
    client: CheckingClient, phone: Authenticator, wrong: dict[str, str]
) -> None:
    for name, value in wrong.items():
        setattr(phone, name, value)
    assert enter(client, phone).request.path == "/sign-in"


def test_a_challenge_is_good_once_even_with_the_cookie_of_before(
    client: CheckingClient, app: Flask, phone: Authenticator
) -> None:
    token, options = options_to_enter(client)
    before = client.get_cookie("portal")
    assert before is not None
    answer = phone.use(options)
    data = {"csrf_token": token, "credential": answer}
    assert client.post("/sign-in/passkey", data=data).location == "/home"
    thief = app.test_client()
    thief.set_cookie("portal", before.value)
    assert thief.post("/sign-in/passkey", data=data).location == "/sign-in"
    assert thief.get("/home").status_code == 303


def test_a_challenge_is_this_browsers_and_lives_five_minutes(
    client: CheckingClient, app: Flask, phone: Authenticator, clock: Clock
) -> None:
    _token, options = options_to_enter(client)
    other = app.test_client()
    assert isinstance(other, CheckingClient)
    token, _own = options_to_enter(other)
    answer = other.post("/sign-in/passkey", data={"csrf_token": token, "credential": phone.use(options)})
    assert answer.location == "/sign-in"
    token, options = options_to_enter(client)
    clock.forward(minutes=5, seconds=1)
    answer = client.post("/sign-in/passkey", data={"csrf_token": token, "credential": phone.use(options)})
    assert answer.location == "/sign-in"


def test_a_copied_key_is_refused_and_the_person_is_told(client: CheckingClient, phone: Authenticator) -> None:
    assert enter(client, phone).request.path == "/home"
    client.fill(client.get("/home"), to="/sign-out")
    phone.count -= 1
    assert enter(client, phone).request.path == "/sign-in"
    assert session.scalars(select(Message).where(Message.kind == "passkey_refused")).one()


def test_keys_that_never_count_work_again_and_again(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    give_code(client)
    phone = Authenticator()
    add(client, phone)
    for _turn in range(2):
        client.fill(client.get("/home"), to="/sign-out")
        assert enter(client, phone, counts=False).request.path == "/home"


def test_a_passkey_is_named_and_removed(client: CheckingClient, debt: Standing, phone: Authenticator) -> None:
    enter(client, phone)
    kept = session.scalars(select(Passkey.id)).one()
    named = client.fill(client.get(f"/you/passkeys/{kept}/name"), {"name": "<b>我的手机</b> 📱"})
    assert page_of(named).says("<b>我的手机</b> 📱")
    gone = client.fill(client.get(f"/you/passkeys/{kept}/remove"), to="/remove")
    assert page_of(gone).says("No passkeys yet")
    client.fill(gone, to="/sign-out")
    assert enter(client, phone).request.path == "/sign-in"
    assert acts_of(debt.lender_id)["passkey_removed"] == 1


def test_a_key_that_nobody_verified_or_that_is_sent_late_is_not_added(
    client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    come_in(client, debt)
    give_code(client)
    assert add(client, Authenticator(), verified=False).status_code == 422
    page = client.get("/you/passkeys/add")
    options = client.post("/you/passkeys/options", data={"csrf_token": token_of(page)}).get_json()
    clock.forward(minutes=6)
    late = client.fill(page, {"name": "Late", "credential": Authenticator().make(options)})
    assert late.status_code == 422
    assert session.scalars(select(Passkey)).all() == []


def test_two_tabs_add_a_key_each_in_whichever_order(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    give_code(client)
    tabs = []
    for _tab in range(2):
        page = client.get("/you/passkeys/add")
        tabs.append((page, client.post("/you/passkeys/options", data={"csrf_token": token_of(page)}).get_json()))
    for name, (page, options) in enumerate(tabs):
        assert client.fill(page, {"name": str(name), "credential": Authenticator().make(options)}).status_code == 200
    assert len(session.scalars(select(Passkey)).all()) == 2
    # More tabs than a hand holds: the oldest asks again.
    page = client.get("/you/passkeys/add")
    asked = [client.post("/you/passkeys/options", data={"csrf_token": token_of(page)}).get_json() for _tab in range(4)]
    assert client.fill(page, {"name": "x", "credential": Authenticator().make(asked[0])}).status_code == 422
    assert client.fill(page, {"name": "x", "credential": Authenticator().make(asked[1])}).status_code == 200


def test_a_challenge_to_sign_in_adds_no_key(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    give_code(client)
    page = client.get("/you/passkeys/add")
    own = client.post("/you/passkeys/options", data={"csrf_token": token_of(page)}).get_json()
    other = client.post("/sign-in/passkey/options", data={"csrf_token": token_of(page)}).get_json()
    answer = Authenticator().make({**own, "challenge": other["challenge"]})
    assert client.fill(page, {"name": "x", "credential": answer}).status_code == 422


@pytest.mark.parametrize(
    "junk",
    [
        *("", "{}", "[]", "null", "{" * 5000, "x" * 20_000, "👻", "‮{}"),
        '{"id": 1, "response": {"userHandle": "AAAA"}}',
        # A sign that no database keeps, beside a handle as long as ours.
        '{"id": "\\u0000", "response": {"userHandle": "' + "A" * 43 + '"}}',
    ],
)
def test_junk_instead_of_an_answer_changes_nothing(client: CheckingClient, debt: Standing, junk: str) -> None:
    token, _options = options_to_enter(client)
    answer = client.post("/sign-in/passkey", data={"csrf_token": token, "credential": junk})
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    come_in(client, debt)
    give_code(client)
    page = client.get("/you/passkeys/add")
    client.post("/you/passkeys/options", data={"csrf_token": token_of(page)})
    before = rows()
    assert client.fill(page, {"name": "x", "credential": junk}).status_code == 422
    assert rows() == before


@pytest.mark.parametrize("name", ["", " ", "x" * 41, "x" * 60_000])
def test_a_passkey_needs_a_name_of_a_sane_length(client: CheckingClient, debt: Standing, name: str) -> None:
    come_in(client, debt)
    give_code(client)
    answer = add(client, Authenticator(), name=name)
    assert answer.status_code == 422
    assert session.scalars(select(Passkey)).all() == []


def test_somebody_elses_passkey_does_not_exist(client: CheckingClient, lender: Lender, phone: Authenticator) -> None:
    theirs = session.scalars(select(Passkey.id)).one()
    come_in(client, a_debt(lender=lender))
    give_code(client)
    token = token_of(client.get("/home"))
    before = rows()
    for page in (f"/you/passkeys/{theirs}/name", f"/you/passkeys/{theirs}/remove"):
        assert client.get(page).status_code == 404
        assert client.post(page, data={"csrf_token": token, "name": "mine"}).status_code == 404
    assert rows() == before
    session.rollback()
    assert session.scalars(select(Passkey.removed_at)).one() is None


def test_without_javascript_the_pages_say_so_and_all_else_works(client: CheckingClient, debt: Standing) -> None:
    assert page_of(client.get("/sign-in/passkey")).says("Your reference works without.")
    come_in(client, debt)
    give_code(client)
    assert page_of(client.get("/you/passkeys/add")).says("All else works without.")
