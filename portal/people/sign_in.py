"""How a debtor gets in: a link or a reference with the date of birth, and a one-time code for what binds.

Withdrawn, expired and unknown links look the same, and so do known and unknown references, in words and in work; five
wrong answers lock for a stated time that grows.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Select, func, select, update

from portal import clock, queue
from portal.db import new_id, session
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import OPERATOR, Act, Actor, record
from portal.lenders.hosts import is_here
from portal.lenders.models import Lender
from portal.people import guessing, tries
from portal.people.guessing import TRIES, TRIES_FROM_ONE_ADDRESS
from portal.people.models import (
    LIVE,
    ContactPoint,
    Debtor,
    Invitation,
    LinkToken,
    OneTimeCode,
    UserSession,
)
from portal.post.deliver import mended
from portal.post.models import BouncedAddress

__all__ = ["TRIES", "TRIES_FROM_ONE_ADDRESS"]
LINK_LIFE = timedelta(hours=72)
LOCK = timedelta(minutes=30)
CODE_LIFE = timedelta(minutes=10)
CODES_IN_A_ROW = 5
# Looking at one plan after another sends codes by itself; some are kept for whoever asks for one.
CODES_UNASKED = 3
# An address that is not on file yet may be a stranger's, who asked for nothing.
CODES_TO_STRANGERS, A_DAY = 10, timedelta(days=1)
NEW_CODE_AFTER = timedelta(seconds=30)
SESSION_LIFE = timedelta(hours=12)
IDLE = timedelta(minutes=30)
# A second click, or an answer that was lost on the way, comes with the cookie of before the code.
GRACE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class LinkGone:
    """The link is unknown, expired or withdrawn; which of them is not said."""


@dataclass(frozen=True, slots=True)
class Locked:
    """Too many wrong answers; the door opens again at `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class LinkOpen:
    """The link is good; what is missing is the date of birth."""

    lender_id: uuid.UUID
    invitation_id: uuid.UUID
    debtor_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Wrong:
    """The answer does not fit what is on file; `left` tries remain before the door locks."""

    left: int


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session was opened."""

    lender_id: uuid.UUID
    session_id: uuid.UUID
    debtor_id: uuid.UUID
    new_device: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """What is known of the browser that signs in: two words, and keyed hashes of its network and of its own cookie."""

    browser: str = ""
    network: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class For:
    """What a code is good for: a person's session, and in it one thing.

    `about` is the quote that it signs, if any; `step` says that it is a change of contact instead, and whether the code
    goes to the old or to the new one.
    """

    lender_id: uuid.UUID
    debtor_id: uuid.UUID
    session_id: uuid.UUID
    about: uuid.UUID | None = None
    step: Literal["old", "new"] | None = None

    @property
    def purpose(self) -> str:
        """Give the thing's name: to show who it is, to agree, or to confirm a contact."""
        if self.step is not None:
            return f"contact_{self.step}"
        return "identity" if self.about is None else "agreement"


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a code goes; one that is not on file yet has no id."""

    channel: str
    address: str
    id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class CodeSent:
    """A code is on its way; `address` is masked."""

    address: str
    code: str
    contact: Reach


@dataclass(frozen=True, slots=True)
class CodeUnderway:
    """One was sent for the same thing a moment ago; another can be asked for at `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class NoContact:
    """Nothing is on file that a code could go to."""


@dataclass(frozen=True, slots=True)
class TooManyCodes:
    """Several codes went out just now; another can be asked for at `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class CodeGood:
    """The code fits."""


def hashed(*parts: str, key: str) -> str:
    """Give a keyed SHA-256, hexadecimal, so that the database alone reveals neither tokens nor codes."""
    return hmac.new(key.encode(), "\x00".join(parts).encode(), hashlib.sha256).hexdigest()


def invite(
    *,
    lender_id: uuid.UUID,
    debtor_id: uuid.UUID,
    key: str,
    contact_id: uuid.UUID | None = None,
    by: Actor = OPERATOR,
) -> str:
    """Make an invitation and give its token, which is kept nowhere; `contact_id` is where it will be sent, if known."""
    token = secrets.token_urlsafe(24)
    invitation = Invitation(
        lender_id=lender_id,
        id=new_id(),
        debtor_id=debtor_id,
        contact_point_id=contact_id,
        expires_at=clock.now() + LINK_LIFE,
        created_at=clock.now(),
    )
    session.add(invitation)
    session.flush()
    session.add(LinkToken(token_hash=hashed("link", token, key=key), lender_id=lender_id, invitation_id=invitation.id))
    record(Act.INVITED, by=by, lender_id=lender_id, debtor_id=debtor_id, facts={"invitation": invitation.id})
    return token


def withdraw(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, by: Actor = OPERATOR) -> None:
    """Withdraw every invitation of a person."""
    session.execute(
        update(Invitation)
        .where(Invitation.lender_id == lender_id, Invitation.debtor_id == debtor_id, Invitation.withdrawn_at.is_(None))
        .values(withdrawn_at=clock.now())
    )
    record(Act.INVITATION_WITHDRAWN, by=by, lender_id=lender_id, debtor_id=debtor_id)


# What nobody has: asking for it costs the same as asking for what is there.
_NOBODY = uuid.UUID(int=0)


def look_at_link(token: str, *, key: str) -> LinkOpen | LinkGone | Locked:
    """Say what a link is good for."""
    found = session.get(LinkToken, hashed("link", token, key=key))
    invitation = session.get(Invitation, (found.lender_id, found.invitation_id) if found else (_NOBODY, _NOBODY))
    now = clock.now()
    if invitation is None or invitation.withdrawn_at is not None or invitation.expires_at <= now:
        return LinkGone()
    if not is_here(invitation.lender_id):
        return LinkGone()
    if invitation.locked_until is not None and invitation.locked_until > now:
        return Locked(until=invitation.locked_until)
    return LinkOpen(lender_id=invitation.lender_id, invitation_id=invitation.id, debtor_id=invitation.debtor_id)


def open_link(
    token: str,
    *,
    born_on: date,
    key: str,
    device: Device = Device(),  # noqa: B008 - frozen
) -> SignedIn | Wrong | LinkGone | Locked:
    """Answer a link's question for the date of birth."""
    link = look_at_link(token, key=key)
    if not isinstance(link, LinkOpen):
        return link
    invitation = session.execute(
        select(Invitation)
        .where(Invitation.lender_id == link.lender_id, Invitation.id == link.invitation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()
    if invitation.locked_until is not None and invitation.locked_until > clock.now():
        return Locked(until=invitation.locked_until)
    debtor = session.get_one(Debtor, (link.lender_id, link.debtor_id))
    if debtor.born_on != born_on:
        invitation.wrong_answers += 1
        record(
            Act.SIGN_IN_REFUSED,
            by=Actor("visitor", "link"),
            lender_id=link.lender_id,
            debtor_id=debtor.id,
            facts={"why": "date of birth"},
        )
        if wait := guessing.wait_after(invitation.wrong_answers):
            invitation.locked_until = clock.now() + wait
            _tell_of_lock(link.lender_id, debtor.id, door="link")
            return Locked(until=invitation.locked_until)
        return Wrong(left=guessing.left_after(invitation.wrong_answers))
    invitation.wrong_answers = 0
    return open_session(debtor, came_by="link", device=device)


def _tell_of_lock(lender_id: uuid.UUID, about: uuid.UUID, *, door: str) -> None:
    """Let the person know that somebody tried, once a day for each door; for nobody it is the same work."""
    queue.later(
        "people.door_locked",
        lender_id=lender_id,
        payload={"debtor_id": str(about), "door": door},
        once=f"door:{lender_id}:{about}:{door}:{clock.now():%Y-%m-%d}",
    )


def by_reference(
    *,
    lender_id: uuid.UUID,
    reference: str,
    debtor_id: uuid.UUID | None,
    born_on: date,
    address: str,
    key: str,
    device: Device = Device(),  # noqa: B008 - frozen
) -> SignedIn | Wrong | Locked:
    """Sign in with a debt's reference and the date of birth.

    `debtor_id` is whose debt the reference is, or None if nobody's: both look the same from outside, and take the same
    work. `address` is the visitor's network address, which has limits of its own.
    """
    # One at a time for a lender, so that guesses sent together can't pass the limit together.
    session.execute(select(Lender.id).where(Lender.id == lender_id).with_for_update(key_share=True))
    # Whoever is found counts, and not how the reference is written.
    subject = hashed("reference", str(lender_id), str(debtor_id or reference.casefold()), key=key)
    near, far = (hashed("address", network, key=key) for network in guessing.networks(address))
    everybody = hashed("everybody", str(lender_id), key=key)
    now = clock.now()
    locks = (
        tries.locked_until(lender_id, subject),
        tries.busy_until(lender_id, near, most=TRIES_FROM_ONE_ADDRESS, memory=guessing.ADDRESS_MEMORY),
        tries.busy_until(lender_id, far, most=guessing.TRIES_FROM_ONE_NETWORK, memory=guessing.ADDRESS_MEMORY),
        tries.braked_until(lender_id, everybody, known=_known_network(lender_id, near)),
    )
    debtor = session.get(Debtor, (lender_id, debtor_id or _NOBODY))
    if any(until is not None and until > now for until in locks):
        return Locked(until=max(until for until in locks if until is not None))
    known = hmac.compare_digest(str(debtor.born_on if debtor else None), str(born_on))
    if debtor is None or not known:
        tries.note(lender_id, subject, near, far, everybody)
        record(
            Act.SIGN_IN_REFUSED,
            by=Actor("visitor", "reference"),
            lender_id=lender_id,
            debtor_id=debtor.id if debtor else None,
            facts={"why": "reference or date of birth"},
        )
        wrong, _last = tries.count(lender_id, subject, memory=guessing.MEMORY)
        if wait := guessing.wait_after(wrong):
            # Nobody's reference has an id too, made from what was typed, so that the work is the same.
            _tell_of_lock(lender_id, debtor_id or uuid.UUID(subject[:32]), door="reference")
            return Locked(until=now + wait)
        return Wrong(left=guessing.left_after(wrong))
    return open_session(debtor, came_by="reference", device=device)


def _known_network(lender_id: uuid.UUID, network: str) -> bool:
    """Say whether somebody has signed in from a network before."""
    found = session.scalar(
        select(UserSession.id).where(UserSession.lender_id == lender_id, UserSession.network == network).limit(1)
    )
    return found is not None


def device_of(*, browser: str, address: str, device: str, key: str) -> Device:
    """Give what is kept of a device: `address` is its network address, `device` the secret of its own cookie."""
    near, _far = guessing.networks(address)
    return Device(
        browser=browser,
        network=hashed("address", near, key=key),
        id=hashed("device", device, key=key) if device else "",
    )


def open_session(debtor: Debtor, *, came_by: str, device: Device, strength: int = 1) -> SignedIn:
    """Open a session for somebody who showed who it is; says whether this device is new, and not the first one ever."""
    now = clock.now()
    theirs = (UserSession.lender_id == debtor.lender_id, UserSession.debtor_id == debtor.id)
    before = session.scalar(select(UserSession.id).where(*theirs).limit(1))
    known = session.scalar(select(UserSession.id).where(*theirs, UserSession.device == device.id).limit(1))
    opened = UserSession(
        lender_id=debtor.lender_id,
        id=new_id(),
        debtor_id=debtor.id,
        strength=strength,
        came_by=came_by,
        browser=device.browser,
        network=device.network,
        device=device.id,
        created_at=now,
        seen_at=now,
    )
    session.add(opened)
    record(
        Act.SIGNED_IN,
        by=Actor("debtor", str(debtor.id)),
        lender_id=debtor.lender_id,
        debtor_id=debtor.id,
        facts={"came_by": came_by, "session": opened.id, "browser": device.browser},
    )
    return SignedIn(
        lender_id=debtor.lender_id,
        session_id=opened.id,
        debtor_id=debtor.id,
        new_device=bool(device.id) and before is not None and known is None,
    )


def make_code(
    good_for: For, *, key: str, most: int = CODES_IN_A_ROW, to: Reach | None = None
) -> CodeSent | CodeUnderway | NoContact | TooManyCodes:
    """Make a six-digit code for a contact on file, or for `to`; the caller writes the message.

    Older codes for the same thing stop working. `most` is how many may go out in half an hour without one being used.
    """
    lender_id, debtor_id = good_for.lender_id, good_for.debtor_id
    # The person's row is locked, so that two requests at once can't pass the limit together.
    session.execute(
        select(Debtor.id).where(Debtor.lender_id == lender_id, Debtor.id == debtor_id).with_for_update()
    ).scalar_one()
    contact = to or _contact(lender_id, debtor_id)
    if contact is None:
        return NoContact()
    now = clock.now()
    if (slow := _codes_wait_until(lender_id, debtor_id)) is not None and slow > now:
        return TooManyCodes(until=slow)
    newest = session.scalar(_waiting(good_for).with_only_columns(OneTimeCode.created_at))
    if newest is not None and newest + NEW_CODE_AFTER > now:
        return CodeUnderway(until=newest + NEW_CODE_AFTER)
    recent = list(
        session.scalars(
            select(OneTimeCode.created_at)
            .where(
                OneTimeCode.lender_id == lender_id,
                OneTimeCode.debtor_id == debtor_id,
                OneTimeCode.created_at > now - LOCK,
                OneTimeCode.used_at.is_(None),
            )
            .order_by(OneTimeCode.created_at)
        )
    )
    if len(recent) >= most:
        return TooManyCodes(until=recent[-most] + LOCK)
    if good_for.step == "new" and (until := _strangers_wait_until(lender_id, debtor_id)) is not None:
        return TooManyCodes(until=until)
    session.execute(update(OneTimeCode).where(*_fits(good_for), OneTimeCode.expires_at > now).values(expires_at=now))
    code = f"{secrets.randbelow(10**6):06d}"
    session.add(
        OneTimeCode(
            lender_id=lender_id,
            debtor_id=debtor_id,
            contact_point_id=contact.id,
            session_id=good_for.session_id,
            purpose=good_for.purpose,
            about=good_for.about,
            code_hash=hashed("code", str(debtor_id), code, key=key),
            expires_at=now + CODE_LIFE,
            created_at=now,
        )
    )
    record(
        Act.CODE_SENT,
        by=Actor("debtor", str(debtor_id)),
        lender_id=lender_id,
        debtor_id=debtor_id,
        facts={"channel": contact.channel, "to": masked(contact.address), **_said(good_for)},
    )
    return CodeSent(address=masked(contact.address), code=code, contact=contact)


def _said(good_for: For) -> dict[str, object]:
    return {"session": good_for.session_id, "purpose": good_for.purpose, "about": good_for.about}


def _strangers_wait_until(lender_id: uuid.UUID, debtor_id: uuid.UUID) -> datetime | None:
    """Say until when no more codes go to addresses that are not on file, because many did within a day."""
    sent = list(
        session.scalars(
            select(OneTimeCode.created_at)
            .where(
                OneTimeCode.lender_id == lender_id,
                OneTimeCode.debtor_id == debtor_id,
                OneTimeCode.purpose == "contact_new",
                OneTimeCode.created_at > clock.now() - A_DAY,
            )
            .order_by(OneTimeCode.created_at)
        )
    )
    return sent[-CODES_TO_STRANGERS] + A_DAY if len(sent) >= CODES_TO_STRANGERS else None


def _codes_wait_until(lender_id: uuid.UUID, debtor_id: uuid.UUID) -> datetime | None:
    """Say until when no code is sent because many were answered wrongly today."""
    wrong, last = session.execute(
        select(func.coalesce(func.sum(OneTimeCode.wrong_answers), 0), func.max(OneTimeCode.created_at)).where(
            OneTimeCode.lender_id == lender_id,
            OneTimeCode.debtor_id == debtor_id,
            OneTimeCode.created_at > clock.now() - guessing.CODE_MEMORY,
            OneTimeCode.wrong_answers > 0,
        )
    ).one()
    return last + guessing.code_wait_after(int(wrong)) if last is not None else None


def _contact(lender_id: uuid.UUID, debtor_id: uuid.UUID) -> Reach | None:
    found = session.scalars(
        select(ContactPoint)
        .outerjoin(
            BouncedAddress,
            (BouncedAddress.lender_id == ContactPoint.lender_id)
            & (BouncedAddress.channel == ContactPoint.channel)
            & (BouncedAddress.address == ContactPoint.address)
            & BouncedAddress.mended_at.is_(None),
        )
        .where(ContactPoint.lender_id == lender_id, ContactPoint.debtor_id == debtor_id, *LIVE)
        # One that bounced is tried only where there is no other. What the person has confirmed comes before what a
        # lender's file says, however new that is.
        .order_by(
            BouncedAddress.id.is_not(None),
            ContactPoint.confirmed_at.is_(None),
            ContactPoint.channel.desc(),
            ContactPoint.id.desc(),
        )
        .limit(1)
    ).one_or_none()
    return Reach(found.channel, found.address, found.id) if found else None


def can_get_codes(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> bool:
    """Say whether anything is on file that a code could go to."""
    return _contact(lender_id, debtor_id) is not None


def _fits(good_for: For) -> tuple[ColumnElement[bool], ...]:
    return (
        OneTimeCode.lender_id == good_for.lender_id,
        OneTimeCode.debtor_id == good_for.debtor_id,
        OneTimeCode.session_id == good_for.session_id,
        OneTimeCode.purpose == good_for.purpose,
        OneTimeCode.about.is_(None) if good_for.about is None else OneTimeCode.about == good_for.about,
    )


def _waiting(good_for: For) -> Select[OneTimeCode]:
    """Ask for the code that could still be given, in this session and for this thing only."""
    return (
        select(OneTimeCode)
        .where(
            *_fits(good_for),
            OneTimeCode.expires_at > clock.now(),
            OneTimeCode.used_at.is_(None),
            OneTimeCode.wrong_answers < TRIES,
        )
        .order_by(OneTimeCode.created_at.desc())
        .limit(1)
    )


def code_waiting(good_for: For) -> str | None:
    """Give the masked address on file that a code still good was sent to, or None."""
    contact_id = session.scalar(_waiting(good_for).with_only_columns(OneTimeCode.contact_point_id))
    if contact_id is None:
        return None
    return masked(session.get_one(ContactPoint, (good_for.lender_id, contact_id)).address)


def new_code_waiting(good_for: For) -> bool:
    """Say whether a code still good was sent, wherever it went."""
    return session.scalar(_waiting(good_for).with_only_columns(OneTimeCode.id)) is not None


def give_code(good_for: For, *, code: str, key: str) -> CodeGood | Wrong | LinkGone:
    """Check a code and raise the session's strength to 2. `LinkGone`: there is no code that could still be given.

    Giving the same code a moment later is a second click, and good as well. A code sent to an address that is not on
    file yet shows nothing about who it is, and raises nothing. The session's cookie is made anew: one that was stolen
    before is worth nothing a moment later.
    """
    waiting = session.execute(_waiting(good_for).with_for_update()).scalar_one_or_none()
    if waiting is None:
        return CodeGood() if given_just_now(good_for, code=code, key=key) else LinkGone()
    lender_id, debtor_id = good_for.lender_id, good_for.debtor_id
    by = Actor("debtor", str(debtor_id))
    if not hmac.compare_digest(waiting.code_hash, hashed("code", str(debtor_id), code, key=key)):
        waiting.wrong_answers += 1
        record(Act.CODE_REFUSED, by=by, lender_id=lender_id, debtor_id=debtor_id, facts=_said(good_for))
        if waiting.wrong_answers >= TRIES:
            _tell_of_lock(lender_id, debtor_id, door="code")
        return Wrong(left=TRIES - waiting.wrong_answers) if waiting.wrong_answers < TRIES else LinkGone()
    waiting.used_at = clock.now()
    there = session.get(ContactPoint, (lender_id, waiting.contact_point_id)) if waiting.contact_point_id else None
    if there is not None:
        # Whoever has the code has the address: a bounce of an earlier day is over.
        mended(lender_id=lender_id, channel=there.channel, address=there.address)
    if good_for.step != "new":
        session.execute(
            update(UserSession)
            .where(UserSession.lender_id == lender_id, UserSession.id == good_for.session_id)
            .values(strength=2, turn=UserSession.turn + 1, turned_at=waiting.used_at)
        )
    record(Act.CODE_ACCEPTED, by=by, lender_id=lender_id, debtor_id=debtor_id, facts=_said(good_for))
    return CodeGood()


def given_just_now(good_for: For, *, code: str, key: str) -> bool:
    """Say whether this very code was given a moment ago, in this session and for this thing; wrong guesses count."""
    used = session.execute(
        select(OneTimeCode)
        .where(
            *_fits(good_for),
            OneTimeCode.used_at > clock.now() - GRACE,
            OneTimeCode.wrong_answers < TRIES,
        )
        .order_by(OneTimeCode.used_at.desc())
        .limit(1)
        .with_for_update()
    ).scalar_one_or_none()
    if used is None:
        return False
    if hmac.compare_digest(used.code_hash, hashed("code", str(good_for.debtor_id), code, key=key)):
        return True
    used.wrong_answers += 1
    return False


def end_session(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, session_id: uuid.UUID) -> None:
    """End a signed-in session; its cookie is worth nothing from then on."""
    session.execute(
        update(UserSession)
        .where(UserSession.lender_id == lender_id, UserSession.id == session_id, UserSession.ended_at.is_(None))
        .values(ended_at=clock.now())
    )
    record(
        Act.SIGNED_OUT,
        by=Actor("debtor", str(debtor_id)),
        lender_id=lender_id,
        debtor_id=debtor_id,
        facts={"session": session_id},
    )


def keep_language(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, language: str) -> None:
    """Keep the language that a debtor chose, for pages, letters and messages."""
    debtor = session.get_one(Debtor, (lender_id, debtor_id))
    record(
        Act.LANGUAGE_CHOSEN,
        by=Actor("debtor", str(debtor_id)),
        lender_id=lender_id,
        debtor_id=debtor_id,
        facts={"before": debtor.language, "after": language},
    )
    debtor.language = language


def keep_zone(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, zone: str) -> None:
    """Keep the IANA zone whose clock is a debtor's own."""
    debtor = session.get_one(Debtor, (lender_id, debtor_id))
    record(
        Act.ZONE_CHOSEN,
        by=Actor("debtor", str(debtor_id)),
        lender_id=lender_id,
        debtor_id=debtor_id,
        facts={"before": debtor.zone, "after": zone},
    )
    debtor.zone = zone


# A zone in which somebody lived before, with the instant until which.
Lived = tuple[datetime, str]


def zones_before(*, lender_id: uuid.UUID, debtor_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[Lived]]:
    """Give the zones that people chose to leave, oldest first; of whoever never did, nothing."""
    found: dict[uuid.UUID, list[Lived]] = {}
    for debtor_id, at, entry in session.execute(
        select(EvidenceRecord.debtor_id, EvidenceRecord.at, EvidenceRecord.entry)
        .where(
            EvidenceRecord.lender_id == lender_id,
            EvidenceRecord.debtor_id.in_(debtor_ids),
            EvidenceRecord.act == Act.ZONE_CHOSEN.value,
        )
        .order_by(EvidenceRecord.at, EvidenceRecord.id)
    ):
        if debtor_id is not None:
            found.setdefault(debtor_id, []).append((at, json.loads(entry)["facts"]["before"]))
    return found


def questions_wait_until(*, lender_id: uuid.UUID, address: str, key: str) -> datetime | None:
    """Count a question of a network, and say until when it waits if it asks too many; None if it may ask."""
    near, _far = guessing.networks(address)
    subject = hashed("question", near, key=key)
    count, last = tries.count(lender_id, subject, memory=guessing.QUESTION_MEMORY)
    if last is not None and count >= guessing.QUESTIONS:
        return last + guessing.QUESTION_MEMORY
    tries.note(lender_id, subject)
    return None


def checks_wait_until(*, lender_id: uuid.UUID, address: str, key: str) -> datetime | None:
    """Say until when a network waits that asked for too many letters which aren't there; None if it may ask."""
    near, _far = guessing.networks(address)
    subject = hashed("letter check", near, key=key)
    return tries.busy_until(lender_id, subject, most=guessing.QUESTIONS, memory=guessing.QUESTION_MEMORY)


def note_wrong_check(*, lender_id: uuid.UUID, address: str, key: str) -> None:
    """Count that a network asked for a letter that isn't there."""
    near, _far = guessing.networks(address)
    tries.note(lender_id, hashed("letter check", near, key=key))


def masked(address: str) -> str:
    """Give an address so that its owner knows it and nobody else learns it: `a•••@e•••.com`, `•••• 4321`."""
    if "@" in address:
        name, _, host = address.partition("@")
        return f"{name[:1]}•••@{host[:1]}•••.{host.rpartition('.')[2]}"
    return f"•••• {address[-4:]}"
