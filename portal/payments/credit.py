"""Money that a person has with us, because more was paid than was owed: used for a debt of theirs, by their own choice.

Invariant: what is used comes off the credit of one debt and off what is owed on another (or the same) in one posting,
once for a form. It goes back where it came from if the payment that brought the credit is given back.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from portal import clock, ledger
from portal.db import insert_unless_there, new_id, session
from portal.debts.statement import Standing
from portal.evidence.record import Act, Actor, record
from portal.ledger import Account, Book, Move, Posting, Transfer
from portal.money import Money, total
from portal.payments import paid_off, paying_off
from portal.payments.follow import follow, plans_of
from portal.payments.models import CreditUse
from portal.plans import progress, waivers
from portal.plans.models import Plan


@dataclass(frozen=True, slots=True)
class Used:
    """The money is used."""

    amount: Money


@dataclass(frozen=True, slots=True)
class UsedBefore:
    """This very form used it before: a second click, another tab."""

    amount: Money


@dataclass(frozen=True, slots=True)
class Changed:
    """Nothing was used: what can be used now is another amount, or nothing."""

    possible: Money


def possible(*, credit: Money, owed: Money) -> Money:
    """Give how much of a credit can be used for what is owed; nothing between two currencies."""
    return min(credit, owed) if credit.currency == owed.currency else Money.zero(owed.currency)


def use(
    *,
    source: Standing,
    target: Standing,
    amount: Money,
    form_key: str,
    today: date,
    by: Actor,
    placed: bool = False,
    paid_at: datetime | None = None,
) -> Used | UsedBefore | Changed:
    """Use the credit of one debt for what is owed on another of the same person, or on itself.

    `placed` is money that a person has just put there: it never counted for a plan before. It counts from when it was
    paid, if `paid_at` says so.

    Example: 20.00 too much was paid on a card, and 250.00 is owed on a loan: 230.00 is owed afterwards.

    :raises ValueError: if the debts are not of one person.
    """
    if (source.lender_id, source.debtor_id) != (target.lender_id, target.debtor_id):
        raise ValueError("credit is used for a debt of the same person")
    lender_id = source.lender_id
    books = _locked(lender_id, {source.id, target.id})
    before = session.scalars(
        select(CreditUse).where(
            CreditUse.lender_id == lender_id, CreditUse.debtor_id == source.debtor_id, CreditUse.form_key == form_key
        )
    ).one_or_none()
    if before is not None:
        return UsedBefore(Money(before.amount_minor, before.currency))
    alive = progress.alive_plan(lender_id=lender_id, debt_id=target.id)
    plan = next(iter(plans_of(lender_id, [alive.id] if alive else [])), None)
    asked = total(waivers.asked_of(books[target.id], plan).values(), currency=target.owed.currency)
    owed = asked + (progress.interest_due(alive, today=today) if alive else _nothing(target))
    most = possible(credit=books[source.id].credit, owed=owed)
    if not amount or amount != most:
        return Changed(most)
    use_id = session.execute(
        insert_unless_there(CreditUse)
        .values(
            lender_id=lender_id,
            id=new_id(),
            form_key=form_key,
            debtor_id=source.debtor_id,
            from_debt_id=source.id,
            to_debt_id=target.id,
            plan_id=plan.id if plan is not None and (placed or _counts_for(plan, source.id)) else None,
            amount_minor=amount.minor,
            currency=amount.currency,
            used_at=clock.now(),
            paid_at=paid_at,
        )
        .on_conflict_do_nothing(index_elements=["lender_id", "debtor_id", "form_key"])
        .returning(CreditUse.id)
    ).scalar_one_or_none()
    if use_id is None:
        return UsedBefore(amount)
    if plan is not None:
        progress.post_interest(plan, progress.items_of(plan), today=today)
    posted = ledger.post(
        lender_id=lender_id,
        kind="set_off",
        cause=f"credit-used:{use_id}",
        moves=_moves(source.id, ledger.locked(lender_id=lender_id, debt_id=target.id), amount, plan=plan, today=today),
        on=today,
    )
    if isinstance(posted, ledger.Posted):
        session.get_one(CreditUse, (lender_id, use_id)).posting_id = posted.posting_id
    _note(Act.CREDIT_USED, session.get_one(CreditUse, (lender_id, use_id)), by=by, placed=placed)
    if plan is not None:
        follow(plan, today=today, by=by)
    paid_off.ask_for_letter(lender_id=lender_id, debt_ids=[target.id])
    return Used(amount)


def _counts_for(plan: Plan, source_id: uuid.UUID) -> bool:
    """Say whether credit is new money for a plan: of its own debt it is, unless it came in while the plan ran.

    Then it is part of a payment that counted for the plan when it came.
    """
    if source_id != plan.debt_id:
        return True
    newest = session.scalar(
        select(func.max(Posting.at))
        .join(Transfer, (Transfer.lender_id == Posting.lender_id) & (Transfer.posting_id == Posting.id))
        .where(
            Transfer.lender_id == plan.lender_id,
            Transfer.book_id == source_id,
            Transfer.from_account == Account.CREDIT.value,
        )
    )
    return newest is None or newest <= plan.agreed_at


def _locked(lender_id: uuid.UUID, debt_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Book]:
    """Lock books in the order of their ids, as everywhere, so that nobody waits for each other."""
    return {debt_id: ledger.locked(lender_id=lender_id, debt_id=debt_id) for debt_id in sorted(set(debt_ids))}


def _nothing(debt: Standing) -> Money:
    return Money.zero(debt.owed.currency)


def _moves(source_id: uuid.UUID, target: Book, amount: Money, *, plan: Plan | None, today: date) -> list[Move]:
    """Give the moves: on one debt from what is owed to the credit, between two by way of the lender's set-off."""
    paid = paying_off.off(target, plan=plan, amount=amount, today=today)
    if source_id == target.id:
        return [Move(target.id, Account(part.value), Account.CREDIT, some) for part, some in paid.parts]
    return [
        Move(source_id, Account.SET_OFF, Account.CREDIT, amount),
        *(Move(target.id, Account(part.value), Account.SET_OFF, some) for part, some in paid.parts),
    ]


def _note(act: Act, use: CreditUse, *, by: Actor, placed: bool = False) -> None:
    record(
        act,
        by=by,
        lender_id=use.lender_id,
        debtor_id=use.debtor_id,
        debt_id=use.to_debt_id if use.to_debt_id == use.from_debt_id else None,
        facts={
            "use": use.id,
            "from": use.from_debt_id,
            "to": use.to_debt_id,
            "amount": Money(use.amount_minor, use.currency).amount,
            "currency": use.currency,
            **({"placed": True} if placed else {}),
        },
    )


def touched_with(lender_id: uuid.UUID, debt_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Give some debts and those that their credit was used for: who takes credit back locks all of them first."""
    mine = set(debt_ids)
    used_for = session.scalars(
        select(CreditUse.to_debt_id).where(
            CreditUse.lender_id == lender_id, CreditUse.from_debt_id.in_(mine), CreditUse.undone_at.is_(None)
        )
    )
    return mine | set(used_for)


def give_back(*, lender_id: uuid.UUID, debt_id: uuid.UUID, needed: Money, today: date, by: Actor) -> None:
    """Bring credit back to a debt until as much is there as is needed, because money that brought it goes back.

    The newest use goes back first, each as a whole: what it paid is owed again, and the plan there follows.
    """
    uses = session.scalars(
        select(CreditUse)
        .where(CreditUse.lender_id == lender_id, CreditUse.from_debt_id == debt_id, CreditUse.undone_at.is_(None))
        .order_by(CreditUse.used_at.desc(), CreditUse.id.desc())
        .with_for_update()
    ).all()
    for each in uses:
        if ledger.locked(lender_id=lender_id, debt_id=debt_id).credit >= needed or each.posting_id is None:
            return
        posted = ledger.post(
            lender_id=lender_id,
            kind="set_off_undone",
            cause=f"credit-use-undone:{each.id}",
            moves=ledger.reversed_moves(lender_id=lender_id, posting_id=each.posting_id),
            on=today,
            corrects=each.posting_id,
        )
        if isinstance(posted, ledger.Posted):
            each.undone_posting_id, each.undone_at = posted.posting_id, clock.now()
        _note(Act.CREDIT_USE_UNDONE, each, by=by)
        for plan in plans_of(lender_id, [each.plan_id]):
            follow(plan, today=today, by=by)
