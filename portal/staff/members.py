"""Who works for a lender: invite somebody, join with two factors, roles, and an end that holds at once."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from portal import clock, sealed
from portal.db import new_id, session
from portal.evidence.record import OPERATOR, Act, Actor, record
from portal.lenders.models import Lender
from portal.people.sign_in import hashed
from portal.staff import passwords, tell, totp
from portal.staff.models import StaffLink, StaffMember, StaffPasskey, StaffRecovery, StaffSession
from portal.staff.passwords import Weak
from portal.staff.roles import Permission, Role, permissions_of
from portal.web.languages import DEFAULT

LINK_LIFE = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Invited:
    """The account waits for whoever has the link; the token is kept nowhere."""

    member_id: uuid.UUID
    token: str


@dataclass(frozen=True, slots=True)
class AlreadyHere:
    """Somebody with this address works here."""

    member_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class LinkGone:
    """The link is unknown, used, too old or withdrawn; which of them is not said."""


@dataclass(frozen=True, slots=True)
class LinkOpen:
    """The link is good, for this member of the staff."""

    link: StaffLink
    member: StaffMember


@dataclass(frozen=True, slots=True)
class WrongCode:
    """The code is not the one that the app shows now."""


class Refused(Exception):
    """What was asked for would leave a lender without an administrator, or gives somebody power that is not theirs."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def address_of(email: str) -> str:
    """Give an e-mail address as it is kept and compared.

    Small letters only: folding for comparison makes another address of some, as `strasse.example` of `straße.example`.

    >>> address_of(" Kim@Straße.example")
    'kim@straße.example'
    """
    return email.strip().lower()


def find(*, lender_id: uuid.UUID, email: str) -> StaffMember | None:
    """Give the member with an address, whatever became of it."""
    return session.scalars(
        select(StaffMember).where(StaffMember.lender_id == lender_id, StaffMember.email == address_of(email))
    ).one_or_none()


def one(*, lender_id: uuid.UUID, member_id: uuid.UUID) -> StaffMember | None:
    """Give one member of a lender's staff."""
    return session.get(StaffMember, (lender_id, member_id))


def of(*, lender_id: uuid.UUID) -> Sequence[StaffMember]:
    """Give a lender's staff by name: who is here, who is invited, then who has left."""
    found = session.scalars(
        select(StaffMember).where(StaffMember.lender_id == lender_id).order_by(StaffMember.name, StaffMember.id)
    ).all()
    return sorted(found, key=lambda member: ("active", "invited", "ended").index(member.state))


def locked(*, lender_id: uuid.UUID, member_id: uuid.UUID) -> StaffMember:
    """Give a member as it is now, which nobody else changes before this act is done.

    Ways back are locked before their member and links after it, so that no two acts wait for each other.
    """
    return session.execute(
        select(StaffMember)
        .where(StaffMember.lender_id == lender_id, StaffMember.id == member_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()


def _lock_all(lender_id: uuid.UUID) -> None:
    """Let one act at a time decide on a lender's staff, so that two can't each remove the other's last colleague."""
    session.execute(select(Lender.id).where(Lender.id == lender_id).with_for_update(key_share=True)).scalar_one()


def _still_manages(lender_id: uuid.UUID, by: Actor) -> None:
    """Look under the lock whether a colleague still is who the page took it for when it was asked."""
    if by.kind != "staff":
        return
    who = one(lender_id=lender_id, member_id=uuid.UUID(by.id))
    if who is None or who.state != "active" or Permission.MANAGE_COLLEAGUES not in permissions_of(who.roles):
        raise Refused("gone")


def _only_given_by_operators(before: Iterable[str], after: Iterable[str], by: Actor) -> None:
    """Keep a lender's people from giving what is above their lender."""
    if by.kind == "staff" and Role.PLATFORM_OPERATOR in set(after) - set(before):
        raise Refused("operator")


def invite(
    *, lender_id: uuid.UUID, email: str, name: str, roles: Iterable[Role], language: str, key: str, by: Actor
) -> Invited | AlreadyHere:
    """Make an account that waits, and send the link; inviting somebody again who has not joined sends a new link.

    :raises Refused: if a colleague may not invite any more, or gives a role that no lender gives.
    """
    _lock_all(lender_id)
    _still_manages(lender_id, by)
    given = sorted({role.value for role in roles})
    _only_given_by_operators((), given, by)
    member = find(lender_id=lender_id, email=email)
    if member is not None:
        # Whoever has a link can join at any moment.
        member = locked(lender_id=lender_id, member_id=member.id)
    if member is not None and member.state == "active":
        return AlreadyHere(member.id)
    now = clock.now()
    if member is None:
        member = StaffMember(
            lender_id=lender_id,
            id=new_id(),
            email=address_of(email),
            name=name,
            language=language,
            roles=given,
            state="invited",
            created_at=now,
        )
        session.add(member)
    # Somebody who left and comes back starts anew.
    member.name, member.language, member.roles, member.state, member.ended_at = name, language, given, "invited", None
    member.password_hash = member.totp_secret = member.totp_new = None
    session.flush()
    token = make_link(member, purpose="join", key=key)
    record(
        Act.STAFF_INVITED,
        by=by,
        lender_id=lender_id,
        facts={"member": member.id, "name": name, "email": member.email, "roles": given},
    )
    tell.invited(member, token=token)
    return Invited(member.id, token)


def make_link(member: StaffMember, *, purpose: str, key: str) -> str:
    """Make a link and give its token; all earlier links of the member stop working."""
    withdraw_links(member)
    token = secrets.token_urlsafe(24)
    session.add(
        StaffLink(
            lender_id=member.lender_id,
            id=new_id(),
            member_id=member.id,
            purpose=purpose,
            token_hash=hashed("staff link", token, key=key),
            expires_at=clock.now() + LINK_LIFE,
            created_at=clock.now(),
        )
    )
    return token


def withdraw_links(member: StaffMember) -> None:
    """Let no link of a member work any more."""
    session.execute(
        update(StaffLink)
        .where(
            StaffLink.lender_id == member.lender_id,
            StaffLink.member_id == member.id,
            StaffLink.used_at.is_(None),
            StaffLink.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=clock.now())
    )


def look_at_link(token: str, *, lender_id: uuid.UUID, key: str) -> LinkOpen | LinkGone:
    """Say what a link is good for."""
    link = session.scalars(
        select(StaffLink).where(
            StaffLink.lender_id == lender_id, StaffLink.token_hash == hashed("staff link", token, key=key)
        )
    ).one_or_none()
    if link is None or link.used_at or link.withdrawn_at or link.expires_at <= clock.now():
        return LinkGone()
    member = session.get_one(StaffMember, (lender_id, link.member_id))
    return LinkGone() if member.state == "ended" else LinkOpen(link, member)


def _open_link(token: str, *, lender_id: uuid.UUID, key: str) -> LinkOpen | LinkGone:
    """Give a good link and its member, both locked: nobody ends the account or takes the link back meanwhile."""
    found = look_at_link(token, lender_id=lender_id, key=key)
    if isinstance(found, LinkGone):
        return found
    locked(lender_id=lender_id, member_id=found.member.id)
    session.refresh(found.link)
    return look_at_link(token, lender_id=lender_id, key=key)


def sealed_as(member: StaffMember) -> str:
    """Name what a member's secret belongs to."""
    return f"totp:{member.lender_id}:{member.id}"


def choose_password(token: str, *, lender_id: uuid.UUID, new_hash: str, key: str) -> LinkOpen | LinkGone:
    """Take the password of whoever has a link, and make the secret of its app; nothing counts before a code is given.

    Doing it again chooses again: the link is used up by the code alone. `new_hash` was made outside of the transaction,
    after `weakness`.
    """
    found = _open_link(token, lender_id=lender_id, key=key)
    if isinstance(found, LinkGone):
        return found
    member = found.member
    found.link.new_password = new_hash
    member.totp_new = sealed.seal(totp.new_secret(), of=sealed_as(member), key=key)
    record(
        Act.STAFF_PASSWORD_CHOSEN,
        by=Actor("staff", str(member.id)),
        lender_id=lender_id,
        facts={"member": member.id, "link": found.link.id},
    )
    return found


def weakness(member: StaffMember, password: str) -> Weak | None:
    """Say why this member's password is refused, or None."""
    lender = session.get_one(Lender, member.lender_id)
    return passwords.weakness(password, about=(member.name, member.email, lender.name, lender.slug))


def new_secret(member: StaffMember, *, key: str) -> str | None:
    """Give the secret that waits for its first code; None if there is none, or the installation has another key now."""
    try:
        return sealed.unseal(member.totp_new, of=sealed_as(member), key=key) if member.totp_new else None
    except sealed.CannotOpen:
        return None


def join(token: str, *, lender_id: uuid.UUID, code: str, key: str) -> StaffMember | LinkGone | WrongCode:
    """Take the first code of the app: the account is open, and the link used up. Sessions and keys of before end."""
    found = _open_link(token, lender_id=lender_id, key=key)
    if isinstance(found, LinkGone):
        return found
    member, secret = found.member, new_secret(found.member, key=key)
    if found.link.new_password is None or secret is None:
        return LinkGone()
    step = totp.step_of(secret, code, at=clock.now(), after=0)
    if step is None:
        found.link.wrong_codes += 1
        if found.link.wrong_codes >= 10:
            found.link.withdrawn_at = clock.now()
            return LinkGone()
        return WrongCode()
    end_sessions(member)
    _remove_keys(member)
    member.password_hash, found.link.new_password = found.link.new_password, None
    member.totp_secret, member.totp_new, member.totp_step = member.totp_new, None, step
    member.state = "active"
    found.link.used_at = clock.now()
    record(
        Act.STAFF_JOINED if found.link.purpose == "join" else Act.STAFF_RECOVERED,
        by=Actor("staff", str(member.id)),
        lender_id=lender_id,
        facts={"member": member.id, "roles": list(member.roles)},
    )
    return member


def open_way_back(*, lender_id: uuid.UUID, email: str, key: str) -> str | None:
    """Send a way back in and give its token, where there are no two colleagues to ask: only for operators.

    None if nobody with this address works there. What is used now works until the new app has given a code.
    """
    found = find(lender_id=lender_id, email=email)
    member = locked(lender_id=lender_id, member_id=found.id) if found is not None else None
    if member is None or member.state != "active":
        return None
    token = make_link(member, purpose="recover", key=key)
    record(
        Act.STAFF_VOUCHED,
        by=OPERATOR,
        lender_id=lender_id,
        facts={"member": member.id, "recovery": None, "words": None, "second": True},
    )
    tell.way_back(member, token=token, by_colleagues=False)
    return token


def open_made_up(
    *, lender_id: uuid.UUID, email: str, name: str, role: Role, password_hash: str, secret: str, key: str
) -> None:
    """Open an account of a demo, whose password and secret are printed; one that is there stays as it is."""
    _lock_all(lender_id)
    if find(lender_id=lender_id, email=email) is not None:
        return
    member = StaffMember(
        lender_id=lender_id,
        id=new_id(),
        email=address_of(email),
        name=name,
        language=DEFAULT,
        roles=[role.value],
        state="active",
        password_hash=password_hash,
        created_at=clock.now(),
    )
    member.totp_secret = sealed.seal(secret, of=sealed_as(member), key=key)
    session.add(member)
    record(
        Act.STAFF_JOINED,
        by=OPERATOR,
        lender_id=lender_id,
        facts={"member": member.id, "roles": [role.value], "made_up": True},
    )


def keep_language(*, lender_id: uuid.UUID, member_id: uuid.UUID, language: str) -> None:
    """Keep the language that a member chose."""
    member = locked(lender_id=lender_id, member_id=member_id)
    record(
        Act.STAFF_LANGUAGE_CHOSEN,
        by=Actor("staff", str(member_id)),
        lender_id=lender_id,
        facts={"member": member_id, "before": member.language, "after": language},
    )
    member.language = language


def end_sessions(member: StaffMember, *, but: uuid.UUID | None = None) -> int:
    """End the sessions of a member, `but` one; gives how many there were."""
    ended = session.scalars(
        update(StaffSession)
        .where(
            StaffSession.lender_id == member.lender_id,
            StaffSession.member_id == member.id,
            StaffSession.ended_at.is_(None),
            *(() if but is None else (StaffSession.id != but,)),
        )
        .values(ended_at=clock.now())
        .returning(StaffSession.id)
    ).all()
    return len(ended)


def _remove_keys(member: StaffMember) -> None:
    session.execute(
        update(StaffPasskey)
        .where(
            StaffPasskey.lender_id == member.lender_id,
            StaffPasskey.member_id == member.id,
            StaffPasskey.removed_at.is_(None),
        )
        .values(removed_at=clock.now())
    )


def set_roles(*, lender_id: uuid.UUID, member_id: uuid.UUID, roles: Iterable[Role], by: Actor) -> StaffMember:
    """Give a member other roles; they hold from the next page on.

    :raises Refused: if it is oneself, nobody would be left who manages the staff, or it is not for the one who asks.
    """
    _lock_all(lender_id)
    _still_manages(lender_id, by)
    after = sorted({role.value for role in roles})
    if Permission.VOUCH not in permissions_of(after):
        _forget_voice(lender_id, member_id)
    member = locked(lender_id=lender_id, member_id=member_id)
    _only_given_by_operators(member.roles, after, by)
    if by == Actor("staff", str(member_id)):
        raise Refused("oneself")
    if member.state == "ended":
        raise Refused("ended")
    if Permission.MANAGE_COLLEAGUES not in permissions_of(after):
        _somebody_else_manages(member)
    before = list(member.roles)
    if before != after:
        member.roles = after
        record(
            Act.STAFF_ROLES_CHANGED,
            by=by,
            lender_id=lender_id,
            facts={"member": member_id, "before": before, "after": after},
        )
        tell.roles_changed(member)
    return member


def end(*, lender_id: uuid.UUID, member_id: uuid.UUID, by: Actor) -> StaffMember:
    """Let somebody in no more: sessions, keys and links end in the same act. Twice is once.

    :raises Refused: if it is oneself, nobody would be left who manages the staff, or it is not for the one who asks.
    """
    _lock_all(lender_id)
    _still_manages(lender_id, by)
    _forget_voice(lender_id, member_id)
    session.execute(
        update(StaffRecovery)
        .where(
            StaffRecovery.lender_id == lender_id, StaffRecovery.member_id == member_id, StaffRecovery.state == "open"
        )
        .values(state="expired")
    )
    member = locked(lender_id=lender_id, member_id=member_id)
    if by == Actor("staff", str(member_id)):
        raise Refused("oneself")
    if member.state == "ended":
        return member
    _somebody_else_manages(member)
    ended = end_sessions(member)
    _remove_keys(member)
    withdraw_links(member)
    member.state, member.ended_at = "ended", clock.now()
    member.password_hash = member.totp_secret = member.totp_new = None
    record(Act.STAFF_ENDED, by=by, lender_id=lender_id, facts={"member": member_id, "sessions": ended})
    return member


def _forget_voice(lender_id: uuid.UUID, member_id: uuid.UUID) -> None:
    """Let what somebody said for a colleague count no more, where a second voice has not come yet."""
    session.execute(
        update(StaffRecovery)
        .where(StaffRecovery.lender_id == lender_id, StaffRecovery.first_id == member_id, StaffRecovery.state == "open")
        .values(first_id=None, first_words=None, first_at=None)
    )


def _somebody_else_manages(member: StaffMember) -> None:
    if member.state != "active" or Permission.MANAGE_COLLEAGUES not in permissions_of(member.roles):
        return
    others = (other for other in of(lender_id=member.lender_id) if other.id != member.id and other.state == "active")
    if not any(Permission.MANAGE_COLLEAGUES in permissions_of(other.roles) for other in others):
        raise Refused("last")
