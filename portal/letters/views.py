"""Letters: the list, and each as a PDF. Seeing documents needs a one-time code."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.letters.kept import by_hand_of, day_in, letter_of, letters_of, no_longer_true
from portal.people.permissions import me, needs_code

letters = Blueprint("letters", __name__)


def kind_words(kind: str) -> str:
    """Give the name of a kind of letter."""
    return {
        "plan-agreement": _("Plan agreement"),
        "payment-receipt": _("Payment receipt"),
        "statement-of-account": _("Statement of account"),
    }[kind]


@letters.get("/letters", endpoint="letters")
@needs_code
def letters_page() -> ResponseReturnValue:
    """Show every letter with its state."""
    person = me()
    gone = no_longer_true(lender_id=person.lender_id, debtor_id=person.debtor_id)
    listed = [
        (
            letter.issued_at,
            {
                "title": kind_words(letter.kind),
                "number": letter.number,
                "made_on": day_in(person.zone, letter.issued_at),
                "state": "withdrawn" if letter.cause in gone else "valid",
                "url": url_for("letters.download", number=letter.number),
            },
        )
        for letter in letters_of(lender_id=person.lender_id, debtor_id=person.debtor_id)
    ] + [
        (
            letter.asked_at,
            {
                "title": kind_words(letter.kind),
                "number": letter.number,
                "made_on": day_in(person.zone, letter.asked_at),
                "state": "by_hand" if letter.done_at is None else "sent_by_hand",
                "url": None,
            },
        )
        for letter in by_hand_of(lender_id=person.lender_id, debtor_id=person.debtor_id)
    ]
    listed.sort(key=lambda one: one[0], reverse=True)
    return render_template("letters/letters.html", letters=[letter for _at, letter in listed])


@letters.get("/letters/<number>.pdf")
@needs_code
def download(number: str) -> ResponseReturnValue:
    """Give a letter as it was issued."""
    person = me()
    letter = letter_of(lender_id=person.lender_id, debtor_id=person.debtor_id, number=number)
    if letter is None:
        abort(404)
    return Response(
        letter.pdf,
        mimetype="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{letter.kind}-{letter.number}.pdf"'},
    )
