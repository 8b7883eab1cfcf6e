"""What is held about one person: every row of every table that names that person, without what only protects it.

Invariant: no code and no link that opens a door is in it, or a session that was stolen could read the code that goes to
the person's own phone and take the account over.
"""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, LargeBinary, RowMapping, Table, select

from portal import clock
from portal.db import Model, session
from portal.evidence.record import Act, Actor, record
from portal.people.models import Debtor
from portal.post.kinds import Group, kind_of
from portal.post.models import Message
from portal.web.spreadsheet import safe_cell

# Hashes of codes, tokens and devices say nothing about anybody, and letters are kept as files of their own.
_PROTECTS = (
    "hash",
    "salt",
    "form_key",
    "network",
    "device",
    "lease",
    "waiting_key",
    "once_key",
    "reference_key",
    "stop_url",
)
# Rows that belong to a person by way of another row; the book of a debt has the debt's own id.
_BY_WAY_OF = {"debt_id": "debt", "plan_id": "plan", "book_id": "debt"}
_WITH_ID_OF = {"book": "debt"}
# A row of a lender's file that isn't live yet counts for nothing, and may never.
_NOT_YET = frozenset({"staged_change"})
# Why a colleague went beyond the usual or gave money back is how the lender decides; what came of it is in it.
_OF_THE_LENDER = frozenset({"offer_decision", "refund"})
# Doors that whoever has the end of their address can open.
_SECRET_LINK = re.compile(r"/(i|undo|stop)/[\w=-]+")
_LEFT_OUT = "…"


@dataclass(frozen=True, slots=True)
class Held:
    """The rows of one table that are about a person, as plain values."""

    table: str
    rows: tuple[dict[str, object], ...]


def _plain(value: Any) -> object:
    if value is None or isinstance(value, bool | int | str | list | dict):
        return value
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def _without_secrets(table: str, row: dict[str, object]) -> dict[str, object]:
    """Leave out what opens doors: a code's whole text, and the ends of links in any other."""
    kind = kind_of(str(row.get("kind"))) if table == Message.__tablename__ else None
    if kind is not None and kind.group is Group.CODE:
        return {**row, "body": _LEFT_OUT, "html": _LEFT_OUT}
    return {
        name: _SECRET_LINK.sub(rf"/\1/{_LEFT_OUT}", value) if isinstance(value, str) else value
        for name, value in row.items()
    }


def shown(table: Table) -> list[Column[Any]]:
    """Give the columns of a table that are about somebody: no bytes, and nothing that only protects."""
    return [
        column
        for column in table.columns
        if not isinstance(column.type, LargeBinary) and not any(sign in column.name for sign in _PROTECTS)
    ]


def plain_row(table: Table, row: RowMapping) -> dict[str, object]:
    """Give a row as plain values, without bytes and without what opens doors."""
    return _without_secrets(table.name, {column.name: _plain(row[column.name]) for column in shown(table)})


def held(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> tuple[Held, ...]:
    """Give everything that is held about a person, table by table, in the order of the tables' names."""
    mine: dict[str, set[uuid.UUID]] = {}
    found: dict[str, Held] = {}

    def take_from(table: Table, about: ColumnElement[bool]) -> None:
        rows = session.execute(select(table).where(table.c.lender_id == lender_id, about)).mappings().all()
        if "id" in table.columns:
            mine[table.name] = {row["id"] for row in rows}
        if rows:
            found[table.name] = Held(table.name, tuple(plain_row(table, row) for row in rows))

    # A person's debts and plans are known before what is on them.
    further = []
    for table in Model.metadata.sorted_tables:
        if table.name in _NOT_YET | _OF_THE_LENDER:
            continue
        if table.name == Debtor.__tablename__:
            take_from(table, table.c.id == debtor_id)
        elif "lender_id" in table.columns and "debtor_id" in table.columns:
            take_from(table, table.c.debtor_id == debtor_id)
        elif "lender_id" in table.columns:
            further.append(table)
    for table in further:
        way = next((column for column in _BY_WAY_OF if column in table.columns), None)
        if table.name in _WITH_ID_OF:
            take_from(table, table.c.id.in_(mine.get(_WITH_ID_OF[table.name], set())))
        elif way is not None:
            take_from(table, table.c[way].in_(mine.get(_BY_WAY_OF[way], set())))
    return tuple(found[name] for name in sorted(found))


def take(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, form: str, by: Actor) -> dict[str, object]:
    """Give everything as one value, and write down that it was taken."""
    everything = held(lender_id=lender_id, debtor_id=debtor_id)
    record(Act.OWN_DATA_TAKEN, by=by, lender_id=lender_id, debtor_id=debtor_id, facts={"form": form})
    return {
        "taken_at": clock.now().isoformat(),
        "held": {one.table: list(one.rows) for one in everything},
    }


def as_csv(everything: dict[str, object]) -> Iterator[str]:
    """Give the same as lines: table, row, field, value; no cell begins as a formula, and the file says it is UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out)
    out.write("\ufeff")
    writer.writerow(("table", "row", "field", "value"))
    tables = everything["held"]
    if not isinstance(tables, dict):
        return
    for table, rows in tables.items():
        for number, row in enumerate(rows, 1):
            for field, value in row.items():
                writer.writerow((table, number, field, safe_cell(_plain_cell(value))))
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _plain_cell(value: object) -> object:
    return value if value is None or isinstance(value, int) else str(value)
