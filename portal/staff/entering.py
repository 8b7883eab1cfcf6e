"""How staff get in: e-mail and password, then a code of an app or a passkey; nobody gets in with one of them alone.

A known and an unknown address look the same, in words and in work. Wrong answers slow down who is tried, the network
that they come from, and everybody's new networks, by the rules of `people/guessing.py`. A browser in which somebody
came in before is slowed down by that member's own wrong answers alone.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from portal import clock, sealed
from portal.db import new_id, session
from portal.evidence.record import Act, Actor, record
from portal.lenders.models import Lender
from portal.people import guessing, tries
from portal.people.guessing import TRIES_FROM_ONE_ADDRESS, TRIES_FROM_ONE_NETWORK
from portal.people.sign_in import Device, hashed
from portal.staff import members, passwords, tell, totp
from portal.staff.models import StaffMember, StaffSession

IDLE = timedelta(minutes=30)
SESSION_LIFE = timedelta(hours=12)
# Between the password and the code.
STEP_LIFE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Locked:
    """Too many wrong answers; the door opens again at `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Wrong:
    """The answer does not fit."""


@dataclass(frozen=True, slots=True)
class AppGone:
    """The installation has another key than when the app was set up: no code can be checked any more."""


@dataclass(frozen=True, slots=True)
class PasswordGood:
    """The password fits; what is missing is the second factor. `mark` changes when the password does."""

    member_id: uuid.UUID
    mark: str


@dataclass(frozen=True, slots=True)
class Entered:
    """A session was opened."""

    lender_id: uuid.UUID
    member_id: uuid.UUID
    session_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether a password fits an address; `kept` is the hash that it was held against, `better` one of today's cost."""

    email: str
    fits: bool
    kept: str | None
    better: str | None = None


def check(*, lender_id: uuid.UUID, email: str, password: str) -> Checked:
    """Hold a password against what is kept, outside of any transaction: it takes long, and must hold nobody up."""
    member = members.find(lender_id=lender_id, email=email)
    kept = member.password_hash if member is not None and member.state == "active" else None
    fits = passwords.fits(kept, password)
    better = passwords.hashed(password) if fits and kept is not None and passwords.is_old(kept) else None
    return Checked(email=members.address_of(email), fits=fits, kept=kept, better=better)


def give_password(
    checked: Checked, *, lender_id: uuid.UUID, address: str, key: str, device: str = ""
) -> PasswordGood | Wrong | Locked:
    """Answer the first question; `address` is the visitor's network address, `device` the mark of the browser.

    Whoever came in with both factors in this browser before is not shut out by what others do in the same network; the
    own wrong answers count for them as for everybody.
    """
    # One at a time for a lender, so that guesses sent together can't pass the limit together.
    session.execute(select(Lender.id).where(Lender.id == lender_id).with_for_update(key_share=True)).scalar_one()
    subject = hashed("staff", str(lender_id), checked.email, key=key)
    near, far = (hashed("address", network, key=key) for network in guessing.networks(address))
    everybody = hashed("all staff", str(lender_id), key=key)
    now = clock.now()
    member = members.find(lender_id=lender_id, email=checked.email)
    locks = [tries.locked_until(lender_id, subject)]
    if member is None or not _came_in_before(member, device):
        locks += [
            tries.busy_until(lender_id, near, most=TRIES_FROM_ONE_ADDRESS, memory=guessing.ADDRESS_MEMORY),
            tries.busy_until(lender_id, far, most=TRIES_FROM_ONE_NETWORK, memory=guessing.ADDRESS_MEMORY),
            tries.braked_until(lender_id, everybody, known=_known_network(lender_id, near)),
        ]
    if any(until is not None and until > now for until in locks):
        return Locked(until=max(until for until in locks if until is not None))
    if member is not None:
        # A better hash of the password must not overwrite another password that is chosen just now.
        member = members.locked(lender_id=lender_id, member_id=member.id)
    # Another password since it was looked at is another question.
    if not checked.fits or member is None or member.state != "active" or member.password_hash != checked.kept:
        tries.note(lender_id, subject, near, far, everybody)
        record(
            Act.STAFF_SIGN_IN_REFUSED,
            by=Actor("visitor", "password"),
            lender_id=lender_id,
            facts={"member": member and member.id, "why": "password"},
        )
        return _after_wrong(lender_id, subject, member)
    if checked.better:
        member.password_hash = checked.better
    return PasswordGood(member.id, mark_of(member, key=key))


def _after_wrong(
    lender_id: uuid.UUID, subject: str, member: StaffMember | None, *, knows_password: bool = False
) -> Wrong | Locked:
    wrong, _last = tries.count(lender_id, subject, memory=guessing.MEMORY)
    wait = guessing.wait_after(wrong)
    if not wait:
        return Wrong()
    if member is not None and member.state == "active":
        door = "code" if knows_password else "password"
        once = f"staff door:{door}:{member.id}:{clock.now():%Y-%m-%d}"
        tell.door_locked(member, knows_password=knows_password, once=once)
    return Locked(until=clock.now() + wait)


def _known_network(lender_id: uuid.UUID, network: str) -> bool:
    found = session.scalar(
        select(StaffSession.id).where(StaffSession.lender_id == lender_id, StaffSession.network == network).limit(1)
    )
    return found is not None


def _came_in_before(member: StaffMember, device: str) -> bool:
    """Say whether a member showed both factors in a browser before; nobody else has its mark."""
    theirs = (StaffSession.lender_id == member.lender_id, StaffSession.member_id == member.id)
    return bool(device) and (
        session.scalar(select(StaffSession.id).where(*theirs, StaffSession.device == device).limit(1)) is not None
    )


def mark_of(member: StaffMember, *, key: str) -> str:
    """Give what stands for a member's password in a cookie: another password, another mark."""
    return hashed("staff password", str(member.id), member.password_hash or "", key=key)[:32]


def between_steps(*, lender_id: uuid.UUID, member_id: uuid.UUID, mark: str, key: str) -> StaffMember | None:
    """Give the member who gave the password in this browser, if the account and the password still are as they were."""
    member = members.one(lender_id=lender_id, member_id=member_id)
    if member is None or member.state != "active" or mark_of(member, key=key) != mark:
        return None
    return member


def code_subject(member: StaffMember, *, key: str) -> str:
    """Give under what the wrong codes of a member are counted."""
    return hashed("staff code", str(member.lender_id), str(member.id), key=key)


def give_code(
    *, lender_id: uuid.UUID, member_id: uuid.UUID, mark: str, code: str, key: str, device: Device
) -> Entered | Wrong | Locked | AppGone | None:
    """Take a code of the app, after the password; None if the password has to be given again."""
    if members.one(lender_id=lender_id, member_id=member_id) is None:
        return None
    member = members.locked(lender_id=lender_id, member_id=member_id)
    if between_steps(lender_id=lender_id, member_id=member_id, mark=mark, key=key) is None:
        return None
    refused = check_code(member, code=code, key=key)
    return open_session(member, came_by="code", device=device) if refused is None else refused


def check_code(member: StaffMember, *, code: str, key: str) -> Wrong | Locked | AppGone | None:
    """Take a code of the app of a member whose row is locked; None if it fits. Each code is good once."""
    lender_id = member.lender_id
    subject = code_subject(member, key=key)
    until = tries.locked_until(lender_id, subject)
    if until is not None and until > clock.now():
        return Locked(until)
    try:
        secret = sealed.unseal(member.totp_secret or "", of=members.sealed_as(member), key=key)
    except sealed.CannotOpen:
        return AppGone()
    step = totp.step_of(secret, code, at=clock.now(), after=member.totp_step)
    if step is None:
        tries.note(lender_id, subject)
        record(
            Act.STAFF_SIGN_IN_REFUSED,
            by=Actor("visitor", "code"),
            lender_id=lender_id,
            facts={"member": member.id, "why": "code"},
        )
        return _after_wrong(lender_id, subject, member, knows_password=True)
    member.totp_step = step
    return None


def open_session(member: StaffMember, *, came_by: str, device: Device) -> Entered:
    """Open a session for somebody who showed both factors, and write to them if the device is new and not the first."""
    now = clock.now()
    theirs = (StaffSession.lender_id == member.lender_id, StaffSession.member_id == member.id)
    before = session.scalar(select(StaffSession.id).where(*theirs).limit(1))
    known = session.scalar(select(StaffSession.id).where(*theirs, StaffSession.device == device.id).limit(1))
    opened = StaffSession(
        lender_id=member.lender_id,
        id=new_id(),
        member_id=member.id,
        came_by=came_by,
        browser=device.browser,
        network=device.network,
        device=device.id,
        created_at=now,
        seen_at=now,
    )
    session.add(opened)
    record(
        Act.STAFF_SIGNED_IN,
        by=Actor("staff", str(member.id)),
        lender_id=member.lender_id,
        facts={"came_by": came_by, "session": opened.id, "browser": device.browser},
    )
    if device.id and before is not None and known is None:
        tell.new_device(member, browser=device.browser)
    return Entered(member.lender_id, member.id, opened.id)


def sessions_of(member: StaffMember) -> list[StaffSession]:
    """Give where somebody is signed in now, the one seen last first."""
    now = clock.now()
    return list(
        session.scalars(
            select(StaffSession)
            .where(
                StaffSession.lender_id == member.lender_id,
                StaffSession.member_id == member.id,
                StaffSession.ended_at.is_(None),
                StaffSession.created_at >= now - SESSION_LIFE,
                StaffSession.seen_at >= now - IDLE,
            )
            .order_by(StaffSession.seen_at.desc(), StaffSession.id.desc())
        )
    )


def end_session(*, lender_id: uuid.UUID, member_id: uuid.UUID, session_id: uuid.UUID, by: Actor) -> bool:
    """End one session of a member; False if there is none such. Twice is once."""
    found = session.execute(
        select(StaffSession)
        .where(StaffSession.lender_id == lender_id, StaffSession.member_id == member_id, StaffSession.id == session_id)
        .with_for_update()
    ).scalar_one_or_none()
    if found is None:
        return False
    if found.ended_at is None:
        found.ended_at = clock.now()
        record(Act.STAFF_SESSION_ENDED, by=by, lender_id=lender_id, facts={"member": member_id, "session": session_id})
    return True


def end_others(member: StaffMember, *, but: uuid.UUID, by: Actor) -> int:
    """End all sessions of a member but one; gives how many."""
    ended = members.end_sessions(member, but=but)
    record(
        Act.STAFF_SESSION_ENDED,
        by=by,
        lender_id=member.lender_id,
        facts={"member": member.id, "sessions": ended, "kept": but},
    )
    return ended


def touch(*, lender_id: uuid.UUID, session_id: uuid.UUID) -> None:
    """Note that somebody is there."""
    session.execute(
        update(StaffSession)
        .where(StaffSession.lender_id == lender_id, StaffSession.id == session_id)
        .values(seen_at=clock.now())
    )


def change_password(
    member_id: uuid.UUID, *, lender_id: uuid.UUID, old: Checked, new_hash: str, kept_session: uuid.UUID, key: str
) -> StaffMember | Wrong | Locked:
    """Change one's password; every other session ends."""
    member = members.locked(lender_id=lender_id, member_id=member_id)
    subject = code_subject(member, key=key)
    until = tries.locked_until(lender_id, subject)
    if until is not None and until > clock.now():
        return Locked(until)
    if not old.fits or old.email != member.email or old.kept != member.password_hash:
        tries.note(lender_id, subject)
        return _after_wrong(lender_id, subject, member)
    member.password_hash = new_hash
    members.end_sessions(member, but=kept_session)
    record(
        Act.STAFF_PASSWORD_CHOSEN,
        by=Actor("staff", str(member.id)),
        lender_id=lender_id,
        facts={"member": member.id, "link": None},
    )
    tell.password_changed(member)
    return member
