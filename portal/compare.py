"""Put the same proposals for every late debt to several sets of limits, and lay the answers side by side.

Invariant: it only reads, and no answer is its own. Under each set and for each proposal every late debt counts once.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from portal.debts import statement
from portal.lenders.models import Lender
from portal.limits.cards import NO_ATTRIBUTES, Card, Limits, LimitsSet
from portal.money import Money, level
from portal.offers.answering import answer
from portal.offers.answers import Answer, Outcome
from portal.offers.asked import Asked, Regular, Settlement
from portal.offers.menu import least_payment
from portal.offers.owed import Means, Owed
from portal.plans import allowed, negotiate
from portal.schedules.dates import Frequency, first_due
from portal.schedules.schedule import Schedule, a_month
from portal.survey import PAY_DAY, debts, harmless, percent, text_at

SETTLED_FOR_PERCENT = 80


class Proposal(Enum):
    """What is asked for on every late debt: monthly on the 28th, or once on that day; the value is its words."""

    TWELFTH = "a twelfth of what is owed"
    HALF_THE_LEAST = "half of the least payment"
    TWELFTH_WITH_BUDGET = "a twelfth, with a budget"
    HALF_WITH_BUDGET = "half of the least payment, with a budget"
    SETTLEMENT = f"{SETTLED_FOR_PERCENT}% at once, and no more"

    @property
    def with_budget(self) -> bool:
        """Whether it is only asked where somebody's income is known."""
        return self in (Proposal.TWELFTH_WITH_BUDGET, Proposal.HALF_WITH_BUDGET)


class Said(Enum):
    """What became of a proposal; the value is its words."""

    YES = "yes at once"
    COUNTER = "another plan is offered"
    PERSON = "a person decides"
    HOLD = "nothing is asked, advice"
    NO_LIMITS = "no rule fits"
    NO_INCOME = "no income known"


_PAGE = 500
_COLOURS = {
    Said.YES: "#2e7d4f",
    Said.COUNTER: "#e0a458",
    Said.PERSON: "#5b3f8c",
    Said.HOLD: "#2c5aa0",
    Said.NO_LIMITS: "#767676",
    Said.NO_INCOME: "#d9d9d9",
}
HEADER = (
    "limits",
    "proposal",
    "reference",
    "currency",
    "owed",
    "days_late",
    "card",
    "said",
    "outcome",
    "reasons",
    "months",
    "payment_a_month",
    "left_over",
    "share_of_left_over",
)


@dataclass(frozen=True, slots=True)
class Late:
    """A late debt on the day of its file; `means` where somebody's income is known."""

    reference: str
    product: str
    attributes: Mapping[str, str]
    owed: Owed
    on: date
    means: Means | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """The answer to one proposal; figures are those of the plan that is accepted or offered, a settlement has none."""

    said: Said
    answer: Answer | None = None
    months: int | None = None
    payment: Fraction | None = None
    share: Fraction | None = None


@dataclass(slots=True)
class Column:
    """All answers of one set of limits to one proposal; payments in minor units a month."""

    said: Counter[Said] = field(default_factory=Counter)
    months: list[int] = field(default_factory=list)
    payments: list[Fraction] = field(default_factory=list)
    shares: list[Fraction] = field(default_factory=list)


@dataclass(slots=True)
class Comparison:
    """What several sets of limits answer on the late debts of one lender."""

    title: str
    currency: str
    sets: tuple[str, ...]
    late: int = 0
    with_means: int = 0
    columns: dict[tuple[str, Proposal], Column] = field(default_factory=lambda: defaultdict(Column))

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """The proposals that could be made to anybody."""
        return tuple(each for each in Proposal if self.with_means or not each.with_budget)

    def figures(self, name: str, proposal: Proposal) -> str:
        """Give the median term, payment and share of what is left over, as far as there are any."""
        column = self.columns[name, proposal]
        if not column.months:
            return ""
        payment = Money(round(middle(column.payments)), self.currency)
        said = f"{middle(column.months)} months, {payment.amount:,.0f} {self.currency} a month"
        return said + (f", {float(100 * middle(column.shares)):.0f}% of what is left" if column.shares else "")

    def lines(self) -> tuple[str, ...]:
        """Give the comparison as a table in Markdown; spreads are medians, with a tenth below and above the ends."""
        found = [
            f"{self.title}: {self.late:,} late debts, income known of {self.with_means:,}",
            "",
            f"| asked | rules | {' | '.join(each.value for each in Said)} | months | {self.currency} a month "
            "| % of what is left over |",
            "|---" * (len(Said) + 5) + "|",
        ]
        for proposal in self.proposals:
            for name in self.sets:
                column = self.columns[name, proposal]
                counts = " | ".join(f"{column.said[each]:,}" for each in Said)
                major = [Money(round(each), self.currency).amount for each in column.payments]
                shares = [100 * each for each in column.shares]
                spreads = " | ".join(spread(each) for each in (column.months, major, shares))
                found.append(f"| {proposal.value} | {name} | {counts} | {spreads} |")
        return (*found, "")


def spread(values: Sequence[Any]) -> str:
    """Give a median, and what all but a tenth on either side lie between; nothing where there are no values."""
    if not values:
        return ""
    found, cut = sorted(values), len(values) // 10
    return f"{float(middle(found)):,.0f} ({float(found[cut]):,.0f} to {float(found[-1 - cut]):,.0f})"


def middle(values: Sequence[Any]) -> Any:
    """Give the lower median of some values."""
    return sorted(values)[(len(values) - 1) // 2]


def scaled(limits: LimitsSet, *, currency: str, times: Decimal) -> LimitsSet:
    """Give a set with each amount so many times as large, in whole units of another currency and never nothing of some.

    A least payment of 10 GBP, times 25, is 250 CZK; shares, terms and days stay.
    """

    def walk(value: Any) -> Any:
        if isinstance(value, Money):
            return Money.of(max(round(value.amount * times), int(bool(value))), currency)
        if isinstance(value, tuple) and not hasattr(value, "_fields"):
            return tuple(walk(each) for each in value)
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{each.name: walk(getattr(value, each.name)) for each in fields(value)})
        return value

    moved: LimitsSet = walk(limits)
    return moved


def late_debts(lender: Lender, *, means: Mapping[str, Means] | None = None) -> Iterator[Late]:
    """Give each debt of a lender that was late on the day of its file, with what its owner has left over, if known."""
    lender_id = lender.id
    every = iter(debts(lender, count=statement.count_open(lender_id=lender_id)))
    while page := tuple(islice(every, _PAGE)):
        attributes = allowed.attributes_between(lender_id, page[0].id, page[-1].id)
        for debt in page:
            owed = negotiate.owed_of(debt, today=debt.as_of)
            if owed.days_late and owed.balance.minor > 0:
                known = None if means is None else means.get(debt.reference)
                yield Late(debt.reference, debt.product, attributes[debt.id], owed, debt.as_of, known)


def run(*, title: str, currency: str, late: Iterable[Late], sets: Mapping[str, LimitsSet], table: Path) -> Comparison:
    """Put all proposals for late debts to each set; writes a row for each answer."""
    found = Comparison(title, currency, tuple(sets))
    with table.open("w", newline="", encoding="utf-8-sig") as file:
        rows = csv.writer(file)
        rows.writerow(HEADER)
        for debt in late:
            found.late += 1
            found.with_means += debt.means is not None
            for name, limits in sets.items():
                card = limits.limits_for(
                    balance=debt.owed.balance,
                    days_late=debt.owed.days_late,
                    product=debt.product,
                    attributes=debt.attributes or NO_ATTRIBUTES,
                )
                for proposal in Proposal:
                    given = put(proposal, debt, card.limits if card else None)
                    _count(found.columns[name, proposal], given)
                    rows.writerow([harmless(cell) for cell in _row(name, proposal, debt, card, given)])
    return found


def put(proposal: Proposal, debt: Late, limits: Limits | None) -> Given:
    """Put one proposal for a debt to its limits."""
    if limits is None:
        return Given(Said.NO_LIMITS)
    if proposal.with_budget and debt.means is None:
        return Given(Said.NO_INCOME)
    means = debt.means if proposal.with_budget else None
    given = answer(asked=_asked(proposal, debt, limits), owed=debt.owed, limits=limits, means=means, today=debt.on)
    plan = given.plan
    if plan is None or proposal is Proposal.SETTLEMENT:
        return Given(said(given), given)
    # The middle one, because the first may be a down payment.
    payment = a_month(middle([item.amount for item in plan.items]), frequency=plan.frequency)
    share = payment / means.amount.minor if means and means.amount.minor > 0 else None
    return Given(said(given), given, months(plan, since=debt.on), payment, share)


def _asked(proposal: Proposal, debt: Late, limits: Limits) -> Asked:
    balance = debt.owed.balance
    day = first_due(today=debt.on, frequency=Frequency.MONTHLY, pay_day=PAY_DAY)
    if proposal is Proposal.SETTLEMENT:
        return Settlement(Money(-(-balance.minor * SETTLED_FOR_PERCENT // 100), balance.currency), day)
    regular = Regular(level(balance, 12)[0], Frequency.MONTHLY, day, PAY_DAY)
    if proposal in (Proposal.TWELFTH, Proposal.TWELFTH_WITH_BUDGET):
        return regular
    least = least_payment(regular, owed=debt.owed, limits=limits, today=debt.on)
    return replace(regular, payment=level(least, 2)[0])


def said(given: Answer) -> Said:
    """Give what became of a proposal: a yes that a person looks at first is a person's."""
    if given.is_agreed_alone:
        return Said.YES
    if given.outcome is Outcome.SIGNPOST_AND_HOLD:
        return Said.HOLD
    return Said.PERSON if given.arrangement is None or given.outcome is Outcome.ACCEPT else Said.COUNTER


def months(plan: Schedule, *, since: date) -> int:
    """Give how many months there are from a day to the last payment, begun ones counted."""
    last = plan.ends_on
    return 12 * (last.year - since.year) + last.month - since.month + (last.day > since.day)


def _count(column: Column, given: Given) -> None:
    column.said[given.said] += 1
    if given.months is not None and given.payment is not None:
        column.months.append(given.months)
        column.payments.append(given.payment)
    if given.share is not None:
        column.shares.append(given.share)


def _row(name: str, proposal: Proposal, debt: Late, card: Card | None, given: Given) -> list[str]:
    balance = debt.owed.balance
    answered = given.answer
    payment = None if given.payment is None else Money(round(given.payment), balance.currency)
    return [
        name,
        proposal.value,
        debt.reference,
        balance.currency,
        str(balance.amount),
        str(debt.owed.days_late),
        card.name if card else "",
        given.said.value,
        answered.outcome.value if answered else "",
        " ".join(reason.value for reason in answered.reasons) if answered else "",
        "" if given.months is None else str(given.months),
        "" if payment is None else str(payment.amount),
        "" if debt.means is None else str(debt.means.amount.amount),
        "" if given.share is None else f"{float(given.share):.4f}",
    ]


_WIDTH, _NAMES, _BARS, _END, _FIGURES = 1200, 40, 250, 730, 745


def picture(comparisons: Sequence[Comparison], *, title: str = "The same proposals under several sets of rules") -> str:
    """Draw comparisons as SVG: for each proposal one bar for each set, with medians of what is accepted or offered."""
    used = {
        each
        for one in comparisons
        for (_, asked), column in one.columns.items()
        if asked in one.proposals
        for each in column.said
    }
    drawn, y = _legend(76, used)
    for comparison in comparisons:
        more, y = _panel(comparison, top=y + 44)
        drawn += more
    height = y + 24
    told = " ".join(_told(comparison) for comparison in comparisons)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
            f'height="{height}" role="img" aria-labelledby="title desc" font-family="sans-serif" font-size="15">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="desc">{escape(told)}</desc>',
            f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
            text_at(_NAMES, 44, title, size=24, bold=True),
            *drawn,
            "</svg>",
            "",
        ]
    )


def _told(comparison: Comparison) -> str:
    """Say in words what the bars show, for whoever can't see them."""
    bars = (
        f"{proposal.value}, {name}: " + ", ".join(f"{each.value} {count}" for each, count in column.said.items())
        for (name, proposal), column in comparison.columns.items()
        if proposal in comparison.proposals
    )
    return f"{comparison.title}: {'; '.join(bars)}."


def _legend(y: int, used: set[Said]) -> tuple[list[str], int]:
    drawn, x = [], float(_NAMES)
    for each, colour in _COLOURS.items():
        if each not in used:
            continue
        drawn.append(f'<rect x="{x:g}" y="{y - 12}" width="13" height="13" fill="{colour}"/>')
        drawn.append(text_at(x + 19, y, each.value, size=14))
        x += 44 + len(each.value) * 7.2
    drawn.append(text_at(_FIGURES, y, "medians of what is accepted or offered", size=14))
    return drawn, y


def _panel(comparison: Comparison, *, top: int) -> tuple[list[str], int]:
    title = f"{comparison.title}: {comparison.late:,} late debts, income known of {comparison.with_means:,}"
    drawn, y = [text_at(_NAMES, top, title, size=18, bold=True)], top + 4
    for proposal in comparison.proposals:
        y += 26
        drawn.append(text_at(_NAMES, y, f"Asked: {proposal.value}", bold=True))
        y += 8
        for name in comparison.sets:
            drawn += _bar(comparison, name, proposal, y)
            y += 24
    return drawn, y


def _bar(comparison: Comparison, name: str, proposal: Proposal, y: int) -> list[str]:
    counts = comparison.columns[name, proposal].said
    drawn, x, whole = [text_at(_NAMES, y + 15, name, size=14)], float(_BARS), counts.total()
    for each, colour in _COLOURS.items():
        if not counts[each]:
            continue
        width = (_END - _BARS) * counts[each] / whole
        drawn.append(f'<rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="20" fill="{colour}"/>')
        # With its share where there is room, else the number alone, else neither; the table has them.
        for label in (f"{counts[each]:,} ({percent(counts[each], whole)})", f"{counts[each]:,}"):
            if width > len(label) * 7.2 + 8:
                ink = "#1a1a1a" if each in (Said.COUNTER, Said.NO_INCOME) else "#ffffff"
                drawn.append(text_at(x + width / 2, y + 15, label, size=13, anchor="middle", fill=ink))
                break
        x += width
    figures = comparison.figures(name, proposal)
    return [*drawn, text_at(_FIGURES, y + 15, figures, size=13)] if figures else drawn
