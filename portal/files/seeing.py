"""What a file would do, seen before anything is written: how it is read, what is refused, what changes, how much.

It reads only. The import itself reads the file anew and decides by the same rules; where it counts otherwise, because
somebody paid meanwhile, its own count is the one that stays.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select

from portal import clock
from portal.bulk import rows_by_text
from portal.db import session
from portal.debts.mapping import FIELDS, PortfolioMapping, Source
from portal.debts.mapping_file import parse_mapping
from portal.debts.models import Debt
from portal.debts.opening import open_table
from portal.debts.plain import plain_mapping
from portal.debts.portfolio import open_portfolio
from portal.debts.results import ADDS_UP_TO_ZERO, DebtRow, NothingOwed, Refusal, clipped, duplicate_refusal
from portal.debts.runs import BATCH
from portal.debts.switching import as_of_now
from portal.debts.tables import FileLimits
from portal.ledger import OWED, Account, Book
from portal.lenders.models import LenderCard
from portal.plans.models import LIVE_STATES, Plan

# A larger file comes in by command, which reads up to a gigabyte.
LARGEST: Final = 32 * 1024 * 1024
MOST_ROWS: Final = 200_000
_FIRST_ROWS, _EXAMPLES, _EXAMPLES_OF_ONE = 5, 20, 4
# Fewer known debts than this, and less than half of all, are a correction of a few and not of a portfolio.
_A_PORTFOLIO: Final = 10
# A third or more of a balance is much, and a quarter or more of the debts are many.
_MUCH: Final = 3
_MANY: Final = 4
_PARTS = tuple(getattr(Book, f"{part.value}_minor") for part in OWED)
_ALL_PARTS = sum(_PARTS[1:], _PARTS[0])


@dataclass(frozen=True, slots=True)
class Asked:
    """How a file is to be read: by which mapping (none: by its titles), of which day, and whether it is all debts."""

    mapping: str
    mapping_name: str
    as_of: date | None
    whole: bool


def mapping_for(path: Path, asked: Asked, *, currency: str) -> PortfolioMapping:
    """Give the mapping by which a file is read; one is made from its titles where none was given.

    :raises portal.debts.mapping.MappingRefused: if it can't be used, or the titles are not those of the fields.
    :raises portal.debts.tables.FileRefused: if the file can't be opened.
    """
    if asked.mapping:
        return parse_mapping(asked.mapping, name=asked.mapping_name or "mapping")
    with open_table(path, limits=limits()) as table:
        return parse_mapping(plain_mapping(table.header, currency=currency), name="plain")


def limits() -> FileLimits:
    """Give the most that a file brought by hand may hold; unpacked a workbook is some times larger."""
    return FileLimits(bytes=LARGEST, rows=MOST_ROWS, unpacked_bytes=8 * LARGEST, shared_strings_bytes=2 * LARGEST)


class _Seen:
    """Counts what a file would do, batch by batch."""

    def __init__(self, lender_id: uuid.UUID, *, as_of: date) -> None:
        self.lender_id = lender_id
        self.as_of = as_of
        self.began = clock.now()
        self.counts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.examples: list[tuple[str, ...]] = []
        self.first: list[DebtRow] = []
        self.known_open: set[uuid.UUID] = set()
        self._of_reason: Counter[str] = Counter()

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        self.counts["refused"] += 1
        first = refusals[0]
        self.reasons[first.reason.value] += 1
        self._of_reason[first.reason.value] += 1
        if self._of_reason[first.reason.value] <= _EXAMPLES_OF_ONE and len(self.examples) < _EXAMPLES:
            self.examples.append((str(first.line), first.column, first.value, first.reason.value, first.sentence))

    def add(self, good: Sequence[DebtRow], zero: Sequence[NothingOwed]) -> None:
        """Count what rows would do to the debts that are there."""
        said: dict[str, dict[str, int]] = {
            row.reference: {part.value: getattr(row, f"{part.value}_minor") for part in OWED} for row in good
        }
        paid_off = {row.reference for row in zero} - said.keys()
        known = {
            row.reference: row
            for row in rows_by_text(
                *(Debt.reference, Debt.id, Debt.state),
                key=Debt.reference,
                texts=[*said, *paid_off],
                where=(Debt.lender_id == self.lender_id) & (Debt.state != "staged"),
            )
        }
        for row in good:
            if row.reference not in known:
                self.counts["new"] += 1
                self.counts["new_minor"] += row.total_minor
        self.counts["accepted"] += len(good) + len(paid_off & known.keys())
        self.counts["nothing_owed"] += len(zero) - len(paid_off & known.keys())
        if known:
            self._compare({row.id: said.get(reference, {}) for reference, row in known.items()}, list(known.values()))

    def _compare(self, said: Mapping[uuid.UUID, Mapping[str, int]], known: Sequence[Any]) -> None:
        before = {
            debt_id: dict(zip(OWED, parts, strict=True))
            for debt_id, *parts in session.execute(
                select(Book.id, *_PARTS).where(Book.lender_id == self.lender_id, Book.id.in_(list(said)))
            )
        }
        after = as_of_now(self.lender_id, said, as_of=self.as_of, since=self.began)
        # What was paid beyond the file's figures is credit, which changes a debt as well.
        changed = [debt_id for debt_id in said if after[debt_id] != before[debt_id] | {Account.CREDIT: 0}]
        self.known_open |= {row.id for row in known if row.state == "open"}
        self.counts["reopened"] += sum(row.state == "recalled" for row in known)
        self.counts["known"] += len(known)
        self.counts["changed"] += len(changed)
        for debt_id in said:
            owed = {part: (before[debt_id][part], after[debt_id][part]) for part in OWED}
            for part, (was, will) in owed.items():
                self.counts[f"before_{part.value}_minor"] += was
                self.counts[f"after_{part.value}_minor"] += will
            was, will = sum(was for was, _will in owed.values()), sum(will for _was, will in owed.values())
            # What leaves one part and comes to another, beside what the whole changes by.
            between = (sum(abs(will - was) for was, will in owed.values()) - abs(will - was)) // 2
            self.counts["before_minor"] += was
            self.counts["after_minor"] += will
            self.counts["to_zero"] += bool(was) and not will
            self.counts["owing"] += bool(was)
            self.counts["moved_much"] += bool(was) and abs(will - was) * _MUCH >= was
            self.counts["between_parts"] += bool(was) and between * _MUCH >= was
        self.counts["plans"] += _plans_on(self.lender_id, changed)

    def recall(self) -> None:
        """Count the debts that the file lacks."""
        open_now, owed_now = session.execute(
            select(func.count(), func.coalesce(func.sum(_ALL_PARTS), 0))
            .select_from(Debt)
            .join(Book, (Book.lender_id == Debt.lender_id) & (Book.id == Debt.id))
            .where(Debt.lender_id == self.lender_id, Debt.state == "open")
        ).one()
        self.counts["open_before"], self.counts["owed_before_minor"] = open_now, int(owed_now)

    def recall_what_is_missing(self) -> None:
        """Count what would be recalled, as long as no row is refused."""
        plans, gone_minor, gone = 0, 0, 0
        last: uuid.UUID | None = None
        query = (
            select(Debt.id, _ALL_PARTS)
            .join(Book, (Book.lender_id == Debt.lender_id) & (Book.id == Debt.id))
            .where(Debt.lender_id == self.lender_id, Debt.state == "open")
            .order_by(Debt.id)
            .limit(BATCH)
        )
        while rows := session.execute(query if last is None else query.where(Debt.id > last)).all():
            last = rows[-1][0]
            missing = [(debt_id, minor) for debt_id, minor in rows if debt_id not in self.known_open]
            gone += len(missing)
            gone_minor += sum(minor for _id, minor in missing)
            plans += _plans_on(self.lender_id, [debt_id for debt_id, _minor in missing])
        self.counts["recalled"], self.counts["recalled_minor"], self.counts["recalled_plans"] = gone, gone_minor, plans

    def alarms(self) -> list[str]:
        """Say what of it is so much that it may be a mistake, and is asked for by itself."""
        counts, found = self.counts, []
        several = counts["known"] >= min(_A_PORTFOLIO, max(-(-counts["open_before"] // 2), 1))
        if several and (before := counts["before_minor"]):
            change = counts["after_minor"] - before
            if abs(change) * _MUCH >= before:
                found.append("total_falls" if change < 0 else "total_rises")
            # Where some fall and others rise, what all come to may stay the same.
            elif counts["moved_much"] * _MANY >= counts["owing"]:
                found.append("many_change")
            if counts["between_parts"] * _MANY >= counts["owing"]:
                found.append("parts_change")
        if (counts["recalled"] + counts["to_zero"]) * 2 > counts["open_before"] > 0:
            found.append("most_gone")
        return found


def _plans_on(lender_id: uuid.UUID, debts: Sequence[uuid.UUID]) -> int:
    if not debts:
        return 0
    query = select(func.count()).where(
        Plan.lender_id == lender_id, Plan.debt_id.in_(debts), Plan.state.in_(LIVE_STATES)
    )
    return session.scalar(query) or 0


def see(
    path: Path,
    asked: Asked,
    *,
    lender: LenderCard,
    currency: str,
    progress: Callable[[int], None] = lambda _bytes: None,
) -> dict[str, Any]:
    """Read a file and say what it would do, as plain values; nothing is written. The file is read twice.

    :raises portal.debts.tables.FileRefused: if the file as a whole can't be read.
    :raises portal.debts.mapping.MappingRefused: if the mapping can't be used.
    """
    today = clock.today(lender.zone)
    mapping = mapping_for(path, asked, currency=currency)
    as_of = asked.as_of or mapping.as_of or today
    seen = _Seen(lender.id, as_of=as_of)
    given: dict[str, Any] = {
        "mapping": mapping,
        "today": today,
        "currencies": {currency},
        "as_of": asked.as_of,
        "limits": limits(),
    }
    column = mapping.fields["reference"].place or "reference"
    twice = _more_than_once(path, given, lambda done: progress(done // 2))
    with open_portfolio(path, **given) as portfolio:
        header = list(portfolio.table.header)
        results = portfolio.results()
        while batch := list(islice(results, BATCH)):
            good: list[DebtRow] = []
            zero: list[NothingOwed] = []
            for result in batch:
                seen.counts["read"] += 1
                if isinstance(result, DebtRow):
                    if (other := twice.get(result.reference)) is not None:
                        line = other[1] if other[0] == result.line else other[0]
                        seen.refuse([_twice(result, line, column)])
                    else:
                        good.append(result)
                elif isinstance(result, NothingOwed):
                    if result.why == ADDS_UP_TO_ZERO:
                        if (other := twice.get(result.reference)) is not None:
                            line = other[1] if other[0] == result.line else other[0]
                            seen.refuse([_twice(result, line, column)])
                        else:
                            zero.append(result)
                    else:
                        seen.counts["nothing_owed"] += 1
                else:
                    seen.refuse(result)
            seen.first += good[: max(_FIRST_ROWS - len(seen.first), 0)]
            seen.add(good, zero)
            # What was read may be much, and none of it is needed as an object.
            session.expunge_all()
            session.rollback()
            progress((portfolio.bytes_total + portfolio.bytes_read) // 2)
    seen.recall()
    if asked.whole and not seen.counts["refused"]:
        seen.recall_what_is_missing()
    return {
        "as_of": as_of.isoformat(),
        "currency": currency,
        "columns": [[title, *_used_for(title, mapping)] for title in header],
        "made": [[name, _how(source)] for name, source in _made(mapping).items()],
        "rows": [_shown(row) for row in seen.first],
        "examples": [list(each) for each in seen.examples],
        "reasons": dict(seen.reasons.most_common()),
        "counts": dict(seen.counts),
        "alarms": seen.alarms(),
    }


def _more_than_once(path: Path, given: dict[str, Any], progress: Callable[[int], None]) -> dict[str, tuple[int, int]]:
    """Give references that more than one row has, with two of their lines; rows that all say zero agree."""
    firsts: dict[str, tuple[int, bool]] = {}
    twice: dict[str, tuple[int, int]] = {}
    with open_portfolio(path, **given) as portfolio:
        for number, result in enumerate(portfolio.results()):
            if isinstance(result, DebtRow) or (isinstance(result, NothingOwed) and result.why == ADDS_UP_TO_ZERO):
                owed = isinstance(result, DebtRow)
                line, first_owed = firsts.setdefault(result.reference, (result.line, owed))
                if line != result.line and (owed or first_owed):
                    twice.setdefault(result.reference, (line, result.line))
            if number % BATCH == 0:
                progress(portfolio.bytes_read)
    return twice


def _twice(row: DebtRow | NothingOwed, line: int, column: str) -> Refusal:
    return duplicate_refusal(line=row.line, other_line=line, reference=row.reference, column=column)


def _used_for(title: str, mapping: PortfolioMapping) -> list[str]:
    """Give the fields that a column is read for."""
    sources = {**mapping.fields, "currency": mapping.currency}
    used = [name for name, source in sources.items() if title in source.columns]
    used += [f"attribute:{name}" for name, source in mapping.attributes.items() if title in source.columns]
    used += ["person"] if title in mapping.person else []
    used += ["skip"] if any(title in skip.when.columns for skip in mapping.skips) else []
    return used


def _made(mapping: PortfolioMapping) -> dict[str, Source]:
    """Give the fields that no column alone is."""
    sources = {**mapping.fields, "currency": mapping.currency}
    return {name: source for name, source in sources.items() if source.column is None and name in {*FIELDS, "currency"}}


def _how(source: Source) -> str:
    if source.value is not None:
        return clipped(source.value)
    return clipped(", ".join(source.columns))


def _shown(row: DebtRow) -> dict[str, Any]:
    """Give what a page shows of a row."""
    return {
        "line": row.line,
        "reference": row.reference,
        "name": row.name,
        "born_on": row.born_on.isoformat() if row.born_on else None,
        "email": row.email,
        "phone": row.phone,
        "product": row.product,
        "minor": row.total_minor,
        "late_since": row.late_since.isoformat() if row.late_since else None,
    }
