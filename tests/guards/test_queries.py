"""No page of a debtor reads a lender's whole portfolio: its statements go through an index to a person's own rows.

SQLite tells which index it takes, and takes the same ones for any portfolio (`portal/planner.py`).
"""

from __future__ import annotations

import re

from portal import models
from tests.debtor_pages import PAGES
from tests.guards.conftest import Served
from tests.guards.test_pages import open_page

TABLES = {table.name for table in models.metadata.sorted_tables}
# Few rows, whatever comes: the lenders, the versions of one lender's limits, and days on which nobody could pay.
# A lender has as many staff as it has, and the list of them is all of them.
SMALL = {
    *("lender", "limits_draft", "limits_release", "limits_version", "outage", "staff_member", "staff_recovery"),
    # One a night, and one an account of the books.
    *("account_name", "reconciliation"),
    # A lender's own accounts at its banks.
    "bank_account",
    # A file comes once a day at most.
    *("import_run", "upload"),
    # Asked for by a person, for many debts at once.
    "letter_batch",
}
# Indexes that hold only the few rows that wait for somebody.
WAITING = {
    *("uq_offer_decision_open", "ix_plan_check_open"),
    *("ix_refund_asked", "ix_dispute_not_closed", "ix_set_aside_waiting"),
    *("ix_reconciliation_line_open", "ix_payout_open"),
}
_STEP = re.compile(r"(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?INDEX (\w+))?(?: \((.*)\))?")


def _reads_too_much(statement: str, steps: list[str]) -> list[str]:
    """Give the steps that read a whole table, or all rows of one lender in it."""
    # SQLite speaks of a table by its alias where it has one.
    named = {alias: table for table, alias in re.findall(r'\b(\w+)"? AS (\w+)', statement)}
    found = []
    for step in steps:
        match = _STEP.match(step)
        table = match and named.get(match[2], match[2])
        if not match or table not in TABLES or table in SMALL or match[3] in WAITING:
            continue
        if match[1] == "SCAN" or match[4] == "lender_id=?":
            found.append(step)
    return found


def test_no_page_reads_all_rows_of_a_lender(served: Served) -> None:
    for page in PAGES:
        open_page(served, page, language="en")
    assert len(served.selects) > 100
    problems = []
    with served.engine.connect() as connection:
        for statement, values in list(served.selects.items()):
            steps = [row[3] for row in connection.exec_driver_sql(f"explain query plan {statement}", values).all()]
            problems += [f"{step}\n    in {statement}" for step in _reads_too_much(statement, steps)]
    assert problems == [], "\n".join(problems)


def test_a_statement_that_reads_a_whole_lender_is_found(served: Served) -> None:
    with served.engine.connect() as connection:
        statement = "select 1 from debt where lender_id = ? and product = ?"
        steps = [row[3] for row in connection.exec_driver_sql(f"explain query plan {statement}", ("a", "b")).all()]
    assert _reads_too_much(statement, steps) != []
