"""The other doors: each becomes a request with a number, a clock and, where the rules say so, a hold; undo too."""

from __future__ import annotations

import csv
import io
import re
import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from portal import clock as portal_clock
from portal.care import holds, requests
from portal.care.models import CareHold, CareRequest, Need
from portal.care.states import DOORS, Kind, State
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.evidence.record import Actor
from portal.lenders.models import Lender
from portal.people.models import ContactPoint, Debtor
from portal.post.models import BouncedAddress, Message
from portal.verify import run as verify_run
from tests.conftest import Clock
from tests.factories import a_debt, a_debtor, a_lender
from tests.journeys.acts import acts_of, books_agree, come_in, command, press, rows, to_check, to_choices, work
from tests.pages import CheckingClient, page_of

NUMBER = re.compile(r"R-\w{4}-\w{4}-\w{2}")
NASTY = (
    "<script>alert(1)</script><b>&amp;\"'",
    "👩‍👩‍👧‍👦 🇧🇷 ✊🏽",
    "هذا ليس ديني \u202eabc",
    "我没有这笔欠款。\n\n第二行",
    "{{ 7 * 7 }} %(number)s %s {0}",
    "x" * 2_000,
)


def ask(client: CheckingClient, door: Kind, debt: Standing | None = None, **values: str) -> TestResponse:
    """Go through a door and press send."""
    where = f"?debt={debt.reference}" if debt else ""
    return send(client, client.get(f"/help/{door.slug}{where}"), **values)


def send(client: CheckingClient, shown: TestResponse, **values: str) -> TestResponse:
    """Press send on a page of a door."""
    return client.fill(shown, values, to=shown.request.path)


def the_request() -> CareRequest:
    session.rollback()
    return session.scalars(select(CareRequest)).one()


def held(debt: Standing) -> set[str]:
    """What is stopped for a debt now."""
    session.rollback()
    found = holds.holding(lender_id=debt.lender_id, debtor_id=debt.debtor_id, debt_id=debt.id, at=portal_clock.now())
    return set().union(*(hold.stops for hold in found)) if found else set()


def messages(kind: str) -> list[Message]:
    session.rollback()
    return list(session.scalars(select(Message).where(Message.kind == kind).order_by(Message.id)))


STOPS = {
    Kind.CANT_PAY: {"reminders"},
    Kind.NOT_MINE: {"reminders", "autopay", "collection"},
    Kind.WRONG_AMOUNT: {"reminders", "autopay", "collection"},
    Kind.COMPLAIN: {"reminders", "autopay", "collection"},
    Kind.TALK: set(),
}


@pytest.mark.parametrize("door", DOORS)
def test_each_door_is_one_tap_and_says_what_happens_now(client: CheckingClient, debt: Standing, door: Kind) -> None:
    come_in(client, debt)
    page = ask(client, door, debt)
    made = the_request()
    assert page.request.path == f"/requests/{made.number}"
    assert (made.kind, made.state, made.debt_id, made.words) == (door.value, "open", debt.id, "")
    assert page_of(page).says(made.number)
    assert page_of(page).says("You get an answer by")
    assert held(debt) == STOPS[door]
    told = messages("request_received")
    assert [message.address for message in told] == ["robin@example.com"]
    # On a shared phone a message must not say what it is about.
    assert made.number in told[0].body and f"/requests/{made.number}" in told[0].body
    assert not re.search("debt|pay|dispute|complain|owe", told[0].subject + told[0].body.partition("http")[0], re.I)
    acts = acts_of(debt.lender_id)
    assert acts["request_opened"] == 1 and acts["hold_started"] == (1 if STOPS[door] else 0)
    books_agree()


@pytest.mark.parametrize("door", DOORS)
def test_what_a_door_promises_before_is_what_the_page_says_afterwards(
    client: CheckingClient, debt: Standing, door: Kind
) -> None:
    come_in(client, debt)
    before = page_of(client.get(f"/help/{door.slug}?debt={debt.reference}"))
    after = page_of(ask(client, door, debt))
    day = portal_clock_day(the_request())
    assert before.says(day) and after.says(day)
    for sentence in ("No reminders until", "Nothing is charged automatically."):
        assert before.says(sentence) == after.says(sentence)


def portal_clock_day(made: CareRequest) -> str:
    return f"{made.answer_by.day} {made.answer_by:%B %Y}"


def test_the_doors_of_somebody_with_several_debts_ask_which(client: CheckingClient, lender: Lender) -> None:
    person = a_debtor(lender=lender)
    first, second = a_debt("100.00", debtor=person, lender=lender), a_debt("200.00", debtor=person, lender=lender)
    come_in(client, first)
    page = page_of(client.get("/help/not-mine"))
    assert page.headings == ["Which debt is it about?"]
    links = [href for href, _words in page.links if href.startswith("/help/not-mine?")]
    assert links == [
        f"/help/not-mine?debt={first.reference}",
        f"/help/not-mine?debt={second.reference}",
        "/help/not-mine?about=all",
    ]
    send(client, client.get(links[1]))
    assert held(second) == STOPS[Kind.NOT_MINE] and held(first) == set()
    # Not sure which: then all of them are left alone.
    send(client, client.get(links[2]))
    assert held(first) == STOPS[Kind.NOT_MINE]
    # To talk, nobody needs to know which.
    assert page_of(client.get("/help/talk-to-a-person")).headings == ["Talk to a person"]


def test_with_one_debt_nobody_is_asked_which(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    send(client, client.get("/help/wrong-amount"))
    assert the_request().debt_id == debt.id


def test_a_double_click_makes_one_request(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    shown = client.get(f"/help/not-mine?debt={debt.reference}")
    first, second = send(client, shown), send(client, shown)
    assert first.request.path == second.request.path == f"/requests/{the_request().number}"
    assert len(messages("request_received")) == 1
    assert session.scalars(select(CareHold)).one().kind == "not_mine"


def test_two_clicks_at_the_same_moment_make_one_request(real_app: Flask) -> None:
    lender = a_lender()
    debt = a_debt(lender=lender)
    together = threading.Barrier(4)
    done: list[object] = []

    def click(debtor_id: uuid.UUID | None) -> None:
        together.wait()
        with real_app.app_context(), transaction():
            done.append(
                requests.open_request(
                    lender_id=lender.id,
                    debtor_id=debtor_id,
                    kind="complain",
                    debt_id=None,
                    words="",
                    by=Actor("debtor", "x"),
                    key="the same",
                )
            )
        session.remove()

    clicks = [threading.Thread(target=click, args=(who,)) for who in (debt.debtor_id, debt.debtor_id, None, None)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join(timeout=60)
    assert len(done) == 4
    assert len(session.scalars(select(CareRequest)).all()) == 2
    assert [getattr(each, "again", None) for each in done].count(True) == 2


def test_a_form_without_its_own_key_sends_nothing(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    shown = client.get(f"/help/not-mine?debt={debt.reference}")
    for key in ("", "x" * 32, "0" * 31, "' or 1=1"):
        again = client.fill(shown, {"form_key": key})
        assert again.request.path == "/help/not-mine"
    assert session.scalars(select(CareRequest)).all() == []


def test_the_key_of_one_person_says_nothing_of_another(client: CheckingClient, lender: Lender) -> None:
    one, other = a_debt(lender=lender), a_debt(lender=lender)
    come_in(client, one)
    client.fill(client.get("/help/complain"), {"form_key": "a" * 32})
    come_in(client, other)
    client.fill(client.get("/help/complain"), {"form_key": "a" * 32})
    assert len(session.scalars(select(CareRequest)).all()) == 2


@pytest.mark.parametrize("words", NASTY, ids=range(len(NASTY)))
def test_any_words_are_kept_and_shown_as_words(client: CheckingClient, debt: Standing, words: str) -> None:
    come_in(client, debt)
    page = ask(client, Kind.WRONG_AMOUNT, debt, words=words)
    kept = the_request().words
    assert kept == requests.plain_words(words)
    for line in kept.splitlines():
        assert page_of(page).says(line)
    assert b"<script>alert" not in page.data


def test_more_words_than_fit_are_kept_on_the_page_with_a_reason(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    shown = client.get(f"/help/complain?debt={debt.reference}")
    again = client.fill(shown, {"words": "y" * 2_001})
    assert again.status_code == 422
    assert page_of(again).says("it has 2001 now") and "y" * 2_001 in again.get_data(as_text=True)
    again = client.fill(shown, {"words": "z" * 100_000})
    assert again.status_code == 422
    assert page_of(again).says("it has 100000 now") and "z" * 100_000 in again.get_data(as_text=True)
    assert client.fill(shown, {"words": "z" * 1_100_000}).status_code == 413
    assert session.scalars(select(CareRequest)).all() == []


@pytest.mark.parametrize(
    "values", [{"reply_by": ""}, {"reply_by": "telepathy"}, {"wish": "a unicorn"}, {"reply_by": "sms"}]
)
def test_what_was_not_offered_is_not_taken(client: CheckingClient, debt: Standing, values: dict[str, str]) -> None:
    come_in(client, debt)
    shown = client.get(f"/help/cant-pay?debt={debt.reference}")
    token = dict(next(form for form in page_of(shown).forms if "form_key" in form.names).fields)
    answer = client.post(f"/help/cant-pay?debt={debt.reference}", data=token | values)
    assert answer.status_code == 422
    assert session.scalars(select(CareRequest)).all() == []


def test_another_persons_debt_does_not_exist_and_nothing_changes(client: CheckingClient, lender: Lender) -> None:
    mine, theirs = a_debt(lender=lender), a_debt(lender=lender)
    come_in(client, mine)
    token = dict(page_of(client.get("/help/not-mine")).forms[0].fields)
    sent = dict(next(f for f in page_of(client.get("/help/not-mine")).forms if "form_key" in f.names).fields)
    before = rows()
    for door in DOORS:
        assert client.get(f"/help/{door.slug}?debt={theirs.reference}").status_code == 404
        assert client.post(f"/help/{door.slug}?debt={theirs.reference}", data=sent).status_code == 404
        assert client.get(f"/help/{door.slug}?debt=D-nobody").status_code == 404
    assert client.get(f"/help?debt={theirs.reference}").status_code == 404
    assert token and rows() == before
    with pytest.raises(requests.NotTheirDebt), transaction():
        requests.open_request(
            lender_id=mine.lender_id,
            debtor_id=mine.debtor_id,
            kind="not_mine",
            debt_id=theirs.id,
            words="",
            by=Actor("debtor", "x"),
            key="k",
        )
    assert rows() == before


def test_another_persons_request_does_not_exist_and_nothing_changes(
    client: CheckingClient, app: Flask, lender: Lender
) -> None:
    theirs = a_debt(lender=lender)
    other = app.test_client()
    assert isinstance(other, CheckingClient)
    come_in(other, theirs)
    ask(other, Kind.NOT_MINE, theirs)
    number = the_request().number
    come_in(client, a_debt(lender=lender))
    token = dict(page_of(client.get("/help/complain")).forms[0].fields)
    before = rows()
    assert client.get(f"/requests/{number}").status_code == 404
    assert client.post(f"/requests/{number}/withdraw", data=token).status_code == 404
    assert client.post("/requests/R-0000-0000-00/withdraw", data=token).status_code == 404
    assert number not in client.get("/requests").get_data(as_text=True)
    assert number not in client.get("/requests.csv").get_data(as_text=True)
    assert rows() == before and the_request().state == "open"
    assert held(theirs) == STOPS[Kind.NOT_MINE]


def test_it_can_be_taken_back_as_long_as_nobody_took_it(client: CheckingClient, app: Flask, debt: Standing) -> None:
    come_in(client, debt)
    page = ask(client, Kind.CANT_PAY, debt, need_no_calls="y")
    assert held(debt) == {"reminders"}
    back = client.fill(page, to="/withdraw")
    assert page_of(back).headings == ["You took it back"]
    assert held(debt) == set() and the_request().state == "withdrawn"
    assert requests.needs_of(lender_id=debt.lender_id, debtor_id=debt.debtor_id) == ()
    # Another tab, a second click: it is taken back, once.
    assert page_of(client.fill(page, to="/withdraw")).headings == ["You took it back"]
    assert acts_of(debt.lender_id)["request_withdrawn"] == 1
    books_agree()
    again = ask(client, Kind.CANT_PAY, debt)
    number = again.request.path.rpartition("/")[2]
    assert command(app, "requests", "take", number).exit_code == 0
    late = client.fill(again, to="/withdraw")
    assert page_of(late).says("A person is looking at it already.")
    assert held(debt) == {"reminders"}
    assert "withdraw" not in client.get(f"/requests/{number}").get_data(as_text=True)


def test_a_dispute_holds_until_it_is_answered_and_the_answer_is_told(
    client: CheckingClient, app: Flask, debt: Standing, clock: Clock
) -> None:
    come_in(client, debt)
    number = ask(client, Kind.NOT_MINE, debt, words="I never had this card").request.path.rpartition("/")[2]
    clock.forward(days=60)
    assert held(debt) == STOPS[Kind.NOT_MINE]
    taken = command(app, "requests", "take", number, "--by", "Kim")
    assert "I never had this card" in taken.output and "with: Kim" in taken.output
    answered = command(app, "requests", "answer", number, "--words", "You are right.\nIt is gone.", "--by", "Kim")
    assert answered.exit_code == 0, answered.output
    assert held(debt) == set()
    told = messages("request_answered")
    assert len(told) == 1 and "right" not in told[0].body and f"/requests/{number}" in told[0].body
    come_in(client, debt)
    page = page_of(client.get(f"/requests/{number}"))
    assert page.headings == ["You have an answer"] and page.says("You are right. It is gone.")
    assert "answered already" in command(app, "requests", "answer", number, "--words", "twice").output
    assert page_of(client.get(f"/requests/{number}")).says("You are right.")
    assert command(app, "requests", "close", number).exit_code == 0
    assert the_request().state == "closed"
    acts = acts_of(debt.lender_id)
    assert [acts[f"request_{each}"] for each in ("opened", "taken", "answered", "closed")] == [1, 1, 1, 1]
    assert (acts["hold_started"], acts["hold_ended"]) == (1, 1)
    work(app)
    books_agree()


def test_an_answer_goes_where_somebody_is_reached(client: CheckingClient, app: Flask, lender: Lender) -> None:
    debt = a_debt(lender=lender, debtor=a_debtor(lender=lender, phone="+12125550123"))
    mine = {"lender_id": lender.id, "debtor_id": debt.debtor_id, "created_at": portal_clock.now()}
    with transaction() as s:
        s.execute(
            update(ContactPoint)
            .where(ContactPoint.debtor_id == debt.debtor_id, ContactPoint.channel == "sms")
            .values(confirmed_at=portal_clock.now())
        )
        # Newer, from a lender's file, and nobody's.
        s.add(ContactPoint(**mine, channel="sms", address="+12125550199"))
        s.add(
            BouncedAddress(
                lender_id=lender.id, channel="email", address="robin@example.com", bounced_at=portal_clock.now()
            )
        )
    come_in(client, debt)
    number = ask(client, Kind.COMPLAIN, debt, reply_by="here").request.path.rpartition("/")[2]
    command(app, "requests", "answer", number, "--words", "Yes.")
    assert [each.address for each in messages("request_answered")] == ["+12125550123"]


def test_who_cannot_pay_is_left_in_peace_for_the_stated_days_even_after_an_answer(
    client: CheckingClient, app: Flask, debt: Standing, clock: Clock
) -> None:
    come_in(client, debt)
    number = ask(client, Kind.CANT_PAY, debt, wish="pause").request.path.rpartition("/")[2]
    assert the_request().wish == "pause"
    command(app, "requests", "answer", number, "--words", "Of course.")
    clock.forward(days=29, hours=23)
    assert held(debt) == {"reminders"}
    clock.forward(hours=2)
    assert held(debt) == set()
    books_agree()
    command(app, "requests", "close", number)
    books_agree()


def test_cannot_pay_leads_on_to_a_smaller_plan(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    page = ask(client, Kind.CANT_PAY, debt)
    assert f"/debts/{debt.reference}/what-can-you-afford" in {href for href, _words in page_of(page).links}


def test_needs_are_kept_with_the_words_agreed_to_and_can_be_taken_back(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    ask(client, Kind.CANT_PAY, debt, need_large_text="y", need_rather_not_say="y")
    kept = session.scalars(select(Need).order_by(Need.need)).all()
    assert [need.need for need in kept] == ["large_text", "rather_not_say"]
    assert all("take it back at any time" in need.agreed_text for need in kept)
    page = client.get("/requests")
    assert page_of(page).says("Letters in large print")
    gone = client.fill(page, to="/requests/needs")
    assert page_of(gone).says("We have forgotten it.") and not page_of(gone).says("Letters in large print")
    assert acts_of(debt.lender_id)["needs_taken_back"] == 1


def test_nothing_is_ticked_or_wished_beforehand(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    form = next(
        form for form in page_of(client.get(f"/help/cant-pay?debt={debt.reference}")).forms if "form_key" in form.names
    )
    assert {name for name, _value in form.fields} == {"csrf_token", "form_key", "words", "reply_by"}


@pytest.mark.parametrize(("words", "language"), [("I want to kill myself", "en"), ("我真的不想活了", "zh_Hans")])
def test_words_of_danger_reach_a_person_first_and_the_page_says_whom_to_call(
    client: CheckingClient, app: Flask, lender: Lender, clock: Clock, words: str, language: str
) -> None:
    calm = a_debt(lender=lender)
    come_in(client, calm)
    ask(client, Kind.TALK, calm)
    clock.forward(minutes=5)
    debt = a_debt(lender=lender)
    come_in(client, debt)
    page = page_of(ask(client, Kind.TALK, debt, words=words))
    text = " ".join(page.words.split())
    # The lender is in the US: its numbers stand before everything else.
    assert text.index("988") < text.index("R-")
    assert held(debt) == {"reminders", "collection"}
    number = page.links and session.scalars(select(CareRequest.number).where(CareRequest.urgent)).one()
    listed = command(app, "requests", "list").output.splitlines()
    assert listed[0].startswith(f"URGENT {number}") and words not in listed[0]
    assert any(str(number) in line for line in command(app, "nightly").output.splitlines())
    # A button does not take it back; a person reads it all the same.
    assert "Take it back" not in text
    with transaction():
        done = requests.withdraw(
            lender_id=debt.lender_id, debtor_id=debt.debtor_id, number=str(number), by=Actor("debtor", "x")
        )
    assert isinstance(done, requests.Forbidden)
    command(app, "requests", "answer", str(number), "--words", "We talked.")
    assert held(debt) == set()
    books_agree()


def test_the_queue_is_ordered_by_the_clock_and_says_what_is_late(
    client: CheckingClient, app: Flask, lender: Lender, clock: Clock
) -> None:
    first, second = a_debt(lender=lender), a_debt(lender=lender)
    come_in(client, first)
    dispute = ask(client, Kind.NOT_MINE, first, words="=1+1").request.path.rpartition("/")[2]
    clock.forward(days=3)
    come_in(client, second)
    talk = ask(client, Kind.TALK, second).request.path.rpartition("/")[2]
    lines = command(app, "requests", "list").output.splitlines()
    assert [NUMBER.findall(line) for line in lines[:2]] == [[dispute], [talk]]
    assert lines[0].startswith("LATE") and not lines[1].startswith("LATE")
    assert lines[2] == "2 waiting, 1 of them late."
    assert any(dispute in line for line in command(app, "nightly").output.splitlines())
    # Somebody has looked: what counts now is the day of the answer.
    command(app, "requests", "take", dispute)
    assert NUMBER.findall(command(app, "requests", "list").output) == [talk, dispute]
    table = list(csv.DictReader(io.StringIO(command(app, "requests", "list", "--csv").output)))
    assert [row["number"] for row in table] == [talk, dispute]
    assert table[1]["words"] == "'=1+1"
    assert "no lender called" in command(app, "requests", "list", "--lender", "nobody").output


@pytest.mark.parametrize(
    "words",
    [
        ("take", "R-0000-0000-00"),
        ("answer", "R-0000-0000-00", "--words", "x"),
        ("close", "R-0000-0000-00"),
    ],
)
def test_a_number_that_is_not_there_is_a_sentence(app: Flask, lender: Lender, words: tuple[str, ...]) -> None:
    done = command(app, "requests", *words)
    assert done.exit_code == 1 and "There is no request" in done.output


def test_nothing_is_closed_without_an_answer_and_no_answer_is_empty(
    client: CheckingClient, app: Flask, debt: Standing
) -> None:
    come_in(client, debt)
    number = ask(client, Kind.COMPLAIN, debt).request.path.rpartition("/")[2]
    assert command(app, "requests", "close", number).exit_code == 1
    assert command(app, "requests", "answer", number, "--words", " \u202e ").exit_code == 1
    assert the_request().state == "open" and held(debt) == STOPS[Kind.COMPLAIN]


def test_a_complaint_about_no_debt_stops_nothing(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    ask(client, Kind.COMPLAIN)
    assert held(debt) == set()


def test_an_offer_sent_to_a_person_is_in_the_same_queue_and_its_answer_is_told(
    client: CheckingClient, app: Flask, debt: Standing
) -> None:
    come_in(client, debt)
    page = client.fill(to_choices(client, debt, amount="5"), {"send": "1"})
    made = the_request()
    assert (made.kind, made.debt_id) == ("offer", debt.id)
    assert page_of(page).says(made.number)
    assert made.number in command(app, "requests", "list").output
    lender = session.get_one(Lender, debt.lender_id)
    assert made.number in command(app, "offers", "--lender", lender.slug).output
    command(app, "requests", "answer", made.number, "--words", "Yes, five a month.")
    assert len(messages("request_answered")) == 1
    after = client.get(f"/debts/{debt.reference}/sent-to-a-person", follow_redirects=True)
    assert page_of(after).says("Yes, five a month.")


def test_the_list_has_an_empty_state_and_a_file(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    assert page_of(client.get("/requests")).says("You haven’t asked us anything yet")
    ask(client, Kind.COMPLAIN, debt, words="=HYPERLINK(1)")
    assert page_of(client.get("/requests")).says(the_request().number)
    file = client.get("/requests.csv")
    assert file.mimetype == "text/csv" and file.data.startswith(b"\xef\xbb\xbf")
    table = list(csv.DictReader(io.StringIO(file.data.decode("utf-8-sig"))))
    assert table[0]["Your words"] == "'=HYPERLINK(1)"


def test_help_shows_what_waits_and_advice_for_the_place(client: CheckingClient, debt: Standing) -> None:
    stranger = page_of(client.get("/help"))
    assert stranger.says("988") and stranger.says("I can’t pay") and stranger.says("Complain")
    come_in(client, debt)
    ask(client, Kind.NOT_MINE, debt)
    page = page_of(client.get(f"/help?debt={debt.reference}&place=GB"))
    assert page.says(the_request().number) and page.says("Samaritans") and not page.says("988")
    assert {f"/help/{door.slug}?debt={debt.reference}" for door in DOORS} <= {href for href, _ in page.links}
    assert page_of(client.get("/help?place=%3Cb%3E")).says("988")


def test_a_place_we_know_nothing_of_gets_a_neutral_sentence(client: CheckingClient, app: Flask) -> None:
    a_lender(jurisdiction="XX")
    page = page_of(client.get("/help"))
    assert page.says("call the emergency number where you are")
    assert page.says("a charity near you for free debt advice")


def test_somebody_who_asks_too_often_is_asked_to_call(client: CheckingClient, debt: Standing, clock: Clock) -> None:
    come_in(client, debt)
    for _time in range(requests.MOST_A_DAY):
        assert ask(client, Kind.COMPLAIN).status_code == 200
    before = rows()
    refused = ask(client, Kind.COMPLAIN)
    assert refused.status_code == 429 and page_of(refused).says("Please call us")
    assert rows() == before
    clock.forward(days=1, minutes=1)
    come_in(client, debt)
    assert ask(client, Kind.COMPLAIN).status_code == 200


def test_without_a_contact_on_file_the_page_says_the_number_and_nothing_is_written(
    client: CheckingClient, lender: Lender
) -> None:
    debt = a_debt(lender=lender, debtor=a_debtor(lender=lender, email=None))
    come_in(client, debt)
    assert page_of(ask(client, Kind.NOT_MINE, debt)).says(the_request().number)
    assert messages("request_received") == []


def test_the_answer_is_written_in_the_persons_language(client: CheckingClient, app: Flask, lender: Lender) -> None:
    debt = a_debt(lender=lender, debtor=a_debtor(lender=lender, language="zh-Hans", phone="+15550123"))
    come_in(client, debt)
    number = ask(client, Kind.TALK, debt, reply_by="sms").request.path.rpartition("/")[2]
    command(app, "requests", "answer", number, "--words", "好的")
    told = messages("request_answered")[0]
    assert (told.channel, told.address) == ("sms", "+15550123")
    # From top to bottom: how to check it as well.
    assert "答复" in told.body and "核对码" in told.body
    debtor = session.get_one(Debtor, (debt.lender_id, debt.debtor_id))
    assert debtor.language == "zh-Hans"


@pytest.mark.parametrize(
    ("door", "said"), [(Kind.NOT_MINE, "this isn’t yours"), (Kind.WRONG_AMOUNT, "amount is wrong")]
)
def test_the_pages_of_a_disputed_debt_say_that_it_is_looked_into_and_paying_is_a_choice(
    client: CheckingClient, app: Flask, lender: Lender, door: Kind, said: str
) -> None:
    person = a_debtor(lender=lender)
    debt, other = a_debt(debtor=person, lender=lender), a_debt(debtor=person, lender=lender)
    come_in(client, debt)
    ask(client, door, debt)
    for path in ("/home", f"/debts/{debt.reference}"):
        page = page_of(client.get(path))
        assert page.says(said) and page.says("You don’t have to pay until you have an answer."), path
        assert f"/requests/{the_request().number}" in {href for href, _words in page.links}
    assert page_of(client.get(f"/pay?debt={debt.reference}")).says("You may, if you choose to.")
    for path in (f"/debts/{other.reference}", f"/pay?debt={other.reference}"):
        assert not page_of(client.get(path)).says("You don’t have to pay")
    command(app, "requests", "answer", the_request().number, "--words", "It is right.")
    for path in ("/home", f"/debts/{debt.reference}", f"/pay?debt={debt.reference}"):
        assert not page_of(client.get(path)).says("You don’t have to pay"), path


def test_a_dispute_voids_the_plans_that_were_offered_before_it_and_none_is_offered_until_it_is_cleared_up(
    client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    come_in(client, debt)
    shown = to_check(client, debt)
    clock.forward(minutes=1)
    ask(client, Kind.CANT_PAY, debt)
    assert client.get(shown.request.path).status_code == 200
    ask(client, Kind.WRONG_AMOUNT, debt)
    gone = client.get(shown.request.path)
    assert (gone.status_code, gone.location) == (303, f"/debts/{debt.reference}/choose-a-plan")
    assert press(client, shown).request.path == f"/debts/{debt.reference}/choose-a-plan"
    clock.forward(minutes=1)
    page = page_of(client.get(gone.location))
    assert page.says("Until that is cleared up, we ask you for nothing.")
    assert not any("choose" in form.names for form in page.forms)


# Strangers.


def stranger_sends(client: CheckingClient, door: str, **values: str) -> TestResponse:
    return client.fill(client.get(f"/help/{door}"), {"contact": "kim@example.com"} | values)


@pytest.mark.parametrize("door", ["talk-to-a-person", "complain", "not-mine"])
def test_a_stranger_can_send_it_without_signing_in(client: CheckingClient, lender: Lender, door: str) -> None:
    page = stranger_sends(client, door, words="please call", reference="D-1")
    made = the_request()
    assert page.request.path == f"/help/{door}/sent" and page_of(page).says(made.number)
    assert (made.debtor_id, made.debt_id, made.contact, made.claimed_reference) == (
        None,
        None,
        "kim@example.com",
        "D-1",
    )
    assert session.scalars(select(CareHold)).all() == [] and session.scalars(select(Message)).all() == []
    assert acts_of(lender.id)["request_opened"] == 1


@pytest.mark.parametrize("door", ["cant-pay", "wrong-amount"])
def test_the_doors_that_need_the_debt_show_how_to_reach_us_and_the_way_back(
    client: CheckingClient, lender: Lender, door: str
) -> None:
    page = client.get(f"/help/{door}")
    assert page_of(page).says(lender.phone)
    assert "/sign-in" in {href for href, _words in page_of(page).links}
    assert [form for form in page_of(page).forms if "contact" in form.names] == []
    token = dict(page_of(page).forms[0].fields)
    again = client.post(f"/help/{door}", data=token | {"contact": "kim@example.com", "form_key": "a" * 32})
    assert again.status_code in (200, 422)
    assert session.scalars(select(CareRequest)).all() == []
    with client.session_transaction() as kept:
        assert kept["after_sign_in"] == f"/help/{door}"


def test_a_stranger_gets_the_same_answer_whether_the_reference_is_known_or_not(
    client: CheckingClient, lender: Lender, debt: Standing
) -> None:
    pages = []
    for reference in (debt.reference, "NOBODYS-1"):
        page = page_of(stranger_sends(client, "not-mine", reference=reference))
        pages.append(NUMBER.sub("", page.words))
    assert pages[0].split() == pages[1].split()
    # Nobody can stop what happens on somebody else's debt by typing its reference.
    assert held(debt) == set()


def test_a_stranger_who_sends_too_much_is_asked_to_call_and_nothing_is_kept(
    client: CheckingClient, lender: Lender, clock: Clock
) -> None:
    for _time in range(requests.MOST_FROM_A_VISITOR):
        assert stranger_sends(client, "complain").status_code == 200
    before = rows()
    assert stranger_sends(client, "complain").status_code == 429
    assert rows() == before
    clock.forward(hours=1, minutes=1)
    assert stranger_sends(client, "complain").status_code == 200


def test_one_household_is_one_stranger_however_many_addresses_it_has(client: CheckingClient, lender: Lender) -> None:
    for number in range(requests.MOST_FROM_A_VISITOR + 1):
        client.environ_base["REMOTE_ADDR"] = f"2001:db8:1:2::{number}"
        last = stranger_sends(client, "complain")
    assert last.status_code == 429
    client.environ_base["REMOTE_ADDR"] = "2001:db8:1:3::1"
    assert stranger_sends(client, "complain").status_code == 200


@pytest.mark.parametrize(
    "contact", ["", "   ", "call me", "@", "a@b", "12", "x" * 300 + "@example.com", "<b>@x.y z", "+49 (0)30 'or'"]
)
def test_a_stranger_who_cannot_be_reached_is_told_so(client: CheckingClient, lender: Lender, contact: str) -> None:
    page = stranger_sends(client, "talk-to-a-person", contact=contact, words="kept as typed")
    assert page.status_code == 422 and page_of(page).says("Please look at this again")
    assert "kept as typed" in page.get_data(as_text=True)
    assert session.scalars(select(CareRequest)).all() == []


@pytest.mark.parametrize(
    "contact",
    [
        "kim@example.com",
        "kim＠example.com",
        "+1 555 0100",
        "０１０-１２３４-５６７８",
        "(030) 123456",
        "138 0013 8000",
        "138–0013–8000",
        "\u202a+1\u00a0(555)\u20110100\u202c",
        "٠١٠٠١٢٣٤٥٦٧",
        "555.0100 ext. 12",
        "tel:+1-555-0100",
    ],
)
def test_a_contact_in_any_local_form_is_taken(client: CheckingClient, lender: Lender, contact: str) -> None:
    assert stranger_sends(client, "talk-to-a-person", contact=contact).status_code == 200
    assert the_request().contact


def test_a_strangers_double_click_is_one_request(client: CheckingClient, lender: Lender) -> None:
    shown = client.get("/help/complain")
    client.fill(shown, {"contact": "kim@example.com"})
    client.fill(shown, {"contact": "kim@example.com"})
    assert the_request().number


def test_a_stranger_in_danger_sees_whom_to_call_first(client: CheckingClient, app: Flask, lender: Lender) -> None:
    page = stranger_sends(client, "talk-to-a-person", words="I want to die")
    text = " ".join(page_of(page).words.split())
    assert text.index("988") < text.index("R-")
    answered = command(app, "requests", "answer", the_request().number, "--words", "Called.")
    assert "kim@example.com" in answered.output


def test_with_several_lenders_a_stranger_says_whom(client: CheckingClient, lender: Lender) -> None:
    other = a_lender()
    client.fill(client.get("/help/complain"), {"contact": "kim@example.com", "lender": other.slug})
    assert the_request().lender_id == other.id


def test_where_there_is_no_lender_yet_the_doors_still_open(client: CheckingClient, app: Flask) -> None:
    for door in DOORS:
        assert client.get(f"/help/{door.slug}").status_code == 200


def test_what_is_no_door_does_not_exist(client: CheckingClient, lender: Lender) -> None:
    for path in ("/help/offer", "/help/wrong-person", "/help/CANT-PAY", "/help/x/sent", "/help/cant_pay"):
        assert client.get(path).status_code == 404
    assert client.get("/help/complain/sent").location == "/help/complain"


# Holds and the books.


def test_a_hold_on_one_debt_leaves_the_others(app: Flask, lender: Lender) -> None:
    person = a_debtor(lender=lender)
    first, second = a_debt(debtor=person, lender=lender), a_debt(debtor=person, lender=lender)
    with app.app_context(), transaction():
        done = requests.open_request(
            lender_id=lender.id,
            debtor_id=person.id,
            kind="wrong_amount",
            debt_id=first.id,
            words="",
            by=Actor("debtor", str(person.id)),
            key="k",
        )
    assert isinstance(done, requests.Opened) and done.stopped == ("autopay", "collection", "reminders")
    now = portal_clock.now()
    asked = {"lender_id": lender.id, "debtor_id": person.id, "at": now}
    assert holds.stopped("autopay", debt_id=first.id, **asked)
    assert holds.stopped("autopay", debt_id=second.id, **asked) is None
    # About no debt in particular: whoever asks leaves the person alone.
    assert holds.stopped("reminders", **asked)
    assert holds.holding(**(asked | {"at": now - timedelta(seconds=1)})) == ()
    notice = holds.notices_of(lender_id=lender.id, debtor_id=person.id, debt_id=first.id, zone=person.zone)[0]
    assert (notice.kind, notice.disputed, notice.debt_reference) == (Kind.WRONG_AMOUNT, True, first.reference)


def test_what_other_parts_of_the_portal_ask_for_a_person_works_without_a_page(app: Flask, lender: Lender) -> None:
    debt = a_debt(lender=lender)
    with app.app_context():
        for kind, stops in (("wrong_person", {"reminders", "collection"}), ("contact_change", set())):
            with transaction():
                done = requests.open_request(
                    lender_id=lender.id,
                    debtor_id=debt.debtor_id,
                    kind=kind,
                    debt_id=None,
                    words="",
                    by=Actor("visitor", "link"),
                    key=uuid.uuid4().hex,
                )
            assert isinstance(done, requests.Opened) and set(done.stopped) == stops
    # Where the wrong person reads our messages, none goes there.
    assert len(messages("request_received")) == 1


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (update(CareRequest).values(state=State.WITHDRAWN.value), "the request is withdrawn"),
        (update(CareRequest).values(state=State.CLOSED.value), "the request is closed"),
        (
            update(CareRequest).values(state="answered", answer="x", answered_at=datetime(2026, 5, 5, tzinfo=UTC)),
            "answered",
        ),
        (update(CareHold).values(ended_at=datetime(2026, 5, 5, tzinfo=UTC), ended_by="x"), "nothing is held"),
        (update(CareRequest).values(debt_id=None), "of another person or debt"),
    ],
    ids=["withdrawn", "closed", "answered", "ended too soon", "another debt"],
)
def test_verify_names_a_hold_that_does_not_fit_its_request(
    client: CheckingClient, debt: Standing, break_it: object, said: str
) -> None:
    come_in(client, debt)
    ask(client, Kind.NOT_MINE, debt)
    books_agree()
    with transaction() as s:
        s.execute(break_it)  # type: ignore[call-overload]
    found = [line for line in verify_run().lines() if line.startswith("hold: ")]
    assert len(found) == 1 and said in found[0], found
