"""Limits with defaults, for tests: those of the published negotiation examples unless told otherwise."""

from datetime import date
from decimal import Decimal
from typing import Any

from portal.limits.cards import Card, InterestPolicy, Limits, LimitsSet, When
from portal.money import Money
from portal.schedules.dates import WITHOUT_SEASON


def some_limits(*, currency: str = "USD", **changes: Any) -> Limits:
    """Return limits: least 50, 24 months (60 in hardship), cushion 10%, steps of 1, steps up after 3 months."""
    values: dict[str, Any] = {
        "min_payment": Money.of(50, currency),
        "min_percent_bps": 0,
        "hardship_min_payment": Money.of(10, currency),
        "max_term_months": 24,
        "hardship_max_term_months": 60,
        "first_payment_within_days": 31,
        "frequencies": WITHOUT_SEASON,
        "interest_policy": InterestPolicy.CONTRACT,
        "reduced_rate": None,
        "auto_accept_months": 24,
        "grace_days": 5,
        "cure_days": 30,
        "tolerance": Money.of(1, currency),
        "offer_validity_days": 14,
        "cushion_bps": 1000,
        "affordability_step": Money.of(1, currency),
        "step_months": 3,
        **changes,
    }
    if isinstance(values["reduced_rate"], str):
        values["reduced_rate"] = Decimal(values["reduced_rate"])
    return Limits(**values)


def a_card(name: str = "All", *, when: When | None = None, **changes: Any) -> Card:
    """Return a card for every debt unless told otherwise, with the limits above."""
    return Card(name=name, when=when or When(), limits=some_limits(**changes))


def a_set(*cards: Card) -> LimitsSet:
    """Return one version with these cards, or with one for every debt."""
    return LimitsSet(name="Test", effective_from=date(2026, 3, 1), cards=cards or (a_card(),))
