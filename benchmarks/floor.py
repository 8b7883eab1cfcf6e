"""The floors: bare Flask views that load who is signed in, read the same rows, and render one template each.

Bare means: SQL written by hand, no objects, no translation, no forgery token, no headers, no compression. The page that
comes out is the portal's, word for word; `pages.py` compares them. They read through the portal's own engine, from the
same pool and in one transaction for a page, so that what differs is what the portal does with the rows.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from flask import Flask, abort, render_template, request, session
from jinja2 import FunctionLoader

from portal.db import make_engine

URL = os.environ["DATABASE_URL"]
SQLITE = URL.startswith("sqlite")

PERSON = """
select s.debtor_id, s.created_at, s.seen_at, s.turn, d.name, d.language, d.zone,
       l.name, l.legal_name, l.phone, l.email
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
DEBT = """
select d.id, d.product, d.creditor, d.original_minor, d.annual_rate_ppm, d.opened_on, d.late_since,
       b.principal_minor, b.interest_minor, b.penalty_minor, b.fees_minor, b.costs_minor, b.credit_minor,
       p.id, p.reference, q.interest_minor,
       (select count(*) from care_hold h
        where h.lender_id = d.lender_id and h.debtor_id = d.debtor_id and h.ended_at is null) as holds
from debt d
join book b on b.lender_id = d.lender_id and b.id = d.id
left join plan p on p.lender_id = d.lender_id and p.debt_id = d.id
    and p.state in ('agreed', 'active', 'grace', 'at_risk', 'broken', 'paused')
left join quote q on q.lender_id = p.lender_id and q.id = p.quote_id
where d.lender_id = ? and d.debtor_id = ? and d.reference = ? and d.state = 'open'
"""
INTEREST = "select seq, interest_minor from plan_item where lender_id = ? and plan_id = ? and interest_minor > 0"
PLAN = """
select p.id, p.state, p.total_minor, p.agreed_at, d.id, d.reference, d.product, d.state
from plan p join debt d on d.lender_id = p.lender_id and d.id = p.debt_id
where p.lender_id = ? and p.debtor_id = ? and p.reference = ?
"""
ITEMS = """
select due_on, amount_minor, paid_minor, kept_at from plan_item where lender_id = ? and plan_id = ? order by seq
"""
TO_CHANGE = """
select p.id, p.state, p.review_on, p.void_on, p.changes, d.state, q.terms, q.as_of, q.interest_minor
from plan p
join debt d on d.lender_id = p.lender_id and d.id = p.debt_id
join quote q on q.lender_id = p.lender_id and q.id = p.quote_id
where p.lender_id = ? and p.debtor_id = ? and p.reference = ?
"""
TO_COME = """
select due_on, amount_minor, principal_minor, interest_minor, waive_minor, paid_minor, kind
from plan_item where lender_id = ? and plan_id = ? order by seq
"""
CHANGES = """
select p.id, p."on", p.kind, p.cause, t.from_account, t.to_account, t.amount_minor
from transfer t join posting p on p.lender_id = t.lender_id and p.id = t.posting_id
where t.lender_id = ? and t.book_id = ? order by p."on", p.at, p.id
"""
TO_PLAN = """
select d.id, d.product, d.annual_rate_ppm, d.late_since, b.principal_minor,
       b.principal_minor + b.interest_minor + b.penalty_minor + b.fees_minor + b.costs_minor as owed,
       (select count(*) from plan p where p.lender_id = d.lender_id and p.debt_id = d.id) as plans,
       (select count(*) from care_hold h
        where h.lender_id = d.lender_id and h.debtor_id = d.debtor_id and h.ended_at is null) as holds,
       (select count(*) from proposal o
        where o.lender_id = d.lender_id and o.debt_id = d.id and o.outcome <> 'accept') as rounds
from debt d
join book b on b.lender_id = d.lender_id and b.id = d.id
where d.lender_id = ? and d.debtor_id = ? and d.reference = ? and d.state = 'open'
"""
LIMITS = """
select id from limits_version
where lender_id = ? and effective_from <= ? order by effective_from desc, number desc limit 1
"""
BUDGET = """
select budget from proposal
where lender_id = ? and debtor_id = ? and currency = 'USD' and budget is not null
order by made_at desc, id desc limit 1
"""
COLLEAGUE = """
select s.seen_at, s.created_at, m.roles, l.name, l.zone
from staff_session s
join staff_member m on m.lender_id = s.lender_id and m.id = s.member_id
join lender l on l.id = s.lender_id
where s.lender_id = ? and s.id = ? and s.ended_at is null and m.state = 'active'
"""
WHOSE = """
select d.name, d.born_on, d.zone,
       (select count(*) from care_hold h
        where h.lender_id = d.lender_id and h.debtor_id = d.id and h.ended_at is null) as holds,
       (select count(*) from need n
        where n.lender_id = d.lender_id and n.debtor_id = d.id and n.taken_back_at is null) as needs
from debtor d where d.lender_id = ? and d.id = ?
"""
LOOKED = """
select 1 from evidence_record where lender_id = ? and debtor_id = ? and act = 'staff_looked' limit 1
"""
REACHED = """
select c.channel, c.address,
       (select count(*) from bounced_address b where b.lender_id = c.lender_id and b.channel = c.channel
        and b.address = c.address and b.mended_at is null) as bounced
from contact_point c
where c.lender_id = ? and c.debtor_id = ? and c.removed_at is null and c.wrong_at is null
order by c.channel, c.confirmed_at is null, c.id desc
"""
ALL_PARTS = """
select d.reference, b.principal_minor, b.interest_minor, b.penalty_minor, b.fees_minor, b.costs_minor
from debt d join book b on b.lender_id = d.lender_id and b.id = d.id
where d.lender_id = ? and d.debtor_id = ? and d.state = 'open' order by d.reference
"""
ALL_PLANS = """
select p.reference, p.state, p.agreed_at, d.reference, p.total_minor
from plan p join debt d on d.lender_id = p.lender_id and d.id = p.debt_id
where p.lender_id = ? and p.debtor_id = ? order by p.agreed_at desc, p.id desc limit 50
"""
PARTS = ("principal", "interest", "penalty", "fees", "costs")
PART_WORDS = ("Borrowed money", "Interest", "Late charges", "Fees", "Costs")
CHANGE_WORDS = {
    "opening": "What you owed when your lender gave us this debt",
    "payment": "Your payment",
    "refund": "Payment given back to you",
    "plan_interest": "Interest of your plan",
    "adjustment": "Your lender corrected the amount",
}
STATE_WORDS = {"agreed": "Agreed. The first payment starts it.", "active": "Going well."}
Rows = list[tuple[Any, ...]]
Read = Callable[..., Rows]


class Visitor(NamedTuple):
    """Who is signed in."""

    lender_id: Any
    debtor_id: Any
    today: date
    zone: ZoneInfo
    frame: dict[str, str]


def _marked(statement: str) -> str:
    return statement if SQLITE else statement.replace("?", "%s")


def money(minor: int) -> str:
    """Give dollars and cents."""
    whole, cents = divmod(abs(minor), 100)
    return f"{'−' if minor < 0 else ''}${whole:,}.{cents:02}"


def day(value: str | date) -> str:
    """Give a day in English, as either database holds it."""
    value = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{value.day}\u00a0{value:%B %Y}"


def instant(value: str | datetime) -> datetime:
    """Give an instant as either database holds it."""
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if isinstance(value, str) else value


def visitor(rows: Read) -> Visitor:
    """Load who is signed in."""
    kind, lender_hex, session_hex, turn = session.get("_user_id", ":::").split(":")
    if kind != "debtor":
        abort(403)
    lender_id: Any = lender_hex if SQLITE else uuid.UUID(lender_hex)
    found = rows(PERSON, lender_id, session_hex if SQLITE else uuid.UUID(session_hex))
    if not found or found[0][3] != int(turn):
        abort(403)
    debtor_id, created_at, seen_at, _turn, _name, _language, zone_name, lender, legal_name, phone, email = found[0]
    now, since, seen = datetime.now(UTC), instant(created_at), instant(seen_at)
    until = min(seen + timedelta(minutes=30), since + timedelta(hours=12))
    if until < now:
        abort(403)
    zone = ZoneInfo(zone_name)
    frame = {
        "lender": lender,
        "legal_name": legal_name,
        "phone": phone,
        "email": email,
        "query": "",
        "here": request.path,
        "until": f"{until.astimezone(zone):%H:%M}",
    }
    return Visitor(lender_id, debtor_id, now.astimezone(zone).date(), zone, frame)


def home(rows: Read) -> str:
    """Show what is owed in all, the one next thing, each debt."""
    who = visitor(rows)
    mine = (who.lender_id, who.debtor_id)
    debts, first, kind = [], None, "nothing"
    on = who.today.isoformat() if SQLITE else who.today
    for row in rows(OVERVIEW, *mine, *mine, on, on, who.lender_id, *mine, *mine, *mine):
        reference, product, creditor, _late_since, owed, _credit, plan, count, done, late, since, due_on = row[:12]
        debt = {
            "reference": reference,
            "product": product,
            "creditor": creditor or who.frame["lender"],
            "minor": owed,
            "owed": money(owed),
            "plan": plan,
            "all": count,
            "done": done,
            "late": money(late) if late else None,
            "since": since and day(since),
            "due_on": due_on and day(due_on),
            "coming": money(row[12] - row[13]) if due_on else None,
        }
        debts.append(debt)
        # Enough of the rule for what the benchmark's person has; the portal's own knows seven answers.
        if late and kind != "late":
            first, kind = debt, "late"
        elif due_on and kind == "nothing":
            first, kind = debt, "next"
    total = money(sum(debt["minor"] for debt in debts))
    shown = who.frame | {"title": "What you owe"}
    return render_template("home.html", debts=debts, total=total, first=first, kind=kind, **shown)


def debt(rows: Read, reference: str) -> str:
    """Show one debt: its parts, how its interest runs, its changes, who owns it."""
    who = visitor(rows)
    found = rows(DEBT, who.lender_id, who.debtor_id, reference)
    if not found:
        abort(404)
    debt_id, product, creditor, original, rate, opened_on, late_since, *rest = found[0]
    *parts, _credit, plan_id, plan, agreed, _holds = rest
    lines = changes(rows, who.lender_id, debt_id)
    posted = {line["cause"] for line in lines}
    interest = sum(
        minor
        for seq, minor in (rows(INTEREST, who.lender_id, plan_id) if agreed else ())
        if f"plan-interest:{uuid.UUID(str(plan_id))}:{seq}" not in posted
    )
    paid = -sum(line["minor"] for line in lines if line["kind"] in ("payment", "refund"))
    owed = sum(parts)
    at, pieces = 0, []
    for number, minor in enumerate(minor for minor in parts if minor):
        width = round(1000 * minor / owed)
        pieces.append((number, at, width))
        at += width
    facts = (
        ("You borrowed from", creditor or who.frame["legal_name"]),
        ("Owned today by", who.frame["legal_name"]),
        ("You deal with", who.frame["lender"]),
        ("Reference", reference),
        ("Started on", opened_on and day(opened_on)),
        ("You borrowed", original and money(original)),
        ("Late since", late_since and day(late_since)),
        ("Interest rate a year", rate and f"{Decimal(rate) / 10_000:.4f}".rstrip("0").rstrip(".") + "%"),
        ("Paid here so far", money(paid) if paid else None),
    )
    return render_template(
        "debt.html",
        about=reference,
        owed=money(owed),
        today=day(who.today),
        plan=plan,
        pieces=pieces,
        parts=[(words, money(minor)) for words, minor in zip(PART_WORDS, parts, strict=True) if minor],
        interest=money(interest) if interest else None,
        facts=[(words, value) for words, value in facts if value],
        lines=[
            (day(line["on"]), CHANGE_WORDS[line["kind"]], money(line["minor"]), money(line["left"]))
            for line in lines[:-21:-1]
        ],
        **who.frame | {"title": product, "query": f"?debt={reference}"},
    )


def changes(rows: Read, lender_id: Any, debt_id: Any) -> list[dict[str, Any]]:
    """Give every posting on a debt, with what was owed after it."""
    lines: dict[Any, dict[str, Any]] = {}
    for posting_id, on, kind, cause, source, target, minor in rows(CHANGES, lender_id, debt_id):
        line = lines.get(posting_id)
        if line is None:
            line = lines[posting_id] = {"on": on, "kind": kind, "cause": cause, "minor": 0}
        line["minor"] += minor * ((target in PARTS) - (source in PARTS))
    left = 0
    for line in lines.values():
        left += line["minor"]
        line["left"] = left
    return list(lines.values())


def plan(rows: Read, reference: str) -> str:
    """Show a plan: done, next, left."""
    who = visitor(rows)
    found = rows(PLAN, who.lender_id, who.debtor_id, reference)
    if not found:
        abort(404)
    plan_id, state, total, agreed_at, debt_id, about, product, _state = found[0]
    today = who.today.isoformat() if SQLITE else who.today
    items, all_paid, coming = [], 0, None
    stops: dict[str, list[tuple[int, int]]] = {"paid": [], "next": [], "late": [], "left": []}
    for number, (due_on, minor, paid, kept_at) in enumerate(rows(ITEMS, who.lender_id, plan_id)):
        all_paid += paid
        if paid >= minor:
            mark = "paid"
        elif due_on < today:
            mark = "late"
        else:
            mark = "left" if coming else "next"
        if mark != "paid" and coming is None:
            coming = {"mark": mark, "due_on": day(due_on), "amount": money(minor - paid)}
        paid_on = kept_at and day(instant(kept_at).astimezone(who.zone).date())
        missing = money(minor - paid) if paid and mark != "paid" else None
        items.append((day(due_on), money(minor), mark, paid_on, missing))
        stops[mark].append(place(number))
    since = instant(agreed_at).astimezone(who.zone).date()
    agreed_on = since.isoformat() if SQLITE else since
    return render_template(
        "plan.html",
        about=about,
        plan=reference,
        product=product,
        state_words=STATE_WORDS[state],
        items=items,
        count={mark: len(places) for mark, places in stops.items()},
        road=road(len(items)),
        gone=road(len(stops["paid"])),
        left_dots=drawn(stops["left"], "h.01"),
        paid_dots=drawn(stops["paid"], "h.01"),
        ticks="".join([f"M{x - 3.5} {y}l2.5 2.5 4.5-5" for x, y in stops["paid"]]),
        late_rings=drawn([(x - 8, y) for x, y in stops["late"]], "a8 8 0 1 0 16 0a8 8 0 1 0-16 0"),
        hands=drawn([(x, y - 4) for x, y in stops["late"]], "v4.5h3.5"),
        next_ring=drawn([(x - 8, y) for x, y in stops["next"]], "a8 8 0 1 0 16 0a8 8 0 1 0-16 0"),
        next_dot=drawn(stops["next"], "h.01"),
        height=28 + 30 * ((len(items) - 1) // 12),
        next=coming,
        paid=money(all_paid),
        left=money(total - all_paid),
        last=items[-1][0],
        came=[
            (day(line["on"]), CHANGE_WORDS[line["kind"]], money(-line["minor"]), money(line["left"]))
            for line in reversed(changes(rows, who.lender_id, debt_id))
            if line["kind"] in ("payment", "refund") and line["on"] >= agreed_on
        ],
        **who.frame | {"title": "Your plan"},
    )


def change(rows: Read, reference: str) -> str:
    """Show what it does to leave the next payment out: enough of the rules for a monthly plan without interest."""
    who = visitor(rows)
    found = rows(TO_CHANGE, who.lender_id, who.debtor_id, reference)
    if not found:
        abort(404)
    plan_id, state, review_on, void_on, changed, *_rest = found[0]
    if state not in STATE_WORDS or review_on or void_on or changed:
        abort(404)
    items = rows(TO_COME, who.lender_id, plan_id)
    paid = sum(item[1] <= item[5] for item in items)
    before = [(date.fromisoformat(str(item[0])), item[1]) for item in items[paid:]]
    last = before[-1][0]
    month = last.year * 12 + last.month
    ends = date(month // 12, month % 12 + 1, min(before[0][0].day, 28))
    days = [on for on, _minor in before[1:]] + [ends]
    after = [(on, minor) for on, (_day, minor) in zip(days, before, strict=True)]
    digest = hashlib.sha256(json.dumps([(str(on), minor) for on, minor in after]).encode()).hexdigest()
    sides = [
        (
            money(side[0][1]),
            short(side[0][0]),
            money(side[1][1]),
            str(len(side)),
            short(side[-1][0]),
            money(sum(minor for _on, minor in side)),
        )
        for side in (before, after)
    ]
    names = ("Next payment", "Due on", "Then each", "Payments to come", "Last payment", "Left to pay")
    stops = [place(number) for number in range(len(items))]
    return render_template(
        "change.html",
        plan=reference,
        rows=list(zip(names, *sides, strict=True)),
        items=[(day(on), money(minor)) for on, minor in after],
        all=len(items),
        count={"paid": paid, "late": 0, "next": 1, "left": len(after) - 1},
        road=road(len(items)),
        gone=road(paid),
        left_dots=drawn(stops[paid + 1 :], "h.01"),
        paid_dots=drawn(stops[:paid], "h.01"),
        ticks="".join([f"M{x - 3.5} {y}l2.5 2.5 4.5-5" for x, y in stops[:paid]]),
        next_ring=drawn([(x - 8, y) for x, y in stops[paid : paid + 1]], "a8 8 0 1 0 16 0a8 8 0 1 0-16 0"),
        next_dot=drawn(stops[paid : paid + 1], "h.01"),
        height=28 + 30 * ((len(items) - 1) // 12),
        form_key=uuid.uuid4().hex,
        shown=digest[:32],
        **who.frame | {"title": "Leave the next payment out"},
    )


def short(value: date) -> str:
    """Give a day for a narrow column."""
    return f"{value.day}\u00a0{value:%b %Y}"


def preview(rows: Read, reference: str) -> str:
    """Show what regular payments would be: enough of the rules for one that is a yes, each payment reckoned."""
    who = visitor(rows)
    today = who.today.isoformat() if SQLITE else who.today
    _debt, product, contract, late_since, principal, owed, plans, holds, rounds = rows(
        TO_PLAN, who.lender_id, who.debtor_id, reference
    )[0]
    limits = rows(LIMITS, who.lender_id, today)
    if plans or holds or rounds or not limits or rows(BUDGET, who.lender_id, who.debtor_id):
        abort(404)
    payment = round(Decimal(request.args["amount"]) * 100)
    late = (who.today - date.fromisoformat(str(late_since))).days if late_since else 0
    frozen = owed <= 50_000 or late >= 180
    yearly = Fraction(0 if frozen else min(60_000, contract), 1_000_000)
    monthly = yearly / 12 * Fraction(principal, owed)
    left, total, count = owed, 0, 0
    while left:
        interest = int(left * monthly + Fraction(1, 2))
        paid = min(payment, left + interest)
        left, total, count = left + interest - paid, total + paid, count + 1
    ends = who.today.year * 12 + who.today.month - 1 + count
    return render_template(
        "preview.html",
        about=reference,
        product=product,
        pays=money(payment) + (" a month" if count > 1 else ""),
        count=count,
        ends=f"{date(ends // 12, ends % 12 + 1, 1):%b %Y}",
        total=money(total),
        amount=request.args["amount"],
        **who.frame | {"title": "What that would be", "query": f"?debt={reference}"},
    )


def person(rows: Read, debtor: str) -> str:
    """Show a person to a colleague: may he or she be contacted now, debts with their parts, plans."""
    kind, lender_hex, session_hex = session.get("_user_id", "::").split(":")
    if kind != "staff":
        abort(403)
    lender_id: Any = lender_hex if SQLITE else uuid.UUID(lender_hex)
    debtor_id: Any = debtor.replace("-", "") if SQLITE else uuid.UUID(debtor)
    found = rows(COLLEAGUE, lender_id, session_hex if SQLITE else uuid.UUID(session_hex))
    if not found or min(map(instant, found[0][:2])) + timedelta(hours=12) < datetime.now(UTC):
        abort(403)
    mine = (lender_id, debtor_id)
    name, born_on, zone_name, holds, needs = rows(WHOSE, *mine)[0]
    if holds or needs or not rows(LOOKED, *mine):
        abort(403)
    zone, of_lender = ZoneInfo(zone_name), ZoneInfo(found[0][4])
    now = datetime.now(zone)
    opens = now.replace(hour=8, minute=0) + timedelta(days=now.hour >= 21)
    # Enough of the gate: night in one zone, and nobody said anything of messages.
    night = now.hour < 8 or now.hour >= 21
    ways = [
        (how, address, not night and not bounced)
        for channel, address, bounced in rows(REACHED, *mine)
        for how in (("Call", "SMS") if channel == "sms" else ("E-mail",))
    ]
    on = now.date().isoformat() if SQLITE else now.date()
    parts = {reference: minors for reference, *minors in rows(ALL_PARTS, *mine)}
    debts = []
    for row in rows(OVERVIEW, *mine, *mine, on, on, lender_id, *mine, *mine, *mine):
        reference, product, _creditor, _late_since, owed, _credit, plan, count, done, late, _since, due_on = row[:12]
        debts.append(
            {
                "reference": reference,
                "product": product,
                "owed": money(owed),
                "parts": [
                    (words, money(minor)) for words, minor in zip(PART_WORDS, parts[reference], strict=True) if minor
                ],
                "plan": plan,
                "all": count,
                "done": done,
                "late": money(late) if late else None,
                "due_on": due_on and day(due_on),
                "coming": money(row[12] - row[13]) if due_on else None,
            }
        )
    plans = [
        (reference, STATE_WORDS[state], moment(instant(agreed).astimezone(of_lender)), about, money(total))
        for reference, state, agreed, about, total in rows(ALL_PLANS, *mine)
    ]
    return render_template(
        "person.html",
        id=debtor,
        lender=found[0][3],
        name=name,
        born=day(born_on),
        place=zone_name.rpartition("/")[2].replace("_", " "),
        ways=ways,
        until=moment(opens.astimezone(of_lender)),
        debts=debts,
        plans=plans,
    )


def moment(at: datetime) -> str:
    """Give an instant in English."""
    return f"{day(at.date())}, {at:%H:%M}"


def place(number: int) -> tuple[int, int]:
    """Give where a stop of the road stands, twelve in a row and back again."""
    row, at = divmod(number, 12)
    return 20 + 24 * (11 - at if row % 2 else at), 14 + 30 * row


def drawn(places: list[tuple[int, int]], shape: str) -> str:
    """Give the path of a shape at some places."""
    return "".join([f"M{x} {y}{shape}" for x, y in places])


def road(count: int) -> str:
    """Give the line along so many stops."""
    path = "M20 14"
    for number in range(1, count):
        x, y = place(number)
        path += f"H{x}" if number % 12 else f"A15 15 0 0 {number // 12 % 2} {x} {y}"
    return path


def one_template(name: str) -> str:
    """Give the source of a page inside what stands around every page, so that each is one template without parts."""
    folder = Path(__file__).parent / "templates"
    if name == "person.html":
        # What the staff sees has another frame, and only this page is measured.
        return (folder / name).read_text(encoding="utf-8")
    frame = (folder / "frame.html").read_text(encoding="utf-8")
    return frame.replace("THE PAGE", (folder / name).read_text(encoding="utf-8"))


app = Flask("floor")
app.config.update(SECRET_KEY=os.environ["SECRET_KEY"], SESSION_COOKIE_NAME="portal")
app.jinja_loader = FunctionLoader(one_template)
# Each worker makes its own after it was started.
_engine: Any = None


def served(page: Callable[..., str]) -> Callable[..., str]:
    """Let a page read on a connection of the pool, in one transaction."""

    def answer(**values: str) -> str:
        global _engine
        _engine = _engine or make_engine(URL)
        with _engine.connect() as connection:
            return page(lambda text, *given: connection.exec_driver_sql(_marked(text), given).fetchall(), **values)

    return answer


app.add_url_rule("/home", "home", served(home))
app.add_url_rule("/debts/<reference>", "debt", served(debt))
app.add_url_rule("/plans/<reference>", "plan", served(plan))
app.add_url_rule("/plans/<reference>/change/leave-one-out", "change", served(change))
app.add_url_rule("/debts/<reference>/preview", "preview", served(preview))
app.add_url_rule("/staff/people/<debtor>", "person", served(person))
