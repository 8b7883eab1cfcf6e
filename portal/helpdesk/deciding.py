"""Saying yes to an offer as a colleague: alone up to one's own cap, and above it with a colleague who is asked.

Invariant: nobody grants alone what is above the own cap, by the roles that hold at the moment of the yes; a reason
stands with whatever is granted beyond the usual, and the debtor never reads it.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import String, and_, literal_column, or_, select
from sqlalchemy.orm import aliased

from portal import clock
from portal.care.models import CareRequest
from portal.care.states import WAITING
from portal.db import new_id, session
from portal.evidence.record import Act, record
from portal.helpdesk.models import OfferDecision
from portal.plans import granting
from portal.plans.caps import Reach
from portal.staff import members
from portal.staff.gates import Colleague, NotAllowed
from portal.staff.models import StaffMember
from portal.staff.roles import Permission, permissions_of

# For so long somebody is told what a colleague decided about what was asked; a no for as long as the offer waits.
TOLD_FOR = timedelta(days=3)
OPEN, GRANTED, REFUSED, TAKEN_BACK = "open", "granted", "refused", "taken_back"
# So many are read together for a file of all of them.
_AT_ONCE = 500
_WAITING = [state.value for state in WAITING]


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision with the names of who asked and who decided; of an open one nobody has."""

    id: uuid.UUID
    number: str
    person: uuid.UUID
    plan: str
    reason: str
    words: str
    state: str
    asked_by: uuid.UUID
    asker: str
    asked_at: datetime
    decider: str | None
    decided_at: datetime | None
    decided_words: str | None


def reach_of(may: Collection[Permission]) -> Reach:
    """Give how far somebody with these permissions goes alone."""
    return Reach.SENIOR if Permission.GRANT_FURTHER in may else Reach.AGENT


def _reach_now(who: Colleague) -> Reach:
    """Give how far a colleague goes by the roles of this moment, which can't change before the act is done.

    :raises NotAllowed: if that is nowhere.
    """
    member = members.locked(lender_id=who.lender_id, member_id=who.member_id)
    may = permissions_of(member.roles)
    if member.state != "active" or Permission.ANSWER_REQUESTS not in may:
        raise NotAllowed(who.member_id)
    return reach_of(may)


def say_yes(who: Colleague, *, number: str, name: str, words: str, seen: str, reason: str) -> str:
    """Say yes to a plan; what a colleague asked about it has its answer with it. Gives the number of the quote.

    A colleague's reason stands for whoever says yes without one. The errors are those of `granting.grant`.

    :raises NotAllowed: if the colleague may not answer requests any more.
    """
    reach = _reach_now(who)
    asked = _open(who, number, locked=True)
    if asked is not None and asked.plan != name:
        # It is about another plan, so nobody has answered it.
        asked = None
    reason = reason or ("" if asked is None else asked.reason)
    made = granting.grant(
        lender_id=who.lender_id,
        number=number,
        name=name,
        words=words,
        by=who.actor,
        seen=seen,
        reach=reach,
        reason=reason,
    )
    if asked is None and not reason:
        return made
    asker = None
    if asked is None:
        request = _request(who, number)
        asked = _kept(who, request, name=name, words=words, reason=reason, state=GRANTED, quote=made)
    else:
        asker = (
            members.one(lender_id=who.lender_id, member_id=asked.asked_by) if asked.asked_by != who.member_id else None
        )
        asked.state, asked.quote, asked.words = GRANTED, made, words
        asked.decided_by, asked.decided_at = who.member_id, clock.now()
    _recorded(
        Act.OFFER_GRANTED,
        who,
        number=number,
        debtor_id=asked.debtor_id,
        facts={"quote": made, "plan": name, "reason": reason, "asked_by": None if asker is None else asker.name},
    )
    return made


def ask_colleague(who: Colleague, *, number: str, name: str, words: str, reason: str) -> bool:
    """Ask whoever has a larger cap to say yes to a plan; False if something is asked already, by whomever.

    :raises NotAllowed: if the colleague may not answer requests any more.
    :raises portal.plans.granting.NoSuchOffer: if no offer with this number waits.
    :raises portal.plans.granting.NotGranted: if what is named may not be granted by anybody.
    """
    _reach_now(who)
    found = granting.offered(lender_id=who.lender_id, number=number)
    if name not in found.every:
        raise granting.NotGranted(name, tuple(found.every))
    request = _request(who, number)
    if request.state not in _WAITING:
        raise granting.NoSuchOffer(number)
    if _open(who, number) is not None:
        return False
    _kept(who, request, name=name, words=words, reason=reason, state=OPEN, quote=None)
    _recorded(
        Act.COLLEAGUE_ASKED,
        who,
        number=number,
        debtor_id=found.debt.debtor_id,
        facts={"plan": name, "reason": reason},
    )
    return True


def decline(who: Colleague, *, number: str, words: str) -> bool:
    """Say no to what a colleague asked, with words for the colleague; False if nothing is asked any more.

    :raises NotAllowed: if whoever says it can't say yes, or asked it.
    """
    if _reach_now(who) is not Reach.SENIOR:
        raise NotAllowed(who.member_id)
    return _closed(who, number, state=REFUSED, words=words)


def take_back(who: Colleague, *, number: str) -> bool:
    """Take back what one asked oneself; False if it has its answer, or is somebody else's."""
    asked = _open(who, number)
    return asked is not None and asked.asked_by == who.member_id and _closed(who, number, state=TAKEN_BACK, words=None)


def _closed(who: Colleague, number: str, *, state: str, words: str | None) -> bool:
    asked = _open(who, number, locked=True)
    if asked is None:
        return False
    if (asked.asked_by == who.member_id) != (state == TAKEN_BACK):
        raise NotAllowed(who.member_id)
    asked.state, asked.decided_words = state, words
    asked.decided_by, asked.decided_at = who.member_id, clock.now()
    _recorded(Act.COLLEAGUE_ANSWERED, who, number=number, debtor_id=asked.debtor_id, facts={"answer": state})
    return True


def _request(who: Colleague, number: str) -> CareRequest:
    """Give the request of an offer, locked: one decision on it at a time."""
    return session.scalars(
        select(CareRequest)
        .where(CareRequest.lender_id == who.lender_id, CareRequest.number == number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _open(who: Colleague, number: str, *, locked: bool = False) -> OfferDecision | None:
    """Give what is asked of a colleague about an offer that still waits."""
    query = (
        select(OfferDecision)
        .join(
            CareRequest,
            (CareRequest.lender_id == OfferDecision.lender_id) & (CareRequest.id == OfferDecision.request_id),
        )
        .where(OfferDecision.lender_id == who.lender_id, CareRequest.number == number, OfferDecision.state == OPEN)
    )
    if locked:
        query = query.with_for_update(of=OfferDecision).execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def _kept(
    who: Colleague, request: CareRequest, *, name: str, words: str, reason: str, state: str, quote: str | None
) -> OfferDecision:
    decided = state != OPEN
    kept = OfferDecision(
        lender_id=who.lender_id,
        id=new_id(),
        request_id=request.id,
        debtor_id=request.debtor_id,
        plan=name,
        reason=reason,
        words=words,
        state=state,
        asked_by=who.member_id,
        asked_at=clock.now(),
        decided_by=who.member_id if decided else None,
        decided_at=clock.now() if decided else None,
        quote=quote,
    )
    session.add(kept)
    session.flush()
    return kept


def _recorded(act: Act, who: Colleague, *, number: str, debtor_id: uuid.UUID, facts: dict[str, object]) -> None:
    """Write a record with who it was; of a reason it has the hash alone."""
    reason = facts.pop("reason", None)
    if reason:
        facts["reason_sha256"] = hashlib.sha256(str(reason).encode()).hexdigest()
    record(
        act,
        by=who.actor,
        lender_id=who.lender_id,
        debtor_id=debtor_id,
        facts={"name": who.name, "request": number, **facts},
    )


def decided_for(who: Colleague) -> Sequence[Decision]:
    """Give what colleagues decided of late about what this one asked them, newest first."""
    return decisions(lender_id=who.lender_id, asked_by=who.member_id)


def decisions(
    *,
    lender_id: uuid.UUID,
    number: str | None = None,
    only_open: bool = False,
    asked_by: uuid.UUID | None = None,
    before: uuid.UUID | None = None,
    at_once: int | None = None,
) -> Sequence[Decision]:
    """Give decisions, newest first: of one request, or of all; those that are open as long as their offer waits.

    With `asked_by`, what others decided of late about what that colleague asked. Of all of them so many `at_once`,
    `before` the last of those that were read.
    """
    asker, decider = aliased(StaffMember), aliased(StaffMember)
    query = (
        select(OfferDecision, CareRequest.number, asker.name, decider.name)
        .join(
            CareRequest,
            (CareRequest.lender_id == OfferDecision.lender_id) & (CareRequest.id == OfferDecision.request_id),
        )
        .join(asker, (asker.lender_id == OfferDecision.lender_id) & (asker.id == OfferDecision.asked_by))
        .outerjoin(decider, (decider.lender_id == OfferDecision.lender_id) & (decider.id == OfferDecision.decided_by))
        .where(
            OfferDecision.lender_id == lender_id,
            or_(OfferDecision.state != OPEN, CareRequest.state.in_(_WAITING)),
        )
    )
    if at_once is None:
        query = query.order_by(OfferDecision.asked_at.desc(), OfferDecision.id.desc())
    else:
        # Ids sort by the time at which they were made.
        query = query.order_by(OfferDecision.id.desc()).limit(at_once)
    if before is not None:
        query = query.where(OfferDecision.id < before)
    if number is not None:
        query = query.where(CareRequest.number == number)
    if only_open:
        # Written out: by a value that comes later SQLite may not take the index of those that are open.
        query = query.where(OfferDecision.state == literal_column(f"'{OPEN}'", String))
    if asked_by is not None:
        waits = CareRequest.state.in_(_WAITING)
        query = query.where(
            OfferDecision.asked_by == asked_by,
            OfferDecision.decided_by != asked_by,
            or_(
                and_(OfferDecision.state == REFUSED, waits),
                and_(OfferDecision.state == GRANTED, OfferDecision.decided_at > clock.now() - TOLD_FOR),
            ),
        )
    return [
        Decision(
            id=row.id,
            number=number_,
            person=row.debtor_id,
            plan=row.plan,
            reason=row.reason,
            words=row.words,
            state=row.state,
            asked_by=row.asked_by,
            asker=asker_name,
            asked_at=row.asked_at,
            decider=decider_name,
            decided_at=row.decided_at,
            decided_words=row.decided_words,
        )
        for row, number_, asker_name, decider_name in session.execute(query)
    ]


def all_decisions(lender_id: uuid.UUID) -> Iterator[Decision]:
    """Give every decision of a lender, newest first, read a page at a time."""
    before = None
    while page := decisions(lender_id=lender_id, before=before, at_once=_AT_ONCE):
        yield from page
        before = page[-1].id


def who_may_go_further(who: Colleague) -> list[str]:
    """Give the names of the colleagues, other than oneself, who may say yes above the caps of agents."""
    needed = {Permission.ANSWER_REQUESTS, Permission.GRANT_FURTHER}
    return [
        member.name
        for member in members.of(lender_id=who.lender_id)
        if member.id != who.member_id and member.state == "active" and needed <= permissions_of(member.roles)
    ]
