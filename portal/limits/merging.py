"""RULES  Two people changed one set of limits, each without the other: what the other did, put into what one has.

Invariant: what only one of the two changed is as that one has it. Where both changed the same thing, `prefer` says
whose counts; with either answer the result is a set of limits that both could have written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from enum import Enum
from typing import Any, TypeVar

from portal.limits.cards import Card, LimitsSet

_Some = TypeVar("_Some")


class Prefer(Enum):
    """Whose value counts where both changed the same thing."""

    MINE = "mine"
    THEIRS = "theirs"


def merged(base: LimitsSet, *, mine: LimitsSet, theirs: LimitsSet, prefer: Prefer) -> LimitsSet:
    """Put what changed from `base` to `theirs` into `mine`; the first day stays as it is.

    Cards are known again by their names: one that was renamed is one that is gone, and a new one.
    """
    cards = {"base": _by_name(base), "mine": _by_name(mine), "theirs": _by_name(theirs)}
    found = {
        name: card
        for name in dict.fromkeys((*cards["mine"], *cards["theirs"]))
        if (card := _card(cards["base"].get(name), cards["mine"].get(name), cards["theirs"].get(name), prefer))
    }
    order = _order(base, mine, theirs, found, prefer)
    kept = tuple(found[name] for name in order)
    # Nobody could write a set without a card.
    return replace(mine, name=_either(base.name, mine.name, theirs.name, prefer), cards=kept or mine.cards)


def _by_name(limits: LimitsSet) -> dict[str, Card]:
    return {card.name: card for card in limits.cards}


def _either(base: _Some, mine: _Some, theirs: _Some, prefer: Prefer) -> _Some:
    if theirs == base:
        return mine
    if mine == base:
        return theirs
    return mine if prefer is Prefer.MINE else theirs


def _card(base: Card | None, mine: Card | None, theirs: Card | None, prefer: Prefer) -> Card | None:
    if mine is None or theirs is None:
        # One of the two has no such card: both new, or taken out.
        return _either(base, mine, theirs, prefer)
    before = base or (theirs if prefer is Prefer.MINE else mine)
    return Card(
        name=mine.name,
        when=_parts(before.when, mine.when, theirs.when, prefer),
        limits=_parts(before.limits, mine.limits, theirs.limits, prefer),
    )


def _parts(base: Any, mine: Any, theirs: Any, prefer: Prefer) -> Any:
    """Take each value of a card for itself; what belongs together (a discount, a pause) is one value."""
    return replace(
        mine,
        **{
            each.name: _either(getattr(base, each.name), getattr(mine, each.name), getattr(theirs, each.name), prefer)
            for each in fields(mine)
        },
    )


def _order(
    base: LimitsSet, mine: LimitsSet, theirs: LimitsSet, found: dict[str, Card], prefer: Prefer
) -> Sequence[str]:
    """Give the names in the order of whoever changed it; a card that only the other has stands below its neighbour."""
    names = [[card.name for card in each.cards] for each in (base, mine, theirs)]
    shared = set.intersection(*map(set, names))
    orders = [tuple(name for name in each if name in shared) for each in names]
    leads = _either(orders[0], orders[1], orders[2], prefer) == orders[2] and orders[1] != orders[2]
    first, second = (names[2], names[1]) if leads else (names[1], names[2])
    order = [name for name in first if name in found]
    for at, name in enumerate(second):
        if name in found and name not in order:
            above = next((each for each in reversed(second[:at]) if each in order), None)
            order.insert(order.index(above) + 1 if above is not None else 0, name)
    return order
