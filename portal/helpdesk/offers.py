"""An offer that waits for a person, as a colleague reads it: what was asked, and what there is to say yes to."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal import clock
from portal.money import Money
from portal.plans import granting
from portal.plans.allowed import NoLimits
from portal.plans.caps import Reach
from portal.plans.granting import Offered
from portal.plans.offer_cards import offer_card, scheduled
from portal.plans.words import amount_every, asked_words
from portal.schedules.arrangements import Arrangement
from portal.web.languages import gettext as _


@dataclass(frozen=True, slots=True)
class OnTheTable:
    """An offer with the cards of what may be granted, by name; `left_over` is what the person's budget leaves a month.

    `mark` of a card tells the plan that was read from one that the same name stands for later; `beyond` says that it
    lies beyond the card's terms, and `above` that whoever looks can't grant it alone.
    """

    asked: str
    owed: Money
    left_over: Money | None
    cards: Mapping[str, dict[str, Any]]


def on_the_table(*, lender_id: uuid.UUID, number: str, reach: Reach) -> OnTheTable | None:
    """Give an offer with what may be granted today by somebody of a reach, alone or with a colleague.

    None if none with this number waits, or no limits fit its debt.
    """
    try:
        found = granting.offered(lender_id=lender_id, number=number)
    except (granting.NoSuchOffer, NoLimits):
        return None
    left = found.proposal.budget_minor
    return OnTheTable(
        asked=asked_words(found.asked),
        owed=found.debt.owed,
        left_over=None if left is None else Money(left, found.proposal.currency),
        cards={name: _card(name, each, found, reach) for name, each in found.every.items()},
    )


def _card(name: str, arrangement: Arrangement, found: Offered, reach: Reach) -> dict[str, Any]:
    """Give what the card of one plan shows a colleague; titled as on the page of the debtor."""
    beyond = name in found.beyond
    nearest = beyond or name == granting.NEAREST
    schedule, waiver = scheduled(arrangement), arrangement.waiver
    shown = offer_card("answer" if nearest else name, arrangement, debt=found.debt, today=clock.today(found.zone))
    return shown | {
        "key": name,
        "title": _("What they asked for, or the nearest to it") if nearest else shown["title"],
        "beyond": beyond,
        "above": not found.is_within(name, reach),
        "mark": granting.mark_of(arrangement),
        "payment": amount_every(max(item.amount for item in schedule.items), schedule.frequency),
        "interest": arrangement.cost,
        "let_off": None if waiver is None or not waiver.parts.total else waiver.parts.total,
        "left": arrangement.left_at_review,
        "items": [(item.due_on, item.amount, None) for item in schedule.items],
    }
