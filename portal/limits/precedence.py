"""RULES  Cards that no debt ever comes to, because those above take them all.

Invariant: a card is called unreachable only if there can be no debt that fits it and none above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Final

from portal.limits.cards import AttributeRule, Card, When
from portal.money import Money

_ALL: Final = When()


@dataclass(frozen=True, slots=True)
class Sample:
    """A debt as an example: only what the cards look at; None: any, or for the product none that a card names."""

    balance_minor: int
    days_late: int
    product: str | None
    attributes: tuple[tuple[str, str | None], ...] = ()


def unreachable(cards: Sequence[Card]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Find cards that no debt comes to, because those above take all of theirs: each with the names of those.

    Where one of them takes all alone, it is named alone.
    """
    for at, card in enumerate(cards):
        above = cards[:at]
        # A card that fits no debt at all has its sentence already.
        if sample_outside((), within=card.when) is None:
            continue
        if sample_outside([each.when for each in above], within=card.when) is not None:
            continue
        alone = next((each for each in above if sample_outside([each.when], within=card.when) is None), None)
        yield card.name, tuple(each.name for each in ((alone,) if alone is not None else above))


def sample_inside(one: When, other: When) -> Sample | None:
    """Give a debt that fits both of two cards, or None if there can be none."""
    values = []
    for here, fits in _dimensions((one, other)):
        both = [value for value in here if fits(one, value) and fits(other, value)]
        if not both:
            return None
        values.append(both[0])
    return _sample(values, (one, other))


def sample_outside(taken: Sequence[When], *, within: When = _ALL) -> Sample | None:
    """Give a debt that fits a card (any debt, unless told otherwise) and none of some others, or None.

    Between two ends that the cards name, nothing changes: so one value from each stretch stands for all of it, and it
    is enough to follow, value by value, which of the others would still take the debt.
    """
    takers: dict[frozenset[int], tuple[Any, ...]] = {frozenset(range(len(taken))): ()}
    for values, fits in _dimensions((within, *taken)):
        takes = [
            (value, frozenset(at for at, other in enumerate(taken) if fits(other, value)))
            for value in values
            if fits(within, value)
        ]
        after: dict[frozenset[int], tuple[Any, ...]] = {}
        for left, chosen in takers.items():
            for value, still in takes:
                after.setdefault(left & still, (*chosen, value))
        takers = after
    found = takers.get(frozenset())
    return None if found is None else _sample(found, (within, *taken))


def _sample(values: Sequence[Any], whens: Sequence[When]) -> Sample:
    balance, days, product, *attributes = values
    return Sample(balance, days, product, tuple(zip(_attribute_names(whens), attributes, strict=True)))


def _attribute_names(whens: Sequence[When]) -> list[str]:
    return sorted({rule.name for when in whens for rule in when.attributes})


def _dimensions(whens: Sequence[When]) -> Iterator[tuple[Sequence[Any], Callable[[When, Any], bool]]]:
    """Give, for each thing that cards look at, a value of each stretch, and how to tell whether a card takes it."""
    balances = [(_minor(when.balance_from), _minor(when.balance_to)) for when in whens]
    yield (
        _starts(1, balances),
        lambda when, value: _is_within(value, _minor(when.balance_from), _minor(when.balance_to)),
    )
    days = [(when.days_late_from, when.days_late_to) for when in whens]
    yield _starts(0, days), lambda when, value: _is_within(value, when.days_late_from, when.days_late_to)
    products = {product for when in whens for product in when.products}
    yield (*products, None), lambda when, value: not when.products or value in when.products
    for name in _attribute_names(whens):
        rules = [rule for when in whens for rule in when.attributes if rule.name == name]
        yield _attribute_values(rules), partial(_takes_attribute, name)


def _minor(amount: Money | None) -> int | None:
    return None if amount is None else amount.minor


def _starts(least: int, ends: Iterable[tuple[int | None, int | None]]) -> list[int]:
    """Give the first whole number of each stretch between the ends of some bands."""
    found = {least}
    for first, last in ends:
        found |= {first} if first is not None else set()
        found |= {last + 1} if last is not None else set()
    return sorted(value for value in found if value >= least)


def _attribute_values(rules: Sequence[AttributeRule]) -> list[str | None]:
    """Give no value, each text that is named, one that isn't, and numbers at, between and beyond all ends."""
    ends = sorted({end for rule in rules for end in (rule.number_from, rule.number_to) if end is not None})
    numbers = [*ends, *((one + other) / 2 for one, other in pairwise(ends))]
    numbers += [ends[0] - 1, ends[-1] + 1] if ends else []
    texts = {text for rule in rules for text in rule.texts}
    return [None, "", *texts, *(f"{number:f}" for number in numbers)]


def _takes_attribute(name: str, when: When, value: str | None) -> bool:
    return all(rule.fits(value) for rule in when.attributes if rule.name == name)


def _is_within(value: int, first: int | None, last: int | None) -> bool:
    return (first is None or value >= first) and (last is None or value <= last)
