"""Payments out of other lending systems' own tests: what each pays, late, early or in parts, by our rules and theirs.

The cases are not part of this project. What comes out stands in docs/payments-of-other-systems.md, line by line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest

from portal.limits.cards import Order
from portal.money import Money
from portal.payments.allocation import Component, pay_off
from portal.plans.reach import Open, reach
from portal.plans.states import Standing, standing
from portal.schedules.schedule import Item, interest_of
from tests.rules.test_schedules_of_other_systems import FILE, ROOT, cases, money

PAGE = ROOT / "docs" / "payments-of-other-systems.md"
HOW_MANY = 68
ABOUT_PAYMENTS = {
    "payment_allocation",
    "actual_payments",
    "early_payment",
    "late_payment",
    "partial_payment",
    "payoff",
    "reschedule",
    "reamortise",
    "reage",
    "settlement",
    "chargeback",
    "undo_payment",
    "write_off",
    "days_past_due",
    "small_balance_write_off",
}

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="the cases of other systems are not on this machine")

SAME = "the same"
A_DAY_LATER = "the same, with lateness a day later"
BY_THE_DAY = "interest by the day until each payment; here it is agreed and charged on its own day"

# The start of a case's name, and why we don't do what it does; no reason if we do. The first that fits counts.
NOT_OFFERED = {
    "fineract-emi-": BY_THE_DAY,
    "fineract-int-weekly-recalc-late-first": BY_THE_DAY,
    "fineract-e2e-LoanRepayment-L582": BY_THE_DAY,
    "fineract-e2e-Loan-L1528": "money in advance goes to the last instalment",
    "fineract-e2e-Loan-L1821": "money in advance is spread over all instalments",
    "fineract-e2e-Loan-L3293": "charges of all instalments before principal of the first",
    "fineract-e2e-LoanReschedule-L259": "another interest rate for the rest",
    "fineract-e2e-LoanReschedule-L426": "every 15 days",
    "lending-demand-31d-shortfall50": "a small rest at the end is written off; here a plan's last unit must come",
    "lending-1000000-13.5-12m-first-instalment-v2024": "what is above the instalment is booked elsewhere",
    "lending-settlement-status": "states of a loan, not money; a settlement's are in tests/journeys",
    "lending-written-off-recovery": "states of a loan, not money",
    "lending-auto-penalty-waiver": "a small rest of penalty is waived",
    "fsharp-": BY_THE_DAY,
}


def about_payments() -> list[dict[str, Any]]:
    return [case for case in cases() if ABOUT_PAYMENTS & set(case["tags"])]


@dataclass
class Laid:
    """One instalment: what is due of it and when, and what came for it, by day."""

    number: int
    due_on: date
    due: Money
    came: list[tuple[date, Money]] = field(default_factory=list)

    @property
    def missing(self) -> Money:
        return self.due - self.sum()

    def sum(self, *, until: date = date.max, after: date = date.min) -> Money:
        return Money(sum(amount.minor for day, amount in self.came if after < day <= until), self.due.currency)


def lay(instalments: Sequence[Laid], day: date, amount: Money) -> None:
    """Pay what is open in the order of the instalments, as a plan's money is laid."""
    open_ = [Open(each.number, each.due_on, each.missing) for each in instalments if each.missing]
    does = reach(amount=amount, open_items=open_)
    left = {each.number: each.missing for each in instalments} | dict.fromkeys(does.made, Money.zero(amount.currency))
    if does.next is not None:
        left[does.next.number] = does.next.missing
    for each in instalments:
        if paid := each.missing - left[each.number]:
            each.came.append((day, paid))


def paid_in(case: dict[str, Any], rows: Sequence[dict[str, Any]], count: int) -> Iterator[tuple[date, Money]]:
    """What came by the first events; a down payment that their product takes itself comes on the day of lending."""
    for event in case["events"][:count]:
        if "repayment" in event or "transaction" in event:
            yield date.fromisoformat(event["on"]), money(event.get("repayment", event.get("amount")))
        elif "disburse" in event and "DOWNPAYMENT_AUTO" in case["terms"]["LoanProduct"]:
            [down] = [row for row in rows if row["due_date"] == event["on"] and row["principal"] == row["due"]][:1]
            yield date.fromisoformat(event["on"]), money(down["due"])


def judged(instalments: Sequence[Laid], came: Sequence[tuple[date, Money]], *, today: date) -> Standing:
    nothing = money("0")
    items = [Item(each.number, each.due_on, each.due, each.due, nothing) for each in instalments]
    return standing(items, came, today=today, grace_days=0, tolerance=nothing)


def stories(case: dict[str, Any]) -> str:
    """Apache Fineract's stories: of each printed instalment what is paid, in advance and late, and what is left."""
    for check in case["expected"]["checks"]:
        rows = [row for row in check["rows"] if "nr" in row]
        instalments = [Laid(row["nr"], date.fromisoformat(row["due_date"]), money(row["due"])) for row in rows]
        came = list(paid_in(case, rows, check["after_events"]))
        for day, amount in came:
            lay(instalments, day, amount)
        for ours, theirs in zip(instalments, rows, strict=True):
            early, late = ours.sum(until=ours.due_on - timedelta(days=1)), ours.sum(after=ours.due_on)
            found = (ours.sum(), early, late, ours.missing)
            told = tuple(money(theirs[name]) for name in ("paid", "in_advance", "late", "outstanding"))
            assert found == told, (check["after_events"], theirs)
        last = max((day for day, _ in came), default=instalments[0].due_on)
        by_sums = judged(instalments, came, today=last)
        for ours in instalments:
            if not ours.due or ours.missing:
                assert not ours.due or ours.number not in by_sums.kept + by_sums.cured
                assert not ours.due or (ours.number in by_sums.missed) == (ours.due_on < last)
            else:
                in_time = not ours.sum(after=ours.due_on)
                assert ours.number in (by_sums.kept if in_time else by_sums.cured)
    return SAME


def days_late(case: dict[str, Any]) -> str:
    terms = case["terms"]
    first = date.fromisoformat(terms["first_due"])
    instalments = [
        Laid(1, first, money(terms["instalment"])),
        Laid(2, first.replace(month=11), money(terms["instalment"])),
    ]
    came = [(date.fromisoformat(event["on"]), money(event["repayment"])) for event in case["events"]]
    for text, theirs in case["expected"]["days_past_due"].items():
        # They count the due date itself; here somebody is late from the day after it.
        day = date.fromisoformat(text)
        asked_on = day + timedelta(days=1)
        found = judged(instalments, [(on, amount) for on, amount in came if on <= day], today=asked_on)
        since = found.next_item.due_on if found.next_item and found.cure_amount else asked_on
        assert (asked_on - since).days == theirs, text
    return A_DAY_LATER


def first_instalment(case: dict[str, Any]) -> str:
    """What one payment pays of interest and principal; what stands as owed is theirs."""
    expected = case["expected"]
    owed = {
        Component.INTEREST: money(expected["interest_paid"]),
        Component.PRINCIPAL: money(case["terms"]["principal"]),
    }
    for order in (Order.COSTS_FIRST, Order.BY_INSTALMENT):
        found = pay_off(payment=money(case["events"][0]["repayment"]), owed=owed, order=order)
        assert found.of(Component.INTEREST) == money(expected["interest_paid"])
        assert found.of(Component.PRINCIPAL) == money(expected["principal_paid"])
    return SAME


def paid_off_on_a_day(case: dict[str, Any]) -> str:
    """What pays all of a loan after so many days is its principal and their interest, and nothing is left."""
    terms = case["terms"]
    principal = money(terms["principal"])
    rate = Fraction(terms["annual_rate_percent"]) / 100 * case["events"][0]["days_charged"] / 365
    interest = interest_of(principal, rate)
    assert (interest.minor + 50) // 100 == case["expected"]["interest_rounded_unit"]
    owed = {Component.INTEREST: interest, Component.PRINCIPAL: principal}
    for order in Order:
        found = pay_off(payment=principal + interest, owed=owed, order=order)
        assert dict(found.parts) == owed and not found.credit
    return SAME


def line_of(case: dict[str, Any]) -> str:
    name = case["id"]
    why = next((why for start, why in NOT_OFFERED.items() if name.startswith(start)), "")
    if why:
        return f"| {name} | not offered | {why} |"
    if name.startswith("fineract-e2e-"):
        verdict = stories(case)
    elif name.startswith("lending-dpd-"):
        verdict = days_late(case)
    elif name.startswith("lending-demand-"):
        verdict = paid_off_on_a_day(case)
    else:
        verdict = first_instalment(case)
    return f"| {name} | {verdict} |  |"


@pytest.mark.parametrize("case", about_payments(), ids=lambda case: case["id"])
def test_what_comes_out_is_what_the_page_says(case: dict[str, Any]) -> None:
    assert line_of(case) in PAGE.read_text().splitlines()


def test_every_case_has_its_line_and_the_page_counts_them() -> None:
    page = PAGE.read_text().partition("## Every case")[2].splitlines()
    lines = [line for line in page if line.startswith("| ") and not line.startswith("| case |")]
    assert len(lines) == len(about_payments()) == HOW_MANY
    told = [[each.strip() for each in line.strip("|").split("|")] for line in lines]
    for counts in (Counter(verdict for _, verdict, _ in told), Counter(why for _, _, why in told if why)):
        for said, count in counts.items():
            assert f"| {said} | {count} |" in PAGE.read_text()


def test_what_is_not_offered_would_not_come_out_the_same() -> None:
    """A case that is left out for the order of its money really ends elsewhere, or it would have to run."""
    left_out = [
        case for case in about_payments() if case["id"] in ("fineract-e2e-Loan-L1528", "fineract-e2e-Loan-L3293")
    ]
    for case in left_out:
        with pytest.raises(AssertionError):
            stories(case)
    assert len(left_out) == 2
