"""RULES  Numbers of bank accounts: as they are compared and as people read them, and whether check digits fit."""

from __future__ import annotations

import re
from enum import StrEnum

from portal.money import EXPONENTS

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}")
_OTHER = re.compile(r"[0-9A-Z]{4,34}")
_BIC = re.compile(r"[A-Z]{6}[0-9A-Z]{2}([0-9A-Z]{3})?")
LONGEST_NAME = 70


class Wrong(StrEnum):
    """What an account can't be."""

    NUMBER = "number"
    CHECK_DIGITS = "check_digits"
    BIC = "bic"
    HOLDER = "holder"
    CURRENCY = "currency"


def number_of(text: str) -> str:
    """Give the number of an account as it is kept: in capitals, without spaces.

    >>> number_of("de89 3704 0044 0532 0130 00")
    'DE89370400440532013000'
    """
    return re.sub(r"[\s.\-]", "", text).upper()


def wrong_with(*, number: str, holder: str, bic: str, currency: str) -> Wrong | None:
    """Say what is wrong with an account, or None.

    >>> wrong_with(number="DE89370400440532013001", holder="Linden", bic="", currency="EUR")
    <Wrong.CHECK_DIGITS: 'check_digits'>
    """
    if not _OTHER.fullmatch(number):
        return Wrong.NUMBER
    if is_iban_like(number) and not is_iban(number):
        return Wrong.CHECK_DIGITS
    if bic and not _BIC.fullmatch(bic):
        return Wrong.BIC
    if not 0 < len(holder.strip()) <= LONGEST_NAME:
        return Wrong.HOLDER
    return None if currency in EXPONENTS else Wrong.CURRENCY


def is_iban_like(number: str) -> bool:
    """Say whether a number is written as an IBAN is."""
    return _IBAN.fullmatch(number) is not None


def is_iban(number: str) -> bool:
    """Say whether a number is an IBAN whose check digits fit it.

    >>> is_iban("DE89370400440532013000"), is_iban("DE89370400440532013001")
    (True, False)
    """
    if not is_iban_like(number):
        return False
    return int("".join(str(int(sign, 36)) for sign in number[4:] + number[:4])) % 97 == 1


def grouped(number: str) -> str:
    """Write an IBAN in groups of four, and any other number as it is.

    >>> grouped("DE89370400440532013000"), grouped("00123456")
    ('DE89 3704 0044 0532 0130 00', '00123456')
    """
    if not is_iban_like(number):
        return number
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))
