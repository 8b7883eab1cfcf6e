"""RULES  What is left over for debts in a month, by three interchangeable models, and how much of it may be asked for.

Invariant: what is counted in a trace sums to the surplus; a surplus may be negative and is then said so; a cost that is
unusual leads to a question and never to a refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final, Protocol

from portal.affordability.budget import COSTS, FLEXIBLE, INCOME, Budget, Evidence, Group
from portal.affordability.standards import Standards
from portal.money import CannotDivide, CurrencyMismatch, Money, share, total

_WHOLE_BPS: Final = 10_000


class UnknownModel(ValueError):
    """There is no model of this name; holds the name, and those that there are."""


class NeedsStandards(ValueError):
    """The model needs a figure that no table has."""


class Why(Enum):
    """Why something is asked; any answer will do, and none at all refuses nobody."""

    ABOVE_GUIDELINE = "above_guideline"
    ABOVE_STANDARD = "above_standard"
    RANGE_DECIDES = "range_decides"


@dataclass(frozen=True, slots=True)
class Question:
    """One reason that is asked: of which group, what was stated for a month, and what it usually is.

    `group` is None where all flexible groups together are meant, and of ranges that decide whether anything is left
    over: then both ends of the surplus are named.
    """

    why: Why
    group: Group | None
    stated: Money
    usual: Money


class What(Enum):
    """What a line of a trace counts."""

    INCOME = "income"
    COST = "cost"
    STANDARD = "standard"
    FLOOR = "floor"
    ABOVE_FLOOR = "above_floor"
    SAVINGS = "savings"


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One step: what was stated for a month, and what counts, with its sign (income above zero, all else below)."""

    what: What
    group: Group | None
    stated: Money
    counted: Money


@dataclass(frozen=True, slots=True)
class Surplus:
    """What is left over in a month, with how surely, what is still asked, and how it came about.

    `amount` is by the careful end of each range (least income, most costs), `up_to` by the other. `benchmark_only` says
    that the figures behind it were made for another purpose: compare with it, and decide nothing by it.
    """

    amount: Money
    up_to: Money
    evidence: Evidence
    questions: tuple[Question, ...]
    trace: tuple[TraceLine, ...]
    benchmark_only: bool = False


class Model(Protocol):
    """One way to work out a surplus from a budget and a table of standards."""

    def __call__(self, *, budget: Budget, standards: Standards | None) -> Surplus:
        """Return the surplus of a month."""
        ...


@dataclass(frozen=True, slots=True)
class _Stated:
    """A budget seen from one end of its ranges."""

    budget: Budget
    careful: bool

    def income(self) -> Iterable[TraceLine]:
        for group in self.budget.stated(INCOME):
            amount = self.budget.least((group,)) if self.careful else self.budget.most((group,))
            yield TraceLine(What.INCOME, group, amount, amount)

    def spent(self, groups: Iterable[Group]) -> Money:
        return self.budget.most(groups) if self.careful else self.budget.least(groups)

    def costs(self, groups: Iterable[Group]) -> Iterable[TraceLine]:
        for group in self.budget.stated(groups):
            spent = self.spent((group,))
            yield TraceLine(What.COST, group, spent, -spent)


def with_guidelines(*, budget: Budget, standards: Standards | None) -> Surplus:
    """Return income less all costs as stated, less savings; a flexible group above its guideline asks for one reason.

    Income 1,650.00 less 1,372.00 is 278.00; savings of 10% up to 20.00 leave 258.00. The Standard Financial Statement
    works like this; its guidelines need a licence and come from the lender's table. Without a table nothing is asked.
    """
    table = None if standards is None else standards.checked(budget.currency)

    def lines(stated: _Stated) -> Iterable[TraceLine]:
        yield from stated.income()
        yield from stated.costs(COSTS)

    def questions() -> Iterable[Question]:
        for group, guideline in () if table is None else table.guidelines.items():
            spent, usual = budget.most((group,)), guideline.of(budget.household)
            if spent > usual:
                yield Question(Why.ABOVE_GUIDELINE, group, spent, usual)

    return _surplus(budget, table, lines, questions())


def with_standards(*, budget: Budget, standards: Standards | None) -> Surplus:
    """Return income less a standard amount that is allowed unasked, and other costs, some up to a local standard only.

    The standard takes the place of leisure, food and personal costs, whatever was stated for them. One person with
    3,200, standard 839, housing 1,450 of at most 1,300, a car 420 of 500 and health 84 keeps 557. A cost above its
    standard asks for one reason, and with a reason it counts as stated. Source: IRS collection financial standards.

    :raises NeedsStandards: if the table has no such standard.
    """
    if standards is None or standards.national is None:
        raise NeedsStandards
    table = standards.checked(budget.currency)
    national = standards.national.of(budget.household)
    explained = FLEXIBLE & budget.explained
    local = {group: most.of(budget.household) for group, most in table.local.items() if group not in budget.explained}

    def lines(stated: _Stated) -> Iterable[TraceLine]:
        yield from stated.income()
        spent = stated.spent(FLEXIBLE)
        yield TraceLine(What.STANDARD, None, spent, -(max(spent, national) if explained else national))
        for line in stated.costs(group for group in COSTS if group not in FLEXIBLE):
            most = local.get(line.group) if line.group else None
            yield line if most is None else TraceLine(What.COST, line.group, line.stated, -min(line.stated, most))

    def questions() -> Iterable[Question]:
        flexible = budget.most(FLEXIBLE)
        if flexible > national and not explained:
            yield Question(Why.ABOVE_STANDARD, None, flexible, national)
        for group, most in local.items():
            spent = budget.most((group,))
            if spent > most:
                yield Question(Why.ABOVE_STANDARD, group, spent, most)

    return _surplus(budget, table, lines, questions())


def with_floor(*, budget: Budget, standards: Standards | None) -> Surplus:
    """Return income less taxes, less what a household needs to live or what it states if that is more, less debts that
    come first.

    Income 2,000 with a floor of 900, essentials of 1,100 and priority debts of 150 leaves 750. A floor of this kind is
    Brazil's mínimo existencial.

    :raises NeedsStandards: if the table has no floor.
    """
    if standards is None or standards.floor is None:
        raise NeedsStandards
    table = standards.checked(budget.currency)
    floor = standards.floor.of(budget.household)
    outside = (Group.TAXES, Group.PRIORITY_DEBTS)

    def lines(stated: _Stated) -> Iterable[TraceLine]:
        yield from stated.income()
        essentials = stated.spent(group for group in COSTS if group not in outside)
        yield TraceLine(What.FLOOR, None, essentials, -floor)
        if essentials > floor:
            yield TraceLine(What.ABOVE_FLOOR, None, essentials, floor - essentials)
        yield from stated.costs(outside)

    return _surplus(budget, table, lines, ())


def _surplus(
    budget: Budget,
    standards: Standards | None,
    lines: Callable[[_Stated], Iterable[TraceLine]],
    questions: Iterable[Question],
) -> Surplus:
    """Put by the savings at both ends of the ranges, and ask what is still unexplained."""
    trace = _with_savings(budget, standards, tuple(lines(_Stated(budget, careful=True))))
    hopeful = _with_savings(budget, standards, tuple(lines(_Stated(budget, careful=False))))
    amount, up_to = (total((line.counted for line in each), currency=budget.currency) for each in (trace, hopeful))
    asked = [question for question in questions if question.group not in budget.explained]
    if amount.minor <= 0 < up_to.minor:
        asked.append(Question(Why.RANGE_DECIDES, None, amount, up_to))
    return Surplus(
        amount=amount,
        up_to=up_to,
        evidence=budget.evidence,
        questions=tuple(asked),
        trace=trace,
        benchmark_only=standards is not None and standards.benchmark_only,
    )


def _with_savings(budget: Budget, standards: Standards | None, trace: tuple[TraceLine, ...]) -> tuple[TraceLine, ...]:
    left_over = total((line.counted for line in trace), currency=budget.currency)
    if standards is None or left_over.minor <= 0:
        return trace
    part = Money((2 * left_over.minor * standards.savings_bps + _WHOLE_BPS) // (2 * _WHOLE_BPS), budget.currency)
    savings = part if standards.savings_most is None else min(part, standards.savings_most)
    return (*trace, TraceLine(What.SAVINGS, None, savings, -savings)) if savings else trace


MODELS: Final = MappingProxyType[str, Model](
    {"guidelines": with_guidelines, "standards": with_standards, "floor": with_floor}
)


def model_of(name: str) -> Model:
    """Return the model that a lender's limits name: guidelines, standards or floor.

    :raises UnknownModel: if there is none of this name.
    """
    try:
        return MODELS[name]
    except KeyError:
        raise UnknownModel(name, tuple(MODELS)) from None


def share_across(*, surplus: Money, balances: Sequence[Money]) -> tuple[Money, ...]:
    """Return each debt's part of a surplus, in proportion to what is owed, summing to the whole.

    180.00 over 3,600, 1,200 and 7,200 is 54.00, 18.00 and 108.00. A surplus below zero is shared as nothing.

    :raises CurrencyMismatch: if a balance is of another currency.
    :raises CannotDivide: if nothing is owed.
    """
    for balance in balances:
        if balance.currency != surplus.currency:
            raise CurrencyMismatch(balance.currency, surplus.currency)
    if surplus.minor <= 0:
        return (Money.zero(surplus.currency),) * len(balances)
    return share(surplus, [balance.minor for balance in balances])


def affordable(*, surplus: Money, cushion_bps: int, step: Money) -> Money:
    """Return what can be asked for in a month: the surplus less a cushion, rounded down to a whole number of steps.

    A surplus of 180.00 with a cushion of 10% and steps of 1.00 is 162.00; without a surplus it is zero.

    :raises CurrencyMismatch: if the step is of another currency.
    :raises CannotDivide: if the step is not above zero.
    """
    if step.currency != surplus.currency:
        raise CurrencyMismatch(step.currency, surplus.currency)
    if step.minor <= 0:
        raise CannotDivide(step)
    if surplus.minor <= 0:
        return Money.zero(surplus.currency)
    kept = surplus.minor * (_WHOLE_BPS - cushion_bps) // _WHOLE_BPS
    return Money(kept - kept % step.minor, surplus.currency)
