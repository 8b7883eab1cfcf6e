"""Hold all letters against their seals, and all time stamps against what they stamp.

Invariant: it only reads, in bounded memory, with SQL of its own; what no letter and no stamp needs is not read in.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Uuid, bindparam, text

from portal.db import UtcTime, session
from portal.evidence.audit import Wrong
from portal.letters import certificates
from portal.letters.anchoring import sealing_door

# Of so many of the newest letters the seal itself is opened, which takes a while; the bytes of all are hashed.
SEALS_OPENED = 50
_A_TIME = 50

_LETTERS = text("""
select l.number, l.pdf, l.sha256, l.drawn_size, l.seal_id, l.stamped_at, l.issued_at, s.chain
from letter l left join seal s on s.lender_id = l.lender_id and s.id = l.seal_id
where l.lender_id = :lender
order by l.id desc
""").columns(seal_id=Uuid, issued_at=UtcTime, stamped_at=UtcTime)
_STAMPS = text("""
select t.size, t.response, t.authority, t.stamped_at, c.note
from log_stamp t left join log_checkpoint c on c.lender_id = t.lender_id and c.size = t.size
where t.lender_id = :lender
order by t.size
""").columns(stamped_at=UtcTime)


@dataclass(slots=True)
class Looked:
    """How much was looked at, counted while it is; `stamp` is the newest one: over how many records, when, by whom."""

    letters: int = 0
    seals: int = 0
    stamps: int = 0
    stamp: tuple[int, datetime, str] | None = None


def wrong_letters(lender_id: uuid.UUID, looked: Looked, *, authorities: str | None) -> Iterator[Wrong]:
    """Give what of a lender's letters does not agree."""
    for row in _rows(_LETTERS, lender_id):
        looked.letters += 1
        counted = hashlib.sha256(row.pdf).hexdigest()
        if counted != row.sha256:
            yield Wrong(f"hash of letter {row.number}", row.sha256, counted)
        elif row.seal_id is None:
            if row.drawn_size is not None or row.stamped_at is not None:
                yield Wrong(f"letter {row.number}", "sealed", "no seal")
        elif row.chain is None:
            yield Wrong(f"seal of letter {row.number}", str(row.seal_id), "no such seal")
        elif row.drawn_size is None or not 0 < row.drawn_size < len(row.pdf):
            yield Wrong(f"what was drawn of letter {row.number}", str(row.drawn_size), f"part of {len(row.pdf)}")
        elif looked.seals < SEALS_OPENED:
            looked.seals += 1
            found = sealing_door().check(
                row.pdf, roots=certificates.root_of(row.chain), at=row.issued_at, authorities=authorities
            )
            if not found.good:
                yield Wrong(f"seal of letter {row.number}", "good", "not good")
            elif found.stamped_at != row.stamped_at:
                yield Wrong(f"time of letter {row.number}", str(row.stamped_at), str(found.stamped_at))


def wrong_stamps(lender_id: uuid.UUID, looked: Looked, *, authorities: str | None) -> Iterator[Wrong]:
    """Give what of the time stamps over a lender's log does not agree; the log itself is held against its records."""
    for row in _rows(_STAMPS, lender_id):
        what = f"time stamp over {row.size} records"
        looked.stamps += 1
        looked.stamp = row.size, row.stamped_at, row.authority
        if row.note is None:
            yield Wrong(what, "a checkpoint", "none")
            continue
        found = sealing_door().check_stamp(row.response, row.note.encode(), authorities=authorities)
        if found is None:
            yield Wrong(what, "of the checkpoint", "not of it")
        elif (found.at, found.authority) != (row.stamped_at, row.authority):
            yield Wrong(what, f"{row.stamped_at} {row.authority}", f"{found.at} {found.authority}")


def _rows(query: Any, lender_id: uuid.UUID) -> Iterator[Any]:
    asked = query.bindparams(bindparam("lender", type_=Uuid))
    with session.execute(asked, {"lender": lender_id}, execution_options={"yield_per": _A_TIME}) as rows:
        yield from rows
