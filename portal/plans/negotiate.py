"""The debtor's side of the table, by one door: ask, be answered, hold a quote, agree.

Each is one act in the caller's transaction; what they are is in the files that they come from.
"""

from __future__ import annotations

from portal.plans.agreeing import Agreed, AgreedBefore, PlanAlive, QuoteGone, agree
from portal.plans.allowed import (
    NoLimits,
    drafted,
    explain,
    limits_in_force,
    load_limits,
    without_card,
)
from portal.plans.budgets import budget_of
from portal.plans.proposing import (
    Table,
    answer_by,
    ask,
    ask_for_time,
    asked_in,
    choices,
    choose_pay_day,
    least_payment,
    leftover,
    newest_proposal,
    number_of,
    preview,
    propose,
    regular_of,
    request_of,
    send_to_person,
    set_budget,
    table_for,
    trace_of,
    ways_for,
)
from portal.plans.quoting import (
    arrangement_in,
    facts_in,
    holds,
    orders_in,
    quote,
    quote_of,
    reference_of_quote,
    schedule_in,
)
from portal.plans.situation import owed_of

__all__ = (
    "Agreed",
    "AgreedBefore",
    "NoLimits",
    "PlanAlive",
    "QuoteGone",
    "Table",
    "agree",
    "answer_by",
    "arrangement_in",
    "ask",
    "ask_for_time",
    "asked_in",
    "budget_of",
    "choices",
    "choose_pay_day",
    "drafted",
    "explain",
    "facts_in",
    "holds",
    "least_payment",
    "leftover",
    "limits_in_force",
    "load_limits",
    "newest_proposal",
    "number_of",
    "orders_in",
    "owed_of",
    "preview",
    "propose",
    "quote",
    "quote_of",
    "reference_of_quote",
    "regular_of",
    "request_of",
    "schedule_in",
    "send_to_person",
    "set_budget",
    "table_for",
    "trace_of",
    "ways_for",
    "without_card",
)
