"""How much to pay."""

from __future__ import annotations

from flask_babel import lazy_gettext
from wtforms import HiddenField, RadioField
from wtforms.validators import InputRequired, StopValidation

from portal.web.fields import Amount, Form


class OptionalAmount(Amount):
    """An amount that is read only where "another amount" was chosen."""

    def pre_validate(self, form: object) -> None:
        """Read the amount if it counts.

        :raises StopValidation: if it counts and isn't one.
        """
        if getattr(form, "choice").data == "other":  # noqa: B009 - forms have no type of their own here
            super().pre_validate(form)
        else:
            self.errors = ()
            raise StopValidation


class PayForm(Form):
    """Which amount; `form_key` makes a second click on the same form the same payment."""

    choice = RadioField(lazy_gettext("Amount"), [InputRequired(lazy_gettext("Choose how much you want to pay."))])
    amount = OptionalAmount(lazy_gettext("Another amount"))
    form_key = HiddenField()
