"""What staff type: passwords, codes, who is invited and for what."""

from __future__ import annotations

import re
from collections.abc import Sequence

from email_validator import EmailNotValidError, validate_email
from wtforms import HiddenField, PasswordField, SelectField, SelectMultipleField, TextAreaField
from wtforms.validators import InputRequired, Length, StopValidation
from wtforms.widgets import CheckboxInput, ListWidget

from portal.staff.passwords import MOST, MOST_TYPED, plain
from portal.staff.roles import Role
from portal.staff.words import role_words
from portal.web.fields import Form, Text, at_most, no_card_number, tidy
from portal.web.languages import gettext as _
from portal.web.languages import lazy_gettext

LONGEST_NAME = 80
LONGEST_WORDS = 500


class Filled(InputRequired):
    """Something has to be there that a reader sees; spaces and unseen signs are nothing."""

    def __call__(self, form: object, field: Text | TextAreaField) -> None:
        """Look at what is left of it.

        :raises StopValidation: if that is nothing.
        """
        super().__call__(form, field)
        if not tidy(field.data):
            raise StopValidation(self.message)


class Password(PasswordField):
    """A password: never tidied, never shown again."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Take it as it was typed; no more of it than there may be, counted as it is hashed."""
        self.data = plain(valuelist[0][:MOST_TYPED])[: MOST + 1] if valuelist else ""


class Digits(Text):
    """Six digits, however they were typed."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Keep the digits."""
        super().process_formdata(valuelist)
        self.data = re.sub(r"[\s-]", "", self.data or "")[:20]


def is_an_email(_form: object, field: Text) -> None:
    """Look whether it can be an e-mail address, and keep it as it is written everywhere.

    :raises StopValidation: if it can't.
    """
    try:
        field.data = validate_email(field.data or "", check_deliverability=False).normalized
    except EmailNotValidError:
        raise StopValidation(_("Enter an e-mail address such as name@example.com.")) from None


class StaffSignInForm(Form):
    """For which lender, the e-mail address, and the password."""

    lender = SelectField(lazy_gettext("Where do you work?"))
    email = Text(
        lazy_gettext("E-mail address"), [InputRequired(lazy_gettext("Enter your e-mail address.")), at_most(254)]
    )
    password = Password(lazy_gettext("Password"), [InputRequired(lazy_gettext("Enter your password."))])


class AppCodeForm(Form):
    """The code that the app shows."""

    code = Digits(
        lazy_gettext("Code of your app"), [InputRequired(lazy_gettext("Enter the 6 digits that your app shows now."))]
    )

    def validate_code(self, field: Digits) -> None:
        """Look whether it can be one.

        :raises StopValidation: if it can't.
        """
        if not re.fullmatch(r"[0-9]{6}", field.data or ""):
            raise StopValidation(_("The code has 6 digits. Check it and try again."))


class ChoosePasswordForm(Form):
    """A new password, twice."""

    password = Password(lazy_gettext("New password"), [InputRequired(lazy_gettext("Choose a password."))])
    again = Password(lazy_gettext("The same once more"), [InputRequired(lazy_gettext("Type the password once more."))])

    def validate_again(self, field: Password) -> None:
        """Compare the two.

        :raises StopValidation: if they differ.
        """
        if field.data != self.password.data:
            raise StopValidation(_("The two passwords are not the same."))


class ChangePasswordForm(ChoosePasswordForm):
    """The old password, and the new one twice."""

    old = Password(
        lazy_gettext("Your password now"), [InputRequired(lazy_gettext("Enter the password that you have now."))]
    )
    password = Password(lazy_gettext("New password"), [InputRequired(lazy_gettext("Choose a password."))])
    again = Password(lazy_gettext("The same once more"), [InputRequired(lazy_gettext("Type the password once more."))])


class LostForm(Form):
    """Who can't sign in any more."""

    lender = SelectField(lazy_gettext("Where do you work?"))
    email = Text(
        lazy_gettext("E-mail address"),
        [InputRequired(lazy_gettext("Enter your e-mail address.")), at_most(254), is_an_email],
    )


class RolesForm(Form):
    """What somebody's work is."""

    roles = SelectMultipleField(
        lazy_gettext("Roles"), option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False)
    )

    def offer(self, has: Sequence[str] = ()) -> None:
        """Offer what a lender may give, and what somebody has already."""
        self.roles.choices = [
            (role.value, role_words(role)) for role in Role if role is not Role.PLATFORM_OPERATOR or role in has
        ]

    def chosen(self) -> tuple[Role, ...]:
        """Give the roles that were ticked."""
        return tuple(Role(name) for name in self.roles.data or ())


class InviteForm(RolesForm):
    """Who is invited, and for what."""

    name = Text(lazy_gettext("Name"), [Filled(lazy_gettext("Enter the name.")), at_most(LONGEST_NAME), no_card_number])
    email = Text(
        lazy_gettext("E-mail address"),
        [InputRequired(lazy_gettext("Enter the e-mail address.")), at_most(254), is_an_email],
    )
    language = SelectField(lazy_gettext("Language"))


class VouchForm(Form):
    """How somebody knows that it is really the colleague."""

    words = TextAreaField(
        lazy_gettext("How do you know?"),
        [
            Filled(lazy_gettext("Write how you know that it is really your colleague.")),
            at_most(LONGEST_WORDS),
            no_card_number,
        ],
    )


class StaffPasskeyForm(Form):
    """What a browser answers for a passkey, and a name for it; a script puts the answer in."""

    credential = HiddenField(validators=[InputRequired(), Length(max=16 * 1024)])


class NewStaffPasskeyForm(StaffPasskeyForm, AppCodeForm):
    """A new passkey, with a code of the app."""

    name = Text(
        lazy_gettext("Name of this passkey"),
        [Filled(lazy_gettext("Give the passkey a name.")), at_most(40), no_card_number],
    )


class NothingForm(Form):
    """A button alone."""
