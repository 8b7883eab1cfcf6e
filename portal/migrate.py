"""Bring a database's tables to today's."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

from portal import db

ROOT = Path(__file__).resolve().parents[1]


def migrate(url: str) -> None:
    """Bring a database's tables to today's; it waits for whoever is writing there."""
    config = Config(str(ROOT / "alembic.ini"))
    config.cmd_opts = None
    engine = db.make_engine(url)
    with db.connect_to_write(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
