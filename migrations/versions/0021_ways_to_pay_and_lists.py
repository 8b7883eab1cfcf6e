"""Ways to pay whose money takes days, versions of limits that are called off, and what lists at the desk are read by.

Of a payment: when it was sent, when it counts, until when it can go back. Of what is saved: which kind it is, and its
mandate. Of a version that has not begun: when, by whom and why it was called off.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payment", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("payment", sa.Column("voucher_url", sa.String(), nullable=True))
    op.add_column("payment", sa.Column("voucher_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("payment", sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("payment", sa.Column("returns_end_on", sa.Date(), nullable=True))
    for name in ("takes_credit_cards", "takes_pay_later"):
        op.add_column("lender", sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False))
    listed = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.add_column("lender", sa.Column("ways_left_out", listed, server_default="[]", nullable=False))
    op.add_column("saved_card", sa.Column("kind", sa.String(), server_default="card", nullable=False))
    op.add_column("saved_card", sa.Column("mandate_id", sa.String(), nullable=True))
    op.add_column("saved_card", sa.Column("mandate_reference", sa.String(), nullable=True))
    op.add_column("saved_card", sa.Column("mandate_url", sa.Text(), nullable=True))
    op.add_column("saved_card", sa.Column("mandate_at", sa.DateTime(timezone=True), nullable=True))
    # Proposals, quotes and drafts point at this table, so that it is not made anew on SQLite: no constraint is added.
    op.add_column("limits_version", sa.Column("called_off_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("limits_version", sa.Column("called_off_by", sa.Uuid(), nullable=True))
    op.add_column("limits_version", sa.Column("called_off_why", sa.Text(), nullable=True))
    op.create_index("ix_plan_lender_id_state", "plan", ["lender_id", "state", "id"])
    op.create_index("ix_offer_decision_lender_id_asked_by", "offer_decision", ["lender_id", "asked_by", "state"])


def downgrade() -> None:
    op.drop_index("ix_offer_decision_lender_id_asked_by", "offer_decision")
    op.drop_index("ix_plan_lender_id_state", "plan")
    for name in ("called_off_why", "called_off_by", "called_off_at"):
        op.drop_column("limits_version", name)
    for name in ("kind", "mandate_id", "mandate_reference", "mandate_url", "mandate_at"):
        op.drop_column("saved_card", name)
    for name in ("takes_credit_cards", "takes_pay_later", "ways_left_out"):
        op.drop_column("lender", name)
    for name in ("sent_at", "voucher_url", "voucher_until", "paid_at", "returns_end_on"):
        op.drop_column("payment", name)
