"""What a colleague decides about a plan that waits for a person: more time, its end, or that it was looked at.

Invariant: whoever decides may do so by the roles of that very moment, and what was decided before is not decided again.
"""

from __future__ import annotations

from portal.care.holds import holding
from portal.plans import for_a_person
from portal.plans.for_a_person import Closed, Ended, MoreTime, NoSuchPlan, NothingWaits
from portal.staff import members
from portal.staff.gates import Colleague, NotAllowed
from portal.staff.roles import Permission, permissions_of


def _still_may(who: Colleague) -> None:
    """Look under the lock whether a colleague still answers what waits for a person.

    :raises NotAllowed: if not.
    """
    member = members.locked(lender_id=who.lender_id, member_id=who.member_id)
    if member.state != "active" or Permission.ANSWER_REQUESTS not in permissions_of(member.roles):
        raise NotAllowed(who.member_id)


def more_time(who: Colleague, *, reference: str, days: int, words: str) -> MoreTime | NothingWaits | NoSuchPlan:
    """Give so many days from today on to make up for what is missing; the person is told. Part of one transaction.

    :raises NotAllowed: if the colleague may not any more.
    """
    _still_may(who)
    return for_a_person.more_time(
        lender_id=who.lender_id, reference=reference, days=days, words=words, by=who.actor, holding=holding
    )


def end(who: Colleague, *, reference: str, words: str) -> Ended | NothingWaits | NoSuchPlan:
    """End a broken plan whose days to make up for it are over; the person is told. Part of one transaction.

    :raises NotAllowed: if the colleague may not any more.
    """
    _still_may(who)
    return for_a_person.end_broken(
        lender_id=who.lender_id, reference=reference, words=words, by=who.actor, holding=holding
    )


def looked_at(who: Colleague, *, reference: str, words: str) -> Closed | NothingWaits | NoSuchPlan:
    """Note that a plan was looked at whose day of review has come. Part of one transaction.

    :raises NotAllowed: if the colleague may not any more.
    """
    _still_may(who)
    return for_a_person.looked_at(lender_id=who.lender_id, reference=reference, words=words, by=who.actor)
