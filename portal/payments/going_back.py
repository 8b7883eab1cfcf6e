"""Money that goes back and comes again: refunds and disputes, each effect once, each undone as it was done.

Invariant: of each debt goes at most what came on it; what a bank takes beyond what came stands in suspense, where
`flask verify` counts it. The books are locked by whoever calls.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from portal import clock, ledger
from portal.db import insert_unless_there, new_id, session
from portal.evidence.record import STRIPE, Act, Actor, record
from portal.ledger import Account, Move, Transfer
from portal.lenders.models import Lender
from portal.money import Money
from portal.payments import credit, paid_off, paying_off
from portal.payments.follow import follow, plans_of
from portal.payments.models import MoneyEffect, Payment, SetAside
from portal.payments.parts import Part, only_debt, parts_of
from portal.people.models import Debtor
from portal.plans import extra
from portal.plans.models import Plan


@dataclass(frozen=True, slots=True)
class Came:
    """What came in one piece, at Stripe or, without an intent, to the lender itself: for a payment, or set aside.

    `aside` is where it was set aside, `by` whoever says that it goes back.
    """

    lender_id: uuid.UUID
    intent_id: str
    payment: Payment | None
    parts: tuple[Part, ...]
    aside: SetAside | None
    by: Actor = STRIPE

    @property
    def key(self) -> str:
        """Give the key of the effect that brought it."""
        return f"stripe:{self.intent_id}:payment" if self.payment is None else key_of(self.payment)

    @property
    def cash(self) -> Account:
        """Give the account that it came to."""
        return Account.CASH_STRIPE if self.intent_id else Account.CASH_LENDER

    @property
    def today(self) -> date:
        """Give the day by the debtor's calendar, or the lender's where nobody knows whose it is."""
        if self.payment is not None:
            return today_of(self.payment)
        return clock.today(session.get_one(Lender, self.lender_id).zone)

    @property
    def debtor_id(self) -> uuid.UUID | None:
        """Give whose it is, as far as it is known."""
        return None if self.payment is None else self.payment.debtor_id


def key_at_lender(entry_id: uuid.UUID) -> str:
    """Give the key of the effect of money that came to the lender itself; its payment has the id of the entry."""
    return f"lender:{entry_id}:payment"


def key_of(payment: Payment) -> str:
    """Give the key of the effect that brought a payment."""
    if payment.payment_intent_id is None:
        return key_at_lender(payment.id)
    return f"stripe:{payment.payment_intent_id}:payment"


def came_of(payment: Payment, *, by: Actor = STRIPE, to_change: bool = True) -> Came:
    """Give what came for a payment; what is only looked at isn't locked."""
    return Came(
        lender_id=payment.lender_id,
        intent_id=payment.payment_intent_id or "",
        payment=payment,
        parts=parts_of(lender_id=payment.lender_id, payment_id=payment.id),
        aside=aside_of(lender_id=payment.lender_id, intent_id=payment.payment_intent_id or "", to_change=to_change),
        by=by,
    )


def aside_of(*, lender_id: uuid.UUID, intent_id: str, to_change: bool = True) -> SetAside | None:
    """Give the row of money that was set aside, by what it is at Stripe; locked, unless it is only looked at."""
    asked = select(SetAside).where(SetAside.lender_id == lender_id, SetAside.payment_intent_id == intent_id)
    if to_change:
        asked = asked.with_for_update().execution_options(populate_existing=True)
    return session.scalars(asked).one_or_none()


def today_of(payment: Payment) -> date:
    """Give the day by the calendar of whoever pays."""
    zone = session.scalars(
        select(Debtor.zone).where(Debtor.lender_id == payment.lender_id, Debtor.id == payment.debtor_id)
    ).one()
    return clock.today(zone)


def claim(
    *, lender_id: uuid.UUID, payment_id: uuid.UUID | None, key: str, amount: Money, outcome: str
) -> uuid.UUID | None:
    """Claim a money effect; gives its row's id, or None if it was claimed before."""
    return session.execute(
        insert_unless_there(MoneyEffect)
        .values(
            lender_id=lender_id,
            id=new_id(),
            key=key,
            payment_id=payment_id,
            amount_minor=amount.minor,
            currency=amount.currency,
            outcome=outcome,
            at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["lender_id", "key"])
        .returning(MoneyEffect.id)
    ).scalar_one_or_none()


def effect_of(lender_id: uuid.UUID, key: str) -> MoneyEffect | None:
    """Give an effect by its key."""
    return session.scalars(
        select(MoneyEffect).where(MoneyEffect.lender_id == lender_id, MoneyEffect.key == key)
    ).one_or_none()


@dataclass(frozen=True, slots=True)
class Kind:
    """What goes back or comes again: the posting, and the record of it."""

    posting: str
    act: Act


REFUND, REFUND_FAILED = Kind("refund", Act.PAYMENT_REFUNDED), Kind("refund_failed", Act.PAYMENT_REFUND_FAILED)
TAKEN, GIVEN_AGAIN = Kind("dispute", Act.DISPUTE_TOOK), Kind("dispute_won", Act.DISPUTE_GAVE_BACK)


def take(came: Came, kind: Kind, *, key: str, cause: str, amount: Money, facts: Mapping[str, object]) -> bool:
    """Post that money went back, if it wasn't posted before; gives whether it is new."""
    original = effect_of(came.lender_id, came.key)
    if original is None:
        raise LookupError(came.key)
    # Money that was set aside never counted for a plan, so what goes back of it is not taken from one.
    payment = came.payment
    payment_id = None if payment is None else payment.id
    effect_id = claim(
        lender_id=came.lender_id, payment_id=payment_id, key=key, amount=-amount, outcome=original.outcome
    )
    if effect_id is None:
        return False
    today = came.today
    plans = plans_of(came.lender_id, [part.plan_id for part in came.parts])
    if came.aside is not None:
        moves = _moves_of_aside(came.aside, amount, today=today)
    else:
        moves = _moves_back(came, original, amount, plans={plan.id: plan for plan in plans}, today=today)
    _posted(came, kind, effect_id, cause=cause, moves=moves, today=today, corrects=original.posting_id)
    _recorded(came, kind, amount, facts)
    for plan in plans:
        if payment is not None and payment.use is not None:
            extra.gone(plan, amount=amount, payment_id=payment.id, today=today, by=came.by)
        follow(plan, today=today, by=came.by)
    return True


def bring_again(
    came: Came, kind: Kind, *, key: str, of: str, cause: str, amount: Money | None, facts: Mapping[str, object]
) -> bool:
    """Post that money which went back is here again; gives whether it is new. Without `amount` it is all of it.

    It counts again: for the debt, the plan and the points. `of` is the key of the effect by which it went.
    """
    given = effect_of(came.lender_id, of)
    if given is None:
        # It failed before it was ever confirmed: nothing of it is in the books.
        return False
    whole = Money(-given.amount_minor, given.currency)
    amount = whole if amount is None else min(amount, whole)
    payment_id = None if came.payment is None else came.payment.id
    effect_id = claim(lender_id=came.lender_id, payment_id=payment_id, key=key, amount=amount, outcome=given.outcome)
    if effect_id is None:
        return False
    today = came.today
    if came.aside is not None:
        came.aside.gone_minor -= amount.minor
    if given.posting_id is not None:
        moves = _moves_again(came, given.posting_id, amount, today=today)
        _posted(came, kind, effect_id, cause=cause, moves=moves, today=today, corrects=given.posting_id)
    _recorded(came, kind, amount, facts)
    for plan in plans_of(came.lender_id, [part.plan_id for part in came.parts]):
        follow(plan, today=today, by=STRIPE)
    paid_off.ask_for_letter(lender_id=came.lender_id, debt_ids=[part.debt_id for part in came.parts])
    return True


def _posted(
    came: Came,
    kind: Kind,
    effect_id: uuid.UUID,
    *,
    cause: str,
    moves: Sequence[Move],
    today: date,
    corrects: uuid.UUID | None,
) -> None:
    posted = ledger.post(
        lender_id=came.lender_id, kind=kind.posting, cause=cause, moves=moves, on=today, corrects=corrects
    )
    if isinstance(posted, ledger.Posted):
        session.get_one(MoneyEffect, (came.lender_id, effect_id)).posting_id = posted.posting_id
    if came.payment is not None:
        came.payment.refunded_minor = min(_gone(came), came.payment.amount_minor)


def _recorded(came: Came, kind: Kind, amount: Money, facts: Mapping[str, object]) -> None:
    name = {} if came.payment is None else {"payment": came.payment.reference}
    record(
        kind.act,
        by=came.by,
        lender_id=came.lender_id,
        debtor_id=came.debtor_id,
        debt_id=only_debt(came.parts),
        facts={**name, **facts, "amount": amount.amount, "currency": amount.currency},
    )


def _gone(came: Came) -> int:
    """Give what went back of a payment in all, in minor units, less what is here again."""
    if came.payment is None:
        return 0
    return int(
        session.scalar(
            select(func.coalesce(func.sum(-MoneyEffect.amount_minor), 0)).where(
                MoneyEffect.lender_id == came.lender_id,
                MoneyEffect.payment_id == came.payment.id,
                MoneyEffect.key != came.key,
            )
        )
        or 0
    )


def _moves_of_aside(aside: SetAside, amount: Money, *, today: date) -> list[Move]:
    """Give the moves of what goes back of money that was set aside, and was placed on a debt since or not."""
    here = max(aside.amount_minor - aside.gone_minor, 0)
    aside.gone_minor += amount.minor
    taken = Money(min(here, amount.minor), amount.currency)
    if aside.placed_debt_id is None or not taken:
        return [Move(None, Account.CASH_STRIPE, Account.SUSPENSE, amount)]
    debt_id = aside.placed_debt_id
    credit.give_back(lender_id=aside.lender_id, debt_id=debt_id, needed=taken, today=today, by=STRIPE)
    book = ledger.locked(lender_id=aside.lender_id, debt_id=debt_id)
    return [
        *paying_off.back(book, plan=None, amount=taken, today=today),
        Move(None, Account.CASH_STRIPE, Account.SUSPENSE, amount - taken),
    ]


def _came_on(came: Came, original: MoneyEffect) -> dict[tuple[uuid.UUID | None, bool], int]:
    """Give what came on each debt, in minor units: as credit (True), and for what was owed."""
    found: dict[tuple[uuid.UUID | None, bool], int] = {}
    if original.posting_id is None:
        return found
    for move in ledger.reversed_moves(lender_id=came.lender_id, posting_id=original.posting_id):
        key = move.book_id, move.target is Account.CREDIT
        found[key] = found.get(key, 0) + move.amount.minor
    return found


def _gone_from(came: Came, original: MoneyEffect) -> dict[uuid.UUID, int]:
    """Give what went back from each debt since, in minor units, less what is there again."""
    cash = came.cash.value
    found: dict[uuid.UUID, int] = {}
    if came.payment is None:
        return found
    for book_id, source, target, minor in session.execute(
        select(Transfer.book_id, Transfer.from_account, Transfer.to_account, Transfer.amount_minor)
        .join(
            MoneyEffect,
            (MoneyEffect.lender_id == Transfer.lender_id) & (MoneyEffect.posting_id == Transfer.posting_id),
        )
        .where(
            MoneyEffect.lender_id == came.lender_id,
            MoneyEffect.payment_id == came.payment.id,
            MoneyEffect.id != original.id,
        )
    ):
        sign = 1 if source == cash else -1 if target == cash else 0
        if book_id is not None:
            found[book_id] = found.get(book_id, 0) + sign * minor
    return found


def _moves_back(
    came: Came, original: MoneyEffect, amount: Money, *, plans: Mapping[uuid.UUID, Plan], today: date
) -> list[Move]:
    """Give the moves of what goes back: what was paid too much on any debt first, then from the last debt on.

    Of each debt goes what was paid off last, also where another payment paid it: so what stays paid is what the rest of
    the money pays.
    """
    on, gone = _came_on(came, original), _gone_from(came, original)
    here: dict[tuple[uuid.UUID, bool], int] = {}
    for part in came.parts:
        too_much, for_owed = on.get((part.debt_id, True), 0), on.get((part.debt_id, False), 0)
        went = gone.get(part.debt_id, 0)
        here[part.debt_id, True] = max(too_much - went, 0)
        here[part.debt_id, False] = max(too_much + for_owed - went, 0) - here[part.debt_id, True]
    debts = [part.debt_id for part in reversed(came.parts)]
    left, taken = amount.minor, dict.fromkeys(here, 0)
    for place in (*((debt, True) for debt in debts), *((debt, False) for debt in debts)):
        taken[place] = min(left, here[place])
        left -= taken[place]
    moves = []
    for part in came.parts:
        credited, rest = (Money(taken[part.debt_id, too_much], amount.currency) for too_much in (True, False))
        if credited:
            # What was used of it meanwhile has to be there again before it can go back.
            credit.give_back(lender_id=came.lender_id, debt_id=part.debt_id, needed=credited, today=today, by=came.by)
        if credited or rest:
            book = ledger.locked(lender_id=came.lender_id, debt_id=part.debt_id)
            plan = _plan_in(plans, part)
            moves += paying_off.back(book, plan=plan, amount=credited + rest, today=today, cash=came.cash)
    # A bank can take what was given back already: then the lender lost it twice, and a person sees it.
    moves.append(Move(None, came.cash, Account.SUSPENSE, Money(left, amount.currency)))
    return moves


def _moves_again(came: Came, posting_id: uuid.UUID, amount: Money, *, today: date) -> list[Move]:
    """Give the moves that undo what went back: credit is there again, and what was owed again is paid off.

    Where less comes than went, it is what was taken first.
    """
    plans = {plan.id: plan for plan in plans_of(came.lender_id, [part.plan_id for part in came.parts])}
    of_debt = {part.debt_id: _plan_in(plans, part) for part in came.parts}
    moves: list[Move] = []
    again: dict[uuid.UUID, Money] = {}
    left = amount
    for move in ledger.reversed_moves(lender_id=came.lender_id, posting_id=posting_id):
        some = min(left, move.amount)
        left -= some
        if move.book_id is None or move.source is Account.CREDIT:
            moves.append(Move(move.book_id, move.source, move.target, some))
        else:
            again[move.book_id] = again.get(move.book_id, Money.zero(amount.currency)) + some
    for debt_id, some in again.items():
        if some:
            book = ledger.locked(lender_id=came.lender_id, debt_id=debt_id)
            paid = paying_off.off(book, plan=of_debt.get(debt_id), amount=some, today=today)
            moves += paying_off.moves_of(debt_id, paid)
    return moves


def _plan_in(plans: Mapping[uuid.UUID, Plan], part: Part) -> Plan | None:
    return None if part.plan_id is None else plans.get(part.plan_id)
