"""The books against Stripe, fees and payouts in them, names for accounts; lists of money that are read by key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account_name",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_account_name_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_account_name")),
        sa.UniqueConstraint("lender_id", "account", name=op.f("uq_account_name_lender_id_account")),
    )
    op.create_table(
        "reconciliation",
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.String(), nullable=True),
        sa.Column("events_from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("movements_from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payouts_from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("found", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(step = 'done') = (finished_at is not null)", name=op.f("ck_reconciliation_finished")),
        sa.CheckConstraint(
            "step in ('events', 'movements', 'again', 'payouts', 'tying', 'books', 'done')",
            name=op.f("ck_reconciliation_step"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_reconciliation_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_reconciliation")),
        sa.UniqueConstraint("lender_id", "night", name=op.f("uq_reconciliation_lender_id_night")),
    )
    op.create_table(
        "payout",
        sa.Column("payout_id", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("arrives_on", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counted_minor", sa.BigInteger(), nullable=False),
        sa.Column("ours_minor", sa.BigInteger(), nullable=False),
        sa.Column("movements", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.String(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("posting_id", sa.Uuid(), nullable=True),
        sa.Column("back_posting_id", sa.Uuid(), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state in ('waiting', 'counting', 'tied', 'differs', 'by_hand')", name=op.f("ck_payout_state")
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "back_posting_id"],
            ["posting.lender_id", "posting.id"],
            name=op.f("fk_payout_lender_id_back_posting_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "posting_id"],
            ["posting.lender_id", "posting.id"],
            name=op.f("fk_payout_lender_id_posting_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_payout_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_payout")),
        sa.UniqueConstraint("lender_id", "payout_id", name=op.f("uq_payout_lender_id_payout_id")),
    )
    op.create_index("ix_payout_lender_id_arrives_on_id", "payout", ["lender_id", "arrives_on", "id"], unique=False)
    op.create_index(
        "ix_payout_open",
        "payout",
        ["lender_id", "id"],
        unique=False,
        postgresql_where=sa.text("state in ('waiting', 'counting')"),
        sqlite_where=sa.text("state in ('waiting', 'counting')"),
    )

    op.create_table(
        "reconciliation_line",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("effect_id", sa.Uuid(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("books_minor", sa.BigInteger(), nullable=True),
        sa.Column("stripe_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=True),
        sa.Column("settled_minor", sa.BigInteger(), nullable=True),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("settled_currency", sa.String(length=3), nullable=True),
        sa.Column("on_its_way", sa.Boolean(), nullable=False),
        sa.Column("came_to_nothing", sa.Boolean(), nullable=False),
        sa.Column("payout_id", sa.String(), nullable=True),
        sa.Column("fee_posting_id", sa.Uuid(), nullable=True),
        sa.Column("exchange_posting_id", sa.Uuid(), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state in ('matched', 'suspense', 'differs', 'missing', 'extra', 'undone', 'fee', 'waiting')",
            name=op.f("ck_reconciliation_line_state"),
        ),
        sa.CheckConstraint("(effect_id is null) = (books_minor is null)", name=op.f("ck_reconciliation_line_books")),
        sa.CheckConstraint(
            "(transaction_id is null) = (settled_minor is null) and (transaction_id is null) = (settled_currency is null)",
            name=op.f("ck_reconciliation_line_stripe"),
        ),
        sa.CheckConstraint(
            "effect_id is not null or transaction_id is not null", name=op.f("ck_reconciliation_line_of_somebody")
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "effect_id"],
            ["money_effect.lender_id", "money_effect.id"],
            name=op.f("fk_reconciliation_line_lender_id_effect_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "exchange_posting_id"],
            ["posting.lender_id", "posting.id"],
            name=op.f("fk_reconciliation_line_lender_id_exchange_posting_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "fee_posting_id"],
            ["posting.lender_id", "posting.id"],
            name=op.f("fk_reconciliation_line_lender_id_fee_posting_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "payment_id"],
            ["payment.lender_id", "payment.id"],
            name=op.f("fk_reconciliation_line_lender_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_reconciliation_line_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_reconciliation_line")),
        sa.UniqueConstraint("lender_id", "key", name=op.f("uq_reconciliation_line_lender_id_key")),
        sa.UniqueConstraint(
            "lender_id", "transaction_id", name=op.f("uq_reconciliation_line_lender_id_transaction_id")
        ),
    )
    op.create_index(
        "ix_reconciliation_line_counts", "reconciliation_line", ["lender_id", "on", "state", "currency"], unique=False
    )
    op.create_index(
        "ix_reconciliation_line_lender_id_on_id", "reconciliation_line", ["lender_id", "on", "id"], unique=False
    )
    op.create_index(
        "ix_reconciliation_line_lender_id_payout_id", "reconciliation_line", ["lender_id", "payout_id"], unique=False
    )
    op.create_index(
        "ix_reconciliation_line_lender_id_state_on_id",
        "reconciliation_line",
        ["lender_id", "state", "on", "id"],
        unique=False,
    )
    op.create_index(
        "ix_reconciliation_line_open",
        "reconciliation_line",
        ["lender_id", "id"],
        unique=False,
        postgresql_where=sa.text("state in ('waiting', 'suspense', 'differs', 'missing', 'extra')"),
        sqlite_where=sa.text("state in ('waiting', 'suspense', 'differs', 'missing', 'extra')"),
    )

    op.create_index("ix_dispute_lender_id_opened_at_id", "dispute", ["lender_id", "opened_at", "id"], unique=False)
    op.create_index(
        "ix_dispute_not_closed",
        "dispute",
        ["lender_id", "evidence_by", "id"],
        unique=False,
        postgresql_where=sa.text("closed_at is null"),
        sqlite_where=sa.text("closed_at is null"),
    )

    op.add_column(
        "refund", sa.Column("foreseen", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
    )
    op.create_index(
        "ix_refund_asked",
        "refund",
        ["lender_id", "asked_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'asked'"),
        sqlite_where=sa.text("state = 'asked'"),
    )
    op.create_index("ix_refund_lender_id_asked_at_id", "refund", ["lender_id", "asked_at", "id"], unique=False)

    op.create_index(
        "ix_set_aside_lender_id_about_payment_id", "set_aside", ["lender_id", "about_payment_id"], unique=False
    )
    op.create_index("ix_set_aside_lender_id_amount_minor", "set_aside", ["lender_id", "amount_minor"], unique=False)
    op.create_index(
        "ix_set_aside_lender_id_received_at_id", "set_aside", ["lender_id", "received_at", "id"], unique=False
    )
    op.create_index(
        "ix_set_aside_waiting",
        "set_aside",
        ["lender_id", "received_at", "id"],
        unique=False,
        postgresql_where=sa.text("placed_debt_id is null and gone_minor <> amount_minor"),
        sqlite_where=sa.text("placed_debt_id is null and gone_minor <> amount_minor"),
    )


def downgrade() -> None:
    op.drop_index("ix_set_aside_waiting", table_name="set_aside")
    op.drop_index("ix_set_aside_lender_id_received_at_id", table_name="set_aside")
    op.drop_index("ix_set_aside_lender_id_amount_minor", table_name="set_aside")
    op.drop_index("ix_set_aside_lender_id_about_payment_id", table_name="set_aside")

    op.drop_index("ix_refund_lender_id_asked_at_id", table_name="refund")
    op.drop_index("ix_refund_asked", table_name="refund")
    op.drop_column("refund", "foreseen")

    op.drop_index("ix_dispute_not_closed", table_name="dispute")
    op.drop_index("ix_dispute_lender_id_opened_at_id", table_name="dispute")

    op.drop_index("ix_reconciliation_line_open", table_name="reconciliation_line")
    op.drop_index("ix_reconciliation_line_lender_id_state_on_id", table_name="reconciliation_line")
    op.drop_index("ix_reconciliation_line_lender_id_payout_id", table_name="reconciliation_line")
    op.drop_index("ix_reconciliation_line_lender_id_on_id", table_name="reconciliation_line")
    op.drop_index("ix_reconciliation_line_counts", table_name="reconciliation_line")

    op.drop_table("reconciliation_line")
    op.drop_index("ix_payout_open", table_name="payout")
    op.drop_index("ix_payout_lender_id_arrives_on_id", table_name="payout")

    op.drop_table("payout")
    op.drop_table("reconciliation")
    op.drop_table("account_name")
