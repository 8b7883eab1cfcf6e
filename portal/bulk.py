"""Many rows at once: ids by the thousand, inserts by columns, and looking up many keys.

The session's own ways prepare each row as an object or a dictionary, which takes longer than the database needs to
write it. Here whole columns are prepared, and a column that holds one value throughout is prepared once.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import chain, repeat
from typing import Any, Literal

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Boolean,
    ColumnElement,
    Connection,
    Date,
    Dialect,
    String,
    Table,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    select,
    type_coerce,
)
from sqlalchemy import true as always
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import UserDefinedType

from portal.db import Json, session

# SQLite writes many rows of one statement a third faster than one row each; more than these gain nothing.
_ROWS_OF_A_STATEMENT = 200
_COUNTS = tuple(f"{number:03x}" for number in range(4096))
_COUNTED = 1 << 26
_making = threading.Lock()
_last = (0, 0)


def new_ids(count: int) -> list[str]:
    """Make identifiers that sort by time and among themselves (UUIDv7), as hexadecimal text.

    After the milliseconds and the version come 26 bits that count up from a random number, and 48 that are random
    (RFC 9562, section 6.2, method 1): a tenth of the time that making them one by one takes.
    """
    global _last
    chance = os.urandom(6 * count + 4).hex()
    with _making:
        at = time.time_ns() // 1_000_000
        # Half of the counts are free above the first, so that it doesn't run over.
        first = int(chance[-8:], 16) % (_COUNTED // 2)
        if at <= _last[0]:
            at, first = _last
        if first + count > _COUNTED:
            at, first = at + 1, 0
        _last = at, first + count
    made: list[str] = []
    place = 0
    while place < count:
        high, low = divmod(first + place, 4096)
        start = f"{at:012x}7{high >> 2:03x}{'89ab'[high & 3]}"
        some = min(4096 - low, count - place)
        made += [
            start + number + chance[cut : cut + 12]
            for number, cut in zip(_COUNTS[low : low + some], range(place * 12, (place + some) * 12, 12), strict=True)
        ]
        place += some
    return made


def dashed(id_: str) -> str:
    """Write an identifier as people read it."""
    return f"{id_[:8]}-{id_[8:12]}-{id_[12:16]}-{id_[16:20]}-{id_[20:]}"


@dataclass(frozen=True, slots=True)
class Same:
    """A column that holds one value in every row."""

    value: object


Column = Sequence[Any] | Same


def insert_columns(table: Table, columns: Mapping[str, Column], *, unless_there: bool = False) -> None:
    """Insert many rows, given by columns; every column that the table needs is named, and ids are hexadecimal text.

    PostgreSQL takes them as one array a column, SQLite by statements of many rows. (COPY would be quicker by some, and
    is refused on tables that have policies.) With `unless_there` rows whose key is there already are left out.
    """
    count = next(len(column) for column in columns.values() if not isinstance(column, Same))
    if not count:
        return
    connection = session.connection()
    write = _insert_arrays if connection.dialect.name == "postgresql" else _insert
    write(connection, table, columns, count, unless_there=unless_there)


def _insert_arrays(
    connection: Connection, table: Table, columns: Mapping[str, Column], count: int, *, unless_there: bool
) -> None:
    quote = connection.dialect.identifier_preparer.quote
    dialect = connection.dialect
    chosen, given = [], []
    for name, column in columns.items():
        kind = table.c[name].type
        prepare = _json if isinstance(kind, type(Json)) else None
        if isinstance(column, Same):
            chosen.append(f"%s::{kind.compile(dialect)}")
            given.append(prepare(column.value) if prepare else column.value)
        else:
            chosen.append(f"unnest(%s::{kind.compile(dialect)}[])")
            given.append(list(map(prepare, column)) if prepare else list(column))
    connection.exec_driver_sql(
        f"insert into {quote(table.name)} ({', '.join(map(quote, columns))}) "  # noqa: S608 - names of our own tables
        f"select {', '.join(chosen)}{' on conflict do nothing' if unless_there else ''}",
        tuple(given),
    )


def _insert(
    connection: Connection, table: Table, columns: Mapping[str, Column], count: int, *, unless_there: bool
) -> None:
    ready: list[Iterable[Any]] = []
    for name, column in columns.items():
        prepare = _for_sqlite(table.c[name].type, connection.dialect)
        if isinstance(column, Same):
            value = column.value if prepare is None else prepare(column.value)
            ready.append(repeat(value, count))
        else:
            ready.append(column if prepare is None else map(prepare, column))
    cells = tuple(chain.from_iterable(zip(*ready, strict=True)))
    names = tuple(columns)
    step = len(names) * _ROWS_OF_A_STATEMENT
    whole = len(cells) // step * step
    if whole:
        statement = _statement(connection.dialect, table.name, names, _ROWS_OF_A_STATEMENT, unless_there)
        connection.exec_driver_sql(statement, [cells[start : start + step] for start in range(0, whole, step)])
    if whole < len(cells):
        rest = (len(cells) - whole) // len(names)
        statement = _statement(connection.dialect, table.name, names, rest, unless_there)
        connection.exec_driver_sql(statement, cells[whole:])


@lru_cache(maxsize=1024)
def _statement(dialect: Dialect, table: str, names: tuple[str, ...], rows: int, unless_there: bool) -> str:  # noqa: FBT001 - the cache knows no names
    quote = dialect.identifier_preparer.quote
    row = f"({', '.join('?' * len(names))})"
    return (
        f"insert into {quote(table)} ({', '.join(map(quote, names))}) "  # noqa: S608 - names of our own tables
        f"values {', '.join([row] * rows)}{' on conflict do nothing' if unless_there else ''}"
    )


def _for_sqlite(kind: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    if isinstance(kind, Uuid):
        return None
    if isinstance(kind, Date):
        return _day
    prepare: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return _json if isinstance(kind, type(Json)) else prepare


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _json(value: Any) -> str:
    return "{}" if value == {} else json.dumps(value)


def update_columns(
    table: Table,
    *,
    lender_id: uuid.UUID,
    ids: Sequence[str],
    columns: Mapping[str, Sequence[Any]],
    adding: bool = False,
) -> None:
    """Change many rows of a lender, each named once by its hexadecimal id; with `adding` numbers are added to theirs.

    PostgreSQL takes them in one statement, SQLite row by row.
    """
    if not ids:
        return
    connection = session.connection()
    quote = connection.dialect.identifier_preparer.quote
    mine = quote(table.name)
    if connection.dialect.name == "postgresql":
        new = ", ".join(
            f"{quote(name)} = {f'{mine}.{quote(name)} + ' if adding else ''}v.{quote(name)}" for name in columns
        )
        types = ["uuid", *(table.c[name].type.compile(connection.dialect) for name in columns)]
        values = ", ".join(f"%s::{kind}[]" for kind in types)
        connection.exec_driver_sql(
            f"update {mine} set {new} from unnest({values}) as v(id, {', '.join(map(quote, columns))}) "  # noqa: S608 - names of our own tables
            f"where {mine}.lender_id = %s and {mine}.id = v.id",
            ([*ids], *(list(column) for column in columns.values()), lender_id),
        )
        return
    ready = [
        column if (prepare := _for_sqlite(table.c[name].type, connection.dialect)) is None else map(prepare, column)
        for name, column in columns.items()
    ]
    new = ", ".join(f"{quote(name)} = {f'{quote(name)} + ' if adding else ''}?" for name in columns)
    connection.exec_driver_sql(
        f"update {mine} set {new} where lender_id = ? and id = ?",  # noqa: S608 - names of our own tables
        list(zip(*ready, repeat(lender_id.hex), ids)),  # noqa: B905 - the lender is endless
    )


class _Listed(UserDefinedType[Sequence[Any]]):
    """Many ids or texts as one value: an array for PostgreSQL, JSON for SQLite."""

    cache_ok = True

    def __init__(self, of: str) -> None:
        self.of = of

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        if dialect.name == "postgresql":
            return list
        return _json_of_ids if self.of == "uuid" else json.dumps


def _json_of_ids(ids: Iterable[Any]) -> str:
    return json.dumps([hexed(id_) for id_ in ids])


class Among(ColumnElement[bool]):
    """Whether a column of ids, or `of` "text", is one of many under a name; for `db.read`, which knows no lists."""

    inherit_cache = False
    type = Boolean()

    def __init__(self, column: ColumnElement[Any], name: str, of: Literal["uuid", "text"] = "uuid") -> None:
        self.column, self.of = column, of
        self.ids: BindParameter[Any] = bindparam(name, type_=_Listed(of))

    def self_group(self, against: Any = None) -> ColumnElement[bool]:
        """Stand as it is: SQLite would be asked whether it is 1, and then looks in no index."""
        return self


@compiles(Among, "sqlite")
def _among_json(among: Among, compiler: Any, **_more: Any) -> str:
    column, ids = compiler.process(among.column), compiler.process(among.ids)
    return f"{column} IN (SELECT value FROM json_each({ids}))"  # noqa: S608 - a column of ours, and a bound value


@compiles(Among, "postgresql")
def _among_array(among: Among, compiler: Any, **_more: Any) -> str:
    return f"{compiler.process(among.column)} = ANY({compiler.process(among.ids)}::{among.of}[])"


def raw(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give a column of ids as the driver does, which makes no object of each; `hexed` writes any of them."""
    return type_coerce(column, String).label(column.name)


def hexed(id_: Any) -> str:
    """Write an id, as a driver gives it, as hexadecimal text."""
    return id_ if type(id_) is str else id_.hex


def rows_by_text(
    *wanted: InstrumentedAttribute[Any],
    key: InstrumentedAttribute[Any],
    texts: Sequence[str],
    where: ColumnElement[bool],
) -> Sequence[Any]:
    """Give columns of the rows whose unique `key` is one of many texts, each looked up by itself in its index.

    Left to itself, PostgreSQL reads all rows of the lender instead while its statistics of a growing table are old.
    """
    if not texts:
        return []
    if session.get_bind().dialect.name == "postgresql":
        asked = func.unnest(cast(list(texts), ARRAY(Text))).table_valued("text").render_derived()
        one = select(*wanted).where(where, key == asked.c.text).limit(1).lateral()
        return session.execute(select(one).select_from(asked).join(one, always())).all()
    listed = func.json_each(json.dumps(list(texts))).table_valued("value")
    return session.execute(select(*wanted).where(where, key.in_(select(listed.c.value)))).all()
