"""Who is told when a request can't wait, and messages to them; credit that is used for a debt."""

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
    _credit_use_up()


def downgrade() -> None:
    op.drop_table("credit_use")
    # Before, every message was to a debtor. Those to staff go, with what their codes lead back to.
    for table in ("message_check", "delivery_word"):
        op.execute(f"delete from {table} where message_id in (select id from message where debtor_id is null)")  # noqa: S608
    op.execute("delete from message where debtor_id is null")
    _message_without_debtor(possible=False)
    with op.batch_alter_table("lender", schema=None) as batch_op:
        batch_op.drop_column("urgent_email")


def _credit_use_up() -> None:
    points_at = {
        "debtor_id": "debtor",
        "from_debt_id": "debt",
        "to_debt_id": "debt",
        "plan_id": "plan",
        "posting_id": "posting",
        "undone_posting_id": "posting",
    }
    op.create_table(
        "credit_use",
        sa.Column("form_key", sa.String(), nullable=False),
        sa.Column("debtor_id", sa.Uuid(), nullable=False),
        sa.Column("from_debt_id", sa.Uuid(), nullable=False),
        sa.Column("to_debt_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_posting_id", sa.Uuid(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_credit_use_amount")),
        sa.CheckConstraint("(undone_at is null) = (undone_posting_id is null)", name=op.f("ck_credit_use_undone")),
        *(
            sa.ForeignKeyConstraint(
                ["lender_id", column],
                [f"{table}.lender_id", f"{table}.id"],
                name=op.f(f"fk_credit_use_lender_id_{column}"),
            )
            for column, table in points_at.items()
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_credit_use_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_credit_use")),
        sa.UniqueConstraint(
            "lender_id", "debtor_id", "form_key", name=op.f("uq_credit_use_lender_id_debtor_id_form_key")
        ),
    )
    for column in ("from_debt_id", "plan_id"):
        op.create_index(f"ix_credit_use_lender_id_{column}", "credit_use", ["lender_id", column])


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
