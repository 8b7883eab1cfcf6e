"""A lender's engineer checks a draft of limits, loads it, and asks why a debt gets the card that it gets."""

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.db import session, transaction
from portal.debts.models import Debt
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.plans import negotiate
from portal.plans.models import LimitsVersion
from tests.factories import STANDARD_LIMITS, a_debt, a_lender

LATER = STANDARD_LIMITS.replace("effective_from = 2026-01-01", "effective_from = 2026-01-02")
FOR_THE_NORTH = LATER.replace("days_late_from = 180\n", 'attributes = { region = ["north"] }\n')


@pytest.fixture
def lender(app: Flask) -> Lender:
    return a_lender()


def limits(app: Flask, tmp_path: Path, *words: str, text: str | None = None) -> tuple[int, str]:
    file = tmp_path / "limits.toml"
    if text is not None:
        file.write_text(text, "utf-8")
    done = app.test_cli_runner().invoke(args=["limits", *(str(file) if word == "FILE" else word for word in words)])
    return done.exit_code, done.output


def versions(lender: Lender) -> int | None:
    return session.scalar(select(func.count()).select_from(LimitsVersion).where(LimitsVersion.lender_id == lender.id))


def with_attributes(debt: Standing, attributes: dict[str, str]) -> None:
    with transaction() as writing:
        writing.get_one(Debt, (debt.lender_id, debt.id)).attributes = attributes


def test_a_draft_is_checked_and_nothing_changes(app: Flask, lender: Lender, tmp_path: Path) -> None:
    a_debt("900.00", lender=lender)
    code, said = limits(app, tmp_path, "check", "FILE", "--lender", lender.slug, text=LATER)
    assert (code, said) == (0, "limits.toml can be loaded: 3 cards, from 2026-01-02 on.\n")
    assert versions(lender) == 1


def test_debts_that_no_card_fits_are_counted_with_an_example(app: Flask, lender: Lender, tmp_path: Path) -> None:
    for reference, owed in (("A-1", "100.00"), ("A-2", "900.00"), ("A-3", "901.00")):
        a_debt(owed, lender=lender, reference=reference)
    only_small = LATER[: LATER.index('[[card]]\nname = "Long overdue"')]
    code, said = limits(app, tmp_path, "check", "FILE", "--lender", lender.slug, text=only_small)
    assert code == 0
    assert "Warning: no card fits 2 of the open debts, for example A-2. Their owners are led to a person.\n" in said


def test_a_contradiction_is_refused_in_words_and_not_loaded(app: Flask, lender: Lender, tmp_path: Path) -> None:
    wrong = LATER.replace("hardship_amount = 1 ", "hardship_amount = 11 ")
    for command in ("check", "load"):
        code, said = limits(app, tmp_path, command, "FILE", "--lender", lender.slug, text=wrong)
        assert code == 1
        assert 'card "Small balances": least_payment.hardship_amount: 11.00 USD is above least_payment.amount' in said
    assert versions(lender) == 1


def test_two_versions_may_not_start_on_one_day(app: Flask, lender: Lender, tmp_path: Path) -> None:
    other = STANDARD_LIMITS.replace("amount = 10", "amount = 12")
    code, said = limits(app, tmp_path, "load", "FILE", "--lender", lender.slug, text=other)
    assert code == 1
    assert "effective_from and version 1: both start on 2026-01-01" in said
    assert versions(lender) == 1
    # The same text again is no second version, and nothing is wrong with it.
    for command in ("check", "load"):
        assert limits(app, tmp_path, command, "FILE", "--lender", lender.slug, text=STANDARD_LIMITS)[0] == 0
    assert versions(lender) == 1


def test_why_a_debt_gets_its_card_is_told(app: Flask, lender: Lender, tmp_path: Path) -> None:
    a_debt("900.00", lender=lender, reference="A-1", days_late=5)
    assert limits(app, tmp_path, "explain", "--lender", lender.slug, "--debt", "A-1") == (
        0,
        'Version 1 ("Standard limits") is in force since 2026-01-01.\n'
        'Not "Small balances": The balance is 900.00 USD; the card is for 500.00 USD or less.\n'
        'Not "Long overdue": It is 5 days late; the card is for 180 or more.\n'
        '"Everything else" counts: it is the first that fits.\n'
        "Can be asked for: regular, steps.\n",
    )
    code, said = limits(app, tmp_path, "explain", "--lender", lender.slug, "--debt", "A-2")
    assert (code, "has no open debt with the reference 'A-2'" in said) == (1, True)


def test_a_card_looks_at_what_the_file_says_of_a_debt(app: Flask, lender: Lender, tmp_path: Path) -> None:
    north, south = (a_debt("900.00", lender=lender, reference=reference) for reference in ("N-1", "S-1"))
    with_attributes(north, {"region": "north"})
    assert limits(app, tmp_path, "load", "FILE", "--lender", lender.slug, text=FOR_THE_NORTH)[0] == 0
    today = north.as_of
    assert negotiate.limits_in_force(north, today=today).card.name == "Long overdue"
    assert negotiate.limits_in_force(south, today=today).card.name == "Everything else"
    _, said = limits(app, tmp_path, "explain", "--lender", lender.slug, "--debt", "S-1")
    assert 'Not "Long overdue": It has no attribute region; the card is for debts whose region is north.\n' in said
    without_rest = FOR_THE_NORTH[: FOR_THE_NORTH.index('[[card]]\nname = "Everything else"')]
    later = without_rest.replace("2026-01-02", "2026-01-03")
    _, said = limits(app, tmp_path, "check", "FILE", "--lender", lender.slug, text=later)
    assert "no card fits 1 of the open debts, for example S-1." in said
