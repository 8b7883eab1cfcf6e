"""Who is asking: the signed-in debtor behind a cookie, and the gates of pages that need one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import wraps
from typing import Any

from flask import Flask, redirect, request, url_for
from flask import session as cookie
from flask_login import LoginManager, UserMixin, current_user, login_user
from sqlalchemy import Row, bindparam, select, update

from portal import clock
from portal.db import read, table_of, transaction
from portal.evidence.record import Actor
from portal.lenders.hosts import is_here
from portal.lenders.models import Lender, LenderCard
from portal.people import kept_forms
from portal.people.models import Debtor, KeptForm, UserSession
from portal.people.sign_in import GRACE, IDLE, SESSION_LIFE, For, end_session, given_just_now, keep_language
from portal.web.security import gate

_TOUCH_AFTER_SECONDS = 120
# Asked for each page, so it is built once.
_SESSION, _DEBTOR, _LENDER = table_of(UserSession).c, table_of(Debtor).c, table_of(Lender).c
_OF_LENDER = tuple(_LENDER[field.name].label(f"lender_{field.name}") for field in fields(LenderCard))
_BEHIND_COOKIE = (
    select(
        _SESSION.debtor_id,
        _SESSION.strength,
        _SESSION.created_at,
        _SESSION.seen_at,
        _SESSION.turn,
        _SESSION.turned_at,
        _DEBTOR.name,
        _DEBTOR.language,
        _DEBTOR.zone,
        *_OF_LENDER,
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
    turn: int
    idle_until: datetime
    ends_at: datetime

    def get_id(self) -> str:
        """Give what the cookie holds: kind of user, lender, session, and how often the cookie was made anew."""
        return f"debtor:{self.lender_id.hex}:{self.session_id.hex}:{self.turn}"

    @property
    def actor(self) -> Actor:
        """Give this person as the one who acts."""
        return Actor("debtor", str(self.debtor_id))

    def end_session(self) -> None:
        """End this session; inside a transaction."""
        end_session(lender_id=self.lender_id, debtor_id=self.debtor_id, session_id=self.session_id)

    def keep_language(self, language: str) -> None:
        """Keep the language that this person chose; inside a transaction."""
        keep_language(lender_id=self.lender_id, debtor_id=self.debtor_id, language=language)


def me() -> Person:
    """Give the signed-in debtor; only for views behind a gate."""
    person: Person = current_user._get_current_object()
    return person


def is_debtor() -> bool:
    """Say whether a debtor is signed in in this browser."""
    return isinstance(current_user._get_current_object(), Person)


@dataclass(frozen=True, slots=True)
class _Cookie:
    """What a cookie says that it is."""

    lender_id: uuid.UUID
    session_id: uuid.UUID
    turn: int

    def names(self) -> dict[str, object]:
        """Give lender and session, as the queries want them."""
        return {"lender_id": self.lender_id, "session_id": self.session_id}


def _read(user_id: str) -> _Cookie | None:
    try:
        kind, lender_hex, session_hex, *turn = user_id.split(":")
        # Cookies from before turns were counted have none.
        said = _Cookie(uuid.UUID(lender_hex), uuid.UUID(session_hex), int(turn[0]) if turn else 0)
    except ValueError:
        return None
    return said if kind == "debtor" and len(turn) <= 1 else None


def _this_turn(said: _Cookie, row: Row[Any], now: datetime) -> bool:
    """Say whether a cookie is of the session's turn, or of the one before that ended a moment ago."""
    if said.turn == row.turn:
        return True
    return said.turn == row.turn - 1 and row.turned_at is not None and now - row.turned_at <= GRACE


def load(user_id: str) -> Person | None:
    """Find the person behind a cookie, or None if the session has ended, is too old or has been idle too long.

    The cookie of the turn before shows who somebody is for a moment more, and nothing that a code has shown since.
    """
    said = _read(user_id)
    rows = read(_BEHIND_COOKIE, said.names()) if said else []
    if not said or not rows or not is_here(said.lender_id) or not _this_turn(said, rows[0], clock.now()):
        return None
    return _person(said, rows[0])


def _person(said: _Cookie, row: Row[Any]) -> Person | None:
    now = clock.now()
    if row.created_at < now - SESSION_LIFE or row.seen_at < now - IDLE:
        return None
    seen_at = row.seen_at
    if (now - seen_at).total_seconds() > _TOUCH_AFTER_SECONDS:
        touch(said.lender_id, said.session_id)
        seen_at = now
    ends_at = row.created_at + SESSION_LIFE
    return Person(
        lender_id=said.lender_id,
        debtor_id=row.debtor_id,
        session_id=said.session_id,
        strength=row.strength if said.turn == row.turn else 1,
        name=row.name,
        language=row.language,
        zone=row.zone,
        lender=LenderCard(*row[-len(_OF_LENDER) :]),
        turn=said.turn,
        idle_until=min(seen_at + IDLE, ends_at),
        ends_at=ends_at,
    )


def renew(good_for: For, *, code: str, key: str) -> None:
    """Give the browser that gave a code the cookie of the session's new turn; the old one ends by itself.

    A second click brings the old cookie too, but with the code. Whoever has the cookie alone gains nothing by it, and
    neither does one who gave the code of an address of his own.
    """
    if good_for.step == "new":
        return
    person = me()
    said = _Cookie(person.lender_id, person.session_id, person.turn)
    rows = read(_BEHIND_COOKIE, said.names())
    if not rows or rows[0].turn == said.turn:
        return
    with transaction():
        given = given_just_now(good_for, code=code, key=key)
    renewed = _person(replace(said, turn=rows[0].turn), rows[0]) if given else None
    if renewed is not None:
        login_user(renewed)


def debtors_own(lender_id: uuid.UUID, debtor_id: uuid.UUID) -> kept_forms.Whose:
    """Give by what a debtor's kept forms are found."""
    return kept_forms.Whose(KeptForm, lender_id, debtor_id)


def _timed_out() -> kept_forms.Whose | None:
    """Give the person of a cookie whose session ended by time alone; nobody signed out and nobody ended it."""
    said = _read(str(cookie.get("_user_id", "")))
    rows = read(_BEHIND_COOKIE, said.names()) if said else []
    if not said or not rows or said.turn != rows[0].turn:
        return None
    return debtors_own(said.lender_id, rows[0].debtor_id)


def touch(lender_id: uuid.UUID, session_id: uuid.UUID) -> None:
    """Note that somebody is there."""
    with transaction() as s:
        s.execute(
            update(UserSession)
            .where(UserSession.lender_id == lender_id, UserSession.id == session_id)
            .values(seen_at=clock.now())
        )


class _Visitors(LoginManager):
    """Flask-Login without what it does beside cookie and loader: nobody is remembered, or told by a browser's name."""

    def __init__(self, others: Callable[[str], UserMixin | None]) -> None:
        super().__init__()
        self._others = others

    def _load_user(self) -> None:
        """Find out who is asking, once for a page."""
        user_id = cookie.get("_user_id")
        find = load if str(user_id).startswith("debtor:") else self._others
        self._update_request_context_with_user(None if user_id is None else find(user_id))


def install(app: Flask, others: Callable[[str], UserMixin | None]) -> None:
    """Tell Flask-Login how to find people; `others` finds those who are no debtors.

    Its `init_app` would also look on each page whether somebody is to be remembered, and nobody is.
    """
    app.login_manager = _Visitors(others)  # type: ignore[attr-defined]


def needs_debtor(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let only a signed-in debtor in; anybody else is asked to sign in and led back afterwards.

    What was typed when the time was up is kept, and is there again after signing in.
    """

    @wraps(view)
    def guarded(**values: Any) -> Any:
        if not is_debtor():
            kept = kept_forms.keep_typed(_timed_out()) if request.method == "POST" else kept_forms.here()
            cookie["after_sign_in"] = kept or url_for("home.home")
            return redirect(url_for("people.sign_in"), 303)
        if "kept" in cookie:
            kept_forms.bring_back(debtors_own(me().lender_id, me().debtor_id))
        return view(**values)

    return gate("debtor")(guarded)


def needs_code(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let only a debtor in who gave a one-time code in this session, or came by passkey; otherwise ask for it first."""

    @wraps(view)
    def guarded(**values: Any) -> Any:
        if me().strength < 2:
            cookie["after_code"] = kept_forms.here() if request.method == "GET" else url_for("home.home")
            return redirect(url_for("people.code"), 303)
        return view(**values)

    return gate("code")(needs_debtor(guarded))
