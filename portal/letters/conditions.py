"""RULES  When each kind of letter may be issued; and if not, why, and from which day on it may.

Every kind has one entry in `RULES`. A new kind is one small function from `Facts`, one line there, and the fields of
`Facts` that nobody needed before. The words for a reason are the page's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from portal.letters.kinds import Kind


class Why(StrEnum):
    """What stands in the way of a letter."""

    NOT_ARRIVED = "the payment has not arrived"
    NOT_AGREED = "there is no agreement"
    STILL_OWED = "something is still owed"
    ON_ITS_WAY = "a payment is on its way"
    BANK_CAN_TAKE_BACK = "a bank can take a payment back by itself"
    MAY_GO_BACK = "it is not decided whether a payment goes back"
    NOTHING_PAID = "nothing was paid"
    LET_OFF = "something was let off, so it was not all paid"
    NOTHING_LET_OFF = "nothing was let off"
    NO_OFFER = "no settlement is offered"
    OFFER_OVER = "the offer is over"
    DISPUTED = "it is not settled whether the debt is right"
    NOT_ENDED = "the plan goes on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rules look at, as plain values; whoever asks names what matters to the kind.

    Amounts are in minor units. `today` is a day of the debtor's calendar. `bank_until` is the last day on which a bank
    can take back by itself something that was paid. `let_off` is all that the lender gave up for good, by a waiver or
    a write-off. `may_go_back`: a refund was asked for, or the payer's bank asks, and that isn't over. `offer_until` is
    the last day of an offer. `disputed`: somebody says that the debt is wrong, and has no answer yet.
    """

    today: date
    arrived: bool = False
    agreed: bool = False
    owed: int = 0
    paid: int = 0
    let_off: int = 0
    on_its_way: bool = False
    may_go_back: bool = False
    bank_until: date | None = None
    disputed: bool = False
    offer_until: date | None = None
    ended: bool = False


@dataclass(frozen=True, slots=True)
class NotYet:
    """A letter may not be issued: why, and the first day on which it may, or may be asked for again; None: unknown."""

    why: Why
    since: date | None = None


def asked(kind: Kind, facts: Facts) -> NotYet | None:
    """Say why a letter may not be issued; None: it may.

    10 May and a bank that can take a payment back until 12 June: not before 13 June.
    """
    return RULES[kind](facts)


def _receipt(facts: Facts) -> NotYet | None:
    return None if facts.arrived else NotYet(Why.NOT_ARRIVED)


def _agreement(facts: Facts) -> NotYet | None:
    return None if facts.agreed else NotYet(Why.NOT_AGREED)


def _always(_facts: Facts) -> NotYet | None:
    return None


def _offer(facts: Facts) -> NotYet | None:
    if facts.offer_until is None:
        return NotYet(Why.NO_OFFER)
    if facts.disputed:
        return NotYet(Why.DISPUTED)
    return NotYet(Why.OFFER_OVER) if facts.offer_until < facts.today else None


def _over_for_good(facts: Facts) -> NotYet | None:
    if facts.owed > 0:
        return NotYet(Why.STILL_OWED)
    if facts.paid <= 0:
        return NotYet(Why.NOTHING_PAID)
    if facts.on_its_way:
        # It may pay more than is owed, or never come: nobody knows when.
        return NotYet(Why.ON_ITS_WAY, facts.today + timedelta(days=1))
    if facts.may_go_back:
        return NotYet(Why.MAY_GO_BACK, facts.today + timedelta(days=1))
    if facts.bank_until is not None and facts.today <= facts.bank_until:
        return NotYet(Why.BANK_CAN_TAKE_BACK, facts.bank_until + timedelta(days=1))
    return None


def _satisfied(facts: Facts) -> NotYet | None:
    return _over_for_good(facts) or (None if facts.let_off > 0 else NotYet(Why.NOTHING_LET_OFF))


def _paid_in_full(facts: Facts) -> NotYet | None:
    if facts.let_off:
        return NotYet(Why.LET_OFF)
    return _over_for_good(facts)


def _ended(facts: Facts) -> NotYet | None:
    return None if facts.ended else NotYet(Why.NOT_ENDED)


RULES: Final[Mapping[Kind, Callable[[Facts], NotYet | None]]] = MappingProxyType(
    {
        Kind.PAYMENT_RECEIPT: _receipt,
        Kind.STATEMENT: _always,
        Kind.PLAN_AGREEMENT: _agreement,
        Kind.SETTLEMENT_OFFER: _offer,
        Kind.SETTLEMENT_SATISFIED: _satisfied,
        Kind.PAID_IN_FULL: _paid_in_full,
        Kind.PLAN_ENDED: _ended,
    }
)
