"""What a debtor says about a plan: how much, how often, which day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from babel.numbers import get_decimal_symbol
from wtforms import DateField, IntegerField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, StopValidation

from portal import amounts
from portal.affordability.budget import Every, Group, Line
from portal.money import Money
from portal.offers.asked import Way
from portal.schedules.dates import Frequency
from portal.web.fields import MOST_KEPT, Amount, Form, amount_problem, between, tidy
from portal.web.languages import get_locale, lazy_gettext
from portal.web.languages import gettext as _

# What stands between the two ends of a range: 400-500, 400 – 500, 400 to 500, 400至500. A dash at the start is a minus.
_BETWEEN: Final = re.compile(r"(?<=[0-9.,\s])\s*(?:[-–—~～]|to|bis|至|到)\s*(?=\S)")  # noqa: RUF001

# Further ahead than any plan begins.
_MOST_DAYS_AHEAD = 3_660


_EVERY: Final = {
    Frequency.WEEKLY: lazy_gettext("a week"),
    Frequency.FORTNIGHTLY: lazy_gettext("every two weeks"),
    Frequency.FOUR_WEEKLY: lazy_gettext("every four weeks"),
    Frequency.TWICE_A_MONTH: lazy_gettext("twice a month"),
    Frequency.MONTHLY: lazy_gettext("a month"),
    Frequency.QUARTERLY: lazy_gettext("every three months"),
    Frequency.SEASONAL: lazy_gettext("in each month of the season"),
}


def every(frequency: Frequency) -> str:
    """Say how often, as it stands after an amount."""
    return str(_EVERY[frequency])


_HOW_OFTEN: Final = {
    Frequency.WEEKLY: lazy_gettext("Every week"),
    Frequency.FORTNIGHTLY: lazy_gettext("Every two weeks"),
    Frequency.FOUR_WEEKLY: lazy_gettext("Every four weeks"),
    Frequency.TWICE_A_MONTH: lazy_gettext("Twice a month"),
    Frequency.MONTHLY: lazy_gettext("Every month"),
    Frequency.QUARTERLY: lazy_gettext("Every three months"),
    Frequency.SEASONAL: lazy_gettext("In each month of the season"),
}


def how_often(frequency: Frequency) -> str:
    """Say how often, as an answer to choose."""
    return str(_HOW_OFTEN[frequency])


def weekday(number: int) -> str:
    """Give the name of a day of the week, 1 for Monday."""
    return (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))[
        number - 1
    ]


class Day(DateField):
    """A day to come; `today` must be set on the field before it is validated."""

    today = date.min

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Read the day as a browser sends it: 2026-05-30.

        :raises ValueError: if there is no such day.
        """
        typed = tidy(valuelist[0]) if valuelist else ""
        try:
            self.data = date.fromisoformat(typed)
        except ValueError:
            raise ValueError(
                _("This day does not exist. Check day, month and year.") if typed else _("Enter a day.")
            ) from None

    def pre_validate(self, form: object) -> None:
        """Look whether it lies ahead, and not in another age.

        :raises StopValidation: if it doesn't.
        """
        if self.data is not None and self.data <= self.today:
            raise StopValidation(_("This day is over. Enter a day from tomorrow on."))
        if self.data is not None and self.data - self.today > timedelta(days=_MOST_DAYS_AHEAD):
            raise StopValidation(_("This day is too far away. Enter an earlier day."))


def _how_often_field() -> RadioField:
    return RadioField(lazy_gettext("How often?"), [InputRequired(lazy_gettext("Choose how often you want to pay."))])


class AffordForm(Form):
    """How much a debtor can pay, and how often."""

    amount = Amount(lazy_gettext("I can pay"))
    frequency = _how_often_field()


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


class PreviewForm(AffordForm):
    """What somebody types, looked at before it is sent: as for affording, with a pay day that is known already."""

    pay_day = IntegerField(lazy_gettext("Day"))


class StartLowForm(Form):
    """So many small payments, and more after them."""

    start = Amount(lazy_gettext("At the start I can pay"))
    count = IntegerField(
        lazy_gettext("How many of these small payments?"),
        [between(1, 60, lazy_gettext("Enter how many small payments you want, 1 to 60."))],
    )
    amount = Amount(lazy_gettext("After that I can pay"))
    frequency = _how_often_field()


class DownPaymentForm(Form):
    """A larger first payment by a day, and more after it."""

    first = Amount(lazy_gettext("First I can pay"))
    pay_by = Day(lazy_gettext("By which day?"))
    amount = Amount(lazy_gettext("After that I can pay"))
    frequency = _how_often_field()


class PauseForm(Form):
    """Months without payments, and regular ones after them."""

    months = IntegerField(
        lazy_gettext("How many months without a payment?"),
        [between(1, 60, lazy_gettext("Enter a number of months, 1 to 60."))],
    )
    amount = Amount(lazy_gettext("After that I can pay"))
    frequency = _how_often_field()


class LessForAWhileForm(Form):
    """A smaller payment for some months."""

    amount = Amount(lazy_gettext("For now I can pay"))
    months = IntegerField(
        lazy_gettext("For how many months?"), [between(1, 60, lazy_gettext("Enter a number of months, 1 to 60."))]
    )
    frequency = _how_often_field()


class SettleForm(Form):
    """A part of what is owed, in one payment."""

    amount = Amount(lazy_gettext("I can pay, in all"))
    pay_by = Day(lazy_gettext("By which day?"))


class SettleInPartsForm(Form):
    """A part of what is owed, in a few payments."""

    amount = Amount(lazy_gettext("I can pay, in all"))
    parts = IntegerField(
        lazy_gettext("In how many payments?"), [between(2, 60, lazy_gettext("Enter how many payments, 2 to 60."))]
    )
    pay_by = Day(lazy_gettext("When is the first?"))
    frequency = _how_often_field()


class SeasonForm(Form):
    """So much in each month of the season."""

    amount = Amount(lazy_gettext("In each month of the season I can pay"))


FORM_OF = {
    Way.STEPS: StartLowForm,
    Way.DOWN_PAYMENT: DownPaymentForm,
    Way.PAUSE: PauseForm,
    Way.LOWER: LessForAWhileForm,
    Way.SETTLE_AT_ONCE: SettleForm,
    Way.SETTLE_IN_PARTS: SettleInPartsForm,
    Way.SEASON: SeasonForm,
}


class EmptyForm(Form):
    """A page whose only answer is its button."""


class MoneyRange(StringField):
    """An amount, or a range of two: `400`, `400-500`, `400 to 500`; empty is nothing. `money` holds both ends."""

    currency = "USD"
    money: tuple[Money, Money | None] | None = None

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Keep what was typed, as it was typed."""
        self.data = (valuelist[0] if valuelist else "").strip()[:MOST_KEPT]

    def pre_validate(self, form: object) -> None:
        """Read one amount or both.

        :raises StopValidation: if it is neither, or the second is below the first.
        """
        self.money = None
        parts = _BETWEEN.split(tidy(self.data or ""), maxsplit=1)
        if parts == [""]:
            return
        mark = get_decimal_symbol(get_locale())
        found = []
        for part in parts:
            said = amounts.read(part, currency=self.currency, decimal_mark=mark)
            if not isinstance(said, amounts.Read):
                raise StopValidation(amount_problem(said, currency=self.currency))
            found.append(said.amount)
        if len(found) == 2 and found[1] < found[0]:
            raise StopValidation(_("Write the smaller amount first, for example 400-500."))
        self.money = (found[0], found[1] if len(found) == 2 else None)


class BudgetForm(Form):
    """What comes in, what must be paid and what life costs; every box may stay empty."""

    adults = IntegerField(
        lazy_gettext("Adults in your household"),
        [between(1, 20, lazy_gettext("Enter how many adults live on this money, 1 to 20."))],
        default=1,
    )
    children = IntegerField(
        lazy_gettext("Children"),
        [between(0, 20, lazy_gettext("Enter how many children live on this money, 0 to 20."))],
        default=0,
    )

    def lines(self) -> tuple[Line, ...]:
        """Give what was stated, one line a box that isn't empty."""
        found = []
        for group in ASKED_GROUPS:
            box = self[group.value]
            if box.money is not None:
                low, high = box.money
                found.append(Line(group, low, Every(self[f"{group.value}_every"].data), high))
        return tuple(found)


GROUPS_COMING_IN = (Group.EARNINGS, Group.BENEFITS, Group.OTHER_INCOME)
GROUPS_TO_PAY = (Group.HOME, Group.UTILITIES, Group.TAXES, Group.PRIORITY_DEBTS, Group.HEALTH, Group.OTHER_ESSENTIAL)
GROUPS_OF_LIFE = (Group.FOOD, Group.TRANSPORT, Group.PERSONAL, Group.LEISURE)
ASKED_GROUPS = (*GROUPS_COMING_IN, *GROUPS_TO_PAY, *GROUPS_OF_LIFE)
for _group in ASKED_GROUPS:
    setattr(BudgetForm, _group.value, MoneyRange())
    setattr(BudgetForm, f"{_group.value}_every", SelectField(validate_choice=True, default=Every.MONTH.value))
