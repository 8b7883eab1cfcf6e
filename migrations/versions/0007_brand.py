"""A lender's brand: its tokens beside the lender, its logo in a table of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("lender") as batch:
        batch.add_column(
            sa.Column("brand", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=True)
        )
    op.create_table(
        "lender_logo",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind in ('svg', 'png')", name=op.f("ck_lender_logo_kind")),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_lender_logo_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_lender_logo")),
        sa.UniqueConstraint("lender_id", name=op.f("uq_lender_logo_lender_id")),
    )


def downgrade() -> None:
    op.drop_table("lender_logo")
    with op.batch_alter_table("lender") as batch:
        batch.drop_column("brand")
