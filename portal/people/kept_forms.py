"""Keep what somebody typed when the time was up, for that person and that page alone, for a day.

A debtor's and a colleague's are kept in the same way, each in a table of its own.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from flask import current_app, flash, g, request
from flask import session as cookie
from sqlalchemy import ColumnElement, delete, select
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from portal import clock
from portal.db import new_id, session, transaction
from portal.people.models import Kept
from portal.web.languages import gettext as _

LIFE = timedelta(hours=24)
# Of a letter that somebody pasted the start stays: more than any form of debtors takes.
MOST_CHARACTERS = 4_000
MOST_BYTES = 64 * 1024
MOST_FORMS = 5
# Good once or for a moment, or nobody's to keep.
NEVER = frozenset(
    {"csrf_token", "code", "old_code", "new_code", "credential"}
    | {"password", "again", "old", "stripe_key", "stripe_webhook_secret"}
)


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose form it is, and in which table it is kept."""

    table: type[Kept]
    lender_id: uuid.UUID
    owner_id: uuid.UUID
    most_characters: int = MOST_CHARACTERS
    most_bytes: int = MOST_BYTES

    def rows(self) -> tuple[ColumnElement[bool], ...]:
        """Give what chooses this person's rows."""
        return self.table.lender_id == self.lender_id, self.table.owner_id == self.owner_id


def keep(whose: Whose, *, path: str, fields: Iterable[tuple[str, str]]) -> uuid.UUID | None:
    """Keep what was typed on a page and give its id, or None if there is nothing to keep or too much of it."""
    typed = [[name, value[: whose.most_characters]] for name, value in fields if name not in NEVER]
    if not any(value for _name, value in typed) or len(json.dumps(typed).encode()) > whose.most_bytes:
        return None
    now, table = clock.now(), whose.table
    newest = select(table.id).where(*whose.rows()).order_by(table.id.desc()).limit(MOST_FORMS - 1)
    stay = set(session.scalars(newest))
    session.execute(delete(table).where(*whose.rows(), table.id.not_in(stay)))
    session.execute(delete(table).where(table.lender_id == whose.lender_id, table.expires_at <= now))
    kept = table()
    kept.lender_id, kept.id, kept.owner_id = whose.lender_id, new_id(), whose.owner_id
    kept.path, kept.fields, kept.created_at, kept.expires_at = path, typed, now, now + LIFE
    session.add(kept)
    return kept.id


def find(whose: Whose, *, kept_id: uuid.UUID) -> Kept | None:
    """Give what was kept, if it is this person's and its day is not over."""
    table = whose.table
    return session.scalars(
        select(table).where(*whose.rows(), table.id == kept_id, table.expires_at > clock.now())
    ).one_or_none()


def forget(whose: Whose, *, kept_id: uuid.UUID) -> None:
    """Forget what was kept: it was sent again."""
    session.execute(delete(whose.table).where(*whose.rows(), whose.table.id == kept_id))


def here() -> str:
    """Give the path that is asked for."""
    return request.full_path.rstrip("?")


def _page() -> str | None:
    """Give the page of the form that was sent: where it was sent to, else the one on which it stands, if it opens."""
    if request.url_rule is not None and "GET" in (request.url_rule.methods or ()):
        return here()
    came_from = urlsplit(request.referrer or "")
    if came_from.netloc != request.host or not came_from.path.startswith("/"):
        return None
    try:
        current_app.create_url_adapter(request).match(came_from.path, method="GET")  # type: ignore[union-attr]
    except (HTTPException, RequestRedirect):
        return None
    return came_from.path + (f"?{came_from.query}" if came_from.query else "")


def keep_typed(whose: Whose | None) -> str | None:
    """Keep the form that came too late, and say so on the next page; gives where it will be again, or None.

    `whose` is of a cookie whose session ended by time alone.
    """
    page = _page()
    if whose is None or page is None:
        return None
    with transaction():
        kept = keep(whose, path=page, fields=list(request.form.items(multi=True)))
    if kept is None:
        return None
    cookie["kept"] = kept.hex
    flash(_("The time was up, so please sign in again. What you typed is kept."), "wait")
    return page


def waiting(whose: Whose) -> Kept | None:
    """Give what this person typed in this browser before the time was up, if anything was kept."""
    try:
        kept_id = uuid.UUID(str(cookie["kept"]))
    except (KeyError, ValueError):
        return None
    return find(whose, kept_id=kept_id)


def bring_back(whose: Whose) -> None:
    """Put what was kept into the form of its page; sending the form forgets it."""
    kept = waiting(whose)
    if kept is None:
        del cookie["kept"]
    elif request.method == "POST":
        if _page() == kept.path:
            with transaction():
                forget(whose, kept_id=kept.id)
            del cookie["kept"]
    elif here() == kept.path:
        g.kept_form = [(str(name), str(value)) for name, value in kept.fields]
        flash(_("Here is what you typed before. Please check it, and go on."))
