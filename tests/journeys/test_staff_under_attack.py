"""Staff's door, tried by somebody who means ill, and by people who type as people do."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from portal.db import session, transaction
from portal.evidence.record import Actor
from portal.lenders.models import Lender
from portal.post.models import Message
from portal.staff import members, passwords, recovering
from portal.staff.models import StaffMember, StaffRecovery, StaffSession
from portal.staff.roles import Role
from tests.conftest import SECRET_KEY, Clock
from tests.journeys.acts import command
from tests.journeys.staff import (
    PASSWORD,
    Worker,
    a_client,
    a_worker,
    cheap,
    choose,
    come_to_work,
    later,
    newest_link,
    password,
    row,
    set_up_app,
)
from tests.pages import CheckingClient, page_of


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


@pytest.fixture
def admin(app: Flask, lender: Lender) -> Worker:
    return a_worker(app, lender, Role.LENDER_ADMINISTRATOR, email="admin@linden.example", name="Admin Person")


def token_of(client: CheckingClient) -> str:
    return next(v for form in page_of(client.get("/staff/you")).forms for n, v in form.fields if n == "csrf_token")


def messages(kind: str) -> list[Message]:
    return list(session.scalars(select(Message).where(Message.kind == kind)))


def test_who_came_in_before_is_not_shut_out_by_guesses_from_the_same_network(
    app: Flask, lender: Lender, admin: Worker, clock: Clock
) -> None:
    at_work, stranger = a_client(app), a_client(app)
    come_to_work(at_work, admin)
    at_work.fill(at_work.get("/staff/you"), to="/staff/sign-out")
    shut = [
        stranger.fill(stranger.get("/staff/sign-in"), {"email": f"guess{number}@linden.example", "password": "wrong"})
        for number in range(120)
    ][-1]
    assert shut.status_code == 429
    # A browser that nobody knows waits, also with what is right; the one of yesterday goes on.
    assert password(a_client(app), admin).status_code == 429
    later(clock, seconds=31)
    assert come_to_work(at_work, admin).request.path == "/staff"
    # It is known for this member alone, and the own wrong answers count in it too.
    other = a_worker(app, lender, Role.HELPDESK, email="other@linden.example")
    at_work.fill(at_work.get("/staff/you"), to="/staff/sign-out")
    assert password(at_work, other).status_code == 429
    tried = [password(at_work, admin, said="not this one").status_code for _number in range(12)]
    assert tried[-1] == 429


@pytest.mark.parametrize("act", ["end", "roles", "invite"])
def test_who_was_ended_a_moment_ago_ends_invites_and_raises_nobody(
    app: Flask, lender: Lender, admin: Worker, act: str
) -> None:
    angry = a_worker(app, lender, Role.LENDER_ADMINISTRATOR, email="angry@linden.example")
    by = Actor("staff", str(angry.id))
    with app.test_request_context(), transaction():
        members.end(lender_id=lender.id, member_id=angry.id, by=Actor("staff", str(admin.id)))
    mine = {"lender_id": lender.id, "member_id": admin.id, "by": by}
    with pytest.raises(members.Refused) as refused, app.test_request_context(), transaction():
        if act == "end":
            members.end(**mine)
        elif act == "roles":
            members.set_roles(**mine, roles=[Role.LENDER_ADMINISTRATOR, Role.APPROVER])
        else:
            members.invite(
                lender_id=lender.id,
                email="friend@linden.example",
                name="Friend",
                roles=[Role.LENDER_ADMINISTRATOR],
                language="en",
                key=SECRET_KEY,
                by=by,
            )
    assert refused.value.why == "gone"
    assert row(lender, admin).state == "active"


def test_no_lender_makes_operators_of_the_platform(
    app: Flask, client: CheckingClient, lender: Lender, admin: Worker
) -> None:
    other = a_worker(app, lender, Role.HELPDESK, email="h@linden.example")
    come_to_work(client, admin)
    roles = f"/staff/colleagues/{other.id}/roles"
    assert "platform_operator" not in client.get(roles).get_data(as_text=True)
    sent = {"csrf_token": token_of(client), "roles": "platform_operator"}
    assert client.post(roles, data=sent).status_code == 422
    invited = sent | {"name": "Op", "email": "op@linden.example", "language": "en"}
    assert client.post("/staff/colleagues/invite", data=invited).status_code == 422
    assert row(lender, other).roles == ["helpdesk"]
    with pytest.raises(members.Refused), app.test_request_context(), transaction():
        members.set_roles(
            lender_id=lender.id,
            member_id=other.id,
            roles=[Role.PLATFORM_OPERATOR],
            by=Actor("staff", str(admin.id)),
        )


def test_a_voice_of_somebody_who_has_left_is_not_counted(app: Flask, lender: Lender, admin: Worker) -> None:
    lost, first, second = (
        a_worker(app, lender, Role.HELPDESK, email=f"{name}@linden.example") for name in ("lost", "first", "second")
    )

    def vouch(by: Worker) -> object:
        with app.test_request_context(), transaction():
            return recovering.vouch(
                lender_id=lender.id, recovery_id=recovery_id, by=by.id, words="I called.", key=SECRET_KEY
            )

    with app.test_request_context(), transaction():
        recovering.ask(lender_id=lender.id, email=lost.email, address="", key=SECRET_KEY)
        recovery_id = session.scalars(select(StaffRecovery.id)).one()
    assert isinstance(vouch(first), recovering.OneMore)
    with app.test_request_context(), transaction():
        members.end(lender_id=lender.id, member_id=first.id, by=Actor("staff", str(admin.id)))
    assert isinstance(vouch(first), recovering.NotYours)
    assert isinstance(vouch(second), recovering.OneMore)
    assert messages("staff_way_back") == []
    assert isinstance(vouch(admin), recovering.LinkSent)


def test_a_way_back_ends_with_the_account(app: Flask, lender: Lender, admin: Worker) -> None:
    lost = a_worker(app, lender, Role.HELPDESK, email="lost@linden.example")
    with app.test_request_context(), transaction():
        recovering.ask(lender_id=lender.id, email=lost.email, address="", key=SECRET_KEY)
        members.end(lender_id=lender.id, member_id=lost.id, by=Actor("staff", str(admin.id)))
    a_worker(app, lender, Role.HELPDESK, email="lost@linden.example")
    with app.test_request_context():
        assert recovering.waiting(lender_id=lender.id) == []


def test_another_key_of_the_installation_is_said_calmly_and_the_operator_opens_a_way_back(
    app: Flask, client: CheckingClient, lender: Lender, admin: Worker, clock: Clock
) -> None:
    with transaction():
        member = session.get_one(StaffMember, (lender.id, admin.id))
        member.totp_secret = members.sealed.seal("x", of=members.sealed_as(member), key="the key of before")
    page = client.fill(password(client, admin), {"code": admin.code()})
    assert page.request.path == "/staff/lost"
    assert page_of(page).says("The portal can’t check the codes of your app any more")
    # Of one person alone there are no two colleagues.
    done = command(app, "staff", "way-back", admin.email, "--lender", lender.slug)
    assert done.exit_code == 0, done.output
    link = newest_link("staff_way_back")
    assert done.output.strip().endswith(link)
    body = messages("staff_way_back")[0].body
    assert "Whoever runs the portal" in body and "colleagues have said" not in body
    newcomer = a_client(app)
    _secret, home = set_up_app(newcomer, choose(newcomer, link))
    assert page_of(home).says("Hello, Admin Person")
    nobody = command(app, "staff", "way-back", "nobody@linden.example", "--lender", lender.slug)
    assert nobody.exit_code == 1


@pytest.mark.parametrize(
    ("typed", "typed_again"),
    [
        # An accent of its own, typed two hundred times over; full-width letters; spaces at both ends.
        ("e\u0301quiet lamp " * 14, "\u00e9quiet lamp " * 14),
        ("ｓｅｖｅｎ quiet lamps under water", "seven quiet lamps under water"),
        ("  seven quiet lamps  ", "  seven quiet lamps  "),
        ("a\u0323\u0302" * 66 + "zx", "\u1ead" * 66 + "zx"),
        ("七盏安静的灯在水下 🦉🦉", "七盏安静的灯在水下 🦉🦉"),
    ],
)
def test_a_password_is_the_same_however_a_keyboard_composes_it(
    app: Flask,
    client: CheckingClient,
    lender: Lender,
    admin: Worker,
    clock: Clock,
    typed: str,
    typed_again: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "_LEAST_GUESSES", 0)
    come_to_work(client, admin)
    done = client.fill(client.get("/staff/you/password"), {"old": PASSWORD, "password": typed, "again": typed_again})
    assert page_of(done).says("Your password is changed"), page_of(done).words
    for said in (typed, typed_again):
        assert page_of(password(a_client(app), admin, said=said)).says("Enter the code of your app")
    refused = password(a_client(app), admin, said=typed.strip() + "x")
    assert refused.status_code == 422
    assert [message.address for message in messages("staff_password_changed")] == [admin.email]


def test_wrong_codes_tell_that_the_password_is_known_even_after_wrong_passwords(
    client: CheckingClient, lender: Lender, admin: Worker, clock: Clock
) -> None:
    for _guess in range(5):
        password(client, admin, said="wrong")
    clock.forward(minutes=31)
    for _guess in range(5):
        client.fill(password(client, admin), {"code": "000000"})
    bodies = [message.body for message in messages("staff_door_locked")]
    assert ["They had your password" in body for body in bodies] == [False, True]


@pytest.mark.parametrize("name", ["   ", "\u200b\u200b", "\u202e", "\u3000"])
def test_a_name_that_nobody_sees_is_none(client: CheckingClient, lender: Lender, admin: Worker, name: str) -> None:
    come_to_work(client, admin)
    sent = {"csrf_token": token_of(client), "name": name, "email": "new@linden.example", "language": "en"}
    answer = client.post("/staff/colleagues/invite", data=sent)
    assert answer.status_code == 422
    assert page_of(answer).says("Enter the name.")
    assert members.find(lender_id=lender.id, email="new@linden.example") is None


def test_nobody_vouches_with_spaces(app: Flask, client: CheckingClient, lender: Lender, admin: Worker) -> None:
    lost = a_worker(app, lender, Role.HELPDESK, email="lost@linden.example")
    with app.test_request_context(), transaction():
        recovering.ask(lender_id=lender.id, email=lost.email, address="", key=SECRET_KEY)
        recovery_id = session.scalars(select(StaffRecovery.id)).one()
    come_to_work(client, admin)
    url = f"/staff/colleagues/ways-back/{recovery_id}"
    answer = client.post(url, data={"csrf_token": token_of(client), "words": " \u200b \n "})
    assert answer.status_code == 422
    session.rollback()
    assert session.scalars(select(StaffRecovery.first_id)).one() is None


@pytest.mark.parametrize("typed", ["Kim@Straße.example", "KIM@straße.example"])
def test_an_invitation_goes_to_the_address_and_to_none_that_looks_like_it(
    client: CheckingClient, lender: Lender, admin: Worker, typed: str
) -> None:
    come_to_work(client, admin)
    sent = {"csrf_token": token_of(client), "name": "Kim", "email": typed, "language": "en"}
    assert client.post("/staff/colleagues/invite", data=sent).status_code == 303
    assert messages("staff_invited")[-1].address == "kim@straße.example"
    assert members.find(lender_id=lender.id, email="kim@strasse.example") is None


def test_a_command_invites_nobody_at_what_is_no_address(app: Flask, lender: Lender) -> None:
    args = ["staff", "invite", "not an address", "--lender", lender.slug, "--name", "Kim"]
    assert command(app, *args).exit_code == 1
    assert session.scalars(select(StaffMember.id)).all() == []


def test_a_page_that_a_role_does_not_open_says_so_and_not_that_one_is_signed_out(
    app: Flask, client: CheckingClient, lender: Lender
) -> None:
    come_to_work(client, a_worker(app, lender, Role.FINANCE))
    answer = client.get("/staff/colleagues")
    assert answer.status_code == 403
    assert page_of(answer).says("Your roles don’t open it.")
    assert "signed out" not in page_of(answer).words


def test_the_way_in_leads_to_no_other_site_and_starts_a_new_cookie(
    app: Flask, client: CheckingClient, lender: Lender, admin: Worker, clock: Clock
) -> None:
    for wanted in ("//evil.example/", "/\\evil.example", "https://evil.example/", "javascript:alert(1)"):
        clock.forward(minutes=2)
        browser = a_client(app)
        with browser.session_transaction() as cookie:
            cookie["after_staff_sign_in"] = wanted
            cookie["kept"], cookie["after_code"], cookie["challenges"] = "x", "/y", ["z"]
        assert come_to_work(browser, admin).request.path == "/staff"
        with browser.session_transaction() as cookie:
            assert not {"kept", "after_code", "challenges", "staff_step", "after_staff_sign_in"} & set(cookie)
    clock.forward(minutes=2)
    client.get("/staff/sign-in")
    planted = client.get_cookie("portal")
    assert planted is not None
    come_to_work(client, admin)
    thief = a_client(app)
    thief.set_cookie("portal", planted.value)
    assert thief.get("/staff").location == "/staff/sign-in"


def test_a_cookie_of_a_session_that_has_ended_opens_nothing(
    app: Flask, client: CheckingClient, lender: Lender, admin: Worker
) -> None:
    come_to_work(client, admin)
    kept = client.get_cookie("portal")
    assert kept is not None
    client.fill(client.get("/staff"), to="/sign-out")
    thief = a_client(app)
    thief.set_cookie("portal", kept.value)
    assert thief.get("/staff").location == "/staff/sign-in"
    assert session.scalars(select(StaffSession.ended_at)).one() is not None


def test_a_session_ends_after_half_a_day_whatever_somebody_does(
    client: CheckingClient, admin: Worker, clock: Clock
) -> None:
    come_to_work(client, admin)
    for _while in range(35):
        clock.forward(minutes=20)
        assert client.get("/staff").status_code == 200
    clock.forward(minutes=20)
    assert client.get("/staff").location == "/staff/sign-in"
    assert client.get("/staff").headers["Cache-Control"] == "no-store"
