"""Check every table: a lender's rows are keyed by the lender, so that one lender's row can never point at another's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, DateTime, Float, Numeric, Table, UniqueConstraint

from portal.db import UtcTime
from portal.models import WITHOUT_LENDER, metadata

ROOT = Path(__file__).resolve().parents[2]
TABLES = [metadata.tables[name] for name in sorted(metadata.tables)]
OWNED = [table for table in TABLES if table.name not in WITHOUT_LENDER]


def name(table: Table) -> str:
    return table.name


def test_the_tables_without_a_lender_are_one_list_and_all_there() -> None:
    assert set(metadata.tables) >= WITHOUT_LENDER
    assert len(OWNED) >= 20


@pytest.mark.parametrize("table", OWNED, ids=name)
def test_a_lenders_row_is_keyed_by_the_lender_and_an_id(table: Table) -> None:
    assert [column.name for column in table.primary_key.columns] == ["lender_id", "id"]


def test_the_lender_in_a_key_has_its_type_whatever_is_read_in_first() -> None:
    # A statement that a module builds keeps the types of that instant, and a foreign key's may not be known yet.
    program = (
        "from portal.debts import statement\n"
        "print([str(p.type) for p in statement._CHANGES.compile().binds.values() if p.key == 'lender_id'])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['CHAR(32)']"


@pytest.mark.parametrize("table", OWNED, ids=name)
def test_whatever_is_unique_is_unique_within_a_lender(table: Table) -> None:
    unique = [constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]
    for constraint in unique:
        assert next(iter(constraint.columns)).name == "lender_id", constraint.name
    for index in table.indexes:
        assert next(iter(index.columns)).name == "lender_id", index.name


@pytest.mark.parametrize("table", TABLES, ids=name)
def test_no_row_can_point_at_another_lenders_row(table: Table) -> None:
    for key in table.foreign_key_constraints:
        if key.referred_table.name in WITHOUT_LENDER:
            continue
        assert key.column_keys[0] == "lender_id", key.name
        assert key.elements[0].column.name == "lender_id", key.name


@pytest.mark.parametrize("table", TABLES, ids=name)
def test_amounts_are_whole_minor_units_with_their_currency_beside_them(table: Table) -> None:
    columns = {column.name: column.type for column in table.columns}
    assert not [column for column, kind in columns.items() if isinstance(kind, Float)]
    amounts = [column for column in columns if column.endswith("_minor")]
    for column in amounts:
        assert isinstance(columns[column], BigInteger), column
    # A debtor's budget and what stands on a lender's own tables name the currency of their row.
    assert not amounts or "currency" in columns
    assert not [column for column, kind in columns.items() if isinstance(kind, Numeric)]


@pytest.mark.parametrize("table", TABLES, ids=name)
def test_every_instant_knows_its_zone(table: Table) -> None:
    for column in table.columns:
        assert not isinstance(column.type, DateTime), f"{column.name} is a DateTime and not a UtcTime"
        if column.name.endswith(("_at", "_until")):
            assert isinstance(column.type, UtcTime), column.name


@pytest.mark.parametrize("table", TABLES, ids=name)
def test_every_constraint_has_a_name_for_migrations_to_use(table: Table) -> None:
    assert not [constraint for constraint in table.constraints if not constraint.name]
