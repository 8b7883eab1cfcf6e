"""RULES  The kinds of message: which group each belongs to, and what that allows.

Invariant: what isn't named here is news that waits for the morning and is never sent twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from types import MappingProxyType
from typing import Final


class Group(Enum):
    """What a person can switch off together."""

    CODE = "code"  # Somebody types it in a moment; it can't be switched off.
    # Something about signing in or contacts changed, or money is taken by itself; only STOP by SMS ends it.
    SECURITY = "security"
    NEWS = "news"  # What became of something that the person did.
    REMINDERS = "reminders"  # What nobody asked for just now.
    STAFF = "staff"  # To a person of the lender, at any hour; no debtor's choices or quiet hours are about it.


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of message is treated."""

    group: Group
    # Leaves at any hour, if the person asked for it a moment ago.
    at_once: bool = False
    # May be sent a second time when nobody knows whether the first one left.
    again: bool = False
    # After so long nobody needs it any more.
    life: timedelta | None = None
    # Asks somebody to pay or to come in, and so stops with a hold on collection.
    collects: bool = False


_CODE: Final = Kind(Group.CODE, at_once=True, again=True, life=timedelta(minutes=10))

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "one_time_code": _CODE,
        "contact_code": _CODE,
        "contact_changed": Kind(Group.SECURITY, at_once=True, again=True),
        "contact_change_undone": Kind(Group.SECURITY, at_once=True, again=True),
        "contact_request_decided": Kind(Group.SECURITY, again=True),
        "door_locked": Kind(Group.SECURITY, again=True),
        "new_device": Kind(Group.SECURITY, at_once=True, again=True),
        "passkey_added": Kind(Group.SECURITY, at_once=True, again=True),
        "passkey_refused": Kind(Group.SECURITY, at_once=True, again=True),
        "request_received": Kind(Group.NEWS, at_once=True, again=True),
        # Two receipts look like two payments.
        "payment_received": Kind(Group.NEWS, at_once=True),
        "payment_on_its_way": Kind(Group.NEWS, at_once=True),
        "payment_failed": Kind(Group.NEWS, at_once=True),
        # Whoever switched off news must still know what is taken from a card, and when.
        "autopay_on": Kind(Group.SECURITY, at_once=True, again=True),
        "autopay_notice": Kind(Group.SECURITY, again=True),
        "autopay_declined": Kind(Group.SECURITY, again=True),
        "autopay_not_taken": Kind(Group.SECURITY, again=True),
        "autopay_stopped": Kind(Group.SECURITY, at_once=True, again=True),
        "money_given_back": Kind(Group.NEWS),
        "money_came_back": Kind(Group.NEWS, again=True),
        "money_placed": Kind(Group.NEWS, again=True),
        "transfer_undone": Kind(Group.NEWS, again=True),
        "bank_took_back": Kind(Group.NEWS, again=True),
        "bank_gave_back": Kind(Group.NEWS, again=True),
        "bank_keeps": Kind(Group.NEWS, again=True),
        "debit_returned": Kind(Group.NEWS, again=True),
        "agreement": Kind(Group.NEWS, at_once=True, again=True),
        "request_answered": Kind(Group.NEWS, again=True),
        "amount_changed": Kind(Group.NEWS, again=True),
        "plan_taken_back": Kind(Group.NEWS, again=True),
        "plan_ended": Kind(Group.NEWS, again=True),
        "plan_more_time": Kind(Group.NEWS, again=True),
        "invitation": Kind(Group.NEWS, again=True, life=timedelta(hours=72), collects=True),
        # Somebody else acted in their name, and they must be able to say that they never agreed.
        "done_for_you": Kind(Group.SECURITY, at_once=True, again=True),
        # Sent while its reader is on the phone.
        "link_asked_for": Kind(Group.NEWS, at_once=True, again=True, life=timedelta(hours=72)),
        "reminder": Kind(Group.REMINDERS, collects=True),
        "missed": Kind(Group.REMINDERS, collects=True),
        "urgent_request": Kind(Group.STAFF, again=True),
        "staff_invited": Kind(Group.STAFF, again=True, life=timedelta(hours=72)),
        "staff_way_back": Kind(Group.STAFF, again=True, life=timedelta(hours=72)),
        "staff_recovery_asked": Kind(Group.STAFF, again=True),
        "staff_roles_changed": Kind(Group.STAFF, again=True),
        "staff_new_device": Kind(Group.STAFF, again=True),
        "staff_door_locked": Kind(Group.STAFF, again=True),
        "staff_password_changed": Kind(Group.STAFF, again=True),
        "staff_passkey_added": Kind(Group.STAFF, again=True),
    }
)
_ANYTHING_ELSE: Final = Kind(Group.NEWS)


def kind_of(name: str) -> Kind:
    """Give how a kind is treated."""
    return KINDS.get(name, _ANYTHING_ELSE)
