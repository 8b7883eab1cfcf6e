"""RULES  What a lender allows: payments, terms, interest, discounts, pauses, by balance, lateness, product, attribute.

Invariant: the first card that fits a debt is the one that counts, in the order in which the lender wrote them. What a
card doesn't mention is not offered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple

from portal.money import Money
from portal.schedules.arrangements import Vesting
from portal.schedules.dates import Frequency
from portal.schedules.pauses import Accrual, Keeps

_WHOLE_BPS: Final = 10_000
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)
NO_ATTRIBUTES: Final[Mapping[str, str]] = MappingProxyType({})


class InterestPolicy(Enum):
    """What happens to interest while a plan runs."""

    CONTRACT = "contract"
    REDUCED = "reduced"
    FROZEN = "frozen"


class AffordabilityModel(Enum):
    """How it is worked out what somebody can afford; the names are those of the models themselves."""

    GUIDELINES = "guidelines"
    STANDARDS = "standards"
    FLOOR = "floor"


class Component(Enum):
    """A part of what is owed, by the words of the books."""

    PENALTY = "penalty"
    FEES = "fees"
    INTEREST = "interest"
    PRINCIPAL = "principal"
    COSTS = "costs"


class Order(Enum):
    """In which order money pays off the parts of a debt.

    By instalment is one payment of the plan after the other, interest before principal, and all other parts last.
    """

    COSTS_FIRST = "costs_first"
    PRINCIPAL_FIRST = "principal_first"
    BY_INSTALMENT = "by_instalment"


class YearDay(NamedTuple):
    """A day of every year; 29 February, as the last day of a season, is the end of February."""

    month: int
    day: int

    def __str__(self) -> str:
        return f"{self.month:02}-{self.day:02}"


@dataclass(frozen=True, slots=True)
class RateBand:
    """A yearly rate in percent for a season: between two days of every year or two dates, which both belong to it."""

    name: str
    first: YearDay | date
    last: YearDay | date
    rate: Decimal

    def covers(self, day: date) -> bool:
        """Tell whether a day lies in the season."""
        if isinstance(self.first, YearDay) and isinstance(self.last, YearDay):
            return self.first <= (day.month, day.day) <= self.last
        return isinstance(self.first, date) and isinstance(self.last, date) and self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class DownPayment:
    """A first, larger payment: at least so much of the balance; asked for from so many days late on (None: never)."""

    least_bps: int
    required_from_days_late: int | None = None


@dataclass(frozen=True, slots=True)
class DiscountBand:
    """The most that is let off of the balance, paid at once or staged, for debts that are so many days late."""

    days_late_from: int
    days_late_to: int | None
    lump_bps: int
    staged_bps: int


@dataclass(frozen=True, slots=True)
class Discount:
    """What settles a debt for less. The ceilings are shares of the components and come first, then the band.

    With 7,200 principal, 1,900 interest, 700 penalty, 200 fees, and ceilings of 100% on penalty and fees and 50% on
    interest, 10,000 may be settled for no less than 8,150, whatever the band says.
    """

    bands: tuple[DiscountBand, ...]
    ceilings_bps: tuple[tuple[Component, int], ...]
    most_instalments: int
    staged_above_lump: bool = False

    def band_for(self, *, days_late: int) -> DiscountBand | None:
        """Return the band of a lateness, or None where nothing is let off."""
        for band in self.bands:
            if band.days_late_from <= days_late and (band.days_late_to is None or days_late <= band.days_late_to):
                return band
        return None

    def ceiling_bps(self, component: Component) -> int:
        """Return the most that may be let off of a component; 0 for one that isn't named."""
        return dict(self.ceilings_bps).get(component, 0)


@dataclass(frozen=True, slots=True)
class Waiver:
    """Which components are let off over a plan that is kept to its end, and when that counts."""

    components: tuple[Component, ...]
    vesting: Vesting


@dataclass(frozen=True, slots=True)
class Holiday:
    """Months without payments: how many of any twelve, how many running, and how many payments must lie between two."""

    most_months_in_12: int
    most_months_running: int
    payments_between: int
    interest: Accrual
    keeps: Keeps


@dataclass(frozen=True, slots=True)
class ReducedPayment:
    """So many months below the usual payment, and at least so much of it; then somebody looks again."""

    most_months: int
    least_bps: int


@dataclass(frozen=True, slots=True)
class Token:
    """A sign of good will while nothing is affordable, looked at again after so many months. It promises nothing."""

    amount: Money
    review_after_months: int


@dataclass(frozen=True, slots=True)
class NewPlans:
    """How often a plan may be replaced: in any twelve months, in all, and how soon after one was broken."""

    most_in_12_months: int
    most_in_all: int
    days_after_a_break: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What somebody may change of a running plan alone: how far and how often a date moves, and payments left out.

    A number of 0 means that this change is not offered. Twelve months are those up to the day of the change.
    """

    move_days: int
    moves_in_12_months: int
    pay_day_changes_in_12_months: int
    skips_in_12_months: int
    payments_between_skips: int


@dataclass(frozen=True, slots=True)
class Orders:
    """In which order money pays off the parts of a debt: without a plan, and in a plan, by how it is kept.

    Costs first is the law's own where nothing else is agreed. Source: PRC Civil Code art. 561.
    """

    without_plan: Order = Order.COSTS_FIRST
    plan: Order = Order.COSTS_FIRST
    missed: Order = Order.COSTS_FIRST
    settlement: Order = Order.COSTS_FIRST


@dataclass(frozen=True, slots=True)
class AgentCaps:
    """What the lender's people may grant by themselves. Never shown to anybody who owes."""

    most_discount_bps: int
    longest_months: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What plans one card allows. Money is a month's unless it says otherwise; rates are percent a year.

    From `season` on, what a card leaves out is not offered. `person_up_to_months` and
    `person_up_to_discount_bps` are the most that a person may agree to; beyond, the rules say no (None: a person may
    agree to anything). `budget_days` is how long what somebody said of a budget is taken for so, `file_days` how long
    a balance as the lender's file last had it (None: for ever).
    """

    min_payment: Money
    min_percent_bps: int
    hardship_min_payment: Money
    max_term_months: int
    hardship_max_term_months: int
    first_payment_within_days: int
    frequencies: tuple[Frequency, ...]
    interest_policy: InterestPolicy
    reduced_rate: Decimal | None
    auto_accept_months: int
    grace_days: int
    cure_days: int
    tolerance: Money
    offer_validity_days: int
    cushion_bps: int
    affordability_step: Money
    step_months: int
    season: tuple[int, ...] = ()
    rate_bands: tuple[RateBand, ...] = ()
    down_payment: DownPayment | None = None
    discount: Discount | None = None
    waiver: Waiver | None = None
    holiday: Holiday | None = None
    reduced_payment: ReducedPayment | None = None
    interest_freeze_months: int = 0
    token: Token | None = None
    moratorium_days: int = 0
    new_plans: NewPlans | None = None
    changes: Changes | None = None
    orders: Orders = Orders()
    tolerance_bps: int = 0
    auto_accept_discount_bps: int = 0
    person_up_to_months: int | None = None
    person_up_to_discount_bps: int | None = None
    agents: AgentCaps | None = None
    affordability_model: AffordabilityModel | None = None
    budget_days: int = 90
    file_days: int | None = None

    def least_payment(self, *, balance: Money) -> Money:
        """Return the least payment a month: the larger of the amount and the percentage, never above the balance.

        Least 50.00 and 2% of 3,600.00 (72.00) is 72.00; of a balance of 30.00 it is 30.00.
        """
        percent = Money(-(-balance.minor * self.min_percent_bps // _WHOLE_BPS), balance.currency)
        return min(max(self.min_payment, percent), balance)

    def tolerance_of(self, *, payment: Money) -> Money:
        """Return what may be missing of a whole plan and it still counts as kept: an amount and a part of a payment.

        1.00 and 2% of 150.00 is 4.00. The part is rounded down. Source: negotiation rules 1.6.
        """
        return self.tolerance + Money(payment.minor * self.tolerance_bps // _WHOLE_BPS, payment.currency)

    def plan_rate(self, *, contract_rate: Decimal) -> Decimal:
        """Return the yearly rate in percent that a plan bears; a reduced rate is never above the contract's."""
        if self.interest_policy is InterestPolicy.FROZEN:
            return Decimal(0)
        if self.interest_policy is InterestPolicy.REDUCED and self.reduced_rate is not None:
            return min(self.reduced_rate, contract_rate)
        return contract_rate

    def plan_rate_on(self, day: date, *, contract_rate: Decimal) -> Decimal:
        """Return the yearly rate in percent on one day: a season's where it is one, and never above the plan's.

        A contract of 10% with 8% from 1 September to 31 October bears 8% on 15 September, and 10% on 15 August.
        """
        usual = self.plan_rate(contract_rate=contract_rate)
        return min((usual, *(band.rate for band in self.rate_bands if band.covers(day))))


@dataclass(frozen=True, slots=True)
class AttributeRule:
    """What one attribute of the lender's file must be: one of some texts, or a number between two ends.

    A debt without the attribute, or with text where a number is meant, doesn't fit.
    """

    name: str
    texts: tuple[str, ...] = ()
    number_from: Decimal | None = None
    number_to: Decimal | None = None

    def fits(self, value: str | None) -> bool:
        """Tell whether a debt with this value is one of these."""
        if value is None:
            return False
        if self.texts:
            return value in self.texts
        if not _NUMBER.fullmatch(value):
            return False
        number = Decimal(value)
        return (self.number_from is None or number >= self.number_from) and (
            self.number_to is None or number <= self.number_to
        )

    def __str__(self) -> str:
        if self.texts:
            return f"{self.name} is {' or '.join(self.texts)}"
        return f"{self.name} is {_between(self.number_from, self.number_to)}"


@dataclass(frozen=True, slots=True)
class When:
    """The debts that a card is for; both ends of a band belong to it, and an open end is None."""

    balance_from: Money | None = None
    balance_to: Money | None = None
    days_late_from: int | None = None
    days_late_to: int | None = None
    products: tuple[str, ...] = ()
    attributes: tuple[AttributeRule, ...] = ()

    def fits(
        self, *, balance: Money, days_late: int, product: str, attributes: Mapping[str, str] = NO_ATTRIBUTES
    ) -> bool:
        """Tell whether a debt is one of these."""
        return (
            (self.balance_from is None or balance >= self.balance_from)
            and (self.balance_to is None or balance <= self.balance_to)
            and (self.days_late_from is None or days_late >= self.days_late_from)
            and (self.days_late_to is None or days_late <= self.days_late_to)
            and (not self.products or product in self.products)
            and all(rule.fits(attributes.get(rule.name)) for rule in self.attributes)
        )

    def why_not(
        self, *, balance: Money, days_late: int, product: str, attributes: Mapping[str, str] = NO_ATTRIBUTES
    ) -> tuple[str, ...]:
        """Say in sentences what keeps a debt from being one of these, for the lender's staff; nothing if it is one."""
        return tuple(self._hindrances(balance=balance, days_late=days_late, product=product, attributes=attributes))

    def _hindrances(
        self, *, balance: Money, days_late: int, product: str, attributes: Mapping[str, str]
    ) -> Iterator[str]:
        if not When(balance_from=self.balance_from, balance_to=self.balance_to).fits(
            balance=balance, days_late=days_late, product=product
        ):
            yield f"The balance is {balance}; the card is for {_between(self.balance_from, self.balance_to)}."
        if not When(days_late_from=self.days_late_from, days_late_to=self.days_late_to).fits(
            balance=balance, days_late=days_late, product=product
        ):
            yield f"It is {days_late} days late; the card is for {_between(self.days_late_from, self.days_late_to)}."
        if self.products and product not in self.products:
            yield f"The product is {product!r}; the card is for {', '.join(self.products)}."
        for rule in self.attributes:
            value = attributes.get(rule.name)
            if value is None:
                yield f"It has no attribute {rule.name}; the card is for debts whose {rule}."
            elif not rule.fits(value):
                yield f"Its {rule.name} is {value!r}; the card is for debts whose {rule}."


@dataclass(frozen=True, slots=True)
class Card:
    """One rule as lender staff read it: a name, which debts, and what they may be offered."""

    name: str
    when: When
    limits: Limits


@dataclass(frozen=True, slots=True)
class LimitsSet:
    """One version of a lender's limits: cards in order of precedence."""

    name: str
    effective_from: date
    cards: tuple[Card, ...]

    @property
    def asks_attributes(self) -> bool:
        """Tell whether any card looks at what the lender's file says beyond balance, lateness and product."""
        return any(card.when.attributes for card in self.cards)

    def limits_for(
        self, *, balance: Money, days_late: int, product: str, attributes: Mapping[str, str] = NO_ATTRIBUTES
    ) -> Card | None:
        """Return the first card that fits a debt, or None where the lender has written no rule for it."""
        for card in self.cards:
            if card.when.fits(balance=balance, days_late=days_late, product=product, attributes=attributes):
                return card
        return None


def _between(first: Money | Decimal | int | None, last: Money | Decimal | int | None) -> str:
    if last is None:
        return f"{first} or more"
    return f"{last} or less" if first is None else f"{first} to {last}"
