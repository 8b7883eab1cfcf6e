"""What a lender can write beyond the plain card: each key becomes a value, and each mistake a sentence."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from portal.limits.cards import (
    AffordabilityModel,
    AgentCaps,
    AttributeRule,
    Changes,
    Component,
    Discount,
    DiscountBand,
    DownPayment,
    Holiday,
    InterestPolicy,
    LimitsSet,
    NewPlans,
    RateBand,
    ReducedPayment,
    Token,
    Waiver,
    YearDay,
)
from portal.limits.checks import draft
from portal.limits.reading import LimitsError, parse
from portal.limits.segments import segments
from portal.money import Money
from portal.schedules.arrangements import Vesting
from portal.schedules.dates import Frequency
from portal.schedules.pauses import Accrual, Keeps
from tests.rules.limits_factory import some_limits

FOLDER = Path(__file__).parents[2] / "limits"

WHOLE = """
name = "Test"
effective_from = 2026-03-01
[[card]]
name = "All"
frequencies = ["seasonal", "four_weekly", "twice_a_month", "quarterly"]
seasonal_months = [10, 9]
first_payment_within_days = 366
accept_alone_up_to_months = 12
offer_valid_days = 14
[card.when]
[card.when.attributes]
region = ["north", "south"]
"score 2" = { from = 300, to = 499.5 }
[card.least_payment]
amount = 25
hardship_amount = 5
[card.longest_term_months]
standard = 24
hardship = 60
[card.interest]
policy = "contract"
[[card.interest.bands]]
name = "Harvest"
from = "09-01"
to = "10-31"
rate = 8
[[card.interest.bands]]
name = "Flood"
from = 2026-06-01
to = 2026-06-30
rate = 0
[card.down_payment]
least_percent = 20
required_from_days_late = 180
[card.discount]
most_instalments = 3
[[card.discount.bands]]
days_late_from = 90
days_late_to = 179
lump_percent = 15
staged_percent = 10
[[card.discount.bands]]
days_late_from = 180
lump_percent = 30
[card.discount.ceilings]
penalty = 100
interest = 50
[card.waiver]
components = ["interest", "fees"]
vesting = "with_each_payment"
[card.holiday]
most_months_in_12 = 3
most_months_running = 2
payments_between = 4
interest = "simple"
keeps = "instalment"
[card.reduced_payment]
most_months = 6
least_percent = 25
[card.interest_freeze]
most_months = 7
[card.token]
amount = 1
review_after_months = 3
[card.moratorium]
most_days = 90
[card.new_plans]
most_in_12_months = 2
most_in_all = 5
days_after_a_break = 7
[card.changes]
move_days = 10
moves_in_12_months = 2
pay_day_changes_in_12_months = 1
skips_in_12_months = 2
payments_between_skips = 3
[card.decide]
alone_up_to_discount_percent = 10
person_up_to_months = 84
person_up_to_discount_percent = 40
[card.agents]
most_discount_percent = 20
longest_months = 36
[card.keeping]
grace_days = 5
tolerance = 1
[card.affordability]
round_down_to = 1
model = "guidelines"
"""


def problems_of(text: str, currency: str = "USD") -> tuple[str, ...]:
    with pytest.raises(LimitsError) as refused:
        draft(text, currency=currency)
    return refused.value.problems


def test_everything_that_a_card_can_say_is_read_as_it_is_written() -> None:
    (card,) = draft(WHOLE, currency="USD").cards
    assert card.when.attributes == (
        AttributeRule("region", texts=("north", "south")),
        AttributeRule("score 2", number_from=Decimal(300), number_to=Decimal("499.5")),
    )
    assert card.limits == some_limits(
        min_payment=Money.of(25, "USD"),
        hardship_min_payment=Money.of(5, "USD"),
        auto_accept_months=12,
        first_payment_within_days=366,
        frequencies=(Frequency.SEASONAL, Frequency.FOUR_WEEKLY, Frequency.TWICE_A_MONTH, Frequency.QUARTERLY),
        season=(9, 10),
        interest_policy=InterestPolicy.CONTRACT,
        rate_bands=(
            RateBand("Harvest", YearDay(9, 1), YearDay(10, 31), Decimal(8)),
            RateBand("Flood", date(2026, 6, 1), date(2026, 6, 30), Decimal(0)),
        ),
        down_payment=DownPayment(least_bps=2000, required_from_days_late=180),
        discount=Discount(
            bands=(DiscountBand(90, 179, 1500, 1000), DiscountBand(180, None, 3000, 0)),
            ceilings_bps=((Component.PENALTY, 10_000), (Component.INTEREST, 5000)),
            most_instalments=3,
        ),
        waiver=Waiver((Component.INTEREST, Component.FEES), Vesting.WITH_EACH_PAYMENT),
        holiday=Holiday(3, 2, 4, Accrual.SIMPLE, Keeps.INSTALMENT),
        reduced_payment=ReducedPayment(most_months=6, least_bps=2500),
        interest_freeze_months=7,
        token=Token(Money.of(1, "USD"), review_after_months=3),
        moratorium_days=90,
        new_plans=NewPlans(most_in_12_months=2, most_in_all=5, days_after_a_break=7),
        changes=Changes(
            move_days=10,
            moves_in_12_months=2,
            pay_day_changes_in_12_months=1,
            skips_in_12_months=2,
            payments_between_skips=3,
        ),
        auto_accept_discount_bps=1000,
        person_up_to_months=84,
        person_up_to_discount_bps=4000,
        agents=AgentCaps(most_discount_bps=2000, longest_months=36),
        affordability_model=AffordabilityModel.GUIDELINES,
    )


def test_what_a_card_leaves_out_is_not_offered() -> None:
    for card in draft((FOLDER / "standard.toml").read_text("utf-8"), currency="USD").cards:
        limits = card.limits
        nothing = (
            limits.down_payment,
            limits.discount,
            limits.waiver,
            limits.holiday,
            limits.reduced_payment,
            limits.token,
            limits.new_plans,
            limits.changes,
            limits.agents,
            limits.affordability_model,
        )
        assert nothing == (None,) * len(nothing)
        assert (limits.season, limits.rate_bands, card.when.attributes) == ((), (), ())
        assert (limits.interest_freeze_months, limits.moratorium_days, limits.auto_accept_discount_bps) == (0, 0, 0)
        assert (limits.person_up_to_months, limits.person_up_to_discount_bps) == (None, None)


@pytest.mark.parametrize(
    ("name", "currency", "cards"),
    [
        ("standard", "USD", 3),
        ("large-units", "INR", 3),
        ("china-farm", "CNY", 3),
        ("british", "GBP", 3),
        ("demo", "USD", 2),
    ],
)
def test_every_example_is_a_good_draft(name: str, currency: str, cards: int) -> None:
    found = draft((FOLDER / f"{name}.toml").read_text("utf-8"), currency=currency)
    assert isinstance(found, LimitsSet)
    assert len(found.cards) == cards


def test_no_example_is_left_out_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == {"standard", "large-units", "china-farm", "british", "demo"}


@pytest.mark.parametrize(
    ("currency", "amount"), [("JPY", "100"), ("USD", "100.25"), ("KWD", "100.125"), ("CNY", "100.25")]
)
def test_amounts_have_as_many_decimals_as_their_currency(currency: str, amount: str) -> None:
    text = WHOLE.replace("amount = 25\n", f"amount = {amount}\n")
    assert draft(text, currency=currency).cards[0].limits.min_payment == Money.of(amount, currency)
    too_many = WHOLE.replace("amount = 25\n", f"amount = {amount}{'' if '.' in amount else '.'}1\n")
    assert any(f"has more decimals than {currency} has" in problem for problem in problems_of(too_many, currency))


@pytest.mark.parametrize(
    ("day", "contract", "rate"),
    [
        # V-SEA: 10% with 8% in the harvest season, whose first and last day belong to it, in every year.
        (date(2026, 8, 31), "10", "10"),
        (date(2026, 9, 1), "10", "8"),
        (date(2031, 10, 31), "10", "8"),
        (date(2026, 11, 1), "10", "10"),
        (date(2026, 9, 1), "6", "6"),
        (date(2026, 6, 30), "10", "0"),
        (date(2027, 6, 30), "10", "10"),
    ],
)
def test_a_season_has_its_own_rate_and_never_a_higher_one(day: date, contract: str, rate: str) -> None:
    limits = draft(WHOLE, currency="USD").cards[0].limits
    assert limits.plan_rate_on(day, contract_rate=Decimal(contract)) == Decimal(rate)


def test_29_february_as_the_last_day_of_a_season_is_the_end_of_february() -> None:
    band = RateBand("Winter", YearDay(1, 1), YearDay(2, 29), Decimal(1))
    assert [band.covers(date(2027, 2, 28)), band.covers(date(2028, 2, 29)), band.covers(date(2027, 3, 1))] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("days_late", "lump"), [(0, None), (89, None), (90, 1500), (179, 1500), (180, 3000), (9999, 3000)]
)
def test_a_discount_is_that_of_the_lateness(days_late: int, lump: int | None) -> None:
    discount = draft(WHOLE, currency="USD").cards[0].limits.discount
    assert discount is not None
    band = discount.band_for(days_late=days_late)
    assert (band.lump_bps if band else None) == lump
    assert discount.ceiling_bps(Component.INTEREST) == 5000
    assert discount.ceiling_bps(Component.PRINCIPAL) == 0


@pytest.mark.parametrize(
    ("region", "score", "fits"),
    [
        ("north", "300", True),
        ("south", "499.5", True),
        ("North", "300", False),
        ("east", "300", False),
        ("north", "299.99", False),
        ("north", "499.51", False),
        ("north", "1,000", False),
        ("north", "３００", False),
        ("north", "NaN", False),
        ("north", None, False),
        (None, "300", False),
    ],
)
def test_a_card_looks_at_what_the_lenders_file_says(region: str | None, score: str | None, fits: bool) -> None:
    attributes = {key: value for key, value in (("region", region), ("score 2", score)) if value is not None}
    limits = draft(WHOLE, currency="USD")
    assert limits.asks_attributes
    debt = {"balance": Money.of(900, "USD"), "days_late": 5, "product": "card", "attributes": attributes}
    assert (limits.limits_for(**debt) is not None) is fits
    assert bool(limits.cards[0].when.why_not(**debt)) is not fits


def test_why_a_card_does_not_fit_is_said_for_each_thing_that_it_looks_at() -> None:
    text = WHOLE.replace(
        "[card.when]\n",
        '[card.when]\nbalance_from = 100\nbalance_to = 500\ndays_late_from = 30\nproducts = ["card", "loan"]\n',
    )
    (card,) = draft(text, currency="USD").cards
    assert card.when.why_not(
        balance=Money.of(900, "USD"), days_late=5, product="car", attributes={"score 2": "high"}
    ) == (
        "The balance is 900.00 USD; the card is for 100.00 USD to 500.00 USD.",
        "It is 5 days late; the card is for 30 or more.",
        "The product is 'car'; the card is for card, loan.",
        "It has no attribute region; the card is for debts whose region is north or south.",
        "Its score 2 is 'high'; the card is for debts whose score 2 is 300 to 499.5.",
    )


WRONG = [
    ("seasonal_months = [10, 9]", "seasonal_months = [13]", "seasonal_months: [13] is not a list of months"),
    ("seasonal_months = [10, 9]", 'seasonal_months = ["September"]', "is not a list of months from 1 to 12."),
    ('["north", "south"]', "[1]", "when.attributes.region: [1] is not a list of texts, or { from"),
    ('["north", "south"]', "[]", "when.attributes.region: [] is not a list of texts"),
    ('["north", "south"]', '"north"', "when.attributes.region: 'north' is not a list of texts"),
    ("{ from = 300, to = 499.5 }", "{ }", "when.attributes.score 2: has neither from nor to."),
    ("{ from = 300, to = 499.5 }", '{ from = "low" }', "score 2.from: 'low' is not a number"),
    (
        "{ from = 300, to = 499.5 }",
        "{ form = 300 }",
        "score 2.form: this key is not known here. Known are: from, to.",
    ),
    ('from = "09-01"', 'from = "02-30"', "band \"Harvest\": from: '02-30' is not a day of a year"),
    ('from = "09-01"', 'from = "13-01"', "is not a day of a year"),
    ('from = "09-01"', 'from = "9-1"', "is not a day of a year"),
    ('from = "09-01"', "from = 2026-09-01", 'band "Harvest": to: and from must both be days of a year'),
    ("rate = 8", "rate = -1", "rate: -1 is out of bounds; it must be from 0 to 1000 percent."),
    ("rate = 8", "", 'interest.band "Harvest": rate: is missing'),
    ("least_percent = 20", "least_percent = 101", "down_payment.least_percent: 101 is out of bounds"),
    ("least_percent = 20", "", "down_payment.least_percent: is missing; write a percentage"),
    ("lump_percent = 15", "lump_percent = -15", "bands 1: lump_percent: -15 is out of bounds"),
    (
        "lump_percent = 15",
        "lump_percent = 200",
        "bands 1: lump_percent: 200 is out of bounds; it must be from 0 to 100",
    ),
    ("lump_percent = 15", "", "discount.bands 1: lump_percent: is missing"),
    ("days_late_from = 90", "days_late_from = -1", "bands 1: days_late_from: -1 is out of bounds"),
    (
        "penalty = 100",
        "penalties = 100",
        "discount.ceilings.penalties: this key is not known here. Known are: costs, fees",
    ),
    (
        "[card.discount.ceilings]\npenalty = 100\ninterest = 50\n",
        "",
        "discount.ceilings: is missing; write a table [card.discount.ceilings].",
    ),
    ("most_instalments = 3", "staged_above_lump = 1", "staged_above_lump: 1 is not true or false."),
    (
        '["interest", "fees"]',
        '["everything"]',
        "waiver.components: ['everything'] is not a list of one or more of: penalty",
    ),
    (
        'vesting = "with_each_payment"',
        'vesting = "never"',
        "waiver.vesting: 'never' is not one of: on_last_payment, with_each_payment.",
    ),
    (
        'interest = "simple"',
        'interest = "double"',
        "holiday.interest: 'double' is not one of: frozen, simple, compound.",
    ),
    (
        'keeps = "instalment"',
        "",
        "holiday.keeps: is missing; write one of: term, instalment.",
    ),
    ("most_months_in_12 = 3", "most_months_in_12 = 13", "holiday.most_months_in_12: 13 is out of bounds"),
    ("most_months = 6\n", "most_months = 0\n", "reduced_payment.most_months: 0 is out of bounds"),
    ("most_months = 7", "most_months = 0", "interest_freeze.most_months: 0 is out of bounds"),
    ("amount = 1\n", "amount = 0\n", "token.amount: must be above zero."),
    ("review_after_months = 3", "review_after_months = 13", "token.review_after_months: 13 is out of bounds"),
    ('"guidelines"', '"guess"', "affordability.model: 'guess' is not one of: guidelines, standards, floor."),
    ("most_days = 90", "most_days = 0", "moratorium.most_days: 0 is out of bounds"),
    ("most_in_all = 5", "", "new_plans.most_in_all: is missing"),
    ("person_up_to_months = 84", "person_up_to_months = 0", "decide.person_up_to_months: 0 is out of bounds"),
    ("longest_months = 36", "longest_month = 36", "agents.longest_month: this key is not known here"),
    (
        "[card.token]",
        "[card.tokens]",
        "tokens: this key is not known here. Known are: accept_alone_up_to_months, affordability",
    ),
]


@pytest.mark.parametrize(("old", "new", "says"), WRONG)
def test_what_is_wrong_is_said_in_a_sentence_that_names_the_key(old: str, new: str, says: str) -> None:
    assert WHOLE.count(old) >= 1
    problems = problems_of(WHOLE.replace(old, new, 1))
    assert any(says in problem for problem in problems), problems
    assert all(problem.startswith('card "All": ') and problem.endswith(".") for problem in problems)


def test_a_table_is_not_a_number() -> None:
    without = WHOLE.replace("[card.token]\namount = 1\nreview_after_months = 3\n", "")
    problems = problems_of(without.replace("[card.when]\n", "token = 1\n[card.when]\n"))
    assert problems == ('card "All": token: 1 is not a table.',)


@pytest.mark.parametrize(
    ("attribute", "about"),
    [
        ("age", "age"),
        ("customer_age", "age"),
        ("AgeBand", "age"),
        ("dob", "age"),
        ("年龄段", "age"),
        ("Gender", "gender"),
        ("SEX", "gender"),
        ("性别", "gender"),
        ("religion", "religion"),
        ("宗教信仰", "religion"),
        ("ethnic group", "ethnicity"),
        ("民族", "ethnicity"),
        ("health-flag", "health"),
        ("isDisabled", "health"),
        ("健康状况", "health"),
        ("vulnerability", "vulnerability"),
        ("is_vulnerable", "vulnerability"),
        ("弱势群体", "vulnerability"),
    ],
)
def test_no_card_may_look_at_what_may_not_lower_an_offer(attribute: str, about: str) -> None:
    (problem,) = problems_of(WHOLE.replace("region =", f'"{attribute}" ='))
    assert problem.startswith(
        f'card "All": when.attributes.{attribute}: this looks at {about}, and nobody may be offered'
    )


@pytest.mark.parametrize("attribute", ["mileage", "agency", "Sussex", "branch", "grace", "package", "score", "健身"])
def test_a_word_that_only_looks_like_one_of_those_is_no_hindrance(attribute: str) -> None:
    assert [segment.name for segment in segments() if segment.is_named_by(attribute)] == []


def test_a_version_that_was_loaded_once_is_read_whatever_is_checked_today() -> None:
    contradictory = WHOLE.replace("hardship = 60", "hardship = 12")
    assert problems_of(contradictory)
    assert parse(contradictory, currency="USD").cards[0].limits.hardship_max_term_months == 12
