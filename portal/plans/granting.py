"""What a person of the lender may say yes to when an offer came to them, and saying it.

Invariant: what is granted lies inside the card; it becomes a quote, which the debtor agrees to like any other.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from portal import clock
from portal.care import requests
from portal.care.models import CareRequest
from portal.care.states import WAITING, Moved
from portal.care.states import Kind as RequestKind
from portal.db import session
from portal.debts.statement import Standing, by_id
from portal.evidence.record import Actor, canonical
from portal.offers.asked import Asked
from portal.plans import pinned
from portal.plans.models import Proposal, Quote
from portal.plans.proposing import Table, asked_in, table_for
from portal.plans.quoting import holds, quote
from portal.schedules.arrangements import Arrangement

GRANTED = "granted"
# What was asked for, or the nearest to it that the card allows.
NEAREST = "nearest"
# An answer is found by message, so nothing of what is granted is due before it can have been read.
TIME_TO_AGREE = timedelta(days=7)


class NoSuchOffer(Exception):
    """No offer with this number waits for a person."""


class NotGranted(Exception):
    """The card lets nobody say yes to this now; `may` are the names of what somebody may."""

    def __init__(self, name: str, may: tuple[str, ...]) -> None:
        super().__init__(name, may)
        self.name = name
        self.may = may


class NotAsSeen(Exception):
    """What is named is there, but it is another plan than whoever says yes has read: the debt or the day changed."""


@dataclass(frozen=True, slots=True)
class Offered:
    """An offer that waits for a person, with what that person may say yes to, the nearest to what was asked first."""

    number: str
    zone: str
    debt: Standing
    proposal: Proposal
    asked: Asked
    may: Mapping[str, Arrangement]


def offered(*, lender_id: uuid.UUID, number: str) -> Offered:
    """Give an offer by the number of its request, answered anew as of today.

    :raises NoSuchOffer: if none with this number waits.
    :raises portal.plans.allowed.NoLimits: if the lender has none for this debt.
    """
    request = session.scalars(
        select(CareRequest).where(
            CareRequest.lender_id == lender_id,
            CareRequest.number == number,
            CareRequest.kind == RequestKind.OFFER.value,
            CareRequest.state.in_([state.value for state in WAITING]),
        )
    ).one_or_none()
    if request is None or request.debt_id is None:
        raise NoSuchOffer(number)
    debt = by_id(lender_id=lender_id, debt_id=request.debt_id)
    if not debt.open or not debt.owed:
        raise NoSuchOffer(number)
    proposal = session.get_one(Proposal, (lender_id, uuid.UUID(request.form_key.rpartition(":")[2])))
    today = clock.today(request.zone)
    table = table_for(debt, proposal=proposal, today=today, pays_from=today + TIME_TO_AGREE)
    return Offered(number, request.zone, debt, proposal, asked_in(proposal, today=today), grantable(table))


def grantable(table: Table) -> dict[str, Arrangement]:
    """Give what the card lets a person say yes to, by name: what was asked or the nearest to it, then what else."""
    if table.gate is not None:
        return {}
    given = table.answer
    found = {NEAREST: given.for_person or given.arrangement}
    found |= {offer.kind.value: offer.arrangement for offer in given.alternatives}
    return {name: each for name, each in found.items() if each is not None and each.schedule is not None}


def mark_of(arrangement: Arrangement) -> str:
    """Give what tells one arrangement from any other: a hash of all its payments and all that comes with them."""
    items = () if arrangement.schedule is None else pinned.items_as_json(arrangement.schedule)
    facts = {"arranged": pinned.as_json(arrangement, pause_months=0), "items": items}
    return hashlib.sha256(canonical(facts).encode()).hexdigest()


def grant(*, lender_id: uuid.UUID, number: str, name: str, words: str, by: Actor, seen: str | None = None) -> str:
    """Say yes to an offer: a quote that only has to be agreed to, and the answer to its request, in one act.

    Gives the quote's number. `seen` is the mark of the arrangement that whoever says yes has read, if there was one.

    :raises NoSuchOffer: if none with this number waits, as when it was answered a moment ago.
    :raises NotGranted: if the card doesn't allow what is named.
    :raises NotAsSeen: if it is not what was seen.
    :raises portal.plans.allowed.NoLimits: if the lender has none for this debt.
    """
    found = offered(lender_id=lender_id, number=number)
    if name not in found.may:
        raise NotGranted(name, tuple(found.may))
    if seen is not None and seen != mark_of(found.may[name]):
        raise NotAsSeen(name)
    made = quote(
        found.debt,
        proposal=found.proposal,
        key=GRANTED,
        arrangement=found.may[name],
        by=by,
        today=clock.today(found.zone),
        zone=found.zone,
    )
    found.proposal.state = "open"
    if not isinstance(requests.answer(lender_id=lender_id, number=number, words=words, by=by), Moved):
        # Somebody else answered meanwhile: with the act, the quote is undone.
        raise NoSuchOffer(number)
    return made


def granted(debt: Standing) -> Quote | None:
    """Give what a person said yes to on a debt last, as long as it can be agreed to."""
    made = session.scalars(
        select(Quote)
        .where(
            Quote.lender_id == debt.lender_id, Quote.debt_id == debt.id, Quote.kind == GRANTED, Quote.state == "open"
        )
        .order_by(Quote.id.desc())
    )
    return next((one for one in made if holds(one, parts=debt.parts)), None)
