"""A connection to PostgreSQL that died while it rested is replaced before anybody notices."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

import portal.db
from tests.databases import Databases


def test_a_connection_that_died_while_it_rested_is_replaced(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portal.db, "_LATELY_SECONDS", 0.0)
    url = databases.empty("postgresql")
    engine = portal.db.make_engine(url)
    ask = text("select pg_backend_pid()")
    with engine.connect() as connection:
        process = connection.scalar(ask)
    plain = make_url(databases.as_superuser(url)).set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as other:
        other.execute("select pg_terminate_backend(%s, 5000)", (process,))
    with engine.connect() as connection:
        assert connection.scalar(ask) != process
    raw = engine.raw_connection()
    raw.close()
    engine.dispose()
    databases.drop(url)
