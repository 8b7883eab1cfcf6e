"""What is asked of a database: SQLAlchemy's statements, and the plain reads of `portal/db.py`, which it doesn't see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event

from portal import db


@contextmanager
def telling(bind: Engine | Connection, note: Callable[[str, object], None]) -> Iterator[None]:
    """Tell of each statement with its values, as the driver gets them; not of one that is for many rows at once."""

    def written(_c: object, _cursor: object, statement: str, values: object, _context: object, many: bool) -> None:
        if not many:
            note(statement, values)

    rows = db.Form.rows

    def read(form: db.Form, connection: Connection, values: Mapping[str, object]) -> list[Any]:
        note(form.text, form.given(values))
        return rows(form, connection, values)

    event.listen(bind, "before_cursor_execute", written)
    db.Form.rows = read  # type: ignore[method-assign]
    try:
        yield
    finally:
        db.Form.rows = rows  # type: ignore[method-assign]
        event.remove(bind, "before_cursor_execute", written)
