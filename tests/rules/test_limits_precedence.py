"""Which card counts: the first that fits; and one that no debt can ever come to is found, with who takes its debts."""

from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.limits.cards import AttributeRule, When
from portal.limits.checks import problems_of
from portal.money import Money
from tests.rules.limits_factory import a_card, a_set


def usd(minor: int | None) -> Money | None:
    return None if minor is None else Money(minor, "USD")


def cards(*whens: When) -> tuple[str, ...]:
    named = zip("ABCDE", whens, strict=False)
    # The least payment is a cent, so that no small balance is a mistake of its own.
    cent = Money(1, "USD")
    return problems_of(
        a_set(
            *(
                a_card(name, when=when, min_payment=cent, hardship_min_payment=cent, affordability_step=cent)
                for name, when in named
            )
        )
    )


def region(*texts: str) -> AttributeRule:
    return AttributeRule("region", texts=texts)


def score(first: int | None, last: int | None) -> AttributeRule:
    return AttributeRule(
        "score",
        number_from=None if first is None else Decimal(first),
        number_to=None if last is None else Decimal(last),
    )


@pytest.mark.parametrize(
    ("whens", "sentence"),
    [
        (
            (When(), When(days_late_from=90)),
            'card "B" and card "A": the second is above and takes all debts of the first.',
        ),
        (
            (When(balance_to=usd(900)), When(balance_to=usd(500))),
            'card "B" and card "A": the second is above and takes all debts of the first.',
        ),
        (
            (When(products=("card", "loan")), When(products=("loan",), days_late_from=5)),
            'card "B" and card "A": the second is above and takes all debts of the first.',
        ),
        (
            (When(attributes=(region("n", "s"),)), When(attributes=(region("s"), score(1, 2)))),
            'card "B" and card "A": the second is above and takes all debts of the first.',
        ),
        (
            (When(attributes=(score(1, 9),)), When(attributes=(score(2, 8),))),
            'card "B" and card "A": the second is above and takes all debts of the first.',
        ),
        (
            (When(attributes=(score(1, 9),)), When(attributes=(AttributeRule("score", texts=("5",)),))),
            'card "B" and card "A": the second is above and takes all debts of the first.',
        ),
        (
            (When(days_late_to=89), When(days_late_from=90), When(balance_from=usd(100))),
            'card "C" and cards "A", "B": those are above and together take all debts of the first.',
        ),
    ],
)
def test_a_card_that_is_never_reached_is_named_with_the_one_above_it(whens: tuple[When, ...], sentence: str) -> None:
    assert cards(*whens) == (sentence,)


@pytest.mark.parametrize(
    "whens",
    [
        (When(days_late_from=90), When()),
        (When(balance_to=usd(500)), When(balance_to=usd(501))),
        (When(days_late_to=89), When(days_late_from=91), When()),
        (When(products=("card",)), When(products=("card", "loan"))),
        (When(attributes=(region("n"),)), When(attributes=(region("n", "s"),))),
        # Who has no score, or one that is no number, is in neither half.
        (When(attributes=(score(None, 4),)), When(attributes=(score(4, None),)), When()),
        (When(attributes=(score(1, 4),)), When(attributes=(score(5, 9),)), When(attributes=(score(1, 9),))),
        (When(attributes=(score(1, 9),)), When(attributes=(AttributeRule("score", texts=("high",)),))),
    ],
)
def test_a_card_with_debts_of_its_own_is_none_of_those(whens: tuple[When, ...]) -> None:
    assert cards(*whens) == ()


def ends(most: int) -> st.SearchStrategy[tuple[int | None, int | None]]:
    end = st.none() | st.integers(1, most)
    return st.tuples(end, end).map(lambda pair: pair if None in pair else tuple(sorted(pair)))  # type: ignore[type-var]


def whens() -> st.SearchStrategy[When]:
    return st.builds(
        lambda balance, days, products, regions, scores: When(
            balance_from=usd(balance[0]),
            balance_to=usd(balance[1]),
            days_late_from=days[0],
            days_late_to=days[1],
            products=tuple(sorted(products)),
            attributes=(
                *((region(*sorted(regions)),) if regions else ()),
                *((score(*scores),) if scores != (None, None) else ()),
            ),
        ),
        ends(4),
        ends(3),
        st.sets(st.sampled_from(("card", "loan"))),
        st.sets(st.sampled_from(("n", "s"))),
        ends(2),
    )


DEBTS = [
    {
        "balance": Money(balance, "USD"),
        "days_late": days,
        "product": of,
        "attributes": {key: value for key, value in (("region", where), ("score", points)) if value is not None},
    }
    for balance, days, of, where, points in product(
        range(1, 6), range(5), ("card", "loan", "car"), ("n", "s", "e", None), ("0", "1", "1.5", "2", "3", "?", None)
    )
]


@given(st.lists(whens(), min_size=1, max_size=4))
def test_a_card_is_called_unreachable_exactly_if_no_debt_comes_to_it(some: list[When]) -> None:
    limits = a_set(*(a_card(name, when=when) for name, when in zip("ABCDE", some, strict=False)))
    reached = set()
    for debt in DEBTS:
        first = next((card for card in limits.cards if card.when.fits(**debt)), None)
        assert limits.limits_for(**debt) is first
        if first is not None:
            reached.add(first.name)
    found = {each[6] for each in cards(*some) if "all debts of the first" in each}
    assert found == {card.name for card in limits.cards} - reached


@given(whens(), st.sampled_from(DEBTS))
def test_whoever_asks_why_a_card_does_not_fit_is_told_exactly_if_it_does_not(when: When, debt: dict[str, Any]) -> None:
    assert bool(when.why_not(**debt)) is not when.fits(**debt)
