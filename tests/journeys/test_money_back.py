"""Money back by staff, by a bank, and money that nobody could place: each once, told calmly, and the books agree."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal import verify
from portal.db import new_id, session, transaction
from portal.debts.models import Debt
from portal.debts.statement import Standing
from portal.evidence.record import OPERATOR
from portal.finance import acts, views
from portal.ledger import Transfer
from portal.lenders.models import Lender
from portal.money import Money
from portal.payments import settle, stripe_gateway
from portal.payments.models import Dispute, MoneyEffect, Payment, Refund, SetAside
from portal.post.models import Message
from portal.staff.roles import Role
from portal.verify import Kind
from tests.journeys.acts import (
    Stripe,
    acts_of,
    agree,
    books_agree,
    come_in,
    command,
    go_pay,
    now,
    payment_on,
    plan_items,
    points,
    usd,
)
from tests.journeys.staff import Worker, a_client, a_worker, cheap, come_to_work
from tests.pages import CheckingClient, page_of


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


def at_work(app: Flask, lender: Lender, name: str, role: Role = Role.FINANCE) -> tuple[CheckingClient, Worker]:
    """A colleague of finance, signed in, each in a browser of another kind."""
    worker = a_worker(app, lender, role, name=name, email=f"{name.lower()}@linden.example")
    browser = a_client(app)
    come_to_work(browser, worker)
    return browser, worker


def limit(lender: Lender, amount: str) -> None:
    with transaction():
        acts.set_limit(lender_id=lender.id, limit=usd(amount), by=OPERATOR)


def paid(client: CheckingClient, debt: Standing, stripe: Stripe, **how: str) -> str:
    back = stripe.pay(go_pay(client, debt, **how))
    stripe.settle()
    return back


def told(debt: Standing) -> list[str]:
    session.rollback()
    return list(session.scalars(select(Message.kind).where(Message.lender_id == debt.lender_id).order_by(Message.id)))


def ask(browser: CheckingClient, debt: Standing, amount: str) -> str:
    """Fill in how much goes back, read what it does and confirm; gives where that leads."""
    path = f"/staff/people/{debt.debtor_id}/payments/{payment_on(debt).reference}/give-back"
    check = browser.fill(browser.get(path), {"amount": amount, "why": "Paid by mistake."}, follow=False)
    assert check.status_code == 200, page_of(check).words
    done = browser.fill(check, {"check": ""}, follow=False)
    assert done.status_code == 303, page_of(done).words
    return done.location


def a_payment_row(s: Session, debt: Standing, at: datetime) -> Payment:
    """A payment that came, as a row alone."""
    payment = Payment(
        lender_id=debt.lender_id, id=new_id(), reference="P-1", form_key="f", debtor_id=debt.debtor_id, debt_id=debt.id,
        amount_minor=10_000, currency="USD", state="succeeded", session_expires_at=at, payment_intent_id="pi_x",
        started_at=at,
    )  # fmt: skip
    s.add(payment)
    s.flush()
    return payment


def later(stripe: Stripe) -> None:
    stripe.clock.forward(minutes=1)
    stripe.settle()


def test_a_refund_below_the_limit_goes_back_once_and_everything_follows(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender
) -> None:
    come_in(client, debt)
    agree(client, debt)
    back = paid(client, debt, stripe, choice="next")
    assert points(debt) == 10
    limit(lender, "200.00")
    browser, _worker = at_work(app, lender, "Fin")
    path = f"/staff/people/{debt.debtor_id}/payments/{payment_on(debt).reference}/give-back"
    # More than was paid is refused, and what was typed is kept.
    wrong = page_of(browser.fill(browser.get(path), {"amount": "100.01", "why": "Twice."}))
    assert wrong.says("That is more than can go back. It is at most $100.00.")
    check = browser.fill(browser.get(path), {"amount": "100.00", "why": "Paid by mistake."}, follow=False)
    page = page_of(check)
    assert page.says("$800.00 is left now, and $900.00 afterwards") and page.says("10 points are taken back")
    assert page.says("1 instalment does not count as paid any more")
    # Looking at it changed nothing.
    assert (now(debt).owed, points(debt)) == (usd("800.00"), 10)
    books_agree()
    first, second = (browser.fill(check, {"check": ""}, follow=False).location for _click in range(2))
    assert first == second
    later(stripe)
    assert (now(debt).owed, points(debt), plan_items(debt)[0].kept_at) == (usd("900.00"), 0, None)
    row = session.scalars(select(Refund)).one()
    refund_id = row.refund_id or ""
    assert (row.state, row.decided_by, payment_on(debt).state) == ("done", None, "refunded")
    assert acts_of(lender.id)["payment_refunded"] == acts_of(lender.id)["refund_asked"] == 1
    assert told(debt).count("money_given_back") == 1
    assert page_of(client.get(back)).says("All of it was given back.")
    assert page_of(client.get("/timeline")).says("$100.00 is on its way back to you")
    assert page_of(browser.get("/staff/refunds")).says("Given back")
    books_agree()
    # It fails after all: it is undone in the books, and shown.
    stripe.sandbox.settle_refund(refund_id, succeeds=False)
    later(stripe)
    assert (now(debt).owed, points(debt)) == (usd("800.00"), 10)
    assert page_of(browser.get(first)).says("Did not arrive; it counts as paid again")
    assert told(debt).count("money_came_back") == 1
    books_agree()


def test_above_the_limit_a_second_person_decides_and_never_oneself(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender
) -> None:
    come_in(client, debt)
    paid(client, debt, stripe, amount="100")
    limit(lender, "20.00")
    browser, _worker = at_work(app, lender, "Fin")
    other, _other = at_work(app, lender, "Sue")
    where = ask(browser, debt, "60.00")
    later(stripe)
    assert now(debt).owed == usd("800.00")
    assert page_of(browser.get(where)).says("You asked for this yourself. A colleague decides.")
    seen = other.get(where)
    # Whoever asked sends what only a colleague's page has: nothing goes.
    forged = browser.post(f"{where}/approve", data=dict(page_of(browser.get(where)).forms[-1].fields))
    assert forged.status_code == 303
    assert session.scalars(select(Refund.state)).one() == "asked"
    assert page_of(seen).says("$800.00 is left now, and $860.00 afterwards")
    # Another refund of the same money can't begin meanwhile.
    assert ask(browser, debt, "10.00") == where
    for _click in range(2):
        other.fill(seen, to="/approve")
    later(stripe)
    assert now(debt).owed == usd("860.00")
    assert acts_of(lender.id)["payment_refunded"] == acts_of(lender.id)["refund_decided"] == 1
    # A no is read by whoever asked.
    second = ask(browser, debt, "40.00")
    other.fill(other.get(second), {"why": "Not theirs."}, to="/decline")
    assert page_of(browser.get(second)).says("Not theirs.")
    # Whoever only helps has no such page.
    helper, _helper = at_work(app, lender, "Hel", Role.HELPDESK)
    assert helper.get("/staff/refunds").status_code == 403
    assert now(debt).owed == usd("860.00")
    books_agree()


def test_looking_at_a_refund_that_waits_locks_and_writes_nothing(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_in(client, debt)
    paid(client, debt, stripe, amount="100")
    browser, _worker = at_work(app, lender, "Fin")
    other, _other = at_work(app, lender, "Sue")
    where = ask(browser, debt, "60.00")
    # Meanwhile more is paid: what it would do now is another matter, and is worked out when somebody asks for it.
    paid(client, debt, stripe, amount="50")
    asked: list[str] = []
    bound = session.get_bind()
    sqlalchemy_event.listen(bound, "before_cursor_execute", lambda *given: asked.append(str(given[2])))
    with monkeypatch.context() as looking:
        looking.setattr(views, "transaction", None)
        seen = other.get(where)
    assert seen.status_code == 200 and asked
    # That somebody looked is on record; nothing else is.
    wrote = [each for each in asked if "FOR UPDATE" in each or each.lstrip()[:6].upper() in ("INSERT", "DELETE")]
    assert [each for each in wrote if "INTO evidence_record" not in each] == []
    assert page_of(seen).says("$800.00 is left now, and $860.00 afterwards") and page_of(seen).says("As it stood on")
    anew = other.fill(seen, to="/foresee", follow=True)
    assert page_of(anew).says("$750.00 is left now, and $810.00 afterwards")
    assert now(debt).owed == usd("750.00")
    # Whoever only sees has no such button.
    auditor, _auditor = at_work(app, lender, "Aud", Role.AUDITOR)
    assert page_of(auditor.get(where)).says("As it stood on")
    assert auditor.post(f"{where}/foresee").status_code in (400, 403)
    books_agree()


def test_long_lists_of_money_go_on_by_key_and_in_files(app: Flask, lender: Lender, debt: Standing) -> None:
    day = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
    with transaction() as s:
        payment = a_payment_row(s, debt, day)
        for number in range(120):
            at = day + timedelta(minutes=number // 2)
            mine = {"lender_id": lender.id, "id": new_id(), "currency": "USD"}
            s.add(
                SetAside(
                    **mine, why="unknown", payment_intent_id=f"pi_{number}", amount_minor=100 + number, gone_minor=0,
                    received={}, received_at=at, note="from Ada Lovelace" if number == 7 else None,
                )
            )  # fmt: skip
            s.add(
                Refund(
                    **mine, number=f"RF-{number:04}", form_key=str(number), payment_id=payment.id,
                    debtor_id=debt.debtor_id, payment_intent_id=f"pi_{number}", amount_minor=1, reason="x", asked_at=at,
                    state="asked" if number % 2 else "done", moved_at=at,
                )
            )  # fmt: skip
            s.add(
                Dispute(
                    **mine, dispute_id=f"dp_{number}", payment_id=payment.id, debtor_id=debt.debtor_id, amount_minor=1,
                    gone_minor=0, reason="fraudulent", status="needs_response" if number % 3 else "won",
                    state="asked" if number % 3 else "won", evidence_by=None if number % 3 == 1 else at, opened_at=at,
                    closed_at=None if number % 3 else at,
                )
            )  # fmt: skip
    browser, _worker = at_work(app, lender, "Fin")
    for path, key in (
        ("/staff/refunds", r"(RF-\d{4})</a>"),
        ("/staff/disputes", r"<tr>\s*<th scope=.row.>"),
        ("/staff/suspense", r"/staff/suspense/([0-9a-f-]{36})"),
        ("/staff/suspense?all=1", r"/staff/suspense/([0-9a-f-]{36})"),
    ):
        seen, pages, at = [], 0, path
        while at:
            page = browser.get(at)
            seen += re.findall(key, page.text)
            following = re.search(r'href="([^"]*after=[^"]+)"', page.text)
            at, pages = following[1].replace("&amp;", "&") if following else "", pages + 1
        assert (len(seen), pages) == (120, 3), path
        assert "disputes" in path or len(set(seen)) == 120
        file = browser.get(path.split("?")[0] + ".csv").text
        assert len(file.strip().splitlines()) == 121
    # What waits for a second person comes first.
    first = re.findall(r"RF-(\d{4})</a>", browser.get("/staff/refunds").text)
    assert all(int(number) % 2 for number in first) and first == sorted(first, reverse=True)
    for typed, found in (("1.07", 1), ("pi_7", 1), ("lovelace", 1), ("pi_999", 0), ("P-NONE", 0), ("1e5", 0)):
        page = browser.fill(browser.get("/staff/suspense"), {"typed": typed})
        assert len(set(re.findall(r"/staff/suspense/([0-9a-f-]{36})", page.text))) == found, typed


@pytest.mark.parametrize("won", [True, False])
def test_a_dispute_is_followed_to_its_end(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender, *, won: bool
) -> None:
    come_in(client, debt)
    agree(client, debt)
    back = paid(client, debt, stripe, choice="next")
    intent = payment_on(debt).payment_intent_id or ""
    dispute = stripe.sandbox.dispute(intent)
    later(stripe)
    assert (now(debt).owed, points(debt), payment_on(debt).state) == (usd("900.00"), 0, "disputed")
    assert page_of(client.get(back)).says("Your bank took this payment back and is looking into it.")
    browser, _worker = at_work(app, lender, "Fin")
    queue = page_of(browser.get("/staff/disputes"))
    assert queue.says("Money taken") and queue.says("The person says that somebody else paid with the card")
    assert page_of(browser.get(f"/staff/people/{debt.debtor_id}/payments")).says("An answer to the bank is due by")
    assert told(debt).count("bank_took_back") == 1
    books_agree()
    # Nothing can be given back meanwhile.
    assert command(app, "refund", payment_on(debt).reference, "--lender", lender.slug).exit_code == 1
    stripe.sandbox.close_dispute(dispute, won=won)
    for _turn in range(2):
        later(stripe)
        for event in stripe.sandbox.events():
            stripe.sandbox.redeliver(event["id"])
    later(stripe)
    row = session.scalars(select(Dispute)).one()
    assert row.state == ("won" if won else "lost")
    if won:
        assert (now(debt).owed, points(debt), payment_on(debt).state) == (usd("800.00"), 10, "succeeded")
        assert page_of(client.get(back)).says("Thank you. Your payment has arrived")
    else:
        assert (now(debt).owed, points(debt), payment_on(debt).state) == (usd("900.00"), 0, "refunded")
    assert acts_of(lender.id)["dispute_took"] == acts_of(lender.id)["dispute_opened"] == 1
    assert told(debt).count("bank_gave_back" if won else "bank_keeps") == 1
    books_agree()


def test_a_debit_that_comes_back_after_a_part_was_given_back_is_taken_once(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender
) -> None:
    come_in(client, debt)
    paid(client, debt, stripe, amount="100")
    assert command(app, "refund", payment_on(debt).reference, "--lender", lender.slug, "--amount", "30").exit_code == 0
    later(stripe)
    # The bank takes all of it, also what was given back: 30.00 is lost twice, and stands in suspense.
    dispute = stripe.sandbox.dispute(payment_on(debt).payment_intent_id or "", reason="insufficient_funds")
    stripe.sandbox.close_dispute(dispute, won=False)
    later(stripe)
    assert (now(debt).owed, payment_on(debt).state, payment_on(debt).refunded_minor) == (
        usd("900.00"), "refunded", 10_000,
    )  # fmt: skip
    assert told(debt).count("debit_returned") == 1
    assert "bank_took_back" not in told(debt)
    books_agree()
    # Each of these would be found.
    for kind, wrong in (
        (Kind.REFUND, update(Refund).values(state="sent")),
        (Kind.REFUND, update(Refund).values(state="failed")),
        (Kind.DISPUTE, update(Dispute).values(gone_minor=Dispute.gone_minor - 1)),
        (Kind.DISPUTE, update(Dispute).values(state="won")),
        (Kind.SUSPENSE, update(Transfer).where(Transfer.to_account == "suspense").values(to_account="adjustment")),
    ):
        session.rollback()
        session.execute(wrong)
        assert kind in {each.kind for each in verify.disagreements(lender.id)}, wrong
    session.rollback()


def test_what_does_not_fit_waits_is_placed_by_a_person_and_can_still_go_back(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender
) -> None:
    come_in(client, debt)
    back = stripe.pay(go_pay(client, debt, amount="60"))
    with transaction() as s:
        s.execute(update(Payment).where(Payment.reference == back.split("/")[-1]).values(amount_minor=5_000))
    stripe.settle()
    waits = session.scalars(select(SetAside)).one()
    where = f"/staff/suspense/{waits.id}"
    assert (waits.why, waits.amount_minor, now(debt).owed) == ("amount", 6_000, usd("900.00"))
    books_agree()
    browser, _worker = at_work(app, lender, "Fin")
    assert page_of(browser.get("/staff/suspense")).says("Another amount than we asked for")
    assert page_of(browser.fill(browser.get("/staff/suspense"), {"typed": "60.00"})).says("Waits")
    assert page_of(browser.fill(browser.get("/staff/suspense"), {"typed": "61"})).says("Nothing was found")
    given = {"debt": "no such debt", "why": "It was theirs."}
    assert page_of(browser.fill(browser.get(where), given)).says("No open debt has this reference.")
    check = browser.fill(browser.get(where), given | {"debt": debt.reference})
    assert page_of(check).says("Place $60.00 on this debt?")
    for _click in range(2):
        browser.fill(check, {"check": ""})
    assert now(debt).owed == usd("840.00")
    assert acts_of(lender.id)["payment_placed"] == 1
    later(stripe)
    assert told(debt).count("money_placed") == 1
    books_agree()
    # Placed or not, its bank can take it back: then it is owed again.
    stripe.sandbox.dispute(payment_on(debt).payment_intent_id or "")
    later(stripe)
    assert now(debt).owed == usd("900.00")
    books_agree()


def test_money_for_a_debt_that_was_recalled_waits_and_goes_back(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender
) -> None:
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="50"))
    with transaction() as s:
        s.execute(update(Debt).where(Debt.id == debt.id).values(state="recalled"))
    stripe.settle()
    waits = session.scalars(select(SetAside)).one()
    where = f"/staff/suspense/{waits.id}"
    assert (waits.why, waits.amount_minor) == ("recalled", 5_000)
    books_agree()
    # Given back by one person within the limit: the row says so, and nothing waits any more.
    limit(lender, "100.00")
    browser, _worker = at_work(app, lender, "Fin")
    browser.fill(browser.get(where), {"note": "The lender was called."})
    assert page_of(browser.get(where)).says("The lender was called.")
    browser.fill(browser.get(where), {"why_back": "The debt is not here."}, to="/give-back")
    later(stripe)
    session.rollback()
    assert page_of(browser.get("/staff/suspense")).says("Nothing waits")
    assert session.scalars(select(SetAside.gone_minor)).one() == 5_000
    assert session.scalars(select(Refund.state)).one() == "done"
    books_agree()


@pytest.mark.parametrize("known", [True, False], ids=["page known", "page never written down"])
def test_money_that_went_back_before_we_heard_that_it_came_is_of_its_payment(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, known: bool
) -> None:
    """Nothing about the payment itself ever came; the bank's word names only what is at Stripe."""
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="50"))
    stripe.sandbox.wait_idle()
    page = stripe_gateway.read_checkout(stripe.account, session_id=payment_on(debt).session_id or "")
    stripe.receiver.taken.clear()
    if not known:
        # We died between Stripe's answer and our commit, and the page was paid on all the same.
        with transaction() as s:
            s.execute(update(Payment).values(session_id=None, session_url=None, state="created"))
    dispute = stripe.sandbox.dispute(page.payment_intent_id or "")
    stripe.settle()
    assert payment_on(debt).state == "disputed"
    assert now(debt).owed == usd("900.00")
    stripe.sandbox.close_dispute(dispute, won=True)
    stripe.settle()
    assert payment_on(debt).state == "succeeded"
    assert now(debt).owed == usd("850.00")
    assert session.scalars(select(SetAside)).all() == []
    assert acts_of(debt.lender_id)["payment_settled"] == 1
    books_agree()


def test_money_under_our_mark_that_no_payment_is_known_for_is_kept_once(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, lender: Lender
) -> None:
    come_in(client, debt)
    paid(client, debt, stripe, amount="50")
    known = payment_on(debt)
    stripe.pay(go_pay(client, debt, amount="70"))
    stripe.sandbox.wait_idle()
    page = stripe_gateway.read_checkout(stripe.account, session_id=payment_on(debt).session_id or "")
    loose = page.payment_intent_id or ""
    known_id, lender_id = known.id, lender.id
    with app.app_context():
        for _turn in range(2):
            assert settle.settle_aside(lender_id=lender_id, intent_id=loose, about=known_id) == "set_aside"
        assert settle.settle_aside(lender_id=lender_id, intent_id="pi_nobodys", about=None) == "of_another_account"
    waits = session.scalars(select(SetAside)).one()
    where = f"/staff/suspense/{waits.id}"
    assert (waits.why, waits.amount_minor, waits.about_payment_id) == ("second", 7_000, known_id)
    assert now(debt).owed == usd("850.00")
    assert session.scalars(select(MoneyEffect.outcome).where(MoneyEffect.payment_id.is_(None))).one() == "set_aside"
    books_agree()
    limit(lender, "100.00")
    browser, _worker = at_work(app, lender, "Fin")
    browser.fill(browser.get(where), {"why_back": "Paid twice."}, to="/give-back")
    later(stripe)
    session.rollback()
    assert session.scalars(select(SetAside.gone_minor)).one() == 7_000
    assert session.scalars(select(Refund.state)).one() == "done"
    books_agree()


def test_a_limit_is_set_by_command(app: Flask, lender: Lender) -> None:
    assert command(app, "refund-limit", "50.00", "USD", "--lender", lender.slug).exit_code == 0
    assert acts.alone_up_to(lender_id=lender.id, currency="USD") == usd("50.00")
    assert acts.alone_up_to(lender_id=lender.id, currency="EUR") == Money.zero("EUR")
    assert command(app, "refund-limit", "-1", "USD", "--lender", lender.slug).exit_code != 0
