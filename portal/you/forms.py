"""What somebody types on the pages about oneself."""

from __future__ import annotations

from wtforms import HiddenField, RadioField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from portal.people.passkeys import MOST_NAME
from portal.web.fields import Code, Form, Text, at_most, no_card_number
from portal.web.languages import lazy_gettext


class AddressForm(Form):
    """A phone number or an e-mail address; `form_key` makes a second click the same request."""

    address = StringField(lazy_gettext("Phone number or e-mail address"))
    form_key = HiddenField(validators=[InputRequired(), Length(min=32, max=32)])


class OldCodeForm(Form):
    """The code that went to a contact on file."""

    old_code = Code(lazy_gettext("Code from your old contact"))


class NewCodeForm(Form):
    """The code that went to the new contact."""

    new_code = Code(lazy_gettext("Code from your new contact"))


class SureForm(Form):
    """A button that is sure; `form_key` makes a second click the same request."""

    form_key = HiddenField(validators=[InputRequired(), Length(min=32, max=32)])


class PlaceForm(Form):
    """A city or a country, whose clock is one's own."""

    place = Text(
        lazy_gettext("City or country"),
        [DataRequired(lazy_gettext("Enter the city you live in, or the country.")), at_most(80)],
    )


class ZoneForm(Form):
    """One of the places that were found."""

    zone = RadioField(
        lazy_gettext("Which of these?"),
        [DataRequired(lazy_gettext("Choose one of the places."))],
        validate_choice=False,
    )


class PasskeyNameForm(Form):
    """What a passkey is called."""

    name = Text(
        lazy_gettext("Name of this passkey"),
        [
            DataRequired(lazy_gettext("Give the passkey a name, for example “My phone”.")),
            Length(max=MOST_NAME, message=lazy_gettext("Use at most 40 characters for the name.")),
            no_card_number,
        ],
    )


class NewPasskeyForm(PasskeyNameForm):
    """A new passkey with its name; a script puts in what the browser answers."""

    credential = HiddenField(validators=[Length(max=16 * 1024)])
