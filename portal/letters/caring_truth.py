"""RULES  Whether a letter that asks for nothing is true, from its own values: see `truth`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from portal.letters.caring_contents import (
    BreathingSpace,
    CreditCorrection,
    CreditStatus,
    Deferral,
    DisputeAcknowledgement,
    DuringPause,
    GoodwillStatement,
    GrantedPause,
    PlanOutcome,
    Stop,
)
from portal.letters.contents import Letter
from portal.letters.reasons import Reason
from portal.money import Money, total

_DAYS_IN_A_YEAR: Final = 365
# A correction says what is right instead; to be taken out is what somebody asks for whose record is right.
_TAKE_OUT: Final = re.compile(
    r"delet|remov|eras|expung|wipe|suppress|clean|repair|goodwill|删|刪|消除|抹|撤销|撤銷|清除|清空|移除|去除|修复|修復"
    r"|borrar|elimin|suprim|apag|exclu",
    re.IGNORECASE,
)


def against(letter: Letter, details: object) -> Iterator[Reason]:
    """Give every reason why a letter that asks for nothing may not be issued."""
    match details:
        case DisputeAcknowledgement():
            yield from _against_acknowledgement(letter, details)
        case GrantedPause():
            yield from _against_pause(details)
        case BreathingSpace():
            if not details.since <= details.review_on <= details.until:
                yield Reason.DATES_OUT_OF_ORDER
        case Deferral():
            yield from _against_deferral(letter, details)
        case GoodwillStatement():
            yield from _against_goodwill(letter, details)
        case CreditStatus():
            yield from _against_credit_status(letter, details)
        case CreditCorrection():
            yield from _against_correction(letter, details)


def _against_acknowledgement(letter: Letter, made: DisputeAcknowledgement) -> Iterator[Reason]:
    if made.received_at > letter.issued_at:
        yield Reason.BEFORE_IT_HAPPENED
    if not made.received_at.astimezone(ZoneInfo(letter.zone)).date() <= made.look_by <= made.answer_by:
        yield Reason.DATES_OUT_OF_ORDER
    if Stop.COLLECTION not in made.stops:
        yield Reason.NOTHING_STOPS


def _against_pause(made: GrantedPause) -> Iterator[Reason]:
    if made.since > made.until:
        yield Reason.DATES_OUT_OF_ORDER
    if not made.stops:
        yield Reason.NOTHING_STOPS
    if (made.interest is DuringPause.CONTINUES) is not bool(made.rate):
        yield Reason.INTEREST_CONTRADICTS
    if (made.interest is DuringPause.IN_PLAN) is not bool(made.plan_reference):
        yield Reason.INTEREST_CONTRADICTS
    if made.cost != cost_of_pause(made):
        yield Reason.COST_DOES_NOT_ADD_UP


def cost_of_pause(pause: GrantedPause) -> Money:
    """Give the interest of the days of a pause on the principal, to the nearest unit; half a unit is one.

    1,000.00 at 18.25% a year is 0.50 a day: 15.00 for 30 days.
    """
    if pause.interest is not DuringPause.CONTINUES or pause.rate is None:
        return Money.zero(pause.currency)
    exact = pause.principal.minor * Fraction(pause.rate) / 100 * Fraction(pause.days, _DAYS_IN_A_YEAR)
    return Money(int(exact + Fraction(1, 2)), pause.currency)


def _against_deferral(letter: Letter, made: Deferral) -> Iterator[Reason]:
    if made.agreed_at > letter.issued_at:
        yield Reason.AGREED_AFTER_ISSUE
    if not made.after:
        yield Reason.NO_INSTALMENTS
    if not made.instead:
        yield Reason.NOTHING_CHANGED
    days = [one.due for one in made.after]
    if days != sorted(days) or (made.take_back_until is not None and made.take_back_until < made.agreed_at):
        yield Reason.DATES_OUT_OF_ORDER
    if made.cost != made.total - made.total_before:
        yield Reason.COST_DOES_NOT_ADD_UP


def _against_goodwill(letter: Letter, made: GoodwillStatement) -> Iterator[Reason]:
    today = letter.issued_at.astimezone(ZoneInfo(letter.zone)).date()
    days = [one.on for one in made.payments]
    if days != sorted(days):
        yield Reason.DATES_OUT_OF_ORDER
    if not any(one.amount.minor > 0 for one in made.payments):
        yield Reason.NOTHING_PAID
    if total((one.amount for one in made.payments), currency=made.currency) != made.paid:
        yield Reason.PAID_DOES_NOT_ADD_UP
    if any(not plan.kept <= plan.due <= plan.of for plan in made.plans) or any(
        plan.outcome is PlanOutcome.COMPLETED and plan.kept != plan.of for plan in made.plans
    ):
        yield Reason.MORE_KEPT_THAN_DUE
    if any(plan.agreed_on > today for plan in made.plans) or (made.late_since is not None and made.late_since > today):
        yield Reason.BEFORE_IT_HAPPENED


def _against_credit_status(letter: Letter, made: CreditStatus) -> Iterator[Reason]:
    rule = made.one_off
    today = letter.issued_at.astimezone(ZoneInfo(letter.zone)).date()
    if rule is not None and today > rule.repaid_by and not rule.over:
        yield Reason.RULE_IS_OVER
    if made.record is not None and made.record.jurisdiction != made.jurisdiction:
        yield Reason.RECORD_OF_ANOTHER_COUNTRY


def _against_correction(letter: Letter, made: CreditCorrection) -> Iterator[Reason]:
    today = letter.issued_at.astimezone(ZoneInfo(letter.zone)).date()
    if made.discovered_on > today:
        yield Reason.BEFORE_IT_HAPPENED
    if not is_wrong(made.current, made.correct):
        yield Reason.NOT_WRONG
    if takes_out(made.correct):
        yield Reason.ASKS_TO_TAKE_OUT


def is_wrong(current: str, correct: str) -> bool:
    """Say whether what has to be is there, and another than what is; capitals and space make no difference."""
    is_, has_to_be = ("".join(value.casefold().split()) for value in (current, correct))
    return bool(has_to_be) and is_ != has_to_be


def takes_out(correct: str) -> bool:
    """Say whether what is given as right asks to take a record out instead."""
    return bool(_TAKE_OUT.search(correct))
