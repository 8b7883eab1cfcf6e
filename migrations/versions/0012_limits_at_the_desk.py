"""Limits at the desk: drafts with every text that they had, and who decided that a version counts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limits_draft",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("base_id", sa.Uuid(), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("acknowledged", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("sent_by", sa.Uuid(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("form_key", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state <> 'approved' or (decided_by <> author_id and decided_by <> sent_by)",
            name=op.f("ck_limits_draft_two_people"),
        ),
        sa.CheckConstraint(
            "state in ('open', 'sent', 'sent_back', 'approved', 'withdrawn')", name=op.f("ck_limits_draft_state")
        ),
        sa.CheckConstraint(
            "state not in ('sent', 'approved') or sent_by is not null", name=op.f("ck_limits_draft_sent")
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "author_id"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_limits_draft_lender_id_author_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "base_id"],
            ["limits_version.lender_id", "limits_version.id"],
            name=op.f("fk_limits_draft_lender_id_base_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_limits_draft_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_limits_draft")),
        sa.UniqueConstraint("lender_id", "form_key", name=op.f("uq_limits_draft_lender_id_form_key")),
        sa.UniqueConstraint("lender_id", "number", name=op.f("uq_limits_draft_lender_id_number")),
    )
    op.create_table(
        "limits_draft_revision",
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lender_id", "by_id"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_limits_draft_revision_lender_id_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "draft_id"],
            ["limits_draft.lender_id", "limits_draft.id"],
            name=op.f("fk_limits_draft_revision_lender_id_draft_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_limits_draft_revision_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_limits_draft_revision")),
        sa.UniqueConstraint(
            "lender_id", "draft_id", "number", name=op.f("uq_limits_draft_revision_lender_id_draft_id_number")
        ),
    )
    op.create_table(
        "limits_release",
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("draft_id", sa.Uuid(), nullable=True),
        sa.Column("written_by", sa.Uuid(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.Column("from_id", sa.Uuid(), nullable=True),
        sa.Column("back_to_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(draft_id is null) = (back_to_id is not null)", name=op.f("ck_limits_release_one_way")),
        sa.CheckConstraint(
            "back_to_id is null or (reason is not null and from_id is not null)", name=op.f("ck_limits_release_reason")
        ),
        sa.CheckConstraint("written_by is null or written_by <> decided_by", name=op.f("ck_limits_release_two_people")),
        sa.ForeignKeyConstraint(
            ["lender_id", "back_to_id"],
            ["limits_version.lender_id", "limits_version.id"],
            name=op.f("fk_limits_release_lender_id_back_to_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "decided_by"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_limits_release_lender_id_decided_by"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "draft_id"],
            ["limits_draft.lender_id", "limits_draft.id"],
            name=op.f("fk_limits_release_lender_id_draft_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "from_id"],
            ["limits_version.lender_id", "limits_version.id"],
            name=op.f("fk_limits_release_lender_id_from_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "version_id"],
            ["limits_version.lender_id", "limits_version.id"],
            name=op.f("fk_limits_release_lender_id_version_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_limits_release_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_limits_release")),
        sa.UniqueConstraint("lender_id", "draft_id", name=op.f("uq_limits_release_lender_id_draft_id")),
        sa.UniqueConstraint("lender_id", "from_id", name=op.f("uq_limits_release_lender_id_from_id")),
        sa.UniqueConstraint("lender_id", "version_id", name=op.f("uq_limits_release_lender_id_version_id")),
    )


def downgrade() -> None:
    for table in ("limits_release", "limits_draft_revision", "limits_draft"):
        op.drop_table(table)
