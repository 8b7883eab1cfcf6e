"""Where the gate asks for holds until the doors of care are built in: there is no hold yet."""

from __future__ import annotations

import uuid
from datetime import datetime

from portal.contact.facts import HasStops


def holding(
    *, lender_id: uuid.UUID, debtor_id: uuid.UUID, debt_id: uuid.UUID | None = None, at: datetime
) -> tuple[HasStops, ...]:
    """Give no hold."""
    return ()
