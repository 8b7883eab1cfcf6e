"""RULES  Why money that came can't be placed by itself, each with a name; nothing of it is ever guessed."""

from __future__ import annotations

from enum import StrEnum

from portal.money import Money


class Why(StrEnum):
    """Why money waits for a person."""

    AMOUNT = "amount"
    CURRENCY = "currency"
    REFERENCE = "reference"  # It was told under a payment of ours and says that it is for another one.
    MODE = "mode"  # Of a test where the account is real, or the other way round.
    RECALLED = "recalled"  # The lender took the debt back meanwhile.
    SECOND = "second"  # A second success of a payment that had come already.
    UNKNOWN = "unknown"  # It says that it is ours, and no payment of ours is known for it.
    # Of money that came to the lender's own account.
    NO_REFERENCE = "no_reference"
    DAMAGED = "damaged"  # A reference whose check digits don't fit it.
    NOT_KNOWN = "not_known"  # A reference, and no debt has it.
    SEVERAL = "several"  # It names more than one debt.
    DISPUTED = "disputed"  # Its owner says that the debt is wrong.
    COLLECTIVE = "collective"  # Several payments in one sum, and nobody says how much each one is.
    CAME_BACK = "came_back"  # What the lender had sent somewhere, and got back.
    FROM_BEFORE = "from_before"  # Set aside before reasons were kept.


def against(
    *, came: Money, asked: Money, says: str | None, payment: str, live: bool, account_live: bool | None, recalled: bool
) -> Why | None:
    """Return why money may not be posted for a payment, or None where it fits; `says` is whose it says that it is.

    >>> against(came=Money(50, "USD"), asked=Money(60, "USD"), says="a", payment="a", live=False, account_live=False,
    ...         recalled=False)
    <Why.AMOUNT: 'amount'>
    """
    if account_live is not None and live is not account_live:
        return Why.MODE
    if says != payment:
        return Why.REFERENCE
    if came.currency != asked.currency:
        return Why.CURRENCY
    if came != asked:
        return Why.AMOUNT
    return Why.RECALLED if recalled else None
