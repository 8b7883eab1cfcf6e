"""Take what Stripe sends: check the signature, store it once with a job in the same transaction, answer 200.

No business happens here, so that Stripe's word is never lost to a fault of ours.
"""

from __future__ import annotations

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from portal.db import transaction
from portal.lenders.settings import NoSuchLender, by_slug
from portal.payments import stripe_gateway, told
from portal.payments.checkout import NoPaymentsYet, account_of
from portal.web.security import signed_by_sender

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
    with transaction():
        told.store(lender_id, event)
    return "", 200
