"""RULES  Cards that no debt ever comes to, because those above take them all.

Invariant: a card is called unreachable only if there can be no debt that fits it and none above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from portal.limits.cards import AttributeRule, Card, When
from portal.money import Money


def unreachable(cards: Sequence[Card]) -> Iterator[str]:
    """Find cards that no debt comes to, because those above take all of theirs."""
    for at, card in enumerate(cards):
        above = cards[:at]
        # A card that fits no debt at all has its sentence already.
        if not _is_reached(card.when, ()) or _is_reached(card.when, [each.when for each in above]):
            continue
        alone = next((each for each in above if not _is_reached(card.when, [each.when])), None)
        if alone is not None:
            yield f'card "{card.name}" and card "{alone.name}": the second is above and takes all debts of the first.'
        else:
            names = ", ".join(f'"{each.name}"' for each in above)
            yield f'card "{card.name}" and cards {names}: those are above and together take all debts of the first.'


def _is_reached(when: When, above: Sequence[When]) -> bool:
    """Tell whether there can be a debt that fits a card and none of those above it.

    Between two ends that the cards name, nothing changes: so one value from each stretch stands for all of it, and it
    is enough to follow, value by value, which of the cards above would still take the debt.
    """
    takers = {frozenset(range(len(above)))}
    for values, fits in _dimensions((when, *above)):
        own = [value for value in values if fits(when, value)]
        takes = {value: frozenset(at for at, other in enumerate(above) if fits(other, value)) for value in own}
        takers = {left & still for left in takers for still in takes.values()}
    return frozenset() in takers


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
    for name in {rule.name for when in whens for rule in when.attributes}:
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
