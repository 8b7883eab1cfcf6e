"""messages that arrive: their states, check codes, stop links, choices, bounces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('stop_link',
    sa.Column('token_hash', sa.String(), nullable=False),
    sa.Column('lender_id', sa.Uuid(), nullable=False),
    sa.Column('debtor_id', sa.Uuid(), nullable=False),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_stop_link'))
    )
    with op.batch_alter_table('stop_link', schema=None) as batch_op:
        batch_op.create_index('ix_stop_link_channel_address', ['channel', 'address'], unique=False)

    op.create_table('bounced_address',
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=True),
    sa.Column('bounced_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lender_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['lender_id'], ['lender.id'], name=op.f('fk_bounced_address_lender_id')),
    sa.PrimaryKeyConstraint('lender_id', 'id', name=op.f('pk_bounced_address')),
    sa.UniqueConstraint('lender_id', 'channel', 'address', name=op.f('uq_bounced_address_lender_id_channel_address'))
    )
    op.create_table('contact_choice',
    sa.Column('debtor_id', sa.Uuid(), nullable=False),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('kinds', sa.String(), nullable=False),
    sa.Column('allowed', sa.Boolean(), nullable=False),
    sa.Column('how', sa.String(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('lender_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint("channel in ('email', 'sms')", name=op.f('ck_contact_choice_channel')),
    sa.CheckConstraint("kinds in ('security', 'news', 'reminders')", name=op.f('ck_contact_choice_kinds')),
    sa.ForeignKeyConstraint(['lender_id'], ['lender.id'], name=op.f('fk_contact_choice_lender_id')),
    sa.PrimaryKeyConstraint('lender_id', 'id', name=op.f('pk_contact_choice')),
    sa.UniqueConstraint('lender_id', 'debtor_id', 'channel', 'kinds', name=op.f('uq_contact_choice_lender_id_debtor_id_channel_kinds'))
    )
    op.create_table('contact_wish',
    sa.Column('debtor_id', sa.Uuid(), nullable=False),
    sa.Column('channel', sa.String(), nullable=True),
    sa.Column('address', sa.String(), nullable=True),
    sa.Column('quiet_from_minute', sa.BigInteger(), nullable=True),
    sa.Column('quiet_to_minute', sa.BigInteger(), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('lender_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint('(quiet_from_minute is null) = (quiet_to_minute is null)', name=op.f('ck_contact_wish_quiet')),
    sa.ForeignKeyConstraint(['lender_id'], ['lender.id'], name=op.f('fk_contact_wish_lender_id')),
    sa.PrimaryKeyConstraint('lender_id', 'id', name=op.f('pk_contact_wish')),
    sa.UniqueConstraint('lender_id', 'debtor_id', name=op.f('uq_contact_wish_lender_id_debtor_id'))
    )
    op.create_table('delivery_word',
    sa.Column('message_id', sa.Uuid(), nullable=False),
    sa.Column('provider_id', sa.String(), nullable=False),
    sa.Column('word', sa.String(), nullable=False),
    sa.Column('code', sa.String(), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('lender_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['lender_id', 'message_id'], ['message.lender_id', 'message.id'], name=op.f('fk_delivery_word_lender_id_message_id')),
    sa.ForeignKeyConstraint(['lender_id'], ['lender.id'], name=op.f('fk_delivery_word_lender_id')),
    sa.PrimaryKeyConstraint('lender_id', 'id', name=op.f('pk_delivery_word')),
    sa.UniqueConstraint('lender_id', 'provider_id', 'word', name=op.f('uq_delivery_word_lender_id_provider_id_word'))
    )
    op.create_table('message_check',
    sa.Column('code_hash', sa.String(), nullable=False),
    sa.Column('lender_id', sa.Uuid(), nullable=False),
    sa.Column('message_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['lender_id', 'message_id'], ['message.lender_id', 'message.id'], name=op.f('fk_message_check_lender_id_message_id')),
    sa.PrimaryKeyConstraint('code_hash', name=op.f('pk_message_check'))
    )
    with op.batch_alter_table('lender', schema=None) as batch_op:
        batch_op.add_column(sa.Column('remind_days_before', sa.BigInteger(), server_default='3', nullable=False))

    with op.batch_alter_table('message', schema=None) as batch_op:
        batch_op.add_column(sa.Column('debt_id', sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column('html', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('language', sa.String(), server_default='en', nullable=False))
        batch_op.add_column(sa.Column('check_code', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('stop_url', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('once_key', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('about', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('asked_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('reason', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('detail', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('held_until', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('tries', sa.BigInteger(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('began_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('provider', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('provider_id', sa.String(), nullable=True))
        batch_op.create_index('ix_message_lender_id_debtor_id', ['lender_id', 'debtor_id'], unique=False)
        batch_op.create_index('uq_message_once', ['lender_id', 'once_key'], unique=True, postgresql_where=sa.text('once_key is not null'), sqlite_where=sa.text('once_key is not null'))

    # The states of first light: shown in a demo is sent to nobody but there, without a channel is not sent.
    with op.batch_alter_table('message', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_message_state'), type_='check')
    op.execute("update message set provider = 'demo', state = 'sent' where state = 'in_demo_outbox'")
    op.execute("update message set provider = 'none', state = 'failed', reason = 'no_channel' where state = 'no_channel'")
    with op.batch_alter_table('message', schema=None) as batch_op:
        batch_op.create_check_constraint(op.f('ck_message_state'), "state in ('waiting', 'held', 'sending', 'sent', 'delivered', 'bounced', 'failed', 'suppressed')")
        batch_op.create_check_constraint(op.f('ck_message_held'), "state <> 'held' or held_until is not null")


def downgrade() -> None:
    with op.batch_alter_table('message', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_message_held'), type_='check')
        batch_op.drop_constraint(op.f('ck_message_state'), type_='check')
    op.execute("update message set state = case when state in ('waiting', 'held', 'sending') then 'waiting' when state in ('sent', 'delivered') then 'in_demo_outbox' else 'no_channel' end")
    with op.batch_alter_table('message', schema=None) as batch_op:
        batch_op.create_check_constraint(op.f('ck_message_state'), "state in ('waiting', 'in_demo_outbox', 'no_channel')")

    with op.batch_alter_table('message', schema=None) as batch_op:
        batch_op.drop_index('uq_message_once', postgresql_where=sa.text('once_key is not null'), sqlite_where=sa.text('once_key is not null'))
        batch_op.drop_index('ix_message_lender_id_debtor_id')
        batch_op.drop_column('provider_id')
        batch_op.drop_column('provider')
        batch_op.drop_column('began_at')
        batch_op.drop_column('tries')
        batch_op.drop_column('held_until')
        batch_op.drop_column('detail')
        batch_op.drop_column('reason')
        batch_op.drop_column('asked_at')
        batch_op.drop_column('about')
        batch_op.drop_column('once_key')
        batch_op.drop_column('stop_url')
        batch_op.drop_column('check_code')
        batch_op.drop_column('language')
        batch_op.drop_column('html')
        batch_op.drop_column('debt_id')

    with op.batch_alter_table('lender', schema=None) as batch_op:
        batch_op.drop_column('remind_days_before')

    op.drop_table('message_check')
    op.drop_table('delivery_word')
    op.drop_table('contact_wish')
    op.drop_table('contact_choice')
    op.drop_table('bounced_address')
    with op.batch_alter_table('stop_link', schema=None) as batch_op:
        batch_op.drop_index('ix_stop_link_channel_address')

    op.drop_table('stop_link')
