"""RULES: whether a letter is true and may be issued.

Every reason that speaks against it is named; no reason means it may go out. The reasons are found from the letter's own
values, so the same question can be asked again years later from the data that is attached to the PDF.
"""

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from datetime import date
from zoneinfo import ZoneInfo

from portal.letters import caring_truth
from portal.letters.contents import (
    Amounts,
    Instalment,
    Letter,
    PaymentReceipt,
    PlanAgreement,
    Statement,
    Treatment,
)
from portal.letters.ending_contents import Ended, PaidInFull, PlanEnded, SettlementOffer, SettlementSatisfied
from portal.letters.reasons import Reason as Reason
from portal.money import Money


def against(letter: Letter) -> tuple[Reason, ...]:
    """Return every reason why this letter may not be issued; an empty tuple means that it may."""
    details = letter.details
    if any(money.currency != letter.currency for money in _moneys(details)):
        return (Reason.SEVERAL_CURRENCIES,)  # The sums below cannot be made.
    found: list[Reason] = []
    if letter.as_at > letter.issued_at:
        found.append(Reason.POSITION_AFTER_ISSUE)
    match details:
        case PlanAgreement():
            found += _against_agreement(letter, details)
        case PaymentReceipt():
            found += _against_receipt(letter, details)
        case Statement():
            found += _against_statement(details)
        case SettlementOffer():
            found += _against_offer(letter, details)
        case SettlementSatisfied():
            found += _against_satisfied(letter, details)
        case PaidInFull():
            found += _against_paid_in_full(letter, details)
        case PlanEnded():
            found += _against_ended(letter, details)
        case _:
            found += caring_truth.against(letter, details)
    return tuple(dict.fromkeys(found))


def _against_agreement(letter: Letter, plan: PlanAgreement) -> Iterator[Reason]:
    if plan.agreed_at > letter.issued_at:
        yield Reason.AGREED_AFTER_ISSUE
    if plan.balance.total.minor <= 0:
        yield Reason.NOTHING_OWED
    if not plan.instalments:
        yield Reason.NO_INSTALMENTS
    if not _rising(item.due for item in plan.instalments):
        yield Reason.DATES_OUT_OF_ORDER
    if any(item.amount.minor <= 0 for item in plan.instalments):
        yield Reason.NOT_AN_AMOUNT
    if plan.dearer_by + plan.waived != plan.interest.added + plan.fee:
        yield Reason.PLAN_DOES_NOT_ADD_UP
    if not _left_is_true(plan.instalments, plan.total):
        yield Reason.LEFT_DOES_NOT_ADD_UP
    charged = plan.interest.treatment in (Treatment.REDUCED, Treatment.CONTINUES)
    if charged is not bool(plan.interest.rate) or (not charged and plan.interest.added.minor):
        yield Reason.INTEREST_CONTRADICTS


def _against_receipt(letter: Letter, receipt: PaymentReceipt) -> Iterator[Reason]:
    if receipt.amount.minor <= 0:
        yield Reason.NOT_AN_AMOUNT
    if receipt.cleared_at is None:
        yield Reason.NOT_CLEARED
    elif not receipt.received_at <= receipt.cleared_at <= letter.issued_at:
        yield Reason.CLEARED_BEFORE_RECEIVED
    if receipt.allocation.total + receipt.to_credit != receipt.amount:
        yield Reason.ALLOCATION_DOES_NOT_ADD_UP
    pairs = zip(receipt.balance_before.parts(), receipt.allocation.parts(), receipt.balance_after.parts(), strict=True)
    if any(before - paid != after for (_, before), (_, paid), (_, after) in pairs):
        yield Reason.BALANCE_DOES_NOT_ADD_UP


def _against_statement(statement: Statement) -> Iterator[Reason]:
    if statement.since > statement.until:
        yield Reason.DATES_OUT_OF_ORDER
    if any(not statement.since <= line.on <= statement.until for line in statement.lines):
        yield Reason.OUTSIDE_THE_PERIOD
    if any(later.on < earlier.on for earlier, later in zip(statement.lines, statement.lines[1:], strict=False)):
        yield Reason.DATES_OUT_OF_ORDER
    owed = statement.opening.total - statement.opening_credit
    for line in statement.lines:
        owed = owed + line.amount
        if line.owed != owed:
            yield Reason.LINES_DO_NOT_ADD_UP
    if owed != statement.closing.total - statement.closing_credit:
        yield Reason.LINES_DO_NOT_ADD_UP


def _against_offer(letter: Letter, offer: SettlementOffer) -> Iterator[Reason]:
    if offer.good_until <= letter.issued_at:
        yield Reason.OFFER_IS_OVER
    if not offer.instalments:
        yield Reason.NO_INSTALMENTS
    if not _rising(item.due for item in offer.instalments):
        yield Reason.DATES_OUT_OF_ORDER
    if any(item.amount.minor <= 0 for item in offer.instalments):
        yield Reason.NOT_AN_AMOUNT
    if offer.waived.total.minor <= 0:
        yield Reason.NOTHING_LET_OFF
    if offer.total + offer.waived.total != offer.balance.total + offer.interest:
        yield Reason.OFFER_DOES_NOT_ADD_UP
    if not _left_is_true(offer.instalments, offer.total):
        yield Reason.LEFT_DOES_NOT_ADD_UP


def _against_satisfied(letter: Letter, over: SettlementSatisfied) -> Iterator[Reason]:
    if over.waived.total.minor <= 0:
        yield Reason.NOTHING_LET_OFF
    yield from _against_over(letter, over, waived=over.waived)


def _against_paid_in_full(letter: Letter, over: PaidInFull) -> Iterator[Reason]:
    # The sums of the parts find it too: what was let off was not paid.
    if over.let_off.minor:
        yield Reason.LET_OFF
    yield from _against_over(letter, over, waived=None)


def _against_over(letter: Letter, over: Ended, *, waived: Amounts | None) -> Iterator[Reason]:
    gone = {name: amount.minor for name, amount in waived.parts()} if waived else {}
    sums = zip(over.opening.parts(), over.added.parts(), over.corrected.parts(), over.paid.parts(), strict=True)
    if any(
        began.minor + more.minor + other.minor != paid.minor + gone.get(name, 0)
        for (name, began), (_, more), (_, other), (_, paid) in sums
    ):
        yield Reason.STILL_OWED
    if over.paid.total.minor <= 0:
        yield Reason.NOT_AN_AMOUNT
    if sum(line.amount.minor for line in over.payments) != over.paid.total.minor:
        yield Reason.PAYMENTS_DO_NOT_ADD_UP
    issued_on = letter.issued_at.astimezone(ZoneInfo(letter.zone)).date()
    if not over.settled_on <= over.final_since <= issued_on:
        yield Reason.NOT_FOR_GOOD


def _against_ended(letter: Letter, plan: PlanEnded) -> Iterator[Reason]:
    if not plan.agreed_at <= plan.ended_at <= letter.issued_at:
        yield Reason.ENDED_AFTER_ISSUE
    if min(amount.minor for amount in (plan.paid, plan.let_off, plan.not_let_off)) < 0:
        yield Reason.NOT_AN_AMOUNT


def _rising(dates: Iterable[date]) -> bool:
    listed = list(dates)
    return listed == sorted(set(listed))


def _left_is_true(instalments: tuple[Instalment, ...], total: Money) -> bool:
    left = total
    for item in instalments:
        left = left - item.amount
        if item.left != left:
            return False
    return True


def _moneys(value: object) -> Iterator[Money]:
    if isinstance(value, Money):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _moneys(item)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _moneys(getattr(value, field.name))
