"""Boxes of a form of limits: each takes what is typed and gives it as the file has it, and shows what the file has.

Invariant: an empty box is a key that is left out. What a box takes is a value of the right kind and within the bounds
of the language of the file, so that reading it can’t fail for that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from babel.numbers import get_decimal_symbol
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import StopValidation

from portal import amounts
from portal.limits.reading import LONGEST_TEXT, seen
from portal.money import EXPONENTS, Money
from portal.web.fields import MOST_KEPT, amount_problem, tidy
from portal.web.languages import Later, get_locale
from portal.web.languages import gettext as _

_NUMBER = re.compile(r"-?[0-9]{1,12}([.,][0-9]{1,6})?", re.ASCII)
_YEAR_DAY = re.compile(r"([0-9]{2})-([0-9]{2})", re.ASCII)


class Line(StringField):
    """A line of text as it is typed, because a name in the lender's file is compared letter by letter.

    `kept` of every box is what the file gets, None where the key is left out.
    """

    kept: Any = None

    def __init__(self, label: Later, longest: int = LONGEST_TEXT, **options: Any) -> None:
        super().__init__(label, **options)
        self.longest = longest

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Take the first value, without signs that steer a printer or turn what is read around."""
        typed = valuelist[0][:MOST_KEPT] if valuelist else ""
        self.data = seen(typed).strip()

    def show(self, value: Any) -> None:
        """Show what the file has."""
        self.data = "" if value is None else str(value)

    def pre_validate(self, _form: object) -> None:
        """Take what was typed.

        :raises StopValidation: if that is no value for this key.
        """
        self.kept = self.take(self.data) if self.data else None

    def take(self, typed: str) -> Any:
        """Give what the file gets for what was typed.

        :raises StopValidation: if that is no value for this key.
        """
        if len(typed) > self.longest:
            raise StopValidation(_("Write it in at most %(count)s signs.", count=self.longest))
        return typed


class Whole(Line):
    """A whole number in bounds."""

    def __init__(self, label: Later, least: int = 0, most: int = 10**6, **options: Any) -> None:
        super().__init__(label, **options)
        self.least, self.most = least, most

    def take(self, typed: str) -> int:
        """Give the number.

        :raises StopValidation: if it is none, or out of bounds.
        """
        plain = tidy(typed)
        if re.fullmatch(r"[0-9]{1,9}", plain, re.ASCII) and self.least <= int(plain) <= self.most:
            return int(plain)
        raise StopValidation(_("Enter a whole number from %(least)s to %(most)s.", least=self.least, most=self.most))


class Share(Line):
    """A number with decimals in bounds: a share in percent, or a rate a year."""

    def __init__(self, label: Later, most: int = 100, decimals: int = 2, least: int = 0, **options: Any) -> None:
        super().__init__(label, **options)
        self.least, self.most, self.decimals = least, most, decimals

    def take(self, typed: str) -> Decimal:
        """Give the number.

        :raises StopValidation: if it is none, out of bounds or too fine.
        """
        plain = tidy(typed).removesuffix("%").strip()
        if _NUMBER.fullmatch(plain):
            value = Decimal(plain.replace(",", "."))
            if self.least <= value <= self.most and value == round(value, self.decimals):
                return value
        raise StopValidation(
            _(
                "Enter a number from %(least)s to %(most)s, with at most %(digits)s digits after the point.",
                least=self.least,
                most=self.most,
                digits=self.decimals,
            )
        )

    def show(self, value: Any) -> None:
        """Show the number without what does not count."""
        self.data = "" if value is None else f"{Decimal(value):f}"


class Sum(Line):
    """An amount of money in the lender's currency, which `currency` must name; nothing of some where `least` is 0."""

    currency = "USD"

    def __init__(self, label: Later, least: int = 0, **options: Any) -> None:
        super().__init__(label, **options)
        self.least = least

    def take(self, typed: str) -> Decimal:
        """Give the amount in major units.

        :raises StopValidation: if it isn't one, or can be read in two ways.
        """
        said = amounts.read(typed, currency=self.currency, decimal_mark=get_decimal_symbol(get_locale()))
        if isinstance(said, amounts.Read) and (said.amount or not self.least):
            return said.amount.amount
        raise StopValidation(amount_problem(said, currency=self.currency))

    def show(self, value: Money | None) -> None:
        """Show the amount with the mark of the reader's language; whole amounts without one."""
        if value is None:
            self.data = ""
        else:
            written = amounts.written(value, decimal_mark=get_decimal_symbol(get_locale()))
            ending = get_decimal_symbol(get_locale()) + "0" * EXPONENTS[value.currency]
            self.data = written.removesuffix(ending) if EXPONENTS[value.currency] else written


class SeasonEnd(Line):
    """One end of a season: 09-01 for every year, 2026-09-01 for one."""

    def take(self, typed: str) -> str | date:
        """Give the day of every year as it is typed, or the date.

        :raises StopValidation: if it is neither.
        """
        plain = tidy(typed)
        try:
            if found := _YEAR_DAY.fullmatch(plain):
                # A leap year, in which every day of a year is.
                date(2028, int(found[1]), int(found[2]))
                return plain
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", plain, re.ASCII):
                return date.fromisoformat(plain)
        except ValueError:
            pass
        raise StopValidation(_("Enter a day of every year such as 09-01 (month, day), or one date such as 2026-09-01."))


class Lines(TextAreaField):
    """Texts, one a line."""

    kept: Any = None

    def show(self, value: Sequence[str] | None) -> None:
        """Show one a line."""
        self.data = "\n".join(value or ())

    def pre_validate(self, _form: object) -> None:
        """Take each line that has something in it.

        :raises StopValidation: if one is too long.
        """
        self.kept = [line.strip() for line in map(seen, (self.data or "").splitlines()) if line.strip()] or None
        if any(len(line) > LONGEST_TEXT for line in self.kept or ()):
            raise StopValidation(_("Write each line in at most %(count)s signs.", count=LONGEST_TEXT))


class OneOf(SelectField):
    """One of a few; nothing chosen leaves the key out."""

    kept: Any = None

    def show(self, value: Enum | None) -> None:
        """Choose what the file has."""
        self.data = "" if value is None else value.value

    def pre_validate(self, form: object) -> None:
        """Take what was chosen.

        :raises StopValidation: if it is none of them.
        """
        super().pre_validate(form)
        self.kept = self.data or None


class SomeOf(SelectMultipleField):
    """Several of a few; none leaves the key out. `whole` are numbers in the file."""

    kept: Any = None

    def __init__(self, label: Later, whole: bool = False, **options: Any) -> None:
        super().__init__(label, **options)
        self.whole = whole

    def show(self, value: Sequence[Enum | int] | None) -> None:
        """Choose what the file has."""
        self.data = [str(each.value if isinstance(each, Enum) else each) for each in value or ()]

    def pre_validate(self, form: object) -> None:
        """Take what was chosen.

        :raises StopValidation: if it is none of them.
        """
        super().pre_validate(form)
        chosen = [*(self.data or ())]
        self.kept = ([int(each) for each in chosen] if self.whole else chosen) or None


class YesNo(BooleanField):
    """Yes, or the key is left out."""

    kept: Any = None

    def show(self, value: bool | None) -> None:
        """Tick it if the file says so."""
        self.data = bool(value)

    def pre_validate(self, _form: object) -> None:
        """Take the tick."""
        self.kept = True if self.data else None
