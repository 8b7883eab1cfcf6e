"""Random cards, debts and requests for tests of the answers, and whether an arrangement is inside a card."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from portal.limits.cards import (
    Component,
    Discount,
    DiscountBand,
    DownPayment,
    Holiday,
    InterestPolicy,
    Limits,
    NewPlans,
    RateBand,
    ReducedPayment,
    Token,
    Waiver,
    YearDay,
)
from portal.money import Money
from portal.offers import asked as asking
from portal.offers.answers import Offer
from portal.offers.asked import Asked, Lower, Pause, Regular, Settlement, Steps
from portal.offers.owed import History, Means, Owed
from portal.schedules.arrangements import Arrangement, Kind, Parts, Vesting
from portal.schedules.dates import WITHOUT_SEASON, Frequency, per_year
from portal.schedules.pauses import Accrual, Keeps
from portal.schedules.schedule import Schedule
from tests.rules.limits_factory import some_limits

TODAY = date(2026, 1, 15)
currencies = st.sampled_from(["USD", "JPY", "KWD"])
amounts = st.integers(1, 2_000_000) | st.integers(1, 300)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def bps(least: int = 0, most: int = 10_000) -> st.SearchStrategy[int]:
    return st.integers(least // 500, most // 500).map(lambda each: each * 500)


@st.composite
def cards(draw: st.DrawFn, currency: str) -> Limits:
    """Draw a card with everything that a lender can write, as a draft check would let it through."""
    standard = draw(st.integers(1, 60))
    least = draw(st.integers(1, 20_000))
    hardship = standard + draw(st.integers(0, 60))
    policy = draw(st.sampled_from(InterestPolicy))
    lump = draw(bps(500))
    band = DiscountBand(0, None, lump, draw(bps(0, lump)))
    discount = draw(
        maybe(
            st.builds(
                Discount,
                bands=st.just((band,)),
                ceilings_bps=st.tuples(*(bps().map(lambda share, part=part: (part, share)) for part in Component)),
                most_instalments=st.integers(2, 12),
            )
        )
    )
    season = draw(st.sampled_from([(), (9,), (3, 9), (6, 9, 10)]))
    frequencies = draw(st.lists(st.sampled_from(WITHOUT_SEASON), min_size=1, unique=True))
    return some_limits(
        currency=currency,
        min_payment=Money(least, currency),
        min_percent_bps=draw(st.sampled_from([0, 100, 250, 10_000])),
        hardship_min_payment=Money(draw(st.integers(0, least)), currency),
        max_term_months=standard,
        hardship_max_term_months=hardship,
        first_payment_within_days=366 if season else draw(st.integers(1, 60)),
        frequencies=(*frequencies, *((Frequency.SEASONAL,) if season else ())),
        season=season,
        interest_policy=policy,
        reduced_rate="6" if policy is InterestPolicy.REDUCED else None,
        rate_bands=draw(st.sampled_from([(), (), (RateBand("harvest", YearDay(8, 16), YearDay(10, 31), Decimal(5)),)])),
        auto_accept_months=draw(st.integers(0, standard)),
        affordability_step=Money(draw(st.sampled_from([1, 10, 100])), currency),
        step_months=draw(st.integers(0, 12)),
        down_payment=draw(maybe(st.builds(DownPayment, bps(500, 5000), maybe(st.integers(0, 200))))),
        discount=discount,
        auto_accept_discount_bps=draw(bps(0, lump)) if discount else 0,
        waiver=draw(
            maybe(
                st.builds(
                    Waiver,
                    st.sampled_from([(Component.PENALTY,), (Component.FEES, Component.INTEREST)]),
                    st.sampled_from(Vesting),
                )
            )
        ),
        holiday=draw(
            maybe(
                st.builds(
                    Holiday,
                    st.integers(1, 6),
                    st.integers(1, 4),
                    st.integers(0, 6),
                    st.sampled_from(Accrual),
                    st.sampled_from(Keeps),
                )
            )
        ),
        reduced_payment=draw(maybe(st.builds(ReducedPayment, st.integers(1, 12), bps(500, 9500)))),
        interest_freeze_months=draw(st.sampled_from([0, 0, 3, 6])),
        token=draw(maybe(st.builds(Token, st.just(Money(1, currency)), st.integers(1, 6)))),
        moratorium_days=draw(st.sampled_from([0, 10, 60])),
        new_plans=draw(maybe(st.builds(NewPlans, st.integers(1, 3), st.integers(3, 6), st.integers(0, 30)))),
        person_up_to_months=draw(maybe(st.integers(hardship, 200))),
    )


@st.composite
def debts(draw: st.DrawFn, currency: str) -> Owed:
    weights = [draw(st.integers(0, 100)) for _ in range(4)]
    principal = draw(amounts)
    parts = Parts(Money(principal, currency), *(Money(principal * weight // 200, currency) for weight in weights))
    return Owed(
        balance=parts.total,
        annual_rate=draw(st.sampled_from(["0", "4.5", "18", "36", "90"]).map(Decimal)),
        bearing=Fraction(principal, parts.total.minor),
        parts=parts,
        days_late=draw(st.integers(0, 400)),
    )


@st.composite
def requests(draw: st.DrawFn, limits: Limits, owed: Owed) -> Asked:
    """Draw what somebody asks for, mostly near the limits: there the answers lie side by side."""
    currency, balance = owed.balance.currency, owed.balance.minor

    def payment() -> Money:
        about = balance * draw(st.integers(-20, 300)) // (100 * limits.max_term_months)
        return Money(draw(st.just(max(1, about)) | amounts), currency)

    tidy, latest = draw(st.integers(0, 3)) > 0, limits.first_payment_within_days
    regular = Regular(
        payment(),
        draw(st.sampled_from(limits.frequencies if tidy else tuple(Frequency))),
        TODAY + timedelta(days=draw(st.integers(0, latest) if tidy else st.integers(-40, 90))),
        draw(st.none() | st.integers(1, 31)),
    )
    months = draw(st.integers(1, 13))
    match draw(st.integers(0, 5)):
        case 0:
            return regular
        case 1:
            counts = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
            payments = [payment() for _ in counts]
            payments = sorted(payments) if tidy else payments
            return Steps(tuple(zip(counts, payments, strict=True)), regular)
        case 2:
            share = Money(balance * draw(st.integers(1, 60)) // 100, currency)
            first = regular.first_due
            return asking.DownPayment(share, first - timedelta(days=draw(st.integers(0, 30))), regular)
        case 3:
            return Pause(months, regular)
        case 4:
            return Lower(months, regular)
        case _:
            amount = Money(balance * draw(st.integers(1, 105)) // 100, currency)
            weekly = draw(st.sampled_from(WITHOUT_SEASON))
            return Settlement(amount, regular.first_due, draw(st.integers(1, 13)), weekly, regular.anchor_day)


histories = st.builds(
    History,
    pause_months_in_12=st.sampled_from([0, 0, 1, 3]),
    payments_since_pause=maybe(st.integers(0, 6)),
    plans_in_12_months=st.sampled_from([0, 0, 1, 2]),
    plans_in_all=st.integers(0, 4),
    days_since_break=maybe(st.integers(0, 40)),
    rounds=st.sampled_from([0, 0, 2, 3, 4]),
)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """Draw all that an answer is reckoned from."""
    currency = draw(currencies)
    limits = draw(cards(currency))
    owed = draw(debts(currency))
    about = owed.balance.minor * draw(st.integers(-10, 300)) // (100 * limits.max_term_months)
    surplus = draw(st.none() | st.just(about) | st.integers(-500, 60_000))
    return {
        "asked": draw(requests(limits, owed)),
        "owed": owed,
        "limits": limits,
        "means": None if surplus is None else Means(Money(surplus, currency)),
        "history": draw(histories),
        "today": TODAY,
    }


def affordable(case: dict[str, Any]) -> Money | None:
    """Give what is affordable a month, reckoned anew."""
    means, limits = case["means"], case["limits"]
    if means is None:
        return None
    kept = max(0, means.amount.minor) * (10_000 - limits.cushion_bps) // 10_000
    return Money(kept - kept % limits.affordability_step.minor, means.amount.currency)


def fits(plan: Schedule, case: dict[str, Any], *, but_first: bool = False) -> bool:
    """Tell whether a month of it is affordable; a down payment comes from money that somebody has."""
    can = affordable(case)
    if can is None:
        return True
    amounts = [item.amount.minor for item in plan.items][1 if but_first else 0 :]
    a_year = per_year(frequency=plan.frequency, season=case["limits"].season)
    return max(amounts) * a_year <= can.minor * 12 or sum(amounts) <= can.minor


def inside(arrangement: Arrangement, case: dict[str, Any]) -> None:
    """Assert that an arrangement that is accepted or offered is inside the card, adds up, and is affordable."""
    limits: Limits = case["limits"]
    owed: Owed = case["owed"]
    plan = arrangement.schedule
    assert plan is not None
    kind = arrangement.kind
    days = [item.due_on for item in plan.items]
    assert all(earlier < later for earlier, later in pairwise(days))
    assert days[0] >= TODAY
    assert all(item.amount.minor > 0 and item.amount == item.principal + item.interest for item in plan.items)
    assert all(item.principal.minor >= 0 and item.interest.minor >= 0 for item in plan.items)
    # One payment has no rhythm.
    assert plan.frequency in limits.frequencies or kind in (Kind.TOKEN, Kind.SETTLEMENT_LUMP)

    # What is paid of the balance, what is let off, and what is left are the balance, to the last unit.
    zero = Money.zero(owed.balance.currency)
    principal = sum((item.principal for item in plan.items), zero)
    waived = arrangement.waiver.parts.total if arrangement.waiver else zero
    grown = arrangement.grows_by or zero
    if kind in (Kind.REDUCED_PAYMENT, Kind.TOKEN):
        assert arrangement.left_at_review is not None
        assert grown == zero
        assert arrangement.left_at_review == owed.balance - principal or kind is Kind.REDUCED_PAYMENT
        assert arrangement.review_on is not None
        assert arrangement.review_on >= days[-1]
    else:
        assert principal + waived == owed.balance + grown
        assert grown == zero or kind is Kind.HOLIDAY
    if arrangement.waiver is not None:
        assert sum(arrangement.waiver.with_item, zero) == waived

    down = kind is Kind.DOWN_PAYMENT_FIRST
    if kind is not Kind.TOKEN:
        lump = kind is Kind.SETTLEMENT_LUMP
        assert lump or fits(plan, case, but_first=down and plan.count > 1)
    a_year = per_year(frequency=plan.frequency, season=limits.season)
    longest = max(1, limits.max_term_months * a_year // 12)
    # Some run until somebody looks again, and not to an end.
    if kind is Kind.TOKEN:
        assert limits.token is not None
        longest = max(1, limits.token.review_after_months)
    if kind is Kind.REDUCED_PAYMENT:
        assert limits.reduced_payment is not None
        longest = max(1, limits.reduced_payment.most_months * a_year // 12)
    assert plan.count <= max(longest, limits.discount.most_instalments if limits.discount else 1) + (1 if down else 0)
    months = 12 * max(limits.holiday.most_months_running if kind is Kind.HOLIDAY and limits.holiday else 0, 0)
    latest = TODAY + timedelta(days=limits.first_payment_within_days + 3 * months)
    assert days[0] <= latest
    if kind in (Kind.INSTALMENTS, Kind.SEASONAL, Kind.STEP_UP):
        least = limits.least_payment(balance=owed.balance)
        assert plan.count == 1 or plan.payment.minor * a_year >= least.minor * 12
    if kind in (Kind.SETTLEMENT_LUMP, Kind.SETTLEMENT_STAGED):
        assert limits.discount is not None
        band = limits.discount.bands[0]
        most = band.lump_bps if kind is Kind.SETTLEMENT_LUMP else band.staged_bps
        assert waived.minor * 10_000 <= owed.balance.minor * min(most, limits.auto_accept_discount_bps)
        assert arrangement.waiver is not None
        for component in Component:
            part = getattr(arrangement.waiver.parts, component.value).minor
            ceiling = limits.discount.ceiling_bps(component)
            assert part * 10_000 <= getattr(owed.in_parts, component.value).minor * ceiling
        assert plan.count <= limits.discount.most_instalments
    if kind is Kind.DOWN_PAYMENT_FIRST:
        assert limits.down_payment is not None
        assert plan.payment.minor * 10_000 >= owed.balance.minor * limits.down_payment.least_bps
        assert arrangement.void_unless_paid_by == days[0]


def shown(found: Any) -> list[Arrangement]:
    """Give all that is accepted or offered."""
    offers: tuple[Offer, ...] = found.alternatives
    mine = [found.arrangement] if found.arrangement is not None else []
    return [*mine, *(offer.arrangement for offer in offers)]
