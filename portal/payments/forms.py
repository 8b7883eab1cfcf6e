"""How much to pay, on one debt or shared over several."""

from __future__ import annotations

from collections.abc import Iterable

from wtforms import HiddenField, RadioField
from wtforms.validators import InputRequired, StopValidation

from portal.web.fields import Amount, Form
from portal.web.languages import lazy_gettext


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


class Share(Amount):
    """How much of a payment is for one debt; nothing is an answer."""

    may_be_nothing = True


class PayForm(Form):
    """Which amount; `form_key` makes a second click on the same form the same payment."""

    choice = RadioField(lazy_gettext("Amount"), [InputRequired(lazy_gettext("Choose how much you want to pay."))])
    amount = OptionalAmount(lazy_gettext("Another amount"))
    form_key = HiddenField()


class SharesForm(Form):
    """An amount, and a share of it for each debt; `of` makes the form for some debts."""

    amount = Amount(lazy_gettext("All together"))
    form_key = HiddenField()

    @classmethod
    def of(cls, debts: Iterable[tuple[str, str]], *, currency: str) -> SharesForm:
        """Make the form for debts, each as the name of its field and the words beside it."""
        fields = {name: Share(label) for name, label in debts}
        form: SharesForm = type("SharesFormOfSomebody", (cls,), fields)()
        for field in form:
            if isinstance(field, Amount):
                field.currency = currency
        return form

    @property
    def shares(self) -> list[Share]:
        """Give the fields of the debts."""
        return [field for field in self if isinstance(field, Share)]
