"""What people are found by, and the spellings of the terms of their names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "found_by",
        sa.Column("debtor_id", sa.Uuid(), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_found_by_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_found_by")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "name_spelling",
        sa.Column("term", sa.String(), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_name_spelling_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_name_spelling")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("name_spelling")
    op.drop_table("found_by")
