"""What somebody of the helpdesk types."""

from __future__ import annotations

from wtforms import TextAreaField
from wtforms.validators import InputRequired, StopValidation

from portal.care.requests import LONGEST_WORDS, plain_words
from portal.staff.forms import Filled
from portal.web.fields import Form, Text, at_most
from portal.web.languages import gettext as _
from portal.web.languages import lazy_gettext

LONGEST_REASON = 200


class AnswerForm(Form):
    """An answer, as the person reads it."""

    words = TextAreaField(
        lazy_gettext("Your answer"),
        [InputRequired(lazy_gettext("Write the answer, as the person reads it.")), at_most(LONGEST_WORDS)],
    )

    def validate_words(self, field: TextAreaField) -> None:
        """Take what is left without signs that nobody sees.

        :raises StopValidation: if that is nothing.
        """
        field.data = plain_words(field.data)
        if not field.data:
            raise StopValidation(_("Write the answer, as the person reads it."))


class SearchForm(Form):
    """The one box."""

    typed = Text(lazy_gettext("Find a person"))


class ReasonForm(Form):
    """Why a page is opened, as the person reads it."""

    reason = Text(
        lazy_gettext("Why do you open it?"),
        [
            Filled(lazy_gettext("Say in a few words why you open this page. The person reads it.")),
            at_most(LONGEST_REASON),
        ],
    )
