"""Why offers were granted beyond the usual, what was asked of a colleague about them, and consent to act for somebody."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consent",
        sa.Column("debtor_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("form_key", sa.String(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("how in ('phone', 'writing')", name=op.f("ck_consent_how")),
        sa.CheckConstraint("ended_at is null or ended_at >= given_at", name=op.f("ck_consent_ended_at")),
        sa.CheckConstraint("until > given_at", name=op.f("ck_consent_until")),
        sa.ForeignKeyConstraint(
            ["lender_id", "debtor_id"], ["debtor.lender_id", "debtor.id"], name=op.f("fk_consent_lender_id_debtor_id")
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "member_id"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_consent_lender_id_member_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_consent_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_consent")),
        sa.UniqueConstraint("lender_id", "debtor_id", "form_key", name=op.f("uq_consent_lender_id_debtor_id_form_key")),
    )
    op.create_index(
        "ix_consent_lender_id_member_id_debtor_id", "consent", ["lender_id", "member_id", "debtor_id"], unique=False
    )
    op.create_table(
        "offer_decision",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("debtor_id", sa.Uuid(), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_words", sa.Text(), nullable=True),
        sa.Column("quote", sa.String(), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(state = 'granted') = (quote is not null)", name=op.f("ck_offer_decision_quote")),
        sa.CheckConstraint("(state = 'open') = (decided_at is null)", name=op.f("ck_offer_decision_decided_at")),
        sa.CheckConstraint("(state = 'open') = (decided_by is null)", name=op.f("ck_offer_decision_decided_by")),
        sa.CheckConstraint("state <> 'refused' or decided_by <> asked_by", name=op.f("ck_offer_decision_not_oneself")),
        sa.CheckConstraint(
            "state in ('open', 'granted', 'refused', 'taken_back')", name=op.f("ck_offer_decision_state")
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "asked_by"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_offer_decision_lender_id_asked_by"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "debtor_id"],
            ["debtor.lender_id", "debtor.id"],
            name=op.f("fk_offer_decision_lender_id_debtor_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "decided_by"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_offer_decision_lender_id_decided_by"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "request_id"],
            ["care_request.lender_id", "care_request.id"],
            name=op.f("fk_offer_decision_lender_id_request_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_offer_decision_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_offer_decision")),
    )
    op.create_index("ix_offer_decision_lender_id_debtor_id", "offer_decision", ["lender_id", "debtor_id"], unique=False)
    op.create_index(
        "ix_offer_decision_lender_id_request_id", "offer_decision", ["lender_id", "request_id"], unique=False
    )
    op.create_index(
        "uq_offer_decision_open",
        "offer_decision",
        ["lender_id", "request_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )


def downgrade() -> None:
    op.drop_table("offer_decision")
    op.drop_table("consent")
