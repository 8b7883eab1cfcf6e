"""Open a lender's file, told apart by what is in it and not by its name."""

import codecs
import importlib
from pathlib import Path

from portal.debts.csv_tables import looks_utf16, open_csv
from portal.debts.tables import FileLimits, FileProblem, FileRefused, Table, not_a_table


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
        # Loaded when the first workbook comes: it takes a tenth of a second, and most files are CSV.
        workbooks = importlib.import_module("portal.debts.workbooks")
        opened: Table = workbooks.open_workbook(path, sheet=sheet, limits=limits, size=size)
        return opened
    _refuse_other_formats(path.name, head)
    return open_csv(path, declared=encoding, separator=separator, limits=limits, size=size, head=head)


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
_NOT_TEXT = bytes([*range(1, 9), *range(14, 27), *range(28, 32)])


def _refuse_other_formats(name: str, head: bytes) -> None:
    for signature, what in _SIGNATURES:
        if head.startswith(signature) and not (signature == b"BM" and b"\x00" not in head[:32]):
            raise not_a_table(name, what)
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:64].lower()
    if start.startswith(_MARKUP):
        raise not_a_table(name, "a web page (HTML); some systems call such a file .xls. Save it as .xlsx or CSV")
    if start.startswith(b"<"):
        raise not_a_table(name, "an XML file")
    if start.startswith((b'{"', b"{\n", b"{\r", b"{ ", b"[{", b"[\n", b"[[")):
        raise not_a_table(name, "a JSON file")
    if looks_utf16(head) is None and len(head) - len(head.translate(None, _NOT_TEXT)) > len(head) // 100:
        raise not_a_table(name, "not made of text")
