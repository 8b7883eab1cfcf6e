"""Every kind of arrangement: the published numbers, and what holds for all balances, rates and currencies."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from portal.interest import DayCount
from portal.money import Money, total
from portal.schedules.arrangements import (
    Arrangement,
    Kind,
    Parts,
    Standstill,
    Vesting,
    down_payment_first,
    instalments,
    seasonal,
    step_up,
)
from portal.schedules.dates import WITHOUT_SEASON, Frequency
from portal.schedules.drawing import level_payment_over
from portal.schedules.pauses import Accrual, Keeps, holiday, interest_freeze, moratorium, reduced_payment, token
from portal.schedules.rates import Band, Period, Terms, part_of_year
from portal.schedules.schedule import NeverEnds, NothingOwed, Schedule, TooManyItems
from portal.schedules.settlements import (
    Ceilings,
    discount_bps,
    if_broken,
    instalments_with_waiver,
    most_waived,
    settlement_lump,
    settlement_staged,
)
from tests.rules.finance_vectors import named, vectors

TODAY = date(2026, 1, 1)
FIRST = date(2026, 1, 31)
ALL = Ceilings(10_000, 10_000, 10_000, 10_000, 10_000)
bounded = settings(max_examples=60, deadline=None)


def usd(text: str) -> Money:
    return Money.of(text, "USD")


def some_terms(balance: str, rate: str = "0", **changes: object) -> Terms:
    values = {"first": FIRST, "frequency": Frequency.MONTHLY, **changes}
    return Terms(balance=usd(balance), annual_rate=Decimal(rate), **values)


def parts(**amounts: str) -> Parts:
    nothing = dict.fromkeys(("principal", "interest", "penalty", "fees", "costs"), "0")
    return Parts(**{name: usd(text) for name, text in {**nothing, **amounts}.items()})


TEN_THOUSAND = parts(principal="7200", interest="1900", penalty="700", fees="200")


def steps(arrangement: Arrangement) -> list[tuple[int, str]]:
    return [(count, str(amount.amount)) for count, amount in drawn(arrangement).steps]


def drawn(arrangement: Arrangement) -> Schedule:
    assert arrangement.schedule is not None
    return arrangement.schedule


@pytest.mark.parametrize("vector", vectors("holiday"), ids=named)
def test_a_holiday_and_what_it_costs(vector: dict) -> None:
    """V-HOL: 6,000.00 at 1% a month in 12, two months of holiday."""
    given_, expect = vector["input"], vector["expect"]
    terms = some_terms(given_["principal"], str(Fraction(given_["periodic"]) * 1200))
    pause = {"count": given_["n"], "periods": given_["months"], "keeps": Keeps.TERM}
    for accrual in Accrual:
        found, want = holiday(terms, accrual=accrual, **pause), expect[accrual.value]
        assert (drawn(found).payment, drawn(found).last) == (usd(want["level"]), usd(want["last"]))
        assert found.cost == usd(want["interest"])
        assert found.grows_by == usd(want.get("balance", given_["principal"])) - terms.balance
        assert drawn(found).starts_on == date(2026, 3, 31)
        assert drawn(found).count == given_["n"]
    assert holiday(terms, accrual=Accrual.SIMPLE, **pause).cost_of_pause == usd(expect["cost_of_pause"])
    frozen = holiday(terms, accrual=Accrual.FROZEN, **pause)
    assert (frozen.cost_of_pause, frozen.rate_after) == (usd("0"), Decimal(12))
    # Two periods before the one that the first item bears.
    assert frozen.standstill == Standstill(date(2025, 12, 31), date(2026, 2, 28))
    same = holiday(terms, accrual=Accrual.SIMPLE, **{**pause, "keeps": Keeps.INSTALMENT})
    assert drawn(same).payment == usd(expect["frozen"]["level"])
    assert (drawn(same).count, drawn(same).last) == (expect["same_level"]["items"], usd(expect["same_level"]["last"]))


def test_steps_up() -> None:
    """V-STEP, and more steps than one."""
    found = step_up(some_terms("3600"), steps=((6, usd("100")),), count=24)
    assert steps(found) == [(6, "100.00"), (17, "166.67"), (1, "166.61")]
    found = step_up(some_terms("5000", "12"), steps=((6, usd("150")),), count=24)
    assert steps(found) == [(6, "150.00"), (17, "267.40"), (1, "267.27")]
    assert usd("5000") - total((item.principal for item in drawn(found).items[:6]), currency="USD") == usd("4384.80")
    found = step_up(some_terms("3600"), steps=((3, usd("50")), (3, usd("100"))), count=24)
    assert steps(found) == [(3, "50.00"), (3, "100.00"), (18, "175.00")]
    with pytest.raises(NeverEnds):
        step_up(some_terms("5000", "12"), steps=((6, usd("50")),), count=24)
    for wrong in (((24, usd("100")),), ((3, usd("100")), (3, usd("50"))), (), ((0, usd("100")), (3, usd("100")))):
        with pytest.raises(ValueError, match="Money|\\(\\)"):
            step_up(some_terms("3600"), steps=wrong, count=24)


def test_a_harvest_season_with_its_own_rate() -> None:
    """V-SEA: 12,000.00 at 10%, interest monthly, 6,000.00 on 1 September and 1 October, 8% in the harvest window."""
    terms = some_terms(
        "12000",
        "10",
        first=date(2026, 9, 1),
        season=(9, 10),
        since=TODAY,
        bands=(Band(Decimal(8), date(2026, 8, 1), date(2026, 10, 1)),),
    )
    found = seasonal(terms, count=2, interest_every_month=True)
    assert [str(item.interest.amount) for item in drawn(found).items] == ["100.00"] * 7 + ["80.00", "40.00"]
    assert [str(item.principal.amount) for item in drawn(found).items[6:]] == ["0.00", "6000.00", "6000.00"]
    assert found.cost == usd("820.00")
    alone = seasonal(terms, count=2, interest_every_month=False)
    assert [str(item.due_on) for item in drawn(alone).items] == ["2026-09-01", "2026-10-01"]
    # The eight months are one period here; its rate is the average by days: 10% for 212 and 8% for 31.
    assert str(drawn(alone).items[0].interest.amount) == "779.59"


@pytest.mark.parametrize(
    ("ceilings", "percent", "pay", "discount"),
    [
        (Ceilings(0, 5_000, 10_000, 10_000, 0), 10_000, "8150.00", 1_850),
        (ALL, 3_000, "7000.00", 3_000),
        (ALL, 1_500, "8500.00", 1_500),
        (Ceilings(0, 5_000, 10_000, 10_000, 0), 3_000, "8150.00", 1_850),
        (Ceilings(0, 5_000, 10_000, 10_000, 0), 1_000, "9000.00", 1_000),
    ],
)
def test_a_settlement_is_the_ceilings_first_and_then_the_percentage(
    ceilings: Ceilings, percent: int, pay: str, discount: int
) -> None:
    """V-SET-1 and V-SET-2, and both together."""
    waived = most_waived(owed=TEN_THOUSAND, ceilings=ceilings, discount_bps=percent)
    assert discount_bps(owed=TEN_THOUSAND, waived=waived) == discount
    found = settlement_lump(owed=TEN_THOUSAND, waived=waived, today=TODAY, pay_by=FIRST)
    assert steps(found) == [(1, pay)]
    assert drawn(found).ends_on == FIRST
    assert found.waiver is not None
    assert found.waiver.parts.total + usd(pay) == TEN_THOUSAND.total


def test_a_staged_settlement_and_what_revives() -> None:
    """V-SET-3 to V-SET-5: the waiver comes with the last payment alone."""
    waived = most_waived(owed=TEN_THOUSAND, ceilings=ALL, discount_bps=1_500)
    terms = some_terms("10000", "12")
    found = settlement_staged(owed=TEN_THOUSAND, waived=waived, terms=terms, count=3, today=TODAY)
    assert steps(found) == [(2, "2833.34"), (1, "2833.32")]
    assert found.waiver is not None
    assert [str(each.amount) for each in found.waiver.with_item] == ["0.00", "0.00", "1500.00"]
    down = settlement_staged(
        owed=TEN_THOUSAND, waived=waived, terms=terms, count=4, today=TODAY, down=(usd("1700"), date(2026, 1, 5))
    )
    assert steps(down) == [(5, "1700.00")]
    assert down.void_unless_paid_by == date(2026, 1, 5)
    broken = if_broken(found, owed=usd("10000"), paid=usd("2833.34"), broken_on=date(2026, 3, 10))
    assert (broken.credited, broken.outstanding) == (usd("2833.34"), usd("7166.66"))
    assert broken.still_waived == usd("0")
    assert broken.interest_from == date(2026, 3, 10)
    kept = if_broken(found, owed=usd("10000"), paid=usd("8500"), broken_on=date(2026, 4, 1))
    assert (kept.outstanding, kept.still_waived) == (usd("0"), usd("1500"))


def test_a_waiver_vests_with_each_payment_or_with_the_last() -> None:
    owed, waived = parts(principal="1000", penalty="200"), parts(penalty="200")
    terms = some_terms("1200")
    each = instalments_with_waiver(owed=owed, waived=waived, terms=terms, count=4, vesting=Vesting.WITH_EACH_PAYMENT)
    assert steps(each) == [(4, "250.00")]
    assert each.waiver is not None
    assert {str(one.amount) for one in each.waiver.with_item} == {"50.00"}
    broken = if_broken(each, owed=usd("1200"), paid=usd("600"), broken_on=FIRST)
    assert (broken.credited, broken.still_waived, broken.outstanding) == (usd("600"), usd("100"), usd("500"))
    last = instalments_with_waiver(owed=owed, waived=waived, terms=terms, count=4, vesting=Vesting.ON_LAST_PAYMENT)
    assert if_broken(last, owed=usd("1200"), paid=usd("600"), broken_on=FIRST).outstanding == usd("600")
    with pytest.raises(ValueError, match="201"):
        instalments_with_waiver(
            owed=owed, waived=parts(penalty="201"), terms=terms, count=4, vesting=Vesting.ON_LAST_PAYMENT
        )


def test_a_down_payment_first_and_then_any_other_kind() -> None:
    terms = some_terms("8500", first=date(2026, 2, 28))
    by = date(2026, 1, 31)
    found = down_payment_first(terms, down=usd("1700"), pay_by=by, then=lambda rest: instalments(rest, count=4))
    assert steps(found) == [(5, "1700.00")]
    assert (found.kind, found.void_unless_paid_by) == (Kind.DOWN_PAYMENT_FIRST, by)
    assert [item.seq for item in drawn(found).items] == [1, 2, 3, 4, 5]
    owed = parts(principal="8000", fees="500")
    waived = down_payment_first(
        terms,
        down=usd("1700"),
        pay_by=by,
        then=lambda rest: instalments_with_waiver(
            owed=owed, waived=parts(fees="500"), terms=rest, count=3, vesting=Vesting.ON_LAST_PAYMENT
        ),
    )
    assert drawn(waived).total == usd("8000")
    assert waived.waiver is not None
    assert len(waived.waiver.with_item) == drawn(waived).count
    for down, day in (("8500", by), ("1700", date(2026, 2, 28))):
        with pytest.raises(ValueError, match="Money"):
            down_payment_first(terms, down=usd(down), pay_by=day, then=lambda rest: instalments(rest, count=4))
    with pytest.raises(NeverEnds):
        down_payment_first(terms, down=usd("0"), pay_by=by, then=lambda rest: instalments(rest, count=4))
    interest = replace(terms, annual_rate=Decimal(12), since=date(2025, 12, 31), first=date(2026, 2, 28), anchor_day=31)
    found = down_payment_first(interest, down=usd("1700"), pay_by=by, then=lambda rest: instalments(rest, count=4))
    assert [str(item.interest.amount) for item in drawn(found).items[:2]] == ["85.00", "68.85"]


def test_what_is_below_usual_shows_what_is_left_at_the_review() -> None:
    """V-NEG's 10,000.00 at 2% a month accrues 200.00, so 150.00 a month lets it grow, and says by how much."""
    review = date(2026, 4, 15)
    found = reduced_payment(some_terms("10000", "24"), payment=usd("150"), count=3, review_on=review)
    assert (found.left_at_review, found.grows_by, found.review_on) == (usd("10150"), usd("150"), review)
    assert {str(item.principal.amount) for item in drawn(found).items} == {"0.00"}
    frozen = reduced_payment(some_terms("10000"), payment=usd("150"), count=3, review_on=review)
    assert (frozen.left_at_review, frozen.grows_by) == (usd("9550"), usd("0"))
    nominal = token(some_terms("10000", "24"), payment=usd("1"), count=3, review_on=review)
    assert (nominal.left_at_review, nominal.cost, nominal.review_on) == (usd("9997"), usd("0"), review)
    with pytest.raises(ValueError, match="2026"):
        token(some_terms("10000"), payment=usd("1"), count=3, review_on=TODAY)
    with pytest.raises(ValueError, match="Money"):
        token(some_terms("10000"), payment=usd("0"), count=3, review_on=review)


def test_a_moratorium_has_dates_and_nothing_to_pay() -> None:
    found = moratorium(balance=usd("500"), standstill=Standstill(TODAY, FIRST))
    assert (found.schedule, found.cost, found.review_on) == (None, usd("0"), FIRST)
    with pytest.raises(ValueError, match="Standstill"):
        moratorium(balance=usd("500"), standstill=Standstill(FIRST, TODAY))


def test_interest_stands_still_in_a_window_and_runs_after_it() -> None:
    terms = some_terms("1200", "12", since=TODAY, first=date(2026, 2, 1))
    found = interest_freeze(terms, count=4, freeze=Standstill(TODAY, date(2026, 3, 1)))
    assert [bool(item.interest) for item in drawn(found).items] == [False, False, True, True]
    plain = instalments(terms, count=4)
    assert drawn(found).payment < drawn(plain).payment
    assert (found.standstill, found.rate_after) == (Standstill(TODAY, date(2026, 3, 1)), Decimal(12))
    assert found.cost < plain.cost


def test_a_rate_that_changes_inside_a_period_counts_by_days() -> None:
    terms = some_terms(
        "1000", "10", first=date(2026, 9, 1), bands=(Band(Decimal(8), date(2026, 8, 16), FIRST.replace(year=2027)),)
    )
    (period,) = terms.periods(1)
    assert period.rate == (Fraction(10) * 15 + Fraction(8) * 16) / 31 / 1200
    by_days = replace(terms, day_count=DayCount.ACT_365F)
    assert by_days.periods(1)[0].rate == (Fraction(10) * 15 + Fraction(8) * 16) / 36500


def test_periods_are_whole_months_and_days_for_the_rest() -> None:
    assert part_of_year(date(2026, 3, 15), date(2026, 5, 1)) == Fraction(1, 12) + Fraction(17, 365)
    assert part_of_year(date(2026, 1, 31), date(2026, 2, 28), anchor_day=31) == Fraction(1, 12)
    assert part_of_year(date(2024, 2, 29), date(2025, 2, 28), anchor_day=29) == 1
    weekly = some_terms("1000", "52", frequency=Frequency.WEEKLY)
    assert {period.rate for period in weekly.periods(5)} == {Fraction(1, 100)}
    assert some_terms("1000", "12", frequency=Frequency.QUARTERLY).periods(2)[1].rate == Fraction(3, 100)
    odd = some_terms("1000", "12", since=date(2026, 1, 20))
    assert odd.periods(1)[0].rate == Fraction(12, 100) * Fraction(11, 365)
    season = some_terms("1000", "12", frequency=Frequency.SEASONAL, season=(1, 3), first=date(2026, 3, 31))
    assert [period.rate for period in season.periods(3)] == [Fraction(2, 100), Fraction(10, 100), Fraction(2, 100)]


# What holds for all.

currencies = st.sampled_from(["USD", "JPY", "KWD"])
annual = st.sampled_from(["0", "0.1", "9", "18", "60"]).map(Decimal)


@st.composite
def terms_of_any_kind(draw: st.DrawFn) -> Terms:
    frequency = draw(st.sampled_from([*WITHOUT_SEASON, Frequency.SEASONAL]))
    first = draw(st.dates(date(2026, 1, 1), date(2028, 12, 31)))
    bands = ()
    if draw(st.booleans()):
        starts_on = first + timedelta(days=draw(st.integers(-40, 300)))
        bands = (Band(draw(annual), starts_on, starts_on + timedelta(days=draw(st.integers(1, 200)))),)
    return Terms(
        balance=Money(draw(st.integers(1, 10**7) | st.integers(1, 200)), draw(currencies)),
        first=first,
        frequency=frequency,
        annual_rate=draw(annual),
        bands=bands,
        bearing=draw(st.sampled_from([Fraction(1), Fraction(2, 3)])),
        since=draw(st.none() | st.integers(0, 80).map(lambda days: first - timedelta(days=days))),
        day_count=draw(st.none() | st.sampled_from(DayCount)),
        anchor_day=draw(st.none() | st.integers(1, 31)),
        season=draw(st.sets(st.integers(1, 12), min_size=1, max_size=4).map(tuple)),
    )


def check(schedule: Schedule, balance: Money) -> None:
    """Assert what holds for every drawing that repays in full."""
    assert total((item.principal for item in schedule.items), currency=balance.currency) == balance
    assert schedule.total == balance + schedule.total_interest
    assert all(item.amount.minor > 0 and item.principal.minor >= 0 <= item.interest.minor for item in schedule.items)
    assert all(item.amount == item.principal + item.interest for item in schedule.items)
    assert [item.seq for item in schedule.items] == list(range(1, schedule.count + 1))
    assert all(one.due_on < other.due_on for one, other in zip(schedule.items, schedule.items[1:], strict=False))


@bounded
@given(terms=terms_of_any_kind(), count=st.integers(1, 60))
def test_level_instalments_repay_exactly_and_the_last_is_never_the_largest(terms: Terms, count: int) -> None:
    schedule = drawn(instalments(terms, count=count))
    check(schedule, terms.balance)
    assert schedule.count <= count
    assert schedule.last <= schedule.payment
    assert all(item.amount == schedule.payment and item.principal.minor > 0 for item in schedule.items[:-1])
    # One unit less would not do.
    periods = terms.periods(count)
    payment = level_payment_over(balance=terms.balance, periods=periods)
    left, grows = terms.balance, False
    for period in periods:
        interest = Money(
            (2 * left.minor * period.rate.numerator + period.rate.denominator) // (2 * period.rate.denominator),
            left.currency,
        )
        grows = grows or payment.minor - 1 <= interest.minor < left.minor
        left = left + interest - Money(payment.minor - 1, left.currency)
    # The formula counts in fractions of a unit, so with hardly anything owed it may ask for one unit more.
    assert left.minor > -count or grows


@bounded
@given(terms=terms_of_any_kind(), payment=st.integers(1, 10**6))
def test_a_payment_repays_exactly_or_says_why_not(terms: Terms, payment: int) -> None:
    try:
        schedule = drawn(instalments(terms, payment=Money(payment, terms.balance.currency)))
    except NeverEnds as error:
        assert error.interest >= error.payment
        return
    except TooManyItems:
        assert payment * 600 < terms.balance.minor * 100
        return
    check(schedule, terms.balance)
    assert all(item.amount.minor == payment for item in schedule.items[:-1])
    assert schedule.last.minor <= payment


@bounded
@given(terms=terms_of_any_kind(), low=st.integers(1, 10**5), first=st.integers(1, 9), second=st.integers(1, 9))
def test_steps_repay_exactly(terms: Terms, low: int, first: int, second: int) -> None:
    currency = terms.balance.currency
    amounts = ((first, Money(low, currency)), (second, Money(low * 2, currency)))
    try:
        schedule = drawn(step_up(terms, steps=amounts, count=first + second + 12))
    except NeverEnds as error:
        assert error.interest >= error.payment
        return
    check(schedule, terms.balance)
    assert schedule.last <= schedule.largest
    assert schedule.count <= first + second + 12
    rising = [item.amount for item in schedule.items[:-1]]
    assert rising == sorted(rising)


@bounded
@given(
    terms=terms_of_any_kind(),
    count=st.integers(1, 40),
    periods=st.integers(1, 6),
    accrual=st.sampled_from(Accrual),
    keeps=st.sampled_from(Keeps),
)
def test_a_holiday_repays_all_that_it_let_grow(
    terms: Terms, count: int, periods: int, accrual: Accrual, keeps: Keeps
) -> None:
    try:
        found = holiday(terms, count=count, periods=periods, accrual=accrual, keeps=keeps)
    except NeverEnds:
        assert keeps is Keeps.INSTALMENT
        assert accrual is not Accrual.FROZEN
        return
    except TooManyItems:
        assert keeps is Keeps.INSTALMENT
        return
    assert found.grows_by is not None
    check(drawn(found), terms.balance + found.grows_by)
    assert found.cost == drawn(found).total - terms.balance
    assert (accrual is Accrual.FROZEN) <= (not found.grows_by)
    assert drawn(found).starts_on == terms.dates(periods + 1)[-1]
    assert drawn(found).last <= drawn(found).payment


@bounded
@given(terms=terms_of_any_kind(), count=st.integers(1, 12), every_month=st.booleans())
def test_a_season_repays_exactly(terms: Terms, count: int, every_month: bool) -> None:
    schedule = drawn(seasonal(terms, count=count, interest_every_month=every_month))
    check(schedule, terms.balance)
    paying = [item for item in schedule.items if item.principal]
    assert len(paying) <= count
    assert all(item.due_on.month in terms.season for item in paying[1:])
    assert len({item.principal for item in paying[:-1]}) <= 1
    if not every_month:
        assert paying == list(schedule.items)


@bounded
@given(terms=terms_of_any_kind(), payment=st.integers(1, 10**6), count=st.integers(1, 24))
def test_what_is_left_at_a_review_is_what_was_owed_and_ran_less_what_was_paid(
    terms: Terms, payment: int, count: int
) -> None:
    review = terms.dates(count)[-1]
    found = reduced_payment(terms, payment=Money(payment, terms.balance.currency), count=count, review_on=review)
    schedule = drawn(found)
    assert found.left_at_review is not None
    assert found.left_at_review.minor >= 0
    assert all(0 < item.amount.minor <= payment for item in schedule.items)
    assert terms.balance + found.cost == schedule.total + found.left_at_review
    assert found.grows_by == max(found.left_at_review - terms.balance, terms.balance * 0)
    nominal = token(terms, payment=Money(payment, terms.balance.currency), count=count, review_on=review)
    assert nominal.cost == nominal.grows_by == terms.balance * 0


@bounded
@given(terms=terms_of_any_kind(), count=st.integers(1, 40), starts=st.integers(-60, 400), days=st.integers(1, 400))
def test_a_freeze_repays_exactly_and_bears_nothing_inside_its_window(
    terms: Terms, count: int, starts: int, days: int
) -> None:
    starts_on = terms.first + timedelta(days=starts)
    window = Standstill(starts_on, starts_on + timedelta(days=days))
    schedule = drawn(interest_freeze(terms, count=count, freeze=window))
    check(schedule, terms.balance)
    assert schedule.last <= schedule.payment
    before = terms.runs_since
    for item in schedule.items:
        if window.starts_on <= before and item.due_on <= window.ends_on:
            assert not item.interest
        before = item.due_on


@bounded
@given(terms=terms_of_any_kind(), down=st.integers(1, 10**6), days=st.integers(1, 60), count=st.integers(1, 24))
def test_a_down_payment_and_the_rest_repay_exactly(terms: Terms, down: int, days: int, count: int) -> None:
    pay_by = terms.first - timedelta(days=days)
    if terms.since is not None:
        pay_by = max(pay_by, terms.since)
    assume(pay_by < terms.first and down < terms.balance.minor)
    amount = Money(down, terms.balance.currency)
    try:
        found = down_payment_first(terms, down=amount, pay_by=pay_by, then=lambda rest: instalments(rest, count=count))
    except NeverEnds as error:
        assert error.interest >= amount
        return
    check(drawn(found), terms.balance)
    assert drawn(found).payment == amount
    assert (drawn(found).starts_on, found.void_unless_paid_by) == (pay_by, pay_by)
    assert drawn(found).items[1].due_on == terms.first
    assert drawn(found).count <= count + 1
    assert found.cost == drawn(found).total_interest


@st.composite
def debts(draw: st.DrawFn) -> tuple[Parts, Ceilings, int]:
    currency = draw(currencies)
    owed = Parts(*(Money(draw(st.integers(0, 10**6)), currency) for _ in range(5)))
    assume(owed.total.minor > 0)
    return owed, Ceilings(*(draw(st.integers(0, 10_000)) for _ in range(5))), draw(st.integers(0, 10_000))


@bounded
@given(debt=debts(), count=st.integers(1, 24), data=st.data())
def test_settlements_and_waivers_add_up_and_revive_exactly(
    debt: tuple[Parts, Ceilings, int], count: int, data: st.DataObject
) -> None:
    owed, ceilings, percent = debt
    waived = most_waived(owed=owed, ceilings=ceilings, discount_bps=percent)
    for name in ("principal", "interest", "penalty", "fees", "costs"):
        part = getattr(owed, name).minor
        assert 0 <= getattr(waived, name).minor * 10_000 <= part * getattr(ceilings, name)
    assert waived.total.minor * 10_000 <= owed.total.minor * percent
    terms = Terms(owed.total, first=FIRST, frequency=Frequency.MONTHLY, annual_rate=data.draw(annual))
    vesting = data.draw(st.sampled_from(Vesting))
    try:
        found = data.draw(
            st.sampled_from(
                [
                    settlement_lump(owed=owed, waived=waived, today=TODAY, pay_by=FIRST),
                    settlement_staged(owed=owed, waived=waived, terms=terms, count=count, today=TODAY),
                    instalments_with_waiver(owed=owed, waived=waived, terms=terms, count=count, vesting=vesting),
                ]
            )
        )
    except NothingOwed:
        assert waived.total == owed.total
        return
    schedule = drawn(found)
    check(schedule, owed.total - waived.total)
    assert schedule.last <= schedule.payment
    assert found.waiver is not None
    assert total(found.waiver.with_item, currency=owed.total.currency) == waived.total
    assert len(found.waiver.with_item) == schedule.count
    assert all(each.minor >= 0 for each in found.waiver.with_item)
    paid = Money(data.draw(st.integers(0, schedule.total.minor)), owed.total.currency)
    broken = if_broken(found, owed=owed.total, paid=paid, broken_on=FIRST)
    assert broken.credited + broken.still_waived + broken.outstanding == owed.total
    assert broken.credited <= paid
    if paid == schedule.total:
        assert not broken.outstanding.minor
    elif found.kind is not Kind.INSTALMENTS_WITH_WAIVER or vesting is Vesting.ON_LAST_PAYMENT:
        assert not broken.still_waived


def test_a_long_period_never_lets_the_debt_grow() -> None:
    """At 60% the eleven months between two seasons cost more than a level payment by the formula would."""
    terms = some_terms("1000", "60", frequency=Frequency.SEASONAL, season=(9, 10), first=date(2026, 10, 1))
    schedule = drawn(instalments(terms, count=4))
    assert all(item.principal.minor > 0 for item in schedule.items)
    check(schedule, usd("1000"))


def test_there_is_no_arrangement_for_nothing() -> None:
    nothing = some_terms("0")
    for draw in (
        lambda: instalments(nothing, count=3),
        lambda: instalments(nothing, payment=usd("5")),
        lambda: step_up(nothing, steps=((1, usd("5")),), count=3),
        lambda: seasonal(replace(nothing, season=(9,)), count=3, interest_every_month=False),
        lambda: holiday(nothing, count=3, periods=1, accrual=Accrual.FROZEN, keeps=Keeps.TERM),
        lambda: token(nothing, payment=usd("1"), count=1, review_on=FIRST),
        lambda: settlement_lump(owed=parts(), waived=parts(), today=TODAY, pay_by=FIRST),
        lambda: level_payment_over(balance=usd("0"), periods=(Period(FIRST, Fraction(0)),)),
    ):
        with pytest.raises(NothingOwed):
            draw()
    for wrong in ({}, {"count": 3, "payment": usd("5")}):
        with pytest.raises(ValueError, match="None|3"):
            instalments(some_terms("100"), **wrong)
