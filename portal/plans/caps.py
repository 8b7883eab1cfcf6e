"""RULES  How far somebody of the lender may go when an offer waits for a person: alone, and with a colleague.

Invariant: nobody goes further than a card says that a person may; a card without caps has nothing beyond its terms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from portal.limits.cards import Limits
from portal.money import Money
from portal.schedules.arrangements import Arrangement
from portal.schedules.dates import per_year, periods_in

_WHOLE_BPS = 10_000


class Reach(StrEnum):
    """How far whoever says yes may go."""

    TERMS = "terms"  # Whatever the card lets a person say yes to, and nothing beyond it.
    AGENT = "agent"  # Beyond the card's terms too, up to the caps of `[card.agents]`.
    SENIOR = "senior"  # Beyond these too, up to what the card says that a person may agree to.


@dataclass(frozen=True, slots=True)
class Cap:
    """A longest plan in months, and the most that is let off of the balance, in basis points."""

    months: int
    discount_bps: int


def cap_of_agent(limits: Limits) -> Cap | None:
    """Return what one of the lender's people may grant alone; never less than what is agreed without anybody.

    None where the card has no such caps: then it is whatever the card lets a person say yes to.
    """
    if limits.agents is None:
        return None
    return Cap(
        max(limits.agents.longest_months, limits.auto_accept_months),
        max(limits.agents.most_discount_bps, limits.auto_accept_discount_bps),
    )


def is_within(
    cap: Cap | None, arrangement: Arrangement, *, owed: Money, season: tuple[int, ...], paused_months: int = 0
) -> bool:
    """Tell whether an arrangement lies within a cap; its length is counted in payments, as all terms of a card are.

    24 monthly payments are 24 months, whenever the first is due; months of a pause count as if they were paid.
    """
    if cap is None:
        return True
    waived = 0 if arrangement.waiver is None else arrangement.waiver.parts.total.minor
    if waived * _WHOLE_BPS > cap.discount_bps * owed.minor:
        return False
    plan = arrangement.schedule
    if plan is None:
        return True
    paused = paused_months * per_year(frequency=plan.frequency, season=season) // 12
    return plan.count + paused <= periods_in(months=cap.months, frequency=plan.frequency, season=season)


def beyond(limits: Limits) -> dict[Reach, Cap]:
    """Return how far a person may go beyond the card's terms: alone, and above that; nothing without caps.

    What the card doesn't say of a person's own ceilings is what its agents may: nobody goes further than is written.
    """
    agents = limits.agents
    if agents is None:
        return {}
    alone = Cap(agents.longest_months, agents.most_discount_bps)
    most = Cap(
        alone.months if limits.person_up_to_months is None else limits.person_up_to_months,
        alone.discount_bps if limits.person_up_to_discount_bps is None else limits.person_up_to_discount_bps,
    )
    return {Reach.AGENT: alone} | ({Reach.SENIOR: most} if most != alone else {})


def widened(limits: Limits, cap: Cap) -> Limits:
    """Return limits whose terms and bands of discounts reach as far as a cap, where they don't reach further anyway.

    The most of each part that may be let off, the least payment and all else stay as the card has them.
    """
    discount = limits.discount
    if discount is not None:
        bands = (
            replace(
                band,
                lump_bps=max(band.lump_bps, cap.discount_bps),
                staged_bps=max(band.staged_bps, cap.discount_bps),
            )
            for band in discount.bands
        )
        discount = replace(discount, bands=tuple(bands))
    return replace(
        limits,
        max_term_months=max(limits.max_term_months, cap.months),
        hardship_max_term_months=max(limits.hardship_max_term_months, cap.months),
        discount=discount,
    )
