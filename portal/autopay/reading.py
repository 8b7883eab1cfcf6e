"""Autopay, its card and its charges as they stand: locked for acts, in few statements for pages."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import String, bindparam, func, literal_column, select

from portal import clock
from portal.autopay.models import ALIVE, Autopay, AutopayCharge, SavedCard
from portal.autopay.rules import DAYS, RUNNING, Made, Situation
from portal.autopay.states import Auto, Charge
from portal.care import outages
from portal.care.holds import holding
from portal.db import read, session, table_of
from portal.debts.models import Debt
from portal.ledger import Book
from portal.money import Money, total
from portal.payments import stripe_gateway
from portal.payments.follow import sent_for
from portal.payments.models import Payment, PaymentPart
from portal.people.models import Debtor
from portal.plans import progress, remind, waivers
from portal.plans.models import LIVE_STATES, Plan, PlanItem
from portal.post.models import Message
from portal.post.states import State

_AUTO, _CARD, _CHARGE, _PLAN, _DEBT, _DEBTOR, _ITEM = (
    table_of(each).c for each in (Autopay, SavedCard, AutopayCharge, Plan, Debt, Debtor, PlanItem)
)
# Written out: a constant statement has no lists of values.
_ALIVE = [literal_column(f"'{state}'", String) for state in ALIVE]
_TO_COME = [
    literal_column(f"'{state.value}'", String) for state in (Charge.NOTICED, Charge.CHARGING, Charge.SECOND_STEP)
]
_LEFT = (State.SENT.value, State.DELIVERED.value)
# Somebody has the page to pay on open, and may be paying this very moment.
_OPEN = ("created", "sent")


@dataclass(frozen=True, slots=True)
class Locked:
    """What an act about autopay holds: the plan, autopay and its card, every charge of the plan by its payment."""

    plan: Plan
    auto: Autopay
    card: SavedCard | None
    charges: dict[int, AutopayCharge]
    now: Situation
    zone: str


def locked(*, lender_id: uuid.UUID, autopay_id: uuid.UUID) -> Locked:
    """Lock autopay of a plan after the book and the plan, and read what is decided by. Part of an act."""
    plan_id = session.scalars(
        select(Autopay.plan_id).where(Autopay.lender_id == lender_id, Autopay.id == autopay_id)
    ).one()
    plan = progress.locked(lender_id=lender_id, plan_id=plan_id)
    auto = session.execute(
        select(Autopay)
        .where(Autopay.lender_id == lender_id, Autopay.id == autopay_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()
    charges = session.execute(
        select(AutopayCharge)
        .where(AutopayCharge.lender_id == lender_id, AutopayCharge.plan_id == plan_id)
        .order_by(AutopayCharge.seq)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalars()
    card = session.get(SavedCard, (lender_id, auto.card_id), populate_existing=True) if auto.card_id else None
    by_seq = {charge.seq: charge for charge in charges}
    return _with_situation(plan, auto, card, by_seq)


def anew(held: Locked) -> Locked:
    """Read the charges again, and whether it is on, after this act changed something of them."""
    session.flush()
    charges = {
        charge.seq: charge
        for charge in session.scalars(
            select(AutopayCharge).where(
                AutopayCharge.lender_id == held.plan.lender_id, AutopayCharge.plan_id == held.plan.id
            )
        )
    }
    auto, card = held.auto, held.card
    now = replace(
        held.now,
        auto=Auto(auto.state),
        has_card=card is not None and card.gone_at is None,
        made={seq: _made(charge, zone=held.zone) for seq, charge in charges.items()},
    )
    return Locked(held.plan, auto, card, charges, now, held.zone)


def situation_of_plan(plan: Plan, *, most: int | None = None) -> tuple[Situation, str]:
    """Give what autopay of a plan would find today if it were on, and the zone. The plan must be locked."""
    life = progress.lives_of([plan])[plan.id]
    now = clock.now()
    today = clock.today(life.zone)
    book = session.get_one(Book, (plan.lender_id, plan.debt_id))
    posted = progress.interest_posted(lender_id=plan.lender_id, debt_ids=[plan.debt_id])
    payments = remind.payments_of(life.items)
    held = bool(
        holding(lender_id=plan.lender_id, debtor_id=plan.debtor_id, debt_id=plan.debt_id, at=now)
    ) or outages.covers(lender_id=plan.lender_id, day=today, zone=life.zone)
    debt_state = session.scalars(
        select(Debt.state).where(Debt.lender_id == plan.lender_id, Debt.id == plan.debt_id)
    ).one()
    return Situation(
        auto=Auto.ON,
        has_card=True,
        plan=plan.state,
        grace_days=plan.grace_days,
        payments=payments,
        made={},
        held=held,
        debt_open=debt_state == "open",
        on_its_way=_on_its_way(plan),
        owed=total(waivers.asked_of(book, plan).values(), currency=plan.currency).minor,
        to_come={
            one.seq: one.interest
            for one in payments
            if one.interest and progress.interest_cause(plan.id, one.seq) not in posted
        },
        least=_least(plan.currency),
        agreed_most=most if most is not None else max((one.missing for one in payments if one.open), default=0),
        today=today,
    ), life.zone


def _with_situation(plan: Plan, auto: Autopay, card: SavedCard | None, charges: dict[int, AutopayCharge]) -> Locked:
    now, zone = situation_of_plan(plan, most=auto.most_minor)
    return anew(Locked(plan, auto, card, charges, now, zone))


def _least(currency: str) -> int:
    try:
        return stripe_gateway.least(currency).minor
    except stripe_gateway.NotChargeable:
        # More than anybody owes: nothing is charged in what Stripe doesn't take.
        return 2**62


def _made(charge: AutopayCharge, *, zone: str) -> Made:
    message = session.get(Message, (charge.lender_id, charge.message_id)) if charge.message_id else None
    left = message.left_at if message is not None and message.state in _LEFT else None
    return Made(
        seq=charge.seq,
        state=Charge(charge.state),
        on=charge.charge_on,
        due_on=charge.due_on,
        most=charge.most_minor,
        tries=charge.tries,
        noticed_on=left.astimezone(clock.zone(zone)).date() if left is not None else None,
        days=timedelta(days=charge.days),
        tried_on=charge.tried_on,
    )


def _on_its_way(plan: Plan) -> int:
    """Give what is on its way for a plan, or may be on a page that is open now, in minor units; not what is taken.

    Each payment of a plan is taken once, so what is being taken for one keeps no other from being.
    """
    sent = sent_for(lender_id=plan.lender_id, plan_ids=[plan.id]).get(plan.id.hex, 0)
    taken = session.scalars(
        select(func.coalesce(func.sum(PaymentPart.amount_minor), 0))
        .join(Payment, (Payment.lender_id == PaymentPart.lender_id) & (Payment.id == PaymentPart.payment_id))
        .where(
            PaymentPart.lender_id == plan.lender_id,
            PaymentPart.plan_id == plan.id,
            Payment.state == "processing",
            Payment.autopay == "taken",
        )
    ).one()
    opened = session.scalars(
        select(func.coalesce(func.sum(PaymentPart.amount_minor), 0))
        .join(Payment, (Payment.lender_id == PaymentPart.lender_id) & (Payment.id == PaymentPart.payment_id))
        .where(
            PaymentPart.lender_id == plan.lender_id,
            PaymentPart.plan_id == plan.id,
            Payment.state.in_(_OPEN),
            Payment.session_expires_at > clock.now(),
            func.coalesce(Payment.autopay, "") != "taken",
        )
    ).one()
    return sent - int(taken) + int(opened)


@dataclass(frozen=True, slots=True)
class Shown:
    """Autopay of a plan as a page shows it; `charge_on` and `most` are what comes next, said already or not.

    While it is `held` nothing is taken, and nobody knows what comes next.
    """

    id: uuid.UUID
    plan: str
    product: str
    state: Auto
    card: str | None
    brand: str | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None
    charge_on: date | None
    most: Money | None
    charge_state: Charge | None
    tries: int
    on_its_way: Money | None
    # A payment that its bank wants to hear of from its customer.
    second_step: bool = False
    held: bool = False


_SHOWN = (
    select(
        _AUTO.id,
        _AUTO.plan_id,
        _AUTO.debt_id,
        _AUTO.state,
        _AUTO.currency,
        _PLAN.reference,
        _DEBT.product,
        _CARD.brand,
        _CARD.last4,
        _CARD.exp_month,
        _CARD.exp_year,
        _PLAN.state.label("plan_state"),
        _DEBTOR.zone,
    )
    .join_from(table_of(Autopay), table_of(Plan), (_PLAN.lender_id == _AUTO.lender_id) & (_PLAN.id == _AUTO.plan_id))
    .join(table_of(Debt), (_DEBT.lender_id == _AUTO.lender_id) & (_DEBT.id == _AUTO.debt_id))
    .join(table_of(Debtor), (_DEBTOR.lender_id == _AUTO.lender_id) & (_DEBTOR.id == _AUTO.debtor_id))
    .join(table_of(SavedCard), (_CARD.lender_id == _AUTO.lender_id) & (_CARD.id == _AUTO.card_id), isouter=True)
    .where(
        _AUTO.lender_id == bindparam("lender_id"),
        _AUTO.debtor_id == bindparam("debtor_id"),
        _AUTO.state.in_(_ALIVE),
    )
    .order_by(_AUTO.id)
)
_CHARGES = (
    select(_CHARGE.autopay_id, _CHARGE.charge_on, _CHARGE.most_minor, _CHARGE.currency, _CHARGE.state, _CHARGE.tries)
    .where(
        _CHARGE.lender_id == bindparam("lender_id"),
        _CHARGE.debtor_id == bindparam("debtor_id"),
        _CHARGE.state.in_(_TO_COME),
    )
    .order_by(_CHARGE.charge_on)
)

_ITEMS = (
    select(_ITEM.plan_id, _ITEM.seq, _ITEM.due_on, (_ITEM.amount_minor - _ITEM.paid_minor).label("missing"))
    .join_from(
        table_of(Autopay), table_of(PlanItem), (_ITEM.lender_id == _AUTO.lender_id) & (_ITEM.plan_id == _AUTO.plan_id)
    )
    .where(
        _AUTO.lender_id == bindparam("lender_id"),
        _AUTO.debtor_id == bindparam("debtor_id"),
        _AUTO.state == _ALIVE[1],
        _ITEM.kind == literal_column("'payment'", String),
        _ITEM.kept_at.is_(None),
        _ITEM.paid_minor < _ITEM.amount_minor,
    )
    .order_by(_ITEM.due_on, _ITEM.seq)
)


def of_person(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> list[Shown]:
    """Give every autopay of a person that is not over, with what comes next as it was said."""
    mine = {"lender_id": lender_id, "debtor_id": debtor_id}
    rows = read(_SHOWN, mine)
    charges = read(_CHARGES, mine) if rows else ()
    items = read(_ITEMS, mine) if any(row.state == Auto.ON.value for row in rows) else ()
    found = []
    for row in rows:
        if row.plan_state not in LIVE_STATES:
            # It ends by itself at the next look, and takes nothing till then.
            continue
        its = [each for each in charges if each.autopay_id == row.id]
        coming = next((each for each in its if each.state != Charge.SECOND_STEP.value), None)
        way = next((each for each in its if each.state == Charge.CHARGING.value), None)
        soonest = clock.today(row.zone) + DAYS
        due = next((each for each in items if each.plan_id == row.plan_id and each.due_on >= soonest), None)
        if row.plan_state not in RUNNING:
            due = None
        held = bool(holding(**mine, debt_id=row.debt_id, at=clock.now()))
        if held:
            coming = due = None
        minor = coming.most_minor if coming else due.missing if due else 0
        found.append(
            Shown(
                id=row.id,
                plan=row.reference,
                product=row.product,
                state=Auto(row.state),
                card=card_words(row.brand, row.last4) if row.last4 else None,
                brand=row.brand,
                last4=row.last4,
                exp_month=row.exp_month,
                exp_year=row.exp_year,
                held=held,
                charge_on=coming.charge_on if coming else due.due_on if due else None,
                most=Money(minor, row.currency) if minor else None,
                charge_state=Charge(coming.state) if coming else None,
                tries=coming.tries if coming else 0,
                on_its_way=Money(way.most_minor, way.currency) if way else None,
                second_step=any(each.state == Charge.SECOND_STEP.value for each in its),
            )
        )
    return found


def of_plan(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, reference: str) -> Shown | None:
    """Give autopay of a person's plan that is not over, or None."""
    found = of_person(lender_id=lender_id, debtor_id=debtor_id)
    return next((one for one in found if one.plan == reference), None)


_BRANDS = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "unionpay": "UnionPay",
    # An account whose bank isn't named.
    "us_bank_account": "ACH",
    "sepa_debit": "SEPA",
    "bacs_debit": "Bacs",
    "acss_debit": "PAD",
    "au_becs_debit": "BECS",
    "nz_bank_account": "NZ",
}


def card_words(brand: str | None, last4: str | None) -> str:
    """Name a card as people know it: by its brand and its last four digits.

    >>> card_words("visa", "5556")
    'Visa •••• 5556'
    """
    return f"{_BRANDS.get(brand or '', (brand or '').title())} •••• {last4 or '????'}".strip()


def usable_cards(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> Sequence[SavedCard]:
    """Give the cards of a person that can be charged, newest first."""
    return session.scalars(
        select(SavedCard)
        .where(SavedCard.lender_id == lender_id, SavedCard.debtor_id == debtor_id, SavedCard.gone_at.is_(None))
        .order_by(SavedCard.id.desc())
    ).all()


def covers(*, lender_id: uuid.UUID, plan_id: uuid.UUID, seq: int) -> bool:
    """Say whether a payment of a plan is going to be taken from a card, so that nobody need be reminded of it."""
    return (
        session.scalars(
            select(AutopayCharge.id).where(
                AutopayCharge.lender_id == lender_id,
                AutopayCharge.plan_id == plan_id,
                AutopayCharge.seq == seq,
                AutopayCharge.state == Charge.NOTICED.value,
            )
        ).first()
        is not None
    )
