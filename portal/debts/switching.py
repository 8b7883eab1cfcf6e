"""A staged file goes live in one transaction: new debts open, known ones adjusted, missing ones recalled."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, delete, or_, select, update

from portal import ledger
from portal.bulk import Same, insert_columns, new_ids
from portal.db import session, table_of, transaction
from portal.debts.models import Debt, ImportBefore, ImportRun, StagedChange
from portal.debts.results import under_a_plan
from portal.debts.runs import BATCH, Plans, RunWasEnded, Summary, close_run, still_staging
from portal.debts.staging import Staging
from portal.debts.statement import MONEY_CAME
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Act, Actor, record
from portal.ledger import Account, Book, Figures, Posting, Transfer
from portal.money import Money
from portal.people.models import ContactPoint, Debtor, FoundBy, NameSpelling
from portal.planner import count_anew

Line = tuple[str, str, str, str, str]
# What a file may change on a debt's row.
_BEFORE = (Debt.state, Debt.product, Debt.annual_rate_ppm, Debt.attributes, Debt.late_since, Debt.as_of)


def switch(
    lender_id: uuid.UUID,
    summary: Summary,
    staging: Staging,
    *,
    full: bool,
    file: Path,
    plans: Plans,
    warn: Callable[[Line], None],
    by: Actor,
    ending: Callable[[], None],
) -> None:
    """Make a staged file live: new debts open, known debts adjusted by their difference, missing ones recalled.

    `warn` is given a line of the report for each debt whose amount has changed under a plan; `ending` is called last.
    """
    run_id = summary.run_id
    with transaction() as s:
        if not still_staging(lender_id, run_id):
            raise RunWasEnded
        count_anew(
            Debt, Debtor, ContactPoint, FoundBy, NameSpelling, Book, Posting, Transfer, EvidenceRecord, StagedChange
        )
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
                    by=by,
                    lender_id=lender_id,
                    debtor_id=debt.debtor_id,
                    debt_id=debt.id,
                    facts={"import": run_id},
                )
            summary.recalled = len(missing)
            for start in range(0, len(missing), BATCH):
                gone = [debt.id for debt in missing[start : start + BATCH]]
                _keep_before(lender_id, run_id, {debt_id: {"state": "open"} for debt_id in gone})
                summary.plans_ended += plans.recalled(lender_id, gone, run_id, by)
        opened = s.execute(
            update(Debt)
            .where(Debt.lender_id == lender_id, Debt.import_run_id == run_id, Debt.state == "staged")
            .values(state="open"),
            execution_options={"synchronize_session": False},
        )
        summary.added = opened.rowcount  # type: ignore[attr-defined]
        _apply_changes(lender_id, summary, staging, plans=plans, warn=warn, by=by)
        s.execute(
            delete(StagedChange).where(StagedChange.lender_id == lender_id, StagedChange.import_run_id == run_id),
            execution_options={"synchronize_session": False},
        )
        summary.live = True
        close_run(lender_id, summary, state="live")
        record(
            Act.PORTFOLIO_IMPORTED,
            by=by,
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
        ending()


def _apply_changes(
    lender_id: uuid.UUID,
    summary: Summary,
    staging: Staging,
    *,
    plans: Plans,
    warn: Callable[[Line], None],
    by: Actor,
) -> None:
    last: uuid.UUID | None = None
    started = session.scalars(
        select(ImportRun.started_at).where(ImportRun.lender_id == lender_id, ImportRun.id == summary.run_id)
    ).one()
    while True:
        query = (
            select(StagedChange, Debt.debtor_id, Debt.currency, Debt.reference, *_BEFORE)
            .join(Debt, (Debt.lender_id == StagedChange.lender_id) & (Debt.id == StagedChange.debt_id))
            .where(StagedChange.lender_id == lender_id, StagedChange.import_run_id == summary.run_id)
            .order_by(StagedChange.id)
            .limit(BATCH)
        )
        rows = list(session.execute(query if last is None else query.where(StagedChange.id > last)))
        if not rows:
            return
        last = rows[-1].StagedChange.id
        added = staging.bring_people(
            [
                (row.debtor_id, row.StagedChange.figures["person"])
                for row in rows
                if "person" in row.StagedChange.figures
            ]
        )
        _keep_before(lender_id, summary.run_id, _stood_before(rows, added, as_of=staging.as_of))
        rows = [row for row in rows if "parts" in row.StagedChange.figures]
        owners = {row.StagedChange.debt_id: row.debtor_id for row in rows}
        wanted = as_of_now(
            lender_id,
            {row.StagedChange.debt_id: row.StagedChange.figures["parts"] for row in rows},
            as_of=staging.as_of,
            since=started,
        )
        changed = ledger.restate(
            lender_id=lender_id,
            figures=[
                Figures(
                    debt_id=row.StagedChange.debt_id,
                    currency=row.currency,
                    parts=wanted[row.StagedChange.debt_id],
                )
                for row in rows
            ],
            cause=f"import:{summary.run_id}",
            on=staging.as_of,
        )
        for restated in changed:
            record(
                Act.BALANCE_ADJUSTED,
                by=by,
                lender_id=lender_id,
                debtor_id=owners[restated.debt_id],
                debt_id=restated.debt_id,
                facts={"import": summary.run_id, "before": restated.before, "after": restated.after},
            )
        living = plans.changed(lender_id, [restated.debt_id for restated in changed], staging.as_of, None)
        summary.under_plans += len(living)
        of_debt = {row.StagedChange.debt_id: row for row in rows} if living else {}
        for restated in changed:
            if restated.debt_id in living:
                row = of_debt[restated.debt_id]
                warn(
                    under_a_plan(
                        line=row.StagedChange.line,
                        reference=row.reference,
                        plan=living[restated.debt_id],
                        before=str(Money(restated.before, row.currency)),
                        after=str(Money(restated.after, row.currency)),
                    )
                )
        _bring_up_to_date(
            lender_id, {row.StagedChange.debt_id: row.StagedChange.figures for row in rows}, as_of=staging.as_of
        )
        summary.changed += len(changed)
        summary.unchanged += len(rows) - len(changed)
        session.expunge_all()


def _bring_up_to_date(lender_id: uuid.UUID, said: Mapping[uuid.UUID, Mapping[str, Any]], *, as_of: date) -> None:
    """Write what a file says of many debts on their rows, in one statement for all that change the same columns."""
    debt = table_of(Debt)
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for debt_id, figures in said.items():
        values = _columns(figures, as_of=as_of)
        alike.setdefault(tuple(values), []).append({**values, "its_id": debt_id})
    for names, rows in alike.items():
        session.execute(
            update(debt)
            .where(debt.c.lender_id == lender_id, debt.c.id == bindparam("its_id"))
            .values({name: bindparam(name) for name in names}),
            rows,
        )


def _columns(figures: Mapping[str, Any], *, as_of: date) -> dict[str, Any]:
    """Give what changes on a debt's row; a row that only says that nothing is owed changes nothing else."""
    values: dict[str, Any] = {"state": "open", "as_of": as_of}
    if "product" in figures:
        values |= {name: figures[name] for name in ("product", "annual_rate_ppm", "attributes")}
        values["late_since"] = figures["late_since"] and date.fromisoformat(figures["late_since"])
    return values


def _stood_before(
    rows: Sequence[Any], added: Mapping[uuid.UUID, Mapping[str, Any]], *, as_of: date
) -> dict[uuid.UUID, dict[str, Any]]:
    """Give what stands on the rows of debts that a file changes, and what it has added to their people."""
    before: dict[uuid.UUID, dict[str, Any]] = {}
    told: set[uuid.UUID] = set()
    for row in rows:
        figures = row.StagedChange.figures
        kept: dict[str, Any] = {}
        if "parts" in figures:
            said = _columns(figures, as_of=as_of)
            kept = {name: getattr(row, name) for name in said if getattr(row, name) != said[name]}
            kept = {name: value.isoformat() if isinstance(value, date) else value for name, value in kept.items()}
        if row.debtor_id in added and row.debtor_id not in told:
            told.add(row.debtor_id)
            kept["person"] = dict(added[row.debtor_id])
        if kept:
            before[row.StagedChange.debt_id] = kept
    return before


def _keep_before(lender_id: uuid.UUID, run_id: uuid.UUID, before: Mapping[uuid.UUID, Mapping[str, Any]]) -> None:
    """Keep what an import is taken back by."""
    insert_columns(
        table_of(ImportBefore),
        {
            "lender_id": Same(lender_id.hex),
            "id": new_ids(len(before)),
            "import_run_id": Same(run_id.hex),
            "debt_id": [debt_id.hex for debt_id in before],
            "before": list(before.values()),
        },
    )


def as_of_now(
    lender_id: uuid.UUID, said: Mapping[uuid.UUID, Mapping[str, int]], *, as_of: date, since: datetime
) -> dict[uuid.UUID, dict[Account, int]]:
    """Give what debts come to when a file says so of a day: its figures, and what happened after them."""
    came = _came_since(lender_id, list(said), as_of=as_of, started=since)
    return {debt_id: _as_of_now(parts, came.get(debt_id, {})) for debt_id, parts in said.items()}


def _came_since(
    lender_id: uuid.UUID, debts: Sequence[uuid.UUID], *, as_of: date, started: datetime
) -> dict[uuid.UUID, dict[Account, int]]:
    """Give what happened on debts that a file can't know of, by account, in minor units.

    That is what was paid, given back or charged after the day of its figures, or while it was being read. What happened
    on that very day counts as known to the lender. `credit` has what earlier files of that day gave as credit.
    """
    rows = session.execute(
        select(Transfer.book_id, Transfer.from_account, Transfer.to_account, Transfer.amount_minor, Posting.kind)
        .join(Posting, (Posting.lender_id == Transfer.lender_id) & (Posting.id == Transfer.posting_id))
        .where(
            Transfer.lender_id == lender_id,
            Transfer.book_id.in_(debts),
            or_(
                Posting.kind.in_((*MONEY_CAME, "plan_interest")) & or_(Posting.on > as_of, Posting.at > started),
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
