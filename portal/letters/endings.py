"""Letters about how a debt or a plan ends: what speaks for and against each, when it comes, and its issue.

Invariant: a letter that says that a debt is over is kept in a transaction that holds the debt's book and finds it as
the letter says it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import func, select

from portal import clock, ledger, queue
from portal.care.holds import holding, is_disputed
from portal.db import session, transaction
from portal.debts.statement import MONEY_CAME, Standing, by_id
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Act, Actor, record
from portal.ledger import OWED, Account, Posting, Transfer
from portal.letters import conditions, issue
from portal.letters.conditions import Facts, NotYet
from portal.letters.contents import Amounts, Told
from portal.letters.ending_contents import (
    Because,
    PaidInFull,
    PaidOn,
    PlanEnded,
    SettlementOffer,
    SettlementSatisfied,
)
from portal.letters.kinds import Kind
from portal.letters.models import IssuedLetter, LetterByHand
from portal.money import Money
from portal.payments import dispute_states, rails, refund_states, states
from portal.payments.models import CreditUse, Dispute, Payment, PaymentPart, Refund, SetAside
from portal.people.models import Debtor
from portal.plans.ended import ENDED, ask_for_letter
from portal.plans.key_facts import said_of
from portal.plans.models import LIVE_STATES, Plan, PlanItem, Quote
from portal.plans.negotiate import arrangement_in, facts_in, holds, orders_in, quote_of
from portal.plans.rewriting import end_undoable
from portal.plans.states import State
from portal.web.languages import force_locale, translated

_GIVEN_UP = (Account.WAIVER.value, Account.WRITE_OFF.value)
_OWED = tuple(account.value for account in OWED)
_BECAUSE = {
    State.CANCELLED: Because.ASKED,
    State.EXPIRED: Because.NOT_BEGUN,
    State.ENDED_BROKEN: Because.MISSING,
    State.VOIDED: Because.DEBT_TAKEN_BACK,
}


@dataclass(frozen=True, slots=True)
class Over:
    """What the books say of a debt, part by part, and what the rules look at; amounts in minor units.

    `last` is the newest posting that changed what is owed, and `last_on` its day; None: there is none.
    """

    currency: str
    opening: dict[str, int]
    added: dict[str, int]
    corrected: dict[str, int]
    paid: dict[str, int]
    waived: dict[str, int]
    payments: tuple[PaidOn, ...]
    since: date | None
    last: uuid.UUID | None
    last_on: date | None
    facts: Facts

    @property
    def kind(self) -> Kind:
        """Say which letter is the one about this debt: with anything let off it was settled, and not paid in full."""
        return Kind.SETTLEMENT_SATISFIED if self.facts.let_off else Kind.PAID_IN_FULL

    def cause(self, debt_id: uuid.UUID) -> str:
        """Give the cause of its letter: one for each time at which the debt came to nothing."""
        return f"{self.kind.value}:{debt_id}:{self.last}"


@dataclass(frozen=True, slots=True)
class Coming:
    """A letter about the end of a debt that isn't there: which, and what stands in its way; None: it is being made."""

    kind: Kind
    debt: Standing
    against: NotYet | None


def run(job: queue.Job) -> None:
    """Issue the letter that a job asks for, whichever it is, if it may be issued now."""
    if job.lender_id is None:
        raise ValueError("a letter belongs to a lender")
    match job.payload["kind"]:
        case "debt-over":
            debt_over(lender_id=job.lender_id, debt_id=uuid.UUID(job.payload["debt_id"]))
        case Kind.PLAN_ENDED.value:
            plan_ended(lender_id=job.lender_id, plan_id=uuid.UUID(job.payload["plan_id"]))
        case Kind.SETTLEMENT_OFFER.value:
            settlement_offer(lender_id=job.lender_id, quote_id=uuid.UUID(job.payload["quote_id"]))
        case _:
            issue.run(job)


# The end of a debt.


def debt_over(*, lender_id: uuid.UUID, debt_id: uuid.UUID) -> None:
    """Issue the letter about a debt of which nothing is left; before its day, be asked again on that day."""
    debt = by_id(lender_id=lender_id, debt_id=debt_id)
    debtor = session.get_one(Debtor, (lender_id, debt.debtor_id))
    over = overs_of([debt], today=clock.today(debtor.zone))[debt_id]
    against = conditions.asked(over.kind, over.facts)
    if against is None:
        details = _satisfied(debt, over) if over.kind is Kind.SETTLEMENT_SATISFIED else _paid_in_full(debt, over)
        issue.issue_letter(
            lender_id=lender_id,
            debt_id=debt_id,
            details=details,
            cause=over.cause(debt_id),
            still=lambda: _still(debt, over),
        )
    elif against.since is not None:
        at = datetime.combine(against.since, time(0, 1), tzinfo=clock.zone(debtor.zone))
        session.rollback()
        with transaction():
            queue.later(
                "letters.issue",
                lender_id=lender_id,
                payload={"kind": "debt-over", "debt_id": str(debt_id)},
                # Not the key of those that are asked for now: what changes meanwhile is looked at at once.
                while_waiting=f"debt-over:{debt_id}:{against.since}",
                at=at,
            )


def _still(debt: Standing, before: Over) -> bool:
    ledger.locked(lender_id=debt.lender_id, debt_id=debt.id)
    now = overs_of([debt], today=before.facts.today)[debt.id]
    return now.last == before.last and conditions.asked(now.kind, now.facts) is None


def coming_of(debts: Sequence[Standing], *, today: date) -> tuple[Coming, ...]:
    """Give the letters about the end of a person's debts that aren't there yet, and those that can't be."""
    if not debts:
        return ()
    overs = overs_of(debts, today=today)
    causes = {over.cause(debt_id) for debt_id, over in overs.items()}
    there = {
        cause
        for model in (IssuedLetter, LetterByHand)
        for cause in session.scalars(
            select(model.cause).where(model.lender_id == debts[0].lender_id, model.cause.in_(causes))
        )
    }
    promised = _promised(debts)
    found = []
    for debt in debts:
        over = overs[debt.id]
        if debt.id in promised:
            facts = replace(over.facts, owed=max(over.facts.owed - promised[debt.id], 0), let_off=promised[debt.id])
            kind = Kind.SETTLEMENT_SATISFIED
            found.append(Coming(kind, debt, conditions.asked(kind, facts)))
        elif over.cause(debt.id) not in there:
            found.append(Coming(over.kind, debt, conditions.asked(over.kind, over.facts)))
        if over.facts.let_off and not over.facts.owed:
            found.append(Coming(Kind.PAID_IN_FULL, debt, conditions.asked(Kind.PAID_IN_FULL, over.facts)))
    return tuple(found)


def _promised(debts: Sequence[Standing]) -> dict[uuid.UUID, int]:
    """Give what living plans of some debts of one person will let off and haven't yet, by debt."""
    rows = session.execute(
        select(Plan.debt_id, func.sum(PlanItem.waive_minor))
        .join(PlanItem, (PlanItem.lender_id == Plan.lender_id) & (PlanItem.plan_id == Plan.id))
        .where(
            Plan.lender_id == debts[0].lender_id,
            Plan.debt_id.in_([debt.id for debt in debts]),
            Plan.state.in_(LIVE_STATES),
            Plan.waive_minor > 0,
            PlanItem.waiver_posting_id.is_(None),
        )
        .group_by(Plan.debt_id)
    )
    return {debt_id: int(minor) for debt_id, minor in rows if minor}


def overs_of(debts: Sequence[Standing], *, today: date) -> dict[uuid.UUID, Over]:
    """Read what the books say of some debts of one person, in as few statements for many as for one."""
    lender_id, debtor_id = debts[0].lender_id, debts[0].debtor_id
    ids = [debt.id for debt in debts]
    rows = session.execute(
        select(
            Transfer.book_id,
            Transfer.posting_id,
            Transfer.from_account,
            Transfer.to_account,
            Transfer.amount_minor,
            Posting.kind,
            Posting.on,
        )
        .join(Posting, (Posting.lender_id == Transfer.lender_id) & (Posting.id == Transfer.posting_id))
        .where(Transfer.lender_id == lender_id, Transfer.book_id.in_(ids))
        .order_by(Transfer.book_id, Posting.on, Posting.at, Posting.id)
    ).all()
    of_book = {book_id: list(some) for book_id, some in groupby(rows, key=attrgetter("book_id"))}
    money = _Money.read(lender_id=lender_id, debtor_id=debtor_id)
    return {debt.id: _over(debt, of_book.get(debt.id, ()), money, today=today) for debt in debts}


def _over(debt: Standing, rows: Sequence[Any], money: _Money, *, today: date) -> Over:
    currency = debt.owed.currency
    sums: dict[str, dict[str, int]] = {
        name: dict.fromkeys(_OWED, 0) for name in ("opening", "added", "corrected", "paid", "waived")
    }
    lines, last, last_on = [], None, None
    for (posting_id, kind, on), moves in groupby(rows, key=attrgetter("posting_id", "kind", "on")):
        changed = False
        came = 0
        for part, other, minor in _changes(moves):
            changed = True
            name = _SUMS.get(other, "waived" if other in _GIVEN_UP else "paid")
            sums[name][part] += -minor if name in ("paid", "waived") else minor
            came -= minor if name == "paid" else 0
        if came and kind in MONEY_CAME:
            lines.append(PaidOn(on=on, entry=issue.ENTRIES[kind], amount=Money(came, currency)))
        if changed:
            last, last_on = posting_id, on
    until = money.bank_until(debt.id)
    return Over(
        currency=currency,
        **sums,
        payments=tuple(lines),
        since=rows[0].on if rows else None,
        last=last,
        last_on=last_on,
        facts=Facts(
            today=today,
            owed=debt.owed.minor,
            paid=sum(sums["paid"].values()),
            let_off=sum(sums["waived"].values()),
            bank_until=until,
            on_its_way=money.on_its_way(debt.id),
            may_go_back=money.may_go_back(debt.id),
        ),
    )


# What stands on the other side of a posting on what is owed, and where that is counted; all else is money.
_SUMS = {
    Account.OPENING.value: "opening",
    Account.ADJUSTMENT.value: "corrected",
    Account.ACCRUAL.value: "added",
}


def _changes(moves: Iterable[Any]) -> Iterator[tuple[str, str, int]]:
    """Give each change of what is owed: the part, the account on its other side, and by how much it grew."""
    for move in moves:
        if move.to_account in _OWED:
            yield move.to_account, move.from_account, move.amount_minor
        if move.from_account in _OWED:
            yield move.from_account, move.to_account, -move.amount_minor


@dataclass(frozen=True, slots=True)
class _Money:
    """By which ways the money of a person's debts came, and what of it may still go back."""

    payments: Sequence[Any]  # One for each debt of each: debt_id, id, state, returns_end_on.
    asked_back: frozenset[uuid.UUID]
    placed: Sequence[tuple[uuid.UUID, date]]
    uses: Sequence[tuple[uuid.UUID, uuid.UUID]]

    @classmethod
    def read(cls, *, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> _Money:
        payments = session.execute(
            select(PaymentPart.debt_id, Payment.id, Payment.state, Payment.returns_end_on)
            .join(Payment, (Payment.lender_id == PaymentPart.lender_id) & (Payment.id == PaymentPart.payment_id))
            .where(
                Payment.lender_id == lender_id,
                Payment.debtor_id == debtor_id,
                Payment.refunded_minor < Payment.amount_minor,
            )
        ).all()
        open_refunds = [state.value for state in refund_states.OPEN]
        open_disputes = [dispute_states.State.ASKED.value, dispute_states.State.OPEN.value]
        asked: set[uuid.UUID] = set()
        for model, open_ in ((Refund, open_refunds), (Dispute, open_disputes)):
            asked.update(
                one
                for one in session.scalars(
                    select(model.payment_id).where(
                        model.lender_id == lender_id, model.debtor_id == debtor_id, model.state.in_(open_)
                    )
                )
                if one is not None
            )
        uses = session.execute(
            select(CreditUse.from_debt_id, CreditUse.to_debt_id).where(
                CreditUse.lender_id == lender_id, CreditUse.debtor_id == debtor_id, CreditUse.undone_at.is_(None)
            )
        ).all()
        debts = {row.debt_id for row in payments} | {one for row in uses for one in row}
        placed = session.execute(
            select(SetAside.placed_debt_id, SetAside.received_at).where(
                SetAside.lender_id == lender_id,
                SetAside.placed_debt_id.in_(debts),
                # What came to the lender's own account is nobody's to take back.
                SetAside.payment_intent_id.is_not(None),
                SetAside.gone_minor < SetAside.amount_minor,
            )
        )
        return cls(
            payments,
            frozenset(asked),
            # Nobody knows by which way it came: it waits as long as any does.
            [(row.placed_debt_id, row.received_at.date() + timedelta(days=rails.LONGEST_WAIT)) for row in placed],
            [(row.from_debt_id, row.to_debt_id) for row in uses],
        )

    def _behind(self, debt_id: uuid.UUID) -> set[uuid.UUID]:
        """Give a debt and those whose credit was used for it, and so on."""
        found, new = {debt_id}, {debt_id}
        while new:
            new = {source for source, target in self.uses if target in new} - found
            found |= new
        return found

    def bank_until(self, debt_id: uuid.UUID) -> date | None:
        behind = self._behind(debt_id)
        days = [row.returns_end_on for row in self.payments if row.debt_id in behind and row.returns_end_on]
        return max([*days, *(day for placed, day in self.placed if placed in behind)], default=None)

    def on_its_way(self, debt_id: uuid.UUID) -> bool:
        waits = states.State.PROCESSING.value
        return any(row.debt_id == debt_id and row.state == waits for row in self.payments)

    def may_go_back(self, debt_id: uuid.UUID) -> bool:
        behind = self._behind(debt_id)
        return any(row.debt_id in behind and row.id in self.asked_back for row in self.payments)


def _ended(debt: Standing, over: Over) -> dict[str, Any]:
    if over.since is None or over.last_on is None:
        raise LookupError(debt.id)
    last_day = over.facts.bank_until
    return {
        "since": over.since,
        "opening": _amounts(over.opening, over.currency),
        "added": _amounts(over.added, over.currency),
        "corrected": _amounts(over.corrected, over.currency),
        "paid": _amounts(over.paid, over.currency),
        "payments": over.payments,
        "settled_on": over.last_on,
        "final_since": max(over.last_on, last_day + timedelta(days=1)) if last_day else over.last_on,
        "product": debt.product,
        "original": debt.original,
        "opened_on": debt.opened_on,
    }


def _paid_in_full(debt: Standing, over: Over) -> PaidInFull:
    return PaidInFull(**_ended(debt, over), let_off=Money(over.facts.let_off, over.currency))


def _satisfied(debt: Standing, over: Over) -> SettlementSatisfied:
    plan = session.scalars(
        select(Plan)
        .where(Plan.lender_id == debt.lender_id, Plan.debt_id == debt.id, Plan.waive_minor > 0)
        .order_by(Plan.agreed_at.desc())
        .limit(1)
    ).one_or_none()
    agreed: dict[str, Any] = {}
    if plan is not None:
        made = session.get_one(Quote, (plan.lender_id, plan.quote_id))
        agreed = {
            "plan_reference": plan.reference,
            "quote_number": made.number,
            "agreed_at": plan.agreed_at,
            "told": _section(plan.agreed_text, "Your credit record"),
        }
    return SettlementSatisfied(**_ended(debt, over), waived=_amounts(over.waived, over.currency), **agreed)


def _amounts(minor: dict[str, int], currency: str) -> Amounts:
    return Amounts(**{name: Money(value, currency) for name, value in minor.items()})


def _section(agreed_text: str, title: str) -> tuple[Told, ...]:
    """Give one section of what was said before a plan was agreed, by its English title; none of an older text."""
    titles = {str(translated(title, language=language)) for language in _LANGUAGES}
    return tuple(told for told in issue.told_of(agreed_text) if told.title in titles)


_LANGUAGES = ("en", "zh_Hans")


# The end of a plan.


def plan_ended(*, lender_id: uuid.UUID, plan_id: uuid.UUID) -> None:
    """Issue the letter of a plan that has ended, once that can't be taken back any more."""
    plan = session.get_one(Plan, (lender_id, plan_id))
    state = State(plan.state)
    if state not in ENDED:
        return
    undo = end_undoable(plan)
    if undo is not None:
        session.rollback()
        with transaction():
            ask_for_letter(lender_id=lender_id, plan_id=plan_id, state=state.value, at=undo.until)
        return
    debt = by_id(lender_id=lender_id, debt_id=plan.debt_id)
    items = session.scalars(select(PlanItem).where(PlanItem.lender_id == lender_id, PlanItem.plan_id == plan_id)).all()
    vested = sum(item.waive_minor for item in items if item.waiver_posting_id is not None)
    details = PlanEnded(
        plan_reference=plan.reference,
        agreed_at=plan.agreed_at,
        ended_at=_moved_at(plan),
        because=_BECAUSE[state],
        planned=Money(plan.total_minor, plan.currency),
        paid=Money(sum(item.paid_minor for item in items), plan.currency),
        owed=Amounts(**{account.value: part for account, part in debt.parts.items()}),
        let_off=Money(vested, plan.currency),
        not_let_off=Money(max(plan.waive_minor - vested, 0), plan.currency),
        rate=debt.annual_rate or None,
        payable=debt.open,
        told=_section(plan.agreed_text, "If you miss a payment"),
    )
    issue.issue_letter(lender_id=lender_id, debt_id=plan.debt_id, details=details, cause=f"plan-ended:{plan_id}")


def _moved_at(plan: Plan) -> datetime:
    """Give when a plan came to the state that it is in, by the record of it."""
    moves = session.execute(
        select(EvidenceRecord.at, EvidenceRecord.entry)
        .where(
            EvidenceRecord.lender_id == plan.lender_id,
            EvidenceRecord.debtor_id == plan.debtor_id,
            EvidenceRecord.act == Act.PLAN_MOVED.value,
        )
        .order_by(EvidenceRecord.at.desc(), EvidenceRecord.id.desc())
    )
    for at, entry in moves:
        facts = json.loads(entry)["facts"]
        if (facts["plan"], facts["after"]) == (plan.reference, plan.state):
            return at
    return clock.now()


# An offer to settle.


def offers_of(debts: Sequence[Standing]) -> tuple[tuple[Quote, Standing], ...]:
    """Give the offers to settle some debts of one person for less that can still be agreed to, with their debts."""
    if not debts:
        return ()
    of_id = {debt.id: debt for debt in debts}
    made = session.scalars(
        select(Quote)
        .where(
            Quote.lender_id == debts[0].lender_id,
            Quote.debtor_id == debts[0].debtor_id,
            Quote.state == "open",
            Quote.waive_minor > 0,
            Quote.expires_at > clock.now(),
        )
        .order_by(Quote.id.desc())
    )
    found = ((one, of_id[one.debt_id]) for one in made if one.debt_id in of_id)
    return tuple((one, debt) for one, debt in found if holds(one, parts=debt.parts))


def ask_for_offer(debt: Standing, *, number: str, zone: str, by: Actor) -> NotYet | bool:
    """Ask for an offer in writing; gives whether this is the first time, or what stands in its way."""
    made = quote_of(debt, number=number)
    against = conditions.asked(Kind.SETTLEMENT_OFFER, _facts_of_offer(made, debt, zone=zone))
    if against is not None or made is None:
        return against or NotYet(conditions.Why.NO_OFFER)
    cause = f"settlement-offer:{made.id}"
    new = queue.later(
        "letters.issue",
        lender_id=debt.lender_id,
        payload={"kind": Kind.SETTLEMENT_OFFER.value, "quote_id": str(made.id)},
        once=f"letter:{cause}",
    )
    if new:
        record(
            Act.LETTER_ASKED,
            by=by,
            lender_id=debt.lender_id,
            debtor_id=debt.debtor_id,
            debt_id=debt.id,
            facts={"kind": Kind.SETTLEMENT_OFFER.value, "cause": cause},
        )
    return new


def _facts_of_offer(made: Quote | None, debt: Standing, *, zone: str) -> Facts:
    today = clock.today(zone)
    disputed = is_disputed(holding(lender_id=debt.lender_id, debtor_id=debt.debtor_id, debt_id=debt.id, at=clock.now()))
    if made is None or not made.waive_minor or made.state != "open":
        return Facts(today=today, disputed=disputed)
    last = made.expires_at.astimezone(clock.zone(zone)).date()
    if not disputed and not holds(made, parts=debt.parts):
        last = min(last, today - timedelta(days=1))
    return Facts(today=today, disputed=disputed, offer_until=last)


def settlement_offer(*, lender_id: uuid.UUID, quote_id: uuid.UUID) -> None:
    """Issue an offer to settle in writing, if it can still be agreed to; otherwise there is none to write."""
    made = session.get_one(Quote, (lender_id, quote_id))
    debt = by_id(lender_id=lender_id, debt_id=made.debt_id)
    debtor = session.get_one(Debtor, (lender_id, made.debtor_id))
    if conditions.asked(Kind.SETTLEMENT_OFFER, _facts_of_offer(made, debt, zone=debtor.zone)) is not None:
        return
    arrangement, terms = arrangement_in(made), made.terms
    waiver = arrangement.waiver
    if waiver is None:
        return
    with force_locale(debtor.language):
        said = said_of(
            facts_in(made),
            arrangement,
            grace_days=terms["grace_days"],
            contract_rate=Decimal(terms["contract_rate"]),
            orders=orders_in(made),
        )
    details = SettlementOffer(
        quote_number=made.number,
        rules_version=str(terms["limits_version"]),
        made_on=made.as_of,
        good_until=made.expires_at,
        balance=Amounts(**{name: Money(minor, made.currency) for name, minor in terms["parts"].items()}),
        waived=Amounts(**{name: getattr(waiver.parts, name) for name in _OWED}),
        interest=Money(made.interest_minor, made.currency),
        instalments=issue.instalments_in(made),
        void_on=arrangement.void_unless_paid_by,
        told=tuple(Told(title=title, lines=tuple(lines)) for title, lines in said.sections),
    )
    issue.issue_letter(lender_id=lender_id, debt_id=made.debt_id, details=details, cause=f"settlement-offer:{quote_id}")
