"""Bring a database's tables to today's."""

from __future__ import annotations

from pathlib import Path

import click
from alembic import command
from alembic.config import Config

from portal import db, walls

ROOT = Path(__file__).resolve().parents[1]
_NOT_BOUND = (
    "The role in DATABASE_URL is a superuser or may bypass row-level security, so the database does not keep lenders "
    "apart a second time. Connect with a role of the portal's own that owns its tables and nothing more."
)


def migrate(url: str) -> None:
    """Bring a database's tables to today's; it waits for whoever is writing there.

    Says on standard error where the role that connects is one that no policy binds.
    """
    config = Config(str(ROOT / "alembic.ini"))
    config.cmd_opts = None
    engine = db.make_engine(url)
    with db.connect_to_write(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        bound = connection.dialect.name != "postgresql" or walls.holds(connection)
    engine.dispose()
    if not bound:
        click.echo(_NOT_BOUND, err=True)
