"""A lender's own style sheet and logo, under names with their content's hash, so that they can be kept for ever."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from portal.db import session
from portal.lenders import brand as brands
from portal.lenders.hosts import is_here
from portal.lenders.models import Lender
from portal.web.security import open_page

brand = Blueprint("brand", __name__)
KEPT_FOR_EVER = "public, max-age=31536000, immutable"
# Short, because the address is that of a page written a moment ago under the brand before.
KEPT_SHORTLY = "public, max-age=60"


def _lender_or_404(slug: str) -> Lender:
    lender = session.scalars(select(Lender).where(Lender.slug == slug)).one_or_none()
    if lender is None or not is_here(lender.id):
        abort(404)
    return lender


@brand.get("/brand/<slug>.<hash_>.css")
@open_page
def sheet(slug: str, hash_: str) -> ResponseReturnValue:
    """Give the style sheet of a lender with a brand of its own."""
    made = brands.sheet_of(_lender_or_404(slug))
    if made is None:
        abort(404)
    accepted = request.accept_encodings
    packed = "br" if accepted["br"] else "gzip" if accepted["gzip"] else None
    answer = Response({"br": made.brotli, "gzip": made.gzip, None: made.plain}[packed], mimetype="text/css")
    if packed:
        answer.headers["Content-Encoding"] = packed
    answer.headers["Vary"] = "Accept-Encoding"
    answer.headers["Cache-Control"] = KEPT_FOR_EVER if hash_ == made.hash else KEPT_SHORTLY
    return answer


@brand.get("/brand/<slug>.<hash_>.<kind>")
@open_page
def logo(slug: str, hash_: str, kind: str) -> ResponseReturnValue:
    """Give the logo of a lender; on its own it may do nothing at all."""
    made = brands.logo_of(_lender_or_404(slug))
    if made is None or made.kind != kind:
        abort(404)
    answer = Response(made.content, mimetype="image/svg+xml" if kind == "svg" else "image/png")
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = KEPT_FOR_EVER if hash_ == made.hash else KEPT_SHORTLY
    return answer
