"""Alembic's environment: one history for SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

from alembic import context

from portal import config, db, models, planner, walls

settings_url = context.get_x_argument(as_dictionary=True).get("url") or config.from_environment().database_url


def render_item(kind: str, item: Any, autogen: Any) -> str | bool:
    """Write our column types as plain SQLAlchemy ones, so that a migration never depends on today's code."""
    if kind == "type" and isinstance(item, db.UtcTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and getattr(item, "__visit_name__", "") == "JSON":
        autogen.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


def run() -> None:
    """Run the migrations on the connection that was handed in, or on the configured database."""
    given = context.config.attributes.get("connection")
    if given is not None:
        _on(given)
        return
    engine = db.make_engine(settings_url)
    with db.connect_to_write(engine) as connection:
        _on(connection)
    engine.dispose()


def _on(connection: Any) -> None:
    context.configure(
        connection=connection,
        target_metadata=models.metadata,
        render_item=render_item,
        render_as_batch=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    planner.tell_shapes(connection)
    walls.stand(connection)
    connection.commit()


run()
