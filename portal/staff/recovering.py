"""A way back in for somebody who lost the password or the second factor: two colleagues say that it is really them.

Neither of the two may be the one who lost it, and neither sees the link: it goes to the address of the account.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from portal import clock
from portal.db import insert_unless_there, new_id, session
from portal.evidence.record import Act, Actor, record
from portal.people import guessing, tries
from portal.people.sign_in import hashed
from portal.staff import members, tell
from portal.staff.models import StaffMember, StaffRecovery
from portal.staff.roles import Permission, permissions_of

LIFE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class NotYours:
    """One can't vouch for oneself, nor twice, nor without being somebody who may."""


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such request any more."""


@dataclass(frozen=True, slots=True)
class OneMore:
    """A second colleague is needed."""


@dataclass(frozen=True, slots=True)
class LinkSent:
    """The second colleague has vouched, and the link is on its way."""


def ask(*, lender_id: uuid.UUID, email: str, address: str, key: str) -> None:
    """Note that somebody can't sign in any more.

    For an address of nobody nothing happens, and nothing is said of it; neither when too many ask from one network.
    """
    near, _far = guessing.networks(address)
    subject = hashed("staff lost", near, key=key)
    asked, _last = tries.count(lender_id, subject, memory=guessing.ADDRESS_MEMORY)
    tries.note(lender_id, subject)
    member = members.find(lender_id=lender_id, email=email)
    if member is None or member.state != "active" or asked >= guessing.QUESTIONS:
        return
    now = clock.now()
    session.execute(
        update(StaffRecovery)
        .where(
            StaffRecovery.lender_id == lender_id,
            StaffRecovery.member_id == member.id,
            StaffRecovery.state == "open",
            StaffRecovery.expires_at <= now,
        )
        .values(state="expired")
    )
    row = {
        "lender_id": lender_id,
        "id": new_id(),
        "member_id": member.id,
        "state": "open",
        "asked_at": now,
        "expires_at": now + LIFE,
    }
    made = session.scalars(
        insert_unless_there(StaffRecovery).values(row).on_conflict_do_nothing().returning(StaffRecovery.id)
    ).one_or_none()
    if made is None:
        return
    record(
        Act.STAFF_RECOVERY_ASKED,
        by=Actor("visitor", "lost"),
        lender_id=lender_id,
        facts={"member": member.id, "recovery": made},
    )
    tell.recovery_asked(member)


def waiting(*, lender_id: uuid.UUID) -> Sequence[tuple[StaffRecovery, StaffMember]]:
    """Give who waits for colleagues, the one who waits longest first."""
    rows = session.execute(
        select(StaffRecovery, StaffMember)
        .join(
            StaffMember,
            (StaffMember.lender_id == StaffRecovery.lender_id) & (StaffMember.id == StaffRecovery.member_id),
        )
        .where(
            StaffRecovery.lender_id == lender_id,
            StaffRecovery.state == "open",
            StaffRecovery.expires_at > clock.now(),
            StaffMember.state == "active",
        )
        .order_by(StaffRecovery.id)
    )
    return [(recovery, member) for recovery, member in rows]


def _open(lender_id: uuid.UUID, recovery_id: uuid.UUID) -> StaffRecovery | None:
    found = session.execute(
        select(StaffRecovery)
        .where(StaffRecovery.lender_id == lender_id, StaffRecovery.id == recovery_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    return found if found is not None and found.state == "open" and found.expires_at > clock.now() else None


def vouch(
    *, lender_id: uuid.UUID, recovery_id: uuid.UUID, by: uuid.UUID, words: str, key: str
) -> OneMore | LinkSent | NotYours | Gone:
    """Say that it is really the colleague, and how one knows; with the second voice the link goes out."""
    found = _open(lender_id, recovery_id)
    if found is None:
        return Gone()
    if by in (found.member_id, found.first_id):
        return NotYours()
    colleague = members.one(lender_id=lender_id, member_id=by)
    if colleague is None or colleague.state != "active" or Permission.VOUCH not in permissions_of(colleague.roles):
        return NotYours()
    member = members.locked(lender_id=lender_id, member_id=found.member_id)
    if member.state != "active":
        return Gone()
    now = clock.now()
    first = found.first_id is None
    if first:
        found.first_id, found.first_words, found.first_at = by, words, now
    else:
        found.second_id, found.second_words, found.second_at, found.state = by, words, now, "vouched"
        tell.way_back(member, token=members.make_link(member, purpose="recover", key=key))
    record(
        Act.STAFF_VOUCHED,
        by=Actor("staff", str(by)),
        lender_id=lender_id,
        facts={"member": member.id, "recovery": found.id, "words": words, "second": not first},
    )
    return OneMore() if first else LinkSent()


def refuse(*, lender_id: uuid.UUID, recovery_id: uuid.UUID, by: uuid.UUID) -> bool:
    """Say that it is not the colleague, or needed no more; False if there is nothing to refuse."""
    found = _open(lender_id, recovery_id)
    if found is None:
        return False
    found.state, found.refused_id = "refused", by
    record(
        Act.STAFF_RECOVERY_REFUSED,
        by=Actor("staff", str(by)),
        lender_id=lender_id,
        facts={"member": found.member_id, "recovery": found.id},
    )
    return True
