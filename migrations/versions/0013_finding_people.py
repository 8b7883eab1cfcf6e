"""What people are found by, the spellings of the terms of their names; notes about people, and calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
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
    op.create_table(
        "person_note",
        sa.Column("debtor_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("strikes", sa.Uuid(), nullable=True),
        sa.Column("form_key", sa.String(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lender_id", "debtor_id"],
            ["debtor.lender_id", "debtor.id"],
            name=op.f("fk_person_note_lender_id_debtor_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "member_id"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_person_note_lender_id_member_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "strikes"],
            ["person_note.lender_id", "person_note.id"],
            name=op.f("fk_person_note_lender_id_strikes"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_person_note_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_person_note")),
        sa.UniqueConstraint(
            "lender_id", "debtor_id", "form_key", name=op.f("uq_person_note_lender_id_debtor_id_form_key")
        ),
    )
    op.create_index("ix_person_note_lender_id_strikes", "person_note", ["lender_id", "strikes"], unique=False)
    op.create_table(
        "person_call",
        sa.Column("debtor_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("reached", sa.Boolean(), nullable=False),
        sa.Column("agreed", sa.String(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("form_key", sa.String(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("agreed in ('yes', 'no', 'not_asked')", name=op.f("ck_person_call_agreed")),
        sa.CheckConstraint("direction in ('in', 'out')", name=op.f("ck_person_call_direction")),
        sa.ForeignKeyConstraint(
            ["lender_id", "debtor_id"],
            ["debtor.lender_id", "debtor.id"],
            name=op.f("fk_person_call_lender_id_debtor_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "member_id"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_person_call_lender_id_member_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_person_call_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_person_call")),
        sa.UniqueConstraint(
            "lender_id", "debtor_id", "form_key", name=op.f("uq_person_call_lender_id_debtor_id_form_key")
        ),
    )


def downgrade() -> None:
    op.drop_table("person_call")
    op.drop_table("person_note")
    op.drop_table("name_spelling")
    op.drop_table("found_by")
