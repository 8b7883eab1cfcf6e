"""RULES  All that a quote pins beside its number, as JSON, and the arrangement and its key facts read from it again.

Invariant: what is read from a quote is what was quoted, to the unit and the day, whatever the limits say by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from portal.interest import DayCount
from portal.money import Money, total
from portal.offers.plain import plain
from portal.schedules.arrangements import Arrangement, Kind, Parts, Standstill, Vesting, Waiver
from portal.schedules.cost import KeyFacts, key_facts
from portal.schedules.dates import Frequency
from portal.schedules.schedule import Item, Schedule

# No lender says yet how its contracts count days; it is stated with each quote.
DAY_COUNT: Final = DayCount.ACT_365F
# In which order of the parts a waiver is used up, over payments and where a part has less left than was promised.
PARTS: Final = ("penalty", "fees", "interest", "costs", "principal")
_MONEY: Final = ("cost", "cost_of_pause", "left_at_review", "grows_by")


class DoesNotRepay(ValueError):
    """What is repaid, let off and left is not what is owed, so it can't be agreed to as it is drawn."""


def repaying(arrangement: Arrangement, *, owed: Money) -> Arrangement:
    """Return an arrangement whose principal is never more than what is owed: interest of a pause is interest.

    What a debt grows by in a pause is drawn as principal of what follows. 6,000.00 that grows by 120.00 is repaid by
    items of which the first 120.00 are interest, each still of the same amount.

    :raises DoesNotRepay: if principal, what is let off and what is left are not what is owed.
    """
    schedule = arrangement.schedule
    if schedule is None:
        raise DoesNotRepay(arrangement)
    currency = owed.currency
    waived = Money.zero(currency) if arrangement.waiver is None else arrangement.waiver.parts.total
    left = arrangement.left_at_review or Money.zero(currency)
    grown = total((item.principal for item in schedule.items), currency=currency) + waived + left - owed
    if grown.minor < 0 or (grown and arrangement.kind is not Kind.HOLIDAY and arrangement.cost_of_pause is None):
        raise DoesNotRepay(owed, grown)
    items = []
    for item in schedule.items:
        interest = min(item.principal, grown)
        grown -= interest
        items.append(replace(item, principal=item.principal - interest, interest=item.interest + interest))
    return replace(arrangement, schedule=Schedule(tuple(items), schedule.frequency))


def items_as_json(schedule: Schedule) -> list[list[Any]]:
    """Return payments as JSON: number, day, amount, principal, interest."""
    return [
        [item.seq, item.due_on.isoformat(), item.amount.minor, item.principal.minor, item.interest.minor]
        for item in schedule.items
    ]


def items_from_json(stored: list[list[Any]], *, currency: str, frequency: str) -> Schedule:
    """Read payments that `items_as_json` wrote."""
    return Schedule(
        items=tuple(
            Item(
                seq=seq,
                due_on=date.fromisoformat(due_on),
                amount=Money(amount, currency),
                principal=Money(principal, currency),
                interest=Money(interest, currency),
            )
            for seq, due_on, amount, principal, interest in stored
        ),
        frequency=Frequency(frequency),
    )


def vests(waiver: Waiver) -> tuple[dict[str, Money], ...]:
    """Return what is let off with each payment, part by part: penalty is used up first, principal last.

    200.00 of which 150.00 is penalty and 50.00 interest, 100.00 with each of two: 100.00 penalty, then 50.00 of each.
    """
    left = {part: getattr(waiver.parts, part) for part in PARTS}
    found = []
    for amount in waiver.with_item:
        now: dict[str, Money] = {}
        for part in PARTS:
            some = min(amount, left[part])
            if some:
                now[part] = some
                left[part] -= some
                amount -= some
        found.append(now)
    return tuple(found)


def as_json(arrangement: Arrangement, *, pause_months: int = 0) -> dict[str, Any]:
    """Return an arrangement as JSON, all but its payments."""
    waiver, standstill = arrangement.waiver, arrangement.standstill
    return {
        "kind": arrangement.kind.value,
        **{name: _minor(getattr(arrangement, name)) for name in _MONEY},
        "waiver": None
        if waiver is None
        else {
            "parts": {part: getattr(waiver.parts, part).minor for part in PARTS},
            "vesting": waiver.vesting.value,
            "with_item": [amount.minor for amount in waiver.with_item],
            "vests": [{part: amount.minor for part, amount in now.items()} for now in vests(waiver)],
        },
        "standstill": None
        if standstill is None
        else [standstill.starts_on.isoformat(), standstill.ends_on.isoformat()],
        "rate_after": None if arrangement.rate_after is None else str(arrangement.rate_after),
        "review_on": _iso(arrangement.review_on),
        "void_unless_paid_by": _iso(arrangement.void_unless_paid_by),
        "pause_months": pause_months,
    }


def from_json(stored: Mapping[str, Any], *, schedule: Schedule) -> Arrangement:
    """Read an arrangement that `as_json` wrote, with its payments."""
    currency = schedule.payment.currency
    money = {name: None if stored[name] is None else Money(stored[name], currency) for name in _MONEY}
    waiver, standstill = stored["waiver"], stored["standstill"]
    return Arrangement(
        kind=Kind(stored["kind"]),
        schedule=schedule,
        cost=money["cost"] or Money.zero(currency),
        waiver=None
        if waiver is None
        else Waiver(
            parts=Parts(**{part: Money(minor, currency) for part, minor in waiver["parts"].items()}),
            vesting=Vesting(waiver["vesting"]),
            with_item=tuple(Money(minor, currency) for minor in waiver["with_item"]),
        ),
        standstill=None if standstill is None else Standstill(*(date.fromisoformat(day) for day in standstill)),
        rate_after=None if stored["rate_after"] is None else Decimal(stored["rate_after"]),
        cost_of_pause=money["cost_of_pause"],
        left_at_review=money["left_at_review"],
        grows_by=money["grows_by"],
        review_on=_day(stored["review_on"]),
        void_unless_paid_by=_day(stored["void_unless_paid_by"]),
    )


def facts(arrangement: Arrangement, *, terms: Mapping[str, Any], owed: Money, as_of: date) -> KeyFacts:
    """Return the key facts of an arrangement under the terms that a quote pins."""
    schedule = arrangement.schedule
    if schedule is None:
        raise DoesNotRepay(arrangement)
    waiver = arrangement.waiver
    waived = [] if waiver is None else zip(schedule.items, waiver.with_item, strict=True)
    return key_facts(
        schedule=schedule,
        balance=owed,
        bearing=Money(terms["parts"]["principal"], owed.currency),
        today=as_of,
        contract_rate=Decimal(terms["contract_rate"]),
        plan_rate=Decimal(terms["plan_rate"]),
        day_count=DayCount(terms["day_count"]),
        jurisdiction=terms["jurisdiction"],
        grace_days=terms["grace_days"],
        cure_days=terms["cure_days"],
        waived=[(item.due_on, amount) for item, amount in waived if amount],
    )


def facts_as_json(found: KeyFacts) -> Any:
    """Return key facts as JSON, as they are kept with a quote."""
    return plain(found)


def _minor(amount: Money | None) -> int | None:
    return None if amount is None else amount.minor


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(stored: str | None) -> date | None:
    return None if stored is None else date.fromisoformat(stored)
