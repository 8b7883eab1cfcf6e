"""Checking a letter, for whoever is shown one: by its number or by its file, without signing in."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.db import transaction
from portal.lenders import settings as lenders
from portal.lenders.settings import all_lenders
from portal.letters import checked, seals
from portal.letters.checked import Checked, Wrong
from portal.letters.views import kind_words, state_words
from portal.people import sign_in
from portal.public.forms import CheckFileForm, CheckNumberForm
from portal.web.languages import gettext as _
from portal.web.security import open_page

letter_check = Blueprint("letter_check", __name__, url_prefix="/check-a-letter")


def _page(
    *,
    status: int = 200,
    letter: Checked | None = None,
    from_file: bool = False,
    wrong: str | None = None,
    until: datetime | None = None,
    by_number: CheckNumberForm | None = None,
    by_file: CheckFileForm | None = None,
) -> ResponseReturnValue:
    known = all_lenders()
    return render_template(
        "public/check_a_letter.html",
        letter=letter,
        kind=kind_words(letter.kind) if letter else None,
        state=state_words(letter.state.value) if letter else None,
        from_file=from_file,
        wrong=wrong,
        until=until,
        zone=known[0].zone if len(known) == 1 else "UTC",
        by_number=by_number or CheckNumberForm(formdata=None),
        by_file=by_file or CheckFileForm(formdata=None),
        form=by_file or by_number or CheckNumberForm(formdata=None),
    ), status


def _waits_until() -> datetime | None:
    """Say until when this network waits: guessing a number is slow, and who shows real letters never waits."""
    known = all_lenders()
    if not known:
        return None
    with transaction():
        return sign_in.checks_wait_until(lender_id=known[0].id, address=_address(), key=_key())


def _not_found() -> None:
    known = all_lenders()
    if known:
        with transaction():
            sign_in.note_wrong_check(lender_id=known[0].id, address=_address(), key=_key())


def _address() -> str:
    return request.remote_addr or ""


def _key() -> str:
    return str(current_app.config["SECRET_KEY"])


@letter_check.route("", methods=["GET", "POST"])
@open_page
def check() -> ResponseReturnValue:
    """Ask for a number or a file, and check it."""
    if request.method == "GET":
        return _page()
    if "upload" in request.files:
        return _check_file()
    form = CheckNumberForm()
    number = checked.number_in(form.number.data or "") if form.validate() else None
    if number is None:
        form.number.errors = list(form.number.errors) or [
            _("Type the number as it stands on the letter, such as LT-7K3M-2QXP-9T.")
        ]
        return _page(status=422, by_number=form)
    return redirect(url_for("letter_check.letter", number=number), 303)


def _check_file() -> ResponseReturnValue:
    form = CheckFileForm()
    content = request.files["upload"].read()
    if not content:
        form.upload.errors = [_("Choose the file of the letter (PDF).")]
        return _page(status=422, by_file=form)
    if (until := _waits_until()) is not None:
        return _page(status=429, until=until)
    # It is read, compared and forgotten.
    found = checked.by_file(content, authorities=current_app.config["SETTINGS"].tsa_roots)
    if isinstance(found, Wrong):
        _not_found()
        return _page(wrong=found.value)
    return _page(letter=found, from_file=True)


@letter_check.get("/<number>")
@open_page
def letter(number: str) -> ResponseReturnValue:
    """Show whether there is a letter with this number, as the code on it leads here."""
    if (until := _waits_until()) is not None:
        return _page(status=429, until=until)
    asked = checked.number_in(number)
    found = checked.by_number(asked) if asked else Wrong.UNKNOWN
    if found is Wrong.BY_HAND:
        return _page(wrong=found.value)
    if isinstance(found, Wrong):
        _not_found()
        return _page(status=404, wrong="no such number")
    return _page(letter=found)


@letter_check.get("/roots/<slug>.pem")
@open_page
def roots(slug: str) -> ResponseReturnValue:
    """Give the roots that a lender's seals lead to, for programs that check them."""
    try:
        found = seals.roots_of(lenders.by_slug(slug).id)
    except lenders.NoSuchLender:
        abort(404)
    if found is None:
        abort(404)
    return Response(found, mimetype="application/x-pem-file")
