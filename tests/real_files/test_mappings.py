"""The mappings of the public loan files, run on the files themselves: every row is accounted for."""

import datetime
import importlib.util
import os
from pathlib import Path

import pytest

from portal.debts.mapping_file import load_mapping
from portal.debts.portfolio import open_portfolio
from portal.debts.results import DebtRow, Tally

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("PORTFOLIO_DATA", ROOT.parent / "shared" / "data"))
TODAY = datetime.date(2026, 11, 22)

pytestmark = [
    pytest.mark.real_files,
    pytest.mark.skipif(not DATA.is_dir(), reason="the public loan files are not on this machine"),
]


def read(path: Path, mapping: str) -> tuple[Tally, list[DebtRow]]:
    tally, debts = Tally(), []
    loaded = load_mapping(ROOT / "mappings" / f"{mapping}.toml")
    with open_portfolio(path, mapping=loaded, today=TODAY, currencies=None) as portfolio:
        for result in portfolio.results():
            tally.add(result)
            if isinstance(result, DebtRow):
                debts.append(result)
    assert len({debt.reference for debt in debts}) == len(debts)
    return tally, debts


@pytest.mark.parametrize(
    ("file", "mapping", "rows", "accepted", "late"),
    [
        ("lendingclub_distressed_plus_current.csv", "lendingclub", 1_076, 620, 459),
        ("openintro_lc2018_late_plus_current.csv", "openintro", 1_210, 1_163, 178),
        ("berka_loans_682.csv", "berka", 682, 479, 76),
        ("zindi_superlender_loans.csv", "zindi", 24_090, 4_073, 222),
    ],
)
def test_every_row_of_a_real_file_is_accounted_for(file, mapping, rows, accepted, late):
    tally, debts = read(DATA / file, mapping)
    assert tally.agrees and not tally.refused
    assert (tally.read, tally.accepted) == (rows, accepted)
    assert sum(debt.late_since is not None for debt in debts) == late
    assert all(debt.total_minor > 0 and debt.principal_minor > 0 for debt in debts)
    assert all(debt.late_since >= debt.opened_on for debt in debts if debt.late_since and debt.opened_on)


def test_the_joined_contracts_of_home_credit_are_accounted_for(tmp_path):
    about = importlib.util.spec_from_file_location("join_homecredit", ROOT / "tools" / "join_homecredit.py")
    assert about is not None and about.loader is not None
    tool = importlib.util.module_from_spec(about)
    about.loader.exec_module(tool)
    tool.write(tool.joined(DATA, -180)[0], tmp_path / "joined.csv")
    tally, debts = read(tmp_path / "joined.csv", "homecredit/contracts")
    assert tally.agrees and not tally.refused
    assert (tally.read, tally.accepted) == (1_596, 490)
    assert sum(debt.late_since is not None for debt in debts) == 241


def test_a_charged_off_loan_owes_what_was_lent_less_what_came_back():
    _, debts = read(DATA / "lendingclub_distressed_plus_current.csv", "lendingclub")
    debt = next(debt for debt in debts if debt.reference == "38589634")
    # 20,000.00 lent, 2,636.60 of it paid back, 2,652.03 collected after the charge-off.
    assert debt.principal_minor == 1_471_137
    assert debt.late_since == datetime.date(2016, 3, 1)


def test_a_late_loan_owes_the_interest_of_the_months_since_its_last_payment():
    _, debts = read(DATA / "lendingclub_distressed_plus_current.csv", "lendingclub")
    debt = next(debt for debt in debts if debt.reference == "121718746")
    # 18,855.64 at 12.62% a year for two months (January to March 2019): 18,855.64 x 0.1262 / 12 x 2 = 396.60.
    assert (debt.principal_minor, debt.interest_minor) == (1_885_564, 39_660)
