"""RULES  What somebody can ask for: regular payments, and what may come before or instead of them; to JSON and back.

Invariant: whatever can be written here can be read again to the same value; whether it is allowed is the limits'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, ClassVar, TypeAlias

from portal.money import Money
from portal.schedules.dates import Frequency


class NotAsked(ValueError):
    """A stored request that can't be read, or one that no rule could answer: no months, no steps, no parts."""


class Way(Enum):
    """The kinds of arrangement that somebody can ask for."""

    REGULAR = "regular"
    STEPS = "steps"
    DOWN_PAYMENT = "down_payment"
    PAUSE = "pause"
    LOWER = "lower"
    SETTLE_AT_ONCE = "settle_at_once"
    SETTLE_IN_PARTS = "settle_in_parts"
    SEASON = "season"


@dataclass(frozen=True, slots=True)
class Regular:
    """So much, so often, from a first date on, until all is paid; in the months of a season if it is seasonal.

    The anchor day is the day of the month (1 to 31) that was chosen for a monthly plan.
    """

    payment: Money
    frequency: Frequency
    first_due: date
    anchor_day: int | None = None

    @property
    def way(self) -> Way:
        """The kind of arrangement."""
        return Way.SEASON if self.frequency is Frequency.SEASONAL else Way.REGULAR

    @property
    def regular(self) -> Regular:
        """The regular payments in it."""
        return self


class _AndThen:
    """Something first, and then regular payments."""

    __slots__ = ()
    then: Regular

    @property
    def regular(self) -> Regular:
        """The regular payments in it."""
        return self.then


@dataclass(frozen=True, slots=True)
class Steps(_AndThen):
    """So many payments of one amount, then so many of the next, and then regular ones until all is paid."""

    way: ClassVar = Way.STEPS
    steps: tuple[tuple[int, Money], ...]
    then: Regular

    def __post_init__(self) -> None:
        if not self.steps or any(count < 1 for count, _ in self.steps):
            raise NotAsked(self.steps)


@dataclass(frozen=True, slots=True)
class DownPayment(_AndThen):
    """A first, larger payment by a day, from money that somebody has, and regular ones for the rest."""

    way: ClassVar = Way.DOWN_PAYMENT
    amount: Money
    pay_by: date
    then: Regular


@dataclass(frozen=True, slots=True)
class Pause(_AndThen):
    """So many months without payments, and then regular ones.

    `then.first_due` is the first payment that is left out: asked on 3 January with two months from 31 January on, the
    first that is paid is on 31 March.
    """

    way: ClassVar = Way.PAUSE
    months: int
    then: Regular

    def __post_init__(self) -> None:
        if self.months < 1:
            raise NotAsked(self.months)


@dataclass(frozen=True, slots=True)
class Lower(_AndThen):
    """Regular payments below what is usual for so many months, then somebody looks again."""

    way: ClassVar = Way.LOWER
    months: int
    then: Regular

    def __post_init__(self) -> None:
        if self.months < 1:
            raise NotAsked(self.months)


@dataclass(frozen=True, slots=True)
class Settlement:
    """So much in all, and nothing more after it: in one payment by a day, or in parts, one a period from that day on.

    One payment comes from money that somebody has; parts come from what is left over in a month.
    """

    amount: Money
    pay_by: date
    parts: int = 1
    frequency: Frequency = Frequency.MONTHLY
    anchor_day: int | None = None

    def __post_init__(self) -> None:
        if self.parts < 1:
            raise NotAsked(self.parts)

    @property
    def way(self) -> Way:
        """The kind of arrangement."""
        return Way.SETTLE_AT_ONCE if self.parts == 1 else Way.SETTLE_IN_PARTS

    @property
    def regular(self) -> Regular:
        """What each part is, as regular payments: rounded up, as all parts but the last are."""
        each = Money(-(-self.amount.minor // self.parts), self.amount.currency)
        return Regular(each, self.frequency, self.pay_by, self.anchor_day)


Asked: TypeAlias = Regular | Steps | DownPayment | Pause | Lower | Settlement


def as_json(asked: Asked) -> dict[str, Any]:
    """Return a request as JSON, amounts in whole minor units of the one currency that it names."""
    match asked:
        case Regular():
            return {"ask": "regular", **_regular(asked)}
        case Steps():
            steps = [[count, payment.minor] for count, payment in asked.steps]
            return {"ask": "steps", "steps": steps, "then": _regular(asked.then)}
        case DownPayment():
            found = {"amount": asked.amount.minor, "pay_by": asked.pay_by.isoformat()}
            return {"ask": "down_payment", **found, "then": _regular(asked.then)}
        case Pause():
            return {"ask": "pause", "months": asked.months, "then": _regular(asked.then)}
        case Lower():
            return {"ask": "lower", "months": asked.months, "then": _regular(asked.then)}
        case Settlement():
            return {
                "ask": "settlement",
                "amount": asked.amount.minor,
                "currency": asked.amount.currency,
                "pay_by": asked.pay_by.isoformat(),
                "parts": asked.parts,
                "frequency": asked.frequency.value,
                "anchor_day": asked.anchor_day,
            }


def from_json(stored: Mapping[str, Any]) -> Asked:
    """Read a request that `as_json` wrote.

    :raises NotAsked: if it can't be read.
    """
    try:
        return _read(stored)
    except (KeyError, TypeError, ValueError) as error:
        raise NotAsked(dict(stored)) from error


def _read(stored: Mapping[str, Any]) -> Asked:
    ask = stored["ask"]
    if ask == "regular":
        return _regular_in(stored)
    if ask == "settlement":
        return Settlement(
            amount=Money(stored["amount"], stored["currency"]),
            pay_by=date.fromisoformat(stored["pay_by"]),
            parts=stored["parts"],
            frequency=Frequency(stored["frequency"]),
            anchor_day=stored["anchor_day"],
        )
    then = _regular_in(stored["then"])
    currency = then.payment.currency
    match ask:
        case "steps":
            return Steps(tuple((count, Money(minor, currency)) for count, minor in stored["steps"]), then)
        case "down_payment":
            return DownPayment(Money(stored["amount"], currency), date.fromisoformat(stored["pay_by"]), then)
        case "pause":
            return Pause(stored["months"], then)
        case "lower":
            return Lower(stored["months"], then)
    raise NotAsked(ask)


def _regular(asked: Regular) -> dict[str, Any]:
    return {
        "payment": asked.payment.minor,
        "currency": asked.payment.currency,
        "frequency": asked.frequency.value,
        "first_due": asked.first_due.isoformat(),
        "anchor_day": asked.anchor_day,
    }


def _regular_in(stored: Mapping[str, Any]) -> Regular:
    return Regular(
        payment=Money(stored["payment"], stored["currency"]),
        frequency=Frequency(stored["frequency"]),
        first_due=date.fromisoformat(stored["first_due"]),
        anchor_day=stored["anchor_day"],
    )
