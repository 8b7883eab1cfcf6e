"""The books of a lender as a journal for its accounting: a page of postings at a time, all as of one instant.

Invariant: it is by the day of booking, so a period that was exported never changes; what stands in the accounts at its
end is added up from the books once more, and not from what was written.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Uuid, bindparam, select, text

from portal import clock
from portal.db import UtcTime, new_id, session, snapshot
from portal.debts.models import Debt
from portal.evidence.record import Act, Actor, record
from portal.finance import chart
from portal.finance.chart import Balance, Entry, Language
from portal.ledger import Account, Posting, Transfer
from portal.money import Money
from portal.payments.models import AccountName

AT_ONCE = 500
_BEFORE_ALL = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class Period:
    """Days of booking by a lender's calendar: the first, and the day after the last."""

    first: date
    end: date
    zone: str

    @property
    def begins_at(self) -> datetime:
        """Give the instant at which the first day begins."""
        return _midnight(self.first, self.zone)

    @property
    def ends_at(self) -> datetime:
        """Give the instant at which the last day is over."""
        return _midnight(self.end, self.zone)


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), clock.zone(zone)).astimezone(UTC)


def month(said: str, zone: str) -> Period | None:
    """Give the month that was meant, as `2026-05`; None if it is none."""
    try:
        first = date.fromisoformat(f"{said}-01")
    except ValueError:
        return None
    if not 1970 < first.year < 9999:
        return None
    return Period(first, (first + timedelta(days=31)).replace(day=1), zone)


def names_of(lender_id: uuid.UUID) -> dict[str, str]:
    """Give what a lender calls accounts of the books."""
    rows = session.execute(select(AccountName.account, AccountName.name).where(AccountName.lender_id == lender_id))
    return {row.account: row.name for row in rows}


class NoSuchName(ValueError):
    """An account that the books don't have, or a name that no program takes."""

    def __init__(self, account: str, name: str) -> None:
        super().__init__(account, name)
        self.account, self.name = account, name


def name_accounts(*, lender_id: uuid.UUID, names: Mapping[str, str], by: Actor) -> bool:
    """Let accounts be called so from now on, all others by our names; False if they are called so already.

    :raises NoSuchName: if one can't be.
    """
    for account, name in names.items():
        if account not in set(Account) or not isinstance(name, str) or not chart.is_name(name):
            raise NoSuchName(account, str(name))
    rows = session.scalars(select(AccountName).where(AccountName.lender_id == lender_id).with_for_update()).all()
    if {row.account: row.name for row in rows} == dict(names):
        return False
    for row in rows:
        session.delete(row)
    session.flush()
    session.add_all(AccountName(lender_id=lender_id, id=new_id(), account=a, name=n) for a, n in names.items())
    record(Act.ACCOUNTS_NAMED, by=by, lender_id=lender_id, facts={"names": dict(names)})
    return True


# What stands in each account by an instant: what came less what went, by the books' own words.
_STANDS = text("""
select account, currency, sum(minor) as minor from (
    select t.to_account as account, t.currency, t.amount_minor as minor
    from transfer t join posting p on p.lender_id = t.lender_id and p.id = t.posting_id
    where t.lender_id = :lender and p.at < :until
    union all
    select t.from_account, t.currency, -t.amount_minor
    from transfer t join posting p on p.lender_id = t.lender_id and p.id = t.posting_id
    where t.lender_id = :lender and p.at < :until
) as moved
group by account, currency
order by account, currency
""").bindparams(bindparam("lender", type_=Uuid()), bindparam("until", type_=UtcTime()))


def stands(lender_id: uuid.UUID, *, until: datetime, names: Mapping[str, str]) -> tuple[Balance, ...]:
    """Give what stands in each account when an instant comes, by the names of the journal."""
    sums: dict[tuple[str, str], int] = {}
    for row in session.execute(_STANDS, {"lender": lender_id, "until": until}):
        key = chart.name_of(row.account, names), row.currency
        sums[key] = sums.get(key, 0) + int(row.minor)
    return tuple(Balance(name, Money(minor, code)) for (name, code), minor in sorted(sums.items()))


def written(*, lender_id: uuid.UUID, title: str, period: Period, language: Language) -> Iterator[str]:
    """Write a journal, piece by piece."""
    with snapshot():
        names = names_of(lender_id)
        opening = stands(lender_id, until=period.begins_at, names=names)
        closing = stands(lender_id, until=period.ends_at, names=names)
        accounts = sorted({each.account for each in closing})
        yield from language.head(title, accounts, sorted({each.amount.currency for each in closing}), period.first)
        if opening := tuple(each for each in opening if each.amount):
            legs = tuple(chart.Leg(each.account, each.amount, None) for each in opening)
            yield language.entry(Entry(period.first, period.first, "opening balances", "", "", None, legs))
        for page in _pages(lender_id, period, names):
            yield "".join(language.entry(each) for each in page)
        yield from language.foot(closing, period.end)


def _pages(lender_id: uuid.UUID, period: Period, names: Mapping[str, str]) -> Iterator[list[Entry]]:
    last = _BEFORE_ALL
    while True:
        postings = session.execute(
            select(Posting.id, Posting.kind, Posting.cause, Posting.corrects_id, Posting.at, Posting.on)
            .where(
                Posting.lender_id == lender_id,
                Posting.id > last,
                Posting.at >= period.begins_at,
                Posting.at < period.ends_at,
            )
            .order_by(Posting.id)
            .limit(AT_ONCE)
        ).all()
        if not postings:
            return
        moves: dict[uuid.UUID, list[tuple[str, str, Money, str | None]]] = {row.id: [] for row in postings}
        for move in session.execute(
            select(
                Transfer.posting_id,
                Transfer.from_account,
                Transfer.to_account,
                Transfer.amount_minor,
                Transfer.currency,
                Debt.reference,
            )
            .outerjoin(Debt, (Debt.lender_id == Transfer.lender_id) & (Debt.id == Transfer.book_id))
            .where(Transfer.lender_id == lender_id, Transfer.posting_id.in_(list(moves)))
            .order_by(Transfer.id)
        ):
            amount = Money(move.amount_minor, move.currency)
            moves[move.posting_id].append((move.from_account, move.to_account, amount, move.reference))
        zone = clock.zone(period.zone)
        yield [
            Entry(
                booked_on=row.at.astimezone(zone).date(),
                counts_on=row.on,
                kind=row.kind.replace("_", " "),
                cause=row.cause,
                posting=str(row.id),
                corrects=None if row.corrects_id is None else str(row.corrects_id),
                legs=chart.legs_of(moves[row.id], names),
            )
            for row in postings
        ]
        last = postings[-1].id
