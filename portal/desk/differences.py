"""What differs between two sets of limits, as the sentences of their cards: before and after, by card and subject.

Invariant: two sets between which nothing is said to differ say the same in every sentence of every card, in one order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from portal.desk.sentences import card_groups
from portal.limits.cards import Card, LimitsSet
from portal.web.formats import day
from portal.web.languages import gettext as _


@dataclass(frozen=True, slots=True)
class Difference:
    """What was said before, and what is said instead; either may be nothing."""

    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Differing:
    """All that differs about one subject of one card; without a card, about the set as a whole."""

    card: str | None
    subject: str
    lines: tuple[Difference, ...]


def between(before: LimitsSet, after: LimitsSet, *, with_day: bool = False) -> tuple[Differing, ...]:
    """Give what differs, card by card in the order of the later set; the first day only where it is asked for."""
    return tuple(each for each in _all(before, after, with_day) if each.lines)


def _all(before: LimitsSet, after: LimitsSet, with_day: bool) -> Iterator[Differing]:  # noqa: FBT001
    whole = [(before.name, after.name)] if before.name != after.name else []
    yield Differing(None, _("Name of the limits"), tuple(Difference(*pair) for pair in whole))
    if with_day and before.effective_from != after.effective_from:
        days = Difference(day(before.effective_from), day(after.effective_from))
        yield Differing(None, _("First day"), (days,))
    earlier, later = ({card.name: card for card in each.cards} for each in (before, after))
    shared = [[name for name in each if name in earlier and name in later] for each in (earlier, later)]
    if shared[0] != shared[1]:
        lines = Difference(*(" → ".join(names) for names in shared))
        yield Differing(None, _("The order of the cards"), (lines,))
    for name in (*later, *(name for name in earlier if name not in later)):
        yield from _of_card(name, earlier.get(name), later.get(name))


def _of_card(name: str, before: Card | None, after: Card | None) -> Iterator[Differing]:
    if before is None or after is None:
        words = Difference(None, _("A new card")) if before is None else Difference(_("This card"), None)
        yield Differing(name, _("The card as a whole"), (words,))
    said = [{group.title: group.sentences for group in card_groups(card)} if card else {} for card in (before, after)]
    for title in dict.fromkeys((*said[0], *said[1])):
        if before is None or after is not None:
            yield Differing(name, title, tuple(_lines(said[0].get(title, ()), said[1].get(title, ()))))


def _lines(before: Sequence[str], after: Sequence[str]) -> Iterator[Difference]:
    """Pair the sentences that stand in one another's place."""
    for what, first, last, first_after, last_after in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        if what != "equal":
            old, new = before[first:last], after[first_after:last_after]
            for at in range(max(len(old), len(new))):
                yield Difference(old[at] if at < len(old) else None, new[at] if at < len(new) else None)
