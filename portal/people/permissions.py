"""Who is asking: the signed-in debtor behind a cookie, and the gates of pages that need one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any

from flask import Flask, redirect, request, url_for
from flask import session as cookie
from flask_login import LoginManager, UserMixin, current_user
from sqlalchemy import bindparam, select, update

from portal import clock
from portal.db import read, table_of, transaction
from portal.evidence.record import Actor
from portal.lenders.models import Lender, LenderCard
from portal.people.models import Debtor, UserSession
from portal.people.sign_in import IDLE, SESSION_LIFE
from portal.web.security import gate

_TOUCH_AFTER_SECONDS = 120
# Asked for each page, so it is built once.
_SESSION, _DEBTOR, _LENDER = table_of(UserSession).c, table_of(Debtor).c, table_of(Lender).c
_BEHIND_COOKIE = (
    select(
        _SESSION.debtor_id,
        _SESSION.strength,
        _SESSION.created_at,
        _SESSION.seen_at,
        _DEBTOR.name,
        _DEBTOR.language,
        _DEBTOR.zone,
        *(_LENDER[field.name].label(f"lender_{field.name}") for field in fields(LenderCard)),
    )
    .join_from(
        table_of(UserSession),
        table_of(Debtor),
        (_DEBTOR.lender_id == _SESSION.lender_id) & (_DEBTOR.id == _SESSION.debtor_id),
    )
    .join(table_of(Lender), _LENDER.id == _SESSION.lender_id)
    .where(
        _SESSION.lender_id == bindparam("lender_id"),
        _SESSION.id == bindparam("session_id"),
        _SESSION.ended_at.is_(None),
    )
)


@dataclass(frozen=True)
class Person(UserMixin):
    """The debtor who is signed in on this device, and the lender."""

    lender_id: uuid.UUID
    debtor_id: uuid.UUID
    session_id: uuid.UUID
    strength: int
    name: str
    language: str
    zone: str
    lender: LenderCard

    def get_id(self) -> str:
        """Give what the cookie holds: kind of user, lender, session."""
        return f"debtor:{self.lender_id.hex}:{self.session_id.hex}"

    @property
    def actor(self) -> Actor:
        """Give this person as the one who acts."""
        return Actor("debtor", str(self.debtor_id))


def me() -> Person:
    """Give the signed-in debtor; only for views behind a gate."""
    person: Person = current_user._get_current_object()
    return person


def load(user_id: str) -> Person | None:
    """Find the person behind a cookie, or None if the session has ended, is too old or has been idle too long."""
    try:
        kind, lender_hex, session_hex = user_id.split(":")
        lender_id, session_id = uuid.UUID(lender_hex), uuid.UUID(session_hex)
    except ValueError:
        return None
    if kind != "debtor":
        return None
    rows = read(_BEHIND_COOKIE, {"lender_id": lender_id, "session_id": session_id})
    now = clock.now()
    if not rows:
        return None
    row = rows[0]
    if row.created_at < now - SESSION_LIFE or row.seen_at < now - IDLE:
        return None
    if (now - row.seen_at).total_seconds() > _TOUCH_AFTER_SECONDS:
        _touch(lender_id, session_id)
    return Person(
        lender_id=lender_id,
        debtor_id=row.debtor_id,
        session_id=session_id,
        strength=row.strength,
        name=row.name,
        language=row.language,
        zone=row.zone,
        lender=LenderCard(*row[-len(fields(LenderCard)) :]),
    )


def _touch(lender_id: uuid.UUID, session_id: uuid.UUID) -> None:
    with transaction() as s:
        s.execute(
            update(UserSession)
            .where(UserSession.lender_id == lender_id, UserSession.id == session_id)
            .values(seen_at=clock.now())
        )


def install(app: Flask) -> None:
    """Tell Flask-Login how to find people; nothing of it is used beyond cookie and loader."""
    login = LoginManager(app)
    login.session_protection = None
    login.user_loader(load)


def needs_debtor(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let only a signed-in debtor in; anybody else is asked to sign in and led back afterwards."""

    @wraps(view)
    def guarded(**values: Any) -> Any:
        if not current_user.is_authenticated:
            cookie["after_sign_in"] = request.full_path.rstrip("?") if request.method == "GET" else url_for("home.home")
            return redirect(url_for("people.sign_in"), 303)
        return view(**values)

    return gate("debtor")(guarded)


def needs_code(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let only a debtor in who gave a one-time code in this session; otherwise ask for the code first."""

    @wraps(view)
    def guarded(**values: Any) -> Any:
        if me().strength < 2:
            cookie["after_code"] = request.full_path.rstrip("?") if request.method == "GET" else url_for("home.home")
            return redirect(url_for("people.code"), 303)
        return view(**values)

    return gate("code")(needs_debtor(guarded))
