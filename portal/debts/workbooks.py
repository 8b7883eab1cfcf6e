"""Read a sheet of an XLSX workbook as a stream of rows of text."""

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError  # noqa: S405  # Only the exception; openpyxl does the parsing.

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from portal.debts.tables import (
    BrokenRow,
    FileLimits,
    FileProblem,
    FileRefused,
    Numbered,
    Table,
    broken_row,
    listed,
    not_a_table,
    only_a_header,
    read_header,
    too_many_rows,
)

_MOST_ROWS_OF_A_SHEET = 1_048_576
# What a damaged workbook makes its readers say: a bad directory, pressing or checksum, a way of pressing that nobody
# knows, a part that is locked, cut off or missing, markup or numbers that are none, text that is not in the list.
_DAMAGE = (
    InvalidFileException, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError,
    KeyError, IndexError, ValueError, TypeError, AttributeError, ParseError,
)  # fmt: skip


def open_workbook(path: Path, *, sheet: str | None, limits: FileLimits, size: int) -> Table:
    """Open one sheet of a workbook; without a name the first visible one.

    :raises FileRefused: if the file as a whole cannot be read.
    """
    _check_archive(path, limits=limits)
    stream: BinaryIO = path.open("rb")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns about styles and print areas, which mean nothing here.
            book = openpyxl.load_workbook(stream, read_only=True, data_only=False, keep_links=False)
        page = _sheet(path.name, book, sheet)
        # The size that a sheet states of itself is not to be trusted; without it everything is read.
        page.reset_dimensions()
        rows = _xlsx_rows(path.name, page, limits=limits)
        found = next(rows, None)
        if found is None:
            raise FileRefused(FileProblem.EMPTY, f"The sheet {page.title!r} of {path.name} is empty.")
        cells = list(found[1])
        while cells and not cells[-1]:
            cells.pop()
        header = read_header(path.name, cells, limits=limits)
        shaped = _shaped(rows, len(header))
        first = next(shaped, None)
        if first is None:
            raise only_a_header(path.name)
    except FileRefused:
        stream.close()
        raise
    except _DAMAGE as error:
        stream.close()
        raise _damaged(path.name) from error
    return Table(
        header=header,
        rows=chain((first,), shaped),
        bytes_total=size,
        # Where the archive is being read; the sheet is nearly all of it.
        position=lambda: size if stream.closed else stream.tell(),
        close=stream.close,
        kind="xlsx",
    )


def _check_archive(path: Path, *, limits: FileLimits) -> None:
    """Look into the ZIP's directory before anything is unpacked.

    :raises FileRefused: if it is no workbook, or unpacks to more than the limits.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except _DAMAGE as error:
        raise _damaged(path.name) from error
    names = {part.filename for part in parts}
    if "xl/workbook.xml" not in names:
        what = "a text document (Word)" if "word/document.xml" in names else "a ZIP archive; unpack it first"
        if "content.xml" in names:
            what = "an OpenDocument file; save it as .xlsx or CSV"
        if "xl/workbook.bin" in names:
            what = "a binary workbook (.xlsb); save it as .xlsx or CSV"
        raise not_a_table(path.name, what)
    total = sum(part.file_size for part in parts)
    # Shared text may have any name inside; whatever is no sheet is taken for it.
    streamed = ("xl/worksheets/", "xl/media/")
    strings = sum(part.file_size for part in parts if not part.filename.startswith(streamed))
    if total > limits.unpacked_bytes or strings > limits.shared_strings_bytes:
        raise FileRefused(
            FileProblem.UNPACKS_TOO_LARGE,
            f"{path.name} unpacks to {total:,} bytes; at most {limits.unpacked_bytes:,} are read "
            f"({limits.shared_strings_bytes:,} of shared text). Save it as CSV.",
        )


def _sheet(name: str, book: Any, wanted: str | None) -> Any:
    pages = book.worksheets
    if wanted is not None:
        for page in pages:
            if page.title == wanted:
                return page
        raise FileRefused(
            FileProblem.NO_SUCH_SHEET,
            f"{name} has no sheet {wanted!r}; it has {listed([page.title for page in pages])}.",
        )
    for page in pages:
        if page.sheet_state == "visible":
            return page
    raise FileRefused(FileProblem.EMPTY, f"{name} has no visible sheet.")


def _xlsx_rows(name: str, page: Any, *, limits: FileLimits) -> Iterator[Numbered]:
    left = limits.rows + 1
    try:
        for line, cells in enumerate(page.iter_rows(), start=1):
            if line > _MOST_ROWS_OF_A_SHEET:
                raise too_many_rows(name, limits)
            row = [_cell_text(cell.value) for cell in cells]
            if not any(row):
                continue
            left -= 1
            if left < 0:
                raise too_many_rows(name, limits)
            if max(map(len, row)) > limits.cell:
                yield line, broken_row(sentence=f"A cell has more than {limits.cell:,} characters.", too_long=True)
            else:
                yield line, row
    except _DAMAGE as error:
        raise _damaged(name) from error


def _cell_text(value: object) -> str:
    """Return a cell as a lender would type it: exact decimals, dates as 2026-01-31, a formula as itself (=A1+B1)."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        # A sheet holds binary numbers and shows fifteen digits of them: 12.5 is 12.5, and 0.1 + 0.2 is 0.3.
        return format(Decimal(format(value, ".15g")), "f")
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    # Array and table formulas are objects of their own.
    return "=" + str(getattr(value, "text", None) or type(value).__name__).removeprefix("=")


def _shaped(rows: Iterator[Numbered], width: int) -> Iterator[Numbered]:
    """Fill up and cut rows to the header's width: a sheet has no ragged rows, only notes beside the table."""
    for line, row in rows:
        if isinstance(row, BrokenRow) or len(row) == width:
            yield line, row
        elif len(row) < width:
            yield line, [*row, *[""] * (width - len(row))]
        elif any(row[width:]):
            yield line, row
        else:
            yield line, row[:width]


def _damaged(name: str) -> FileRefused:
    return FileRefused(FileProblem.DAMAGED, f"{name} is damaged and cannot be opened as a workbook. Save it again.")
