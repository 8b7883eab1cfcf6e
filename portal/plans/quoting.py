"""Pinning what was chosen: a quote that the lender stands by until it expires.

Invariant: what was quoted is what is agreed. A quote is read again and never priced anew; it is void
only by a posting on its debt, by a dispute, or by its time.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from portal import clock, ledger
from portal.care.holds import holding
from portal.db import new_id, session
from portal.debts.statement import Standing
from portal.evidence.record import Act, Actor, record
from portal.ledger import Account
from portal.lenders.models import Lender
from portal.limits.cards import Order
from portal.money import Money
from portal.offers.asked import Pause
from portal.plans import pinned
from portal.plans.allowed import limits_in_force
from portal.plans.models import Plan, Proposal, Quote
from portal.plans.progress import alive_plan
from portal.plans.proposing import NOBODY_ELSE, asked_in
from portal.schedules.arrangements import Arrangement, Kind
from portal.schedules.cost import KeyFacts
from portal.schedules.schedule import Schedule
from portal.web.numbers import public_number

# Who chose it together with the debtor, with whose consent; and what was read out of it, word for word, once it was.
PREPARED, READ_OUT = "prepared", "read_out"


def quote(
    debt: Standing,
    *,
    proposal: Proposal,
    key: str,
    arrangement: Arrangement,
    by: Actor,
    today: date,
    zone: str,
    pays_from: date | None = None,
    done_by: Mapping[str, object] = NOBODY_ELSE,
) -> str:
    """Pin an arrangement: its number, the balance, the limits' version and every payment, until it expires.

    Gives the quote's number. Where the debt has a plan, the quote names it: agreeing puts the new one in its place. The
    lender stands by it even if the limits change before it expires. The same choice made again on the same day, by a
    second click or after going back, is the same quote while that holds. `pays_from` is the day from which the
    arrangement was drawn, if that isn't today. `done_by` is what is kept of a colleague who chose it with the debtor.

    :raises portal.plans.pinned.DoesNotRepay: if nothing is to be paid, or not all that is owed is spoken of.
    """
    # One at a time for a debt, so that two clicks at once find each other's quote.
    ledger.locked(lender_id=debt.lender_id, debt_id=debt.id)
    in_force = limits_in_force(debt, today=today)
    limits = in_force.limits
    arrangement = pinned.repaying(arrangement, owed=debt.owed)
    schedule = _schedule(arrangement)
    arranged = pinned.as_json(
        arrangement, pause_months=paused_months(arrangement, proposal, today=pays_from or today, season=limits.season)
    )
    items = pinned.items_as_json(schedule)
    alive = alive_plan(lender_id=debt.lender_id, debt_id=debt.id)
    replaces = {} if alive is None else {"replaces": alive.reference}
    prepared = {PREPARED: {name: str(fact) for name, fact in done_by.items()}} if done_by else {}
    before = _quoted(
        debt,
        proposal=proposal,
        key=key,
        pins={
            "items": items,
            "arranged": arranged,
            "replaces": replaces.get("replaces"),
            PREPARED: prepared.get(PREPARED),
        },
        version_id=in_force.version_id,
        today=today,
    )
    if before is not None:
        return before.number
    terms: dict[str, Any] = {
        "items": items,
        "arranged": arranged,
        **replaces,
        **prepared,
        "grace_days": limits.grace_days,
        "cure_days": limits.cure_days,
        "tolerance": limits.tolerance_of(payment=max(item.amount for item in schedule.items)).minor,
        "orders": {each.name: getattr(limits.orders, each.name).value for each in fields(limits.orders)},
        "interest_policy": limits.interest_policy.value,
        "card": in_force.card.name,
        "limits_version": in_force.number,
        "parts": {account.value: part.minor for account, part in debt.parts.items()},
        "contract_rate": str(debt.annual_rate),
        # What bears no interest bears none, whatever other plans of the card do.
        "plan_rate": str(limits.plan_rate(contract_rate=debt.annual_rate) if schedule.total_interest else 0),
        "day_count": pinned.DAY_COUNT.value,
        "jurisdiction": session.scalars(select(Lender.jurisdiction).where(Lender.id == debt.lender_id)).one(),
    }
    terms["facts"] = pinned.facts_as_json(pinned.facts(arrangement, terms=terms, owed=debt.owed, as_of=today))
    now = clock.now()
    made = Quote(
        lender_id=debt.lender_id,
        id=new_id(),
        number=public_number("Q"),
        debt_id=debt.id,
        debtor_id=debt.debtor_id,
        proposal_id=proposal.id,
        limits_version_id=in_force.version_id,
        kind=key,
        arrangement=arrangement.kind.value,
        as_of=today,
        owed_minor=debt.owed.minor,
        total_minor=schedule.total.minor,
        interest_minor=schedule.total_interest.minor,
        waive_minor=0 if arrangement.waiver is None else arrangement.waiver.parts.total.minor,
        left_minor=0 if arrangement.left_at_review is None else arrangement.left_at_review.minor,
        currency=debt.owed.currency,
        frequency=schedule.frequency.value,
        terms=terms,
        state="open",
        made_at=now,
        expires_at=now + timedelta(days=limits.offer_validity_days),
    )
    # A first payment that would be due before the offer ends could be agreed to when it is late already.
    last_day = schedule.starts_on
    made.expires_at = min(made.expires_at, _end_of(last_day, zone))
    session.add(made)
    record(
        Act.QUOTE_MADE,
        by=by,
        lender_id=debt.lender_id,
        debtor_id=debt.debtor_id,
        debt_id=debt.id,
        facts={
            "quote": made.number,
            "kind": key,
            "arrangement": made.arrangement,
            "owed": debt.owed.amount,
            "total": schedule.total.amount,
            "currency": debt.owed.currency,
            "limits_version": in_force.number,
            "expires_at": made.expires_at,
            "items": items,
            "arranged": arranged,
            **done_by,
        },
    )
    return made.number


def _schedule(arrangement: Arrangement) -> Schedule:
    if arrangement.schedule is None:
        raise pinned.DoesNotRepay(arrangement)
    return arrangement.schedule


def paused_months(arrangement: Arrangement, proposal: Proposal, *, today: date, season: tuple[int, ...]) -> int:
    """Give how many months an arrangement leaves out: those between the first payment without it and the first."""
    if arrangement.cost_of_pause is None or arrangement.schedule is None:
        return 0
    asked = asked_in(proposal, today=today, season=season)
    if isinstance(asked, Pause) and arrangement.kind is not Kind.HOLIDAY:
        return asked.months
    first, starts = asked.regular.first_due, arrangement.schedule.starts_on
    return max(1, (starts.year - first.year) * 12 + starts.month - first.month)


def _quoted(
    debt: Standing, *, proposal: Proposal, key: str, pins: Mapping[str, Any], version_id: object, today: date
) -> Quote | None:
    """Give today's quote for the same choice, if it can still be agreed to."""
    made = session.scalars(
        select(Quote)
        .where(
            Quote.lender_id == debt.lender_id,
            Quote.debt_id == debt.id,
            Quote.proposal_id == proposal.id,
            Quote.limits_version_id == version_id,
            Quote.kind == key,
            Quote.as_of == today,
            Quote.state == "open",
        )
        .order_by(Quote.id.desc())
    )
    same = (one for one in made if {name: one.terms.get(name) for name in pins} == pins)
    return next((one for one in same if holds(one, parts=debt.parts)), None)


def _end_of(day: date, zone: str) -> datetime:
    from_midnight = datetime(day.year, day.month, day.day, tzinfo=clock.zone(zone)) + timedelta(days=1)
    return from_midnight - timedelta(seconds=1)


def schedule_in(made: Quote) -> Schedule:
    """Give the payments that a quote pinned."""
    return pinned.items_from_json(made.terms["items"], currency=made.currency, frequency=made.frequency)


def arrangement_in(made: Quote) -> Arrangement:
    """Give the arrangement that a quote pinned: what is let off and when, what rests, when somebody looks again."""
    schedule = schedule_in(made)
    if "arranged" not in made.terms:
        # Quoted before there were other kinds.
        return Arrangement(Kind.INSTALMENTS, schedule, cost=schedule.total_interest)
    return pinned.from_json(made.terms["arranged"], schedule=schedule)


def facts_in(made: Quote) -> KeyFacts:
    """Give the key facts of a quote, reckoned from nothing but what it pinned."""
    terms = made.terms
    if "jurisdiction" not in terms:
        jurisdiction = session.scalars(select(Lender.jurisdiction).where(Lender.id == made.lender_id)).one()
        terms = {**terms, "jurisdiction": jurisdiction, "day_count": pinned.DAY_COUNT.value}
    return pinned.facts(arrangement_in(made), terms=terms, owed=Money(made.owed_minor, made.currency), as_of=made.as_of)


def orders_in(made: Quote) -> tuple[Order, Order]:
    """Give what payments of a quoted plan pay off first: as long as it is kept, and once payments are missed."""
    orders = made.terms.get("orders")
    if orders is None:
        # Quoted before a lender could say otherwise.
        return Order.COSTS_FIRST, Order.COSTS_FIRST
    if Kind(made.arrangement) in (Kind.SETTLEMENT_LUMP, Kind.SETTLEMENT_STAGED):
        return Order(orders["settlement"]), Order(orders["settlement"])
    return Order(orders["plan"]), Order(orders["missed"])


def quote_of(debt: Standing, *, number: str) -> Quote | None:
    """Give a quote for a debt, or None if it isn't this debt's."""
    return session.scalars(
        select(Quote).where(Quote.lender_id == debt.lender_id, Quote.debt_id == debt.id, Quote.number == number)
    ).one_or_none()


def prepared_by(made: Quote) -> str | None:
    """Give the name of the colleague who chose a quote together with the debtor, or None."""
    prepared = made.terms.get(PREPARED)
    return None if prepared is None else str(prepared["helper"])


def read_out(made: Quote, *, text: str) -> None:
    """Keep what was read out of a quote that a colleague chose together with the debtor; the first time counts."""
    if READ_OUT not in made.terms:
        made.terms = {**made.terms, READ_OUT: text}


def prepared_for(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> Quote | None:
    """Give the newest quote that a colleague went through with a person, as long as it is open and not expired."""
    made = session.scalars(
        select(Quote)
        .where(
            Quote.lender_id == lender_id,
            Quote.debtor_id == debtor_id,
            Quote.state == "open",
            Quote.expires_at > clock.now(),
        )
        .order_by(Quote.id.desc())
    )
    return next((one for one in made if READ_OUT in one.terms), None)


def holds(made: Quote, *, parts: Mapping[Account, Money]) -> bool:
    """Say whether a quote can still be agreed to: not expired, not disputed since, and what is owed is unchanged."""
    unchanged = made.terms["parts"] == {account.value: part.minor for account, part in parts.items()}
    return made.state == "open" and made.expires_at > clock.now() and unchanged and not _stopped_since(made)


def _stopped_since(made: Quote) -> bool:
    """Say whether its debt was disputed after a quote was made: then it is void."""
    found = holding(lender_id=made.lender_id, debtor_id=made.debtor_id, debt_id=made.debt_id, at=clock.now())
    return any("autopay" in hold.stops and hold.since > made.made_at for hold in found)


def reference_of_quote(made: Quote) -> str:
    """Give the reference of the plan that a quote became."""
    return session.scalars(
        select(Plan.reference).where(Plan.lender_id == made.lender_id, Plan.quote_id == made.id)
    ).one()
