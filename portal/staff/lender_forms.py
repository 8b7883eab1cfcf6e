"""What an operator says of a new lender."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import available_timezones

from wtforms import PasswordField, RadioField, SelectMultipleField, TextAreaField
from wtforms.validators import InputRequired, StopValidation
from wtforms.validators import Optional as MayBeEmpty
from wtforms.widgets import CheckboxInput, ListWidget

from portal.lenders.brand import CORNERS
from portal.lenders.hosts import everybodys, host_named
from portal.money import EXPONENTS
from portal.staff.forms import LONGEST_NAME, Filled, is_an_email
from portal.web.colours import NotAColour, colour_from
from portal.web.fields import Form, Text, at_most
from portal.web.languages import LANGUAGES, get_locale, lazy_gettext, tag
from portal.web.languages import gettext as _

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_KEY = re.compile(r"(?:sk|rk)_(?:test|live)_[A-Za-z0-9_]{4,250}")
_WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{4,250}")


def is_stripe_key(text: str) -> bool:
    """Say whether a text has the shape of a secret key of Stripe."""
    return _KEY.fullmatch(text) is not None


def is_webhook_secret(text: str) -> bool:
    """Say whether a text has the shape of a signing secret of Stripe."""
    return _WEBHOOK_SECRET.fullmatch(text) is not None


class LenderForm(Form):
    """Everything that a lender needs to begin; what is empty can be said later."""

    name = Text(lazy_gettext("Name that people know"), [Filled(lazy_gettext("Enter the name.")), at_most(LONGEST_NAME)])
    slug = Text(lazy_gettext("Short name in addresses"), [at_most(40)])
    legal_name = Text(lazy_gettext("Registered name"), [at_most(200)])
    address = TextAreaField(lazy_gettext("Address, a line each"), [at_most(400)])
    licence = Text(lazy_gettext("Licence"), [at_most(200)])
    phone = Text(lazy_gettext("Phone number for people"), [at_most(40)])
    email = Text(lazy_gettext("E-mail address for people"), [MayBeEmpty(), at_most(254), is_an_email])
    website = Text(lazy_gettext("Website"), [at_most(200)])
    jurisdiction = Text(lazy_gettext("Country of its law"), [at_most(40)])
    currency = Text(lazy_gettext("Currency"), [at_most(40)])
    zone = Text(lazy_gettext("Time zone"), [at_most(60)])
    languages = SelectMultipleField(
        lazy_gettext("Languages"), option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False)
    )
    host = Text(lazy_gettext("Host of its own"), [at_most(253)])
    accent = Text(lazy_gettext("Accent colour"), [at_most(20)])
    corners = RadioField(lazy_gettext("Corners"))
    stripe_key = PasswordField(lazy_gettext("Secret key of its Stripe account"))
    stripe_webhook_secret = PasswordField(lazy_gettext("Signing secret of its webhook"))
    admin_name = Text(
        lazy_gettext("Name of its first administrator"),
        [Filled(lazy_gettext("Enter the name.")), at_most(LONGEST_NAME)],
    )
    admin_email = Text(
        lazy_gettext("E-mail address of its first administrator"),
        [InputRequired(lazy_gettext("Enter the e-mail address.")), at_most(254), is_an_email],
    )

    def offer(self) -> None:
        """Offer languages and corners."""
        self.languages.choices = [(tag(code), words) for code, words in LANGUAGES.items()]
        names = {"round": _("Round"), "soft": _("Soft"), "square": _("Square")}
        self.corners.choices = [(one, names.get(one, one)) for one in CORNERS]

    def validate_slug(self, field: Text) -> None:
        """Look at the short name.

        :raises StopValidation: if it can't stand in an address.
        """
        if not _SLUG.fullmatch(field.data or ""):
            raise StopValidation(_("Small letters a to z, digits and hyphens only, for example linden-bank."))

    def validate_jurisdiction(self, field: Text) -> None:
        """Look at the country.

        :raises StopValidation: if there is none of this code.
        """
        code = (field.data or "").upper()
        if code not in get_locale().territories or len(code) != 2 or code.isdigit():
            raise StopValidation(_("Enter the two letters of a country, for example US or CN."))
        field.data = code

    def validate_currency(self, field: Text) -> None:
        """Look at the currency.

        :raises StopValidation: if there is none of this code.
        """
        code = (field.data or "").upper()
        if code not in EXPONENTS:
            raise StopValidation(_("Enter the three letters of a currency, for example USD or CNY."))
        field.data = code

    def validate_zone(self, field: Text) -> None:
        """Look at the zone.

        :raises StopValidation: if there is none of this name.
        """
        if field.data not in available_timezones():
            raise StopValidation(_("Enter a time zone by its name, for example America/New_York or Asia/Shanghai."))

    def validate_languages(self, field: SelectMultipleField) -> None:
        """Look whether there is one.

        :raises StopValidation: if not.
        """
        if not field.data:
            raise StopValidation(_("Tick at least one language."))

    def validate_host(self, field: Text) -> None:
        """Look at the host.

        :raises StopValidation: if it can't be one, or is the one that everybody shares.
        """
        if not field.data:
            return
        name = host_named(field.data)
        if name is None:
            raise StopValidation(_("Enter the name of a host alone, for example pay.linden-bank.example."))
        if name == everybodys():
            raise StopValidation(_("This host is shared by all lenders. Leave the box empty for it."))
        field.data = name

    def validate_accent(self, field: Text) -> None:
        """Look at the colour.

        :raises StopValidation: if it is none.
        """
        try:
            field.data = colour_from(field.data) if field.data else ""
        except NotAColour:
            raise StopValidation(_("Enter a colour such as #17595b, or leave it empty.")) from None

    def validate_stripe_key(self, field: PasswordField) -> None:
        """Look at the shape of the key.

        :raises StopValidation: if it has not that of a secret key.
        """
        field.data = (field.data or "").strip()
        if field.data and not is_stripe_key(field.data):
            raise StopValidation(_("A secret key of Stripe begins with sk_ or rk_. Please copy it again."))

    def validate_stripe_webhook_secret(self, field: PasswordField) -> None:
        """Look at the shape of the secret.

        :raises StopValidation: if it has not that of a signing secret.
        """
        field.data = (field.data or "").strip()
        if field.data and not is_webhook_secret(field.data):
            raise StopValidation(_("A signing secret of Stripe begins with whsec_. Please copy it again."))

    def values(self) -> dict[str, Any]:
        """Give the columns of the lender's row."""
        lines = [line.strip() for line in (self.address.data or "").splitlines()]
        return {
            "slug": self.slug.data,
            "name": self.name.data,
            "legal_name": self.legal_name.data or self.name.data,
            "address": [line for line in lines if line],
            "licence": self.licence.data or "",
            "phone": self.phone.data or "",
            "email": self.email.data or "",
            "urgent_email": None,
            "website": self.website.data or "",
            "host": self.host.data or None,
            "jurisdiction": self.jurisdiction.data,
            "currency": self.currency.data,
            "zone": self.zone.data,
            "languages": list(self.languages.data or ()),
            "stripe_secret_key": self.stripe_key.data or None,
            "stripe_webhook_secret": self.stripe_webhook_secret.data or None,
        }
