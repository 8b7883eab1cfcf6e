"""The closed list of expressions: what each gives, and that nothing else is let in."""

import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.debts.cells import CellRefused, Reason, date_reader, number_reader
from portal.debts.expressions import (
    FUNCTIONS,
    SPECIAL_FUNCTIONS,
    Binding,
    ExpressionRefused,
    Kind,
    compile_expression,
    parse_expression,
)

ROW = {"a": "12.50", "b": "4", "none": "", "d": "2024-01-31", "s": " Late ", "Loan no.": "7", "date": "2024-03-01"}


def value(source: str, want: Kind, *, optional: bool = False, **cells: str):
    row = ROW | cells
    binding = Binding(
        places={title: place for place, title in enumerate(row)},
        empty=frozenset({"", "NA"}),
        number=number_reader(),
        day=date_reader("%Y-%m-%d"),
        tables={"n": {"Late": "3", "x": "1.5"}, "t": {"Late": "late"}},
        as_of=datetime.date(2026, 1, 31),
    )
    act = compile_expression(parse_expression(source), want=want, binding=binding, optional=optional)
    return act(list(row.values()))


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ("a + b * 2", "20.5"),
        ("(a - b) / 2", "4.25"),
        ("-b", "-4"),
        ("0.1 + 0.2", "0.3"),
        ("sum(a, b, 1)", "17.5"),
        ("max0(b - a)", "0"),
        ("min(a, b)", "4"),
        ("max(a, b, 100)", "100"),
        ("percent_of(18, a)", "2.25"),
        ("round(a / 3, 2)", "4.17"),
        ("round_up(a / 3, 2)", "4.17"),
        ("round_down(a / 3, 2)", "4.16"),
        ("months_between(d, as_of)", "24"),
        ('months_between(d, date("2024-02-29"))', "1"),
        ('months_between(d, date("2024-03-30"))', "1"),
        ("days_between(d, date)", "30"),
        ("coalesce(none, b)", "4"),
        ("coalesce(none, 0) + 1", "1"),
        ('lookup(s, "n")', "3"),
        ('lookup(a, "n", 9)', "9"),
        ('a if s == "Late" else b', "12.5"),
        ('col("Loan no.") + 0', "7"),
        ("1 if a + 0 > b and not empty(s) else 0", "1"),
        ('1 if s in ["x", "Late"] else 0', "1"),
        ('1 if s not in ("x", "Late") or empty(none) else 0', "1"),
        ("1 if d < as_of else 0", "1"),
    ],
)
def test_numbers(source, number):
    assert value(source, Kind.NUMBER) == Decimal(number)


@pytest.mark.parametrize(
    ("source", "day"),
    [
        ("d", "2024-01-31"),
        ("date", "2024-03-01"),
        ("add_months(d, 1)", "2024-02-29"),
        ("add_months(d, -2)", "2023-11-30"),
        ("add_months(d, b)", "2024-05-31"),
        ("add_days(d, -31)", "2023-12-31"),
        ("last_day(add_days(d, 1))", "2024-02-29"),
        ('earliest(d, as_of, date("2020-01-01"))', "2020-01-01"),
        ("latest(d, as_of)", "2026-01-31"),
        ("coalesce(none, d)", "2024-01-31"),
    ],
)
def test_dates(source, day):
    assert value(source, Kind.DATE) == datetime.date.fromisoformat(day)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('concat("Borrower ", b)', "Borrower 4"),
        ("concat(a, none, b)", "12.504"),
        ("left(s, 2)", "La"),
        ("right(s, 3)", "ate"),
        ("right(s, 0)", ""),
        ('strip("  x ")', "x"),
        ("upper(s)", "LATE"),
        ("lower(s)", "late"),
        ('lookup(s, "t")', "late"),
        ("a + 0", "12.5"),
        ('"two  spaces"', "two  spaces"),
    ],
)
def test_texts(source, text):
    assert value(source, Kind.TEXT) == text


def test_nothing_stands_where_a_value_may_be_missing():
    assert value("nothing if empty(none) else d", Kind.DATE, optional=True) is None
    with pytest.raises(ExpressionRefused):
        value("nothing", Kind.DATE)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("a / (b - 4)", Reason.NOT_COMPUTABLE),
        ("none + 1", Reason.EMPTY),
        ("s + 1", Reason.NOT_A_NUMBER),
        ('lookup(a, "n")', Reason.NOT_IN_LIST),
        ("months_between(add_months(d, 99999), d)", Reason.NOT_COMPUTABLE),
        ("months_between(add_days(d, 0.5), d)", Reason.NOT_COMPUTABLE),
        ("days_between(d, s)", Reason.NOT_A_DATE),
    ],
)
def test_a_row_that_cannot_be_computed_is_refused(source, reason):
    with pytest.raises(CellRefused) as caught:
        value(source, Kind.NUMBER)
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    "source",
    [
        "__import__('os').system('true')",
        "open('x')",
        "().__class__",
        "a.real",
        "a[0]",
        "[x for x in a]",
        "lambda: 1",
        "a ** b",
        "a // b",
        "a % b",
        "a & b",
        "~a",
        "{'a': 1}",
        "f'{a}'",
        "a := 1",
        "1 < a < 2",
        "a is b",
        "sum(*a)",
        "sum(a, start=1)",
        "sum()",
        "round(a)",
        "left(s)",
        "col(a)",
        "col('a', 'b')",
        "date(a)",
        "date('2026-02-30')",
        "lookup(s, 'missing')",
        "coalesce(a)",
        "True",
        "1j",
        "None",
        "'text' + 1",
        "s in [a]",
        "d",
        "1 if s else 0",
        "1 if s > 'a' else 0",
        "1 if a > b else 0",
        "not a",
        "x" * 2001,
        "(" * 60 + "a" + ")" * 60 + "+" * 60 + "a",
        "-" * 100 + "a",
        "",
        "a; b",
        "import os",
    ],
)
def test_what_is_not_on_the_list_is_refused_when_the_mapping_is_loaded(source):
    with pytest.raises(ExpressionRefused) as caught:
        compile_only(source)
    assert caught.value.sentence.endswith(".")


def compile_only(source: str) -> None:
    parsed = parse_expression(source)
    titles = ("a", "b", "s", "x")
    binding = Binding(
        places={title: place for place, title in enumerate({*titles, *parsed.columns})},
        empty=frozenset({""}),
        number=number_reader(),
        day=date_reader("%Y-%m-%d"),
        tables={},
        as_of=datetime.date(2026, 1, 31),
    )
    if source == "d":
        compile_expression(parse_expression("as_of"), want=Kind.NUMBER, binding=binding)
    compile_expression(parsed, want=Kind.NUMBER, binding=binding)


@given(st.text(alphabet="ab+-*/()., 0123456789\"'=<>sumcolin_", max_size=40))
def test_no_text_whatever_breaks_the_parser(source):
    try:
        compile_only(source)
    except ExpressionRefused as refused:
        assert refused.sentence


def test_columns_are_told_in_the_order_of_their_use():
    assert parse_expression('concat(b, col("Loan  no."), a, b, as_of)').columns == ("b", "Loan no.", "a")


def test_the_documentation_names_every_function():
    about = (Path(__file__).parents[2] / "docs" / "portfolio-format.md").read_text()
    assert [name for name in (*FUNCTIONS, *SPECIAL_FUNCTIONS) if f"`{name}(" not in about] == []
