"""Passkeys of staff: both factors in one, since the device asks for a finger, a face or a screen lock."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select

from portal import clock
from portal.db import new_id, session
from portal.evidence.record import Act, Actor, record
from portal.people import passkey_check
from portal.people.passkey_check import Copied, NotTrue, Site
from portal.people.passkeys import MOST_KEYS, Refused, TooManyKeys, use_up
from portal.people.sign_in import Device
from portal.staff import entering, tell
from portal.staff.entering import AppGone, Entered, Locked, Wrong
from portal.staff.models import StaffMember, StaffPasskey

# Handles of debtors are two ids; with a sign before them nobody's is taken for the other's.
_STAFF = b"s"


def handle(member: StaffMember) -> bytes:
    """Give what a device keeps beside the key, to say whose it is."""
    return _STAFF + member.lender_id.bytes + member.id.bytes


def of(member: StaffMember) -> Sequence[StaffPasskey]:
    """Give a member's passkeys, oldest first."""
    return session.scalars(
        select(StaffPasskey)
        .where(
            StaffPasskey.lender_id == member.lender_id,
            StaffPasskey.member_id == member.id,
            StaffPasskey.removed_at.is_(None),
        )
        .order_by(StaffPasskey.id)
    ).all()


def add(
    member_id: uuid.UUID,
    *,
    lender_id: uuid.UUID,
    at: Site,
    answer: str,
    challenge: bytes | None,
    name: str,
    code: str,
    key: str,
) -> StaffPasskey | Refused | TooManyKeys | Wrong | Locked | AppGone:
    """Keep a key that a browser made, if a code of the app comes with it. Sending it twice is sending it once.

    An open browser that somebody left alone is not enough for a way in that stays.
    """
    member = session.execute(
        select(StaffMember)
        .where(StaffMember.lender_id == lender_id, StaffMember.id == member_id, StaffMember.state == "active")
        .with_for_update()
    ).scalar_one_or_none()
    if member is None or challenge is None:
        return Refused()
    try:
        made = passkey_check.made(at, answer=answer, challenge=challenge)
    except NotTrue:
        return Refused()
    before = session.scalars(
        select(StaffPasskey).where(
            StaffPasskey.lender_id == lender_id, StaffPasskey.credential_id == made.credential_id
        )
    ).one_or_none()
    if before is not None:
        return before if before.member_id == member.id and before.removed_at is None else Refused()
    if (refused := entering.check_code(member, code=code, key=key)) is not None:
        return refused
    if not use_up(lender_id, challenge, key=key):
        return Refused()
    if len(of(member)) >= MOST_KEYS:
        return TooManyKeys()
    kept = StaffPasskey(
        lender_id=lender_id,
        id=new_id(),
        member_id=member.id,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        name=name,
        created_at=clock.now(),
    )
    session.add(kept)
    record(
        Act.STAFF_PASSKEY_ADDED,
        by=Actor("staff", str(member.id)),
        lender_id=lender_id,
        facts={"member": member.id, "passkey": kept.id, "name": name},
    )
    tell.passkey_added(member, name=name)
    return kept


def enter(*, at: Site, answer: str, challenge: bytes | None, key: str, device: Device) -> Entered | Refused:
    """Sign in with a passkey."""
    if challenge is None:
        return Refused()
    try:
        credential_id, whose = passkey_check.named(answer)
        if whose[:1] != _STAFF:
            return Refused()
        lender_id, member_id = uuid.UUID(bytes=whose[1:17]), uuid.UUID(bytes=whose[17:33])
    except (NotTrue, ValueError):
        return Refused()
    # The member first, as whoever ends an account does it: or each would wait for the other.
    session.execute(
        select(StaffMember.id).where(StaffMember.lender_id == lender_id, StaffMember.id == member_id).with_for_update()
    )
    found = session.execute(
        select(StaffPasskey, StaffMember)
        .join(
            StaffMember, (StaffMember.lender_id == StaffPasskey.lender_id) & (StaffMember.id == StaffPasskey.member_id)
        )
        .where(
            StaffPasskey.lender_id == lender_id,
            StaffPasskey.credential_id == credential_id,
            StaffPasskey.member_id == member_id,
            StaffPasskey.removed_at.is_(None),
            StaffMember.state == "active",
        )
        .with_for_update()
    ).one_or_none()
    if found is None:
        return Refused()
    passkey, member = found
    try:
        count = passkey_check.used(
            at, answer=answer, challenge=challenge, public_key=passkey.public_key, sign_count=passkey.sign_count
        )
    except NotTrue as problem:
        record(
            Act.STAFF_SIGN_IN_REFUSED,
            by=Actor("visitor", "passkey"),
            lender_id=lender_id,
            facts={"member": member.id, "why": "passkey copied" if isinstance(problem, Copied) else "passkey"},
        )
        return Refused()
    if not use_up(lender_id, challenge, key=key):
        return Refused()
    passkey.sign_count, passkey.used_at = count, clock.now()
    return entering.open_session(member, came_by="passkey", device=device)


def remove(*, lender_id: uuid.UUID, member_id: uuid.UUID, passkey_id: uuid.UUID) -> bool:
    """Let a passkey sign in no more; False if the member never had it. Twice is once."""
    passkey = session.execute(
        select(StaffPasskey)
        .where(
            StaffPasskey.lender_id == lender_id,
            StaffPasskey.member_id == member_id,
            StaffPasskey.id == passkey_id,
        )
        .with_for_update()
    ).scalar_one_or_none()
    if passkey is None:
        return False
    if passkey.removed_at is None:
        passkey.removed_at = clock.now()
        record(
            Act.STAFF_PASSKEY_REMOVED,
            by=Actor("staff", str(member_id)),
            lender_id=lender_id,
            facts={"member": member_id, "passkey": passkey_id},
        )
    return True
