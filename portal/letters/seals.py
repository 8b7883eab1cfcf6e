"""With what a lender seals its letters, and that it is done: a key sealed at rest, each with its certificates.

Invariant: a seal that was used is never deleted, so that what was sealed with it can be checked for ever. A letter
leaves sealed and stamped; if the time stamp authority is silent for `PATIENCE`, sealed without a time; it is never
sealed again. Without a key that can be used it leaves unsealed, and says so.
"""

from __future__ import annotations

import importlib
import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from portal import clock, queue
from portal.db import session, transaction
from portal.evidence.record import Act, Actor, record
from portal.lenders.models import Lender
from portal.letters import certificates
from portal.letters.certificates import SealPair
from portal.letters.models import IssuedLetter, LenderSeal

# So long a letter waits for a time stamp; then somebody who needs it gets it without.
PATIENCE = timedelta(minutes=15)
AGAIN_AFTER = timedelta(seconds=30)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Usable:
    """What a letter is sealed with just now."""

    id: uuid.UUID
    key: str
    chain: str
    silent_since: datetime | None


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A letter's bytes as they leave, and when the authority says that it saw them."""

    pdf: bytes
    seal_id: uuid.UUID
    stamped_at: datetime | None


def set_seal(lender: Lender, pair: SealPair, *, by: Actor) -> None:
    """Let a lender seal with a key from now on; the one before ends, and what it sealed stays good."""
    now = clock.now()
    _end(lender.id, now)
    session.add(
        LenderSeal(
            lender_id=lender.id,
            key=pair.key,
            chain=pair.chain,
            owner=pair.owner,
            good_until=pair.good_until,
            made_at=now,
        )
    )
    facts = {"owner": pair.owner, "good_until": pair.good_until.isoformat(), "certificates": pair.chain}
    record(Act.LENDER_SEAL_SET, by=by, lender_id=lender.id, facts=facts)


def end_seal(lender: Lender, *, by: Actor) -> None:
    """Let a lender's letters leave unsealed from now on."""
    _end(lender.id, clock.now())
    record(Act.LENDER_SEAL_SET, by=by, lender_id=lender.id, facts={"owner": None})


def _end(lender_id: uuid.UUID, now: datetime) -> None:
    # The key goes, for nothing needs it any more; the certificates stay.
    session.execute(
        update(LenderSeal)
        .where(LenderSeal.lender_id == lender_id, LenderSeal.ended_at.is_(None))
        .values(ended_at=now, key=None)
    )


def seal_of(lender_id: uuid.UUID) -> LenderSeal | None:
    """Give what a lender seals with, whether or not it can be used."""
    return session.scalar(select(LenderSeal).where(LenderSeal.lender_id == lender_id, LenderSeal.ended_at.is_(None)))


def roots_of(lender_id: uuid.UUID) -> str | None:
    """Give all roots that a lender's letters lead to, as PEM, newest first; None if it never sealed any."""
    chains = session.scalars(
        select(LenderSeal.chain).where(LenderSeal.lender_id == lender_id).order_by(LenderSeal.made_at.desc())
    ).all()
    return "".join(dict.fromkeys(certificates.root_of(chain) for chain in chains)) or None


def usable(lender_id: uuid.UUID) -> Usable | None:
    """Give what a lender's letters are sealed with now; None if there is nothing, and what is broken is logged."""
    found = seal_of(lender_id)
    if found is None:
        return None
    if found.key is None:
        log.error("the seal of lender %s can't be opened with this SECRET_KEY: its letters are not sealed", lender_id)
        return None
    if found.good_until <= clock.now():
        log.error("the certificate of lender %s has ended: its letters are not sealed", lender_id)
        return None
    return Usable(found.id, found.key, found.chain, found.silent_since)


def sealed(
    pdf: bytes, *, with_: Usable, lender_id: uuid.UUID, authority: str | None, authorities: Path | None
) -> SealedFile:
    """Seal a letter; outside of a transaction, for the authority may take its time.

    An authority that is none of the trusted `authorities`, if any are named, is as good as silent.

    :raises queue.TryLater: if the authority gives no time, and has not been silent for long.
    """
    sealing = _sealing()
    now = clock.now()
    roots, trusted = certificates.root_of(with_.chain), _read(authorities)
    try:
        done = sealing.seal(pdf, key=with_.key, chain=with_.chain, authority=authority)
        found = sealing.check(done, roots=roots, at=now, authorities=trusted)
        if not found.stamp_good:
            raise sealing.NoTime("the time stamp is not of an authority that is trusted here")
    except sealing.NoTime as problem:
        log.warning("the time stamp authority gives no time: %s", problem)
        since = with_.silent_since or now
        if with_.silent_since is None:
            _silent(lender_id, with_.id, since=since)
        if now - since < PATIENCE:
            raise queue.TryLater(AGAIN_AFTER) from problem
        done = sealing.seal(pdf, key=with_.key, chain=with_.chain, authority=None)
        found = sealing.check(done, roots=roots, at=now, authorities=trusted)
    else:
        if with_.silent_since is not None:
            _silent(lender_id, with_.id, since=None)
    if not found.good or not done.startswith(pdf):
        raise RuntimeError(f"a letter was sealed, and its seal is not good: {found}")
    return SealedFile(done, with_.id, found.stamped_at)


def _read(authorities: Path | None) -> str | None:
    return authorities.read_text("utf-8") if authorities else None


def _silent(lender_id: uuid.UUID, seal_id: uuid.UUID, *, since: datetime | None) -> None:
    with transaction() as s:
        s.execute(
            update(LenderSeal)
            .where(LenderSeal.lender_id == lender_id, LenderSeal.id == seal_id)
            .values(silent_since=since)
        )


def check(letter: IssuedLetter, pdf: bytes, *, authorities: Path | None) -> Any:
    """Say what the seal of a letter's file is worth: a `sealing.Found`; None for a letter that left unsealed."""
    if letter.seal_id is None:
        return None
    chain = session.scalar(
        select(LenderSeal.chain).where(LenderSeal.lender_id == letter.lender_id, LenderSeal.id == letter.seal_id)
    )
    return _sealing().check(
        pdf,
        roots=certificates.root_of(chain or ""),
        at=letter.issued_at,
        authorities=_read(authorities),
    )


def _sealing() -> Any:
    """Read pyHanko in, which takes a while: only where a letter is sealed or a seal is checked."""
    return importlib.import_module("portal.letters.sealing")
