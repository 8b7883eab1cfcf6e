"""A plan that is over before all of it was paid leaves a letter: why, what was paid, what is owed."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final

from portal import queue
from portal.plans.states import State

# One that is replaced has the agreement of its successor; one that is done has the letter of its debt.
ENDED: Final = frozenset({State.CANCELLED, State.EXPIRED, State.VOIDED, State.ENDED_BROKEN})


def ask_for_letter(*, lender_id: uuid.UUID, plan_id: uuid.UUID, state: str, at: datetime | None = None) -> None:
    """Put off the letter of a plan that has come to a state, if it ended it. Part of the act that moves it.

    `at` is when it can be written at the earliest.
    """
    if State(state) in ENDED:
        queue.later(
            "letters.issue",
            lender_id=lender_id,
            payload={"kind": "plan-ended", "plan_id": str(plan_id)},
            while_waiting=f"plan-ended:{plan_id}",
            at=at,
        )
