"""`verify` agrees with books that the portal's own acts wrote, and names each kept total in which one unit is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Uuid, bindparam, select, text

from portal import clock, ledger, verify
from portal.db import session, transaction
from portal.debts import intake
from portal.debts.mapping_file import parse_mapping
from portal.debts.runs import Summary
from portal.debts.statement import Standing, by_id
from portal.evidence.record import Actor
from portal.ledger import Account
from portal.lenders.models import Lender
from portal.money import Money
from portal.offers.asked import Settlement
from portal.payments import credit
from portal.payments.models import Payment
from portal.plans import negotiate
from portal.points.models import PointsEntry
from portal.schedules.dates import Frequency
from portal.verify import Kind
from tests.factories import STANDARD_LIMITS, a_debt, a_debtor, a_lender, some_credit
from tests.settling import SETTLEMENTS, a_payment, stripe_says

pytestmark = pytest.mark.usefixtures("app")


@dataclass(frozen=True)
class History:
    """A lender on whose books something of each kind has happened."""

    lender: Lender
    debt: Standing
    plan: str
    kept: Payment
    refunded: Payment


def agree_to_a_plan(debt: Standing, *, payment: str) -> str:
    by, today = Actor("debtor", str(debt.debtor_id)), clock.today("America/New_York")
    with transaction():
        negotiate.propose(debt, payment=Money.of(payment, "USD"), frequency=Frequency.MONTHLY, by=by, today=today)
        session.flush()
        proposal = negotiate.newest_proposal(debt)
        assert proposal is not None
        negotiate.choose_pay_day(debt, proposal=proposal, pay_day=28, today=today)
        plan = negotiate.choices(negotiate.table_for(debt, proposal=proposal, today=today))["own"]
        number = negotiate.quote(
            debt, proposal=proposal, key="own", arrangement=plan, by=by, today=today, zone="America/New_York"
        )
    with transaction():
        agreed = negotiate.agree(debt, number=number, agreed_text="I agree.", by=by)
    assert isinstance(agreed, negotiate.Agreed)
    return agreed.reference


def portfolio(folder: Path, lender: Lender) -> Summary:
    """Bring in a file with all five parts, so that there is an import whose counts are kept."""
    file = folder / "debts.csv"
    file.write_text(
        "reference,name,principal,interest,penalty,fees,costs\n"
        "A-1,Robin Example (made up),500.00,20.00,10.00,5.00,2.50\nA-2,Kim Example (made up),80.00,1.00,0,0,0\n"
        "A-3,Sam Example (made up),0,0,0,0,0\n",
        encoding="utf-8",
    )
    fields = ("reference", "name", "principal", "interest", "penalty", "fees", "costs")
    mapping = parse_mapping(
        'currency = "USD"\nrounding = "exact"\n[fields]\nproduct = { value = "Card" }\n'
        + "".join(f'{name} = {{ column = "{name}" }}\n' for name in fields)
    )
    return intake.bring_in(file, lender=lender, mapping=mapping, report=folder / "report.csv")


@pytest.fixture
def history(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    lender = a_lender(limits=STANDARD_LIMITS)
    with app.app_context():
        assert portfolio(tmp_path, lender).added == 2
        debtor = a_debtor(lender=lender)
        debt = a_debt("300.00", lender=lender, debtor=debtor, interest="12.00", fees="3.00", days_late=200)
        plan = agree_to_a_plan(debt, payment="50.00")
        kept = a_payment(debt, amount="50.00", plan=plan)
        stripe_says(kept, monkeypatch)
        refunded = a_payment(debt, amount="60.00", plan=plan)
        stripe_says(refunded, monkeypatch)
        stripe_says(refunded, monkeypatch, back=("20.00",))
        # More than is owed, so that there is credit.
        too_much = a_payment(by_id(lender_id=lender.id, debt_id=debt.id), amount="400.00", plan=None)
        stripe_says(too_much, monkeypatch)
    return History(lender=lender, debt=debt, plan=plan, kept=kept, refunded=refunded)


def test_books_that_the_portal_wrote_agree(history):
    checked = verify.run(lender_id=history.lender.id)
    assert checked.disagreements == ()
    assert checked.left_over == ()
    (added_up,) = checked.added_up
    assert added_up.books == 3 and added_up.payments == 3 and added_up.plans == 1
    # 538.50 + 81.00 of the file; 315.00 of the debt with 110.00 paid, 20.00 given back and 225.00 of 400.00 paid.
    assert added_up.owed == (Money.of("618.50", "USD"),)
    assert added_up.credit == (Money.of("175.00", "USD"),)
    assert checked.lines()[-1] == "agrees"
    assert "618.50 USD owed, 175.00 USD in credit" in checked.lines()[0]


def plant(statement: str, *, times: int | None = 1, **values: object) -> None:
    """Change rows behind the portal's back."""
    query = text(statement).bindparams(*(bindparam(name, type_=Uuid) for name in values if name == "lender"))
    done = session.connection().execute(query, values)
    assert times is None or done.rowcount == times
    session.expire_all()


@pytest.mark.parametrize("account", ["principal", "interest", "penalty", "fees", "costs", "credit"])
def test_one_wrong_unit_in_a_kept_balance_is_named(history, account):
    column = f"{account}_minor"
    plant(
        f"update book set {column} = {column} + 1 where lender_id = :lender"
        " and id = (select id from debt where lender_id = :lender and reference = 'A-1')",
        lender=history.lender.id,
    )
    (found,) = verify.disagreements(history.lender.id)
    assert found.kind is Kind.BALANCE
    assert found.what == f"{account} of debt A-1"
    assert int(found.kept) == int(found.counted) + 1
    assert verify.run(lender_id=history.lender.id).lines()[-1] == "does not agree: 1 differences"


@pytest.mark.parametrize(
    ("kind", "what", "statement"),
    [
        (Kind.PLAN_TOTAL, "plan ", "update plan set total_minor = total_minor + 1 where lender_id = :lender"),
        (Kind.QUOTE_TOTAL, "quote ", "update quote set total_minor = total_minor + 1 where lender_id = :lender"),
        (
            Kind.PLAN_ITEM,
            "item 3",
            "update plan_item set amount_minor = amount_minor + 1 where lender_id = :lender and seq = 3",
        ),
        (
            Kind.PAID,
            "item 1",
            "update plan_item set paid_minor = paid_minor - 1 where lender_id = :lender and seq = 1",
        ),
        (
            Kind.PAID,
            "item 2",
            "update plan_item set paid_minor = paid_minor + 1 where lender_id = :lender and seq = 2",
        ),
        (
            Kind.REFUNDED,
            "payment ",
            "update payment set refunded_minor = refunded_minor + 1 where lender_id = :lender and refunded_minor > 0",
        ),
        (
            Kind.EFFECT,
            "effect stripe:",
            "update money_effect set amount_minor = amount_minor + 1 where lender_id = :lender and amount_minor = 5000",
        ),
        (
            Kind.EFFECT,
            "outcome of effect stripe:",
            "update money_effect set outcome = 'set_aside' where lender_id = :lender and amount_minor = 6000",
        ),
        (
            Kind.PAYMENT,
            "payment ",
            "update payment set amount_minor = amount_minor + 1 where lender_id = :lender and amount_minor = 5000",
        ),
        (
            Kind.PAYMENT,
            "payment ",
            "update payment set state = 'sent' where lender_id = :lender and amount_minor = 5000",
        ),
        (
            Kind.PAYMENT_PART,
            "parts of payment ",
            "update payment_part set amount_minor = amount_minor + 1 where lender_id = :lender and amount_minor = 5000",
        ),
        (
            Kind.PAYMENT_PART,
            "part 1 of payment ",
            "update payment_part set debt_id = (select id from debt where lender_id = :lender and reference = 'A-2')"
            " where lender_id = :lender and amount_minor = 5000",
        ),
        (
            Kind.CURRENCY,
            "part 1 of payment ",
            "update payment_part set currency = 'EUR' where lender_id = :lender and amount_minor = 5000",
        ),
        (
            Kind.POINTS,
            "kept_instalment:",
            "update plan_item set kept_at = null where lender_id = :lender and seq = 1",
        ),
        (
            Kind.IMPORT,
            "rows read of debts.csv",
            "update import_run set rows_read = rows_read + 1 where lender_id = :lender and file_name = 'debts.csv'",
        ),
        (
            Kind.IMPORT,
            "accepted rows of debts.csv",
            "update import_run set unchanged = unchanged + 1 where lender_id = :lender and file_name = 'debts.csv'",
        ),
        (
            Kind.IMPORT,
            "debts added by debts.csv",
            "update import_run set added = added - 1, changed = changed + 1"
            " where lender_id = :lender and file_name = 'debts.csv'",
        ),
        (
            Kind.CURRENCY,
            "debt A-2",
            "update debt set currency = 'EUR' where lender_id = :lender and reference = 'A-2'",
        ),
        (
            Kind.CURRENCY,
            "effect stripe:",
            "update money_effect set currency = 'EUR' where lender_id = :lender and amount_minor = 5000",
        ),
    ],
)
def test_one_wrong_figure_is_named(history, kind, what, statement):
    plant(statement, lender=history.lender.id)
    found = verify.disagreements(history.lender.id)
    assert any(each.kind is kind and what in each.what for each in found), found
    assert all(each.lender == history.lender.slug for each in found)


def test_one_wrong_unit_in_a_transfer_is_named_against_the_kept_balance(history):
    plant(
        "update transfer set amount_minor = amount_minor + 1 where lender_id = :lender and to_account = 'costs'",
        lender=history.lender.id,
    )
    (found,) = verify.disagreements(history.lender.id)
    assert (found.kind, found.what) == (Kind.BALANCE, "costs of debt A-1")
    assert (found.kept, found.counted) == ("250", "251")


def test_a_transfer_in_another_currency_than_its_book_is_named(history):
    plant(
        "update transfer set currency = 'EUR' where lender_id = :lender and to_account = 'costs'",
        lender=history.lender.id,
    )
    (found,) = verify.disagreements(history.lender.id)
    assert (found.kind, found.kept, found.counted) == (Kind.CURRENCY, "EUR", "USD")


def test_a_transfer_to_an_account_that_is_not_known_is_named(history):
    plant(
        "update transfer set from_account = 'nowhere' where lender_id = :lender and to_account = 'costs'",
        lender=history.lender.id,
    )
    found = {each.kind: each for each in verify.disagreements(history.lender.id)}
    assert found[Kind.TRANSFER].counted == "an account that is not known"


def test_a_posting_without_transfers_and_a_book_without_opening_are_named(history):
    lender = history.lender.id
    debt = "(select id from debt where lender_id = :lender and reference = 'A-2')"
    plant(f"delete from transfer where lender_id = :lender and book_id = {debt}", times=2, lender=lender)
    plant(
        f"update book set principal_minor = 0, interest_minor = 0 where lender_id = :lender and id = {debt}",
        lender=lender,
    )
    found = {each.kind: each for each in verify.disagreements(lender)}
    assert found[Kind.POSTING].counted == "no transfers"
    assert (found[Kind.OPENING].what, found[Kind.OPENING].counted) == ("openings of debt A-2", "0")
    assert set(found) == {Kind.POSTING, Kind.OPENING}


def test_a_book_without_a_debt_is_named(history):
    plant("delete from debt where lender_id = :lender and reference = 'A-2'", lender=history.lender.id)
    found = {each.kind for each in verify.disagreements(history.lender.id)}
    assert Kind.BOOK in found


def test_money_that_no_effect_accounts_for_is_named(history):
    plant("delete from money_effect where lender_id = :lender and amount_minor = 5000", lender=history.lender.id)
    found = verify.disagreements(history.lender.id)
    assert any(each.kind is Kind.EFFECT and each.counted == "5000" for each in found)
    assert any(each.kind is Kind.PAYMENT and each.kept == "succeeded" and each.counted == "0" for each in found)


def test_a_kept_item_without_points_is_named(history):
    plant("delete from points_entry where lender_id = :lender", times=None, lender=history.lender.id)
    found = verify.disagreements(history.lender.id)
    assert {each.kind for each in found} == {Kind.POINTS}
    assert {each.counted for each in found} == {"no points"}


def test_points_that_stand_twice_for_one_item_are_named(history):
    with transaction() as s:
        given = s.scalars(
            select(PointsEntry).where(PointsEntry.lender_id == history.lender.id).order_by(PointsEntry.id).limit(1)
        ).one()
        cause = given.cause
        s.add(
            PointsEntry(
                lender_id=given.lender_id,
                debtor_id=given.debtor_id,
                cause=f"{cause}#2",
                reason=given.reason,
                points=given.points,
                at=given.at,
            )
        )
    (found,) = verify.disagreements(history.lender.id)
    assert (found.kind, found.what, found.counted) == (Kind.POINTS, cause, "points 2 times")


def test_points_taken_back_by_one_too_many_are_named(history, monkeypatch, app):
    with app.app_context():
        stripe_says(history.kept, monkeypatch, back=("50.00",))
        stripe_says(history.refunded, monkeypatch, back=("20.00", "40.00"))
    assert verify.disagreements(history.lender.id) == ()
    plant(
        "update points_entry set points = points - 1 where lender_id = :lender and points < 0 and cause like '%1'",
        lender=history.lender.id,
    )
    (found,) = verify.disagreements(history.lender.id)
    assert (found.kind, found.kept, found.counted) == (Kind.POINTS, "10", "11")


@pytest.mark.parametrize(
    "change", ["entry = replace(entry, '\"portfolio_imported\"', '\"nothing\"')", "salt = '00'", "hash = 'no hash'"]
)
def test_a_record_whose_hash_does_not_follow_from_its_text_is_named(history, change):
    plant(
        f"update evidence_record set {change} where lender_id = :lender and act = 'portfolio_imported'",
        lender=history.lender.id,
    )
    (found,) = verify.disagreements(history.lender.id)
    assert found.kind is Kind.EVIDENCE and "portfolio_imported" in found.what


def test_a_record_whose_columns_say_another_thing_than_its_text_is_named(history):
    plant(
        "update evidence_record set act = 'signed_in' where lender_id = :lender and act = 'portfolio_imported'",
        lender=history.lender.id,
    )
    (found,) = verify.disagreements(history.lender.id)
    assert (found.kind, found.kept, found.counted) == (Kind.EVIDENCE, "signed_in", "portfolio_imported")


def test_debts_that_a_dead_run_left_staged_are_told_apart_and_are_no_disagreement(history):
    a_debt(lender=history.lender, state="staged")
    plant(
        "update import_run set state = 'staging', added = 0, accepted = 0, rows_read = 0 where lender_id = :lender"
        " and id = (select import_run_id from debt where lender_id = :lender and state = 'staged')",
        lender=history.lender.id,
    )
    checked = verify.run(lender_id=history.lender.id)
    assert checked.disagreements == ()
    assert [(each.debts, each.state) for each in checked.left_over] == [(1, "staging")]
    assert checked.lines()[-1] == "agrees"


def test_one_lender_is_checked_alone_and_all_of_them_together(history):
    other = a_lender()
    a_debt(lender=other, reference="B-1")
    plant("update book set principal_minor = principal_minor + 1 where lender_id = :lender", lender=other.id)
    assert verify.disagreements(history.lender.id) == ()
    (found,) = verify.disagreements(other.id)
    assert (found.lender, found.what) == (other.slug, "principal of debt B-1")
    assert verify.disagreements() == (found,)


def test_no_more_than_a_stated_number_of_a_kind_is_named_and_the_rest_is_counted(history, monkeypatch):
    monkeypatch.setattr(verify, "MOST_NAMED", 1)
    plant(
        "update book set principal_minor = principal_minor + 1 where lender_id = :lender",
        times=3,
        lender=history.lender.id,
    )
    checked = verify.run(lender_id=history.lender.id)
    assert (len(checked.disagreements), checked.not_named) == (1, 2)
    assert checked.lines()[-1] == "does not agree: 3 differences"


@dataclass
class Uses:
    """Credit of one debt that was used twice for another, the second time undone, and a third person's debt."""

    lender: Lender
    card: Standing
    loan: Standing
    other: Standing


@pytest.fixture
def uses(app: Flask) -> Uses:
    lender = a_lender()
    debtor = a_debtor(lender=lender)
    card, loan = a_debt("60.00", debtor=debtor), a_debt("250.00", debtor=debtor, interest="12.50")
    by, own = Actor("debtor", str(debtor.id)), {"lender_id": lender.id}
    for turn in ("1", "2"):
        some_credit(by_id(lender_id=lender.id, debt_id=card.id), "20.00")
        with transaction():
            done = credit.use(
                source=by_id(lender_id=lender.id, debt_id=card.id),
                target=by_id(lender_id=lender.id, debt_id=loan.id),
                amount=Money.of("20.00", "USD"),
                form_key=turn,
                today=card.as_of,
                by=by,
            )
        assert isinstance(done, credit.Used)
    with transaction():
        credit.give_back(**own, debt_id=card.id, needed=Money.of("5.00", "USD"), today=card.as_of, by=by)
    return Uses(lender=lender, card=card, loan=loan, other=a_debt("10.00", lender=lender, reference="OTHER"))


def test_credit_that_was_used_and_undone_agrees(uses):
    assert verify.disagreements(uses.lender.id) == ()
    assert by_id(lender_id=uses.lender.id, debt_id=uses.card.id).credit == Money.of("20.00", "USD")
    assert by_id(lender_id=uses.lender.id, debt_id=uses.loan.id).owed == Money.of("242.50", "USD")


@pytest.mark.parametrize(
    ("what", "statement"),
    [
        ("credit of use ", "update credit_use set amount_minor = amount_minor + 1 where form_key = '1'"),
        ("what use ", "update credit_use set to_debt_id = from_debt_id where form_key = '1'"),
        ("what is there again of use ", "update credit_use set amount_minor = amount_minor + 1 where form_key = '2'"),
        ("posting set_off ", "delete from credit_use where form_key = '1'"),
        (
            "posting set_off_undone ",
            "update credit_use set undone_at = null, undone_posting_id = null where form_key = '2'",
        ),
        ("currency of use ", "update credit_use set currency = 'EUR' where form_key = '1'"),
        (
            "debts of use ",
            "update credit_use set debtor_id = (select debtor_id from debt where reference = 'OTHER')"
            " where form_key = '1'",
        ),
        (
            "set-off of posting set_off ",
            "update transfer set amount_minor = amount_minor + 1"
            " where to_account = 'set_off' and from_account = 'principal'"
            " and posting_id = (select posting_id from credit_use where form_key = '1')",
        ),
    ],
)
def test_one_wrong_thing_about_used_credit_is_named(uses, what, statement):
    plant(f"{statement} and lender_id = :lender", lender=uses.lender.id)
    found = verify.disagreements(uses.lender.id)
    assert any(each.kind is Kind.CREDIT_USE and each.what.startswith(what) for each in found), found


def test_what_used_credit_paid_of_a_plan_is_counted(uses):
    plan = agree_to_a_plan(by_id(lender_id=uses.lender.id, debt_id=uses.loan.id), payment="50.00")
    with transaction():
        done = credit.use(
            source=by_id(lender_id=uses.lender.id, debt_id=uses.card.id),
            target=by_id(lender_id=uses.lender.id, debt_id=uses.loan.id),
            amount=Money.of("20.00", "USD"),
            form_key="3",
            today=uses.card.as_of,
            by=Actor("debtor", "x"),
        )
    assert isinstance(done, credit.Used)
    assert verify.disagreements(uses.lender.id) == ()
    plant("update credit_use set plan_id = null where form_key = '3' and lender_id = :lender", lender=uses.lender.id)
    (found,) = verify.disagreements(uses.lender.id)
    assert (found.kind, found.what, found.kept, found.counted) == (Kind.PAID, f"plan {plan} item 1", "2000", "0")


def a_file_says(debt: Standing, *, principal: int, interest: int) -> None:
    """Bring the book to what a file says, in minor units."""
    parts = {account: 0 for account in ledger.OWED} | {Account.PRINCIPAL: principal, Account.INTEREST: interest}
    with transaction():
        ledger.restate(
            lender_id=debt.lender_id,
            figures=[ledger.Figures(debt.id, "USD", parts)],
            cause=f"file {principal} {interest}",
            on=clock.today("America/New_York"),
        )


def settle(app: Flask, monkeypatch: pytest.MonkeyPatch, *, interest_before_it_is_paid: int | None = None) -> Standing:
    lender = a_lender(limits=STANDARD_LIMITS + SETTLEMENTS)
    with app.app_context():
        debt = a_debt("800.00", lender=lender, interest="12.00", days_late=95)
        by, today = Actor("debtor", str(debt.debtor_id)), clock.today("America/New_York")
        with transaction():
            asked = Settlement(Money.of("806.00", "USD"), today + timedelta(days=5))
            negotiate.ask(debt, asked=asked, by=by, today=today)
            proposal = negotiate.newest_proposal(debt)
            assert proposal is not None
            picked = negotiate.choices(negotiate.table_for(debt, proposal=proposal, today=today))["own"]
            number = negotiate.quote(
                debt, proposal=proposal, key="own", arrangement=picked, by=by, today=today, zone="America/New_York"
            )
        with transaction():
            agreed = negotiate.agree(debt, number=number, agreed_text="I agree.", by=by)
        assert isinstance(agreed, negotiate.Agreed)
        if interest_before_it_is_paid is not None:
            a_file_says(debt, principal=80_000, interest=interest_before_it_is_paid)
        stripe_says(a_payment(debt, amount="806.00", plan=agreed.reference), monkeypatch)
    assert by_id(lender_id=lender.id, debt_id=debt.id).owed == Money.zero("USD")
    return debt


@pytest.fixture
def settled(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Standing:
    """800.00 with 12.00 of interest, settled for 806.00: 6.00 of the interest were let off with the one payment."""
    debt = settle(app, monkeypatch)
    assert verify.disagreements(debt.lender_id) == ()
    return debt


@pytest.mark.parametrize("interest", [800, 600, 100])
def test_what_a_file_brings_later_makes_no_waiver_wrong(
    app: Flask, monkeypatch: pytest.MonkeyPatch, interest: int
) -> None:
    """All, a part or nothing of what was promised was there to let off when the last payment came."""
    debt = settle(app, monkeypatch, interest_before_it_is_paid=interest)
    a_file_says(debt, principal=0, interest=5_000)
    assert [one for one in verify.disagreements(debt.lender_id) if one.kind is Kind.WAIVER] == []


@pytest.mark.parametrize(
    ("what", "statement"),
    [
        ("let off by plan ", "update plan_item set waive_minor = waive_minor - 1 where lender_id = :lender"),
        ("posting waiver (", "update plan_item set waiver_posting_id = null where lender_id = :lender"),
        ("let off by plan ", "update plan set state = 'active' where lender_id = :lender and :unpaid = 1"),
        ("promised by plan ", "update plan set waive_minor = waive_minor + 1 where lender_id = :lender"),
        ("let off by plan ", "update posting set kind = 'payment' where lender_id = :lender and kind = 'waiver'"),
    ],
)
def test_a_wrong_waiver_is_named(settled: Standing, what: str, statement: str) -> None:
    if ":unpaid" in statement:
        statement = statement.replace(" and :unpaid = 1", "")
        plant("update plan_item set paid_minor = paid_minor - 1 where lender_id = :lender", lender=settled.lender_id)
    plant(statement, lender=settled.lender_id)
    found = [one for one in verify.disagreements(settled.lender_id) if one.kind is Kind.WAIVER]
    assert found and any(one.what.startswith(what) for one in found), found
