"""A plan bears interest on principal alone: nothing on fees, charges or interest."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from portal.limits.cards import InterestPolicy
from portal.money import Money
from portal.offers.answering import answer
from portal.offers.asked import Regular
from portal.offers.owed import Owed
from portal.schedules.dates import Frequency
from tests.rules.limits_factory import some_limits

TODAY = date(2026, 5, 4)


def first_interest(owed: Owed) -> Money:
    limits = replace(some_limits(), interest_policy=InterestPolicy.REDUCED, reduced_rate=Decimal(6))
    asked = Regular(Money(20_000, "USD"), Frequency.MONTHLY, date(2026, 5, 28), 28)
    given = answer(asked=asked, owed=owed, limits=limits, today=TODAY)
    assert given.plan is not None
    return given.plan.items[0].interest


def test_fees_bear_no_interest_under_a_reduced_rate() -> None:
    # 1,000.00 of principal at 6 percent a year is 5.00 in the first month, whatever stands beside it.
    assert first_interest(Owed(Money(200_000, "USD"), Decimal(18), Fraction(1, 2))) == Money(500, "USD")
    assert first_interest(Owed(Money(200_000, "USD"), Decimal(18))) == Money(1_000, "USD")
