"""Who is told when a request can't wait, and messages to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("lender", schema=None) as batch_op:
        batch_op.add_column(sa.Column("urgent_email", sa.String(), nullable=True))
    _message_without_debtor(possible=True)


def downgrade() -> None:
    # Before, every message was to a debtor. Those to staff go, with what their codes lead back to.
    for table in ("message_check", "delivery_word"):
        op.execute(f"delete from {table} where message_id in (select id from message where debtor_id is null)")  # noqa: S608
    op.execute("delete from message where debtor_id is null")
    _message_without_debtor(possible=False)
    with op.batch_alter_table("lender", schema=None) as batch_op:
        batch_op.drop_column("urgent_email")


def _message_without_debtor(*, possible: bool) -> None:
    # SQLite makes the table anew, and may not while rows point at it: they step aside.
    aside = ("message_check", "delivery_word") if op.get_bind().dialect.name == "sqlite" else ()
    for table in aside:
        op.execute(f"create table aside_{table} as select * from {table}")  # noqa: S608
        op.execute(f"delete from {table}")  # noqa: S608
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.alter_column("debtor_id", existing_type=sa.Uuid(), nullable=possible)
    for table in aside:
        op.execute(f"insert into {table} select * from aside_{table}")  # noqa: S608
        op.execute(f"drop table aside_{table}")
