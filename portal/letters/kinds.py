"""RULES  The letters that exist."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """The letters that exist; the value is also the name of the template."""

    PLAN_AGREEMENT = "plan-agreement"
    PAYMENT_RECEIPT = "payment-receipt"
    STATEMENT = "statement-of-account"
    SETTLEMENT_OFFER = "settlement-offer"
    SETTLEMENT_SATISFIED = "settlement-satisfied"
    PAID_IN_FULL = "paid-in-full"
    PLAN_ENDED = "plan-ended"
    DISPUTE_ACKNOWLEDGEMENT = "dispute-acknowledgement"
    BREATHING_SPACE = "breathing-space"  # What a law gives.
    GRANTED_PAUSE = "granted-pause"  # What the lender gives by itself.
    DEFERRAL = "deferral-confirmation"
    GOODWILL = "goodwill-statement"
    CREDIT_STATUS = "credit-status"
    CREDIT_CORRECTION = "credit-correction"
