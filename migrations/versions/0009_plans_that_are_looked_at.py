"""The day on which a plan is looked at again, what of plans waits for a person, and offers by their end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plan", sa.Column("look_on", sa.Date(), nullable=True))
    # Whatever time can still change is looked at in the first night, which then says when it is next.
    op.execute(
        sa.text(
            "update plan set look_on = current_date where state in "
            "('agreed', 'active', 'grace', 'at_risk', 'broken', 'paused') "
            "or (state = 'completed' and review_on is not null)"
        )
    )
    op.create_index("ix_plan_lender_id_look_on", "plan", ["lender_id", "look_on", "id"])
    op.create_index(
        "ix_quote_open",
        "quote",
        ["lender_id", "expires_at"],
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "plan_check",
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.CheckConstraint("kind in ('cure_over', 'review')", name=op.f("ck_plan_check_kind")),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_plan_check_lender_id")),
        sa.ForeignKeyConstraint(
            ["lender_id", "plan_id"], ["plan.lender_id", "plan.id"], name=op.f("fk_plan_check_lender_id_plan_id")
        ),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_plan_check")),
        sa.UniqueConstraint(
            "lender_id", "plan_id", "kind", "day", name=op.f("uq_plan_check_lender_id_plan_id_kind_day")
        ),
    )
    op.create_index(
        "ix_plan_check_open",
        "plan_check",
        ["lender_id", "opened_at"],
        postgresql_where=sa.text("closed_at is null"),
        sqlite_where=sa.text("closed_at is null"),
    )


def downgrade() -> None:
    op.drop_index("ix_plan_check_open", table_name="plan_check")
    op.drop_table("plan_check")
    op.drop_index("ix_quote_open", table_name="quote")
    op.drop_index("ix_plan_lender_id_look_on", table_name="plan")
    op.drop_column("plan", "look_on")
