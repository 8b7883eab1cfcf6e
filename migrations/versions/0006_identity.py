"""Contacts that are confirmed, wrong or removed; changes of them; passkeys; devices; forms kept when time was up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import portal.db

revision = '0006'
down_revision = '0002'
branch_labels = None
depends_on = None

PURPOSES_NOW = "purpose in ('identity', 'agreement', 'contact_old', 'contact_new')"
PURPOSES_BEFORE = "purpose in ('identity', 'agreement')"
CAME_BY_NOW = "came_by in ('link', 'reference', 'passkey')"
CAME_BY_BEFORE = "came_by in ('link', 'reference')"


def _instant(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, portal.db.UtcTime(timezone=True), nullable=nullable)


def _of_debtor(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ['lender_id', 'debtor_id'], ['debtor.lender_id', 'debtor.id'], name=op.f(f'fk_{table}_lender_id_debtor_id')
    )


def _of_lender(table: str) -> tuple[sa.ForeignKeyConstraint, sa.PrimaryKeyConstraint]:
    return (
        sa.ForeignKeyConstraint(['lender_id'], ['lender.id'], name=op.f(f'fk_{table}_lender_id')),
        sa.PrimaryKeyConstraint('lender_id', 'id', name=op.f(f'pk_{table}')),
    )


def _point_codes_at_sessions() -> None:
    with op.batch_alter_table('one_time_code', schema=None) as batch_op:
        batch_op.create_foreign_key(
            batch_op.f('fk_one_time_code_lender_id_session_id'), 'user_session', ['lender_id', 'session_id'], ['lender_id', 'id']
        )


def upgrade() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql')
    with op.batch_alter_table('contact_point', schema=None) as batch_op:
        for name in ('confirmed_at', 'wrong_at', 'removed_at'):
            batch_op.add_column(_instant(name))
    with op.batch_alter_table('invitation', schema=None) as batch_op:
        batch_op.add_column(sa.Column('contact_point_id', sa.Uuid(), nullable=True))
    with op.batch_alter_table('one_time_code', schema=None) as batch_op:
        # SQLite makes a table anew to change a check, and can't while another one points at its rows.
        batch_op.drop_constraint(batch_op.f('fk_one_time_code_lender_id_session_id'), type_='foreignkey')
        batch_op.alter_column('contact_point_id', existing_type=sa.Uuid(), nullable=True)
        batch_op.drop_constraint(batch_op.f('ck_one_time_code_purpose'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_one_time_code_about'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_one_time_code_purpose'), PURPOSES_NOW)
        batch_op.create_check_constraint(batch_op.f('ck_one_time_code_about'), "(purpose = 'identity') = (about is null)")
    with op.batch_alter_table('user_session', schema=None) as batch_op:
        batch_op.add_column(sa.Column('turn', sa.BigInteger(), nullable=False, server_default='0'))
        batch_op.add_column(_instant('turned_at'))
        for name in ('browser', 'network', 'device'):
            batch_op.add_column(sa.Column(name, sa.String(), nullable=False, server_default=''))
        batch_op.drop_constraint(batch_op.f('ck_user_session_came_by'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_user_session_came_by'), CAME_BY_NOW)
        batch_op.create_index(batch_op.f('ix_user_session_lender_id_debtor_id'), ['lender_id', 'debtor_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_user_session_lender_id_network'), ['lender_id', 'network'], unique=False)
    # The defaults were for the rows that were there.
    with op.batch_alter_table('user_session', schema=None) as batch_op:
        for name in ('turn', 'browser', 'network', 'device'):
            batch_op.alter_column(name, server_default=None)
    _point_codes_at_sessions()

    op.create_table(
        'contact_change',
        sa.Column('debtor_id', sa.Uuid(), nullable=False),
        sa.Column('number', sa.String(), nullable=False),
        sa.Column('form_key', sa.String(), nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('state', sa.String(), nullable=False),
        sa.Column('old_contact_id', sa.Uuid(), nullable=True),
        sa.Column('channel', sa.String(), nullable=True),
        sa.Column('address', sa.String(), nullable=True),
        sa.Column('new_contact_id', sa.Uuid(), nullable=True),
        _instant('old_given_at'),
        _instant('new_given_at'),
        sa.Column('request_number', sa.String(), nullable=True),
        _instant('created_at', nullable=False),
        _instant('expires_at', nullable=False),
        _instant('done_at'),
        _instant('decided_at'),
        sa.Column('undo_hash', sa.String(), nullable=True),
        _instant('undo_until'),
        _instant('undone_at'),
        sa.Column('lender_id', sa.Uuid(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind in ('add', 'replace', 'remove')", name=op.f('ck_contact_change_kind')),
        sa.CheckConstraint("state in ('open', 'with_staff', 'done', 'refused', 'cancelled', 'undone')", name=op.f('ck_contact_change_state')),
        sa.CheckConstraint("channel in ('email', 'sms')", name=op.f('ck_contact_change_channel')),
        sa.CheckConstraint("(kind = 'remove') = (address is null)", name=op.f('ck_contact_change_address')),
        _of_debtor('contact_change'),
        sa.ForeignKeyConstraint(['lender_id', 'old_contact_id'], ['contact_point.lender_id', 'contact_point.id'], name=op.f('fk_contact_change_lender_id_old_contact_id')),
        sa.ForeignKeyConstraint(['lender_id', 'new_contact_id'], ['contact_point.lender_id', 'contact_point.id'], name=op.f('fk_contact_change_lender_id_new_contact_id')),
        *_of_lender('contact_change'),
        sa.UniqueConstraint('lender_id', 'number', name=op.f('uq_contact_change_lender_id_number')),
        sa.UniqueConstraint('lender_id', 'debtor_id', 'form_key', name=op.f('uq_contact_change_lender_id_debtor_id_form_key')),
    )
    op.create_index('ix_contact_change_lender_id_undo_hash', 'contact_change', ['lender_id', 'undo_hash'], unique=False)
    op.create_table(
        'wrong_person',
        sa.Column('debtor_id', sa.Uuid(), nullable=False),
        sa.Column('number', sa.String(), nullable=False),
        sa.Column('invitation_id', sa.Uuid(), nullable=False),
        sa.Column('contact_ids', json, nullable=False),
        sa.Column('request_number', sa.String(), nullable=True),
        _instant('said_at', nullable=False),
        _instant('undone_at'),
        _instant('decided_at'),
        sa.Column('lender_id', sa.Uuid(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        _of_debtor('wrong_person'),
        sa.ForeignKeyConstraint(['lender_id', 'invitation_id'], ['invitation.lender_id', 'invitation.id'], name=op.f('fk_wrong_person_lender_id_invitation_id')),
        *_of_lender('wrong_person'),
        sa.UniqueConstraint('lender_id', 'number', name=op.f('uq_wrong_person_lender_id_number')),
    )
    op.create_index('ix_wrong_person_lender_id_invitation_id', 'wrong_person', ['lender_id', 'invitation_id'], unique=False)
    op.create_table(
        'passkey',
        sa.Column('debtor_id', sa.Uuid(), nullable=False),
        sa.Column('credential_id', sa.String(), nullable=False),
        sa.Column('public_key', sa.LargeBinary(), nullable=False),
        sa.Column('sign_count', sa.BigInteger(), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        _instant('created_at', nullable=False),
        _instant('used_at'),
        _instant('removed_at'),
        sa.Column('lender_id', sa.Uuid(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        _of_debtor('passkey'),
        *_of_lender('passkey'),
        sa.UniqueConstraint('lender_id', 'credential_id', name=op.f('uq_passkey_lender_id_credential_id')),
    )
    op.create_index('ix_passkey_lender_id_debtor_id', 'passkey', ['lender_id', 'debtor_id'], unique=False)
    op.create_table(
        'used_challenge',
        sa.Column('challenge_hash', sa.String(), nullable=False),
        _instant('used_at', nullable=False),
        sa.Column('lender_id', sa.Uuid(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        *_of_lender('used_challenge'),
        sa.UniqueConstraint('lender_id', 'challenge_hash', name=op.f('uq_used_challenge_lender_id_challenge_hash')),
    )
    op.create_table(
        'kept_form',
        sa.Column('debtor_id', sa.Uuid(), nullable=False),
        sa.Column('path', sa.String(), nullable=False),
        sa.Column('fields', json, nullable=False),
        _instant('created_at', nullable=False),
        _instant('expires_at', nullable=False),
        sa.Column('lender_id', sa.Uuid(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        _of_debtor('kept_form'),
        *_of_lender('kept_form'),
    )
    op.create_index('ix_kept_form_lender_id_debtor_id', 'kept_form', ['lender_id', 'debtor_id'], unique=False)


def downgrade() -> None:
    for table in ('kept_form', 'used_challenge', 'passkey', 'wrong_person', 'contact_change'):
        op.drop_table(table)
    op.execute("delete from one_time_code where purpose in ('contact_old', 'contact_new') or contact_point_id is null")
    # A session is worth half an hour, and its way in was only for its list: what was not known before becomes a link.
    op.execute("update user_session set came_by = 'link' where came_by = 'passkey'")
    with op.batch_alter_table('one_time_code', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_one_time_code_lender_id_session_id'), type_='foreignkey')
    with op.batch_alter_table('user_session', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_user_session_lender_id_network'))
        batch_op.drop_index(batch_op.f('ix_user_session_lender_id_debtor_id'))
        batch_op.drop_constraint(batch_op.f('ck_user_session_came_by'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_user_session_came_by'), CAME_BY_BEFORE)
        for name in ('device', 'network', 'browser', 'turned_at', 'turn'):
            batch_op.drop_column(name)
    with op.batch_alter_table('one_time_code', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_one_time_code_about'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_one_time_code_purpose'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_one_time_code_purpose'), PURPOSES_BEFORE)
        batch_op.create_check_constraint(batch_op.f('ck_one_time_code_about'), "(purpose = 'agreement') = (about is not null)")
        batch_op.alter_column('contact_point_id', existing_type=sa.Uuid(), nullable=False)
    _point_codes_at_sessions()
    with op.batch_alter_table('invitation', schema=None) as batch_op:
        batch_op.drop_column('contact_point_id')
    with op.batch_alter_table('contact_point', schema=None) as batch_op:
        for name in ('removed_at', 'wrong_at', 'confirmed_at'):
            batch_op.drop_column(name)
