"""The code is the signature: it comes when a plan is chosen, is typed under the plan, and is good for that alone."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.people import sign_in
from portal.people.models import OneTimeCode, UserSession
from portal.plans.models import Plan, Quote
from portal.post.models import Message
from tests.conftest import Clock
from tests.factories import a_debt, a_debtor
from tests.journeys.acts import (
    acts_of,
    agree,
    ask_for_code,
    books_agree,
    come_in,
    give_code,
    newest_code,
    plan_on,
    press,
    rows,
    sign,
    to_check,
    to_choices,
)
from tests.pages import CheckingClient, page_of


def count(model: type[Message | Plan | Quote | OneTimeCode]) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(model)) or 0


def another(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def forms_with(page: TestResponse, name: str) -> int:
    return sum(name in form.names for form in page_of(page).forms)


def test_choosing_a_plan_sends_the_code_and_its_page_takes_it(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    choices = to_choices(client, debt)
    assert count(Message) == 0
    check = client.fill(choices, {"choose": "own"})
    message = session.scalars(select(Message)).one()
    number = session.scalars(select(Quote.number)).one()
    assert message.body.startswith(f"{newest_code()} is your code")
    assert f"to agree to the plan in offer {number}." in message.body
    page = page_of(check)
    assert page.says("We sent a code to r•••@e•••.com.") and page.says("10 May 2026") and page.says("You pay in all")
    given = next(given for _tag, given in page.controls if given.get("name") == "code")
    assert (given["autocomplete"], given["inputmode"]) == ("one-time-code", "numeric")
    agreed = client.fill(check, {"code": newest_code()})
    assert agreed.request.path == f"/plans/{plan_on(debt).reference}"
    # Whoever signed with a code is known well enough for letters too.
    assert client.get("/letters").status_code == 200
    assert count(Message) == 1
    books_agree()


def test_no_look_at_any_page_sends_a_message(client: CheckingClient, debt: Standing, clock: Clock) -> None:
    come_in(client, debt)
    check = to_check(client, debt)
    clock.forward(minutes=11)
    before = rows()
    for page in (check.request.path, "/code", "/letters", "/home", "/pay", f"/debts/{debt.reference}/choose-a-plan"):
        client.get(page, follow_redirects=True)
        client.get(page, follow_redirects=True)
    assert rows() == before


def test_a_wrong_code_shows_the_whole_page_again_and_names_what_is_wrong(
    client: CheckingClient, debt: Standing
) -> None:
    come_in(client, debt)
    check = to_check(client, debt)
    for typed, why in (
        (another(newest_code()), "That isn’t the code. Please check it. Tries left: 4."),
        ("", "Enter the code that we sent you."),
        ("12", "The code has 6 digits."),
    ):
        again = client.fill(check, {"code": typed})
        assert again.status_code == 422
        assert again.request.path == check.request.path
        assert page_of(again).says(why) and page_of(again).says("10 May 2026")
        assert forms_with(again, "code") == forms_with(again, "again") == 1
    assert count(Plan) == 0
    sign(client, again)
    assert count(Plan) == 1


def test_a_code_for_one_plan_agrees_to_no_other(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    first = to_check(client, debt)
    code_of_first = newest_code()
    second = to_check(client, debt, amount="120")
    code_of_second = newest_code()
    if code_of_first != code_of_second:
        answer = client.fill(second, {"code": code_of_first})
        assert answer.status_code == 422
        assert page_of(answer).says("That isn’t the code.")
    assert count(Plan) == 0
    # The other tab still takes its own.
    client.fill(first, {"code": code_of_first})
    assert plan_on(debt).total_minor == session.scalars(select(Quote.total_minor).order_by(Quote.id)).first()


def test_a_code_for_a_plan_opens_no_letters_and_one_for_letters_agrees_to_nothing(
    client: CheckingClient, debt: Standing
) -> None:
    come_in(client, debt)
    asked = ask_for_code(client)
    for_letters = newest_code()
    check = to_check(client, debt)
    for_plan = newest_code()
    if for_letters != for_plan:
        assert client.fill(check, {"code": for_letters}).status_code == 422
        assert client.fill(asked, {"code": for_plan}).status_code == 422
    assert count(Plan) == 0
    assert session.scalars(select(UserSession.strength)).one() == 1


def test_a_code_is_good_only_in_the_session_that_asked_for_it(
    client: CheckingClient, debt: Standing, app: Flask
) -> None:
    come_in(client, debt)
    asked = ask_for_code(client)
    mine = newest_code()
    other = app.test_client()
    assert isinstance(other, CheckingClient)
    come_in(other, debt)
    page = other.get("/code")
    token = next(v for form in page_of(page).forms for n, v in form.fields if n == "csrf_token")
    # There, nothing is waiting: neither typed, nor on the page.
    assert forms_with(page, "code") == 0
    answer = other.post("/code", data={"csrf_token": token, "code": mine})
    assert answer.status_code == 422
    assert page_of(answer).says("This code no longer works.")
    # Asking there does not end the one that is waiting here.
    ask_for_code(other)
    assert client.fill(asked, {"code": mine}).request.path == "/home"
    assert sorted(session.scalars(select(UserSession.strength))) == [1, 2]


def test_a_new_code_can_be_asked_for_after_the_stated_wait(
    client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    come_in(client, debt)
    check = to_check(client, debt)
    first = newest_code()
    assert page_of(check).says("You can ask for a new code after 30 seconds.")
    early = client.fill(check, {"again": "1"})
    assert page_of(early).says("We sent you a code a moment ago. It can take a minute to arrive.")
    assert count(OneTimeCode) == 1
    clock.forward(seconds=30)
    # A double click is one message.
    later = client.fill(client.fill(check, {"again": "1"}), {"again": "1"})
    assert count(OneTimeCode) == 2
    second = newest_code()
    if first != second:
        assert client.fill(later, {"code": first}).status_code == 422
    client.fill(later, {"code": second})
    assert count(Plan) == 1


def test_a_code_that_ran_out_is_said_and_a_new_one_is_one_button_away(
    client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    come_in(client, debt)
    check = to_check(client, debt)
    clock.forward(minutes=10)
    answer = sign(client, check)
    assert answer.status_code == 422
    assert page_of(answer).says("This code no longer works. Ask for a new one below.")
    shown = client.get(check.request.path)
    assert forms_with(shown, "code") == 0
    assert page_of(shown).says("To agree, you need a code from us.")
    sign(client, client.fill(shown, {"again": "1"}))
    assert count(Plan) == 1


def test_who_gave_a_code_in_this_session_needs_no_other(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    give_code(client)
    check = to_check(client, debt)
    assert forms_with(check, "code") == forms_with(check, "again") == 0
    assert page_of(check).says("so you don’t need another")
    press(client, check)
    assert count(Plan) == 1
    assert count(OneTimeCode) == count(Message) == 1


def test_choosing_twice_is_one_quote_and_one_code(client: CheckingClient, debt: Standing, clock: Clock) -> None:
    come_in(client, debt)
    choices = to_choices(client, debt)
    first = client.fill(choices, {"choose": "own"})
    clock.forward(minutes=1)
    second = client.fill(choices, {"choose": "own"})
    assert first.request.path == second.request.path
    assert count(Quote) == count(OneTimeCode) == acts_of(debt.lender_id)["quote_made"] == 1
    sign(client, second)
    assert count(Plan) == 1


def test_agreeing_twice_with_one_code_is_agreeing_once(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    check = to_check(client, debt)
    first, second = sign(client, check), sign(client, check)
    assert first.request.path == second.request.path == f"/plans/{plan_on(debt).reference}"
    assert count(Plan) == acts_of(debt.lender_id)["plan_agreed"] == acts_of(debt.lender_id)["code_accepted"] == 1
    # The back button, and then the button once more, now that no code is needed.
    assert client.get(check.request.path).location == first.request.path
    assert press(client, check).request.path == first.request.path
    assert count(Plan) == 1


def test_a_code_that_can_agree_to_nothing_any_more_says_so(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    first = to_check(client, debt)
    code = newest_code()
    agree(client, debt, amount="120")
    answer = client.fill(first, {"code": code})
    assert answer.request.path == f"/plans/{plan_on(debt).reference}"
    assert count(Plan) == 1


def test_looking_at_many_plans_leaves_codes_for_the_one_that_is_agreed_to(
    client: CheckingClient, debt: Standing
) -> None:
    come_in(client, debt)
    for amount in ("100", "110", "120", "130", "140"):
        check = to_check(client, debt, amount=amount)
    assert count(OneTimeCode) == sign_in.CODES_UNASKED
    assert page_of(check).says("To agree, you need a code from us.")
    sign(client, client.fill(check, {"again": "1"}))
    assert count(Plan) == 1


def test_without_a_contact_nothing_can_be_agreed_to_and_the_page_says_whom_to_call(
    client: CheckingClient, lender: Lender
) -> None:
    debt = a_debt("900.00", lender=lender, debtor=a_debtor(lender=lender, email=None))
    come_in(client, debt)
    check = to_check(client, debt)
    assert page_of(check).words.count("We have no phone number or e-mail of yours on file.") == 1
    assert forms_with(check, "code") == forms_with(check, "again") == 0
    token = next(v for form in page_of(check).forms for n, v in form.fields if n == "csrf_token")
    for code in ("", "000000"):
        assert client.post(check.request.path, data={"csrf_token": token, "code": code}).status_code == 422
    assert count(Plan) == 0


def test_old_codes_without_a_session_fit_nothing(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    asked = ask_for_code(client)
    from_before = newest_code()
    with transaction() as s:
        s.execute(update(OneTimeCode).values(session_id=None))
    assert client.fill(asked, {"code": from_before}).status_code == 422
    assert session.scalars(select(UserSession.strength)).one() == 1


def test_signing_in_sends_its_code_once_and_no_reload_sends_another(client: CheckingClient, debt: Standing) -> None:
    form = {"reference": debt.reference, "day": "21", "month": "7", "year": "1988"}
    asked = client.fill(client.get("/sign-in"), form)
    assert asked.request.path == "/code"
    assert count(Message) == 1
    client.get("/code")
    assert count(Message) == 1
    assert client.fill(asked, {"code": newest_code()}).request.path == "/home"
