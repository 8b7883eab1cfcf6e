"""Before something of people is shown: why, where somebody needs care; and that somebody looks is on record."""

from __future__ import annotations

import uuid
from typing import Final

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from portal.care.requests import asks_for_care
from portal.db import transaction
from portal.helpdesk import looking
from portal.helpdesk.forms import ReasonForm
from portal.staff.gates import Colleague

# The field of the form that asks why a page is opened.
WHY: Final = "reason"


def nobody_sees() -> bool:
    """Say whether nobody sees the page: whoever asks for its head alone has looked at nothing."""
    return bool(request.environ["REQUEST_METHOD"] == "HEAD")


def must_say_why(who: Colleague, debtor_id: uuid.UUID | None) -> bool:
    """Say whether a colleague has to say why before something of a person is shown."""
    if debtor_id is None or nobody_sees() or not asks_for_care(lender_id=who.lender_id, debtor_id=debtor_id):
        return False
    return looking.reason_given(who, debtor_id=debtor_id) is None


def seen(who: Colleague, *, debtor_id: uuid.UUID | None, **what: str) -> None:
    """Put on record that a colleague looks at one thing of a person."""
    if not nobody_sees():
        with transaction():
            looking.looked_at(who, debtor_id=debtor_id, **what)


def look(who: Colleague, *, debtor_id: uuid.UUID | None, suggest: str = "", **what: str) -> ResponseReturnValue | None:
    """Put on record that a colleague looks at one thing of a person; first of all ask why, where that is asked for.

    Gives the page that asks, or None if what is asked for may be shown. What was typed waits in that page, and is sent
    with the reason.
    """
    if not must_say_why(who, debtor_id):
        seen(who, debtor_id=debtor_id, **what)
        return None
    said = request.method == "POST" and WHY in request.form
    form, typed = ReasonForm(formdata=request.form if said else None), bool(_typed())
    if not (said and form.validate()):
        form.reason.data = form.reason.data or suggest
        return ask_why(form, typed=typed), 422 if request.method == "POST" else 200
    with transaction():
        looking.looked_at(who, debtor_id=debtor_id, reason=form.reason.data, **what)
    return None if typed else redirect(request.full_path.rstrip("?"), 303)


def _typed() -> list[tuple[str, str]]:
    """Give what was sent beside the reason."""
    return [each for each in request.form.items(multi=True) if each[0] not in (WHY, "csrf_token")]


def ask_why(form: ReasonForm, *, typed: bool) -> str:
    """Give the page that asks why something is opened, with what was typed on another one, to go on with."""
    return render_template("helpdesk/reason.html", form=form, kept=_typed() if typed else [], typed=typed)


def a_list(who: Colleague, what: str, *, shown: int, **asked: str | None) -> None:
    """Put on record that a list shows people, as what was asked for."""
    if not nobody_sees():
        with transaction():
            looking.listed(who, what, shown=shown, **asked)


def a_file(who: Colleague, what: str, *, rows: int | None = None, **asked: str | None) -> None:
    """Put on record that a file with people in it is given out."""
    if not nobody_sees():
        with transaction():
            looking.taken_along(who, what, rows=rows, **asked)
