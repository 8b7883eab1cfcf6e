"""The night of the money: the books against what Stripe booked and paid out, and events that never came.

Invariant: a job does one page of one step and puts off the next in the same transaction, so a night holds a page in
memory, goes on after a kill where it was, and twice is once. Nothing is settled here but by the job that settles all.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import func, select, text
from sqlalchemy.orm import aliased

from portal import clock, ledger, queue
from portal.db import new_id, put_unless_there, session, transaction
from portal.evidence.record import STRIPE, Act, record
from portal.ledger import Account, Move
from portal.lenders.models import Lender
from portal.money import Money
from portal.payments import aside, matching, settle, stripe_gateway, told
from portal.payments.checkout import account_of
from portal.payments.matching import AtStripe, InBooks, PayoutState, State
from portal.payments.models import (
    LINE_IS_OPEN,
    PAYOUT_IS_OPEN,
    MoneyEffect,
    Payment,
    Payout,
    Reconciliation,
    ReconciliationLine,
    SetAside,
)
from portal.payments.stripe_gateway import Event, Movement, Page, PaidOut

JOB = "payments.reconcile"
# What Stripe forgets; an hour less, so that a page is still there when it is asked for.
_EVENTS_LIVE = timedelta(days=30) - timedelta(hours=1)
# What a night looks at again of the night before: Stripe tells for three days, and a bank sends back for some more.
_EVENTS_AGAIN, _MOVEMENTS_AGAIN, _PAYOUTS_AGAIN = timedelta(days=4), timedelta(days=2), timedelta(days=21)
# Two clocks are never quite the same.
_AHEAD = timedelta(minutes=5)
# A night that has not come to its end for so long begins anew.
_GIVEN_UP = timedelta(days=2)
# So long the jobs that settle have before it is looked again at what they were asked for.
_SETTLING = timedelta(minutes=1)
# Each of these is one question to Stripe; a lease has time for many more.
_AGAIN_AT_ONCE = 20
_EFFECTS_AT_ONCE = 500
_FIRST = uuid.UUID(int=0)


def begin_all() -> int:
    """Put off the night of every lender that takes payments; gives how many. Twice a day is once."""
    begun = 0
    for lender_id in session.scalars(select(Lender.id).order_by(Lender.slug)).all():
        with transaction() as s:
            lender = s.get_one(Lender, lender_id)
            if lender.stripe_secret_key and begin(lender):
                begun += 1
        session.remove()
    return begun


def begin(lender: Lender) -> bool:
    """Put off the night of a lender, or what is left of one that has not come to its end; False if it is done."""
    now, lender_id = clock.now(), lender.id
    row = session.scalars(
        select(Reconciliation)
        .where(Reconciliation.lender_id == lender_id, Reconciliation.finished_at.is_(None))
        .order_by(Reconciliation.night.desc())
        .limit(1)
        .with_for_update()
    ).one_or_none()
    if row is None:
        made = {"lender_id": lender_id, "id": new_id(), "night": clock.today(lender.zone), **_spans(lender_id, now)}
        if not put_unless_there(Reconciliation, made | {"step": "events", "turn": 0, "found": {}, "started_at": now}):
            return False
        row = session.get_one(Reconciliation, (lender_id, made["id"]))
    elif now - row.started_at > _GIVEN_UP:
        for name, value in _spans(lender_id, now).items():
            setattr(row, name, value)
        row.step, row.mark, row.turn, row.started_at = "events", None, row.turn + 1, now
    _put_off(row)
    return True


def _spans(lender_id: uuid.UUID, now: datetime) -> dict[str, datetime]:
    """Give from when on a night looks: at the first one all that these books can know of, later what is new."""
    before = session.scalar(
        select(func.max(Reconciliation.until_at)).where(
            Reconciliation.lender_id == lender_id, Reconciliation.finished_at.is_not(None)
        )
    )
    if before is None:
        first = session.scalar(
            select(Payment.started_at).where(Payment.lender_id == lender_id).order_by(Payment.id).limit(1)
        )
        since = (first or now) - timedelta(days=1)
        spans = {"movements_from_at": since, "payouts_from_at": since, "events_from_at": now - _EVENTS_LIVE}
    else:
        spans = {
            "movements_from_at": before - _MOVEMENTS_AGAIN,
            "payouts_from_at": before - _PAYOUTS_AGAIN,
            "events_from_at": max(before - _EVENTS_AGAIN, now - _EVENTS_LIVE),
        }
    return spans | {"until_at": now + _AHEAD}


def _put_off(row: Reconciliation, *, after: timedelta = timedelta(0)) -> None:
    queue.later(
        JOB,
        lender_id=row.lender_id,
        payload={"night_id": str(row.id), "turn": str(row.turn)},
        while_waiting=f"reconcile:{row.id}:{row.turn}",
        at=clock.now() + after,
    )


@dataclass(frozen=True, slots=True)
class _Night:
    """What a page needs to know to be asked for, outside any transaction."""

    id: uuid.UUID
    lender_id: uuid.UUID
    zone: str
    account: stripe_gateway.Account
    step: str
    mark: str | None
    row: Reconciliation


def run(job: queue.Job) -> None:
    """Do one page of a night, and put off the next.

    :raises portal.queue.TryLater: if Stripe can't be reached now.
    """
    if job.lender_id is None:
        raise ValueError("a night belongs to a lender")
    row = session.get_one(Reconciliation, (job.lender_id, uuid.UUID(job.payload["night_id"])))
    if row.finished_at is not None or str(row.turn) != job.payload["turn"]:
        return
    lender = session.get_one(Lender, job.lender_id)
    account = account_of(lender, api_base=current_app.config["STRIPE_API_BASE"])
    night = _Night(row.id, row.lender_id, lender.zone, account, row.step, row.mark, row)
    step = _STEPS[row.step]
    try:
        page = step.read(night)
    except stripe_gateway.PaymentServiceDown as down:
        raise queue.TryLater(timedelta(seconds=60)) from down
    with transaction() as s:
        row = s.scalars(
            select(Reconciliation)
            .where(Reconciliation.lender_id == night.lender_id, Reconciliation.id == night.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one()
        if str(row.turn) != job.payload["turn"]:
            # Another worker did this page while we asked.
            return
        row.turn += 1
        row.mark = step.write(night, row, page)
        after = timedelta(0)
        if row.mark is None:
            row.step = step.then
            if row.step == "again" and row.found.get("asked"):
                after = _SETTLING
        if row.step == "done":
            row.finished_at = clock.now()
        else:
            _put_off(row, after=after)


def _count(row: Reconciliation, name: str, more: int) -> None:
    row.found = {**row.found, name: row.found.get(name, 0) + more}


# Events that never came.


def _read_events(night: _Night) -> Page[Event]:
    since, until = night.row.events_from_at, night.row.until_at
    session.rollback()
    return stripe_gateway.events_page(night.account, since=since, until=until, after=night.mark)


def _write_events(night: _Night, row: Reconciliation, page: Page[Event]) -> str | None:
    # The oldest first, as they would have come.
    new = [told.store(night.lender_id, event) for event in reversed(page.items) if event.type in told.HEEDED]
    _count(row, "events", sum(new))
    return page.last


# What was booked at Stripe.


def _read_movements(night: _Night) -> Page[Movement]:
    since, until = night.row.movements_from_at, night.row.until_at
    session.rollback()
    return stripe_gateway.movements_page(night.account, since=since, until=until, after=night.mark)


def _write_movements(night: _Night, row: Reconciliation, page: Page[Movement]) -> str | None:
    _keep(night, row, page.items)
    _count(row, "movements", len(page.items))
    return page.last


def _keep(night: _Night, row: Reconciliation, movements: Iterable[Movement]) -> None:
    """Give each movement that is ours its line, say what it says, and book what Stripe kept of it."""
    lender_id = night.lender_id
    moved = [each for each in movements if each.of_payout is None]
    effects = _effects(lender_id, [_key(each) for each in moved] + [_came(each) for each in moved])
    payments = _payments(lender_id, moved)
    lines = _lines(lender_id, moved)
    fees: dict[str, int] = {}
    for each in reversed(moved):
        effect, came, payment = effects.get(_key(each)), effects.get(_came(each)), payments.get(each.id)
        if not (effect or payment or came or each.marked or each.own):
            # What else the lender sells by the same account is none of ours.
            continue
        line = lines.get(each.id) or lines.get(_key(each))
        if line is None or line.transaction_id not in (None, each.id):
            line = _begun(night, each, key=_key(each) if line is None else f"stripe:{each.id}")
            lines[each.id] = line
        if came is not None and came.payment_id is not None:
            line.payment_id = came.payment_id
        elif payment is not None and payment.payment_intent_id == each.payment_intent_id:
            line.payment_id = payment.id
        _at_stripe(line, each)
        _say(line, effect if line.key == _key(each) else None)
        session.add(line)
        _book(line, each, fees)
        if line.effect_id is None and not (each.own or each.on_its_way or each.came_to_nothing):
            _ask(lender_id, each, payment)
            _count(row, "asked", 1)
    _record_fees(night, row, fees)
    session.flush()


def _record_fees(night: _Night, row: Reconciliation, fees: Mapping[str, int]) -> None:
    if fees:
        record(
            Act.FEES_BOOKED,
            by=STRIPE,
            lender_id=night.lender_id,
            facts={
                "night": row.night.isoformat(),
                "fees": {code: str(Money(fees[code], code)) for code in sorted(fees)},
            },
        )


def _key(each: Movement) -> str:
    return f"stripe:{each.effect or each.id}"


def _came(each: Movement) -> str:
    """Give the key of the effect that brought what a movement is about."""
    return f"stripe:{each.payment_intent_id}:payment"


def _effects(lender_id: uuid.UUID, keys: Sequence[str]) -> dict[str, MoneyEffect]:
    found = session.scalars(
        select(MoneyEffect).where(MoneyEffect.lender_id == lender_id, MoneyEffect.key.in_(set(keys)))
    )
    return {each.key: each for each in found}


def _payments(lender_id: uuid.UUID, moved: Sequence[Movement]) -> dict[str, Payment]:
    """Give the payment of each movement: the one that has it, else the one that it says it is for."""
    said = {each.id: named for each in moved if (named := _uuid(each.reference)) is not None}
    wanted = Payment.payment_intent_id.in_({each.payment_intent_id for each in moved if each.payment_intent_id})
    by_intent: dict[str | None, Payment] = {}
    by_id: dict[uuid.UUID, Payment] = {}
    for condition in (wanted, Payment.id.in_(set(said.values()))):
        for payment in session.scalars(select(Payment).where(Payment.lender_id == lender_id, condition)):
            by_intent[payment.payment_intent_id], by_id[payment.id] = payment, payment
    found: dict[str, Payment] = {}
    for each in moved:
        known = by_intent.get(each.payment_intent_id) if each.payment_intent_id else None
        if known is None and each.id in said:
            known = by_id.get(said[each.id])
        if known is not None:
            found[each.id] = known
    return found


def _uuid(said: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(said or "")
    except ValueError:
        return None


def _lines(lender_id: uuid.UUID, moved: Sequence[Movement]) -> dict[str, ReconciliationLine]:
    """Give the lines that there are of some movements, by the movement and by its key."""
    found: dict[str, ReconciliationLine] = {}
    for wanted in (
        ReconciliationLine.key.in_({_key(each) for each in moved}),
        ReconciliationLine.transaction_id.in_({each.id for each in moved}),
    ):
        for line in session.scalars(
            select(ReconciliationLine).where(ReconciliationLine.lender_id == lender_id, wanted)
        ):
            found[line.key] = line
            if line.transaction_id is not None:
                found[line.transaction_id] = line
    return found


def _begun(night: _Night, each: Movement, *, key: str) -> ReconciliationLine:
    return ReconciliationLine(
        lender_id=night.lender_id,
        id=new_id(),
        key=key,
        kind=each.kind,
        on=each.booked_at.astimezone(clock.zone(night.zone)).date(),
        began_at=each.booked_at,
        fee_minor=0,
        currency=(each.about or each.settled).currency,
    )


def _at_stripe(line: ReconciliationLine, each: Movement) -> None:
    """Write down what Stripe says of a movement."""
    line.transaction_id = each.id
    line.settled_minor, line.settled_currency = each.settled.minor, each.settled.currency
    line.fee_minor = each.fee.minor
    line.on_its_way, line.came_to_nothing = each.on_its_way, each.came_to_nothing
    if each.about is not None and line.effect_id is None:
        line.currency = each.about.currency
    # What can't be said in the currency of the line matches nothing.
    sayable = each.about is not None and each.about.currency == line.currency
    line.stripe_minor = each.about.minor if each.about is not None and sayable else None


def _say(line: ReconciliationLine, effect: MoneyEffect | None) -> None:
    """Say what a line says, by what both sides have now."""
    if effect is not None:
        if line.currency != effect.currency:
            line.currency, line.stripe_minor = effect.currency, None
        line.effect_id, line.books_minor = effect.id, effect.amount_minor
        line.payment_id = line.payment_id or effect.payment_id
    books = stripe = None
    if line.books_minor is not None:
        books = InBooks(Money(line.books_minor, line.currency), set_aside=_waits(line))
    if line.transaction_id is not None:
        stripe = AtStripe(
            None if line.stripe_minor is None else Money(line.stripe_minor, line.currency),
            on_its_way=line.on_its_way,
            came_to_nothing=line.came_to_nothing,
            own=line.kind in matching.OWN,
        )
    now = clock.now()
    line.state = matching.state_of(books=books, stripe=stripe, began_at=line.began_at, now=now).value
    line.looked_at = now


def _waits(line: ReconciliationLine) -> bool:
    """Say whether what came waits for a person who places it."""
    row = None if line.effect_id is None else session.get(SetAside, (line.lender_id, line.effect_id))
    return row is not None and bool(aside.waiting(row))


def _book(line: ReconciliationLine, each: Movement, fees: dict[str, int]) -> None:
    """Post what Stripe kept, and where it booked in another currency, how much of that it made of ours; once each."""
    fee = -each.net if each.own else each.fee
    if fee and line.fee_posting_id is None:
        cost = Account.DISPUTE_FEES if each.disputed else Account.PROCESSING_FEES
        ends = (Account.CASH_STRIPE, cost) if fee.minor > 0 else (cost, Account.CASH_STRIPE)
        some = Money(abs(fee.minor), fee.currency)
        line.fee_posting_id = _post(line, "stripe_fee", f"stripe-fee:{each.id}", [Move(None, *ends, some)])
        fees[fee.currency] = fees.get(fee.currency, 0) + fee.minor
    matched = line.state in (State.MATCHED, State.SUSPENSE)
    if matched and line.exchange_posting_id is None and line.currency != each.settled.currency:
        ours, theirs = (
            Money(abs(line.books_minor or 0), line.currency),
            Money(abs(each.settled.minor), each.settled.currency),
        )
        cash, between = Account.CASH_STRIPE, Account.EXCHANGE
        moves = [Move(None, cash, between, ours), Move(None, between, cash, theirs)]
        if each.settled.minor < 0:
            moves = [Move(None, move.target, move.source, move.amount) for move in moves]
        line.exchange_posting_id = _post(line, "stripe_exchange", f"stripe-exchange:{each.id}", moves)


def _post(line: ReconciliationLine, kind: str, cause: str, moves: list[Move]) -> uuid.UUID | None:
    posted = ledger.post(lender_id=line.lender_id, kind=kind, cause=cause, moves=moves, on=line.on)
    return posted.posting_id if isinstance(posted, ledger.Posted) else None


def _ask(lender_id: uuid.UUID, each: Movement, payment: Payment | None) -> None:
    """Ask for what the books have not to be settled, by the job that settles all."""
    intent_id = each.payment_intent_id
    if payment is not None and payment.payment_intent_id in (None, intent_id):
        settle.ask(lender_id=lender_id, payment_id=payment.id)
    elif intent_id is not None:
        settle.ask_aside(lender_id=lender_id, intent_id=intent_id, about=None if payment is None else payment.id)


# What was not clear is looked at again.


def _read_again(night: _Night) -> tuple[Sequence[uuid.UUID], Mapping[uuid.UUID, Movement]]:
    after = uuid.UUID(night.mark) if night.mark else _FIRST
    lines = session.execute(
        select(ReconciliationLine.id, ReconciliationLine.transaction_id, ReconciliationLine.state)
        .where(ReconciliationLine.lender_id == night.lender_id, text(LINE_IS_OPEN), ReconciliationLine.id > after)
        .order_by(ReconciliationLine.id)
        .limit(_AGAIN_AT_ONCE)
    ).all()
    session.rollback()
    found = {}
    for line in lines:
        if line.transaction_id is not None and line.state != State.SUSPENSE:
            with suppress(stripe_gateway.PaymentRefused):
                found[line.id] = stripe_gateway.read_movement(night.account, transaction_id=line.transaction_id)
    return [line.id for line in lines], found


def _write_again(
    night: _Night, row: Reconciliation, page: tuple[Sequence[uuid.UUID], Mapping[uuid.UUID, Movement]]
) -> str | None:
    ids, movements = page
    lines = session.scalars(
        select(ReconciliationLine).where(
            ReconciliationLine.lender_id == night.lender_id, ReconciliationLine.id.in_(ids)
        )
    ).all()
    effects = _effects(night.lender_id, [line.key for line in lines])
    fees: dict[str, int] = {}
    for line in lines:
        movement = movements.get(line.id)
        if movement is not None:
            _at_stripe(line, movement)
        _say(line, effects.get(line.key))
        if movement is not None:
            _book(line, movement, fees)
    _record_fees(night, row, fees)
    return str(ids[-1]) if len(ids) == _AGAIN_AT_ONCE else None


# What was paid out to the lender's bank.


def _read_payouts(night: _Night) -> Page[PaidOut]:
    since, until = night.row.payouts_from_at, night.row.until_at
    session.rollback()
    return stripe_gateway.payouts_page(night.account, since=since, until=until, after=night.mark)


def _write_payouts(night: _Night, row: Reconciliation, page: Page[PaidOut]) -> str | None:
    known = {
        each.payout_id: each
        for each in session.scalars(
            select(Payout).where(Payout.lender_id == night.lender_id, Payout.payout_id.in_([p.id for p in page.items]))
        )
    }
    for each in page.items:
        payout = known.get(each.id)
        if payout is None:
            payout = Payout(lender_id=night.lender_id, id=new_id(), payout_id=each.id, state=PayoutState.WAITING.value)
            session.add(payout)
            _count(row, "payouts", 1)
        payout.amount_minor, payout.currency, payout.status = each.amount.minor, each.amount.currency, each.status
        payout.by_hand, payout.listed, payout.failure = each.by_hand, each.listed, each.failure
        payout.arrives_on, payout.made_at = each.arrives_on, each.made_at
        if each.by_hand:
            payout.state, payout.ours_minor = PayoutState.BY_HAND.value, each.amount.minor
        elif each.listed and payout.state in (PayoutState.WAITING.value, PayoutState.DIFFERS.value):
            _count_anew(payout)
        _pay_out(payout)
    session.flush()
    return page.last


def _count_anew(payout: Payout) -> None:
    payout.state, payout.mark = PayoutState.COUNTING.value, None
    payout.counted_minor = payout.ours_minor = payout.movements = 0


def _next_to_tie(lender_id: uuid.UUID) -> Payout | None:
    return session.scalars(
        select(Payout)
        .where(Payout.lender_id == lender_id, text(PAYOUT_IS_OPEN), Payout.state == PayoutState.COUNTING.value)
        .order_by(Payout.id)
        .limit(1)
    ).one_or_none()


def _read_tying(night: _Night) -> tuple[uuid.UUID, Page[Movement]] | None:
    payout = _next_to_tie(night.lender_id)
    if payout is None:
        return None
    ours, stripes, mark = payout.id, payout.payout_id, payout.mark
    session.rollback()
    try:
        return ours, stripe_gateway.movements_page(night.account, payout=stripes, after=mark)
    except stripe_gateway.PaymentRefused:
        # One that Stripe has no list for keeps no other from being looked at.
        return ours, Page((), None)


def _write_tying(night: _Night, row: Reconciliation, page: tuple[uuid.UUID, Page[Movement]] | None) -> str | None:
    if page is None:
        return None
    payout = session.get_one(Payout, (night.lender_id, page[0]), populate_existing=True)
    moved = [each for each in page[1].items if each.of_payout is None]
    _keep(night, row, moved)
    for line in session.scalars(
        select(ReconciliationLine).where(
            ReconciliationLine.lender_id == night.lender_id,
            ReconciliationLine.transaction_id.in_([each.id for each in moved]),
        )
    ):
        line.payout_id = payout.payout_id
    payout.counted_minor += sum(each.net.minor for each in moved)
    payout.movements += len(moved)
    payout.mark = page[1].last
    if payout.mark is None:
        session.flush()
        payout.ours_minor = _ours_in(payout)
        same = all(each.net.currency == payout.currency for each in moved)
        counted = [Money(payout.counted_minor, payout.currency)]
        fits = same and matching.tied(amount=Money(payout.amount_minor, payout.currency), nets=counted)
        payout.state = (PayoutState.TIED if fits else PayoutState.DIFFERS).value
        _pay_out(payout)
    session.flush()
    # The next page is found by the payout itself.
    return "more"


def _ours_in(payout: Payout) -> int:
    total = select(func.coalesce(func.sum(ReconciliationLine.settled_minor - ReconciliationLine.fee_minor), 0)).where(
        ReconciliationLine.lender_id == payout.lender_id, ReconciliationLine.payout_id == payout.payout_id
    )
    return int(session.scalar(total) or 0)


def _pay_out(payout: Payout) -> None:
    """Post what arrived at the bank, and what the bank sent back; once each, and not before it is known what it is."""
    known = payout.state in (PayoutState.TIED.value, PayoutState.BY_HAND.value)
    ours = Money(payout.ours_minor, payout.currency)
    if known and ours and payout.status == "paid" and payout.posting_id is None:
        ends = (Account.CASH_STRIPE, Account.PAID_OUT) if ours.minor > 0 else (Account.PAID_OUT, Account.CASH_STRIPE)
        moves = [Move(None, *ends, Money(abs(ours.minor), ours.currency))]
        payout.posting_id = _posted(payout, "payout", f"payout:{payout.payout_id}", moves, corrects=None)
    if payout.status == "failed" and payout.posting_id is not None and payout.back_posting_id is None:
        moves = list(ledger.reversed_moves(lender_id=payout.lender_id, posting_id=payout.posting_id))
        cause = f"payout-back:{payout.payout_id}"
        payout.back_posting_id = _posted(payout, "payout_back", cause, moves, corrects=payout.posting_id)


def _posted(
    payout: Payout, kind: str, cause: str, moves: Iterable[Move], *, corrects: uuid.UUID | None
) -> uuid.UUID | None:
    posted = ledger.post(
        lender_id=payout.lender_id, kind=kind, cause=cause, moves=moves, on=payout.arrives_on, corrects=corrects
    )
    if not isinstance(posted, ledger.Posted):
        return None
    record(
        Act.PAYOUT_BOOKED if corrects is None else Act.PAYOUT_CAME_BACK,
        by=STRIPE,
        lender_id=payout.lender_id,
        facts={
            "payout": payout.payout_id,
            "amount": Money(payout.amount_minor, payout.currency).amount,
            "ours": Money(payout.ours_minor, payout.currency).amount,
            "currency": payout.currency,
        },
    )
    return posted.posting_id


# What the books have.


def _read_books(night: _Night) -> None:
    session.rollback()


def _write_books(night: _Night, row: Reconciliation, _page: None) -> str | None:
    """Give each effect of ours that Stripe was not heard of its line; some of the night before are looked at again."""
    after = uuid.UUID(row.mark) if row.mark else _from(row)
    line = aliased(ReconciliationLine)
    page = session.execute(
        select(MoneyEffect, line)
        .outerjoin(line, (line.lender_id == MoneyEffect.lender_id) & (line.key == MoneyEffect.key))
        .where(MoneyEffect.lender_id == night.lender_id, MoneyEffect.id > after)
        .order_by(MoneyEffect.id)
        .limit(_EFFECTS_AT_ONCE)
    ).all()
    for effect, found in page:
        if not effect.key.startswith("stripe:"):
            continue
        if found is None:
            found = ReconciliationLine(
                lender_id=night.lender_id,
                id=new_id(),
                key=effect.key,
                kind=effect.key.split(":")[2],
                on=effect.at.astimezone(clock.zone(night.zone)).date(),
                began_at=effect.at,
                fee_minor=0,
                on_its_way=False,
                came_to_nothing=False,
                currency=effect.currency,
            )
        elif found.effect_id is not None:
            continue
        _say(found, effect)
        session.add(found)
    session.flush()
    last = str(page[-1].MoneyEffect.id) if page else str(after)
    row.found = {**row.found, "effects": last}
    return last if len(page) == _EFFECTS_AT_ONCE else None


def _from(row: Reconciliation) -> uuid.UUID:
    """Give the effect after which a night looks: where the night before the last one came to its end."""
    nights = session.scalars(
        select(Reconciliation.found)
        .where(Reconciliation.lender_id == row.lender_id, Reconciliation.finished_at.is_not(None))
        .order_by(Reconciliation.night.desc())
        .limit(2)
    ).all()
    return uuid.UUID(nights[1]["effects"]) if len(nights) == 2 else _FIRST


@dataclass(frozen=True, slots=True)
class _Step:
    """How a page of a step is read, outside any transaction, and written; `then` is what comes after the last one."""

    read: Callable[[_Night], Any]
    write: Callable[[_Night, Reconciliation, Any], str | None]
    then: str


_STEPS: Mapping[str, _Step] = {
    "events": _Step(_read_events, _write_events, "movements"),
    "movements": _Step(_read_movements, _write_movements, "payouts"),
    "payouts": _Step(_read_payouts, _write_payouts, "tying"),
    "tying": _Step(_read_tying, _write_tying, "again"),
    "again": _Step(_read_again, _write_again, "books"),
    "books": _Step(_read_books, _write_books, "done"),
}
