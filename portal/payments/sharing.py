"""RULES  How an amount is shared over several debts of one person: what is suggested, and whether a choice adds up.

Invariant: a suggestion sums to the amount, gives no debt more than is owed on it, and nothing to one that is disputed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from portal.money import Money, total
from portal.payments.allocation import DebtDue, allocate_across

# As many lines as a hosted page takes, with room to spare.
MOST_DEBTS: Final = 90


@dataclass(frozen=True, slots=True)
class Owing:
    """One debt as far as sharing needs it: what is late of its plan, and what is due next beside that, and when.

    A debt without a plan is due as a whole, `due_since` it was first late.
    """

    key: str
    owed: Money
    late: Money
    next: Money
    due_on: date | None = None
    late_since: date | None = None
    annual_rate: Decimal = Decimal(0)
    disputed: bool = False
    due_since: date | None = None


@dataclass(frozen=True, slots=True)
class Fits:
    """The shares add up, and may be paid: each debt that gets something, in the order in which they were given."""

    shares: tuple[tuple[str, Money], ...]


@dataclass(frozen=True, slots=True)
class DoesNotAddUp:
    """The shares are another amount than was meant."""

    meant: Money
    shared: Money


@dataclass(frozen=True, slots=True)
class TooMuch:
    """One debt would get more than is owed on it."""

    key: str
    owed: Money


@dataclass(frozen=True, slots=True)
class TooLittleLeft:
    """One debt would be left with less than can be paid online later."""

    key: str
    left: Money


@dataclass(frozen=True, slots=True)
class TooMany:
    """More debts than one payment can have."""

    most: int


def may_be_shared(debts: Sequence[Owing], *, currency: str) -> Money:
    """Return the most that is suggested in all: what is owed on every debt that isn't disputed."""
    return total((debt.owed for debt in debts if not debt.disputed), currency=currency)


def suggest(*, amount: Money, debts: Sequence[Owing], today: date, least: Money) -> tuple[tuple[str, Money], ...]:
    """Return how an amount could be shared, one share a debt, in the order in which the debts were given.

    First what is late of a plan, then the next payment of each plan by its day, then the rest as the law says where
    nobody names a debt (`allocate_across`). No share leaves less than `least` on a debt where another share can give
    the rest of it. An amount above all that may be shared is suggested up to there.

    100.00 over a debt with 30.00 late, one with 50.00 next, and one of 900.00 at 24 percent is 30.00, 50.00, 20.00.
    """
    zero = Money.zero(amount.currency)
    open_ = [debt for debt in debts if not debt.disputed and debt.owed]
    shares = {debt.key: zero for debt in debts}
    left = min(amount, may_be_shared(debts, currency=amount.currency))

    def give(debt: Owing, wanted: Money) -> None:
        nonlocal left
        given = min(left, wanted, debt.owed - shares[debt.key])
        if given > zero:
            shares[debt.key] += given
            left -= given

    for debt in sorted(open_, key=lambda each: each.late_since or date.max):
        give(debt, debt.late)
    for debt in sorted(open_, key=lambda each: each.due_on or date.max):
        give(debt, debt.next)
    if left:
        rest = [
            # What is due of a plan has its share by now, so of its rest none is.
            DebtDue(
                debt=debt.key,
                owed=debt.owed - shares[debt.key],
                due_on=debt.due_since,
                annual_rate=debt.annual_rate,
            )
            for debt in open_
        ]
        for key, part in allocate_across(payment=left, debts=rest, today=today).parts:
            shares[key] += part
    _leave_no_crumbs(shares, open_, least=least)
    return tuple((debt.key, shares[debt.key]) for debt in debts)


def _leave_no_crumbs(shares: dict[str, Money], debts: Sequence[Owing], *, least: Money) -> None:
    """Let a debt that would be left with next to nothing be paid off, out of a share that can spare as much.

    What is late of another debt is not spared: nobody is late for the sake of a round sum.
    """
    for one in debts:
        missing = one.owed - shares[one.key]
        if not shares[one.key] or not missing or missing >= least:
            continue
        for other in debts:
            after = shares[other.key] - missing
            if other is not one and after >= other.late and other.owed - after >= least:
                shares[other.key] = after
                shares[one.key] = one.owed
                break


def check(
    *, meant: Money, shares: Sequence[tuple[str, Money]], owed: Mapping[str, Money], least: Money
) -> Fits | DoesNotAddUp | TooMuch | TooLittleLeft | TooMany:
    """Return whether shares that somebody chose by hand may be paid: they sum to what was meant, and none is too much.

    :raises KeyError: if a share is for a debt that isn't owed.
    """
    for key, share in shares:
        if share > owed[key]:
            return TooMuch(key=key, owed=owed[key])
        left = owed[key] - share
        if share and left and left < least:
            return TooLittleLeft(key=key, left=left)
    shared = total((share for _key, share in shares), currency=meant.currency)
    if shared != meant:
        return DoesNotAddUp(meant=meant, shared=shared)
    given = tuple((key, share) for key, share in shares if share)
    return Fits(shares=given) if len(given) <= MOST_DEBTS else TooMany(most=MOST_DEBTS)
