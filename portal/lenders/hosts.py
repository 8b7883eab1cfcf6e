"""Whose host a page is asked at: under a lender's own host there is that lender alone, and its people.

The host that `BASE_URL` names, and any that is nobody's, is everybody's, as a lender without a host is found there.
"""

from __future__ import annotations

import re
import uuid
from typing import Final
from urllib.parse import urlsplit

from flask import current_app, g, has_request_context, request
from sqlalchemy import bindparam, select

from portal.db import read, seeing, session, table_of
from portal.lenders.models import Lender
from portal.lenders.settings import all_lenders, only_lender

_LENDER = table_of(Lender).c
_AT = select(_LENDER.id).where(_LENDER.host == bindparam("host"))
_NAME: Final = re.compile(r"(?=.{4,253}$)(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)+(?!-)[a-z0-9-]{2,63}(?<!-)")


def host_named(given: str) -> str | None:
    """Give the name of a host as it is kept, or None if it can't be one: no scheme, no port, no number.

    >>> host_named("Pay.Linden.example "), host_named("https://a.example"), host_named("10.0.0.1")
    ('pay.linden.example', None, None)
    """
    name = given.strip().lower().rstrip(".")
    return name if _NAME.fullmatch(name) and not name.rsplit(".", 1)[1].isdigit() else None


def everybodys() -> str:
    """Give the host that is everybody's."""
    return urlsplit(str(current_app.config["BASE_URL"])).hostname or ""


def lender_id_here() -> uuid.UUID | None:
    """Give the lender whose own host the page was asked at; None where it is everybody's, and outside of pages."""
    if not has_request_context():
        return None
    if "host_of" not in g:
        host = (urlsplit(f"//{request.host}").hostname or "").rstrip(".")
        g.host_of = _lender_at(host) if host and host != everybodys() else None
    here: uuid.UUID | None = g.host_of
    return here


def _lender_at(host: str) -> uuid.UUID | None:
    # Whose host it is counts for whoever is signed in with another lender, too.
    with seeing(None):
        found = read(_AT, {"host": host})
    return found[0].id if found else None


def is_here(lender_id: uuid.UUID) -> bool:
    """Say whether a lender is to be found at this host."""
    return lender_id_here() in (None, lender_id)


def lenders_here() -> list[Lender]:
    """Give the lenders that are to be found at this host."""
    here = lender_id_here()
    return all_lenders() if here is None else [session.get_one(Lender, here)]


def only_lender_here() -> Lender | None:
    """Give the lender if there is exactly one at this host: pages before signing in then speak in its name."""
    here = lender_id_here()
    return only_lender() if here is None else session.get_one(Lender, here)


def address_here() -> str:
    """Give the address under which a page of this host is reached, for whoever leads somebody back to it."""
    base = urlsplit(str(current_app.config["BASE_URL"]))
    return base.geturl() if lender_id_here() is None else f"{base.scheme}://{request.host}"
