"""The tree over the records of each lender: its head, where each record is in it, its hashes, what was signed of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_head",
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("reached", sa.Uuid(), nullable=True),
        sa.Column("signing_key", sa.String(), nullable=True),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("id = lender_id", name=op.f("ck_log_head_one")),
        sa.CheckConstraint("size >= 0", name=op.f("ck_log_head_size")),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_log_head_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_log_head")),
    )
    op.create_table(
        "log_leaf",
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lender_id", "id"],
            ["evidence_record.lender_id", "evidence_record.id"],
            name=op.f("fk_log_leaf_lender_id_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_log_leaf_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_log_leaf")),
        sa.UniqueConstraint("lender_id", "seq", name=op.f("uq_log_leaf_lender_id_seq")),
    )
    op.create_table(
        "log_tile",
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_log_tile_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_log_tile")),
        sa.UniqueConstraint("lender_id", "level", "number", name=op.f("uq_log_tile_lender_id_level_number")),
    )
    op.create_table(
        "log_checkpoint",
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_log_checkpoint_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_log_checkpoint")),
        sa.UniqueConstraint("lender_id", "size", name=op.f("uq_log_checkpoint_lender_id_size")),
    )


def downgrade() -> None:
    for table in ("log_checkpoint", "log_tile", "log_leaf", "log_head"):
        op.drop_table(table)
