"""Phone numbers: how people type and providers write them, and the zones that their prefix can be in."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberType, ValidationResult, timezone

_NOWHERE = "Etc/Unknown"


@lru_cache(maxsize=4096)
def _parsed(number: str, jurisdiction: str) -> phonenumbers.PhoneNumber | None:
    try:
        found = phonenumbers.parse(number, jurisdiction.upper() or None)
    except phonenumbers.NumberParseException:
        return None
    return found if phonenumbers.is_possible_number(found) else None


def international(number: str, *, jurisdiction: str) -> str | None:
    """Give a number as `+12125551234` (E.164), or None if it can't be one; a local one is read as the lender's."""
    found = _parsed(number, jurisdiction)
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164) if found else None


def zones(number: str, *, jurisdiction: str) -> tuple[str, ...]:
    """Give the IANA zones in which a number's prefix is used; none if the data don't say."""
    found = _parsed(number, jurisdiction)
    if found is None:
        return ()
    return tuple(name for name in timezone.time_zones_for_number(found) if name != _NOWHERE)


class Unusable(StrEnum):
    """What keeps a text from being a number that gets SMS."""

    COUNTRY = "country"
    TOO_SHORT = "too short"
    TOO_LONG = "too long"
    NO_NUMBER = "no number"
    LANDLINE = "landline"
    COSTLY = "costly"
    EXTENSION = "extension"


_NOT_READ = {
    phonenumbers.NumberParseException.INVALID_COUNTRY_CODE: Unusable.COUNTRY,
    phonenumbers.NumberParseException.TOO_LONG: Unusable.TOO_LONG,
    phonenumbers.NumberParseException.TOO_SHORT_NSN: Unusable.TOO_SHORT,
    phonenumbers.NumberParseException.TOO_SHORT_AFTER_IDD: Unusable.TOO_SHORT,
}
_OF_LENGTH = {
    ValidationResult.TOO_SHORT: Unusable.TOO_SHORT,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: Unusable.TOO_SHORT,
    ValidationResult.TOO_LONG: Unusable.TOO_LONG,
}
_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.PERSONAL_NUMBER)


def mobile(text: str, *, region: str | None) -> str | Unusable:
    """Read a number that gets SMS as `+12125551234`; `region` is the country of one that says none."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as problem:
        return _NOT_READ.get(problem.error_type, Unusable.NO_NUMBER)
    if number.extension:
        return Unusable.EXTENSION
    if (wrong := _OF_LENGTH.get(phonenumbers.is_possible_number_with_reason(number))) is not None:
        return wrong
    if not phonenumbers.is_valid_number(number):
        return Unusable.NO_NUMBER
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.FIXED_LINE:
        return Unusable.LANDLINE
    if kind not in _MOBILE:
        return Unusable.COSTLY
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=512)
def shown(number: str) -> str:
    """Give a number in the groups that its country writes: `+1 212-555-0123`; anything else stays as it is.

    >>> shown("+12125550123")
    '+1 212-555-0123'
    """
    try:
        found = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_valid_number(found):
        return number
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def is_country(region: str) -> bool:
    """Say whether numbers of an ISO 3166 country can be read."""
    return region in phonenumbers.SUPPORTED_REGIONS
