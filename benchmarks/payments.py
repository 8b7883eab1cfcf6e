"""Payments: taking webhooks against a bare route that inserts one row, settling them with one worker and with several,
what one costs in statements however long the history is, and how soon an idle worker begins.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import stripe
from sqlalchemy import func, select, update

from benchmarks import canned_stripe, portfolio
from benchmarks.databases import Databases
from benchmarks.load import Round, median, send
from benchmarks.machine import ROOT, SECRET_KEY, environment, free_port, measured, serving
from portal import clock, db, jobs, ledger, queue
from portal.app import create_app
from portal.bulk import Same, insert_columns, new_ids
from portal.db import new_id, session, table_of, transaction
from portal.evidence.record import PORTAL, Act, Happened, record_many
from portal.ledger import Account
from portal.lenders import settings as lenders
from portal.lenders.models import Lender
from portal.payments.models import MoneyEffect, Payment, PaymentPart, WebhookEvent
from portal.people.models import Debtor
from portal.queue import QueuedJob
from tests import factories
from tests.asked import telling
from tests.factories import a_debt, a_debtor

SECRET = "whsec_for_benchmarks"
APPS = {"portal": "wsgi:app", "floor": "benchmarks.intake_floor:app"}
# Receipts and mail are other work, for other workers.
BESIDE = ("letters.issue", "post.deliver")
KINDS_OF_EVENT = ("checkout.session.completed", "payment_intent.succeeded")
_PATH = f"/webhooks/stripe/{portfolio.SLUG}"


@dataclass(frozen=True, slots=True)
class Intake:
    """The webhook against its floor: medians, and the ratio in each turn, from the worst to the best."""

    portal: Round
    floor: Round
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Give how many of the floor's events the portal takes in the same time."""
        return statistics.median(self.ratios)

    @property
    def by_processor(self) -> float:
        """Give the same by what the servers' processor did."""
        return self.floor.cost / self.portal.cost


@dataclass(frozen=True, slots=True)
class Settled:
    """So many payments settled a second, by so many workers, with so long an answer of Stripe's."""

    workers: int
    answer: float
    rate: float


def intake(databases: Databases, *, kind: str, folder: Path, rounds: int, seconds: float) -> Intake:
    """Measure the webhook of the portal and its floor in turns, each with a database and events of its own."""
    turns = []
    urls = {name: _with_lender(databases, kind) for name in APPS}
    numbers = iter(range(1, 10**9))
    with (
        serving(APPS["portal"], url=urls["portal"], folder=folder) as portal,
        serving(APPS["floor"], url=urls["floor"], folder=folder) as floor,
    ):
        servers = {"portal": portal, "floor": floor}
        for turn in range(rounds + 1):
            took = {}
            for name, server in servers.items():
                took[name] = send(server, _events(server.port, numbers), seconds=seconds if turn else 1.0)
            turns += [took] if turn else []
    for url in urls.values():
        databases.drop(url)
    return Intake(
        portal=median([turn["portal"] for turn in turns]),
        floor=median([turn["floor"] for turn in turns]),
        ratios=tuple(sorted(turn["portal"].rate / turn["floor"].rate for turn in turns)),
    )


def _events(port: int, numbers: Iterator[int]) -> Iterator[bytes]:
    """Give events as Stripe sends them, each once, signed."""
    payment = uuid.UUID(int=1)
    bodies = [canned_stripe.told(kind, payment.hex, number=0, dashed=str(payment)) for kind in KINDS_OF_EVENT]
    for number in numbers:
        body = bodies[number % 2].replace(f"evt_{0:024}", f"evt_{number:024}").encode()
        signed = stripe.WebhookSignature.generate_signature_header(body.decode(), SECRET, int(time.time()))
        head = (
            f"POST {_PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nStripe-Signature: {signed}\r\n\r\n"
        )
        yield head.encode() + body


def _with_lender(databases: Databases, kind: str) -> str:
    url = databases.empty(kind)
    db.Sealed.use(SECRET_KEY)
    portfolio.add_lender(url)
    db.connect(url)
    with transaction() as s:
        values = {"stripe_secret_key": "sk_test_benchmark", "stripe_webhook_secret": SECRET}
        s.execute(update(Lender).values(**values))
    portfolio.let_go()
    databases.settle(url)
    return url


# Settling.


def settling(
    databases: Databases, *, kind: str, folder: Path, workers: tuple[int, ...], answer: float, payments: int
) -> Iterator[Settled]:
    """Let so many workers settle payments that wait, each told of by two events, and say how many a second."""
    url = _with_lender(databases, kind)
    with _stripe(answer) as at:
        env = environment(url=url, folder=folder) | {"STRIPE_API_BASE": at}
        db.connect(url)
        for count in workers:
            made = _payments(payments)
            words = ("worker", "--count", str(count), *(word for name in BESIDE for word in ("--but", name)))
            child = subprocess.Popen([sys.executable, "-m", "flask", "--app", "wsgi", *words], cwd=ROOT, env=env)
            try:
                # All are up, and each has done something of each kind, before anything is measured.
                _wait(_told_of(made[: 4 * count]))
                time.sleep(2)
                began = time.perf_counter()
                rest = made[4 * count :]
                _wait(_told_of(rest))
                seconds = time.perf_counter() - began
            finally:
                child.send_signal(signal.SIGTERM)
                child.wait()
            session.rollback()
            posted = session.scalar(
                select(func.count()).select_from(MoneyEffect).where(MoneyEffect.payment_id.in_(made))
            )
            if posted != len(made):
                raise AssertionError(f"{posted} of {len(made)} were settled")
            yield Settled(workers=count, answer=answer, rate=len(rest) / seconds)
    portfolio.let_go()
    databases.drop(url)


@contextmanager
def _stripe(answer: float) -> Iterator[str]:
    port = free_port()
    words = [sys.executable, "-m", "benchmarks.canned_stripe", str(port), str(answer)]
    child = subprocess.Popen(words, cwd=ROOT, env=dict(os.environ))
    try:
        time.sleep(2)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.terminate()
        child.wait()


def _payments(count: int) -> list[uuid.UUID]:
    """Write people with a debt each who have just paid, and of whom no word has come."""
    lender = lenders.by_slug(portfolio.SLUG)
    now, made = clock.now(), []
    # Another process may have written some before.
    factories._numbers = itertools.count((session.scalar(select(func.count()).select_from(Debtor)) or 0) * 4 + 1)
    with transaction() as s:
        for _number in range(count):
            debt = a_debt("900.00", lender=lender, debtor=a_debtor(lender=lender), annual_rate="0")
            payment_id = new_id()
            made.append(payment_id)
            common = {
                "lender_id": lender.id,
                "debt_id": debt.id,
                "amount_minor": canned_stripe.AMOUNT,
                "currency": "USD",
            }
            s.add(
                Payment(
                    **common, id=payment_id, reference=f"P-{payment_id.hex}", form_key=payment_id.hex,
                    debtor_id=debt.debtor_id, refunded_minor=0, state="sent",
                    session_id=canned_stripe.session_of(payment_id.hex), session_expires_at=now + timedelta(hours=1),
                    started_at=now,
                )
            )  # fmt: skip
            s.flush()
            s.add(PaymentPart(**common, payment_id=payment_id, place=1))
    return made


def _told_of(payments: list[uuid.UUID]) -> list[str]:
    """Keep the events that tell of payments, with their jobs, as the webhook does; gives the keys of the jobs."""
    lender = lenders.by_slug(portfolio.SLUG)
    work = {}
    with transaction() as s:
        for payment in payments:
            for kind in KINDS_OF_EVENT:
                row = WebhookEvent(
                    lender_id=lender.id, id=new_id(), event_id=f"evt_{new_id().hex}", kind=kind,
                    received_at=clock.now(), outcome="waiting",
                    facts={
                        "reference": str(payment), "session_id": canned_stripe.session_of(payment.hex),
                        "payment_intent_id": canned_stripe.intent_of(payment.hex),
                    },
                )  # fmt: skip
                s.add(row)
                work[f"heed:{row.event_id}"] = {"event_id": str(row.id)}
        s.flush()
        queue.many_later("payments.heed", lender_id=lender.id, work=work)
    return list(work)


def _wait(_keys: list[str]) -> None:
    """Wait until nothing waits but what is left to other workers."""
    left = select(QueuedJob.id).where(QueuedJob.state.in_(("ready", "running")), QueuedJob.name.not_in(BESIDE)).limit(1)
    while True:
        session.rollback()
        if session.scalar(left) is None:
            return
        time.sleep(0.05)


# What one costs, however much there is.


def statements(
    databases: Databases, *, kind: str, folder: Path, sizes: tuple[int, ...]
) -> dict[int, tuple[int, float]]:
    """Count the statements of settling one payment, from its event to its end, and its milliseconds, by the history."""
    url = _with_lender(databases, kind)
    found = {}
    with _stripe(0.0) as at:
        env = environment(url=url, folder=folder) | {"STRIPE_API_BASE": at}
        before = 0
        for size in sizes:
            measured(sys.executable, "-m", "benchmarks.payments", "fill", url, str(size - before), env=env)
            before = size
            databases.settle(url)
            told = json.loads(
                measured(sys.executable, "-m", "benchmarks.payments", "one", url, env=env).said.splitlines()[-1]
            )
            found[size] = told["statements"], told["ms"]
    databases.drop(url)
    return found


def fill(url: str, entries: int) -> None:
    """Write a history of so many entries of each kind: books with their postings, effects, events, jobs, records."""
    db.connect(url)
    lender = lenders.by_slug(portfolio.SLUG)
    session.rollback()
    same, now, day = Same(lender.id.hex), clock.now(), clock.today(lender.zone)
    for first in range(0, entries, 10_000):
        count = min(10_000, entries - first)
        ids, nothing = new_ids(count), Same(None)
        with transaction():
            ledger.open_books(
                lender_id=lender.id, debts=ids, currencies=["USD"] * count,
                parts={Account.PRINCIPAL: [90_000] * count}, on=day,
            )  # fmt: skip
            insert_columns(
                table_of(MoneyEffect),
                {
                    "lender_id": same, "id": ids, "key": [f"stripe:pi_{each}:payment" for each in ids],
                    "payment_id": nothing, "posting_id": nothing, "amount_minor": Same(1_000), "currency": Same("USD"),
                    "outcome": Same("posted"), "at": Same(now),
                },
            )  # fmt: skip
            insert_columns(
                table_of(WebhookEvent),
                {
                    "lender_id": same, "id": ids, "event_id": [f"evt_{each}" for each in ids],
                    "kind": Same("payment_intent.succeeded"), "facts": Same({}), "received_at": Same(now),
                    "outcome": Same("heeded"),
                },
            )  # fmt: skip
            insert_columns(
                table_of(QueuedJob),
                {
                    "id": ids, "lender_id": same, "name": Same("payments.heed"), "payload": Same({}),
                    "once_key": [f"heed:{each}" for each in ids], "waiting_key": nothing, "run_at": Same(now),
                    "state": Same("done"), "attempts": Same(1), "lease_until": nothing, "lease_token": nothing,
                    "last_error": nothing,
                },
            )  # fmt: skip
            happened = [
                Happened(Act.PAYMENT_SETTLED, debtor=each, debt=each, facts={"amount": "10.00"}) for each in ids
            ]
            record_many(happened, by=PORTAL, lender_id=lender.id)
    portfolio.let_go()


def _note(asked: list[str], statement: str, _values: object) -> None:
    asked.append(statement)


def one(url: str) -> dict[str, Any]:
    """Settle some payments in this process, and count what one of them asks of the database."""
    app = create_app()
    todo = {name: run for name, run in jobs.table(app).items() if name not in BESIDE}
    with app.app_context():
        made = _payments(12)
        counts, took = [], []
        for payment in made:
            _told_of([payment])
            asked: list[str] = []
            note = partial(_note, asked)
            # What is counted is not timed: counting takes time.
            counting = telling(session.get_bind(), note) if len(counts) < 4 else nullcontext()
            began = time.perf_counter()
            with counting:
                while queue.run_one(todo):
                    pass
            took.append(time.perf_counter() - began)
            counts.append(len(asked) or counts[-1])
    return {"statements": counts[3], "ms": statistics.median(took[4:]) * 1_000}


def latency(databases: Databases, *, kind: str, folder: Path, workers: int, times: int) -> tuple[float, float]:
    """Give how long a job waits for one of so many idle workers: in the middle, and at most, in seconds."""
    url = _with_lender(databases, kind)
    db.connect(url)
    words = ("worker", "--count", str(workers), *(word for name in BESIDE for word in ("--but", name)))
    child = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", *words], cwd=ROOT, env=environment(url=url, folder=folder)
    )
    took = []
    try:
        payment = _payments(1)[0]
        lender_id = lenders.by_slug(portfolio.SLUG).id
        with transaction() as s:
            # Nothing is to be asked of Stripe: it was never opened.
            s.execute(update(Payment).where(Payment.id == payment).values(session_id=None))
        for number in range(times + 1):
            with transaction():
                queue.later("payments.settle", lender_id=lender_id, payload={"payment_id": str(payment)})
            began = time.perf_counter()
            while True:
                session.rollback()
                if session.scalar(select(QueuedJob.id).where(QueuedJob.state != "done").limit(1)) is None:
                    break
                time.sleep(0.005)
            took += [time.perf_counter() - began] if number else []
            # At another place of the pause each time.
            time.sleep(0.35 + 0.037 * (number % 10))
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait()
    portfolio.let_go()
    databases.drop(url)
    return statistics.median(took), max(took)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["fill", where, entries]:
            fill(where, int(entries))
        case ["one", where]:
            print(json.dumps(one(where)))
