"""What Stripe told us, by a webhook or when we asked: stored once, with a job in the same transaction."""

from __future__ import annotations

import uuid

from portal import clock, queue
from portal.db import new_id, put_unless_there
from portal.payments.models import WebhookEvent
from portal.payments.stripe_gateway import EVENTS, Event

# What an endpoint hears of; whatever else comes is stored and named "not needed".
HEEDED = frozenset(EVENTS)


def store(lender_id: uuid.UUID, event: Event) -> bool:
    """Store an event, and put off that it is heeded; gives whether it is one that nobody had told us."""
    outcome = "waiting" if event.type in HEEDED else "not_needed"
    row = {
        "lender_id": lender_id,
        "id": new_id(),
        "event_id": event.id,
        "kind": event.type,
        "facts": {
            "object_id": event.object_id,
            "reference": event.reference,
            "session_id": event.session_id,
            "payment_intent_id": event.payment_intent_id,
            "method_id": event.method_id,
            "api_version": event.api_version,
        },
        "received_at": clock.now(),
        "outcome": outcome,
    }
    stored = put_unless_there(WebhookEvent, row)
    if stored and outcome == "waiting":
        queue.later(
            "payments.heed",
            lender_id=lender_id,
            payload={"event_id": str(row["id"])},
            once=f"heed:{lender_id}:{event.id}",
        )
    return stored
