"""Every way to pay, from the menu to the answer: yes, or why not and what would work; and always a person."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import func, select

from portal.care.models import CareHold
from portal.db import session
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.plans.models import Proposal
from tests.factories import EVERY_WAY, LIMITS_WITH_EVERY_WAY, a_debt, a_lender
from tests.journeys.acts import books_agree, come_in, plan_on, rows, sign, to_check, to_choices
from tests.pages import CheckingClient, Page, page_of

TITLES = {
    "start-low": "Start low, then pay more",
    "more-at-first": "A larger first payment",
    "pause-first": "A pause first",
    "less-for-a-while": "Pay less for a while",
    "pay-less-and-be-done": "Pay less and be done",
    "pay-less-in-parts": "Pay less in a few parts and be done",
    "after-the-harvest": "Pay after the harvest",
}
# Today is 4 May 2026; 900.00 without interest, 36 months, so 25.00 a month is the least.
YES = {
    "start-low": {"start": "25", "count": "3", "amount": "60", "frequency": "monthly"},
    "more-at-first": {"first": "200", "pay_by": "2026-05-20", "amount": "50", "frequency": "monthly"},
    "pause-first": {"months": "2", "amount": "50", "frequency": "monthly"},
    "less-for-a-while": {"amount": "10", "months": "3", "frequency": "monthly"},
    "pay-less-and-be-done": {"amount": "800", "pay_by": "2026-05-20"},
    "pay-less-in-parts": {"amount": "800", "parts": "4", "pay_by": "2026-05-20", "frequency": "monthly"},
    "after-the-harvest": {"amount": "200"},
}
NOT_QUITE = {
    "start-low": (
        {"start": "12", "count": "24", "amount": "60", "frequency": "monthly"},
        (
            "The small payments at the start would go on longer than your lender allows.",
            "What would work: 6 small payments at the start.",
        ),
    ),
    "more-at-first": (
        {"first": "20", "pay_by": "2026-05-20", "amount": "50", "frequency": "monthly"},
        (
            "The first payment is smaller than your lender asks for.",
            "What would work: a first payment of $90.00.",
        ),
    ),
    "pause-first": (
        {"months": "9", "amount": "50", "frequency": "monthly"},
        ("The pause would be longer than your lender allows.", "What would work: a pause of 2 months."),
    ),
    "less-for-a-while": (
        {"amount": "10", "months": "12", "frequency": "monthly"},
        (
            "The smaller payments would go on longer than your lender allows.",
            "What would work: the smaller payments for 6 months.",
        ),
    ),
    "pay-less-and-be-done": (
        {"amount": "300", "pay_by": "2026-05-20"},
        ("We can’t say yes to this amount here and now.", "What would work here and now: $720.00 in all."),
    ),
    "pay-less-in-parts": (
        {"amount": "850", "parts": "12", "pay_by": "2026-05-20", "frequency": "monthly"},
        ("It would be more parts than your lender allows.", "What would work: 6 parts."),
    ),
    "after-the-harvest": (
        {"amount": "20"},
        ("It would take longer than your lender allows in a usual plan.", "What would work:"),
    ),
}


@pytest.fixture
def lender() -> Lender:
    """One that offers every way."""
    return a_lender(limits=LIMITS_WITH_EVERY_WAY)


@pytest.fixture
def debt(lender: Lender) -> Standing:
    """900.00, which may be paid in every way."""
    return a_debt("900.00", lender=lender, product=EVERY_WAY)


@pytest.fixture
def reckoned() -> Standing:
    """The same, where no table of figures stands beside what somebody says."""
    return a_debt("900.00", lender=a_lender(limits=LIMITS_WITH_EVERY_WAY, jurisdiction="AU"), product=EVERY_WAY)


def ask(client: CheckingClient, debt: Standing, way: str, answers: dict[str, str]) -> Page:
    """Go from the menu to the answer of one way."""
    menu = client.get(f"/debts/{debt.reference}/ways-to-pay")
    address = next(href for href, words in page_of(menu).links if words == TITLES[way])
    assert address.endswith(way)
    after = client.fill(client.get(address), answers)
    if after.request.path.endswith("/which-day-suits-you"):
        after = client.fill(after, {"pay_day": "10"})
    assert after.request.path.endswith("/choose-a-plan"), page_of(after).words
    return page_of(after)


def keys(page: Page) -> list[str]:
    return [value for form in page.forms for name, value in form.buttons if name == "choose"]


def can_be_sent(page: Page) -> bool:
    return any(name == "send" for form in page.forms for name, _value in form.buttons)


def test_the_menu_has_every_way_that_the_card_offers(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    afford = page_of(client.get(f"/debts/{debt.reference}/what-can-you-afford"))
    menu = f"/debts/{debt.reference}/ways-to-pay"
    assert menu in {href for href, _words in afford.links}
    links = page_of(client.get(menu)).links
    for way, title in TITLES.items():
        assert (f"{menu}/{way}", title) in links


def test_where_there_is_one_way_only_there_is_no_menu_to_walk_through(client: CheckingClient, lender: Lender) -> None:
    plain = a_debt(
        "300.00",
        lender=a_lender(limits=LIMITS_WITH_EVERY_WAY.replace("step_up_after_months = 3", "step_up_after_months = 0")),
    )
    come_in(client, plain)
    afford = page_of(client.get(f"/debts/{plain.reference}/what-can-you-afford"))
    assert not any("ways-to-pay" in href for href, _words in afford.links)
    assert client.get(f"/debts/{plain.reference}/ways-to-pay/pause-first").location.endswith("/ways-to-pay")
    assert client.get(f"/debts/{plain.reference}/ways-to-pay/no-such-way").status_code == 404


def test_the_shortest_way_to_a_regular_plan_is_as_short_as_ever(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    assert to_choices(client, debt).request.path.endswith("/choose-a-plan")


@pytest.mark.parametrize("way", YES)
def test_each_way_is_answered_yes_inside_the_card(client: CheckingClient, debt: Standing, way: str) -> None:
    come_in(client, debt)
    page = ask(client, debt, way, YES[way])
    assert page.says("Yes, what you asked for works."), page.words
    assert "own" in keys(page)


@pytest.mark.parametrize("way", NOT_QUITE)
def test_each_way_is_answered_with_why_and_what_would_work(client: CheckingClient, debt: Standing, way: str) -> None:
    come_in(client, debt)
    answers, sentences = NOT_QUITE[way]
    page = ask(client, debt, way, answers)
    for sentence in sentences:
        assert page.says(sentence), page.words
    assert "own" not in keys(page)
    assert 1 <= len(keys(page)) <= 4
    assert can_be_sent(page)


@pytest.mark.parametrize("way", NOT_QUITE)
def test_each_offer_can_be_sent_to_a_person_anyway(client: CheckingClient, debt: Standing, way: str) -> None:
    come_in(client, debt)
    ask(client, debt, way, NOT_QUITE[way][0])
    shown = client.get(f"/debts/{debt.reference}/choose-a-plan")
    sent = client.fill(shown, {"send": ""})
    assert sent.request.path.endswith("/sent-to-a-person")


def test_two_low_settlements_look_the_same_whatever_a_person_could_grant(
    client: CheckingClient, debt: Standing
) -> None:
    come_in(client, debt)
    said = []
    # 630.00 is what the card lets off at most, and nobody is told.
    for amount in ("640", "620", "100"):
        page = ask(client, debt, "pay-less-and-be-done", {"amount": amount, "pay_by": "2026-05-20"})
        said.append(" ".join(page.words.split()).replace(f"${amount}.00", "AMOUNT"))
    assert said[0] == said[1] == said[2]
    assert "630.00" not in said[0]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("2027-02-29", "This day does not exist. Check day, month and year."),
        ("2026-05-04", "This day is over. Enter a day from tomorrow on."),
        ("1999-01-01", "This day is over. Enter a day from tomorrow on."),
        ("9999-12-31", "This day is too far away. Enter an earlier day."),
        ("soon", "This day does not exist. Check day, month and year."),
        ("", "Enter a day."),
    ],
)
def test_a_day_that_cannot_be_is_asked_for_again(client: CheckingClient, debt: Standing, typed: str, says: str) -> None:
    come_in(client, debt)
    before = rows()
    shown = client.get(f"/debts/{debt.reference}/ways-to-pay/pay-less-and-be-done")
    answer = client.fill(shown, {"amount": "500", "pay_by": typed})
    assert answer.status_code == 422
    assert page_of(answer).says(says)
    assert rows() == before


@pytest.mark.parametrize("amount", ["0", "-5", "€50", "9" * 40, "x", ""])
@pytest.mark.parametrize("way", YES)
def test_an_amount_that_cannot_be_is_asked_for_again(
    client: CheckingClient, debt: Standing, way: str, amount: str
) -> None:
    come_in(client, debt)
    shown = client.get(f"/debts/{debt.reference}/ways-to-pay/{way}")
    answer = client.fill(shown, YES[way] | {"amount": amount})
    assert answer.status_code == 422
    assert session.scalar(select(func.count()).select_from(Proposal)) == 0


def test_a_huge_amount_is_simply_all_of_it(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    page = ask(client, debt, "pay-less-and-be-done", {"amount": "999999999", "pay_by": "2026-05-20"})
    assert page.says("Yes, what you asked for works.")
    assert page.says("You pay in all $900.00")


def test_the_preview_shows_what_that_would_be_and_keeps_nothing(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    before = rows()
    shown = client.get(f"/debts/{debt.reference}/preview?amount=100&frequency=monthly&pay_day=10")
    page = page_of(shown)
    assert page.says("Yes, what you asked for works.")
    assert page.says("Number of payments 9")
    again = client.fill(shown, {"amount": "10"}, to="/preview")
    assert page_of(again).says("It would take longer than your lender allows in a usual plan.")
    assert page_of(again).says("What would work: $25.00 a month.")
    assert client.get(f"/debts/{debt.reference}/preview?amount=0&frequency=monthly").status_code == 422
    assert client.get(f"/debts/{debt.reference}/preview?amount=5&frequency=hourly").status_code == 422
    assert client.get(f"/debts/{debt.reference}/preview").status_code == 422
    assert rows() == before


@pytest.mark.parametrize(
    "typed",
    ["100", " 1,00 ", "1,418.63", "１００", "$100.50", "1.234", "0", "-5", "€20", "1.999", "", "abc", "9" * 300],
)
@pytest.mark.parametrize("often", ["monthly", "weekly", "hourly", ""])
def test_what_is_read_without_a_form_is_what_a_form_reads(
    client: CheckingClient, debt: Standing, typed: str, often: str
) -> None:
    come_in(client, debt)
    asked = {"amount": typed, "frequency": often}
    # There is no such pay day, so it changes nothing but that a form reads it.
    at_once, by_form = (
        client.get(f"/debts/{debt.reference}/preview", query_string=asked | more) for more in ({}, {"pay_day": "99"})
    )
    assert at_once.status_code == by_form.status_code

    def words(page: str) -> list[str]:
        return re.sub(
            r'<!--.*?-->|<input type="hidden"[^>]*>', "", page[page.index("<main") : page.index("</main>")]
        ).split()

    assert words(at_once.text) == words(by_form.text)


def test_without_a_script_a_button_shows_it_and_another_goes_on(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    afford = client.get(f"/debts/{debt.reference}/what-can-you-afford")
    shown = client.fill(afford, {"amount": "100", "frequency": "monthly", "show": "1"})
    assert shown.request.path.endswith("/preview")
    assert "csrf_token" not in shown.request.url
    on = client.fill(shown, to="/what-can-you-afford")
    assert on.request.path.endswith("/which-day-suits-you")


def test_a_budget_is_saved_half_way_gone_on_with_and_shown_as_it_was_reckoned(
    client: CheckingClient, reckoned: Standing
) -> None:
    come_in(client, reckoned)
    to_choices(client, reckoned, amount="10")
    where = f"/debts/{reckoned.reference}"
    asks = page_of(client.get(f"{where}/choose-a-plan"))
    assert f"{where}/your-budget" in {href for href, _words in asks.links}
    budget = client.get(f"{where}/your-budget")
    assert f"{where}/choose-a-plan" in {href for href, _words in page_of(budget).links}
    saved = client.fill(budget, {"earnings": "400", "earnings_every": "week", "save": "1"})
    assert saved.request.path.endswith("/choose-a-plan")
    again = client.get(f"{where}/your-budget")
    form = next(form for form in page_of(again).forms if "earnings" in form.names)
    assert ("earnings", "400") in form.fields and ("earnings_every", "week") in form.fields
    left = client.fill(again, {"home": "800", "food": "400-500"})
    assert left.request.path.endswith("/what-is-left")
    page = page_of(left)
    # 400 a week is 1,733.33 a month, less 800 and the higher end, 500.
    assert page.says("$433.33")
    assert page.says("Rent or home loan −$800.00")
    assert page.says("You gave ranges, so we counted carefully")
    # Of it 10% stay with them.
    assert page.says("At most for this debt, in a month $389.00")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("-50", "Enter an amount above zero."),
        ("500-400", "Write the smaller amount first"),
        ("a lot", "Enter the amount in numbers"),
        ("€50", "What you owe is in US dollars."),
    ],
)
def test_a_budget_with_what_nobody_can_read_asks_again(
    client: CheckingClient, debt: Standing, typed: str, says: str
) -> None:
    come_in(client, debt)
    to_choices(client, debt, amount="10")
    shown = client.get(f"/debts/{debt.reference}/your-budget")
    answer = client.fill(shown, {"earnings": typed})
    assert answer.status_code == 422
    assert page_of(answer).says(says)


def test_with_nothing_left_over_nobody_is_asked_for_anything(client: CheckingClient, reckoned: Standing) -> None:
    come_in(client, reckoned)
    to_choices(client, reckoned, amount="10")
    shown = client.get(f"/debts/{reckoned.reference}/your-budget")
    left = client.fill(shown, {"earnings": "1000", "home": "1100"})
    assert page_of(left).says("Nothing is left over. Then you don’t have to pay now.")
    answer = page_of(client.get(f"/debts/{reckoned.reference}/choose-a-plan"))
    assert answer.says("You have nothing left over in a month. Then you don’t have to pay now.")
    assert can_be_sent(answer)


def test_with_nothing_left_over_one_tap_stops_the_reminders(client: CheckingClient, reckoned: Standing) -> None:
    come_in(client, reckoned)
    to_choices(client, reckoned, amount="10")
    client.fill(client.get(f"/debts/{reckoned.reference}/your-budget"), {"earnings": "1000", "home": "1100"})
    shown = client.get(f"/debts/{reckoned.reference}/choose-a-plan")
    # Until it is asked for nothing has stopped, so nothing else is said.
    assert session.scalar(select(func.count()).select_from(CareHold)) == 0
    assert page_of(shown).says("Tell us that you can’t pay now. It takes one tap. No reminders until 3 June 2026.")
    assert "/help#advice" in {href for href, _words in page_of(shown).links}
    first, again = (client.fill(shown, {"time": "1"}) for _tap in range(2))
    assert first.request.path == again.request.path
    assert page_of(first).says("What has stopped No reminders until 3 June 2026.")
    (hold,) = session.scalars(select(CareHold)).all()
    assert (hold.debt_id, hold.stops) == (reckoned.id, ["reminders"])
    books_agree()


def test_whoever_has_something_left_over_is_not_given_time_by_a_form(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    shown = to_choices(client, debt, amount="10")
    token = dict(page_of(shown).forms[0].fields)["csrf_token"]
    assert client.post(shown.request.path, data={"csrf_token": token, "time": "1"}).status_code == 200
    assert session.scalars(select(CareHold)).all() == []


def test_after_many_rounds_what_would_work_can_still_be_chosen(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    asked, says = NOT_QUITE["pause-first"]
    for turn in range(5):
        page = ask(client, debt, "pause-first", asked)
        assert all(page.says(words) for words in says)
        assert "answer" in keys(page)
        assert page.says("You can send what you asked for to a person.") is (turn >= 3)
        assert not page.says("a person takes over")


def test_what_would_work_is_the_least_that_needs_nobody_and_what_a_person_can_grant_is_said(
    client: CheckingClient,
) -> None:
    lender = a_lender(limits=LIMITS_WITH_EVERY_WAY.replace("alone_up_to_months = 36", "alone_up_to_months = 20"))
    debt = a_debt("900.00", lender=lender, product=EVERY_WAY)
    come_in(client, debt)
    assert page_of(client.get(f"/debts/{debt.reference}/what-can-you-afford")).says("starts at $45.00 a month")
    for page in (
        page_of(to_choices(client, debt, amount="10")),
        page_of(client.get(f"/debts/{debt.reference}/preview?amount=10&frequency=monthly")),
    ):
        assert page.says("From $25.00 a month on, a person can say yes to what you offer.")
        assert page.says("What would work: $45.00 a month.")


@pytest.mark.parametrize("way", YES)
def test_each_way_leads_to_an_agreement_that_says_all_that_was_shown(
    client: CheckingClient, debt: Standing, way: str
) -> None:
    come_in(client, debt)
    ask(client, debt, way, YES[way])
    check = client.fill(client.get(f"/debts/{debt.reference}/choose-a-plan"), {"choose": "own"})
    assert "/check-your-plan/" in check.request.path
    shown = page_of(check)
    agreed = sign(client, check)
    assert agreed.request.path.startswith("/plans/"), page_of(agreed).words
    text = plan_on(debt).agreed_text
    for line in text.splitlines():
        if not re.match(r"\d+\. ", line):
            assert shown.says(line.replace("\t", " ")), line
    assert "Compared with paying all of it today" in text
    assert "If you miss a payment" in text
    let_off = plan_on(debt).waive_minor
    words = f"If you keep to your plan, ${let_off / 100:.2f} of this is let off."
    assert page_of(client.get("/home")).says(words) is bool(let_off)
    books_agree()


def test_before_agreeing_everything_about_a_settlement_is_said(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    ask(client, debt, "pay-less-in-parts", YES["pay-less-in-parts"])
    page = page_of(client.fill(client.get(f"/debts/{debt.reference}/choose-a-plan"), {"choose": "own"}))
    for said in (
        "You pay in all $800.00",
        "Let off in this plan $100.00",
        "Compared with paying all of it today $100.00 less",
        "When the last payment has come, $100.00 is let off, and you are done.",
        "For the first payment that is until 25 May 2026.",
        "If the plan ends before its last payment has come, nothing is let off: you owe $900.00 again, less what you "
        "have paid.",
        "Your lender reports it as paid for less than the full balance.",
    ):
        assert page.says(said), said


def test_a_plan_that_leaves_something_says_so_under_its_picture(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    choices = ask(client, debt, "less-for-a-while", YES["less-for-a-while"])
    assert choices.says("You pay in this plan $30.00 After it $870.00 is still to be paid.")
    page = page_of(client.fill(client.get(f"/debts/{debt.reference}/choose-a-plan"), {"choose": "own"}))
    assert page.says("$870.00 left in Jul 2026") and page.says("You pay in this plan $30.00")
    assert not page.says("You pay in all")
    assert not page.says("Nothing left")


def test_a_pause_names_no_day_that_is_over(client: CheckingClient, debt: Standing) -> None:
    """Its interest stands still from a month before the first payment that it leaves out, which is before today."""
    come_in(client, debt)
    page = ask(client, debt, "pause-first", YES["pause-first"])
    assert page.says("No interest runs until 10 June 2026.")
    assert not page.says("April 2026")


def test_a_running_settlement_takes_extra_money_and_says_until_when_its_figure_holds(
    client: CheckingClient, debt: Standing
) -> None:
    come_in(client, debt)
    ask(client, debt, "pay-less-in-parts", YES["pay-less-in-parts"])
    sign(client, client.fill(client.get(f"/debts/{debt.reference}/choose-a-plan"), {"choose": "own"}))
    plan = page_of(client.get(f"/plans/{plan_on(debt).reference}"))
    extra = client.get(next(href for href, words in plan.links if words == "Pay extra"), follow_redirects=True)
    assert extra.request.path == "/pay" and page_of(extra).headings == ["How much do you want to pay?"]
    figure = page_of(client.get(f"/debts/{debt.reference}/pay-off"))
    assert figure.says("$800.00 With it $100.00 is let off, as your plan says.")
    assert figure.says("as long as the plan is kept, until its last payment on 20 August 2026.")
    assert not figure.says("has no last day")


def test_before_agreeing_the_annual_rate_and_its_method_are_said_where_interest_runs(
    client: CheckingClient, lender: Lender
) -> None:
    bearing = a_debt("900.00", lender=lender)
    come_in(client, bearing)
    page = page_of(to_check(client, bearing))
    assert page.says("as the law of the United States (Regulation Z) says")
    assert page.says("Compared with doing nothing")
    assert page.says("interest runs as in your contract again: 18% a year")
