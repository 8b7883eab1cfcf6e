"""Start a payment: write it down, commit, then ask Stripe for a page to pay on, with a key made from our own row.

A double click, a reload or a crash between two steps leads to the same payment and the same page.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from portal import clock
from portal.care import outages
from portal.db import insert_unless_there, new_id, session, transaction
from portal.debts.statement import Standing
from portal.evidence.record import Act, Actor, record
from portal.lenders.models import Lender
from portal.money import Money, total
from portal.payments import stripe_gateway
from portal.payments.models import Payment, PaymentPart
from portal.payments.rails import Choice
from portal.web.numbers import public_number

PAGE_LIFE = timedelta(minutes=60)
# Stripe opens no page that would live for less than half an hour.
SHORTEST_PAGE_LIFE = timedelta(minutes=31)
LONGEST_DESCRIPTION = 500
_ANOTHER_CLICK_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class GoPay:
    """The page to pay on is ready."""

    url: str


@dataclass(frozen=True, slots=True)
class Underway:
    """This form was sent before, and its payment has moved on: show what became of it."""

    reference: str


@dataclass(frozen=True, slots=True)
class Share:
    """How much is paid on one debt, towards which plan it counts, and the line that the payer reads."""

    debt: Standing
    plan_id: uuid.UUID | None
    amount: Money
    words: str


@dataclass(frozen=True, slots=True)
class Keep:
    """For whom at Stripe the card of a payment is kept, and for which autopay."""

    customer_id: str
    autopay: uuid.UUID


class NoPaymentsYet(Exception):
    """The lender has no Stripe account connected."""


def account_of(lender: Lender, *, api_base: str | None) -> stripe_gateway.Account:
    """Give the lender's own Stripe account.

    :raises NoPaymentsYet: if it has none.
    """
    if not lender.stripe_secret_key:
        raise NoPaymentsYet
    return stripe_gateway.Account(
        secret_key=lender.stripe_secret_key,
        api_base=api_base,
        webhook_secrets=(lender.stripe_webhook_secret,) if lender.stripe_webhook_secret else (),
        live=lender.stripe_secret_key.startswith(("sk_live_", "rk_live_")),
    )


def choice_of(lender: Lender) -> Choice:
    """Give what a lender lets debts be paid with."""
    return Choice(
        credit_cards=lender.takes_credit_cards,
        pay_later=lender.takes_pay_later,
        without=frozenset(lender.ways_left_out),
    )


def start(
    shares: Sequence[Share],
    *,
    lender: Lender,
    account: stripe_gateway.Account,
    form_key: str,
    result_url: str,
    back_url: str,
    language: str,
    by: Actor,
    use: str | None = None,
    keep: Keep | None = None,
) -> GoPay | Underway:
    """Start a payment, or find the one that this form started, and give the page to pay on.

    The debts are of one person and one currency, each there once. The same form with other amounts or debts, sent
    after going back, is another payment: what was chosen is what is paid.
    `use` is what an extra payment does to the plan of its one debt (`plans.redrawing.Use`); another use is another
    payment. With `keep` the card that is paid with is kept. `result_url` holds `REFERENCE` where the payment's
    reference belongs. Opens its own transactions: one before the call to Stripe and one after it.

    :raises portal.payments.stripe_gateway.PaymentServiceDown: if Stripe can't be reached; the same form may be sent
        again.
    """
    lender_id, lender_name, choice = lender.id, lender.name, choice_of(lender)
    debt, plan_id = shares[0].debt, shares[0].plan_id
    amount = total((share.amount for share in shares), currency=shares[0].amount.currency)
    only_debt = debt.id if len(shares) == 1 else None
    form_key = f"{form_key}:{_shares_key(shares)}{f':{use}' if use else ''}{f':{keep.autopay}' if keep else ''}"
    with transaction() as s:
        now = clock.now()
        made = s.execute(
            insert_unless_there(Payment)
            .values(
                lender_id=lender_id,
                id=new_id(),
                reference=public_number("P"),
                form_key=form_key,
                debtor_id=debt.debtor_id,
                debt_id=debt.id,
                plan_id=plan_id,
                amount_minor=amount.minor,
                refunded_minor=0,
                currency=amount.currency,
                state="created",
                use=use,
                autopay="keeps" if keep else None,
                session_expires_at=now + PAGE_LIFE,
                started_at=now,
            )
            .on_conflict_do_nothing(index_elements=["lender_id", "debtor_id", "form_key"])
            .returning(Payment.id)
        ).scalar_one_or_none()
        payment = s.scalars(
            select(Payment).where(
                Payment.lender_id == lender_id, Payment.debtor_id == debt.debtor_id, Payment.form_key == form_key
            )
        ).one()
        if made is not None:
            s.add_all(
                PaymentPart(
                    lender_id=lender_id,
                    payment_id=made,
                    place=place,
                    debt_id=share.debt.id,
                    plan_id=share.plan_id,
                    amount_minor=share.amount.minor,
                    currency=share.amount.currency,
                )
                for place, share in enumerate(shares, start=1)
            )
            record(
                Act.PAYMENT_STARTED,
                by=by,
                lender_id=lender_id,
                debtor_id=debt.debtor_id,
                debt_id=only_debt,
                facts={
                    "payment": payment.reference,
                    "amount": amount.amount,
                    "currency": amount.currency,
                    **_shared_facts(shares),
                },
            )
        reference, payment_id, expires_at = payment.reference, payment.id, payment.session_expires_at
        if payment.state not in ("created", "sent"):
            return Underway(reference=reference)
        if payment.session_url is not None:
            return GoPay(url=payment.session_url) if expires_at > now else Underway(reference=reference)
        stale = expires_at - now < SHORTEST_PAGE_LIFE
        if stale:
            # No page was ever seen for it, so nothing can be paid on it: the form begins anew under another payment.
            payment.state, payment.form_key = "expired", f"{form_key}:{payment.id}"
            record(
                Act.PAYMENT_NOT_MADE,
                by=by,
                lender_id=lender_id,
                debtor_id=debt.debtor_id,
                debt_id=only_debt,
                facts={"payment": reference, "before": "created", "after": "expired", "why": "no page was opened"},
            )
    if stale:
        return start(
            shares,
            lender=lender,
            account=account,
            form_key=form_key.partition(":")[0],
            result_url=result_url,
            back_url=back_url,
            language=language,
            by=by,
            use=use,
            keep=keep,
        )
    try:
        page = stripe_gateway.open_checkout(
            account,
            reference=str(payment_id),
            lines=[stripe_gateway.Line(f"{lender_name} · {share.words}", share.amount) for share in shares],
            description=f"{lender_name} · {', '.join(share.words for share in shares)}"[:LONGEST_DESCRIPTION],
            success_url=result_url.replace("REFERENCE", reference),
            cancel_url=back_url.replace("REFERENCE", reference),
            locale="zh" if language.startswith("zh") else "en",
            expires_at=expires_at,
            idempotency_key=f"checkout:{payment_id}",
            metadata={"payment": str(payment_id), "lender": str(lender_id), "reference": reference}
            | ({"autopay": str(keep.autopay)} if keep else {}),
            choice=choice,
            keep_for=keep.customer_id if keep else None,
        )
    except stripe_gateway.PaymentServiceDown as down:
        if down.asked_already and (url := _opened_by_another_click(lender_id, payment_id)):
            return GoPay(url=url)
        if down.out_of_order:
            outages.noticed(lender_id=lender_id)
        raise
    with transaction() as s:
        payment = s.execute(
            select(Payment).where(Payment.lender_id == lender_id, Payment.id == payment_id).with_for_update()
        ).scalar_one()
        payment.session_id = page.session_id
        payment.session_url = page.url
        if payment.state == "created":
            payment.state = "sent"
    return GoPay(url=page.url)


def _opened_by_another_click(lender_id: uuid.UUID, payment_id: uuid.UUID) -> str | None:
    """Wait a while for the page that another click on the same button is just opening; None if it doesn't come."""
    until = time.monotonic() + _ANOTHER_CLICK_SECONDS
    while time.monotonic() < until:
        url = session.scalars(
            select(Payment.session_url).where(Payment.lender_id == lender_id, Payment.id == payment_id)
        ).one()
        session.rollback()
        if url is not None:
            return url
        time.sleep(0.1)
    return None


def _shares_key(shares: Sequence[Share]) -> str:
    """Give what tells one choice of debts and amounts from another."""
    said = ";".join(f"{share.debt.id.hex}:{share.amount.minor}" for share in shares)
    return said if len(shares) == 1 else hashlib.sha256(said.encode()).hexdigest()


def _shared_facts(shares: Sequence[Share]) -> dict[str, object]:
    """Give how a payment is shared, for its record; nothing where it is for one debt."""
    if len(shares) == 1:
        return {}
    return {"debts": [{"debt": share.debt.id, "amount": share.amount.amount} for share in shares]}
