"""Pages behind a gate see the rows of one lender only: that of whoever is signed in."""

from __future__ import annotations

import uuid

from flask import Flask, current_app, request, session

from portal.db import see

# Pages behind these gates are for people of every lender.
_INSIDE = frozenset({"debtor", "code", "staff"})


def install(app: Flask) -> None:
    """Say before a page reads anything whose rows it may see; before all that looks for who is signed in."""
    app.before_request(_see_ones_own)
    # Threads serve one request after another, and tests go on in the same one.
    app.teardown_request(lambda _problem: see(None))


def _see_ones_own() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    see(_own_lender() if getattr(view, "gate", None) in _INSIDE else None)


def _own_lender() -> uuid.UUID | None:
    """Give the lender that a cookie of ours names, as people's and colleagues' do: kind, lender, session."""
    said = str(session.get("_user_id") or "").split(":")
    try:
        return uuid.UUID(said[1])
    except (IndexError, ValueError):
        # Nobody is signed in, and the gate will say so.
        return None
