"""What stops for a person, since when and until when: asked before a reminder, a charge, or a letter about money.

Invariant: a hold comes from a request, and ends with it at the latest; `flask verify` holds them against each other.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, bindparam, literal_column, null, or_, select, union_all

from portal import clock
from portal.care.clocks import Clock
from portal.care.models import CareHold, CareRequest, Outage
from portal.care.states import DISPUTES, WAITING, Event, Kind, ends_hold
from portal.db import new_id, read, session, table_of
from portal.debts.models import Debt
from portal.evidence.record import PORTAL, Act, Actor, record
from portal.people.models import Debtor

# The hold of a request whose words made us fear for somebody: all messages that ask for money stop.
URGENT = "urgent"
_URGENT_STOPS = ("collection", "reminders")

_HOLD, _REQUEST, _DEBT, _DEBTOR = table_of(CareHold).c, table_of(CareRequest).c, table_of(Debt).c, table_of(Debtor).c
_OUTAGE = table_of(Outage).c
_AT: BindParameter[datetime] = bindparam("at", type_=_HOLD.since.type)
_IN_FORCE_AT = (
    _HOLD.since <= _AT,
    or_(_HOLD.until.is_(None), _HOLD.until > _AT),
    or_(_HOLD.ended_at.is_(None), _HOLD.ended_at > _AT),
)
_IN_FORCE = (
    select(
        _HOLD.kind,
        _HOLD.stops,
        _HOLD.since,
        _HOLD.until,
        _HOLD.debt_id,
        _REQUEST.number,
        _REQUEST.answer_by,
        _REQUEST.state,
        _DEBT.reference,
    )
    .join_from(
        table_of(CareHold),
        table_of(CareRequest),
        (_REQUEST.lender_id == _HOLD.lender_id) & (_REQUEST.id == _HOLD.request_id),
    )
    .join(table_of(Debt), (_DEBT.lender_id == _HOLD.lender_id) & (_DEBT.id == _HOLD.debt_id), isouter=True)
    .where(
        _HOLD.lender_id == bindparam("lender_id"),
        _HOLD.debtor_id == bindparam("debtor_id"),
        *_IN_FORCE_AT,
    )
    .order_by(_HOLD.since, _HOLD.id)
)
_OF_DEBT = _IN_FORCE.where(or_(_HOLD.debt_id.is_(None), _HOLD.debt_id == bindparam("debt_id")))
# For statements about a debt: whether somebody says that it or its amount is wrong, at the instant that is bound.
IS_DISPUTED = (
    select(1)
    .where(
        _HOLD.lender_id == _DEBT.lender_id,
        _HOLD.debtor_id == _DEBT.debtor_id,
        or_(_HOLD.debt_id.is_(None), _HOLD.debt_id == _DEBT.id),
        _HOLD.kind.in_([literal_column(f"'{kind.value}'", _HOLD.kind.type) for kind in sorted(DISPUTES, key=str)]),
        *_IN_FORCE_AT,
    )
    .correlate(table_of(Debt))
    .exists()
)


# Since when, until when and by whose calendar: holds that covered a debt, and times in which nobody could pay.
_EVER_OF_ALL = union_all(
    select(
        _HOLD.lender_id, _HOLD.debtor_id, _HOLD.debt_id, _HOLD.since, _HOLD.until, _HOLD.ended_at, _DEBTOR.zone
    ).join_from(
        table_of(CareHold), table_of(Debtor), (_DEBTOR.lender_id == _HOLD.lender_id) & (_DEBTOR.id == _HOLD.debtor_id)
    ),
    select(_OUTAGE.lender_id, _DEBTOR.id, null(), _OUTAGE.since, _OUTAGE.until, null(), _DEBTOR.zone).join_from(
        table_of(Outage), table_of(Debtor), _DEBTOR.lender_id == _OUTAGE.lender_id
    ),
).subquery("ever")
_IT = _EVER_OF_ALL.c
_EVER = (
    select(_IT.since, _IT.until, _IT.ended_at, _IT.zone)
    .where(
        _IT.lender_id == bindparam("lender_id"),
        _IT.debtor_id == bindparam("debtor_id"),
        or_(_IT.debt_id.is_(None), _IT.debt_id == bindparam("debt_id")),
    )
    .order_by(_IT.since)
)
_EVER_OF_MANY = (
    select(_IT.debtor_id, _IT.debt_id, _IT.since, _IT.until, _IT.ended_at, _IT.zone)
    .where(_IT.lender_id == bindparam("lender_id"), _IT.debtor_id.in_(bindparam("debtor_ids", expanding=True)))
    .order_by(_IT.since)
)


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold in force. `debt_id` None: all debts of the person. `stops` holds of: reminders, autopay, collection."""

    kind: str
    stops: frozenset[str]
    since: datetime
    until: datetime | None
    debt_id: uuid.UUID | None
    debt_reference: str | None
    request_number: str
    answer_by: date
    waiting: bool

    @property
    def disputed(self) -> bool:
        """Say whether somebody says that this debt or its amount is wrong."""
        return self.kind in DISPUTES


def is_disputed(holds: Iterable[Hold]) -> bool:
    """Say whether something is not agreed on; what made us worry for somebody is no dispute."""
    return any(hold.disputed and hold.kind != URGENT for hold in holds)


def holding(
    *, lender_id: uuid.UUID, debtor_id: uuid.UUID, debt_id: uuid.UUID | None = None, at: datetime
) -> tuple[Hold, ...]:
    """Give the holds in force at an instant, oldest first.

    With a debt: those that cover it. Without: all of the person, so that whoever asks about nobody's debt in
    particular leaves a person alone who is to be left alone.
    """
    values: dict[str, object] = {"lender_id": lender_id, "debtor_id": debtor_id, "at": at}
    if debt_id is not None:
        values["debt_id"] = debt_id
    return tuple(
        Hold(
            kind=row.kind,
            stops=frozenset(row.stops),
            since=row.since,
            until=row.until,
            debt_id=row.debt_id,
            debt_reference=row.reference,
            request_number=row.number,
            answer_by=row.answer_by,
            waiting=row.state in WAITING,
        )
        for row in read(_IN_FORCE if debt_id is None else _OF_DEBT, values)
    )


def stopped(
    what: str, *, lender_id: uuid.UUID, debtor_id: uuid.UUID, debt_id: uuid.UUID | None = None, at: datetime
) -> Hold | None:
    """Give the first hold that stops something ("reminders", "autopay", "collection"), or None if it may go on."""
    found = holding(lender_id=lender_id, debtor_id=debtor_id, debt_id=debt_id, at=at)
    return next((hold for hold in found if what in hold.stops), None)


def days_held(
    *, lender_id: uuid.UUID, debtor_id: uuid.UUID, debt_id: uuid.UUID
) -> tuple[tuple[date, date | None], ...]:
    """Give the days on which a hold covered a debt, or nobody could pay, now or before: first and last, in their zone.

    A day that was held for a part of it is held. Without a last day the hold lasts until an answer that has not come.
    """
    rows = read(_EVER, {"lender_id": lender_id, "debtor_id": debtor_id, "debt_id": debt_id})
    return tuple(_stretch(row) for row in rows)


def days_held_of(
    *, lender_id: uuid.UUID, debts: Mapping[uuid.UUID, uuid.UUID]
) -> dict[uuid.UUID, tuple[tuple[date, date | None], ...]]:
    """Give the same for many debts at once; each stands with its debtor."""
    values = {"lender_id": lender_id, "debtor_ids": sorted(set(debts.values()))}
    rows = session.execute(_EVER_OF_MANY, values).all()
    return {
        debt_id: tuple(_stretch(row) for row in rows if row.debtor_id == debtor_id and row.debt_id in (None, debt_id))
        for debt_id, debtor_id in debts.items()
    }


def _stretch(row: Any) -> tuple[date, date | None]:
    place = clock.zone(row.zone)
    first = row.since.astimezone(place).date()
    ends = [end for end in (row.until, row.ended_at) if end is not None]
    # The instant at which it ends is outside, so an end at midnight leaves the new day alone.
    last = (min(ends) - timedelta(microseconds=1)).astimezone(place).date() if ends else None
    return first, None if last is None else max(first, last)


def begin(request: CareRequest, *, clock_row: Clock) -> tuple[str, ...]:
    """Stop what the clock of a request says, and everything that presses where somebody may be in danger.

    Gives what stopped, each word once. Part of the act that opens the request.
    """
    stopped_now: set[str] = set()
    if request.debtor_id is None:
        return ()
    wanted = []
    if clock_row.stops and (request.debt_id is not None or not clock_row.only_with_debt):
        until = request.opened_at + timedelta(days=clock_row.hold_days) if clock_row.hold_days else None
        wanted.append((request.kind, tuple(sorted(clock_row.stops)), request.debt_id, until))
    if request.urgent:
        wanted.append((URGENT, _URGENT_STOPS, None, None))
    for kind, stops, debt_id, until in wanted:
        session.add(
            CareHold(
                lender_id=request.lender_id,
                id=new_id(),
                request_id=request.id,
                debtor_id=request.debtor_id,
                debt_id=debt_id,
                kind=kind,
                stops=list(stops),
                since=request.opened_at,
                until=until,
            )
        )
        record(
            Act.HOLD_STARTED,
            by=PORTAL,
            lender_id=request.lender_id,
            debtor_id=request.debtor_id,
            debt_id=debt_id,
            facts={"request": request.number, "kind": kind, "stops": list(stops), "until": until},
        )
        stopped_now |= set(stops)
    return tuple(sorted(stopped_now))


def end(request: CareRequest, *, event: Event, by: Actor) -> int:
    """End the holds of a request that an event ends; gives how many."""
    ended = 0
    for hold in session.scalars(
        select(CareHold).where(
            CareHold.lender_id == request.lender_id,
            CareHold.request_id == request.id,
            CareHold.ended_at.is_(None),
        )
    ):
        if not ends_hold(event, has_end=hold.until is not None):
            continue
        hold.ended_at = clock.now()
        hold.ended_by = f"{by.kind}:{by.id}"
        record(
            Act.HOLD_ENDED,
            by=by,
            lender_id=request.lender_id,
            debtor_id=request.debtor_id,
            debt_id=hold.debt_id,
            facts={"request": request.number, "kind": hold.kind, "why": event.value},
        )
        ended += 1
    return ended


def of_request(request: CareRequest) -> tuple[CareHold, ...]:
    """Give every hold of a request, ended or not."""
    return tuple(
        session.scalars(
            select(CareHold)
            .where(CareHold.lender_id == request.lender_id, CareHold.request_id == request.id)
            .order_by(CareHold.id)
        )
    )


@dataclass(frozen=True, slots=True)
class Notice:
    """What a page says of a hold; `disputed` asks pages of paying for one more sentence.

    `answer_by` is None once there is an answer.
    """

    kind: Kind
    number: str
    debt_id: uuid.UUID | None
    debt_reference: str | None
    disputed: bool
    answer_by: date | None
    until: date | None


def notices_of(
    *, lender_id: uuid.UUID, debtor_id: uuid.UUID, debt_id: uuid.UUID | None = None, zone: str
) -> tuple[Notice, ...]:
    """Give what the pages of a person or of one debt say about what is being looked into, one for each request."""
    now = clock.now()
    found: dict[str, Notice] = {}
    for hold in holding(lender_id=lender_id, debtor_id=debtor_id, debt_id=debt_id, at=now):
        if hold.kind == URGENT:
            # Nobody reads on a page, over a shoulder, what made us worry.
            continue
        found[hold.request_number] = Notice(
            kind=Kind(hold.kind),
            number=hold.request_number,
            debt_id=hold.debt_id,
            debt_reference=hold.debt_reference,
            disputed=hold.disputed,
            answer_by=hold.answer_by if hold.waiting else None,
            until=hold.until.astimezone(clock.zone(zone)).date() if hold.until else None,
        )
    return tuple(found.values())
