"""RULES  Less than all of it: settlements in one or in several payments, instalments with a waiver, and what revives.

Invariant: what is paid and what is waived add up to what was owed; nothing is waived above its part's ceiling, and no
waiver is final before the payment that it is promised for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from portal.money import Money, level
from portal.schedules import drawing
from portal.schedules.arrangements import Arrangement, Kind, Parts, Standstill, Vesting, Waiver
from portal.schedules.dates import Frequency
from portal.schedules.rates import Terms
from portal.schedules.schedule import Item, NothingOwed, Schedule

_WHOLE_BPS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Ceilings:
    """How much of each part may be waived at most, in basis points (10,000 is all of it)."""

    principal: int
    interest: int
    penalty: int
    fees: int
    costs: int

    def most(self, owed: Parts) -> Parts:
        """Return what may be waived of each part, rounded down."""
        return Parts(
            principal=_share(owed.principal, self.principal),
            interest=_share(owed.interest, self.interest),
            penalty=_share(owed.penalty, self.penalty),
            fees=_share(owed.fees, self.fees),
            costs=_share(owed.costs, self.costs),
        )


def _share(part: Money, bps: int) -> Money:
    if not 0 <= bps <= _WHOLE_BPS:
        raise ValueError(bps)
    return Money(part.minor * bps // _WHOLE_BPS, part.currency)


def most_waived(*, owed: Parts, ceilings: Ceilings, discount_bps: int) -> Parts:
    """Return the largest waiver: each part to its ceiling, and all together no more than the discount of the balance.

    10,000.00 of 7,200 principal, 1,900 interest, 700 penalty and 200 fees, with all of penalty and fees and half of the
    interest: 1,850.00, so 8,150.00 is the settlement. With 30% and no lower ceiling: 3,000.00. Penalty is waived first,
    then fees, interest, costs, and principal last; roundings are the lender's.

    :raises ValueError: if a ceiling or the discount is not from 0 to 10,000, or a part is negative.
    """
    if any(part.minor < 0 for part in (owed.principal, owed.interest, owed.penalty, owed.fees, owed.costs)):
        raise ValueError(owed)
    most = ceilings.most(owed)
    left = _share(owed.total, discount_bps)
    waived: dict[str, Money] = {}
    for name, can in (
        ("penalty", most.penalty),
        ("fees", most.fees),
        ("interest", most.interest),
        ("costs", most.costs),
        ("principal", most.principal),
    ):
        waived[name] = min(can, left)
        left -= waived[name]
    return Parts(**waived)


def discount_bps(*, owed: Parts, waived: Parts) -> int:
    """Return the discount that is shown, in basis points rounded down: 1,850.00 of 10,000.00 is 1,850."""
    return waived.total.minor * _WHOLE_BPS // owed.total.minor


def settlement_lump(*, owed: Parts, waived: Parts, today: date, pay_by: date) -> Arrangement:
    """Arrange one payment by a day, without interest until then; what is waived is so once the payment has cleared.

    :raises NothingOwed: if nothing would be left to pay.
    :raises ValueError: if the day is over.
    """
    if pay_by < today:
        raise ValueError(pay_by)
    agreed = _agreed(owed, waived)
    return _settled(Kind.SETTLEMENT_LUMP, waived, (agreed,), (pay_by,), Frequency.MONTHLY, today)


def settlement_staged(
    *, owed: Parts, waived: Parts, terms: Terms, count: int, today: date, down: tuple[Money, date] | None = None
) -> Arrangement:
    """Arrange a settlement in at most so many payments without interest; the waiver is final with the last alone.

    8,500.00 in 3 is 2,833.34, 2,833.34, 2,833.32; with 1,700.00 down it is that and 4 of 1,700.00. The terms give the
    dates of all but the down payment, which has an amount and a day of its own, without which all is void.

    :raises NothingOwed: if nothing would be left to pay.
    :raises ValueError: if the count is below 1, the first date is over, or the down payment is not before and less.
    """
    agreed = _agreed(owed, waived)
    dates, amounts = terms.dates(count), level(agreed, count)
    if down is not None:
        amount, pay_by = down
        if not 0 < amount.minor < agreed.minor or pay_by >= terms.first:
            raise ValueError(down)
        dates, amounts = (pay_by, *dates), (amount, *level(agreed - amount, count))
    if dates[0] < today:
        raise ValueError(dates[0])
    found = _settled(Kind.SETTLEMENT_STAGED, waived, amounts, dates, terms.frequency, today)
    return found if down is None else replace(found, void_unless_paid_by=down[1])


def _agreed(owed: Parts, waived: Parts) -> Money:
    names = ("principal", "interest", "penalty", "fees", "costs")
    if any(not 0 <= getattr(waived, name).minor <= getattr(owed, name).minor for name in names):
        raise ValueError(waived)
    agreed = owed.total - waived.total
    if agreed.minor <= 0:
        raise NothingOwed(agreed)
    return agreed


def _settled(
    kind: Kind, waived: Parts, amounts: Sequence[Money], dates: Sequence[date], frequency: Frequency, today: date
) -> Arrangement:
    nothing = Money.zero(waived.total.currency)
    # There are fewer amounts than dates where there are fewer units than payments.
    items = tuple(
        Item(seq, day, amount, amount, nothing)
        for seq, (day, amount) in enumerate(zip(dates, amounts, strict=False), 1)
    )
    return Arrangement(
        kind,
        Schedule(items, frequency),
        cost=nothing,
        waiver=Waiver(waived, Vesting.ON_LAST_PAYMENT, (*(nothing for _ in items[1:]), waived.total)),
        standstill=Standstill(today, items[-1].due_on),
    )


def instalments_with_waiver(*, owed: Parts, waived: Parts, terms: Terms, count: int, vesting: Vesting) -> Arrangement:
    """Arrange at most so many level payments of what is left after a waiver, which vests with each or with the last.

    1,200.00 of which 200.00 is waived, in 4 without interest: 4 of 250.00, and with each 50.00 is waived for good.

    :raises NothingOwed: if nothing would be left to pay.
    :raises ValueError: if more is waived than is owed of a part, or the terms are for more than is owed.
    """
    if terms.balance > owed.total:
        raise ValueError(terms.balance, owed.total)
    # After a down payment the terms are for what is left.
    agreed = _agreed(owed, waived) - (owed.total - terms.balance)
    schedule = drawing.by_count(replace(terms, balance=agreed), count)
    return Arrangement(
        Kind.INSTALMENTS_WITH_WAIVER,
        schedule,
        cost=schedule.total_interest,
        waiver=Waiver(waived, vesting, _vests(waived.total, schedule, agreed, vesting)),
    )


def _vests(waived: Money, schedule: Schedule, agreed: Money, vesting: Vesting) -> tuple[Money, ...]:
    """Return what vests with each item, in proportion to the principal that it repays; the last has the rest."""
    nothing = Money.zero(waived.currency)
    if vesting is Vesting.ON_LAST_PAYMENT:
        return (*[nothing] * (schedule.count - 1), waived)
    found, paid, vested = [], 0, 0
    for item in schedule.items:
        paid += item.principal.minor
        now = waived.minor * paid // agreed.minor
        found.append(Money(now - vested, waived.currency))
        vested = now
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Revived:
    """What is owed again when an arrangement is broken: what was paid stays paid, and what vested stays waived."""

    credited: Money
    still_waived: Money
    outstanding: Money
    interest_from: date


def if_broken(arrangement: Arrangement, *, owed: Money, paid: Money, broken_on: date) -> Revived:
    """Return exactly what revives if it is broken on a day after so much was paid, as it is shown before agreeing.

    10,000.00 settled for 8,500.00 in 3, broken after the first: 2,833.34 is credited, 7,166.66 is owed with interest
    from the day on, which is never dated back, and nothing is waived. Interest paid in items is not part of `owed`.

    :raises ValueError: if the paid amount is negative or more than all items, or nothing is scheduled.
    """
    schedule = arrangement.schedule
    if schedule is None or not 0 <= paid.minor <= schedule.total.minor:
        raise ValueError(paid)
    nothing = Money.zero(owed.currency)
    credited = vested = nothing
    left = paid
    vests = arrangement.waiver.with_item if arrangement.waiver is not None else (nothing,) * schedule.count
    for item, vest in zip(schedule.items, vests, strict=True):
        # An item's interest is paid first: what was asked for it came due with it.
        credited += min(max(left - item.interest, nothing), item.principal)
        if left < item.amount:
            break
        left -= item.amount
        vested += vest
    return Revived(credited, vested, owed - credited - vested, broken_on)
