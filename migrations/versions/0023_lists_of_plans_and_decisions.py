"""Indexes that lists at the desk are read by: plans by state, and decisions by whoever asked."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_plan_lender_id_state", "plan", ["lender_id", "state", "id"])
    op.create_index("ix_offer_decision_lender_id_asked_by", "offer_decision", ["lender_id", "asked_by", "state"])


def downgrade() -> None:
    op.drop_index("ix_offer_decision_lender_id_asked_by", "offer_decision")
    op.drop_index("ix_plan_lender_id_state", "plan")
