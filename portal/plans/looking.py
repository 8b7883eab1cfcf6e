"""RULES  On which day time alone can next change a plan, and which payment of it there are words to write about.

Invariant: who looks at a plan only on the days that `look_on` gives, and on the day after anything else happened to it,
finds what somebody finds who looks every day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from portal.plans.states import Held, State, counted

# Nobody is asked about a payment that was missed long ago, as when the nights did not run for a while.
MISSED_FOR_AT_MOST: Final = timedelta(days=14)
_A_DAY: Final = timedelta(days=1)
_ALIVE: Final = frozenset({State.AGREED, State.ACTIVE, State.GRACE, State.AT_RISK, State.BROKEN, State.PAUSED})


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment of a plan: its day, what it is and what came of it in minor units, and whether it counts as kept."""

    seq: int
    due_on: date
    amount: int
    paid: int
    interest: int
    kept: bool

    @property
    def missing(self) -> int:
        """Return what is missing of it, in minor units."""
        return self.amount - self.paid

    @property
    def open(self) -> bool:
        """Say whether something is missing, and nothing settled it."""
        return self.missing > 0 and not self.kept


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan was agreed with, and how many days before a payment its lender reminds."""

    grace_days: int
    cure_days: int
    tolerance: int
    remind_days: int
    void_on: date | None = None
    review_on: date | None = None


def coming(payments: Sequence[Payment], *, today: date, terms: Terms) -> Payment | None:
    """Return the payment to remind of today: the next open one whose day is within the days of reminding."""
    last = today + timedelta(days=terms.remind_days)
    return next((one for one in payments if one.open and today < one.due_on <= last), None)


def missed(payments: Sequence[Payment], *, today: date, terms: Terms, held: Held) -> Payment | None:
    """Return the payment to say of, kindly, that it did not come; of several the last: nobody needs two at once."""
    found = None
    for one in payments:
        # No day of grace comes before a payment's own.
        if one.due_on >= today or not one.open or one.missing <= terms.tolerance:
            continue
        last_day = counted(one.due_on, more=terms.grace_days, held=held)
        if last_day is not None and timedelta(0) < today - last_day <= MISSED_FOR_AT_MOST:
            found = one
    return found


def look_on(
    payments: Sequence[Payment], *, state: State, today: date, terms: Terms, held: Held, again: bool
) -> date | None:
    """Return the first day after today on which time alone can change a plan that has been looked at today, or None.

    That is the day on which an agreed plan begins or interest comes due, the day of a reminder, the first day after a
    payment's own and after its days of grace and of cure, the day after the one that a plan starts by or is void, and
    its day of review. `again`: something could not be done today and may be possible tomorrow, as when money is on its
    way or a message may not leave yet. While a hold covers today somebody looks every day, since nobody knows its end.

    Due on 10 May with 5 days of grace, reminded 3 days before: on 7 May; if it isn't paid then on 11 and on 16 May.
    """
    if state not in _ALIVE:
        review = terms.review_on if state is State.COMPLETED else None
        return review if review is not None and review > today else None
    if again or any(since <= today and (until is None or until >= today) for since, until in held):
        return today + _A_DAY
    first: date | None = None
    for day in _days(payments, state=state, terms=terms, held=held):
        if day > today and (first is None or day < first):
            first = day
    return first


def _days(payments: Sequence[Payment], *, state: State, terms: Terms, held: Held) -> Iterator[date]:
    if terms.review_on is not None:
        yield terms.review_on
    if state is State.AGREED:
        if terms.void_on is None:
            yield payments[0].due_on
        else:
            last = counted(terms.void_on, more=0, held=held)
            if last is not None:
                yield last + _A_DAY
    enough = sum(one.paid for one in payments) + terms.tolerance
    ahead = timedelta(days=terms.remind_days)
    waits = (0, terms.grace_days, terms.grace_days + terms.cure_days)
    # Where no hold ever was, days are only added.
    after = None if held else [timedelta(days=more + 1) for more in waits]
    due = 0
    before: date | None = None
    for one in payments:
        due += one.amount
        if one.interest:
            yield one.due_on
        if one.paid < one.amount and not one.kept:
            # Two whose days of reminding overlap are spoken of one after the other.
            reminded = one.due_on - ahead
            yield reminded if before is None else max(reminded, before)
            before = one.due_on
        if enough >= due:
            continue
        if after is not None:
            for days in after:
                yield one.due_on + days
            continue
        for more in waits:
            last = counted(one.due_on, more=more, held=held)
            if last is not None:
                yield last + _A_DAY
