"""Several sets of limits answer the same proposals on every late debt; each debt counts once under each."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ElementTree
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import func, select

from portal import compare
from portal.compare import Proposal, Said
from portal.db import Model, session
from portal.limits.cards import LimitsSet
from portal.limits.reading import parse
from portal.money import Money
from portal.offers.owed import Means, Owed
from tests.factories import a_debt, a_lender

LIMITS = Path(__file__).parents[2] / "limits"
ON = date(2026, 5, 4)


def named(name: str, *, own: str = "USD", currency: str = "USD", times: str = "1") -> LimitsSet:
    text = (LIMITS / f"{name}.toml").read_text(encoding="utf-8")
    limits = parse(text, currency=own)
    return compare.scaled(limits, currency=currency, times=Decimal(times))


def late(owed: str, *, days_late: int, left: str | None = None, rate: str = "0", reference: str = "A") -> compare.Late:
    means = None if left is None else Means(Money.of(left, "USD"))
    debt = Owed(Money.of(owed, "USD"), annual_rate=Decimal(rate), days_late=days_late)
    return compare.Late(reference, "card", {}, debt, ON, means)


def sets() -> dict[str, LimitsSet]:
    return {
        "standard": named("standard"),
        "british": named("british", own="GBP", times="1.25"),
        "china-farm": named("china-farm", own="CNY", times="0.142857"),
    }


def portfolio() -> list[compare.Late]:
    return [
        late(f"{owed}.00", days_late=days, left=left, rate="18", reference=f"{owed}-{days}-{left}")
        for owed in (5, 480, 3_600, 20_000)
        for days in (1, 95, 200, 400)
        for left in (None, "-20.00", "60.00", "900.00")
    ]


def compared(debts: list[compare.Late], folder: Path, among: dict[str, LimitsSet] | None = None) -> compare.Comparison:
    return compare.run(
        title="made up", currency="USD", late=debts, sets=among or sets(), table=folder / "rule-sets.csv"
    )


def test_under_each_set_and_for_each_proposal_every_late_debt_counts_once(tmp_path):
    debts = portfolio()
    found = compared(debts, tmp_path)
    assert (found.late, found.with_means) == (64, 48)
    for name in found.sets:
        for proposal in Proposal:
            said = found.columns[name, proposal].said
            assert said.total() == 64
            assert said[Said.NO_INCOME] == (16 if proposal.with_budget else 0)
            # Nothing left over is a hold, whatever is asked for.
            assert said[Said.HOLD] == (16 if proposal.with_budget else 0)
    with (tmp_path / "rule-sets.csv").open(newline="", encoding="utf-8-sig") as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 64 * 3 * len(Proposal)
    for (name, proposal), column in found.columns.items():
        of_table = Counter(row["said"] for row in rows if (row["limits"], row["proposal"]) == (name, proposal.value))
        assert of_table == {each.value: count for each, count in column.said.items() if count}


def test_nobody_is_asked_for_more_than_what_is_left_over(tmp_path):
    shares = [share for column in compared(portfolio(), tmp_path).columns.values() for share in column.shares]
    assert len(shares) > 50
    assert min(shares) > 0 and max(shares) <= 1


def test_three_sets_give_three_answers_to_one_proposal():
    # 3,600.00 at nothing, 400 days late. Standard has no discount; the British one lets 20% off without a person, and
    # the Chinese one 5%, while all of it would count as principal, of which it lets nothing off.
    debt, among = late("3600.00", days_late=400), sets()
    given = {
        name: compare.put(
            Proposal.SETTLEMENT,
            debt,
            limits.limits_for(balance=debt.owed.balance, days_late=400, product="card").limits,
        ).said
        for name, limits in among.items()
    }
    assert given == {"standard": Said.COUNTER, "british": Said.YES, "china-farm": Said.PERSON}
    # A twelfth is 300.00: twelve months. From the Chinese set a tenth is wanted first, since it is so late.
    months = {
        name: compare.put(
            Proposal.TWELFTH, debt, limits.limits_for(balance=debt.owed.balance, days_late=400, product="card").limits
        )
        for name, limits in among.items()
    }
    assert {name: each.said for name, each in months.items()} == {
        "standard": Said.YES,
        "british": Said.YES,
        "china-farm": Said.COUNTER,
    }
    assert months["standard"].months == 12
    assert {each.payment for each in months.values()} == {30_000}


def test_the_least_payment_is_each_sets_own():
    # 3,600.00 without interest: 36 months of 100.00, or 60 of 60.00; half of the least is countered with the least.
    debt = late("3600.00", days_late=200)
    for name, minor, count in (("standard", 10_000, 36), ("british", 6_000, 60)):
        card = sets()[name].limits_for(balance=debt.owed.balance, days_late=200, product="card")
        given = compare.put(Proposal.HALF_THE_LEAST, debt, card.limits)
        assert (given.said, given.payment, given.months) == (Said.COUNTER, minor, count)


def test_amounts_of_a_set_are_scaled_into_whole_units_and_nothing_else_is():
    british, scaled = named("british", own="GBP"), named("british", own="GBP", currency="CZK", times="25")
    before, after = british.cards[1].limits, scaled.cards[1].limits
    assert (str(before.min_payment), str(after.min_payment)) == ("10.00 USD", "250.00 CZK")
    assert (after.token.amount, after.tolerance) == (Money.of("25.00", "CZK"), Money.of("25.00", "CZK"))
    assert (after.max_term_months, after.reduced_rate, after.frequencies) == (
        before.max_term_months,
        before.reduced_rate,
        before.frequencies,
    )
    # 1.00 times a hundredth would be nothing, which would mean something else.
    assert named("british", own="GBP", times="0.01").cards[1].limits.hardship_min_payment == Money.of("1.00", "USD")
    small = named("standard", times="0.5")
    assert small.cards[0].when.balance_to == Money.of("250.00", "USD")


def test_a_debt_that_no_card_fits_is_counted_apart(tmp_path):
    text = (LIMITS / "standard.toml").read_text(encoding="utf-8").split("[[card]]")
    only_small = parse("[[card]]".join(text[:2]), currency="USD")
    found = compared([late("3600.00", days_late=95), late("480.00", days_late=95)], tmp_path, {"small": only_small})
    assert found.columns["small", Proposal.TWELFTH].said == {Said.NO_LIMITS: 1, Said.YES: 1}


def test_the_picture_has_a_bar_for_each_set_and_says_its_numbers(tmp_path):
    found = compared(portfolio(), tmp_path)
    picture = ElementTree.fromstring(compare.picture([found]))
    bars: Counter[str] = Counter()
    for each in picture.iter("{http://www.w3.org/2000/svg}rect"):
        if each.get("height") == "20":
            bars[each.get("y") or ""] += round(float(each.get("width") or 0) * 100)
    assert len(bars) == 3 * len(Proposal)
    assert all(abs(width - 48_000) <= 5 for width in bars.values())
    said = picture.findtext("{http://www.w3.org/2000/svg}desc") or ""
    assert f"a twelfth, with a budget, standard: {Said.NO_INCOME.value} 16" in said


def survey(app, lender, tmp_path, *files: str) -> Result:
    told = [option for name in files for option in ("--limits", str(LIMITS / f"{name}.toml"))]
    return app.test_cli_runner().invoke(args=["survey", "--lender", lender.slug, "--out", str(tmp_path), *told])


def test_the_command_compares_the_late_debts_of_a_lender_and_changes_nothing(app, db, tmp_path):
    lender = a_lender(slug="one")
    a_debt("3600.00", lender=lender, reference="late", days_late=200, annual_rate="0")
    a_debt("3600.00", lender=lender, reference="not late", days_late=0)
    a_debt("240.00", lender=lender, reference="small", days_late=20)
    before = {
        name: session.scalar(select(func.count()).select_from(table)) for name, table in Model.metadata.tables.items()
    }
    done = survey(app, lender, tmp_path, "standard", "large-units")
    assert done.exit_code == 0, done.output
    assert "one: 2 late debts, income known of 0" in done.output
    assert "| a twelfth of what is owed | standard | 2 | 0 | 0 | 0 | 0 | 0 | 12 (12 to 12) |" in done.output
    with (tmp_path / "rule-sets.csv").open(newline="", encoding="utf-8-sig") as table:
        assert {row["reference"] for row in csv.DictReader(table)} == {"late", "small"}
    assert (tmp_path / "rule-sets.svg").exists()
    after = {
        name: session.scalar(select(func.count()).select_from(table)) for name, table in Model.metadata.tables.items()
    }
    assert after == before


@pytest.mark.parametrize(
    ("files", "why"),
    [(("british",), "the amounts are in GBP"), (("standard", "standard"), "Two of the files have the same name.")],
)
def test_sets_that_cannot_be_compared_are_refused_with_a_sentence(app, db, tmp_path, files, why):
    done = survey(app, a_lender(), tmp_path, *files)
    assert done.exit_code == 1 and why in done.output
