"""Tell a person, calmly, that money went back, came again, or was found, and what that means."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from portal import queue
from portal.contact import write
from portal.db import transaction
from portal.money import Money
from portal.post import words
from portal.post.compose import Words

GIVEN_BACK, CAME_BACK, PLACED = "money_given_back", "money_came_back", "money_placed"
TAKEN, WON, KEPT, RETURNED = "bank_took_back", "bank_gave_back", "bank_keeps", "debit_returned"
UNDONE = "transfer_undone"
_SAID: Final[Mapping[str, Callable[..., Words]]] = MappingProxyType(
    {
        GIVEN_BACK: words.money_given_back,
        CAME_BACK: words.money_came_back,
        PLACED: words.money_placed,
        TAKEN: words.bank_took_back,
        WON: words.bank_gave_back,
        KEPT: words.bank_keeps,
        RETURNED: words.debit_returned,
        UNDONE: words.transfer_undone,
    }
)


def later(
    kind: str,
    *,
    lender_id: uuid.UUID,
    debtor_id: uuid.UUID,
    amount: Money,
    about: uuid.UUID | str,
    debt_id: uuid.UUID | None,
) -> None:
    """Ask for a message to be written when this transaction is committed; once for each kind and what it is about."""
    queue.later(
        "payments.tell_back",
        lender_id=lender_id,
        payload={
            "kind": kind,
            "debtor_id": str(debtor_id),
            "debt_id": "" if debt_id is None else str(debt_id),
            "minor": str(amount.minor),
            "currency": amount.currency,
            "about": str(about),
        },
        once=f"tell:{kind}:{about}",
    )


def run(job: queue.Job) -> None:
    """Write what a job asks for."""
    if job.lender_id is None:
        raise ValueError("money belongs to a lender")
    told = job.payload
    amount = Money(int(told["minor"]), told["currency"])
    with transaction():
        url = write.address_of("home.home")
        write.to(
            lender_id=job.lender_id,
            debtor_id=uuid.UUID(told["debtor_id"]),
            debt_id=uuid.UUID(told["debt_id"]) if told["debt_id"] else None,
            kind=told["kind"],
            words=lambda name: _SAID[told["kind"]](name=name, amount=amount, url=url),
            once=f"{told['kind']}:{told['about']}",
        )
