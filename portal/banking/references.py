"""The reference of a debt for bank transfers: made once, random, so that no other debt's is near it."""

from __future__ import annotations

import secrets
import uuid

from sqlalchemy import select

from portal import clock
from portal.banking.models import TransferReference
from portal.banking.reference import made
from portal.db import insert_unless_there, new_id, session

# Digits are what people can type on every keyboard and say on the phone; with RF and check digits four groups of four.
_DIGITS = 12
LENGTH = _DIGITS + 4


def reference_of(*, lender_id: uuid.UUID, debt_id: uuid.UUID) -> str | None:
    """Give the reference of a debt, if anybody has asked for it yet."""
    return session.scalar(
        select(TransferReference.reference).where(
            TransferReference.lender_id == lender_id, TransferReference.debt_id == debt_id
        )
    )


def give(*, lender_id: uuid.UUID, debt_id: uuid.UUID) -> str:
    """Give the reference of a debt, and make it where it has none; an act. Two at once get the same one."""
    while (known := reference_of(lender_id=lender_id, debt_id=debt_id)) is None:
        session.execute(
            insert_unless_there(TransferReference)
            .values(
                lender_id=lender_id,
                id=new_id(),
                debt_id=debt_id,
                reference=made("".join(secrets.choice("0123456789") for _digit in range(_DIGITS))),
                made_at=clock.now(),
            )
            # Of the debt, or by the rarest chance of another one: then once more.
            .on_conflict_do_nothing()
        )
    return known
