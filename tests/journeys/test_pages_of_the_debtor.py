"""Home, debt, pay-off, plan, points, letters, timeline: what stands there is what the books and records say."""

from __future__ import annotations

import csv
import io
import re
import uuid
from datetime import date, timedelta

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import select, update

from portal import clock as portal_clock
from portal import ledger
from portal.care import requests
from portal.care.states import Kind
from portal.db import session, transaction
from portal.debts.models import Debt
from portal.debts.statement import Standing
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Act, Actor, record
from portal.ledger import Account, Move
from portal.lenders.models import Lender
from portal.timeline.words import WORDS
from tests.conftest import Clock
from tests.factories import a_debt, a_debtor
from tests.journeys.acts import (
    Stripe,
    acts_of,
    agree,
    books_agree,
    come_in,
    command,
    give_code,
    go_pay,
    now,
    payment_on,
    plan_items,
    plan_on,
    rows,
    to_choices,
    usd,
    work,
)
from tests.pages import CheckingClient, page_of

Sheet = list[list[str]]


@pytest.fixture
def two(lender: Lender) -> tuple[Standing, Standing]:
    """Two debts of one person."""
    debtor = a_debtor(lender=lender)
    return (
        a_debt("900.00", debtor=debtor, product="Card", reference="A-1", days_late=20),
        a_debt("300.00", debtor=debtor, product="Loan", reference="B-2", days_late=300),
    )


def sheet(client: CheckingClient, address: str) -> Sheet:
    """Fetch a CSV file, and read it as a spreadsheet does."""
    answer = client.get(address)
    assert answer.status_code == 200 and answer.mimetype == "text/csv", (address, answer.status_code)
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert "attachment" in answer.headers["Content-Disposition"]
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


def to_day(stripe: Stripe, day: date) -> None:
    stripe.clock.set(f"{day.isoformat()}T15:00+00:00")
    stripe.sandbox.set_clock(int(stripe.clock.at.timestamp()))


# Home.


def test_home_puts_choosing_a_plan_first_then_the_next_payment_then_what_is_late(
    client: CheckingClient, two: tuple[Standing, Standing], stripe: Stripe, app: Flask
) -> None:
    come_in(client, two[0])
    page = page_of(client.get("/home"))
    # The one that is late the longest.
    assert page.says("In all, as of today $1,200.00") and page.says("Find a plan that you can keep Loan")
    agree(client, two[0])
    page = page_of(client.get("/home"))
    assert page.says("Your next payment Card") and page.says("Due on 10 May 2026 $100.00")
    assert page.says("0 of 10 payments done")
    stripe.pay(go_pay(client, two[0], choice="next"))
    stripe.settle()
    page = page_of(client.get("/home"))
    assert page.says("1 of 10 payments done") and page.says("Due on 10 June 2026 $100.00")
    to_day(stripe, date(2026, 7, 12))
    command(app, "nightly")
    work(app)
    come_in(client, two[0])
    page = page_of(client.get("/home"))
    assert page.says("It was due on 10 June 2026 $200.00") and page.says("The day has passed")
    assert ("/pay?debt=A-1&amount=late", "Pay") in page.links


def test_home_names_which_of_two_debts_with_one_name_comes_next(client: CheckingClient, lender: Lender) -> None:
    debtor = a_debtor(lender=lender)
    first = a_debt("300.00", debtor=debtor, product="Loan", reference="A-1", days_late=20)
    a_debt("300.00", debtor=debtor, product="Loan", reference="B-2", days_late=300)
    come_in(client, first)
    assert page_of(client.get("/home")).says("· B-2 Say what you can afford")


def test_home_does_not_ask_for_money_that_is_on_its_way(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask
) -> None:
    come_in(client, debt)
    agree(client, debt)
    stripe.pay(go_pay(client, debt, choice="next"), "bank")
    stripe.settle()
    page = page_of(client.get("/home"))
    assert page.says("A payment is on its way") and page.says("$100.00")
    assert not page.says("Your next payment")
    assert (f"/pay/result/{payment_on(debt).reference}", "See this payment") in page.links


def test_home_says_that_there_is_an_answer_and_that_an_offer_is_with_a_person(
    client: CheckingClient, debt: Standing, app: Flask
) -> None:
    come_in(client, debt)
    client.fill(to_choices(client, debt, amount="10"), {"send": ""})
    page = page_of(client.get("/home"))
    assert page.says("A person will look at your offer") and page.says("With a person")
    with app.app_context(), transaction():
        asked = requests.open_request(
            lender_id=debt.lender_id,
            debtor_id=debt.debtor_id,
            kind=Kind.TALK,
            debt_id=None,
            words="Please call.",
            by=Actor("debtor", str(debt.debtor_id)),
            key="by a test",
        )
    assert isinstance(asked, requests.Opened)
    with app.app_context(), transaction():
        requests.answer(lender_id=debt.lender_id, number=asked.number, words="Yes.", by=Actor("operator", "a test"))
    page = page_of(client.get("/home"))
    assert page.says("You have an answer")
    assert (f"/requests/{asked.number}", "Read the answer") in page.links


def test_home_of_somebody_who_owes_nothing_any_more_or_nothing_at_all(
    client: CheckingClient, debt: Standing, stripe: Stripe, lender: Lender, app: Flask
) -> None:
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, choice="all"))
    stripe.settle()
    page = page_of(client.get("/home"))
    assert page.says("$0.00") and page.says("Nothing is left to pay.") and page.says("Paid")
    gone = a_debt("50.00", lender=lender)
    come_in(client, gone)
    with transaction() as s:
        s.execute(update(Debt).where(Debt.id == gone.id).values(state="recalled"))
    assert page_of(client.get("/home")).says("You owe nothing here")


def test_everything_is_at_most_two_taps_from_home(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask
) -> None:
    come_in(client, debt)
    agree(client, debt)
    give_code_if_asked(client)
    first = {href for href, _words in page_of(client.get("/home")).links}
    reached = set(first)
    for href in first:
        if href.startswith("/") and not href.endswith(".csv"):
            answer = client.get(href)
            if answer.status_code == 200 and answer.mimetype == "text/html":
                reached |= {there for there, _words in page_of(answer).links}
    plan = plan_on(debt).reference
    for wanted in (
        f"/debts/{debt.reference}",
        f"/debts/{debt.reference}/pay-off",
        f"/debts/{debt.reference}/changes.csv",
        f"/plans/{plan}",
        f"/plans/{plan}/dates.ics",
        f"/plans/{plan}/payments.csv",
        "/letters",
        "/points",
        "/timeline",
        "/timeline.csv",
        "/requests",
        "/help",
        "/help/cant-pay",
        "/help/complain",
    ):
        assert any(href.split("#")[0] == wanted for href in reached), wanted


def give_code_if_asked(client: CheckingClient) -> None:
    if client.get("/letters").status_code == 303:
        give_code(client)


# Debt.


def test_a_debt_says_how_its_interest_runs_what_was_paid_and_what_was_waived(
    client: CheckingClient, debt: Standing, stripe: Stripe
) -> None:
    come_in(client, debt)
    page = page_of(client.get(f"/debts/{debt.reference}"))
    assert page.says("Your contract says 18% a year, on the borrowed money alone")
    agree(client, debt)
    interest = sum(item.interest_minor for item in plan_items(debt))
    page = page_of(client.get(f"/debts/{debt.reference}"))
    assert page.says(f"as your plan says: ${interest / 100:.2f} in all from now on")
    stripe.pay(go_pay(client, debt, amount="50"))
    stripe.settle()
    with transaction():
        ledger.post(
            lender_id=debt.lender_id,
            kind="waiver",
            cause="waiver:by a test",
            moves=[Move(debt.id, Account.PRINCIPAL, Account.WAIVER, usd("20"))],
            on=portal_clock.today("UTC"),
        )
    page = page_of(client.get(f"/debts/{debt.reference}"))
    assert page.says("Paid here so far $50.00") and page.says("You don’t have to pay any more $20.00")
    assert page.says("Left to pay, as of 4 May 2026 $830.00")
    books_agree()


def test_changes_of_a_debt_are_paged_newest_first_and_all_stand_in_the_file(
    client: CheckingClient, debt: Standing
) -> None:
    come_in(client, debt)
    with transaction():
        for number in range(45):
            ledger.post(
                lender_id=debt.lender_id,
                kind="adjustment",
                cause=f"by a test:{number}",
                moves=[Move(debt.id, Account.ADJUSTMENT, Account.FEES, usd("1"))],
                on=portal_clock.today("UTC") + timedelta(days=number),
            )
    address = f"/debts/{debt.reference}"
    first = page_of(client.get(address))
    assert first.says("$945.00") and first.says("Page 1 of 3") and not first.says("Newer")
    last = page_of(client.get(f"{address}?page=3"))
    assert last.says("What you owed when your lender gave us this debt") and not last.says("Older")
    for odd in ("0", "99", "-1", "nonsense", "9" * 500, "１"):
        assert client.get(address, query_string={"page": odd}).status_code == 200
    listed = sheet(client, f"{address}/changes.csv")
    assert listed[0] == ["Date", "What happened", "Change", "Left to pay", "Paid too much", "Currency"]
    assert len(listed) == 47
    assert listed[1][2:] == ["1.00", "945.00", "0.00", "USD"]


# Pay-off.


def test_what_pays_all_of_it_holds_until_its_day_and_the_button_pays_exactly_that(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask
) -> None:
    come_in(client, debt)
    assert page_of(client.get(f"/debts/{debt.reference}/pay-off")).says(
        "This figure has no last day: no interest is added here that would change it."
    )
    agree(client, debt)
    item = plan_items(debt)[0]
    address = f"/debts/{debt.reference}/pay-off"
    page = page_of(client.get(address))
    assert page.says("This figure holds until the end of 9 May 2026.")
    assert page.says(f"The day after, ${item.interest_minor / 100:.2f} of interest of your plan comes due.")
    assert page.says("4 May 2026 to 9 May 2026 $900.00")
    to_day(stripe, item.due_on - timedelta(days=1))
    come_in(client, debt)
    assert page_of(client.get(address)).says("Pay $900.00")
    to_day(stripe, item.due_on)
    come_in(client, debt)
    shown = client.get(address)
    with_interest = usd("900") + usd(f"{item.interest_minor / 100:.2f}")
    assert page_of(shown).says(f"Pay ${with_interest.amount}")
    checked = client.fill(shown, to="/pay")
    assert page_of(checked).says("Check your payment") and page_of(checked).says(f"You pay now ${with_interest.amount}")
    assert page_of(checked).says("Then your plan is done.")
    hosted = client.fill(checked, {"checked": "1"}, follow=False)
    stripe.pay(hosted.location)
    stripe.settle()
    assert (now(debt).owed, now(debt).credit) == (usd("0"), usd("0"))
    assert plan_on(debt).state == "completed"
    assert client.get(address).location == f"/debts/{debt.reference}"
    books_agree()


def test_an_exact_amount_that_is_no_longer_right_is_not_paid(
    client: CheckingClient, debt: Standing, stripe: Stripe
) -> None:
    come_in(client, debt)
    shown = client.get(f"/debts/{debt.reference}/pay-off")
    stripe.pay(go_pay(client, debt, amount="50"))
    stripe.settle()
    answer = client.fill(shown, to="/pay")
    assert answer.status_code == 422
    assert page_of(answer).says("That is more than you owe. All that is left is $850.00.")
    before = rows()
    for odd in ("0", "-1", "1e9", "nonsense", "9" * 40, "٥"):
        answer = client.post(f"/pay?debt={debt.reference}", data={**csrf(shown), "exact": odd, "checked": "1"})
        assert answer.status_code == 422, odd
    assert rows() == before


def csrf(shown: object) -> dict[str, str]:
    form = next(form for form in page_of(shown).forms if "exact" in form.names)  # type: ignore[arg-type]
    return {name: value for name, value in form.fields if name in ("csrf_token", "form_key")}


def test_a_page_to_check_stands_before_every_payment(client: CheckingClient, debt: Standing, stripe: Stripe) -> None:
    come_in(client, debt)
    agree(client, debt)
    shown = client.get(f"/pay?debt={debt.reference}")
    checked = client.fill(shown, {"choice": "other", "amount": "250"})
    page = page_of(checked)
    assert page.says("It covers 2 payments of your plan.")
    assert page.says("Of the payment on 10 July 2026, $50.00 is then left.")
    assert page.says("Left after it $650.00")
    assert page.says("What is more than the next payment counts towards those after it.")
    assert acts_of(debt.lender_id)["payment_started"] == 0
    hosted = client.fill(checked, {"checked": "1"}, follow=False)
    assert "/c/pay/" in hosted.location
    again = client.fill(checked, {"checked": "1"}, follow=False)
    assert again.location == hosted.location
    stripe.pay(hosted.location)
    stripe.settle()
    assert [item.paid_minor for item in plan_items(debt)][:4] == [10_000, 10_000, 5_000, 0]


# Plan.


def events(client: CheckingClient, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200 and answer.mimetype == "text/calendar"
    found = Calendar.from_ical(answer.data)
    assert b"\r\n" in answer.data and max(len(line) for line in answer.data.split(b"\r\n")) <= 75
    return [
        {
            "uid": str(event["UID"]),
            "on": event.decoded("DTSTART").isoformat(),
            "until": event.decoded("DTEND").isoformat(),
            "title": str(event["SUMMARY"]),
            "all": event.to_ical().decode(),
            "alarm": str(event.walk("VALARM")[0].decoded("TRIGGER")),
        }
        for event in found.walk("VEVENT")
    ]


def test_dates_of_a_plan_as_a_calendar_file_say_no_amount_unless_somebody_wants_them(
    client: CheckingClient, debt: Standing, stripe: Stripe
) -> None:
    come_in(client, debt)
    reference = agree(client, debt).reference
    plain = events(client, f"/plans/{reference}/dates.ics")
    assert [one["on"] for one in plain] == [item.due_on.isoformat() for item in plan_items(debt)]
    assert plain[0]["until"] == "2026-05-11"
    assert {one["title"] for one in plain} == {"Payment day"}
    assert {one["alarm"] for one in plain} == {"-1 day, 9:00:00"}
    assert not any("$" in one["all"] or "100" in one["all"].replace(reference, "") for one in plain)
    # The same payment is the same entry in each file, so that a calendar mends it and doubles nothing.
    again = events(client, f"/plans/{reference}/dates.ics?amounts=1")
    assert [one["uid"] for one in again] == [one["uid"] for one in plain]
    assert again[0]["title"] == "Payment day: $100.00"
    stripe.pay(go_pay(client, debt, amount="130"))
    stripe.settle()
    later = events(client, f"/plans/{reference}/dates.ics?amounts=1")
    assert later[0]["uid"] == plain[1]["uid"]
    assert later[0]["title"] == "Payment day: $70.00"


def test_a_calendar_is_in_the_language_of_the_page(client: CheckingClient, lender: Lender) -> None:
    debt = a_debt("900.00", debtor=a_debtor(lender=lender, language="zh_Hans"))
    come_in(client, debt)
    reference = agree(client, debt).reference
    assert "SUMMARY;LANGUAGE=zh-Hans:" in client.get(f"/plans/{reference}/dates.ics").get_data(as_text=True)


def test_a_plan_shows_what_came_and_its_file_has_every_payment(
    client: CheckingClient, debt: Standing, stripe: Stripe
) -> None:
    come_in(client, debt)
    reference = agree(client, debt).reference
    assert page_of(client.get(f"/plans/{reference}")).says("No payments yet")
    stripe.pay(go_pay(client, debt, amount="130"))
    stripe.settle()
    page = page_of(client.get(f"/plans/{reference}"))
    assert page.says("Your payment $130.00 $770.00") and page.says("$70.00 is missing")
    listed = sheet(client, f"/plans/{reference}/payments.csv")
    assert listed[0] == ["Number", "Date", "Payment", "Of it interest", "Paid of it", "State", "Currency"]
    assert [row[4] for row in listed[1:4]] == ["100.00", "30.00", "0.00"]
    assert [row[5] for row in listed[1:4]] == ["Paid", "Next", "To come"]


# Points, letters.


def test_points_say_what_earned_them_and_stand_in_a_file(
    client: CheckingClient, debt: Standing, stripe: Stripe
) -> None:
    come_in(client, debt)
    assert page_of(client.get("/points")).says("No points yet")
    assert sheet(client, "/points.csv") == [["Date", "What happened", "Plan", "Points"]]
    reference = agree(client, debt).reference
    stripe.pay(go_pay(client, debt, choice="next"))
    stripe.settle()
    page = page_of(client.get("/points"))
    assert page.says("Payment 1 of your plan was kept") and (f"/plans/{reference}", reference) in page.links
    assert sheet(client, "/points.csv")[1] == ["2026-05-04", "Payment 1 of your plan was kept", reference, "10"]


def test_letters_can_be_asked_for_once_a_day_and_say_why_not_yet(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender, clock: Clock
) -> None:
    come_in(client, debt)
    client.get("/letters")
    give_code(client)
    page = page_of(client.get("/letters"))
    assert page.says("No letters yet") and page.says("Plan agreement for card")
    agree(client, debt)
    stripe.pay(go_pay(client, debt, choice="next"), "bank")
    stripe.settle()
    page = page_of(client.get("/letters"))
    assert page.says("Being made")
    assert page.says(f"Receipt of payment {payment_on(debt).reference} Your bank is still working on this payment.")
    for _turn in range(2):
        asked = client.fill(client.get("/letters"), {"debt": debt.reference}, to="/letters/ask")
    assert page_of(asked).says("You have asked for this one today already.")
    assert acts_of(lender.id)["letter_asked"] == 1
    work(app, letters=True)
    page = page_of(client.get("/letters"))
    assert page.says("Statement of account") and not page.says("Being made")
    listed = sheet(client, "/letters.csv")
    assert listed[0] == ["Number", "Letter", "Debt", "Made on", "State"]
    assert sorted(row[1] for row in listed[1:]) == ["Plan agreement", "Statement of account"]
    assert {row[2] for row in listed[1:]} == {debt.reference}
    clock.forward(days=1)
    come_in(client, debt)
    client.get("/letters")
    give_code(client)
    asked = client.fill(client.get("/letters"), {"debt": debt.reference}, to="/letters/ask")
    assert page_of(asked).says("We are making it.")
    assert acts_of(lender.id)["letter_asked"] == 2


# Timeline.


def test_there_are_words_for_every_act() -> None:
    assert {act.value for act in Act} - set(WORDS) == set()


def test_everything_that_happened_stands_on_the_timeline_with_who_did_it(
    client: CheckingClient, two: tuple[Standing, Standing], stripe: Stripe, app: Flask, lender: Lender
) -> None:
    come_in(client, two[0])
    agree(client, two[0])
    stripe.pay(go_pay(client, two[0], choice="next"))
    stripe.settle()
    assert command(app, "refund", payment_on(two[0]).reference, "--lender", lender.slug).exit_code == 0
    stripe.clock.forward(minutes=1)
    stripe.settle()
    page = page_of(client.get("/timeline"))
    for words in (
        "You came in by a link You",
        "You said what you can pay: $100.00 You",
        "You agreed to a plan",
        "You began a payment of $100.00 You",
        "Your payment of $100.00 arrived Our payment service, Stripe",
        "You got points for a kept payment This site, automatically",
        "$100.00 was given back to you Our payment service, Stripe",
        "Points were taken back, because the payment went back",
        "4 May 2026",
    ):
        assert page.says(words), words
    only = page_of(client.get("/timeline?debt=B-2"))
    assert only.says("Nothing has happened yet") and not only.says("You agreed to a plan")
    assert client.get("/timeline?debt=not-mine").status_code == 404
    listed = sheet(client, "/timeline.csv")
    found = session.scalars(
        select(EvidenceRecord.hash)
        .where(EvidenceRecord.debtor_id == two[0].debtor_id)
        .order_by(EvidenceRecord.at.desc(), EvidenceRecord.id.desc())
    ).all()
    assert [row[5] for row in listed[1:]] == list(found)


def test_a_long_timeline_is_paged_and_each_record_stands_on_one_page(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    with transaction():
        for number in range(95):
            record(
                Act.REQUEST_OPENED,
                by=Actor("debtor", str(debt.debtor_id)),
                lender_id=debt.lender_id,
                debtor_id=debt.debtor_id,
                facts={"request": f"number-{number}"},
            )
    seen: list[str] = []
    address = "/timeline"
    for _turn in range(9):
        answer = client.get(address)
        # Whoever does not see hears it a second time, with the link that proves it.
        seen += dict.fromkeys(re.findall(r"number-\d+", answer.get_data(as_text=True)))
        older = [href for href, words in page_of(answer).links if words == "Older"]
        if not older:
            break
        address = older[0]
    assert sorted(seen) == sorted(f"number-{number}" for number in range(95))
    for odd in ("nonsense", str(uuid.uuid4()), "9" * 500):
        assert client.get("/timeline", query_string={"before": odd}).status_code == 200


def test_the_timeline_of_somebody_else_says_nothing_of_it(
    client: CheckingClient, two: tuple[Standing, Standing], lender: Lender
) -> None:
    theirs = a_debt("700.00", lender=lender, reference="THEIRS-1")
    come_in(client, theirs)
    to_choices(client, theirs)
    come_in(client, two[0])
    assert "THEIRS" not in client.get("/timeline").get_data(as_text=True)
    assert client.get("/timeline?debt=THEIRS-1").status_code == 404
    for address in ("/debts/THEIRS-1/pay-off", "/debts/THEIRS-1/changes.csv", "/plans/PL-0000/dates.ics"):
        assert client.get(address).status_code == 404


def test_the_list_of_debts_is_there_as_a_file(client: CheckingClient, two: tuple[Standing, Standing]) -> None:
    come_in(client, two[0])
    listed = sheet(client, "/debts.csv")
    assert [row[:2] + row[3:] for row in listed[1:]] == [
        ["A-1", "Card", "900.00", "0.00", "USD"],
        ["B-2", "Loan", "300.00", "0.00", "USD"],
    ]


def test_a_hundred_thousand_characters_are_answered_by_their_field_and_a_million_by_a_page(
    client: CheckingClient, debt: Standing
) -> None:
    come_in(client, debt)
    shown = client.get(f"/pay?debt={debt.reference}")
    for count, status, said in (
        (100_000, 422, "That is too long for an amount"),
        (1_100_000, 413, "That was too much at once"),
    ):
        answer = client.post(
            f"/pay?debt={debt.reference}", data=token_of(shown) | {"choice": "other", "amount": "1" * count}
        )
        assert answer.status_code == status
        assert page_of(answer).says(said)


@pytest.mark.parametrize("typed", ["", "0", "32", "-1", "ten", "9" * 10_000, "1.5", "😀", "\u202e5", "<b>5</b>"])
def test_whatever_is_typed_as_a_day_gets_a_sentence(client: CheckingClient, debt: Standing, typed: str) -> None:
    come_in(client, debt)
    asked = client.get(f"/debts/{debt.reference}/what-can-you-afford")
    answer = client.fill(client.fill(asked, {"amount": "100", "frequency": "monthly"}), {"pay_day": typed})
    assert answer.status_code == 422
    assert page_of(answer).says("Enter a day of the month, 1 to 31.")


def test_cells_that_would_be_formulas_are_not(client: CheckingClient, lender: Lender) -> None:
    debt = a_debt("100.00", lender=lender, reference="=HYPERLINK(1)", product="=1+1")
    come_in(client, debt)
    listed = sheet(client, "/timeline.csv")
    assert all(not cell.startswith(("=", "+", "@")) for row in listed for cell in row)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "x" * 60_000,
        "<script>alert(1)</script>",
        "😀" * 50,
        "\u202emoc.live\u202c",
        "مئة",
        "'; drop table debt; --",
        "1" * 60_000,
        "\x00",
        "½",
    ],
)
def test_whatever_is_typed_as_an_amount_gets_a_sentence_and_stays_in_the_form(
    client: CheckingClient, debt: Standing, stripe: Stripe, typed: str
) -> None:
    come_in(client, debt)
    before = rows()
    for address, names in (
        (f"/pay?debt={debt.reference}", {"choice": "other", "amount": typed}),
        (f"/debts/{debt.reference}/what-can-you-afford", {"frequency": "monthly", "amount": typed}),
    ):
        shown = client.get(address)
        answer = client.post(address, data=dict(page_of(shown).forms[1].fields) | names | token_of(shown))
        assert answer.status_code == 422, (address, answer.status_code)
        page = page_of(answer)
        assert page.says("Please look at this again")
        assert re.search(r"Enter an amount|Enter the amount in numbers|That is too long for an amount", page.words)
        assert "<script>alert" not in answer.get_data(as_text=True)
        assert len(answer.data) < 40_000
    assert rows() == before


def token_of(shown: object) -> dict[str, str]:
    for form in page_of(shown).forms:  # type: ignore[arg-type]
        for name, value in form.fields:
            if name == "csrf_token":
                return {"csrf_token": value}
    raise AssertionError("no form")
