"""Help: I can't pay, this isn't mine, the amount is wrong, talk to a person."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.lenders.settings import all_lenders
from portal.people.permissions import me
from portal.web.security import open_page

care = Blueprint("care", __name__)


@care.get("/help")
@open_page
def help() -> ResponseReturnValue:  # noqa: A001 - the page is called help
    """Show the other doors, with the lender's own phone and e-mail."""
    lenders = [me().lender] if current_user.is_authenticated else all_lenders()
    return render_template("care/help.html", lenders=lenders)
