"""The link reached somebody else: a page that names nobody, one button, thanks, and a way back."""

from __future__ import annotations

import uuid

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue

from portal.db import transaction
from portal.people import wrong_person
from portal.people.views import key
from portal.web.languages import gettext as _
from portal.web.security import open_page

not_me_pages = Blueprint("not_me", __name__)


@not_me_pages.route("/i/<token>/not-me", methods=["GET", "POST"])
@open_page
def ask(token: str) -> ResponseReturnValue:
    """Ask whether the link is really not for its reader; only the button changes anything."""
    if request.method != "POST":
        if not wrong_person.open_to(token, key=key()):
            return render_template("people/link_gone.html"), 404
        return render_template("you/not_me.html", token=token, form=None)
    with transaction():
        said = wrong_person.say(token, key=key())
    if not isinstance(said, wrong_person.Said):
        return render_template("people/link_gone.html"), 404
    cookie["not_me"] = f"{said.lender_id.hex}:{said.id.hex}"
    return redirect(url_for("not_me.thanks"), 303)


@not_me_pages.get("/not-me/thanks")
@open_page
def thanks() -> ResponseReturnValue:
    """Thank, say what happens now, and offer the way back in the same browser."""
    return render_template("you/not_me_thanks.html", can_undo="not_me" in cookie)


@not_me_pages.post("/not-me/undo")
@open_page
def take_back() -> ResponseReturnValue:
    """Put everything back, because it was said by mistake."""
    try:
        lender_hex, said_hex = str(cookie["not_me"]).split(":")
        lender_id, said_id = uuid.UUID(lender_hex), uuid.UUID(said_hex)
    except (KeyError, ValueError):
        return redirect(url_for("public.start"), 303)
    with transaction():
        done = wrong_person.take_back(lender_id=lender_id, said_id=said_id)
    if done:
        cookie.pop("not_me", None)
        flash(_("It is as it was before. You can use the link again."), "success")
    else:
        flash(_("A person is looking at it already. Please call us."), "wait")
    return redirect(url_for("public.start"), 303)
