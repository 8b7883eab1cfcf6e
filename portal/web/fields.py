"""Form fields that understand how people type: amounts with either mark, dates in three boxes, codes with spaces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from babel.numbers import get_currency_name, get_decimal_symbol
from flask import g, has_request_context
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field, IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, StopValidation

from portal import amounts
from portal.amounts import Why
from portal.money import EXPONENTS, Money
from portal.web.formats import money as money_words
from portal.web.languages import Later, get_locale, lazy_gettext
from portal.web.languages import gettext as _

# Somebody who pastes a letter into a box gets back the beginning of it.
MOST_KEPT = 200
# More than any line is long; to make marks over marks plain takes time by the square of their number.
MOST_TIDIED = 2_000


def tidy(text: str | None) -> str:
    """Give a line with full-width forms plain and outer spaces gone: `　１２３ ` is `123`; of a letter its start."""
    plain = unicodedata.normalize("NFKC", (text or "")[:MOST_TIDIED])
    return "".join(sign for sign in plain if sign.isprintable() or sign.isspace()).strip()


def _not_offered(field: Field) -> str:
    return _("Choose one of the answers under “%(question)s”.", question=str(field.label.text))


class _InOurWords:
    """What stands where WTForms would use a sentence of its own: only a form that no page of ours sent can bring it."""

    def gettext(self, _said: str) -> str:
        """Give our sentence for any of WTForms'."""
        return _("This form did not reach us as it should have. Please send it again.")

    def ngettext(self, said: str, _many: str, _count: int) -> str:
        """Give the same."""
        return self.gettext(said)


def typed_before() -> MultiDict[str, str] | None:
    """Give what was typed on this page before the time was up, if anything was kept."""
    kept = g.get("kept_form") if has_request_context() else None
    return MultiDict(kept) if kept else None


class Form(FlaskForm):
    """Base of all forms; forgery protection is the application's, for every POST, and not the form's."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc, name-defined, unused-ignore]
        """Switches the form's own token off, and shows what was typed before the time was up, if anything was.

        Whatever is wrong with a form is said in our words.
        """

        csrf = False

        def get_translations(self, _form: object) -> _InOurWords:
            """Give what WTForms asks for the words of its own sentences."""
            return _InOurWords()

        def bind_field(self, form: object, unbound_field: Any, options: Mapping[str, Any]) -> Field:
            """Make a field; one with answers to choose from says which it is when something else was sent."""
            field = super().bind_field(form, unbound_field, options)
            if isinstance(field, SelectField):
                # Its label may be known later.
                field.invalid_value_message = field.invalid_choice_message = Later(_not_offered, field)
            return field

        def wrap_formdata(self, form: object, formdata: Any) -> Any:
            """Give what was sent, else what was kept for this page."""
            sent = super().wrap_formdata(form, formdata)
            return typed_before() if sent is None else sent

    def begin(self, **values: object) -> None:
        """Fill in what a page begins with, unless what was typed before the time was up has come back to it."""
        if not typed_before():
            for name, value in values.items():
                self[name].data = value

    def several_sums(self) -> bool:
        """Say whether more than one sum of money is asked for, so that what is wrong with one has to say with which."""
        return sum(hasattr(field, "money") for field in self) > 1


class Text(StringField):
    """A line of text, tidied."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Take the first value."""
        self.data = tidy(valuelist[0]) if valuelist else ""


class Amount(StringField):
    """An amount of money; `currency` must be set on the field before it is validated, then `money` holds the value."""

    currency = "USD"
    money: Money | None = None
    # A share may be nothing, and an empty box says so too.
    may_be_nothing = False

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Keep what was typed, as it was typed; no more of it than a page can show."""
        self.data = (valuelist[0] if valuelist else "").strip()[:MOST_KEPT]

    def pre_validate(self, form: object) -> None:
        """Read the amount.

        :raises StopValidation: if it isn't one, is zero, or can be read in two ways.
        """
        said = amounts.read(self.data or "", currency=self.currency, decimal_mark=get_decimal_symbol(get_locale()))
        if self.may_be_nothing and said == amounts.Unread(Why.NOTHING):
            said = amounts.Read(Money.zero(self.currency))
        if isinstance(said, amounts.Read) and (said.amount or self.may_be_nothing):
            self.money = said.amount
            return
        raise StopValidation(amount_problem(said, currency=self.currency))


def amount_problem(said: amounts.Read | amounts.TwoWays | amounts.Unread, *, currency: str) -> str:
    """Say why what was typed is no amount to go on with, and what to type instead."""
    match said:
        case amounts.Read():
            return _("Enter an amount above zero.")
        case amounts.TwoWays(large=large, small=small):
            mark = get_decimal_symbol(get_locale())
            return _(
                "This can be read in two ways. "
                "For %(large)s write %(write_large)s. For %(small)s write %(write_small)s.",
                large=money_words(large),
                write_large=amounts.written(large, decimal_mark=mark),
                small=money_words(small),
                write_small=amounts.written(small, decimal_mark=mark),
            )
        case amounts.Unread(why=Why.NOTHING):
            return _("Enter an amount.")
        case amounts.Unread(why=Why.NEGATIVE):
            return _("Enter an amount above zero.")
        case amounts.Unread(why=Why.OTHER_CURRENCY):
            return _(
                "What you owe is in %(currency)s. Enter the amount in %(currency)s.",
                currency=get_currency_name(currency, count=2, locale=get_locale()),
            )
        case amounts.Unread(why=Why.TOO_FINE) if not EXPONENTS[currency]:
            return _("Enter a whole amount, for example 50.")
        case amounts.Unread(why=Why.TOO_FINE):
            return _("Enter at most %(digits)s digits after the point.", digits=EXPONENTS[currency])
        case amounts.Unread(why=Why.TOO_LONG):
            return _("That is too long for an amount. Enter only the number, for example 50.")
        case _ if not EXPONENTS[currency]:
            return _("Enter the amount in numbers, for example 50.")
        case _:
            return _("Enter the amount in numbers, for example 50 or 62.50.")


def between(least: int, most: int, message: str | Later) -> Callable[[object, IntegerField], None]:
    """Give a check for a whole number in bounds, with one sentence for whatever else was typed."""

    def check(_form: object, field: IntegerField) -> None:
        if field.data is None or not least <= field.data <= most:
            field.errors = []
            raise StopValidation(message)

    return check


def at_most(most: int) -> Callable[[object, Field], None]:
    """Give a check for how many characters there may be; what is longer is looked at no further."""

    def check(_form: object, field: Field) -> None:
        if len(field.data or "") > most:
            what = str(field.label.text)
            raise StopValidation(_("“%(what)s” is too long. Shorten it to %(most)s characters.", what=what, most=most))

    return check


def birth_date_boxes() -> tuple[IntegerField, IntegerField, IntegerField]:
    """Give the boxes for day, month and year of a date of birth; a form lists its errors in the order of its fields."""
    return (
        IntegerField(lazy_gettext("Day"), [between(1, 31, lazy_gettext("Enter the day of your birth, 1 to 31."))]),
        IntegerField(lazy_gettext("Month"), [between(1, 12, lazy_gettext("Enter the month of your birth, 1 to 12."))]),
        IntegerField(
            lazy_gettext("Year"), [between(1900, 2100, lazy_gettext("Enter the year of your birth, with four digits."))]
        ),
    )


class BirthDateForm(Form):
    """A date of birth in three boxes, in the order day, month, year."""

    day, month, year = birth_date_boxes()

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Check all fields; three empty boxes are one thing that is missing."""
        right = bool(super().validate(extra_validators))
        if not any(box.raw_data and box.raw_data[0].strip() for box in (self.day, self.month, self.year)):
            self.day.errors, self.month.errors, self.year.errors = [_("Enter your date of birth.")], [], []
        return right

    def born_on(self) -> date | None:
        """Give the date, or None and an error on the day if there is no such day."""
        try:
            return date(self.year.data or 0, self.month.data or 0, self.day.data or 0)
        except ValueError:
            self.day.errors = (*self.day.errors, _("This day does not exist. Check day, month and year."))
            return None


class Code(StringField):
    """A one-time code; spaces and dashes in it do no harm, and the digits may be of any script."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Keep the digits."""
        typed = re.sub(r"[\s-]", "", tidy(valuelist[0])) if valuelist else ""
        self.data = "".join(str(unicodedata.decimal(sign, sign)) for sign in typed)


# As people write one, with spaces or dashes; the first digit is that of a card's network.
_LIKE_A_CARD = re.compile(r"(?<!\d)[2-6](?:[ \u00a0-]?\d){12,18}(?!\d)")


def has_card_number(text: str) -> bool:
    """Say whether a text has what can be the number of a card: 13 to 19 digits with the right last one.

    Source of the last digit: ISO/IEC 7812-1, annex B.

    >>> has_card_number("It is 4242 4242-4242 4242."), has_card_number("LN 4242 4242 4242 4241")
    (True, False)
    """
    plain = "".join(str(unicodedata.decimal(sign, sign)) for sign in text)
    return any(_last_digit_fits(re.sub(r"\D", "", found[0])) for found in _LIKE_A_CARD.finditer(plain))


def _last_digit_fits(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def no_card_number(_form: object, field: Field) -> None:
    """Refuse a text with the number of a card: nobody here needs one, and whoever reads it later should not have it.

    :raises StopValidation: if there is one.
    """
    if has_card_number(field.data or ""):
        raise StopValidation(_("This looks like the number of a card. Leave it out: nobody here needs one."))


__all__ = [
    "Amount",
    "BirthDateForm",
    "Code",
    "Form",
    "InputRequired",
    "Text",
    "amount_problem",
    "at_most",
    "between",
    "birth_date_boxes",
    "has_card_number",
    "no_card_number",
    "tidy",
]
