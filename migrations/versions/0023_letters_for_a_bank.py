"""Languages and signatories of letters, batches of them, stamps of the log from outside, and what staff typed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("debtor", sa.Column("letter_language", sa.String(), nullable=True))
    op.add_column("lender", sa.Column("letters_beside", sa.String(), nullable=True))
    op.add_column("lender", sa.Column("signatory_name", sa.String(), nullable=True))
    op.add_column("lender", sa.Column("signatory_role", sa.String(), nullable=True))
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
    op.create_table(
        "staff_kept_form",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("fields", _JSON, nullable=False),
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
    op.create_table(
        "letter_batch",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("chosen", sa.String(), nullable=False),
        sa.Column("listed", _JSON, nullable=False),
        sa.Column("unknown", _JSON, nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("form_key", sa.String(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_by", sa.Uuid(), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state in ('asked', 'preparing', 'running', 'paused', 'done', 'called_off')",
            name=op.f("ck_letter_batch_state"),
        ),
        sa.CheckConstraint("chosen in ('open', 'plan', 'listed')", name=op.f("ck_letter_batch_chosen")),
        sa.CheckConstraint(
            "begun_at is not null or state in ('asked', 'called_off')", name=op.f("ck_letter_batch_begun")
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_letter_batch_lender_id")),
        sa.ForeignKeyConstraint(
            ["lender_id", "asked_by"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_letter_batch_lender_id_asked_by"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "begun_by"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_letter_batch_lender_id_begun_by"),
        ),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_letter_batch")),
        sa.UniqueConstraint("lender_id", "number", name=op.f("uq_letter_batch_lender_id_number")),
        sa.UniqueConstraint("lender_id", "form_key", name=op.f("uq_letter_batch_lender_id_form_key")),
    )
    op.create_table(
        "letter_batch_item",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("debt_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("letter", sa.String(), nullable=True),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state in ('waiting', 'made', 'there', 'by_hand', 'not_made')", name=op.f("ck_letter_batch_item_state")
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_letter_batch_item_lender_id")),
        sa.ForeignKeyConstraint(
            ["lender_id", "batch_id"],
            ["letter_batch.lender_id", "letter_batch.id"],
            name=op.f("fk_letter_batch_item_lender_id_batch_id"),
        ),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_letter_batch_item")),
        sa.UniqueConstraint(
            "lender_id", "debt_id", "batch_id", name=op.f("uq_letter_batch_item_lender_id_debt_id_batch_id")
        ),
        sa.UniqueConstraint(
            "lender_id", "batch_id", "place", name=op.f("uq_letter_batch_item_lender_id_batch_id_place")
        ),
    )
    op.create_index(
        "ix_letter_batch_item_turn", "letter_batch_item", ["lender_id", "batch_id", "state", "tries", "place"]
    )


def downgrade() -> None:
    op.drop_table("letter_batch_item")
    op.drop_table("letter_batch")
    op.drop_table("staff_kept_form")
    op.drop_table("log_stamp")
    with op.batch_alter_table("lender") as batch:
        batch.drop_column("signatory_role")
        batch.drop_column("signatory_name")
        batch.drop_column("letters_beside")
    with op.batch_alter_table("debtor") as batch:
        batch.drop_column("letter_language")
