"""A colleague who works for the measured lender, and the browser in which he or she is signed in."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from benchmarks import portfolio
from benchmarks.machine import SECRET_KEY
from portal import config
from portal.app import create_app
from portal.db import session, transaction
from portal.evidence.record import OPERATOR
from portal.lenders import settings as lenders
from portal.people import sign_in
from portal.staff import entering, members
from portal.staff.models import StaffMember
from portal.staff.roles import Role

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def application(url: str, *, folder: Path) -> Flask:
    """Make the portal on a database, to be asked without a network."""
    settings = config.Settings(
        database_url=url,
        secret_key=SECRET_KEY,
        base_url="http://localhost",
        port=8000,
        demo=False,
        stripe_api_base="http://127.0.0.1:9",
        folder=folder,
    )
    return create_app(settings)


def signed_in(app: Flask) -> tuple[FlaskClient, str]:
    """Let somebody of the helpdesk come to work; gives the browser, and the end of the cookie that says who it is."""
    lender = lenders.by_slug(portfolio.SLUG)
    with app.test_request_context():
        with transaction() as s:
            invited = members.invite(
                lender_id=lender.id,
                email="helper@linden.example",
                name="Helper (made up)",
                roles=(Role.HELPDESK,),
                language="en",
                key=SECRET_KEY,
                by=OPERATOR,
            )
            if not isinstance(invited, members.Invited):
                raise LookupError(invited)
            member = s.get_one(StaffMember, (lender.id, invited.member_id))
            # Nobody measures how somebody joins.
            member.state, member.password_hash, member.totp_secret = "active", "none", "none"
        with transaction():
            device = sign_in.device_of(browser="Firefox, Linux", address="", device="", key=SECRET_KEY)
            entered = entering.open_session(member, came_by="code", device=device)
    user = f"staff:{entered.lender_id.hex}:{entered.session_id.hex}"
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = user
        cookie["_fresh"] = True
    session.remove()
    return client, user


def cookie(url: str, *, folder: Path) -> str:
    """Give the cookie of somebody of the helpdesk, for a server on the same database."""
    client, _user = signed_in(application(url, folder=folder))
    found = client.get_cookie("portal")
    if found is None:
        raise LookupError("no cookie")
    return f"portal={found.value}"


def token_of(page: str) -> str:
    """Give the token that a form of a page carries.

    :raises LookupError: if there is none.
    """
    found = _TOKEN.search(page)
    if found is None:
        raise LookupError("no form on this page")
    return found[1]
