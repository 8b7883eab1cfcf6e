"""Keep what somebody typed when the time was up, for that person and that page alone, for a day."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import delete, select

from portal import clock
from portal.db import new_id, session
from portal.people.models import KeptForm

LIFE = timedelta(hours=24)
MOST_BYTES = 64 * 1024
# Of a letter that somebody pasted the start stays: more than any form takes.
MOST_CHARACTERS = 4_000
MOST_FORMS = 5
# Good once or for a moment, or nobody's to keep.
NEVER = frozenset({"csrf_token", "code", "old_code", "new_code", "credential"})


def keep(
    *, lender_id: uuid.UUID, debtor_id: uuid.UUID, path: str, fields: Iterable[tuple[str, str]]
) -> uuid.UUID | None:
    """Keep what was typed on a page and give its id, or None if there is nothing to keep or too much of it."""
    typed = [[name, value[:MOST_CHARACTERS]] for name, value in fields if name not in NEVER]
    if not any(value for _name, value in typed) or len(json.dumps(typed).encode()) > MOST_BYTES:
        return None
    now = clock.now()
    mine = (KeptForm.lender_id == lender_id, KeptForm.debtor_id == debtor_id)
    newest = select(KeptForm.id).where(*mine).order_by(KeptForm.id.desc()).limit(MOST_FORMS - 1)
    stay = set(session.scalars(newest))
    session.execute(delete(KeptForm).where(*mine, KeptForm.id.not_in(stay)))
    session.execute(delete(KeptForm).where(KeptForm.lender_id == lender_id, KeptForm.expires_at <= now))
    kept = KeptForm(
        lender_id=lender_id,
        id=new_id(),
        debtor_id=debtor_id,
        path=path,
        fields=typed,
        created_at=now,
        expires_at=now + LIFE,
    )
    session.add(kept)
    return kept.id


def find(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, kept_id: uuid.UUID) -> KeptForm | None:
    """Give what was kept, if it is this person's and its day is not over."""
    return session.scalars(
        select(KeptForm).where(
            KeptForm.lender_id == lender_id,
            KeptForm.debtor_id == debtor_id,
            KeptForm.id == kept_id,
            KeptForm.expires_at > clock.now(),
        )
    ).one_or_none()


def forget(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, kept_id: uuid.UUID) -> None:
    """Forget what was kept: it was sent again."""
    session.execute(
        delete(KeptForm).where(KeptForm.lender_id == lender_id, KeptForm.debtor_id == debtor_id, KeptForm.id == kept_id)
    )
