"""RULES  The trace of an answer: every rule that was looked at, what went into it, and what came out.

Invariant: whoever has the trace can reckon each step again. It holds what a debtor is never shown, so it is for staff.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from portal.offers.plain import plain


class Rule(Enum):
    """What a step of a trace looked at."""

    GATE = "gate"
    ASKED = "asked"
    AFFORDABLE_A_MONTH = "affordable_a_month"
    AFFORDABLE_A_PERIOD = "affordable_a_period"
    LEAST_DOWN_PAYMENT = "least_down_payment"
    FREQUENCY = "frequency"
    FIRST_PAYMENT = "first_payment"
    LEAST_BY_TERM = "least_by_term"
    LEAST_BY_MONTH = "least_by_month"
    LEAST_PAYMENT = "least_payment"
    LEAST_IN_HARDSHIP = "least_in_hardship"
    STEPS = "steps"
    PAUSE_MONTHS = "pause_months"
    LOWER_PAYMENT = "lower_payment"
    MOST_LET_OFF = "most_let_off"
    MOST_LET_OFF_ALONE = "most_let_off_alone"
    MOST_PARTS = "most_parts"
    NEW_PLANS = "new_plans"
    ROUNDS = "rounds"
    PERSON = "person"
    ALTERNATIVE = "alternative"
    OUTCOME = "outcome"


@dataclass(frozen=True, slots=True)
class Step:
    """One rule that was looked at: what went in, by name, and what came out."""

    rule: Rule
    given: tuple[tuple[str, object], ...]
    result: object


@dataclass(slots=True)
class Trace:
    """The steps so far, in their order."""

    steps: list[Step] = field(default_factory=list)

    def add(self, rule: Rule, result: Any, **given: object) -> Any:
        """Note a step and give its result back."""
        self.steps.append(Step(rule, tuple(given.items()), result))
        return result


def as_json(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """Return a trace as JSON: `{"rule": "least_payment", "given": {...}, "result": {"minor": 15000, ...}}`."""
    return [{"rule": step.rule.value, "given": plain(dict(step.given)), "result": plain(step.result)} for step in steps]
