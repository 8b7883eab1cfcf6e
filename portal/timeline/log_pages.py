"""The public pages of a lender's log: its key, its newest checkpoint, that it only grew, and what checks all of it.

And the newest time stamp that somebody outside gave, with the checkpoint that it is of.
"""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue

from portal.evidence import log
from portal.evidence.models import LogCheckpoint, LogStamp
from portal.lenders import settings as lenders
from portal.lenders.models import Lender
from portal.web.security import open_page

log_pages = Blueprint("log", __name__, url_prefix="/log")

# As many as no log will ever need.
_DIGITS = 16
_VERIFIER = Path(__file__).resolve().parents[2] / "tools" / "verify.py"


def _lender(slug: str) -> Lender:
    try:
        return lenders.by_slug(slug)
    except lenders.NoSuchLender:
        abort(404)


def _signed(lender: Lender) -> LogCheckpoint:
    found = log.newest(lender.id)
    if found is None:
        abort(404)
    return found


def _text(text: str) -> Response:
    return Response(text, mimetype="text/plain; charset=utf-8")


@log_pages.get("/<slug>", endpoint="log")
@open_page
def log_page(slug: str) -> ResponseReturnValue:
    """Say what the log is, show its key and how far it has grown, and lead to what checks it."""
    lender = _lender(slug)
    return render_template(
        "timeline/log.html",
        owner=lender,
        slug=slug,
        signed=log.newest(lender.id),
        key=log.key_of(lender.id),
        stamp=log.newest_stamp(lender.id),
        late=log.stamp_is_late(lender.id),
    )


@log_pages.get("/<slug>/checkpoint.txt")
@open_page
def checkpoint(slug: str) -> ResponseReturnValue:
    """Give the newest checkpoint, for whoever wants to keep it."""
    return _text(_signed(_lender(slug)).note)


@log_pages.get("/<slug>/grew.txt")
@open_page
def grew(slug: str) -> ResponseReturnValue:
    """Give the proof that the log begins with what it was when it had `from` records."""
    lender = _lender(slug)
    older = request.args.get("from", "")
    is_number = older.isascii() and older.isdigit() and len(older) < _DIGITS
    proof = log.only_grew(lender.id, older=int(older)) if is_number else None
    if proof is None:
        abort(404)
    return _text(proof)


def _stamp(lender: Lender) -> LogStamp:
    found = log.newest_stamp(lender.id)
    if found is None:
        abort(404)
    return found


@log_pages.get("/<slug>/stamp.tsr")
@open_page
def stamp(slug: str) -> ResponseReturnValue:
    """Give the newest time stamp as the authority gave it, which other programs check."""
    return Response(_stamp(_lender(slug)).response, mimetype="application/timestamp-reply")


@log_pages.get("/<slug>/stamped.txt")
@open_page
def stamped(slug: str) -> ResponseReturnValue:
    """Give the checkpoint that the newest time stamp is of."""
    lender = _lender(slug)
    found = log.checkpoint_at(lender.id, _stamp(lender).size)
    return _text(found.note) if found else abort(404)


@log_pages.get("/verify.py")
@open_page
def verifier() -> ResponseReturnValue:
    """Give the program that checks a proof without us."""
    return _text(_VERIFIER.read_text("utf-8"))
