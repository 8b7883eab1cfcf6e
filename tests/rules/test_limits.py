"""Limits: a text that staff can read becomes rules, or says in sentences what is wrong."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from portal.limits.cards import InterestPolicy, LimitsSet
from portal.limits.checks import draft
from portal.limits.reading import LimitsError, parse
from portal.money import Money, UnknownCurrency
from portal.schedules.dates import Frequency
from tests.rules.limits_factory import some_limits

STANDARD = (Path(__file__).parents[2] / "limits" / "standard.toml").read_text()


def usd(text: str) -> Money:
    return Money.of(text, "USD")


CARD = """
name = "Test"
effective_from = 2026-03-01
[[card]]
name = "All"
frequencies = ["monthly", "weekly"]
first_payment_within_days = 31
accept_alone_up_to_months = 12
offer_valid_days = 14
step_up_after_months = 3
[card.when]
balance_from = 500
balance_to = 5000.00
days_late_from = 90
days_late_to = 179
products = ["card"]
[card.least_payment]
amount = 25.50
percent_of_balance = 2.5
hardship_amount = 5
[card.longest_term_months]
standard = 24
hardship = 60
[card.interest]
policy = "reduced"
reduced_rate = 4.5
[card.keeping]
grace_days = 5
tolerance = 1.00
cure_days = 30
[card.affordability]
keep_back_percent = 10
round_down_to = 1
"""


def problems_of(text: str, currency: str = "USD") -> tuple[str, ...]:
    with pytest.raises(LimitsError) as refused:
        draft(text, currency=currency)
    return refused.value.problems


def test_a_card_is_read_as_it_is_written() -> None:
    found = parse(CARD, currency="USD")
    assert (found.name, found.effective_from) == ("Test", date(2026, 3, 1))
    (card,) = found.cards
    assert card.limits == some_limits(
        min_payment=usd("25.50"),
        min_percent_bps=250,
        hardship_min_payment=usd("5"),
        frequencies=(Frequency.MONTHLY, Frequency.WEEKLY),
        interest_policy=InterestPolicy.REDUCED,
        reduced_rate="4.5",
        auto_accept_months=12,
    )


@pytest.mark.parametrize(
    ("balance", "days_late", "product", "fits"),
    [
        ("500.00", 90, "card", True),
        ("5000.00", 179, "card", True),
        ("499.99", 90, "card", False),
        ("5000.01", 90, "card", False),
        ("500.00", 89, "card", False),
        ("500.00", 180, "card", False),
        ("500.00", 90, "car", False),
    ],
)
def test_both_ends_of_a_band_belong_to_it(balance: str, days_late: int, product: str, fits: bool) -> None:
    found = parse(CARD, currency="USD").limits_for(balance=usd(balance), days_late=days_late, product=product)
    assert (found is not None) is fits


def test_the_first_card_that_fits_counts() -> None:
    limits = parse(STANDARD, currency="USD")

    def name(balance: str, days_late: int) -> str | None:
        card = limits.limits_for(balance=usd(balance), days_late=days_late, product="loan")
        return card.name if card else None

    assert name("500.00", 400) == "Small balances"
    assert name("500.01", 400) == "Long overdue"
    assert name("500.01", 5) == "Everything else"


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD", "CZK", "NGN", "CNY"])
def test_the_example_limits_are_good_in_any_currency(currency: str) -> None:
    assert isinstance(draft(STANDARD, currency=currency), LimitsSet)


def test_the_larger_of_amount_and_percentage_counts_and_never_more_than_is_owed() -> None:
    limits = some_limits(min_payment=usd("50"), min_percent_bps=200)
    found = [str(limits.least_payment(balance=usd(each))) for each in ("3600.00", "1000.00", "30.00", "2500.01")]
    assert found == ["72.00 USD", "50.00 USD", "30.00 USD", "50.01 USD"]


def test_a_plan_never_bears_more_interest_than_the_contract() -> None:
    reduced = some_limits(interest_policy=InterestPolicy.REDUCED, reduced_rate="6")
    assert reduced.plan_rate(contract_rate=Decimal(18)) == 6
    assert reduced.plan_rate(contract_rate=Decimal(3)) == 3
    assert some_limits(interest_policy=InterestPolicy.FROZEN).plan_rate(contract_rate=Decimal(18)) == 0
    assert some_limits(interest_policy=InterestPolicy.CONTRACT).plan_rate(contract_rate=Decimal(18)) == 18


WRONG = [
    ('name = "Test"', "name = 3", "name: 3 is not a text in quotes."),
    ("effective_from = 2026-03-01", 'effective_from = "soon"', "effective_from: 'soon' is not a date"),
    ("effective_from = 2026-03-01", "effective_from = 2026-03-01T10:00:00", "is not a date"),
    ("effective_from = 2026-03-01", 'currency = "EUR"\neffective_from = 2026-03-01', "the amounts are in EUR"),
    ("grace_days = 5", "grace_dayz = 5", "keeping.grace_dayz: this key is not known here"),
    ("grace_days = 5", "grace_days = true", "keeping.grace_days: true is not a whole number."),
    ("grace_days = 5", "grace_days = 5.5", "is not a whole number"),
    ("grace_days = 5", "grace_days = -1", "keeping.grace_days: -1 is out of bounds"),
    ("amount = 25.50", "amount = -1", "least_payment.amount: -1 is negative."),
    ("amount = 25.50", "amount = 0", "least_payment.amount: must be above zero."),
    ("amount = 25.50", 'amount = "25"', "least_payment.amount: '25' is not an amount in USD"),
    ("amount = 25.50", "amount = nan", "is not an amount in USD"),
    ("amount = 25.50", "amount = 25.555", "has more decimals than USD has"),
    ("amount = 25.50", "", "least_payment.amount: is missing"),
    ("hardship_amount = 5", "hardship_amount = 26", "people in hardship may never be asked for more"),
    ("hardship = 60", "hardship = 23", "longest_term_months.hardship: 23 months is shorter than the standard 24"),
    ("standard = 24", "standard = 0", "longest_term_months.standard: 0 is out of bounds"),
    ("accept_alone_up_to_months = 12", "accept_alone_up_to_months = 25", "is longer than the standard term"),
    ('["monthly", "weekly"]', '["daily"]', "frequencies: ['daily'] is not a list of one or more of"),
    ('["monthly", "weekly"]', "[[]]", "is not a list of one or more of"),
    ('["monthly", "weekly"]', "[]", "is not a list of one or more of"),
    ('policy = "reduced"', 'policy = "none"', "interest.policy: 'none' is not one of"),
    ('policy = "reduced"', 'policy = "frozen"', "reduced_rate: has no meaning while the policy is frozen"),
    ("reduced_rate = 4.5", "", "interest.reduced_rate: is missing"),
    ("reduced_rate = 4.5", "reduced_rate = 1001", "out of bounds"),
    ("percent_of_balance = 2.5", "percent_of_balance = 101", "out of bounds"),
    ("percent_of_balance = 2.5", "percent_of_balance = 2.555", "more than two decimals"),
    ("round_down_to = 1", "round_down_to = 0", "affordability.round_down_to: must be above zero."),
    ("balance_to = 5000.00", "balance_to = 499", "balance_to: 499.00 USD is below when.balance_from 500.00 USD"),
    ("days_late_to = 179", "days_late_to = 10", "when.days_late_to: 10 is below when.days_late_from 90"),
    ('products = ["card"]', 'products = "card"', "when.products: 'card' is not a list of texts."),
    ("[card.keeping]", "[card.kept]", "keeping: is missing; write a table [card.keeping]."),
    ("[[card]]", "[card]", "card:"),
    ("name =", "name", "This is not a TOML file"),
]


@pytest.mark.parametrize(("old", "new", "says"), WRONG)
def test_what_is_wrong_is_said_in_a_sentence_that_names_the_key(old: str, new: str, says: str) -> None:
    problems = problems_of(CARD.replace(old, new, 1))
    assert any(says in problem for problem in problems), problems
    assert all(problem.endswith(".") for problem in problems)


def test_all_problems_are_said_at_once_and_each_only_once() -> None:
    text = CARD.replace("amount = 25.50", "amount = -1").replace("standard = 24", 'standard = "x"')
    problems = problems_of(text.replace("grace_days = 5", ""))
    assert len(problems) == 3
    assert all(problem.startswith('card "All": ') for problem in problems)


def test_two_cards_may_not_have_one_name() -> None:
    cards = CARD + CARD[CARD.index("[[card]]") :]
    assert problems_of(cards) == ('card "All": another card has the same name.',)


def test_limits_without_a_card_are_none() -> None:
    assert problems_of('name = "x"\neffective_from = 2026-01-01') == ("card: is missing; write at least one [[card]].",)
    with pytest.raises(UnknownCurrency):
        parse(CARD, currency="XXX")
