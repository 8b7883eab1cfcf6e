"""Affordability: budgets with ranges, three models, standards from tables, and what may be asked for."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.affordability.budget import (
    COSTS,
    FLEXIBLE,
    INCOME,
    BadBudget,
    Budget,
    Every,
    Evidence,
    Group,
    Household,
    Line,
    monthly,
)
from portal.affordability.standards import BadStandards, ByHousehold, Standards, parse, standards_for, table
from portal.affordability.surplus import (
    MODELS,
    NeedsStandards,
    Surplus,
    UnknownModel,
    What,
    Why,
    affordable,
    model_of,
    share_across,
    with_floor,
    with_guidelines,
    with_standards,
)
from portal.money import CannotDivide, CurrencyMismatch, Money, level, total

bounded = settings(max_examples=75, deadline=None)
few = settings(max_examples=60, deadline=None)  # A budget with its table is drawn slowly.


def usd(text: str) -> Money:
    return Money.of(text, "USD")


def lines(**amounts: str) -> tuple[Line, ...]:
    return tuple(Line(Group[name.upper()], usd(amount)) for name, amount in amounts.items())


def flat(text: str) -> ByHousehold:
    return ByHousehold((usd(text),), usd("0"))


def some_standards(**changes: object) -> Standards:
    values: dict = {
        "name": "made up",
        "jurisdiction": "XX",
        "currency": "USD",
        "effective_from": date(2026, 1, 1),
        "benchmark_only": False,
        "tag": "R",
        "source": "made up",
        **changes,
    }
    return Standards(**values)


def counted(found: Surplus, what: What) -> Money:
    return total((line.counted for line in found.trace if line.what is what), currency="USD")


SAVINGS = {"savings_bps": 1000, "savings_most": usd("20.00")}


def test_a_budget_puts_a_tenth_by_but_not_more_than_the_most() -> None:
    """V-AFF-1: 1,650.00 less 1,372.00 is 278.00; savings are min(20.00, 27.80); 258.00 is left."""
    budget = Budget("USD", lines(earnings="1650.00", home="900.00", food="472.00"))
    found = with_guidelines(budget=budget, standards=some_standards(**SAVINGS))
    assert (found.amount, counted(found, What.SAVINGS)) == (usd("258.00"), usd("-20.00"))
    assert (found.questions, found.evidence) == ((), Evidence.DECLARED)


def test_nothing_is_put_by_where_costs_are_higher_than_income() -> None:
    budget = Budget("USD", lines(earnings="900.00", home="920.00"))
    found = with_guidelines(budget=budget, standards=some_standards(**SAVINGS))
    assert (found.amount, counted(found, What.SAVINGS)) == (usd("-20.00"), usd("0"))


def test_standards_are_allowed_in_full_and_local_ones_up_to_what_is_spent() -> None:
    """V-AFF-2: one person with 3,200 keeps 557, by the national standard that comes with the portal."""
    ours = standards_for(jurisdiction="US", on=date(2026, 5, 4))
    assert ours is not None
    local = {Group.HOME: flat("1300"), Group.TRANSPORT: flat("500")}
    budget = Budget("USD", lines(earnings="3200", home="1450", transport="420", health="84"))
    found = with_standards(budget=budget, standards=replace(ours, local=local))
    assert (found.amount, found.benchmark_only) == (usd("557"), True)
    (question,) = found.questions
    assert (question.why, question.group, question.stated) == (Why.ABOVE_STANDARD, Group.HOME, usd("1450"))
    assert (question.usual, counted(found, What.STANDARD)) == (usd("1300"), usd("-839"))

    given_a_reason = replace(budget, explained=frozenset({Group.HOME}))
    found = with_standards(budget=given_a_reason, standards=replace(ours, local=local))
    assert (found.amount, found.questions) == (usd("407"), ())


def test_living_costs_above_the_national_standard_count_once_a_reason_is_given() -> None:
    budget = Budget("USD", lines(earnings="3000", food="800", leisure="200"))
    table = some_standards(national=flat("839"))
    found = with_standards(budget=budget, standards=table)
    assert (found.amount, [each.why for each in found.questions]) == (usd("2161"), [Why.ABOVE_STANDARD])
    found = with_standards(budget=replace(budget, explained=frozenset({Group.FOOD})), standards=table)
    assert (found.amount, found.questions) == (usd("2000"), ())


@pytest.mark.parametrize(
    ("essentials", "left"),
    [("1100", "750"), ("400", "950"), ("900", "950")],
)
def test_what_is_needed_to_live_is_kept_even_where_less_is_stated(essentials: str, left: str) -> None:
    budget = Budget("USD", lines(earnings="2000", home=essentials, priority_debts="150"))
    found = with_floor(budget=budget, standards=some_standards(floor=flat("900")))
    assert (found.amount, counted(found, What.FLOOR)) == (usd(left), usd("-900"))


def test_above_a_guideline_one_reason_is_asked_and_nothing_is_cut() -> None:
    guidelines = {Group.FOOD: ByHousehold((usd("300"), usd("450")), usd("100"), each_child=usd("50"))}
    table = some_standards(guidelines=guidelines)
    two_and_a_child = Household(adults=2, children=1)
    budget = Budget("USD", lines(earnings="2000", food="500.01", home="700"), household=two_and_a_child)
    found = with_guidelines(budget=budget, standards=table)
    (question,) = found.questions
    assert (question.why, question.group, question.usual) == (Why.ABOVE_GUIDELINE, Group.FOOD, usd("500"))
    assert found.amount == usd("799.99")

    with_a_reason = with_guidelines(budget=replace(budget, explained=frozenset({Group.FOOD})), standards=table)
    assert (with_a_reason.amount, with_a_reason.questions) == (found.amount, ())
    at_the_guideline = replace(budget, lines=lines(earnings="2000", food="500.00"))
    assert with_guidelines(budget=at_the_guideline, standards=table).questions == ()
    assert with_guidelines(budget=budget, standards=None).questions == ()


def test_a_range_counts_by_its_careful_end_and_is_asked_about_only_where_it_decides() -> None:
    wide = (Line(Group.EARNINGS, usd("200"), Every.WEEK, high=usd("300")), Line(Group.HOME, usd("900")))
    found = with_guidelines(budget=Budget("USD", wide), standards=None)
    assert (found.amount, found.up_to) == (usd("-33.33"), usd("400.00"))
    assert [(each.why, each.group) for each in found.questions] == [(Why.RANGE_DECIDES, None)]
    just_nothing = (*wide, Line(Group.BENEFITS, usd("33.33")))
    assert with_guidelines(budget=Budget("USD", just_nothing), standards=None).questions != ()
    enough = (*wide, Line(Group.BENEFITS, usd("50")))
    assert with_guidelines(budget=Budget("USD", enough), standards=None).questions == ()


def test_the_weakest_evidence_is_that_of_the_whole() -> None:
    sure = Line(Group.EARNINGS, usd("2000"), evidence=Evidence.OPEN_BANKING)
    seen = Line(Group.HOME, usd("900"), evidence=Evidence.DOCUMENTED)
    assert with_guidelines(budget=Budget("USD", (sure, seen)), standards=None).evidence is Evidence.DOCUMENTED
    assert Budget("USD", (sure,)).evidence is Evidence.OPEN_BANKING
    assert Budget("USD", (sure, *lines(food="300"))).evidence is Evidence.DECLARED
    assert Budget("USD", ()).evidence is Evidence.DECLARED


def test_a_model_is_found_by_the_name_in_the_limits() -> None:
    assert {name: model_of(name) for name in ("guidelines", "standards", "floor")} == dict(MODELS)
    with pytest.raises(UnknownModel) as refused:
        model_of("sfs")
    assert refused.value.args == ("sfs", ("guidelines", "standards", "floor"))


@pytest.mark.parametrize(
    ("amount", "every", "a_month"),
    [
        ("120.00", Every.WEEK, "520.00"),
        ("310.00", Every.FORTNIGHT, "671.67"),
        ("850.00", Every.FOUR_WEEKS, "920.83"),
        ("33.33", Every.MONTH, "33.33"),
        ("100.00", Every.YEAR, "8.33"),
    ],
)
def test_conversions_to_a_month(amount: str, every: Every, a_month: str) -> None:
    """V-AFF-3."""
    assert monthly(amount=usd(amount), every=every) == usd(a_month)


@pytest.mark.parametrize(
    ("surplus", "balances", "parts"),
    [
        ("180.00", ("3600", "1200", "7200"), ("54.00", "18.00", "108.00")),
        ("100.00", ("500", "500", "500"), ("33.34", "33.33", "33.33")),
        ("-5.00", ("500", "500"), ("0", "0")),
    ],
)
def test_a_surplus_is_shared_by_what_is_owed(surplus: str, balances: tuple, parts: tuple) -> None:
    """V-AFF-4."""
    found = share_across(surplus=usd(surplus), balances=[usd(each) for each in balances])
    assert found == tuple(usd(each) for each in parts)


def test_a_cushion_is_kept_and_the_rest_rounded_down() -> None:
    assert affordable(surplus=usd("180.00"), cushion_bps=1000, step=usd("1")) == usd("162.00")
    assert affordable(surplus=usd("1.10"), cushion_bps=1000, step=usd("1")) == usd("0")
    assert affordable(surplus=usd("-20"), cushion_bps=0, step=usd("1")) == usd("0")


@bounded
@given(surplus=st.integers(-1000, 10**7), cushion=st.integers(0, 10_000), step=st.integers(1, 5000))
def test_never_more_is_asked_for_than_is_left_over(surplus: int, cushion: int, step: int) -> None:
    found = affordable(surplus=Money(surplus, "JPY"), cushion_bps=cushion, step=Money(step, "JPY"))
    assert 0 <= found.minor <= max(0, surplus * (10_000 - cushion) / 10_000)
    assert found.minor % step == 0


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(CannotDivide):
        affordable(surplus=usd("5"), cushion_bps=0, step=usd("0"))
    with pytest.raises(CannotDivide):
        share_across(surplus=usd("5"), balances=[])
    with pytest.raises(CurrencyMismatch):
        share_across(surplus=usd("5"), balances=[Money(5, "EUR")])
    with pytest.raises(CurrencyMismatch):
        affordable(surplus=usd("5"), cushion_bps=0, step=Money(1, "EUR"))
    with pytest.raises(BadBudget):
        Line(Group.FOOD, usd("-1"))
    with pytest.raises(BadBudget):
        Line(Group.FOOD, usd("2"), high=usd("1"))
    with pytest.raises(CurrencyMismatch):
        Line(Group.FOOD, usd("2"), high=Money(500, "EUR"))
    with pytest.raises(CurrencyMismatch):
        Budget("EUR", lines(food="1"))
    with pytest.raises(BadBudget):
        Household(adults=0)
    budget = Budget("USD", ())
    for model in (with_standards, with_floor):
        for missing in (None, some_standards()):
            with pytest.raises(NeedsStandards):
                model(budget=budget, standards=missing)
    with pytest.raises(CurrencyMismatch):
        with_guidelines(budget=Budget("EUR", ()), standards=some_standards())


def test_instalments_of_a_settlement() -> None:
    """V-SET-3 and V-SET-4: 8,500.00 in 3; and 1,700.00 down with four of 1,700.00."""
    assert level(usd("8500.00"), 3) == (usd("2833.34"), usd("2833.34"), usd("2833.32"))
    assert level(usd("8500.00") - usd("1700.00"), 4) == (usd("1700.00"),) * 4


@pytest.mark.parametrize(
    ("adults", "children", "amount"), [(1, 0, "839"), (2, 0, "1481"), (1, 2, "1753"), (2, 2, "2129"), (2, 3, "2523")]
)
def test_national_standards_of_the_usa_by_how_many_live_together(adults: int, children: int, amount: str) -> None:
    (ours,) = table()
    assert ours.national is not None and ours.national.of(Household(adults, children)) == usd(amount)
    assert (ours.benchmark_only, ours.tag) == (True, "S")


def test_a_table_holds_in_its_country_from_its_day_on() -> None:
    assert standards_for(jurisdiction="US-CA", on=date(2025, 4, 21)) == table()[0]
    assert standards_for(jurisdiction="US", on=date(2025, 4, 20)) is None
    assert standards_for(jurisdiction="GB", on=date(2026, 5, 4)) is None
    newer = replace(table()[0], effective_from=date(2026, 4, 21))
    assert standards_for(jurisdiction="US", on=date(2026, 5, 4), rows=(newer, *table())) == newer
    assert standards_for(jurisdiction="US", on=date(2026, 4, 20), rows=(newer, *table())) == table()[0]


LICENSED = """
[[standards]]
name = "A lender's own"
jurisdiction = "GB"
currency = "GBP"
effective_from = 2026-04-06
use = "decide"
tag = "P"
source = "made up for this test"
savings_percent = 10
savings_most = 20
[standards.guideline.food]
by_persons = [100.50, 150]
each_more = 40
each_child = 30
[standards.floor]
by_persons = [600]
"""


def test_a_lender_can_bring_its_own_table() -> None:
    (found,) = parse(LICENSED)
    assert found.guidelines[Group.FOOD].of(Household(3, 2)) == Money.of("250.00", "GBP")
    assert (found.savings_bps, found.savings_most, found.benchmark_only) == (1000, Money.of(20, "GBP"), False)
    assert found.floor is not None and found.floor.of(Household(4, 1)) == Money.of(600, "GBP")


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ('use = "decide"', 'use = "perhaps"'),
        ('tag = "P"', 'tag = "Q"'),
        ('source = "made up for this test"', 'source = ""'),
        ("savings_most = 20", "savings_most = 20\nsaving = 1"),
        ("savings_percent = 10", "savings_percent = 101"),
        ("guideline.food", "guideline.home"),
        ("by_persons = [100.50, 150]", "by_persons = []"),
        ("each_child = 30", "each_child = -30"),
        ("[[standards]]", LICENSED + "[[standards]]"),
    ],
)
def test_a_table_that_cannot_be_is_refused(written: str, wrong: str) -> None:
    assert written in LICENSED
    with pytest.raises(BadStandards):
        parse(LICENSED.replace(written, wrong))


@st.composite
def budgets(draw: st.DrawFn) -> Budget:
    currency = draw(st.sampled_from(["JPY", "USD", "KWD"]))

    def line() -> Line:
        low = draw(st.integers(0, 10**7))
        high = draw(st.none() | st.integers(low, 2 * 10**7))
        return Line(
            group=draw(st.sampled_from(list(Group))),
            low=Money(low, currency),
            every=draw(st.sampled_from(Every)),
            high=None if high is None else Money(high, currency),
        )

    return Budget(
        currency=currency,
        lines=tuple(line() for _ in range(draw(st.integers(0, 8)))),
        household=Household(draw(st.integers(1, 4)), draw(st.integers(0, 4))),
        explained=frozenset(draw(st.sets(st.sampled_from(COSTS)))),
    )


@st.composite
def tables(draw: st.DrawFn, currency: str) -> Standards:
    def amounts() -> ByHousehold:
        figures = st.integers(0, 10**7).map(lambda minor: Money(minor, currency))
        listed = draw(st.lists(figures, min_size=1, max_size=4))
        return ByHousehold(tuple(listed), draw(figures), draw(st.none() | figures))

    return some_standards(
        currency=currency,
        guidelines={group: amounts() for group in FLEXIBLE},
        national=amounts(),
        local={Group.HOME: amounts(), Group.TRANSPORT: amounts()},
        floor=amounts(),
        savings_bps=draw(st.integers(0, 10_000)),
        savings_most=draw(st.none() | st.integers(0, 10**6).map(lambda minor: Money(minor, currency))),
    )


@few
@given(data=st.data(), name=st.sampled_from(sorted(MODELS)))
def test_what_is_counted_sums_to_the_surplus_and_more_income_never_lowers_it(data: st.DataObject, name: str) -> None:
    budget = data.draw(budgets())
    table = data.draw(tables(budget.currency))
    found = model_of(name)(budget=budget, standards=table)
    assert total((line.counted for line in found.trace), currency=budget.currency) == found.amount
    assert found.amount <= found.up_to
    raised = Line(
        data.draw(st.sampled_from(sorted(INCOME, key=str))), Money(data.draw(st.integers(0, 10**6)), budget.currency)
    )
    richer = model_of(name)(budget=replace(budget, lines=(*budget.lines, raised)), standards=table)
    assert richer.amount >= found.amount


@few
@given(data=st.data(), name=st.sampled_from(sorted(MODELS)))
def test_no_cost_is_counted_below_what_is_stated_unless_a_question_says_so(data: st.DataObject, name: str) -> None:
    budget = data.draw(budgets())
    found = model_of(name)(budget=budget, standards=data.draw(tables(budget.currency)))
    not_costs = (What.INCOME, What.SAVINGS)
    zero = Money.zero(budget.currency)
    allowed = -total((line.counted for line in found.trace if line.what not in not_costs), currency=budget.currency)
    cut = [each for each in found.questions if each.why is Why.ABOVE_STANDARD]
    cut_by = total((max(each.stated - each.usual, zero) for each in cut), currency=budget.currency)
    assert allowed + cut_by >= budget.most(COSTS)
    if not cut:
        assert found.amount <= budget.least(INCOME) - budget.most(COSTS)
    assert not {each.group for each in found.questions} & budget.explained


@bounded
@given(
    surplus=st.integers(-(10**6), 10**9),
    balances=st.lists(st.integers(0, 10**9), min_size=1, max_size=12).filter(any),
    currency=st.sampled_from(["JPY", "USD", "KWD"]),
)
def test_parts_of_several_debts_add_up(surplus: int, balances: list[int], currency: str) -> None:
    parts = share_across(surplus=Money(surplus, currency), balances=[Money(each, currency) for each in balances])
    assert total(parts, currency=currency).minor == max(surplus, 0)
    for part, balance in zip(parts, balances, strict=True):
        assert abs(part.minor - max(surplus, 0) * balance / sum(balances)) < 1.001
