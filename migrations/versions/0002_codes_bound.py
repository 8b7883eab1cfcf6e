"""One-time codes are bound to the session that asked for them, and to the one thing that they were sent for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Codes of before have no session and fit nothing from now on: they live for ten minutes, and a new one is asked for.
    with op.batch_alter_table('one_time_code', schema=None) as batch_op:
        batch_op.add_column(sa.Column('session_id', sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column('purpose', sa.String(), nullable=False, server_default='identity'))
        batch_op.add_column(sa.Column('about', sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f('fk_one_time_code_lender_id_session_id'), 'user_session', ['lender_id', 'session_id'], ['lender_id', 'id']
        )
        batch_op.create_check_constraint(batch_op.f('ck_one_time_code_purpose'), "purpose in ('identity', 'agreement')")
        batch_op.create_check_constraint(batch_op.f('ck_one_time_code_about'), "(purpose = 'agreement') = (about is not null)")
    # Whoever writes a code says what it is for: the default was for the rows that were there.
    with op.batch_alter_table('one_time_code', schema=None) as batch_op:
        batch_op.alter_column('purpose', server_default=None)


def downgrade() -> None:
    with op.batch_alter_table('one_time_code', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_one_time_code_about'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_one_time_code_purpose'), type_='check')
        batch_op.drop_constraint(batch_op.f('fk_one_time_code_lender_id_session_id'), type_='foreignkey')
        batch_op.drop_column('about')
        batch_op.drop_column('purpose')
        batch_op.drop_column('session_id')
