"""What pages say of ways to pay: what was asked, why an answer is what it is, what would work, what a plan brings.

Invariant: only what `Answer.public` holds is put into words; an outcome, and what staff see, never are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from portal.money import Money
from portal.offers.answers import Answer, Change, Input, Kind, Outcome, Reason
from portal.offers.asked import Asked, DownPayment, Lower, Pause, Regular, Settlement, Steps, Way
from portal.plans.forms import every, how_often
from portal.plans.redrawing import Kind as Changed
from portal.schedules.arrangements import Arrangement, Vesting
from portal.schedules.dates import Frequency
from portal.schedules.schedule import Schedule
from portal.web.formats import day as day_words
from portal.web.formats import money as money_words
from portal.web.formats import percent
from portal.web.languages import gettext as _
from portal.web.languages import lazy_gettext, ngettext


def amount_every(amount: Money, frequency: Frequency) -> str:
    """Say `$100.00 a month`."""
    return _("%(amount)s %(every)s", amount=money_words(amount), every=every(frequency))


_WAY_TITLES: Final = {
    Way.REGULAR: lazy_gettext("The same amount each time"),
    Way.STEPS: lazy_gettext("Start low, then pay more"),
    Way.DOWN_PAYMENT: lazy_gettext("A larger first payment"),
    Way.PAUSE: lazy_gettext("A pause first"),
    Way.LOWER: lazy_gettext("Pay less for a while"),
    Way.SETTLE_AT_ONCE: lazy_gettext("Pay less and be done"),
    Way.SETTLE_IN_PARTS: lazy_gettext("Pay less in a few parts and be done"),
    Way.SEASON: lazy_gettext("Pay after the harvest"),
}


def way_title(way: Way) -> str:
    """Give the name of a way to pay, as a link and as the title of its page."""
    return str(_WAY_TITLES[way])


_WAY_LEADS: Final = {
    Way.REGULAR: lazy_gettext("You pay so much each week or month until all is paid."),
    Way.STEPS: lazy_gettext("You pay little at the start and more later, for example when you expect more money."),
    Way.DOWN_PAYMENT: lazy_gettext("You have some money now. You pay a larger part first and the rest bit by bit."),
    Way.PAUSE: lazy_gettext("You can’t pay now. Nothing is due for some months, and then you pay bit by bit."),
    Way.LOWER: lazy_gettext(
        "Money is short for some months. You pay less in that time, and then we look again with you."
    ),
    Way.SETTLE_AT_ONCE: lazy_gettext("You can pay a part of it now, in one payment. If we agree, the rest is let off."),
    Way.SETTLE_IN_PARTS: lazy_gettext("You can pay a part of it in a few payments. If we agree, the rest is let off."),
    Way.SEASON: lazy_gettext("You have money after the harvest or in a season. You pay in these months only."),
}


def way_lead(way: Way) -> str:
    """Say for whom a way is, and what it means."""
    return str(_WAY_LEADS[way])


def asked_words(asked: Asked) -> str:
    """Say what somebody asked for, in one sentence without its end."""
    then = amount_every(asked.regular.payment, asked.regular.frequency)
    match asked:
        case Steps():
            first = ", ".join(_times(count, amount) for count, amount in asked.steps)
            return _("%(first)s, then %(then)s", first=first, then=then)
        case DownPayment():
            return _(
                "%(amount)s by %(day)s, then %(then)s",
                amount=money_words(asked.amount),
                day=day_words(asked.pay_by),
                then=then,
            )
        case Pause():
            return ngettext(
                "a pause of %(num)s month, then %(then)s",
                "a pause of %(num)s months, then %(then)s",
                asked.months,
                then=then,
            )
        case Lower():
            return ngettext("%(then)s for %(num)s month", "%(then)s for %(num)s months", asked.months, then=then)
        case Settlement(parts=1):
            return _("%(amount)s in all by %(day)s", amount=money_words(asked.amount), day=day_words(asked.pay_by))
        case Settlement():
            return ngettext(
                "%(amount)s in all, in %(num)s part, from %(day)s",
                "%(amount)s in all, in %(num)s parts, from %(day)s",
                asked.parts,
                amount=money_words(asked.amount),
                day=day_words(asked.pay_by),
            )
    return then


def _times(count: int, amount: Money) -> str:
    return ngettext(
        "%(num)s payment of %(amount)s", "%(num)s payments of %(amount)s", count, amount=money_words(amount)
    )


_REASONS: Final = {
    Reason.BELOW_LEAST_PAYMENT: lazy_gettext("It would take longer than your lender allows in a usual plan."),
    Reason.ABOVE_WHAT_IS_AFFORDABLE: lazy_gettext(
        "It is more than you have left in a month. We don’t want you to go short."
    ),
    Reason.NOTHING_LEFT_OVER: lazy_gettext("You have nothing left over in a month. Then you don’t have to pay now."),
    Reason.INTEREST_WOULD_OUTGROW: lazy_gettext("With this amount the interest would grow faster than you pay it off."),
    Reason.FREQUENCY_NOT_OFFERED: lazy_gettext("Your lender doesn’t offer paying this often."),
    Reason.FIRST_PAYMENT_TOO_LATE: lazy_gettext("The first payment would come later than your lender allows."),
    Reason.FIRST_PAYMENT_IN_THE_PAST: lazy_gettext("The first day would already be over."),
    Reason.FIRST_PAYMENT_TOO_EARLY: lazy_gettext("The first day is too soon to arrange it."),
    Reason.FIRST_PAYMENT_OUT_OF_SEASON: lazy_gettext("The first payment would lie outside of the season."),
    Reason.LONGER_THAN_AUTOMATIC: lazy_gettext("A plan this long is looked at by a person first."),
    Reason.A_PERSON_DECIDES: lazy_gettext("This is for a person to decide."),
    Reason.ON_HOLD: lazy_gettext(
        "Something else comes first on this debt. Until that is cleared up, we ask you for nothing."
    ),
    Reason.BALANCE_NOT_FRESH: lazy_gettext(
        "What you owe may have changed since your lender last told us. It is looked up first, so that nothing wrong is "
        "agreed."
    ),
    Reason.WAY_NOT_OFFERED: lazy_gettext("Your lender doesn’t offer this way for this debt."),
    Reason.DOWN_PAYMENT_REQUIRED: lazy_gettext("Your lender asks for a larger first payment."),
    Reason.DOWN_PAYMENT_TOO_LOW: lazy_gettext("The first payment is smaller than your lender asks for."),
    Reason.STEPS_TOO_LONG: lazy_gettext("The small payments at the start would go on longer than your lender allows."),
    Reason.STEPS_FALL: lazy_gettext("Later payments may be larger than those before, but not smaller."),
    Reason.PAUSE_TOO_LONG: lazy_gettext("The pause would be longer than your lender allows."),
    Reason.PAUSES_USED_UP: lazy_gettext("You have had all the months of pause that your lender allows in a year."),
    Reason.TOO_SOON_AFTER_A_PAUSE: lazy_gettext(
        "You had a pause a short while ago. Some payments come before the next."
    ),
    Reason.LOWER_FOR_TOO_LONG: lazy_gettext("The smaller payments would go on longer than your lender allows."),
    Reason.BELOW_LEAST_LOWER_PAYMENT: lazy_gettext("It is less than your lender allows, even for a while."),
    Reason.NOT_SETTLED_ALONE: lazy_gettext("We can’t say yes to this amount here and now."),
    Reason.TOO_MANY_PARTS: lazy_gettext("It would be more parts than your lender allows."),
    Reason.PARTS_ABOVE_WHAT_IS_AFFORDABLE: lazy_gettext(
        "Each part would be more than you have left in a month. We don’t want you to go short."
    ),
    Reason.NEW_PLANS_USED_UP: lazy_gettext(
        "There were several plans for this debt before, so a person looks at a new one."
    ),
    Reason.TOO_SOON_AFTER_A_BREAK: lazy_gettext("A plan for this debt ended a short while ago."),
    Reason.ROUNDS_USED_UP: lazy_gettext(
        "We have not found a way together yet. You can send what you asked for to a person."
    ),
}


def reason_words(reason: Reason) -> str:
    """Say one reason in one sentence."""
    return str(_REASONS[reason])


def change_words(change: Change, asked: Asked) -> str | None:
    """Say the one input that would change the answer, with the value that would work; None where there is none."""
    value = change.value
    match change.input, value:
        case Input.PAYMENT | Input.BUDGET, Money():
            works = amount_every(value, asked.regular.frequency)
            if isinstance(asked, Steps):
                return _("What would work: then %(amount)s.", amount=works)
            return _("What would work: %(amount)s.", amount=works)
        case Input.FIRST_PAYMENT_DATE, date():
            return _("What would work: a first payment on %(day)s.", day=day_words(value))
        case Input.FREQUENCY, Frequency():
            return _("What would work: paying %(every)s.", every=how_often(value).lower())
        case Input.DOWN_PAYMENT, Money():
            return _("What would work: a first payment of %(amount)s.", amount=money_words(value))
        case Input.STEP_LENGTH, int() if value:
            return ngettext(
                "What would work: %(num)s small payment at the start.",
                "What would work: %(num)s small payments at the start.",
                value,
            )
        case Input.STEP_LENGTH, int():
            return _("What would work: the larger payments from the start.")
        case Input.PAUSE_MONTHS, int() if value:
            return ngettext(
                "What would work: a pause of %(num)s month.", "What would work: a pause of %(num)s months.", value
            )
        case Input.PAUSE_MONTHS, int():
            return _("What would work: no pause.")
        case Input.LOWER_MONTHS, int():
            return ngettext(
                "What would work: the smaller payments for %(num)s month.",
                "What would work: the smaller payments for %(num)s months.",
                value,
            )
        case Input.SETTLEMENT_AMOUNT, Money():
            return _("What would work here and now: %(amount)s in all.", amount=money_words(value))
        case Input.SETTLEMENT_PARTS, int():
            return ngettext("What would work: %(num)s part.", "What would work: %(num)s parts.", value)
        case Input.ASK_AGAIN_ON, date():
            return _("You can ask again here on %(day)s.", day=day_words(value))
        case Input.WAY, Way():
            return _("What would work: %(way)s.", way=way_title(value))
    return None


def answer_words(answer: Answer, choices: Mapping[str, Arrangement]) -> tuple[str, tuple[str, ...]]:
    """Say yes; or why not, and what would work."""
    if answer.outcome is Outcome.ACCEPT and not answer.needs_person:
        return _("Yes, what you asked for works."), ()
    nothing_left = Reason.NOTHING_LEFT_OVER in answer.reasons
    # Not having to pay is nothing that a person first has to decide.
    lines = [_why(one, answer) for one in answer.reasons if not (nothing_left and one is Reason.A_PERSON_DECIDES)]
    works = _lowest(choices) if answer.change.input in (Input.PAYMENT, Input.BUDGET) else None
    if works is None and (choices or answer.change.input is Input.ASK_AGAIN_ON):
        works = change_words(answer.change, answer.asked)
    if works is not None:
        lines.append(works)
    if choices:
        return _("Not quite, but there are ways that work."), tuple(lines)
    if Reason.ON_HOLD in answer.reasons or nothing_left:
        return _("You don’t have to decide anything now."), tuple(lines)
    return _("We look at this together with you."), tuple(lines)


def _why(reason: Reason, answer: Answer) -> str:
    """Say one reason; of a longer plan than is agreed to here, what a person can say yes to."""
    longer = reason is Reason.LONGER_THAN_AUTOMATIC and answer.outcome is not Outcome.ACCEPT
    if longer and isinstance(answer.asked, Regular) and answer.plan is not None:
        works = amount_every(answer.plan.payment, answer.plan.frequency)
        return _("From %(amount)s on, a person can say yes to what you offer.", amount=works)
    return reason_words(reason)


def _lowest(choices: Mapping[str, Arrangement]) -> str | None:
    """Name the lowest payment of what can be agreed to here and now: only that is called a way that works."""
    drawn = [each.schedule for each in choices.values() if each.schedule is not None]
    if not drawn:
        return None
    lowest = min(drawn, key=lambda schedule: schedule.payment)
    return _(
        "What would work: %(amount)s %(every)s.", amount=money_words(lowest.payment), every=every(lowest.frequency)
    )


_CHOICE_TITLES: Final = {
    "own": lazy_gettext("What you asked for"),
    "answer": lazy_gettext("Closest to what you asked for"),
    Kind.LOWEST_PAYMENT.value: lazy_gettext("Lowest payment"),
    Kind.IN_BETWEEN.value: lazy_gettext("In between"),
    Kind.SOONEST_DONE.value: lazy_gettext("Done soonest"),
    Kind.LEAST_COST.value: lazy_gettext("Costs least"),
    Kind.STEP_UP.value: lazy_gettext("Starts with what you said, then more"),
    Kind.WITH_WAIVER.value: lazy_gettext("A part is let off at the end"),
    Kind.PAUSE.value: lazy_gettext("A pause first"),
    Kind.LOWER_FOR_A_WHILE.value: lazy_gettext("Less for a while"),
    Kind.WITHOUT_INTEREST_FOR_A_WHILE.value: lazy_gettext("Without interest for a while"),
    Kind.SETTLED_AT_ONCE.value: lazy_gettext("Pay less at once and be done"),
    Kind.SETTLED_IN_PARTS.value: lazy_gettext("Pay less in parts and be done"),
    Kind.SEASONAL.value: lazy_gettext("In the season"),
    Kind.TOKEN.value: lazy_gettext("A very small payment for now"),
}


def choice_title(key: str) -> str:
    """Give the title of one plan that can be chosen."""
    return str(_CHOICE_TITLES[key])


def runs(schedule: Schedule) -> tuple[tuple[int, Money], ...]:
    """Return how often which amount is paid, one run after another; a smaller last payment isn't one of its own.

    6 of 100.00, 17 of 166.67 and one of 166.61 is (6, 100.00), (18, 166.67).
    """
    found = list(schedule.steps)
    if len(found) > 1 and found[-1][0] == 1 and found[-1][1] < found[-2][1]:
        (count, amount), _last = found[-2:]
        found[-2:] = [(count + 1, amount)]
    return tuple(found)


def pays_words(schedule: Schedule) -> str:
    """Say what is paid: `$100.00 a month`, or for steps `3 payments of $50.00, then $80.00 a month`."""
    found = runs(schedule)
    if schedule.count == 1:
        return money_words(schedule.payment)
    if len(found) == 1:
        return amount_every(schedule.payment, schedule.frequency)
    if len(found) == 2:
        (count, first), (_count, then) = found
        return _("%(first)s, then %(then)s", first=_times(count, first), then=amount_every(then, schedule.frequency))
    return _(
        "%(least)s to %(most)s %(every)s",
        least=money_words(min(amount for _count, amount in found)),
        most=money_words(max(amount for _count, amount in found)),
        every=every(schedule.frequency),
    )


def total_words(left: Money | None) -> str:
    """Name the sum of a plan's payments: it is all of the debt only where nothing is left after them."""
    return _("You pay in this plan") if left else _("You pay in all")


def effects(arrangement: Arrangement) -> tuple[str, ...]:
    """Say what an arrangement brings beside its payments: what is let off, what a pause costs, when somebody looks."""
    return tuple(_effects(arrangement))


def _effects(arrangement: Arrangement) -> Iterable[str]:
    if arrangement.void_unless_paid_by is not None:
        yield _("It holds only if the first payment comes by %(day)s.", day=day_words(arrangement.void_unless_paid_by))
    waiver = arrangement.waiver
    if waiver is not None and waiver.parts.total:
        amount = money_words(waiver.parts.total)
        if waiver.vesting is Vesting.ON_LAST_PAYMENT:
            yield _("When the last payment has come, %(amount)s is let off, and you are done.", amount=amount)
        else:
            yield _("In all %(amount)s is let off, a part of it with each payment.", amount=amount)
    if arrangement.standstill is not None:
        yield _("No interest runs until %(day)s.", day=day_words(arrangement.standstill.ends_on))
        if arrangement.rate_after:
            yield _("After that day it is %(rate)s a year.", rate=percent(arrangement.rate_after))
    if arrangement.cost_of_pause is not None:
        yield (
            _("The pause costs %(amount)s.", amount=money_words(arrangement.cost_of_pause))
            if arrangement.cost_of_pause.minor > 0
            else _("The pause costs nothing.")
        )
    if arrangement.left_at_review:
        yield _("After it %(amount)s is still to be paid.", amount=money_words(arrangement.left_at_review))
    if arrangement.grows_by is not None and arrangement.grows_by.minor > 0:
        yield _("In that time what you owe grows by %(amount)s.", amount=money_words(arrangement.grows_by))
    if arrangement.review_on is not None:
        yield _("On %(day)s we look at it again with you.", day=day_words(arrangement.review_on))


def changed_words(kind: Changed) -> str:
    """Say in a sentence what somebody changed of a plan."""
    return {
        Changed.MOVE: _("You moved one payment."),
        Changed.PAY_DAY: _("You changed the pay day."),
        Changed.SKIP: _("You left a payment out."),
        Changed.PAUSE: _("You paused your plan."),
        Changed.SHRINK: _("You made your payments smaller for a while."),
        Changed.EXTRA: _("You paid extra."),
        Changed.EXTRA_BACK: _("An extra payment went back."),
    }[kind]
