"""Write to somebody about what is taken from a card: before, when it could not be, when it begins and when it stops."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select

from portal import clock
from portal.autopay import rules
from portal.autopay.models import Autopay, AutopayCharge, SavedCard
from portal.autopay.reading import Locked, card_words
from portal.autopay.rules import Notice
from portal.autopay.states import Auto, Charge
from portal.care.holds import holding
from portal.contact import write
from portal.db import session
from portal.money import Money
from portal.plans.models import Plan
from portal.plans.progress import zone_of
from portal.post import words
from portal.post.compose import Words

_KINDS = frozenset({"autopay_on", "autopay_notice", "autopay_declined", "autopay_not_taken", "autopay_stopped"})


def _write(
    plan: Plan, kind: str, what: Callable[[str], Words], *, once: str, about: str, asked_at: datetime | None = None
) -> uuid.UUID | None:
    return write.to(
        lender_id=plan.lender_id,
        debtor_id=plan.debtor_id,
        debt_id=plan.debt_id,
        kind=kind,
        words=what,
        once=once,
        about=about,
        asked_at=asked_at,
        holding=holding,
    )


def _card(card: SavedCard | None) -> str:
    return card_words(card.brand, card.last4) if card is not None else ""


def _page(plan: Plan) -> str:
    return write.address_of("autopay.autopay", reference=plan.reference)


def turned_on(held: Locked) -> None:
    """Say that autopay is on, with what it takes first."""
    plan, auto = held.plan, held.auto
    first = next((one for one, taken in rules.to_come(held.now) if taken), None)
    said = None if first is None else (first.due_on, Money(held.now.amount_of(first), plan.currency))
    _write(
        plan,
        "autopay_on",
        lambda name: words.autopay_on(name=name, card=_card(held.card), first=said, url=_page(plan)),
        once=f"autopay_on:{auto.id}:{auto.card_id}",
        about=f"autopay_on:{auto.id}",
        asked_at=clock.now(),
    )


def notice(held: Locked, charge: AutopayCharge, said: Notice) -> uuid.UUID | None:
    """Give notice of a charge; gives the message, or None if it can't be written."""
    plan = held.plan
    amount = Money(said.amount, plan.currency)
    return _write(
        plan,
        "autopay_notice",
        lambda name: words.autopay_notice(name=name, amount=amount, on=said.on, card=_card(held.card), url=_page(plan)),
        once=f"autopay_notice:{charge.id}:{charge.notices}",
        about=f"autopay_notice:{charge.id}:{said.amount}:{said.on}",
    )


def again(held: Locked, charge: AutopayCharge, *, amount: Money) -> uuid.UUID | None:
    """Say that a charge is tried once more on its new day, which is the notice of that."""
    plan = held.plan
    return _write(
        plan,
        "autopay_declined",
        lambda name: words.autopay_again(
            name=name, amount=amount, on=charge.charge_on, card=_card(held.card), url=_page(plan)
        ),
        once=f"autopay_again:{charge.id}:{charge.tries}",
        about=f"autopay_notice:{charge.id}:{charge.most_minor}:{charge.charge_on}",
    )


def second_step(held: Locked, charge: AutopayCharge, *, amount: Money, pay_url: str) -> None:
    """Say that the bank wants to hear from its customer."""
    _write(
        held.plan,
        "autopay_declined",
        lambda name: words.autopay_second_step(name=name, amount=amount, card=_card(held.card), url=pay_url),
        once=f"autopay_second_step:{charge.id}",
        about=f"autopay_declined:{charge.id}",
    )


def refused(held: Locked, charge: AutopayCharge, *, amount: Money, another: bool) -> None:
    """Say that a payment could not be taken, and what is possible now."""
    plan = held.plan
    _write(
        plan,
        "autopay_declined",
        lambda name: words.autopay_refused(
            name=name, amount=amount, card=_card(held.card), another=another, url=_page(plan)
        ),
        once=f"autopay_refused:{charge.id}",
        about=f"autopay_declined:{charge.id}",
    )


def not_taken(held: Locked, charge: AutopayCharge) -> None:
    """Say that a payment is not taken although notice was given."""
    plan = held.plan
    url = write.address_of("plans.plan", reference=plan.reference)
    _write(
        plan,
        "autopay_not_taken",
        lambda name: words.autopay_not_taken(name=name, due_on=charge.due_on, url=url),
        once=f"autopay_not_taken:{charge.id}:{charge.notices}",
        about=f"autopay_not_taken:{charge.id}",
    )


def stopped(held: Locked, *, on_its_way: Money | None, asked: bool) -> None:
    """Say that nothing more is taken."""
    plan = held.plan
    url = write.address_of("plans.plan", reference=plan.reference)
    _write(
        plan,
        "autopay_stopped",
        lambda name: words.autopay_stopped(name=name, plan=plan.reference, on_its_way=on_its_way, url=url),
        once=f"autopay_stopped:{held.auto.id}",
        about=f"autopay_stopped:{held.auto.id}",
        asked_at=clock.now() if asked else None,
    )


def still_true(lender_id: uuid.UUID, about: str) -> bool | None:
    """Say whether what a message says of autopay still is so; None if it isn't about it.

    A notice that can't leave in time any more is none: its charge is said again with another day.
    """
    kind, _colon, rest = about.partition(":")
    if kind not in _KINDS:
        return None
    identity, *said = rest.split(":")
    if kind in ("autopay_on", "autopay_stopped"):
        auto = session.get(Autopay, (lender_id, uuid.UUID(identity)))
        return auto is not None and (auto.state == Auto.STOPPED.value) == (kind == "autopay_stopped")
    row = session.execute(
        select(AutopayCharge, Plan)
        .join(Plan, (Plan.lender_id == AutopayCharge.lender_id) & (Plan.id == AutopayCharge.plan_id))
        .where(AutopayCharge.lender_id == lender_id, AutopayCharge.id == uuid.UUID(identity))
    ).one_or_none()
    if row is None:
        return False
    charge: AutopayCharge = row.AutopayCharge
    if kind == "autopay_declined":
        return charge.state in (Charge.SECOND_STEP.value, Charge.REFUSED.value)
    if kind == "autopay_not_taken":
        return charge.state == Charge.CALLED_OFF.value
    if charge.state != Charge.NOTICED.value or [str(charge.most_minor), str(charge.charge_on)] != said:
        return False
    auto = session.get_one(Autopay, (lender_id, charge.autopay_id))
    today = clock.today(zone_of(row.Plan))
    return auto.state == Auto.ON.value and today + timedelta(days=charge.days) <= charge.charge_on + rules.LATE
