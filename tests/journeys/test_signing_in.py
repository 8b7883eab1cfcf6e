"""Getting in: a link or a reference with the date of birth, a one-time code; and staying out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select, update

from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.people import sign_in
from portal.people.models import Debtor, OneTimeCode, SignInAttempt, UserSession
from tests.conftest import SECRET_KEY, Clock
from tests.factories import a_debt, a_debtor, a_lender, an_invitation
from tests.journeys.acts import acts_of, ask_for_code, birthday, come_by_link, give_code, newest_code, rows
from tests.pages import CheckingClient, page_of

WRONG = birthday(date(1988, 7, 22))


def link_for(debt: Standing) -> str:
    return "/i/" + an_invitation(lender_id=debt.lender_id, debtor_id=debt.debtor_id, key=SECRET_KEY)


def without_tokens(html: str) -> str:
    """Take out what differs in every response: forgery tokens, padding, and the address itself."""
    html = re.sub(r'(name="csrf_token"[^>]*value=)"[^"]*"', r"\1", html)
    html = re.sub(r"<!-- [\w-]+ -->", "", html)
    return re.sub(r"/i/[\w%.-]+", "/i/", html)


def test_a_link_and_the_date_of_birth_lead_home(client: CheckingClient, debt: Standing) -> None:
    home = come_by_link(client, debt)
    assert home.request.path == "/home"
    assert page_of(home).says("$900.00")
    assert acts_of(debt.lender_id)["signed_in"] == 1


def test_a_link_works_more_than_once_and_asks_each_time(client: CheckingClient, debt: Standing, app: Flask) -> None:
    link = link_for(debt)
    assert client.fill(client.get(link), birthday()).request.path == "/home"
    other = app.test_client()
    assert other.get("/home").status_code == 303
    assert other.fill(other.get(link), birthday()).request.path == "/home"


def test_five_wrong_birth_dates_lock_a_link_and_say_until_when(
    client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    link = link_for(debt)
    for left in (4, 3, 2, 1):
        answer = client.fill(client.get(link), WRONG)
        assert answer.status_code == 422
        assert page_of(answer).says(f"Tries left: {left}.")
    locked = client.fill(client.get(link), WRONG)
    assert locked.status_code == 429
    assert page_of(locked).says("You can try again from 4 May 2026, 05:30")
    # Nobody gets through while it is locked, not even with the right answer.
    assert client.get(link).status_code == 429
    assert client.post(link, data=birthday()).status_code in (400, 429)
    clock.forward(minutes=30, seconds=1)
    assert client.fill(client.get(link), birthday()).request.path == "/home"
    assert acts_of(debt.lender_id)["sign_in_refused"] == 5


def test_an_impossible_date_is_told_apart_and_costs_no_try(client: CheckingClient, debt: Standing) -> None:
    link = link_for(debt)
    for _turn in range(6):
        answer = client.fill(client.get(link), {"day": "31", "month": "2", "year": "1988"})
        assert answer.status_code == 422
        assert page_of(answer).says("This day does not exist.")
    assert client.fill(client.get(link), birthday()).request.path == "/home"


def test_unknown_tampered_expired_and_withdrawn_links_look_the_same(
    client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    expired = link_for(debt)
    clock.forward(hours=72)
    withdrawn = link_for(debt)
    with transaction():
        sign_in.withdraw(lender_id=debt.lender_id, debtor_id=debt.debtor_id)
    good = link_for(debt)
    tampered = good[:-1] + ("A" if good[-1] != "A" else "B")
    found = [client.get(link) for link in ("/i/unknown", tampered, expired, withdrawn)]
    assert {answer.status_code for answer in found} == {404}
    assert len({without_tokens(answer.get_data(as_text=True)) for answer in found}) == 1
    answers = [client.post(link, data=birthday(), headers={}) for link in ("/i/unknown", tampered, expired, withdrawn)]
    assert len({(answer.status_code, without_tokens(answer.get_data(as_text=True))) for answer in answers}) == 1
    assert client.get("/home").status_code == 303
    assert client.get(good).status_code == 200


def test_a_link_lives_for_72_hours(client: CheckingClient, debt: Standing, clock: Clock) -> None:
    link = link_for(debt)
    clock.forward(hours=71, minutes=59)
    assert client.get(link).status_code == 200
    clock.forward(minutes=1)
    assert client.get(link).status_code == 404


@pytest.mark.parametrize(
    "typed",
    [
        lambda code: f"{code[:3]} {code[3:]}",
        lambda code: f"{code[:3]}-{code[3:]}\u200b",
        lambda code: code.translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)}),
        lambda code: code.translate({ord(str(digit)): chr(0x0660 + digit) for digit in range(10)}),
    ],
    ids=["space", "dash", "full width", "Arabic"],
)
def test_a_reference_a_birth_date_and_a_code_lead_home(
    client: CheckingClient, debt: Standing, typed: Callable[[str], str]
) -> None:
    asked = client.fill(client.get("/sign-in"), {"reference": f" {debt.reference.lower()} ", **birthday()})
    assert asked.request.path == "/code"
    assert page_of(asked).says("r•••@e•••.com")
    code = newest_code()
    home = client.fill(asked, {"code": typed(code)})
    assert home.request.path == "/home"
    assert client.get("/letters").status_code == 200


@pytest.mark.parametrize("held", ["Ab-1x", "ab-1X", "АБ-é1", "ＬＮ-１"])
@pytest.mark.parametrize("typed", [str, str.swapcase, str.upper, str.lower, lambda held: f" {held.title()} "])
def test_a_reference_is_found_in_any_capitals(
    client: CheckingClient, lender: Lender, held: str, typed: Callable[[str], str]
) -> None:
    a_debt(lender=lender, reference=held)
    asked = client.fill(client.get("/sign-in"), {"reference": typed(held), **birthday()})
    assert asked.request.path == "/code"


def test_without_a_code_one_may_look_and_pay_but_not_open_letters(client: CheckingClient, debt: Standing) -> None:
    client.fill(client.get("/sign-in"), {"reference": debt.reference, **birthday()})
    assert client.get("/home").status_code == 200
    assert client.get(f"/pay?debt={debt.reference}").status_code == 200
    assert client.get("/letters").location == "/code"


def test_an_unknown_reference_looks_like_a_wrong_birth_date(client: CheckingClient, debt: Standing, app: Flask) -> None:
    def tried(reference: str, count: int) -> list[tuple[int, str]]:
        browser = app.test_client()
        found = []
        for _turn in range(count):
            answer = browser.fill(browser.get("/sign-in"), {"reference": reference, **WRONG})
            found.append((answer.status_code, without_tokens(answer.get_data(as_text=True)).replace(reference, "REF")))
        return found

    known, unknown = tried(debt.reference, 6), tried("D-99999", 6)
    assert known == unknown
    assert [status for status, _html in known] == [422] * 4 + [429] * 2


def test_a_reference_locks_after_five_wrong_tries_and_opens_again(
    client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    for _turn in range(5):
        client.fill(client.get("/sign-in"), {"reference": debt.reference, **WRONG})
    locked = client.fill(client.get("/sign-in"), {"reference": debt.reference.lower(), **birthday()})
    assert locked.status_code == 429
    # In the lender's zone, because nobody is signed in yet.
    assert page_of(locked).says("4 May 2026, 05:30")
    clock.forward(minutes=30, seconds=1)
    opened = client.fill(client.get("/sign-in"), {"reference": debt.reference, **birthday()})
    assert opened.request.path == "/code"


def test_one_network_address_cannot_try_many_references(client: CheckingClient, debt: Standing) -> None:
    for number in range(sign_in.TRIES_FROM_ONE_ADDRESS):
        answer = client.fill(client.get("/sign-in"), {"reference": f"GUESS-{number}", **WRONG})
        assert answer.status_code == 422
    answer = client.fill(client.get("/sign-in"), {"reference": debt.reference, **birthday()})
    assert answer.status_code == 429
    subjects = list(session.scalars(select(SignInAttempt.subject)))
    assert not any("GUESS" in subject or "127.0.0.1" in subject for subject in subjects)


def test_a_person_without_a_birth_date_on_file_cannot_be_guessed(client: CheckingClient, lender: Lender) -> None:
    debt = a_debt(lender=lender, debtor=a_debtor(lender=lender, born_on=None))
    assert client.fill(client.get(link_for(debt)), birthday()).status_code == 422
    answer = client.fill(client.get("/sign-in"), {"reference": debt.reference, **birthday()})
    assert answer.status_code == 422


def test_a_recalled_debt_opens_no_door(client: CheckingClient, lender: Lender) -> None:
    debt = a_debt(lender=lender, state="recalled")
    answer = client.fill(client.get("/sign-in"), {"reference": debt.reference, **birthday()})
    assert answer.status_code == 422


def test_a_code_stops_after_ten_minutes_after_use_and_after_a_newer_one(
    client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    come_by_link(client, debt)
    page = ask_for_code(client)
    first = newest_code()
    clock.forward(seconds=30)
    again = client.fill(page, {"again": "1"})
    second = newest_code()
    if first != second:
        answer = client.fill(again, {"code": first})
        assert answer.status_code == 422
    clock.forward(minutes=10)
    answer = client.fill(again, {"code": second})
    assert answer.status_code == 422
    assert page_of(answer).says("This code no longer works. Ask for a new one below.")


def test_five_wrong_codes_end_a_code(client: CheckingClient, debt: Standing) -> None:
    come_by_link(client, debt)
    page = ask_for_code(client)
    code = newest_code()
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for left in (4, 3, 2, 1):
        page = client.fill(page, {"code": wrong})
        assert page_of(page).says(f"Tries left: {left}.")
    client.fill(page, {"code": wrong})
    answer = client.fill(page, {"code": code})
    assert page_of(answer).says("This code no longer works.")
    assert session.scalars(select(UserSession.strength)).one() == 1


def test_no_more_than_five_codes_go_out_in_half_an_hour(client: CheckingClient, debt: Standing, clock: Clock) -> None:
    come_by_link(client, debt)
    page = client.get("/code")
    for _turn in range(6):
        page = client.fill(page, {"again": "1"})
        clock.forward(seconds=30)
    assert len(list(session.scalars(select(OneTimeCode.id)))) == sign_in.CODES_IN_A_ROW
    assert page_of(page).says("We sent you several codes just now. You can ask for the next one from 4 May 2026, 05:30")
    clock.forward(minutes=25)
    client.get("/home")
    clock.forward(minutes=3)
    client.fill(page, {"again": "1"})
    assert len(list(session.scalars(select(OneTimeCode.id)))) == sign_in.CODES_IN_A_ROW + 1


def test_codes_and_tokens_are_kept_only_as_hashes(client: CheckingClient, debt: Standing) -> None:
    link = link_for(debt)
    client.fill(client.get(link), birthday())
    give_code(client)
    kept = session.scalars(select(OneTimeCode.code_hash)).one()
    assert len(kept) == 64
    assert newest_code() not in kept


def test_somebody_without_a_contact_is_told_to_call(client: CheckingClient, lender: Lender) -> None:
    come_by_link(client, a_debt(lender=lender, debtor=a_debtor(lender=lender, email=None)))
    page = client.get("/code")
    assert page_of(page).says("We have no phone number or e-mail of yours that we may use.")
    assert page_of(page).says("Call +1 555 0100")
    assert "/you/contacts/add" in dict(page_of(page).links)


def test_an_idle_session_ends_and_a_busy_one_goes_on(client: CheckingClient, debt: Standing, clock: Clock) -> None:
    come_by_link(client, debt)
    for _turn in range(3):
        clock.forward(minutes=29)
        assert client.get("/home").status_code == 200
    clock.forward(minutes=31)
    answer = client.get("/home")
    assert (answer.status_code, answer.location) == (303, "/sign-in")


def test_a_session_ends_after_twelve_hours_however_busy(client: CheckingClient, debt: Standing, clock: Clock) -> None:
    come_by_link(client, debt)
    for _turn in range(25):
        clock.forward(minutes=28)
        assert client.get("/home").status_code == 200
    clock.forward(minutes=25)
    assert client.get("/home").status_code == 303


def test_signing_out_kills_the_cookie_and_not_only_forgets_it(client: CheckingClient, debt: Standing) -> None:
    home = come_by_link(client, debt)
    stolen = client.get_cookie("portal")
    assert stolen is not None
    out = client.fill(home, to="/sign-out")
    assert out.request.path == "/signed-out"
    assert client.get("/home").status_code == 303
    client.set_cookie("portal", stolen.value)
    assert client.get("/home").status_code == 303
    assert acts_of(debt.lender_id)["signed_out"] == 1


def test_a_tampered_cookie_is_nobody(client: CheckingClient, debt: Standing) -> None:
    come_by_link(client, debt)
    cookie = client.get_cookie("portal")
    assert cookie is not None
    client.set_cookie("portal", cookie.value[:-3] + "abc")
    assert client.get("/home").status_code == 303


def test_signing_in_as_somebody_else_leaves_nothing_of_the_first(client: CheckingClient, lender: Lender) -> None:
    mine, other = a_debt("900.00", lender=lender), a_debt("123.00", lender=lender)
    come_by_link(client, mine)
    give_code(client)
    client.get("/letters")
    home = come_by_link(client, other)
    assert page_of(home).says("$123.00")
    assert not page_of(home).says("$900.00")
    assert client.get("/letters").location == "/code"
    assert client.get(f"/debts/{mine.reference}").status_code == 404


def test_whoever_wanted_a_page_is_led_back_to_it(client: CheckingClient, debt: Standing) -> None:
    wanted = f"/pay?debt={debt.reference}"
    asked = client.get(wanted, follow_redirects=True)
    assert asked.request.path == "/sign-in"
    code = client.fill(asked, {"reference": debt.reference, **birthday()})
    answer = client.fill(code, {"code": newest_code()})
    assert answer.request.full_path == wanted


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\t\\evil.example",
        "\t//evil.example",
        "javascript:alert(1)",
        "evil.example",
        "https:evil.example",
        " //evil.example",
        "/\n/evil.example",
        # No address at all, on which Python's own reader stumbles.
        "//[",
    ],
)
def test_the_language_form_leads_nowhere_but_here(client: CheckingClient, lender: Lender, elsewhere: str) -> None:
    page = client.get("/")
    token = next(v for form in page_of(page).forms for n, v in form.fields if n == "csrf_token")
    answer = client.post("/language", data={"csrf_token": token, "language": "zh_Hans", "next": elsewhere})
    assert answer.status_code == 303
    # What a browser makes of it: tabs and line breaks go, and a backslash is a slash.
    seen = re.sub(r"[\t\r\n]", "", answer.location).strip().replace("\\", "/")
    assert seen.startswith("/") and not seen.startswith("//"), answer.location


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("zh-CN,zh;q=0.9", "zh-Hans"),
        ("zh-TW, en;q=0.5", "en"),
        # Languages that Firefox is made in and Babel does not know: Kaqchikel, Triqui; and one of a constructed people.
        ("cak,kaq;q=0.9,zh;q=0.8", "zh-Hans"),
        ("trs", "en"),
        ("tlh", "en"),
        ("*", "en"),
        ("a" * 3_000, "en"),
        ("en-;q=x, -, i-klingon, \xf0\x9f", "en"),
    ],
)
def test_whatever_language_a_browser_asks_for_a_page_comes(
    client: CheckingClient, lender: Lender, accepted: str, language: str
) -> None:
    answer = client.get("/", headers={"Accept-Language": accepted})
    assert (answer.status_code, page_of(answer).language) == (200, language)


def test_the_language_is_kept_for_letters_and_messages(client: CheckingClient, debt: Standing) -> None:
    home = come_by_link(client, debt)
    page = client.fill(home, {"language": "zh_Hans"}, to="/language")
    assert page_of(page).language == "zh-Hans"
    assert page.request.path == "/home"
    kept = session.scalars(select(Debtor.language).where(Debtor.id == debt.debtor_id)).one()
    assert kept == "zh_Hans"
    assert acts_of(debt.lender_id)["language_chosen"] == 1


def test_an_unknown_language_changes_nothing(client: CheckingClient, debt: Standing) -> None:
    home = come_by_link(client, debt)
    before = rows()
    token = next(v for form in page_of(home).forms for n, v in form.fields if n == "csrf_token")
    answer = client.post("/language", data={"csrf_token": token, "language": "tlh", "next": "/home"})
    assert answer.status_code == 303
    assert rows() == before
    assert page_of(client.get("/home")).language == "en"


def test_a_form_without_its_token_is_refused_and_changes_nothing(client: CheckingClient, debt: Standing) -> None:
    come_by_link(client, debt)
    before = rows()
    for address, data in (
        ("/sign-out", {}),
        ("/language", {"language": "zh_Hans"}),
        (f"/debts/{debt.reference}/what-can-you-afford", {"amount": "50", "frequency": "monthly"}),
        (f"/pay?debt={debt.reference}", {"choice": "all"}),
    ):
        assert client.post(address, data=data).status_code == 400, address
    assert rows() == before
    assert client.get("/home").status_code == 200


def test_forms_work_over_https_where_no_referrer_is_sent(client: CheckingClient, debt: Standing) -> None:
    # Browsers and extensions leave it out, and an https page of ours must not depend on it.
    page = client.get(link_for(debt), base_url="https://localhost")
    token = next(v for form in page_of(page).forms for n, v in form.fields if n == "csrf_token")
    data = {"csrf_token": token, **birthday()}
    answer = client.post(page.request.path, data=data, base_url="https://localhost")
    assert (answer.status_code, answer.location) == (303, "/home")


def test_two_lenders_are_told_apart_by_the_form(client: CheckingClient, app: Flask) -> None:
    first, second = a_lender(), a_lender()
    mine = a_debt("100.00", lender=first, reference="SAME-1")
    a_debt("200.00", lender=second, reference="SAME-1")
    page = client.get("/sign-in")
    token = next(v for form in page_of(page).forms for n, v in form.fields if n == "csrf_token")
    data = {"csrf_token": token, "lender": first.slug, "reference": "SAME-1", **birthday()}
    client.post("/sign-in", data=data)
    home = page_of(client.get("/home"))
    assert home.says("$100.00") and not home.says("$200.00")
    assert mine.owed.minor == 10_000


def test_a_session_that_was_ended_elsewhere_is_over_at_once(
    client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    come_by_link(client, debt)
    with transaction() as s:
        s.execute(update(UserSession).values(ended_at=clock.at))
    assert client.get("/home").status_code == 303


@pytest.mark.parametrize("typed", [{"day": ""}, {"month": "July"}, {"year": "88"}, {"day": "", "year": "88"}])
def test_a_birth_date_that_is_not_typed_whole_is_asked_for_again(
    client: CheckingClient, debt: Standing, typed: dict[str, str]
) -> None:
    link = link_for(debt)
    for page, values in ((link, {}), ("/sign-in", {"reference": debt.reference})):
        answer = client.fill(client.get(page), birthday() | typed | values)
        assert answer.status_code == 422
        for name in typed:
            assert page_of(answer).says(f"Enter the {name} of your birth")
    assert acts_of(debt.lender_id)["sign_in_refused"] == 0


def test_no_birth_date_at_all_is_one_thing_that_is_missing_and_stands_after_the_reference(
    client: CheckingClient,
) -> None:
    answer = client.fill(client.get("/sign-in"), {"reference": "", "day": "", "month": "", "year": ""})
    assert answer.status_code == 422
    text = answer.text[answer.text.index("error-summary") :]
    assert 0 < text.index("Enter the reference") < text.index("Enter your date of birth.")
    assert "of your birth" not in text


def test_with_two_lenders_the_page_asks_which_one_wrote(client: CheckingClient) -> None:
    a_lender()
    second = a_lender()
    a_debt(lender=second, debtor=a_debtor(lender=second), reference="SECOND-1")
    shown = client.get("/sign-in")
    assert page_of(shown).says(second.name)
    answer = client.fill(shown, {"lender": second.slug, "reference": "SECOND-1", **birthday()})
    assert answer.request.path == "/code"
