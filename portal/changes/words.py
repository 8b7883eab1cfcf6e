"""What is said about changes of a plan: what may be changed and how often, why something can't be, what would work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any, Final

from portal.changes.rules import Refused, Room, Why
from portal.money import Money
from portal.plans.redrawing import Kind, Use
from portal.web.formats import day as day_words
from portal.web.formats import money as money_words
from portal.web.languages import gettext as _
from portal.web.languages import lazy_gettext, ngettext

_TITLES: Final = {
    Kind.MOVE: lazy_gettext("Move one payment"),
    Kind.PAY_DAY: lazy_gettext("Change the pay day"),
    Kind.SKIP: lazy_gettext("Leave the next payment out"),
    Kind.PAUSE: lazy_gettext("Pay nothing for a while"),
    Kind.SHRINK: lazy_gettext("Smaller payments for a while"),
    Kind.EXTRA: lazy_gettext("Pay extra"),
    Kind.EXTRA_BACK: lazy_gettext("An extra payment went back"),
}
_LEADS: Final = {
    Kind.MOVE: lazy_gettext("One payment gets another day. All others keep theirs."),
    Kind.PAY_DAY: lazy_gettext("All payments to come get another day. The next one is never sooner than now."),
    Kind.SKIP: lazy_gettext("The next payment is left out, and your plan ends one payment later."),
    Kind.PAUSE: lazy_gettext("For some months nothing is due. After that your plan goes on."),
    Kind.SHRINK: lazy_gettext("For some months you pay less, then the usual amount again. Your plan ends later."),
    Kind.EXTRA: lazy_gettext("You can pay any amount beside your plan, at any time. You choose what it is for."),
}

# So many sizes of payments are told one by one beside each other on a phone.
_SIZES_SAID: Final = 3


def title(kind: Kind) -> str:
    """Say what is changed, as a heading."""
    return str(_TITLES[kind])


def lead(kind: Kind) -> str:
    """Say in a sentence what a change is."""
    return str(_LEADS[kind])


def limits(kind: Kind, room: Room) -> list[str]:
    """Say how far and how often a change is possible, and how often it was made: a sentence for each."""
    said = []
    if room.days:
        said.append(
            ngettext(
                "You can move a payment by up to %(num)s day.",
                "You can move a payment by up to %(num)s days.",
                room.days,
            )
        )
    if room.months:
        said.append(
            ngettext("Now up to %(num)s month is possible.", "Now up to %(num)s months are possible.", room.months)
        )
    if room.least:
        said.append(_("The smallest payment is %(amount)s.", amount=money_words(room.least)))
    if room.most is None:
        return said
    if kind in (Kind.PAUSE, Kind.SHRINK):
        said.append(
            ngettext(
                "In any twelve months it is %(num)s month at most.",
                "In any twelve months it is %(num)s months at most.",
                room.most,
            )
        )
        if room.used:
            said.append(ngettext("You have used %(num)s month.", "You have used %(num)s months.", room.used))
        return said
    said.append(
        ngettext(
            "This is possible once in any twelve months.",
            "This is possible %(num)s times in any twelve months.",
            room.most,
        )
    )
    said.append(
        ngettext("You have done it once.", "You have done it %(num)s times.", room.used)
        if room.used
        else _("You have not done it yet.")
    )
    return said


def plans_made(room: Room) -> list[str]:
    """Say how many plans of a debt may be made, and how many were: a sentence for each."""
    most = ngettext(
        "In any twelve months %(num)s plan of a debt can be made here.",
        "In any twelve months %(num)s plans of a debt can be made here.",
        room.most or 0,
    )
    made = ngettext("You have made %(num)s, with this one.", "You have made %(num)s, with this one.", room.used)
    return [most, made]


def why_not(refused: Refused) -> str:
    """Say why a change can't be made, and what would work."""
    day = day_words(refused.day) if refused.day else ""
    since = day_words(refused.since) if refused.since else ""
    amount = money_words(refused.amount) if refused.amount else ""
    count = refused.count or 0
    match refused.why:
        case Why.OVER:
            return _("This plan has ended, so nothing of it can be changed.")
        case Why.BROKEN:
            return _(
                "Payments are missing, so this plan can’t be changed now. Once they are made up for it can be again. "
                "If you can’t, we look for another plan together."
            )
        case Why.HELD:
            return _("This plan is paused, and nothing is due. It can be changed again when it goes on.")
        case Why.NOT_STARTED:
            return _("This plan starts with its first payment by %(day)s. After that it can be changed.", day=day)
        case Why.NOTHING_TO_COME:
            return _("There is no payment left that could be changed. What is due today can’t be changed any more.")
        case Why.NOT_OFFERED:
            return _("Your lender does not offer this for your plan.")
        case Why.USED_UP:
            return _(
                "You have used this as often as it is possible in twelve months. It is possible again from %(day)s on.",
                day=since,
            )
        case Why.TOO_SOON_AGAIN:
            return ngettext(
                "You have done this not long ago. After %(num)s more payment it is possible again.",
                "You have done this not long ago. After %(num)s more payments it is possible again.",
                count,
            )
        case Why.NO_SUCH_PAYMENT:
            return _("This payment can’t be changed any more. Choose one that is still to come.")
        case Why.TOO_FAR:
            if refused.since and refused.day and refused.since > refused.day:
                return _("This payment has no room to move. You can change the pay day instead.")
            return _(
                "That is too far from the payment’s own day, or past another payment. "
                "Any day from %(first)s to %(last)s would work.",
                first=since,
                last=day,
            )
        case Why.NO_CHANGE:
            return _("That is what your plan says already, so nothing would change.")
        case Why.TOO_LONG:
            return _(
                "Your plan would then take longer than your lender allows. A shorter time, or paying a little more, "
                "may work. You can also ask a person."
            )
        case Why.TOO_MANY_MONTHS:
            return ngettext(
                "That is longer than your lender allows for this plan. %(num)s month would work.",
                "That is longer than your lender allows for this plan. Up to %(num)s months would work.",
                count,
            )
        case Why.TOO_SMALL:
            return _(
                "That is less than your lender allows for this plan. %(amount)s or more would work.", amount=amount
            )
        case Why.NOT_SMALLER:
            return _(
                "That is not less than the usual payment of %(amount)s. You can pay more at any time.", amount=amount
            )
        case Why.NOT_EXTRA:
            if amount:
                return _(
                    "What is due already comes first, and that is %(amount)s. With more than that, the rest is extra.",
                    amount=amount,
                )
            return _("It counts for your next payments, and nothing else of your plan changes.")
        case Why.ALL_OF_IT:
            return _("That is as much as all payments of your plan. You can pay it all off instead.")
        case Why.NO_MORE_PLANS:
            return _(
                "You have made as many plans for this debt as can be made here. A person can look for another with you."
            )
        case Why.SOON_AFTER_A_BREAK:
            return _("Payments are missing, so no other plan can be made here now. A person can look for one with you.")
    raise LookupError(refused.why)


def use(key: Use) -> str:
    """Say what an extra payment is for."""
    return {
        Use.NEXT: _("My next payments"),
        Use.SOONER: _("To be done sooner"),
        Use.SMALLER: _("To have smaller payments"),
    }[key]


def use_hint(key: Use) -> str:
    """Say what that means."""
    return {
        Use.NEXT: _("It pays the next ones in their order. Then you have a rest until the one after."),
        Use.SOONER: _("Your payments stay as they are, and your plan ends earlier."),
        Use.SMALLER: _("Your plan ends on the same day, and each payment is smaller."),
    }[key]


def asked(kind: Kind, said: Mapping[str, Any], *, currency: str, pay_day: str | None) -> str:
    """Say what a change was, for its history; `pay_day` is the name of a new day of the week."""
    match kind:
        case Kind.MOVE:
            return _("to %(day)s", day=day_words(date.fromisoformat(said["to"])))
        case Kind.PAY_DAY:
            return pay_day or _("to day %(number)s of the month", number=said["day"])
        case Kind.PAUSE:
            return ngettext("%(num)s month", "%(num)s months", int(said["months"]))
        case Kind.SHRINK:
            months = ngettext("%(num)s month", "%(num)s months", int(said["months"]))
            return f"{money_words(Money(said['payment'], currency))} · {months}"
        case Kind.EXTRA:
            return f"{money_words(Money(said['amount'], currency))} · {use(Use(said['use']))}"
        case Kind.EXTRA_BACK:
            return money_words(Money(said["amount"], currency))
    return ""


def then_each(payments: Sequence[Money]) -> list[str]:
    """Say in lines how large payments are that follow one another: each size with how many there are of it.

    Three of 40.00 and 20 of 70.00 are "3 × $40.00" and "20 × $70.00"; of more than three sizes the ends are said.
    """
    runs = [(size, len(list(alike))) for size, alike in groupby(payments)]
    if len(runs) > _SIZES_SAID:
        return [_("%(least)s to %(most)s", least=money_words(min(payments)), most=money_words(max(payments)))]
    if len(runs) == 1:
        return [money_words(runs[0][0])]
    return [f"{count} × {money_words(size)}" for size, count in runs]


def by(made_by: str) -> str:
    """Say who made a change."""
    kind = made_by.partition(":")[0]
    return {
        "debtor": _("by you"),
        "stripe": _("by a payment"),
        "portal": _("by this site, automatically"),
    }.get(kind, _("by a person at your lender"))
