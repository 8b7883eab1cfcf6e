"""In which language a person wants letters, and how a lender's look: a second language beside it, and who signs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("debtor", sa.Column("letter_language", sa.String(), nullable=True))
    op.add_column("lender", sa.Column("letters_beside", sa.String(), nullable=True))
    op.add_column("lender", sa.Column("signatory_name", sa.String(), nullable=True))
    op.add_column("lender", sa.Column("signatory_role", sa.String(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("lender") as batch:
        batch.drop_column("signatory_role")
        batch.drop_column("signatory_name")
        batch.drop_column("letters_beside")
    with op.batch_alter_table("debtor") as batch:
        batch.drop_column("letter_language")
