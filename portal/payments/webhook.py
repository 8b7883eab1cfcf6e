"""Take what Stripe sends: check the signature, store it once with a job in the same transaction, answer 200.

No business happens here, so that Stripe's word is never lost to a fault of ours.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy import bindparam, select

from portal import clock, queue
from portal.db import new_id, put_unless_there, quick_transaction, read
from portal.lenders.models import Lender
from portal.payments import stripe_gateway
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
# Whose events come to an address. Read by itself: an object for each of the thousand a minute would cost more.
_OF_LENDER: list[Any] = [
    Lender.id,
    Lender.stripe_secret_key.label("key"),
    Lender.stripe_webhook_secret.label("secret"),
]
_ENDPOINT = select(*_OF_LENDER).where(Lender.slug == bindparam("slug"))
webhooks = Blueprint("webhooks", __name__)


@webhooks.post("/webhooks/stripe/<slug>")
@signed_by_sender
def stripe(slug: str) -> ResponseReturnValue:
    """Store one event of Stripe for a lender; 400 if it isn't signed with that lender's secret."""
    found = read(_ENDPOINT, {"slug": slug})
    if not found or not found[0].key:
        return "", 404
    account = stripe_gateway.account_of_keys(
        found[0].key, webhook_secret=found[0].secret, api_base=current_app.config["STRIPE_API_BASE"]
    )
    try:
        event = stripe_gateway.verified_event(
            request.get_data(), request.headers.get("Stripe-Signature"), account=account
        )
    except stripe_gateway.BadSignature:
        return "", 400
    lender_id = found[0].id
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
        "outcome": "waiting" if event.type in HEEDED else "not_needed",
    }
    with quick_transaction():
        if put_unless_there(WebhookEvent, row) and event.type in HEEDED:
            queue.later(
                "payments.heed",
                lender_id=lender_id,
                payload={"event_id": str(row["id"])},
                once=f"heed:{lender_id}:{event.id}",
            )
    return "", 200
