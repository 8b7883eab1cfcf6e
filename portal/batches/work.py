"""What workers do with a batch: write down its letters, and make them, lane by lane, some at a time.

Each letter is a transaction of its own and has a cause that stays the same, so that a worker who dies before it has
written down that a letter is there finds it there, and makes no second one. After each letter a worker looks whether
other work waits, and lets it go first.
"""

from __future__ import annotations

import logging
import uuid
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from portal import queue
from portal.batches import acts
from portal.batches.making import KINDS
from portal.batches.models import LetterBatch, LetterBatchItem
from portal.batches.states import Event, Item, State, WhyNot
from portal.bulk import Same, hexed, insert_columns, new_ids
from portal.db import session, table_of, transaction
from portal.debts.models import Debt
from portal.debts.statement import by_id
from portal.evidence.record import PORTAL, Act, record
from portal.letters.issue import NotTrue
from portal.letters.models import IssuedLetter, LetterByHand
from portal.people.models import Debtor

log = logging.getLogger(__name__)
# A piece of a lane: few enough that a worker who is told to stop ends soon.
_LETTERS_OF_A_PIECE: Final = 10
_MOST_TRIES: Final = 3
# What may be otherwise in a minute; the queue tries again. Anything else is about this letter.
_PASSES = (SQLAlchemyError, OSError, queue.TryLater)


def _of_job(job: queue.Job) -> tuple[uuid.UUID, uuid.UUID]:
    if job.lender_id is None:
        raise ValueError("a batch belongs to a lender")
    return job.lender_id, uuid.UUID(job.payload["batch_id"])


def prepare(job: queue.Job) -> None:
    """Write down which letters a batch has, all or none, and let them be made."""
    lender_id, batch_id = _of_job(job)
    with transaction():
        batch = acts.locked(lender_id, batch_id)
        if batch.state != State.PREPARING:
            return
        place = 0
        for page in acts.debts_of(batch):
            nothing = Same(None)
            insert_columns(
                table_of(LetterBatchItem),
                {
                    "lender_id": Same(lender_id.hex),
                    "id": new_ids(len(page)),
                    "batch_id": Same(batch_id.hex),
                    "debt_id": [hexed(debt_id) for debt_id, _reference in page],
                    "reference": [reference for _id, reference in page],
                    "place": list(range(place, place + len(page))),
                    "state": Same(Item.WAITING.value),
                    "letter": nothing,
                    "why": nothing,
                    "tries": Same(0),
                    "done_at": nothing,
                },
            )
            place += len(page)
        acts.move(batch, Event.PREPARED)
        acts.work_on(batch)


def make(job: queue.Job) -> None:
    """Make some letters of a lane, and put the next ones off."""
    lender_id, batch_id = _of_job(job)
    round_, lane, piece = (int(job.payload[name]) for name in ("round", "lane", "piece"))
    if job.attempts > _MOST_TRIES:
        _let_others_first(lender_id, batch_id, lane)
    for _ in range(_LETTERS_OF_A_PIECE):
        batch = _still(lender_id, batch_id, round_)
        if batch is None:
            return
        item = _next(lender_id, batch_id, lane)
        if item is None:
            _finish(lender_id, batch_id)
            return
        _one(batch, item)
        if queue.others_wait(acts.MAKE):
            break
    with transaction():
        acts.put_off(lender_id, batch_id, round_=round_, lane=lane, piece=piece + 1)


def _still(lender_id: uuid.UUID, batch_id: uuid.UUID, round_: int) -> LetterBatch | None:
    """Give a batch, or None if it is not to be worked on in this round any more."""
    session.rollback()
    batch = session.get_one(LetterBatch, (lender_id, batch_id), populate_existing=True)
    return batch if batch.state == State.RUNNING and batch.round == round_ else None


def _next(lender_id: uuid.UUID, batch_id: uuid.UUID, lane: int) -> LetterBatchItem | None:
    item = LetterBatchItem
    return session.scalars(
        select(item)
        .where(
            item.lender_id == lender_id,
            item.batch_id == batch_id,
            item.state == Item.WAITING.value,
            item.place % acts.LANES == lane,
        )
        .order_by(item.tries, item.place)
        .limit(1)
    ).one_or_none()


def _let_others_first(lender_id: uuid.UUID, batch_id: uuid.UUID, lane: int) -> None:
    """Put the letter at which workers end, one after the other, behind the others of its lane."""
    item = _next(lender_id, batch_id, lane)
    if item is not None:
        with transaction():
            _tried(item)


def _tried(item: LetterBatchItem) -> None:
    session.execute(
        update(LetterBatchItem)
        .where(LetterBatchItem.lender_id == item.lender_id, LetterBatchItem.id == item.id)
        .values(tries=LetterBatchItem.tries + 1),
        execution_options={"synchronize_session": False},
    )


def _one(batch: LetterBatch, item: LetterBatchItem) -> None:
    """Make one letter, and write down what became of it."""
    kind, begun_at = KINDS[batch.kind], batch.begun_at or batch.asked_at
    lender_id, tries = batch.lender_id, item.tries
    zone = session.scalar(
        select(Debtor.zone)
        .join(Debt, (Debt.lender_id == Debtor.lender_id) & (Debt.debtor_id == Debtor.id))
        .where(Debt.lender_id == lender_id, Debt.id == item.debt_id)
    )
    if zone is None:
        _ended(item, Item.NOT_MADE, why=WhyNot.GONE)
        return
    debt = by_id(lender_id=lender_id, debt_id=item.debt_id)
    cause = kind.cause_of(debt, zone, begun_at) if debt.open else WhyNot.RECALLED
    if isinstance(cause, WhyNot):
        _ended(item, Item.NOT_MADE, why=cause)
        return
    try:
        kind.make(debt, cause)
    except _PASSES:
        raise
    except NotTrue as problem:
        log.warning("a letter of batch %d would not be true: %s", batch.number, problem)
        _ended(item, Item.NOT_MADE, why=WhyNot.NOT_TRUE)
        return
    except Exception:
        log.exception("a letter of batch %d could not be made", batch.number)
        session.rollback()
        if tries + 1 < _MOST_TRIES:
            with transaction():
                _tried(item)
        else:
            _ended(item, Item.NOT_MADE, why=WhyNot.FAULT)
        return
    session.rollback()
    made = session.execute(
        select(IssuedLetter.number, IssuedLetter.issued_at).where(
            IssuedLetter.lender_id == lender_id, IssuedLetter.cause == cause
        )
    ).one_or_none()
    if made is not None:
        _ended(item, Item.THERE if made.issued_at < begun_at else Item.MADE, letter=made.number)
        return
    by_hand = session.scalar(
        select(LetterByHand.number).where(LetterByHand.lender_id == lender_id, LetterByHand.cause == cause)
    )
    if by_hand is not None:
        _ended(item, Item.BY_HAND, letter=by_hand)
        return
    # Something has happened on the debt since.
    now = kind.cause_of(by_id(lender_id=lender_id, debt_id=item.debt_id), zone, begun_at)
    _ended(item, Item.NOT_MADE, why=now if isinstance(now, WhyNot) else WhyNot.FAULT)


def _ended(item: LetterBatchItem, state: Item, *, letter: str | None = None, why: WhyNot | None = None) -> None:
    session.rollback()
    with transaction():
        acts.ended(item, state, letter=letter, why=why.value if why else None)


def _finish(lender_id: uuid.UUID, batch_id: uuid.UUID) -> None:
    """End a batch of which nothing waits any more; the lane that comes last does."""
    with transaction():
        batch = acts.locked(lender_id, batch_id)
        counts = acts.counts_of(batch)
        if counts.waiting or not acts.move(batch, Event.FINISH):
            return
        record(
            Act.LETTER_BATCH_DONE,
            by=PORTAL,
            lender_id=lender_id,
            facts={
                "batch": batch.id,
                "number": batch.number,
                "kind": batch.kind,
                "made": counts.made,
                "there": counts.there,
                "by_hand": counts.by_hand,
                "not_made": counts.not_made,
                "left_out": counts.left_out,
            },
        )
