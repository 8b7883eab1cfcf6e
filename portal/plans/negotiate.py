"""The debtor's side of the table: propose, be answered, hold a quote, agree; each one act in the caller's transaction.

Invariant: what was quoted is what is agreed. Accepting replays the quote; it is never priced anew.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any

from sqlalchemy import select, update

from portal import clock, ledger, queue
from portal.care import requests
from portal.care.holds import holding
from portal.care.models import CareRequest
from portal.care.states import Kind as RequestKind
from portal.db import new_id, session
from portal.debts.models import Debt
from portal.debts.statement import Standing, all_open
from portal.evidence.record import OPERATOR, Act, Actor, record
from portal.ledger import OWED, Account
from portal.limits import checks
from portal.limits.cards import NO_ATTRIBUTES, Card, Limits, LimitsSet
from portal.limits.reading import parse
from portal.money import Money
from portal.offers.answering import answer
from portal.offers.answers import Answer, Kind, Offer
from portal.offers.asked import Regular
from portal.offers.menu import standard
from portal.offers.owed import Owed
from portal.plans.models import LimitsVersion, Plan, PlanItem, Proposal, Quote
from portal.plans.progress import alive_plan
from portal.schedules.arrangements import Parts
from portal.schedules.dates import Frequency, first_due
from portal.schedules.schedule import Item, Schedule
from portal.web.numbers import public_number


class NoLimits(Exception):
    """The lender has written no limits that are in force, or none that fit this debt."""


@dataclass(frozen=True, slots=True)
class Version:
    """One loaded version of a lender's limits, read."""

    id: uuid.UUID
    number: int
    limits: LimitsSet


@dataclass(frozen=True, slots=True)
class InForce:
    """The limits that apply to one debt today, with the version that they come from."""

    version_id: uuid.UUID
    number: int
    card: Card

    @property
    def limits(self) -> Limits:
        """Give the card's limits."""
        return self.card.limits


@dataclass(frozen=True, slots=True)
class Table:
    """All that a page of choices shows: what was asked, the answer, and up to three plans beside it."""

    proposal_id: uuid.UUID
    asked: Regular
    answer: Answer
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class Agreed:
    """The plan stands."""

    reference: str


@dataclass(frozen=True, slots=True)
class AgreedBefore:
    """This very quote was agreed to already: a second click, another tab."""

    reference: str


@dataclass(frozen=True, slots=True)
class QuoteGone:
    """The quote has expired, or what is owed has changed since."""


@dataclass(frozen=True, slots=True)
class PlanAlive:
    """The debt has a plan already; it can be changed, not doubled."""

    reference: str


@lru_cache(maxsize=64)
def _parsed(source: str, currency: str) -> LimitsSet:
    return parse(source, currency=currency)


def drafted(text: str, *, lender_id: uuid.UUID, currency: str) -> LimitsSet:
    """Read a draft of a lender's limits, and give it if it contradicts neither itself nor the versions that are there.

    :raises portal.limits.reading.LimitsError: if the text says something that can't be.
    """
    rows = session.execute(
        select(LimitsVersion.number, LimitsVersion.effective_from)
        .where(LimitsVersion.lender_id == lender_id, LimitsVersion.sha256 != _digest(text))
        .order_by(LimitsVersion.number)
    )
    loaded = [checks.Loaded(number=row.number, effective_from=row.effective_from) for row in rows]
    return checks.draft(text, currency=currency, loaded=loaded, today=clock.now().date())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def load_limits(text: str, *, lender_id: uuid.UUID, currency: str, by: Actor = OPERATOR) -> LimitsVersion:
    """Load a lender's limits as a new version; the same text again changes nothing.

    :raises portal.limits.reading.LimitsError: if the text says something that can't be.
    """
    digest = _digest(text)
    last = session.scalars(
        select(LimitsVersion).where(LimitsVersion.lender_id == lender_id).order_by(LimitsVersion.number.desc()).limit(1)
    ).one_or_none()
    if last is not None and last.sha256 == digest:
        return last
    limits = drafted(text, lender_id=lender_id, currency=currency)
    version = LimitsVersion(
        lender_id=lender_id,
        id=new_id(),
        number=last.number + 1 if last else 1,
        effective_from=limits.effective_from,
        source=text,
        sha256=digest,
        loaded_at=clock.now(),
    )
    session.add(version)
    record(
        Act.LIMITS_LOADED,
        by=by,
        lender_id=lender_id,
        facts={"version": version.number, "sha256": digest, "effective_from": limits.effective_from},
    )
    return version


def version_in_force(*, lender_id: uuid.UUID, currency: str, today: date) -> Version:
    """Give the newest version of a lender's limits that has started.

    :raises NoLimits: if there is none.
    """
    row = session.execute(
        select(LimitsVersion.id, LimitsVersion.number, LimitsVersion.source)
        .where(LimitsVersion.lender_id == lender_id, LimitsVersion.effective_from <= today)
        .order_by(LimitsVersion.effective_from.desc(), LimitsVersion.number.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NoLimits
    return Version(id=row.id, number=row.number, limits=_parsed(row.source, currency))


def limits_in_force(debt: Standing, *, today: date) -> InForce:
    """Give the limits for a debt: the newest version that has started, and its first card that fits.

    :raises NoLimits: if there is none.
    """
    version = version_in_force(lender_id=debt.lender_id, currency=debt.owed.currency, today=today)
    card = version.limits.limits_for(
        balance=debt.owed,
        days_late=debt.days_late(today),
        product=debt.product,
        attributes=_attributes_of(debt) if version.limits.asks_attributes else NO_ATTRIBUTES,
    )
    if card is None:
        raise NoLimits
    return InForce(version_id=version.id, number=version.number, card=card)


def _attributes_of(debt: Standing) -> Mapping[str, str]:
    """Give what the lender's file says of a debt beside its figures; read only where a card looks at it."""
    found: Mapping[str, str] = session.execute(
        select(Debt.attributes).where(Debt.lender_id == debt.lender_id, Debt.id == debt.id)
    ).scalar_one()
    return found


def explain(debt: Standing, *, today: date) -> tuple[Version, tuple[tuple[Card, tuple[str, ...]], ...]]:
    """Give the version in force, and its cards down to the one that counts for a debt, each with why it doesn't fit.

    The last one has no hindrances and counts, or there is none that fits.

    :raises NoLimits: if no version has started.
    """
    version = version_in_force(lender_id=debt.lender_id, currency=debt.owed.currency, today=today)
    attributes = _attributes_of(debt)
    tried = []
    for card in version.limits.cards:
        hindrances = card.when.why_not(
            balance=debt.owed, days_late=debt.days_late(today), product=debt.product, attributes=attributes
        )
        tried.append((card, hindrances))
        if not hindrances:
            break
    return version, tuple(tried)


def without_card(limits: LimitsSet, *, lender_id: uuid.UUID, today: date) -> tuple[int, Standing | None]:
    """Count the open debts of a lender that no card of a set fits, with the first of them as an example."""
    count, example, last = 0, None, None
    while page := all_open(lender_id=lender_id, after=last):
        last = page[-1].id
        attributes = attributes_between(lender_id, page[0].id, last) if limits.asks_attributes else {}
        for debt in page:
            if debt.owed.minor <= 0:
                continue
            card = limits.limits_for(
                balance=debt.owed,
                days_late=debt.days_late(today),
                product=debt.product,
                attributes=attributes.get(debt.id, NO_ATTRIBUTES),
            )
            if card is None:
                count, example = count + 1, example or debt
    return count, example


def attributes_between(lender_id: uuid.UUID, first: uuid.UUID, last: uuid.UUID) -> dict[uuid.UUID, Mapping[str, str]]:
    """Give what the lender's file says of its debts from one key to another, beside their figures."""
    rows = session.execute(
        select(Debt.id, Debt.attributes).where(Debt.lender_id == lender_id, Debt.id.between(first, last))
    )
    return {row.id: row.attributes for row in rows}


def owed_of(debt: Standing, *, today: date) -> Owed:
    """Give what a plan is reckoned from: interest runs on the principal's share of what is owed, on nothing else."""
    principal = debt.parts[Account.PRINCIPAL].minor
    bearing = Fraction(principal, debt.owed.minor) if debt.owed.minor else Fraction(0)
    parts = Parts(**{account.value: debt.parts[account] for account in OWED})
    return Owed(
        balance=debt.owed,
        annual_rate=debt.annual_rate,
        bearing=bearing,
        parts=parts,
        days_late=debt.days_late(today),
    )


def propose(debt: Standing, *, payment: Money, frequency: Frequency, by: Actor, today: date) -> uuid.UUID:
    """Write down what a debtor says he can pay."""
    in_force = limits_in_force(debt, today=today)
    proposal = Proposal(
        lender_id=debt.lender_id,
        id=new_id(),
        debt_id=debt.id,
        debtor_id=debt.debtor_id,
        limits_version_id=in_force.version_id,
        amount_minor=payment.minor,
        currency=payment.currency,
        frequency=frequency.value,
        reasons=[],
        state="open",
        made_at=clock.now(),
    )
    session.add(proposal)
    record(
        Act.PLAN_PROPOSED,
        by=by,
        lender_id=debt.lender_id,
        debtor_id=debt.debtor_id,
        debt_id=debt.id,
        facts={
            "proposal": proposal.id,
            "payment": payment.amount,
            "currency": payment.currency,
            "frequency": frequency.value,
            "limits_version": in_force.number,
        },
    )
    return proposal.id


def newest_proposal(debt: Standing) -> Proposal | None:
    """Give what the debtor proposed last for a debt."""
    return session.scalars(
        select(Proposal)
        .where(Proposal.lender_id == debt.lender_id, Proposal.debt_id == debt.id)
        .order_by(Proposal.made_at.desc(), Proposal.id.desc())
        .limit(1)
    ).one_or_none()


def choose_pay_day(debt: Standing, *, proposal: Proposal, pay_day: int, today: date) -> None:
    """Add the pay day to a proposal, and keep what the limits answered, for whoever asks later why."""
    proposal.pay_day = pay_day
    table = table_for(debt, proposal=proposal, today=today)
    proposal.outcome = table.answer.outcome.value
    proposal.reasons = [reason.value for reason in table.answer.reasons]
    record(
        Act.PLAN_PROPOSED,
        by=Actor("debtor", str(debt.debtor_id)),
        lender_id=debt.lender_id,
        debtor_id=debt.debtor_id,
        debt_id=debt.id,
        facts={
            "proposal": proposal.id,
            "pay_day": pay_day,
            "outcome": proposal.outcome,
            "reasons": proposal.reasons,
        },
    )


def asked_in(proposal: Proposal, *, today: date) -> Regular:
    """Give what a proposal asks for; without a pay day yet, the earliest first date."""
    frequency = Frequency(proposal.frequency)
    day = proposal.pay_day or (today.isoweekday() if frequency.by_weekday else today.day)
    return Regular(
        payment=Money(proposal.amount_minor, proposal.currency),
        frequency=frequency,
        first_due=first_due(today=today, frequency=frequency, pay_day=day),
        anchor_day=None if frequency.by_weekday else day,
    )


def table_for(debt: Standing, *, proposal: Proposal, today: date) -> Table:
    """Answer a proposal under the limits in force today.

    :raises NoLimits: if the lender has none for this debt.
    """
    limits = limits_in_force(debt, today=today).limits
    asked = asked_in(proposal, today=today)
    owed = owed_of(debt, today=today)
    given = answer(asked=asked, owed=owed, limits=limits, today=today)
    offers = standard(
        owed=owed,
        limits=limits,
        frequency=asked.frequency,
        pay_day=proposal.pay_day or asked.first_due.day,
        today=today,
    )
    return Table(proposal_id=proposal.id, asked=asked, answer=given, offers=offers)


def own_plan(table: Table) -> Schedule | None:
    """Give the plan as the debtor asked for it, if the limits accept it as it is without a person."""
    given = table.answer
    return given.plan if given.outcome.value == "accept" and not given.needs_person else None


# What a quote can pin today: payments that repay all that is owed.
_PICKED = (Kind.LOWEST_PAYMENT, Kind.IN_BETWEEN, Kind.SOONEST_DONE, Kind.STEP_UP)


def pickable(table: Table) -> dict[str, Schedule]:
    """Give every plan on the page that can be picked without a person, by the name that its form sends."""
    plans: dict[str, Schedule] = {}
    own = own_plan(table)
    if own is not None:
        plans["own"] = own
    elif table.answer.plan is not None and not table.answer.needs_person:
        plans["answer"] = table.answer.plan
    for offer in (*table.answer.alternatives, *table.offers):
        if offer.kind not in _PICKED:
            continue
        if not offer.needs_person and offer.schedule.steps not in {plan.steps for plan in plans.values()}:
            plans[offer.kind.value] = offer.schedule
    return dict(list(plans.items())[:4])


def quote(
    debt: Standing, *, proposal: Proposal, key: str, schedule: Schedule, by: Actor, today: date, zone: str
) -> str:
    """Pin a plan: its number, the balance, the limits' version and every payment, until it expires.

    Gives the quote's number. The lender stands by it even if the limits change before it expires. The same choice
    made again on the same day, by a second click or after going back, is the same quote while that holds.
    """
    # One at a time for a debt, so that two clicks at once find each other's quote.
    ledger.locked(lender_id=debt.lender_id, debt_id=debt.id)
    in_force = limits_in_force(debt, today=today)
    before = _quoted(
        debt, proposal=proposal, key=key, items=_items_as_text(schedule), version_id=in_force.version_id, today=today
    )
    if before is not None:
        return before.number
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
        as_of=today,
        owed_minor=debt.owed.minor,
        total_minor=schedule.total.minor,
        interest_minor=schedule.total_interest.minor,
        currency=debt.owed.currency,
        frequency=schedule.frequency.value,
        terms={
            "items": _items_as_text(schedule),
            "grace_days": in_force.limits.grace_days,
            "cure_days": in_force.limits.cure_days,
            "tolerance": in_force.limits.tolerance.minor,
            "interest_policy": in_force.limits.interest_policy.value,
            "card": in_force.card.name,
            "limits_version": in_force.number,
            "parts": {account.value: part.minor for account, part in debt.parts.items()},
            "contract_rate": str(debt.annual_rate),
            "plan_rate": str(in_force.limits.plan_rate(contract_rate=debt.annual_rate)),
        },
        state="open",
        made_at=now,
        expires_at=now + timedelta(days=in_force.limits.offer_validity_days),
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
            "owed": debt.owed.amount,
            "total": schedule.total.amount,
            "currency": debt.owed.currency,
            "limits_version": in_force.number,
            "expires_at": made.expires_at,
            "items": made.terms["items"],
        },
    )
    return made.number


def _quoted(
    debt: Standing, *, proposal: Proposal, key: str, items: list[list[Any]], version_id: uuid.UUID, today: date
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
    return next((one for one in made if one.terms["items"] == items and holds(one, parts=debt.parts)), None)


def _end_of(day: date, zone: str) -> datetime:
    from_midnight = datetime(day.year, day.month, day.day, tzinfo=clock.zone(zone)) + timedelta(days=1)
    return from_midnight - timedelta(seconds=1)


def _items_as_text(schedule: Schedule) -> list[list[Any]]:
    return [
        [item.seq, item.due_on.isoformat(), item.amount.minor, item.principal.minor, item.interest.minor]
        for item in schedule.items
    ]


def schedule_in(made: Quote) -> Schedule:
    """Give the payments that a quote pinned."""
    currency = made.currency
    return Schedule(
        items=tuple(
            Item(
                seq=seq,
                due_on=date.fromisoformat(due_on),
                amount=Money(amount, currency),
                principal=Money(principal, currency),
                interest=Money(interest, currency),
            )
            for seq, due_on, amount, principal, interest in made.terms["items"]
        ),
        frequency=Frequency(made.frequency),
    )


def quote_of(debt: Standing, *, number: str) -> Quote | None:
    """Give a quote for a debt, or None if it isn't this debt's."""
    return session.scalars(
        select(Quote).where(Quote.lender_id == debt.lender_id, Quote.debt_id == debt.id, Quote.number == number)
    ).one_or_none()


def holds(made: Quote, *, parts: Mapping[Account, Money]) -> bool:
    """Say whether a quote can still be agreed to: not expired, not disputed since, and what is owed is unchanged."""
    unchanged = made.terms["parts"] == {account.value: part.minor for account, part in parts.items()}
    return made.state == "open" and made.expires_at > clock.now() and unchanged and not _stopped_since(made)


def _stopped_since(made: Quote) -> bool:
    """Say whether its debt was disputed after a quote was made: then it is void, and a new one is a new choice."""
    found = holding(lender_id=made.lender_id, debtor_id=made.debtor_id, debt_id=made.debt_id, at=clock.now())
    return any("autopay" in hold.stops and hold.since > made.made_at for hold in found)


def agree(debt: Standing, *, number: str, agreed_text: str, by: Actor) -> Agreed | AgreedBefore | QuoteGone | PlanAlive:
    """Agree to a quote: the plan that it pinned begins. Twice is once.

    `agreed_text` is what the page said, word for word, and is kept with the plan.
    """
    book = ledger.locked(lender_id=debt.lender_id, debt_id=debt.id)
    made = session.scalars(
        select(Quote)
        .where(Quote.lender_id == debt.lender_id, Quote.debt_id == debt.id, Quote.number == number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    state = session.scalars(select(Debt.state).where(Debt.lender_id == debt.lender_id, Debt.id == debt.id)).one()
    if made is None or state != "open":
        return QuoteGone()
    if made.state == "accepted":
        return AgreedBefore(reference=reference_of_quote(made))
    alive = alive_plan(lender_id=debt.lender_id, debt_id=debt.id)
    if alive is not None:
        return PlanAlive(reference=alive.reference)
    if not holds(made, parts={account: book.standing(account) for account in OWED}):
        return QuoteGone()
    made.state = "accepted"
    session.execute(
        update(Quote)
        .where(Quote.lender_id == debt.lender_id, Quote.debt_id == debt.id, Quote.state == "open")
        .values(state="void")
    )
    plan = Plan(
        lender_id=debt.lender_id,
        id=new_id(),
        reference=public_number("PL"),
        debt_id=debt.id,
        debtor_id=debt.debtor_id,
        quote_id=made.id,
        state="agreed",
        total_minor=made.total_minor,
        currency=made.currency,
        frequency=made.frequency,
        grace_days=made.terms["grace_days"],
        tolerance_minor=made.terms["tolerance"],
        cure_days=made.terms["cure_days"],
        agreed_at=clock.now(),
        agreed_text=agreed_text,
    )
    session.add(plan)
    session.flush()
    session.add_all(
        PlanItem(
            lender_id=debt.lender_id,
            plan_id=plan.id,
            seq=item.seq,
            due_on=item.due_on,
            amount_minor=item.amount.minor,
            principal_minor=item.principal.minor,
            interest_minor=item.interest.minor,
            currency=made.currency,
        )
        for item in schedule_in(made).items
    )
    record(
        Act.PLAN_AGREED,
        by=by,
        lender_id=debt.lender_id,
        debtor_id=debt.debtor_id,
        debt_id=debt.id,
        facts={
            "plan": plan.reference,
            "quote": made.number,
            "total": Money(made.total_minor, made.currency).amount,
            "currency": made.currency,
            "text_sha256": hashlib.sha256(agreed_text.encode()).hexdigest(),
        },
    )
    queue.later(
        "letters.issue",
        lender_id=debt.lender_id,
        payload={"kind": "plan-agreement", "plan_id": str(plan.id)},
        once=f"letter:plan-agreement:{plan.id}",
    )
    queue.later(
        "plans.tell",
        lender_id=debt.lender_id,
        payload={"plan_id": str(plan.id)},
        once=f"tell:agreement:{plan.id}",
    )
    return Agreed(reference=plan.reference)


def send_to_person(debt: Standing, *, proposal: Proposal, by: Actor) -> None:
    """Hand the debtor's own offer to a person of the lender, as a request; asking twice is asking once."""
    if proposal.state == "with_a_person":
        return
    proposal.state = "with_a_person"
    requests.open_request(
        lender_id=debt.lender_id,
        debtor_id=debt.debtor_id,
        kind=RequestKind.OFFER,
        debt_id=debt.id,
        words="",
        by=by,
        key=f"offer:{proposal.id}",
    )
    record(
        Act.OFFER_SENT_TO_PERSON,
        by=by,
        lender_id=debt.lender_id,
        debtor_id=debt.debtor_id,
        debt_id=debt.id,
        facts={
            "proposal": proposal.id,
            "payment": Money(proposal.amount_minor, proposal.currency).amount,
            "currency": proposal.currency,
            "frequency": proposal.frequency,
        },
    )


def reference_of_quote(made: Quote) -> str:
    """Give the reference of the plan that a quote became."""
    return session.scalars(
        select(Plan.reference).where(Plan.lender_id == made.lender_id, Plan.quote_id == made.id)
    ).one()


def least_payment(debt: Standing, *, limits: Limits, today: date) -> Money | None:
    """Give the least payment a month that is agreed to on the spot; None where there is no such monthly plan."""
    owed = owed_of(debt, today=today)
    plans = standard(owed=owed, limits=limits, frequency=Frequency.MONTHLY, pay_day=today.day, today=today)
    return next((offer.schedule.payment for offer in plans if not offer.needs_person), None)


def number_of(proposal: Proposal) -> str:
    """Give the number that a debtor can quote for an offer that is with a person: that of its request."""
    request = request_of(proposal)
    return request.number if request else f"O-{proposal.id.hex[-8:].upper()}"


def request_of(proposal: Proposal) -> CareRequest | None:
    """Give the request that an offer became; None for one that was sent before there were requests."""
    return requests.of_cause(lender_id=proposal.lender_id, debtor_id=proposal.debtor_id, key=f"offer:{proposal.id}")


def answer_by(proposal: Proposal, *, zone: str) -> date:
    """Give the day by which a person answers: that of its request, else the next working day but one."""
    if (request := request_of(proposal)) is not None:
        return request.answer_by
    day = proposal.made_at.astimezone(clock.zone(zone)).date()
    left = 2
    while left:
        day += timedelta(days=1)
        left -= day.isoweekday() < 6
    return day
