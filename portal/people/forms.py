"""What a visitor types to get in."""

from __future__ import annotations

from wtforms import HiddenField, SelectField
from wtforms.validators import InputRequired, Length, Regexp

from portal.web.fields import BirthDateForm, Code, Form, Text, at_most, birth_date_boxes
from portal.web.languages import lazy_gettext


class SignInForm(BirthDateForm):
    """Whom one owes (if there are several lenders), the reference, and the date of birth."""

    lender = SelectField(lazy_gettext("Who wrote to you?"))
    reference = Text(
        lazy_gettext("Reference"),
        [InputRequired(lazy_gettext("Enter the reference from the letter or message.")), at_most(80)],
    )
    # After the reference, as on the page: so are the errors.
    day, month, year = birth_date_boxes()


class CodeForm(Form):
    """A one-time code."""

    code = Code(
        lazy_gettext("Code"),
        [
            InputRequired(lazy_gettext("Enter the code that we sent you.")),
            Regexp(r"^\d{6}$", message=lazy_gettext("The code has 6 digits. Check it and try again.")),
        ],
    )


class PasskeyForm(Form):
    """What a browser answers for a passkey; a script puts it in."""

    credential = HiddenField(validators=[InputRequired(), Length(max=16 * 1024)])
