"""RULES  What somebody sees before agreeing: each payment, what it all costs, the annual rate, what missing one does.

Invariant: the total is the sum of the payments; a rate or a comparison that has no meaning is missing, and never 0.00.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import Final

from portal.interest import (
    MONTHLY_UNITS,
    SEMIMONTHLY_UNITS,
    WEEKLY_UNITS,
    DayCount,
    EuUnit,
    Flow,
    NoRate,
    UnitFlow,
    UnitPeriod,
    accrue,
    apr_eu,
    apr_regz,
    effective_annual,
    eu_interval,
    months_later,
    nominal_annual,
    unit_periods,
)
from portal.money import Money, total
from portal.schedules.notices import Code, Law, Method, Notice, law_of
from portal.schedules.schedule import Schedule

# The unit-period by the name of a frequency; every other, as a season, is counted in months.
_UNITS: Final = {
    "weekly": WEEKLY_UNITS,
    "fortnightly": UnitPeriod(weeks=2),
    "four_weekly": UnitPeriod(weeks=4),
    "twice_a_month": SEMIMONTHLY_UNITS,
    "quarterly": UnitPeriod(months=3),
}
# Directive 2008/48/EC Annex I asks for one decimal at least; two is how rates are written elsewhere.
_PLACES: Final = {Method.EU: 1}
_IRR: Final = (Method.IRR_NOMINAL, Method.IRR_EFFECTIVE)


class DoesNotAddUp(ValueError):
    """The payments repay, or waive, more than is owed, or something is waived on a day without a payment."""


class NoRateBecause(Enum):
    """Why no annual rate is shown."""

    BEARS_NO_INTEREST = "bears_no_interest"
    UNKNOWN_JURISDICTION = "unknown_jurisdiction"
    NOT_COMPUTABLE = "not_computable"


class Consequence(Enum):
    """What follows where a payment is missed; the days stand with each payment."""

    AT_RISK = "at_risk"
    BROKEN = "broken"
    CONTRACT_INTEREST_RESUMES = "contract_interest_resumes"
    WAIVER_ENDS = "waiver_ends"


class Flag(Enum):
    """What staff should know of what is shown."""

    UNKNOWN_JURISDICTION = "unknown_jurisdiction"
    NOT_SIGNED_OFF = "not_signed_off"
    NOTICE_HELD_BACK = "notice_held_back"


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment with what it is made of, and what is waived once it has come.

    It counts as kept up to `kept_until`; after that day the plan is at risk, and up to `cure_by` it can be made up for.
    Days of a hold, which nobody knows beforehand, move both.
    """

    seq: int
    due_on: date
    amount: Money
    principal: Money
    interest: Money
    fee: Money
    waived: Money
    kept_until: date
    cure_by: date


@dataclass(frozen=True, slots=True)
class AnnualRate:
    """An annual rate in percent, unrounded, by a named method; `stated` is as it is written."""

    method: Method
    percent: Decimal

    @property
    def stated(self) -> Decimal:
        """The rate rounded half up: 85.585078 is 85.6 by the EU's method, 9.685708 is 9.69 by Regulation Z."""
        return self.percent.quantize(Decimal(1).scaleb(-_PLACES.get(self.method, 2)), rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class IfNothing:
    """What is owed at the end of the plan's time if nobody does anything, with the contract's simple interest."""

    until: date
    interest: Money
    owed: Money


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """All that is shown before somebody agrees. Costs are below zero where the plan is cheaper.

    `left` is what the plan leaves to be paid after it, as a plan of small payments does. `if_nothing` and
    `against_nothing` are None where no interest runs: then waiting can't be priced. `rates` are by the jurisdiction's
    method; where there is none, `no_rate` says why. `advertised` is the rate that a plan with fees names itself, and
    then the true ones stand in `rates` too. `held_back` is not to be shown: nobody has confirmed it.
    """

    payments: tuple[Payment, ...]
    balance: Money
    total: Money
    interest: Money
    fees: Money
    waived: Money
    left: Money
    against_today: Money
    if_nothing: IfNothing | None
    against_nothing: Money | None
    rates: tuple[AnnualRate, ...]
    no_rate: NoRateBecause | None
    advertised: Decimal | None
    if_missed: tuple[Consequence, ...]
    notices: tuple[Notice, ...]
    held_back: tuple[Code, ...]
    flags: frozenset[Flag]

    def rate(self, method: Method) -> AnnualRate | None:
        """Return the annual rate by a method, or None if it isn't shown."""
        return next((each for each in self.rates if each.method is method), None)


def key_facts(
    *,
    schedule: Schedule,
    balance: Money,
    bearing: Money,
    today: date,
    contract_rate: Decimal,
    plan_rate: Decimal,
    day_count: DayCount,
    jurisdiction: str,
    grace_days: int,
    cure_days: int,
    waived: Sequence[tuple[date, Money]] = (),
    advertised: Decimal | None = None,
    time_barred: bool = False,
    laws: tuple[Law, ...] | None = None,
) -> KeyFacts:
    """Return what is shown before somebody agrees to a plan for a balance, of which `bearing` bears interest.

    Rates are percent a year, 0 where none is charged. `waived` are amounts that are no longer asked for once the
    payment of that day has come. What an item asks beyond principal and interest is a fee. 12,000.00 in 12 payments of
    1,072.00 costs 864.00 more than paying today; what says 7.2% of itself is 13.03% a year, or 13.84% compounded.

    :raises DoesNotAddUp: if more is repaid and waived than is owed, or a day in `waived` has no payment.
    :raises ValueError: if a payment lies before today.
    """
    currency = balance.currency
    payments = _payments(schedule, dict(waived), grace_days, cure_days, currency)
    paid = total((each.amount for each in payments), currency=currency)
    waived_in_all = total((amount for _on, amount in waived), currency=currency)
    left = balance - waived_in_all - total((each.principal for each in payments), currency=currency)
    if left.minor < 0 or total((each.waived for each in payments), currency=currency) != waived_in_all:
        raise DoesNotAddUp(balance, waived_in_all, left)

    in_all = paid + left
    runs = contract_rate > 0 and bearing.minor > 0
    if_nothing = None
    if runs:
        exact = accrue(
            principal=bearing, annual_rate=contract_rate, start=today, end=schedule.ends_on, day_count=day_count
        )
        interest = Money(int(exact.to_integral_value(rounding=ROUND_HALF_UP)), currency)
        if_nothing = IfNothing(until=schedule.ends_on, interest=interest, owed=balance + interest)

    law = law_of(jurisdiction, on=today, laws=laws)
    # Where neither the debt bears interest nor the plan costs anything there is no credit, and 0% would say there is.
    rates: tuple[AnnualRate, ...] | NoRateBecause = NoRateBecause.BEARS_NO_INTEREST
    if runs or in_all > balance - waived_in_all:
        flows = [(each.due_on, each.amount) for each in payments] + ([(schedule.ends_on, left)] if left else [])
        rates = _rates(_methods(law, advertised), balance - waived_in_all, flows, today, schedule)

    has_waiver = bool(waived_in_all)
    held_back = () if law is None else law.held_back(waived=has_waiver, time_barred=time_barred)
    return KeyFacts(
        payments=payments,
        balance=balance,
        total=paid,
        interest=total((each.interest for each in payments), currency=currency),
        fees=total((each.fee for each in payments), currency=currency),
        waived=waived_in_all,
        left=left,
        against_today=in_all - balance,
        if_nothing=if_nothing,
        against_nothing=None if if_nothing is None else in_all - if_nothing.owed,
        rates=() if isinstance(rates, NoRateBecause) else rates,
        no_rate=rates if isinstance(rates, NoRateBecause) else None,
        advertised=advertised,
        if_missed=tuple(_if_missed(resumes=runs and plan_rate < contract_rate, has_waiver=has_waiver)),
        notices=()
        if law is None
        else law.notices(waived=has_waiver, time_barred=time_barred, last_payment=schedule.ends_on),
        held_back=held_back,
        flags=frozenset(_flags(law, held_back)),
    )


def _payments(
    schedule: Schedule, waived: dict[date, Money], grace_days: int, cure_days: int, currency: str
) -> tuple[Payment, ...]:
    zero = Money.zero(currency)
    return tuple(
        Payment(
            seq=item.seq,
            due_on=item.due_on,
            amount=item.amount,
            principal=item.principal,
            interest=item.interest,
            fee=item.amount - item.principal - item.interest,
            waived=waived.get(item.due_on, zero),
            kept_until=item.due_on + timedelta(days=grace_days),
            cure_by=item.due_on + timedelta(days=grace_days + cure_days),
        )
        for item in schedule.items
    )


def _if_missed(*, resumes: bool, has_waiver: bool) -> Iterable[Consequence]:
    yield Consequence.AT_RISK
    yield Consequence.BROKEN
    if resumes:
        yield Consequence.CONTRACT_INTEREST_RESUMES
    if has_waiver:
        yield Consequence.WAIVER_ENDS


def _flags(law: Law | None, held_back: tuple[Code, ...]) -> Iterable[Flag]:
    if law is None:
        yield Flag.UNKNOWN_JURISDICTION
    elif law.signed_off is None:
        yield Flag.NOT_SIGNED_OFF
    if held_back:
        yield Flag.NOTICE_HELD_BACK


def _methods(law: Law | None, advertised: Decimal | None) -> tuple[Method, ...]:
    """Return the methods of the law, and what the advertised rate of a plan with fees is held against."""
    wanted = (() if law is None else law.rates) + (() if advertised is None else _IRR)
    return tuple(dict.fromkeys(wanted))


_Flows = Sequence[tuple[date, Money]]


def _rates(
    methods: Sequence[Method], advance: Money, flows: _Flows, today: date, schedule: Schedule
) -> tuple[AnnualRate, ...] | NoRateBecause:
    if not methods:
        return NoRateBecause.UNKNOWN_JURISDICTION
    unit = _UNITS.get(schedule.frequency.value, MONTHLY_UNITS)

    @cache
    def periodic() -> Decimal:
        return _periodic(advance, flows, today, unit)

    def rate(method: Method) -> Decimal:
        if method is Method.EU:
            return _eu(advance, flows, today, EuUnit.WEEK if unit.weeks else EuUnit.MONTH)
        if method is Method.REG_Z and len(flows) == 1:
            return _regz_of_one(advance, *flows[0], today)
        annual = effective_annual if method is Method.IRR_EFFECTIVE else nominal_annual
        return annual(periodic=periodic(), per_year=int(unit.per_year))

    try:
        return tuple(AnnualRate(method, rate(method)) for method in methods)
    except NoRate:
        return NoRateBecause.NOT_COMPUTABLE


def _periodic(advance: Money, flows: _Flows, today: date, unit: UnitPeriod) -> Decimal:
    """Return the rate of one unit-period in percent; times the periods of a year it is the rate of Regulation Z."""
    return apr_regz(
        advances=[UnitFlow(0, Fraction(0), Decimal(advance.minor))],
        payments=[UnitFlow(*unit_periods(start=today, end=on, unit=unit), Decimal(each.minor)) for on, each in flows],
        per_year=1,
    )


def _eu(advance: Money, flows: _Flows, today: date, unit: EuUnit) -> Decimal:
    return apr_eu(
        advances=[Flow(Fraction(0), Decimal(advance.minor))],
        payments=[Flow(eu_interval(start=today, end=on, unit=unit), Decimal(each.minor)) for on, each in flows],
    )


def _regz_of_one(advance: Money, due_on: date, amount: Money, today: date) -> Decimal:
    """Return the rate by Regulation Z of a single payment, whose whole term is the unit-period, up to a year.

    Source: 12 CFR 1026 App. J (b)(4)(ii) and (b)(5)(v) to (vii), as others quote them (S): a year has 12 over the
    months of a term of whole months, else 365 over its days; beyond a year whole years, and of what is left months of
    12 or days of 365.
    """
    whole, odd = unit_periods(start=today, end=due_on, unit=MONTHLY_UNITS)
    years, months = divmod(whole, 12)
    periods, part, per_year = years, Fraction(0), Fraction(1)
    if years:
        left = (months_later(due_on, -12 * years) - today).days
        part = Fraction(left, 365) if odd else Fraction(months, 12)
    elif whole or odd:
        periods, per_year = 1, Fraction(365, (due_on - today).days) if odd else Fraction(12, months)
    return apr_regz(
        advances=[UnitFlow(0, Fraction(0), Decimal(advance.minor))],
        payments=[UnitFlow(periods, part, Decimal(amount.minor))],
        per_year=per_year,
    )
