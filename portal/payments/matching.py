"""RULES  What the books and Stripe say of one movement of money, held against each other: each outcome has a name.

Invariant: what is on its way is never missing, and nothing is said to match whose amounts differ by one unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from portal.money import Money


class State(StrEnum):
    """What a line says."""

    MATCHED = "matched"
    SUSPENSE = "suspense"  # Both have it, and nobody has placed it: it was set aside.
    DIFFERS = "differs"  # Both have it, with two amounts.
    MISSING = "missing"  # The books have it, and Stripe has not.
    EXTRA = "extra"  # Stripe has it, and the books have not.
    UNDONE = "undone"  # A refund that never left: out and in again, at Stripe alone.
    FEE = "fee"  # Stripe's own, for nothing that was paid.
    WAITING = "waiting"  # On its way, or younger than either side may need.


# Bookings that are Stripe's own charge to the account, for no payment in particular.
OWN: Final = frozenset({"stripe_fee", "stripe_fx_fee", "tax_fee"})
# So long one side may have what the other one hasn't yet.
GRACE: Final = timedelta(hours=6)
# What may still say something else another night.
OPEN: Final = frozenset({State.WAITING, State.SUSPENSE, State.DIFFERS, State.MISSING, State.EXTRA})
# What a person has to look at.
WRONG: Final = (State.MISSING, State.EXTRA, State.DIFFERS)


@dataclass(frozen=True, slots=True)
class InBooks:
    """An effect of ours: how much came (or, below zero, went), and whether it was set aside."""

    amount: Money
    set_aside: bool


@dataclass(frozen=True, slots=True)
class AtStripe:
    """A movement at Stripe. `about` is in the currency of what was paid, None where Stripe doesn't say it exactly.

    `on_its_way`: what it is about has not succeeded yet; `came_to_nothing`: and never will. `own` is a fee of Stripe's.
    """

    about: Money | None
    on_its_way: bool = False
    came_to_nothing: bool = False
    own: bool = False


def state_of(*, books: InBooks | None, stripe: AtStripe | None, began_at: datetime, now: datetime) -> State:
    """Return what a line says; `began_at` is when the money moved, by whichever side knew it first.

    >>> from datetime import UTC
    >>> then, now = datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 5, tzinfo=UTC)
    >>> state_of(books=None, stripe=AtStripe(Money(500, "USD")), began_at=then, now=now)
    <State.EXTRA: 'extra'>

    :raises ValueError: if neither side has it.
    """
    if stripe is None:
        if books is None:
            raise ValueError("a line is of the books, of Stripe, or of both")
        return State.WAITING if now - began_at < GRACE else State.MISSING
    if stripe.own:
        return State.FEE
    if books is None:
        if stripe.came_to_nothing:
            return State.UNDONE
        return State.WAITING if stripe.on_its_way or now - began_at < GRACE else State.EXTRA
    if stripe.about != books.amount:
        return State.DIFFERS
    return State.SUSPENSE if books.set_aside else State.MATCHED


class PayoutState(StrEnum):
    """What is known of a payout."""

    WAITING = "waiting"  # Stripe has not said yet what is in it.
    COUNTING = "counting"
    TIED = "tied"  # Its movements add up to what went to the bank.
    DIFFERS = "differs"
    BY_HAND = "by_hand"  # Somebody asked for it at Stripe, which has no list of what is in it.


def tied(*, amount: Money, nets: Sequence[Money]) -> bool:
    """Say whether movements add up to what was paid out, to the unit and in one currency.

    >>> tied(amount=Money(900, "USD"), nets=[Money(1000, "USD"), Money(-100, "USD")])
    True
    """
    if any(net.currency != amount.currency for net in nets):
        return False
    return sum(net.minor for net in nets) == amount.minor
