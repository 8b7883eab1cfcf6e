"""The trace of an answer: whoever has it reckons every step again, with no other code than what stands here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from hypothesis import given, settings

from portal.offers import trace
from portal.offers.answering import answer
from portal.offers.answers import Outcome, Reason
from portal.offers.asked import Regular
from tests.rules.offers_cases import cases

bounded = settings(max_examples=60, deadline=None)
Told = dict[str, Any]


def rates(given_: Told) -> Iterator[Fraction]:
    for count, rate in given_["rates"]:
        yield from (Fraction(rate),) * count


def repays(balance: int, payment: int, given_: Told) -> bool:
    for rate in rates(given_):
        interest = int(balance * rate + Fraction(1, 2))
        if payment <= interest:
            return False
        balance += interest - payment
        if balance <= 0:
            return True
    return False


def per_period(a_month: int, per_year: int) -> int:
    return -(-a_month * 12 // per_year)


def check(step: Told) -> None:
    """Reckon one step again."""
    told = step["given"]
    minor = {name: value["minor"] for name, value in told.items() if isinstance(value, dict) and "minor" in value}
    result = step["result"].get("minor") if isinstance(step["result"], dict) else step["result"]
    match step["rule"]:
        case "affordable_a_month":
            kept = max(0, minor["surplus"]) * (10_000 - told["cushion_bps"]) // 10_000
            assert result == kept - kept % minor["step"]
        case "affordable_a_period":
            assert result == minor["a_month"] * 12 // told["per_year"]
        case "least_by_term":
            assert repays(minor["balance"], result, told) or result >= minor["balance"]
            assert not repays(minor["balance"], result - 1, told)
        case "least_by_month":
            share = -(-minor["balance"] * told["percent_bps"] // 10_000)
            assert result == per_period(min(max(minor["amount"], share), minor["balance"]), told["per_year"])
        case "least_payment":
            assert result == min(max(minor["by_term"], minor["by_month"]), minor["most_at_once"])
        case "least_in_hardship":
            assert minor["by_term"] == -(-minor["balance"] // told["count"])
            assert result == min(max(minor["by_term"], minor["floor"]), minor["usual"])
        case "most_let_off" | "most_let_off_alone":
            most = sum(told["owed"][part]["minor"] * bps // 10_000 for part, bps in told["ceilings_bps"])
            owed = sum(part["minor"] for part in told["owed"].values())
            assert result == min(most, owed * told["discount_bps"] // 10_000)
        case "least_down_payment":
            assert result == -(-minor["balance"] * told["least_bps"] // 10_000)
        case "pause_months" if told["card"] is not None:
            card, since = told["card"], told["payments_since"]
            left = min(card["most_months_running"], card["most_months_in_12"] - told["paused_in_12"])
            assert result == (0 if since is not None and since < card["payments_between"] else max(0, left))
        case "first_payment" if told["earliest"] <= told["asked"] <= told["latest"]:
            assert told["earliest"] <= result <= told["latest"]


@bounded
@given(case=cases())
def test_each_step_can_be_reckoned_again_from_what_is_kept(case: dict[str, Any]) -> None:
    steps = json.loads(json.dumps(trace.as_json(answer(**case).trace)))
    assert steps[0]["rule"] == "asked"
    assert steps[-1]["rule"] == "outcome"
    for step in steps:
        check(step)


@bounded
@given(case=cases())
def test_the_outcome_of_regular_payments_follows_from_the_steps(case: dict[str, Any]) -> None:
    """The eight answers as the negotiation rules give them in 1.5, from the kept figures alone."""
    asked = case["asked"].regular
    found = answer(**{**case, "asked": asked})
    quota = {Reason.NEW_PLANS_USED_UP, Reason.TOO_SOON_AFTER_A_BREAK, Reason.DOWN_PAYMENT_REQUIRED}
    moved = {reason for reason in found.reasons if reason.name.startswith(("FREQUENCY", "FIRST"))}
    # An answer by a person does not name what had to be changed before, so the rhythm is looked up.
    offered = isinstance(asked, Regular) and asked.frequency in case["limits"].frequencies
    if quota & set(found.reasons) or moved or not offered:
        return
    # An alternative with a waiver is reckoned after it, by the same rules on less.
    steps = {step["rule"]: step for step in reversed(json.loads(json.dumps(trace.as_json(found.trace))))}

    def amount(rule: str) -> int | None:
        return steps[rule]["result"]["minor"] if rule in steps else None

    a, least, hard = amount("affordable_a_period"), amount("least_payment"), amount("least_in_hardship")
    month = amount("affordable_a_month")
    if month is not None and month <= 0:
        assert found.outcome is Outcome.SIGNPOST_AND_HOLD
        return
    assert least is not None
    p = min(asked.payment.minor, steps["least_payment"]["given"]["most_at_once"]["minor"])
    total = found.plan.total.minor if found.outcome is Outcome.ACCEPT and found.plan is not None else None
    if a is None:
        expected = Outcome.ACCEPT if p >= least else Outcome.COUNTER_AND_ASK_BUDGET
    elif p > a and (total is None or month is None or total > month):
        expected = Outcome.COUNTER_LOWER if a >= least else Outcome.COUNTER_LOWER_HARDSHIP_REVIEW
    elif p >= least:
        expected = Outcome.ACCEPT
    else:
        expected = Outcome.COUNTER_HIGHER if a >= least else Outcome.REVIEW_HARDSHIP
    if expected in (Outcome.COUNTER_LOWER_HARDSHIP_REVIEW, Outcome.REVIEW_HARDSHIP):
        assert hard is not None
        assert a is not None
        expected = Outcome.REFER_TOKEN if a < hard else expected
    assert found.outcome is expected
