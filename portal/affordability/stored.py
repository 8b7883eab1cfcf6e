"""RULES  A budget as JSON and back, amounts in whole minor units of the one currency that it names.

Invariant: whatever can be written here can be read again to the same value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.affordability.budget import Budget, Every, Evidence, Group, Household, Line
from portal.money import Money


def as_json(budget: Budget) -> dict[str, Any]:
    """Return a budget as JSON."""
    return {
        "currency": budget.currency,
        "lines": [
            {
                "group": line.group.value,
                "low": line.low.minor,
                "high": None if line.high is None else line.high.minor,
                "every": line.every.value,
                "evidence": line.evidence.value,
            }
            for line in budget.lines
        ],
        "adults": budget.household.adults,
        "children": budget.household.children,
        "explained": sorted(group.value for group in budget.explained),
    }


def from_json(stored: Mapping[str, Any]) -> Budget:
    """Read a budget that `as_json` wrote.

    :raises KeyError: if a part of it is missing.
    :raises ValueError: if there is no such group, rhythm or grade.
    """
    currency = stored["currency"]
    return Budget(
        currency=currency,
        lines=tuple(
            Line(
                group=Group(line["group"]),
                low=Money(line["low"], currency),
                every=Every(line["every"]),
                high=None if line["high"] is None else Money(line["high"], currency),
                evidence=Evidence(line["evidence"]),
            )
            for line in stored["lines"]
        ),
        household=Household(stored["adults"], stored["children"]),
        explained=frozenset(Group(each) for each in stored["explained"]),
    )
