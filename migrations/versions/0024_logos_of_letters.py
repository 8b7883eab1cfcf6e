"""The logo that a lender's letters have, each one that any letter was ever drawn with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lender", sa.Column("letters_logo", sa.String(), nullable=True))
    op.create_table(
        "letter_logo",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_letter_logo_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_letter_logo")),
        sa.UniqueConstraint("lender_id", "sha256", name=op.f("uq_letter_logo_lender_id_sha256")),
    )


def downgrade() -> None:
    op.drop_table("letter_logo")
    with op.batch_alter_table("lender") as batch:
        batch.drop_column("letters_logo")
