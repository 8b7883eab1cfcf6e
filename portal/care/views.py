"""Help: I can't pay, this isn't mine, the amount is wrong, talk to a person."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from portal.web.security import open_page

care = Blueprint("care", __name__)


@care.get("/help")
@open_page
def help() -> ResponseReturnValue:  # noqa: A001 - the page is called help
    """Show the other doors, with the lender's own phone and e-mail."""
    return render_template("care/help.html", advice=())
