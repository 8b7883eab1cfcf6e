"""Looking at autopay on the days that bring something, and charging: each payment of a plan once, whatever breaks.

Invariant: money moves only by confirming the one payment at Stripe whose id stands in our row already, and Stripe lets
a payment succeed once. So a step may be cut off anywhere and done again. Nothing is asked of Stripe in a transaction.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from portal import clock, queue
from portal.autopay import declines, rules, tell
from portal.autopay.agreeing import call_off, card_gone, stop
from portal.autopay.declines import Decline
from portal.autopay.models import AutopayCharge
from portal.autopay.reading import Locked, anew, locked
from portal.autopay.rules import CallOff, Go, Notice, Wait, Why
from portal.autopay.saving import account_of_lender, customer_of, paid_with
from portal.autopay.states import Auto, Charge, ChargeEvent, Moved, charge_after
from portal.care import outages
from portal.contact import write
from portal.db import insert_unless_there, new_id, session, transaction
from portal.debts.models import Debt
from portal.evidence.record import PORTAL, STRIPE, Act, record
from portal.lenders.models import Lender
from portal.money import Money
from portal.payments import rails, settle, stripe_gateway
from portal.payments.checkout import choice_of
from portal.payments.models import Payment, PaymentPart
from portal.payments.stripe_gateway import Account, PaymentFacts, PaymentRefused, PaymentServiceDown, PaymentStatus
from portal.web.numbers import public_number

CHARGE = "autopay.charge"
# A page to pay on lives for an hour: whoever has it open may be paying this very moment.
_WHILE_PAYING = timedelta(minutes=65)
_WHILE_DOWN = timedelta(minutes=10)
# Between the word that a decline is tried again and that try, so many days at least after it left.
_DAYS_AGAIN = timedelta(days=2)
# What may be told only once: nothing in it is new for the person.
_QUIET = frozenset({Why.PAID, Why.STOPPED, Why.PLAN_OVER, Why.DEBT_GONE})


def look(job: queue.Job) -> None:
    """Look at autopay: give notice of what comes, call off what makes no sense any more, put off what is charged."""
    if job.lender_id is None:
        raise ValueError("autopay belongs to a lender")
    with transaction():
        look_at(locked(lender_id=job.lender_id, autopay_id=uuid.UUID(job.payload["autopay_id"])))


def look_at(held: Locked) -> None:
    """Look at autopay under its locks, and say when time can next bring something. Part of one transaction."""
    auto = held.auto
    if Auto(auto.state) in (Auto.STOPPED, Auto.ASKED):
        auto.act_on = None
        return
    if rules.is_over(held.now):
        stop(lender_id=auto.lender_id, autopay_id=auto.id, by=PORTAL, why="plan_over")
        return
    dropped = [
        charge
        for charge in held.charges.values()
        if charge.state == Charge.NOTICED.value and _dropped(held, charge) is not None
    ]
    held = anew(held)
    while (said := rules.to_notice(held.now)) is not None:
        if not _give_notice(held, said):
            # No address that may be written to today, or nobody may: tomorrow somebody looks again.
            break
        held = anew(held)
    for charge in dropped:
        if charge.state == Charge.CALLED_OFF.value and Why(charge.why or "") not in _QUIET:
            tell.not_taken(held, charge)
    for charge in held.charges.values():
        if charge.state in (Charge.NOTICED.value, Charge.CHARGING.value) and not _is_at_the_bank(charge):
            _charge_later(held, charge)
    auto.act_on = rules.act_on(held.now)


def _dropped(held: Locked, charge: AutopayCharge) -> Why | None:
    """Call a charge off if it can't be made with its notice; gives why."""
    found = rules.decide(held.now.made[charge.seq], held.now)
    if not isinstance(found, CallOff) or not call_off(charge, why=found.why):
        return None
    record(
        Act.AUTOPAY_CALLED_OFF,
        by=PORTAL,
        lender_id=charge.lender_id,
        debtor_id=charge.debtor_id,
        debt_id=held.plan.debt_id,
        facts={"plan": held.plan.reference, "seq": charge.seq, "on": charge.charge_on, "why": found.why.value},
    )
    return found.why


def _give_notice(held: Locked, said: Notice) -> bool:
    """Write the notice of a charge, and the charge with it; gives whether it could be written."""
    plan, auto = held.plan, held.auto
    charge = held.charges.get(said.seq)
    if charge is None:
        charge = AutopayCharge(
            lender_id=plan.lender_id,
            id=new_id(),
            plan_id=plan.id,
            debtor_id=plan.debtor_id,
            seq=said.seq,
            currency=plan.currency,
            notices=0,
            tries=0,
            made_at=clock.now(),
        )
    charge.autopay_id = auto.id
    charge.state, charge.why = Charge.NOTICED.value, None
    charge.due_on, charge.charge_on, charge.days = said.due_on, said.on, said.days.days
    charge.most_minor = said.amount
    charge.notices += 1
    session.add(charge)
    session.flush()
    message_id = tell.notice(held, charge, said)
    if message_id is None:
        charge.state, charge.why = Charge.CALLED_OFF.value, Why.NOT_NOTICED.value
        session.flush()
        return False
    charge.message_id = message_id
    record(
        Act.AUTOPAY_NOTICED,
        by=PORTAL,
        lender_id=plan.lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        facts={
            "plan": plan.reference,
            "seq": said.seq,
            "on": said.on,
            "amount": Money(said.amount, plan.currency).amount,
            "currency": plan.currency,
            "message": message_id,
        },
    )
    return True


def _charge_later(held: Locked, charge: AutopayCharge) -> None:
    """Put a charge off to the morning of its day, if that is today or tomorrow and nothing stands in the way."""
    found, now = rules.decide(held.now.made[charge.seq], held.now), clock.now()
    zone = clock.zone(held.zone)
    if found == Wait(Why.NOT_YET) and charge.charge_on == held.now.today + timedelta(days=1):
        at = rules.hour_of(charge.charge_on, zone)
    elif found == Wait(Why.ON_ITS_WAY):
        at = now + _WHILE_PAYING
    elif isinstance(found, Go):
        at = now
    else:
        return
    if not rules.is_daytime(at, zone):
        at = rules.next_daytime(at, zone)
    queue.later(
        CHARGE,
        lender_id=charge.lender_id,
        payload={"charge_id": str(charge.id)},
        while_waiting=f"autopay-charge:{charge.id}",
        at=at,
    )


@dataclass(frozen=True, slots=True)
class _Ready:
    """A charge that may be made now: of what, from which card, as which try."""

    payment_id: uuid.UUID
    intent_id: str | None
    method_id: str
    amount: Money
    tries: int
    words: str
    methods: tuple[str, ...]


def run(job: queue.Job) -> None:
    """Make one charge, if it still may be made; done again after a crash it goes on where it was.

    :raises portal.queue.TryLater: at night, while somebody pays the same by hand, or if Stripe can't be reached.
    """
    if job.lender_id is None:
        raise ValueError("a charge belongs to a lender")
    try:
        _charge(job.lender_id, uuid.UUID(job.payload["charge_id"]))
    except PaymentServiceDown as down:
        if down.out_of_order:
            outages.noticed(lender_id=job.lender_id)
        raise queue.TryLater(_WHILE_DOWN) from down


def _charge(lender_id: uuid.UUID, charge_id: uuid.UUID) -> None:
    account = account_of_lender(lender_id)
    charge = session.get_one(AutopayCharge, (lender_id, charge_id))
    autopay_id, debtor_id = charge.autopay_id, charge.debtor_id
    began = _intent_of(charge) if charge.state == Charge.CHARGING.value else None
    session.rollback()
    if began is not None:
        # We asked Stripe before, and never came to write down what it said.
        facts = stripe_gateway.read_payment(account, payment_intent_id=began)
        if facts.status in (PaymentStatus.SUCCEEDED, PaymentStatus.PROCESSING):
            conclude(lender_id, charge_id)
            return
    ready = _begin(lender_id, autopay_id, charge_id)
    if ready is None:
        return
    customer_id = customer_of(account, lender_id=lender_id, debtor_id=debtor_id)
    try:
        intent_id = ready.intent_id or _prepared(account, lender_id, ready, customer_id=customer_id)
        if ready.tries > 1:
            stripe_gateway.change_charge(account, payment_intent_id=intent_id, amount=ready.amount)
        stripe_gateway.charge(
            account,
            payment_intent_id=intent_id,
            method_id=ready.method_id,
            idempotency_key=f"autopay:{ready.payment_id}:{ready.tries}",
        )
    except PaymentRefused as refused:
        conclude(lender_id, charge_id, refused=refused)
        return
    conclude(lender_id, charge_id)


def _is_at_the_bank(charge: AutopayCharge) -> bool:
    """Say whether a bank has been asked for it and answers some day: then there is nothing to do but wait."""
    if charge.payment_id is None or charge.state != Charge.CHARGING.value:
        return False
    return session.get_one(Payment, (charge.lender_id, charge.payment_id)).state == "processing"


def _intent_of(charge: AutopayCharge) -> str | None:
    if charge.payment_id is None:
        return None
    return session.get_one(Payment, (charge.lender_id, charge.payment_id)).payment_intent_id


def _begin(lender_id: uuid.UUID, autopay_id: uuid.UUID, charge_id: uuid.UUID) -> _Ready | None:
    """Decide under lock whether a charge is made now, and write down that it is, before Stripe is asked."""
    with transaction():
        held = locked(lender_id=lender_id, autopay_id=autopay_id)
        charge = next(each for each in held.charges.values() if each.id == charge_id)
        if charge.state not in (Charge.NOTICED.value, Charge.CHARGING.value):
            return None
        zone = clock.zone(held.zone)
        found = rules.decide(held.now.made[charge.seq], held.now)
        if isinstance(found, Go) and not rules.is_daytime(clock.now(), zone):
            raise queue.TryLater(rules.next_daytime(clock.now(), zone) - clock.now())
        if isinstance(found, Wait) and found.why is Why.ON_ITS_WAY:
            raise queue.TryLater(_WHILE_PAYING)
        if isinstance(found, Go):
            return _written_down(held, charge, found)
        if isinstance(found, CallOff) and charge.state == Charge.CHARGING.value:
            _never_asked(charge, why=found.why)
            if found.why not in _QUIET:
                tell.not_taken(held, charge)
        look_at(anew(held))
    return None


def _never_asked(charge: AutopayCharge, *, why: Why) -> None:
    """Let a charge that Stripe was not asked to make be decided anew; its payment stays unpaid."""
    moved = charge_after(Charge(charge.state), ChargeEvent.CALL_OFF)
    if isinstance(moved, Moved):
        charge.state, charge.why = moved.to.value, why.value
    if charge.payment_id is not None:
        payment = session.get_one(Payment, (charge.lender_id, charge.payment_id))
        before, payment.state = payment.state, "cancelled"
        record(
            Act.PAYMENT_NOT_MADE,
            by=PORTAL,
            lender_id=charge.lender_id,
            debtor_id=charge.debtor_id,
            debt_id=payment.debt_id,
            facts={"payment": payment.reference, "before": before, "after": payment.state, "why": "called off"},
        )


def _written_down(held: Locked, charge: AutopayCharge, go: Go) -> _Ready:
    """Write down that a charge is made: its payment, once, and which try it is; each is of the same payment."""
    plan, card = held.plan, held.card
    if card is None:
        raise LookupError("a charge needs a card")
    again = charge.state == Charge.CHARGING.value
    amount = Money(go.amount, plan.currency)
    payment = _payment_for(held, charge, amount)
    if not again:
        moved = charge_after(Charge(charge.state), ChargeEvent.BEGIN)
        if not isinstance(moved, Moved):
            raise LookupError(moved)
        charge.payment_id = payment.id
        charge.state, charge.tries, charge.tried_on = moved.to.value, charge.tries + 1, held.now.today
        record(
            Act.AUTOPAY_CHARGING,
            by=PORTAL,
            lender_id=plan.lender_id,
            debtor_id=plan.debtor_id,
            debt_id=plan.debt_id,
            facts={
                "plan": plan.reference,
                "seq": charge.seq,
                "payment": payment.reference,
                "try": charge.tries,
                "amount": amount.amount,
                "currency": plan.currency,
            },
        )
    session.flush()
    lender = session.get_one(Lender, plan.lender_id)
    debt = session.get_one(Debt, (plan.lender_id, plan.debt_id))
    return _Ready(
        payment_id=payment.id,
        intent_id=payment.payment_intent_id,
        method_id=card.method_id,
        amount=Money(payment.amount_minor, payment.currency),
        tries=charge.tries,
        words=f"{lender.name} · {debt.product} {debt.reference}",
        methods=rails.kept_for(plan.currency, choice_of(lender)),
    )


def _payment_for(held: Locked, charge: AutopayCharge, amount: Money) -> Payment:
    """Give the one payment for a payment of a plan, asking for this amount."""
    plan = held.plan
    key = f"autopay:{plan.id}:{charge.seq}"
    made = session.execute(
        insert_unless_there(Payment)
        .values(
            lender_id=plan.lender_id,
            id=new_id(),
            reference=public_number("P"),
            form_key=key,
            debtor_id=plan.debtor_id,
            debt_id=plan.debt_id,
            plan_id=plan.id,
            amount_minor=amount.minor,
            refunded_minor=0,
            currency=plan.currency,
            state="created",
            autopay="taken",
            session_expires_at=clock.now(),
            started_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["lender_id", "debtor_id", "form_key"])
        .returning(Payment.id)
    ).scalar_one_or_none()
    payment = session.scalars(
        select(Payment).where(
            Payment.lender_id == plan.lender_id, Payment.debtor_id == plan.debtor_id, Payment.form_key == key
        )
    ).one()
    if made is not None:
        session.add(
            PaymentPart(
                lender_id=plan.lender_id,
                payment_id=payment.id,
                place=1,
                debt_id=plan.debt_id,
                plan_id=plan.id,
                amount_minor=amount.minor,
                currency=plan.currency,
            )
        )
        record(
            Act.PAYMENT_STARTED,
            by=PORTAL,
            lender_id=plan.lender_id,
            debtor_id=plan.debtor_id,
            debt_id=plan.debt_id,
            facts={
                "payment": payment.reference,
                "amount": amount.amount,
                "currency": plan.currency,
                "by_itself": True,
            },
        )
    elif payment.amount_minor != amount.minor and charge.state == Charge.NOTICED.value:
        # Between two tries something was paid: Stripe is told the new amount before it is asked again.
        part = session.scalars(
            select(PaymentPart).where(PaymentPart.lender_id == plan.lender_id, PaymentPart.payment_id == payment.id)
        ).one()
        payment.amount_minor = part.amount_minor = amount.minor
    return payment


def _prepared(account: Account, lender_id: uuid.UUID, ready: _Ready, *, customer_id: str) -> str:
    """Make the payment at Stripe, which moves no money yet, and keep its id before it is charged."""
    made = stripe_gateway.prepare_charge(
        account,
        reference=str(ready.payment_id),
        customer_id=customer_id,
        amount=ready.amount,
        methods=ready.methods,
        description=ready.words[:500],
        idempotency_key=f"autopay:{ready.payment_id}",
        metadata={"payment": str(ready.payment_id), "lender": str(lender_id)},
    )
    with transaction() as s:
        payment = s.execute(
            select(Payment)
            .where(Payment.lender_id == lender_id, Payment.id == ready.payment_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).scalar_one()
        if payment.payment_intent_id is None:
            payment.payment_intent_id = made
            payment.state = "sent"
        # Two workers at once may have made two; the one whose id stands here is the only one that is ever charged.
        return payment.payment_intent_id


def followed(job: queue.Job) -> None:
    """Follow a payment that autopay has to do with, after it moved: keep its card, or see what became of a charge."""
    if job.lender_id is None:
        raise ValueError("a payment belongs to a lender")
    lender_id, payment_id = job.lender_id, uuid.UUID(job.payload["payment_id"])
    payment = session.get_one(Payment, (lender_id, payment_id))
    if payment.autopay == "keeps":
        paid_with(lender_id=lender_id, payment_id=payment_id)
        return
    charge_id = session.scalars(
        select(AutopayCharge.id).where(
            AutopayCharge.lender_id == lender_id,
            AutopayCharge.payment_id == payment_id,
            AutopayCharge.state != Charge.CHARGED.value,
        )
    ).one_or_none()
    if charge_id is not None and payment.state in ("succeeded", "failed"):
        conclude(lender_id, charge_id)


def conclude(lender_id: uuid.UUID, charge_id: uuid.UUID, *, refused: PaymentRefused | None = None) -> None:
    """Bring the books and a charge to what Stripe says of its payment, and say what there is to say.

    `refused` is the answer to the try itself: only from that it is a decline, because an older one stays readable.
    """
    charge = session.get_one(AutopayCharge, (lender_id, charge_id))
    autopay_id, payment_id = charge.autopay_id, charge.payment_id
    if payment_id is None:
        return
    facts = settle.settle(lender_id=lender_id, payment_id=payment_id)
    with transaction():
        held = locked(lender_id=lender_id, autopay_id=autopay_id)
        charge = next(each for each in held.charges.values() if each.id == charge_id)
        if facts is not None and facts.status is PaymentStatus.SUCCEEDED:
            moved = charge_after(Charge(charge.state), ChargeEvent.SUCCEED)
            if isinstance(moved, Moved):
                charge.state, charge.why = moved.to.value, None
        elif facts is not None and facts.status is PaymentStatus.REQUIRES_ACTION:
            # Said without an error, it means the same: the bank wants its customer.
            if charge.state == Charge.CHARGING.value:
                _declined(held, charge, refused=PaymentRefused("authentication_required", ""), facts=facts)
        elif charge.state == Charge.CHARGING.value:
            said = refused or _refused_by_bank(held, charge, facts)
            if said is not None:
                _declined(held, charge, refused=said, facts=facts)
        look_at(anew(held))


def _refused_by_bank(held: Locked, charge: AutopayCharge, facts: PaymentFacts | None) -> PaymentRefused | None:
    """Give the no of a bank that was asked for this very try and answered days later."""
    if facts is None or facts.failure_code is None or facts.status is not PaymentStatus.REQUIRES_PAYMENT_METHOD:
        return None
    asked_on = facts.sent_at and facts.sent_at.astimezone(clock.zone(held.zone)).date()
    if not rails.rail_of(facts.method_kind).delayed or asked_on is None or charge.tried_on is None:
        return None
    if asked_on < charge.tried_on:
        return None
    return PaymentRefused(facts.failure_code, "", decline_code=facts.decline_code)


def _declined(held: Locked, charge: AutopayCharge, *, refused: PaymentRefused, facts: PaymentFacts | None) -> None:
    """Say what a decline of a charge means, and what comes now."""
    if facts is not None and facts.status is PaymentStatus.PROCESSING:
        return
    plan, today = held.plan, held.now.today
    kind = declines.kind_of(refused.code, refused.decline_code)
    amount = Money(session.get_one(Payment, (charge.lender_id, charge.payment_id)).amount_minor, plan.currency)
    next_day = declines.next_try(today, tries=charge.tries) if kind is Decline.SOFT else None
    going_on = held.auto.state == Auto.ON.value
    event = {
        Decline.SOFT: ChargeEvent.TRY_AGAIN if next_day is not None and going_on else ChargeEvent.REFUSE,
        Decline.SECOND_STEP: ChargeEvent.ASK,
    }.get(kind, ChargeEvent.REFUSE)
    charge.why = refused.decline_code or refused.code
    record(
        Act.AUTOPAY_DECLINED,
        by=STRIPE,
        lender_id=plan.lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        facts={
            "plan": plan.reference,
            "seq": charge.seq,
            "try": charge.tries,
            "kind": kind.value,
            "code": refused.code,
            "decline_code": refused.decline_code,
            "again_on": next_day,
        },
    )
    if event is ChargeEvent.TRY_AGAIN and next_day is not None:
        charge.state, charge.charge_on = Charge.NOTICED.value, next_day
        charge.days, charge.most_minor = _DAYS_AGAIN.days, amount.minor
        session.flush()
        message_id = tell.again(held, charge, amount=amount)
        if message_id is not None:
            charge.message_id = message_id
            return
        # Whoever can't be told isn't charged again.
        event = ChargeEvent.REFUSE
        charge.state = Charge.CHARGING.value
    moved = charge_after(Charge(charge.state), event)
    if isinstance(moved, Moved):
        charge.state = moved.to.value
    session.flush()
    if kind is Decline.REVOKED:
        stop(lender_id=plan.lender_id, autopay_id=held.auto.id, by=STRIPE, why="bank")
    elif kind is Decline.HARD and held.card is not None:
        card_gone(held.card, why=charge.why or "declined", by=STRIPE)
    if not going_on:
        return
    if event is ChargeEvent.ASK:
        # There it is paid with the bank's question, and the card is kept as one that its bank has asked about.
        pay_url = write.address_of("autopay.autopay", reference=plan.reference)
        tell.second_step(held, charge, amount=amount, pay_url=pay_url)
    elif kind is not Decline.REVOKED:
        tell.refused(held, charge, amount=amount, another=kind is Decline.HARD)
