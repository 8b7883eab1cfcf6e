"""Payments of a plan that are taken from a saved card: what was agreed to, cards, one charge for each payment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payer",
        sa.Column("debtor_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"], name=op.f("fk_payer_lender_id_debtor_id")
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_payer_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_payer")),
        sa.UniqueConstraint("lender_id", "debtor_id", name=op.f("uq_payer_lender_id_debtor_id")),
    )
    op.create_table(
        "saved_card",
        sa.Column("debtor_id", sa.Uuid(), nullable=False),
        sa.Column("method_id", sa.String(), nullable=False),
        sa.Column("brand", sa.String(), nullable=True),
        sa.Column("last4", sa.String(), nullable=True),
        sa.Column("exp_month", sa.BigInteger(), nullable=True),
        sa.Column("exp_year", sa.BigInteger(), nullable=True),
        sa.Column("funding", sa.String(), nullable=True),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why_gone", sa.String(), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(gone_at is null) = (why_gone is null)", name=op.f("ck_saved_card_gone")),
        sa.ForeignKeyConstraint(
            ["lender_id", "debtor_id"],
            ["debtor.lender_id", "debtor.id"],
            name=op.f("fk_saved_card_lender_id_debtor_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_saved_card_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_saved_card")),
        sa.UniqueConstraint("lender_id", "method_id", name=op.f("uq_saved_card_lender_id_method_id")),
    )
    with op.batch_alter_table("saved_card", schema=None) as batch_op:
        batch_op.create_index("ix_saved_card_lender_id_debtor_id", ["lender_id", "debtor_id"], unique=False)

    op.create_table(
        "autopay",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("debt_id", sa.Uuid(), nullable=False),
        sa.Column("debtor_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=True),
        sa.Column("agreed_text", sa.Text(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("most_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("form_key", sa.String(), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("session_id", sa.String(), nullable=True),
        sa.Column("session_url", sa.String(), nullable=True),
        sa.Column("session_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("saves", sa.BigInteger(), nullable=False),
        sa.Column("act_on", sa.Date(), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_by", sa.String(), nullable=True),
        sa.Column("why_stopped", sa.String(), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(state = 'stopped') = (stopped_at is not null)", name=op.f("ck_autopay_stopped")),
        sa.CheckConstraint("state <> 'on' or card_id is not null", name=op.f("ck_autopay_card")),
        sa.CheckConstraint("state in ('asked', 'on', 'needs_card', 'stopped')", name=op.f("ck_autopay_state")),
        sa.CheckConstraint("most_minor > 0", name=op.f("ck_autopay_most")),
        sa.ForeignKeyConstraint(
            ["lender_id", "card_id"],
            ["saved_card.lender_id", "saved_card.id"],
            name=op.f("fk_autopay_lender_id_card_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "debt_id"], ["debt.lender_id", "debt.id"], name=op.f("fk_autopay_lender_id_debt_id")
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"], name=op.f("fk_autopay_lender_id_debtor_id")
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "plan_id"], ["plan.lender_id", "plan.id"], name=op.f("fk_autopay_lender_id_plan_id")
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_autopay_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_autopay")),
        sa.UniqueConstraint("lender_id", "plan_id", "form_key", name=op.f("uq_autopay_lender_id_plan_id_form_key")),
    )
    with op.batch_alter_table("autopay", schema=None) as batch_op:
        batch_op.create_index("ix_autopay_lender_id_act_on", ["lender_id", "act_on", "id"], unique=False)
        batch_op.create_index("ix_autopay_lender_id_card_id", ["lender_id", "card_id"], unique=False)
        batch_op.create_index("ix_autopay_lender_id_debtor_id", ["lender_id", "debtor_id"], unique=False)
        batch_op.create_index(
            "uq_autopay_one_alive",
            ["lender_id", "plan_id"],
            unique=True,
            postgresql_where=sa.text("state in ('asked', 'on', 'needs_card')"),
            sqlite_where=sa.text("state in ('asked', 'on', 'needs_card')"),
        )

    op.create_table(
        "autopay_charge",
        sa.Column("autopay_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("debtor_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("charge_on", sa.Date(), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.Column("most_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("notices", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("tried_on", sa.Date(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state in ('noticed', 'charging', 'charged', 'second_step', 'refused', 'called_off')",
            name=op.f("ck_autopay_charge_state"),
        ),
        sa.CheckConstraint(
            "state not in ('charging', 'charged') or payment_id is not null", name=op.f("ck_autopay_charge_payment")
        ),
        sa.CheckConstraint("most_minor > 0 and tries >= 0", name=op.f("ck_autopay_charge_amounts")),
        sa.ForeignKeyConstraint(
            ["lender_id", "autopay_id"],
            ["autopay.lender_id", "autopay.id"],
            name=op.f("fk_autopay_charge_lender_id_autopay_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "debtor_id"],
            ["debtor.lender_id", "debtor.id"],
            name=op.f("fk_autopay_charge_lender_id_debtor_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "message_id"],
            ["message.lender_id", "message.id"],
            name=op.f("fk_autopay_charge_lender_id_message_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "payment_id"],
            ["payment.lender_id", "payment.id"],
            name=op.f("fk_autopay_charge_lender_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "plan_id"], ["plan.lender_id", "plan.id"], name=op.f("fk_autopay_charge_lender_id_plan_id")
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_autopay_charge_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_autopay_charge")),
        sa.UniqueConstraint("lender_id", "payment_id", name=op.f("uq_autopay_charge_lender_id_payment_id")),
        sa.UniqueConstraint("lender_id", "plan_id", "seq", name=op.f("uq_autopay_charge_lender_id_plan_id_seq")),
    )
    with op.batch_alter_table("autopay_charge", schema=None) as batch_op:
        batch_op.create_index("ix_autopay_charge_lender_id_debtor_id", ["lender_id", "debtor_id"], unique=False)

    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("autopay", sa.String(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.drop_column("autopay")

    with op.batch_alter_table("autopay_charge", schema=None) as batch_op:
        batch_op.drop_index("ix_autopay_charge_lender_id_debtor_id")

    op.drop_table("autopay_charge")
    with op.batch_alter_table("autopay", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_autopay_one_alive",
            postgresql_where=sa.text("state in ('asked', 'on', 'needs_card')"),
            sqlite_where=sa.text("state in ('asked', 'on', 'needs_card')"),
        )
        batch_op.drop_index("ix_autopay_lender_id_debtor_id")
        batch_op.drop_index("ix_autopay_lender_id_card_id")
        batch_op.drop_index("ix_autopay_lender_id_act_on")

    op.drop_table("autopay")
    with op.batch_alter_table("saved_card", schema=None) as batch_op:
        batch_op.drop_index("ix_saved_card_lender_id_debtor_id")

    op.drop_table("saved_card")
    op.drop_table("payer")
