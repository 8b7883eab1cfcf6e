"""Money, days and instants as people read them, in the language of the page or letter."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, get_timezone_location
from babel.numbers import (
    format_decimal,
    get_currency_symbol,
    get_decimal_symbol,
    get_group_symbol,
)
from flask_login import current_user

from portal.money import EXPONENTS, Money
from portal.web.capitals import capitals as chinese_capitals
from portal.web.languages import locale_of, page_language


class NotInThousands(Exception):
    """A language whose way to group digits we don't know yet."""


def _locale(language: str | None) -> Locale:
    """Give the locale of a language, by default of the page that is being made."""
    return locale_of(language or page_language())


def money(value: Money, *, language: str | None = None) -> str:
    """Give an amount with its currency sign: `$1,418.63`, in Chinese `US$1,418.63`."""
    return _money(value.minor, value.currency, language or page_language())


# A plan of level payments names one amount twenty times.
@lru_cache(maxsize=4096)
def _money(minor: int, currency: str, language: str) -> str:
    before, after, group, point, digits = _form(language, currency, minor < 0)
    text = str(abs(minor)).rjust(digits + 1, "0")
    whole, cents = (text[:-digits], point + text[-digits:]) if digits else (text, "")
    return f"{before}{int(whole):,}".replace(",", group) + cents + after


@lru_cache(maxsize=512)
def _form(language: str, currency: str, negative: bool) -> tuple[str, str, str, str, int]:  # noqa: FBT001
    """Give what stands before and after an amount, between its thousands and before its decimals, and their number.

    The language's pattern for money, with as many decimals as the currency has by ISO 4217, not by CLDR. Babel itself
    works it out anew for each amount, and a page has thirty.

    :raises NotInThousands: if the language groups digits in another way, as Hindi does.
    """
    locale = locale_of(language)
    pattern = locale.currency_formats["standard"]
    if pattern.grouping != (3, 3):
        raise NotInThousands(language)
    sign = get_currency_symbol(currency, locale)
    before, after = (
        # As wide as a plus, and read aloud as minus; a hyphen is neither.
        part.replace("¤", sign).replace("-", "−")
        for part in (pattern.prefix[negative], pattern.suffix[negative])
    )
    return before, after, get_group_symbol(locale), get_decimal_symbol(locale), EXPONENTS[currency]


def day(value: date, *, language: str | None = None) -> str:
    """Give a day that nobody can misread: `10 May 2026`, `2026年5月10日`; never digits alone.

    The space after its number doesn't break, so that no line ends in `until 10`.
    """
    return _day(value, language or page_language())


# A page names the same few days again and again.
@lru_cache(maxsize=4096)
def _day(value: date, language: str) -> str:
    locale = locale_of(language)
    return format_date(value, "d\u00a0MMMM y" if locale.language == "en" else "long", locale=locale)


def short_day(value: date, *, language: str | None = None) -> str:
    """Give a day without its year: `10 May`, `5月10日`."""
    locale = _locale(language)
    return format_date(value, "d MMM" if locale.language == "en" else "M月d日", locale=locale)


def narrow_day(value: date, *, language: str | None = None) -> str:
    """Give a day for a narrow column: `10 Sep 2026`, `2026年9月10日`."""
    return _narrow_day(value, language or page_language())


@lru_cache(maxsize=4096)
def _narrow_day(value: date, language: str) -> str:
    locale = locale_of(language)
    return format_date(value, "d\u00a0MMM y" if locale.language == "en" else "long", locale=locale)


def month(value: date, *, language: str | None = None) -> str:
    """Give the month of a day: `May 2026`, `2026年5月`."""
    return _month(value, language or page_language())


@lru_cache(maxsize=4096)
def _month(value: date, language: str) -> str:
    locale = locale_of(language)
    return format_date(value, "MMM y" if locale.language == "en" else "y年M月", locale=locale)


def instant(value: datetime, zone: str | None = None, *, language: str | None = None) -> str:
    """Give an instant as people say it: `10 May 2026, 14:05`, with `(Shanghai time)` after it if that isn't their own.

    Without a zone it is the signed-in person's, else UTC.
    """
    locale = _locale(language)
    own = str(getattr(current_user, "zone", ""))
    zone = zone or own or "UTC"
    form = "d MMMM y, HH:mm" if locale.language == "en" else "y年M月d日 HH:mm"
    if zone != own:
        form += " (VVV 'time')" if locale.language == "en" else "（VVV时间）"
    return format_datetime(value, form, tzinfo=ZoneInfo(zone), locale=locale)


def stamp(value: datetime, zone: str, *, language: str | None = None) -> str:
    """Give an instant for a letter, which others read elsewhere: `10 May 2026, 14:05 (GMT+08:00)`."""
    locale = _locale(language)
    form = _STAMPS.get(locale.language, "d MMM y, HH:mm (ZZZZ)")
    return format_datetime(value, form, tzinfo=ZoneInfo(zone), locale=locale)


_STAMPS = {"en": "d MMMM y, HH:mm (ZZZZ)", "zh": "y年M月d日 HH:mm（ZZZZ）"}


def place(zone: str, *, language: str | None = None) -> str:
    """Give the city that a zone is named after: `New York`, `纽约`."""
    return get_timezone_location(ZoneInfo(zone), locale=_locale(language), return_city=True)


def clock_time(value: datetime, zone: str | None = None, *, language: str | None = None) -> str:
    """Give the time of day in somebody's zone: `14:05`; without a zone it is the signed-in person's, else UTC."""
    zone = zone or str(getattr(current_user, "zone", "UTC"))
    here = value.astimezone(ZoneInfo(zone))
    return _clock_time(here.hour, here.minute, language or page_language())


@lru_cache(maxsize=4096)
def _clock_time(hour: int, minute: int, language: str) -> str:
    return format_time(time(hour, minute), "HH:mm", locale=locale_of(language))


def percent(value: Decimal, *, language: str | None = None) -> str:
    """Give a rate that is written in percent: Decimal("18.25") is `18.25%`, in the Spanish of Spain `18,25 %`."""
    return _percent(value, language or page_language())


@lru_cache(maxsize=1024)
def _percent(value: Decimal, language: str) -> str:
    locale = locale_of(language)
    _before, after = locale.percent_formats[None].suffix
    return format_decimal(value, format="#,##0.####", locale=locale) + (after or "%")


def whole(value: int, *, language: str | None = None) -> str:
    """Write a whole number, grouped as the language does."""
    return format_decimal(value, locale=_locale(language))


def capitals(value: Money, *, language: str | None = None) -> str:
    """Write a sum in Chinese capital numerals, in brackets, in a Chinese page; nothing in others, or where none are."""
    written = chinese_capitals(value) if (language or page_language()).startswith("zh") else None
    return f"（{written}）" if written else ""


# What every template has as filters, in the language of its page.
FILTERS = (money, day, short_day, month, instant, stamp, place, clock_time, percent, whole, capitals)
