"""RULES  What may be changed of a plan now, what a change would do, and if it can't be: why, and what would work.

Invariant: what comes out drawn is inside the limits with which the plan was agreed. What somebody changed before counts
only where a limit counts it, and only for twelve months; nothing that was changed counts in any later answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import Enum
from typing import Final

from portal.interest import months_later
from portal.limits.cards import Limits, NewPlans
from portal.money import Money
from portal.plans import redrawing
from portal.plans.redrawing import Kind, Payment, Running
from portal.plans.states import State
from portal.schedules.arrangements import Kind as Arranged
from portal.schedules.dates import Frequency, due_dates, first_due
from portal.schedules.schedule import NeverEnds, TooManyItems, interest_of

_WHOLE_BPS: Final = 10_000
_SETTLES: Final = (Arranged.SETTLEMENT_LUMP, Arranged.SETTLEMENT_STAGED)
_GOES_ON: Final = (State.AGREED, State.ACTIVE, State.GRACE, State.AT_RISK)
# What may be asked for, in the order in which a page shows it. A payment that went back is nobody's wish.
OFFERED: Final = (Kind.MOVE, Kind.PAY_DAY, Kind.SKIP, Kind.PAUSE, Kind.SHRINK, Kind.EXTRA)


@dataclass(frozen=True, slots=True)
class Move:
    """One payment, by its number, gets another day."""

    seq: int
    to: date


@dataclass(frozen=True, slots=True)
class PayDay:
    """All payments to come get another day of the month (1 to 31; 31 is its last), or of the week (1 is Monday)."""

    day: int


@dataclass(frozen=True, slots=True)
class Skip:
    """The next payment is left out, and the plan ends one payment later."""


@dataclass(frozen=True, slots=True)
class Pause:
    """No payment for so many months."""

    months: int


@dataclass(frozen=True, slots=True)
class Shrink:
    """A smaller payment for so many months; then the usual one again."""

    payment: Money
    months: int


@dataclass(frozen=True, slots=True)
class Extra:
    """A payment beside the plan, on a day, and what it is for."""

    amount: Money
    on: date
    use: redrawing.Use


Asked = Move | PayDay | Skip | Pause | Shrink | Extra


@dataclass(frozen=True, slots=True)
class Past:
    """A change that was made before and not taken back, with the months of a pause or of smaller payments."""

    kind: Kind
    on: date
    months: int = 0


@dataclass(frozen=True, slots=True)
class Situation:
    """A plan as somebody who wants to change it finds it.

    `limits` are those of the card with which it was agreed, `last_day` is the day that it may not outlast. `paid_on`
    are the due dates of its payments that are paid; `starts_with` is the day of the first payment that it hangs on.
    `pause_months` were agreed with it from the start, `missing` is what is missing of what is due.
    """

    running: Running
    state: State
    arranged: Arranged
    limits: Limits | None
    last_day: date
    today: date
    past: tuple[Past, ...] = ()
    paid_on: tuple[date, ...] = ()
    pause_months: int = 0
    agreed_on: date | None = None
    starts_with: date | None = None
    missing: Money | None = None


class Why(Enum):
    """Why a change can't be made."""

    OVER = "over"
    BROKEN = "broken"
    HELD = "held"
    NOT_STARTED = "not_started"
    NOTHING_TO_COME = "nothing_to_come"
    NOT_OFFERED = "not_offered"
    USED_UP = "used_up"
    TOO_SOON_AGAIN = "too_soon_again"
    NO_SUCH_PAYMENT = "no_such_payment"
    TOO_FAR = "too_far"
    NO_CHANGE = "no_change"
    TOO_LONG = "too_long"
    TOO_MANY_MONTHS = "too_many_months"
    TOO_SMALL = "too_small"
    NOT_SMALLER = "not_smaller"
    NOT_EXTRA = "not_extra"
    ALL_OF_IT = "all_of_it"
    NO_MORE_PLANS = "no_more_plans"
    SOON_AFTER_A_BREAK = "soon_after_a_break"


@dataclass(frozen=True, slots=True)
class Refused:
    """It can't be, and what would: a day until which or from which, an amount, or a number of payments or months."""

    why: Why
    day: date | None = None
    since: date | None = None
    amount: Money | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a change is possible now: how often it was made of how often it may be in twelve months.

    Days that a date may move, months that are left, the smallest payment; None where that doesn't matter.
    """

    most: int | None = None
    used: int = 0
    days: int | None = None
    months: int | None = None
    least: Money | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """The plan's payments as they would be."""

    payments: tuple[Payment, ...]


def last_day(limits: Limits | None, *, as_of: date, agreed_until: date) -> date:
    """Return the day that a plan may not outlast, whatever is changed: its longest term from its first possible day.

    36 months and a first payment within 31 days, agreed on 1 March 2026, is 1 April 2029. A plan that was agreed for
    longer, as in hardship, may go on as long as those may; none has to end sooner than it was agreed to.
    """
    if limits is None:
        return agreed_until
    within = timedelta(days=limits.first_payment_within_days)
    usual = months_later(as_of, limits.max_term_months) + within
    if agreed_until <= usual:
        return usual
    return max(agreed_until, months_later(as_of, limits.hardship_max_term_months) + within)


def room(kind: Kind, now: Situation) -> Room | Refused:
    """Return how much of one kind of change is possible now, or why none is."""
    stands_in_the_way = _standing(now)
    if stands_in_the_way is not None:
        return stands_in_the_way
    return _ROOM[kind](now)


def _standing(now: Situation) -> Refused | None:
    if now.state is State.BROKEN:
        return Refused(Why.BROKEN)
    if now.state is State.PAUSED:
        return Refused(Why.HELD)
    if now.state not in _GOES_ON:
        return Refused(Why.OVER)
    if now.state is State.AGREED and now.starts_with is not None:
        return Refused(Why.NOT_STARTED, day=now.starts_with)
    return None if now.running.open else Refused(Why.NOTHING_TO_COME)


def _often(now: Situation, kind: Kind, most: int) -> Room | Refused:
    """Return how often a change was made in the last twelve months, or from which day on it may be again."""
    if not most:
        return Refused(Why.NOT_OFFERED)
    made = _in_12_months(now, kind)
    if len(made) >= most:
        return Refused(Why.USED_UP, count=most, since=months_later(made[-most].on, 12))
    return Room(most=most, used=len(made))


def _in_12_months(now: Situation, kind: Kind) -> list[Past]:
    year_ago = months_later(now.today, -12)
    return [one for one in now.past if one.kind is kind and one.on > year_ago]


def _payments_to_make(now: Situation, since: date | None, between: int) -> int:
    """Return how many payments are still to be made until enough lie between a day and the next time."""
    if since is None:
        return 0
    return max(between - sum(day > since for day in now.paid_on), 0)


def _last(now: Situation, kind: Kind) -> date | None:
    return max((one.on for one in now.past if one.kind is kind), default=None)


def _room_to_move(now: Situation) -> Room | Refused:
    card = now.limits.changes if now.limits else None
    found = _often(now, Kind.MOVE, card.moves_in_12_months if card else 0)
    return replace(found, days=card.move_days) if isinstance(found, Room) and card else found


def _room_for_pay_day(now: Situation) -> Room | Refused:
    if now.arranged in _SETTLES:
        return Refused(Why.NOT_OFFERED)
    card = now.limits.changes if now.limits else None
    return _often(now, Kind.PAY_DAY, card.pay_day_changes_in_12_months if card else 0)


def _room_to_skip(now: Situation) -> Room | Refused:
    card = now.limits.changes if now.limits else None
    if card is None or now.arranged in _SETTLES:
        return Refused(Why.NOT_OFFERED)
    found = _often(now, Kind.SKIP, card.skips_in_12_months)
    if isinstance(found, Refused):
        return found
    short = _payments_to_make(now, _last(now, Kind.SKIP), card.payments_between_skips)
    return Refused(Why.TOO_SOON_AGAIN, count=short) if short else found


def _room_to_pause(now: Situation) -> Room | Refused:
    card = now.limits.holiday if now.limits else None
    frequency = now.running.frequency
    if card is None or now.arranged in _SETTLES or now.running.rests or frequency is Frequency.SEASONAL:
        return Refused(Why.NOT_OFFERED)
    year_ago = months_later(now.today, -12)
    agreed = now.pause_months if now.agreed_on is not None and now.agreed_on > year_ago else 0
    before = _in_12_months(now, Kind.PAUSE)
    used = agreed + sum(one.months for one in before)
    last = _last(now, Kind.PAUSE) or (now.agreed_on if now.pause_months else None)
    short = _payments_to_make(now, last, card.payments_between)
    if short:
        return Refused(Why.TOO_SOON_AGAIN, count=short)
    months = min(card.most_months_running, card.most_months_in_12 - used)
    if months < 1 or _periods(months, frequency) < 1:
        first = min([one.on for one in before] + ([now.agreed_on] if agreed and now.agreed_on else []), default=None)
        if first is None:
            return Refused(Why.NOT_OFFERED)
        return Refused(Why.USED_UP, count=card.most_months_in_12, since=months_later(first, 12))
    return Room(most=card.most_months_in_12, used=used, months=months)


def _room_to_shrink(now: Situation) -> Room | Refused:
    card = now.limits.reduced_payment if now.limits else None
    frequency = now.running.frequency
    if card is None or now.arranged in _SETTLES or now.running.rests or frequency is Frequency.SEASONAL:
        return Refused(Why.NOT_OFFERED)
    before = _in_12_months(now, Kind.SHRINK)
    used = sum(one.months for one in before)
    months = card.most_months - used
    if months < 1 or _periods(months, frequency) < 1:
        if not before:
            return Refused(Why.NOT_OFFERED)
        return Refused(Why.USED_UP, count=card.most_months, since=months_later(before[0].on, 12))
    return Room(most=card.most_months, used=used, months=months, least=_least(now, card.least_bps))


def _least(now: Situation, least_bps: int) -> Money:
    """Return the smallest payment: the card's share of the usual one, and more than the interest of any period."""
    running = now.running
    share = -(-running.usual.minor * least_bps // _WHOLE_BPS)
    periods = running.periods([one.due_on for one in running.open])
    most_interest = max(interest_of(running.principal, period.rate).minor for period in periods)
    return Money(max(share, most_interest + 1), running.currency)


def _room_for_extra(now: Situation) -> Room | Refused:
    if now.running.rests or now.arranged in _SETTLES:
        return Refused(Why.NOT_OFFERED)
    return Room()


_ROOM: Final[dict[Kind, Callable[[Situation], Room | Refused]]] = {
    Kind.MOVE: _room_to_move,
    Kind.PAY_DAY: _room_for_pay_day,
    Kind.SKIP: _room_to_skip,
    Kind.PAUSE: _room_to_pause,
    Kind.SHRINK: _room_to_shrink,
    Kind.EXTRA: _room_for_extra,
}


def another(state: State, card: NewPlans | None, *, in_12_months: int, in_all: int) -> Room | Refused:
    """Return whether another plan may be put together in place of a running one, by the rules that hold today.

    All plans of the debt count that ever ran, and so does the running one. Somebody who has missed payments may, unless
    the card wants days to pass after a plan that broke.
    """
    if state is State.PAUSED:
        return Refused(Why.HELD)
    if state not in (*_GOES_ON, State.BROKEN):
        return Refused(Why.OVER)
    if card is None:
        return Refused(Why.NOT_OFFERED)
    if state is State.BROKEN and card.days_after_a_break:
        return Refused(Why.SOON_AFTER_A_BREAK)
    if in_12_months >= card.most_in_12_months or in_all >= card.most_in_all:
        return Refused(Why.NO_MORE_PLANS)
    return Room(most=card.most_in_12_months, used=in_12_months)


def kind_of(asked: Asked) -> Kind:
    """Return the kind of a change that is asked for."""
    match asked:
        case Move():
            return Kind.MOVE
        case PayDay():
            return Kind.PAY_DAY
        case Skip():
            return Kind.SKIP
        case Pause():
            return Kind.PAUSE
        case Shrink():
            return Kind.SHRINK
        case Extra():
            return Kind.EXTRA


def answer(asked: Asked, now: Situation) -> Drawn | Refused:
    """Return the plan as a change would leave it, or why it can't be and what would work."""
    found = room(kind_of(asked), now)
    if isinstance(found, Refused):
        return found
    match asked:
        case Move():
            drawn = _moved(asked, now, found)
        case PayDay():
            drawn = _on_pay_day(asked, now)
        case Skip():
            drawn = _on_dates(now, redrawing.dates_after(now.running, 1))
        case Pause():
            drawn = _paused(asked, now, found)
        case Shrink():
            drawn = _shrunk(asked, now, found)
        case Extra():
            drawn = _with_extra(asked, now)
    if isinstance(drawn, Drawn) and drawn.payments == now.running.payments:
        return Refused(Why.NO_CHANGE)
    return drawn


def _on_dates(now: Situation, dates: Sequence[date]) -> Drawn | Refused:
    try:
        return _inside(now, redrawing.on_dates(now.running, dates))
    except NeverEnds:
        return Refused(Why.TOO_LONG)


def _inside(now: Situation, payments: tuple[Payment, ...]) -> Drawn | Refused:
    """Return what was drawn if it ends in time; a plan is never made longer than it may be."""
    ends_on = payments[-1].due_on
    if ends_on > now.last_day and ends_on > now.running.open[-1].due_on:
        return Refused(Why.TOO_LONG)
    return Drawn(payments)


def _moved(asked: Move, now: Situation, found: Room) -> Drawn | Refused:
    """Return the plan with one payment on another day: from tomorrow on, between the two beside it, not too far."""
    running = now.running
    at = next((place for place, one in enumerate(running.open) if one.seq == asked.seq), None)
    if at is None:
        return Refused(Why.NO_SUCH_PAYMENT)
    one = running.open[at]
    tomorrow = now.today + timedelta(days=1)
    before = running.open[at - 1].due_on if at else max((each.due_on for each in running.fixed), default=now.today)
    far = timedelta(days=found.days or 0)
    first = max(one.due_on - far, tomorrow, before + timedelta(days=1))
    last = one.due_on + far
    if at + 1 < len(running.open):
        last = min(last, running.open[at + 1].due_on - timedelta(days=1))
    else:
        last = min(last, max(now.last_day, one.due_on))
    if not first <= asked.to <= last:
        return Refused(Why.TOO_FAR, since=first, day=last)
    dates = [each.due_on for each in running.open]
    dates[at] = asked.to
    return _on_dates(now, dates)


def _on_pay_day(asked: PayDay, now: Situation) -> Drawn | Refused:
    """Return the plan on another pay day: the next payment is on the first such day from its own on, never sooner."""
    running = now.running
    first = first_due(
        today=running.open[0].due_on,
        frequency=running.frequency,
        pay_day=asked.day,
        earliest_days=0,
        season=running.season,
    )
    dates = due_dates(
        first=first,
        frequency=running.frequency,
        count=len(running.open),
        anchor_day=None if running.frequency.by_weekday else asked.day,
        season=running.season,
    )
    anchored = replace(now, running=replace(running, anchor_day=None if running.frequency.by_weekday else asked.day))
    return _on_dates(anchored, dates)


def _periods(months: int, frequency: Frequency) -> int:
    """Return how many whole payments lie in so many months; none in two months of a plan that pays each quarter."""
    return months * frequency.per_year // 12


def _paused(asked: Pause, now: Situation, found: Room) -> Drawn | Refused:
    card = now.limits.holiday if now.limits else None
    most = found.months or 0
    if card is None or asked.months > most:
        return Refused(Why.TOO_MANY_MONTHS, count=most)
    periods = _periods(asked.months, now.running.frequency)
    if periods < 1:
        return Refused(Why.NO_CHANGE)
    try:
        drawn = redrawing.paused(now.running, periods=periods, accrual=card.interest, keeps=card.keeps)
    except (NeverEnds, TooManyItems):
        return Refused(Why.TOO_LONG)
    inside = _inside(now, drawn)
    if isinstance(inside, Refused) and asked.months > 1:
        fewer = answer(Pause(asked.months - 1), now)
        if isinstance(fewer, Drawn):
            return Refused(Why.TOO_MANY_MONTHS, count=asked.months - 1)
    return inside


def _shrunk(asked: Shrink, now: Situation, found: Room) -> Drawn | Refused:
    running, least = now.running, found.least
    if asked.months > (found.months or 0):
        return Refused(Why.TOO_MANY_MONTHS, count=found.months)
    if least is not None and asked.payment < least:
        return Refused(Why.TOO_SMALL, amount=least)
    if asked.payment >= running.usual:
        return Refused(Why.NOT_SMALLER, amount=running.usual)
    drawn = _drawn_smaller(now, asked.payment, asked.months)
    if isinstance(drawn, Refused) and least is not None:
        # The smallest payment that ends in time is what would work: the larger the payment, the sooner the end.
        low, high = asked.payment.minor, running.usual.minor
        while high - low > 1:
            middle = (low + high) // 2
            tried = _drawn_smaller(now, Money(middle, running.currency), asked.months)
            low, high = (low, middle) if isinstance(tried, Drawn) else (middle, high)
        if high < running.usual.minor:
            return Refused(Why.TOO_SMALL, amount=Money(high, running.currency))
    return drawn


def _drawn_smaller(now: Situation, payment: Money, months: int) -> Drawn | Refused:
    count = max(_periods(months, now.running.frequency), 1)
    try:
        return _inside(now, redrawing.shrunk(now.running, payment=payment, count=count))
    except (NeverEnds, TooManyItems):
        return Refused(Why.TOO_LONG)


def _with_extra(asked: Extra, now: Situation) -> Drawn | Refused:
    """Return the plan drawn again around what is paid beside it; what is due already is paid first."""
    running = now.running
    missing = now.missing or Money.zero(running.currency)
    beside = asked.amount - missing
    if beside.minor <= 0 or asked.use is redrawing.Use.NEXT:
        return Refused(Why.NOT_EXTRA, amount=missing)
    if beside >= running.principal:
        return Refused(Why.ALL_OF_IT, amount=running.principal + missing)
    try:
        return Drawn(redrawing.with_extra(running, amount=beside, on=asked.on, use=asked.use))
    except NeverEnds:
        return Refused(Why.TOO_LONG)


def cost(before: Sequence[Payment], after: Sequence[Payment]) -> Money:
    """Return by how much more is paid after a change, all of it interest; below zero it is less."""
    currency = before[0].principal.currency
    return Money(sum(one.minor for one in after) - sum(one.minor for one in before), currency)
