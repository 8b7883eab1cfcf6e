"""`flask verify` beside people who pay: each of its queries sees the same moment, so that it never cries wolf."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import TextClause

from portal import verify
from portal.db import session
from portal.debts.statement import by_id
from tests.factories import a_debt
from tests.journeys.acts import usd
from tests.settling import a_payment, stripe_says


def test_books_that_are_written_while_they_are_added_up_agree(real_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    debt = a_debt("900.00")
    real, queries = verify._rows, 0

    def pay() -> None:
        with pytest.MonkeyPatch.context() as patch, real_app.app_context():
            stripe_says(a_payment(debt, amount="10.00", plan=None), patch)
        session.remove()

    def rows(query: TextClause, lender_id: uuid.UUID) -> Sequence[Any]:
        nonlocal queries
        found = real(query, lender_id)
        queries += 1
        writer = threading.Thread(target=pay)
        writer.start()
        writer.join()
        return found

    session.rollback()
    monkeypatch.setattr(verify, "_rows", rows)
    assert verify.disagreements(debt.lender_id) == ()
    monkeypatch.undo()
    session.rollback()
    assert verify.disagreements(debt.lender_id) == ()
    assert queries > 10
    session.rollback()
    assert by_id(lender_id=debt.lender_id, debt_id=debt.id).owed == usd(f"{900 - 10 * queries}.00")
