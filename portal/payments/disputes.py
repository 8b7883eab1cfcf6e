"""Disputes and debits that come back: what a bank takes and gives again, posted once each, and the question followed.

Invariant: where the money is, is read from our own effects, so that an old word never undoes a newer one.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select

from portal import clock
from portal.db import new_id, session
from portal.evidence.record import STRIPE, Act, record
from portal.money import Money
from portal.payments import tell_back
from portal.payments.dispute_states import CLOSED, TABLE, State, is_return, state_of
from portal.payments.dispute_states import Money as Where
from portal.payments.going_back import GIVEN_AGAIN, TAKEN, Came, bring_again, take
from portal.payments.models import Dispute, MoneyEffect
from portal.payments.parts import only_debt
from portal.payments.stripe_gateway import DisputeFacts

# Status words after which none that was there before can be true.
_FINAL = frozenset(status for status, where in TABLE.items() if where[Where.HERE] in CLOSED)


def heed(came: Came, said: Sequence[DisputeFacts]) -> None:
    """Post what banks took and gave again of what came, and follow each question; all in the caller's transaction."""
    for one in said:
        new = _moved(came, one)
        row = _row(came, one)
        before = State(row.state)
        if new or not (row.status in _FINAL and one.status not in _FINAL):
            row.status, row.reason, row.evidence_by = one.status, one.reason, one.evidence_by
        row.gone_minor = _gone(came.lender_id, one.id)
        after = state_of(status=row.status, gone=row.gone_minor > 0)
        row.state = after.value
        row.closed_at = (row.closed_at or clock.now()) if after in CLOSED else None
        if after is not before and after in CLOSED:
            _recorded(Act.DISPUTE_MOVED, came, row, before=before)
        _tell(came, row, before=before, after=after, new=new)
    session.flush()


def states_of(came: Came) -> tuple[State, ...]:
    """Give where the disputes of a payment are, as our books have them, the newest last."""
    if came.payment is None:
        return ()
    session.flush()
    return tuple(
        State(state)
        for state in session.scalars(
            select(Dispute.state)
            .where(Dispute.lender_id == came.lender_id, Dispute.payment_id == came.payment.id)
            .order_by(Dispute.opened_at, Dispute.id)
        )
    )


def of_person(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> Sequence[Dispute]:
    """Give the disputes about a person's payments that are not over, the one with the nearest day first."""
    return session.scalars(
        select(Dispute)
        .where(
            Dispute.lender_id == lender_id,
            Dispute.debtor_id == debtor_id,
            Dispute.state.in_((State.ASKED.value, State.OPEN.value)),
        )
        .order_by(Dispute.evidence_by, Dispute.id)
    ).all()


def moving() -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Give lender and payment of each dispute that is not over, to look at it again in case an event was lost."""
    rows = session.execute(
        select(Dispute.lender_id, Dispute.payment_id).where(
            Dispute.state.in_((State.ASKED.value, State.OPEN.value)), Dispute.payment_id.is_not(None)
        )
    )
    return [(row.lender_id, row.payment_id) for row in rows if row.payment_id]


def _moved(came: Came, one: DisputeFacts) -> bool:
    """Post each time that the bank took or gave back money; gives whether any of it is new."""
    taken = given = 0
    new = False
    for some in one.moved:
        if some.minor < 0:
            taken += 1
            new |= take(
                came,
                TAKEN,
                key=_key(one.id, "withdrawn", taken),
                cause=f"dispute:{one.id}:{taken}",
                amount=-some,
                facts={"dispute": one.id, "reason": one.reason},
            )
        else:
            given += 1
            new |= bring_again(
                came,
                GIVEN_AGAIN,
                key=_key(one.id, "reinstated", given),
                of=_key(one.id, "withdrawn", taken),
                cause=f"dispute-won:{one.id}:{given}",
                amount=some,
                facts={"dispute": one.id},
            )
    return new


def _key(dispute_id: str, what: str, turn: int) -> str:
    return f"stripe:{dispute_id}:{what}:{turn}"


def _gone(lender_id: uuid.UUID, dispute_id: str) -> int:
    keys = f"stripe:{dispute_id}:"
    total = select(func.coalesce(func.sum(-MoneyEffect.amount_minor), 0)).where(
        MoneyEffect.lender_id == lender_id, MoneyEffect.key.startswith(keys, autoescape=True)
    )
    return int(session.scalar(total) or 0)


def _row(came: Came, one: DisputeFacts) -> Dispute:
    """Give our row of a dispute; what came is locked, so nobody else makes it now."""
    row = session.scalars(
        select(Dispute).where(Dispute.lender_id == came.lender_id, Dispute.dispute_id == one.id)
    ).one_or_none()
    if row is not None:
        return row
    payment = came.payment
    row = Dispute(
        lender_id=came.lender_id,
        id=new_id(),
        dispute_id=one.id,
        payment_id=None if payment is None else payment.id,
        set_aside_id=came.aside.id if payment is None and came.aside is not None else None,
        debtor_id=came.debtor_id,
        amount_minor=one.amount.minor,
        gone_minor=0,
        currency=one.amount.currency,
        reason=one.reason,
        status=one.status,
        state=State.ASKED.value,
        evidence_by=one.evidence_by,
        opened_at=one.created_at,
    )
    session.add(row)
    session.flush()
    _recorded(Act.DISPUTE_OPENED, came, row, before=None)
    return row


def _recorded(act: Act, came: Came, row: Dispute, *, before: State | None) -> None:
    record(
        act,
        by=STRIPE,
        lender_id=row.lender_id,
        debtor_id=row.debtor_id,
        debt_id=only_debt(came.parts) if came.parts else None,
        facts={
            "payment": None if came.payment is None else came.payment.reference,
            "dispute": row.dispute_id,
            "reason": row.reason,
            "amount": Money(row.amount_minor, row.currency).amount,
            "currency": row.currency,
            "before": None if before is None else before.value,
            "after": row.state,
        },
    )


def _tell(came: Came, row: Dispute, *, before: State, after: State, new: bool) -> None:
    if row.debtor_id is None:
        return
    kind = None
    if is_return(row.reason):
        kind = tell_back.RETURNED if new and row.gone_minor else None
    elif after is not before:
        kind = {State.OPEN: tell_back.TAKEN, State.WON: tell_back.WON, State.LOST: tell_back.KEPT}.get(after)
    if kind is not None:
        tell_back.later(
            kind,
            lender_id=row.lender_id,
            debtor_id=row.debtor_id,
            amount=Money(row.amount_minor, row.currency),
            about=row.id,
            debt_id=only_debt(came.parts),
        )
