"""Issue a letter: gather its facts from the books, check that it is true, draw it, keep the bytes; once a cause."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from itertools import dropwhile, takewhile
from typing import cast

from flask import current_app
from sqlalchemy import select, update

from portal import clock, queue
from portal.db import insert_unless_there, new_id, session, transaction
from portal.debts.statement import Standing, by_id, history
from portal.evidence import log
from portal.evidence.record import PORTAL, Act, Actor, record
from portal.ledger import OWED, Account, Transfer
from portal.lenders.models import Lender
from portal.letters import logos, pdf, seals, spoken, truth
from portal.letters.contents import (
    PLAIN_BRAND,
    Adviser,
    Amounts,
    Component,
    Details,
    Entry,
    Frequency,
    Help,
    Instalment,
    InterestTerms,
    Kind,
    Letter,
    LogMark,
    Method,
    Party,
    PaymentReceipt,
    PlanAgreement,
    PlanItemPaid,
    Statement,
    StatementLine,
    Told,
    Treatment,
)
from portal.letters.kept import statement_cause
from portal.letters.models import IssuedLetter, LetterByHand
from portal.letters.sheet import MissingGlyph, Rendered
from portal.limits.cards import Order
from portal.money import Money
from portal.payments import rails
from portal.payments.going_back import key_of
from portal.payments.models import MoneyEffect, Payment
from portal.payments.parts import Part, came_for, parts_of, receipt_cause
from portal.people.models import Debtor
from portal.plans.granting import GRANTED
from portal.plans.key_facts import told_in
from portal.plans.models import Plan, PlanItem, Quote
from portal.plans.negotiate import arrangement_in, orders_in, schedule_in
from portal.web.languages import force_locale
from portal.web.numbers import public_number
from portal.web.templates import PageTemplates

# Fifteen days to resolve, where no law of the place sets another clock.
QUERY_DAYS, COMPLAINT_DAYS = 15, 15
_CN_561 = (Component.COSTS, Component.PENALTY, Component.FEES, Component.INTEREST, Component.PRINCIPAL)
_METHODS = {rails.Kind.CARD: Method.CARD, rails.Kind.DEBIT: Method.DIRECT_DEBIT}
ENTRIES = {
    "opening": Entry.OPENING,
    "payment": Entry.PAYMENT,
    "refund": Entry.REFUND,
    "refund_failed": Entry.REFUND_FAILED,
    "dispute": Entry.TAKEN_BY_BANK,
    "dispute_won": Entry.GIVEN_BY_BANK,
    "transfer_undone": Entry.ADJUSTMENT,
    "placed": Entry.PLACED,
    "plan_interest": Entry.INTEREST,
    "set_off": Entry.CREDIT_USED,
    "set_off_undone": Entry.CREDIT_USE_UNDONE,
    "waiver": Entry.WAIVER,
    "waiver_undone": Entry.ADJUSTMENT,
    "adjustment": Entry.ADJUSTMENT,
    "correction": Entry.ADJUSTMENT,
}


# Money that came to the lender itself came by no way of Stripe's.
_OURS = {"bank_transfer": Method.BANK_TRANSFER, "cash": Method.CASH}


class NotTrue(Exception):
    """A letter would say something that isn't so; `reasons` names what."""

    def __init__(self, reasons: tuple[truth.Reason, ...]) -> None:
        super().__init__(*reasons)
        self.reasons = reasons


def run(job: queue.Job) -> None:
    """Issue the letter that a job asks for."""
    if job.lender_id is None:
        raise ValueError("a letter belongs to a lender")
    if job.payload["kind"] == "plan-agreement":
        plan_agreement(lender_id=job.lender_id, plan_id=uuid.UUID(job.payload["plan_id"]))
    elif job.payload["kind"] == Kind.STATEMENT.value:
        debt_id = uuid.UUID(job.payload["debt_id"])
        statement(lender_id=job.lender_id, debt_id=debt_id, cause=job.payload["cause"])
    else:
        debt = job.payload.get("debt_id")
        payment_receipt(
            lender_id=job.lender_id,
            payment_id=uuid.UUID(job.payload["payment_id"]),
            debt_id=uuid.UUID(debt) if debt else None,
        )


def plan_agreement(*, lender_id: uuid.UUID, plan_id: uuid.UUID) -> None:
    """Issue the agreement of a plan."""
    plan = session.get_one(Plan, (lender_id, plan_id))
    debtor = session.get_one(Debtor, (lender_id, plan.debtor_id))
    made = session.get_one(Quote, (lender_id, plan.quote_id))
    schedule = schedule_in(made)
    terms = made.terms
    currency = plan.currency
    arrangement = arrangement_in(made)
    contract, during = Decimal(terms["contract_rate"]), Decimal(terms["plan_rate"])
    if not contract:
        treatment = Treatment.NONE
    elif not during or not schedule.total_interest:
        # A settlement bears none, whatever other plans of the card do.
        treatment, during = Treatment.FROZEN, Decimal(0)
    else:
        treatment = Treatment.REDUCED if during < contract else Treatment.CONTINUES
    details = PlanAgreement(
        plan_reference=plan.reference,
        quote_number=made.number,
        rules_version=str(terms["limits_version"]),
        agreed_at=plan.agreed_at,
        balance_on=made.as_of,
        balance=Amounts(**{name: Money(minor, currency) for name, minor in terms["parts"].items()}),
        frequency=Frequency(plan.frequency),
        instalments=instalments_in(made),
        interest=InterestTerms(
            treatment=treatment,
            added=schedule.total_interest,
            rate=during or None,
            rate_after=contract or None,
        ),
        fee=Money.zero(currency),
        grace_days=plan.grace_days,
        tolerance=Money(plan.tolerance_minor, currency),
        cure_days=plan.cure_days,
        # Another order is among what was told before agreeing, in its own words.
        allocation_order=_CN_561 if set(orders_in(made)) == {Order.COSTS_FIRST} else (),
        review_on=plan.review_on,
        still_owed=arrangement.left_at_review,
        void_on=plan.void_on,
        decided_by_program=made.kind != GRANTED,
        told=told_of(plan.agreed_text),
        told_in=_told_in(plan.agreed_text, debtor.letter_language or debtor.language),
    )
    issue_letter(lender_id=lender_id, debt_id=plan.debt_id, details=details, cause=f"plan-agreement:{plan.id}")


def instalments_in(made: Quote) -> tuple[Instalment, ...]:
    """Give the payments of a quote, with what is left and what is let off after each."""
    schedule, waiver = schedule_in(made), arrangement_in(made).waiver
    left, found = schedule.total, []
    for item, waived in zip(schedule.items, waiver.with_item if waiver else (None,) * schedule.count, strict=True):
        left = left - item.amount
        found.append(Instalment(number=item.seq, due=item.due_on, amount=item.amount, left=left, waived=waived or None))
    return tuple(found)


# Pages are in two languages, so what they said is in one of these.
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def _told_in(agreed_text: str, language: str) -> str | None:
    """Give the language of what was said before somebody agreed, or None if the letter is in the same."""
    said = "zh_Hans" if len(_CHINESE.findall(agreed_text)) > len(agreed_text) / 8 else "en"
    return said if said != language else None


def told_of(agreed_text: str) -> tuple[Told, ...]:
    """Give what was said before a plan was agreed, word for word."""
    rows, *titled = told_in(agreed_text) or ((),)
    first = (Told(title=None, lines=rows),) if rows else ()
    return (*first, *(Told(title=title, lines=tuple(lines)) for title, *lines in titled))


def payment_receipt(*, lender_id: uuid.UUID, payment_id: uuid.UUID, debt_id: uuid.UUID | None = None) -> None:
    """Issue the receipt of what a payment that has cleared paid on one debt, by default its first."""
    payment = session.get_one(Payment, (lender_id, payment_id))
    parts = parts_of(lender_id=lender_id, payment_id=payment_id)
    part = next(one for one in parts if debt_id in (None, one.debt_id))
    effect = session.scalars(
        select(MoneyEffect).where(
            MoneyEffect.lender_id == lender_id,
            MoneyEffect.key == key_of(payment),
            MoneyEffect.payment_id == payment.id,
            MoneyEffect.outcome == "posted",
        )
    ).one()
    before, moved, after, credit_after, let_off = _around(part, effect)
    amount = part.amount
    details = PaymentReceipt(
        payment_reference=payment.reference,
        method=_OURS.get(payment.method or "") or _METHODS.get(rails.rail_of(payment.method).kind, Method.OTHER),
        method_detail=f"•••• {payment.last4}" if payment.last4 else None,
        amount=amount,
        received_at=payment.paid_at or payment.settled_at or effect.at,
        cleared_at=payment.settled_at or effect.at,
        allocation=moved,
        balance_before=before,
        balance_after=after,
        to_credit=amount - moved.total,
        credit_after=credit_after,
        let_off=let_off or None,
        plan_items=_plan_items(lender_id, part, effect),
        part_of=Money(payment.amount_minor, payment.currency) if len(parts) > 1 else None,
        returnable_until=payment.returns_end_on,
        lets_off_later=payment.returns_end_on is not None and _lets_off(lender_id, part),
    )
    cause = receipt_cause(payment.id, part.debt_id, alone=len(parts) == 1)
    issue_letter(lender_id=lender_id, debt_id=part.debt_id, details=details, cause=cause)


def _lets_off(lender_id: uuid.UUID, part: Part) -> bool:
    plan = session.get(Plan, (lender_id, part.plan_id)) if part.plan_id else None
    return plan is not None and plan.waive_minor > 0


def _around(part: Part, effect: MoneyEffect) -> tuple[Amounts, Amounts, Amounts, Money, Money]:
    """Give what was owed before a payment's posting, what it paid off, what was owed after it, and the credit then.

    And what was let off with it, which is posted next to it.

    It is read from the transfers, not from today's balance: a receipt that is made late is the same receipt.
    """
    rows = session.execute(
        select(Transfer.posting_id, Transfer.from_account, Transfer.to_account, Transfer.amount_minor)
        .where(Transfer.lender_id == effect.lender_id, Transfer.book_id == part.debt_id)
        .order_by(Transfer.id)
    ).all()
    order = [row.posting_id for row in rows]
    here = order.index(effect.posting_id) if effect.posting_id in order else len(order)
    before: dict[str, int] = dict.fromkeys((account.value for account in OWED), 0)
    moved: dict[str, int] = dict.fromkeys(before, 0)
    credit = 0
    for at, row in enumerate(rows):
        mine = row.posting_id == effect.posting_id
        if at > here and not mine:
            continue
        for account, sign in ((row.to_account, 1), (row.from_account, -1)):
            if account == Account.CREDIT.value:
                credit -= sign * row.amount_minor
            elif account in before and mine:
                moved[account] -= sign * row.amount_minor
            elif account in before:
                before[account] += sign * row.amount_minor
    after = {name: before[name] - moved[name] for name in before}
    following = rows[here:]
    beside = dropwhile(lambda row: row.posting_id == effect.posting_id, following)
    let_off = sum(row.amount_minor for row in takewhile(lambda row: row.to_account == Account.WAIVER.value, beside))
    return (
        _amounts(before, part.amount.currency),
        _amounts(moved, part.amount.currency),
        _amounts(after, part.amount.currency),
        Money(credit, part.amount.currency),
        Money(let_off, part.amount.currency),
    )


def _amounts(minor: dict[str, int], currency: str) -> Amounts:
    return Amounts(**{name: Money(value, currency) for name, value in minor.items()})


def _plan_items(lender_id: uuid.UUID, part: Part, effect: MoneyEffect) -> tuple[PlanItemPaid, ...]:
    """Give which instalments of the plan a payment went to, by the order in which the money came."""
    if part.plan_id is None:
        return ()
    plan = session.get_one(Plan, (lender_id, part.plan_id))
    earlier = sum(came.minor for came in came_for(plan) if came.at < effect.at and came.effect_id != effect.id)
    items = session.scalars(
        select(PlanItem).where(PlanItem.lender_id == plan.lender_id, PlanItem.plan_id == plan.id).order_by(PlanItem.seq)
    ).all()
    start, end, until = max(earlier, 0), max(earlier, 0) + part.amount.minor, 0
    found = []
    planned = [item.seq for item in items if item.kind == "payment"]
    for item in items:
        since, until = until, until + item.amount_minor
        applied = min(end, until) - max(start, since)
        if applied > 0:
            found.append(
                PlanItemPaid(
                    plan_reference=plan.reference,
                    number=planned.index(item.seq) + 1 if item.seq in planned else None,
                    of=len(planned),
                    due=item.due_on,
                    applied=Money(applied, part.amount.currency),
                    still_due=Money(until - min(end, until), part.amount.currency),
                )
            )
    return tuple(found)


def ask_for_statement(debt: Standing, *, zone: str, by: Actor) -> bool:
    """Ask for the statement of account of a debt; one a day, and gives whether this one is new.

    The day is the debtor's own; asking again on it leads to the same letter.
    """
    cause = statement_cause(debt.id, clock.today(zone))
    new = queue.later(
        "letters.issue",
        lender_id=debt.lender_id,
        payload={"kind": Kind.STATEMENT.value, "debt_id": str(debt.id), "cause": cause},
        once=f"letter:{cause}",
    )
    if new:
        record(
            Act.LETTER_ASKED,
            by=by,
            lender_id=debt.lender_id,
            debtor_id=debt.debtor_id,
            debt_id=debt.id,
            facts={"kind": Kind.STATEMENT.value, "cause": cause},
        )
    return new


def statement(*, lender_id: uuid.UUID, debt_id: uuid.UUID, cause: str) -> None:
    """Issue a statement of account that was asked for."""
    debt = by_id(lender_id=lender_id, debt_id=debt_id)
    debtor = session.get_one(Debtor, (lender_id, debt.debtor_id))
    details = _statement_of(debt, zone=debtor.zone, now=clock.now())
    issue_letter(lender_id=lender_id, debt_id=debt_id, details=details, cause=cause)


def statement_letter(debt: Standing, *, lender: Lender, debtor: Debtor, now: datetime, number: str) -> Letter:
    """Give the statement of account of a debt from its first posting until now, as a letter that isn't kept."""
    details = _statement_of(debt, zone=debtor.zone, now=now)
    return letter_for(details, debt=debt, lender=lender, debtor=debtor, now=now, number=number)


def _statement_of(debt: Standing, *, zone: str, now: datetime) -> Statement:
    lines = history(lender_id=debt.lender_id, debt_id=debt.id, currency=debt.owed.currency)
    zero = Money.zero(debt.owed.currency)
    nothing = Amounts(principal=zero, interest=zero, penalty=zero, fees=zero, costs=zero)
    # The debtor's calendar may be a day behind the one in which something was posted.
    until = max([now.astimezone(clock.zone(zone)).date(), *(line.on for line in lines)])
    return Statement(
        since=min((line.on for line in lines), default=until),
        until=until,
        opening=nothing,
        opening_credit=zero,
        lines=tuple(
            StatementLine(
                on=line.on,
                entry=ENTRIES[line.kind],
                reference=line.kind.upper(),
                amount=line.change,
                owed=line.after - line.credit_after,
            )
            for line in lines
        ),
        closing=Amounts(**{account.value: part for account, part in debt.parts.items()}),
        closing_credit=debt.credit,
        rate=debt.annual_rate or None,
    )


def letter_for(
    details: Details,
    *,
    debt: Standing,
    lender: Lender,
    debtor: Debtor,
    now: datetime,
    number: str,
    sealed: bool = False,
    mark: LogMark | None = None,
    advice: tuple[Adviser, ...] = (),
) -> Letter:
    """Give the letter that says these details, from this lender to this person."""
    return Letter(
        number=number,
        issued_at=now,
        as_at=now,
        zone=debtor.zone,
        language=spoken.language_of(debtor, lender),
        languages=(),
        lender=Party(
            name=lender.name,
            legal_name=lender.legal_name,
            address=tuple(lender.address),
            licence=lender.licence or None,
            phone=lender.phone or None,
            email=lender.email or None,
            website=lender.website or None,
            signatory=lender.signatory_name,
            signatory_role=lender.signatory_role,
        ),
        help=Help(
            website=current_app.config["BASE_URL"],
            query_days=QUERY_DAYS,
            complaint_days=COMPLAINT_DAYS,
            phone=lender.phone or None,
            advice=advice,
        ),
        debtor_name=debtor.name,
        debt_reference=debt.reference,
        masked_account=f"•••• {debt.reference[-4:]}",
        details=details,
        verify_url=f"{current_app.config['BASE_URL']}/check-a-letter/{number}",
        sealed=sealed,
        log=mark,
        beside=spoken.beside(debtor, lender),
        brand_colour=lender.brand["accent"] if lender.brand else PLAIN_BRAND,
        logo=lender.letters_logo,
    )


def _mark_of(lender_id: uuid.UUID) -> LogMark | None:
    signed = log.newest(lender_id)
    return LogMark(size=signed.size, root=signed.root) if signed else None


def drawn(letter: Letter, *, logo: bytes | None = None, seconds: float = pdf.DEFAULT_TIMEOUT) -> Rendered:
    """Check a letter and draw it with the logo that it names, in at most so many seconds; the database is not asked.

    :raises NotTrue: if it would say something that isn't so.
    """
    if (letter.logo is None) is not (logo is None):
        raise ValueError("a letter is drawn with the logo that it names, or without one")
    reasons = truth.against(letter)
    if reasons:
        raise NotTrue(reasons)
    environment = cast(PageTemplates, current_app.jinja_env)
    with force_locale(letter.language):
        return pdf.render(
            template=letter.template,
            letter=letter,
            environment=environment.in_language(letter.language),
            language=letter.language,
            beside=environment.in_language(letter.beside) if letter.beside else None,
            logo=logo,
            timeout=seconds,
        )


def issue_letter(
    *,
    lender_id: uuid.UUID,
    debt_id: uuid.UUID,
    details: Details,
    cause: str,
    advice: tuple[Adviser, ...] = (),
    still: Callable[[], bool] | None = None,
) -> None:
    """Check a letter, draw it, seal it and keep it, once a cause; with `still` only if that says so when it is kept.

    Nothing stays open while it is drawn. One with a character that no font has waits for a person instead.

    :raises NotTrue: if it would say something that isn't so.
    """
    there = session.scalars(
        select(IssuedLetter.id).where(IssuedLetter.lender_id == lender_id, IssuedLetter.cause == cause)
    ).one_or_none()
    if there is not None:
        return
    debt = by_id(lender_id=lender_id, debt_id=debt_id)
    lender = session.get_one(Lender, lender_id)
    debtor = session.get_one(Debtor, (lender_id, debt.debtor_id))
    now = clock.now()
    # A letter that waited for a person keeps the number that was told.
    told = session.scalar(
        select(LetterByHand.number).where(LetterByHand.lender_id == lender_id, LetterByHand.cause == cause)
    )
    with_ = seals.usable(lender_id)
    letter = letter_for(
        details,
        debt=debt,
        lender=lender,
        debtor=debtor,
        now=now,
        number=told or public_number("LT"),
        sealed=with_ is not None,
        mark=_mark_of(lender_id),
        advice=advice,
    )
    debtor_id, logo = debtor.id, logos.kept(lender_id, letter.logo)
    # Nothing stays open while the letter is drawn and sealed: it takes a while.
    session.rollback()
    try:
        rendered = drawn(letter, logo=logo)
    except MissingGlyph as missing:
        # Trying again would end the same way: a person writes it, and the job is done.
        _leave_to_person(letter, missing, lender_id=lender_id, debtor_id=debtor_id, debt_id=debt_id, cause=cause)
        return
    settings = current_app.config["SETTINGS"]
    asks = {"authority": settings.tsa_url, "authorities": settings.tsa_roots}
    done = seals.sealed(rendered.pdf, with_=with_, lender_id=lender_id, **asks) if with_ else None
    file = done.pdf if done else rendered.pdf
    digest = hashlib.sha256(file).hexdigest()
    with transaction() as s:
        if still is not None and not still():
            return
        kept = s.execute(
            insert_unless_there(IssuedLetter)
            .values(
                lender_id=lender_id,
                id=new_id(),
                number=letter.number,
                kind=letter.kind.value,
                cause=cause,
                debtor_id=debtor_id,
                debt_id=debt_id,
                language=letter.language,
                facts=json.loads(letter.to_json()),
                pdf=file,
                sha256=digest,
                drawn_size=len(rendered.pdf) if done else None,
                seal_id=done.seal_id if done else None,
                stamped_at=done.stamped_at if done else None,
                issued_at=now,
            )
            .on_conflict_do_nothing(index_elements=["lender_id", "cause"])
            .returning(IssuedLetter.id)
        ).scalar_one_or_none()
        if kept is not None:
            s.execute(
                update(LetterByHand)
                .where(LetterByHand.lender_id == lender_id, LetterByHand.cause == cause, LetterByHand.done_at.is_(None))
                .values(done_at=now)
            )
            record(
                Act.LETTER_ISSUED,
                by=PORTAL,
                lender_id=lender_id,
                debtor_id=debtor_id,
                debt_id=debt_id,
                facts={
                    "letter": letter.number,
                    "kind": letter.kind.value,
                    "sha256": digest,
                    "sealed": done is not None,
                    "stamped": done is not None and done.stamped_at is not None,
                },
            )


def _leave_to_person(
    letter: Letter,
    missing: MissingGlyph,
    *,
    lender_id: uuid.UUID,
    debtor_id: uuid.UUID,
    debt_id: uuid.UUID,
    cause: str,
) -> None:
    with transaction() as s:
        made = s.execute(
            insert_unless_there(LetterByHand)
            .values(
                lender_id=lender_id,
                id=new_id(),
                number=letter.number,
                kind=letter.kind.value,
                cause=cause,
                debtor_id=debtor_id,
                debt_id=debt_id,
                language=letter.language,
                characters=" ".join(missing.characters),
                asked_at=letter.issued_at,
            )
            .on_conflict_do_nothing(index_elements=["lender_id", "cause"])
            .returning(LetterByHand.id)
        ).scalar_one_or_none()
        if made is not None:
            record(
                Act.LETTER_WAITS_FOR_PERSON,
                by=PORTAL,
                lender_id=lender_id,
                debtor_id=debtor_id,
                debt_id=debt_id,
                facts={"letter": letter.number, "kind": letter.kind.value, "no_font_has": missing.characters},
            )


# What is asked for again by which job, and by what it is about.
_AGAIN = {
    "plan-agreement": ("plan-agreement", "plan_id"),
    "payment-receipt": ("payment-receipt", "payment_id"),
    "plan-ended": ("plan-ended", "plan_id"),
    "paid-in-full": ("debt-over", "debt_id"),
    "settlement-satisfied": ("debt-over", "debt_id"),
    "settlement-offer": ("settlement-offer", "quote_id"),
}


def try_again(waiting: LetterByHand) -> None:
    """Ask for a letter that waits for a person once more, for when a font with its characters is there."""
    kind, _mark, about = waiting.cause.partition(":")
    asked, key = _AGAIN.get(kind, (waiting.kind, "about"))
    queue.later(
        "letters.issue",
        lender_id=waiting.lender_id,
        payload={
            "kind": asked,
            "debt_id": str(waiting.debt_id),
            "cause": waiting.cause,
            key: about.partition(":")[0] if key != "about" else about,
        },
        while_waiting=f"letter:{waiting.cause}",
    )


def sent_by_hand(waiting: LetterByHand, *, by: Actor) -> None:
    """Note that a person has written and sent a letter; twice is once."""
    if waiting.done_at is not None:
        return
    waiting.done_at = clock.now()
    record(
        Act.LETTER_SENT_BY_HAND,
        by=by,
        lender_id=waiting.lender_id,
        debtor_id=waiting.debtor_id,
        debt_id=waiting.debt_id,
        facts={"letter": waiting.number, "kind": waiting.kind},
    )
