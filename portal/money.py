"""RULES  Whole minor units of one currency: add, compare, split, level; never a float, never a bare number.

Invariant: `minor` is an int and `currency` is one of `EXPONENTS`; two currencies are never mixed.

`EXPONENTS` was compared in November 2026 with ISO 4217 list one as published on 2026-01-01 by SIX, the maintenance
agency, in the form of the package iso4217 1.16.20260101: the same 165 codes with a minor unit, none different.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from types import MappingProxyType
from typing import Final

# Minor units as ISO 4217 lists them (list one, active codes). CLDR's display digits differ for several
# (IQD, LAK, RSD, ...) and are for showing only. Metals, SDR and test codes have no minor unit and are left out.
_TWO_DECIMALS: Final = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP
COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR
JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN
NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL
THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
"""
_NO_DECIMALS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS: Final = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DECIMALS: Final = "CLF UYW"

EXPONENTS: Final[Mapping[str, int]] = MappingProxyType(
    {
        **dict.fromkeys(_TWO_DECIMALS.split(), 2),
        **dict.fromkeys(_NO_DECIMALS.split(), 0),
        **dict.fromkeys(_THREE_DECIMALS.split(), 3),
        **dict.fromkeys(_FOUR_DECIMALS.split(), 4),
    }
)

# A mapping proxy costs a call for each look-up; imports make millions of amounts.
_DECIMALS: Final[dict[str, int]] = dict(EXPONENTS)

# What a signed 64-bit column holds; a larger amount is a mistake, not a debt.
LARGEST_MINOR: Final = 2**63 - 1

# The default context keeps 28 digits; amounts must not be rounded on the way to the one rounding that is meant.
_WIDE: Final = Context(prec=400)

# Decimal() also takes "1_0", "NaN" and digits of other scripts; an amount is ASCII digits with at most one point.
_PLAIN_NUMBER: Final = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]*))?", re.ASCII)
_OTHER_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)


class UnknownCurrency(ValueError):
    """A code that is not an active ISO 4217 currency with a minor unit."""

    def __init__(self, code: object) -> None:
        super().__init__(code)
        self.code = code


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met in one sum or comparison."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(one, other)
        self.one = one
        self.other = other


class NotAnAmount(ValueError):
    """Something that is no finite number, or is too large to be kept."""

    def __init__(self, given: object) -> None:
        super().__init__(given)
        self.given = given


class InexactAmount(ValueError):
    """A number with more decimals than its currency has."""

    def __init__(self, given: object, currency: str) -> None:
        super().__init__(given, currency)
        self.given = given
        self.currency = currency


class CannotDivide(ValueError):
    """A division of money that has no answer: no parts, no weight, or a negative whole where none may be."""


# What sets a field of a frozen value while it is made.
_set: Final = object.__setattr__


@dataclass(frozen=True, slots=True, order=False, init=False)
class Money:
    """An amount in whole minor units (cents for USD, yen for JPY) of one currency.

    >>> str(Money(1250, "USD") + Money(50, "USD"))
    '13.00 USD'
    """

    minor: int
    currency: str

    def __init__(self, minor: int, currency: str) -> None:
        # Written out, because an answer makes hundreds of amounts.
        if currency not in _DECIMALS:
            raise UnknownCurrency(currency)
        if type(minor) is not int:
            # A bool is an int to Python and a float compares equal to one; neither is an amount.
            raise NotAnAmount(minor)
        _set(self, "minor", minor)
        _set(self, "currency", currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Return nothing at all, in this currency."""
        return cls(0, currency)

    @classmethod
    def of(cls, value: str | int | Decimal, currency: str) -> Money:
        """Return the amount that a decimal in major units names exactly: `of("12.50", "USD")` is 1250 minor units.

        :raises UnknownCurrency: if the code is not in `EXPONENTS`.
        :raises NotAnAmount: if the value is no finite number in ASCII digits, or is too large to be kept.
        :raises InexactAmount: if it has more decimals than the currency has (trailing zeros do not count).
        """
        decimals = _DECIMALS.get(currency)
        if decimals is None:
            raise UnknownCurrency(currency)
        if type(value) is int:
            return cls(_kept(value * 10**decimals, value), currency)
        if isinstance(value, str):
            text = value.strip()
            if len(text) > 60:
                raise NotAnAmount(value)
            found = _PLAIN_NUMBER.fullmatch(text)
            if found is not None:
                sign, whole, fraction = found.groups()
                fraction = (fraction or "").rstrip("0")
                if len(fraction) > decimals:
                    raise InexactAmount(value, currency)
                minor = int(whole + fraction.ljust(decimals, "0"))
                return cls(_kept(-minor if sign == "-" else minor, value), currency)
            if _OTHER_NUMBER.fullmatch(text) is None:
                raise NotAnAmount(value)
            value = Decimal(text)
        if not isinstance(value, Decimal) or not value.is_finite() or value.adjusted() > 30:
            raise NotAnAmount(value)
        if value and value.adjusted() < -30:
            raise InexactAmount(value, currency)
        scaled = _WIDE.scaleb(value, decimals)
        if scaled != scaled.to_integral_value():
            raise InexactAmount(value, currency)
        return cls(_kept(int(scaled), value), currency)

    @classmethod
    def rounded(cls, value: Decimal, currency: str, rounding: str = ROUND_HALF_UP) -> Money:
        """Return a decimal in major units, rounded once to the currency's minor unit (half away from zero by default).

        `rounded(Decimal("147.945"), "USD")` is 147.95 USD.

        :raises UnknownCurrency: if the code is not in `EXPONENTS`.
        :raises NotAnAmount: if the value is not finite or is too large to be kept.
        """
        decimals = _DECIMALS.get(currency)
        if decimals is None:
            raise UnknownCurrency(currency)
        if not value.is_finite() or value.adjusted() > 30:
            raise NotAnAmount(value)
        minor = int(_WIDE.scaleb(value, decimals).to_integral_value(rounding=rounding))
        return cls(_kept(minor, value), currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, with all decimals of its currency: 1250 USD minor is `Decimal("12.50")`."""
        return _WIDE.scaleb(Decimal(self.minor), -_DECIMALS[self.currency])

    def __str__(self) -> str:
        """Return a plain form for logs, "12.50 USD"; pages use web/formats."""
        decimals = _DECIMALS[self.currency]
        if not decimals:
            return f"{self.minor} {self.currency}"
        digits = str(abs(self.minor)).rjust(decimals + 1, "0")
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{digits[:-decimals]}.{digits[-decimals:]} {self.currency}"

    def __bool__(self) -> bool:
        return self.minor != 0

    def __add__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, times: int) -> Money:
        if type(times) is not int:
            return NotImplemented
        return Money(self.minor * times, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.minor), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self._against(other) < 0

    def __le__(self, other: Money) -> bool:
        return self._against(other) <= 0

    def __gt__(self, other: Money) -> bool:
        return self._against(other) > 0

    def __ge__(self, other: Money) -> bool:
        return self._against(other) >= 0

    def _against(self, other: Money) -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return self.minor - other.minor


def _kept(minor: int, given: object) -> int:
    if not -LARGEST_MINOR <= minor <= LARGEST_MINOR:
        raise NotAnAmount(given)
    return minor


def total(parts: Iterable[Money], *, currency: str) -> Money:
    """Return the sum of the parts; the currency is named because there may be no part at all.

    :raises CurrencyMismatch: if a part is of another currency.
    """
    minor = 0
    for part in parts:
        if part.currency != currency:
            raise CurrencyMismatch(part.currency, currency)
        minor += part.minor
    return Money(minor, currency)


def split(total: Money, n: int) -> tuple[Money, ...]:
    """Divide a whole into exactly n parts that sum to it and differ by at most one minor unit, larger parts first.

    100.00 USD in 3 is 33.34, 33.33, 33.33. Parts are zero where there are fewer units than parts.

    :raises CannotDivide: if n is below 1.
    """
    if n < 1:
        raise CannotDivide(n)
    each, left = divmod(abs(total.minor), n)
    sign = -1 if total.minor < 0 else 1
    return tuple(Money(sign * (each + (1 if at < left else 0)), total.currency) for at in range(n))


def level(total: Money, n: int) -> tuple[Money, ...]:
    """Divide a whole into at most n level payments, rounded up, with the rest last; none is zero or negative.

    1000.00 CNY in 3 is 333.34, 333.34, 333.32; 0.05 EUR in 4 is 0.02, 0.02, 0.01, because n is a maximum.
    Nothing to divide gives no parts.

    :raises CannotDivide: if n is below 1 or the whole is negative.
    """
    if n < 1 or total.minor < 0:
        raise CannotDivide(n, total)
    if not total.minor:
        return ()
    each = -(-total.minor // n)
    count = -(-total.minor // each)
    last = total.minor - each * (count - 1)
    return (Money(each, total.currency),) * (count - 1) + (Money(last, total.currency),)


def share(total: Money, weights: Sequence[int]) -> tuple[Money, ...]:
    """Divide a whole in proportion to weights so that the parts sum to it (largest remainder, ties to the earlier).

    180.00 GBP over 3600, 1200, 7200 is 54.00, 18.00, 108.00.

    :raises CannotDivide: if there is no weight above zero, or one is negative.
    """
    whole = sum(weights)
    if whole <= 0 or any(weight < 0 for weight in weights):
        raise CannotDivide(tuple(weights))
    units = abs(total.minor)
    sign = -1 if total.minor < 0 else 1
    parts = [units * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda at: (-(units * weights[at] % whole), at))
    for at in by_remainder[: units - sum(parts)]:
        parts[at] += 1
    return tuple(Money(sign * part, total.currency) for part in parts)
