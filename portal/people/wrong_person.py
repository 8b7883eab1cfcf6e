"""The link reached somebody else: withdraw it, write there no more until a person has looked, and reveal nothing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select

from portal import clock
from portal.db import new_id, session
from portal.evidence.record import OPERATOR, Act, Actor, record
from portal.lenders.hosts import is_here
from portal.people import contacts, staff_requests
from portal.people.models import ContactPoint, Invitation, LinkToken, WrongPerson
from portal.people.sign_in import LinkGone, hashed
from portal.web.numbers import public_number

STRANGER = Actor("visitor", "link")


@dataclass(frozen=True, slots=True)
class Said:
    """It is written down; `id` takes it back in the same browser."""

    lender_id: uuid.UUID
    id: uuid.UUID


def open_to(token: str, *, key: str) -> bool:
    """Say whether a link could still be somebody's; a locked one can too."""
    return _invitation(token, key=key) is not None


def _invitation(token: str, *, key: str, lock: bool = False) -> Invitation | None:
    found = session.get(LinkToken, hashed("link", token, key=key))
    if found is None or not is_here(found.lender_id):
        return None
    asked = select(Invitation).where(Invitation.lender_id == found.lender_id, Invitation.id == found.invitation_id)
    invitation = session.execute(asked.with_for_update() if lock else asked).scalar_one()
    gone = invitation.withdrawn_at is not None or invitation.expires_at <= clock.now()
    return None if gone and _said(invitation) is None else invitation


def _said(invitation: Invitation) -> WrongPerson | None:
    return session.scalars(
        select(WrongPerson)
        .where(
            WrongPerson.lender_id == invitation.lender_id,
            WrongPerson.invitation_id == invitation.id,
            WrongPerson.undone_at.is_(None),
        )
        .limit(1)
    ).one_or_none()


def say(token: str, *, key: str) -> Said | LinkGone:
    """Take down that a link is not for its reader. A second click is the first."""
    invitation = _invitation(token, key=key, lock=True)
    if invitation is None:
        return LinkGone()
    if (before := _said(invitation)) is not None:
        return Said(before.lender_id, before.id)
    now = clock.now()
    invitation.withdrawn_at = now
    lender_id, debtor_id = invitation.lender_id, invitation.debtor_id
    # Where it is not known which contact the link went to, it may have been any of them.
    reached = [
        contact
        for contact in contacts.live(lender_id=lender_id, debtor_id=debtor_id)
        if invitation.contact_point_id in (None, contact.id)
    ]
    for contact in reached:
        contact.wrong_at = now
    said = WrongPerson(
        lender_id=lender_id,
        id=new_id(),
        debtor_id=debtor_id,
        number=public_number("W"),
        invitation_id=invitation.id,
        contact_ids=[str(contact.id) for contact in reached],
        said_at=now,
    )
    said.request_number = staff_requests.ask(
        lender_id=lender_id,
        debtor_id=debtor_id,
        kind="wrong_person",
        words=f"{said.number}: whoever opened the link says that it is not for them",
        by=STRANGER,
        key=f"wrong_person:{said.id}",
    )
    session.add(said)
    record(
        Act.CONTACT_SAID_WRONG,
        by=STRANGER,
        lender_id=lender_id,
        debtor_id=debtor_id,
        facts={"number": said.number, "invitation": invitation.id, "contacts": said.contact_ids},
    )
    return Said(lender_id, said.id)


def _locked(lender_id: uuid.UUID, said_id: uuid.UUID) -> WrongPerson | None:
    return session.execute(
        select(WrongPerson)
        .where(WrongPerson.lender_id == lender_id, WrongPerson.id == said_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def take_back(*, lender_id: uuid.UUID, said_id: uuid.UUID) -> bool:
    """Put everything back as it was, because it was said by mistake.

    False if a person looks at it or has decided already, or if it was taken back once before: of whoever says the one
    and the other in turn a person has to find out which is true.
    """
    said = _locked(lender_id, said_id)
    if said is None or said.decided_at is not None:
        return False
    if said.undone_at is not None:
        return True
    if _taken_back_before(said) or not staff_requests.take_back(
        lender_id=lender_id, debtor_id=said.debtor_id, number=said.request_number, by=STRANGER
    ):
        return False
    said.undone_at = clock.now()
    session.get_one(Invitation, (lender_id, said.invitation_id)).withdrawn_at = None
    for contact in _contacts(said):
        contact.wrong_at = None
    record(
        Act.CONTACT_SAID_WRONG_UNDONE,
        by=STRANGER,
        lender_id=lender_id,
        debtor_id=said.debtor_id,
        facts={"number": said.number},
    )
    return True


def _taken_back_before(said: WrongPerson) -> bool:
    return (
        session.scalar(
            select(WrongPerson.id)
            .where(
                WrongPerson.lender_id == said.lender_id,
                WrongPerson.invitation_id == said.invitation_id,
                WrongPerson.undone_at.is_not(None),
            )
            .limit(1)
        )
        is not None
    )


def _contacts(said: WrongPerson) -> list[ContactPoint]:
    return [session.get_one(ContactPoint, (said.lender_id, uuid.UUID(one))) for one in said.contact_ids]


def decide(*, number: str, approve: bool, by: Actor = OPERATOR) -> bool | None:
    """Let a person decide: approved, the contacts are really wrong and go; refused, they are good again.

    False if it is decided or taken back already, None if there is no such number.
    """
    found = session.scalars(select(WrongPerson).where(WrongPerson.number == number)).one_or_none()
    said = _locked(found.lender_id, found.id) if found else None
    if said is None:
        return None
    if said.decided_at is not None or said.undone_at is not None:
        return False
    said.decided_at = now = clock.now()
    for contact in _contacts(said):
        if approve:
            contact.removed_at = now
        else:
            contact.wrong_at = None
    record(
        Act.CONTACT_SAID_WRONG_DECIDED,
        by=by,
        lender_id=said.lender_id,
        debtor_id=said.debtor_id,
        facts={"number": number, "wrong": approve},
    )
    return True


def waiting_for_staff(*, limit: int = 200) -> list[WrongPerson]:
    """Give what waits for a person, oldest first."""
    return list(
        session.scalars(
            select(WrongPerson)
            .where(WrongPerson.decided_at.is_(None), WrongPerson.undone_at.is_(None))
            .order_by(WrongPerson.said_at, WrongPerson.id)
            .limit(limit)
        )
    )
