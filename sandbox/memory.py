"""What the stand-in remembers, in one SQLite file, so that a restart forgets nothing.

Invariant: everything that one request changes is written in one transaction, events and deliveries included.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import string
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Body = dict[str, Any]

_TABLES = """
create table if not exists object (
    seq integer primary key autoincrement,
    id text not null unique,
    account text not null,
    kind text not null,
    created integer not null,
    body text not null
);
create index if not exists object_by_kind on object (account, kind, seq);
create index if not exists object_that_waits on object (seq) where json_extract(body, '$._waits') = 1;
create table if not exists idempotency (
    account text not null,
    key text not null,
    request text not null,
    status integer not null,
    answer text not null,
    created integer not null,
    primary key (account, key)
);
create table if not exists delivery (
    id integer primary key autoincrement,
    account text not null,
    event_id text not null,
    endpoint_id text not null,
    due real not null,
    state text not null,
    tries integer not null default 0,
    in_turn integer not null default 1,
    last_answer text
);
create index if not exists delivery_by_state on delivery (state, due);
create table if not exists setting (name text primary key, value text not null);
"""

_LETTERS = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """Return an identifier in Stripe's form: a prefix and letters that nobody can guess."""
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(length))


class Memory:
    """One SQLite file behind one lock: requests, pages and the delivery thread take turns."""

    def __init__(self, path: str | Path) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(str(path), check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=normal")
        self._db.executescript(_TABLES)
        # A delivery that was on its way when the process died is tried again: at least once, as Stripe does.
        self._db.execute("update delivery set state = 'waiting' where state = 'sending'")
        self._offset = int(self.setting("clock_offset", "0"))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do what is inside wholly or not at all; may be nested, the outermost one counts."""
        with self._lock:
            if self._depth:
                yield
                return
            self._db.execute("begin immediate")
            self._depth = 1
            try:
                yield
            except BaseException:
                self._db.execute("rollback")
                raise
            else:
                self._db.execute("commit")
            finally:
                self._depth = 0

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Inside a transaction: take back only what is inside when it raises, and raise on."""
        self._db.execute("savepoint act")
        try:
            yield
        except BaseException:
            self._db.execute("rollback to act")
            raise
        finally:
            self._db.execute("release act")

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # The clock of the stand-in: real time, moved by the test control when a test needs tomorrow.

    def now(self) -> int:
        return int(time.time()) + self._offset

    def move_clock(self, offset: int) -> None:
        self._offset = offset
        self.set_setting("clock_offset", str(offset))

    # Settings.

    def setting(self, name: str, default: str) -> str:
        with self._lock:
            row = self._db.execute("select value from setting where name = ?", (name,)).fetchone()
        return str(row["value"]) if row else default

    def set_setting(self, name: str, value: str) -> None:
        with self._lock:
            self._db.execute("insert or replace into setting (name, value) values (?, ?)", (name, value))

    # Objects.

    def add(self, account: str, kind: str, body: Body) -> Body:
        with self._lock:
            self._db.execute(
                "insert into object (id, account, kind, created, body) values (?, ?, ?, ?, ?)",
                (body["id"], account, kind, body["created"], json.dumps(body)),
            )
        return body

    def save(self, body: Body) -> Body:
        with self._lock:
            self._db.execute("update object set body = ? where id = ?", (json.dumps(body), body["id"]))
        return body

    def remove(self, identifier: str) -> None:
        with self._lock:
            self._db.execute("delete from object where id = ?", (identifier,))

    def get(self, account: str, kind: str | None, identifier: str) -> Body | None:
        with self._lock:
            row = self._db.execute(
                "select body from object where id = ? and account = ? and (? is null or kind = ?)",
                (identifier, account, kind, kind),
            ).fetchone()
        return json.loads(row["body"]) if row else None

    def owner(self, kind: str, identifier: str) -> str | None:
        """Return whose object this is; the hosted page and the test control know only its id."""
        with self._lock:
            row = self._db.execute(
                "select account from object where id = ? and kind = ?", (identifier, kind)
            ).fetchone()
        return str(row["account"]) if row else None

    def listed(
        self,
        account: str | None,
        kind: str,
        *,
        where: tuple[tuple[str, Any], ...] = (),
        created: dict[str, int] | int | None = None,
        after: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> tuple[list[Body], bool]:
        """Return objects, newest first, and whether there are more; `where` compares top-level fields."""
        sql = "select body from object where kind = ?"
        values: list[Any] = [kind]
        if account is not None:
            sql += " and account = ?"
            values.append(account)
        for name, value in where:
            sql += f" and json_extract(body, '$.{name}') = ?"
            values.append(value)
        if isinstance(created, int):
            created = {"gte": created, "lte": created}
        for name, sign in (("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<=")):
            if created and name in created:
                sql += f" and created {sign} ?"
                values.append(created[name])
        if after:
            sql += " and seq < coalesce((select seq from object where id = ?), 0)"
            values.append(after)
        if before:
            sql += " and seq > coalesce((select seq from object where id = ?), 0)"
            values.append(before)
        sql += f" order by seq {'asc' if before else 'desc'} limit ?"
        with self._lock:
            rows = self._db.execute(sql, (*values, limit + 1)).fetchall()
        found = [json.loads(row["body"]) for row in rows[:limit]]
        return (found[::-1] if before else found), len(rows) > limit

    def due(self) -> list[tuple[str, Body]]:
        """Give account and object of what waits for time to bring something that it has brought by now."""
        with self._lock:
            rows = self._db.execute(
                "select account, body from object where json_extract(body, '$._waits') = 1"
                " and json_extract(body, '$._due') <= ? order by seq limit 100",
                (self.now(),),
            ).fetchall()
        return [(row["account"], json.loads(row["body"])) for row in rows]

    # Idempotency keys: the first result, for 24 hours.

    def remembered(self, account: str, key: str) -> sqlite3.Row | None:
        with self._lock:
            self._db.execute("delete from idempotency where created < ?", (self.now() - 86_400,))
            found: sqlite3.Row | None = self._db.execute(
                "select request, status, answer from idempotency where account = ? and key = ?", (account, key)
            ).fetchone()
        return found

    def remember(self, account: str, key: str, request: str, status: int, answer: str) -> None:
        with self._lock:
            self._db.execute(
                "insert or replace into idempotency values (?, ?, ?, ?, ?, ?)",
                (account, key, request, status, answer, self.now()),
            )

    # Deliveries of events to endpoints. `due` is real time, because a receiver waits in real time.

    def plan(self, account: str, event_id: str, endpoint_id: str, *, due: float, in_turn: bool, lost: bool) -> None:
        with self._lock:
            self._db.execute(
                "insert into delivery (account, event_id, endpoint_id, due, state, in_turn) values (?, ?, ?, ?, ?, ?)",
                (account, event_id, endpoint_id, due, "lost" if lost else "waiting", int(in_turn)),
            )

    def take_due(self, now: float) -> sqlite3.Row | None:
        with self.transaction():
            row: sqlite3.Row | None = self._db.execute(
                "select * from delivery where state = 'waiting' and due <= ? order by due, id limit 1", (now,)
            ).fetchone()
            if row:
                self._db.execute("update delivery set state = 'sending', tries = tries + 1 where id = ?", (row["id"],))
        return row

    def next_due(self) -> float | None:
        with self._lock:
            row = self._db.execute("select min(due) as due from delivery where state = 'waiting'").fetchone()
        return row["due"] if row else None

    def finish(self, delivery_id: int, *, state: str, answer: str, due: float | None = None) -> None:
        with self._lock:
            self._db.execute(
                "update delivery set state = ?, last_answer = ?, due = coalesce(?, due) where id = ?",
                (state, answer, due, delivery_id),
            )

    def deliveries(self, event_id: str | None = None) -> list[Body]:
        with self._lock:
            rows = self._db.execute(
                "select * from delivery where ? is null or event_id = ? order by id", (event_id, event_id)
            ).fetchall()
        return [dict(row) for row in rows]

    def unfinished(self) -> int:
        with self._lock:
            row = self._db.execute(
                "select count(*) as n from delivery where state in ('waiting', 'sending')"
            ).fetchone()
        return int(row["n"])

    def forget_everything(self) -> None:
        with self.transaction():
            for table in ("object", "idempotency", "delivery", "setting"):
                self._db.execute(f"delete from {table}")
            self._offset = 0
