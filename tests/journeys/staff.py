"""Staff of journeys: who works for the lender, signed in with both factors."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal import clock, sealed
from portal.db import session, transaction
from portal.evidence.record import OPERATOR, Actor
from portal.lenders.models import Lender
from portal.post.models import Message
from portal.staff import members, passwords, totp
from portal.staff.models import StaffMember
from portal.staff.roles import Role
from tests.conftest import SECRET_KEY, Clock
from tests.pages import CheckingClient, page_of

PASSWORD = "seven quiet lamps under water"


@dataclass(frozen=True, slots=True)
class Worker:
    """One member of the staff as it was made."""

    id: uuid.UUID
    email: str
    secret: str

    def code(self) -> str:
        """Give the code that the app shows now."""
        return totp.code_at(self.secret, at=clock.now())


def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let argon2 cost next to nothing; what it costs is no fact about the pages."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", quick)
    monkeypatch.setattr(passwords, "_nobodys", lambda: quick.hash("nobody's"))


def a_worker(
    app: Flask,
    lender: Lender,
    *roles: Role,
    email: str = "ada@linden.example",
    name: str = "Ada Staff",
    by: Actor = OPERATOR,
) -> Worker:
    """Make an open account."""
    secret = totp.new_secret()
    with app.app_context(), transaction():
        invited = members.invite(
            lender_id=lender.id, email=email, name=name, roles=roles, language="en", key=SECRET_KEY, by=by
        )
        assert isinstance(invited, members.Invited)
        members.choose_password(invited.token, lender_id=lender.id, new_hash=passwords.hashed(PASSWORD), key=SECRET_KEY)
        member = session.get_one(StaffMember, (lender.id, invited.member_id))
        member.totp_new = sealed.seal(secret, of=members.sealed_as(member), key=SECRET_KEY)
        # A minute ago, so that the code of now is still good for signing in.
        joined = members.join(
            invited.token, lender_id=lender.id, code=totp.code_at(secret, at=clock.now()), key=SECRET_KEY
        )
        assert isinstance(joined, StaffMember)
        joined.totp_step -= 2
    return Worker(member.id, member.email, secret)


def password(client: CheckingClient, worker: Worker, *, said: str = PASSWORD) -> TestResponse:
    """Give the first factor."""
    return client.fill(client.get("/staff/sign-in"), {"email": worker.email, "password": said})


def come_to_work(client: CheckingClient, worker: Worker) -> TestResponse:
    """Sign in with both factors."""
    return client.fill(password(client, worker), {"code": worker.code()})


def newest_link(kind: str) -> str:
    """Give the path of the link in the newest message of a kind."""
    body = session.scalars(select(Message.body).where(Message.kind == kind).order_by(Message.id.desc()).limit(1)).one()
    found = re.search(r"http://localhost(/staff/\S+)", body)
    assert found is not None, body
    return found[1]


def row(lender: Lender, worker: Worker) -> StaffMember:
    """Give somebody's row as it stands."""
    session.rollback()
    return session.get_one(StaffMember, (lender.id, worker.id), populate_existing=True)


def a_client(app: Flask) -> CheckingClient:
    """Give another browser."""
    client = app.test_client()
    assert isinstance(client, CheckingClient)
    return client


def choose(client: CheckingClient, link: str, *, said: str = PASSWORD) -> TestResponse:
    """Open a link and choose a password."""
    return client.fill(client.get(link), {"password": said, "again": said})


def set_up_app(client: CheckingClient, shown: TestResponse) -> tuple[str, TestResponse]:
    """Let an app read the secret of a page, and give its code; gives the secret and the page that follows."""
    letters = re.search(r"<code>([A-Z2-7 ]+)</code>", shown.get_data(as_text=True))
    assert letters is not None, page_of(shown).words
    secret = letters[1].replace(" ", "")
    return secret, client.fill(shown, {"code": totp.code_at(secret, at=clock.now())})


def later(clock_: Clock, **by: float) -> None:
    """Let time pass, so that an app shows another code."""
    clock_.forward(**by)
