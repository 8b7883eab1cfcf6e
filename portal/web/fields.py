"""Form fields that understand how people type: amounts with either mark, dates in three boxes, codes with spaces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from flask import g, has_request_context
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, StopValidation

from portal.money import EXPONENTS, Money


def tidy(text: str | None) -> str:
    """Give text with full-width forms made plain and outer spaces gone: `　１２３ ` is `123`."""
    plain = unicodedata.normalize("NFKC", text or "")
    return "".join(sign for sign in plain if sign.isprintable() or sign.isspace()).strip()


class Form(FlaskForm):
    """Base of all forms; forgery protection is the application's, for every POST, and not the form's."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc, name-defined, unused-ignore]
        """Switches the form's own token off, and shows what was typed before the time was up, if anything was."""

        csrf = False

        def wrap_formdata(self, form: object, formdata: Any) -> Any:
            """Give what was sent, else what was kept for this page."""
            sent = super().wrap_formdata(form, formdata)
            if sent is None and has_request_context() and (kept := g.get("kept_form")):
                return MultiDict(kept)
            return sent


class Text(StringField):
    """A line of text, tidied."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Take the first value."""
        self.data = tidy(valuelist[0]) if valuelist else ""


# A sign or a word of money may stand before and after, never between: `50 or 60` is not five thousand and sixty.
_AN_AMOUNT = re.compile(r"[^\d%()-]*([0-9][0-9.,' \u00a0\u202f]*)[^\d%()-]*")
_SPACED = re.compile(r"\d{1,3}(?:[' \u00a0\u202f]\d{3})*(?:[.,]\d*)?|[\d.,]+")


def amount_from(text: str, *, currency: str) -> Money | None:
    """Read an amount as people type it anywhere: `1,234.50`, `1.234,50`, `1 234,5`, `¥1234`, `１２３`; None if unclear.

    The last mark counts as the decimal mark when it is the only one of its kind and at most as many digits
    follow as the currency has; `1,234` is then twelve hundred in a two-decimal currency and never 1.234.
    """
    exponent = len(str(Money(1, currency).amount).partition(".")[2])
    found = _AN_AMOUNT.fullmatch(tidy(text))
    plain = found[1].strip() if found else ""
    if any(code in EXPONENTS and code != currency for code in re.findall(r"[A-Z]{3}", tidy(text).upper())):
        return None
    if not _SPACED.fullmatch(plain):
        return None
    plain = re.sub(r"[' \u00a0\u202f]", "", plain)
    marks = [mark for mark in plain if mark in ".,"]
    whole, fraction = plain, ""
    if marks:
        head, tail = plain[: plain.rindex(marks[-1])], plain[plain.rindex(marks[-1]) + 1 :]
        alone = marks.count(marks[-1]) == 1
        if alone and len(tail) <= exponent and (exponent or not tail):
            whole, fraction = head, tail
        elif alone and len(marks) == 1 and len(tail) != 3 or marks.count(marks[-1]) > 1 and len(set(marks)) > 1:
            return None
    groups = re.split(r"[.,]", whole)
    if len(groups) > 1 and (
        groups[0].strip("0") == "" or not 1 <= len(groups[0]) <= 3 or any(len(group) != 3 for group in groups[1:])
    ):
        return None
    digits = "".join(groups)
    if not digits.isdigit() or len(digits) > 12:
        return None
    return Money(int(digits + fraction.ljust(exponent, "0")), currency)


class Amount(StringField):
    """An amount of money; `currency` must be set on the field before it is validated, then `money` holds the value."""

    currency = "USD"
    money: Money | None = None

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Keep what was typed."""
        self.data = tidy(valuelist[0]) if valuelist else ""

    def pre_validate(self, form: object) -> None:
        """Read the amount.

        :raises StopValidation: if it isn't one, is zero, or is absurd.
        """
        if not self.data:
            raise StopValidation(_("Enter an amount."))
        self.money = amount_from(self.data, currency=self.currency)
        if self.money is None:
            raise StopValidation(_("Enter the amount in numbers, for example 50 or 62.50."))
        if self.money.minor <= 0:
            raise StopValidation(_("Enter an amount above zero."))


def between(least: int, most: int, message: str) -> Callable[[object, IntegerField], None]:
    """Give a check for a whole number in bounds, with one sentence for whatever else was typed."""

    def check(_form: object, field: IntegerField) -> None:
        if field.data is None or not least <= field.data <= most:
            field.errors = []
            raise StopValidation(message)

    return check


class BirthDateForm(Form):
    """A date of birth in three boxes, in the order day, month, year."""

    day = IntegerField(lazy_gettext("Day"), [between(1, 31, lazy_gettext("Enter the day of your birth, 1 to 31."))])
    month = IntegerField(
        lazy_gettext("Month"), [between(1, 12, lazy_gettext("Enter the month of your birth, 1 to 12."))]
    )
    year = IntegerField(
        lazy_gettext("Year"), [between(1900, 2100, lazy_gettext("Enter the year of your birth, with four digits."))]
    )

    def born_on(self) -> date | None:
        """Give the date, or None and an error on the day if there is no such day."""
        try:
            return date(self.year.data or 0, self.month.data or 0, self.day.data or 0)
        except ValueError:
            self.day.errors = (*self.day.errors, _("This day does not exist. Check day, month and year."))
            return None


class Code(StringField):
    """A one-time code; spaces and dashes in it do no harm."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Keep the digits."""
        self.data = re.sub(r"[\s-]", "", tidy(valuelist[0])) if valuelist else ""


__all__ = ["Amount", "BirthDateForm", "Code", "Form", "InputRequired", "Text", "amount_from", "between", "tidy"]
