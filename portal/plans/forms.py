"""What a debtor says about a plan: how much, how often, which day."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import IntegerField, RadioField
from wtforms.validators import InputRequired

from portal.schedules.dates import Frequency
from portal.web.fields import Amount, Form, between


def every(frequency: Frequency) -> str:
    """Say how often, as it stands after an amount."""
    return {
        Frequency.WEEKLY: _("a week"),
        Frequency.FORTNIGHTLY: _("every two weeks"),
        Frequency.FOUR_WEEKLY: _("every four weeks"),
        Frequency.TWICE_A_MONTH: _("twice a month"),
        Frequency.MONTHLY: _("a month"),
        Frequency.QUARTERLY: _("every three months"),
        Frequency.SEASONAL: _("in each month of the season"),
    }[frequency]


def how_often(frequency: Frequency) -> str:
    """Say how often, as an answer to choose."""
    return {
        Frequency.WEEKLY: _("Every week"),
        Frequency.FORTNIGHTLY: _("Every two weeks"),
        Frequency.FOUR_WEEKLY: _("Every four weeks"),
        Frequency.TWICE_A_MONTH: _("Twice a month"),
        Frequency.MONTHLY: _("Every month"),
        Frequency.QUARTERLY: _("Every three months"),
        Frequency.SEASONAL: _("In each month of the season"),
    }[frequency]


def weekday(number: int) -> str:
    """Give the name of a day of the week, 1 for Monday."""
    return (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))[
        number - 1
    ]


class AffordForm(Form):
    """How much a debtor can pay, and how often."""

    amount = Amount(lazy_gettext("I can pay"))
    frequency = RadioField(
        lazy_gettext("How often?"), [InputRequired(lazy_gettext("Choose how often you want to pay."))]
    )


class DayOfMonthForm(Form):
    """The day of the month on which paying suits."""

    pay_day = IntegerField(
        lazy_gettext("Day of the month"),
        [between(1, 31, lazy_gettext("Enter a day of the month, 1 to 31."))],
    )


class DayOfWeekForm(Form):
    """The day of the week on which paying suits."""

    pay_day = RadioField(
        lazy_gettext("Day of the week"), [InputRequired(lazy_gettext("Choose a day of the week."))], coerce=int
    )


class EmptyForm(Form):
    """A page whose only answer is its button."""
