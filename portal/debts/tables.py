"""A lender's file as a header and a stream of rows of text, whatever kind of file it is; and why one is not read.

Invariant: what is wrong with the file as a whole is found before its first row, where one pass over the bytes can.
"""

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


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


def read_header(name: str, cells: Sequence[str], *, limits: FileLimits) -> tuple[str, ...]:
    """Return the titles of the columns, each there once.

    :raises FileRefused: if a title is empty or there twice, or there are too many.
    """
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
            f"The header of {name} names more than one column {listed(twice)}; nobody can tell which is meant.",
        )
    return header


def refuse_missing_columns(*, wanted: Iterable[str], header: Sequence[str]) -> None:
    """Refuse a file without a column that the mapping reads, naming all of them and the nearest that are there.

    :raises FileRefused: if a column is missing.
    """
    missing = [title for title in dict.fromkeys(wanted) if title not in header]
    if not missing:
        return
    sentence = f"The file has no column {listed(missing)}."
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
        sentence += f" Its header: {listed(header[:40])}{' and more' if len(header) > 40 else ''}."
    raise FileRefused(FileProblem.MISSING_COLUMN, sentence)


def listed(titles: Sequence[str]) -> str:
    """Return titles as a sentence names them."""
    return ", ".join(repr(_clipped(title)) for title in titles)


def _clipped(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def only_a_header(name: str) -> FileRefused:
    """Return the refusal of a file without a row."""
    return FileRefused(FileProblem.ONLY_A_HEADER, f"{name} has a header and not a single row.")


def too_many_rows(name: str, limits: FileLimits) -> FileRefused:
    """Return the refusal of a file with more rows than one may have."""
    return FileRefused(
        FileProblem.TOO_MANY_ROWS,
        f"{name} has more than {limits.rows:,} rows, the most that one file may have. Cut it into several files.",
    )


def not_a_table(name: str, what: str) -> FileRefused:
    """Return the refusal of a file of another kind."""
    return FileRefused(FileProblem.NOT_A_TABLE, f"{name} is not a table: it is {what}.")
