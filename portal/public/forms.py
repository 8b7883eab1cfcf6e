"""What a visitor pastes who asks whether a message is ours."""

from __future__ import annotations

from wtforms import TextAreaField
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
