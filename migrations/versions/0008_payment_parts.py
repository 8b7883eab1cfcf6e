"""Parts of a payment: one a debt. Each payment so far is one part."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('payment_part',
    sa.Column('payment_id', sa.Uuid(), nullable=False),
    sa.Column('place', sa.BigInteger(), nullable=False),
    sa.Column('debt_id', sa.Uuid(), nullable=False),
    sa.Column('plan_id', sa.Uuid(), nullable=True),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('lender_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_payment_part_amount')),
    sa.ForeignKeyConstraint(['lender_id', 'debt_id'], ['debt.lender_id', 'debt.id'], name=op.f('fk_payment_part_lender_id_debt_id')),
    sa.ForeignKeyConstraint(['lender_id', 'payment_id'], ['payment.lender_id', 'payment.id'], name=op.f('fk_payment_part_lender_id_payment_id')),
    sa.ForeignKeyConstraint(['lender_id', 'plan_id'], ['plan.lender_id', 'plan.id'], name=op.f('fk_payment_part_lender_id_plan_id')),
    sa.ForeignKeyConstraint(['lender_id'], ['lender.id'], name=op.f('fk_payment_part_lender_id')),
    sa.PrimaryKeyConstraint('lender_id', 'id', name=op.f('pk_payment_part')),
    sa.UniqueConstraint('lender_id', 'payment_id', 'debt_id', name=op.f('uq_payment_part_lender_id_payment_id_debt_id')),
    )
    with op.batch_alter_table('payment_part', schema=None) as batch_op:
        batch_op.create_index('ix_payment_part_lender_id_debt_id', ['lender_id', 'debt_id'], unique=False)
        batch_op.create_index('ix_payment_part_lender_id_plan_id', ['lender_id', 'plan_id'], unique=False)
    # A part of a payment that was there before has the payment's own id: it is the only one.
    op.execute(
        "insert into payment_part (lender_id, id, payment_id, place, debt_id, plan_id, amount_minor, currency) "
        "select lender_id, id, id, 1, debt_id, plan_id, amount_minor, currency from payment"
    )


def downgrade() -> None:
    with op.batch_alter_table('payment_part', schema=None) as batch_op:
        batch_op.drop_index('ix_payment_part_lender_id_plan_id')
        batch_op.drop_index('ix_payment_part_lender_id_debt_id')
    op.drop_table('payment_part')
