"""The first page, and how to check that it is real."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.web.security import open_page

public = Blueprint("public", __name__)


@public.get("/")
@open_page
def start() -> ResponseReturnValue:
    """Say who this is for; a signed-in person goes home."""
    if current_user.is_authenticated:
        return redirect(url_for("home.home"), 303)
    return render_template("public/start.html", address=urlsplit(current_app.config["BASE_URL"]).netloc)


@public.get("/alive")
@open_page
def alive() -> ResponseReturnValue:
    """Answer whoever asks whether the portal runs."""
    return {"alive": True}
