"""Ask staff to look at something about a person; who keeps such requests stands higher up and is put in by the app."""

from __future__ import annotations

import uuid
from typing import Any, Protocol

from flask import current_app

from portal.evidence.record import Actor

# Where the application keeps the function that opens a request, under this name in `app.extensions`.
OPENER = "open_request"
# And the one that takes one back: gives whether nobody looks at it any more.
TAKER_BACK = "take_request_back"


class _Opener(Protocol):
    def __call__(
        self,
        *,
        lender_id: uuid.UUID,
        debtor_id: uuid.UUID | None,
        kind: str,
        debt_id: uuid.UUID | None,
        words: str,
        by: Actor,
        key: str,
    ) -> Any: ...


class _TakerBack(Protocol):
    def __call__(self, *, lender_id: uuid.UUID, debtor_id: uuid.UUID, number: str, by: Actor) -> bool: ...


def ask(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, kind: str, words: str, by: Actor, key: str) -> str | None:
    """Open a request in the running transaction and give its number; None where nobody keeps requests.

    `kind` is `contact_change` or `wrong_person`; the same `key` opens it once.
    """
    opener: _Opener | None = current_app.extensions.get(OPENER)
    if opener is None:
        return None
    opened = opener(lender_id=lender_id, debtor_id=debtor_id, kind=kind, debt_id=None, words=words, by=by, key=key)
    return str(opened.number)


def take_back(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, number: str | None, by: Actor) -> bool:
    """Take a request back in the running transaction; False if a person looks at it already."""
    taker_back: _TakerBack | None = current_app.extensions.get(TAKER_BACK)
    if taker_back is None or number is None:
        return True
    return taker_back(lender_id=lender_id, debtor_id=debtor_id, number=number, by=by)
