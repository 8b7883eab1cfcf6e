"""Take what Stripe sends: check the signature, store it once with a job in the same transaction, answer 200.

No business happens here, so that Stripe's word is never lost to a fault of ours.
"""

from __future__ import annotations

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from portal import clock, queue
from portal.db import insert_unless_there, new_id, transaction
from portal.lenders.settings import NoSuchLender, by_slug
from portal.payments import stripe_gateway
from portal.payments.checkout import NoPaymentsYet, account_of
from portal.payments.models import WebhookEvent
from portal.payments.settle import ABOUT_CARDS
from portal.web.security import signed_by_sender

# What moves money or ends a page; all else is stored and named "not needed".
HEEDED = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
        "payment_intent.succeeded",
        "payment_intent.processing",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.refunded",
        *ABOUT_CARDS,
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    }
)
webhooks = Blueprint("webhooks", __name__)


@webhooks.post("/webhooks/stripe/<slug>")
@signed_by_sender
def stripe(slug: str) -> ResponseReturnValue:
    """Store one event of Stripe for a lender; 400 if it isn't signed with that lender's secret."""
    try:
        lender = by_slug(slug)
        account = account_of(lender, api_base=current_app.config["STRIPE_API_BASE"])
    except (NoSuchLender, NoPaymentsYet):
        return "", 404
    try:
        event = stripe_gateway.verified_event(
            request.get_data(), request.headers.get("Stripe-Signature"), account=account
        )
    except stripe_gateway.BadSignature:
        return "", 400
    lender_id = lender.id
    known = event.type in HEEDED
    outcome = "waiting" if known else "not_needed"
    with transaction() as s:
        stored = s.execute(
            insert_unless_there(WebhookEvent)
            .values(
                lender_id=lender_id,
                id=new_id(),
                event_id=event.id,
                kind=event.type,
                facts={
                    "object_id": event.object_id,
                    "reference": event.reference,
                    "session_id": event.session_id,
                    "payment_intent_id": event.payment_intent_id,
                    "method_id": event.method_id,
                    "api_version": event.api_version,
                },
                received_at=clock.now(),
                outcome=outcome,
            )
            .on_conflict_do_nothing(index_elements=["lender_id", "event_id"])
            .returning(WebhookEvent.id)
        ).scalar_one_or_none()
        if stored is not None and outcome == "waiting":
            queue.later(
                "payments.heed",
                lender_id=lender_id,
                payload={"event_id": str(stored)},
                once=f"heed:{lender_id}:{event.id}",
            )
    return "", 200
