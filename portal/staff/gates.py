"""Which member of the staff is asking, and the gates of pages that need one with a permission."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from functools import wraps
from typing import Any

from flask import abort, redirect, request, url_for
from flask import session as cookie
from flask_login import UserMixin, current_user
from sqlalchemy import Row, bindparam, select

from portal import clock
from portal.db import read, table_of, transaction
from portal.evidence.record import Actor
from portal.lenders.hosts import is_here
from portal.lenders.models import Lender, LenderCard
from portal.people import kept_forms
from portal.staff import entering, members
from portal.staff.entering import IDLE, SESSION_LIFE
from portal.staff.models import StaffKeptForm, StaffMember, StaffSession
from portal.staff.roles import Permission, permissions_of
from portal.web.security import gate

_TOUCH_AFTER_SECONDS = 60
# More than any form of the staff takes, a file of limits too: half of one would be another file.
_MOST_CHARACTERS, _MOST_BYTES = 100_000, 640 * 1024
_SESSION, _MEMBER, _LENDER = table_of(StaffSession).c, table_of(StaffMember).c, table_of(Lender).c
_OF_LENDER = tuple(_LENDER[field.name].label(f"lender_{field.name}") for field in fields(LenderCard))
# Roles and state are read for each page, so that what is taken away is gone with the next click.
_BEHIND_COOKIE = (
    select(
        _SESSION.member_id,
        _SESSION.created_at,
        _SESSION.seen_at,
        _MEMBER.name,
        _MEMBER.email,
        _MEMBER.language,
        _MEMBER.roles,
        *_OF_LENDER,
    )
    .join_from(
        table_of(StaffSession),
        table_of(StaffMember),
        (_MEMBER.lender_id == _SESSION.lender_id) & (_MEMBER.id == _SESSION.member_id),
    )
    .join(table_of(Lender), _LENDER.id == _SESSION.lender_id)
    .where(
        _SESSION.lender_id == bindparam("lender_id"),
        _SESSION.id == bindparam("session_id"),
        _SESSION.ended_at.is_(None),
        _MEMBER.state == "active",
    )
)


class NotAllowed(Exception):
    """Under the lock of an act: what the roles of a moment ago allowed is gone."""


@dataclass(frozen=True)
class Colleague(UserMixin):
    """The member of the staff who is signed in in this browser, and the lender."""

    lender_id: uuid.UUID
    member_id: uuid.UUID
    session_id: uuid.UUID
    name: str
    email: str
    language: str
    roles: tuple[str, ...]
    may: frozenset[Permission]
    lender: LenderCard
    idle_until: datetime

    def get_id(self) -> str:
        """Give what the cookie holds: kind of user, lender, session."""
        return f"staff:{self.lender_id.hex}:{self.session_id.hex}"

    @property
    def zone(self) -> str:
        """Give the zone in which this person reads times: the lender's."""
        return self.lender.zone

    @property
    def actor(self) -> Actor:
        """Give this person as the one who acts."""
        return Actor("staff", str(self.member_id))

    def end_session(self) -> None:
        """End this session; inside a transaction."""
        entering.end_session(
            lender_id=self.lender_id, member_id=self.member_id, session_id=self.session_id, by=self.actor
        )

    def keep_language(self, language: str) -> None:
        """Keep the language that this person chose; inside a transaction."""
        members.keep_language(lender_id=self.lender_id, member_id=self.member_id, language=language)


def colleague() -> Colleague | None:
    """Give the signed-in member of the staff, or None."""
    visitor = current_user._get_current_object() if current_user else None
    return visitor if isinstance(visitor, Colleague) else None


def me() -> Colleague:
    """Give the signed-in member of the staff; only for views behind a gate."""
    found = colleague()
    if found is None:
        raise RuntimeError("this view has no gate of the staff's")
    return found


def _behind(user_id: str) -> tuple[uuid.UUID, uuid.UUID, Row[Any]] | None:
    """Give lender, session and row of a cookie, whatever time has passed; None if somebody ended the session."""
    try:
        kind, lender_hex, session_hex = user_id.split(":")
        lender_id, session_id = uuid.UUID(lender_hex), uuid.UUID(session_hex)
    except ValueError:
        return None
    rows = read(_BEHIND_COOKIE, {"lender_id": lender_id, "session_id": session_id}) if kind == "staff" else []
    return (lender_id, session_id, rows[0]) if rows and is_here(lender_id) else None


def colleagues_own(lender_id: uuid.UUID, member_id: uuid.UUID) -> kept_forms.Whose:
    """Give by what the kept forms of somebody of the staff are found."""
    return kept_forms.Whose(StaffKeptForm, lender_id, member_id, _MOST_CHARACTERS, _MOST_BYTES)


def _timed_out() -> kept_forms.Whose | None:
    """Give the member of a cookie whose session ended by time alone."""
    found = _behind(str(cookie.get("_user_id", "")))
    return colleagues_own(found[0], found[2].member_id) if found else None


def load(user_id: str) -> Colleague | None:
    """Find the member behind a cookie, or None if the session has ended, is too old or has been idle too long."""
    found = _behind(user_id)
    if found is None:
        return None
    (lender_id, session_id, row), now = found, clock.now()
    ends_at, seen_at = row.created_at + SESSION_LIFE, row.seen_at
    if now >= ends_at or now >= seen_at + IDLE:
        return None
    if (now - seen_at).total_seconds() >= _TOUCH_AFTER_SECONDS:
        with transaction():
            entering.touch(lender_id=lender_id, session_id=session_id)
        seen_at = now
    return Colleague(
        lender_id=lender_id,
        member_id=row.member_id,
        session_id=session_id,
        name=row.name,
        email=row.email,
        language=row.language,
        roles=tuple(row.roles),
        may=permissions_of(row.roles),
        lender=LenderCard(**{field.name: getattr(row, f"lender_{field.name}") for field in fields(LenderCard)}),
        idle_until=min(seen_at + IDLE, ends_at),
    )


def needs(permission: Permission | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let only a member of the staff in who has a permission; None for what every colleague may.

    Anybody else is asked to sign in; a colleague without the permission is told so, and nothing is done. The same
    if an act finds under its lock that the permission was taken away meanwhile.
    """

    def guard(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(**values: Any) -> Any:
            who = colleague()
            if who is None:
                page = kept_forms.here() if request.method == "GET" else kept_forms.keep_typed(_timed_out())
                if page is not None:
                    cookie["after_staff_sign_in"] = page
                return redirect(url_for("staff.sign_in"), 303)
            if permission is not None and permission not in who.may:
                abort(403)
            if "kept" in cookie:
                kept_forms.bring_back(colleagues_own(who.lender_id, who.member_id))
            try:
                return view(**values)
            except NotAllowed:
                abort(403)

        guarded.permission = permission  # type: ignore[attr-defined]
        return gate("staff")(guarded)

    return guard
