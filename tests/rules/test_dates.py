"""Due dates: always from the anchor, through short months, leap days and the ends of years."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.schedules.dates import WITHOUT_SEASON, Frequency, NoSeason, due_dates, first_due, per_year, periods_in

bounded = settings(max_examples=60, deadline=None)
# How far apart two dates can be.
GAPS = {
    Frequency.WEEKLY: (7, 7),
    Frequency.FORTNIGHTLY: (14, 14),
    Frequency.FOUR_WEEKLY: (28, 28),
    Frequency.TWICE_A_MONTH: (12, 18),
    Frequency.MONTHLY: (28, 31),
    Frequency.QUARTERLY: (89, 92),
    Frequency.SEASONAL: (28, 366 + 8 * 366),
}
seasons = st.sets(st.integers(1, 12), min_size=1).map(tuple)


@pytest.mark.parametrize(
    ("frequency", "first", "anchor_day", "season", "later"),
    [
        ("monthly", "2026-01-31", None, (), "2026-02-28 2026-03-31 2026-04-30 2026-05-31 2026-06-30"),
        ("monthly", "2026-02-28", 31, (), "2026-03-31 2026-04-30"),
        ("monthly", "2024-02-29", None, (), "2024-03-29"),
        ("monthly", "2027-12-30", None, (), "2028-01-30 2028-02-29 2028-03-30"),
        ("quarterly", "2025-11-30", None, (), "2026-02-28 2026-05-30 2026-08-30 2026-11-30"),
        ("quarterly", "2026-02-28", 31, (), "2026-05-31 2026-08-31"),
        ("twice_a_month", "2026-01-01", None, (), "2026-01-16 2026-02-01 2026-02-16 2026-03-01"),
        ("twice_a_month", "2026-01-15", None, (), "2026-01-30 2026-02-15 2026-02-28 2026-03-15 2026-03-30"),
        ("twice_a_month", "2026-02-28", 31, (), "2026-03-16 2026-03-31 2026-04-16 2026-04-30"),
        ("twice_a_month", "2025-12-20", 5, (), "2026-01-05 2026-01-20"),
        ("four_weekly", "2026-12-18", None, (), "2027-01-15 2027-02-12"),
        ("seasonal", "2026-09-30", None, (9, 10), "2026-10-30 2027-09-30 2027-10-30"),
        ("seasonal", "2026-02-28", 31, (2, 10), "2026-10-31 2027-02-28 2027-10-31 2028-02-29"),
        ("seasonal", "2026-06-15", None, (1,), "2027-01-15 2028-01-15"),
    ],
)
def test_dates_come_from_the_anchor_and_do_not_drift(
    frequency: str, first: str, anchor_day: int | None, season: tuple[int, ...], later: str
) -> None:
    found = due_dates(
        first=date.fromisoformat(first),
        frequency=Frequency(frequency),
        count=len(later.split()) + 1,
        anchor_day=anchor_day,
        season=season,
    )
    assert [str(day) for day in found] == [first, *later.split()]


def test_an_anchor_that_is_not_the_first_dates_gives_way() -> None:
    for frequency, second in ((Frequency.MONTHLY, "2026-01-31"), (Frequency.TWICE_A_MONTH, "2026-01-16")):
        dates = due_dates(first=date(2025, 12, 31), frequency=frequency, count=2, anchor_day=1 + 4)
        assert str(dates[1]) == second


def test_no_instalments_have_no_dates() -> None:
    for frequency in WITHOUT_SEASON:
        assert due_dates(first=date(2026, 1, 31), frequency=frequency, count=0) == ()


@bounded
@given(
    today=st.dates(date(2020, 1, 1), date(2060, 1, 1)),
    frequency=st.sampled_from(Frequency),
    pay_day=st.integers(1, 31),
    earliest=st.integers(0, 40),
    season=seasons,
)
def test_the_first_date_is_the_pay_day_and_the_soonest_one(
    today: date, frequency: Frequency, pay_day: int, earliest: int, season: tuple[int, ...]
) -> None:
    if frequency.by_weekday:
        pay_day = (pay_day - 1) % 7 + 1

    def suits(day: date) -> bool:
        if frequency.by_weekday:
            return day.isoweekday() == pay_day
        last = (day + timedelta(days=1)).day == 1
        days = [pay_day]
        if frequency is Frequency.TWICE_A_MONTH:
            days.append(pay_day + 15 if pay_day <= 15 else pay_day - 15)
        if frequency is Frequency.SEASONAL and day.month not in season:
            return False
        return day.day in days or (last and day.day < max(days))

    first = first_due(today=today, frequency=frequency, pay_day=pay_day, earliest_days=earliest, season=season)
    soonest = today + timedelta(days=earliest)
    while not suits(soonest):
        soonest += timedelta(days=1)
    assert first == soonest
    dates = due_dates(first=first, frequency=frequency, count=30, anchor_day=pay_day, season=season)
    least, most = GAPS[frequency]
    for one, other in zip(dates, dates[1:], strict=False):
        assert suits(other)
        assert least <= (other - one).days <= most
    if not frequency.by_weekday:
        count = per_year(frequency=frequency, season=season)
        assert (dates[count].year, dates[count].month) == (first.year + 1, first.month)


@pytest.mark.parametrize(
    ("frequency", "pay_day"), [("monthly", 0), ("monthly", 32), ("twice_a_month", 32), ("weekly", 8)]
)
def test_a_pay_day_that_does_not_exist_is_refused(frequency: str, pay_day: int) -> None:
    with pytest.raises(ValueError, match=str(pay_day)):
        first_due(today=date(2026, 1, 31), frequency=Frequency(frequency), pay_day=pay_day)


@pytest.mark.parametrize("season", [(), (0,), (9, 13)])
def test_a_season_that_never_comes_is_refused(season: tuple[int, ...]) -> None:
    with pytest.raises(NoSeason):
        periods_in(months=12, frequency=Frequency.SEASONAL, season=season)
    with pytest.raises(NoSeason):
        due_dates(first=date(2026, 1, 31), frequency=Frequency.SEASONAL, count=2, season=season)
    with pytest.raises(NoSeason):
        first_due(today=date(2026, 1, 31), frequency=Frequency.SEASONAL, pay_day=1, season=season)
    with pytest.raises(NoSeason):
        _ = Frequency.SEASONAL.per_year


def test_a_term_in_months_is_rounded_down_to_whole_periods() -> None:
    found = {each: [periods_in(months=months, frequency=each) for months in (1, 24)] for each in WITHOUT_SEASON}
    assert found == {
        Frequency.WEEKLY: [4, 104],
        Frequency.FORTNIGHTLY: [2, 52],
        Frequency.FOUR_WEEKLY: [1, 26],
        Frequency.TWICE_A_MONTH: [2, 48],
        Frequency.MONTHLY: [1, 24],
        Frequency.QUARTERLY: [1, 8],
    }
    assert periods_in(months=24, frequency=Frequency.SEASONAL, season=(9, 10)) == 4
