"""Phone numbers: how providers write them, and the zones that their prefix can be in."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers
from phonenumbers import timezone

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
