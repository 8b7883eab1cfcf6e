"""What speaks against a draft: errors, overlaps and gaps, each with its cards and with a debt as an example."""

from __future__ import annotations

from typing import Any

import pytest

from portal.limits import findings
from portal.limits.cards import AttributeRule, LimitsSet, When
from portal.limits.findings import Finding, Kind, Level
from portal.money import Money
from tests.rules.limits_factory import a_card, a_set


def of(*whens: When) -> tuple[Finding, ...]:
    cent: dict[str, Any] = dict.fromkeys(("min_payment", "hardship_min_payment", "affordability_step"), Money(1, "USD"))
    return findings.of(cards(*whens, **cent))


def cards(*whens: When, **limits: Any) -> LimitsSet:
    return a_set(*(a_card(name, when=when, **limits) for name, when in zip("ABCDE", whens, strict=False)))


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def test_a_set_whose_last_card_is_for_everything_else_has_neither_gap_nor_overlap() -> None:
    assert of(When(balance_to=usd(500)), When(balance_to=usd(900)), When()) == ()


@pytest.mark.parametrize(
    ("upper", "lower", "fits_both"),
    [
        (When(balance_to=usd(500)), When(days_late_from=90), (1, 90)),
        (When(days_late_from=10, days_late_to=50), When(days_late_from=40, days_late_to=90), (1, 40)),
    ],
)
def test_two_cards_of_which_only_the_order_says_which_counts_overlap(
    upper: When, lower: When, fits_both: tuple[int, int]
) -> None:
    [found] = [each for each in of(upper, lower, When()) if each.kind is Kind.OVERLAP]
    assert found.cards == ("A", "B")
    assert found.level is Level.WARNING
    assert found.sample is not None
    assert (found.sample.balance_minor, found.sample.days_late) == fits_both
    for when in (upper, lower):
        assert when.fits(balance=usd(fits_both[0]), days_late=fits_both[1], product="any")


@pytest.mark.parametrize(
    "whens",
    [
        (When(balance_to=usd(500)), When(balance_from=usd(501)), When()),
        (When(products=("card",)), When(products=("loan",)), When()),
        # A special case above a more general card.
        (When(days_late_from=90, balance_to=usd(500)), When(days_late_from=90), When()),
    ],
)
def test_cards_of_other_debts_and_special_cases_do_not_overlap(whens: tuple[When, ...]) -> None:
    assert [each for each in of(*whens) if each.kind is Kind.OVERLAP] == []


def test_a_gap_names_a_debt_that_no_card_fits() -> None:
    [found] = of(When(days_late_to=29, products=("card",)), When(days_late_from=60))
    assert found.kind is Kind.GAP
    sample = found.sample
    assert sample is not None
    for when in (When(days_late_to=29, products=("card",)), When(days_late_from=60)):
        assert not when.fits(
            balance=usd(sample.balance_minor), days_late=sample.days_late, product=sample.product or "another"
        )


def test_a_gap_by_an_attribute_says_which() -> None:
    [found] = of(When(attributes=(AttributeRule("region", texts=("north",)),)))
    assert found.sample is not None
    assert found.sample.attributes == (("region", None),)


def test_a_card_that_can_never_apply_is_an_error_that_names_who_takes_its_debts() -> None:
    found = of(When(balance_to=usd(500)), When(balance_to=usd(300)), When())
    assert [(each.kind, each.cards, each.level) for each in found] == [(Kind.NEVER_APPLIES, ("B", "A"), Level.ERROR)]


def test_a_contradiction_is_an_error_of_its_card_and_keeps_its_key() -> None:
    wrong = cards(
        When(balance_from=usd(900), balance_to=usd(500)), When(), min_payment=usd(1), hardship_min_payment=usd(1)
    )
    [found] = [each for each in findings.of(wrong) if each.kind is Kind.CONTRADICTION]
    assert found.cards == ("A",)
    assert found.level is Level.ERROR
    assert found.key in {each.key for each in findings.of(wrong)}
