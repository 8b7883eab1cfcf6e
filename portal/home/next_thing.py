"""RULES  The one next thing: of all that a person could do, what home puts first.

Invariant: there is one answer; nobody is asked for money that is on its way already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum

from portal.money import Money


class Kind(Enum):
    """What comes first."""

    LATE = "late"
    NEXT = "next"
    UNDER_WAY = "under_way"
    ANSWER = "answer"
    CHOOSE = "choose"
    WITH_PERSON = "with_person"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Debt:
    """One debt as far as this needs it: what comes next of its plan, what is late of it, what is on its way.

    `late_since` is the day of the first late payment of the plan, `since` the day since which the debt itself is late.
    """

    owed: Money
    has_plan: bool = False
    due_on: date | None = None
    coming: Money | None = None
    late: Money | None = None
    late_since: date | None = None
    under_way: Money | None = None
    with_person: bool = False
    since: date | None = None


@dataclass(frozen=True, slots=True)
class NextThing:
    """What comes first, and of which debt, by its place in the list; None where it is about no debt."""

    kind: Kind
    place: int | None = None


def next_thing(debts: Sequence[Debt], *, answer: bool) -> NextThing:
    """Return what to put first: what is late, what is next, what is on its way, an answer, else choosing a plan.

    A payment that is on its way counts as if it had come. Of several late or coming payments the earliest is first, of
    several debts without a plan the one that is late the longest. `answer`: a request of the person has been answered.
    """
    late: list[tuple[date, int]] = []
    coming: list[tuple[date, int]] = []
    without: list[tuple[date, int]] = []
    for place, debt in enumerate(debts):
        on_its_way = debt.under_way.minor if debt.under_way else 0
        if debt.late is not None and debt.late_since is not None and debt.late.minor > on_its_way:
            late.append((debt.late_since, place))
        elif debt.coming is not None and debt.due_on is not None and debt.coming.minor > on_its_way:
            coming.append((debt.due_on, place))
        elif debt.owed.minor > on_its_way and not debt.has_plan and not debt.with_person:
            without.append((debt.since or date.max, place))
    for kind, found in ((Kind.LATE, late), (Kind.NEXT, coming)):
        if found:
            return NextThing(kind, min(found)[1])
    under_way = next((place for place, debt in enumerate(debts) if debt.under_way), None)
    if under_way is not None:
        return NextThing(Kind.UNDER_WAY, under_way)
    if answer:
        return NextThing(Kind.ANSWER)
    if without:
        return NextThing(Kind.CHOOSE, min(without)[1])
    waiting = next((place for place, debt in enumerate(debts) if debt.with_person and debt.owed), None)
    return NextThing(Kind.NOTHING) if waiting is None else NextThing(Kind.WITH_PERSON, waiting)
