"""One answer of the rules, with all its alternatives and its trace: how long it takes, and how it grows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from portal.affordability.budget import Evidence
from portal.affordability.surplus import Surplus
from portal.limits.cards import (
    Card,
    Component,
    Discount,
    DiscountBand,
    InterestPolicy,
    Limits,
    LimitsSet,
    Waiver,
    When,
)
from portal.money import Money
from portal.offers.answering import answer
from portal.offers.asked import Regular
from portal.offers.owed import Means, Owed, means_of
from portal.schedules.arrangements import Parts, Vesting
from portal.schedules.dates import Frequency
from portal.schedules.schedule import by_count

TODAY = date(2026, 1, 15)
FIRST = date(2026, 1, 31)
PAYMENTS = 60


@dataclass(frozen=True, slots=True)
class Compared:
    """Processor seconds of one answer (or of all that are asked for at once) and of the floor; medians of rounds."""

    name: str
    answer: float
    floor: float


def _usd(amount: int) -> Money:
    return Money(amount * 100, "USD")


def limits(months: int) -> Limits:
    """Give a card that has an alternative of each kind for somebody who offers too little."""
    return Limits(
        min_payment=_usd(10),
        min_percent_bps=0,
        hardship_min_payment=_usd(5),
        max_term_months=months,
        hardship_max_term_months=2 * months,
        first_payment_within_days=31,
        frequencies=(Frequency.MONTHLY,),
        interest_policy=InterestPolicy.CONTRACT,
        reduced_rate=None,
        auto_accept_months=months,
        grace_days=5,
        cure_days=30,
        tolerance=_usd(1),
        offer_validity_days=14,
        cushion_bps=1000,
        affordability_step=_usd(1),
        step_months=3,
        discount=Discount(
            bands=(DiscountBand(0, None, 3000, 2000),),
            ceilings_bps=tuple((component, 10_000) for component in Component),
            most_instalments=12,
        ),
        waiver=Waiver((Component.PENALTY,), Vesting.ON_LAST_PAYMENT),
        auto_accept_discount_bps=1000,
    )


OWED = Owed(
    _usd(10_000), Decimal(12), Fraction(72, 100), Parts(_usd(7200), _usd(1900), _usd(700), _usd(200), _usd(0)), 30
)


def _asked(payments: int) -> Regular:
    # Nearly what is least, so that the answer is a higher payment, with a smaller start and a waiver beside it.
    return Regular(Money(OWED.balance.minor * 9 // (10 * payments), "USD"), Frequency.MONTHLY, FIRST, 31)


def _one(payments: int) -> Callable[[], object]:
    card, asked, means = limits(payments), _asked(payments), Means(_usd(20_000 // payments + 200))
    return lambda: answer(asked=asked, owed=OWED, limits=card, means=means, today=TODAY)


def _floor(payments: int) -> Callable[[], object]:
    def run() -> object:
        drawn = by_count(
            balance=OWED.balance,
            rate=Fraction(72, 10_000),
            count=payments,
            first=FIRST,
            frequency=Frequency.MONTHLY,
            anchor_day=31,
        )
        # An answer leaves its plans undrawn until somebody reads their items; a floor is a plan that is drawn.
        return drawn.items

    return run


def _with_cards(count: int) -> Callable[[], object]:
    """Find the last of so many cards, and answer by it."""
    never = When(balance_from=_usd(1_000_000))
    cards = [Card(f"Card {at}", never, limits(PAYMENTS)) for at in range(count - 1)]
    whole = LimitsSet("Many", TODAY, (*cards, Card("Last", When(), limits(PAYMENTS))))
    asked = _asked(PAYMENTS)

    def run() -> object:
        card = whole.limits_for(balance=OWED.balance, days_late=OWED.days_late, product="loan")
        assert card is not None
        return answer(asked=asked, owed=OWED, limits=card.limits, means=Means(_usd(600)), today=TODAY)

    return run


def _with_debts(count: int) -> Callable[[], object]:
    """Share what is left over among so many debts, and answer each."""
    surplus = Surplus(_usd(600) * count, _usd(600) * count, Evidence.DECLARED, (), ())
    card, asked = limits(PAYMENTS), _asked(PAYMENTS)

    def run() -> object:
        parts = means_of(surplus, balances=(OWED.balance,) * count)
        return [answer(asked=asked, owed=OWED, limits=card, means=part, today=TODAY) for part in parts]

    return run


def compare(*, rounds: int) -> Iterator[Compared]:
    """Measure answer and floor in turns, by instalments, cards and debts."""
    for payments in (12, PAYMENTS, 120, 240):
        yield _compared(f"{payments} instalments", _one(payments), _floor(payments), rounds)
    for cards in (10, 100):
        yield _compared(f"{PAYMENTS} instalments, {cards} cards", _with_cards(cards), _floor(PAYMENTS), rounds)
    for debts in (3, 10):
        yield _compared(f"{PAYMENTS} instalments, {debts} debts", _with_debts(debts), _floor(PAYMENTS), rounds)


def _compared(name: str, one: Callable[[], object], floor: Callable[[], object], rounds: int) -> Compared:
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for run, times in zip((one, floor), took, strict=True):
            start = time.process_time()
            for _ in range(20):
                run()
            times.append((time.process_time() - start) / 20)
    return Compared(name, statistics.median(took[0]), statistics.median(took[1]))
