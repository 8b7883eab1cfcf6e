"""A whole column of cells gives what its cells give one by one, whatever stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.debts.cells import CellRefused
from portal.debts.fields import FieldReaders
from portal.debts.mapping_file import parse_mapping
from portal.debts.results import RowResult
from portal.debts.row_reader import compile_mapping
from tests.rules.test_portfolio import FIELDS, GOOD, MORE, TODAY, TOP

FIELDS_OF_A_CELL = ("reference", "name", "email", "phone", "principal", "born_on", "interest", "annual_rate")
PLAIN = ("A-1", "Ana Berg", "陈示例", "a@b.example", "+49 30 123-456", "0301234", "120.50", "0.00", "7", "1980-02-03")
ODD = ("", " ", "|", "a|b", "=1+1", "-5.00", " 1.50", "1.50 ", "|1.50", ".50", "1.5", "1.505", "12,50", "1E+05", "a  b",
       "a..b@c.example", "@a", "#N/A", "x\x00y", "e\u0301", "\ufffd", "9" * 17 + ".00", "9" * 12 + ".00", "NA", "١٢.٥٠",
       "+", "a@b.example|c@d.example", "12345|67890", "x" * 201)  # fmt: skip
CELLS = st.lists(st.sampled_from(PLAIN + ODD) | st.text(max_size=12), min_size=1, max_size=6)
SAME_CELLS = st.sampled_from(PLAIN + ODD).flatmap(lambda cell: st.lists(st.just(cell), min_size=1, max_size=4))


@cache
def readers(empty: str) -> FieldReaders:
    mapping = parse_mapping(f'{TOP}empty = ["{empty}"]\n{FIELDS}{MORE}')
    return FieldReaders(mapping, places={title: at for at, title in enumerate(GOOD)}, as_of=TODAY, native_dates=False)


def all_of(read: Any, cells: Sequence[str]) -> object:
    try:
        return [read(cell) for cell in cells]
    except CellRefused as refused:
        return refused.reason, refused.sentence


@pytest.mark.parametrize("empty", ["", "NA"])
@pytest.mark.parametrize("title", FIELDS_OF_A_CELL)
@settings(deadline=None)
@given(cells=CELLS | SAME_CELLS)
def test_a_column_is_its_cells(title: str, empty: str, cells: list[str]) -> None:
    made = readers(empty)
    field = made.field(title, made.mapping.fields[title], "EUR")
    try:
        found: object = list(field.read_column(cells))
    except CellRefused as refused:
        found = refused.reason, refused.sentence
    assert found == all_of(field.read, cells)


@settings(deadline=None)
@given(
    rows=st.lists(
        st.dictionaries(st.sampled_from(list(GOOD)), st.sampled_from(PLAIN + ODD), max_size=2), min_size=1, max_size=40
    ),
    person=st.sampled_from(["", 'person = ["name"]', 'person = ["name", "born"]']),
    currency=st.sampled_from(['currency = "EUR"', 'currency = { column = "note" }']),
    skip=st.sampled_from(["", '[[skip]]\nwhen = \'note == "x"\'\nreason = "No debt."']),
)
def test_many_rows_become_what_each_becomes(rows: list[dict[str, str]], person: str, currency: str, skip: str) -> None:
    top = TOP.replace('currency = "EUR"', currency)
    mapping = parse_mapping(f"{top}{person}\n{FIELDS}{MORE}{skip}")
    read = compile_mapping(mapping, header=tuple(GOOD), today=TODAY, currencies={"EUR"})
    start = GOOD if currency.endswith('"EUR"') else GOOD | {"note": "EUR"}
    numbered = [(line, list((start | each).values())) for line, each in enumerate(rows, start=2)]
    one_by_one: list[RowResult] = [read(line, row) for line, row in numbered]
    assert read.many(numbered) == one_by_one
