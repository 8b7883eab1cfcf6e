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
_BOUNCED_OF = select(_BOUNCED.channel, _BOUNCED.address).where(
    _BOUNCED.lender_id == bindparam("lender_id"), _BOUNCED.channel.in_(("email", "sms")), _BOUNCED.mended_at.is_(None)
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
    known = _known(lender_id=lender_id, debtor_id=debtor_id, debt_id=debt_id, now=now, holding=holding)
    return Facts(
        jurisdiction=known.lender.jurisdiction,
        written_at=written_at,
        asked_at=asked_at,
        zones=_zones(known.lender, known.debtor, known.points, also=address if channel == "sms" else None),
        own_quiet=known.quiet,
        allowed=None
        if known.debtor is None
        else allowed(lender_id=lender_id, debtor_id=debtor_id, channel=channel, group=gate_group(kind)),
        on_file=None
        if known.debtor is None
        else any((each.channel, each.address) == (channel, address) for each in known.points),
        bounced=has_bounced(lender_id=lender_id, channel=channel, address=address),
        stopped=known.stopped,
        still_true=still_true,
    )


def of_contacts(
    *, lender_id: uuid.UUID, debtor_id: uuid.UUID, kind: str, now: datetime, holding: Holds
) -> list[tuple[ContactPoint, Facts]]:
    """Give what the gate must know of a message of a kind by each contact on file, with what they share read once.

    :raises LookupError: if there is no such person.
    """
    known = _known(lender_id=lender_id, debtor_id=debtor_id, debt_id=None, now=now, holding=holding)
    if known.debtor is None:
        raise LookupError("no such person")
    no = {
        row.channel
        for row in read(_CHOSEN, {"lender_id": lender_id, "debtor_id": debtor_id, "kinds": gate_group(kind).value})
        if not row.allowed
    }
    asked = _BOUNCED_OF.where(_BOUNCED.address.in_([point.address for point in known.points]))
    bounced = {(row.channel, row.address) for row in session.execute(asked, {"lender_id": lender_id})}
    return [
        (
            point,
            Facts(
                jurisdiction=known.lender.jurisdiction,
                written_at=now,
                asked_at=None,
                zones=_zones(known.lender, known.debtor, known.points, also=None),
                own_quiet=known.quiet,
                allowed=point.channel not in no,
                on_file=True,
                bounced=(point.channel, point.address) in bounced,
                stopped=known.stopped,
                still_true=True,
            ),
        )
        for point in known.points
    ]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is the same for every message to a person."""

    lender: Lender
    debtor: Debtor | None
    points: list[ContactPoint]
    quiet: Quiet | None
    stopped: frozenset[str]


def _known(
    *, lender_id: uuid.UUID, debtor_id: uuid.UUID, debt_id: uuid.UUID | None, now: datetime, holding: Holds
) -> _Known:
    holds = holding(lender_id=lender_id, debtor_id=debtor_id, debt_id=debt_id, at=now)
    return _Known(
        lender=session.get_one(Lender, lender_id),
        debtor=session.get(Debtor, (lender_id, debtor_id)),
        points=contacts(lender_id=lender_id, debtor_id=debtor_id),
        quiet=own_quiet(wish_of(lender_id=lender_id, debtor_id=debtor_id)),
        stopped=frozenset(stop for hold in holds for stop in hold.stops),
    )


def gate_group(kind: str) -> Group:
    """Give the group of a kind of message."""
    return kind_of(kind).group


def _zones(lender: Lender, debtor: Debtor | None, points: list[ContactPoint], *, also: str | None) -> tuple[str, ...]:
    """Give every zone that a person may be in; the lender's own only where nothing else is known."""
    numbers = {point.address for point in points if point.channel == "sms"} | ({also} if also else set())
    found = {debtor.zone} if debtor is not None and debtor.zone else set()
    for number in numbers:
        found |= set(phones.zones(number, jurisdiction=lender.jurisdiction))
    return tuple(sorted(found or {lender.zone}))


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
    if wish is None or wish.quiet_from_minute is None or wish.quiet_to_minute is None:
        return None
    return Quiet(_time(wish.quiet_from_minute), _time(wish.quiet_to_minute))


def _time(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)
