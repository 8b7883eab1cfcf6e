"""Agreeing to autopay, the card that is saved for it, and stopping it; each part of one transaction.

Invariant: a plan has one autopay that lives, on only with a card that can be charged. What is stopped stays stopped.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from portal import clock, queue
from portal.autopay import mandate, rules, tell
from portal.autopay.mandate import Coming
from portal.autopay.models import ALIVE, Autopay, AutopayCharge, SavedCard
from portal.autopay.reading import Locked, anew, locked, situation_of_plan
from portal.autopay.rules import Why
from portal.autopay.states import Auto, AutoEvent, Charge, ChargeEvent, Moved, auto_after, charge_after
from portal.db import new_id, session
from portal.evidence.record import PORTAL, STRIPE, Act, Actor, record
from portal.lenders.models import Lender
from portal.money import Money
from portal.payments import rails
from portal.payments.checkout import choice_of
from portal.payments.stripe_gateway import MethodFacts
from portal.plans import progress
from portal.plans.models import Plan

LOOK, FORGET = "autopay.look", "autopay.forget"


@dataclass(frozen=True, slots=True)
class Asked:
    """It is agreed to, and waits for a card; also where this very form did so before."""

    autopay_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class AlreadyOn:
    """The plan has autopay already."""


@dataclass(frozen=True, slots=True)
class Otherwise:
    """Since it was shown, what would be agreed to has changed: it is to be looked at again."""


@dataclass(frozen=True, slots=True)
class NotNow:
    """Nothing can be taken by itself for this plan now, with why; None: nothing is left to take."""

    why: Why | None


@dataclass(frozen=True, slots=True)
class Offer:
    """What would be agreed to now: the payments to come, the text and its digest."""

    payments: tuple[Coming, ...]
    paragraphs: tuple[str, ...]
    shown: str
    text: str
    most: int


def offer(plan: Plan) -> Offer | NotNow:
    """Put together what somebody would agree to for a plan, in the language in force. The plan must be locked."""
    now, _zone = situation_of_plan(plan)
    why = rules.stands_still(now)
    coming = tuple(
        Coming(one.due_on, Money(now.amount_of(one), plan.currency), taken)
        for one, taken in rules.to_come(now)
        if now.amount_of(one) >= now.least
    )
    taken = [one for one in coming if one.taken]
    if why is not None or not taken:
        return NotNow(why)
    lender = session.get_one(Lender, plan.lender_id)
    ways = [rails.rail_of(name) for name in rails.kept_for(plan.currency, choice_of(lender))]
    account = next((rail for rail in ways if rail.delayed), None)
    said = {"lender": lender.name, "plan": plan.reference, "payments": taken, "account": account}
    text = mandate.text_of(**said)  # type: ignore[arg-type]
    return Offer(
        payments=coming,
        paragraphs=tuple(mandate.paragraphs(**said)),  # type: ignore[arg-type]
        shown=mandate.digest(text),
        text=text,
        most=max(one.amount.minor for one in taken),
    )


def agree(
    *,
    lender_id: uuid.UUID,
    debtor_id: uuid.UUID,
    reference: str,
    shown: str,
    form_key: str,
    language: str,
    strength: int,
    by: Actor,
) -> Asked | AlreadyOn | Otherwise | NotNow | None:
    """Agree to what was shown for one's own plan, after a code; None if it isn't one's own. The same form is the same.

    :raises PermissionError: if no code was given.
    """
    if strength < 2:
        raise PermissionError("autopay is agreed to with a code")
    plan = progress.locked_by_reference(lender_id=lender_id, reference=reference)
    if plan is None or plan.debtor_id != debtor_id:
        return None
    of_plan = (Autopay.lender_id == lender_id, Autopay.plan_id == plan.id)
    before = session.scalars(select(Autopay).where(*of_plan, Autopay.form_key == form_key)).one_or_none()
    if before is not None:
        return Asked(before.id) if before.state == Auto.ASKED.value else AlreadyOn()
    alive = session.scalars(select(Autopay).where(*of_plan, Autopay.state.in_(ALIVE))).one_or_none()
    if alive is not None and alive.state != Auto.ASKED.value:
        return AlreadyOn()
    found = offer(plan)
    if isinstance(found, NotNow):
        return found
    if found.shown != shown:
        return Otherwise()
    if alive is not None:
        # Somebody began before and never saved a card; this is what counts.
        _stop(alive, plan, why="asked_again", by=by)
        session.flush()
    auto = Autopay(
        lender_id=lender_id,
        id=new_id(),
        plan_id=plan.id,
        debt_id=plan.debt_id,
        debtor_id=debtor_id,
        state=Auto.ASKED.value,
        agreed_text=found.text,
        version=mandate.VERSION,
        language=language,
        most_minor=found.most,
        currency=plan.currency,
        form_key=form_key,
        agreed_at=clock.now(),
        saves=0,
    )
    session.add(auto)
    session.flush()
    record(
        Act.AUTOPAY_AGREED,
        by=by,
        lender_id=lender_id,
        debtor_id=debtor_id,
        debt_id=plan.debt_id,
        facts={
            "plan": plan.reference,
            "version": mandate.VERSION,
            "language": language,
            "most": Money(found.most, plan.currency).amount,
            "currency": plan.currency,
            "text_sha256": hashlib.sha256(found.text.encode()).hexdigest(),
        },
    )
    return Asked(auto.id)


def use_card(*, lender_id: uuid.UUID, autopay_id: uuid.UUID, card_id: uuid.UUID, by: Actor) -> bool:
    """Let autopay take from a card that its person saved before; gives whether it does."""
    held = locked(lender_id=lender_id, autopay_id=autopay_id)
    card = session.scalars(
        select(SavedCard)
        .where(
            SavedCard.lender_id == lender_id,
            SavedCard.id == card_id,
            SavedCard.debtor_id == held.auto.debtor_id,
            SavedCard.gone_at.is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    return card is not None and _put_card(held, card, by=by)


def keep_card(
    *, lender_id: uuid.UUID, autopay_id: uuid.UUID, facts: MethodFacts, customer_id: str, by: Actor = STRIPE
) -> bool:
    """Note a card or an account that was saved, and let autopay take from it; gives whether it does.

    One that can't be used (a credit card, another kind of method, another's) or isn't wanted any more is to be
    forgotten by the caller. Twice is once.
    """
    held = locked(lender_id=lender_id, autopay_id=autopay_id)
    choice = choice_of(session.get_one(Lender, lender_id))
    # Card schemes restrict paying a debt with a credit card.
    borrowed = facts.kind == "card" and facts.funding == "credit" and not choice.credit_cards
    kept = facts.kind in rails.kept_for(held.auto.currency, choice)
    if borrowed or not kept or facts.customer_id != customer_id:
        if held.auto.state == Auto.ASKED.value and borrowed and facts.customer_id == customer_id:
            _stop(held.auto, held.plan, why="credit_card", by=by)
        return False
    card = session.scalars(
        select(SavedCard)
        .where(SavedCard.lender_id == lender_id, SavedCard.method_id == facts.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if card is None:
        card = SavedCard(
            lender_id=lender_id,
            id=new_id(),
            debtor_id=held.auto.debtor_id,
            method_id=facts.id,
            kind=facts.kind,
            # An account whose bank isn't named is called by its way.
            brand=facts.brand or facts.kind,
            last4=facts.last4,
            exp_month=facts.exp_month,
            exp_year=facts.exp_year,
            funding=facts.funding,
            saved_at=clock.now(),
        )
        if facts.mandate is not None:
            card.mandate_id, card.mandate_reference = facts.mandate.id, facts.mandate.reference
            card.mandate_url, card.mandate_at = facts.mandate.url, facts.mandate.accepted_at
        if held.auto.state == Auto.STOPPED.value:
            return False
        session.add(card)
        session.flush()
    return _put_card(held, card, by=by)


def _put_card(held: Locked, card: SavedCard, *, by: Actor) -> bool:
    auto, plan = held.auto, held.plan
    moved = auto_after(Auto(auto.state), AutoEvent.SAVE)
    if card.gone_at is not None:
        return False
    if auto.card_id == card.id and auto.state == Auto.ON.value:
        return True
    if not isinstance(moved, Moved) and auto.state != Auto.ON.value:
        return False
    before, auto.card_id, auto.state = auto.card_id, card.id, Auto.ON.value
    record(
        Act.AUTOPAY_CARD_SAVED,
        by=by,
        lender_id=auto.lender_id,
        debtor_id=auto.debtor_id,
        debt_id=auto.debt_id,
        facts={
            "plan": plan.reference,
            "card": card.id,
            "kind": card.kind,
            "brand": card.brand,
            "last4": card.last4,
            "mandate": card.mandate_id,
        },
    )
    session.flush()
    if before is not None and before != card.id:
        _forget_later(auto.lender_id, before)
    tell.turned_on(Locked(plan, auto, card, held.charges, held.now, held.zone))
    look_later(auto)
    return True


def look_later(auto: Autopay) -> None:
    """Ask for autopay to be looked at; asking again while that waits changes nothing."""
    queue.later(
        LOOK,
        lender_id=auto.lender_id,
        payload={"autopay_id": str(auto.id)},
        while_waiting=f"autopay-look:{auto.id}",
    )


def plan_changed(*, lender_id: uuid.UUID, plan_id: uuid.UUID) -> None:
    """Let autopay of a plan, if there is any, be looked at after the plan was changed or ended; part of that act."""
    alive = select(Autopay).where(Autopay.lender_id == lender_id, Autopay.plan_id == plan_id, Autopay.state.in_(ALIVE))
    for auto in session.scalars(alive):
        look_later(auto)


def _forget_later(lender_id: uuid.UUID, card_id: uuid.UUID) -> None:
    queue.later(FORGET, lender_id=lender_id, payload={"card_id": str(card_id)}, while_waiting=f"forget-card:{card_id}")


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nothing more is taken; `now`: by this very act. What was on its way already, if anything was."""

    now: bool
    on_its_way: Money | None


def stop(
    *,
    lender_id: uuid.UUID,
    autopay_id: uuid.UUID,
    by: Actor,
    why: str,
    debtor_id: uuid.UUID | None = None,
    done_by: Mapping[str, object] | None = None,
) -> Stopped | None:
    """Stop autopay, so that nothing more is taken; twice is once. None if it isn't this person's.

    A charge that Stripe was asked for already can't be called back: if it arrives, it counts. `done_by` says who does
    it for the person, and by which consent.
    """
    if debtor_id is not None:
        mine = (Autopay.lender_id == lender_id, Autopay.id == autopay_id, Autopay.debtor_id == debtor_id)
        if session.scalar(select(Autopay.id).where(*mine)) is None:
            return None
    held = locked(lender_id=lender_id, autopay_id=autopay_id)
    way = next((one for one in held.charges.values() if one.state == Charge.CHARGING.value), None)
    on_its_way = Money(way.most_minor, way.currency) if way is not None else None
    was_on = held.auto.state in (Auto.ON.value, Auto.NEEDS_CARD.value)
    charges = list(held.charges.values())
    now = _stop(held.auto, held.plan, why=why, by=by, charges=charges, done_by=done_by)
    if now and was_on:
        session.flush()
        if why != "plan_over":
            tell.stopped(anew(held), on_its_way=on_its_way, asked=by.kind == "debtor")
    return Stopped(now, on_its_way)


def _stop(
    auto: Autopay,
    plan: Plan,
    *,
    why: str,
    by: Actor,
    charges: Sequence[AutopayCharge] = (),
    done_by: Mapping[str, object] | None = None,
) -> bool:
    moved = auto_after(Auto(auto.state), AutoEvent.STOP)
    if not isinstance(moved, Moved):
        return False
    before, auto.state = auto.state, moved.to.value
    auto.stopped_at, auto.stopped_by, auto.why_stopped = clock.now(), f"{by.kind}:{by.id}", why
    auto.act_on = None
    for charge in charges:
        if charge.state == Charge.NOTICED.value:
            call_off(charge, why=Why.STOPPED)
    record(
        Act.AUTOPAY_STOPPED,
        by=by,
        lender_id=auto.lender_id,
        debtor_id=auto.debtor_id,
        debt_id=auto.debt_id,
        facts={"plan": plan.reference, "why": why, "before": before, **(done_by or {})},
    )
    if auto.card_id is not None:
        _forget_later(auto.lender_id, auto.card_id)
    return True


def call_off(charge: AutopayCharge, *, why: Why) -> bool:
    """Let a charge not be made with the notice that was given; part of an act that is recorded by whoever decides."""
    moved = charge_after(Charge(charge.state), ChargeEvent.CALL_OFF)
    if not isinstance(moved, Moved):
        return False
    charge.state, charge.why = moved.to.value, why.value
    return True


def card_gone(card: SavedCard, *, why: str, by: Actor = PORTAL) -> None:
    """Note that a card can't be charged any more, and let whatever takes from it wait for another one."""
    if card.gone_at is not None:
        return
    # Autopay is locked before its card, here as everywhere.
    for auto in session.scalars(
        select(Autopay)
        .where(Autopay.lender_id == card.lender_id, Autopay.card_id == card.id, Autopay.state == Auto.ON.value)
        .order_by(Autopay.id)
        .with_for_update()
    ):
        moved = auto_after(Auto(auto.state), AutoEvent.LOSE)
        if isinstance(moved, Moved):
            auto.state = moved.to.value
    card.gone_at, card.why_gone = clock.now(), why
    record(
        Act.AUTOPAY_CARD_GONE,
        by=by,
        lender_id=card.lender_id,
        debtor_id=card.debtor_id,
        facts={"card": card.id, "last4": card.last4, "why": why},
    )
    session.flush()


def card_news(card: SavedCard, facts: MethodFacts, *, by: Actor = STRIPE) -> None:
    """Note what the network of a card sent: other digits, another expiry."""
    new = (facts.brand or facts.kind, facts.last4, facts.exp_month, facts.exp_year, facts.funding)
    if new == (card.brand, card.last4, card.exp_month, card.exp_year, card.funding):
        return
    card.brand, card.last4, card.exp_month, card.exp_year, card.funding = new
    record(
        Act.AUTOPAY_CARD_CHANGED,
        by=by,
        lender_id=card.lender_id,
        debtor_id=card.debtor_id,
        facts={"card": card.id, "last4": card.last4, "exp_month": card.exp_month, "exp_year": card.exp_year},
    )
