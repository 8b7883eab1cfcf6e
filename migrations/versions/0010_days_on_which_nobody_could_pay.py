"""Days on which a payment service or this portal was out of order, so that no plan becomes late because of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outage",
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.CheckConstraint("cause in ('payment_service', 'portal')", name=op.f("ck_outage_cause")),
        sa.CheckConstraint("until >= since", name=op.f("ck_outage_until")),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_outage_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_outage")),
        sa.UniqueConstraint("lender_id", "cause", "day", name=op.f("uq_outage_lender_id_cause_day")),
    )


def downgrade() -> None:
    op.drop_table("outage")
