"""Passkeys: add after a code, name, list, remove, sign in. A challenge is one browser's, good once, for 5 minutes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select

from portal import clock
from portal.db import insert_unless_there, new_id, session
from portal.evidence.record import Act, Actor, record
from portal.people import notices, passkey_check
from portal.people.models import Debtor, Passkey, UsedChallenge
from portal.people.passkey_check import Copied, NotTrue, Site
from portal.people.sign_in import Device, SignedIn, hashed, open_session

CHALLENGE_LIFE = timedelta(minutes=5)
MOST_KEYS = 10
MOST_NAME = 40


@dataclass(frozen=True, slots=True)
class Added:
    """The key is kept."""

    passkey_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Refused:
    """What the browser answered does not hold, or came too late."""


@dataclass(frozen=True, slots=True)
class TooManyKeys:
    """One person has as many as anybody needs."""


def handle(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> bytes:
    """Give what a device keeps beside the key, to say whose it is: two ids, and nothing that a person could read."""
    return lender_id.bytes + debtor_id.bytes


def of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> list[Passkey]:
    """Give a person's passkeys, oldest first."""
    return list(
        session.scalars(
            select(Passkey)
            .where(Passkey.lender_id == lender_id, Passkey.debtor_id == debtor_id, Passkey.removed_at.is_(None))
            .order_by(Passkey.id)
        )
    )


def one(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, passkey_id: uuid.UUID) -> Passkey | None:
    """Give one passkey of this person."""
    mine = of(lender_id=lender_id, debtor_id=debtor_id)
    return next((passkey for passkey in mine if passkey.id == passkey_id), None)


def add(
    *,
    lender_id: uuid.UUID,
    debtor_id: uuid.UUID,
    at: Site,
    answer: str,
    challenge: bytes | None,
    name: str,
    key: str,
    by: Actor,
) -> Added | Refused | TooManyKeys:
    """Keep a key that a browser made, and tell the person. Sending it twice is sending it once."""
    session.execute(
        select(Debtor.id).where(Debtor.lender_id == lender_id, Debtor.id == debtor_id).with_for_update()
    ).scalar_one()
    if challenge is None:
        return Refused()
    mine = of(lender_id=lender_id, debtor_id=debtor_id)
    try:
        made = passkey_check.made(at, answer=answer, challenge=challenge)
    except NotTrue:
        return Refused()
    before = session.scalars(
        select(Passkey).where(Passkey.lender_id == lender_id, Passkey.credential_id == made.credential_id)
    ).one_or_none()
    if before is not None:
        return Added(before.id) if before.debtor_id == debtor_id and before.removed_at is None else Refused()
    if not use_up(lender_id, challenge, key=key):
        return Refused()
    if len(mine) >= MOST_KEYS:
        return TooManyKeys()
    kept = Passkey(
        lender_id=lender_id,
        id=new_id(),
        debtor_id=debtor_id,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        name=name,
        created_at=clock.now(),
    )
    session.add(kept)
    record(Act.PASSKEY_ADDED, by=by, lender_id=lender_id, debtor_id=debtor_id, facts={"passkey": kept.id, "name": name})
    notices.passkey_added(lender_id=lender_id, debtor_id=debtor_id, name=name)
    return Added(kept.id)


def use_up(lender_id: uuid.UUID, challenge: bytes, *, key: str) -> bool:
    """Use a challenge up; False if it was used before. What is too old to be taken at all is forgotten."""
    session.execute(
        delete(UsedChallenge).where(
            UsedChallenge.lender_id == lender_id, UsedChallenge.used_at < clock.now() - 2 * CHALLENGE_LIFE
        )
    )
    row = {
        "lender_id": lender_id,
        "id": new_id(),
        "challenge_hash": hashed("challenge", challenge.hex(), key=key),
        "used_at": clock.now(),
    }
    made = session.execute(
        insert_unless_there(UsedChallenge).values(row).on_conflict_do_nothing().returning(UsedChallenge.id)
    )
    return made.scalar_one_or_none() is not None


def enter(*, at: Site, answer: str, challenge: bytes | None, key: str, device: Device) -> SignedIn | Refused:
    """Sign in with a passkey; it shows more than a code does, so the session has strength 2."""
    if challenge is None:
        return Refused()
    try:
        credential_id, whose = passkey_check.named(answer)
        lender_id, debtor_id = uuid.UUID(bytes=whose[:16]), uuid.UUID(bytes=whose[16:])
    except (NotTrue, ValueError):
        return Refused()
    passkey = session.execute(
        select(Passkey)
        .where(
            Passkey.lender_id == lender_id,
            Passkey.credential_id == credential_id,
            Passkey.debtor_id == debtor_id,
            Passkey.removed_at.is_(None),
        )
        .with_for_update()
    ).scalar_one_or_none()
    if passkey is None:
        return Refused()
    try:
        count = passkey_check.used(
            at, answer=answer, challenge=challenge, public_key=passkey.public_key, sign_count=passkey.sign_count
        )
    except NotTrue as problem:
        copied = isinstance(problem, Copied)
        record(
            Act.PASSKEY_REFUSED,
            by=Actor("visitor", "passkey"),
            lender_id=lender_id,
            debtor_id=debtor_id,
            facts={"passkey": passkey.id, "looks_copied": copied},
        )
        if copied:
            notices.passkey_refused(lender_id=lender_id, debtor_id=debtor_id)
        return Refused()
    if not use_up(lender_id, challenge, key=key):
        return Refused()
    passkey.sign_count, passkey.used_at = count, clock.now()
    debtor = session.get_one(Debtor, (lender_id, debtor_id))
    return open_session(debtor, came_by="passkey", device=device, strength=2)


def rename(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, passkey_id: uuid.UUID, name: str, by: Actor) -> bool:
    """Give a passkey another name; False if the person has none such."""
    passkey = one(lender_id=lender_id, debtor_id=debtor_id, passkey_id=passkey_id)
    if passkey is None:
        return False
    if passkey.name != name:
        record(
            Act.PASSKEY_NAMED,
            by=by,
            lender_id=lender_id,
            debtor_id=debtor_id,
            facts={"passkey": passkey_id, "before": passkey.name, "after": name},
        )
        passkey.name = name
    return True


def remove(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, passkey_id: uuid.UUID, by: Actor) -> bool:
    """Let a passkey sign in no more; False if the person never had it. Removing twice is removing once."""
    passkey = session.execute(
        select(Passkey)
        .where(Passkey.lender_id == lender_id, Passkey.debtor_id == debtor_id, Passkey.id == passkey_id)
        .with_for_update()
    ).scalar_one_or_none()
    if passkey is None:
        return False
    if passkey.removed_at is None:
        passkey.removed_at = clock.now()
        record(Act.PASSKEY_REMOVED, by=by, lender_id=lender_id, debtor_id=debtor_id, facts={"passkey": passkey_id})
    return True
