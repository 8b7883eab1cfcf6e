"""Staff of lenders: accounts with two factors, sessions, passkeys, links to join, ways back in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staff_member",
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("roles", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("totp_secret", sa.String(), nullable=True),
        sa.Column("totp_new", sa.String(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state <> 'active' or (password_hash is not null and totp_secret is not null)",
            name=op.f("ck_staff_member_two_factors"),
        ),
        sa.CheckConstraint("state in ('invited', 'active', 'ended')", name=op.f("ck_staff_member_state")),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_staff_member_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_staff_member")),
        sa.UniqueConstraint("lender_id", "email", name=op.f("uq_staff_member_lender_id_email")),
    )
    op.create_table(
        "staff_link",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("new_password", sa.String(), nullable=True),
        sa.Column("wrong_codes", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("purpose in ('join', 'recover')", name=op.f("ck_staff_link_purpose")),
        sa.ForeignKeyConstraint(
            ["lender_id", "member_id"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_staff_link_lender_id_member_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_staff_link_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_staff_link")),
        sa.UniqueConstraint("lender_id", "token_hash", name=op.f("uq_staff_link_lender_id_token_hash")),
    )
    op.create_index("ix_staff_link_lender_id_member_id", "staff_link", ["lender_id", "member_id"], unique=False)
    op.create_table(
        "staff_session",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("came_by", sa.String(), nullable=False),
        sa.Column("browser", sa.String(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("came_by in ('code', 'passkey', 'link')", name=op.f("ck_staff_session_came_by")),
        sa.ForeignKeyConstraint(
            ["lender_id", "member_id"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_staff_session_lender_id_member_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_staff_session_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_staff_session")),
    )
    op.create_index("ix_staff_session_lender_id_member_id", "staff_session", ["lender_id", "member_id"], unique=False)
    op.create_index("ix_staff_session_lender_id_network", "staff_session", ["lender_id", "network"], unique=False)
    op.create_table(
        "staff_passkey",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.String(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lender_id", "member_id"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_staff_passkey_lender_id_member_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_staff_passkey_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_staff_passkey")),
        sa.UniqueConstraint("lender_id", "credential_id", name=op.f("uq_staff_passkey_lender_id_credential_id")),
    )
    op.create_index("ix_staff_passkey_lender_id_member_id", "staff_passkey", ["lender_id", "member_id"], unique=False)
    op.create_table(
        "staff_recovery",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("first_id", sa.Uuid(), nullable=True),
        sa.Column("first_words", sa.Text(), nullable=True),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_id", sa.Uuid(), nullable=True),
        sa.Column("second_words", sa.Text(), nullable=True),
        sa.Column("second_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused_id", sa.Uuid(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lender_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("state in ('open', 'vouched', 'refused', 'expired')", name=op.f("ck_staff_recovery_state")),
        sa.CheckConstraint("first_id is null or first_id <> member_id", name=op.f("ck_staff_recovery_not_oneself")),
        sa.CheckConstraint(
            "second_id is null or (second_id <> first_id and second_id <> member_id)",
            name=op.f("ck_staff_recovery_two_people"),
        ),
        sa.ForeignKeyConstraint(
            ["lender_id", "member_id"],
            ["staff_member.lender_id", "staff_member.id"],
            name=op.f("fk_staff_recovery_lender_id_member_id"),
        ),
        sa.ForeignKeyConstraint(["lender_id"], ["lender.id"], name=op.f("fk_staff_recovery_lender_id")),
        sa.PrimaryKeyConstraint("lender_id", "id", name=op.f("pk_staff_recovery")),
    )
    op.create_index(
        "uq_staff_recovery_open",
        "staff_recovery",
        ["lender_id", "member_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )


def downgrade() -> None:
    for table in ("staff_recovery", "staff_passkey", "staff_session", "staff_link", "staff_member"):
        op.drop_table(table)
