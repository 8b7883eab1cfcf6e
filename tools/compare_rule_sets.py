"""What three quite different sets of limits answer on the late debts of the public files; for survey_real_files.py.

Settlements and hardship plans that were really agreed are put to the same sets. Nothing here is written to a database.
"""

import csv
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from portal import compare
from portal.limits.cards import Limits, LimitsSet
from portal.limits.reading import parse
from portal.money import Money
from portal.offers.answering import answer
from portal.offers.answers import Reason
from portal.offers.asked import Lower, Regular, Settlement
from portal.offers.drafts import least_settlement
from portal.offers.owed import Means, Owed
from portal.offers.reckoning import Case
from portal.offers.trace import Trace
from portal.schedules.dates import Frequency

ROOT = Path(__file__).resolve().parents[1]
SETS = ("standard", "british", "china-farm")
# Round figures, so that amounts of one country's rules are sensible in another's; no rates of exchange.
WORTH = {"USD": Decimal(1), "GBP": Decimal("0.8"), "CNY": Decimal(7), "CZK": Decimal(20), "NGN": Decimal(300)}
WHOLE = 100
WRITTEN_IN = "USD"  # The standard set names no currency.
# Of gross income, what is taken to be left after tax, housing and living, before payments on other debts.
LEFT_OF_INCOME_PERCENT = Decimal(30)


@dataclass(frozen=True)
class Income:
    """The columns of a file that say what somebody earns in a year, and what share of it goes to other debts."""

    reference: str
    alone: tuple[str, str]
    joint: tuple[str, str]


INCOMES = {
    "lendingclub": Income("id", ("annual_inc", "dti"), ("annual_inc_joint", "dti_joint")),
    "openintro": Income("row", ("annual_income", "debt_to_income"), ("annual_income_joint", "debt_to_income_joint")),
}


def sets_in(currency: str) -> dict[str, LimitsSet]:
    """Give the three sets with their amounts in a currency, scaled by the round figures above."""
    found = {}
    for name in SETS:
        text = (ROOT / "limits" / f"{name}.toml").read_text(encoding="utf-8")
        own = tomllib.loads(text).get("currency", WRITTEN_IN)
        limits = parse(text, currency=own)
        found[name] = (
            limits if own == currency else compare.scaled(limits, currency=currency, times=WORTH[currency] / WORTH[own])
        )
    return found


def scaling(currency: str) -> str:
    """Say how the sets' amounts were brought into a currency."""
    worth = ", ".join(f"{WORTH[each]} {each}" for each in dict.fromkeys(("USD", "GBP", "CNY", currency)))
    return f"amounts of the sets in {currency}, whole units, by {worth} as one and the same"


def means_in(source: str, file: Path, currency: str) -> dict[str, Means]:
    """Give what is left over of each income in a file: 30% of it, less what other debts take; may be below nothing."""
    columns = INCOMES.get(source)
    if columns is None:
        return {}
    found = {}
    for row in _rows(file):
        income, debts = (_number(row[name]) for name in columns.joint)
        if income is None or debts is None:
            income, debts = (_number(row[name]) for name in columns.alone)
        if income is None or debts is None:
            continue
        left = income / 12 * (LEFT_OF_INCOME_PERCENT - debts) / 100
        reference = row[columns.reference] if source == "lendingclub" else f"OI-{row[columns.reference]}"
        found[reference] = Means(Money.rounded(left, currency))
    return found


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(newline="", encoding="utf-8-sig") as text:
        yield from csv.DictReader(text)


def _number(text: str) -> Decimal | None:
    return None if text in ("", "NA") else Decimal(text)


def _month(text: str) -> date:
    return datetime.strptime(text, "%b-%Y").date()  # noqa: DTZ007


def _months_on(day: date, count: int) -> date:
    at = day.year * 12 + day.month - 1 + count
    return date(at // 12, at % 12 + 1, 1)


@dataclass(frozen=True)
class Settled:
    """A settlement that was agreed, with how things stood then as far as the file says."""

    owed: Owed
    on: date
    amount: Money
    percent: Decimal
    months: int
    status: str


@dataclass(frozen=True)
class Hardship:
    """A hardship plan that was agreed: so many months of so much."""

    owed: Owed
    on: date
    payment: Money
    months: int
    usual: Money


def settlements_in(file: Path) -> tuple[Settled, ...]:
    """Read the settlements of LendingClub's file.

    What was owed is the amount over the percentage. The first payment that was missed is the one after those that
    principal and interest received make up, which says for how long the loan had been late.
    """
    found = []
    for row in _rows(file):
        if not row["settlement_status"]:
            continue
        amount, percent = Decimal(row["settlement_amount"]), Decimal(row["settlement_percentage"])
        on = _month(row["settlement_date"])
        kept = (Decimal(row["total_rec_prncp"]) + Decimal(row["total_rec_int"])) // Decimal(row["installment"])
        late = max((on - _months_on(_month(row["issue_d"]), int(kept) + 1)).days, 0)
        owed = Owed(Money.rounded(amount * 100 / percent, "USD"), annual_rate=Decimal(row["int_rate"]), days_late=late)
        found.append(
            Settled(
                owed,
                on,
                Money.rounded(amount, "USD"),
                percent,
                int(Decimal(row["settlement_term"])),
                row["settlement_status"],
            )
        )
    return tuple(found)


def hardships_in(file: Path) -> tuple[Hardship, ...]:
    """Read the hardship plans of LendingClub's file."""
    return tuple(
        Hardship(
            Owed(
                Money.rounded(Decimal(row["hardship_payoff_balance_amount"]), "USD"),
                annual_rate=Decimal(row["int_rate"]),
                days_late=int(Decimal(row["hardship_dpd"])),
            ),
            _month(row["hardship_start_date"]),
            Money.rounded(Decimal(row["hardship_amount"]), "USD"),
            int(Decimal(row["hardship_length"])),
            Money.rounded(Decimal(row["installment"]), "USD"),
        )
        for row in _rows(file)
        if row["hardship_type"]
    )


def _limits(limits: LimitsSet, owed: Owed) -> Limits | None:
    card = limits.limits_for(balance=owed.balance, days_late=owed.days_late, product="")
    return card.limits if card else None


def _in_order(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def about_settlement(settled: Settled, limits: Limits | None) -> tuple[str, int | None, int | None]:
    """Say what a set makes of a settlement that was agreed, and the least percent it takes: by a person, and alone."""
    if limits is None:
        return "no rule fits", None, None
    staged = settled.months > 1
    asked = Settlement(settled.amount, settled.on + timedelta(days=27), max(settled.months, 1))
    given = answer(asked=asked, owed=settled.owed, limits=limits, today=settled.on)
    least, alone = (
        least_settlement(settled.owed, limits, staged=staged, alone=alone, trace=Trace()) for alone in (False, True)
    )
    percents = tuple(round(100 * each.minor / settled.owed.balance.minor) for each in (least, alone))
    if least >= settled.owed.balance:
        return "no settlement is offered, only plans for all of it", *percents
    if given.is_agreed_alone:
        return "yes at once", *percents
    if settled.amount < least:
        return "less than a person may agree to", *percents
    return "a person may agree" + (", in fewer parts" if Reason.TOO_MANY_PARTS in given.reasons else ""), *percents


def about_hardship(plan: Hardship, limits: Limits | None) -> tuple[str, Money | None]:
    """Say what a set makes of a hardship plan that was agreed, and the usual payment a month under it."""
    if limits is None:
        return "no rule fits", None
    regular = Regular(plan.payment, Frequency.MONTHLY, plan.on + timedelta(days=27), 28)
    given = answer(asked=Lower(plan.months, regular), owed=plan.owed, limits=limits, today=plan.on)
    said = compare.said(given).value
    if Reason.WAY_NOT_OFFERED in given.reasons:
        said += ", as nothing lower is offered for a while"
    return said, usual_payment(plan.owed, limits, plan.on)


def usual_payment(owed: Owed, limits: Limits, on: date) -> Money:
    """Give the least payment a month of a plan for all that is owed."""
    regular = Regular(owed.balance, Frequency.MONTHLY, on + timedelta(days=27), 28)
    return Case(owed, limits, None, on, Trace()).reckon(regular).least


def real_plans(file: Path, sets: Mapping[str, LimitsSet]) -> Iterator[str]:
    """Give tables in Markdown: what was really agreed, and what each set says to it; medians, least to most."""
    yield from _settlements(settlements_in(file), sets)
    yield ""
    yield from _hardships(hardships_in(file), sets)


def _settlements(settled: Sequence[Settled], sets: Mapping[str, LimitsSet]) -> Iterator[str]:
    yield "| settlements | number | % of what was owed | months | % of what was owed a month | days late |"
    yield "|---|---|---|---|---|---|"
    for status in ("all", *sorted({each.status for each in settled})):
        some = [each for each in settled if status in ("all", each.status)]
        a_month = [each.percent / max(each.months, 1) for each in some]
        yield (
            f"| {status.lower()} | {len(some)} | {_spread([each.percent for each in some])} "
            f"| {_spread([each.months for each in some])} | {_spread(a_month, 1)} "
            f"| {_spread([each.owed.days_late for each in some])} |"
        )
    yield ""
    yield (
        "| rules | what they say | a person may agree from, % | yes at once from, % | most parts "
        "| a plan for all of it, % a month | in months |"
    )
    yield "|---|---|---|---|---|---|---|"
    for name, limits in sets.items():
        cards = [_limits(limits, each.owed) for each in settled]
        about = [about_settlement(each, card) for each, card in zip(settled, cards, strict=True)]
        offered = [each for each in about if each[1] is not None and each[1] < WHOLE]
        most = Counter(str(card.discount.most_instalments) if card and card.discount else "none" for card in cards)
        fitting = [(each, card) for each, card in zip(settled, cards, strict=True) if card]
        usual = [
            Decimal(100 * usual_payment(each.owed, card, each.on).minor) / each.owed.balance.minor
            for each, card in fitting
        ]
        yield (
            f"| {name} | {_in_order(Counter(each[0] for each in about))} "
            f"| {_spread([each[1] or 0 for each in offered])} | {_spread([each[2] or 0 for each in offered])} "
            f"| {_in_order(most)} | {_spread(usual, 1)} | {_spread([card.max_term_months for _, card in fitting])} |"
        )


def _hardships(plans: Sequence[Hardship], sets: Mapping[str, LimitsSet]) -> Iterator[str]:
    yield "| hardship plans | number | months | payment, % of the contract's | days late |"
    yield "|---|---|---|---|---|"
    shares = [round(100 * each.payment.minor / each.usual.minor) for each in plans]
    yield (
        f"| all | {len(plans)} | {_spread([each.months for each in plans])} | {_spread(shares)} "
        f"| {_spread([each.owed.days_late for each in plans])} |"
    )
    yield ""
    yield (
        "| rules | what they say | usual payment, % of the contract's | what was agreed, % of the usual "
        "| most months lower | at least, % of the usual |"
    )
    yield "|---|---|---|---|---|---|"
    for name, limits in sets.items():
        cards = [_limits(limits, each.owed) for each in plans]
        about = [about_hardship(each, card) for each, card in zip(plans, cards, strict=True)]
        usual = [(each, found) for each, (_, found) in zip(plans, about, strict=True) if found]
        lower = [card.reduced_payment if card else None for card in cards]
        yield (
            f"| {name} | {_in_order(Counter(each[0] for each in about))} "
            f"| {_spread([round(100 * found.minor / each.usual.minor) for each, found in usual])} "
            f"| {_spread([round(100 * each.payment.minor / found.minor) for each, found in usual])} "
            f"| {_in_order(Counter(str(each.most_months) if each else 'none' for each in lower))} "
            f"| {_in_order(Counter(str(each.least_bps // 100) if each else 'none' for each in lower))} |"
        )


def _spread(values: Sequence[int] | Sequence[Decimal], places: int = 0) -> str:
    if not values:
        return "none"
    return f"{compare.middle(values):.{places}f} ({min(values):.{places}f} to {max(values):.{places}f})"
