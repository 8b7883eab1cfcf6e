"""What finance does with money: give back, approve, place, note; each once, and by whoever may at that moment.

Invariant: above a lender's limit nobody gives back alone, and nobody approves what they asked for themselves.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from portal import clock, ledger
from portal.db import new_id, session
from portal.debts.models import Debt
from portal.debts.statement import Standing, by_id
from portal.desk.drafts import NotTwoPeople, tied
from portal.evidence.record import Act, Actor, record
from portal.ledger import Book
from portal.money import Money
from portal.payments import aside, credit, giving_back, going_back
from portal.payments.models import Payment, Refund, RefundLimit, SetAside
from portal.payments.parts import given_back_of
from portal.payments.refund_states import Forbidden, Late, Moved, Repeated, State, Word
from portal.people.models import Debtor
from portal.plans.models import Plan, PlanItem
from portal.points.models import PointsEntry
from portal.staff import members
from portal.staff.gates import Colleague
from portal.staff.roles import Permission, permissions_of


class NotAllowed(Exception):
    """Whoever acts may not do it any more."""


def _may_now(who: Colleague) -> None:
    member = members.locked(lender_id=who.lender_id, member_id=who.member_id)
    if member.state != "active" or Permission.GIVE_BACK not in permissions_of(member.roles):
        raise NotAllowed(who.member_id)


def _facts(who: Colleague, reason: str | None) -> dict[str, object]:
    """Give who it was; of a reason, which is for colleagues alone, the hash."""
    facts: dict[str, object] = {"name": who.name}
    if reason:
        facts["reason_sha256"] = hashlib.sha256(reason.encode()).hexdigest()
    return facts


def alone_up_to(*, lender_id: uuid.UUID, currency: str) -> Money:
    """Give how much one person gives back alone; without a limit nothing, so that there are always two."""
    limit = session.scalars(
        select(RefundLimit.alone_minor).where(RefundLimit.lender_id == lender_id, RefundLimit.currency == currency)
    ).one_or_none()
    return Money(limit or 0, currency)


def _came_locked(lender_id: uuid.UUID, payment: Payment) -> going_back.Came:
    came = going_back.came_of(payment)
    touched = [part.debt_id for part in came.parts]
    if came.aside is not None and came.aside.placed_debt_id is not None:
        touched.append(came.aside.placed_debt_id)
    for debt_id in sorted(credit.touched_with(lender_id, touched)):
        ledger.locked(lender_id=lender_id, debt_id=debt_id)
    giving_back.payment_locked(lender_id=lender_id, payment_id=payment.id)
    return going_back.came_of(payment)


def give_back(
    who: Colleague, *, payment_id: uuid.UUID, amount: Money, reason: str, form_key: str
) -> giving_back.Asked | giving_back.TooMuch | giving_back.OneIsOpen | giving_back.NotNow:
    """Ask for money of a payment to go back; for a second person, what it would do is kept beside it.

    :raises NotAllowed: if the colleague may not do that any more.
    """
    _may_now(who)
    foreseen = None
    if amount > alone_up_to(lender_id=who.lender_id, currency=amount.currency):
        # Before anything else: it locks the books first, as everybody does.
        foreseen = foresee(lender_id=who.lender_id, payment_id=payment_id, amount=amount)
    payment = giving_back.payment_locked(lender_id=who.lender_id, payment_id=payment_id)
    asked = _asked(who, going_back.came_of(payment), amount=amount, reason=reason, form_key=form_key)
    if isinstance(asked, giving_back.Asked) and asked.waits and not asked.before:
        row = giving_back.by_number(lender_id=who.lender_id, number=asked.number)
        if row is not None:
            row.foreseen = None if foreseen is None else foreseen.kept()
    return asked


def foresee_anew(who: Colleague, *, number: str) -> bool | None:
    """Work out anew what a refund that waits would do, and keep it beside it.

    False if it doesn't wait any more, None if there is none with this number.

    :raises NotAllowed: if the colleague may not do that any more.
    """
    _may_now(who)
    row = giving_back.by_number(lender_id=who.lender_id, number=number)
    if row is None:
        return None
    if row.state != State.ASKED.value or row.payment_id is None:
        return False
    amount, payment_id = Money(row.amount_minor, row.currency), row.payment_id
    foreseen = foresee(lender_id=who.lender_id, payment_id=payment_id, amount=amount)
    row = giving_back.by_number(lender_id=who.lender_id, number=number, locked=True)
    if row is not None and row.state == State.ASKED.value:
        row.foreseen = None if foreseen is None else foreseen.kept()
    return True


def give_back_aside(
    who: Colleague, *, aside_id: uuid.UUID, reason: str, form_key: str
) -> giving_back.Asked | giving_back.TooMuch | giving_back.OneIsOpen | giving_back.NotNow:
    """Ask for all that waits of what was set aside to go back.

    :raises NotAllowed: if the colleague may not do that any more.
    """
    _may_now(who)
    row = session.get_one(SetAside, (who.lender_id, aside_id))
    if aside.at_lender(row):
        # Stripe never had it: it goes back from the lender's own bank (`banking`).
        return giving_back.NotNow()
    if row.payment_id is not None:
        payment = giving_back.payment_locked(lender_id=who.lender_id, payment_id=row.payment_id)
        came = going_back.came_of(payment)
    else:
        came = giving_back.came_aside(lender_id=who.lender_id, intent_id=row.payment_intent_id or "")
    left = aside.waiting(row)
    return _asked(who, came, amount=left, reason=reason, form_key=form_key) if left else giving_back.NotNow()


def _asked(
    who: Colleague, came: going_back.Came, *, amount: Money, reason: str, form_key: str
) -> giving_back.Asked | giving_back.TooMuch | giving_back.OneIsOpen | giving_back.NotNow:
    return giving_back.ask(
        came,
        amount=amount,
        reason=reason,
        form_key=form_key,
        alone=amount <= alone_up_to(lender_id=who.lender_id, currency=amount.currency),
        by=who.actor,
        member_id=who.member_id,
        facts=_facts(who, reason),
    )


def decide(
    who: Colleague, *, number: str, word: Word, words: str | None
) -> Moved | Repeated | Late | Forbidden | NotTwoPeople | None:
    """Approve, decline or take back a refund that waits; None if there is none with this number.

    :raises NotAllowed: if the colleague may not do that any more, or takes back what somebody else asked.
    """
    _may_now(who)
    row = giving_back.by_number(lender_id=who.lender_id, number=number, locked=True)
    if row is None:
        return None
    mine = row.asked_by == who.member_id
    if word is Word.TAKE_BACK and not mine:
        raise NotAllowed(who.member_id)
    if word is Word.APPROVE and row.asked_by is not None and row.state == State.ASKED.value:
        not_two = tied(lender_id=who.lender_id, by=who.member_id, authors=frozenset({row.asked_by}))
        if not_two is not None:
            return not_two
    if word is Word.DECLINE and mine:
        raise NotAllowed(who.member_id)
    return giving_back.decide(row, word, by=who.actor, member_id=who.member_id, words=words, facts=_facts(who, words))


def debt_named(*, lender_id: uuid.UUID, reference: str) -> Standing | None:
    """Give the open debt with a reference, whoever's it is."""
    found = session.scalars(
        select(Debt.id).where(Debt.lender_id == lender_id, Debt.reference == reference, Debt.state == "open")
    ).one_or_none()
    return None if found is None else by_id(lender_id=lender_id, debt_id=found)


def place(
    who: Colleague, *, aside_id: uuid.UUID, debt: Standing, reason: str
) -> aside.Placed | aside.Done | aside.GoingBack | aside.DoesNotFit:
    """Let what waits count for a debt, once, with a reason.

    :raises NotAllowed: if the colleague may not do that any more.
    """
    _may_now(who)
    zone = session.get_one(Debtor, (who.lender_id, debt.debtor_id)).zone
    return aside.place(
        lender_id=who.lender_id,
        aside_id=aside_id,
        debt=debt,
        reason=reason,
        today=clock.today(zone),
        by=who.actor,
        member_id=who.member_id,
    )


def note(who: Colleague, *, aside_id: uuid.UUID, words: str) -> bool:
    """Keep a note about what waits.

    :raises NotAllowed: if the colleague may not do that any more.
    """
    _may_now(who)
    return aside.note(lender_id=who.lender_id, aside_id=aside_id, words=words, by=who.actor, facts=_facts(who, words))


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What giving back would do, as it really was at an instant, in an act that was undone at once."""

    at: datetime
    debts: tuple[tuple[str, Money, Money], ...]
    owed_again: Money
    instalments: int
    points: int
    letters: int

    def kept(self) -> dict[str, object]:
        """Give it as plain values, to be kept with a refund; amounts in whole minor units."""
        return {
            "at": self.at.isoformat(),
            "debts": [[reference, before.minor, after.minor] for reference, before, after in self.debts],
            "owed_again": self.owed_again.minor,
            "instalments": self.instalments,
            "points": self.points,
            "letters": self.letters,
        }


def foreseen_of(row: Refund) -> Foreseen | None:
    """Give what was worked out for a refund, as it stood then; None where nothing was."""
    kept = row.foreseen
    if kept is None:
        return None
    code = row.currency
    return Foreseen(
        at=datetime.fromisoformat(kept["at"]),
        debts=tuple((ref, Money(before, code), Money(after, code)) for ref, before, after in kept["debts"]),
        owed_again=Money(kept["owed_again"], code),
        instalments=kept["instalments"],
        points=kept["points"],
        letters=kept["letters"],
    )


def foresee(*, lender_id: uuid.UUID, payment_id: uuid.UUID, amount: Money) -> Foreseen | None:
    """Give what giving so much of a payment back would do: the very act is done, looked at, and undone.

    It locks what the act locks, so no page that is only looked at asks for it. None where so much can't go back, and
    where no debt would change, because the money waits to be placed.
    """
    payment = session.get_one(Payment, (lender_id, payment_id))
    came = _came_locked(lender_id, payment)
    if came.aside is not None or amount > giving_back.left_of(payment, None):
        return None
    debtor_id = payment.debtor_id
    debt_ids = [part.debt_id for part in came.parts]
    before = _picture(lender_id, debtor_id, debt_ids)
    trial = session.begin_nested()
    going_back.take(came, going_back.REFUND, key="trial", cause="trial", amount=amount, facts={})
    session.flush()
    after = _picture(lender_id, debtor_id, debt_ids)
    trial.rollback()
    session.expire_all()
    zero = Money.zero(amount.currency)
    rises = [after.owed[each] - before.owed[each] for each in debt_ids]
    more = sum((each for each in rises), start=zero) - amount
    return Foreseen(
        at=clock.now(),
        debts=tuple(
            (session.get_one(Debt, (lender_id, each)).reference, before.owed[each], after.owed[each])
            for each in debt_ids
        ),
        owed_again=max(more, zero),
        instalments=max(before.kept - after.kept, 0),
        points=max(before.points - after.points, 0),
        letters=max(after.letters - before.letters, 0),
    )


@dataclass(frozen=True, slots=True)
class _Picture:
    owed: dict[uuid.UUID, Money]
    kept: int
    points: int
    letters: int


def _picture(lender_id: uuid.UUID, debtor_id: uuid.UUID, debt_ids: list[uuid.UUID]) -> _Picture:
    items = session.scalars(
        select(PlanItem.kept_at)
        .join(Plan, (Plan.lender_id == PlanItem.lender_id) & (Plan.id == PlanItem.plan_id))
        .where(PlanItem.lender_id == lender_id, Plan.debt_id.in_(debt_ids))
    )
    return _Picture(
        owed={each: session.get_one(Book, (lender_id, each), populate_existing=True).owed for each in debt_ids},
        kept=sum(at is not None for at in items),
        points=sum(
            session.scalars(
                select(PointsEntry.points).where(PointsEntry.lender_id == lender_id, PointsEntry.debtor_id == debtor_id)
            )
        ),
        letters=len(given_back_of(lender_id=lender_id, debtor_id=debtor_id)),
    )


def set_limit(*, lender_id: uuid.UUID, limit: Money, by: Actor) -> bool:
    """Set up to how much one person gives back alone in a currency; False if it is so already."""
    row = session.scalars(
        select(RefundLimit)
        .where(RefundLimit.lender_id == lender_id, RefundLimit.currency == limit.currency)
        .with_for_update()
    ).one_or_none()
    if row is not None and row.alone_minor == limit.minor:
        return False
    if row is None:
        row = RefundLimit(lender_id=lender_id, id=new_id(), currency=limit.currency, alone_minor=0)
        session.add(row)
    row.alone_minor = limit.minor
    record(
        Act.REFUND_LIMIT_SET,
        by=by,
        lender_id=lender_id,
        facts={"alone_up_to": limit.amount, "currency": limit.currency},
    )
    return True
