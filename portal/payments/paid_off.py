"""When nothing is owed any more, the letter about it is put off; whoever writes it looks whether it may be written."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from portal import queue
from portal.db import session
from portal.ledger import Book


def ask_for_letter(*, lender_id: uuid.UUID, debt_ids: Iterable[uuid.UUID]) -> None:
    """Put off the letter about each of some debts of which nothing is left. Part of the act that moved the money."""
    for debt_id in sorted(set(debt_ids)):
        if not session.get_one(Book, (lender_id, debt_id)).owed:
            queue.later(
                "letters.issue",
                lender_id=lender_id,
                payload={"kind": "debt-over", "debt_id": str(debt_id)},
                while_waiting=f"debt-over:{debt_id}",
            )
