"""The lender's own accounts, to which people pay without Stripe: set, checked, shown or not."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from portal import clock
from portal.db import new_id, session
from portal.evidence.record import Act, Actor, record
from portal.lenders.models import BankAccount, Lender


@dataclass(frozen=True, slots=True)
class AnotherIsShown:
    """People who owe in this currency are shown another account; that one is taken away first."""

    number: str


def of(*, lender_id: uuid.UUID) -> Sequence[BankAccount]:
    """Give all accounts of a lender; they are few."""
    return session.scalars(
        select(BankAccount).where(BankAccount.lender_id == lender_id).order_by(BankAccount.number)
    ).all()


def shown(*, lender_id: uuid.UUID, currency: str) -> BankAccount | None:
    """Give the account that people who owe in a currency are shown, if there is one."""
    return session.scalars(
        select(BankAccount).where(
            BankAccount.lender_id == lender_id, BankAccount.currency == currency, BankAccount.shown.is_(True)
        )
    ).one_or_none()


def put(
    lender: Lender, *, number: str, holder: str, bank: str, bic: str, currency: str, kind: str, show: bool, by: Actor
) -> BankAccount | AnotherIsShown:
    """Set an account, which is right by `numbers.wrong_with`; one with this number is changed.

    :raises ValueError: if it is of another currency than before: what came to it would be too.
    """
    other = shown(lender_id=lender.id, currency=currency)
    if show and other is not None and other.number != number:
        return AnotherIsShown(other.number)
    account = session.scalars(
        select(BankAccount).where(BankAccount.lender_id == lender.id, BankAccount.number == number).with_for_update()
    ).one_or_none()
    if account is None:
        account = BankAccount(lender_id=lender.id, id=new_id(), number=number, currency=currency, kind=kind)
        session.add(account)
    elif (account.currency, account.kind) != (currency, kind):
        raise ValueError(number)
    account.holder, account.bank, account.bic, account.shown = holder.strip(), bank.strip(), bic, show
    account.set_at = clock.now()
    record(
        Act.LENDER_ACCOUNT_SET,
        by=by,
        lender_id=lender.id,
        facts={"ends_in": number[-4:], "holder": account.holder, "currency": currency, "kind": kind, "shown": show},
    )
    session.flush()
    return account
