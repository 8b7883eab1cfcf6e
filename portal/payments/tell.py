"""Tell a person that money has come, that it is on its way, or that it has not come."""

from __future__ import annotations

import uuid
from typing import Final

from portal import clock, queue
from portal.contact import write
from portal.db import session, transaction
from portal.debts.statement import by_id
from portal.money import Money
from portal.payments import rails
from portal.payments.models import Payment
from portal.payments.parts import only_debt, parts_of
from portal.payments.states import State
from portal.people.models import Debtor
from portal.post import words
from portal.post.compose import Words

RECEIVED, FAILED, ON_ITS_WAY = "payment_received", "payment_failed", "payment_on_its_way"

_STATES: Final = {RECEIVED: State.SUCCEEDED, FAILED: State.FAILED, ON_ITS_WAY: State.PROCESSING}


def later(payment: Payment, kind: str) -> None:
    """Ask for a message about a payment to be written when this transaction is committed; once for each kind."""
    queue.later(
        "payments.tell",
        lender_id=payment.lender_id,
        payload={"payment_id": str(payment.id), "kind": kind},
        once=f"tell:{kind}:{payment.id}",
    )


def run(job: queue.Job) -> None:
    """Write what a job asks for."""
    if job.lender_id is None:
        raise ValueError("a payment belongs to a lender")
    payment_id, kind = uuid.UUID(job.payload["payment_id"]), job.payload["kind"]
    with transaction():
        payment = session.get_one(Payment, (job.lender_id, payment_id))
        amount = Money(payment.amount_minor, payment.currency)
        parts = parts_of(lender_id=payment.lender_id, payment_id=payment.id)
        owed = Money(
            sum(by_id(lender_id=payment.lender_id, debt_id=part.debt_id).owed.minor for part in parts), payment.currency
        )
        url = write.address_of("payments.result", reference=payment.reference)
        zone = clock.zone(session.get_one(Debtor, (payment.lender_id, payment.debtor_id)).zone)
        sent, until = (at and at.astimezone(zone).date() for at in (payment.sent_at, payment.voucher_until))
        rail = rails.rail_of(payment.method)
        by = None if sent is None else rails.expected_on(rail, sent=sent, voucher_until=until)

        def what(name: str) -> Words:
            if kind == RECEIVED:
                taken = payment.autopay == "taken"
                return words.payment_received(name=name, amount=amount, left=owed, url=url, taken=taken)
            if kind == ON_ITS_WAY and until is not None:
                return words.voucher_made(name=name, amount=amount, until=until, url=url)
            if kind == ON_ITS_WAY:
                return words.payment_on_its_way(name=name, amount=amount, by=by, url=url)
            if payment.failure == rails.VOUCHER_RAN_OUT:
                return words.voucher_ran_out(name=name, amount=amount, url=url)
            return words.payment_failed(name=name, amount=amount, url=url)

        write.to(
            lender_id=payment.lender_id,
            debtor_id=payment.debtor_id,
            debt_id=only_debt(parts),
            kind=kind,
            words=what,
            # Money that comes days later is not what somebody waits for at night.
            asked_at=payment.started_at,
            once=f"{kind}:{payment.id}",
            about=f"{kind}:{payment.id}",
        )


def still_true(lender_id: uuid.UUID, about: str) -> bool | None:
    """Say whether what a message says of a payment still is so; None if it isn't about one."""
    kind, _colon, payment_id = about.partition(":")
    if kind not in _STATES:
        return None
    payment = session.get(Payment, (lender_id, uuid.UUID(payment_id)))
    return payment is not None and payment.state == _STATES[kind].value
