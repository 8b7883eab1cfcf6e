"""RULES  What speaks against a draft of limits, naming its cards: what can't be, and what somebody should look at.

Invariant: a draft without an error can be loaded by command too; warnings are for people, and no version has to heed
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import islice

from portal.limits import checks, precedence
from portal.limits.cards import LimitsSet
from portal.limits.checks import Loaded, Problem
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
    OVERLAPS = "overlaps"  # So many pairs of cards do that nobody would look at each.
    GAP = "gap"  # There can be debts that no card fits.
    LEFT_OUT = "left_out"  # What counts until its first day says things that it leaves out.
    NOT_IN_LATER = "not_in_later"  # A version that begins after it leaves out what it changes.
    TANGLED = "tangled"  # The cards look at too many things crosswise for gaps to be found.


# Each pair is looked at and ticked by a person.
MOST_OVERLAPS = 50
_WARNINGS = frozenset({Kind.OVERLAP, Kind.GAP, Kind.TANGLED, Kind.LEFT_OUT, Kind.NOT_IN_LATER})
# Whoever approves says so too: these speak of what somebody else approved.
SAID_BY_BOTH = frozenset({Kind.LEFT_OUT, Kind.NOT_IN_LATER})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that speaks against a draft: the cards, and for a contradiction or a day what the check found.

    `sample` is a debt as an example: one that both cards fit, or one that no card fits. `version` is the number of
    another version whose changes, or from whose first day on those of the draft, would be lost.
    """

    kind: Kind
    cards: tuple[str, ...] = ()
    problem: Problem | None = None
    sample: Sample | None = None
    version: int | None = None

    @property
    def level(self) -> Level:
        """Give how much weight it has."""
        return Level.WARNING if self.kind in _WARNINGS else Level.ERROR

    @property
    def key(self) -> str:
        """Give a name by which it is known again as long as it is the same."""
        return ":".join((self.kind.value, *self.cards, *(str(each) for each in (self.problem, self.version) if each)))


def of(limits: LimitsSet, *, loaded: Sequence[Loaded] = (), today: date | None = None) -> tuple[Finding, ...]:
    """Give all that speaks against a set of limits: errors first, then warnings."""
    found = [
        *(Finding(Kind.CONTRADICTION, (card,), problem) for card, problem in checks.contradictions(limits)),
        *(Finding(Kind.NEVER_APPLIES, (card, *above)) for card, above in precedence.unreachable(limits.cards)),
        *(Finding(Kind.FIRST_DAY, (), problem) for problem in checks.clashes_of_versions(limits, loaded, today)),
    ]
    pairs = list(islice(precedence.overlapping(limits.cards), MOST_OVERLAPS + 1))
    if len(pairs) > MOST_OVERLAPS:
        found.append(Finding(Kind.OVERLAPS))
    else:
        found += (Finding(Kind.OVERLAP, (upper.name, lower.name), sample=sample) for upper, lower, sample in pairs)
    try:
        gap = precedence.sample_outside([card.when for card in limits.cards])
    except precedence.TooTangled:
        found.append(Finding(Kind.TANGLED))
    else:
        if gap is not None:
            found.append(Finding(Kind.GAP, sample=gap))
    return tuple(found)
