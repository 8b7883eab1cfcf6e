"""RULES  What a decline of a saved card means: try again on a stated day, ask the bank's customer, or ask for a card.

Invariant: a payment is tried three times at most, each try on a day that was said before; no decline costs anything.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import Enum
from typing import Final


class Decline(Enum):
    """The kind of a decline."""

    SOFT = "soft"  # No money, trouble at the bank: another day may be better.
    SECOND_STEP = "second_step"  # The bank wants to hear from its customer.
    HARD = "hard"  # This card will not work again.
    REVOKED = "revoked"  # The bank's customer said that no more is to be taken.


# After the first try, and after the second. A card network lets a decline be tried again some times; people need less.
TRY_AGAIN_AFTER: Final = (timedelta(days=3), timedelta(days=4))
MOST_TRIES: Final = len(TRY_AGAIN_AFTER) + 1

# Stripe's codes of errors and of declines; what isn't named is soft, because few tries do no harm.
_KINDS: Final = {
    Decline.SECOND_STEP: "authentication_required authentication_not_handled",
    Decline.REVOKED: "revocation_of_authorization revocation_of_all_authorizations stop_payment_order",
    Decline.HARD: """
        lost_card stolen_card pickup_card expired_card invalid_account incorrect_number invalid_number
        invalid_expiry_month invalid_expiry_year invalid_expiry_month new_account_information_available fraudulent
        merchant_blacklist restricted_card security_violation card_not_supported currency_not_supported
        transaction_not_allowed not_permitted no_action_taken resource_missing payment_method_unexpected_state
        payment_method_unactivated testmode_decline
    """,
}
_KIND_OF: Final = {code: kind for kind, codes in _KINDS.items() for code in codes.split()}


def kind_of(code: str | None, decline_code: str | None) -> Decline:
    """Return the kind of a decline by its codes; the one that says more decides.

    >>> kind_of("card_declined", "lost_card"), kind_of("card_declined", "insufficient_funds")
    (<Decline.HARD: 'hard'>, <Decline.SOFT: 'soft'>)
    """
    return _KIND_OF.get(decline_code or "") or _KIND_OF.get(code or "") or Decline.SOFT


def next_try(today: date, *, tries: int) -> date | None:
    """Return the day of the next try after a soft decline today, the `tries`-th; None if it was the last.

    >>> next_try(date(2026, 5, 10), tries=1), next_try(date(2026, 5, 17), tries=3)
    (datetime.date(2026, 5, 13), None)
    """
    return today + TRY_AGAIN_AFTER[tries - 1] if 0 < tries < MOST_TRIES else None
