"""A lender's limits by version: load them, check a draft, find the card that counts for a debt.

Invariant: what was loaded is never changed; a debt is answered by the newest version that has started. One that was
called off before its first day never starts.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import cast

from sqlalchemy import bindparam, func, literal_column, select

from portal import clock
from portal.db import new_id, read, session, table_of
from portal.debts.models import Debt
from portal.debts.statement import Standing, all_open
from portal.evidence.record import OPERATOR, Act, Actor, record
from portal.limits import checks
from portal.limits.cards import NO_ATTRIBUTES, Card, Limits, LimitsSet
from portal.limits.reading import parse
from portal.plans.models import LimitsVersion

_VERSION, _DEBT = table_of(LimitsVersion).c, table_of(Debt).c
_IN_FORCE = (
    select(_VERSION.id)
    .where(
        _VERSION.lender_id == bindparam("lender_id"),
        _VERSION.effective_from <= bindparam("today"),
        _VERSION.called_off_at.is_(None),
    )
    .order_by(_VERSION.effective_from.desc(), _VERSION.number.desc())
    .limit(literal_column("1"))
)
_BY_ID = select(_VERSION.number, _VERSION.source).where(
    _VERSION.lender_id == bindparam("lender_id"), _VERSION.id == bindparam("version_id")
)
_ATTRIBUTES = select(_DEBT.attributes).where(
    _DEBT.lender_id == bindparam("lender_id"), _DEBT.id == bindparam("debt_id")
)


class NoLimits(Exception):
    """The lender has written no limits that are in force, or none that fit this debt."""


@dataclass(frozen=True, slots=True)
class Version:
    """One loaded version of a lender's limits, read."""

    id: uuid.UUID
    number: int
    limits: LimitsSet


@dataclass(frozen=True, slots=True)
class InForce:
    """The limits that apply to one debt today, with the version that they come from."""

    version_id: uuid.UUID
    number: int
    card: Card

    @property
    def limits(self) -> Limits:
        """Give the card's limits."""
        return self.card.limits


@lru_cache(maxsize=64)
def _parsed(source: str, currency: str) -> LimitsSet:
    return parse(source, currency=currency, loaded=True)


def drafted(text: str, *, lender_id: uuid.UUID, currency: str) -> LimitsSet:
    """Read a draft of a lender's limits, and give it if it contradicts neither itself nor the versions that are there.

    :raises portal.limits.reading.LimitsError: if the text says something that can't be.
    """
    rows = session.execute(
        select(LimitsVersion.number, LimitsVersion.effective_from)
        .where(
            LimitsVersion.lender_id == lender_id,
            LimitsVersion.sha256 != _digest(text),
            LimitsVersion.called_off_at.is_(None),
        )
        .order_by(LimitsVersion.number)
    )
    loaded = [checks.Loaded(number=row.number, effective_from=row.effective_from) for row in rows]
    return checks.draft(text, currency=currency, loaded=loaded, today=clock.now().date())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def load_limits(text: str, *, lender_id: uuid.UUID, currency: str, by: Actor = OPERATOR) -> LimitsVersion:
    """Load a lender's limits as a new version; the same text again changes nothing.

    :raises portal.limits.reading.LimitsError: if the text says something that can't be.
    """
    digest = _digest(text)
    last = session.scalars(
        select(LimitsVersion).where(LimitsVersion.lender_id == lender_id).order_by(LimitsVersion.number.desc()).limit(1)
    ).one_or_none()
    if last is not None and last.sha256 == digest and last.called_off_at is None:
        return last
    limits = drafted(text, lender_id=lender_id, currency=currency)
    version = keep_version(text, lender_id=lender_id, first_day=limits.effective_from)
    record(
        Act.LIMITS_LOADED,
        by=by,
        lender_id=lender_id,
        facts={"version": version.number, "sha256": digest, "effective_from": limits.effective_from},
    )
    return version


def keep_version(text: str, *, lender_id: uuid.UUID, first_day: date) -> LimitsVersion:
    """Keep a text as a lender's next version; whoever decides has looked at it and writes down who decided."""
    last = session.scalars(select(func.max(LimitsVersion.number)).where(LimitsVersion.lender_id == lender_id)).one()
    version = LimitsVersion(
        lender_id=lender_id,
        id=new_id(),
        number=1 + (last or 0),
        effective_from=first_day,
        source=text,
        sha256=_digest(text),
        loaded_at=clock.now(),
    )
    session.add(version)
    session.flush()
    return version


def version_in_force(*, lender_id: uuid.UUID, currency: str, today: date) -> Version:
    """Give the newest version of a lender's limits that has started.

    :raises NoLimits: if there is none.
    """
    rows = read(_IN_FORCE, {"lender_id": lender_id, "today": today})
    if not rows:
        raise NoLimits
    return version_of(rows[0].id, lender_id=lender_id, currency=currency)


@lru_cache(maxsize=64)
def version_of(version_id: uuid.UUID, *, lender_id: uuid.UUID, currency: str) -> Version:
    """Give one version of a lender's limits, whatever has been loaded since; none ever changes, so it is read once."""
    [row] = read(_BY_ID, {"lender_id": lender_id, "version_id": version_id})
    return Version(id=version_id, number=row.number, limits=_parsed(row.source, currency))


def limits_in_force(debt: Standing, *, today: date, attributes: Mapping[str, str] | None = None) -> InForce:
    """Give the limits for a debt: the newest version that has started, and its first card that fits.

    Attributes that are known already are not read again.

    :raises NoLimits: if there is none.
    """
    version = version_in_force(lender_id=debt.lender_id, currency=debt.owed.currency, today=today)
    if attributes is None:
        attributes = attributes_of(debt) if version.limits.asks_attributes else NO_ATTRIBUTES
    card = version.limits.limits_for(
        balance=debt.owed, days_late=debt.days_late(today), product=debt.product, attributes=attributes
    )
    if card is None:
        raise NoLimits
    return InForce(version_id=version.id, number=version.number, card=card)


def attributes_of(debt: Standing) -> Mapping[str, str]:
    """Give what the lender's file says of a debt beside its figures; read only where a card looks at it."""
    [[found]] = read(_ATTRIBUTES, {"lender_id": debt.lender_id, "debt_id": debt.id})
    return cast(Mapping[str, str], found)


def explain(debt: Standing, *, today: date) -> tuple[Version, tuple[tuple[Card, tuple[str, ...]], ...]]:
    """Give the version in force, and its cards down to the one that counts for a debt, each with why it doesn't fit.

    The last one has no hindrances and counts, or there is none that fits.

    :raises NoLimits: if no version has started.
    """
    version = version_in_force(lender_id=debt.lender_id, currency=debt.owed.currency, today=today)
    attributes = attributes_of(debt)
    tried = []
    for card in version.limits.cards:
        hindrances = card.when.why_not(
            balance=debt.owed, days_late=debt.days_late(today), product=debt.product, attributes=attributes
        )
        tried.append((card, hindrances))
        if not hindrances:
            break
    return version, tuple(tried)


def without_card(limits: LimitsSet, *, lender_id: uuid.UUID, today: date) -> tuple[int, Standing | None]:
    """Count the open debts of a lender that no card of a set fits, with the first of them as an example."""
    count, example, last = 0, None, None
    while page := all_open(lender_id=lender_id, after=last):
        last = page[-1].id
        attributes = attributes_between(lender_id, page[0].id, last) if limits.asks_attributes else {}
        for debt in page:
            if debt.owed.minor <= 0:
                continue
            card = limits.limits_for(
                balance=debt.owed,
                days_late=debt.days_late(today),
                product=debt.product,
                attributes=attributes.get(debt.id, NO_ATTRIBUTES),
            )
            if card is None:
                count, example = count + 1, example or debt
    return count, example


def attributes_between(lender_id: uuid.UUID, first: uuid.UUID, last: uuid.UUID) -> dict[uuid.UUID, Mapping[str, str]]:
    """Give what the lender's file says of its debts from one key to another, beside their figures."""
    rows = session.execute(
        select(Debt.id, Debt.attributes).where(Debt.lender_id == lender_id, Debt.id.between(first, last))
    )
    return {row.id: row.attributes for row in rows}
