"""The main job over every debt of the public loan files; the files are not part of this project."""

from __future__ import annotations

import csv
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from portal import compare
from portal.survey import Proposal

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("PORTAL_DATA", ROOT.parent / "shared" / "data"))

COMPARED = (ROOT / "docs" / "compared-with-real-plans.md").read_text(encoding="utf-8").splitlines()

pytestmark = [
    pytest.mark.real_files,
    pytest.mark.skipif(not DATA.is_dir(), reason="the public loan files are not on this machine"),
]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    about = importlib.util.spec_from_file_location("survey_real_files", ROOT / "tools" / "survey_real_files.py")
    assert about is not None and about.loader is not None
    loaded = importlib.util.module_from_spec(about)
    monkeypatch.setitem(sys.modules, "survey_real_files", loaded)
    monkeypatch.setattr(sys, "path", list(sys.path))
    about.loader.exec_module(loaded)
    yield loaded


@pytest.mark.parametrize(
    ("name", "read", "accepted", "owed"),
    [
        ("lendingclub", 1_076, 620, "6275371.54 USD"),
        ("openintro", 1_210, 1_163, "17565377.36 USD"),
        ("berka", 682, 479, "47831167.00 CZK"),
        ("zindi", 24_090, 4_073, "86788536.90 NGN"),
        ("homecredit", 1_596, 490, "19231477.88 CZK"),
    ],
)
def test_every_debt_of_a_real_file_gets_answers_and_a_schedule(app, tool, tmp_path, name, read, accepted, owed):
    source = next(each for each in tool.SOURCES if each.name == name)
    with app.app_context():
        done = tool.do(source, data=DATA, out=tmp_path, letters=2)
    assert done.adds_up
    assert (done.brought.read, done.brought.accepted, done.brought.refused) == (read, accepted, 0)
    found = done.surveyed
    assert (found.debts, str(found.owed)) == (accepted, owed)
    assert (found.failing, found.failing_named) == (0, [])
    for proposal in Proposal:
        assert found.answers[proposal].total() == accepted
    assert len(found.letters) == 2 and found.letters_failing == []
    with found.table.open(newline="", encoding="utf-8-sig") as table:
        assert {row["check"] for row in csv.DictReader(table)} == {"ok"}
    assert done.checked.disagreements == () and done.checked.left_over == ()
    assert tool.row(done).count("|") == tool.HEADER.splitlines()[0].count("|")


def rows_of(lines: Iterable[str]) -> set[str]:
    return {line for line in lines if line.startswith("|")}


@pytest.mark.parametrize(
    ("name", "late", "with_income"),
    [("lendingclub", 459, 459), ("openintro", 178, 178), ("berka", 76, 0), ("zindi", 222, 0), ("homecredit", 241, 0)],
)
def test_three_sets_of_limits_answer_every_late_loan_of_a_real_file(app, tool, tmp_path, name, late, with_income):
    source = next(each for each in tool.SOURCES if each.name == name)
    with app.app_context():
        found = tool.compared(source, data=DATA, out=tmp_path)
    assert (found.late, found.with_means, len(found.sets)) == (late, with_income, 3)
    for set_name in found.sets:
        for proposal in compare.Proposal:
            column = found.columns[set_name, proposal]
            assert column.said.total() == late
            assert column.said[compare.Said.NO_LIMITS] == 0
            assert all(0 < share <= 1 for share in column.shares)
    assert rows_of(found.lines()) <= rows_of(COMPARED)
    # Sets that answered alike would compare nothing.
    answers = [[found.columns[each, proposal].said for proposal in found.proposals] for each in found.sets]
    assert answers[0] != answers[1] != answers[2] != answers[0]


def test_what_was_really_agreed_is_read_from_the_file_and_put_to_each_set(tool):
    file = DATA / "lendingclub_distressed_plus_current.csv"
    settled, plans = tool.compare_rule_sets.settlements_in(file), tool.compare_rule_sets.hardships_in(file)
    assert (len(settled), len(plans)) == (54, 9)
    assert compare.middle([each.percent for each in settled]) == 45
    assert {each.months for each in plans} == {3}
    told = list(tool.compare_rule_sets.real_plans(file, tool.compare_rule_sets.sets_in("USD")))
    assert sum(line.startswith(("| standard", "| british", "| china-farm")) for line in told) == 6
    assert rows_of(told) <= rows_of(COMPARED)
