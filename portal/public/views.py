"""The first page, and how to check that it is real."""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import urlsplit

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.db import transaction
from portal.lenders.hosts import address_here, lenders_here
from portal.lenders.settings import all_lenders
from portal.people import sign_in
from portal.people.permissions import is_debtor
from portal.post.real import sent_by_us
from portal.public import claims
from portal.public.forms import ReallyUsForm
from portal.web.languages import gettext as _
from portal.web.security import open_page

public = Blueprint("public", __name__)


@public.get("/")
@open_page
def start() -> ResponseReturnValue:
    """Say who this is for; a signed-in person goes home."""
    if is_debtor():
        return redirect(url_for("home.home"), 303)
    return render_template("public/start.html", address=urlsplit(address_here()).netloc)


@public.get("/alive")
@open_page
def alive() -> ResponseReturnValue:
    """Answer whoever asks whether the portal runs."""
    return {"alive": True}


class Answer(StrEnum):
    """What can be said about a message without saying anything about who got it."""

    OURS = "ours"
    NOT_OURS = "not ours"
    CANNOT_CONFIRM = "cannot confirm"
    UNCLEAR = "unclear"


_NO_TOKEN = "no link has this token"  # noqa: S105 - a stand-in, so that every question is the same work


def _answer(found: tuple[claims.Link | claims.Code, ...]) -> Answer:
    """Answer for everything that was found together: one wrong address makes a message wrong."""
    key = str(current_app.config["SECRET_KEY"])
    good = [
        not isinstance(
            sign_in.look_at_link((one.token if isinstance(one, claims.Link) else None) or _NO_TOKEN, key=key),
            sign_in.LinkGone,
        )
        or (isinstance(one, claims.Link) and one.token is None)
        or (isinstance(one, claims.Code) and sent_by_us(one.text))
        for one in found
    ]
    if not found:
        return Answer.UNCLEAR
    if any(isinstance(one, claims.Link) and not one.ours for one in found):
        return Answer.NOT_OURS
    return Answer.OURS if all(good) else Answer.CANNOT_CONFIRM


@public.route("/is-this-really-you", methods=["GET", "POST"])
@open_page
def really_us() -> ResponseReturnValue:
    """Explain how we write, and check what somebody pasted, without saying who got it."""
    form = ReallyUsForm()
    answer, until, status = None, None, 200
    lenders = all_lenders()
    if request.method == "POST":
        status = 422
        if form.validate():
            key, address = str(current_app.config["SECRET_KEY"]), request.remote_addr or ""
            first = lenders[0].id if lenders else None
            with transaction():
                if first is not None:
                    until = sign_in.questions_wait_until(lender_id=first, address=address, key=key)
            if until is None:
                answer = _answer(claims.read(form.message.data or "", base_url=str(current_app.config["BASE_URL"])))
                status = 200
                if answer is Answer.UNCLEAR:
                    form.message.errors = [_("We see no link and no message code in this. Paste the whole message.")]
                    answer, status = None, 422
            else:
                status = 429
        form.message.data = (form.message.data or "")[: claims.MOST_CHARACTERS]
    zone = lenders[0].zone if len(lenders) == 1 else "UTC"
    return render_template(
        "public/really_us.html",
        form=form,
        answer=answer.value if answer else None,
        until=until,
        zone=zone,
        address=str(current_app.config["BASE_URL"]),
        lenders=lenders_here(),
    ), status
