"""Read a lender's CSV or XLSX file as a stream of rows of text, or say in one sentence why it cannot be read.

Invariant: what is wrong with the file as a whole is found before its first row, where one pass over the bytes can.
"""

import codecs
import csv
import difflib
import io
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError  # noqa: S405  # Only the exception; openpyxl does the parsing.

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException


class FileProblem(StrEnum):
    """Why a file as a whole was not read."""

    NOT_FOUND = "not_found"
    EMPTY = "empty"
    ONLY_A_HEADER = "only_a_header"
    NOT_A_TABLE = "not_a_table"
    DAMAGED = "damaged"
    TOO_LARGE = "too_large"
    UNPACKS_TOO_LARGE = "unpacks_too_large"
    TOO_MANY_ROWS = "too_many_rows"
    TOO_MANY_COLUMNS = "too_many_columns"
    UNKNOWN_ENCODING = "unknown_encoding"
    WRONG_ENCODING = "wrong_encoding"
    NUL_BYTE = "nul_byte"
    UNKNOWN_SEPARATOR = "unknown_separator"
    WRONG_SEPARATOR = "wrong_separator"
    QUOTE_NOT_CLOSED = "quote_not_closed"
    DUPLICATE_HEADER = "duplicate_header"
    EMPTY_HEADER = "empty_header"
    NO_SUCH_SHEET = "no_such_sheet"
    MISSING_COLUMN = "missing_column"
    CURRENCY_NOT_HELD = "currency_not_held"


class FileRefused(Exception):
    """Say why nothing of a file was read: `problem` for programs, `sentence` for staff."""

    def __init__(self, problem: FileProblem, sentence: str) -> None:
        super().__init__(sentence)
        self.problem = problem
        self.sentence = sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLimits:
    """The most that a file may hold; `docs/portfolio-format.md` tells lenders the same figures."""

    bytes: int = 1_073_741_824
    rows: int = 2_000_000
    columns: int = 1_000
    cell: int = 10_000  # characters
    unpacked_bytes: int = 1_073_741_824  # XLSX is a ZIP; this is what its directory says it unpacks to.
    shared_strings_bytes: int = 134_217_728  # The one part of an XLSX that cannot be streamed.


class BrokenRow(tuple[str, ...]):
    """Stand for a row that could not be cut into cells; it is empty, and `sentence` says why."""

    sentence: str = ""
    value: str = ""
    too_long: bool = False


def broken_row(*, sentence: str, value: str = "", too_long: bool = False) -> BrokenRow:
    """Return the stand-in for a row that could not be cut into cells."""
    row = BrokenRow()
    row.sentence, row.value, row.too_long = sentence, value, too_long
    return row


Numbered = tuple[int, Sequence[str]]


class Table:
    """A header and a stream of numbered rows; `rows()` can be walked once."""

    def __init__(
        self,
        *,
        header: tuple[str, ...],
        rows: Iterator[Numbered],
        bytes_total: int,
        position: Callable[[], int],
        close: Callable[[], None],
        kind: str,
        separator: str = "",
    ) -> None:
        self.header = header
        self.bytes_total = bytes_total
        self.kind = kind  # "csv" or "xlsx"
        self.separator = separator  # What was declared or found; empty for a spreadsheet.
        self._rows = rows
        self._position = position
        self._close = close

    @property
    def native_dates(self) -> bool:
        """Say whether the file knows dates as dates, which then arrive as 2026-01-31 whatever the mapping's format."""
        return self.kind == "xlsx"

    @property
    def bytes_read(self) -> int:
        """Return roughly how much of `bytes_total` was read, for a progress bar."""
        return min(self._position(), self.bytes_total)

    def rows(self) -> Iterator[Numbered]:
        """Yield (line number as the lender sees it, cells); a row of the wrong length is for the reader to refuse.

        :raises FileRefused: if the rest of the file turns out to be unreadable or too long.
        """
        return self._rows

    def close(self) -> None:
        """Close the file."""
        self._close()

    def __enter__(self) -> "Table":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_table(
    path: Path | str,
    *,
    encoding: str | None = None,
    separator: str | None = None,
    sheet: str | None = None,
    limits: FileLimits | None = None,
) -> Table:
    """Open a CSV or XLSX file, told apart by what is in it and not by its name.

    `encoding` and `separator` are the mapping's; without them UTF-8 (with or without a mark) is read and the separator
    is found in the header. `sheet` names a sheet of an XLSX; without it the first visible one is read.

    :raises FileRefused: if the file as a whole cannot be read.
    """
    path = Path(path)
    limits = limits or FileLimits()
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise FileRefused(FileProblem.NOT_FOUND, f"{path.name} is not a file.")
        with path.open("rb") as stream:
            head = stream.read(65_536)
    except OSError as error:
        raise FileRefused(FileProblem.NOT_FOUND, f"{path.name} cannot be opened: {error.strerror}.") from error
    if not head.strip():
        raise FileRefused(FileProblem.EMPTY, f"{path.name} is empty.")
    if size > limits.bytes:
        raise FileRefused(
            FileProblem.TOO_LARGE,
            f"{path.name} has {size:,} bytes; at most {limits.bytes:,} are read. Cut it into several files.",
        )
    if head.startswith(b"PK\x03\x04"):
        return _open_xlsx(path, sheet=sheet, limits=limits, size=size)
    _refuse_other_formats(path.name, head)
    return _open_csv(path, declared=encoding, separator=separator, limits=limits, size=size, head=head)


# ---------------------------------------------------------------------------------------------------------------------
# What is not a table at all

_OLD_EXCEL = "an old Excel file (.xls) or one with a password; save it as .xlsx without a password, or as CSV"
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", _OLD_EXCEL),
    (b"\x89PNG", "an image (PNG)"),
    (b"\xff\xd8\xff", "an image (JPEG)"),
    (b"GIF8", "an image (GIF)"),
    (b"BM", "an image (BMP)"),
    (b"RIFF", "an image or a sound"),
    (b"\x1f\x8b", "packed with gzip; unpack it first"),
    (b"BZh", "packed with bzip2; unpack it first"),
    (b"\xfd7zXZ", "packed with xz; unpack it first"),
    (b"(\xb5/\xfd", "packed with zstd; unpack it first"),
    (b"7z\xbc\xaf", "packed with 7-Zip; unpack it first"),
    (b"Rar!", "packed with RAR; unpack it first"),
    (b"SQLite format 3", "an SQLite database"),
    (b"PAR1", "a Parquet file; save it as CSV"),
    (b"{\\rtf", "a text document (RTF)"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
)
_MARKUP = (b"<!doctype", b"<html", b"<table", b"<head", b"<body")
_NOT_TEXT = frozenset(range(1, 9)) | frozenset(range(14, 27)) | frozenset(range(28, 32))


def _refuse_other_formats(name: str, head: bytes) -> None:
    for signature, what in _SIGNATURES:
        if head.startswith(signature) and not (signature == b"BM" and b"\x00" not in head[:32]):
            raise _not_a_table(name, what)
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:64].lower()
    if start.startswith(_MARKUP):
        raise _not_a_table(name, "a web page (HTML); some systems call such a file .xls. Save it as .xlsx or CSV")
    if start.startswith(b"<"):
        raise _not_a_table(name, "an XML file")
    if start.startswith((b'{"', b"{\n", b"{\r", b"{ ", b"[{", b"[\n", b"[[")):
        raise _not_a_table(name, "a JSON file")
    if _looks_utf16(head) is None and sum(byte in _NOT_TEXT for byte in head) > len(head) // 100:
        raise _not_a_table(name, "not made of text")


def _not_a_table(name: str, what: str) -> FileRefused:
    return FileRefused(FileProblem.NOT_A_TABLE, f"{name} is not a table: it is {what}.")


# ---------------------------------------------------------------------------------------------------------------------
# CSV

_ENCODINGS = {
    "utf8": "utf-8-sig",
    "utf8sig": "utf-8-sig",
    "ascii": "utf-8-sig",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "utf16": "utf-16",
    "utf16le": "utf-16-le",
    "utf16be": "utf-16-be",
    "latin1": "latin-1",
    "iso88591": "latin-1",
    "windows1252": "windows-1252",
    "cp1252": "windows-1252",
}
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SEPARATOR_WORDS = {word: sign for sign, word in SEPARATORS.items()} | {"pipe": "|", "\\t": "\t"}


def encoding_named(name: str | None) -> str:
    """Return the codec for an encoding that a mapping may declare; UTF-8 for none.

    :raises FileRefused: if it is not one of those that are read.
    """
    if name is None:
        return "utf-8-sig"
    codec = _ENCODINGS.get(re.sub(r"[^a-z0-9]", "", name.lower()))
    if codec is None:
        raise FileRefused(
            FileProblem.UNKNOWN_ENCODING,
            f"The encoding {name!r} is not read. Choose utf-8, gb18030, utf-16, windows-1252 or latin-1.",
        )
    return codec


def separator_named(name: str | None) -> str | None:
    """Return the one character for a separator that a mapping may declare as itself or as a word ("tab").

    :raises FileRefused: if it is not one of those that are read.
    """
    if name is None or name in SEPARATORS:
        return name
    sign = _SEPARATOR_WORDS.get(name.strip().lower())
    if sign is None:
        raise FileRefused(
            FileProblem.UNKNOWN_SEPARATOR,
            f"The separator {name!r} is not read. Choose comma, semicolon, tab or bar.",
        )
    return sign


def _open_csv(
    path: Path, *, declared: str | None, separator: str | None, limits: FileLimits, size: int, head: bytes
) -> Table:
    codec = encoding_named(declared)
    _check_bytes(path, codec, declared=declared, head=head)
    # The csv module knows one limit for the whole process; nothing else in it reads CSV with longer cells.
    csv.field_size_limit(limits.cell)
    with path.open("r", encoding=codec, newline="") as stream:
        sample = stream.read(262_144)
    sign = _separator(path.name, sample, declared=separator_named(separator))
    raw = path.open("rb")
    lines = io.TextIOWrapper(raw, encoding=codec, newline="")
    try:
        rows = _csv_rows(path.name, lines, separator=sign, limits=limits)
        found = next(rows, None)
        if found is None:
            raise FileRefused(FileProblem.EMPTY, f"{path.name} is empty.")
        if isinstance(found[1], BrokenRow):
            raise FileRefused(FileProblem.DAMAGED, f"The header of {path.name} cannot be read: {found[1].sentence}")
        header = _header(path.name, found[1], limits=limits)
        first = next(rows, None)
        if first is None:
            raise _only_a_header(path.name)
    except BaseException:
        lines.close()
        raise
    return Table(
        header=header,
        rows=chain((first,), rows),
        bytes_total=size,
        position=lambda: size if raw.closed else raw.tell(),
        close=lines.close,
        kind="csv",
        separator=sign,
    )


def _csv_rows(name: str, lines: io.TextIOWrapper, *, separator: str, limits: FileLimits) -> Iterator[Numbered]:
    """Yield the header and the rows; the number is the line on which a row begins."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    line, left = 0, limits.rows + 1
    while True:
        try:
            for row in reader:
                first, line = line + 1, reader.line_num
                # A line without a single filled cell is the gap at the end of an exported sheet and not a row.
                if row and (row[0] or any(row)):
                    left -= 1
                    if left < 0:
                        raise _too_many_rows(name, limits)
                    yield first, row
            return
        except csv.Error as error:
            first, line = line + 1, reader.line_num
            said = str(error)
            # A broken row of one line is that row's trouble; over several lines it has swallowed its neighbours.
            if line > first or "unexpected end of data" in said:
                raise FileRefused(
                    FileProblem.QUOTE_NOT_CLOSED,
                    f"A quotation mark opens on line {first} of {name} and is not closed rightly by line {line}. "
                    'A quotation mark inside a cell is written twice ("").',
                ) from error
            left -= 1
            if left < 0:
                raise _too_many_rows(name, limits) from error
            if "field larger than field limit" in said:
                yield first, broken_row(sentence=f"A cell has more than {limits.cell:,} characters.", too_long=True)
            else:
                yield first, broken_row(sentence='A quotation mark inside a cell must be written twice ("").')
        except UnicodeDecodeError as error:
            # The bytes were checked before; they changed under our hands.
            raise FileRefused(FileProblem.DAMAGED, f"{name} changed while it was read.") from error


def _check_bytes(path: Path, codec: str, *, declared: str | None, head: bytes) -> None:
    """Read the bytes once: a wrong encoding on the last line must not be found after the first million rows."""
    tried = declared or "utf-8"
    wide = _looks_utf16(head)
    if wide is not None and not codec.startswith("utf-16"):
        raise _wrong_encoding(path.name, tried, offset=0, line=1, better=wide)
    if codec in ("gb18030", "latin-1", "windows-1252") and _is_utf8_with_more_than_ascii(head):
        raise FileRefused(
            FileProblem.WRONG_ENCODING,
            f'The mapping says that {path.name} is in {tried}, but it is in utf-8. Write encoding = "utf-8".',
        )
    if codec.startswith("utf-16") and wide is None:
        raise _wrong_encoding(path.name, tried, offset=0, line=1, better=_better_encoding(path, codec))
    decoder = codecs.getincrementaldecoder(codec)("strict")
    read = 0
    with path.open("rb") as stream:
        while True:
            chunk = stream.read(1 << 20)
            read += len(chunk)
            if not codec.startswith("utf-16") and b"\0" in chunk:
                offset = read - len(chunk) + chunk.index(b"\0")
                raise FileRefused(
                    FileProblem.NUL_BYTE,
                    f"{path.name} has a NUL byte on line {_line_at(path, offset)} (byte {offset:,}). "
                    "The file is damaged or is not text.",
                )
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                offset = read - len(error.object) + error.start
                raise _wrong_encoding(
                    path.name,
                    tried,
                    offset=offset,
                    line=_line_at(path, offset),
                    better=_better_encoding(path, codec),
                ) from error
            if not chunk:
                return


def _wrong_encoding(name: str, tried: str, *, offset: int, line: int, better: str | None) -> FileRefused:
    sentence = f"{name} is not in {tried}: line {line} (byte {offset:,}) cannot be read so."
    if better is not None:
        sentence += f' {better} fits: write encoding = "{better}" in the mapping, or save the file as utf-8.'
    else:
        sentence += " No other encoding that is read fits; save the file as utf-8."
    return FileRefused(FileProblem.WRONG_ENCODING, sentence)


def _looks_utf16(head: bytes) -> str | None:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = head[: len(head) // 2 * 2][:4096]
    for places, name in ((sample[1::2], "utf-16-le"), (sample[0::2], "utf-16-be")):
        if len(places) >= 4 and places.count(0) > len(places) * 3 // 5:
            return name
    return None


def _is_utf8_with_more_than_ascii(head: bytes) -> bool:
    if head.startswith(codecs.BOM_UTF8):
        return True
    if head.isascii():
        return False
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _better_encoding(path: Path, failed: str) -> str | None:
    """Suggest the encoding that decodes the file, told by the shape of its high bytes."""
    candidates = [codec for codec in ("utf-8", "gb18030", "windows-1252", "latin-1") if codec != failed]
    with path.open("rb") as stream:
        sample = stream.read(4 << 20)
    # In GB text the second byte of a pair is nearly always high too; an accented Latin letter mostly stands alone.
    pairs = re.findall(rb"[\x81-\xfe][\x40-\xfe]", sample)
    chinese = bool(pairs) and sum(pair[1] >= 0xA1 for pair in pairs) > len(pairs) * 4 // 5
    if not chinese:
        candidates = [codec for codec in candidates if codec != "gb18030"]
    for codec in candidates:
        try:
            codecs.getincrementaldecoder(codec)("strict").decode(sample)
        except UnicodeDecodeError:
            continue
        return codec
    return None


def _line_at(path: Path, offset: int) -> int:
    lines = 1
    with path.open("rb") as stream:
        while offset > 0:
            chunk = stream.read(min(offset, 1 << 20))
            if not chunk:
                break
            lines += chunk.count(b"\n")
            offset -= len(chunk)
    return lines


def _separator(name: str, sample: str, *, declared: str | None) -> str:
    widths = {sign: _widths(sample, sign) for sign in SEPARATORS}
    # A separator that cuts the first row as it cuts the header is the right one, whatever else stands in the titles.
    best = max(SEPARATORS, key=lambda sign: (1 < widths[sign][0] == widths[sign][1], widths[sign][0]))
    if declared is None:
        return best
    if widths[declared][0] <= 1 < widths[best][0]:
        raise FileRefused(
            FileProblem.WRONG_SEPARATOR,
            f"With the separator {SEPARATORS[declared]} the header of {name} is a single column; "
            f"with {SEPARATORS[best]} it has {widths[best][0]} columns. "
            f'Write separator = "{SEPARATORS[best]}" in the mapping.',
        )
    return declared


def _widths(sample: str, sign: str) -> tuple[int, int]:
    widths = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=sign):
            if row and any(row):
                widths.append(len(row))
            if len(widths) == 2:
                break
    except csv.Error:
        pass  # The reading itself meets the same trouble and names the line.
    return (*widths, 0, 0)[:2]  # type: ignore[return-value]


def _header(name: str, cells: Sequence[str], *, limits: FileLimits) -> tuple[str, ...]:
    if len(cells) > limits.columns:
        raise FileRefused(
            FileProblem.TOO_MANY_COLUMNS,
            f"{name} has {len(cells):,} columns; at most {limits.columns:,} are read.",
        )
    header = tuple(" ".join(cell.split()) for cell in cells)
    for place, title in enumerate(header, start=1):
        if not title:
            raise FileRefused(FileProblem.EMPTY_HEADER, f"Column {place} of {name} has no name in the header.")
    twice = [title for title, times in Counter(header).items() if times > 1]
    if twice:
        raise FileRefused(
            FileProblem.DUPLICATE_HEADER,
            f"The header of {name} names more than one column {_listed(twice)}; nobody can tell which is meant.",
        )
    return header


def refuse_missing_columns(*, wanted: Iterable[str], header: Sequence[str]) -> None:
    """Refuse a file without a column that the mapping reads, naming all of them and the nearest that are there.

    :raises FileRefused: if a column is missing.
    """
    missing = [title for title in dict.fromkeys(wanted) if title not in header]
    if not missing:
        return
    sentence = f"The file has no column {_listed(missing)}."
    if len(header) == 1:
        sentence += f" It was read as a single column, {_clipped(header[0])!r}: is the separator right?"
    else:
        folded = {title.casefold(): title for title in header}
        hints = {
            title: folded[near[0]]
            for title in missing
            if (near := difflib.get_close_matches(title.casefold(), list(folded), n=1, cutoff=0.8))
        }
        if hints:
            sentence += " Is " + ", ".join(f"{title!r} perhaps {near!r}" for title, near in hints.items()) + "?"
        sentence += f" Its header: {_listed(header[:40])}{' and more' if len(header) > 40 else ''}."
    raise FileRefused(FileProblem.MISSING_COLUMN, sentence)


def _listed(titles: Sequence[str]) -> str:
    return ", ".join(repr(_clipped(title)) for title in titles)


def _clipped(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _only_a_header(name: str) -> FileRefused:
    return FileRefused(FileProblem.ONLY_A_HEADER, f"{name} has a header and not a single row.")


def _too_many_rows(name: str, limits: FileLimits) -> FileRefused:
    return FileRefused(
        FileProblem.TOO_MANY_ROWS,
        f"{name} has more than {limits.rows:,} rows, the most that one file may have. Cut it into several files.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# XLSX

_MOST_ROWS_OF_A_SHEET = 1_048_576


def _open_xlsx(path: Path, *, sheet: str | None, limits: FileLimits, size: int) -> Table:
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
        header = _header(path.name, cells, limits=limits)
        shaped = _shaped(rows, len(header))
        first = next(shaped, None)
        if first is None:
            raise _only_a_header(path.name)
    except FileRefused:
        stream.close()
        raise
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, ParseError, OSError, TypeError) as error:
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
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise _damaged(path.name) from error
    names = {part.filename for part in parts}
    if "xl/workbook.xml" not in names:
        what = "a text document (Word)" if "word/document.xml" in names else "a ZIP archive; unpack it first"
        if "content.xml" in names:
            what = "an OpenDocument file; save it as .xlsx or CSV"
        if "xl/workbook.bin" in names:
            what = "a binary workbook (.xlsb); save it as .xlsx or CSV"
        raise _not_a_table(path.name, what)
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
            f"{name} has no sheet {wanted!r}; it has {_listed([page.title for page in pages])}.",
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
                raise _too_many_rows(name, limits)
            row = [_cell_text(cell.value) for cell in cells]
            if not any(row):
                continue
            left -= 1
            if left < 0:
                raise _too_many_rows(name, limits)
            if max(map(len, row)) > limits.cell:
                yield line, broken_row(sentence=f"A cell has more than {limits.cell:,} characters.", too_long=True)
            else:
                yield line, row
    except (zipfile.BadZipFile, KeyError, ValueError, ParseError, OSError, TypeError) as error:
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
