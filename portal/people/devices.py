"""Devices on which a person is signed in: list them, end one, end all others, end every one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from portal import clock
from portal.db import session
from portal.evidence.record import Act, Actor, record
from portal.people.models import ContactChange, UserSession
from portal.people.sign_in import IDLE, SESSION_LIFE


@dataclass(frozen=True, slots=True)
class SignedInDevice:
    """One session that could still be used."""

    id: uuid.UUID
    browser: str
    came_by: str
    since: datetime
    seen_at: datetime
    this_one: bool


def of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, this: uuid.UUID) -> tuple[SignedInDevice, ...]:
    """Give the devices on which somebody is signed in now, this one first, then the one seen last."""
    now = clock.now()
    found = session.scalars(
        select(UserSession)
        .where(
            UserSession.lender_id == lender_id,
            UserSession.debtor_id == debtor_id,
            UserSession.ended_at.is_(None),
            UserSession.created_at >= now - SESSION_LIFE,
            UserSession.seen_at >= now - IDLE,
        )
        .order_by(UserSession.seen_at.desc(), UserSession.id.desc())
    )
    devices = [
        SignedInDevice(
            id=one.id,
            browser=one.browser,
            came_by=one.came_by,
            since=one.created_at,
            seen_at=one.seen_at,
            this_one=one.id == this,
        )
        for one in found
    ]
    return tuple(sorted(devices, key=lambda device: not device.this_one))


def end(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, session_id: uuid.UUID, by: Actor) -> bool:
    """End one of a person's sessions; False if the person has no such session. Ending it twice is ending it once."""
    mine = session.execute(
        select(UserSession)
        .where(UserSession.lender_id == lender_id, UserSession.debtor_id == debtor_id, UserSession.id == session_id)
        .with_for_update()
    ).scalar_one_or_none()
    if mine is None:
        return False
    if mine.ended_at is None:
        mine.ended_at = clock.now()
        _forget_old_codes(lender_id, debtor_id)
        record(Act.DEVICE_ENDED, by=by, lender_id=lender_id, debtor_id=debtor_id, facts={"session": session_id})
    return True


def end_all(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, by: Actor, why: str, but: uuid.UUID | None = None) -> int:
    """End every session of a person, `but` one; gives how many could still be used."""
    mine = (
        UserSession.lender_id == lender_id,
        UserSession.debtor_id == debtor_id,
        UserSession.ended_at.is_(None),
        *(() if but is None else (UserSession.id != but,)),
    )
    usable = session.scalars(select(UserSession.id).where(*mine, UserSession.seen_at >= clock.now() - IDLE)).all()
    session.execute(update(UserSession).where(*mine).values(ended_at=clock.now()))
    _forget_old_codes(lender_id, debtor_id)
    record(
        Act.SESSIONS_ENDED,
        by=by,
        lender_id=lender_id,
        debtor_id=debtor_id,
        facts={"why": why, "sessions": [str(one) for one in usable], "kept": but and str(but)},
    )
    return len(usable)


def _forget_old_codes(lender_id: uuid.UUID, debtor_id: uuid.UUID) -> None:
    """Let no change of contact that is still open stand on a code that somebody gave who was signed out since."""
    session.execute(
        update(ContactChange)
        .where(
            ContactChange.lender_id == lender_id,
            ContactChange.debtor_id == debtor_id,
            ContactChange.state.in_(("open", "with_staff")),
        )
        .values(old_given_at=None)
    )
