"""132 cases out of other lending systems' own tests, each drawn by us or named with the reason why it isn't.

The cases are not part of this project. What comes out stands in docs/schedules-of-other-systems.md, line by line.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from portal.interest import DayCount, accrue, year_fraction
from portal.money import Money
from portal.schedules import drawing
from portal.schedules.arrangements import down_payment_first, instalments, seasonal
from portal.schedules.dates import Frequency, due_dates
from portal.schedules.rates import Band, Period, Terms
from portal.schedules.schedule import Item, interest_of, level_payment, with_given_level

ROOT = Path(__file__).parents[2]
FILE = Path(os.environ.get("PORTAL_VECTORS", ROOT.parent / "shared" / "vectors")) / "schedules.json"
PAGE = ROOT / "docs" / "schedules-of-other-systems.md"
HOW_MANY = 132

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="the cases of other systems are not on this machine")

Rows = Sequence[tuple[Money, Money]]

SAME = "the same"
AT_THEIR_LEVEL = "the same at their level payment"
FIRST = "the schedule before the first payment is the same"
INTEREST = "the interest is the same"
BY_A_UNIT = "the same payments but the last; interest differs by at most a unit an item"

# The start of a case's name, and why we don't draw it; no reason if we do. The first that fits counts.
NOT_OFFERED = {
    "fineract-emi-disbursedAmt100_dayInYears360_daysInMonth30_repayEvery1Month_payoff": "early payment inside a period",
    "fineract-emi-multiDisbursed": "lent in tranches",
    "fineract-emi-disbursedAmt100_dayInYears360_daysInMonth30_repayEvery1Month_reschedule": (
        "a due date moved by two weeks that bear no interest"
    ),
    "fineract-emi-disbursedAmt100_dayInYearsActual": "their periods overlap and end on other days than they start",
    "fineract-int-fixed-principal-5pct-flat": "flat interest",
    "fineract-int-fixed-principal": "a balloon at the end",
    "fineract-int-weekly-recalc-late-first": "interest recalculated after a late payment",
    "fineract-e2e-Loan-L3": "fees inside a schedule",
    "fineract-e2e-Loan-L1": "every 15 days, and allocation by their rules",
    "fineract-e2e-LoanCharge-": "fees inside a schedule",
    "fineract-e2e-LoanChargeback": "a payment taken back is a new debt, not a schedule",
    "fineract-e2e-LoanDownPayment-L116": "fees inside a schedule",
    "fineract-e2e-LoanDownPayment-L229": "fees inside a schedule",
    "fineract-e2e-LoanDownPayment-L415": "fees inside a schedule",
    "fineract-e2e-LoanDownPayment-L1534": "flat interest",
    "fineract-e2e-LoanReAmortization": "every 15 days, and a schedule changed after it began",
    "fineract-e2e-LoanRepayment-L439": "interest alone at the beginning, then level",
    "fineract-e2e-LoanRepayment-L503": "interest alone at the beginning, then level",
    "fineract-e2e-LoanRepayment-L582": "interest recalculated by the day after a payment",
    "fineract-e2e-LoanRepayment-L1228": "fees inside a schedule",
    "fineract-e2e-LoanRepayment-L1423": "flat interest",
    "fineract-e2e-LoanRepayment-L1555": "fees inside a schedule",
    "fineract-e2e-LoanRepayment-L2214": "fees inside a schedule",
    "fineract-e2e-LoanRepayment-L3131": "flat interest",
    "fineract-e2e-LoanReschedule-L259": "flat interest",
    "fineract-e2e-LoanReschedule-L426": "every 15 days, and a schedule changed after it began",
    "lending-demand-31d": "a closing tolerance; ours is per plan, in plans/states.py",
    "lending-daily-": "an instalment a day",
    "lending-broken-period-fixed": "interest of odd days spread over the term",
    "lending-dpd-": "the due date itself counts as a day late; here lateness begins the day after",
    "lending-moratorium": "a due date on which nothing is due; here such dates are left out",
    "lending-settlement": "states of a loan, not a schedule",
    "lending-written-off": "states of a loan, not a schedule",
    "lending-auto-penalty": "states of a loan, not a schedule",
    "fsharp-ComplianceTest": "add-on interest, charged before it runs",
    "fsharp-InterestFirstTest000": "",
    "fsharp-InterestFirstTest001": "",
    "fsharp-InterestFirst": "add-on interest, charged before it runs",
    "fsharp-ActualPaymentTest013": "a fee spread over the schedule",
    "fsharp-ActualPaymentTest014": "a fee spread over the schedule",
    "fsharp-ActualPaymentTest015": "a fee spread over the schedule",
    "fsharp-ActualPaymentTest016": "a fee spread over the schedule",
    "fsharp-ActualPaymentTest017": "a fee spread over the schedule",
    "fsharp-ActualPaymentTest018": "a fee spread over the schedule",
    "fsharp-ActualPaymentTest020": "payments fixed from outside, on days of no rhythm",
    "fsharp-ActualPaymentTestExtra004": "",
    "fsharp-ActualPaymentTestExtra": "a fee spread over the schedule",
    "fsharp-PaymentScheduleTest_Biweekly": "a fee spread over the schedule",
    "fsharp-PaymentScheduleTest005": "a table of many schedules without its terms",
}


def cases() -> list[dict[str, Any]]:
    return json.loads(FILE.read_text(), parse_float=Decimal)["cases"] if FILE.is_file() else []


def reason_for(name: str) -> str:
    return next((why for start, why in NOT_OFFERED.items() if name.startswith(start)), "")


def money(value: object, currency: str = "USD") -> Money:
    return Money.of(str(value).replace(",", ""), currency)


def compared(balance: Money, periods: Sequence[Period], rows: Rows, *, by_a_unit: bool = False) -> tuple[str, str]:
    """Draw what others drew: on our own, or else at their level payment, where both levels are shown."""
    items: list[Item] = []
    ours = drawing.level_payment_over(balance=balance, periods=periods)
    drawing.pay_each(balance, ((period, ours) for period in periods), items)
    if [(item.principal, item.interest) for item in items] == list(rows):
        return SAME, ""
    theirs = rows[0][0] + rows[0][1]
    given = with_given_level(
        balance=balance,
        rates=[period.rate for period in periods],
        payment=theirs,
        first=periods[0].due_on,
        frequency=Frequency.MONTHLY,
    )
    note = f"level {theirs.amount}, ours {ours.amount}"
    if not by_a_unit:
        assert [(item.principal, item.interest) for item in given.items] == list(rows)
        return AT_THEIR_LEVEL, note
    pairs = list(zip(given.items, rows, strict=True))
    assert all(item.amount == principal + interest for item, (principal, interest) in pairs[:-1])
    apart = 0
    for item, (_, interest) in pairs:
        apart += (item.interest - interest).minor
        assert abs(apart) <= item.seq
    their_interest = sum(interest.minor for _, interest in rows)
    ours_in_all = Money(sum(item.interest.minor for item in given.items), balance.currency)
    note = f"{note}; interest in all {Money(their_interest, balance.currency).amount}, ours {ours_in_all.amount}"
    return BY_A_UNIT, note


def monthly(annual: object, count: int) -> tuple[Period, ...]:
    terms = Terms(money("1"), date(2026, 2, 1), Frequency.MONTHLY, annual_rate=Decimal(str(annual)))
    return terms.periods(count)


def by_day_count(annual: object, starts: date, dates: Sequence[date], day_count: DayCount) -> tuple[Period, ...]:
    rate = Decimal(str(annual))
    terms = Terms(money("1"), dates[0], Frequency.MONTHLY, annual_rate=rate, since=starts, day_count=day_count)
    return terms.periods_on(dates)


def emi(case: dict[str, Any]) -> tuple[str, str]:
    """Apache Fineract's progressive schedules: the rate of each period as they print it must be ours."""
    terms, (check, *_) = case["terms"], case["expected"]["checks"]
    balance = money(case["events"][0]["args"][1])
    dates = [date.fromisoformat(each["due"]) for each in terms["periods"]]
    starts = date.fromisoformat(terms["periods"][0]["start"])
    annual = terms["annual_rate_percent"]
    if terms["days_in_year"] == "DAYS_364":
        weekly = Terms(money("1"), dates[0], Frequency.WEEKLY, annual_rate=Decimal(annual), since=None)
        periods = weekly.periods_on(dates)
    elif terms["frequency"] == "DAYS":
        periods = by_day_count(annual, starts, dates, DayCount.ACT_360)
    elif terms["days_in_year"] == "DAYS_360":
        periods = by_day_count(annual, starts, dates, DayCount.THIRTY_E_360)
    elif terms["days_in_year"] == "DAYS_365":
        periods = by_day_count(annual, starts, dates, DayCount.ACT_365F)
    else:
        periods = by_day_count(annual, starts, dates, DayCount.ACT_ACT_ISDA)
    for period, row in zip(periods, check["rows"], strict=False):
        theirs = sum(Fraction(part["rate_factor"]) for part in row["interest_parts"])
        assert abs(period.rate - theirs) <= Fraction(1, 10**11)
    rows = [(money(row["principal"]), money(row["interest"])) for row in check["rows"]]
    return compared(balance, periods[: len(rows)], rows)


def rate_factors(case: dict[str, Any]) -> tuple[str, str]:
    terms, expected = case["terms"], case["expected"]["rate_factor_per_period"]
    starts = [date.fromisoformat(text) for text in terms["period_starts"]]
    day_count = DayCount.ACT_365F if terms["days_in_year"] == "365" else DayCount.ACT_ACT_ISDA
    dates = [*starts[1:], date(2024, 7, 1)]
    annual = Decimal(terms["annual_rate_fraction"]) * 100
    for period, theirs in zip(by_day_count(annual, starts[0], dates, day_count), expected, strict=True):
        assert abs(period.rate - Fraction(theirs)) <= Fraction(1, 10**12)
    return SAME, ""


def plain_rows(case: dict[str, Any]) -> tuple[str, str]:
    terms, expected = case["terms"], case["expected"]["rows"]
    weekly = terms["frequency"] == "1 week"
    rate = Fraction(24, 5200) if weekly else Fraction(terms["rate_percent_per_month"]) / 100
    periods = [Period(date(2026, 1, 1), rate)] * int(terms["instalments"])
    rows = [(money(row["principal"]), money(row["interest"])) for row in expected]
    return compared(money(terms["principal"]), periods, rows)


def monthly_dates(case: dict[str, Any]) -> tuple[str, str]:
    first = date.fromisoformat(case["terms"]["first_due"])
    expected = case["expected"]["due_dates"]
    found = due_dates(first=first, frequency=Frequency.MONTHLY, count=len(expected))
    assert [str(day) for day in found] == expected
    return SAME, ""


def month_ends(case: dict[str, Any]) -> tuple[str, str]:
    found = due_dates(first=date(2022, 10, 31), frequency=Frequency.MONTHLY, count=12)
    expected = case["expected"]
    assert [str(found[at]) for at in (0, 1, -1)] == [expected[name] for name in ("first", "second", "last")]
    return SAME, ""


def e2e(case: dict[str, Any]) -> tuple[str, str]:
    """Apache Fineract's stories: the first schedule that they print, by its due principal and interest."""
    terms, check = case["terms"], case["expected"]["checks"][0]
    rows = [row for row in check["rows"] if "nr" in row]
    pairs = [(money(row["principal"]), money(row["interest"])) for row in rows]
    dates = [date.fromisoformat(row["due_date"]) for row in rows]
    starts = date.fromisoformat(check["rows"][0]["due_date"])
    balance = money(terms["with Principal"])
    annual = terms["ANNUAL interest rate %"]
    following = len(case["expected"]["checks"]) > 1 or any("repayment" in event for event in case["events"])
    if "DOWNPAYMENT" in terms["LoanProduct"]:
        drawn = down_payment_first(
            Terms(balance, dates[1], Frequency.MONTHLY),
            down=pairs[0][0],
            pay_by=dates[0],
            then=lambda rest: instalments(rest, count=len(rows) - 1),
        ).schedule
        assert drawn is not None
        assert [(item.due_on, item.principal) for item in drawn.items] == [
            (day, principal) for day, (principal, _) in zip(dates, pairs, strict=True)
        ]
        return (FIRST if following else SAME), ""
    if terms["amortization type"] == "EQUAL_PRINCIPAL" or "equal_principal_payments" in case["tags"]:
        every = [(period, True) for period in monthly(annual, len(rows))]
        schedule = drawing.by_principal(
            Terms(balance, dates[0], Frequency.MONTHLY), every, len(rows), Frequency.MONTHLY
        )
        assert [(item.principal, item.interest) for item in schedule.items] == pairs
        return SAME, "equal principal"
    if terms["interest calculation period"] == "DAILY":
        periods = by_day_count(annual, starts, dates, DayCount.ACT_365F)
    else:
        assert dates == list(due_dates(first=dates[0], frequency=Frequency.MONTHLY, count=len(dates)))
        periods = monthly(annual, len(rows))
    # One of them halves a unit to even (15.625 is 15.62), where we round up.
    verdict, note = compared(balance, periods, pairs, by_a_unit=case["id"].endswith("L3151"))
    return (FIRST if following and verdict == SAME else verdict), note


def emi_in_units(case: dict[str, Any]) -> tuple[str, str]:
    """frappe/lending rounds the instalment up to whole units; ours does in a currency without decimals."""
    terms = case["terms"]
    found = level_payment(
        balance=money(terms["principal"], "JPY"),
        rate=Fraction(terms["annual_rate_percent"]) / 1200,
        count=int(terms["instalments"]),
    )
    if found.minor == case["expected"]["instalment"]:
        return SAME, ""
    # Interest in whole units, rounded every month, can need one unit more than the formula.
    assert found.minor - 1 == case["expected"]["instalment"]
    return AT_THEIR_LEVEL, f"level {found.minor - 1}, ours {found.minor} with interest in whole units too"


def units_rows(case: dict[str, Any]) -> tuple[str, str]:
    """The instalment is in whole units, interest in cents; their rows are printed in whole units."""
    terms, expected = case["terms"], case["expected"]
    balance = money(terms["principal"])
    if "disbursed" in terms:
        first = date.fromisoformat(terms["first_due"])
        dates = due_dates(first=first, frequency=Frequency.MONTHLY, count=20)
        starts = date.fromisoformat(terms["disbursed"])
        periods = by_day_count(terms["annual_rate_percent"], starts, dates, DayCount.ACT_365F)
    else:
        periods = monthly(terms["annual_rate_percent"], 20)
    found = with_given_level(
        balance=balance,
        rates=[period.rate for period in periods],
        payment=money(expected["instalment"]),
        first=periods[0].due_on,
        frequency=Frequency.MONTHLY,
    )
    whole = lambda amount: (amount.minor + 50) // 100  # noqa: E731
    assert whole(found.total_interest) == expected["total_interest_rounded"]
    assert (whole(found.total), found.count) == (expected["total_payment_rounded"], expected["instalment_count"])
    for row in expected["rows_rounded_to_unit"]:
        item = found.items[row["index0"]]
        assert (whole(item.principal), whole(item.interest)) == (row["principal"], row["interest"])
    ours = drawing.level_payment_over(balance=balance, periods=periods)
    return AT_THEIR_LEVEL, f"level {found.payment.amount}, ours {ours.amount}"


def first_interest(case: dict[str, Any]) -> tuple[str, str]:
    terms = case["terms"]
    balance = money(terms["principal"])
    if "disbursed" in terms:
        dates = [date.fromisoformat(terms["first_due"])]
        starts = date.fromisoformat(terms["disbursed"])
        (period,) = by_day_count(terms["annual_rate_percent"], starts, dates, DayCount.ACT_365F)
    else:
        (period,) = monthly(terms["annual_rate_percent"], 1)
    assert interest_of(balance, period.rate) == money(case["expected"]["interest_paid"])
    return INTEREST, "of the first item; how its payment is booked is theirs"


def days_charged(case: dict[str, Any]) -> tuple[str, str]:
    terms = case["terms"]
    starts = date.fromisoformat(terms["disbursed"])
    days, expected = (34, "interest_rounded_unit") if "demand" in case["id"] else (2, "interest_row_1")
    minor = accrue(
        principal=money(terms["principal"]),
        annual_rate=Decimal(terms["annual_rate_percent"]),
        start=starts,
        end=starts + timedelta(days=days),
        day_count=DayCount.ACT_365F,
    )
    scale = 100 if "demand" in case["id"] else 1
    want = Decimal(str(case["expected"][expected])) * 100
    assert (minor / scale).quantize(Decimal(1)) == want / scale
    return SAME, "interest of the odd days"


def one_payment(case: dict[str, Any]) -> tuple[str, str]:
    terms = Terms(money(case["terms"]["principal"]), date(2026, 1, 1), Frequency.MONTHLY)
    found = instalments(terms, payment=money(case["terms"]["instalment"]))
    assert found.schedule is not None
    assert found.schedule.count == case["expected"]["instalment_count"]
    return SAME, ""


def prorated(case: dict[str, Any]) -> tuple[str, str]:
    """A quarter of which a part bears another rate: the parts are by days, here 14 and 75 of 89."""
    starts, ends = (date.fromisoformat(case["terms"][name]) for name in ("cycle_start", "cycle_end"))
    middle = date(2011, 2, 24)
    found = []
    for since, to in ((starts, middle), (middle, ends)):
        terms = Terms(money("1"), ends, Frequency.QUARTERLY, bands=(Band(Decimal(400), since, to),))
        found.append(str(terms.periods(1)[0].rate))
    assert found == case["expected"]["fractions"]
    return SAME, "a rate band inside a quarter"


def quarters(case: dict[str, Any]) -> tuple[str, str]:
    rows = [(money(row["principal"]), money(row["interest"])) for row in case["expected"]["rows"]]
    terms = Terms(
        balance=money(case["terms"]["principal"]),
        first=date(2026, 4, 1),
        frequency=Frequency.QUARTERLY,
        annual_rate=Decimal(case["terms"]["annual_rate_percent"]),
        since=date(2026, 1, 1),
        day_count=DayCount.ACT_365F if "act-365" in case["id"] else None,
    )
    periods = terms.periods(8)
    assert [str(period.due_on) for period in periods] == [row["due_date"] for row in case["expected"]["rows"]]
    return compared(terms.balance, periods, rows)


def harvest(case: dict[str, Any]) -> tuple[str, str]:
    terms = Terms(
        balance=money(case["terms"]["principal"]),
        first=date(2026, 8, 31),
        frequency=Frequency.SEASONAL,
        annual_rate=Decimal(case["terms"]["annual_rate_percent"]),
        since=date(2026, 3, 1),
        day_count=DayCount.ACT_365F,
        season=(8, 9, 10),
    )
    schedule = seasonal(terms, count=6, interest_every_month=False).schedule
    assert schedule is not None
    assert [(str(item.due_on), item.principal, item.interest) for item in schedule.items] == [
        (row["due_date"], money(row["principal"]), money(row["interest"])) for row in case["expected"]["rows"]
    ]
    return SAME, ""


def real_levels(case: dict[str, Any]) -> tuple[str, str]:
    more = []
    for loan in case["expected"]["loans"]:
        rate = Fraction(loan["annual_rate_percent"]) / 1200
        found = level_payment(balance=money(loan["principal"]), rate=rate, count=int(loan["instalments"]))
        difference = found - money(loan["instalment"])
        # Interest rounded every month can need a cent more, so that the last is not the largest.
        assert 0 <= difference.minor <= 1
        more.append(difference.minor)
    if not any(more):
        return SAME, f"{len(more)} loans"
    return AT_THEIR_LEVEL, f"{len(more)} loans; in {sum(more)} ours is a cent more, so that the last is not the largest"


def fsharp(case: dict[str, Any]) -> tuple[str, str]:
    """FSharp.Finance.Personal by the actuarial method: interest by the day, rounded down.

    Its last payment may be the largest; rows of the schedule before anything was paid.
    """
    terms, expected = case["terms"], case["expected"]
    printed = expected.get("initial_schedule") or expected["rows"]
    following = "initial_schedule" in expected
    starts = date.fromisoformat(terms["start_date"])
    lines = printed[1:]
    rows = [(money(row["principal_portion"]), money(row["interest_portion"])) for row in lines]
    dates = [starts + timedelta(days=int(row["day"])) for row in lines]
    daily = Fraction(re.match(r"([\d.]+) % per day", terms["standard_rate"]).group(1)) / 100
    gaps = [(to - since).days for since, to in zip([starts, *dates], dates, strict=False)]
    periods = [Period(day, daily * gap) for day, gap in zip(dates, gaps, strict=True)]
    annual = daily * 36500
    assert all(
        period.rate == annual / 100 * year_fraction(start=since, end=period.due_on, day_count=DayCount.ACT_365F)
        for since, period in zip([starts, *dates], periods, strict=False)
    )
    by_a_unit = terms["interest_rounding"] == "rounded down"
    verdict, note = compared(money(terms["principal"]), periods, rows, by_a_unit=by_a_unit)
    return verdict, f"{note}; before the first payment" if following else note


HOW: dict[str, Callable[[dict[str, Any]], tuple[str, str]]] = {
    "fineract-emi-": emi,
    "fineract-ratefactor-": rate_factors,
    "fineract-int-monthly-dates-": monthly_dates,
    "fineract-int-": plain_rows,
    "fineract-e2e-": e2e,
    "lending-280000-": units_rows,
    "lending-1000000-": first_interest,
    "lending-demand-34d": days_charged,
    "lending-emi-": emi_in_units,
    "lending-broken-period-upfront": days_charged,
    "lending-zero-interest-periods": one_payment,
    "lending-dates-end": month_ends,
    "killbill-": prorated,
    "computed-quarterly-": quarters,
    "computed-seasonal-": harvest,
    "real-lc-": real_levels,
    "fsharp-": fsharp,
}


def line_of(case: dict[str, Any]) -> str:
    why = reason_for(case["id"])
    if why:
        return f"| {case['id']} | not offered | {why} |"
    how = next(how for start, how in HOW.items() if case["id"].startswith(start))
    verdict, note = how(case)
    return f"| {case['id']} | {verdict} | {note} |"


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["id"])
def test_what_comes_out_is_what_the_page_says(case: dict[str, Any]) -> None:
    assert line_of(case) in PAGE.read_text().splitlines()


def test_every_case_has_its_line_and_the_page_counts_them() -> None:
    page = PAGE.read_text().partition("## Every case")[2].splitlines()
    lines = [line for line in page if line.startswith("| ") and not line.startswith("| case |")]
    assert len(lines) == len(cases()) == HOW_MANY
    counts = Counter(line.split(" | ")[1] for line in lines)
    for verdict, count in counts.items():
        assert f"| {verdict} | {count} |" in PAGE.read_text()
