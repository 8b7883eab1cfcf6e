"""The floor of the home page: a bare Flask view that loads who is signed in, reads the same rows, renders one template.

Bare means: SQL written by hand, no objects, no translation, no forgery token, no headers, no compression. The page that
comes out is the portal's, word for word; `home.py` compares them. There are two: `app` reads through the portal's own
engine (its pool, one transaction for a page), `driver_app` on one connection of the database's driver that is always
open and in no transaction, which is the least that Python can do.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from flask import Flask, abort, render_template, session

from benchmarks.databases import plain
from portal.db import make_engine

URL = os.environ["DATABASE_URL"]
SQLITE = URL.startswith("sqlite")

PERSON = """
select s.debtor_id, s.created_at, s.seen_at, d.name, d.language, d.zone, l.name, l.phone, l.email
from user_session s
join debtor d on d.lender_id = s.lender_id and d.id = s.debtor_id
join lender l on l.id = s.lender_id
where s.lender_id = ? and s.id = ? and s.ended_at is null
"""
OVERVIEW = """
select d.reference, d.product, d.creditor, d.late_since,
       b.principal_minor + b.interest_minor + b.penalty_minor + b.fees_minor + b.costs_minor as owed, b.credit_minor,
       p.reference, n.all_items, n.done, n.late_minor, n.late_since, i.due_on, i.amount_minor, i.paid_minor,
       w.minor, w.reference,
       (select count(*) from proposal o
        where o.lender_id = d.lender_id and o.debt_id = d.id and o.state = 'with_a_person') as with_person,
       (select count(*) from care_hold h where h.lender_id = ? and h.debtor_id = ? and h.ended_at is null) as holds,
       (select max(r.number) from care_request r
        where r.lender_id = ? and r.debtor_id = ? and r.state = 'answered') as answered
from debt d
join book b on b.lender_id = d.lender_id and b.id = d.id
left join plan p on p.lender_id = d.lender_id and p.debt_id = d.id
    and p.state in ('agreed', 'active', 'grace', 'at_risk', 'broken', 'paused')
left join (
    select e.plan_id, count(*) as all_items, sum(case when e.paid_minor < e.amount_minor then 0 else 1 end) as done,
        sum(case when e.paid_minor < e.amount_minor and e.due_on < ? then e.amount_minor - e.paid_minor else 0 end)
            as late_minor,
        min(case when e.paid_minor < e.amount_minor and e.due_on < ? then e.due_on end) as late_since,
        min(case when e.paid_minor < e.amount_minor then e.seq end) as next_seq
    from plan_item e
    where e.lender_id = ? and e.plan_id in (
        select l.id from plan l where l.lender_id = ? and l.debtor_id = ?
            and l.state in ('agreed', 'active', 'grace', 'at_risk', 'broken', 'paused')
    )
    group by e.plan_id
) n on n.plan_id = p.id
left join plan_item i on i.lender_id = p.lender_id and i.plan_id = p.id and i.seq = n.next_seq
left join (
    select a.debt_id, sum(a.amount_minor) as minor, max(y.reference) as reference
    from payment y join payment_part a on a.lender_id = y.lender_id and a.payment_id = y.id
    where y.lender_id = ? and y.debtor_id = ? and y.state = 'processing'
    group by a.debt_id
) w on w.debt_id = d.id
where d.lender_id = ? and d.debtor_id = ? and d.state = 'open'
order by d.reference
"""
Rows = list[tuple[Any, ...]]
Read = Callable[..., Rows]


@contextmanager
def by_engine() -> Iterator[Read]:
    """Read on a connection of the pool, in one transaction."""
    global _engine
    _engine = _engine or make_engine(URL)
    with _engine.connect() as connection:
        yield lambda statement, *values: connection.exec_driver_sql(_marked(statement), values).fetchall()


@contextmanager
def by_driver() -> Iterator[Read]:
    """Read on this worker's only connection, in no transaction."""
    global _connection
    if _connection is None and SQLITE:
        _connection = sqlite3.connect(URL.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    elif _connection is None:
        _connection = psycopg.connect(plain(URL), autocommit=True)
    yield lambda statement, *values: _connection.execute(_marked(statement), values).fetchall()


# Each worker makes its own after it was started.
_engine: Any = None
_connection: Any = None


def _marked(statement: str) -> str:
    return statement if SQLITE else statement.replace("?", "%s")


def money(minor: int) -> str:
    """Give dollars and cents."""
    return f"${Decimal(minor).scaleb(-2):,.2f}"


def day(value: date) -> str:
    """Give a day in English."""
    return f"{value.day} {value:%B %Y}"


def instant(value: str | datetime) -> datetime:
    """Give an instant as either database holds it."""
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if isinstance(value, str) else value


def home(rows: Read) -> str:
    """Show what is owed in all, the one next thing, each debt."""
    kind, lender_hex, session_hex, turn = session.get("_user_id", ":::").split(":")
    if kind != "debtor":
        abort(403)
    lender_id: Any = lender_hex if SQLITE else uuid.UUID(lender_hex)
    found = rows(PERSON, lender_id, session_hex if SQLITE else uuid.UUID(session_hex))
    if not found:
        abort(403)
    debtor_id, created_at, seen_at, _name, _language, zone, lender, phone, email = found[0]
    now = datetime.now(UTC)
    if instant(created_at) < now - timedelta(hours=12) or instant(seen_at) < now - timedelta(minutes=30):
        abort(403)
    today = now.astimezone(ZoneInfo(zone)).date()
    mine = (lender_id, debtor_id)
    debts, first, kind = [], None, "nothing"
    on = today.isoformat() if SQLITE else today
    for row in rows(OVERVIEW, *mine, *mine, on, on, lender_id, *mine, *mine, *mine):
        reference, product, creditor, _late_since, owed, _credit, plan, count, done, late, since, due_on = row[:12]
        debt = {
            "reference": reference,
            "product": product,
            "creditor": creditor or lender,
            "minor": owed,
            "owed": money(owed),
            "plan": plan,
            "all": count,
            "done": done,
            "late": money(late) if late else None,
            "since": since and day(as_date(since)),
            "due_on": due_on and day(as_date(due_on)),
            "coming": money(row[12] - row[13]) if due_on else None,
        }
        debts.append(debt)
        # Enough of the rule for what the benchmark's person has; the portal's own knows seven answers.
        if late and kind != "late":
            first, kind = debt, "late"
        elif due_on and kind == "nothing":
            first, kind = debt, "next"
    total = money(sum(debt["minor"] for debt in debts))
    return render_template(
        "home.html", debts=debts, total=total, first=first, kind=kind, lender=lender, phone=phone, email=email
    )


def as_date(value: str | date) -> date:
    """Give a day as either database holds it."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def create(name: str, reading: Callable[[], AbstractContextManager[Read]]) -> Flask:
    """Make a bare application with one page."""
    made = Flask(name, root_path=str(Path(__file__).parent))
    made.config.update(SECRET_KEY=os.environ["SECRET_KEY"], SESSION_COOKIE_NAME="portal")

    @made.get("/home")
    def page() -> str:
        with reading() as rows:
            return home(rows)

    return made


app = create("floor", by_engine)
driver_app = create("driver", by_driver)
