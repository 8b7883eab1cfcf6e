"""Files that are brought in on pages, what stood on debts before a file changed them, and a lender's own host."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
# What points at a posting: without an index, each posting that is deleted is looked for in all rows.
_SELDOM_SET = (("posting", "corrects_id"), ("plan_item", "waiver_posting_id"))
_STATES = "'looking', 'ready', 'unreadable', 'bringing', 'live', 'nothing', 'withdrawn', 'undoing', 'undone'"


def upgrade() -> None:
    op.create_table(
        "upload",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mapping_name", sa.String(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=True),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("done_bytes", sa.BigInteger(), nullable=False),
        sa.Column("preview", _JSON, nullable=True),
        sa.Column("result", _JSON, nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("keep_good", sa.Boolean(), nullable=False),
        sa.Column("form_key", sa.String(), nullable=False),
        sa.Column("brought_by", sa.Uuid(), nullable=False),
        sa.Column("brought_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(f"state in ({_STATES})", name=op.f("ck_upload_state")),
        sa.CheckConstraint(
            "state not in ('bringing', 'live') or confirmed_by is not null", name=op.f("ck_upload_confirmed")
        ),
        *(
            sa.ForeignKeyConstraint(
                ["lender_id", name],
                ["staff_member.lender_id", "staff_member.id"],
                name=op.f(f"fk_upload_lender_id_{name}"),
            )
            for name in ("brought_by", "confirmed_by", "undone_by")
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_upload_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_upload")),
        sa.UniqueConstraint("lender_id", "number", name=op.f("uq_upload_lender_id_number")),
        sa.UniqueConstraint("lender_id", "form_key", name=op.f("uq_upload_lender_id_form_key")),
    )
    op.create_table(
        "upload_part",
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind in ('file', 'report', 'stays')", name=op.f("ck_upload_part_kind")),
        sa.ForeignKeyConstraint(
            ["lender_id", "upload_id"],
            ["upload.lender_id", "upload.id"],
            name=op.f("fk_upload_part_lender_id_upload_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_upload_part_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_upload_part")),
        sa.UniqueConstraint(
            "lender_id", "upload_id", "kind", "place", name=op.f("uq_upload_part_lender_id_upload_id_kind_place")
        ),
    )
    op.create_table(
        "import_before",
        sa.Column("import_run_id", sa.Uuid(), nullable=False),
        sa.Column("debt_id", sa.Uuid(), nullable=False),
        sa.Column("before", _JSON, nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lender_id", "import_run_id"],
            ["import_run.lender_id", "import_run.id"],
            name=op.f("fk_import_before_lender_id_import_run_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_import_before_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_import_before")),
        sa.UniqueConstraint(
            "lender_id", "import_run_id", "debt_id", name=op.f("uq_import_before_lender_id_import_run_id_debt_id")
        ),
    )
    op.create_index("ix_import_before_lender_id_debt_id", "import_before", ["lender_id", "debt_id"], unique=False)
    op.add_column("import_run", sa.Column("upload_id", sa.Uuid(), nullable=True))
    op.add_column("lender", sa.Column("host", sa.String(), nullable=True))
    op.create_index("uq_lender_host", "lender", ["host"], unique=True)
    op.create_index("ix_letter_lender_id_debt_id", "letter", ["lender_id", "debt_id"], unique=False)
    for table, column in _SELDOM_SET:
        op.create_index(
            f"ix_{table}_lender_id_{column}",
            table,
            ["lender_id", column],
            unique=False,
            postgresql_where=sa.text(f"{column} is not null"),
            sqlite_where=sa.text(f"{column} is not null"),
        )


def downgrade() -> None:
    for table, column in _SELDOM_SET:
        op.drop_index(f"ix_{table}_lender_id_{column}", table_name=table)
    op.drop_index("ix_letter_lender_id_debt_id", table_name="letter")
    op.drop_index("uq_lender_host", table_name="lender")
    op.drop_column("lender", "host")
    op.drop_column("import_run", "upload_id")
    op.drop_table("import_before")
    op.drop_table("upload_part")
    op.drop_table("upload")
