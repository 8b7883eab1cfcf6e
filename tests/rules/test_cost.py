"""What is shown before agreeing: costs, annual rates by each method, what a missed payment does, notices."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.interest import DayCount, months_later
from portal.money import Money, share, total
from portal.plans.states import Keeping, standing
from portal.schedules.cost import Consequence, DoesNotAddUp, Flag, KeyFacts, NoRateBecause, key_facts
from portal.schedules.notices import BadNotices, Code, Law, Method, Tag, law_of, parse, table
from portal.schedules.schedule import Frequency, Item, Schedule, by_count, due_dates, periodic_rate
from tests.rules.finance_vectors import named, vectors

TODAY = date(2026, 5, 4)
# The laws as they are, as if they had always held: the official examples are of other years.
ALWAYS = tuple(replace(law, effective_from=date(1900, 1, 1)) for law in table())
NAMES = {12: "monthly", 52: "weekly", 26: "fortnightly", 13: "four_weekly"}
OFFERED = {each.value: each for each in Frequency}
few = settings(max_examples=40, deadline=None)


def usd(text: str) -> Money:
    return Money.of(text, "USD")


def a_schedule(balance: Money, payments: Sequence[tuple[date, Money]], frequency: Frequency) -> Schedule:
    """Return a plan of any payments, each repaying its part of the balance."""
    principals = share(balance, [amount.minor for _on, amount in payments])
    return Schedule(
        items=tuple(
            Item(seq=seq, due_on=on, amount=amount, principal=principal, interest=amount - principal)
            for seq, ((on, amount), principal) in enumerate(zip(payments, principals, strict=True), start=1)
        ),
        frequency=frequency,
    )


def facts(schedule: Schedule, balance: Money, **changes: object) -> KeyFacts:
    values: dict = {
        "bearing": balance,
        "today": TODAY,
        "contract_rate": Decimal(18),
        "plan_rate": Decimal(0),
        "day_count": DayCount.ACT_365F,
        "jurisdiction": "US",
        "grace_days": 5,
        "cure_days": 30,
        "laws": ALWAYS,
        **changes,
    }
    return key_facts(schedule=schedule, balance=balance, **values)


def frozen(balance: str = "900.00", count: int = 3) -> Schedule:
    return by_count(
        balance=usd(balance), rate=Fraction(0), count=count, first=date(2026, 6, 1), frequency=Frequency.MONTHLY
    )


def percent(found: KeyFacts, method: Method) -> Decimal:
    rate = found.rate(method)
    assert rate is not None
    return rate.percent


# Payments every two months, as in Z11, are not offered.
@pytest.mark.parametrize(
    "vector",
    [each for each in vectors("apr_regz") if NAMES.get(each["input"]["unit_periods_per_year"]) in OFFERED],
    ids=named,
)
def test_annual_rate_of_regulation_z_by_the_dates_of_a_plan(vector: dict) -> None:
    given_ = vector["input"]
    frequency = OFFERED[NAMES[given_["unit_periods_per_year"]]]
    amounts = [Money.of(Decimal(amount), "USD") for amount, times in given_["payments"] for _ in range(times)]
    dates = due_dates(first=date.fromisoformat(given_["first_payment"]), frequency=frequency, count=len(amounts))
    advance = usd(str(given_["advance"]))
    schedule = a_schedule(advance, list(zip(dates, amounts, strict=True)), frequency)
    found = facts(schedule, advance, today=date.fromisoformat(given_["advance_date"]))
    assert abs(percent(found, Method.REG_Z) - vector["expect"]["exact"]) < Decimal("0.000001")
    assert [each.stated for each in found.rates] == [Decimal(str(vector["expect"]["apr"])).quantize(Decimal("0.01"))]


@pytest.mark.parametrize(
    ("advance", "payment", "times", "exact", "stated"),
    [("500", "270", 2, "85.585078", "85.6"), ("1000", "172.55", 6, "12.686191", "12.7")],
)
@pytest.mark.parametrize("jurisdiction", ["DE", "FR", "GB", "IE"])
def test_annual_rate_of_the_eu_counts_whole_months(
    jurisdiction: str, advance: str, payment: str, times: int, exact: str, stated: str
) -> None:
    """EU-3 and EU-1: days divided by 365 would give 84.63%."""
    dates = [months_later(TODAY, at) for at in range(1, times + 1)]
    schedule = a_schedule(usd(advance), [(on, usd(payment)) for on in dates], Frequency.MONTHLY)
    (rate,) = facts(schedule, usd(advance), jurisdiction=jurisdiction).rates
    assert (rate.method, rate.stated) == (Method.EU, Decimal(stated))
    assert abs(rate.percent - Decimal(exact)) < Decimal("0.000001")


@pytest.mark.parametrize("jurisdiction", ["CN", "US", "XX"])
def test_what_a_fee_plan_says_of_itself_stands_beside_what_it_costs(jurisdiction: str) -> None:
    """V-IRR: 12,000 in 12 of 1,000 with a fee of 72 is advertised as 7.2% and is 13.0342%, or 13.8418% compounded."""
    schedule = Schedule(
        items=tuple(
            Item(at, months_later(TODAY, at), usd("1072"), principal=usd("1000"), interest=usd("0"))
            for at in range(1, 13)
        ),
        frequency=Frequency.MONTHLY,
    )
    found = facts(
        schedule, usd("12000"), jurisdiction=jurisdiction, contract_rate=Decimal(0), advertised=Decimal("7.2")
    )
    (vector,) = vectors("irr")
    assert abs(percent(found, Method.IRR_NOMINAL) - vector["expect"]["nominal_pct"]) < Decimal("0.00005")
    assert abs(percent(found, Method.IRR_EFFECTIVE) - vector["expect"]["effective_pct"]) < Decimal("0.00005")
    assert (found.advertised, found.fees, found.interest) == (Decimal("7.2"), usd("864"), usd("0"))
    assert (found.against_today, found.if_nothing, found.no_rate) == (usd("864"), None, None)
    assert (found.rate(Method.REG_Z) is None) == (jurisdiction != "US")


@pytest.mark.parametrize(
    ("due_on", "amount", "expect"),
    [
        (date(2026, 11, 4), "1100", "20"),  # Six months: 10% for a term of which a year has two.
        (date(2026, 7, 16), "1100", "50"),  # 73 days, of which 365 has five.
        (date(2028, 5, 4), "1210", "10"),  # Two years of 10%.
        (date(2027, 11, 4), "1155", "10"),  # (1 + 10%) and half of 10%.
        (date(2027, 7, 16), "1122", "10"),  # (1 + 10%) and 73 of 365 days of 10%.
    ],
)
def test_annual_rate_of_regulation_z_of_one_payment(due_on: date, amount: str, expect: str) -> None:
    schedule = a_schedule(usd("1000"), [(due_on, usd(amount))], Frequency.MONTHLY)
    assert abs(percent(facts(schedule, usd("1000")), Method.REG_Z) - Decimal(expect)) < Decimal("1E-9")


def test_doing_nothing_costs_the_contracts_interest_for_the_same_time() -> None:
    """V-ACC: 10,000.00 at 18% act/365 for 30 days is 147.95; only what bears interest counts."""
    one = by_count(balance=usd("10500"), rate=Fraction(0), count=1, first=date(2026, 5, 1), frequency=Frequency.MONTHLY)
    found = facts(one, usd("10500"), bearing=usd("10000"), today=date(2026, 4, 1))
    assert found.if_nothing is not None and found.if_nothing.interest == usd("147.95")
    assert (found.if_nothing.owed, found.if_nothing.until) == (usd("10647.95"), date(2026, 5, 1))
    assert (found.against_nothing, found.against_today) == (usd("-147.95"), usd("0"))


@pytest.mark.parametrize("changes", [{"contract_rate": Decimal(0)}, {"bearing": usd("0")}])
def test_where_no_interest_runs_nothing_is_compared_and_no_rate_is_made_up(changes: dict) -> None:
    found = facts(frozen(), usd("900.00"), **changes)
    assert (found.if_nothing, found.against_nothing, found.rates) == (None, None, ())
    assert found.no_rate is NoRateBecause.BEARS_NO_INTEREST
    assert Consequence.CONTRACT_INTEREST_RESUMES not in found.if_missed


def test_a_frozen_plan_on_a_debt_with_interest_has_a_rate_and_it_is_zero() -> None:
    for jurisdiction in ("US", "GB", "CN"):
        found = facts(frozen(), usd("900.00"), jurisdiction=jurisdiction)
        assert found.rates and {rate.percent for rate in found.rates} == {0}
        assert (found.no_rate, found.against_today) == (None, usd("0"))


def test_a_missed_payment_is_kept_up_to_the_grace_day_and_cured_up_to_the_cure_day() -> None:
    """1 June and 5 days of grace; 30 days more to make up for it. The plan itself is judged by the same days."""
    found = facts(frozen(), usd("900.00"))
    first = found.payments[0]
    assert (first.kept_until, first.cure_by) == (date(2026, 6, 6), date(2026, 7, 6))
    judged = {
        day: standing(frozen().items, [], today=day, grace_days=5, cure_days=30, tolerance=usd("0"))
        for day in (first.kept_until, first.kept_until + timedelta(days=1))
    }
    assert [each.keeping for each in judged.values()] == [Keeping.GRACE, Keeping.AT_RISK]
    assert judged[date(2026, 6, 7)].cure_by == first.cure_by
    assert found.if_missed == (Consequence.AT_RISK, Consequence.BROKEN, Consequence.CONTRACT_INTEREST_RESUMES)
    at_contract_rate = facts(frozen(), usd("900.00"), plan_rate=Decimal(18))
    assert Consequence.CONTRACT_INTEREST_RESUMES not in at_contract_rate.if_missed


def test_a_waiver_stands_with_the_payment_that_brings_it_and_ends_if_one_is_missed() -> None:
    """V-SET-3: 10,000.00 settled for 8,500.00 in 3."""
    settled = frozen("8500.00")
    last = settled.ends_on
    found = facts(settled, usd("10000.00"), waived=[(last, usd("1500.00"))])
    assert [each.amount for each in found.payments] == [usd("2833.34"), usd("2833.34"), usd("2833.32")]
    assert [each.waived for each in found.payments] == [usd("0"), usd("0"), usd("1500.00")]
    assert (found.against_today, found.waived, found.left) == (usd("-1500.00"), usd("1500.00"), usd("0"))
    assert found.if_missed[-1] is Consequence.WAIVER_ENDS
    assert [rate.percent for rate in found.rates] == [0]
    assert {each.code for each in found.notices} == {
        Code.FIRST_DELINQUENCY_STAYS,
        Code.REPORTED_PAID_FOR_LESS,
        Code.LET_OFF_MAY_BE_INCOME,
    }


def test_what_a_plan_of_small_payments_leaves_is_said() -> None:
    found = facts(frozen("30.00"), usd("900.00"))
    assert (found.total, found.left, found.against_today) == (usd("30.00"), usd("870.00"), usd("0"))
    assert [rate.percent for rate in found.rates] == [0]


def test_what_does_not_add_up_is_refused() -> None:
    with pytest.raises(DoesNotAddUp):
        facts(frozen(), usd("899.99"))
    with pytest.raises(DoesNotAddUp):
        facts(frozen(), usd("1000.00"), waived=[(frozen().ends_on, usd("100.01"))])
    with pytest.raises(DoesNotAddUp):
        facts(frozen(), usd("1000.00"), waived=[(TODAY, usd("100.00"))])
    with pytest.raises(ValueError, match="2027"):
        facts(frozen(), usd("900.00"), today=date(2027, 1, 1))


def test_a_plan_that_costs_something_and_is_all_paid_today_has_no_rate() -> None:
    now = a_schedule(usd("900"), [(TODAY, usd("910"))], Frequency.MONTHLY)
    for jurisdiction in ("US", "GB", "CN"):
        assert facts(now, usd("900"), jurisdiction=jurisdiction).no_rate is NoRateBecause.NOT_COMPUTABLE


def test_of_an_unknown_jurisdiction_nothing_is_made_up() -> None:
    found = facts(frozen(), usd("900.00"), jurisdiction="XX", time_barred=True)
    assert (found.notices, found.rates, found.flags) == ((), (), {Flag.UNKNOWN_JURISDICTION})
    assert found.no_rate is NoRateBecause.UNKNOWN_JURISDICTION
    before_the_first_law = facts(frozen(), usd("900.00"), laws=())
    assert before_the_first_law.flags == {Flag.UNKNOWN_JURISDICTION}


def test_agreeing_in_china_restarts_the_limitation_period_from_the_last_due_date() -> None:
    """V-TIME: the last instalment is due on 30 June 2027, and the period ends on 30 June 2030."""
    plan = by_count(
        balance=usd("900.00"), rate=Fraction(0), count=2, first=date(2027, 5, 30), frequency=Frequency.MONTHLY
    )
    plan = Schedule((plan.items[0], replace(plan.items[1], due_on=date(2027, 6, 30))), plan.frequency)
    by_code = {each.code: each for each in facts(plan, usd("900.00"), jurisdiction="CN").notices}
    assert set(by_code) == {Code.NEGATIVE_RECORD_YEARS, Code.LIMITATION_RESTARTS}
    restarts = by_code[Code.LIMITATION_RESTARTS]
    assert (restarts.years, restarts.until, restarts.tag) == (3, date(2030, 6, 30), Tag.PRIMARY)
    assert by_code[Code.NEGATIVE_RECORD_YEARS].until is None
    over = facts(plan, usd("900.00"), jurisdiction="CN", time_barred=True)
    assert Code.TIME_BARRED_REVIVED in {each.code for each in over.notices}


@pytest.mark.parametrize(
    ("jurisdiction", "said", "held_back"),
    [
        ("US-CA", {Code.FIRST_DELINQUENCY_STAYS, Code.TIME_BARRED_NO_SUIT, Code.MAY_RESTART_LIMITATION}, ()),
        ("GB", {Code.ARRANGEMENT_MARKER, Code.DEFAULT_DATE_STAYS}, (Code.TIME_BARRED_NO_SUIT,)),
        ("DE", set(), ()),
    ],
)
def test_what_is_only_known_from_memory_is_held_back(jurisdiction: str, said: set, held_back: tuple) -> None:
    found = facts(frozen(), usd("900.00"), jurisdiction=jurisdiction, time_barred=True)
    assert ({each.code for each in found.notices}, found.held_back) == (said, held_back)
    assert (Flag.NOTICE_HELD_BACK in found.flags) == bool(held_back)
    assert Flag.NOT_SIGNED_OFF in found.flags
    in_time = facts(frozen(), usd("900.00"), jurisdiction=jurisdiction)
    assert (in_time.held_back, Code.TIME_BARRED_NO_SUIT in {each.code for each in in_time.notices}) == ((), False)


def test_a_law_that_was_signed_off_raises_no_flag() -> None:
    signed = tuple(replace(law, signed_off=TODAY) for law in ALWAYS)
    assert facts(frozen(), usd("900.00"), laws=signed).flags == set()


def test_the_newest_law_that_has_started_holds() -> None:
    ours = law_of("CN", on=TODAY)
    assert isinstance(ours, Law) and ours.effective_from == date(2026, 1, 1)
    newer = replace(ours, effective_from=date(2027, 1, 1))
    assert law_of("CN", on=date(2026, 12, 31), laws=(newer, ours)) == ours
    assert law_of("CN", on=date(2027, 1, 1), laws=(newer, ours)) == newer
    assert law_of("CN", on=date(2025, 12, 31)) is None


LAW = """
[[law]]
jurisdictions = ["XX"]
effective_from = 2026-01-01
rates = ["eu"]
rates_tag = "P"
rates_source = "made up"
[[law.notice]]
code = "limitation_restarts"
when = "always"
years = 3
from_last_payment = true
tag = "P"
source = "made up"
"""


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ('["eu"]', '["guess"]'),
        ('rates_tag = "P"', 'rates_tag = "Q"'),
        ('rates_source = "made up"', 'rates_source = ""'),
        ("rates_tag", "rates_flag"),
        ('rates_tag = "P"\n', ""),
        ('["XX"]', "[]"),
        ('["XX"]', '["XX", "XX"]'),
        ('"limitation_restarts"', '"limitation_ends"'),
        ('"always"', '"never"'),
        ("years = 3\n", ""),
        ("years = 3", "months = 3"),
        ('tag = "P"\nsource = "made up"', 'tag = "P"\nsource = ""'),
    ],
)
def test_a_table_that_cannot_be_is_refused(written: str, wrong: str) -> None:
    assert len(parse(LAW)) == 1 and written in LAW
    with pytest.raises(BadNotices):
        parse(LAW.replace(written, wrong))


@few
@given(
    minor=st.integers(1, 10**8),
    currency=st.sampled_from(["JPY", "USD", "KWD"]),
    annual=st.sampled_from(["0", "0.5", "6", "18", "29.9"]).map(Decimal),
    count=st.integers(1, 24),
    frequency=st.sampled_from([Frequency.WEEKLY, Frequency.FORTNIGHTLY, Frequency.MONTHLY]),
    wait=st.integers(0, 60),
    jurisdiction=st.sampled_from(["US", "GB", "CN", "XX"]),
)
def test_every_plan_adds_up(
    minor: int, currency: str, annual: Decimal, count: int, frequency: Frequency, wait: int, jurisdiction: str
) -> None:
    balance = Money(minor, currency)
    rate = periodic_rate(annual_rate=annual, frequency=frequency)
    plan = by_count(balance=balance, rate=rate, count=count, first=TODAY + timedelta(days=wait), frequency=frequency)
    found = facts(plan, balance, jurisdiction=jurisdiction, plan_rate=annual)
    assert total((each.amount for each in found.payments), currency=currency) == found.total
    assert found.against_today == found.total - balance == found.interest
    assert (found.fees, found.left) == (balance * 0, balance * 0)
    assert found.if_nothing is not None and found.if_nothing.owed >= balance
    assert found.against_nothing == found.total - found.if_nothing.owed
    assert bool(found.rates) == (found.no_rate is None)
    for each in found.rates:
        # A plan costs nothing exactly where its rate is nothing.
        assert (each.percent > 0) == bool(found.interest)
    for payment in found.payments:
        assert payment.due_on + timedelta(days=35) == payment.cure_by


@few
@given(
    minor=st.integers(10**7, 10**9),
    annual=st.sampled_from(["6", "18", "29.9"]).map(Decimal),
    count=st.integers(1, 24),
)
def test_a_plan_with_equal_periods_has_the_rate_that_it_was_drawn_with(minor: int, annual: Decimal, count: int) -> None:
    balance = Money(minor, "USD")
    rate = periodic_rate(annual_rate=annual, frequency=Frequency.MONTHLY)
    first = months_later(TODAY, 1)
    plan = by_count(balance=balance, rate=rate, count=count, first=first, frequency=Frequency.MONTHLY)
    found = facts(plan, balance, jurisdiction="CN", plan_rate=annual)
    assert abs(percent(found, Method.IRR_NOMINAL) - annual) < Decimal("0.001")
    yearly = ((1 + float(annual) / 1200) ** 12 - 1) * 100
    assert abs(float(percent(found, Method.IRR_EFFECTIVE)) - yearly) < 0.001
    assert abs(percent(facts(plan, balance), Method.REG_Z) - annual) < Decimal("0.001")
    assert abs(float(percent(facts(plan, balance, jurisdiction="FR"), Method.EU)) - yearly) < 0.001
