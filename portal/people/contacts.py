"""Phone numbers and e-mail addresses: add, replace, remove, undo, and what staff decide.

Invariant: a contact is added or replaced only after a code was given from an old one and from the new one, or after a
person decided. Every change is told to the old contacts, with a link that undoes it for 72 hours, and ends the sessions
on other devices.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import func, or_, select, update

from portal import clock
from portal.db import new_id, session
from portal.evidence.record import OPERATOR, Act, Actor, record
from portal.lenders.hosts import is_here
from portal.people import devices, found_by, notices, sign_in, staff_requests
from portal.people.models import LIVE, ContactChange, ContactPoint, Debtor, Passkey
from portal.people.reach import Address, same
from portal.people.sign_in import CodeGood, LinkGone, Reach, Wrong, hashed, masked
from portal.web.numbers import public_number

LIFE = timedelta(hours=24)
UNDO_LIFE = timedelta(hours=72)
MOST_A_DAY = 5
Step = Literal["old", "new"]


@dataclass(frozen=True, slots=True)
class Begun:
    """The change has a number, and waits for its codes."""

    number: str


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    """The address is on file."""


@dataclass(frozen=True, slots=True)
class TooManyChanges:
    """Enough for one day; the next can be asked for at `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class NotTheirs:
    """There is no such contact of this person."""


@dataclass(frozen=True, slots=True)
class LastOne:
    """Nothing would be left that we could write to."""


@dataclass(frozen=True, slots=True)
class Changed:
    """It is done, and the old contacts were told."""

    number: str


@dataclass(frozen=True, slots=True)
class CodeTaken:
    """The code fits; the other one is still missing, or a person decides."""


@dataclass(frozen=True, slots=True)
class ChangeOver:
    """Nothing can be done about it any more: it is done, refused, cancelled, undone, or its time is up."""

    state: str


@dataclass(frozen=True, slots=True)
class NotConfirmed:
    """Nobody has shown yet that the new address can be read."""


def of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> list[ContactPoint]:
    """Give what is on file, with those that wait because somebody called them wrong."""
    return list(
        session.scalars(
            select(ContactPoint)
            .where(
                ContactPoint.lender_id == lender_id,
                ContactPoint.debtor_id == debtor_id,
                ContactPoint.removed_at.is_(None),
            )
            .order_by(ContactPoint.channel, ContactPoint.id)
        )
    )


def live(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> list[ContactPoint]:
    """Give what messages may go to."""
    return [contact for contact in of(lender_id=lender_id, debtor_id=debtor_id) if contact.wrong_at is None]


def one(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, contact_id: uuid.UUID) -> ContactPoint | None:
    """Give one contact of this person that messages may go to."""
    mine = live(lender_id=lender_id, debtor_id=debtor_id)
    return next((contact for contact in mine if contact.id == contact_id), None)


def changes_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> list[ContactChange]:
    """Give the changes that wait for something, newest first."""
    return list(
        session.scalars(
            select(ContactChange)
            .where(
                ContactChange.lender_id == lender_id,
                ContactChange.debtor_id == debtor_id,
                or_(
                    (ContactChange.state == "open") & (ContactChange.expires_at > clock.now()),
                    ContactChange.state == "with_staff",
                ),
            )
            .order_by(ContactChange.id.desc())
        )
    )


def change_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, number: str) -> ContactChange | None:
    """Give a change of this person by its number."""
    return session.scalars(
        select(ContactChange).where(
            ContactChange.lender_id == lender_id, ContactChange.debtor_id == debtor_id, ContactChange.number == number
        )
    ).one_or_none()


def state_of(change: ContactChange) -> str:
    """Give what became of a change; one that waited too long is over."""
    return "expired" if change.state == "open" and change.expires_at <= clock.now() else change.state


def _lock_person(lender_id: uuid.UUID, debtor_id: uuid.UUID) -> None:
    session.execute(
        select(Debtor.id).where(Debtor.lender_id == lender_id, Debtor.id == debtor_id).with_for_update()
    ).scalar_one()


def begin(
    *,
    lender_id: uuid.UUID,
    debtor_id: uuid.UUID,
    address: Address,
    form_key: str,
    by: Actor,
    replaces: uuid.UUID | None = None,
) -> Begun | AlreadyThere | TooManyChanges | NotTheirs:
    """Ask to add an address, or to put it in the place of another; nothing changes yet. A second click is the first."""
    _lock_person(lender_id, debtor_id)
    before = session.scalar(
        select(ContactChange.number).where(
            ContactChange.lender_id == lender_id,
            ContactChange.debtor_id == debtor_id,
            ContactChange.form_key == form_key,
        )
    )
    if before is not None:
        return Begun(before)
    mine = live(lender_id=lender_id, debtor_id=debtor_id)
    if replaces is not None and replaces not in {contact.id for contact in mine}:
        return NotTheirs()
    if any(same(contact.address, address.text) for contact in mine):
        return AlreadyThere()
    now = clock.now()
    today = list(
        session.scalars(
            select(ContactChange.created_at)
            .where(
                ContactChange.lender_id == lender_id,
                ContactChange.debtor_id == debtor_id,
                ContactChange.created_at > now - timedelta(days=1),
                ContactChange.kind != "remove",
            )
            .order_by(ContactChange.created_at)
        )
    )
    if len(today) >= MOST_A_DAY:
        return TooManyChanges(until=today[-MOST_A_DAY] + timedelta(days=1))
    change = ContactChange(
        lender_id=lender_id,
        id=new_id(),
        debtor_id=debtor_id,
        number=public_number("C"),
        form_key=form_key,
        kind="add" if replaces is None else "replace",
        state="open",
        old_contact_id=replaces,
        channel=address.channel,
        address=address.text,
        created_at=now,
        expires_at=now + LIFE,
    )
    session.add(change)
    record(
        Act.CONTACT_CHANGE_ASKED,
        by=by,
        lender_id=lender_id,
        debtor_id=debtor_id,
        facts={"number": change.number, "kind": change.kind, "to": masked(address.text)},
    )
    return Begun(change.number)


def _locked_change(lender_id: uuid.UUID, debtor_id: uuid.UUID, number: str) -> ContactChange | None:
    _lock_person(lender_id, debtor_id)
    return session.execute(
        select(ContactChange)
        .where(
            ContactChange.lender_id == lender_id, ContactChange.debtor_id == debtor_id, ContactChange.number == number
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def good_for(change: ContactChange, *, session_id: uuid.UUID, step: Step) -> sign_in.For:
    """Give what a code of this change is good for."""
    return sign_in.For(change.lender_id, change.debtor_id, session_id, change.id, step)


def give(
    *,
    lender_id: uuid.UUID,
    debtor_id: uuid.UUID,
    session_id: uuid.UUID,
    number: str,
    step: Step,
    code: str,
    key: str,
    by: Actor,
) -> Changed | CodeTaken | ChangeOver | Wrong | LinkGone | NotTheirs:
    """Take the code of one side. With both given, in either order, the contact changes; giving one twice is once."""
    change = _locked_change(lender_id, debtor_id, number)
    if change is None:
        return NotTheirs()
    if (state := state_of(change)) not in {"open", "with_staff"}:
        return Changed(number) if state == "done" else ChangeOver(state)
    given_at = change.old_given_at if step == "old" else change.new_given_at
    if given_at is None:
        answer = sign_in.give_code(good_for(change, session_id=session_id, step=step), code=code, key=key)
        if not isinstance(answer, CodeGood):
            return answer
        if step == "old":
            change.old_given_at = clock.now()
        else:
            change.new_given_at = clock.now()
    if change.old_given_at is None or change.new_given_at is None:
        return CodeTaken()
    _carry_out(change, key=key, by=by, this=session_id)
    return Changed(number)


def _carry_out(change: ContactChange, *, key: str, by: Actor, this: uuid.UUID | None) -> None:
    """Change the contact, tell the old ones, and end the sessions on other devices."""
    lender_id, debtor_id, now = change.lender_id, change.debtor_id, clock.now()
    before = [
        Reach(contact.channel, contact.address, contact.id)
        for contact in live(lender_id=lender_id, debtor_id=debtor_id)
    ]
    if change.old_contact_id is not None:
        old = session.get_one(ContactPoint, (lender_id, change.old_contact_id))
        old.removed_at = now
    if change.address is not None and change.channel is not None:
        change.new_contact_id = _put_on_file(change, now)
    token = _undo_token(lender_id)
    change.state, change.done_at = "done", now
    change.undo_hash, change.undo_until = hashed("undo", token, key=key), now + UNDO_LIFE
    record(
        Act.CONTACT_CHANGED,
        by=by,
        lender_id=lender_id,
        debtor_id=debtor_id,
        facts={
            "number": change.number,
            "kind": change.kind,
            "from": [masked(reach.address) for reach in before if reach.id == change.old_contact_id],
            "to": masked(change.address) if change.address else None,
            "confirmed": change.new_given_at is not None,
        },
    )
    devices.end_all(lender_id=lender_id, debtor_id=debtor_id, by=by, why="contact changed", but=this)
    notices.contact_changed(
        lender_id=lender_id, debtor_id=debtor_id, old=before, undo=token, hours=int(UNDO_LIFE.total_seconds() // 3600)
    )


def _put_on_file(change: ContactChange, now: datetime) -> uuid.UUID:
    """Give the contact with this address, new or taken back in."""
    there = session.scalars(
        select(ContactPoint).where(
            ContactPoint.lender_id == change.lender_id,
            ContactPoint.debtor_id == change.debtor_id,
            ContactPoint.channel == change.channel,
            ContactPoint.address == change.address,
        )
    ).one_or_none()
    if there is None:
        there = ContactPoint(
            lender_id=change.lender_id,
            id=new_id(),
            debtor_id=change.debtor_id,
            channel=change.channel,
            address=change.address,
            created_at=now,
        )
        session.add(there)
        found_by.add_addresses([(there.debtor_id.hex, there.channel, there.address)], lender_id=there.lender_id)
    there.removed_at = there.wrong_at = None
    there.confirmed_at = now if change.new_given_at is not None else None
    session.flush()
    return there.id


def _undo_token(lender_id: uuid.UUID) -> str:
    """Make a token that says whose it is, so that nothing has to be looked up without its lender."""
    return base64.urlsafe_b64encode(lender_id.bytes + secrets.token_bytes(17)).decode()


def _lender_of(token: str) -> uuid.UUID:
    """Give the lender of a token, or one that nobody has."""
    try:
        return uuid.UUID(bytes=base64.urlsafe_b64decode(token.encode())[:16])
    except (ValueError, binascii.Error):
        return uuid.UUID(int=0)


def to_staff(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, number: str, by: Actor) -> Begun | ChangeOver | NotTheirs:
    """Give a change to a person of the lender, because the old contact is gone; nothing changes until one decided."""
    change = _locked_change(lender_id, debtor_id, number)
    if change is None:
        return NotTheirs()
    state = state_of(change)
    if state == "with_staff":
        return Begun(number)
    if state != "open":
        return ChangeOver(state)
    change.state = "with_staff"
    change.request_number = staff_requests.ask(
        lender_id=lender_id,
        debtor_id=debtor_id,
        kind="contact_change",
        words=f"{number}: {change.kind} {change.channel}, the old contact can't be used",
        by=by,
        key=f"contact_change:{change.id}",
    )
    record(
        Act.CONTACT_CHANGE_WITH_STAFF,
        by=by,
        lender_id=lender_id,
        debtor_id=debtor_id,
        facts={"number": number, "request": change.request_number},
    )
    return Begun(number)


def cancel(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, number: str, by: Actor) -> Begun | ChangeOver | NotTheirs:
    """Take a change back that has not happened."""
    change = _locked_change(lender_id, debtor_id, number)
    if change is None:
        return NotTheirs()
    if change.state in {"open", "with_staff"}:
        _end(change, "cancelled", by=by)
        # Where a person looks at it already, the number says to him that it was taken back.
        staff_requests.take_back(lender_id=lender_id, debtor_id=debtor_id, number=change.request_number, by=by)
        return Begun(number)
    return ChangeOver(change.state)


def _end(change: ContactChange, state: str, *, by: Actor) -> None:
    change.state, change.decided_at = state, clock.now()
    record(
        Act.CONTACT_CHANGE_ENDED,
        by=by,
        lender_id=change.lender_id,
        debtor_id=change.debtor_id,
        facts={"number": change.number, "state": state},
    )


def remove(
    *,
    lender_id: uuid.UUID,
    debtor_id: uuid.UUID,
    session_id: uuid.UUID,
    contact_id: uuid.UUID,
    form_key: str,
    key: str,
    by: Actor,
) -> Changed | LastOne | NotTheirs:
    """Take a contact off, if another is left. Its owner is told, and can undo it."""
    _lock_person(lender_id, debtor_id)
    before = session.scalar(
        select(ContactChange.number).where(
            ContactChange.lender_id == lender_id,
            ContactChange.debtor_id == debtor_id,
            ContactChange.form_key == form_key,
        )
    )
    if before is not None:
        return Changed(before)
    mine = live(lender_id=lender_id, debtor_id=debtor_id)
    if contact_id not in {contact.id for contact in mine}:
        return NotTheirs()
    if len(mine) == 1:
        return LastOne()
    now = clock.now()
    change = ContactChange(
        lender_id=lender_id,
        id=new_id(),
        debtor_id=debtor_id,
        number=public_number("C"),
        form_key=form_key,
        kind="remove",
        state="open",
        old_contact_id=contact_id,
        created_at=now,
        expires_at=now + LIFE,
    )
    session.add(change)
    session.flush()
    _carry_out(change, key=key, by=by, this=session_id)
    return Changed(change.number)


def look_at_undo(token: str, *, key: str) -> ContactChange | None:
    """Give the change that a link undoes, or undid; None if it is unknown or too late."""
    change = session.scalars(
        select(ContactChange).where(
            ContactChange.lender_id == _lender_of(token), ContactChange.undo_hash == hashed("undo", token, key=key)
        )
    ).one_or_none()
    if change is None or change.undo_until is None or change.undo_until <= clock.now() or not is_here(change.lender_id):
        return None
    return change if change.state in {"done", "undone"} else None


def undo(token: str, *, key: str) -> bool:
    """Put back what was before a change and before every later one, sign out every device, and let a person look.

    Changes that wait end too. Passkeys that were added since, or could have been in the session that began the change,
    are removed: whoever changed the contact may have added them. False if the link is unknown or too late; undoing
    twice is undoing once.
    """
    found = look_at_undo(token, key=key)
    if found is None:
        return False
    lender_id, debtor_id, by = found.lender_id, found.debtor_id, Actor("visitor", "undo link")
    _lock_person(lender_id, debtor_id)
    session.refresh(found)
    if found.state == "undone" or found.done_at is None:
        return True
    since = session.scalars(
        select(ContactChange)
        .where(
            ContactChange.lender_id == lender_id,
            ContactChange.debtor_id == debtor_id,
            ContactChange.done_at >= found.done_at,
            ContactChange.state == "done",
        )
        .order_by(ContactChange.done_at.desc(), ContactChange.id.desc())
    ).all()
    told: dict[uuid.UUID | None, Reach] = {
        contact.id: Reach(contact.channel, contact.address, contact.id)
        for contact in live(lender_id=lender_id, debtor_id=debtor_id)
    }
    now = clock.now()
    for change in since:
        if change.new_contact_id is not None:
            session.get_one(ContactPoint, (lender_id, change.new_contact_id)).removed_at = now
        if change.old_contact_id is not None:
            session.get_one(ContactPoint, (lender_id, change.old_contact_id)).removed_at = None
        change.state, change.undone_at = "undone", now
    for waiting in changes_of(lender_id=lender_id, debtor_id=debtor_id):
        _end(waiting, "undone", by=by)
    session.execute(
        update(Passkey)
        .where(
            Passkey.lender_id == lender_id,
            Passkey.debtor_id == debtor_id,
            Passkey.created_at >= found.created_at - sign_in.SESSION_LIFE,
            Passkey.removed_at.is_(None),
        )
        .values(removed_at=now)
    )
    record(
        Act.CONTACT_CHANGE_UNDONE,
        by=by,
        lender_id=lender_id,
        debtor_id=debtor_id,
        facts={"numbers": [change.number for change in since]},
    )
    devices.end_all(lender_id=lender_id, debtor_id=debtor_id, by=by, why="contact change undone")
    staff_requests.ask(
        lender_id=lender_id,
        debtor_id=debtor_id,
        kind="contact_change",
        words=f"{found.number}: undone from the old contact; somebody else may have been signed in",
        by=by,
        key=f"contact_undone:{found.id}",
    )
    session.flush()
    for contact in live(lender_id=lender_id, debtor_id=debtor_id):
        told[contact.id] = Reach(contact.channel, contact.address, contact.id)
    notices.contact_change_undone(lender_id=lender_id, debtor_id=debtor_id, to=told.values())
    return True


def decide(
    *, number: str, approve: bool, key: str, unconfirmed: bool = False, by: Actor = OPERATOR
) -> Changed | ChangeOver | NotConfirmed | NotTheirs:
    """Let a person of the lender decide about a change that waits for one.

    Approving wants that somebody gave the code sent to the new address, or `unconfirmed`.
    """
    found = session.scalars(select(ContactChange).where(ContactChange.number == number)).one_or_none()
    change = _locked_change(found.lender_id, found.debtor_id, number) if found else None
    if change is None:
        return NotTheirs()
    if change.state != "with_staff":
        return ChangeOver(state_of(change))
    if not approve:
        _end(change, "refused", by=by)
    elif change.new_given_at is None and not unconfirmed:
        return NotConfirmed()
    else:
        change.decided_at = clock.now()
        _carry_out(change, key=key, by=by, this=None)
    session.flush()
    notices.contact_request_decided(
        lender_id=change.lender_id, debtor_id=change.debtor_id, number=number, approved=approve
    )
    return Changed(number)


def waiting_for_staff(*, limit: int = 200) -> list[ContactChange]:
    """Give the changes that wait for a person, oldest first."""
    return list(
        session.scalars(
            select(ContactChange)
            .where(ContactChange.state == "with_staff")
            .order_by(ContactChange.created_at, ContactChange.id)
            .limit(limit)
        )
    )


def how_many(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> int:
    """Count what messages may go to."""
    return (
        session.scalar(
            select(func.count()).where(ContactPoint.lender_id == lender_id, ContactPoint.debtor_id == debtor_id, *LIVE)
        )
        or 0
    )
