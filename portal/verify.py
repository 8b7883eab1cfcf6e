"""Add everything up again: kept totals against transfers, plans against money, points against items, hashes.

Invariant: nothing here uses the code that keeps the totals, only SQL of its own, so that one mistake is not made twice.
It only reads, lender by lender, with one query a check, and all of them see the same moment.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import chain
from typing import Any

from sqlalchemy import Date, Engine, TextClause, Uuid, bindparam, text

from portal import clock
from portal.db import session
from portal.evidence import audit, log
from portal.evidence.record import Act, leaf
from portal.letters import audit as letters_audit
from portal.money import EXPONENTS, Money

# A book-keeper needs the first of a kind and how many there are; a million sentences would help nobody.
MOST_NAMED = 1_000
_RECORDS_A_TIME = 2_000


class Kind(StrEnum):
    """What can disagree."""

    BALANCE = "balance"
    CURRENCY = "currency"
    TRANSFER = "transfer"
    POSTING = "posting"
    OPENING = "opening"
    BOOK = "book"
    IMPORT = "import"
    QUOTE_TOTAL = "quote total"
    PLAN_TOTAL = "plan total"
    PLAN_ITEM = "plan item"
    PAID = "paid"
    WAIVER = "waiver"
    REFUNDED = "refunded"
    EFFECT = "money effect"
    PAYMENT = "payment"
    PAYMENT_PART = "payment part"
    CREDIT_USE = "use of credit"
    CHARGE = "charge"
    POINTS = "points"
    HOLD = "hold"
    REFUND = "refund"
    DISPUTE = "dispute"
    SUSPENSE = "suspense"
    RECONCILIATION = "reconciliation"
    PAYOUT = "payout"
    BANK_ENTRY = "bank entry"
    EVIDENCE = "evidence"
    LOG = "log"
    STAMP = "time stamp"
    LETTER = "letter"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One thing that is kept as one value and counted as another; amounts are in whole minor units."""

    kind: Kind
    lender: str
    what: str
    kept: str
    counted: str

    def line(self) -> str:
        """Give it as a line of text."""
        return f"{self.kind.value}: {self.lender}: {self.what}: kept {self.kept}, counted {self.counted}"


@dataclass(frozen=True, slots=True)
class LeftOver:
    """Debts that a file brought which is not in the books: still being read, or left by a run that died."""

    lender: str
    file: str
    debts: int
    state: str


@dataclass(frozen=True, slots=True)
class AddedUp:
    """How much was added up for one lender; `owed` and `credit` by currency are counted from the transfers."""

    lender: str
    books: int
    postings: int
    transfers: int
    plans: int
    payments: int
    points: int
    records: int
    owed: tuple[Money, ...]
    credit: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What was added up, what does not agree, and what was left over by files that never became live."""

    added_up: tuple[AddedUp, ...]
    disagreements: tuple[Disagreement, ...]
    left_over: tuple[LeftOver, ...]
    not_named: int = 0
    remarks: tuple[str, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """Give the result as lines of text: what was added up, then "agrees" or where it does not."""
        found = [_added_up_line(each) for each in self.added_up]
        found += [
            f"left over: {each.lender}: {each.debts} debts of {each.file} ({each.state}) are staged; nobody sees them"
            for each in self.left_over
        ]
        found += self.remarks
        found += [each.line() for each in self.disagreements]
        if self.not_named:
            found.append(f"and {self.not_named} more that are not named here")
        count = len(self.disagreements) + self.not_named
        found.append(f"does not agree: {count} differences" if count else "agrees")
        return tuple(found)


def run(*, lender_id: uuid.UUID | None = None, authorities: str | None = None) -> Checked:
    """Add up the books of one lender, or of all, as they stood at one moment, whoever writes meanwhile.

    `authorities` are the certificates (PEM) of the time stamp authorities that are trusted; without them a stamp must
    only fit what it stamps.
    """
    bound = session.get_bind()
    if isinstance(bound, Engine) and bound.dialect.name == "postgresql":
        # Otherwise each query would see a later moment than the one before; SQLite's see one as they are.
        session.rollback()
        session.execute(text("set transaction isolation level repeatable read, read only"))
    lenders = session.execute(text("select id, slug from lender order by slug").columns(id=Uuid)).all()
    found: list[Disagreement] = []
    added_up: list[AddedUp] = []
    left_over: list[LeftOver] = []
    remarks: list[str] = []
    not_named = 0
    for lender in lenders:
        if lender_id is not None and lender.id != lender_id:
            continue
        for kind, query in _CHECKS:
            more = 0
            for row in _rows(query, lender.id):
                if more < MOST_NAMED:
                    found.append(Disagreement(kind, lender.slug, row.what, _shown(row.kept), _shown(row.counted)))
                more += 1
            not_named += max(more - MOST_NAMED, 0)
        added_up.append(_added_up(lender.id, lender.slug))
        left_over += [
            LeftOver(lender.slug, row.file_name, row.debts, row.state) for row in _rows(_LEFT_OVER, lender.id)
        ]
        looked, erased = letters_audit.Looked(), Erased()
        wrongs = chain(
            _wrong_records(lender.id, lender.slug, erased),
            _of(Kind.LOG, lender.slug, audit.wrong(lender.id)),
            _of(Kind.STAMP, lender.slug, letters_audit.wrong_stamps(lender.id, looked, authorities=authorities)),
            _of(Kind.LETTER, lender.slug, letters_audit.wrong_letters(lender.id, looked, authorities=authorities)),
        )
        for number, wrong in enumerate(wrongs):
            if number < MOST_NAMED:
                found.append(wrong)
            else:
                not_named += 1
        remarks += _remarks(lender, looked, erased)
    return Checked(tuple(added_up), tuple(found), tuple(left_over), not_named, tuple(remarks))


def disagreements(lender_id: uuid.UUID | None = None) -> tuple[Disagreement, ...]:
    """Give only what does not agree."""
    return run(lender_id=lender_id).disagreements


def _rows(query: TextClause, lender_id: uuid.UUID) -> Sequence[Any]:
    values: dict[str, Any] = {"lender": lender_id}
    if query is _WAIVERS:
        # The day has come somewhere, or not yet everywhere.
        values["yesterday"] = clock.today("UTC") - timedelta(days=1)
        query = query.bindparams(bindparam("yesterday", type_=Date))
    return session.execute(query.bindparams(bindparam("lender", type_=Uuid)), values).all()


def _shown(value: object) -> str:
    # PostgreSQL adds whole numbers up to a decimal.
    return str(int(value)) if isinstance(value, Decimal) else str(value)


def _added_up(lender_id: uuid.UUID, slug: str) -> AddedUp:
    counts = _rows(_COUNTS, lender_id)[0]
    owed, credit = [], []
    for row in _rows(_BY_CURRENCY, lender_id):
        if row.currency in EXPONENTS:
            owed.append(Money(int(row.owed), row.currency))
            credit.append(Money(int(row.credit), row.currency))
    return AddedUp(
        lender=slug,
        books=counts.books,
        postings=counts.postings,
        transfers=counts.transfers,
        plans=counts.plans,
        payments=counts.payments,
        points=counts.points,
        records=counts.records,
        owed=tuple(owed),
        credit=tuple(credit),
    )


def _added_up_line(each: AddedUp) -> str:
    owed = ", ".join(f"{amount} owed" for amount in each.owed) or "nothing owed"
    credit = "".join(f", {amount} in credit" for amount in each.credit if amount)
    return (
        f"added up: {each.lender}: {each.books} books, {each.postings} postings, {each.transfers} transfers, "
        f"{each.plans} plans, {each.payments} payments, {each.points} points entries, {each.records} records: "
        f"{owed}{credit}"
    )


def _of(kind: Kind, slug: str, wrong: Iterator[audit.Wrong]) -> Iterator[Disagreement]:
    """Give what others found as disagreements of one kind."""
    for each in wrong:
        yield Disagreement(kind, slug, each.what, each.kept, each.counted)


@dataclass(slots=True)
class Erased:
    """How many records were erased, and those of them of which no later record says so."""

    count: int = 0
    unsaid: set[uuid.UUID] = field(default_factory=set)


def _wrong_records(lender_id: uuid.UUID, slug: str, erased: Erased) -> Iterator[Disagreement]:
    """Recompute the hash of every record, and hold its columns against the text that was hashed.

    Of one that was erased only the hash is left: a later record must name it. Its place in the log is checked with
    those of all others.
    """
    query = _RECORDS.bindparams(bindparam("lender", type_=Uuid)).columns(id=Uuid, debtor_id=Uuid, debt_id=Uuid)
    rows = session.execute(query, {"lender": lender_id}, execution_options={"yield_per": _RECORDS_A_TIME})
    for row in rows:
        if not row.entry and not row.salt:
            erased.count += 1
            erased.unsaid.add(row.id)
            continue
        try:
            counted = leaf(entry=row.entry, salt=row.salt)
        except ValueError:
            counted = "a salt that is not hexadecimal"
        if counted != row.hash:
            yield Disagreement(Kind.EVIDENCE, slug, f"hash of record {row.id} ({row.act})", row.hash, counted)
            continue
        said = json.loads(row.entry)
        columns = {
            "act": row.act,
            "by": {"kind": row.actor_kind, "id": row.actor_id},
            "debt": row.debt_id and str(row.debt_id),
            "debtor": row.debtor_id and str(row.debtor_id),
            "id": str(row.id),
            "lender": str(lender_id),
        }
        for name, kept in columns.items():
            if said.get(name) != kept:
                yield Disagreement(Kind.EVIDENCE, slug, f"{name} of record {row.id}", str(kept), str(said.get(name)))
        if said["act"] == Act.RECORDS_ERASED:
            erased.unsaid.difference_update(map(uuid.UUID, said["facts"]["records"]))
    for id_ in sorted(erased.unsaid):
        yield Disagreement(Kind.EVIDENCE, slug, f"record {id_}", "erased", "no record says so")


def _remarks(lender: Any, looked: letters_audit.Looked, erased: Erased) -> Iterator[str]:
    """Say what was looked at and can't be counted twice, and what is no mistake and worth knowing."""
    if erased.count:
        yield f"erased: {lender.slug}: {erased.count} records have only their hash left, which stands in the log"
    if looked.letters:
        yield f"letters: {lender.slug}: {looked.letters} hashed, the seals of the newest {looked.seals} opened"
    signed = log.newest(lender.id)
    if looked.stamp is not None:
        size, at, authority = looked.stamp
        yield f"time stamps: {lender.slug}: {looked.stamps}, the newest over {size} records, at {at}, by {authority}"
    elif signed is not None:
        yield f"time stamps: {lender.slug}: nobody outside has stamped the log yet"
    if log.stamp_is_late(lender.id):
        yield f"time stamps: {lender.slug}: one is late; the authority (TSA_URL) is asked again"


# ---------------------------------------------------------------------------------------------------------------------
# The queries, each for one lender. A row is one disagreement: what, kept, counted. They run on SQLite and PostgreSQL.

_BALANCES = text("""
with moved as (
    select book_id,
        sum(case when to_account = 'principal' then amount_minor else 0 end
            - case when from_account = 'principal' then amount_minor else 0 end) as principal,
        sum(case when to_account = 'interest' then amount_minor else 0 end
            - case when from_account = 'interest' then amount_minor else 0 end) as interest,
        sum(case when to_account = 'penalty' then amount_minor else 0 end
            - case when from_account = 'penalty' then amount_minor else 0 end) as penalty,
        sum(case when to_account = 'fees' then amount_minor else 0 end
            - case when from_account = 'fees' then amount_minor else 0 end) as fees,
        sum(case when to_account = 'costs' then amount_minor else 0 end
            - case when from_account = 'costs' then amount_minor else 0 end) as costs,
        -- Credit is the debtor's money, so it grows where money leaves this account for the cash.
        sum(case when from_account = 'credit' then amount_minor else 0 end
            - case when to_account = 'credit' then amount_minor else 0 end) as credit
    from transfer
    where lender_id = :lender and book_id is not null
    group by book_id
), beside as (
    select b.id, b.principal_minor, b.interest_minor, b.penalty_minor, b.fees_minor, b.costs_minor, b.credit_minor,
        coalesce(m.principal, 0) as principal, coalesce(m.interest, 0) as interest,
        coalesce(m.penalty, 0) as penalty, coalesce(m.fees, 0) as fees,
        coalesce(m.costs, 0) as costs, coalesce(m.credit, 0) as credit
    from book b left join moved m on m.book_id = b.id
    where b.lender_id = :lender
), wrong as (
    select * from beside
    where principal_minor <> principal or interest_minor <> interest or penalty_minor <> penalty
        or fees_minor <> fees or costs_minor <> costs or credit_minor <> credit
), named as (
    select id, 'principal' as account, principal_minor as kept, principal as counted from wrong
    union all select id, 'interest', interest_minor, interest from wrong
    union all select id, 'penalty', penalty_minor, penalty from wrong
    union all select id, 'fees', fees_minor, fees from wrong
    union all select id, 'costs', costs_minor, costs from wrong
    union all select id, 'credit', credit_minor, credit from wrong
)
select n.account || ' of debt ' || coalesce(d.reference, cast(n.id as text)) as what, n.kept, n.counted
from named n left join debt d on d.lender_id = :lender and d.id = n.id
where n.kept <> n.counted
order by what
""")

_CURRENCIES = text("""
select 'transfer ' || cast(t.id as text) || ' of debt ' || coalesce(d.reference, cast(b.id as text)) as what,
    t.currency as kept, b.currency as counted
from transfer t
join book b on b.lender_id = t.lender_id and b.id = t.book_id
left join debt d on d.lender_id = b.lender_id and d.id = b.id
where t.lender_id = :lender and t.currency <> b.currency
union all
select 'debt ' || d.reference, d.currency, b.currency
from debt d join book b on b.lender_id = d.lender_id and b.id = d.id
where d.lender_id = :lender and d.currency <> b.currency
union all
select 'plan ' || p.reference, p.currency, b.currency
from plan p join book b on b.lender_id = p.lender_id and b.id = p.debt_id
where p.lender_id = :lender and p.currency <> b.currency
union all
select 'plan ' || p.reference || ' item ' || cast(i.seq as text), i.currency, p.currency
from plan_item i join plan p on p.lender_id = i.lender_id and p.id = i.plan_id
where i.lender_id = :lender and i.currency <> p.currency
union all
select 'payment ' || p.reference, p.currency, b.currency
from payment p join book b on b.lender_id = p.lender_id and b.id = p.debt_id
where p.lender_id = :lender and p.currency <> b.currency
union all
select 'part ' || cast(a.place as text) || ' of payment ' || p.reference, a.currency, b.currency
from payment_part a
join payment p on p.lender_id = a.lender_id and p.id = a.payment_id
join book b on b.lender_id = a.lender_id and b.id = a.debt_id
where a.lender_id = :lender and a.currency <> b.currency
""")

_TRANSFERS = text("""
with seen as (
    select t.*,
        case when from_account in ('principal', 'interest', 'penalty', 'fees', 'costs', 'credit') then 1 else 0 end
        + case when to_account in ('principal', 'interest', 'penalty', 'fees', 'costs', 'credit') then 1 else 0 end
            as of_a_debt,
        case when from_account in ('principal', 'interest', 'penalty', 'fees', 'costs', 'credit', 'opening',
            'adjustment', 'accrual', 'cash:stripe', 'cash:lender', 'waiver', 'write_off', 'suspense', 'set_off',
            'processing_fees', 'dispute_fees', 'exchange', 'paid_out') then 1 else 0 end
        + case when to_account in ('principal', 'interest', 'penalty', 'fees', 'costs', 'credit', 'opening',
            'adjustment', 'accrual', 'cash:stripe', 'cash:lender', 'waiver', 'write_off', 'suspense', 'set_off',
            'processing_fees', 'dispute_fees', 'exchange', 'paid_out') then 1 else 0 end
            as known
    from transfer t
    where lender_id = :lender
)
select 'transfer ' || cast(id as text) || ' from ' || from_account || ' to ' || to_account as what,
    case when amount_minor <= 0 or from_account = to_account then cast(amount_minor as text)
        when book_id is null then 'no debt' else 'a debt' end as kept,
    case when amount_minor <= 0 or from_account = to_account then 'a positive amount between two accounts'
        when known < 2 then 'an account that is not known'
        when book_id is null then 'an account of a debt' else 'no account of a debt' end as counted
from seen
where amount_minor <= 0 or from_account = to_account or known < 2
    or (book_id is null and of_a_debt > 0) or (book_id is not null and of_a_debt = 0)
""")

_POSTINGS = text("""
select 'posting ' || p.kind || ' (' || p.cause || ')' as what, 'a posting' as kept, 'no transfers' as counted
from posting p
where p.lender_id = :lender
    and not exists (select 1 from transfer t where t.lender_id = p.lender_id and t.posting_id = p.id)
union all
select 'transfer ' || cast(t.id as text), 'a transfer', 'no posting'
from transfer t
where t.lender_id = :lender
    and not exists (select 1 from posting p where p.lender_id = t.lender_id and p.id = t.posting_id)
""")

_OPENINGS = text("""
with opened as (
    select t.book_id, count(distinct p.id) as openings
    from posting p join transfer t on t.lender_id = p.lender_id and t.posting_id = p.id and t.from_account = 'opening'
    where p.lender_id = :lender and p.kind = 'opening'
    group by t.book_id
)
select 'openings of debt ' || coalesce(d.reference, cast(b.id as text)) as what, 1 as kept,
    coalesce(o.openings, 0) as counted
from book b
left join debt d on d.lender_id = b.lender_id and d.id = b.id
left join opened o on o.book_id = b.id
where b.lender_id = :lender and coalesce(o.openings, 0) <> 1
""")

_BOOKS = text("""
select 'debt ' || d.reference as what, 'a debt' as kept, 'no book' as counted
from debt d
where d.lender_id = :lender and not exists (select 1 from book b where b.lender_id = d.lender_id and b.id = d.id)
union all
select 'book ' || cast(b.id as text), 'a book', 'no debt'
from book b
where b.lender_id = :lender and not exists (select 1 from debt d where d.lender_id = b.lender_id and d.id = b.id)
""")

_IMPORTS = text("""
select 'rows read of ' || r.file_name as what, r.rows_read as kept, r.accepted + r.nothing_owed + r.refused as counted
from import_run r
where r.lender_id = :lender and r.state <> 'staging' and r.rows_read <> r.accepted + r.nothing_owed + r.refused
union all
select 'accepted rows of ' || r.file_name, r.accepted, r.added + r.changed + r.unchanged
from import_run r
where r.lender_id = :lender and r.state = 'live' and r.accepted <> r.added + r.changed + r.unchanged
union all
select 'debts added by ' || r.file_name, r.added, count(d.id)
from import_run r
left join debt d on d.lender_id = r.lender_id and d.import_run_id = r.id and d.state <> 'staged'
where r.lender_id = :lender and r.state = 'live'
group by r.id, r.file_name, r.added
having r.added <> count(d.id)
""")

_QUOTE_TOTALS = text("""
select 'quote ' || number as what, total_minor as kept,
    owed_minor - waive_minor - left_minor + interest_minor as counted
from quote
where lender_id = :lender and total_minor <> owed_minor - waive_minor - left_minor + interest_minor
""")

_PLAN_TOTALS = text("""
with changed as (
    select plan_id, sum(cost_minor) as cost from plan_change
    where lender_id = :lender and undone_at is null group by plan_id
)
select 'plan ' || p.reference as what, p.total_minor as kept, coalesce(sum(i.amount_minor), 0) as counted
from plan p left join plan_item i on i.lender_id = p.lender_id and i.plan_id = p.id
where p.lender_id = :lender
group by p.id, p.reference, p.total_minor
having p.total_minor <> coalesce(sum(i.amount_minor), 0)
union all
select 'plan ' || p.reference || ' against its quote ' || q.number, p.total_minor,
    q.total_minor + coalesce(c.cost, 0)
from plan p join quote q on q.lender_id = p.lender_id and q.id = p.quote_id
left join changed c on c.plan_id = p.id
where p.lender_id = :lender and p.total_minor <> q.total_minor + coalesce(c.cost, 0)
union all
select 'interest of plan ' || p.reference || ' against its quote ' || q.number, sum(i.interest_minor),
    q.interest_minor + coalesce(max(c.cost), 0)
from plan p
join plan_item i on i.lender_id = p.lender_id and i.plan_id = p.id
join quote q on q.lender_id = p.lender_id and q.id = p.quote_id
left join changed c on c.plan_id = p.id
where p.lender_id = :lender
group by p.id, p.reference, q.number, q.interest_minor
having sum(i.interest_minor) <> q.interest_minor + coalesce(max(c.cost), 0)
union all
select 'changes of plan ' || p.reference, p.changes, count(c.id) + count(c.undone_at)
from plan p left join plan_change c on c.lender_id = p.lender_id and c.plan_id = p.id
where p.lender_id = :lender
group by p.id, p.reference, p.changes
having p.changes <> count(c.id) + count(c.undone_at)
""")

_PLAN_ITEMS = text("""
select 'plan ' || p.reference || ' item ' || cast(i.seq as text) as what,
    i.amount_minor as kept, i.principal_minor + i.interest_minor as counted
from plan_item i join plan p on p.lender_id = i.lender_id and p.id = i.plan_id
where i.lender_id = :lender and i.amount_minor <> i.principal_minor + i.interest_minor
""")

# What a plan lets off stands in one posting an item, from the day on which the item is paid and no bank can take that
# back by itself, and as long as it is. Less than was promised is let off only where the debt had no more at that time;
# a file may have brought more since.
_WAIVERS = text("""
with nothing_left as (
    select debt, posting_id from (
        select cast(t.book_id as varchar(36)) as debt, t.posting_id,
            sum(case when t.to_account in ('principal', 'interest', 'penalty', 'fees', 'costs') then t.amount_minor
                else 0 end
                - case when t.from_account in ('principal', 'interest', 'penalty', 'fees', 'costs') then t.amount_minor
                else 0 end) over (partition by t.book_id order by t.posting_id) as owed
        from transfer t
        where t.lender_id = :lender and t.book_id in (
            select p.debt_id from plan p join plan_item i on i.lender_id = p.lender_id and i.plan_id = p.id
            where p.lender_id = :lender and i.waive_minor <> 0)
    ) over_time where owed = 0
), let_off as (
    select p.id, p.cause, p.kind,
        coalesce(sum(case when t.to_account = 'waiver' then t.amount_minor
            when t.from_account = 'waiver' then -t.amount_minor else 0 end), 0) as amount,
        count(distinct t.book_id) as debts, min(cast(t.book_id as varchar(36))) as debt
    from posting p join transfer t on t.lender_id = p.lender_id and t.posting_id = p.id
    where p.lender_id = :lender and p.kind in ('waiver', 'waiver_undone')
    group by p.id, p.cause, p.kind
), items as (
    select i.seq, i.amount_minor, i.paid_minor, i.waive_minor, i.waiver_posting_id, p.reference, p.state,
        p.id as plan_id, cast(p.debt_id as varchar(36)) as debt,
        b.principal_minor + b.interest_minor + b.penalty_minor + b.fees_minor + b.costs_minor as owed
    from plan_item i
    join plan p on p.lender_id = i.lender_id and p.id = i.plan_id
    join book b on b.lender_id = p.lender_id and b.id = p.debt_id
    where i.lender_id = :lender and (i.waive_minor <> 0 or i.waiver_posting_id is not null)
)
select 'let off by plan ' || i.reference || ' item ' || cast(i.seq as text) as what,
    cast(i.waive_minor as text) as kept, cast(l.amount as text) as counted
from items i join let_off l on l.id = i.waiver_posting_id
where l.kind <> 'waiver' or l.debts <> 1 or l.debt <> i.debt or l.amount <= 0 or l.amount > i.waive_minor
    or (l.amount < i.waive_minor
        and not exists (select 1 from nothing_left n where n.debt = i.debt and n.posting_id = l.id))
union all
select 'let off by plan ' || i.reference || ' item ' || cast(i.seq as text), cast(i.waive_minor as text), 'nothing'
from items i left join let_off l on l.id = i.waiver_posting_id
where l.id is null and (i.waiver_posting_id is not null
    or (i.owed > 0 and (i.paid_minor >= i.amount_minor or i.state = 'completed')
        and i.state in ('agreed', 'active', 'grace', 'at_risk', 'broken', 'paused', 'completed')
        and not exists (select 1 from payment_part r
            join payment y on y.lender_id = r.lender_id and y.id = r.payment_id
            where r.lender_id = :lender and r.plan_id = i.plan_id and y.returns_end_on >= :yesterday)
        and not exists (select 1 from nothing_left n where n.debt = i.debt and n.posting_id > i.plan_id)))
union all
select 'let off by plan ' || i.reference || ' item ' || cast(i.seq as text), 'not paid yet', 'let off'
from items i
where i.waiver_posting_id is not null and i.paid_minor < i.amount_minor and i.state <> 'completed'
union all
select 'posting ' || l.kind || ' (' || l.cause || ')', 'no item of a plan', cast(l.amount as text)
from let_off l
where l.kind = 'waiver' and l.cause like 'waiver:%:%'
    and not exists (select 1 from plan_item i where i.lender_id = :lender and i.waiver_posting_id = l.id)
    and not exists (select 1 from posting u
        where u.lender_id = :lender and u.corrects_id = l.id and u.kind = 'waiver_undone')
union all
select 'promised by plan ' || p.reference || ' against its quote ' || q.number,
    cast(p.waive_minor as text), cast(q.waive_minor as text)
from plan p join quote q on q.lender_id = p.lender_id and q.id = p.quote_id
where p.lender_id = :lender and p.waive_minor <> q.waive_minor
union all
select 'promised by plan ' || p.reference, cast(p.waive_minor as text), cast(coalesce(sum(i.waive_minor), 0) as text)
from plan p left join plan_item i on i.lender_id = p.lender_id and i.plan_id = p.id
where p.lender_id = :lender
group by p.id, p.reference, p.waive_minor
having p.waive_minor <> coalesce(sum(i.waive_minor), 0)
""")

# All money that cleared for a plan, or was credit and used for it, fills its items in their order, and never more than
# an item is.
_PAID = text("""
with came as (
    select a.plan_id, sum(case when t.to_account in ('cash:stripe', 'cash:lender') then t.amount_minor
        when t.from_account in ('cash:stripe', 'cash:lender') then -t.amount_minor else 0 end) as came
    from payment_part a
    join money_effect e on e.lender_id = a.lender_id and e.payment_id = a.payment_id and e.outcome = 'posted'
    join transfer t on t.lender_id = e.lender_id and t.posting_id = e.posting_id and t.book_id = a.debt_id
    where a.lender_id = :lender and a.plan_id is not null
    group by a.plan_id
    union all
    select u.plan_id, sum(t.amount_minor)
    from credit_use u
    join transfer t on t.lender_id = u.lender_id and t.posting_id = u.posting_id and t.book_id = u.to_debt_id
        and t.from_account in ('principal', 'interest', 'penalty', 'fees', 'costs')
    where u.lender_id = :lender and u.plan_id is not null and u.undone_at is null
    group by u.plan_id
), cleared as (
    select plan_id, sum(came) as came from came group by plan_id
), laid as (
    select i.plan_id, i.seq, i.amount_minor, i.paid_minor,
        coalesce(c.came, 0) - (sum(i.amount_minor) over (partition by i.plan_id order by i.seq) - i.amount_minor)
            as reaches
    from plan_item i left join cleared c on c.plan_id = i.plan_id
    where i.lender_id = :lender
), counted as (
    select l.*, case when reaches <= 0 then 0 when reaches >= amount_minor then amount_minor else reaches end as counted
    from laid l
)
select 'plan ' || p.reference || ' item ' || cast(c.seq as text) as what, c.paid_minor as kept, c.counted
from counted c join plan p on p.lender_id = :lender and p.id = c.plan_id
where c.paid_minor <> c.counted
order by p.reference, c.seq
""")

# What stands as used came off the credit of its one debt and off what was owed on its other, as much on each; what was
# undone is there again on both; and nothing ever stays where the two meet.
_CREDIT_USES = text("""
with moved as (
    select p.id, p.kind, p.cause, p.corrects_id,
        sum(case when t.to_account = 'set_off' then t.amount_minor when t.from_account = 'set_off' then -t.amount_minor
            else 0 end) as stays
    from posting p join transfer t on t.lender_id = p.lender_id and t.posting_id = p.id
    where p.lender_id = :lender and (p.kind in ('set_off', 'set_off_undone')
        or t.from_account = 'set_off' or t.to_account = 'set_off')
    group by p.id, p.kind, p.cause, p.corrects_id
), uses as (
    select u.id, u.amount_minor, u.posting_id, u.undone_posting_id, u.currency, f.currency as from_currency,
        b.currency as to_currency,
        (select coalesce(sum(t.amount_minor), 0) from transfer t where t.lender_id = :lender
            and t.posting_id = u.posting_id and t.book_id = u.from_debt_id and t.to_account = 'credit') as off_credit,
        (select coalesce(sum(t.amount_minor), 0) from transfer t where t.lender_id = :lender
            and t.posting_id = u.posting_id and t.book_id = u.to_debt_id
            and t.from_account in ('principal', 'interest', 'penalty', 'fees', 'costs')) as off_owed,
        (select coalesce(sum(t.amount_minor), 0) from transfer t where t.lender_id = :lender
            and t.posting_id = u.undone_posting_id and t.book_id = u.from_debt_id
            and t.from_account = 'credit') as credit_again,
        (select coalesce(sum(t.amount_minor), 0) from transfer t where t.lender_id = :lender
            and t.posting_id = u.undone_posting_id and t.book_id = u.to_debt_id
            and t.to_account in ('principal', 'interest', 'penalty', 'fees', 'costs')) as owed_again
    from credit_use u
    join book f on f.lender_id = u.lender_id and f.id = u.from_debt_id
    join book b on b.lender_id = u.lender_id and b.id = u.to_debt_id
    where u.lender_id = :lender
)
select 'set-off of posting ' || kind || ' (' || cause || ')' as what, '0' as kept, cast(stays as text) as counted
from moved where stays <> 0
union all
select 'posting ' || m.kind || ' (' || m.cause || ')', 'a use of credit', 'none'
from moved m
where not exists (select 1 from credit_use u where u.lender_id = :lender
    and (u.posting_id = m.id or (u.undone_posting_id = m.id and u.posting_id = m.corrects_id)))
union all
select 'credit of use ' || cast(id as text), cast(amount_minor as text), cast(off_credit as text)
from uses where off_credit <> amount_minor
union all
select 'what use ' || cast(id as text) || ' paid', cast(amount_minor as text), cast(off_owed as text)
from uses where off_owed <> amount_minor
union all
select 'what is there again of use ' || cast(id as text), cast(amount_minor as text),
    cast(credit_again as text) || ' and ' || cast(owed_again as text)
from uses where undone_posting_id is not null and (credit_again <> amount_minor or owed_again <> amount_minor)
union all
select 'currency of use ' || cast(id as text), currency, from_currency || ' and ' || to_currency
from uses where currency <> from_currency or currency <> to_currency
union all
select 'debts of use ' || cast(u.id as text), 'one person''s', 'another person''s'
from credit_use u
join debt f on f.lender_id = u.lender_id and f.id = u.from_debt_id
join debt b on b.lender_id = u.lender_id and b.id = u.to_debt_id
where u.lender_id = :lender and (f.debtor_id <> u.debtor_id or b.debtor_id <> u.debtor_id)
""")

# A refund that failed after it was confirmed is an effect above zero, and never without the refund that it takes back.
_REFUNDED = text("""
select 'payment ' || p.reference as what, p.refunded_minor as kept, coalesce(sum(-e.amount_minor), 0) as counted
from payment p
left join money_effect e on e.lender_id = p.lender_id and e.payment_id = p.id and e.outcome in ('posted', 'set_aside')
    and (e.amount_minor < 0 or e.key like '%refund_failed' or e.key like '%reinstated%')
where p.lender_id = :lender
group by p.id, p.reference, p.refunded_minor, p.amount_minor
having p.refunded_minor <> case when coalesce(sum(-e.amount_minor), 0) > p.amount_minor then p.amount_minor
    else coalesce(sum(-e.amount_minor), 0) end
union all
select 'effect ' || f.key, f.amount_minor, coalesce(-r.amount_minor, 0)
from money_effect f
left join money_effect r on r.lender_id = f.lender_id and r.payment_id = f.payment_id
    and f.key = r.key || '_failed'
where f.lender_id = :lender and f.key like '%refund_failed' and f.amount_minor <> coalesce(-r.amount_minor, 0)
""")

_EFFECTS = text("""
with cash as (
    select posting_id, min(currency) as currency,
        sum(case when to_account in ('cash:stripe', 'cash:lender') then amount_minor else -amount_minor end) as came
    from transfer
    where lender_id = :lender and (to_account like 'cash:%' or from_account like 'cash:%')
    group by posting_id
)
select 'effect ' || e.key as what, cast(e.amount_minor as text) as kept, cast(coalesce(c.came, 0) as text) as counted
from money_effect e left join cash c on c.posting_id = e.posting_id
where e.lender_id = :lender and e.outcome in ('posted', 'set_aside') and e.amount_minor <> coalesce(c.came, 0)
union all
-- What goes back of money that was set aside never counted for a plan, so it may not be taken from one.
select 'outcome of effect ' || r.key, r.outcome, e.outcome
from money_effect r
join money_effect e on e.lender_id = r.lender_id and e.payment_id = r.payment_id and e.amount_minor > 0
where r.lender_id = :lender and r.amount_minor < 0 and r.outcome <> e.outcome
union all
select 'posting ' || p.kind || ' (' || p.cause || ')', '0', cast(c.came as text)
from cash c join posting p on p.lender_id = :lender and p.id = c.posting_id
where p.kind not in ('stripe_fee', 'stripe_exchange', 'payout', 'payout_back')
    and not exists (select 1 from money_effect e where e.lender_id = :lender and e.posting_id = c.posting_id)
""")

_EFFECT_CURRENCIES = text("""
select distinct 'effect ' || e.key as what, e.currency as kept, t.currency as counted
from money_effect e join transfer t on t.lender_id = e.lender_id and t.posting_id = e.posting_id
where e.lender_id = :lender and e.currency <> t.currency
""")

_PAYMENTS = text("""
with effects as (
    select payment_id, sum(case when amount_minor > 0 then amount_minor else 0 end) as came,
        sum(case when amount_minor > 0 and outcome <> 'posted' then 1 else 0 end) as set_aside
    from money_effect
    where lender_id = :lender and payment_id is not null
        and key not like '%refund_failed' and key not like '%reinstated%'
    group by payment_id
), beside as (
    select p.reference, p.state, p.amount_minor, p.refunded_minor,
        coalesce(e.came, 0) as came, coalesce(e.set_aside, 0) as set_aside,
        case when p.state in ('succeeded', 'partly_refunded', 'refunded', 'disputed') then 1 else 0 end as done
    from payment p left join effects e on e.payment_id = p.id
    where p.lender_id = :lender
)
select 'payment ' || reference as what, state as kept, cast(came as text) as counted
from beside
where (done = 1 and came = 0) or (done = 0 and came > 0)
union all
select 'payment ' || reference, cast(amount_minor as text), cast(came as text)
from beside
where done = 1 and came > 0 and set_aside = 0 and came <> amount_minor
union all
select 'state of payment ' || reference, state,
    case when refunded_minor >= amount_minor then 'refunded' when refunded_minor > 0 then 'partly_refunded'
        else 'succeeded' end
from beside
where done = 1 and set_aside = 0 and state <> 'disputed'
    and state <> case when refunded_minor >= amount_minor then 'refunded' when refunded_minor > 0
        then 'partly_refunded' else 'succeeded' end
""")

# What a payment is for, debt by debt, is the payment; what came is on those debts, and as much on each as was meant for
# it; and what is still there after refunds is neither below zero nor above what was meant.
_PAYMENT_PARTS = text("""
with parts as (
    select payment_id, sum(amount_minor) as meant, count(*) as debts
    from payment_part where lender_id = :lender group by payment_id
), came as (
    select e.payment_id, t.book_id, min(e.key) as key,
        sum(case when t.to_account in ('cash:stripe', 'cash:lender') and e.key like '%payment' then t.amount_minor
            else 0 end) as came,
        sum(case when t.to_account in ('cash:stripe', 'cash:lender') then t.amount_minor
            when t.from_account in ('cash:stripe', 'cash:lender') then -t.amount_minor else 0 end) as still
    from money_effect e
    join transfer t on t.lender_id = e.lender_id and t.posting_id = e.posting_id
    where e.lender_id = :lender and e.outcome = 'posted' and t.book_id is not null
    group by e.payment_id, t.book_id
)
select 'parts of payment ' || p.reference as what, cast(p.amount_minor as text) as kept,
    cast(coalesce(a.meant, 0) as text) as counted
from payment p left join parts a on a.payment_id = p.id
left join money_effect s on s.lender_id = p.lender_id and s.payment_id = p.id and s.outcome = 'set_aside'
    and s.amount_minor > 0 and s.key like '%payment'
where p.lender_id = :lender and p.amount_minor <> coalesce(a.meant, 0) and s.id is null
union all
select 'part ' || cast(a.place as text) || ' of payment ' || p.reference, cast(a.amount_minor as text),
    cast(coalesce(c.came, 0) as text)
from payment_part a
join payment p on p.lender_id = a.lender_id and p.id = a.payment_id
join money_effect e on e.lender_id = a.lender_id and e.payment_id = a.payment_id and e.outcome = 'posted'
    and e.key like '%payment'
left join came c on c.payment_id = a.payment_id and c.book_id = a.debt_id
where a.lender_id = :lender and a.amount_minor <> coalesce(c.came, 0)
union all
select 'what is still there of part ' || cast(a.place as text) || ' of payment ' || p.reference,
    cast(a.amount_minor as text), cast(c.still as text)
from payment_part a
join payment p on p.lender_id = a.lender_id and p.id = a.payment_id
join came c on c.payment_id = a.payment_id and c.book_id = a.debt_id
where a.lender_id = :lender and (c.still < 0 or c.still > a.amount_minor)
union all
select 'payment ' || p.reference, 'no part for a debt', cast(c.came as text)
from came c join payment p on p.lender_id = :lender and p.id = c.payment_id
where not exists (select 1 from payment_part a
    where a.lender_id = :lender and a.payment_id = c.payment_id and a.debt_id = c.book_id)
union all
select 'plan of part ' || cast(a.place as text) || ' of payment ' || p.reference, 'a plan of its debt', l.reference
from payment_part a
join payment p on p.lender_id = a.lender_id and p.id = a.payment_id
join plan l on l.lender_id = a.lender_id and l.id = a.plan_id
where a.lender_id = :lender and l.debt_id <> a.debt_id
""")

# An item that was kept, given back and kept again earns again, under the cause of its next turn: `cause#2`. Of all its
# turns one at most stands, and one does if it is kept.
_POINTS = text("""
with items as (
    select 'kept_instalment:' || p.reference || ':' || cast(i.seq as text) as cause, p.debtor_id,
        case when i.kept_at is null then 0 else 1 end as kept
    from plan_item i join plan p on p.lender_id = i.lender_id and p.id = i.plan_id
    where i.lender_id = :lender
), given as (
    select g.id, g.cause, g.debtor_id, g.points, count(b.id) as times_back, coalesce(sum(b.points), 0) as back,
        case when g.cause like 'kept_instalment:%#%' then rtrim(rtrim(g.cause, '0123456789'), '#') else g.cause end
            as item
    from points_entry g left join points_entry b on b.lender_id = g.lender_id and b.takes_back_id = g.id
    where g.lender_id = :lender and g.takes_back_id is null
    group by g.id, g.cause, g.debtor_id, g.points
), standing as (
    select item, count(*) as turns from given where times_back = 0 group by item
)
select i.cause as what, 'kept' as kept, 'no points' as counted
from items i left join standing s on s.item = i.cause
where i.kept = 1 and s.item is null
union all
select s.item, 'points once', 'points ' || cast(s.turns as text) || ' times'
from standing s
where s.turns > 1
union all
select g.cause, cast(g.points as text), case when i.cause is null then 'no such item' else 'not kept' end
from given g left join items i on i.cause = g.item
where g.cause like 'kept_instalment:%' and g.times_back = 0 and (i.cause is null or i.kept = 0)
union all
select 'taken back of ' || g.cause, cast(g.points as text), cast(-g.back as text)
from given g
where g.times_back > 0 and g.points + g.back <> 0
union all
select g.cause, cast(g.points as text), 'somebody else''s'
from given g join items i on i.cause = g.item
where g.debtor_id <> i.debtor_id
union all
select e.cause, cast(e.points as text), case when e.takes_back_id is null then 'above zero' else 'below zero' end
from points_entry e
where e.lender_id = :lender
    and ((e.takes_back_id is null and e.points <= 0) or (e.takes_back_id is not null and e.points >= 0))
""")

# Every hold of a request ends with it, and what is disputed is held until there is an answer.
_HOLDS = text("""
select 'hold of request ' || r.number as what, 'in force' as kept, 'the request is ' || r.state as counted
from care_hold h join care_request r on r.lender_id = h.lender_id and r.id = h.request_id
where h.lender_id = :lender and h.ended_at is null
    and (r.state in ('closed', 'withdrawn') or (r.state = 'answered' and h.until is null))
union all
select 'hold of request ' || r.number, 'of another person or debt', 'the request''s own'
from care_hold h join care_request r on r.lender_id = h.lender_id and r.id = h.request_id
where h.lender_id = :lender and (r.debtor_id is null or h.debtor_id <> r.debtor_id
    or (h.debt_id is not null and (r.debt_id is null or h.debt_id <> r.debt_id)))
union all
select 'request ' || r.number, 'disputed and waiting', 'nothing is held'
from care_request r
where r.lender_id = :lender and r.kind in ('not_mine', 'wrong_amount') and r.debtor_id is not null
    and r.state in ('open', 'with_person')
    and not exists (
        select 1 from care_hold h
        where h.lender_id = r.lender_id and h.request_id = r.id and h.kind = r.kind and h.ended_at is null)
""")

# A refund of ours that is done is in the books as one effect; one that came back is out of them again.
_REFUNDS = text("""
select 'refund ' || r.number as what, r.state as kept, coalesce(
    case when f.id is not null then 'failed' when e.id is not null then 'done' end, 'not in the books') as counted
from refund r
left join money_effect e on e.lender_id = r.lender_id and e.key = 'stripe:' || r.refund_id || ':' || 'refund'
left join money_effect f on f.lender_id = r.lender_id
    and f.key = 'stripe:' || r.refund_id || ':' || 'refund_failed'
where r.lender_id = :lender and (
    (r.state = 'done' and (e.id is null or f.id is not null or e.amount_minor <> -r.amount_minor))
    or (r.state = 'failed' and e.id is not null and f.id is null)
    or (r.state not in ('done', 'failed') and e.id is not null))
""")

# What a bank has of a payment is what it took less what it gave again, and open is what it has.
_DISPUTES = text("""
with of_banks as (
    select key, amount_minor from money_effect
    where lender_id = :lender and (key like '%withdrawn%' or key like '%reinstated%')
), moved as (
    select d.id, coalesce(sum(-e.amount_minor), 0) as gone
    from dispute d left join of_banks e on e.key like 'stripe:' || d.dispute_id || ':%'
    where d.lender_id = :lender group by d.id
)
select 'dispute ' || d.dispute_id as what, cast(d.gone_minor as text) as kept, cast(m.gone as text) as counted
from dispute d join moved m on m.id = d.id
where d.lender_id = :lender and d.gone_minor <> m.gone
union all
select 'dispute ' || d.dispute_id, d.state, cast(d.gone_minor as text)
from dispute d
where d.lender_id = :lender and ((d.state in ('won', 'over', 'asked') and d.gone_minor > 0)
    or (d.state in ('open', 'lost') and d.gone_minor = 0))
""")

# All that was set aside has its row, and what stands in suspense is what waits, less what banks took twice.
_SUSPENSE = text("""
with stands as (
    select currency, sum(case when from_account = 'suspense' then amount_minor else -amount_minor end) as minor
    from transfer
    where lender_id = :lender and (from_account = 'suspense' or to_account = 'suspense')
    group by currency
), rows_ as (
    select currency, case when placed_debt_id is null then amount_minor - gone_minor
        when gone_minor > amount_minor then amount_minor - gone_minor else 0 end as minor
    from set_aside where lender_id = :lender
    union all
    select currency, sum(amount_minor)
    from money_effect
    where lender_id = :lender and outcome = 'posted' and payment_id is not null
    group by payment_id, currency having sum(amount_minor) < 0
), waits as (select currency, sum(minor) as minor from rows_ group by currency)
select 'suspense in ' || s.currency as what, cast(coalesce(w.minor, 0) as text) as kept,
    cast(s.minor as text) as counted
from stands s left join waits w on w.currency = s.currency
where s.minor <> coalesce(w.minor, 0)
union all
select 'suspense in ' || w.currency, cast(w.minor as text), '0'
from waits w where w.minor <> 0 and not exists (select 1 from stands s where s.currency = w.currency)
union all
select 'effect ' || e.key, 'set aside', 'no row'
from money_effect e
where e.lender_id = :lender and e.outcome = 'set_aside' and e.key like '%payment'
    and not exists (select 1 from set_aside a where a.lender_id = e.lender_id and a.id = e.id)
""")

_LINES = text("""
with lines as (
    select l.*, case when l.kind in ('stripe_fee', 'stripe_fx_fee', 'tax_fee') then l.fee_minor - l.settled_minor
        else l.fee_minor end as cost
    from reconciliation_line l where l.lender_id = :lender
), cash as (
    select posting_id, currency,
        sum(case when to_account = 'cash:stripe' then amount_minor else -amount_minor end) as came
    from transfer
    where lender_id = :lender and (to_account = 'cash:stripe' or from_account = 'cash:stripe')
    group by posting_id, currency
)
select 'line ' || l.key as what, cast(l.books_minor as text) || ' ' || l.currency as kept,
    coalesce(cast(e.amount_minor as text) || ' ' || e.currency, 'no effect') as counted
from lines l left join money_effect e on e.lender_id = l.lender_id and e.id = l.effect_id and e.key = l.key
where l.effect_id is not null and (e.id is null or e.amount_minor <> l.books_minor or e.currency <> l.currency)
union all
select 'line ' || l.key, l.state, 'books ' || coalesce(cast(l.books_minor as text), 'nothing') || ', Stripe '
    || coalesce(cast(l.stripe_minor as text), 'nothing')
from lines l
where l.state in ('matched', 'suspense') and (l.books_minor is null or l.stripe_minor is null
    or l.books_minor <> l.stripe_minor)
union all
select 'fee of line ' || l.key, cast(l.cost as text), cast(coalesce(-c.came, 0) as text)
from lines l left join cash c on c.posting_id = l.fee_posting_id and c.currency = l.settled_currency
where l.cost is not null and l.cost <> coalesce(-c.came, 0)
union all
select 'exchange of line ' || l.key, cast(-l.books_minor as text), cast(coalesce(c.came, 0) as text)
from lines l left join cash c on c.posting_id = l.exchange_posting_id and c.currency = l.currency
where l.state in ('matched', 'suspense') and l.settled_currency <> l.currency and -l.books_minor <> coalesce(c.came, 0)
union all
select 'posting ' || p.kind || ' (' || p.cause || ')', 'a posting', 'no line'
from posting p
where p.lender_id = :lender and p.kind in ('stripe_fee', 'stripe_exchange')
    and not exists (select 1 from lines l where l.fee_posting_id = p.id or l.exchange_posting_id = p.id)
""")

_PAYOUTS = text("""
with bank as (
    select posting_id, currency, sum(case when to_account = 'paid_out' then amount_minor else -amount_minor end) as came
    from transfer
    where lender_id = :lender and (to_account = 'paid_out' or from_account = 'paid_out')
    group by posting_id, currency
)
select 'payout ' || o.payout_id as what, cast(o.ours_minor as text) as kept,
    cast(coalesce(b.came, 0) as text) as counted
from payout o left join bank b on b.posting_id = o.posting_id and b.currency = o.currency
where o.lender_id = :lender and o.posting_id is not null and o.ours_minor <> coalesce(b.came, 0)
union all
select 'payout ' || o.payout_id || ' that came back', cast(-o.ours_minor as text), cast(coalesce(b.came, 0) as text)
from payout o left join bank b on b.posting_id = o.back_posting_id and b.currency = o.currency
where o.lender_id = :lender and o.back_posting_id is not null and -o.ours_minor <> coalesce(b.came, 0)
union all
select 'payout ' || o.payout_id, cast(o.amount_minor as text), cast(o.counted_minor as text)
from payout o
where o.lender_id = :lender and o.state = 'tied' and o.amount_minor <> o.counted_minor
union all
select 'posting ' || p.kind || ' (' || p.cause || ')', 'a posting', 'no payout'
from posting p
where p.lender_id = :lender and p.kind in ('payout', 'payout_back')
    and not exists (select 1 from payout o where o.lender_id = :lender
        and (o.posting_id = p.id or o.back_posting_id = p.id))
""")

# What came to the lender's own account is what entries of its bank say that still count, less what was sent back; and
# each entry has its payment, or its row of what waits, of as much.
_BANK_ENTRIES = text("""
with stands as (
    select currency, sum(case when to_account = 'cash:lender' then amount_minor else -amount_minor end) as minor
    from transfer
    where lender_id = :lender and (from_account = 'cash:lender' or to_account = 'cash:lender')
    group by currency
), counted as (
    select currency, amount_minor as minor
    from bank_entry
    where lender_id = :lender and outcome in ('posted', 'suspense') and undone_at is null
    union all
    select currency, -amount_minor from sending_back where lender_id = :lender and done_at is not null
), entries as (select currency, sum(minor) as minor from counted group by currency)
select 'the lender''s own account in ' || s.currency as what, cast(coalesce(e.minor, 0) as text) as kept,
    cast(s.minor as text) as counted
from stands s left join entries e on e.currency = s.currency
where s.minor <> coalesce(e.minor, 0)
union all
select 'the lender''s own account in ' || e.currency, cast(e.minor as text), '0'
from entries e where e.minor <> 0 and not exists (select 1 from stands s where s.currency = e.currency)
union all
select 'entry ' || cast(b.id as text), cast(b.amount_minor as text),
    coalesce(cast(p.amount_minor as text), 'no payment')
from bank_entry b left join payment p on p.lender_id = b.lender_id and p.id = b.id and p.debt_id = b.debt_id
    and p.currency = b.currency and (b.undone_at is null or p.refunded_minor = p.amount_minor)
where b.lender_id = :lender and b.outcome = 'posted' and b.amount_minor <> coalesce(p.amount_minor, 0)
union all
select 'entry ' || cast(b.id as text), cast(b.amount_minor as text), coalesce(cast(a.amount_minor as text), 'no row')
from bank_entry b left join set_aside a on a.lender_id = b.lender_id and a.id = b.set_aside_id
    and a.currency = b.currency and (b.undone_at is null or a.gone_minor = a.amount_minor)
where b.lender_id = :lender and b.outcome = 'suspense' and b.amount_minor <> coalesce(a.amount_minor, 0)
""")

_LEFT_OVER = text("""
select r.file_name, r.state, count(*) as debts
from debt d join import_run r on r.lender_id = d.lender_id and r.id = d.import_run_id
where d.lender_id = :lender and d.state = 'staged'
group by r.id, r.file_name, r.state
order by r.id
""")

_COUNTS = text("""
select
    (select count(*) from book where lender_id = :lender) as books,
    (select count(*) from posting where lender_id = :lender) as postings,
    (select count(*) from transfer where lender_id = :lender) as transfers,
    (select count(*) from plan where lender_id = :lender) as plans,
    (select count(*) from payment where lender_id = :lender) as payments,
    (select count(*) from points_entry where lender_id = :lender) as points,
    (select count(*) from evidence_record where lender_id = :lender) as records
""")

_BY_CURRENCY = text("""
select currency,
    sum(case when to_account in ('principal', 'interest', 'penalty', 'fees', 'costs') then amount_minor else 0 end
        - case when from_account in ('principal', 'interest', 'penalty', 'fees', 'costs') then amount_minor else 0 end)
        as owed,
    sum(case when from_account = 'credit' then amount_minor else 0 end
        - case when to_account = 'credit' then amount_minor else 0 end) as credit
from transfer
where lender_id = :lender and book_id is not null
group by currency
order by currency
""")

# What autopay charged is a payment that came, of no more than was said, and what was stopped charges nothing more. A
# payment that was taken by itself is that of a charge.
_CHARGES = text("""
with its as (
    select p.reference || ' ' || cast(c.seq as text) as what, c.state, c.most_minor, a.state as auto,
        coalesce(y.state, 'none') as payment, coalesce(y.amount_minor, 0) as amount_minor
    from autopay_charge c
    join plan p on p.lender_id = c.lender_id and p.id = c.plan_id
    join autopay a on a.lender_id = c.lender_id and a.id = c.autopay_id
    left join payment y on y.lender_id = c.lender_id and y.id = c.payment_id
    where c.lender_id = :lender
)
select 'charge ' || what as what, state as kept, payment as counted
from its
where state = 'charged' and payment not in ('succeeded', 'partly_refunded', 'refunded', 'disputed')
union all
select 'charge ' || what, cast(most_minor as text), cast(amount_minor as text)
from its
where state in ('charging', 'charged') and amount_minor > most_minor
union all
select 'charge ' || what, state, auto
from its
where state = 'noticed' and auto = 'stopped'
union all
select 'payment ' || y.reference, 'taken', 'no charge'
from payment y
where y.lender_id = :lender and y.autopay = 'taken'
    and not exists (select 1 from autopay_charge c where c.lender_id = y.lender_id and c.payment_id = y.id)
""")

_RECORDS = text("""
select id, act, actor_kind, actor_id, debtor_id, debt_id, entry, salt, hash
from evidence_record
where lender_id = :lender
order by id
""")

_CHECKS = (
    (Kind.BALANCE, _BALANCES),
    (Kind.CURRENCY, _CURRENCIES),
    (Kind.TRANSFER, _TRANSFERS),
    (Kind.POSTING, _POSTINGS),
    (Kind.OPENING, _OPENINGS),
    (Kind.BOOK, _BOOKS),
    (Kind.IMPORT, _IMPORTS),
    (Kind.QUOTE_TOTAL, _QUOTE_TOTALS),
    (Kind.PLAN_TOTAL, _PLAN_TOTALS),
    (Kind.PLAN_ITEM, _PLAN_ITEMS),
    (Kind.PAID, _PAID),
    (Kind.WAIVER, _WAIVERS),
    (Kind.REFUNDED, _REFUNDED),
    (Kind.EFFECT, _EFFECTS),
    (Kind.CURRENCY, _EFFECT_CURRENCIES),
    (Kind.PAYMENT, _PAYMENTS),
    (Kind.PAYMENT_PART, _PAYMENT_PARTS),
    (Kind.CREDIT_USE, _CREDIT_USES),
    (Kind.CHARGE, _CHARGES),
    (Kind.POINTS, _POINTS),
    (Kind.HOLD, _HOLDS),
    (Kind.REFUND, _REFUNDS),
    (Kind.DISPUTE, _DISPUTES),
    (Kind.SUSPENSE, _SUSPENSE),
    (Kind.RECONCILIATION, _LINES),
    (Kind.PAYOUT, _PAYOUTS),
    (Kind.BANK_ENTRY, _BANK_ENTRIES),
)
