"""What staff typed when the time was up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
    op.create_table(
        "staff_kept_form",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("fields", json, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lender_id", "member_id"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_staff_kept_form_lender_id_member_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_staff_kept_form_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_staff_kept_form")),
    )
    op.create_index("ix_staff_kept_form_lender_id_member_id", "staff_kept_form", ["lender_id", "member_id"])


def downgrade() -> None:
    op.drop_table("staff_kept_form")
