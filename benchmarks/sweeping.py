"""The night over many plans, against a bare query for those that are due and the bare writes for those that change."""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
from sqlalchemy import select, update

from benchmarks import portfolio
from benchmarks.databases import Databases
from benchmarks.importing import bare_driver
from benchmarks.machine import environment, measured
from portal import clock, db, jobs, queue, sweep
from portal.app import create_app
from portal.bulk import Same, dashed, insert_columns, new_ids
from portal.db import new_id, session, table_of, transaction
from portal.debts.models import Debt, ImportRun
from portal.interest import months_later
from portal.ledger import Book, Posting, Transfer
from portal.lenders import settings as lenders
from portal.payments import settle, stripe_gateway
from portal.payments.models import MoneyEffect, Payment, PaymentPart
from portal.people.models import ContactPoint, Debtor
from portal.plans import remind
from portal.plans.models import LimitsVersion, Plan, PlanItem, Proposal, Quote
from portal.post.outbox import DELIVER
from tests.asked import telling
from tests.factories import a_debt, a_lender
from tests.settling import a_payment, facts_of

# Of the plans, one in so many is due tonight, and each of these changes.
ONE_IN = 100
PAYMENTS, PAID = 12, 3
_AMOUNT, _INTEREST = 100_00, 10_00
_AT_ONCE = 20_000
# So many of the messages that the night put off are written and sent.
_MESSAGES = 300
# What the night writes anew, in the order in which keys point at each other, and the column that says in which order.
_NEW = {
    "posting": "id", "transfer": "posting_id", "evidence_record": "id", "job": "id", "plan_check": "id",
}  # fmt: skip
_CHANGED = ("plan", "book", "plan_item")
_DUE = """
    select p.id, p.reference, p.look_on, d.zone from plan p
    join debtor d on d.lender_id = p.lender_id and d.id = p.debtor_id
    where p.lender_id = {place} and p.look_on <= {place} order by p.look_on, p.id"""


@dataclass(frozen=True, slots=True)
class Swept:
    """One night over a portfolio. Seconds; bytes of memory; `idle` is a second night over the same plans.

    `floor` is the query and the writes in as many transactions as the night makes, which takes a page of plans in each;
    `one_by_one` the same in a transaction a plan, as acts are that are not of a night. What the night put off a worker
    does afterwards: `writing` is what writing one of so many `messages` takes, `sending` what asking the gate and
    handing it to a stand-in (or keeping it for the morning) does.
    """

    plans: int
    due: int
    seconds: float
    processor: float
    idle: float
    start: int
    peak: int
    rows: int
    query: float
    floor: float
    floor_processor: float
    one_by_one: float
    messages: int
    writing: float
    sending: float

    @property
    def ratio(self) -> float:
        """Give how many times as long as the floor the night takes."""
        return self.seconds / self.floor

    @property
    def by_processor(self) -> float:
        """Give the same by the processor time of the two processes."""
        return self.processor / self.floor_processor


def compare(databases: Databases, *, kind: str, folder: Path, plans: int) -> Swept:
    """Measure a night over so many plans of which one in a hundred changes, and its floor, each on its own copy."""
    full = databases.empty(kind)
    portfolio.add_lender(full)
    measured(
        sys.executable, "-m", "benchmarks.sweeping", "fill", full, str(plans), env=environment(url=full, folder=folder)
    )
    databases.settle(full)
    told = {}
    bare, other = databases.copy(full), databases.copy(full)
    for url in (bare, other):
        databases.settle(url)
    for name, words in {
        "night": ("night",),
        "floor": ("floor", full, bare, str(-(-plans // ONE_IN // sweep.AT_ONCE))),
        "one_by_one": ("floor", full, other, str(plans // ONE_IN)),
        # Only now, or what the worker writes would count as what the night wrote.
        "worker": ("worker",),
    }.items():
        said = measured(
            sys.executable, "-m", "benchmarks.sweeping", *words, env=environment(url=full, folder=folder)
        ).said
        told[name] = json.loads(said.splitlines()[-1])
    for url in (full, bare, other):
        databases.drop(url)
    night, floor = told["night"], told["floor"]
    return Swept(
        plans=plans,
        due=night["looked"],
        seconds=night["seconds"],
        processor=night["processor"],
        idle=night["idle"],
        start=night["start"],
        peak=night["peak"],
        rows=floor["rows"],
        query=floor["query"],
        floor=floor["seconds"],
        floor_processor=floor["processor"],
        one_by_one=told["one_by_one"]["seconds"],
        **told["worker"],
    )


def night() -> dict[str, Any]:
    """Run the night of `flask nightly` in this process, and a second one over the same plans; gives what they took."""
    app = create_app()
    with app.app_context():
        lender = lenders.by_slug(portfolio.SLUG)
        session.remove()
        start = psutil.Process().memory_info().rss
        began, spent = time.perf_counter(), time.process_time()
        found = sweep.run(stuck=_fail)
        seconds, processor = time.perf_counter() - began, time.process_time() - spent
        peak = _peak()
        today = clock.today(lender.zone)
        with transaction() as s:
            s.execute(
                update(Plan)
                .where(Plan.lender_id == lender.id, Plan.reference.startswith("DUE-"))
                .values(look_on=today),
                execution_options={"synchronize_session": False},
            )
        began = time.perf_counter()
        again = sweep.run(stuck=_fail)
        idle = time.perf_counter() - began
    if again.looked != found.looked or again.moved or again.interest or again.reminders:
        raise AssertionError("the second night found something to do")
    if not found.looked == found.moved.total() + found.interest + found.reminders:
        raise AssertionError(f"not every plan changed: {list(found.lines())}")
    return {
        "looked": found.looked, "seconds": seconds, "processor": processor, "idle": idle, "start": start, "peak": peak,
    }  # fmt: skip


def worker() -> dict[str, Any]:
    """Do some of the work that the night put off; gives what that took for each message."""
    app = create_app()
    todo, seconds = jobs.table(app), {}
    with app.app_context(), transaction() as s:
        # The others would stand before the messages that are to be sent.
        some = select(queue.QueuedJob.id).where(queue.QueuedJob.name == remind.WRITE).limit(_MESSAGES)
        s.execute(
            update(queue.QueuedJob).where(queue.QueuedJob.id.not_in(some)).values(state="done"),
            execution_options={"synchronize_session": False},
        )
    for name in (remind.WRITE, DELIVER):
        began, done = time.perf_counter(), 0
        while queue.run_one({name: todo[name]}):
            done += 1
        seconds[name] = (time.perf_counter() - began) / done
    return {"messages": done, "writing": seconds[remind.WRITE], "sending": seconds[DELIVER]}


EARLIER = (1, 10, 100)


def posting(databases: Databases, *, kind: str, folder: Path) -> dict[int, int]:
    """Count what is asked of a database for one payment of a plan, by how many came for the plan before it."""
    url = databases.empty(kind)
    words = (sys.executable, "-m", "benchmarks.sweeping", "posting")
    said = measured(*words, env=environment(url=url, folder=folder)).said
    databases.drop(url)
    found: list[int] = json.loads(said.splitlines()[-1])
    return dict(zip(EARLIER, found, strict=True))


def _posting() -> list[int]:
    """Let payments come for one plan of 120, and count the statements of those before which so many came."""
    app, asked = create_app(), []
    with app.app_context():
        lender = a_lender()
        debt = a_debt("12000.00", lender=lender)
        with transaction():
            plan = portfolio.agree(debt, payments=120, today=clock.today(lender.zone), zone=lender.zone)
        for earlier in range(EARLIER[-1] + 1):
            payment = a_payment(debt, amount="100.00", plan=plan)
            count = _asked_for(payment)
            if earlier in EARLIER:
                asked.append(count)
    return asked


def _asked_for(payment: Payment) -> int:
    """Let Stripe say that a payment came, and count the statements of posting it."""
    said, asked = facts_of(payment), []
    with (
        mock.patch.object(stripe_gateway, "read_payment", lambda *_args, **_named: said),
        telling(session.get_bind(), lambda statement, _values: asked.append(statement)),
    ):
        settle.settle(lender_id=payment.lender_id, payment_id=payment.id)
    return len(asked)


def _fail(stuck: sweep.Stuck) -> None:
    raise AssertionError(stuck)


def _peak() -> int:
    """Give the most memory that this process has held, in bytes, counted from its own start."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise LookupError("VmHWM")


def floor(full: str, bare: str, transactions: int) -> dict[str, Any]:
    """Ask for what is due in one database, and write into it what the night wrote into its copy; gives what that took.

    Finding out what the night wrote is not counted.
    """
    after, target = bare_driver(full), bare_driver(bare)
    with closing(after.connection), closing(target.connection):
        work = [*_inserts(after, target), *_updates(after, target)]
        [(lender_id,)] = target.connection.execute(
            f"select id from lender where slug = {target.place}", (portfolio.SLUG,)
        ).fetchall()
        until = (clock.now() + timedelta(hours=14)).date()
        cursor = target.connection.cursor()
        began, spent = time.perf_counter(), time.process_time()
        cursor.execute(_DUE.format(place=target.place), (lender_id, until.isoformat()))
        cursor.fetchall()
        query = time.perf_counter() - began
        for number in range(transactions):
            cursor.execute(target.begin)
            for statement, rows in work:
                some = rows[len(rows) * number // transactions : len(rows) * (number + 1) // transactions]
                if some:
                    cursor.executemany(statement, some)
            cursor.execute("COMMIT")
        seconds, processor = time.perf_counter() - began, time.process_time() - spent
    return {"seconds": seconds, "processor": processor, "query": query, "rows": sum(len(rows) for _, rows in work)}


def _inserts(after: Any, before: Any) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    for table, key in _NEW.items():
        columns = after.columns(table)
        names = ", ".join(f'"{name}"' for name, _type in columns)
        known = set(before.connection.execute(f"select {names} from {table}").fetchall())
        rows = after.connection.execute(f"select {names} from {table} order by {key}").fetchall()
        yield after.insert(table, columns), [row for row in rows if row not in known]


def _updates(after: Any, before: Any) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """Give what changed of the plans that were due; the books and payments of the others are not looked at."""
    due = "(select {} from plan where reference like 'DUE-%')"
    for table, key in zip(_CHANGED, ("id", "id", "plan_id"), strict=True):
        names = [name for name, _type in after.columns(table)]
        wanted = due.format("debt_id" if table == "book" else "id")
        query = f"select {', '.join(names)} from {table} where {key} in {wanted} order by id"
        old, new = (each.connection.execute(query).fetchall() for each in (before, after))
        pairs = [(one, two) for one, two in zip(old, new, strict=True) if tuple(one) != tuple(two)]
        places = sorted({at for one, two in pairs for at in range(len(names)) if one[at] != two[at]})
        if pairs:
            keys = (names.index("lender_id"), names.index("id"))
            sets = ", ".join(f"{names[at]} = {after.place}" for at in places)
            statement = f"update {table} set {sets} where lender_id = {after.place} and id = {after.place}"
            yield statement, [tuple(two[at] for at in (*places, *keys)) for _one, two in pairs]


# What is looked at: plans of one lender, written by columns.


def fill(url: str, plans: int) -> None:
    """Write so many running plans into a database that has the lender; one in a hundred is due tonight.

    These have twelve payments, of which three came. Of each three one is reminded of a payment in three days, one has
    interest that comes due, one did not pay yesterday. The others have two payments, which nobody reads.
    """
    db.connect(url)
    lender = lenders.by_slug(portfolio.SLUG)
    today, now = clock.today(lender.zone), clock.now()
    run_id, proposal_id = new_id(), new_id()
    with transaction() as s:
        version_id = s.scalars(select(LimitsVersion.id)).one()
        s.add(
            ImportRun(
                lender_id=lender.id, id=run_id, file_name="plans.csv", file_sha256="", as_of=today, state="live",
                started_at=now, touched_at=now,
            )
        )  # fmt: skip
    same = {"lender_id": lender.id.hex, "currency": "USD"}
    due = plans // ONE_IN
    for first, end in [*_steps(0, due), *_steps(due, plans)]:
        with transaction() as s:
            many = _Many(range(first, end), due=first < due, today=today, now=now, same=same)
            many.people(zone=lender.zone)
            many.debts(run_id=run_id.hex)
            if first == 0:
                s.add(
                    Proposal(
                        lender_id=lender.id, id=proposal_id, debt_id=uuid.UUID(many.debt_ids[0]),
                        debtor_id=uuid.UUID(many.debtor_ids[0]), limits_version_id=version_id, kind="instalments",
                        asked={}, amount_minor=_AMOUNT, currency="USD", frequency="monthly", reasons=[], state="open",
                        made_at=now,
                    )
                )  # fmt: skip
                s.flush()
            many.plans(proposal_id=proposal_id.hex, version_id=version_id.hex)
            many.payments()
            if first < due:
                many.money()
    portfolio.let_go()


def _steps(first: int, end: int) -> Iterator[tuple[int, int]]:
    for start in range(first, end, _AT_ONCE):
        yield start, min(start + _AT_ONCE, end)


class _Many:
    """Some thousands of plans and all that is around them; each method writes some of their tables."""

    def __init__(self, numbers: range, *, due: bool, today: date, now: datetime, same: Mapping[str, object]) -> None:
        self._due, self._now = due, now
        self._same = {name: Same(value) for name, value in same.items()}
        self.debtor_ids, self.debt_ids, self._quote_ids, self._plan_ids = (new_ids(len(numbers)) for _each in range(4))
        self._names = [f"{'DUE' if due else 'NOT'}-{number}" for number in numbers]
        self._bear_interest = [due and number % 3 == 1 for number in numbers]
        if due:
            starts = [today + timedelta(days=(3, 0, -1)[number % 3]) for number in numbers]
            self._days = [[months_later(day, month) for month in range(-PAID, PAYMENTS - PAID)] for day in starts]
            self._look_on = [today] * len(numbers)
        else:
            self._days = [[today + timedelta(days=10 + number % 30 + more) for more in (0, 31)] for number in numbers]
            self._look_on = [days[0] - timedelta(days=3) for days in self._days]
        self._today = today

    def _insert(self, model: type[db.Model], **columns: object) -> None:
        table = table_of(model)
        known = {name: value for name, value in self._same.items() if name in table.c}
        insert_columns(
            table,
            known | {name: value if isinstance(value, list) else Same(value) for name, value in columns.items()},
        )

    def people(self, *, zone: str) -> None:
        """Write the debtors, each with an e-mail address."""
        self._insert(
            Debtor, id=self.debtor_ids, person_key=self._names, name="Robin Example (made up)", language="en",
            zone=zone, created_at=self._now,
        )  # fmt: skip
        addresses = [f"{name.lower()}@people.example" for name in self._names]
        self._insert(
            ContactPoint, id=new_ids(len(addresses)), debtor_id=self.debtor_ids, channel="email", address=addresses,
            created_at=self._now,
        )  # fmt: skip

    def debts(self, *, run_id: str) -> None:
        """Write the debts and their books."""
        self._insert(
            Book, id=self.debt_ids, principal_minor=PAYMENTS * _AMOUNT, interest_minor=0, penalty_minor=0,
            fees_minor=0, costs_minor=0, credit_minor=0,
        )  # fmt: skip
        self._insert(
            Debt, id=self.debt_ids, debtor_id=self.debtor_ids, reference=self._names,
            reference_key=[name.lower() for name in self._names], state="open", product="Personal loan",
            annual_rate_ppm=0, as_of=self._today, attributes={}, import_run_id=run_id, line=1,
            created_at=self._now,
        )  # fmt: skip

    def plans(self, *, proposal_id: str, version_id: str) -> None:
        """Write the offers and the plans that they became."""
        whole = PAYMENTS * _AMOUNT
        of_both = {
            "debt_id": self.debt_ids, "debtor_id": self.debtor_ids, "kind": "instalments", "total_minor": whole,
            "waive_minor": 0, "frequency": "monthly",
        }  # fmt: skip
        self._insert(
            Quote, id=self._quote_ids, number=self._names, proposal_id=proposal_id, limits_version_id=version_id,
            arrangement="instalments", as_of=self._today, owed_minor=whole, interest_minor=0, left_minor=0,
            terms={}, state="accepted", made_at=self._now, expires_at=self._now, **of_both,
        )  # fmt: skip
        self._insert(
            Plan, id=self._plan_ids, reference=self._names, quote_id=self._quote_ids, state="active", grace_days=5,
            tolerance_minor=100, cure_days=30, look_on=self._look_on, agreed_at=self._now, agreed_text="I agree.",
            changes=0, **of_both,
        )  # fmt: skip

    def payments(self) -> None:
        """Write every payment of the plans; those that came were kept on their day."""
        rows = [
            (plan_id, seq, day, _INTEREST if bears and seq > PAID else 0, self._due and seq <= PAID)
            for plan_id, days, bears in zip(self._plan_ids, self._days, self._bear_interest, strict=True)
            for seq, day in enumerate(days, 1)
        ]
        plan_ids, seqs, days, interest, paid = map(list, zip(*rows, strict=True))
        self._insert(
            PlanItem, id=new_ids(len(rows)), plan_id=plan_ids, seq=seqs, kind="payment", due_on=days,
            amount_minor=_AMOUNT, principal_minor=[_AMOUNT - each for each in interest], interest_minor=interest,
            paid_minor=[_AMOUNT if done else 0 for done in paid],
            kept_at=[_noon(day) if done else None for day, done in zip(days, paid, strict=True)],
            waive_minor=0,
        )  # fmt: skip

    def money(self) -> None:
        """Write the payments that came, with their parts, effects, postings and transfers."""
        rows = [
            (debtor_id, debt_id, plan_id, _noon(day), day)
            for debtor_id, debt_id, plan_id, days in zip(
                self.debtor_ids, self.debt_ids, self._plan_ids, self._days, strict=True
            )
            for day in days[:PAID]
        ]
        debtor_ids, debt_ids, plan_ids, at, on = map(list, zip(*rows, strict=True))
        ids, postings = new_ids(len(rows)), new_ids(len(rows))
        self._insert(
            Payment, id=ids, reference=ids, form_key=ids, debtor_id=debtor_ids, debt_id=debt_ids, plan_id=plan_ids,
            amount_minor=_AMOUNT, refunded_minor=0, state="succeeded", session_expires_at=at, started_at=at,
            settled_at=at,
        )  # fmt: skip
        self._insert(
            PaymentPart, id=new_ids(len(rows)), payment_id=ids, place=1, debt_id=debt_ids, plan_id=plan_ids,
            amount_minor=_AMOUNT,
        )  # fmt: skip
        self._insert(
            Posting, id=postings, kind="payment", cause=[f"payment:{dashed(each)}" for each in ids], at=at, on=on
        )
        self._insert(
            Transfer, id=new_ids(len(rows)), posting_id=postings, book_id=debt_ids, from_account="principal",
            to_account="cash:stripe", amount_minor=_AMOUNT,
        )  # fmt: skip
        self._insert(
            MoneyEffect, id=new_ids(len(rows)), key=[f"came:{each}" for each in ids], payment_id=ids,
            posting_id=postings, amount_minor=_AMOUNT, outcome="posted", at=at,
        )  # fmt: skip


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 17, tzinfo=UTC)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["fill", url, plans]:
            fill(url, int(plans))
        case ["night"]:
            print(json.dumps(night()))
        case ["worker"]:
            print(json.dumps(worker()))
        case ["posting"]:
            print(json.dumps(_posting()))
        case ["floor", full, bare, transactions]:
            print(json.dumps(floor(full, bare, int(transactions))))
