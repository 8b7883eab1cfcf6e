"""What somebody does with a batch: asks for it, begins, pauses, goes on, calls off the rest.

Invariant: who may is looked at under the lock of their account, a click that comes twice does nothing twice, and what
takes long is done by workers, in whose jobs the round of the batch stands.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Select, and_, case, func, literal_column, select, true, update

from portal import clock, queue
from portal.batches.models import LetterBatch, LetterBatchItem
from portal.batches.states import LEFT_OUT, Event, Item, State, after
from portal.bulk import rows_by_text
from portal.db import new_id, session
from portal.debts.models import Debt
from portal.evidence.record import Act, record
from portal.lenders.models import Lender
from portal.letters.models import IssuedLetter
from portal.plans.models import ALIVE, Plan
from portal.staff import members
from portal.staff.gates import Colleague, NotAllowed
from portal.staff.roles import Permission, permissions_of
from portal.web.fields import has_card_number

PREPARE, MAKE = "letters.prepare_batch", "letters.batch"
# So many workers can be at one batch; each lane is one after the other.
LANES: Final = 4
# What one letter takes, about, where nobody has measured yet: benchmarks/lettering.py.
SECONDS_A_LETTER: Final = 1.0
# A batch on which nobody has made a letter for so long is begun anew if somebody asks for it.
STANDS_STILL_AFTER: Final = timedelta(minutes=20)
_ACTS: Final = {
    Event.PAUSE: Act.LETTER_BATCH_PAUSED,
    Event.GO_ON: Act.LETTER_BATCH_GOES_ON,
    Event.CALL_OFF: Act.LETTER_BATCH_CALLED_OFF,
}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many letters of a batch stand how."""

    waiting: int
    made: int
    there: int
    by_hand: int
    not_made: int
    left_out: int

    @property
    def all(self) -> int:
        """Give how many there are."""
        return self.waiting + self.done

    @property
    def done(self) -> int:
        """Give of how many it is known what became of them."""
        return self.made + self.there + self.by_hand + self.not_made + self.left_out


def _may(who: Colleague) -> None:
    """Hold on to somebody's account as it is.

    :raises NotAllowed: if they may not make letters any more.
    """
    member = members.locked(lender_id=who.lender_id, member_id=who.member_id)
    if member.state != "active" or Permission.MAKE_LETTERS not in permissions_of(member.roles):
        raise NotAllowed


def find(*, lender_id: uuid.UUID, number: int) -> LetterBatch | None:
    """Give a batch by its number."""
    return session.scalars(
        select(LetterBatch).where(LetterBatch.lender_id == lender_id, LetterBatch.number == number)
    ).one_or_none()


def of(*, lender_id: uuid.UUID) -> Sequence[LetterBatch]:
    """Give a lender's batches, newest first."""
    return session.scalars(
        select(LetterBatch).where(LetterBatch.lender_id == lender_id).order_by(LetterBatch.number.desc())
    ).all()


def locked(lender_id: uuid.UUID, batch_id: uuid.UUID) -> LetterBatch:
    """Give a batch as it is now, which nobody else changes before this act is done."""
    return session.execute(
        select(LetterBatch)
        .where(LetterBatch.lender_id == lender_id, LetterBatch.id == batch_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()


def counts_of(batch: LetterBatch) -> Counts:
    """Count the letters of a batch by how they stand."""
    item = LetterBatchItem
    left_out = and_(item.state == Item.NOT_MADE.value, item.why.in_(LEFT_OUT))
    found: dict[str, int] = {
        state: count
        for state, count in session.execute(
            select(case((left_out, "left_out"), else_=item.state).label("became"), func.count())
            .where(item.lender_id == batch.lender_id, item.batch_id == batch.id)
            .group_by(literal_column("became"))
        )
    }
    return Counts(**{name: found.get(name, 0) for name in (*(state.value for state in Item), "left_out")})


def reasons_of(batch: LetterBatch) -> Sequence[tuple[str, int]]:
    """Give why debts of a batch were left out, with how many for each reason, most first."""
    item, count = LetterBatchItem, func.count()
    rows = session.execute(
        select(item.why, count)
        .where(item.lender_id == batch.lender_id, item.batch_id == batch.id, item.why.in_(LEFT_OUT))
        .group_by(item.why)
        .order_by(count.desc(), item.why)
    )
    return [(why, many) for why, many in rows if why is not None]


def _chosen(lender_id: uuid.UUID, chosen: str) -> Select[uuid.UUID, str]:
    """Give the debts of a choice that is no list."""
    asked = select(Debt.id, Debt.reference).where(Debt.lender_id == lender_id, Debt.state == "open")
    if chosen == "plan":
        live = select(Plan.debt_id).where(Plan.lender_id == lender_id, Plan.state.in_(ALIVE))
        asked = asked.where(Debt.id.in_(live))
    return asked


def debts_of(batch: LetterBatch, *, at_once: int = 5000) -> Iterator[Sequence[tuple[uuid.UUID, str]]]:
    """Give the debts that a batch is for, id and reference, in pages; each debt once."""
    if batch.chosen == "listed":
        for start in range(0, len(batch.listed), at_once):
            yield _open_by(batch.lender_id, batch.listed[start : start + at_once])
        return
    asked, last = _chosen(batch.lender_id, batch.chosen).order_by(Debt.id).limit(at_once), None
    while True:
        page = session.execute(asked if last is None else asked.where(Debt.id > last)).all()
        if page:
            yield [(row.id, row.reference) for row in page]
        if len(page) < at_once:
            return
        last = page[-1].id


def _open_by(lender_id: uuid.UUID, references: Sequence[str]) -> list[tuple[uuid.UUID, str]]:
    rows = rows_by_text(
        Debt.id,
        Debt.reference,
        key=Debt.reference,
        texts=references,
        where=(Debt.lender_id == lender_id) & (Debt.state == "open"),
    )
    return [(row.id, row.reference) for row in rows]


def ask(who: Colleague, *, kind: str, chosen: str, listed: Sequence[str], form_key: str) -> int:
    """Keep what a batch is to be, of which nothing is made yet; gives its number. The same form again is the same one.

    :raises NotAllowed: if the colleague may not any more.
    """
    _may(who)
    lender_id = who.lender_id
    session.execute(select(Lender.id).where(Lender.id == lender_id).with_for_update(key_share=True)).scalar_one()
    earlier = session.scalar(
        select(LetterBatch.number).where(LetterBatch.lender_id == lender_id, LetterBatch.form_key == form_key)
    )
    if earlier is not None:
        return earlier
    asked = list(dict.fromkeys(listed)) if chosen == "listed" else []
    known = {reference for _id, reference in _open_by(lender_id, asked)}
    newest = session.scalar(select(func.max(LetterBatch.number)).where(LetterBatch.lender_id == lender_id))
    now = clock.now()
    counted = len(known)
    if chosen != "listed":
        counted = session.scalar(select(func.count()).select_from(_chosen(lender_id, chosen).subquery())) or 0
    batch = LetterBatch(
        lender_id=lender_id,
        id=new_id(),
        number=(newest or 0) + 1,
        kind=kind,
        chosen=chosen,
        listed=[reference for reference in asked if reference in known],
        # What nobody knows may be anything.
        unknown=[each for each in asked if each not in known and not has_card_number(each)],
        counted=counted,
        state=State.ASKED.value,
        form_key=form_key,
        asked_by=who.member_id,
        asked_at=now,
        moved_at=now,
    )
    session.add(batch)
    session.flush()
    record(
        Act.LETTER_BATCH_ASKED,
        by=who.actor,
        lender_id=lender_id,
        facts=_facts(batch) | {"chosen": chosen, "letters": batch.counted},
    )
    return batch.number


def _facts(batch: LetterBatch) -> dict[str, object]:
    return {"batch": batch.id, "number": batch.number, "kind": batch.kind}


def begin(who: Colleague, *, batch_id: uuid.UUID, why: str) -> bool | None:
    """Let workers make the letters; True if that is new, False if it was so already, None if it can't be any more.

    The reason, which is for colleagues alone, stands in the record as its hash.

    :raises NotAllowed: if the colleague may not any more.
    """
    _may(who)
    batch = locked(who.lender_id, batch_id)
    done = move(batch, Event.BEGIN)
    if done:
        batch.why, batch.begun_by, batch.begun_at = why, who.member_id, batch.moved_at
        queue.later(
            PREPARE, lender_id=batch.lender_id, payload={"batch_id": str(batch.id)}, once=f"{PREPARE}:{batch.id}"
        )
        said = {"reason_sha256": hashlib.sha256(why.encode()).hexdigest()}
        record(Act.LETTER_BATCH_BEGUN, by=who.actor, lender_id=who.lender_id, facts=_facts(batch) | said)
    return done


def word(who: Colleague, *, batch_id: uuid.UUID, event: Event) -> bool | None:
    """Pause a batch, go on with it, or call off the rest of it; answers as `begin` does.

    :raises NotAllowed: if the colleague may not any more.
    """
    _may(who)
    batch = locked(who.lender_id, batch_id)
    again = event is Event.GO_ON and batch.state == State.RUNNING and stands_still(batch)
    done = True if again else move(batch, event)
    if done:
        if event is Event.GO_ON:
            batch.moved_at = clock.now()
            work_on(batch)
        record(_ACTS[event], by=who.actor, lender_id=who.lender_id, facts=_facts(batch))
    return done


def move(batch: LetterBatch, event: Event) -> bool | None:
    """Let something happen to a batch that is locked; answers as `begin` does."""
    to = after(State(batch.state), event)
    if to is None or to == batch.state:
        return None if to is None else False
    batch.state, batch.moved_at = to.value, clock.now()
    return True


def stands_still(batch: LetterBatch) -> bool:
    """Say whether nobody has made a letter of a batch for long, though it is running."""
    item = LetterBatchItem
    last = session.scalar(
        select(func.max(item.done_at)).where(item.lender_id == batch.lender_id, item.batch_id == batch.id)
    )
    return clock.now() - max(last or batch.moved_at, batch.moved_at) > STANDS_STILL_AFTER


def work_on(batch: LetterBatch) -> None:
    """Put a new round of work off: a job a lane. What is left of an earlier round ends by itself."""
    batch.round += 1
    for lane in range(LANES):
        put_off(batch.lender_id, batch.id, round_=batch.round, lane=lane, piece=0)


def put_off(lender_id: uuid.UUID, batch_id: uuid.UUID, *, round_: int, lane: int, piece: int) -> None:
    """Put off a piece of a lane; the same one again is not put off twice."""
    said = {"batch_id": str(batch_id), "round": str(round_), "lane": str(lane), "piece": str(piece)}
    queue.later(MAKE, lender_id=lender_id, payload=said, once=f"{MAKE}:{batch_id}:{round_}:{lane}:{piece}")


def seconds_left(batch: LetterBatch, counts: Counts) -> float:
    """Give about how long the letters that wait take: at the pace since it was last begun, or at that of one worker."""
    item, began = LetterBatchItem, batch.moved_at
    made = session.scalar(
        select(func.count()).where(item.lender_id == batch.lender_id, item.batch_id == batch.id, item.done_at > began)
    )
    passed = (clock.now() - began).total_seconds()
    pace = passed / made if made and batch.state == State.RUNNING and passed > 0 else SECONDS_A_LETTER
    return counts.waiting * pace


def items_of(batch: LetterBatch, *, only: str | None = None, at_once: int = 500) -> Iterator[LetterBatchItem]:
    """Give the letters of a batch in order, read by the page and let go of again.

    `only`: "not_made" for those that could not be made, "left_out" for debts for which there is none.
    """
    item, last = LetterBatchItem, -1
    chosen = {
        None: true(),
        "not_made": item.state.in_((Item.NOT_MADE, Item.BY_HAND)) & func.coalesce(item.why, "").not_in(LEFT_OUT),
        "left_out": item.why.in_(LEFT_OUT),
    }[only]
    lender_id, batch_id = batch.lender_id, batch.id
    while True:
        page = session.scalars(
            select(item)
            .where(item.lender_id == lender_id, item.batch_id == batch_id, item.place > last)
            .where(chosen)
            .order_by(item.place)
            .limit(at_once)
        ).all()
        yield from page
        if len(page) < at_once:
            return
        last = page[-1].place
        session.expunge_all()


def files_of(lender_id: uuid.UUID, batch_id: uuid.UUID, *, at_once: int = 20) -> Iterator[tuple[str, str, bytes]]:
    """Give the letters of a batch, those that were there before too: reference, number and bytes, some at a time."""
    item, last = LetterBatchItem, -1
    while True:
        page = session.execute(
            select(item.place, item.reference, IssuedLetter.number, IssuedLetter.pdf)
            .join(IssuedLetter, (IssuedLetter.lender_id == item.lender_id) & (IssuedLetter.number == item.letter))
            .where(item.lender_id == lender_id, item.batch_id == batch_id, item.place > last)
            .order_by(item.place)
            .limit(at_once)
        ).all()
        # Whoever reads slowly keeps no transaction open.
        session.rollback()
        for row in page:
            yield row.reference, row.number, row.pdf
        if len(page) < at_once:
            return
        last = page[-1].place


def ended(item: LetterBatchItem, state: Item, *, letter: str | None = None, why: str | None = None) -> None:
    """Write down what became of a letter, once."""
    session.execute(
        update(LetterBatchItem)
        .where(
            LetterBatchItem.lender_id == item.lender_id,
            LetterBatchItem.id == item.id,
            LetterBatchItem.state == Item.WAITING.value,
        )
        .values(state=state.value, letter=letter, why=why, done_at=clock.now()),
        execution_options={"synchronize_session": False},
    )
