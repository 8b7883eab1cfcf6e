"""Whether a letter that somebody shows is one of ours, as it was issued, and still true: never whose, or of what."""

from __future__ import annotations

import hashlib
import re
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import ColumnElement, select

from portal.db import seeing, session
from portal.lenders.hosts import lenders_here
from portal.lenders.models import Lender
from portal.letters import seals
from portal.letters.kept import letters_of, no_longer_true, replaced
from portal.letters.models import IssuedLetter, LetterByHand

_NUMBER = re.compile(r"[A-Z0-9]{2,3}(?:-[A-Z0-9]{2,4}){2,3}")
_LONGEST_NUMBER = 20
# The bytes that a seal covers: all up to where it stands, and all after it up to an end.
_COVERED = re.compile(rb"/ByteRange\s*\[\s*0\s+(\d{1,9})\s+(\d{1,9})\s+(\d{1,9})\s*\]")


class State(StrEnum):
    """Whether a letter still holds."""

    VALID = "valid"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class Wrong(StrEnum):
    """Why a file is no letter as it was issued."""

    UNKNOWN = "unknown"  # Not ours, or changed.
    ADDED_TO = "added to"  # One of ours, and something more behind it.
    BY_HAND = "by hand"  # A person wrote it, and we have no file of it.
    BROKEN = "broken"  # As we keep it, but its seal isn't good.


@dataclass(frozen=True, slots=True)
class Checked:
    """All that anybody may know of a letter who has its number."""

    number: str
    kind: str
    lender_id: uuid.UUID
    issuer: str
    slug: str
    issued_at: datetime
    zone: str
    state: State
    sha256: str
    sealed: bool
    stamped_at: datetime | None


def number_in(typed: str) -> str | None:
    """Give the number of a letter as it is written, out of what somebody typed or scanned; None if there is none.

    >>> number_in(" lt 7k3m 2qxp 9t "), number_in("https://portal.example/check-a-letter/LT-7K3M-2QXP-9T")
    ('LT-7K3M-2QXP-9T', 'LT-7K3M-2QXP-9T')
    """
    last = unicodedata.normalize("NFKC", typed[:200]).strip().rstrip("/").rpartition("/")[2].upper()
    signs = re.sub(r"[\s\u2010-\u2015-]+", "", last)
    parts = (signs[:2], signs[2:6], signs[6:10], signs[10:])
    number = "-".join(part for part in parts if part)
    return number if len(number) <= _LONGEST_NUMBER and _NUMBER.fullmatch(number) else None


def by_number(number: str) -> Checked | Wrong:
    """Look for a letter of the lenders that are to be found at this host."""
    with seeing(None):
        checked = _checked(_found(IssuedLetter.number == number))
        if checked is not None:
            return checked
        by_hand = select(LetterByHand.id).where(
            LetterByHand.lender_id.in_(_lenders()), LetterByHand.number == number, LetterByHand.done_at.is_not(None)
        )
        return Wrong.UNKNOWN if session.scalar(by_hand.limit(1)) is None else Wrong.BY_HAND


def by_file(content: bytes, *, authorities: Path | None) -> Checked | Wrong:
    """Check a file: it must be a letter to the last byte, with its seal good."""
    with seeing(None):
        letter = _found(IssuedLetter.sha256 == hashlib.sha256(content).hexdigest())
        if letter is None:
            return Wrong.ADDED_TO if _begins_with_a_letter(content) else Wrong.UNKNOWN
        found = seals.check(letter, content, authorities=authorities)
        if found is not None and not found.good:
            return Wrong.BROKEN
        checked = _checked(letter)
    return checked or Wrong.UNKNOWN


def _begins_with_a_letter(content: bytes) -> bool:
    covered = _COVERED.search(content)
    end = int(covered[2]) + int(covered[3]) if covered else 0
    if not 0 < end < len(content):
        return False
    return _found(IssuedLetter.sha256 == hashlib.sha256(content[:end]).hexdigest()) is not None


def _found(which: ColumnElement[bool]) -> IssuedLetter | None:
    return session.scalars(select(IssuedLetter).where(IssuedLetter.lender_id.in_(_lenders()), which).limit(1)).first()


def _lenders() -> list[uuid.UUID]:
    # Whoever checks a letter brings its number or its file, and no lender; rows are found by both.
    return [lender.id for lender in lenders_here()]


def _checked(letter: IssuedLetter | None) -> Checked | None:
    if letter is None:
        return None
    lender = session.get_one(Lender, letter.lender_id)
    whose = {"lender_id": letter.lender_id, "debtor_id": letter.debtor_id}
    gone = no_longer_true(**whose)
    if letter.cause in gone:
        state = State.WITHDRAWN
    elif letter.number in replaced(letters_of(**whose), gone):
        state = State.SUPERSEDED
    else:
        state = State.VALID
    return Checked(
        number=letter.number,
        kind=letter.kind,
        lender_id=letter.lender_id,
        issuer=lender.legal_name,
        slug=lender.slug,
        issued_at=letter.issued_at,
        zone=lender.zone,
        state=state,
        sha256=letter.sha256,
        sealed=letter.seal_id is not None,
        stamped_at=letter.stamped_at,
    )
