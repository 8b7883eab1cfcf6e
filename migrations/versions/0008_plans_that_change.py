"""Plans that change: every change with its payments before and after; extra payments; another plan in its place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("payment") as batch_op:
        batch_op.add_column(sa.Column("use", sa.String(), nullable=True))
    op.add_column("plan", sa.Column("replacing_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("plan", sa.Column("changes", sa.BigInteger(), nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("plan", "changes", server_default=None)
    with op.batch_alter_table("plan_item") as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(), nullable=False, server_default="payment"))
        batch_op.create_check_constraint(batch_op.f("ck_plan_item_kind"), "kind in ('payment', 'extra')")
        # Of an extra payment that went back nothing may be left; its line stays, so that no number changes.
        batch_op.drop_constraint(batch_op.f("ck_plan_item_amounts"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_plan_item_amounts"),
            "(amount_minor > 0 or kind = 'extra') and paid_minor >= 0 and paid_minor <= amount_minor",
        )
    with op.batch_alter_table("plan_item") as batch_op:
        batch_op.alter_column("kind", server_default=None)
    op.create_table(
        "plan_change",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("asked", JSON, nullable=False),
        sa.Column("before", JSON, nullable=False),
        sa.Column("after", JSON, nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undo_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("form_key", sa.String(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_plan_change_number")),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_plan_change_lender_id")),
        sa.ForeignKeyConstraint(
            ["lender_id", "plan_id"], ["plan.lender_id", "plan.id"], name=op.f("fk_plan_change_lender_id_plan_id")
        ),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_plan_change")),
        sa.UniqueConstraint("lender_id", "plan_id", "number", name=op.f("uq_plan_change_lender_id_plan_id_number")),
        sa.UniqueConstraint("lender_id", "plan_id", "form_key", name=op.f("uq_plan_change_lender_id_plan_id_form_key")),
    )


def downgrade() -> None:
    # Before, a plan had no extra payments; one that went back as a whole is none.
    op.execute("delete from plan_item where amount_minor = 0")
    op.drop_table("plan_change")
    with op.batch_alter_table("plan_item") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_plan_item_amounts"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_plan_item_amounts"), "amount_minor > 0 and paid_minor >= 0 and paid_minor <= amount_minor"
        )
        batch_op.drop_constraint(batch_op.f("ck_plan_item_kind"), type_="check")
        batch_op.drop_column("kind")
    op.drop_column("plan", "changes")
    op.drop_column("plan", "replacing_until")
    with op.batch_alter_table("payment") as batch_op:
        batch_op.drop_column("use")
