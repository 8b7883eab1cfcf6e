"""RULES  Values of the rules as plain JSON, the same every time: amounts as whole minor units, days as ISO dates.

Invariant: the same value gives the same bytes, so that a kept answer can be compared with one that is reckoned again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import TypeAlias

from portal.money import Money
from portal.schedules.schedule import Schedule

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"


def plain(value: object) -> Json:
    """Return a value of the rules as JSON: 162.00 USD is `{"minor": 16200, "currency": "USD"}`, 1/100 is "1/100".

    :raises TypeError: if it holds something that is no value of the rules, such as a float.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case Money():
            return {"minor": value.minor, "currency": value.currency}
        case Enum():
            return plain(value.value)
        case date():
            return value.isoformat()
        case Decimal() | Fraction():
            return str(value)
        case tuple() | list():
            return [plain(each) for each in value]
        case Schedule():
            return {"items": plain(value.items), "frequency": value.frequency.value}
        case frozenset():
            return [*sorted(str(plain(each)) for each in value)]
        case Mapping():
            return {str(plain(key)): plain(each) for key, each in value.items()}
        case _ if is_dataclass(value):
            return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(value)
