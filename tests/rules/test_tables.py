"""What a lender's file may be as a whole, and what is said of one that cannot be read."""

import csv
import datetime
import zipfile
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.formula import ArrayFormula

from portal.debts.opening import open_table
from portal.debts.tables import BrokenRow, FileLimits, FileProblem, FileRefused

PLAIN = "id,name,owed\n1,Ana,10.00\n2,Bo,20.00\n"


@pytest.fixture
def write(tmp_path: Path):
    def written(content: str | bytes, *, name: str = "file.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return written


def refused(path: Path, **how) -> FileRefused:
    with pytest.raises(FileRefused) as caught, open_table(path, **how) as table:
        list(table.rows())
    assert caught.value.sentence.endswith((".", "?"))
    assert "Error" not in caught.value.sentence
    return caught.value


def rows_of(path: Path, **how) -> list[tuple[int, list[str]]]:
    with open_table(path, **how) as table:
        return [(line, list(row)) for line, row in table.rows()]


def test_rows_carry_the_line_that_the_lender_sees(write):
    path = write('id,note\n1,"two\nlines"\n\n2,x\n,\n3,y\n')
    assert rows_of(path) == [(2, ["1", "two\nlines"]), (5, ["2", "x"]), (7, ["3", "y"])]


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_separator_is_found_in_the_header(write, sign):
    with open_table(write(PLAIN.replace(",", sign))) as table:
        assert table.header == ("id", "name", "owed")
        assert table.separator == sign


def test_a_comma_in_the_titles_of_a_semicolon_file_does_not_mislead(write):
    with open_table(write("name, first;owed, in EUR\nAna;10,00\n")) as table:
        assert table.header == ("name, first", "owed, in EUR")


def test_a_wrong_separator_is_told_with_the_right_one(write):
    told = refused(write(PLAIN), separator="semicolon")
    assert told.problem is FileProblem.WRONG_SEPARATOR
    assert "comma it has 3 columns" in told.sentence
    assert refused(write(PLAIN), separator="#").problem is FileProblem.UNKNOWN_SEPARATOR


def test_a_byte_order_mark_is_no_part_of_the_first_column(write):
    with open_table(write(PLAIN, encoding="utf-8-sig")) as table:
        assert table.header[0] == "id"


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("gb18030", "王小明"), ("utf-16", "Åsa"), ("latin-1", "Jürgen"), ("windows-1252", "Zoë “Z” Š"), ("utf-8", "李 Ø")],
)
def test_each_declared_encoding_is_read(write, encoding, name):
    path = write(PLAIN.replace("Ana", name), encoding=encoding)
    assert rows_of(path, encoding=encoding)[0] == (2, ["1", name, "10.00"])


@pytest.mark.parametrize(
    ("encoding", "name", "suggested"),
    [
        ("gb18030", "王小明", "gb18030"),
        ("latin-1", "Jürgen", "windows-1252"),
        ("utf-16", "Åsa", "utf-16"),
        ("utf-16-le", "Asa", "utf-16-le"),
    ],
)
def test_a_wrong_encoding_names_the_line_and_the_encoding_that_fits(write, encoding, name, suggested):
    told = refused(write(PLAIN.replace("Bo", name), encoding=encoding))
    assert told.problem is FileProblem.WRONG_ENCODING
    assert f'encoding = "{suggested}"' in told.sentence
    if encoding in ("gb18030", "latin-1"):
        assert "line 3 (byte " in told.sentence


def test_the_byte_of_a_wrong_encoding_is_the_byte(write):
    content = b"id,name\n" + b"1,Ana\n" * 300_000 + b"2,J\xfcrgen\n"
    told = refused(write(content))
    assert f"line {300_002:d} (byte {8 + 6 * 300_000 + 3:,})" in told.sentence


def test_utf8_read_as_latin1_would_spoil_every_accent_and_is_refused(write):
    assert "is in utf-8" in refused(write(PLAIN.replace("Ana", "Zoë")), encoding="latin-1").sentence


def test_utf8_is_found_however_late_its_first_accent_comes(write):
    many = PLAIN + "".join(f"{number},Ana,1.00\n" for number in range(2, 90_000))
    told = refused(write(many + "x,José Müller,2.00\n"), encoding="windows-1252").sentence
    assert "is in utf-8 (see line 90002)" in told
    with open_table(write(many + "x,José Müller,2.00\n", encoding="windows-1252"), encoding="windows-1252") as table:
        assert list(table.rows())[-1][1][1] == "José Müller"


def test_an_encoding_off_the_list_is_refused(write):
    assert refused(write(PLAIN), encoding="ebcdic").problem is FileProblem.UNKNOWN_ENCODING


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "password"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"\xef\xbb\xbf  <table><tr>", "web page"),
        (b"<?xml version='1.0'?>", "XML"),
        (b'[{"id": 1}]', "JSON"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"SQLite format 3\x00", "SQLite"),
        (bytes(range(1, 9)) * 100, "not made of text"),
    ],
)
def test_what_is_no_table_is_called_by_its_name(write, content, said):
    told = refused(write(content))
    assert told.problem is FileProblem.NOT_A_TABLE
    assert said in told.sentence


def test_a_zip_and_a_word_document_are_no_tables(tmp_path):
    for inside, said in (("a.csv", "ZIP"), ("word/document.xml", "Word"), ("content.xml", "OpenDocument")):
        with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
            archive.writestr(inside, "x")
        assert said in refused(tmp_path / "f.zip").sentence


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", FileProblem.EMPTY),
        (" \n\n", FileProblem.EMPTY),
        ("id,name\n", FileProblem.ONLY_A_HEADER),
        ("id,name\n\n,\n", FileProblem.ONLY_A_HEADER),
        ("id,id\n1,2\n", FileProblem.DUPLICATE_HEADER),
        ("id,,x\n1,2,3\n", FileProblem.EMPTY_HEADER),
        ("id,name\n1,A\x00na\n", FileProblem.NUL_BYTE),
        ('id,name\n1,"Ana\n2,Bo\n', FileProblem.QUOTE_NOT_CLOSED),
        ('id,name\n1,"Ana\n2,"Bo"\n', FileProblem.QUOTE_NOT_CLOSED),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_is_refused(write, content, problem):
    assert refused(write(content)).problem is problem


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert refused(tmp_path / "none.csv").problem is FileProblem.NOT_FOUND
    assert refused(tmp_path).problem is FileProblem.NOT_FOUND


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (FileLimits(bytes=10), FileProblem.TOO_LARGE),
        (FileLimits(rows=1), FileProblem.TOO_MANY_ROWS),
        (FileLimits(columns=2), FileProblem.TOO_MANY_COLUMNS),
    ],
)
def test_each_limit_of_a_file_holds(write, limits, problem):
    assert refused(write(PLAIN), limits=limits).problem is problem
    assert rows_of(write(PLAIN), limits=FileLimits(rows=2, columns=3, bytes=len(PLAIN)))


def test_a_cell_over_the_limit_breaks_its_row_and_no_other(write):
    path = write(f"id,name\n1,{'x' * 60}\n2,Bo\n")
    try:
        with open_table(path, limits=FileLimits(cell=50)) as table:
            rows = list(table.rows())
    finally:
        csv.field_size_limit(131_072)
    assert isinstance(rows[0][1], BrokenRow) and rows[0][1].too_long and rows[0][0] == 2
    assert rows[1] == (3, ["2", "Bo"])


def test_a_quotation_mark_inside_a_cell_breaks_its_row_and_no_other(write):
    rows = rows_of(write('id,name\n1,"An"a"\n2,Bo\n'))
    assert rows == [(2, []), (3, ["2", "Bo"])]


def test_a_ragged_row_is_left_for_the_reader_to_refuse(write):
    assert rows_of(write("id,name\n1\n2,Bo,x\n3,Cy\n")) == [(2, ["1"]), (3, ["2", "Bo", "x"]), (4, ["3", "Cy"])]


def test_progress_ends_at_the_whole(write):
    with open_table(write(PLAIN)) as table:
        list(table.rows())
        assert table.bytes_read == table.bytes_total == len(PLAIN)


def workbook(path: Path, *rows: list, **sheets: list[list]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title, more in sheets.items():
        page = book.create_sheet(title)
        for row in more:
            page.append(row)
    book.save(path)
    return path


def test_a_workbook_gives_exact_decimals_and_dates(tmp_path):
    path = workbook(
        tmp_path / "f.xlsx",
        ["id", "owed", "born", "when", "ok"],
        [1, 12.5, datetime.date(1980, 2, 3), datetime.datetime(2026, 1, 31, 12, 30), True],
        [None, None, None],
        ["007", 0.1 + 0.2, None, None, None],
        [3, 1234567.89, None, None, None],
        [4, 1e15, None, None, None],
    )
    with open_table(path) as table:
        assert table.kind == "xlsx" and table.native_dates
        rows = [(line, list(row)) for line, row in table.rows()]
    assert rows[0] == (2, ["1", "12.5", "1980-02-03", "2026-01-31 12:30:00", "TRUE"])
    assert rows[1] == (4, ["007", "0.3", "", "", ""])
    assert [row[1] for _, row in rows[2:]] == ["1234567.89", "1000000000000000"]


def test_a_formula_in_a_workbook_arrives_as_a_formula_and_not_as_its_result(tmp_path):
    path = workbook(tmp_path / "f.xlsx", ["id", "owed"], [1, "=1+1"], [2, ArrayFormula("B3", "=SUM(1,2)")])
    assert [row[1][0] for _, row in rows_of(path)] == ["=", "="]


def test_the_first_visible_sheet_is_read_or_the_one_that_is_named(tmp_path):
    path = workbook(tmp_path / "f.xlsx", ["id"], ["a"], Second=[["id"], ["b"]])
    assert rows_of(path) == [(2, ["a"])]
    assert rows_of(path, sheet="Second") == [(2, ["b"])]
    told = refused(path, sheet="Third")
    assert told.problem is FileProblem.NO_SUCH_SHEET and "'Second'" in told.sentence


def test_the_progress_of_a_workbook_grows(tmp_path):
    path = workbook(tmp_path / "f.xlsx", ["id", "name"], *[[i, f"name {i * 7919}"] for i in range(30_000)])
    with open_table(path) as table:
        seen = [table.bytes_read for line, _ in table.rows() if line % 5_000 == 0]
    assert seen == sorted(seen) and 0 < seen[0] < seen[-1] <= table.bytes_total


def test_a_workbook_is_told_by_what_is_in_it_and_not_by_its_name(tmp_path):
    path = workbook(tmp_path / "f.xlsx", ["id"], ["a"])
    assert rows_of(path.rename(tmp_path / "f.csv")) == [(2, ["a"])]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([], FileProblem.EMPTY),
        ([["id", "name"]], FileProblem.ONLY_A_HEADER),
        ([["id", "id"], [1, 2]], FileProblem.DUPLICATE_HEADER),
        ([["id", None, "x"], [1, 2, 3]], FileProblem.EMPTY_HEADER),
    ],
)
def test_a_workbook_that_is_wrong_as_a_whole_is_refused(tmp_path, rows, problem):
    assert refused(workbook(tmp_path / "f.xlsx", *rows)).problem is problem


def test_a_workbook_that_unpacks_to_more_than_the_limit_is_refused_unopened(tmp_path):
    path = workbook(tmp_path / "f.xlsx", ["id"], *[["a" * 50] for _ in range(2000)])
    assert refused(path, limits=FileLimits(unpacked_bytes=10_000)).problem is FileProblem.UNPACKS_TOO_LARGE
    assert refused(path, limits=FileLimits(shared_strings_bytes=10)).problem is FileProblem.UNPACKS_TOO_LARGE


def test_limits_of_rows_columns_and_cells_hold_in_a_workbook(tmp_path):
    path = workbook(tmp_path / "f.xlsx", ["id", "name"], [1, "x" * 60], [2, "Bo"])
    assert refused(path, limits=FileLimits(rows=1)).problem is FileProblem.TOO_MANY_ROWS
    assert refused(path, limits=FileLimits(columns=1)).problem is FileProblem.TOO_MANY_COLUMNS
    assert rows_of(path, limits=FileLimits(cell=50)) == [(2, []), (3, ["2", "Bo"])]


def test_a_damaged_workbook_is_refused_with_a_sentence(tmp_path):
    path = workbook(tmp_path / "f.xlsx", ["id"], ["a"])
    (tmp_path / "cut.xlsx").write_bytes(path.read_bytes()[:-200])
    assert refused(tmp_path / "cut.xlsx").problem is FileProblem.DAMAGED
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "bad.xlsx", "w") as bad:
        for part in whole.infolist():
            bad.writestr(part, b"<worksheet" if "sheet1" in part.filename else whole.read(part))
    assert refused(tmp_path / "bad.xlsx").problem is FileProblem.DAMAGED


def _spoilt(path: Path, out: Path, *, part: str, content: bytes) -> Path:
    """Write a workbook anew with another content of one of its parts."""
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(out, "w") as bad:
        for each in whole.infolist():
            bad.writestr(each, content if part in each.filename else whole.read(each))
    return out


def test_a_workbook_that_names_text_which_it_does_not_have_is_refused(tmp_path):
    path = workbook(tmp_path / "f.xlsx", ["id", "name"], ["a", "b"])
    sheet = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml")
    sheet = sheet.replace(b'<c r="B2" t="inlineStr"><is><t>b</t></is></c>', b'<c r="B2" t="s"><v>9999</v></c>')
    assert b"9999" in sheet
    bad = _spoilt(path, tmp_path / "bad.xlsx", part="sheet1", content=sheet)
    assert refused(bad).problem is FileProblem.DAMAGED


@pytest.mark.parametrize(("at", "value"), [(8, 99), (6, 1)], ids=["a way of pressing nobody knows", "locked"])
def test_a_workbook_of_which_a_part_cannot_be_unpacked_is_refused(tmp_path, at, value):
    path = workbook(tmp_path / "f.xlsx", ["id"], ["a"])
    content = bytearray(path.read_bytes())
    # The local header of the sheet and its line in the directory both say how it is packed.
    for mark, moved in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        start = 0
        while (start := content.find(mark, start)) >= 0:
            name = content[start : start + 120]
            if b"xl/worksheets/sheet1" in name:
                content[start + at + moved] |= value if at == 6 else 0
                if at == 8:
                    content[start + at + moved] = value
            start += 4
    (tmp_path / "bad.xlsx").write_bytes(content)
    assert refused(tmp_path / "bad.xlsx").problem is FileProblem.DAMAGED


def test_a_workbook_whose_pressed_bytes_are_spoilt_is_refused(tmp_path):
    path = workbook(tmp_path / "f.xlsx", ["id"], *([str(number) * 9] for number in range(3_000)))
    with zipfile.ZipFile(path) as whole:
        sheet = whole.getinfo("xl/worksheets/sheet1.xml")
        begins = sheet.header_offset + 30 + len(sheet.filename)
    content = bytearray(path.read_bytes())
    content[begins + 40 : begins + 400] = b"\xff" * 360
    (tmp_path / "bad.xlsx").write_bytes(content)
    assert refused(tmp_path / "bad.xlsx").problem is FileProblem.DAMAGED


def test_notes_beside_the_table_of_a_workbook_make_a_row_ragged(tmp_path):
    path = workbook(tmp_path / "f.xlsx", ["id", "owed", None], [1, 2, None], [2, 3, "see above"])
    assert [len(row) for _, row in rows_of(path)] == [2, 3]
