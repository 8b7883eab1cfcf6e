"""Offers are the nearest yes: against a search through everything that could be asked, on small spaces."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from portal.limits.cards import (
    Component,
    Discount,
    DiscountBand,
    DownPayment,
    Holiday,
    Limits,
    ReducedPayment,
)
from portal.money import Money
from portal.offers import asked as asking
from portal.offers.answering import answer
from portal.offers.answers import Answer, Change, Input, Outcome, Reason
from portal.offers.asked import Lower, Pause, Regular, Settlement, Steps
from portal.offers.owed import History, Means, Owed
from portal.schedules.arrangements import Parts
from portal.schedules.dates import Frequency
from portal.schedules.pauses import Accrual, Keeps
from tests.rules.limits_factory import some_limits

TODAY = date(2026, 1, 15)
FIRST = date(2026, 1, 31)
bounded = settings(max_examples=60, deadline=None)
PERSON = {
    Outcome.COUNTER_LOWER_HARDSHIP_REVIEW,
    Outcome.REVIEW_HARDSHIP,
    Outcome.REFER_TOKEN,
    Outcome.SIGNPOST_AND_HOLD,
}


def jpy(minor: int) -> Money:
    return Money(minor, "JPY")


def monthly(payment: int) -> Regular:
    return Regular(jpy(payment), Frequency.MONTHLY, FIRST)


def repays(balance: int, rate: Decimal, payment: int, months: int) -> bool:
    """Pay month by month, interest rounded half up; without any formula."""
    for _ in range(months):
        interest = int(balance * rate / 1200 + Decimal("0.5"))
        if payment <= interest and balance > 0:
            return False
        balance += interest - payment
        if balance <= 0:
            return True
    return False


@st.composite
def small(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a card and a debt so small that everything can be tried."""
    months = draw(st.integers(1, 12))
    least = draw(st.integers(1, 40))
    limits = some_limits(
        currency="JPY",
        min_payment=jpy(least),
        hardship_min_payment=jpy(draw(st.integers(0, least))),
        max_term_months=months,
        hardship_max_term_months=months + draw(st.integers(0, 12)),
        auto_accept_months=draw(st.integers(0, months)),
        affordability_step=jpy(draw(st.sampled_from([1, 5]))),
        cushion_bps=draw(st.sampled_from([0, 1000])),
        step_months=draw(st.integers(0, months - 1)),
        holiday=Holiday(
            draw(st.integers(0, 4)),
            draw(st.integers(0, 4)),
            2,
            draw(st.sampled_from(Accrual)),
            draw(st.sampled_from(Keeps)),
        ),
        reduced_payment=ReducedPayment(draw(st.integers(1, 6)), draw(st.sampled_from([1000, 5000, 9000]))),
        down_payment=DownPayment(draw(st.sampled_from([500, 2000]))),
        discount=Discount(
            bands=(
                DiscountBand(0, None, draw(st.sampled_from([1000, 3000, 8000])), draw(st.sampled_from([500, 1000]))),
            ),
            ceilings_bps=tuple((part, draw(st.sampled_from([0, 5000, 10_000]))) for part in Component),
            most_instalments=6,
        ),
        auto_accept_discount_bps=draw(st.sampled_from([0, 500, 2500])),
    )
    principal = draw(st.integers(1, 200))
    parts = Parts(jpy(principal), *(jpy(draw(st.integers(0, 40))) for _ in range(4)))
    surplus = draw(st.none() | st.integers(1, 120))
    return {
        "owed": Owed(parts.total, draw(st.sampled_from(["0", "12", "60"]).map(Decimal)), parts=parts),
        "limits": limits,
        "means": None if surplus is None else Means(jpy(surplus)),
        "history": History(
            pause_months_in_12=draw(st.integers(0, 2)), payments_since_pause=draw(st.sampled_from([None, 1, 2]))
        ),
        "today": TODAY,
    }


def can_pay(case: dict[str, Any]) -> int | None:
    means, limits = case["means"], case["limits"]
    if means is None:
        return None
    kept = means.amount.minor * (10_000 - limits.cushion_bps) // 10_000
    return kept - kept % limits.affordability_step.minor


def is_allowed(case: dict[str, Any], payment: int) -> bool:
    """Tell whether a monthly payment is inside the card and affordable, by paying it."""
    limits, owed = case["limits"], case["owed"]
    balance = owed.balance.minor
    total = balance + int(balance * owed.annual_rate / 1200 + Decimal("0.5"))
    if payment >= total:
        payment = total
    least = min(limits.min_payment.minor, balance)
    if payment < min(least, total) or not repays(balance, owed.annual_rate, payment, limits.max_term_months):
        return False
    can = can_pay(case)
    return can is None or payment <= can


@bounded
@given(case=small(), payment=st.integers(1, 500))
def test_a_payment_is_accepted_exactly_if_it_is_allowed_and_else_the_nearest_is_offered(
    case: dict[str, Any], payment: int
) -> None:
    found = answer(asked=monthly(payment), **case)
    allowed = [each for each in range(1, 600) if is_allowed(case, each)]
    assert (found.outcome is Outcome.ACCEPT) == (payment in allowed or (payment > 599 and bool(allowed)))
    if found.outcome is Outcome.ACCEPT or found.plan is None:
        assert found.outcome is Outcome.ACCEPT or not allowed
        return
    offered = found.change.value.minor if isinstance(found.change.value, Money) else found.plan.payment.minor
    nearest = min(allowed, key=lambda each: abs(each - payment))
    step = case["limits"].affordability_step.minor
    # What is affordable is offered in whole steps; what is least is offered to the unit.
    assert nearest - step < offered <= nearest if payment > nearest else offered == nearest


@bounded
@given(case=small(), payment=st.integers(1, 300), months=st.integers(1, 6))
def test_the_longest_pause_that_works_is_offered(case: dict[str, Any], payment: int, months: int) -> None:
    found = answer(asked=Pause(months, monthly(payment)), **case)
    if found.outcome in PERSON or answer(asked=monthly(payment), **case).outcome is not Outcome.ACCEPT:
        return
    works = [
        each
        for each in range(1, months + 1)
        if answer(asked=Pause(each, monthly(payment)), **case).outcome is Outcome.ACCEPT
    ]
    assert (found.outcome is Outcome.ACCEPT) == (months in works)
    if found.outcome is not Outcome.ACCEPT:
        assert found.change == Change(Input.PAUSE_MONTHS, max(works, default=0))
    limits, history = case["limits"], case["history"]
    too_soon = history.payments_since_pause is not None and history.payments_since_pause < 2
    most = min(limits.holiday.most_months_running, limits.holiday.most_months_in_12 - history.pause_months_in_12)
    assert max(works, default=0) <= (0 if too_soon else max(0, most))
    if limits.holiday.interest is Accrual.FROZEN or not case["owed"].annual_rate:
        # A pause that costs nothing is refused for no other reason than how long it is.
        assert len(works) == min(months, 0 if too_soon else max(0, most))


@bounded
@given(case=small(), amount=st.integers(1, 400), parts=st.integers(1, 8))
def test_a_settlement_is_accepted_exactly_if_it_is_allowed_and_the_nearest_stands_beside_it(
    case: dict[str, Any], amount: int, parts: int
) -> None:
    owed, limits = case["owed"], case["limits"]
    balance = owed.balance.minor
    assume(amount < balance)
    found = answer(asked=Settlement(jpy(amount), FIRST, parts), **case)
    if found.outcome is Outcome.SIGNPOST_AND_HOLD:
        return

    def least(alone: bool) -> int:
        """Try every amount from nothing up, part by part."""
        band = limits.discount.bands[0]
        share = band.lump_bps if parts == 1 else band.staged_bps
        share = min(share, limits.auto_accept_discount_bps) if alone else share
        most = sum(
            getattr(owed.parts, part.value).minor * ceiling // 10_000 for part, ceiling in limits.discount.ceilings_bps
        )
        return next(
            each
            for each in range(balance + 1)
            if balance - each <= most and (balance - each) * 10_000 <= balance * share
        )

    def fewest(total: int) -> int | None:
        can = can_pay(case)
        if parts == 1 or can is None:
            return min(parts, 6)
        return next((n for n in range(min(parts, 6), 7) if -(-total // n) <= can or total <= can), None)

    alone, card = least(True), least(False)
    if amount >= alone:
        if fewest(amount) is None:
            assert found.outcome in PERSON
        else:
            assert found.plan is not None
            assert found.plan.total == jpy(amount)
            assert (found.outcome is Outcome.ACCEPT) == (fewest(amount) == parts)
        return
    # Below what is agreed alone a person decides, whatever the card says.
    assert found.arrangement is None
    assert found.needs_person
    assert (found.outcome is Outcome.ACCEPT) == (amount >= card and fewest(amount) == parts)
    settled = [offer for offer in found.alternatives if offer.arrangement.waiver]
    if alone < balance and fewest(alone) is not None:
        assert found.change == Change(Input.SETTLEMENT_AMOUNT, jpy(alone))
        assert settled[0].schedule.total == jpy(alone)
    nearest = max(amount, card)
    if found.for_person is not None:
        assert found.for_person.schedule is not None
        assert found.for_person.schedule.total == jpy(nearest)


@bounded
@given(case=small(), payment=st.integers(1, 100), months=st.integers(1, 8))
def test_the_nearest_lower_payment_is_offered(case: dict[str, Any], payment: int, months: int) -> None:
    def given_to(payment: int, months: int) -> Answer:
        return answer(asked=Lower(months, monthly(payment)), **case)

    found = given_to(payment, months)
    if found.arrangement is None or found.arrangement.left_at_review is None:
        return
    plan = found.arrangement.schedule
    assert plan is not None
    accepted = [
        (each, many)
        for each in range(1, 101)
        for many in range(1, months + 1)
        if (it := given_to(each, many)).outcome is Outcome.ACCEPT and it.arrangement and it.arrangement.review_on
    ]
    if found.outcome is Outcome.ACCEPT:
        assert (payment, months) in accepted
    elif accepted:
        nearest = min(accepted, key=lambda one: (abs(one[0] - payment), abs(one[1] - months)))
        step = case["limits"].affordability_step.minor
        assert nearest[0] - step < plan.payment.minor <= nearest[0] or plan.payment.minor == nearest[0]


@bounded
@given(case=small(), down=st.integers(1, 100), payment=st.integers(1, 200))
def test_a_down_payment_leaves_a_plan_of_the_rest_by_the_same_rules(
    case: dict[str, Any], down: int, payment: int
) -> None:
    owed, limits = case["owed"], case["limits"]
    least = -(-owed.balance.minor * limits.down_payment.least_bps // 10_000)
    assume(max(down, least) < owed.balance.minor)
    then = Regular(jpy(payment), Frequency.MONTHLY, date(2026, 2, 28))
    found = answer(asked=asking.DownPayment(jpy(down), FIRST, then), **case)
    rest = replace(owed, balance=owed.balance - jpy(max(down, least)), parts=None)
    alone = answer(asked=replace(then, first_due=FIRST), **{**case, "owed": rest})
    if alone.plan is None:
        assert found.plan is None
        return
    assert found.plan is not None
    assert [item.amount for item in found.plan.items[1:]] == [item.amount for item in alone.plan.items]
    assert found.plan.payment == jpy(max(down, least))
    assert (found.outcome is Outcome.ACCEPT) == (alone.outcome is Outcome.ACCEPT and down >= least)


@bounded
@given(
    case=small(),
    steps=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 120)), min_size=1, max_size=2),
    last=st.integers(1, 150),
)
def test_steps_are_accepted_exactly_if_they_are_allowed(
    case: dict[str, Any], steps: list[tuple[int, int]], last: int
) -> None:
    limits: Limits = case["limits"]
    owed: Owed = case["owed"]
    found = answer(asked=Steps(tuple((count, jpy(amount)) for count, amount in steps), monthly(last)), **case)
    if found.outcome is Outcome.SIGNPOST_AND_HOLD:
        return
    payments = [amount for count, amount in steps for _ in range(count)]
    balance = owed.balance.minor
    months = limits.max_term_months
    usual = next(each for each in range(1, 900) if is_allowed({**case, "means": None}, each))
    lowest = min(limits.min_payment.minor, balance)
    left, paid = balance, []
    for payment in [*payments, *[last] * max(0, months - len(payments))][:months]:
        interest = int(left * owed.annual_rate / 1200 + Decimal("0.5"))
        if payment <= interest:
            break
        paid.append(min(payment, left + interest))
        left += interest - paid[-1]
        if not left:
            break
    can = can_pay(case)
    rises = all(one <= other for one, other in zip(payments, [*payments[1:], last], strict=True))
    allowed = (
        not left
        and rises
        and min(payments) >= lowest
        and sum(count for count, amount in steps if amount < usual) <= limits.step_months
        and len(payments) < months
        and (can is None or max(paid) <= can or sum(paid) <= can)
    )
    once = owed.balance.minor + int(balance * owed.annual_rate / 1200 + Decimal("0.5"))
    if allowed and max(*payments, last) < once:
        assert found.outcome is Outcome.ACCEPT
        assert found.plan is not None
        assert [item.amount.minor for item in found.plan.items] == paid
    elif found.outcome is Outcome.ACCEPT:
        # Whoever offers all of it at once, or steps that never begin, gets a usual plan.
        assert max(*payments, last) >= once or (found.plan is not None and found.plan.total.minor == sum(paid))


@pytest.mark.parametrize(("rounds", "person"), [(2, False), (3, True)])
def test_after_three_rounds_a_person_is_named_and_what_would_work_still_does(rounds: int, person: bool) -> None:
    case: dict[str, Any] = {"owed": Owed(jpy(3600)), "limits": some_limits(currency="JPY"), "today": TODAY}
    found = answer(asked=monthly(100), means=Means(jpy(180)), history=History(rounds=rounds), **case)
    assert (found.needs_person, Reason.ROUNDS_USED_UP in found.reasons) == (False, person)
    assert found.plan is not None and str(found.plan.payment) == "150 JPY"
    assert answer(asked=monthly(160), history=History(rounds=9), **case).is_agreed_alone
