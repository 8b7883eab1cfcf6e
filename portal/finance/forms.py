"""What finance types: how much goes back and why, and where money belongs."""

from __future__ import annotations

from wtforms import HiddenField, SelectField, TextAreaField

from portal.care.requests import LONGEST_WORDS
from portal.staff.forms import Filled
from portal.web.fields import Amount, Form, Text, at_most, no_card_number
from portal.web.languages import lazy_gettext


def _why() -> TextAreaField:
    return TextAreaField(
        lazy_gettext("Why"), [Filled(lazy_gettext("Say why, for colleagues and for whoever checks later.")),
                              at_most(LONGEST_WORDS), no_card_number]
    )  # fmt: skip


class GiveBackForm(Form):
    """How much of a payment goes back, and why."""

    form_key = HiddenField()
    amount = Amount(lazy_gettext("How much goes back"))
    why = _why()


class ReasonForm(Form):
    """Why not."""

    why = _why()


class BackForm(Form):
    """Why all that waits goes back; it stands on one page with a form that asks why as well."""

    form_key = HiddenField()
    why_back = _why()


class PlaceForm(Form):
    """For which debt money counts, and why."""

    debt = Text(lazy_gettext("Reference of the debt"), [Filled(lazy_gettext("Enter the reference of the debt."))])
    why = _why()


class NoteForm(Form):
    """A note about money that waits."""

    note = TextAreaField(
        lazy_gettext("Note"), [Filled(lazy_gettext("Write the note.")), at_most(LONGEST_WORDS), no_card_number]
    )


class FindForm(Form):
    """What is looked for among money that waits."""

    typed = Text(lazy_gettext("Amount, payment, or what Stripe calls it"))


class LinesForm(Form):
    """Which lines are shown."""

    month = SelectField(lazy_gettext("Month"))
    state = SelectField(lazy_gettext("Show"))
    currency = SelectField(lazy_gettext("Currency"))


class JournalForm(Form):
    """Which month, and for which program."""

    month = SelectField(lazy_gettext("Month"))
    language = SelectField(lazy_gettext("For which program"))
