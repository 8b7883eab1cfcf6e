"""RULES  What speaks against a draft of limits, naming its cards: what can't be, and what somebody should look at.

Invariant: a draft without an error can be loaded by command too; warnings are for people, and no version has to heed
them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import combinations

from portal.limits import checks, precedence
from portal.limits.cards import LimitsSet, When
from portal.limits.checks import Loaded
from portal.limits.precedence import Sample


class Level(StrEnum):
    """How much weight a finding has."""

    ERROR = "error"  # The draft can't count as it is.
    WARNING = "warning"  # It may be meant; whoever sends the draft says so.


class Kind(StrEnum):
    """What is found."""

    CONTRADICTION = "contradiction"  # Two things in one card can't both hold.
    NEVER_APPLIES = "never_applies"  # Cards above take all debts of a card.
    FIRST_DAY = "first_day"  # The day does not go with the versions that are there.
    OVERLAP = "overlap"  # Two cards fit the same debts, and neither is the special case of the other.
    GAP = "gap"  # There can be debts that no card fits.


_LEVELS = {Kind.OVERLAP: Level.WARNING, Kind.GAP: Level.WARNING}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that speaks against a draft: the cards, and for a contradiction or a day the sentence of the check.

    `sample` is a debt as an example: one that both cards fit, or one that no card fits.
    """

    kind: Kind
    cards: tuple[str, ...] = ()
    sentence: str = ""
    sample: Sample | None = None

    @property
    def level(self) -> Level:
        """Give how much weight it has."""
        return _LEVELS.get(self.kind, Level.ERROR)

    @property
    def key(self) -> str:
        """Give a name by which it is known again as long as it is the same."""
        return ":".join((self.kind.value, *self.cards, *([self.sentence] if self.sentence else ())))


def of(limits: LimitsSet, *, loaded: Sequence[Loaded] = (), today: date | None = None) -> tuple[Finding, ...]:
    """Give all that speaks against a set of limits: errors first, then warnings."""
    found = [
        *(Finding(Kind.CONTRADICTION, (card,), sentence) for card, sentence in checks.contradictions(limits)),
        *(Finding(Kind.NEVER_APPLIES, (card, *above)) for card, above in precedence.unreachable(limits.cards)),
        *(Finding(Kind.FIRST_DAY, (), sentence) for sentence in checks.clashes_of_versions(limits, loaded, today)),
        *_overlaps(limits),
    ]
    gap = precedence.sample_outside([card.when for card in limits.cards])
    if gap is not None:
        found.append(Finding(Kind.GAP, sample=gap))
    return tuple(found)


def _overlaps(limits: LimitsSet) -> Iterator[Finding]:
    """Find pairs of cards of which only the order says which counts.

    A special card above a more general one is how cards are meant to be written, and one that is taken whole by those
    above is found elsewhere.
    """
    for upper, lower in combinations(limits.cards, 2):
        if When() in (upper.when, lower.when):
            continue
        sample = precedence.sample_inside(upper.when, lower.when)
        if (
            sample is not None
            and precedence.sample_outside([lower.when], within=upper.when) is not None
            and precedence.sample_outside([upper.when], within=lower.when) is not None
        ):
            yield Finding(Kind.OVERLAP, (upper.name, lower.name), sample=sample)
