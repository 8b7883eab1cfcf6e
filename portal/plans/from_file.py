"""What a lender's file does to the plans of its debts: a changed amount changes no plan, a debt that is gone ends it.

Part of the transaction in which a file goes live; the debtors are told by jobs afterwards.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import select, update

from portal import ledger, queue
from portal.db import session
from portal.debts.runs import Plans
from portal.evidence.record import Act, Actor, record
from portal.plans.ended import ask_for_letter
from portal.plans.models import LIVE_STATES, Plan
from portal.plans.states import Event, Moved, State, after

TELL = "plans.tell_of_file"
CHANGED, TAKEN_BACK = "amount_changed", "plan_taken_back"


def changed(
    lender_id: uuid.UUID, debt_ids: Sequence[uuid.UUID], as_of: date, undone: uuid.UUID | None
) -> Mapping[uuid.UUID, str]:
    """Let the next night look at the living plans of debts whose amount has changed; gives their references by debt.

    Their payments stay as they were agreed, and their debtors are told, once in a month at most: some files add
    interest every day. When an import is taken back (`undone`) they are told once more, whatever they were told before.
    """
    plans = session.execute(
        select(Plan.id, Plan.debt_id, Plan.reference)
        .where(Plan.lender_id == lender_id, Plan.debt_id.in_(debt_ids), Plan.state.in_(LIVE_STATES))
        .order_by(Plan.id)
    ).all()
    if plans:
        session.execute(
            update(Plan)
            .where(Plan.lender_id == lender_id, Plan.id.in_([plan.id for plan in plans]))
            .values(look_on=as_of),
            execution_options={"synchronize_session": False},
        )
    for plan in plans:
        _tell(lender_id, plan.id, CHANGED, once=f"tell:{CHANGED}:{plan.id}:{undone or f'{as_of:%Y-%m}'}")
    return {plan.debt_id: plan.reference for plan in plans}


def recalled(lender_id: uuid.UUID, debt_ids: Sequence[uuid.UUID], run_id: uuid.UUID, by: Actor) -> int:
    """End the living plans of debts that the lender has taken back; gives how many. What was paid stays paid."""
    living = (Plan.lender_id == lender_id, Plan.debt_id.in_(debt_ids), Plan.state.in_(LIVE_STATES))
    for debt_id in session.scalars(select(Plan.debt_id).where(*living).order_by(Plan.debt_id)).all():
        ledger.locked(lender_id=lender_id, debt_id=debt_id)
    ended = 0
    for plan in session.scalars(
        select(Plan).where(*living).order_by(Plan.id).with_for_update().execution_options(populate_existing=True)
    ).all():
        before = State(plan.state)
        moved = after(state=before, event=Event.VOID)
        if not isinstance(moved, Moved):
            continue
        plan.state, plan.look_on = moved.to.value, None
        ended += 1
        record(
            Act.PLAN_MOVED,
            by=by,
            lender_id=lender_id,
            debtor_id=plan.debtor_id,
            debt_id=plan.debt_id,
            facts={"plan": plan.reference, "before": before.value, "after": plan.state, "import": run_id},
        )
        ask_for_letter(lender_id=lender_id, plan_id=plan.id, state=plan.state)
        _tell(lender_id, plan.id, TAKEN_BACK, once=f"tell:{TAKEN_BACK}:{plan.id}")
    session.flush()
    return ended


def _tell(lender_id: uuid.UUID, plan_id: uuid.UUID, kind: str, *, once: str) -> None:
    queue.later(TELL, lender_id=lender_id, payload={"plan_id": str(plan_id), "kind": kind, "once": once}, once=once)


FOLLOW = Plans(changed=changed, recalled=recalled)
