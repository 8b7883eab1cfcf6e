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
    NO_DISPUTE = "nothing is disputed, or no longer"
    NO_HOLD = "nothing is stopped, or no longer"
    NO_END = "what is stopped has no last day"
    NOT_CHANGED = "no date was moved, or it was taken back"
    NOT_WRONG = "what was reported is right"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rules look at, as plain values; whoever asks names what matters to the kind.

    Amounts are in minor units. `today` is a day of the debtor's calendar. `bank_until` is the last day on which a bank
    can take back by itself something that was paid. `let_off` is all that the lender gave up for good, by a waiver or
    a write-off. `may_go_back`: a refund was asked for, or the payer's bank asks, and that isn't over. `offer_until` is
    the last day of an offer. `disputed`: somebody says that the debt is wrong, and has no answer yet, and will have one
    by `answer_by`.

    `held_until` is the last day of what stops because of a request, whose `held_by_law` says whether a law or the
    lender gives it. `moved`: dates of a plan were moved, and that stands. `wrong`: something that was reported to a
    credit bureau is not as it should be.
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
    answer_by: date | None = None
    held: bool = False
    held_until: date | None = None
    held_by_law: bool = False
    moved: bool = False
    wrong: bool = False


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


def _acknowledgement(facts: Facts) -> NotYet | None:
    return None if facts.disputed else NotYet(Why.NO_DISPUTE)


def _held(facts: Facts, *, by_law: bool) -> NotYet | None:
    if not facts.held or facts.held_by_law is not by_law:
        return NotYet(Why.NO_HOLD)
    if facts.held_until is None:
        return NotYet(Why.NO_END)
    return NotYet(Why.NO_HOLD) if facts.held_until < facts.today else None


def _breathing_space(facts: Facts) -> NotYet | None:
    return _held(facts, by_law=True)


def _granted_pause(facts: Facts) -> NotYet | None:
    return _held(facts, by_law=False)


def _deferral(facts: Facts) -> NotYet | None:
    return None if facts.moved else NotYet(Why.NOT_CHANGED)


def _goodwill(facts: Facts) -> NotYet | None:
    if facts.disputed:
        # Its facts are what is looked into.
        return NotYet(Why.DISPUTED, facts.answer_by)
    return None if facts.paid > 0 else NotYet(Why.NOTHING_PAID)


def _correction(facts: Facts) -> NotYet | None:
    return None if facts.wrong else NotYet(Why.NOT_WRONG)


RULES: Final[Mapping[Kind, Callable[[Facts], NotYet | None]]] = MappingProxyType(
    {
        Kind.PAYMENT_RECEIPT: _receipt,
        Kind.STATEMENT: _always,
        Kind.PLAN_AGREEMENT: _agreement,
        Kind.SETTLEMENT_OFFER: _offer,
        Kind.SETTLEMENT_SATISFIED: _satisfied,
        Kind.PAID_IN_FULL: _paid_in_full,
        Kind.PLAN_ENDED: _ended,
        Kind.DISPUTE_ACKNOWLEDGEMENT: _acknowledgement,
        Kind.BREATHING_SPACE: _breathing_space,
        Kind.GRANTED_PAUSE: _granted_pause,
        Kind.DEFERRAL: _deferral,
        Kind.GOODWILL: _goodwill,
        Kind.CREDIT_STATUS: _always,
        Kind.CREDIT_CORRECTION: _correction,
    }
)
