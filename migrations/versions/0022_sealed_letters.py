"""With what each lender seals its letters, and of each letter with what it was sealed and when that was stamped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "seal",
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("good_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("silent_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_seal_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_seal")),
    )
    op.create_index(
        "uq_seal_lender_id_now",
        "seal",
        ["lender_id"],
        unique=True,
        sqlite_where=sa.text("ended_at is null"),
        postgresql_where=sa.text("ended_at is null"),
    )
    with op.batch_alter_table("letter") as batch:
        batch.add_column(sa.Column("drawn_size", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("seal_id", sa.Uuid(), nullable=True))
        batch.add_column(sa.Column("stamped_at", sa.DateTime(timezone=True), nullable=True))
        batch.create_foreign_key("fk_letter_lender_id_seal_id", "seal", ["lender_id", "seal_id"], ["lender_id", "id"])
    op.create_index("ix_letter_lender_id_sha256", "letter", ["lender_id", "sha256"])


def downgrade() -> None:
    op.drop_index("ix_letter_lender_id_sha256", "letter")
    with op.batch_alter_table("letter") as batch:
        batch.drop_constraint("fk_letter_lender_id_seal_id", type_="foreignkey")
        batch.drop_column("stamped_at")
        batch.drop_column("seal_id")
        batch.drop_column("drawn_size")
    op.drop_table("seal")
