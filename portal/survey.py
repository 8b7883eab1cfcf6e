"""Run the main job over every open debt of a lender, and write down what came out: a table, a picture, some letters.

Invariant: it only reads. For each debt it asks what a debtor would ask (balance, limits, three proposals, schedule),
and checks each plan that would be shown by arithmetic of its own.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

from portal import clock
from portal.db import session
from portal.debts import statement
from portal.debts.statement import Standing
from portal.ledger import OWED, Account
from portal.lenders.models import Lender
from portal.letters import issue, logos
from portal.letters.sheet import MissingGlyph
from portal.limits.cards import Limits
from portal.money import EXPONENTS, Money, level
from portal.offers.answering import answer
from portal.offers.answers import Answer, Outcome
from portal.offers.asked import Regular
from portal.offers.menu import least_payment, standard
from portal.people.models import Debtor
from portal.plans import negotiate
from portal.schedules.dates import Frequency, first_due
from portal.schedules.schedule import Schedule, level_payment, periodic_rate

PAGE = 500
PAY_DAY = 28
MOST_NAMED = 20
_LETTER_LANGUAGES = ("en", "zh_Hans")


class Proposal(Enum):
    """The three things that every debtor is taken to ask for, each monthly on the 28th."""

    TWELVE_MONTHS = "twelve_months"
    HALF_THE_LEAST = "half_the_least"
    LONGEST_TERM = "longest_term"


_ASKS = {
    Proposal.TWELVE_MONTHS: "a level payment over 12 months",
    Proposal.HALF_THE_LEAST: "half of the least payment",
    Proposal.LONGEST_TERM: "a level payment over the longest standard term",
}
NO_LIMITS, ONLY_A_PERSON, NOTHING_OWED = "no limits fit", "a person decides", "nothing is owed"
_ANSWERS = {
    Outcome.ACCEPT: "accepted",
    Outcome.COUNTER_HIGHER: "more is asked for",
    Outcome.COUNTER_LOWER: "less is offered",
    Outcome.COUNTER_LOWER_HARDSHIP_REVIEW: ONLY_A_PERSON,
    Outcome.REVIEW_HARDSHIP: ONLY_A_PERSON,
    Outcome.REFER_TOKEN: ONLY_A_PERSON,
    Outcome.SIGNPOST_AND_HOLD: ONLY_A_PERSON,
    Outcome.COUNTER_AND_ASK_BUDGET: "more is asked for, or a budget",
}
_AND_A_PERSON = " (a person looks first)"
# Days late, as (least, most, words); the last is open.
_LATENESS: tuple[tuple[int, int | None, str], ...] = (
    (0, 0, "not late"),
    (1, 30, "1 to 30 days"),
    (31, 89, "31 to 89 days"),
    (90, 179, "90 to 179 days"),
    (180, 364, "180 to 364 days"),
    (365, None, "365 days and more"),
)
_COLUMNS_OF_EACH = (
    "asked",
    "outcome",
    "reasons",
    "needs_person",
    "payment",
    "count",
    "total",
    "interest",
    "starts_on",
    "ends_on",
)
HEADER = (
    "reference",
    "product",
    "currency",
    *(account.value for account in OWED),
    "owed",
    "credit",
    "annual_rate",
    "days_late",
    "days_late_in_file",
    "card",
    "least_payment",
    *(f"{proposal.value}_{column}" for proposal in Proposal for column in _COLUMNS_OF_EACH),
    "check",
)


@dataclass(frozen=True, slots=True)
class Failing:
    """A debt for which something that would be shown is wrong."""

    reference: str
    why: str


@dataclass(slots=True)
class Summary:
    """What came out of a survey; amounts are in the lender's currency, bands of balances in its major units."""

    lender: str
    currency: str
    today: date
    table: Path
    picture: Path
    debts: int = 0
    parts: dict[Account, Money] = field(default_factory=dict)
    credit: Money | None = None
    answers: dict[Proposal, Counter[str]] = field(default_factory=lambda: {each: Counter() for each in Proposal})
    cards: Counter[str] = field(default_factory=Counter)
    late_today: Counter[str] = field(default_factory=Counter)
    late_in_file: Counter[str] = field(default_factory=Counter)
    balances: Counter[int] = field(default_factory=Counter)
    plans_checked: int = 0
    failing: int = 0
    failing_named: list[Failing] = field(default_factory=list)
    letters: list[Path] = field(default_factory=list)
    letters_failing: list[Failing] = field(default_factory=list)

    @property
    def owed(self) -> Money:
        """Give what is owed on all debts."""
        return sum(self.parts.values(), Money.zero(self.currency))

    def lines(self) -> tuple[str, ...]:
        """Give the summary as lines of text."""
        parts = ", ".join(f"{account.value} {_grouped(part)}" for account, part in self.parts.items() if part)
        found = [
            f"{self.lender}: {self.debts:,} open debts on {self.today}, {_grouped(self.owed)} owed"
            + (f" ({parts})" if parts else "")
            + (f", {_grouped(self.credit)} in credit" if self.credit else ""),
            "limits: " + _counted(self.cards),
            "days late today: " + _counted(_in_order(self.late_today)),
            "days late on the day of the file: " + _counted(_in_order(self.late_in_file)),
            "balances: "
            + _counted({band_words(low, self.currency): self.balances[low] for low in sorted(self.balances)}),
        ]
        found += [f"{_ASKS[proposal]}: {_counted(self.answers[proposal])}" for proposal in Proposal]
        found.append(f"{self.plans_checked:,} plans checked, {self.failing:,} debts with a failing check")
        found += [f"  failing: {each.reference}: {each.why}" for each in self.failing_named]
        if self.failing > len(self.failing_named):
            found.append(f"  and {self.failing - len(self.failing_named)} more, in the table")
        if self.letters or self.letters_failing:
            found.append(f"{len(self.letters)} letters drawn, {len(self.letters_failing)} that can't be issued")
        found += [f"  no letter: {each.reference}: {each.why}" for each in self.letters_failing]
        found.append(f"table: {self.table}")
        found.append(f"picture: {self.picture}")
        return tuple(found)


def run(
    *,
    lender: Lender,
    letters: int = 0,
    out: Path,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Summary:
    """Survey a lender's open debts; writes `survey.csv`, `survey.svg` and so many statements into a folder.

    `progress` is told debts done and debts in all. Letters are spread over the portfolio, in both languages by turns.
    """
    lender_id, currency = lender.id, lender.currency
    today = clock.today(lender.zone)
    out.mkdir(parents=True, exist_ok=True)
    summary = Summary(lender.slug, currency, today, table=out / "survey.csv", picture=out / "survey.svg")
    summary.parts = dict.fromkeys(OWED, Money.zero(currency))
    summary.credit = Money.zero(currency)
    count = statement.count_open(lender_id=lender_id)
    wanted = spread(count, letters)
    sample: list[Standing] = []
    with summary.table.open("w", newline="", encoding="utf-8-sig") as file:
        table = csv.writer(file)
        table.writerow(HEADER)
        for debt in debts(lender, count=count, progress=progress):
            if summary.debts in wanted:
                sample.append(debt)
            table.writerow([harmless(cell) for cell in _row(debt, summary=summary, today=today)])
    summary.picture.write_text(picture(summary), encoding="utf-8")
    _letters(sample, lender=lender, out=out, summary=summary)
    return summary


def spread(count: int, wanted: int) -> frozenset[int]:
    """Give the places of a sample: the first, the last and evenly between; 3 of 101 are 0, 50 and 100."""
    if count <= 0 or wanted <= 0:
        return frozenset()
    if wanted == 1:
        return frozenset({0})
    return frozenset(at * (count - 1) // (wanted - 1) for at in range(wanted))


def debts(
    lender: Lender, *, count: int, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> Iterator[Standing]:
    """Give every open debt of a lender, a page at a time."""
    lender_id, last, done = lender.id, None, 0
    while page := statement.all_open(lender_id=lender_id, after=last, limit=PAGE):
        last = page[-1].id
        yield from page
        done += len(page)
        progress(min(done, count), count)
        # A long read would keep SQLite from tidying up its log behind the debtors who pay meanwhile.
        session.rollback()


def _row(debt: Standing, *, summary: Summary, today: date) -> list[str]:
    """Ask everything about one debt, count it, and give its row of the table."""
    late, late_in_file = debt.days_late(today), debt.days_late(debt.as_of)
    summary.debts += 1
    for account, part in debt.parts.items():
        summary.parts[account] = summary.parts[account] + part
    summary.credit = debt.credit if summary.credit is None else summary.credit + debt.credit
    summary.late_today[_lateness(late)] += 1
    summary.late_in_file[_lateness(late_in_file)] += 1
    summary.balances[band_of(debt.owed)] += 1
    row = [
        debt.reference,
        debt.product,
        debt.owed.currency,
        *(str(debt.parts[account].amount) for account in OWED),
        str(debt.owed.amount),
        str(debt.credit.amount),
        f"{debt.annual_rate:f}",
        str(late),
        str(late_in_file),
    ]
    asked_of_each = len(Proposal) * len(_COLUMNS_OF_EACH)
    in_force = None
    if debt.owed:
        # A lender without limits for a debt is an everyday answer here, to be counted.
        with suppress(negotiate.NoLimits):
            in_force = negotiate.limits_in_force(debt, today=today)
    if in_force is None:
        why = NO_LIMITS if debt.owed else NOTHING_OWED
        summary.cards[why] += 1
        for proposal in Proposal:
            summary.answers[proposal][why] += 1
        return [*row, why, "", *[""] * asked_of_each, "ok"]
    summary.cards[in_force.card.name] += 1
    return [*row, in_force.card.name, *_answers(debt, in_force.limits, summary=summary, today=today)]


def _answers(debt: Standing, limits: Limits, *, summary: Summary, today: date) -> list[str]:
    """Give the least payment, what was asked for and answered three times, and what is wrong with it."""
    owed = negotiate.owed_of(debt, today=today)
    offers = standard(owed=owed, limits=limits, frequency=Frequency.MONTHLY, pay_day=PAY_DAY, today=today)
    day = first_due(today=today, frequency=Frequency.MONTHLY, pay_day=PAY_DAY)
    monthly = Regular(level(owed.balance, 12)[0], Frequency.MONTHLY, day, PAY_DAY)
    least = least_payment(monthly, owed=owed, limits=limits, today=today)
    cells = [str(least.amount)]
    wrong: list[str] = []
    for offer in offers:
        wrong += [f"offer {offer.kind.value}: {why}" for why in against(offer.schedule, debt, limits, today=today)]
    summary.plans_checked += len(offers)
    rate = periodic_rate(annual_rate=limits.plan_rate(contract_rate=owed.annual_rate), frequency=Frequency.MONTHLY)
    payments = {
        Proposal.TWELVE_MONTHS: level_payment(balance=owed.balance, rate=rate, count=12),
        Proposal.HALF_THE_LEAST: level(least, 2)[0],
        Proposal.LONGEST_TERM: level_payment(balance=owed.balance, rate=rate, count=limits.max_term_months),
    }
    for proposal, payment in payments.items():
        given = answer(asked=replace(monthly, payment=payment), owed=owed, limits=limits, today=today)
        summary.answers[proposal][words(given)] += 1
        # What lets a part off, or leaves one for later, doesn't repay all that is owed.
        others = (each.arrangement for each in given.alternatives)
        repaying = (each.schedule for each in others if each.waiver is None and each.left_at_review is None)
        plans = [plan for plan in (given.plan, *repaying) if plan is not None]
        for plan in plans:
            wrong += [f"{proposal.value}: {why}" for why in against(plan, debt, limits, today=today)]
        if not plans and _ANSWERS[given.outcome] != ONLY_A_PERSON:
            wrong.append(f"{proposal.value}: no plan is shown")
        summary.plans_checked += len(plans)
        cells += [
            str(payment.amount),
            given.outcome.value,
            " ".join(reason.value for reason in given.reasons),
            "yes" if given.needs_person else "no",
            *_plan_cells(given.plan),
        ]
    if wrong:
        summary.failing += 1
        if len(summary.failing_named) < MOST_NAMED:
            summary.failing_named.append(Failing(debt.reference, "; ".join(dict.fromkeys(wrong))))
    return [*cells, "; ".join(dict.fromkeys(wrong)) or "ok"]


def _plan_cells(plan: Schedule | None) -> list[str]:
    if plan is None:
        return [""] * 6
    return [
        str(plan.payment.amount),
        str(plan.count),
        str(plan.total.amount),
        str(plan.total_interest.amount),
        plan.starts_on.isoformat(),
        plan.ends_on.isoformat(),
    ]


def words(given: Answer) -> str:
    """Give an answer in the words of the summary."""
    said = _ANSWERS[given.outcome]
    return said + _AND_A_PERSON if given.needs_person and said != ONLY_A_PERSON else said


def against(plan: Schedule, debt: Standing, limits: Limits, *, today: date) -> tuple[str, ...]:
    """Give all that is wrong with a plan, by arithmetic of its own; nothing if it adds up and is inside the limits.

    Interest is checked in two ways: each item's against the balance that is left at the schedule's own rate, and the
    first item's against what the principal alone would bear at the rate of the limits.
    """
    wrong: list[str] = []
    items, owed = plan.items, debt.owed.minor
    principal = sum(item.principal.minor for item in items)
    interest = sum(item.interest.minor for item in items)
    if principal != owed:
        wrong.append(f"principal of all items is {principal} and not the balance {owed}")
    if sum(item.amount.minor for item in items) != owed + interest:
        wrong.append("the items are not balance plus interest")
    if any(item.amount.minor <= 0 or item.principal.minor <= 0 or item.interest.minor < 0 for item in items):
        wrong.append("an item of nothing or less")
    if any(item.amount.minor != item.principal.minor + item.interest.minor for item in items):
        wrong.append("an item is not its principal plus its interest")
    if len({item.amount.currency for item in items} | {debt.owed.currency}) > 1:
        wrong.append("several currencies")
    if any(later.due_on <= earlier.due_on for earlier, later in pairwise(items)):
        wrong.append("dates do not ascend")
    if not today <= items[0].due_on <= today + timedelta(days=limits.first_payment_within_days):
        wrong.append(f"the first date {items[0].due_on} is outside the limits")
    if plan.frequency not in limits.frequencies:
        wrong.append(f"{plan.frequency.value} is not offered")
    if len(items) * 12 > limits.max_term_months * plan.frequency.per_year:
        wrong.append(f"{len(items)} items are longer than {limits.max_term_months} months")
    if len(items) > 1 and items[-1].amount.minor > max(item.amount.minor for item in items[:-1]):
        wrong.append("the last item is the largest")
    annual = Fraction(limits.plan_rate(contract_rate=debt.annual_rate))
    a_period = annual / (100 * plan.frequency.per_year)
    most = _half_up(debt.parts[Account.PRINCIPAL].minor * a_period)
    # The rate is kept to six decimals of a percent, which may turn one unit over.
    if items[0].interest.minor > most + 1:
        wrong.append(f"interest {items[0].interest.minor} of the first item is more than the principal bears, {most}")
    left = owed
    for item in items:
        if abs(item.interest.minor * owed - left * items[0].interest.minor) > owed + left:
            wrong.append(f"interest of item {item.seq} does not follow from what is left")
            break
        left -= item.principal.minor
    return tuple(wrong)


def _half_up(value: Fraction) -> int:
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def _letters(sample: list[Standing], *, lender: Lender, out: Path, summary: Summary) -> None:
    """Draw the statements of a sample; each is checked for truth before, and none is kept in the books."""
    now = clock.now()
    for number, debt in enumerate(sample, start=1):
        language = _LETTER_LANGUAGES[(number - 1) % len(_LETTER_LANGUAGES)]
        person = session.get_one(Debtor, (debt.lender_id, debt.debtor_id))
        # A copy, because the person's own language must not change by being surveyed.
        reader = Debtor(lender_id=person.lender_id, id=person.id, name=person.name, language=language, zone=person.zone)
        try:
            letter = issue.statement_letter(debt, lender=lender, debtor=reader, now=now, number=f"SAMPLE-{number:03}")
            drawn = issue.drawn(letter, logo=logos.kept(lender.id, letter.logo))
        except issue.NotTrue as refused:
            summary.letters_failing.append(Failing(debt.reference, "; ".join(refused.reasons)))
        except MissingGlyph as refused:
            summary.letters_failing.append(Failing(debt.reference, f"no glyph for {' '.join(refused.characters)}"))
        else:
            path = out / f"statement-{number:03}-{language}.pdf"
            path.write_bytes(drawn.pdf)
            summary.letters.append(path)
    session.rollback()


def harmless(cell: str) -> str:
    """Keep a spreadsheet from taking a lender's text for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _lateness(days: int) -> str:
    return next(name for least, most, name in _LATENESS if days >= least and (most is None or days <= most))


def _in_order(counts: Counter[str]) -> dict[str, int]:
    return {name: counts[name] for _least, _most, name in _LATENESS if counts[name]}


def _counted(counts: dict[str, int] | Counter[str]) -> str:
    listed = counts.most_common() if isinstance(counts, Counter) else counts.items()
    return ", ".join(f"{name} {count:,}" for name, count in listed) or "none"


def band_of(owed: Money) -> int:
    """Give the lower end of a balance's band in major units, on the scale 0, 1, 2, 5, 10, 20, 50, 100 …

    739.20 USD is in the band of 500 to 1,000, and 0.40 USD in that of 0 to 1.
    """
    whole = owed.minor // 10 ** EXPONENTS[owed.currency]
    if whole < 1:
        return 0
    power = int("1".ljust(len(str(whole)), "0"))
    return next(step * power for step in (5, 2, 1) if whole >= step * power)


def band_end(low: int) -> int:
    """Give the upper end of the band that begins at `low`."""
    if not low:
        return 1
    first = int(str(low)[0])
    return low // first * {1: 2, 2: 5, 5: 10}[first]


def band_words(low: int, currency: str) -> str:
    """Give a band of balances in words."""
    return f"{low:,} to {band_end(low):,} {currency}"


# ---------------------------------------------------------------------------------------------------------------------
# The picture

_WIDTH, _LEFT, _RIGHT = 960, 40, 920
_COLOURS = {
    "accepted": "#0b6e4f",
    "accepted" + _AND_A_PERSON: "#6bb89c",
    "more is asked for": "#b35900",
    "more is asked for" + _AND_A_PERSON: "#e0a458",
    "more is asked for, or a budget": "#9a4d00",
    "more is asked for, or a budget" + _AND_A_PERSON: "#e0a458",
    "less is offered": "#2c5aa0",
    "less is offered" + _AND_A_PERSON: "#8fb0dd",
    ONLY_A_PERSON: "#5b3f8c",
    NO_LIMITS: "#767676",
    NOTHING_OWED: "#b0b0b0",
}


def picture(summary: Summary) -> str:
    """Draw the summary as SVG: a bar of answers for each proposal, and how many debts are of which size."""
    bars, height = _answer_bars(summary, top=120)
    histogram, height = _balance_histogram(summary, top=height + 50)
    title = f"Survey of {summary.lender} on {summary.today}"
    said = "; ".join(f"{_ASKS[proposal]}: {_counted(summary.answers[proposal])}" for proposal in Proposal)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
            f'height="{height}" role="img" aria-labelledby="title desc" font-family="sans-serif" font-size="15">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="desc">{escape(f"{summary.debts} debts, {summary.owed} owed. {said}.")}</desc>',
            f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
            text_at(_LEFT, 44, title, size=24, bold=True),
            text_at(_LEFT, 72, f"{summary.debts:,} open debts, {_grouped(summary.owed)} owed"),
            *bars,
            *histogram,
            "</svg>",
            "",
        ]
    )


def _grouped(amount: Money) -> str:
    return f"{amount.amount:,} {amount.currency}"


def text_at(
    x: float, y: float, words: str, *, size: int = 15, bold: bool = False, anchor: str = "start", fill: str = "#1a1a1a"
) -> str:
    """Give words at a place of a picture, as SVG."""
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" fill="{fill}"{weight}>'
        f"{escape(words)}</text>"
    )


def _answer_bars(summary: Summary, *, top: int) -> tuple[list[str], int]:
    """Draw one bar for each proposal, with the answers in words beneath it."""
    drawn = [text_at(_LEFT, top, "What the limits answer", size=18, bold=True)]
    y = top + 20
    for proposal in Proposal:
        counts = summary.answers[proposal]
        whole = sum(counts.values())
        drawn.append(text_at(_LEFT, y + 18, f"To {_ASKS[proposal]}", bold=True))
        y += 28
        x = float(_LEFT)
        drawn.append(f'<rect x="{_LEFT}" y="{y}" width="{_RIGHT - _LEFT}" height="26" fill="#e6e6e6"/>')
        shown = [(name, counts[name]) for name in _COLOURS if counts[name]]
        for name, count in shown:
            width = (_RIGHT - _LEFT) * count / whole
            drawn.append(f'<rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="26" fill="{_COLOURS[name]}"/>')
            x += width
        y += 26
        at = float(_LEFT)
        for name, count in shown:
            label = f"{name}: {count:,} ({percent(count, whole)})"
            # Sans-serif letters of this size are about 7.2 wide; a label that doesn't fit goes on to the next line.
            needed = 20 + len(label) * 7.2 + 24
            if at > _LEFT and at + needed > _RIGHT:
                at, y = float(_LEFT), y + 22
            drawn.append(f'<rect x="{at:g}" y="{y + 9}" width="13" height="13" fill="{_COLOURS[name]}"/>')
            drawn.append(text_at(at + 19, y + 21, label, size=14))
            at += needed
        y += 42
    return drawn, y


def percent(count: int, whole: int) -> str:
    """Give a share in whole percent; few are never called none, nor nearly all all."""
    share = Decimal(100 * count) / whole
    if count == whole:
        return "100%"
    return "<1%" if share < 1 else ">99%" if share > 99 else f"{share:.0f}%"


def _balance_histogram(summary: Summary, *, top: int) -> tuple[list[str], int]:
    """Draw how many debts are in each band of balances; the bands grow 1, 2, 5, 10 …, so that all of them fit."""
    drawn = [text_at(_LEFT, top, f"How much is owed on a debt, in {summary.currency}", size=18, bold=True)]
    if not summary.balances:
        return [*drawn, text_at(_LEFT, top + 30, "No debts.")], top + 60
    lows = [min(summary.balances)]
    while lows[-1] < max(summary.balances):
        lows.append(band_end(lows[-1]))
    most = max(summary.balances.values())
    tall, floor = 220, top + 270
    step = (_RIGHT - _LEFT) / len(lows)
    for at, low in enumerate(lows):
        count = summary.balances[low]
        x, height = _LEFT + at * step, tall * count / most
        if count:
            drawn.append(
                f'<rect x="{x + step * 0.08:.2f}" y="{floor - height:.2f}" width="{step * 0.84:.2f}" '
                f'height="{max(height, 1):.2f}" fill="#2c5aa0"/>'
            )
            drawn.append(text_at(x + step / 2, floor - height - 6, f"{count:,}", size=13, anchor="middle"))
        # An end stands under each edge, so that a band reads from one number to the next.
        drawn.append(text_at(x, floor + 20, _short(low), size=13, anchor="middle"))
    drawn.append(text_at(_LEFT + len(lows) * step, floor + 20, _short(band_end(lows[-1])), size=13, anchor="middle"))
    drawn.append(f'<line x1="{_LEFT}" y1="{floor}" x2="{_RIGHT}" y2="{floor}" stroke="#1a1a1a"/>')
    drawn.append(
        text_at(_LEFT, floor + 48, "Number of debts; each band begins at its left number and ends below its right one.")
    )
    return drawn, floor + 76


def _short(number: int) -> str:
    for size, letter in ((1_000_000_000, "bn"), (1_000_000, "m"), (1_000, "k")):
        if number >= size and number % size == 0:
            return f"{number // size}{letter}"
    return str(number)
