"""Every kind of arrangement: what was asked, the budget and the trace behind an answer, what is let off and when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

AT_ONCE = 10_000
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
# A default lets SQLite add a column to a table that others point at; whoever writes a row gives the value.
_NEEDS_A_VALUE = {
    "proposal": (
        sa.Column("kind", sa.String(), server_default="regular"),
        sa.Column("asked", JSON, server_default="{}"),
    ),
    "quote": (
        sa.Column("arrangement", sa.String(), server_default="instalments"),
        sa.Column("waive_minor", sa.BigInteger(), server_default="0"),
        sa.Column("left_minor", sa.BigInteger(), server_default="0"),
    ),
    "plan": (
        sa.Column("kind", sa.String(), server_default="instalments"),
        sa.Column("waive_minor", sa.BigInteger(), server_default="0"),
    ),
}
_MAY_BE_NONE = {
    "proposal": (sa.Column("budget", JSON), sa.Column("trace", JSON), sa.Column("round", sa.BigInteger())),
    "plan": (sa.Column("review_on", sa.Date()), sa.Column("void_on", sa.Date())),
}


def upgrade() -> None:
    for table, columns in _NEEDS_A_VALUE.items():
        for column in columns:
            op.add_column(
                table, sa.Column(column.name, column.type, server_default=column.server_default, nullable=False)
            )
    for table, columns in _MAY_BE_NONE.items():
        for column in columns:
            op.add_column(table, sa.Column(column.name, column.type, nullable=True))
    _fill()
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in _NEEDS_A_VALUE.items():
            for column in columns:
                op.alter_column(table, column.name, server_default=None)
    with op.batch_alter_table("plan_item") as batch_op:
        batch_op.add_column(sa.Column("waive_minor", sa.BigInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("waiver_posting_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_plan_item_lender_id_waiver_posting_id"),
            "posting",
            ["lender_id", "waiver_posting_id"],
            ["lender_id", "id"],
        )
        batch_op.create_check_constraint(batch_op.f("ck_plan_item_waive"), "waive_minor >= 0")
    with op.batch_alter_table("plan_item") as batch_op:
        batch_op.alter_column("waive_minor", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("plan_item") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_plan_item_waive"), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_plan_item_lender_id_waiver_posting_id"), type_="foreignkey")
        batch_op.drop_column("waiver_posting_id")
        batch_op.drop_column("waive_minor")
    for found in (_MAY_BE_NONE, _NEEDS_A_VALUE):
        for table, columns in found.items():
            for column in columns:
                op.drop_column(table, column.name)


def _fill() -> None:
    """Write what was asked before in the form of today: regular payments, from the day on which they were asked for."""
    proposal = sa.table(
        "proposal",
        *(sa.column(name, sa.Uuid()) for name in ("lender_id", "id")),
        *(sa.column(name, sa.BigInteger()) for name in ("amount_minor", "pay_day")),
        *(sa.column(name, sa.String()) for name in ("currency", "frequency")),
        sa.column("made_at", sa.DateTime(timezone=True)),
        sa.column("asked", JSON),
    )
    connection = op.get_bind()
    write = (
        sa.update(proposal)
        .where(proposal.c.lender_id == sa.bindparam("of_lender"), proposal.c.id == sa.bindparam("its_id"))
        .values(asked=sa.bindparam("request", type_=JSON))
    )
    last = sa.tuple_(proposal.c.lender_id, proposal.c.id)
    asked = (
        sa.select(*(column for column in proposal.c if column.name != "asked"))
        .order_by(proposal.c.lender_id, proposal.c.id)
        .limit(AT_ONCE)
    )
    rows = connection.execute(asked).all()
    while rows:
        connection.execute(
            write, [{"of_lender": row.lender_id, "its_id": row.id, "request": _asked(row)} for row in rows]
        )
        after = sa.tuple_(sa.literal(rows[-1].lender_id, sa.Uuid()), sa.literal(rows[-1].id, sa.Uuid()))
        rows = connection.execute(asked.where(last > after)).all()


def _asked(row: sa.Row) -> dict[str, object]:
    by_weekday = row.frequency in ("weekly", "fortnightly", "four_weekly")
    return {
        "ask": "regular",
        "payment": row.amount_minor,
        "currency": row.currency,
        "frequency": row.frequency,
        "first_due": row.made_at.date().isoformat(),
        "anchor_day": None if by_weekday else row.pay_day,
    }
