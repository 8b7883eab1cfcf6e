"""RULES  Cards that no debt ever comes to, pairs that fit the same debts, and debts that no card fits.

Invariant: a card is called unreachable only if there can be no debt that fits it and none above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, pairwise
from typing import Any, Final

from portal.limits.cards import AttributeRule, Card, When
from portal.money import Money

# So many groups of cards are followed at once. A file of a hundred cards that a lender writes needs a few dozen; one
# that is made to need more could keep a machine busy for ever.
_MOST_GROUPS: Final = 500


class TooTangled(Exception):
    """The cards look at so many things crosswise that nobody can say in good time which debts none of them fits."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A debt as an example: only what the cards look at; None: any, or for the product none that a card names."""

    balance_minor: int
    days_late: int
    product: str | None
    attributes: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class _Dimension:
    """One thing that cards look at: a value of each stretch in which no card changes its mind, and who takes each.

    `takers` has a number for each value, in which a card's bit says that it takes the value; `values_of` the same the
    other way round, by card.
    """

    values: tuple[Any, ...]
    takers: tuple[int, ...]
    values_of: tuple[int, ...]


class Grid:
    """All debts there can be, as far as some cards can tell them apart.

    Between two ends that the cards name, nothing changes: so one value from each stretch stands for all of it.
    """

    def __init__(self, whens: Sequence[When]) -> None:
        self._whens = whens
        self._dimensions = [_dimension(values, fits, whens) for values, fits in _dimensions(whens)]
        self._names = _attribute_names(whens)

    def is_empty(self, at: int) -> bool:
        """Tell whether a card fits no debt at all."""
        return not all(dimension.values_of[at] for dimension in self._dimensions)

    def is_within(self, at: int, other: int) -> bool:
        """Tell whether another card takes all debts of a card."""
        return self.is_empty(at) or all(
            not dimension.values_of[at] & ~dimension.values_of[other] for dimension in self._dimensions
        )

    def inside(self, one: int, other: int) -> Sample | None:
        """Give a debt that fits both of two cards, or None if there can be none."""
        values = []
        for dimension in self._dimensions:
            both = dimension.values_of[one] & dimension.values_of[other]
            if not both:
                return None
            values.append(dimension.values[(both & -both).bit_length() - 1])
        return self._sample(values, (self._whens[one], self._whens[other]))

    def outside(self, taken: Iterable[int], *, within: int | None = None) -> Sample | None:
        """Give a debt that fits a card (any debt, unless told otherwise) and none of some others, or None.

        Value by value it is followed which of the others would still take the debt. Of two ways that lead on, the one
        on which fewer of the same cards are left is enough.

        :raises TooTangled: if there are too many ways.
        """
        ways: dict[int, tuple[Any, ...]] = {sum(1 << at for at in set(taken)): ()}
        for dimension in self._dimensions:
            mine = -1 if within is None else dimension.values_of[within]
            takes: dict[int, Any] = {}
            for place, value in enumerate(dimension.values):
                if mine >> place & 1:
                    takes.setdefault(dimension.takers[place], value)
            after: dict[int, tuple[Any, ...]] = {}
            for left, chosen in ways.items():
                for still, value in takes.items():
                    after.setdefault(left & still, (*chosen, value))
            ways = _least(after)
        found = ways.get(0)
        return None if found is None else self._sample(found, self._whens)

    def _sample(self, values: Sequence[Any], whens: Sequence[When]) -> Sample:
        balance, days, product, *attributes = values
        asked = set(_attribute_names(whens))
        return Sample(
            balance,
            days,
            product,
            tuple((name, value) for name, value in zip(self._names, attributes, strict=True) if name in asked),
        )


def _least(ways: dict[int, tuple[Any, ...]]) -> dict[int, tuple[Any, ...]]:
    """Leave out each way on which all that is left of another is left, and more.

    :raises TooTangled: if too many are left then.
    """
    kept: list[int] = []
    for left in sorted(ways, key=int.bit_count):
        if not any(fewer & left == fewer for fewer in kept):
            kept.append(left)
            if len(kept) > _MOST_GROUPS:
                raise TooTangled
    return {left: ways[left] for left in kept}


def unreachable(cards: Sequence[Card]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Find cards that no debt comes to, because those above take all of theirs: each with the names of those.

    Where one of them takes all alone, it is named alone.
    """
    grid = Grid([card.when for card in cards])
    for at, card in enumerate(cards):
        # A card that fits no debt at all has its sentence already.
        if grid.is_empty(at):
            continue
        alone = next((above for above in range(at) if grid.is_within(at, above)), None)
        if alone is not None:
            yield card.name, (cards[alone].name,)
            continue
        try:
            if at and grid.outside(range(at), within=at) is None:
                yield card.name, tuple(each.name for each in cards[:at])
        except TooTangled:
            continue


def overlapping(cards: Sequence[Card]) -> Iterator[tuple[Card, Card, Sample]]:
    """Find pairs of cards of which only the order says which counts, with a debt that fits both.

    A special card above a more general one is how cards are meant to be written, and one that is taken whole by those
    above is found elsewhere.
    """
    grid = Grid([card.when for card in cards])
    for upper, lower in combinations(range(len(cards)), 2):
        if When() in (cards[upper].when, cards[lower].when):
            continue
        sample = grid.inside(upper, lower)
        if sample is not None and not grid.is_within(upper, lower) and not grid.is_within(lower, upper):
            yield cards[upper], cards[lower], sample


def sample_outside(taken: Sequence[When]) -> Sample | None:
    """Give a debt that fits none of some cards, or None if there can be none.

    :raises TooTangled: if nobody can say.
    """
    return Grid(taken).outside(range(len(taken)))


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
    products = sorted({product for when in whens for product in when.products})
    yield (*products, None), lambda when, value: not when.products or value in when.products
    for name in _attribute_names(whens):
        rules = [rule for when in whens for rule in when.attributes if rule.name == name]
        yield _attribute_values(rules), partial(_takes_attribute, name)


def _dimension(values: Sequence[Any], fits: Callable[[When, Any], bool], whens: Sequence[When]) -> _Dimension:
    takers = tuple(sum(1 << at for at, when in enumerate(whens) if fits(when, value)) for value in values)
    values_of = tuple(sum(1 << place for place, who in enumerate(takers) if who >> at & 1) for at in range(len(whens)))
    return _Dimension(tuple(values), takers, values_of)


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
    texts = sorted({text for rule in rules for text in rule.texts})
    return [None, "", *texts, *(f"{number:f}" for number in numbers)]


def _takes_attribute(name: str, when: When, value: str | None) -> bool:
    return all(rule.fits(value) for rule in when.attributes if rule.name == name)


def _is_within(value: int, first: int | None, last: int | None) -> bool:
    return (first is None or value >= first) and (last is None or value <= last)
