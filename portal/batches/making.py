"""Which kinds of letters are made in a batch, and how one is: a kind is one entry."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from portal.batches.states import WhyNot
from portal.debts.statement import Standing
from portal.letters import issue
from portal.letters.contents import Kind
from portal.letters.kept import day_in, statement_cause


@dataclass(frozen=True, slots=True)
class Making:
    """How a kind of letter is made.

    `why_not` says why there is none for a debt, before anything is drawn. `cause_of` gives the letter's cause from the
    debt, the debtor's zone and when the batch was begun; the same each time, whenever its turn comes. `make` issues
    the letter of that cause, or does nothing if it is there, and raises `issue.NotTrue` if there can't be one.
    """

    why_not: Callable[[Standing], WhyNot | None]
    cause_of: Callable[[Standing, str, datetime], str]
    make: Callable[[Standing, str], None]


def _only_if_open(debt: Standing) -> WhyNot | None:
    return None if debt.open else WhyNot.RECALLED


def _statement_cause(debt: Standing, zone: str, begun_at: datetime) -> str:
    return statement_cause(debt.id, day_in(zone, begun_at))


def _statement(debt: Standing, cause: str) -> None:
    lender_id: uuid.UUID = debt.lender_id
    issue.statement(lender_id=lender_id, debt_id=debt.id, cause=cause)


KINDS: Final[Mapping[str, Making]] = MappingProxyType(
    {Kind.STATEMENT.value: Making(_only_if_open, _statement_cause, _statement)}
)
