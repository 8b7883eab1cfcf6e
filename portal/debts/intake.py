"""A lender's file becomes debts: staged in batches with progress, then switched live in one transaction, or not at all.

Debtors can pay meanwhile: what is already in the books is touched only at the switch, and only by its difference.
"""

from __future__ import annotations

import csv
import gc
import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import delete, exists, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from portal import clock, ledger
from portal.db import new_id, session, table_of, transaction
from portal.debts.cells import Reason
from portal.debts.models import Debt, ImportRun, StagedChange
from portal.debts.portfolio import (
    ADDS_UP_TO_ZERO,
    REPORT_HEADER,
    DebtRow,
    NothingOwed,
    PortfolioMapping,
    Refusal,
    duplicate_refusal,
    open_portfolio,
    report_line,
)
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import OPERATOR, Act, record
from portal.ledger import Account, Book, Opening, Posting, Transfer
from portal.lenders.models import Lender
from portal.people.models import ContactPoint, Debtor
from portal.web.languages import best

BATCH = 2_000
_ANOTHER_RUNS = timedelta(minutes=2)
_PARTS = (
    (Account.PRINCIPAL, "principal_minor"),
    (Account.INTEREST, "interest_minor"),
    (Account.PENALTY, "penalty_minor"),
    (Account.FEES, "fees_minor"),
    (Account.COSTS, "costs_minor"),
)


class AnotherImportRuns(Exception):
    """A file of this lender is being read right now."""


class RunWasEnded(Exception):
    """Another import took this one for dead, because it had not moved for two minutes, and ended it."""


class CannotUndo(Exception):
    """An import can't be taken back, because something has happened on its debts."""


@dataclass(slots=True)
class Summary:
    """What became of a file: read = accepted + nothing owed + refused rows."""

    run_id: uuid.UUID
    read: int = 0
    accepted: int = 0
    nothing_owed: int = 0
    refused: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    recalled: int = 0
    live: bool = False


def bring_in(
    path: Path,
    *,
    lender: Lender,
    mapping: PortfolioMapping,
    as_of: date | None = None,
    keep_good: bool = False,
    full: bool = False,
    report: Path,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Summary:
    """Read a file and switch it live; with a refused row and without `keep_good`, nothing of it stays.

    `report` is written as CSV: row, column, value, reason, what is wrong. `progress` is told bytes read and bytes in
    all. `full` marks the lender's debts that the file doesn't have as recalled; where rows were refused none are,
    because nobody can tell which debts these rows were about.

    :raises portal.debts.tables.FileRefused: if the file as a whole can't be read; nothing stays.
    :raises portal.debts.portfolio.MappingRefused: if the mapping doesn't fit.
    :raises AnotherImportRuns: if a file of this lender is being read now.
    :raises RunWasEnded: if another import ended this one; nothing of it stays.
    """
    lender_id, currency, language, zone = lender.id, lender.currency, best(lender.languages) or "en", lender.zone
    today = clock.today(zone)
    figures_of = as_of or mapping.as_of or today
    with (
        open_portfolio(path, mapping=mapping, today=today, currencies={currency}, as_of=as_of) as portfolio,
        report.open("w", newline="", encoding="utf-8-sig") as report_file,
    ):
        run_id = _begin(lender_id, path=path, as_of=figures_of)
        summary = Summary(run_id=run_id)
        staging = _Staging(lender_id, run_id, as_of=figures_of, language=language, zone=zone)
        lines = csv.writer(report_file)
        lines.writerow(REPORT_HEADER)

        def refuse(refusals: Sequence[Refusal]) -> None:
            summary.refused += 1
            summary.reasons[refusals[0].reason] += 1
            lines.writerows(report_line(refusal) for refusal in refusals)

        try:
            for batch in _batches(portfolio.results()):
                good: list[DebtRow] = []
                zero: list[NothingOwed] = []
                for result in batch:
                    summary.read += 1
                    if type(result) is DebtRow:
                        good.append(result)
                    elif isinstance(result, NothingOwed):
                        summary.nothing_owed += 1
                        if result.why == ADDS_UP_TO_ZERO:
                            zero.append(result)
                    else:
                        refuse(result)
                if good or zero:
                    with _without_sweeping(), transaction():
                        duplicates, lost = staging.add(good)
                        paid_off, no_longer = staging.add_paid_off(zero)
                    summary.accepted += len(good) - len(duplicates) + paid_off
                    summary.nothing_owed -= paid_off
                    lost += no_longer
                    for refusal in duplicates:
                        refuse([refusal])
                    for refusal in lost:
                        summary.accepted -= 1
                        refuse([refusal])
                progress(portfolio.bytes_read, portfolio.bytes_total)
            if summary.refused and not keep_good:
                _discard(lender_id, run_id)
                _note(lender_id, summary, state="abandoned")
                return summary
            _switch(lender_id, summary, staging, full=full, file=path)
        except BaseException:
            session.rollback()
            _discard(lender_id, run_id)
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


def _batches(results: Iterator[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for result in results:
        batch.append(result)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _begin(lender_id: uuid.UUID, *, path: Path, as_of: date) -> uuid.UUID:
    digest = _sha256(path)
    with transaction() as s:
        session.execute(select(Lender.id).where(Lender.id == lender_id).with_for_update())
        now = clock.now()
        left_over = []
        for earlier in s.scalars(
            select(ImportRun).where(ImportRun.lender_id == lender_id, ImportRun.state == "staging")
        ):
            if earlier.touched_at > now - _ANOTHER_RUNS:
                raise AnotherImportRuns
            left_over.append(earlier.id)
        run = ImportRun(
            lender_id=lender_id,
            id=new_id(),
            file_name=path.name,
            file_sha256=digest,
            as_of=as_of,
            state="staging",
            started_at=now,
            touched_at=now,
        )
        s.add(run)
        run_id = run.id
    for earlier_id in left_over:
        _discard(lender_id, earlier_id)
    return run_id


class _Staging:
    """Writes batches of one run where nobody sees them yet."""

    def __init__(self, lender_id: uuid.UUID, run_id: uuid.UUID, *, as_of: date, language: str, zone: str) -> None:
        self.lender_id = lender_id
        self.run_id = run_id
        self.as_of = as_of
        self.language = language
        self.zone = zone
        # References that came more than once so far, with a line each: a third row of one is no better than the second.
        self._unclear: dict[str, int] = {}

    def add(self, rows: Sequence[DebtRow]) -> tuple[list[Refusal], list[Refusal]]:
        """Stage a batch; gives refusals of rows in it whose reference is a duplicate, and of rows staged earlier."""
        if not rows:
            return [], []
        lender_id, now = self.lender_id, clock.now()
        if not _still_staging(lender_id, self.run_id):
            raise RunWasEnded
        duplicates: list[Refusal] = []
        lost: list[Refusal] = []
        firsts: dict[str, DebtRow] = {}
        twice: set[str] = set()
        for row in rows:
            first = firsts.setdefault(row.reference, row)
            if first is not row:
                twice.add(row.reference)
                duplicates.append(_duplicate(row.line, first.line, row.reference))
        duplicates += [
            _duplicate(firsts[reference].line, next(d.line for d in duplicates if d.value == reference[:80]), reference)
            for reference in sorted(twice)
        ]
        for reference in sorted((firsts.keys() & self._unclear.keys()) - twice):
            duplicates.append(_duplicate(firsts[reference].line, self._unclear[reference], reference))
        wanted = {
            reference: row
            for reference, row in firsts.items()
            if reference not in twice and reference not in self._unclear
        }
        self._unclear.update((reference, firsts[reference].line) for reference in twice)
        known = self._known(firsts)
        for reference, (debt_id, other_line, in_this_file) in known.items():
            if not in_this_file:
                continue
            # The row before had the same reference: neither can be trusted, and the earlier one is taken out again.
            if row_here := wanted.pop(reference, None):
                duplicates.append(_duplicate(row_here.line, other_line, reference))
            lost.append(_duplicate(other_line, firsts[reference].line, reference))
            self._unclear[reference] = other_line
            self._take_out(debt_id)
        self._stage_new([row for reference, row in wanted.items() if reference not in known], now=now)
        changes = [(row, known[reference][0]) for reference, row in wanted.items() if reference in known]
        if changes:
            session.execute(
                insert(table_of(StagedChange)),
                [self._change(row, debt_id, _figures(row)) for row, debt_id in changes],
            )
        session.execute(
            update(ImportRun)
            .where(ImportRun.lender_id == lender_id, ImportRun.id == self.run_id)
            .values(touched_at=now)
        )
        return duplicates, lost

    def add_paid_off(self, rows: Sequence[NothingOwed]) -> tuple[int, list[Refusal]]:
        """Stage zero for debts in the books on which the file says that nothing is owed any more.

        Gives how many there were, and refusals of rows staged earlier that say otherwise.
        """
        if not rows:
            return 0, []
        firsts = {row.reference: row for row in reversed(rows) if row.reference not in self._unclear}
        changes, lost = [], []
        for reference, (debt_id, other_line, in_this_file) in self._known(firsts).items():
            row = firsts[reference]
            if in_this_file:
                lost.append(_duplicate(other_line, row.line, reference))
                self._unclear[reference] = row.line
                self._take_out(debt_id)
                continue
            changes.append(
                {
                    "lender_id": self.lender_id,
                    "id": new_id(),
                    "import_run_id": self.run_id,
                    "debt_id": debt_id,
                    "line": row.line,
                    "figures": {"parts": {part.value: 0 for part, _name in _PARTS}},
                }
            )
        if changes:
            session.execute(insert(table_of(StagedChange)), changes)
        return len(changes), lost

    def _known(self, firsts: Mapping[str, object]) -> dict[str, tuple[uuid.UUID, int, bool]]:
        """Give the references that are there already: debt, line, and whether this very file brought them before."""
        rows = session.execute(
            select(Debt.reference, Debt.id, Debt.line, Debt.import_run_id, Debt.state).where(
                Debt.lender_id == self.lender_id, Debt.reference.in_(list(firsts))
            )
        ).all()
        known = {
            row.reference: (row.id, row.line, row.state == "staged" and row.import_run_id == self.run_id)
            for row in rows
        }
        old = [debt_id for debt_id, _line, here in known.values() if not here]
        if old:
            seen = {
                row.debt_id: row.line
                for row in session.execute(
                    select(StagedChange.debt_id, StagedChange.line).where(
                        StagedChange.lender_id == self.lender_id,
                        StagedChange.import_run_id == self.run_id,
                        StagedChange.debt_id.in_(old),
                    )
                )
            }
            known = {
                reference: (debt_id, seen.get(debt_id, line), here or debt_id in seen)
                for reference, (debt_id, line, here) in known.items()
            }
        return known

    def _stage_new(self, rows: Sequence[DebtRow], *, now: Any) -> None:
        if not rows:
            return
        lender_id = self.lender_id
        people = {
            person.person_key: (person.id, person.born_on)
            for person in session.execute(
                select(Debtor.person_key, Debtor.id, Debtor.born_on).where(
                    Debtor.lender_id == lender_id, Debtor.person_key.in_({row.person_key for row in rows})
                )
            )
        }
        debtors: list[dict[str, object]] = []
        contacts: dict[tuple[uuid.UUID, str, str], dict[str, object]] = {}
        debts: list[dict[str, object]] = []
        openings: list[Opening] = []
        # What a file says of a person who is on file already waits for the switch, as his other figures do.
        old_people: set[uuid.UUID] = {person_id for person_id, _born in people.values()}
        about_people: list[dict[str, object]] = []
        for row in rows:
            person = people.get(row.person_key)
            if person is None:
                debtor_id = new_id()
                people[row.person_key] = (debtor_id, row.born_on)
                debtors.append(
                    {
                        "lender_id": lender_id,
                        "id": debtor_id,
                        "person_key": row.person_key,
                        "name": row.name,
                        "born_on": row.born_on,
                        "language": (row.language and best([row.language])) or self.language,
                        "zone": row.zone or self.zone,
                        "created_at": now,
                    }
                )
            else:
                debtor_id = person[0]
            debt_id = new_id()
            if debtor_id in old_people:
                about_people.append(self._change(row, debt_id, {"person": _person(row)}))
            for channel, address in (("email", row.email), ("sms", row.phone)):
                if address and debtor_id not in old_people:
                    contacts[debtor_id, channel, address] = {
                        "lender_id": lender_id,
                        "id": new_id(),
                        "debtor_id": debtor_id,
                        "channel": channel,
                        "address": address,
                        "created_at": now,
                    }
            openings.append(
                Opening(
                    debt_id=debt_id, currency=row.currency, parts={part: getattr(row, name) for part, name in _PARTS}
                )
            )
            debts.append(
                {
                    "lender_id": lender_id,
                    "id": debt_id,
                    "debtor_id": debtor_id,
                    "reference": row.reference,
                    "state": "staged",
                    "product": row.product,
                    "creditor": row.original_creditor,
                    "currency": row.currency,
                    "original_minor": row.original_minor,
                    "annual_rate_ppm": _ppm(row.annual_rate),
                    "opened_on": row.opened_on,
                    "late_since": row.late_since,
                    "as_of": self.as_of,
                    "attributes": row.attributes,
                    "import_run_id": self.run_id,
                    "line": row.line,
                    "created_at": now,
                }
            )
        if debtors:
            ledger.insert_rows(table_of(Debtor), debtors)
        if contacts:
            ledger.insert_rows(table_of(ContactPoint), list(contacts.values()))
        ledger.open_books(lender_id=lender_id, openings=openings, on=self.as_of)
        ledger.insert_rows(table_of(Debt), debts)
        if about_people:
            session.execute(insert(table_of(StagedChange)), about_people)

    def _change(self, row: DebtRow, debt_id: uuid.UUID, figures: dict[str, Any]) -> dict[str, object]:
        return {
            "lender_id": self.lender_id,
            "id": new_id(),
            "import_run_id": self.run_id,
            "debt_id": debt_id,
            "line": row.line,
            "figures": figures,
        }

    def bring_people(self, said: Mapping[uuid.UUID, Mapping[str, Any]]) -> None:
        """Add what a file says of people on file: a missing birth date, and ways to reach them that are new."""
        self._bring_birth_dates(
            {debtor_id: date.fromisoformat(one["born_on"]) for debtor_id, one in said.items() if one["born_on"]}
        )
        there = {
            (contact.debtor_id, contact.channel, contact.address)
            for contact in session.execute(
                select(ContactPoint.debtor_id, ContactPoint.channel, ContactPoint.address).where(
                    ContactPoint.lender_id == self.lender_id, ContactPoint.debtor_id.in_(list(said))
                )
            )
        }
        now = clock.now()
        fresh = [
            {
                "lender_id": self.lender_id,
                "id": new_id(),
                "debtor_id": debtor_id,
                "channel": channel,
                "address": one[channel],
                "created_at": now,
            }
            for debtor_id, one in said.items()
            for channel in ("email", "sms")
            if one[channel] and (debtor_id, channel, one[channel]) not in there
        ]
        if fresh:
            session.execute(insert(table_of(ContactPoint)), fresh)

    def _bring_birth_dates(self, births: dict[uuid.UUID, date]) -> None:
        for debtor_id, born_on in births.items():
            session.execute(
                update(Debtor)
                .where(Debtor.lender_id == self.lender_id, Debtor.id == debtor_id, Debtor.born_on.is_(None))
                .values(born_on=born_on)
            )

    def _take_out(self, debt_id: uuid.UUID) -> None:
        session.execute(
            delete(StagedChange).where(
                StagedChange.lender_id == self.lender_id,
                StagedChange.import_run_id == self.run_id,
                StagedChange.debt_id == debt_id,
            )
        )
        new_here = session.scalars(
            select(Debt.id).where(
                Debt.lender_id == self.lender_id,
                Debt.id == debt_id,
                Debt.state == "staged",
                Debt.import_run_id == self.run_id,
            )
        ).all()
        _delete_debts(self.lender_id, new_here)


def _duplicate(line: int, other_line: int, reference: str) -> Refusal:
    return duplicate_refusal(line=line, other_line=other_line, reference=reference, column="reference")


def _ppm(rate: Decimal | None) -> int:
    return int(rate * 10_000) if rate else 0


def _figures(row: DebtRow) -> dict[str, Any]:
    return {
        "parts": {part.value: getattr(row, name) for part, name in _PARTS},
        "product": row.product,
        "annual_rate_ppm": _ppm(row.annual_rate),
        "late_since": row.late_since and row.late_since.isoformat(),
        "attributes": row.attributes,
        "person": _person(row),
    }


def _person(row: DebtRow) -> dict[str, str | None]:
    return {"born_on": row.born_on.isoformat() if row.born_on else None, "email": row.email, "sms": row.phone}


def _switch(lender_id: uuid.UUID, summary: Summary, staging: _Staging, *, full: bool, file: Path) -> None:
    """Make a staged file live: new debts open, known debts adjusted by their difference, missing ones recalled."""
    run_id = summary.run_id
    with transaction() as s:
        if not _still_staging(lender_id, run_id):
            raise RunWasEnded
        if full and not summary.refused:
            seen = select(StagedChange.debt_id).where(
                StagedChange.lender_id == lender_id, StagedChange.import_run_id == run_id
            )
            missing = list(
                s.execute(
                    update(Debt)
                    .where(Debt.lender_id == lender_id, Debt.state == "open", Debt.id.not_in(seen))
                    .values(state="recalled")
                    .returning(Debt.id, Debt.debtor_id),
                    execution_options={"synchronize_session": False},
                )
            )
            for debt in missing:
                record(
                    Act.DEBT_RECALLED,
                    by=OPERATOR,
                    lender_id=lender_id,
                    debtor_id=debt.debtor_id,
                    debt_id=debt.id,
                    facts={"import": run_id},
                )
            summary.recalled = len(missing)
        opened = s.execute(
            update(Debt)
            .where(Debt.lender_id == lender_id, Debt.import_run_id == run_id, Debt.state == "staged")
            .values(state="open"),
            execution_options={"synchronize_session": False},
        )
        summary.added = opened.rowcount  # type: ignore[attr-defined]
        _apply_changes(lender_id, summary, staging)
        s.execute(
            delete(StagedChange).where(StagedChange.lender_id == lender_id, StagedChange.import_run_id == run_id),
            execution_options={"synchronize_session": False},
        )
        summary.live = True
        _close_run(lender_id, summary, state="live")
        record(
            Act.PORTFOLIO_IMPORTED,
            by=OPERATOR,
            lender_id=lender_id,
            facts={
                "import": run_id,
                "file": file.name,
                "read": summary.read,
                "accepted": summary.accepted,
                "nothing_owed": summary.nothing_owed,
                "refused": summary.refused,
                "added": summary.added,
                "changed": summary.changed,
                "recalled": summary.recalled,
            },
        )


def _apply_changes(lender_id: uuid.UUID, summary: Summary, staging: _Staging) -> None:
    last: uuid.UUID | None = None
    while True:
        query = (
            select(StagedChange, Debt.debtor_id, Debt.currency)
            .join(Debt, (Debt.lender_id == StagedChange.lender_id) & (Debt.id == StagedChange.debt_id))
            .where(StagedChange.lender_id == lender_id, StagedChange.import_run_id == summary.run_id)
            .order_by(StagedChange.id)
            .limit(BATCH)
        )
        rows = list(session.execute(query if last is None else query.where(StagedChange.id > last)))
        if not rows:
            return
        last = rows[-1].StagedChange.id
        staging.bring_people(
            {row.debtor_id: row.StagedChange.figures["person"] for row in rows if "person" in row.StagedChange.figures}
        )
        rows = [row for row in rows if "parts" in row.StagedChange.figures]
        owners = {row.StagedChange.debt_id: row.debtor_id for row in rows}
        since = _came_since(lender_id, list(owners), as_of=staging.as_of, run_id=summary.run_id)
        changed = ledger.restate(
            lender_id=lender_id,
            figures=[
                Opening(
                    debt_id=row.StagedChange.debt_id,
                    currency=row.currency,
                    parts=_as_of_now(row.StagedChange.figures["parts"], since.get(row.StagedChange.debt_id, {})),
                )
                for row in rows
            ],
            cause=f"import:{summary.run_id}",
            on=staging.as_of,
        )
        for restated in changed:
            record(
                Act.BALANCE_ADJUSTED,
                by=OPERATOR,
                lender_id=lender_id,
                debtor_id=owners[restated.debt_id],
                debt_id=restated.debt_id,
                facts={"import": summary.run_id, "before": restated.before, "after": restated.after},
            )
        for row in rows:
            figures = row.StagedChange.figures
            session.execute(
                update(Debt)
                .where(Debt.lender_id == lender_id, Debt.id == row.StagedChange.debt_id)
                .values(_columns(figures, as_of=staging.as_of)),
                execution_options={"synchronize_session": False},
            )
        summary.changed += len(changed)
        summary.unchanged += len(rows) - len(changed)
        session.expunge_all()


def _columns(figures: Mapping[str, Any], *, as_of: date) -> dict[str, Any]:
    """Give what changes on a debt's row; a row that only says that nothing is owed changes nothing else."""
    values: dict[str, Any] = {"state": "open", "as_of": as_of}
    if "product" in figures:
        values |= {name: figures[name] for name in ("product", "annual_rate_ppm", "attributes")}
        values["late_since"] = figures["late_since"] and date.fromisoformat(figures["late_since"])
    return values


def _came_since(
    lender_id: uuid.UUID, debts: Sequence[uuid.UUID], *, as_of: date, run_id: uuid.UUID
) -> dict[uuid.UUID, dict[Account, int]]:
    """Give what happened on debts that a file can't know of, by account, in minor units.

    That is what was paid, given back or charged after the day of its figures, or while it was being read. What happened
    on that very day counts as known to the lender. `credit` has what earlier files of that day gave as credit.
    """
    started = session.scalars(
        select(ImportRun.started_at).where(ImportRun.lender_id == lender_id, ImportRun.id == run_id)
    ).one()
    rows = session.execute(
        select(Transfer.book_id, Transfer.from_account, Transfer.to_account, Transfer.amount_minor, Posting.kind)
        .join(Posting, (Posting.lender_id == Transfer.lender_id) & (Posting.id == Transfer.posting_id))
        .where(
            Transfer.lender_id == lender_id,
            Transfer.book_id.in_(debts),
            or_(
                Posting.kind.in_(("payment", "refund", "plan_interest"))
                & or_(Posting.on > as_of, Posting.at > started),
                (Posting.kind == "adjustment")
                & (Posting.on >= as_of)
                & (Transfer.from_account == Account.CREDIT.value),
            ),
        )
    )
    since: dict[uuid.UUID, dict[Account, int]] = {}
    for row in rows:
        here = since.setdefault(row.book_id, {})
        if row.kind == "adjustment":
            here[Account.CREDIT] = here.get(Account.CREDIT, 0) + row.amount_minor
            continue
        for account, minor in ((row.from_account, -row.amount_minor), (row.to_account, row.amount_minor)):
            if Account(account) in ledger.OWED:
                here[Account(account)] = here.get(Account(account), 0) + minor
    return since


def _as_of_now(parts: Mapping[str, int], since: Mapping[Account, int]) -> dict[Account, int]:
    """Give a file's figures with what happened since; what was paid beyond them is the debtor's credit.

    Example: the file says 30.00 and 50.00 was paid since: nothing is owed, and 20.00 is credit.
    """
    wanted = {part: parts.get(part.value, 0) + since.get(part, 0) for part in ledger.OWED}
    beyond = -sum(minor for minor in wanted.values() if minor < 0)
    for part, minor in wanted.items():
        take = min(max(minor, 0), beyond)
        wanted[part] = max(minor, 0) - take
        beyond -= take
    wanted[Account.CREDIT] = max(beyond - since.get(Account.CREDIT, 0), 0)
    return wanted


def _close_run(lender_id: uuid.UUID, summary: Summary, *, state: str) -> None:
    session.execute(
        update(ImportRun)
        .where(ImportRun.lender_id == lender_id, ImportRun.id == summary.run_id)
        .values(
            state=state,
            rows_read=summary.read,
            accepted=summary.accepted,
            nothing_owed=summary.nothing_owed,
            refused=summary.refused,
            added=summary.added,
            changed=summary.changed,
            unchanged=summary.unchanged,
            recalled=summary.recalled,
            finished_at=clock.now(),
        ),
        execution_options={"synchronize_session": False},
    )


def _note(lender_id: uuid.UUID, summary: Summary, *, state: str) -> None:
    with transaction():
        _close_run(lender_id, summary, state=state)


def _still_staging(lender_id: uuid.UUID, run_id: uuid.UUID) -> bool:
    """Lock a run until the transaction ends, and say whether it is still being staged: one that is live stays live."""
    state = session.scalars(
        select(ImportRun.state).where(ImportRun.lender_id == lender_id, ImportRun.id == run_id).with_for_update()
    ).one()
    return state == "staging"


def _discard(lender_id: uuid.UUID, run_id: uuid.UUID) -> None:
    """Take everything out again that a run has staged, batch by batch."""
    while True:
        with transaction() as s:
            if not _still_staging(lender_id, run_id):
                return
            ids = list(
                s.scalars(
                    select(Debt.id)
                    .where(Debt.lender_id == lender_id, Debt.import_run_id == run_id, Debt.state == "staged")
                    .limit(BATCH)
                )
            )
            s.execute(
                delete(StagedChange).where(StagedChange.lender_id == lender_id, StagedChange.import_run_id == run_id)
            )
            _delete_debts(lender_id, ids)
            if not ids:
                s.execute(
                    update(ImportRun)
                    .where(ImportRun.lender_id == lender_id, ImportRun.id == run_id, ImportRun.state == "staging")
                    .values(state="abandoned", finished_at=clock.now())
                )
                return


def _delete_debts(lender_id: uuid.UUID, ids: Sequence[uuid.UUID]) -> None:
    """Delete debts on which nothing ever happened, their books, and people who have no other debt."""
    if not ids:
        return
    no_sync = {"synchronize_session": False}
    people = set(session.scalars(select(Debt.debtor_id).where(Debt.lender_id == lender_id, Debt.id.in_(ids))))
    postings = list(
        session.scalars(select(Transfer.posting_id).where(Transfer.lender_id == lender_id, Transfer.book_id.in_(ids)))
    )
    session.execute(
        delete(Transfer).where(Transfer.lender_id == lender_id, Transfer.book_id.in_(ids)), execution_options=no_sync
    )
    session.execute(
        delete(Posting).where(Posting.lender_id == lender_id, Posting.id.in_(postings)), execution_options=no_sync
    )
    session.execute(delete(Debt).where(Debt.lender_id == lender_id, Debt.id.in_(ids)), execution_options=no_sync)
    session.execute(delete(Book).where(Book.lender_id == lender_id, Book.id.in_(ids)), execution_options=no_sync)
    has_debt = exists().where(Debt.lender_id == Debtor.lender_id, Debt.debtor_id == Debtor.id)
    has_record = exists().where(EvidenceRecord.lender_id == Debtor.lender_id, EvidenceRecord.debtor_id == Debtor.id)
    lonely = list(
        session.scalars(
            select(Debtor.id).where(Debtor.lender_id == lender_id, Debtor.id.in_(people), ~has_debt, ~has_record)
        )
    )
    session.execute(
        delete(ContactPoint).where(ContactPoint.lender_id == lender_id, ContactPoint.debtor_id.in_(lonely)),
        execution_options=no_sync,
    )
    session.execute(
        delete(Debtor).where(Debtor.lender_id == lender_id, Debtor.id.in_(lonely)), execution_options=no_sync
    )


def undo(*, lender_id: uuid.UUID, run_id: uuid.UUID | None = None) -> ImportRun:
    """Take a live import back (the lender's last, unless one is named): new debts go, adjustments are corrected.

    :raises CannotUndo: if there is no such import, or something has happened on one of its debts since.
    """
    try:
        with transaction() as s:
            query = select(ImportRun).where(ImportRun.lender_id == lender_id, ImportRun.state == "live")
            if run_id is not None:
                query = query.where(ImportRun.id == run_id)
            run = s.scalars(query.order_by(ImportRun.started_at.desc(), ImportRun.id.desc()).limit(1)).one_or_none()
            if run is None or run.recalled:
                raise CannotUndo
            ids = list(s.scalars(select(Debt.id).where(Debt.lender_id == lender_id, Debt.import_run_id == run.id)))
            for start in range(0, len(ids), BATCH):
                some = ids[start : start + BATCH]
                later = s.scalar(
                    select(func.count())
                    .select_from(Transfer)
                    .where(
                        Transfer.lender_id == lender_id,
                        Transfer.book_id.in_(some),
                        Transfer.from_account != Account.OPENING.value,
                    )
                )
                acts = s.scalar(
                    select(func.count())
                    .select_from(EvidenceRecord)
                    .where(EvidenceRecord.lender_id == lender_id, EvidenceRecord.debt_id.in_(some))
                )
                if later or acts:
                    raise CannotUndo
                _delete_debts(lender_id, some)
            _correct_adjustments(lender_id, run)
            run.state = "undone"
            record(Act.PORTFOLIO_UNDONE, by=OPERATOR, lender_id=lender_id, facts={"import": run.id})
    except IntegrityError as problem:
        # A plan, a payment or a letter still points to one of the debts.
        raise CannotUndo from problem
    return run


def _correct_adjustments(lender_id: uuid.UUID, run: ImportRun) -> None:
    postings = session.scalars(
        select(Posting).where(
            Posting.lender_id == lender_id, Posting.kind == "adjustment", Posting.cause.startswith(f"import:{run.id}:")
        )
    ).all()
    for posting in postings:
        moves = ledger.reversed_moves(lender_id=lender_id, posting_id=posting.id)
        newer = session.scalar(
            select(func.count())
            .select_from(Transfer)
            .join(Posting, (Posting.lender_id == Transfer.lender_id) & (Posting.id == Transfer.posting_id))
            .where(Transfer.lender_id == lender_id, Transfer.book_id == moves[0].book_id, Posting.at > posting.at)
        )
        if newer:
            raise CannotUndo
        ledger.post(
            lender_id=lender_id,
            kind="correction",
            cause=f"undo:{posting.cause}",
            moves=moves,
            on=run.as_of,
            corrects=posting.id,
        )
