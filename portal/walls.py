"""The second wall between lenders, on PostgreSQL: a policy on every table that a lender has rows in.

Queries name their lender, which is the first wall. Where one forgets to, the policy leaves out every row but those of
the lender whom the transaction said it sees (`db.see`), and refuses to write any other. It holds for the owner of the
tables too, but for no superuser and nobody with BYPASSRLS: `holds` tells.

Source: https://www.postgresql.org/docs/current/ddl-rowsecurity.html
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from portal.db import EVERYBODY

_NAME = "one_lender"
# CASE, so that a planner that knows nothing of it takes it for half of the rows and not for one in two hundred.
_SEES = (
    "case when current_setting('app.lender_id', true) = '{everybody}' then true "
    "else {column}::text = current_setting('app.lender_id', true) end"
)
_WITHOUT_A_WALL = """
    select c.relname, a.attname, a.attnotnull
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
        and a.attname = case c.relname when 'lender' then 'id' else 'lender_id' end
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
        and not exists (select 1 from pg_policy p where p.polrelid = c.oid and p.polname = :name)
    order by c.relname
"""


def stand(connection: Connection) -> None:
    """Give every table with rows of lenders its policy; those that have it stay as they are. After each migration."""
    if connection.dialect.name != "postgresql":
        return
    quote = connection.dialect.identifier_preparer.quote
    for table, column, always in connection.execute(text(_WITHOUT_A_WALL), {"name": _NAME}).all():
        sees = _SEES.format(everybody=EVERYBODY, column=column)
        if not always:
            # What is no lender's, such as work for all, is everybody's.
            sees = f"{column} is null or {sees}"
        connection.exec_driver_sql(f"create policy {_NAME} on {quote(table)} using ({sees}) with check ({sees})")
        connection.exec_driver_sql(f"alter table {quote(table)} enable row level security, force row level security")


def holds(connection: Connection) -> bool:
    """Say whether policies bind whoever is connected; on SQLite there are none."""
    if connection.dialect.name != "postgresql":
        return False
    asked = text("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")
    return not connection.execute(asked).scalar_one()
