"""What people, Stripe and the worker do in a journey: short acts on a browser without JavaScript."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import urllib.request
import uuid
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from portal import jobs, queue, verify
from portal.db import Model, session, transaction
from portal.debts.statement import Standing, by_id
from portal.evidence.models import EvidenceRecord
from portal.lenders.models import Lender
from portal.money import Money
from portal.payments import checkout, stripe_gateway
from portal.payments.models import Payment
from portal.people import sign_in
from portal.people.models import Debtor
from portal.plans.models import Plan, PlanItem
from portal.plans.progress import items_of
from portal.points.award import balance_of
from portal.post.models import Message
from tests.conftest import SECRET_KEY, Clock
from tests.factories import BORN_ON, an_invitation
from tests.pages import CheckingClient, page_of
from tests.sandbox_process import Receiver, SandboxProcess

# Where mail of the portal comes from, in tests with a mail server.
FROM = "no-reply@portal.example"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def birthday(day: date = BORN_ON) -> dict[str, str]:
    """Give a date of birth as the three boxes take it."""
    return {"day": str(day.day), "month": str(day.month), "year": str(day.year)}


def come_by_link(client: CheckingClient, debt: Standing) -> TestResponse:
    """Open a link, give the date of birth, and go home."""
    token = an_invitation(lender_id=debt.lender_id, debtor_id=debt.debtor_id, key=SECRET_KEY)
    return client.fill(client.get(f"/i/{token}"), birthday(), follow=True)


def come_in(client: CheckingClient, debt: Standing) -> None:
    """Be signed in as after a link and the date of birth, by the act alone: two pages less for each of many tests."""
    mark = secrets.token_urlsafe(24)
    device = sign_in.device_of(browser="", address="127.0.0.1", device=mark, key=SECRET_KEY)
    with transaction() as s:
        debtor = s.get_one(Debtor, (debt.lender_id, debt.debtor_id))
        done = sign_in.open_session(debtor, came_by="link", device=device)
    client.set_cookie("device", mark)
    with client.session_transaction() as cookie:
        cookie["_user_id"] = f"debtor:{done.lender_id.hex}:{done.session_id.hex}:0"
        cookie["_fresh"] = True


def newest_code() -> str:
    """Read the newest one-time code from the outbox."""
    body = session.scalars(
        select(Message.body).where(Message.kind == "one_time_code").order_by(Message.id.desc()).limit(1)
    ).one()
    return re.findall(r"\d{6}", body)[0]


def ask_for_code(client: CheckingClient) -> TestResponse:
    """Ask for a one-time code on the page that takes it."""
    return client.fill(client.get("/code"), {"again": "1"})


def give_code(client: CheckingClient) -> TestResponse:
    """Ask for a one-time code and give it, so that letters open."""
    return client.fill(ask_for_code(client), {"code": newest_code()})


def shown_change(client: CheckingClient, plan: Plan, what: str, **typed: str) -> TestResponse:
    """Ask what a change of a plan would do; `what` is the end of its address."""
    address = f"/plans/{plan.reference}/change/{what}"
    page = client.get(address)
    return client.fill(page, typed, to=address) if typed else page


def change_form(page: TestResponse) -> dict[str, str]:
    """Give the form that makes the change that a page shows."""
    return dict(next(form for form in page_of(page).forms if "shown" in form.names).fields)


def change_plan(client: CheckingClient, plan: Plan, what: str, **typed: str) -> TestResponse:
    """See what a change of a plan does, and make it."""
    page = shown_change(client, plan, what, **typed)
    assert page.status_code == 200, page_of(page).words
    address = f"/plans/{plan.reference}/change/{what}"
    return client.post(address, data=change_form(page), follow_redirects=True)


def to_choices(
    client: CheckingClient, debt: Standing, *, amount: str = "100", frequency: str = "monthly", pay_day: str = "10"
) -> TestResponse:
    """Say how much and which day; gives the page of plans to choose from."""
    asked = client.get(f"/debts/{debt.reference}/what-can-you-afford")
    day = client.fill(asked, {"amount": amount, "frequency": frequency})
    return client.fill(day, {"pay_day": pay_day})


def to_check(client: CheckingClient, debt: Standing, *, choose: str = "own", **asked: str) -> TestResponse:
    """Go on to the page where a plan is checked."""
    chosen = client.fill(to_choices(client, debt, **asked), {"choose": choose})
    assert "/check-your-plan/" in chosen.request.path
    return chosen


def press(client: CheckingClient, shown: TestResponse, *, follow: bool = True) -> TestResponse:
    """Press the one button of a page's own form."""
    return client.fill(shown, to=shown.request.path, follow=follow)


def sign(client: CheckingClient, check: TestResponse, *, follow: bool = True) -> TestResponse:
    """Type the newest code on the page where a plan is checked, if it asks for one, and press its button."""
    if any("code" in form.names for form in page_of(check).forms):
        return client.fill(check, {"code": newest_code()}, follow=follow)
    return press(client, check, follow=follow)


def agree(client: CheckingClient, debt: Standing, *, choose: str = "own", **asked: str) -> Plan:
    """Walk from the amount to an agreed plan, code and all."""
    page = sign(client, to_check(client, debt, choose=choose, **asked))
    assert page.request.path.startswith("/plans/"), page.request.path
    return plan_on(debt)


def plan_on(debt: Standing) -> Plan:
    """Give the only plan that there is on a debt, as it stands now."""
    session.rollback()
    return session.scalars(select(Plan).where(Plan.lender_id == debt.lender_id, Plan.debt_id == debt.id)).one()


def plan_items(debt: Standing) -> list[PlanItem]:
    """Give the payments of the plan on a debt."""
    items = items_of(plan_on(debt))
    for item in items:
        session.expunge(item)
    return items


def to_pay(client: CheckingClient, debt: Standing) -> TestResponse:
    """Open the page that asks how much to pay."""
    return client.get(f"/pay?debt={debt.reference}")


def pay_form(
    client: CheckingClient, shown: TestResponse, debt: Standing, *, choice: str = "", amount: str = ""
) -> TestResponse:
    """Choose how much to pay and say that it was checked, at the address of the page, query and all."""
    form = next(form for form in page_of(shown).forms if "form_key" in form.names)
    values = dict(form.fields) | {"choice": choice or "other", "amount": amount, "checked": "1"}
    return client.post(f"/pay?debt={debt.reference}", data=values)


def go_pay(client: CheckingClient, debt: Standing, *, choice: str = "", amount: str = "") -> str:
    """Choose an amount, and give the address of the hosted page."""
    sent = pay_form(client, to_pay(client, debt), debt, choice=choice, amount=amount)
    assert sent.status_code == 303, page_of(sent).words
    assert "/c/pay/" in sent.location, sent.location
    return sent.location


def payment_on(debt: Standing) -> Payment:
    """Give the newest payment on a debt, as it stands now."""
    session.rollback()
    return session.scalars(
        select(Payment)
        .where(Payment.lender_id == debt.lender_id, Payment.debt_id == debt.id)
        .order_by(Payment.id.desc())
        .limit(1)
    ).one()


def now(debt: Standing) -> Standing:
    """Give a debt as it stands now."""
    session.rollback()
    return by_id(lender_id=debt.lender_id, debt_id=debt.id)


def usd(amount: str) -> Money:
    """Give an amount in the currency of the tests."""
    return Money.of(amount, "USD")


def points(debt: Standing) -> int:
    """Give the points of a person."""
    return balance_of(lender_id=debt.lender_id, debtor_id=debt.debtor_id)


def the_lease_ends() -> None:
    """Let the database's clock, which no test moves, have passed the end of every lease."""
    with transaction() as s:
        s.execute(update(queue.QueuedJob).values(lease_until=LONG_AGO))


def work(app: Flask, *, letters: bool = False, only: str | None = None) -> int:
    """Let the worker do what is due; drawing letters takes a while, so only where a test reads them.

    With `only` it does the work of that name alone.
    """
    todo = {
        name: run
        for name, run in jobs.table(app).items()
        if (letters or name != "letters.issue") and only in (None, name)
    }
    done = 0
    while queue.run_one(todo):
        done += 1
        assert done < 200, "the worker never gets done"
    return done


def command(app: Flask, *words: str) -> Result:
    """Type a command."""
    with app.app_context():
        return app.test_cli_runner().invoke(args=list(words))


def acts_of(lender_id: uuid.UUID) -> Counter[str]:
    """Count the evidence records of a lender by act."""
    session.rollback()
    return Counter(session.scalars(select(EvidenceRecord.act).where(EvidenceRecord.lender_id == lender_id)))


def rows() -> dict[str, int]:
    """Count the rows of every table."""
    session.rollback()
    return {
        table.name: session.scalar(select(func.count()).select_from(table)) or 0
        for table in Model.metadata.sorted_tables
    }


def books_agree() -> None:
    """Add everything up again by other means."""
    session.rollback()
    found = verify.run()
    assert found.lines()[-1] == "agrees", found.lines()


def read_pdf(pdf: bytes) -> str:
    """Give the text of a PDF as a reader copies it."""
    return subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True
    ).stdout.decode()


class Stripe:
    """The stand-in with its webhooks: what it sends is kept, and delivered when a test says so."""

    def __init__(self, app: Flask, sandbox: SandboxProcess, lender: Lender, clock: Clock) -> None:
        self.app = app
        self.clock = clock
        self.sandbox = sandbox
        self.slug = lender.slug
        self.receiver = Receiver()
        self.account = checkout.account_of(lender, api_base=sandbox.url)
        self.secret = stripe_gateway.register_webhook(self.account, url=self.receiver.url)
        with transaction() as s:
            s.execute(update(Lender).where(Lender.id == lender.id).values(stripe_webhook_secret=self.secret))

    def send(self, body: bytes, signature: str, *, slug: str = "") -> int:
        """Deliver one event to the portal, and give the status of its answer."""
        sender: FlaskClient = self.app.test_client()
        return sender.post(
            f"/webhooks/stripe/{slug or self.slug}",
            data=body,
            content_type="application/json",
            headers={"Stripe-Signature": signature},
        ).status_code

    def deliver(self) -> int:
        """Deliver everything that the stand-in has sent so far, in its order; gives how many deliveries."""
        self.sandbox.wait_idle()
        taken, self.receiver.taken = self.receiver.taken, []
        for body, signature in taken:
            assert self.send(body, signature) == 200
        return len(taken)

    def settle(self) -> None:
        """Deliver, and let the worker heed it."""
        self.deliver()
        work(self.app)

    def pay(self, url: str, choice: str = "works") -> str:
        """Pay on the hosted page, and give the path that it leads back to."""
        status, location, text = self.sandbox.pay(url, choice)
        assert status == 303, text
        # The stand-in's clock runs on while the portal's stands still: what has cleared lies in the past again.
        self.clock.forward(minutes=1)
        return location.removeprefix("http://localhost")


class SmsStandIn:
    """The stand-in for the SMS provider, spoken to over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url

    def order(self, what: str, **values: object) -> None:
        asked = urllib.request.Request(f"{self.url}/_sandbox/{what}", json.dumps(values).encode(), method="POST")
        urllib.request.urlopen(asked, timeout=5).close()

    def fail(self, *how: str) -> None:
        for each in how:
            self.order("faults", how=each)

    @property
    def taken(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/_sandbox/messages", timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def callbacks(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/_sandbox/callbacks", timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found
