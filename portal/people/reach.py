"""RULES: read a phone number or an e-mail address as people type them anywhere, and say what is wrong with it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from babel.core import get_global
from email_validator import EmailNotValidError, validate_email

from portal.post import phones

EMAIL, SMS = "email", "sms"
# Longer than any address can be; nobody's time is spent on more.
MOST_CHARACTERS = 320
_LETTERS = re.compile(r"[^\W\d_]")


class Problem(StrEnum):
    """What keeps a text from being an address that can be written to."""

    NOTHING = "nothing"
    TOO_MUCH = "too much"
    NO_EMAIL = "no e-mail"
    WORDS = "words"
    COUNTRY = "country"
    TOO_SHORT = "too short"
    TOO_LONG = "too long"
    NO_NUMBER = "no number"
    LANDLINE = "landline"
    COSTLY = "costly"
    EXTENSION = "extension"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message can go: `+12125550123` by sms, `robin@example.com` by email."""

    channel: str
    text: str


def read(text: str, *, regions: Iterable[str] = ()) -> Address | Problem:
    """Read what was typed: with an @ it is an e-mail address, else a phone number.

    `regions` are ISO 3166 countries in the order in which a number without its country is tried.

    >>> read("(212) 555-0123", regions=("US",))
    Address(channel='sms', text='+12125550123')
    """
    if len(text) > MOST_CHARACTERS:
        return Problem.TOO_MUCH
    # Chinese keyboards have an @ of their own, and what is copied from a phone's contacts has marks that nobody sees.
    plain = unicodedata.normalize("NFKC", text)
    text = "".join(sign for sign in plain if unicodedata.category(sign) != "Cf").strip()
    if not text:
        return Problem.NOTHING
    return _email(text) if "@" in text else _phone(text, tuple(regions))


def _email(text: str) -> Address | Problem:
    try:
        # No look-up: whether it arrives is what the code shows.
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return Problem.NO_EMAIL
    return Address(EMAIL, found.normalized)


def _phone(text: str, regions: tuple[str, ...]) -> Address | Problem:
    if _LETTERS.search(re.sub(r"(?i)^tel:|\b(ext|x)\b\.?|(?<=\d)x(?=\d)", "", text)):
        return Problem.WORDS
    problems: list[Problem] = []
    # Where the country is said, or no country is likely, one try is enough.
    for region in regions or (None,):
        match _number(text, region):
            case Address() as found:
                return found
            case problem:
                problems.append(problem)
    # What is said of the first country is what people of that country understand.
    return next((problem for problem in problems if problem in {Problem.LANDLINE, Problem.COSTLY}), problems[0])


def _number(text: str, region: str | None) -> Address | Problem:
    found = phones.mobile(text, region=region)
    return Problem(found.value) if isinstance(found, phones.Unusable) else Address(SMS, found)


def shown(address: str) -> str:
    """Give a number in the groups that its country writes; an e-mail address stays as it is."""
    return phones.shown(address) if address.startswith("+") else address


def same(one: str, other: str) -> bool:
    """Say whether two addresses are one: a number is its digits, and an e-mail address its letters in either case."""
    if "@" in one or "@" in other:
        return one.casefold() == other.casefold()
    return re.sub(r"\D", "", one) == re.sub(r"\D", "", other)


def likely_regions(*, jurisdiction: str, zones: Iterable[str]) -> tuple[str, ...]:
    """Give the countries in which a number without its country most likely is: the lender's, then those of the zones.

    >>> likely_regions(jurisdiction="US", zones=("Asia/Shanghai", "America/New_York"))
    ('US', 'CN')
    """
    territories = get_global("zone_territories")
    found = [jurisdiction[:2].upper(), *(territories.get(zone, "") for zone in zones)]
    return tuple(dict.fromkeys(region for region in found if phones.is_country(region)))
