"""What somebody says about a change: which payment and which day, how many months, how much."""

from __future__ import annotations

from wtforms import IntegerField, RadioField, SelectField
from wtforms.validators import InputRequired

from portal.plans.forms import Day, DayOfMonthForm, DayOfWeekForm
from portal.plans.redrawing import Kind
from portal.web.fields import Amount, Form, between
from portal.web.languages import lazy_gettext


class MoveForm(Form):
    """Which payment, and to which day."""

    seq = SelectField(lazy_gettext("Which payment?"), coerce=int)
    to = Day(lazy_gettext("To which day?"))


class SkipForm(Form):
    """Nothing is asked: it is the next payment."""


class PauseForm(Form):
    """How many months without a payment."""

    months = IntegerField(
        lazy_gettext("How many months without a payment?"),
        [between(1, 12, lazy_gettext("Enter a number of months, 1 to 12."))],
    )


class ShrinkForm(Form):
    """How much less, and for how long."""

    amount = Amount(lazy_gettext("For now I can pay"))
    months = IntegerField(
        lazy_gettext("For how many months?"), [between(1, 60, lazy_gettext("Enter a number of months, 1 to 60."))]
    )


class ExtraForm(Form):
    """How much beside the plan, and what it is for."""

    amount = Amount(lazy_gettext("I want to pay extra"))
    use = RadioField(
        lazy_gettext("What is it for?"), [InputRequired(lazy_gettext("Choose what the extra payment is for."))]
    )


FORM_OF: dict[Kind, type[Form]] = {
    Kind.MOVE: MoveForm,
    Kind.PAY_DAY: DayOfMonthForm,
    Kind.SKIP: SkipForm,
    Kind.PAUSE: PauseForm,
    Kind.SHRINK: ShrinkForm,
    Kind.EXTRA: ExtraForm,
}

__all__ = ["FORM_OF", "DayOfWeekForm", "ExtraForm", "MoveForm", "PauseForm", "ShrinkForm", "SkipForm"]
