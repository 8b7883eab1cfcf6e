"""Notes about a person and calls with one: written down once, on record, and never edited.

Invariant: a note is corrected by another that strikes it, at most once; what stood there stays readable.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from portal import clock
from portal.db import new_id, put_unless_there, session
from portal.evidence.record import Act, record
from portal.helpdesk.models import PersonCall, PersonNote
from portal.people.models import Debtor
from portal.staff.gates import Colleague
from portal.staff.models import StaffMember

TAKE_BACK = timedelta(minutes=10)
MOST = 200


@dataclass(frozen=True, slots=True)
class Note:
    """A note with who wrote it; `struck` by a newer one; `mine_until`: until then whoever looks may take it back."""

    id: uuid.UUID
    text: str
    who: str
    at: datetime
    struck: bool
    mine_until: datetime | None


def _locked(who: Colleague, debtor_id: uuid.UUID) -> None:
    """Let one write about a person at a time, so that a note is struck or taken back once."""
    session.execute(
        select(Debtor.id).where(Debtor.lender_id == who.lender_id, Debtor.id == debtor_id).with_for_update()
    )


def _recorded(act: Act, who: Colleague, debtor_id: uuid.UUID, **facts: object) -> None:
    record(act, by=who.actor, lender_id=who.lender_id, debtor_id=debtor_id, facts={"name": who.name, **facts})


def write_note(
    who: Colleague, *, debtor_id: uuid.UUID, text: str, form_key: str, strikes: uuid.UUID | None = None
) -> bool:
    """Write a note down, perhaps in place of another; False if that one is gone or was corrected before.

    The same form is one note. The record has the hash of its words.
    """
    _locked(who, debtor_id)
    if strikes is not None and not _stands(who, debtor_id, strikes):
        again = select(PersonNote.id).where(
            PersonNote.lender_id == who.lender_id, PersonNote.debtor_id == debtor_id, PersonNote.form_key == form_key
        )
        return session.scalar(again) is not None
    note_id = new_id()
    new = put_unless_there(
        PersonNote,
        {
            "lender_id": who.lender_id,
            "id": note_id,
            "debtor_id": debtor_id,
            "member_id": who.member_id,
            "text": text,
            "strikes": strikes,
            "form_key": form_key,
            "written_at": clock.now(),
            "taken_back_at": None,
        },
    )
    if new:
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        _recorded(Act.NOTE_WRITTEN, who, debtor_id, note=note_id, strikes=strikes, text_sha256=sha256)
    return True


def _stands(who: Colleague, debtor_id: uuid.UUID, note_id: uuid.UUID) -> bool:
    """Say whether a note of this person was neither taken back nor struck."""
    note = session.get(PersonNote, (who.lender_id, note_id))
    if note is None or note.debtor_id != debtor_id or note.taken_back_at is not None:
        return False
    struck = select(PersonNote.id).where(
        PersonNote.lender_id == who.lender_id, PersonNote.strikes == note_id, PersonNote.taken_back_at.is_(None)
    )
    return session.scalars(struck).first() is None


def take_back_note(who: Colleague, *, debtor_id: uuid.UUID, note_id: uuid.UUID) -> bool | None:
    """Take a note back that one wrote oneself a few minutes ago; False if it isn't so, or a newer one strikes it.

    None if there is no such note about this person.
    """
    _locked(who, debtor_id)
    note = session.get(PersonNote, (who.lender_id, note_id), populate_existing=True)
    if note is None or note.debtor_id != debtor_id:
        return None
    if note.member_id != who.member_id or clock.now() >= note.written_at + TAKE_BACK:
        return False
    if not _stands(who, debtor_id, note_id):
        return False
    note.taken_back_at = clock.now()
    _recorded(Act.NOTE_TAKEN_BACK, who, debtor_id, note=note_id)
    return True


def note_call(
    who: Colleague, *, debtor_id: uuid.UUID, direction: str, reached: bool, agreed: str, about: str, form_key: str
) -> None:
    """Write a call down; the same form is one call."""
    _locked(who, debtor_id)
    call_id = new_id()
    new = put_unless_there(
        PersonCall,
        {
            "lender_id": who.lender_id,
            "id": call_id,
            "debtor_id": debtor_id,
            "member_id": who.member_id,
            "direction": direction,
            "reached": reached,
            "agreed": agreed,
            "about": about,
            "form_key": form_key,
            "noted_at": clock.now(),
        },
    )
    if new:
        said = {"direction": direction, "reached": reached, "agreed": agreed}
        _recorded(Act.CALL_NOTED, who, debtor_id, call=call_id, **said)


def notes_of(who: Colleague, *, debtor_id: uuid.UUID) -> list[Note]:
    """Give the notes about a person that nobody took back, newest first, each with whether a newer one strikes it."""
    rows = session.execute(
        select(PersonNote, StaffMember.name)
        .join(StaffMember, (StaffMember.lender_id == PersonNote.lender_id) & (StaffMember.id == PersonNote.member_id))
        .where(
            PersonNote.lender_id == who.lender_id,
            PersonNote.debtor_id == debtor_id,
            PersonNote.taken_back_at.is_(None),
        )
        .order_by(PersonNote.written_at.desc(), PersonNote.id.desc())
        .limit(MOST)
    ).all()
    struck = {row.PersonNote.strikes for row in rows}
    now = clock.now()

    def mine_until(note: PersonNote) -> datetime | None:
        until = note.written_at + TAKE_BACK
        return until if note.member_id == who.member_id and now < until and note.id not in struck else None

    return [
        Note(
            row.PersonNote.id,
            row.PersonNote.text,
            row.name,
            row.PersonNote.written_at,
            row.PersonNote.id in struck,
            mine_until(row.PersonNote),
        )
        for row in rows
    ]


def calls_of(who: Colleague, *, debtor_id: uuid.UUID) -> Sequence[tuple[PersonCall, str]]:
    """Give the calls with a person, newest first, each with who wrote it down."""
    rows = session.execute(
        select(PersonCall, StaffMember.name)
        .join(StaffMember, (StaffMember.lender_id == PersonCall.lender_id) & (StaffMember.id == PersonCall.member_id))
        .where(PersonCall.lender_id == who.lender_id, PersonCall.debtor_id == debtor_id)
        .order_by(PersonCall.noted_at.desc(), PersonCall.id.desc())
        .limit(MOST)
    )
    return [(row.PersonCall, row.name) for row in rows]
