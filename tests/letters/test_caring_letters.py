"""Letters that ask for nothing: what they say, what they never say, and what stands in the way of one."""

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.letters import credit_records, pdf, truth
from portal.letters.caring_contents import (
    CameOrWent,
    Caring,
    Disputed,
    DuringPause,
    Fault,
    KeptSince,
    PlanOutcome,
    ReplyBy,
    Reported,
    Stop,
)
from portal.letters.caring_truth import cost_of_pause
from portal.letters.conditions import Facts, NotYet, Why, asked
from portal.letters.contents import Letter
from portal.letters.credit_records import BadRecords, parse, table
from portal.letters.kinds import Kind
from portal.letters.reasons import Reason
from portal.money import Money
from tests.letters import examples
from tests.letters.examples import (
    NOW,
    a_breathing_space,
    a_chinese_letter,
    a_correction,
    a_credit_sheet,
    a_deferral,
    a_goodwill_statement,
    a_granted_pause,
    a_letter,
    an_acknowledgement,
    environment,
    usd,
)

TODAY = NOW.date()
DAY = timedelta(days=1)


def said(letter: Letter) -> str:
    """The words of a letter, without markup, and without what every letter says at its end."""
    page = pdf.write_html(
        template=letter.template, letter=letter, environment=environment(letter.language), language=letter.language
    )
    body = re.search(r"<h1>(.*)<div class=\"help\">", page, re.DOTALL)
    assert body
    return " ".join(re.sub(r"<[^>]*>", " ", body[1]).split()).replace("&#39;", "'")


EXPECTED = {
    "an amount is disputed": (
        an_acknowledgement(),
        "We have received your dispute A person has looked by You have an answer by What our books say "
        "23 November 2026 7 December 2026 $3,600.00 You told us that the amount is wrong.",
        "What is stopped We send no reminders. We send no messages or letters that ask for this money. Nothing is "
        "taken from your card or account by itself. No payment of a plan counts as late in this time. All of this "
        "stays stopped until you have our answer.",
        "The answer is there by 7 December 2026. You find the answer on these pages, under the number of your "
        "request, and we write you an e-mail. You don’t have to do anything more. If you don’t write again, that does "
        "not mean that you agree with anything.",
    ),
    "a debt is nobody's": (
        an_acknowledgement(disputed=Disputed.WHOLE, of_all_debts=True, reply_by=ReplyBy.CALL),
        "You told us that this debt is not yours. We treat all of it as disputed. You said it of every debt",
        "who made the contract",
        "and we call you.",
    ),
    "a pause that costs": (
        a_granted_pause(),
        "First day Last day What the pause costs 22 November 2026 21 December 2026 $48.60",
        "gives you this pause by itself. It is not a breathing space that a law gives.",
        "at 18.25% a year. On $3,240.00 that comes to $48.60 for these 30 days, if nothing is paid in them.",
    ),
    "a pause of a plan": (
        a_granted_pause(interest=DuringPause.IN_PLAN, rate=None, cost=usd("0"), plan_reference="P-93TF-05"),
        "The payments of your plan P-93TF-05 keep their dates and amounts. No interest is added",
    ),
    "a pause that costs nothing": (
        a_granted_pause(interest=DuringPause.NONE, rate=None, cost=usd("0")),
        "There is no interest on this debt, so the pause costs nothing.",
    ),
    "a breathing space": (
        a_breathing_space(),
        "Your breathing space is confirmed First day Last day Looked at again on 23 November 2026 21 January 2027 "
        "22 December 2026 A law gives you this time: Example Respite Act 2020 (made-up).",
        "No interest, late charges or fees are added to this debt for these days. Nobody takes a step to enforce",
        "What you owe stays owed. On the day of this letter that is $3,600.00.",
    ),
    "a payment left out": (
        a_deferral(),
        "Plan in total before Plan in total now What the change costs Last payment $300.00 $301.25 $1.25 "
        "10 December 2026 The next payment of your plan is left out",
        "not due any more 10 October 2026 $100.00 due instead 10 December 2026 $101.25",
        "You can take this change back until 23 November 2026, 04:30",
        "does not count as missed or late",
    ),
    "how somebody paid": (
        a_goodwill_statement(),
        "Owed when our books began Paid since Owed now $1,000.00 $300.00 $680.00",
        "payments were late since 10 October 2025. $20.00 of this debt was let off. Plan P-93TF-05 was agreed on "
        "1 February 2026. Of its 10 payments 4 were due by now, and 3 of these are paid. It goes on.",
        "10 March 2026 came in $150.00 12 March 2026 went back −$150.00 10 April 2026 came in $300.00 In all $300.00",
        "does not change any credit record, and does not promise to change one. Credit bureaus keep what is true about "
        "late payments for 7 years.",
    ),
    "a sheet for China": (
        a_credit_sheet(),
        "for 5 years. They count from the day on which the lateness ended. So when you pay what is late, these years",
        "You can get 2 reports a year from each bureau for nothing.",
        "It is looked into within 20 days.",
        "which answers within 30 days.",
        "were repaid by 31 March 2026. That day is over: what is repaid now does not count for it any more.",
        "no application and no fee",
    ),
    "a sheet for the United States": (a_credit_sheet("US"), "for 7 years.", "https://www.annualcreditreport.com"),
    "a sheet for a country that nobody looked up": (
        a_credit_sheet("MX"),
        "the law of your country says. Ask the bureau, or an adviser.",
    ),
    "a correction": (
        a_correction(),
        "What was reported The amount that is owed What is wrong with it It is no longer so. As it stands in the "
        "record $3,600.00 As it has to be $680.00 Found on 20 November 2026 To be looked into by 22 December 2026",
        "asks for nothing but that the record is right. What is true in it stays in it.",
    ),
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_letter_says_what_it_has_to(name: str) -> None:
    details, *words = EXPECTED[name]
    text = said(a_letter(details))
    for expected in words:
        assert expected in text, (expected, text)


# The column "must not say", kind by kind, in both languages; what no letter says stands with each.
NEVER = (
    "we will delete",
    "paid in full",
    "your debt is cancelled",
    "debt is settled",
    "我们会删除",
    "已全部还清",
    "债务已取消",
)
MUST_NOT = {
    Kind.DISPUTE_ACKNOWLEDGEMENT: ("accept", "please pay", "pay now", "pay by", "视为接受", "请还款", "请尽快"),
    Kind.GRANTED_PAUSE: ("cancelled", "breathing space confirmation", "must pay", "请尽快", "取消"),
    Kind.BREATHING_SPACE: ("cancelled", "must pay", "请尽快", "取消"),
    Kind.DEFERRAL: ("improve", "delete", "改善", "删除"),
    Kind.GOODWILL: ("repair", "delet", "guarantee", "fee", "remove", "修复", "删除", "保证", "手续费"),
    Kind.CREDIT_STATUS: ("delet", "guarantee", "still applies", "删除", "保证"),
    Kind.CREDIT_CORRECTION: ("delet", "remove", "erase", "删除", "消除"),
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_letter_never_says_what_it_must_not(name: str) -> None:
    details: Caring = EXPECTED[name][0]
    for letter in (a_letter(details), a_chinese_letter(details)):
        text = said(letter).lower()
        for words in (*MUST_NOT[details.kind], *NEVER):
            assert words not in text, (words, text)


def test_each_value_has_its_words() -> None:
    def different(*details: Caring) -> None:
        assert len({said(make(each)) for each in details for make in (a_letter, a_chinese_letter)}) == 2 * len(details)

    different(*(an_acknowledgement(reply_by=way) for way in ReplyBy))
    different(*(an_acknowledgement(stops=(Stop.COLLECTION, *({one} - {Stop.COLLECTION}))) for one in Stop))
    different(*(a_correction(reported=reported, fault=fault) for reported in Reported for fault in Fault))
    plans = [replace(a_goodwill_statement().plans[0], outcome=outcome, kept=10, due=10) for outcome in PlanOutcome]
    different(*(a_goodwill_statement(plans=(plan,)) for plan in plans))
    kept = [replace(examples.RecordKept(jurisdiction="US", years=7, since=since)) for since in KeptSince]
    different(*(a_goodwill_statement(record=record) for record in kept))


ONE_OFF = a_credit_sheet().one_off
assert ONE_OFF is not None
UNTRUE = {
    "before it came": (an_acknowledgement(received_at=NOW + DAY), Reason.BEFORE_IT_HAPPENED),
    "an answer before the look": (an_acknowledgement(answer_by=date(2026, 11, 22)), Reason.DATES_OUT_OF_ORDER),
    "collection goes on": (an_acknowledgement(stops=(Stop.REMINDERS,)), Reason.NOTHING_STOPS),
    "a cost left out": (a_granted_pause(cost=usd("0")), Reason.COST_DOES_NOT_ADD_UP),
    "a rate left out": (a_granted_pause(rate=None), Reason.INTEREST_CONTRADICTS),
    "a plan left out": (a_granted_pause(interest=DuringPause.IN_PLAN), Reason.INTEREST_CONTRADICTS),
    "a pause backwards": (a_granted_pause(until=date(2026, 11, 1)), Reason.DATES_OUT_OF_ORDER),
    "a pause of nothing": (a_granted_pause(stops=()), Reason.NOTHING_STOPS),
    "looked at after the end": (a_breathing_space(review_on=date(2027, 2, 1)), Reason.DATES_OUT_OF_ORDER),
    "agreed later": (a_deferral(agreed_at=NOW + DAY), Reason.AGREED_AFTER_ISSUE),
    "nothing moved": (a_deferral(after=a_deferral().before, cost=usd("0")), Reason.NOTHING_CHANGED),
    "no payments": (a_deferral(after=()), Reason.NO_INSTALMENTS),
    "a hidden cost": (a_deferral(cost=usd("0")), Reason.COST_DOES_NOT_ADD_UP),
    "payments in a mess": (a_deferral(after=a_deferral().after[::-1]), Reason.DATES_OUT_OF_ORDER),
    "taken back before": (a_deferral(take_back_until=NOW - DAY), Reason.DATES_OUT_OF_ORDER),
    "more paid than came": (a_goodwill_statement(paid=usd("450.00")), Reason.PAID_DOES_NOT_ADD_UP),
    "nothing came": (
        a_goodwill_statement(payments=(CameOrWent(on=TODAY, amount=usd("-1.00")),), paid=usd("-1.00")),
        Reason.NOTHING_PAID,
    ),
    "more kept than due": (
        a_goodwill_statement(plans=(replace(a_goodwill_statement().plans[0], kept=5),)),
        Reason.MORE_KEPT_THAN_DUE,
    ),
    "kept to its end, it says": (
        a_goodwill_statement(plans=(replace(a_goodwill_statement().plans[0], outcome=PlanOutcome.COMPLETED),)),
        Reason.MORE_KEPT_THAN_DUE,
    ),
    "late from tomorrow": (a_goodwill_statement(late_since=TODAY + DAY), Reason.BEFORE_IT_HAPPENED),
    "the rule still applies": (a_credit_sheet(one_off=replace(ONE_OFF, over=False)), Reason.RULE_IS_OVER),
    "years of another country": (
        replace(a_credit_sheet(), jurisdiction="US"),
        Reason.RECORD_OF_ANOTHER_COUNTRY,
    ),
    "found tomorrow": (a_correction(discovered_on=TODAY + DAY), Reason.BEFORE_IT_HAPPENED),
    "nothing wrong": (a_correction(correct=" $3,600.00 "), Reason.NOT_WRONG),
    "nothing instead": (a_correction(correct="  "), Reason.NOT_WRONG),
    "take it out": (a_correction(correct="Please DELETE this account"), Reason.ASKS_TO_TAKE_OUT),
    "take it out, in Chinese": (a_correction(correct="删除该记录"), Reason.ASKS_TO_TAKE_OUT),
    "two currencies": (a_granted_pause(principal=Money.of("1.00", "EUR")), Reason.SEVERAL_CURRENCIES),
}


@pytest.mark.parametrize("name", sorted(UNTRUE))
def test_a_letter_that_is_not_true_is_refused_with_its_reason(name: str) -> None:
    details, reason = UNTRUE[name]
    assert reason in truth.against(a_letter(details))


@given(
    principal=st.integers(0, 10**9),
    rate=st.decimals("0.01", "60", places=2),
    days=st.integers(1, 365),
)
def test_a_pause_costs_the_interest_of_its_days_and_never_more_for_less(
    principal: int, rate: Decimal, days: int
) -> None:
    pause = a_granted_pause(
        principal=Money(principal, "USD"), rate=rate, since=TODAY, until=TODAY + (days - 1) * DAY, cost=usd("0")
    )
    cost = cost_of_pause(pause)
    assert 2 * abs(cost.minor * 36_500 - principal * rate * days) <= 36_500
    assert cost_of_pause(replace(pause, until=pause.until + DAY)).minor >= cost.minor


DISPUTED = Facts(today=TODAY, disputed=True, paid=100, answer_by=TODAY + 3 * DAY)
CONDITIONS = [
    (Kind.DISPUTE_ACKNOWLEDGEMENT, DISPUTED, None),
    (Kind.DISPUTE_ACKNOWLEDGEMENT, Facts(today=TODAY), NotYet(Why.NO_DISPUTE)),
    (Kind.GRANTED_PAUSE, Facts(today=TODAY, held=True, held_until=TODAY), None),
    (Kind.GRANTED_PAUSE, Facts(today=TODAY, held=True, held_until=TODAY - DAY), NotYet(Why.NO_HOLD)),
    (Kind.GRANTED_PAUSE, Facts(today=TODAY, held=True), NotYet(Why.NO_END)),
    (Kind.GRANTED_PAUSE, Facts(today=TODAY, held=True, held_until=TODAY, held_by_law=True), NotYet(Why.NO_HOLD)),
    (Kind.BREATHING_SPACE, Facts(today=TODAY, held=True, held_until=TODAY), NotYet(Why.NO_HOLD)),
    (Kind.BREATHING_SPACE, Facts(today=TODAY, held=True, held_until=TODAY, held_by_law=True), None),
    (Kind.DEFERRAL, Facts(today=TODAY, moved=True), None),
    (Kind.DEFERRAL, Facts(today=TODAY), NotYet(Why.NOT_CHANGED)),
    (Kind.GOODWILL, DISPUTED, NotYet(Why.DISPUTED, TODAY + 3 * DAY)),
    (Kind.GOODWILL, Facts(today=TODAY), NotYet(Why.NOTHING_PAID)),
    (Kind.GOODWILL, Facts(today=TODAY, paid=1), None),
    (Kind.CREDIT_STATUS, DISPUTED, None),
    (Kind.CREDIT_STATUS, Facts(today=TODAY), None),
    (Kind.CREDIT_CORRECTION, Facts(today=TODAY), NotYet(Why.NOT_WRONG)),
    (Kind.CREDIT_CORRECTION, Facts(today=TODAY, wrong=True), None),
]


@pytest.mark.parametrize(("kind", "facts", "answer"), CONDITIONS)
def test_when_a_letter_may_be_made(kind: Kind, facts: Facts, answer: NotYet | None) -> None:
    assert asked(kind, facts) == answer


def test_the_rule_that_ran_once_is_over_the_day_after_its_last_and_unknown_before_its_first() -> None:
    def over(day: date) -> bool | None:
        rule = table().one_off_for("CN", on=day)
        return rule.over if rule else None

    days = (date(2025, 12, 21), date(2025, 12, 22), date(2026, 3, 31), date(2026, 4, 1))
    assert [over(day) for day in days] == [None, False, False, True]
    assert table().one_off_for("US", on=date(2026, 1, 1)) is None


def test_the_years_of_a_country_are_those_of_the_table_on_that_day() -> None:
    years = {place: row.record.years for place in ("CN", "US-CA", "GB") if (row := table().rules_for(place, on=TODAY))}
    assert years == {"CN": 5, "US-CA": 7, "GB": 6}
    assert table().rules_for("CN", on=date(2013, 3, 14)) is None
    assert table().rules_for("XX", on=TODAY) is None


ROW = credit_records.TABLE.read_text("utf-8")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("keeps_years = 5", "keeps_years = 0"),
        ("keeps_years = 5", "keeps_for = 5"),
        ('keeps_since = "end"', 'keeps_since = "whenever"'),
        ('checked = "primary"', 'checked = "from memory"'),
        ("repaid_by = 2026-03-31", "repaid_by = 2025-03-31"),
        ('jurisdiction = "GB"\neffective_from = 2018-05-25', 'jurisdiction = "CN"\neffective_from = 2013-03-15'),
        ('seen_at = [\n  "https://debtcamel', 'not_seen_at = [\n  "https://debtcamel'),
    ],
)
def test_a_table_that_says_too_little_or_too_much_is_refused(old: str, new: str) -> None:
    assert old in ROW
    with pytest.raises(BadRecords):
        parse(ROW.replace(old, new, 1))
