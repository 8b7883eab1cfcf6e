"""Indexes to a person's own rows, so that no page reads a lender's whole portfolio."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INDEXES = (
    ("care_request", "debt_id"),
    ("invitation", "debtor_id"),
    ("money_effect", "payment_id"),
    ("plan", "debt_id"),
    ("proposal", "debtor_id"),
    ("quote", "debtor_id"),
    ("stop_link", "debtor_id"),
    ("wrong_person", "debtor_id"),
)


def upgrade() -> None:
    for table, column in INDEXES:
        op.create_index(f"ix_{table}_lender_id_{column}", table, ["lender_id", column])


def downgrade() -> None:
    for table, column in INDEXES:
        op.drop_index(f"ix_{table}_lender_id_{column}", table)
