"""Letters that no font can draw wait for a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('letter_by_hand',
    sa.Column('number', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('cause', sa.String(), nullable=False),
    sa.Column('debtor_id', sa.Uuid(), nullable=False),
    sa.Column('debt_id', sa.Uuid(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('characters', sa.String(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lender_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['lender_id', 'debt_id'], ['debt.lender_id', 'debt.id'], name=op.f('fk_letter_by_hand_lender_id_debt_id')),
    sa.ForeignKeyConstraint(['lender_id', 'debtor_id'], ['debtor.lender_id', 'debtor.id'], name=op.f('fk_letter_by_hand_lender_id_debtor_id')),
    sa.ForeignKeyConstraint(['lender_id'], ['lender.id'], name=op.f('fk_letter_by_hand_lender_id')),
    sa.PrimaryKeyConstraint('lender_id', 'id', name=op.f('pk_letter_by_hand')),
    sa.UniqueConstraint('lender_id', 'cause', name=op.f('uq_letter_by_hand_lender_id_cause')),
    sa.UniqueConstraint('lender_id', 'number', name=op.f('uq_letter_by_hand_lender_id_number'))
    )
    with op.batch_alter_table('letter_by_hand', schema=None) as batch_op:
        batch_op.create_index('ix_letter_by_hand_lender_id_debtor_id', ['lender_id', 'debtor_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('letter_by_hand', schema=None) as batch_op:
        batch_op.drop_index('ix_letter_by_hand_lender_id_debtor_id')

    op.drop_table('letter_by_hand')
