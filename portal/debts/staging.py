"""Write the debts of a file where nobody sees them yet, batch by batch, and find references that come twice."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import case, delete, func, select, update

from portal import clock, ledger
from portal.bulk import Same, insert_columns, new_ids, rows_by_text
from portal.db import session, table_of
from portal.debts.models import Debt, ImportRun, StagedChange, key_of
from portal.debts.results import DebtRow, NothingOwed, Refusal, duplicate_refusal, twin_refusal
from portal.debts.runs import BATCH, RunWasEnded, delete_debts, still_staging
from portal.ledger import Account
from portal.people import found_by
from portal.people.models import ContactPoint, Debtor
from portal.web.tags import best, only_of_letters

_PARTS = (
    (Account.PRINCIPAL, "principal_minor"),
    (Account.INTEREST, "interest_minor"),
    (Account.PENALTY, "penalty_minor"),
    (Account.FEES, "fees_minor"),
    (Account.COSTS, "costs_minor"),
)


@dataclass(slots=True)
class Clashes:
    """Refusals of rows whose reference is a duplicate, by what they were counted as until then."""

    new: list[Refusal] = field(default_factory=list)
    accepted: list[Refusal] = field(default_factory=list)
    nothing_owed: list[Refusal] = field(default_factory=list)


class Staging:
    """Writes batches of one run where nobody sees them yet; `column` is what the file calls the reference."""

    def __init__(
        self, lender_id: uuid.UUID, run_id: uuid.UUID, *, as_of: date, language: str, zone: str, column: str
    ) -> None:
        self.lender_id = lender_id
        self.run_id = run_id
        self.as_of = as_of
        self.language = language
        self.zone = zone
        self.column = column
        # References that came more than once so far, with a line each: a third row of one is no better than the second.
        self._unclear: dict[str, int] = {}
        self._terms: set[str] = set()
        self._zeros = _Zeros()

    def add(self, rows: Sequence[DebtRow]) -> Clashes:
        """Stage a batch; gives refusals of rows in it, and of earlier ones, whose reference is a duplicate."""
        if not rows:
            return Clashes()
        lender_id, now = self.lender_id, clock.now()
        if not still_staging(lender_id, self.run_id):
            raise RunWasEnded
        references = [row.reference for row in rows]
        known, zeros = self._known(references), self._zeros.of(references)
        if not (known or zeros) and len(set(references)) == len(rows) and self._unclear.keys().isdisjoint(references):
            self._stage_new(rows, now=now)
            refused = Clashes()
        else:
            refused = self._add_with_care(rows, known, zeros, now=now)

        session.execute(
            update(ImportRun)
            .where(ImportRun.lender_id == lender_id, ImportRun.id == self.run_id)
            .values(touched_at=now)
        )
        return refused

    def _add_with_care(
        self,
        rows: Sequence[DebtRow],
        known: Mapping[str, tuple[uuid.UUID, int, bool]],
        zeros: Mapping[str, Sequence[int]],
        *,
        now: datetime,
    ) -> Clashes:
        """Stage a batch of which some references are there already, or come twice."""
        clashes = Clashes()
        duplicates = clashes.new
        firsts: dict[str, DebtRow] = {}
        twice: set[str] = set()
        for row in rows:
            first = firsts.setdefault(row.reference, row)
            if first is not row:
                twice.add(row.reference)
                duplicates.append(self._duplicate(row.line, first.line, row.reference))
        duplicates += [
            self._duplicate(
                firsts[reference].line, next(d.line for d in duplicates if d.value == reference[:80]), reference
            )
            for reference in sorted(twice)
        ]
        for reference, lines in sorted(zeros.items()):
            if reference in self._unclear:
                continue
            # Rows before said that nothing is owed on it.
            if reference not in twice:
                duplicates.append(self._duplicate(firsts[reference].line, lines[0], reference))
                twice.add(reference)
            clashes.nothing_owed += [self._duplicate(line, firsts[reference].line, reference) for line in lines]
        for reference in sorted((firsts.keys() & self._unclear.keys()) - twice):
            duplicates.append(self._duplicate(firsts[reference].line, self._unclear[reference], reference))
        wanted = {
            reference: row
            for reference, row in firsts.items()
            if reference not in twice and reference not in self._unclear
        }
        self._unclear.update((reference, firsts[reference].line) for reference in twice)
        for reference, (debt_id, other_line, in_this_file) in known.items():
            if not in_this_file:
                continue
            # The row before had the same reference: neither can be trusted, and the earlier one is taken out again.
            if row_here := wanted.pop(reference, None):
                duplicates.append(self._duplicate(row_here.line, other_line, reference))
            clashes.accepted.append(self._duplicate(other_line, firsts[reference].line, reference))
            self._unclear[reference] = other_line
            self._take_out(debt_id)
        self._stage_new([row for reference, row in wanted.items() if reference not in known], now=now)
        self._stage_changes(
            [
                (row.line, known[reference][0].hex, _figures(row))
                for reference, row in wanted.items()
                if reference in known
            ]
        )
        return clashes

    def add_paid_off(self, rows: Sequence[NothingOwed]) -> tuple[int, Clashes]:
        """Stage zero for debts in the books on which the file says that nothing is owed any more.

        Gives how many there were, and refusals of rows that say otherwise, or that others contradict.
        """
        clashes = Clashes()
        if not rows:
            return 0, clashes
        firsts: dict[str, NothingOwed] = {}
        for row in rows:
            if (other := self._unclear.get(row.reference)) is not None:
                clashes.nothing_owed.append(self._duplicate(row.line, other, row.reference))
            else:
                firsts.setdefault(row.reference, row)
        changes: list[tuple[int, str, dict[str, Any]]] = []
        known = self._known(firsts)
        for reference, (debt_id, other_line, in_this_file) in known.items():
            row = firsts[reference]
            if in_this_file:
                clashes.accepted.append(self._duplicate(other_line, row.line, reference))
                clashes.nothing_owed.append(self._duplicate(row.line, other_line, reference))
                self._unclear[reference] = row.line
                self._take_out(debt_id)
                continue
            changes.append((row.line, debt_id.hex, {"parts": {part.value: 0 for part, _name in _PARTS}}))
        self._stage_changes(changes)
        self._zeros.add((row.reference, row.line) for row in rows if row.reference not in {*known, *self._unclear})
        return len(changes), clashes

    def _duplicate(self, line: int, other_line: int, reference: str) -> Refusal:
        return duplicate_refusal(line=line, other_line=other_line, reference=reference, column=self.column)

    def _known(self, references: Iterable[str]) -> dict[str, tuple[uuid.UUID, int, bool]]:
        """Give the references that are there already: debt, line, and whether this very file brought them before."""
        rows = rows_by_text(
            *(Debt.reference, Debt.id, Debt.line, Debt.import_run_id, Debt.state),
            key=Debt.reference,
            texts=list(references),
            where=Debt.lender_id == self.lender_id,
        )
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

    def _stage_new(self, rows: Sequence[DebtRow], *, now: datetime) -> None:
        if not rows:
            return
        columns: Any = DebtRow._make(zip(*rows, strict=True))
        lender, run, at = Same(self.lender_id.hex), Same(self.run_id.hex), Same(now)
        people = {
            person.person_key: person.id.hex
            for person in rows_by_text(
                *(Debtor.person_key, Debtor.id),
                key=Debtor.person_key,
                texts=list(set(columns.person_key)),
                where=Debtor.lender_id == self.lender_id,
            )
        }
        # What a file says of a person who is on file already waits for the switch, as his other figures do.
        old_people = frozenset(people.values())
        firsts: dict[str, int] = {}
        for place, key in enumerate(columns.person_key):
            if key not in people:
                firsts.setdefault(key, place)
        people.update(zip(firsts, new_ids(len(firsts)), strict=True))
        owners = [people[key] for key in columns.person_key]
        debts = new_ids(len(rows))
        self._add_people([rows[place] for place in firsts.values()], [people[key] for key in firsts], at=at)
        # A dictionary, because it keeps the order: the newest address is the last that a file names.
        contacts: dict[tuple[str, str, str], None] = {}
        for owner, email, phone in zip(owners, columns.email, columns.phone, strict=True):
            if owner not in old_people:
                if email:
                    contacts[owner, "email", email] = None
                if phone:
                    contacts[owner, "sms", phone] = None
        self._add_contacts(contacts, at=at, of_new_people=True)
        ledger.open_books(
            lender_id=self.lender_id,
            debts=debts,
            currencies=columns.currency,
            parts={part: getattr(columns, name) for part, name in _PARTS},
            on=self.as_of,
        )
        insert_columns(
            table_of(Debt),
            {
                "lender_id": lender,
                "id": debts,
                "debtor_id": owners,
                "reference": columns.reference,
                "reference_key": list(map(key_of, columns.reference)),
                "state": Same("staged"),
                "product": columns.product,
                "creditor": columns.original_creditor,
                "currency": columns.currency,
                "original_minor": columns.original_minor,
                "annual_rate_ppm": list(map(_ppm, columns.annual_rate)),
                "opened_on": columns.opened_on,
                "late_since": columns.late_since,
                "as_of": Same(self.as_of),
                "attributes": columns.attributes,
                "import_run_id": run,
                "line": columns.line,
                "created_at": at,
            },
        )
        if old_people:
            self._stage_changes(
                [
                    (row.line, debt, {"person": _person(row)})
                    for row, debt, owner in zip(rows, debts, owners, strict=True)
                    if owner in old_people
                ]
            )

    def _add_people(self, rows: Sequence[DebtRow], ids: Sequence[str], *, at: Same) -> None:
        insert_columns(
            table_of(Debtor),
            {
                "lender_id": Same(self.lender_id.hex),
                "id": ids,
                "person_key": [row.person_key for row in rows],
                "name": [row.name for row in rows],
                "born_on": [row.born_on for row in rows],
                "language": [(row.language and best([row.language])) or self.language for row in rows],
                "letter_language": [(row.language and only_of_letters(row.language)) or None for row in rows],
                "zone": [row.zone or self.zone for row in rows],
                "created_at": at,
            },
        )

        people = [(id_, row.name) for id_, row in zip(ids, rows, strict=True)]
        found_by.add_names(people, lender_id=self.lender_id, known=self._terms)

    def _add_contacts(
        self, contacts: Collection[tuple[str, str, str]], *, at: Same, of_new_people: bool = False
    ) -> None:
        if not contacts:
            return
        owners, channels, addresses = zip(*contacts, strict=True)
        insert_columns(
            table_of(ContactPoint),
            {
                "lender_id": Same(self.lender_id.hex),
                "id": new_ids(len(contacts)),
                "debtor_id": owners,
                "channel": channels,
                "address": addresses,
                "created_at": at,
            },
        )
        found_by.add_addresses(contacts, lender_id=self.lender_id, new=of_new_people)

    def _stage_changes(self, changes: Sequence[tuple[int, str, dict[str, Any]]]) -> None:
        if not changes:
            return
        lines, debts, figures = zip(*changes, strict=True)
        insert_columns(
            table_of(StagedChange),
            {
                "lender_id": Same(self.lender_id.hex),
                "id": new_ids(len(changes)),
                "import_run_id": Same(self.run_id.hex),
                "debt_id": debts,
                "line": lines,
                "figures": figures,
            },
        )

    def refuse_twins(self) -> list[Refusal]:
        """Take out new debts whose reference another one has in other capitals or letters of another width.

        People sign in by reference whatever its letters are, so the two would be one, and the new one is refused. What
        is held already stays, and of two in one file the first. They are looked for once, when all rows are staged.
        """
        folded = Debt.reference_key
        of_lender = Debt.lender_id == self.lender_id
        several = select(folded).where(of_lender).group_by(folded).having(func.count() > 1)
        # The index on these keys answers this alone, and nearly always there is nothing more to ask.
        if session.scalars(several.limit(1)).first() is None:
            return []
        ours = (Debt.state == "staged") & (Debt.import_run_id == self.run_id)
        waiting = several.having(func.sum(case((ours, 1), else_=0)) > 0).limit(BATCH)
        refusals: list[Refusal] = []
        while found := list(session.scalars(waiting)):
            first: dict[str, Any] = {}
            for debt in session.execute(
                select(Debt.id, Debt.reference, Debt.line, folded, ours.label("ours"))
                .where(of_lender, folded.in_(found))
                .order_by(ours, Debt.line)
            ).all():
                other = first.setdefault(debt.reference_key, debt)
                if debt.ours and other is not debt:
                    refusals.append(
                        twin_refusal(
                            line=debt.line,
                            other_line=other.line if other.ours else None,
                            reference=debt.reference,
                            other_reference=other.reference,
                            column=self.column,
                        )
                    )
                    self._take_out(debt.id)
        return refusals

    def bring_people(self, said: Sequence[tuple[uuid.UUID, Mapping[str, Any]]]) -> dict[uuid.UUID, dict[str, Any]]:
        """Add what each row says of a person on file: a missing birth date, and ways to reach them that are new.

        Gives by person what was added.
        """
        added: dict[uuid.UUID, dict[str, Any]] = {}
        for debtor_id in self._bring_birth_dates(
            {debtor_id: date.fromisoformat(one["born_on"]) for debtor_id, one in said if one["born_on"]}
        ):
            added.setdefault(debtor_id, {})["born_on"] = True
        there = {
            (contact.debtor_id, contact.channel, contact.address)
            for contact in session.execute(
                select(ContactPoint.debtor_id, ContactPoint.channel, ContactPoint.address).where(
                    ContactPoint.lender_id == self.lender_id,
                    ContactPoint.debtor_id.in_({debtor_id for debtor_id, _ in said}),
                )
            )
        }
        new = list(
            dict.fromkeys(
                (debtor_id.hex, channel, address)
                for debtor_id, one in said
                for channel in ("email", "sms")
                if (address := one[channel]) and (debtor_id, channel, address) not in there
            )
        )
        self._add_contacts(new, at=Same(clock.now()))
        for debtor_hex, channel, address in new:
            added.setdefault(uuid.UUID(debtor_hex), {}).setdefault("contacts", []).append([channel, address])
        return added

    def _bring_birth_dates(self, births: dict[uuid.UUID, date]) -> Sequence[uuid.UUID]:
        lacking = session.scalars(
            select(Debtor.id).where(
                Debtor.lender_id == self.lender_id, Debtor.id.in_(list(births)), Debtor.born_on.is_(None)
            )
        ).all()
        for debtor_id in lacking:
            session.execute(
                update(Debtor)
                .where(Debtor.lender_id == self.lender_id, Debtor.id == debtor_id)
                .values(born_on=births[debtor_id])
            )
        return lacking

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
        delete_debts(self.lender_id, new_here)


class _Zeros:
    """References of which a file says that nothing is owed and that nobody knows, with their lines.

    They may be as many as the file has rows, so they lie in a file of their own that nobody else sees, not in memory.
    """

    def __init__(self) -> None:
        self._kept: sqlite3.Connection | None = None

    def add(self, rows: Iterable[tuple[str, int]]) -> None:
        if self._kept is None:
            self._kept = sqlite3.connect("")
            self._kept.execute("create table zero (reference text, line integer)")
            self._kept.execute("create index zero_reference on zero (reference)")
        self._kept.executemany("insert into zero values (?, ?)", rows)

    def of(self, references: Iterable[str]) -> dict[str, list[int]]:
        """Give the lines of those among these references that are there."""
        found: dict[str, list[int]] = {}
        if self._kept is not None:
            wanted = (
                "select reference, line from zero where reference in (select value from json_each(?)) order by line"
            )
            for reference, line in self._kept.execute(wanted, (json.dumps(list(references)),)):
                found.setdefault(reference, []).append(line)
        return found


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
