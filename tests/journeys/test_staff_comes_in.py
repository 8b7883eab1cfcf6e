"""Staff: invited, joined with two factors, signed in, slowed down when guessing, helped back in, and ended at once."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.evidence.models import EvidenceRecord
from portal.lenders.models import Lender
from portal.post.models import Message
from portal.staff.models import StaffMember, StaffPasskey, StaffRecovery, StaffSession
from portal.staff.roles import Role
from tests.authenticator import Authenticator
from tests.conftest import Clock
from tests.factories import a_lender
from tests.journeys.acts import acts_of, come_by_link, come_in
from tests.journeys.staff import (
    PASSWORD,
    Worker,
    a_client,
    a_worker,
    cheap,
    choose,
    come_to_work,
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


def invite(client: CheckingClient, *roles: str, email: str = "bo@linden.example", name: str = "Bo Newcomer") -> None:
    """Invite somebody by the page."""
    page = client.get("/staff/colleagues/invite")
    form = next(form for form in page_of(page).forms if "email" in form.names)
    data = [(n, v) for n, v in form.fields if n in ("csrf_token", "language")]
    data += [("name", name), ("email", email), *(("roles", role) for role in roles)]
    answer = client.post("/staff/colleagues/invite", data=_multi(data), follow_redirects=True)
    assert page_of(answer).says(f"The invitation is on its way to {email}."), page_of(answer).words


def _multi(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def test_somebody_is_invited_joins_with_two_factors_and_signs_in(
    app: Flask, client: CheckingClient, lender: Lender, admin: Worker, clock: Clock
) -> None:
    come_to_work(client, admin)
    invite(client, "helpdesk", "senior")
    link = newest_link("staff_invited")
    # Whoever invites never sees the link: the account would be theirs.
    assert link not in client.get("/staff/colleagues").get_data(as_text=True)
    newcomer = a_client(app)
    shown = choose(newcomer, link)
    assert page_of(shown).says("Set up codes on your phone")
    secret, home = set_up_app(newcomer, shown)
    assert page_of(home).says("Hello, Bo Newcomer")
    assert newcomer.get(link).status_code == 404
    clock.forward(minutes=2)
    again = a_client(app)
    bo = Worker(
        session.scalars(select(StaffMember.id).where(StaffMember.name == "Bo Newcomer")).one(),
        "bo@linden.example",
        secret,
    )
    assert page_of(come_to_work(again, bo)).says("Hello, Bo Newcomer")
    acts = acts_of(lender.id)
    assert (acts["staff_invited"], acts["staff_joined"], acts["staff_signed_in"]) == (2, 2, 3)


def test_nobody_gets_in_with_one_factor(client: CheckingClient, lender: Lender, admin: Worker) -> None:
    assert page_of(password(client, admin)).says("Enter the code of your app")
    for path in ("/staff", "/staff/colleagues", "/staff/you"):
        assert client.get(path).location == "/staff/sign-in"
    assert session.scalars(select(StaffSession)).all() == []


def test_the_step_between_ends_after_five_minutes_and_with_another_password(
    client: CheckingClient, lender: Lender, admin: Worker, clock: Clock
) -> None:
    page = password(client, admin)
    clock.forward(minutes=6)
    assert page_of(client.fill(page, {"code": admin.code()})).says("Please enter your password first.")
    page = password(client, admin)
    with transaction():
        session.execute(update(StaffMember).values(password_hash="another"))
    assert client.fill(page, {"code": admin.code()}).request.path == "/staff/sign-in"
    assert session.scalars(select(StaffSession)).all() == []


def test_a_code_is_good_once(app: Flask, client: CheckingClient, lender: Lender, admin: Worker) -> None:
    assert come_to_work(client, admin).request.path == "/staff"
    thief = a_client(app)
    assert page_of(come_to_work(thief, admin)).says("That code doesn’t fit.")


def test_a_known_and_an_unknown_address_get_the_same_answer(
    client: CheckingClient, lender: Lender, admin: Worker
) -> None:
    known = password(client, admin, said="wrong")
    unknown = password(client, Worker(admin.id, "nobody@linden.example", ""), said="wrong")
    assert known.status_code == unknown.status_code == 422
    words = [
        page_of(page).words.replace(admin.email, "…").replace("nobody@linden.example", "…") for page in (known, unknown)
    ]
    assert words[0] == words[1]


@pytest.mark.parametrize("door", ["password", "code"])
def test_guessing_is_slow_and_told(
    client: CheckingClient, lender: Lender, admin: Worker, clock: Clock, door: str
) -> None:
    for _guess in range(5):
        if door == "password":
            answer = password(client, admin, said="wrong")
        else:
            answer = client.fill(password(client, admin), {"code": "000000"})
    assert answer.status_code == 429
    assert page_of(answer).says("Please wait a while")
    # The right answer does not help before the wait is over.
    late = (
        password(client, admin) if door == "password" else client.fill(password(client, admin), {"code": admin.code()})
    )
    assert late.status_code == 429
    assert session.scalars(select(Message.address).where(Message.kind == "staff_door_locked")).all() == [admin.email]
    clock.forward(minutes=31)
    assert come_to_work(client, admin).request.path == "/staff"


def test_one_password_tried_with_many_addresses_is_stopped(
    client: CheckingClient, lender: Lender, admin: Worker
) -> None:
    answers = {}
    for number in range(101):
        somebody = Worker(admin.id, f"person{number}@linden.example", "")
        answers[number] = password(client, somebody, said="Summer2026!").status_code
    assert answers[99] == 422
    assert answers[100] == 429
    assert password(client, admin).status_code == 429


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("short", "A password has at least 8 characters."),
        ("password1", "This password is easily guessed"),
        ("Bo Newcomer 1", "This password is easily guessed"),
        ("linden2026", "This password is easily guessed"),
        ("a" * 300, "A password has at most 200 characters."),
    ],
)
def test_a_weak_password_is_refused_with_a_reason(
    app: Flask, client: CheckingClient, admin: Worker, said: str, why: str
) -> None:
    come_to_work(client, admin)
    invite(client)
    answer = choose(a_client(app), newest_link("staff_invited"), said=said)
    assert answer.status_code == 422
    assert page_of(answer).says(why)
    assert said not in answer.get_data(as_text=True)


def test_two_passwords_that_differ_are_refused(app: Flask, client: CheckingClient, admin: Worker) -> None:
    come_to_work(client, admin)
    invite(client)
    newcomer = a_client(app)
    answer = newcomer.fill(newcomer.get(newest_link("staff_invited")), {"password": PASSWORD, "again": PASSWORD + "s"})
    assert page_of(answer).says("The two passwords are not the same.")


def test_a_link_is_worth_nothing_after_three_days_or_when_a_new_one_was_sent(
    app: Flask, client: CheckingClient, admin: Worker, clock: Clock
) -> None:
    come_to_work(client, admin)
    invite(client)
    first = newest_link("staff_invited")
    invite(client)
    second = newest_link("staff_invited")
    newcomer = a_client(app)
    assert newcomer.get(first).status_code == 404
    assert newcomer.get(second).status_code == 200
    clock.forward(hours=73)
    assert newcomer.get(second).status_code == 404


def test_roles_hold_from_the_next_click_on(app: Flask, client: CheckingClient, lender: Lender, admin: Worker) -> None:
    come_to_work(client, admin)
    auditor = a_worker(app, lender, Role.AUDITOR, email="audit@linden.example", name="Au Ditor")
    theirs = a_client(app)
    come_to_work(theirs, auditor)
    assert theirs.get("/staff/colleagues").status_code == 200
    page = client.get(f"/staff/colleagues/{auditor.id}/roles")
    token = next(v for form in page_of(page).forms for n, v in form.fields if n == "csrf_token")
    client.post(f"/staff/colleagues/{auditor.id}/roles", data={"csrf_token": token})
    assert theirs.get("/staff/colleagues").status_code == 403
    assert page_of(theirs.get("/staff")).says("Nothing here is open to you yet")
    assert acts_of(lender.id)["staff_roles_changed"] == 1


def test_an_auditor_sees_colleagues_and_changes_nothing(
    app: Flask, client: CheckingClient, lender: Lender, admin: Worker
) -> None:
    come_to_work(client, a_worker(app, lender, Role.AUDITOR, email="audit@linden.example"))
    assert client.get(f"/staff/colleagues/{admin.id}").status_code == 200
    for path in ("invite", f"{admin.id}/roles", f"{admin.id}/end", "ways-back"):
        assert client.get(f"/staff/colleagues/{path}").status_code == 403


def test_whoever_leaves_is_out_at_once(app: Flask, client: CheckingClient, lender: Lender, admin: Worker) -> None:
    come_to_work(client, admin)
    leaver = a_worker(app, lender, Role.HELPDESK, email="leaver@linden.example", name="Lea Ver")
    theirs = a_client(app)
    come_to_work(theirs, leaver)
    done = client.fill(client.get(f"/staff/colleagues/{leaver.id}/end"), to="/end")
    assert page_of(done).says("Lea Ver can’t sign in any more")
    assert theirs.get("/staff").location == "/staff/sign-in"
    assert password(theirs, leaver).status_code == 422
    kept = row(lender, leaver)
    assert (kept.state, kept.password_hash, kept.totp_secret) == ("ended", None, None)


def test_nobody_ends_oneself_and_the_last_administrator_stays(
    app: Flask, client: CheckingClient, lender: Lender, admin: Worker
) -> None:
    come_to_work(client, admin)
    answer = client.fill(client.get(f"/staff/colleagues/{admin.id}/end"), to="/end")
    assert page_of(answer).says("You can’t change your own roles or end your own account.")
    other = a_worker(app, lender, Role.HELPDESK, email="h@linden.example")
    assert row(lender, other).state == "active"
    page = client.get(f"/staff/colleagues/{admin.id}/roles")
    refused = client.fill(page, to="/roles")
    assert refused.status_code == 422
    assert row(lender, admin).roles == ["lender_administrator"]


def test_another_lenders_people_are_not_there(
    app: Flask, client: CheckingClient, lender: Lender, admin: Worker
) -> None:
    other = a_lender(slug="other", name="Other Bank")
    theirs = a_worker(app, other, Role.HELPDESK, email="x@other.example", name="Xeno Other")
    page = client.get("/staff/sign-in")
    step = client.fill(page, {"lender": lender.slug, "email": admin.email, "password": PASSWORD})
    assert client.fill(step, {"code": admin.code()}).request.path == "/staff"
    assert "Xeno" not in client.get("/staff/colleagues").get_data(as_text=True)
    for path in ("", "/roles", "/end"):
        assert client.get(f"/staff/colleagues/{theirs.id}{path}").status_code == 404


def test_sessions_are_listed_and_ended(
    app: Flask, client: CheckingClient, lender: Lender, admin: Worker, clock: Clock
) -> None:
    come_to_work(client, admin)
    clock.forward(minutes=1)
    second = a_client(app)
    come_to_work(second, admin)
    assert page_of(client.get("/staff/you")).says("Where you are signed in")
    client.fill(client.get("/staff/you"), to="/end-others")
    assert second.get("/staff").location == "/staff/sign-in"
    assert client.get("/staff").status_code == 200


def test_a_session_ends_by_itself_after_half_an_hour(client: CheckingClient, admin: Worker, clock: Clock) -> None:
    come_to_work(client, admin)
    clock.forward(minutes=29)
    assert client.get("/staff").status_code == 200
    clock.forward(minutes=31)
    assert client.get("/staff").location == "/staff/sign-in"


def test_changing_the_password_ends_all_other_sessions(
    app: Flask, client: CheckingClient, lender: Lender, admin: Worker, clock: Clock
) -> None:
    come_to_work(client, admin)
    clock.forward(minutes=1)
    second = a_client(app)
    come_to_work(second, admin)
    new = "eleven slow boats near Lisbon"
    page = client.get("/staff/you/password")
    wrong = client.fill(page, {"old": "not it", "password": new, "again": new})
    assert page_of(wrong).says("That is not the password that you have now.")
    done = client.fill(page, {"old": PASSWORD, "password": new, "again": new})
    assert page_of(done).says("Your password is changed")
    assert second.get("/staff").location == "/staff/sign-in"
    assert password(second, admin).status_code == 422
    assert page_of(password(second, admin, said=new)).says("Enter the code of your app")


def test_a_passkey_is_both_factors(
    app: Flask, client: CheckingClient, lender: Lender, admin: Worker, clock: Clock
) -> None:
    come_to_work(client, admin)
    phone = Authenticator()
    page = client.get("/staff/you/passkeys/add")
    token = next(v for form in page_of(page).forms for n, v in form.fields if n == "csrf_token")

    def made(code: str) -> TestResponse:
        options = client.post("/staff/you/passkeys/options", data={"csrf_token": token}).get_json()
        return client.fill(page, {"name": "Key", "code": code, "credential": phone.make(options)})

    # A browser that was left open is not enough, and neither is the code that let it in.
    for code in ("", "000000", admin.code()):
        assert made(code).status_code == 422
    assert session.scalars(select(StaffPasskey.id)).all() == []
    clock.forward(minutes=1)
    assert page_of(made(admin.code())).says("The passkey is added.")
    again = a_client(app)
    token = next(v for form in page_of(again.get("/staff/sign-in")).forms for n, v in form.fields if n == "csrf_token")
    asked = again.post("/staff/sign-in/passkey/options", data={"csrf_token": token}).get_json()
    answer = phone.use(asked)
    home = again.post("/staff/sign-in/passkey", data={"csrf_token": token, "credential": answer}, follow_redirects=True)
    assert page_of(home).says("Hello, Admin Person")
    # The same answer once more, and the door of debtors, let nobody in.
    thief = a_client(app)
    token = next(v for form in page_of(thief.get("/staff/sign-in")).forms for n, v in form.fields if n == "csrf_token")
    for path in ("/staff/sign-in/passkey", "/sign-in/passkey"):
        thief.post(path, data={"csrf_token": token, "credential": answer})
    assert thief.get("/staff").location == "/staff/sign-in"
    client.fill(client.get("/staff/you"), to="/remove")
    assert session.scalars(select(StaffPasskey.removed_at)).one() is not None


def vouch(client: CheckingClient, words: str = "I called the number on our list.") -> str:
    page = client.get("/staff/colleagues/ways-back")
    link = next(url for url, _words in page_of(page).links if "/ways-back/" in url)
    return page_of(client.fill(client.get(link), {"words": words})).words


def test_a_lost_second_factor_needs_two_colleagues(
    app: Flask, client: CheckingClient, lender: Lender, admin: Worker, clock: Clock
) -> None:
    lost = a_worker(app, lender, Role.HELPDESK, email="lost@linden.example", name="Lo St")
    one, two = (a_worker(app, lender, Role.HELPDESK, email=f"{n}@linden.example", name=n) for n in ("One", "Two"))
    before = a_client(app)
    come_to_work(before, lost)
    stranger = a_client(app)
    page = stranger.fill(stranger.get("/staff/lost"), {"email": lost.email})
    assert page_of(page).says("Now call two colleagues")
    # Asking for nobody is answered alike, and asking twice is asking once.
    assert (
        page_of(stranger.fill(stranger.get("/staff/lost"), {"email": "nobody@linden.example"})).words
        == page_of(page).words
    )
    stranger.fill(stranger.get("/staff/lost"), {"email": lost.email})
    assert len(session.scalars(select(StaffRecovery)).all()) == 1
    # The one who lost it can't vouch, even while still signed in somewhere.
    assert page_of(before.get("/staff/colleagues/ways-back")).says("Another colleague has to say so too.")
    first, second = a_client(app), a_client(app)
    come_to_work(first, one)
    assert "A second colleague has to say so too" in vouch(first)
    assert page_of(first.get("/staff/colleagues/ways-back")).says("Another colleague has to say so too.")
    assert session.scalars(select(Message).where(Message.kind == "staff_way_back")).all() == []
    come_to_work(second, two)
    assert f"The link is on its way to {lost.email}." in vouch(second)
    link = newest_link("staff_way_back")
    # Until the new app has given a code, the old way in still works.
    clock.forward(minutes=1)
    new = "nine brass kettles at noon"
    shown = choose(stranger, link, said=new)
    assert before.get("/staff").status_code == 200
    _secret, home = set_up_app(stranger, shown)
    assert page_of(home).says("Hello, Lo St")
    assert before.get("/staff").location == "/staff/sign-in"
    assert password(a_client(app), lost).status_code == 422
    acts = acts_of(lender.id)
    assert (acts["staff_recovery_asked"], acts["staff_vouched"], acts["staff_recovered"]) == (1, 2, 1)


def test_a_way_back_can_be_refused(app: Flask, client: CheckingClient, lender: Lender, admin: Worker) -> None:
    lost = a_worker(app, lender, Role.HELPDESK, email="lost@linden.example")
    stranger = a_client(app)
    stranger.fill(stranger.get("/staff/lost"), {"email": lost.email})
    come_to_work(client, admin)
    link = next(url for url, _words in page_of(client.get("/staff/colleagues/ways-back")).links if "/ways-back/" in url)
    page = client.get(link)
    assert page_of(client.fill(page, to="/refuse")).says("Refused. Nothing was sent.")
    assert client.get(link).status_code == 404
    assert session.scalars(select(Message).where(Message.kind == "staff_way_back")).all() == []


def test_signing_in_as_one_kind_ends_the_other_in_the_same_browser(
    client: CheckingClient, debt: Standing, lender: Lender, admin: Worker, clock: Clock
) -> None:
    come_in(client, debt)
    assert client.get("/home").status_code == 200
    come_to_work(client, admin)
    assert client.get("/home").location == "/sign-in"
    assert client.get("/staff").status_code == 200
    come_by_link(client, debt)
    assert client.get("/staff").location == "/staff/sign-in"
    assert session.scalars(select(StaffSession.ended_at)).one() is not None


def test_the_database_alone_gives_no_secret_away(client: CheckingClient, lender: Lender, admin: Worker) -> None:
    come_to_work(client, admin)
    kept = row(lender, admin)
    held = " ".join(str(value) for value in vars(kept).values())
    assert admin.secret not in held
    assert PASSWORD not in held
    entries = " ".join(session.scalars(select(EvidenceRecord.entry)))
    assert admin.secret not in entries
    assert PASSWORD not in entries


def test_the_list_of_colleagues_is_a_file_too(
    app: Flask, client: CheckingClient, lender: Lender, admin: Worker
) -> None:
    a_worker(app, lender, Role.HELPDESK, email="f@linden.example", name="=1+1")
    come_to_work(client, admin)
    text = client.get("/staff/colleagues.csv").get_data().decode("utf-8-sig")
    assert "admin@linden.example,lender_administrator,active" in text
    assert "'=1+1" in text


def test_a_language_that_staff_chooses_is_kept(client: CheckingClient, lender: Lender, admin: Worker) -> None:
    come_to_work(client, admin)
    client.fill(client.get("/staff"), {"language": "zh_Hans"}, to="/language")
    assert row(lender, admin).language == "zh_Hans"
