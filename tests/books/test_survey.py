"""The survey asks for every debt what a debtor would ask, checks each plan, writes that down, and changes nothing."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal import survey
from portal.db import Model, new_id, session, transaction
from portal.debts.statement import Standing
from portal.ledger import OWED, Account, Figures, restate
from portal.letters import truth
from portal.limits.cards import Limits
from portal.limits.reading import parse
from portal.money import Money
from portal.schedules.dates import Frequency, first_due
from portal.schedules.schedule import Schedule, by_payment
from portal.survey import NO_LIMITS, NOTHING_OWED, Failing, Proposal
from tests.factories import STANDARD_LIMITS, a_debt, a_debtor, a_lender

TODAY = date(2026, 5, 4)


def table_of(summary: survey.Summary) -> dict[str, dict[str, str]]:
    with summary.table.open(newline="", encoding="utf-8-sig") as file:
        return {row["reference"]: row for row in csv.DictReader(file)}


def rows_by_table() -> dict[str, int]:
    return {
        name: session.scalar(select(func.count()).select_from(table)) or 0
        for name, table in Model.metadata.tables.items()
    }


def test_every_debt_has_its_balance_its_limits_three_answers_and_a_checked_schedule(app, db, tmp_path):
    lender = a_lender(slug="one")
    # 1,200.00 without interest, not late: "Everything else", the least is 1,200 / 36 = 33.34.
    a_debt("1200.00", lender=lender, annual_rate="0", reference="A", days_late=0)
    # 250.00 is a small balance: at most 12 months, at least 10.00.
    a_debt("200.00", lender=lender, fees="50.00", reference="B")
    told = []
    summary = survey.run(lender=lender, out=tmp_path, progress=lambda done, whole: told.append((done, whole)))
    rows = table_of(summary)
    assert told == [(2, 2)]
    assert (summary.debts, summary.failing) == (2, 0)
    assert summary.parts[Account.PRINCIPAL] == Money.of("1400.00", "USD")
    assert summary.parts[Account.FEES] == Money.of("50.00", "USD")
    assert summary.owed == Money.of("1450.00", "USD")
    assert summary.cards == {"Everything else": 1, "Small balances": 1}
    assert summary.balances == {200: 1, 1_000: 1}
    assert (summary.late_today["not late"], summary.late_today["90 to 179 days"]) == (1, 1)

    one = rows["A"]
    assert (one["owed"], one["card"], one["check"]) == ("1200.00", "Everything else", "ok")
    assert one["least_payment"] == "33.34"
    assert (one["twelve_months_asked"], one["twelve_months_outcome"]) == ("100.00", "accept")
    assert (one["twelve_months_count"], one["twelve_months_total"]) == ("12", "1200.00")
    assert (one["twelve_months_starts_on"], one["twelve_months_ends_on"]) == ("2026-05-28", "2027-04-28")
    assert (one["half_the_least_asked"], one["half_the_least_outcome"]) == ("16.67", "counter_and_ask_budget")
    assert (one["half_the_least_payment"], one["half_the_least_count"]) == ("33.34", "36")
    assert (one["longest_term_outcome"], one["longest_term_needs_person"]) == ("accept", "yes")
    two = rows["B"]
    assert (two["principal"], two["fees"], two["owed"], two["card"]) == ("200.00", "50.00", "250.00", "Small balances")
    assert (two["twelve_months_count"], two["twelve_months_interest"]) == ("12", "0.00")

    assert summary.answers[Proposal.TWELVE_MONTHS] == {"accepted": 2}
    assert sum(summary.answers[Proposal.HALF_THE_LEAST].values()) == 2
    lines = summary.lines()
    assert "one: 2 open debts on 2026-05-04, 1,450.00 USD owed (principal 1,400.00 USD, fees 50.00 USD)" in lines
    assert "a level payment over 12 months: accepted 2" in lines


def test_a_survey_changes_nothing(app, db, tmp_path):
    lender = a_lender()
    debt = a_debt("640.00", lender=lender)
    before = rows_by_table()
    with app.app_context():
        survey.run(lender=lender, letters=1, out=tmp_path)
    assert rows_by_table() == before
    assert not session.dirty and not session.new
    assert debt.owed == Money.of("640.00", "USD")


def test_debts_that_no_limits_fit_and_debts_with_nothing_owed_are_counted_apart(app, db, tmp_path):
    lender = a_lender(limits=None)
    a_debt("640.00", lender=lender, reference="A")
    paid = a_debt("5.00", lender=lender, reference="B")
    with transaction():
        nothing = Figures(debt_id=paid.id, currency="USD", parts={})
        restate(lender_id=lender.id, figures=[nothing], cause="a test", on=TODAY)
    summary = survey.run(lender=lender, out=tmp_path)
    assert summary.cards == {NO_LIMITS: 1, NOTHING_OWED: 1}
    for proposal in Proposal:
        assert summary.answers[proposal] == {NO_LIMITS: 1, NOTHING_OWED: 1}
    assert summary.failing == 0
    assert table_of(summary)["A"]["card"] == NO_LIMITS


def test_a_lender_without_debts_gets_an_empty_survey(app, db, tmp_path):
    summary = survey.run(lender=a_lender(), letters=3, out=tmp_path)
    assert (summary.debts, summary.letters, table_of(summary)) == (0, [], {})
    assert "No debts." in summary.picture.read_text(encoding="utf-8")


def test_pages_are_walked_to_the_end(app, db, tmp_path, monkeypatch):
    monkeypatch.setattr(survey, "PAGE", 2)
    lender = a_lender()
    debtor = a_debtor(lender=lender)
    for at in range(5):
        a_debt(f"{600 + at}.00", lender=lender, debtor=debtor, reference=f"R-{at}")
    a_debt("700.00", lender=a_lender(), reference="of another lender")
    summary = survey.run(lender=lender, out=tmp_path)
    assert set(table_of(summary)) == {f"R-{at}" for at in range(5)}


def test_a_reference_is_no_formula_in_a_spreadsheet(app, db, tmp_path):
    lender = a_lender()
    a_debt("700.00", lender=lender, reference="=1+1")
    assert list(table_of(survey.run(lender=lender, out=tmp_path))) == ["'=1+1"]


def test_letters_are_spread_over_the_portfolio_in_both_languages_and_are_true(app, db, tmp_path, monkeypatch):
    lender = a_lender()
    debtor = a_debtor(lender=lender, language="en")
    for at in range(5):
        a_debt(f"{600 + at}.00", lender=lender, debtor=debtor, reference=f"R-{at}", interest="1.00")
    seen = []
    real = truth.against
    monkeypatch.setattr(truth, "against", lambda letter: seen.append(letter) or real(letter))
    with app.app_context():
        summary = survey.run(lender=lender, letters=3, out=tmp_path)
    assert [letter.debt_reference for letter in seen] == ["R-0", "R-2", "R-4"]
    assert [letter.language for letter in seen] == ["en", "zh_Hans", "en"]
    assert summary.letters_failing == []
    assert [path.name for path in summary.letters] == [
        "statement-001-en.pdf",
        "statement-002-zh_Hans.pdf",
        "statement-003-en.pdf",
    ]
    assert all(path.read_bytes().startswith(b"%PDF-") for path in summary.letters)
    assert "3 letters drawn, 0 that can't be issued" in summary.lines()


def test_a_letter_that_would_not_be_true_is_not_drawn_and_is_named(app, db, tmp_path, monkeypatch):
    lender = a_lender()
    a_debt("600.00", lender=lender, reference="R-1")
    monkeypatch.setattr(truth, "against", lambda _letter: (truth.Reason.LINES_DO_NOT_ADD_UP,))
    with app.app_context():
        summary = survey.run(lender=lender, letters=1, out=tmp_path)
    assert summary.letters == []
    assert summary.letters_failing == [Failing("R-1", truth.Reason.LINES_DO_NOT_ADD_UP.value)]
    assert list(tmp_path.glob("*.pdf")) == []


@pytest.mark.parametrize(
    ("count", "wanted", "places"),
    [(101, 3, {0, 50, 100}), (2, 5, {0, 1}), (7, 1, {0}), (0, 3, set()), (9, 0, set()), (4, 2, {0, 3})],
)
def test_a_sample_has_the_first_the_last_and_evenly_between(count, wanted, places):
    assert survey.spread(count, wanted) == places


@pytest.mark.parametrize(
    ("amount", "low", "end"),
    [("0.40", 0, 1), ("1.00", 1, 2), ("4.99", 2, 5), ("739.20", 500, 1_000), ("1000000.00", 1_000_000, 2_000_000)],
)
def test_balances_are_counted_in_bands_of_one_two_and_five(amount, low, end):
    assert survey.band_of(Money.of(amount, "USD")) == low
    assert survey.band_end(low) == end


def test_the_picture_is_well_formed_and_says_in_words_what_it_shows(app, db, tmp_path):
    lender = a_lender(slug="a&b")
    a_debt("1200.00", lender=lender)
    a_debt("300.00", lender=lender)
    text = survey.run(lender=lender, out=tmp_path).picture.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    name = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{name}svg" and root.get("role") == "img"
    assert root.findtext(f"{name}title") == "Survey of a&b on 2026-05-04"
    said = root.findtext(f"{name}desc") or ""
    assert "2 debts" in said and "a level payment over 12 months: accepted 2" in said
    labels = [each.text for each in root.iter(f"{name}text")]
    assert "accepted: 2 (100%)" in labels
    assert "style" not in text and "script" not in text


# What the survey's own check finds.


def some_limits() -> Limits:
    return parse(STANDARD_LIMITS, currency="USD").cards[2].limits


def some_debt(*, principal: str = "1200.00", fees: str = "0", rate: str = "0") -> Standing:
    zero = Money.zero("USD")
    ids = [new_id() for _ in range(3)]
    return Standing(
        id=ids[0],
        lender_id=ids[1],
        debtor_id=ids[2],
        reference="A",
        product="Card",
        creditor=None,
        original=None,
        annual_rate=Decimal(rate),
        opened_on=None,
        late_since=None,
        as_of=TODAY,
        parts=dict.fromkeys(OWED, zero)
        | {Account.PRINCIPAL: Money.of(principal, "USD"), Account.FEES: Money.of(fees, "USD")},
        credit=zero,
    )


def a_plan(debt: Standing, *, payment: str = "100.00", rate: str = "0") -> Schedule:
    return by_payment(
        balance=debt.owed,
        rate=survey.periodic_rate(annual_rate=Decimal(rate), frequency=Frequency.MONTHLY),
        payment=Money.of(payment, "USD"),
        first=first_due(today=TODAY, frequency=Frequency.MONTHLY, pay_day=28),
        frequency=Frequency.MONTHLY,
        anchor_day=28,
    )


def changed(plan: Schedule, at: int, **values: object) -> Schedule:
    items = list(plan.items)
    items[at] = replace(items[at], **values)
    return Schedule(tuple(items), plan.frequency)


def test_a_plan_that_adds_up_has_nothing_against_it():
    debt = some_debt(rate="6")
    assert survey.against(a_plan(debt, rate="6"), debt, some_limits(), today=TODAY) == ()


@pytest.mark.parametrize(
    ("at", "values", "sentence"),
    [
        (0, {"amount": Money(10_001, "USD")}, "not balance plus interest"),
        (0, {"amount": Money(0, "USD")}, "an item of nothing or less"),
        (3, {"due_on": TODAY + timedelta(days=1)}, "dates do not ascend"),
        (0, {"due_on": TODAY - timedelta(days=1)}, "outside the limits"),
        (0, {"due_on": TODAY + timedelta(days=40)}, "outside the limits"),
        (11, {"principal": Money(9_999, "USD"), "amount": Money(9_999, "USD")}, "not the balance"),
        (5, {"amount": Money(10_000, "EUR")}, "several currencies"),
        (11, {"amount": Money(10_001, "USD")}, "the last item is the largest"),
        (5, {"interest": Money(700, "USD")}, "does not follow from what is left"),
    ],
)
def test_a_plan_in_which_something_is_wrong_is_found(at, values, sentence):
    debt = some_debt()
    plan = changed(a_plan(debt), at, **values)
    assert any(sentence in why for why in survey.against(plan, debt, some_limits(), today=TODAY))


def test_a_plan_that_is_too_long_is_found():
    debt = some_debt()
    plan = a_plan(debt, payment="30.00")
    assert any("longer than 36 months" in why for why in survey.against(plan, debt, some_limits(), today=TODAY))


def test_a_plan_that_bears_interest_on_fees_is_found():
    debt = some_debt(principal="600.00", fees="600.00", rate="18")
    found = survey.against(a_plan(debt, rate="6"), debt, some_limits(), today=TODAY)
    # 6% a year on 600.00 is 3.00 a month; on 1,200.00 it would be 6.00.
    assert found == ("interest 600 of the first item is more than the principal bears, 300",)


def test_a_debt_with_a_failing_check_is_counted_and_named(app: Flask, db, tmp_path: Path, monkeypatch):
    lender = a_lender()
    a_debt("1200.00", lender=lender, reference="A")
    monkeypatch.setattr(survey, "against", lambda *_args, **_named: ("this is wrong",))
    summary = survey.run(lender=lender, out=tmp_path)
    assert summary.failing == 1
    assert summary.failing_named[0].reference == "A"
    assert "this is wrong" in json.dumps(summary.lines())
    assert "this is wrong" in table_of(summary)["A"]["check"]
