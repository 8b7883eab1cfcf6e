"""What a plan lets off: posted with the payment that it was promised for, once, and undone if that goes back.

Invariant: an item names the posting that let its part off exactly while that posting stands.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from portal import ledger
from portal.db import session
from portal.evidence.record import Act, Actor, record
from portal.ledger import OWED, Account, Book, Move, Posting
from portal.money import Money, total
from portal.plans import pinned
from portal.plans.models import LIVE_STATES, Plan, PlanItem, Quote
from portal.plans.progress import items_of
from portal.plans.states import State
from portal.schedules.arrangements import Parts, Vesting, Waiver

# In which of its states a plan keeps what it promised.
_KEEPS_ITS_WORD = (*LIVE_STATES, State.COMPLETED.value)
_ORDER = tuple(Account(part) for part in pinned.PARTS)


def promised(plan: Plan | None, book: Book) -> dict[Account, Money]:
    """Give what a plan will still let off of each part of its debt, and never more than stands there.

    What is paid meanwhile leaves it alone: of 1,000.00 with 100.00 of interest to be let off, 900.00 can be paid.
    """
    if plan is None or not plan.waive_minor or plan.state not in _KEEPS_ITS_WORD:
        return {}
    open_ = {item.seq for item in items_of(plan) if item.waive_minor and item.waiver_posting_id is None}
    found: dict[Account, Money] = {}
    for seq, now in enumerate(_quoted(plan), 1):
        for account, amount in now.items() if seq in open_ else ():
            found[account] = found.get(account, Money.zero(plan.currency)) + amount
    return {account: min(amount, book.standing(account)) for account, amount in found.items()}


def asked_of(book: Book, plan: Plan | None) -> dict[Account, Money]:
    """Give what a payment can pay off of a debt, part by part: what stands there, less what its plan will let off."""
    kept = promised(plan, book)
    nothing = Money.zero(book.currency)
    return {account: book.standing(account) - kept.get(account, nothing) for account in OWED}


def settle(plan: Plan, *, today: date, by: Actor, for_good: int) -> None:
    """Let off what the payments that have come were promised, and take back what those were that went back.

    Part of the act that moves the money; the plan is laid over its money already, and its debt's book is locked.
    `for_good` is how much of that money no bank can take back by itself, in minor units: what is let off waits for it.
    """
    if not plan.waive_minor:
        return
    done = plan.state == State.COMPLETED.value
    until = 0
    for item, now in zip(items_of(plan), _quoted(plan), strict=True):
        until += item.amount_minor
        if not item.waive_minor:
            continue
        covered = done or (item.paid_minor >= item.amount_minor and for_good >= until)
        if covered and item.waiver_posting_id is None and plan.state in _KEEPS_ITS_WORD:
            _let_off(plan, item, now, today=today, by=by)
        elif not covered and item.waiver_posting_id is not None:
            _take_back(plan, item, today=today, by=by)


def _quoted(plan: Plan) -> tuple[dict[Account, Money], ...]:
    """Give what is let off with each payment, part by part: what was quoted, over the payments as they are now.

    A change of the plan may give another payment its share; the parts are used up in the order of the quote all the
    same, so that what has been let off before stays as it was.
    """
    terms = session.scalars(
        select(Quote.terms).where(Quote.lender_id == plan.lender_id, Quote.id == plan.quote_id)
    ).one()
    waiver = terms["arranged"]["waiver"]
    parts = Parts(**{part: Money(minor, plan.currency) for part, minor in waiver["parts"].items()})
    shares = tuple(Money(item.waive_minor, plan.currency) for item in items_of(plan))
    return tuple(
        {Account(part): amount for part, amount in now.items()}
        for now in pinned.vests(Waiver(parts, Vesting(waiver["vesting"]), shares))
    )


def _let_off(plan: Plan, item: PlanItem, quoted: dict[Account, Money], *, today: date, by: Actor) -> None:
    book = ledger.locked(lender_id=plan.lender_id, debt_id=plan.debt_id)
    parts = _parts(book, quoted)
    if not parts:
        return
    cause = f"waiver:{plan.id}:{item.seq}"
    posted = ledger.post(
        lender_id=plan.lender_id,
        kind="waiver",
        cause=_turn(plan, cause),
        moves=[Move(plan.debt_id, account, Account.WAIVER, amount) for account, amount in parts.items()],
        on=today,
    )
    if not isinstance(posted, ledger.Posted):
        return
    item.waiver_posting_id = posted.posting_id
    _note(Act.WAIVED, plan, item, total(parts.values(), currency=plan.currency), by=by)


def _parts(book: Book, quoted: dict[Account, Money]) -> dict[Account, Money]:
    """Give what is let off of each part: as quoted, and where less stands there, the rest of another part.

    Money that was on its way before the plan was agreed to may have paid off what was to be let off; what was promised
    in all is let off all the same.
    """
    found = {account: min(amount, book.standing(account)) for account, amount in quoted.items()}
    short = total(quoted.values(), currency=book.currency) - total(found.values(), currency=book.currency)
    for account in _ORDER:
        here = found.get(account, Money.zero(book.currency))
        more = min(short, book.standing(account) - here)
        short -= more
        found[account] = here + more
    return {account: amount for account, amount in found.items() if amount}


def _turn(plan: Plan, cause: str) -> str:
    """Give the cause of a waiver: its own, and with its number where it was taken back before."""
    undone, waiver = aliased(Posting), aliased(Posting)
    times = session.scalars(
        select(func.count())
        .select_from(waiver)
        .join(undone, (undone.lender_id == waiver.lender_id) & (undone.corrects_id == waiver.id))
        .where(
            waiver.lender_id == plan.lender_id,
            or_(waiver.cause == cause, waiver.cause.startswith(f"{cause}#", autoescape=True)),
        )
    ).one()
    return f"{cause}#{times + 1}" if times else cause


def _take_back(plan: Plan, item: PlanItem, *, today: date, by: Actor) -> None:
    posting_id = item.waiver_posting_id
    if posting_id is None:
        return
    moves = ledger.reversed_moves(lender_id=plan.lender_id, posting_id=posting_id)
    ledger.post(
        lender_id=plan.lender_id,
        kind="waiver_undone",
        cause=f"waiver-undone:{posting_id}",
        moves=moves,
        on=today,
        corrects=posting_id,
    )
    item.waiver_posting_id = None
    _note(Act.WAIVER_UNDONE, plan, item, total((move.amount for move in moves), currency=plan.currency), by=by)


def _note(act: Act, plan: Plan, item: PlanItem, amount: Money, *, by: Actor) -> None:
    record(
        act,
        by=by,
        lender_id=plan.lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        facts={"plan": plan.reference, "item": item.seq, "amount": amount.amount, "currency": plan.currency},
    )
