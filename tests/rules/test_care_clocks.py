"""By when a request is answered: the table, its days, and that no law is invented."""

from __future__ import annotations

import ast
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.care import clocks
from portal.care.clocks import BadClocks, clock_for, parse, table, working_day
from portal.care.states import Kind

FRIDAY = date(2026, 5, 8)
ROW = """
[[rule]]
jurisdiction = "*"
kinds = ["complain"]
effective_from = {from_}
look_working_days = 1
answer_days = {days}
stops = []
basis = "ours"
source = "a test"
"""


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("jurisdiction", ["US", "US-CA", "gb", "CN", "BR", "", "XX"])
def test_every_kind_has_a_clock_everywhere(kind: Kind, jurisdiction: str) -> None:
    row = clock_for(kind, jurisdiction=jurisdiction, on=FRIDAY)
    assert row.kind is kind
    assert FRIDAY < row.look_by(FRIDAY) <= row.answer_by(FRIDAY) <= FRIDAY + timedelta(days=15)


@pytest.mark.parametrize("jurisdiction", ["US", "GB", "CN", ""])
def test_a_dispute_stops_reminders_charges_and_collection_until_it_is_answered(jurisdiction: str) -> None:
    for kind in (Kind.NOT_MINE, Kind.WRONG_AMOUNT):
        row = clock_for(kind, jurisdiction=jurisdiction, on=FRIDAY)
        assert row.stops == {"reminders", "autopay", "collection"} and row.hold_days is None


def test_who_cannot_pay_gets_no_reminders_for_a_month_and_who_wants_to_talk_keeps_them() -> None:
    assert clock_for(Kind.CANT_PAY, jurisdiction="US", on=FRIDAY).stops == {"reminders"}
    assert clock_for(Kind.CANT_PAY, jurisdiction="US", on=FRIDAY).hold_days == 30
    assert clock_for(Kind.TALK, jurisdiction="US", on=FRIDAY).stops == frozenset()


@pytest.mark.parametrize(
    ("after", "expected"), [(0, FRIDAY), (1, date(2026, 5, 11)), (2, date(2026, 5, 12)), (5, date(2026, 5, 15))]
)
def test_a_working_day_is_monday_to_friday(after: int, expected: date) -> None:
    assert working_day(FRIDAY, after=after) == expected


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 60))
def test_working_days_grow_and_are_never_on_a_weekend(day: date, after: int) -> None:
    found = working_day(day, after=after)
    assert found.isoweekday() < 6
    assert found > working_day(day, after=after - 1)


def test_the_newest_row_that_has_started_holds() -> None:
    rows = parse(ROW.format(from_="2026-01-01", days=10) + ROW.format(from_="2026-06-01", days=5))
    found = {
        day: clock_for(Kind.COMPLAIN, jurisdiction="US", on=day, rows=rows).answer_days
        for day in (date(2025, 1, 1), date(2026, 5, 31), date(2026, 6, 1))
    }
    assert list(found.values()) == [10, 10, 5]


def test_a_row_of_ones_own_country_comes_before_the_one_for_everywhere() -> None:
    own = ROW.replace('"*"', '"CN"').format(from_="2026-06-01", days=5)
    rows = parse(ROW.format(from_="2026-01-01", days=10) + own)
    days = [
        clock_for(Kind.COMPLAIN, jurisdiction="CN", on=day, rows=rows).answer_days for day in (FRIDAY, date(2026, 6, 2))
    ]
    assert days == [10, 5]


def test_a_law_that_was_read_caps_our_days_and_any_other_does_nothing() -> None:
    law = 'law_days = 3\nlaw_source = "a law"\nlaw_checked = "{checked}"\nlaw_seen_at = ["https://example.org/"]\n'
    text = ROW.format(from_="2026-01-01", days=10)
    for checked, days in (("primary", 3), ("page", 10), ("from memory", 10)):
        row = parse(text + law.format(checked=checked))[0]
        assert row.answer_by(FRIDAY) == FRIDAY + timedelta(days=days), checked


@pytest.mark.parametrize(
    "change",
    [
        ('basis = "ours"', 'basis = "the law, I think"'),
        ('source = "a test"', 'source = ""'),
        ("answer_days = 10", ""),
        ("stops = []", 'stops = ["everything"]'),
        ("stops = []", "stops = []\nlaw_days = 5"),
        ("stops = []", 'stops = []\nlaw_days = 5\nlaw_source = "x"\nlaw_checked = "surely"'),
        ("stops = []", 'stops = []\nlaw_days = 5\nlaw_source = "x"\nlaw_checked = "page"'),
        ("stops = []", "stops = []\nsurprise = 1"),
    ],
)
def test_a_row_that_says_too_little_or_something_unknown_is_refused(change: tuple[str, str]) -> None:
    with pytest.raises(BadClocks):
        parse(ROW.format(from_="2026-01-01", days=10).replace(*change))


def test_two_rows_for_the_same_day_are_refused() -> None:
    with pytest.raises(BadClocks):
        parse(ROW.format(from_="2026-01-01", days=10) * 2)


def test_every_number_says_where_it_comes_from() -> None:
    assert all(row.source and row.basis in ("ours", "law") for row in table())
    # What is said to be law has to be read first.
    assert [row.name for row in table() if row.basis == "law" and row.law_days is None] == []


def test_no_number_of_days_stands_in_the_code_of_clocks() -> None:
    numbers = {
        node.value
        for node in ast.walk(ast.parse(Path(clocks.__file__).read_text("utf-8")))
        if isinstance(node, ast.Constant) and type(node.value) is int
    }
    # 6: a day of the week; 2: the letters of a country.
    assert numbers <= {0, 1, 2, 6}
