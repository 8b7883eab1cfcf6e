"""Wrong answers at a door, counted: for one whom somebody tries to be, for a network, and for everybody together."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from portal import clock
from portal.db import session
from portal.people import guessing
from portal.people.models import SignInAttempt


def note(lender_id: uuid.UUID, *subjects: str) -> None:
    """Count one wrong answer for each subject, a salted hash; what is too old to count is forgotten."""
    now = clock.now()
    session.execute(
        delete(SignInAttempt).where(
            SignInAttempt.lender_id == lender_id,
            SignInAttempt.subject.in_(subjects),
            SignInAttempt.at <= now - guessing.MEMORY,
        )
    )
    session.add_all(SignInAttempt(lender_id=lender_id, subject=subject, at=now) for subject in subjects)
    session.flush()


def count(lender_id: uuid.UUID, subject: str, *, memory: timedelta) -> tuple[int, datetime | None]:
    """Count the wrong answers up to the last one, and say when that was; what is older than `memory` is forgotten."""
    here = (SignInAttempt.lender_id == lender_id, SignInAttempt.subject == subject)
    last = session.scalar(select(func.max(SignInAttempt.at)).where(*here))
    if last is None or last <= clock.now() - memory:
        return 0, None
    found = session.scalar(select(func.count()).where(*here, SignInAttempt.at > last - memory))
    return found or 0, last


def locked_until(lender_id: uuid.UUID, subject: str) -> datetime | None:
    """Say until when the door of one subject is locked after its wrong answers; None if there are none."""
    wrong, last = count(lender_id, subject, memory=guessing.MEMORY)
    return last + guessing.wait_after(wrong) if last is not None else None


def busy_until(lender_id: uuid.UUID, subject: str, *, most: int, memory: timedelta) -> datetime | None:
    """Say how long a network waits from which too many wrong answers came; None if it doesn't."""
    found, last = count(lender_id, subject, memory=memory)
    return last + guessing.FIRST_WAIT if last is not None and found >= most else None


def braked_until(lender_id: uuid.UUID, everybody: str, *, known: bool) -> datetime | None:
    """Say how long a network waits from which nobody has signed in yet, while many guess from many places."""
    found, last = count(lender_id, everybody, memory=guessing.BRAKE_MEMORY)
    if last is None or known or found < guessing.BRAKE_TRIES:
        return None
    return last + guessing.BRAKE_MEMORY
