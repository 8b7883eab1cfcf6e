"""Check the migrations on both databases: up, down and up again, equal to the models, and every row stays."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import CHAR, Date, DateTime, Engine, LargeBinary, MetaData, Table, Uuid, inspect, select, text

import portal.db
from portal.migrate import migrate
from tests.databases import ROOT, Databases, alembic

# Rows as they were under a revision, from `python -m tests.guards.keep_rows`; only the newest revision may have none.
KEPT = Path(__file__).parent / "rows"
ID_CHARACTERS = 32
HISTORY = ScriptDirectory.from_config(Config(str(ROOT / "alembic.ini")))
REVISIONS = [script.revision for script in HISTORY.walk_revisions("base", "heads")][::-1]
# From the oldest all the way, and from those that somebody may still have; FAULTS=all tries each.
FROM = REVISIONS if os.environ.get("FAULTS") == "all" else [REVISIONS[0], *REVISIONS[-4:]]


@pytest.fixture
def empty(databases: Databases, database: str) -> Iterator[str]:
    url = databases.empty(database)
    yield url
    databases.drop(url)


@pytest.fixture
def engine(empty: str) -> Iterator[Engine]:
    engine = portal.db.make_engine(empty)
    yield engine
    engine.dispose()


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def shape(engine: Engine) -> dict[str, Any]:
    """Every table with its columns, keys, constraints and indexes, in an order that doesn't matter."""
    there = inspect(engine)
    return {
        table: {
            "columns": {one["name"]: (str(one["type"]), one["nullable"]) for one in there.get_columns(table)},
            "key": there.get_pk_constraint(table)["constrained_columns"],
            "unique": sorted(str(one["column_names"]) for one in there.get_unique_constraints(table)),
            "references": sorted(str(one["constrained_columns"]) for one in there.get_foreign_keys(table)),
            "checks": sorted(str(one["name"]) for one in there.get_check_constraints(table)),
            "indexes": sorted(str(one["name"]) for one in there.get_indexes(table)),
        }
        for table in sorted(tables(engine))
    }


def test_migrations_go_up_and_down_and_up_again(empty: str, engine: Engine) -> None:
    command.upgrade(alembic(empty), "head")
    first = shape(engine)
    command.downgrade(alembic(empty), "base")
    engine.dispose()
    assert tables(engine) == set()
    command.upgrade(alembic(empty), "head")
    engine.dispose()
    assert shape(engine) == first


def test_migrations_wait_for_whoever_is_writing(empty: str, engine: Engine) -> None:
    """The portal migrates at each start, and another part of it may be writing just then."""
    migrate(empty)
    enough = threading.Event()
    written = []

    def write_on() -> None:
        while not enough.is_set():
            with portal.db.connect_to_write(engine) as connection:
                connection.execute(text("update alembic_version set version_num = version_num"))
                connection.commit()
            written.append(True)

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        for _ in range(5):
            before = len(written)
            migrate(empty)
            while len(written) == before and writer.is_alive():
                time.sleep(0.01)
    finally:
        enough.set()
        writer.join()
    assert len(written) >= 5  # noqa: PLR2004 - one a round


def test_migrations_make_exactly_the_tables_of_the_models(empty: str) -> None:
    command.upgrade(alembic(empty), "head")
    command.check(alembic(empty))


@pytest.mark.parametrize("revision", FROM)
def test_rows_written_under_a_revision_stay_when_the_newest_comes(empty: str, engine: Engine, revision: str) -> None:
    file = KEPT / f"{revision}.json"
    assert file.exists() or revision == REVISIONS[-1], f"no rows of {revision}: see tests/guards/keep_rows.py"
    command.upgrade(alembic(empty), revision)
    written = json.loads(file.read_text("utf-8")) if file.exists() else {}
    fill(engine, written)
    before = counts(engine)
    assert {table: before[table] for table in written} == {table: len(rows) for table, rows in written.items()}
    engine.dispose()
    command.upgrade(alembic(empty), "head")
    after = counts(engine)
    assert {table: after.get(table) for table in written} == {table: before[table] for table in written}


def fill(engine: Engine, written: dict[str, list[dict[str, Any]]]) -> None:
    """Write rows by what the tables were then, not by today's models."""
    then = MetaData()
    then.reflect(engine)
    with engine.begin() as connection:
        # A table may point at itself or at one that comes later; the rows agree once all of them are there.
        if engine.dialect.name == "sqlite":
            connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        for table in then.sorted_tables:
            for row in written.get(table.name, []):
                connection.execute(table.insert(), {name: value_of(table, name, value) for name, value in row.items()})


def value_of(table: Table, name: str, value: Any) -> Any:
    kind = table.columns[name].type
    if value is None:
        return None
    if isinstance(kind, DateTime):
        instant = datetime.fromisoformat(value)
        return instant if getattr(kind, "timezone", False) else instant.replace(tzinfo=None)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    if isinstance(kind, Uuid):
        return uuid.UUID(value)
    if isinstance(kind, LargeBinary):
        return bytes.fromhex(value)
    if isinstance(kind, CHAR) and kind.length == ID_CHARACTERS:
        # SQLite keeps ids as 32 characters and doesn't say that they are ids.
        return value.replace("-", "")
    return value


def counts(engine: Engine) -> dict[str, int]:
    now = MetaData()
    now.reflect(engine)
    with engine.connect() as connection:
        return {
            table.name: len(connection.execute(select(*table.primary_key.columns)).all())
            for table in now.sorted_tables
            if table.name != "alembic_version"
        }


def test_the_history_is_one_line_with_numbers_in_order() -> None:
    assert len(HISTORY.get_heads()) == 1
    assert sorted(REVISIONS) == REVISIONS
