"""What Stripe told us, by a webhook or when we asked: stored once, with a job in the same transaction."""

from __future__ import annotations

import uuid

from portal import clock, queue
from portal.db import insert_unless_there, new_id, session
from portal.payments.models import WebhookEvent
from portal.payments.settle import ABOUT_CARDS
from portal.payments.stripe_gateway import Event

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


def store(lender_id: uuid.UUID, event: Event) -> bool:
    """Store an event, and put off that it is heeded; gives whether it is one that nobody had told us."""
    outcome = "waiting" if event.type in HEEDED else "not_needed"
    stored = session.execute(
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
    return stored is not None
