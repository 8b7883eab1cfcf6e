"""What the databases' planners know of our tables: counts on PostgreSQL, the shape of the indexes on SQLite.

Every index begins with the lender. SQLite that was told nothing takes one lender's rows for ten, and then reads a whole
portfolio to have it in order, or to find one person's payments in it.
"""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from portal.db import Model, session, table_of

# Rows that SQLite is to reckon with where one value is known: many of one lender, fewer in one state, few of one thing.
_ROWS = 1_000_000
_OF_ONE = {"lender_id": 500_000, "state": 100_000, "kind": 100_000}
_OF_ANYTHING_ELSE = 10
# Indexes of this name hold only what waits for somebody, and there are few of those.
_WAITING, _FEW = "_open", 1_000


def count_anew(*models: type[Model]) -> None:
    """Let PostgreSQL count what has come, since it plans by counts; of tables it thinks empty it reads all, often."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("analyze " + ", ".join(table_of(model).name for model in models)))


def tell_shapes(connection: Connection) -> None:
    """Tell SQLite how many rows each index leaves over; the same for every portfolio, so that plans never change.

    Source: https://www.sqlite.org/lang_analyze.html, which allows writing `sqlite_stat1` by hand. `ANALYZE` puts counts
    of the day in its place, and a table that was empty on that day is then read whole for ever.
    """
    if connection.dialect.name != "sqlite":
        return
    connection.exec_driver_sql("analyze sqlite_schema")
    connection.exec_driver_sql("delete from sqlite_stat1")
    for table in inspect(connection).get_table_names():
        for _seq, index, unique, *_rest in connection.exec_driver_sql(f'pragma index_list("{table}")').all():
            columns = [row[2] for row in connection.exec_driver_sql(f'pragma index_info("{index}")').all()]
            connection.exec_driver_sql(
                "insert into sqlite_stat1 (tbl, idx, stat) values (?, ?, ?)",
                (table, index, _shape(columns, rows=_FEW if index.endswith(_WAITING) else _ROWS, unique=bool(unique))),
            )
    connection.exec_driver_sql("analyze sqlite_schema")


def _shape(columns: list[str], *, rows: int, unique: bool) -> str:
    """Give the rows of an index, then those left over when one, two … of its columns are known."""
    left, numbers = rows, [rows]
    for column in columns:
        left = min(left, _OF_ONE.get(column, _OF_ANYTHING_ELSE))
        numbers.append(left)
    if unique:
        numbers[-1] = 1
    return " ".join(str(number) for number in numbers)
