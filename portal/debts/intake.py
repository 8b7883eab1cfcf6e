"""A lender's file becomes debts: staged in batches with progress, then switched live in one transaction, or not at all.

Debtors can pay meanwhile: what is already in the books is touched only at the switch, and only by its difference.
"""

from __future__ import annotations

import csv
import gc
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import islice
from pathlib import Path

from portal import clock
from portal.db import session, transaction
from portal.debts import undoing
from portal.debts.mapping import PortfolioMapping
from portal.debts.portfolio import open_portfolio
from portal.debts.results import ADDS_UP_TO_ZERO, REPORT_HEADER, DebtRow, NothingOwed, Refusal, RowResult, report_line
from portal.debts.runs import BATCH, NO_PLANS, Plans, Summary, begin, discard, note
from portal.debts.staging import Staging
from portal.debts.switching import switch
from portal.evidence.record import OPERATOR, Actor
from portal.lenders.models import Lender
from portal.web.tags import best


def bring_in(
    path: Path,
    *,
    lender: Lender,
    mapping: PortfolioMapping,
    as_of: date | None = None,
    keep_good: bool = False,
    full: bool = False,
    report: Path,
    plans: Plans = NO_PLANS,
    by: Actor = OPERATOR,
    upload_id: uuid.UUID | None = None,
    ending: Callable[[Summary], None] = lambda _summary: None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Summary:
    """Read a file and switch it live; with a refused row and without `keep_good`, nothing of it stays.

    `report` is written as CSV: row, column, value, reason, what is wrong. `progress` is told bytes read and bytes in
    all. `full` marks the lender's debts that the file doesn't have as recalled; where rows were refused none are,
    because nobody can tell which debts these rows were about. `plans` is told of debts that
    are changed or gone, so that their plans follow; without it plans are left alone. `ending` is called in the
    transaction that ends the run, when the report is whole: what it writes stands if and only if the run has ended so.

    :raises portal.debts.tables.FileRefused: if the file as a whole can't be read; nothing stays.
    :raises portal.debts.mapping.MappingRefused: if the mapping doesn't fit.
    :raises portal.debts.runs.AnotherImportRuns: if a file of this lender is being read now.
    :raises portal.debts.runs.RunWasEnded: if another import ended this one; nothing of it stays.
    """
    lender_id, currency, language, zone = lender.id, lender.currency, best(lender.languages) or "en", lender.zone
    today = clock.today(zone)
    figures_of = as_of or mapping.as_of or today
    with (
        open_portfolio(path, mapping=mapping, today=today, currencies={currency}, as_of=as_of) as portfolio,
        report.open("w", newline="", encoding="utf-8-sig") as report_file,
    ):
        undoing.clear_left_over(lender_id=lender_id)
        run_id = begin(lender_id, path=path, as_of=figures_of, upload_id=upload_id)
        summary = Summary(run_id=run_id)
        column = mapping.fields["reference"].place or "reference"
        staging = Staging(lender_id, run_id, as_of=figures_of, language=language, zone=zone, column=column)
        lines = csv.writer(report_file)
        lines.writerow(REPORT_HEADER)

        def refuse(refusals: Sequence[Refusal]) -> None:
            summary.refused += 1
            summary.reasons[refusals[0].reason] += 1
            lines.writerows(report_line(refusal) for refusal in refusals)

        def end() -> None:
            report_file.flush()
            ending(summary)

        def no_longer_accepted(refusals: Sequence[Refusal]) -> None:
            for refusal in refusals:
                summary.accepted -= 1
                refuse([refusal])

        try:
            results = portfolio.results()
            while batch := _next(results):
                good: list[DebtRow] = []
                zero: list[NothingOwed] = []
                summary.read += len(batch)
                for result in batch:
                    if isinstance(result, DebtRow):
                        good.append(result)
                    elif isinstance(result, NothingOwed):
                        summary.nothing_owed += 1
                        if result.why == ADDS_UP_TO_ZERO:
                            zero.append(result)
                    else:
                        refuse(result)
                if good or zero:
                    with _without_sweeping(), transaction():
                        clashes = staging.add(good)
                        paid_off, of_zero = staging.add_paid_off(zero)
                    summary.accepted += len(good) - len(clashes.new) + paid_off
                    zeros = [*clashes.nothing_owed, *of_zero.nothing_owed]
                    summary.nothing_owed -= paid_off + len(zeros)
                    for refusal in (*clashes.new, *zeros):
                        refuse([refusal])
                    no_longer_accepted([*clashes.accepted, *of_zero.accepted])
                progress(portfolio.bytes_read, portfolio.bytes_total)
            with transaction():
                twins = staging.refuse_twins()
            no_longer_accepted(twins)
            if summary.refused and not keep_good:
                discard(lender_id, run_id)
                note(lender_id, summary, state="abandoned", ending=end)
                return summary
            switch(
                lender_id,
                summary,
                staging,
                full=full,
                file=path,
                plans=plans,
                warn=lines.writerow,
                by=by,
                ending=end,
            )
        except BaseException:
            session.rollback()
            discard(lender_id, run_id)
            raise
    return summary


@contextmanager
def _without_sweeping() -> Iterator[None]:
    """Let nobody look for rings of garbage while a batch is made: it has none, and looking is a fifth of the work."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _next(results: Iterator[RowResult]) -> list[RowResult]:
    with _without_sweeping():
        return list(islice(results, BATCH))
