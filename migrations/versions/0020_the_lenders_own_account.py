"""Money that comes to the lender's own account: accounts, references, entries of its bank, and what goes back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bank_account",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("bank", sa.String(), nullable=False),
        sa.Column("bic", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind = 'bank' or not shown", name=op.f("ck_bank_account_cash_is_not_shown")),
        sa.CheckConstraint("kind in ('bank', 'cash')", name=op.f("ck_bank_account_kind")),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_bank_account_currency")),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_bank_account_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_bank_account")),
        sa.UniqueConstraint("lender_id", "number", name=op.f("uq_bank_account_lender_id_number")),
    )
    with op.batch_alter_table("bank_account", schema=None) as batch_op:
        batch_op.create_index(
            "uq_bank_account_shown",
            ["lender_id", "currency"],
            unique=True,
            postgresql_where=sa.text("shown"),
            sqlite_where=sa.text("shown"),
        )

    op.create_table(
        "transfer_reference",
        sa.Column("debt_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lender_id", "debt_id"],
            ["debt.lender_id", "debt.id"],
            name=op.f("fk_transfer_reference_lender_id_debt_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_transfer_reference_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_transfer_reference")),
        sa.UniqueConstraint("lender_id", "debt_id", name=op.f("uq_transfer_reference_lender_id_debt_id")),
        sa.UniqueConstraint("lender_id", "reference", name=op.f("uq_transfer_reference_lender_id_reference")),
    )
    op.create_table(
        "bank_entry",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=True),
        sa.Column("value_on", sa.Date(), nullable=True),
        sa.Column("counts_on", sa.Date(), nullable=True),
        sa.Column("amount_text", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("credit", sa.Boolean(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("payer", sa.String(), nullable=True),
        sa.Column("payer_account", sa.String(), nullable=True),
        sa.Column("matched_by", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("debtor_id", sa.Uuid(), nullable=True),
        sa.Column("debt_id", sa.Uuid(), nullable=True),
        sa.Column("set_aside_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(outcome = 'posted') = (debt_id is not null)", name=op.f("ck_bank_entry_posted")),
        sa.CheckConstraint("outcome in ('posted', 'suspense', 'refused', 'known')", name=op.f("ck_bank_entry_outcome")),
        sa.CheckConstraint(
            "outcome not in ('posted', 'suspense') or (amount_minor > 0 and counts_on is not null)",
            name=op.f("ck_bank_entry_counts"),
        ),
        sa.CheckConstraint("set_aside_id is null or outcome = 'suspense'", name=op.f("ck_bank_entry_suspense")),
        sa.ForeignKeyConstraint(
            ["lender_id", "account_id"],
            ["bank_account.lender_id", "bank_account.id"],
            name=op.f("fk_bank_entry_lender_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "debt_id"], ["debt.lender_id", "debt.id"], name=op.f("fk_bank_entry_lender_id_debt_id")
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "debtor_id"],
            ["debtor.lender_id", "debtor.id"],
            name=op.f("fk_bank_entry_lender_id_debtor_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "set_aside_id"],
            ["set_aside.lender_id", "set_aside.id"],
            name=op.f("fk_bank_entry_lender_id_set_aside_id"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "upload_id"],
            ["upload.lender_id", "upload.id"],
            name=op.f("fk_bank_entry_lender_id_upload_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_bank_entry_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_bank_entry")),
        sa.UniqueConstraint("lender_id", "upload_id", "place", name=op.f("uq_bank_entry_lender_id_upload_id_place")),
    )
    with op.batch_alter_table("bank_entry", schema=None) as batch_op:
        batch_op.create_index("ix_bank_entry_lender_id_debt_id", ["lender_id", "debt_id"], unique=False)
        batch_op.create_index("ix_bank_entry_lender_id_debtor_id", ["lender_id", "debtor_id"], unique=False)
        batch_op.create_index("ix_bank_entry_lender_id_set_aside_id", ["lender_id", "set_aside_id"], unique=False)
        batch_op.create_index(
            "uq_bank_entry_key",
            ["lender_id", "account_id", "key"],
            unique=True,
            postgresql_where=sa.text("outcome in ('posted', 'suspense') and undone_at is null"),
            sqlite_where=sa.text("outcome in ('posted', 'suspense') and undone_at is null"),
        )

    op.create_table(
        "sending_back",
        sa.Column("set_aside_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_by", sa.Uuid(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("called_off_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(done_by is null) = (done_at is null)", name=op.f("ck_sending_back_done")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_sending_back_amount")),
        sa.CheckConstraint("done_at is null or called_off_at is null", name=op.f("ck_sending_back_one_end")),
        sa.ForeignKeyConstraint(
            ["lender_id", "asked_by"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_sending_back_lender_id_asked_by"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "done_by"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_sending_back_lender_id_done_by"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "set_aside_id"],
            ["set_aside.lender_id", "set_aside.id"],
            name=op.f("fk_sending_back_lender_id_set_aside_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_sending_back_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_sending_back")),
    )
    with op.batch_alter_table("sending_back", schema=None) as batch_op:
        batch_op.create_index(
            "uq_sending_back_set_aside",
            ["lender_id", "set_aside_id"],
            unique=True,
            postgresql_where=sa.text("called_off_at is null"),
            sqlite_where=sa.text("called_off_at is null"),
        )

    op.add_column("credit_use", sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("upload", sa.Column("kind", sa.String(), nullable=False, server_default="debts"))
    op.add_column("upload", sa.Column("account_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("upload", "account_id")
    op.drop_column("upload", "kind")
    op.drop_column("credit_use", "paid_at")
    op.drop_table("sending_back")
    op.drop_table("bank_entry")
    op.drop_table("transfer_reference")
    op.drop_table("bank_account")
