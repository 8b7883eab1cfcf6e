"""Asking for something else than paying, and what comes of it; each one act in the caller's transaction.

Invariant: a request has a number and a clock from its first moment, and nobody who asked is left without an answer.
"""

from __future__ import annotations

import hashlib
import json
import logging
import unicodedata
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import bindparam, func, select

from portal import clock
from portal import queue as work
from portal.care import holds, messages
from portal.care.alarm import is_urgent
from portal.care.clocks import clock_for
from portal.care.models import CareRequest, Need
from portal.care.states import (
    ABOUT_ACCESS,
    DISPUTES,
    DOORS,
    WAITING,
    Event,
    Forbidden,
    Kind,
    Moved,
    Repeated,
    State,
    after,
)
from portal.db import new_id, read, session, table_of
from portal.debts.models import Debt
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Act, Actor, record
from portal.lenders.models import Lender
from portal.people.models import Debtor
from portal.web.numbers import public_number

LONGEST_WORDS = 2_000
A_DAY, MOST_A_DAY = timedelta(days=1), 20
AN_HOUR, MOST_FROM_A_VISITOR = timedelta(hours=1), 5
REVIEW_NEEDS_AFTER = timedelta(days=180)
log = logging.getLogger(__name__)


class NotTheirDebt(Exception):
    """A request was to be opened for one person on the debt of another: a mistake of ours, not of a visitor."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The request is recorded. `again`: this very form was sent before. `stopped`: what stopped at once."""

    number: str
    answer_by: date
    urgent: bool
    stopped: tuple[str, ...]
    again: bool = False


@dataclass(frozen=True, slots=True)
class TooMany:
    """So many came just now that a person has to be called; the door opens again at `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class NoSuchRequest:
    """There is no request with this number, or it is somebody else's."""


def plain_words(text: str | None) -> str:
    """Give what somebody typed without what no reader sees: control signs, and marks that turn the reading around.

    Emoji, all scripts and line breaks stay as they are. What is too long even when letters and their marks are put
    together is not: that takes time by the square of the marks.
    """
    kept = (text or "").replace("\r\n", "\n").replace("\r", "\n")
    turning = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    kept = "".join(s for s in kept if s in "\n\t" or (unicodedata.category(s) not in ("Cc", "Cs") and s not in turning))
    return (kept if len(kept) > 4 * LONGEST_WORDS else unicodedata.normalize("NFC", kept)).strip()


def open_request(
    *,
    lender_id: uuid.UUID,
    debtor_id: uuid.UUID | None,
    kind: Kind | str,
    debt_id: uuid.UUID | None,
    words: str,
    by: Actor,
    key: str,
    reply_by: str = "here",
    wish: str | None = None,
    needs: Sequence[str] = (),
    needs_text: str = "",
    contact: str = "",
    claimed_reference: str = "",
    visitor: str | None = None,
    tell: bool = True,
    done_by: Mapping[str, object] = MappingProxyType({}),
) -> Opened | TooMany:
    """Record a request: its number, its clock, what stops at once, and a message that it is here. Twice is once.

    `key` is the form's own, or names the cause; `visitor` is a hash of where a stranger comes from. Of a debt that is
    None for a dispute, all debts of the person are meant. Without `tell` no message repeats the number.
    `done_by` is what the record says of a colleague who asks for the person.

    :raises NotTheirDebt: if the debt is somebody else's.
    """
    kind = Kind(kind)
    zone, jurisdiction = _locked(lender_id, debtor_id)
    form_key = f"{debtor_id.hex if debtor_id else 'visitor'}:{key}"
    before = session.scalars(
        select(CareRequest).where(CareRequest.lender_id == lender_id, CareRequest.form_key == form_key)
    ).one_or_none()
    if before is not None:
        return Opened(before.number, before.answer_by, before.urgent, (), again=True)
    if kind in DOORS and (until := _too_many(lender_id, debtor_id, visitor)) is not None:
        return TooMany(until=until)
    if debt_id is not None and debtor_id != session.scalar(
        select(Debt.debtor_id).where(Debt.lender_id == lender_id, Debt.id == debt_id)
    ):
        raise NotTheirDebt
    now = clock.now()
    today = now.astimezone(clock.zone(zone)).date()
    row = clock_for(kind, jurisdiction=jurisdiction, on=today)
    words = plain_words(words)[:LONGEST_WORDS]
    request = CareRequest(
        lender_id=lender_id,
        id=new_id(),
        number=public_number("R"),
        kind=kind.value,
        debtor_id=debtor_id,
        debt_id=debt_id,
        words=words,
        wish=wish,
        reply_by=reply_by,
        contact=contact,
        claimed_reference=claimed_reference,
        visitor=visitor,
        urgent=is_urgent(words),
        state=State.OPEN.value,
        clock=row.name,
        zone=zone,
        opened_at=now,
        look_by=row.look_by(today),
        answer_by=row.answer_by(today),
        form_key=form_key,
    )
    session.add(request)
    session.flush()
    record(
        Act.REQUEST_OPENED,
        by=by,
        lender_id=lender_id,
        debtor_id=debtor_id,
        debt_id=debt_id,
        facts={
            "request": request.number,
            "kind": kind.value,
            "wish": wish,
            "words_sha256": hashlib.sha256(words.encode()).hexdigest() if words else None,
            "urgent": request.urgent,
            "clock": row.name,
            "answer_by": request.answer_by,
            **done_by,
        },
    )
    stopped = holds.begin(request, clock_row=row)
    _confirm(request, paused=bool(stopped and row.hold_days))
    _keep_needs(request, needs, text=needs_text, today=today, by=by, done_by=done_by)
    # The page with the number is the acknowledgement; a message repeats it where one can be sent.
    request.acknowledged_at = now
    if tell and kind is not Kind.WRONG_PERSON:
        messages.received(request, by_person=by.kind == "debtor")
    if request.urgent:
        # The words stay out of the log; whoever watches it learns that a person is needed, and where.
        told = messages.urgent(request)
        log.warning("request %s needs a person at once%s", request.number, "" if told else ", and nobody is told")
    return Opened(request.number, request.answer_by, request.urgent, stopped)


def _confirm(request: CareRequest, *, paused: bool) -> None:
    """Have a letter made that says what was received, or what stops for how long."""
    if request.debtor_id is None or not (paused or Kind(request.kind) in DISPUTES):
        return
    kind = "dispute-acknowledgement" if Kind(request.kind) in DISPUTES else "granted-pause"
    work.later(
        "letters.issue",
        lender_id=request.lender_id,
        payload={"kind": kind, "about": str(request.id)},
        once=f"letter:{kind}:{request.id}",
    )


def _locked(lender_id: uuid.UUID, debtor_id: uuid.UUID | None) -> tuple[str, str]:
    """Let one request of a person (or of strangers) be opened at a time; give zone and jurisdiction of its clock."""
    if debtor_id is None:
        lender = session.execute(
            select(Lender.zone, Lender.jurisdiction).where(Lender.id == lender_id).with_for_update(key_share=True)
        ).one()
        return lender.zone, lender.jurisdiction
    zone = session.execute(
        select(Debtor.zone).where(Debtor.lender_id == lender_id, Debtor.id == debtor_id).with_for_update()
    ).scalar_one()
    return zone, session.execute(select(Lender.jurisdiction).where(Lender.id == lender_id)).scalar_one()


def _too_many(lender_id: uuid.UUID, debtor_id: uuid.UUID | None, visitor: str | None) -> datetime | None:
    span, most, whose = (
        (A_DAY, MOST_A_DAY, CareRequest.debtor_id == debtor_id)
        if debtor_id is not None
        else (AN_HOUR, MOST_FROM_A_VISITOR, CareRequest.visitor == visitor)
    )
    count, first = session.execute(
        select(func.count(), func.min(CareRequest.opened_at)).where(
            CareRequest.lender_id == lender_id,
            whose,
            CareRequest.opened_at > clock.now() - span,
            # What the portal itself asks for a person, such as an offer, is not held against him.
            CareRequest.kind.in_([kind.value for kind in DOORS]),
        )
    ).one()
    return first + span if first is not None and count >= most else None


def _keep_needs(
    request: CareRequest, needs: Sequence[str], *, text: str, today: date, by: Actor, done_by: Mapping[str, object]
) -> None:
    if request.debtor_id is None or not needs:
        return
    for need in dict.fromkeys(needs):
        session.add(
            Need(
                lender_id=request.lender_id,
                id=new_id(),
                request_id=request.id,
                debtor_id=request.debtor_id,
                need=need,
                agreed_text=text,
                told_at=request.opened_at,
                review_on=today + REVIEW_NEEDS_AFTER,
            )
        )
    record(
        Act.NEEDS_TOLD,
        by=by,
        lender_id=request.lender_id,
        debtor_id=request.debtor_id,
        facts={"request": request.number, "needs": sorted(set(needs)), **done_by},
    )


def needs_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> tuple[Need, ...]:
    """Give what a person told us helps, each once, the newest of its kind, as long as it was not taken back."""
    rows = session.scalars(
        select(Need)
        .where(Need.lender_id == lender_id, Need.debtor_id == debtor_id, Need.taken_back_at.is_(None))
        .order_by(Need.told_at, Need.id)
    )
    return tuple({row.need: row for row in rows}.values())


_NEED = table_of(Need).c
_NEEDS = (
    select(_NEED.need)
    .where(
        _NEED.lender_id == bindparam("lender_id"),
        _NEED.debtor_id == bindparam("debtor_id"),
        _NEED.taken_back_at.is_(None),
    )
    .order_by(_NEED.told_at, _NEED.id)
)


def kinds_of_needs(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> tuple[str, ...]:
    """Give only of what kind it is, as `needs_of` does."""
    return tuple(dict.fromkeys(row.need for row in read(_NEEDS, {"lender_id": lender_id, "debtor_id": debtor_id})))


def asks_for_care(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> bool:
    """Say whether whoever of the staff looks at something of a person is asked why.

    That is so where the person told us what helps, or something is not agreed on.
    """
    if kinds_of_needs(lender_id=lender_id, debtor_id=debtor_id):
        return True
    return holds.is_disputed(holds.holding(lender_id=lender_id, debtor_id=debtor_id, at=clock.now()))


def take_back_needs(
    *, lender_id: uuid.UUID, debtor_id: uuid.UUID, by: Actor, only_of: CareRequest | None = None
) -> int:
    """Forget what a person told us helps; gives how much there was."""
    query = select(Need).where(Need.lender_id == lender_id, Need.debtor_id == debtor_id, Need.taken_back_at.is_(None))
    if only_of is not None:
        query = query.where(Need.request_id == only_of.id)
    rows = list(session.scalars(query.with_for_update()))
    if rows:
        for row in rows:
            row.taken_back_at = clock.now()
        record(
            Act.NEEDS_TAKEN_BACK,
            by=by,
            lender_id=lender_id,
            debtor_id=debtor_id,
            facts={"needs": sorted({row.need for row in rows})},
        )
    return len(rows)


def request_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, number: str) -> CareRequest | None:
    """Give a person's own request, or None if it is not his or not there: these look the same."""
    return session.scalars(
        select(CareRequest).where(
            CareRequest.lender_id == lender_id, CareRequest.debtor_id == debtor_id, CareRequest.number == number
        )
    ).one_or_none()


def requests_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, limit: int = 200) -> tuple[CareRequest, ...]:
    """Give a person's requests, newest first."""
    return tuple(
        session.scalars(
            select(CareRequest)
            .where(CareRequest.lender_id == lender_id, CareRequest.debtor_id == debtor_id)
            .order_by(CareRequest.opened_at.desc(), CareRequest.id.desc())
            .limit(limit)
        )
    )


def of_cause(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, key: str) -> CareRequest | None:
    """Give the request that an act of the portal opened under a key of its own, such as `offer:<id>`."""
    return session.scalars(
        select(CareRequest).where(CareRequest.lender_id == lender_id, CareRequest.form_key == f"{debtor_id.hex}:{key}")
    ).one_or_none()


def withdraw(
    *, lender_id: uuid.UUID, debtor_id: uuid.UUID, number: str, by: Actor
) -> Moved | Repeated | Forbidden | NoSuchRequest:
    """Take a request back, as long as nobody has taken it; its holds and what it told us about needs go with it.

    Not with a button: one whose words made us fear for somebody, and one that the portal opened because somebody else
    may be signed in or reads the messages. A person reads these all the same.
    """
    request = _mine_locked(lender_id, number, debtor_id=debtor_id)
    if request is None:
        return NoSuchRequest()
    if request.state == State.OPEN.value and not can_withdraw(request):
        return Forbidden(State.OPEN, Event.WITHDRAW)
    return _withdrawn(request, by=by)


def can_withdraw(request: CareRequest) -> bool:
    """Say whether a person may take a request back with a button."""
    return request.state == State.OPEN.value and not request.urgent and Kind(request.kind) not in ABOUT_ACCESS


def _withdrawn(request: CareRequest, *, by: Actor) -> Moved | Repeated | Forbidden:
    moved = after(State(request.state), Event.WITHDRAW)
    if isinstance(moved, Moved) and request.debtor_id is not None:
        request.state = moved.to.value
        request.withdrawn_at = clock.now()
        _recorded(Act.REQUEST_WITHDRAWN, request, by=by)
        holds.end(request, event=Event.WITHDRAW, by=by)
        take_back_needs(lender_id=request.lender_id, debtor_id=request.debtor_id, by=by, only_of=request)
    return moved


def taken_back(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, number: str, by: Actor) -> bool:
    """Take back what another part of the portal asked for a person; False if somebody looks at it already."""
    request = _mine_locked(lender_id, number, debtor_id=debtor_id)
    return request is None or isinstance(_withdrawn(request, by=by), Moved | Repeated)


def take(*, lender_id: uuid.UUID, number: str, by: Actor) -> Moved | Repeated | Forbidden | NoSuchRequest:
    """Say that a person of the lender looks at a request now."""
    request = _mine_locked(lender_id, number)
    if request is None:
        return NoSuchRequest()
    moved = after(State(request.state), Event.TAKE)
    if isinstance(moved, Moved):
        request.state = moved.to.value
        request.taken_at = clock.now()
        request.taken_by = by.id
        _recorded(Act.REQUEST_TAKEN, request, by=by)
    return moved


def hand_over(
    *, lender_id: uuid.UUID, number: str, to: str | None, by: Actor, words: str
) -> Moved | Repeated | Forbidden | NoSuchRequest:
    """Give a request that somebody looks at to another person, by id, or back to the queue; the record has why."""
    request = _mine_locked(lender_id, number)
    if request is None:
        return NoSuchRequest()
    moved = after(State(request.state), Event.GIVE_BACK)
    if isinstance(moved, Repeated) and to is not None:
        moved = Moved(State.WITH_PERSON)
    if isinstance(moved, Moved):
        if to is not None and request.taken_by == to:
            return Repeated(State.WITH_PERSON)
        request.state = (State.WITH_PERSON if to else State.OPEN).value
        request.taken_at = clock.now() if to else None
        request.taken_by = to
        facts = {"request": request.number, "kind": request.kind, "to": to, "words": words}
        record(
            Act.REQUEST_HANDED_OVER,
            by=by,
            lender_id=lender_id,
            debtor_id=request.debtor_id,
            debt_id=request.debt_id,
            facts=facts,
        )
    return moved


def last_hand_over(*, lender_id: uuid.UUID, request: Waiting) -> str | None:
    """Give what was said when a request was last handed over, or None if it never was."""
    return next((str(facts["words"]) for facts in _told(Act.REQUEST_HANDED_OVER, lender_id, request)), None)


def helper_of(*, lender_id: uuid.UUID, request: Waiting | CareRequest) -> str | None:
    """Give the name of the colleague who asked for the person, or None if the person did."""
    opened = next(_told(Act.REQUEST_OPENED, lender_id, request), {})
    return str(opened["helper"]) if opened.get("helper") else None


def _told(act: Act, lender_id: uuid.UUID, request: Waiting | CareRequest) -> Iterator[dict[str, Any]]:
    """Give the facts of the records of an act on a request, newest first."""
    entries = session.scalars(
        select(EvidenceRecord.entry)
        .where(
            EvidenceRecord.lender_id == lender_id,
            EvidenceRecord.debtor_id == request.debtor_id if request.debtor_id else EvidenceRecord.debtor_id.is_(None),
            EvidenceRecord.act == act.value,
            EvidenceRecord.at >= request.opened_at,
        )
        .order_by(EvidenceRecord.at.desc(), EvidenceRecord.id.desc())
    )
    said = (json.loads(entry)["facts"] for entry in entries)
    return (facts for facts in said if facts.get("request") == request.number)


def answer(*, lender_id: uuid.UUID, number: str, words: str, by: Actor) -> Moved | Repeated | Forbidden | NoSuchRequest:
    """Answer a request: the words stand on its page, a message says so, and what waited for the answer goes on."""
    request = _mine_locked(lender_id, number)
    if request is None:
        return NoSuchRequest()
    moved = after(State(request.state), Event.ANSWER)
    if isinstance(moved, Moved):
        request.state = moved.to.value
        request.taken_at = request.taken_at or clock.now()
        request.taken_by = request.taken_by or by.id
        request.answered_at = clock.now()
        request.answered_by = by.id
        request.answer = plain_words(words)
        _recorded(Act.REQUEST_ANSWERED, request, by=by, answer=request.answer)
        holds.end(request, event=Event.ANSWER, by=by)
        messages.answered(request)
    return moved


def close(*, lender_id: uuid.UUID, number: str, by: Actor) -> Moved | Repeated | Forbidden | NoSuchRequest:
    """Close a request that has its answer; all that it held goes on."""
    request = _mine_locked(lender_id, number)
    if request is None:
        return NoSuchRequest()
    moved = after(State(request.state), Event.CLOSE)
    if isinstance(moved, Moved):
        request.state = moved.to.value
        request.closed_at = clock.now()
        _recorded(Act.REQUEST_CLOSED, request, by=by)
        holds.end(request, event=Event.CLOSE, by=by)
    return moved


def _mine_locked(lender_id: uuid.UUID, number: str, *, debtor_id: uuid.UUID | None = None) -> CareRequest | None:
    query = select(CareRequest).where(CareRequest.lender_id == lender_id, CareRequest.number == number)
    if debtor_id is not None:
        query = query.where(CareRequest.debtor_id == debtor_id)
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()


def _recorded(act: Act, request: CareRequest, *, by: Actor, answer: str | None = None) -> None:
    facts: dict[str, object] = {"request": request.number, "kind": request.kind}
    if answer is not None:
        facts["answer_sha256"] = hashlib.sha256(answer.encode()).hexdigest()
    record(act, by=by, lender_id=request.lender_id, debtor_id=request.debtor_id, debt_id=request.debt_id, facts=facts)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request in the queue of the lender's people. `due` is the next day of its clock: looked at, then answered."""

    lender_id: uuid.UUID
    lender: str
    number: str
    kind: Kind
    state: State
    urgent: bool
    opened_at: datetime
    due: date
    late: bool
    answer_by: date
    person: str | None
    debt: str | None
    reply_by: str
    contact: str
    wish: str | None
    words: str
    claimed_reference: str
    taken_by: str | None
    debtor_id: uuid.UUID | None
    answer: str | None


def queue(*, lender_id: uuid.UUID | None = None, number: str | None = None) -> tuple[Waiting, ...]:
    """Give what waits for a person: what can't wait first, then by the clock."""
    query = (
        select(CareRequest, Debtor.name, Debt.reference, Lender.slug)
        .join(Lender, Lender.id == CareRequest.lender_id)
        .join(Debtor, (Debtor.lender_id == CareRequest.lender_id) & (Debtor.id == CareRequest.debtor_id), isouter=True)
        .join(Debt, (Debt.lender_id == CareRequest.lender_id) & (Debt.id == CareRequest.debt_id), isouter=True)
    )
    if number is not None:
        query = query.where(CareRequest.number == number)
    else:
        query = query.where(CareRequest.state.in_([state.value for state in WAITING]))
    if lender_id is not None:
        query = query.where(CareRequest.lender_id == lender_id)
    found = []
    for row in session.execute(query):
        request = row.CareRequest
        due = request.look_by if request.state == State.OPEN.value else request.answer_by
        waiting = request.state in {state.value for state in WAITING}
        found.append(
            Waiting(
                lender_id=request.lender_id,
                lender=row.slug,
                number=request.number,
                kind=Kind(request.kind),
                state=State(request.state),
                urgent=request.urgent,
                opened_at=request.opened_at,
                due=due,
                late=waiting and due < clock.today(request.zone),
                answer_by=request.answer_by,
                person=row.name,
                debt=row.reference,
                reply_by=request.reply_by,
                contact=request.contact,
                wish=request.wish,
                words=request.words,
                claimed_reference=request.claimed_reference,
                taken_by=request.taken_by,
                debtor_id=request.debtor_id,
                answer=request.answer,
            )
        )
    return tuple(sorted(found, key=lambda each: (not each.urgent, each.due, each.opened_at, each.number)))
