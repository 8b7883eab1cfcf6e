"""Ways to pay whose money takes days: when it was sent, when it counts, until when it can go back; accounts to keep."""

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


def downgrade() -> None:
    for name in ("kind", "mandate_id", "mandate_reference", "mandate_url", "mandate_at"):
        op.drop_column("saved_card", name)
    for name in ("takes_credit_cards", "takes_pay_later", "ways_left_out"):
        op.drop_column("lender", name)
    for name in ("sent_at", "voucher_url", "voucher_until", "paid_at", "returns_end_on"):
        op.drop_column("payment", name)
