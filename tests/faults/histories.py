"""Histories of payments, each drawn from a seed: what people, banks, staff and a bad network do, in any order.

A history is a lender of its own with one person and two debts, so many of them run side by side in one database, with
the same workers. What each must come to is reckoned from what the stand-in for Stripe has on its own books, and not by
the portal's code. When one fails, its seed and steps are printed, and with that seed it can be run alone.
"""

from __future__ import annotations

import base64
import json
import random
import subprocess
import threading
import time
import traceback
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
from flask import Flask
from sqlalchemy import and_, func, or_, select, text, update
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from portal import verify
from portal.db import session, transaction
from portal.debts.statement import Standing, by_id
from portal.evidence import log
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import OPERATOR
from portal.ledger import Book, Posting
from portal.lenders.models import Lender
from portal.money import Money
from portal.payments import checkout, disputes, giving_back, going_back, settle, stripe_gateway
from portal.payments.models import Payment, Refund
from portal.post.models import Message
from portal.queue import QueuedJob
from tests import nursery
from tests.charges import come_due
from tests.conftest import RealDatabase
from tests.factories import a_debt, a_debtor, a_lender
from tests.journeys.acts import come_in, pay_form, to_pay
from tests.nursery import Child
from tests.pages import CheckingClient
from tests.sandbox_process import SandboxProcess

ROOT = Path(__file__).resolve().parents[2]
OWED = ("900.00", "60.00")
# How webhooks come; "hostile" is doubled, late, in any order, and one of each act is lost.
DELIVERIES = ("hostile", "hostile", "hostile", "out_of_order", "doubled", "delayed", "lost", "normal")
# What goes wrong when Stripe is asked to do something: done and no answer, an error before, a broken line, too many.
TROUBLE = ("lost_answer", "500", "cut", "429")
PATIENCE_SECONDS = 180.0
# So long a lease is here: on a busy machine work takes longer, and is then done by two at once.
LEASE_SECONDS = 8.0


class Broken(AssertionError):
    """A history did not come to what it must come to."""


@dataclass
class Place:
    """What all histories on one database share: the portal, the stand-in, and workers as processes of their own."""

    app: Flask
    database: RealDatabase
    sandbox: SandboxProcess
    workers: Child
    log: Path
    url: str

    def kill_a_worker(self) -> None:
        """Kill one of several workers, as a machine would that fails; another one takes its place by itself."""
        found = psutil.Process(self.workers.pid).children()
        if found:
            random.choice(found).kill()

    def said(self) -> str:
        """Give what the workers have logged."""
        return self.log.read_text(encoding="utf-8")


@contextmanager
def a_place(
    app: Flask, database: RealDatabase, sandbox: SandboxProcess, *, workers: int, folder: Path, env: dict[str, str]
) -> Iterator[Place]:
    """Serve the portal's webhooks, and let so many workers do what is put off."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    log = folder / "workers.log"
    # Drawing a receipt takes as long as ten payments; what is drawn has tests of its own.
    words = ("worker", "--count", str(workers), "--but", "letters.issue")
    with log.open("wb") as out:
        child = nursery.start("-m", "flask", "--app", "wsgi", *words, env=env, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield Place(app, database, sandbox, child, log, f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        child.terminate()
        try:
            child.wait(timeout=30)
        finally:
            child.kill()
            child.wait()
        server.shutdown()
        serving.join()
        server.server_close()


@dataclass
class Page:
    """One time that somebody meant to pay: the pages at Stripe that it led to, and for which debt."""

    debt: int
    urls: set[str] = field(default_factory=set)

    @property
    def sessions(self) -> set[str]:
        return {url.rsplit("/", 1)[-1] for url in self.urls}


@dataclass
class History:
    """One history; `steps` is what was done, in words."""

    place: Place
    seed: int
    steps: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.pages: list[Page] = []
        self.due: uuid.UUID | None = None
        self.disputes: dict[str, bool] = {}
        self.overdrawn = False

    # Drawing and saying.

    def run(self) -> None:
        """Live it, let everything come to rest, and hold it against Stripe's own books."""
        try:
            with self.place.app.test_request_context():
                self.begin()
            self.say(self.pays)
            for _turn in range(self.random.randint(4, 8)):
                self.step()
                time.sleep(self.random.choice((0, 0, 0.1, 0.4, 0.8)))
            self.ends()
            self.check()
            if self.random.random() < 0.4:
                self.comes_again()
        except Exception as problem:
            raise Broken(self.story()) from problem
        finally:
            session.remove()

    def story(self) -> str:
        """Give the seed and the steps, and how to run this history alone."""
        kind = self.place.database.kind
        again = f"HISTORY={self.seed} .venv/bin/python -m pytest tests/faults/test_histories.py -k {kind}"
        return "\n".join([f"history {self.seed} on {kind}; alone: {again}", *(f"  {step}" for step in self.steps)])

    def say(self, act: Callable[[], str]) -> None:
        self.steps.append(f"{act.__name__} …")
        self.steps[-1] = f"{act.__name__}: {act()}"

    def step(self) -> None:
        ways = {
            self.pays: 6,
            self.pays_all_in_two_tabs: 1,
            self.a_delayed_payment_ends: 3,
            self.gives_back: 4,
            self.gives_back_at_stripe: 2,
            self.a_refund_comes_back: 2,
            self.a_bank_takes_it: 3,
            self.a_bank_decides: 3,
            self.both_at_once: 3,
            self.is_told_again: 2,
            self.cannot_read_for_a_while: 2,
            self.looks: 2,
            self.autopay_comes_due: 2,
        }
        self.say(self.random.choices(list(ways), list(ways.values()))[0])

    def trouble(self, path: str, *, often: float = 0.35) -> str:
        """Let what is asked next of Stripe go wrong, mostly with the SDK's own second try."""
        if self.random.random() > often:
            return ""
        how, count = self.random.choice(TROUBLE), self.random.choice((1, 2, 2, 4))
        self.place.sandbox.fail_next(how, count=count, path=path, method="POST", key=self.key)
        return f" ({how}, {count} times)"

    # The beginning.

    def begin(self) -> None:
        self.key = f"sk_test_history{self.seed}x{uuid.uuid4().hex[:8]}"
        lender = a_lender(slug=f"history-{self.seed}-{uuid.uuid4().hex[:6]}", stripe_secret_key=self.key)
        self.lender_id, self.slug = lender.id, lender.slug
        self.account = checkout.account_of(lender, api_base=self.place.sandbox.url)
        secret = stripe_gateway.register_webhook(self.account, url=f"{self.place.url}/webhooks/stripe/{self.slug}")
        with transaction() as s:
            s.execute(update(Lender).where(Lender.id == lender.id).values(stripe_webhook_secret=secret))
        debtor = a_debtor(lender=lender)
        self.debts: list[Standing] = [a_debt(owed, lender=lender, debtor=debtor, annual_rate="0") for owed in OWED]
        self.opened = {debt.id: debt.owed.minor for debt in self.debts}
        self.browser = self.a_browser()
        come_in(self.browser, self.debts[0])
        mode = self.random.choice(DELIVERIES)
        self.mode = mode
        self.place.sandbox.delivery(mode, seconds=0.5, key=self.key)
        self.steps.append(f"webhooks come {mode}")

    def a_browser(self) -> CheckingClient:
        made = self.place.app.test_client()
        assert isinstance(made, CheckingClient)
        return made

    def another_tab(self) -> CheckingClient:
        """A second window of the same browser."""
        tab = self.a_browser()
        for name in ("portal", "device"):
            cookie = self.browser.get_cookie(name)
            if cookie is not None:
                tab.set_cookie(name, cookie.value)
        return tab

    # What the person does.

    def opens(self, debt: int, amount: str, *, clicks: int = 1, often: float = 0.35) -> Page | None:
        """Press "pay", so many times at once, and press again while the payment service does not answer."""
        page, standing = Page(debt), self.debts[debt]
        self.trouble("/v1/checkout/sessions", often=often)
        for _form in range(2):
            shown = to_pay(self.browser, standing)
            if shown.status_code != 200:
                return None
            for _press in range(4):
                tabs = [self.browser, *(self.another_tab() for _more in range(clicks - 1))]
                answers: list[TestResponse] = at_once(
                    *(partial(pay_form, tab, shown, standing, amount=amount) for tab in tabs)
                )
                codes = {answer.status_code for answer in answers}
                if not codes <= {303, 503, 422}:
                    raise Broken(f"pay answered {codes}")
                page.urls |= {answer.location for answer in answers if answer.status_code == 303}
                if 303 in codes:
                    if len(page.urls) != 1:
                        raise Broken(f"one form led to {page.urls}")
                    if "/c/pay/" not in next(iter(page.urls)):
                        return None
                    self.pages.append(page)
                    return page
                if 422 in codes:
                    return None
                time.sleep(0.05)
        return None

    def pays(self) -> str:
        debt = self.random.choice((0, 0, 0, 1))
        amount = f"{self.random.randint(1, 45 if debt == 0 else 4)}.{self.random.randint(0, 99):02}"
        clicks = self.random.choice((1, 1, 2))
        how = self.random.choices(("works", "second_step", "declined", "bank", "leaves"), (10, 2, 2, 4, 1))[0]
        page = self.opens(debt, amount, clicks=clicks)
        done = f"{amount} on debt {debt + 1} by {how}, {clicks} clicks"
        if page is None:
            return f"{done}: no page"
        return f"{done}: {self.on_the_page(page, how)}"

    def on_the_page(self, page: Page, how: str) -> str:
        url, sandbox = next(iter(page.urls)), self.place.sandbox
        if how == "leaves":
            return "left"
        if how == "declined":
            sandbox.pay(url, "declined")
            if self.random.random() < 0.5:
                return "declined"
            how = "works"
        status = sandbox.pay(url, how)[0]
        if how == "second_step":
            yes = self.random.random() < 0.7
            sandbox.answer_bank(url, yes=yes)
            return "yes to the bank" if yes else "no to the bank"
        return str(status)

    def pays_all_in_two_tabs(self) -> str:
        """Open two pages that each pay what is owed on the small debt, and pay on both: the second is too much."""
        pages = [self.opens(1, self.left(1), often=0.0) for _tab in range(2)]
        for page in pages:
            if page is not None:
                self.on_the_page(page, "works")
        return f"{sum(page is not None for page in pages)} pages"

    def left(self, debt: int) -> str:
        session.rollback()
        book = session.get_one(Book, (self.lender_id, self.debts[debt].id), populate_existing=True)
        return book.owed.amount

    def looks(self) -> str:
        payment = self.random_payment()
        if payment is None:
            return "nothing there"
        return str(self.browser.get(f"/pay/result/{payment}").status_code)

    def random_payment(self) -> str | None:
        session.rollback()
        found = session.scalars(
            select(Payment.reference).where(Payment.lender_id == self.lender_id).order_by(Payment.id)
        ).all()
        return self.random.choice(found) if found else None

    # What banks and the lender do.

    def at_stripe(self, kind: str) -> list[dict[str, Any]]:
        """Read all objects of a kind at the stand-in, by its own interface and not by the portal's gateway."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            asked = f"/v1/{kind}?limit=100" + (f"&starting_after={after}" if after else "")
            listed = self.ask("GET", asked)
            found += listed["data"]
            if not listed["has_more"]:
                return found
            after = found[-1]["id"]

    def ask(self, method: str, path: str, **given: object) -> dict[str, Any]:
        """Ask the stand-in as the lender at Stripe's own pages would, and again where trouble was ordered."""
        for _try in range(12):
            asked = urllib.request.Request(
                self.place.sandbox.url + path, urlencode(given).encode() if given else None, method=method
            )
            asked.add_header("Authorization", "Basic " + base64.b64encode(f"{self.key}:".encode()).decode())
            if given:
                # As Stripe's pages do: pressed twice it is one.
                asked.add_header("Idempotency-Key", f"{path}:{sorted(given.items())}:{len(self.steps)}")
            try:
                with urllib.request.urlopen(asked, timeout=20) as answer:
                    found: dict[str, Any] = json.load(answer)
                    return found
            except urllib.error.HTTPError as no:
                with no:
                    told = json.load(no)
                if no.code < 500 and no.code != 429:
                    return dict(told)
            except OSError:
                time.sleep(0.02)
        raise Broken(f"{path} never answered")

    def one_of(self, kind: str, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        """Draw one of the objects at Stripe; the oldest first, so that the same seed draws the same."""
        found = [each for each in reversed(self.at_stripe(kind)) if fits(each)]
        return self.random.choice(found) if found else None

    def a_delayed_payment_ends(self) -> str:
        found = self.one_of("payment_intents", lambda each: each["status"] == "processing")
        if found is None:
            return "none"
        arrives = self.random.random() < 0.7
        self.place.sandbox.settle_payment(found["id"], succeeds=arrives)
        return "arrives" if arrives else "fails"

    def gives_back(self) -> str:
        return self._gives_back(self.one_of("payment_intents", lambda each: each["status"] == "succeeded"))

    def _gives_back(self, intent: dict[str, Any] | None) -> str:
        """Give back at our desk, as far as the portal knows by now of what was paid."""
        if intent is None:
            return "nothing paid"
        part = self.random.choice((None, 0.3, 0.5))
        trouble = self.trouble("/v1/refunds")
        key = uuid.UUID(int=self.random.getrandbits(128)).hex
        with self.place.app.test_request_context():
            session.rollback()
            row = session.scalars(
                select(Payment).where(Payment.lender_id == self.lender_id, Payment.payment_intent_id == intent["id"])
            ).one_or_none()
            if row is None:
                return "not known yet"
            payment_id = row.id
            with transaction():
                payment = giving_back.payment_locked(lender_id=self.lender_id, payment_id=payment_id)
                came = going_back.came_of(payment)
                left = giving_back.left_of(payment, came.aside)
                amount = left if part is None else Money(max(int(left.minor * part), 1), left.currency)
                asked = giving_back.ask(
                    came,
                    amount=amount,
                    reason="Asked for.",
                    form_key=key,
                    alone=True,
                    by=OPERATOR,
                    member_id=None,
                    facts={},
                )
            return f"{amount}: {type(asked).__name__}{trouble}"

    def gives_back_at_stripe(self) -> str:
        charge = self.one_of("charges", lambda each: each["status"] == "succeeded" and not each["disputed"])
        left = charge["amount_captured"] - charge["amount_refunded"] if charge else 0
        if charge is None or not left:
            return "nothing to give back"
        amount = self.random.choice((left, max(left // 3, 1)))
        done = self.ask("POST", "/v1/refunds", charge=charge["id"], amount=amount)
        return f"{amount}: {done.get('status') or done['error']['message']}"

    def a_refund_comes_back(self) -> str:
        found = self.one_of("refunds", lambda each: each["status"] in ("succeeded", "pending"))
        if found is None:
            return "none"
        arrives = found["status"] == "pending" and self.random.random() < 0.5
        self.place.sandbox.settle_refund(found["id"], succeeds=arrives)
        return "arrives" if arrives else "fails"

    def a_bank_takes_it(self) -> str:
        return self._disputed(
            self.one_of("charges", lambda each: each["status"] == "succeeded" and not each["disputed"])
        )

    def _disputed(self, charge: dict[str, Any] | None) -> str:
        if charge is None:
            return "nothing paid"
        try:
            self.place.sandbox.dispute(charge["payment_intent"])
        except AssertionError as no:
            return str(no)
        return f"{charge['amount']}, {charge['amount_refunded']} of it given back before"

    def a_bank_decides(self) -> str:
        found = self.one_of("disputes", lambda each: each["status"] not in ("won", "lost"))
        if found is None:
            return "nothing asked"
        won = self.random.random() < 0.5
        self.place.sandbox.close_dispute(found["id"], won=won)
        return "won" if won else "lost"

    def both_at_once(self) -> str:
        """Give the same money back twice at once, or while its bank takes it, or while it is still being settled."""
        what = self.random.choice(("two refunds", "refund and bank", "refund and settlement"))
        if what == "refund and settlement":
            page = self.opens(0, f"{self.random.randint(2, 30)}.00")
            if page is None:
                return "no page"
            self.on_the_page(page, "works")
            intent = self.one_of("payment_intents", lambda each: each["status"] == "succeeded")
            payment = self.random_payment()
            done = at_once(
                lambda: self._gives_back(intent), lambda: self.another_tab().get(f"/pay/result/{payment}").status_code
            )
        elif what == "refund and bank":
            charge = self.one_of("charges", lambda each: each["status"] == "succeeded" and not each["disputed"])
            intent = charge and {"id": charge["payment_intent"]}
            done = at_once(lambda: self._gives_back(intent), lambda: self._disputed(charge))
        else:
            intent = self.one_of("payment_intents", lambda each: each["status"] == "succeeded")
            done = at_once(lambda: self._gives_back(intent), lambda: self._gives_back(intent))
        return f"{what}: {', '.join(map(str, done))}"

    def is_told_again(self) -> str:
        found = self.place.sandbox.events(key=self.key)
        if not found:
            return "nothing was told"
        event = self.random.choice(found[::-1])
        self.place.sandbox.redeliver(event["id"])
        return str(event["type"])

    def cannot_read_for_a_while(self) -> str:
        how, path = self.random.choice(TROUBLE), self.random.choice(("payment_intents", "refunds", "checkout"))
        count = self.random.randint(1, 5)
        self.place.sandbox.fail_next(how, count=count, path=f"/v1/{path}", method="GET", key=self.key)
        return f"{path}: {how}, {count} times"

    def autopay_comes_due(self) -> str:
        """Let a payment of a plan be due, and its owner pay the same by hand at that moment, or not."""
        if self.due is not None:
            return "was due before"
        # What is posted while somebody makes a plan voids its quote.
        self.rests()
        session.rollback()
        charge = come_due(
            self.place.app,
            by_id(lender_id=self.lender_id, debt_id=self.debts[0].id),
            account=self.account,
            sandbox=self.place.sandbox,
            key=f"k{self.seed}",
        )
        if charge is None:
            return "nothing can be agreed to now"
        self.due = charge.id
        if self.random.random() < 0.4:
            return "alone"
        page = self.opens(0, self.random.choice(("100.00", "40.00")))
        return "beside a payment by hand: " + ("no page" if page is None else self.on_the_page(page, "works"))

    # The end: time passes, the night comes, all that was lost is told again.

    def ends(self) -> None:
        for url in {url for page in self.pages for url in page.urls}:
            found = self.ask("GET", f"/v1/checkout/sessions/{url.rsplit('/', 1)[-1]}")
            if found["status"] == "open":
                self.place.sandbox.expire(found["id"])
        for intent in self.at_stripe("payment_intents"):
            if intent["status"] == "processing":
                self.place.sandbox.settle_payment(intent["id"], succeeds=True)
        for refund in self.at_stripe("refunds"):
            if refund["status"] == "pending":
                self.place.sandbox.settle_refund(refund["id"], succeeds=True)
        self.rests()
        for refund in self.at_stripe("refunds"):
            # What was asked for at the desk and reached Stripe only now.
            if refund["status"] == "pending":
                self.place.sandbox.settle_refund(refund["id"], succeeds=True)
        self.the_night()
        self.rests()
        self.what_was_lost_is_found()
        self.rests()

    def the_night(self) -> None:
        """Ask again for what no word has come of, as `flask nightly` does for all lenders."""
        session.rollback()
        here = Payment.lender_id == self.lender_id
        paying = here & Payment.state.in_(("created", "sent", "processing"))
        known = or_(Payment.session_id.is_not(None), Payment.payment_intent_id.is_not(None))
        wanted = set(session.scalars(select(Payment.id).where(paying, known)))
        moving = [*giving_back.moving(), *disputes.moving()]
        wanted |= {payment_id for lender_id, payment_id in moving if lender_id == self.lender_id}
        with transaction():
            for payment_id in wanted:
                settle.ask(lender_id=self.lender_id, payment_id=payment_id)

    def what_was_lost_is_found(self) -> None:
        """Tell of money that went back where no word of that ever came; payments were found by the night."""
        for event in reversed(self.place.sandbox.events(key=self.key)):
            told = any(each["state"] == "delivered" for each in event["deliveries"])
            if not told and event["type"].startswith(("charge.dispute", "refund.", "charge.refunded")):
                self.place.sandbox.redeliver(event["id"])

    def rests(self) -> None:
        """Wait until nothing is under way and nothing waits; what waits for a later time has it now."""
        until, idle, brought = time.monotonic() + PATIENCE_SECONDS, 0, time.monotonic()
        given_back = brought
        while idle < 2:
            if time.monotonic() > until:
                raise Broken(f"never came to rest: {self.waiting()}")
            self.place.sandbox.wait_idle(30, key=self.key)
            session.rollback()
            # Only what waits for a morning, for a payment by hand, or for the next day's stamp may wait on.
            waits = QueuedJob.name.not_in(("letters.issue", "post.deliver", "autopay.charge", "autopay.look"))
            mine = and_(QueuedJob.lender_id == self.lender_id, QueuedJob.name != log.STAMP)
            left = session.scalar(
                select(func.count())
                .select_from(QueuedJob)
                .where(mine, waits, QueuedJob.state.in_(("ready", "running")))
            )
            if left or time.monotonic() - brought < 0.3:
                idle = 0
            else:
                idle += 1
            if time.monotonic() - brought > 0.5:
                brought = time.monotonic()
                now = datetime.now(UTC)
                with transaction() as s:
                    s.execute(update(QueuedJob).where(mine, QueuedJob.state == "ready").values(run_at=now))
                    if time.monotonic() - given_back > LEASE_SECONDS:
                        # A minute passes: whoever was killed gives back what it had, and so does who is only slow.
                        given_back = time.monotonic()
                        over = now - timedelta(seconds=1)
                        s.execute(update(QueuedJob).where(mine, QueuedJob.state == "running").values(lease_until=over))
            time.sleep(0.1)

    def waiting(self) -> list[str]:
        session.rollback()
        rows = session.execute(
            select(QueuedJob.name, QueuedJob.state, QueuedJob.attempts, QueuedJob.last_error).where(
                QueuedJob.lender_id == self.lender_id, QueuedJob.state != "done", QueuedJob.name != "letters.issue"
            )
        )
        return [f"{row.name} {row.state} {row.attempts} {row.last_error or ''}" for row in rows]

    # What must be so.

    def check(self) -> None:
        """Hold the books against what Stripe has on its own."""
        session.rollback()
        session.expire_all()
        found = verify.disagreements(self.lender_id)
        if found:
            raise Broken("verify: " + "; ".join(each.line() for each in found))
        net, of_debt = self.money_at_stripe()
        sums = self.transfers()
        # Money that we hold by Stripe left "cash" for what was paid off, and what is in suspense is of no debt.
        suspense = sums.pop("suspense", 0)
        if sums["cash:stripe"] != net:
            raise Broken(f"Stripe has moved {net}, the books {sums['cash:stripe']}")
        owed = {
            debt.id: session.get_one(Book, (self.lender_id, debt.id), populate_existing=True) for debt in self.debts
        }
        stands = {id_: book.owed.minor - book.credit.minor for id_, book in owed.items()}
        should = {id_: opened - of_debt[id_] for id_, opened in self.opened.items()}
        if sum(stands.values()) + suspense != sum(should.values()):
            raise Broken(f"owed in all {stands}, by Stripe {should}, in suspense {suspense}")
        if not self.overdrawn and (stands != should or suspense):
            raise Broken(f"owed {stands}, by Stripe {should}, in suspense {suspense}")
        self.check_each_once()
        if bad := [each for each in self.waiting() if " dead " in each or "Error" in each]:
            raise Broken(f"work that failed: {bad}")

    def money_at_stripe(self) -> tuple[int, Counter[uuid.UUID]]:
        """Add up what moved by Stripe's own balance, in all and by debt; from which page a payment came tells the debt.

        Where a bank took more than was there at any time, nobody can say by debt what is whose.
        """
        debt_of_session = {each: self.debts[page.debt].id for page in self.pages for each in page.sessions}
        of_intent = {
            each["payment_intent"]: debt_of_session[each["id"]]
            for each in self.at_stripe("checkout/sessions")
            if each["payment_intent"] and each["id"] in debt_of_session
        }
        intent_of = {each["id"]: each["payment_intent"] for each in self.at_stripe("charges")}
        charge_of = {each["id"]: each["charge"] for what in ("refunds", "disputes") for each in self.at_stripe(what)}
        net, of_debt, here = 0, Counter[uuid.UUID](), Counter[str]()
        for each in reversed(self.at_stripe("balance_transactions")):
            intent = intent_of[charge_of.get(each["source"], each["source"])]
            net += each["amount"]
            here[intent] += each["amount"]
            self.overdrawn |= here[intent] < 0
            # What no page of ours brought was taken by autopay, for the first debt.
            of_debt[of_intent.get(intent, self.debts[0].id)] += each["amount"]
        return net, of_debt

    def transfers(self) -> Counter[str]:
        """Add the transfers up by account, for what is the lender's own."""
        sums: Counter[str] = Counter()
        rows = session.execute(
            text(
                "select from_account, to_account, sum(amount_minor) as minor from transfer "
                "where lender_id = :lender group by from_account, to_account"
            ),
            {"lender": self.lender_id if self.place.database.kind == "postgresql" else self.lender_id.hex},
        )
        for row in rows:
            sums[row.to_account] += int(row.minor)
            sums[row.from_account] -= int(row.minor)
        return sums

    def check_each_once(self) -> None:
        """Each time that somebody meant to pay was charged once at most, recorded once, and told once."""
        paid = [each for each in self.at_stripe("payment_intents") if each["status"] == "succeeded"]
        ours = Counter(each["metadata"]["payment"] for each in paid)
        if ours and max(ours.values()) > 1:
            raise Broken(f"charged twice: {ours}")
        acts = Counter(session.scalars(select(EvidenceRecord.act).where(EvidenceRecord.lender_id == self.lender_id)))
        if acts["payment_settled"] + acts["payment_set_aside"] != len(paid):
            raise Broken(f"{len(paid)} payments and {acts}")
        told = session.scalar(
            select(func.count())
            .select_from(Message)
            .where(Message.lender_id == self.lender_id, Message.kind == "payment_received")
        )
        if told != acts["payment_settled"]:
            raise Broken(f"{acts['payment_settled']} settled and {told} told")
        states = Counter(session.scalars(select(Payment.state).where(Payment.lender_id == self.lender_id)))
        if states["created"] + states["sent"] + states["processing"] > self.may_still_wait():
            raise Broken(f"payments that nobody followed: {states}")
        refunds = Counter(session.scalars(select(Refund.state).where(Refund.lender_id == self.lender_id)))
        if refunds["asked"] + refunds["approved"] + refunds["sent"]:
            raise Broken(f"refunds that nobody followed: {refunds}")

    def may_still_wait(self) -> int:
        """Count payments that were written down and never got a page, as when Stripe did not answer, and autopay's."""
        session.rollback()
        here = Payment.lender_id == self.lender_id
        nobody = Payment.session_id.is_(None) & (Payment.payment_intent_id.is_(None) | (Payment.autopay == "taken"))
        return session.scalar(select(func.count()).select_from(Payment).where(here, nobody)) or 0

    def comes_again(self) -> None:
        """Tell everything again, days later: nothing changes."""
        session.rollback()
        count = select(func.count()).select_from(Posting).where(Posting.lender_id == self.lender_id)
        before = session.scalar(count), self.transfers()
        events = [each["id"] for each in self.place.sandbox.events(key=self.key)]
        self.random.shuffle(events)
        self.steps.append(f"all {len(events)} events come again")
        for event_id in events:
            self.place.sandbox.redeliver(event_id)
        self.rests()
        session.rollback()
        if (session.scalar(count), self.transfers()) != before:
            raise Broken("told again, the books changed")
        self.check()


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do things in threads that start together; gives what each gave."""
    if len(acts) == 1:
        return [acts[0]()]
    start = threading.Barrier(len(acts))

    def do(act: Callable[[], Any]) -> Any:
        try:
            start.wait(timeout=30)
            return act()
        finally:
            session.remove()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [one.result() for one in [pool.submit(do, act) for act in acts]]


def run_all(place: Place, seeds: list[int], *, side_by_side: int, kill_every: float | None) -> list[str]:
    """Live many histories, so many side by side, and now and then kill a worker; gives the stories of what broke."""
    broken: list[str] = []
    over = threading.Event()

    def kills() -> None:
        while kill_every is not None and not over.wait(kill_every):
            place.kill_a_worker()

    def live(seed: int) -> None:
        history = History(place, seed)
        try:
            history.run()
            if len(seeds) == 1:
                print(history.story())  # noqa: T201 - asked for by its seed
        except Broken as problem:
            why = problem.__cause__
            where = "".join(traceback.format_tb(why.__traceback__)[-3:]) if why else ""
            broken.append(f"{problem}\n  {type(why).__name__}: {why}\n{where}")

    killing = threading.Thread(target=kills)
    killing.start()
    try:
        with ThreadPoolExecutor(side_by_side) as pool:
            list(pool.map(live, seeds))
    finally:
        over.set()
        killing.join()
    return broken
