"""All that is said before somebody agrees, as rows and sentences: the page shows them, the agreement keeps them.

Invariant: whatever the page of a quote says of it comes from here, so that the text that is kept says all of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from portal.limits.cards import Order
from portal.plans.words import effects, total_words
from portal.schedules.arrangements import Arrangement
from portal.schedules.cost import Consequence, KeyFacts, NoRateBecause
from portal.schedules.notices import Code, Method, Notice
from portal.web.formats import day as day_words
from portal.web.formats import money as money_words
from portal.web.languages import gettext as _
from portal.web.languages import ngettext

_OF_CREDIT = frozenset(
    {
        Code.FIRST_DELINQUENCY_STAYS,
        Code.REPORTED_PAID_FOR_LESS,
        Code.ARRANGEMENT_MARKER,
        Code.DEFAULT_DATE_STAYS,
        Code.REPORTED_PARTIALLY_SATISFIED,
        Code.NEGATIVE_RECORD_YEARS,
    }
)
_OF_LIMITATION = frozenset(
    {
        Code.LIMITATION_RESTARTS,
        Code.TIME_BARRED_NO_SUIT,
        Code.TIME_BARRED_REVIVED,
        Code.MAY_RESTART_LIMITATION,
    }
)
Rows = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a quote: rows of words and amounts, and sections of a title and sentences."""

    costs: Rows
    total: tuple[str, str]
    sections: tuple[tuple[str, tuple[str, ...]], ...]

    def text(self) -> str:
        """Give all of it as text, in the order of the page: paragraphs of lines, of which the first is the title.

        The first paragraph has none: it is the rows, words and value with a tab between. `told_in` reads it again.
        """
        rows = [f"{words}\t{value}" for words, value in (*self.costs, self.total)]
        return "\n\n".join(["\n".join(rows), *("\n".join((title, *lines)) for title, lines in self.sections)])


def told_in(agreed_text: str) -> tuple[tuple[str, ...], ...]:
    """Give the paragraphs of what was said before a plan was agreed, each as its lines; none of an older text."""
    _consent, *paragraphs = agreed_text.split("\n\n")
    return tuple(tuple(paragraph.split("\n")) for paragraph in paragraphs)


def said_of(
    facts: KeyFacts,
    arrangement: Arrangement,
    *,
    grace_days: int,
    contract_rate: Decimal,
    orders: tuple[Order, Order] = (Order.COSTS_FIRST, Order.COSTS_FIRST),
) -> Said:
    """Put the key facts of a quote into words; `orders`: what payments pay off first, and so once some are missed."""
    sections = (
        (_("What this brings"), (*effects(arrangement), *_without_interest(facts, arrangement))),
        (_("The rate in a year"), tuple(_rate(facts))),
        (_("If you miss a payment"), tuple(_if_missed(facts, grace_days=grace_days, contract_rate=contract_rate))),
        (
            _("How to change it"),
            (
                _("You can pay more or pay all of it at any time. It costs nothing extra."),
                _(
                    "Days and amounts can be changed on the page of your plan, as far as your lender allows it. "
                    "You can end the plan there too, or call us."
                ),
            ),
        ),
        (_("What your payments pay off first"), tuple(_pays_off(*orders))),
        (_("Your credit record"), tuple(_credit(facts))),
        (_("Tax"), tuple(_notice(each) for each in facts.notices if each.code is Code.LET_OFF_MAY_BE_INCOME)),
        (
            _("How long this debt can be claimed"),
            tuple(_notice(each) for each in facts.notices if each.code in _OF_LIMITATION),
        ),
    )
    return Said(
        costs=tuple(_costs(facts)),
        total=(total_words(facts.left), money_words(facts.total)),
        sections=tuple((title, lines) for title, lines in sections if lines),
    )


def _without_interest(facts: KeyFacts, arrangement: Arrangement) -> Iterable[str]:
    """Say that a plan bears no interest where the debt itself does; a window of days without it says so itself."""
    if facts.if_nothing is not None and not facts.interest and arrangement.standstill is None:
        yield _("No interest is added while this plan runs.")


def _costs(facts: KeyFacts) -> Iterable[tuple[str, str]]:
    payments = facts.payments
    yield _("First payment"), day_words(payments[0].due_on)
    if len(payments) > 1:
        yield _("Last payment"), day_words(payments[-1].due_on)
    yield _("Number of payments"), str(len(payments))
    yield _("Left to pay today"), money_words(facts.balance)
    yield _("Interest in this plan"), money_words(facts.interest) if facts.interest else _("None")
    if facts.fees:
        yield _("Fees in this plan"), money_words(facts.fees)
    if facts.waived:
        yield _("Let off in this plan"), money_words(facts.waived)
    if facts.left:
        yield _("Still to pay after it"), money_words(facts.left)
    yield _("Compared with paying all of it today"), _difference(facts.against_today.minor, facts)
    if facts.if_nothing is not None and facts.against_nothing is not None:
        yield (
            _("If you do nothing, you owe on %(day)s", day=day_words(facts.if_nothing.until)),
            money_words(facts.if_nothing.owed),
        )
        yield _("Compared with doing nothing"), _difference(facts.against_nothing.minor, facts)


def _difference(minor: int, facts: KeyFacts) -> str:
    amount = money_words(type(facts.total)(abs(minor), facts.total.currency))
    if minor > 0:
        return _("%(amount)s more", amount=amount)
    return _("%(amount)s less", amount=amount) if minor else _("The same")


def _rate(facts: KeyFacts) -> Iterable[str]:
    if facts.no_rate is NoRateBecause.BEARS_NO_INTEREST:
        yield _("There is none: nothing is charged for paying bit by bit.")
    for rate in facts.rates:
        yield {
            Method.REG_Z: _(
                "%(percent)s%% a year (APR). It sets all that the plan costs against what you owe and for how long, as "
                "the law of the United States (Regulation Z) says.",
                percent=rate.stated,
            ),
            Method.EU: _(
                "%(percent)s%% a year (APR). It sets all that the plan costs against what you owe and for how long, "
                "with interest on interest, as European law says.",
                percent=rate.stated,
            ),
            Method.IRR_NOMINAL: _("%(percent)s%% a year, as twelve times the rate of a month.", percent=rate.stated),
            Method.IRR_EFFECTIVE: _("%(percent)s%% a year with interest on interest.", percent=rate.stated),
        }[rate.method]
    if facts.advertised is not None:
        yield _("The plan itself says %(percent)s%%. The rates above count its fees too.", percent=facts.advertised)


def _if_missed(facts: KeyFacts, *, grace_days: int, contract_rate: Decimal) -> Iterable[str]:
    first = facts.payments[0]
    yield ngettext(
        "You have %(num)s more day after each date. A payment in that time counts as kept.",
        "You have %(num)s more days after each date. A payment in that time counts as kept.",
        grace_days,
    )
    yield _("For the first payment that is until %(day)s.", day=day_words(first.kept_until))
    if Consequence.BROKEN in facts.if_missed:
        yield _(
            "After that you can still make up for it, for the first payment until %(day)s, and the plan goes on as "
            "before. If it stays missing, the plan may end.",
            day=day_words(first.cure_by),
        )
    if Consequence.CONTRACT_INTEREST_RESUMES in facts.if_missed:
        yield _(
            "When the plan has ended, interest runs as in your contract again: %(percent)s%% a year.",
            percent=f"{contract_rate.normalize():f}",
        )
    if Consequence.WAIVER_ENDS in facts.if_missed:
        if any(payment.waived for payment in facts.payments[:-1]):
            yield _("When the plan has ended, nothing more is let off. What was let off until then stays so.")
        else:
            yield _(
                "If the plan ends before its last payment has come, nothing is let off: you owe %(amount)s again, less "
                "what you have paid.",
                amount=money_words(facts.balance),
            )
    yield _("What you paid stays yours in any case: it is always taken off what you owe.")


def _pays_off(kept: Order, missed: Order) -> Iterable[str]:
    """Say what payments pay off first, where that isn't as the law has it without an agreement."""
    if kept is not Order.COSTS_FIRST or missed is not kept:
        yield {
            Order.COSTS_FIRST: _("Your payments pay off costs and fees first, then interest, then what you borrowed."),
            Order.PRINCIPAL_FIRST: _(
                "Your payments pay off what you borrowed first, then interest, then fees and costs."
            ),
            Order.BY_INSTALMENT: _(
                "Each payment pays off the interest that is due with it and then what you borrowed. Fees and costs "
                "come last."
            ),
        }[kept]
    if missed is not kept:
        yield {
            Order.COSTS_FIRST: _("If you miss payments, costs, fees and interest come first until you have caught up."),
            Order.PRINCIPAL_FIRST: _("If you miss payments, what you borrowed comes first until you have caught up."),
            Order.BY_INSTALMENT: _(
                "If you miss payments, the interest due with each payment comes first, then what you borrowed, until "
                "you have caught up."
            ),
        }[missed]


def _credit(facts: KeyFacts) -> Iterable[str]:
    found = [_notice(each) for each in facts.notices if each.code in _OF_CREDIT]
    yield from found
    if not any(
        each.code in (Code.REPORTED_PAID_FOR_LESS, Code.REPORTED_PARTIALLY_SATISFIED, Code.ARRANGEMENT_MARKER)
        for each in facts.notices
    ):
        yield _("This plan does not change what your lender reports about this debt, and it promises no change.")


def _notice(notice: Notice) -> str:
    years = notice.years or 0
    match notice.code:
        case Code.FIRST_DELINQUENCY_STAYS:
            return _("The day on which this debt was first late stays as it is on your credit report.")
        case Code.REPORTED_PAID_FOR_LESS:
            return _("Your lender reports it as paid for less than the full balance.")
        case Code.ARRANGEMENT_MARKER:
            return _("While the plan runs, your credit file may say that there is an arrangement.")
        case Code.DEFAULT_DATE_STAYS:
            return ngettext(
                "A default stays on your credit file for %(num)s year from its date. The plan doesn’t move it.",
                "A default stays on your credit file for %(num)s years from its date. The plan doesn’t move it.",
                years,
            )
        case Code.REPORTED_PARTIALLY_SATISFIED:
            return _("Your lender reports it as partly paid and closed (“partially satisfied”).")
        case Code.NEGATIVE_RECORD_YEARS:
            return ngettext(
                "What is recorded about being late is deleted %(num)s year after it has ended.",
                "What is recorded about being late is deleted %(num)s years after it has ended.",
                years,
            )
        case Code.LET_OFF_MAY_BE_INCOME:
            return _(
                "What is let off may count as income when you do your taxes. It doesn’t always: ask somebody who knows "
                "your taxes, or the free advice."
            )
        case Code.LIMITATION_RESTARTS if notice.until is not None:
            return _(
                "If you agree, the time in which this debt can be claimed in court begins anew. After this plan’s last "
                "payment day it runs until %(day)s.",
                day=day_words(notice.until),
            )
        case Code.LIMITATION_RESTARTS:
            return _("If you agree, the time in which this debt can be claimed in court begins anew.")
        case Code.TIME_BARRED_NO_SUIT:
            return _("This debt is so old that nobody can take you to court for it. You don’t have to pay it.")
        case Code.TIME_BARRED_REVIVED:
            return _(
                "This debt is so old that you don’t have to pay it any more. If you agree to pay, you have to again."
            )
        case Code.MAY_RESTART_LIMITATION:
            return _("If you agree or pay, the time in which this debt can be claimed in court may begin anew.")
    raise LookupError(notice.code)
