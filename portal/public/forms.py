"""What a visitor pastes who asks whether a message is ours."""

from __future__ import annotations

from wtforms import FileField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from portal.public.claims import MOST_CHARACTERS
from portal.web.fields import Form
from portal.web.languages import lazy_gettext


class ReallyUsForm(Form):
    """A link, a code, or the whole message."""

    message = TextAreaField(
        lazy_gettext("The link, the code, or the whole message"),
        [
            InputRequired(lazy_gettext("Paste the link or the message, or type its code.")),
            Length(max=MOST_CHARACTERS, message=lazy_gettext("This is too long. Paste only the link or the code.")),
        ],
    )


class CheckNumberForm(Form):
    """The number of a letter."""

    number = StringField(
        lazy_gettext("Document number"),
        [InputRequired(lazy_gettext("Type the number of the letter, or choose its file."))],
    )


class CheckFileForm(Form):
    """The file of a letter."""

    upload = FileField(lazy_gettext("The file of the letter (PDF)"))
