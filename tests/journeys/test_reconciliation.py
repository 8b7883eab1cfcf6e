"""The books against Stripe: what never came is found and settled once; fees and payouts have their place, and tie."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from portal import verify
from portal.db import new_id, session, transaction
from portal.debts.statement import Standing
from portal.finance import chart, journal
from portal.ledger import Account, Posting, Transfer
from portal.lenders.models import Lender
from portal.payments import reconcile, settle, stripe_gateway
from portal.payments.models import (
    MoneyEffect,
    Payment,
    Payout,
    Reconciliation,
    ReconciliationLine,
    SetAside,
    WebhookEvent,
)
from portal.people.models import Debtor
from portal.queue import QueuedJob
from portal.staff.roles import Role
from portal.verify import Kind
from tests.conftest import Clock
from tests.factories import a_debt, a_debtor
from tests.journeys.acts import Stripe, acts_of, books_agree, come_in, command, go_pay, now, payment_on, usd, work
from tests.journeys.staff import cheap
from tests.journeys.test_money_back import at_work, limit
from tests.pages import CheckingClient, page_of

BEAN_CHECK = Path(sys.executable).with_name("bean-check")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


def days_pass(stripe: Stripe, clock: Clock, days: float) -> None:
    """Let time pass for both."""
    clock.forward(days=days)
    stripe.sandbox.set_clock(int(clock.at.timestamp()))


def night(app: Flask, stripe: Stripe, clock: Clock) -> None:
    """Let the books be held against Stripe, to the end."""
    with app.app_context():
        reconcile.begin_all()
    for _look in range(3):
        work(app)
        clock.forward(minutes=2)
    session.rollback()
    open_ = select(func.count()).select_from(Reconciliation).where(Reconciliation.finished_at.is_(None))
    assert session.scalar(open_) == 0, session.execute(
        select(QueuedJob.name, QueuedJob.state, QueuedJob.last_error).where(QueuedJob.state != "done")
    ).all()


def lines() -> dict[str, str]:
    """Give what each line says, by the end of its key."""
    session.rollback()
    rows = session.execute(select(ReconciliationLine.key, ReconciliationLine.state))
    return {re.sub(r"^stripe:[a-z]+_\w+:?", "", row.key): row.state for row in rows}


def stands(account: Account, currency: str = "USD") -> int:
    """Give what stands in an account of the books, in minor units."""
    session.rollback()

    def moved(column: object) -> int:
        total = select(func.coalesce(func.sum(Transfer.amount_minor), 0))
        return int(session.scalar(total.where(column == account.value, Transfer.currency == currency)) or 0)

    return moved(Transfer.to_account) - moved(Transfer.from_account)


def fee_of(amount: int) -> int:
    """Give the stand-in's fee."""
    return -(-amount * 29 // 1000) + 30


def test_a_payment_whose_webhooks_never_came_is_found_and_settled_once(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    stripe.sandbox.delivery("lost")
    stripe.pay(go_pay(client, debt, amount="100"))
    # Nobody comes back to the page, and no webhook comes: nothing is known of it.
    assert now(debt).owed == usd("900.00")
    days_pass(stripe, clock, 1)
    night(app, stripe, clock)
    assert now(debt).owed == usd("800.00")
    assert lines() == {"payment": "matched"}
    assert stands(Account.CASH_STRIPE) == 10_000 - fee_of(10_000)
    assert stands(Account.PROCESSING_FEES) == fee_of(10_000)
    assert acts_of(debt.lender_id)["payment_settled"] == acts_of(debt.lender_id)["fees_booked"] == 1
    # What it found is stored as the webhook would have, so that one that comes now is a second telling.
    for event in stripe.sandbox.events():
        stripe.sandbox.delivery("normal")
        stripe.sandbox.redeliver(event["id"])
    stripe.settle()
    assert session.scalar(select(func.count(func.distinct(WebhookEvent.event_id)))) == session.scalar(
        select(func.count()).select_from(WebhookEvent)
    )
    # The same night again, and the next one: nothing is booked twice.
    for days in (0, 1):
        days_pass(stripe, clock, days)
        night(app, stripe, clock)
    assert session.scalar(select(func.count()).select_from(MoneyEffect)) == 1
    assert stands(Account.PROCESSING_FEES) == fee_of(10_000)
    assert now(debt).owed == usd("800.00")
    books_agree()


def test_refunds_disputes_and_payouts_tie_to_the_cent(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender, clock: Clock
) -> None:
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="100"))
    stripe.settle()
    number, intent = payment_on(debt).reference, payment_on(debt).payment_intent_id or ""
    assert command(app, "refund", number, "--lender", lender.slug, "--amount", "30").exit_code == 0
    clock.forward(minutes=1)
    stripe.settle()
    dispute = stripe.sandbox.dispute(intent)
    stripe.sandbox.close_dispute(dispute, won=True)
    stripe.sandbox.book(intent, "stripe_fee", amount=-250)
    # Something else that the lender sells by the same account, and a top-up.
    stripe.sandbox.book(intent, "topup", amount=4_000)
    stripe.settle()
    days_pass(stripe, clock, 1)
    night(app, stripe, clock)
    assert lines() == {
        "payment": "matched", "refund": "matched", "withdrawn:1": "matched", "reinstated:1": "matched", "": "fee",
    }  # fmt: skip
    # The fee of a dispute that was won came back.
    assert (stands(Account.PROCESSING_FEES), stands(Account.DISPUTE_FEES)) == (fee_of(10_000) + 250, 0)
    books_agree()
    ours = 7_000 - fee_of(10_000) - 250
    assert stands(Account.CASH_STRIPE) == ours
    # What is available is paid out, arrives a day later, and is in the books when it did.
    days_pass(stripe, clock, 2)
    night(app, stripe, clock)
    row = session.scalars(select(Payout)).one()
    assert (row.state, row.amount_minor, row.ours_minor, row.posting_id) == ("tied", ours + 4_000, ours, None)
    payout_id = row.payout_id
    browser, _worker = at_work(app, lender, "Fin")
    assert page_of(browser.get("/staff/payouts")).says("On its way, and adds up")
    days_pass(stripe, clock, 1)
    night(app, stripe, clock)
    assert (stands(Account.CASH_STRIPE), stands(Account.PAID_OUT)) == (0, ours)
    browser, _worker = at_work(app, lender, "Sue")
    assert page_of(browser.get("/staff/payouts")).says("Arrived, and adds up")
    books_agree()
    # The bank sends it back, days later.
    stripe.sandbox.send_back(payout_id)
    days_pass(stripe, clock, 1)
    night(app, stripe, clock)
    assert (stands(Account.CASH_STRIPE), stands(Account.PAID_OUT)) == (ours, 0)
    browser, _worker = at_work(app, lender, "Sam")
    assert page_of(browser.get("/staff/payouts")).says("Did not arrive")
    assert acts_of(lender.id)["payout_booked"] == acts_of(lender.id)["payout_came_back"] == 1
    books_agree()


def test_each_kind_of_difference_has_its_name(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender, clock: Clock
) -> None:
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="100"))
    stripe.settle()
    intent = payment_on(debt).payment_intent_id or ""
    lender_id = debt.lender_id
    # The books have what Stripe never had; first it may be on its way.
    with transaction() as s:
        s.add(
            MoneyEffect(
                lender_id=lender_id, id=new_id(), key="stripe:pi_nobodys:payment", amount_minor=500, currency="USD",
                outcome="noted", at=clock.at,
            )
        )  # fmt: skip
        # And one that differs by a cent.
        s.execute(
            update(MoneyEffect)
            .where(MoneyEffect.key == f"stripe:{intent}:payment")
            .values(amount_minor=MoneyEffect.amount_minor + 1)
        )
    night(app, stripe, clock)
    states = {key: state for key, state in session.execute(select(ReconciliationLine.key, ReconciliationLine.state))}
    assert states == {"stripe:pi_nobodys:payment": "waiting", f"stripe:{intent}:payment": "differs"}
    with transaction() as s:
        s.execute(
            update(MoneyEffect)
            .where(MoneyEffect.key == f"stripe:{intent}:payment")
            .values(amount_minor=MoneyEffect.amount_minor - 1)
        )
    days_pass(stripe, clock, 1)
    night(app, stripe, clock)
    states = {key: state for key, state in session.execute(select(ReconciliationLine.key, ReconciliationLine.state))}
    assert states == {"stripe:pi_nobodys:payment": "missing", f"stripe:{intent}:payment": "matched"}
    browser, _worker = at_work(app, lender, "Fin")
    page = page_of(browser.get("/staff/reconciliation?state=wrong"))
    assert page.says("Missing at Stripe") and page.says("$5.00") and not page.says("$100.00")
    assert page_of(browser.get("/staff/reconciliation?state=extra")).says("No movement stands like this")
    assert page_of(browser.get("/staff/reconciliation?currency=USD")).says("$100.00")
    found = list(
        csv.DictReader(io.StringIO(browser.get("/staff/reconciliation.csv?state=missing").text.lstrip("\ufeff")))
    )
    assert [(row["key"], row["in the books"], row["at Stripe"]) for row in found] == [
        ("stripe:pi_nobodys:payment", "5.00", "")
    ]


def test_money_at_stripe_that_the_books_lack_is_extra_until_it_is_settled(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_in(client, debt)
    stripe.sandbox.delivery("lost")
    stripe.pay(go_pay(client, debt, amount="100"))
    days_pass(stripe, clock, 1)

    # Nothing that settles works tonight.
    def broken(**_given: object) -> None:
        raise RuntimeError("broken tonight")

    with monkeypatch.context() as tonight:
        tonight.setattr(settle, "settle", broken)
        night(app, stripe, clock)
        assert lines() == {"payment": "extra"}
        # What Stripe kept of it is a cost all the same.
        assert stands(Account.PROCESSING_FEES) == fee_of(10_000)
        books_agree()
    days_pass(stripe, clock, 1)
    night(app, stripe, clock)
    assert lines() == {"payment": "matched"}
    assert now(debt).owed == usd("800.00")
    books_agree()


def test_what_was_set_aside_is_suspense_and_matches_once_it_is_placed(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender, clock: Clock
) -> None:
    come_in(client, debt)
    back = stripe.pay(go_pay(client, debt, amount="60"))
    with transaction() as s:
        s.execute(update(Payment).where(Payment.reference == back.split("/")[-1]).values(amount_minor=5_000))
    stripe.settle()
    days_pass(stripe, clock, 1)
    night(app, stripe, clock)
    assert lines() == {"payment": "suspense"}
    browser, _worker = at_work(app, lender, "Fin")
    assert page_of(browser.get("/staff/reconciliation")).says("Matches, and waits to be placed")
    where = f"/staff/suspense/{session.scalars(select(SetAside.id)).one()}"
    check = browser.fill(browser.get(where), {"debt": debt.reference, "why": "It was theirs."})
    browser.fill(check, {"check": ""})
    days_pass(stripe, clock, 1)
    night(app, stripe, clock)
    assert lines() == {"payment": "matched"}
    books_agree()


def test_a_delayed_payment_and_a_refund_on_its_way_are_not_missing(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender, clock: Clock
) -> None:
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="100"), "bank")
    stripe.settle()
    intent = payment_on(debt).payment_intent_id or ""
    days_pass(stripe, clock, 1)
    night(app, stripe, clock)
    # Nothing was booked at Stripe, and nothing is in the books.
    assert lines() == {}
    stripe.sandbox.settle_payment(intent, succeeds=True)
    stripe.settle()
    assert command(app, "refund", payment_on(debt).reference, "--lender", lender.slug, "--amount", "30").exit_code == 0
    stripe.settle()
    days_pass(stripe, clock, 3)
    night(app, stripe, clock)
    assert lines() == {"payment": "matched", "refund": "waiting"}
    refund = stripe_gateway.read_payment(stripe.account, payment_intent_id=intent).refunds[0].id
    # It fails before it ever arrived: out and in again at Stripe alone.
    stripe.sandbox.settle_refund(refund, succeeds=False)
    stripe.settle()
    days_pass(stripe, clock, 1)
    night(app, stripe, clock)
    assert lines() == {"payment": "matched", "refund": "undone", "refund_failed": "undone"}
    assert stands(Account.CASH_STRIPE) + stands(Account.PAID_OUT) == 10_000 - fee_of(10_000)
    books_agree()


def test_where_stripe_books_in_another_currency_each_one_balances(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="1"))
    stripe.settle()
    stripe.sandbox.settle_in(payment_on(debt).payment_intent_id or "", "eur", 0.5)
    other = a_debt("500.00", lender=session.get_one(Lender, debt.lender_id), reference="PL-OTHER")
    come_in(client, other)
    stripe.pay(go_pay(client, other, amount="100"))
    stripe.settle()
    days_pass(stripe, clock, 1)
    night(app, stripe, clock)
    assert set(lines().values()) == {"matched"}
    assert (stands(Account.EXCHANGE), stands(Account.EXCHANGE, "EUR")) == (10_000, -5_000)
    assert stands(Account.CASH_STRIPE) == 100 - fee_of(100)
    assert stands(Account.CASH_STRIPE, "EUR") == 5_000 - fee_of(10_000)
    books_agree()
    days_pass(stripe, clock, 4)
    for _night in range(2):
        night(app, stripe, clock)
        days_pass(stripe, clock, 2)
    assert {row.currency: row.state for row in session.scalars(select(Payout))} == {"USD": "tied", "EUR": "tied"}
    assert stands(Account.PAID_OUT, "EUR") == 5_000 - fee_of(10_000)
    books_agree()


def test_a_payout_by_hand_says_so_and_one_that_does_not_add_up_is_never_booked(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender, clock: Clock
) -> None:
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="100"))
    stripe.settle()
    stripe.sandbox.pay_out_by_hand(payment_on(debt).payment_intent_id or "", 5_000)
    days_pass(stripe, clock, 1.5)
    night(app, stripe, clock)
    assert session.scalars(select(Payout.state)).one() == "by_hand"
    assert (stands(Account.PAID_OUT), stands(Account.CASH_STRIPE)) == (5_000, 5_000 - fee_of(10_000))
    books_agree()
    days_pass(stripe, clock, 1)
    night(app, stripe, clock)
    with transaction() as s:
        s.execute(update(Payout).where(Payout.state == "tied").values(state="differs", counted_minor=1))
        s.execute(update(Payout).where(Payout.state == "by_hand").values(ours_minor=5_001))
    assert Kind.PAYOUT in {each.kind for each in verify.disagreements(lender.id)}


def test_each_wrong_unit_is_found_by_verify(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender, clock: Clock
) -> None:
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="100"))
    stripe.settle()
    for days in (1, 2, 2):
        days_pass(stripe, clock, days)
        night(app, stripe, clock)
    assert stands(Account.PAID_OUT) == 10_000 - fee_of(10_000)
    books_agree()
    line, payout = ReconciliationLine, Payout
    fees = select(Posting.id).where(Posting.kind == "stripe_fee")
    for kind, wrong in (
        (Kind.RECONCILIATION, update(line).values(books_minor=line.books_minor + 1)),
        (Kind.RECONCILIATION, update(line).values(stripe_minor=line.stripe_minor - 1)),
        (Kind.RECONCILIATION, update(line).values(fee_minor=line.fee_minor + 1)),
        (Kind.RECONCILIATION, update(line).values(fee_posting_id=None)),
        (Kind.RECONCILIATION, update(Transfer).where(Transfer.posting_id.in_(fees)).values(amount_minor=1)),
        (Kind.PAYOUT, update(payout).values(ours_minor=payout.ours_minor + 1)),
        (Kind.PAYOUT, update(payout).values(counted_minor=payout.counted_minor + 1)),
        (Kind.PAYOUT, update(payout).values(posting_id=None)),
    ):
        session.rollback()
        session.execute(wrong)
        assert kind in {each.kind for each in verify.disagreements(lender.id)}, wrong
    session.rollback()


def test_pages_are_for_finance_and_the_auditor_and_begin_empty(app: Flask, lender: Lender) -> None:
    browser, _worker = at_work(app, lender, "Fin")
    auditor, _auditor = at_work(app, lender, "Aud", Role.AUDITOR)
    helper, _helper = at_work(app, lender, "Hel", Role.HELPDESK)
    for who in (browser, auditor):
        assert page_of(who.get("/staff/reconciliation")).says("Not held against Stripe yet")
        assert page_of(who.get("/staff/payouts")).says("Nothing was paid out yet")
        assert page_of(who.get("/staff/journal")).says("Assets:Receivable:Principal")
    for path in ("reconciliation", "reconciliation.csv", "payouts", "payouts.csv", "journal", "journal/file"):
        assert helper.get(f"/staff/{path}").status_code == 403


def bean_check(text: str, folder: Path) -> str:
    """Let beancount's own program check a journal; gives what it says against it."""
    file = folder / "books.beancount"
    file.write_text(text, encoding="utf-8")
    done = subprocess.run([BEAN_CHECK, file], capture_output=True, text=True, timeout=120, check=False)
    return done.stderr + done.stdout


def test_bean_check_accepts_the_journal_of_a_history_and_finds_a_wrong_cent(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender, clock: Clock, tmp_path: Path
) -> None:
    # Signs that would end a text or begin a comment, in the one thing of a person's that stands in a journal.
    odd = a_debt("250.00", lender=lender, reference='PL;"1",\\|')
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="100"))
    stripe.settle()
    days_pass(stripe, clock, 30)
    night(app, stripe, clock)
    limit(lender, "100.00")
    assert command(app, "refund", payment_on(debt).reference, "--lender", lender.slug, "--amount", "30").exit_code == 0
    stripe.settle()
    dispute = stripe.sandbox.dispute(payment_on(debt).payment_intent_id or "")
    stripe.settle()
    stripe.sandbox.close_dispute(dispute, won=False)
    stripe.settle()
    for _night in range(3):
        days_pass(stripe, clock, 1)
        night(app, stripe, clock)
    books_agree()
    browser, _worker = at_work(app, lender, "Fin")
    texts = {}
    for month in ("2026-05", "2026-06"):
        answer = browser.get(f"/staff/journal/file?month={month}&language=beancount")
        assert answer.headers["Content-Disposition"].endswith(f'-{month}.beancount"')
        text = texts[month] = answer.text
        assert bean_check(text, tmp_path) == ""
        made = command(app, "journal", month, "--lender", lender.slug)
        assert made.output == text
    assert debt.reference in texts["2026-05"] and "opening balances" in texts["2026-06"]
    name = session.scalars(select(Lender.name).where(Lender.id == lender.id)).one()
    assert name in texts["2026-05"]
    # Nobody is named in it.
    for person in session.scalars(select(Debtor.name)):
        assert person not in "".join(texts.values())
    assert odd.reference.replace("\\", "\\\\").replace('"', '\\"') in texts["2026-05"]
    # The assertions are the books': cash is what verify would count.
    at_the_end = re.findall(r"^2026-07-01 balance Assets:Stripe +(\S+) ~ 0 USD", texts["2026-06"], re.M)
    assert at_the_end == [f"{stands(Account.CASH_STRIPE) / 100:.2f}"]
    # One cent more anywhere, and it is found.
    text = texts["2026-06"]
    cut = re.sub(r"(Expenses:Processing-Fees  )(\d+)\.(\d)(\d) USD", r"\g<1>9\2.\3\4 USD", text, count=1)
    assert cut != text and "not balance" in bean_check(cut, tmp_path)
    wrong = re.sub(
        r"(balance Assets:Stripe  )(-?\d+)\.(\d)(\d) ", lambda m: f"{m[1]}{m[2]}.{m[3]}{9 - int(m[4])} ", text
    )
    assert wrong != text and "Balance failed" in bean_check(wrong, tmp_path)


def test_hledger_accepts_the_journal(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender, clock: Clock, tmp_path: Path
) -> None:
    a_debt("250.00", lender=lender, reference='PL;"1",\\|')
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="100"))
    stripe.settle()
    days_pass(stripe, clock, 1)
    night(app, stripe, clock)
    made = command(app, "journal", "2026-05", "--lender", lender.slug, "--for", "hledger")
    file = tmp_path / "books.journal"
    file.write_text(made.output, encoding="utf-8")
    done = subprocess.run(
        ["hledger", "-f", file, "check", "--strict"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    wrong = re.sub(r"(= )(-?\d+)\.(\d\d) USD", r"\g<1>\2.98 USD", made.output, count=1)
    file.write_text(wrong, encoding="utf-8")
    done = subprocess.run(["hledger", "-f", file, "check"], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0 and "assertion" in done.stderr


def test_a_lender_names_its_accounts_by_command(app: Flask, lender: Lender, tmp_path: Path) -> None:
    file = tmp_path / "names.toml"
    file.write_text('"cash:stripe" = "Assets:Bank:1361"\nprincipal = "Assets:1410-Loans"\n')
    done = command(app, "account-names", str(file), "--lender", lender.slug)
    assert (
        '"cash:stripe" = "Assets:Bank:1361"' in done.output
        and '"interest" = "Assets:Receivable:Interest"' in done.output
    )
    assert acts_of(lender.id)["accounts_named"] == 1
    assert command(app, "account-names", str(file), "--lender", lender.slug).exit_code == 0
    assert acts_of(lender.id)["accounts_named"] == 1
    for wrong in ('principal = "assets:x"', 'nothing = "Assets:X"', "principal = 1", "principal"):
        file.write_text(wrong)
        refused = command(app, "account-names", str(file), "--lender", lender.slug)
        assert refused.exit_code == 1 and "Traceback" not in refused.output, refused.output
    assert journal.names_of(lender.id)["principal"] == "Assets:1410-Loans"
    assert command(app, "journal", "2026-13", "--lender", lender.slug).exit_code == 1


def test_every_account_has_a_name() -> None:
    assert {account.value for account in Account} == set(chart.NAMES)
    assert len(set(chart.NAMES.values())) == len(chart.NAMES)
    assert all(chart.is_name(name) for name in chart.NAMES.values())


def test_a_page_and_a_month_of_many_lines_go_on_by_key(app: Flask, lender: Lender, clock: Clock) -> None:
    debt = a_debt(lender=lender, debtor=a_debtor(lender=lender))
    with transaction() as s:
        for number in range(120):
            on = clock.at.date() - timedelta(days=number % 3)
            s.add(
                ReconciliationLine(
                    lender_id=debt.lender_id, id=new_id(), key=f"stripe:pi_{number}:payment", kind="charge", on=on,
                    state="extra" if number % 10 == 0 else "fee", stripe_minor=number + 1, currency="USD",
                    transaction_id=f"txn_{number}", settled_minor=number + 1, settled_currency="USD", fee_minor=0,
                    on_its_way=False, came_to_nothing=False, began_at=clock.at, looked_at=clock.at,
                )
            )  # fmt: skip
    browser, _worker = at_work(app, lender, "Fin")
    for query, count in (("state=all", 120), ("state=extra", 12), ("state=wrong", 12), ("state=fee", 108)):
        seen, path = [], f"/staff/reconciliation?{query}"
        for _page in range(5):
            page = browser.get(path)
            seen += re.findall(r'<td class="number">\$(\d+\.\d\d)', page.text)
            following = re.search(r'href="(/staff/reconciliation\?[^"]*after=[^"]+)"', page.text)
            if following is None:
                break
            path = following[1].replace("&amp;", "&")
        assert len(seen) == len(set(seen)) == count, query
    # A key that is none is the beginning.
    for nonsense in ("x", "9_2026-05-04_" + "0" * 32, "0_x_y", "0_2026-05-04_zz", "-5_2026-05-04_" + "0" * 32):
        assert browser.get("/staff/reconciliation", query_string={"after": nonsense}).status_code == 200
