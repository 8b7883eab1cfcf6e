"""Money at the lender's own account: a debtor's reference, files of the bank, each entry once, people for the rest."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from portal import queue, verify
from portal.banking import posting, reading, references
from portal.banking import work as bank_work
from portal.banking.models import BankEntry, TransferReference
from portal.banking.reference import grouped
from portal.db import session, transaction
from portal.debts.models import Debt
from portal.debts.statement import Standing
from portal.evidence.record import OPERATOR
from portal.files.models import Upload, UploadPart
from portal.finance import acts as finance
from portal.ledger import Transfer
from portal.lenders.models import BankAccount, Lender
from portal.letters.models import IssuedLetter
from portal.payments.models import MoneyEffect, Payment, SendingBack, SetAside
from portal.plans.models import Plan
from portal.post.models import Message
from portal.staff.models import StaffMember
from portal.staff.roles import Role
from portal.verify import Kind
from tests.bank_files import IBAN, Ntry, statement, table
from tests.conftest import Clock
from tests.factories import STANDARD_LIMITS, a_debt, a_debtor, a_lender, some_limits
from tests.journeys.acts import acts_of, agree, books_agree, come_in, command, now, plan_items, points, rows, usd, work
from tests.journeys.staff import Worker, a_client, a_worker, cheap, come_to_work
from tests.pages import CheckingClient, Page, page_of
from tests.settling import SETTLEMENTS, a_settlement


@dataclass
class Desk:
    """Somebody of finance at a browser, with a lender that has an account."""

    app: Flask
    client: CheckingClient
    lender: Lender
    worker: Worker

    def send(self, content: bytes, name: str = "day.xml", **more: Any) -> TestResponse:
        """Fill the form in as a browser does, with a file."""
        answer = self.client.get("/staff/bank/bring")
        if answer.status_code != 200:
            # So much time has passed that she signs in anew.
            come_to_work(self.client, self.worker)
            answer = self.client.get("/staff/bank/bring")
        shown = page_of(answer)
        fields = {n: v for form in shown.forms if "form_key" in form.names for n, v in form.fields}
        return self.client.post(
            "/staff/bank/bring",
            data={**fields, "upload": (io.BytesIO(content), name), **more},
            content_type="multipart/form-data",
            follow_redirects=True,
        )

    def look(self, number: int) -> Page:
        work(self.app)
        return page_of(self.client.get(f"/staff/bank/{number}"))

    def say_yes(self, number: int) -> None:
        work(self.app)
        self.client.fill(self.client.get(f"/staff/bank/{number}"), to=f"/staff/bank/{number}/confirm")

    def bring(self, content: bytes, name: str = "day.xml", **more: Any) -> Page:
        """Send a file, say yes, and give the page of what became of it."""
        sent = self.send(content, name, **more)
        assert sent.status_code == 200, page_of(sent).words
        number = int(sent.request.path.rsplit("/", 1)[1])
        self.say_yes(number)
        return self.look(number)

    def take_back(self, number: int) -> Page:
        self.client.fill(self.client.get(f"/staff/bank/{number}/undo"), to=f"/staff/bank/{number}/undo")
        return self.look(number)


@pytest.fixture
def desk(app: Flask, lender: Lender, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    cheap(monkeypatch)
    monkeypatch.setattr(bank_work, "_TELL_EVERY_SECONDS", 0)
    account(app, lender)
    browser = a_client(app)
    worker = a_worker(app, lender, Role.FINANCE, name="Fin", email="fin@linden.example")
    come_to_work(browser, worker)
    yield Desk(app, browser, lender, worker)


def account(app: Flask, lender: Lender, *more: str, number: str = IBAN) -> None:
    done = command(app, "lender", "account", lender.slug, "--number", number, "--bic", "COBADEFF", *more)
    assert done.exit_code == 0, done.output


def reference(debt: Standing) -> str:
    with transaction():
        return references.give(lender_id=debt.lender_id, debt_id=debt.id)


def entries(number: int = 1) -> list[BankEntry]:
    session.rollback()
    return list(
        session.scalars(
            select(BankEntry)
            .join(Upload, (Upload.lender_id == BankEntry.lender_id) & (Upload.id == BankEntry.upload_id))
            .where(Upload.number == number)
            .order_by(BankEntry.place)
        )
    )


def outcomes(number: int = 1) -> list[tuple[str, str | None]]:
    return [(one.outcome, one.why) for one in entries(number)]


def state(number: int) -> str:
    session.rollback()
    return session.scalars(select(Upload.state).where(Upload.number == number)).one()


def csv_at(client: CheckingClient, url: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(client.get(url).get_data().decode("utf-8-sig"))))


# ---------------------------------------------------------------------------------------------------------------------
# The walk


def test_a_debtor_pays_by_transfer_with_her_own_reference_and_gets_a_receipt(
    app: Flask, client: CheckingClient, debt: Standing, desk: Desk, clock: Clock
) -> None:
    come_in(client, debt)
    page = page_of(client.get(f"/pay?debt={debt.reference}"))
    assert page.says("Pay by bank transfer instead")
    shown = page_of(client.get(f"/pay/by-transfer?debt={debt.reference}"))
    text = session.scalars(select(TransferReference.reference)).one()
    assert shown.says(grouped(text)) and shown.says("DE89 3704 0044 0532 0130 00") and shown.says("COBADEFF")
    assert shown.says("$900.00") and shown.says(desk.lender.legal_name)
    # It stays the same, however often she looks.
    assert page_of(client.get(f"/pay/by-transfer?debt={debt.reference}")).says(grouped(text))
    clock.forward(days=3)
    work(app)
    seen = page_of(desk.send(statement(Ntry("50.00", f"rate {grouped(text).lower()}", ref="B-1"))))
    assert seen.says("Being looked at")
    before = rows()
    seen = desk.look(1)
    assert seen.says("Counts for a debt") and seen.says(debt.reference) and seen.says("$1,050.00")
    assert {name for name, count in rows().items() if count != before[name]} <= {"job"}
    assert now(debt).owed == usd("900.00")
    desk.say_yes(1)
    work(app, letters=True)
    assert now(debt).owed == usd("850.00") and state(1) == "live"
    payment = session.scalars(select(Payment)).one()
    assert (payment.method, payment.last4, payment.state) == ("bank_transfer", "2051", "succeeded")
    assert payment.settled_at is not None and payment.settled_at.date() == date(2026, 5, 4)
    number, letter = payment.reference, session.scalars(select(IssuedLetter)).one()
    assert letter.kind == "payment-receipt"
    assert "payment_received" in session.scalars(select(Message.kind)).all()
    come_in(client, debt)
    result = page_of(client.get(f"/pay/result/{number}"))
    assert result.says("Your payment has arrived")
    assert page_of(client.get("/timeline")).says("$50.00 that you paid to your lender arrived")
    assert acts_of(desk.lender.id)["payment_transferred"] == 1
    books_agree()


def test_without_an_account_there_is_no_such_page(app: Flask, client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    assert not page_of(client.get(f"/pay?debt={debt.reference}")).says("bank transfer")
    assert client.get(f"/pay/by-transfer?debt={debt.reference}").location.endswith(f"/pay?debt={debt.reference}")
    assert client.get("/pay/by-transfer?debt=nobodys").status_code == 404
    assert session.scalar(select(func.count(TransferReference.id))) == 0


def test_every_entry_ends_somewhere_and_sums_add_up(desk: Desk, debt: Standing, lender: Lender) -> None:
    text = reference(debt)
    other = a_debt("100.00", lender=lender, reference="LN-77001")
    damaged = text[:-1] + str((int(text[-1]) + 1) % 10)
    content = statement(
        Ntry("50.00", f"Mai {text[:9]}|{text[9:]} danke", ref="B-1"),
        Ntry("20.00", "rent LN-77001, thanks", ref="B-2"),
        Ntry("900.00", "", ref="B-3"),  # The very amount that is owed: nobody guesses.
        Ntry("30.00", grouped(damaged), ref="B-4"),
        Ntry("31.00", "RF18539007547034", ref="B-5"),
        Ntry("32.00", f"{text} and LN-77001", ref="B-6"),
        Ntry("40.00", text, ref="B-7", credit=False),
        Ntry("41.00", text, ref="B-8", status="PDNG"),
        Ntry("42.001", text, ref="B-9"),
        Ntry("43.00", text, ref="B-10", booked=None, value=None),
        Ntry("44.00", text, ref="B-11", booked="2031-01-01", value="2031-01-01"),
        Ntry("45.00", text, ref="B-12", currency="USD", reversal=True, credit=False),
        Ntry("0.00", text, ref="B-13"),
        Ntry("10.00", structured=text, ref="B-14"),
        Ntry("60.00", ref="B-15", parts=(("25.00", text), ("35.00", "LN-77001"))),
        Ntry("61.00", ref="B-16", parts=(("25.00", text), ("35.00", "LN-77001"))),
    )
    desk.send(content)
    seen = desk.look(1)
    shown = desk.bring(content + b"\n")
    assert shown.says("17 entries: each is in one of these rows.") and seen.says("17 entries")
    assert outcomes(2) == [
        ("posted", None),
        ("posted", None),
        ("suspense", "no_reference"),
        ("suspense", "damaged"),
        ("suspense", "not_known"),
        ("suspense", "several"),
        ("refused", "debit"),
        ("refused", "not_booked"),
        ("refused", "decimals"),
        ("refused", "no_date"),
        ("refused", "to_come"),
        ("refused", "reversed"),
        ("refused", "not_above_zero"),
        ("posted", None),
        ("posted", None),
        ("posted", None),
        ("suspense", "collective"),
    ]
    assert (now(debt).owed, now(other).owed) == (usd("815.00"), usd("45.00"))
    with desk.app.app_context():
        waits = session.scalar(select(func.sum(SetAside.amount_minor)))
    assert waits == 90_000 + 3_000 + 3_100 + 3_200 + 6_100
    lines = csv_at(desk.client, "/staff/bank/2/entries.csv")
    assert len(lines) == 18 and lines[1][7] == "posted" and lines[1][9] == debt.reference
    listed = page_of(desk.client.get("/staff/bank/2/entries"))
    assert listed.says("A reference with a mistake in it") and listed.says("More decimals than the currency has")
    books_agree()


def test_a_file_twice_and_overlapping_files_change_nothing(desk: Desk, debt: Standing) -> None:
    text = reference(debt)
    first = [Ntry("50.00", text, ref="B-1"), Ntry("51.00", text), Ntry("51.00", text), Ntry("7.00", "?")]
    desk.bring(statement(*first))
    assert now(debt).owed == usd("748.00")
    again = desk.bring(statement(*first))
    assert again.says("Here already") and {outcome for outcome, _why in outcomes(2)} == {"known"}
    # The next day's file has the whole day before in it, and one entry more; its pages have other numbers.
    desk.bring(statement(*first, Ntry("1.00", text, ref="B-2"), id="S-2", version="13"))
    assert [outcome for outcome, _why in outcomes(3)] == ["known"] * 4 + ["posted"]
    # The bank's own reference with another amount is nobody's guess either.
    desk.bring(statement(Ntry("5.00", text, ref="B-1")))
    assert outcomes(4) == [("refused", "other_entry")]
    assert now(debt).owed == usd("747.00") and session.scalar(select(func.count(Payment.id))) == 4
    books_agree()


def test_a_worker_that_dies_half_way_is_followed_by_one_that_goes_on(
    desk: Desk, debt: Standing, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = reference(debt)
    desk.send(statement(*[Ntry("10.00", text, ref=f"B-{number}") for number in range(1, 6)]))
    work(desk.app)
    desk.say_yes(1)
    real, seen = posting.settle.count, []

    def dies(*given: Any, **named: Any) -> None:
        seen.append(1)
        real(*given, **named)
        if len(seen) == 3:
            raise _PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(posting.settle, "count", dies)
        with pytest.raises(_PowerCut):
            work(desk.app)
    session.rollback()
    assert state(1) == "bringing" and now(debt).owed == usd("880.00")
    for _wait in range(3):
        clock.forward(seconds=150)
        work(desk.app)
    assert state(1) == "live" and now(debt).owed == usd("850.00")
    assert len(entries()) == 5 and acts_of(desk.lender.id)["payment_transferred"] == 5
    with transaction() as s:
        s.execute(update(queue.QueuedJob).where(queue.QueuedJob.name == "banking.bring").values(state="ready"))
    work(desk.app)
    assert now(debt).owed == usd("850.00") and acts_of(desk.lender.id)["bank_file_came_in"] == 1
    books_agree()


def test_a_long_file_takes_turns_with_other_work(desk: Desk, debt: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    text = reference(debt)
    monkeypatch.setattr(bank_work, "_A_TURN_SECONDS", 0.0)
    turns = []
    real = bank_work.posting.bring
    monkeypatch.setattr(bank_work.posting, "bring", lambda *given: (turns.append(1), real(*given))[1])
    desk.send(statement(Ntry("10.00", text, ref="B-1")))
    work(desk.app)
    desk.say_yes(1)
    with pytest.raises(AssertionError, match="never gets done"):
        work(desk.app)
    assert state(1) == "bringing" and turns == []
    monkeypatch.setattr(bank_work, "_A_TURN_SECONDS", 20.0)
    work(desk.app)
    assert state(1) == "live" and now(debt).owed == usd("890.00")
    monkeypatch.setattr(bank_work, "_A_TURN_SECONDS", 0.0)
    desk.client.fill(desk.client.get("/staff/bank/1/undo"), to="/undo")
    with pytest.raises(AssertionError, match="never gets done"):
        work(desk.app)
    monkeypatch.setattr(bank_work, "_A_TURN_SECONDS", 20.0)
    work(desk.app)
    assert state(1) == "undone" and now(debt).owed == usd("900.00")
    books_agree()


class _PowerCut(BaseException):
    pass


def test_two_people_with_the_same_file_bring_it_in_once(app: Flask, desk: Desk, debt: Standing) -> None:
    text = reference(debt)
    content = statement(Ntry("50.00", text, ref="B-1"))
    worker = a_worker(app, desk.lender, Role.FINANCE, name="Two", email="two@linden.example")
    other = Desk(app, a_client(app), desk.lender, worker)
    come_to_work(other.client, worker)
    desk.send(content)
    assert page_of(other.send(content)).says("This very file is here already and waits: it is file 1.")
    # In other words: a file that differs by a line break alone.
    other.send(content + b"\n")
    work(app)
    desk.say_yes(1)
    other.say_yes(2)
    work(app)
    assert [state(1), state(2)] == ["live", "live"] and now(debt).owed == usd("850.00")
    assert sorted(outcomes(1) + outcomes(2)) == [("known", None), ("posted", None)]
    books_agree()


# ---------------------------------------------------------------------------------------------------------------------
# On which day it counts


def test_a_transfer_keeps_an_instalment_by_its_value_date_however_late_the_file_comes(
    client: CheckingClient, debt: Standing, desk: Desk, clock: Clock
) -> None:
    come_in(client, debt)
    plan = agree(client, debt, amount="100", pay_day="10")
    due = plan_items(debt)[0].due_on
    text = reference(debt)
    clock.set(f"{due.isoformat()}T15:00:00+00:00")
    clock.forward(days=plan.grace_days + 4)
    assert command(desk.app, "nightly").exit_code == 0
    session.rollback()
    assert plan_items(debt)[0].kept_at is None and now_plan(debt) == "at_risk"
    desk.bring(statement(Ntry("100.00", text, ref="B-1", booked=str(due), value=str(due))))
    assert plan_items(debt)[0].kept_at is not None and now_plan(debt) == "active" and points(debt) > 0
    books_agree()


def now_plan(debt: Standing) -> str:
    session.rollback()
    return session.scalars(select(Plan.state).where(Plan.debt_id == debt.id)).one()


@pytest.mark.parametrize(
    ("entry", "day"),
    [
        ({"booked": "2026-05-04", "value": "2026-05-01"}, date(2026, 5, 1)),
        ({"booked": "2026-05-01", "value": "2026-05-04"}, date(2026, 5, 4)),
        ({"booked": "2026-05-01", "value": "2026-05-09"}, date(2026, 5, 1)),
        ({"booked": "2026-05-01", "value": None}, date(2026, 5, 1)),
        ({"booked": "2026-05-04", "value": "2026-05-01", "sent": "2026-05-03"}, date(2026, 5, 3)),
    ],
    ids=["value", "later value", "value to come", "booked alone", "never before it was sent"],
)
def test_the_day_that_counts(desk: Desk, debt: Standing, entry: dict[str, Any], day: date) -> None:
    desk.bring(statement(Ntry("10.00", reference(debt), ref="B-1", **entry)))
    assert entries()[0].counts_on == day
    payment = session.scalars(select(Payment)).one()
    assert payment.settled_at is not None and payment.settled_at.date() == day


# ---------------------------------------------------------------------------------------------------------------------
# What is not posted by itself


def test_a_disputed_debt_is_paid_by_nobody_before_a_person_has_looked(
    client: CheckingClient, debt: Standing, desk: Desk, clock: Clock
) -> None:
    text = reference(debt)
    come_in(client, debt)
    client.fill(client.get(f"/help/not-mine?debt={debt.reference}"), {"words": "It is not mine."})
    assert page_of(client.get(f"/pay/by-transfer?debt={debt.reference}")).says("You told us that this debt is wrong.")
    desk.bring(statement(Ntry("50.00", text, ref="B-1")))
    assert outcomes() == [("suspense", "disputed")] and now(debt).owed == usd("900.00")
    books_agree()


def test_money_that_waits_is_placed_by_a_person_and_counts_from_its_day(
    client: CheckingClient, debt: Standing, desk: Desk, clock: Clock
) -> None:
    come_in(client, debt)
    plan = agree(client, debt, amount="100", pay_day="10")
    due = plan_items(debt)[0].due_on
    clock.set(f"{due.isoformat()}T15:00:00+00:00")
    clock.forward(days=plan.grace_days + 4)
    assert command(desk.app, "nightly").exit_code == 0
    desk.bring(statement(Ntry("100.00", "for my card", ref="B-1", booked=str(due), value=str(due))))
    waits = session.scalars(select(SetAside)).one()
    where = f"/staff/suspense/{waits.id}"
    shown = page_of(desk.client.get(where))
    assert shown.says("for my card") and shown.says("Ada Example") and shown.says("Counts from")
    assert page_of(desk.client.get("/staff/suspense")).says("No reference of a debt in it")
    check = desk.client.fill(desk.client.get(where), {"debt": debt.reference, "why": "She called."}, to="/place")
    desk.client.fill(check, {"check": ""})
    assert now(debt).owed < usd("900.00") and plan_items(debt)[0].kept_at is not None
    assert now_plan(debt) == "active"
    books_agree()


def test_money_that_waits_is_sent_back_by_one_within_the_limit_and_by_two_above_it(
    app: Flask, debt: Standing, desk: Desk, lender: Lender
) -> None:
    with transaction():
        finance.set_limit(lender_id=lender.id, limit=usd("50.00"), by=OPERATOR)
    desk.bring(statement(Ntry("40.00", "?", ref="B-1"), Ntry("60.00", "??", ref="B-2")))
    small, large = session.scalars(select(SetAside.id).order_by(SetAside.amount_minor)).all()
    where = f"/staff/bank/waits/{small}/send-back"
    assert desk.client.fill(desk.client.get(where), {"why": " "}, to="").status_code == 422
    done = page_of(desk.client.fill(desk.client.get(where), {"why": "Not ours."}))
    assert done.says("It is noted as sent back") and done.says("Went back")
    where = f"/staff/bank/waits/{large}/send-back"
    asked = page_of(desk.client.fill(desk.client.get(where), {"why": "Not ours."}))
    assert asked.says("A second person is asked.") and asked.says("Somebody sends it back.")
    assert page_of(desk.client.get(where)).says("A colleague decides")
    # Meanwhile nobody places it.
    form = desk.client.get(f"/staff/suspense/{large}")
    assert not any("place" in (each.action or "") for each in page_of(form).forms)
    worker = a_worker(app, lender, Role.FINANCE, name="Two", email="two@linden.example")
    other = a_client(app)
    come_to_work(other, worker)
    other.fill(other.get(where), to="/keep")
    assert page_of(desk.client.get(f"/staff/suspense/{large}")).says("Waits")
    desk.client.fill(desk.client.get(where), {"why": "Really not ours."})
    other.fill(other.get(where), to="/send-back")
    session.rollback()
    assert session.scalars(select(SetAside.gone_minor).order_by(SetAside.gone_minor)).all() == [4_000, 6_000]
    assert session.scalar(select(func.count(SendingBack.id))) == 3
    assert page_of(desk.client.get("/staff/suspense")).says("Nothing waits")
    books_agree()


def test_money_for_a_recalled_debt_and_in_another_currency_waits_or_is_refused(desk: Desk, debt: Standing) -> None:
    text = reference(debt)
    with transaction() as s:
        s.execute(update(Debt).where(Debt.id == debt.id).values(state="recalled"))
    desk.bring(statement(Ntry("50.00", text, ref="B-1")))
    assert outcomes() == [("suspense", "recalled")]
    books_agree()


# ---------------------------------------------------------------------------------------------------------------------
# Settlements, and what is paid too much


def test_what_is_more_than_is_owed_is_credit(desk: Desk, debt: Standing) -> None:
    desk.bring(statement(Ntry("1000.00", reference(debt), ref="B-1")))
    assert (now(debt).owed, now(debt).credit) == (usd("0.00"), usd("100.00"))
    books_agree()


def test_a_settlement_is_fulfilled_by_a_transfer_and_lets_off_the_rest(
    app: Flask, lender: Lender, desk: Desk, clock: Clock
) -> None:
    some_limits(STANDARD_LIMITS + SETTLEMENTS, lender=lender)
    debt = a_debt("800.00", interest="12.00", lender=lender)
    plan = a_settlement(debt)
    clock.forward(days=4)
    sent = str(plan.agreed_at.date())
    desk.bring(statement(Ntry("806.00", reference(debt), ref="B-1", booked=sent, value=sent)))
    session.rollback()
    assert now(debt).owed == usd("0.00") and now(debt).credit == usd("0.00") and now_plan(debt) == "completed"
    books_agree()
    desk.take_back(1)
    assert now(debt).owed == usd("812.00") and now_plan(debt) != "completed"
    books_agree()


# ---------------------------------------------------------------------------------------------------------------------
# Taken back


def test_a_file_is_taken_back_where_nothing_happened_and_may_come_again(
    client: CheckingClient, debt: Standing, desk: Desk, lender: Lender, clock: Clock
) -> None:
    other = a_debt("100.00", lender=lender)
    mine, theirs = reference(debt), reference(other)
    content = statement(
        Ntry("50.00", mine, ref="B-1"),
        Ntry("20.00", theirs, ref="B-2"),
        Ntry("30.00", mine, ref="B-3"),
        Ntry("5.00", "?", ref="B-4"),
    )
    desk.bring(content)
    assert (now(debt).owed, now(other).owed) == (usd("820.00"), usd("80.00"))
    clock.forward(hours=2)
    # Something happens on the other debt: a transfer of another file.
    desk.bring(statement(Ntry("1.00", theirs, ref="B-9")))
    taken = desk.take_back(1)
    assert taken.says("3 entries were taken back; 1 stay") and state(1) == "undone"
    assert (now(debt).owed, now(other).owed) == (usd("900.00"), usd("79.00"))
    assert sorted(session.scalars(select(Payment.state))) == ["refunded", "refunded", "succeeded", "succeeded"]
    come_in(client, debt)
    number = session.scalars(select(Payment.reference).where(Payment.state == "refunded").limit(1)).one()
    assert page_of(client.get(f"/pay/result/{number}")).says("entered by mistake")
    work(desk.app)
    assert session.scalars(select(Message.kind).where(Message.kind == "transfer_undone")).all()
    books_agree()
    # What was taken back may come again, and what stayed is known.
    desk.bring(content)
    assert [outcome for outcome, _why in outcomes(3)] == ["posted", "known", "posted", "suspense"]
    assert (now(debt).owed, now(other).owed) == (usd("820.00"), usd("79.00"))
    clock.forward(hours=25)
    come_to_work(desk.client, desk.worker)
    assert page_of(desk.client.get("/staff/bank/3/undo", follow_redirects=True)).says("too late")
    books_agree()


def test_a_plan_and_its_points_follow_what_is_taken_back(
    client: CheckingClient, debt: Standing, desk: Desk, clock: Clock
) -> None:
    come_in(client, debt)
    agree(client, debt, amount="100", pay_day="10")
    clock.forward(days=6)
    desk.bring(statement(Ntry("100.00", reference(debt), ref="B-1", booked="2026-05-09", value="2026-05-09")))
    assert plan_items(debt)[0].kept_at is not None and points(debt) > 0
    desk.take_back(1)
    assert plan_items(debt)[0].kept_at is None and points(debt) == 0 and plan_items(debt)[0].paid_minor == 0
    books_agree()


# ---------------------------------------------------------------------------------------------------------------------
# Tables


MAPPING = """
date_format = "%d.%m.%Y"
decimal_mark = ","
thousands_mark = "."
separator = "semicolon"
[entries]
booked = "Buchungstag"
value = "Valuta"
amount = "Betrag"
text = ["Verwendungszweck", "Kundenreferenz"]
payer = "Name"
entry = "Referenz"
"""


def test_a_table_is_read_by_its_titles_or_by_a_mapping(desk: Desk, debt: Standing) -> None:
    text = reference(debt)
    own = session.scalars(select(BankAccount.id)).one()
    plain = (
        table(
            ["2026-05-04", "50.00", f"thanks {text}", "=1+1"],
            ["2026-05-04", "-9.00", text, "x"],
            ["2026-05-04", "ten", text, "x"],
            ["04.05.2026", "1.00", text, "x"],
            header=("Booked", "Amount", "Text", "Payer"),
        )
        + b"2026-05-04,1.00\n"
    )
    shown = desk.bring(plain, "day.csv", account=str(own))
    assert shown.says("Brought in"), shown.words
    assert outcomes() == [
        ("posted", None),
        ("refused", "debit"),
        ("refused", "not_a_number"),
        ("refused", "no_date"),
        ("refused", "broken_row"),
    ]
    assert not any(cell[:1] == "=" for line in csv_at(desk.client, "/staff/bank/1/entries.csv") for cell in line)
    german = (
        "Buchungstag;Valuta;Betrag;Verwendungszweck;Kundenreferenz;Name;Referenz\n"
        f"04.05.2026;03.05.2026;1.050,00;Rate;{text};Bo;R1\n"
    ).encode()
    desk.bring(german, "tag.csv", account=str(own), mapping=MAPPING)
    assert outcomes(2) == [("posted", None)] and entries(2)[0].counts_on == date(2026, 5, 3)
    assert now(debt).credit == usd("200.00")
    # The mapping is offered for the next file.
    assert (
        "File 2" in desk.client.get("/staff/bank/bring").text
        or "As file 2" in desk.client.get("/staff/bank/bring").text
    )
    books_agree()


def test_cash_at_a_desk_comes_in_as_cash(app: Flask, desk: Desk, debt: Standing, lender: Lender) -> None:
    account(app, lender, "--cash", number="DESK1")
    own = session.scalars(select(BankAccount.id).where(BankAccount.kind == "cash")).one()
    desk.bring(
        table(["2026-05-04", "50.00", reference(debt)], header=("booked", "amount", "text")),
        "cash.csv",
        account=str(own),
    )
    assert session.scalars(select(Payment.method)).one() == "cash" and now(debt).owed == usd("850.00")
    books_agree()


# ---------------------------------------------------------------------------------------------------------------------
# What can't be read, and who may


LAUGHS = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><Document>&b;</Document>'
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE d SYSTEM "file:///etc/passwd"><Document/>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<Document", "This is no XML that can be read"),
        (LAUGHS, "document type"),
        (OUTSIDE, "document type"),
        (b"<html></html>", "no statement of a bank"),
        (statement().replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt"), "another message of the bank"),
        (statement(iban="DE02120300000000202051"), "which is not one of yours here"),
        (statement(Ntry("5.00", "x"), closing="7.00"), "does not add up: it begins with 1000.00"),
        (statement(currency="EUR"), "The statement is in EUR"),
        (statement().replace(b"OPBD", b"XXXX"), "does not say what was on the account before and after"),
        (statement(Ntry("5.00")).replace(b"<Amt Ccy=\"USD\">5.00</Amt><CdtDbtInd>CRDT", b"<Amt>x</Amt><CdtDbtInd>CRDT"),
         "is no amount"),
        (statement(Ntry("5.00", "a" * 30_000)), "longer than any bank writes"),
        (b"<Document><BkToCstmrStmt>" + b"<a>" * 50, "nested deeper"),
        (b"\x00\x01\x02<Document/>", "not a table"),
    ],
    ids=["cut", "laughs", "outside", "html", "report", "other account", "sum", "currency", "no balance", "amount",
         "long", "deep", "binary"],
)  # fmt: skip
def test_a_file_that_cannot_be_used_says_why_and_nothing_of_it_counts(desk: Desk, content: bytes, said: str) -> None:
    own = session.scalars(select(BankAccount.id)).one()
    before = rows()
    desk.send(content, account=str(own) if said == "not a table" else "")
    shown = desk.look(1)
    assert shown.says("This file can’t be read") and said in shown.words, shown.words
    assert {name for name, count in rows().items() if count != before[name]} <= {
        *("upload", "upload_part", "job", "evidence_record"),
    }
    desk.client.fill(desk.client.get("/staff/bank/1"), to="/withdraw")
    assert state(1) == "withdrawn" and session.scalar(select(func.count(UploadPart.id))) == 0


def test_what_is_no_file_too_large_or_of_no_account_is_said_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.send(b"").status_code == 422
    assert page_of(desk.send(statement(), mapping="not toml [")).says("not understood")
    assert page_of(desk.send(statement(), mapping='[entries]\nbooked = "a"')).says("does not say which column")
    desk.send(table(["2026-05-04", "1.00", "x"], header=("booked", "amount", "text")), "day.csv")
    assert desk.look(1).says("choose it beside the file")
    monkeypatch.setattr("portal.banking.forms.LARGEST", 10)
    assert page_of(desk.send(statement())).says("This file is larger than")
    monkeypatch.setattr("portal.banking.views.LARGEST", 2_000)
    monkeypatch.setattr("portal.banking.views._AROUND", 0)
    large = desk.send(b"x" * 5_000)
    assert large.status_code == 422 and page_of(large).says("This file is larger than")
    monkeypatch.setattr(reading, "MOST_ENTRIES", 1)
    monkeypatch.setattr("portal.banking.forms.LARGEST", 10**6)
    monkeypatch.setattr("portal.banking.views.LARGEST", 10**6)
    desk.send(statement(Ntry("1.00", "x"), Ntry("1.00", "y")))
    assert desk.look(2).says("more than 1 entries")


def test_who_may_not_bring_files_any_more_brings_nothing_in(app: Flask, desk: Desk, debt: Standing) -> None:
    desk.send(statement(Ntry("50.00", reference(debt), ref="B-1")))
    work(app)
    desk.client.fill(desk.client.get("/staff/bank/1"), to="/confirm")
    with transaction() as s:
        s.get_one(StaffMember, (desk.lender.id, desk.worker.id)).roles = ["auditor"]
    work(app)
    assert state(1) == "ready" and now(debt).owed == usd("900.00")
    assert page_of(desk.client.get("/staff/bank/1")).says("may not bring files in any more")
    assert desk.client.get("/staff/bank/bring").status_code == 403
    assert not page_of(desk.client.get("/staff/bank/1")).forms[0].action or True
    helper = a_worker(app, desk.lender, Role.HELPDESK, email="help@linden.example")
    hers = a_client(app)
    come_to_work(hers, helper)
    assert hers.get("/staff/bank").status_code == 403


def test_another_lenders_files_accounts_and_references_are_not_seen(app: Flask, desk: Desk, debt: Standing) -> None:
    stranger = a_lender(currency="USD")
    theirs = a_debt("70.00", lender=stranger, debtor=a_debtor(lender=stranger), reference="LN-90001")
    text = reference(theirs)
    desk.bring(statement(Ntry("70.00", text, ref="B-1"), Ntry("71.00", "LN-90001", ref="B-2")))
    assert outcomes() == [("suspense", "not_known"), ("suspense", "no_reference")]
    assert now(theirs).owed == usd("70.00")
    account(app, stranger, number="DE02120300000000202051")
    desk.send(statement(iban="DE02120300000000202051"))
    assert desk.look(2).says("not one of yours here")
    books_agree()


def test_the_command_refuses_what_can_be_no_account(app: Flask, lender: Lender) -> None:
    def said(*words: str) -> str:
        return command(app, "lender", "account", lender.slug, *words).output

    assert "check digits" in said("--number", "DE89370400440532013001")
    assert "4 to 34" in said("--number", "!!")
    assert "BIC" in said("--number", IBAN, "--bic", "X")
    assert "ISO 4217" in said("--number", IBAN, "--currency", "XYZ")
    assert "shown" in said("--number", IBAN)
    assert "--hidden first" in said("--number", "12345678")
    assert "hidden" in said("--number", "12345678", "--hidden")
    assert "another currency" in said("--number", "12345678", "--currency", "EUR", "--hidden")
    assert command(app, "lender", "account", lender.slug).output.count("\n") == 2


def test_one_wrong_unit_is_found(desk: Desk, debt: Standing) -> None:
    desk.bring(statement(Ntry("50.00", reference(debt), ref="B-1"), Ntry("5.00", "?", ref="B-2")))
    books_agree()
    for wrong, kind in (
        (update(BankEntry).where(BankEntry.outcome == "posted").values(amount_minor=4_999), Kind.BANK_ENTRY),
        (update(BankEntry).where(BankEntry.outcome == "suspense").values(amount_minor=499), Kind.BANK_ENTRY),
        (
            update(Transfer).where(Transfer.to_account == "cash:lender").values(to_account="cash:stripe"),
            Kind.BANK_ENTRY,
        ),
        (update(MoneyEffect).values(amount_minor=1), Kind.EFFECT),
    ):
        session.rollback()
        session.execute(wrong)
        assert kind in {each.kind for each in verify.disagreements(desk.lender.id)}, wrong
    session.rollback()
