"""Devices, the time-out and what it keeps, stolen cookies, the time zone, and one's own data."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from flask import Flask, template_rendered
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadSignature
from sqlalchemy import func, select

from portal.db import Model, session, transaction
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.people.models import ContactPoint, Debtor, KeptForm, OneTimeCode, UserSession
from portal.people.sign_in import GRACE
from portal.post import outbox
from portal.post.models import Message
from portal.you.views import table_words
from tests.conftest import Clock
from tests.factories import a_debt, a_debtor
from tests.journeys.acts import acts_of, ask_for_code, birthday, come_by_link, give_code, newest_code, rows
from tests.pages import CheckingClient, page_of

FIREFOX = "Mozilla/5.0 (Android 14; Mobile; rv:131.0) Gecko/131.0 Firefox/131.0"


def another(app: Flask) -> CheckingClient:
    client = app.test_client()
    assert isinstance(client, CheckingClient)
    return client


def token_of(client: CheckingClient, page: str = "/home") -> str:
    return next(v for form in page_of(client.get(page)).forms for n, v in form.fields if n == "csrf_token")


def told(kind: str) -> list[Message]:
    session.rollback()
    return list(session.scalars(select(Message).where(Message.kind == kind)))


# You.


def test_the_page_leads_to_everything_that_is_ones_own(client: CheckingClient, debt: Standing) -> None:
    come_by_link(client, debt)
    page = page_of(client.get("/you"))
    links = dict(page.links)
    for address in ("/you/contacts", "/you/time-zone", "/you/passkeys", "/you/devices", "/you/data"):
        assert address in links, address
    assert page.says("If you do nothing, you are signed out at 05:30.")


# Devices.


def test_devices_are_listed_in_plain_words_and_one_is_ended(client: CheckingClient, app: Flask, debt: Standing) -> None:
    other = another(app)
    other.environ_base["HTTP_USER_AGENT"] = FIREFOX
    come_by_link(other, debt)
    come_by_link(client, debt)
    page = client.get("/you/devices")
    assert page_of(page).says("Firefox, Android")
    assert page_of(page).says("by a link and the date of birth")
    assert page_of(page).words.count("This device") == 1
    theirs = session.scalars(select(UserSession.id).where(UserSession.browser == "Firefox, Android")).one()
    for _turn in range(2):
        client.fill(page, to=f"/{theirs}/end")
    assert other.get("/home").status_code == 303
    assert client.get("/home").status_code == 200
    assert acts_of(debt.lender_id)["device_ended"] == 1
    assert FIREFOX not in str(session.execute(select(UserSession)).all())


def test_ending_all_others_leaves_this_one_and_everywhere_ends_it_too(
    client: CheckingClient, app: Flask, debt: Standing
) -> None:
    others = [another(app) for _number in range(2)]
    for other in others:
        come_by_link(other, debt)
    come_by_link(client, debt)
    client.fill(client.get("/you/devices"), to="/end-others")
    assert [other.get("/home").status_code for other in others] == [303, 303]
    assert client.get("/home").status_code == 200
    out = client.fill(client.get("/you"), to="/end-all")
    assert out.request.path == "/signed-out"
    assert client.get("/home").status_code == 303


def test_somebody_elses_device_does_not_exist(
    client: CheckingClient, app: Flask, debt: Standing, lender: Lender
) -> None:
    other = another(app)
    come_by_link(other, a_debt(lender=lender, debtor=a_debtor(lender=lender)))
    theirs = session.scalars(select(UserSession.id)).one()
    come_by_link(client, debt)
    token = token_of(client)
    before = rows()
    assert client.post(f"/you/devices/{theirs}/end", data={"csrf_token": token}).status_code == 404
    assert rows() == before
    assert other.get("/home").status_code == 200


def test_a_new_device_is_told_but_not_the_first_one_and_not_one_that_is_known(
    client: CheckingClient, app: Flask, debt: Standing
) -> None:
    come_by_link(client, debt)
    come_by_link(client, debt)
    assert told("new_device") == []
    other = another(app)
    other.environ_base["HTTP_USER_AGENT"] = FIREFOX
    come_by_link(other, debt)
    message = told("new_device")[0]
    assert "Firefox, Android" in message.body and message.address == "robin@example.com"
    come_by_link(other, debt)
    assert len(told("new_device")) == 1


def test_a_message_is_in_the_persons_language_from_top_to_bottom_whatever_the_page_is_in(
    client: CheckingClient, app: Flask, lender: Lender
) -> None:
    debt = a_debt(lender=lender, debtor=a_debtor(lender=lender, language="zh_Hans", phone="+12025550143"))
    come_by_link(client, debt)
    other = another(app)
    other.get("/sign-in", headers={"Accept-Language": "en"})
    other.fill(other.get("/help"), {"language": "en", "next": "/help"}, to="/language")
    come_by_link(other, debt)
    messages = told("new_device")
    assert messages
    for message in messages:
        assert "核对码" in message.body and "heck" not in message.body
        assert message.language == "zh_Hans"


# A stolen session.


def test_a_cookie_that_was_stolen_before_the_code_is_worth_nothing_after_it(
    client: CheckingClient, app: Flask, debt: Standing, clock: Clock
) -> None:
    come_by_link(client, debt)
    stolen = client.get_cookie("portal")
    assert stolen is not None
    give_code(client)
    clock.forward(seconds=GRACE.total_seconds() + 1)
    assert client.get("/letters").status_code == 200
    thief = another(app)
    thief.set_cookie("portal", stolen.value)
    assert thief.get("/home").status_code == 303
    assert thief.get("/letters").status_code == 303


def test_a_thief_who_looks_all_the_time_gains_nothing_by_the_code(
    client: CheckingClient, app: Flask, debt: Standing, clock: Clock
) -> None:
    come_by_link(client, debt)
    page = ask_for_code(client)
    stolen = client.get_cookie("portal")
    assert stolen is not None
    thief = another(app)
    thief.set_cookie("portal", stolen.value)
    seen = thief.get("/code")
    client.fill(page, {"code": newest_code()})
    # Within the moment in which a second click counts: whoever has the cookie and not the code.
    wrong = f"{(int(newest_code()) + 1) % 10**6:06d}"
    for _turn in range(7):
        clock.forward(seconds=3)
        assert thief.get("/letters").location == "/code"
        thief.fill(seen, {"code": wrong})
    thief.fill(seen, {"code": newest_code()})
    clock.forward(seconds=10)
    assert thief.get("/home").status_code == 303
    assert client.get("/letters").status_code == 200


def test_a_double_click_on_the_code_leaves_one_signed_in(client: CheckingClient, debt: Standing, clock: Clock) -> None:
    come_by_link(client, debt)
    page = ask_for_code(client)
    before = client.get_cookie("portal")
    assert before is not None
    code = newest_code()
    client.fill(page, {"code": code})
    # The second click was sent with the cookie of before, and its answer is what the browser keeps.
    client.set_cookie("portal", before.value)
    client.fill(page, {"code": code})
    clock.forward(minutes=5)
    assert client.get("/letters").status_code == 200


def test_cookies_from_before_turns_were_counted_still_work(client: CheckingClient, debt: Standing) -> None:
    come_by_link(client, debt)
    with client.session_transaction() as cookie:
        cookie["_user_id"] = cookie["_user_id"].rpartition(":")[0]
    assert client.get("/home").status_code == 200
    with client.session_transaction() as cookie:
        cookie["_user_id"] += ":x"
    assert client.get("/home").status_code == 303


# The time-out.


def test_a_cookie_is_signed_as_flask_itself_signs_it(app: Flask) -> None:
    flasks = SecureCookieSessionInterface().get_signing_serializer(app)
    ours = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    assert flasks is not None
    said = {"_user_id": "debtor:1:2:3", "language": "zh_Hans"}
    assert ours.loads(flasks.dumps(said), max_age=60) == said == flasks.loads(ours.dumps(said), max_age=60)
    with pytest.raises(BadSignature):
        ours.loads(flasks.dumps(said)[:-1] + "~", max_age=60)


def test_staying_moves_the_time_out_and_says_until_when(client: CheckingClient, debt: Standing, clock: Clock) -> None:
    come_by_link(client, debt)
    clock.forward(minutes=26)
    token = token_of(client, "/you")
    clock.forward(minutes=1)
    answer = client.post("/you/stay", data={"csrf_token": token}, headers={"Accept": "application/json"})
    assert answer.get_json()["until"] == (clock.at + timedelta(minutes=30)).isoformat()
    page = client.post("/you/stay", data={"csrf_token": token}, follow_redirects=True)
    assert page_of(page).says("You stay signed in until 05:57.")
    for wanted, there in (("/home", "/home"), ("https://evil.example/", "/you"), ("//evil.example", "/you")):
        answer = client.post("/you/stay", data={"csrf_token": token, "next": wanted})
        assert answer.location == there
    clock.forward(minutes=29)
    assert client.get("/home").status_code == 200


def test_nobody_stays_longer_than_twelve_hours(client: CheckingClient, debt: Standing, clock: Clock) -> None:
    come_by_link(client, debt)
    began = clock.at
    for _turn in range(25):
        clock.forward(minutes=28)
        client.get("/home")
    answer = client.post(
        "/you/stay", data={"csrf_token": token_of(client, "/you")}, headers={"Accept": "application/json"}
    )
    assert answer.get_json()["until"] == (began + timedelta(hours=12)).isoformat()


def test_pages_know_until_when_one_stays_signed_in(client: CheckingClient, app: Flask, debt: Standing) -> None:
    come_by_link(client, debt)
    told_to_pages: dict[str, object] = {}

    def note(_sender: object, context: dict[str, object], **_more: object) -> None:
        told_to_pages.update(context)

    with template_rendered.connected_to(note, app):
        client.get("/home")
    assert str(told_to_pages["idle_until"]) == "2026-05-04 09:30:00+00:00"
    assert told_to_pages["stay_url"] == "/you/stay"


@pytest.mark.parametrize("way", ["link", "reference"])
def test_what_was_typed_when_the_time_was_up_is_there_again(
    client: CheckingClient, debt: Standing, clock: Clock, way: str
) -> None:
    come_by_link(client, debt)
    page = client.get("/you/contacts/add")
    typed = "robin‮ 📱 <b>typed</b>"
    clock.forward(minutes=31)
    asked = client.fill(page, {"address": typed})
    assert asked.request.path == "/sign-in"
    assert page_of(asked).says("What you typed is kept.")
    if way == "link":
        back = come_by_link(client, debt)
    else:
        code = client.fill(asked, {"reference": debt.reference, **birthday()})
        back = client.fill(code, {"code": newest_code()})
    assert back.request.path == "/you/contacts/add"
    assert page_of(back).says("Here is what you typed before.")
    assert dict(next(f for f in page_of(back).forms if "address" in f.names).fields)["address"] == typed
    client.fill(back, {"address": "robin2@example.com"})
    session.rollback()
    assert session.scalar(select(func.count()).select_from(KeptForm)) == 0


def test_codes_and_tokens_are_never_kept(client: CheckingClient, debt: Standing, clock: Clock) -> None:
    come_by_link(client, debt)
    page = ask_for_code(client)
    clock.forward(minutes=31)
    client.fill(page, {"code": "123456"})
    assert session.scalar(select(func.count()).select_from(KeptForm)) == 0


def test_what_was_kept_is_for_the_one_who_typed_it(
    client: CheckingClient, debt: Standing, lender: Lender, clock: Clock
) -> None:
    come_by_link(client, debt)
    page = client.get("/you/contacts/add")
    clock.forward(minutes=31)
    client.fill(page, {"address": "secret@example.com"})
    other = a_debt(lender=lender, debtor=a_debtor(lender=lender))
    assert come_by_link(client, other).request.path == "/home"
    assert not page_of(client.get("/you/contacts/add")).says("Here is what you typed before.")


def test_whoever_was_signed_out_on_purpose_leaves_nothing(client: CheckingClient, app: Flask, debt: Standing) -> None:
    come_by_link(client, debt)
    page = client.get("/you/contacts/add")
    other = another(app)
    come_by_link(other, debt)
    other.fill(other.get("/you/devices"), to="/end-others")
    client.fill(page, {"address": "thief@example.com"})
    assert session.scalar(select(func.count()).select_from(KeptForm)) == 0


def test_of_a_letter_that_somebody_pasted_the_start_is_kept(
    client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    come_by_link(client, debt)
    page = client.get("/you/contacts/add")
    clock.forward(minutes=31)
    client.fill(page, {"address": "信" * 100_000})
    back = come_by_link(client, debt)
    assert back.request.path == "/you/contacts/add"
    assert "信" * 320 in back.get_data(as_text=True)


def test_what_is_kept_is_forgotten_after_a_day_and_is_never_much(
    client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    come_by_link(client, debt)
    page = client.get("/you/contacts/add")
    clock.forward(minutes=31)
    for number in range(8):
        client.fill(page, {"address": f"{number}" * 60_000 if number == 7 else str(number)})
    session.rollback()
    assert session.scalar(select(func.count()).select_from(KeptForm)) == 5
    clock.forward(hours=24, minutes=1)
    assert come_by_link(client, debt).request.path == "/home"


# Time zone.


@pytest.mark.parametrize(
    ("typed", "zone"), [("shanghai", "Asia/Shanghai"), ("上海", "Asia/Shanghai"), ("São Paulo", "America/Sao_Paulo")]
)
def test_a_place_gives_the_time_zone(client: CheckingClient, debt: Standing, typed: str, zone: str) -> None:
    come_by_link(client, debt)
    found = client.fill(client.get("/you/time-zone"), {"place": typed})
    client.fill(found, {"zone": zone})
    session.rollback()
    assert session.scalars(select(Debtor.zone).where(Debtor.id == debt.debtor_id)).one() == zone
    assert acts_of(debt.lender_id)["zone_chosen"] == 1


@pytest.mark.parametrize("typed", ["", " ", "Atlantis", "<b>", "👻", "مكان", "x" * 60_000])
def test_what_is_no_place_changes_nothing(client: CheckingClient, debt: Standing, typed: str) -> None:
    come_by_link(client, debt)
    page = client.get("/you/time-zone")
    before = rows()
    assert client.fill(page, {"place": typed}).status_code == 422
    token = token_of(client)
    assert client.post("/you/time-zone", data={"csrf_token": token, "zone": "Mars/Base"}).status_code == 422
    assert rows() == before


# My data.


def test_ones_own_data_is_listed_and_taken_as_json_and_csv(client: CheckingClient, debt: Standing) -> None:
    come_by_link(client, debt)
    assert client.get("/you/data").location == "/code"
    give_code(client)
    page = page_of(client.get("/you/data"))
    assert page.says("Your debts, as your lender told us") and page.says("Messages that we wrote to you")
    taken = client.get("/you/data.json")
    held = json.loads(taken.data)["held"]
    assert held["debt"][0]["reference"] == debt.reference
    assert held["contact_point"][0]["address"] == "robin@example.com"
    assert held["book"][0]["currency"] == "USD"
    kept = session.scalars(select(OneTimeCode.code_hash)).one()
    assert kept not in taken.get_data(as_text=True)
    table = client.get("/you/data.csv")
    assert table.data.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(table.get_data(as_text=True).lstrip("\ufeff"))))
    assert ["debt", "1", "reference", debt.reference] in lines
    assert acts_of(debt.lender_id)["own_data_taken"] == 2


def test_whoever_stole_a_session_reads_no_code_and_no_link_in_the_data(
    client: CheckingClient, app: Flask, debt: Standing
) -> None:
    come_by_link(client, debt)
    give_code(client)
    page = client.fill(client.get("/you/contacts/add"), {"address": "thief@example.com"})
    client.fill(page, {"send_old": str(session.scalars(select(ContactPoint.id)).one())})
    session.rollback()
    body = session.scalars(select(Message.body).where(Message.kind == "contact_code")).one()
    code = re.findall(r"\d{6}", body)[0]
    with app.test_request_context(), transaction():
        outbox.put(
            lender_id=debt.lender_id,
            debtor_id=debt.debtor_id,
            channel="email",
            address="robin@example.com",
            kind="contact_changed",
            subject="Changed",
            body="Undo it here: http://localhost/undo/SECRET-token_= or call us.",
        )
    for kind in ("json", "csv"):
        taken = client.get(f"/you/data.{kind}").get_data(as_text=True)
        assert "Undo it here" in taken
        assert "SECRET" not in taken and code not in taken, kind
    assert not page_of(client.get("/you/messages")).says(code)


def test_every_table_about_a_person_has_words_of_its_own(client: CheckingClient) -> None:
    tables = {name for name, table in Model.metadata.tables.items() if "debtor_id" in table.columns}
    assert {name for name in tables if table_words(name).startswith("Other records")} == set()


def test_ones_own_data_is_nobody_elses_and_runs_in_no_spreadsheet(
    client: CheckingClient, debt: Standing, lender: Lender
) -> None:
    other = a_debt("123.45", lender=lender, debtor=a_debtor(lender=lender, name="=HYPERLINK(1)", email="o@example.com"))
    come_by_link(client, debt)
    give_code(client)
    mine = client.get("/you/data.json").get_data(as_text=True)
    assert other.reference not in mine and "o@example.com" not in mine and "12345" not in mine
    come_by_link(client, other)
    give_code(client)
    lines = csv.reader(io.StringIO(client.get("/you/data.csv").get_data(as_text=True).lstrip("\ufeff")))
    assert not [line for line in lines if line[3].startswith(("=", "+", "@"))]
