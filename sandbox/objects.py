"""The objects as they are answered, with every field that the SDK's types promise."""

from __future__ import annotations

from typing import Any

import stripe

from sandbox.cards import Method, types_for
from sandbox.memory import Body, new_id

API_VERSION = stripe.api_version

# Which SDK type describes which object; every answer is held against it before it leaves.
SDK_TYPES: dict[str, type] = {
    "customer": stripe.Customer,
    "checkout.session": stripe.checkout.Session,
    "payment_intent": stripe.PaymentIntent,
    "setup_intent": stripe.SetupIntent,
    "payment_method": stripe.PaymentMethod,
    "charge": stripe.Charge,
    "mandate": stripe.Mandate,
    "refund": stripe.Refund,
    "dispute": stripe.Dispute,
    "balance_transaction": stripe.BalanceTransaction,
    "payout": stripe.Payout,
    "event": stripe.Event,
    "webhook_endpoint": stripe.WebhookEndpoint,
    "item": stripe.LineItem,
    "list": stripe.ListObject,
}

_EVIDENCE = """
access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal
customer_communication customer_email_address customer_name customer_purchase_ip customer_signature
duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt
refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation
shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number
uncategorized_file uncategorized_text
"""
NO_ADDRESS = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}


def a_list(data: list[Body], url: str, has_more: bool = False) -> Body:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def a_customer(given: Body, now: int) -> Body:
    return {
        "id": new_id("cus_", 14), "object": "customer", "address": given.get("address") or None, "balance": 0,
        "created": now, "currency": None, "default_source": None, "delinquent": False,
        "description": given.get("description"), "discount": None, "email": given.get("email"),
        "invoice_prefix": new_id("", 8).upper(),
        "invoice_settings": {
            "custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None,
        },
        "livemode": False, "metadata": given.get("metadata") or {}, "name": given.get("name"),
        "phone": given.get("phone"), "preferred_locales": given.get("preferred_locales") or [],
        "shipping": None, "tax_exempt": "none", "test_clock": None,
    }  # fmt: skip


def a_session(given: Body, items: list[Body], *, url_root: str, now: int) -> Body:
    identifier = new_id("cs_test_a1", 56)
    total = sum(item["amount_total"] for item in items)
    options = given.get("payment_method_options") or {}
    card = options.get("card") or {}
    currency = items[0]["currency"] if items else given.get("currency")
    return {
        "id": identifier, "object": "checkout.session",
        "adaptive_pricing": {"enabled": bool((given.get("adaptive_pricing") or {}).get("enabled", False))},
        "after_expiration": None, "allow_promotion_codes": None, "amount_subtotal": total, "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": given.get("billing_address_collection"),
        "cancel_url": given.get("cancel_url"), "client_reference_id": given.get("client_reference_id"),
        "client_secret": None, "collected_information": None, "consent": None, "consent_collection": None,
        "created": now, "currency": currency,
        "currency_conversion": None, "custom_fields": [],
        "custom_text": {
            "after_submit": None, "shipping_address": None, "submit": None, "terms_of_service_acceptance": None,
        },
        "customer": given.get("customer"), "customer_account": None,
        "customer_creation": given.get("customer_creation") or (None if given.get("customer") else "if_required"),
        "customer_details": None, "customer_email": given.get("customer_email"), "discounts": [],
        "expires_at": given.get("expires_at") or now + 86_400, "invoice": None, "invoice_creation": None,
        "livemode": False, "locale": given.get("locale"), "metadata": given.get("metadata") or {},
        "mode": given["mode"], "origin_context": given.get("origin_context"), "payment_intent": None,
        "payment_link": None, "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {
                "request_extended_authorization": None, "request_incremental_authorization": None,
                "request_multicapture": None, "request_overcapture": None,
                "request_three_d_secure": card.get("request_three_d_secure") or "automatic",
                "restrictions": card.get("restrictions"), "setup_future_usage": card.get("setup_future_usage"),
            }
        },
        "payment_method_types": types_for(
            currency, allowed=given.get("allowed_payment_method_types"),
            excluded=given.get("excluded_payment_method_types"),
        ),
        # What was said of each other way; the answers of Stripe say it in shapes of their own, which nobody here reads.
        "_options": options,
        "payment_status": "unpaid", "permissions": None,
        "phone_number_collection": {"enabled": False}, "recovered_from": None,
        "redirect_on_completion": None, "saved_payment_method_options": None, "setup_intent": None,
        "shipping_address_collection": None, "shipping_cost": None, "shipping_options": [], "status": "open",
        "submit_type": given.get("submit_type"), "subscription": None, "success_url": given["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page", "url": f"{url_root}/c/pay/{identifier}", "wallet_options": None,
    }  # fmt: skip


def a_line_item(given: Body, now: int) -> Body:
    price = given["price_data"]
    quantity = given.get("quantity") or 1
    total = price["unit_amount"] * quantity
    currency = price["currency"].lower()
    product = price["product_data"]
    return {
        "id": new_id("li_"), "object": "item", "amount_discount": 0, "amount_subtotal": total, "amount_tax": 0,
        "amount_total": total, "currency": currency, "description": product["name"], "metadata": {},
        "adjustable_quantity": None, "quantity": quantity,
        "price": {
            "id": new_id("price_"), "object": "price", "active": False, "billing_scheme": "per_unit", "created": now,
            "currency": currency, "custom_unit_amount": None, "livemode": False, "lookup_key": None, "metadata": {},
            "nickname": None, "product": new_id("prod_", 14), "recurring": None, "tax_behavior": "unspecified",
            "tiers_mode": None, "transform_quantity": None, "type": "one_time",
            "unit_amount": price["unit_amount"], "unit_amount_decimal": str(price["unit_amount"]),
        },
    }  # fmt: skip


def a_payment_intent(given: Body, now: int) -> Body:
    identifier = new_id("pi_3")
    return {
        "id": identifier, "object": "payment_intent", "amount": given["amount"], "amount_capturable": 0,
        "amount_details": {"tip": {}}, "amount_received": 0, "application": None, "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True}, "canceled_at": None,
        "cancellation_reason": None, "capture_method": given.get("capture_method") or "automatic_async",
        "client_secret": f"{identifier}_secret_{new_id('', 25)}",
        "confirmation_method": given.get("confirmation_method") or "automatic", "created": now,
        "currency": given["currency"].lower(), "customer": given.get("customer"), "customer_account": None,
        "description": given.get("description"), "excluded_payment_method_types": None, "last_payment_error": None,
        "latest_charge": None, "livemode": False, "metadata": given.get("metadata") or {}, "next_action": None,
        "on_behalf_of": None, "payment_method": None, "payment_method_configuration_details": None,
        "payment_method_options": {}, "payment_record": None,
        "payment_method_types": types_for(
            given["currency"].lower(), allowed=given.get("allowed_payment_method_types"), excluded=None
        ),
        "processing": None, "receipt_email": given.get("receipt_email"), "review": None,
        "setup_future_usage": given.get("setup_future_usage"), "shipping": None, "source": None,
        "statement_descriptor": given.get("statement_descriptor"),
        "statement_descriptor_suffix": given.get("statement_descriptor_suffix"), "status": "requires_payment_method",
        "transfer_data": None, "transfer_group": None,
    }  # fmt: skip


def a_setup_intent(given: Body, now: int) -> Body:
    identifier = new_id("seti_1")
    return {
        "id": identifier, "object": "setup_intent", "application": None, "automatic_payment_methods": None,
        "cancellation_reason": None, "client_secret": f"{identifier}_secret_{new_id('', 25)}", "created": now,
        "customer": given.get("customer"), "customer_account": None, "description": given.get("description"),
        "flow_directions": None, "last_setup_error": None, "latest_attempt": None, "livemode": False,
        "mandate": None, "metadata": given.get("metadata") or {}, "next_action": None, "on_behalf_of": None,
        "payment_method": None, "payment_method_configuration_details": None, "payment_method_options": {},
        "payment_method_types": types_for(None, allowed=given.get("allowed_payment_method_types"), excluded=None),
        "single_use_mandate": None,
        "status": "requires_payment_method", "usage": given.get("usage") or "off_session",
    }  # fmt: skip


def a_mandate(payment_method: Body, now: int) -> Body:
    kind, number = payment_method["type"], new_id("", 12).upper()
    there = {"reference": number, "url": f"https://stripe.example/mandates/{number}"}
    of_kind: dict[str, Body] = {
        "sepa_debit": there,
        "bacs_debit": there | {
            "display_name": None, "network_status": "accepted", "revocation_reason": None, "service_user_number": None,
        },
    }  # fmt: skip
    said = of_kind.get(kind, {})
    return {
        "id": new_id("mandate_1"), "object": "mandate", "created": now, "livemode": False, "multi_use": {},
        "customer_acceptance": {
            "accepted_at": now, "type": "online", "online": {"ip_address": None, "user_agent": None},
        },
        "on_behalf_of": None, "payment_method": payment_method["id"],
        "payment_method_details": {"type": kind, kind: said}, "single_use": None,
        "status": "active", "type": "multi_use",
    }  # fmt: skip


def a_payment_method(method: Method, *, customer: str | None, now: int) -> Body:
    body: Body = {
        "id": new_id("pm_1"), "object": "payment_method", "allow_redisplay": "limited",
        "billing_details": {"address": NO_ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None},
        "created": now, "customer": customer, "customer_account": None, "livemode": False, "metadata": {},
        "type": method.kind,
    }  # fmt: skip
    if method.kind == "card":
        body["card"] = _card(method) | {
            "display_brand": method.brand, "generated_from": None, "regulated_status": "unregulated",
            "networks": {"available": [method.brand], "preferred": None},
            "three_d_secure_usage": {"supported": True},
        }  # fmt: skip
    elif method.kind == "us_bank_account":
        body["us_bank_account"] = _bank(method) | {
            "financial_connections_account": None, "networks": None, "status_details": None,
        }  # fmt: skip
    else:
        body[method.kind] = _other(method)
    # The number decides what paying leads to. It is a test number, kept apart from what is answered.
    return {**body, "_number": method.number}


def _card(method: Method) -> Body:
    return {
        "brand": method.brand, "country": "US", "exp_month": 12, "exp_year": 2034, "fingerprint": method.number[-12:],
        "funding": method.funding, "last4": method.last4, "wallet": None,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
    }  # fmt: skip


def _bank(method: Method) -> Body:
    return {
        "account_holder_type": "individual", "account_type": "checking", "bank_name": "STAND-IN TEST BANK",
        "fingerprint": method.number, "last4": method.last4, "routing_number": "110000000",
    }  # fmt: skip


def _other(method: Method) -> Body:
    """Give what a way to pay says of itself: accounts by their last digits, most others nothing."""
    known: dict[str, Body] = {
        "sepa_debit": {
            "bank_code": "19043", "branch_code": "", "country": "AT", "fingerprint": method.number[-12:],
            "generated_from": None, "last4": method.last4,
        },
        "bacs_debit": {"fingerprint": method.number, "last4": method.last4, "sort_code": "108800"},
        "boleto": {"tax_id": "000.000.000-00"},
        "pix": {"fingerprint": None},
        "klarna": {"dob": None},
    }  # fmt: skip
    return known.get(method.kind, {})


def a_voucher(method: Method, *, expires: int, url: str) -> Body:
    """Give what has to be shown to somebody who pays in a shop or at a bank."""
    number = new_id("", 14).upper()
    shown: Body = {
        "oxxo": {"expires_after": expires, "hosted_voucher_url": url, "number": number},
        "boleto": {"expires_at": expires, "hosted_voucher_url": url, "number": number, "pdf": None},
        "konbini": {
            "expires_at": expires, "hosted_voucher_url": url,
            "stores": {"familymart": None, "lawson": None, "ministop": None, "seicomart": None},
        },
    }[method.kind]  # fmt: skip
    return {"type": f"{method.kind}_display_details", f"{method.kind}_display_details": shown}


def a_charge(intent: Body, payment_method: Body, *, status: str, failure: tuple[str, str] | None, now: int) -> Body:
    details: Body = {"type": payment_method["type"]}
    if payment_method["type"] == "card":
        card = payment_method["card"]
        details["card"] = {name: card[name] for name in (
            "brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet",
        )} | {
            "amount_authorized": intent["amount"], "authorization_code": None, "capture_before": None,
            "installments": None, "mandate": None, "network": card["brand"], "network_token": None,
            "network_transaction_id": new_id("", 15), "overcapture": None, "regulated_status": "unregulated",
            "setup_credential_usage": None, "stored_credential_usage": None, "three_d_secure": None,
        }  # fmt: skip
    elif payment_method["type"] in ("us_bank_account", "sepa_debit", "bacs_debit"):
        kind = payment_method["type"]
        details[kind] = payment_method[kind] | {
            "mandate": payment_method.get("_mandate"), "payment_reference": None, "expected_debit_date": None,
        }  # fmt: skip
    else:
        details[payment_method["type"]] = {"tax_id": "000.000.000-00"} if payment_method["type"] == "boleto" else {}
    paid = status == "succeeded"
    return {
        "id": new_id("ch_3" if payment_method["type"] == "card" else "py_3"), "object": "charge",
        "amount": intent["amount"], "amount_captured": intent["amount"] if paid else 0, "amount_refunded": 0,
        "application": None, "application_fee": None, "application_fee_amount": None, "balance_transaction": None,
        "billing_details": payment_method["billing_details"], "calculated_statement_descriptor": "STAND-IN",
        "captured": paid, "created": now, "currency": intent["currency"], "customer": intent["customer"],
        "description": intent["description"], "disputed": False, "failure_balance_transaction": None,
        "failure_code": failure[0] if failure else None, "failure_message": failure[1] if failure else None,
        "fraud_details": {}, "livemode": False, "metadata": dict(intent["metadata"]), "on_behalf_of": None,
        "outcome": _outcome(status, failure), "paid": paid, "payment_intent": intent["id"],
        "payment_method": payment_method["id"], "payment_method_details": details, "receipt_email": None,
        "receipt_number": None, "receipt_url": None, "refunded": False, "review": None, "shipping": None,
        "source": None, "source_transfer": None, "statement_descriptor": None, "statement_descriptor_suffix": None,
        "status": status, "transfer": None, "transfer_data": None, "transfer_group": None,
    }  # fmt: skip


def _outcome(status: str, failure: tuple[str, str] | None) -> Body:
    return {
        "advice_code": "try_again_later" if failure else None, "network_advice_code": None,
        "network_decline_code": None, "network_status": "declined_by_network" if failure else "approved_by_network",
        "reason": failure[0] if failure else None, "risk_level": "normal", "risk_score": 12, "rule": None,
        "seller_message": failure[1] if failure else "Payment complete.",
        "type": "issuer_declined" if failure else "authorized",
    }  # fmt: skip


def a_refund(charge: Body, *, amount: int, given: Body, status: str, now: int) -> Body:
    return {
        "id": new_id("re_3"), "object": "refund", "amount": amount, "balance_transaction": None,
        "charge": charge["id"], "created": now, "currency": charge["currency"], "customer": charge["customer"],
        "customer_account": None, "description": None,
        "destination_details": {
            "type": "card" if charge["payment_method_details"]["type"] == "card" else "us_bank_transfer",
        },
        "failure_balance_transaction": None, "failure_reason": None, "instructions_email": None,
        "metadata": given.get("metadata") or {}, "next_action": None, "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"], "pending_reason": "processing" if status == "pending" else None,
        "reason": given.get("reason"), "receipt_number": None, "source_transfer_reversal": None, "status": status,
        "transfer_reversal": None,
    }  # fmt: skip


def a_balance_transaction(
    kind: str, source: str | None, *, amount: int, currency: str, fee: int, now: int, description: str | None = None
) -> Body:
    details = [
        {"amount": fee, "application": None, "currency": currency, "description": "processing fees",
         "type": "stripe_fee"}
    ]  # fmt: skip
    return {
        "id": new_id("txn_3"), "object": "balance_transaction", "amount": amount, "available_on": now + 2 * 86_400,
        "balance_type": "payments", "created": now, "currency": currency, "description": description,
        "exchange_rate": None, "fee": fee, "fee_details": details if fee else [], "net": amount - fee,
        "reporting_category": "dispute" if kind == "adjustment" else kind, "source": source, "status": "pending",
        "type": kind,
    }  # fmt: skip


def a_dispute(charge: Body, *, reason: str, transactions: list[Body], now: int) -> Body:
    texts = _EVIDENCE.split()
    return {
        "id": new_id("dp_1"), "object": "dispute", "amount": charge["amount"], "balance_transactions": transactions,
        "charge": charge["id"], "created": now, "currency": charge["currency"], "enhanced_eligibility_types": [],
        "evidence": {name: None for name in texts} | {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": now + 7 * 86_400, "enhanced_eligibility": {}, "has_evidence": False, "past_due": False,
            "submission_count": 0, "submission_method": "not_submitted",
        },
        "is_charge_refundable": False, "livemode": False, "metadata": {}, "network_reason_code": "10.4",
        "payment_intent": charge["payment_intent"], "payment_method_details": None, "reason": reason,
        "status": "needs_response",
    }  # fmt: skip


def an_endpoint(given: Body, now: int) -> Body:
    return {
        "id": new_id("we_1"), "object": "webhook_endpoint", "api_version": given.get("api_version"),
        "application": None, "created": now, "description": given.get("description") or None,
        "enabled_events": given["enabled_events"], "livemode": False, "metadata": given.get("metadata") or {},
        "status": "enabled", "url": given["url"], "_secret": new_id("whsec_", 32),
    }  # fmt: skip


def an_event(kind: str, about: Body, *, request: Body, waiting: int, previous: Body | None, now: int) -> Body:
    data: dict[str, Any] = {"object": public(about)}
    if previous:
        data["previous_attributes"] = previous
    return {
        "id": new_id("evt_3" if kind.startswith(("payment_intent", "charge", "refund")) else "evt_1"),
        "object": "event", "api_version": API_VERSION, "created": now, "data": data, "livemode": False,
        "pending_webhooks": waiting, "request": request, "type": kind,
    }  # fmt: skip


def public(body: Body) -> Body:
    """Return an object without what the stand-in keeps to itself (names that start with an underscore)."""
    return {name: value for name, value in body.items() if not name.startswith("_")}
