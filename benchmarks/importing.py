"""A lender's file through the real command, against a bare `executemany` of the same rows; and what memory it takes."""

from __future__ import annotations

import json
import sqlite3
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from benchmarks import portfolio
from benchmarks.databases import Databases, plain
from benchmarks.machine import Cost, environment, measured
from portal import demo
from portal.debts.intake import BATCH

# In the order in which their keys point at each other. What is in a batch follows from the line of the file.
_OF_A_BATCH = {
    "debtor": """
        select {columns},
          (select min(d.line) from debt d where d.lender_id = t.lender_id and d.debtor_id = t.id) as line
        from debtor t order by line, t.id""",
    "contact_point": """
        select {columns},
          (select min(d.line) from debt d where d.lender_id = t.lender_id and d.debtor_id = t.debtor_id) as line
        from contact_point t order by line, t.id""",
    "found_by": """
        select {columns},
          (select min(d.line) from debt d where d.lender_id = t.lender_id and d.debtor_id = t.debtor_id) as line
        from found_by t order by line, t.id""",
    "name_spelling": "select {columns}, 2 as line from name_spelling t order by t.id",
    "book": """
        select {columns}, d.line
        from book t join debt d on d.lender_id = t.lender_id and d.id = t.id order by d.line""",
    "posting": """
        select {columns},
          (select min(d.line) from transfer x join debt d on d.lender_id = x.lender_id and d.id = x.book_id
           where x.lender_id = t.lender_id and x.posting_id = t.id) as line
        from posting t order by line, t.id""",
    "transfer": """
        select {columns}, d.line
        from transfer t join debt d on d.lender_id = t.lender_id and d.id = t.book_id order by d.line, t.id""",
    "debt": "select {columns}, t.line from debt t order by t.line",
}
_FIRST_LINE = 2


@dataclass(frozen=True, slots=True)
class Compared:
    """Seconds of the portal's command, of its start alone, and of the floor; medians.

    `by_processor` is the ratio by the processor time of the two processes, the start left out: on SQLite, where all the
    work is in them, it tells the same on a machine where others are at work.
    """

    portal: float
    start: float
    floor: float
    rows: int
    by_processor: float

    @property
    def ratio(self) -> float:
        """Give how fast the command is, its start included, against the floor."""
        return self.floor / self.portal

    @property
    def ratio_without_start(self) -> float:
        """Give how fast the work alone is against the floor."""
        return self.floor / (self.portal - self.start)


def _flask(url: str, folder: Path, *words: str) -> Cost:
    return measured(sys.executable, "-m", "flask", "--app", "wsgi", *words, env=environment(url=url, folder=folder))


def _import(url: str, folder: Path, file: Path) -> Cost:
    mapping = folder / "mapping.toml"
    mapping.write_text(demo.MAPPING, encoding="utf-8")
    return _flask(
        url, folder, "import", str(file), "--lender", portfolio.SLUG, "--mapping", str(mapping),
        "--report", str(folder / "report.csv"),
    )  # fmt: skip


def file_of(folder: Path, *, debts: int) -> Path:
    """Give a file of so many made-up debts, written by a process of its own."""
    file = folder / f"debts-{debts}.csv"
    if not file.exists():
        words = (sys.executable, "-m", "benchmarks.portfolio", str(file), str(debts))
        measured(*words, env=environment(url="sqlite://", folder=folder))
    return file


def compare(databases: Databases, *, kind: str, folder: Path, debts: int, rounds: int) -> Compared:
    """Measure the import command against the floor, in turns, each time into an empty database."""
    file = file_of(folder, debts=debts)
    empty = databases.empty(kind)
    portfolio.add_lender(empty)
    portal: list[Cost] = []
    start: list[Cost] = []
    floor: list[dict[str, Any]] = []
    for _ in range(rounds):
        start.append(_flask(empty, folder, "import", "--help"))
        full, bare = databases.copy(empty), databases.copy(empty)
        portal.append(_import(full, folder, file))
        words = (sys.executable, "-m", "benchmarks.importing", full, bare)
        floor.append(json.loads(measured(*words, env=environment(url=bare, folder=folder)).said.splitlines()[-1]))
        databases.drop(full)
        databases.drop(bare)
    databases.drop(empty)
    return Compared(
        portal=statistics.median(cost.seconds for cost in portal),
        start=statistics.median(cost.seconds for cost in start),
        floor=statistics.median(told["seconds"] for told in floor),
        rows=floor[0]["rows"],
        by_processor=statistics.median(
            told["processor"] / (cost.processor - idle.processor)
            for cost, idle, told in zip(portal, start, floor, strict=True)
        ),
    )


def memory(databases: Databases, *, folder: Path, sizes: Sequence[int]) -> dict[int, Cost]:
    """Measure the peak memory of the import command by the size of the file, on SQLite."""
    empty = databases.empty("sqlite")
    portfolio.add_lender(empty)
    found = {}
    for debts in sizes:
        file = file_of(folder, debts=debts)
        url = databases.copy(empty)
        found[debts] = _import(url, folder, file)
        databases.drop(url)
        file.unlink()
    databases.drop(empty)
    return found


class _Sqlite:
    """The driver of SQLite, with the pragmas and transactions of `portal/db.py`."""

    begin = "BEGIN IMMEDIATE"
    place = "?"

    def __init__(self, url: str) -> None:
        self.connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            self.connection.execute(f"PRAGMA {pragma}")

    def columns(self, table: str) -> list[tuple[str, str]]:
        return [(row[1], row[2]) for row in self.connection.execute(f"PRAGMA table_info({table})")]

    def insert(self, table: str, columns: list[tuple[str, str]]) -> str:
        names = ", ".join(f'"{name}"' for name, _type in columns)
        return f"insert into {table} ({names}) values ({', '.join('?' * len(columns))})"


class _Postgresql:
    """The driver of PostgreSQL."""

    begin = "BEGIN"
    place = "%s"

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(plain(url), autocommit=True)
        # What stands in a JSON column stays text, so that the floor pays nothing for it.
        self.connection.adapters.register_loader("jsonb", psycopg.types.string.TextLoader)

    def columns(self, table: str) -> list[tuple[str, str]]:
        return list(
            self.connection.execute(
                "select column_name::text, data_type::text from information_schema.columns "
                "where table_schema = 'public' and table_name = %s order by ordinal_position",
                (table,),
            )
        )

    def insert(self, table: str, columns: list[tuple[str, str]]) -> str:
        return (
            sql.SQL("insert into {} ({}) values ({})")
            .format(
                sql.Identifier(table),
                sql.SQL(", ").join(sql.Identifier(name) for name, _type in columns),
                sql.SQL(", ").join(
                    sql.SQL("%s::jsonb") if type_ == "jsonb" else sql.Placeholder() for _name, type_ in columns
                ),
            )
            .as_string(self.connection)
        )


def bare_driver(url: str) -> Any:
    """Give the driver of a database, opened by hand."""
    return (_Sqlite if url.startswith("sqlite") else _Postgresql)(url)


def floor(full: str, bare: str) -> dict[str, Any]:
    """Write the rows of one database into another with `executemany`, batch by batch; gives what the writing took.

    Reading them is not counted. A batch has as many debts as a batch of the import, and one transaction.
    """
    source, target = bare_driver(full), bare_driver(bare)
    batches: dict[int, list[tuple[str, list[tuple[Any, ...]]]]] = {}
    with closing(source.connection), closing(target.connection):
        columns = source.columns("import_run")
        names = ", ".join(f'"{name}"' for name, _type in columns)
        for row in source.connection.execute(f"select {names} from import_run").fetchall():
            target.connection.execute(target.insert("import_run", columns), row)
        for table, query in _OF_A_BATCH.items():
            columns = source.columns(table)
            statement = target.insert(table, columns)
            wanted = ", ".join(f't."{name}"' for name, _type in columns)
            by_batch: dict[int, list[tuple[Any, ...]]] = {}
            for *row, line in source.connection.execute(query.format(columns=wanted)):
                by_batch.setdefault((line - _FIRST_LINE) // BATCH, []).append(tuple(row))
            for number, rows in by_batch.items():
                batches.setdefault(number, []).append((statement, rows))
        cursor = target.connection.cursor()
        start, spent = time.perf_counter(), time.process_time()
        for _number, inserts in sorted(batches.items()):
            cursor.execute(target.begin)
            for statement, rows in inserts:
                cursor.executemany(statement, rows)
            cursor.execute("COMMIT")
        seconds, processor = time.perf_counter() - start, time.process_time() - spent
    count = sum(len(rows) for inserts in batches.values() for _statement, rows in inserts)
    return {"seconds": seconds, "processor": processor, "rows": count}


if __name__ == "__main__":
    print(json.dumps(floor(sys.argv[1], sys.argv[2])))
