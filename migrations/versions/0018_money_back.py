"""Refunds that people decide on, what banks take back, and money that waits to be placed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# What was set aside until now has a row too, with the id of its effect, or nobody would ever see it in the queue.
_FROM_BEFORE = """
insert into set_aside (lender_id, id, why, payment_id, payment_intent_id, amount_minor, gone_minor, currency, received,
    received_at)
select e.lender_id, e.id, 'from_before', e.payment_id, p.payment_intent_id, e.amount_minor,
    (select coalesce(sum(-b.amount_minor), 0) from money_effect b
        where b.lender_id = e.lender_id and b.payment_id = e.payment_id and b.id <> e.id),
    e.currency, '{}', e.at
from money_effect e join payment p on p.lender_id = e.lender_id and p.id = e.payment_id
where e.outcome = 'set_aside' and e.key like '%payment'
"""


def upgrade() -> None:
    op.create_table(
        "refund_limit",
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("alone_minor", sa.BigInteger(), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("alone_minor >= 0", name=op.f("ck_refund_limit_alone")),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_refund_limit_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_refund_limit")),
        sa.UniqueConstraint("lender_id", "currency", name=op.f("uq_refund_limit_lender_id_currency")),
    )
    op.create_table(
        "set_aside",
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("about_payment_id", sa.Uuid(), nullable=True),
        sa.Column("payment_intent_id", sa.String(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("gone_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("received", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("placed_debt_id", sa.Uuid(), nullable=True),
        sa.Column("placed_posting_id", sa.Uuid(), nullable=True),
        sa.Column("placed_why", sa.Text(), nullable=True),
        sa.Column("placed_by", sa.Uuid(), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(placed_debt_id is null) = (placed_posting_id is null)", name=op.f("ck_set_aside_placed")),
        sa.CheckConstraint("amount_minor > 0 and gone_minor >= 0", name=op.f("ck_set_aside_amounts")),
        sa.ForeignKeyConstraint(
            ["lender_id", "about_payment_id"],
            ["payment.lender_id", "payment.id"],
            name=op.f("fk_set_aside_lender_id_about_payment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "payment_id"],
            ["payment.lender_id", "payment.id"],
            name=op.f("fk_set_aside_lender_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "placed_by"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_set_aside_lender_id_placed_by"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "placed_debt_id"],
            ["debt.lender_id", "debt.id"],
            name=op.f("fk_set_aside_lender_id_placed_debt_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "placed_posting_id"],
            ["posting.lender_id", "posting.id"],
            name=op.f("fk_set_aside_lender_id_placed_posting_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_set_aside_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_set_aside")),
        sa.UniqueConstraint("lender_id", "payment_intent_id", name=op.f("uq_set_aside_lender_id_payment_intent_id")),
    )
    op.create_index("ix_set_aside_lender_id_payment_id", "set_aside", ["lender_id", "payment_id"], unique=False)

    op.create_table(
        "dispute",
        sa.Column("dispute_id", sa.String(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("set_aside_id", sa.Uuid(), nullable=True),
        sa.Column("debtor_id", sa.Uuid(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("gone_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("evidence_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("state in ('asked', 'open', 'won', 'lost', 'over')", name=op.f("ck_dispute_state")),
        sa.CheckConstraint("(payment_id is null) <> (set_aside_id is null)", name=op.f("ck_dispute_of_one")),
        sa.CheckConstraint("amount_minor > 0 and gone_minor >= 0", name=op.f("ck_dispute_amounts")),
        sa.ForeignKeyConstraint(
            ["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"], name=op.f("fk_dispute_lender_id_debtor_id")
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "payment_id"],
            ["payment.lender_id", "payment.id"],
            name=op.f("fk_dispute_lender_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "set_aside_id"],
            ["set_aside.lender_id", "set_aside.id"],
            name=op.f("fk_dispute_lender_id_set_aside_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_dispute_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_dispute")),
        sa.UniqueConstraint("lender_id", "dispute_id", name=op.f("uq_dispute_lender_id_dispute_id")),
    )
    op.create_index("ix_dispute_lender_id_debtor_id", "dispute", ["lender_id", "debtor_id"], unique=False)
    op.create_index("ix_dispute_lender_id_payment_id", "dispute", ["lender_id", "payment_id"], unique=False)

    op.create_table(
        "refund",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("form_key", sa.String(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("set_aside_id", sa.Uuid(), nullable=True),
        sa.Column("debtor_id", sa.Uuid(), nullable=True),
        sa.Column("payment_intent_id", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_words", sa.Text(), nullable=True),
        sa.Column("refund_id", sa.String(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state = 'taken_back' or decided_by is null or decided_by <> asked_by", name=op.f("ck_refund_not_oneself")
        ),
        sa.CheckConstraint(
            "state in ('asked', 'approved', 'sent', 'done', 'refused', 'failed', 'declined', 'taken_back')",
            name=op.f("ck_refund_state"),
        ),
        sa.CheckConstraint("(payment_id is null) <> (set_aside_id is null)", name=op.f("ck_refund_of_one")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refund_amount")),
        sa.ForeignKeyConstraint(
            ["lender_id", "asked_by"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_refund_lender_id_asked_by"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"], name=op.f("fk_refund_lender_id_debtor_id")
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "decided_by"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_refund_lender_id_decided_by"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "payment_id"],
            ["payment.lender_id", "payment.id"],
            name=op.f("fk_refund_lender_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "set_aside_id"],
            ["set_aside.lender_id", "set_aside.id"],
            name=op.f("fk_refund_lender_id_set_aside_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_refund_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_refund")),
        sa.UniqueConstraint("lender_id", "form_key", name=op.f("uq_refund_lender_id_form_key")),
        sa.UniqueConstraint("lender_id", "number", name=op.f("uq_refund_lender_id_number")),
        sa.UniqueConstraint("lender_id", "refund_id", name=op.f("uq_refund_lender_id_refund_id")),
    )
    op.create_index("ix_refund_lender_id_debtor_id", "refund", ["lender_id", "debtor_id"], unique=False)
    op.create_index("ix_refund_lender_id_payment_intent_id", "refund", ["lender_id", "payment_intent_id"], unique=False)
    op.create_index("ix_refund_lender_id_payment_id", "refund", ["lender_id", "payment_id"], unique=False)
    op.create_index(
        "uq_refund_open",
        "refund",
        ["lender_id", "payment_intent_id"],
        unique=True,
        postgresql_where=sa.text("state in ('asked', 'approved', 'sent')"),
        sqlite_where=sa.text("state in ('asked', 'approved', 'sent')"),
    )

    op.execute(_FROM_BEFORE)


def downgrade() -> None:
    op.drop_table("refund")
    op.drop_table("dispute")
    op.drop_table("set_aside")
    op.drop_table("refund_limit")
