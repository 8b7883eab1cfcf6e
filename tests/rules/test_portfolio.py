"""What a mapping says, what a row becomes, and why one is refused."""

import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.debts.cells import CellRefused, Reason, date_reader, number_reader
from portal.debts.mapping import MappingRefused
from portal.debts.mapping_file import load_mapping, parse_mapping
from portal.debts.portfolio import open_portfolio
from portal.debts.results import DebtRow, NothingOwed, Tally, duplicate_refusal, report_line
from portal.debts.row_reader import compile_mapping, same_person
from portal.debts.tables import FileLimits, FileProblem, FileRefused

TODAY = datetime.date(2026, 2, 1)
TOP = 'currency = "EUR"\nas_of = 2026-01-31\n'
FIELDS = """
[fields]
reference = { column = "ref" }
name = { column = "name" }
product = { value = "Loan" }
principal = { column = "owed" }
"""
MORE = """
born_on = { column = "born" }
email = { column = "email" }
phone = { column = "phone" }
language = { column = "lang" }
zone = { column = "zone" }
interest = { column = "interest" }
opened_on = { column = "opened" }
days_late = { column = "late" }
annual_rate = { column = "rate" }
[attributes]
note = { column = "note" }
"""
GOOD = {
    "ref": "A-1",
    "name": "Ana Berg",
    "owed": "120.50",
    "born": "1980-02-03",
    "email": "ana@example.org",
    "phone": "+49 30 123-456",
    "lang": "zh-Hans",
    "zone": "Asia/Shanghai",
    "interest": "",
    "opened": "2024-05-01",
    "late": "30",
    "rate": "12.9%",
    "note": "two\nlines",
}


def result(row: dict[str, str], mapping: str = TOP + FIELDS + MORE, *, currencies=frozenset({"EUR", "USD"}), **how):
    read = compile_mapping(parse_mapping(mapping), header=tuple(row), today=TODAY, currencies=currencies, **how)
    return read(2, list(row.values()))


def refusals(mapping: str = TOP + FIELDS + MORE, **cells: str):
    found = result(GOOD | cells, mapping)
    assert type(found) is tuple, found
    assert all(each.sentence.endswith(".") for each in found)
    return found


def test_a_good_row_becomes_a_debt():
    debt = result(GOOD)
    assert isinstance(debt, DebtRow)
    assert (debt.line, debt.reference, debt.name, debt.product) == (2, "A-1", "Ana Berg", "Loan")
    assert (debt.currency, debt.principal_minor, debt.interest_minor, debt.total_minor) == ("EUR", 12050, 0, 12050)
    assert (debt.email, debt.phone, debt.language) == ("ana@example.org", "+4930123456", "zh_Hans")
    assert debt.zone == "Asia/Shanghai"
    assert debt.born_on == datetime.date(1980, 2, 3)
    assert debt.late_since == datetime.date(2026, 1, 1)
    assert debt.annual_rate == Decimal("12.9")
    assert debt.attributes == {"note": "two lines"}
    assert (debt.original_minor, debt.original_creditor, debt.costs_minor) == (None, None, 0)


def test_what_is_optional_may_be_empty():
    empty = dict.fromkeys(("born", "email", "phone", "lang", "zone", "interest", "opened", "late", "rate", "note"), "")
    debt = result(GOOD | empty)
    assert isinstance(debt, DebtRow)
    assert (debt.born_on, debt.email, debt.late_since, debt.annual_rate, debt.attributes) == (
        None,
        None,
        None,
        None,
        {},
    )


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("ref", "", Reason.EMPTY),
        ("ref", "   ", Reason.EMPTY),
        ("ref", "x" * 65, Reason.TOO_LONG),
        ("ref", "1.23457E+15", Reason.DAMAGED_REFERENCE),
        ("ref", "a\tb", Reason.CONTROL_CHARACTER),
        ("name", "", Reason.EMPTY),
        ("name", "=HYPERLINK(1)", Reason.FORMULA),
        ("name", "@SUM(A1)", Reason.FORMULA),
        ("name", "+cmd|' /C calc'!A0", Reason.FORMULA),
        ("name", "-Ana", Reason.FORMULA),
        ("name", "#REF!", Reason.SPREADSHEET_ERROR),
        ("name", "Ana\x07", Reason.CONTROL_CHARACTER),
        ("name", "Ana\u202egreB", Reason.CONTROL_CHARACTER),
        ("name", "x" * 201, Reason.TOO_LONG),
        ("owed", "", Reason.EMPTY),
        ("owed", "-5.00", Reason.NEGATIVE_AMOUNT),
        ("owed", "(5.00)", Reason.NEGATIVE_AMOUNT),
        ("owed", "5.00-", Reason.NEGATIVE_AMOUNT),
        ("owed", "5.005", Reason.WRONG_DECIMALS),
        ("owed", "1e5", Reason.NOT_A_NUMBER),
        ("owed", "12,50", Reason.NOT_A_NUMBER),
        ("owed", "1 234.00", Reason.NOT_A_NUMBER),
        ("owed", "EUR 5", Reason.NOT_A_NUMBER),
        ("owed", "NaN", Reason.NOT_A_NUMBER),
        ("owed", "5²", Reason.NOT_A_NUMBER),
        ("owed", "=A1*2", Reason.FORMULA),
        ("owed", "#DIV/0!", Reason.SPREADSHEET_ERROR),
        ("owed", "1000000000.01", Reason.ABSURD_AMOUNT),
        ("owed", "9" * 25, Reason.ABSURD_AMOUNT),
        ("owed", "9" * 5000, Reason.NOT_A_NUMBER),
        ("interest", "-0.01", Reason.NEGATIVE_AMOUNT),
        ("born", "2026-02-30", Reason.NO_SUCH_DATE),
        ("born", "03/02/1980", Reason.NOT_A_DATE),
        ("born", "2030-01-01", Reason.IMPOSSIBLE_BIRTH_DATE),
        ("born", "2020-01-01", Reason.IMPOSSIBLE_BIRTH_DATE),
        ("born", "1901-01-01", Reason.IMPOSSIBLE_BIRTH_DATE),
        ("opened", "2026-02-30", Reason.NO_SUCH_DATE),
        ("opened", "2023-02-29", Reason.NO_SUCH_DATE),
        ("opened", "2026-02-01", Reason.DATE_IN_FUTURE),
        ("opened", "0026-02-01", Reason.NOT_A_DATE),
        ("email", "ana.example.org", Reason.BAD_EMAIL),
        ("email", "ana@x@y.org", Reason.BAD_EMAIL),
        ("email", "ana@example", Reason.BAD_EMAIL),
        ("email", "=cmd@example.org", Reason.FORMULA),
        ("phone", "call my wife", Reason.BAD_PHONE),
        ("phone", "1234", Reason.BAD_PHONE),
        ("lang", "English please", Reason.BAD_LANGUAGE),
        ("zone", "Mars/Base", Reason.BAD_ZONE),
        ("late", "3.5", Reason.NOT_A_NUMBER),
        ("rate", "5000", Reason.ABSURD_RATE),
        ("rate", "-1", Reason.ABSURD_RATE),
        ("note", "x" * 501, Reason.TOO_LONG),
        ("note", "a\x00b", Reason.CONTROL_CHARACTER),
    ],
)
def test_one_bad_cell_is_refused_with_its_column_value_and_reason(column, value, reason):
    (only,) = refusals(**{column: value})
    assert (only.line, only.column, only.reason) == (2, column, reason)
    assert only.value == (value if len(value) <= 80 else value[:79] + "…")


def test_everything_that_is_wrong_with_a_row_is_told_at_once():
    found = refusals(ref="", owed="-1", born="2026-02-30", note="\x01")
    assert [each.column for each in found] == ["ref", "owed", "born", "note"]


@pytest.mark.parametrize(
    "value",
    ["O'Brien-Smith", "José  da   Silva", "王小明", "Anne-Marie \u00a0 Ø", "Jo\u0301se", " Ana ", "علی\u200cرضا"],
)
def test_real_names_are_taken_in(value):
    debt = result(GOOD | {"name": value})
    assert isinstance(debt, DebtRow)
    assert "  " not in debt.name and debt.name == debt.name.strip()


def test_a_long_total_of_small_parts_is_absurd_too():
    (only,) = refusals(owed="999999999", interest="999999999")
    assert only.reason is Reason.ABSURD_AMOUNT


def test_a_row_of_zeros_owes_nothing():
    assert result(GOOD | {"owed": "0.00"}) == NothingOwed(2, "A-1", "The amounts add up to zero.")


def test_a_skip_rule_counts_a_row_apart_with_its_reason():
    rule = '\n[[skip]]\nwhen = \'note == "closed"\'\nreason = "The account is closed."\n'
    assert result(GOOD | {"note": "closed", "owed": "x"}, TOP + FIELDS + MORE + rule) == NothingOwed(
        2, "A-1", "The account is closed."
    )


def test_trouble_in_a_skip_rule_refuses_the_row():
    rule = "\n[[skip]]\nwhen = 'note + 0 > 3'\nreason = \"Old.\"\n"
    (only,) = refusals(TOP + FIELDS + rule, note="many")
    assert (only.column, only.value, only.reason) == ("note", "many", Reason.NOT_A_NUMBER)


@pytest.mark.parametrize("row", [["A-1"], ["A-1", "Ana", "5", "6"], []])
def test_a_ragged_row_is_refused(row):
    read = compile_mapping(parse_mapping(TOP + FIELDS), header=("ref", "name", "owed"), today=TODAY, currencies=None)
    (only,) = read(7, row)
    assert (only.line, only.reason) == (7, Reason.RAGGED_ROW)


@pytest.mark.parametrize(
    ("rounding", "cell", "minor"),
    [("half_up", "0.125", 13), ("half_even", "0.125", 12), ("half_even", "0.135", 14), ("exact", "0.1300", 13)],
)
def test_more_decimals_than_the_currency_has_follow_the_rounding_rule(rounding, cell, minor):
    debt = result(GOOD | {"owed": cell}, f'rounding = "{rounding}"\n' + TOP + FIELDS)
    assert debt.principal_minor == minor


@pytest.mark.parametrize(
    ("currency", "cell", "minor"), [("JPY", "500", 500), ("KWD", "1.234", 1234), ("USD", "7", 700)]
)
def test_amounts_have_the_decimals_of_their_currency(currency, cell, minor):
    mapping = 'currency = { column = "note" }\n' + FIELDS
    debt = result(GOOD | {"note": currency.lower(), "owed": cell}, mapping, currencies=None)
    assert (debt.currency, debt.principal_minor) == (currency, minor)


def test_a_yen_has_no_decimals():
    mapping = 'currency = { column = "note" }\n' + FIELDS
    (only,) = result(GOOD | {"note": "JPY", "owed": "5.5"}, mapping, currencies=None)
    assert only.reason is Reason.WRONG_DECIMALS


@pytest.mark.parametrize(
    ("code", "reason"), [("XYZ", Reason.UNKNOWN_CURRENCY), ("GBP", Reason.CURRENCY_NOT_HELD), ("", Reason.EMPTY)]
)
def test_a_currency_that_is_unknown_or_not_held_refuses_the_row(code, reason):
    mapping = 'currency = { column = "note" }\n' + FIELDS
    (only,) = result(GOOD | {"note": code}, mapping)
    assert (only.column, only.reason) == ("note", reason)


def test_a_file_in_a_currency_that_is_not_held_is_refused_whole():
    with pytest.raises(FileRefused) as caught:
        result(GOOD, TOP + FIELDS, currencies={"USD"})
    assert caught.value.problem is FileProblem.CURRENCY_NOT_HELD


def test_a_missing_column_is_named_with_the_nearest_that_is_there():
    with pytest.raises(FileRefused) as caught:
        compile_mapping(parse_mapping(TOP + FIELDS), header=("Ref", "nam", "x"), today=TODAY, currencies=None)
    assert caught.value.problem is FileProblem.MISSING_COLUMN
    assert "no column 'ref', 'name', 'owed'" in caught.value.sentence
    assert "'ref' perhaps 'Ref'" in caught.value.sentence


def test_a_file_read_as_one_column_asks_for_the_separator():
    with pytest.raises(FileRefused, match="is the separator right"):
        compile_mapping(parse_mapping(TOP + FIELDS), header=("ref#name#owed",), today=TODAY, currencies=None)


def test_marks_of_other_countries_are_read():
    mapping = 'decimal_mark = ","\nthousands_mark = "."\ndate_format = ["%d.%m.%Y", "%d %b %Y"]\n' + TOP + FIELDS + MORE
    debt = result(GOOD | {"owed": "1.234,5", "born": "3.2.1980", "opened": "5 Mar 2024", "rate": "12,9"}, mapping)
    assert (debt.principal_minor, debt.born_on) == (123450, datetime.date(1980, 2, 3))
    assert (debt.opened_on, debt.annual_rate) == (datetime.date(2024, 3, 5), Decimal("12.9"))


def test_a_decimal_point_is_not_taken_for_a_thousands_mark():
    (only,) = refusals('decimal_mark = ","\nthousands_mark = "."\n' + TOP + FIELDS, owed="12.50")
    assert only.reason is Reason.NOT_A_NUMBER and "decimal mark" in only.sentence


@pytest.mark.parametrize("cell", ["1,234.50", "1 234.50", "12,34,567.50", "1\u202f234.50"])
def test_groups_of_digits_are_read(cell):
    thousands = "," if "," in cell else " "
    assert number_reader(thousands_mark=thousands)(cell) == Decimal(cell.translate(str.maketrans("", "", ", \u202f")))


@given(st.decimals(min_value=0, max_value=10**9, places=2), st.sampled_from([".", ","]))
def test_every_amount_that_can_be_written_is_read_back(amount, mark):
    mapping = f'decimal_mark = "{mark}"\nrounding = "exact"\n' + TOP + FIELDS
    found = result({"ref": "a", "name": "b", "owed": str(amount).replace(".", mark)}, mapping)
    assert (found.principal_minor if isinstance(found, DebtRow) else 0) == int(amount * 100)


@given(st.text(max_size=40))
def test_no_cell_whatever_breaks_the_reading(cell):
    for column in GOOD:
        found = result(GOOD | {column: cell})
        assert isinstance(found, DebtRow | NothingOwed) or all(each.sentence for each in found)


@given(
    st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1)), st.sampled_from(["%Y-%m-%d", "%d/%m/%Y", "%Y%m%d"])
)
def test_every_date_is_read_back_in_its_format(day, written):
    assert date_reader(written)(day.strftime(written)) == day


@pytest.mark.parametrize(
    ("cell", "written", "day"),
    [
        ("Mar-2019", "%b-%Y", (2019, 3, 1)),
        ("2024年2月29日", "%Y年%m月%d日", (2024, 2, 29)),
        ("2024-02-29 00:00:00", "%Y-%m-%d %H:%M:%S", (2024, 2, 29)),
        ("1 Sept. 2020", "%d %b %Y", (2020, 9, 1)),
    ],
)
def test_dates_of_the_real_world_are_read(cell, written, day):
    assert date_reader(written)(cell) == datetime.date(*day)


def test_a_month_that_does_not_exist_is_no_date():
    with pytest.raises(CellRefused) as caught:
        date_reader("%d %b %Y")("1 Foo 2020")
    assert caught.value.reason is Reason.NO_SUCH_DATE


def test_a_workbooks_own_dates_need_no_format():
    mapping = 'date_format = "%d.%m.%Y"\n' + TOP + FIELDS + MORE
    debt = result(GOOD | {"born": "1980-02-03", "opened": "01.05.2024"}, mapping, native_dates=True)
    assert (debt.born_on, debt.opened_on) == (datetime.date(1980, 2, 3), datetime.date(2024, 5, 1))


PERSON = 'person = ["name", "born"]\n' + TOP + FIELDS + MORE


@pytest.mark.parametrize("name", ["ANA BERG", " ana   berg", "Ana\u00a0Berg", "Ａｎａ Berg"])
def test_two_ways_to_write_a_name_are_one_person(name):
    assert result(GOOD | {"name": name}, PERSON).person_key == result(GOOD, PERSON).person_key


def test_an_empty_part_never_joins_strangers():
    one, other = (result(GOOD | {"born": "", "ref": ref}, PERSON).person_key for ref in ("A-1", "A-2"))
    assert one != other


def test_a_bar_in_a_name_cannot_imitate_another_person():
    mapping = 'person = ["name", "note"]\n' + TOP + FIELDS
    keys = {
        result(GOOD | {"name": a, "note": b}, mapping).person_key
        for a, b in (("x|y", "z"), ("x", "y|z"), ("x ", "y|z "))
    }
    assert len(keys) == 2


@given(st.text(max_size=20))
def test_making_a_name_normal_twice_changes_nothing(name):
    assert same_person(same_person(name)) == same_person(name)


def test_without_person_columns_every_debt_is_a_person_of_its_own():
    assert result(GOOD).person_key == "reference:A-1"


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("currency = ", "is not TOML"),
        (FIELDS, "currency"),
        (TOP, "reference, name, product and principal"),
        ('currency = "XYZ"\n' + FIELDS, "not the code of a currency"),
        (TOP + FIELDS.replace("owed", ""), "must be text"),
        (TOP + FIELDS + "colour = { value = 'red' }", "colour is not known"),
        (TOP + FIELDS + "fees = { column = 'a', value = '1' }", "exactly one of"),
        (TOP + FIELDS + "fees = 3", "must be { column"),
        (TOP + FIELDS + "fees = { value = '-3' }", "the value of fees cannot be"),
        (TOP + FIELDS + "fees = { value = 1.5 }", "write amounts as text"),
        (TOP + FIELDS + "born_on = { column = 'b', date_format = '%d.%m.%y' }", "%y"),
        (TOP + FIELDS + "late_since = { column = 'a' }\ndays_late = { column = 'b' }", "one is enough"),
        ('rounding = "up"\n' + TOP + FIELDS, "rounding is"),
        ('colour = "red"\n' + TOP + FIELDS, "colour is not known"),
        ('encoding = "ebcdic"\n' + TOP + FIELDS, "ebcdic"),
        ('separator = "#"\n' + TOP + FIELDS, "separator"),
        ('decimal_mark = ","\nthousands_mark = ","\n' + TOP + FIELDS, "decimal_mark"),
        (TOP.replace("2026-01-31", '"2026-01-31"') + FIELDS, "as_of is a date"),
        (TOP + FIELDS + "[[skip]]\nwhen = 'ref == \"1\"'", "each [[skip]] needs"),
        (TOP + FIELDS + "fees = { expression = 'owed +' }", "is not understood"),
        (TOP + FIELDS + "fees = { expression = 'name(owed)' }", "no function 'name'"),
        ('currency = { column = "c" }\n' + FIELDS + "fees = { expression = 'as_of' }", "a number is needed"),
    ],
)
def test_a_mistake_in_a_mapping_is_told_in_a_sentence_before_any_file_is_read(mapping, said):
    with pytest.raises(MappingRefused) as caught:
        parse_mapping(mapping, name="m.toml")
    assert said in caught.value.sentence
    assert caught.value.sentence.startswith("The mapping m.toml")


def test_a_file_cannot_tell_of_a_day_that_is_still_to_come():
    with pytest.raises(MappingRefused, match="still to come"):
        result(GOOD, TOP.replace("2026", "2999") + FIELDS)


def test_a_mapping_that_is_not_there_is_told_in_a_sentence(tmp_path):
    with pytest.raises(MappingRefused, match="cannot be opened"):
        load_mapping(tmp_path / "none.toml")


def test_every_mapping_of_the_project_is_understood():
    found = sorted((Path(__file__).parents[2] / "mappings").rglob("*.toml"))
    assert len(found) >= 6
    for path in found:
        assert load_mapping(path).columns


def test_the_example_reads_the_file_that_its_first_lines_show(tmp_path):
    path = Path(__file__).parents[2] / "mappings" / "example.toml"
    header = path.read_text().splitlines()[1].removeprefix("# ")
    rows = (
        '10-1,Ana,Berg,03.02.1980,a@example.org,+4930123456,English,Card,EUR,01.05.2024,0,"1,250.50",10,n/a,9.5,open,North',
        "10-2,Bo,Li,04.03.1981,,,Chinese,Loan,EUR,01.05.2024,90,0,0,0,9.5,closed,South",
    )
    (tmp_path / "f.csv").write_text("\n".join((header, *rows)))
    with open_portfolio(tmp_path / "f.csv", mapping=load_mapping(path), today=TODAY, currencies={"EUR"}) as portfolio:
        debt, closed = portfolio.results()
    assert (debt.name, debt.total_minor, debt.person_key) == ("Ana Berg", 126050, "ana|berg|03.02.1980")
    assert closed == NothingOwed(3, "10-2", "The account is closed.")


def test_the_counts_add_up(tmp_path):
    (tmp_path / "f.csv").write_text("ref,name,owed\n1,Ana,5\n2,,5\n3,Cy,0\n4,Di\n5,Ed,-1\n")
    tally = Tally()
    with open_portfolio(
        tmp_path / "f.csv", mapping=parse_mapping(TOP + FIELDS), today=TODAY, currencies=None
    ) as portfolio:
        for each in portfolio.results():
            tally.add(each)
        assert portfolio.bytes_read == portfolio.bytes_total
    assert (tally.read, tally.accepted, tally.nothing_owed.total(), tally.refused.total()) == (5, 1, 1, 3)
    assert tally.agrees


def test_a_broken_row_is_refused_and_the_next_one_is_read(tmp_path):
    (tmp_path / "f.csv").write_text('ref,name,owed\n1,"An"a",5\n2,Bo,5\n')
    with open_portfolio(
        tmp_path / "f.csv", mapping=parse_mapping(TOP + FIELDS), today=TODAY, currencies=None, limits=FileLimits()
    ) as portfolio:
        broken, debt = portfolio.results()
    assert broken[0].reason is Reason.BROKEN_ROW and broken[0].line == 2
    assert debt.reference == "2"


def test_a_report_cannot_carry_a_formula_to_the_reader():
    (only,) = refusals(name="=cmd()")
    assert report_line(only)[:4] == ("2", "name", "'=cmd()", "formula")


def test_a_duplicate_names_the_other_row():
    assert "Row 3" in duplicate_refusal(line=9, other_line=3, reference="A", column="ref").sentence
