"""RULES  Which payment of a plan is noticed and charged, on which day and at which hour, and what keeps it from that.

Invariant: nothing is charged that was not said days before, nor more than was said, nor more than is left, nor at
night, nor twice on a day for one plan. Whatever isn't certain is not charged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Final
from zoneinfo import ZoneInfo

from portal.autopay.states import Auto, Charge
from portal.plans.looking import Payment

# By the clock of whoever pays: from ten in the morning, so that there is a day to do something about it.
HOUR: Final = time(10)
LAST_HOUR: Final = time(18)
# Whole days between the notice and the charge: of what was agreed to by day and amount, and of more than that (Reg E,
# 12 CFR 1005.10(d)(1): ten days before a transfer that varies in amount, unless it is within a range that was agreed
# to, which (d)(2) allows; what autopay is agreed to with names the most that is taken at once).
DAYS: Final = timedelta(days=3)
DAYS_IF_MORE: Final = timedelta(days=10)
# Written so much before it must have left: quiet hours, a server that is down.
SLACK: Final = timedelta(days=2)
# A worker that was late still charges on these days after the one that was said; later, it is said again first.
LATE: Final = timedelta(days=2)
_A_DAY: Final = timedelta(days=1)
RUNNING: Final = frozenset({"agreed", "active", "grace", "at_risk"})
_OVER: Final = frozenset({"completed", "cancelled", "expired", "superseded", "voided", "ended_broken"})
# These wait for nothing that time brings.
_DONE: Final = frozenset({Charge.CHARGED, Charge.SECOND_STEP, Charge.REFUSED})


class Why(Enum):
    """What keeps a charge from being made, on a day or at all."""

    STOPPED = "stopped"
    NO_CARD = "no_card"
    PLAN_OVER = "plan_over"
    PLAN_WAITS = "plan_waits"  # It is paused or broken.
    HELD = "held"  # Something is looked into, disputed, or nobody could pay on this day.
    DEBT_GONE = "debt_gone"
    ON_ITS_WAY = "on_its_way"
    PAID = "paid"
    TOO_LITTLE = "too_little"  # Less than can be charged.
    MORE = "more"  # More is left than was said.
    MOVED = "moved"  # The payment has another day now.
    NOT_NOTICED = "not_noticed"  # The notice did not leave, or too late.
    TOO_LATE = "too_late"  # The day that was said is over.
    ANOTHER_TODAY = "another_today"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True)
class Made:
    """The charge of a payment as it stands: its day, the most that was said, and when its notice left, by days."""

    seq: int
    state: Charge
    on: date
    due_on: date
    most: int
    tries: int
    noticed_on: date | None
    days: timedelta
    tried_on: date | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """What a charge is decided by, read under lock; amounts are in minor units.

    `owed` is what may be asked for of the debt, `to_come` the interest of each payment that stands in no book yet, and
    `least` the smallest charge. `held`: somebody looks into something, or nobody could pay on this day. `agreed_most`
    is the most that was agreed to be taken at once.
    """

    auto: Auto
    has_card: bool
    plan: str
    grace_days: int
    payments: Sequence[Payment]
    made: Mapping[int, Made]
    held: bool
    debt_open: bool
    on_its_way: int
    owed: int
    to_come: Mapping[int, int]
    least: int
    agreed_most: int
    today: date

    def amount_of(self, payment: Payment) -> int:
        """Return what is left of a payment, and no more than is owed by then."""
        interest = sum(self.to_come.get(one.seq, 0) for one in self.payments if one.due_on <= payment.due_on)
        return max(min(payment.missing, self.owed + interest), 0)


@dataclass(frozen=True, slots=True)
class Notice:
    """A payment to give notice of: its day, when it is charged, how much at most, and how many days before that."""

    seq: int
    due_on: date
    on: date
    amount: int
    days: timedelta


@dataclass(frozen=True, slots=True)
class Go:
    """Charge this much now."""

    amount: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Not today; another day may be right."""

    why: Why


@dataclass(frozen=True, slots=True)
class CallOff:
    """Not with this notice."""

    why: Why


def stands_still(now: Situation) -> Why | None:
    """Return what keeps everything of a plan from being charged today, or None."""
    if now.auto is Auto.STOPPED:
        return Why.STOPPED
    if now.plan in _OVER:
        return Why.PLAN_OVER
    if not now.debt_open:
        return Why.DEBT_GONE
    if now.auto is not Auto.ON or not now.has_card:
        return Why.NO_CARD
    if now.plan not in RUNNING:
        return Why.PLAN_WAITS
    return Why.HELD if now.held else None


def is_over(now: Situation) -> bool:
    """Say whether autopay ends by itself: its plan is over, or the debt is no longer here."""
    return now.plan in _OVER or not now.debt_open


def ahead(amount: int, *, agreed_most: int) -> timedelta:
    """Return how many days before a charge its notice must have left."""
    return DAYS if amount <= agreed_most else DAYS_IF_MORE


def to_notice(now: Situation) -> Notice | None:
    """Return the next payment to give notice of today, or None.

    Due on 10 May, as agreed: said on 5 May, charged on the 10th. Said only on 8 May, it is charged on the 13th, if the
    plan's days of grace reach so far; if not, it is not charged, and its day comes as for any payment. What was due
    before that is paid by hand: nothing of the past is ever charged.
    """
    if stands_still(now) is not None:
        return None
    for one in _open(now):
        made = now.made.get(one.seq)
        if made is not None and made.state is not Charge.CALLED_OFF:
            continue
        amount = now.amount_of(one)
        if one.due_on < now.today or amount < now.least:
            continue
        days = ahead(amount, agreed_most=now.agreed_most)
        if one.due_on - days - SLACK > now.today:
            continue
        on = max(one.due_on, now.today + days)
        if any(other.on == on and other.state is Charge.NOTICED for other in now.made.values()):
            on += _A_DAY
        if on <= one.due_on + timedelta(days=now.grace_days):
            return Notice(one.seq, one.due_on, on, amount, days)
    return None


def decide(made: Made, now: Situation) -> Go | Wait | CallOff:
    """Return whether a charge whose notice is written is made today.

    What came otherwise counts first: then less is charged than was said, or nothing. More is not charged until it was
    said. What only stands in the way for a while lets the charge wait for its last day.
    """
    still = stands_still(now)
    if still is not None:
        waits = still in (Why.PLAN_WAITS, Why.HELD, Why.NO_CARD) and now.today < made.on + LATE
        return Wait(still) if waits else CallOff(still)
    payment = next((one for one in now.payments if one.seq == made.seq), None)
    if payment is None or not payment.open or payment.kept:
        return CallOff(Why.PAID)
    if payment.due_on != made.due_on:
        return CallOff(Why.MOVED)
    amount = now.amount_of(payment)
    if amount > made.most:
        return CallOff(Why.MORE)
    if amount < now.least:
        return CallOff(Why.PAID if amount <= 0 else Why.TOO_LITTLE)
    if now.today < made.on:
        return Wait(Why.NOT_YET)
    if made.on + LATE < now.today:
        return CallOff(Why.TOO_LATE)
    if made.noticed_on is None or made.noticed_on + made.days > now.today:
        return CallOff(Why.NOT_NOTICED) if made.on + LATE <= now.today else Wait(Why.NOT_NOTICED)
    if now.on_its_way:
        return Wait(Why.ON_ITS_WAY)
    if any(other.seq != made.seq and other.tried_on == now.today for other in now.made.values()):
        return Wait(Why.ANOTHER_TODAY)
    return Go(amount)


def hour_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant from which a charge is made on a day of somebody's calendar."""
    return datetime.combine(day, HOUR, zone).astimezone(UTC)


def is_daytime(now: datetime, zone: ZoneInfo) -> bool:
    """Say whether a charge may be made at an instant, by the clock of whoever pays."""
    return HOUR <= now.astimezone(zone).time() < LAST_HOUR


def next_daytime(now: datetime, zone: ZoneInfo) -> datetime:
    """Return the next instant at which charges begin."""
    local = now.astimezone(zone)
    return hour_of(local.date() if local.time() < HOUR else local.date() + _A_DAY, zone)


def act_on(now: Situation) -> date | None:
    """Return the first day after today on which time alone brings something: a notice to write or a charge to make.

    None if nothing is left to come. While something stands in the way, somebody looks every day.
    """
    if now.auto is Auto.STOPPED or is_over(now):
        return None
    tomorrow = now.today + _A_DAY
    if stands_still(now) is not None:
        return tomorrow
    return min((max(day, tomorrow) for day in _days(now)), default=None)


def _days(now: Situation) -> Iterator[date]:
    for one in _open(now):
        made = now.made.get(one.seq)
        if made is None or made.state is Charge.CALLED_OFF:
            if one.due_on < now.today:
                continue
            days = ahead(now.amount_of(one), agreed_most=now.agreed_most)
            # Once it can't be said in time any more, nothing more is said.
            if max(one.due_on, now.today + days) <= one.due_on + timedelta(days=now.grace_days):
                yield one.due_on - days - SLACK
    for each in now.made.values():
        if each.state in (Charge.NOTICED, Charge.CHARGING):
            yield each.on - _A_DAY


def _open(now: Situation) -> Iterator[Payment]:
    return (one for one in now.payments if one.open)


def to_come(now: Situation) -> list[tuple[Payment, bool]]:
    """Return the payments that are not made, each with whether autopay would charge it if it began today."""
    return [(one, one.due_on - DAYS >= now.today) for one in _open(now)]
