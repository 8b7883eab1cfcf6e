"""The database: base of the models, one session a thread, transactions at the edge, column types for both engines.

Invariants: nothing is written outside `transaction()`, so an act is committed whole or not at all. On PostgreSQL each
transaction begins by saying whose rows it may see (`see`); the policies of every table hold it to that.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from typing import Any

import uuid_utils.compat
from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    Date,
    DateTime,
    Dialect,
    Engine,
    ForeignKey,
    MetaData,
    PoolProxiedConnection,
    Select,
    String,
    Table,
    Uuid,
    create_engine,
    event,
)
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.types import TypeDecorator

from portal import sealed

log = logging.getLogger(__name__)
Json = JSON().with_variant(JSONB(), "postgresql")


class WriteOutsideTransaction(Exception):
    """Something was about to be written in a session that only reads."""


class NestedTransaction(Exception):
    """An act opened a transaction inside another one: only the edge may."""


class CouldNotRead(SQLAlchemyError):
    """The database did not answer; says what kind of error it was, and nothing of what was asked."""


class UtcTime(TypeDecorator[datetime]):
    """An instant in UTC; refuses one without a zone, and never returns one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the instant in UTC; SQLite keeps no zone, so it is taken off there.

        :raises ValueError: if the instant has no zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the instant back with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Sealed(TypeDecorator[str]):
    """A secret that stands sealed in its column and is plain text here; one from before they were sealed is read too.

    With another installation's key, or another column's text, it is as if there were none: what needs it says so.
    """

    impl = String
    cache_ok = True
    _key = ""

    def __init__(self, of: str) -> None:
        super().__init__()
        self.of = of

    @classmethod
    def use(cls, key: str) -> None:
        """Take the installation's key, once, before the first row is read."""
        cls._key = key

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Seal it.

        :raises ValueError: if no key was given yet.
        """
        del dialect
        if value is None:
            return None
        if not self._key:
            raise ValueError("a secret can't be sealed without the installation's key")
        return sealed.seal(value, of=self.of, key=self._key)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Open it."""
        del dialect
        if value is None or not sealed.is_sealed(value):
            return value
        try:
            return sealed.unseal(value, of=self.of, key=self._key)
        except sealed.CannotOpen as problem:
            log.warning("the secret in %s can't be opened with this SECRET_KEY", problem)
            return None


class Model(DeclarativeBase):
    """Base of all tables; constraints have names, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        str: String,
        int: BigInteger,
        date: Date,
        datetime: UtcTime,
        uuid.UUID: Uuid,
        dict[str, Any]: Json,
        list[str]: Json,
        list[dict[str, Any]]: Json,
    }


def new_id() -> uuid.UUID:
    """Make an identifier that sorts by time (UUIDv7), so that new rows lie together in every index."""
    return uuid_utils.compat.uuid7()


def table_of(model: type[Model]) -> Table:
    """Give the table of a model, for inserts of many rows that need no objects."""
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is not a table")
    return table


class LenderOwned:
    """Columns of every row that belongs to a lender: its key begins with the lender."""

    lender_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("lender.id"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)


_writing: ContextVar[bool] = ContextVar("writing", default=False)


class _Reader(threading.local):
    """A thread's connection of the driver for `read`, which lasts until a transaction begins or ends.

    A page that only reads plain columns then makes no session, and opens no transaction of one; together they cost more
    than a read.
    """

    connection: PoolProxiedConnection | None = None

    def on(self, engine: Engine) -> PoolProxiedConnection:
        """Give it, inside a transaction, which psycopg begins by itself.

        :raises CouldNotRead: if there is no connection to be had.
        """
        if self.connection is None:
            try:
                self.connection = engine.raw_connection()
                if engine.dialect.name == "sqlite":
                    self.connection.cursor().execute("BEGIN IMMEDIATE" if _writing.get() else "BEGIN")
                else:
                    _begin_seeing(self.connection, engine)
            except engine.dialect.loaded_dbapi.Error as problem:
                raise CouldNotRead(type(problem).__name__) from problem
        return self.connection

    def let_go(self) -> None:
        """Give it back to the pool, which ends its transaction; what is read from now on is read anew."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None


_reader = _Reader()


_going_on = threading.local()


class _Session(Session):
    """A session with whose transactions the reader's ends."""

    def commit(self) -> None:
        """Commit; what is read from now on is read anew."""
        _reader.let_go()
        super().commit()

    def rollback(self) -> None:
        """Roll back; what is read from now on is read anew."""
        _reader.let_go()
        super().rollback()


class _Sessions(scoped_session[_Session]):
    """One session a thread, made when something asks for it."""

    def remove(self) -> None:
        """Give everything back."""
        _reader.let_go()
        super().remove()


_sessions: sessionmaker[_Session] = sessionmaker(class_=_Session, expire_on_commit=False)
session = _Sessions(_sessions)


def connect(url: str) -> Engine:
    """Make the engine for a database URL and bind the sessions to it."""
    engine = make_engine(url)
    bind(engine)
    return engine


def bind(target: Engine | Connection) -> None:
    """Let the sessions work on an engine, or (in tests) inside one connection's outer transaction."""
    session.remove()
    _sessions.configure(bind=target, join_transaction_mode="create_savepoint")


def make_engine(url: str) -> Engine:
    """Make an engine that keeps this project's promises on SQLite and on PostgreSQL.

    What goes wrong is logged without its values: they are people's, and some are codes.
    """
    if url.startswith("sqlite"):
        engine = create_engine(url, hide_parameters=True, connect_args={"cached_statements": _KEPT_STATEMENTS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(url, hide_parameters=True, pool_size=5, max_overflow=10)
    event.listen(engine, "connect", _prepare_postgresql)
    event.listen(engine, "checkin", _note_when_it_was_used)
    event.listen(engine, "checkout", partial(_ask_whether_it_is_still_there, engine.dialect))
    event.listen(engine, "begin", _begin_postgresql)
    event.listen(engine, "rollback_savepoint", _forget_what_is_seen)
    return engine


# The portal has some hundreds of statements; with the drivers' own 128 and 100 they push each other out.
_KEPT_STATEMENTS = 500
_WRITES = "writes"


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transaction handling reads outside the transaction and loses updates; we begin ourselves.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql(connection: Any, _record: object) -> None:
    connection.prepared_max = _KEPT_STATEMENTS
    # We begin ourselves, in one go with saying what may be seen.
    connection.autocommit = True


# A connection that was used so lately is still there, and asking would be a round trip for each transaction.
_LATELY_SECONDS = 1.0
_USED = "used"


def _note_when_it_was_used(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_USED] = time.monotonic()


def _ask_whether_it_is_still_there(
    dialect: Dialect, connection: Any, record: ConnectionPoolEntry, _proxy: object
) -> None:
    if time.monotonic() - record.info.get(_USED, time.monotonic()) < _LATELY_SECONDS:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as problem:
        # The pool takes another one.
        raise DisconnectionError(type(problem).__name__) from problem


# Whose rows are seen: a lender's, or (for work that is no lender's alone) everybody's.
EVERYBODY = "*"
_seen: ContextVar[str] = ContextVar("seen", default=EVERYBODY)
_SEEN = "seen"


def see(lender_id: uuid.UUID | None) -> None:
    """From now on see only the rows of one lender, or with None everybody's, in this thread.

    It is the second wall behind the lender in every query, and stands on PostgreSQL alone: there a row of anybody else
    is not found, and can't be written. Of a connection that never said whose rows it may see, none are found. What was
    read before is let go; an act that is running goes on with what it has.
    """
    _seen.set(EVERYBODY if lender_id is None else str(lender_id))
    if _writing.get():
        _keep_to_what_is_seen(session.connection())
        return
    session.remove()


@contextmanager
def seeing(lender_id: uuid.UUID | None) -> Iterator[None]:
    """See only the rows of one lender, or with None everybody's, for a while."""
    before = _seen.get()
    see(lender_id)
    try:
        yield
    finally:
        see(None if before == EVERYBODY else uuid.UUID(before))


def _begin_seeing(connection: PoolProxiedConnection, engine: Engine) -> None:
    # One of the two constants, or an id: there is nothing in it to escape, and SET takes no parameters.
    seen = _seen.get()
    driver: Any = connection.driver_connection
    try:
        driver.execute(f"BEGIN; SET LOCAL app.lender_id = '{seen}'", prepare=False)
    except engine.dialect.loaded_dbapi.Error as problem:
        # It was lost since it was last used, and all others with it: the pool begins anew. SQLAlchemy, which would do
        # that, knows nothing of what is begun here.
        connection.invalidate(problem)
        engine.dispose()
        raise CouldNotRead(type(problem).__name__) from problem
    connection.info[_SEEN] = seen


def _begin_postgresql(connection: Connection) -> None:
    _begin_seeing(connection.connection, connection.engine)


def _forget_what_is_seen(connection: Connection, _name: str, _context: object) -> None:
    # What was set since the savepoint is set no more.
    connection.info.pop(_SEEN, None)


@event.listens_for(_sessions, "after_begin")
def _see_in_a_transaction_of_others(_session: Session, _transaction: object, connection: Connection) -> None:
    _keep_to_what_is_seen(connection)


def _keep_to_what_is_seen(connection: Connection) -> None:
    """Tell a transaction that is open already, as in tests, which put a session into one of their own."""
    seen = _seen.get()
    if connection.dialect.name == "postgresql" and connection.info.get(_SEEN) != seen:
        connection.exec_driver_sql(f"SET LOCAL app.lender_id = '{seen}'")
        connection.info[_SEEN] = seen


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock before it reads, or two of them would both decide on the same balance.
    writes = _writing.get() or connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def connect_to_write(engine: Engine) -> Connection:
    """Connect for migrations, which write without a session: each of its transactions is a writer's from its start."""
    return engine.connect().execution_options(**{_WRITES: True})


@event.listens_for(_sessions, "before_flush")
def _refuse_unguarded_writes(_session: Session, _context: object, _instances: object) -> None:
    if not _writing.get():
        raise WriteOutsideTransaction


def insert_unless_there(model: type[Model]) -> pg.Insert | sqlite.Insert:
    """Begin an insert that can say `on_conflict_do_nothing`, which each database has in words of its own.

    With `returning` it tells whether the row is new: `rowcount` differs between the two drivers.
    """
    if session.get_bind().dialect.name == "postgresql":
        return pg.insert(model)
    return sqlite.insert(model)


def put_unless_there(model: type[Model], row: Mapping[str, object]) -> bool:
    """Insert a row unless there is one with a key of it; gives whether it is new. `row` names its id.

    The statement is built once for a table and its columns, which for one row takes longer than the insert itself;
    `row` has every column that isn't null by itself.

    :raises WriteOutsideTransaction: if no act is running.
    :raises CouldNotRead: if the database doesn't take it.
    """
    if not _writing.get():
        raise WriteOutsideTransaction
    if (quick := getattr(_going_on, "connection", None)) is not None:
        return bool(_put_into(model, _going_on.dialect, tuple(row)).rows(quick, row))
    session.flush()
    connection = session.connection()
    return bool(_put_into(model, connection.dialect, tuple(row)).rows(connection.connection, row))


@lru_cache(maxsize=64)
def _put_into(model: type[Model], dialect: Dialect, columns: tuple[str, ...]) -> Form:
    table = table_of(model)
    into = pg.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)
    return Form(into.on_conflict_do_nothing().returning(*table.primary_key), dialect, columns=columns)


def read(statement: Select[Any], values: Mapping[str, object]) -> Sequence[Any]:
    """Give the rows of a select of plain columns, as named tuples; that takes a third of the time of a session's.

    The select is a constant of its module, because what it is for a database is kept for that very object; lists of
    values stand written out in it.

    :raises CouldNotRead: if the database doesn't answer.
    """
    if _writing.get():
        # As before the session's own reads: what an act has changed so far is part of what it reads.
        session.flush()
    elif isinstance(bound := _sessions.kw["bind"], Engine) and not _session_is_in_transaction():
        return _form_of(statement, bound.dialect).rows(_reader.on(bound), values)
    # Inside a transaction, or in a test's outer one, it is the session's own.
    connection = session.connection()
    return _form_of(statement, connection.dialect).rows(connection.connection, values)


def _session_is_in_transaction() -> bool:
    return session.registry.has() and session().in_transaction()


class Form:
    """A statement as one database takes it: its text, what is done to values on the way in, to columns on the way out.

    It is a select, or an insert of `columns` that gives some back.

    SQLAlchemy writes the text and knows the types; asking the driver by itself leaves out what it does at each reading.
    """

    def __init__(
        self, statement: Select[Any] | ReturningInsert[Any], dialect: Dialect, *, columns: Sequence[str] | None = None
    ) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns, compile_kwargs={"render_postcompile": True})
        self.text = compiled.string
        self._error = dialect.loaded_dbapi.Error
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._places = compiled.positiontup
        # A name that stands there twice is one value.
        types = {name: bind.type for bind, name in compiled.bind_names.items()}
        self._going_in = [
            (name, convert)
            for name, kind in types.items()
            if (convert := kind.dialect_impl(dialect).bind_processor(dialect)) is not None
        ]
        back = (
            statement.column_descriptions if isinstance(statement, Select) else statement.returning_column_descriptions
        )
        row: Any = namedtuple("Row", [column["name"] for column in back], rename=True)  # type: ignore[misc]
        self._row = row
        self._coming_out = [
            (place, convert)
            for place, column in enumerate(back)
            if (convert := column["type"].dialect_impl(dialect).result_processor(dialect, None)) is not None
        ]

    def rows(self, connection: PoolProxiedConnection, values: Mapping[str, object]) -> list[Any]:
        """Ask, and give the rows.

        :raises CouldNotRead: if the database doesn't answer.
        """
        given = self.given(values)
        try:
            cursor = connection.cursor()
            try:
                cursor.execute(self.text, given)
                found = cursor.fetchall()
            finally:
                cursor.close()
        except self._error as problem:
            raise CouldNotRead(type(problem).__name__) from problem
        if self._coming_out and found:
            columns: list[Sequence[Any]] = list(zip(*found, strict=True))
            for place, convert in self._coming_out:
                columns[place] = [convert(value) for value in columns[place]]
            found = list(zip(*columns, strict=True))
        return list(map(self._row._make, found))

    def given(self, values: Mapping[str, object]) -> Any:
        """Give values as the driver takes them: by name, or in the order of their places."""
        given = {**self._fixed, **values}
        for name, convert in self._going_in:
            given[name] = convert(given[name])
        return given if self._places is None else tuple([given[name] for name in self._places])


@lru_cache(maxsize=256)
def _form_of(statement: Select[Any], dialect: Dialect) -> Form:
    return Form(statement, dialect)


@contextmanager
def transaction() -> Iterator[Session]:
    """Run one act: commit when the block ends, roll everything back when it raises.

    What was read before is forgotten, so that the act decides on what the database says under its own lock.

    :raises NestedTransaction: if an act is already running in this thread.
    """
    if _writing.get():
        raise NestedTransaction
    session.rollback()
    # A rollback forgets nothing where no transaction is open, as after a commit.
    session.expire_all()
    token = _writing.set(True)
    try:
        yield session()
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        _writing.reset(token)


@contextmanager
def quick_transaction() -> Iterator[None]:
    """Run an act that does nothing but `put_unless_there`, without a session, which would cost more than the act.

    It goes on in what was read last, where the database lets a reader write: then what was read is still so.

    :raises NestedTransaction: if an act is already running in this thread.
    :raises CouldNotRead: if the database doesn't take it.
    """
    engine = _sessions.kw["bind"]
    if not isinstance(engine, Engine) or _session_is_in_transaction():
        # In a transaction that is open already, as in tests.
        with transaction():
            yield
        return
    if _writing.get():
        raise NestedTransaction
    if engine.dialect.name == "sqlite":
        # A reader that wants to write meanwhile is refused there.
        _reader.let_go()
    token = _writing.set(True)
    try:
        connection = _reader.on(engine)
        _going_on.connection, _going_on.dialect = connection, engine.dialect
        yield
        _commit(connection, engine)
    finally:
        # What was not committed is rolled back by the pool.
        _going_on.connection = None
        _reader.let_go()
        _writing.reset(token)


def _commit(connection: PoolProxiedConnection, engine: Engine) -> None:
    try:
        engine.dialect.do_commit(connection)
    except engine.dialect.loaded_dbapi.Error as problem:
        raise CouldNotRead(type(problem).__name__) from problem
