"""Caps of those who say yes: what lies within them, and that a wider card is never a narrower one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from portal.limits.cards import AgentCaps
from portal.money import Money
from portal.plans.caps import Cap, Reach, beyond, cap_of_agent, is_within, widened
from portal.schedules.arrangements import instalments
from portal.schedules.dates import Frequency
from portal.schedules.rates import Terms
from tests.rules.test_limits_checks import a_card

FIRST = date(2026, 6, 1)
MONTHS, BPS = st.integers(1, 120), st.integers(0, 10_000)


@given(count=st.integers(1, 60), months=MONTHS, paused=st.integers(0, 6))
def test_months_are_counted_in_payments_and_those_of_a_pause_with_them(count: int, months: int, paused: int) -> None:
    owed = Money(count * 1_000, "USD")
    plan = instalments(Terms(owed, FIRST, Frequency.MONTHLY), count=count)
    inside = is_within(Cap(months, 0), plan, owed=owed, season=(), paused_months=paused)
    assert inside == (count + paused <= months)
    assert is_within(None, plan, owed=owed, season=(), paused_months=paused)


def test_104_weeks_are_24_months_and_105_are_more() -> None:
    for count, inside in ((104, True), (105, False)):
        owed = Money(count * 1_000, "USD")
        plan = instalments(Terms(owed, FIRST, Frequency.WEEKLY), count=count)
        assert is_within(Cap(24, 0), plan, owed=owed, season=()) == inside


@given(months=MONTHS, bps=BPS, most=st.none() | MONTHS)
def test_nobody_goes_further_than_the_card_says_that_a_person_may(months: int, bps: int, most: int | None) -> None:
    limits = a_card(agents=AgentCaps(bps, months), person_up_to_months=most).limits
    found = beyond(limits)
    assert found[Reach.AGENT] == Cap(months, bps)
    assert Reach.SENIOR not in found or found[Reach.SENIOR] == Cap(most or months, bps)
    assert beyond(replace(limits, agents=None)) == {} and cap_of_agent(replace(limits, agents=None)) is None
    # What is agreed without anybody may be granted by everybody.
    cap = cap_of_agent(limits)
    assert cap is not None and cap.months >= limits.auto_accept_months


@given(months=MONTHS, bps=BPS)
def test_a_widened_card_has_all_that_the_card_has(months: int, bps: int) -> None:
    limits = a_card().limits
    wide = widened(limits, Cap(months, bps))
    assert wide.max_term_months == max(limits.max_term_months, months)
    if limits.discount is not None and wide.discount is not None:
        assert wide.discount.ceilings_bps == limits.discount.ceilings_bps
        for before, after in zip(limits.discount.bands, wide.discount.bands, strict=True):
            assert after.lump_bps == max(before.lump_bps, bps) and after.staged_bps == max(before.staged_bps, bps)
    assert (wide.min_payment, wide.person_up_to_months) == (limits.min_payment, limits.person_up_to_months)
