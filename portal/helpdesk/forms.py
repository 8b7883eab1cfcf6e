"""What somebody of the helpdesk types."""

from __future__ import annotations

from wtforms import TextAreaField
from wtforms.validators import InputRequired, StopValidation

from portal.care.requests import LONGEST_WORDS, plain_words
from portal.web.fields import Form, at_most
from portal.web.languages import gettext as _
from portal.web.languages import lazy_gettext


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
