"""How a reference is looked for: in any capitals and in letters of any width, the same in both databases."""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

AT_ONCE = 10_000


def upgrade() -> None:
    # A default lets SQLite add the column to a table that others point at; whoever writes a debt gives the key.
    op.add_column("debt", sa.Column("reference_key", sa.String(), nullable=False, server_default=""))
    _fill()
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("debt", "reference_key", server_default=None)
    op.create_index("ix_debt_lender_id_reference_key", "debt", ["lender_id", "reference_key"])


def downgrade() -> None:
    op.drop_index("ix_debt_lender_id_reference_key", "debt")
    op.drop_column("debt", "reference_key")


def _fill() -> None:
    debt = sa.table(
        "debt",
        *(sa.column(name, sa.Uuid()) for name in ("lender_id", "id")),
        *(sa.column(name, sa.String()) for name in ("reference", "reference_key")),
    )
    connection = op.get_bind()
    write = (
        sa.update(debt)
        .where(debt.c.lender_id == sa.bindparam("of_lender"), debt.c.id == sa.bindparam("its_id"))
        .values(reference_key=sa.bindparam("key"))
    )
    last = sa.tuple_(debt.c.lender_id, debt.c.id)
    asked = (
        sa.select(debt.c.lender_id, debt.c.id, debt.c.reference).order_by(debt.c.lender_id, debt.c.id).limit(AT_ONCE)
    )
    rows = connection.execute(asked).all()
    while rows:
        connection.execute(
            write, [{"of_lender": row.lender_id, "its_id": row.id, "key": _key(row.reference)} for row in rows]
        )
        after = sa.tuple_(sa.literal(rows[-1].lender_id, sa.Uuid()), sa.literal(rows[-1].id, sa.Uuid()))
        rows = connection.execute(asked.where(last > after)).all()


def _key(reference: str) -> str:
    if reference.isascii():
        return reference.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", reference).casefold())
