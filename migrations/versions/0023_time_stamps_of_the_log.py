"""Time stamps of somebody outside over what was signed of each lender's log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_stamp",
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("stamped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lender_id", "size"],
            ["log_checkpoint.lender_id", "log_checkpoint.size"],
            name=op.f("fk_log_stamp_lender_id_size"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_log_stamp_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_log_stamp")),
        sa.UniqueConstraint("lender_id", "size", name=op.f("uq_log_stamp_lender_id_size")),
    )


def downgrade() -> None:
    op.drop_table("log_stamp")
