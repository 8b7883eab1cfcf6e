"""Offers of every kind: nothing outside the card is accepted or offered, nothing secret shows, the same is the same."""

import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.limits.cards import AgentCaps, DiscountBand, Limits
from portal.money import Money
from portal.offers import trace
from portal.offers.answering import answer
from portal.offers.answers import Outcome
from portal.offers.asked import as_json, from_json
from tests.rules.offers_cases import cases, inside, shown

bounded = settings(max_examples=75, deadline=None)


@bounded
@given(case=cases())
def test_whatever_is_accepted_or_offered_is_inside_the_card(case: dict[str, Any]) -> None:
    found = answer(**case)
    for arrangement in shown(found):
        inside(arrangement, case)
    assert len(shown(found)) <= 3
    assert len({offer.kind for offer in found.alternatives}) == len(found.alternatives)
    assert found.needs_person or found.arrangement is not None
    assert bool(found.reasons) or found.outcome is Outcome.ACCEPT
    assert found.asked == case["asked"]


@bounded
@given(case=cases())
def test_the_same_question_gets_the_same_answer_with_the_same_trace(case: dict[str, Any]) -> None:
    one, other = answer(**case), answer(**case)
    assert one == other
    assert json.dumps(trace.as_json(one.trace)) == json.dumps(trace.as_json(other.trace))
    assert json.loads(json.dumps(as_json(case["asked"]))) == as_json(case["asked"])
    assert from_json(as_json(case["asked"])) == case["asked"]


@bounded
@given(case=cases(), months=st.integers(0, 60), least=st.integers(0, 100), more=st.integers(0, 20))
def test_nothing_that_is_shown_depends_on_what_is_secret(
    case: dict[str, Any], months: int, least: int, more: int
) -> None:
    """Hardship limits, how much more could be let off than is agreed alone, and agents' caps: byte for byte."""
    card: Limits = case["limits"]
    discount, alone = card.discount, card.auto_accept_discount_bps
    if discount is not None:
        bands = tuple(
            DiscountBand(
                band.days_late_from,
                band.days_late_to,
                _another(band.lump_bps, alone, more),
                _another(band.staged_bps, alone, more),
            )
            for band in discount.bands
        )
        discount = replace(discount, bands=bands)
    other = replace(
        card,
        hardship_max_term_months=card.max_term_months + months,
        hardship_min_payment=Money(card.min_payment.minor * least // 100, card.min_payment.currency),
        person_up_to_months=None,
        discount=discount,
        agents=AgentCaps(most_discount_bps=more * 100, longest_months=months),
    )
    here = answer(**{**case, "limits": replace(card, person_up_to_months=None)})
    there = answer(**{**case, "limits": other})
    assert json.dumps(here.public()) == json.dumps(there.public())


def _another(share: int, alone: int, more: int) -> int:
    """Give another ceiling that lets off at least what is agreed alone; a ceiling below that is the offer itself."""
    return max(alone, 500, min(10_000, share // 2 + more * 500)) if share >= max(alone, 500) else share
