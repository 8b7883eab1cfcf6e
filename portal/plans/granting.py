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
from portal.limits.cards import Limits
from portal.offers.asked import Asked
from portal.plans import caps, pinned
from portal.plans.allowed import limits_in_force
from portal.plans.caps import Reach
from portal.plans.models import Proposal, Quote
from portal.plans.proposing import Table, asked_in, looks, table_for
from portal.plans.quoting import READ_OUT, holds, paused_months, quote
from portal.schedules.arrangements import Arrangement

GRANTED = "granted"
# What was asked for, or the nearest to it that the card allows.
NEAREST = "nearest"
# The same beyond the card's terms: up to what its agents may grant alone, and up to what any person may.
BEYOND = {Reach.AGENT: "beyond", Reach.SENIOR: "further_beyond"}
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


class AboveCap(Exception):
    """It is more than whoever says yes may grant alone; a colleague with a larger cap may."""


class NoReason(Exception):
    """What lies beyond the card's terms is granted with a reason."""


class NotAsSeen(Exception):
    """What is named is there, but it is another plan than whoever says yes has read: the debt or the day changed."""


@dataclass(frozen=True, slots=True)
class Offered:
    """An offer that waits for a person, with what that person may say yes to, the nearest to what was asked first.

    `beyond` is what lies beyond the card's terms, up to the caps that it has for the lender's people.
    """

    number: str
    zone: str
    debt: Standing
    proposal: Proposal
    asked: Asked
    limits: Limits
    may: Mapping[str, Arrangement]
    beyond: Mapping[str, Arrangement]

    @property
    def every(self) -> dict[str, Arrangement]:
        """Give all that somebody may say yes to, by name."""
        return {**self.may, **self.beyond}

    def is_within(self, name: str, reach: Reach) -> bool:
        """Say whether somebody of a reach may grant what is named alone."""
        if reach is not Reach.AGENT:
            return reach is Reach.SENIOR or name in self.may
        season, arrangement = self.limits.season, self.every[name]
        pays_from = clock.today(self.zone) + TIME_TO_AGREE
        paused = paused_months(arrangement, self.proposal, today=pays_from, season=season)
        cap = caps.cap_of_agent(self.limits)
        return caps.is_within(cap, arrangement, owed=self.debt.owed, season=season, paused_months=paused)


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
    pays_from = today + TIME_TO_AGREE
    may = grantable(table_for(debt, proposal=proposal, today=today, pays_from=pays_from))
    limits = limits_in_force(debt, today=today).limits
    beyond: dict[str, Arrangement] = {}
    for reach, cap in caps.beyond(limits).items():
        wider = grantable(table_for(debt, proposal=proposal, today=today, pays_from=pays_from, widen=cap)).get(NEAREST)
        if wider is not None and looks(wider) not in {looks(each) for each in (*may.values(), *beyond.values())}:
            beyond[BEYOND[reach]] = wider
    return Offered(number, request.zone, debt, proposal, asked_in(proposal, today=today), limits, may, beyond)


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


def grant(
    *,
    lender_id: uuid.UUID,
    number: str,
    name: str,
    words: str,
    by: Actor,
    seen: str | None = None,
    reach: Reach = Reach.TERMS,
    reason: str = "",
) -> str:
    """Say yes to an offer: a quote that only has to be agreed to, and the answer to its request, in one act.

    Gives the quote's number. `seen` is the mark of the arrangement that whoever says yes has read, if there was one.

    :raises NoSuchOffer: if none with this number waits, as when it was answered a moment ago.
    :raises NotGranted: if the card doesn't allow what is named.
    :raises NotAsSeen: if it is not what was seen.
    :raises AboveCap: if it is more than somebody of this reach may grant alone.
    :raises NoReason: if it lies beyond the card's terms and no reason is given.
    :raises portal.plans.allowed.NoLimits: if the lender has none for this debt.
    """
    found = offered(lender_id=lender_id, number=number)
    every = found.may if reach is Reach.TERMS else found.every
    if name not in every:
        raise NotGranted(name, tuple(every))
    if seen is not None and seen != mark_of(every[name]):
        raise NotAsSeen(name)
    if not found.is_within(name, reach):
        raise AboveCap(name)
    if name in found.beyond and not reason:
        raise NoReason(name)
    made = quote(
        found.debt,
        proposal=found.proposal,
        key=GRANTED,
        arrangement=every[name],
        by=by,
        today=clock.today(found.zone),
        zone=found.zone,
        pays_from=clock.today(found.zone) + TIME_TO_AGREE,
    )
    found.proposal.state = "open"
    if not isinstance(requests.answer(lender_id=lender_id, number=number, words=words, by=by), Moved):
        # Somebody else answered meanwhile: with the act, the quote is undone.
        raise NoSuchOffer(number)
    return made


def waiting(debt: Standing) -> list[Quote]:
    """Give what a person said yes to on a debt, or went through with the debtor, as long as it can be agreed to.

    The newest comes first.
    """
    made = session.scalars(
        select(Quote)
        .where(Quote.lender_id == debt.lender_id, Quote.debt_id == debt.id, Quote.state == "open")
        .order_by(Quote.id.desc())
    )
    return [one for one in made if (one.kind == GRANTED or READ_OUT in one.terms) and holds(one, parts=debt.parts)]
