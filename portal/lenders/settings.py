"""Find a lender, and add one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from portal import clock
from portal.db import session
from portal.evidence.record import OPERATOR, Act, Actor, record
from portal.lenders.models import Lender


class NoSuchLender(Exception):
    """No lender has this short name."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


def by_slug(slug: str) -> Lender:
    """Give the lender with a short name.

    :raises NoSuchLender: if there is none.
    """
    lender = session.scalars(select(Lender).where(Lender.slug == slug)).one_or_none()
    if lender is None:
        raise NoSuchLender(slug)
    return lender


def all_lenders() -> list[Lender]:
    """Give all lenders by name; they are few."""
    return list(session.scalars(select(Lender).order_by(Lender.name)))


def only_lender() -> Lender | None:
    """Give the lender if there is exactly one: pages before signing in then speak in its name."""
    found = session.scalars(select(Lender).limit(2)).all()
    return found[0] if len(found) == 1 else None


def none_yet() -> bool:
    """Say whether the database has no lender."""
    return session.scalar(select(func.count()).select_from(Lender)) == 0


def tell_urgent(lender: Lender, *, address: str | None, by: Actor) -> None:
    """Say who is told at once when a request can't wait; None for the lender's own address."""
    lender.urgent_email = address
    record(Act.LENDER_URGENT_EMAIL_SET, by=by, lender_id=lender.id, facts={"address": address})


def set_ways(lender: Lender, *, credit_cards: bool, pay_later: bool, without: Sequence[str], by: Actor) -> None:
    """Say what debts may be paid with beside money that is there, and which ways are not offered."""
    lender.takes_credit_cards, lender.takes_pay_later = credit_cards, pay_later
    lender.ways_left_out = sorted(set(without))
    facts = {"credit_cards": credit_cards, "pay_later": pay_later, "without": lender.ways_left_out}
    record(Act.LENDER_WAYS_SET, by=by, lender_id=lender.id, facts=facts)


def set_letters(lender: Lender, *, given: Mapping[str, Any], by: Actor) -> bool:
    """Say how a lender's letters look, by columns of its row; gives whether anything of it is new."""
    before = {column: getattr(lender, column) for column, value in given.items() if getattr(lender, column) != value}
    if not before:
        return False
    facts = {"before": before, "after": {column: given[column] for column in before}}
    for column in before:
        setattr(lender, column, given[column])
    record(Act.LENDER_LETTERS_SET, by=by, lender_id=lender.id, facts=facts)
    return True


def set_host(lender: Lender, *, host: str | None, by: Actor) -> None:
    """Give a lender a host of its own, or take it away."""
    facts = {"before": lender.host, "after": host}
    lender.host = host
    record(Act.LENDER_HOST_SET, by=by, lender_id=lender.id, facts=facts)


def add(*, values: Mapping[str, Any], by: Actor = OPERATOR) -> Lender:
    """Add a lender; `values` are the columns of its row."""
    lender = Lender(**values, created_at=clock.now())
    session.add(lender)
    session.flush()
    facts = {"slug": lender.slug, "name": lender.name, "host": lender.host}
    record(Act.LENDER_ADDED, by=by, lender_id=lender.id, facts=facts)
    return lender
