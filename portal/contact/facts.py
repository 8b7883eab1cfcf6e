"""What the gate is told about a person: zones, choices, contacts, holds. Read anew each time it is asked."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from sqlalchemy import bindparam, select

from portal.contact.models import ContactChoice, ContactWish
from portal.db import read, session, table_of
from portal.lenders.models import Lender
from portal.people.models import LIVE, ContactPoint, Debtor
from portal.post import gate, phones
from portal.post.gate import Facts, Quiet
from portal.post.kinds import Group, kind_of
from portal.post.models import BouncedAddress, Message

_BOUNCED, _CHOICE = table_of(BouncedAddress).c, table_of(ContactChoice).c
_CONTACTS = (
    select(ContactPoint)
    .where(ContactPoint.lender_id == bindparam("lender_id"), ContactPoint.debtor_id == bindparam("debtor_id"), *LIVE)
    .order_by(ContactPoint.channel, ContactPoint.confirmed_at.is_(None), ContactPoint.id.desc())
)
_BOUNCED_AT = select(_BOUNCED.id).where(
    _BOUNCED.lender_id == bindparam("lender_id"),
    _BOUNCED.channel == bindparam("channel"),
    _BOUNCED.address == bindparam("address"),
    _BOUNCED.mended_at.is_(None),
)
_ALLOWED = select(_CHOICE.allowed).where(
    _CHOICE.lender_id == bindparam("lender_id"),
    _CHOICE.debtor_id == bindparam("debtor_id"),
    _CHOICE.channel == bindparam("channel"),
    _CHOICE.kinds == bindparam("kinds"),
)
_CHOSEN = select(_CHOICE.channel, _CHOICE.allowed).where(
    _CHOICE.lender_id == bindparam("lender_id"),
    _CHOICE.debtor_id == bindparam("debtor_id"),
    _CHOICE.kinds == bindparam("kinds"),
)
_LENDER, _DEBTOR, _POINT = table_of(Lender).c, table_of(Debtor).c, table_of(ContactPoint).c
_WISHED = table_of(ContactWish).c
_PERSON = (
    select(
        _LENDER.jurisdiction,
        _LENDER.zone.label("of_lender"),
        _DEBTOR.zone,
        _WISHED.quiet_from_minute,
        _WISHED.quiet_to_minute,
    )
    .join_from(table_of(Debtor), table_of(Lender), _LENDER.id == _DEBTOR.lender_id)
    .outerjoin(table_of(ContactWish), (_WISHED.lender_id == _DEBTOR.lender_id) & (_WISHED.debtor_id == _DEBTOR.id))
    .where(_DEBTOR.lender_id == bindparam("lender_id"), _DEBTOR.id == bindparam("debtor_id"))
)
_POINTS = (
    select(_POINT.channel, _POINT.address, _BOUNCED.id.label("bounced"))
    .outerjoin_from(
        table_of(ContactPoint),
        table_of(BouncedAddress),
        (_BOUNCED.lender_id == _POINT.lender_id)
        & (_BOUNCED.channel == _POINT.channel)
        & (_BOUNCED.address == _POINT.address)
        & _BOUNCED.mended_at.is_(None),
    )
    .where(
        _POINT.lender_id == bindparam("lender_id"),
        _POINT.debtor_id == bindparam("debtor_id"),
        _POINT.removed_at.is_(None),
        _POINT.wrong_at.is_(None),
    )
    .order_by(_POINT.channel, _POINT.confirmed_at.is_(None), _POINT.id.desc())
)
_WISH = select(ContactWish).where(
    ContactWish.lender_id == bindparam("lender_id"), ContactWish.debtor_id == bindparam("debtor_id")
)
HOURS = Path(gate.__file__).with_name("contact_hours.toml")


class Holds(Protocol):
    """Asks which holds stand on a person or a debt."""

    def __call__(
        self, *, lender_id: uuid.UUID, debtor_id: uuid.UUID, debt_id: uuid.UUID | None = None, at: datetime
    ) -> Iterable[HasStops]:
        """Give the holds at an instant."""


class HasStops(Protocol):
    """A hold as far as the gate is concerned."""

    @property
    def stops(self) -> Iterable[str]:
        """Give what it stops."""


# Whether what a message is about still is as it was written: by the lender and the message's `about`.
StillTrue = Callable[[uuid.UUID, str], bool | None]


@lru_cache(maxsize=1)
def rules() -> gate.Rules:
    """Give the hours in force, from the file; it is read once.

    :raises portal.post.gate.BadHours: if it can't be used.
    """
    return gate.read_rules(HOURS.read_text("utf-8"))


def of_message(message: Message, now: datetime, *, holding: Holds, still_true: StillTrue) -> Facts:
    """Give what the gate must know of a message to a debtor that is about to leave.

    :raises ValueError: if it is to staff, about whom the gate asks nothing.
    """
    if message.debtor_id is None:
        raise ValueError("a message to staff has no facts for the gate")
    return of(
        lender_id=message.lender_id,
        debtor_id=message.debtor_id,
        debt_id=message.debt_id,
        kind=message.kind,
        channel=message.channel,
        address=message.address,
        written_at=message.written_at,
        asked_at=message.asked_at,
        still_true=True if message.about is None else still_true(message.lender_id, message.about),
        now=now,
        holding=holding,
    )


def of(
    *,
    lender_id: uuid.UUID,
    debtor_id: uuid.UUID,
    debt_id: uuid.UUID | None,
    kind: str,
    channel: str,
    address: str,
    written_at: datetime,
    asked_at: datetime | None,
    still_true: bool | None,
    now: datetime,
    holding: Holds,
) -> Facts:
    """Give what the gate must know of a message to a person."""
    lender = session.get_one(Lender, lender_id)
    debtor = session.get(Debtor, (lender_id, debtor_id))
    points = contacts(lender_id=lender_id, debtor_id=debtor_id)
    holds = holding(lender_id=lender_id, debtor_id=debtor_id, debt_id=debt_id, at=now)
    group = gate_group(kind)
    return Facts(
        jurisdiction=lender.jurisdiction,
        written_at=written_at,
        asked_at=asked_at,
        zones=_zones(lender, debtor, points, also=address if channel == "sms" else None),
        own_quiet=own_quiet(wish_of(lender_id=lender_id, debtor_id=debtor_id)),
        allowed=None
        if debtor is None
        else allowed(lender_id=lender_id, debtor_id=debtor_id, channel=channel, group=group),
        on_file=None if debtor is None else any((each.channel, each.address) == (channel, address) for each in points),
        bounced=has_bounced(lender_id=lender_id, channel=channel, address=address),
        stopped=frozenset(stop for hold in holds for stop in hold.stops),
        still_true=still_true,
    )


def of_contacts(
    *, lender_id: uuid.UUID, debtor_id: uuid.UUID, kind: str, now: datetime, stopped: frozenset[str]
) -> list[tuple[Point, Facts]]:
    """Give what the gate must know of a message of a kind by each contact on file, with what they share read once.

    `stopped` is what the holds on this person stop.

    :raises LookupError: if there is no such person.
    """
    mine = {"lender_id": lender_id, "debtor_id": debtor_id}
    rows = read(_PERSON, mine)
    if not rows:
        raise LookupError("no such person")
    [person] = rows
    no = {row.channel for row in read(_CHOSEN, mine | {"kinds": gate_group(kind).value}) if not row.allowed}
    points = [Point(row.channel, row.address, row.bounced is not None) for row in read(_POINTS, mine)]
    zones = _all_zones(
        (point.address for point in points if point.channel == "sms"),
        own=person.zone,
        jurisdiction=person.jurisdiction,
        of_lender=person.of_lender,
    )
    return [
        (
            point,
            Facts(
                jurisdiction=person.jurisdiction,
                written_at=now,
                asked_at=None,
                zones=zones,
                own_quiet=_quiet(person.quiet_from_minute, person.quiet_to_minute),
                allowed=point.channel not in no,
                on_file=True,
                bounced=point.bounced,
                stopped=stopped,
                still_true=True,
            ),
        )
        for point in points
    ]


@dataclass(frozen=True, slots=True)
class Point:
    """A contact on file, and whether nobody is reached there."""

    channel: str
    address: str
    bounced: bool


def gate_group(kind: str) -> Group:
    """Give the group of a kind of message."""
    return kind_of(kind).group


def _zones(lender: Lender, debtor: Debtor | None, points: list[ContactPoint], *, also: str | None) -> tuple[str, ...]:
    """Give every zone that a person may be in; the lender's own only where nothing else is known."""
    numbers = {point.address for point in points if point.channel == "sms"} | ({also} if also else set())
    own = debtor.zone if debtor is not None else None
    return _all_zones(numbers, own=own, jurisdiction=lender.jurisdiction, of_lender=lender.zone)


def _all_zones(numbers: Iterable[str], *, own: str | None, jurisdiction: str, of_lender: str) -> tuple[str, ...]:
    found = {own} if own else set()
    for number in numbers:
        found |= set(phones.zones(number, jurisdiction=jurisdiction))
    return tuple(sorted(found or {of_lender}))


def contacts(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> list[ContactPoint]:
    """Give the contacts that may be written to, e-mail addresses first, of each the confirmed and then the newest."""
    return list(session.scalars(_CONTACTS, {"lender_id": lender_id, "debtor_id": debtor_id}))


def has_bounced(*, lender_id: uuid.UUID, channel: str, address: str) -> bool:
    """Say whether nobody is reached at an address."""
    return bool(read(_BOUNCED_AT, {"lender_id": lender_id, "channel": channel, "address": address}))


def allowed(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, channel: str, group: Group) -> bool:
    """Say whether a person takes a group of messages by a channel; without a word of theirs, yes."""
    values = {"lender_id": lender_id, "debtor_id": debtor_id, "channel": channel, "kinds": group.value}
    return all(row.allowed for row in read(_ALLOWED, values))


def wish_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> ContactWish | None:
    """Give where and when a person would rather be written to."""
    return session.scalars(_WISH, {"lender_id": lender_id, "debtor_id": debtor_id}).one_or_none()


def own_quiet(wish: ContactWish | None) -> Quiet | None:
    """Give a person's own quiet time."""
    return None if wish is None else _quiet(wish.quiet_from_minute, wish.quiet_to_minute)


def _quiet(start: int | None, end: int | None) -> Quiet | None:
    return None if start is None or end is None else Quiet(_time(start), _time(end))


def _time(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)
