"""A version of the limits that has not begun can be called off: when, by whom and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


# Proposals, quotes and drafts point at the table, so that it is not made anew on SQLite: no constraint is added.
def upgrade() -> None:
    op.add_column("limits_version", sa.Column("called_off_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("limits_version", sa.Column("called_off_by", sa.Uuid(), nullable=True))
    op.add_column("limits_version", sa.Column("called_off_why", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("limits_version", "called_off_why")
    op.drop_column("limits_version", "called_off_by")
    op.drop_column("limits_version", "called_off_at")
