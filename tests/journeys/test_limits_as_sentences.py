"""What a lender allows, as sentences on the pages of its staff: nothing of a card is left unsaid."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from portal.db import transaction
from portal.desk.sentences import card_groups
from portal.lenders.models import Lender
from portal.limits import cards
from portal.limits.cards import Card, Limits, When
from portal.limits.reading import parse
from portal.money import Money
from portal.plans import negotiate
from portal.schedules.arrangements import Vesting
from portal.schedules.dates import Frequency
from portal.schedules.pauses import Accrual, Keeps
from portal.staff.roles import Role
from portal.web.languages import force_locale
from tests.factories import LIMITS_WITH_EVERY_WAY, STANDARD_LIMITS
from tests.journeys.staff import a_client, a_worker, cheap, come_to_work
from tests.pages import page_of

_MONEY = Money(4_321, "USD")
# For each thing that a card can say, another value than the one in the file of tests.
OTHER: dict[str, Any] = {
    "min_payment": _MONEY,
    "min_percent_bps": 777,
    "hardship_min_payment": _MONEY,
    "max_term_months": 17,
    "hardship_max_term_months": 119,
    "first_payment_within_days": 13,
    "frequencies": (Frequency.QUARTERLY,),
    "interest_policy": cards.InterestPolicy.CONTRACT,
    "reduced_rate": Decimal("3.5"),
    "auto_accept_months": 5,
    "grace_days": 11,
    "cure_days": 33,
    "tolerance": _MONEY,
    "offer_validity_days": 9,
    "cushion_bps": 1_234,
    "affordability_step": _MONEY,
    "step_months": 0,
    "season": (3,),
    "rate_bands": (cards.RateBand("Harvest", cards.YearDay(9, 1), cards.YearDay(10, 31), Decimal(8)),),
    "down_payment": cards.DownPayment(1_700, 90),
    "discount": None,
    "waiver": cards.Waiver((cards.Component.FEES,), Vesting.WITH_EACH_PAYMENT),
    "holiday": cards.Holiday(4, 3, 2, Accrual.COMPOUND, Keeps.TERM),
    "reduced_payment": cards.ReducedPayment(7, 1_100),
    "interest_freeze_months": 8,
    "token": cards.Token(_MONEY, 7),
    "moratorium_days": 60,
    "new_plans": cards.NewPlans(1, 2, 7),
    "changes": cards.Changes(5, 4, 3, 2, 6),
    "orders": cards.Orders(plan=cards.Order.BY_INSTALMENT),
    "tolerance_bps": 150,
    "auto_accept_discount_bps": 1_300,
    "person_up_to_months": 49,
    "person_up_to_discount_bps": 6_100,
    "agents": cards.AgentCaps(1_900, 77),
    "affordability_model": cards.AffordabilityModel.FLOOR,
    "budget_days": 45,
    "file_days": 12,
}
OTHER_WHEN: dict[str, Any] = {
    "balance_from": _MONEY,
    "balance_to": _MONEY,
    "days_late_from": 3,
    "days_late_to": 99,
    "products": ("Tractor",),
    "attributes": (
        cards.AttributeRule("region", texts=("north", "south")),
        cards.AttributeRule("score", number_to=Decimal(5)),
    ),
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


def said(card: Card) -> str:
    return "\n".join(sentence for group in card_groups(card) for sentence in (group.title, *group.sentences))


def a_card() -> Card:
    """Give a card that says something of everything."""
    card = parse(LIMITS_WITH_EVERY_WAY, currency="USD").cards[0]
    return replace(
        card, limits=replace(card.limits, interest_policy=cards.InterestPolicy.REDUCED, reduced_rate=Decimal(9))
    )


def test_there_is_another_value_for_everything_that_a_card_can_say() -> None:
    assert set(OTHER) == {field.name for field in fields(Limits)}
    assert set(OTHER_WHEN) == {field.name for field in fields(When)}
    assert all(field.default is not MISSING or field.name in OTHER for field in fields(Limits))


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_whatever_changes_in_a_card_changes_the_words(app: Flask, language: str) -> None:
    with app.test_request_context(), force_locale(language):
        card = a_card()
        words, unsaid = said(card), []
        for name, value in OTHER.items():
            if said(replace(card, limits=replace(card.limits, **{name: value}))) == words:
                unsaid.append(name)
        for name, value in OTHER_WHEN.items():
            if said(replace(card, when=replace(card.when, **{name: value}))) == words:
                unsaid.append(name)
        assert unsaid == []


def test_a_simple_card_in_words(app: Flask) -> None:
    with app.test_request_context():
        words = said(parse(STANDARD_LIMITS, currency="USD").cards[0])
    for sentence in (
        "Balance of $500.00 or less.",
        "Plans of up to 12 months.",
        "At least $10.00 a month.",
        "Paid weekly, every two weeks or monthly.",
        "No interest while a plan runs.",
        "A payment that comes 5 days late still counts as kept.",
        "In hardship, payments from $1.00 a month for up to 60 months.",
    ):
        assert sentence in words


def test_the_pages_of_limits(app: Flask, lender: Lender) -> None:
    later = STANDARD_LIMITS.replace("2026-01-01", "2026-06-01").replace("grace_days = 5", "grace_days = 6")
    with transaction():
        negotiate.load_limits(later, lender_id=lender.id, currency="USD")
    client = a_client(app)
    come_to_work(client, a_worker(app, lender, Role.RULE_AUTHOR))
    listed = page_of(client.get("/staff/limits"))
    assert listed.says("Version 2 1 June 2026 Still to come")
    assert listed.says("Version 1 1 January 2026 Counts now")
    shown = page_of(client.get("/staff/limits/2"))
    assert shown.says("1. Small balances")
    assert shown.says("A payment that comes 6 days late still counts as kept.")
    assert "+grace_days = 6" in shown.words
    assert client.get("/staff/limits/2.toml").get_data(as_text=True) == later
    assert client.get("/staff/limits/3").status_code == 404


def test_who_may_not_see_limits_does_not(app: Flask, lender: Lender) -> None:
    client = a_client(app)
    come_to_work(client, a_worker(app, lender, Role.FINANCE))
    for path in ("/staff/limits", "/staff/limits/1", "/staff/limits/1.toml"):
        assert client.get(path).status_code == 403


def test_a_day_of_a_season_is_said_as_a_date(app: Flask) -> None:
    card = a_card()
    band = cards.RateBand("Once", date(2026, 9, 1), date(2026, 10, 31), Decimal(8))
    with app.test_request_context():
        words = said(replace(card, limits=replace(card.limits, rate_bands=(band,))))
    assert "“Once”: 8% a year from 1 September 2026 to 31 October 2026." in " ".join(words.split())
