"""Real loans lived again as plans: how many would have been kept, made up for and broken under three settings.

Reads Home Credit's instalments and Zindi's loans, which are not part of this project, and writes
docs/lives-of-real-loans.md and .svg: figures only, nothing of the data. By hand:

    .venv/bin/python tools/replay_lives.py ../shared/data docs
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from portal.money import Money, share
from portal.plans.states import Keeping, Standing, standing
from portal.schedules.schedule import Item

# Home Credit gives days before somebody applied; any day will do for the last of them.
APPLIED = date(2020, 1, 1)
CURE_DAYS = 30
OUTCOMES = ("kept", "made up for", "broken")
COLOURS = {"kept": "#2e7d4f", "made up for": "#e0a030", "broken": "#b23b3b"}


@dataclass(frozen=True)
class Setting:
    """Days of grace, and the tolerance as hundredths of a percent of a life's smallest payment, once for all of it."""

    name: str
    grace_days: int
    tolerance_bps: int


SETTINGS = (Setting("strict", 0, 0), Setting("usual", 5, 100), Setting("patient", 15, 500))


@dataclass(frozen=True)
class Life:
    """What was due of one loan, and what came: day and amount."""

    name: str
    items: tuple[Item, ...]
    came: tuple[tuple[date, Money], ...]


@dataclass
class Found:
    """Lives by how they went, payments by how they went, and what contradicts itself, by the names of the lives."""

    lives: Counter[str] = field(default_factory=Counter)
    payments: Counter[str] = field(default_factory=Counter)
    broke: int = 0
    contradictions: list[str] = field(default_factory=list)


def replay(life: Life, setting: Setting) -> tuple[str, Standing, bool, tuple[str, ...]]:
    """Give how a life went, how it stood in the end, whether it ever broke, and what contradicts itself.

    It is judged on each day on which something can change. It was kept if nothing was ever missed, broken if something
    was still missing when the days to make up for it were over, and made up for otherwise.
    """
    least = min(item.amount.minor for item in life.items)
    tolerance = Money(least * setting.tolerance_bps // 10_000, life.items[0].amount.currency)
    ends = {item.due_on + timedelta(days=setting.grace_days + 1) for item in life.items}
    over = {end + timedelta(days=CURE_DAYS) for end in ends}
    days = sorted(ends | over | {day for day, _amount in life.came})

    def judged(today: date, came: Sequence[tuple[date, Money]]) -> Standing:
        return standing(
            life.items,
            came,
            today=today,
            grace_days=setting.grace_days,
            tolerance=tolerance,
            cure_days=CURE_DAYS,
        )

    seen = [(day, judged(day, life.came)) for day in days]
    wrong = [complaint for day, each in seen for complaint in _wrong(life, each, day)]
    for (_, before), (_, now) in pairwise(seen):
        # Nothing goes back in these files, so what was missed may be made up for and is never kept.
        if set(before.missed + before.cured) & set(now.kept):
            wrong.append("missed, then kept")
        if not set(before.cured) <= set(now.cured) or not set(before.kept) <= set(now.kept):
            wrong.append("made up for or kept, then not")
    if seen[-1][1] != judged(days[-1], life.came[::-1]):
        wrong.append("the order in which it is told matters")
    if any(each.cure_by is not None and each.cure_by < day for day, each in seen):
        went = "broken"
    else:
        went = "made up for" if any(each.missed or each.cured for _, each in seen) else "kept"
    return went, seen[-1][1], any(each.keeping is Keeping.BROKEN for _, each in seen), tuple(wrong)


def _wrong(life: Life, each: Standing, day: date) -> Iterator[str]:
    named = sorted(each.kept + each.cured + each.missed)
    if named != list(range(1, len(named) + 1)):
        yield "a payment is counted twice or left out"
    due = sum(item.amount.minor for item in life.items if item.due_on < day)
    came = sum(amount.minor for on, amount in life.came if on <= day)
    late = each.keeping in (Keeping.GRACE, Keeping.AT_RISK, Keeping.BROKEN)
    if each.cure_amount.minor != (max(due - came, 0) if late else 0):
        yield "what is missing is not what was due less what came"
    if bool(each.missed) is not (each.keeping in (Keeping.AT_RISK, Keeping.BROKEN)):
        yield "it stands otherwise than its payments do"


def replay_all(lives: Sequence[Life], setting: Setting) -> Found:
    """Give how all lives went under one setting."""
    found = Found()
    for life in lives:
        went, end, broke, wrong = replay(life, setting)
        found.lives[went] += 1
        found.broke += broke
        found.payments.update({"kept": len(end.kept), "made up for": len(end.cured), "broken": len(end.missed)})
        found.contradictions += [f"{life.name}: {each}" for each in wrong]
    return found


def home_credit(data: Path) -> list[Life]:
    """Read the instalments, one life a contract and calendar; several rows of one instalment are its parts."""
    due: dict[str, dict[tuple[int, int], Decimal]] = {}
    came: dict[str, list[tuple[date, Money]]] = {}
    for row in _rows(data / "homecredit_instalments.csv"):
        life = f"{row['part']}/{row['contract']}/{row['calendar_version']}"
        of_life = due.setdefault(life, {})
        came.setdefault(life, [])
        if Decimal(row["amount_due"]) > 0:
            of_life[_whole(row["due_day"]), _whole(row["instalment_nr"])] = Decimal(row["amount_due"])
        if row["paid_day"] and row["amount_paid"] and Decimal(row["amount_paid"]) > 0:
            came[life].append((_day(row["paid_day"]), _money(row["amount_paid"], "CZK")))
    return [
        Life(
            name,
            tuple(_item(n, _day(day), _money(amount, "CZK")) for n, ((day, _), amount) in enumerate(sorted_items, 1)),
            tuple(came[name]),
        )
        for name, sorted_items in ((name, sorted(of_life.items())) for name, of_life in due.items())
        if sorted_items
    ]


def zindi(data: Path) -> list[Life]:
    """Read the loans, each as its first payment: of the others the file doesn't say when they came."""
    lives = []
    for row in _rows(data / "zindi_superlender_loans.csv"):
        months = max(int(row["term_days"]) // 30, 1)
        first = share(_money(row["total_due"], "NGN"), [1] * months)[0]
        paid = ((date.fromisoformat(row["first_paid"]), first),) if row["first_paid"] else ()
        name = f"{row['customer']}/{row['loan_number']}"
        lives.append(Life(name, (_item(1, date.fromisoformat(row["first_due"]), first),), paid))
    return lives


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as opened:
        yield from csv.DictReader(opened)


def _whole(text: str) -> int:
    return int(Decimal(text))


def _day(days: str | int) -> date:
    return APPLIED + timedelta(days=_whole(str(days)))


def _money(amount: str | Decimal, currency: str) -> Money:
    return Money(int((Decimal(amount) * 100).quantize(Decimal(1), ROUND_HALF_UP)), currency)


def _item(seq: int, due_on: date, amount: Money) -> Item:
    return Item(seq, due_on, amount, amount, Money.zero(amount.currency))


SOURCES = {"Home Credit": home_credit, "Zindi": zindi}


def row(source: str, setting: Setting, found: Found) -> str:
    """Give one line of the table."""
    lives, payments = found.lives.total(), found.payments.total()
    cells = [
        source,
        f"{setting.name}: {setting.grace_days} days, {setting.tolerance_bps / 100:g}%",
        *(f"{found.lives[each]:,} ({found.lives[each] / lives:.1%})" for each in OUTCOMES),
        f"{found.broke:,}",
        *(f"{found.payments[each] / payments:.1%}" for each in OUTCOMES),
    ]
    return "| " + " | ".join(cells) + " |"


def picture(results: Sequence[tuple[str, Setting, Found]]) -> str:
    """Give the shares of lives as bars, in an SVG that names each share in words too."""
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 300" role="img" font-family="sans-serif" '
        'font-size="14"><title>Lives of real loans: kept, made up for and broken under three settings</title>',
        '<rect width="760" height="300" fill="#ffffff"/>',
    ]
    for n, (source, setting, found) in enumerate(results):
        top, left = 16 + n * 38 + (n // len(SETTINGS)) * 10, 200.0
        lines.append(f'<text x="10" y="{top + 19}">{source}, {setting.name}</text>')
        for each in OUTCOMES:
            part = found.lives[each] / found.lives.total()
            wide = part * 540
            lines.append(
                f'<rect x="{left:.1f}" y="{top}" width="{wide:.1f}" height="28" fill="{COLOURS[each]}">'
                f"<title>{each}: {part:.1%}</title></rect>"
            )
            left += wide
    for n, each in enumerate(OUTCOMES):
        lines.append(f'<rect x="{200 + n * 150}" y="268" width="16" height="16" fill="{COLOURS[each]}"/>')
        lines.append(f'<text x="{224 + n * 150}" y="281">{each}</text>')
    return "\n".join([*lines, "</svg>", ""])


HEADER = """\
| file | grace, tolerance | kept | made up for | broken | ever broken | payments kept | made up for | missing |
|---|---|---|---|---|---|---|---|---|"""


def page(results: Sequence[tuple[str, Setting, Found]]) -> str:
    """Give the page with its table."""
    rows = "\n".join(row(*each) for each in results)
    return f"""\
# Lives of real loans

Real payments, with the day on which each was due, came, and how much came, judged as if they were payments of a plan,
by the same function that judges plans (`portal/plans/states.py`). Made by `tools/replay_lives.py`, which needs public
files that are not part of this project; `tests/real_files/test_lives_of_real_loans.py` counts them again.

{HEADER}
{rows}

![The same shares as bars](lives-of-real-loans.svg)

- Kept: nothing was ever missed. Made up for: something was, and it came within {CURE_DAYS} days after the days of
  grace. Broken: it was still missing by then. Ever broken: two payments were missing at once, made up for or not.
- The tolerance is a share of the smallest payment of a life, once for all of it.
- Home Credit: a life is what the file has of one contract and calendar, often a single payment of many; instalments of
  zero are left out. Where the file is a random choice of rows, one part of a payment made in parts may be absent, and
  then it counts as missing: the shares of what is broken are high for that reason.
- Zindi: a life is the first payment of a loan, an even part of what was due in all; that it came in full is taken as
  given, because the file has its day and not its amount.
- On each day on which anything can change: no payment was kept and missed, none counted twice, what is missing is what
  was due less what came, and the order in which payments are told makes no difference. Contradictions found: \
{sum(len(found.contradictions) for _, _, found in results)}.
"""


def results_of(data: Path) -> list[tuple[str, Setting, Found]]:
    """Give how the lives of each file went under each setting."""
    read = {name: source(data) for name, source in SOURCES.items()}
    return [(name, setting, replay_all(lives, setting)) for name, lives in read.items() for setting in SETTINGS]


def main() -> None:
    """Replay all files and write the page and the picture."""
    data, out = (Path(each) for each in sys.argv[1:3])
    results = results_of(data)
    (out / "lives-of-real-loans.md").write_text(page(results), encoding="utf-8")
    (out / "lives-of-real-loans.svg").write_text(picture(results), encoding="utf-8")
    for each in results[0][2].contradictions[:5]:
        print(each)


if __name__ == "__main__":
    main()
