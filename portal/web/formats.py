"""Money, days and instants as people read them, in the language of the page or letter."""

from __future__ import annotations

from copy import copy
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import NumberPattern, format_decimal
from flask import Flask
from flask_babel import get_locale
from flask_login import current_user

from portal.money import EXPONENTS, Money


def _language() -> str:
    return str(get_locale() or "en")


def money(value: Money) -> str:
    """Give an amount with its currency sign: `$1,418.63`, in Chinese `US$1,418.63`."""
    language = _language()
    digits = EXPONENTS[value.currency]
    return _pattern(language, digits).apply(value.amount, language, currency=value.currency, currency_digits=False)


@lru_cache(maxsize=64)
def _pattern(language: str, digits: int) -> NumberPattern:
    """Give the language's pattern for money with as many decimals as the currency has by ISO 4217, not by CLDR."""
    pattern = copy(Locale.parse(language).currency_formats["standard"])
    pattern.frac_prec = (digits, digits)
    return pattern


def day(value: date) -> str:
    """Give a day that nobody can misread: `10 May 2026`, `2026年5月10日`; never digits alone."""
    language = _language()
    return format_date(value, "d MMMM y" if language.startswith("en") else "long", locale=language)


def short_day(value: date) -> str:
    """Give a day without its year: `10 May`, `5月10日`."""
    language = _language()
    return format_date(value, "d MMM" if language.startswith("en") else "M月d日", locale=language)


def instant(value: datetime, zone: str | None = None) -> str:
    """Give an instant in somebody's zone, with the zone named: `10 May 2026, 14:05 (GMT+08:00)`.

    Without a zone it is the signed-in person's, else UTC.
    """
    language = _language()
    zone = zone or str(getattr(current_user, "zone", "UTC"))
    form = "d MMMM y, HH:mm (ZZZZ)" if language.startswith("en") else "y年M月d日 HH:mm（ZZZZ）"
    return format_datetime(value, form, tzinfo=ZoneInfo(zone), locale=language)


def percent(value: Decimal) -> str:
    """Give a rate that is written in percent: Decimal("18.25") is `18.25%`."""
    return format_decimal(value, format="#,##0.####", locale=_language()) + "%"


def install(app: Flask) -> None:
    """Make the formats filters of every template."""
    for function in (money, day, short_day, instant, percent):
        app.jinja_env.filters[function.__name__] = function
