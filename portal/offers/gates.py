"""RULES  What must be so before anything is negotiated, in its order; the first that isn't stands in the way.

Invariant: a stop (dispute, moratorium, insolvency ...) is a hold and never a plan, and it changes nothing in the answer
that is given once it is over. Order and flags: negotiation.md 1.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

FRESH_FOR: Final = timedelta(hours=24)


class Flag(Enum):
    """What stops everything on a debt, in the order in which it is looked at."""

    DECEASED = "deceased"
    INSOLVENCY = "insolvency"
    FRAUD_VICTIM = "fraud_victim"
    DISPUTE = "dispute"
    MORATORIUM = "moratorium"  # Also a statutory breathing space.
    REPRESENTED = "represented"  # By a lawyer or an adviser, with whom we speak instead.


class Gate(Enum):
    """What stands in the way; the value is the reason code."""

    IDENTITY = "identity_not_verified"
    DECEASED = "deceased"
    INSOLVENCY = "insolvency"
    FRAUD_VICTIM = "fraud_victim"
    DISPUTE = "dispute"
    MORATORIUM = "moratorium"
    REPRESENTED = "represented"
    TIME_BARRED = "time_barred_not_disclosed"
    PREFERS_PERSON = "prefers_person"
    NO_LIMITS = "no_limits"
    BALANCE_NOT_FRESH = "balance_not_fresh"
    PLAN_ALIVE = "plan_alive"

    @property
    def then(self) -> Then:
        """What is done instead."""
        return _THEN[self]


class Then(Enum):
    """What is done where a gate is shut."""

    VERIFY = "verify"
    HOLD = "hold"
    DISCLOSE = "disclose"
    PERSON = "person"
    REFRESH = "refresh"
    AMEND = "amend"


_FLAGS: Final = {
    Flag.DECEASED: Gate.DECEASED,
    Flag.INSOLVENCY: Gate.INSOLVENCY,
    Flag.FRAUD_VICTIM: Gate.FRAUD_VICTIM,
    Flag.DISPUTE: Gate.DISPUTE,
    Flag.MORATORIUM: Gate.MORATORIUM,
    Flag.REPRESENTED: Gate.REPRESENTED,
}
_THEN: Final = {
    Gate.IDENTITY: Then.VERIFY,
    **dict.fromkeys(_FLAGS.values(), Then.HOLD),
    Gate.TIME_BARRED: Then.DISCLOSE,
    Gate.PREFERS_PERSON: Then.PERSON,
    Gate.NO_LIMITS: Then.PERSON,
    Gate.BALANCE_NOT_FRESH: Then.REFRESH,
    Gate.PLAN_ALIVE: Then.AMEND,
}


@dataclass(frozen=True, slots=True)
class Situation:
    """How things stand with a debt before it is talked about.

    `time_barred` is None where nobody knows; a debt that may be time-barred and wasn't said to be is not negotiated
    where the jurisdiction wants that said. `prefers_person` is what somebody asked for, and never a guess about them.
    """

    identity_verified: bool
    balance_as_of: datetime
    flags: frozenset[Flag] = frozenset()
    time_barred: bool | None = False
    time_bar_disclosed: bool = False
    prefers_person: bool = False
    has_limits: bool = True
    plan_alive: bool = False


def gates(situation: Situation, *, now: datetime) -> Gate | None:
    """Return the first gate that is shut, or None where all are open."""
    if not situation.identity_verified:
        return Gate.IDENTITY
    for flag, gate in _FLAGS.items():
        if flag in situation.flags:
            return gate
    if situation.time_barred is not False and not situation.time_bar_disclosed:
        return Gate.TIME_BARRED
    if situation.prefers_person:
        return Gate.PREFERS_PERSON
    if not situation.has_limits:
        return Gate.NO_LIMITS
    if now - situation.balance_as_of > FRESH_FOR:
        return Gate.BALANCE_NOT_FRESH
    return Gate.PLAN_ALIVE if situation.plan_alive else None
