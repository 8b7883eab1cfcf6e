"""Take what Stripe sends: check the signature, store it once with a job in the same transaction, answer 200.

No business happens here, so that Stripe's word is never lost to a fault of ours.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy import bindparam, select

from portal.db import quick_transaction, read
from portal.lenders.models import Lender
from portal.payments import stripe_gateway, told
from portal.web.security import signed_by_sender

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
    with quick_transaction():
        told.store(lender_id, event)
    return "", 200
